"""Any JSONL of records is a page: SABER records, training rows, drops, pairs and candidates."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.report.page import write_page
from swift_saber.report.results import read_results
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record
from tests.report.made import CHINESE, FIELDS, answer, clashing, reference

SAID = render(Record(**FIELDS), language="en")


def write(path: Path, *rows: dict[str, Any]) -> Path:
    write_rows(path, rows)
    return path


def turns(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": "<video>Describe."}, {"role": "assistant", "content": text}]


def test_records_are_shown_with_their_label_and_what_they_conclude(tmp_path: Path) -> None:
    rows = [clashing("a", labels={"emotion": "Joy"}, source="meld", videos=["a.mp4"]), reference("b", CHINESE)]
    [result] = read_results(write(tmp_path / "train.jsonl", *rows))
    assert (result.kind, result.name, result.scores) == ("records", "train", None)
    assert [(each.verdict, each.read) for each in result.shown.values()] == [("", "sarcastic"), ("", "sarcastic")]
    assert result.shown["b"].fields == CHINESE
    first, second = result.clips.values()
    assert (first.label, first.group, first.videos) == ("happy", "meld", ["a.mp4"])
    assert (first.consistency, first.cues) == (
        "inconsistent",
        [{"visual": "smiles broadly", "acoustic": "clipped and hostile"}],
    )
    assert second.label == "sarcastic"


def test_what_the_checks_found_and_why_a_row_was_dropped_is_shown(tmp_path: Path) -> None:
    checked = reference("a", speech={"wer": 0.1, "transcript": "That is great."})
    dropped = {"row": reference("b"), "reason": "wer", "value": 0.9, "limit": 0.3}
    [result] = read_results(write(tmp_path / "speech.jsonl", checked, dropped))
    assert result.shown["a"].details["checks"]["speech_content"][0]["wer"] == 0.1
    assert (result.shown["a"].verdict, result.shown["a"].reject) == ("", None)
    assert (result.shown["b"].verdict, result.shown["b"].reject) == ("reject", {"reason": "wer"})
    assert result.shown["b"].fields == FIELDS


def test_training_rows_are_read_by_their_answer(tmp_path: Path) -> None:
    row = {"id": "a", "messages": turns(SAID), "videos": ["a.mp4"]}
    [result] = read_results(write(tmp_path / "sft.jsonl", row))
    assert result.shown["a"].fields == FIELDS
    assert result.clips["a"].videos == ["a.mp4"]


def test_the_two_answers_of_a_pair_stand_side_by_side(tmp_path: Path) -> None:
    pair = {
        "id": "a",
        "messages": turns(SAID),
        "rejected_messages": turns("Happy."),
        "scores": {"chosen": 5, "rejected": 2},
    }
    chosen, rejected = read_results(write(tmp_path / "pairs.jsonl", pair))
    assert (chosen.name, rejected.name) == ("pairs: chosen", "pairs: rejected")
    assert chosen.shown["a"].fields == FIELDS
    assert (rejected.shown["a"].response, rejected.shown["a"].scores) == ("Happy.", {"score": 2.0})
    # A swapped pair's rejected answer is about another clip.
    _, rejected = read_results(write(tmp_path / "pairs.jsonl", {**pair, "rejected_videos": ["other.mp4"]}))
    assert rejected.shown["a"].videos == ["other.mp4"]
    # Which kind of pair it is can be chosen as a group.
    chosen, _ = read_results(write(tmp_path / "pairs.jsonl", {**pair, "kind": "swapped"}))
    assert chosen.clips["a"].group == "swapped"


def test_of_candidates_the_best_and_the_worst_stand_side_by_side(tmp_path: Path) -> None:
    scored = [{"text": text, "scores": {"judge": score}} for text, score in (("one", 3), ("two", 1), ("three", 5))]
    bare = [{"text": text} for text in ("one", "two", "three")]
    rows = [{"id": "a", "candidates": scored}, {"id": "b", "candidates": bare}]
    best, worst = read_results(write(tmp_path / "candidates.jsonl", *rows))
    assert [result.shown["a"].response for result in (best, worst)] == ["three", "two"]
    assert [result.shown["b"].response for result in (best, worst)] == ["one", "three"]  # nobody has scored them
    assert [result.name for result in (best, worst)] == ["candidates: best or first", "candidates: worst or last"]
    results = read_results(write(tmp_path / "candidates.jsonl", rows[1]))
    assert [result.name for result in results] == ["candidates: first", "candidates: last"]
    best, worst = read_results(write(tmp_path / "candidates.jsonl", {"id": "a", "candidates": scored[1:]}))
    assert [(best.name, best.shown["a"].response), (worst.name, worst.shown["a"].response)] == [
        ("candidates: best", "three"),
        ("candidates: worst", "two"),
    ]


def test_two_files_of_records_are_seen_side_by_side(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / name, reference("a", fields))
        for name, fields in (("one.jsonl", FIELDS), ("two.jsonl", CHINESE))
    ]
    results = [result for path in paths for result in read_results(path)]
    assert write_page(tmp_path / "report.html", results) == {"clips": 1, "references": 0, "unused": 0, "reviewed": 0}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "file: holds no row"),
        ([reference("a"), reference("a")], "'a' is there twice"),
        ([reference("a"), {"id": "b"}], "x.jsonl:2: row: holds no record"),
        ([reference("a"), {"id": "b", "candidates": [{"text": "x"}, {"text": "y"}]}], "rows of several kinds"),
    ],
)
def test_rows_that_are_no_page_are_named(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    (tmp_path / "x.jsonl").touch()
    with pytest.raises(InputError, match=said):
        read_results(write(tmp_path / "x.jsonl", *rows) if rows else tmp_path / "x.jsonl")


def test_a_file_of_answers_is_told_from_one_of_pairs(tmp_path: Path) -> None:
    [result] = read_results(write(tmp_path / "out.jsonl", answer("a")))
    assert result.kind == "answers"
    pair = {**answer("a"), "rejected_response": "Happy."}
    assert [each.kind for each in read_results(write(tmp_path / "pairs.jsonl", pair))] == ["records", "records"]

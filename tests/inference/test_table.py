"""The table of answers: the columns that people need, in the records too."""

import codecs
import csv
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.inference.files import record_of
from swift_saber.inference.run import infer
from swift_saber.inference.table import write_table
from swift_saber.sed.conclusion import conclude
from swift_saber.sed.layout import render
from swift_saber.sed.record import DIMENSIONS, Record
from tests.inference import fake_model
from tests.media_faults import encode, frames, sound
from tests.report.made import CHINESE, FIELDS, answer, reject, write_answers


def test_a_record_has_its_columns_behind_its_id() -> None:
    found = record_of(answer("a"))
    assert list(found) == ["id", "emotion", "valence", "face", "voice", "conflict", *list(found)[6:]]
    assert {name: found[name] for name in conclude(FIELDS)} == conclude(FIELDS)
    assert (found["emotion"], found["face"], found["voice"], found["conflict"]) == (
        "sarcastic",
        "positive",
        "negative",
        True,
    )
    assert conclude(CHINESE) == conclude(FIELDS)


def test_an_answer_says_how_long_its_clip_is(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swift_saber.models.process.serve", fake_model.serve)
    encode(tmp_path / "a.mp4", frames(), sound())
    write_rows(tmp_path / "in.jsonl", [{"id": "a", "videos": [str(tmp_path / "a.mp4")]}])
    assert infer(str(model), str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")) == 0
    [(_, row)] = read_rows(tmp_path / "out.jsonl")
    [(_, found)] = read_rows(tmp_path / "out.saber.jsonl")
    assert row["seconds"] == found["seconds"] == 2.0  # 16 frames of 8 a second


@pytest.mark.parametrize(
    ("row", "fields", "notes"),
    [
        ({"videos": ["a.mp4"], "audios": ["a.wav"]}, FIELDS, []),
        ({"videos": ["a.mp4"], "audios": None}, FIELDS, ["silent"]),
        ({"videos": ["a.mp4"], "audios": []}, FIELDS, ["silent"]),
        ({"videos": [], "audios": ["a.wav"]}, FIELDS, ["no picture"]),
        ({"videos": [], "audios": []}, FIELDS, []),  # a question about no clip
        ({"audio": "a.wav", "video": "a.mp4"}, FIELDS | {"facial_exp_desc": " "}, ["no face line"]),
        (
            {"audio": "a.wav", "video": "a.mp4", "cut": True},
            FIELDS | {"sentiment_analysis": ""},
            ["no emotion line", "cut short"],
        ),
        ({"audio": "a.wav", "video": "a.mp4", "cut": False}, FIELDS, []),
    ],
)
def test_notes_say_what_an_answer_lacks(row: dict[str, Any], fields: dict[str, str], notes: list[str]) -> None:
    text = render(Record(**fields), language="en")
    assert record_of(answer("a", text, **row))["notes"] == notes


def test_an_answer_that_is_no_record_is_said_to_be_none() -> None:
    found = record_of(answer("a", "I cannot see the clip.", videos=["a.mp4"], audios=["a.wav"]))
    assert (found["notes"], found["seconds"]) == (["none of the six dimensions"], None)


def test_clips_that_stand_in_a_turn_are_clips_too() -> None:
    row = answer("a")
    row["messages"][0]["content"] = [
        {"type": "video_url", "video_url": {"url": "a.mp4"}},
        {"type": "text", "text": "?"},
    ]
    assert record_of(row)["notes"] == ["silent"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Answers that came in another order than the questions, two rejects, and nothing of the last question yet."""
    rows = [
        answer("day/b.mp4", videos=["/clips/b.mp4"], audios=["/clips/b.wav"], seconds=2.5),
        answer("day/a.mp4", render(Record(**CHINESE)), videos=["/clips/a.mp4"], audios=None, cut=True),
    ]
    rejects = [reject("=bad", "is empty"), reject("line-4", "is no object")]
    write_answers(tmp_path / "answers.jsonl", rows, rejects)
    asked = [{"id": "day/a.mp4", "videos": ["/clips/a.mp4"]}]
    asked += [{"id": "=bad", "videos": "/clips/bad.mp4", "messages": 5}]
    asked += [{"id": "day/b.mp4", "videos": ["/clips/b.mp4"]}]
    lines = [*(json.dumps(row) for row in asked), "[]", json.dumps({"id": "later", "videos": ["/clips/c.mp4"]})]
    (tmp_path / "questions.jsonl").write_text("\n".join(lines))
    return tmp_path


COLUMNS = ("emotion", "valence", "face", "voice", "conflict")


def test_the_table_has_a_row_for_each_clip_in_the_order_of_the_questions(run: Path) -> None:
    write_table(run / "answers.jsonl", run, questions=run / "questions.jsonl")
    with (run / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    assert list(found[0])[:8] == ["id", "file", *COLUMNS, "speech_content"]
    assert set(found[0]) == {"id", "file", *COLUMNS, "seconds", "notes", *DIMENSIONS}
    assert [row["id"] for row in found] == ["day/a.mp4", "'=bad", "day/b.mp4", "line-4"]
    first, bad, second, fourth = found
    assert [first[name] for name in COLUMNS] == ["sarcastic", "negative", "positive", "negative", "True"]
    assert {name: first[name] for name in DIMENSIONS} == CHINESE
    assert (first["file"], first["seconds"], first["notes"]) == ("/clips/a.mp4", "", "silent; cut short")
    assert {name: second[name] for name in DIMENSIONS} == FIELDS
    assert (second["file"], second["seconds"], second["notes"]) == ("/clips/b.mp4", "2.5", "")
    assert (bad["file"], bad["notes"]) == ("/clips/bad.mp4", "rejected: is empty; copy the clip again")
    assert not any(bad[name] for name in (*COLUMNS, "seconds", *DIMENSIONS))
    assert (fourth["file"], fourth["notes"]) == ("", "rejected: is no object; copy the clip again")
    assert not (run / "table.xlsx").exists()


def test_the_workbook_has_the_same_rows_and_its_numbers_and_truths_are_such(run: Path) -> None:
    write_table(run / "answers.jsonl", run / "new", xlsx=True, questions=run / "questions.jsonl")
    head, *rows = openpyxl.load_workbook(run / "new" / "table.xlsx").active.iter_rows(values_only=True)  # type: ignore[union-attr]
    with (run / "new" / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        plain = list(csv.reader(file))
    assert [[str(cell or "") for cell in row] for row in rows] == [
        [cell.removeprefix("'") for cell in row] for row in plain[1:]
    ]
    assert list(head) == plain[0]
    first, _, second, _ = (dict(zip(head, row, strict=True)) for row in rows)
    assert (first["conflict"], second["seconds"]) == (True, 2.5)


def test_what_excel_opens_says_that_it_is_utf_8(run: Path) -> None:
    write_table(run / "answers.jsonl", run)
    assert (run / "table.csv").read_bytes().startswith(codecs.BOM_UTF8)


def test_without_the_questions_answers_come_before_rejects(run: Path) -> None:
    write_table(run / "answers.jsonl", run)
    with (run / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["id", "day/b.mp4", "day/a.mp4", "'=bad", "line-4"]


def test_a_run_that_rejected_every_clip_has_a_table_too(tmp_path: Path) -> None:
    write_answers(tmp_path / "answers.jsonl", [], [reject("a")])
    write_table(tmp_path / "answers.jsonl", tmp_path)
    with (tmp_path / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row[0] for row in csv.reader(file)] == ["id", "a"]

"""pairs/choose.py: which answers of a clip become a pair, and one reason where none do."""

import json
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record, Row

from .judge_server import write_records
from .selection import QUESTION, SURE, Made, candidate, clip


def test_the_best_candidate_is_chosen_and_the_worst_rejected(tmp_path: Path) -> None:
    row = clip("a", candidate("so so", 3), candidate("bad", 1.5), candidate("good", 4.5), candidate("none", None))
    made = Made(tmp_path, [row])
    assert made.pairs == [
        {
            "id": "a",
            "clip": "a",
            "kind": "candidates",
            "consistency": "inconsistent",
            "scores": {"chosen": 4.5, "rejected": 1.5},
            "language": "en",
            "messages": [QUESTION, {"role": "assistant", "content": "good"}],
            "videos": ["a.mp4"],
            "audios": ["a.wav"],
            "rejected_response": "bad",
        }
    ]
    assert made.report == {
        "clips": 1,
        "clips_with_pair": 1,
        "pairs": 1,
        "by_kind": {"candidates": 1},
        "by_consistency": {"inconsistent": 1},
        "chosen_from_record": 0,
        "mean_gap": 3.0,
        "excluded": {},
        "failed_candidates": 1,
        "markup_candidates": 0,
    }


@pytest.mark.parametrize(
    ("candidates", "reason"),
    [
        ([], "no candidates"),
        ([candidate("x", 1, "audios")], "no candidates"),
        ([candidate("x", None), candidate("y", None)], "no scored candidate"),
        ([candidate("<video> x", 5), candidate("y", None)], "no scored candidate"),
        ([candidate("x", 3.5), candidate("y", 1)], "no candidate good enough"),
        ([candidate("x", 5), candidate("y", 4.5)], "gap too small"),
        ([candidate("x", 5)], "identical texts"),
        ([candidate("x y", 5), candidate(" x\ny ", 1)], "identical texts"),
    ],
)
def test_a_clip_without_a_pair_has_one_reason(tmp_path: Path, candidates: list[dict[str, Any]], reason: str) -> None:
    made = Made(tmp_path, [clip("a", *candidates), SURE])
    assert made.excluded == {"a": reason}
    assert made.report["excluded"] == {reason: 1} and made.report["clips_with_pair"] == 1


def test_the_thresholds_are_reached_by_what_equals_them(tmp_path: Path) -> None:
    made = Made(tmp_path, [clip("a", candidate("x", 4), candidate("y", 3))], min_chosen=4, min_gap=1)
    assert [pair["scores"] for pair in made.pairs] == [{"chosen": 4, "rejected": 3}]


def test_at_a_gap_of_0_equal_scores_still_make_no_pair(tmp_path: Path) -> None:
    made = Made(tmp_path, [clip("a", candidate("x", 5), candidate("y", 5)), SURE], min_gap=0)
    assert made.excluded == {"a": "gap too small"}


def test_among_equals_the_rejected_text_varies_from_clip_to_clip_and_not_from_run_to_run(tmp_path: Path) -> None:
    bad = [candidate(f"bad {i}", 1) for i in range(3)]
    clips = [clip(f"c{i}", candidate("good", 5), *bad) for i in range(30)]
    runs = []
    for seed, name in ((0, "a"), (0, "b"), (1, "c")):
        (tmp_path / name).mkdir()
        runs.append([pair["rejected_response"] for pair in Made(tmp_path / name, clips, seed=seed).pairs])
    assert set(runs[0]) == {"bad 0", "bad 1", "bad 2"}
    assert runs[0] == runs[1] != runs[2]


def test_the_record_stands_in_where_no_candidate_is_good_enough(tmp_path: Path) -> None:
    records = write_records(tmp_path)
    record = Row.from_dict(json.loads(records.read_text().splitlines()[0])).record
    clips = [clip("a", candidate("x", 3), candidate("y", 2)), clip("gone", candidate("x", 1)), SURE]
    made = Made(tmp_path, clips, records=records, record_as_chosen=True, order="figure")
    pair = made.pairs[0]
    assert pair["kind"] == "record" and pair["id"] == "a"
    assert pair["messages"][1]["content"] == render(record, language="en", order="figure")
    assert pair["scores"] == {"chosen": 5.0, "rejected": 2.0} and pair["rejected_response"] == "y"
    assert made.excluded == {"gone": "no record"}
    assert made.report["chosen_from_record"] == 0.5


def test_a_withheld_pair_sets_the_best_answer_against_one_given_without_a_sense(tmp_path: Path) -> None:
    withheld = [candidate("deaf", 2, "audios"), candidate("blind", 1, "videos")]
    clips = [clip("a", candidate("good", 5), candidate("bad", 3), *withheld), SURE]
    made = Made(tmp_path, clips, kinds=("candidates", "withheld"))
    assert [(pair["id"], pair["kind"], pair["rejected_response"]) for pair in made.pairs] == [
        ("a", "candidates", "bad"),
        ("a#withheld", "withheld", "blind"),
        ("sure", "candidates", "bad"),
    ]
    assert all(pair["messages"][1]["content"] == "good" for pair in made.pairs)
    assert made.report["clips_with_pair"] == 2 and made.report["pairs"] == 3


def test_without_a_withheld_candidate_there_is_no_withheld_pair(tmp_path: Path) -> None:
    clips = [SURE, clip("a", candidate("good", 5), candidate("deaf", 1, "audios"))]
    assert Made(tmp_path, clips, kinds=("withheld",)).excluded == {"sure": "no withheld candidate"}


def test_a_swapped_pair_has_one_answer_and_another_clips_sound_or_picture(tmp_path: Path) -> None:
    records = write_records(tmp_path, [f"c{i}" for i in range(20)])
    clips = [clip(f"c{i}", candidate("good", 5)) for i in range(20)]
    made = Made(tmp_path, clips, records=records, kinds=("swapped",))
    swapped = set()
    for pair in made.pairs:
        assert pair["rejected_messages"] == pair["messages"] and "rejected_response" not in pair
        assert pair["id"] == f"{pair['clip']}#swapped" and "scores" not in pair
        changed = [key for key in ("videos", "audios") if pair[f"rejected_{key}"] != pair[key]]
        assert len(changed) == 1
        swapped.add(changed[0])
    assert swapped == {"videos", "audios"} and len(made.pairs) == 20
    assert made.report["mean_gap"] is None


def test_what_is_swapped_in_says_something_else(tmp_path: Path) -> None:
    records = write_records(tmp_path, ["a", "b"])
    same = records.read_text().replace("voice of b", "voice of a").replace("smile of b", "smile of a")
    records.write_text(same)
    made = Made(tmp_path, [clip("a", candidate("good", 5), candidate("bad", 1))], records=records)
    assert len(made.pairs) == 1
    (tmp_path / "pairs.jsonl").unlink()
    with pytest.raises(InputError, match="no clip to swap with: 1"):
        Made(tmp_path, [clip("a", candidate("good", 5))], records=records, kinds=("swapped",))


def test_a_clip_with_another_number_of_files_is_not_swapped_in(tmp_path: Path) -> None:
    records = write_records(tmp_path, ["a", "b"])
    two = records.read_text().replace('["b.mp4"]', '["b.mp4", "c.mp4"]').replace('["b.wav"]', '["b.wav", "c.wav"]')
    records.write_text(two)
    with pytest.raises(InputError, match="no clip to swap with: 1"):
        Made(tmp_path, [clip("a", candidate("good", 5))], records=records, kinds=("swapped",))


def answer(conclusion: str) -> str:
    """An answer whose evidence is that of no record."""
    evidence = {
        "video_desc": "A room.",
        "acoustic_feat": "Flat.",
        "speech_content": "Sure.",
        "body_lang_desc": "Still.",
    }
    record = Record(**evidence, facial_exp_desc="A smile.", sentiment_analysis=conclusion)
    return render(record, language="en")


JSON = '{{"acoustic_feat": "Flat.", "facial_exp_desc": "A smile.", "sentiment_analysis": "{}"}}'


def test_a_conclusion_pair_keeps_the_evidence_and_takes_the_worst_candidates_conclusion(tmp_path: Path) -> None:
    """One that names the same emotion in other words says nothing else."""
    candidates = [(answer("She is angry."), 5), (answer("She is happy."), 2), (answer("An angry woman."), 1)]
    made = Made(tmp_path, [clip("a", *(candidate(*one) for one in candidates))], kinds=("conclusion",))
    (pair,) = made.pairs
    assert pair["id"] == "a#conclusion" and pair["kind"] == "conclusion" and "scores" not in pair
    assert pair["messages"][1]["content"] == answer("She is angry.")
    assert pair["rejected_response"] == answer("She is happy.")


def test_without_a_bad_candidate_another_clip_of_the_language_gives_the_conclusion(tmp_path: Path) -> None:
    records = write_records(tmp_path, ["a", "b", "c"])
    rows = [json.loads(line) for line in records.read_text().splitlines()]
    said = ({"sentiment_analysis": "Angry."}, {"sentiment_analysis": "Happy."}, {"sentiment_analysis": "她很高兴。"})
    rows = [{**row, **more, "language": kind} for row, more, kind in zip(rows, said, ("en", "en", "zh"), strict=True)]
    records.write_text("".join(json.dumps(row) + "\n" for row in rows))
    made = Made(tmp_path, [clip("a", candidate(answer("Angry."), 5))], records=records, kinds=("conclusion",))
    assert [pair["rejected_response"] for pair in made.pairs] == [answer("Happy.")]


@pytest.mark.parametrize(
    ("chosen", "bad", "rejected"),
    [
        # What would be read as another section of evidence, or break the answer's form, says too much.
        (answer("Angry."), [answer("Happy.\n### Voice\nwarm"), answer("Sad.")], answer("Sad.")),
        (JSON.format("Angry."), [answer('She says "fine": happy.'), answer("Sad.")], JSON.format("Sad.")),
        # And so does another language.
        (answer("Angry."), [answer("她很高兴。"), answer("Sad.")], answer("Sad.")),
        # The evidence is quoted in the conclusion, as a good one does.
        (answer("Flat. A smile. Angry."), [answer("A smile. Happy.")], answer("A smile. Happy.")),
    ],
)
def test_the_conclusion_alone_is_another(tmp_path: Path, chosen: str, bad: list[str], rejected: str) -> None:
    worse = [candidate(text, score) for score, text in enumerate(bad, 1)]
    made = Made(tmp_path, [clip("a", candidate(chosen, 5), *worse)], kinds=("conclusion",))
    assert [pair["rejected_response"] for pair in made.pairs] == [rejected]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("good", "no conclusion in the chosen answer"), (answer("Angry."), "no other conclusion")],
)
def test_why_there_is_no_conclusion_pair(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(InputError, match=f"{reason}: 1"):
        Made(tmp_path, [clip("a", candidate(text, 5))], kinds=("conclusion",))


def test_the_candidate_that_people_chose_is_chosen_whatever_its_score(tmp_path: Path) -> None:
    people = {"review": {"state": "accepted", "reviewers": 2, "best": 1}}
    rows = [
        clip("a", candidate("judge's", 5), candidate("people's", 2), candidate("bad", 1)) | people,
        clip("b", candidate("x", None), candidate("y", None)) | people,
        clip("c", candidate("x", 5), candidate("<video> y", 1)) | people,
    ]
    made = Made(tmp_path, rows)
    assert [pair["messages"][-1]["content"] for pair in made.pairs] == ["people's"]
    assert made.pairs[0]["rejected_response"] == "bad"
    assert made.pairs[0]["scores"] == {"chosen": 5.0, "rejected": 1.0}
    assert made.excluded == {"b": "no scored candidate", "c": "identical texts"}

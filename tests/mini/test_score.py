"""Scoring: truth -> record -> text -> score is the identity, and what is missing counts as wrong."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from swift_saber.mini.score import followed, format_report, score, update_summary
from swift_saber.mini.world import Truth, record, sample_split
from swift_saber.sed.layout import ORDERS, render
from swift_saber.sed.record import Record
from swift_saber.text.strict_json import parse_json

TRUTHS = sample_split("eval", {"consistent": 8, "conflict": 6, "hidden": 4, "mute": 4}, seed=0)
ROWS: list[dict[str, Any]] = [{"id": truth.id, "labels": asdict(truth)} for truth in TRUTHS]
RIGHT = {truth.id: render(record(truth), language="en") for truth in TRUTHS}


def follow_the_face(truth: Truth) -> Record:
    """What a model writes that lets the face decide: the voice is bent until it agrees."""
    if truth.kind != "conflict":
        return record(truth)
    happy = truth.face == "smile"
    bent = replace(
        truth, kind="consistent", voice="warm" if happy else "hostile", emotion="happy" if happy else "angry"
    )
    return record(bent)


@pytest.mark.parametrize("order", ORDERS)
def test_perfect_answers_score_one(order: Any) -> None:
    summary = score(ROWS, {truth.id: render(record(truth), language="en", order=order) for truth in TRUTHS})
    assert summary == {
        "parsed": 1.0,
        "consistent": {"n": 8, "visual": 1.0, "acoustic": 1.0, "emotion": 1.0},
        "conflict": {"n": 6, "visual": 1.0, "acoustic": 1.0, "emotion": 1.0},
        "hidden": {"n": 4, "visual": 1.0, "acoustic": 1.0, "emotion": 1.0},
        "mute": {"n": 4, "visual": 1.0, "acoustic": 1.0, "emotion": 1.0},
    }


def test_answers_that_follow_the_face_fail_on_conflicts_only() -> None:
    summary = score(ROWS, {truth.id: render(follow_the_face(truth), language="en") for truth in TRUTHS})
    assert summary["conflict"] == {"n": 6, "visual": 1.0, "acoustic": 0.0, "emotion": 0.0}
    assert all(summary[kind]["emotion"] == 1.0 for kind in ("consistent", "hidden", "mute"))
    answers = {truth.id: render(follow_the_face(truth), language="en") for truth in TRUTHS}
    assert followed(ROWS, answers) == {"face": 1.0, "voice": 0.0}


def test_who_is_followed_is_a_share_of_all_conflicts_answered_or_not() -> None:
    conflicts = [truth for truth in TRUTHS if truth.kind == "conflict"]
    by_voice = replace(conflicts[0], kind="consistent", emotion="happy" if conflicts[0].voice == "warm" else "angry")
    answers = {
        conflicts[0].id: render(record(by_voice), language="en"),
        conflicts[1].id: render(follow_the_face(conflicts[1]), language="en"),
        conflicts[2].id: render(record(conflicts[2]), language="en"),
    }
    assert followed(ROWS, answers) == {"face": 1 / 6, "voice": 1 / 6}
    assert followed([row for row in ROWS if row["labels"]["kind"] == "mute"], {}) == {}


def test_missing_answers_are_wrong_and_stay_in_the_denominator() -> None:
    half = {truth.id: RIGHT[truth.id] for truth in TRUTHS if int(truth.id[-1]) % 2 == 0}
    summary = score(ROWS, half)
    assert summary["parsed"] == 0.5
    assert summary["conflict"] == {"n": 6, "visual": 0.5, "acoustic": 0.5, "emotion": 0.5}
    assert score(ROWS, {})["mute"] == {"n": 4, "visual": 0.0, "acoustic": 0.0, "emotion": 0.0}


@pytest.mark.parametrize("text", ["", "happy angry", "{", "### Scene\nA wall."])
def test_an_answer_without_the_six_dimensions_is_wrong(text: str) -> None:
    summary = score(ROWS, RIGHT | {TRUTHS[0].id: text})
    assert summary["parsed"] == pytest.approx(1 - 1 / len(TRUTHS))
    assert summary["consistent"]["visual"] == 7 / 8


def test_naming_two_emotions_is_not_naming_one() -> None:
    both = replace(record(TRUTHS[0]), sentiment_analysis="happy or angry")
    assert score(ROWS[:1], {TRUTHS[0].id: render(both, language="en")})["consistent"]["emotion"] == 0.0


def test_no_rows_is_an_error() -> None:
    with pytest.raises(ValueError, match="no held-out rows"):
        score([], RIGHT)


def test_report_shows_truth_answer_and_table() -> None:
    answers = {truth.id: render(follow_the_face(truth), language="en") for truth in TRUTHS}
    report = format_report(ROWS, answers, clips_per_kind=1)
    assert "eval-conflict-00000  truth: face smile, voice hostile, emotion sarcastic" in report
    assert "WRONG  The face and the voice agree: happy." in report
    assert "(no answer)" in format_report(ROWS, {})
    table = {line.split()[0]: line.split()[1:] for line in report.splitlines()[-6:]}
    assert table["conflict"] == ["6", "1.00", "0.00", "0.00"]


def test_summaries_of_other_stages_stay(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    update_summary(path, "sed", {"parsed": 1.0})
    update_summary(path, "dpo", {"parsed": 0.5})
    update_summary(path, "sed", {"parsed": 0.75})
    assert parse_json(path.read_text(), "summary") == {"sed": {"parsed": 0.75}, "dpo": {"parsed": 0.5}}

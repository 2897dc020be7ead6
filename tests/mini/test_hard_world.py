"""The harder world of tests/benchmarks/hard_world.py: what follows, what is graded, what is wrong, and its files."""

import json
import math
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import soundfile

from swift_saber.data.rows import read_rows
from swift_saber.mini import world as demo
from swift_saber.mini.rules import FOLLOWS, MiniScorer
from swift_saber.mini.score import followed, score
from swift_saber.mini.world import KINDS, record
from swift_saber.sed.layout import render
from swift_saber.sed.record import Row

from ..benchmarks import hard_world as hard

FEW = {"consistent": 3, "plain": 3, "conflict": 3, "hidden": 3, "mute": 3}
MANY = hard.sample_split("train", dict.fromkeys(KINDS, 150), seed=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("hard")
    hard.write_world(place, seed=5, train_counts=FEW, pairs_counts=FEW, eval_counts=FEW, workers=1)
    return place


def rows(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(path)]


def test_six_emotions_follow_from_face_and_voice_in_equal_numbers() -> None:
    meaning = {
        ("smile", "warm"): "happy",
        ("frown", "hostile"): "angry",
        ("gape", "trembling"): "afraid",
        ("smile", "hostile"): "sarcastic",
        ("frown", "warm"): "forced calm",
        ("smile", "trembling"): "nervous",
        ("hidden", "warm"): "happy",
        ("hidden", "hostile"): "angry",
        ("hidden", "trembling"): "afraid",
        ("smile", "plain"): "happy",
        ("frown", "plain"): "angry",
        ("gape", "plain"): "afraid",
        ("smile", "silent"): "happy",
        ("frown", "silent"): "angry",
        ("gape", "silent"): "afraid",
    }
    assert {(truth.face, truth.voice): truth.emotion for truth in MANY} == meaning
    assert all(FOLLOWS[states] == emotion for states, emotion in meaning.items())
    for kind in KINDS:
        assert set(Counter(truth.emotion for truth in MANY if truth.kind == kind).values()) == {50}


def test_held_out_conflicts_are_balanced_and_training_ones_rare() -> None:
    held_out = hard.sample_split("eval", hard.EVAL_COUNTS, seed=0)
    emotions = Counter(truth.emotion for truth in held_out if truth.kind == "conflict")
    assert len(emotions) == 3 and len(set(emotions.values())) == 1 and emotions.total() >= 90
    assert hard.PAIRS_COUNTS["conflict"] >= 80
    rare = demo.TRAIN_COUNTS["conflict"] / sum(demo.TRAIN_COUNTS.values())
    assert hard.TRAIN_COUNTS["conflict"] / sum(hard.TRAIN_COUNTS.values()) == pytest.approx(rare, rel=0.01)


def test_every_voice_with_a_tone_is_graded_whatever_its_kind() -> None:
    low, high = hard.STRENGTHS
    for kind in ("consistent", "conflict", "hidden"):
        drawn = [truth.strength for truth in MANY if truth.kind == kind]
        assert all(strength is not None and low <= strength <= high for strength in drawn)
        # The mean of n uniform draws, within four of its standard deviations of width / sqrt(12 n).
        mean = sum(strength for strength in drawn if strength is not None) / len(drawn)
        assert abs(mean - (low + high) / 2) < 4 * (high - low) / math.sqrt(12 * len(drawn))
    assert {truth.strength for truth in MANY if truth.voice in ("plain", "silent")} == {None}


@pytest.mark.parametrize("split", ["train", "pairs"])
def test_a_tenth_of_the_records_names_another_emotion(split: str) -> None:
    truths = hard.sample_split(split, dict.fromkeys(KINDS, 300), seed=2)
    wrong = [truth for truth in truths if truth.recorded != truth.emotion]
    # Of n draws with probability p, a share within four standard deviations of sqrt(p (1 - p) / n).
    assert abs(len(wrong) / len(truths) - 0.1) < 4 * math.sqrt(0.1 * 0.9 / len(truths))
    assert {truth.recorded for truth in wrong} == set(demo.EMOTIONS)


def test_the_wrong_ones_do_not_depend_on_how_many_clips_there_are() -> None:
    few = {truth.id: truth for truth in hard.sample_split("train", dict.fromkeys(KINDS, 30), seed=1)}
    assert {truth.id: truth for truth in MANY if truth.id in few} == few


def test_rows_say_whether_their_record_is_wrong_and_labels_keep_the_truth(tmp_path: Path) -> None:
    made = [(truth, hard.training_row(truth, tmp_path)) for truth in MANY]
    for truth, row in made:
        read = Row.from_dict(row)
        assert row["labels"] == asdict(truth)
        assert row["wrong_record"] == (truth.recorded != truth.emotion)
        assert (read.record.sentiment_analysis == record(truth).sentiment_analysis) is not row["wrong_record"]
        # Nothing but the conclusion is wrong.
        assert replace(read.record, sentiment_analysis="", extra={}) == replace(record(truth), sentiment_analysis="")
    assert {row["wrong_record"] for _, row in made} == {True, False}


def test_right_records_score_one_and_the_rules_prefer_them() -> None:
    held_out = hard.sample_split("eval", dict.fromkeys(KINDS, 6), seed=3)
    questions = [{"id": truth.id, "labels": asdict(truth)} for truth in held_out]
    answers = {truth.id: render(record(truth), language="en") for truth in held_out}
    perfect = {"n": 6, "visual": 1.0, "acoustic": 1.0, "emotion": 1.0}
    assert score(questions, answers) == {"parsed": 1.0, **dict.fromkeys(KINDS, perfect)}
    rate = MiniScorer()
    for row in questions:
        assert set(rate(row, answers[row["id"]]).scores.values()) == {5}
    nervous = next(truth for truth in held_out if truth.emotion == "nervous")
    by_face = replace(nervous, kind="consistent", voice="warm", emotion="happy")
    bent = render(record(by_face), language="en")
    # As in the demo: happy follows from the bent evidence; a misread voice is worth at most 2.
    assert list(rate({"id": nervous.id, "labels": asdict(nervous)}, bent).scores.values()) == [5, 2]
    one = [row for row in questions if row["id"] == nervous.id]
    assert followed(one, {nervous.id: bent}) == {"face": 1.0, "voice": 0.0}


def test_scores_by_strength_count_every_conflict_once() -> None:
    held_out = hard.sample_split("eval", {"conflict": 90, "consistent": 3}, seed=0)
    questions = [{"id": truth.id, "labels": asdict(truth)} for truth in held_out]
    low, high = hard.STRENGTHS
    middle = (low + high) / 2
    loud = {truth.id: render(record(truth), language="en") for truth in held_out if (truth.strength or 0) >= middle}
    slight, full = hard.by_strength(questions, loud, parts=2)
    assert slight["n"] + full["n"] == 90
    assert low <= slight["from"] <= slight["to"] < middle <= full["from"] <= full["to"] <= high
    assert (slight["emotion"], slight["acoustic"], full["emotion"], full["acoustic"]) == (0, 0, 1, 1)
    strongest = [{"id": "a", "labels": {**questions[-1]["labels"], "kind": "conflict", "strength": high}}]
    assert [part["n"] for part in hard.by_strength(strongest, {})] == [1]


def test_the_folder_is_a_world_folder(folder: Path) -> None:
    clips = sum(FEW.values())
    names = ("train.jsonl", "pairs_clips.jsonl", "eval.jsonl", "eval_records.jsonl")
    train, pairs, questions, right = (rows(folder / name) for name in names)
    assert [len(found) for found in (train, pairs, questions, right)] == [clips] * 4
    assert len(list((folder / "media").iterdir())) == 2 * 3 * clips
    assert not any(row["wrong_record"] for row in right)
    assert all(Path(path).is_file() for row in [*train, *questions] for path in row["videos"] + row["audios"])
    assert json.loads((folder / "world.json").read_text())["world"] == "hard"


def test_a_slight_voice_sounds_otherwise_than_a_full_one(folder: Path, tmp_path: Path) -> None:
    truth = next(truth for truth in hard.sample_split("train", FEW, seed=5) if truth.voice == "hostile")
    hard.write_clip(replace(truth, strength=1.0), media=tmp_path, seed=5)
    assert truth.strength is not None and truth.strength < 1

    def unevenness(path: Path) -> float:
        """Of the loudness in 10 ms pieces: standard deviation over mean."""
        pieces = (soundfile.read(str(path))[0].reshape(100, -1) ** 2).mean(axis=1) ** 0.5
        return float(pieces.std() / pieces.mean())

    assert unevenness(folder / "media" / f"{truth.id}.wav") < unevenness(tmp_path / f"{truth.id}.wav")


def test_the_demo_draws_none_of_what_is_new() -> None:
    drawn = demo.sample_split("train", dict.fromkeys(KINDS, 60), seed=0)
    assert {truth.emotion for truth in drawn} == {"happy", "angry", "sarcastic", "forced calm"}
    assert {truth.face for truth in drawn} == {"smile", "frown", "hidden"}
    assert {truth.voice for truth in drawn} == {"warm", "hostile", "plain", "silent"}

"""MER-UniBench: from two files to scores, worked out by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from swift_saber.cli import main as cli
from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.mer_unibench import hit_rate, hits, items, read_truths, scores
from swift_saber.evaluation.summary import read_items, read_scores
from swift_saber.text.wheel import Wheels
from tests.text.test_wheel import emotion_wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return emotion_wheel(tmp_path_factory.mktemp("w") / "emotion_wheel")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    write_rows(path, rows)
    return path


TRUTHS = [{"id": "a", "emotion": "mad"}, {"id": "b", "emotion": "happy"}, {"id": "c", "emotion": "neutral"}]
LABELS = [{"id": "a", "labels": ["blue"]}, {"id": "c", "labels": []}]


def test_the_command_scores_labels_and_no_clip_is_left_out(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, said = write(tmp_path / "truth.jsonl", TRUTHS), write(tmp_path / "labels.jsonl", LABELS)
    given = ["eval", "mer-unibench", "--data", str(truth), "--answers", str(said), "--wheel", str(wheel)]
    assert cli.main([*given, "--model", "m", "-o", str(tmp_path / "run")]) == 0
    found = read_scores(tmp_path / "run")["metrics"]["hit_rate"]
    # b has no answer and misses where a wheel knows it, which wheel 1 alone does; c is in no wheel.
    assert found["value"] == pytest.approx((0 / 2 + 4 * 1 / 1) / 5)
    pairs = (("mad", ["blue"]), ("happy", []), ("neutral", []))
    assert found["value"] == hit_rate([hits(truth, labels, Wheels(wheel)) for truth, labels in pairs]).value
    assert (found["n"], found["missing"], found["invalid"]) == (3, 1, 1)
    assert found["low"] <= found["value"] <= found["high"]
    assert [item.state for item in read_items(tmp_path / "run")] == ["answered", "missing", "invalid"]
    assert "1 of 3 truths are in no wheel" in capsys.readouterr().out


def test_signs_are_scored_and_a_null_is_wrong(tmp_path: Path) -> None:
    truths = {name: ("all", value) for name, value in {"a": 1.0, "b": -0.5, "c": 0.0, "d": 2.0}.items()}
    said = write(
        tmp_path / "s.jsonl",
        [{"id": "a", "sentiment": 3}, {"id": "b", "sentiment": -1}, {"id": "d", "sentiment": None}],
    )
    found = scores(items(truths, said, None))["metrics"]
    # c is zero and does not count; of a, b, d two are right.
    assert found["accuracy"]["value"] == pytest.approx(2 / 3)
    # F1 of positive: 2 * 1 / (2 + 1) = 2/3, of negative: 1; weights 2/3 and 1/3.
    assert found["f1"]["value"] == pytest.approx(2 / 3 * 2 / 3 + 1 / 3)
    assert found["f1"]["missing"] == 1  # c
    assert found["f1"]["invalid"] == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"id": "a", "emotion": "mad"}, {"id": "a", "emotion": "mad"}], "truth.jsonl:2: id: 'a' is there twice"),
        ([{"id": "a"}], "neither an emotion nor a sentiment"),
        ([{"id": "a", "sentiment": True}], "neither an emotion nor a sentiment"),
        ([{"id": "a", "emotion": "mad"}, {"id": "b", "sentiment": 1}], "has emotions and sentiments"),
        ([{"emotion": "mad"}], "id: is missing"),
    ],
)
def test_a_truth_that_cannot_be_used_is_named(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=said):
        read_truths(path)


def test_answers_of_other_data_and_emotions_without_wheels_are_refused(tmp_path: Path, wheel: Path) -> None:
    said = write(tmp_path / "l.jsonl", [{"id": "z", "labels": ["mad"]}])
    with pytest.raises(InputError, match="'z' has no truth"):
        items({"a": ("all", "mad")}, said, Wheels(wheel))
    with pytest.raises(InputError, match="name the emotion_wheel folder"):
        items({"a": ("all", "mad")}, said, None)

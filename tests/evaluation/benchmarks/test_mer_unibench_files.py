"""MER-UniBench: from two files to scores, worked out by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from swift_saber.cli import main as cli
from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.mer_unibench.items import items
from swift_saber.evaluation.benchmarks.mer_unibench.scores import hit_rate, hits, scores
from swift_saber.evaluation.benchmarks.mer_unibench.truths import read_truths
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
        ([{"id": 1, "emotion": "mad"}], "id: is 1, not a name"),
    ],
)
def test_a_truth_that_cannot_be_used_is_named(tmp_path: Path, rows: list[dict[str, Any]], said: str) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=said):
        read_truths(path)


def test_answers_of_other_data_and_emotions_without_wheels_are_refused(tmp_path: Path, wheel: Path) -> None:
    said = write(tmp_path / "l.jsonl", [{"id": "z", "labels": ["mad"]}])
    with pytest.raises(InputError, match="jsonl:1: id: 'z' has no truth"):
        items({"a": ("all", "mad")}, said, Wheels(wheel))
    with pytest.raises(InputError, match="name the emotion_wheel folder"):
        items({"a": ("all", "mad")}, said, None)


def test_officially_a_neutral_or_unreadable_answer_is_not_positive(tmp_path: Path) -> None:
    truths = read_truths(write(tmp_path / "t.jsonl", [{"id": "a", "sentiment": -1.4}, {"id": "b", "sentiment": 2.0}]))

    def values(*said: Any) -> list[float]:
        rows = [{"id": name, "sentiment": one} for name, one in zip("ab", said, strict=False)]
        found = scores(items(truths, write(tmp_path / "s.jsonl", rows), None), official=True)["metrics"]
        return [found[name]["value"] for name in ("f1_official", "accuracy_official", "f1", "accuracy")]

    # Ours: a is wrong. F1 of negative 0, of positive 1, each of half the truths.
    for one in ("neutral", "a mixture", 0, None):
        assert values(one, "positive") == [1.0, 1.0, 0.5, 0.5]
    assert values("negative", 3) == [1.0, 1.0, 1.0, 1.0]
    # b is negative then; F1 of negative 2 * 1 / (1 + 2) = 2/3, of positive 0.
    assert values("negative", "neutral") == [pytest.approx(1 / 3), 0.5, 0.5, 0.5]
    # Their scorer compares the word as it is.
    assert values("negative", "Positive") == [pytest.approx(1 / 3), 0.5, 1.0, 1.0]
    # A missing answer is wrong by both.
    assert values("negative") == [0.5, 0.5, 0.5, 0.5]


def test_scores_by_the_official_rule_are_there_only_when_asked_for_and_told_apart(tmp_path: Path) -> None:
    truths = {"a": ("s", 1.0), "b": ("t", -1.0)}
    found = items(truths, write(tmp_path / "s.jsonl", [{"id": "b", "sentiment": "neutral"}]), None)
    ours, both = scores(found), scores(found, official=True)
    assert list(ours["metrics"]) == ["mean_of_sets", "f1", "accuracy"]
    assert list(both["metrics"]) == [
        *("mean_of_sets", "mean_of_sets_official"),
        *("f1", "accuracy", "f1_official", "accuracy_official"),
    ]
    assert {name: both["metrics"][name] for name in ours["metrics"]} == ours["metrics"]
    assert [both["metrics"][name]["value"] for name in ("mean_of_sets", "mean_of_sets_official")] == [0, 0.5]
    assert any(
        note.startswith("..._official: a neutral or unreadable answer counts as not pos") for note in both["notes"]
    )
    assert not any("_official" in note for note in ours["notes"])


def test_the_headline_is_the_mean_of_the_sets_and_the_pool_stands_beside_it(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("a", "x", "happy", "glad"), *((name, "y", "happy", "mad") for name in "bcd")]
    truth = write(tmp_path / "truth.jsonl", [{"id": name, "emotion": is_, "group": of} for name, of, is_, _ in rows])
    said = write(tmp_path / "labels.jsonl", [{"id": name, "labels": [label]} for name, _, _, label in rows])
    given = ["eval", "mer-unibench", "--data", str(truth), "--answers", str(said), "--wheel", str(wheel)]
    assert cli.main([*given, "-o", str(tmp_path / "run")]) == 0
    found = read_scores(tmp_path / "run")["metrics"]
    # One hit of one, and none of three.
    assert {name: of["value"] for name, of in found.items()} == {"mean_of_sets": 0.5, "hit_rate": 0.25}
    assert next(iter(found)) == "mean_of_sets"
    shown = capsys.readouterr().out.replace("\\", "")
    assert "mean_of_sets: the mean over 2 sets of hit_rate; the other scores are of all their clips pooled" in shown


def test_two_models_are_compared_clip_by_clip(wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truths = [
        *({"id": name, "emotion": "mad", "group": "e"} for name in "ab"),
        {"id": "n", "emotion": "neutral", "group": "e"},
        *({"id": name, "sentiment": value, "group": "s"} for name, value in (("c", 1), ("d", -1), ("z", 0))),
    ]
    truth = write(tmp_path / "truth.jsonl", truths)
    one = [{"id": "a", "labels": ["blue"]}, {"id": "c", "sentiment": "positive"}, {"id": "d", "sentiment": "neutral"}]
    two = [*({"id": name, "labels": ["livid"]} for name in "ab"), {"id": "d", "sentiment": "negative"}]
    for name, said in (("one", one), ("two", two)):
        given = ["--data", str(truth), "--answers", str(write(tmp_path / f"{name}.jsonl", said)), "--wheel", str(wheel)]
        assert cli.main(["eval", "mer-unibench", *given, "-o", str(tmp_path / name)]) == 0
    capsys.readouterr()
    assert cli.main(["eval", "compare", str(tmp_path / "one"), str(tmp_path / "two")]) == 0
    rows = {
        cells[0]: cells[1:4] for line in capsys.readouterr().out.splitlines() if len(cells := line.split(" | ")) > 5
    }
    # a: 4 of 5 wheels hit, then 5; b: none, then 5. c and d change places. n and z count nowhere.
    assert rows["| hit"] == ["2", "0.400", "1.000"]
    assert rows["| accuracy"] == ["2", "0.500", "0.500"]


def test_sets_of_all_kinds_have_one_mean(wheel: Path, tmp_path: Path) -> None:
    truths = {
        "a": ("MER2023", "mad"),
        "b": ("MOSI", 1.0),
        "c": ("MOSI", -1.0),
        "d": ("OV-MERD", ["mad", "blue"]),
    }
    rows = [
        {"id": "a", "labels": ["livid"]},
        {"id": "b", "sentiment": "positive"},
        {"id": "c", "sentiment": 1},
        {"id": "d", "labels": ["mad"]},
    ]
    found = scores(items(truths, write(tmp_path / "s.jsonl", rows), Wheels(wheel)), Wheels(wheel))
    # MOSI: F1 of positive 2 * 1 / (1 + 2), of negative 0. OV-MERD: wheel 1 P 1, R 1/2, F 2/3; wheels 2 to 5 all is bad.
    first = [1.0, 2 / 3 / 2, (2 / 3 + 4) / 5]
    assert [
        of[name]["value"] for of, name in zip(found["groups"].values(), ("hit_rate", "f1", "ew_f1_level1"), strict=True)
    ] == pytest.approx(first)
    assert found["metrics"]["mean_of_sets"]["value"] == pytest.approx(sum(first) / 3)
    assert "6 of MER-UniBench's 9 sets" not in " ".join(found["notes"])
    assert "3 of MER-UniBench's 9 sets; not here: MER2024, MELD, IEMOCAP, MOSEI, SIMS, SIMSv2" in found["notes"]
    with pytest.raises(InputError, match="has emotions and sentiments, or labels, of one set"):
        read_truths(write(tmp_path / "t.jsonl", [{"id": "a", "labels": []}, {"id": "b", "emotion": "sad"}]))

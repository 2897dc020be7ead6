"""EmoBench-M's own result files: read, written, and scored to the digit as its scorer does."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.emobench_m.items import items
from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS
from swift_saber.evaluation.benchmarks.emobench_m.official import from_official, to_official
from swift_saber.evaluation.benchmarks.emobench_m.scores import scores
from swift_saber.evaluation.metrics import bleu, rouge_l
from tests.evaluation.benchmarks.emobench_m.folder import REFERENCE, write_benchmark, write_lines

CLASSES = [
    {"video": "a.mp4", "expected_value": "positive", "predicted_value": "neutral"},
    {"video": "b.mp4", "expected_value": "Negative ", "predicted_value": " NEGATIVE"},
    {"video": "c.mp4", "expected_value": "neutral", "predicted_value": "I think it is neutral."},
    {"video": "d.mp4", "expected_value": "neutral", "predicted_value": ""},
    {"video": "e.mp4", "expected_value": "positive"},
]
PAIRS = [
    {
        "modal_path": f"/p/{name}.mp4", "expected_emotion": "happy", "expected_intent": "neutral",
        "predicted_emotion": emotion, "predicted_intent": intent,
    }
    for name, emotion, intent in [("a", "happy", "neutral"), ("b", "Happy", "wishing"), ("c", "joy", "neutral")]
]  # fmt: skip
TEXTS = [
    {"video": "a.mp4", "prediction": REFERENCE, "reference": REFERENCE},
    {"video": "b.mp4", "prediction": "", "reference": REFERENCE},
]


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def official_scorer(rows: list[dict[str, Any]], keys: list[tuple[str, str]], labels: list[tuple[str, ...]]) -> dict:
    """The scorer's numbers, worked out anew: only rows whose every value is a label; weighted by support."""

    def value(row: dict[str, Any], key: str) -> str:
        return row.get(key, "").strip().lower()

    valid = [
        row
        for row in rows
        if all(value(row, key) in known for both, known in zip(keys, labels, strict=True) for key in both)
    ]
    truth = ["_".join(value(row, key) for key, _ in keys) for row in valid]
    said = ["_".join(value(row, key) for _, key in keys) for row in valid]
    support, answers = Counter(truth), Counter(said)
    hits = Counter(one for one, other in zip(truth, said, strict=True) if one == other)
    numbers = dict.fromkeys(("accuracy", "precision", "recall", "f1"), 0.0)
    for label, weight in support.items():
        precision = hits[label] / answers[label] if answers[label] else 0.0
        recall = hits[label] / weight
        share = weight / len(truth)
        numbers["accuracy"] += hits[label] / len(truth)
        numbers["precision"] += share * precision
        numbers["recall"] += share * recall
        numbers["f1"] += share * (2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return numbers


def values(found: dict[str, Any], group: str, names: Any) -> dict[str, float]:
    return {name: found["groups"][group][name]["value"] for name in names}


@pytest.mark.parametrize("form", ["list", "examples", "lines"])
def test_the_three_forms_of_a_file_say_the_same(tmp_path: Path, form: str) -> None:
    value = CLASSES if form == "list" else {"task_name": "x", "examples": CLASSES}
    path = write_lines(tmp_path / "MOSI.jsonl", CLASSES) if form == "lines" else write(tmp_path / "MOSI.json", value)
    found = from_official(path)
    assert [(one.id, one.truth, one.prediction, one.state) for one in found] == [
        ("MOSI/a.mp4", "positive", "neutral", "answered"),
        ("MOSI/b.mp4", "negative", "negative", "answered"),
        ("MOSI/c.mp4", "neutral", "neutral", "answered"),
        ("MOSI/d.mp4", "neutral", None, "invalid"),
        ("MOSI/e.mp4", "positive", None, "missing"),
    ]
    # The scorer takes a sentence for no label.
    assert [one.state for one in from_official(path, official=True)][2:] == ["invalid", "invalid", "missing"]


def test_official_scores_are_those_of_the_scorer(tmp_path: Path) -> None:
    path = write(tmp_path / "MOSI.json", CLASSES)
    found = scores(from_official(path, official=True), official=True)
    # Two rows are left, of which one is right: positive 0 of 1, negative 1 of 1; all four numbers are 1/2.
    names = ("accuracy", "precision", "recall", "f1")
    assert values(found, "MOSI", names) == pytest.approx(dict.fromkeys(names, 0.5))
    assert found["groups"]["MOSI"]["accuracy"]["n"] == 2
    # Ours: 2 of 5, since a sentence may say a label and nobody gets away with silence.
    assert values(scores(from_official(path)), "MOSI", ["accuracy"]) == {"accuracy": pytest.approx(0.4)}


def test_emotion_and_intent_are_joined(tmp_path: Path) -> None:
    path = write(tmp_path / "emotion_intent.json", {"examples": PAIRS})
    found = from_official(path)
    assert [(one.group, one.truth, one.prediction, one.state) for one in found] == [
        ("MC-EIU", "happy_neutral", "happy_neutral", "answered"),
        ("MC-EIU", "happy_neutral", "happy_wishing", "answered"),
        ("MC-EIU", "happy_neutral", None, "invalid"),
    ]
    assert [one.scores["intent"] for one in found] == [1, 0, 1]
    assert scores(found)["groups"]["MC-EIU"]["accuracy"]["value"] == pytest.approx(1 / 3)
    official = scores(from_official(path, official=True), official=True)
    assert official["groups"]["MC-EIU"]["accuracy"]["value"] == pytest.approx(1 / 2)


def test_reasoning_is_read(tmp_path: Path) -> None:
    found = from_official(write(tmp_path / "reason.json", {"examples": TEXTS}))
    assert [(one.group, one.state, one.scores["rouge_l"]) for one in found] == [
        ("smile", "answered", pytest.approx(1)),
        ("smile", "invalid", 0),
    ]


def test_a_file_is_of_the_scenario_that_its_name_says(tmp_path: Path) -> None:
    assert {one.group for one in from_official(write(tmp_path / "my_ch-simsv2s_v1.json", CLASSES))} == {"ch-simsv2s"}
    assert {one.group for one in from_official(write(tmp_path / "SIMS.json", CLASSES))} == {"SIMS"}
    # The labels are clear though the scenario is not: scored, and part of no dimension.
    found = scores(from_official(write(tmp_path / "emotion_classification.json", CLASSES)))
    assert found["groups"]["emotion_classification"]["accuracy"]["value"] == pytest.approx(0.4)
    assert found["tables"]["emotion_classification"]["labels"] == ["neutral", "negative", "positive"]
    assert (
        "emotion_classification is no scenario of EmoBench-M by its name, and part of no dimension." in found["notes"]
    )
    with pytest.raises(InputError, match="is not clear from the file's name"):
        from_official(write(tmp_path / "y.json", [CLASSES[2]]))  # "neutral" is a label of many


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "a list without rows"),
        ({"task_name": "x"}, "an object without rows"),
        ([1], "a number, not an object"),
        ([{"video": "a"}], "has the keys 'video'"),
        ([{"expected_value": "positive"}], "is missing, and so is id"),
        ([{"video": "a", "expected_value": ""}], "has no value"),
        ([{"video": "a", "expected_value": 1}], "is a number, not a string"),
        ([CLASSES[0], {**CLASSES[0], "predicted_value": ["x"]}], "is a list, not a string"),
        ([CLASSES[0], CLASSES[0]], "is there twice"),
    ],
)
def test_a_bad_file_is_an_error_with_its_place(tmp_path: Path, value: Any, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        from_official(write(tmp_path / "MOSI.json", value))


@pytest.mark.parametrize("official", [False, True])
def test_the_official_scorer_gives_our_official_numbers_on_what_we_write(tmp_path: Path, official: bool) -> None:
    names = ["RAVDSS_speech", "FGMSA", "MC-EIU", "smile"]
    folder = write_benchmark(tmp_path / "b", names, 16)
    rows = []
    for name in names:
        scenario = SCENARIOS[name]
        for number in range(16):
            label = scenario.labels[number * number % len(scenario.labels)] if scenario.labels else REFERENCE[number:]
            intent = f", 'intent label': '{scenario.intents[number % 8]}'" if scenario.intents else ""
            text = {3: "no idea", 5: "", 7: f"It is {label}.", 9: f"not {label}"}.get(number)
            usual = f"{{'emotion label': '{label}'{intent}}}" if scenario.labels else label
            if number != 11:
                rows.append({"id": f"{name}/{number}", "response": usual if text is None else text})
    found = items(folder, write_lines(tmp_path / "a.jsonl", rows), None, official=official)
    ours = scores(found, official=True)
    paths = to_official(found, tmp_path / "out")
    assert [path.name for path in paths] == [
        "RAVDSS_speech.json",
        "FGMSA.json",
        "MC-EIU.jsonl",
        "smile.json",
        "smile.csv",
    ]
    for name in ("RAVDSS_speech", "FGMSA"):
        written = json.loads((tmp_path / f"out/{name}.json").read_text())
        assert len(written) == 16
        theirs = official_scorer(written, [("expected_value", "predicted_value")], [SCENARIOS[name].labels])
        assert values(ours, name, theirs) == pytest.approx(theirs, abs=1e-12)
    written = [json.loads(line) for line in (tmp_path / "out/MC-EIU.jsonl").read_text().splitlines()]
    keys = [(f"expected_{name}", f"predicted_{name}") for name in ("emotion", "intent")]
    theirs = official_scorer(written, keys, [SCENARIOS["MC-EIU"].labels, SCENARIOS["MC-EIU"].intents])
    assert values(ours, "MC-EIU", theirs) == pytest.approx(theirs, abs=1e-12)
    written = json.loads((tmp_path / "out/smile.json").read_text())
    kept = [row for row in written if row["prediction"].strip()]
    assert len(kept) == 14  # without the empty one and the missing one
    theirs = {"bleu": sum(bleu(row["reference"], row["prediction"]) for row in kept) / 14}
    theirs["rouge_l"] = sum(rouge_l(row["reference"], row["prediction"]) for row in kept) / 14
    assert values(ours, "smile", theirs) == pytest.approx(theirs, abs=1e-12)
    with (tmp_path / "out/smile.csv").open(newline="") as file:
        assert next(csv.DictReader(file)) == {"video": "videos/0.mp4", "prediction": REFERENCE, "expected": REFERENCE}


def test_what_we_write_is_read_again(tmp_path: Path) -> None:
    folder = write_benchmark(tmp_path / "b", ["MOSI", "MC-EIU", "smile"], 3)
    rows = [
        {"id": f"{name}/{number}", "response": text}
        for name in ("MOSI", "MC-EIU", "smile")
        for number, text in enumerate(["neutral, surely", '"Hé\n,字" \u2028 \ud800'])
    ]
    found = items(folder, write_lines(tmp_path / "a.jsonl", rows), None)
    paths = [path for path in to_official(found, tmp_path / "out") if path.suffix != ".csv"]
    again = [one for path in paths for one in from_official(path)]
    assert [(one.id, one.group, one.truth, one.prediction) for one in again] == [
        (one.id, one.group, one.truth, one.prediction) for one in found
    ]
    assert [one.scores for one in again] == [one.scores for one in found]

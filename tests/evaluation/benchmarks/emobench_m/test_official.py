"""EmoBench-M's own result files: read, written, and scored to the digit as its scorer does."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from swift_saber.cli.main import main
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.emobench_m.items import items
from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS
from swift_saber.evaluation.benchmarks.emobench_m.official import from_official, to_official
from swift_saber.evaluation.benchmarks.emobench_m.scores import scores
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.summary import read_items, read_scores
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


def classified(said: list[tuple[str | None, str | None]]) -> list[dict[str, Any]]:
    """Rows of what is expected and what is predicted."""
    return [
        {"video": f"{number}.mp4", "expected_value": truth, "predicted_value": answer}
        for number, (truth, answer) in enumerate(said)
    ]


def values(found: dict[str, Any], group: str, names: Any) -> dict[str, float]:
    return {name: found["groups"][group][name]["value"] for name in names}


def read(path: Path, **more: Any) -> list[Item]:
    return from_official(path, **more).items


@pytest.mark.parametrize("form", ["list", "examples", "lines"])
def test_the_three_forms_of_a_file_say_the_same(tmp_path: Path, form: str) -> None:
    value = CLASSES if form == "list" else {"task_name": "x", "examples": CLASSES}
    path = write_lines(tmp_path / "MOSI.jsonl", CLASSES) if form == "lines" else write(tmp_path / "MOSI.json", value)
    found = read(path)
    assert [(one.id, one.truth, one.prediction, one.state) for one in found] == [
        ("MOSI/a.mp4", "positive", "neutral", "answered"),
        ("MOSI/b.mp4", "negative", "negative", "answered"),
        ("MOSI/c.mp4", "neutral", "neutral", "answered"),
        ("MOSI/d.mp4", "neutral", None, "invalid"),
        ("MOSI/e.mp4", "positive", None, "missing"),
    ]
    # The scorer takes a sentence for no label.
    assert [one.state for one in read(path, official=True)][2:] == ["invalid", "invalid", "missing"]


def test_official_scores_are_those_of_the_scorer_of_that_day(tmp_path: Path) -> None:
    path = write(tmp_path / "MOSI.json", CLASSES)
    new, old = (scores(read(path, official=True), official=day) for day in ("2025-07-08", "2025-07-07"))
    names = ("accuracy", "precision", "recall", "f1")
    # Until 2025-07-07 two rows are left, of which one is right: positive 0 of 1, negative 1 of 1; all numbers are 1/2.
    assert values(old, "MOSI", names) == pytest.approx(dict.fromkeys(names, 0.5))
    # From 2025-07-08 on the sentence is there too, and wrong: of positive, negative and neutral one of three is right.
    assert values(new, "MOSI", names) == pytest.approx(dict.fromkeys(names, 1 / 3))
    assert [one["groups"]["MOSI"]["accuracy"]["n"] for one in (new, old)] == [3, 2]
    # Ours: 2 of 5, since a sentence may say a label and nobody gets away with silence.
    assert values(scores(read(path)), "MOSI", ["accuracy"]) == {"accuracy": pytest.approx(0.4)}


def test_an_answer_that_is_no_label_is_wrong_for_the_scorer_from_2025_07_08_on(tmp_path: Path) -> None:
    said = [("positive", "positive"), ("negative", "angry")]
    path = write(tmp_path / "MOSI.json", classified(said))
    found = read(path, official=True)
    # One of two; before, one of the one that is left.
    assert values(scores(found, official="2025-07-08"), "MOSI", ["accuracy"]) == {"accuracy": 0.5}
    assert values(scores(found, official="2025-07-07"), "MOSI", ["accuracy"]) == {"accuracy": 1.0}


def test_the_scorer_from_2025_07_08_on_knows_no_labels(tmp_path: Path) -> None:
    """Truths: mixed, Mixed, positive, positive; answers: Mixed, neutral, mixed, positive. It compares texts alone."""
    said = [("mixed", "Mixed "), ("Mixed", "neutral"), ("positive", "mixed"), ("positive", "positive")]
    path = write(tmp_path / "MOSI.json", classified(said))
    found = scores(read(path, official=True), official="2025-07-08")
    # mixed: 1 hit of 2 answers and 2 truths, positive: 1 of 1 and 2. accuracy 2/4; precision (1/2 + 1) / 2 = 3/4;
    # recall 1/2; F1: mixed 1/2, positive 2/3, so 7/12.
    wanted = {"accuracy": 1 / 2, "precision": 3 / 4, "recall": 1 / 2, "f1": 7 / 12}
    assert values(found, "MOSI", wanted) == pytest.approx(wanted)
    assert "MOSI: 2 references are no label of it, right is who says the same: 'mixed' (2)." in found["notes"]


def test_emotion_and_intent_are_joined(tmp_path: Path) -> None:
    path = write(tmp_path / "emotion_intent.json", {"examples": PAIRS})
    found = read(path)
    assert [(one.group, one.truth, one.prediction, one.state) for one in found] == [
        ("MC-EIU", "happy_neutral", "happy_neutral", "answered"),
        ("MC-EIU", "happy_neutral", "happy_wishing", "answered"),
        ("MC-EIU", "happy_neutral", None, "invalid"),
    ]
    assert [one.scores["intent"] for one in found] == [1, 0, 1]
    assert scores(found)["groups"]["MC-EIU"]["accuracy"]["value"] == pytest.approx(1 / 3)
    official = {
        day: values(scores(read(path, official=True), official=day), "MC-EIU", ["accuracy"])["accuracy"]
        for day in ("2025-07-08", "2025-07-07")
    }
    # "joy" is no label: wrong, and before left out.
    assert official == {"2025-07-08": pytest.approx(1 / 3), "2025-07-07": pytest.approx(1 / 2)}


def test_reasoning_is_read(tmp_path: Path) -> None:
    found = read(write(tmp_path / "reason.json", {"examples": TEXTS}))
    assert [(one.group, one.state, one.scores["rouge_l"]) for one in found] == [
        ("smile", "answered", pytest.approx(1)),
        ("smile", "invalid", 0),
    ]


@pytest.mark.parametrize("name", ["ch-simsv2s", "CH_SIMSv2S_test", "ch-simsv2s_test_500"])
def test_a_file_is_of_the_scenario_whose_name_it_has(tmp_path: Path, name: str) -> None:
    assert {one.group for one in read(write(tmp_path / f"{name}.json", CLASSES))} == {"ch-simsv2s"}


@pytest.mark.parametrize("name", ["ch-simsv2", "my_SIMS", "SIMS2", "emotion_classification"])
def test_a_part_of_a_name_is_no_name(tmp_path: Path, name: str) -> None:
    # The labels are clear though the scenario is not: scored, and part of no dimension.
    found = scores(read(write(tmp_path / f"{name}.json", CLASSES)))
    assert found["groups"][name]["accuracy"]["value"] == pytest.approx(0.4)
    assert found["tables"][name]["labels"] == ["neutral", "negative", "positive"]
    assert (
        f"{name} is no scenario of EmoBench-M by its name, and part of no dimension: say it by --scenario."
        in found["notes"]
    )


def test_a_scenario_that_is_named_is_not_guessed(tmp_path: Path) -> None:
    path = write(tmp_path / "SIMS.json", CLASSES)
    assert {one.group for one in read(path, scenario=SCENARIOS["MOSI"])} == {"MOSI"}
    with pytest.raises(InputError, match="smile has other rows than with expected_value, predicted_value"):
        read(path, scenario=SCENARIOS["smile"])
    with pytest.raises(InputError, match="is not clear from the file's name or its labels; name it with --scenario"):
        read(write(tmp_path / "y.json", [CLASSES[2]]))  # "neutral" is a label of many
    assert {one.group for one in read(tmp_path / "y.json", scenario=SCENARIOS["MELD"])} == {"MELD"}


def test_a_clip_that_is_named_twice_counts_twice(tmp_path: Path) -> None:
    said = [("positive", "positive"), ("negative", "positive"), ("negative", "negative")]
    rows = [{**row, "video": video} for row, video in zip(classified(said), ["a.mp4", "a.mp4", "b.mp4"], strict=True)]
    path = write(tmp_path / "MOSI.json", rows)
    found = from_official(path)
    assert [one.id for one in found.items] == ["MOSI/a.mp4", "MOSI/a.mp4#2", "MOSI/b.mp4"]
    assert [one.videos for one in found.items] == [["a.mp4"], ["a.mp4"], ["b.mp4"]]
    assert found.notes == ["MOSI: 1 of 3 rows of MOSI.json name a clip again, and each counts: MOSI/a.mp4."]
    for official in (None, "2025-07-08"):
        numbers = scores(read(path, official=official is not None), official=official)
        assert values(numbers, "MOSI", ["accuracy"]) == {"accuracy": pytest.approx(2 / 3)}


def test_no_row_takes_the_place_of_another(tmp_path: Path) -> None:
    rows = [
        {"id": "MOSI/a.mp4", "video": "b.mp4"},
        {"video": "a.mp4"},
        {"video": "a.mp4#2"},
        {"video": "a.mp4"},
    ]
    labels = {"expected_value": "positive", "predicted_value": "positive"}
    found = read(write(tmp_path / "MOSI.json", [{**row, **labels} for row in rows]))
    assert [one.videos for one in found] == [["b.mp4"], ["a.mp4"], ["a.mp4#2"], ["a.mp4"]]
    assert len({one.id for one in found}) == 4
    last = [{"video": "a.mp4"}, {"id": "MOSI/a.mp4", "video": "b.mp4"}]
    with pytest.raises(InputError, match=r"\[1\]: id: 'MOSI/a.mp4' is that of .*\[0\] too"):
        read(write(tmp_path / "MOSI.json", [{**row, **labels} for row in last]))


def test_a_row_without_a_reference_is_left_out_and_said(tmp_path: Path) -> None:
    said = [("positive", "positive"), (" ", "positive"), (None, "negative"), ("negative", "positive")]
    found = from_official(write(tmp_path / "MOSI.json", classified(said)))
    assert [one.truth for one in found.items] == ["positive", "negative"]
    assert found.notes == ["MOSI: 2 of 4 rows of MOSI.json have no reference and are left out."]
    without = classified(said)
    del without[0]["expected_value"]
    assert [one.truth for one in read(write(tmp_path / "MOSI.json", without))] == ["negative"]
    texts = from_official(write(tmp_path / "smile.json", [*TEXTS, {"video": "c", "prediction": "x", "reference": ""}]))
    assert len(texts.items) == 2 and "1 of 3 rows of smile.json" in texts.notes[0]


def test_an_answer_of_null_is_a_missing_one(tmp_path: Path) -> None:
    path = write(tmp_path / "MOSI.json", classified([("positive", "positive"), ("negative", None)]))
    assert [one.state for one in read(path)] == ["answered", "missing"]
    assert values(scores(read(path)), "MOSI", ["accuracy"]) == {"accuracy": 0.5}
    # As a blank to the scorer, which could not read it.
    assert values(scores(read(path, official=True), official="2025-07-08"), "MOSI", ["accuracy"]) == {"accuracy": 1.0}
    pair = [PAIRS[0], {**PAIRS[1], "predicted_intent": None}]
    assert [one.state for one in read(write(tmp_path / "pairs.json", pair))] == ["answered", "missing"]
    text = {"video": "c.mp4", "prediction": None, "reference": REFERENCE}
    assert [one.state for one in read(write(tmp_path / "smile.json", [text]))] == ["missing"]


def test_the_judge_scripts_table_is_read(tmp_path: Path) -> None:
    folder = write_benchmark(tmp_path / "b", ["smile"], 4)
    said = [REFERENCE, '- a list,\n"quoted" \u5b57', "'so"]
    rows = [{"id": f"smile/{number}", "response": text} for number, text in enumerate(said)]
    found = items(folder, write_lines(tmp_path / "a.jsonl", rows), None)
    to_official(found, tmp_path / "out")
    again = read(tmp_path / "out/smile.csv")
    assert [one.id for one in again] == [f"smile/videos/{number}.mp4" for number in range(4)]
    assert [one.prediction for one in again] == [*said, None]
    assert [(one.truth, one.scores) for one in again] == [(one.truth, one.scores) for one in found]
    (tmp_path / "other.csv").write_text("video,answer\na,b\n")
    with pytest.raises(InputError, match="they are video, prediction, expected"):
        read(tmp_path / "other.csv")
    (tmp_path / "empty.csv").write_text("video,prediction,expected\n")
    with pytest.raises(InputError, match="a table without rows"):
        read(tmp_path / "empty.csv")


def test_of_two_rows_with_one_id_both_places_are_named(tmp_path: Path) -> None:
    rows = [{**row, "id": "one"} for row in CLASSES[:2]]
    path = write(tmp_path / "MOSI.json", rows)
    with pytest.raises(InputError) as caught:
        read(path)
    assert (caught.value.where, caught.value.problem) == (f"{path}[1]", f"'one' is that of {path}[0] too")


def test_an_id_is_that_of_a_scenario_and_may_be_a_number(tmp_path: Path) -> None:
    """As the benchmark's questions have them: numbered in each file, and named by a run as "SCENARIO/number"."""
    names = ("MOSI", "MOSEI")
    files = [write(tmp_path / f"{name}.json", [{**CLASSES[0], "id": 0}, {**CLASSES[1], "id": "1"}]) for name in names]
    assert evaluate(tmp_path, "--results", *files) == 0
    ids = [item.id for item in read_items(tmp_path / "run")]
    assert ids == [f"{name}/{number}" for name in names for number in (0, 1)]


def test_a_pair_is_compared_as_one_text_even_where_a_reference_has_the_sign_between(tmp_path: Path) -> None:
    """The scorer joins both: a_b and c is the same as itself. 1 of 2."""
    pairs = [("neutral_x", "questioning", "neutral_x", "questioning"), ("sad", "wishing", "sad", "neutral")]
    keys = ("expected_emotion", "expected_intent", "predicted_emotion", "predicted_intent")
    rows = [{"modal_path": f"{place}.mp4", **dict(zip(keys, of, strict=True))} for place, of in enumerate(pairs)]
    found = from_official(write(tmp_path / "MC-EIU.json", rows), official=True).items
    shown = scores(found, official="2025-07-08")["groups"]["MC-EIU"]
    assert {name: shown[name]["value"] for name in ("accuracy", "recall")} == {"accuracy": 0.5, "recall": 0.5}


def evaluate(tmp_path: Path, *options: object) -> int:
    return main(["eval", "emobench-m", *map(str, options), "-o", str(tmp_path / "run")])


def evaluated(tmp_path: Path, *options: object) -> dict[str, Any]:
    assert evaluate(tmp_path, *options) == 0
    return read_scores(tmp_path / "run")


def test_results_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = [("positive", "positive"), ("negative", "angry"), ("", "neutral")]
    first = write(tmp_path / "ch-simsv2.json", classified(said))
    second = write(tmp_path / "ours.json", {"examples": PAIRS})
    both = ("--results", first, second, "--scenario", "ch-simsv2s", "MC-EIU")
    new = evaluated(tmp_path, *both, "--official")
    assert values(new, "ch-simsv2s", ["accuracy"]) == {"accuracy": 0.5}
    assert new["manifest"]["settings"]["official"] == "2025-07-08"
    assert new["notes"][0].startswith("Scored as the benchmark's scorer of 2025-07-08 and later does: blank")
    assert "ch-simsv2s: 1 of 3 rows of ch-simsv2.json have no reference and are left out." in new["notes"]
    assert "scorer of 2025-07-08 and later" in (tmp_path / "run/scores.md").read_text()
    old = evaluated(tmp_path, *both, "--official", "2025-07-07")
    assert values(old, "ch-simsv2s", ["accuracy"]) == {"accuracy": 1.0}
    assert old["manifest"]["settings"]["official"] == "2025-07-07"
    assert old["notes"][0].startswith("Scored as the benchmark's scorer of 2025-07-07 and before did: answers")
    assert values(evaluated(tmp_path, *both), "MC-EIU", ["accuracy"]) == {"accuracy": pytest.approx(1 / 3)}
    capsys.readouterr()
    for options, problem in [
        ((*both[:3], *both[3:5]), "names 1 for 2 files"),
        (("--results", first, "--media", tmp_path), "leaves nothing for media"),
        (("--results", first, "--scenario", "SIMS2"), "is no scenario of EmoBench-M"),
    ]:
        assert evaluate(tmp_path, *options) == 2
        assert problem in capsys.readouterr().err


def test_a_clip_in_two_files_names_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [write(tmp_path / name, CLASSES[:2]) for name in ("one.json", "two.json")]
    assert evaluate(tmp_path, "--results", *files, "--scenario", "MOSI", "MOSI") == 2
    assert f"{files[1]}: id: 'MOSI/a.mp4' is in {files[0]} too" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    files[1] = write(tmp_path / "other/one.json", CLASSES[:2])
    assert evaluate(tmp_path, "--results", *files, "--scenario", "MOSI", "MOSEI") == 2
    assert f"{files[1]}: --results: has the name of {files[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "a list without rows"),
        ({"task_name": "x"}, "an object without rows"),
        ([1], "a number, not an object"),
        ([{"video": "a"}], "has the keys 'video'"),
        ([{"expected_value": "positive"}], "is missing, and so is id"),
        ([{"video": "a", "expected_value": ""}], "has no value in any row"),
        ([{"video": "a", "expected_value": 1}], "is a number, not a string"),
        ([CLASSES[0], {**CLASSES[0], "predicted_value": ["x"]}], "is a list, not a string"),
        ([{**CLASSES[0], "id": "x"}, {**CLASSES[1], "id": "x"}], r"'x' is that of .*MOSI.json\[0\] too"),
    ],
)
def test_a_bad_file_is_an_error_with_its_place(tmp_path: Path, value: Any, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        from_official(write(tmp_path / "MOSI.json", value))


@pytest.mark.parametrize("official", [False, True])
def test_the_files_that_we_write_hold_what_our_official_numbers_are_made_of(tmp_path: Path, official: bool) -> None:
    """Of 8 questions: right, wrong, a word that is no label, a blank, a sentence, no row, white space, right."""
    folder = write_benchmark(tmp_path / "b", ["MOSI", "MC-EIU", "smile"], 8)
    # MOSI's truths: neutral negative positive neutral negative positive neutral negative.
    said: dict[str, list[str | None]] = {
        "MOSI": ["neutral", "positive", "angry", "", "It is negative.", None, " \n", "Negative"],
        "MC-EIU": [
            "{'emotion label': 'happy', 'intent label': 'questioning'}",  # right
            "{'emotion label': 'happy', 'intent label': 'wishing'}",
            "angered, and thoughtful",
            "",
            "anger",  # and no intent
            None,
            " ",
            "neutral",  # is the one of both: right, since neutral and neutral are expected here
        ],
        "smile": [REFERENCE, "no", "x", "", "y", None, " ", REFERENCE],
    }
    rows = [
        {"id": f"{name}/{number}", "response": text}
        for name, texts in said.items()
        for number, text in enumerate(texts)
        if text is not None
    ]
    path = folder / "benchmark_json/MC-EIU.json"
    asked = json.loads(path.read_text())
    asked[7]["conversations"][1]["value"] = "{'emotion label': 'neutral', 'intent label': 'neutral'}"
    path.write_text(json.dumps(asked))
    found = items(folder, write_lines(tmp_path / "a.jsonl", rows), None, official=official)
    assert [path.name for path in to_official(found, tmp_path / "out")] == [
        "MOSI.json",
        "MC-EIU.json",
        "smile.json",
        "smile.csv",
    ]

    def written(name: str, *keys: str) -> list[tuple[str, ...]]:
        return [tuple(row[key] for key in keys) for row in json.loads((tmp_path / f"out/{name}.json").read_text())]

    # Blank is what is no answer, and no other: the scorer leaves these out, all three.
    assert written("MOSI", "predicted_value") == [
        ("neutral",), ("positive",), ("angry",), ("",), ("negative",), ("",), (" \n",), ("negative",),
    ]  # fmt: skip
    assert written("MC-EIU", "predicted_emotion", "predicted_intent") == [
        ("happy", "questioning"),
        ("happy", "wishing"),
        # The runner finds labels inside words, anger in angered; an answer that says none is given as it is.
        ("anger" if official else "angered, and thoughtful", "angered, and thoughtful"),
        ("", ""),
        ("anger", "anger"),
        ("", ""),
        (" ", " "),
        ("neutral", "neutral"),
    ]
    assert {len(row) for row in json.loads((tmp_path / "out/MC-EIU.json").read_text())} == {7}
    # From 2025-07-08 on, of five that are not blank MOSI has three right, and so has the pair's scenario two.
    new, old = (scores(found, official=day) for day in ("2025-07-08", "2025-07-07"))
    assert values(new, "MOSI", ["accuracy"]) == {"accuracy": pytest.approx(3 / 5)}
    assert values(new, "MC-EIU", ["accuracy"]) == {"accuracy": pytest.approx(2 / 5)}
    # Before, without those that say no label: three of four, and two of three.
    assert values(old, "MOSI", ["accuracy"]) == {"accuracy": pytest.approx(3 / 4)}
    assert values(old, "MC-EIU", ["accuracy"]) == {"accuracy": pytest.approx(2 / 3)}
    # MOSI's F1: neutral 1 of 1 answer and 1 truth: 1; negative 2 of 2 and 3: 4/5; positive 0. Weights 1, 3, 1 of 5.
    assert values(new, "MOSI", ["f1"]) == {"f1": pytest.approx((1 + 3 * 4 / 5) / 5)}
    # Of five texts that are not blank two are the reference, and the others have no four words.
    assert values(new, "smile", ["bleu"]) == {"bleu": pytest.approx(2 / 5)}
    assert written("smile", "prediction") == [(REFERENCE,), ("no",), ("x",), ("",), ("y",), ("",), ("",), (REFERENCE,)]
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
    again = [one for path in paths for one in read(path)]
    assert [(one.id, one.group, one.truth, one.prediction) for one in again] == [
        (one.id, one.group, one.truth, one.prediction) for one in found
    ]
    assert [one.scores for one in again] == [one.scores for one in found]

"""The files of a run, and the numbers of one metric."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swift_saber.errors import InputError
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.metrics import table
from swift_saber.evaluation.summary import (
    aggregate,
    by_group,
    read_items,
    read_scores,
    summarise,
    write_items,
    write_scores,
)

HOSTILE = "a|b\n# <script>alert(1)</script> `x` [l](u) \u202e\\|"
SCORED = {"answered": 1.0, "invalid": 0.0, "missing": 0.0, "unjudged": None}
STATES = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(sorted(SCORED))), max_size=12)


def item(name: str, state: Any = "answered", score: float | None = 1.0, group: str = "MOSI") -> Item:
    return Item(name, group, "happy", "happy" if state == "answered" else None, state, {"accuracy": score})


def some(states: list[tuple[str, str]]) -> list[Item]:
    return [item(f"q{at}", state, SCORED[state], group) for at, (group, state) in enumerate(states)]


def a_run(**change: Any) -> dict[str, Any]:
    items = [item("q0"), item("q1", "invalid", 0.0), item("q2", "missing", 0.0), item("q3", "unjudged", None)]
    made = {
        "benchmark": "emobench-m",
        "model": "saber-7b",
        "judge": None,
        "metrics": {"accuracy": summarise(items, "accuracy")},
        "groups": {"MOSI": {"accuracy": summarise(items, "accuracy")}},
        "tables": {"MOSI": table(["happy", "sad"], ["happy", None])},
        "context": [{"name": "Gemini-2.0-Flash", "values": {"overall": 62.3}, "source": "leaderboard"}],
        "notes": ["13 scenarios"],
        "manifest": {"model": "saber-7b", "data": {"MOSI.json": "ab12"}, "seeds": {"bootstrap": 0}},
    }
    return {**made, **change}


def rows_of(text: str) -> list[list[str]]:
    """The cells of all table rows, as a reader of Markdown splits them: at each | that is not escaped."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in _split(row[1:-1])] for row in rows]


def _split(row: str) -> list[str]:
    cells, escaped = [""], False
    for char in row:
        if char == "|" and not escaped:
            cells.append("")
        else:
            cells[-1] += char
        escaped = char == "\\" and not escaped
    return cells


def test_wrong_and_missing_answers_are_in_the_mean_and_unjudged_ones_are_counted() -> None:
    found = summarise(
        [item("a"), item("b", "invalid", 0), item("c", "missing", 0), item("d", "unjudged", None)], "accuracy"
    )
    # 1 of the 3 that have a score.
    assert found["value"] == 1 / 3
    assert (found["n"], found["invalid"], found["missing"], found["unjudged"]) == (4, 1, 1, 1)
    assert found["low"] == 0
    assert found["high"] == 1


def test_where_nothing_is_judged_there_is_no_value() -> None:
    assert summarise([item("a", "unjudged", None)], "accuracy")["value"] is None
    assert summarise([], "accuracy") == {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "invalid": 0,
        "missing": 0,
        "unjudged": 0,
    }


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (replace(item("q"), scores={}), r"q: accuracy: is not scored \(state: answered\)"),
        (item("q", "missing", None), "q: accuracy: has no score though the item is missing; score it as wrong"),
        (item("q", "invalid", None), "q: accuracy: has no score though the item is invalid"),
        (item("q", score=float("nan")), "q: accuracy: nan is no number"),
        (item("q", score=True), "q: accuracy: True is no number"),
    ],
)
def test_an_item_that_would_leave_the_denominator_unseen_is_an_error(bad: Item, said: str) -> None:
    with pytest.raises(InputError, match=said):
        summarise([item("a"), bad], "accuracy")
    with pytest.raises(InputError, match=said):
        aggregate([item("a"), bad], "accuracy", lambda means: means["MOSI"])


def test_means_of_groups_weigh_groups_and_not_items() -> None:
    # MOSI 1 of 1, MELD 1 of 4: (1 + 1/4) / 2, where the mean over items is 2/5.
    items = [item("a"), *(item(f"b{at}", score=float(at == 0), group="MELD") for at in range(4))]
    found = aggregate(items, "accuracy", lambda means: (means["MOSI"] + means["MELD"]) / 2)
    assert found["value"] == 5 / 8
    assert found["n"] == 5
    # MELD's mean is between 0 and 1, so the whole is between 1/2 and 1.
    assert 1 / 2 <= found["low"] < 5 / 8 < found["high"] <= 1
    assert summarise(items, "accuracy")["value"] == 2 / 5


def test_a_group_without_a_judged_item_leaves_no_aggregate() -> None:
    items = [item("a"), item("b", "unjudged", None, "MELD")]
    found = aggregate(items, "accuracy", lambda means: means["MOSI"] - means["MELD"])
    assert (found["value"], found["low"], found["n"], found["unjudged"]) == (None, None, 2, 1)


@settings(max_examples=25, deadline=None)
@given(STATES, st.randoms(use_true_random=False))
def test_order_does_not_matter(states: list[tuple[str, str]], chance) -> None:
    items = some(states)
    shuffled = chance.sample(items, len(items))
    assert summarise(shuffled, "accuracy") == summarise(items, "accuracy")

    def total(means):
        return sum(means[group] for group in sorted(means))

    assert aggregate(shuffled, "accuracy", total) == aggregate(items, "accuracy", total)


@settings(max_examples=25, deadline=None)
@given(STATES.filter(bool), st.data())
def test_perfect_answers_score_one_and_an_empty_answer_never_raises_the_score(states, data) -> None:
    perfect = summarise(some([(group, "answered") for group, _ in states]), "accuracy")
    assert (perfect["value"], perfect["n"]) == (1, len(states))
    items = some([(group, state) for group, state in states if state != "unjudged"] or [("a", "answered")])
    place = data.draw(st.integers(0, len(items) - 1))
    emptied = [item(of.id, "missing", 0.0, of.group) if at == place else of for at, of in enumerate(items)]
    assert summarise(emptied, "accuracy")["value"] <= summarise(items, "accuracy")["value"]


def test_items_come_back_as_they_were_written(tmp_path: Path) -> None:
    clip = Item(
        "q1", "inconsistent", {"emotion": "喜悦"}, None, "unjudged", {"judge": None, "wer": 0.25}, HOSTILE, ["a.mp4"]
    )
    items = [clip, item("q0")]
    path = write_items(tmp_path / "run", items)
    assert path == tmp_path / "run" / "items.jsonl"
    assert read_items(path) == read_items(tmp_path / "run") == items


def test_items_that_could_not_be_read_again_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'q': id: 'q' is there twice"):
        write_items(tmp_path, [item("q"), item("q")])
    with pytest.raises(InputError, match=r"'q': scores.accuracy: inf is no number"):
        write_items(tmp_path, [item("q", score=float("inf"))])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "refused"}, "state: 'refused' is none of answered, invalid, missing, unjudged"),
        ({"scores": {"accuracy": "1"}}, "scores.accuracy: '1' is no number"),
        ({"scores": [1]}, "scores: is a list, not an object"),
        ({"videos": "a.mp4"}, "videos: is a string, not a list"),
        ({"id": 7}, "id: is a number, not a string"),
        ({"answer": "x"}, "answer: is no field of an item"),
        ({"truth": ...}, "truth: is missing"),
    ],
)
def test_a_damaged_items_file_is_named_with_its_line(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    row = {key: value for key, value in {**item("q1").to_row(), **change}.items() if value is not ...}
    path = tmp_path / "items.jsonl"
    path.write_text(json.dumps(item("q0").to_row()) + "\n" + json.dumps(row) + "\n")
    with pytest.raises(InputError) as error:
        read_items(path)
    assert str(error.value).startswith(f"{path}:2: {said}")


def test_scores_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "run", a_run())
    assert read_scores(path) == read_scores(tmp_path / "run") == a_run()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"metrics": [1]}, "metrics: is a list, not an object"),
        ({"judge": 3}, "judge: is a number, not a string or null"),
        ({"metrics": {"accuracy": 0.5}}, "metrics.accuracy: is not what scores.summarise returns"),
        ({"groups": {"MOSI": {"f1": {"value": 1}}}}, "MOSI.f1: is not what scores.summarise returns"),
        ({"manifest": {"x": float("nan")}}, "scores: cannot be kept"),
    ],
)
def test_scores_of_another_form_are_neither_written_nor_read(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "scores.json"
    with pytest.raises(InputError) as error:
        write_scores(tmp_path, a_run(**change))
    assert str(error.value).startswith(f"{path}: {said}")
    assert not list(tmp_path.iterdir())
    path.write_text(json.dumps(a_run(**change)))
    with pytest.raises(InputError, match=r"scores.json"):
        read_scores(path)


def test_scores_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scores.json: file: No such file"):
        read_scores(tmp_path)


def test_a_person_reads_value_interval_and_what_is_not_in_order(tmp_path: Path) -> None:
    write_scores(tmp_path, a_run(judge="gpt-x"))
    text = (tmp_path / "scores.md").read_text()
    rows = rows_of(text)
    assert ["metric", "value", "interval", "n", "invalid", "missing", "unjudged"] in rows
    assert ["accuracy", "0.333", "[0.000, 1.000]", "4", "1", "1", "1"] in rows
    assert ["MOSI", "accuracy", "0.333", "[0.000, 1.000]", "4", "1", "1", "1"] in rows
    assert ["truth", "happy", "sad", "*no label*"] in rows
    assert ["sad", "0", "0", "1"] in rows
    assert "Judge: gpt-x." in text
    assert "Reported by their authors, not measured here." in text
    assert ["Gemini-2.0-Flash", "62.3", "leaderboard"] in rows
    assert ["data: MOSI.json", "ab12"] in rows


def test_no_value_is_said_and_not_written_as_zero(tmp_path: Path) -> None:
    nothing = summarise([item("a", "unjudged", None)], "accuracy")
    write_scores(tmp_path, a_run(metrics={"accuracy": nothing}))
    assert ["accuracy", "none", "none", "1", "0", "0", "1"] in rows_of((tmp_path / "scores.md").read_text())


def test_a_large_confusion_matrix_stays_in_scores_json(tmp_path: Path) -> None:
    labels = [f"emotion{at}" for at in range(16)]
    write_scores(tmp_path, a_run(tables={"MC-EIU": table(labels, labels)}))
    text = (tmp_path / "scores.md").read_text()
    assert "The confusion matrix of its 16 labels is in scores.json." in text
    assert max(len(row) for row in rows_of(text)) < 16


def test_hostile_text_neither_breaks_a_table_nor_is_read_as_markup(tmp_path: Path) -> None:
    value = summarise([item("a"), item("b", score=0.0)], "accuracy")
    write_scores(
        tmp_path,
        a_run(
            benchmark=HOSTILE,
            model=HOSTILE,
            judge=HOSTILE,
            metrics={HOSTILE: value},
            groups={HOSTILE: {HOSTILE: value}},
            tables={HOSTILE: table([HOSTILE, "sad"], [HOSTILE, None])},
            context=[{"name": HOSTILE, "values": {HOSTILE: HOSTILE}, "source": HOSTILE}],
            notes=[HOSTILE],
            manifest={"model": HOSTILE, "settings": {HOSTILE: HOSTILE}},
        ),
    )
    text = (tmp_path / "scores.md").read_text(encoding="utf-8")
    assert "<" not in text
    assert "\u202e" not in text
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in text.splitlines() if line.startswith(("# a", "## Scores", "## By", "## C", "## O", "## H"))
    ]
    # Every row of a table has as many cells as its head, so no text has ended a cell.
    width = None
    for line in text.splitlines():
        if not line.startswith("|"):
            width = None
            continue
        cells = len(_split(line[1:-1]))
        width = width or cells
        assert cells == width, line


def test_groups_keep_the_order_of_the_questions() -> None:
    items = [item("a", group="z"), item("b", group="a"), item("c", group="z")]
    assert {name: [of.id for of in members] for name, members in by_group(items).items()} == {
        "z": ["a", "c"],
        "a": ["b"],
    }
    assert list(by_group(items)) == ["z", "a"]

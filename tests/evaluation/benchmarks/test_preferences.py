"""Judges against people's preferences, over HTTP: agreement in both orders, position, and what length explains."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.evaluation.summary import read_items, read_scores
from tests.cli.test_eval import swift_saber
from tests.llm_server import Asked, LLMServer, Reply, fails, say

SHORT, LONG = "She smiles.", "She smiles broadly, and her voice is warm and bright."
#: name, model1, a1, model2, a2, preference. Of unequal length are p1 to p4; in p1, p2 and p3 people took the longer.
ROWS = [
    ("p1", "talker", f"{LONG} one", "terse", f"{SHORT} one", "a1"),
    ("p2", "terse", f"{SHORT} two", "talker", f"{LONG} two", "a2"),
    ("p3", "talker", f"{LONG} three", "terse", f"{SHORT} three", "a1"),
    ("p4", "terse", f"{SHORT} four", "talker", f"{LONG} four", "a1"),
    ("p5", "terse", "He frowns: upset.", "talker", "He frowns: happy.", "a1"),
    ("p6", "terse", "He weeps.", "talker", "He laughs.", "same"),
]


def table(folder: Path, rows: list[tuple[str, ...]] = ROWS, *, models: bool = True) -> Path:
    path = folder / "track3_emoprefer.csv"
    header = ("name", "model1", "a1", "model2", "a2", "preference")
    kept = [place for place, name in enumerate(header) if models or not name.startswith("model")]
    lines = [",".join(f'"{row[place]}"' for place in kept) for row in (header, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def shown(asked: Asked) -> tuple[str, str]:
    """The first and the second description, as they stand in the question."""
    first, second = (re.search(rf"^{name}:\n=.*\n(.*)\n=", asked.text, re.MULTILINE) for name in ("First", "Second"))
    assert first is not None and second is not None
    return first[1], second[1]


def picks(place: int) -> Reply:
    return say(json.dumps({"reason": f"number {place}", "better": place}))


def judged(folder: Path, script: Any, data: Path, *options: object) -> tuple[dict[str, Any], list[Asked]]:
    with LLMServer(script) as server:
        common = ("preferences", "--data", data, "-o", folder / "run", "--judge", "j", "--base-url", server.url)
        assert swift_saber(*common, *options) == 0
        return read_scores(folder / "run"), server.asked


def values(of: dict[str, Any]) -> dict[str, Any]:
    return {name: score["value"] for name, score in of.items()}


def test_a_judge_that_takes_the_longer_agrees_as_far_as_length_does(tmp_path: Path) -> None:
    """Of five pairs with a preference: p1, p2, p3 by length, p4 against it; p5 is a tie of length, where it takes what
    stands first: 1/2. Asked are two orders each; p6, in which people see no better one, is not asked about."""

    def longer(asked: Asked) -> Reply:
        first, second = shown(asked)
        return picks(2 if len(second) > len(first) else 1)

    found, asked = judged(tmp_path, longer, table(tmp_path))
    assert len(asked) == 10 and not any("weeps" in one.text for one in asked)
    metrics = values(found["metrics"])
    assert metrics["agreement"] == metrics["longer"] == (1 + 1 + 1 + 0 + 1 / 2) / 5
    assert metrics["swap_consistency"] == 4 / 5
    assert metrics["first_chosen"] == (1 / 2 * 4 + 1) / 5
    # In the order of the table: p1, p2, p3 right, p4 wrong, p5 right.
    assert metrics["one_order_accuracy"] == 4 / 5
    assert found["model"] == found["judge"] == "j"
    assert found["metrics"]["agreement"]["low"] <= metrics["agreement"] <= found["metrics"]["agreement"]["high"]
    groups = {name: values(of) for name, of in found["groups"].items()}
    assert {name: of["agreement"] for name, of in groups.items()} == {
        "people took the longer": 1,
        "people took the shorter": 0,
        "similar length": 0.5,
    }
    assert groups["similar length"]["longer"] == 0.5
    assert "1 of 6 pairs: people see no better one; they are not asked about" in found["notes"]


def test_a_judge_that_takes_what_stands_first_is_a_coin_and_is_seen_as_such(tmp_path: Path) -> None:
    """In the table's order it takes a1, which is right in four of five; weighted F1: a1 2 * 4/5 / (1 + 4/5) by 4/5."""
    found, _ = judged(tmp_path, lambda _: picks(1), table(tmp_path))
    metrics = values(found["metrics"])
    assert (metrics["agreement"], metrics["swap_consistency"], metrics["first_chosen"]) == (0.5, 0, 1)
    assert metrics["one_order_accuracy"] == 4 / 5
    assert metrics["one_order_f1"] == pytest.approx((2 * 4 / 5 / (1 + 4 / 5)) * 4 / 5)
    item = read_items(tmp_path / "run")[0]
    assert (item.truth, item.prediction) == ("a1", None)  # the two orders contradict each other
    assert item.details["chosen"] == {"a1 first": "a1", "a2 first": "a2"}
    assert item.details["judge's reasons"] == ["number 1", "number 1"]


def test_who_wrote_a_description_explains_what_it_explains_of_the_other_pairs(tmp_path: Path) -> None:
    """talker beats terse in p1, p2, p3, and loses p4, p5. Without the pair itself: p1, p2, p3 stand 2 to 2, which says
    nothing: 1/2 each; p4 and p5 stand 3 to 1 for the loser: 0."""
    found, _ = judged(tmp_path, lambda _: picks(1), table(tmp_path))
    assert values(found["metrics"])["generator"] == pytest.approx(3 * 0.5 / 5)
    (tmp_path / "bare").mkdir()
    found, _ = judged(tmp_path / "bare", lambda _: picks(1), table(tmp_path / "bare", models=False))
    assert "generator" not in found["metrics"]
    assert (
        "the table does not say which model wrote what: without model1 and model2 there is no generator"
        in found["notes"]
    )


def test_length_alone_needs_no_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert swift_saber("preferences", "--data", table(tmp_path), "-o", tmp_path / "run") == 0
    found = read_scores(tmp_path / "run")
    assert values(found["metrics"]) == {"longer": 3.5 / 5, "generator": pytest.approx(1.5 / 5)}
    assert (found["model"], found["judge"]) == ("no judge", None)
    assert "no judge was asked" in capsys.readouterr().out


def test_how_near_two_lengths_are_to_be_similar_can_be_chosen(tmp_path: Path) -> None:
    assert swift_saber("preferences", "--data", table(tmp_path), "-o", tmp_path / "run", "--similar", "0.1") == 0
    found = read_scores(tmp_path / "run")
    assert set(found["groups"]) == {"similar length"}
    assert found["manifest"]["settings"]["similar"] == 0.1
    with pytest.raises(InputError, match="--similar: is 2.0"):
        swift_saber("preferences", "--data", table(tmp_path), "-o", tmp_path / "other", "--similar", "2")


def test_a_reference_of_the_clip_is_shown_beside_the_two(tmp_path: Path) -> None:
    """The judge reads texts: what it can know of a clip is what a model has said of it. Of a folder of clips, as
    swift-saber analyze has it, an id is a path."""
    ids = [row[0] if row[0] == "p2" else f"video/{row[0]}.mp4" for row in ROWS]
    said = [{"id": key, "response": f"In {row[0]} there is a person."} for key, row in zip(ids, ROWS, strict=True)]
    write_rows(tmp_path / "said.jsonl", said)
    _, asked = judged(tmp_path, lambda _: picks(1), table(tmp_path), "--reference", tmp_path / "said.jsonl")
    assert all("Reference" in one.text for one in asked)
    assert sum("In p1 there is a person." in one.text for one in asked) == 2
    write_rows(tmp_path / "few.jsonl", said[:3])
    with pytest.raises(InputError, match="2 of 5 clips have no description .the first: 'p4'"):
        swift_saber(
            *("preferences", "--data", table(tmp_path), "--reference", tmp_path / "few.jsonl", "-o", tmp_path / "x")
        )


def test_what_the_judge_fails_on_is_counted_and_never_guessed(tmp_path: Path) -> None:
    """p1 is refused in one of its two orders, so it is out of the mean: of p2 to p5, taking the first, 1/2 each."""

    def script(asked: Asked) -> Reply:
        return fails(400) if shown(asked)[0].endswith("bright. one") else picks(1)

    found, _ = judged(tmp_path, script, table(tmp_path))
    agreement = found["metrics"]["agreement"]
    assert (agreement["value"], agreement["n"], agreement["unjudged"]) == (0.5, 5, 1)
    assert found["metrics"]["longer"]["value"] == 3.5 / 5  # which needs no judge
    assert "judge failed" in read_items(tmp_path / "run")[0].details
    assert found["metrics"]["one_order_f1"]["unjudged"] == 1


def test_a_second_run_asks_nothing_again_and_judges_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = table(tmp_path)
    with LLMServer(lambda asked: picks(1 if asked.model == "one" else 2)) as server:
        for name in ("one", "two", "one"):
            run = ("preferences", "--data", data, "-o", tmp_path / name, "--judge", name, "--base-url", server.url)
            assert swift_saber(*run) == 0
        assert sum(server.counts.values()) == 20
    capsys.readouterr()
    assert swift_saber("compare", tmp_path / "one", tmp_path / "two") == 0
    assert "| first\\_chosen | 5 | 1.000 | 0.000 |" in capsys.readouterr().out


def test_clips_with_several_pairs_have_an_id_for_each(tmp_path: Path) -> None:
    rows = [ROWS[0], (ROWS[0][0], *ROWS[1][1:]), ROWS[2]]
    assert swift_saber("preferences", "--data", table(tmp_path, rows), "-o", tmp_path / "run") == 0
    assert [item.id for item in read_items(tmp_path / "run")] == ["p1", "p1#2", "p3"]


@pytest.mark.parametrize(
    ("place", "cell", "problem"),
    [
        (5, "a3", "csv:3: preference: 'a3' is none of a1, a2, same"),
        (5, "", "csv:3: preference: '' is none"),
        (2, " ", "csv:3: a1: is blank"),
        (0, "", "csv:3: name: is blank"),
    ],
)
def test_a_pair_that_is_none_is_named_with_its_line(tmp_path: Path, place: int, cell: str, problem: str) -> None:
    changed = tuple(cell if number == place else text for number, text in enumerate(ROWS[1]))
    with pytest.raises(InputError, match=problem):
        swift_saber("preferences", "--data", table(tmp_path, [ROWS[0], changed]), "-o", tmp_path / "run")


def test_the_table_to_predict_has_no_preferences_and_a_table_of_ties_none_that_counts(tmp_path: Path) -> None:
    path = tmp_path / "track3_candidate.csv"
    path.write_text("name,a1,a2\np,x,y\n", encoding="utf-8")
    with pytest.raises(InputError, match="column preference: is not there"):
        swift_saber("preferences", "--data", path, "-o", tmp_path / "run")
    with pytest.raises(InputError, match="no pair in which people see a better one"):
        swift_saber("preferences", "--data", table(tmp_path, [ROWS[5]]), "-o", tmp_path / "run")


def test_names_that_look_like_numbered_ones_stay_apart(tmp_path: Path) -> None:
    rows = [(name, *ROWS[0][1:]) for name in ("a", "a", "a#2", "a", "b#2", "b", "b")]
    data = table(tmp_path, rows)
    assert swift_saber("preferences", "--data", data, "-o", tmp_path / "run") == 0
    assert [item.id for item in read_items(tmp_path / "run")] == ["a", "a#2", "a#2#2", "a#3", "b#2", "b", "b#2#2"]

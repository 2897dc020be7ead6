"""EmoBench-M's scores: by scenario, dimension and overall, ours and as the official scripts count."""

import random
from pathlib import Path
from typing import Any

import pytest

from swift_saber.evaluation.benchmarks.emobench_m.items import items, read_item
from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS
from swift_saber.evaluation.benchmarks.emobench_m.scores import LEADERBOARD, scores
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.metrics import weighted_intervals, weighted_scores
from tests.evaluation.benchmarks.emobench_m.folder import REFERENCE, truths, write_benchmark, write_lines
from tests.statistics.plain_bootstrap import plain_interval


def said(
    name: str, right: int, wrong: int = 0, invalid: int = 0, missing: int = 0, official: bool = False
) -> list[Item]:
    """Items of a scenario: so many right answers, wrong, invalid and missing ones, in this order."""
    labels = truths(name, right + wrong + invalid + missing)
    others = truths(name, 2)
    answers: list[str | None] = []
    for number, label in enumerate(labels):
        other = others[1] if label == others[0] else others[0]
        kind = number < right, number < right + wrong, number < right + wrong + invalid
        answers.append(label if kind[0] else other if kind[1] else "no idea" if kind[2] else None)
    return [
        read_item(f"{name}/{number}", SCENARIOS[name], label, answer, official=official)
        for number, (label, answer) in enumerate(zip(labels, answers, strict=True))
    ]


def laughs(*marks: tuple[int, int] | None) -> list[Item]:
    """Judged laughter reasoning; None where the judge failed."""
    found = []
    for number, mark in enumerate(marks):
        judged = dict.fromkeys(("logic", "association", "total"))
        if mark:
            judged = {"logic": mark[0], "association": mark[1], "total": 10 * sum(mark)}
        state = "answered" if mark else "unjudged"
        texts = {"bleu": 0.5, "rouge_l": 0.5}
        found.append(Item(f"smile/{number}", "smile", REFERENCE, "x", state, {**texts, **judged}, "x"))
    return found


def run(rights: dict[str, int], marks: tuple[int, int] = (3, 4), count: int = 10) -> list[Item]:
    """A whole run: so many of `count` right in each scenario, and one mark of laughter reasoning."""
    found = [item for name, right in rights.items() for item in said(name, right, count - right)]
    return found + laughs(marks)


def points(found: dict[str, Any]) -> dict[str, float]:
    """The scores of the dimensions and overall, as the leaderboard has them."""
    names = ("overall", "FER", "CEU", "SCEA")
    return {name: one["value"] for name, one in found["metrics"].items() if name in names}


KINDS = (
    "overall, FER, CEU and SCEA are as on the leaderboard, SCEA and overall with laughter reasoning by a judge; "
    "SCEA_hu_sd (humour and sarcasm alone) and weighted F1 (_f1) are as in the tables on the benchmark's site."
)
CLASSIFIED = [name for name in SCENARIOS if name != "smile"]


def test_dimensions_are_means_of_scenarios_and_overall_the_mean_of_dimensions() -> None:
    # Of 10 each. FER: (90 + 80 + 70 + 60 + 50) / 5 = 70; CEU: (50 + 40 + 30 + 20 + 60) / 5 = 40;
    # SCEA: accuracies 80 and 60, laughter 10 * (3 + 4) = 70: 210 / 3 = 70; overall (70 + 40 + 70) / 3 = 60.
    right = dict(zip(CLASSIFIED, [9, 8, 7, 6, 5, 5, 4, 3, 2, 6, 8, 6], strict=True))
    found = scores(run(right))
    assert points(found) == pytest.approx({"overall": 60, "FER": 70, "CEU": 40, "SCEA": 70})
    assert [found["metrics"][name]["n"] for name in ("overall", "FER", "CEU", "SCEA")] == [121, 50, 50, 21]
    for one in found["metrics"].values():
        assert one["low"] <= one["value"] <= one["high"]
    assert found["groups"]["MC-EIU"]["accuracy"]["value"] == pytest.approx(0.2)
    assert found["notes"] == [KINDS]


@pytest.mark.parametrize(
    ("fer", "ceu", "scea", "overall"), [(62.0, 84.4, 72.7, LEADERBOARD["human"]), (61.4, 53.4, 72.0, 62.3)]
)
def test_the_leaderboards_rows_come_out(fer: float, ceu: float, scea: float, overall: float) -> None:
    # Its rows of a person and of Gemini-2.0-Flash, FER, CEU, SCEA and the average: (62.0 + 84.4 + 72.7) / 3 = 73.03 and
    # (61.4 + 53.4 + 72.0) / 3 = 62.27. Each scenario is given its dimension's score; laughter reasoning by marks of
    # 70 and 80: 100 of them with 10 * (score - 70) times 80 have that mean.
    found = []
    for name in CLASSIFIED:
        score = {"FER": fer, "CEU": ceu, "SCEA": scea}[SCENARIOS[name].dimension]
        right = round(10 * score)
        found += said(name, right, 1000 - right)
    high = round(10 * (scea - 70))
    found += laughs(*[(4, 4)] * high, *[(3, 4)] * (100 - high))
    values = {name: round(value, 1) for name, value in points(scores(found)).items()}
    assert values == {"overall": overall, "FER": fer, "CEU": ceu, "SCEA": scea}


def test_dimension_scores_weigh_scenarios_alike_however_many_items_they_have() -> None:
    few = [item for name in CLASSIFIED if name != "MOSI" for item in said(name, 1, 1)] + laughs((5, 5))
    # FER: four scenarios at 50 and MOSI, of 100 items, at 0: 40.
    assert scores(few + said("MOSI", 0, 100))["metrics"]["FER"]["value"] == pytest.approx(40)


def test_perfect_answers_score_100_and_empty_ones_0() -> None:
    perfect = scores(run(dict.fromkeys(CLASSIFIED, 10), (5, 5)))
    assert list(points(perfect).values()) == pytest.approx([100] * 4)
    empty = [item for name in CLASSIFIED for item in said(name, 0, 0, 3, 3)]
    empty.append(Item("smile/0", "smile", REFERENCE, None, "invalid", dict.fromkeys(laughs((1, 1))[0].scores, 0.0)))
    assert list(points(scores(empty)).values()) == [0] * 4
    found = scores(empty)["metrics"]
    assert [found["overall"][name] for name in ("n", "invalid", "missing")] == [73, 37, 36]


def test_invalid_and_missing_answers_are_wrong_unless_official_where_the_difference_is_shown() -> None:
    mosi = said("MOSI", 6, 2, 1, 3)
    ours, theirs = scores(mosi), scores(mosi, official="2025-07-07")
    # 6 of 12, and 6 of the 8 that say a label.
    assert ours["groups"]["MOSI"]["accuracy"]["value"] == pytest.approx(0.5)
    assert theirs["groups"]["MOSI"]["accuracy"]["value"] == pytest.approx(0.75)
    counts = [[one["groups"]["MOSI"]["f1"][name] for name in ("n", "invalid", "missing")] for one in (ours, theirs)]
    assert counts == [[12, 1, 3], [8, 1, 3]]
    # One of 12 says no label, whoever counts.
    assert [one["metrics"]["invalid_rate"]["value"] for one in (ours, theirs)] == pytest.approx([1 / 12] * 2)
    note = "MOSI: 4 of 12 left out as the official script does; with them as wrong, accuracy is 0.5000."
    assert note in theirs["notes"]
    assert not any("left out" in note for note in ours["notes"])
    newer = scores(mosi, official="2025-07-08")
    # 6 of the 9 that say anything.
    assert newer["groups"]["MOSI"]["accuracy"]["value"] == pytest.approx(6 / 9)
    assert [newer["groups"]["MOSI"]["f1"][name] for name in ("n", "invalid", "missing")] == [9, 1, 3]
    note = "MOSI: 3 of 12 left out as the official script does; with them as wrong, accuracy is 0.5000."
    assert note in newer["notes"]


def test_weighted_scores_by_hand() -> None:
    # Truths: neutral, negative, positive, neutral. Answers: neutral, neutral, positive, none.
    texts = ["neutral", "neutral", "positive", "?"]
    found = scores(
        [
            read_item(f"MOSI/{n}", SCENARIOS["MOSI"], truth, text)
            for n, (truth, text) in enumerate(zip(truths("MOSI", 4), texts, strict=True))
        ]
    )
    # precision: neutral 1/2, negative 0, positive 1; weights 2, 1, 1 of 4: (2 * 1/2 + 0 + 1) / 4 = 1/2.
    # recall: neutral 1/2, negative 0, positive 1: (2 * 1/2 + 0 + 1) / 4 = 1/2. f1 the same.
    values = {name: one["value"] for name, one in found["groups"]["MOSI"].items()}
    half = dict.fromkeys(("accuracy", "precision", "recall", "f1"), 0.5)
    assert values == pytest.approx({**half, "invalid_rate": 0.25})
    table = found["tables"]["MOSI"]
    assert table["labels"] == ["neutral", "negative", "positive"]
    assert table["confusion"] == [[1, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0]]


def test_a_dimension_without_all_of_its_scenarios_is_not_computed_and_says_so() -> None:
    found = [item for item in run(dict.fromkeys(CLASSIFIED, 10)) if item.group not in ("MELD", "smile")]
    result = scores(found)
    assert list(points(result)) == ["FER"]
    lack = "and overall are not computed: nothing to compute them from in"
    assert result["notes"] == [KINDS, f"CEU {lack} MELD (MPDER: not run).", f"SCEA {lack} smile (LR: not run)."]
    without_judge = [Item("smile/0", "smile", REFERENCE, "x", "answered", {"bleu": 0.1, "rouge_l": 0.2})]
    assert f"SCEA {lack} smile (LR: no judge)." in scores(found + without_judge)["notes"]
    invalid = [*(item for item in found if item.group != "MOSI"), *said("MOSI", 0, 0, 3)]
    assert f"FER {lack} MOSI (OSA: no valid answer)." in scores(invalid, official="2025-07-07")["notes"]
    # Three times "no idea" is wrong now: (4 * 100 + 0) / 5.
    assert scores(invalid, official="2025-07-08")["metrics"]["FER"]["value"] == pytest.approx(80)
    assert scores(invalid)["metrics"]["FER"]["value"] == pytest.approx(80)


def test_a_failed_judge_is_out_of_the_mean_but_counted_and_0_if_official() -> None:
    found = run(dict.fromkeys(CLASSIFIED, 10))[:-1] + laughs((5, 5), (2, 1), None, None)
    ours, theirs = scores(found), scores(found, official="2025-07-08")
    # (100 + 30) / 2 = 65, and (100 + 30 + 0 + 0) / 4 = 32.5
    assert ours["groups"]["smile"]["total"]["value"] == pytest.approx(65)
    assert theirs["groups"]["smile"]["total"]["value"] == pytest.approx(32.5)
    assert ours["metrics"]["SCEA"]["value"] == pytest.approx((100 + 100 + 65) / 3)
    assert theirs["metrics"]["SCEA"]["value"] == pytest.approx((100 + 100 + 32.5) / 3)
    for one in (ours, theirs):
        assert one["groups"]["smile"]["total"]["unjudged"] == one["metrics"]["overall"]["unjudged"] == 2
    assert "smile: the judge failed on 2 of 4, left out of logic, association and total." in ours["notes"]
    assert "smile: the judge failed on 2 of 4, counted as 0." in theirs["notes"]


def test_official_text_metrics_leave_empty_answers_out(tmp_path: Path) -> None:
    folder = write_benchmark(tmp_path, ["smile"], 4)
    rows = [{"id": "smile/0", "response": REFERENCE}, {"id": "smile/1", "response": ""}]
    found = items(folder, write_lines(tmp_path / "a.jsonl", rows), None, official=True)
    # One perfect answer of four, or of the one that is not empty.
    assert scores(found)["groups"]["smile"]["bleu"]["value"] == pytest.approx(0.25)
    official = scores(found, official="2025-07-08")["groups"]["smile"]["bleu"]
    assert official["value"] == pytest.approx(1)
    assert [official[name] for name in ("n", "invalid", "missing")] == [1, 1, 2]


def test_references_that_are_no_label_are_counted_and_never_right() -> None:
    odd = [
        read_item("MOSI/8", SCENARIOS["MOSI"], "mixed", "mixed"),
        read_item("MOSI/9", SCENARIOS["MOSI"], "Mixed", "neutral"),
    ]
    result = scores(said("MOSI", 2) + odd)
    assert result["groups"]["MOSI"]["accuracy"]["value"] == pytest.approx(0.5)
    assert "MOSI: 2 references are no label of it, no answer to it is right: 'mixed' (2)." in result["notes"]
    assert result["tables"]["MOSI"]["labels"][-1] == "mixed"
    official = scores(said("MOSI", 2) + odd, official="2025-07-07")
    assert official["groups"]["MOSI"]["accuracy"] | {"low": 0, "high": 0} == {
        "value": 1, "low": 0, "high": 0, "n": 2, "invalid": 1, "missing": 0, "unjudged": 0,
    }  # fmt: skip


def test_the_order_of_the_items_does_not_matter() -> None:
    found = run(dict(zip(CLASSIFIED, range(12), strict=True)), count=12)
    mixed = found[:]
    random.Random(0).shuffle(mixed)
    assert scores(mixed) == scores(found)


@pytest.mark.parametrize("extra", ["invalid", "missing"])
def test_an_answer_that_says_nothing_never_raises_a_score(extra: str) -> None:
    right = {name: one["value"] for name, one in scores(said("MOSI", 7))["groups"]["MOSI"].items()}
    nothing = {name: one["value"] for name, one in scores(said("MOSI", 6, **{extra: 1}))["groups"]["MOSI"].items()}
    wrong = scores(said("MOSI", 6, 1))["groups"]["MOSI"]["accuracy"]["value"]
    assert nothing["accuracy"] == wrong == pytest.approx(6 / 7)
    assert nothing["recall"] == nothing["accuracy"]
    assert nothing["f1"] < right["f1"]
    # Who says nothing says nothing wrong: precision cannot show it.
    assert nothing["precision"] == right["precision"] == 1


def test_intervals_of_weighted_scores_agree_with_drawing_items() -> None:
    labels = truths("MOSI", 60)
    answers = [label if n % 3 else "neutral" if n % 2 else None for n, label in enumerate(labels)]
    quick = weighted_intervals(labels, answers)
    drawn = [
        Item(f"{n:02}", "MOSI", label, answer, "answered")
        for n, (label, answer) in enumerate(zip(labels, answers, strict=True))
    ]
    for name in ("precision", "recall", "f1"):

        def of(members: Any, name: str = name) -> float:
            """As weighted_scores, which a thousand draws of three make slow."""
            pairs = [(member.truth, member.prediction) for member in members]
            total = 0.0
            for label in {truth for truth, _ in pairs}:
                hits, support = pairs.count((label, label)), sum(truth == label for truth, _ in pairs)
                answers = sum(answer == label for _, answer in pairs)
                whole = {"precision": answers, "recall": support, "f1": (answers + support) / 2}[name]
                total += support * (hits / whole if whole else 0)
            return total / len(pairs)

        assert of(drawn) == pytest.approx(weighted_scores(labels, answers)[name])

        slow = plain_interval(drawn, of)
        # Both are of a finite number of draws; 60 items move in steps of 1/60.
        assert quick[name] == pytest.approx(slow, abs=0.02)
    assert weighted_intervals(["a"], ["a"]) is None
    assert weighted_intervals(["a", "a"], ["a", "a"])["f1"] == (1, 1)


def test_others_rows_are_context_with_their_source() -> None:
    context = scores(said("MOSI", 1))["context"]
    board = [row for row in context if row["source"] == "EmoBench-M leaderboard"]
    assert {row["name"]: row["values"]["overall"] for row in board} == {
        "human": 73.0, "Gemini-2.0-Flash": 62.3, "Emotion-LLaMA": 40.6, "random": 25.4,
    }  # fmt: skip
    site = [row for row in context if row not in board]
    assert all(row["source"].startswith("tables on the EmoBench-M site") for row in site)
    # Its figures stand under the names of ours: of the kind that is computed in the same way.
    assert next(row["values"] for row in site if row["name"] == "Qwen2.5-Omni-7B") == {
        "FER": 49.7, "FER_f1": 49.0, "CEU": 46.6, "CEU_f1": 49.0, "SCEA_hu_sd": 63.7, "SCEA_hu_sd_f1": 63.3,
    }  # fmt: skip


def test_humour_and_sarcasm_alone_are_scored_as_on_the_site_and_need_no_judge() -> None:
    # The site's row of Gemini-3.0-Pro: HU 83.4, SD 85.6, their average 84.5; laughter's total is 71.0.
    both = said("funny", 417, 83) + said("MUSTARD", 428, 72)
    found = scores(both)
    assert found["metrics"]["SCEA_hu_sd"]["value"] == pytest.approx(84.5)
    assert found["metrics"]["SCEA_hu_sd"]["n"] == 1000
    assert "SCEA" not in found["metrics"] and KINDS in found["notes"]
    # With its FER 69.3 and CEU 62.3 the leaderboard's average is the abstract's 70.5: overall is of that kind.
    with_laughter = scores(both + laughs(*[(4, 4)] * 10, *[(3, 4)] * 90))
    assert with_laughter["metrics"]["SCEA"]["value"] == pytest.approx((83.4 + 85.6 + 71.0) / 3)
    assert round((69.3 + 62.3 + with_laughter["metrics"]["SCEA"]["value"]) / 3, 1) == 70.5
    assert with_laughter["metrics"]["SCEA_hu_sd"]["value"] == pytest.approx(84.5)


def test_f1_of_dimensions_is_the_mean_of_the_scenarios_weighted_f1() -> None:
    """Humour's truths are true and false by turns.

    Of funny's four all are right: F1 1. MUSTARD's four are answered true, of which two are: precision of true 2/4,
    recall 1, F1 2/3; that of false is 0; weighted by 2 of 4 each: 1/3. Their mean is 2/3, however many there are.
    """
    sarcasm = [
        read_item(f"MUSTARD/{n}", SCENARIOS["MUSTARD"], truth, "true") for n, truth in enumerate(["true", "false"] * 2)
    ]
    for times in (1, 5):
        found = scores(said("funny", 4 * times) + sarcasm)
        f1 = found["metrics"]["SCEA_hu_sd_f1"]
        assert f1["value"] == pytest.approx(100 * 2 / 3)
        assert f1["low"] < f1["value"] < f1["high"]
        assert f1["n"] == 4 * times + 4
    # As the site has it of its other dimensions: perfect ones score 100, and what lacks a scenario has none.
    perfect = scores([item for name in CLASSIFIED if SCENARIOS[name].dimension == "FER" for item in said(name, 5)])
    assert perfect["metrics"]["FER_f1"]["value"] == pytest.approx(100)
    assert "CEU_f1" not in perfect["metrics"]
    # The interval of one scenario's F1 is half as wide in the mean with another one that is perfect.
    drawn = scores(sarcasm)["groups"]["MUSTARD"]["f1"]
    mean = scores(said("funny", 4) + sarcasm)["metrics"]["SCEA_hu_sd_f1"]
    assert (mean["high"] - mean["low"]) / 100 == pytest.approx((drawn["high"] - drawn["low"]) / 2)

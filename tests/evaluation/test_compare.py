"""compare.py: paired differences, by hand."""

import math
import random
from dataclasses import replace
from itertools import product
from math import comb
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swift_saber.errors import InputError
from swift_saber.evaluation.compare import compare, mcnemar, sign_flip
from swift_saber.evaluation.item import Item


def run(*scores: float | None) -> list[Item]:
    return [
        Item(f"q{place}", "g", "happy", "happy", "unjudged" if score is None else "answered", {"right": score})
        for place, score in enumerate(scores)
    ]


def test_right_and_wrong_by_hand() -> None:
    # The second run alone is right in q2, q3, q4 and the first alone in q1: 3 of 4, p = 2 * (1 + 4) / 16.
    found = compare(run(1, 1, 0, 0, 0, 0), run(1, 0, 1, 1, 1, 0), "right")
    assert found["n"] == 6
    assert (found["first"], found["second"]) == pytest.approx((2 / 6, 4 / 6))
    assert found["difference"] == pytest.approx(2 / 6)
    assert (found["second_higher"], found["first_higher"], found["equal"]) == (3, 1, 2)
    assert (found["p"], found["test"]) == (10 / 16, "McNemar, exact")
    assert found["low"] < 2 / 6 < found["high"]


def test_scores_between_are_tested_by_exchanging_the_runs() -> None:
    # Four gaps of 0.25: of the 16 signs two are as far from 0, so p is about 2/16.
    found = compare(run(0.25, 0.5, 0.5, 0.25), run(0.5, 0.75, 0.75, 0.5), "right")
    assert found["test"] == "sign-flip permutation"
    assert found["p"] == pytest.approx(2 / 16, abs=0.015)
    assert (found["difference"], found["low"], found["high"]) == (0.25, 0.25, 0.25)


def test_a_run_against_itself_does_not_differ() -> None:
    for scores in ((1, 0, 1), (0.5, 0.25, 0.75)):
        found = compare(run(*scores), run(*scores), "right")
        assert (found["difference"], found["p"], found["low"], found["high"]) == (0, 1, 0, 0)


def test_the_interval_is_that_of_pairs_and_not_of_two_samples() -> None:
    # Every item 0.1 better: no width, however far the items are apart.
    first = [random.Random(1).randrange(8) / 8 for _ in range(30)]
    found = compare(run(*first), run(*(score + 0.125 for score in first)), "right")
    assert found["low"] == found["high"] == 0.125


def test_what_one_run_has_alone_is_an_error_unless_asked_for() -> None:
    with pytest.raises(InputError, match=r"comparison: id: 1 are not in the second run \(the first: 'q2'\)"):
        compare(run(1, 0, 1), run(1, 0), "right")
    with pytest.raises(InputError, match=r"comparison: id: 1 are not in the first run"):
        compare(run(1, 0), run(1, 0, 1), "right")
    found = compare(run(1, 0, 1), run(1, 0), "right", only_shared=True)
    assert (found["n"], found["only_first"], found["only_second"]) == (2, 1, 0)


def test_what_a_judge_failed_on_is_left_out_and_counted() -> None:
    found = compare(run(1, None, 0, None), run(1, 1, None, None), "right")
    assert (found["n"], found["unjudged"]) == (1, 3)


def test_questions_that_have_the_metric_in_neither_run_are_no_part_of_it() -> None:
    other = Item("free", "g", "a text", "a text", "answered", {"bleu": 0.5})
    assert compare([*run(1, 0), other], [*run(1, 0), other], "right")["n"] == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"truth": "sad"}, "q1: truth: is 'happy' in the first run and 'sad' in the second"),
        ({"group": "h"}, "q1: group: is 'g' in the first run and 'h' in the second"),
        ({"scores": {}}, "q1: right: is a score of one run alone"),
        ({"id": "q0"}, "the second run: id: 'q0' is there twice"),
    ],
)
def test_runs_that_do_not_fit_are_named(change: dict, said: str) -> None:
    one, two = run(1, 0)
    with pytest.raises(InputError) as error:
        compare([one, two], [one, replace(two, **change)], "right")
    assert str(error.value).startswith(said)


def test_a_metric_that_nobody_has_is_an_error() -> None:
    with pytest.raises(InputError, match="comparison: wer: no question has it in both runs"):
        compare(run(1), run(0), "wer")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_share_of_throws_of_a_coin_that_are_as_uneven(gained: int, lost: int) -> None:
    thrown = gained + lost
    as_uneven = (comb(thrown, heads) for heads in range(thrown + 1) if abs(2 * heads - thrown) >= abs(gained - lost))
    assert mcnemar(gained, lost) == pytest.approx(sum(as_uneven) / 2**thrown)


def test_mcnemar_of_many_questions() -> None:
    # 6,000 throws have the standard deviation sqrt(6000) / 2 = 38.73. From 3,100 heads on, with the half unit of the
    # continuity correction, it is 99.5 / 38.73 = 2.569 of them from the mean, on either side.
    assert mcnemar(3100, 2900) == pytest.approx(2 * NormalDist().cdf(-99.5 / (6000**0.5 / 2)), rel=1e-3)


@settings(max_examples=8, deadline=None)
@given(st.lists(st.sampled_from([-0.3, -0.2, -0.1, 0.0, 0.1, 0.4]), min_size=1, max_size=8))
def test_sign_flip_is_near_the_count_over_all_signs(gaps: list[float]) -> None:
    found = abs(math.fsum(gaps))
    flips = [
        abs(math.fsum(a * b for a, b in zip(gaps, signs, strict=True))) for signs in product((-1, 1), repeat=len(gaps))
    ]
    exact = sum(flip >= found - 1e-9 for flip in flips) / len(flips)
    # 10,000 draws: the standard error is at most 0.005.
    assert sign_flip(gaps) == pytest.approx(exact, abs=0.025)


def test_a_clear_difference_has_the_smallest_p_that_the_draws_can_give() -> None:
    assert sign_flip([0.5] * 60) == 1 / 10_001


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=12), st.randoms())
def test_order_does_not_matter_and_exchanging_the_runs_turns_the_sign(pairs, chance) -> None:
    first, second = run(*(a for a, _ in pairs)), run(*(b for _, b in pairs))
    found = compare(first, second, "right")
    assert compare(chance.sample(first, len(first)), chance.sample(second, len(second)), "right") == found
    turned = compare(second, first, "right")
    assert turned["difference"] == -found["difference"]
    assert turned["p"] == found["p"]

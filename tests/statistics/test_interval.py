"""interval.py: what a bootstrap interval promises."""

import random
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from swift_saber.evaluation.item import Item
from swift_saber.statistics.interval import (
    Interval,
    counts_interval,
    group_means_interval,
    mean_interval,
    pooled,
    share_interval,
)
from tests.statistics.plain_bootstrap import plain_interval


def items(groups: dict[str, list[float]]) -> list[Item]:
    return [
        Item(f"{group}-{place}", group, "a", "a", "answered", {"score": value})
        for group, values in groups.items()
        for place, value in enumerate(values)
    ]


def mean_of_means(means):
    return sum(means.values()) / len(means)


def test_the_interval_of_a_share_is_about_that_of_the_normal_distribution() -> None:
    # 400 of 1,000 right: the standard error is sqrt(0.4 * 0.6 / 1000) = 0.01549, 1.96 of them to each side.
    half = NormalDist().inv_cdf(0.975) * (0.4 * 0.6 / 1000) ** 0.5
    ends = mean_interval([1.0] * 400 + [0.0] * 600)
    assert ends == pytest.approx((0.4 - half, 0.4 + half), abs=0.003)


def test_of_two_items_by_hand() -> None:
    # The four draws of two from 0 and 1 have the means 0, 1/2, 1/2, 1: 0 and 1 each lie beyond 2.5 %.
    assert mean_interval([0, 1]) == Interval(0, 1)


def test_nothing_and_one_item_have_no_interval_and_equal_items_one_of_no_width() -> None:
    assert mean_interval([]) is None
    assert mean_interval([1.0]) is None
    assert mean_interval([1.0] * 7) == Interval(1, 1)
    assert group_means_interval({}, mean_of_means) is None
    assert group_means_interval({"a": [1.0], "b": [0.0]}, mean_of_means) is None


def test_it_covers_the_true_mean_about_19_times_in_20() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        ends = mean_interval((rng.random(100) < 0.5).astype(float))
        assert ends
        hits += ends.low <= 0.5 <= ends.high
    # 190 expected, standard deviation sqrt(200 * 0.95 * 0.05) = 3.1.
    assert 180 <= hits <= 199


def test_groups_are_drawn_each_for_itself() -> None:
    # Without a spread inside the groups there is none in the mean of their means, however far they are apart.
    apart = {"easy": [1.0] * 5, "hard": [0.0] * 50}
    assert group_means_interval(apart, mean_of_means) == Interval(0.5, 0.5)
    ends = mean_interval([value for values in apart.values() for value in values])
    assert ends
    assert ends.high - ends.low > 0.1


def test_a_gap_between_groups_is_as_wide_as_both_spreads_make_it() -> None:
    # Each group's standard error is sqrt(0.25 / 100) = 0.05; that of the difference sqrt(2) * 0.05 = 0.0707.
    half = NormalDist().inv_cdf(0.975) * 2**0.5 * 0.05
    groups = {"consistent": [1.0, 0.0] * 50, "inconsistent": [0.0, 1.0] * 50}
    ends = group_means_interval(groups, lambda means: means["consistent"] - means["inconsistent"])
    assert ends == pytest.approx((-half, half), abs=0.02)


def test_any_statistic_of_items_agrees_with_the_vectorised_mean() -> None:
    rng = random.Random(3)
    groups = {"a": [rng.random() for _ in range(60)], "b": [rng.random() for _ in range(20)]}

    def statistic(drawn) -> float:
        parts: dict[str, list[float]] = {}
        for item in drawn:
            parts.setdefault(item.group, []).append(item.scores["score"])
        assert {group: len(part) for group, part in parts.items()} == {"a": 60, "b": 20}
        return mean_of_means({group: sum(part) / len(part) for group, part in parts.items()})

    # Both draw at random, so their ends differ by about a tenth of the interval's half width.
    found, vectorised = plain_interval(items(groups), statistic), group_means_interval(groups, mean_of_means)
    assert found == pytest.approx(vectorised, abs=0.02)


def drawn_means(drawn):
    """The means of the first column of each group."""
    return {name: counts @ rows[:, 0] / counts.sum(axis=1) for name, (counts, rows) in drawn.items()}


def test_counts_of_rows_give_the_interval_of_drawn_items() -> None:
    # As above: 400 of 1,000, in two groups, whose means are the same and do not add to the spread.
    half = NormalDist().inv_cdf(0.975) * (0.4 * 0.6 / 1000) ** 0.5
    rows = np.array([[1.0, np.nan]] * 200 + [[0.0, 7.0]] * 300)
    ends = counts_interval({"a": rows, "b": rows}, lambda drawn: mean_of_means(drawn_means(drawn)))
    assert ends == pytest.approx((0.4 - half, 0.4 + half), abs=0.003)
    assert counts_interval({"b": rows[::-1], "a": rows}, lambda drawn: mean_of_means(drawn_means(drawn))) == ends

    def of_all(drawn):
        counts, distinct = pooled(drawn)
        assert np.array_equal(distinct, [[0, 7], [1, np.nan]] * 2, equal_nan=True)
        assert counts.shape == (1000, 4)
        return counts @ distinct[:, 0] / counts.sum(axis=1)

    assert counts_interval({"a": rows, "b": rows}, of_all) == pytest.approx(ends)


def test_counts_of_rows_draw_groups_each_for_itself_and_need_two_items_in_one() -> None:
    apart = {"easy": np.ones((5, 1)), "hard": np.zeros((50, 1))}
    assert counts_interval(apart, lambda drawn: mean_of_means(drawn_means(drawn))) == Interval(0.5, 0.5)
    assert counts_interval({"a": np.ones((1, 1)), "b": np.zeros((1, 1))}, drawn_means) is None
    assert counts_interval({}, drawn_means) is None


def test_drawing_in_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [float(place) for place in range(37)]
    whole = mean_interval(values)
    monkeypatch.setattr("swift_saber.statistics.interval._AT_ONCE", 37 * 7)
    assert mean_interval(values) == whole


@settings(max_examples=20, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(st.floats(0, 1), min_size=1, max_size=8), min_size=1),
    st.randoms(use_true_random=False),
)
def test_order_does_not_matter(groups: dict[str, list[float]], chance) -> None:
    shuffled = {
        group: chance.sample(groups[group], len(groups[group])) for group in chance.sample(sorted(groups), len(groups))
    }
    for group in groups:
        assert mean_interval(shuffled[group]) == mean_interval(groups[group])

    def total(means):
        return sum(means[group] for group in sorted(means))

    assert group_means_interval(shuffled, total) == group_means_interval(groups, total)


@given(st.integers(1, 200).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_the_interval_of_a_share_is_scipys_wilson_interval(found: tuple[int, int]) -> None:
    right, count = found
    expected = binomtest(right, count).proportion_ci(0.95, "wilson")
    ends = share_interval([1.0] * right + [0.0] * (count - right))
    assert ends == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_none_of_many_is_not_none_for_sure() -> None:
    """Of none in n the upper end is z^2 / (n + z^2): 3.84 / 60.84 for 57."""
    assert share_interval([0.0] * 57) == pytest.approx((0, 3.8415 / 60.8415), abs=1e-4)
    assert share_interval([]) is None

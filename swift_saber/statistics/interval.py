"""How far a score could be from itself had other items been drawn: percentile bootstrap intervals, by scipy.

95 %, 1,000 draws, seed 0: ours. Knows numbers; knows nothing of what a score means.

Where there is no item there is no interval, and none for a single item, which says nothing of the spread. Items that
all score the same give an interval of no width (the bootstrap's known blind spot): read it with n. The order of the
items does not matter: they are sorted before anything is drawn.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
DRAWS = 1000
SEED = 0

Means = NDArray[np.float64]

# Numbers drawn at a time: 8 MB of them.
_AT_ONCE = 1_000_000


class Interval(NamedTuple):
    """The ends of a confidence interval, in the unit of the score."""

    low: float
    high: float


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Return the interval of the mean of some numbers, or None for fewer than two (Efron 1979).

    Each draw takes n of the n values with replacement; the ends are the 2.5th and 97.5th percentile of their means.

    Args:
        values: the scores of the items, (n,).
    """
    return group_means_interval({"": values}, lambda means: means[""])


def share_interval(values: Sequence[float]) -> Interval | None:
    """Return the interval of a share, or None for no item: Wilson's score interval (Wilson 1927).

    None of 57 is no more than 6 %, where the bootstrap, which can draw nothing else, would say 0 % for sure. Of values
    between 0 and 1, such as the share of an item's reviewers, it is too wide rather than too narrow.

    Args:
        values: 0 or 1 of each item, or between, (n,).
    """
    if not values:
        return None
    count, share = len(values), math.fsum(values) / len(values)
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    middle = share + z**2 / (2 * count)
    spread = z * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    low, high = ((middle + side) / (1 + z**2 / count) for side in (-spread, spread))
    return Interval(max(low, 0.0), min(high, 1.0))


def group_means_interval(
    groups: Mapping[str, Sequence[float]], combine: Callable[[Mapping[str, Means]], Means]
) -> Interval | None:
    """Return the interval of what is computed from the means of groups, or None where no group has two items.

    Each draw takes as many items from each group as it has (stratified), so a group never vanishes from a draw. A group
    of one item adds no width.

    Args:
        groups: {group: its items' scores}, none of them empty.
        combine: from {group: (draws,) means} to (draws,) scores, e.g. `lambda means: sum(means.values()) / len(means)`
            for the mean of group means, or the difference of two groups.
    """
    from scipy.stats import bootstrap

    names = sorted(groups)
    samples = [np.sort(np.asarray(groups[name], dtype=np.float64)) for name in names]
    if all(len(sample) < 2 for sample in samples):
        return None

    def combined(*drawn: Means, axis: int) -> Means:
        return combine({name: values.mean(axis=axis) for name, values in zip(names, drawn, strict=True)})

    found = bootstrap(
        # It refuses a sample of one: twice the same changes no mean.
        [sample if len(sample) > 1 else np.repeat(sample, 2) for sample in samples],
        combined,
        n_resamples=DRAWS,
        batch=max(1, _AT_ONCE // max(map(len, samples))),
        vectorized=True,
        confidence_level=LEVEL,
        method="percentile",
        rng=SEED,
    ).confidence_interval
    return Interval(float(found.low), float(found.high))


def counts_interval(
    groups: Mapping[str, NDArray[np.float64]],
    combine: Callable[[Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]], Means],
) -> Interval | None:
    """Return the interval of what is computed from how often each row of a group is there, or None as the others do.

    Many times faster than drawing items, where rows repeat: drawing n of n items with replacement is drawing how often
    each distinct row occurs from a multinomial distribution.

    Args:
        groups: {group: what each of its items brings, (n, k)}, none of them empty, NaN allowed.
        combine: from {group: (how often, (draws, distinct); the distinct rows, (distinct, k))} to (draws,) scores.
    """
    if all(len(rows) < 2 for rows in groups.values()):
        return None
    rng = np.random.default_rng(SEED)
    drawn = {}
    for name in sorted(groups):
        # Equal NaNs are one row only where they are a number.
        distinct, times = np.unique(np.nan_to_num(groups[name], nan=-np.inf), axis=0, return_counts=True)
        counts = rng.multinomial(times.sum(), times / times.sum(), size=DRAWS)
        drawn[name] = counts, np.where(np.isneginf(distinct), np.nan, distinct)
    outside = 50 * (1 - LEVEL)
    low, high = np.percentile(combine(drawn), (outside, 100 - outside))
    return Interval(float(low), float(high))


def pooled(
    drawn: Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return what counts_interval draws of each group as that of one: (draws, rows of all) and (rows of all, k)."""
    return np.hstack([counts for counts, _ in drawn.values()]), np.vstack([rows for _, rows in drawn.values()])

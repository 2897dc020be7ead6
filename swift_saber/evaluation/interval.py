"""How far a score could be from itself had other items been drawn: percentile bootstrap intervals.

95 %, 1,000 draws, seed 0: ours. Knows numbers and items; knows nothing of what a score means.

Where there is no item there is no interval, and none for a single item, which says nothing of the spread. Items that
all score the same give an interval of no width (the bootstrap's known blind spot): read it with n. The order of the
items does not matter: they are sorted before anything is drawn.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from swift_saber.evaluation.item import Item

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


def mean_interval(values: Sequence[float], *, draws: int = DRAWS, seed: int = SEED) -> Interval | None:
    """Return the interval of the mean of some numbers, or None for fewer than two (Efron 1979).

    Each draw takes n of the n values with replacement; the ends are the 2.5th and 97.5th percentile of their means.

    Args:
        values: the scores of the items, (n,).
        draws: how many times n values are drawn.
        seed: of the drawing.
    """
    if len(values) < 2:
        return None
    return _ends(_drawn_means(values, draws, np.random.default_rng(seed)))


def group_means_interval(
    groups: Mapping[str, Sequence[float]],
    combine: Callable[[Mapping[str, Means]], Means],
    *,
    draws: int = DRAWS,
    seed: int = SEED,
) -> Interval | None:
    """Return the interval of what is computed from the means of groups, or None where no group has two items.

    Each draw takes as many items from each group as it has (stratified), so a group never vanishes from a draw. A group
    of one item adds no width.

    Args:
        groups: {group: its items' scores}, none of them empty.
        combine: from {group: (draws,) means} to (draws,) scores, e.g. `lambda means: sum(means.values()) / len(means)`
            for the mean of group means, or the difference of two groups.
        draws: as in mean_interval.
        seed: as in mean_interval.
    """
    if all(len(values) < 2 for values in groups.values()):
        return None
    rng = np.random.default_rng(seed)
    return _ends(combine({group: _drawn_means(groups[group], draws, rng) for group in sorted(groups)}))


def statistic_interval(
    items: Sequence[Item], statistic: Callable[[Sequence[Item]], float], *, draws: int = DRAWS, seed: int = SEED
) -> Interval | None:
    """Return the interval of any number that is computed from items, or None where no group has two of them.

    For what is no mean, e.g. a weighted F1; stratified by Item.group as in group_means_interval. The statistic is
    called once per draw, so its time is multiplied by a thousand.

    Args:
        items: with ids of their own.
        statistic: of as many items, some of them several times.
        draws: as in mean_interval.
        seed: as in mean_interval.
    """
    ordered = sorted(items, key=lambda item: (item.group, item.id))
    strata = [list(members) for _, members in groupby(ordered, key=lambda item: item.group)]
    if all(len(stratum) < 2 for stratum in strata):
        return None
    rng = np.random.default_rng(seed)
    found = np.empty(draws)
    for draw in range(draws):
        drawn = [
            stratum[place] for stratum in strata for place in rng.integers(len(stratum), size=len(stratum)).tolist()
        ]
        found[draw] = statistic(drawn)
    return _ends(found)


def _drawn_means(values: Sequence[float], draws: int, rng: np.random.Generator) -> Means:
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    count = len(ordered)
    at_once = max(1, _AT_ONCE // count)
    parts = []
    for start in range(0, draws, at_once):
        places = rng.integers(count, size=(min(at_once, draws - start), count))
        parts.append(ordered[places].mean(axis=1))
    return np.concatenate(parts)


def _ends(scores: Means) -> Interval:
    outside = 50 * (1 - LEVEL)
    low, high = np.percentile(scores, (outside, 100 - outside))
    return Interval(float(low), float(high))

"""How far people, judges and a model agree on labels of the same clips: Cohen's kappa and Krippendorff's alpha.

Ratings are {rater: label}, one mapping a clip; who has not rated a clip is not in it. Kappa is of two raters on the
clips that both have rated; alpha is of any number, on the clips that two have rated at least. 1 is full agreement, 0
that of chance, and below 0 they agree less than by chance. Knows no benchmark and no model: a model is a rater like
another.

Intervals are bootstrap intervals over the clips (interval.py's level, draws and seed). Clips that all have rated alike
are drawn as one: how often each kind of them occurs among n of n clips drawn with replacement is multinomial, so this
is the same distribution, in a time that goes by the kinds and not by the clips. The packages' values are those of the
tests. The order of the clips does not matter.
"""

import math
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import combinations, permutations
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swift_saber.errors import InputError
from swift_saber.statistics.interval import DRAWS, LEVEL, SEED, Interval

#: One mapping {rater: label} for each clip.
Ratings = Sequence[Mapping[str, str]]

_Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
# Numbers drawn at a time: 8 MB of them.
_AT_ONCE = 1_000_000


class Agreement(NamedTuple):
    """A coefficient with its interval, and the clips that it rests on.

    The value is None where chance leaves nothing to agree on, since one and the same label is given to all; the
    interval also for fewer than two clips.
    """

    value: float | None
    interval: Interval | None
    clips: int


def cohen_kappa(
    first: Sequence[Any],
    second: Sequence[Any],
    weights: Literal["quadratic"] | None = None,
    times: Sequence[int] | None = None,
) -> float | None:
    """Return Cohen's kappa of two judges: 1 - (disagreement found) / (disagreement expected by chance).

    The disagreement of two ratings is 0 or 1, or with "quadratic" the square of their distance (Cohen 1960, 1968). By
    chance: each judge deals the same ratings out at random. 1 is full agreement, 0 that of chance; None where both
    judges give one and the same rating to all, so that chance leaves nothing to agree on (scikit-learn: NaN).

    Args:
        first, second: the judges' ratings of the same answers, (n,): labels, or whole numbers where the weights are
            quadratic.
        weights: None or "quadratic".
        times: how often each of these is there, (n,); None for once.

    Raises:
        InputError: there is no rating.
    """
    from sklearn.metrics import cohen_kappa_score

    if not first:
        raise InputError("agreement", "ratings", "there is none", "rate at least one answer with both judges")
    given = {*first, *second}
    if len(given) == 1:
        return None
    # Its weights go by the place of a label, so there it is told of the whole scale.
    scale = range(int(min(given)), int(max(given)) + 1) if weights else None
    return float(cohen_kappa_score(first, second, labels=scale, weights=weights, sample_weight=times))


def agreement(first: Sequence[float | None], second: Sequence[float | None]) -> dict[str, float | int | None]:
    """Return how two judges agree on the same answers.

    Args:
        first, second: the judges' ratings in the same order, (n,); None where one failed.

    Returns:
        n: answers that both rated; failed_first, failed_second: answers that the judge gave no rating.
        percent: of equal ratings, 0..100; kappa, quadratic_kappa: as cohen_kappa; None for n = 0.
    """
    both = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    ones, twos = [a for a, _ in both], [b for _, b in both]
    return {
        "n": len(both),
        "failed_first": sum(rating is None for rating in first),
        "failed_second": sum(rating is None for rating in second),
        "percent": 100 * sum(a == b for a, b in both) / len(both) if both else None,
        "kappa": cohen_kappa(ones, twos) if both else None,
        "quadratic_kappa": cohen_kappa(ones, twos, "quadratic") if both else None,
    }


def mean_kappa(ratings: Ratings, pairs: Sequence[tuple[str, str]]) -> Agreement:
    """Return the mean of the kappas of pairs of raters, each on the clips that both have rated (Cohen 1960).

    Args:
        ratings: of all clips.
        pairs: of raters; one pair for its own kappa. A pair whose kappa is None is no part of the mean.
    """
    kinds = _kinds(ratings, {rater for pair in pairs for rater in pair})
    shared: dict[tuple[str, str], list[int]] = {pair: [] for pair in pairs}
    for place, (of, _) in enumerate(kinds):
        for pair in permutations(of, 2):
            if pair in shared:
                shared[pair].append(place)
    rated = sorted({place for places in shared.values() for place in places})
    labels = {label: place for place, label in enumerate(sorted({label for of, _ in kinds for label in of.values()}))}
    tables, values = [], []
    for (one, two), places in shared.items():
        if not places:
            continue
        ones, twos = ([kinds[place][0][rater] for place in places] for rater in (one, two))
        values.append(cohen_kappa(ones, twos, times=[kinds[place][1] for place in places]))
        # Of each kind: 1, whether the labels are equal, and which they are. Other kinds are no rows: of many raters
        # most pairs share a few clips only.
        table = np.zeros((len(places), 2 + 2 * len(labels)))
        for row, first, second in zip(table, ones, twos, strict=True):
            row[:2] = 1, first == second
            row[2 + labels[first]] = row[2 + len(labels) + labels[second]] = 1
        tables.append((np.searchsorted(rated, places), table))
    known = [value for value in values if value is not None]
    value = math.fsum(known) / len(known) if known else None
    times = [kinds[place][1] for place in rated]
    return Agreement(value, _interval(times, tables, _kappa), sum(times))


def _kappa(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Kappa from (draws, 2 + 2 labels) of sums: clips, equal ones, and for both raters the clips of each label."""
    ones, twos = np.split(sums[:, 2:] / sums[:, :1], 2, axis=1)
    chance = (ones * twos).sum(axis=1)
    kappa: NDArray[np.float64] = (sums[:, 1] / sums[:, 0] - chance) / (1 - chance)
    return kappa


def krippendorff_alpha(ratings: Ratings, raters: Collection[str]) -> Agreement:
    """Return Krippendorff's alpha of labels without an order: 1 - (disagreement found) / (that of chance).

    A clip with m labels, m >= 2, has m (m - 1) ordered pairs of them, each of weight 1 / (m - 1); found is the share
    of unequal ones among all clips' pairs. By chance: the same share among all pairs of all labels in these clips
    (Krippendorff 2004, nominal). With two raters it is near Cohen's kappa. Ours, since the package of that name has
    another licence than this one, and nltk's, the measure of the tests, would take minutes for an interval.

    Args:
        ratings: of all clips; raters may have rated some of them only.
        raters: whose labels count.
    """
    # Who gave a label says nothing here, so that far fewer clips are unlike than for kappa.
    given = Counter(tuple(sorted(label for rater, label in of.items() if rater in raters)) for of in ratings)
    kinds = sorted((labels, count) for labels, count in given.items() if len(labels) > 1)
    columns = {label: place for place, label in enumerate(sorted({label for labels, _ in kinds for label in labels}))}
    rows = []
    for labels, _ in kinds:
        row, total = np.zeros(1 + len(columns)), len(labels)
        for label, number in Counter(labels).items():
            row[1 + columns[label]] = number
        row[0] = (total**2 - (row[1:] ** 2).sum()) / (total - 1)
        rows.append(row)
    if not rows:
        return Agreement(None, None, 0)
    table, times = np.array(rows), [count for _, count in kinds]
    value = float(_alpha(np.array(times) @ table[None])[0])
    interval = _interval(times, [(np.arange(len(rows)), table)], _alpha)
    return Agreement(None if math.isnan(value) else value, interval, sum(times))


def _alpha(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Alpha from (draws, 1 + labels) of sums: the weight of unequal pairs, and how often each label is given."""
    total = sums[:, 1:].sum(axis=1)
    unequal = total**2 - (sums[:, 1:] ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha: NDArray[np.float64] = np.where(unequal > 0, 1 - sums[:, 0] * (total - 1) / unequal, np.nan)
    return alpha


def _kinds(ratings: Ratings, raters: Collection[str]) -> list[tuple[dict[str, str], int]]:
    """What these raters say of clips, each once, and of how many clips; in an order that does not go by the clips'."""
    counts = Counter(frozenset(said for said in of.items() if said[0] in raters) for of in ratings)
    return [(dict(of), count) for of, count in sorted((sorted(of), count) for of, count in counts.items())]


def _interval(
    times: Sequence[int], tables: Sequence[tuple[NDArray[np.int64], NDArray[np.float64]]], statistic: _Statistic
) -> Interval | None:
    """The interval of the mean, over tables, of what is computed from sums of their rows; None for fewer than 2 clips.

    A draw in which it is NaN for all tables, one label being all that is left, says nothing and is left out.

    Args:
        times: how many clips there are of each kind.
        tables: which kinds it has a row for, (n,), and the rows, (n, columns).
        statistic: from sums of rows, (draws, columns), to (draws,) values.
    """
    if sum(times) < 2:
        return None
    drawn = []
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy's, of means of nothing
        for counts in _draws(np.array(times)):
            drawn.append(np.nanmean([statistic(counts[:, places] @ table) for places, table in tables], axis=0))
    values = np.concatenate(drawn)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    outside = 50 * (1 - LEVEL)
    low, high = np.percentile(values, (outside, 100 - outside))
    return Interval(float(low), float(high))


def _draws(times: NDArray[np.int64]) -> Iterator[NDArray[np.float64]]:
    """How often each kind of clip occurs in each draw of as many clips, (draws, kinds), some draws at a time."""
    rng = np.random.default_rng(SEED)
    at_once = max(1, _AT_ONCE // len(times))
    for start in range(0, DRAWS, at_once):
        counts = rng.multinomial(times.sum(), times / times.sum(), size=min(at_once, DRAWS - start))
        yield counts.astype(np.float64)


def rater_pairs(ratings: Ratings, without: Collection[str] = ()) -> list[tuple[str, str]]:
    """Return all pairs of raters but those of `without`, sorted."""
    return list(combinations(sorted({rater for of in ratings for rater in of} - set(without)), 2))

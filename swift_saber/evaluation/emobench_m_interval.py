"""Bootstrap intervals of weighted precision, recall and F1, which are no means of items.

The same as interval.statistic_interval of classification.weighted_scores, a hundred times faster: drawing n of n items
with replacement is drawing how often each pair of truth and answer occurs from a multinomial distribution.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from swift_saber.evaluation.interval import DRAWS, LEVEL, SEED, Interval


def weighted_intervals(
    truths: Sequence[str], predictions: Sequence[str | None], *, draws: int = DRAWS, seed: int = SEED
) -> dict[str, Interval] | None:
    """Return the interval of "precision", "recall" and "f1" as classification.weighted_scores has them.

    Args:
        truths: (n,).
        predictions: (n,), None for an answer that is no label.
        draws: how many times n items are drawn.
        seed: of the drawing.

    Returns:
        None for fewer than two items.
    """
    if len(truths) < 2:
        return None
    pairs = Counter(zip(truths, predictions, strict=True))
    cells = sorted(pairs, key=lambda pair: (pair[0], pair[1] or "", pair[1] is None))
    labels = sorted({truth for truth, _ in cells})  # others have no support, so no weight
    shares = np.array([pairs[cell] for cell in cells]) / len(truths)
    counts = np.random.default_rng(seed).multinomial(len(truths), shares, size=draws)  # (draws, cells)
    is_truth = np.array([[truth == label for label in labels] for truth, _ in cells], dtype=float)
    is_answer = np.array([[answer == label for label in labels] for _, answer in cells], dtype=float)
    support, answers, hits = counts @ is_truth, counts @ is_answer, counts @ (is_truth * is_answer)  # (draws, labels)
    drawn = {
        "precision": _share(hits, answers),
        "recall": _share(hits, support),
        "f1": _share(2 * hits, answers + support),
    }
    outside = 50 * (1 - LEVEL)
    found = {}
    for name, scores in drawn.items():
        low, high = np.percentile((scores * support).sum(axis=1) / len(truths), (outside, 100 - outside))
        found[name] = Interval(float(low), float(high))
    return found


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    share: np.ndarray = np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=whole > 0)
    return share

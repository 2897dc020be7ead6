"""MER-UniBench's scores of labelled data sets: the hit rate of a discrete emotion, and the sign of a sentiment.

Published with AffectGPT (MER-UniBench). Discrete sets are scored on open labels and the emotion wheels (wheel.py);
sentiment sets on a number, or on its sign.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.wheel import Wheels
from swift_saber.evaluation.metrics import accuracy, weighted_scores

POSITIVE, NEGATIVE = "positive", "negative"


class HitRate(NamedTuple):
    """The hit rate, 0..1, or None where no truth is in any wheel; and how many clips count in at least one wheel."""

    value: float | None
    clips: int


def hits(truth: str, labels: Sequence[str], wheels: Wheels) -> list[float | None]:
    """Return for each of the five wheels whether the truth's group is among those of the predicted labels.

    Args:
        truth: the clip's one emotion, as the data set writes it.
        labels: what was read out of the answer; [] where there is none.
        wheels: the inner rings are compared, as published.

    Returns:
        1 or 0; None where a wheel does not know the truth ("neutral"), so that the clip does not count there.
    """
    pairs = zip(wheels.groups([truth]), wheels.groups(labels), strict=True)
    return [float(bool(true & said)) if true else None for true, said in pairs]


def hit_rate(truths: Sequence[str], labels: Sequence[Sequence[str]], wheels: Wheels) -> HitRate:
    """Return the mean over the wheels of the share of clips that hit.

    Args:
        truths: the emotion of each clip, (n,).
        labels: the predicted labels of each, (n,), in the same order; [] for a clip without an answer, which misses.
        wheels: as in hits.
    """
    clips = [hits(truth, said, wheels) for truth, said in zip(truths, labels, strict=True)]
    columns = [[hit for hit in wheel if hit is not None] for wheel in zip(*clips, strict=True)]
    rates = [sum(column) / len(column) for column in columns if column]
    counted = sum(any(hit is not None for hit in clip) for clip in clips)
    return HitRate(sum(rates) / len(rates) if rates else None, counted)


class SentimentScore(NamedTuple):
    """Weighted F1, the first score of sentiment sets, and accuracy, each 0..1; and the clips with a non-zero truth."""

    f1: float
    accuracy: float
    clips: int


def sentiment_score(truths: Sequence[float], predictions: Sequence[float | None]) -> SentimentScore | None:
    """Return how often the sign of a sentiment is right, over the clips whose truth is not zero.

    Args:
        truths: the sentiment of each clip, (n,), below zero for negative.
        predictions: what was read out of each answer, (n,), in the same order; None where nothing was. None, NaN and 0
            ("neutral") name neither sign and are wrong. This is ours: code that compares `> 0` counts them as negative.

    Returns:
        None where every truth is zero.

    Raises:
        InputError: a truth is NaN.
    """
    for place, truth in enumerate(truths):
        if math.isnan(truth):
            raise InputError(f"clip {place}", "sentiment", "is NaN", "correct the label or leave the clip out")
    pairs = [(_sign(truth), _sign(said)) for truth, said in zip(truths, predictions, strict=True) if truth != 0]
    if not pairs:
        return None
    signs = [truth for truth, _ in pairs if truth is not None]
    said = [prediction for _, prediction in pairs]
    return SentimentScore(weighted_scores(signs, said)["f1"], accuracy(signs, said), len(pairs))


def _sign(value: float | None) -> str | None:
    if value is None or math.isnan(value) or value == 0:
        return None
    return POSITIVE if value > 0 else NEGATIVE

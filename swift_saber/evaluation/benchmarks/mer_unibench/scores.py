"""MER-UniBench's scores: the hit rate, the sign of a sentiment, the overlap of open labels, and the mean of the sets.

Published (MER-UniBench, AffectGPT): each of the three, and that the headline is the mean over the sets of their first
score, HEADLINE. That an answer without a sign is wrong is ours; the authors' scorer takes it for "not positive", which
the scores called ..._official do too.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.mer_unibench.truths import SETS
from swift_saber.evaluation.benchmarks.open_labels import (
    ANSWER,
    LABELS,
    TRUTH,
    overlap_metrics,
    overlap_notes,
    wheel_note,
)
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.metrics import weighted_intervals, weighted_scores
from swift_saber.evaluation.summary import by_group, summary
from swift_saber.statistics.interval import counts_interval, pooled
from swift_saber.text.wheel import LEVELS, EWScore, Wheels, ew_scores, overlap_table

#: In item.details: the hit of each wheel, and a sentiment's word where it was no number.
HITS, SAID = "hits", "said"
POSITIVE, NEGATIVE = "positive", "negative"
MEAN = "mean_of_sets"
#: The first score of each kind of set.
HEADLINE = {"emotion": "hit_rate", "sentiment": "f1", "labels": "ew_f1_level1"}


def scores(found: Sequence[Item], wheels: Wheels | None = None, *, official: bool = False) -> dict[str, Any]:
    """Return what scores.json holds but for model, judge and manifest.

    Args:
        found: as items.items; their order does not matter.
        wheels: those that the items were made with.
        official: whether the sentiment's scores by the authors' rule are there too.

    Returns:
        "metrics": mean_of_sets where there are several, and the scores of each kind over all clips of its sets;
        "groups": those of each set; "notes": what is which.
    """
    ordered = sorted(found, key=lambda item: (item.group, item.id))
    sets = by_group(ordered)
    kinds: dict[str, list[Item]] = {}
    for item in ordered:
        kinds.setdefault(_kind(item), []).append(item)
    groups = {name: _metrics(members, wheels, official) for name, members in sets.items()}
    metrics: dict[str, dict[str, Any]] = {}
    notes = []
    if len(sets) > 1:
        metrics[MEAN] = _mean(sets, groups, wheels, "")
        if official and "sentiment" in kinds:
            metrics[f"{MEAN}_official"] = _mean(sets, groups, wheels, "_official")
        firsts = ", ".join(name for kind, name in HEADLINE.items() if kind in kinds)
        notes.append(
            f"{MEAN}: the mean over {len(sets)} sets of {firsts}; the other scores are of all their clips pooled"
        )
    for members in kinds.values():
        metrics |= _metrics(members, wheels, official)
    if official and "sentiment" in kinds:
        notes.append(
            "..._official: a neutral or unreadable answer counts as not positive, as in the authors' scorer; without "
            "that ending it is wrong (ours); a missing answer, at which that scorer stops, is wrong in both"
        )
    notes += _set_notes(sets)
    for kind, members in kinds.items():
        if kind == "labels":
            continue
        why = "in no wheel: not in the hit rate" if kind == "emotion" else "0: not in the scores"
        unknown = sum(not _counts(item) and item.state != "unjudged" for item in members)
        notes.append(f"{unknown} of {len(members)} truths are {why}")
    if wheels is not None:
        notes += overlap_notes(kinds["labels"], wheels) if "labels" in kinds else [wheel_note(wheels)]
    return {
        "metrics": metrics,
        "groups": groups if len(groups) > 1 else {},
        "tables": {},
        "context": [],
        "notes": notes,
    }


def _set_notes(sets: Mapping[str, Sequence[Item]]) -> list[str]:
    """How this differs from the benchmark's nine sets."""
    known = [one for one in SETS if one.name in sets]
    notes = [
        f"{one.name}: {len(sets[one.name]):,} clips; its test set has {one.clips:,}"
        for one in known
        if len(sets[one.name]) != one.clips
    ]
    if known and len(known) < len(SETS):
        others = ", ".join(one.name for one in SETS if one.name not in sets)
        notes.append(f"{len(known)} of MER-UniBench's {len(SETS)} sets; not here: {others}")
    return notes


def _kind(item: Item) -> str:
    return "emotion" if HITS in item.details else "labels" if LABELS in item.details else "sentiment"


def _metrics(members: Sequence[Item], wheels: Wheels | None, official: bool) -> dict[str, dict[str, Any]]:
    """The scores of items of one kind."""
    # A draw of clips that do not count would have no value.
    counted = [item for item in members if _counts(item)]
    unjudged = sum(item.state == "unjudged" for item in members)
    kind = _kind(members[0])
    if kind == "emotion":
        value = hit_rate([item.details[HITS] for item in counted]).value if counted else None
        rows = {name: _rows(of, wheels) for name, of in by_group(counted).items()}
        ends = counts_interval(rows, lambda drawn: hit_rates_of_draws(*pooled(drawn))) if rows else None
        return {"hit_rate": summary(members, value, ends, unjudged)}
    if kind == "labels":
        assert wheels is not None
        metrics: dict[str, dict[str, Any]] = {}
        for level in LEVELS:
            metrics |= overlap_metrics(members, wheels, level)
        return metrics
    found: dict[str, dict[str, Any]] = {}
    signs = [str(sign(item.truth)) for item in counted]
    for ending, said in (("", [sign(item.prediction) for item in counted]), ("_official", [*map(_official, counted)])):
        if ending and not official:
            continue
        values: Mapping[str, float] = weighted_scores(signs, said) if signs else {}
        both = weighted_intervals(signs, said, [item.group for item in counted]) or {} if signs else {}
        for name, interval in (("f1", "f1"), ("accuracy", "recall")):  # which the accuracy is, weighted
            found[f"{name}{ending}"] = summary(members, values.get(name), both.get(interval), unjudged)
    return found


def _counts(item: Item) -> bool:
    """Whether the scores rest on an item: it is judged, its emotion is in a wheel, its sentiment is not zero."""
    if item.state == "unjudged":
        return False
    if HITS in item.details:
        return any(hit is not None for hit in item.details[HITS])
    return LABELS in item.details or bool(item.truth != 0)


def _mean(
    sets: Mapping[str, Sequence[Item]], groups: Mapping[str, Any], wheels: Wheels | None, ending: str
) -> dict[str, Any]:
    """The mean over the sets of their first score; None where a set has none."""
    everything = [item for members in sets.values() for item in members]
    kinds = {name: _kind(members[0]) for name, members in sets.items()}
    endings = {name: ending if kind == "sentiment" else "" for name, kind in kinds.items()}
    values = [groups[name][f"{HEADLINE[kind]}{endings[name]}"]["value"] for name, kind in kinds.items()]
    unjudged = sum(item.state == "unjudged" for item in everything)
    if None in values:
        return summary(everything, None, None, unjudged)
    rows = {name: _rows(members, wheels, endings[name]) for name, members in sets.items()}
    unknown_truth = wheels.unknown_truth if wheels else None

    def of_drawn(drawn: Mapping[str, Draws]) -> NDArray[np.float64]:
        first = [_FIRST[kinds[name]](*of, unknown_truth) for name, of in drawn.items()]
        mean: NDArray[np.float64] = np.mean(first, axis=0)
        return mean

    return summary(everything, math.fsum(values) / len(values), counts_interval(rows, of_drawn), unjudged)


def _rows(members: Sequence[Item], wheels: Wheels | None, ending: str = "") -> NDArray[np.float64]:
    """What each item of one kind that counts brings to the first score, NaN for what does not."""
    counted = [item for item in members if _counts(item)]
    kind = _kind(members[0])
    if kind == "emotion":
        return np.array([item.details[HITS] for item in counted], dtype=np.float64)
    if kind == "labels":
        assert wheels is not None
        pairs = [item.details[LABELS] for item in counted]
        table = overlap_table([wheels.overlaps(of[TRUTH], of[ANSWER]) for of in pairs]).reshape(len(counted), -1)
        return table[~np.isnan(table).all(axis=1)]
    said = [_official(item) if ending else sign(item.prediction) for item in counted]
    signs = [
        (item.truth > 0, -1 if sign is None else sign == POSITIVE) for item, sign in zip(counted, said, strict=True)
    ]
    return np.array(signs, dtype=np.float64)


def hit_rates_of_draws(
    counts: NDArray[np.int64], rows: NDArray[np.float64], _: float | None = None
) -> NDArray[np.float64]:
    """Return hit_rate of many draws of clips at once, (draws,).

    Args:
        counts: how often each clip is in each draw, (draws, clips).
        rows: as hits returns them, NaN for None, (clips, wheels).
    """
    clips = counts @ ~np.isnan(rows)
    shares = counts @ np.nan_to_num(rows) / np.maximum(clips, 1)
    found: NDArray[np.float64] = shares.sum(axis=1) / (clips > 0).sum(axis=1)
    return found


def signs_f1_of_draws(
    counts: NDArray[np.int64], rows: NDArray[np.float64], _: float | None = None
) -> NDArray[np.float64]:
    """Return the weighted F1 of sentiment_score of many draws of clips at once, (draws,).

    Args:
        counts: how often each clip is in each draw, (draws, clips).
        rows: whether the truth is positive, and the answer, which is -1 where it is neither, (clips, 2).
    """
    truths, said = rows.T
    found: NDArray[np.float64] = np.zeros(len(counts))
    for sign in (0, 1):
        support, answers, hits = (
            counts @ of for of in (truths == sign, said == sign, (truths == sign) & (said == sign))
        )
        found += support * 2 * hits / np.maximum(support + answers, 1) / counts.sum(axis=1)
    return found


def _overlap_f1(
    counts: NDArray[np.int64], rows: NDArray[np.float64], unknown_truth: float | None
) -> NDArray[np.float64]:
    found: NDArray[np.float64] = ew_scores(counts, rows.reshape(len(rows), -1, 2), unknown_truth)
    return found[:, EWScore._fields.index("f1")]


Draws = tuple[NDArray[np.int64], NDArray[np.float64]]
_FIRST: dict[str, Callable[[NDArray[np.int64], NDArray[np.float64], float | None], NDArray[np.float64]]] = {
    "emotion": hit_rates_of_draws,
    "sentiment": signs_f1_of_draws,
    "labels": _overlap_f1,
}


def _official(item: Item) -> str | None:
    """The sign that the authors' scorer takes an answer for: not positive is negative; a word has to be "positive"."""
    if item.state == "missing":
        return None
    said = item.details.get(SAID)
    positive = said == POSITIVE if isinstance(said, str) else sign(item.prediction) == POSITIVE
    return POSITIVE if positive else NEGATIVE


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


def hit_rate(clips: Sequence[Sequence[float | None]]) -> HitRate:
    """Return the mean over the wheels of the share of clips that hit.

    Args:
        clips: as hits returns them, (n, wheels).
    """
    table = np.array(clips, dtype=np.float64)  # NaN for None
    counted = ~np.isnan(table)
    wheels = counted.any(axis=0)
    value = float(np.nanmean(table[:, wheels], axis=0).mean()) if wheels.any() else None
    return HitRate(value, int(counted.any(axis=1).sum()))


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
            ("neutral") name neither sign and are wrong. This is ours: the authors' code counts them as negative.

    Returns:
        None where every truth is zero.

    Raises:
        InputError: a truth is NaN.
    """
    for place, truth in enumerate(truths):
        if math.isnan(truth):
            raise InputError(f"clip {place}", "sentiment", "is NaN", "correct the label or leave the clip out")
    pairs = [(sign(truth), sign(said)) for truth, said in zip(truths, predictions, strict=True) if truth != 0]
    if not pairs:
        return None
    scores = weighted_scores([str(truth) for truth, _ in pairs], [said for _, said in pairs])
    return SentimentScore(scores["f1"], scores["accuracy"], len(pairs))


def sign(value: float | None) -> str | None:
    """Return which sign a sentiment has; None where it is none, NaN or 0."""
    if value is None or math.isnan(value) or value == 0:
        return None
    return POSITIVE if value > 0 else NEGATIVE

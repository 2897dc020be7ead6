"""MER-UniBench on existing labels or sentiments: from two files to items and scores.

The truth is a JSONL of {"id", "emotion": word} or {"id", "sentiment": number}, with "group" for the data set where
there are several; answers are {"id", "labels": [words]} (what open_labels reads out of texts) or {"id", "sentiment":
number or null}. The form is ours: the data sets have forms of their own.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.benchmarks import Command
from swift_saber.evaluation.benchmarks.open_labels import read_labels
from swift_saber.evaluation.interval import statistic_interval
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.metrics import weighted_intervals, weighted_scores
from swift_saber.evaluation.run import Benchmark
from swift_saber.evaluation.summary import by_group, is_number, summary
from swift_saber.text.wheel import Wheels

HITS = "hits"
Truths = dict[str, tuple[str, str | float]]
POSITIVE, NEGATIVE = "positive", "negative"


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help='JSONL: {"id", "emotion"} or {"id", "sentiment"}')
    parser.add_argument("--answers", type=Path, required=True, help='JSONL: {"id", "labels"} or {"id", "sentiment"}')
    parser.add_argument("--wheel", type=Path, help="your emotion_wheel folder, for emotions")
    parser.add_argument("--model", required=True, help="the name that the answers are shown under")


def _from_options(args: argparse.Namespace) -> Benchmark:
    known = read_truths(args.data)
    wheels = Wheels(args.wheel) if args.wheel is not None else None

    def scored(answers: Path, _: Path, judge: Judge | None) -> list[Item]:
        return items(known, answers, wheels)

    files = {args.data.name: args.data} | (wheels.files if wheels else {})
    return Benchmark("mer-unibench", files, [], scored, scores, results=[args.answers])


COMMAND = Command(
    'Score labels on MER-UniBench\'s sets: the hit rate of {"id", "labels"} against {"id", "emotion"} over the '
    'five emotion wheels, or weighted F1 and accuracy of the sign of {"id", "sentiment"} against the same.',
    "--data truth.jsonl --answers labels.jsonl --wheel emotion_wheel",
    _add_options,
    _from_options,
    asks=False,
)


def read_truths(path: Path) -> Truths:
    """Return (group, emotion or sentiment) of each clip by id.

    Raises:
        InputError: names the line: no id, one that was there before, or neither an emotion nor a sentiment; or the file
            mixes both.
    """
    found: Truths = {}
    for where, row in read_rows(path):
        name = _name(row, where, found)
        emotion, sentiment = row.get("emotion"), row.get("sentiment")
        if isinstance(emotion, str) and emotion.strip() and sentiment is None:
            found[name] = (str(row.get("group", "all")), emotion)
        elif sentiment is not None and is_number(sentiment) and emotion is None:
            found[name] = (str(row.get("group", "all")), float(sentiment))
        else:
            raise InputError(where, "truth", "has neither an emotion nor a sentiment", "write one of the two")
    if len({type(value) for _, value in found.values()}) > 1:
        raise InputError(str(path), "truth", "has emotions and sentiments", "write a file for each kind")
    return found


def items(truths: Truths, answers: Path, wheels: Wheels | None) -> list[Item]:
    """Return an item for each truth; one without an answer is "missing", one without a label or sign "invalid".

    Args:
        truths: as read_truths.
        answers: the JSONL of labels or sentiments.
        wheels: needed for emotions.

    Raises:
        InputError: an answer is that of no truth, or the answers are of the other kind; or there are no wheels.
    """
    discrete = any(isinstance(value, str) for _, value in truths.values())
    if discrete and wheels is None:
        raise InputError("eval", "--wheel", "is not given", "name the emotion_wheel folder")
    said: dict[str, Any] = dict(read_labels(answers)) if discrete else _sentiments(answers)
    if unknown := next((name for name in said if name not in truths), None):
        raise InputError(str(answers), "id", f"{quoted(unknown)} has no truth", "give the answers of this data")
    found = []
    for name, (group, truth) in truths.items():
        answer = said.get(name)
        state = "missing" if name not in said else "answered" if answer not in (None, []) else "invalid"
        details: dict[str, Any] = {}
        if isinstance(truth, str) and wheels is not None:
            details[HITS] = hits(truth, answer or [], wheels)
        prediction = answer if state == "answered" else None
        found.append(Item(name, group, truth, prediction, state, details=details))  # type: ignore[arg-type]
    return found


def scores(found: Sequence[Item]) -> dict[str, Any]:
    """Return what scores.json holds but for model, judge and manifest: hit_rate, or f1 and accuracy, by group."""
    ordered = sorted(found, key=lambda item: (item.group, item.id))
    groups = {name: _metrics(members) for name, members in by_group(ordered).items()}
    why = "in no wheel: not in the hit rate" if HITS in ordered[0].details else "0: not in the scores"
    notes = [f"{sum(not _counts(item) for item in ordered)} of {len(ordered)} truths are {why}"]
    return {
        "metrics": _metrics(ordered),
        "groups": groups if len(groups) > 1 else {},
        "tables": {},
        "context": [],
        "notes": notes,
    }


def _metrics(members: Sequence[Item]) -> dict[str, dict[str, Any]]:
    # A draw of clips that do not count would have no value.
    counted = [item for item in members if _counts(item)]
    if HITS in members[0].details:
        ends = statistic_interval(counted, _hit_rate)
        return {"hit_rate": summary(members, _hit_rate(counted) if counted else None, ends)}
    score = sentiment_score([item.truth for item in members], [item.prediction for item in members])
    signs, said = [str(_sign(item.truth)) for item in counted], [_sign(item.prediction) for item in counted]
    both = weighted_intervals(signs, said, [item.group for item in counted]) or {}
    return {
        "f1": summary(members, score.f1 if score else None, both.get("f1")),
        "accuracy": summary(members, score.accuracy if score else None, both.get("recall")),  # which it is, weighted
    }


def _counts(item: Item) -> bool:
    """Whether the scores rest on an item: its emotion is in a wheel, or its sentiment is not zero."""
    if HITS in item.details:
        return any(hit is not None for hit in item.details[HITS])
    return bool(item.truth != 0)


def _hit_rate(drawn: Sequence[Item]) -> float:
    value = hit_rate([item.details[HITS] for item in drawn]).value
    return math.nan if value is None else value


def _sentiments(path: Path) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for where, row in read_rows(path):
        name, value = _name(row, where, found), row.get("sentiment")
        if value is not None and not is_number(value):
            raise InputError(where, "sentiment", f"is {quoted(value)}", "write a number, or null where there is none")
        found[name] = None if value is None else float(value)
    return found


def _name(row: dict[str, Any], where: str, found: Any) -> str:
    name = row.get("id")
    if not isinstance(name, str) or not name:
        raise InputError(where, "id", "is missing", "write the id of the clip")
    if name in found:
        raise InputError(where, "id", f"{quoted(name)} is there twice", "keep one row for each clip")
    return name


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
    scores = weighted_scores([str(truth) for truth, _ in pairs], [said for _, said in pairs])
    return SentimentScore(scores["f1"], scores["accuracy"], len(pairs))


def _sign(value: float | None) -> str | None:
    if value is None or math.isnan(value) or value == 0:
        return None
    return POSITIVE if value > 0 else NEGATIVE

"""EMER's scores from its items: means of the judge's overlaps, and the EW score of the labels with their coverage.

Knows items and labels; knows nothing of how they were made (emer.py).
"""

from collections.abc import Sequence
from typing import Any

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.wheel import LEVELS, Level, Wheels, ew_score, overlap_table
from swift_saber.evaluation.emer_judge import CRITERIA, HIGHEST, LOWEST
from swift_saber.evaluation.interval import statistic_interval
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.summary import summarise

#: item.details[LABELS] is {TRUTH: [...], ANSWER: [...]}; None in place of a list where the judge failed.
LABELS, TRUTH, ANSWER = "labels", "reference", "answer"

#: In the later version of EMER (published).
CLIPS = 332
_SHOWN_LABELS = 20


def scores(items: Sequence[Item], wheel: Wheels | None = None) -> dict[str, Any]:
    """Return what scores.json holds of EMER but for the model, the judge and the manifest.

    Args:
        items: as emer.items returns them; their order does not matter.
        wheel: the emotion wheels; None for no EW scores.

    Returns:
        "metrics": those of CRITERIA that the items have, and with wheels ew_f1, ew_precision and ew_recall of both
        levels (wheel.LEVELS); "groups", "tables" and "context", empty; "notes": the wheels' coverage among them.

    Raises:
        InputError: there are wheels, and the items were made without.
    """
    ordered = sorted(items, key=lambda item: item.id)
    metrics = {name: summarise(ordered, name) for name in CRITERIA if any(name in item.scores for item in ordered)}
    notes = [f"clue_overlap and label_overlap are {LOWEST} to {HIGHEST}, {LOWEST} without an answer"] if metrics else []
    if len(ordered) != CLIPS:
        notes.append(f"{len(ordered)} clips; the later version of EMER has {CLIPS}")
    if wheel is not None:
        if any(LABELS not in item.details for item in ordered):
            raise InputError("items", LABELS, "are not there", "make the items with the emotion wheels too")
        for level in LEVELS:
            metrics |= _ew_metrics(ordered, wheel, level)
        notes += _coverage_notes(ordered, wheel)
    return {"benchmark": "emer", "metrics": metrics, "groups": {}, "tables": {}, "context": [], "notes": notes}


def _ew_metrics(items: Sequence[Item], wheel: Wheels, level: Level) -> dict[str, dict[str, Any]]:
    judged = [item for item in items if None not in item.details[LABELS].values()]
    overlaps = [wheel.overlaps(item.details[LABELS][TRUTH], item.details[LABELS][ANSWER], level) for item in judged]
    counted = [index for index, clip in enumerate(overlaps) if any(one is not None for one in clip)]
    table = overlap_table([overlaps[index] for index in counted])
    clips = [judged[index] for index in counted]
    rows = {item.id: index for index, item in enumerate(clips)}
    score = ew_score(table)
    metrics = {}
    for name in ("f1", "precision", "recall"):

        def of_drawn(drawn: Sequence[Item], name: str = name) -> float:
            return float(getattr(ew_score(table[[rows[item.id] for item in drawn]]), name))

        ends = statistic_interval(clips, of_drawn)
        metrics[f"ew_{name}_{level}"] = {
            "value": getattr(score, name) if score else None,
            "low": ends.low if ends else None,
            "high": ends.high if ends else None,
            "n": len(items),
            "invalid": sum(item.state == "invalid" for item in items),
            "missing": sum(item.state == "missing" for item in items),
            "unjudged": len(items) - len(judged),
        }
    return metrics


def _coverage_notes(items: Sequence[Item], wheel: Wheels) -> list[str]:
    notes = []
    for whose in (TRUTH, ANSWER):
        given = [item.details[LABELS][whose] or [] for item in items]
        known, total, unknown = wheel.coverage(label for labels in given for label in labels)
        notes.append(f"{whose} labels: the wheels know {known} of {total}" + _named(unknown))
    outside = sum(
        item.details[LABELS][TRUTH] is not None and not any(map(wheel.knows, item.details[LABELS][TRUTH]))
        for item in items
    )
    if outside:
        notes.append(f"{outside} of {len(items)} clips have no reference label in any wheel: not in the EW scores")
    return notes


def _named(unknown: dict[str, int]) -> str:
    if not unknown:
        return ""
    shown = ", ".join(f"{label} ({count})" for label, count in list(unknown.items())[:_SHOWN_LABELS])
    more = len(unknown) - _SHOWN_LABELS
    return f"; not {shown}" + (f" and {more} more" if more > 0 else "")

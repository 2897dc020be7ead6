"""items.jsonl, scores.json and scores.md: writing them, reading them, and the numbers of one metric.

The forms of the first two are those of item.py; scores.md says what scores.json does, as tables that a person reads.
Labels, model names and notes may hold anything; there each is escaped, so that it neither ends a cell nor is read as
markup. Knows nothing of a benchmark.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import numpy as np

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError, kind, quoted
from swift_saber.evaluation.item import Item, State
from swift_saber.statistics.interval import Interval, Means, group_means_interval, mean_interval
from swift_saber.text.files import write_text
from swift_saber.text.markdown import cell, table_lines
from swift_saber.text.strict_json import dumps, read_json

ITEMS, SCORES, TABLES = "items.jsonl", "scores.json", "scores.md"

_FIELDS = tuple(field.name for field in fields(Item))
_ITEM_KINDS: dict[str, type] = {"id": str, "group": str, "scores": dict, "response": str, "details": dict}
_ITEM_KINDS |= {"videos": list, "audios": list}
_SCORES_KINDS: dict[str, type] = {"benchmark": str, "model": str, "metrics": dict, "groups": dict, "tables": dict}
_SCORES_KINDS |= {"context": list, "notes": list, "manifest": dict}


def summarise(items: Sequence[Item], metric: str) -> dict[str, Any]:
    """Return the mean of a metric with its interval, and how many items are behind it.

    Args:
        items: all that the metric is about; their order does not matter.
        metric: the name of a score that every one of them has.

    Returns:
        value, low, high: the mean over the items that are judged, and its bootstrap interval (interval.py); None where
            there is nothing to compute them from.
        n: all items, those of the next three among them.
        invalid, missing: those of that state, which are wrong and in the mean.
        unjudged: those whose score is None: out of the mean.

    Raises:
        InputError: an item lacks the metric, its score is no number, or it is None though the item is invalid or
            missing.
    """
    values = _values(items, metric)
    value = math.fsum(values) / len(values) if values else None
    return summary(items, value, mean_interval(values), _unjudged(items, metric))


def aggregate(items: Sequence[Item], metric: str, combine: Callable[[Mapping[str, Means]], Means]) -> dict[str, Any]:
    """Return what is computed from the means of the groups, e.g. their mean or a gap, in the form of summarise.

    Args:
        items: as in summarise, of all groups. The value is None where a group has no judged item.
        metric: as in summarise.
        combine: from {group: means} to scores, in arithmetic that numpy's arrays take, e.g.
            `lambda means: means["consistent"] - means["inconsistent"]`.

    Raises:
        InputError: as summarise.
    """
    groups = {name: _values(members, metric) for name, members in by_group(items).items()}
    if not groups or not all(groups.values()):
        return summary(items, None, None, _unjudged(items, metric))
    means = {name: np.array([math.fsum(values) / len(values)]) for name, values in groups.items()}
    ends = group_means_interval(groups, combine)
    return summary(items, float(combine(means)[0]), ends, _unjudged(items, metric))


def by_group(items: Iterable[Item]) -> dict[str, list[Item]]:
    """Return {group: its items}, the groups in the order in which they come first."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    return groups


def write_items(folder: str | os.PathLike[str], items: Sequence[Item]) -> Path:
    """Write items.jsonl, whole or not at all, in the order given, and return its path.

    Raises:
        InputError: an id is there twice, or an item is not what read_items would read again.
    """
    path = Path(folder) / ITEMS
    rows = [item.to_row() for item in items]
    seen: set[str] = set()
    for row in rows:
        _check_item(row, quoted(row["id"]), seen)
    write_rows(path, rows)
    return path


def read_items(path: str | os.PathLike[str]) -> list[Item]:
    """Return the items of an items.jsonl.

    Args:
        path: the file, or the folder of the run that it is in.

    Raises:
        InputError: names the file and line: no row, a field that is missing, unknown or of another kind, a state that
            there is not, a score that is no number, or an id that was there before.
    """
    path = Path(path)
    path = path / ITEMS if path.is_dir() else path
    seen: set[str] = set()
    items = []
    for where, row in read_rows(path):
        _check_item(row, where, seen)
        items.append(Item(**row))
    return items


def write_scores(folder: str | os.PathLike[str], scores: Mapping[str, Any]) -> Path:
    """Write scores.json and scores.md, each whole or not at all, and return the path of scores.json.

    Args:
        folder: of the run; made where it is missing.
        scores: as item.py says.

    Raises:
        InputError: a block is missing or of another kind, or a number is NaN or infinite.
    """
    path = Path(folder) / SCORES
    _check_scores(scores, str(path))
    try:
        text = dumps(scores)
    except (TypeError, ValueError) as error:
        raise InputError(
            str(path), "scores", f"cannot be kept: {error}", "give None where there is no number"
        ) from error
    write_text(path.with_name(TABLES), "\n".join(_lines(scores)) + "\n")
    write_text(path, text + "\n")
    return path


def read_scores(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what a scores.json holds.

    Args:
        path: the file, or the folder of the run that it is in.

    Raises:
        InputError: the file cannot be read, or a block is missing or of another kind.
    """
    path = Path(path)
    path = path / SCORES if path.is_dir() else path
    scores = read_json(path)
    if not isinstance(scores, dict):
        raise InputError(str(path), "scores", f"is {kind(scores)}, not an object", "name a scores.json")
    _check_scores(scores, str(path))
    return scores


def summary(items: Sequence[Item], value: float | None, ends: Interval | None, unjudged: int = 0) -> dict[str, Any]:
    """Return a score in the form of summarise, for what is computed in another way.

    Args:
        items: all that the score is about.
        value, ends: the score and its interval; None where there is nothing to compute them from.
        unjudged: how many of the items are not in it because the judge failed.
    """
    return {
        "value": value,
        "low": ends.low if ends else None,
        "high": ends.high if ends else None,
        "n": len(items),
        "invalid": sum(item.state == "invalid" for item in items),
        "missing": sum(item.state == "missing" for item in items),
        "unjudged": unjudged,
    }


def _unjudged(items: Iterable[Item], metric: str) -> int:
    return sum(item.scores[metric] is None for item in items)


def _values(items: Iterable[Item], metric: str) -> list[float]:
    """The scores of a metric that are not None; an item that would leave the denominator unseen is an error."""
    values = []
    for item in items:
        if metric not in item.scores:
            remedy = "give every item its score, also one without an answer"
            raise InputError(item.id, metric, f"is not scored (state: {item.state})", remedy)
        score = item.scores[metric]
        if score is not None:
            if not is_number(score):
                raise InputError(item.id, metric, f"{quoted(score)} is no number", "give a number or None")
            values.append(score)
        elif item.state in ("invalid", "missing"):
            raise InputError(item.id, metric, f"has no score though the item is {item.state}", "score it as wrong")
    return values


def _check_item(row: Mapping[str, Any], where: str, seen: set[str]) -> None:
    remedy = "write it as swift-saber eval does"
    for name in _FIELDS:
        if name not in row:
            raise InputError(where, name, "is missing", remedy)
    if unknown := sorted(row.keys() - set(_FIELDS)):
        raise InputError(where, unknown[0], "is no field of an item", remedy)
    _check_kinds(row, _ITEM_KINDS, where, remedy)
    if row["state"] not in get_args(State):
        raise InputError(where, "state", f"{quoted(row['state'])} is none of {', '.join(get_args(State))}", remedy)
    for name, score in row["scores"].items():
        if score is not None and not is_number(score):
            raise InputError(where, f"scores.{name}", f"{quoted(score)} is no number", "give a number or null")
    if row["id"] in seen:
        raise InputError(where, "id", f"{quoted(row['id'])} is there twice", "give each question one answer")
    seen.add(row["id"])


def _check_scores(scores: Mapping[str, Any], where: str) -> None:
    remedy = "write it as swift-saber eval does"
    _check_kinds(scores, _SCORES_KINDS, where, remedy)
    if not isinstance(scores.get("judge"), str | None):
        raise InputError(where, "judge", f"is {kind(scores['judge'])}, not a string or null", remedy)
    for group, metrics in {"metrics": scores["metrics"], **scores["groups"]}.items():
        if not isinstance(metrics, Mapping):
            raise InputError(where, f"groups.{group}", f"is {kind(metrics)}, not an object", remedy)
        for name, of in metrics.items():
            if not _is_score(of):
                raise InputError(where, f"{group}.{name}", "is not what scores.summarise returns", remedy)
    for group, table in scores["tables"].items():
        if not _is_table(table):
            raise InputError(where, f"tables.{group}", "is not what metrics.table returns", remedy)
    for place, row in enumerate(scores["context"]):
        if (
            not isinstance(row, Mapping)
            or not isinstance(row.get("values"), Mapping)
            or not {"name", "source"} <= row.keys()
        ):
            raise InputError(where, f"context[{place}]", "has no name, values and source", remedy)


def _is_score(of: Any) -> bool:
    return (
        isinstance(of, Mapping)
        and {"value", "low", "high", "n"} <= of.keys()
        and all(_is_figure(of[name]) for name in ("value", "low", "high"))
        and all(is_number(of.get(name, 0)) for name in _COUNTS)
    )


def _is_table(table: Any) -> bool:
    if not isinstance(table, Mapping):
        return False
    labels, rows, classes = (table.get(name) for name in ("labels", "confusion", "per_class"))
    if not (isinstance(labels, list) and isinstance(rows, list) and isinstance(classes, Mapping)):
        return False
    return (
        len(rows) == len(labels)
        and all(isinstance(row, list) and all(map(is_number, row)) for row in rows)
        and all(isinstance(of, Mapping) and is_number(of.get("support")) for of in classes.values())
        and all(_is_figure(of.get(part, "")) for of in classes.values() for part in ("precision", "recall", "f1"))
    )


def _is_figure(value: Any) -> bool:
    return value is None or is_number(value)


def _check_kinds(row: Mapping[str, Any], kinds: Mapping[str, type], where: str, remedy: str) -> None:
    for name, wanted in kinds.items():
        if not isinstance(row.get(name), wanted):
            problem = f"is {kind(row.get(name))}, not {kind(wanted())}" if name in row else "is missing"
            raise InputError(where, name, problem, remedy)


def is_number(score: Any) -> bool:
    """Whether a value of JSON is a finite number."""
    if not isinstance(score, int | float) or isinstance(score, bool):
        return False
    try:
        return math.isfinite(score)
    except OverflowError:  # a whole number that no float can hold
        return False


#: Labels up to which a confusion matrix is shown; ours. Larger ones are in scores.json alone.
WIDEST = 15

_COUNTS = ("n", "invalid", "missing", "unjudged")
_HEAD = ("value", "interval", *_COUNTS)


def number(value: float | None) -> str:
    """A score as tables show it: three digits after the point, "none" where there is none."""
    return "none" if value is None else f"{value:.3f}"


def _lines(scores: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {cell(scores['benchmark'])}: {cell(scores['model'])}\n"
    yield f"Judge: {cell(scores['judge'])}.\n" if scores.get("judge") else "No judge.\n"
    yield "## Scores\n"
    yield from table_lines(("metric", *_HEAD), ([cell(name), *_row(of)] for name, of in scores["metrics"].items()))
    yield (
        "In brackets: 95 % bootstrap interval over the items. n counts all items; invalid and missing answers are "
        "among them and count as wrong, where no note says that they are left out; unjudged ones (the judge failed, "
        "or nothing could be decided) are left out of the mean.\n"
    )
    yield from (f"- {cell(note)}" for note in scores["notes"])
    if scores["notes"]:
        yield ""
    if scores["groups"]:
        yield "## By group\n"
        rows = (
            [cell(group), cell(name), *_row(of)] for group, all in scores["groups"].items() for name, of in all.items()
        )
        yield from table_lines(("group", "metric", *_HEAD), rows)
    for group, table in scores["tables"].items():
        yield from _classes(group, table)
    if scores["context"]:
        yield from _context(scores["context"])
    if scores["manifest"]:
        yield from _manifest(scores["manifest"])


def _row(of: Mapping[str, Any]) -> list[str]:
    ends = "none" if of["low"] is None else f"[{number(of['low'])}, {number(of['high'])}]"
    return [number(of["value"]), ends, *(f"{of.get(count, 0):,}" for count in _COUNTS)]


def _classes(group: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield f"## Classes: {cell(group)}\n"
    parts = ("precision", "recall", "f1")
    rows = (
        [cell(label), *(number(of[part]) for part in parts), f"{of['support']:,}"]
        for label, of in table["per_class"].items()
    )
    yield from table_lines(("label", *parts, "support"), rows)
    labels = [cell(label) for label in table["labels"]]
    if len(labels) > WIDEST:
        yield f"The confusion matrix of its {len(labels)} labels is in scores.json.\n"
        return
    yield "A row for each truth, a column for each answer, the last one for those that are invalid or missing:\n"
    counts = ([label, *map(str, row)] for label, row in zip(labels, table["confusion"], strict=True))
    yield from table_lines(("truth", *labels, "*no label*"), counts)


def _context(context: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "## Other models\n"
    yield "Reported by their authors, not measured here.\n"
    names = list(dict.fromkeys(name for row in context for name in row["values"]))
    rows = (
        [cell(row["name"]), *(_plain(row["values"].get(name)) for name in names), cell(row["source"])]
        for row in context
    )
    yield from table_lines(("model", *map(cell, names), "source"), rows)


def _manifest(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield "## How it was made\n"
    rows = []
    for block, of in manifest.items():
        if isinstance(of, Mapping):
            rows += [[cell(f"{block}: {name}"), _plain(value)] for name, value in of.items()]
        else:
            rows.append([cell(block), _plain(of)])
    yield from table_lines(("of", "value"), rows)


def _plain(value: object) -> str:
    """Others' numbers and settings, as they were given."""
    return "" if value is None else cell(value)

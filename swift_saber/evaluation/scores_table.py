"""scores.md: what scores.json says, as tables that a person reads.

Labels, model names and notes may hold anything; each is escaped, so that it neither ends a cell nor is read as markup.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from swift_saber.errors import one_line

#: Labels up to which a confusion matrix is shown; ours. Larger ones are in scores.json alone.
WIDEST = 15

_COUNTS = ("n", "invalid", "missing", "unjudged")
_FOREIGN = "Reported by their authors, not measured here."


def scores_markdown(scores: Mapping[str, Any]) -> str:
    """Return the text of scores.md.

    Args:
        scores: what scores.json holds, as item.py says.
    """
    return "\n".join(_lines(scores)) + "\n"


def cell(value: object) -> str:
    """A text that may hold anything, on one line and escaped for a cell of a Markdown table or a list."""
    text = escape(one_line("" if value is None else str(value)), quote=False)
    return "".join(f"\\{char}" if char in "\\|`*_[]#!~$" else char for char in text)


def number(value: float | None) -> str:
    """A score as tables show it: three digits after the point, "none" where there is none."""
    return "none" if value is None else f"{value:.3f}"


def _lines(scores: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {cell(scores['benchmark'])}: {cell(scores['model'])}\n"
    yield f"Judge: {cell(scores['judge'])}.\n" if scores.get("judge") else "No judge.\n"
    yield "## Scores\n"
    yield from _table(("metric", *_HEAD), ([cell(name), *_row(of)] for name, of in scores["metrics"].items()))
    yield (
        "In brackets: 95 % bootstrap interval over the items. n counts all items; invalid and missing answers are "
        "among them and count as wrong, unjudged ones (the judge failed) are left out of the mean.\n"
    )
    yield from (f"- {cell(note)}" for note in scores["notes"])
    if scores["notes"]:
        yield ""
    if scores["groups"]:
        yield "## By group\n"
        rows = (
            [cell(group), cell(name), *_row(of)] for group, all in scores["groups"].items() for name, of in all.items()
        )
        yield from _table(("group", "metric", *_HEAD), rows)
    for group, table in scores["tables"].items():
        yield from _classes(group, table)
    yield from _context(scores["context"])
    yield from _manifest(scores["manifest"])


_HEAD = ("value", "interval", *_COUNTS)


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
    yield from _table(("label", *parts, "support"), rows)
    labels = [cell(label) for label in table["labels"]]
    if len(labels) > WIDEST:
        yield f"The confusion matrix of its {len(labels)} labels is in scores.json.\n"
        return
    yield "A row for each truth, a column for each answer, the last one for those that are invalid or missing:\n"
    counts = ([label, *map(str, row)] for label, row in zip(labels, table["confusion"], strict=True))
    yield from _table(("truth", *labels, "*no label*"), counts)


def _context(context: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not context:
        return
    yield "## Other models\n"
    yield f"{_FOREIGN}\n"
    names = list(dict.fromkeys(name for row in context for name in row["values"]))
    rows = (
        [cell(row["name"]), *(_plain(row["values"].get(name)) for name in names), cell(row["source"])]
        for row in context
    )
    yield from _table(("model", *map(cell, names), "source"), rows)


def _manifest(manifest: Mapping[str, Any]) -> Iterator[str]:
    if not manifest:
        return
    yield "## How it was made\n"
    rows = []
    for block, of in manifest.items():
        if isinstance(of, Mapping):
            rows += [[cell(f"{block}: {name}"), _plain(value)] for name, value in of.items()]
        else:
            rows.append([cell(block), _plain(of)])
    yield from _table(("of", "value"), rows)


def _plain(value: object) -> str:
    """Others' numbers and settings, as they were given."""
    return "" if value is None else cell(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        yield "None.\n"
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from lines
    yield ""

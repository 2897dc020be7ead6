"""Markdown for people: tables, and texts that may hold anything as text."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from html import escape

from swift_saber.errors import one_line

# What may begin markup anywhere; a dollar begins a formula where a viewer knows them.
_MARKS = frozenset("\\|`*_[]#!~$")


def cell(value: object) -> str:
    """Return a text that may hold anything on one line, so that it neither ends a cell nor is read as markup."""
    text = escape(one_line("" if value is None else str(value)), quote=False)
    return "".join(f"\\{char}" if char in _MARKS else char for char in text)


def table_lines(head: Sequence[str], rows: Iterable[Iterable[str]], numbers: Collection[int] = ()) -> Iterator[str]:
    """Yield the lines of a table and a blank one, or "None." where there is no row.

    Args:
        head: names of the columns.
        rows: cells, which are Markdown already: `cell` makes it of what may hold anything.
        numbers: places of the columns that go to the right.
    """
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if not lines:
        yield "None.\n"
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{''.join('---:|' if place in numbers else '---|' for place in range(len(head)))}"
    yield from lines
    yield ""

"""CSV files, which people open in a spreadsheet: no text in them is a formula there."""

import csv
import os
from collections.abc import Iterable, Sequence
from typing import Any

from swift_saber.text.files import whole

# What makes a cell a formula, or comes before what does (OWASP, "CSV Injection"); of full width too, which some
# spreadsheets take for the same.
_BEGINNINGS = tuple("=+-@\t\r\n＝＋－＠")


def write_csv(path: str | os.PathLike[str], header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table, whole or not at all.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, which makes it a text there and is
    not shown; a number, also one that is a text here, stays one. Programs that read the file see the apostrophe.
    """
    with whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(_inert, header))
        writer.writerows(map(_inert, row) for row in rows)


def _inert(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(_BEGINNINGS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell

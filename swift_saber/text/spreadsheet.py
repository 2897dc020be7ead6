"""Tables that people open in a spreadsheet, as CSV or as a workbook: no text in them is a formula there."""

import csv
import os
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from swift_saber.text.files import whole, writable

#: What makes a cell a formula, or comes before what does (OWASP, "CSV Injection"); of full width too, which some
#: spreadsheets take for the same.
FORMULA_BEGINNINGS = tuple("=+-@\t\r\n＝＋－＠")
#: Characters of a text that a workbook has in one cell; of a longer one, how many more there are is said. Excel takes
#: 32,767 with that.
LONGEST = 32_000
_WIDTH = 18  # of a column, in characters


def write_csv(
    path: str | os.PathLike[str], header: Sequence[str], rows: Iterable[Sequence[Any]], *, encoding: str = "utf-8"
) -> None:
    """Write a table, whole or not at all.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, which makes it a text there and is
    not shown; a number, also one that is a text here, stays one. Programs that read the file see the apostrophe.

    Args:
        encoding: "utf-8-sig" for Excel, which takes a file without a mark for one in the language of the system.
    """
    with whole(path) as partial, partial.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(_inert, header))
        writer.writerows(map(_inert, row) for row in rows)


def _inert(cell: Any) -> Any:
    if not isinstance(cell, str) or not cell.startswith(FORMULA_BEGINNINGS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def plain(cell: str) -> str:
    """Return the text that write_csv made a cell of: without the apostrophe that it put in front."""
    return cell[1:] if cell.startswith("'") and _inert(cell[1:]) == cell else cell


def write_workbook(path: str | os.PathLike[str], header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table as an xlsx workbook of one sheet, whole or not at all.

    Texts are texts, whatever they begin with, and numbers and truths are such. The header stays in sight and filters.
    """
    from openpyxl import Workbook  # type: ignore[import-untyped]
    from openpyxl.utils import get_column_letter  # type: ignore[import-untyped]

    with whole(path) as partial:
        book = Workbook(write_only=True)  # rows are not held in memory
        sheet = book.create_sheet()
        sheet.freeze_panes = "B2"
        columns = [get_column_letter(number) for number in range(1, len(header) + 1)]
        for column in columns:
            sheet.column_dimensions[column].width = _WIDTH
        count = 0
        try:
            for cells in chain([header], rows):
                sheet.append([_cell(sheet, cell) for cell in cells])
                count += 1
            sheet.auto_filter.ref = f"A1:{columns[-1]}{count}"
        finally:
            sheet.close()
        book.save(partial)


def _cell(sheet: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell  # type: ignore[import-untyped]
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # type: ignore[import-untyped]

    if not isinstance(value, str):
        return value
    text = ILLEGAL_CHARACTERS_RE.sub("", writable(value))
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} … [{len(text) - LONGEST:,} characters more]"
    cell = WriteOnlyCell(sheet, text)
    cell.data_type = "s"  # and no formula, whatever it begins with
    return cell

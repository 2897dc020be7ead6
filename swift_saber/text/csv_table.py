"""Tables that people keep as CSV, read row by row: as spreadsheets save them, with commas, semicolons or tabs."""

import csv
import io
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from swift_saber.errors import InputError, quoted
from swift_saber.text.files import read_text

_DELIMITERS = ",;\t"


def read_csv(
    path: str | os.PathLike[str], columns: Sequence[str], wanted: Callable[[str], object] = bool
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield ("path:line", {column: text}) for each row that is not blank, without white space around texts.

    Args:
        path: UTF-8, with a header. What is most frequent in the header of comma, semicolon and tab parts the cells.
        columns: those that must be there. Names are compared in lower case; other columns are given too.
        wanted: whether a column is given, by its name in lower case. Of the others, two may have one name.

    Raises:
        InputError: the file cannot be read, is no CSV or holds no row, a column is missing or there twice, or a row has
            more cells than the header. A row that ends early has "" in the cells that it lacks.
    """
    text = read_text(path)
    head = next(iter(text.lstrip("\r\n").splitlines()), "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(_DELIMITERS, key=head.count), strict=True)
    header: list[str] = []
    given: list[tuple[int, str]] = []
    try:
        for cells in reader:
            row = [cell.strip() for cell in cells]
            if not any(row):
                continue
            where = f"{path}:{reader.line_num}"
            if not header:
                header = [name.lower() for name in row]
                given = [(place, name) for place, name in enumerate(header) if wanted(name)]
                names = Counter(name for _, name in given)
                if twice := next((name for name, count in names.items() if count > 1), None):
                    raise InputError(str(path), f"column {twice}", "is there twice", "keep one of the two")
                if missing := [name for name in columns if name not in header]:
                    problem = f"is not there; the first line is {quoted(', '.join(header))}"
                    remedy = f"the columns are {', '.join(columns)}"
                    raise InputError(str(path), f"column {missing[0]}", problem, remedy)
                continue
            if len(row) > len(header):
                problem = f"has {len(row)} cells, and the first line has {len(header)}"
                raise InputError(where, "line", problem, "put a text with commas in quotes")
            yield where, {name: row[place] if place < len(row) else "" for place, name in given}
    except csv.Error as error:
        where = f"{path}:{reader.line_num}"
        raise InputError(where, "line", f"is no CSV ({error})", "save the table as CSV once more") from error
    if not header:
        remedy = f"write a table with the columns {', '.join(columns)}"
        raise InputError(str(path), "file", "is empty", remedy)

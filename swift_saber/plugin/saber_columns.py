"""The further columns of a file of rows, for rewards and for methods that read more than messages and clips.

ms-swift keeps the columns that its methods know, and with `--remove_unused_columns false`, which GRPO sets, every one.
A table gives each column one type: that of its values where they have one, else JSON, which takes any.
"""

import os
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Any

from datasets import Json, List, Value
from swift.dataset import RowPreprocessor

from swift_saber.data.convert import MEDIA_KEYS, STOCK_COLUMNS, leading_rows
from swift_saber.data.rows import parse_row, read_lines
from swift_saber.errors import InputError, kind
from swift_saber.text.strict_json import dumps

#: Of each further column, the name of its type: a key of TYPES.
Columns = dict[str, str]
TYPES: dict[str, Any] = {
    "bool": Value("bool"),
    "int": Value("int64"),
    "float": Value("float64"),
    "str": Value("string"),
    "list": List(Value("string")),
    "json": Json(),
}
_INT64 = range(-(1 << 63), 1 << 63)
# Of a file that is read as a stream, so many rows at its head say which columns there are.
_ROWS_AT_HEAD = 1000


def further_columns(path: str | os.PathLike[str], ours: Collection[str], *, every: bool, head: bool) -> Columns:
    """Return the further columns of a file that ms-swift would keep, and hold a value at all.

    Args:
        path: JSONL of rows that are read here.
        ours: the columns that these are made into.
        every: whether ms-swift keeps all columns, not those alone that its methods know.
        head: whether the rows at the head of the file are to say it for all of them.
    """

    def named(rows: Iterable[dict[str, Any]]) -> Columns:
        found: Columns = {}
        for row in rows:
            for name, value in row.items():
                if value is not None and name not in taken and (every or name in RowPreprocessor.standard_keys):
                    found[name] = _wider(found.get(name), _type(value))
        return found

    taken = {*ours, *MEDIA_KEYS, *STOCK_COLUMNS}
    found = named(row for _, row in islice(leading_rows(path), _ROWS_AT_HEAD))
    # Without a column that a method knows at its head, a file is read once.
    return found if head or not (every or found) else named(_rows(path))


def _rows(path: str | os.PathLike[str]) -> Iterable[dict[str, Any]]:
    for where, line in read_lines(path):
        try:
            yield parse_row(line, where)
        except InputError:
            continue  # said where the rows are converted


def _type(value: Any) -> str:
    if isinstance(value, list):
        return "list" if all(isinstance(one, str) for one in value) else "json"
    if isinstance(value, int) and not isinstance(value, bool):
        return "int" if value in _INT64 else "float"
    name = type(value).__name__
    return name if name in TYPES else "json"


def _wider(first: str | None, second: str) -> str:
    """The type that holds what two hold."""
    if first is None or first == second:
        return second
    return "float" if {first, second} == {"int", "float"} else "json"


def with_columns(
    convert: Callable[[dict[str, Any], str], dict[str, Any]], columns: Columns
) -> Callable[[dict[str, Any], str], dict[str, Any]]:
    """Return a function of a row and its place that gives what `convert` does, with these columns beside.

    JSON is written as a string, as `datasets` takes it where a value may be a string itself.

    It raises InputError for a value that its column does not hold, which is of a stream, or that cannot be written.
    """
    if not columns:
        return convert

    def converted(row: dict[str, Any], where: str) -> dict[str, Any]:
        return {
            **{name: _held(row.get(name), name, wanted, where) for name, wanted in columns.items()},
            **convert(row, where),
        }

    return converted


def _held(value: Any, name: str, wanted: str, where: str) -> Any:
    """A value as a column of the wanted type holds it."""
    if value is None and wanted != "json":
        return None
    if wanted != "json" and _wider(wanted, _type(value)) != wanted:
        problem = f"is {kind(value)}, and not what the rows at the head of the file hold"
        raise InputError(where, name, problem, "write it alike in all rows, or do not read the file as a stream")
    try:
        text = dumps(value)
        text.encode("utf-8")
    except ValueError as error:
        raise InputError(where, name, f"cannot be written as UTF-8 ({error})", "correct the text") from error
    if wanted == "json":
        # What `datasets` cannot read as JSON, a null too, it takes for words: there and in the whole column.
        if Json().encode_example(text) != text:
            raise InputError(where, name, "holds what `datasets` cannot store", "write large numbers as strings")
        return text
    return float(value) if wanted == "float" else value

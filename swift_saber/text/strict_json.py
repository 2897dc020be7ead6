"""JSON in and out.

What json.loads lets through and would lose or spoil data is refused with its place.
"""

import json
import os
from typing import Any

from swift_saber.errors import InputError, quoted
from swift_saber.text.files import read_text

#: How deep lists and objects may stand in one another. What reads, writes, copies or shows a value goes a call or more
#: of Python's 1,000 deeper with each level, and where one of them can, all must.
MAX_LEVELS = 200
# What a float can hold: a larger integer would be a crash wherever one is reckoned with.
_MOST_DIGITS = 308


class _NotStrictError(ValueError):
    """What json.loads lets through and we do not; parse_json turns it into an InputError."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    obj = dict(pairs)
    if len(obj) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise _NotStrictError(f"the key {quoted(twice)} occurs twice in one object")
    return obj


def _refuse_constant(name: str) -> None:
    raise _NotStrictError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _NotStrictError(f"the number {quoted(text)} is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise _NotStrictError(f"the number {quoted(text)} is too large")
    return int(text)


# Built once: json.loads with hooks would build a decoder per call. The hooks cost 17 % of json.loads on a record.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def read_json(path: str | os.PathLike[str]) -> Any:
    """Return the JSON value that a file holds.

    Raises:
        InputError: as read_text and parse_json; a syntax error has its line.
    """
    return parse_json(read_text(path), str(path), numbered=True)


def parse_json(text: str, where: str, *, numbered: bool = False, levels: int = MAX_LEVELS) -> Any:
    """Return the JSON value that a text holds, read strictly.

    Args:
        text: the JSON text.
        where: names the text in errors, e.g. "data.jsonl:12".
        numbered: True for a whole file: a syntax error is then placed at "where:line".
        levels: of lists and objects in one another, at most.

    Raises:
        InputError: not JSON, a key twice in one object, NaN or Infinity, or nested too deeply.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        if numbered:
            where = f"{where}:{error.lineno}"
        problem = f"is not JSON: {error.msg} at column {error.colno}"
        raise InputError(where, "JSON", problem, "write valid JSON") from error
    except _NotStrictError as error:
        raise InputError(where, "JSON", str(error), "keep one plain value for each key") from error
    except RecursionError as error:
        raise _too_deep(where, levels) from error
    # Most texts have fewer brackets than there may be levels.
    if text.count("[") + text.count("{") > levels and not _is_flat(value, levels):
        raise _too_deep(where, levels)
    return value


def _too_deep(where: str, levels: int) -> InputError:
    return InputError(where, "JSON", f"is nested too deeply (above {levels} levels)", "write a flat object")


def _is_flat(value: Any, levels: int) -> bool:
    """Whether a value has at most so many levels; looked at level by level, since its depth may be any."""
    level = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return True
    return False


def dumps(obj: Any) -> str:
    """Return a JSON value on one line, Chinese unescaped.

    A newline inside a text is written as \\n. U+2028 stays as it is: our readers end a line at \\n only.

    Raises:
        ValueError: the value holds NaN or Infinity.
    """
    return _ENCODER.encode(obj)


def encoded(obj: Any) -> bytes:
    """Return what `dumps` does, as UTF-8.

    A lone surrogate, as in the name of a file that is no UTF-8, becomes \\udcff, which in JSON is what it was.

    Raises:
        ValueError: as dumps.
    """
    return dumps(obj).encode("utf-8", "backslashreplace")

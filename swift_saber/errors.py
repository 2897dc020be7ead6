"""The error for what a user gave and can put right: bad data, a wrong path, a recipe with a mistake."""

import errno
import os
from collections.abc import Sequence

_QUOTE_LIMIT = 60
#: This process, or the machine, has too many files open: no fault of the file that was to be opened.
NO_FILE_LEFT = frozenset({errno.EMFILE, errno.ENFILE})


class InputError(ValueError):
    """What is wrong with the data, where, and what to do about it; its text is always one line.

    Args:
        where: "file.jsonl:12", a file path or a row id.
        field: the key, e.g. "audio_desc.speech_content", or the part of the input, e.g. "file".
        problem: what was found.
        remedy: what to do about it.
    """

    def __init__(self, where: str, field: str, problem: str, remedy: str) -> None:
        # All four go to args, so that the error survives pickling between worker processes.
        super().__init__(where, field, problem, remedy)
        self.where = where
        self.field = field
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return one_line(f"{self.where}: {self.field}: {self.problem}; {self.remedy}")


def one_line(text: str) -> str:
    """The text with line ends, control characters and lone surrogates written as escapes, so that it can be shown."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def quoted(value: object) -> str:
    """A bad value as an error message shows it: escaped and shortened."""
    if isinstance(value, str) and len(value) > _QUOTE_LIMIT:
        value = value[: _QUOTE_LIMIT - 3] + "..."
    shown = repr(value)
    return shown if len(shown) <= 2 * _QUOTE_LIMIT else shown[: 2 * _QUOTE_LIMIT - 3] + "..."


def kind(value: object) -> str:
    """A bad value's type as an error message names it."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true/false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)


def sum_up(errors: Sequence[InputError], wrong: int, total: int, where: str) -> InputError:
    """Return one error for all that was found: itself where it is the only one, else their number and the first.

    Args:
        errors: those found, or the first of them; not empty.
        wrong: how many rows are wrong.
        total: how many were read.
        where: names the file or folder.
    """
    if wrong == 1:
        return errors[0]
    problem = f"{wrong} of {total} cannot be used (the first: {errors[0]})"
    return InputError(where, "rows", problem, "correct or remove them")


def unreadable(path: str | os.PathLike[str], error: OSError) -> InputError:
    """The one-line error for a file that the operating system would not open.

    Raises:
        OSError: the error itself, where too many files are open, so that it is not held against the file.
    """
    if error.errno in NO_FILE_LEFT:
        raise error
    reason = error.strerror or type(error).__name__
    return InputError(str(path), "file", reason, "check the path and its permissions")

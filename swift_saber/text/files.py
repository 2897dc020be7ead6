"""Files in and out: a text that is read or said to be unreadable, and a file that is written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from swift_saber.errors import InputError, unreadable


def read_text(path: str | os.PathLike[str]) -> str:
    """Return the text of a UTF-8 file; a byte order mark is accepted, and line ends stay as they are.

    Raises:
        InputError: the file cannot be read, or is not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 ({error.reason} at byte {error.start})"
        raise InputError(str(path), "file", problem, "save the file as UTF-8") from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text, whole or not at all; a lone surrogate in it becomes \\ud83d, which in JSON is what it was."""
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def writable(text: str) -> str:
    """Return a text with "?" for what no file and no request can hold: half a character, where an answer was cut."""
    return text.encode("utf-8", "replace").decode()


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the path of a neighbour file to write, which takes the name when the block ends; after an error it goes.

    Folders that are not there are made. So a file that has its name is whole.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:  # Ctrl-C too
        partial.unlink(missing_ok=True)
        raise


def partial_path(path: Path) -> Path:
    """Return what a file is called until it is whole."""
    return path.with_name(path.name + ".partial")

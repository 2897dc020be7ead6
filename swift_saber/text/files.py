"""Files in and out: a text that is read or said to be unreadable, and a file that is written whole or not at all."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from swift_saber.errors import InputError, unreadable

#: The most bytes of a text that is read whole, ours: far above a table or a list of results. Rows are read one by one.
MOST_BYTES = 64 << 20
# Of a disk, a quota and a limit that take no more: nothing that is read has such an error.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def read_text(path: str | os.PathLike[str], most: int = MOST_BYTES, errors: str = "strict") -> str:
    """Return the text of a UTF-8 file; a byte order mark is accepted, and line ends stay as they are.

    Args:
        most: bytes; a larger file is refused before more is read.
        errors: as of bytes.decode.

    Raises:
        InputError: the file cannot be read, is a pipe or a device, has more bytes, or is not UTF-8.
    """
    try:
        kind = os.stat(path).st_mode
        if not stat.S_ISREG(kind) and not stat.S_ISDIR(kind):  # of a folder, opening it says so
            problem = "is not a file (a pipe, a socket or a device)"
            raise InputError(str(path), "file", problem, "save the text to a file, and name that")
        with open(path, "rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            problem = f"has more than the {most >> 20} MiB that such a file may have"
            raise InputError(str(path), "file", problem, "name the right file")
        return data.decode("utf-8-sig", errors)
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 ({error.reason} at byte {error.start})"
        raise InputError(str(path), "file", problem, "save the file as UTF-8") from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text, whole or not at all; a lone surrogate in it becomes \\ud83d, which in JSON is what it was."""
    with whole(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def check_utf8(text: str, name: str, where: str) -> None:
    """Refuse lone surrogates: JSON can spell them (\\ud83d), but no UTF-8 file can hold them.

    Args:
        name, where: of the text, for the error.

    Raises:
        InputError: there is one.
    """
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        problem = f"holds the lone surrogate {text[error.start]!a} at character {error.start}"
        raise InputError(where, name, problem, "write the whole character or remove it") from error


def writable(text: str) -> str:
    """Return a text with "?" for what no file and no request can hold: half a character, where an answer was cut."""
    return text.encode("utf-8", "replace").decode()


def must_be_file(path: str | os.PathLike[str]) -> None:
    """See that a file may be written: it is a regular one, or a link to one, or is not there.

    Anything else would be replaced (a device), hang (a pipe), or be written elsewhere (a link to what is not there).

    Raises:
        InputError: it is something else, or there can be no such file.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError as error:
        if os.path.islink(path):
            remedy = "check the path, remove the link, or name another file"
            raise InputError(str(path), "output", "is a link to a file that is not there", remedy) from error
        return
    except OSError as error:
        problem = f"cannot be written: {error.strerror or type(error).__name__}"
        raise InputError(str(path), "output", problem, "check the path and its permissions") from error
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        problem = f"is {kinds.get(stat.S_IFMT(mode), 'a device')}, and only a file can be written"
        raise InputError(str(path), "output", problem, "check the path, or name a file that is not there yet")


def says_full(error: BaseException) -> bool:
    """Return whether an error is that nothing more can be written: no fault of what was read meanwhile."""
    return isinstance(error, OSError) and error.errno in _FULL


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give the path of a neighbour file to write, which takes the name when the block ends; after an error it goes.

    Folders that are not there are made. So a file that has its name is whole. A link stays one, and what it leads to
    is written.

    Raises:
        InputError: as must_be_file, before the block begins.
    """
    must_be_file(path)
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    must_be_file(partial)
    if partial.is_symlink():
        raise InputError(str(partial), "output", "is a link, where a file is to be begun", "remove it")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:  # Ctrl-C too
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a neighbour folder to fill, which takes the name when the block ends; after an error it goes.

    Folders above it are made.

    Raises:
        InputError: the folder is there already, or one that was begun and not ended, before the block begins.
    """
    path = Path(os.path.abspath(path))
    if os.path.lexists(path):
        raise InputError(str(path), "output", "exists already", "move it away, or name another folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_path(path)
    try:
        partial.mkdir()
    except FileExistsError as error:
        problem = "is there: it is being written, or was left by a run that was killed"
        raise InputError(str(partial), "output", problem, "wait for that run, or remove the folder") from error
    try:
        yield partial
        os.rename(partial, path)
    except BaseException:  # Ctrl-C too
        shutil.rmtree(partial, ignore_errors=True)
        raise


@contextmanager
def scratch(prefix: str, log: str) -> Iterator[Path]:
    """Give a temporary folder, which goes when the block ends; not where an InputError ends it, which names the log.

    Args:
        prefix: of the folder's name.
        log: the name of a file in it; without that file the folder goes all the same.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    kept = False
    try:
        yield folder
    except InputError:
        kept = (folder / log).exists()
        raise
    finally:
        if not kept:
            shutil.rmtree(folder)


def partial_path(path: Path) -> Path:
    """Return what a file is called until it is whole."""
    return path.with_name(path.name + ".partial")

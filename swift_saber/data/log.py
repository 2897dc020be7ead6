"""A JSONL file that grows a row at a time, and that a run which was stopped goes on with.

Knows lines, ids and locks; knows nothing of what a row says. Files that are written at once are rows.write_rows'.
"""

import fcntl
import os
import sys
from collections.abc import Iterator, Set
from contextlib import ExitStack
from mmap import ACCESS_READ, mmap
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from swift_saber.data.rows import MAX_ROW_BYTES, given_id, parse_row, read_named
from swift_saber.errors import InputError, unreadable
from swift_saber.text.files import must_be_file, whole
from swift_saber.text.strict_json import MAX_LEVELS, encoded

# How often a file may lose its name between the two calls that open and lock it.
_TRIES = 10


class TooLongError(InputError):
    """A row would be a line that is too long to be read again; nothing of it is written."""


class RowLog:
    """A JSONL file that grows a row at a time and survives being killed; a context manager.

    What survives: every row whose `append` returned, when the process is killed in any way. After a power loss the
    last rows may be missing, since they are handed to the operating system and not forced to the disk.

    One process at a time may hold a file open; threads of that process may share one RowLog.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = Lock()
        self._file = -1

    def __enter__(self) -> "RowLog":
        """Open the file, or make it and its folders, and cut a last line that was not written to its end.

        What is cut is said on stderr.

        Raises:
            InputError: the file cannot be opened, is no regular file, another process holds it, or it is no file of
                rows.
        """
        must_be_file(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._take()
            self._mend()
        except BaseException as error:
            if self._file >= 0:
                self._close()
            if isinstance(error, OSError):
                raise unreadable(self.path, error) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the rows that are there, first to last; not while another thread appends.

        Raises:
            InputError: names the file and line: a damaged line, a row without an id, or an id that was there before.
        """
        if os.path.getsize(self.path) == 0:
            return
        for _, row in read_named(self.path):
            yield row

    def ids(self) -> set[str]:
        """Return the ids of the rows that are there.

        Raises:
            InputError: as read.
        """
        return {row["id"] for row in self.read()}

    def append(self, row: dict[str, Any]) -> None:
        """Write one row, whole or not at all; from any thread.

        Args:
            row: JSON values with a string `id` that is not in the file yet.

        Raises:
            TooLongError: the row is too long.
            InputError: it has no id, or the disk takes no more.
        """
        given_id(row, str(self.path))
        line = encoded(row) + b"\n"
        if len(line) > MAX_ROW_BYTES:
            problem = f"would be longer than {MAX_ROW_BYTES >> 20} MB"
            raise TooLongError(str(self.path), "line", problem, "shorten the row")
        with self._lock:
            before = os.fstat(self._file).st_size
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._file, line[written:])
            except BaseException as error:  # Ctrl-C too: a part of a line must not stay for the next row to follow
                os.ftruncate(self._file, before)
                if isinstance(error, OSError):
                    problem = f"cannot be written: {error.strerror or type(error).__name__}"
                    raise InputError(str(self.path), "file", problem, "make room and run again") from error
                raise

    def retain(self, ids: Set[str]) -> None:
        """Keep the rows with these ids alone; the others are gone at once, or not, whenever the process is killed.

        Raises:
            InputError: as read.
            OSError: the disk takes no more; all rows stay.
        """
        lines = b"".join(encoded(row) + b"\n" for row in self.read() if row["id"] in ids)
        with self._lock, ExitStack() as undo:
            with whole(self.path) as partial:
                partial.write_bytes(lines)
                fresh = os.open(partial, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
                undo.callback(os.close, fresh)
                fcntl.flock(fresh, fcntl.LOCK_EX)  # before it has the name
            undo.pop_all()
            self._close()
            self._file = fresh

    def remove_if_empty(self) -> None:
        """Remove the file where it holds nothing; never another that has taken its name meanwhile."""
        if os.fstat(self._file).st_size == 0 and self.has_its_name():
            self.path.unlink()

    def _take(self) -> None:
        """Open the file and lock it; once more, where by then another run has replaced or removed what was opened."""
        in_use = InputError(
            str(self.path), "file", "another run is writing it", "wait for it to end, or name another file"
        )
        for _ in range(_TRIES):
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise in_use from error
            if self.has_its_name():
                return
            self._close()
        raise in_use

    def has_its_name(self) -> bool:
        """Return whether the file is still there under its name, and no other one."""
        try:
            return os.path.samestat(os.fstat(self._file), os.stat(self.path))
        except FileNotFoundError:
            return False

    def _mend(self) -> None:
        """See that the file ends where a row ends."""
        size = os.fstat(self._file).st_size
        if size == 0:
            return
        with mmap(self._file, size, access=ACCESS_READ) as data:
            first, tail = data.readline(), data[data.rfind(b"\n", 0) + 1 :]
        # Nothing is ever cut from a file that is something else.
        if first.endswith(b"\n") and first.strip():
            given_id(parse_row(first, f"{self.path}:1", levels=MAX_LEVELS), f"{self.path}:1")
        elif not first.lstrip().startswith(b"{"):
            raise InputError(str(self.path), "file", "is not a file of rows", "name another file")
        if not tail:
            return
        try:
            parse_row(tail, "tail", levels=MAX_LEVELS)
        except InputError:
            os.ftruncate(self._file, size - len(tail))
            said = f"the last line was not written to its end: {len(tail)} bytes cut"
            print(f"swift-saber: {self.path}: {said}", file=sys.stderr)
        else:  # Only the newline is missing.
            os.write(self._file, b"\n")

    def _close(self) -> None:
        os.close(self._file)  # which gives the lock back
        self._file = -1

"""A JSONL file that grows a row at a time, and that a run which was stopped goes on with.

Knows lines, ids and locks; knows nothing of what a row says. Files that are written at once are rows.write_rows'.
"""

import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from swift_saber.data.rows import parse_row, read_rows
from swift_saber.errors import InputError, quoted, unreadable
from swift_saber.text.strict_json import dumps


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
            InputError: the file cannot be opened, another process holds it, or it is no file of rows.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise unreadable(self.path, error) from error
        try:
            self._take()
            self._mend()
        except BaseException:
            self._close()
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
        seen: set[str] = set()
        for where, row in read_rows(self.path):
            name = _id(row, where)
            if name in seen:
                raise InputError(where, "id", f"{quoted(name)} is there twice", "remove one of the two rows")
            seen.add(name)
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
            InputError: the row has no id, or the disk takes no more.
        """
        _id(row, str(self.path))
        line = (dumps(row) + "\n").encode()
        with self._lock:
            before = os.fstat(self._file).st_size
            try:
                written = 0
                while written < len(line):
                    written += os.write(self._file, line[written:])
            except BaseException as error:  # Ctrl-C too: a part of a line must not stay for the next row to follow
                os.ftruncate(self._file, before)
                if isinstance(error, OSError):
                    reason = error.strerror or type(error).__name__
                    raise InputError(
                        str(self.path), "file", f"cannot be written: {reason}", "make room and run again"
                    ) from error
                raise

    def _take(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                str(self.path), "file", "another run is writing it", "wait for it to end, or name another file"
            ) from error
        except OSError as error:
            raise unreadable(self.path, error) from error

    def _mend(self) -> None:
        """See that the file ends where a row ends."""
        with self.path.open("rb") as file:
            first = file.readline()
            if not first:
                return
            # Nothing is ever cut from a file that is something else.
            if first.endswith(b"\n") and first.strip():
                _id(parse_row(first, f"{self.path}:1"), f"{self.path}:1")
            elif not first.lstrip().startswith(b"{"):
                raise InputError(str(self.path), "file", "is not a file of rows", "name another file")
            size = file.seek(0, os.SEEK_END)
            tail = _after_last_newline(file, size)
        if not tail:
            return
        try:
            parse_row(tail, "tail")
        except InputError:
            os.ftruncate(self._file, size - len(tail))
            print(
                f"swift-saber: {self.path}: the last line was not written to its end: {len(tail)} bytes cut",
                file=sys.stderr,
            )
        else:  # Only the newline is missing.
            os.write(self._file, b"\n")

    def _close(self) -> None:
        os.close(self._file)  # which gives the lock back
        self._file = -1


def _after_last_newline(file: Any, size: int) -> bytes:
    """What follows the last newline of a binary file of `size` bytes."""
    tail = b""
    while size > 0 and b"\n" not in tail:
        step = min(size, 1 << 16)
        size -= step
        file.seek(size)
        tail = file.read(step) + tail
    return tail.rpartition(b"\n")[2]


def _id(row: dict[str, Any], where: str) -> str:
    name = row.get("id")
    if not isinstance(name, str) or not name:
        raise InputError(where, "id", f"is {quoted(name)}, not a name", "each row needs the id of its clip")
    return name

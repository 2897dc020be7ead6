"""The checked records of clips, looked up by id without holding them in memory."""

import os
from pathlib import Path
from types import TracebackType

from swift_saber.data.rows import parse_row, row_id
from swift_saber.errors import InputError, quoted, unreadable
from swift_saber.sed.record import Row


class Records:
    """A JSONL file of SABER rows, by id; a context manager that threads may share.

    Every row is validated when the file is opened; what stays in memory is the place of each, about 150 bytes.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._places: dict[str, tuple[int, int]] = {}
        self._names: list[str] = []

    def __enter__(self) -> "Records":
        """Read the file once.

        Raises:
            InputError: the file cannot be read, a row is no SABER row, or an id is there twice.
        """
        try:
            self._file = self.path.open("rb")
        except OSError as error:
            raise unreadable(self.path, error) from error
        try:
            self._index()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def get(self, name: str) -> Row | None:
        """Return the row of a clip, or None where there is none."""
        place = self._places.get(name)
        if place is None:
            return None
        start, size = place
        return self._row(os.pread(self._file.fileno(), size, start), f"{self.path}: {name}")[1]

    def ids(self) -> list[str]:
        """Return the ids, in the order of the file."""
        return self._names

    def _index(self) -> None:
        start = 0
        for number, line in enumerate(self._file, start=1):
            if line.strip():
                where = f"{self.path}:{number}"
                name, _ = self._row(line, where)
                if name in self._places:
                    raise InputError(where, "id", f"{quoted(name)} is there twice", "remove one of the two rows")
                self._places[name] = (start, len(line))
            start += len(line)
        if not self._places:
            raise InputError(str(self.path), "file", "holds no row", "give the clips' records, one a line")
        self._names = list(self._places)

    @staticmethod
    def _row(line: bytes, where: str) -> tuple[str, Row]:
        obj = parse_row(line, where)
        return row_id(obj), Row.from_dict(obj, where)

"""The rows of an input file, each as a question for the model or with the reason why it is none.

A row that cannot be asked costs only itself. What would make the outcome ambiguous, two rows with one id, ends the run.
"""

import hashlib
import os
import stat
from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from swift_saber.data.convert import MEDIA_KEYS, no_question, row_kind, to_swift_row, with_sound
from swift_saber.data.rows import asked_id, media_given, media_path, parse_row, read_lines, row_id
from swift_saber.data.turns import pictures_in, taken_out
from swift_saber.errors import InputError, one_line, quoted

# Characters, of a reason or a remedy: two paths that are as long as can be go in.
_MOST_SAID = 10_000
_WITH_PATHS = MEDIA_KEYS | {"image", "images", "messages"}


@dataclass(frozen=True, slots=True)
class Question:
    """One row that can be asked.

    Attributes:
        id: as rows.row_id.
        where: "file:line".
        row: the columns that ms-swift infers on, as data.convert.to_swift_row returns them.
        written: those of them that stand otherwise in the file: "messages", "videos" and "audios" as they do there.
        kind: what data.convert.row_kind says of it.
        seconds: how long its clip is, once that was looked at; None where that is not known.
    """

    id: str
    where: str
    row: dict[str, Any]
    written: dict[str, Any] = field(default_factory=dict)
    kind: str = "question"
    seconds: float | None = None

    def heard(self, audios: list[str]) -> "Question":
        """Return the question with its sound, for which that inside these of its videos was taken; None are none.

        Raises:
            InputError: as data.convert.with_sound.
        """
        row = with_sound(self.row, audios, self.kind, self.where)
        names = self.written["videos"] or taken_out(self.written["messages"]).media["videos"]
        heard = [name for name, path in zip(names, self.row["videos"], strict=True) if path in audios]
        return replace(self, row=row, written={**self.written, "audios": heard or None})


@dataclass(frozen=True, slots=True)
class Reject:
    """One row without an answer; `as_row` is its line in the file of rejects.

    The reason and the remedy are safe to print, as a media.place.Problem's are: they quote what stands in the row. What
    would fill pages is left out of their middle.

    Attributes:
        passing: it may be answered as it is, at another time.
    """

    id: str
    where: str
    reason: str
    remedy: str
    passing: bool = False

    def __post_init__(self) -> None:
        for name in ("reason", "remedy"):
            said = getattr(self, name)
            if len(said) > _MOST_SAID:
                said = f"{said[: _MOST_SAID // 2]} ... {said[-_MOST_SAID // 2 :]}"
            object.__setattr__(self, name, one_line(said))

    def as_row(self) -> dict[str, Any]:
        return {"id": self.id, "where": self.where, "reason": self.reason, "remedy": self.remedy}


def ids(path: Path) -> dict[str, str]:
    """Return the place of each row, "file:line", by its id; a line is named "line-N" where it holds no row, a wrong id,
    or nothing that an id could be made of.

    Raises:
        InputError: the file cannot be read or holds nothing, or two rows have one id.
    """
    found: dict[str, str] = {}
    for where, name, *_ in _rows(path):
        if found.setdefault(name, where) != where:
            problem = f"{quoted(name)} is that of line {_line(found[name])} too"
            raise InputError(where, "id", problem, "remove one of the two rows, or give each an id of its own")
    return found


def read(path: Path, without: Set[str]) -> Iterator[Question | Reject]:
    """Yield each row in its order, but for those with these ids.

    Media files are looked for, not looked into.
    """
    for where, name, row, _ in _rows(path):
        if name in without:
            continue
        try:
            if isinstance(row, InputError):
                raise row
            kind = row_kind(row)
            if kind is None:
                raise no_question(row, where)
            asked = to_swift_row(row, where)
            columns = {key: media_given(row, key) for key in ("videos", "audios")}
            audios = None if asked["audios"] is None else columns["audios"] or []
            written = {"messages": row.get("messages") or asked["messages"], "videos": columns["videos"] or []}
            yield Question(name, where, asked, {**written, "audios": audios}, kind)
        except InputError as error:
            yield Reject(name, where, f"{error.field}: {error.problem}", error.remedy)


def origins(path: Path, without: Set[str]) -> dict[str, bytes]:
    """Return by id, but for these, a digest of what a row comes from: its line, and each file that it names as it is.

    A row may be wrong in any way: its files are those of the texts that stand where a path may.
    """
    found = {}
    for _, name, row, line in _rows(path):
        if name not in without:
            named = {} if isinstance(row, InputError) else {key: row[key] for key in row.keys() & _WITH_PATHS}
            files = [_state(path) for path in sorted(_paths(named))]
            found[name] = hashlib.blake2b(line + repr(files).encode(), digest_size=16).digest()
    return found


def _paths(value: Any, words: bool = False) -> Iterator[str]:
    """The texts in a value; of those that are words, the paths of the pictures in them."""
    if isinstance(value, str):
        yield from pictures_in(value) if words else [value]
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, key in {"content", "text"})
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, words)


def _state(path: str) -> Any:
    """What changes with a file, its place behind links and its rights included; of a folder or a device what it is;
    None where there is none.
    """
    try:
        full = media_path(path)
        found = os.stat(full)
        content = (found.st_size, found.st_mtime_ns, found.st_ctime_ns) if stat.S_ISREG(found.st_mode) else ()
        return os.path.realpath(full), found.st_mode, *content, os.access(full, os.R_OK)
    except (OSError, ValueError):  # the latter for what can be no path
        return None


def _rows(path: Path) -> Iterator[tuple[str, str, dict[str, Any] | InputError, bytes]]:
    """Yield ("file:line", id, the row or why it is none, the line) for each line that is not blank."""
    for where, line in read_lines(path):
        try:
            row = parse_row(line, where)
            name = asked_id(row, where)
            if row.get("id") in (None, "") and (row_kind(row) is None or name == row_id({})):
                name = f"line-{_line(where)}"  # others that ask nothing have the same hash
        except InputError as error:
            yield where, f"line-{_line(where)}", error, line
        else:
            yield where, name, row, line


def _line(where: str) -> str:
    return where.rpartition(":")[2]

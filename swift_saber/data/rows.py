"""JSONL rows: reading with line numbers, writing, stable ids, media paths.

Knows files and rows; knows nothing of what a record says (sed/record.py) or of how a model reads it (plugin/).
"""

import hashlib
import os
import re
import stat
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from swift_saber.errors import InputError, kind, quoted, unreadable
from swift_saber.media.place import place_fault
from swift_saber.text.files import check_utf8, must_be_file, whole
from swift_saber.text.strict_json import MAX_LEVELS, encoded, parse_json

#: How large a row may be, in bytes: far above any that was written by hand or by a model. What is cut off after it is
#: held by nobody, and what it is parsed into stays below 1 GB, also where it is nothing but brackets.
MAX_ROW_BYTES = 16 << 20
# How deep a row that is given may be nested; what we make of it may nest it a few levels deeper.
_ROW_LEVELS = MAX_LEVELS // 2
# Of a name: what is said of its row repeats it, each character in up to 6 bytes, and must be no longer than a row.
_ID_CHARACTERS = 1 << 20
# How an array of objects begins.
_ARRAY = re.compile(rb"(\xef\xbb\xbf)?\s*\[\s*(\{|$)")


def read_lines(path: str | os.PathLike[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (where, line) for each line of a JSONL file that is not blank, for parse_row.

    Args:
        path: the file. Only a newline ends a line, so U+2028 inside a text is safe.

    Yields:
        where: "path:line", counted from 1.
        line: as it stands there; of one that is too long for a row its beginning, which parse_row refuses.

    Raises:
        InputError: the file is missing, unreadable, a device, holds no row, or one array of rows.
    """
    for where, line, _ in read_placed(path):
        yield where, line


def read_placed(path: str | os.PathLike[str]) -> Iterator[tuple[str, bytes, int]]:
    """Yield what read_lines does, and where in the file each line begins, in bytes, for row_at.

    Raises:
        InputError: as read_lines.
    """
    rows = 0
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):  # which may have no end
                raise InputError(str(path), "file", "is a device", "name a file of rows")
            for number, (line, start) in enumerate(_bounded(file), start=1):
                if line.removeprefix(BOM_UTF8).strip():
                    if not rows and _ARRAY.match(line):
                        remedy = "write one object a line, e.g. with jq -c '.[]' IN.json > OUT.jsonl"
                        raise InputError(str(path), "file", "is one JSON array, not rows", remedy)
                    rows += 1
                    yield f"{path}:{number}", line, start
    except OSError as error:
        raise unreadable(path, error) from error
    if rows == 0:
        raise InputError(str(path), "file", "holds no row", "write one JSON object per line")


def _bounded(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """The lines of a file, of each one byte more than a row may have at most, and where it begins."""
    start = 0
    while line := file.readline(MAX_ROW_BYTES + 1):
        yield line, start
        start += len(line)
        while len(line) > MAX_ROW_BYTES and not line.endswith(b"\n"):
            line = file.readline(MAX_ROW_BYTES + 1) or b"\n"
            start += len(line)


def row_at(path: str | os.PathLike[str], start: int, where: str, *, levels: int = _ROW_LEVELS) -> dict[str, Any]:
    """Return the row that begins at a place of a file.

    Args:
        start: as read_placed says it.
        where: names the row.
        levels: as of parse_row.

    Raises:
        InputError: the file cannot be read, or as parse_row.
    """
    try:
        with open(path, "rb") as file:
            file.seek(start)
            line = file.readline(MAX_ROW_BYTES + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    return parse_row(line, where, levels=levels)


def read_rows(path: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, row) for each row of a JSONL file.

    Raises:
        InputError: as read_lines, and for a line that is not one JSON object.
    """
    for where, line in read_lines(path):
        yield where, parse_row(line, where, levels=MAX_LEVELS)


def read_named(path: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (where, row) for each row of a JSONL file in which each has an id of its own.

    Raises:
        InputError: as read_rows, and for a row without an id, or with one that was there before.
    """
    seen: set[str] = set()
    for where, row in read_rows(path):
        name = given_id(row, where)
        if name in seen:
            raise InputError(where, "id", f"{quoted(name)} is there twice", "remove one of the two rows")
        seen.add(name)
        yield where, row


def given_id(row: Mapping[str, Any], where: str) -> str:
    """Return the id that a row has.

    Raises:
        InputError: it has none.
    """
    name = row.get("id")
    if not isinstance(name, str) or not name:
        raise InputError(where, "id", f"is {quoted(name)}, not a name", "each row needs the id of its clip")
    return name


def parse_row(line: str | bytes, where: str, *, levels: int = _ROW_LEVELS) -> dict[str, Any]:
    """Return the JSON object that one line holds; a byte order mark before it is accepted.

    Args:
        line: of any content.
        where: names it in errors.
        levels: of lists and objects in one another, at most; more where we have written the row.

    Raises:
        InputError: the line is too long, not UTF-8, not JSON, not an object, or nested too deeply.
    """
    if len(line) > MAX_ROW_BYTES:
        problem = f"is longer than {MAX_ROW_BYTES >> 20} MB"
        raise InputError(where, "line", problem, "write one row a line, and clips as paths")
    try:
        text = (line if isinstance(line, str) else line.decode("utf-8-sig")).rstrip("\r\n")
    except UnicodeDecodeError as error:
        problem = f"not UTF-8 ({error.reason} at byte {error.start})"
        raise InputError(where, "line", problem, "save the file as UTF-8") from error
    row = parse_json(text, where, levels=levels)
    if not isinstance(row, dict):
        raise InputError(where, "line", f"is a {type(row).__name__}, not an object", "write {...} on each line")
    return row


def response_of(row: Mapping[str, Any], where: str) -> str:
    """Return the answer that a result row of an inference holds.

    Raises:
        InputError: there is none.
    """
    response = row.get("response")
    if not isinstance(response, str):
        raise InputError(where, "response", "is missing or not a string", "give the result file of an inference")
    return response


def row_id(row: Mapping[str, Any]) -> str:
    """Return the row's id: the given one, else a hash of its media paths and prompt. For rows that asked_id passes.

    The hash depends on nothing else, so the same question about the same files has the same id in every run.
    """
    given = row.get("id")
    if given is not None and given != "":
        return str(given)
    messages = row.get("messages")
    turns = [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []
    prompt = next((turn.get("content") for turn in turns if turn.get("role") == "user"), "")
    parts = [*media_list(row, "videos"), "|", *media_list(row, "audios"), "|", prompt]
    digest = hashlib.sha256("\n".join(str(part) for part in parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"row-{digest[:16]}"


def asked_id(row: Mapping[str, Any], where: str) -> str:
    """Return row_id of a row that is given: what a model is asked, and its answer, are known by it.

    Raises:
        InputError: it is no text and no number, holds half a character, or is no name by its length.
    """
    given = row.get("id")
    if isinstance(given, bool | list | dict):
        problem = f"is {kind(given)}, not a name"
        raise InputError(where, "id", problem, "write a text or a number, or leave it out")
    name = row_id(row)
    check_utf8(name, "id", where)
    if len(name) > _ID_CHARACTERS:
        raise InputError(where, "id", f"has more than {_ID_CHARACTERS:,} characters", "write a shorter one")
    return name


def media_list(row: Mapping[str, Any], key: str) -> list[Any]:
    """Return a media column as a list: absent, one path, or many.

    Args:
        row: a row of any kind.
        key: "videos" or "audios"; where it is absent, ms-swift's other names "video" and "audio" count.
    """
    return media_given(row, key) or []


def media_given(row: Mapping[str, Any], key: str) -> list[Any] | None:
    """Return a media column as `media_list` does, or None where the row does not say."""
    value = row.get(key)
    if value is None:
        value = row.get(key.removesuffix("s"))
    if value is None:
        return None
    return list(value) if isinstance(value, (list, tuple)) else [value]


def media_root() -> str | None:
    """The folder that relative media paths are looked up in: ms-swift's own ROOT_IMAGE_DIR, else none."""
    return os.environ.get("ROOT_IMAGE_DIR") or None


def check_roots() -> None:
    """See that the folders that clips are looked up in, and must lie in, are there: else no row could be used.

    Raises:
        InputError: one of them is not.
    """
    for name in ("ROOT_IMAGE_DIR", "SABER_MEDIA_ROOT"):
        root = os.environ.get(name)
        if root and not os.path.isdir(root):
            problem = f"is {root}, which is {'no folder' if os.path.exists(root) else 'not there'}"
            raise InputError("environment", name, problem, "correct it, or unset it")


def media_path(path: str) -> str:
    """Return where a media file is looked for: in ROOT_IMAGE_DIR when it is set, else in the current folder."""
    return os.path.abspath(os.path.join(media_root() or "", path))


def resolve_media(path: Any, where: str, field: str) -> str:
    """Return the absolute path of a media file that exists and is not empty.

    Args:
        path: as written in the row. Relative paths are looked up in ROOT_IMAGE_DIR when it is set, else in the
            current folder (the rule of ms-swift).
        where: "file:line" or a row id, for the error.
        field: "videos" or "audios", for the error.

    Raises:
        InputError: not a path, a URL (nothing is fetched from an address found in data), missing, a folder,
            or empty.
    """
    if path == "":
        raise InputError(where, field, "is empty text, not a path", "name the file, or write [] where there is none")
    if not isinstance(path, str):
        raise InputError(where, field, f"is {kind(path)}, not a path", "give each clip as the path of a file")
    check_utf8(path, field, where)
    full = media_path(path)
    if placed := place_fault(path) or place_fault(full):
        raise InputError(where, field, placed.reason, placed.remedy)
    try:
        found = os.stat(full)
    except ValueError as error:
        raise InputError(where, field, f"{path!r} is not a path ({error})", "correct the path") from error
    except OSError as error:
        root = media_root()
        place = f"ROOT_IMAGE_DIR ({root})" if root else "the current folder (or in ROOT_IMAGE_DIR, when set)"
        remedy = "correct the path" if os.path.isabs(path) else f"relative paths are looked up in {place}"
        raise InputError(where, field, f"{full}: {(error.strerror or 'unreadable').lower()}", remedy) from error
    if stat.S_ISDIR(found.st_mode):
        raise InputError(where, field, f"{full} is a folder", "name the clip's file")
    if not stat.S_ISREG(found.st_mode):
        raise InputError(where, field, f"{full} is not a file (a pipe, a socket or a device)", "name the clip's file")
    if found.st_size == 0:
        raise InputError(where, field, f"{full} is empty", "copy the clip again or remove the row")
    return full


def allowed_media(path: Any, where: str, field: str, own: Iterable[Path] = ()) -> str:
    """Return resolve_media of a file that lies in SABER_MEDIA_ROOT, where that is set.

    Args:
        path, where, field: as of resolve_media.
        own: folders whose files are allowed besides, such as a run's, which has sounds of its own.

    Raises:
        InputError: as resolve_media, or it lies elsewhere.
    """
    full = resolve_media(path, where, field)
    placed = place_fault(full, os.environ.get("SABER_MEDIA_ROOT") or None)
    if placed and not any(Path(full).resolve().is_relative_to(folder.resolve()) for folder in own):
        raise InputError(where, field, placed.reason, placed.remedy)
    return full


def must_be_regular(path: str | os.PathLike[str]) -> None:
    """See that a file can be read more than once.

    Raises:
        InputError: it is a pipe or a device.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        problem = "is no regular file, and it is read more than once"
        raise InputError(str(path), "file", problem, "save the rows to a file, and name that")


def must_be_new(path: Path | None) -> None:
    """See that a file that is to be written is not there; None is no file.

    Raises:
        InputError: it is there, or is no file.
    """
    if path:
        must_be_file(path)
    if path and path.exists():
        raise InputError(str(path), "output", "exists already", "move it away or name another file")


def write_rows(path: str | os.PathLike[str], rows: Iterable[dict[str, Any]]) -> int:
    """Write rows as JSONL, whole or not at all, and return their number."""
    count = 0
    with whole(path) as partial, partial.open("wb") as file:
        for row in rows:
            file.write(encoded(row) + b"\n")
            count += 1
    return count

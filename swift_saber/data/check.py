"""The rows of a file with every clip that ms-swift would take from them, checked without a model."""

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from swift_saber.data.convert import row_kind, to_swift_row
from swift_saber.data.rows import media_list, media_path, parse_row, read_lines, resolve_media, row_id
from swift_saber.errors import InputError, one_line
from swift_saber.media.check import check_clips
from swift_saber.media.fault import Problem


class Checked(NamedTuple):
    """A row that was looked at.

    Attributes:
        where: "file:line".
        id: escaped for printing; None where the line holds no row.
        media: absolute paths.
        problem: why it cannot be used, or None.
    """

    where: str
    id: str | None
    media: list[str]
    problem: Problem | None


def check_rows(path: Path, *, workers: int, limit: float, root: str | None) -> Generator[Checked, None, None]:
    """Yield the rows of a JSONL in their order; the clips of each are decoded to their end.

    Args:
        path: rows that are read here, or ms-swift's own, of which the clips alone are looked at.
        workers, limit, root: as media.check.check_clips.

    Raises:
        InputError: the file cannot be read.
    """
    with closing(check_clips(_rows(path), workers=workers, limit=limit, root=root)) as checked:
        for row, found in checked:
            yield row._replace(problem=row.problem or found)


def _rows(path: Path) -> Iterator[tuple[Checked, list[str], list[str]]]:
    """Each row with its videos and audios; one that cannot be used has its problem, and no clip to decode."""
    for where, text in read_lines(path):
        name, media = None, []
        try:
            row = parse_row(text, where)
            name = one_line(row_id(row))
            named = [_named(row, key) for key in ("videos", "audios")]
            media = [media_path(path) for columns in named for _, path in columns if isinstance(path, str)]
            videos, audios = ([resolve_media(path, where, column) for column, path in columns] for columns in named)
            if row_kind(row) not in {None, "pair"}:
                to_swift_row(row, where)
            yield Checked(where, name, media, None), videos, audios
        except InputError as error:
            yield Checked(where, name, media, Problem(f"{error.field}: {error.problem}", error.remedy)), [], []


def _named(row: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    """Return (column, path) for a row's media of one kind, wherever ms-swift would take them from."""
    named = [(column, path) for column in (key, f"rejected_{key}") for path in media_list(row, column)]
    for column in ("messages", "rejected_messages"):
        named += [(column, path) for path in _in_turns(row.get(column), key.removesuffix("s"))]
    return named


def _in_turns(messages: Any, kind: str) -> Iterator[Any]:
    """The clips in turns of OpenAI's form: {"type": "video", "video": PATH} or {..., "video_url": {"url": PATH}}."""
    turns = [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []
    for turn in turns:
        content = turn.get("content")
        for part in content if isinstance(content, list) else []:
            if isinstance(part, dict) and part.get("type") in {kind, f"{kind}_url"}:
                value = part.get(part["type"])
                yield value.get("url") if isinstance(value, dict) else value

"""The rows of a file with every clip that ms-swift would take from them, checked without a model."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from swift_saber.data.convert import hears_videos, row_kind, to_swift_row, with_sound
from swift_saber.data.questions import all_media
from swift_saber.data.rows import (
    asked_id,
    check_roots,
    media_given,
    media_list,
    media_path,
    parse_row,
    read_lines,
    resolve_media,
)
from swift_saber.data.turns import clip_of, pictures_in
from swift_saber.errors import InputError, one_line
from swift_saber.media.check import hear_clips
from swift_saber.media.place import Problem, place_fault


class Checked(NamedTuple):
    """A row that was looked at.

    Attributes:
        where: "file:line".
        id: escaped for printing; None where the line holds no row.
        media: absolute paths.
        problem: why it cannot be used, or None.
        for_training: whether it is for training alone: a preference pair, or a row of ms-swift's own, of which only
            the clips were looked at. Inference asks all others that have no problem.
        heard: whether the sound inside its videos was taken.
    """

    where: str
    id: str | None
    media: list[str]
    problem: Problem | None
    for_training: bool = False
    heard: bool = False


def check_rows(path: Path, *, workers: int, limit: float, root: str | None) -> Generator[Checked, None, None]:
    """Yield the rows of a JSONL in their order; the clips of each are decoded to their end.

    Args:
        path: rows that are read here, or ms-swift's own, of which the clips alone are looked at.
        workers, limit, root: as media.check.check_clips.

    Raises:
        InputError: the file cannot be read.
    """
    check_roots()  # which are the fault of no row, as is a wrong word in SABER_SOUND
    hears_videos()
    rows = ((found, found[-1]) for found in _rows(path))
    with closing(hear_clips(rows, workers=workers, limit=limit, root=root)) as checked:
        for (row, asked, kind, media), (problem, audios, _) in checked:
            unsaid = media.get("audios", []) is None
            heard = unsaid and bool(audios)
            if asked and unsaid and not problem:
                try:
                    with_sound(asked, audios, kind, row.where)
                except InputError as error:
                    problem = _problem(error)
            yield row._replace(problem=row.problem or problem, heard=heard)


def _rows(path: Path) -> Iterator[tuple[Checked, dict[str, Any] | None, str | None, dict[str, Any]]]:
    """Each row, as ms-swift infers on it and of which kind, with its media; one with a problem has none to decode."""
    for where, text in read_lines(path):
        name, paths = None, []
        try:
            row = parse_row(text, where)
            name = one_line(asked_id(row, where))
            named = {key: _named(row, key) for key in ("videos", "audios", "images")}
            paths = [media_path(path) for found in named.values() for _, path in found if isinstance(path, str)]
            kind, asked = row_kind(row), None
            if kind not in {None, "pair"}:
                asked = to_swift_row(row, where)
                media = all_media(asked)
            else:
                _check_pictures(row, where)
                media = {key: [resolve_media(path, where, at) for at, path in found] for key, found in named.items()}
                if media["videos"] and not named["audios"] and media_given(row, "audios") is None and hears_videos():
                    media["audios"] = None
            yield Checked(where, name, paths, None, asked is None), asked, kind, media
        except InputError as error:
            yield Checked(where, name, paths, _problem(error)), None, None, {}


def _problem(error: InputError) -> Problem:
    return Problem(f"{error.field}: {error.problem}", error.remedy)


def _named(row: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    """Return (column, path) for a row's media of one kind, wherever ms-swift would take them from."""
    columns = (key, f"rejected_{key}") if key != "images" else ()  # which may hold more than paths
    named = [(column, path) for column in columns for path in media_list(row, column)]
    for column in ("messages", "rejected_messages"):
        named += [(column, path) for path in _in_turns(row.get(column), key)]
    return named


def _check_pictures(row: Mapping[str, Any], where: str) -> None:
    """See that ms-swift would fetch no picture; what else stands in that column may be the picture itself."""
    for value in media_list(row, "images"):
        path = value.get("path") if isinstance(value, dict) else value
        if isinstance(path, str) and path.strip().lower().startswith("http") and (placed := place_fault(path)):
            raise InputError(where, "images", placed.reason, placed.remedy)


def _in_turns(messages: Any, key: str) -> Iterator[Any]:
    """The clips that stand in turns, which may be turns of any kind."""
    turns = [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []
    for turn in turns:
        content = turn.get("content")
        if key == "images" and isinstance(content, str):
            yield from pictures_in(content)
        for part in content if isinstance(content, list) else []:
            clip = clip_of(part)
            if clip and clip[0] == key:
                yield clip[1]

"""Checks clips in worker processes (media/pool.py), since a decoder may hang or crash on a broken one."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple, TypeVar

from swift_saber.media.fault import clip_fault
from swift_saber.media.place import Problem
from swift_saber.media.pool import guarded

K = TypeVar("K")
Clip = tuple[K, Sequence[str], Sequence[str]]


class Heard(NamedTuple):
    """What was found of a row's media.

    Attributes:
        problem: the first one, or None where all of them decode.
        audios: those that were given, or, where None was, the videos whose sound counts.
        seconds: of the longest video, or of the longest sound where there is none, as read.media_seconds; None where
            there is a problem, or that is not known.
    """

    problem: Problem | None
    audios: list[str]
    seconds: float | None = None


def check_clips(
    clips: Iterable[Clip[K]], *, workers: int, limit: float, root: str | None = None
) -> Generator[tuple[K, Problem | None], None, None]:
    """Yield (key, problem) for each clip in the order given; None where all of its media decode.

    Args:
        clips: (key, videos, audios); the items of pool.guarded, which says when workers start and end.
        workers: processes.
        limit: seconds for all media of one clip.
        root: the folder that media must lie in, or None for any.

    Raises:
        RuntimeError, Exception: as pool.guarded.
    """
    rows = ((key, {"videos": videos, "audios": audios}) for key, videos, audios in clips)
    with closing(hear_clips(rows, workers=workers, limit=limit, root=root)) as answers:
        for key, heard in answers:
            yield key, heard.problem


def hear_clips(
    rows: Iterable[tuple[K, Mapping[str, Any]]], *, workers: int, limit: float, root: str | None = None
) -> Generator[tuple[K, Heard], None, None]:
    """Yield (key, what was found) for each row's media in the order given.

    Args:
        rows: (key, {"videos", "audios", "images"}), each a list of absolute paths or absent; audios is None where the
            sound inside the videos is meant, as far as there is one.
        workers, limit, root: as check_clips.

    Raises:
        RuntimeError, Exception: as pool.guarded.
    """
    media = ((key, [row.get(kind, []) for kind in ("videos", "audios", "images")]) for key, row in rows)
    items = (((key, columns), (*columns, root)) for key, columns in media)
    with closing(guarded(items, _look, workers=workers, limit=limit)) as answers:
        for (key, columns), answer in answers:
            if isinstance(answer, Problem):
                paths = ", ".join(path for paths in columns for path in paths or ())
                yield key, Heard(Problem(f"{paths}: {answer.reason}", answer.remedy), columns[1] or [])
            else:
                problem, audios, seconds = answer
                yield key, Heard(Problem(*problem) if problem else None, audios, seconds)


def _look(
    videos: list[str], audios: list[str] | None, images: list[str], root: str | None
) -> tuple[list[str] | None, list[str], float | None]:
    """Return ([reason, remedy] or None, the audios, seconds), as JSON."""
    from swift_saber.media.read import media_seconds
    from swift_saber.media.sound import inside

    fault = clip_fault(videos, audios or [], root, images)
    if fault is None and audios is None:
        audios = inside(videos)
        fault = clip_fault([], audios, root)
    if fault:
        return [fault.reason, fault.remedy], audios or [], None
    lengths = (media_seconds(path) for path in videos or audios or [])
    return None, audios or [], max((seconds for seconds in lengths if seconds), default=None)

"""Checks clips in worker processes (media/pool.py), since a decoder may hang or crash on a broken one."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from typing import TypeVar

from swift_saber.media.fault import Problem, clip_fault
from swift_saber.media.pool import guarded

K = TypeVar("K")
Clip = tuple[K, Sequence[str], Sequence[str]]


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
    items = (((key, [*videos, *audios]), (list(videos), list(audios), root)) for key, videos, audios in clips)
    with closing(guarded(items, _fault, workers=workers, limit=limit)) as answers:
        for (key, paths), answer in answers:
            if isinstance(answer, Problem):
                yield key, Problem(f"{', '.join(paths)}: {answer.reason}", answer.remedy)
            else:
                yield key, Problem(*answer) if answer else None


def _fault(videos: list[str], audios: list[str], root: str | None) -> list[str] | None:
    """clip_fault as JSON: [reason, remedy] or null."""
    fault = clip_fault(videos, audios, root)
    return [fault.reason, fault.remedy] if fault else None

"""The voice of a row's clip: in which file it is, what is measured of it, and why there is nothing.

All is measured by ear, with no transcript, so that clips of any kind stand on one scale. Decoders may hang on broken
files: many clips are measured in processes (`voices`), one clip where it is needed in a thread (`voice`).
"""

import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import closing
from typing import Any, TypeVar

from swift_saber.data.questions import clips_of
from swift_saber.data.rows import allowed_media
from swift_saber.errors import InputError
from swift_saber.media.deadline import clip_seconds, within
from swift_saber.media.place import Problem
from swift_saber.media.pool import guarded
from swift_saber.media.prosody import NO_SOUND, Prosody, measure
from swift_saber.sed.scale import Numbers

K = TypeVar("K")
_WORKERS = 4
_REMEDY = "replace the file, or remove the row"


def voice_file(row: Mapping[str, Any], where: str) -> str:
    """Return the file that a row's voice is in: its sound, or its video where it names no sound.

    Args:
        row: "audios" and "videos", or "messages" with tags, of any kind of row.
        where: names it in errors.

    Raises:
        InputError: it names none or several, or the file is not there or outside SABER_MEDIA_ROOT.
    """
    clips = clips_of(row)
    column = "audios" if clips["audios"] else "videos"
    if len(clips[column]) != 1:
        problem = "are several: whose voice is meant is not known" if clips[column] else "are none"
        raise InputError(where, column, problem, "give the clip one sound")
    return allowed_media(clips[column][0], where, column)


def voice(row: Mapping[str, Any], where: str) -> Numbers:
    """Return what is measured of a row's voice, as sed/scale.py has it.

    Raises:
        InputError: as voice_file; or the file has no sound, cannot be read, or not within SABER_CLIP_SECONDS.
    """
    path = voice_file(row, where)
    try:
        found = within(clip_seconds(), _look, path)
    except TimeoutError as error:
        raise InputError(where, "sound", str(error), "cut or re-encode the clip, or allow more time") from error
    if isinstance(found, str):
        raise InputError(where, "sound", f"{path}: {found}", _REMEDY)
    return found


def voices(rows: Iterable[tuple[K, Mapping[str, Any]]]) -> Generator[tuple[K, Numbers | Problem], None, None]:
    """Yield (key, what is measured of its voice, or why nothing is) for each (key, row), in the order given.

    Raises:
        RuntimeError: the processes do not start.
    """

    def jobs() -> Generator[tuple[tuple[K, Problem | None], list[str]], None, None]:
        for key, row in rows:
            try:
                yield (key, None), [voice_file(row, str(row.get("id")))]
            except InputError as error:
                yield (key, Problem(f"{error.field} {error.problem}", error.remedy)), [""]

    workers = min(_WORKERS, os.cpu_count() or 1)
    with closing(guarded(jobs(), _look, workers=workers, limit=clip_seconds())) as answers:
        for (key, problem), answer in answers:
            yield key, problem or (Problem(answer, _REMEDY) if isinstance(answer, str) else answer)


def _look(path: str) -> dict[str, Any] | str:
    """What is measured of a file, or why nothing is."""
    from swift_saber.sed.scale import numbers

    if not path:  # why there is none is known
        return ""
    found = measured(path)
    return found if isinstance(found, str) else dict(numbers(found))


def measured(path: str) -> Prosody | str:
    """Return what is measured of the sound of a file, or why nothing is. A decoder may hang on a broken one.

    It is the sound that the models hear; but where its channels are each other's opposite, which mix to silence, it is
    the first of them.
    """
    import av
    import numpy as np

    from swift_saber.media.read import reason
    from swift_saber.media.sound import samples_of

    try:
        samples = samples_of(path)
        if not len(samples):
            return "has no sound"
        found = measure(samples.astype(np.float32) / 32768)
        if NO_SOUND in found.unsaid.values():
            found = measure(samples_of(path, left=True).astype(np.float32) / 32768)
        return found
    except (av.error.FFmpegError, OSError, ValueError) as error:
        return reason(error)

"""What is wrong with a clip, found by decoding all of it: truncated, undecodable, not what its name says, absurd.

What ms-swift's readers can use is not refused for taste: an odd size, a low rate or the wrong extension is no fault.
A decoder may hang or crash on a broken file, so media/check.py calls these functions in processes of its own.
Memory stays that of a few frames, whatever the clip's length.
"""

import importlib
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from swift_saber.errors import InputError
from swift_saber.media import prepared, sound
from swift_saber.media.frames import left_within, most_pixels, read_frames, size_problem
from swift_saber.media.limits import LEAST_PICTURES, LEAST_SECONDS, MAX_SECONDS, MISSING_SHARE
from swift_saber.media.place import Problem, place_fault
from swift_saber.media.read import (
    MAX_BYTES_HELD,
    Reading,
    are_numbers,
    blocks,
    content,
    file_problem,
    first_stream,
    header_seconds,
    is_silent,
    open_media,
    open_sound,
    reason,
    shortfall,
)
from swift_saber.media.settings import video_reader

# After so many pictures only key frames are decoded, so that a long film does not need minutes.
ALL_PICTURES = 3000
# So many are read as the model's frames are: as many as the published settings show at most.
_SHOWN = 40
# The errors of libsndfile after which ms-swift's soundfile_pyav tries PyAV: of no format, or of one that it does not
# know.
_PYAV_CODES = {0, 1, 3, 4}

_COPY = "copy the clip again or remove the row"
_VIDEO = "re-encode it: ffmpeg -i IN -c:v libx264 -c:a aac OUT.mp4"
_SOUND = "convert it: ffmpeg -i IN -vn -ar 16000 -ac 1 OUT.wav"
_SILENT = ("is silent from beginning to end", "take the sound out of the row: the picture alone is analysed then")


class _FaultError(Exception):
    """What was found; its arguments are the reason, without the path, and the remedy."""


def clip_fault(
    videos: Sequence[str], audios: Sequence[str], root: str | None = None, pictures: Sequence[str] = ()
) -> Problem | None:
    """Return the first problem among a row's media, or None when all of them decode to the end.

    Args:
        videos: paths of video files.
        audios: paths of sound files, or of videos whose sound is meant.
        root: the folder that the files must lie in, symbolic links followed; None for any.
        pictures: paths of pictures.
    """
    for paths, check in ((videos, _check_video), (audios, _check_audio), (pictures, _check_picture)):
        for path in paths:
            if placed := place_fault(path, root):
                return placed
            try:
                if plain := file_problem(path):
                    raise _FaultError(plain, "correct the path" if plain == "is missing" else _COPY)
                check(path)
            except _FaultError as fault:
                return Problem(f"{path}: {fault.args[0]}", fault.args[1])
    return None


def clip_problem(videos: Sequence[str], audios: Sequence[str]) -> str | None:
    """Return "path: why nothing can be read of it" for the first such file among a row's media, or None.

    Costs little, and finds less than clip_fault: a file that breaks off later, or that only one reader cannot read, has
    no problem here.
    """
    for kind, paths in (("video", videos), ("audio", audios)):
        for path in paths:
            if problem := beginning_problem(path, kind):
                return f"{path}: {problem}"
    return None


def beginning_problem(path: str | os.PathLike[str], kind: str) -> str | None:
    """Return why nothing can be read of a file's picture or sound, or None where its beginning decodes.

    ms-swift's readers fall back on one another, so the error that reaches the user is often the last reader's and not
    the clip's. What soundfile does not know (m4a, the sound of an mp4) is tried with PyAV.

    Args:
        kind: "video" or "audio".
    """
    import av
    import soundfile

    if plain := file_problem(path):
        return plain
    if kind == "audio":
        with suppress(soundfile.LibsndfileError, RuntimeError, OSError), soundfile.SoundFile(str(path)) as file:
            samples = file.read(file.samplerate, dtype="float32", always_2d=True)
            if not len(samples):
                return "holds no sound"
            return None if are_numbers(samples) else "holds samples that are not numbers"
    try:
        with open_media(path) as container:
            stream = first_stream(container, kind)
            if stream is None:
                return f"has no {kind} stream"
            empty = "has a video stream without frames" if kind == "video" else "holds no sound"
            return empty if next(container.decode(stream), None) is None else None
    except (av.error.FFmpegError, ValueError, OSError) as error:
        return f"is not a readable {'video' if kind == 'video' else 'audio file'} ({reason(error)})"


def load_readers() -> None:
    """Import what the checks use, so that the first clip is not charged for it."""
    for name in ("av", "numpy", "soundfile", *(["decord"] if video_reader(os.environ) == "decord" else [])):
        importlib.import_module(name)


def _check_video(path: str) -> None:
    with _opened(path, "video") as container:
        stream, kind = first_stream(container, "video"), container.format.name
        if stream is None:
            other = f", only sound ({kind})" if container.streams.audio else f" ({kind})"
            raise _FaultError(f"has no video stream{other}", "name the clip's video file")
        if kind.endswith("_pipe") or kind == "image2":
            raise _FaultError(f"is a picture ({kind.removesuffix('_pipe')}), not a video", "name the clip's video file")
        _check_codec(stream)
        size = (stream.codec_context.width, stream.codec_context.height)
        if wrong := size_problem(*size):
            raise _FaultError(*wrong)
        if not left_within(*size, most := most_pixels(os.environ)):
            problem = f"has frames of {size[0]} x {size[1]} pixels, of which nothing is left within {most} pixels"
            raise _FaultError(problem, "crop it, raise VIDEO_MAX_PIXELS, or remove the row")
        pictures = _check_decoded(container, stream)
    _check_reader(path, pictures)


def _check_audio(path: str) -> None:
    import av

    _check_sound(path)
    try:
        # As the model's sound is read: what that stops at is a fault, whatever was found by itself.
        seconds = sound.length(path)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _FaultError(f"cannot be read ({reason(error)})", _SOUND) from error
    if seconds <= LEAST_SECONDS:
        problem = f"lasts {seconds:.3f} seconds, which is too short for the model to hear"
        raise _FaultError(problem, "take the sound out of the row")


def _check_sound(path: str) -> None:
    import av
    import soundfile

    strict = _check_loader(path)
    heard = _Heard()
    promised, seconds, whole = None, 0.0, False
    try:
        with open_sound(path) as (file, whole):
            if file is not None:
                promised = header_seconds(path)  # which libsndfile may correct to what the file holds
                promised = file.frames / file.samplerate if promised is None else promised
                _check_length(promised)
            if whole:
                for block in blocks(file):
                    seconds += len(block) / file.samplerate
                    heard.take(block)
    except soundfile.LibsndfileError:  # it breaks off
        whole = False
    except av.error.FFmpegError as error:
        raise _FaultError(f"cannot be decoded ({reason(error)})", _SOUND) from error
    if not whole:
        _check_container_audio(path, promised=promised, strict=strict)
        return
    if seconds == 0:
        raise _FaultError("holds no sound", _COPY)
    _check_whole(shortfall(seconds, promised, MISSING_SHARE))
    heard.check()


def _check_loader(path: str) -> bool:
    """Name what only the loader of ms-swift that SWIFT_AUDIO_LOAD_BACKEND asks for cannot read.

    Returns:
        Whether that loader stops at one broken packet.
    """
    import soundfile

    backend = os.environ.get("SWIFT_AUDIO_LOAD_BACKEND")
    if not backend:
        return False
    by_pyav = backend == "soundfile_pyav"
    remedy = "unset SWIFT_AUDIO_LOAD_BACKEND, or convert the sound to wav"
    try:
        with soundfile.SoundFile(path) as file:
            if not file.seekable():
                raise _FaultError(f"is in a format that {backend}, the reader of sound asked for, cannot read", remedy)
    except soundfile.LibsndfileError as error:  # m4a, the sound of an mp4, and what is broken
        if by_pyav and error.code not in _PYAV_CODES:
            raise _FaultError(f"cannot be decoded ({reason(error)})", remedy) from error
        if not by_pyav and shutil.which("ffmpeg") is None:
            _check_container_audio(path)  # what is broken is not to be converted
            problem = (
                f"is in a format that {backend}, the reader of sound asked for, reads only with the ffmpeg program"
            )
            raise _FaultError(problem, remedy) from error
    return by_pyav


def _check_picture(path: str) -> None:
    from PIL import Image

    if wrong := picture_problem(path):
        raise _FaultError(*wrong)
    try:
        with Image.open(path) as picture:  # which is what ms-swift reads it with
            picture.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise _FaultError(f"is not a readable picture ({reason(error)})", _COPY) from error


def picture_problem(path: str | os.PathLike[str]) -> tuple[str, str] | None:
    """Return (why a picture is not to be read into memory, remedy), or None; its pixels are not looked at."""
    from PIL import Image

    if plain := file_problem(path, MAX_BYTES_HELD):
        return plain, _COPY
    try:
        with Image.open(path) as picture:
            return size_problem(*picture.size)
    except (Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        return f"is not a readable picture ({reason(error)})", _COPY


def _check_codec(stream: Any) -> None:
    if stream.codec_context is None:
        raise _FaultError(f"has a {stream.type} stream in no codec that is known here", _COPY)


def _check_container_audio(path: str, *, promised: float | None = None, strict: bool = False) -> None:
    """Decode sound with PyAV; promised and strict as in _check_decoded."""
    with _opened(path, "sound file") as container:
        stream = first_stream(container, "audio")
        if stream is None:
            raise _FaultError(f"has no audio stream ({container.format.name})", "name the clip's sound file")
        _check_codec(stream)
        _check_decoded(container, stream, promised=promised, strict=strict)


def _opened(path: str, wanted: str) -> Any:
    """The file opened with PyAV; what is no media is named."""
    import av

    held = content(path)
    if held and "playlist" in held:
        raise _FaultError(f"is {held}, not a {wanted}", f"name the clip's {wanted}")
    try:
        return open_media(path)
    except (av.error.FFmpegError, ValueError, OSError) as error:
        if held:
            raise _FaultError(f"holds {held}, not a {wanted}", _COPY) from error
        raise _FaultError(f"is not a readable {wanted} ({reason(error)})", _COPY) from error


def _check_length(promised: float | None) -> None:
    if promised is not None and promised > MAX_SECONDS:
        remedy = "cut it, or write its header anew: ffmpeg -i IN -c copy OUT"
        raise _FaultError(f"says that it lasts {promised / 3600:.1f} hours, above one hour", remedy)


def _check_whole(short: str | None) -> None:
    if short:
        raise _FaultError(f"is truncated: {short} can be read", _COPY)


def _check_decoded(container: Any, stream: Any, *, promised: float | None = None, strict: bool = False) -> int:
    """Decode a stream to its end, compare what came with what the header says, and return how many frames came.

    Args:
        promised: seconds that the header says, where PyAV would estimate them.
        strict: True where one broken packet is too many, for a loader that stops there.
    """
    kind, video = stream.type, stream.type == "video"
    reading = Reading(container, [stream], all_pictures=ALL_PICTURES)
    if promised is not None:
        reading.promised = {kind: promised}
    _check_length(max(reading.promised.values(), default=None))
    heard = _Heard()
    for _, frame in reading.decode():
        if not video:
            heard.take(frame.to_ndarray())
    error = f" ({reason(reading.error)})" if reading.error else ""
    if not reading.frames[kind]:
        raise _FaultError(f"{'has a video stream without frames' if video else 'holds no sound'}{error}", _COPY)
    if video and reading.frames[kind] < LEAST_PICTURES:
        raise _FaultError("has only one frame, and readers need two", "make it longer or remove the row")
    _check_whole(reading.missing(kind, MISSING_SHARE))
    lost, packets = reading.lost[kind], reading.packets[kind]
    if lost > MISSING_SHARE * packets or (strict and reading.error):
        problem = f"cannot be decoded: {lost} of {packets} packets are broken{error}"
        raise _FaultError(problem, _VIDEO if video else _SOUND)
    if not video:
        heard.check()
    return int(reading.frames[kind])


class _Heard:
    """What is to be said of a sound's samples, whoever read them."""

    def __init__(self) -> None:
        self._numbers = self._silent = True

    def take(self, samples: Any) -> None:
        self._numbers = self._numbers and are_numbers(samples)
        self._silent = self._silent and is_silent(samples)

    def check(self) -> None:
        if not self._numbers:
            raise _FaultError("holds samples that are not numbers", _SOUND)
        if self._silent:
            raise _FaultError(*_SILENT)


def _check_reader(path: str, pictures: int) -> None:
    """Read a few frames as the model's are read, in a clip that is not so long that this would take minutes."""
    if path.endswith(prepared.SUFFIX):
        try:
            if prepared.read(path) is not None:
                return
        except InputError as error:
            raise _FaultError(error.problem, error.remedy) from error
    if pictures > ALL_PICTURES:
        return
    if video_reader(os.environ) == "decord":
        _check_decord(path)
        return
    try:
        read_frames(path, _some, change=lambda pixels: None, threads=1)
    except InputError as error:
        raise _FaultError(error.problem, error.remedy) from error


def _some(total: int, fps: float) -> list[int]:
    """Places from the first frame to the last: which of them a model is shown, its settings say."""
    return [place * (total - 1) // (_SHOWN - 1) for place in range(_SHOWN)]


def _check_decord(path: str) -> None:
    """Read frames with decord, which is older than PyAV's FFmpeg and knows fewer codecs."""
    import decord

    try:
        reader = decord.VideoReader(os.path.abspath(path))
        count = len(reader)
        if count >= LEAST_PICTURES and reader.get_avg_fps() > 0:
            for place in _some(count, 0.0):  # one by one, so that they are not held together
                reader.get_batch([place])
            return
        found = f"it finds {count} frames" if count < LEAST_PICTURES else "it finds no frame rate"
    except (decord.DECORDError, RuntimeError, OSError, IndexError) as error:
        found = re.sub(r"^(\[[\d:]+\] \S+:\d+: )+", "", reason(error))  # the place in decord's own source
    raise _FaultError(f"cannot be read by decord, the video reader in use ({found})", _VIDEO)

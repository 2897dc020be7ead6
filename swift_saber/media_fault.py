"""What is wrong with a clip, found by decoding all of it: truncated, undecodable, not what its name says, absurd.

What ms-swift's readers can use is not refused for taste: an odd size, a low rate or the wrong extension is no fault.
A decoder may hang or crash on a broken file, so media_check.py calls these functions in processes of its own.
Memory stays that of a few frames, whatever the clip's length.
"""

import importlib
import importlib.util
import os
import re
import shutil
from collections.abc import Sequence
from typing import Any

from swift_saber.media import Problem, content, file_problem, open_media, reason
from swift_saber.media_decode import ALL_FRAMES, decode, is_silent

# An hour: far above any clip that is shown to the model, and below what a broken header usually says. ms-swift's
# loader holds all samples in memory (0.7 GB an hour at 48 kHz), before the model is shown any.
MAX_SECONDS = 3600.0
# 8K UHD. The readers hold every sampled frame at its full size: 768 of these, their most, are 76 GB.
MAX_PIXELS = 7680 * 4320
# The share of a clip that may be missing, and the seconds beside it: headers round, and writers disagree on the end.
_MISSING_SHARE, _MISSING_SECONDS = 0.1, 0.1
# Readers take frames in pairs (FRAME_FACTOR of qwen-omni-utils), and fail on a clip that has not one pair.
_LEAST_FRAMES = 2
# Formats whose header says how long they are. For others FFmpeg estimates it, which proves nothing.
_HEADER_SAYS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "asf", "flv", "flac", "aiff"}
_WAV_UNKNOWN = 0x7FFFF000  # writers to a pipe put such a number, or none, where the size belongs
# The errors of libsndfile after which ms-swift's soundfile_pyav tries PyAV: of no format, or of one that it does not
# know.
_PYAV_CODES = {0, 1, 3, 4}
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*://|data:|file:)", re.IGNORECASE)

_COPY = "copy the clip again or remove the row"
_VIDEO = "re-encode it: ffmpeg -i IN -c:v libx264 -c:a aac OUT.mp4"
_SOUND = "convert it: ffmpeg -i IN -vn -ar 16000 -ac 1 OUT.wav"
_SILENT = ("is silent from beginning to end", "take the sound out of the row: the picture alone is analysed then")


class _FaultError(Exception):
    """What was found; its arguments are the reason, without the path, and the remedy."""


def clip_fault(videos: Sequence[str], audios: Sequence[str], root: str | None = None) -> Problem | None:
    """Return the first problem among a row's media, or None when all of them decode to the end.

    Args:
        videos: paths of video files.
        audios: paths of sound files, or of videos whose sound is meant.
        root: the folder that the files must lie in, symbolic links followed; None for any.
    """
    for paths, check in ((videos, _check_video), (audios, _check_audio)):
        for path in paths:
            try:
                _check_place(path, root)
                _check_file(path)
                check(path)
            except _FaultError as fault:
                return Problem(f"{path}: {fault.args[0]}", fault.args[1])
    return None


def place_fault(path: str, root: str | None = None) -> Problem | None:
    """Return why a path may not be opened, or None: it is an address, or it leads out of the allowed folder."""
    try:
        _check_place(path, root)
    except _FaultError as fault:
        return Problem(f"{path[:200]}: {fault.args[0]}", fault.args[1])
    return None


def load_readers() -> None:
    """Import what the checks use, so that the first clip is not charged for it."""
    for name in ("av", "numpy", "soundfile", *(["decord"] if _reader() == "decord" else [])):
        importlib.import_module(name)


def _check_place(path: str, root: str | None) -> None:
    if _ADDRESS.match(path):
        raise _FaultError("is an address, not a local file", "download it first: addresses in data are not fetched")
    if root is None or "\0" in path:  # the latter is no path at all, which _check_file says
        return
    base = os.path.realpath(root)
    if os.path.commonpath([os.path.realpath(path), base]) != base:
        remedy = "copy the file into that folder, or allow another one"
        raise _FaultError(f"lies outside the allowed folder {base}", remedy)


def _check_file(path: str) -> None:
    plain = file_problem(path)
    if plain:
        raise _FaultError(plain, "correct the path" if plain == "is missing" else _COPY)


def _check_video(path: str) -> None:
    from av.stream import Disposition

    with _opened(path, "video") as container:
        pictures = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        kind = container.format.name
        if not pictures:
            other = f", only sound ({kind})" if container.streams.audio else f" ({kind})"
            raise _FaultError(f"has no video stream{other}", "name the clip's video file")
        if kind.endswith("_pipe") or kind == "image2":
            raise _FaultError(f"is a picture ({kind.removesuffix('_pipe')}), not a video", "name the clip's video file")
        stream = pictures[0]
        _check_codec(stream)
        size = (stream.codec_context.width, stream.codec_context.height)
        if size[0] * size[1] > MAX_PIXELS:
            remedy = "make it smaller: ffmpeg -i IN -vf scale=1280:-2 OUT.mp4"
            raise _FaultError(f"has frames of {size[0]} x {size[1]} pixels, above 8K", remedy)
        promised = _promised(container, stream)
        _check_length(promised[0])
        _check_decoded(container, stream, *promised)
    _check_reader(path)


def _check_audio(path: str) -> None:
    import numpy as np
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            rate, kind = file.samplerate, file.format
            promised = _wav_seconds(path, file) if kind == "WAV" else file.frames / rate
            _check_length(promised)
            seconds, numbers, silent = 0.0, True, True
            for block in file.blocks(blocksize=1 << 16, dtype="float32", always_2d=True):
                seconds += len(block) / rate
                numbers = numbers and bool(np.isfinite(block).all())
                silent = silent and is_silent(block)
    except soundfile.LibsndfileError as error:  # m4a, the sound of an mp4, and what is broken
        by_pyav = os.environ.get("SWIFT_AUDIO_LOAD_BACKEND") == "soundfile_pyav"
        without = not by_pyav and shutil.which("ffmpeg") is None
        _check_container_audio(path, strict=by_pyav or without)
        if by_pyav and error.code not in _PYAV_CODES:
            raise _FaultError(f"cannot be decoded ({reason(error)})", _SOUND) from error
        if without:
            problem = "is in a format that librosa, ms-swift's reader of sound, reads only with the ffmpeg program"
            remedy = "install ffmpeg, convert the sound to wav, or set SWIFT_AUDIO_LOAD_BACKEND=soundfile_pyav"
            raise _FaultError(problem, remedy) from error
        return
    if seconds == 0:
        raise _FaultError("holds no sound", _COPY)
    if kind == "MP3":  # where the frames of a truncated file would be, libsndfile gives whatever its memory held
        _check_container_audio(path, seconds=promised)
    _check_whole(seconds, promised)
    if not numbers:
        raise _FaultError("holds samples that are not numbers", _SOUND)
    if silent:
        raise _FaultError(*_SILENT)


def _check_codec(stream: Any) -> None:
    if stream.codec_context is None:
        raise _FaultError(f"has a {stream.type} stream in no codec that is known here", _COPY)


def _check_container_audio(path: str, *, seconds: float | None = None, strict: bool = False) -> None:
    """Decode sound with PyAV.

    Args:
        seconds: what its header says, where PyAV would estimate it.
        strict: True where one broken packet is too many: ms-swift's loader stops there, unless librosa finds the
            ffmpeg program.
    """
    with _opened(path, "sound file") as container:
        if not container.streams.audio:
            raise _FaultError(f"has no audio stream ({container.format.name})", "name the clip's sound file")
        stream = container.streams.audio[0]
        _check_codec(stream)
        promised = _promised(container, stream) if seconds is None else (seconds, True)
        _check_length(promised[0])
        _check_decoded(container, stream, *promised, strict=strict)


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


def _promised(container: Any, stream: Any) -> tuple[float | None, bool]:
    """How many seconds the header says, and whether it says so of this stream alone; None where it says nothing."""
    if container.format.name not in _HEADER_SAYS:
        return None, False
    if stream.duration:
        return float(stream.duration * stream.time_base), True
    return (container.duration / 1e6, False) if container.duration else (None, False)


def _wav_seconds(path: str, file: Any) -> float:
    """What a WAV's header says; libsndfile corrects it to what the file holds."""
    held = float(file.frames / file.samplerate)
    with open(path, "rb") as raw:
        head = raw.read(1 << 16)
    at = 12
    while head[at : at + 4] != b"data":
        size = int.from_bytes(head[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
        if at + 8 > len(head):
            return held
    size = int.from_bytes(head[at + 4 : at + 8], "little")
    there = os.path.getsize(path) - at - 8
    return held if size >= _WAV_UNKNOWN or there <= 0 else held * max(size / there, 1.0)


def _check_length(promised: float | None) -> None:
    if promised is not None and promised > MAX_SECONDS:
        remedy = "cut it, or write its header anew: ffmpeg -i IN -c copy OUT"
        raise _FaultError(f"says that it lasts {promised / 3600:.1f} hours, above one hour", remedy)


def _check_whole(seconds: float, promised: float | None) -> None:
    if promised is not None and seconds < promised * (1 - _MISSING_SHARE) - _MISSING_SECONDS:
        raise _FaultError(f"is truncated: {seconds:.1f} of {promised:.1f} seconds can be read", _COPY)


def _check_decoded(container: Any, stream: Any, promised: float | None, own: bool, *, strict: bool = False) -> None:
    """Decode a stream to its end, and compare what came with what the header says.

    Args:
        promised: seconds that the header says.
        own: False where it says so of the longest stream, whichever that is.
        strict: True where one broken packet is too many.
    """
    video = stream.type == "video"
    begin = float((stream.start_time or 0) * stream.time_base)
    done = decode(container, stream)
    error = f" ({reason(done.error)})" if done.error else ""
    if not done.frames:
        raise _FaultError(f"{'has a video stream without frames' if video else 'holds no sound'}{error}", _COPY)
    if video and done.frames < _LEAST_FRAMES:
        raise _FaultError("has only one frame, and readers need two", "make it longer or remove the row")
    if not own:
        _check_whole(done.sent - (container.start_time or 0) / 1e6, promised)
    elif video:
        _check_whole((done.sent if done.frames >= ALL_FRAMES else done.seconds) - begin, promised)
    else:
        _check_whole(done.seconds, promised)
    if done.lost > _MISSING_SHARE * done.packets or (strict and done.error):
        problem = f"cannot be decoded: {done.lost} of {done.packets} packets are broken{error}"
        raise _FaultError(problem, _VIDEO if video else _SOUND)
    if not done.numbers:
        raise _FaultError("holds samples that are not numbers", _SOUND)
    if not video and done.silent:
        raise _FaultError(*_SILENT)


def _reader() -> str | None:
    """The package that qwen-omni-utils reads video with: the one wished for, else torchcodec, else decord."""
    wished = os.environ.get("FORCE_QWENVL_VIDEO_READER")
    names = [wished] if wished else ["torchcodec", "decord"]
    return next((name for name in names if importlib.util.find_spec(name)), None)


def _check_reader(path: str) -> None:
    """Read a few frames with decord, where that is what the model's frames will be read with.

    It is older than PyAV's FFmpeg and knows fewer codecs.
    """
    if _reader() != "decord":
        return
    import decord

    try:
        reader = decord.VideoReader(path)
        count = len(reader)
        if count >= _LEAST_FRAMES and reader.get_avg_fps() > 0:
            for number in sorted({0, count // 4, count // 2, 3 * count // 4, count - 1}):
                reader.get_batch([number])
            return
        found = f"it finds {count} frames" if count < _LEAST_FRAMES else "it finds no frame rate"
    except (decord.DECORDError, RuntimeError, OSError, IndexError) as error:
        found = re.sub(r"^(\[[\d:]+\] \S+:\d+: )+", "", reason(error))  # the place in decord's own source
    raise _FaultError(f"cannot be read by decord, the video reader in use ({found})", _VIDEO)

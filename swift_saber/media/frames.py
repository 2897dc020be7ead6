"""The frames of a clip that a player shows, in its order: what stands at the sampled places, and nothing else.

A clip is decoded from its beginning to its end, so that edit lists, B-frames, open groups of pictures and containers
without an index cost nothing but time. Readers that jump give other frames than those asked for, in silence, where a
container does not say when its frames are shown (AVI, MPEG program streams) or which of them are not (edit lists).
Pixels are those that decord gives, bit for bit, wherever it gives the right frame.
"""

import math
import os
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from swift_saber.errors import InputError
from swift_saber.media.limits import LEAST_PICTURES, MAX_PIXELS, MAX_RATIO, MISSING_SHARE
from swift_saber.media.read import Reading, file_problem, first_stream, open_media, reason

Choose = Callable[[int, float], Sequence[int]]
Change = Callable[[Any], Any]
# Decoders that leave out a frame to which no other refers when they are told to, and whose other frames stay the same.
_SKIP_UNUSED = {"h264", "hevc"}
# By how many frames a header's rate may miss the time from the first frame to the last.
_RATE_MISSES = 1.5
# Frames that a codec decodes before one that is shown earlier: in H.264 and HEVC, where they are most.
_MOST_REORDERED = 16
# The side in pixels of what Qwen2.5-Omni makes one token of.
_SIDE = 28
_REMEDY = "re-encode it: ffmpeg -i IN -c:v libx264 -c:a copy OUT.mp4"


class Frames(NamedTuple):
    """Sampled frames.

    Attributes:
        pixels: one array for each index, in their order: uint8 RGB of shape (height, width, 3), or what `change` made
            of it. An index that was chosen twice stands there twice.
        indices: which of the shown frames they are, from 0.
        total: how many frames are shown.
        fps: shown frames for each second.
    """

    pixels: list[Any]
    indices: list[int]
    total: int
    fps: float


def read_frames(
    path: str | os.PathLike[str], choose: Choose, *, change: Change | None = None, threads: int = 0
) -> Frames:
    """Return the frames of a video file at the chosen places.

    Frames of another size than the first are scaled to it, and what a display matrix turns or mirrors is turned or
    mirrored. Pixels that are not square stay as they are stored.

    Args:
        path: of the file.
        choose: given how many frames are shown and how many for each second, returns the places of those wanted. It
            may be called again, with a better count, where the packets do not say how many frames they hold.
        change: is given each frame as it comes, uint8 RGB of shape (height, width, 3), so that only its result is held
            in memory.
        threads: of the decoder and of what makes RGB; 0 for one for each core.

    Raises:
        InputError: the file cannot be opened or decoded, has no frames to choose from, or more than a tenth of its
            packets is broken or of what its header promises is missing.
    """
    import av

    if problem := file_problem(path):
        raise InputError(str(path), "video", problem, "correct the path")
    try:
        clip = _Clip(path, threads)
        return clip.at_times(choose, change) or clip.in_order(choose, change)
    except (av.error.FFmpegError, OSError, UnicodeError, MemoryError) as error:
        raise InputError(str(path), "video", f"cannot be decoded ({reason(error)})", _REMEDY) from error


def still(path: str | os.PathLike[str]) -> tuple[Any, Fraction]:
    """Return the key frame before the middle of a video, for people to look at, and how wide its pixels are.

    Little of the file is decoded, so a file that breaks off later, or of one frame, has one as well.

    Returns:
        (uint8 RGB of shape (height, width, 3), turned as a player turns it; the width of a pixel in its heights).

    Raises:
        InputError: the file cannot be opened, or no frame of it can be decoded.
    """
    import av

    if problem := file_problem(path):
        raise InputError(str(path), "video", problem, "correct the path")
    try:
        with open_media(path) as container:
            stream = _stream(path, container, 0)
            wide = stream.sample_aspect_ratio or Fraction(1)
            # Containers without an index refuse to jump, and others jump to where nothing is: then from the beginning.
            for middle in ((container.duration or 0) // 2, 0):
                with suppress(av.error.FFmpegError):
                    container.seek(middle)
                    if (frame := next(container.decode(stream), None)) is not None:
                        return Picture(None, 0).of(frame), wide
    except (av.error.FFmpegError, OSError, UnicodeError, MemoryError) as error:
        raise InputError(str(path), "video", f"cannot be decoded ({reason(error)})", _REMEDY) from error
    raise InputError(str(path), "video", "has no frame that can be decoded", _REMEDY)


def size_problem(width: int, height: int) -> tuple[str, str] | None:
    """Return (what is wrong with frames of so many pixels, remedy), or None where they can be shown to a model."""
    if width * height > MAX_PIXELS:
        return (
            f"has frames of {width} x {height} pixels, above 8K",
            "make it smaller: ffmpeg -i IN -vf scale=1280:-2 OUT.mp4",
        )
    if max(width, height) > MAX_RATIO * min(width, height) > 0:
        found = f"has frames of {width} x {height} pixels, more than {MAX_RATIO} times as long as wide"
        return found, "crop it or remove the row"
    return None


def left_within(width: int, height: int, most: float, side: int = _SIDE) -> bool:
    """Whether anything is left of a frame that is made smaller, to whole squares, by qwen-omni-utils' smart_resize.

    Args:
        most: the pixels of the smaller frame.
        side: of a square, in pixels.
    """
    if max(side, round(width / side) * side) * max(side, round(height / side) * side) <= most:
        return True
    return min(width, height) >= side * math.sqrt(width * height / most)


def most_pixels(environment: Mapping[str, str]) -> int:
    """Return how many pixels of a frame Qwen2.5-Omni is shown at most, by the settings of an environment.

    By the rule of qwen-omni-utils' fetch_video and of ms-swift, which takes pixels for it from the environment; a clip
    of so many frames that each is shown smaller is not looked at.
    """
    area = _SIDE**2
    most, least = (
        int(environment.get(name) or default * area) // area * area
        for name, default in (("VIDEO_MAX_PIXELS", 768), ("VIDEO_MIN_PIXELS", 128))
    )
    return max(most, int(least * 1.05))


class _Clip:
    """One file, read twice: its packets for their times, then its frames."""

    def __init__(self, path: str | os.PathLike[str], threads: int) -> None:
        self._path, self._threads = path, threads
        with open_media(path) as container:
            stream = self._stream(container)
            self._codec, self._base = stream.codec_context.name, stream.time_base
            self._rate = stream.average_rate or Fraction(0)
            reading = Reading(container, [stream])
            self._times: list[int | None] = []
            self._packets = 0
            # One by one, since together they are as large as the file; all streams, since some headers speak of those.
            for packet in container.demux([one for one in container.streams if one.type in {"video", "audio"}]):
                shown = packet.stream.index == stream.index
                reading.note(packet, "video" if shown else None)
                if shown and packet.size:
                    self._packets += 1
                    if not packet.is_discard:
                        self._times.append(packet.pts)
        if self._packets and (short := reading.missing("video", MISSING_SHARE, decoded=False)):
            raise InputError(str(path), "video", f"is truncated: {short} are there", "copy it again or remove the row")

    def at_times(self, choose: Choose, change: Change | None) -> Frames | None:
        """The frames whose packets stand at the wanted times; the decoder need not make those that nobody looks at.

        None where the packets do not tell the times of the frames, which shows in frames that do not come, come twice
        or in another order. Packets that never go back in time tell nothing, since a container that knows no more than
        the order of its packets (AVI) counts those.
        """
        times, known = sorted(time for time in self._times if time is not None), set(self._times)
        if self._codec not in _SKIP_UNUSED or len(times) != len(self._times) or len(known) != len(times):
            return None
        if times == self._times:
            return None
        fps = self._fps(times)
        indices = self._chosen(choose, len(times), fps)
        wanted = {times[index] for index in indices}
        kept: dict[int, Any] = {}
        last = None
        picture = Picture(change, self._threads)
        with open_media(self._path) as container:
            stream = self._stream(container)
            context = stream.codec_context
            for packet in container.demux(stream):
                context.skip_frame = "DEFAULT" if packet.pts in wanted or not packet.size else "NONREF"
                for frame in self._decoded(packet) or ():
                    if frame.pts is None or frame.interlaced_frame or (last is not None and frame.pts <= last):
                        return None
                    last = frame.pts
                    if last in wanted:
                        kept[last] = picture.of(frame)
        if kept.keys() != wanted:
            return None
        return Frames([kept[times[index]] for index in indices], indices, len(times), fps)

    def in_order(self, choose: Choose, change: Change | None) -> Frames:
        """The frames at the wanted places in the order in which they are decoded, all of them counted."""
        times = sorted(time or 0 for time in self._times)
        for _ in range(2):  # once more where the frames are not as many, or not at the times, that the packets say
            total, fps = len(times), self._fps(times)
            indices = self._chosen(choose, total, fps)
            times, kept = self._count(set(indices), change)
            if len(times) == total and self._fps(times) == fps:
                break
        return Frames([kept[index] for index in indices], indices, total, fps)

    def _count(self, wanted: Collection[int], change: Change | None) -> tuple[list[int], dict[int, Any]]:
        """The times of all frames, 0 where they are not known, and those frames that are wanted by their place."""
        times: list[int] = []
        lost = 0
        kept: dict[int, Any] = {}
        picture = Picture(change, self._threads)
        with open_media(self._path) as container:
            stream = self._stream(container)
            for packet in container.demux(stream):
                frames = self._decoded(packet)
                lost += frames is None
                for frame in frames or ():
                    if len(times) in wanted:
                        kept[len(times)] = picture.of(frame)
                    times.append(frame.pts or 0)
        if lost > MISSING_SHARE * self._packets:
            raise InputError(str(self._path), "video", f"has {lost} broken packets of {self._packets}", _REMEDY)
        return times, kept

    def _stream(self, container: Any) -> Any:
        return _stream(self._path, container, self._threads)

    def _decoded(self, packet: Any) -> Any:
        """The frames that come with a packet; None where it is broken."""
        import av

        try:
            return packet.decode()
        except av.error.FFmpegError:
            return None

    def _chosen(self, choose: Choose, total: int, fps: float) -> list[int]:
        if total < LEAST_PICTURES:
            problem = (
                "has only one frame, and the model is shown pairs" if total else "has no frame that can be decoded"
            )
            raise InputError(str(self._path), "video", problem, "make it longer or remove the row")
        if not fps:
            raise InputError(str(self._path), "video", "does not say when its frames are shown", _REMEDY)
        return [int(index) for index in choose(total, fps)]

    def _fps(self, times: list[int]) -> float:
        """The rate that the header says, unless the time from the first frame to the last says another one.

        Times that go back by more than frames are ever reordered, where clips were joined in one file, say nothing.
        """
        rate = float(self._rate)
        back = max((before - after for before, after in pairwise(times)), default=0)
        if not times or float(back * self._base) * rate > _MOST_REORDERED:
            return rate
        seconds = float((max(times) - min(times)) * self._base)
        missed = abs(seconds * rate - (len(times) - 1)) > _RATE_MISSES
        return (len(times) - 1) / seconds if seconds > 0 and missed else rate


def _stream(path: str | os.PathLike[str], container: Any, threads: int) -> Any:
    """The video stream of a file, with a decoder of so many threads."""
    stream = first_stream(container, "video")
    if stream is None or stream.codec_context is None:
        problem = "has no video stream" if stream is None else "has a video stream in no codec that is known here"
        raise InputError(str(path), "video", problem, "name the clip's video file")
    if wrong := size_problem(stream.codec_context.width, stream.codec_context.height):
        raise InputError(str(path), "video", *wrong)
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads
    return stream


class Picture:
    """Makes pixels of frames, all of the first one's size, and turned as the latest of them that says so."""

    def __init__(self, change: Change | None, threads: int) -> None:
        from av.video.reformatter import VideoReformatter

        self._change, self._threads = change, threads
        self._scaler = VideoReformatter()  # one for all frames: to make one takes longer than to use it
        self._size: tuple[int, int] | None = None
        self._matrix = (1, 0, 0, 0, 1)

    def of(self, frame: Any) -> Any:
        self._size = self._size or (frame.width, frame.height)
        how = None if (frame.width, frame.height) == self._size else "BICUBIC"
        scaled = self._scaler.reformat(frame, *self._size, "rgb24", interpolation=how, threads=self._threads)
        pixels = scaled.to_ndarray()
        if matrix := frame.side_data.get("DISPLAYMATRIX"):
            self._matrix = struct.unpack_from("=5i", matrix)
        pixels = _turned(pixels, *self._matrix)
        return self._change(pixels) if self._change else pixels


def _turned(pixels: np.ndarray, a: int, b: int, u: int, c: int, d: int) -> np.ndarray:
    """The pixel of (x, y) comes to (a x + c y, b x + d y): turned by quarters, mirrored, or both."""
    if abs(b) > abs(a):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return np.ascontiguousarray(pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])

"""Opens a media file and decodes it to its end: that file, and nothing that it names. Judges nothing."""

import math
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

from swift_saber.media.limits import MAX_PIXELS

#: The largest file that is taken for a clip, in bytes: an hour of 9 Mbit/s. Decoders read it by its path, a part at a
#: time; but an index, a tag or a packet may be as large as the file that holds it, and is read at once.
MAX_BYTES = 4 << 30
#: The largest of which all bytes are taken into memory: for a reader that is not given paths, or to be uploaded, when a
#: request holds them half as large again. An hour of video for the web has some 200 MiB; services take less.
MAX_BYTES_HELD = 256 << 20
# What FFmpeg takes for media although it makes a reader open other files or addresses, or is made from no file at all.
_NOT_MEDIA = {"hls", "dash", "concat", "sdp", "rtsp", "rtp", "sap", "imf", "lavfi", "tty"}
# What a file is that no reader knows as media, by its first bytes.
_SIGNATURES = (
    (b"\x89PNG", "a picture (png)"),
    (b"\xff\xd8\xff", "a picture (jpeg)"),
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"%PDF", "a PDF document"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"#extm3u", "a playlist, which names other files"),
    (b"ffconcat", "a playlist, which names other files"),
)
# Formats whose header says how long they are. For others FFmpeg estimates it, which proves nothing.
_HEADER_SAYS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "asf", "flv", "flac", "aiff", "wav"}
# Those of them whose header counts from zero, where the others count from the first packet.
_FROM_ZERO = {"matroska,webm", "asf"}
_WAV_UNKNOWN = 0x7FFFF000  # writers to a pipe put such a number, or none, where the size belongs
# Formats of which files are joined by writing one after another. soundfile reads the first alone, and of an mp3 that
# was cut makes up what is missing. Seconds: more than encoders add at either end, less than anything said.
_JOINED, _JOINED_SECONDS = {"MP3", "OGG", "FLAC"}, 0.25
# Samples of all channels that soundfile decodes at a time.
_BLOCK = 1 << 20
_MISSING_SECONDS = 0.1  # headers round, and writers disagree on the end


def file_problem(path: str | os.PathLike[str], most: int = MAX_BYTES) -> str | None:
    """Return why a path is no file that could hold a clip, or None. Opens nothing, so a pipe cannot hold it up.

    Args:
        most: bytes, above which it is too large: MAX_BYTES_HELD where all of it is to be held in memory.
    """
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return "is missing"
    except (OSError, ValueError) as error:
        return f"cannot be reached ({reason(error)})"
    if stat.S_ISDIR(found.st_mode):
        return "is a folder"
    if not stat.S_ISREG(found.st_mode):
        return "is not a file (a pipe, a socket or a device)"
    if not os.access(path, os.R_OK):
        return "cannot be read (permission denied)"
    if found.st_size > most:
        return f"is {found.st_size / 2**20:,.0f} MB large, above {most >> 20:,} MB"
    return "is empty" if found.st_size == 0 else None


def content(path: str | os.PathLike[str]) -> str | None:
    """Return what a file that is not media holds ("a zip archive", "text"), or None when that is not known."""
    with open(path, "rb") as file:
        head = file.read(1024)
    for mark, name in _SIGNATURES:
        if head.lower().startswith(mark.lower()):
            return name
    if not any(head):
        return "zeros"
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "text" if len(text) > 3 and all(c.isprintable() or c in "\r\n\t" for c in text) else None


def reason(error: Exception) -> str:
    """A library's message on one line, shortened."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:200]


def open_media(path: str | os.PathLike[str], **options: str) -> Any:
    """Open a media file with PyAV, which reads that file and nothing that the file names.

    Args:
        options: further ones of FFmpeg's.

    Returns:
        an av.container.InputContainer, to be closed by the caller.

    Raises:
        av.error.FFmpegError: as av.open.
        OSError: it is no file that could hold a clip (a pipe, ...), which is then not opened.
    """
    import av

    if os.path.exists(path) and (problem := file_problem(path)):
        raise OSError(problem)
    options |= {"protocol_whitelist": "file", "format_whitelist": _media_formats()}
    # Of what is decoded to learn what the file is; beyond that it would not even be said how large its frames are.
    options |= {"max_pixels": str(4 * MAX_PIXELS)}
    # Tags in another encoding are no fault; PyAV takes them as they are from version 19 on.
    lenient = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
    # The whole path, since "concat:a|b" and the like would be an instruction.
    container = av.open(os.path.abspath(path), options=options, **lenient)
    for stream in container.streams.video:
        if stream.codec_context is not None:
            # Coded frames are a little larger than those that are shown.
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS * 9 // 8)}
    return container


@cache
def _media_formats() -> str:
    import av

    return ",".join(sorted(av.formats_available - _NOT_MEDIA))


def first_stream(container: Any, kind: str) -> Any:
    """Return the "video" or "audio" stream of a file that a player takes, or None where there is none.

    It is the first that is marked as the default, else the first; the picture on a song's cover is no video.
    """
    from av.stream import Disposition

    found = [stream for stream in container.streams if stream.type == kind]
    found = [stream for stream in found if not stream.disposition & Disposition.attached_pic]
    return next((stream for stream in found if stream.disposition & Disposition.default), next(iter(found), None))


@contextmanager
def open_sound(path: str | os.PathLike[str]) -> Iterator[tuple[Any, bool]]:
    """Give a file's soundfile.SoundFile, and whether that reads all of the sound; (None, False) where it knows it not.

    PyAV reads the others (m4a, the sound of a video, ...), GSM, which soundfile cannot read to an end that it does not
    know, and files that were joined or cut.

    Raises:
        OSError: as open_media.
        av.error.FFmpegError: a file was joined of parts that do not fit together.
        soundfile.SoundFileRuntimeError: it is read in the body of the statement, and breaks off.
    """
    import soundfile

    if os.path.exists(path) and (problem := file_problem(path)):
        raise OSError(problem)
    # Without the file's name, as ms-swift does: libsndfile would believe some of them more than what they hold.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), "rb") as file:
        try:
            sound = soundfile.SoundFile(file)
        except soundfile.SoundFileRuntimeError:
            yield None, False
            return
        with sound:
            joined = sound.format in _JOINED and _sent_otherwise(path, sound.frames / sound.samplerate)
            yield sound, sound.seekable() and not joined


def blocks(sound: Any) -> Iterator[Any]:
    """Yield what a soundfile.SoundFile holds, float32 of shape (n, channels), a part at a time.

    Not its own method of this name, which gives memory as it is where a file holds less than its header says.
    """
    while len(block := sound.read(_BLOCK // sound.channels + 1, dtype="float32", always_2d=True)):
        yield block


def _sent_otherwise(path: str | os.PathLike[str], seconds: float) -> bool:
    """Whether the packets of a sound file are longer or shorter than that together."""
    import av

    try:
        container = open_media(path)
    except (av.error.FFmpegError, ValueError):  # then soundfile alone reads it
        return False
    with container:
        stream = first_stream(container, "audio")
        if stream is None:
            return False
        sent = sum(packet.duration or 0 for packet in container.demux(stream)) * stream.time_base
    return abs(float(sent) - seconds) > _JOINED_SECONDS


class Reading:
    """A file's picture, its sound or both, decoded to their end or to where the file breaks off.

    Args:
        container: as open_media gives it, at its beginning.
        streams: those to decode, one of a kind at most.
        all_pictures: after so many only key frames are decoded, so that a long film does not need minutes.

    Attributes:
        promised: how many seconds the header says, by the kind of stream; under "file" of the longest stream, whichever
            that is, where it says nothing of one that is decoded.
        packets, lost: how many there are of each kind of stream, and how many of them do not decode.
        frames: how many came out of each kind.
        ended: whether all was read, up to where the file breaks off.
        error: the last one that was met.
    """

    def __init__(self, container: Any, streams: Sequence[Any], *, all_pictures: float = math.inf) -> None:
        self._container, self._streams, self._all_pictures = container, streams, all_pictures
        self.promised = _promised(container, streams)
        self.packets, self.lost, self.frames = ({stream.type: 0 for stream in streams} for _ in range(3))
        self.ended = False
        self.error: Exception | None = None
        self._start = {"file": (container.start_time or 0) / 1e6, "audio": 0.0}
        self._start |= {stream.type: _start(stream) for stream in streams if stream.type == "video"}
        # When the last packet ends, decoded or not; when the last picture does, and how long the sound is.
        self._sent = {"file": 0.0, "video": 0.0, "audio": 0.0}
        self._came = {"video": 0.0, "audio": 0.0}

    def decode(self) -> Iterator[tuple[str, Any]]:
        """Yield the kind of stream and the av.VideoFrame or av.AudioFrame, in the order of the file."""
        import av

        for stream in self._streams:
            stream.codec_context.thread_count = 1  # every core has a worker of its own
        wanted = {stream.index: stream.type for stream in self._streams}
        packets = self._container.demux([s for s in self._container.streams if s.type in {"video", "audio"}])
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError) as error:
                packet, self.error = None, error
            if packet is None:
                self.ended = True
                return
            kind = wanted.get(packet.stream.index)
            self.note(packet, kind)
            if kind is None:
                continue
            self.packets[kind] += packet.size > 0
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                self.lost[kind], self.error = self.lost[kind] + 1, error
                continue
            for frame in frames:
                self.frames[kind] += 1
                self._came[kind] = self._after(packet.stream, frame)
                yield kind, frame
            if kind == "video" and self._skips():
                packet.stream.codec_context.skip_frame = "NONKEY"

    def note(self, packet: Any, kind: str | None) -> None:
        """Count when a packet ends; its kind is None where its stream is not decoded."""
        if packet.pts is not None and packet.time_base:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            for key in ("file", kind):
                if key:
                    self._sent[key] = max(self._sent[key], end)

    def _after(self, stream: Any, frame: Any) -> float:
        """How many seconds of the stream have come with this frame."""
        came: float = self._came[stream.type]
        if stream.type == "audio":
            return came + float(frame.samples / frame.sample_rate)
        if frame.time is None:
            return came
        length = frame.duration * frame.time_base if frame.duration else 1 / (stream.average_rate or math.inf)
        return max(came, float(frame.time + length))

    def _skips(self) -> bool:
        return self.frames.get("video", 0) >= self._all_pictures

    def missing(self, kind: str, share: float, *, decoded: bool = True) -> str | None:
        """As shortfall, of one kind of stream; of the whole file where the header speaks of that alone.

        Args:
            decoded: False where packets were noted and none was decoded.
        """
        key = kind if kind in self.promised else "file"
        ends = self._sent if key == "file" or not decoded or (key == "video" and self._skips()) else self._came
        return shortfall(ends[key] - self._start[key], self.promised.get(key), share)


def shortfall(seconds: float, promised: float | None, share: float) -> str | None:
    """Return "1.0 of 2.0 seconds" where more than a share of what a header promises did not come, else None."""
    if promised is None or seconds >= promised * (1 - share) - _MISSING_SECONDS:
        return None
    return f"{seconds:.1f} of {promised:.1f} seconds"


def media_seconds(path: str | os.PathLike[str]) -> float | None:
    """Return how long a media file is, as its header says or as FFmpeg estimates it; None where neither is possible.

    For people to read: a header may promise more than there is (Reading.missing).
    """
    import av

    try:
        with open_media(path) as container:
            return round(container.duration / av.time_base, 3) if container.duration else None
    except (av.error.FFmpegError, ValueError, OSError):
        return None


def header_seconds(path: str | os.PathLike[str]) -> float | None:
    """Return how long the header of a sound file says it is; None where it says nothing, or only soundfile reads it."""
    import av

    try:
        with open_media(path, probesize="4096") as container:  # the header, without a look at what follows it
            stream = first_stream(container, "audio")
            return max(_promised(container, [stream] if stream else []).values(), default=None)
    except (av.error.FFmpegError, ValueError, OSError):
        return None


def _start(stream: Any) -> float:
    return float((stream.start_time or 0) * stream.time_base)


def _promised(container: Any, streams: Sequence[Any]) -> dict[str, float]:
    form = container.format.name
    if form not in _HEADER_SAYS:
        return {}
    late = form in _FROM_ZERO
    own = {s.type: float(s.duration * s.time_base) - late * _start(s) for s in streams if s.duration}
    if form == "wav":
        return {kind: seconds * _wav_cut(container.name) for kind, seconds in own.items()}
    if len(own) < len(streams) and container.duration:
        own["file"] = (container.duration - late * (container.start_time or 0)) / 1e6
    return own


def _wav_cut(path: str) -> float:
    """By how much FFmpeg shortens what a WAV's header says, to what the file holds; 1.0 where it does not.

    It does so where the header says the size of the data alone, and not the number of samples ("fact", "ds64").
    """
    with open(path, "rb") as raw:
        head = raw.read(1 << 16)
    at = 12
    while (name := head[at : at + 4]) not in {b"data", b"fact", b"ds64", b""}:
        size = int.from_bytes(head[at + 4 : at + 8], "little")
        at += 8 + size + size % 2
    size, there = int.from_bytes(head[at + 4 : at + 8], "little"), os.path.getsize(path) - at - 8
    return max(size / there, 1.0) if name == b"data" and size < _WAV_UNKNOWN and there > 0 else 1.0


def are_numbers(samples: Any) -> bool:
    """Whether no sample of an array is infinite, or no number at all."""
    import numpy as np

    return samples.dtype.kind != "f" or bool(np.isfinite(samples).all())


def is_silent(samples: Any) -> bool:
    """Whether samples differ by no more than one step of 16 bits: digital silence, which no recording is.

    Args:
        samples: an array of any shape, of floats within -1..1 or of integers.
    """
    if samples.size == 0:
        return True
    step = 2**-15 if samples.dtype.kind == "f" else max(1, 2 ** (8 * samples.dtype.itemsize - 16))
    return bool(float(samples.max()) - float(samples.min()) <= step)

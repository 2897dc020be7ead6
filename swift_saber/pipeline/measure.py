"""What a clip's picture and sound measure, found by decoding it once; its sound is written as a wav on the way.

Judges nothing: thresholds are clean.py's. All levels of luma are of full range, 0 to 255.
"""

import math
from typing import Any

import numpy as np

from swift_saber.media import open_media, reason
from swift_saber.media_fault import MAX_PIXELS, MAX_SECONDS
from swift_saber.pipeline.measure_sound import Sound

#: Pictures looked at for each second: enough for the shares, and each costs a scaling.
SAMPLE_RATE = 4.0
#: Pictures are judged at 224 x 224, the size that the published inference setting shows the model
#: (VIDEO_MAX_PIXELS=50176); what is blurred only at a larger size costs it nothing.
SIDE = 224
# FFmpeg's blackdetect calls a picture black with these: 98 % of its pixels below a tenth of the range.
_BLACK_LEVEL, _BLACK_PIXELS = 25.5, 0.98
# Two pictures are the same when no block of 8 x 8 pixels differs by this many levels in the mean: a mouth moves more,
# and what an encoder makes of a still picture less. Ours.
_BLOCK, _CHANGE = 8, 2.0
# A pixel counts as brighter than its neighbour from so many levels on, so that a plain background, which an encoder
# changes by a level or two, has the same hash in each copy.
_HASH_LEVELS = 2
_HASH_PICTURES = 4
# The formats whose header says how long they are; for others FFmpeg estimates it.
_HEADER_SAYS = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "asf", "flv", "flac", "aiff", "wav"}
_MISSING_SHARE, _MISSING_SECONDS = 0.1, 0.1  # as media_fault's


def measure(
    video: str, audio: str | None = None, sound_to: str | None = None, *, until: float = math.inf
) -> dict[str, Any]:
    """Decode a clip once and return what it measures; memory is that of a few pictures, whatever its length.

    Args:
        video: path of the clip.
        audio: path of its sound, or None for the sound in the clip.
        sound_to: where its sound is written as 16 kHz mono PCM wav, whole or not at all; None for nowhere. Nothing is
            written of a clip without sound, nor of one that is longer than `until`.
        until: seconds after which decoding ends.

    Returns:
        seconds: of the picture or the sound, whichever is longer; of one longer than `until` what its header says.
        width, height: pixels.
        fps: pictures that came, for each second.
        black_share: of the sampled pictures (4 a second at most) that are black.
        frozen_share: of the sampled pictures after the first that do not differ from the one before.
        sharpness: variance of the Laplacian (4 neighbours) at 224 x 224, in levels squared; the median of the samples.
        loudness: RMS about the mean in dBFS (0 is a square wave of full scale); None without sound.
        silence_share: of windows of 20 ms that are below -60 dBFS; None without sound.
        picture_hash: 4 pictures' 64-bit difference hashes, as 64 hexadecimal digits.
        sound_hash: 256 bits of how the spectrum changes, as 64 hexadecimal digits; None without sound.
        doubts: what is odd about the picture, for which the full check (media_fault.py) is worth its time.
        sound_fault: why the sound is broken, or None.

    Raises:
        av.error.FFmpegError, ValueError: the clip cannot be decoded.
        InputError: the sound cannot be written.
    """
    picture, sound = _Picture(), Sound(sound_to)
    try:
        seen = _Reading(video, picture, None if audio else sound, until)
        heard = _Reading(audio, None, sound, until) if audio else seen
        seconds = max(picture.seconds, sound.seconds)
        cut = seen.cut or heard.cut
        if cut:
            seconds = max(seconds, *seen.promised.values(), *heard.promised.values())
        found = picture.found() | {"seconds": round(seconds, 3)} | sound.found()
        found["doubts"] = None if cut else picture.doubts(seen)
        found["sound_fault"] = None if cut or not sound.samples else _sound_fault(heard, sound)
        if not cut:
            sound.keep()
        return found
    finally:
        sound.close()


class _Reading:
    """One file decoded to its end, and what came of its packets.

    Attributes:
        packets, lost: of each kind of stream, how many there are, and how many do not decode.
        promised: seconds that the header says, of each kind of stream, or of the file where it says nothing of them.
        sent: when the last packet ends, in seconds.
        error: the last one that was met.
        cut: whether the end was not waited for.
    """

    def __init__(self, path: str, picture: "_Picture | None", sound: Sound | None, until: float) -> None:
        import av
        from av.stream import Disposition

        self.packets, self.lost = {"video": 0, "audio": 0}, {"video": 0, "audio": 0}
        self.sent, self.cut = 0.0, False
        self.error: Exception | None = None
        with open_media(path) as container:
            streams = []
            for kind, taker in (("video", picture), ("audio", sound)):
                known = [s for s in container.streams if s.type == kind and s.codec_context is not None]
                streams += [s for s in known if taker and not s.disposition & Disposition.attached_pic][:1]
            self.promised = _promised(container, streams)
            for stream in streams:
                stream.codec_context.thread_count = 1  # every core has a worker of its own
                if stream.type == "video" and picture:
                    picture.begin(stream)
            packets = container.demux(streams) if streams else iter(())
            while not self.cut:
                try:
                    packet = next(packets, None)
                except (av.error.FFmpegError, OSError) as error:
                    self.error = error
                    return
                if packet is None:
                    return
                kind = packet.stream.type
                self.packets[kind] += packet.size > 0
                if packet.pts is not None and packet.time_base:
                    self.sent = max(self.sent, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                try:
                    frames = packet.decode()
                except av.error.FFmpegError as error:
                    self.lost[kind], self.error = self.lost[kind] + 1, error
                    continue
                for frame in frames:
                    taker = picture if kind == "video" else sound
                    self.cut = self.cut or (taker is not None and taker.take(frame) > until)

    def short(self, kind: str, seconds: float, share: float) -> str | None:
        """Return "1.0 of 2.0 seconds" where more than this share of what the header promises did not come.

        Args:
            kind: of stream.
            seconds: of it that came.
        """
        there = seconds if kind in self.promised else self.sent
        promised = self.promised.get(kind, self.promised.get("file", 0.0))
        if there >= promised * (1 - share) - _MISSING_SECONDS:
            return None
        return f"{there:.1f} of {promised:.1f} seconds"


class _Picture:
    """Takes the pictures of a clip one after another."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._scaler = VideoReformatter()
        self.frames, self.seconds = 0, 0.0
        self._size = (0, 0)
        self._typical = 0.0
        self._first: float | None = None
        self._blocks: Any = None  # of the last sample
        self._black: list[bool] = []
        self._still: list[bool] = []
        self._sharpness: list[float] = []
        self._hashes: list[int] = []

    def begin(self, stream: Any) -> None:
        self._size = (stream.codec_context.width, stream.codec_context.height)
        if self._size[0] * self._size[1] > MAX_PIXELS:
            raise ValueError(f"has frames of {self._size[0]} x {self._size[1]} pixels, above 8K")
        self._typical = float(1 / stream.average_rate) if stream.average_rate else 0.0

    def take(self, frame: Any) -> float:
        """Take a picture, and return how many seconds there were until its end."""
        self.frames += 1
        time = self.seconds if frame.time is None else frame.time
        self._first = time if self._first is None else self._first
        since = time - self._first
        if since >= len(self._black) / SAMPLE_RATE - 1e-6:
            self._sample(frame)
        self.seconds = max(self.seconds, since + self._typical)
        return self.seconds

    def _sample(self, frame: Any) -> None:
        grey = self._scaler.reformat(frame, SIDE, SIDE, "gray", interpolation="AREA").to_ndarray()
        self._black.append(float((grey < _BLACK_LEVEL).mean()) >= _BLACK_PIXELS)
        count = SIDE // _BLOCK
        blocks = grey.reshape(count, _BLOCK, count, _BLOCK).mean(axis=(1, 3), dtype=np.float32)
        if self._blocks is not None:
            self._still.append(float(np.abs(blocks - self._blocks).max()) < _CHANGE)
        self._blocks = blocks
        level = grey.astype(np.int16)
        inner = level[1:-1, 1:-1]
        around = level[:-2, 1:-1] + level[2:, 1:-1] + level[1:-1, :-2] + level[1:-1, 2:]
        self._sharpness.append(float((around - 4 * inner).var()))
        self._hashes.append(difference_hash(grey))

    def found(self) -> dict[str, Any]:
        count = len(self._hashes)
        chosen = [self._hashes[(2 * i + 1) * count // (2 * _HASH_PICTURES)] for i in range(_HASH_PICTURES) if count]
        return {
            "width": self._size[0],
            "height": self._size[1],
            "fps": round(self.frames / self.seconds, 2) if self.seconds else 0.0,
            "black_share": _share(self._black),
            "frozen_share": _share(self._still),
            "sharpness": round(float(np.median(self._sharpness)), 1) if count else 0.0,
            "picture_hash": "".join(f"{value:016x}" for value in chosen),
        }

    def doubts(self, seen: _Reading) -> str | None:
        """Return what the full check should look at; what has no doubts has passed all that it asks of a picture."""
        if self.frames < 2:
            return f"{self.frames} pictures"
        if seen.error or seen.lost["video"]:
            return f"{seen.lost['video']} broken packets"
        short = seen.short("video", self.seconds, _MISSING_SHARE / 2)
        return short or ("an hour" if max(seen.promised.values(), default=0.0) > MAX_SECONDS else None)


def difference_hash(grey: Any) -> int:
    """Return 64 bits: whether each of 8 x 8 fields is darker than the next one to its right.

    Args:
        grey: uint8 of shape (224, 224).

    Source: the dHash of N. Krawetz, "Kind of Like That" (2013), with a step below which fields count as equal.
    """
    margin = SIDE % 9 // 2
    fields = grey[:, margin : margin + SIDE // 9 * 9].reshape(8, SIDE // 8, 9, SIDE // 9).mean(axis=(1, 3))
    bits = fields[:, 1:] > fields[:, :-1] + _HASH_LEVELS
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _share(flags: list[bool]) -> float:
    return round(sum(flags) / len(flags), 3) if flags else 0.0


def _promised(container: Any, streams: list[Any]) -> dict[str, float]:
    if container.format.name not in _HEADER_SAYS:
        return {}
    own = {stream.type: float(stream.duration * stream.time_base) for stream in streams if stream.duration}
    return own or ({"file": container.duration / 1e6} if container.duration else {})


def _sound_fault(heard: _Reading, sound: Sound) -> str | None:
    """Why sound is broken: the rules of media_fault.py, but for those of one reader, which will read our wav."""
    packets, lost = heard.packets["audio"], heard.lost["audio"]
    error = f" ({reason(heard.error)})" if heard.error else ""
    if not sound.numbers:
        return "holds samples that are not numbers"
    if lost > _MISSING_SHARE * packets:
        return f"cannot be decoded: {lost} of {packets} packets of sound are broken{error}"
    short = heard.short("audio", sound.seconds, _MISSING_SHARE)
    return f"is truncated: {short} can be read" if short else None

"""What a clip's picture and sound measure, found by decoding it once; its sound is written as a wav besides.

Judges nothing: thresholds are clean.py's. All levels of luma are of full range, 0 to 255.
"""

import math
from typing import Any

import numpy as np

from swift_saber.errors import InputError, unreadable
from swift_saber.media.limits import LEAST_PICTURES, MAX_PIXELS, MAX_SECONDS, MISSING_SHARE
from swift_saber.media.read import Reading, first_stream, open_media, reason
from swift_saber.media.sound import Sound, measure_sound, wav
from swift_saber.text.files import whole

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


def measure(
    video: str, audio: str | None = None, sound_to: str | None = None, *, until: float = math.inf
) -> dict[str, Any]:
    """Decode a clip once and return what it measures; memory is that of a few pictures, and 2 MB a minute of its sound.

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
        doubts: what is odd about the picture, for which the full check (media/fault.py) is worth its time.
        sound_fault: why the sound is broken, or None.

    Raises:
        av.error.FFmpegError, ValueError: the clip cannot be decoded.
        InputError: the sound cannot be written.
    """
    picture, sound = _Picture(), Sound()
    seen = _read(video, picture, None if audio else sound, until)
    heard = _read(audio, None, sound, until) if audio else seen
    seconds = max(picture.seconds, sound.seconds)
    samples = sound.samples()
    cut = not (seen.ended and heard.ended)
    if cut:
        seconds = max(seconds, *seen.promised.values(), *heard.promised.values())
    elif sound_to and len(samples):
        _write(sound_to, wav(samples))
    return {
        **picture.found(),
        "seconds": round(seconds, 3),
        **measure_sound(samples),
        "doubts": None if cut else picture.doubts(seen),
        "sound_fault": None if cut or not len(samples) else _sound_fault(heard, sound),
    }


def _write(path: str, data: bytes) -> None:
    try:
        with whole(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        said = unreadable(path, error)
        problem = f"cannot be written: {said.problem}"
        raise InputError(said.where, said.field, problem, "make room and run again") from error


def _read(path: str, picture: "_Picture | None", sound: Sound | None, until: float) -> Reading:
    """Give a file's pictures and sound to who takes them, to the end or until one has more than so many seconds."""
    with open_media(path) as container:
        found = [first_stream(container, kind) for kind, taker in (("video", picture), ("audio", sound)) if taker]
        streams = [stream for stream in found if stream and stream.codec_context is not None]
        reading = Reading(container, streams)
        if picture and "video" in reading.frames:
            picture.begin(streams[0])
        for kind, frame in reading.decode():
            taker = picture if kind == "video" else sound
            if taker and taker.take(frame) > until:
                break
    return reading


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

    def doubts(self, seen: Reading) -> str | None:
        """Return what the full check should look at; what has no doubts has passed all that it asks of a picture."""
        if self.frames < LEAST_PICTURES:
            return f"{self.frames} pictures"
        if seen.error or seen.lost["video"]:
            return f"{seen.lost['video']} broken packets"
        short = seen.missing("video", MISSING_SHARE / 2)
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


def _sound_fault(heard: Reading, sound: Sound) -> str | None:
    """Why sound is broken: the rules of media/fault.py, but for those of one reader, which will read our wav."""
    packets, lost = heard.packets["audio"], heard.lost["audio"]
    error = f" ({reason(heard.error)})" if heard.error else ""
    if not sound.numbers:
        return "holds samples that are not numbers"
    if lost > MISSING_SHARE * packets:
        return f"cannot be decoded: {lost} of {packets} packets of sound are broken{error}"
    short = heard.missing("audio", MISSING_SHARE)
    return f"is truncated: {short} can be read" if short else None

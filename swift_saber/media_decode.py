"""Decodes one stream of a media file to its end and counts what comes. Judges nothing: that is media_fault.py's."""

from dataclasses import dataclass
from typing import Any

# After these frames only key frames are decoded, so that a long film does not need minutes.
ALL_FRAMES = 3000


@dataclass
class Decoded:
    """What came of decoding one stream.

    Attributes:
        packets, lost: how many packets the stream has, and how many of them do not decode.
        frames: how many came out, of pictures or of sound.
        seconds: of sound, or until the last picture ends.
        sent: when the last packet ends, of any stream.
        numbers: False where a sample is not a number.
        silent: whether every sample of the sound is the same, but for one step of 16 bits.
        error: the last one that was met.
    """

    packets: int = 0
    lost: int = 0
    frames: int = 0
    seconds: float = 0.0
    sent: float = 0.0
    numbers: bool = True
    silent: bool = True
    error: Exception | None = None


def is_silent(samples: Any) -> bool:
    """Whether samples differ by no more than one step of 16 bits: digital silence, which no recording is.

    Args:
        samples: an array of any shape, of floats within -1..1 or of integers.
    """
    if samples.size == 0:
        return True
    step = 2**-15 if samples.dtype.kind == "f" else max(1, 2 ** (8 * samples.dtype.itemsize - 16))
    return bool(float(samples.max()) - float(samples.min()) <= step)


def decode(container: Any, stream: Any) -> Decoded:
    """Decode one stream to its end, or to where the file breaks off.

    Args:
        container: an av.container.InputContainer, at its beginning.
        stream: one of its video or audio streams.
    """
    import av
    import numpy as np

    stream.codec_context.thread_count = 1  # every core has a worker of its own
    done = Decoded()
    lengths: dict[int, float] = {}  # of the packets whose picture is to come
    typical = float(1 / stream.average_rate) if stream.type == "video" and stream.average_rate else 0.0
    packets = container.demux([other for other in container.streams if other.type in {"video", "audio"}])
    while True:
        try:
            packet = next(packets, None)
        except (av.error.FFmpegError, OSError) as error:
            done.error = error
            return done
        if packet is None:
            return done
        length = float((packet.duration or 0) * packet.time_base) if packet.time_base else 0.0
        if packet.pts is not None and packet.time_base:
            done.sent = max(done.sent, float(packet.pts * packet.time_base) + length)
        if packet.stream.index != stream.index:
            continue
        done.packets += packet.size > 0
        if packet.pts is not None and length:
            lengths[packet.pts] = length
        try:
            frames = packet.decode()
        except av.error.FFmpegError as error:
            done.lost, done.error = done.lost + 1, error
            continue
        done.frames += len(frames)
        for frame in frames:
            if stream.type == "audio":
                done.seconds += frame.samples / frame.sample_rate
                samples = frame.to_ndarray()
                if samples.dtype.kind == "f":
                    done.numbers = done.numbers and bool(np.isfinite(samples).all())
                done.silent = done.silent and is_silent(samples)
            elif frame.time is not None:
                done.seconds = max(done.seconds, frame.time + lengths.pop(frame.pts, typical))
        if stream.type == "video" and done.frames >= ALL_FRAMES:
            stream.codec_context.skip_frame = "NONKEY"
            lengths.clear()

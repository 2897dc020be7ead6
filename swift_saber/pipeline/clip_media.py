"""A clip's sound alone and its picture alone, in memory, for models that are to get one of them.

Equal files give equal bytes, since a request is known again by what it holds.
"""

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from operator import attrgetter
from typing import Any

from swift_saber.errors import NO_FILE_LEFT, InputError
from swift_saber.media.read import Reading, file_problem, first_stream, open_media, reason
from swift_saber.media.sound import samples_of, wav
from swift_saber.models.reply import Unusable

# What mp4 holds and every server reads, and the containers that say when each frame is shown. Others say in which order
# frames are decoded, and FFmpeg makes up the rest.
_MP4_CODECS = frozenset({"h264", "hevc", "mpeg4", "av1", "vp9"})
_TIMED = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv"})
# bitexact: FFmpeg's version is not written.
_MP4: dict[str, Any] = {"format": "mp4", "options": {"fflags": "+bitexact"}}
# What is encoded anew: no loss is to be seen, and models see frames that are made smaller.
_X264 = {"crf": "17", "preset": "veryfast"}
_CLOCK = 90_000  # its times are in parts of a second as small as these


def sound_of(path: str) -> bytes:
    """Return a file's sound as a WAV file of 16-bit samples, one channel, 16 kHz.

    Raises:
        InputError: the file cannot be opened.
        Unusable: it has no sound, or one that does not decode.
    """
    import av

    try:
        samples = samples_of(path)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error, "sound") from error
    if not len(samples):
        raise Unusable("the clip has no sound")
    return wav(samples)


def picture_of(path: str) -> bytes:
    """Return a file's picture without any sound, as an mp4 that holds the frames that a player shows and no others.

    It is copied where that loses nothing, and else encoded anew: equal bytes then need the same version of x264.

    Raises:
        InputError: the file cannot be opened.
        Unusable: it has no picture, or one that does not decode.
    """
    import av

    try:
        with open_media(path) as source:
            stream = first_stream(source, "video")
            if stream is None:
                raise Unusable("the clip has no picture")
            if stream.codec_context is None:
                raise Unusable("the clip's picture is in no codec that is known here")
            timed = source.format.name in _TIMED and stream.codec_context.name in _MP4_CODECS
            found = _copied(stream, [packet for packet in source.demux(stream) if packet.size]) if timed else None
        if found is None:
            with open_media(path) as source:
                found = _encoded(source, first_stream(source, "video"))
        with av.open(io.BytesIO(found)) as copy:
            if next(copy.decode(video=0), None) is None:
                raise Unusable("the clip's picture does not decode")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _unreadable(path, error, "picture") from error
    return found


def _copied(stream: Any, packets: Sequence[Any]) -> bytes | None:
    """A stream's packets as an mp4; None where that is not the same picture."""
    import av

    times = sorted({packet.pts for packet in packets if packet.pts is not None})
    # Not every reader of mp4 follows an edit list, or a second description of the pictures.
    odd = any(packet.is_discard or packet.has_sidedata("new_extradata") for packet in packets)
    if odd or len(times) < len(packets):
        return None
    wanted = [(bytes(packet), (packet.pts - times[0]) * stream.time_base) for packet in packets]
    # Matroska does not hold when a packet is decoded: in this order, and none after it is shown.
    early = max((at - packet.pts for at, packet in zip(times, packets, strict=True)), default=0)
    out = io.BytesIO()
    with av.open(out, "w", **_MP4) as target:
        copy = target.add_stream_from_template(stream)
        for at, packet in zip(times, packets, strict=True):
            packet.pts, packet.dts = packet.pts - times[0], at - times[0] - early
            packet.stream = copy
            target.mux(packet)
    with av.open(io.BytesIO(out.getvalue())) as made:
        found = [(bytes(packet), packet.pts * packet.time_base) for packet in made.demux(video=0) if packet.size]
    return out.getvalue() if found == wanted else None


def _encoded(source: Any, stream: Any) -> bytes:
    """The frames that a stream decodes to, as an mp4 in H.264, at their times."""
    import av

    rate = Fraction(stream.guessed_rate or 25)
    out, copy = io.BytesIO(), None
    with av.open(out, "w", **_MP4) as target:
        for at, frame in _timed(source, stream, round(_CLOCK / rate)):
            picture = _upright(frame)
            if copy is None:
                copy = target.add_stream("libx264", rate=rate, options=_X264)
                # x264 halves the planes of colour.
                copy.width, copy.height = (side + side % 2 for side in (picture.width, picture.height))
                copy.codec_context.time_base = Fraction(1, _CLOCK)
                copy.codec_context.thread_count = 1  # the bytes depend on it
                for name in ("colorspace", "color_range", "color_primaries", "color_trc"):
                    setattr(copy.codec_context, name, getattr(picture, name))
            picture = picture.reformat(copy.width, copy.height, "yuv420p")
            picture.pts, picture.time_base = at, copy.codec_context.time_base
            target.mux(copy.encode(picture))
        if copy is None:
            raise Unusable("the clip's picture does not decode")
        target.mux(copy.encode())
    return out.getvalue()


def _timed(source: Any, stream: Any, length: int) -> Iterator[tuple[int, Any]]:
    """Each frame that a stream decodes to, and when it is shown: from 0 on, in parts of a second (_CLOCK).

    Args:
        length: of a frame, for those that do not say when they are shown.
    """
    # AVI has the order of decoding alone, in steps of one frame.
    moment = attrgetter("dts" if source.format.name == "avi" else "pts")
    shift, now = None, -length
    for _, frame in Reading(source, [stream]).decode():
        if moment(frame) is None:
            now += length
        else:
            at = round(moment(frame) * stream.time_base * _CLOCK)
            if shift is None or at < now + shift:  # the first, or the clock starts anew, as in files that were joined
                shift = at - now - length
            now = max(at - shift, now + 1)
        yield now, frame


def _upright(frame: Any) -> Any:
    """The frame as a player turns it; with what it says of its colours, if that is true of others than RGB."""
    import av
    import numpy as np

    turns = round(frame.rotation / 90) % 4
    if not turns and not frame.format.is_rgb:
        return frame
    pixels = np.rot90(frame.to_ndarray(format="rgb24"), turns)
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")


def _unreadable(path: str, error: Exception, what: str) -> Exception:
    if isinstance(error, OSError) and error.errno in NO_FILE_LEFT:
        return error
    # A file that is gone is no fault of the clip: cleaning has read it before.
    if problem := file_problem(path):
        return InputError(path, "file", problem, "see that the clips are where the manifest says, and run again")
    return Unusable(f"the clip's {what} cannot be read ({reason(error)})")

"""A copy of a clip without what its file says of it: title, comment, chapters, names of tracks, a cover.

Picture and sound stay the packets that they were; what an encoder hides within packets is not looked for.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError
from swift_saber.media.frames import still
from swift_saber.media.playable import Kind
from swift_saber.media.read import file_problem, first_stream, open_media, reason
from swift_saber.text.files import says_full, whole

# By FFmpeg's name of what is read, what is written: the containers that a browser plays.
_WRITTEN = {
    "mov,mp4,m4a,3gp,3g2,mj2": "mp4",
    "matroska,webm": "webm",
    "wav": "wav",
    "mp3": "mp3",
    "flac": "flac",
    "ogg": "ogg",
    "aac": "adts",
}
_SAME_SECONDS = 0.002  # containers round times, to a millisecond at most


def copy_untagged(path: str | os.PathLike[str], to: Path, kind: Kind = "video") -> None:
    """Write the streams that a player takes into a container of the same kind, whole or not at all.

    Args:
        kind: "audio" for the sound alone.

    Raises:
        InputError: the clip cannot be read, is in another container, or the copy would play otherwise: then it can be
            had without tags only as playable.transcode makes one.
        OSError: the copy cannot be written.
    """
    import av

    if problem := file_problem(path):
        raise InputError(str(path), kind, problem, "correct the path")
    remedy = "re-encode it without metadata"
    with whole(to) as partial:
        try:
            with open_media(path) as clip:
                form = _WRITTEN.get(clip.format.name)
                if form is None:
                    raise InputError(str(path), kind, f"is in a container ({clip.format.name}) of another kind", remedy)
                options = {"movflags": "faststart"} if form == "mp4" else {}
                with av.open(str(partial), "w", format=form, options=options) as copy:
                    _copy(_streams(clip, kind), clip, copy)
            same = _alike(_played(path, kind), _played(partial, kind))
        except (av.error.FFmpegError, UnicodeError, ValueError) as error:
            if isinstance(error, InputError) or says_full(error):
                raise
            raise InputError(str(path), kind, f"cannot be copied as it is ({reason(error)})", remedy) from error
        if not same:
            raise InputError(str(path), kind, "would play otherwise without its tags", remedy)


def _streams(clip: Any, kind: Kind) -> list[Any]:
    """The streams of a container that a player takes."""
    found = [first_stream(clip, each) for each in (("audio",) if kind == "audio" else ("video", "audio"))]
    return [stream for stream in found if stream is not None]


def _copy(streams: list[Any], clip: Any, copy: Any) -> None:
    written = {stream.index: copy.add_stream_from_template(stream) for stream in streams}
    for packet in clip.demux(streams):
        if packet.size:
            packet.stream = written[packet.stream.index]
            copy.mux(packet)


_Played = tuple[dict[str, str], list[tuple[str, float]]]


def _played(path: str | os.PathLike[str], kind: Kind) -> _Played:
    """A digest of the packets of the picture and how it is turned, one of the samples of the sound, and their times."""
    found = {"video": hashlib.sha256(), "audio": hashlib.sha256()}
    times = []
    with open_media(path) as clip:
        for packet in clip.demux(_streams(clip, kind)):
            of = packet.stream.type
            # A decoder leaves out what a header says is padding, so sound is compared as it is heard.
            for part in packet.decode() if of == "audio" else [packet] if packet.size else []:
                held = part.to_ndarray().tobytes() if of == "audio" else bytes(packet) + bytes([packet.is_discard])
                found[of].update(held)
                times.append((of, float((part.pts or 0) * part.time_base)))
    if any(of == "video" for of, _ in times):
        pixels, wide = still(path)
        found["video"].update(f"{wide} {pixels.shape}".encode() + pixels.tobytes())
    return {of: digest.hexdigest() for of, digest in found.items()}, sorted(times)


def _alike(one: _Played, other: _Played) -> bool:
    """Whether both hold the same, at the same times or all of it earlier by the same."""
    (held, times), (held_there, times_there) = one, other
    if held != held_there or [of for of, _ in times] != [of for of, _ in times_there]:
        return False
    if not times:
        return True
    first, first_there = (min(seconds for _, seconds in each) for each in (times, times_there))
    pairs = zip(times, times_there, strict=True)
    return all(abs(a - first - (b - first_there)) <= _SAME_SECONDS for (_, a), (_, b) in pairs)

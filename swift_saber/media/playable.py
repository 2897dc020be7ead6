"""What a browser makes of a clip: whether it plays it, a picture to stand in its place, and a copy that it plays.

Which containers and codecs play is MDN's account ("Media container formats", "Web video codec guide"), read narrowly:
what plays in Chromium and in Firefox, on every system. HEVC plays where the hardware decodes it, H.264 of 10 bits or
4:2:2 and Matroska in one of the two, and the rest (MPEG-1, -2 and -4 part 2, WMV, FLV, AVI, transport streams, ...) in
neither.
"""

import io
import os
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from swift_saber.errors import InputError
from swift_saber.media.frames import Picture, still
from swift_saber.media.limits import MISSING_SHARE
from swift_saber.media.read import file_problem, first_stream, open_media, reason
from swift_saber.text.files import says_full, whole

Kind = Literal["video", "audio"]

# By FFmpeg's name of the container: the endings of its files' names, since a browser learns a file's type from that or
# from a server that does; the codecs of a picture; those of sound.
_MP4 = ({"h264", "av1", "vp9"}, {"aac", "mp3", "opus", "flac"})
_WEBM = ({"vp8", "vp9", "av1"}, {"vorbis", "opus"})
_PCM = {"pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le"}
_PLAYED: dict[str, tuple[set[str], set[str], set[str]]] = {
    "mov,mp4,m4a,3gp,3g2,mj2": ({".mp4", ".m4v", ".m4a", ".mov"}, *_MP4),
    "matroska,webm": ({".webm"}, *_WEBM),
    "wav": ({".wav"}, set(), _PCM),
    "mp3": ({".mp3"}, set(), {"mp3"}),
    "flac": ({".flac"}, set(), {"flac"}),
    "ogg": ({".ogg", ".oga", ".opus"}, set(), {"vorbis", "opus", "flac"}),
    "aac": ({".aac"}, set(), {"aac"}),
}
# How H.264 keeps a pixel in the profiles that every browser has; AV1 and VP9 are decoded by software with 10 bits too.
_PIXELS = {"h264": {"yuv420p", "yuvj420p"}}
_ANY_PIXELS = {"yuv420p", "yuvj420p", "yuv420p10le"}
#: The longer side of a poster and of a copy, in pixels: both are for people to look at.
POSTER_SIDE, COPY_SIDE = 320, 1280
_POSTER_QUALITY = 70
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_REMEDY = "re-encode it: ffmpeg -i IN -c:v libx264 -pix_fmt yuv420p -c:a aac OUT.mp4"


def plays_in_browser(path: str | os.PathLike[str], kind: Kind = "video") -> bool:
    """Return whether Chromium and Firefox play a file, picture and sound; False also where it cannot be read.

    Only the header is read, so a file that is broken further on may play all the same.

    Args:
        kind: "audio" where only its sound is played.
    """
    import av

    try:
        # Of a sound FFmpeg reads much to tell how long it is, and the header says what it is.
        few = {"probesize": "4096"} if Path(path).suffix.lower() == ".wav" else {}
        with open_media(path, **few) as container:
            endings, pictures, sounds = _PLAYED.get(container.format.name, (set(), set(), set()))
            if Path(path).suffix.lower() not in endings:
                return False
            picture, sound = (first_stream(container, each) for each in ("video", "audio"))
            if sound is not None and _codec(sound) not in sounds:
                return False
            if kind == "audio":
                return sound is not None
            codec = _codec(picture)
            return codec in pictures and picture.codec_context.pix_fmt in _PIXELS.get(codec, _ANY_PIXELS)
    except (av.error.FFmpegError, ValueError, OSError):
        return False


def form_of(path: str | os.PathLike[str]) -> str:
    """Return what a file's container and codecs are called, "avi (mpeg4, mp2)"; "" where it cannot be read."""
    import av

    try:
        with open_media(path) as container:
            codecs = [_codec(first_stream(container, each)) for each in ("video", "audio")]
            return f"{Path(path).suffix[1:].lower() or container.format.name} ({', '.join(filter(None, codecs))})"
    except (av.error.FFmpegError, ValueError, OSError):
        return ""


def poster(path: str | os.PathLike[str]) -> bytes:
    """Return a JPEG of a frame out of a video's middle, turned as it is shown, of POSTER_SIDE pixels at most.

    Raises:
        InputError: as frames.still.
    """
    from PIL import Image

    pixels, wide = still(path)
    width, height = _size(pixels, wide, POSTER_SIDE)
    written = io.BytesIO()
    picture = Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX)
    picture.save(written, "JPEG", quality=_POSTER_QUALITY, optimize=True)
    return written.getvalue()


def transcode(path: str | os.PathLike[str], to: Path, kind: Kind = "video") -> None:
    """Write a copy of a clip that browsers play, whole or not at all: H.264 and AAC in an mp4, for people to look at.

    The frames are as they are shown: turned, of square pixels, COPY_SIDE pixels at most. Picture and sound keep their
    times. Where FFmpeg was built without x264, the picture is VP9, which browsers play in an mp4 as well.

    Args:
        to: ends in .mp4.
        kind: "audio" for the sound alone.

    Raises:
        InputError: the clip cannot be read, has nothing of this kind, or more than a tenth of its packets is broken.
        OSError: the copy cannot be written.
    """
    import av

    if problem := file_problem(path):
        raise InputError(str(path), kind, problem, "correct the path")
    with whole(to) as partial, av.open(str(partial), "w", format="mp4", options={"movflags": "faststart"}) as copy:
        try:
            with open_media(path) as clip:
                _copy(path, clip, copy, kind)
        except (av.error.FFmpegError, UnicodeError, ValueError, MemoryError) as error:
            if isinstance(error, InputError) or says_full(error):
                raise
            raise InputError(str(path), kind, f"cannot be decoded ({reason(error)})", _REMEDY) from error


def _copy(path: str | os.PathLike[str], clip: Any, copy: Any, kind: Kind) -> None:
    """Decode the streams of a clip in the order of its packets, and encode what comes."""
    import av

    streams = {each: first_stream(clip, each) for each in (("audio",) if kind == "audio" else ("video", "audio"))}
    known = {each: stream for each, stream in streams.items() if _codec(stream) is not None}
    if kind not in known:
        raise InputError(str(path), kind, f"has no {kind} stream in a codec that is known here", "name another file")
    writers: dict[int, _Pictures | _Sound] = {}
    for each, stream in known.items():
        writers[stream.index] = _Pictures(path, stream, copy) if each == "video" else _Sound(stream, copy)
    packets = lost = 0
    for packet in clip.demux(list(known.values())):
        packets += 1
        try:
            for frame in packet.decode():
                writers[packet.stream.index].write(frame)
        except av.error.InvalidDataError:
            lost += 1
    if lost > MISSING_SHARE * packets:
        raise InputError(str(path), kind, f"has {lost} broken packets of {packets}", _REMEDY)
    for writer in writers.values():
        writer.end()


class _Pictures:
    """Encodes frames at the times at which they are shown."""

    def __init__(self, path: str | os.PathLike[str], stream: Any, copy: Any) -> None:
        import av

        self._copy = copy
        self._rate = Fraction(stream.average_rate or 25).limit_denominator(1001)
        self._base = stream.time_base
        x264 = "libx264" in av.codecs_available
        options = {"preset": "veryfast", "crf": "23"} if x264 else {"deadline": "realtime", "crf": "32", "b": "0"}
        self._out = copy.add_stream("libx264" if x264 else "libvpx-vp9", rate=self._rate, options=options)
        self._out.pix_fmt = "yuv420p"
        width, height = _size(*still(path), COPY_SIDE)
        self._out.width, self._out.height = width + width % 2, height + height % 2
        self._out.codec_context.time_base = self._base
        self._upright = Picture(None, 0)
        self._last: int | None = None

    def write(self, frame: Any) -> None:
        import av

        # Some containers tell no times; two frames at one time are none to an encoder.
        time = frame.pts if frame.pts is not None else self._after()
        if self._last is not None and time <= self._last:
            return
        pixels = self._upright.of(frame)
        made = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        made = made.reformat(self._out.width, self._out.height, "yuv420p", interpolation="BICUBIC")
        made.pts, made.time_base = time, self._base
        self._last = time
        self._copy.mux(self._out.encode(made))

    def _after(self) -> int:
        return 0 if self._last is None else self._last + round(1 / (self._rate * self._base))

    def end(self) -> None:
        self._copy.mux(self._out.encode())


class _Sound:
    """Encodes sound, of one or two channels."""

    def __init__(self, stream: Any, copy: Any) -> None:
        import av

        rate = min((rate for rate in _AAC_RATES if rate >= stream.rate), default=_AAC_RATES[-1])
        layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        self._copy, self._out = copy, copy.add_stream("aac", rate=rate, layout=layout)
        self._even = av.AudioResampler("fltp", layout, rate, frame_size=1024)

    def write(self, frame: Any) -> None:
        for part in self._even.resample(frame):
            self._copy.mux(self._out.encode(part))

    def end(self) -> None:
        self.write(None)
        self._copy.mux(self._out.encode())


def _codec(stream: Any) -> str | None:
    """The name of a stream's codec, whichever decoder reads it here; None where none does."""
    return stream.codec_context.codec.canonical_name if stream is not None and stream.codec_context else None


def _size(pixels: Any, wide: Fraction, side: int) -> tuple[int, int]:
    """(width, height) of frames with square pixels, the longer of them at most `side`."""
    height, width = pixels.shape[0], pixels.shape[1] * float(wide)
    share = min(1.0, side / max(width, height))
    return max(1, round(width * share)), max(1, round(height * share))

"""Makes the media torture set: files with one fault each, and odd but sound ones, all derived from clips of the demo.

Each entry says what is to become of it: "usable", "rejected" (with a part of the true reason), or "either" where the
damage may or may not reach what a decoder needs.

    python -m tests.media_faults FOLDER
"""

import os
import random
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from PIL import Image

from swift_saber.mini import face, voice

RATE = 16_000


@dataclass(frozen=True)
class Fault:
    """One file of the set.

    Attributes:
        name: what is odd about it.
        path: where it lies.
        kind: "video" or "audio": the column of a row that names it.
        expected: "usable", "rejected" or "either".
        reason: a part of the reason that a rejected one is given.
    """

    name: str
    path: Path
    kind: str
    expected: str
    reason: str = ""


def frames(count: int = 16) -> np.ndarray:
    """Return frames of the demo's world, uint8 of shape (count, 56, 56, 3)."""
    rng = np.random.default_rng(0)
    drawn = [face.draw_frames("blue", "red", expression, rng) for expression in ("smile", "frown")]
    return np.tile(np.concatenate(drawn), (-(-count // 16), 1, 1, 1))[:count]


def sound(seconds: int = 2) -> np.ndarray:
    """Return the sound of the demo's world, float64 of shape (seconds * RATE,), within -1..1."""
    return np.tile(voice.synthesize("low", "warm", np.random.default_rng(0)), seconds)


def encode(
    path: Path,
    pictures: np.ndarray | None = None,
    samples: np.ndarray | None = None,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    audio: str = "aac",
    rate: int = RATE,
    times: list[int] | None = None,
    form: str | None = None,
    **options: str,
) -> None:
    """Write pictures at face.FPS frames a second, sound, or both, in any form that PyAV writes.

    Args:
        samples: of one channel, shape (n,), or of several, shape (channels, n); within -1..1.
        times: when each frame is shown, in frames of face.FPS a second; without it one after another.
        options: of the container.
    """
    with av.open(str(path), "w", format=form, options=options) as container:
        video = voices = None
        layout = "mono" if samples is None or samples.ndim == 1 else {1: "mono", 2: "stereo", 6: "5.1"}[len(samples)]
        if pictures is not None:
            video = container.add_stream(codec, rate=Fraction(face.FPS))
            video.height, video.width, video.pix_fmt = *pictures.shape[1:3], pixels
            if codec == "libx264":
                video.options = {"qp": "20", "preset": "veryfast", "g": "8"}
            if codec == "libx265":
                video.options = {"x265-params": "log-level=none"}
            video.codec_context.thread_count = 1
        if samples is not None:
            voices = container.add_stream(audio, rate=rate)
            voices.layout = layout
            if audio == "wmav2":
                voices.bit_rate = 128_000  # which others choose for themselves
        if video is not None and pictures is not None:
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame.pts, frame.time_base = (times or range(len(pictures)))[number], Fraction(1, face.FPS)
                container.mux(video.encode(frame))
            container.mux(video.encode())
        if voices is not None and samples is not None:
            planes = np.ascontiguousarray(np.atleast_2d(samples), "float32")
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = rate, 0
            resampler = av.AudioResampler(voices.format, layout, rate, frame_size=voices.frame_size or 1024)
            for part in resampler.resample(frame):
                container.mux(voices.encode(part))
            container.mux(voices.encode())


def _encode_av1(path: Path) -> None:
    """In a process of its own: run by root, SVT-AV1 gives its caller a real-time priority and leaves it there.

    All that the tests start would inherit it, and threads that wait for one another by spinning would stand still.
    """
    program = (
        "import sys; from tests.media_faults import encode, frames; encode(sys.argv[1], frames(), codec='libsvtav1')"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], cwd=Path(__file__).parents[1], check=True)


def boxes(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Yield (name, begin, end) of each box of an mp4, with those inside moov and what it holds."""

    def walk(begin: int, end: int) -> Iterator[tuple[str, int, int]]:
        while begin + 8 <= end:
            size, name = struct.unpack(">I4s", data[begin : begin + 8])
            yield name.decode("latin-1"), begin, begin + size
            if name in {b"moov", b"trak", b"mdia", b"minf", b"stbl"}:
                yield from walk(begin + 8, begin + size)
            begin += size

    return walk(0, len(data))


class _Maker:
    """Writes files into a folder and remembers what is expected of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[Fault] = []

    def __call__(
        self, name: str, write: bytes | Callable[[Path], Any], expected: str = "usable", reason: str = ""
    ) -> Path:
        """Make one file; its kind follows from its name: what begins with "sound" is for the column audios."""
        path = self.folder / name
        if isinstance(write, bytes):
            path.write_bytes(write)
        else:
            write(path)
        kind = "audio" if name.startswith("sound") else "video"
        self.faults.append(Fault(name, path, kind, expected, reason))
        return path


def make_faults(folder: Path) -> list[Fault]:
    """Write the whole set into a new folder and return its entries; some seconds."""
    folder.mkdir(parents=True)
    make = _Maker(folder)
    good = make("good.mp4", lambda path: encode(path, frames(), sound()))
    _broken_mp4(make, good.read_bytes())
    _odd_video(make)
    _odd_sound(make)
    _no_media(make, good)
    return make.faults


def _broken_mp4(make: _Maker, last: bytes) -> None:
    """Truncated, zeroed and flipped, with the index at the end (as encoders write it) and at the beginning."""
    fast = make("index-first.mp4", lambda path: encode(path, frames(), sound(), movflags="faststart")).read_bytes()
    for form, data in (("last", last), ("first", fast)):
        pictures = next(end for name, _, end in boxes(data) if name == "trak") - 1
        for number, (name, begin, _) in enumerate(boxes(data)):
            if begin == 0:
                continue
            # A picture can be read when its frames and its own index are there, whatever is missing of the sound's.
            expected = "either" if form == "last" and begin > pictures else "rejected"
            make(f"cut-{form}-{number:02}-{name.strip()}.mp4", data[: begin + 4], expected)
    [(_, begin, end)] = [box for box in boxes(fast) if box[0] == "mdat"]
    make("cut-frames-half.mp4", fast[: (begin + end) // 2], "rejected")
    make("cut-frames-end.mp4", fast[: end - (end - begin) // 50], "either")
    make("cut-first-byte.mp4", last[1:], "rejected", "not a readable video")
    third = (end - begin) // 3
    make("zeroed-middle.mp4", fast[: begin + third] + bytes(third) + fast[begin + 2 * third :], "either")
    make("zeroed-frames.mp4", fast[: begin + 8] + bytes(end - begin - 8) + fast[end:], "rejected")
    make("zeroed-head.mp4", bytes(64) + last[64:], "either")
    [(_, index, _)] = [box for box in boxes(last) if box[0] == "moov"]
    make("zeroed-index.mp4", last[: index + 8] + bytes(len(last) - index - 8), "rejected")
    dice = random.Random(0)
    for share in (10_000, 1_000, 100):
        for form, first, stop in (("frames", begin + 8, end), ("index", 32, begin)):
            data = bytearray(fast)
            for _ in range(max(1, (stop - first) * 8 // share)):
                bit = dice.randrange(first * 8, stop * 8)
                data[bit // 8] ^= 1 << bit % 8
            make(f"flipped-{form}-1-in-{share}.mp4", bytes(data), "either")
    # An hour-long header on two seconds of data. In an mp4 readers go by the index; in Matroska by this number.
    make("header-2h.mp4", _with_length(last, 7200))
    whole = make("sound-and-picture.mkv", lambda path: encode(path, frames(), sound()))
    place = whole.read_bytes().index(b"\x44\x89\x88") + 3  # the element Duration, 8 bytes, in milliseconds
    for name, seconds, reason in (("50min", 3000, "truncated"), ("2h", 7200, "2.0 hours")):
        data = whole.read_bytes()
        data = data[:place] + struct.pack(">d", seconds * 1000) + data[place + 8 :]
        make(f"header-{name}.mkv", data, "rejected", reason)


def _with_length(mp4: bytes, seconds: int) -> bytes:
    """The mp4 with other lengths in the heads of the film and of its tracks; the index stays as it is."""
    data = bytearray(mp4)
    for name, start, _ in boxes(mp4):
        if name in {"mvhd", "mdhd"}:
            [scale] = struct.unpack(">I", data[start + 20 : start + 24])
            data[start + 24 : start + 28] = struct.pack(">I", scale * seconds)
    return bytes(data)


def _odd_video(make: _Maker) -> None:
    make("no-audio.mp4", lambda path: encode(path, frames()))
    make("one-frame.mp4", lambda path: encode(path, frames(1)), "rejected", "only one frame")
    make("two-frames.mp4", lambda path: encode(path, frames(2)))
    make("three-frames.mp4", lambda path: encode(path, frames(3)))
    odd = frames()[:, :55, :53]
    make("odd-size.mp4", lambda path: encode(path, odd, pixels="yuv444p"))
    make("tiny-2x2.mp4", lambda path: encode(path, frames()[:, 20:22, 20:22]), "either", "decord")
    # qwen-omni-utils sizes no frames whose sides differ more than 200 times.
    ribbon = np.tile(frames()[:, :2], (1, 1, 8, 1))
    make("ribbon-448x2.mp4", lambda path: encode(path, ribbon), "rejected", "448 x 2 pixels, more than 200 times")
    make("wide-10x1.mp4", lambda path: encode(path, np.tile(frames(), (1, 1, 10, 1))))
    times = [0, 1, 2, 5, 6, 10, 11, 12, 13, 20, 21, 22, 23, 24, 39, 40]
    make("variable-rate.mp4", lambda path: encode(path, frames(), times=times))
    make("starts-late.mp4", lambda path: encode(path, frames(), times=list(range(80, 96))))
    for name in (
        "starts-late.mkv",
        "starts-late.webm",
    ):  # whose headers count from zero, and not from the first picture
        codec = "libx264" if name.endswith("mkv") else "libvpx-vp9"
        late = make(name, lambda path, codec=codec: encode(path, frames(), codec=codec, times=list(range(80, 96))))
        make(f"cut-{name}", late.read_bytes()[: late.stat().st_size * 2 // 3], "rejected", "of 2.0 seconds")
    make("10-bit.mp4", lambda path: encode(path, frames(), pixels="yuv420p10le"))
    make("4-4-4.mp4", lambda path: encode(path, frames(), pixels="yuv444p"))
    make("rotated.mp4", _rotated)
    make("trimmed.mp4", _trimmed)
    make("sound-of-3-s-and-picture-of-1-s.mkv", lambda path: encode(path, frames(8), sound(3)))
    make("picture-of-1-s-and-sound-of-3-s.mkv", lambda path: encode(path, frames(8), sound(3)))
    make("picture-of-1-s-and-sound-of-3-s.mp4", lambda path: encode(path, frames(8), sound(3)))
    make("picture-of-4-s-and-sound-of-1-s.mp4", lambda path: encode(path, frames(32), sound(1)))
    make("8000-wide.avi", _huge, "rejected", "8000 x 8000 pixels, above 8K")
    make("with-sound.mkv", lambda path: encode(path, frames(), sound()))
    make("vp9.webm", lambda path: encode(path, frames(), sound(), codec="libvpx-vp9", audio="libopus", rate=48_000))
    make("vp8.webm", lambda path: encode(path, frames(), codec="libvpx"))
    make("av1.mp4", _encode_av1, "either", "decord")
    make("hevc.mp4", lambda path: encode(path, frames(), codec="libx265"))
    make("mpeg4.avi", lambda path: encode(path, frames(), sound(), codec="mpeg4", audio="mp2"))
    make("mjpeg.mov", lambda path: encode(path, frames(), codec="mjpeg", pixels="yuvj420p"))
    make("h264.mov", lambda path: encode(path, frames(), sound()))
    make("flash.flv", lambda path: encode(path, frames()))
    make("stream.ts", lambda path: encode(path, frames()))
    make("fragmented.mp4", lambda path: encode(path, frames(), sound(), movflags="frag_keyframe+empty_moov"))
    make("animated.gif", lambda path: encode(path, frames(), codec="gif", pixels="rgb8"), "either", "decord")
    make("mp4-named.avi", lambda path: encode(path, frames(), form="mp4"))
    make("mkv-named.mp4", lambda path: encode(path, frames(), form="matroska"))
    matroska = make("cut-mkv-whole.mkv", lambda path: encode(path, frames(), sound())).read_bytes()
    make("cut-mkv-half.mkv", matroska[: len(matroska) // 2], "rejected", "truncated")
    webm = make("cut-webm-whole.webm", lambda path: encode(path, frames(), codec="libvpx-vp9")).read_bytes()
    make("cut-webm-half.webm", webm[: len(webm) // 2], "rejected", "truncated")
    make("sound-only.mp4", lambda path: encode(path, None, sound()), "usable")
    make("no-picture.mp4", lambda path: encode(path, None, sound()), "rejected", "has no video stream")
    make("silent-track.mp4", lambda path: encode(path, frames(), np.zeros(2 * RATE)))
    make("Ünï çödé 视频 (1).mp4", lambda path: encode(path, frames(), form="mp4"))
    make("a|b:c%d'\"&;$(x).mp4", lambda path: encode(path, frames()))
    make("line\nend\x1b[31m.mp4", b"no clip", "rejected", "\\x1b[31m")


def _rotated(path: Path) -> None:
    """A clip whose header says that it is to be turned by 90 degrees, as telephones write it."""
    encode(path, frames())
    data = bytearray(path.read_bytes())
    [start] = [begin for name, begin, _ in boxes(bytes(data)) if name == "tkhd"]
    one = 1 << 16
    data[start + 48 : start + 84] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 56 << 16, 0, 1 << 30)
    path.write_bytes(bytes(data))


def _trimmed(path: Path) -> None:
    """A clip of two seconds whose edit list shows only the second one, as telephones trim without encoding anew."""
    encode(path, frames())
    data = bytearray(path.read_bytes())
    [start] = [begin for name, begin, _ in boxes(bytes(data)) if name == "mdhd"]
    [scale] = struct.unpack(">I", data[start + 20 : start + 24])
    place = data.index(b"elst") + 12  # the one segment: its length, in a film's milliseconds, and where it begins
    data[place : place + 8] = struct.pack(">Ii", 1000, scale)
    path.write_bytes(bytes(data))


def _huge(path: Path) -> None:
    """Uncompressed frames whose header says that they are 8000 x 8000 pixels."""
    encode(path, frames(), codec="rawvideo")
    data = bytearray(path.read_bytes())
    start = data.index(b"strf") + 12  # width and height in the BITMAPINFOHEADER
    data[start : start + 8] = struct.pack("<2i", 8000, 8000)
    path.write_bytes(bytes(data))


def _odd_sound(make: _Maker) -> None:
    def write(rate: int = RATE, **form: str) -> Callable[[Path], None]:
        return lambda path: soundfile.write(path, sound(), rate, **form)

    wav = make("sound-good.wav", write()).read_bytes()
    make("sound-8k.wav", write(8_000))
    make("sound-96k.wav", write(96_000))
    make("sound-24-bit.wav", write(subtype="PCM_24"))
    make("sound.flac", write())
    make("sound.mp3", write(format="MP3"))
    make("sound.ogg", write())
    make("sound-mp3-named.wav", write(format="MP3"))
    make("sound.m4a", lambda path: encode(path, None, sound(), form="mp4"))
    make("sound-in.mp4", lambda path: encode(path, frames(), sound()))
    make("sound-stereo.wav", lambda path: soundfile.write(path, np.stack([sound(), sound()], axis=1), RATE))
    make("sound-silent.wav", lambda path: soundfile.write(path, np.zeros(RATE), RATE), "rejected", "is silent")
    make("sound-silent.m4a", lambda path: encode(path, None, np.zeros(RATE), form="mp4"), "rejected", "is silent")
    make("sound-almost-silent.wav", lambda path: soundfile.write(path, sound() / 1000, RATE))
    make("sound-clipped.wav", lambda path: soundfile.write(path, np.sign(sound()), RATE))
    make("sound-short.wav", lambda path: soundfile.write(path, sound()[4000:4321], RATE))
    make("sound-too-short.wav", lambda path: soundfile.write(path, sound()[4000:4320], RATE), "rejected", "too short")
    loud = sound() * 1e6
    make("sound-beyond-1.wav", lambda path: soundfile.write(path, loud, RATE, subtype="FLOAT"))
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        bad = sound().astype("float32")
        bad[-5] = value
        make(
            f"sound-{name}.wav",
            lambda path, bad=bad: soundfile.write(path, bad, RATE, subtype="FLOAT"),
            "rejected",
            "not numbers",
        )
    make("sound-none.wav", lambda path: soundfile.write(path, np.zeros(0), RATE), "rejected", "holds no sound")
    make("sound-cut-head.wav", wav[:30], "rejected")
    make("sound-cut-half.wav", wav[: len(wav) // 2], "rejected", "truncated")
    endless = struct.pack("<I", 0xFFFFFFFF)  # as written to a pipe, whose writer cannot know the end
    make("sound-endless-header.wav", wav[:4] + endless + wav[8:40] + endless + wav[44:])
    hour = struct.pack("<I", RATE * 2 * 7200)
    make("sound-2h-header.wav", wav[:40] + hour + wav[44:], "rejected", "above one hour")
    make("sound-rate-0.wav", wav[:24] + bytes(8) + wav[32:], "rejected")
    flac, m4a = ((make.folder / name).read_bytes() for name in ("sound.flac", "sound.m4a"))
    # librosa reads these only where the ffmpeg program is installed; ms-swift's other loader stops at the first error.
    flac = flac[: len(flac) - 2000] + bytes(100) + flac[len(flac) - 1900 :]
    make("sound-broken-frame.flac", flac, "either", "cannot be decoded")
    place = m4a.index(b"mdat") + len(m4a) // 3
    make("sound-broken-packet.m4a", m4a[:place] + b"\xff" * 40 + m4a[place + 40 :], "either", "cannot be decoded")
    for name in ("sound.flac", "sound.mp3", "sound.m4a"):
        whole = (make.folder / name).read_bytes()
        make(f"sound-cut-{name}", whole[: len(whole) // 2], "rejected", "truncated" if name != "sound.m4a" else "")
    # Forms whose header libsndfile corrects to what the file holds.
    for name, form, subtype in (
        ("float.wav", "WAV", "FLOAT"),
        ("extensible.wav", "WAVEX", "PCM_24"),
        ("rf64.wav", "RF64", "PCM_16"),
        ("apple.aiff", "AIFF", "PCM_16"),
    ):
        whole = make(f"sound-{name}", write(format=form, subtype=subtype)).read_bytes()
        make(f"sound-cut-{name}", whole[: len(whole) // 2], "rejected", "is truncated: 1.0 of 2.0 seconds")
    make("sound-of-1-s-with-picture-of-4-s.mkv", lambda path: encode(path, frames(32), sound(1)))
    make("sound-mute-film.mp4", lambda path: encode(path, frames()), "rejected", "has no audio stream")
    make("sound-is-text.wav", b"hello, this is a text", "rejected", "holds text")


def _no_media(make: _Maker, good: Path) -> None:
    make("empty.mp4", b"", "rejected", "is empty")
    make("one-byte.mp4", b"\0", "rejected")
    make("text.mp4", b"This clip was removed.\n", "rejected", "holds text")
    make("text.txt", b"This clip was removed.\n", "rejected", "holds text")
    make("page.mp4", b"<!DOCTYPE html><html><body>404</body></html>", "rejected", "a web page")
    make("zeros.mp4", bytes(100_000), "rejected", "zeros")
    make("noise.mp4", random.Random(1).randbytes(100_000), "rejected", "not a readable video")
    make("picture.mp4", lambda path: Image.fromarray(frames(1)[0]).save(path, "PNG"), "rejected", "is a picture (png)")
    make("photo.mp4", lambda path: Image.fromarray(frames(1)[0]).save(path, "JPEG"), "rejected", "is a picture (jpeg)")
    make("still.gif", lambda path: Image.fromarray(frames(1)[0]).save(path), "rejected", "only one frame")
    make(
        "wav-named.mp4", lambda path: soundfile.write(path, sound(), RATE, format="WAV"), "rejected", "only sound (wav)"
    )
    make("playlist.mp4", f"#EXTM3U\n#EXTINF:2,\n{good}\n#EXT-X-ENDLIST\n".encode(), "rejected", "a playlist")
    make("concat.mp4", f"ffconcat version 1.0\nfile '{good.name}'\n".encode(), "rejected", "a playlist")
    make("archive.mp4", _archive, "rejected", "a zip archive")
    make("folder.mp4", lambda path: path.mkdir(), "rejected", "is a folder")
    make("pipe.mp4", os.mkfifo, "rejected", "a pipe")
    make("sound-pipe.wav", os.mkfifo, "rejected", "a pipe")
    make("missing.mp4", lambda path: None, "rejected", "is missing")
    make("link.mp4", lambda path: path.symlink_to(good))
    make("dangling.mp4", lambda path: path.symlink_to("nowhere.mp4"), "rejected", "is missing")
    make("loop.mp4", lambda path: path.symlink_to(path), "rejected", "cannot be reached")
    make("sparse-100-GB.mp4", lambda path: _sparse(path, 100 << 30), "rejected")
    make("sound-sparse-100-GB.wav", lambda path: _sparse(path, 100 << 30), "rejected")
    if os.geteuid() != 0:  # to whom nothing is forbidden
        make("forbidden.mp4", _forbidden, "rejected", "permission denied")


def _archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("clip.txt", "no clip")


def _sparse(path: Path, size: int) -> None:
    with path.open("wb") as file:
        file.truncate(size)


def _forbidden(path: Path) -> None:
    encode(path, frames())
    path.chmod(0)


if __name__ == "__main__":
    for fault in make_faults(Path(sys.argv[1])):
        print(fault.expected, fault.kind, ascii(fault.name))

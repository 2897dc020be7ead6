"""media/playable.py: which clips a browser plays, a picture in their place, and copies that it plays."""

import io
import json
import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from swift_saber.errors import InputError
from swift_saber.media.playable import COPY_SIDE, POSTER_SIDE, plays_in_browser, poster, transcode
from swift_saber.media.read import media_seconds
from tests.media_faults import boxes, encode, frames, make_faults, sound
from tests.report.browser import Browser, needs_chromium

_OPUS = {"audio": "libopus", "rate": 48_000}
#: By the file's name, how it is written; whether both browsers play it.
FORMS: dict[str, tuple[dict[str, Any], bool]] = {
    "h264.mp4": ({}, True),
    "h264.m4v": ({"form": "mp4"}, True),
    "h264.mov": ({}, True),
    "H264.MP4": ({"form": "mp4"}, True),
    "vp9.webm": ({"codec": "libvpx-vp9", **_OPUS}, True),
    "vp8.webm": ({"codec": "libvpx", **_OPUS}, True),
    "vp9.mp4": ({"codec": "libvpx-vp9"}, True),
    "mp3.mp4": ({"audio": "libmp3lame"}, True),
    "10-bit.mp4": ({"pixels": "yuv420p10le"}, False),
    "4-4-4.mp4": ({"pixels": "yuv444p"}, False),
    "ac3.mp4": ({"audio": "ac3", "rate": 48_000}, False),
    "hevc.mp4": ({"codec": "libx265"}, False),
    "part2.mp4": ({"codec": "mpeg4"}, False),
    "part2.avi": ({"codec": "mpeg4", "audio": "mp2"}, False),
    "h264.avi": ({"audio": "mp2"}, False),
    "mpeg2.mpg": ({"codec": "mpeg2video", "audio": "mp2", "form": "mpeg"}, False),
    "mpeg1.mpg": ({"codec": "mpeg1video", "audio": "mp2", "form": "mpeg"}, False),
    "wmv2.wmv": ({"codec": "wmv2", "audio": "wmav2"}, False),
    "flv1.flv": ({"codec": "flv", "rate": 44_100}, False),
    "h264.flv": ({"rate": 44_100}, False),
    "h264.ts": ({"form": "mpegts"}, False),
    "h264.mkv": ({}, False),
    "vp9.mkv": ({"codec": "libvpx-vp9", **_OPUS}, False),
    "mjpeg.mov": ({"codec": "mjpeg", "pixels": "yuvj420p"}, False),
    "mp4-named.avi": ({"form": "mp4"}, False),
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for name, (form, _) in FORMS.items():
        if name.startswith("mpeg"):  # which know some rates of frames alone, and the demo's is none of them
            _write_mpeg(folder / name, form["codec"])
        else:
            encode(folder / name, frames(), sound(), **form)
    return folder


def _write_mpeg(path: Path, codec: str) -> None:
    with av.open(str(path), "w", format="mpeg") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 56, 56, "yuv420p"
        for number, picture in enumerate(frames(48)):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize("name", FORMS)
def test_a_clip_plays_by_its_container_its_codecs_and_its_name(clips: Path, name: str) -> None:
    assert plays_in_browser(clips / name) is FORMS[name][1]


@needs_chromium
def test_chromium_plays_all_that_is_said_to_play_and_what_is_written_in_place_of_the_rest(
    clips: Path, tmp_path: Path
) -> None:
    paths = [clips / name for name, (_, plays) in FORMS.items() if plays]
    for name, (_, plays) in FORMS.items():
        if not plays:
            transcode(clips / name, tmp_path / f"{name}.mp4")
            assert plays_in_browser(tmp_path / f"{name}.mp4")
            paths.append(tmp_path / f"{name}.mp4")
    page = tmp_path / "page.html"
    page.write_text("".join(f'<video muted src="{path.as_uri()}"></video>' for path in paths), encoding="utf-8")
    told = (
        "Promise.all([...document.querySelectorAll('video')].map(async (each) => {"
        "try { await each.play(); } catch (error) { return each.src; }"
        "return each.videoWidth > 0 && each.duration > 1.5 ? null : each.src + each.duration; }))"
    )
    with Browser() as browser:
        browser.open(page)
        assert [each for each in browser.value(told) if each] == []


def test_what_is_no_clip_plays_nowhere_and_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no clip", encoding="utf-8")
    (tmp_path / "empty.mp4").touch()
    for name in ("text.mp4", "empty.mp4", "missing.mp4", "."):
        assert not plays_in_browser(tmp_path / name)


def test_a_sound_plays_by_its_own_codec(tmp_path: Path) -> None:
    for name, plays in {"a.wav": True, "a.flac": True, "a.ogg": True, "a.mp3": True, "a.aiff": False}.items():
        soundfile.write(tmp_path / name, sound(), 16_000)
        assert plays_in_browser(tmp_path / name, "audio") is plays, name
    encode(tmp_path / "a.m4a", None, sound(), form="ipod")
    encode(tmp_path / "alac.m4a", None, sound(), audio="alac", form="ipod")
    encode(tmp_path / "hevc.mp4", frames(), sound(), codec="libx265")
    encode(tmp_path / "mute.mp4", frames())
    found = [plays_in_browser(tmp_path / name, "audio") for name in ("a.m4a", "alac.m4a", "hevc.mp4", "mute.mp4")]
    assert found == [True, False, True, False]
    assert not plays_in_browser(tmp_path / "a.wav")  # which has no picture
    assert plays_in_browser(tmp_path / "mute.mp4")


def _picture(data: bytes) -> np.ndarray:
    assert data.startswith(b"\xff\xd8\xff")
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def _halves(count: int = 16, height: int = 48, width: int = 80) -> np.ndarray:
    """Frames whose left half is red and whose right half is blue."""
    pictures = np.zeros((count, height, width, 3), np.uint8)
    pictures[:, :, : width // 2, 0] = pictures[:, :, width // 2 :, 2] = 220
    return pictures


def test_a_poster_of_every_form_shows_the_clip(clips: Path) -> None:
    truth = frames().astype(int)
    for name in FORMS:
        made = _picture(poster(clips / name))
        assert made.shape == (56, 56, 3), name
        # As near to a frame of the clip as lossy codecs leave it.
        assert min(np.abs(made - picture).mean() for picture in truth) < 20, name


def test_a_poster_is_turned_as_a_player_turns_the_clip_and_small(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", _halves())
    turned = tmp_path / "turned.mp4"
    _turn(tmp_path / "a.mp4", turned)
    made = _picture(poster(turned))
    assert made.shape == (80, 48, 3)
    assert made[10, 24, 0] > 150 > made[10, 24, 2]  # red is above: turned by a quarter to the right
    assert made[70, 24, 2] > 150 > made[70, 24, 0]
    encode(tmp_path / "large.mp4", _halves(4, 720, 1280))
    data = poster(tmp_path / "large.mp4")
    assert _picture(data).shape == (180, POSTER_SIDE, 3)
    assert len(data) < 8000


def _turn(path: Path, to: Path) -> None:
    """Write a clip with a header that says it is to be turned to the right by 90 degrees."""
    data = bytearray(path.read_bytes())
    [start] = [begin for name, begin, _ in boxes(bytes(data)) if name == "tkhd"]
    data[start + 48 : start + 84] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 48 << 16, 0, 1 << 30)
    to.write_bytes(bytes(data))


def test_a_poster_has_square_pixels(tmp_path: Path) -> None:
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 40, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        for picture in _halves(8, 48, 40):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    assert _picture(poster(path)).shape == (48, 80, 3)
    transcode(path, tmp_path / "copy.mp4")
    with av.open(str(tmp_path / "copy.mp4")) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (80, 48)


def test_a_poster_is_out_of_the_middle_where_the_beginning_is_black(tmp_path: Path) -> None:
    pictures = _halves(32)
    pictures[:8] = 0
    for name in ("a.mp4", "a.mkv", "a.ts"):
        encode(tmp_path / name, pictures)
        assert _picture(poster(tmp_path / name)).max() > 150, name


def test_a_copy_keeps_the_times_of_picture_and_sound(tmp_path: Path) -> None:
    # 2 s of sound whose second half is silent, and pictures with a gap.
    samples = sound()
    samples[16_000:] = 0
    times = [0, 1, 2, 3, 8, 9, 10, 15]
    encode(tmp_path / "a.mkv", frames(8), samples, codec="mpeg4", times=times)
    transcode(tmp_path / "a.mkv", tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        shown = [round(frame.time * 8) for frame in container.decode(video=0)]
    assert shown == times
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    loud = np.flatnonzero(np.abs(heard) > 0.02) / rate
    assert loud[0] < 0.1 and 0.9 < loud[-1] < 1.1


def test_a_copy_is_upright_even_and_not_large(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", _halves(8, 49, 81), pixels="yuv444p")
    transcode(tmp_path / "a.mp4", tmp_path / "odd.mp4")
    assert plays_in_browser(tmp_path / "odd.mp4")
    encode(tmp_path / "b.mp4", _halves())
    _turn(tmp_path / "b.mp4", tmp_path / "turned.mp4")
    transcode(tmp_path / "turned.mp4", tmp_path / "upright.mp4")
    encode(tmp_path / "large.mp4", _halves(2, 1080, 1920))
    transcode(tmp_path / "large.mp4", tmp_path / "small.mp4")
    sizes = []
    for name in ("odd.mp4", "upright.mp4", "small.mp4"):
        with av.open(str(tmp_path / name)) as container:
            picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
            sizes.append(picture.shape[:2])
            if name == "upright.mp4":
                assert picture[10, 24, 0] > 150 > picture[10, 24, 2]
    assert sizes == [(50, 82), (80, 48), (720, COPY_SIDE)]


def test_a_copy_of_sound_alone(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.aiff", np.stack([sound(), sound()], axis=1), 22_050)
    transcode(tmp_path / "a.aiff", tmp_path / "a.mp4", "audio")
    assert plays_in_browser(tmp_path / "a.mp4", "audio")
    assert media_seconds(tmp_path / "a.mp4") == pytest.approx(2 * 16_000 / 22_050, abs=0.1)


def test_where_x264_is_missing_the_copy_plays_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(tmp_path / "a.mkv", frames(), sound())
    monkeypatch.setattr(av, "codecs_available", av.codecs_available - {"libx264"})
    transcode(tmp_path / "a.mkv", tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].codec_context.codec.canonical_name == "vp9"
    assert plays_in_browser(tmp_path / "a.mp4")


def test_of_what_cannot_be_read_there_is_an_error_and_no_copy(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no clip", encoding="utf-8")
    encode(tmp_path / "sound.mp4", None, sound())
    for name in ("text.mp4", "missing.mp4", "sound.mp4"):
        with pytest.raises(InputError, match=name):
            poster(tmp_path / name)
        with pytest.raises(InputError, match=name):
            transcode(tmp_path / name, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()
    assert not list(tmp_path.glob("*partial*"))


@pytest.mark.slow
def test_broken_clips_are_errors_in_one_line_or_work(tmp_path: Path) -> None:
    program = """
import json, sys
from pathlib import Path
from swift_saber.errors import InputError
from swift_saber.media.playable import plays_in_browser, poster, transcode
for path in map(Path, json.load(sys.stdin)):
    plays_in_browser(path)
    for made in (poster, lambda path: transcode(path, Path(sys.argv[1]))):
        try:
            made(path)
        except InputError as error:
            assert chr(10) not in str(error), error
"""
    paths = [str(fault.path) for fault in make_faults(tmp_path / "faults") if fault.kind == "video"]
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "copy.mp4")],
        input=json.dumps([path for path in paths if "pipe" not in path]),
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]

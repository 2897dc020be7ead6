"""pipeline/clip_media.py: the picture that is handed on shows the clip's own frames, each, in their order and time."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from swift_saber.models.reply import Unusable
from swift_saber.pipeline.clip_media import picture_of, sound_of
from tests.media_faults import encode, frames, sound
from tests.numbered_clips import FPS, HEIGHT, WIDTH, Stream, number_of, picture, write

NUMBERS = range(30)
UNEVEN = [number + 3 * (number // 10) for number in NUMBERS]  # three are missing after every tenth


def stream(codec: str = "libx264", pixels: str = "yuv420p", **more: object) -> Stream:
    return Stream(codec, pixels, numbers=NUMBERS, **more)


# A form of a file: its stream, and the container's name where the file's says another one.
FORMS: dict[str, tuple[Stream, str | None]] = {
    "a.mp4": (stream(), None),
    "trimmed.mp4": (stream(times=range(-7, 23)), None),  # an edit list cuts off what is before 0
    "uneven.mp4": (stream(times=UNEVEN), None),
    "uneven.mkv": (stream(times=UNEVEN), None),
    "uneven.ts": (stream(times=UNEVEN), None),
    "hevc.mp4": (stream("libx265"), None),
    "mpeg4.mp4": (stream("mpeg4", options={"bf": "2"}), None),
    "a.mkv": (stream(), None),
    "a-matroska-called.mp4": (stream(), "matroska"),
    "hevc.mkv": (stream("libx265"), None),
    "mpeg4.mkv": (stream("mpeg4", options={"bf": "2"}), None),
    "ffv1.mkv": (stream("ffv1"), None),
    "odd.mkv": (stream("ffv1", draw=lambda number: picture(number, HEIGHT + 1, WIDTH + 1)), None),
    "rgb.mkv": (stream("libx264rgb", "rgb24"), None),
    "a.avi": (stream(), None),
    "mpeg4.avi": (stream("mpeg4", options={"bf": "2"}), None),
    "a.ts": (stream(), None),
    "mpeg2.ts": (stream("mpeg2video"), None),
    "mpeg2.mpg": (stream("mpeg2video"), None),
    "a.flv": (stream(), None),
    "flv1.flv": (stream("flv"), None),
    "vp8.webm": (stream("libvpx"), None),
    "vp9.webm": (stream("libvpx-vp9"), None),
    "wmv2.wmv": (stream("wmv2"), "asf"),
    "a.gif": (stream("gif", "rgb8"), None),
    "mjpeg.mov": (stream("mjpeg", "yuvj420p"), None),
    "tape.dv": (Stream("dvvideo", numbers=range(4), draw=lambda number: picture(number, 576, 720)), None),
    "a.h264": (stream(), None),
}


def shown(data: bytes) -> list[tuple[int | None, float]]:
    """The number of each frame of an mp4, and its seconds after the beginning."""
    with av.open(io.BytesIO(data)) as container:
        [video] = container.streams  # and nothing else: no sound
        decoded = list(container.decode(video))
        assert (container.format.name, video.frames) == ("mov,mp4,m4a,3gp,3g2,mj2", len(decoded))
        return [(number_of(frame.to_ndarray(format="rgb24")), round(frame.time, 2)) for frame in decoded]


@pytest.mark.parametrize("name", FORMS)
def test_every_frame_that_a_player_shows_is_handed_on(name: str, tmp_path: Path) -> None:
    made, form = FORMS[name]
    write(tmp_path / name, made, form=form)
    times = zip(made.numbers, made.times or made.numbers, strict=True)
    wanted = [(number, round(time / FPS, 2)) for number, time in times if time >= 0]
    data = picture_of(str(tmp_path / name))
    assert shown(data) == wanted
    assert data == picture_of(str(tmp_path / name))  # a request is known again by it


@pytest.mark.parametrize("form", ["ts", "flv"])
def test_joined_files_whose_pictures_size_changes_are_one_clip(form: str, tmp_path: Path) -> None:
    """As `cat` joins transport streams, whose clock begins anew then, and as those who stream write FLV."""
    large = Stream(numbers=range(15, 30), draw=lambda number: picture(number, 2 * HEIGHT, 2 * WIDTH))
    data = []
    for part in (Stream(numbers=range(15)), large):
        write(tmp_path / f"part.{form}", part)
        data.append((tmp_path / f"part.{form}").read_bytes())
    (tmp_path / f"joined.{form}").write_bytes(data[0] + (_later(data[1], 600) if form == "flv" else data[1]))
    assert shown(picture_of(str(tmp_path / f"joined.{form}"))) == [(n, round(n / FPS, 2)) for n in range(30)]


def _later(flv: bytes, shift: int) -> bytes:
    """The pictures of an FLV file, so many milliseconds later."""
    at, found = 13, b""
    while at < len(flv):
        end = at + 11 + int.from_bytes(flv[at + 1 : at + 4], "big") + 4
        if flv[at] == 9:
            time = int.from_bytes(flv[at + 4 : at + 7], "big") + shift
            found += flv[at : at + 4] + time.to_bytes(3, "big") + flv[at + 7 : end]
        at = end
    return found


def test_a_clip_that_is_to_be_turned_is_upright(tmp_path: Path) -> None:
    """As telephones write them, once copied and once trimmed, so that it is encoded anew."""
    for name, first in (("whole.mp4", 0), ("trimmed.mp4", -7)):
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            made = stream(times=range(first, first + 30), draw=lambda number: np.rot90(picture(number), -1))
            video = made.open(container)
            video.set_display_rotation(90)
            container.mux(made.packets(video))
        with av.open(io.BytesIO(picture_of(str(path)))) as container:
            found = list(container.decode(video=0))
        assert {frame.rotation for frame in found} == {0 if first else 90}
        upright = [np.rot90(frame.to_ndarray(format="rgb24"), frame.rotation // 90) for frame in found]
        assert [number_of(frame) for frame in upright] == list(range(-first, 30))


@pytest.mark.parametrize(
    ("name", "codec", "pixels"),
    [
        ("full-range.avi", "mjpeg", "yuvj420p"),
        ("rgb.avi", "libx264rgb", "rgb24"),
        ("deep.avi", "libx264", "yuv420p10le"),
        ("full-colour.avi", "libx264", "yuv444p"),
    ],
)
def test_colours_stay_where_a_picture_is_encoded_anew(name: str, codec: str, pixels: str, tmp_path: Path) -> None:
    red = (200, 30, 30)
    drawn = Stream(codec, pixels, numbers=range(4), draw=lambda _: np.full((HEIGHT, WIDTH, 3), red, np.uint8))
    write(tmp_path / name, drawn)
    with av.open(io.BytesIO(picture_of(str(tmp_path / name)))) as container:
        found = next(container.decode(video=0)).to_ndarray(format="rgb24")
    # Two roundings, of YUV and of RGB, cost each channel a few steps of 255; a wrong range costs 9 and more.
    assert np.abs(found.mean(axis=(0, 1)) - red).max() <= 4


def test_a_copy_is_the_files_own_packets(tmp_path: Path) -> None:
    write(tmp_path / "a.mkv", stream())

    def packets(source: str | io.BytesIO) -> list[bytes]:
        with av.open(source) as container:
            return [bytes(packet) for packet in container.demux(video=0) if packet.size]

    data = picture_of(str(tmp_path / "a.mkv"))
    assert packets(io.BytesIO(data)) == packets(str(tmp_path / "a.mkv"))


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4")])
def test_a_picture_of_which_nothing_decodes_is_not_handed_on(name: str, codec: str, tmp_path: Path) -> None:
    broken = stream(codec)
    broken.change = lambda packets: [_zeros(packet) for packet in packets]
    write(tmp_path / name, broken)
    with pytest.raises(Unusable, match="picture"):
        picture_of(str(tmp_path / name))


def _zeros(packet: av.Packet) -> av.Packet:
    """A packet of the same place whose pictures are zeros; its length still stands before it, as mp4 has it."""
    size = packet.size
    new = av.Packet((size - 4).to_bytes(4, "big") + bytes(size - 4))
    new.stream, new.pts, new.dts, new.time_base = packet.stream, packet.pts, packet.dts, packet.time_base
    new.is_keyframe = packet.is_keyframe
    return new


def test_a_file_without_a_picture_is_named(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", None, sound(1))
    with pytest.raises(Unusable, match="the clip has no picture"):
        picture_of(str(tmp_path / "a.mp4"))
    encode(tmp_path / "b.mp4", frames(8), sound(1))
    assert len(shown(picture_of(str(tmp_path / "b.mp4")))) == 8


def test_a_sound_that_does_not_decode_costs_its_own_clip(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(16_000, np.nan), 16_000, subtype="FLOAT")
    with pytest.raises(Unusable, match="sound cannot be read .holds samples that are not numbers"):
        sound_of(str(tmp_path / "a.wav"))

"""Prepared clips read back as what was written, bit for bit, and say when they are asked for as something else."""

import os
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from swift_saber.errors import InputError
from swift_saber.media import prepared
from swift_saber.media.fault import clip_fault
from swift_saber.media.prepared import FORMS, Prepared
from tests.media_faults import encode, frames

SETTINGS = {"reader": "pyav", "FPS": 2.0, "FPS_MAX_FRAMES": 40, "VIDEO_MAX_PIXELS": 50176}
SOURCE = {"name": "a.mp4", "digest": "0" * 16}
# Rates that QuickTime's fractions hold, and one that they do not.
RATES = (40 / 751 * 25, 0.1, 60.0, 7.123456789)


def a_clip(sample_fps: float = 4 / 3, shape: tuple[int, int, int] = (6, 84, 140)) -> Prepared:
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    return Prepared(pixels, sample_fps, SETTINGS, SOURCE)


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("rate", RATES)
def test_what_is_read_is_what_was_written(tmp_path: Path, form: str, rate: float) -> None:
    clip = a_clip(rate)
    prepared.write(tmp_path / "a.mov", clip, form=form)
    found = prepared.read(tmp_path / "a.mov")
    assert found is not None
    assert found.pixels.dtype == np.uint8
    assert np.array_equal(found.pixels, clip.pixels)
    assert found[1:] == (rate, SETTINGS, SOURCE)


@pytest.mark.parametrize("shape", [(2, 28, 28), (2, 3, 5), (768, 28, 56)])
def test_any_size_and_number_of_frames(tmp_path: Path, form: str, shape: tuple[int, int, int]) -> None:
    clip = a_clip(shape=shape)
    prepared.write(tmp_path / "a.mov", clip, form=form)
    found = prepared.read(tmp_path / "a.mov")
    assert found is not None
    assert np.array_equal(found.pixels, clip.pixels)


def test_compressed_is_smaller_where_a_picture_has_a_pattern(tmp_path: Path) -> None:
    # Each pixel is its neighbour plus one step, which a codec that predicts it by its neighbours need not write.
    ramp = np.arange(224 * 420, dtype=np.uint32).reshape(224, 420, 1) // 2
    clip = a_clip()._replace(pixels=np.broadcast_to(ramp % 256, (4, 224, 420, 3)).astype(np.uint8))
    for form in FORMS:
        prepared.write(tmp_path / f"{form}.mov", clip, form=form)
    assert os.path.getsize(tmp_path / "magicyuv.mov") < os.path.getsize(tmp_path / "raw.mov") / 2


def test_a_player_and_decord_show_the_same(tmp_path: Path, form: str) -> None:
    decord = pytest.importorskip("decord")
    clip = a_clip(4 / 3)
    path = tmp_path / "a.mov"
    prepared.write(path, clip, form=form)
    shown = decord.VideoReader(str(path))
    assert np.array_equal(shown.get_batch(range(len(shown))).asnumpy(), clip.pixels)
    assert shown.get_avg_fps() == 4 / 3
    assert clip_fault([str(path)], []) is None


def test_other_files_are_none(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mov"):
        encode(tmp_path / name, frames())
        assert prepared.read(tmp_path / name) is None
    assert prepared.read(tmp_path / "not there.mp4") is None


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    path.write_bytes(b"moov" * 100)
    with pytest.raises(InputError, match=r"a\.mov: prepared clip: cannot be read .*swift-saber prepare"):
        prepared.read(path)


def test_a_format_of_another_version_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr(prepared, "_FORMAT", 2)
        prepared.write(tmp_path / "a.mov", a_clip())
    with pytest.raises(InputError, match="is of format 2, and 1 is known here"):
        prepared.read(tmp_path / "a.mov")


def test_a_file_that_lost_frames_is_not_read_in_part(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    clip = a_clip()
    prepared.write(path, clip)
    with av.open(str(path)) as container:
        at = next(packet.pos for packet in container.demux() if packet.pts)
    data = bytearray(path.read_bytes())
    size = clip.pixels[0].nbytes
    assert data[at : at + size] == clip.pixels[1].tobytes()  # the second frame stands there
    # The table of sizes says that each frame has so many bytes; a frame of none is one that is not there.
    data[data.rindex(b"stsz") + 4 :] = data[data.rindex(b"stsz") + 4 :].replace(size.to_bytes(4, "big"), bytes(4), 1)
    path.write_bytes(data)
    with pytest.raises(InputError, match="prepared clip: cannot be read"):
        prepared.read(path)


def test_nothing_is_kept_that_reads_back_as_something_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(prepared._FORMS, "raw", ("mjpeg", "yuvj420p", {}))  # which loses much
    with pytest.raises(ValueError, match="something else"):
        prepared.write(tmp_path / "a.mov", a_clip())
    assert list(tmp_path.iterdir()) == []


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    prepared.check_settings(path, SETTINGS, {**SETTINGS, "FPS": 2})
    asked = {**SETTINGS, "FPS_MAX_FRAMES": 20, "nframes": 8}
    with pytest.raises(InputError) as caught:
        prepared.check_settings(path, SETTINGS, asked)
    said = "was prepared with FPS_MAX_FRAMES 40, nframes unset, and is asked for with FPS_MAX_FRAMES 20, nframes 8"
    assert said in str(caught.value)


# 1/32768 is a step of 16 bits; half of one, and what lies outside -1..1, are not.
SOUNDS = {
    "16 bits": ([0, 1 / 32768, -1, 32767 / 32768], "PCM_16"),
    "half a step": ([0, 0.5 / 32768], "FLOAT"),
    "above 1": ([0.5, 1.0, 1.5], "FLOAT"),
    "none": ([], "PCM_16"),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_sound_reads_back_bit_for_bit(tmp_path: Path, name: str) -> None:
    values, subtype = SOUNDS[name]
    samples = np.array(values, np.float32)
    prepared.write_sound(tmp_path / "a.wav", samples, 16_000)
    found, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == 16_000
    assert np.array_equal(found, samples)
    assert soundfile.info(tmp_path / "a.wav").subtype == subtype


def test_sound_that_does_not_read_back_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="something else"):
        prepared.write_sound(tmp_path / "a.wav", np.array([np.nan], np.float32), 16_000)
    assert list(tmp_path.iterdir()) == []

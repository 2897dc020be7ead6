"""media/fault.py: what is found at the end of long clips, and with other readers."""

import re
from pathlib import Path

import pytest
import soundfile

from swift_saber.media.fault import ALL_PICTURES, clip_fault
from tests.media_faults import encode, frames, sound


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of which the last quarter lies beyond the frames that are all decoded."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    encode(path, frames(ALL_PICTURES * 4 // 3), movflags="faststart")
    return path


def test_a_long_film_is_followed_to_its_end(film: Path) -> None:
    assert clip_fault([str(film)], []) is None


def test_a_long_film_that_breaks_off_after_the_decoded_frames_is_truncated(film: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    data = film.read_bytes()
    cut.write_bytes(data[: len(data) * 4 // 5])  # 500 seconds, of which the first 375 are decoded
    problem = clip_fault([str(cut)], [])
    found = re.search(r"is truncated: ([\d.]+) of 500.0 seconds", problem.reason if problem else "")
    assert found and float(found[1]) == pytest.approx(400, abs=10)


def test_a_header_that_counts_from_zero_promises_no_more_of_a_clip_that_starts_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_QWENVL_VIDEO_READER", "torchvision")  # decord cannot read the form below at all
    encode(tmp_path / "a.asf", frames(), codec="mpeg4", times=list(range(80, 96)))  # ends at 12 s, and has 2
    assert clip_fault([str(tmp_path / "a.asf")], []) is None


def test_the_first_bad_file_of_a_row_is_named(film: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    problem = clip_fault([str(film)], [str(bad), str(tmp_path / "gone.wav")])
    assert problem and problem.reason.startswith(f"{bad}: holds text")


def test_only_the_reader_in_use_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.gif"
    encode(path, frames(), codec="gif", pixels="rgb8")
    monkeypatch.setenv("FORCE_QWENVL_VIDEO_READER", "torchvision")
    assert clip_fault([str(path)], []) is None
    pytest.importorskip("decord")
    monkeypatch.setenv("FORCE_QWENVL_VIDEO_READER", "decord")
    problem = clip_fault([str(path)], [])
    assert problem and "cannot be read by decord" in problem.reason
    assert "ffmpeg -i IN -c:v libx264" in problem.remedy


def test_without_the_ffmpeg_program_only_a_reader_that_is_asked_for_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.m4a"
    encode(path, None, sound(), form="mp4")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SWIFT_AUDIO_LOAD_BACKEND", raising=False)
    assert clip_fault([], [str(path)]) is None
    monkeypatch.setenv("SWIFT_AUDIO_LOAD_BACKEND", "librosa")
    problem = clip_fault([], [str(path)])
    assert problem and "librosa, the reader of sound asked for, reads only with the ffmpeg program" in problem.reason
    assert "unset SWIFT_AUDIO_LOAD_BACKEND" in problem.remedy
    monkeypatch.setenv("SWIFT_AUDIO_LOAD_BACKEND", "soundfile_pyav")
    assert clip_fault([], [str(path)]) is None


@pytest.mark.parametrize("backend", ["librosa", "soundfile_pyav"])
def test_gsm_that_ms_swift_cannot_read_is_rejected_where_its_readers_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    soundfile.write(tmp_path / "a.wav", sound(), 8_000, subtype="GSM610")
    assert clip_fault([], [str(tmp_path / "a.wav")]) is None
    monkeypatch.setenv("SWIFT_AUDIO_LOAD_BACKEND", backend)
    problem = clip_fault([], [str(tmp_path / "a.wav")])
    assert problem and f"{backend}, the reader of sound asked for, cannot read" in problem.reason


def test_gsm_that_breaks_off_is_truncated(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sound(), 8_000, subtype="GSM610")
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data[: len(data) // 2])
    problem = clip_fault([], [str(tmp_path / "a.wav")])
    assert problem and "is truncated" in problem.reason


def test_decord_is_asked_only_where_it_is_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(tmp_path / "a.gif", frames(), codec="gif", pixels="rgb8")
    monkeypatch.delenv("FORCE_QWENVL_VIDEO_READER", raising=False)
    assert clip_fault([str(tmp_path / "a.gif")], []) is None

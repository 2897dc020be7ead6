"""media.py: the reason given for a clip is the clip's own."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from swift_saber.media import audio_problem, clip_problem, media_settings, video_problem


@pytest.fixture
def clip(tiny_world: Path) -> tuple[Path, Path]:
    video = next(iter(sorted((tiny_world / "media").glob("*.mp4"))))
    return video, video.with_suffix(".wav")


def test_a_good_clip_has_no_problem(clip: tuple[Path, Path]) -> None:
    video, audio = clip
    assert clip_problem([str(video)], [str(audio)]) is None


def test_a_cut_off_video_is_not_readable(clip: tuple[Path, Path], tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    data = clip[0].read_bytes()
    cut.write_bytes(data[: len(data) // 4])
    assert "not a readable video" in (video_problem(cut) or "")


def test_a_sound_file_is_no_video(clip: tuple[Path, Path]) -> None:
    assert video_problem(clip[1]) == "has no video stream"


def test_a_silent_film_has_no_audio_stream(clip: tuple[Path, Path]) -> None:
    assert audio_problem(clip[0]) == "has no audio stream"


def test_text_is_no_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_text("hello")
    assert "not a readable audio file" in (audio_problem(path) or "")


def test_a_wav_without_samples_holds_no_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(0), 16000)
    assert audio_problem(path) == "holds no sound"


def test_samples_that_are_not_numbers_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.array([0.0, np.nan], dtype="float32"), 16000, subtype="FLOAT")
    assert audio_problem(path) == "holds samples that are not numbers"


def test_missing_and_empty_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert video_problem(tmp_path / "empty.mp4") == "is empty"
    assert video_problem(tmp_path / "gone.mp4") == "is not a file"


def test_only_media_settings_are_taken_from_an_environment() -> None:
    assert media_settings({"FPS": "2", "HOME": "/root", "VIDEO_MAX_PIXELS": "1"}) == {
        "VIDEO_MAX_PIXELS": "1",
        "FPS": "2",
    }

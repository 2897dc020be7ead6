"""media.py: the reason given for a clip is the clip's own."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from swift_saber.media import audio_problem, clip_problem, content, media_settings, video_problem


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
    assert video_problem(tmp_path / "gone.mp4") == "is missing"


def test_a_folder_and_a_pipe_are_no_clips_and_hold_nothing_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    assert video_problem(tmp_path) == "is a folder"
    assert "is not a file (a pipe" in (audio_problem(tmp_path / "pipe.wav") or "")
    assert "cannot be reached" in (video_problem("a\0b.mp4") or "")


def test_a_playlist_is_not_followed(clip: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "list.mp4"
    path.write_text(f"#EXTM3U\n#EXTINF:1,\n{clip[0]}\n#EXT-X-ENDLIST\n")
    assert "is not a readable video" in (video_problem(path) or "")
    assert content(path) == "a playlist, which names other files"


def test_a_name_that_ffmpeg_would_obey_is_only_a_name(
    clip: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("concat:a.mp4").write_bytes(clip[0].read_bytes())
    assert video_problem("concat:a.mp4") is None


@pytest.mark.parametrize(
    ("data", "held"),
    [
        (b"\x89PNG\r\n", "a picture (png)"),
        (b"PK\x03\x04...", "a zip archive"),
        (b"<!DOCTYPE HTML>", "a web page"),
        ("删除了\n".encode(), "text"),
        (bytes(2000), "zeros"),
        (bytes(range(128, 256)), None),
    ],
)
def test_what_is_no_media_is_named(tmp_path: Path, data: bytes, held: str | None) -> None:
    (tmp_path / "a.mp4").write_bytes(data)
    assert content(tmp_path / "a.mp4") == held


def test_only_media_settings_are_taken_from_an_environment() -> None:
    assert media_settings({"FPS": "2", "HOME": "/root", "VIDEO_MAX_PIXELS": "1"}) == {
        "VIDEO_MAX_PIXELS": "1",
        "FPS": "2",
    }

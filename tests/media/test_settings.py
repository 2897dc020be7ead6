"""media/settings.py, media/read.py and media/fault.py: the reason given for a clip is the clip's own."""

import json
import mimetypes
import os
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from swift_saber.data.folder import join_folder
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.clips_by_name import find_media
from swift_saber.media import settings
from swift_saber.media.fault import beginning_problem, clip_problem
from swift_saber.media.frames import read_frames
from swift_saber.media.read import content
from swift_saber.media.settings import media_settings, settings_in_force, video_reader
from swift_saber.media.sound import samples_of
from swift_saber.mini import face
from swift_saber.models.clips import clip_parts
from swift_saber.pipeline.sources.generic import Generic
from tests.media_faults import encode
from tests.plugin.test_dataset import ENGLISH

video_problem, audio_problem = (partial(beginning_problem, kind=kind) for kind in ("video", "audio"))

# What readers know and data sets hold, and the media types that IANA registers or, with "x-", browsers know.
VIDEO_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".avi": "video/x-msvideo",
    ".flv": "video/x-flv",
    ".wmv": "video/x-ms-wmv",
    ".asf": "video/x-ms-asf",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
    ".vob": "video/mpeg",
    ".3gp": "video/3gpp",
    ".3g2": "video/3gpp2",
    ".ts": "video/mp2t",
    ".mts": "video/mp2t",
    ".m2ts": "video/mp2t",
}
AUDIO_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".aac": "audio/aac",
}


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


def test_reader_timing_and_sound_are_named_also_where_nothing_is_set() -> None:
    defaults = {"FORCE_QWENVL_VIDEO_READER": "pyav", "SABER_TIMING": "true", "SABER_SOUND": "inside"}
    assert settings_in_force({"HOME": "/root", "SABER_TIMING": ""}) == defaults
    others = {"FORCE_QWENVL_VIDEO_READER": "decord", "SABER_TIMING": "legacy", "SABER_SOUND": "given", "FPS": "2"}
    assert settings_in_force(others) == others
    for name in ("SABER_TIMING", "SABER_SOUND"):
        with pytest.raises(InputError, match=f"environment: {name}: is 'x'"):
            settings_in_force({name: "x"})


@pytest.mark.parametrize("ending", [*VIDEO_TYPES, *AUDIO_TYPES, ".M4V", ".OPUS"])
def test_a_clip_of_any_ending_is_found_by_all_who_look_for_one(
    clip: tuple[Path, Path], tmp_path: Path, ending: str
) -> None:
    records, media = tmp_path / "records", tmp_path / "media"
    records.mkdir()
    media.mkdir()
    (records / "a.json").write_text(json.dumps(ENGLISH))
    video, audio = (media / "a.mp4", media / f"a{ending}")
    if ending.lower() in VIDEO_TYPES:
        video, audio = (media / f"a{ending}", media / "a.wav")
    shutil.copy(clip[0], video)
    shutil.copy(clip[1], audio)
    [matched] = join_folder(records, media, need_audio=True).matched
    assert matched[2:] == (str(video), str(audio))
    assert find_media(["a"], media) == {"a": (str(video), [str(audio)])}
    [found] = Generic(media, language="en").clips()
    assert (found.video, found.audio) == (str(video), str(audio))


# What of each kind is met: the muxer, picture and sound. MTS is what camcorders write, with 4 bytes before each packet.
_FORMS = {
    ".mp4": ("mp4", "libx264", "aac"),
    ".mov": ("mov", "libx264", "aac"),
    ".mkv": ("matroska", "libx264", "aac"),
    ".webm": ("webm", "libvpx", "libopus"),
    ".avi": ("avi", "mpeg4", "mp2"),
    ".flv": ("flv", "flv", "aac"),
    ".wmv": ("asf", "wmv2", "wmav2"),
    ".asf": ("asf", "wmv2", "wmav2"),
    ".mpg": ("mpeg", "mpeg2video", "mp2"),
    ".vob": ("vob", "mpeg2video", "ac3"),
    ".3gp": ("3gp", "libx264", "aac"),
    ".3g2": ("3g2", "libx264", "aac"),
    ".ts": ("mpegts", "libx264", "aac"),
    ".mts": ("mpegts", "libx264", "ac3"),
}
_SAME = {".m4v": ".mp4", ".mpeg": ".mpg", ".m2ts": ".mts"}


def test_frames_and_sound_of_every_kind_of_file_are_read(tmp_path: Path) -> None:
    assert _FORMS.keys() | _SAME.keys() == settings.VIDEO_SUFFIXES.keys()
    levels, rate = 10 * np.arange(24), 48_000  # of grey: a frame is known by its own
    drawn = np.broadcast_to(levels[:, None, None, None], (24, 64, 64, 3)).astype("uint8")
    tone = np.sin(2 * np.pi * 440 * np.arange(3 * rate) / rate) / 4  # as long as 24 frames at face.FPS
    for ending, (form, codec, audio) in _FORMS.items():
        options = {"mpegts_m2ts_mode": "1"} if ending == ".mts" else {}
        path = tmp_path / f"a{ending}"
        encode(path, drawn, tone, form=form, codec=codec, audio=audio, rate=rate, **options)
        assert clip_problem([str(path)], []) is None, ending
        shown = read_frames(path, lambda total, _: range(total))
        assert (shown.total, shown.fps) == (24, face.FPS), ending
        assert np.mean(shown.pixels, axis=(1, 2, 3)) == pytest.approx(levels, abs=4), ending
        heard = samples_of(path)
        assert len(heard) == pytest.approx(3 * 16_000, abs=0.1 * 16_000), ending
        peak = np.abs(np.fft.rfft(heard)).argmax() * 16_000 / len(heard)
        assert peak == pytest.approx(440, abs=1), ending


def test_a_servers_media_type_does_not_depend_on_what_the_machine_knows(
    clip: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mimetypes, "guess_type", lambda *_: (None, None))
    for medium, types in (("video", VIDEO_TYPES), ("audio", AUDIO_TYPES)):
        for ending, kind in types.items():
            path = tmp_path / f"a{ending.upper()}"
            shutil.copy(clip[medium == "audio"], path)
            files = ([str(path)], []) if medium == "video" else ([], [str(path)])
            [part] = clip_parts(*files)
            assert part[f"{medium}_url"]["url"].startswith(f"data:{kind};base64,"), ending


def test_a_reader_that_is_not_there_is_named_before_any_clip_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert video_reader({}) == video_reader({"FORCE_QWENVL_VIDEO_READER": ""}) == "pyav"
    with pytest.raises(InputError, match="FORCE_QWENVL_VIDEO_READER: is 'opencv'; use one of pyav, decord"):
        video_reader({"FORCE_QWENVL_VIDEO_READER": "opencv"})
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="is torchcodec, which is not installed"):
        video_reader({"FORCE_QWENVL_VIDEO_READER": "torchcodec"})

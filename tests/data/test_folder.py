"""A folder of one record per clip, joined with the media by file name."""

import json
import logging
import shutil
from pathlib import Path

import pytest

from swift_saber.data.folder import join_folder
from swift_saber.errors import InputError
from tests.media_faults import encode, frames, sound
from tests.plugin.test_dataset import ENGLISH, load


@pytest.fixture
def clip(tiny_world: Path) -> Path:
    return next(iter(sorted((tiny_world / "media").glob("*.mp4"))))


class Release:
    """A folder of records and one of media, filled by a test."""

    def __init__(self, root: Path, clip: Path) -> None:
        self.records, self.media, self.clip = root / "records", root / "media", clip
        self.records.mkdir()
        self.media.mkdir()

    def record(self, name: str) -> None:
        path = self.records / f"{name}.json"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(json.dumps(ENGLISH))

    def clips(self, name: str, *suffixes: str) -> None:
        for suffix in suffixes:
            path = self.media / f"{name}{suffix}"
            path.parent.mkdir(exist_ok=True, parents=True)
            shutil.copy(self.clip.with_suffix(suffix), path)


@pytest.fixture
def release(tmp_path: Path, clip: Path) -> Release:
    return Release(tmp_path, clip)


def join(release: Release, *, need_audio: bool = True) -> dict[str, str]:
    matched = join_folder(release.records, release.media, need_audio=need_audio).matched
    return {clip: str(Path(video).relative_to(release.media)) for _, clip, video, _ in matched}


def test_the_file_name_is_the_clip_id(release: Release) -> None:
    release.record("dia0_utt0")
    release.clips("deep/er/dia0_utt0", ".mp4", ".wav")
    assert join(release) == {"dia0_utt0": "deep/er/dia0_utt0.mp4"}


def test_a_name_that_occurs_in_several_splits_is_told_apart_by_its_folder(release: Release) -> None:
    for split in ("train", "test"):
        release.record(f"{split}/dia0_utt0")
        release.clips(f"{split}/dia0_utt0", ".mp4", ".wav")
    assert join(release) == {"test/dia0_utt0": "test/dia0_utt0.mp4", "train/dia0_utt0": "train/dia0_utt0.mp4"}


def test_a_split_without_media_does_not_take_those_of_another(release: Release) -> None:
    for split in ("train", "test"):
        release.record(f"{split}/dia0_utt0")
    release.record("dev/dia9_utt9")
    release.clips("train/dia0_utt0", ".mp4", ".wav")
    release.clips("train/dia9_utt9", ".mp4", ".wav")
    assert join(release) == {"train/dia0_utt0": "train/dia0_utt0.mp4"}


def test_sound_of_another_split_is_not_put_to_the_picture(release: Release) -> None:
    for split in ("train", "test"):
        release.record(f"{split}/x")
    release.clips("train/x", ".mp4")
    release.clips("test/x", ".mp4", ".wav")
    assert join(release) == {"test/x": "test/x.mp4"}


def test_picture_and_sound_may_lie_in_folders_of_their_own(release: Release) -> None:
    release.record("train/x")
    release.clips("video/train/x", ".mp4")
    release.clips("audio/train/x", ".wav")
    assert join(release) == {"x": "video/train/x.mp4"}


def test_a_name_that_fits_several_clips_is_not_guessed(release: Release) -> None:
    release.record("dia0_utt0")
    release.record("other")
    release.clips("other", ".mp4", ".wav")
    for split in ("train", "test"):
        release.clips(f"{split}/dia0_utt0", ".mp4", ".wav")
    found = join_folder(release.records, release.media, need_audio=True)
    assert [clip for _, clip, _, _ in found.matched] == ["other"]
    assert next(iter(found.unmatched.values())).startswith("several video files are named dia0_utt0")


def test_what_has_no_partner_is_listed_on_both_sides(release: Release) -> None:
    for name in ("both", "no_video", "no_sound"):
        release.record(name)
    release.clips("both", ".mp4", ".wav")
    release.clips("no_sound", ".mp4")
    release.clips("no_record", ".wav")
    found = join_folder(release.records, release.media, need_audio=True)
    assert {Path(record).stem: reason for record, reason in found.unmatched.items()} == {
        "no_video": "no video file is named no_video",
        "no_sound": "no audio file is named no_sound",
    }
    assert [Path(path).name for path in found.unused] == ["no_record.wav", "no_sound.mp4"]


def test_a_clip_whose_sound_is_inside_needs_no_sound_file(release: Release) -> None:
    release.record("a")
    release.clips("a", ".mp4")
    assert join(release, need_audio=False) == {"a": "a.mp4"}


def test_no_match_at_all_says_where_to_put_the_media_root(release: Release) -> None:
    release.record("a")
    with pytest.raises(InputError, match="none of 1 found its clip.*set ROOT_IMAGE_DIR"):
        join(release)


@pytest.mark.usefixtures("plugin")
def test_ms_swift_takes_the_folder_as_a_dataset(
    release: Release, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    release.record("a")
    release.record("lost")
    release.clips("a", ".mp4", ".wav")
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(release.media))
    logging.getLogger("swift").addHandler(caplog.handler)
    try:
        rows = list(load(release.records))
    finally:
        logging.getLogger("swift").removeHandler(caplog.handler)
    assert [row["id"] for row in rows] == ["a"]
    assert rows[0]["videos"] == [str(release.media / "a.mp4")]
    assert "not used" in caplog.text
    assert "lost.json: no video file is named lost" in caplog.text


@pytest.mark.usefixtures("plugin")
def test_clips_that_are_added_or_taken_away_change_the_dataset(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(release.media))
    for name in ("a", "b"):
        release.record(name)
    release.clips("a", ".mp4", ".wav")
    assert [row["id"] for row in load(release.records)] == ["a"]
    release.clips("b", ".mp4", ".wav")
    assert [row["id"] for row in load(release.records)] == ["a", "b"]
    (release.records / "a.json").unlink()
    assert [row["id"] for row in load(release.records)] == ["b"]


@pytest.mark.usefixtures("plugin")
def test_a_json_file_that_is_no_record_does_not_hide_the_others(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(release.media))
    release.record("b")
    release.clips("b", ".mp4", ".wav")
    (release.records / "a.json").write_text("[1]")
    assert [row["id"] for row in load(release.records)] == ["b"]


@pytest.mark.usefixtures("plugin")
def test_a_broken_record_is_named_by_its_file(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        release.record(name)
        release.clips(name, ".mp4", ".wav")
    (release.records / "b.json").write_text(json.dumps({**ENGLISH, "video_desc": None}))
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(release.media))
    with pytest.raises(InputError, match=r"b\.json: video_desc: is null"):
        load(release.records)


def test_a_clip_without_a_sound_file_is_heard_by_the_sound_inside_it(
    release: Release, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    release.record("voice")
    release.record("mute")
    release.clips("mute", ".mp4")  # the demo's videos have no sound
    encode(release.media / "voice.mp4", frames(), sound())
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(release.media))
    with caplog.at_level(logging.WARNING):
        (row,) = load(release.records)
    assert (row["id"], row["audios"]) == ("voice", [str(release.media / "voice.mp4")])
    assert "mute.json: no audio file is named mute, and " in caplog.text
    monkeypatch.setenv("SABER_SOUND", "given")
    with pytest.raises(InputError, match=r"none of 2 found its clip .*no audio file is named mute\)"):
        load(release.records)

"""The MER25 reader on a small folder laid out as mer2025-dataset."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.sources.base import open_source
from swift_saber.pipeline.sources.mer25 import Mer25
from tests.pipeline.sources.layout import put, put_all, put_table, put_text

NAMES = ("sample_00000001", "samplenew_00000002", "samplenew3_00000004", "samplenew4_00000005")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put_all(tmp_path, [f"{kind}/{name}{end}" for kind, end in (("video", ".mp4"), ("audio", ".wav")) for name in NAMES])
    chinese = ("你好", "走吧", "子敬果真是江东第一善人", "")
    rows = [(name, text, "Hello" if name == NAMES[0] else "") for name, text in zip(NAMES, chinese, strict=True)]
    put_table(tmp_path / "subtitle_chieng.csv", ("name", "chinese", "english"), rows)
    discrete = [(NAMES[0], "happy", "2.5"), (NAMES[1], "worried", "-1")]
    put_table(tmp_path / "track1_train_disdim.csv", ("name", "discrete", "valence"), discrete)
    openset = [(NAMES[0], "['joyful', 'warm']"), (NAMES[1], "[]")]
    put_table(tmp_path / "track2_train_mercaptionplus.csv", ("name", "openset"), openset)
    put_table(
        tmp_path / "track3_train_mercaptionplus.csv", ("name", "reason"), [(NAMES[0], "He smiles, \nand says hi.")]
    )
    put_table(tmp_path / "track2_train_ovmerd.csv", ("name", "openset"), [(NAMES[0], "['happy']")])
    put_table(tmp_path / "track3_train_ovmerd.csv", ("name", "reason"), [(NAMES[0], "A smile.")])
    put_table(tmp_path / "track_all_candidates.csv", ("name",), [(NAMES[2],)])
    return tmp_path


def _read(folder: Path) -> tuple[dict[str, Any], Mer25]:
    source = open_source("mer25", folder)
    assert isinstance(source, Mer25)
    return {clip.id.rpartition("/")[2]: clip for clip in source.clips()}, source


def test_a_clip_has_the_labels_of_all_tables(folder: Path) -> None:
    clips, source = _read(folder)
    clip = clips["sample_00000001"]
    assert clip.id == "mer25/pool/sample_00000001"
    assert (clip.language, clip.transcript, clip.emotion, clip.split) == ("zh", "你好", "happy", "train")
    assert clip.video == str(folder / "video/sample_00000001.mp4")
    assert clip.audio == str(folder / "audio/sample_00000001.wav")
    assert clip.labels == {
        "discrete": "happy",
        "valence": 2.5,
        "openset_mercaptionplus": ["joyful", "warm"],
        "reason_mercaptionplus": "He smiles, \nand says hi.",
        "openset_ovmerd": ["happy"],
        "reason_ovmerd": "A smile.",
        "english": "Hello",
    }
    assert (clip.speaker, clip.origin) == (None, None)
    assert not source.skipped and not source.noted


def test_emotions_and_splits_of_the_pool(folder: Path) -> None:
    clips, _ = _read(folder)
    assert list(clips) == list(NAMES)
    assert [clip.emotion for clip in clips.values()] == ["happy", None, None, None]  # worried is no common emotion
    assert [clip.split for clip in clips.values()] == ["train", "train", "test", None]
    assert clips[NAMES[1]].labels["openset_mercaptionplus"] == ["neutral"]
    assert clips[NAMES[3]].transcript is None


def test_irregularities_are_counted(folder: Path) -> None:
    (folder / "video" / f"{NAMES[1]}.mp4").unlink()
    (folder / "audio" / f"{NAMES[2]}.wav").unlink()
    put(folder / "video/extra.mp4")
    put_text(folder / "video/video_split.z01", "packed")
    put(folder / "video/._sample_00000001.mp4")
    put(folder / "video/sample_00000009.mp4")
    put_table(
        folder / "track2_train_ovmerd.csv",
        ("name", "openset"),
        [(NAMES[0], "joy"), ("sample_00000009", "['sad']"), ("sample_00000009", "['sad']")],
    )
    (folder / "track3_train_ovmerd.csv").unlink()
    clips, source = _read(folder)
    assert list(clips) == [NAMES[0], NAMES[2], NAMES[3], "sample_00000009"]
    assert clips[NAMES[2]].audio is None
    assert clips["sample_00000009"].labels == {"openset_ovmerd": ["sad"]}
    assert source.skipped == {"video missing": 1, "video without row": 1, "archive not unpacked": 1}
    assert source.noted == {
        "audio missing: the video's own is taken": 2,  # the clip without subtitle has no wav either
        "openset is no list of words": 1,
        "label twice: the first is taken": 1,
        "label table missing": 1,
        "no subtitle": 1,
    }


@pytest.mark.parametrize("missing", ["subtitle_chieng.csv", "video"])
def test_another_folder_is_refused(folder: Path, missing: str) -> None:
    (folder / missing).rename(folder / "elsewhere")
    with pytest.raises(InputError, match=f"{missing} is not there; expected: video/<name>.mp4"):
        _read(folder)


@pytest.mark.parametrize(
    "spoil", [lambda path: path.write_bytes(b"name,chinese,english\nx,x,\xff\n"), lambda path: put_text(path, "a,b\n")]
)
def test_a_damaged_table_is_named(folder: Path, spoil: Callable[[Path], Any]) -> None:
    spoil(folder / "subtitle_chieng.csv")
    with pytest.raises(InputError, match="subtitle_chieng.csv"):
        _read(folder)

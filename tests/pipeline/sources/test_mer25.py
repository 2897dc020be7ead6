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


def test_a_valence_that_is_none_is_no_label(folder: Path) -> None:
    """As MERTools' tables have it where there is none: -10 (its loaders' number for it), nan, or nothing."""
    values = {"-10": None, "-10.0": None, "nan": None, "NaN": None, "": None, "0.0": 0.0, "-4.5": -4.5, "1e0": 1.0}
    wrong = {"inf": None, "-inf": None, "none": None}
    names = [f"sample_{number:08}" for number in range(len(values | wrong))]
    put_all(folder, [f"video/{name}.mp4" for name in names])
    rows = [(name, "neutral", value) for name, value in zip(names, values | wrong, strict=True)]
    put_table(folder / "track1_train_disdim.csv", ("name", "discrete", "valence"), rows)
    clips, source = _read(folder)
    assert [clips[name].labels.get("valence") for name in names] == list((values | wrong).values())
    assert {clips[name].emotion for name in names} == {"neutral"}
    assert source.noted["valence is no number"] == len(wrong)


def _put_2026(folder: Path) -> None:
    for path in folder.glob("track*.csv"):
        path.unlink()
    put_table(folder / "track1_train.csv", ("name", "discrete"), [(NAMES[0], "happy")])
    put_table(folder / "track2_train_human.csv", ("name", "openset"), [(NAMES[1], "['angry', 'hurt']")])
    captions = [(name, "['calm']") for name in (NAMES[1], NAMES[2])]
    put_table(folder / "track2_train_mercaptionplus.csv", ("name", "openset"), captions)
    put_table(folder / "track1_track2_candidate.csv", ("name",), [(NAMES[2],), (NAMES[3],)])


def test_the_tables_of_2026_are_read(folder: Path) -> None:
    _put_2026(folder)
    clips, source = _read(folder)
    assert [clip.emotion for clip in clips.values()] == ["happy", None, None, None]
    assert clips[NAMES[1]].labels == {"openset_human": ["angry", "hurt"], "openset_mercaptionplus": ["calm"]}
    # The third has a label too, but by a model, and is a candidate of the test.
    assert [clip.split for clip in clips.values()] == ["train", "train", "test", "test"]
    assert not source.skipped and not source.noted


def test_a_candidate_whose_caption_has_a_label_is_no_training_clip(folder: Path) -> None:
    put_table(folder / "track3_train_mercaptionplus.csv", ("name", "reason"), [(NAMES[2], "He frowns.")])
    clips, _ = _read(folder)
    assert clips[NAMES[2]].labels == {"reason_mercaptionplus": "He frowns."}
    assert clips[NAMES[2]].split == "test"


def test_a_test_clip_of_one_year_is_a_training_clip_of_the_next(folder: Path) -> None:
    put_table(folder / "track1_train.csv", ("name", "discrete"), [(NAMES[0], "sad"), (NAMES[2], "surprise")])
    clips, source = _read(folder)
    assert (clips[NAMES[2]].split, clips[NAMES[2]].emotion) == ("train", "surprise")
    assert clips[NAMES[0]].labels["discrete"] == "happy"
    assert source.noted == {
        "label table missing": 1,  # track2_train_human.csv
        "label of another table differs: the first is taken": 1,
        "candidate with a label by people: a training clip": 1,
    }


def test_videos_of_any_ending_and_in_the_folders_of_2026_are_found(folder: Path) -> None:
    _put_2026(folder)
    for kind in ("video", "audio"):
        for path in (folder / kind).iterdir():
            table = "track2_train_human" if path.stem == NAMES[1] else "track1_track2_candidate"
            place = folder / kind / f"{kind}_{table}" / kind
            place.mkdir(parents=True, exist_ok=True)
            path.rename(place / path.name)
    human = folder / "video/video_track2_train_human/video"
    (human / f"{NAMES[1]}.mp4").rename(human / f"{NAMES[1]}.MP4")
    put(human / f"{NAMES[0]}.avi")
    put_all(folder, [f"video/openface_face/{NAMES[1]}.mp4"])
    clips, source = _read(folder)
    assert {name: Path(clip.video).suffix for name, clip in clips.items()} == dict(
        zip(NAMES, (".mp4", ".MP4", ".mp4", ".mp4"), strict=True)
    )
    assert all(clip.audio and clip.audio.endswith(f"/audio/{name}.wav") for name, clip in clips.items())
    assert source.skipped == {"in a folder of crops or features": 1}
    assert source.noted == {"several files of one name: the first is taken": 1}


def test_the_archives_of_2026_are_named_where_they_are_not_unpacked(folder: Path) -> None:
    _put_2026(folder)
    for kind, table in (("video", "track2_train_human"), ("openface", "track2_train_human")):
        put_text(folder / f"{kind}_7z/{kind}_{table}/{kind}_split.zip", "packed")
    (folder / "video" / f"{NAMES[1]}.mp4").unlink()
    _, source = _read(folder)
    assert source.skipped == {"video missing": 1, "archive not unpacked": 1}
    assert source.examples["archive not unpacked"] == [
        str(folder / "video_7z/video_track2_train_human/video_split.zip")
    ]
    assert source.noted == {"archive beside the clips: is all of it unpacked?": 1}
    (folder / "video").rename(folder / "elsewhere")
    with pytest.raises(InputError, match=r"video is not there, but it holds archives: openface_7z/.*unpack them there"):
        _read(folder)


def test_a_table_in_gbk_is_read_beside_others(folder: Path) -> None:
    rows = "\n".join(["name,chinese,english", f"{NAMES[0]},你好,Hello", f"{NAMES[1]},走吧,"])
    put_text(folder / "subtitle_chieng.csv", rows + "\n", "gbk")
    put_table(folder / "track3_train_ovmerd.csv", ("name", "reason"), [(NAMES[0], "他笑了。")])  # UTF-8, as the others
    with pytest.raises(
        InputError, match=r"subtitle_chieng.csv: file: not UTF-8 .*or name its encoding in sources.mer25.encoding"
    ):
        _read(folder)
    clips = {clip.id.rpartition("/")[2]: clip for clip in open_source("mer25", folder, encoding="gbk").clips()}
    assert [clips[name].transcript for name in NAMES[:2]] == ["你好", "走吧"]
    assert clips[NAMES[0]].labels["reason_ovmerd"] == "他笑了。"


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

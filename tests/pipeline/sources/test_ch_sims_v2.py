"""The CH-SIMS v2.0 reader on small folders laid out as ch-simsv2s and ch-simsv2u."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source, open_source
from tests.pipeline.sources.layout import put, put_all, put_table

HEADER = ("video_id", "clip_id", "text", "label", "label_T", "label_A", "label_V", "annotation", "mode")
ROWS = [
    ("video_0001", "0001", "我不想嫁给李茶", "-0.6", "0.0", "-0.4", "-1.0", "Negative", "train"),
    ("video_0001", "0002", "好", "0.2", "0", "0.2", "0.2", "Weakly Positive", "valid"),
    ("aqgy4_0004", "00023", "", "1", "1", "1", "1", "Positive", "test"),
    ("aqgy4_0004", "00025_1", "嗯", "0", "0", "0", "0", "Neutral", "test"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put_table(tmp_path / "ch-simsv2s/meta.csv", HEADER, ROWS)
    put_all(tmp_path / "ch-simsv2s/Raw", [f"{row[0]}/{row[1]}.mp4" for row in ROWS])
    return tmp_path


def _read(folder: Path) -> tuple[dict[str, Clip], Source]:
    source = open_source("ch-sims-v2", folder)
    return {clip.id: clip for clip in source.clips()}, source


def test_ids_stay_texts_and_sentiment_is_per_modality(folder: Path) -> None:
    clips, source = _read(folder / "ch-simsv2s")
    assert list(clips) == [
        "ch-sims-v2/s/video_0001_0001",
        "ch-sims-v2/s/video_0001_0002",
        "ch-sims-v2/s/aqgy4_0004_00023",
        "ch-sims-v2/s/aqgy4_0004_00025_1",
    ]
    clip = clips["ch-sims-v2/s/video_0001_0001"]
    assert clip.video == str(folder / "ch-simsv2s/Raw/video_0001/0001.mp4")
    assert clip.labels == {"label": -0.6, "label_T": 0, "label_A": -0.4, "label_V": -1, "annotation": "Negative"}
    assert (clip.language, clip.transcript, clip.emotion) == ("zh", "我不想嫁给李茶", None)
    assert (clip.audio, clip.speaker, clip.origin) == (None, None, "ch-sims-v2/video_0001")
    assert [clip.split for clip in clips.values()] == ["train", "dev", "test", "test"]
    assert clips["ch-sims-v2/s/aqgy4_0004_00023"].transcript is None
    assert not source.skipped


def test_a_video_in_two_official_splits_is_noted_for_each_of_its_clips(folder: Path) -> None:
    _, source = _read(folder)
    assert source.noted == {"its video is in several official splits": 2}
    assert source.examples["its video is in several official splits"] == ["video_0001_0001", "video_0001_0002"]


@pytest.mark.parametrize("mode", ["", "Train", "holdout"])
def test_a_mode_that_is_no_official_split_is_none_that_a_video_shares(folder: Path, mode: str) -> None:
    put_table(folder / "ch-simsv2s/meta.csv", HEADER, [ROWS[0], (*ROWS[1][:-1], mode)])
    assert not _read(folder)[1].noted["its video is in several official splits"]


def test_the_unlabelled_part_is_read_after_the_labelled(folder: Path) -> None:
    put_table(folder / "ch-simsv2u/meta(u).csv", HEADER[:3], [("video_0009", "0001", "走吧")])
    put(folder / "ch-simsv2u/Raw/video_0009/0001.mp4")
    clips, _ = _read(folder)
    assert list(clips)[-1] == "ch-sims-v2/u/video_0009_0001"
    clip = clips["ch-sims-v2/u/video_0009_0001"]
    assert (clip.transcript, clip.labels, clip.split) == ("走吧", {}, None)


@pytest.mark.parametrize("table", ["meta.csv", "metas.csv", "meta(s).csv"])
@pytest.mark.parametrize("place", ["", "ch-simsv2s", "CH-SIMS v2.0/ch-simsv2s"])
def test_the_labelled_table_bears_any_of_the_names_that_its_owners_gave_it(
    tmp_path: Path, table: str, place: str
) -> None:
    put_table(tmp_path / place / table, HEADER, ROWS[2:])
    put_all(tmp_path / place / "Raw", [f"{row[0]}/{row[1]}.mp4" for row in ROWS[2:]])
    clips, source = _read(tmp_path)
    assert list(clips) == ["ch-sims-v2/s/aqgy4_0004_00023", "ch-sims-v2/s/aqgy4_0004_00025_1"]
    assert clips["ch-sims-v2/s/aqgy4_0004_00023"].labels["label"] == 1
    assert not source.skipped and not source.noted


@pytest.mark.parametrize("table", ["meta(u).csv", "metau.csv", "meta.csv"])
@pytest.mark.parametrize("inside", ["", "ch-simsv2u"])
def test_the_unlabelled_part_alone_is_unlabelled_clips(tmp_path: Path, table: str, inside: str) -> None:
    unlabelled = tmp_path / "ch-simsv2u"
    put_table(unlabelled / table, HEADER[:3], [("video_0009", "0001", "走吧"), ("video_0009", "0002", "")])
    put_all(unlabelled / "Raw/video_0009", ["0001.mp4", "0002.mp4"])
    clips, source = _read(tmp_path / inside)
    assert {name: (clip.transcript, clip.labels, clip.split, clip.origin) for name, clip in clips.items()} == {
        "ch-sims-v2/u/video_0009_0001": ("走吧", {}, None, "ch-sims-v2/video_0009"),
        "ch-sims-v2/u/video_0009_0002": (None, {}, None, "ch-sims-v2/video_0009"),
    }
    assert not source.skipped and not source.noted


def test_a_part_whose_videos_are_not_there_costs_the_other_nothing(folder: Path) -> None:
    table = put_table(folder / "ch-simsv2u/meta(u).csv", HEADER[:3], [("video_0009", "0001", "走吧")])
    clips, source = _read(folder)
    assert len(clips) == 4
    assert source.examples["table without its videos (is Raw.zip unpacked?)"] == [str(table)]


def test_both_tables_over_one_folder_of_videos_leave_none_without_its_row(tmp_path: Path) -> None:
    put_table(tmp_path / "meta(s).csv", HEADER, ROWS[:1])
    put_table(tmp_path / "meta(u).csv", HEADER[:3], [("video_0009", "0001", "走吧")])
    put_all(tmp_path / "Raw", ["video_0001/0001.mp4", "video_0009/0001.mp4"])
    clips, source = _read(tmp_path)
    assert list(clips) == ["ch-sims-v2/s/video_0001_0001", "ch-sims-v2/u/video_0009_0001"]
    assert not source.skipped


def test_of_two_tables_of_one_part_the_first_is_taken(folder: Path) -> None:
    put_table(folder / "ch-simsv2s/metas.csv", HEADER, [("video_0001", "0001", "x", *ROWS[0][3:])])
    clips, source = _read(folder)
    assert len(clips) == 4 and clips["ch-sims-v2/s/video_0001_0001"].transcript == "我不想嫁给李茶"
    assert source.examples["table twice: the first is taken"] == [str(folder / "ch-simsv2s/metas.csv")]


def test_videos_are_found_whatever_their_ending(folder: Path) -> None:
    raw = folder / "ch-simsv2s/Raw"
    (raw / "video_0001/0001.mp4").rename(raw / "video_0001/0001.MP4")
    (raw / "video_0001/0002.mp4").unlink()
    put_all(raw, ["video_0001/0002.avi", "aqgy4_0004/00023.mkv", "video_0001/FaceCrops/0001.mp4"])
    clips, source = _read(folder)
    assert [Path(clip.video).name for clip in clips.values()] == ["0001.MP4", "0002.avi", "00023.mkv", "00025_1.mp4"]
    assert source.examples["several videos of one name: the first is taken"] == [str(raw / "aqgy4_0004/00023.mp4")]


def test_irregularities_are_counted(folder: Path) -> None:
    raw = folder / "ch-simsv2s/Raw"
    (raw / "video_0001/0002.mp4").unlink()
    (raw / "aqgy4_0004/00023.mp4").write_bytes(b"")
    put_all(raw, ["video_0001/0003.mp4", "video_0001/._0001.mp4"])
    odd = [
        ("video_0002", "0001", "嗯", "1.2", "x", "", "0", "", "holdout"),
        ("", "0001", "嗯", "0", "0", "0", "0", "Neutral", "train"),
        ROWS[0],
    ]
    put(raw / "video_0002/0001.mp4")
    put_table(folder / "ch-simsv2s/meta.csv", HEADER, [*ROWS, *odd])
    clips, source = _read(folder)
    assert clips["ch-sims-v2/s/video_0002_0001"].labels == {"label_V": 0}
    assert clips["ch-sims-v2/s/video_0002_0001"].split is None
    assert source.skipped == {
        "video missing": 1,
        "video empty": 1,
        "video without row": 1,
        "row without its ids": 1,
        "id twice": 1,
    }
    assert source.noted["sentiment outside -1..1"] == 1
    assert source.noted["sentiment is no number"] == 1
    assert source.noted["split of another name"] == 1


def test_a_packed_or_another_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "ch-simsv2s/Raw").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is Raw.zip unpacked"):
        _read(folder)
    with pytest.raises(InputError, match="meta.csv is not there"):
        _read(tmp_path / "elsewhere")

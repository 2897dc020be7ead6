from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import open_source
from swift_saber.pipeline.sources.meld import Meld
from tests.pipeline.sources.layout import put, put_all, put_table, put_text

_HEADER = ["Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season"]
_HEADER += ["Episode", "StartTime", "EndTime"]
_FOLDERS = {"train": "train_splits", "dev": "dev_splits_complete", "test": "output_repeated_splits_test"}


def row(dialogue: int, utterance: int, text: str = "Oh.", emotion: str = "neutral") -> list[Any]:
    sentiment = "neutral" if emotion == "neutral" else "negative"
    return [1, text, "Ross", emotion, sentiment, dialogue, utterance, 3, 19, "00:14:38,127", "0:14:40,378"]


def put_rows(folder: Path, split: str, *rows: list[Any]) -> None:
    put_table(folder / f"{split}_sent_emo.csv", _HEADER, rows)


def put_videos(folder: Path, split: str, *names: str) -> None:
    put_all(folder, [f"{_FOLDERS[split]}/{name}.mp4" for name in names])


def test_the_same_numbers_in_three_splits_are_three_clips(tmp_path: Path) -> None:
    for split, emotion in (("train", "joy"), ("dev", "disgust"), ("test", "surprise")):
        put_rows(tmp_path, split, row(0, 0, f"said in {split}, “really”", emotion))
        put_videos(tmp_path, split, "dia0_utt0")
    source = Meld(tmp_path)
    clips = list(source.clips())
    assert [(clip.id, clip.split, clip.emotion) for clip in clips] == [
        ("meld/train/dia0_utt0", "train", "happy"),
        ("meld/dev/dia0_utt0", "dev", "disgust"),
        ("meld/test/dia0_utt0", "test", "surprise"),
    ]
    assert clips[2] == Clip(
        id="meld/test/dia0_utt0",
        source="meld",
        language="en",
        video=str(tmp_path / "output_repeated_splits_test" / "dia0_utt0.mp4"),
        transcript="said in test, “really”",
        labels={"native_emotion": "surprise", "sentiment": "negative"},
        emotion="surprise",
        speaker="meld/Ross",
        origin="meld/s03e19",
        split="test",
    )
    assert not source.skipped and not source.noted


def test_clips_come_in_the_order_of_the_table(tmp_path: Path) -> None:
    put_rows(tmp_path, "dev", row(2, 0), row(10, 1), row(10, 0))
    put_videos(tmp_path, "dev", "dia10_utt0", "dia10_utt1", "dia2_utt0")
    assert [clip.id.rpartition("/")[2] for clip in Meld(tmp_path).clips()] == ["dia2_utt0", "dia10_utt1", "dia10_utt0"]


def test_every_known_irregularity_is_counted(tmp_path: Path) -> None:
    put_rows(tmp_path, "train", row(125, 3), row(125, 4), row(309, 0), row(125, 4), row(7, 7))
    put_videos(tmp_path, "train", "dia125_utt3", "dia125_utt4", "dia309_utt0")
    put_text(tmp_path / "train_splits" / "dia7_utt7.mp4", "")
    put_rows(tmp_path, "dev", row(110, 6), row(110, 7))
    put_videos(tmp_path, "dev", "dia110_utt6", "dia66_utt9", "dia66_utt10", "._dia110_utt6")
    put_rows(tmp_path, "test", row(38, 4), row(279, 15))
    put_videos(tmp_path, "test", "dia38_utt4", "dia279_utt15", "dia108_utt2", "final_videos_testdia38_utt4", "trailer")
    put(tmp_path / "test" / "dia38_utt4.mp4")
    put_table(tmp_path / "MELD_Dyadic" / "dev_sent_emo_dya.csv", _HEADER, [row(0, 0)])
    source = Meld(tmp_path)
    assert [clip.id for clip in source.clips()] == [
        "meld/train/dia125_utt4",
        "meld/train/dia309_utt0",
        "meld/dev/dia110_utt6",
        "meld/test/dia38_utt4",
        "meld/test/dia279_utt15",
    ]
    assert source.skipped == {
        "known to be broken": 1,  # train dia125_utt3
        "row twice": 1,
        "video empty": 1,
        "video missing": 1,  # dev dia110_utt7
        "video without row": 3,
        "copy under another name": 1,
        "name not of this dataset": 1,
        "second file of one clip": 1,
    }
    assert source.noted == {
        "length is said to be wrong": 1,
        "length is wrong by its row": 1,
        "said to make trouble": 1,
    }


def test_the_archives_own_nesting_and_renamed_folders_are_found(tmp_path: Path) -> None:
    put_table(tmp_path / "data" / "MELD" / "test_sent_emo.csv", _HEADER, [row(1, 1)])
    put_table(tmp_path / "MELD.Raw" / "train" / "train_sent_emo.csv", _HEADER, [row(1, 1)])
    put_all(tmp_path, ["MELD.Raw/train/train_splits/dia1_utt1.mp4", "MELD.Raw/train/test/dia1_utt1.mp4"])
    assert [clip.id for clip in Meld(tmp_path).clips()] == ["meld/train/dia1_utt1", "meld/test/dia1_utt1"]


def test_a_half_of_the_dataset_is_read_and_the_rest_counted(tmp_path: Path) -> None:
    put_rows(tmp_path, "train", row(0, 0), row(0, 1))
    put_rows(tmp_path, "dev", row(0, 0))
    put_videos(tmp_path, "dev", "dia0_utt0")
    put_videos(tmp_path, "test", "dia0_utt0")
    source = Meld(tmp_path)
    assert [clip.id for clip in source.clips()] == ["meld/dev/dia0_utt0"]
    assert source.skipped == {"video missing": 2, "video without row": 1}
    assert source.noted == {"split without any video (is its archive unpacked?)": 1, "table missing": 1}


@pytest.mark.parametrize("folders", [("train_splits", "dev_splits", "test_splits"), ("train", "dev", "test")])
def test_the_folders_are_found_by_each_of_their_names(tmp_path: Path, folders: tuple[str, ...]) -> None:
    for split, folder in zip(_FOLDERS, folders, strict=True):
        put_rows(tmp_path, split, row(0, 0))
        put_all(tmp_path, [f"{folder}/dia0_utt0.MP4"])
    assert [clip.id for clip in Meld(tmp_path).clips()] == [f"meld/{split}/dia0_utt0" for split in _FOLDERS]


@pytest.mark.parametrize("place", ["", "dev_splits_complete"])
def test_the_folder_of_one_split_can_be_given(tmp_path: Path, place: str) -> None:
    put_rows(tmp_path, "train", row(9, 9))
    put_rows(tmp_path / place, "dev", row(0, 0))
    put_videos(tmp_path, "dev", "dia0_utt0")
    source = Meld(tmp_path / "dev_splits_complete")
    assert [(clip.id, clip.split) for clip in source.clips()] == [("meld/dev/dia0_utt0", "dev")]
    assert not source.skipped and not source.noted


def test_the_folder_of_one_split_without_its_table_is_an_error(tmp_path: Path) -> None:
    put_videos(tmp_path, "dev", "dia0_utt0")
    with pytest.raises(InputError, match=r"is no folder of MELD: train_sent_emo.csv.* is not there"):
        list(Meld(tmp_path / "dev_splits_complete").clips())


def test_apostrophes_of_the_tables_of_2018_are_such(tmp_path: Path) -> None:
    """They were cp1252, read as Latin-1: U+0092 stands where a curly apostrophe was."""
    text = "No don\x92t I beg of you! \x93Well\x94\x85"
    put_table(tmp_path / "dev_sent_emo.csv", _HEADER, [row(0, 0, text)])
    put_videos(tmp_path, "dev", "dia0_utt0")
    assert [clip.transcript for clip in Meld(tmp_path).clips()] == ["No don’t I beg of you! “Well”…"]


@pytest.mark.parametrize("folder", ["train_splits/FaceCrops", "FaceCrops/train_splits", "openface"])
def test_crops_do_not_displace_utterances(tmp_path: Path, folder: str) -> None:
    put_rows(tmp_path, "train", row(0, 0), row(0, 1))
    put_videos(tmp_path, "train", "dia0_utt0")
    put_all(tmp_path, [f"{folder}/dia0_utt0.mp4", f"{folder}/dia0_utt1.mp4"])
    source = Meld(tmp_path)
    assert [clip.video for clip in source.clips()] == [str(tmp_path / "train_splits/dia0_utt0.mp4")]
    assert source.skipped == {"in a folder of crops or features": 2, "video missing": 1}


def test_what_is_packed_is_named(tmp_path: Path) -> None:
    put_text(tmp_path / "MELD.Raw/test.tar.gz", "packed")
    with pytest.raises(
        InputError, match=r"is no folder of MELD: .*, but it holds archives: MELD.Raw/test.tar.gz; unpack"
    ):
        list(Meld(tmp_path).clips())
    for split in ("train", "test"):
        put_rows(tmp_path, split, row(0, 0))
    put_videos(tmp_path, "train", "dia0_utt0")
    source = Meld(tmp_path)
    assert [clip.split for clip in source.clips()] == ["train"]
    assert source.examples["archive beside the clips: is all of it unpacked?"] == [
        str(tmp_path / "MELD.Raw/test.tar.gz")
    ]


def test_the_old_tables_encoding_is_read_where_it_is_said(tmp_path: Path) -> None:
    put_text(tmp_path / "dev_sent_emo.csv", f"{','.join(_HEADER)}\n1,you’re,Ross,joy,positive,0,0,3,19,0,0\n", "cp1252")
    put_videos(tmp_path, "dev", "dia0_utt0")
    assert [clip.transcript for clip in open_source("meld", tmp_path, encoding="cp1252").clips()] == ["you’re"]


def test_the_old_tables_encoding_is_an_error(tmp_path: Path) -> None:
    put_text(tmp_path / "dev_sent_emo.csv", ",".join(_HEADER) + "\n1,you’re,Ross\n", "cp1252")
    put_videos(tmp_path, "dev", "dia0_utt0")
    with pytest.raises(InputError, match=r"dev_sent_emo.csv: file: not UTF-8 .*take the current table"):
        list(Meld(tmp_path).clips())


@pytest.mark.parametrize("there, sought", [("tables", "a folder train_splits/"), ("videos", "train_sent_emo.csv")])
def test_tables_or_videos_alone_are_an_error(tmp_path: Path, there: str, sought: str) -> None:
    if there == "tables":
        put_rows(tmp_path, "dev", row(0, 0))
    else:
        put_videos(tmp_path, "dev", "dia0_utt0")
    with pytest.raises(InputError, match=f"is no folder of MELD: {sought}"):
        list(Meld(tmp_path).clips())

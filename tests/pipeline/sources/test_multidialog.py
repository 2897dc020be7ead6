"""The MultiDialog reader on a small folder laid out as the data set on Hugging Face, with cut videos."""

import json
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source, open_source
from tests.pipeline.sources.layout import put, put_all, put_pointer, put_text

ONE, TWO = "t_ffa55df6-114d-4b36-87a1-7af6b8b63d9b", "t_00000000-0000-4000-8000-000000000000"


def _row(conversation: str, number: int, actor: str, **others: Any) -> dict[str, Any]:
    row = {
        "file_name": f"{conversation}/{conversation}_{number}{actor}.wav",
        "conv_id": conversation,
        "utterance_id": number,
        "from": "gpt" if number % 2 else "human",
        "value": f"Line {number}.",
        "emotion": "Neutral",
        "original_full_path": f"valid_freq/{conversation}/{conversation}_{number}{actor}.wav",
    }
    return row | others


def _table(folder: Path, split: str, *rows: dict[str, Any], number: int = 0) -> None:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    put_text(folder / f"metadata/{split}/{split}_metadata_{number:04}.jsonl", text)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    _table(tmp_path, "train", _row(ONE, 0, "k", emotion=" surprising"), _row(ONE, 1, "b", emotion="Disgusting"))
    _table(tmp_path, "valid_freq", _row(TWO, 0, "a", emotion="Curious to dive deeper"))
    for split, name in (("train", f"{ONE}/{ONE}_0k"), ("train", f"{ONE}/{ONE}_1b"), ("valid_freq", f"{TWO}/{TWO}_0a")):
        put(tmp_path / f"data/{split}/{name}.wav")
        put(tmp_path / f"video/{name}.mp4")
    return tmp_path


def _read(folder: Path) -> tuple[dict[str, Clip], Source]:
    source = open_source("multidialog", folder)
    return {clip.id: clip for clip in source.clips()}, source


def test_each_utterance_is_a_clip(folder: Path) -> None:
    clips, source = _read(folder)
    assert list(clips) == [
        f"multidialog/train/{ONE}_0k",
        f"multidialog/train/{ONE}_1b",
        f"multidialog/valid_freq/{TWO}_0a",
    ]
    clip = clips[f"multidialog/train/{ONE}_0k"]
    assert clip.video == str(folder / f"video/{ONE}/{ONE}_0k.mp4")
    assert clip.audio == str(folder / f"data/train/{ONE}/{ONE}_0k.wav")
    assert (clip.language, clip.transcript, clip.split) == ("en", "Line 0.", "train")
    assert (clip.speaker, clip.origin) == ("multidialog/k", f"multidialog/{ONE}")
    assert clip.labels == {"native_emotion": "surprising", "from": "human"}
    assert [clip.emotion for clip in clips.values()] == ["surprise", "disgust", None]
    assert [clip.split for clip in clips.values()] == ["train", "train", "dev"]
    assert not source.skipped and not source.noted


def test_a_conversation_that_was_not_cut_is_counted_and_not_taken_for_an_utterance(folder: Path) -> None:
    (folder / f"video/{ONE}/{ONE}_0k.mp4").unlink()
    (folder / f"video/{TWO}/{TWO}_0a.mp4").unlink()
    put(folder / f"video/{ONE}.mp4")
    clips, source = _read(folder)
    assert list(clips) == [f"multidialog/train/{ONE}_1b"]
    assert source.skipped == {"video is of the whole conversation": 1, "video missing": 1}


def test_irregularities_are_counted(folder: Path) -> None:
    (folder / f"data/train/{ONE}/{ONE}_1b.wav").unlink()
    put_all(folder, [f"again/{ONE}_0k.mp4", f"video/{TWO}/{TWO}_7c.mp4"])
    _table(folder, "test_rare", _row(TWO, 2, "m"), _row(TWO, 3, "c", utterance_id=4), {"value": "?"}, _row(ONE, 0, "k"))
    clips, source = _read(folder)
    assert len(clips) == 3 and clips[f"multidialog/train/{ONE}_1b"].audio is None
    assert source.skipped == {
        "row without t_<uuid>_<number><actor>": 2,  # there is no actor m, and one row names no file
        "row and file name differ": 1,
        "row twice": 1,
        "video without row": 1,
    }
    assert source.noted == {
        "audio missing: the video's own is taken": 1,
        "several files of one name: the first is taken": 1,
    }


def test_packed_sound_is_said(folder: Path) -> None:
    put_text(folder / "data/train/train_chunks_0000.tar.gz", "packed")
    for path in [*folder.rglob("*.wav"), *folder.rglob("*.mp4")]:
        path.unlink()
    with pytest.raises(InputError, match="3 x video missing; 1 x archive not unpacked"):
        _read(folder)


def test_what_stands_in_place_of_a_file_is_named_as_what_it_is(folder: Path) -> None:
    """The dataset cloned without its large files, and a video that Google Drive gave a page for."""
    put_pointer(folder / f"video/{ONE}/{ONE}_0k.mp4")
    put_pointer(folder / f"data/train/{ONE}/{ONE}_1b.wav")
    (folder / f"video/{TWO}/{TWO}_0a.mp4").unlink()
    put_text(folder / f"video/{TWO}.mp4", "<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title>")
    clips, source = _read(folder)
    assert list(clips) == [f"multidialog/train/{ONE}_1b"]
    assert source.skipped == {"video is a git-LFS pointer": 1, "video of the conversation is a web page": 1}
    assert source.noted == {"audio is a git-LFS pointer: the video's own is taken": 1}


def test_pointers_to_archives_and_tables_are_named_as_such(folder: Path) -> None:
    for path in folder.rglob("*.wav"):
        path.unlink()
    put_pointer(folder / "data/train/train_chunks_0000.tar.gz")
    _, source = _read(folder)
    assert source.skipped == {"archive is a git-LFS pointer": 1}
    put_pointer(folder / "metadata/train/train_metadata_0000.jsonl")
    with pytest.raises(InputError, match=r"train_metadata_0000.jsonl: file: is a git-LFS pointer; .*git lfs pull"):
        _read(folder)


def test_archives_beside_unpacked_sound_and_crops_beside_videos_are_what_they_are(folder: Path) -> None:
    put_text(folder / "data/train/train_chunks_0000.tar.gz", "packed")
    put(folder / f"openface/{ONE}_0k.mp4")
    clips, source = _read(folder)
    assert clips[f"multidialog/train/{ONE}_0k"].video == str(folder / f"video/{ONE}/{ONE}_0k.mp4")
    assert source.skipped == {"in a folder of crops or features": 1}
    assert source.noted == {"archive beside the clips: is all of it unpacked?": 1}


def test_a_half_downloaded_table_is_named_with_its_line(folder: Path) -> None:
    path = folder / "metadata/train/train_metadata_0000.jsonl"
    path.write_text(path.read_text()[:-40])
    with pytest.raises(InputError, match=r"train_metadata_0000.jsonl:2: JSON"):
        _read(folder)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="metadata/<split>/"):
        _read(tmp_path)

"""The MEIJU25 reader on a small folder laid out as ChallengeData."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source, open_source
from tests.pipeline.sources.layout import put, put_all, put_table

HEADER = ("FileName", "sentence", "emotion", "intent")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "ChallengeData"
    one = data / "Track1/English/Annotation"
    put_all(one, ["Training/Track1_Training_00001.mp4", "Validation/Track1_Validation_00001.mp4"])
    put_table(
        one / "Training_transcription.csv",
        HEADER,
        [("Track1_Training_00001.mp4", "How are you?", "neutral", "questioning")],
    )
    # One of Track 1's tables may carry an index column.
    row = ("0", "Track1_Validation_00001.mp4", "Great!", "happy", "agreeing")
    put_table(one / "Validation_transcription.csv", ("", *HEADER), [row])
    put(data / "Track1/English/NoAnnotation/clip7.mp4")
    mandarin = data / "Track1/Mandarin/Annotation"
    put(mandarin / "Training/Track1_Training_00001.mp4")
    put_table(
        mandarin / "Training_transcription.csv", HEADER, [("Track1_Training_00001.mp4", "你好", "anger", "wishing")]
    )
    two = data / "Track 2/Mandarin"
    put(two / "Training/Track2_Training_00001.mp4")
    put_table(two / "Training_transcription.csv", HEADER, [("Track2_Training_00001.mp4", "走", "surprise", "neutral")])
    return data


def _read(folder: Path) -> tuple[dict[str, Clip], Source]:
    source = open_source("meiju25", folder)
    return {clip.id: clip for clip in source.clips()}, source


def test_both_languages_and_tracks_are_read(folder: Path) -> None:
    clips, source = _read(folder)
    assert {name: (clip.language, clip.split, clip.transcript, clip.emotion) for name, clip in clips.items()} == {
        "meiju25/mandarin/Track2_Training_00001": ("zh", "train", "走", "surprise"),
        "meiju25/english/Track1_Training_00001": ("en", "train", "How are you?", "neutral"),
        "meiju25/english/Track1_Validation_00001": ("en", "dev", "Great!", "happy"),
        "meiju25/mandarin/Track1_Training_00001": ("zh", "train", "你好", "angry"),
        "meiju25/english-unlabelled/clip7": ("en", None, None, None),
    }
    clip = clips["meiju25/mandarin/Track1_Training_00001"]
    assert clip.labels == {"native_emotion": "anger", "intent": "wishing", "track": "1"}
    assert clips["meiju25/mandarin/Track2_Training_00001"].labels["track"] == "2"
    assert clip.video == str(folder / "Track1/Mandarin/Annotation/Training/Track1_Training_00001.mp4")
    assert (clip.audio, clip.speaker, clip.origin) == (None, None, None)
    assert not source.skipped and not source.noted


def test_one_language_of_one_track_is_a_folder_too(folder: Path) -> None:
    clips, _ = _read(folder / "Track1" / "Mandarin")
    assert list(clips) == ["meiju25/mandarin/Track1_Training_00001"]


def test_test_videos_of_both_languages_have_the_same_names(folder: Path) -> None:
    for language, text in (("English", "Bye."), ("Mandarin", "再见")):
        put_table(folder / f"{language}_Testing_files.csv", HEADER[:2], [("Track1_Testing_00001.mp4", text)])
        put(folder / f"Test/{language}/Track1_Testing_00001.mp4")
    put_table(folder / "Track2_English_Testing_files.csv", HEADER[:2], [("Track2_Testing_00001.mp4", "Hi.")])
    put_all(folder / "Test/English", ["Track2_Testing_00001.mp4", "Track2_Testing_00002.mp4"])
    clips, source = _read(folder)
    test = {name: clip for name, clip in clips.items() if clip.split == "test"}
    assert {name: (clip.transcript, clip.video) for name, clip in test.items()} == {
        "meiju25/english/Track1_Testing_00001": ("Bye.", str(folder / "Test/English/Track1_Testing_00001.mp4")),
        "meiju25/mandarin/Track1_Testing_00001": ("再见", str(folder / "Test/Mandarin/Track1_Testing_00001.mp4")),
        "meiju25/english/Track2_Testing_00001": ("Hi.", str(folder / "Test/English/Track2_Testing_00001.mp4")),
    }
    assert source.skipped == {"video without row": 1}


def test_test_videos_whose_language_is_not_said_are_not_guessed(folder: Path) -> None:
    put_table(folder / "English_Testing_files.csv", HEADER[:2], [("Track1_Testing_00001.mp4", "Bye.")])
    put_all(folder, ["a/Track1_Testing_00001.mp4", "b/Track1_Testing_00001.mp4"])
    clips, source = _read(folder)
    assert "meiju25/english/Track1_Testing_00001" not in clips
    assert source.skipped == {"several videos of one name": 1}


def test_one_video_that_the_tables_of_both_languages_claim_is_nobodys(folder: Path) -> None:
    """Both test sets number their clips alike, so one folder holds those of one language, and which one is not said."""
    for language, text in (("English", "Bye."), ("Mandarin", "再见")):
        put_table(folder / f"{language}_Testing_files.csv", HEADER[:2], [("Track1_Testing_00001.mp4", text)])
    video = put(folder / "Test/Track1_Testing_00001.mp4")
    clips, source = _read(folder)
    assert not [name for name in clips if "Testing" in name]
    reason = "in the tables of both languages: put its folder into English or Mandarin"
    # Once for each of the two rows.
    assert (source.skipped, source.examples) == ({reason: 2}, {reason: [str(video)] * 2})


def test_a_language_of_which_no_folder_speaks_is_that_of_the_only_table(folder: Path) -> None:
    put_table(folder / "Mandarin_Testing_files.csv", HEADER[:2], [("Track1_Testing_00001.mp4", "再见")])
    put_table(folder / "Track2_English_Testing_files.csv", HEADER[:2], [("Track2_Testing_00001.mp4", "Bye.")])
    put_all(folder / "Test", ["Track1_Testing_00001.mp4", "Track2_Testing_00001.mp4"])
    clips, source = _read(folder)
    assert {name: clip.transcript for name, clip in clips.items() if clip.split == "test"} == {
        "meiju25/mandarin/Track1_Testing_00001": "再见",
        "meiju25/english/Track2_Testing_00001": "Bye.",
    }
    assert not source.skipped


def test_two_languages_that_link_to_one_folder_of_clips_share_none(folder: Path) -> None:
    training = folder / "Track1/Mandarin/Annotation/Training"
    (training / "Track1_Training_00001.mp4").unlink()
    training.rmdir()
    training.symlink_to(folder / "Track1/English/Annotation/Training")
    clips, source = _read(folder)
    assert not [name for name in clips if "Track1_Training" in name]
    assert source.skipped == {"in the tables of both languages: put its folder into English or Mandarin": 2}


def test_crops_beside_the_videos_take_no_place_of_theirs(folder: Path) -> None:
    training = folder / "Track1/English/Annotation/Training"
    put(training / "face_crops/Track1_Training_00001.mp4")
    clips, _ = _read(folder)
    video = clips["meiju25/english/Track1_Training_00001"].video
    assert video == str(training / "Track1_Training_00001.mp4")


def test_irregularities_are_counted(folder: Path) -> None:
    training = folder / "Track1/English/Annotation/Training"
    put_all(training, ["Track1_Training_00002.mkv", "Track1_Training_00003.mp4"])
    put_table(
        training.parent / "Training_transcription.csv",
        HEADER,
        [
            ("Track1_Training_00001.mp4", "A", "sad", "wishing"),
            ("Track1_Training_00002.mp4", "B", "fear", "wishing"),
            ("Track1_Training_00004.mp4", "C", "disgust", "wishing"),
            ("", "D", "disgust", "wishing"),
            ("Track1_Training_00002.mp4", "B again", "sad", "wishing"),
        ],
    )
    put(training.parent / "Track1_Training_00004.mp4")  # not where the videos of training lie
    (training / "Track1_Training_00001.mp4").write_bytes(b"")
    clips, source = _read(folder)
    assert clips["meiju25/english/Track1_Training_00002"].video.endswith(".mkv")
    assert source.skipped == {
        "video missing": 1,
        "video empty": 1,
        "row without a name": 1,
        "row twice": 1,
        "video without row": 1,
    }
    assert source.noted == {"another ending than in the table": 1}


def test_a_table_outside_a_folder_of_a_language_is_counted(tmp_path: Path, folder: Path) -> None:
    put_table(folder / "Training_transcription.csv", HEADER, [])
    _, source = _read(folder)
    assert source.skipped == {"table of unknown language": 1}


def test_another_folder_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "Training/Track1_Training_00001.mp4")
    with pytest.raises(InputError, match="_transcription.csv is not there"):
        _read(tmp_path)

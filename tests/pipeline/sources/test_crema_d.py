from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.crema_d import CremaD
from tests.pipeline.sources.layout import put_all, put_pointer, put_table, put_text

_HEADER = ["", "FileName", "VoiceVote", "VoiceLevel", "FaceVote", "FaceLevel", "MultiModalVote", "MultiModalLevel"]


def put_take(folder: Path, *names: str) -> None:
    put_all(folder, [f"VideoFlash/{name}.flv" for name in names])
    put_all(folder, [f"AudioWAV/{name}.wav" for name in names])


def put_votes(folder: Path, *rows: list[object]) -> None:
    put_table(folder / "processedResults" / "summaryTable.csv", _HEADER, rows)


def test_a_take_has_its_sound_sentence_votes_and_intended_emotion(tmp_path: Path) -> None:
    put_take(tmp_path, "1001_IEO_ANG_HI")
    put_all(tmp_path, ["AudioMP3/1001_IEO_ANG_HI.mp3"])
    put_votes(tmp_path, [1, "1001_IEO_ANG_HI", "A", 57.5, "N:S", "60:70", "D", 61])
    source = CremaD(tmp_path)
    votes = {"VoiceVote": "A", "VoiceLevel": "57.5", "FaceVote": "N:S", "FaceLevel": "60:70"}
    assert list(source.clips()) == [
        Clip(
            id="crema-d/all/1001_IEO_ANG_HI",
            source="crema-d",
            language="en",
            video=str(tmp_path / "VideoFlash" / "1001_IEO_ANG_HI.flv"),
            audio=str(tmp_path / "AudioWAV" / "1001_IEO_ANG_HI.wav"),
            transcript="It's eleven o'clock",
            labels={
                "intended": "ANG",
                "level": "HI",
                "sentence": "IEO",
                **votes,
                "MultiModalVote": "D",
                "MultiModalLevel": "61",
            },
            emotion="angry",
            speaker="crema-d/1001",
        )
    ]
    assert not source.skipped and not source.noted


def test_known_broken_takes_are_left_out_and_other_irregular_ones_keep_what_is_good(tmp_path: Path) -> None:
    put_take(tmp_path, "1002_DFA_HAP_XX")  # sound
    put_take(tmp_path, "1076_MTI_NEU_XX", "1064_IEO_DIS_MD")  # by the README
    put_take(tmp_path, "1017_IWW_ANG_XX")  # its wav is equal to that of ..._FEA_XX
    put_all(tmp_path, ["VideoFlash/1040_ITH_SAD_XX.flv", "AudioWAV/1040_ITH_SAD_X.wav"])  # the old name
    put_all(tmp_path, ["VideoFlash/1003_WSI_DIS_XX.flv"])
    put_pointer(tmp_path / "AudioWAV" / "1003_WSI_DIS_XX.wav")
    put_all(tmp_path, ["VideoFlash/1004_WSI_DIS_XX.flv"])  # no wav at all
    put_all(tmp_path, ["AudioWAV/1005_TSI_FEA_XX.wav"])  # no video
    put_pointer(tmp_path / "VideoFlash" / "1006_TSI_FEA_XX.flv")
    put_all(tmp_path, ["VideoFlash/1007_ABC_FEA_XX.flv", "VideoFlash/intro.flv"])
    put_all(tmp_path, ["mp4/1002_DFA_HAP_XX.mp4"])  # converted, beside the one that is shipped
    put_votes(tmp_path, [1, "1009_TAI_SAD_XX", "S", 50, "S", 50, "S", 50])  # neither
    source = CremaD(tmp_path)
    sounds = {clip.id.rpartition("/")[2]: clip.audio and Path(clip.audio).name for clip in source.clips()}
    assert sounds == {
        "1002_DFA_HAP_XX": "1002_DFA_HAP_XX.wav",
        "1003_WSI_DIS_XX": None,
        "1004_WSI_DIS_XX": None,
        "1017_IWW_ANG_XX": None,
        "1040_ITH_SAD_XX": "1040_ITH_SAD_X.wav",
    }
    assert source.skipped == {
        "known to be broken": 2,
        "video missing": 2,
        "video is a git-LFS pointer": 1,
        "name not of this dataset": 2,
        "second file of one clip": 1,
    }
    assert source.noted == {
        "audio is that of another take: the video's own is taken": 1,
        "audio is a git-LFS pointer: the video's own is taken": 1,
        "audio missing: the video's own is taken": 1,
    }


def test_a_video_that_was_not_fetched_does_not_displace_the_converted_one(tmp_path: Path) -> None:
    put_pointer(tmp_path / "VideoFlash/1001_IOM_NEU_XX.flv")
    put_all(tmp_path, ["VideoMP4/1001_IOM_NEU_XX.mp4"])
    source = CremaD(tmp_path)
    assert [clip.video for clip in source.clips()] == [str(tmp_path / "VideoMP4/1001_IOM_NEU_XX.mp4")]
    assert source.skipped == {"second file of one clip": 1}
    assert source.examples["second file of one clip"] == [str(tmp_path / "VideoFlash/1001_IOM_NEU_XX.flv")]


def test_without_the_table_of_votes_the_rest_is_read(tmp_path: Path) -> None:
    put_take(tmp_path, "1001_IOM_NEU_XX")
    source = CremaD(tmp_path)
    [clip] = source.clips()
    assert (clip.emotion, clip.labels["intended"]) == ("neutral", "NEU")
    assert source.noted == {"table of votes missing": 1}


def test_mp4_conversions_are_read_where_there_is_no_flv(tmp_path: Path) -> None:
    put_all(tmp_path, ["VideoMP4/1001_IOM_SAD_XX.mp4", "AudioWAV/1001_IOM_SAD_XX.wav"])
    [clip] = CremaD(tmp_path).clips()
    assert clip.video.endswith("VideoMP4/1001_IOM_SAD_XX.mp4")


def test_endings_in_capitals_crops_and_archives_are_what_they_are(tmp_path: Path) -> None:
    put_take(tmp_path, "1001_IOM_SAD_XX", "1002_DFA_HAP_XX")
    for name in ("VideoFlash/1001_IOM_SAD_XX.flv", "AudioWAV/1001_IOM_SAD_XX.wav"):
        (tmp_path / name).rename((tmp_path / name).with_suffix((tmp_path / name).suffix.upper()))
    put_all(tmp_path, ["FaceCrops/1001_IOM_SAD_XX.mp4", "FaceCrops/1003_DFA_HAP_XX.mp4"])
    put_all(tmp_path, ["AudioVocals/1002_DFA_HAP_XX.wav"])
    put_text(tmp_path / "AudioWAV.zip", "packed")
    source = CremaD(tmp_path)
    assert [(Path(clip.video).parent.name, Path(clip.audio or "").parent.name) for clip in source.clips()] == [
        ("VideoFlash", "AudioWAV"),
        ("VideoFlash", "AudioWAV"),
    ]
    assert source.skipped == {"in a folder of crops or features": 3}
    assert source.noted == {"table of votes missing": 1, "archive beside the clips: is all of it unpacked?": 1}


def test_archives_alone_are_named(tmp_path: Path) -> None:
    put_text(tmp_path / "VideoFlash.part1.rar", "packed")
    message = "is no folder of CREMA-D: .*but it holds archives: VideoFlash.part1.rar; unpack"
    with pytest.raises(InputError, match=message):
        list(CremaD(tmp_path).clips())


def test_the_web_pages_zip_is_an_error_that_names_git_lfs(tmp_path: Path) -> None:
    put_pointer(tmp_path / "VideoFlash" / "1001_IOM_SAD_XX.flv")
    with pytest.raises(InputError, match=r"\(1 x video is a git-LFS pointer\).*git lfs pull"):
        list(CremaD(tmp_path).clips())


def test_another_folder_is_an_error(tmp_path: Path) -> None:
    put_all(tmp_path, ["01-01-05-01-01-01-01.mp4"])
    with pytest.raises(InputError, match="is no folder of CREMA-D: a video with a name like 1001_DFA_ANG_XX"):
        list(CremaD(tmp_path).clips())

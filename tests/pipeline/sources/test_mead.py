from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.mead import Mead
from tests.pipeline.sources.layout import put_all, put_text


def test_a_take_joins_the_video_of_one_view_with_the_sound_of_all(tmp_path: Path) -> None:
    put_all(tmp_path, [f"M003/video/{view}/disgusted/level_2/007.mp4" for view in ("front", "top", "left_30")])
    put_all(tmp_path, ["M003/audio/disgusted/level_2/007.m4a"])
    source = Mead(tmp_path)
    assert list(source.clips()) == [
        Clip(
            id="mead/front/M003_disgusted_level_2_007",
            source="mead",
            language="en",
            video=str(tmp_path / "M003/video/front/disgusted/level_2/007.mp4"),
            audio=str(tmp_path / "M003/audio/disgusted/level_2/007.m4a"),
            labels={"intended": "disgusted", "level": 2},
            emotion="disgust",
            speaker="mead/M003",
        )
    ]
    assert source.skipped == {"another view of a take": 2}
    assert not source.noted


def test_another_view_can_be_asked_for(tmp_path: Path) -> None:
    put_all(tmp_path, ["W017/video/down/sad/level_1/001.mp4", "W017/audio/sad/level_1/001.m4a"])
    [clip] = Mead(tmp_path, view="down").clips()
    assert clip.id == "mead/down/W017_sad_level_1_001"
    with pytest.raises(InputError, match=r"sources.mead.view: is 'back'; give one of: front, down"):
        Mead(tmp_path, view="back")


def test_odd_nestings_are_found_by_the_end_of_the_path(tmp_path: Path) -> None:
    put_all(tmp_path, ["W009_video/video/front/happy/level_1/001.mp4"])
    put_all(tmp_path, ["M005/video/video/front/fear/level_3/002.mp4", "M005/video/1/front/fear/level_3/003.mp4"])
    put_all(tmp_path, ["parts/2/W011/video/front/neutral/level_1/004.mp4"])
    assert [clip.id.rpartition("/")[2] for clip in Mead(tmp_path).clips()] == [
        "M005_fear_level_3_002",
        "M005_fear_level_3_003",
        "W009_happy_level_1_001",
        "W011_neutral_level_1_004",
    ]


def test_one_actors_folder_can_be_given(tmp_path: Path) -> None:
    put_all(tmp_path, ["M003/video/front/angry/level_1/001.mp4", "M003/audio/angry/level_1/001.m4a"])
    [clip] = Mead(tmp_path / "M003").clips()
    assert clip.speaker == "mead/M003" and clip.audio is not None


def test_the_actor_is_the_nearest_folder_that_names_one(tmp_path: Path) -> None:
    put_all(tmp_path, ["M003_and_others/W009/video/front/angry/level_1/001.mp4"])
    for folder in (tmp_path, tmp_path / "M003_and_others"):
        assert [clip.speaker for clip in Mead(folder).clips()] == ["mead/W009"]


def test_what_does_not_match_is_counted(tmp_path: Path) -> None:
    put_all(tmp_path, ["M003/video/front/angry/level_1/001.mp4", "M003/audio/angry/level_1/001.m4a"])
    put_all(tmp_path, ["M003/video/front/angry/level_1/003.mp4"])  # without sound of its own
    put_all(tmp_path, ["M003/audio/angry/level_1/004.m4a"])  # without a video
    put_all(tmp_path, ["M003/video/down/angry/level_1/005.mp4"])  # not filmed from the front
    put_all(tmp_path, ["M003/video/2/front/angry/level_1/001.mp4"])
    put_all(tmp_path, ["M003/video/front/bored/level_1/001.mp4", "M003/video/001.mp4"])
    put_all(tmp_path, ["M041/video/front/sad/level_2/020.mp4", "M041/video/front/sad/level_2/021.mp4"])  # mute
    put_all(tmp_path, ["M041/audio/sad/level_2/021.m4a"])
    put_all(tmp_path, ["W032/video/front/sad/level_2/001.mp4", "W032/audio/sad/level_2/001.m4a"])
    put_text(tmp_path / "M003" / "video.tar", "unpacked")
    put_text(tmp_path / "M019" / "video.tar", "not unpacked")
    source = Mead(tmp_path)
    assert {clip.id.rpartition("/")[2]: clip.audio is not None for clip in source.clips()} == {
        "M003_angry_level_1_001": True,
        "M003_angry_level_1_003": False,
        "M041_sad_level_2_021": True,
        "W032_sad_level_2_001": True,
    }
    # Of the two 001 of M003 the first in the order of paths is taken: video/2/... before video/front/...
    assert source.examples["second file of one clip"] == [str(tmp_path / "M003/video/front/angry/level_1/001.mp4")]
    assert source.skipped == {
        "video missing": 1,
        "another view of a take": 1,
        "not in this view": 1,
        "second file of one clip": 1,
        "name not of this dataset": 2,
        "known to be mute": 1,
        "archive not unpacked": 1,
    }
    assert source.noted == {
        "audio missing: the video's own is taken": 1,
        "left out by another project": 1,
        "archive beside the clips: is all of it unpacked?": 1,
    }


def test_archives_that_are_not_unpacked_are_an_error(tmp_path: Path) -> None:
    put_text(tmp_path / "M003" / "video.tar", "tar")
    with pytest.raises(InputError, match=r"is no folder of MEAD: .*but it holds archives: M003/video.tar; unpack them"):
        list(Mead(tmp_path).clips())


def test_archives_of_any_kind_and_endings_in_any_case_are_known(tmp_path: Path) -> None:
    put_all(tmp_path, ["M003/video/front/angry/level_1/001.MP4", "M003/audio/angry/level_1/001.M4A"])
    put_all(tmp_path, ["W011/audio/sad/level_2/001.m4a"])
    put_text(tmp_path / "W011" / "video.zip", "not unpacked")
    put_text(tmp_path / "W011" / "audio.tar.gz", "unpacked")
    source = Mead(tmp_path)
    assert [clip.audio for clip in source.clips()] == [str(tmp_path / "M003/audio/angry/level_1/001.M4A")]
    assert source.skipped == {"archive not unpacked": 1, "video missing": 1}
    assert source.noted == {"archive beside the clips: is all of it unpacked?": 1}


def test_crops_and_separated_voices_are_no_takes(tmp_path: Path) -> None:
    put_all(tmp_path, ["M003/video/front/angry/level_1/001.mp4", "M003/audio/angry/level_1/001.m4a"])
    put_all(tmp_path, ["FaceCrops/M003/video/front/angry/level_1/001.mp4", "Vocals/M003/angry/level_1/001.wav"])
    source = Mead(tmp_path)
    [clip] = source.clips()
    assert clip.video == str(tmp_path / "M003/video/front/angry/level_1/001.mp4")
    assert clip.audio == str(tmp_path / "M003/audio/angry/level_1/001.m4a")
    assert source.skipped == {"in a folder of crops or features": 2}


def test_a_take_without_the_view_is_no_clip_of_the_folder(tmp_path: Path) -> None:
    put_all(tmp_path, ["W017/video/down/sad/level_1/001.mp4"])
    with pytest.raises(InputError, match=r"holds no clip of MEAD .*1 x another view of a take; 1 x not in this view"):
        list(Mead(tmp_path).clips())

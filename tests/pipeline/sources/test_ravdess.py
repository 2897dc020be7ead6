from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.ravdess import Ravdess
from tests.pipeline.sources.layout import put_all, put_text

SPEECH, SONG = 60 * 24, 44 * 23  # takes with sound and picture, by the dataset's page


def test_a_take_is_read_from_its_name(tmp_path: Path) -> None:
    put_all(tmp_path, ["Actor_12/01-01-06-02-02-01-12.mp4"])
    assert list(Ravdess(tmp_path).clips()) == [
        Clip(
            id="ravdess/speech/01-01-06-02-02-01-12",
            source="ravdess",
            language="en",
            video=str(tmp_path / "Actor_12" / "01-01-06-02-02-01-12.mp4"),
            transcript="Dogs are sitting by the door",
            labels={"intended": "fearful", "intensity": "strong", "channel": "speech"},
            emotion="fear",
            speaker="ravdess/12",
        )
    ]


def test_calm_has_no_common_emotion(tmp_path: Path) -> None:
    put_all(tmp_path, ["Actor_01/01-01-02-01-01-01-01.mp4"])
    [clip] = Ravdess(tmp_path).clips()
    assert (clip.labels["intended"], clip.emotion, clip.labels["own_emotions"]) == ("calm", None, ["calm"])


def test_only_spoken_takes_with_sound_are_read_and_the_rest_is_counted(tmp_path: Path) -> None:
    put_all(tmp_path, ["Actor_01/01-01-05-01-01-01-01.mp4", "Actor_01/01-01-05-01-01-02-01.mp4"])
    put_all(tmp_path, ["Actor_01/02-01-05-01-01-01-01.mp4"])  # silent
    put_all(tmp_path, ["Actor_01/03-01-05-01-01-01-01.wav"])  # sound alone: no video, so it is not looked at
    put_all(tmp_path, ["Actor_01/01-02-05-01-01-01-01.mp4"])  # sung
    put_all(tmp_path, ["copy/Actor_01/01-01-05-01-01-01-01.mp4"])
    put_all(tmp_path, ["Actor_01/01-01-01-02-01-01-01.mp4", "Actor_25/01-01-05-01-01-01-25.mp4"])  # no such takes
    for number in ("01", "02"):
        put_text(tmp_path / f"Video_Speech_Actor_{number}.zip", "only its name counts")
    put_text(tmp_path / "Video_Speech_Actor_03.zip.part", "half")
    source = Ravdess(tmp_path)
    assert [clip.id for clip in source.clips()] == [
        "ravdess/speech/01-01-05-01-01-01-01",
        "ravdess/speech/01-01-05-01-01-02-01",
    ]
    assert source.skipped == {
        "silent copy of a take": 1,
        "song": 1,
        "second file of one clip": 1,
        "name not of this dataset": 2,
        "archive not unpacked": 1,
        "download not finished": 1,
        "video missing": SPEECH - 2,
    }
    assert source.examples["archive not unpacked"] == [str(tmp_path / "Video_Speech_Actor_02.zip")]


def test_songs_are_read_where_they_are_asked_for(tmp_path: Path) -> None:
    put_all(tmp_path, ["Actor_01/01-02-05-01-01-01-01.mp4", "Actor_18/01-02-05-01-01-01-18.mp4"])
    source = Ravdess(tmp_path, songs=True)
    assert [(clip.id, clip.labels["channel"]) for clip in source.clips()] == [
        ("ravdess/song/01-02-05-01-01-01-01", "song")
    ]
    # Actor 18 did not sing, so there is no such take.
    assert source.skipped == {"name not of this dataset": 1, "video missing": SPEECH + SONG - 1}


def test_song_archives_are_read_as_they_unpack(tmp_path: Path) -> None:
    """Each archive into a folder of its name, as file managers do, or side by side, as `unzip` does."""
    take = "-05-01-01-01-"
    put_all(tmp_path, [f"Video_Song_Actor_01/Actor_01/{code}-02{take}01.mp4" for code in ("01", "02")])
    put_all(tmp_path, [f"Actor_02/01-0{channel}{take}02.mp4" for channel in (1, 2)])
    for number in ("01", "02", "03"):
        put_text(tmp_path / f"Video_Song_Actor_{number}.zip", "only its name counts")
    source = Ravdess(tmp_path, songs=True)
    assert [(clip.id, clip.speaker) for clip in source.clips()] == [
        (f"ravdess/speech/01-01{take}02", "ravdess/02"),
        (f"ravdess/song/01-02{take}01", "ravdess/01"),
        (f"ravdess/song/01-02{take}02", "ravdess/02"),
    ]
    assert source.examples["archive not unpacked"] == [str(tmp_path / "Video_Song_Actor_03.zip")]


def test_song_archives_that_nobody_asked_for_need_not_be_unpacked(tmp_path: Path) -> None:
    put_all(tmp_path, ["Actor_01/01-01-05-01-01-01-01.mp4", "Actor_01/01-02-05-01-01-01-01.mp4"])
    put_text(tmp_path / "Video_Song_Actor_02.zip", "only its name counts")
    source = Ravdess(tmp_path)
    assert len(list(source.clips())) == 1
    assert source.skipped == {"song": 1, "video missing": SPEECH - 1}


def test_a_folder_of_songs_alone_names_the_option(tmp_path: Path) -> None:
    put_all(tmp_path, ["Actor_01/01-02-05-01-01-01-01.mp4"])
    with pytest.raises(InputError, match=r"holds no clip of RAVDESS that can be used \(.*1 x song.*songs: true"):
        list(Ravdess(tmp_path).clips())


def test_an_option_of_another_kind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sources.ravdess.songs: is 'no'; give true or false"):
        Ravdess(tmp_path, songs="no")  # type: ignore[arg-type]


def test_archives_that_are_not_unpacked_are_an_error(tmp_path: Path) -> None:
    put_text(tmp_path / "Video_Speech_Actor_01.zip", "zip")
    archives = r"is no folder of RAVDESS: .*it holds archives: Video_Speech_Actor_01.zip; unpack them"
    with pytest.raises(InputError, match=archives):
        list(Ravdess(tmp_path).clips())

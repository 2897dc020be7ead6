from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.generic import Generic
from tests.pipeline.sources.layout import put, put_all, put_pointer, put_table, put_text


def test_a_folder_without_a_table_gives_every_video_with_the_sound_beside_it(tmp_path: Path) -> None:
    put_all(tmp_path, ["b.mp4", "a/one.part.mkv", "a/one.part.wav", "a/two.avi", "c/two.wav"])
    source = Generic(tmp_path, language="zh")
    assert list(source.clips()) == [
        Clip(
            "generic/all/a/one.part",
            "generic",
            "zh",
            str(tmp_path / "a/one.part.mkv"),
            str(tmp_path / "a/one.part.wav"),
        ),
        Clip("generic/all/a/two", "generic", "zh", str(tmp_path / "a/two.avi")),
        Clip("generic/all/b", "generic", "zh", str(tmp_path / "b.mp4")),
    ]
    assert source.skipped == {"sound without a video": 1}


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_the_table_tells_what_is_known_of_a_clip(tmp_path: Path, form: str) -> None:
    put_all(tmp_path, ["day 1/007.mp4", "day 1/008.mp4"])
    if form == "csv":
        header = ["id", "transcript", "emotion", "speaker", "split", "language", "scene"]
        rows = [
            ["day 1/007", "你好", "Joy", "anna", "test", "zh", "park"],
            ["day 1/008", " ", "bored", "", "", "en", ""],
        ]
        put_table(tmp_path / "metadata.csv", header, rows)
    else:
        first = '{"id": "day 1/007", "transcript": "你好", "emotion": "Joy", "speaker": "anna", "split": "test", '
        first += '"language": "zh", "scene": "park"}\n'
        put_text(tmp_path / "metadata.jsonl", first + '{"id": "day 1/008", "emotion": "bored", "language": "en"}\n')
    source = Generic(tmp_path, name="mine")
    assert list(source.clips()) == [
        Clip(
            id="mine/test/day 1/007",
            source="mine",
            language="zh",
            video=str(tmp_path / "day 1/007.mp4"),
            transcript="你好",
            labels={"scene": "park", "native_emotion": "Joy"},
            emotion="happy",
            speaker="mine/anna",
            split="test",
        ),
        Clip(
            id="mine/all/day 1/008",
            source="mine",
            language="en",
            video=str(tmp_path / "day 1/008.mp4"),
            labels={"native_emotion": "bored", "own_emotions": ["bored"]},
        ),
    ]
    assert not source.skipped and not source.noted


def test_what_the_table_and_the_folder_do_not_share_is_counted(tmp_path: Path) -> None:
    put_all(tmp_path, ["a.mp4", "b.mp4", "b.avi"])
    put_pointer(tmp_path / "c.mp4")
    put_pointer(tmp_path / "a.wav")
    put_table(tmp_path / "metadata.csv", ["id"], [["a"], ["b"], ["c"], ["d"]])
    source = Generic(tmp_path, language="en")
    assert [Path(clip.video).name for clip in source.clips()] == ["a.mp4", "b.avi"]
    assert source.skipped == {"video is a git-LFS pointer": 1, "video missing": 1, "id twice": 1}
    # b.mp4 has the id of b.avi, whose row it was.
    assert source.noted == {"audio is a git-LFS pointer: the video's own is taken": 1, "video without row": 1}


@pytest.mark.parametrize(
    "name",
    [
        "day 1/007.mp4",
        "day 1/007.MP4",
        "day 1/007.wav",
        "day 1\\007",
        "day 1\\007.mp4",
        "./day 1/007.mp4",
        ".\\day 1\\007",
    ],
)
def test_an_id_with_an_ending_or_a_backslash_keeps_its_labels(tmp_path: Path, name: str) -> None:
    put_all(tmp_path, ["day 1/007.mp4"])
    put_table(tmp_path / "metadata.csv", ["id", "emotion"], [[name, "Joy"]])
    source = Generic(tmp_path, language="en")
    assert [(clip.id, clip.emotion) for clip in source.clips()] == [("generic/all/day 1/007", "happy")]
    assert not source.skipped and not source.noted


def test_an_id_that_is_a_clips_own_name_is_never_taken_for_another_spelling(tmp_path: Path) -> None:
    put_all(tmp_path, ["a.mp4.mp4", "a.mp4", "b\\c.mp4", "b/c.mp4", "d.v2.mp4"])
    rows = [["a.mp4", "1"], ["a", "2"], ["b\\c", "3"], ["b/c", "4"], ["d.v2", "5"]]
    put_table(tmp_path / "metadata.csv", ["id", "number"], rows)
    found = {clip.id.partition("/all/")[2]: clip.labels["number"] for clip in Generic(tmp_path, language="en").clips()}
    assert found == {"a.mp4": "1", "a": "2", "b\\c": "3", "b/c": "4", "d.v2": "5"}


def test_a_name_that_holds_a_backslash_itself_keeps_its_labels(tmp_path: Path) -> None:
    put(tmp_path / "day 1\\007.mp4")  # as some programs unpack what was packed on Windows
    put_text(tmp_path / "metadata.csv", "id,emotion\nday 1\\007.mp4,joy\n")
    assert [clip.emotion for clip in Generic(tmp_path, language="en").clips()] == ["happy"]


@pytest.mark.parametrize("name", ["METADATA.CSV", "Metadata.jsonl"])
def test_the_table_is_read_whatever_the_case_of_its_name(tmp_path: Path, name: str) -> None:
    put(tmp_path / "a.mp4")
    put_text(tmp_path / name, "id,emotion\na,joy\n" if name.endswith("CSV") else '{"id": "a", "emotion": "joy"}\n')
    assert [clip.emotion for clip in Generic(tmp_path, language="en").clips()] == ["happy"]


def test_two_spellings_of_one_clip_are_an_error(tmp_path: Path) -> None:
    put(tmp_path / "a.mp4")
    put_table(tmp_path / "metadata.csv", ["id"], [["a"], ["a.mp4"]])
    with pytest.raises(InputError, match=r"metadata: 'a' and 'a.mp4' name one clip; remove one of the two rows"):
        list(Generic(tmp_path, language="en").clips())


def test_videos_of_any_known_ending_are_clips(tmp_path: Path) -> None:
    for ending in ("mpg", "WMV", "3gp", "ts", "MTS"):
        put(tmp_path / "a.mp4").rename(tmp_path / f"{ending}.{ending}")
    clips = Generic(tmp_path, language="en").clips()
    assert [Path(clip.video).suffix for clip in clips] == [".3gp", ".MTS", ".WMV", ".mpg", ".ts"]


def test_crops_beside_clips_are_left_out_but_where_the_table_names_them(tmp_path: Path) -> None:
    put_all(tmp_path, ["hands/1.mp4", "hands/2.mp4", "faces/1.mp4", "faces/2.mp4"])
    source = Generic(tmp_path, language="en")
    assert [clip.id for clip in source.clips()] == ["generic/all/hands/1", "generic/all/hands/2"]
    assert source.skipped == {"in a folder of crops or features": 2}
    put_table(tmp_path / "metadata.csv", ["id"], [["faces/1.mp4"], ["hands/1"], ["hands/2"]])
    assert [clip.id.partition("/all/")[2] for clip in source.clips()] == ["faces/1", "hands/1", "hands/2"]
    assert source.skipped == {"in a folder of crops or features": 1}


@pytest.mark.parametrize(
    "row, message",
    [
        ('{"id": 7}', r"metadata.jsonl:1: id: is 7, not a text"),
        ('{"transcript": "x"}', r"metadata.jsonl:1: id: is missing"),
        ('{"id": "a", "split": "valid"}', r"metadata.jsonl:1: split: is 'valid'; give one of: train, dev, test"),
        ('{"id": "a", "language": "de"}', r"metadata.jsonl:1: language: is 'de'; give one of: zh, en"),
        ('{"id": "a"}\n{"id": "a"}', r"metadata.jsonl:2: id: 'a' is there twice"),
        ('{"id": "a"}', r"a.mp4: language: is not known; give the option sources.generic.language"),
        ("", r"metadata.jsonl: file: holds no row"),
    ],
)
def test_a_wrong_table_is_an_error(tmp_path: Path, row: str, message: str) -> None:
    put(tmp_path / "a.mp4")
    put_text(tmp_path / "metadata.jsonl", row)
    with pytest.raises(InputError, match=message):
        list(Generic(tmp_path).clips())


def test_two_tables_are_an_error(tmp_path: Path) -> None:
    put_text(tmp_path / "metadata.jsonl", '{"id": "a"}')
    put_text(tmp_path / "metadata.csv", "id\na\n")
    with pytest.raises(InputError, match="keep one of them"):
        list(Generic(tmp_path).clips())


@pytest.mark.parametrize("options", [{"language": "de"}, {"name": "a/b"}, {"name": 7}, {"name": ""}])
def test_a_wrong_option_is_an_error(tmp_path: Path, options: dict[str, str]) -> None:
    [name] = options
    with pytest.raises(InputError, match=f"recipe: sources.generic.{name}: is "):
        Generic(tmp_path, **options)  # type: ignore[arg-type]

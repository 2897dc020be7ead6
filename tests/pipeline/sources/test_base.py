import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources import base
from swift_saber.pipeline.sources.base import Source, open_source, readers
from swift_saber.text.emotions import EMOTIONS, common_emotion
from tests.pipeline.sources.layout import put, put_all, put_pointer, put_table, put_text


class Plain(Source):
    """Every mp4 is a clip whose id is its stem, so that ids can be there twice."""

    key, title, languages, access = "plain", "Plain", ("en",), "nowhere"
    layout = """
        clips/<name>.mp4
    """

    def read(self) -> Iterator[Clip]:
        for path in self.files((".mp4",)):
            if self.usable(path, "video"):
                yield Clip(f"plain/all/{path.stem}", "plain", "en", str(path))


def ids(source: Source) -> list[str]:
    return [clip.id.rpartition("/")[2] for clip in source.clips()]


def test_files_come_in_the_order_of_their_paths_whatever_the_case_of_their_ending(tmp_path: Path) -> None:
    put_all(tmp_path, ["b/2.mp4", "b/10.MP4", "a/z/9.mp4", "c.mp4", "b/x.wav"])
    assert ids(Plain(tmp_path)) == ["9", "10", "2", "c"]


def test_what_is_hidden_or_added_by_macos_is_no_clip(tmp_path: Path) -> None:
    put_all(tmp_path, ["a.mp4", "._a2.mp4", "__MACOSX/a3.mp4", ".cache/a4.mp4"])
    assert ids(Plain(tmp_path)) == ["a"]


def test_linked_folders_are_followed_once_and_in_no_circle(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "a.mp4")
    data = tmp_path / "data"
    data.mkdir()
    (data / "first").symlink_to(tmp_path / "elsewhere")
    (data / "second").symlink_to(tmp_path / "elsewhere")
    (data / "circle").symlink_to(data)
    source = Plain(data)
    assert [clip.video for clip in source.clips()] == [str(data / "first" / "a.mp4")]


def test_each_kind_of_unusable_media_is_counted_under_its_reason(tmp_path: Path) -> None:
    put(tmp_path / "good.mp4")
    put_text(tmp_path / "empty.mp4", "")
    put_pointer(tmp_path / "pointer.mp4")
    put_text(tmp_path / "short.mp4", "no pointer, and for cleaning to reject")
    (tmp_path / "dangling.mp4").symlink_to("nowhere")
    (tmp_path / "loop.mp4").symlink_to(tmp_path / "loop.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    put_text(tmp_path / "late.mp4.part", "half")
    source = Plain(tmp_path)
    assert ids(source) == ["good", "short"]
    assert source.skipped == {
        "video empty": 1,
        "video is a git-LFS pointer": 1,
        "video missing": 1,
        "video unreadable": 1,
        "video not a file": 1,
        "download not finished": 1,
    }
    assert source.examples["video empty"] == [str(tmp_path / "empty.mp4")]


def test_a_path_that_no_row_can_hold_is_counted(tmp_path: Path) -> None:
    put(tmp_path / "good.mp4")
    try:
        put(Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.mp4")))
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    source = Plain(tmp_path)
    assert ids(source) == ["good"]
    assert source.skipped == {"path is not UTF-8": 1}


def test_an_id_that_is_there_twice_is_yielded_once_and_counted(tmp_path: Path) -> None:
    put_all(tmp_path, ["a/1.mp4", "b/1.mp4"])
    source = Plain(tmp_path)
    assert [clip.video for clip in source.clips()] == [str(tmp_path / "a" / "1.mp4")]
    assert source.skipped == {"id twice": 1}
    assert source.examples["id twice"] == [f"plain/all/1 ({tmp_path / 'b' / '1.mp4'})"]


def test_counts_begin_anew_and_examples_stay_few(tmp_path: Path) -> None:
    put(tmp_path / "good.mp4")
    for number in range(30):
        put_text(tmp_path / f"{number:02}.mp4", "")
    source = Plain(tmp_path)
    for _ in range(2):
        assert ids(source) == ["good"]
        assert source.skipped == {"video empty": 30}
        assert len(source.examples["video empty"]) == 20


def test_a_relative_folder_gives_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "data" / "a.mp4")
    monkeypatch.chdir(tmp_path)
    [clip] = Plain("data").clips()
    assert clip.video == str(tmp_path / "data" / "a.mp4")


@pytest.mark.parametrize("wrong", ["missing", "a file"])
def test_no_folder_is_an_error_that_says_what_is_expected(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "data"
    if wrong == "a file":
        put_text(path, "text")
    with pytest.raises(InputError, match=r"is no folder of Plain: .*; expected: clips/<name>.mp4$"):
        list(Plain(path).clips())


def test_a_folder_without_a_usable_clip_is_an_error_that_says_why(tmp_path: Path) -> None:
    put_pointer(tmp_path / "a.mp4")
    put_pointer(tmp_path / "b.mp4")
    with pytest.raises(InputError, match=r"holds no clip of Plain .*\(2 x video is a git-LFS pointer\)"):
        list(Plain(tmp_path).clips())


def table(source: Source, path: Path, *columns: str) -> list[tuple[str, dict[str, str]]]:
    return list(source.rows(path, columns))


def test_tables_are_read_with_line_numbers_and_texts_as_they_stand(tmp_path: Path) -> None:
    path = put_table(tmp_path / "t.csv", ["id", "text"], [["007", "你好, “Ross”"], ["008", "two\nlines"], ["009", ""]])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())  # as Excel writes it
    rows = table(Plain(tmp_path), path, "id", "text")
    assert rows == [
        (f"{path}:2", {"id": "007", "text": "你好, “Ross”"}),
        (f"{path}:4", {"id": "008", "text": "two\nlines"}),
        (f"{path}:5", {"id": "009", "text": ""}),
    ]


def test_spaces_around_a_value_of_a_table_are_none_of_it(tmp_path: Path) -> None:
    path = put_text(tmp_path / "t.csv", " id ,text\n 007 , two  words \n008,  \n")
    rows = [row for _, row in table(Plain(tmp_path), path, "id", "text")]
    assert rows == [{"id": "007", "text": "two  words"}, {"id": "008", "text": ""}]


def test_what_a_source_does_not_say_of_a_clip_is_not_known(tmp_path: Path) -> None:
    bare = Plain(tmp_path).clip("all/a", tmp_path / "a.mp4", transcript="", labels={"word": "", "level": 0}, speaker="")
    assert bare == Clip("plain/all/a", "plain", "en", str(tmp_path / "a.mp4"), labels={"level": 0})
    full = Plain(tmp_path).clip("all/a", tmp_path / "a.mp4", labels={}, emotion="Joy", speaker="s", origin="o")
    assert (full.emotion, full.speaker, full.origin) == ("happy", "plain/s", "plain/o")


def test_a_row_of_another_width_is_counted_and_a_blank_line_is_none(tmp_path: Path) -> None:
    path = put_text(tmp_path / "t.csv", "id,text\n1,a,b\n\n2,c\n3\n")
    source = Plain(tmp_path)
    assert [row["id"] for _, row in table(source, path, "id")] == ["2"]
    assert source.skipped == {"table row of another width": 2}
    assert source.examples["table row of another width"] == [f"{path}:2", f"{path}:5"]


@pytest.mark.parametrize(
    "text, encoding, message",
    [
        ("name,text\n1,a\n", "utf-8", r"t.csv:1: header: has no column 'id': its header is \['name', 'text'\]"),
        ("", "utf-8", r"t.csv:1: header: has no column 'id'"),
        ("id,text\n1,you’re\n", "cp1252", r"t.csv: file: not UTF-8 .*; take the current table, or save it as UTF-8"),
        ('id,text\n1,"' + "x" * 140_000, "utf-8", r"t.csv: file: no CSV \(field larger than field limit"),
    ],
)
def test_a_wrong_table_is_an_error(tmp_path: Path, text: str, encoding: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        table(Plain(tmp_path), put_text(tmp_path / "t.csv", text, encoding), "id")


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t.csv: file: No such file"):
        table(Plain(tmp_path), tmp_path / "t.csv", "id")


@pytest.mark.parametrize(
    "word, emotion",
    [
        ("Joy", "happy"),
        ("anger", "angry"),
        (" Disgusting ", "disgust"),
        ("fearful", "fear"),
        ("sadness", "sad"),
        ("surprised", "surprise"),
        ("contempt", "contempt"),
        ("calm", None),
        ("worried", None),
        ("", None),
    ],
)
def test_words_are_mapped_to_the_common_emotions(word: str, emotion: str | None) -> None:
    assert common_emotion(word) == emotion
    assert emotion is None or emotion in EMOTIONS


def test_each_reader_is_found_by_its_key_and_says_what_it_needs() -> None:
    modules = {path.stem.replace("_", "-") for path in Path(base.__file__).parent.glob("[!_]*.py")} - {"base"}
    assert readers().keys() == modules
    for key, source in readers().items():
        assert source.key == key
        assert source.title and source.access.endswith(".") and source.layout.strip()
        assert set(source.languages) <= {"zh", "en"} and source.languages


def test_opening_reads_nothing_yet() -> None:
    assert open_source("mead", "nowhere", view="down").folder == Path.cwd() / "nowhere"


@pytest.mark.parametrize(
    "key, options, message",
    [
        ("mela", {}, r"recipe: sources: 'mela' is no source; give one of: .*crema-d, .*mead"),
        ("base", {}, r"'base' is no source"),
        ("mead", {"veiw": "top"}, r"recipe: sources.mead.veiw: is no option of this source; it has: view"),
        ("crema-d", {"folder2": "x"}, r"recipe: sources.crema-d.folder2: .*; it has no options"),
    ],
)
def test_an_unknown_source_or_option_is_an_error(key: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_source(key, "nowhere", **options)


def test_a_glance_does_not_open_what_is_larger_than_a_pointer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("opened")

    path = put(tmp_path / "a.mp4")
    monkeypatch.setattr("builtins.open", forbidden)
    assert base.media_problem(path) is None

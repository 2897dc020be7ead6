import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources import base
from swift_saber.pipeline.sources.base import Source, open_source, readers
from swift_saber.text.emotions import EMOTIONS, common_emotion
from tests.pipeline.sources import layout
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


@pytest.mark.parametrize("last, said", [(9_200, "more than 100 lines"), (22_000, "larger than field limit .*")])
def test_a_row_that_does_not_end_is_named_by_the_line_where_it_begins(tmp_path: Path, last: int, said: str) -> None:
    rows = [f"{number},text\n" for number in range(2, last)]
    rows[9_000 - 2] = '9000,"text\n'  # and no quotation mark after it; the header is line 1
    path = put_text(tmp_path / "t.csv", "id,text\n" + "".join(rows))
    with pytest.raises(InputError, match=rf"{said}, in the row that begins in line 9000\); copy the file again"):
        table(Plain(tmp_path), path, "id")


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
        ("愤怒", "angry"),
        (" 高兴 ", "happy"),
        ("悲伤", "sad"),
        ("惊讶", "surprise"),
        ("恐惧", "fear"),
        ("厌恶", "disgust"),
        ("中性", "neutral"),
        ("轻蔑", "contempt"),
        ("平静", None),
        ("喜欢", None),  # which sets have beside 高兴
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
        ("crema-d", {"folder2": "x"}, r"recipe: sources.crema-d.folder2: .*; it has: encoding"),
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


# --- What was made of clips, and what was not unpacked or fetched


@pytest.mark.parametrize("folder", ["FaceCrops", "openface", "openface_face", "cropped_faces", "a/MOUTH", "features2"])
def test_what_was_made_of_a_clip_does_not_displace_it(tmp_path: Path, folder: str) -> None:
    put_all(tmp_path, ["videos/1.mp4", "videos/2.mp4", f"{folder}/1.mp4", f"{folder}/3.mp4"])
    source = Plain(tmp_path)
    assert [clip.video for clip in source.clips()] == [str(tmp_path / f"videos/{name}.mp4") for name in "12"]
    # The third, of which there is no original, is as little a clip as the first.
    assert source.skipped == {"in a folder of crops or features": 2}


@pytest.mark.parametrize("folder", ["faces", "clips", "surfaces", "Face to face"])
def test_a_folder_of_clips_is_none_of_crops_whatever_its_name(tmp_path: Path, folder: str) -> None:
    put_all(tmp_path, ["videos/1.mp4", f"{folder}/2.mp4"])
    source = Plain(tmp_path)
    assert sorted(ids(source)) == ["1", "2"]
    assert not source.skipped


def test_crops_alone_are_what_there_is_and_the_folder_itself_may_have_any_name(tmp_path: Path) -> None:
    put_all(tmp_path, ["faces/FaceCrops/1.mp4", "other/1.mp4"])
    assert ids(Plain(tmp_path / "faces")) == ["1"]


@pytest.mark.parametrize("folder", ["faces", "crops", "features/flow"])
def test_a_folder_that_holds_all_says_nothing_of_its_files_by_its_name(tmp_path: Path, folder: str) -> None:
    put_all(tmp_path / folder, ["FaceCrops/1.mp4", "videos/1.mp4", "videos/2.mp4"])
    source = Plain(tmp_path)
    assert [clip.video for clip in source.clips()] == [str(tmp_path / folder / f"videos/{name}.mp4") for name in "12"]
    assert source.skipped == {"in a folder of crops or features": 1}


def test_a_copy_whose_folder_tells_nothing_is_a_second_file(tmp_path: Path) -> None:
    put_all(tmp_path, ["again/1.mp4", "videos/1.mp4"])
    source = Plain(tmp_path)
    assert ids(source) == ["1"]
    assert source.skipped == {"id twice": 1}


_ARCHIVES = ["a.zip", "b.tar", "c.tar.gz", "d.tgz", "e.rar", "f.7z", "g.7z.001", "h.z01", "i.part1.rar", "j.tar.gz.aa"]
_ARCHIVES += ["k.zip.part-00", "l.tar.xz", "M.ZIP", "n.001"]


def test_archives_beside_clips_are_named(tmp_path: Path) -> None:
    put(tmp_path / "clip.mp4")
    for name in [*_ARCHIVES, "zip", "a.zip.md5", "a.zip.txt", "part.mp4.json", "rar.py", "__MACOSX/o.zip", "._p.zip"]:
        put_text(tmp_path / name, "packed")
    source = Plain(tmp_path)
    assert ids(source) == ["clip"]
    assert source.noted == {"archive beside the clips: is all of it unpacked?": len(_ARCHIVES)}
    assert sorted(source.examples.popitem()[1]) == sorted(str(tmp_path / name) for name in _ARCHIVES)


def test_a_folder_that_cannot_be_read_is_no_fault_of_a_dataset_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_all(tmp_path, ["data/metadata/x.mp4", "data/private/y.mp4"])
    scandir = os.scandir

    def refusing(path: Path) -> Any:  # root may read all
        if Path(path).name == "private":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(InputError, match=r"data/private: file: Permission denied"):
        list(Plain(tmp_path / "data").clips())
    with pytest.raises(InputError, match=r"is no folder of MER25 .*: subtitle_chieng.csv is not there"):
        list(open_source("mer25", tmp_path / "data").clips())


def test_where_there_are_archives_alone_the_error_says_so_and_what_to_do(tmp_path: Path) -> None:
    for name in ("a.zip", "b/c.tar", "b/d.tar", "b/e.tar", "b/f.tar"):
        put_text(tmp_path / name, "packed")
    message = (
        r"holds no clip of Plain that can be used, but it holds archives: a.zip, b/c.tar, b/d.tar and 2 more; unpack"
    )
    with pytest.raises(InputError, match=message):
        list(Plain(tmp_path).clips())
    with pytest.raises(InputError, match=r"a.zip: folder: is an archive; unpack it, and name the folder"):
        list(Plain(tmp_path / "a.zip").clips())


def test_an_archive_that_was_not_fetched_is_named_as_such(tmp_path: Path) -> None:
    put_text(tmp_path / "a.zip", "")
    put_pointer(tmp_path / "b.tar.gz")
    with pytest.raises(InputError, match=r"holds archives: a.zip \(empty\), b.tar.gz \(is a git-LFS pointer\); unpack"):
        list(Plain(tmp_path).clips())
    put(tmp_path / "clip.mp4")
    source = Plain(tmp_path)
    assert ids(source) == ["clip"]
    assert source.noted == {"archive beside the clips: empty": 1, "archive beside the clips: is a git-LFS pointer": 1}
    for name in ("a.zip", "b.tar.gz"):
        source.skip_archive(tmp_path / name)
    assert source.skipped == {"archive empty": 1, "archive is a git-LFS pointer": 1}


_DRIVE = "<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head><body>{}</body></html>"


def test_what_stands_in_place_of_a_file_is_counted_as_what_it_is(tmp_path: Path) -> None:
    put(tmp_path / "good.mp4")
    put_text(tmp_path / "unlocked.mp4", "/annex/objects/SHA256E-s1234--0a1b.mp4\n")
    (tmp_path / "locked.mp4").symlink_to("../.git/annex/objects/Xq/8M/SHA256E-s1234--0a1b.mp4/SHA256E-s1234--0a1b.mp4")
    put_text(tmp_path / "drive.mp4", _DRIVE.format("x" * 2500))
    source = Plain(tmp_path)
    assert ids(source) == ["good"]
    assert source.skipped == {"video is a git-annex pointer": 2, "video is a web page": 1}


@pytest.mark.parametrize(
    "content, message",
    [
        (layout._POINTER.format("0" * 64), r"t.csv: file: is a git-LFS pointer; fetch the file itself: .git lfs pull"),
        ("/annex/objects/MD5E-s99--0a.csv\n", r"t.csv: file: is a git-annex pointer; .*git annex get"),
        (_DRIVE.format(""), r"t.csv: file: is a web page; download the file again"),
    ],
)
def test_what_stands_in_place_of_a_table_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = put_text(tmp_path / "t.csv", content)
    for read in (Plain(tmp_path).objects, lambda path: table(Plain(tmp_path), path, "id"), Plain(tmp_path).text):
        with pytest.raises(InputError, match=message):
            list(read(path))


# --- Encodings

_SAID = "你好，“再见”"


def in_encoding(folder: Path, encoding: str | None) -> Source:
    source = open_source("generic", folder, language="zh", **({"encoding": encoding} if encoding else {}))
    put(folder / "a.mp4")
    return source


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16", "UTF-16-LE", "utf-16-be", "utf-8", "big5"])
def test_a_table_in_another_encoding_is_read_where_the_option_says_it(tmp_path: Path, encoding: str) -> None:
    said = _SAID.replace("见", "見") if encoding == "big5" else _SAID
    put_text(tmp_path / "metadata.csv", f"id,transcript\r\na,{said}\r\n", encoding)
    [clip] = in_encoding(tmp_path, encoding).clips()
    assert clip.transcript == said


@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "utf-16-le"])
def test_rows_of_json_and_texts_are_read_in_it_too(tmp_path: Path, encoding: str) -> None:
    put_text(tmp_path / "metadata.jsonl", f'{{"id": "a", "transcript": "{_SAID}"}}\r\n\r\n', encoding)
    source = in_encoding(tmp_path, encoding)
    assert [clip.transcript for clip in source.clips()] == [_SAID]
    assert source.text(put_text(tmp_path / "t.txt", _SAID, encoding)) == _SAID


def test_tables_that_are_utf_8_stay_so_beside_others(tmp_path: Path) -> None:
    source = in_encoding(tmp_path, "cp1252")
    texts = {"utf-8": _SAID, "utf-8-sig": _SAID, "cp1252": "you’re – “here”"}
    for encoding, text in texts.items():
        path = put_text(tmp_path / f"{encoding}.csv", f"id\n{text}\n", encoding)
        assert table(source, path, "id") == [(f"{path}:2", {"id": text})]
    # A character that a block ends in: 3 bytes a character, of which 1 << 20 is no multiple.
    path = put_text(tmp_path / "long.txt", "好" * (1 << 19))
    assert source.text(path) == "好" * (1 << 19)


@pytest.mark.parametrize(
    "encoding, bad", [("gbk", b"\xff\xff"), ("utf-16", b"\xff\xfe\x00\xd8d\x00"), ("ascii", b"\xe9")]
)
def test_a_table_that_is_not_in_the_encoding_is_an_error_that_names_both(
    tmp_path: Path, encoding: str, bad: bytes
) -> None:
    (tmp_path / "metadata.csv").write_bytes((b"" if encoding == "utf-16" else b"id,transcript\na,") + bad + b"\n")
    with pytest.raises(
        InputError, match=rf"metadata.csv: file: neither UTF-8 nor {encoding} \(.*sources.generic.encoding"
    ):
        list(in_encoding(tmp_path, encoding).clips())


@pytest.mark.parametrize("encoding", [None, "gbk", "cp1252"])
def test_a_line_that_cannot_be_decoded_is_named_by_its_number(tmp_path: Path, encoding: str | None) -> None:
    rows = [f"clip{number},好\n".encode(encoding if encoding == "gbk" else "utf-8") for number in range(2, 10_000)]
    rows[9_000 - 2] = b"clip,\x81\xff\n"  # in none of the three; the header is line 1
    (tmp_path / "metadata.csv").write_bytes(b"id,transcript\n" + b"".join(rows))
    with pytest.raises(InputError, match=r"metadata.csv: file: n.* UTF-8 .*\(.* in line 9,?000\)"):
        list(in_encoding(tmp_path, encoding).clips())


@pytest.mark.parametrize("encoding", [None, "gbk", "cp1252"])
@pytest.mark.parametrize("cut", [1, 2])
def test_utf_8_that_is_cut_off_is_not_read_in_another_encoding(tmp_path: Path, encoding: str, cut: int) -> None:
    (tmp_path / "metadata.csv").write_bytes("id,transcript\na,你好\nb,再见".encode()[:-cut])
    with pytest.raises(InputError, match=r"not UTF-8 \(unexpected end of data in line 3\); copy the file again"):
        list(in_encoding(tmp_path, encoding).clips())


def test_a_zero_byte_in_utf_8_makes_it_no_other_encoding(tmp_path: Path) -> None:
    put_text(tmp_path / "metadata.csv", f"id,transcript,more\na,{_SAID},\0\n")
    assert [clip.transcript for clip in in_encoding(tmp_path, "gbk").clips()] == [_SAID]


def test_utf_16_without_its_mark_is_an_error_where_no_order_of_bytes_is_said(tmp_path: Path) -> None:
    put_text(tmp_path / "metadata.csv", f"id,transcript\na,{_SAID}\n", "utf-16-le")
    with pytest.raises(InputError, match=r"neither UTF-8 nor utf-16 \(UTF-16 stream does not start with BOM\)"):
        list(in_encoding(tmp_path, "utf-16").clips())


@pytest.mark.parametrize("encoding", ["gkb", "hex", "base64", "undefined", "g\0bk", "", 1252, ["gbk"]])
def test_a_wrong_name_of_an_encoding_is_an_error_before_anything_is_read(tmp_path: Path, encoding: object) -> None:
    with pytest.raises(
        InputError, match=r"recipe: sources.meld.encoding: is .*; name one that Python knows, such as gbk"
    ):
        open_source("meld", tmp_path / "nowhere", encoding=encoding)


def test_every_source_has_the_option() -> None:
    assert all("encoding" in source.options for source in readers().values())


def test_controls_of_texts_that_were_read_as_latin_1_are_what_cp1252_has_there(tmp_path: Path) -> None:
    wrong = "you’re – “here”…".encode("cp1252").decode("latin-1") + "\x81"  # which is no character of cp1252
    path = put_text(tmp_path / "t.csv", f"id\n{wrong}\n")
    assert table(Plain(tmp_path), path, "id") == [(f"{path}:2", {"id": "you’re – “here”…\x81"})]
    rows = put_text(tmp_path / "t.jsonl", '{"id": "you\\u0092re", "n": [1]}\n{"id": "you\x92re", "n": [1]}\n')
    assert [row for _, row in Plain(tmp_path).objects(rows)] == [{"id": "you’re", "n": [1]}] * 2

"""data/rows.py: what reading, naming and writing rows promises."""

from pathlib import Path

import pytest

from swift_saber.data.rows import read_rows, resolve_media, row_id, write_rows
from swift_saber.errors import InputError
from swift_saber.text.files import whole, write_text


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_lines_are_numbered_as_in_an_editor_and_blank_ones_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b'\n{"a": 1}\n\n{"a": 2}')
    assert list(read_rows(path)) == [(f"{path}:2", {"a": 1}), (f"{path}:4", {"a": 2})]


def test_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b'\xef\xbb\xbf{"a": 1}\r\n{"a": 2}\r\n')
    assert [row for _, row in read_rows(path)] == [{"a": 1}, {"a": 2}]


def test_a_line_separator_inside_a_text_does_not_end_the_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"a": "x\u2028y"}'.encode())
    assert [row for _, row in read_rows(path)] == [{"a": "x\u2028y"}]


@pytest.mark.parametrize(
    ("data", "where", "said"),
    [
        (b'{"a": 1}\n{"a": ', ":2", "not JSON"),
        (b"[1]", ":1", "not an object"),
        (b'{"a": "\xff"}', ":1", "not UTF-8"),
        (b"\n \n", "", "holds no row"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, data: bytes, where: str, said: str) -> None:
    path = write(tmp_path / "a.jsonl", data)
    with pytest.raises(InputError) as caught:
        list(read_rows(path))
    assert caught.value.where == f"{path}{where}"
    assert said in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.jsonl.*No such file"):
        list(read_rows(tmp_path / "gone.jsonl"))


def test_a_given_id_is_kept() -> None:
    assert row_id({"id": "dia0_utt0", "videos": ["a.mp4"]}) == "dia0_utt0"
    assert row_id({"id": 7}) == "7"


def test_an_absent_id_follows_media_and_prompt_and_nothing_else() -> None:
    row = {"videos": ["a.mp4"], "audios": ["a.wav"], "messages": [{"role": "user", "content": "How?"}]}
    same = {**row, "labels": {"emotion": "joy"}, "id": None}
    assert row_id(row) == row_id(same)
    others = [
        {**row, "videos": ["b.mp4"]},
        {**row, "audios": []},
        {**row, "messages": [{"role": "user", "content": "Why?"}]},
        {**row, "videos": [], "audios": ["a.mp4", "a.wav"]},
    ]
    assert len({row_id(row), *map(row_id, others)}) == 5


def test_relative_media_are_looked_up_here_or_in_root_image_dir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "media").mkdir()
    clip = write(tmp_path / "media" / "a.mp4", b"x")
    monkeypatch.chdir(tmp_path)
    assert resolve_media("media/a.mp4", "row", "videos") == str(clip)
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path / "media"))
    assert resolve_media("a.mp4", "row", "videos") == str(clip)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("gone.mp4", "no such file"),
        ("folder", "is a folder"),
        ("empty.mp4", "is empty"),
        ("https://example.org/a.mp4", "not a local file"),
        ("FILE:///clips/a.mp4", "not a local file"),
        (3, "not a path"),
    ],
)
def test_media_that_cannot_be_used_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: object, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(InputError, match=f"d.jsonl:3: videos: .*{said}"):
        resolve_media(path, "d.jsonl:3", "videos")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", b'{"a": 1}\n')

    def rows():  # type: ignore[no-untyped-def]
        yield {"a": "新"}
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_rows(path, rows())
    assert path.read_bytes() == b'{"a": 1}\n'
    assert write_rows(path, [{"a": "新"}]) == 1
    assert path.read_text(encoding="utf-8") == '{"a": "新"}\n'


def test_a_file_that_is_begun_has_another_name_and_goes_when_it_fails(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"old")
    with pytest.raises(RuntimeError), whole(path) as partial:
        partial.write_text("new")
        assert path.read_bytes() == b"old"
        raise RuntimeError
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.txt", b"old")]
    with whole(path) as partial:
        partial.write_text("new")
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.txt", b"new")]


def test_any_text_can_be_written_into_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    write_text(path, "情绪 \ud83d\n")
    assert path.read_bytes() == "情绪 \\ud83d\n".encode()

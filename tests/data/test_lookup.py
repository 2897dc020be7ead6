"""data/lookup.py: a clip's record by id."""

from pathlib import Path

import pytest

from swift_saber.data.lookup import Records
from swift_saber.errors import InputError

from ..pairs.judge_server import write_records


def test_a_record_is_found_by_its_id_wherever_it_stands(tmp_path: Path) -> None:
    path = write_records(tmp_path)
    lines = path.read_bytes().splitlines()
    # A byte order mark, a blank line, Windows line ends, Chinese, and no newline at the end.
    lines[1] = lines[1].replace(b"A room.", "一个房间。".encode())
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n\r\n".join(lines))
    with Records(path) as records:
        assert records.ids() == ["a", "b", "c", "d"]
        found = {name: records.get(name) for name in "abcd"}
        assert records.get("e") is None
    assert [row and row.record.acoustic_feat for row in found.values()] == [f"A low voice of {n}." for n in "abcd"]
    assert found["b"] and found["b"].record.video_desc == "一个房间。"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "e"}', ":5: audio_desc"),
        ("{", ":5: JSON: is not JSON"),
        (None, ":5: id: 'a' is there twice"),
    ],
)
def test_a_bad_row_is_named_when_the_file_is_opened(tmp_path: Path, line: str | None, said: str) -> None:
    path = write_records(tmp_path)
    text = path.read_text()
    path.write_text(text + (line or text.splitlines()[0]) + "\n")
    with pytest.raises(InputError) as caught, Records(path):
        pass
    assert said in str(caught.value)


def test_a_missing_or_empty_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone.jsonl: file: No such file"), Records(tmp_path / "gone.jsonl"):
        pass
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(InputError, match="holds no row"), Records(tmp_path / "empty.jsonl"):
        pass

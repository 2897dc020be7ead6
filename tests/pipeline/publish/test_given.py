"""Which files are published as which splits."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.publish.given import find
from tests.pipeline.publish.world import write
from tests.pipeline.result.run_folder import RECORD, clip


def _row(name: str = "a") -> dict[str, Any]:
    return clip(name, **RECORD)


@pytest.mark.parametrize(
    ("file", "split"),
    [
        ("train.jsonl", "train"),
        ("eval-hard 2.jsonl", "eval_hard_2"),
        ("test.v2.jsonl", "test_v2"),
        ("测试.jsonl", "rows"),
        ("rows", "rows"),
    ],
)
def test_a_split_is_called_as_its_file(file: str, split: str, tmp_path: Path) -> None:
    assert find([write(tmp_path / file, _row())]).splits == {split: tmp_path / file}


def test_two_files_are_not_one_split(tmp_path: Path) -> None:
    files = [write(tmp_path / place / "train.jsonl", _row()) for place in "ab"]
    with pytest.raises(InputError, match="b/train.jsonl: file: is the split train, and so is .*a/train.jsonl"):
        find(files)


def test_all_is_no_split(tmp_path: Path) -> None:
    """datasets writes it, and then refuses to read it."""
    with pytest.raises(InputError, match="all.jsonl: file: is no name of a split"):
        find([write(tmp_path / "all.jsonl", _row())])


def test_an_id_is_there_once_in_all_splits(tmp_path: Path) -> None:
    given = find([write(tmp_path / "train.jsonl", _row()), write(tmp_path / "test.jsonl", _row())])
    with pytest.raises(InputError, match="test.jsonl:1: id: 'a' is there twice"):
        list(given.rows())


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "x.jsonl", {"id": "a", "candidates": [], "video_desc": "x"})
    with pytest.raises(InputError, match="holds no JSONL of records"):
        find([tmp_path])


def test_a_row_without_an_id_gets_one_of_its_clip_and_keeps_it(tmp_path: Path) -> None:
    row = {key: value for key, value in _row().items() if key != "id"}
    names = [name for _, _, name, _ in find([write(tmp_path / "train.jsonl", row)]).rows()]
    again = [name for _, _, name, _ in find([write(tmp_path / "other.jsonl", row)]).rows()]
    assert names == again and names[0].startswith("row-")

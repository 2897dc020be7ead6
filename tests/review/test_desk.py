"""desk.py: which files a page may be given."""

from pathlib import Path

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.review.desk import Desk
from swift_saber.review.items import Items
from swift_saber.review.log import ReviewLog
from tests.review.test_items import RECORD


def given(records: Path, clip: Path, reviews: Path) -> str:
    write_rows(records, [{**RECORD, "videos": [str(clip)]}])
    items = Items([records])
    with ReviewLog(reviews, "anna") as log:
        return Desk(items, list(items), log).media(0, "videos", 0, None)[0]


def clip_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "a.mp4").write_bytes(b"a clip")
    return folder / "a.mp4"


def test_files_outside_of_the_allowed_folder_are_not_given_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = clip_in(tmp_path / "in"), clip_in(tmp_path / "out")
    link = tmp_path / "in" / "link.mp4"
    link.symlink_to(outside)
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(tmp_path / "in"))
    assert given(tmp_path / "r.jsonl", inside, tmp_path / "reviews") == str(inside)
    for other in (outside, link):
        with pytest.raises(InputError, match="lies outside the allowed folder"):
            given(tmp_path / "r.jsonl", other, tmp_path / "reviews")


def test_a_runs_own_sounds_are_given_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    made = clip_in(run / "sounds")
    (run / "manifest").mkdir()
    write_rows(run / "run.json", [{"stages": ["clean"]}])
    (tmp_path / "in").mkdir()
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(tmp_path / "in"))
    (run / "clean" / "kept").mkdir(parents=True)
    assert given(run / "clean" / "kept" / "0.jsonl", made, tmp_path / "reviews") == str(made)
    assert given(run / "train.jsonl", made, tmp_path / "reviews") == str(made)

"""A table of action units is that of the clip whose id, or else whose video, it is named after."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.sed.faces import NO_TABLE, SEVERAL_CLIPS, find_tables, read_faces


def folder(place: Path, *names: str, smile: int = 1) -> Path:
    lines = [f"{n}, {smile}" for n in range(8)]
    for name in names:
        (place / f"{name}.csv").write_text("\n".join(["frame, AU12_c", *lines]) + "\n")
    return place


def test_a_table_is_named_after_an_id_or_a_video(tmp_path: Path) -> None:
    clips = {"a.b": ["x/other.mp4"], "c": ["x/of c.mp4"], "d": ["of c_2.mp4"], "e": []}
    found = find_tables(folder(tmp_path, "a.b", "of c", "nobodys"), clips.items())
    assert found == {"a.b": tmp_path / "a.b.csv", "c": tmp_path / "of c.csv", "d": NO_TABLE, "e": NO_TABLE}


def test_a_table_of_two_clips_name_is_of_neither(tmp_path: Path) -> None:
    clips = {"a": ["train/u.mp4"], "b": ["test/u.mp4"], "c": ["v.mp4", "w.mp4"], "d": ["y.mp4"]}
    found = find_tables(folder(tmp_path, "u", "v", "w", "y"), clips.items())
    assert found == {"a": SEVERAL_CLIPS, "b": SEVERAL_CLIPS, "c": SEVERAL_CLIPS, "d": tmp_path / "y.csv"}


def test_a_table_named_after_one_clips_id_is_not_that_of_anothers_video(tmp_path: Path) -> None:
    clips = {"1": ["0.mp4"], "2": ["./1.mp4"]}
    # "1" is an id: no table of the video 1.mp4.
    assert find_tables(folder(tmp_path, "1"), clips.items()) == {"1": tmp_path / "1.csv", "2": NO_TABLE}


def test_a_folder_without_a_table_of_any_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: folder: holds no .csv"):
        find_tables(tmp_path / "none", [("a", [])])
    with pytest.raises(InputError, match="are named after no clip; name each after a clip's id or its video"):
        find_tables(folder(tmp_path, "b"), [("a", ["x.mp4"])])


def test_other_tables_of_the_clips_have_another_digest_and_those_of_no_clip_are_not_read(tmp_path: Path) -> None:
    clips = [("a", []), ("b", [])]
    first = read_faces(folder(tmp_path, "a"), clips)
    assert first.units["b"] == NO_TABLE
    (tmp_path / "nobodys.csv").write_text("no table")
    assert read_faces(tmp_path, clips) == first
    assert read_faces(folder(tmp_path, "a", smile=0), clips).digest != first.digest

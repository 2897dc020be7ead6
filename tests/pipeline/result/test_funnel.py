"""The funnel counts every clip once in each stage, as kept, dropped for a reason, or waiting."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.result.survey import funnel, kept_rows
from tests.pipeline.result.run_folder import clip, drop, write_run


def test_each_stage_says_what_entered_what_left_and_why(tmp_path: Path) -> None:
    a, b, c, d = clip("a"), clip("b"), clip("c", "mead"), clip("d", "mead")
    dropped = [drop(c, "mute", -70, -60), drop(b, "too long", 90, 60), drop(d, "mute", -80, -60)]
    write_run(tmp_path, {"manifest": ([a, b, c, d], []), "clean": ([a], dropped), "dedup": ([a], [])})
    manifest, clean, dedup = funnel(tmp_path)
    assert (manifest.stage, manifest.entered, manifest.kept, manifest.dropped) == ("manifest", 4, 4, 0)
    assert (clean.entered, clean.kept, clean.dropped, clean.waiting) == (4, 1, 3, 0)
    assert list(clean.reasons.items()) == [("mute", 2), ("too long", 1)]
    assert clean.entered_from == {"meld": 2, "mead": 2}
    assert clean.kept_from == {"meld": 1}
    assert clean.dropped_from == {("mute", "mead"): 2, ("too long", "meld"): 1}
    assert (dedup.entered, dedup.kept, dedup.dropped) == (1, 1, 0)


def test_every_row_is_shown_once_on_the_way(tmp_path: Path) -> None:
    a, b = clip("a"), clip("b")
    write_run(tmp_path, {"manifest": ([a, b], []), "clean": ([a], [drop(b, "mute")])})
    seen = []
    funnel(tmp_path, lambda stage, row, line: seen.append((stage, row["id"], line and line["reason"])))
    assert sorted(seen, key=str) == [
        ("clean", "a", None),
        ("clean", "b", "mute"),
        ("manifest", "a", None),
        ("manifest", "b", None),
    ]


def test_a_stage_that_is_not_through_has_clips_waiting(tmp_path: Path) -> None:
    a, b, c = clip("a"), clip("b"), clip("c")
    write_run(tmp_path, {"manifest": ([a, b, c], []), "clean": ([a], [])})
    assert funnel(tmp_path)[1].waiting == 2


def test_a_stage_that_was_not_begun_is_not_in_the_funnel(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([clip("a")], []), "clean": ([clip("a")], [])})
    text = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(text.replace('["clean"]', '["clean", "dedup"]'))
    assert [step.stage for step in funnel(tmp_path)] == ["manifest", "clean"]


def test_a_stage_that_has_more_clips_than_entered_is_an_error(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([clip("a")], []), "clean": ([clip("a")], [drop(clip("a"), "mute")])})
    with pytest.raises(InputError, match="clean: rows: holds 2 clips, of which only 1 entered"):
        funnel(tmp_path)


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([clip("a")], [])})
    path = tmp_path / "manifest" / "kept" / "00000.jsonl"
    path.write_text(path.read_text() + '{"id": "b", "so')
    with pytest.raises(InputError, match=r"00000\.jsonl:2: JSON"):
        funnel(tmp_path)


@pytest.mark.parametrize("line", [{"row": None, "reason": "x"}, {"row": {}, "reason": 3}, {}])
def test_a_line_that_is_no_drop_is_named(tmp_path: Path, line: dict) -> None:
    write_run(tmp_path, {"manifest": ([clip("a")], []), "clean": ([], [line])})
    with pytest.raises(InputError, match=r"dropped/00000\.jsonl:1: reason"):
        funnel(tmp_path)


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"run\.json: file"):
        funnel(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(InputError, match=r"run\.json: stages: is not there"):
        funnel(tmp_path)


def test_rows_come_with_their_file_and_line(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([clip("a"), clip("b"), clip("c")], [])})
    found = [(where.rpartition("/")[2], row["id"]) for where, row in kept_rows(tmp_path, "manifest")]
    assert found == [("00000.jsonl:1", "a"), ("00000.jsonl:2", "c"), ("00001.jsonl:1", "b")]

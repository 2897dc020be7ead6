"""pipeline/written.py: what is ours, and what a person has edited."""

import os
from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.written import check_results, check_rows, edited, note, note_taken, noted


def write(path: Path, text: str) -> None:
    with noted(path) as partial:
        partial.write_text(text)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The folder of a run."""
    (tmp_path / "run.json").write_text("{}\n")
    write(tmp_path / "train.jsonl", "one\n")
    return tmp_path


def test_what_is_as_written_is_ours_and_what_is_edited_or_replaced_is_not(output: Path) -> None:
    file = output / "train.jsonl"
    assert edited(output) == []
    file.write_text("two\n")
    assert edited(output) == [file]
    write(file, "three\n")
    assert edited(output) == []
    file.write_text("one\n")
    assert edited(output) == [], "an older one that was ours loses nothing"
    file.unlink()
    assert edited(output) == []


def test_a_file_that_was_noted_and_never_got_its_name_leaves_the_one_before_ours(output: Path) -> None:
    with pytest.raises(KeyboardInterrupt), noted(output / "train.jsonl") as partial:
        partial.write_text("two\n")
        note(output, {"train.jsonl": partial}, "results")
        raise KeyboardInterrupt
    assert (output / "train.jsonl").read_text() == "one\n"
    assert edited(output) == []


def test_a_block_that_fails_notes_nothing(output: Path) -> None:
    with pytest.raises(ValueError), noted(output / "train.jsonl") as partial:
        partial.write_text("two\n")
        raise ValueError
    (output / "train.jsonl").write_text("two\n")
    assert edited(output) == [output / "train.jsonl"]


def test_the_message_names_the_file_and_what_keeps_the_edits(output: Path) -> None:
    (output / "train.jsonl").write_text("two\n")
    with pytest.raises(InputError, match=r"review take \S+/train.jsonl --of \S+ -o said; or move it away"):
        check_results(output, {"review": {"folder": "said"}})
    with pytest.raises(InputError, match="give the recipe a block `review:`"):
        check_results(output, {"split": {}})
    note(output / "visual", {"kept/00000.jsonl": output / "run.json"}, "00000")
    check_rows(output, "visual", {"review": None})
    (output / "visual" / "kept").mkdir()
    (output / "visual" / "kept" / "00000.jsonl").write_text("other\n")
    with pytest.raises(InputError, match=r"visual/kept/00000.jsonl: rows: was edited since the stage visual wrote it"):
        check_rows(output, "visual", {"review": None})


def test_edits_that_are_kept_elsewhere_may_be_written_over(output: Path, tmp_path: Path) -> None:
    file = output / "train.jsonl"
    file.write_text("two\n")
    other = tmp_path / "elsewhere.jsonl"
    other.write_text("two\n")
    said = tmp_path / "said"
    assert not note_taken(output, other, said)
    assert edited(output, said) == [file]
    assert note_taken(output, file, said)
    assert edited(output, said) == []
    assert edited(output) == [file], "a run that takes no reviews would lose the edits"
    assert edited(output, tmp_path / "others") == [file]
    assert note_taken(output, file, tmp_path / "others")
    assert edited(output, tmp_path / "others") == []
    file.write_text("three\n")
    assert edited(output, said) == [file], "a second edit is another one"


def test_notes_that_a_power_cut_left_half_written_end_where_they_are_whole(output: Path) -> None:
    notes = output / "written" / "results.jsonl"
    notes.write_bytes(notes.read_bytes() + b'{"id": "train.jsonl 01')
    assert edited(output) == []
    write(output / "train.jsonl", "two\n")
    assert edited(output) == []


def test_a_note_is_on_the_disk_before_its_file_has_the_name(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    forced, renamed = os.fsync, os.replace

    def fsync(file: int) -> None:
        done.append(Path(os.readlink(f"/proc/self/fd/{file}")).name)
        forced(file)

    def replace(one: Path, other: Path) -> None:
        done.append(f"{Path(other).name} has its name")
        renamed(one, other)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write(output / "train.jsonl", "two\n")
    assert done == ["train.jsonl.partial", "results.jsonl", "train.jsonl has its name"]

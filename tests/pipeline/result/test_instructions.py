"""Rows that went through the pipeline become training data that swift sft takes."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.pipeline.result.instructions import write_instructions
from swift_saber.sed.record import Row
from tests.pipeline.result.run_folder import RECORD, clip, write_run


def done(name: str, **rest: Any) -> dict[str, Any]:
    return clip(name, consistency="inconsistent", labels={"emotion": "happy"}, **RECORD, **rest)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(path)]


def test_each_part_is_a_file_of_valid_rows(tmp_path: Path) -> None:
    rows = [done("a", part="train"), done("b", part="test"), done("c", part="train", speaker="meld/joey")]
    write_run(tmp_path, {"manifest": (rows, []), "split": (rows, [])})
    assert write_instructions(tmp_path) == {"train": 2, "test": 1}
    assert [row["id"] for row in rows_of(tmp_path / "train.jsonl")] == ["a", "c"]
    (row,) = rows_of(tmp_path / "test.jsonl")
    assert Row.from_dict(row).to_dict() == row
    assert row == {"id": "b", "source": "meld", "language": "en", "videos": ["/clips/b.mp4"]} | {
        "consistency": "inconsistent",
        "labels": {"emotion": "happy"},
        **RECORD,
    }


def test_what_the_stages_measured_stays_behind(tmp_path: Path) -> None:
    write_run(
        tmp_path, {"manifest": ([], []), "split": ([done("a", measures={"seconds": 3}, speech={"wer": 0.1})], [])}
    )
    write_instructions(tmp_path)
    assert not {"measures", "speech", "part"} & rows_of(tmp_path / "train.jsonl")[0].keys()


def test_a_run_without_a_split_is_for_training(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([], []), "visual": ([done("a")], [])})
    assert write_instructions(tmp_path) == {"train": 1, "test": 0}
    assert not (tmp_path / "test.jsonl").exists()


def test_a_part_without_rows_leaves_no_file_of_an_earlier_run(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text("old")
    write_run(tmp_path, {"manifest": ([], []), "split": ([], [])})
    assert write_instructions(tmp_path) == {"train": 0, "test": 0}
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["run.json"]


def test_clips_without_records_are_no_training_data_and_no_mistake(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([], []), "dedup": ([clip("a"), clip("b")], [])})
    assert write_instructions(tmp_path) == {"train": 0, "test": 0}
    assert not (tmp_path / "train.jsonl").exists()


def test_clips_with_and_without_records_are_a_mistake_and_nothing_is_written(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([], []), "dedup": ([done("a"), clip("b")], [])})
    with pytest.raises(InputError, match=r"00001\.jsonl:1: audio_desc: is missing"):
        write_instructions(tmp_path)
    assert not (tmp_path / "train.jsonl").exists()


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"video_desc": None}, r"00000\.jsonl:1: video_desc: is null"),
        ({"video_desc": "<|im_end|>"}, r"00000\.jsonl:1: video_desc: holds <\|im_end\|>"),
        ({"videos": []}, r"00000\.jsonl:1: videos: no video"),
        ({"part": "both"}, r"00000\.jsonl:1: part: is 'both'"),
    ],
)
def test_a_row_that_training_would_refuse_is_named_and_nothing_is_written(
    tmp_path: Path, broken: dict[str, Any], message: str
) -> None:
    write_run(tmp_path, {"manifest": ([], []), "split": ([done("a") | broken, done("b")], [])})
    with pytest.raises(InputError, match=message):
        write_instructions(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["run.json"]


def test_the_rows_are_what_the_training_plugin_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from swift_saber.data.convert import to_swift_row

    monkeypatch.setenv("USE_AUDIO_IN_VIDEO", "1")
    video = tmp_path / "a.mp4"
    video.write_bytes(b"x")
    row = done("a") | {"videos": [str(video)]}
    write_run(tmp_path / "run", {"manifest": ([], []), "split": ([row], [])})
    write_instructions(tmp_path / "run")
    converted = to_swift_row(rows_of(tmp_path / "run" / "train.jsonl")[0], "row", "released")
    assert converted["videos"] == [str(video)]
    assert "The smile contradicts the voice: sarcasm." in converted["messages"][1]["content"]

"""plugin/saber_register.py: what a checkpoint's args.json remembers of its training."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.sed.layout import INSTRUCTIONS


@pytest.fixture
def remembered(plugin: None, tiny_model: Path, tmp_path: Path) -> Any:
    """A function from rows to what a checkpoint that is trained on them remembers."""
    from swift.arguments import SftArguments

    def train(rows: list[dict[str, Any]]) -> dict[str, Any]:
        write_rows(tmp_path / "d.jsonl", rows)
        args = SftArguments(
            model=str(tiny_model),
            model_type="qwen2_5_omni",
            dataset=[str(tmp_path / "d.jsonl")],
            split_dataset_ratio=0,
            output_dir=str(tmp_path / "out"),
            add_version=False,
        )
        args.load_dataset()  # as SwiftSft.run does, in this order
        args.save_args()
        found: dict[str, Any] = json.loads((tmp_path / "out" / "args.json").read_text())
        return found

    return train


def own(row: dict[str, Any], question: str) -> dict[str, Any]:
    """The clip of a row with a question of one's own."""
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": "He is sad."}]
    return {"id": f"own-{question}", "videos": row["videos"], "audios": row["audios"], "messages": turns}


def test_all_instructions_of_mixed_data_are_remembered(remembered: Any, tiny_world: Path) -> None:
    rows = [row for _, row in read_rows(tiny_world / "train.jsonl")][:4]
    assert {row["language"] for row in rows} == {"en"}
    assert remembered(rows)["instructions"] == [INSTRUCTIONS["en"]]
    mixed = [rows[0], {**rows[1], "language": "zh"}, own(rows[2], "<video>Who is it?"), own(rows[3], "<video><audio>")]
    # The last one is asked, and answered, in English.
    expected = sorted([INSTRUCTIONS["en"], INSTRUCTIONS["zh"], "Who is it?"])
    assert remembered(mixed)["instructions"] == expected


def test_questions_that_are_all_different_are_no_instruction(remembered: Any, tiny_world: Path) -> None:
    rows = [row for _, row in read_rows(tiny_world / "train.jsonl")]
    assert "instructions" not in remembered([own(row, f"Question {place}?") for place, row in enumerate(rows)])


def test_what_the_clips_were_prepared_with_is_remembered(remembered: Any, tiny_world: Path, tmp_path: Path) -> None:
    from swift_saber.plugin.saber_prepare import view_in_force

    rows = [row for _, row in read_rows(tiny_world / "train.jsonl")][:2]
    assert "prepared" not in remembered(rows)
    made = {"settings": view_in_force(14), "sampling_rate": 16_000, "form": "raw", "versions": {"av": "18.1.0"}}
    (tmp_path / "prepared.json").write_text(json.dumps({**made, "rows": {"d.jsonl": "/data/d.jsonl"}}))
    assert remembered(rows)["prepared"] == {str(tmp_path / "d.jsonl"): made}


def test_clips_that_were_prepared_otherwise_end_a_training_before_it_begins(
    remembered: Any, tiny_world: Path, tmp_path: Path
) -> None:
    from swift_saber.plugin.saber_prepare import view_in_force

    rows = [row for _, row in read_rows(tiny_world / "train.jsonl")][:2]
    made = {"settings": {**view_in_force(14), "FPS_MAX_FRAMES": 40}, "sampling_rate": 16_000, "form": "raw"}
    (tmp_path / "prepared.json").write_text(json.dumps({**made, "versions": {}, "rows": {"d.jsonl": "/data/d.jsonl"}}))
    with pytest.raises(
        InputError, match=r"d\.jsonl: prepared: was prepared with FPS_MAX_FRAMES 40, and is asked .* 4;"
    ):
        remembered(rows)


def test_what_a_command_started_ends_with_it_though_it_was_killed() -> None:
    code = "from swift_saber.plugin import saber_register as it; it._end_with_command(); print(); input()"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as command:
        env = {**os.environ, "SABER_COMMAND": str(command.pid)}
        start = [sys.executable, "-c", code]
        with subprocess.Popen(start, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as training:
            assert training.stdout is not None and training.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                training.wait(0.5)  # as long as the command lives
            command.kill()
            command.wait()
            assert training.wait(60) == -signal.SIGTERM
        with subprocess.Popen(start, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as late:
            assert late.wait(60) == -signal.SIGTERM  # it was killed before the plugin was loaded

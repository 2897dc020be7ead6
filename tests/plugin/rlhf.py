"""For the tests of CA-DPO: pair files of a world's clips, and `swift rlhf` in this process."""

import json
from pathlib import Path
from typing import Any

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.plugin import PLUGIN_FILE

OURS = "swift_saber.plugin.saber_ca_dpo.CADPOTrainer"
STOCK = "swift.rlhf_trainers.DPOTrainer"
FULL = {"tuner_type": "full", "freeze_vit": "false", "freeze_aligner": "false"}
FLAGS = {
    "rlhf_type": "dpo",
    "model_type": "qwen2_5_omni",
    "torch_dtype": "float32",
    "check_model": "false",
    "strict": "true",
    "per_device_train_batch_size": 2,
    "gradient_accumulation_steps": 2,
    "learning_rate": 0.001,
    "max_steps": 6,
    "logging_steps": 1,
    "seed": 7,
    "dataloader_num_workers": 0,
    "split_dataset_ratio": 0,
    "save_strategy": "no",
    "save_only_model": "true",
    "add_version": "false",
    "report_to": "none",
}
# Of a log line, what depends on the clock or on the machine.
CLOCK = {"elapsed_time", "remaining_time", "memory(GiB)", "train_speed(s/it)", "train_runtime"}
CLOCK |= {"train_samples_per_second", "train_steps_per_second"}
CLOCK |= {"eval_runtime", "eval_samples_per_second", "eval_steps_per_second"}


def pair(number: int, clip: dict[str, Any], **columns: Any) -> dict[str, Any]:
    """A pair about one clip whose two answers differ in length; columns that are None are left out."""
    row = {
        "id": f"pair-{number}",
        "messages": [
            {"role": "user", "content": ""},
            {"role": "assistant", "content": f"The face smiles, the voice is flat: sarcasm number {number}."},
        ],
        "rejected_response": "She is smiling, so she is happy." + " Yes." * (number % 3),
        "videos": clip["videos"],
        "audios": clip["audios"],
        "consistency": "inconsistent" if number % 3 == 0 else "consistent",
        "scores": {"chosen": 4.0 + number % 2, "rejected": 2.0},
        **columns,
    }
    return {key: value for key, value in row.items() if value is not None}


def write_pairs(path: Path, world: Path, count: int, **columns: Any) -> Path:
    """Write so many pairs, one a clip of the world's training rows."""
    clips = [row for _, row in read_rows(world / "train.jsonl")][:count]
    write_rows(path, [pair(number, clip, **columns) for number, clip in enumerate(clips)])
    return path


def rlhf(model: Path, data: Path, output: Path, *, trainer: str = OURS, **flags: Any) -> list[dict[str, Any]]:
    """Run `swift rlhf` and return what it logged, a dictionary a line."""
    from swift.pipelines import rlhf_main
    from swift.trainers import TrainerFactory

    wanted = {**FLAGS, "model": model, "dataset": data, "output_dir": output, **flags}
    arguments = ["--custom_register_path", str(PLUGIN_FILE)]
    for name, value in wanted.items():
        arguments += [f"--{name}", *(str(part) for part in (value if isinstance(value, list) else [value]))]
    TrainerFactory.TRAINER_MAPPING["dpo"] = trainer
    try:
        rlhf_main(arguments)
    finally:
        TrainerFactory.TRAINER_MAPPING["dpo"] = OURS
    return [json.loads(line) for line in (output / "logging.jsonl").read_text().splitlines()]


def timeless(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of steps and evaluations, without what depends on the clock."""
    return [
        {key: value for key, value in line.items() if key not in CLOCK and not key.endswith("_cost")}
        for line in log
        if "loss" in line or "eval_loss" in line
    ]

"""`swift-saber sft`, killed: does it go on from its newest whole checkpoint, and does each row come once an epoch?"""

import json
import random
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.attack.kills import Told, attack, files_below
from tests.conftest import MEDIA_ENV, REPOSITORY

#: The most memory that one process of it may hold with the demo's model, in bytes.
LARGEST = 4 << 30
BAD = "bad"
KINDS = {"group": 3, "command": 2, "term": 1, "interrupt": 1}
RECIPE = {
    "model_type": "qwen2_5_omni",
    "torch_dtype": "float32",
    "check_model": False,
    "tuner_type": "lora",
    "per_device_train_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "dataloader_num_workers": 1,
    "split_dataset_ratio": 0,
    "save_steps": 2,
    "logging_steps": 1,
    "report_to": "none",
    "add_version": False,
    "external_plugins": str(REPOSITORY / "tests" / "attack" / "seen_rows.py"),
}
_COMMAND = (sys.executable, "-m", "swift_saber.cli", "sft", "recipe.yaml", "--output_dir", "run")


@dataclass
class Trained:
    """The counts of a run that was killed.

    Attributes:
        steps, planned: done and to be done.
        missed: (epoch, row) that no step of the run that lasts saw.
        repeated: steps that saw a row of before in their epoch, but for those of the bad row, which ms-swift replaces.
        named: the rows that bad_rows.jsonl names.
        half: checkpoints that a kill left half written.
        begun_again: steps that were done once more, since the kill came before their checkpoint.
    """

    told: Told
    steps: int
    planned: int
    missed: int
    repeated: int
    named: set[str]
    half: int
    begun_again: int

    @property
    def problems(self) -> list[str]:
        wrong = {
            "steps are missing": self.steps != self.planned,
            "rows are missing": self.missed,
            "rows are doubled": self.repeated,
            "the bad row is not named": self.named != {BAD},
            "processes are left": self.told.left,
            "a process is larger than it may be": self.told.largest > LARGEST,
        }
        return [name for name, found in wrong.items() if found]

    def line(self) -> str:
        return (
            f"sft: {self.told.line()}; {self.steps} of {self.planned} steps, {self.begun_again} of them done again, "
            f"{self.missed} rows missed in an epoch, {self.repeated} doubled; named bad: {sorted(self.named)}; "
            f"{self.half} half checkpoints left; {self.told.left} processes left"
            + "".join(f"; WRONG: {problem}" for problem in self.problems)
        )


def train(
    model: Path,
    rows: list[dict[str, Any]],
    folder: Path,
    *,
    epochs: int,
    kills: int,
    changes: int,
    seed: int = 0,
    kinds: Mapping[str, int] = KINDS,
) -> Trained:
    """Train on rows and on one whose clip cannot be read, killed so often, and count.

    Args:
        model: the demo's base model.
        rows: records whose clips can be read.
        folder: to work in.
        epochs: of the training.
        kills, changes, seed, kinds: as attack has them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "broken.mp4").write_bytes(b"no video here")
    rows = [*rows, {**rows[0], "id": BAD, "videos": [str(folder / "broken.mp4")]}]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    recipe = {"ENV": {**MEDIA_ENV, "ENABLE_AUDIO_OUTPUT": "0"}, **RECIPE, "model": str(model)}
    recipe |= {"dataset": "train.jsonl", "num_train_epochs": epochs}
    (folder / "recipe.yaml").write_text(json.dumps(recipe), encoding="utf-8")  # which is YAML, too
    run, seen = folder / "run", folder / "seen.jsonl"

    def again() -> list[str]:
        whole = newest(run)
        return [*_COMMAND, *(["--resume_from_checkpoint", str(whole)] if whole else [])]

    told = attack(
        _COMMAND,
        folder,
        random.Random(seed),
        kills=kills,
        changes=changes,
        signs=lambda: {**files_below(run), str(seen): seen.stat().st_size if seen.exists() else 0},
        environment={"PYTHONPATH": str(REPOSITORY), "SEEN_ROWS": str(seen), "MODELSCOPE_CACHE": str(folder / "cache")},
        kinds=kinds,
        again=again,
        # What runs is ms-swift's own, which Ctrl-C and the end of a loader end in tracebacks.
        quiet=False,
    )
    return _count(told, run, _lines(seen), len(rows), epochs)


def newest(run: Path) -> Path | None:
    """Return the newest checkpoint that is whole: with the state of the trainer, which is written last."""
    found = sorted(run.glob("checkpoint-*"), key=_number, reverse=True)
    return next((path for path in found if whole(path)), None)


def whole(checkpoint: Path) -> bool:
    """Whether a checkpoint was written to its end."""
    try:
        return bool(json.loads((checkpoint / "trainer_state.json").read_text())["global_step"] == _number(checkpoint))
    except (OSError, ValueError):
        return False


def _number(checkpoint: Path) -> int:
    return int(checkpoint.name.partition("-")[2])


def _count(told: Told, run: Path, seen: list[dict[str, Any]], rows: int, epochs: int) -> Trained:
    by_step: Mapping[int, str] = {line["step"]: line["rows"] for line in seen}  # that of the run that lasts
    good = set(by_step.values())
    missed = repeated = 0
    for epoch in range(epochs):
        counted = Counter(by_step.get(step, "") for step in range(epoch * rows, (epoch + 1) * rows))
        missed += len(good - counted.keys())
        repeated += sum(counted.values()) - len(counted) - 1  # one step, in the place of the bad row
    last = newest(run)
    state = json.loads((last / "trainer_state.json").read_text()) if last else {"global_step": 0}
    return Trained(
        told,
        steps=state["global_step"],
        planned=rows * epochs,
        missed=missed + (len(good) != rows - 1),
        repeated=repeated,
        named={line["id"] for line in _lines(run / "bad_rows.jsonl")},
        half=sum(not whole(path) for path in run.glob("checkpoint-*")),
        begun_again=len(seen) - len(by_step),
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

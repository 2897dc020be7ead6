"""What CA-DPO costs a step: ca_dpo against stock DPO (sigmoid, ms-swift's own trainer), on the same pairs in one run.

    python tests/benchmarks/ca_dpo_step_time.py runs/demo --steps 60

Takes the SED model and the pairs that shell/demo.sh left; --model and --pairs name others. Both trainers are
built in one process on two copies of the model, and take turns: the same batch goes through one training step of the
one and then of the other, and who is first changes. Prints the median time of a step of each and the median of the
ratios step by step, which is what a busy machine disturbs least. `--weight` and `--margin` switch the options on.
"""

import argparse
import os
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPE = REPOSITORY / "recipes" / "mini" / "sed.yaml"  # for its media settings
STOCK, OURS = "swift.rlhf_trainers.DPOTrainer", "swift_saber.plugin.saber_ca_dpo.CADPOTrainer"

BATCHES = 6


def build(model: Path, pairs: Path, folder: Path, trainer: str, loss_type: str) -> Any:
    """Return a trainer with its optimizer, as `swift rlhf` makes it, that has not yet trained."""
    from swift.pipelines.train.rlhf import SwiftRLHF
    from swift.trainers import TrainerFactory

    from swift_saber.plugin import PLUGIN_FILE

    flags: dict[str, Any] = {
        "rlhf_type": "dpo",
        "loss_type": loss_type,
        "model": model,
        "model_type": "qwen2_5_omni",
        "torch_dtype": "float32",
        "check_model": "false",
        "dataset": pairs,
        "output_dir": folder / loss_type,
        "tuner_type": "full",
        "per_device_train_batch_size": 4,
        "max_steps": 1,
        "split_dataset_ratio": 0,
        "dataloader_num_workers": 0,
        "save_strategy": "no",
        "report_to": "none",
    }
    built: list[Any] = []

    class Pipeline(SwiftRLHF):
        def train(self, trainer: Any) -> dict[str, Any]:
            built.append(trainer)
            return {}

    TrainerFactory.TRAINER_MAPPING["dpo"] = trainer
    arguments = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
    Pipeline(["--custom_register_path", str(PLUGIN_FILE), *arguments]).main()
    found = built[0]
    found.create_optimizer()
    found.current_gradient_accumulation_steps = 1  # what Trainer.train would have set
    found.model.train()
    return found


def step_seconds(trainer: Any, batch: dict[str, Any]) -> float:
    """Run forward, loss, metrics, backward and the optimizer on one batch, and return the time."""
    import torch

    batch = dict(batch)
    start = time.perf_counter()
    trainer.training_step(trainer.model, batch)
    trainer.optimizer.step()
    trainer.optimizer.zero_grad()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="folder of shell/demo.sh")
    parser.add_argument("--model", type=Path, help="model folder (default: DEMO/sed/model)")
    parser.add_argument("--pairs", type=Path, help="pair file (default: DEMO/ca_dpo/pairs.jsonl)")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--weight", type=float, help="SABER_INCONSISTENT_WEIGHT of the ca_dpo side")
    parser.add_argument("--margin", type=float, help="SABER_MARGIN_SCALE of the ca_dpo side")
    args = parser.parse_args()
    os.environ.update({key: str(value) for key, value in yaml.safe_load(RECIPE.read_text())["ENV"].items()})
    from swift_saber.plugin import saber_register

    saber_register.register()
    model = (args.model or args.demo / "sed" / "model").resolve()
    pairs = (args.pairs or args.demo / "ca_dpo" / "pairs.jsonl").resolve()
    with tempfile.TemporaryDirectory() as name:
        stock = build(model, pairs, Path(name), STOCK, "sigmoid")
        for option, value in (("SABER_INCONSISTENT_WEIGHT", args.weight), ("SABER_MARGIN_SCALE", args.margin)):
            if value is not None:
                os.environ[option] = str(value)
        ours = build(model, pairs, Path(name), OURS, "ca_dpo")
        times: dict[str, list[float]] = {"stock": [], "ca_dpo": []}
        trainers = {"stock": stock, "ca_dpo": ours}
        # Encoded beforehand: reading clips is the same for both, and would hide the difference.
        batches = {side: list(islice(trainer.get_train_dataloader(), BATCHES)) for side, trainer in trainers.items()}
        for turn in range(-3, args.steps):  # the first three warm up
            for side in ("stock", "ca_dpo") if turn % 2 else ("ca_dpo", "stock"):
                seconds = step_seconds(trainers[side], batches[side][turn % len(batches[side])])
                if turn >= 0:
                    times[side].append(seconds)
    for side, found in times.items():
        print(f"{side:<8}{1000 * statistics.median(found):.2f} ms a step")
    ratios = [ours / stock for stock, ours in zip(times["stock"], times["ca_dpo"], strict=True)]
    print(f"median of {len(ratios)} ratios: {statistics.median(ratios):.4f} (target 1.02)")


if __name__ == "__main__":
    main()

"""What a preference step costs: ms-swift's own against ours, and what each part brings, in one run.

    python tests/benchmarks/ca_dpo_step_time.py runs/demo/base --rounds 5

Builds a Qwen2.5-Omni of 300 million random weights with the real vocabulary of 152,064, takes the real processor's
settings (300 seconds of sound, the published VIDEO_MAX_PIXELS=50176 and FPS_MAX_FRAMES=40) and a clip of 640x360, to
whose question two answers are given, each a quarter as long. LoRA with both towers frozen, one pair a batch, float32,
gradient checkpointing, as in the recipes. All ways are in one process and take turns: each reads the pair, and trains a
step on it. They add up, from ms-swift's trainer and template to ours:

    stock       each clip decoded twice, towers four times, two rows, logits of all positions
    logits      those of answers alone
    once        the clip decoded once, and the frozen towers run once
    joint       both answers in one row: what a run does by default
    kept        what the reference gave is read (SABER_REFERENCE_CACHE)

Prints the median seconds of reading and of the model's step, and the medians of the ratios to stock's of the same
round; and how many positions come to the vocabulary.
"""

import argparse
import dataclasses
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # as `python tests/benchmarks/...` has not

from tests.benchmarks.clip_loading import CLIPS, SETTINGS, make_clip
from tests.benchmarks.memory_step import write_model

STOCK, OURS = "swift.rlhf_trainers.DPOTrainer", "swift_saber.plugin.saber_ca_dpo.CADPOTrainer"
WAYS = ("stock", "logits", "once", "joint", "kept")
SHARE = 4  # the question with its clip has so many times an answer's tokens


def write_real_processor(model: Path) -> None:
    """Have the model's processor take sound of up to 300 seconds, as the real one does."""
    path = model / "processor_config.json"
    config = json.loads(path.read_text())
    samples = 300 * 16_000
    config["feature_extractor"] |= {"chunk_length": 300, "n_samples": samples, "nb_max_frames": samples // 160}
    path.write_text(json.dumps(config))


@contextmanager
def stock_template() -> Iterator[None]:
    """Have ms-swift's own template taken."""
    from swift.template import TEMPLATE_MAPPING
    from swift.template.templates.qwen import Qwen2_5OmniTemplate

    ours = TEMPLATE_MAPPING["qwen2_5_omni"]
    TEMPLATE_MAPPING["qwen2_5_omni"] = dataclasses.replace(ours, template_cls=Qwen2_5OmniTemplate)
    try:
        yield
    finally:
        TEMPLATE_MAPPING["qwen2_5_omni"] = ours


def build(way: str, model: Path, pairs: Path, folder: Path) -> Any:
    """Return a trainer with its optimizer, as `swift rlhf` makes it, that has not yet trained."""
    from swift.pipelines.train.rlhf import SwiftRLHF
    from swift.trainers import TrainerFactory

    from swift_saber.plugin import PLUGIN_FILE

    stock = way in ("stock", "logits")
    flags: dict[str, Any] = {
        "rlhf_type": "dpo",
        "loss_type": "sigmoid" if stock else "ca_dpo",
        "model": model,
        "model_type": "qwen2_5_omni",
        "torch_dtype": "float32",
        "check_model": "false",
        "dataset": pairs,
        "output_dir": folder / way,
        "tuner_type": "lora",
        "per_device_train_batch_size": 1,
        "max_steps": 1,
        "split_dataset_ratio": 0,
        "dataloader_num_workers": 0,
        "save_strategy": "no",
        "report_to": "none",
        **({"use_logits_to_keep": "false"} if way == "stock" else {}),
    }
    built: list[Any] = []

    class Pipeline(SwiftRLHF):
        def train(self, trainer: Any) -> dict[str, Any]:
            # As its own train does, but for the steps.
            trainer.template.register_post_encode_hook([trainer.accelerator.unwrap_model(trainer.model)])
            trainer._prepare_gradient_checkpointing(trainer.template.get_base_model(trainer.model))
            built.append(trainer)
            return {}

    TrainerFactory.TRAINER_MAPPING["dpo"] = STOCK if stock else OURS
    os.environ["SABER_JOINT_PAIRS"] = str(way != "once").lower()
    if way == "kept":
        os.environ["SABER_REFERENCE_CACHE"] = str(folder / "reference")
    arguments = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
    Pipeline(["--custom_register_path", str(PLUGIN_FILE), *arguments]).main()
    os.environ.pop("SABER_REFERENCE_CACHE", None)
    found = built[0]
    found.create_optimizer()
    found.current_gradient_accumulation_steps = 1  # what Trainer.train would have set
    found.model.train()
    found.batches = found.get_train_dataloader()
    return found


def read(trainer: Any) -> tuple[float, dict[str, Any]]:
    start = time.perf_counter()
    batch = next(iter(trainer.batches))
    return time.perf_counter() - start, batch


def step(trainer: Any, batch: dict[str, Any]) -> float:
    """Run forward, loss, metrics, backward and the optimizer on one batch, and return the seconds."""
    import torch

    start = time.perf_counter()
    trainer.training_step(trainer.model, dict(batch))
    trainer.optimizer.step()
    trainer.optimizer.zero_grad()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def positions(trainer: Any) -> int:
    """Return how many positions come to the vocabulary in a step's forward passes."""
    counted: list[int] = []
    head = trainer.template.get_base_model(trainer.model).thinker.lm_head
    handle = head.register_forward_hook(lambda _, given, out: counted.append(out[..., 0].numel()))
    step(trainer, read(trainer)[1])
    handle.remove()
    return sum(counted)


def write_pair(path: Path, folder: Path, clip: str, answer: int) -> None:
    row = make_clip(folder, clip)
    row["messages"][1]["content"] = "The" + " face" * answer
    path.write_text(json.dumps({**row, "rejected_response": "The" + " voice" * answer}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a model of shell/demo.sh, for its tokenizer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clip", choices=CLIPS, default="360p 5 s")
    args = parser.parse_args()
    os.environ.update(SETTINGS)
    from swift_saber.plugin import saber_register

    saber_register.register()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, pairs = folder / "model", folder / "pairs.jsonl"
        write_model(model, args.model.resolve())
        write_real_processor(model)
        write_pair(pairs, folder, args.clip, 1)
        with stock_template():
            asked = read(build("stock", model, pairs, folder))[1]["input_ids"].shape[1]
        answer = asked // SHARE
        write_pair(pairs, folder, args.clip, answer)
        trainers = {}
        for way in WAYS:
            if way in ("stock", "logits"):
                with stock_template():
                    trainers[way] = build(way, model, pairs, folder)
            else:
                trainers[way] = build(way, model, pairs, folder)
        print(f"{args.clip}: about {asked} tokens before the answers, {answer} of each answer")
        counted = {way: positions(trainer) for way, trainer in trainers.items()}  # warms up as well
        times: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
        for turn in range(args.rounds):
            for way in WAYS if turn % 2 else reversed(WAYS):
                reading, batch = read(trainers[way])
                times[way].append((reading, step(trainers[way], batch)))
            print(f"round {turn + 1} of {args.rounds}", file=sys.stderr)
    print(f"{'':8}{'reading':>9}{'model':>9}{'both':>9}   times as fast: model  both   positions of logits")
    for way, found in times.items():
        seconds = [statistics.median(values) for values in zip(*found, strict=True)]
        stock = times["stock"]
        model_ratio = statistics.median(theirs[1] / ours[1] for theirs, ours in zip(stock, found, strict=True))
        ratio = statistics.median(sum(theirs) / sum(ours) for theirs, ours in zip(stock, found, strict=True))
        both = statistics.median(map(sum, found))
        print(
            f"{way:8}{seconds[0]:7.2f} s{seconds[1]:7.2f} s{both:7.2f} s{model_ratio:23.2f} {ratio:5.2f}"
            f"{counted[way]:12}, {counted[way] / counted['stock']:.2f} of stock"
        )


if __name__ == "__main__":
    main()

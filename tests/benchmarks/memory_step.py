"""What a training step takes of memory, counted by PyTorch's own allocator, against the arithmetic of models/memory.py.

    python tests/benchmarks/memory_step.py

Builds a Qwen2.5-Omni of 300 million random weights with the real vocabulary of 152,064, and has `swift sft` and `swift
rlhf` train it on the CPU in float32: a row or a pair of about 300 tokens a side and one of 600, of which a fifth is the
answer. Each case is a process of its own, and is measured in a step that finds its gradients allocated, as all do but
the first of an update. "stock" is ms-swift's own trainer and logits of all positions, "ours" what the plugin does by
default. Prints MiB above what the step found: at its peak, and at the peak of what comes between the first lm_head and
the end of its backward pass; and beside each what the arithmetic gives.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

MIB = 2**20
WORDS = {"question": (0, 240), "answer": (60, 120)}  # of the short and of the long row, each a token
MEDIA = {"VIDEO_MIN_PIXELS": "78400", "VIDEO_MAX_PIXELS": "78400", "FPS": "2", "FPS_MAX_FRAMES": "4"}
STOCK = "swift.rlhf_trainers.DPOTrainer"
#: command, tuner, gradient checkpointing, way, whether the two sides have clips of their own
CASES = [
    ("sft", "lora", True, "stock", False),
    ("sft", "lora", True, "ours", False),
    ("sft", "lora", False, "ours", False),
    ("sft", "full", True, "ours", False),
    ("rlhf", "lora", True, "stock", False),
    ("rlhf", "lora", True, "ours", False),
    ("rlhf", "lora", True, "ours", True),
    ("rlhf", "lora", False, "stock", False),
    ("rlhf", "lora", False, "ours", False),
    ("rlhf", "full", True, "stock", False),
    ("rlhf", "full", True, "ours", False),
]


def write_model(folder: Path, tiny: Path) -> None:
    """Write the model: that of the demo, with a vocabulary and a language model of another size."""
    import shutil

    import torch
    from transformers import Qwen2_5OmniConfig, Qwen2_5OmniForConditionalGeneration

    shutil.copytree(tiny, folder)
    (folder / "model.safetensors").unlink()
    config = json.loads((folder / "config.json").read_text())
    thinker = config["thinker_config"]
    thinker["text_config"] |= {
        "vocab_size": 152064,
        "hidden_size": 768,
        "intermediate_size": 4096,
        "num_hidden_layers": 6,
        "layer_types": None,
        "max_window_layers": 6,
        "num_attention_heads": 12,
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [8, 12, 12]},
    }
    thinker["vision_config"] |= {"depth": 8, "hidden_size": 320, "intermediate_size": 640, "num_heads": 4}
    thinker["vision_config"]["out_hidden_size"] = thinker["audio_config"]["output_dim"] = 768
    torch.manual_seed(0)
    model = Qwen2_5OmniForConditionalGeneration(Qwen2_5OmniConfig.from_dict(config))
    model.save_pretrained(folder)


def write_rows(path: Path, world: Path, *, pairs: bool, swapped: bool) -> None:
    """Write the short and the long row, on clips of the demo's world."""
    clips = [json.loads(line) for line in (world / "train.jsonl").read_text().splitlines()[:4]]
    with path.open("w") as file:
        for number, (asked, said) in enumerate(zip(*WORDS.values(), strict=True)):
            clip = {key: clips[number][key] for key in ("videos", "audios")}
            turns = [
                {"role": "user", "content": "What is felt?" + " face" * asked},
                {"role": "assistant", "content": "The" + " face" * said},
            ]
            row: dict[str, Any] = {"id": str(number), "messages": turns, **clip}
            if pairs:
                row["rejected_response"] = "The" + " voice" * said
            if swapped:
                other = {f"rejected_{key}": clips[number + 2][key] for key in ("videos", "audios")}
                row |= {"rejected_messages": [turns[0], {**turns[1], "content": row.pop("rejected_response")}], **other}
            file.write(json.dumps(row) + "\n")


class Enough(Exception):
    """All rows were measured."""


def measure(case: list[Any], model: Path, data: Path, output: Path) -> list[dict[str, Any]]:
    """Train, and return of each row {"rows", "positions", "answer", "peak", "logits"}, the last two in bytes."""
    import torch
    import transformers
    from torch.profiler import ProfilerActivity, profile, record_function

    command, tuner, checkpointing, way, _ = case
    found: list[dict[str, Any]] = []
    stock_step = transformers.Trainer.training_step

    def training_step(self: Any, model: Any, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        for weight in model.parameters():
            if weight.requires_grad:
                weight.grad = torch.zeros_like(weight)
        whole = getattr(model, "get_base_model", lambda: model)()
        head = whole.thinker.lm_head
        shapes = {"rows": inputs["input_ids"].shape[0], "positions": inputs["input_ids"].shape[1]}
        shapes["answer"] = int((inputs["labels"] != -100).sum(dim=-1).max())

        def mark(name: str) -> None:
            with record_function(name):
                pass

        def before(_: Any, given: Any) -> None:
            mark("head")
            if given[0].requires_grad:
                given[0].register_hook(lambda grad: mark("head is done"))

        handle = head.register_forward_pre_hook(before)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
            loss = stock_step(self, model, inputs, *args, **kwargs)
        handle.remove()
        found.append({**shapes, **peaks(profiled)})
        if len(found) == len(WORDS["answer"]):
            raise Enough
        return loss

    transformers.Trainer.training_step = training_step
    flags: dict[str, Any] = {
        "model": model,
        "model_type": "qwen2_5_omni",
        "torch_dtype": "float32",
        "check_model": "false",
        "dataset": data,
        "output_dir": output,
        "tuner_type": tuner,
        "lora_rank": 64,
        "gradient_checkpointing": str(checkpointing).lower(),
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": 2,
        "max_steps": 1,
        "train_dataloader_shuffle": "false",
        "split_dataset_ratio": 0,
        "dataloader_num_workers": 0,
        "save_strategy": "no",
        "report_to": "none",
    }
    from swift.pipelines import rlhf_main, sft_main
    from swift.trainers import TrainerFactory

    from swift_saber.plugin import PLUGIN_FILE, saber_register

    saber_register.register()
    if command == "rlhf":
        flags |= {"rlhf_type": "dpo", "loss_type": "sigmoid"}
    if way == "stock":
        flags["use_logits_to_keep"] = "false"
        TrainerFactory.TRAINER_MAPPING["dpo"] = STOCK
    arguments = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
    with suppress(Enough):
        {"sft": sft_main, "rlhf": rlhf_main}[command](["--custom_register_path", str(PLUGIN_FILE), *arguments])
    return found


def peaks(profiled: Any) -> dict[str, float]:
    """Bytes above those of the start: at the step's peak, and at that from the first lm_head to its backward pass."""
    live = peak = start = logits = 0
    inside = False
    for name, size in _events(profiled):
        if name == "head" and not inside:
            inside, start = True, live
        elif name == "head is done":
            inside = False
        live += size
        peak = max(peak, live)
        if inside:
            logits = max(logits, live - start)
    return {"peak": peak, "logits": logits}


def _events(profiled: Any) -> Iterator[tuple[str, int]]:
    for event in sorted(profiled.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            yield "", event.nbytes()
        elif event.name() in ("head", "head is done"):
            yield event.name(), 0


def arithmetic(case: Sequence[Any], row: dict[str, Any], configuration: dict[str, Any]) -> tuple[float, float]:
    """What models/memory.py gives for the rows that were measured: of all that passes, and of the logits."""
    from swift_saber.models.memory import estimate

    command, tuner, checkpointing, way, _ = case
    sides = 2 if command == "rlhf" else 1
    # All rows of the batch as one, whose mask is none.
    recipe = {"tuner_type": tuner, "lora_rank": 64, "torch_dtype": "float32", "gradient_checkpointing": checkpointing}
    recipe |= {"use_logits_to_keep": way == "ours", "max_length": row["rows"] * row["positions"]}
    need = estimate(recipe, configuration, sides * row["answer"])
    mask = 5 * row["positions"] ** 2 if row["rows"] < sides else 0
    return need.kept + mask + max(need.layer, need.logits), need.logits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of cases, from 0 (default: all)")
    parser.add_argument("--case", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        found = measure(args.case, args.folder / "model", args.folder / "rows.jsonl", args.folder / "out")
        (args.folder / "found.json").write_text(json.dumps(found))
        return
    from swift_saber.mini.model import build_model
    from swift_saber.mini.world import write_world
    from swift_saber.models.memory import dimensions

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counts = {"consistent": 4}
        write_world(folder / "world", train_counts=counts, pairs_counts=counts, eval_counts=counts)
        write_model(folder / "model", build_model(folder / "tiny", ["The face", "The voice", "What is felt?"]))
        environment = {**os.environ, **MEDIA, "ENABLE_AUDIO_OUTPUT": "0", "HF_HUB_OFFLINE": "1"}
        print("| case | rows x positions | answer | peak | arithmetic | logits | arithmetic |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for case in CASES if args.only is None else [CASES[number] for number in args.only]:
            command, tuner, checkpointing, way, swapped = case
            write_rows(folder / "rows.jsonl", folder / "world", pairs=command == "rlhf", swapped=swapped)
            line = [sys.executable, __file__, "--case", json.dumps(case), "--folder", str(folder)]
            done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stdout[-3000:] + done.stderr[-3000:])
            told = f"{command} {tuner}{'' if checkpointing else ', all kept'}, {way}{', two clips' if swapped else ''}"
            for row in json.loads((folder / "found.json").read_text()):
                passing, logits = arithmetic(case, row, dimensions(str(folder / "model")))
                numbers = (row["peak"], passing, row["logits"], logits)
                print(
                    f"| {told} | {row['rows']} x {row['positions']} | {row['answer']} | "
                    + " | ".join(f"{number / MIB:,.0f}" for number in numbers)
                    + " |",
                    flush=True,
                )


if __name__ == "__main__":
    main()

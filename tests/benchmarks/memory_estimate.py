"""python tests/benchmarks/memory_estimate.py [RECIPE.yaml ...]

Prints the GPU memory that each SED and CA-DPO recipe is estimated to need, per GPU; the headers of the recipes quote
it. Without arguments: all recipes/sed_*.yaml and ca_dpo_*.yaml. Needs no GPU and downloads nothing: the model is built
on torch's meta device, which keeps shapes and no weights.

Nothing here was measured on a GPU. What is counted, in bytes, for T tokens a row (the recipe's max_length, so the
longest row that can occur; per_device_train_batch_size rows of that length at once):

    weights      2 x parameters of the thinker                     bf16; talker and token2wav are not loaded
    trained      LoRA: 16 x its parameters                         fp32 weights, gradients and two AdamW moments
                 ZeRO-2 on N GPUs: (2 + 4 + 12) / N x parameters   bf16 gradients, their fp32 copy at the optimizer
                                                                   step, fp32 weights and two moments, all sharded;
                                                                   LoRA's own weights 2 x more, two reduce buckets
    kept         2 x T x hidden x layers                           what gradient checkpointing keeps, one a layer
    towers       2 x positions x width x layers                    the same for the vision and the audio tower
    peak         the larger of
                   T x (2 x (10 hidden + 5 inner) + LoRA: 4 x 2 x (6 hidden + inner))
                                                                   one layer recomputed; LoRA keeps an fp32 copy of
                                                                   the input of its seven projections, with dropout
                   T x vocabulary x (2 + 4 + 4)                    bf16 logits, their fp32 copy, log-softmax or its
                                                                   gradient; for all T: the thinker has no
                                                                   logits_to_keep
    CA-DPO (rlhf_type dpo) has two sequences a pair, so that T counts twice in all of the above, and the reference:
    weights      LoRA: 4 x its parameters                          a second adapter, fp32, on the same base weights
                 full: 2 x parameters of the thinker               a frozen bf16 copy, whole on every GPU
    trained      several GPUs without DeepSpeed: 4 x more          DDP's copy of the fp32 gradients
    peak         T x vocabulary x 12, with DeepSpeed 8             instead of the 10 above: fp32 logits (bf16 with
                                                                   DeepSpeed, which does not convert them) of the
                                                                   policy stay while the reference's are computed,
                                                                   and their gradients follow; the peak allocation of
                                                                   trl's selective_log_softmax and its backward,
                                                                   measured on a CPU with a smaller vocabulary
    plan for     1.1 x the sum + 1 GiB                             fragmentation, CUDA context, workspaces: a guess

Dimensions. 7B: transformers' Qwen2_5OmniConfig defaults, except the vision tower's width (1,280; the default says
3,584) and the talker's shape, which are taken from public copies of the released config.json. 3B: the dimensions of
Qwen2.5-3B for the language model, lm_head not shared with the embeddings, and the 7B's towers; not checked against
the released files, so its numbers are the rougher ones. A recipe that names no model is counted as the 7B; one that
names another model, or a folder of another name, is refused.
"""

import argparse
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from swift_saber.errors import InputError

GIB = 2**30
RECIPES = Path(__file__).parents[2] / "recipes"
VISION = {"hidden_size": 1280}
TALKER = {"hidden_size": 896, "num_attention_heads": 12, "num_hidden_layers": 24}
TEXT_3B = {
    "vocab_size": 151936,
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "max_window_layers": 36,
}
SIZES: dict[str, dict[str, Any]] = {
    "7B": {"thinker_config": {"vision_config": VISION}, "talker_config": TALKER},
    "3B": {
        "thinker_config": {
            "text_config": TEXT_3B,
            "vision_config": {**VISION, "out_hidden_size": 2048},
            "audio_config": {"output_dim": 2048},
        },
    },
}
# The longest input under the published settings: 40 frames are 20 pairs of at most 153 tokens (largest value that
# qwen-omni-utils 0.0.9 gives for frames up to 2.6 : 1; 140 for 320x240, 120 for 16 : 9); a token covers 2 x 2 patches
# of a pair. 30 s of sound: 25 tokens a second, each pooled from two positions.
VIDEO_TOKENS = 20 * 153
AUDIO_TOKENS = 30 * 25
REDUCE_BUCKET = 2 * 2e8 * 2  # ZeRO-2 in ms-swift's zero2.json: 2e8 elements; two of them in bf16


def size_of(model: str | None) -> str:
    """Return "7B" or "3B" for a hub id or a folder of that name, and "7B", the published size, for none.

    Raises:
        InputError: another model, whose dimensions are not known here.
    """
    found = re.fullmatch(r"Qwen2\.5-Omni-(\w+)", Path(model or "Qwen2.5-Omni-7B").name, re.IGNORECASE)
    size = found[1].upper() if found else ""
    if size not in SIZES:
        known = ", ".join(f"Qwen/Qwen2.5-Omni-{name}" for name in SIZES)
        raise InputError("recipe", "model", f"the dimensions of {model!r} are not known", f"use one of {known}")
    return size


def build(size: str, *, talker: bool = False) -> Any:
    """Return Qwen2.5-Omni of the given size ("7B" or "3B") without weights."""
    import torch
    from transformers import Qwen2_5OmniConfig, Qwen2_5OmniForConditionalGeneration

    config = Qwen2_5OmniConfig(**SIZES[size], enable_audio_output=talker)
    with torch.device("meta"):
        return Qwen2_5OmniForConditionalGeneration(config)


def parameters(module: Any) -> int:
    return sum(weight.numel() for weight in module.parameters())


def lora_parameters(model: Any, rank: int) -> int:
    """Adapters on every linear layer of the language model but lm_head: what ms-swift's `all-linear` resolves to."""
    import torch

    linear = [m for m in model.thinker.model.modules() if isinstance(m, torch.nn.Linear)]
    return sum(rank * (m.in_features + m.out_features) for m in linear)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes on each GPU, and what is trained."""

    trainable: int
    weights: float
    trained: float
    kept: float
    towers: float
    layer: float
    logits: float

    @property
    def total(self) -> float:
        return self.weights + self.trained + self.kept + self.towers + max(self.layer, self.logits)

    @property
    def plan_gib(self) -> int:
        """What to plan for, in whole GiB."""
        return round(1.1 * self.total / GIB + 1)


def estimate(recipe: dict[str, Any]) -> Estimate:
    """Estimate the memory that a recipe needs on each GPU; see the formulas at the top.

    Args:
        recipe: a recipe's contents, for SED or for CA-DPO, of LoRA tuning, or of full tuning with ZeRO-2; towers
            frozen.

    Raises:
        InputError: as size_of.
    """
    model = build(size_of(recipe.get("model")))
    thinker, text = model.thinker, model.config.thinker_config.text_config
    gpus = int(recipe["ENV"].get("NPROC_PER_NODE", 1))
    dpo = recipe.get("rlhf_type") == "dpo"
    rows = recipe["per_device_train_batch_size"] * (2 if dpo else 1)
    tokens = recipe["max_length"] * rows
    lora = recipe["tuner_type"] == "lora"
    trainable = (
        lora_parameters(model, recipe["lora_rank"]) if lora else parameters(thinker.model) + parameters(thinker.lm_head)
    )
    if "deepspeed" in recipe:
        trained = trainable * (2 + 4 + 12) / gpus + min(REDUCE_BUCKET, 4 * trainable) + (2 * trainable if lora else 0)
    else:
        trained = trainable * (16 + (4 if gpus > 1 else 0))
    vision, audio = model.config.thinker_config.vision_config, model.config.thinker_config.audio_config
    towers = (
        2
        * rows
        * (
            VIDEO_TOKENS * 4 * vision.hidden_size * vision.depth
            + AUDIO_TOKENS * 2 * audio.d_model * audio.encoder_layers
        )
    )
    layer = 2 * (10 * text.hidden_size + 5 * text.intermediate_size)
    if lora:
        layer += 4 * 2 * (6 * text.hidden_size + text.intermediate_size)
    reference = (4 * trainable if lora else 2 * parameters(thinker)) if dpo else 0
    logit = (8 if "deepspeed" in recipe else 12) if dpo else 2 + 4 + 4
    return Estimate(
        trainable=trainable,
        weights=2 * parameters(thinker) + reference,
        trained=trained,
        kept=2 * tokens * text.hidden_size * text.num_hidden_layers,
        towers=towers,
        layer=tokens * layer,
        logits=tokens * text.vocab_size * logit,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", type=Path, nargs="*", metavar="RECIPE.yaml")
    paths = parser.parse_args().recipes or sorted([*RECIPES.glob("sed_*.yaml"), *RECIPES.glob("ca_dpo_*.yaml")])
    print("parameters (millions)")
    for size in SIZES:
        model = build(size, talker=size == "7B")
        thinker = model.thinker
        parts = {
            "language": parameters(thinker.model) + parameters(thinker.lm_head),
            "vision": parameters(thinker.visual),
            "audio": parameters(thinker.audio_tower),
            "thinker": parameters(thinker),
        }
        if size == "7B":
            parts |= {
                "talker": parameters(model.talker),
                "token2wav": parameters(model.token2wav),
                "all": parameters(model),
            }
        print(f"  {size}: " + ", ".join(f"{name} {count / 1e6:,.1f}" for name, count in parts.items()))
    print("GiB on each GPU (estimated, not measured)")
    for path in paths:
        recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
        # The recipe as it stands, and with rows up to 4,096 tokens.
        for length in sorted({recipe["max_length"], 4096}, reverse=True):
            need = estimate({**recipe, "max_length": length})
            parts = {
                name: getattr(need, name) / GIB for name in ("weights", "trained", "kept", "towers", "layer", "logits")
            }
            print(
                f"  {path.name} max_length {length}: plan for {need.plan_gib} ("
                + ", ".join(f"{name} {value:.1f}" for name, value in parts.items())
                + f"; {need.trainable / 1e6:,.1f} million trained)"
            )


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))

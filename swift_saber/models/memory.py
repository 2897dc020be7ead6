"""The memory that a model needs, to answer and to be trained: arithmetic from its dimensions and the settings.

The model is built on torch's meta device, which keeps shapes and no weights. What is counted for training, in bytes;
2 is the bytes of a bf16 number, and 4 where torch_dtype is float32; T are the tokens of the rows of a batch, the
longest that can occur, and A those of them that are answers:

    weights      2 x parameters of the thinker                     bf16; talker and token2wav are not loaded
    trained      LoRA: 16 x its parameters                         fp32 weights, gradients and two AdamW moments
                 ZeRO-2 on N GPUs: (2 + 4 + 12) / N x parameters   bf16 gradients, their fp32 copy at the optimizer
                                                                   step, fp32 weights and two moments, all sharded;
                                                                   LoRA's own weights 2 x more, two reduce buckets
                 full, without DeepSpeed: 2 x 3 x parameters       gradients and two moments, of the weights' type
    kept         2 x T x hidden x layers                           what gradient checkpointing keeps, one a layer;
                 without it, T x layers x 2 x (10 hidden + 4 inner), with LoRA 2 x (7 hidden + 3 inner) and 3 x
                 (6 hidden + inner): the input of its seven projections after dropout, and which numbers that dropped
    towers       2 x positions x width x layers                    the same for those that are trained; frozen ones
                                                                   keep nothing (ms-swift's patch_frozen_module)
    peak         the larger of
                   T x (2 x (12 hidden + 6 inner) + LoRA: 5 x (6 hidden + inner))
                                                                   one layer recomputed, and its backward pass
                   with experts, inner is experts a token x inner, hidden as much more for what each expert is given
                   and gives, and LoRA's 6 hidden + inner are 4 hidden: it is on the attention alone
                   A x vocabulary x 12                             fp32 log-softmax and its two gradients
                   full: vocabulary x (A x 4 + 2 x hidden)         that of lm_head, beside that of the logits
    CA-DPO (rlhf_type dpo) has two sides a pair, and the reference:
    weights      LoRA: 4 x its parameters                          a second adapter, fp32, on the same base weights
                 full: 2 x parameters of the thinker               a frozen bf16 copy, whole on every GPU; none with
                                                                   SABER_REFERENCE_CACHE
    trained      several GPUs without DeepSpeed: 4 x more          DDP's copy of the fp32 gradients
    mask         (question + 2 answers)^2 x (1 + 2 + 2)            of a pair in one row: bool, as numbers, and once more
                                                                   where a GPU wants rows of a multiple of 8
    peak         A x vocabulary x 12, with DeepSpeed 8             fp32 logits (bf16 with DeepSpeed, which does not
                                                                   convert them) of the policy stay while the
                                                                   reference's are computed, and their gradients
                                                                   follow, in trl's selective_log_softmax
    GRPO (rlhf_type grpo) is trained as SED is, with CA-DPO's reference; what its answers take while they are written is
    not counted.
    plan for     weights + trained + 1.35 x the others + 1 GiB     what the allocator holds beside what is used, and
                                                                   the CUDA context

How long. A row, or one side of a pair, has the recipe's max_length, of which the answer is max_new_tokens (4,096) at
most and at least 150 are not the answer. A pair of one clip is one row, of question and both answers; one of two clips
(swapped pairs) is two rows, as is any with SABER_JOINT_PAIRS=false, flash attention or padding-free rows. The larger of
the two counts, since the data decide. All tokens are in A with use_logits_to_keep: false, and all but 150 a row where
ms-swift cuts rows at the earliest answer (several rows of SED, pairs that are never one row) or packs them.

Where the numbers of a layer come from: the shapes of the 7B's own layers (tests/benchmarks/memory_shapes.py), and a
smaller model that was trained on a CPU (memory_step.py beside it; recipes/costs.md has the figures). 1.35 is from two
runs of ms-swift's own step on an H200, with a 7B of random weights, where it was 1.23 (SED) and 1.40 (CA-DPO). Three
runs of today's step on an H100, all by LoRA, took 24.2 (SED), 30.1 and 59.2 GiB (CA-DPO) of the card, for which the
plan is 24.2, 29.3 and 59.8.

For answers, of which max_new_tokens is the longest, T tokens are the longest question under the media settings:

    weights      2 x parameters of the thinker                     and a LoRA checkpoint's own
    kept         2 x (T + max_new_tokens) x 2 x keys x layers      the cache of keys and values
    peak         2 x T x (4 hidden + 3 inner)                      a layer; the logits are those of one token

Dimensions. A folder's own are in its config.json. 7B: transformers' Qwen2_5OmniConfig defaults, except the vision
tower's width (1,280; the default says 3,584) and the talker's shape, which are taken from public copies of the released
config.json. 3B: the dimensions of Qwen2.5-3B for the language model, lm_head not shared with the embeddings, and the
7B's towers; not checked against the released files, so its numbers are the rougher ones. 30B-A3B, of Qwen3-Omni:
transformers' Qwen3OmniMoeConfig defaults for the experts (128, of which 8 a token, 768 wide), the hidden size and the
depth and width of the towers; the rest (48 layers, heads, vocabulary, what the towers hand over) from a public copy of
the released config.json. A recipe that names no model is counted as the 7B.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swift_saber.data.rows import parse_row
from swift_saber.errors import InputError
from swift_saber.text.files import read_text

GIB = 2**30
_SPARE = 1.35  # between two runs, see above
_VISION = {"hidden_size": 1280}
_TALKER = {"hidden_size": 896, "num_attention_heads": 12, "num_hidden_layers": 24}
_TEXT_3B = {
    "vocab_size": 151936,
    "hidden_size": 2048,
    "intermediate_size": 11008,
    "num_hidden_layers": 36,
    "num_attention_heads": 16,
    "num_key_value_heads": 2,
    "max_window_layers": 36,
}
_TEXT_30B = {
    "vocab_size": 152064,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "head_dim": 128,
    "intermediate_size": 768,
    "max_position_embeddings": 65536,
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What differs between the models that are known here.

    Attributes:
        model_type: in config.json.
        prefix: of the names of its classes in transformers.
        patch: the side of its vision patches, in pixels.
        audio_tokens: of a second of sound.
        audio_positions: of the audio tower for each of them, which it pools.
    """

    model_type: str
    prefix: str
    patch: int
    audio_tokens: int
    audio_positions: int


QWEN2_5 = Kind("qwen2_5_omni", "Qwen2_5Omni", patch=14, audio_tokens=25, audio_positions=2)
QWEN3 = Kind("qwen3_omni_moe", "Qwen3OmniMoe", patch=16, audio_tokens=13, audio_positions=1)
KINDS = {kind.model_type: kind for kind in (QWEN2_5, QWEN3)}
SIZES: dict[str, dict[str, Any]] = {
    "7B": {"thinker_config": {"vision_config": _VISION}, "talker_config": _TALKER},
    "3B": {
        "thinker_config": {
            "text_config": _TEXT_3B,
            "vision_config": {**_VISION, "out_hidden_size": 2048},
            "audio_config": {"output_dim": 2048},
        },
    },
    "30B-A3B": {
        "model_type": QWEN3.model_type,
        "thinker_config": {
            "text_config": _TEXT_30B,
            "vision_config": {"out_hidden_size": 2048},
            "audio_config": {"output_dim": 2048},
        },
    },
}
# What a hub id or a folder is called, and what is known by it.
_NAMES = {
    r"Qwen2\.5-Omni-7B|SABER-LLM": "7B",  # the base of the second is not named; its settings and size are the 7B's
    r"Qwen2\.5-Omni-3B": "3B",
    r"Qwen3-Omni-30B-A3B-(Instruct|Thinking|Captioner)": "30B-A3B",
}
_KNOWN = ("Qwen/Qwen2.5-Omni-7B", "Qwen/Qwen2.5-Omni-3B", "Qwen/Qwen3-Omni-30B-A3B-Instruct")
_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
# The longest input under the published settings: 40 frames are 20 pairs of at most 153 tokens (largest value that
# qwen-omni-utils 0.0.9 gives for frames up to 2.6 : 1; 140 for 320x240, 120 for 16 : 9); a token covers 2 x 2 patches
# of a pair. The reader counts in tokens, so that these are as many where patches are larger.
VIDEO_TOKENS = 20 * 153
VIDEO_POSITIONS = 4  # of a token
PROMPT_TOKENS = 150  # tokens of the instruction and of the template
MAX_NEW_TOKENS = 4096  # published
_LONGEST_CLIP = 30  # seconds; ours
_REDUCE_BUCKET = 2 * 2e8 * 2  # ZeRO-2 in ms-swift's zero2.json: 2e8 elements; two of them in bf16
_LORA_RANK = 8  # ms-swift's default
_CACHE, _JOINT = "SABER_REFERENCE_CACHE", "SABER_JOINT_PAIRS"
_OFF = ("false", "0")


def dimensions(model: str | None) -> dict[str, Any]:
    """Return the configuration of a Qwen-Omni: what a model folder holds, or that of a size known by its name.

    Args:
        model: a model folder; a hub id or a folder of that name; None for the published size, the 7B.

    Raises:
        InputError: another model, whose dimensions are not known here; or the folder's config.json is damaged.
    """
    path = Path(model or "Qwen2.5-Omni-7B").expanduser() / "config.json"
    if path.is_file():
        known = parse_row(read_text(path), str(path))
        if known.get("model_type") in KINDS:
            return known
    name = path.parent.name
    size = next((size for names, size in _NAMES.items() if re.fullmatch(names, name, re.IGNORECASE)), None)
    if size is None or path.is_file():
        remedy = f"use one of {', '.join(_KNOWN)}"
        raise InputError("recipe", "model", f"the dimensions of {model!r} are not known", remedy)
    return {**SIZES[size], "dtype": "bfloat16"}


def kind_of(configuration: Mapping[str, Any]) -> Kind:
    """Return what kind of model a configuration is of; Qwen2.5-Omni where it does not say."""
    return KINDS[configuration.get("model_type", QWEN2_5.model_type)]


def build(configuration: Mapping[str, Any], *, talker: bool = False) -> Any:
    """Return a Qwen-Omni of these dimensions without weights."""
    import torch
    import transformers

    prefix = kind_of(configuration).prefix
    config = getattr(transformers, f"{prefix}Config").from_dict({**configuration, "enable_audio_output": talker})
    with torch.device("meta"):
        return getattr(transformers, f"{prefix}ForConditionalGeneration")(config)


def parameters(module: Any) -> int:
    """Return how many parameters a module has."""
    return sum(weight.numel() for weight in module.parameters())


def lora_parameters(model: Any, rank: int) -> int:
    """Adapters on every linear layer of the language model but lm_head: what ms-swift's `all-linear` resolves to.

    Experts are no linear layers there, nor is what chooses among them.
    """
    import torch

    linear = [m for m in model.thinker.model.modules() if isinstance(m, torch.nn.Linear)]
    return sum(rank * (m.in_features + m.out_features) for m in linear)


def bytes_of(dtype: str) -> int:
    """Return the bytes of a number of a type; 4 for one that is not known."""
    return _BYTES.get(dtype, 4)


def dtype_of(configuration: Mapping[str, Any]) -> str:
    """Return the type that a model's weights are loaded in, as ms-swift reads it; float32 where none is named."""
    levels = configuration, configuration.get("thinker_config") or {}
    named = (level.get(key) for level in levels for key in ("torch_dtype", "dtype"))
    return str(next(filter(None, named), "float32")).removeprefix("torch.")


def clip_tokens(settings: Mapping[str, str], seconds: float, kind: Kind = QWEN2_5) -> tuple[int, int]:
    """Return the most tokens of the picture and of the sound of a clip under media settings.

    153 tokens a pair of frames are what the reader's floor of 128 comes to (VIDEO_TOKENS); other sizes in proportion.
    """
    frames = min(float(settings.get("FPS", 2)) * seconds, int(settings.get("FPS_MAX_FRAMES", 768)))
    area = (2 * kind.patch) ** 2  # pixels of a token
    least = int(settings.get("VIDEO_MIN_PIXELS", 128 * area)) / area
    most = int(settings.get("VIDEO_MAX_PIXELS", 768 * area)) / area
    return round(frames / 2 * max(least, most) * 153 / 128), round(kind.audio_tokens * seconds)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Bytes on each GPU, or in main memory where there is none, by the table at the top; and how much is trained.

    Attributes:
        trainable: parameters that are trained.
        mask: of pairs that are one row.
        layer, logits: the two of which the larger is the peak.
    """

    trainable: int
    weights: float
    trained: float
    kept: float
    towers: float
    mask: float
    layer: float
    logits: float

    @property
    def plan(self) -> float:
        """What to plan for."""
        passing = self.kept + self.towers + self.mask + max(self.layer, self.logits)
        return self.weights + self.trained + _SPARE * passing + GIB

    @property
    def plan_gib(self) -> int:
        """What to plan for, in whole GiB."""
        return round(self.plan / GIB)


def estimate(
    recipe: Mapping[str, Any], configuration: Mapping[str, Any] | None = None, answer: int = MAX_NEW_TOKENS
) -> Estimate:
    """Estimate the memory that a recipe needs on each GPU; see the formulas at the top.

    Args:
        recipe: a recipe's contents, for SED, CA-DPO or GRPO, of LoRA tuning, or of full tuning, alone or with ZeRO-2.
            Where it does not name a value, ms-swift's default counts, and the published longest row.
        configuration: as `dimensions` returns it; by default that of the recipe's model.
        answer: tokens of the longest answer.

    Raises:
        InputError: as `dimensions`.
    """
    known = dimensions(recipe.get("model")) if configuration is None else configuration
    model, kind = build(known), kind_of(known)
    thinker, text = model.thinker, model.config.thinker_config.text_config
    environment = recipe.get("ENV") or {}
    number = bytes_of(str(recipe.get("torch_dtype") or dtype_of(known)))
    gpus = int(environment.get("NPROC_PER_NODE", 1))
    dpo = recipe.get("rlhf_type") == "dpo"
    compared = dpo or recipe.get("rlhf_type") == "grpo"
    lora = recipe.get("tuner_type", "lora") == "lora"
    frozen = recipe.get("freeze_vit", True) and recipe.get("freeze_aligner", True)
    if lora:
        trainable = lora_parameters(model, int(recipe.get("lora_rank", _LORA_RANK)))
    else:
        trainable = parameters(thinker.model) + parameters(thinker.lm_head)
        trainable += 0 if frozen else parameters(thinker.visual) + parameters(thinker.audio_tower)
    if "deepspeed" in recipe:
        trained = trainable * (2 + 4 + 12) / gpus + min(_REDUCE_BUCKET, 4 * trainable) + (2 * trainable if lora else 0)
    elif lora:
        trained = trainable * (16 + (4 if gpus > 1 else 0))
    else:
        trained = trainable * number * (3 + (gpus > 1))
    reference = 4 * trainable if lora else 0 if environment.get(_CACHE) else number * parameters(thinker)
    audio_tokens = _LONGEST_CLIP * kind.audio_tokens
    vision, audio = model.config.thinker_config.vision_config, model.config.thinker_config.audio_config
    towers = VIDEO_TOKENS * VIDEO_POSITIONS * vision.hidden_size * vision.depth
    towers += audio_tokens * kind.audio_positions * audio.d_model * audio.encoder_layers
    layer = number * _layer(text, 12, 6) + (5 * _adapted(text) if lora else 0)
    kept = number * text.hidden_size
    if not recipe.get("gradient_checkpointing", True):
        kept = number * _layer(text, 7, 3) + (number + 1) * _adapted(text) if lora else number * _layer(text, 10, 4)
    logit, head = (8 if dpo and "deepspeed" in recipe else 12), number * text.hidden_size
    whole = int(recipe.get("max_length", VIDEO_TOKENS + audio_tokens + PROMPT_TOKENS + MAX_NEW_TOKENS))
    return max(
        (
            Estimate(
                trainable=trainable,
                weights=number * parameters(thinker) + (reference if compared else 0),
                trained=trained,
                kept=rows.tokens * kept * text.num_hidden_layers,
                towers=0 if frozen else number * rows.count * towers,
                mask=rows.masked,
                layer=rows.tokens * layer,
                logits=text.vocab_size * max(rows.answers * logit, 0 if lora else rows.answers * 4 + head),
            )
            for rows in _rows(recipe, whole, answer, joint=dpo and str(environment.get(_JOINT)).lower() not in _OFF)
        ),
        key=lambda need: need.plan,
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a batch: how many, their tokens, those of them that meet the vocabulary, and bytes of their mask."""

    count: int
    tokens: int
    answers: int
    masked: int = 0


def _rows(recipe: Mapping[str, Any], whole: int, answer: int, *, joint: bool) -> list[_Rows]:
    """Return what a batch can be.

    Args:
        recipe: its contents.
        whole: tokens of the longest row, which is one side of a pair.
        answer: tokens of the longest answer.
        joint: whether pairs may be one row, for all that the environment says.
    """
    several = int(recipe.get("per_device_train_batch_size", 1))
    count = several * (2 if recipe.get("rlhf_type") == "dpo" else 1)
    packed = recipe.get("packing", False) or recipe.get("padding_free", False)
    joint = joint and not packed and recipe.get("attn_impl", "sdpa") == "sdpa"
    most = max(1, whole - PROMPT_TOKENS)
    answer = min(answer, most)
    met = answer if joint or (count == 1 and not packed) else most
    if not recipe.get("use_logits_to_keep", True):
        met, joint = whole, False
    apart = _Rows(count, count * whole, count * met)
    if not joint:
        return [apart]
    together = whole + answer
    return [apart, _Rows(several, several * together, count * met, several * together**2 * (1 + 2 + 2))]


def answering(configuration: Mapping[str, Any], settings: Mapping[str, str], adapters: int = 0) -> Estimate:
    """Estimate the memory that answers need, one row at a time; see the formulas at the top.

    Args:
        configuration: as `dimensions` returns it.
        settings: the media settings, on which the length of a question depends.
        adapters: bytes of a LoRA checkpoint's weights.
    """
    model = build(configuration)
    text, number = model.config.thinker_config.text_config, bytes_of(dtype_of(configuration))
    tokens = sum(clip_tokens(settings, _LONGEST_CLIP, kind_of(configuration))) + PROMPT_TOKENS
    keys = text.num_key_value_heads * (getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads)
    return Estimate(
        trainable=0,
        weights=number * parameters(model.thinker) + adapters,
        trained=0,
        kept=number * (tokens + MAX_NEW_TOKENS) * 2 * keys * text.num_hidden_layers,
        towers=0,
        mask=0,
        layer=number * tokens * _layer(text, 4, 3),
        logits=number * text.vocab_size,
    )


def _layer(text: Any, hidden: int, inner: int) -> int:
    """Numbers a token that a layer holds: so many times its width, and so many times that of its inner layer."""
    if experts := getattr(text, "num_experts_per_tok", 0):
        return int(hidden * text.hidden_size + experts * (2 * text.hidden_size + inner * text.moe_intermediate_size))
    return int(hidden * text.hidden_size + inner * text.intermediate_size)


def _adapted(text: Any) -> int:
    """Numbers a token that go into a layer's adapters."""
    if getattr(text, "num_experts_per_tok", 0):
        return int(4 * text.hidden_size)
    return int(6 * text.hidden_size + text.intermediate_size)

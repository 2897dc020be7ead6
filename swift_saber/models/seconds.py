"""The seconds that a clip takes a model here: one layer of it is timed on this machine, the rest is arithmetic.

A layer and an lm_head of the model's own width and type, without its weights, read a question of up to _MOST tokens at
once and write one token. That is multiplied by the layers; the towers are taken to cost as much for each of their
parameters and positions. The reader's time is added. Left out: attention between the tokens of long questions, and what
several GPUs say to one another.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from swift_saber.models.memory import (
    AUDIO_POSITIONS,
    PROMPT_TOKENS,
    VIDEO_POSITIONS,
    build,
    clip_tokens,
    dtype_of,
    parameters,
)

RANGE = 2.0  # ours, a guess: the factor either way that is told with an estimate; not compared with whole runs
CLIP_SECONDS = 10.0  # ours: of the clip that is spoken of
ANSWER_TOKENS = 450  # of either of the two records that the authors published, at about 4 letters or 1.5 characters
_FEWEST, _MOST, _LONG_ENOUGH = 8, 512, 0.2  # tokens, and seconds that they may take
_READING = 0.5  # seconds; measured on two cores: 0.15 (5 s of 640x360) to 1.1 (30 s of 1280x720)
_TIMES = 2


@dataclass(frozen=True, slots=True)
class Speed:
    """What a token costs in one layer or in lm_head, in seconds.

    Attributes:
        reading: of each token that is read along with others.
        writing: of each token that is written alone.
    """

    reading: float
    writing: float


def measured(configuration: Mapping[str, Any], device: str) -> tuple[Speed, Speed]:
    """Time one layer of the language model and its lm_head on a device.

    Args:
        configuration: as memory.dimensions returns it.
        device: "cpu" or "cuda".
    """
    import torch
    from transformers import DynamicCache
    from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import Qwen2_5OmniThinkerTextModel

    whole = build(configuration).config.thinker_config.text_config
    one = {"num_hidden_layers": 1, "layer_types": None, "vocab_size": 1, "pad_token_id": None}
    config = type(whole).from_dict({**whole.to_dict(), **one})
    dtype = getattr(torch, dtype_of(configuration))
    with torch.device("meta"):
        parts = [Qwen2_5OmniThinkerTextModel(config), torch.nn.Linear(config.hidden_size, whole.vocab_size, bias=False)]
    layer, head = (part.to(dtype).to_empty(device=device).eval() for part in parts)
    for tensor in (*layer.parameters(), *layer.buffers(), *head.parameters()):
        tensor.data.fill_(1 / 64)

    def took(run: Callable[..., object], *given: Any, **named: Any) -> float:
        times = []
        for _ in range(1 + _TIMES):  # the first one prepares
            start = time.perf_counter()
            run(*given, **named)
            if device == "cuda":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return min(times[1:])

    def tokens(number: int) -> Any:
        return torch.full((1, number, config.hidden_size), 1 / 64, dtype=dtype, device=device)

    def reading(run: Callable[[Any], object]) -> float:
        """Seconds a token, of as many as are read in a short time: few are read no faster than one is written."""
        number = _FEWEST
        while (read := took(run, tokens(number))) < _LONG_ENOUGH and number < _MOST:
            number *= 4
        return read / number

    with torch.inference_mode():
        of_layer = reading(lambda embeds: layer(inputs_embeds=embeds, use_cache=False))
        write = partial(layer, inputs_embeds=tokens(1), past_key_values=DynamicCache(), use_cache=True)
        return Speed(of_layer, took(write)), Speed(reading(head), took(head, tokens(1)))


def seconds_to_answer(
    configuration: Mapping[str, Any], settings: Mapping[str, str], speed: tuple[Speed, Speed]
) -> float:
    """Return the seconds that a clip of CLIP_SECONDS and an answer of ANSWER_TOKENS take, one at a time.

    Args:
        configuration: as memory.dimensions returns it.
        settings: the media settings.
        speed: of this machine.
    """
    work = _work(configuration, settings, speed)
    return _READING + work.reading * work.question + work.towers + work.writing * ANSWER_TOKENS


def seconds_to_train(
    configuration: Mapping[str, Any], recipe: Mapping[str, Any], settings: Mapping[str, str], speed: tuple[Speed, Speed]
) -> float:
    """Return the seconds that one row, or one pair, takes in training on one device.

    A pass forward counts once, one back twice, or once where weights are not trained themselves (LoRA), and what
    gradient checkpointing computes again once. A pair has two sequences, which the reference reads too.

    Args:
        configuration, settings, speed: as seconds_to_answer.
        recipe: a recipe's contents.
    """
    work = _work(configuration, settings, speed)
    passes = 1 + (1 if recipe.get("tuner_type", "lora") == "lora" else 2) + recipe.get("gradient_checkpointing", True)
    rows, read = (2, passes + 1) if recipe.get("rlhf_type") == "dpo" else (1, passes)
    tokens, looks = work.question + ANSWER_TOKENS, 1 if recipe.get("freeze_vit", True) else passes
    return float(rows * (_READING + read * work.reading * tokens + looks * work.towers))


@dataclass(frozen=True, slots=True)
class _Work:
    """The seconds of a token that is read, of one that is written, and of both towers; and the tokens of a question."""

    reading: float
    writing: float
    towers: float
    question: int


def _work(configuration: Mapping[str, Any], settings: Mapping[str, str], speed: tuple[Speed, Speed]) -> _Work:
    thinker = build(configuration).thinker
    video, audio = clip_tokens(settings, CLIP_SECONDS)
    met = video * VIDEO_POSITIONS * parameters(thinker.visual)
    met += audio * AUDIO_POSITIONS * parameters(thinker.audio_tower)
    layer, head = speed
    layers = len(thinker.model.layers)
    each = min(layer.reading / parameters(thinker.model.layers[0]), head.reading / parameters(thinker.lm_head))
    return _Work(
        reading=layers * layer.reading + head.reading,
        writing=layers * layer.writing + head.writing,
        towers=each * met,
        question=video + audio + PROMPT_TOKENS,
    )

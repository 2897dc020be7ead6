"""The seconds that a clip takes a model here: a few layers of it are timed on this machine, the rest is arithmetic.

One and _DEEP layers of the model's own width and type, without its weights, read a question and write one token: what
the further ones add is what a layer takes, and the rest is what a call takes whatever its depth (masks, positions,
Python), which counts once. So does lm_head, which is timed by itself. The towers are taken to cost as much for each of
their parameters and positions. The reader's time is added. Left out: what transformers' generate does between two
tokens (9 ms on the CPU below), and what several GPUs say to one another.

Compared with whole runs of generate on one thread of a busy CPU, in float32 and without clips: a question of 1,930
tokens and an answer of 450 are estimated at 0.55 times what they take for 17.5 million parameters, and at 1.43 times
for 640 million (there each written token was estimated at 175 ms and took 109, and the question at 40 s and took 34).
On a GPU no estimate was compared. recipes/costs.md has what an H200 took for a 7B of random weights: with its 137 ms a
pass, the formula gives 0.9 s for a short row of SED by LoRA and 2.1 s for a pair, of which 0.7 and 1.4 were measured.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from swift_saber.models.memory import (
    PROMPT_TOKENS,
    VIDEO_POSITIONS,
    build,
    clip_tokens,
    dtype_of,
    kind_of,
    parameters,
)

RANGE = 2.0  # ours: the factor either way that is told with an estimate; the two comparisons on a CPU are within it
CLIP_SECONDS = 10.0  # ours: of the clip that is spoken of
ANSWER_TOKENS = 450  # of either of the two records that the authors published, at about 4 letters or 1.5 characters
_DEEP = 3  # layers, against one
_FEWEST, _LONG_ENOUGH = 8, 0.2  # tokens of a question that is read, and seconds after which no more of them are tried
_READING = 0.5  # seconds; measured on two cores: 0.15 (5 s of 640x360) to 1.1 (30 s of 1280x720)
_TIMES = 3


@dataclass(frozen=True, slots=True)
class Part:
    """What a token costs in one layer, or in lm_head, in seconds.

    Attributes:
        reading: of each token that is read along with others.
        writing: of each token that is written alone.
    """

    reading: float
    writing: float


@dataclass(frozen=True, slots=True)
class Speed:
    """What this machine takes for a model's parts.

    Attributes:
        layer, head: each layer of the language model, and lm_head.
        call: seconds that any pass through the model takes beside these.
    """

    layer: Part
    head: Part
    call: float


def measured(configuration: Mapping[str, Any], settings: Mapping[str, str], device: str) -> Speed:
    """Time layers of the language model and its lm_head on a device.

    Args:
        configuration: as memory.dimensions returns it.
        settings: the media settings, on which the length of a question depends.
        device: "cpu" or "cuda".
    """
    import torch
    from transformers import DynamicCache

    thinker = build(configuration).thinker
    whole = thinker.config.text_config
    few = {"num_hidden_layers": _DEEP, "layer_types": None, "vocab_size": 1, "pad_token_id": None}
    config = type(whole).from_dict({**whole.to_dict(), **few})
    dtype = getattr(torch, dtype_of(configuration))
    with torch.device("meta"):
        parts = [type(thinker.model)(config), torch.nn.Linear(config.hidden_size, whole.vocab_size, bias=False)]
    model, head = (part.to(dtype).to_empty(device=device).eval() for part in parts)
    for tensor in (*model.parameters(), *model.buffers(), *head.parameters()):
        tensor.data.fill_(1 / 64)

    def once(run: Callable[..., object], *given: Any, **named: Any) -> float:
        start = time.perf_counter()
        run(*given, **named)
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    def took(run: Callable[..., object], *given: Any, **named: Any) -> float:
        once(run, *given, **named)  # prepares
        return min(once(run, *given, **named) for _ in range(_TIMES))

    def tokens(number: int) -> Any:
        return torch.full((1, number, config.hidden_size), 1 / 64, dtype=dtype, device=device)

    def fitting(run: Callable[[Any], object]) -> Any:
        """A question, or as much of it as is read in a short time."""
        number, most = _FEWEST, _question(configuration, settings)
        once(run, tokens(number))
        while number < most and once(run, tokens(number)) < _LONG_ENOUGH:
            number *= 4
        return tokens(min(number, most))

    def by_depth(run: Callable[[], float]) -> tuple[float, float]:
        """Seconds of a layer, and of what is not in the layers."""
        layers = model.layers
        deep = run()
        model.layers = layers[:1]
        shallow = run()
        model.layers = layers
        each = max(deep - shallow, 0) / (_DEEP - 1)
        return each, max(shallow - each, 0)

    with torch.inference_mode():
        heard, question = fitting(head), fitting(lambda embeds: model(inputs_embeds=embeds, use_cache=False))
        reading, _ = by_depth(lambda: took(model, inputs_embeds=question, use_cache=False))
        writing, call = by_depth(
            lambda: took(model, inputs_embeds=tokens(1), past_key_values=DynamicCache(), use_cache=True)
        )
        return Speed(
            Part(reading / question.shape[1], writing),
            Part(took(head, heard) / heard.shape[1], took(head, tokens(1))),
            call,
        )


def seconds_to_answer(configuration: Mapping[str, Any], settings: Mapping[str, str], speed: Speed) -> float:
    """Return the seconds that a clip of CLIP_SECONDS and an answer of ANSWER_TOKENS take, one at a time.

    Args:
        configuration: as memory.dimensions returns it.
        settings: the media settings.
        speed: of this machine.
    """
    work = _work(configuration, settings, speed)
    read = speed.call + work.reading * work.question
    return _READING + work.towers + read + (speed.call + work.writing) * ANSWER_TOKENS


def seconds_to_train(
    configuration: Mapping[str, Any], recipe: Mapping[str, Any], settings: Mapping[str, str], speed: Speed
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
    return float(rows * (_READING + read * (speed.call + work.reading * tokens) + looks * work.towers))


@dataclass(frozen=True, slots=True)
class _Work:
    """The seconds of a token that is read, of one that is written, and of both towers; and the tokens of a question."""

    reading: float
    writing: float
    towers: float
    question: int


def _work(configuration: Mapping[str, Any], settings: Mapping[str, str], speed: Speed) -> _Work:
    thinker, kind = build(configuration).thinker, kind_of(configuration)
    video, audio = clip_tokens(settings, CLIP_SECONDS, kind)
    met = video * VIDEO_POSITIONS * parameters(thinker.visual)
    met += audio * kind.audio_positions * parameters(thinker.audio_tower)
    layer, head = speed.layer, speed.head
    layers = len(thinker.model.layers)
    each = min(layer.reading / parameters(thinker.model.layers[0]), head.reading / parameters(thinker.lm_head))
    return _Work(
        reading=layers * layer.reading + head.reading,
        writing=layers * layer.writing + head.writing,
        towers=each * met,
        question=_question(configuration, settings),
    )


def _question(configuration: Mapping[str, Any], settings: Mapping[str, str]) -> int:
    return sum(clip_tokens(settings, CLIP_SECONDS, kind_of(configuration))) + PROMPT_TOKENS

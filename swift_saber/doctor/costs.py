"""Whether this machine has the memory and the speed for a model, to answer with it and to train it with a recipe.

The arithmetic is in models/memory.py and models/seconds.py, and is done in a Python of its own (machine.py).
"""

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from swift_saber.doctor.machine import ask, available, memory
from swift_saber.doctor.settings import Finding
from swift_saber.errors import InputError
from swift_saber.media.settings import media_settings
from swift_saber.models.checkpoint import check_base, loading, model_flag
from swift_saber.models.memory import GIB, dimensions
from swift_saber.models.seconds import ANSWER_TOKENS, CLIP_SECONDS, RANGE

_GENERATIONS = 8  # ms-swift's default of GRPO: answers to a row
_TOPICS = {"answer": "to answer", "train": "to train"}
_SLOW = 600.0  # seconds; ours: a clip that takes longer is a problem


def cost_findings(
    model: str | None,
    recipe: Mapping[str, Any] | None,
    gpus: dict[str, Any] | str,
    environment: Mapping[str, str],
    rows: int | None = None,
) -> Iterator[Finding]:
    """Yield whether a model fits into the memory here, and the seconds that it would take.

    Args:
        model: a model folder, LoRA checkpoint folder or hub id; None for that of the recipe.
        recipe: a recipe's contents, to be told of training too.
        gpus: what machine.gpus answered, or why it did not.
        environment: the environment variables.
        rows: of the data that would be trained on or asked about, where they are known.

    Raises:
        InputError: neither a model nor a LoRA checkpoint, or its base model is unknown or missing.
    """
    start, settings, adapters = model, {}, 0
    if model is not None:
        settings = loading(model)[1]
        if model_flag(model) == "--adapters":
            start = check_base(model)
            adapters = sum(path.stat().st_size for path in Path(model).expanduser().glob("*.safetensors"))
    own = {name: str(value) for name, value in ((recipe or {}).get("ENV") or {}).items()}
    settings = media_settings({**settings, **own, **environment})
    try:
        dimensions(start)
    except InputError as error:
        yield Finding("note", "memory", f"is not estimated: {error.problem}")
        return
    told = [start or "", json.dumps(settings)]
    found = [] if isinstance(gpus, str) else gpus["gpus"]
    needs = ask("memory_needed", environment, [*told, str(adapters), json.dumps(recipe)])
    if isinstance(needs, str):
        yield Finding("note", "memory", f"could not be estimated: {needs}")
        return
    findings = [memory_finding(name, need["weights"], need["plan"], found) for name, need in needs.items()]
    yield from findings
    if findings[0].level == "problem":
        return  # a layer may not fit either
    taken = ask("seconds_taken", environment, [*told, json.dumps(recipe)])
    if isinstance(taken, str):
        yield Finding("note", "time", f"could not be measured: {taken}")
        return
    for name, seconds in taken.items():
        yield time_finding(name, seconds, rows, recipe or {})


def memory_finding(purpose: str, weights: float, plan: float, gpus: list[dict[str, Any]]) -> Finding:
    """Return whether there is room for a model, on the GPUs or in main memory where there are none.

    Args:
        purpose: "answer", for which the layers of a model may lie on several GPUs, or "train", for which each GPU
            holds what it needs.
        weights: bytes of weights.
        plan: bytes in all.
        gpus: as machine.gpus returns them.
    """
    topic, place = f"memory {_TOPICS[purpose]}", "GPU memory" if gpus else "memory"
    each, free = [gpu["total"] for gpu in gpus] or [memory()], [gpu["free"] for gpu in gpus] or [available()]
    room = sum(each) if purpose == "answer" else max(each)
    text = f"plan for {plan / GIB:.1f} GiB (estimated), {weights / GIB:.1f} of them weights; "
    text += f"{room / GIB:.1f} GiB of {place} are here"
    if plan > room:
        smaller = "a smaller model" if purpose == "answer" else "a smaller model, LoRA or a lower max_length"
        return Finding("problem", topic, text, f"use {smaller}, or a machine with more memory")
    if plan > max(each):
        return Finding("note", topic, f"{text}: no single GPU holds it, name several")
    if plan > max(free):
        return Finding("note", topic, f"{text}, of which other programs hold too much now", "end them first")
    return Finding("ok", topic, text)


def time_finding(purpose: str, seconds: float, rows: int | None, recipe: Mapping[str, Any]) -> Finding:
    """Return how long a clip takes, and all rows where they are known; too long is a problem.

    Args:
        purpose: "answer" or "train".
        seconds: of one clip, or of one row or pair.
        rows: how many there are.
        recipe: tells how often each is trained on, and on how many GPUs.
    """
    low, high = _time(seconds / RANGE), _time(seconds * RANGE)
    method = str(recipe.get("rlhf_type", "sft")) if purpose == "train" else purpose
    one = {"answer": "a clip", "dpo": "a pair", "grpo": "an answer"}.get(method, "a row")
    text = f"about {_time(seconds)} {one} ({low} to {high}: estimated from layers that were timed here)"
    text += f", for {CLIP_SECONDS:g} s and an answer of {ANSWER_TOKENS} tokens"
    if purpose == "answer":
        text += ", one at a time; batches and vLLM are faster"
    if method == "grpo":
        text += ", without writing it and without its reading by the reference"
    if rows is not None:
        several = int((recipe.get("ENV") or {}).get("NPROC_PER_NODE", 1)) if purpose == "train" else 1
        times = float(recipe.get("num_train_epochs", 1)) if purpose == "train" else 1
        each = int(recipe.get("num_generations", _GENERATIONS)) if method == "grpo" else 1
        whole = _time(seconds * rows * each * times / several)
        text += f"; {rows} rows{'' if each == 1 else f', {each} answers each'}"
        text += f"{'' if times == 1 else f', {times:g} times'}: {whole}"
    if seconds > _SLOW:
        return Finding("problem", f"time {_TOPICS[purpose]}", text, "use a GPU, or a smaller model")
    return Finding("ok", f"time {_TOPICS[purpose]}", text)


def recipe_findings(recipe: Mapping[str, Any], gpus: dict[str, Any] | str) -> Iterator[Finding]:
    """Yield what a recipe asks for that is not here.

    Args:
        recipe: its contents.
        gpus: what machine.gpus answered, or why it did not.
    """
    wanted = int((recipe.get("ENV") or {}).get("NPROC_PER_NODE", 1))
    here = 0 if isinstance(gpus, str) else len(gpus["gpus"])
    if wanted > max(here, 1):
        text = f"is {wanted}: a process on each of as many GPUs; {here} are here"
        yield Finding("problem", "NPROC_PER_NODE", text, f"set it to {max(here, 1)}, or take a recipe for one GPU")
    if "deepspeed" in recipe and find_spec("deepspeed") is None:
        yield Finding(
            "problem", "deepspeed", "is not installed, and the recipe uses it", "pip install -e '.[deepspeed]'"
        )


def _time(seconds: float) -> str:
    """A time that people read: two figures of the largest unit that fits."""
    for unit, length, most in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172800)):
        if seconds < most:
            return f"{float(f'{seconds / length:.2g}'):g} {unit}"
    return f"{float(f'{seconds / 86400:.2g}'):g} days"

"""Facts about this machine that only an import tells: GPUs, video readers, the plugin's seams, the hub's cache.

Each is asked of a fresh Python, so that an import that fails, crashes or hangs is a finding and not the end.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from swift_saber.media.settings import DEFAULT_READER

READERS = {
    DEFAULT_READER: "av",
    "decord": "decord",
    "torchcodec": "torchcodec.decoders",
    "torchvision": "torchvision.io",
}
# The constants of qwen_omni_utils.vision_process that the media settings are measured by.
CONSTANTS = ("VIDEO_MIN_TOKEN_NUM", "VIDEO_MAX_TOKEN_NUM", "FPS", "FRAME_FACTOR", "FPS_MIN_FRAMES", "FPS_MAX_FRAMES")
_SECONDS = 300.0  # that an answer may take


def ask(question: str, environment: Mapping[str, str], arguments: Sequence[str] = ()) -> dict[str, Any] | str:
    """Return what a function of this module, by name, answers in a Python of its own; or in one line why it did not."""
    call = f"import json, sys, {__name__} as m; a = m.{question}(*sys.argv[1:])"
    command = [sys.executable, "-c", f"{call}; print(); print(json.dumps(a))", *arguments]
    try:
        done = subprocess.run(
            command,
            env=dict(environment),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not answer within {_SECONDS:g} s"
    if done.returncode == 0:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer
    if done.returncode < 0:
        return f"crashed with signal {-done.returncode}"
    return next(reversed(done.stderr.strip().splitlines()), f"ended with status {done.returncode}").strip()


def gpus() -> dict[str, Any]:
    """Return {"cuda": of which CUDA torch is built, or null, "gpus": [{"name", "total", "free"}]}; memory in bytes."""
    import torch

    found = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(index)
        found.append({"name": torch.cuda.get_device_name(index), "total": total, "free": free})
    return {"cuda": torch.version.cuda, "gpus": found}


def readers() -> dict[str, Any]:
    """Return which video readers are there, which of them gives the model its frames, and qwen-omni-utils' constants.

    Returns:
        {"installed": [name], "broken": {name: reason}, "chosen": name, "constants": {name: value}}
    """
    installed, broken = [], {}
    for name, module in READERS.items():
        if find_spec(module.partition(".")[0]) is None:
            continue
        installed.append(name)
        try:
            loaded = importlib.import_module(module)
        except Exception as error:  # whatever a broken installation raises is the answer here
            broken[name] = next(iter(str(error).strip().splitlines()), type(error).__name__)
            continue
        if name == "torchvision" and not hasattr(loaded, "read_video"):
            broken[name] = "this version has no read_video"
    from qwen_omni_utils import vision_process

    from swift_saber.plugin import saber_frames

    saber_frames.register()
    return {
        "installed": installed,
        "broken": broken,
        "chosen": vision_process.get_video_reader_backend(),
        "constants": {name: getattr(vision_process, name) for name in CONSTANTS},
    }


def plugin() -> dict[str, Any]:
    """Return {"seams": how many places of ms-swift the plugin holds on to}; raise if one is missing."""
    from swift_saber.plugin import saber_seams

    for module in saber_seams.SEAMS:
        # The check takes a module that cannot be imported for one that lacks a name; here the reason is wanted.
        importlib.import_module(module)
    saber_seams.check()
    return {"seams": sum(len(names) for names in saber_seams.SEAMS.values())}


def cached(model: str) -> dict[str, Any]:
    """Return {"ModelScope": folder or null, "Hugging Face": folder or null} for a hub id; asks no hub."""
    import huggingface_hub
    import modelscope
    from huggingface_hub.errors import LocalEntryNotFoundError
    from modelscope_hub.errors import CacheNotFound

    found: dict[str, str | None] = {"ModelScope": None, "Hugging Face": None}
    with suppress(CacheNotFound):
        found["ModelScope"] = str(modelscope.snapshot_download(model, local_files_only=True))
    with suppress(LocalEntryNotFoundError):
        found["Hugging Face"] = str(huggingface_hub.snapshot_download(model, local_files_only=True))
    return found


def memory_needed(model: str, settings: str, adapters: str, recipe: str) -> dict[str, Any]:
    """Return {"answer": {"weights", "plan"}, "train": the same, only with a recipe}, in bytes.

    Args:
        model: as models.memory.dimensions.
        settings: the media settings, as JSON.
        adapters: bytes of a LoRA checkpoint's weights.
        recipe: a recipe's contents, as JSON, or "null".
    """
    from swift_saber.models.memory import answering, dimensions, estimate

    known, wanted = dimensions(model), json.loads(recipe)
    needs = {"answer": answering(known, json.loads(settings), int(adapters))}
    if wanted is not None:
        needs["train"] = estimate(wanted, known)
    return {name: {"weights": need.weights, "plan": need.plan} for name, need in needs.items()}


def seconds_taken(model: str, settings: str, recipe: str) -> dict[str, Any]:
    """Return {"answer": seconds a clip, "train": seconds a row, only with a recipe}; arguments as memory_needed."""
    import torch

    from swift_saber.models.memory import dimensions
    from swift_saber.models.seconds import measured, seconds_to_answer, seconds_to_train

    known, given, wanted = dimensions(model), json.loads(settings), json.loads(recipe)
    speed = measured(known, given, "cuda" if torch.cuda.is_available() else "cpu")
    taken = {"answer": seconds_to_answer(known, given, speed)}
    if wanted is not None:
        taken["train"] = seconds_to_train(known, wanted, given, speed)
    return taken


def cpus() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def memory() -> int:
    """Main memory in bytes: the machine's, or less where a container has a limit."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        path = Path(limit)
        text = path.read_text(encoding="ascii").strip() if path.is_file() else ""
        if text.isdigit():
            total = min(total, int(text))
    return total


def available() -> int:
    """Main memory in bytes that other programs leave."""
    return min(memory(), int(psutil.virtual_memory().available))

"""Whether a model is here, and whether this machine has room for it. Asks no hub."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from swift_saber.data.convert import TRUE_WORDS
from swift_saber.data.rows import parse_row
from swift_saber.doctor.machine import ask, memory
from swift_saber.doctor.settings import Finding
from swift_saber.errors import InputError, kind, quoted
from swift_saber.models.checkpoint import check_base, model_flag, tied_flags
from swift_saber.models.memory import dimensions, kind_of
from swift_saber.text.files import read_text

PATCH_SIZE = 14  # of Qwen2.5-Omni, in pixels
_GIB = 1024**3
# These are on for huggingface_hub with fewer words than ms-swift's variables are.
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_OFFLINE_WORDS = {"1", "on", "yes", "true"}
# Weights may take this share of the memory before the rest is called little.
_FULL = 0.8


def model_findings(model: str, gpus: dict[str, Any] | str, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield where a model and its base model are, whether it says of its weights what is so, and whether they fit.

    Args:
        model: a model folder, LoRA checkpoint folder or hub id.
        gpus: what machine.gpus answered, or why it did not.
        environment: tells which hub's cache counts.

    Raises:
        InputError: neither a model nor a LoRA checkpoint; no weights in it, or damaged ones; or its base model is
            unknown or missing.
    """
    parts = [model, check_base(model)] if model_flag(model) == "--adapters" else [model]
    size = 0
    for part in parts:
        folder: Path | None = Path(part).expanduser()
        if folder is not None and not folder.is_dir():
            finding, folder = _in_cache(part, environment)
            yield finding
        found = 0 if folder is None else weight_bytes(folder)
        if found == 0:
            if folder is not None:
                raise InputError(str(folder), "model", "holds no weight files", "copy or fetch the model again")
            yield Finding("note", "model size", f"unknown: {part} is not on this machine")
            return
        size += found
    yield Finding("ok", "model", " on ".join(parts))
    if wrong := tied_flags(model):
        yield Finding("problem", "tie_word_embeddings", wrong.reason, wrong.remedy)
    yield size_finding(size, gpus)


def weight_bytes(folder: Path) -> int:
    """Return the bytes of a folder's weight files; 0 if it has none."""
    files = list(folder.glob("*.safetensors")) or list(folder.glob("pytorch_model*.bin"))
    return sum(path.stat().st_size for path in files)


def size_finding(size: int, gpus: dict[str, Any] | str) -> Finding:
    """Return whether so many bytes of weights fit into the memory of the GPUs, or of the machine if it has none."""
    totals = [] if isinstance(gpus, str) else [gpu["total"] for gpu in gpus["gpus"]]
    place, room = ("GPU memory", sum(totals)) if totals else ("memory", memory())
    weights = f"{size / _GIB:.1f} GiB" if size >= _GIB else f"{size / 1024**2:.1f} MiB"
    text = f"{weights} of weights, {room / _GIB:.1f} GiB of {place}"
    if size > room:
        return Finding("problem", "model size", text, "use a smaller model, or a machine with more memory")
    if totals and size > max(totals):
        return Finding("note", "model size", f"{text}: no single GPU holds it")
    if not isinstance(gpus, str) and totals and size > max(gpu["free"] for gpu in gpus["gpus"]):
        return Finding("note", "model size", f"{text}: other programs hold most of it now", "end them first")
    if size > _FULL * (max(totals) if totals else room):
        return Finding("note", "model size", f"{text}: little is left for clips and answers", "use small batches")
    return Finding("ok", "model size", text)


def hub_finding(environment: Mapping[str, str]) -> Finding:
    """Return where ms-swift looks hub ids up, and whether it may."""
    hub, switch = _hub(environment), _offline(environment)
    if switch is None:
        return Finding("ok", "hub", f"hub ids are looked up at {hub} (USE_HF=1: Hugging Face, else ModelScope)")
    if hub == "ModelScope":
        text = f"{switch} does not hold ModelScope back, where hub ids are looked up"
        return Finding("note", "hub", text, "name models by their folder, or set USE_HF=1")
    return Finding("ok", "hub", f"{switch} is set: models come from folders or from the cache of {hub}")


def vision_patch(model: str) -> int:
    """Return the side in pixels of the vision patches of a model, or of a LoRA checkpoint's base.

    Where no local config.json says it, it goes by the model's name; a name that says nothing is taken for Qwen2.5-Omni.

    Raises:
        InputError: config.json is damaged, or the base is unknown or missing.
    """
    start = check_base(model) if model_flag(model) == "--adapters" else model
    config = Path(start).expanduser() / "config.json"
    if not config.is_file():
        try:
            return kind_of(dimensions(start)).patch
        except InputError:
            return PATCH_SIZE
    remedy = "copy or fetch the model again"
    known = parse_row(read_text(config), str(config))
    for key in ("thinker_config", "vision_config"):
        known = known.get(key, {})
        if not isinstance(known, dict):
            raise InputError(str(config), key, f"is {kind(known)}, not an object", remedy)
    size = known.get("patch_size", PATCH_SIZE)
    if type(size) is not int or not 0 < size < 1000:
        raise InputError(str(config), "patch_size", f"is {quoted(size)}, not a number of pixels", remedy)
    return size


def _in_cache(model: str, environment: Mapping[str, str]) -> tuple[Finding, Path | None]:
    """Whether a hub id is in the cache of the hub that ms-swift asks, and where."""
    hub, switch = _hub(environment), _offline(environment)
    answer = ask("cached", environment, [model])
    if isinstance(answer, str):
        return Finding("note", "hub cache", f"could not be looked at: {answer}"), None
    if answer[hub]:
        return Finding("ok", "hub cache", f"{model} is at {answer[hub]}"), Path(answer[hub])
    other = next((name for name, place in answer.items() if place), None)
    use = f"set USE_HF={int(other == 'Hugging Face')} to take it from the cache of {other}" if other else ""
    if switch and hub == "Hugging Face":
        text = f"{model} is not there, and {switch} forbids to fetch it"
        return Finding("problem", "hub cache", text, use or "fetch it on a machine with a network"), None
    return Finding("note", "hub cache", f"{model} is not there: it will be fetched from {hub}", use), None


def _hub(environment: Mapping[str, str]) -> str:
    """The hub that ms-swift asks (swift.utils.use_hf_hub)."""
    return "Hugging Face" if environment.get("USE_HF", "").lower() in TRUE_WORDS else "ModelScope"


def _offline(environment: Mapping[str, str]) -> str | None:
    return next((name for name in OFFLINE if environment.get(name, "").lower() in _OFFLINE_WORDS), None)

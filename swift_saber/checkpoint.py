"""A model folder or LoRA checkpoint, before it is loaded: how to load it, and what its args.json remembers."""

import os
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError
from swift_saber.rows import parse_row

# Published (the authors' inference script): for a model that does not say what it was trained with. The shell wins.
PUBLISHED_SETTINGS = {
    "VIDEO_MAX_PIXELS": "50176",
    "FPS_MAX_FRAMES": "40",
    "MAX_PIXELS": "1003520",
    "ENABLE_AUDIO_OUTPUT": "0",
}


def model_flag(model: str) -> str:
    """Return "--model" or "--adapters", whichever loads this folder or hub id.

    Raises:
        InputError: a local path that holds neither a model nor a LoRA checkpoint.
    """
    folder = Path(model).expanduser()
    if not folder.exists():
        if model.startswith((".", "/", "~")) or model.count("/") != 1:
            raise InputError(model, "model", "no such folder", "give a model folder or a hub id like owner/name")
        return "--model"
    if (folder / "adapter_config.json").is_file():
        return "--adapters"
    if (folder / "config.json").is_file():
        return "--model"
    checkpoints = sorted(folder.rglob("checkpoint-*"), key=lambda path: path.stat().st_mtime)
    remedy = f"did you mean {checkpoints[-1]}?" if checkpoints else "give the folder that holds config.json"
    raise InputError(model, "model", "is not a model folder (no config.json, no adapter_config.json)", remedy)


def check_base(adapters: str) -> None:
    """See that the base model of a LoRA checkpoint is there, where it was a local folder.

    Raises:
        InputError: it is not.
    """
    base = trained_with(adapters).get("model")
    if isinstance(base, str) and os.path.isabs(base) and not os.path.isdir(base):
        raise InputError(adapters, "model", f"was trained on {base}, which is not there", "add --model BASE_FOLDER")


def loading(model: str, base: str | None = None) -> tuple[str, dict[str, str]]:
    """Return the flag that loads a model, and the media settings that it was trained with.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id.
        base: the base model, where another one than a LoRA checkpoint remembers is named.

    Raises:
        InputError: the model is none, its args.json is damaged, or its base is not there.
    """
    flag, settings = model_flag(model), trained_settings(model)
    if flag == "--adapters" and base is None:
        check_base(model)
    return flag, settings


def trained_settings(model: str) -> dict[str, str]:
    """Return the media settings that a model folder was trained with, or the published ones if it does not say.

    Raises:
        InputError: the folder's args.json is damaged.
    """
    known = remembered_settings(model)
    return dict(PUBLISHED_SETTINGS) if known is None else known


def remembered_settings(model: str) -> dict[str, str] | None:
    """Return the media settings that a model folder was trained with, or None if it does not say.

    Raises:
        InputError: the folder's args.json is damaged.
    """
    known = trained_with(model).get("media_settings")
    if known is None:
        return None
    if not isinstance(known, dict):
        raise InputError(f"{model}/args.json", "media_settings", "is not an object", "restore the file")
    return {str(name): str(value) for name, value in known.items()}


def trained_with(model: str) -> dict[str, Any]:
    """Return the arguments of the training, from the model folder's args.json; none for a hub id or a base model.

    Raises:
        InputError: the file is damaged.
    """
    path = Path(model).expanduser() / "args.json"
    try:
        return parse_row(path.read_text(encoding="utf-8"), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as error:
        raise InputError(str(path), "file", f"not UTF-8 ({error.reason})", "restore the file") from error

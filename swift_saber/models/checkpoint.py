"""A model folder or LoRA checkpoint, before it is loaded: how to load it, what tells it from others, and what its
args.json remembers."""

import hashlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from swift_saber.data.questions import asked, instruction
from swift_saber.data.rows import parse_row
from swift_saber.errors import InputError, quoted
from swift_saber.media.settings import DEFAULT_READER, READER, TIMING, settings_in_force
from swift_saber.recipe import given
from swift_saber.text.files import read_text

# Published (the authors' inference script): for a model that does not say what it was trained with. The shell wins.
PUBLISHED_SETTINGS = {
    "VIDEO_MAX_PIXELS": "50176",
    "FPS_MAX_FRAMES": "40",
    "MAX_PIXELS": "1003520",
    "ENABLE_AUDIO_OUTPUT": "0",
}
_WEIGHTS = ("*.safetensors", "*.bin", "config.json", "adapter_config.json")
_SAMPLE_BYTES = 1 << 20
_EARLIER_READER = "decord"
_MERGE = "merge it into its base model first: swift export --merge_lora true"


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


def check_base(adapters: str, remedy: str = _MERGE) -> str:
    """Return the base model of a LoRA checkpoint, after a look whether it is there where it was a local folder.

    Args:
        adapters: the checkpoint folder.
        remedy: what the user can do.

    Raises:
        InputError: it is not, or the checkpoint does not name it.
    """
    base = trained_with(adapters).get("model")
    if not isinstance(base, str):
        raise InputError(adapters, "model", "does not say what it was trained on", remedy)
    if os.path.isabs(base) and not os.path.isdir(base):
        raise InputError(adapters, "model", f"was trained on {base}, which is not there", remedy)
    return base


def loading(model: str, arguments: Sequence[str] | None = None) -> tuple[str, dict[str, str]]:
    """Return the flag that loads a model, and of its media settings those not set here.

    They are the ones that it was trained with, or the published ones if it does not say.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id.
        arguments: `--key value` for ms-swift, among which --model may name another base than a LoRA checkpoint
            remembers; None where there is no place for them.

    Raises:
        InputError: the model is none, its args.json is damaged, or its base is not known or not there.
    """
    flag, known = model_flag(model), remembered_settings(model)
    if flag == "--adapters":
        if arguments is None:
            check_base(model)
        elif given(arguments, "model") is None:
            check_base(model, "add --model BASE_FOLDER")
    settings = PUBLISHED_SETTINGS if known is None else known
    return flag, {name: value for name, value in settings.items() if name not in os.environ}


def identity(model: str, settings: Mapping[str, str]) -> dict[str, Any]:
    """Return what tells whether answers come from the same model, and from the same view of a clip.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id.
        settings: the media settings that `loading` returned for it.

    Returns:
        {"weights" (None for a hub id), "media_settings", "video_reader", "timing"}; the last two by themselves, since
        earlier versions say nothing of them (`completed`).

    Raises:
        InputError: a media setting holds a word that it cannot hold.
    """
    folder = Path(model).expanduser()
    weights = _stamp(folder) if folder.is_dir() else None
    known = settings_in_force({**settings, **os.environ})
    return {"video_reader": known.pop(READER), "timing": known.pop(TIMING), "weights": weights, "media_settings": known}


def completed(before: Mapping[str, Any], now: Mapping[str, Any], later: Sequence[str]) -> dict[str, Any]:
    """Return the settings of a run that an earlier version may have begun, with what it did not say.

    Earlier versions read frames with decord, unless they were asked for another reader, and knew the true times alone.

    Args:
        before: what the run kept.
        now: the settings of now.
        later: names of which the values of now are taken where the run kept none.
    """
    unsaid = {name: now[name] for name in later if name in now}
    if "video_reader" in now:
        reader = now["video_reader"]
        unsaid |= {"timing": "true", "video_reader": _EARLIER_READER if reader == DEFAULT_READER else reader}
    return dict(before) | {name: value for name, value in unsaid.items() if name not in before}


def how_to_go_on(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Return how a run goes on as it was begun, as the beginning of a remedy; "" where nothing special is to be said.

    Args:
        changed: as `differences` gives it.
    """
    if changed.get("video_reader") == (_EARLIER_READER, DEFAULT_READER):
        return f"set {READER}={_EARLIER_READER} to go on with the reader of the first answers, or "
    return ""


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return (what it was, what it is) of each setting that two runs differ in.

    Settings within a setting count one by one; where two have one name, the second has that of its level before it.
    """
    was, is_now = _flat(before), _flat(now)
    return {key: (was.get(key), is_now.get(key)) for key in {**was, **is_now} if was.get(key) != is_now.get(key)}


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        for name, one in value.items() if isinstance(value, dict) else [(key, value)]:
            flat[f"{key} {name}" if name in flat else name] = one
    return flat


def _stamp(folder: Path) -> str:
    """What tells a model from another one in the same place; the same for a copy of it.

    Names, sizes and the first and last megabyte of its weights and its configuration: a whole 7B takes too long.
    """
    found = hashlib.sha256()
    for path in sorted({path for pattern in _WEIGHTS for path in folder.glob(pattern)}):
        size = path.stat().st_size
        found.update(f"{path.name} {size} ".encode())
        with path.open("rb") as file:
            found.update(file.read(_SAMPLE_BYTES))
            file.seek(max(0, size - _SAMPLE_BYTES))
            found.update(file.read())
    return found.hexdigest()[:16]


class Instructions:
    """The instructions that a model was trained with; says once on stderr when it is asked in other words.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id, which says nothing.

    Raises:
        InputError: the folder's args.json is damaged.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._known: list[str] = _remembered(model, "instructions", list) or []

    def compare(self, row: Mapping[str, Any], where: str) -> None:
        """Look at a question; `where` is its "file:line" or its id."""
        found = instruction({**row, "messages": asked(row["messages"])})
        if self._known and found not in self._known:
            known = " or ".join(map(quoted, self._known))
            said = f"{where} asks {quoted(found)}, and {self._model} was trained with {known}; said once"
            print(f"swift-saber: {said}", file=sys.stderr)
            self._known = []


def remembered_settings(model: str) -> dict[str, str] | None:
    """Return the media settings that a model folder was trained with, or None if it does not say.

    Raises:
        InputError: the folder's args.json is damaged.
    """
    known = _remembered(model, "media_settings", dict)
    return None if known is None else {str(name): str(value) for name, value in known.items()}


def _remembered(model: str, key: str, kind: type[dict[Any, Any] | list[Any]]) -> Any:
    """What a model folder's args.json holds under a key that the plugin added to it, or None."""
    known = trained_with(model).get(key)
    if known is not None and not isinstance(known, kind):
        shown = "an object" if kind is dict else "a list"
        raise InputError(f"{model}/args.json", key, f"is not {shown}", "restore the file")
    return known


def trained_with(model: str) -> dict[str, Any]:
    """Return the arguments of the training, from the model folder's args.json; none for a hub id or a base model.

    Raises:
        InputError: the file is damaged or cannot be read.
    """
    path = Path(model).expanduser() / "args.json"
    return parse_row(read_text(path), str(path)) if path.is_file() else {}

"""A model folder or LoRA checkpoint, before it is loaded: how to load it, what tells it from others, and what its
args.json remembers."""

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from swift_saber.data.questions import asked, instruction
from swift_saber.data.rows import media_path, parse_row
from swift_saber.errors import InputError, quoted
from swift_saber.media.place import Problem
from swift_saber.media.settings import DEFAULT_READER, READER, TIMING, settings_in_force
from swift_saber.recipe import given
from swift_saber.text.files import read_text
from swift_saber.text.strict_json import dumps

# Published (the authors' inference script): for a model that does not say what it was trained with. The shell wins.
PUBLISHED_SETTINGS = {
    "VIDEO_MAX_PIXELS": "50176",
    "FPS_MAX_FRAMES": "40",
    "MAX_PIXELS": "1003520",
    "ENABLE_AUDIO_OUTPUT": "0",
}
_WEIGHTS = ("*.safetensors", "*.bin", "config.json", "adapter_config.json")
# What else a model is loaded with, and a question put into tokens with; they are small.
_PARTS = (
    "generation_config.json",
    "*chat_template*",
    "additional_chat_templates/*.jinja",
    "*processor_config.json",
    "*tokenizer*",
    "*vocab*",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "*.model",
    "*.tiktoken",
    "*.py",
)
_SAMPLE_BYTES = 1 << 20
_EARLIER_READER = "decord"
# What transformers takes the flag for where config.json does not say it.
_TIED_UNLESS_SAID = {"qwen2_5_omni_thinker": False, "qwen2_5_omni_text": True}
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


def identity(model: str, settings: Mapping[str, str], arguments: Sequence[str] = ()) -> dict[str, Any]:
    """Return what tells whether answers come from the same model, and from the same view of a clip.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id.
        settings: the media settings that `loading` returned for it.
        arguments: `--key value` for ms-swift, which may name the base of a LoRA checkpoint, or one for a model.

    Returns:
        {"weights" (None for a hub id), "media_settings", "video_reader", "timing", "files" (a digest of each part of
        the model that is no weights, and of all of the model under an adapter), "relative_to" (the folder that clips
        with relative paths are looked up in)}. Earlier versions say nothing of the last four (`completed`). A copy of
        the folders gives the same, wherever it is.

    Raises:
        InputError: a media setting holds a word that it cannot hold, or the model's args.json is damaged.
    """
    folder = Path(model).expanduser()
    weights = _stamp(folder) if folder.is_dir() else None
    files = _parts(folder)
    for name, further in (("base", _base(model, arguments)), ("adapters", given(arguments, "adapters"))):
        if further and (path := Path(further).expanduser()).is_dir():
            files |= {f"{name} weights": _stamp(path)} | {
                f"{name} {part}": found for part, found in _parts(path).items()
            }
    known = settings_in_force({**settings, **os.environ})
    view = {"video_reader": known.pop(READER), "timing": known.pop(TIMING), "relative_to": media_path(".")}
    return {**view, "weights": weights, "files": files, "media_settings": known}


def completed(
    before: Mapping[str, Any], now: Mapping[str, Any], later: Sequence[str], *, relative: bool = True
) -> dict[str, Any]:
    """Return the settings of a run that an earlier version may have begun, with what it did not say.

    Earlier versions read frames with decord, unless they were asked for another reader, and knew the true times alone.

    Args:
        before: what the run kept.
        now: the settings of now.
        later: names of which the values of now are taken where the run kept none.
        relative: whether it was asked about clips with relative paths; else it does not matter where they are looked
            up, and the run may go on from another folder.
    """
    unsaid = {name: now[name] for name in (*later, "files", "relative_to") if name in now}
    if "video_reader" in now:
        reader = now["video_reader"]
        unsaid |= {"timing": "true", "video_reader": _EARLIER_READER if reader == DEFAULT_READER else reader}
    kept = {name: value for name, value in before.items() if relative or name != "relative_to"}
    return kept | {name: value for name, value in unsaid.items() if name not in kept}


def how_to_go_on(changed: Mapping[str, tuple[Any, Any]]) -> str:
    """Return how a run goes on as it was begun, as the beginning of a remedy; "" where nothing special is to be said.

    Args:
        changed: as `differences` gives it.
    """
    if changed.get("video_reader") == (_EARLIER_READER, DEFAULT_READER):
        return f"set {READER}={_EARLIER_READER} to go on with the reader of the first answers, or "
    if "relative_to" in changed:
        return f"set ROOT_IMAGE_DIR={changed['relative_to'][0]} to go on with the clips of the first answers, or "
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


def _parts(folder: Path) -> dict[str, str]:
    """A digest of each of its files, whole, that is no weights and that answers depend on."""
    found = {path for pattern in _PARTS for path in folder.glob(pattern) if path.is_file()}
    parts = {path.relative_to(folder).as_posix(): _digest(path.read_bytes()) for path in sorted(found)}
    if known := trained_with(str(folder)):
        # Not where its base was then: that is compared itself, wherever it is now.
        parts["args.json"] = _digest(
            dumps({name: known[name] for name in sorted(known) if name != "model"}).encode("utf-8", "surrogatepass")
        )
    return parts


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _base(model: str, arguments: Sequence[str]) -> str | None:
    """What a LoRA checkpoint stands on: what the arguments name, else what it remembers; None for another model."""
    config = Path(model).expanduser() / "adapter_config.json"
    if not config.is_file():
        return None
    named = parse_row(read_text(config), str(config)).get("base_model_name_or_path")
    remembered = trained_with(model).get("model") or named
    return given(arguments, "model") or (remembered if isinstance(remembered, str) else None)


def tied_flags(model: str) -> Problem | None:
    """Return why what config.json says of tied word embeddings contradicts the weights; None where it does not.

    A flag tie_word_embeddings stands at several levels of a configuration. transformers goes by the outer one and finds
    out where the weights are different; vLLM goes by that of the text part alone, and answers nonsense.

    Args:
        model: a model folder; a LoRA checkpoint folder, whose base is looked at; or a hub id, of which nothing is said.

    Raises:
        InputError: config.json or a file of weights is damaged.
    """
    folder = Path(_base(model, ()) or model).expanduser()
    path = folder / "config.json"
    if not path.is_file():
        return None
    tensors = {
        name: place
        for file in sorted(folder.glob("*.safetensors"))
        for name, place in _tensors(file).items()
        if not name.startswith("talker.")
    }
    embeddings = next((name for name in tensors if name.endswith("embed_tokens.weight")), None)
    head = next((name for name in tensors if name.endswith("lm_head.weight")), None)
    if embeddings is None or (head is not None and _same(tensors[embeddings], tensors[head])):
        return None
    tied = head is None
    wrong = [name for name, flag in _flags(parse_row(read_text(path), str(path))) if flag is not tied]
    if not wrong:
        return None
    weights = f"{head} differs from {embeddings}" if head else f"there is no lm_head.weight beside {embeddings}"
    said = "not tied" if tied else "tied"
    return Problem(
        f"{folder}: its configuration says that word embeddings are {said}, and {weights}; "
        "an engine that goes by the configuration would answer nonsense",
        f"set {' and '.join(wrong)} to {str(tied).lower()} in {path}",
    )


def _flags(config: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Yield (its place in the configuration, what it says) of each flag for the model that writes text."""
    for keys in ((), ("text_config",), ("thinker_config",), ("thinker_config", "text_config")):
        level: Any = config
        for key in keys:
            level = level.get(key) if isinstance(level, dict) else None
        if isinstance(level, dict):
            flag = level.get("tie_word_embeddings", _TIED_UNLESS_SAID.get(level.get("model_type", "")))
            if isinstance(flag, bool):
                yield ".".join((*keys, "tie_word_embeddings")), flag


def _tensors(file: Path) -> dict[str, tuple[Path, int, dict[str, Any]]]:
    """(file, where its data begins, {"dtype", "shape", "data_offsets"}) of each tensor, from a safetensors header:
    its length in eight bytes, then JSON."""
    damaged = InputError(str(file), "file", "is no safetensors file", "copy or fetch the model again")
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if not 0 < length <= file.stat().st_size - 8:
            raise damaged
        try:
            header = parse_row(opened.read(length), str(file))
        except InputError as error:
            raise damaged from error
    return {name: (file, 8 + length, tensor) for name, tensor in header.items() if name != "__metadata__"}


def _same(one: tuple[Path, int, dict[str, Any]], other: tuple[Path, int, dict[str, Any]]) -> bool:
    """Whether two tensors have the same kind, shape and bytes; they are read until they differ."""
    if any(one[2][key] != other[2][key] for key in ("dtype", "shape")):
        return False
    (first, last), (second, _) = one[2]["data_offsets"], other[2]["data_offsets"]
    with one[0].open("rb") as a, other[0].open("rb") as b:
        a.seek(one[1] + first)
        b.seek(other[1] + second)
        for left in range(last - first, 0, -_SAMPLE_BYTES):
            some = min(left, _SAMPLE_BYTES)
            if a.read(some) != b.read(some):
                return False
    return True


class Instructions:
    """The instructions that a model was trained with; says once on stderr when it is asked in other words.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id, which says nothing.

    Raises:
        InputError: the folder's args.json is damaged.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._known = remembered_instructions(model)

    def compare(self, row: Mapping[str, Any], where: str) -> None:
        """Look at a question; `where` is its "file:line" or its id."""
        found = instruction({**row, "messages": asked(row["messages"])})
        if self._known and found not in self._known:
            known = " or ".join(map(quoted, self._known))
            said = f"{where} asks {quoted(found)}, and {self._model} was trained with {known}; said once"
            print(f"swift-saber: {said}", file=sys.stderr)
            self._known = []


def remembered_instructions(model: str) -> list[str]:
    """Return the instructions that a model folder was trained with, none if it does not say.

    Raises:
        InputError: the folder's args.json is damaged.
    """
    return [text for text in _remembered(model, "instructions", list) or [] if isinstance(text, str)]


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

"""Starts `swift sft` and `swift infer` with SABER's settings, after the checks that cost nothing.

Runs ms-swift's own command line in a process of its own; imports none of it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from swift_saber.errors import InputError, unreadable
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.rows import read_lines

# Published (the authors' inference script): for a model that does not say what it was trained with. The shell wins.
PUBLISHED_SETTINGS = {
    "VIDEO_MAX_PIXELS": "50176",
    "FPS_MAX_FRAMES": "40",
    "MAX_PIXELS": "1003520",
    "ENABLE_AUDIO_OUTPUT": "0",
}
# max_new_tokens is published. The published script streams one row at a time and leaves the temperature to the model
# folder; batches and temperature 0 are ours: faster, and the same answers on every run.
INFER_ARGUMENTS = {
    "infer_backend": "transformers",
    "max_new_tokens": "4096",
    "temperature": "0",
    "stream": "false",
    "max_batch_size": "4",
    "write_batch_size": "64",
}


def sft(recipe: str, arguments: Sequence[str]) -> int:
    """Run `swift sft RECIPE arguments...` with the plugin loaded, and return its exit status.

    Raises:
        InputError: the recipe is missing, is not YAML, or is not a mapping of arguments; or the model is no model.
    """
    known = check_recipe(recipe)
    model = _given(arguments, "--model") or known.get("model")
    if model:
        model_flag(model)
    return _run(["sft", recipe, *arguments, *_plugin(arguments)], os.environ)


def check_recipe(path: str) -> dict[str, Any]:
    """Return a recipe's contents.

    Raises:
        InputError: the file is missing, is not YAML, says a key twice, or is not a mapping of arguments.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        recipe = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise InputError(where, "recipe", getattr(error, "problem", None) or "is not YAML", "correct it") from error
    if not isinstance(recipe, dict) or not isinstance(node, yaml.MappingNode):
        raise InputError(path, "recipe", "is not a list of `key: value` lines", "start from one in recipes/")
    seen: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if key.value in seen:
            where = f"{path}:{line}"
            raise InputError(where, key.value, f"is also set on line {seen[key.value]}", "keep one of the two")
        seen[key.value] = line
    if not isinstance(recipe.get("ENV", {}), dict):
        raise InputError(f"{path}:{seen['ENV']}", "ENV", "is not a mapping", "indent NAME: 'value' lines below it")
    return recipe


def infer(model: str, rows: str, result: str, gpu: str = "0", arguments: Sequence[str] = ()) -> int:
    """Run `swift infer` on a JSONL of questions and return its exit status.

    The answers stand in `<result>.partial` until all rows are answered, then under the given name.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id.
        rows: questions, one JSON object a line: {"id", "messages", "videos", "audios"}; messages and id may be absent.
        result: the JSONL to write; it must not exist.
        gpu: value for CUDA_VISIBLE_DEVICES; without a GPU it has no effect.
        arguments: further `--key value` for `swift infer`; they win over the defaults here.

    Raises:
        InputError: the model, the questions or the result path cannot be used; or answers are missing afterwards.
    """
    load_flag = model_flag(model)
    expected = sum(1 for _ in read_lines(rows))
    target = Path(result)
    if target.exists():
        raise InputError(result, "result_path", "exists already", "move it away or name another file")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    # ms-swift appends: what a stopped run left would be mixed with this run's answers.
    partial.unlink(missing_ok=True)
    given = {argument[2:].split("=")[0] for argument in arguments if argument.startswith("--")}
    defaults = [part for key, value in INFER_ARGUMENTS.items() if key not in given for part in (f"--{key}", value)]
    command = ["infer", load_flag, model, "--val_dataset", rows, "--result_path", str(partial)]
    status = _run(
        [*command, *defaults, *arguments, *_plugin(arguments)],
        {**trained_settings(model), **os.environ, "CUDA_VISIBLE_DEVICES": gpu},
    )
    if status != 0:
        return status
    answered = sum(1 for _ in read_lines(partial))
    if answered != expected:
        raise InputError(
            str(partial), "answers", f"{answered} for {expected} rows", "see the errors above; nothing was renamed"
        )
    os.replace(partial, target)
    return 0


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


def trained_settings(model: str) -> dict[str, str]:
    """Return the media settings that a model folder was trained with, or the published ones if it does not say."""
    try:
        known = json.loads((Path(model).expanduser() / "args.json").read_text(encoding="utf-8")).get("media_settings")
    except (FileNotFoundError, NotADirectoryError):
        known = None
    return dict(PUBLISHED_SETTINGS) if known is None else {**known}


def _given(arguments: Sequence[str], flag: str) -> str | None:
    """The value of a flag among `--key value` and `--key=value` arguments; the last one counts."""
    found = None
    for place, argument in enumerate(arguments, start=1):
        name, equals, value = argument.partition("=")
        if name == flag:
            found = value if equals else "".join(arguments[place : place + 1])
    return found


def _plugin(arguments: Sequence[str]) -> list[str]:
    """Our plugin by its absolute path, which takes the place of the relative one in a recipe.

    Raises:
        InputError: the same flag was given, and one of the two would be lost.
    """
    flag = "--custom_register_path"
    if _given(arguments, flag) is not None:
        raise InputError("arguments", flag, "is where the SABER plugin goes", "use --external_plugins for others")
    return [flag, str(PLUGIN_FILE)]


def _run(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    return subprocess.run([sys.executable, "-m", "swift.cli.main", *arguments], env=dict(env), check=False).returncode

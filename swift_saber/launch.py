"""Starts `swift sft` and `swift infer` with SABER's settings, after the checks that cost nothing.

Runs ms-swift's own command line in a process of its own; imports none of it.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from swift_saber.errors import InputError, sum_up, unreadable
from swift_saber.media import clip_problem
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.plugin.saber_convert import row_kind, to_swift_row
from swift_saber.rows import media_path, parse_row, read_lines

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
    plugins = known.get("custom_register_path")
    named = plugins if isinstance(plugins, list) else [plugins or PLUGIN_FILE]
    if any(Path(str(path)).name != PLUGIN_FILE.name for path in named):
        raise _plugin_clash(recipe)
    model = _given(arguments, "--model") or known.get("model")
    if model is not None and model_flag(str(model)) == "--adapters":
        remedy = "name its base model there, and the checkpoint with --adapters"
        raise InputError(str(model), "model", "is a LoRA checkpoint", remedy)
    return _run(["sft", recipe, *arguments, *_plugin(arguments)], os.environ)


def check_recipe(path: str) -> dict[str, Any]:
    """Return a recipe's contents.

    Raises:
        InputError: the file is missing, is not YAML, says a key twice, or is not a mapping of arguments.
    """
    if not path.endswith((".yaml", ".yml")):
        raise InputError(path, "recipe", "is not named .yaml", "ms-swift takes other files for arguments: rename it")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise InputError(path, "recipe", f"not UTF-8 ({error.reason})", "save the file as UTF-8") from error
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
    settings = trained_settings(model)
    if load_flag == "--adapters" and _given(arguments, "--model") is None:
        _check_base(model)
    target = Path(result)
    if target.exists():
        raise InputError(result, "result_path", "exists already", "move it away or name another file")
    expected = check_questions(rows)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    # ms-swift appends: what a stopped run left would be mixed with this run's answers.
    partial.unlink(missing_ok=True)
    given = {argument[2:].split("=")[0] for argument in arguments if argument.startswith("--")}
    defaults = [part for key, value in INFER_ARGUMENTS.items() if key not in given for part in (f"--{key}", value)]
    command = ["infer", load_flag, model, "--val_dataset", rows, "--result_path", str(partial)]
    status = _run(
        [*command, *defaults, *arguments, *_plugin(arguments)],
        {**settings, **os.environ, "CUDA_VISIBLE_DEVICES": gpu},
    )
    if status != 0:
        return status
    answered = sum(1 for _ in read_lines(partial))
    if answered != expected:
        raise InputError(
            str(partial), "answers", f"{answered} for {expected} rows", f"they stay there; {result} was not written"
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


def check_questions(rows: str) -> int:
    """Look at every clip that is asked about, and return the number of questions.

    One clip that cannot be read ends `swift infer`, after hours or after a minute; here it ends nothing but the start.

    Raises:
        InputError: a row or a clip cannot be used. All of them are printed first.
    """
    total, errors = 0, []
    for where, text in read_lines(rows):
        total += 1
        try:
            row = parse_row(text, where)
            if row_kind(row) is None:
                continue  # in a format of ms-swift's own
            row = to_swift_row(row, where)
            problem = clip_problem(*([media_path(path) for path in row[key]] for key in ("videos", "audios")))
            if problem:
                raise InputError(where, "clip", problem, "replace the file or remove the row")
        except InputError as error:
            errors.append(error)
    if len(errors) > 1:
        for found in errors:
            print(f"swift-saber: {found}", file=sys.stderr)
    if errors:
        raise sum_up(errors, len(errors), total, rows)
    return total


def trained_settings(model: str) -> dict[str, str]:
    """Return the media settings that a model folder was trained with, or the published ones if it does not say.

    Raises:
        InputError: the folder's args.json is damaged.
    """
    known = _trained_with(model).get("media_settings")
    if known is None:
        return dict(PUBLISHED_SETTINGS)
    if not isinstance(known, dict):
        raise InputError(f"{model}/args.json", "media_settings", "is not an object", "restore the file")
    return {str(name): str(value) for name, value in known.items()}


def _check_base(adapters: str) -> None:
    base = _trained_with(adapters).get("model")
    if isinstance(base, str) and os.path.isabs(base) and not os.path.isdir(base):
        raise InputError(adapters, "model", f"was trained on {base}, which is not there", "add --model BASE_FOLDER")


def _trained_with(model: str) -> dict[str, Any]:
    """The arguments of the training, from the model folder's args.json; none for a hub id or a base model."""
    path = Path(model).expanduser() / "args.json"
    try:
        return parse_row(path.read_text(encoding="utf-8"), str(path))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except UnicodeDecodeError as error:
        raise InputError(str(path), "file", f"not UTF-8 ({error.reason})", "restore the file") from error


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
        raise _plugin_clash("arguments")
    return [flag, str(PLUGIN_FILE)]


def _plugin_clash(where: str) -> InputError:
    problem, remedy = "is where the SABER plugin goes", "use external_plugins for others"
    return InputError(where, "custom_register_path", problem, remedy)


def _run(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    return subprocess.run([sys.executable, "-m", "swift.cli.main", *arguments], env=dict(env), check=False).returncode

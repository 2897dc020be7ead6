"""Starts `swift sft`, `swift rlhf` and `swift deploy` with SABER's settings, after the checks that cost nothing.

Runs ms-swift's own command line in a process of its own; imports none of it.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from swift_saber.data.convert import row_kind
from swift_saber.data.rows import check_roots, read_rows
from swift_saber.errors import InputError
from swift_saber.media.settings import media_settings
from swift_saber.models.checkpoint import check_base, loading, model_flag, remembered_settings, trained_with
from swift_saber.models.engine import NO_STATISTICS
from swift_saber.models.flags import check_flags, check_keys
from swift_saber.plugin import COMMAND, PLUGIN_FILE
from swift_saber.plugin.saber_options import modality_pairs
from swift_saber.plugin.saber_under_way import ended_over, left
from swift_saber.recipe import check_dataset, check_recipe, given, setting, values

# The preference methods that compare with a reference and take it from a second adapter (ms-swift's rlhf.py).
REFERENCE_TYPES = {"dpo", "kto", "grpo"}
# The methods that learn from pairs; given other rows, ms-swift fails at the first step.
PAIR_TYPES = {"dpo", "orpo", "simpo", "cpo", "rm"}
_LAST_WRITTEN = "trainer_state.json"
_ENDING_SECONDS = 30.0


def sft(recipe: str, arguments: Sequence[str]) -> int:
    """Run `swift sft RECIPE arguments...` with the plugin loaded, and return its exit status.

    Raises:
        InputError: the recipe is missing, is not YAML, is not a mapping of arguments, or is for `swift rlhf`; an
            argument is none of `swift sft`; a dataset is not there; or what training is to start from is not what its
            flag takes.
    """
    known = _check_training("sft", recipe, arguments)
    return _train(["sft", recipe, *arguments, *_plugin(arguments)], os.environ, setting(known, arguments, "output_dir"))


def rlhf(recipe: str, arguments: Sequence[str]) -> int:
    """Run `swift rlhf RECIPE arguments...` with the plugin loaded, and return its exit status.

    What a LoRA checkpoint (`--adapters`) leaves open is added, and said on stderr: the same checkpoint as reference,
    its base model, and the media settings that it was trained with and that this run does not set.

    Raises:
        InputError: as for `sft`, the other way round; the checkpoint was trained with other media settings; or the
            dataset holds no pairs.
    """
    known = _check_training("rlhf", recipe, arguments)
    kind = setting(known, arguments, "rlhf_type")
    if kind in PAIR_TYPES and not modality_pairs(_environment(known)):  # which are made of any rows
        _check_pairs(setting(known, arguments, "dataset"))
    adapters, stopped, model = (
        setting(known, arguments, key) for key in ("adapters", "resume_from_checkpoint", "model")
    )
    lora = setting(known, arguments, "tuner_type") != "full"
    checkpoint = adapters or (stopped if lora else None)
    start = checkpoint or model
    added: list[str] = []
    if lora and kind in REFERENCE_TYPES and setting(known, arguments, "ref_adapters") is None:
        added += _reference(adapters, stopped)
    if checkpoint and given(arguments, "model") is None:
        if model is None:
            check_base(checkpoint, "add --model BASE_FOLDER")
        added += _base(checkpoint, model)
    settings = _kept_settings(start, recipe, known.get("ENV") or {}) if start else {}
    said = [*added, *(f"{name}={value}" for name, value in settings.items())]
    if said:
        print(f"swift-saber: taken over from {start}: {' '.join(said)}", file=sys.stderr)
    command = ["rlhf", recipe, *arguments, *added, *_plugin(arguments)]
    return _train(command, {**settings, **os.environ}, setting(known, arguments, "output_dir"))


def deploy(model: str, gpu: str, arguments: Sequence[str]) -> int:
    """Run `swift deploy` with a model's own media settings on 127.0.0.1, and return its exit status.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id.
        gpu: CUDA_VISIBLE_DEVICES.
        arguments: further `--key value` for `swift deploy`; they win.

    Raises:
        InputError: an argument is none of `swift deploy`, or the model cannot be used.
    """
    check_flags("deploy", arguments)
    flag, settings = loading(model, arguments)
    host = [] if given(arguments, "host") else ["--host", "127.0.0.1"]
    environment = {**NO_STATISTICS, **settings, **os.environ, "CUDA_VISIBLE_DEVICES": gpu}
    return _run(["deploy", flag, model, *host, *arguments, *_plugin(arguments)], environment)


def _check_training(command: str, recipe: str, arguments: Sequence[str]) -> dict[str, Any]:
    """Return a training recipe's contents, after a look at all that can be told before ms-swift is started."""
    known = check_recipe(recipe)
    if command == "sft" and known.get("rlhf_type") is not None:
        raise InputError(recipe, "rlhf_type", "is for preference training", "start this recipe with shell/rlhf.sh")
    if command == "rlhf" and setting(known, arguments, "rlhf_type") is None:
        remedy = "start it with shell/sft.sh, or take a recipe that has one, like recipes/ca_dpo_7b_lora_1gpu.yaml"
        raise InputError(recipe, "rlhf_type", "is missing: this recipe is not for preference training", remedy)
    check_keys(command, known, recipe)
    check_flags(command, arguments)
    for key in ("dataset", "val_dataset"):
        for dataset in values(known, arguments, key):
            check_dataset(dataset)
    plugins = known.get("custom_register_path")
    named = plugins if isinstance(plugins, list) else [plugins or PLUGIN_FILE]
    if any(Path(str(path)).name != PLUGIN_FILE.name for path in named):
        raise _plugin_clash(recipe)
    check_roots()
    model, adapters, stopped = (
        setting(known, arguments, key) for key in ("model", "adapters", "resume_from_checkpoint")
    )
    if stopped is not None:
        _check_whole(Path(stopped).expanduser())
    if model is not None and model_flag(model) == "--adapters":
        remedy = "name its base model there, and the checkpoint with --adapters"
        raise InputError(model, "model", "is a LoRA checkpoint", remedy)
    if adapters is not None and model_flag(adapters) == "--model" and Path(adapters).expanduser().exists():
        raise InputError(adapters, "adapters", "is a whole model, no LoRA checkpoint", "name it with --model")
    if adapters is not None and setting(known, arguments, "tuner_type") == "full":
        # ms-swift would train the base model and not say so.
        remedy = "merge it (recipes/export_merge_lora.yaml) and name the merged folder with --model"
        raise InputError(adapters, "adapters", "is a LoRA checkpoint, which full tuning does not load", remedy)
    return known


def _check_whole(checkpoint: Path) -> None:
    """See that a checkpoint was written to its end, where it is there: the trainer's state is written last."""
    if not checkpoint.is_dir() or (checkpoint / _LAST_WRITTEN).is_file():
        return
    beside = (path.parent for path in checkpoint.parent.glob(f"checkpoint-*/{_LAST_WRITTEN}"))
    newest = max(beside, key=lambda path: path.stat().st_mtime, default=None)
    remedy = f"go on from {newest}, the newest that is whole" if newest else "begin anew"
    raise InputError(str(checkpoint), "resume_from_checkpoint", f"is half a checkpoint: no {_LAST_WRITTEN}", remedy)


def _check_pairs(dataset: str | None) -> None:
    path = (dataset or "").partition("#")[0]  # FILE#500 takes 500 rows of a file
    if path.endswith(".jsonl") and os.path.isfile(path):
        where, row = next(read_rows(path))
        if row_kind(row) in {"record", "messages", "question"}:
            raise InputError(where, "dataset", "is no preference pair", "recipes/pairs.md says how to make pairs")


def _reference(adapters: str | None, stopped: str | None) -> list[str]:
    """The arguments that make the checkpoint where training started the reference; ms-swift takes the base model.

    A run that goes on after a stop has the reference that it had before.
    """
    remembered = trained_with(stopped).get("ref_adapters") if stopped else None
    start = adapters or (str(remembered[0]) if isinstance(remembered, list) and remembered else None)
    if start and os.path.isdir(start):
        start = os.path.abspath(start)  # args.json remembers it, for a run that goes on from another folder
    return ["--ref_adapters", start] if start else []


def _base(checkpoint: str, model: str | None) -> list[str]:
    """The argument that names a LoRA checkpoint's own base model, in the place of none or of the recipe's.

    A recipe names the base by its hub id; a base that is a folder here is the one that the checkpoint belongs to.
    """
    base = trained_with(checkpoint).get("model")
    if not isinstance(base, str) or (model is not None and (not os.path.isdir(base) or base == os.path.abspath(model))):
        return []
    return ["--model", base]


def _environment(recipe: Mapping[str, Any]) -> dict[str, str]:
    """The environment with a recipe's ENV block; as in ms-swift, the shell wins."""
    return {**{name: str(value) for name, value in (recipe.get("ENV") or {}).items()}, **os.environ}


def _kept_settings(start: str, recipe: str, recipe_env: Mapping[str, Any]) -> dict[str, str]:
    """Return the media settings that a checkpoint was trained with and that neither the shell nor the recipe sets.

    Raises:
        InputError: one that is set differs from the checkpoint's.
    """
    present = media_settings(_environment({"ENV": recipe_env}))
    before = remembered_settings(start) or {}
    wrong = [name for name, value in before.items() if present.get(name, value) != value]
    if wrong:
        here, there = (" ".join(f"{name}={found[name]}" for name in wrong) for found in (present, before))
        problem = f"{here} here, and {start} was trained with {there}"
        raise InputError(recipe, "ENV", problem, f"set {there} in the shell, or train SED again with the others")
    return {name: value for name, value in before.items() if name not in present}


def _plugin(arguments: Sequence[str]) -> list[str]:
    """Our plugin by its absolute path, which takes the place of the relative one in a recipe.

    Raises:
        InputError: the same flag was given, and one of the two would be lost.
    """
    if given(arguments, "custom_register_path") is not None:
        raise _plugin_clash("arguments")
    return ["--custom_register_path", str(PLUGIN_FILE)]


def _plugin_clash(where: str) -> InputError:
    problem, remedy = "is where the SABER plugin goes", "use external_plugins for others"
    return InputError(where, "custom_register_path", problem, remedy)


def _train(arguments: Sequence[str], env: Mapping[str, str], output: str | None) -> int:
    """Run a training, and name the rows that were under way where it ended without a word."""
    status = _run(arguments, env)
    if status and output and (rows := left(Path(output).expanduser())):
        print(f"swift-saber: error: {ended_over(rows)}", file=sys.stderr)
    return status


def _run(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    """Run ms-swift in processes of its own, and end them all where this one is to end by SIGTERM or Ctrl-C."""
    env = {**env, COMMAND: str(os.getpid())}
    process = subprocess.Popen([sys.executable, "-m", "swift.cli.main", *arguments], env=env)

    def end(*_: Any) -> None:
        started = psutil.Process(process.pid)
        for one in (started, *started.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                one.terminate()

    before = signal.signal(signal.SIGTERM, end)
    try:
        return process.wait()
    except KeyboardInterrupt:
        try:
            process.wait(_ENDING_SECONDS)  # a terminal has sent it to all of them
        except subprocess.TimeoutExpired:
            end()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)

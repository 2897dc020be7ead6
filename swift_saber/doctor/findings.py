"""What this machine can do, and what is wrong with it: one finding at a time, each with what to do about it.

Fetches nothing. What only an import can tell is asked of another Python (doctor/machine.py); what concerns
the model is in doctor/model.py, what it costs in doctor/costs.py, the environment variables in doctor/settings.py.
"""

import platform
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from swift_saber.data.convert import answer_order, row_kind, to_swift_row
from swift_saber.data.rows import parse_row, read_lines
from swift_saber.doctor.costs import cost_findings, recipe_findings
from swift_saber.doctor.machine import ask, cpus, memory
from swift_saber.doctor.model import PATCH_SIZE, hub_finding, model_findings, vision_patch
from swift_saber.doctor.settings import Finding, problem_of, settings_findings
from swift_saber.errors import InputError
from swift_saber.media.settings import DEFAULT_READER, READER, video_reader
from swift_saber.models.checkpoint import remembered_settings
from swift_saber.models.flags import check_keys
from swift_saber.plugin.saber_options import options
from swift_saber.plugin.saber_pairs import to_swift_pair
from swift_saber.recipe import check_recipe

_GIB = 1024**3
# Required by packages that we require, and broken often enough to be looked at.
_ALSO = ("trl", "av")
# What is to be said of other readers than ours, which ask the container where a frame is.
_OTHERS = "which may give others than asked for of AVI, WMV, MPEG-2, transport streams and trimmed mp4"


def examine(
    model: str | None, data: Path | None, environment: Mapping[str, str], recipe: str | None = None
) -> Iterator[Finding]:
    """Yield all findings, in the order of the report.

    Args:
        model: a model folder, LoRA checkpoint folder or hub id to be run here.
        data: JSONL whose rows are looked at.
        environment: the environment variables, os.environ but for tests.
        recipe: a YAML of `swift sft` or `swift rlhf` to be trained with here; it may name the model.
    """
    with ThreadPoolExecutor(max_workers=3) as threads:
        plugin, readers, gpus = (threads.submit(ask, name, environment) for name in ("plugin", "readers", "gpus"))
        try:
            yield from package_findings(wanted_packages())
        except InputError as error:
            yield problem_of(error)
        seen = plugin.result()
        if isinstance(seen, str):
            yield Finding("problem", "plugin", f"does not load: {seen}", "install the tested versions named above")
        else:
            yield Finding("ok", "plugin", f"ms-swift has all {seen['seams']} places that the plugin holds on to")
        reader = readers.result()
        yield from reader_findings(reader, environment)
        yield from machine_findings(gpus.result(), environment)
        yield hub_finding(environment)
        trained, patch_size = None, PATCH_SIZE
        try:
            wanted = None if recipe is None else known_recipe(recipe)
            if wanted is not None:
                yield Finding("ok", "recipe", f"{recipe}: all of its settings are ms-swift's")
                yield from recipe_findings(wanted, gpus.result())
                model = model or wanted.get("model")
            if model is not None:
                yield from model_findings(model, gpus.result(), environment)
                trained, patch_size = remembered_settings(model), vision_patch(model)
            if model is not None or wanted is not None:
                yield from cost_findings(model, wanted, gpus.result(), environment, _rows(data))
        except InputError as error:
            yield problem_of(error)
        constants = None if isinstance(reader, str) else reader["constants"]
        yield from settings_findings(environment, constants=constants, trained=trained, patch_size=patch_size)
        yield from folder_findings(Path.cwd())
        if data is not None:
            yield from data_findings(data)


def known_recipe(path: str) -> dict[str, Any]:
    """Return a recipe's contents.

    Raises:
        InputError: it is none, or one of its keys is no argument of ms-swift's command.
    """
    recipe = check_recipe(path)
    check_keys("rlhf" if recipe.get("rlhf_type") else "sft", recipe, path)
    return recipe


def wanted_packages() -> dict[str, SpecifierSet]:
    """Return the tested range of each package, from what the installed packages themselves require.

    Raises:
        InputError: swift-saber is not installed in this Python.
    """
    wanted: dict[str, SpecifierSet] = {}
    for source in ("swift-saber", "ms-swift", "qwen-omni-utils"):
        try:
            texts = requires(source) or []
        except PackageNotFoundError as error:
            if source == "swift-saber":
                remedy = "pip install -e the repository, or use the Python of .venv"
                raise InputError("Python", "swift-saber", "is not installed", remedy) from error
            continue  # missing itself, which is a finding
        for requirement in map(Requirement, texts):
            if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
                continue
            name = canonicalize_name(requirement.name)
            if source == "swift-saber" or name in wanted or name in _ALSO:
                wanted[name] = wanted.get(name, SpecifierSet()) & requirement.specifier
    return wanted


def package_findings(wanted: Mapping[str, SpecifierSet]) -> Iterator[Finding]:
    """Yield a finding for Python and for each package, whose tested range is given."""
    here, range_ = platform.python_version(), SpecifierSet(metadata("swift-saber")["Requires-Python"])
    if range_.contains(here, prereleases=True):
        yield Finding("ok", "Python", f"{here} (tested: {range_})")
    else:
        yield Finding("problem", "Python", f"is {here}, tested: {range_}", "use another Python")
    for name, tested in wanted.items():
        install = f"pip install '{name}{tested}'"
        try:
            found = version(name)
        except PackageNotFoundError:
            if name == "decord":  # a reader that can be chosen, and is looked at where it is
                yield Finding("note", name, "is not installed: nothing needs it", install)
            else:
                yield Finding("problem", name, "is not installed", install)
            continue
        if tested.contains(found, prereleases=True):
            yield Finding("ok", name, f"{found} (tested: {tested or 'any'})")
        else:
            yield Finding("problem", name, f"is {found}, tested: {tested}", install)


def reader_findings(reader: dict[str, Any] | str, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield which video readers are there, and which one gives the model its frames, as machine.readers answered."""
    if isinstance(reader, str):
        try:
            video_reader(environment)
        except InputError as error:
            yield problem_of(error)
            return
        yield Finding("problem", "video readers", f"qwen-omni-utils does not load: {reader}", "install it again")
        return
    working = [name for name in reader["installed"] if name not in reader["broken"]]
    yield Finding("ok", "video readers", f"{', '.join(working) or 'none'} can be loaded")
    chosen = reader["chosen"]
    own = f"unset {READER}: {DEFAULT_READER} reads them all" if READER in environment else "install av again"
    if chosen not in working:
        why = reader["broken"].get(chosen, "it is not installed")
        yield Finding(
            "problem", "video reader", f"the model's frames would come from {chosen}, which fails: {why}", own
        )
    elif chosen == DEFAULT_READER:
        yield Finding("ok", "video reader", f"the model's frames come from {chosen}: those that a player shows")
    else:
        text = f"the model's frames come from {chosen} ({READER}), {_OTHERS}"
        yield Finding("note", "video reader", text, f"{own}, unless it is to go on as it was begun")
    for name, why in reader["broken"].items():
        if name not in (chosen, "torchvision"):  # of which it is enough that other packages can use it
            yield Finding("note", f"video reader {name}", f"is installed and fails: {why}")


def machine_findings(gpus: dict[str, Any] | str, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield the processors, the memory and the GPUs, these from the answer of machine.gpus."""
    yield Finding("ok", "CPU", f"{cpus()} cores, {memory() / _GIB:.1f} GiB of memory")
    if isinstance(gpus, str):
        yield Finding("problem", "torch", f"does not load: {gpus}", "install torch and torchvision of one build")
        return
    for number, gpu in enumerate(gpus["gpus"]):
        text = f"{gpu['name']}, {gpu['total'] / _GIB:.1f} GiB, {gpu['free'] / _GIB:.1f} GiB free"
        yield Finding("ok", f"GPU {number}", text)
    hidden = environment.get("CUDA_VISIBLE_DEVICES") in {"", "-1"}
    if not gpus["gpus"] and Path("/dev/nvidia0").exists() and not hidden:
        built = f"built for CUDA {gpus['cuda']}" if gpus["cuda"] else "built for the CPU alone"
        remedy = "install a torch that fits the driver (nvidia-smi names its CUDA version)"
        yield Finding("problem", "GPU", f"torch does not see the GPU that is there: it is {built}", remedy)
    elif not gpus["gpus"]:
        yield Finding("note", "GPU", "none: everything runs on the CPU, which suits small models and trials")


def folder_findings(folder: Path) -> Iterator[Finding]:
    """Yield whether results can be written to a folder, and how much fits."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"swift-saber")
    except OSError as error:
        yield Finding("problem", "folder", f"cannot write to {folder}: {error.strerror}", "change to another folder")
    else:
        yield Finding("ok", "folder", f"can write to {folder}")
    free = shutil.disk_usage(folder).free
    text = f"{free / _GIB:.1f} GiB free in {folder}"
    if free < _GIB:
        yield Finding("problem", "disk", text, "make room: answers and checkpoints would be cut off")
    else:
        yield Finding("ok", "disk", text)


def data_findings(path: Path) -> Iterator[Finding]:
    """Yield which kinds of rows a JSONL holds, and whether their media are there. Opens no media file."""
    kinds: Counter[str] = Counter()
    first, wrong, total = None, 0, 0
    try:
        order, wanted = answer_order(), options()
        for where, line in read_lines(path):
            total += 1
            try:
                row = parse_row(line, where)
                kind = row_kind(row)
                kinds[kind or "unknown"] += 1
                _ = to_swift_pair(row, where, wanted) if kind == "pair" else to_swift_row(row, where, order)
            except InputError as error:
                first, wrong = first or error, wrong + 1
    except InputError as error:
        yield problem_of(error)
        return
    rows = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    if first is None:
        yield Finding("ok", "data", f"{path}: {rows}; all media files are there")
    else:
        text = f"{wrong} of {total} rows cannot be used (the first: {first.where}: {first.problem})"
        yield Finding("problem", "data", f"{path}: {text}", first.remedy)


def _rows(data: Path | None) -> int | None:
    """How many rows there are; None where there are none, which data_findings says."""
    return (sum(1 for _ in read_lines(data)) or None) if data is not None and data.is_file() else None

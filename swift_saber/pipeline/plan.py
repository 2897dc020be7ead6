"""A pipeline recipe, read and checked: what is run, in which order, with which settings, and where."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError, kind, quoted
from swift_saber.pipeline.stage import Stage
from swift_saber.pipeline.stages.annotate import Annotate
from swift_saber.pipeline.stages.clean import Clean
from swift_saber.pipeline.stages.consistency import Consistency
from swift_saber.pipeline.stages.dedup import Dedup
from swift_saber.pipeline.stages.evidence import Evidence
from swift_saber.pipeline.stages.review import Review
from swift_saber.pipeline.stages.speech import Speech
from swift_saber.pipeline.stages.split import Split
from swift_saber.pipeline.stages.visual import Visual
from swift_saber.recipe import check_recipe
from swift_saber.settings import nearest
from swift_saber.text.strict_json import dumps

#: The stages in their order, by their names. A recipe runs those that it has a block for.
STAGES: dict[str, type[Stage]] = {
    stage.name: stage for stage in (Clean, Dedup, Annotate, Speech, Visual, Consistency, Evidence, Review, Split)
}
#: The key under which a recipe names a JSONL of rows in the place of a dataset's folder.
ROWS = "rows"
# What writes what a stage reads, where it is not in the rows of a source already.
_NEEDS = dict.fromkeys(("speech", "visual", "consistency", "evidence", "review"), "annotate")
_NEEDS |= {"split": "consistency"}
EXECUTORS = ("local", "slurm", "ray")
#: Settings that no result depends on: they may change between two runs of one output folder. So may the form in which
#: clips travel, else a run whose clips a server refused could not go on in another.
NO_MATTER = frozenset(
    {
        "base_url",
        "concurrency",
        "requests_per_minute",
        "timeout",
        "retries",
        "workers",
        "media_limit",
        "key_env",
        "media",
        "folder",  # of the reviews: what they say is compared itself (stages/review.py)
        "action_units",  # and so is what these say (stages/evidence.py)
    }
)
#: A reader's key, its folder, and what else it is told.
Source = tuple[str, str, dict[str, Any]]
_KEYS = ("output", "executor", "workers", "tasks", "sources", "slurm", "ray", "publish", *STAGES)


@dataclass(frozen=True)
class Plan:
    """What a recipe says.

    Attributes:
        path: of the recipe.
        recipe: its contents.
        output: the folder that everything is written to.
        executor: of EXECUTORS.
        workers: tasks at a time.
        tasks: into how many files the clips are dealt. Part of the result: files are named by it.
        sources: (key, folder, options) of each reader; ("rows", file, {}) for clips that are in a JSONL already.
        stages: settings of each stage, in order.
        cluster: further arguments for the executor.
    """

    path: str
    recipe: dict[str, Any]
    output: Path
    executor: str
    workers: int
    tasks: int
    sources: list[Source]
    stages: dict[str, dict[str, Any]]
    cluster: dict[str, Any]


def read_plan(path: str) -> Plan:
    """Return what a recipe says.

    Raises:
        InputError: it cannot be read, or a value is missing or wrong.
    """
    recipe = check_recipe(path)
    check_known(recipe, _KEYS, path)
    try:
        dumps(recipe)  # as the output keeps it
    except (TypeError, ValueError) as error:
        problem = f"holds what is no text, number, list or mapping ({error})"
        raise InputError(path, "recipe", problem, "put the value into quotes") from error
    output = _wanted(recipe, "output", str, path)
    executor = recipe.get("executor", "local")
    if executor not in EXECUTORS:
        raise InputError(path, "executor", f"is {quoted(executor)}", f"write one of {', '.join(EXECUTORS)}")
    stages = {name: _block(recipe[name], name, path) for name in STAGES if name in recipe}
    if not stages:
        raise InputError(path, "stages", "there is none", f"add a block: {', '.join(STAGES)}")
    sources = _sources(recipe, path)
    for name in stages:
        needed = _NEEDS.get(name, name)
        if needed not in stages and ROWS not in {key for key, _, _ in sources}:
            problem = f"needs the stage {needed}, which is left out"
            raise InputError(path, name, problem, f"add its block, or leave {name} out too")
    return Plan(
        path,
        recipe,
        Path(output).expanduser().absolute(),
        executor,
        _count(recipe, "workers", 1, path),
        _count(recipe, "tasks", 1, path),
        sources,
        stages,
        _block(recipe.get(executor), executor, path),
    )


def make_stage(name: str, settings: Mapping[str, Any]) -> Stage:
    """Return a stage with its settings.

    Raises:
        InputError: a setting is unknown or wrong.
    """
    check_known(settings, [field.name for field in fields(STAGES[name].form)], "recipe", f"{name}.")
    return STAGES[name](**settings)


def check_known(given: Iterable[str], known: Collection[str], where: str, block: str = "") -> None:
    """Refuse a key of a recipe that is not known; block is the name of the block that it stands in, and a dot."""
    if unknown := sorted(set(given) - set(known)):
        raise InputError(where, f"{block}{unknown[0]}", "is not known", nearest(unknown[0], known))


def result_settings(settings: Any) -> Any:
    """Return settings without those that no result depends on."""
    if isinstance(settings, Mapping):
        return {key: result_settings(value) for key, value in settings.items() if key not in NO_MATTER}
    return settings


def _sources(recipe: Mapping[str, Any], path: str) -> list[Source]:
    """[("mead", "/data/MEAD", {"view": "top"})] of [{"mead": {"folder": "/data/MEAD", "view": "top"}}]."""
    found = _wanted(recipe, "sources", list, path)
    sources: list[Source] = []
    for one in found:
        key, place = next(iter(one.items())) if isinstance(one, dict) and len(one) == 1 else (None, None)
        options = dict(place) if isinstance(place, dict) else {"folder": place}
        folder = options.pop("folder", None)
        if not (
            isinstance(key, str)
            and isinstance(folder, str)
            and folder
            and all(isinstance(name, str) for name in options)
        ):
            raise InputError(path, "sources", f"{quoted(one)} is no source", "write `- meld: /data/MELD`")
        sources.append((key, folder, options))
    return sources


def _block(value: Any, name: str, path: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise InputError(path, name, f"is {kind(value)}, not settings", "indent `key: value` lines below it")
    return value


def _wanted(recipe: Mapping[str, Any], key: str, kind_wanted: type, path: str) -> Any:
    value = recipe.get(key)
    if not isinstance(value, kind_wanted) or not value:
        problem = "is missing" if key not in recipe else f"is {quoted(value)}"
        raise InputError(path, key, problem, "look at recipes/data/saber.yaml")
    return value


def _count(recipe: Mapping[str, Any], key: str, default: int, path: str) -> int:
    value = recipe.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(path, key, f"is {quoted(value)}", "write a whole number above 0")
    return value

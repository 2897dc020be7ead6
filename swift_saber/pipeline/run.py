"""`swift-saber pipeline`: the stages of a recipe one after another, each from the files of the one before.

A stage runs in a process of its own, through datatrove's executor. What is finished is not done again; what was
stopped goes on; clips that a server had no answer for are asked about again, and what people have reviewed or measured
since is put in; a stage whose settings changed is refused, not mixed; what a person has edited is not written over.
"""

import hashlib
import multiprocessing
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from swift_saber import __version__
from swift_saber.data.log import RowLog
from swift_saber.data.rows import check_roots, read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.media.pool import end_with_parent
from swift_saber.models.reply import UNANSWERED
from swift_saber.pipeline.manifest import write_manifest
from swift_saber.pipeline.plan import Plan, make_stage, read_plan, result_settings
from swift_saber.pipeline.result.finish import Finish, finish
from swift_saber.pipeline.stage import Row
from swift_saber.pipeline.stages import evidence, review, split
from swift_saber.pipeline.stages.prompts import digests
from swift_saber.pipeline.steps import ReadRows, RunStage, executor_of, rows_file
from swift_saber.pipeline.written import check_results, check_rows
from swift_saber.text.strict_json import dumps, parse_json, read_json

_PACKAGES = ("datatrove", "av", "numpy", "openai", "jiwer", "pocketsphinx", "ray")
_LOOK_SECONDS = 0.3
# In the line of a drop whose clip had no answer.
_ASKED_AGAIN = f'"reason": "{UNANSWERED}"'.encode()
# Stages that ask no model, and measure nothing twice: done anew where others come before them or go.
_REDONE = frozenset({evidence.Evidence.name, review.Review.name, split.Split.name})
# The prompts that a stage asks with, as prompts.digests names them.
_ASKED_WITH = {
    "annotate": {"annotate", "facts", "repair"},
    "visual": {"caption", "visual", "repair"},
    "consistency": {"consistency", "repair"},
}


def run(path: str, until: str | None = None) -> None:
    """Run a recipe, or go on with it.

    Args:
        path: of the recipe.
        until: the last stage to run, or None for all.

    Raises:
        InputError: the recipe, a source, an endpoint or the output folder cannot be used, or a person has edited what
            would be written over. What is done stays.
    """
    plan = read_plan(path)
    check_roots()  # which are the fault of no clip
    if until is not None and until not in plan.stages:
        remedy = f"name one of {', '.join(plan.stages)}"
        raise InputError(path, "--until", f"{until!r} is no stage of this recipe", remedy)
    names = list(plan.stages)
    if until:
        names = names[: names.index(until) + 1]
    for name in plan.stages:
        make_stage(name, plan.stages[name])  # so that a mistake in the last block is found before hours of the first
    plan.output.mkdir(parents=True, exist_ok=True)
    with RowLog(plan.output / "runs.jsonl") as runs:  # which one process at a time may hold
        check_results(plan.output, plan.recipe)
        for name in plan.stages:
            check_rows(plan.output, name, plan.recipe)
        _manifest(plan)
        _check_prompts(plan)
        _check_settings(plan, names)
        _note(plan, runs)
        _take_news(plan, names)
        _ask_again(plan, names)
        if plan.executor == "slurm":
            _submit(plan, names)
            return
        for name in names:
            _run_stage(plan, name)
        print(f"written to {plan.output}: {', '.join(finish(plan.output))}")


def execute(plan: Plan, name: str, console: str) -> None:
    """What the process of a stage does: run its tasks that are not done."""
    os.setpgrp()  # so that whoever ends it ends its workers, and datatrove's manager, with it
    end_with_parent(lambda: _end_group(os.getpid()))
    file = os.open(console, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(file, 1)
    os.dup2(file, 2)
    if plan.executor == "ray":
        import ray

        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # A cluster that RAY_ADDRESS names, else one on this machine.
        ray.init(include_dashboard=None if os.environ.get("RAY_ADDRESS") else False)
    _executor(plan, name).run()


def _executor(plan: Plan, name: str, depends: Any = None) -> Any:
    stage = make_stage(name, plan.stages[name])
    folder = plan.output / name
    steps = [ReadRows(_source(plan, name), plan.tasks), RunStage(stage, folder, plan.tasks)]
    return executor_of(plan, name, steps, folder, 1 if stage.whole else plan.tasks, depends)


def _source(plan: Plan, name: str) -> Path:
    """The folder that a stage reads: that of the stage before it."""
    return plan.output / ["manifest", *plan.stages][list(plan.stages).index(name)]


def _run_stage(plan: Plan, name: str) -> None:
    folder = plan.output / name
    executor = _executor(plan, name)
    if not executor.get_incomplete_ranks():
        return
    check_rows(
        plan.output, _source(plan, name).name, plan.recipe
    )  # which may be hours older than the beginning of the run
    total = _lines(_source(plan, name), "kept", range(plan.tasks))
    shutil.rmtree(folder / "errors", ignore_errors=True)
    console = folder / "console.log"
    process = multiprocessing.get_context("spawn").Process(target=execute, args=(plan, name, str(console)))
    process.start()
    try:
        with tqdm(total=total, desc=name, unit="clip", dynamic_ncols=True) as bar:
            while process.is_alive():
                process.join(_LOOK_SECONDS)
                done = sum(file.stat().st_size for file in (folder / "done").glob("[0-9]*[0-9]"))
                bar.update(min(done, total) - bar.n)
    finally:
        if process.pid:
            _end_group(process.pid)
        process.kill()  # where it had not come to lead a group yet
        process.join()
    for error in sorted((folder / "errors").glob("*.json")):
        raise InputError(*read_json(error))
    if executor.get_incomplete_ranks():
        problem = f"its process ended with status {process.exitcode}, and not all tasks are done"
        raise InputError(name, "stage", problem, f"look at {console}; the same command goes on")
    kept, dropped = (_lines(folder, kind, range(plan.tasks)) for kind in ("kept", "dropped"))
    unanswered = _lines(folder, "dropped", range(plan.tasks), _ASKED_AGAIN)
    again = f", {unanswered} of them {UNANSWERED}: the next run asks again" if unanswered else ""
    print(f"{name}: {total} clips in, {kept} kept, {dropped} dropped{again}", file=sys.stderr)
    for text in _notes(plan, name):
        print(f"{name}: {text}", file=sys.stderr)


def _notes(plan: Plan, name: str) -> list[str]:
    """What a stage that is through says of itself, in sentences."""
    if name == split.Split.name:
        return split.notes(plan.output / name)
    if name == evidence.Evidence.name:
        return evidence.notes(plan.output / name)
    if name == review.Review.name:
        return review.notes(plan.output / name, review.Review(**plan.stages[name]).settings)
    return []


def _take_news(plan: Plan, names: Collection[str]) -> None:
    """Put what reviewers and the tables of action units say by now into the folders of their stages."""
    if (name := evidence.Evidence.name) in names:
        measures = evidence.Evidence(**plan.stages[name])
        clips = (row for number in range(plan.tasks) for row in _rows(rows_file(plan.output / "manifest", number)))
        _take(plan, name, measures.news(plan.output / name, clips), measures.keep)
    if (name := review.Review.name) in names:
        reviews = review.Review(**plan.stages[name])
        _take(plan, name, reviews.news(plan.output / name), reviews.keep)


def _take(plan: Plan, name: str, news: list[Row] | None, keep: Callable[[Path, list[Row]], None]) -> None:
    """Put the news of a stage into its folder; where there are some, this stage and later ones are not done.

    They are taken as not done before the news are there: else a run that is killed between the two would never do them.
    """
    if news is None:
        return
    _undo(plan, list(plan.stages)[list(plan.stages).index(name) :])
    keep(plan.output / name, news)


def _undo(plan: Plan, names: Iterable[str]) -> None:
    """Take stages as not done; that nobody has edited their rows is known."""
    for name in names:
        for done in ("log/completions", "kept", "dropped"):
            shutil.rmtree(plan.output / name / done, ignore_errors=True)


def _ask_again(plan: Plan, names: list[str]) -> None:
    """Take tasks with clips that a server had no answer for, and the same tasks of later stages, as not done.

    So are tasks whose rows somebody has moved away.
    """
    tasks: set[int] = set()
    for name, settings in plan.stages.items():
        if name in names:
            folder = plan.output / name
            tasks |= {number for number in range(plan.tasks) if _lines(folder, "dropped", [number], _ASKED_AGAIN)}
            tasks |= {number for number in range(plan.tasks) if not rows_file(folder, number).exists()}
        ranks = {0} if tasks and make_stage(name, settings).whole else tasks
        for rank in ranks:
            (plan.output / name / "log" / "completions" / f"{rank:05d}").unlink(missing_ok=True)


def _submit(plan: Plan, names: list[str]) -> None:
    """Give all stages to Slurm, each to begin when the one before has ended well."""
    if shutil.which("sbatch") is None:
        raise InputError(plan.path, "executor", "is slurm, and there is no sbatch here", "run it on a login node")
    executor = None
    for name in names:
        executor = _executor(plan, name, executor)
    executor_of(plan, "finish", [Finish(plan.output)], plan.output / "finish", 1, executor).run()
    print(f"submitted; the scripts are below {plan.output}, and squeue says how it goes")


def _manifest(plan: Plan) -> None:
    folder = plan.output / "manifest"
    settings = {"sources": [list(source) for source in plan.sources], "tasks": plan.tasks}
    if _same_settings(folder, settings, [folder, *(plan.output / name for name in plan.stages)]):
        return
    total = write_manifest(plan.sources, folder, plan.tasks)
    write_rows(folder / "settings.json", [settings])
    print(f"manifest: {total} clips", file=sys.stderr)


def _check_settings(plan: Plan, names: list[str]) -> None:
    """See that what is there was made with these settings, from what these settings make.

    Where stages that ask no model have others before them now, they are taken as not done.
    """
    before = (plan.output / "manifest" / "settings.json").read_bytes()
    changed = False
    for place, name in enumerate(plan.stages):
        if name not in names and not changed:
            return
        made_from = hashlib.sha256(before).hexdigest()[:16]
        settings = {"settings": result_settings(plan.stages[name]), "made_from": made_from}
        folder = plan.output / name
        left = list(plan.stages)[place:]
        if _REDONE.issuperset(left) and _has_others_before(folder, settings):
            for at, later in enumerate(left):  # before anything is undone
                its = {**settings, "settings": result_settings(plan.stages[later])}
                if not _has_others_before(plan.output / later, its):
                    _same_settings(plan.output / later, its, [plan.output / one for one in left[at:]])
            print(f"{name}: made anew, since the recipe has other stages before it now", file=sys.stderr)
            _undo(plan, left)
            for gone in _REDONE.difference(plan.stages):  # they may come back, to other rows
                shutil.rmtree(plan.output / gone / "log" / "completions", ignore_errors=True)
            # Last: a run that is killed before it comes here again.
            (folder / "settings.json").unlink()
        if name not in names:
            return  # the stages after it are not done, and will find that it was made anew
        if not _same_settings(folder, settings, [plan.output / later for later in left]):
            write_rows(folder / "settings.json", [settings])
            changed = True
        before = dumps(read_json(folder / "settings.json")).encode()


def _has_others_before(folder: Path, settings: dict[str, Any]) -> bool:
    """Whether a folder was made with the same settings, from what other stages or settings made."""
    file = folder / "settings.json"
    kept = read_json(file) if file.exists() else settings
    same = {**settings, "made_from": kept.get("made_from")} if isinstance(kept, dict) else None
    return kept != settings and result_settings(kept) == parse_json(dumps(same), "settings")


def _same_settings(folder: Path, settings: dict[str, Any], stale: list[Path]) -> bool:
    """Whether a folder was made with these settings; False where there is none yet.

    Raises:
        InputError: it was made with others.
    """
    file = folder / "settings.json"
    if not file.exists():
        return False
    kept = read_json(file)
    # What is of no matter now may have been of matter when the folder was made.
    if result_settings(kept) == parse_json(dumps(settings), "settings"):
        return True
    problem = f"was made with {dumps(kept)}; the recipe now says {dumps(settings)}"
    raise InputError(str(folder), "settings", problem, _start_over(stale))


def _check_prompts(plan: Plan) -> None:
    """See that what a stage's model has said so far was asked for in the words of now."""
    file = plan.output / "run.json"
    said = read_json(file) if file.exists() else {}
    before = said.get("prompts", {}) if isinstance(said, dict) else {}
    changed = {name.split(".")[0] for name, now in _digests(plan).items() if before.get(name, now) != now}
    for place, stage in enumerate(plan.stages):
        if (plan.output / stage).exists() and (other := sorted(changed & _ASKED_WITH.get(stage, set()))):
            problem = f"was made with other words of {', '.join(other)} than this version has"
            stale = [plan.output / later for later in list(plan.stages)[place:]]
            raise InputError(str(plan.output / stage), "prompts", problem, _start_over(stale))


def _digests(plan: Plan) -> dict[str, str]:
    """Those of the prompts of a recipe."""
    return digests(facts=plan.stages.get("annotate", {}).get("facts") is True)


def _start_over(stale: list[Path]) -> str:
    gone = " ".join(shlex.quote(str(one)) for one in stale if one.exists())
    return f"name another output, or remove what it made: rm -r {gone}"


def _note(plan: Plan, runs: RowLog) -> None:
    """Say in run.json what is run, and with which versions; runs.jsonl keeps a line for each time."""
    versions = {"swift-saber": __version__, "python": sys.version.split()[0]}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except ModuleNotFoundError:
            continue
    skipped = read_json(plan.output / "manifest" / "skipped.json")
    said = {"recipe": plan.recipe, "versions": versions, "stages": list(plan.stages), "skipped": skipped}
    if (noted := plan.output / "manifest" / "noted.json").exists():  # as it is of every run since there is such
        said |= read_json(noted)
    said["prompts"] = _digests(plan)
    write_rows(plan.output / "run.json", [said])
    count = sum(1 for _ in runs.read())
    runs.append({"id": f"run-{count}", "executor": plan.executor, "workers": plan.workers, "versions": versions})


def _rows(file: Path) -> Iterator[Row]:
    return (row for _, row in read_rows(file)) if file.stat().st_size else iter(())


def _lines(folder: Path, kind: str, numbers: Iterable[int], holding: bytes = b"") -> int:
    """How many rows of a stage's files hold something; a file that is not there has none."""
    total = 0
    for file in (rows_file(folder, number, kind) for number in numbers):
        if file.exists():
            with file.open("rb") as lines:
                total += sum(holding in line for line in lines)
    return total


def _end_group(leader: int) -> None:
    """End a stage's processes at once; all that they write survives it."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)

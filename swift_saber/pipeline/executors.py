"""datatrove's executors for the stages of a plan: on this machine, on Slurm, or on Ray, by one word of the recipe."""

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor, RayPipelineExecutor, SlurmPipelineExecutor
from datatrove.executor.base import PipelineExecutor
from datatrove.pipeline.base import PipelineStep

from swift_saber.errors import InputError
from swift_saber.pipeline.plan import Plan

_CLASSES: dict[str, Any] = {"local": LocalPipelineExecutor, "slurm": SlurmPipelineExecutor, "ray": RayPipelineExecutor}
_OURS = {"pipeline", "tasks", "workers", "logging_dir", "skip_completed", "depends", "job_name"}


def executor_of(
    plan: Plan, name: str, steps: Sequence[PipelineStep], folder: Path, tasks: int, depends: PipelineExecutor | None
) -> PipelineExecutor:
    """Return the executor of one stage.

    Args:
        plan: says which, and how many workers.
        name: of the stage.
        steps: what it runs.
        folder: of the stage; datatrove's logs, statistics and completions go to log/ in it.
        tasks: how many.
        depends: the stage before, for Slurm, which is given all stages at once.

    Raises:
        InputError: the recipe's block for this executor has an unknown or missing key.
    """
    found = _CLASSES[plan.executor]
    options: dict[str, Any] = {"logging_dir": str(folder / "log"), "workers": min(plan.workers, tasks), **plan.cluster}
    if plan.executor == "slurm":
        options |= {"depends": depends, "job_name": f"saber-{name}", "slurm_logs_folder": str(folder / "log" / "slurm")}
        if not options.keys() & {"venv_path", "condaenv", "env_command"}:
            # The Python that runs this.
            options["env_command"] = f'export PATH="{Path(sys.executable).parent}:$PATH"'
    known = inspect.signature(found).parameters
    for key in plan.cluster:
        if key not in known or key in _OURS:
            free = ", ".join(sorted(known.keys() - _OURS))
            raise InputError(plan.path, f"{plan.executor}.{key}", "is not known", f"known are {free}")
    for key, parameter in known.items():
        if parameter.default is parameter.empty and key not in {*options, *_OURS}:
            raise InputError(plan.path, f"{plan.executor}.{key}", "is missing", "add it to the recipe")
    executor: PipelineExecutor = found(pipeline=list(steps), tasks=tasks, **options)
    return executor

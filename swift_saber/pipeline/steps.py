"""A stage as datatrove steps, and what runs them: this machine, Slurm or Ray, by one word of the recipe.

Rows are read from the files of the stage before, and written as kept or dropped.

Each task writes its files under other names first, so that a file that is there is whole. A task that was killed is
done again from its first row; what a stage keeps in its own folder makes that cheap.
"""

import fcntl
import inspect
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor, RayPipelineExecutor, SlurmPipelineExecutor
from datatrove.executor.base import PipelineExecutor
from datatrove.pipeline.base import PipelineStep

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.pipeline.plan import Plan, check_known
from swift_saber.pipeline.stage import Drop, Row, Stage
from swift_saber.pipeline.written import note
from swift_saber.text.files import whole
from swift_saber.text.strict_json import dumps

_CLASSES: dict[str, Any] = {"local": LocalPipelineExecutor, "slurm": SlurmPipelineExecutor, "ray": RayPipelineExecutor}
_OURS = {"pipeline", "tasks", "workers", "logging_dir", "skip_completed", "depends", "job_name"}
_LOCK_SECONDS = 60.0
_LOOK_SECONDS = 0.2


class ReadRows(PipelineStep):
    """Reads the rows of one task, or of all of them for a stage that must see all.

    Args:
        folder: where the stage before has its files.
        files: how many there are.
    """

    type = "READER"
    name = "rows"

    def __init__(self, folder: Path, files: int) -> None:
        super().__init__()
        self.folder, self.files = folder, files

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        for number in range(rank, self.files, world_size):
            file = rows_file(self.folder, number)
            for _, row in read_rows(file) if file.stat().st_size else ():
                self.stat_update("rows")
                yield Document(text=row.get("transcript") or "", id=row["id"], metadata={"row": row, "file": number})


class RunStage(PipelineStep):
    """Runs a stage over the rows and writes what becomes of them.

    Args:
        stage: the stage.
        folder: its folder: kept/, dropped/, done/ (a byte for each row, for the progress bar), errors/, and in written/
            what shows whether kept rows were edited since.
        files: into how many files the rows are dealt; a row stays in its file.
    """

    type = "STAGE"

    def __init__(self, stage: Stage, folder: Path, files: int) -> None:
        self.name = stage.name  # before datatrove makes its statistics, which show it
        super().__init__()
        self.stage, self.folder, self.files = stage, folder, files

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        threading.Thread(target=_end_with_parent, daemon=True).start()
        place: dict[str, int] = {}  # the file of each row that the stage has in hand

        def rows() -> Iterator[Row]:
            for document in data:
                place[document.id] = document.metadata["file"]
                yield document.metadata["row"]

        numbers = range(rank, self.files, world_size)
        error = _numbered(self.folder / "errors", rank, ".json")
        try:
            with (
                _alone(_numbered(self.folder / "done", rank, ".lock")),
                _numbered(self.folder / "done", rank, "").open("wb", buffering=0) as done,
                _files(self.folder, "kept", numbers) as keep,
                _files(self.folder, "dropped", numbers) as drop,
            ):
                for found in self.stage.run(rows(), self.folder, rank):
                    done.write(b".")
                    if isinstance(found, Drop):
                        row = found.row
                        line = {"row": row, "reason": found.reason, "value": found.value, "limit": found.limit}
                        drop(place.pop(row["id"]), line)
                        self.stat_update("dropped", f"dropped_{found.reason}")
                    else:
                        row = found
                        keep(place.pop(row["id"]), row)
                        self.stat_update("forwarded")
                    yield Document(text="", id=row["id"])
                if place:
                    raise RuntimeError(f"neither kept nor dropped: {', '.join(list(place)[:5])}")
        except Exception as found_error:
            said: Sequence[str] = found_error.args
            if not isinstance(found_error, InputError):
                reason = f"{type(found_error).__name__}: {found_error}"
                said = self.name, "stage", reason, f"look at {self.folder / 'log' / 'logs'}; the same command goes on"
            error.write_text(dumps(said), encoding="utf-8")
            raise
        error.unlink(missing_ok=True)


@contextmanager
def _files(folder: Path, kind: str, numbers: range) -> Iterator[Callable[[int, Row], None]]:
    """Give what writes a line to one of the files of a kind; they get their names when all are whole.

    Those without a line are empty. One is open at a time: a stage that must see all rows may have many.
    """
    with ExitStack() as names:
        partial = {number: names.enter_context(whole(rows_file(folder, number, kind))) for number in numbers}
        for path in partial.values():
            path.write_bytes(b"")
        with ExitStack() as opened:
            at, file = -1, None

            def write(number: int, line: Row) -> None:
                nonlocal at, file
                if file is None or number != at:
                    opened.close()
                    at, file = number, opened.enter_context(_on_disk(partial[number]))
                file.write(dumps(line) + "\n")

            yield write
        if kind == "kept":
            ours = {str(rows_file(folder, number).relative_to(folder)): path for number, path in partial.items()}
            note(folder, ours, f"{numbers.start:05d}")


@contextmanager
def _on_disk(path: Path) -> Iterator[TextIO]:
    """A file to add to, which is on the disk and not only on its way when it is closed."""
    with path.open("a", encoding="utf-8", newline="\n") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def executor_of(
    plan: Plan, name: str, steps: Sequence[PipelineStep], folder: Path, tasks: int, depends: PipelineExecutor | None
) -> PipelineExecutor:
    """Return the executor of one stage: which, and with how many workers, the plan says.

    Args:
        folder: of the stage; datatrove's logs, statistics and completions go to log/ in it.
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
    check_known(plan.cluster, sorted(known.keys() - _OURS), plan.path, f"{plan.executor}.")
    for key, parameter in known.items():
        if parameter.default is parameter.empty and key not in {*options, *_OURS}:
            raise InputError(plan.path, f"{plan.executor}.{key}", "is missing", "add it to the recipe")
    executor: PipelineExecutor = found(pipeline=list(steps), tasks=tasks, **options)
    return executor


def rows_file(folder: Path, number: int, name: str = "kept") -> Path:
    """Return the file of a stage that holds the rows of one task."""
    return folder / name / f"{number:05d}.jsonl"


def _numbered(folder: Path, rank: int, ending: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{rank:05d}{ending}"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock; a task of a run that was killed may take a moment to end."""
    end = time.monotonic() + _LOCK_SECONDS
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > end:
                    problem = "is being written by another run"
                    raise InputError(str(path), "output", problem, "wait for it, or name another folder") from error
                time.sleep(_LOOK_SECONDS)
        yield


def _end_with_parent() -> None:
    """A run that is killed cannot end its workers, and two would write the same files."""
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)

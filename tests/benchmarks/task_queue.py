"""Tasks that several processes share, those of other runs too: each is done once, and a stopped run goes on.

Who works on a task holds an flock on its claim, which ends with that process however it ends. In the claim stands the
run that tried it last, so that a task which failed is not tried again by the same run.
"""

import contextlib
import fcntl
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from uuid import uuid4

_WAIT = 1.0  # seconds until a worker looks again whether something can be done


@dataclass(frozen=True)
class Task:
    """What one process does at a time. Its functions are pickled.

    Attributes:
        name: unique.
        group: a worker stays with the tasks of a group as long as there are any.
        claim: the file that is locked by who works on it, in a folder of its own or not.
        done: tells from the task's files whether there is nothing left to do.
        run: does it.
        needs: the names of tasks to be done before.
    """

    name: str
    group: str
    claim: Path
    done: Callable[[], bool]
    run: Callable[[], object]
    needs: tuple[str, ...] = ()


def run_tasks(tasks: Sequence[Task], *, jobs: int, logs: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Do all tasks that are not done, so many at a time, each in a process that does one after the other.

    A line is printed for each; what a task prints stands in the logs.

    Args:
        jobs: processes.
        logs: the folder of their logs, worker-N.log.
        environment: what is set for them, before they import anything.

    Returns:
        The tasks that are not done at the end, each with the log to look at, or with the task that it waited for.
    """
    logs.mkdir(parents=True, exist_ok=True)
    context, run = multiprocessing.get_context("spawn"), uuid4().hex
    paths = [logs / f"worker-{number}.log" for number in range(jobs)]
    workers = [
        context.Process(target=_work, args=(ordered(tasks, number, jobs), run, path))
        for number, path in enumerate(paths)
    ]
    try:
        with set_for_now(environment):
            for worker in workers:
                worker.start()
        for worker in workers:
            worker.join()
    finally:
        for worker in workers:
            if worker.is_alive() and worker.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(worker.pid, signal.SIGKILL)
                worker.kill()
    return {task.name: _last_words(task, run) for task in tasks if not task.done()}


def ordered(tasks: Sequence[Task], number: int, jobs: int) -> list[Task]:
    """The tasks as a worker looks for one: those of its own groups first, then those of the next worker's."""
    groups = list(dict.fromkeys(task.group for task in tasks))
    turns = [groups[(number + turn) % len(groups) :: jobs] for turn in range(len(groups))]
    order = list(dict.fromkeys(group for turn in turns for group in turn))
    return sorted(tasks, key=lambda task: order.index(task.group))


@contextlib.contextmanager
def set_for_now(environment: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and put them back as they were."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _work(tasks: Sequence[Task], run: str, log: Path) -> None:
    """Do one task after the other, until none is left that this run could do."""
    os.setpgrp()  # so that what a task started ends with it
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with os.fdopen(os.dup(1), "w", buffering=1) as shown, log.open("a") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
        while _do_one(tasks, run, log, shown):
            pass


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.killpg(0, signal.SIGKILL)


def _do_one(tasks: Sequence[Task], run: str, log: Path, shown: TextIO) -> bool:
    """Do the first task that can be done, and wait for one where others work on what is needed; False without any."""
    named = {task.name: task for task in tasks}
    while True:
        waiting = False
        for task in tasks:
            if task.done():
                continue
            if not all(named[need].done() for need in task.needs):
                waiting |= not _hopeless(task, named, run)
                continue
            with _claimed(task.claim) as claim:
                if claim is None:
                    waiting = True
                elif not task.done() and _tried(claim) != run:
                    claim.truncate(0)
                    claim.write(f"{run}\n{log}\n")
                    claim.flush()
                    _do(task, log, shown)
                    return True
        if not waiting:
            return False
        time.sleep(_WAIT)


def _do(task: Task, log: Path, shown: TextIO) -> None:
    print(f"== {time.strftime('%H:%M:%S')} {task.name}", flush=True)
    begin = time.monotonic()
    try:
        task.run()
    except (Exception, SystemExit):
        traceback.print_exc()
    sys.stdout.flush()
    result = "done" if task.done() else f"FAILED, see {log}"
    print(f"{time.strftime('%H:%M:%S')} {task.name}: {result}, {time.monotonic() - begin:.0f} s", file=shown)


def _hopeless(task: Task, named: Mapping[str, Task], run: str) -> bool:
    """Whether this run cannot do the task any more: it, or what it needs, was tried and is not done."""
    if task.done():
        return False
    if any(_hopeless(named[need], named, run) for need in task.needs):
        return True
    with _claimed(task.claim) as claim:
        return claim is not None and not task.done() and _tried(claim) == run


def _last_words(task: Task, run: str) -> str:
    lines = task.claim.read_text().splitlines() if task.claim.exists() else []
    return f"see {lines[1]}" if lines[:1] == [run] else f"waited for {' and '.join(task.needs) or 'another run'}"


def _tried(claim: TextIO) -> str:
    """The run that tried a claim's task last."""
    claim.seek(0)
    return claim.readline().strip()


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[TextIO | None]:
    """Hold a task's claim; None where another process does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield file

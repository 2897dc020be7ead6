"""The queue of tests/benchmarks: each task once, whoever shares it; what failed is named, and a stopped run goes on."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from tests.benchmarks.task_queue import Task, ordered, run_tasks


def note(folder: Path, name: str) -> None:
    """Leave a file, and a line in what is printed; a second time it is an error."""
    print(f"noting {name} with {os.environ['SABER_TEST_NOTE']}")
    with (folder / name).open("x") as file:
        file.write(str(os.getpid()))


def fail(folder: Path) -> None:
    with (folder / "tried").open("a") as file:
        file.write("once\n")
    raise SystemExit("no such luck")


def die(folder: Path) -> None:
    fail_quietly = folder / "tried"
    fail_quietly.write_text(fail_quietly.read_text() + "once\n" if fail_quietly.exists() else "once\n")
    os.kill(os.getpid(), signal.SIGKILL)


def task(folder: Path, name: str, run: object = None, *, needs: tuple[str, ...] = (), group: str = "one") -> Task:
    run = run or partial(note, folder, name)
    return Task(name, group, folder / "claims" / name, (folder / name).exists, run, needs)  # type: ignore[arg-type]


def run(tasks: list[Task], folder: Path, jobs: int) -> dict[str, str]:
    return run_tasks(tasks, jobs=jobs, logs=folder / "logs", environment={"SABER_TEST_NOTE": "a word"})


def test_all_is_done_once_in_order_and_by_several_processes(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(8)]
    tasks = [task(tmp_path, name, needs=("first",), group=name[-1]) for name in names]
    assert run([*tasks, task(tmp_path, "first")], tmp_path, jobs=2) == {}
    assert all((tmp_path / name).stat().st_mtime_ns >= (tmp_path / "first").stat().st_mtime_ns for name in names)
    printed = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert sorted(line for line in printed.splitlines() if line.startswith("noting")) == sorted(
        f"noting {name} with a word" for name in [*names, "first"]
    )
    assert "SABER_TEST_NOTE" not in os.environ
    assert run(tasks, tmp_path, jobs=1) == {}  # whose tasks would fail the second time


def test_a_failure_is_named_tried_once_and_keeps_nobody_else_from_working(tmp_path: Path) -> None:
    tasks = [
        task(tmp_path, "bad", partial(fail, tmp_path)),
        task(tmp_path, "after", needs=("bad",)),
        task(tmp_path, "last", needs=("after",)),
        task(tmp_path, "good"),
    ]
    failed = run(tasks, tmp_path, jobs=1)
    assert failed == {
        "bad": f"see {tmp_path / 'logs' / 'worker-0.log'}",
        "after": "waited for bad",
        "last": "waited for after",
    }
    assert "no such luck" in (tmp_path / "logs" / "worker-0.log").read_text()
    assert (tmp_path / "good").exists() and (tmp_path / "tried").read_text() == "once\n"
    # Another run tries again.
    assert set(run(tasks, tmp_path, jobs=1)) == {"bad", "after", "last"}
    assert (tmp_path / "tried").read_text() == "once\nonce\n"


def test_who_dies_over_a_task_does_not_take_the_others_along(tmp_path: Path) -> None:
    tasks = [task(tmp_path, "deadly", partial(die, tmp_path)), task(tmp_path, "good")]
    assert set(run(tasks, tmp_path, jobs=2)) == {"deadly"}
    assert (tmp_path / "good").exists() and (tmp_path / "tried").read_text() == "once\n"


def test_who_is_killed_takes_its_workers_along_and_leaves_its_claim(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from tests.test_task_queue import *
if __name__ == "__main__":
    folder = Path({str(tmp_path)!r})
    run([task(folder, "slow", partial(sleep, folder))], folder, jobs=1)
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen([sys.executable, script], env=os.environ | {"PYTHONPATH": str(root)}) as process:
        wait_for(tmp_path / "asleep")
        worker = int((tmp_path / "asleep").read_text())
        process.kill()
    while alive(worker):
        time.sleep(0.02)
    assert run([task(tmp_path, "slow")], tmp_path, jobs=1) == {}


def sleep(folder: Path) -> None:
    part = folder / "asleep.part"
    part.write_text(str(os.getpid()))
    part.rename(folder / "asleep")
    time.sleep(600)


def wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.02)


def alive(process: int) -> bool:
    """Whether a process works; one that nobody asked for its status since it ended does not."""
    path = Path(f"/proc/{process}/stat")
    return path.exists() and path.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_a_worker_keeps_to_its_groups_before_it_helps_others() -> None:
    tasks = [
        Task(f"{group}{number}", group, Path(), Path().exists, print)
        for number in range(2)
        for group in ("a", "b", "c")
    ]
    # Of three groups and two workers, the first has a and c, the second b.
    assert [task.name for task in ordered(tasks, 0, 2)] == ["a0", "a1", "c0", "c1", "b0", "b1"]
    assert [task.name for task in ordered(tasks, 1, 2)] == ["b0", "b1", "c0", "c1", "a0", "a1"]
    # More workers than groups: they begin at different ones.
    assert [ordered(tasks, number, 6)[0].group for number in range(6)] == ["a", "b", "c", "a", "b", "c"]

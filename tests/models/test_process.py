"""models/process.py: an engine that has processes of its own, of which nothing is left however a run ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from swift_saber.media.place import Problem
from swift_saber.models.process import ModelDied, ModelProcess
from tests.models import family


def row(text: str) -> dict[str, object]:
    return {"id": text, "messages": [{"role": "user", "content": text}], "videos": [], "audios": []}


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(found: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not found() and time.monotonic() < end:
        time.sleep(0.05)
    return found()


def family_of(note: Path) -> list[int]:
    """The process with the model, and the one that it has started."""
    assert wait_for(note.exists)
    found = [int(pid) for pid in note.read_text().split()]
    note.unlink()
    return found


@pytest.fixture
def note(tmp_path: Path) -> Path:
    return tmp_path / "pids"


@pytest.fixture
def process(note: Path, monkeypatch: pytest.MonkeyPatch) -> ModelProcess:
    monkeypatch.setattr("swift_saber.models.process.serve", family.serve)
    return ModelProcess("m", [str(note)], {}, None, None)


def test_an_engine_may_have_a_process_of_its_own_which_ends_with_the_model(process: ModelProcess, note: Path) -> None:
    assert list(process.each([row("a"), row("b")])) == [{"response": "a"}, {"response": "b"}]
    pids = family_of(note)
    assert all(map(is_alive, pids))
    process.close()
    assert not any(map(is_alive, pids))


def test_a_model_that_is_stopped_in_a_batch_leaves_nothing(process: ModelProcess, note: Path) -> None:
    process.load()
    pids = family_of(note)
    timer = threading.Timer(0.2, process.stop)
    timer.start()
    with pytest.raises(ModelDied):
        list(process.each([row("slow")]))
    process.close()
    assert not any(map(is_alive, pids))


def test_what_a_killed_model_had_started_ends_before_another_is_loaded(process: ModelProcess, note: Path) -> None:
    [problem] = process.each([row("die")], again=False)
    assert isinstance(problem, Problem) and "signal 9" in problem.reason
    first = family_of(note)
    assert not any(map(is_alive, first))
    assert list(process.each([row("a")])) == [{"response": "a"}]
    second = family_of(note)
    process.close()
    assert not any(map(is_alive, second))


RUN = """
import sys
from swift_saber.models import process
from tests.models import family
from tests.models.test_process import row

if __name__ == "__main__":
    process.serve = family.serve
    model = process.ModelProcess("m", [sys.argv[1]], {}, None, None)
    model.load()
    if sys.argv[2] == "slow":
        list(model.each([row("slow")]))
"""


@pytest.mark.parametrize("way", ["slow", "idle"])
def test_nothing_survives_a_run_that_is_killed_or_that_forgets_its_model(tmp_path: Path, note: Path, way: str) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN)
    repository = str(Path(__file__).resolve().parents[2])
    run = subprocess.Popen([sys.executable, script, note, way], env={**os.environ, "PYTHONPATH": repository})
    pids = family_of(note)
    if way == "slow":
        run.send_signal(signal.SIGKILL)
    assert run.wait(60) == (-signal.SIGKILL if way == "slow" else 0)
    assert wait_for(lambda: not any(map(is_alive, pids)))

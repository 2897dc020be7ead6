"""media/pool.py: what becomes of functions that raise, hang, or take the process with them."""

import os
import signal
import time
from pathlib import Path

import pytest

from swift_saber.media.place import Problem
from swift_saber.media.pool import Lost, guarded


def act(what: str, value: object) -> object:
    """Do what a library may do to a worker; the workers call it."""
    if what == "raise":
        raise LookupError(f"nothing\n{value}")
    if what == "exit":
        os._exit(3)
    if what == "hang":
        time.sleep(600)
    if what == "killed":
        times, path = 0, Path(str(value))
        if path.exists():
            times = int(path.read_text())
        path.write_text(str(times + 1))
        if times < int(path.stem):
            os.kill(os.getpid(), signal.SIGKILL)
    print("a decoder's noise", flush=True)
    return {"got": value}


def test_each_item_has_its_answer_in_order_whatever_becomes_of_its_worker(capfd: pytest.CaptureFixture[str]) -> None:
    items = [(n, [what, n]) for n, what in enumerate(["give", "raise", "give", "exit", "hang", "give"])]
    answers = dict(guarded(items, act, workers=2, limit=3))
    assert list(answers) == [0, 1, 2, 3, 4, 5]
    assert [answers[n] for n in (0, 2, 5)] == [{"got": 0}, {"got": 2}, {"got": 5}]
    found = [answers[n] for n in (1, 3, 4)]
    assert [problem.reason for problem in found if isinstance(problem, Problem)] == [
        "cannot be checked (LookupError: nothing\\n1)",
        "the process that decoded it ended with status 3",
        "was not decoded within 3 seconds",
    ]
    assert [isinstance(problem, Lost) for problem in found] == [False, True, True]
    assert "noise" not in "".join(capfd.readouterr())


def test_an_item_is_asked_again_once_where_its_worker_is_killed(tmp_path: Path) -> None:
    once, always = str(tmp_path / "1.txt"), str(tmp_path / "99.txt")
    items = [("once", ["killed", once]), ("always", ["killed", always]), ("after", ["give", 0])]
    answers = dict(guarded(items, act, workers=1, limit=60))
    assert answers["once"] == {"got": once} and answers["after"] == {"got": 0}
    problem = answers["always"]
    assert isinstance(problem, Problem) and problem.reason == "the process that decoded it ended with SIGKILL"
    assert Path(always).read_text() == "2"


def test_keys_stay_here_and_need_not_travel() -> None:
    key = object()
    assert list(guarded([(key, ["give", [1, None, "ü"]])], act, workers=1, limit=60)) == [
        (key, {"got": [1, None, "ü"]})
    ]


def test_a_worker_that_cannot_be_started_says_why_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exception, match="pickle"):
        list(guarded([("a", [])], lambda: None, workers=2, limit=5))
    assert "join" not in capfd.readouterr().err

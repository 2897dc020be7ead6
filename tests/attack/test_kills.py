"""Commands that are killed at random instants: no row is lost or doubled, and nothing is paid for twice."""

import json
import random
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.attack import kill_scenes, kill_training
from tests.attack.kills import Broken, Listener, attack, files_below

slow = pytest.mark.slow
PATIENT = """
import signal, sys, time
from pathlib import Path
place = Path("rows.txt")
while (done := len(place.read_text()) if place.exists() else 0) < 40:
    with place.open("a") as file:
        file.write("." * {step})
    time.sleep(0.01)
sys.exit({status})
"""


def killed(folder: Path, kills: int, *, step: int = 1, status: int = 0, after: str = "") -> tuple[int, int]:
    """What a small program that is killed has written in the end, and how often it was killed."""
    (folder / "work.py").write_text(PATIENT.format(step=step, status=status) + after)
    kinds = {"group": 1, "command": 1, "term": 1}
    told = attack(
        [sys.executable, "work.py"],
        folder,
        random.Random(0),
        kills=kills,
        changes=5,
        signs=lambda: files_below(folder),
        environment={},
        kinds=kinds,
    )
    assert told.starts == told.kills.total() + 1 and told.left == 0
    return len((folder / "rows.txt").read_text()), told.kills.total()


def test_a_command_is_killed_so_often_and_then_let_go(tmp_path: Path) -> None:
    assert killed(tmp_path, 4) == (40, 4)


def test_a_command_that_fails_by_itself_is_told(tmp_path: Path) -> None:
    with pytest.raises(Broken, match="status 3 after nothing"):
        killed(tmp_path, 1, step=40, status=3)


def test_what_is_written_twice_or_not_at_all_is_counted() -> None:
    ended = kill_scenes.Ended(["a", "b", "c", "d"], ["a", "b", "b"], ["a"], None)
    assert (ended.lost, ended.doubled) == (2, 2)


def test_the_listener_counts_who_comes_by_whatever_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with Listener() as listener:
        for name, value in listener.environment.items():
            monkeypatch.setenv(name, value)
        for address in (f"{listener.url}/clip.mp4", "http://a.host.elsewhere/model"):
            with pytest.raises((URLError, OSError)):
                urllib.request.build_opener().open(address, timeout=5)  # urlopen keeps the proxies of its first call
    assert [line.split()[:2] for line in listener.reached] == [
        [b"GET", b"/clip.mp4"],
        [b"GET", b"http://a.host.elsewhere/model"],
    ]


#: rows, kills, changes: an instant is 1 to so many changes after the one before. The pipeline is killed in
#: tests/pipeline/test_run.py, and at full size with the others in tests/benchmarks/attack_kills.py.
SIZES: Mapping[str, tuple[int, int, int]] = {
    "infer": (48, 2, 16),
    "score": (16, 2, 20),
    "sample": (18, 2, 16),
    "eval": (16, 1, 12),
}
_SLOW = {"sample", "eval"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=[slow] if name in _SLOW else []) for name in SIZES])
def test_a_killed_command_does_what_it_does_without_kills_and_pays_nothing_twice(name: str, tmp_path: Path) -> None:
    rows, kills, changes = SIZES[name]
    scene = kill_scenes.SCENES[name]
    report = kill_scenes.kill(name, scene, tmp_path, rows=rows, kills=kills, changes=changes)
    assert report.problems == [], report.line()
    assert report.told.kills.total() > 0


def test_a_checkpoint_without_its_last_file_is_not_whole(tmp_path: Path) -> None:
    for step in (2, 4, 6, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    (tmp_path / "checkpoint-10" / "trainer_state.json").write_text('{"global_step"')
    (tmp_path / "checkpoint-6" / "trainer_state.json").unlink()
    assert kill_training.newest(tmp_path) == tmp_path / "checkpoint-4"

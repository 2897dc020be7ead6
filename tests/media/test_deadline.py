"""media/deadline.py: a file that is not read in time costs itself, and neither the process nor its end."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.media import deadline
from swift_saber.media.deadline import MOST_LEFT, clip_seconds, within

SHORT = 0.05


class Hanging:
    """A reader that hangs until it is let go; it counts how often it was called."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._go = threading.Event()

    def __call__(self, path: str) -> str:
        self.calls.append(path)
        assert self._go.wait(60)
        return f"frames of {path}"

    def let_go(self) -> None:
        self._go.set()
        for thread in deadline._left.values():
            thread.join(60)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    monkeypatch.setattr(deadline, "_left", {})
    reader = Hanging()
    yield reader
    reader.let_go()


def test_what_is_read_in_time_is_returned() -> None:
    assert within(60, os.path.join, "a", "b", "c") == "a/b/c"


@pytest.mark.parametrize("error", [InputError("a.mp4", "video", "is empty", "remove it"), KeyError("x"), SystemExit(3)])
def test_what_the_reader_raises_is_raised(error: BaseException) -> None:
    def read(path: str) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        within(60, read, "a.mp4")
    assert raised.value is error


def test_a_file_that_hangs_is_given_up_and_named(hanging: Hanging) -> None:
    with pytest.raises(TimeoutError, match=r"^a\.mp4: was not read within 0\.05 seconds$"):
        within(SHORT, hanging, "a.mp4")


def test_a_file_is_not_read_again_as_long_as_it_hangs(hanging: Hanging) -> None:
    for _ in range(3):
        with pytest.raises(TimeoutError, match=r"a\.mp4"):
            within(SHORT, hanging, "a.mp4")
    assert hanging.calls == ["a.mp4"]
    assert within(60, len, "b.mp4") == 5
    hanging.let_go()
    assert within(60, hanging, "a.mp4") == "frames of a.mp4"


def test_where_many_files_hang_the_process_ends_and_names_them(hanging: Hanging) -> None:
    for number in range(MOST_LEFT - 1):
        with pytest.raises(TimeoutError):
            within(SHORT, hanging, f"{number}.mp4")
    with pytest.raises(SystemExit, match=f"{MOST_LEFT} files hang .* 0.mp4, 1.mp4, .*{MOST_LEFT - 1}.mp4; .*check"):
        within(SHORT, hanging, f"{MOST_LEFT - 1}.mp4")


def test_files_that_were_only_slow_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "_left", {})
    for number in range(MOST_LEFT + 1):
        slow = Hanging()
        with pytest.raises(TimeoutError):
            within(SHORT, slow, f"{number}.mp4")
        slow.let_go()


@pytest.mark.skipif(sys.platform != "linux", reason="a priority is a process's elsewhere")
def test_what_hangs_gives_way_to_all_others(hanging: Hanging) -> None:
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    with pytest.raises(TimeoutError):
        within(SHORT, hanging, "a.mp4")
    [thread] = deadline._left.values()
    assert thread.native_id is not None
    assert os.getpriority(os.PRIO_PROCESS, thread.native_id) == 19
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


# The open of a pipe that nobody writes to waits inside a library, as a decoder would.
STUCK = """
import multiprocessing, sys
import av
from swift_saber.media.deadline import within

def read(path):
    try:
        within(0.2, av.open, path)
    except TimeoutError:
        print("given up", flush=True)

if sys.argv[2] == "child":
    child = multiprocessing.get_context("fork").Process(target=read, args=(sys.argv[1],))
    child.start()
    child.join()
    sys.exit(child.exitcode)
read(sys.argv[1])
"""


@pytest.mark.parametrize("where", ["here", "child"])
def test_a_process_ends_while_a_library_hangs(where: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "clip.mp4")
    command = [sys.executable, "-c", STUCK, str(tmp_path / "clip.mp4"), where]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("given up\n", 0), done.stderr


@pytest.mark.parametrize(("text", "seconds"), [(None, 300), ("", 300), ("90", 90), ("0.5", 0.5)])
def test_the_limit_is_a_setting(text: str | None, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SABER_CLIP_SECONDS", raising=False)
    if text is not None:
        monkeypatch.setenv("SABER_CLIP_SECONDS", text)
    assert clip_seconds() == seconds


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e12", "5 min"])
def test_a_limit_that_is_none_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABER_CLIP_SECONDS", text)
    with pytest.raises(InputError, match="environment: SABER_CLIP_SECONDS: is .*; use a number of seconds above 0"):
        clip_seconds()

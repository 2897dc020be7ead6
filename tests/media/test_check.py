"""media/check.py: what becomes of broken clips, of workers that hang or die, and of the rest."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from swift_saber.media.check import Problem, check_clips, hear_clips
from tests.media_faults import RATE, Fault, encode, frames, make_faults, sound

Clip = tuple[int, list[str], list[str]]


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> list[Fault]:
    return make_faults(tmp_path_factory.mktemp("faults") / "set")


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good.mp4"
    encode(path, frames(), sound())
    return path


def _media(fault: Fault) -> tuple[Fault, list[str], list[str]]:
    path = [str(fault.path)]
    return (fault, path, []) if fault.kind == "video" else (fault, [], path)


def test_every_fault_has_its_verdict_and_costs_no_other_clip(
    faults: list[Fault], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SWIFT_AUDIO_LOAD_BACKEND", raising=False)
    assert len({fault.name for fault in faults}) == len(faults) > 100
    answers = list(check_clips(map(_media, faults), workers=2, limit=60))
    assert [fault for fault, _ in answers] == faults
    wrong = []
    for fault, problem in answers:
        verdict = "rejected" if problem else "usable"
        if fault.expected not in {verdict, "either"} or (problem and fault.reason not in problem.reason):
            wrong.append((fault.name, fault.expected, fault.reason, problem))
        if problem:
            assert (problem.reason + problem.remedy).isprintable()
            assert problem.remedy
            # Each has a reason of its own: no time ran out, no process died, no check failed for its own sake.
            assert "was not decoded within" not in problem.reason
            assert "ended with" not in problem.reason
            assert "cannot be checked" not in problem.reason
    assert wrong == []
    assert multiprocessing.active_children() == []


def test_a_clip_has_the_length_of_its_picture_and_else_of_its_sound(good: Path, tmp_path: Path) -> None:
    broken, long = tmp_path / "broken.mp4", tmp_path / "long.wav"
    broken.write_bytes(b"no video here")
    soundfile.write(long, sound(5), RATE)
    rows = [
        {"videos": [str(good)], "audios": None},
        {"videos": [str(good)], "audios": [str(long)]},
        {"videos": [], "audios": [str(long)]},
        {"videos": [str(broken)], "audios": []},
        {},
    ]
    found = [heard.seconds for _, heard in hear_clips(enumerate(rows), workers=1, limit=60)]
    assert found == [2.0, 2.0, 5.0, None, None]  # good.mp4: 16 frames of 8 a second, and two seconds of sound


def _stopping(good: Path, at: int, killed: bool) -> Iterator[Clip]:
    """Ten good clips; the only worker is stopped in its tracks before it is given clip `at`, and perhaps killed."""
    for number in range(10):
        if number == at:  # asked for when the worker is idle
            [worker] = multiprocessing.active_children()
            os.kill(worker.pid or 0, signal.SIGSTOP)
            if killed:
                threading.Timer(0.5, os.kill, (worker.pid, signal.SIGKILL)).start()
        yield number, [str(good)], []


def test_a_worker_that_hangs_costs_only_its_clip(good: Path) -> None:
    answers = list(check_clips(_stopping(good, 3, killed=False), workers=1, limit=5))
    assert [number for number, _ in answers] == list(range(10))
    assert [number for number, problem in answers if problem] == [3]
    problem = answers[3][1]
    assert problem and "was not decoded within 5 seconds" in problem.reason
    assert str(good) in problem.reason
    assert multiprocessing.active_children() == []


def test_a_worker_that_is_killed_from_outside_costs_no_clip(good: Path) -> None:
    answers = list(check_clips(_stopping(good, 3, killed=True), workers=1, limit=60))
    assert answers == [(number, None) for number in range(10)]
    assert multiprocessing.active_children() == []


def test_a_slow_clip_is_refused_by_the_limit_and_by_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(b"\0\0\0\1" * 48_000)
    data = bytearray(path.read_bytes()[:44])
    size = 59 * 60 * 48_000 * 4  # 59 minutes of silence, for which the disk gives no space
    data[4:8], data[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    path.write_bytes(bytes(data))
    os.truncate(path, 44 + size)
    clip = ("long", [], [str(path)])
    [(_, late)] = check_clips([clip], workers=1, limit=0.01)
    assert late and "was not decoded within 0.01 seconds" in late.reason
    assert "allow more time" in late.remedy
    [(_, whole)] = check_clips([clip], workers=1, limit=120)
    assert whole and "is silent from beginning to end" in whole.reason  # so it was decoded to its end


def test_clips_are_taken_only_a_few_ahead_and_workers_end_with_the_iterator(good: Path) -> None:
    taken = 0

    def clips() -> Iterator[Clip]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number, [str(good)], []

    checked = check_clips(clips(), workers=2, limit=60)
    assert next(checked) == (0, None)
    before = -1
    while before != taken:  # until the workers have gone as far as they may
        before = taken
        time.sleep(1)
    assert 1 < taken <= 1 + 2 * 4 + 1  # one given back, four for each worker, one looked at
    assert len(multiprocessing.active_children()) == 2
    checked.close()
    assert multiprocessing.active_children() == []


def test_an_error_of_the_caller_comes_after_the_clips_before_it(good: Path) -> None:
    def clips() -> Iterator[Clip]:
        yield 0, [str(good)], []
        raise LookupError("the next row")

    checked = check_clips(clips(), workers=1, limit=60)
    assert next(checked) == (0, None)
    with pytest.raises(LookupError, match="the next row"):
        next(checked)
    assert multiprocessing.active_children() == []


def test_a_link_does_not_lead_out_of_the_allowed_folder(good: Path, tmp_path: Path) -> None:
    inside = tmp_path / "inside.mp4"
    inside.write_bytes(good.read_bytes())
    outside, folder, within = tmp_path / "outside.mp4", tmp_path / "folder", tmp_path / "within.mp4"
    outside.symlink_to(good)
    folder.symlink_to(good.parent)
    within.symlink_to(inside)
    paths = [inside, within, outside, folder / good.name, good, tmp_path / ".." / good.name]
    clips = [(path, [str(path)], []) for path in paths]
    problems = [problem for _, problem in check_clips(clips, workers=1, limit=60, root=str(tmp_path))]
    assert problems[:2] == [None, None]
    assert all(problem and f"lies outside the allowed folder {tmp_path}" in problem.reason for problem in problems[2:])


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1/a.mp4", "HTTPS://x/a.mp4", "file:///a.mp4", "data:,x", "ftp://x"]
)
def test_an_address_is_never_opened(address: str) -> None:
    [(_, problem)] = check_clips([(0, [address], [])], workers=1, limit=60)
    assert problem and "is an address, not a local file" in problem.reason


def test_a_problem_is_one_line_that_a_terminal_can_show() -> None:
    problem = Problem("a\x1b[31m\nb\u202e\udc80", "c\r")
    assert problem.reason == "a\\x1b[31m\\nb\\u202e\\udc80"
    assert problem.remedy == "c\\r"


@pytest.mark.parametrize(("workers", "limit"), [(0, 1.0), (1, 0.0)])
def test_no_workers_and_no_time_are_refused(workers: int, limit: float) -> None:
    with pytest.raises(ValueError, match="both are above 0"):
        list(check_clips([], workers=workers, limit=limit))


_SCRIPT = """
import multiprocessing, sys, time
from swift_saber.media.check import check_clips
if __name__ == "__main__":
    for number, _ in check_clips(((n, [sys.argv[1]], []) for n in range(10**6)), workers=2, limit=60):
        if number == 20:
            print(*(child.pid for child in multiprocessing.active_children()), flush=True)
"""


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_worker_outlives_its_run(good: Path, tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "run.py"
    script.write_text(_SCRIPT)
    run = subprocess.Popen(
        [sys.executable, script, good],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert run.stdout
    workers = [int(pid) for pid in run.stdout.readline().split()]
    assert workers
    if how == signal.SIGKILL:
        run.kill()
    else:
        os.killpg(run.pid, how)  # as a terminal does it: to the workers as well
    _, errors = run.communicate(timeout=60)
    if how == signal.SIGINT:
        assert errors.count("Traceback") == 1  # of the script, which does not catch it
        assert errors.rstrip().endswith("KeyboardInterrupt")
    until = time.monotonic() + 60
    while any(_running(pid) for pid in workers) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [pid for pid in workers if _running(pid)]


def test_workers_that_cannot_start_end_the_run_and_blame_no_clip(good: Path) -> None:
    # A worker imports the program that started it, and one that came through a pipe has no file.
    checked = f"list(check_clips([(0, [{str(good)!r}], [])], workers=1, limit=9))"
    program = f"from swift_saber.media.check import check_clips\nprint({checked})"
    run = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, timeout=120)
    assert run.returncode == 1
    assert run.stdout == ""
    assert "RuntimeError: a worker process ended with status 1 before it was ready" in run.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("backend", ["", "librosa", "soundfile_pyav"])
def test_what_passes_can_be_read_by_the_readers_of_the_model(
    faults: list[Fault], backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qwen_omni_utils.v2_5.vision_process import fetch_video
    from swift.template.templates.qwen import load_audio

    monkeypatch.setenv("SWIFT_AUDIO_LOAD_BACKEND", backend)
    read = 0
    for fault, problem in check_clips(map(_media, faults), workers=2, limit=60):
        if problem:
            continue
        if fault.kind == "video":
            assert fetch_video({"video": str(fault.path)}).shape[0] >= 2, fault.name
        else:
            assert len(load_audio(str(fault.path), 16_000)) > 0, fault.name
        read += 1
    assert read > 50

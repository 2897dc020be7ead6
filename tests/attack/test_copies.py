"""Copies of clips on their way to a server: a temp folder that takes none ends the run, and is no fault of a clip."""

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swift_saber.inference.analyze import analyze
from swift_saber.models import upload
from swift_saber.models.clips import clip_parts
from swift_saber.models.endpoint import Endpoint
from swift_saber.models.service import Service
from swift_saber.pairs.sample import sample
from swift_saber.text.strict_json import dumps
from tests.attack.test_uploads import _asked, _reply
from tests.llm_server import LLMServer, row
from tests.media_faults import encode, frames, sound


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    encode(path, frames(8), sound(1))
    return path


@pytest.fixture
def temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temp folder of this test."""
    folder = tmp_path / "temp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def _full(_: Path, patched: pytest.MonkeyPatch) -> None:
    """Every write of a copy fails as on a disk that is full; so may the last ones, when it is closed."""
    plain = Path.open
    full = Path("/dev/full")
    patched.setattr(Path, "open", lambda self, mode="r", *more, **named: plain(
        *((full, "wb") if mode == "xb" else (self, mode)), *more, **named))  # fmt: skip


def _no_folder(temp: Path, _: pytest.MonkeyPatch) -> None:
    temp.rmdir()


def _no_descriptors(clip: Path, patched: pytest.MonkeyPatch) -> None:
    plain = os.open

    def opened(path: Any, *more: Any, **named: Any) -> int:
        if str(path).endswith(clip.name):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), path)
        return plain(path, *more, **named)

    patched.setattr(os, "open", opened)


FAULTS: dict[str, tuple[Callable[[Path, pytest.MonkeyPatch], None], int]] = {
    "full": (_full, errno.ENOSPC),
    "gone": (_no_folder, errno.ENOENT),
    "too many open files": (_no_descriptors, errno.EMFILE),
}


def _ask(way: str, server: LLMServer, folder: Path, clip: Path) -> object:
    """One clip on each way on which a file goes to a server."""
    if way == "analyze":
        return analyze(str(clip), "judge", server=Service("judge", server.url))
    if way == "sample":
        turn = [{"role": "user", "content": "How?"}]
        questions = folder / "questions.jsonl"
        questions.write_text(dumps({"id": "a", "messages": turn, "videos": [str(clip)], "audios": []}) + "\n")
        return sample(questions, folder / "out.jsonl", source=Endpoint("judge", server.url), k=1, concurrency=2)
    media: dict[str, Any] = {"audios": [str(clip)]} if way == "speech" else {"videos": [str(clip)], "audios": []}
    return _asked(way, server, folder, [row("a") | media])


WAYS = ("judge", "annotate", "visual", "speech", "sample", "analyze")


@pytest.mark.parametrize(
    ("way", "fault"),
    # analyze makes a folder of its own there first, whose name is then said.
    [(way, fault) for way in WAYS for fault in FAULTS if (way, fault) != ("analyze", "gone")],
)
def test_a_temp_folder_that_takes_no_copy_ends_the_run_and_nothing_is_recorded(
    way: str, fault: str, clip: Path, temp: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_it, number = FAULTS[fault]
    with LLMServer(_reply) as server:
        with monkeypatch.context() as patched, pytest.raises(OSError) as caught:
            break_it(clip if fault.startswith("too") else temp, patched)
            _ask(way, server, tmp_path, clip)
        assert server.asked == []
        assert (caught.value.errno, caught.value.filename) == (number, str(temp))  # as the command shows it
        assert ("ulimit" if number == errno.EMFILE else "TMPDIR") in str(caught.value)
        kept = {path.name: path.read_text() for path in tmp_path.rglob("*.jsonl")}
        inputs = {"questions.jsonl", "candidates.jsonl"}
        assert {name for name, text in kept.items() if text} <= inputs
        temp.mkdir(exist_ok=True)
        _ask(way, server, tmp_path, clip)  # the same command goes on
        assert server.asked and list(temp.iterdir()) == []


_HOLD = """
import sys
from swift_saber.models.upload import checked

with checked(sys.argv[1], "video"):
    print("held", flush=True)
    sys.stdin.read()
"""


def _holder(clip: Path, temp: Path) -> "subprocess.Popen[str]":
    """A process that has a copy of a clip."""
    child = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(clip)],
        env=os.environ | {"TMPDIR": str(temp)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "held\n"
    return child


def test_copies_of_runs_that_were_killed_go_with_the_next_run_and_no_others(
    clip: Path, temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (temp / "swift-saber-copy-new").mkdir()  # its process is about to lock it
    kept = [temp / "other" / "a.mp4", temp.parent / "linked" / "a.mp4", temp / "swift-saber-copy-file"]
    for path in kept:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"other")
    (temp / "swift-saber-copy-link").symlink_to(kept[1].parent)
    before = set(temp.iterdir())
    with _holder(clip, temp) as living:
        (held,) = set(temp.iterdir()) - before
        with _holder(clip, temp) as killed:
            killed.kill()
        (left,) = set(temp.iterdir()) - before - {held}
        with monkeypatch.context() as patched:  # as if it were another user's
            patched.setattr(os, "geteuid", lambda: left.stat().st_uid + 1)
            upload._remove_leftovers(str(temp))
        assert (left / "a.mp4").exists()
        upload._remove_leftovers.cache_clear()
        assert clip_parts([str(clip)], [])
        assert set(temp.iterdir()) == before | {held}
        assert (held / "a.mp4").read_bytes() == clip.read_bytes()
        living.communicate()
    assert set(temp.iterdir()) == before
    assert [path.read_bytes() for path in kept] == [b"other"] * 3

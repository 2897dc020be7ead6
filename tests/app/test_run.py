"""`swift-saber app` as a command: where it serves, what it refuses, what is left when it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from swift_saber.app.answers import from_server
from swift_saber.cli.main import main
from swift_saber.errors import InputError
from swift_saber.html.serving import listening
from swift_saber.models.service import Service
from tests.app.test_in_browser import STATE, click, needs_gradio
from tests.llm_server import Asked, LLMServer, Reply, fails
from tests.media_faults import encode, frames, sound
from tests.models.test_stream import DONE, EVENTS, event
from tests.report.browser import Browser, needs_chromium


@needs_gradio
def test_an_address_that_is_taken_is_one_line(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["app", "--model", str(model), "--port", port]) == 2
    error = capsys.readouterr().err
    assert f"127.0.0.1:{port}: cannot be served at" in error and "--port" in error


def test_without_gradio_the_line_says_how_to_install_it(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert main(["app", "--model", str(model)]) == 2
    assert "gradio: is not installed; pip install" in capsys.readouterr().err


@needs_gradio
def test_a_model_that_is_none_is_refused_before_anything_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", "--model", str(tmp_path)]) == 2
    assert "config.json" in capsys.readouterr().err


@needs_gradio
def test_ended_while_the_model_is_loaded_it_leaves_nothing(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(_: object) -> None:
        assert list(tmp_path.glob("swift-saber-app-*"))
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("the signal did not end it")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("swift_saber.models.process.ModelProcess.load", load)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # which may not hold: else the tests would end too
    try:
        with pytest.raises(SystemExit) as ended:
            main(["app", "--model", str(model), "--port", "0"])
        assert ended.value.code == 128 + signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not list(tmp_path.glob("swift-saber-app-*"))


def test_it_is_served_to_this_machine_alone() -> None:
    with listening("127.0.0.1", 0, "app") as (listener, address):
        host, port = listener.getsockname()
        assert (host, address) == ("127.0.0.1", f"http://127.0.0.1:{port}")
    with pytest.raises(InputError, match="70000"), listening("127.0.0.1", 70000, "app"):
        pass


ROW: dict[str, Any] = {"id": "a.mp4", "messages": [{"role": "user", "content": "What is shown?"}], "audios": []}


def test_a_server_is_sent_the_clip_and_its_answer_grows(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", frames(), sound())

    def script(asked: Asked) -> Reply:
        kinds = [part["type"] for part in asked.parts]
        assert kinds == ["video_url", "audio_url", "text"] and asked.body["stream"] is True
        return Reply(200, event("The ") + event("end") + event(finish="length") + DONE, EVENTS)

    path = str(tmp_path / "a.mp4")
    with LLMServer(script) as server:
        service = Service(model="m", base_url=server.url, retries=0)
        states = list(from_server(service.endpoint(), 64, 1).states({**ROW, "videos": [path], "audios": [path]}))
    assert (states[-1].text, states[-1].done, states[-1].cut) == ("The end", True, True)
    assert server.asked[0].body["max_tokens"] == 64


def test_what_a_server_refuses_is_said_to_who_asked(tmp_path: Path) -> None:
    with LLMServer(lambda _: fails(401)) as server:
        service = Service(model="m", base_url=server.url, retries=0)
        with pytest.raises(InputError, match="401"):
            list(from_server(service.endpoint(), 64, 1).states({**ROW, "videos": []}))


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The command, and the address that it says; its temp folder is the given one."""
    command = [sys.executable, "-m", "swift_saber.cli", "app", "--port", "0", *arguments]
    log = folder.with_suffix(".log")
    environment = {**os.environ, "TMPDIR": str(folder), "CUDA_VISIBLE_DEVICES": ""}
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        end = time.monotonic() + 300
        while "page is at" not in log.read_text():
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield process, log.read_text().split("page is at ")[1].split()[0]
    finally:
        process.kill()
        process.wait()


@needs_gradio
@needs_chromium
@pytest.mark.slow
def test_a_model_here_is_read_in_the_browser_and_nothing_is_left_of_it(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "temp"
    folder.mkdir()
    arguments = ["--model", str(tiny_model), "--language", "en", "--max-new-tokens", "24"]
    with running(folder, *arguments) as (process, address), Browser() as browser:
        browser.visit(address)
        click(browser, "#example-0")
        browser.wait("document.querySelector('#clip video')", 60)
        click(browser, "#read")
        browser.wait(f"['done', 'failed'].includes({STATE})", 120)
        [status] = browser.texts("#answer .status")  # random weights write on to the end
        assert status.startswith("conflict.mp4: read in ") and status.endswith("cut short")
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
    psutil.wait_procs(children, 20)
    assert not [child for child in children if child.is_running()]
    assert not [path for path in folder.iterdir() if not path.name.startswith("torch")]  # which torch leaves, empty

"""A headless Chromium, driven over the pipe of its DevTools protocol: opens a page from disk, runs a script in it,
presses keys, takes pictures."""

import base64
import json
import os
import shutil
import subprocess
import time
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import pytest

needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    # A camera and a microphone without devices, for pages that record.
    "--use-fake-device-for-media-stream=fps=10",
    "--use-fake-ui-for-media-stream",
    "--remote-debugging-pipe",
]


class Browser:
    """One browser with one page; a context manager.

    Args:
        language: what the browser asks for.
    """

    def __init__(self, language: str = "en-US") -> None:
        self._language = language
        self._numbers = count(1)
        self._rest = b""
        #: All that the page told since it was opened: requests, errors, messages on the console.
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> "Browser":
        self._profile = TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        # The browser reads commands on 3 and writes answers on 4.
        shell = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        options = [*_OPTIONS, f"--lang={self._language}", f"--accept-lang={self._language}"]
        options.append(f"--user-data-dir={self._profile.name}")
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", "chromium", *options, "about:blank"],
            pass_fds=(theirs_in, theirs_out),
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._session: str | None = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None
        try:
            self._call("Browser.close")
            self._process.wait(20)
        except (OSError, EOFError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def open(self, page: Path, fragment: str = "") -> None:
        """Open a page from disk and wait until it is loaded."""
        self._call("Page.navigate", url="about:blank")
        self.events.clear()
        self._call("Page.navigate", url=page.as_uri() + fragment)
        self.wait("location.protocol === 'file:' && document.readyState === 'complete'")

    def visit(self, address: str) -> None:
        """Open a page of a server and wait until it is loaded."""
        self._call("Page.navigate", url="about:blank")
        self.events.clear()
        self._call("Page.navigate", url=address)
        self.wait("location.protocol === 'http:' && document.readyState === 'complete'")

    def give(self, selector: str, *paths: Path) -> None:
        """Choose files in the file input that a selector finds."""
        node = self._call("Runtime.evaluate", expression=f"document.querySelector({selector!r})")["result"]
        self._call("DOM.setFileInputFiles", files=[str(path) for path in paths], objectId=node["objectId"])

    def save_to(self, folder: Path) -> None:
        """Let the page save files into a folder."""
        session, self._session = self._session, None
        self._call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        self._session = session

    def value(self, script: str) -> Any:
        """Return the value of an expression in the page; of a promise, what comes of it."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script: str, seconds: float = 20) -> None:
        """Wait until an expression is true in the page."""
        end = time.monotonic() + seconds
        while not self.value(f"Boolean({script})"):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.02)

    def press(self, *keys: str) -> None:
        """Press keys one after another: characters, or names as "ArrowDown"."""
        for key in keys:
            text = {"text": key} if len(key) == 1 else {}
            self._call("Input.dispatchKeyEvent", type="keyDown", key=key, **text)
            self._call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def look(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Set the size of the window and the colours that its user prefers."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._call("Emulation.setEmulatedMedia", features=features)

    def picture(self, path: Path) -> None:
        """Save what is seen as a PNG."""
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot")["data"]))

    def texts(self, selector: str) -> list[str]:
        """Return the text that is seen of each element a selector finds."""
        found: list[str] = self.value(f"[...document.querySelectorAll({selector!r})].map(each => each.innerText)")
        return found

    def faults(self) -> list[str]:
        """Return what went wrong in the page: exceptions and errors on the console."""
        bad = [event for event in self.events if event["method"] == "Runtime.exceptionThrown"]
        logged = (event for event in self.events if event["method"] == "Log.entryAdded")
        bad += [event for event in logged if event["params"]["entry"]["level"] == "error"]
        return [json.dumps(event["params"]) for event in bad]

    def asked(self) -> list[str]:
        """Return the addresses that the page asked for."""
        sent = (event for event in self.events if event["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        while True:
            answer = self._read()
            if answer.get("id") == number:
                assert "error" not in answer, answer["error"]
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self.events.append(answer)

    def _read(self) -> dict[str, Any]:
        parts = [self._rest]
        while b"\0" not in parts[-1]:
            data = os.read(self._from, 1 << 20)
            if not data:
                raise EOFError("the browser ended")
            parts.append(data)
        line, _, self._rest = b"".join(parts).partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

"""`swift-saber review` as a process of its own, and requests to it."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

_LINE = re.compile(r"swift-saber: (\S+): \d+ to \w+ at (http://\S+)")
_NONCES = count()


class Served:
    """The command with these arguments; a context manager. `pages` are the addresses of its reviewers, by name."""

    def __init__(self, *arguments: object) -> None:
        self._command = [sys.executable, "-m", "swift_saber.cli", "review", *map(str, arguments)]
        # Beside its reviews, since one that is killed leaves its temporary folder.
        self._temporary = str(Path(str(arguments[arguments.index("-o") + 1])).parent)
        self.pages: dict[str, str] = {}
        self.said: list[str] = []

    def __enter__(self) -> "Served":
        self.process = subprocess.Popen(
            self._command,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMPDIR": self._temporary, "XDG_STATE_HOME": f"{self._temporary}/state"},
        )
        assert self.process.stderr
        for line in self.process.stderr:
            self.said.append(line)
            if found := _LINE.match(line):
                self.pages[found[1]] = found[2]
            if "Ctrl-C ends it" in line:
                break
        else:
            raise AssertionError("".join(self.said))
        self._rest = threading.Thread(target=lambda: self.said.extend(self.process.stderr or ()))
        self._rest.start()
        self.client = httpx.Client(timeout=20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.end(signal.SIGTERM)

    def end(self, how: signal.Signals) -> int:
        """End it with a signal, and return its status."""
        self.process.send_signal(how)
        status = self.process.wait(20)
        self._rest.join()
        return status

    @property
    def page(self) -> str:
        """The address of the only reviewer."""
        [page] = self.pages.values()
        return page

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(self.page + path, headers=headers)

    def item(self, number: int, page: str = "") -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"{page or self.page}item/{number}").json()
        return found

    def save(
        self, number: int, page: str = "", /, headers: dict[str, str] | None = None, **said: Any
    ) -> httpx.Response:
        """Save an item as its page would: what is not said is as the server has it."""
        page = page or self.page
        item = self.item(number, page)
        body = {
            "nonce": f"nonce-{next(_NONCES):05d}",
            "item": number,
            "of": item["of"],
            "revision": item["revision"],
            "decision": "accept",
            "reason": "",
            "after": item["values"],
            **said,
        }
        origin = "/".join(page.split("/")[:3])
        return self.client.post(page + "save", json=body, headers={"Origin": origin, **(headers or {})})


def records(folder: Path, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows to a JSONL in a folder, and return its path."""
    from swift_saber.data.rows import write_rows

    write_rows(folder / "records.jsonl", rows)
    return folder / "records.jsonl"

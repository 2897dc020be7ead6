"""models/worker.serve with a stand-in for ms-swift that starts a process of its own, as vLLM does."""

import multiprocessing
import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from swift_saber.models import worker


def serve(*arguments: Any) -> None:
    """Load at once, and answer each row with its id; the text "die" kills this process, "slow" takes minutes."""
    worker._load, worker._answers = _load, _answers
    worker._batch_size = lambda infer: 4
    worker.serve(*arguments)


def _load(arguments: list[str]) -> Any:
    child = multiprocessing.get_context("spawn").Process(target=_child, daemon=True)
    child.start()
    part = Path(arguments[0]).with_suffix(".part")
    part.write_text(f"{os.getpid()} {child.pid}")
    part.rename(arguments[0])
    args = SimpleNamespace(infer_backend="sglang", stream=False)
    return SimpleNamespace(args=args, infer_engine=SimpleNamespace())


def _child() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # one that is busy
    time.sleep(600)


def _answers(_: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for row in rows:
        if row["messages"][0]["content"] == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if row["messages"][0]["content"] == "slow":
            time.sleep(600)
    return [{"response": row["id"]} for row in rows]

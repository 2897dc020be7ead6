"""`swift-saber` with a model whose questions are counted.

    python -m tests.attack.stand_in infer MODEL in.jsonl out.jsonl

Each row that the model is asked about is a word in asked.txt in the current folder. The model is that of
tests/inference/fake_model.py, or with REAL_MODEL=1 the real one; all else is the command as a user starts it.
"""

import os
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from swift_saber.cli.main import main
from swift_saber.media.pool import end_with_parent
from swift_saber.models import process, worker
from tests.inference import fake_model

ASKED = "asked.txt"
_ANSWER_SECONDS = 0.01


class Slow:
    """A pipe through which each answer takes a moment, as a model does."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def send_bytes(self, said: bytes) -> None:
        time.sleep(_ANSWER_SECONDS)
        self._pipe.send_bytes(said)


def serve(pipe: Any, _: Any, *rest: Any) -> None:
    """As fake_model.serve; ends when the command is gone, as models/worker.serve."""
    end_with_parent()
    with suppress(BrokenPipeError):
        fake_model.serve(Slow(pipe), [ASKED], *rest)  # type: ignore[arg-type]


def serve_real(*arguments: Any) -> None:
    """As models/worker.serve."""
    from swift.infer_engine import TransformersEngine

    infer = TransformersEngine.infer

    def counted(self: Any, requests: Any, *more: Any, **options: Any) -> Any:
        with open(ASKED, "a", encoding="utf-8") as file:
            file.write("row " * len(requests) + "\n")
        return infer(self, requests, *more, **options)

    TransformersEngine.infer = counted
    worker.serve(*arguments)


if __name__ == "__main__":
    process.serve = serve_real if os.environ.get("REAL_MODEL") else serve
    sys.exit(main())

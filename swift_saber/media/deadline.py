"""A time limit for a decoder in this process, where one of its own would cost too much: in loaders of training data.

A decoder that hangs cannot be stopped without its process. It is left behind, in a thread that nobody waits for, and
the clip is given up. Decoders let go of Python's lock, so the process goes on.
"""

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from swift_saber.errors import InputError, quoted

T = TypeVar("T")
VARIABLE = "SABER_CLIP_SECONDS"
# Ours: far above what an hour's clip takes on a machine with much else to do, far below a night.
_SECONDS = 300.0


def clip_seconds() -> float:
    """How many seconds one file may take to be read: SABER_CLIP_SECONDS, or 300.

    Raises:
        InputError: the variable holds something else than a number above 0.
    """
    text = os.environ.get(VARIABLE) or str(_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise InputError("environment", VARIABLE, f"is {quoted(text)}", "use a number of seconds above 0")
    return seconds


def within(seconds: float, read: Callable[..., T], *args: Any) -> T:
    """Return read(*args), in a thread of its own.

    Args:
        seconds: how long it may take.

    Raises:
        TimeoutError: it took longer; it may go on for ever.
        Exception: what it raises.
    """
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(read(*args))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True, name="swift-saber-reader")
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise TimeoutError(f"was not read within {seconds:g} seconds")
    return found[0]

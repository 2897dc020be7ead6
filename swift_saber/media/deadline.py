"""A time limit for a decoder in this process, where one of its own would cost too much: in loaders of training data.

A decoder that hangs cannot be stopped without its process. It is left behind, in a thread that nobody waits for and
that gives way to all others, and the clip is given up. Decoders let go of Python's lock, so the process goes on, and
ends when its work is done. Where many are left behind it is not the clips: then the process ends, and says so.
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from swift_saber.errors import InputError, one_line, quoted

T = TypeVar("T")
VARIABLE = "SABER_CLIP_SECONDS"
# Ours: far above what an hour's clip takes on a machine with much else to do, far below a night.
_SECONDS = 300.0
# Ours: single broken clips of a large set are fewer, in each of several loaders; a disk that does not answer brings
# it to so many within the hour, where training would wait for it without a word.
MOST_LEFT = 8
_LOWEST_PRIORITY = 19  # the "nice" value

_left: dict[str, threading.Thread] = {}


def clip_seconds(environment: Mapping[str, str] | None = None) -> float:
    """How many seconds one file may take to be read: SABER_CLIP_SECONDS, or 300; in this process's environment.

    Raises:
        InputError: the variable holds something else than a number above 0.
    """
    text = (os.environ if environment is None else environment).get(VARIABLE) or str(_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < threading.TIMEOUT_MAX:
        raise InputError("environment", VARIABLE, f"is {quoted(text)}", "use a number of seconds above 0")
    return seconds


def within(seconds: float, read: Callable[..., T], path: str, *args: Any) -> T:
    """Return read(path, *args), called in a thread of its own.

    Args:
        seconds: how long it may take.
        path: the file. As long as one hangs it is not read again, since ms-swift tries three times what fails.

    Raises:
        TimeoutError: it took longer, or still hangs since an earlier call.
        SystemExit: MOST_LEFT files hang in this process. Not an Exception, for which ms-swift would take another row.
        Exception: what it raises.
    """
    late = TimeoutError(f"{path}: was not read within {seconds:g} seconds")
    if path in _left and _left[path].is_alive():
        raise late
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(read(path, *args))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True, name="swift-saber-reader")
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed.pop()  # not kept here, since its frames hold what was decoded
    if found:
        return found[0]
    _leave(path, thread)
    raise late


def _leave(path: str, thread: threading.Thread) -> None:
    if sys.platform == "linux" and thread.native_id is not None:  # elsewhere a priority is a process's
        try:
            os.setpriority(os.PRIO_PROCESS, thread.native_id, _LOWEST_PRIORITY)
        except ProcessLookupError:  # it has ended just now
            return
    _left[path] = thread
    hanging = [path for path, thread in _left.items() if thread.is_alive()]
    if len(hanging) >= MOST_LEFT:
        raise SystemExit(
            one_line(
                f"swift-saber: error: {len(hanging)} files hang in this process, so it ends: {', '.join(hanging)}; "
                "see that the disk answers, find broken files with `swift-saber check`, or allow more time with "
                f"{VARIABLE}"
            )
        )

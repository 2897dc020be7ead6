"""Runs a function on media in worker processes: a decoder that hangs or crashes costs its own item, and nothing else.

Own code, because concurrent.futures cannot end one worker: a task that hangs would hold it for ever, and one that
crashes breaks the whole pool. Knows nothing of what the function does.
"""

import json
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from multiprocessing import connection, resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from swift_saber.media.fault import load_readers
from swift_saber.media.place import Problem

K = TypeVar("K")


class Lost(Problem):
    """Nothing came of an item, which may be otherwise another time: it was late, or its process ended."""


_AHEAD = 4  # items for each worker that may be done before they are asked for
_START_LIMIT = 300.0  # seconds for a worker to load its decoders; nothing of an item's limit
_GRACE = 10.0  # seconds after which a worker ends itself when nobody else did
_TICK = 0.2  # seconds between looks at whether the workers are still wanted
# multiprocessing takes note of all processes that have ended when it starts one: not while a thread asks for a status.
_REAPING = threading.Lock()


def guarded(
    items: Iterable[tuple[K, Sequence[Any]]], function: Callable[..., Any], *, workers: int, limit: float
) -> Generator[tuple[K, Any | Problem], None, None]:
    """Yield (key, function(*arguments)) for each (key, arguments), in the order given.

    The workers start with the first item that is asked for, and go on while the caller does something else, up to a
    few items ahead of it. They are ended when the generator is used up or closed, also by Ctrl-C. What a worker
    writes to stdout and stderr is thrown away: decoders write there what stands in a broken file.

    Args:
        items: (key, arguments); read in other threads, a few items ahead. The key stays in this process; the
            arguments are JSON values.
        function: of a module's top level. Returns a JSON value, so a tuple arrives as a list.
        workers: processes.
        limit: seconds for one item.

    Yields:
        key: as given.
        answer: what the function returned, or a Problem where it raised, which is Lost where it was late or its
            process died.

    Raises:
        RuntimeError: the worker processes do not start.
        Exception: what `items` raises, after the items before it.
    """
    if workers < 1 or limit <= 0:
        raise ValueError(f"{workers} workers and a limit of {limit} seconds: both are above 0")
    source = iter(items)
    # What was taken, in its order, with an answer that may be on its way, or an error that ends all; None is the end.
    waiting: queue.Queue[tuple[Any, Future[Any]] | None] = queue.Queue(workers * _AHEAD)
    taking, stop = threading.Lock(), threading.Event()

    def put(found: tuple[Any, Future[Any]] | None) -> None:
        while not stop.is_set():
            try:
                waiting.put(found, timeout=_TICK)
            except queue.Full:
                continue
            return

    def take(answer: Future[Any]) -> Sequence[Any] | None:
        if stop.is_set():
            return None
        try:
            key, arguments = next(source)
        except StopIteration:
            put(None)
            return None
        except Exception as error:  # the caller's; raised there, after the items before it
            answer.set_exception(error)
            put((None, answer))
            return None
        put((key, answer))
        return arguments

    def serve() -> None:
        """One thread: an item whenever its worker is idle."""
        resource_tracker.ensure_running()  # else start() starts it, and lets Ctrl-C through again
        # Ctrl-C is the caller's to answer, from the first instant of a process, which inherits this.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        worker = _Worker(function, limit, stop)
        answer: Future[Any] = Future()
        try:
            while not stop.is_set():
                answer = Future()
                with taking:
                    arguments = take(answer)
                if arguments is None:
                    break
                worker.start()  # not before: there may be fewer items than workers
                answer.set_result(worker.ask(arguments))
        except BaseException as error:  # raised again in the caller's thread
            failed: Future[Any] = Future() if answer.done() else answer
            failed.set_exception(error)
            put((None, failed))
        finally:
            worker.end()

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(workers)]
    try:
        for thread in threads:
            thread.start()
        while (found := waiting.get()) is not None:
            key, answer = found
            yield key, answer.result()
    finally:
        stop.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def end_with_parent(end: Callable[[], object] | None = None) -> None:
    """Have this process end, from now on, when the one that started it has ended: a killed one cannot see to that.

    Args:
        end: what ends more than this process; called first.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        if end is not None:
            end()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class _KilledError(Exception):
    """A process was killed (SIGKILL), by the kernel where memory is short, or by somebody."""


class _Worker:
    """A process that does one item at a time; for one thread.

    Args:
        function, limit: as guarded.
        stop: when it is set, nothing is waited for any more.
    """

    def __init__(self, function: Callable[..., Any], limit: float, stop: threading.Event) -> None:
        self._function, self._limit, self._stop = function, limit, stop
        self._process: BaseProcess | None = None

    def start(self) -> None:
        """Start the process and wait until it is ready; nothing where there is one.

        Raises:
            RuntimeError: it ended, or was not ready in time.
        """
        if self._process is not None:
            return
        context = multiprocessing.get_context("spawn")  # a fork of a process with a model's threads can hang
        self._pipe, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self._function, self._limit), daemon=True)
        with theirs, _REAPING:
            process.start()
        self._process = process
        try:
            if self._hears(_START_LIMIT):
                self._pipe.recv_bytes()
            elif not self._stop.is_set():
                raise RuntimeError(f"a worker process was not ready after {_START_LIMIT:.0f} seconds")
        except (EOFError, OSError) as error:
            code = self.end(wait=5)
            raise RuntimeError(f"a worker process ended with status {code} before it was ready") from error

    def ask(self, arguments: Sequence[Any]) -> Any | Problem:
        """Return what the function makes of the arguments, or why there is nothing; the process may end of it.

        One that is killed is asked again once, in a new process: the kill may have come from outside.
        """
        try:
            return self._asked(arguments)
        except _KilledError:
            self.start()
        try:
            return self._asked(arguments)
        except _KilledError:
            return _ended(-signal.SIGKILL)

    def _asked(self, arguments: Sequence[Any]) -> Any | Problem:
        asked = json.dumps(list(arguments)).encode()
        try:
            self._pipe.send_bytes(asked)
        except OSError:  # it was ended from outside while it was idle
            self.end()
            self.start()
            self._pipe.send_bytes(asked)
        code: int | None = -signal.SIGALRM
        try:
            if self._hears(self._limit):
                answer, error = json.loads(self._pipe.recv_bytes())
                return Problem(error, "remove the row") if error else answer
            self.end()
        except (EOFError, OSError) as error:
            code = self.end(wait=5)
            if code == -signal.SIGKILL:
                raise _KilledError from error
        if code == -signal.SIGALRM:
            problem = f"was not decoded within {self._limit:g} seconds"
            return Lost(problem, "cut or re-encode the clip, or allow more time")
        return _ended(code)

    def end(self, *, wait: float = 0.0) -> int | None:
        """Kill the process and return its exit code; one that is ending has `wait` seconds to do so by itself."""
        if self._process is None:
            return None
        process, self._process = self._process, None
        self._pipe.close()
        process.join(wait)
        process.kill()
        process.join(5)
        with _REAPING:
            return process.exitcode  # None: it waits on a dead disk and ends when the disk answers

    def _hears(self, seconds: float) -> bool:
        """Whether the process says something, or ends, within so many seconds."""
        until = time.monotonic() + seconds
        while not self._stop.is_set() and (left := until - time.monotonic()) > 0:
            if self._pipe.poll(min(left, _TICK)):
                return True
        return False


def _ended(code: int | None) -> Problem:
    how = signal.Signals(-code).name if code and code < 0 else f"status {code}"
    remedy = "re-encode the clip (killed: is memory short?) or remove the row"
    return Lost(f"the process that decoded it ended with {how}", remedy)


def _work(pipe: connection.Connection, function: Callable[..., Any], limit: float) -> None:
    """What a worker does: answer each list of arguments with [answer, error], until the pipe is closed."""
    end_with_parent()
    load_readers()
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    pipe.send_bytes(b"[null, null]")
    while True:
        try:
            arguments = json.loads(pipe.recv_bytes())
        except EOFError:
            return
        # Without a handler the alarm ends the process, also inside a decoder, and also when its parent is gone.
        signal.setitimer(signal.ITIMER_REAL, limit + _GRACE)
        try:
            reply = json.dumps([function(*arguments), None])
        except Exception as error:  # an item costs only itself, whatever a library raises; it is reported, not lost
            reply = json.dumps([None, f"cannot be checked ({type(error).__name__}: {error})"[:1000]])
        signal.setitimer(signal.ITIMER_REAL, 0)
        pipe.send_bytes(reply.encode())

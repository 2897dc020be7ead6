"""Runs a function on media in worker processes: a decoder that hangs or crashes costs its own item, and nothing else.

Own code, because concurrent.futures cannot end one worker: a task that hangs would hold it for ever, and one that
crashes breaks the whole pool. Knows nothing of what the function does.
"""

import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from multiprocessing import connection, resource_tracker
from typing import Any, Generic, TypeVar

from swift_saber.media.fault import Problem, load_readers

K = TypeVar("K")

_AHEAD = 4  # items for each worker that may be done before they are asked for
_START_LIMIT = 300.0  # seconds for a worker to load its decoders; nothing of an item's limit
_GRACE = 10.0  # seconds after which a worker ends itself when nobody else did
_TICK = 0.2  # seconds between looks at what changed without a message


def guarded(
    items: Iterable[tuple[K, Sequence[Any]]], function: Callable[..., Any], *, workers: int, limit: float
) -> Generator[tuple[K, Any | Problem], None, None]:
    """Yield (key, function(*arguments)) for each (key, arguments), in the order given.

    The workers start with the first item that is asked for, and go on while the caller does something else, up to a
    few items ahead of it. They are ended when the generator is used up or closed, also by Ctrl-C. What a worker
    writes to stdout and stderr is thrown away: decoders write there what stands in a broken file.

    Args:
        items: (key, arguments); read in another thread, a few items ahead. The key stays in this process; the
            arguments are JSON values.
        function: of a module's top level. Returns a JSON value, so a tuple arrives as a list.
        workers: processes.
        limit: seconds for one item.

    Yields:
        key: as given.
        answer: what the function returned, or a Problem where it raised, was late, or its process died.

    Raises:
        RuntimeError: the worker processes do not start.
        Exception: what `items` raises, after the items before it.
    """
    if workers < 1 or limit <= 0:
        raise ValueError(f"{workers} workers and a limit of {limit} seconds: both are above 0")
    pool = _Pool(items, function, workers, limit)
    feeder = threading.Thread(target=pool.run, daemon=True)
    feeder.start()
    try:
        yield from pool.results()
    finally:
        pool.stop.set()
        feeder.join()


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


class _Worker:
    """A process that does one item at a time.

    Attributes:
        number: of the item that it has in hand, or None.
        deadline: when it is to be ended: for an item that it has, or for its start.
    """

    def __init__(self, function: Callable[..., Any], limit: float) -> None:
        context = multiprocessing.get_context("spawn")  # a fork of a process with a model's threads can hang
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, function, limit), daemon=True)
        resource_tracker.ensure_running()  # else start() starts it, and lets Ctrl-C through again
        # Ctrl-C is the caller's to answer, from the first instant of the child, which inherits this.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        self.ready = False
        self.number: int | None = None
        self.deadline = time.monotonic() + _START_LIMIT

    def give(self, number: int, arguments: Sequence[Any], limit: float) -> None:
        self.number = number
        self.deadline = time.monotonic() + limit
        self.pipe.send_bytes(json.dumps(list(arguments)).encode())

    def end(self, *, wait: float = 0.0) -> int | None:
        """Kill the process and return its exit code; one that is ending has `wait` seconds to do so by itself."""
        self.pipe.close()
        self.process.join(wait)
        self.process.kill()
        self.process.join(5)
        return self.process.exitcode  # None: it waits on a dead disk and ends when the disk answers


class _Pool(Generic[K]):
    """The workers, and the answers that wait to be asked for. `run` is the feeder thread, `results` the caller's."""

    def __init__(
        self, items: Iterable[tuple[K, Sequence[Any]]], function: Callable[..., Any], workers: int, limit: float
    ) -> None:
        self.stop = threading.Event()
        self._items, self._function, self._size, self._limit = iter(items), function, workers, limit
        self._workers: list[_Worker] = []
        self._changed = threading.Condition()
        self._keys: deque[K] = deque()  # of the items taken and not yet given back
        self._answers: dict[int, Any | Problem] = {}
        self._given = 0  # answers given back
        self._taken = 0
        self._next: tuple[K, Sequence[Any]] | None = None
        self._ended = False
        self._error: BaseException | None = None

    def results(self) -> Iterator[tuple[K, Any | Problem]]:
        while True:
            with self._changed:
                while self._given not in self._answers and not self._ended:
                    self._changed.wait(_TICK)  # with a time, so that Ctrl-C gets through everywhere
                if self._given not in self._answers:
                    if self._error:
                        raise self._error
                    return
                answer = self._answers.pop(self._given)
                self._given += 1
                key = self._keys.popleft()
            yield key, answer

    def run(self) -> None:
        try:
            more = True
            while not self.stop.is_set():
                more = more and self._feed()
                if not more and all(worker.number is None for worker in self._workers):
                    break
                self._listen()
        except BaseException as error:  # raised again in the caller's thread
            self._error = error
        finally:
            for worker in self._workers:
                worker.end()
            with self._changed:
                self._ended = True
                self._changed.notify()

    def _feed(self) -> bool:
        """Give items to idle workers, and return whether there may be more items."""
        while self._taken - self._given < self._size * _AHEAD:
            worker = next((w for w in self._workers if w.ready and w.number is None), None)
            if worker is None:
                if len(self._workers) < self._size:
                    self._workers.append(_Worker(self._function, self._limit))
                return True
            try:
                self._next = self._next or next(self._items)
            except StopIteration:
                return False
            except Exception as error:  # the caller's; raised there, after the items before it
                self._error = error
                return False
            key, arguments = self._next
            try:
                worker.give(self._taken, arguments, self._limit)
            except OSError:  # it was ended from outside while it was idle
                self._drop(worker)
                continue
            self._next = None
            with self._changed:
                self._keys.append(key)
                self._taken += 1
        return True

    def _listen(self) -> None:
        """Wait a moment for what the workers say, and end those that are late."""
        pipes: dict[Any, _Worker] = {worker.pipe: worker for worker in self._workers}
        for pipe in connection.wait(list(pipes), _TICK):
            worker = pipes[pipe]
            try:
                answer, error = json.loads(worker.pipe.recv_bytes())
            except (EOFError, OSError):
                self._died(worker)
                continue
            if worker.ready:
                self._answer(worker, Problem(error, "remove the row") if error else answer)
            worker.ready = True
        for worker in [w for w in self._workers if time.monotonic() > w.deadline]:
            if not worker.ready:
                raise RuntimeError(f"a worker process was not ready after {_START_LIMIT:.0f} seconds")
            if worker.number is not None:
                self._answer(worker, self._late())
                self._drop(worker)

    def _answer(self, worker: _Worker, answer: Any | Problem) -> None:
        with self._changed:
            if worker.number is not None:
                self._answers[worker.number] = answer
            self._changed.notify()
        worker.number = None

    def _died(self, worker: _Worker) -> None:
        code = self._drop(worker, wait=5)
        if not worker.ready:
            raise RuntimeError(f"a worker process ended with status {code} before it was ready")
        if worker.number is None:
            return  # ended from outside; it had no item
        if code == -signal.SIGALRM:
            self._answer(worker, self._late())
            return
        how = signal.Signals(-code).name if code and code < 0 else f"status {code}"
        remedy = "re-encode the clip (killed: is memory short?) or remove the row"
        self._answer(worker, Problem(f"the process that decoded it ended with {how}", remedy))

    def _late(self) -> Problem:
        problem = f"was not decoded within {self._limit:g} seconds"
        return Problem(problem, "cut or re-encode the clip, or allow more time")

    def _drop(self, worker: _Worker, *, wait: float = 0.0) -> int | None:
        self._workers.remove(worker)
        return worker.end(wait=wait)


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

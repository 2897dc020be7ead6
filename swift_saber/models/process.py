"""A model in a process of its own, which may die of a row without taking the run along.

Knows processes and what their ends mean; what happens in one is models/worker.py.
"""

import atexit
import os
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock
from typing import Any

from swift_saber.errors import InputError
from swift_saber.media.place import Problem
from swift_saber.models.answer import Answer
from swift_saber.models.worker import serve
from swift_saber.text.strict_json import encoded, parse_json

_END_SECONDS = 5.0
_LOOK_SECONDS = 0.05
_TOO_LARGE = "cut the clip, lower FPS_MAX_FRAMES or --max_new_tokens, or use a GPU with more memory"


def places_of(gpu: str) -> list[str]:
    """Return the GPUs of a list as "0,1,2,3".

    Raises:
        InputError: it is none, or names one twice.
    """
    found = [place.strip() for place in gpu.split(",")]
    if not all(re.fullmatch(r"[\w-]+", place) for place in found) or len(set(found)) != len(found):
        raise InputError("arguments", "gpu_id", f"is {gpu!r}", "name one GPU, or several as 0,1,2,3")
    return found


class AnswerError(Exception):
    """A batch has no answers; the process is alive.

    Attributes:
        memory: whether memory ran out, so that fewer rows may go through.
        remedy: what can be done about a row that was asked about alone.
    """

    def __init__(self, text: str, memory: bool, remedy: str = "correct or remove the row") -> None:
        super().__init__(text)
        self.memory, self.remedy = memory, _TOO_LARGE if memory else remedy


class ModelDied(Exception):
    """The process ended with the batch."""


class ModelProcess:
    """The model, loaded when it is first needed and again after its process died; for one thread.

    Args:
        model: its name, for errors.
        arguments: those of `swift infer`, without data.
        environment: variables that its process gets on top of this one's.
        log: where its output goes; None leaves it on the terminal.
        batch: rows at a time, or answers where several are asked for; None to have it chosen by the memory.
    """

    def __init__(
        self, model: str, arguments: Sequence[str], environment: Mapping[str, str], log: Path | None, batch: int | None
    ) -> None:
        self._model, self._arguments, self._environment = model, list(arguments), dict(environment)
        self._log, self._batch = log, batch
        #: The GPU that it is on, for errors.
        self.place = environment.get("CUDA_VISIBLE_DEVICES", "")
        self._process: BaseProcess | None = None
        self._starting = Lock()
        self._pipe: Connection | None = None
        self._stopped = False
        #: Rows at a time: `batch`, or what its process chose; fewer from where memory ran out. 0 until it is loaded.
        self.size = 0

    def load(self) -> None:
        """Start the process and wait until the model is loaded; nothing where it is.

        Raises:
            InputError: the model cannot be loaded.
            ModelDied: it was stopped.
        """
        if self._process is not None:
            if self._process.is_alive():
                return
            self._ended()  # while nothing was asked
        context = get_context("spawn")
        with self._starting:
            if self._stopped:
                raise ModelDied("the model's process was stopped")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(
                target=serve,
                args=(theirs, self._arguments, self._environment, str(self._log or ""), self.size or self._batch),
            )
            self._process.start()
            # It is no daemon, as those may have no processes of their own, so Python would wait for it at its end.
            atexit.register(self.stop)
        theirs.close()  # else its end would not be noticed
        try:
            said = self._hear()
        except ModelDied as error:
            raise self._unloadable(str(error)) from error
        if "error" in said:
            self.close()
            raise self._unloadable(said["error"])
        self.size = said["batch"]

    def each(
        self,
        rows: Sequence[Mapping[str, Any]],
        coming: Callable[[Callable[[], bool]], Sequence[Mapping[str, Any]]] | None = None,
        sampling: Mapping[str, Any] | None = None,
        again: bool = True,
    ) -> Iterator[Any | Problem]:
        """Yield what `ask` gives for each row, in their order, or why the model fails on it.

        What a batch fails on is found by asking about its parts, down to the rows that fail alone. A row that raises an
        error costs no reload. One that ends the model's process costs three at most: one with its batch, and two alone,
        since whatever else ends a process must not be taken for the row's doing. An engine may have begun it with the
        batch before, which then costs a fourth.

        Args:
            rows, coming, sampling: as ask.
            again: whether a row with which the process ends is asked once more.

        Raises:
            InputError: the model cannot be loaded.
            ModelDied: the process was stopped.
        """
        self.load()
        try:
            yield from self.ask(rows, coming, sampling)
            return
        except AnswerError as error:
            width = len(rows) // 2 if error.memory else 1
            if len(rows) > 1 and error.memory:
                self.size = width
            problem = Problem(str(error), error.remedy)
            last = len(rows) == 1
        except ModelDied as error:
            if self._stopped:
                raise
            width = 1
            problem = Problem(str(error), f"look at the clip, and at {self._log or 'the output above'}")
            last = len(rows) == 1 and not again
        if last:
            yield problem
            return
        for start in range(0, len(rows), width):
            yield from self.each(rows[start : start + width], sampling=sampling, again=len(rows) > 1)

    def ask(
        self,
        rows: Sequence[Mapping[str, Any]],
        coming: Callable[[Callable[[], bool]], Sequence[Mapping[str, Any]]] | None = None,
        sampling: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        """Return the result rows of one batch, in its order, or the answers to each of its rows; of one among several
        that fails alone, the Problem.

        Args:
            rows: the batch.
            coming: called while the model works, with what tells whether it is done; returns the next rows, which are
                then decoded ahead, or begun by vLLM, or nothing.
            sampling: {"k", "temperature", "max_new_tokens", "seed"} for k answers to each row, as
                worker._sampled takes them; None for the one that the arguments ask for.

        Raises:
            AnswerError: there are none; ask about fewer rows.
            ModelDied: likewise, and the process is gone; the next call of `load` makes another.
        """
        self._say({"rows": list(rows), "sampling": sampling})
        following = coming(self._answered) if coming else ()
        if following and not self._answered():
            self._say({"ahead": list(following), "sampling": sampling})
        return self._results(self._hear())

    def stream(self, row: Mapping[str, Any]) -> Iterator[Answer]:
        """Yield the answer to one row in the pieces in which the model writes it.

        Where nobody wants the rest of it, the model writes it all the same, and this waits for its end: what is asked
        next would be answered with it.

        Raises:
            AnswerError, ModelDied: as ask, also after some pieces.
        """
        self._say({"rows": [row], "pieces": True})
        said = self._hear()
        try:
            while "piece" in said:
                yield Answer(said["piece"], said["cut"])
                said = self._hear()
        except GeneratorExit:
            while "piece" in said:
                said = self._hear()
            raise
        self._results(said)

    def _results(self, said: Mapping[str, Any]) -> list[Any]:
        if "error" in said:
            if said["broken"]:
                self._ended()
                raise ModelDied(said["error"])
            further = [said["remedy"]] if "remedy" in said else []
            raise AnswerError(said["error"], said["memory"], *further)
        results: list[Any] = said["results"]
        for place, problem in said.get("problems", {}).items():
            results[int(place)] = Problem(*problem)
        return results

    def _say(self, message: Mapping[str, Any]) -> None:
        assert self._pipe is not None
        try:
            self._pipe.send_bytes(encoded(message))
        except OSError as error:
            raise ModelDied(self._ended()) from error

    def _answered(self) -> bool:
        assert self._pipe is not None
        return self._pipe.poll()

    def stop(self) -> None:
        """End the process from another thread; the one that uses it sees ModelDied."""
        with self._starting:  # one that is about to start would be missed
            self._stopped = True
            process = self._process
        if process is not None:
            _end(process, signal.SIGTERM)

    def close(self) -> None:
        """End the process and all that it has started; nothing where there is none. In a batch, `stop` comes first."""
        if self._process is None or self._pipe is None:
            return
        self._pipe.close()  # which ends it, when nothing is asked
        if not wait([self._process.sentinel], _END_SECONDS):
            _end(self._process, signal.SIGTERM)
            wait([self._process.sentinel], _END_SECONDS)
        # Before its status is asked for, from when on another process may have its number.
        _end(self._process, signal.SIGKILL)
        self._process.join()
        _wait_for_group(self._process)
        atexit.unregister(self.stop)
        self._process = self._pipe = None

    def _hear(self) -> dict[str, Any]:
        assert self._pipe is not None
        try:
            said: dict[str, Any] = parse_json(self._pipe.recv_bytes().decode(), "pipe")
        except (EOFError, OSError) as error:
            raise ModelDied(self._ended()) from error
        return said

    def _ended(self) -> str:
        """How the process ended, which is then put away."""
        assert self._process is not None
        process = self._process
        ended = wait([process.sentinel], _END_SECONDS)
        self.close()
        code = process.exitcode if ended else None
        if code is None:
            return "the model's process did not end by itself"
        how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        return f"the model's process {how}" + (" (out of memory?)" if code == -9 else "")

    def _unloadable(self, reason: str) -> InputError:
        remedy = f"the whole output is in {self._log}" if self._log else "the reason stands above"
        return InputError(self._model, "model", f"cannot be loaded: {reason}", remedy)


def _end(process: BaseProcess, how: signal.Signals) -> None:
    """End a model's process, and with it those that it has started, which are of its group."""
    assert process.pid is not None
    with suppress(ProcessLookupError, PermissionError):  # nobody is left (the second on a Mac)
        os.killpg(process.pid, how)
    process.kill() if how == signal.SIGKILL else process.terminate()  # where it had not come to lead a group yet


def _wait_for_group(process: BaseProcess) -> None:
    """Wait until those that a killed process had started have given back what they held: another would find it full."""
    end = time.monotonic() + _END_SECONDS
    assert process.pid is not None
    with suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < end:
            os.killpg(process.pid, 0)
            time.sleep(_LOOK_SECONDS)

"""From checked rows to answers and rejects: one queue, and a thread for each process with the model."""

import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from tqdm import tqdm

from swift_saber.data.log import TooLongError
from swift_saber.data.questions import asked
from swift_saber.errors import InputError
from swift_saber.inference.files import Outputs
from swift_saber.inference.questions import Question, Reject
from swift_saber.media.place import Problem
from swift_saber.models.process import AnswerError, ModelDied, ModelProcess
from swift_saber.models.served import Served, Unanswered

# After so many rows in succession that a model fails on, others are tried, to tell bad rows from a wrong setting.
_DOUBT = 5
# So many others at most: where one row in six can be answered, one is met nineteen times in twenty.
OTHERS = 16
# How long a batch waits for more rows: the check of the clips may be slower than the model.
_FILL_SECONDS = 0.5
_LOOK_SECONDS = 0.2
_END_SECONDS = 10.0

#: A model that runs here, or one request at a time to one behind an address.
Model = ModelProcess | Served


@dataclass
class _Doubt:
    """Of one model, the rows that it has failed on since it last answered one: are they bad, or is the model?

    Attributes:
        taken: the rows that it has, by id: those that it failed on, and those that are still to be asked.
    """

    held: list[Reject] = field(default_factory=list)
    taken: dict[str, Question] = field(default_factory=dict)
    limit: int = _DOUBT
    answered: bool = False  # any row of this run


class _BarrenError(InputError):
    """A model answers nothing."""


class Run:
    """Gives rows to the models in batches, and keeps what each row ends with.

    Args:
        outputs: the open files.
        bar: a tqdm bar over the rows.
        processes: the models.
    """

    def __init__(self, outputs: Outputs, bar: Any, processes: Sequence[Model]) -> None:
        self._outputs, self._bar, self._processes = outputs, bar, processes
        self._queue: queue.Queue[Question | None] = queue.Queue(maxsize=64 * len(processes))
        self._lock = threading.Lock()
        self._failure: BaseException | None = None
        self._changed = threading.Condition()
        self._ended = 0  # threads
        self._left = len(processes)  # models that are not given up
        self._idle = 0  # of these, those that have no row
        self._handed_back: deque[Question] = deque()  # by those that are given up
        self._rejects = 0
        self._doubts = {process: _Doubt() for process in processes}
        self._good: Question | None = None  # the last that was answered

    def go(
        self,
        rows: Generator[Question | Reject, None, None],
        others: Callable[[], Generator[Question | Reject, None, None]],
    ) -> None:
        """Write an answer or a reject for each row.

        Args:
            rows: in their order, checked as they are asked for.
            others: gives rows of the file, checked, of which one is likely to be answered; asked about where a model
                fails on row after row, and nothing is written of them.

        Raises:
            InputError: a model cannot be loaded, or none answers anything; or what `rows` raises.
        """
        self._others = others
        threads: list[threading.Thread] = []
        try:
            with closing(rows):
                for found in rows:
                    if isinstance(found, Reject):
                        self._reject(found)
                        continue
                    if not threads:  # no model is loaded for rows that are all bad
                        threads = [
                            threading.Thread(target=self._serve, args=(one,), daemon=True) for one in self._processes
                        ]
                        for thread in threads:
                            thread.start()
                    self._put(found)
                    if self._failure:
                        break
            for _ in threads:
                self._put(None)
            self._wait(threads)
        except BaseException as error:  # Ctrl-C too: the threads must not outlive it
            self._failure = error
            raise
        finally:
            if self._failure:
                for process in self._processes:
                    process.stop()
                self._wait(threads, _END_SECONDS)
            for process in self._processes:
                process.close()
        if self._failure:
            raise self._failure

    def _wait(self, threads: Sequence[threading.Thread], seconds: float | None = None) -> None:
        """Wait for the threads to end, until there is a failure or, where there is one, for so many seconds.

        Not by Thread.join: a thread whose join was interrupted by Ctrl-C counts as ended for ever after.
        """
        end = None if seconds is None else time.monotonic() + seconds
        while self._ended < len(threads) and (time.monotonic() < end if end else not self._failure):
            with self._changed:
                self._changed.wait(_LOOK_SECONDS)

    def _put(self, item: Question | None) -> None:
        while not self._failure:
            try:
                self._queue.put(item, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return

    def _serve(self, process: Model) -> None:
        """One thread: batches from the queue until its None, then from what others hand back until all have ended."""
        batch: list[Question] = []
        more, doubt = True, self._doubts[process]
        try:
            while not self._failure:
                while (more or batch) and not self._failure:
                    more = more and self._fill(process, batch)
                    following: list[Question] = []

                    def coming(done: Callable[[], bool], following: list[Question] = following) -> list[dict[str, Any]]:
                        nonlocal more
                        more = more and self._fill(process, following, done)
                        return [question.row for question in following]

                    if batch:
                        self._answer(process, batch, coming)
                    batch = following
                if doubt.held and not self._failure:
                    self._give_up(process, look=not doubt.answered)
                batch = self._from_others(process)
                if not batch:
                    break
        except _BarrenError as error:
            self._retire(process, error)
        except BaseException as error:
            self._failure = self._failure or error
        finally:
            with self._changed:
                self._ended += 1
                self._changed.notify_all()

    def _retire(self, process: Model, error: InputError) -> None:
        """Hand all rows of a model that answers nothing to the others, or end the run where there is no other model."""
        with self._changed:
            if self._left == 1 or isinstance(process, Served):
                self._failure = self._failure or error
                return
            self._left -= 1
            self._handed_back.extend(self._doubts[process].taken.values())
            self._changed.notify_all()
        said = f"the model on GPU {process.place} is given up, and its rows go to the others"
        tqdm.write(f"swift-saber: {said}: {error.problem}", file=sys.stderr)
        process.close()

    def _from_others(self, process: Model) -> list[Question]:
        """Wait for rows that are handed back, and return a batch of them; none where nobody is left to do so."""
        taken: list[Question] = []
        with self._changed:
            self._idle += 1
            self._changed.notify_all()
            while not (self._failure or self._handed_back or self._idle == self._left):
                self._changed.wait(_LOOK_SECONDS)
            while self._handed_back and len(taken) < max(1, process.size):
                taken.append(self._handed_back.popleft())
            self._idle -= bool(taken)
        self._doubts[process].taken.update((question.id, question) for question in taken)
        return taken

    def _fill(self, process: Model, batch: list[Question], done: Callable[[], bool] | None = None) -> bool:
        """Fill a batch, and return whether there may be more rows.

        Without `done` it ends with one row at least, and early where rows come slowly; else, whatever there is, when
        `done` says so.
        """
        while not self._failure:
            if batch and len(batch) >= process.size:
                return True
            try:
                found = self._queue.get(timeout=_FILL_SECONDS if batch and not done else _LOOK_SECONDS)
            except queue.Empty:
                if done() if done else batch:
                    return True
                continue
            if found is None:
                return False
            batch.append(found)
            self._doubts[process].taken[found.id] = found
            self._load(process)  # its size is known only then
        return False

    def _load(self, process: Model) -> None:
        """Have a model loaded, which is said, since it may take minutes and is no part of the rate."""
        loaded = process.size > 0
        if not loaded:
            with self._lock:
                self._bar.set_postfix_str("loading the model")
        process.load()
        if not loaded:
            with self._lock:
                self._bar.set_postfix_str("")
                self._bar.unpause()

    def _answer(
        self,
        process: Model,
        batch: list[Question],
        coming: Callable[[Callable[[], bool]], list[dict[str, Any]]],
    ) -> None:
        """Have a batch answered; `coming` takes the rows after it from the queue while the model works."""
        rows = [question.row for question in batch]
        doubt = self._doubts[process]
        for question, result in zip(batch, process.each(rows, coming), strict=True):
            if isinstance(result, Problem):
                passing = isinstance(result, Unanswered)
                doubt.held.append(Reject(question.id, question.where, result.reason, result.remedy, passing))
                if len(doubt.held) >= doubt.limit:
                    self._give_up(process, look=True)
                    doubt.limit *= 2
                continue
            try:
                with self._lock:
                    self._outputs.add_answer(_result(question, result))
                    self._bar.update()
            except TooLongError as error:
                reason = f"response: its line in the result file {error.problem}"
                self._reject(Reject(question.id, question.where, reason, error.remedy))
            del doubt.taken[question.id]
            self._good, doubt.answered, doubt.limit = question, True, _DOUBT
            self._give_up(process, look=False)

    def _give_up(self, process: Model, *, look: bool) -> None:
        """Reject the rows that a model has failed on in succession; with `look`, if it can answer another one.

        Raises:
            _BarrenError: it cannot.
        """
        doubt = self._doubts[process]
        held = doubt.held
        if look and (tried := self._barren(process, {reject.id for reject in held})):
            last = held[-1]
            others = f"{tried} other{'s' if tried > 1 else ''} of the file"
            problem = f"not one of {len(held)} rows in succession could be answered, nor of {others} ({last.reason})"
            raise _BarrenError(last.where, "answers", problem, last.remedy)
        while held:
            reject = held.pop(0)
            self._reject(reject)
            del doubt.taken[reject.id]

    def _barren(self, process: Model, without: Set[str]) -> int:
        """How many other rows a model was asked about in vain; 0 where it answers one, or there is none."""
        tried = 0
        with closing(self._others()) as others:
            for found in chain([self._good] if self._good else [], others):
                if isinstance(found, Reject) or found.id in without:
                    continue
                process.load()
                try:
                    process.ask([found.row])
                    return 0
                except (AnswerError, ModelDied):
                    tried += 1
                if tried == OTHERS:
                    break
        return tried

    def _reject(self, reject: Reject) -> None:
        with self._lock:
            self._outputs.add_reject(reject)
            self._rejects += 1
            self._bar.set_postfix(rejects=self._rejects)
            self._bar.update()


def _result(question: Question, row: dict[str, Any]) -> dict[str, Any]:
    """The result row: ms-swift's columns, with the question as it stood in the file, the row's id, and its length."""
    columns = {**question.row, **question.written}
    turns = [*asked(columns["messages"]), row["messages"][-1]]
    length = {} if question.seconds is None else {"seconds": question.seconds}
    return {**row, **columns, "messages": turns, "id": question.id, **length}

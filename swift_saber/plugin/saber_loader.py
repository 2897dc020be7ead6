"""A loader of training data that goes on when one of its processes ends or hangs.

torch ends the whole run then. Here all processes of the loader are started anew, and given what was not handed over
yet, in the order that it had. The row that was under way is then under suspicion (saber_under_way.py).
"""

import copy
import logging
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from torch.utils.data import DataLoader, _utils
from torch.utils.data.dataloader import _DatasetKind, _MultiProcessingDataLoaderIter

from swift_saber.data.rows import row_id
from swift_saber.errors import InputError
from swift_saber.plugin import saber_under_way
from swift_saber.plugin.saber_under_way import listed

logger = logging.getLogger(__name__)
# So often the processes are started anew without a batch in between, or a row that ends them for the first time or
# the second: once under way, once under suspicion.
_MOST_IN_VAIN = 3
_MOST_OF_A_ROW = 2
# What a process sent may no longer be there to be taken over a moment before that process is seen to have ended.
_ENDING_SECONDS = 1.0
_POLL_SECONDS = 0.02


class SurvivingIterator(_MultiProcessingDataLoaderIter):
    """torch's iterator over the batches of a dataset with an index, which survives its processes.

    Args:
        loader: what it iterates over.
    """

    _in_vain: int
    _under_way: Counter[str]

    def __init__(self, loader: Any) -> None:
        self._loader = copy.copy(loader)  # which does not hold this iterator, as the loader may
        self._starting_anew = self._resuming = False
        self._delivered()
        super().__init__(loader)

    def _delivered(self) -> None:
        self._in_vain, self._under_way = 0, Counter()

    def _reset(self, loader: Any, first_iter: bool = False) -> None:
        if first_iter:
            self._look_away()  # torch has the signal of an ended process raise an error wherever training is just then
        if not self._starting_anew:
            self._order = iter(self._index_sampler)
            self._again: deque[Any] = deque()
            self._sent: dict[int, Any] = {}
        self._resuming = not first_iter
        try:
            super()._reset(loader, first_iter)
        except Exception as error:
            if first_iter or not self._ended():
                raise
            self._start_anew(error)
        finally:
            self._resuming = False

    def _next_index(self) -> Any:
        index = self._again.popleft() if self._again else next(self._order)
        self._sent[self._send_idx] = index
        return index

    def _process_data(self, data: Any, worker_id: int) -> Any:
        self._delivered()
        self._sent = {task: index for task, index in self._sent.items() if task in self._task_info}
        return super()._process_data(data, worker_id)

    def _get_data(self) -> Any:
        # What is raised here is of a batch that is still outstanding, and so is made again; a row's own error is data.
        while True:
            self._asked = time.monotonic()
            try:
                return super()._get_data()
            except Exception as error:
                if self._resuming or not self._ended():
                    raise
                self._start_anew(error)

    def _try_get_data(self, timeout: float = _utils.MP_STATUS_CHECK_INTERVAL) -> Any:
        with self._watching():
            found = super()._try_get_data(timeout)
        if not found[0]:
            self._end_what_hangs()
        return found

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Have the signal of an ended process raise an error, even where a message that it cut short is waited for."""
        self._look_away()
        _utils.signal_handling._set_worker_pids(id(self), tuple(_pids(self._workers)))
        self._worker_pids_set = True
        try:
            yield
        finally:
            self._look_away()

    def _look_away(self) -> None:
        if self._worker_pids_set:
            _utils.signal_handling._remove_worker_pids(id(self))
            self._worker_pids_set = False

    def _ended(self) -> bool:
        until = time.monotonic() + _ENDING_SECONDS
        while all(worker.is_alive() for worker in self._workers):
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _end_what_hangs(self) -> None:
        """End processes that have said nothing for longer than the row may take that they have under way."""
        now = time.monotonic()
        for number, worker in enumerate(self._workers):
            if (number,) not in self._task_info.values():
                continue  # it has nothing to do
            [pid] = _pids([worker])
            mark = saber_under_way.mark_of(pid)
            if mark and mark.row:
                until = mark.since + mark.seconds
            else:
                until = max(mark.since if mark else 0, self._asked) + saber_under_way.REST_SECONDS
            if now > until:
                logger.warning(f"swift-saber: a loader's process (pid {pid}) hangs and is ended")
                worker.kill()

    def _start_anew(self, error: Exception) -> None:
        """Start all processes again; those that live too, since what they share may be left in no good state."""
        self._look_away()
        ended = [worker for worker in self._workers if not worker.is_alive()]
        ways = ", ".join(sorted({saber_under_way.how(worker.exitcode) for worker in ended}))
        rows = saber_under_way.suspect_of(_pids(ended))
        self._stop()
        saber_under_way.forget(_pids(self._workers))
        sent = [self._sent[task] for task in sorted(self._task_info)]
        self._under_way.update(rows)
        if not any(self._under_way[row] <= _MOST_OF_A_ROW for row in rows):
            self._in_vain += 1
        if self._in_vain >= _MOST_IN_VAIN:
            raise self._gives_up(ways, sent) from error
        said = f"over row {', '.join(rows)}, which is tried in a process of its own" if rows else "between rows"
        logger.warning(f"swift-saber: a loader's process ended ({ways}) {said}; the loader's processes start again")
        self._again = deque([*sent, *self._again])
        generator = self._loader.generator
        before = generator.get_state() if generator is not None else None
        self._starting_anew = True
        try:
            # A number that is drawn for the new processes would change what is drawn after it, such as an order.
            with torch.random.fork_rng(devices=[]):
                super().__init__(self._loader)
        finally:
            self._starting_anew = False
            if generator is not None:
                generator.set_state(before)

    def _stop(self) -> None:
        self._shutdown = True  # nothing is left to be done by torch, should this be the end
        for worker in self._workers:
            worker.kill()
        for worker in self._workers:
            worker.join()
        if self._pin_memory:
            self._pin_memory_thread_done_event.set()
            # A message that was cut short is waited for without end: then the thread is left behind.
            self._pin_memory_thread.join(2 * _utils.MP_STATUS_CHECK_INTERVAL)
        for queue in self._index_queues:
            queue.cancel_join_thread()
            queue.close()

    def _gives_up(self, ways: str, sent: list[Any]) -> InputError:
        rows = getattr(self._dataset, "dataset", None)  # of ms-swift's dataset, those before encoding
        places = [place for batch in sent for place in (batch if isinstance(batch, (list, tuple)) else [batch])]
        names = [row_id(rows[place]) if rows is not None else str(place) for place in places]
        problem = f"ended {self._in_vain} times ({ways}), and no row was under way that it could be laid to"
        remedy = f"see that memory suffices, and look at what it had in hand: rows {listed(names)}"
        return InputError("training data", "loader process", problem, remedy)


def _pids(processes: Iterable[Any]) -> list[int]:
    return [process.pid for process in processes]


def register() -> None:
    """Have torch's loaders of datasets with an index, in a run that keeps account of its rows, survive."""
    stock = DataLoader._get_iterator

    @wraps(stock)
    def surviving(self: Any) -> Any:
        if self.num_workers == 0 or self._dataset_kind != _DatasetKind.Map or not saber_under_way.active():
            return stock(self)
        self.check_worker_number_rationality()
        return SurvivingIterator(self)

    DataLoader._get_iterator = surviving  # type: ignore[method-assign]

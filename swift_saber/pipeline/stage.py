"""What a stage of the pipeline is: rows in, rows or drops out.

Knows nothing of files, processes or machines: those are run.py's and datatrove's.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drop:
    """A row that a stage takes out.

    Attributes:
        row: as the stage got it.
        reason: a few fixed words, by which drops are counted: "mute", "too long".
        value: what was measured or found, for a person who doubts: a number, a text, an object.
        limit: the threshold that it is beyond, where there is one.
    """

    row: Row
    reason: str
    value: Any = None
    limit: Any = None


class Stage(ABC):
    """One stage. Its settings are plain values set in `__init__`, since it travels to other processes and machines."""

    #: Names its folder, its block in the recipe and its column in the funnel.
    name: ClassVar[str]
    #: Whether one task must see all rows; else rows are dealt to tasks and no stage may look at two at once.
    whole: ClassVar[bool] = False

    @abstractmethod
    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row, changed, or its Drop, in the order of the rows.

        The result depends on the rows and the settings alone, never on the number of workers, on time, or on how
        often the run was stopped.

        Args:
            rows: of this task.
            folder: the stage's own, for what it must not do twice.
            rank: of the task: names its files in there.

        Raises:
            InputError: nothing goes on like this (an endpoint is down): the run stops, and goes on when started again.
        """


def in_order(function: Callable[[Row], Row | Drop], rows: Iterable[Row], threads: int) -> Iterator[Row | Drop]:
    """Yield function(row) for each row in the order of the rows, with so many rows in hand at a time.

    After an error nothing new is begun, what is in hand is waited for, and the error is raised.
    """
    with ThreadPoolExecutor(threads) as pool, closing(_begun(function, rows, threads, pool)) as begun:
        for future in begun:
            yield future.result()


def _begun(
    function: Callable[[Row], Row | Drop], rows: Iterable[Row], threads: int, pool: ThreadPoolExecutor
) -> Generator[Future[Row | Drop], None, None]:
    waiting: deque[Future[Row | Drop]] = deque()
    try:
        for row in rows:
            waiting.append(pool.submit(function, row))
            if len(waiting) >= 2 * threads:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()
    finally:
        for future in waiting:
            future.cancel()

"""What a stage of the pipeline is: rows in, rows or drops out.

A stage is a file in stages/ and a line in plan.py. Knows nothing of files, processes or machines: those are run.py's
and datatrove's.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from swift_saber.errors import InputError
from swift_saber.models.reply import UNANSWERED, Unusable
from swift_saber.sed.record import RECORD_KEYS
from swift_saber.settings import read_settings

Row = dict[str, Any]

# How much of a reply that could not be used is kept in its drop; the whole is in the log.
_SHOWN = 300


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
    """One stage; it holds its settings and nothing else, since it travels to other processes and machines.

    Args:
        settings: what its block in the recipe says.

    Raises:
        InputError: names the setting in the recipe that is missing, not known or wrong.
    """

    #: Names its folder, its block in the recipe and its column in the funnel.
    name: ClassVar[str]
    #: What its block may say: a dataclass that settings.read_settings takes.
    form: ClassVar[type[Any]]
    #: Whether one task must see all rows; else rows are dealt to tasks and no stage may look at two at once.
    whole: ClassVar[bool] = False
    #: The key of what it measured, whose numbers the report draws; none by default.
    measured: ClassVar[str] = ""
    #: What it looks at or adds: the keys that the report shows beside a clip, where the rest is folded away.
    shown: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **settings: Any) -> None:
        self.settings = read_settings(self.form, settings, self.name)

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


def must_have_record(row: Row) -> None:
    """Refuse a clip that nobody has annotated, in a stage that is about records."""
    if RECORD_KEYS.isdisjoint(row):
        raise InputError(row["id"], "record", "is missing", "let the stage annotate run before this one")


def no_reply(row: Row, reason: str, error: Unusable) -> Drop:
    """Return the Drop of a row about which a model gave no usable reply: why, and how the last one begins.

    Where the request was not answered, that is its reason, by which the next run knows to ask again (run.py).
    """
    reason = UNANSWERED if error.kind == UNANSWERED else reason
    return Drop(row, reason, {"reason": error.reason, "reply": error.reply[:_SHOWN]})

"""How many clips entered and left each stage, and why: read from the files of a run, one row at a time.

Knows the files of a run; what is shown of them is report.py's and card.py's.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError, quoted, unreadable
from swift_saber.rows import read_rows
from swift_saber.strict_json import parse_json

Row = dict[str, Any]
#: Given each row: the stage, the row, and the line of its drop, None where it was kept.
Look = Callable[[str, Row, dict[str, Any] | None], None]
MANIFEST = "manifest"


@dataclass
class Step:
    """One stage's part of the funnel.

    Attributes:
        stage: its name; the first step is "manifest", which drops nothing.
        entered: clips that the stage before kept.
        kept: of them.
        reasons: dropped clips per reason, most frequent first.
        entered_from: clips per source that entered.
        kept_from: clips per source that were kept.
        dropped_from: clips per (reason, source).
    """

    stage: str
    entered: int = 0
    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    entered_from: Counter[str] = field(default_factory=Counter)
    kept_from: Counter[str] = field(default_factory=Counter)
    dropped_from: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def dropped(self) -> int:
        """Clips that were taken out."""
        return self.reasons.total()

    @property
    def waiting(self) -> int:
        """Clips that are neither kept nor dropped yet: the run is not at its end."""
        return self.entered - self.kept - self.dropped


def read_run(run_folder: Path) -> dict[str, Any]:
    """Return what run.json says.

    Raises:
        InputError: there is none, or it does not name the stages.
    """
    path = run_folder / "run.json"
    try:
        run = parse_json(path.read_text(encoding="utf-8"), str(path), numbered=True)
    except OSError as error:
        raise unreadable(path, error) from error
    if not isinstance(run, dict) or not isinstance(run.get("stages"), list):
        raise InputError(str(path), "stages", "is not there", "name the output folder of a pipeline run")
    return run


def funnel(run_folder: Path, look: Look | None = None) -> list[Step]:
    """Return the manifest and each stage that was begun, in order.

    Args:
        run_folder: the output folder of a run.
        look: is shown every row of every stage on the way, so that the files are read once.

    Raises:
        InputError: a file is damaged, or a stage gave out more clips than entered it.
    """
    steps: list[Step] = []
    for stage in (MANIFEST, *read_run(run_folder)["stages"]):
        if not (run_folder / stage).is_dir():
            break
        step = Step(stage)
        for row, drop in read_stage(run_folder, stage):
            source = str(row.get("source"))
            if drop is None:
                step.kept += 1
                step.kept_from[source] += 1
            else:
                step.reasons[drop["reason"]] += 1
                step.dropped_from[drop["reason"], source] += 1
            if look:
                look(stage, row, drop)
        step.reasons = Counter(dict(sorted(step.reasons.items(), key=lambda item: (-item[1], item[0]))))
        step.entered = steps[-1].kept if steps else step.kept
        step.entered_from = steps[-1].kept_from if steps else step.kept_from
        if step.waiting < 0:
            problem = f"holds {step.kept + step.dropped:,} clips, of which only {step.entered:,} entered"
            remedy = "remove this folder and those of the stages after it, and run again"
            raise InputError(str(run_folder / stage), "rows", problem, remedy)
        steps.append(step)
    return steps


def read_stage(run_folder: Path, stage: str) -> Iterator[tuple[Row, dict[str, Any] | None]]:
    """Yield each row that a stage kept, with None, then each that it dropped, with the line of the drop.

    Raises:
        InputError: names the file and line that cannot be read.
    """
    for _, kept in _lines(run_folder / stage / "kept"):
        yield kept, None
    for where, drop in _lines(run_folder / stage / "dropped"):
        row, reason = drop.get("row"), drop.get("reason")
        if not isinstance(row, dict) or not isinstance(reason, str):
            raise InputError(where, "reason", f"is {quoted(reason)}", "remove the stage's folder and run again")
        yield row, drop


def kept_rows(run_folder: Path, stage: str) -> Iterator[tuple[str, Row]]:
    """Yield ("file:line", row) for each row that a stage kept, in the order of its files.

    Raises:
        InputError: names the file and line that cannot be read.
    """
    return _lines(run_folder / stage / "kept")


def _lines(folder: Path) -> Iterator[tuple[str, Row]]:
    for path in sorted(folder.glob("*.jsonl")):
        if path.stat().st_size:  # A task that kept nothing leaves an empty file.
            yield from read_rows(path)

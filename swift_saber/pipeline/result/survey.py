"""One reading of a run's files: how many clips entered and left each stage, distributions, and clips to look at.

One row at a time, in memory that does not grow. Knows the files of a run, what is counted and drawn by lot; how it is
shown is report.py's and card.py's.
"""

import re
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError, quoted
from swift_saber.pipeline.plan import STAGES
from swift_saber.pipeline.stage import Row
from swift_saber.sed.record import RECORD_KEYS
from swift_saber.text.emotions import EMOTIONS, OWN_EMOTIONS, common_emotion
from swift_saber.text.seed import lot_number
from swift_saber.text.strict_json import dumps, read_json

#: Given each row: the stage, the row, and the line of its drop, None where it was kept.
Look = Callable[[str, Row, dict[str, Any] | None], None]
MANIFEST = "manifest"
#: The stage that takes what people say, and where the figures of it are kept (people.py).
REVIEW = "review"
PEOPLE = "review/agreement.json"
#: What clips are counted by in each stage.
CATEGORIES = ("source", "language", "emotion", "consistency", "part")
_SAMPLES = 4  # of what each stage kept, and of each reason of its drops
_DISTINCT, _OTHER = 60, "(other)"
_LIMITS = 5
_EXAMPLES = 3  # of what the readers had to say
_USER = re.compile(r"(?<=://)[^/@\s]*@")


@dataclass
class Step:
    """One stage's part of the funnel.

    Attributes:
        stage: its name; the first step is "manifest", which drops nothing.
        entered_from: clips per source that the stage before kept.
        kept_from: clips per source that were kept of them.
        dropped_from: clips per (reason, source).
    """

    stage: str
    entered_from: Counter[str] = field(default_factory=Counter)
    kept_from: Counter[str] = field(default_factory=Counter)
    dropped_from: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def entered(self) -> int:
        """Clips that the stage before kept."""
        return self.entered_from.total()

    @property
    def kept(self) -> int:
        """Clips that went on."""
        return self.kept_from.total()

    @property
    def dropped(self) -> int:
        """Clips that were taken out."""
        return self.dropped_from.total()

    @property
    def reasons(self) -> dict[str, int]:
        """Dropped clips per reason, most frequent first."""
        counts: Counter[str] = Counter()
        for (reason, _), count in sorted(self.dropped_from.items()):
            counts[reason] += count
        return dict(counts.most_common())

    @property
    def waiting(self) -> int:
        """Clips that are neither kept nor dropped yet: the run is not at its end."""
        return self.entered - self.kept - self.dropped


class Numbers:
    """The distribution of a number: values to three digits and how often each came, so its size has a bound."""

    def __init__(self) -> None:
        self.counts: Counter[float] = Counter()

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[float(f"{value:.3g}")] += 1

    def quantile(self, part: float) -> float:
        """Return the smallest value that at least this part (0..1) of all values does not exceed."""
        values = sorted(self.counts)
        sums = list(accumulate(self.counts[value] for value in values))
        return values[bisect_left(sums, part * sums[-1])]

    def bins(self, most: int = 24) -> list[int]:
        """Return how many values lie in each of equally wide bins from the least to the greatest value."""
        bins = most if len(self.counts) > 1 else 1
        found: list[int] = np.histogram(list(self.counts), bins, weights=list(self.counts.values()))[0].tolist()
        return found


class Lot:
    """A few rows drawn by lot: those whose id has the smallest number, so that neither order nor chance matters."""

    def __init__(self, size: int, seed: str) -> None:
        self._size, self._seed = size, seed
        self._drawn: list[tuple[int, Any]] = []

    def add(self, name: str, what: Any) -> None:
        """Put one in."""
        insort(self._drawn, (lot_number(name, self._seed), what), key=lambda entry: entry[0])
        del self._drawn[self._size :]

    def drawn(self) -> list[Any]:
        """Return those drawn, in the order of their numbers."""
        return [what for _, what in self._drawn]


@dataclass
class Survey:
    """What is known of a run.

    Attributes:
        run: what run.json says.
        steps: the funnel.
        counts: clips that a stage kept, per (stage, category) and value.
        numbers: per (stage, name of the measure), of the clips that the stage kept.
        values: per (stage, reason), the measured values of dropped clips, where they are numbers.
        limits: per (stage, reason), the thresholds as written in the drops, a few at most.
        samples: per (stage, reason), lines of drops; per (stage, None), rows that were kept.
        sound: of the clips that each stage kept: sound in a file of its own, or "in the video".
        records: of the clips that each stage kept, how many have a record.
        split: what split.json says, where there is one.
        people: {"total", "figures"} of the reviews, as people.py writes them; {} where nobody has decided on a record.
    """

    run: dict[str, Any]
    steps: list[Step] = field(default_factory=list)
    counts: dict[tuple[str, str], Counter[str]] = field(default_factory=partial(defaultdict, Counter))
    numbers: dict[tuple[str, str], Numbers] = field(default_factory=partial(defaultdict, Numbers))
    values: dict[tuple[str, str], Numbers] = field(default_factory=partial(defaultdict, Numbers))
    limits: dict[tuple[str, str], set[str]] = field(default_factory=partial(defaultdict, set))
    samples: dict[tuple[str, str | None], Lot] = field(default_factory=dict)
    sound: dict[str, Counter[str]] = field(default_factory=partial(defaultdict, Counter))
    records: Counter[str] = field(default_factory=Counter)
    split: dict[str, Any] = field(default_factory=dict)
    people: dict[str, Any] = field(default_factory=dict)

    @property
    def last(self) -> Step:
        """The last stage that was begun."""
        return self.steps[-1]

    @property
    def to_come(self) -> list[str]:
        """Stages of the recipe that were not begun."""
        stages: list[str] = self.run["stages"]
        return stages[len(self.steps) - 1 :]

    @property
    def through(self) -> bool:
        """Whether every clip went as far as it will go."""
        return not self.to_come and not any(step.waiting for step in self.steps)

    def shares(self) -> Iterator[tuple[str, Counter[str], Counter[str]]]:
        """Yield each category that is known with its clips that were read, and those that are left, by value."""
        for category in CATEGORIES:
            read, left = (self.counts[step.stage, category] for step in (self.steps[0], self.last))
            if read or left:
                yield category, read, left

    def drops(self) -> list[tuple[str, str, str, int]]:
        """Return (stage, reason, source, how many) of the clips that were dropped."""
        return [(step.stage, *key, count) for step in self.steps for key, count in sorted(step.dropped_from.items())]

    def said(self, kind: str) -> list[tuple[str, str, int, str]]:
        """Return (source, what, how many, examples) of what the readers had to say.

        Args:
            kind: "skipped" of what they did not take for clips, "noted" of what is odd about clips that they took.
        """
        examples = self.run.get("examples", {})
        return [
            (source, what, count, _few(examples.get(source, {}).get(what, []), count))
            for source, of in self.run.get(kind, {}).items()
            for what, count in of.items()
        ]

    def own_words(self) -> list[str]:
        """Return the words that clips were counted under as emotions and that are none of the common ones."""
        _, read, left = next((of for of in self.shares() if of[0] == "emotion"), ("", Counter[str](), Counter[str]()))
        return sorted({*read, *left} - {*EMOTIONS, _OTHER})

    def strata(self) -> list[tuple[str, str, int, int]]:
        """Return (language, source, consistent, inconsistent) of the clips in the test set."""
        keys = ("language", "source", "consistent", "inconsistent")
        return [tuple(of[key] for key in keys) for of in self.split.get("strata", ())]

    def look(self, stage: str, row: Row, drop: dict[str, Any] | None) -> None:
        """Count one row of a stage; drop is the line of its drop, None where it was kept."""
        reason = drop["reason"] if drop else None
        if (stage, reason) not in self.samples:
            self.samples[stage, reason] = Lot(_SAMPLES, f"0 {stage}")
        self.samples[stage, reason].add(str(row.get("id")), drop or row)
        if drop:
            key = stage, drop["reason"]
            if _is_number(drop.get("value")):
                self.values[key].add(drop["value"])
            if drop.get("limit") is not None and len(self.limits[key]) < _LIMITS:
                self.limits[key].add(dumps(drop["limit"])[:200])
            return
        for category in CATEGORIES:
            for value in _emotions(row) if category == "emotion" else [row.get(category)]:
                if value is not None:
                    _count(self.counts[stage, category], str(value))
        self.records[stage] += not RECORD_KEYS.isdisjoint(row)
        self.sound[stage]["own file" if row.get("audios") else "in the video"] += 1
        for name, value in _leaves(row.get(STAGES[stage].measured)) if stage in STAGES else ():
            if _is_number(value):
                self.numbers[stage, name].add(value)


def survey(run_folder: Path) -> Survey:
    """Read the output folder of a run once, as funnel does, and return what the report and the dataset card show."""
    found = Survey(read_run(run_folder))
    found.steps = funnel(run_folder, found.look)
    if not found.steps:
        raise InputError(str(run_folder), MANIFEST, "is not there", "name the output folder of a pipeline run")
    note = run_folder / "split" / "split.json"
    if found.last.stage == "split" and note.is_file():
        found.split = read_json(note)
    if REVIEW in found.run["stages"] and (run_folder / PEOPLE).is_file():
        said = read_json(run_folder / PEOPLE)
        found.people = said if said["figures"]["items"]["decided"] else {}
    return found


def read_run(run_folder: Path) -> dict[str, Any]:
    """Return what run.json says.

    Raises:
        InputError: there is none, or it does not name the stages.
    """
    path = run_folder / "run.json"
    run = read_json(path)
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
        for row, drop in _read_stage(run_folder, stage):
            source = str(row.get("source"))
            if drop is None:
                step.kept_from[source] += 1
            else:
                step.dropped_from[drop["reason"], source] += 1
            if look:
                look(stage, row, drop)
        step.entered_from = steps[-1].kept_from if steps else step.kept_from
        if step.waiting < 0:
            problem = f"holds {step.kept + step.dropped:,} clips, of which only {step.entered:,} entered"
            remedy = "remove this folder and those of the stages after it, and run again"
            raise InputError(str(run_folder / stage), "rows", problem, remedy)
        steps.append(step)
    return steps


def _read_stage(run_folder: Path, stage: str) -> Iterator[tuple[Row, dict[str, Any] | None]]:
    """Each row that a stage kept, with None, then each that it dropped, with the line of the drop."""
    for _, kept in kept_rows(run_folder, stage):
        yield kept, None
    for where, drop in kept_rows(run_folder, stage, "dropped"):
        row, reason = drop.get("row"), drop.get("reason")
        if not isinstance(row, dict) or not isinstance(reason, str):
            raise InputError(where, "reason", f"is {quoted(reason)}", "remove the stage's folder and run again")
        yield row, drop


def kept_rows(run_folder: Path, stage: str, kind: str = "kept") -> Iterator[tuple[str, Row]]:
    """Yield ("file:line", row) for each row that a stage kept, or each line of its drops, in the order of its files.

    Raises:
        InputError: names the file and line that cannot be read.
    """
    for path in sorted((run_folder / stage / kind).glob("*.jsonl")):
        if path.stat().st_size:  # A task that kept nothing leaves an empty file.
            yield from read_rows(path)


def settings(block: Any) -> Iterator[tuple[str, str]]:
    """Yield ("block.key", value as text) for each setting of a recipe; a user and password in an address are cut."""
    for name, value in _leaves(block):
        yield name, _USER.sub("", value if isinstance(value, str) else dumps(value))


def _emotions(row: Row) -> list[Any]:
    """The common emotion of a clip, and its other ones, in its source's own words where they are not common."""
    labels = row.get("labels")
    if not isinstance(labels, dict):
        return []
    emotion, own = labels.get("emotion"), labels.get(OWN_EMOTIONS)
    if isinstance(emotion, str):
        emotion = common_emotion(emotion) or emotion  # who reviews may call it Joy, or 高兴
    return [emotion, *(own if isinstance(own, list) else [])]


def _few(examples: list[str], count: int) -> str:
    return ", ".join([*examples[:_EXAMPLES], *(["..."] if count > _EXAMPLES else [])]) if examples else ""


def _count(counter: Counter[str], value: str) -> None:
    value = value[:_DISTINCT]
    apart = value in counter or value in EMOTIONS or len(counter) < _DISTINCT
    counter[value if apart else _OTHER] += 1


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """What objects within objects hold, with the keys joined by dots."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value

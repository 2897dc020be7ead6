"""Holds what a record says of the voice against what is measured of the sound: marks it, and drops where asked to.

No model is asked. The line acoustic_feat is read by words (sed/claims.py), the sound is measured (media/prosody.py),
and of each claim it is said whether it agrees, contradicts or cannot be said (sed/evidence.py). All of this is ours.
"""

from array import array
from collections.abc import Iterable, Iterator
from math import isnan, nan
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field
from pydantic.dataclasses import dataclass

from swift_saber.data.log import RowLog
from swift_saber.data.rows import read_rows
from swift_saber.media.prosody import NAMES
from swift_saber.pipeline.measured import measured
from swift_saber.pipeline.stage import Drop, Row, Stage, must_have_record
from swift_saber.sed.claims import read_voice
from swift_saber.sed.evidence import Score
from swift_saber.sed.record import Record
from swift_saber.sed.scale import SCALED, Numbers, Scale
from swift_saber.sed.support import Support, support
from swift_saber.settings import SETTINGS, Whole
from swift_saber.text.files import write_text
from swift_saber.text.strict_json import dumps, read_json

NAME = "evidence"
CONTRADICTED = "voice contradicted"
_NOTE = "score.json"


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    """What is dropped.

    Attributes:
        max_contradicted: a row of which more is contradicted than this is dropped: its pitch is one thing, its rate
            another. None are where it is left out, since rules err: of the claims that they read in sentences that
            nobody had shown them, 0.92 were what the sentence says, and of claims that are true of espeak-ng's voices
            and decided, up to 0.05 come out wrong. Of few contradictions in good records many are such. Look at what
            is marked before you set it; 1 drops few good records, 0 many.
    """

    max_contradicted: Annotated[Whole, Field(ge=0)] | None = None


class Evidence(Stage):
    """Adds "evidence" to each row, or drops it with "voice contradicted".

    "evidence" is {"measured": {name: number or null}, "unsaid": {name: why it is null}, "claims": [{"words",
    "property", "value": "agrees", "contradicts" or "undecided", "reason": why it is that}], "agrees", "contradicts",
    "undecided": of how many things said (sed/support.py), "unread": clauses in which no claim could be read}.

    What is high is said by the speaker's other clips where they are enough, else by all clips of the same source and
    language, since levels and tongues do not compare, else by bounds (sed/scale.py). So all clips are measured before
    the first verdict. The numbers are kept in `measured/`: what was measured is not measured again while its file is
    the one of then.

    A sound that cannot be read, or is not there, drops nothing: all its numbers are left unsaid.
    """

    name = NAME
    form = Settings
    whole = True
    measured = NAME
    shown = (NAME, "audio_desc")
    settings: Settings

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row with its evidence, or its Drop; how much agrees in all of them is in folder/score.json then.

        Raises:
            InputError: a row has no record.
            RuntimeError: the processes that measure do not start.
        """
        spool = folder / "rows.jsonl"  # since rows can be read only once
        samples: dict[_Alike, _Sample] = {}
        with (
            RowLog(folder / "measured" / f"{rank:05d}.jsonl") as log,
            spool.open("w", encoding="utf-8", newline="\n") as file,
        ):
            for row, numbers in measured(map(_with_record, rows), log):
                samples.setdefault(_alike(row), _Sample()).add(row.get("speaker"), numbers)
                file.write(dumps({"row": row, "measured": numbers}) + "\n")
        scales = {alike: sample.scale() for alike, sample in samples.items()}
        score = Score()
        for _, line in read_rows(spool) if samples else ():
            row, numbers = line["row"], line["measured"]
            text = Record.from_dict(row, row["id"]).acoustic_feat
            found = support(text, numbers, scales[_alike(row)], row.get("speaker"))
            unread = len(read_voice(text).unread)
            score += _score(found, unread)
            yield self._judged(row, _written(numbers, found, unread))
        write_text(folder / _NOTE, dumps({"notes": [str(score)] if samples else []}) + "\n")
        spool.unlink()

    def _judged(self, row: Row, evidence: dict[str, Any]) -> Row | Drop:
        limit = self.settings.max_contradicted
        if limit is not None and evidence["contradicts"] > limit:
            return Drop(row, CONTRADICTED, evidence, limit)
        return row | {NAME: evidence}


def notes(folder: Path) -> list[str]:
    """Return how much of all that is claimed agrees, in a sentence; none where there was no clip.

    Args:
        folder: of a stage that is through.
    """
    path = folder / _NOTE
    return list(read_json(path)["notes"]) if path.is_file() else []


def _with_record(row: Row) -> Row:
    must_have_record(row)
    return row


class _Alike(NamedTuple):
    """What clips have in common whose numbers are compared."""

    source: str
    language: str


def _alike(row: Row) -> _Alike:
    return _Alike(str(row.get("source")), str(row.get("language")))


class _Sample:
    """What a scale is made of, for hundreds of thousands of clips: 40 bytes each, and the speaker."""

    def __init__(self) -> None:
        self._speakers: list[str | None] = []
        self._values = array("d")  # len(SCALED) for each clip

    def add(self, speaker: str | None, numbers: Numbers) -> None:
        self._speakers.append(speaker)
        self._values.extend(nan if numbers[name] is None else numbers[name] for name in SCALED)

    def scale(self) -> Scale:
        rows = zip(*[iter(self._values)] * len(SCALED), strict=True)
        clips = ({name: value for name, value in zip(SCALED, row, strict=True) if not isnan(value)} for row in rows)
        return Scale.of(zip(self._speakers, clips, strict=True))


def _score(found: Support, unread: int) -> Score:
    decided = found.agrees + found.contradicts
    return Score(found.agrees, decided, decided + found.undecided, unread)


def _written(numbers: Numbers, found: Support, unread: int) -> dict[str, Any]:
    """What a row says of its voice."""
    values = {name: numbers[name] for name in NAMES}
    said = {"measured": values, "unsaid": numbers["unsaid"], "claims": found.claims()}
    return said | found.counts() | {"unread": unread}

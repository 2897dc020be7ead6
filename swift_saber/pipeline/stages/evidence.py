"""Holds what a record says of the voice against what is measured of the sound: marks it, and drops where asked to.

No model is asked. The line acoustic_feat is read by words (sed/claims.py), the sound is measured (media/prosody.py),
and of each claim it is said whether it agrees, contradicts or cannot be said (sed/evidence.py). All of this is ours.

So is facial_exp_desc where the user has tables of action units (sed/action_units.py). They may come or change between
two runs. So a run begins with a copy of what they say in the stage's folder; the next run does the stage again where
they say something else by then.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import Field
from pydantic.dataclasses import dataclass
from tqdm import tqdm

from swift_saber.data.log import RowLog
from swift_saber.data.measured import measured
from swift_saber.data.rows import media_list, read_rows, write_rows
from swift_saber.media.prosody import NAMES
from swift_saber.pipeline.stage import Drop, Row, Stage, must_have_record
from swift_saber.sed.action_units import ActionUnits, Unit, read_action_units
from swift_saber.sed.claims import read_face, read_voice
from swift_saber.sed.evidence import Score
from swift_saber.sed.faces import find_tables
from swift_saber.sed.record import FACE, Record
from swift_saber.sed.scale import ClipNumbers, Numbers
from swift_saber.sed.support import Support, support, support_face
from swift_saber.settings import SETTINGS, Whole
from swift_saber.text.files import write_text
from swift_saber.text.strict_json import dumps, parse_json, read_json

NAME = "evidence"
CONTRADICTED = "voice contradicted"
#: Why nothing was measured of a clip; what was wrong with it stands in the log.
NOT_HEARD = "no sound that can be read"
_NOT_HEARD: Numbers = dict.fromkeys(NAMES) | {"unsaid": dict.fromkeys(NAMES, NOT_HEARD)}
_NOTE = "score.json"
_TABLES = "action_units.jsonl"


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    """What is dropped, and what is known of faces.

    Attributes:
        max_contradicted: a row of which more is contradicted than this is dropped: its pitch is one thing, its rate
            another. None are where it is left out, since rules err: of the claims that they read in sentences that
            nobody had shown them, 0.93 were what the sentence says, and of claims that are true of espeak-ng's voices
            and decided, up to 0.05 come out wrong. Of few contradictions in good records many are such. Look at what
            is marked before you set it; 1 drops few good records, 0 many. It is about the voice alone.
        action_units: a folder with a table a clip, named after its id or its video, in the current folder unless it is
            absolute; None looks at no face.
    """

    max_contradicted: Annotated[Whole, Field(ge=0)] | None = None
    action_units: str | None = None


class Evidence(Stage):
    """Adds "evidence" to each row, or drops it with "voice contradicted".

    "evidence" is {"measured": {name: number or null}, "unsaid": {name: why it is null}, "claims": [{"words",
    "property", "value": "agrees", "contradicts" or "undecided", "reason": why it is that}], "agrees", "contradicts",
    "undecided": of how many things said (sed/support.py), "unread": clauses in which no claim could be read}. With
    tables of action units it has "face" too, with the last five of the face; of a clip without one all is undecided.

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
    shown = (NAME, "audio_desc", FACE)
    settings: Settings

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row with its evidence, or its Drop; how much agrees in all of them is in folder/score.json then.

        Raises:
            InputError: a row has no record.
            RuntimeError: the processes that measure do not start.
        """
        spool = folder / "rows.jsonl"  # since rows can be read only once
        samples: dict[_Alike, ClipNumbers] = {}
        with (
            RowLog(folder / "measured" / f"{rank:05d}.jsonl") as log,
            spool.open("w", encoding="utf-8", newline="\n") as file,
        ):
            for row, answer in measured(map(_with_record, rows), log):
                numbers = _NOT_HEARD if isinstance(answer, str) else answer
                samples.setdefault(_alike(row), ClipNumbers()).add(row.get("speaker"), numbers)
                file.write(dumps({"row": row, "measured": numbers}) + "\n")
        scales = {alike: sample.scale() for alike, sample in samples.items()}
        faces = _Faces(folder / _TABLES) if self.settings.action_units is not None and samples else None
        score = Score()
        for _, line in read_rows(spool) if samples else ():
            row, numbers = line["row"], line["measured"]
            record = Record.from_dict(row, row["id"])
            text = record.acoustic_feat
            found = support(text, numbers, scales[_alike(row)], row.get("speaker"))
            unread = len(read_voice(text).unread)
            score += _score(found, unread)
            face = {"face": faces.said(row["id"], record.facial_exp_desc)} if faces else {}
            yield self._judged(row, _written(numbers, found, unread) | face)
        said = [str(score)] if samples else []
        write_text(folder / _NOTE, dumps({"notes": [*said, *([faces.note()] if faces else [])]}) + "\n")
        spool.unlink()

    def news(self, folder: Path, rows: Iterable[Row]) -> list[dict[str, Any]] | None:
        """Return what the tables say by now, for `keep`; None where it is what the folder has already.

        A table whose file is the one of then is not read again.

        Args:
            folder: the stage's own.
            rows: of all clips of the run, also those that a stage before drops: they may share a table's name.

        Raises:
            InputError: as faces.find_tables, or a file is no table of action units.
        """
        kept = folder / _TABLES
        before = {line["id"]: line for _, line in read_rows(kept)} if kept.exists() and kept.stat().st_size else {}
        found = []
        if self.settings.action_units is not None:
            place = Path(self.settings.action_units).expanduser().absolute()
            tables = find_tables(place, ((row["id"], media_list(row, "videos")) for row in rows))
            shown = tqdm(tables.items(), desc="action units", unit="table", delay=1)
            found = [_line(name, table, before.get(name, {})) for name, table in shown]
        return None if [_told(line) for line in found] == [_told(line) for line in before.values()] else found

    @staticmethod
    def keep(folder: Path, news: list[dict[str, Any]]) -> None:
        """Write what `news` returned to the stage's folder."""
        write_rows(folder / _TABLES, news)

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


class _Faces:
    """What the tables in a stage's folder say of faces, and how much agrees so far."""

    def __init__(self, path: Path) -> None:
        # As text: dictionaries would take several times the memory.
        self._lines = {line["id"]: dumps(line) for _, line in read_rows(path)}
        self._score, self._clips, self._without = Score(), 0, 0

    def said(self, name: str, text: str) -> dict[str, Any]:
        """What a row says of its face."""
        units = _units(parse_json(self._lines[name], name))
        found, unread = support_face(text, units), len(read_face(text).unread)
        self._score += _score(found, unread)
        self._clips += 1
        self._without += bool(units.unsaid)
        return {"claims": found.claims()} | found.counts() | {"unread": unread}

    def note(self) -> str:
        return f"face: {self._score}; of {self._without} of {self._clips} clips no table says what a face does"


def _line(name: str, table: Path | str, before: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a clip's table."""
    if isinstance(table, str):
        return {"id": name, "unsaid": table}
    state = table.stat()
    file = [table.name, state.st_size, state.st_mtime_ns]
    if before.get("file") == file:
        return dict(before)
    found = read_action_units(table)
    units = {str(number): [unit.share, unit.intensity] for number, unit in found.units.items()}
    frames = {"frames": found.frames, "faces": found.faces}
    return {"id": name, "unsaid": found.unsaid, **frames, "units": units, "file": file}


def _told(line: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key != "file"}


def _units(line: Mapping[str, Any]) -> ActionUnits:
    units = {int(number): Unit(share, intensity) for number, (share, intensity) in line.get("units", {}).items()}
    return ActionUnits(line.get("frames", 0), line.get("faces", 0), units, line["unsaid"])


def _score(found: Support, unread: int) -> Score:
    decided = found.agrees + found.contradicts
    return Score(found.agrees, decided, decided + found.undecided, unread)


def _written(numbers: Numbers, found: Support, unread: int) -> dict[str, Any]:
    """What a row says of its voice."""
    values = {name: numbers[name] for name in NAMES}
    said = {"measured": values, "unsaid": numbers["unsaid"], "claims": found.claims()}
    return said | found.counts() | {"unread": unread}

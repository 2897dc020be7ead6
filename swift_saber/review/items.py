"""What is reviewed: the rows of JSONL files, each as one item, whatever kind of row it is.

    record      a SABER row, with what the pipeline's checks found; or the row of a drop, with its reason
    answer      a result row of an inference, or a training row that ends with an answer: read into the six dimensions
    pair        a row of preference pairs: which answer is better
    candidates  several answers of a model to one clip: which of them is best

Knows rows; knows nothing of pages, of reviewers and of what they say.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from swift_saber.data.rows import asked_id, media_list, parse_row, read_placed, row_at
from swift_saber.data.turns import answer_of, clip_of, taken_out
from swift_saber.errors import InputError, quoted
from swift_saber.sed.conclusion import conclude
from swift_saber.sed.layout import parse
from swift_saber.sed.record import ACOUSTIC, DIMENSIONS, FACE, RECORD_KEYS, SPEECH, VISUAL, VOICE
from swift_saber.text.files import writable
from swift_saber.text.strict_json import MAX_LEVELS, dumps

if TYPE_CHECKING:
    from swift_saber.sed.scale import ClipNumbers, Scale

Kind = Literal["record", "answer", "pair", "candidates"]

#: The labels that can be edited beside the six texts.
LABELS = ("emotion", "consistency", "language")
#: All that can be edited of a record or an answer, as Item.values has it.
EDITABLE = (*DIMENSIONS, *LABELS)
#: By what items are drawn and figures are split.
STRATA = ("source", "consistency", "language")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers of a pair or of candidates.

    Attributes:
        text: the answer's own words.
        fields: the dimensions found in it; {} where it is none of ours.
        score: what a judge gave it, None where nobody did.
        videos, audios: where it is about other media than the item's, as in swapped pairs; else empty.
    """

    text: str
    fields: dict[str, str]
    score: float | None = None
    videos: tuple[str, ...] = ()
    audios: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to review.

    Attributes:
        id: of its row.
        kind: of Kind.
        where: "file:line".
        of: a digest of all that is reviewed of it: another text, label or answer is another digest.
        values: of EDITABLE, "" where the row has none; of a pair and of candidates {}. "emotion" is the row's label;
            where it has none, what its conclusion names.
        choices: of a pair (the chosen answer, then the rejected one) and of candidates, in their order; else ().
        source, language, consistency: of the row, "" where it does not say.
        concluded: the emotion that the row's own conclusion names, "" where none.
        videos, audios: paths as the row has them.
        checks: what the pipeline found, by the dimension that it stands beside: {dimension: [{"check", ...}]}; under ""
            what is about the whole clip.
        cues: [{"visual", "acoustic"}], the words that contradict each other.
        transcript: what is said, where the source says it.
        speaker: a name, "" where not known; no page is told.
        measured: the numbers of the voice that the pipeline's stage evidence measured.
    """

    id: str
    kind: Kind
    where: str
    of: str
    values: dict[str, str] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    source: str = ""
    language: str = ""
    consistency: str = ""
    concluded: str = ""
    videos: tuple[str, ...] = ()
    audios: tuple[str, ...] = ()
    checks: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    cues: tuple[dict[str, str], ...] = ()
    transcript: str = ""
    speaker: str = ""
    measured: dict[str, float] = field(default_factory=dict)


class Items(Mapping[str, Item]):
    """The items of JSONL files by id, in the order of the files; each is read when it is asked for.

    In memory are the place of each, its strata and its digest, some 500 bytes, and what was measured of its voice.

    Args:
        paths: JSONL files, none of them written to.

    Raises:
        InputError: a file cannot be read, a row is nothing that can be reviewed, or an id is there twice.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        self.paths = [Path(path) for path in paths]
        #: The folders of the pipeline's runs that the files are of, in which are sounds of their own.
        self.runs = {run.resolve() for path in self.paths for run in path.absolute().parents[:3] if _is_run(run)}
        self._places: dict[str, tuple[int, int, str]] = {}
        self._strata: dict[str, tuple[str, ...]] = {}
        self._of: dict[str, str] = {}
        #: How often each emotion is named.
        self.emotions: Counter[str] = Counter()
        kinds: dict[Kind, str] = {}
        voices: dict[tuple[str, str], ClipNumbers] = {}
        for number, path in enumerate(self.paths):
            for where, line, start in () if _is_empty(path) else read_placed(path):
                found = item_of(parse_row(line, where, levels=MAX_LEVELS), where)
                if found.id in self._places:
                    raise InputError(where, "id", f"{quoted(found.id)} is there twice", "remove one of the two rows")
                kinds.setdefault(found.kind, where)
                self._places[found.id] = (number, start, where)
                self._strata[found.id] = tuple(getattr(found, name) for name in STRATA)
                self._of[found.id] = found.of
                if found.measured:
                    _add(found, voices)
                if emotion := found.values.get("emotion"):
                    self.emotions[emotion] += 1
        if not self._places:
            raise InputError(", ".join(map(str, paths)), "file", "holds no row", "name a JSONL of records or answers")
        if len(kinds) > 1:
            (one, first), (two, second) = list(kinds.items())[:2]
            problem = f"{two} at {second}, and {one} at {first}"
            raise InputError(second, "row", f"is of another kind: {problem}", "review each kind by itself")
        #: What all of them are.
        self.kind: Kind = next(iter(kinds))
        self._scales = {alike: clips.scale() for alike, clips in voices.items()}

    def __getitem__(self, name: str) -> Item:
        number, start, where = self._places[name]
        found = item_of(row_at(self.paths[number], start, where, levels=MAX_LEVELS), where)
        if (found.id, found.of) != (name, self._of[name]):
            raise InputError(where, "row", "is another one than when the review began", "begin the review again")
        return found

    def __contains__(self, name: object) -> bool:  # else a Mapping reads the row to know
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def row(self, name: str) -> dict[str, Any]:
        """Return the row of an item, as it stands in its file."""
        number, start, where = self._places[name]
        return row_at(self.paths[number], start, where, levels=MAX_LEVELS)

    def strata(self, name: str) -> tuple[str, ...]:
        """Return the values of STRATA of an item, without reading it."""
        return self._strata[name]

    def scale(self, item: Item) -> "Scale | None":
        """Return with what a voice is compared: all of the item's source and language that the pipeline measured."""
        return self._scales.get((item.source, item.language))

    def of(self, name: str) -> str:
        """Return the digest of an item, as Item.of, without reading it."""
        return self._of[name]


def _add(item: Item, voices: "dict[tuple[str, str], ClipNumbers]") -> None:
    """Add what was measured of a voice to what it is compared with: as the stage evidence does, rounded as on pages."""
    from swift_saber.data.voice_track import three_figures  # here, since whoever reads items need not measure
    from swift_saber.sed.scale import ClipNumbers

    clips = voices.setdefault((item.source, item.language), ClipNumbers())
    clips.add(item.speaker or None, {name: three_figures(value) for name, value in item.measured.items()})


def _is_run(folder: Path) -> bool:
    return (folder / "run.json").is_file() and (folder / "manifest").is_dir()


def _is_empty(path: Path) -> bool:
    """Whether a file is there and holds nothing, as of a pipeline's task that kept no row."""
    return path.is_file() and path.stat().st_size == 0


def item_of(row: Mapping[str, Any], where: str) -> Item:
    """Return what is reviewed of a row.

    Args:
        row: of one of the kinds above; it may also be the line of a pipeline's drop, {"row", "reason"}.
        where: "file:line".

    Raises:
        InputError: the row is none of them.
    """
    if is_dropped(row):
        found = item_of(row["row"], where)
        dropped = {"check": "dropped", "reason": row["reason"], "value": row.get("value"), "limit": row.get("limit")}
        return replace(found, checks={**found.checks, "": [dropped, *found.checks.get("", [])]})
    row = _with_columns(row)
    name = asked_id(row, where)
    if isinstance(row.get("candidates"), list):
        return _choosing("candidates", name, row, where, [_candidate(each) for each in row["candidates"]])
    answer = row["response"] if isinstance(row.get("response"), str) else answer_of(row.get("messages"))
    if answer is not None and any(key.startswith("rejected") for key in row):
        return _choosing("pair", name, row, where, _pair(row, answer))
    if not RECORD_KEYS.isdisjoint(row):
        return _record("record", name, row, where, _six(row, where))
    if answer is not None:
        return _record("answer", name, row, where, parse(writable(answer)).fields)
    problem = "holds no record, no answer and no candidates"
    raise InputError(where, "row", problem, "give records, results of an inference, candidates or pairs")


def is_dropped(row: Mapping[str, Any]) -> bool:
    """Whether a row is the line of what a stage of the pipeline dropped."""
    return isinstance(row.get("row"), dict) and isinstance(row.get("reason"), str)


def _with_columns(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row with the clips that stand in its turns in columns."""
    messages = row.get("messages")
    if not isinstance(messages, list) or not any(_has_parts(turn) for turn in messages):
        return row
    turns = taken_out(messages)
    given = {column: paths for column, paths in turns.media.items() if paths and not media_list(row, column)}
    return {**row, "messages": turns.messages, **given}


def _has_parts(turn: Any) -> bool:
    content = turn.get("content") if isinstance(turn, dict) else None
    return isinstance(content, list) and any(clip_of(part) for part in content)


def _six(row: Mapping[str, Any], where: str) -> dict[str, str]:
    audio = row.get("audio_desc")
    flat = {**row, **audio} if isinstance(audio, dict) else row
    found = {name: flat.get(name) for name in DIMENSIONS}
    for name, text in found.items():
        if text is not None and not isinstance(text, str):
            raise InputError(where, name, f"is {quoted(text)}, not a text", "correct the record")
    return {name: text for name, text in found.items() if isinstance(text, str)}


def _record(kind: Kind, name: str, row: Mapping[str, Any], where: str, fields: Mapping[str, str]) -> Item:
    labels = row.get("labels")
    emotion = labels.get("emotion") if isinstance(labels, dict) else None
    concluded = conclude(fields)["emotion"] or ""
    values = {dimension: fields.get(dimension, "") for dimension in DIMENSIONS}
    values |= {label: _word(row, label) for label in ("consistency", "language")}
    values["emotion"] = emotion if isinstance(emotion, str) else concluded
    return Item(name, kind, where, digest(values), values, concluded=concluded, checks=_checks(row), **_about(row))


def _choosing(kind: Kind, name: str, row: Mapping[str, Any], where: str, choices: Sequence[Choice]) -> Item:
    if len(choices) < 2:
        raise InputError(where, kind, "is one answer, and the better of two is asked for", "remove the row")
    of = digest([[choice.text, list(choice.videos), list(choice.audios)] for choice in choices])
    return Item(name, kind, where, of, choices=tuple(choices), **_about(row))


def _pair(row: Mapping[str, Any], answer: str) -> list[Choice]:
    text = row.get("rejected_response")
    other = text if isinstance(text, str) else answer_of(row.get("rejected_messages"))
    given = row.get("scores")
    scores = given if isinstance(given, dict) else {}
    chosen, worse = (_number(scores.get(side)) for side in ("chosen", "rejected"))
    rejected_side = _choice(answer if other is None else other, worse)
    videos, audios = (_paths(row, f"rejected_{column}") for column in ("videos", "audios"))
    return [_choice(answer, chosen), replace(rejected_side, videos=videos, audios=audios)]


def _candidate(candidate: Any) -> Choice:
    text = candidate.get("text") if isinstance(candidate, dict) else candidate
    scores = candidate.get("scores") if isinstance(candidate, dict) else None
    numbers = [_number(value) for value in scores.values()] if isinstance(scores, dict) else []
    known = [number for number in numbers if number is not None]
    return _choice(text if isinstance(text, str) else "", sum(known) / len(known) if known else None)


def _choice(text: str, score: float | None) -> Choice:
    text = writable(text)
    return Choice(text, parse(text).fields, score)


def _about(row: Mapping[str, Any]) -> dict[str, Any]:
    cues = row.get("cues")
    return {
        **{name: _word(row, name) for name in STRATA},
        "videos": _paths(row, "videos"),
        "audios": _paths(row, "audios"),
        "transcript": _word(row, "transcript"),
        "speaker": _word(row, "speaker"),
        "measured": _measured(row),
        "cues": tuple(
            {side: cue[side] for side in ("visual", "acoustic") if isinstance(cue.get(side), str)}
            for cue in (cues if isinstance(cues, list) else ())
            if isinstance(cue, dict)
        ),
    }


def _checks(row: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What the stages speech, visual and evidence say of a row (pipeline/stages/speech.py, visual.py, evidence.py)."""
    found: dict[str, list[dict[str, Any]]] = {}
    speech, visual, evidence = (row.get(name) for name in ("speech", "visual", "evidence"))
    if isinstance(speech, dict):
        found[SPEECH] = [{"check": "speech", **speech}]
    if isinstance(visual, dict):
        fields = visual.get("fields")
        for dimension, verdict in (fields if isinstance(fields, dict) else {}).items():
            if dimension in (*VISUAL, *ACOUSTIC) and isinstance(verdict, dict):
                found.setdefault(dimension, []).append({"check": "visual", **verdict})
        if isinstance(visual.get("caption"), str):
            found.setdefault("", []).append({"check": "caption", "caption": visual["caption"]})
    if isinstance(evidence, dict):
        voice = {name: value for name, value in evidence.items() if name != "face"}
        if voice:
            found.setdefault(VOICE, []).append({"check": "evidence", **voice})
        if isinstance(face := evidence.get("face"), dict):
            found.setdefault(FACE, []).append({"check": "action units", **face})
    return found


def _measured(row: Mapping[str, Any]) -> dict[str, float]:
    """What the stage evidence says was measured; what cannot be a measurement is none."""
    evidence = row.get("evidence")
    found = evidence.get("measured") if isinstance(evidence, dict) else None
    known = {name: _number(value) for name, value in found.items()} if isinstance(found, dict) else {}
    return {
        name: value
        for name, value in known.items()
        if value is not None and isfinite(value) and (name != "pitch" or value > 0)
    }


def digest(value: Any) -> str:
    """Return the digest of what is reviewed, as Item.of has it."""
    return hashlib.sha256(dumps(value).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _word(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return writable(value) if isinstance(value, str) else ""


def _paths(row: Mapping[str, Any], column: str) -> tuple[str, ...]:
    return tuple(path for path in media_list(row, column) if isinstance(path, str))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

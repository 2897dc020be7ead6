"""What the page shows of a clip: what is known of it, and what each model made of it. Knows no files and no HTML."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from swift_saber.errors import InputError, quoted
from swift_saber.sed.conclusion import clashing_words
from swift_saber.sed.record import DIMENSIONS


@dataclass(frozen=True, slots=True)
class Shown:
    """What one model made of one clip.

    Attributes:
        verdict: one of verdict.VERDICTS; "" of a record, which answers nothing.
        read: the emotion or the label that was read out of the answer, "" where none was.
        fields: the dimensions found in the answer; empty where it is no record.
        remainder: what belongs to none of them.
        response: the model's own words.
        prediction: what was read out of them, where it is not a record.
        scores, details: as of the item.
        reject: {"reason", "remedy"} of a row without an answer.
        conclusion: as sed/conclusion.py reads it out of the fields; empty where there are none.
        words: {"visual", "acoustic"}: the words by which face and voice conflict; empty where they do not.
        notes: as inference.files.record_of has them; none of an evaluation.
        videos, audios: where the answer is about other media than the clip's, as in swapped pairs; else empty.
    """

    verdict: str
    read: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    remainder: str = ""
    response: str = ""
    prediction: Any = None
    scores: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    reject: dict[str, str] | None = None
    conclusion: dict[str, Any] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    videos: list[Any] = field(default_factory=list)
    audios: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Clip:
    """What is known of a clip beside the answers.

    Attributes:
        truth: as a benchmark has it.
        label: the emotion or label that is true, in a word; "" where none is known.
        reference: the dimensions of the reference record.
        words: as Shown, of the reference.
        people: what people said of it, as people.read_people has it; {} where nobody did.
        source, speaker: as its rows name them, "" where they do not; for the comparison of voices, and not shown.
    """

    id: str
    group: str = ""
    videos: list[Any] = field(default_factory=list)
    audios: list[Any] = field(default_factory=list)
    consistency: str | None = None
    cues: list[dict[str, str]] = field(default_factory=list)
    truth: Any = None
    label: str = ""
    reference: dict[str, str] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)
    seconds: float | None = None
    people: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One model's answers.

    Attributes:
        name: of the model, where it is known, else of the file.
        kind: "evaluation", "answers" or "records".
        scores: scores.json; None for a result file.
        clips, shown: by id, in the order of the file.
    """

    name: str
    kind: Literal["evaluation", "answers", "records"]
    scores: dict[str, Any] | None
    clips: dict[str, Clip]
    shown: dict[str, Shown]


def six(value: Any) -> dict[str, str] | None:
    """Return the six texts of a record in the released shape or of a flat {dimension: text}; None for anything else."""
    if not isinstance(value, dict):
        return None
    audio = value.get("audio_desc")
    flat = {**value, **audio} if isinstance(audio, dict) else value
    found = {name: flat[name] for name in DIMENSIONS if isinstance(flat.get(name), str)}
    return found or None


def clash_of(fields: Mapping[str, str], conclusion: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the words of a record by which face and voice conflict, {} where they do not.

    Args:
        fields: the record.
        conclusion: what conclude returns of it, or {}.
    """
    visual, acoustic = clashing_words(fields, conclusion) if conclusion else ([], [])
    return {"visual": visual, "acoustic": acoustic} if visual and acoustic else {}


def named(row: Mapping[str, Any], name: str) -> str:
    """Return what a row names, "" where that is nothing or no text."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def put(found: dict[str, Any], name: str, value: Any, where: str) -> None:
    """Add what a row says of a clip.

    Raises:
        InputError: another row is of the same.
    """
    if name in found:
        raise InputError(where, "id", f"{quoted(name)} is there twice", "remove one of the two rows")
    found[name] = value

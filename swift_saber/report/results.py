"""Reads what the page shows: the folder of an evaluation or a result file, and reference records, clip by clip.

Knows the files; knows nothing of HTML. Nothing is left out: a question without an answer is a clip with its reason.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from swift_saber.data.convert import check_turns
from swift_saber.data.rows import media_list, parse_row, read_rows, row_id
from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.benchmarks import BENCHMARKS, command
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.summary import read_items, read_scores
from swift_saber.inference.files import beside, record_of
from swift_saber.media.place import place_fault
from swift_saber.sed.conclusion import COLUMNS, conclude
from swift_saber.sed.layout import parse
from swift_saber.sed.record import DIMENSIONS
from swift_saber.text.files import read_text, writable


@dataclass(frozen=True, slots=True)
class Shown:
    """What one model made of one clip.

    Attributes:
        state: "answered", "invalid", "missing" or "unjudged", as evaluation.item has them.
        wrong: the answer is invalid or missing, or a score that says right or wrong (Command.verdicts) is 0.
        fields: the dimensions found in the answer; empty where it is no record.
        remainder: what belongs to none of them.
        response: the model's own words.
        prediction: what was read out of them, where it is not a record.
        scores, details: as of the item.
        reject: {"reason", "remedy"} of a row without an answer.
        conclusion: as sed/conclusion.py reads it out of the fields; empty where there are none.
        notes: as inference.files.record_of has them; none of an evaluation.
    """

    state: str
    wrong: bool
    fields: dict[str, str] = field(default_factory=dict)
    remainder: str = ""
    response: str = ""
    prediction: Any = None
    scores: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    reject: dict[str, str] | None = None
    conclusion: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Clip:
    """What is known of a clip beside the answers."""

    id: str
    group: str = ""
    videos: list[Any] = field(default_factory=list)
    audios: list[Any] = field(default_factory=list)
    consistency: str | None = None
    cues: list[dict[str, str]] = field(default_factory=list)
    truth: Any = None
    reference: dict[str, str] = field(default_factory=dict)
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One model's answers.

    Attributes:
        name: of the model, where it is known, else of the file.
        kind: "evaluation" or "answers".
        scores: scores.json; None for a result file.
        clips, shown: by id, in the order of the file.
    """

    name: str
    kind: Literal["evaluation", "answers"]
    scores: dict[str, Any] | None
    clips: dict[str, Clip]
    shown: dict[str, Shown]


def read_result(path: Path) -> Result:
    """Return the answers of an evaluation's folder or of a result file of shell/infer.sh.

    Raises:
        InputError: a file is missing or damaged, or an id is there twice; names the file and line.
    """
    if path.is_dir():
        return _read_evaluation(path)
    return _read_answers(path)


def read_references(path: Path) -> dict[str, Clip]:
    """Return the reference records of a JSONL by id.

    Raises:
        InputError: the file cannot be read, a row has none of the six dimensions, or an id is there twice.
    """
    found: dict[str, Clip] = {}
    for where, row in read_rows(path):
        clip = Clip(row_id(row), reference=six(row) or {})
        if not clip.reference:
            raise InputError(where, "record", "has none of the six dimensions", "give rows with SABER records")
        _add_row(clip, row)
        _put(found, clip.id, clip, where)
    return found


def six(value: Any) -> dict[str, str] | None:
    """Return the six texts of a record in the released shape or of a flat {dimension: text}; None for anything else."""
    if not isinstance(value, dict):
        return None
    audio = value.get("audio_desc")
    flat = {**value, **audio} if isinstance(audio, dict) else value
    found = {name: flat[name] for name in DIMENSIONS if isinstance(flat.get(name), str)}
    return found or None


def _read_evaluation(folder: Path) -> Result:
    scores = read_scores(folder)
    name = scores["benchmark"]
    verdicts = command(name).verdicts if name in BENCHMARKS else ()
    clips: dict[str, Clip] = {}
    shown: dict[str, Shown] = {}
    rejects = _rejects(folder / "answers.rejects.jsonl")
    for item in read_items(folder):
        clip = Clip(item.id, item.group, item.videos, item.audios)
        _add_row(clip, item.details)
        if clip.consistency is None and item.group in ("consistent", "inconsistent"):
            clip.consistency = item.group
        record = six(item.truth)
        clip.truth, clip.reference = (None, record) if record else (item.truth, {})
        clips[item.id] = clip
        said = item.details.get("reject")
        reject = {"reason": said} if isinstance(said, str) else None
        shown[item.id] = _show(item, verdicts, rejects.get(item.id, reject))
    return Result(scores["model"], "evaluation", scores, clips, shown)


def _show(item: Item, verdicts: Sequence[str], reject: dict[str, str] | None) -> Shown:
    answer = parse(writable(item.response))
    record = six(item.prediction)
    fields = record or answer.fields
    return Shown(
        item.state,
        item.state in ("invalid", "missing") or any(item.scores.get(name) == 0 for name in verdicts),
        fields,
        answer.remainder if answer.fields else "",
        item.response,
        None if record else item.prediction,
        item.scores,
        {name: of for name, of in item.details.items() if name not in ("cues", "reject")},  # shown on their own
        reject,
        conclude(fields) if fields else {},
    )


def _read_answers(path: Path) -> Result:
    clips: dict[str, Clip] = {}
    shown: dict[str, Shown] = {}
    rejects_file = beside(path, ".rejects.jsonl")
    rejects = _rejects(rejects_file)
    looked_up = _looked_up(path)
    # Where all rows were given up there is no result file.
    for where, row in read_rows(path) if path.exists() or not rejects else ():
        response = row.get("response")
        if not isinstance(response, str):
            raise InputError(where, "response", f"is {quoted(response)}", "give a result file of shell/infer.sh")
        clip = Clip(row_id(row), seconds=row.get("seconds"))
        _add_row(clip, row)
        clip.videos, clip.audios = ([_placed(each, looked_up) for each in of] for of in (clip.videos, clip.audios))
        _put(clips, clip.id, clip, where)
        if row.get("messages"):
            check_turns(row["messages"], where)
        record = record_of({**row, "id": clip.id})
        fields = record["fields"]
        shown[clip.id] = Shown(
            "answered",
            False,
            fields,
            record["remainder"] if fields else "",
            response,
            conclusion={name: record[name] for name in COLUMNS} if fields else {},
            notes=record["notes"],
        )
    for name, reject in rejects.items():
        _put(clips, name, Clip(name), str(rejects_file))
        shown[name] = Shown("missing", True, reject=reject)
    return Result(path.name.removesuffix(".jsonl"), "answers", None, clips, shown)


def _looked_up(path: Path) -> str:
    """The folder in which an inference looked up relative paths; "" where that is not known: the current one."""
    settings = beside(path, ".settings.json")
    found = parse_row(read_text(settings), str(settings)).get("relative_to") if settings.exists() else None
    return found if isinstance(found, str) else ""


def _placed(path: Any, folder: str) -> Any:
    return path if not isinstance(path, str) or place_fault(path) else os.path.join(folder, path)


def _rejects(path: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for where, row in read_rows(path) if path.exists() else ():
        _put(found, row_id(row), {key: str(row.get(key, "")) for key in ("reason", "remedy")}, where)
    return found


def _add_row(clip: Clip, row: dict[str, Any]) -> None:
    """Take over what a row says of the clip itself."""
    clip.videos = clip.videos or media_list(row, "videos")
    clip.audios = clip.audios or media_list(row, "audios")
    if row.get("consistency") in ("consistent", "inconsistent"):
        clip.consistency = row["consistency"]
    clip.cues = clip.cues or list(_cues(row.get("cues")))


def _cues(value: Any) -> Iterator[dict[str, str]]:
    for cue in value if isinstance(value, list) else []:
        if isinstance(cue, dict):
            yield {name: text for name in ("visual", "acoustic") if isinstance(text := cue.get(name), str) and text}


def _put(found: dict[str, Any], name: str, value: Any, where: str) -> None:
    if name in found:
        raise InputError(where, "id", f"{quoted(name)} is there twice", "remove one of the two rows")
    found[name] = value

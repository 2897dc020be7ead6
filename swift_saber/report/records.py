"""Reads any rows of records as the page shows them: as references, or as what there is to see.

Which rows are records, and what stands in them, is review/items.py's to say.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.report.clip import Clip, Result, Shown, clash_of, named, put
from swift_saber.report.verdict import emotion_label
from swift_saber.review.items import Choice, Item, item_of
from swift_saber.sed.conclusion import conclude
from swift_saber.sed.record import DIMENSIONS

# What the two answers of a row are that are seen side by side; of candidates, by whether all rows, some or none are
# scored.
_SIDES = ("chosen", "rejected")
_RANKS = {"all": ("best", "worst"), "some": ("best or first", "worst or last"), "none": ("first", "last")}


def read_references(path: Path) -> dict[str, Clip]:
    """Return the reference records of a JSONL by id: SABER records, or any rows with an answer in six dimensions.

    Raises:
        InputError: the file cannot be read, a row has none of the six dimensions, or an id is there twice.
    """
    found: dict[str, Clip] = {}
    for where, row in read_rows(path):
        item = item_of(row, where)
        clip, fields = _clip(item, row), _fields(item)
        if not fields:
            raise InputError(where, "record", "has none of the six dimensions", "give rows with SABER records")
        clip.reference, clip.words = fields, clash_of(fields, conclude(fields))
        put(found, clip.id, clip, where)
    return found


def read_records(path: Path) -> list[Result]:
    """Return the records of a JSONL as answers are shown, without a verdict; of candidates and pairs two.

    Raises:
        InputError: the file cannot be read, has no row, or a row is nothing that can be shown; or an id is there twice.
    """
    name = path.name.removesuffix(".jsonl")
    clips: dict[str, Clip] = {}
    columns: dict[str, dict[str, Shown]] = {}
    ranked: list[bool] = []
    for where, row in read_rows(path):
        item = item_of(row, where)
        put(clips, item.id, _clip(item, row), where)
        if item.kind == "pair":
            kind = row.get("kind")
            clips[item.id].group = clips[item.id].group or (kind if isinstance(kind, str) else "")
            sides, ends = _SIDES, (item.choices[0], item.choices[-1])
        elif item.choices:
            ranked.append(all(choice.score is not None for choice in item.choices))
            sides, ends = _RANKS["all"], _ends(item.choices)
        else:
            columns.setdefault(name, {})[item.id] = _record(item, row)
            continue
        for side, choice in zip(sides, ends, strict=True):
            columns.setdefault(f"{name}: {side}", {})[item.id] = _choice(choice)
    if not clips:
        raise InputError(str(path), "file", "holds no row", "name a JSONL of records or answers")
    if len(columns) > 2 or (len(columns) == 2 and name in columns):
        raise InputError(str(path), "file", "holds rows of several kinds", "make a page of each")
    if ranked and not all(ranked):
        # Where nobody has scored them, the first is not called the best.
        names = _RANKS["some" if any(ranked) else "none"]
        columns = {f"{name}: {side}": shown for side, shown in zip(names, columns.values(), strict=True)}
    return [Result(column, "records", None, clips, shown) for column, shown in columns.items()]


def _clip(item: Item, row: Mapping[str, Any]) -> Clip:
    """What a row says of the clip itself."""
    emotion = item.values.get("emotion") or item.concluded
    return Clip(
        item.id,
        item.source,
        list(item.videos),
        list(item.audios),
        item.consistency or None,
        [dict(cue) for cue in item.cues],
        label=emotion_label(emotion),
        source=item.source,
        speaker=named(row, "speaker"),
    )


def _fields(item: Item) -> dict[str, str]:
    return {name: text for name in DIMENSIONS if (text := item.values.get(name))}


def _record(item: Item, row: Mapping[str, Any]) -> Shown:
    """A record or an answer, with what the pipeline's checks found; why it was dropped is shown as of a reject."""
    fields = _fields(item)
    dropped = next((found for found in item.checks.get("", []) if found.get("check") == "dropped"), None)
    checks = {name: [each for each in found if each is not dropped] for name, found in item.checks.items()}
    response = row.get("response")
    conclusion = conclude(fields) if fields else {}
    return Shown(
        "reject" if dropped else "",
        item.concluded,
        fields,
        response=response if isinstance(response, str) else "",
        details={"checks": known} if (known := {name: found for name, found in checks.items() if found}) else {},
        reject={"reason": str(dropped["reason"])} if dropped else None,
        conclusion=conclusion,
        words=clash_of(fields, conclusion),
    )


def _ends(choices: Sequence[Choice]) -> tuple[Choice, Choice]:
    """The best and the worst candidate by their scores; the first and the last where not all have one."""
    if all(choice.score is not None for choice in choices):
        choices = sorted(choices, key=lambda choice: -(choice.score or 0.0))
    return choices[0], choices[-1]


def _choice(choice: Choice) -> Shown:
    fields = choice.fields
    conclusion = conclude(fields) if fields else {}
    return Shown(
        "",
        conclusion.get("emotion") or "",
        fields,
        response=choice.text,
        scores={} if choice.score is None else {"score": choice.score},
        videos=list(choice.videos),
        audios=list(choice.audios),
        conclusion=conclusion,
        words=clash_of(fields, conclusion),
    )

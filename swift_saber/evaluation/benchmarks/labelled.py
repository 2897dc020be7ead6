"""Labelled clips: the rows of a test set, what a model is asked about each, and which emotion is true of it.

A set may have no `consistency`, no records, emotions of its own (text/emotion_list.py), and the labels of several
people (people.py) in the place of one that is true.
"""

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from swift_saber.data.rows import media_path, read_rows
from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.benchmarks.people import labels_of, majority
from swift_saber.sed.layout import INSTRUCTIONS
from swift_saber.sed.record import ACOUSTIC, DIMENSIONS, RECORD_KEYS, Record, Row
from swift_saber.text.emotion_list import EmotionList
from swift_saber.text.emotions import EMOTIONS, OWN_EMOTIONS, common_emotion, named_emotions

GROUPS = ("consistent", "inconsistent")
#: The group of every clip where none says which of these it is.
ALL = "all"

_BLANK = Record("", "", "", "", "", "").to_dict()


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the options of read_test and read_emotions."""
    parser.add_argument("--data", type=Path, required=True, help="JSONL of SABER rows, with consistency or without")
    parser.add_argument("--emotions", type=Path, help="CSV emotion, words: your own emotions for the common ones")


def read_test(path: str | os.PathLike[str], listed: EmotionList | None = None) -> list[Row]:
    """Return the clips of a test set.

    Args:
        path: a JSONL of SABER rows: test.jsonl of `swift-saber pipeline`, released records that `swift-saber sources
            join` has joined with their clips, or any with clips and labels. Either all rows have "consistency" or none
            has; a row without any part of a record has a blank one.
        listed: the user's own emotions, of which labels have to be.

    Raises:
        InputError: it is a folder, or a row is no SABER row, has no id, no clip, an id of before, no consistency where
            others have it, or a label as in true_emotion.
    """
    if os.path.isdir(path):
        remedy = "give a JSONL: join the records with their clips with swift-saber sources join, and label them"
        raise InputError(str(path), "--data", "is a folder", remedy)
    rows: dict[str, Row] = {}
    unsplit = ""
    for where, given in read_rows(path):
        bare = given.keys().isdisjoint({*RECORD_KEYS, *ACOUSTIC})
        row = Row.from_dict({**given, **_BLANK} if bare else given, where)
        if row.id is None:
            raise InputError(where, "id", "is missing", "give each clip an id of its own")
        if row.id in rows:
            raise InputError(where, "id", f"{quoted(row.id)} is there twice", "remove one of the two rows")
        if row.consistency is None:
            unsplit = unsplit or where
        if not row.videos and not row.audios:
            raise InputError(where, "videos", "no video and no audio", "give the clip's files in videos and audios")
        try:
            true_emotion(row, listed)
            peoples_emotions(row, listed)
        except InputError as error:  # which names the row
            raise InputError(where, error.field, error.problem, error.remedy) from error
        rows[row.id] = row
    if unsplit and any(row.consistency for row in rows.values()):
        remedy = (
            "write consistent or inconsistent (the pipeline's consistency stage labels clips), or leave it out of all"
        )
        raise InputError(unsplit, "consistency", "is missing, and other rows have it", remedy)
    return list(rows.values())


def has_record(row: Row) -> bool:
    """Whether there is a record to compare an answer with."""
    return any(getattr(row.record, name).strip() for name in DIMENSIONS)


def group_of(row: Row) -> str:
    """Return the group of a clip: one of GROUPS, or ALL."""
    return row.consistency or ALL


def questions(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Yield what a model is asked about each clip: the SED instruction in the row's language, nothing of the record.

    The Chinese instruction is published; the English one is ours. A clip that names no sound has none to be named here
    either, so that the one inside its video is heard.
    """
    for row in rows:
        files = clip_files(row)
        yield {
            "id": row.id,
            "language": row.language,
            "messages": [{"role": "user", "content": INSTRUCTIONS[row.language]}],
            **files,
            "audios": files["audios"] or None,
        }


def clip_files(row: Row) -> dict[str, list[str]]:
    """Return where a clip's videos and audios are looked for."""
    return {"videos": [media_path(path) for path in row.videos], "audios": [media_path(path) for path in row.audios]}


def true_emotion(row: Row, listed: EmotionList | None = None) -> str | None:
    """Return the emotion of a clip: of labels.emotion, else of the one word of the pipeline's labels.own_emotions, else
    the one that most people gave to it; None where there is none.

    Args:
        row: of the set.
        listed: the user's own emotions; without them a label means a common emotion, or itself in lower case.

    Raises:
        InputError: it is no word, or none of the list.
    """
    label = label_of(row)
    if label is None:
        return majority(peoples_emotions(row, listed))
    if not isinstance(label, str) or not label.strip():
        problem = f"is {quoted(label)}, no emotion"
        raise InputError(row.id or "row", "labels.emotion", problem, "name one or leave it out")
    return _emotion(label, listed, row, "labels.emotion")


def label_of(row: Row) -> Any:
    """Return what the labels call the clip's emotion, as it stands there, or None."""
    own = row.labels.get(OWN_EMOTIONS)
    given: Any = row.labels.get("emotion")
    return own[0] if given is None and isinstance(own, list) and len(own) == 1 else given


def peoples_emotions(row: Row, listed: EmotionList | None = None) -> dict[str, str]:
    """Return {person: emotion} of the labels that people gave to a clip.

    Raises:
        InputError: as true_emotion.
    """
    return {
        person: _emotion(label, listed, row, f"labels.emotions.{person}") for person, label in labels_of(row).items()
    }


def _emotion(label: str, listed: EmotionList | None, row: Row, field: str) -> str:
    return listed.must_have(label, row.id or "row", field) if listed else common_emotion(label) or label.strip().lower()


def emotions_named(rows: Sequence[Row], listed: EmotionList | None = None) -> Callable[[str], list[str]]:
    """Return what reads the emotions that a text concludes: those of the list, else the common and the set's own."""
    if listed is not None:
        return listed.named
    labels = {emotion for row in rows for emotion in (true_emotion(row), *peoples_emotions(row).values()) if emotion}
    return partial(named_emotions, own=labels - {*EMOTIONS})

"""Whether answers say of the face what a table of action units does; and, to compare them with, whether records do.

Knows no model, and looks at no picture: the user brings a table a clip (sed/action_units.py). What is said is read by
words (sed/claims.py) and held against it (sed/evidence.py). Ours; each is of one answer, with the rules of measured.py:

    measured_face            agrees / decided, of the things that the line of the face says
    measured_face_coverage   decided / said

`reference_...` are the same of the clip's record. A clip without a table, or in whose table nothing can be said of a
face, is no part of any.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any

from swift_saber.errors import InputError
from swift_saber.evaluation.item import Item
from swift_saber.sed.action_units import ActionUnits, read_folder
from swift_saber.sed.record import FACE, Row
from swift_saber.sed.support import support_face

#: The metrics; of the first there is a gap.
MEASURED_FACE = (
    "measured_face",
    "measured_face_coverage",
    "reference_measured_face",
    "reference_measured_face_coverage",
)
NO_TABLE = "no table"
SEVERAL_CLIPS = "a table of several clips' name"
_UNSAID = "not measured"


@dataclass(frozen=True, slots=True)
class Faces:
    """The tables of a set.

    Attributes:
        units: of each clip by id, or why there are none.
        digest: of all that was read, so that runs by other tables are told apart.
    """

    units: Mapping[str, ActionUnits | str]
    digest: str


def read_faces(folder: Path, rows: Sequence[Row]) -> Faces:
    """Read the tables of a folder, each named after a clip's id or, where there is none, after its video.

    Raises:
        InputError: as action_units.read_folder, or none of the tables is of a clip.
    """
    tables = read_folder(folder)
    # Folders have clips of one name each: "dia0_utt0.mp4" of MELD is in three.
    videos = {
        name: {PurePath(path).as_posix() for path in paths}
        for name, paths in ((str(row.id), row.videos) for row in rows)
    }
    shared = Counter(PurePath(path).stem for path in {path for paths in videos.values() for path in paths})
    # Where ids are numbers, "1" may be the id of one clip and the video of another.
    of_videos = {name: table for name, table in tables.items() if name not in videos}
    units = {name: tables.get(name) or _of_video(paths, of_videos, shared) for name, paths in videos.items()}
    if all(isinstance(found, str) for found in units.values()):
        raise InputError(str(folder), "files", "are named after no clip", "name each after a clip's id or its video")
    return Faces(units, hashlib.sha256(repr(sorted(tables.items())).encode()).hexdigest())


def _of_video(paths: set[str], tables: Mapping[str, ActionUnits], shared: Mapping[str, int]) -> ActionUnits | str:
    stems = [stem for stem in {PurePath(path).stem for path in paths} if stem in tables]
    if not stems:
        return NO_TABLE
    return tables[stems[0]] if len(stems) == 1 and shared[stems[0]] == 1 else SEVERAL_CLIPS


def with_measured_face(found: Sequence[Item], faces: Faces) -> list[Item]:
    """Return the items with these metrics, and in details["measured_face"] the verdict on each claim."""
    return [_item(item, faces.units[item.id]) for item in found]


def _item(item: Item, units: ActionUnits | str) -> Item:
    if isinstance(units, str) or units.unsaid:
        why = units if isinstance(units, str) else units.unsaid
        return replace(item, details=item.details | {"measured_face": {_UNSAID: why}})
    answer = support_face((item.prediction or {}).get(FACE, ""), units)
    right = 0.0 if item.state in ("missing", "invalid") else answer.share
    scores: dict[str, float | None] = {"measured_face": right, "measured_face_coverage": answer.coverage}
    claims = {"answer": answer.claims()}
    if item.truth:
        reference = support_face(item.truth[FACE], units)
        claims["reference"] = reference.claims()
        scores |= {} if reference.share is None else {"reference_measured_face": reference.share}
        scores["reference_measured_face_coverage"] = reference.coverage
    return replace(item, scores=item.scores | scores, details=item.details | {"measured_face": claims})


def measured_face_notes(found: Sequence[Item]) -> list[str]:
    """Return what is to be known beside the scores; nothing where no table was read."""
    about: list[Mapping[str, Any]] = [
        item.details["measured_face"] for item in found if "measured_face" in item.details
    ]
    reasons = Counter(one[_UNSAID] for one in about if _UNSAID in one)
    notes = []
    if reasons:
        shown = "; ".join(f"{reason}: {number}" for reason, number in reasons.most_common())
        notes.append(
            f"measured_face: of {reasons.total()} of {len(about)} clips no table says what a face does ({shown})"
        )
    if undecided := sum("measured_face" in item.scores and item.scores["measured_face"] is None for item in found):
        notes.append(
            f"measured_face: in {undecided} answers nothing that is said of the face is decided; they stand under "
            "unjudged there, and count in measured_face_coverage"
        )
    return notes

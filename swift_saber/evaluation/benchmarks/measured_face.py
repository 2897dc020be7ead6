"""Whether answers say of the face what a table of action units does; and, to compare them with, whether records do.

Knows no model, and looks at no picture: the user brings a table a clip (sed/action_units.py). What is said is read by
words (sed/claims.py) and held against it (sed/evidence.py). Ours; each is of one answer, with the rules of measured.py:

    measured_face            agrees / decided, of the things that the line of the face says
    measured_face_coverage   decided / said

`reference_...` are the same of the clip's record. A clip without a table, or in whose table nothing can be said of a
face, is no part of any.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from swift_saber.evaluation.item import Item
from swift_saber.sed.action_units import ActionUnits
from swift_saber.sed.faces import Faces
from swift_saber.sed.record import FACE
from swift_saber.sed.support import support_face

#: The metrics; of the first there is a gap.
MEASURED_FACE = (
    "measured_face",
    "measured_face_coverage",
    "reference_measured_face",
    "reference_measured_face_coverage",
)
_UNSAID = "not measured"


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

"""Whether answers say of the voice what the clip's sound measures; and, to compare them with, whether the records do.

Knows no model. What is said is read by words (sed/claims.py) and held against data/voice.py's numbers on the scale of
the set's clips of the same source and language, as the pipeline does (sed/scale.py). Ours; each is of one answer:

    measured            agrees / decided, of the things that the line of the voice says (sed/support.py); a missing or
                        invalid answer has 0. Where nothing is decided it has no score, which "unjudged" counts
    measured_coverage   decided / said; 0 where nothing is said

`reference_...` are the same of the clip's record: as far as that disagrees, an answer may. A clip without a voice that
can be measured is no part of any.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from tqdm import tqdm

from swift_saber.data.voice import voices
from swift_saber.evaluation.item import Item
from swift_saber.media.place import Problem
from swift_saber.media.prosody import NAMES
from swift_saber.sed.record import VOICE, Row
from swift_saber.sed.scale import Numbers, Scale
from swift_saber.sed.support import support

#: The metrics; of the first there is a gap.
MEASURED = ("measured", "measured_coverage", "reference_measured", "reference_measured_coverage")
_UNSAID = "not measured"


def with_measured(found: Sequence[Item], rows: Sequence[Row]) -> list[Item]:
    """Return the items with these metrics, and in details["measured"] the verdict on each claim.

    Every clip is measured. Memory: about 2 kB a clip.

    Args:
        found: an item for each row, in their order.
        rows: of the test set; "speaker" and "source" where they are known.
    """
    media = ((item.id, {"id": item.id, "videos": item.videos, "audios": item.audios}) for item in found)
    with closing(voices(media)) as answers, tqdm(answers, total=len(found), desc="measured", unit="clip") as shown:
        measured = dict(shown)
    named = {str(row.id): row.record.extra.get("speaker") for row in rows}
    speakers = {name: one if isinstance(one, str) else None for name, one in named.items()}
    # Levels and tongues do not compare.
    alike = {str(row.id): (str(row.record.extra.get("source")), row.language) for row in rows}
    known: dict[tuple[str, str], list[tuple[str | None, Numbers]]] = defaultdict(list)
    for name, one in measured.items():
        if not isinstance(one, Problem):
            known[alike[name]].append((speakers[name], one))
    scales = {key: Scale.of(clips) for key, clips in known.items()}
    return [_item(item, measured[item.id], scales.get(alike[item.id]), speakers[item.id]) for item in found]


def _item(item: Item, measured: Numbers | Problem, scale: Scale | None, speaker: str | None) -> Item:
    if isinstance(measured, Problem) or all(measured[name] is None for name in NAMES):
        why = measured.reason if isinstance(measured, Problem) else ", ".join(sorted({*measured["unsaid"].values()}))
        return replace(item, details=item.details | {"measured": {_UNSAID: why}})
    answer = support((item.prediction or {}).get(VOICE, ""), measured, scale, speaker)
    right = 0.0 if item.state in ("missing", "invalid") else answer.share
    scores: dict[str, float | None] = {"measured": right, "measured_coverage": answer.coverage}
    claims = {"answer": answer.claims()}
    if item.truth:
        reference = support(item.truth[VOICE], measured, scale, speaker)
        claims["reference"] = reference.claims()
        scores |= {} if reference.share is None else {"reference_measured": reference.share}
        scores["reference_measured_coverage"] = reference.coverage
    return replace(item, scores=item.scores | scores, details=item.details | {"measured": claims})


def measured_notes(found: Sequence[Item]) -> list[str]:
    """Return what is to be known beside the scores; nothing where nothing was measured."""
    about: list[Mapping[str, Any]] = [item.details["measured"] for item in found if "measured" in item.details]
    reasons = Counter(one[_UNSAID] for one in about if _UNSAID in one)
    notes = []
    if reasons:
        shown = "; ".join(f"{reason}: {number}" for reason, number in reasons.most_common(5))
        notes.append(f"measured: {reasons.total()} of {len(about)} clips have no voice that can be measured ({shown})")
    if undecided := sum("measured" in item.scores and item.scores["measured"] is None for item in found):
        notes.append(
            f"measured: in {undecided} answers nothing that is said of the voice is decided; they stand under unjudged "
            "there, and count in measured_coverage"
        )
    return notes

"""Whether what was seen and what was heard in a clip point to the same feeling, by a model that judges the evidence."""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from swift_saber.models.asker import Asker, in_order, replies_log
from swift_saber.models.reply import Unusable, fenced_question, object_schema, read_object
from swift_saber.models.service import Service
from swift_saber.pipeline.stage import Drop, Row, Stage, must_have_record, no_reply
from swift_saber.pipeline.stages.prompts import CONSISTENCY
from swift_saber.sed.record import ACOUSTIC, CONCLUSION, VISUAL, Record

LABELS = ("consistent", "inconsistent")

_SIDES = {"visual": VISUAL, "acoustic": ACOUSTIC}
_CUE = object_schema(**{side: {"type": "string"} for side in _SIDES})
# The cues stand first, so that the label is given after the evidence for it.
SCHEMA = object_schema(cues={"type": "array", "items": _CUE}, consistency={"type": "string", "enum": list(LABELS)})


def read_label(reply: str, record: Record) -> tuple[str, list[dict[str, str]]]:
    """Return the label, of LABELS, and the cues that clash: [{"visual": ..., "acoustic": ...}], none for "consistent".

    Args:
        reply: one JSON object of SCHEMA, bare or in a fence. Other keys are not looked at.
        record: the one that was judged.

    Raises:
        Unusable: it is not that, "inconsistent" names no cue, "consistent" names one, or a cue is not literally in
            its evidence.
    """
    value = read_object(reply)
    label, cues = value.get("consistency"), value.get("cues")
    if label not in LABELS:
        raise Unusable('consistency is neither "consistent" nor "inconsistent"')
    if not isinstance(cues, list):
        raise Unusable("cues is not a list")
    if bool(cues) != (label == "inconsistent"):
        raise Unusable(f"{label!r} {'must have no cues' if cues else 'needs the cues that clash'}")
    found = []
    for cue in cues:
        for side, names in _SIDES.items():
            words = cue.get(side) if isinstance(cue, dict) else None
            if not isinstance(words, str) or not words.strip():
                raise Unusable(f"a cue has no {side} words")
            if not any(words in getattr(record, name) for name in names):
                problem = f"the {side} evidence does not hold the words {words[:100]!r}"
                raise Unusable(f"{problem}; copy them character for character")
        found.append({side: cue[side] for side in _SIDES})
    return label, found


class Consistency(Stage):
    """Adds "consistency" and "cues" to each row, or drops it with "no consistency label".

    The model gets the visual and the acoustic evidence of the record. It does not get the conclusion, in which the
    annotator has already said how the two go together, nor the labels of the source.
    """

    name = "consistency"
    form = Service
    shown = ("consistency", "cues", *VISUAL, "audio_desc", CONCLUSION)
    settings: Service

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """Yield each row with its label, or its Drop; replies are kept in the folder."""
        with replies_log(folder, "consistency", rank) as log:
            asker = Asker(self.settings, log)
            yield from in_order(partial(self._one, asker), rows, self.settings.concurrency)

    def _one(self, asker: Asker, row: Row) -> Row | Drop:
        must_have_record(row)
        record = Record.from_dict(row, row["id"])
        evidence = {f"{side.title()} evidence, {name}": name for side, names in _SIDES.items() for name in names}
        messages = fenced_question(CONSISTENCY, {title: getattr(record, name) for title, name in evidence.items()})
        try:
            label, cues = asker.ask(row["id"], messages, partial(read_label, record=record), SCHEMA)
        except Unusable as error:
            return no_reply(row, "no consistency label", error)
        return row | {"consistency": label, "cues": cues}

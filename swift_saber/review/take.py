"""What somebody edited by hand in a file of records, as reviews, so that the edits outlive the file.

Who edits a file has seen what reviewers made of its records: these reviews adjudicate. Knows rows of a file, those that
it was before, and those that people review; how the three belong together in a run is the caller's matter.
"""

import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swift_saber.data.rows import media_list, read_rows
from swift_saber.errors import InputError
from swift_saber.review.apply import MARK
from swift_saber.review.items import LABELS, Item, Items, item_of
from swift_saber.review.log import ReviewLog
from swift_saber.sed.record import DIMENSIONS, RECORD_KEYS

#: What became of the rows, in the order in which it is told.
COUNTS = ("unchanged", "taken", "taken before", "removed", "added", "changed otherwise")

# What edits are looked for in; of the rest of a row no review can say anything.
_REVIEWED = {*RECORD_KEYS, *DIMENSIONS, *LABELS, MARK, "labels", "response", "messages"}

_MEDIA = ("videos", "audios")


def take(
    edited: Path, shown: Items, reviewed: Items, folder: Path, reviewer: str, *, removed_are_rejected: bool | None
) -> Counter[str]:
    """Save a review of each record that was edited in a file.

    Args:
        edited: the JSONL that somebody edited.
        shown: the rows as they were before; of a "part" that no edited row is of, none is missed.
        reviewed: the rows that people review and the pipeline's stage gets; they may be the same as shown.
        folder: of the reviews.
        reviewer: under which name.
        removed_are_rejected: whether a row that is no longer there is rejected; None where the file was never to hold
            all rows.

    Returns:
        {one of COUNTS: rows}: "removed" those that are no longer there, "added" those of which there is no row,
        "changed otherwise" those in which something is edited that no review can say, such as a path. The last two are
        not taken.

    Raises:
        InputError: a file cannot be read, rows are no records and no answers, or an edit cannot be.
    """
    if reviewed.kind not in ("record", "answer"):
        remedy = "review them on the page: swift-saber review"
        raise InputError(
            str(edited), "row", f"is of {reviewed.kind}: which answer is better is not to be edited", remedy
        )
    counts = Counter(dict.fromkeys(COUNTS, 0))
    left = set(shown)
    parts: set[Any] = set()
    with ReviewLog(folder, reviewer, adjudicates=True) as log:
        for where, row in read_rows(edited):
            item = item_of(row, where)
            if item.id not in shown or item.id not in reviewed:
                counts["added"] += 1
                continue
            before = shown.row(item.id)
            left.discard(item.id)
            parts.add(before.get("part"))
            counts["changed otherwise"] += _is_other(row, before)
            # A row of a stage before the reviews has not had what they changed.
            base = shown[item.id] if MARK in row else reviewed[item.id]
            edits = _edits(row, item, base)
            counts[_save(log, reviewed[item.id], base, edits) if edits else "unchanged"] += 1
        if removed_are_rejected is not None:
            for name in (name for name in shown if name in left and shown.row(name).get("part") in parts):
                counts["removed"] += 1
                if removed_are_rejected and name in reviewed:
                    _append(log, reviewed[name], "reject", "removed by hand", {})
    return counts


def _edits(row: Mapping[str, Any], item: Item, base: Item) -> dict[str, str]:
    """The values that are others than they were, by name."""
    edits = {name: text for name, text in item.values.items() if text != base.values[name]}
    labels = row.get("labels")
    if not (isinstance(labels, dict) and "emotion" in labels) and base.values["emotion"] == base.concluded:
        edits.pop("emotion", None)  # it is only what another conclusion names
    if item.kind == "record":  # of what a stage had not made yet nothing was edited
        audio = row.get("audio_desc")
        held = {"emotion", *row, *(audio if isinstance(audio, dict) else ())}
        edits = {name: text for name, text in edits.items() if name in held}
    return edits


def _save(log: ReviewLog, item: Item, base: Item, edits: Mapping[str, str]) -> str:
    """Save the review of one record, and say which of COUNTS it is."""
    after = {**base.values, **edits}
    known = log.latest.get(item.id)
    decision = "accept" if after == item.values else "correct"
    if known and (known.of, known.decision, known.after) == (item.of, decision, after):
        return "taken before"
    _append(log, item, decision, "", after)
    return "taken"


def _append(log: ReviewLog, item: Item, decision: str, reason: str, after: dict[str, str]) -> None:
    known = log.latest.get(item.id)
    if known and (known.of, known.decision) == (item.of, decision) == (item.of, "reject"):
        return
    revision = known.revision if known else 0
    log.save(uuid.uuid4().hex, item, revision, decision=decision, reason=reason, after=after)


def _is_other(row: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether something is edited that is no text and no label that people review."""
    own = {name: value for name, value in row.items() if name not in {*_REVIEWED, *_MEDIA}}
    labels, labels_before = ({**_labels(one), "emotion": None} for one in (row, before))
    media = any(media_list(row, column) != media_list(before, column) for column in _MEDIA)
    return media or labels != labels_before or any(before.get(name) != value for name, value in own.items())


def _labels(row: Mapping[str, Any]) -> dict[str, Any]:
    labels = row.get("labels")
    return labels if isinstance(labels, dict) else {}

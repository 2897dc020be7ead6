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
from swift_saber.text.files import writable

#: What became of the rows, in the order in which it is told.
COUNTS = ("unchanged", "taken", "taken before", "taken back", "removed", "added", "changed otherwise")

# How the ids of our lines begin, by which they are told from what the reviewer says on a page.
_OURS = "take-"

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
        {one of COUNTS: rows}: "taken back" those whose edit was taken before and is undone, "removed" those that are no
        longer there, "added" those of which there is no row, "changed otherwise" those in which something is edited
        that no review can say, such as a path, or a key is gone. The last two are not taken.

    Raises:
        InputError: a file cannot be read, has an id twice, or rows are no records and no answers: nothing is taken; or
            an edit cannot be.
    """
    if reviewed.kind not in ("record", "answer"):
        remedy = "review them on the page: swift-saber review"
        raise InputError(
            str(edited), "row", f"is of {reviewed.kind}: which answer is better is not to be edited", remedy
        )
    counts = Counter(dict.fromkeys(COUNTS, 0))
    Items([edited])  # which sees that each row is one, and there once
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
            # A row of a stage before the reviews, or of a time before some, has not had what they changed.
            is_later = MARK in row and row[MARK] == before.get(MARK)
            base = shown[item.id] if is_later else reviewed[item.id]
            is_whole = is_later or removed_are_rejected is not None
            counts["changed otherwise"] += _is_other(row, before) or (is_whole and _is_short(row, before, base))
            if edits := _edits(row, item, base):
                counts[_save(log, where, reviewed[item.id], base, edits)] += 1
            else:
                counts["taken back" if is_whole and _is_undone(log, reviewed[item.id], base) else "unchanged"] += 1
        if removed_are_rejected is not None:
            for name in (name for name in shown if name in left and shown.row(name).get("part") in parts):
                counts["removed"] += 1
                if removed_are_rejected and name in reviewed:
                    _append(log, reviewed[name], "reject", "removed by hand", {})
    return counts


def _edits(row: Mapping[str, Any], item: Item, base: Item) -> dict[str, str]:
    """The values that are others than they were, by name."""
    edits = {name: writable(text) for name, text in item.values.items() if text != base.values[name]}
    labels = row.get("labels")
    if not (isinstance(labels, dict) and "emotion" in labels) and base.values["emotion"] == base.concluded:
        edits.pop("emotion", None)  # it is only what another conclusion names
    if item.kind == "record":  # of what a stage had not made yet nothing was edited
        held = {"emotion", *_keys(row)}
        edits = {name: text for name, text in edits.items() if name in held}
    return edits


def _keys(row: Mapping[str, Any]) -> set[str]:
    audio = row.get("audio_desc")
    return {*row, *(audio if isinstance(audio, dict) else ())}


def _is_short(row: Mapping[str, Any], before: Mapping[str, Any], base: Item) -> bool:
    """Whether a key of a record is gone that it had."""
    had = {name for name, text in base.values.items() if text and name != "emotion"} | ({"source"} & set(before))
    return base.kind == "record" and not had <= _keys(row)


def _is_undone(log: ReviewLog, item: Item, base: Item) -> bool:
    """Whether a row without an edit had one that was taken before, and is not in what it is compared with."""
    known = log.latest.get(item.id)
    if not known or not known.id.startswith(_OURS) or known.of != item.of or known.decision == "skip":
        return False
    wanted = item.values if known.decision == "accept" else known.edits()
    if known.decision != "reject" and all(base.values[name] == text for name, text in wanted.items()):
        return False
    _append(log, item, "skip", "", {})
    return True


def _save(log: ReviewLog, where: str, item: Item, base: Item, edits: Mapping[str, str]) -> str:
    """Save the review of one record, and say which of COUNTS it is."""
    after = {**base.values, **edits}
    known = log.latest.get(item.id)
    decision = "accept" if after == item.values else "correct"
    if known and (known.of, known.decision, known.after) == (item.of, decision, after):
        return "taken before"
    try:
        _append(log, item, decision, "", after)
    except InputError as error:
        if error.where != item.id:  # not about what was edited
            raise
        raise InputError(where, error.field, error.problem, error.remedy) from error
    return "taken"


def _append(log: ReviewLog, item: Item, decision: str, reason: str, after: dict[str, str]) -> None:
    known = log.latest.get(item.id)
    if known and (known.of, known.decision) == (item.of, decision) == (item.of, "reject"):
        return
    revision = known.revision if known else 0
    log.save(_OURS + uuid.uuid4().hex, item, revision, decision=decision, reason=reason, after=after)


def _is_other(row: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether something is edited that is no text and no label that people review."""
    own = {name: value for name, value in row.items() if name not in {*_REVIEWED, *_MEDIA}}
    labels, labels_before = ({**_labels(one), "emotion": None} for one in (row, before))
    media = any(media_list(row, column) != media_list(before, column) for column in _MEDIA)
    return media or labels != labels_before or any(before.get(name) != value for name, value in own.items())


def _labels(row: Mapping[str, Any]) -> dict[str, Any]:
    labels = row.get("labels")
    return labels if isinstance(labels, dict) else {}

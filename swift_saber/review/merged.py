"""Files of records, with the reviews of them, into a file of records that people agreed on and two of what is left.

Knows files; what is agreed is merge.py's matter, and what it does to a row apply.py's.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from swift_saber.data.rows import must_be_new, read_rows
from swift_saber.review.apply import NOT_REVIEWED, LeftOutError, apply, marked
from swift_saber.review.items import Items, is_dropped, item_of
from swift_saber.review.log import Review, latest_reviews
from swift_saber.review.merge import DECISION, Verdict, verdict_of, voices
from swift_saber.text.files import whole
from swift_saber.text.strict_json import encoded

#: What becomes of a row, in the order in which it is told.
COUNTS = ("accepted", "corrected", "rejected", "disputed", "open", "stale", NOT_REVIEWED)


def beside(output: Path) -> dict[str, Path]:
    """Return {"rejected": its file, "disputed": its file}, beside the merged records."""
    return {name: output.with_name(f"{output.stem}.{name}{output.suffix}") for name in ("rejected", "disputed")}


def write_merged(records: Sequence[Path], reviews: Path, output: Path, *, everything: bool = False) -> Counter[str]:
    """Write accepted and corrected rows, and beside them what was rejected and what is in dispute.

    rejected: {"row", "reason", "value"}, as a stage of the pipeline drops a row, so that it can be reviewed again;
    disputed: {"id", "fields", "reviews": [{"number", "decision", "reason", "values"}]}, without names. Each file is
    written whole or not at all, and only if it has a row; what is in memory is the reviews, and the ids of the rows.

    Args:
        records: JSONL files of one kind.
        reviews: the folder that reviews are in.
        output: JSONL to write; must not be there, nor the two beside it.
        everything: whether rows that nobody decided about are written too, as they are.

    Returns:
        {one of COUNTS: rows, "written": rows in output, "elsewhere": items that were reviewed and are no row here}.

    Raises:
        InputError: a file cannot be read or is there already, or as Items and latest_reviews.
    """
    paths = {"merged": output, **beside(output)}
    for path in paths.values():
        must_be_new(path)
    counts = Counter(dict.fromkeys((*COUNTS, "written"), 0))
    known = Items(records)  # which sees that they are of one kind, each there once
    latest = latest_reviews(reviews, {name: known.of(name) for name in known})
    with ExitStack() as files:
        partial = {name: files.enter_context(whole(path)) for name, path in paths.items()}
        out = {name: files.enter_context(path.open("wb")) for name, path in partial.items()}
        for path in records:
            for where, row in read_rows(path) if path.stat().st_size else ():
                said, name, line = _merged(row, where, latest, everything)
                counts[said] += 1
                if line is not None:
                    out[name].write(encoded(line) + b"\n")
                    counts["written"] += name == "merged"
    for path in paths.values():
        if not path.stat().st_size:
            path.unlink()
    counts["elsewhere"] = sum(item not in known for item in latest)
    return counts


def _merged(
    row: Mapping[str, Any], where: str, latest: Mapping[str, Mapping[str, Review]], everything: bool
) -> tuple[str, str, dict[str, Any] | None]:
    """What became of a row, of COUNTS, the file that it goes to, and its line there, or None."""
    item = item_of(row, where)
    reviews = latest.get(item.id, {})
    verdict = verdict_of(item.id, reviews, item.of)
    if verdict.state == "disputed":
        return "disputed", "disputed", _disputed(reviews, verdict)
    if verdict.state == "open":
        said = "stale" if verdict.stale else "open" if reviews else NOT_REVIEWED
        kept = everything and not is_dropped(row)
        return said, "merged", marked(row, "stale" if verdict.stale else NOT_REVIEWED) if kept else None
    try:
        return verdict.state, "merged", apply(row, verdict, where)
    except LeftOutError as error:
        return "rejected", "rejected", {"row": row, "reason": error.reason, "value": error.value}


def _disputed(reviews: Mapping[str, Review], verdict: Verdict) -> dict[str, Any]:
    fields = set(verdict.fields) - {DECISION}
    said = [
        {
            "number": voice.number,
            "decision": voice.decision,
            "reason": voice.reason,
            "values": {name: text for name, text in voice.values.items() if name in fields},
        }
        for voice in voices(reviews, verdict)
    ]
    return {"id": verdict.item, "fields": list(verdict.fields), "reviews": said}

"""What people said: an append-only JSONL of each reviewer in one folder, the records untouched.

Each line is one saved state of one item by one reviewer; the last line of an item is what the reviewer says of it:

    id          of the line: the page's own number of this save, so that a save which is sent twice is there once
    item, kind, of   the item, of which kind, and the digest of what was reviewed (items.py)
    reviewer, when   who and when: ISO 8601, UTC, to the second
    revision    1 for the first line of the item by this reviewer, and so on
    decision    "accept", "correct", "reject", "skip"; of a pair or candidates "better"; None: saved and not decided yet
    reason      in the reviewer's words; "" where none
    before      the item's values (items.EDITABLE), or {"scores": [...]} of its choices
    after       the values as the reviewer has them, or {"better": "0", "1", ..., "same" or "none"}: the place among the
                choices as the row has them, whatever order the page showed; {} of "reject" and "skip" without an edit
    blind       the reviewer did not see `before`
    adjudicates the reviewer saw what the others said, and decides
    source, consistency, language, concluded    of the item, for figures

Several reviewers write at once, each a file of their own, held by one process. Nothing is ever changed or removed. The
last line counts for good: who skips what was accepted, or begins to edit it, says nothing of it any more. Who a line is
of stands in the line, so files of several machines may be copied into one folder under any names; of several files of
one reviewer the newest line counts.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

from swift_saber.data.log import RowLog
from swift_saber.data.rows import parse_row
from swift_saber.errors import InputError, one_line, quoted, unreadable
from swift_saber.review.items import EDITABLE, Item
from swift_saber.text.strict_json import MAX_LEVELS

#: What a reviewer may decide of a record or an answer, and of a pair or candidates.
DECISIONS = {"record": ("accept", "correct", "reject", "skip"), "pair": ("better", "reject", "skip")}
DECISIONS |= {"answer": DECISIONS["record"], "candidates": DECISIONS["pair"]}
#: Beside the place of a choice, what may be better.
NEITHER = ("same", "none")

# Of the labels that have few values; beside them what stood there before.
_ALLOWED = {"consistency": ("", "consistent", "inconsistent"), "language": ("", "zh", "en")}
_NAME = re.compile(r"[\w][\w.-]{0,39}")
_ENDING = ".reviews.jsonl"


@dataclass(frozen=True, slots=True)
class Review:
    """One line of a log; what each column is stands at the top of this file."""

    id: str
    item: str
    kind: str
    of: str
    reviewer: str
    when: str
    revision: int
    decision: str | None
    reason: str
    before: dict[str, Any]
    after: dict[str, Any]
    blind: bool
    adjudicates: bool
    source: str
    consistency: str
    language: str
    concluded: str

    def edits(self) -> dict[str, str]:
        """Return the values that are others than before, by name; all that are there of a blind review."""
        return {key: text for key, text in self.after.items() if self.blind or text != self.before.get(key)}


_TEXTS = ("id", "item", "kind", "of", "reviewer", "when", "reason", "source", "consistency", "language", "concluded")
_COLUMNS: dict[str, type] = {**dict.fromkeys(_TEXTS, str), "revision": int, "before": dict, "after": dict}


class StaleError(Exception):
    """The item has been saved since the page was loaded; `latest` is what is there."""

    def __init__(self, latest: Review) -> None:
        super().__init__(latest)
        self.latest = latest


class ReviewLog:
    """One reviewer's log, open for writing; a context manager that threads may share.

    Args:
        folder: of the reviews.
        reviewer: a name: letters, digits, "_", "-" and ".", at most 40.
        blind, adjudicates: as Review; of all lines that are written.

    Raises:
        InputError: the name cannot be one of a file.
    """

    def __init__(self, folder: str | Path, reviewer: str, *, blind: bool = False, adjudicates: bool = False) -> None:
        self.path = log_path(folder, reviewer)
        self.reviewer, self.blind, self.adjudicates = reviewer, blind, adjudicates
        self._log = RowLog(self.path)
        self._lock = Lock()
        #: The last line of each item.
        self.latest: dict[str, Review] = {}
        self._seen: dict[str, tuple[str, int]] = {}

    def __enter__(self) -> "ReviewLog":
        """Open the file, or make it and its folder.

        Raises:
            InputError: another process writes it, it cannot be opened, or a line is no review, or another's.
        """
        with ExitStack() as undo:
            undo.enter_context(self._log)
            for row in self._log.read():
                review = review_of(row, f"{self.path}: {quoted(row['id'])}")
                if review.reviewer != self.reviewer:
                    problem = f"holds reviews of {one_line(review.reviewer)}, not of {self.reviewer}"
                    remedy = f"rename it to {one_line(review.reviewer)}{_ENDING}, or give another name"
                    raise InputError(str(self.path), "reviewer", problem, remedy)
                self._take(review)
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._log.remove_if_empty()
        self._log.__exit__(kind, error, trace)

    def save(
        self, name: str, item: Item, revision: int, *, decision: str | None, reason: str, after: Mapping[str, str]
    ) -> Review:
        """Write one line, and return it; it survives the end of the process in any way once this has returned.

        Args:
            name: the page's number of this save. A save that is there already is returned as it is.
            item: what is reviewed.
            revision: that of the line which the page knows, 0 for none.
            decision, reason, after: as Review.

        Raises:
            StaleError: the item has another line since.
            InputError: something in it cannot be; or the disk takes no more or the file is no longer there, and nothing
                is written.
        """
        _check(item, decision, after)
        with self._lock:
            known = self.latest.get(item.id)
            if known is None:
                if revision or name in self._seen:
                    problem = f"is revision {revision} of what was never saved here"
                    raise InputError(item.id, "save", problem, "load the page again")
            elif self._seen.get(name) == (item.id, known.revision):
                return known
            elif known.revision != revision or name in self._seen:
                raise StaleError(known)
            review = Review(
                id=name,
                item=item.id,
                kind=item.kind,
                of=item.of,
                reviewer=self.reviewer,
                when=datetime.now(timezone.utc).isoformat(timespec="seconds"),
                revision=revision + 1,
                decision=decision,
                reason=reason,
                before=item.values or {"scores": [choice.score for choice in item.choices]},
                after=dict(after),
                blind=self.blind,
                adjudicates=self.adjudicates,
                source=item.source,
                consistency=item.consistency,
                language=item.language,
                concluded=item.concluded,
            )
            if not self._log.has_its_name():  # what is written there would be gone with the end of the process
                remedy = "put the file back, or start the review again"
                problem = "was removed or replaced while the page was served"
                raise InputError(str(self.path), "file", problem, remedy) from FileNotFoundError(str(self.path))
            self._log.append(asdict(review))
            self._take(review)
            return review

    def _take(self, review: Review) -> None:
        self.latest[review.item] = review
        self._seen[review.id] = (review.item, review.revision)


def log_path(folder: str | Path, reviewer: str) -> Path:
    """Return the file of a reviewer.

    Raises:
        InputError: the name cannot be one of a file.
    """
    if not _NAME.fullmatch(reviewer):
        remedy = "use letters, digits, -, _ and ., at most 40, a letter or digit first"
        raise InputError("review", "--reviewer", f"{quoted(reviewer)} is no name", remedy)
    return Path(folder) / f"{reviewer}{_ENDING}"


def review_files(folder: str | Path) -> list[Path]:
    """Return the logs of a folder, reviewers by name; none where the folder is not there.

    What a browser or a shared folder has made of a name, such as "anna.reviews (1).jsonl", is one too.
    """
    return sorted(Path(folder).glob("*.reviews*.jsonl"))


def named_after(path: Path) -> str:
    """Return the reviewer by whose name a file of review_files goes."""
    return path.name.partition(".reviews")[0]


def read_reviews(folder: str | Path) -> Iterator[Review]:
    """Yield all lines of all reviewers of a folder, also while some are being written; reviewers by name.

    Raises:
        InputError: the folder has no review, or a line is damaged; names the file and line.
    """
    for path in _files(folder):
        yield from _lines(path)


def _files(folder: str | Path) -> list[Path]:
    files = review_files(folder)
    if not files:
        problem = "holds no reviews" if Path(folder).is_dir() else "is not there"
        raise InputError(str(folder), "folder", problem, "name the folder that swift-saber review -o wrote to")
    return files


def _lines(path: Path) -> Iterator[Review]:
    """The reviews of a file, which may be being written, or have been through an editor."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                where = f"{path}:{number}"
                try:
                    if line.strip():
                        yield review_of(parse_row(line, where, levels=MAX_LEVELS), where)
                except InputError as error:
                    if line.endswith(b"\n"):  # else it is the last, which may be on its way
                        remedy = "remove the line, the others are whole"
                        raise InputError(error.where, error.field, error.problem, remedy) from error
    except OSError as error:
        raise unreadable(path, error) from error


@dataclass(frozen=True, slots=True)
class LastLines:
    """What counts of all lines of a folder.

    Attributes:
        by_text: {(item, digest of a text, reviewer): the reviewer's last line about it}.
        by_item: {(item, reviewer): the reviewer's last line}, items in the order in which they were first reviewed.
    """

    by_text: dict[tuple[str, str, str], Review]
    by_item: dict[tuple[str, str], Review]

    def latest(self, of: Mapping[str, str] | None = None) -> dict[str, dict[str, Review]]:
        """Return as latest_reviews."""
        found: dict[str, dict[str, Review]] = {}
        for (item, reviewer), review in self.by_item.items():
            wanted = (of or {}).get(item, review.of)
            found.setdefault(item, {})[reviewer] = self.by_text.get((item, wanted, reviewer), review)
        return found


def latest_reviews(folder: str | Path, of: Mapping[str, str] | None = None) -> dict[str, dict[str, Review]]:
    """Return {item: {reviewer: their last line}}, items in the order in which they were first reviewed.

    Args:
        folder: of the reviews.
        of: {item: digest of the text as it is now}: of who has reviewed this text and another one under the same id,
            the last line about this one counts.

    Raises:
        InputError: as read_reviews.
    """
    return last_lines(folder).latest(of)


def reviews_by_text(folder: str | Path) -> dict[str, dict[str, dict[str, Review]]]:
    """Return {item: {digest of a text: {reviewer: their last line about it}}}.

    Raises:
        InputError: as read_reviews.
    """
    found: dict[str, dict[str, dict[str, Review]]] = {}
    for (item, of, reviewer), review in last_lines(folder).by_text.items():
        found.setdefault(item, {}).setdefault(of, {})[reviewer] = review
    return found


def last_lines(folder: str | Path) -> LastLines:
    """Return what counts of a folder, which is read once.

    Raises:
        InputError: as read_reviews.
    """
    found = LastLines({}, {})
    files: dict[tuple[str, ...], Path] = {}
    for path in _files(folder):
        for review in _lines(path):
            _put(found.by_text, (review.item, review.of, review.reviewer), review, files, path)
            _put(found.by_item, (review.item, review.reviewer), review, files, path)
    return found


def _put(found: dict[Any, Review], key: Any, review: Review, files: dict[Any, Path], path: Path) -> None:
    """Keep the later one: in one file that of the later line, whatever the clock said; of two files the newer one."""
    known = found.get(key)
    if known and files[key] != path and (review.when, review.revision) < (known.when, known.revision):
        return
    found[key], files[key] = review, path


def review_of(row: Mapping[str, Any], where: str) -> Review:
    """Return the review that a line holds.

    Raises:
        InputError: it is none.
    """
    for name, kind in _COLUMNS.items():
        if not isinstance(row.get(name), kind):
            raise InputError(where, name, f"is {quoted(row.get(name))}", "it is no line of a review")
    if row["kind"] not in DECISIONS or row.get("decision") not in (None, *DECISIONS[row["kind"]]):
        raise InputError(where, "decision", f"is {quoted(row.get('decision'))}", "it is no line of a review")
    if name := _wrong_values(row):
        raise InputError(where, name, f"is {quoted(row[name])}", "it is no line of a review")
    # Most texts stay as they were, and are kept once.
    after = {key: text if text != (was := row["before"].get(key)) else was for key, text in row["after"].items()}
    known = {**{name: row[name] for name in _COLUMNS}, "after": after, "decision": row.get("decision")}
    return Review(**known, blind=row.get("blind") is True, adjudicates=row.get("adjudicates") is True)


def _wrong_values(row: Mapping[str, Any]) -> str:
    """Which of "before" and "after" no page can have sent, "" where they can be."""
    before, after = row["before"], row["after"]
    if not all(isinstance(text, str) for text in after.values()):
        return "after"
    if "better" in DECISIONS[row["kind"]]:
        scores = before.get("scores")
        if not isinstance(scores, list) or not all(score is None or type(score) in (int, float) for score in scores):
            return "before"
        places = (*map(str, range(len(scores))), *NEITHER)
        is_there = after["better"] in places if "better" in after else row["decision"] != "better"
        return "" if is_there else "after"
    if not all(isinstance(text, str) for text in before.values()):
        return "before"
    known = all(after.get(name, "") in (*allowed, before.get(name)) for name, allowed in _ALLOWED.items())
    return "" if known else "after"


def _check(item: Item, decision: str | None, after: Mapping[str, str]) -> None:
    """See that a decision can be about an item."""
    known = DECISIONS[item.kind]
    if decision not in (None, *known):
        raise InputError(item.id, "decision", f"is {quoted(decision)}", f"send one of {', '.join(known)}")
    if not all(isinstance(text, str) for text in after.values()):
        raise InputError(item.id, "after", "holds what is no text", "load the page again")
    if item.choices:
        better = after.get("better")
        places = (*map(str, range(len(item.choices))), *NEITHER)
        if after.keys() - {"better"} or (better is not None and better not in places):
            raise InputError(item.id, "better", f"is {quoted(better)}", f"send one of {', '.join(places)}")
        if decision == "better" and better is None:
            raise InputError(item.id, "better", "is missing", "say which answer is better")
        return
    if strange := sorted(after.keys() - set(EDITABLE)):
        raise InputError(item.id, strange[0], "cannot be edited", f"send {', '.join(EDITABLE)}")
    for name, allowed in _ALLOWED.items():
        if after.get(name, "") not in (*allowed, item.values[name]):
            raise InputError(item.id, name, f"is {quoted(after[name])}", f"send one of {', '.join(allowed[1:])}")

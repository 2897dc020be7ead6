"""The reviews of all reviewers as one verdict an item, or as what they dispute.

    nobody has decided, or all skip         open
    somebody adjudicates                    what the newest of those says
    all reject                              rejected
    some reject                             disputed, in "decision"
    else value by value                     what all say, else disputed in that value

An item whose text was another one when it was reviewed is not what was reviewed: such a review is stale and says
nothing here. Knows reviews; knows nothing of rows (apply.py) and of pages.
"""

import hashlib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from swift_saber.review.items import EDITABLE
from swift_saber.review.log import NEITHER, Review
from swift_saber.text.emotions import common_emotion

State = Literal["accepted", "corrected", "rejected", "disputed", "open"]
#: What is in dispute where some reject and some do not.
DECISION = "decision"
#: The value of a review of choices.
BETTER = "better"

_NOT_SAID = (None, "skip")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from all reviews of one item.

    Attributes:
        item: its id.
        state: of State. "accepted" of a pair is that its chosen answer is the better one, of candidates that one of
            them is the best.
        values: of items.EDITABLE, those that are to be others than before; of choices {"better": the place of a choice,
            or one of log.NEITHER}.
        by: the reviewers on whose word it rests, by name. For counting: names leave the folder of reviews in no file.
        reasons: what they gave as reasons, each once.
        fields: names of the values in dispute, or ("decision",).
        adjudicated: whether somebody who had seen the reviews decided.
        of: the digest of what they reviewed, "" where nobody said anything.
        stale: how many reviews are of another text.
    """

    item: str
    state: State
    values: dict[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    adjudicated: bool = False
    of: str = ""
    stale: int = 0


@dataclass(frozen=True, slots=True)
class Voice:
    """What one reviewer says of an item in dispute, under a number instead of a name.

    Attributes:
        number: "1", "2", ...; the same reviewer has other numbers at other items.
        decision, reason, blind: as Review.
        values: of items.EDITABLE what the reviewer would have it be, or {"better": ...}; of "reject" {}.
    """

    number: str
    decision: str
    reason: str
    values: dict[str, str]
    blind: bool


def verdict_of(item: str, reviews: Mapping[str, Review], of: str = "") -> Verdict:
    """Return the verdict on one item.

    Args:
        item: its id.
        reviews: {reviewer: their last review of it}.
        of: the digest of the item as it is now; "" for that which was reviewed last.
    """
    said = {name: review for name, review in reviews.items() if review.decision not in _NOT_SAID}
    if not of and said:
        of = max(said.values(), key=_age).of
    counted = {name: review for name, review in said.items() if review.of == of}
    stale = len(said) - len(counted)
    if not counted:
        return Verdict(item, "open", stale=stale)
    judges = [name for name, review in counted.items() if review.adjudicates]
    if judges:
        judge = max(judges, key=lambda name: _age(counted[name]))
        counted = {judge: counted[judge]}
    state, values, fields = _weigh(list(counted.values()))
    by = tuple(sorted(counted))
    reasons = tuple(dict.fromkeys(text for name in by if (text := counted[name].reason.strip())))
    return Verdict(item, state, values, by, reasons, fields, bool(judges), of, stale)


def verdicts_by_text(texts: Mapping[str, Mapping[str, Mapping[str, Review]]]) -> Iterator[Verdict]:
    """Yield the verdicts on each item, by its id, one for each of its texts that somebody decided about.

    Args:
        texts: as log.reviews_by_text gives it.
    """
    for item, reviews in sorted(texts.items()):
        for verdict in (verdict_of(item, said, of) for of, said in sorted(reviews.items())):
            if verdict.by:
                yield verdict


def voices(reviews: Mapping[str, Review], verdict: Verdict) -> tuple[Voice, ...]:
    """Return what the reviewers of a verdict say, in an order that does not tell who is who."""
    names = sorted(verdict.by, key=lambda name: hashlib.sha256(f"{verdict.item}/{name}".encode()).digest())
    spoken = [reviews[name] for name in names]
    return tuple(
        Voice(str(number), review.decision or "", review.reason, dict(opinion(review)), review.blind)
        for number, review in enumerate(spoken, start=1)
    )


def _weigh(reviews: list[Review]) -> tuple[State, dict[str, str], tuple[str, ...]]:
    """The state, the values and the fields in dispute of reviews of one text; there is one at least."""
    rejecting = sum(review.decision == "reject" for review in reviews)
    if rejecting == len(reviews):
        return "rejected", {}, ()
    if rejecting:
        return "disputed", {}, (DECISION,)
    given: dict[str, list[str]] = {}
    for review in sorted(reviews, key=_age):
        for name, text in opinion(review):
            given.setdefault(name, []).append(text)
    # Of most values all are the same to the letter, which is quickly seen.
    unlike = {name: texts for name, texts in given.items() if len(set(texts)) > 1}
    fields = tuple(name for name, texts in unlike.items() if len({told_apart(name, text) for text in texts}) > 1)
    if fields:
        return "disputed", {}, fields
    agreed = {name: unicodedata.normalize("NFC", texts[-1]) for name, texts in given.items()}
    if BETTER in agreed:
        kept = agreed[BETTER] not in NEITHER and (reviews[0].kind != "pair" or agreed[BETTER] == "0")
        return "accepted" if kept else "corrected", agreed, ()
    before = reviews[0].before
    # What one of them left as it is, the others have only by another name.
    values = {name: text for name, text in agreed.items() if before.get(name) not in given[name]}
    return "corrected" if values else "accepted", values, ()


def told_apart(name: str, text: str) -> str:
    """Return by what values are told apart: white space, how a machine writes an accent, and which of the names of an
    emotion is used (Joy, 高兴: happy) make no other one.

    Args:
        name: of items.EDITABLE.
        text: what somebody says of it.
    """
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    return (common_emotion(text) or text.casefold()) if name == "emotion" else text


def opinion(review: Review) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of what a review stands for; what a blind reviewer left blank, nobody looked at."""
    if review.decision == "reject":
        return
    if BETTER in review.after:
        yield BETTER, review.after[BETTER]
        return
    edited = review.after if review.blind or review.decision == "correct" else {}
    for name in EDITABLE:
        text = edited.get(name, "" if review.blind else review.before.get(name, ""))
        if text.strip() or not review.blind:
            yield name, text


def _age(review: Review) -> tuple[str, str]:
    """By what the newest of several is found; those of one second by their names, so that it is always the same one."""
    return review.when, review.reviewer

"""Which answers of one clip become a preference pair, and the reason where none do.

Reported for SABER-LLM by a secondary source: best-consistent against contradictory. The thresholds, the checked record
as a stand-in and the kinds "withheld", "conclusion" and "swapped" are ours.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from swift_saber.data.lookup import Records
from swift_saber.data.partner import SENSES, some, swap
from swift_saber.data.rows import media_list
from swift_saber.pairs.judge import HIGHEST, criteria_of
from swift_saber.sed.conclusion import conclude
from swift_saber.sed.layout import Order, parse, places, render, reserved_markup
from swift_saber.sed.record import CONCLUSION, Row
from swift_saber.text.language import text_language


@dataclass(frozen=True, slots=True)
class Rules:
    """How pairs are chosen.

    Attributes:
        min_gap: the least difference between the scores of chosen and rejected, 0..4; at 0 any difference counts.
        min_chosen: the least score of a chosen candidate, 1..5.
        record_as_chosen: where no candidate is good enough, the clip's checked record is the chosen answer, with the
            highest score.
        kinds: which pairs to make, of KINDS; at most one of each for a clip.
        order: the order of evidence in a record's answer.
        seed: breaks ties, chooses what is swapped, and what is left out for balance.
    """

    min_gap: float = 1.0
    min_chosen: float = 4.0
    record_as_chosen: bool = False
    kinds: Sequence[str] = ("candidates",)
    order: Order = "released"
    seed: int = 0


class NoPairError(Exception):
    """A clip gives no pair of a kind; the text is the reason that is counted."""


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    score: float
    from_record: bool = False


class Chooser:
    """Makes the pairs of one clip at a time; the same row always gives the same pairs.

    Args:
        rules: how pairs are chosen.
        records: the checked records; needed for records as chosen answers and for swapped pairs.
    """

    def __init__(self, rules: Rules, records: Records | None) -> None:
        self.rules, self.records = rules, records

    def pairs(self, row: Mapping[str, Any]) -> tuple[list[dict[str, Any]], bool]:
        """Return the pair rows of a clip, one or more, and whether their chosen answer is the record.

        Args:
            row: a checked row of scored candidates.

        Raises:
            NoPairError: not one, with the reason of the first kind asked for.
        """
        record = self.records.get(row["id"]) if self.records else None
        chosen = self._chosen(row, record)
        turns = [*row["messages"], {"role": "assistant", "content": chosen.text}]
        pairs: list[dict[str, Any]] = []
        reasons: list[NoPairError] = []
        for kind in self.rules.kinds:
            try:
                columns, rejected = KINDS[kind].rejected(self, row, record, chosen)
            except NoPairError as error:
                reasons.append(error)
                continue
            pair = {
                "id": row["id"] if kind == "candidates" else f"{row['id']}#{kind}",
                "clip": row["id"],
                "kind": "record" if kind == "candidates" and chosen.from_record else kind,
                "consistency": row.get("consistency") or (record.consistency if record else None),
                "scores": {"chosen": chosen.score, "rejected": rejected.score} if rejected else None,
                "language": row.get("language"),
                "messages": turns,
                **{column: media_list(row, column) for column in SENSES},
                **columns,
            }
            pairs.append({key: value for key, value in pair.items() if value not in (None, [])})
        if not pairs:
            raise reasons[0]
        return pairs, chosen.from_record

    def place(self, *parts: object) -> int:
        """Return a number that depends on the seed and the parts alone, for choices that favour nothing."""
        text = "/".join(map(str, (self.rules.seed, *parts)))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")

    def _chosen(self, row: Mapping[str, Any], record: Row | None) -> _Answer:
        """The candidate that people chose, else the best ordinary one, or the record in its place."""
        if (text := _peoples(row)) is not None:
            return _Answer(text, float(HIGHEST))
        answers = list(_scored(row, withheld=False))
        if not answers:
            some = any("withheld" not in candidate for candidate in row["candidates"])
            raise NoPairError("no scored candidate" if some else "no candidates")
        best = min(answers, key=lambda answer: (-answer.score, self.place(row["id"], answer.text)))
        if best.score >= self.rules.min_chosen:
            return best
        if not self.rules.record_as_chosen:
            raise NoPairError("no candidate good enough")
        if record is None:
            raise NoPairError("no record")
        text = render(record.record, language=row.get("language") or record.language, order=self.rules.order)
        return _Answer(text, float(HIGHEST), from_record=True)


Rejected = tuple[dict[str, Any], _Answer | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of pair.

    Attributes:
        about: what stands against what, for --help.
        rejected: returns the columns of the rejected side of a clip, and its answer where that is another one than the
            chosen; or raises NoPairError.
        needs_records: whether it is made of checked records.
    """

    about: str
    rejected: Callable[[Chooser, Mapping[str, Any], Row | None, _Answer], Rejected]
    needs_records: bool = False


def _worst(
    chooser: Chooser, row: Mapping[str, Any], _: Row | None, chosen: _Answer, *, withheld: bool = False
) -> Rejected:
    """The worst answer with other words than the chosen one, of the ordinary or of the withheld candidates."""
    answers = list(_scored(row, withheld=withheld))
    if not answers:  # of the ordinary ones there is one at least, unless people chose one that has no score
        raise NoPairError("no withheld candidate" if withheld else "no scored candidate")
    others = [answer for answer in answers if answer.text.split() != chosen.text.split()]
    if not others:
        raise NoPairError("identical texts")
    worst = min(others, key=lambda answer: (answer.score, chooser.place(row["id"], answer.text)))
    gap = chosen.score - worst.score
    if gap < chooser.rules.min_gap or gap <= 0:
        raise NoPairError("gap too small")
    return {"rejected_response": worst.text}, worst


def _swapped(chooser: Chooser, row: Mapping[str, Any], record: Row | None, chosen: _Answer) -> Rejected:
    """The clip's media, with the sound or the picture of another clip whose record says otherwise."""
    records = chooser.records
    if record is None or records is None:
        raise NoPairError("no record")
    own = {column: media_list(row, column) for column in SENSES}
    said = {column: _said(record, column) for column in SENSES if own[column]}
    if not said:
        raise NoPairError("no media")
    names, start = records.ids(), chooser.place("partner", row["id"])

    def others(column: str) -> Iterator[tuple[list[str], Callable[[], list[str]]]]:
        for other in filter(None, (records.get(names[place]) for place in some(len(names), start))):
            yield _said(other, column), partial(_files, other, column)

    found = swap(own, said, chooser.place("sense", row["id"]), others)
    if found is None:
        raise NoPairError("no clip to swap with")
    turns = [*row["messages"], {"role": "assistant", "content": chosen.text}]
    return {**{f"rejected_{column}": files for column, files in found.items()}, "rejected_messages": turns}, None


def _concluded(chooser: Chooser, row: Mapping[str, Any], _: Row | None, chosen: _Answer) -> Rejected:
    """The chosen answer's evidence with another conclusion: that of the clip's worst candidate, or of another clip."""
    span = places(chosen.text).get(CONCLUSION)
    if span is None:
        raise NoPairError("no conclusion in the chosen answer")
    own = chosen.text[slice(*span)]
    wanted = _words(chosen.text)
    for other in _conclusions(chooser, row):
        text = chosen.text[: span[0]] + other + chosen.text[span[1] :]
        # Where another text breaks the answer's form, the form would be what is learnt.
        if _says_otherwise(other, own) and _words(text) == {**wanted, CONCLUSION: other.split()}:
            return {"rejected_response": text}, None
    raise NoPairError("no other conclusion")


def _words(text: str) -> dict[str, list[str]]:
    """What an answer says of each dimension, word by word."""
    return {dimension: field.split() for dimension, field in parse(text).fields.items()}


def _conclusions(chooser: Chooser, row: Mapping[str, Any]) -> Iterator[str]:
    """What else may have been concluded: by the clip's candidates, the worst first, and in some records."""
    answers = sorted(_scored(row, withheld=False), key=lambda answer: (answer.score, chooser.place(answer.text)))
    yield from filter(None, (parse(answer.text).fields.get(CONCLUSION) for answer in answers))
    records = chooser.records
    if records is None:
        return
    names, start = records.ids(), chooser.place("conclusion", row["id"])
    for other in filter(None, (records.get(names[place]) for place in some(len(names), start))):
        yield other.record.sentiment_analysis


def _says_otherwise(text: str, other: str) -> bool:
    """Whether two conclusions of one language name two emotions, or, where one's is not known, differ in words."""
    if text_language(text) != text_language(other) or reserved_markup(text) is not None:
        return False
    emotions = {conclude({CONCLUSION: one})["emotion"] for one in (text, other)}
    differ = text.split() != other.split() and bool(text.strip())
    return differ and (None in emotions or len(emotions) == 2)


def _said(row: Row, column: str) -> list[str]:
    """What a record says of the sound, or of the picture, word by word."""
    words: list[str] = getattr(row.record, SENSES[column]).split()
    return words


def _files(row: Row, column: str) -> list[str]:
    return list(getattr(row, column))


#: The kinds of pairs by their names; a new one is a function and a line here.
KINDS = {
    "candidates": Kind("the best candidate against the worst", _worst),
    "withheld": Kind("against the worst given without the sound or the picture", partial(_worst, withheld=True)),
    "conclusion": Kind(
        "one answer, with its own conclusion and with that of a bad candidate or another clip", _concluded
    ),
    "swapped": Kind("one answer, with the clip's media and with another clip's sound or picture", _swapped, True),
}


def _peoples(row: Mapping[str, Any]) -> str | None:
    """The candidate that `review merge` marked as the best; what people say counts as the highest score (ours)."""
    mark = row.get("review")
    best = mark.get("best") if isinstance(mark, dict) else None
    candidates: Sequence[Mapping[str, Any]] = row["candidates"]
    if type(best) is not int or not 0 <= best < len(candidates):
        return None
    text: str = candidates[best]["text"]
    return text if reserved_markup(text) is None else None


def has_markup(candidate: Mapping[str, Any]) -> bool:
    """Whether a scored candidate holds a media tag or a control token, which must not get into a training text."""
    return "scores" in candidate and reserved_markup(candidate["text"]) is not None


def _scored(row: Mapping[str, Any], *, withheld: bool) -> Iterator[_Answer]:
    for candidate in row["candidates"]:
        if "scores" in candidate and ("withheld" in candidate) == withheld and not has_markup(candidate):
            scores = [candidate["scores"][name] for name in criteria_of(candidate)]
            yield _Answer(candidate["text"], sum(scores) / len(scores))

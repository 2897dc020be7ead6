"""What the lines about voice and face state, to be held against a measurement: read by words, never guessed.

    语速偏快，说到最后音调升高        rate + 1; pitch rises, 2, at the end
    The voice is not loud.        not loudness + 2

Words are those of sed/claim_voice.py, claim_face.py and claim_words.py. They are put together by their places: a value
("high") belongs to the topic before which it stands ("a high pitch"), else to the last one named ("the pitch is
high"): that is sed/claim_topics.py. Nothing is read of what is about somebody or something else (sed/claim_pieces.py),
of what follows "as if", and of what compares the speaker with another. A clause that speaks of the voice, or the face,
and gives no claim is counted as unread: "a friendly tone" is none, and no emotion is read here at all.

A voice that is "low" may be low or soft: that is a property of its own, `pitch_or_loudness`. Irony, and a denial that
is spread over a sentence, are beyond these rules. All of them are ours.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from swift_saber.sed import claim_face, claim_voice
from swift_saber.sed import claim_words as words
from swift_saber.sed.claim_context import Where, compared, is_denied, is_tried, only_usual, part, turns
from swift_saber.sed.claim_pieces import NEAR, Piece, Sentence, Word, plain_text, sentences
from swift_saber.sed.claim_topics import NOT_OURS, Topics, is_linked
from swift_saber.text.lexicon import Lexicon

Change = Literal["rises", "falls"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that a text states.

    Attributes:
        property: one of claim_voice.PROPERTIES, or of the face a key of claim_face.ACTION_UNITS.
        direction: +1 high, loud, fast, varied, there; -1 the opposite; 0 as normal. Of a change: where it goes.
        strength: 1 slight, 2 plain, 3 strong; 2 where the direction is 0.
        denied: whether the text says that it is not so; all else is then of what is denied.
        change: "rises" or "falls" where the text speaks of a change and of no level.
        where: the part of the clip that the text names; "moments" are some, or one that is not known.
        span: start and end in the text.
        words: the text there.
    """

    property: str
    direction: int
    strength: int
    denied: bool
    change: Change | None
    where: Where | None
    span: tuple[int, int]
    words: str


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of a text.

    Attributes:
        claims: in the order of their values in the text; their spans may overlap.
        clauses: how many clauses speak of the speaker's voice, or face.
        unread: start and end of those that give no claim.
    """

    claims: tuple[Claim, ...]
    clauses: int
    unread: tuple[tuple[int, int], ...]


def read_voice(text: str) -> Read:
    """Return what a text states about how the speaker's voice sounds."""
    return _VOICE.read(text)


def read_face(text: str) -> Read:
    """Return what a text states about what the speaker's face does."""
    return _FACE.read(text)


_BETWEEN = re.compile(r"\s+to\s")
_SLIGHTLY = re.compile("微[张皱闭眯扬启蹙]")
# "high-spirited" and "low-key" are no level; behind these a hyphen joins what is.
_COMPOUND = re.compile(
    r"-(?!(?:paced|pitched|toned?|speed|volume|level|pitch|speaking|voiced|to|ish|frequency|tempo|spoken|sounding|register|"
    r"range|fire|and|fast|slow|low|high|loud|soft|quiet)\b)\w"
)
# What joins a second thing that is said; without it the same once more is no second claim: 勾起一抹冷笑.
_JOINS = re.compile(r"\b(?:and|or|nor)\b|[,、和且又]")
_FROM = re.compile(r"(?:从|在|\bfrom (?:his|her|their|the) )$")
_LEVELS = frozenset(("high", "low", "deep", "loud", "quiet", "fast", "slow", "flat", "steady", "even", "moderate"))


class _Reader:
    """Reads claims by one set of tables.

    Args:
        topics, values: name -> words, with ", " between them.
        means: value -> topics, with blanks between them -> what it states.
        manners: words of what is no property of ours.
        courses: as topics; what is seen may go on.
    """

    def __init__(
        self,
        topics: Mapping[str, str],
        values: Mapping[str, str],
        means: Mapping[str, Mapping[str, str]],
        manners: str = "",
        courses: Mapping[str, str] | None = None,
    ) -> None:
        # Of two tables that have a word the later one has it: a value is rather a value than a degree.
        tables: dict[str, Mapping[str, str]] = {
            "becomes": {"": words.BECOMES},
            "hypothesis": {"": words.HYPOTHESES},
            "source": {"": words.SOURCES},
            "manner": {"": manners},
            "nothing": {"": words.NOTHING},
            "degree": words.DEGREES,
            "where": words.WHERE,
            "person": words.PERSONS,
            "course": courses or {},
            "topic": topics,
            "value": values,
        }
        owner = {
            word: (kind, name)
            for kind, table in tables.items()
            for name in table
            for word in table[name].split(", ")
            if word
        }
        names: dict[str, list[str]] = {}
        for word, (kind, name) in owner.items():
            names.setdefault(f"{kind}/{name}", []).append(word)
        self._lexicon = Lexicon(names)
        self._means = {
            value: {topic: stated.split(", ") for on, stated in table.items() for topic in on.split()}
            for value, table in means.items()
        }

    def read(self, text: str) -> Read:
        plain = plain_text(text)
        claims: list[Claim] = []
        clauses: list[Piece] = []
        for sentence in sentences(plain, self._lexicon):
            claims += _turning(list(_Claims(text, sentence, self._means).all()))
            clauses += [piece for piece in sentence.pieces if not piece.others and (piece.read or piece.topics())]
        unread = tuple(_trimmed(plain, piece) for piece in clauses if not piece.read)
        return Read(tuple(claims), len(clauses), unread)


class _Claims:
    """The claims of one sentence.

    Args:
        text: all of it.
        sentence: its clauses of which a claim comes are marked.
        means: value -> topic -> what it states.
    """

    def __init__(self, text: str, sentence: Sentence, means: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self._text, self._sentence, self._means = text, sentence, means
        self._plain, self._words = sentence.plain, sentence.words
        self._topics, self._person_before = Topics(sentence), sentence.last("person")

    def all(self) -> Iterator[Claim]:
        twice, last = False, None
        for word in self._words:
            if word.kind != "value":
                continue
            again, twice = twice, self._plain.startswith(f" and {word.text}", word.end)  # louder and louder
            if again or word.piece.others or self._supposed(word) or self._sizes(word) or self._no_level(word):
                continue
            for topic in self._topics.of(word, "*" in self._means[word.name]):
                if topic and topic.piece.others:
                    # "loud music plays, she whispers": what needs no topic takes none from elsewhere
                    if topic.name not in NOT_OURS and not word.piece.of("person"):
                        continue
                    topic = None
                for stated in self._stated(word, topic):
                    claim = self._claim(word, topic, stated, twice)
                    if claim is None or (last and self._once_more(word, claim, *last)):
                        continue
                    word.piece.read = True
                    if topic:
                        topic.piece.read = True
                    last = word, claim
                    yield claim

    # What is none

    def _supposed(self, word: Word) -> bool:
        """Whether it stands behind "as if" or the like, or is only tried."""
        before = self._sentence.around(word)[0]
        supposed = any(each.start < word.start for each in word.piece.of("hypothesis")[:1])
        return (supposed and not only_usual(before)) or is_tried(before)

    def _once_more(self, word: Word, claim: Claim, before: Word, said: Claim) -> bool:
        """Whether a claim is the one before it, said of the same thing in one breath."""
        same = replace(claim, span=said.span, words=said.words) == said
        if not same or word.piece is not before.piece or word.start - before.end > NEAR:
            return False
        return not _JOINS.search(self._sentence.between(before, word))

    def _sizes(self, word: Word) -> bool:
        """Whether "large" or "small" is the size of a change and no level: 音量起伏较大."""
        if word.text not in ("大", "小"):
            return False
        before = next((each for each in self._sentence.back(word) if each.kind != "degree"), None)
        return before is not None and before.name in ("varied", "changes")

    def _small(self, size: Word) -> bool:
        return (size.text == "小") != self._denied(size)

    def _no_level(self, word: Word) -> bool:
        """Whether it is no level of its own: "moderate to fast", 中等偏快, "lower than normal", "low-key"."""
        if word.name in _LEVELS and not word.han and _COMPOUND.match(self._plain, word.end):
            return True
        after = self._words[word.at + 1 : word.at + 3]
        if word.name == "silent" and word.text.endswith(("speak", "speaks")):  # "does not speak loudly"
            return any(each.kind == "value" and each.piece is word.piece for each in after)
        if word.name != "moderate":
            return False
        if word.text == "average" and after and after[0].start == word.end + 1:  # "the average pitch is high"
            return True
        if self._plain.startswith("than ", word.start - 5):
            return True
        follows = any(each.kind == "value" and each.start - word.end <= 2 for each in after)
        return follows if word.han else bool(_BETWEEN.match(self._plain, word.end))

    # What it states

    def _stated(self, word: Word, topic: Word | None) -> Sequence[str]:
        means = self._means[word.name]
        if topic is None:
            person = means.get("person") if self._person_before[word.at] else None
            return person or means.get("-") or means.get("*") or ()
        if topic.name in means:
            return means[topic.name]
        return () if self._of_other(word, topic) else means.get("*", ())

    def _of_other(self, word: Word, topic: Word) -> bool:
        """Whether a value that needs no topic is said of one that is not ours: "trembling hands"."""
        gap = self._sentence.between(topic, word)
        near = topic.piece is word.piece and len(gap) <= (4 if word.han else 12) and " and " not in gap
        return near and topic.name in NOT_OURS

    def _claim(self, word: Word, topic: Word | None, stated: str, twice: bool) -> Claim | None:
        name, sign, strength = stated.rsplit(" ", 2)
        change: Change | None = "rises" if sign == "rises" else "falls" if sign == "falls" else None
        if word.text == "raised" and change and is_linked(self._sentence, word):
            sign, change = "+", None  # "her voice is raised" is a level
        direction = {"rises": 1, "+": 1, "0": 0, "falls": -1, "-": -1}[sign]
        if direction and not change:
            with_what = self._compared(word)
            if with_what == "another":
                return None
            change = self._course(word)
            if not change and (twice or with_what == "before" or self._becomes(word)):
                change = "rises" if direction > 0 else "falls"
            direction = {"rises": 1, "falls": -1, None: direction}[change]
        degrees = self._degrees(word, topic)
        if any(each.kind == "value" and self._small(each) for each in degrees):
            direction, change = -1, "falls" if change else None
            degrees = [each for each in degrees if each.kind == "value"]
        # What is "not long" is no long one: 停顿不长.
        behind = [each.start for each in degrees if each.at > word.at]
        not_much = any(self._plain.endswith(("不", "not "), 0, at) for at in behind)
        parts = [word, *degrees, *([topic] if topic and topic.piece is word.piece else [])]
        start, end = min(each.start for each in parts), max(each.end for each in parts)
        if end - start > NEAR:
            start, end = word.start, word.end
        return Claim(
            property=name,
            direction=direction,
            strength=_strength(int(strength), word, degrees) if direction else 2,
            denied=self._denied(word) != not_much,
            change=change,
            where=self._where(word, topic),
            span=(start, end),
            words=self._text[start:end],
        )

    def _denied(self, word: Word) -> bool:
        before, after = self._sentence.around(word)
        return is_denied(before, word.text, after, word.han)

    def _compared(self, word: Word) -> Literal["before", "usual", "another"] | None:
        before = self._plain[word.piece.start : word.start]
        found = compared(before, word.text, self._sentence.behind(word), word.han)
        late = not word.han and word.text.endswith("er") and any(each.name == "end" for each in word.piece.of("where"))
        return found or ("before" if late else None)

    def _becomes(self, word: Word) -> bool:
        """Whether a level is what something comes to: "grows loud", 慢下来."""
        if word.han and turns(self._sentence.behind(word)):
            return True
        for each in self._sentence.back(word):
            if each.piece is not word.piece or len(self._sentence.between(each, word)) > (4 if word.han else 25):
                return False
            if each.kind not in ("degree", "where"):
                return each.kind == "becomes"
        return False

    def _course(self, word: Word) -> Change | None:
        """How what is seen goes on: a smile that fades, 收起笑容."""
        ends = self._words[word.at - 1] if word.at else None
        if ends and word.han and ends.kind == "course" and ends.name == "falls":
            return "falls" if len(self._sentence.between(ends, word)) <= 3 else None
        for each in self._words[word.at + 1 : word.at + 4]:
            if each.kind == "course" or each.name == "dropped":
                return "rises" if each.name == "rises" else "falls"
            passed = each.kind in ("degree", "becomes", "where") or _FROM.search(
                self._plain, max(0, each.start - NEAR), each.start
            )
            if not passed:
                return None
        return None

    def _degrees(self, word: Word, topic: Word | None) -> list[Word]:
        """The words beside a value, or the topic behind it, that say how much."""
        found = []
        for step in (-1, +1):
            beside, at = word, word.at + step
            while 0 <= at < len(self._words) and self._words[at].piece is word.piece:
                each = self._words[at]
                degree = each.kind == "degree" or self._sizes(each)
                passed = step > 0 and topic is not None and at <= topic.at and each.kind in ("topic", "person")
                reach = 3 if word.han else 1 if beside is topic else 14
                gap = self._sentence.between(each, beside)
                if not (degree or passed or each.kind == "becomes") or (len(gap) > reach and not passed):
                    break
                found += [each] if degree else []
                beside, at = each, at + step
        return found

    def _where(self, word: Word, topic: Word | None) -> Where | None:
        if topic and topic.name == "ending":
            return "end"
        at = word.piece.at
        beside = self._sentence.pieces[max(0, at - 1) : at + 2]
        silent = [each for each in beside if not each.of("value") and not each.of("manner")]
        around = [each for each in silent if all(topic.name == "speak" for topic in each.of("topic"))]
        # A clause behind that says more than where is about something else: "最后几乎听不见".
        around = [each for each in around if each.at < at or _only_where(self._plain, each)]
        found = word.piece.of("where") or [where for each in around for where in each.of("where")]
        found = [each for each in found if not self._value_between(word, each)]
        found = [each for each in found if not self._plain.endswith(("比", "than "), 0, each.start)]
        if not found:
            return part(*self._sentence.around(word))
        return cast(Where, min(found, key=lambda each: abs(each.start - word.start)).name)

    def _value_between(self, word: Word, where: Word) -> bool:
        """Whether another value has a place in time: "low, and loud at the end", "loud at the end and low"."""
        before = where.start < word.start and any(each.start < where.start for each in word.piece.of("value"))
        if before and " and " in self._sentence.between(where, word):
            return True
        between = self._words[min(word.at, where.at) + 1 : max(word.at, where.at)]
        return any(each.kind == "value" and "and" in self._sentence.between(word, each).split() for each in between[:9])


def _turning(claims: Sequence[Claim]) -> Iterable[Claim]:
    """The claims of a sentence; what both rises and falls in it does either at some moment: "rises and falls back"."""
    courses = {(claim.property, claim.change) for claim in claims if not claim.denied}
    for claim in claims:
        both = {(claim.property, "rises"), (claim.property, "falls")} <= courses
        turns = both and claim.change and not claim.denied and claim.where is None
        yield replace(claim, where="moments") if turns else claim


def _strength(plain: int, word: Word, degrees: Sequence[Word]) -> int:
    less = [each for each in degrees if each.name == "slight"]
    more = (
        sum(each.kind == "degree" or each.text == "大" for each in degrees)
        - 2 * len(less)
        - bool(_SLIGHTLY.search(word.text))
    )
    return min(3, max(1, plain + min(1, max(-1, more))))


def _only_where(plain: str, piece: Piece) -> bool:
    said = plain[piece.start : piece.end].strip()
    return any(len(said) <= len(where.text) + 2 for where in piece.of("where"))


def _trimmed(plain: str, piece: Piece) -> tuple[int, int]:
    text = plain[piece.start : piece.end]
    return piece.start + len(text) - len(text.lstrip()), piece.end - (len(text) - len(text.rstrip()))


_VOICE = _Reader(claim_voice.TOPICS, claim_voice.VALUES, claim_voice.MEANS, claim_voice.MANNERS)
_FACE = _Reader(claim_face.TOPICS, claim_face.VALUES, claim_face.MEANS, courses=claim_face.COURSES)

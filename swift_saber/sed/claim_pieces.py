"""A text about voice or face taken to pieces: its sentences, their clauses, the words in them, and who each is about.

The first person that a text names is the speaker, as the annotation's prompt asks. A clause in which another is named
first is about somebody else, and one that names what sounds besides ("background", 音乐) about something else. What
stands between quotation marks is words of the clip, and is not looked at.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from swift_saber.text.lexicon import SENTENCES, Lexicon

#: Characters around a word that are looked at; a model that repeats itself writes sentences of thousands of words.
NEAR = 60

_HAN = re.compile(r"[\u3400-\u9fff]")
_QUOTED = re.compile(r"“[^“”]*”|「[^「」]*」|『[^『』]*』|《[^《》]*》|\"[^\"\n]*\"")
_CUTS = re.compile(
    # "in a calm, measured tone" is one clause
    r"(?:(?<!\w)(?:an? [\w-]+,\s)|([,:()—]+)"
    r"|\b(but|while|whereas|although|(?<!as )though|then)\b"
    r"|\b(and )(?=(?:the|an?|another|his|her|their)\s)"
    r"|\b((?:as|when|until|before|after|because|since) )(?=(?:the|an?|another|he|she|his|her|they)\s))"
)
# What somebody looks at or is compared with is not who the clause is about; a sound that is not there is not one.
_OBJECT = re.compile(
    r"(?:\b(?:at|to|toward|towards|with|beside|near|behind|for|than|over|above|against|no|without)\s+"
    r"(?:the\s+|an?\s+|his\s+|her\s+|their\s+|that\s+|this\s+|some\s+)?(?:\w+\s+)?|[着向对跟与和给比朝]|看到|看见|没有|无)$"
)
# What is told of the one named before, or of somebody new: "the speaker, a man", 说话人是一位女性.
_UNKNOWN = re.compile(r"\b(?:an?|is|as)\s+(?:[\w-]+\s+){0,2}$|(?:[位名个]|为|是)[^,]{0,4}$")
_RELATIVES = frozenset(("father", "husband", "mother", "wife", "父亲", "丈夫", "母亲", "妻子"))
# Words that also name a person, or a voice of which more is said.
_ALSO = {
    "男声": ("person", "man"),
    "女声": ("person", "woman"),
    **dict.fromkeys(("baritone", "falsetto", "monotone"), ("topic", "voice")),
}


@dataclass(eq=False)
class Word:
    """A word of the tables at its place.

    Attributes:
        kind: "topic", "value", "degree", "where", "becomes", "course", "hypothesis", "person", "source", "manner" or
            "nothing"; name: which of its table.
        start, end, text: its place in the text, and the plain text there.
        piece: the clause that it is in.
        at: its number in the sentence.
    """

    kind: str
    name: str
    start: int
    end: int
    text: str
    piece: "Piece"
    at: int

    @property
    def han(self) -> bool:
        return bool(_HAN.search(self.text))


@dataclass(eq=False)
class Piece:
    """A clause.

    Attributes:
        start, end: its place in the text; at: its number in the sentence.
        words: in it, by kind.
        others: whether it is about somebody else, or something else that sounds.
        read: whether a claim has come of it.
    """

    start: int
    end: int
    at: int
    words: dict[str, list[Word]] = field(default_factory=dict)
    others: bool = False
    read: bool = False

    def of(self, kind: str) -> list[Word]:
        return self.words.get(kind, [])

    def topics(self) -> list[Word]:
        """What it speaks of that is of the voice, or face."""
        topics = [word for word in self.of("topic") if word.name not in ("other", "speak")]
        return topics + self.of("manner")


class Sentence:
    """A sentence, its clauses and its words.

    Args:
        plain: the whole text, as plain_text returns it.
        pieces: the sentence's clauses, one or more.
        words: all of its words, in their order.
    """

    def __init__(self, plain: str, pieces: Sequence[Piece], words: Sequence[Word]) -> None:
        self.plain, self.pieces, self.words = plain, pieces, words
        self.start, self.end = pieces[0].start, pieces[-1].end

    def around(self, word: Word) -> tuple[str, str]:
        """The plain text of the sentence before and after a word, as far as it is looked at."""
        return self.plain[max(self.start, word.start - NEAR) : word.start], self.behind(word)

    def behind(self, word: Word) -> str:
        return self.plain[word.end : min(self.end, word.end + NEAR)]

    def between(self, one: Word, two: Word) -> str:
        first, last = (one, two) if one.start <= two.start else (two, one)
        return self.plain[first.end : last.start]

    def back(self, word: Word) -> Iterator[Word]:
        """The words before one, the nearest first."""
        return (self.words[at] for at in range(word.at - 1, -1, -1))

    def last(self, kind: str) -> list[Word | None]:
        """For each word the last one of a kind before it."""
        return _last(self.words, kind)

    def following(self, kind: str) -> list[Word | None]:
        """For each word the next one of a kind after it."""
        return _last(self.words[::-1], kind)[::-1]


def plain_text(text: str) -> str:
    """Return a text in lower case, each character at its place, with blanks for what is quoted."""
    quiet = _QUOTED.sub(lambda match: " " * len(match[0]), text.replace("’", "'"))
    if quiet.isascii():
        return quiet.lower()
    return "".join(low if len(low := unicodedata.normalize("NFKC", each).lower()) == 1 else each for each in quiet)


def sentences(plain: str, lexicon: Lexicon) -> Iterator[Sentence]:
    """Yield each sentence of a plain text.

    Args:
        plain: as plain_text returns it.
        lexicon: its names are "KIND/NAME", as Word has them.
    """
    speaker, start = _Speaker(), 0
    for end, following in [*(match.span() for match in SENTENCES.finditer(plain)), (len(plain), len(plain))]:
        if plain[start:end].strip():
            pieces, words = _pieces(plain, start, end, lexicon)
            speaker.begin()
            for piece in pieces:
                piece.others = speaker.others(plain, piece)
            yield Sentence(plain, pieces, words)
        start = following


def _pieces(plain: str, start: int, end: int, lexicon: Lexicon) -> tuple[list[Piece], list[Word]]:
    cuts = [match.span() for match in _CUTS.finditer(plain, start, end) if match.lastindex]
    starts, ends = [start, *(cut[1] for cut in cuts)], [*(cut[0] for cut in cuts), end]
    pieces = [Piece(*place) for place in zip(starts, ends, range(len(starts)), strict=True)]
    words: list[Word] = []
    current = 0
    for name, first, last in lexicon.find(plain[start:end]):
        kind, _, name = name.partition("/")
        first, last = start + first, start + last
        while current < len(pieces) - 1 and first >= pieces[current + 1].start:
            current += 1
        piece, text = pieces[current], plain[first:last]
        if text in _ALSO:
            words.append(Word(*_ALSO[text], first, first, "", piece, len(words)))
        words.append(Word(kind, name, first, last, text, piece, len(words)))
    for word in words:
        word.piece.words.setdefault(word.kind, []).append(word)
    return pieces, words


def _last(of: Sequence[Word], kind: str) -> list[Word | None]:
    found: list[Word | None] = []
    last = None
    for word in of:
        found.append(last)
        last = word if word.kind == kind else last
    return found


def _is_owner(one: Word, two: Word) -> bool:
    """Whether two people that are named are one and somebody of theirs: "her father", 他的弟弟."""
    of_theirs = two.name in ("other", "relative") or two.text in _RELATIVES
    return one.name in ("he", "she") and of_theirs and two.start - one.end <= 1


class _Speaker:
    """Who is spoken of, from clause to clause."""

    def __init__(self) -> None:
        self._gender: str | None = None
        self._other: str | None = None  # the gender of somebody else that is spoken of, "" where unknown
        self._speaker = False  # whether the sentence has named the speaker as such

    def begin(self) -> None:
        """A sentence that names nobody is about the speaker."""
        self._other, self._speaker = None, False

    def others(self, plain: str, piece: Piece) -> bool:
        """Whether a clause is about somebody or something else; clauses come in their order."""
        named = [
            word
            for word in piece.of("source") + piece.of("person")
            if not _OBJECT.search(plain[max(piece.start, word.start - NEAR) : word.start])
        ]
        if named and named[0].kind == "source":
            return True
        if len(named) > 1 and _is_owner(*named[:2]):
            self._other = named[1].name if named[1].name in ("man", "woman") else ""
            return True
        named = [word for word in named if word.name != "relative"]
        if named and named[0].name == "thing":
            return True
        if named:
            known = not _UNKNOWN.search(plain[max(piece.start, named[0].start - NEAR) : named[0].start])
            self._turn(named[0].name, known)
        return self._other is not None

    def _turn(self, name: str, known: bool) -> None:
        if name in ("speaker", "other"):
            self._other, self._speaker = ("", self._speaker) if name == "other" else (None, True)
            return
        gender = {"he": "man", "she": "woman"}.get(name, name)
        if name in ("he", "she") and self._other in ("", gender):
            return  # the other one, who was named before
        if name in ("man", "woman") and self._speaker and known and self._gender is None:
            self._other = gender  # "the speaker ..., while the woman ...": not "the speaker, a woman, ..."
            return
        self._gender = self._gender or gender
        self._other = None if gender == self._gender else gender

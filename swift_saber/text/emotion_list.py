"""A user's own emotions, by a list of them: what they are called in labels, and by which words a text names them.

It stands in the place of the common emotions (emotions.py), by whose rule a text is read: two of them that are one
there stay apart, and those that are none there are found by all of their words, in every language that has some.
"""

import os
import re
import unicodedata
from collections.abc import Mapping, Sequence

from swift_saber.errors import InputError, quoted
from swift_saber.text.csv_table import read_csv
from swift_saber.text.lexicon import Lexicon

_BETWEEN = re.compile(r"[,;，；、]")


class EmotionList:
    """The emotions of a list.

    Args:
        words: {emotion: words for it}, lower case; a "*" at the end of a word stands for any ending. An emotion's name
            is a word for it too.
    """

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        #: The emotions, in the order of the list.
        self.names = tuple(words)
        self._labels = {word: name for name, each in words.items() for word in (*each, name)}
        self._lexicon = Lexicon(words, words)

    def emotion(self, label: str) -> str | None:
        """Return the emotion that a label means: it is its name or one of its words, or names it alone; else None."""
        named = {name for names in self._lexicon.sentences(label) for name in names}
        return self._labels.get(_plain(label)) or (named.pop() if len(named) == 1 else None)

    def must_have(self, label: str, where: str, field: str) -> str:
        """Return the emotion that a label means, as `emotion`.

        Args:
            label: of a clip.
            where, field: of the label, for the error.

        Raises:
            InputError: it means none of these.
        """
        if (found := self.emotion(label)) is None:
            problem = f"{quoted(label)} is none of {quoted(', '.join(self.names))}"
            raise InputError(where, field, problem, "correct it, or give it a row in the list of emotions")
        return found

    def named(self, text: str) -> list[str]:
        """Return the emotions that the concluding sentence of a text names, sorted, as emotions.named_emotions does."""
        said = self._lexicon.sentences(text)
        return sorted(said[-1]) if said else []


def read_emotions(path: str | os.PathLike[str]) -> EmotionList:
    """Return the emotions of a CSV with the columns emotion and words; words have commas between, and may be missing.

    Raises:
        InputError: as read_csv; an emotion is blank or there twice, a word has a "*" that does not stand at its end or
            stands alone, or two emotions have one word.
    """
    found: dict[str, list[str]] = {}
    owner: dict[str, str] = {}
    for where, row in read_csv(path, ["emotion"]):
        name = _plain(row["emotion"])
        if not name:
            raise InputError(where, "emotion", "is blank", "name the emotion of these words")
        if name in found:
            raise InputError(where, "emotion", f"{quoted(name)} is there twice", "write all of its words in one row")
        found[name] = [word for part in _BETWEEN.split(row.get("words", "")) if (word := _plain(part)) and word != name]
        for word in (name, *found[name]):
            if "*" in word[:-1] or word == "*":
                raise InputError(where, "words", f"{quoted(word)} has a * inside", "a * stands at the end of a word")
            if owner.setdefault(word, name) != name:
                problem = f"{quoted(word)} is a word for {quoted(owner[word])} too"
                raise InputError(where, "words", problem, "give each word to one emotion")
    if not found:
        raise InputError(str(path), "file", "holds no emotion", "write one emotion a row")
    return EmotionList(found)


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().lower()

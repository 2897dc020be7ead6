"""Words that stand for something, sought in Chinese and English text: no model and no judge is asked.

A word that is denied where it stands ("not angry", 并不生气) says nothing, and a word inside of a longer one of the
list ("calm" in "forced calm") is only the longer one. Irony, and a denial that is spread over a sentence, are beyond
these rules. All of them are ours.
"""

import re
import unicodedata
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

#: What ends a sentence; a point inside of a number or a name does not.
SENTENCES = re.compile(r"[。！？!?;；\n]+|\.(?=\s|$)")
_NEGATION_EN = re.compile(
    r"(?:\b(?:not|never|without|nor|neither|no|hardly|isn't|isnt|wasn't|aren't|weren't|doesn't|don't|didn't|cannot|"
    r"can't|lacks?|lacking|rather than|instead of|far from|free of|absence of|anything but)"
    r"(?!\s+(?:only|just|merely|simply|without|doubt|hide|hiding|conceal|contain|suppress|mask|help)\b))"
    # up to three words between, but nothing that turns the sentence
    r"(?:\s+(?!but\b|yet\b|rather\b)[\w'-]+){0,3}\s*$"
)
_NEGATION_ZH = re.compile(
    r"(?:没有|没|看不出|听不出|看不到|听不到|谈不上|并非|绝非|而非|并不|绝不|决不|毫不|毫无|并无|不是|不太|不再|不算|不带|"
    r"不含|不感到|不觉得|不显得|无|非|未|缺乏|缺少)"
    # up to four characters between, but nothing that turns the sentence
    r"[^，。、；：,;:但却而]{0,4}$|不$"
)
# These begin with a denial and deny nothing.
_NO_NEGATION_ZH = re.compile(
    r"非常|非凡|不仅|不只|不但|不单|不光|不止|不禁|不由|不断|不住|不得不|莫非|除非|没想到|没精打采|无精打采|无时无刻不?|"
    r"无(?:比|疑|不|助|奈|力|声|言|情|辜|聊|尽|限|穷|数|端|故)|"
    r"(?:无法|毫不|不加|没有|并未|未)(?:掩饰|隐藏|抑制|压抑)"
)
# Characters before a word that are looked at: three long English words. A model that repeats itself writes one sentence
# of thousands of words.
_BEFORE = 100
_HAN = re.compile(r"[\u3400-\u9fff]")
# An English word in Chinese has no space beside it (他很happy), and \b sees no boundary there.
_NO_LETTER_BEFORE, _NO_LETTER_AFTER = r"(?<![^\W\u3400-\u9fff])", r"(?![^\W\u3400-\u9fff])"
_ANY_ENDING = "[a-z]*"


class Lexicon:
    """Words and what each of them stands for.

    Args:
        words: name -> words in Chinese and English, lower case; a "*" at the end stands for any ending.
        themselves: words that stand for themselves, as they are.
    """

    def __init__(self, words: Mapping[str, Iterable[str]], themselves: Iterable[str] = ()) -> None:
        found = [(_regex(word), word, name) for name, each in words.items() for word in each]
        found += [(re.escape(word), word, word) for word in themselves]
        found.sort(key=lambda each: -len(each[1]))  # longer words win over those inside of them
        # The word boundaries stand outside: a search that begins with a set of letters is much the faster one.
        han = "|".join(regex for regex, word, _ in found if _HAN.search(word))
        other = "|".join(regex for regex, word, _ in found if not _HAN.search(word))
        # A list in one language alone has none of the other's, and an empty pattern would be everywhere.
        other = f"{_NO_LETTER_BEFORE}(?:{other}){_NO_LETTER_AFTER}" if other else ""
        self._pattern = re.compile("|".join(filter(None, (han, other))))
        self._whole = {word: name for _, word, name in found}
        self._stems = {word[:-1]: name for regex, word, name in found if regex.endswith(_ANY_ENDING)}

    def sentences(self, text: str) -> list[set[str]]:
        """Return, for each sentence of a text that says any, the names that its words stand for."""
        said = ({name for _, name in found} for found in self._found(text))
        return [names for names in said if names]

    def words(self, text: str, names: Container[str]) -> list[str]:
        """Return the words of a text that stand for one of the names, as they are written there, each once."""
        found = [word for sentence in self._found(text) for word, name in sentence if name in names]
        written = text.lower()
        # A letter whose small form is longer moves what follows; a word in letters of another width is not found.
        places = [(written.find(word), len(word)) for word in found] if len(written) == len(text) else []
        return list(dict.fromkeys(text[at : at + length] for at, length in places if at >= 0))

    def _found(self, text: str) -> Iterator[Sequence[tuple[str, str]]]:
        """The words of each sentence that are not denied, with their names."""
        plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
        for sentence in SENTENCES.split(plain):
            yield _said(self, sentence)

    def read(self, sentence: str) -> list[tuple[str, str]]:
        """Return the words of a sentence in lower case that are not denied there, with their names."""
        return [
            (match.group(), self._name(match.group()))
            for match in self._pattern.finditer(sentence)
            if not denied(sentence[max(0, match.start() - _BEFORE) : match.start()], match.group())
        ]

    def find(self, plain: str) -> Iterator[tuple[str, int, int]]:
        """Yield name, start and end of each word in a text in lower case, from left to right, denied or not."""
        for match in self._pattern.finditer(plain):
            yield self._name(match.group()), *match.span()

    def _name(self, found: str) -> str:
        """The name of what the pattern has found: of a whole word, else of the one with the longest stem that fits."""
        if found not in self._whole:  # and from then on it is: a list has hundreds of stems, a language few words
            self._whole[found] = self._stems[max((stem for stem in self._stems if found.startswith(stem)), key=len)]
        return self._whole[found]


# A reference is read for each model that is held against it, and models repeat themselves.
@lru_cache(maxsize=1 << 13)
def _said(lexicon: Lexicon, sentence: str) -> Sequence[tuple[str, str]]:
    return lexicon.read(sentence)


def denied(before: str, word: str) -> bool:
    """Whether what stands before a word in its sentence denies it."""
    if _HAN.search(word) or _HAN.match(before.rstrip()[-1:]):
        return bool(_NEGATION_ZH.search(_NO_NEGATION_ZH.sub("", before.rstrip())))
    return bool(_NEGATION_EN.search(before))


def _regex(word: str) -> str:
    return re.escape(word[:-1]) + _ANY_ENDING if word.endswith("*") else re.escape(word)

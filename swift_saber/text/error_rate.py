"""How far what a recogniser heard is from what a record says: WER for English, CER for Chinese, both by jiwer.

Both texts are brought into one form first, since a recogniser writes "5", "I am" or 說 where a record has "five", "I'm"
or 说, and that is no error of either.
"""

import re
import unicodedata
from functools import cache
from typing import Any, Literal

from swift_saber.text.chinese_numbers import to_digits
from swift_saber.text.language import Language

#: What the error rate counts in each language.
UNIT: dict[Language, Literal["wer", "cer"]] = {"en": "wer", "zh": "cer"}

# Sound events: <laughs> in records (published), and the other brackets that recognisers write them in: [music], （笑）.
_EVENTS = re.compile(r"<[^<>]*>|\[[^\[\]]*\]|\([^()]*\)|【[^【】]*】")

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_WORD = rf"[^\W\d_{_HAN}]"
_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")
# What is no letter and no digit, but for the point of 3.5, the colon of 3:50 and the sign of 5%.
_PUNCTUATION = re.compile(r"(?!(?<=[0-9])[.:](?=[0-9])|(?<=[0-9])%)(?:\W|_)")
_LOOSE = re.compile(rf"(?<!{_WORD})\s+|\s+(?!{_WORD})")
_TOKEN = re.compile(rf"{_WORD}+|\S")
_BRACKETS = re.compile(r"[<>()\[\]]")  # those left over
_APOSTROPHES = str.maketrans("‘’ʼ`´", "'" * 5)
_ONE = re.compile(r"\bone\b")
_SIDE_BY_SIDE = re.compile(r"(?<=[0-9]) (?=[0-9])")

# Recognisers that hear noise repeat themselves without end ("oh oh oh"), and Whisper's normaliser makes one number of
# it; Python writes none of more than 4,300 digits. A number that goes over the end of a part is two.
_AT_A_TIME, _LONGEST_WORD = 100, 40

# Texts rest after two or three passes, at most after five of 20,000 that were made of number words at random.
_PASSES = 10


def word_error_rate(reference: str, hypothesis: str, language: Language) -> float:
    """Return the errors in a hypothesis (words put in, left out or replaced) per token of the reference.

    The tokens are those of `tokens`: words in English (WER); in Chinese characters (CER), where a Latin word and a
    digit are one token each. Two empty texts differ by 0. Where the reference alone is empty there is nothing to
    divide by, and each token of the hypothesis counts 1 (jiwer's rule): words where a record has none are never below
    a limit of less than 1. The rate of a long hypothesis may be above 1.

    Args:
        reference: what the record says.
        hypothesis: what the recogniser heard.
        language: of both.
    """
    import jiwer

    return float(jiwer.wer(" ".join(tokens(reference, language)), " ".join(tokens(hypothesis, language))))


def tokens(text: str, language: Language) -> list[str]:
    """Return what the error rate counts: the normalised text's words in English, its characters in Chinese."""
    text = normalise(text, language)
    return _TOKEN.findall(text) if language == "zh" else text.split()


def normalise(text: str, language: Language) -> str:
    """Return a text in the form in which transcripts are compared; a text that is in this form stays as it is.

    Both languages: NFKC (full-width forms become plain), sound events in brackets <> [] () 【】 removed, lower case,
    punctuation removed.

    English: the normaliser published with Whisper (Radford et al. 2022, appendix C) in transformers' copy: number
    words become digits, contractions are written out, titles too (mr is mister), and "uh", "um", "hmm" are removed.
    Ours on top: digits side by side are one number, so that "1 2 3", "one two three" and "123" are equal. British
    spellings are not folded, and "a hundred" is not 100.

    Chinese: traditional characters become simplified ones (OpenCC's t2s), since recognisers write either; numbers
    become digits (text/chinese_numbers.py); spaces stay between Latin words only.
    """
    step = _chinese if language == "zh" else _english
    for _ in range(_PASSES):  # what one pass has joined, the next may read as a number
        found = step(_EVENTS.sub(" ", unicodedata.normalize("NFKC", text)))
        if found == text:
            break
        text = found
    return text


def _english(text: str) -> str:
    words = _BRACKETS.sub(" ", text.translate(_APOSTROPHES)).split()
    words = [word[at : at + _LONGEST_WORD] for word in words for at in range(0, len(word), _LONGEST_WORD)]
    parts = [_whisper()(" ".join(words[at : at + _AT_A_TIME])) for at in range(0, len(words), _AT_A_TIME)]
    return _SIDE_BY_SIDE.sub("", _ONE.sub("1", " ".join(" ".join(parts).split())))


def _chinese(text: str) -> str:
    text = _PUNCTUATION.sub(" ", _COMMA.sub("", text.lower()))
    return to_digits(_simplifier().convert(_LOOSE.sub("", text)))


@cache
def _whisper() -> Any:
    from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

    return EnglishTextNormalizer({})


@cache
def _simplifier() -> Any:
    import opencc

    return opencc.OpenCC("t2s")

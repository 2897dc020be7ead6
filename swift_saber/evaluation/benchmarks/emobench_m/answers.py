"""Reading labels out of what a model answered to EmoBench-M.

The order, after thinking up to </think> is dropped:

1. Objects, {'emotion': 'happy'} as the benchmark asks for or JSON, anywhere in the text, fenced or not: what they say
   of a label counts, and the text around them does not. If two say different labels, the answer is invalid.
2. The whole answer is a label, but for case, white space, quotes, brackets, "*" and full stops around it.
3. An answer in SABER's six dimensions (layout.parse): its last dimension, the reasoning about the emotion, is read by
   rule 4; where it names no label, so is the text that belongs to no dimension. Evidence is not read: it may
   contradict the emotion, and an angry voice is no answer.
4. Any other text: the one label that occurs in it, once, as a word. Where labels overlap, the longest counts.

All else is invalid: two labels, one label twice, a part of a word ("unhappy", "non-negative"), and a label behind a
negation close by in its clause ("not happy"), which names what it is not. Labels are the benchmark's English words;
they may stand in Chinese text, but 高兴 is no label.

Everything takes time linear in the text. The rules are ours: the official scripts read the first label as
a word (classification) or the first of their list that occurs even in a part of a word (emotion and intent), see
official_label and official_pair.
"""

import ast
import json
import re
import warnings
from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import Any

from swift_saber.sed.layout import parse
from swift_saber.sed.record import CONCLUSION

#: Keys under which an object may say a label; any other key counts where it is the only one and its value is a label.
LABEL_KEYS = ("emotion", "emotion label", "sentiment", "label", "answer")
INTENT_KEYS = ("intent", "intent label")

# Longer objects, and more of them, are no answer to a question that asks for a label; the limits keep ast away from
# large input.
_OBJECT = re.compile(r"\{[^{}:]{0,100}:[^{}]{0,400}\}")
_MOST_OBJECTS = 50
_AROUND = " \u3000\t\r\n\f\v\"'`*_#.!,;:。！，；：、“”‘’「」『』()（）[]【】{}<>《》"
_GAP = r"[\s_-]+"
# Letters that may go on a word; Chinese ones may not, so that 情绪是happy。 holds a word.
_WORD = r"A-Za-z0-9_\-\u00c0-\u024f"
_NEGATED = re.compile(
    r"(?:(?<![A-Za-z])(?:not|no|never|neither|nor|without|isn'?t|cannot)(?![A-Za-z])|n['’]t(?![A-Za-z])|[不没非无])"
    r"[^.;,!?:。；，！？：\n]{0,20}$",
    re.IGNORECASE,
)
_NEGATION_REACH = 32  # characters before a label that are looked at


def read_label(text: str, labels: Sequence[str]) -> str | None:
    """Return the label that an answer says, else None. Never raises.

    Args:
        text: the answer.
        labels: in lower case.
    """
    body = after_thinking(text)
    if said := _said(_objects(body), LABEL_KEYS, labels):
        return _agreed(said)
    if (whole := _exact(body, labels)) is not None:
        return whole
    answer = parse(body)
    for part in (answer.fields[CONCLUSION], answer.remainder) if CONCLUSION in answer.fields else (body,):
        if found := _mentions(part, labels):
            return _only(found)
    return None


def read_pair(text: str, emotions: Sequence[str], intents: Sequence[str]) -> tuple[str | None, str | None]:
    """Return the emotion and the intent that an answer says, each None where it says none. Never raises.

    As read_label, twice; "happy, questioning" counts as both, and where the answer says "emotion" and then "intent",
    the emotion is looked for between them and the intent behind them.
    """
    body = after_thinking(text)
    objects = _objects(body)
    said = _said(objects, LABEL_KEYS, emotions, INTENT_KEYS), _said(objects, INTENT_KEYS, intents, LABEL_KEYS)
    if any(said):
        return _agreed(said[0]), _agreed(said[1])
    parts = re.split(r"[\s,，、/_;|&+]+", body[:200].strip(_AROUND))
    if len(parts) == 2 and len(body) <= 200:
        both = _exact(parts[0], emotions), _exact(parts[1], intents)
        if all(both):
            return both
    emotion_part = intent_part = body
    lower = body.lower()
    _, first, behind = lower.partition("emotion")
    if first and "intent" in behind:
        start, cut = lower.index("emotion"), lower.index("intent", lower.index("emotion"))
        emotion_part, intent_part = body[start:cut], body[cut:]
    return _only(_mentions(emotion_part, emotions)), _only(_mentions(intent_part, intents))


def official_label(text: str, labels: Sequence[str]) -> str | None:
    """Return what the official runner (emo.py) reads: the first label that occurs as a word, whatever is around it."""
    found = _first(tuple(labels)).search(text.lower())
    return found[1] if found else None


def official_pair(text: str, emotions: Sequence[str], intents: Sequence[str]) -> tuple[str | None, str | None]:
    """Return what the official runner (MC-EIU.py) reads: of each list the first that occurs, even inside a word."""
    lower = text.lower()
    return (
        next((label for label in emotions if label in lower), None),
        next((label for label in intents if label in lower), None),
    )


@cache
def _first(labels: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"\b(" + "|".join(map(re.escape, labels)) + r")\b")


def after_thinking(text: str) -> str:
    """Return the answer behind a model's thinking; "" where it was cut off while it thought."""
    if text.lstrip().startswith("<think>") or "<think>" not in text:
        head, tag, answer = text.rpartition("</think>")
        if tag:
            return answer
        return "" if answer.lstrip().startswith("<think>") else head + answer
    return text


def _objects(text: str) -> list[dict[str, Any]]:
    """The small objects in a text that could say a label, JSON or Python; they are data and never run."""
    found = (_object(match[0]) for match in islice(_OBJECT.finditer(text), _MOST_OBJECTS))
    return [value for value in found if value]


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd escapes
                value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def _key(key: object) -> str:
    return re.sub(_GAP, " ", str(key)).strip().lower()


def _said(
    objects: Sequence[dict[str, Any]], keys: Sequence[str], labels: Sequence[str], other: Sequence[str] = ()
) -> list[str | None]:
    """What objects say under these keys: a label, or None for what is none; [] where none of them says anything.

    The only value of an object counts under any key that is not one of the others, if it is exactly a label.
    """
    found: list[str | None] = []
    for obj in objects:
        values = [_text(value) for key, value in obj.items() if _key(key) in keys]
        found += [_exact(value, labels) or _only(_mentions(value, labels)) for value in values]
        if not values and len(obj) == 1:
            key, value = next(iter(obj.items()))
            label = None if _key(key) in other else _exact(_text(value), labels)
            found += [label] if label else []
    return found


def _text(value: object) -> str:
    """A value as text: true and false are labels too, and a list may hold the one label."""
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    return str(value) if isinstance(value, str | bool) else ""


def _agreed(said: Sequence[str | None]) -> str | None:
    """The label that all say, else None."""
    return said[0] if len(set(said)) == 1 else None


def _exact(text: str, labels: Sequence[str]) -> str | None:
    stripped = text.strip(_AROUND)
    if len(stripped) > 2 * max(map(len, labels)):
        return None
    stripped = re.sub(_GAP, " ", stripped.lower())
    return stripped if stripped in labels else None


def _only(mentions: Sequence[str]) -> str | None:
    return mentions[0] or None if len(mentions) == 1 else None


def _mentions(text: str, labels: Sequence[str]) -> list[str]:
    """Each time that a text names a label, in order; "" for one that it denies."""
    found = []
    for match in _words(tuple(labels)).finditer(text):
        found.append("" if is_denied(text, match.start()) else re.sub(_GAP, " ", match[0].lower()))
    return found


def is_denied(text: str, place: int) -> bool:
    """Whether what stands at a place of a text is denied close before it, in its clause."""
    return _NEGATED.search(text[max(0, place - _NEGATION_REACH) : place]) is not None


@cache
def _words(labels: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted(labels, key=len, reverse=True)
    names = "|".join(_GAP.join(map(re.escape, label.split())) for label in longest)
    # ASCII: without it "ſ" would count as "s".
    return re.compile(rf"(?<![{_WORD}])(?:{names})(?![{_WORD}])", re.IGNORECASE | re.ASCII)

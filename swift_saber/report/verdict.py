"""What came of an answer, in one word, and the emotion that was read out of it. Right and wrong are never guessed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from swift_saber.evaluation.item import Item
from swift_saber.sed.conclusion import conclude
from swift_saber.sed.record import CONCLUSION
from swift_saber.text.emotions import common_emotion, named_emotions

#: Every word, in the order in which a table sorts them:
#: - "right", "wrong": by a score that says so (Command.verdicts), or by a reference's emotion
#: - "invalid": the answer says none of what was asked for
#: - "no answer", "reject": there is none; of a reject it is known why
#: - "unjudged": the judge failed
#: - "no verdict": scored by degrees, or not scored
#: - "no reference": nothing to compare it with
VERDICTS = ("right", "wrong", "invalid", "no answer", "reject", "unjudged", "no verdict", "no reference")

#: Labels of no emotion: what answers name cannot be held against them.
NO_EMOTION = {
    "positive",
    "negative",
    "mixed",
    "other",
    "others",
    "unknown",
    "undecided",
    "ambiguous",
    "none",
    "n/a",
    "xxx",
}
NO_EMOTION |= {"积极", "消极", "正面", "负面", "正向", "负向", "混合", "其他", "其它", "未知", "不确定", "无"}
# A label is a word or two; a text of an open task is none.
_LONGEST_LABEL = 60


def verdict_of(item: Item, names: Sequence[str], *, rejected: bool) -> str:
    """Return the word for a question of a benchmark.

    Args:
        item: the question.
        names: the scores that say right or wrong, as Command.verdicts.
        rejected: whether it is known why there is no answer.
    """
    if item.state == "missing":
        return "reject" if rejected else "no answer"
    if item.state == "invalid":
        return "invalid"
    if scores := [score for name in names if (score := item.scores.get(name)) is not None]:
        if all(score == 1 for score in scores):
            return "right"
        emotion = item.details.get("emotion")
        # saber-test has one state for all that it scores; an answer that concludes no emotion is invalid in this one.
        return "invalid" if isinstance(emotion, dict) and emotion.get("answer") is None else "wrong"
    if item.state == "unjudged":
        return "unjudged"
    return "no reference" if item.truth in (None, "", [], {}) else "no verdict"


def verdict_by_emotion(truth: str, read: str | None) -> str:
    """Return the word for an answer that no benchmark has scored, by the emotion of its reference; "" for none.

    Of a valence, a number or "other" neither right nor wrong is said: no answer names these.
    """
    if not truth or truth in NO_EMOTION or not any(char.isalpha() for char in truth):
        return "no verdict"
    return "invalid" if read is None else "right" if read == truth else "wrong"


def emotion_label(label: str) -> str:
    """Return a reference's label by the name under which an answer's emotion is read, where it has one.

    "Joy" is "happy", and a Chinese word is the emotion that it names; another is itself, in lower case.
    """
    label = label.strip().lower()
    chinese = bool(label) and label.isalpha() and not label.isascii()
    return common_emotion(label) or (conclude({CONCLUSION: label})["emotion"] if chinese else None) or label


def emotion_of(fields: Mapping[str, str], own: Collection[str] = ()) -> str | None:
    """Return the emotion that a record concludes; None for none, or two.

    Args:
        fields: the text of each dimension.
        own: labels beside the common emotions, as text/emotions.find_emotion takes them; they count before ours.
    """
    named = named_emotions(fields.get(CONCLUSION, ""), own)
    return named[0] if len(named) == 1 else None if named else conclude(fields)["emotion"]


def label_of(value: Any) -> str:
    """Return a label, or several, or several by name, as a table shows them; "" for a text, a record or nothing."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, dict):
        found = [f"{name}: {label_of(each) or '–'}" for name, each in value.items() if isinstance(each, str | None)]
        value = ", ".join(found) if len(found) == len(value) else ""
    elif isinstance(value, list):
        value = ", ".join(value) if all(isinstance(each, str) for each in value) else ""
    short = isinstance(value, str) and len(value) <= _LONGEST_LABEL and "\n" not in value
    return value.strip() if short else ""

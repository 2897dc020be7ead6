"""Reading what a model wrote as data, and marking text of others that it is shown as data.

Knows JSON and fences; knows nothing of what is asked.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from swift_saber.errors import InputError
from swift_saber.text.strict_json import parse_json

#: The kind of Unusable for which there is no reply at all yet: the next run asks again.
UNANSWERED = "not answered"

_FENCE = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL | re.IGNORECASE)


class Unusable(Exception):
    """A model's reply cannot be used.

    Args:
        reason: what is wrong with it, for people and for the model, which may be asked again.
        kind: a few fixed words, by which failures are counted: "empty", "prose", "not the schema", "out of range",
            "too long", "refused", UNANSWERED.
        reply: the reply, where it is known.
    """

    def __init__(self, reason: str, kind: str = "not the schema", reply: str = "") -> None:
        super().__init__(reason)
        self.reason, self.kind, self.reply = reason, kind, reply


def read_object(reply: str) -> dict[str, Any]:
    """Return the one JSON object that a reply is, bare or in a ```json fence.

    Raises:
        Unusable: "empty", "prose" (not JSON, or more than that), or "not the schema" (JSON but no object, a key twice,
            or a number that is none).
    """
    text = reply.strip()
    if not text:
        raise Unusable("it is empty", "empty")
    if fenced := _FENCE.fullmatch(text):
        text = fenced[1]
    try:
        value = parse_json(text, "reply")
    except InputError as error:
        # What is JSON but no strict one says a key twice, or a number that is none.
        kind = "prose" if "is not JSON" in error.problem else "not the schema"
        raise Unusable(f"it is no JSON object: {error.problem}", kind) from error
    if not isinstance(value, dict):
        raise Unusable("it is JSON, but no object", "prose" if isinstance(value, str) else "not the schema")
    return value


def object_schema(**properties: Any) -> dict[str, Any]:
    """Return the JSON schema of an object with these keys, each with its schema, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def score_schema(criteria: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """Return the JSON schema of a reply that scores criteria, each with its lowest and highest score."""
    scores = {name: {"type": "integer", "enum": list(range(low, high + 1))} for name, (low, high) in criteria.items()}
    return object_schema(reason={"type": "string"}, **scores)  # the reason first: the numbers are written after it


def read_scores(reply: str, criteria: Mapping[str, tuple[int, int]]) -> tuple[dict[str, int], str]:
    """Return the scores that a reply of score_schema holds, and its reason ("" where it gives none).

    Other keys are not looked at.

    Raises:
        Unusable: as read_object; "not the schema" where a score is missing, or is no integer: 4.5, "4" and true are
            none; or "out of range".
    """
    value = read_object(reply)
    scores: dict[str, int] = {}
    for name, (low, high) in criteria.items():
        score = value.get(name)
        if not isinstance(score, int) or isinstance(score, bool):
            raise Unusable(f'"{name}" must be there and be an integer')
        if not low <= score <= high:
            raise Unusable(f'"{name}" must be an integer from {low} to {high}', "out of range")
        scores[name] = score
    reason = value.get("reason")
    return scores, reason.strip() if isinstance(reason, str) else ""


def fence_mark(text: str) -> str:
    """Return a line that can stand around a text and that the text cannot hold: a text has no way to its own digest."""
    return f"===== {hashlib.sha256(text.encode()).hexdigest()[:16]} ====="


def fenced_question(rules: str, texts: dict[str, str]) -> list[dict[str, str]]:
    """Return the conversation that shows texts of others as data, in OpenAI's form.

    Args:
        rules: the prompt, with {mark} for the line that stands around each text.
        texts: each with its name.
    """
    mark = fence_mark("".join(texts.values()))
    shown = "\n\n".join(f"{name}:\n{mark}\n{text}\n{mark}" for name, text in texts.items())
    return [{"role": "system", "content": rules.format(mark=mark)}, {"role": "user", "content": shown}]

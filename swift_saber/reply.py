"""Reading what a model wrote as data, and marking text of others that it is shown as data.

Knows JSON and fences; knows nothing of what is asked.
"""

import hashlib
import re
from typing import Any

from swift_saber.errors import InputError
from swift_saber.strict_json import parse_json

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

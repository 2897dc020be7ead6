"""What people said of a clip, as the page shows it: under numbers instead of names, with the words they changed."""

import re
from collections.abc import Mapping
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from swift_saber.review.log import Review, latest_reviews
from swift_saber.review.merge import verdict_of, voices

# A Chinese character or a mark by itself, else a word, else the space between two.
_PIECES = re.compile(r"[\u3400-\u9fff]|\s+|[^\W\u3400-\u9fff]+|[^\w\s]")
# Beyond so many pieces a comparison takes seconds: then a text is another one as a whole.
_MOST_PIECES = 2000


def read_people(folder: Path) -> dict[str, dict[str, Any]]:
    """Return what people said by the clip's id.

    Returns:
        {id: {"state" (merge.Verdict), "adjudicated", "stale", "voices": [{"number", "decision", "reason", "blind",
        "changes": [[name, pieces as word_changes returns them]], "better"}]}}.

    Raises:
        InputError: the folder has no review, or a line is damaged.
    """
    return {item: _said(item, reviews) for item, reviews in latest_reviews(folder).items()}


def _said(item: str, reviews: Mapping[str, Review]) -> dict[str, Any]:
    verdict = verdict_of(item, reviews)
    before: Mapping[str, Any] = next((review.before for review in reviews.values() if review.of == verdict.of), {})
    spoken = []
    for voice in voices(reviews, verdict):
        changes = [
            [name, word_changes(str(before.get(name, "")), text)]
            for name, text in voice.values.items()
            if name in before and text != before[name]
        ]
        known = {"number": voice.number, "decision": voice.decision, "reason": voice.reason, "blind": voice.blind}
        spoken.append(known | {"changes": changes, "better": voice.values.get("better", "")})
    return {
        "state": verdict.state,
        "adjudicated": verdict.adjudicated,
        "stale": verdict.stale,
        "voices": [{name: value for name, value in voice.items() if value not in ("", [], False)} for voice in spoken],
    }


def word_changes(before: str, after: str) -> list[tuple[str, str]]:
    """Return the pieces of a changed text in their order: ("=", kept), ("-", taken away), ("+", put in its place)."""
    one, other = _PIECES.findall(before), _PIECES.findall(after)
    if max(len(one), len(other)) > _MOST_PIECES:
        return [(sign, text) for sign, text in (("-", before), ("+", after)) if text]
    found: list[tuple[str, str]] = []
    for kind, start, end, new_start, new_end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        old, new = "".join(one[start:end]), "".join(other[new_start:new_end])
        found += [("=", old)] if kind == "equal" else [(sign, text) for sign, text in (("-", old), ("+", new)) if text]
    return found

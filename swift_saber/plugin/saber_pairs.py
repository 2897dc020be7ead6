"""One preference pair in, one ms-swift row out: a chosen and a rejected answer to the same question.

A row of a pair file (JSONL, one object a line):

    {"id": "clip-7#0",                                  optional; else a hash of media and prompt
     "messages": [{"role": "user", "content": "..."},   a blank turn is asked the SED instruction, on both sides
                  {"role": "assistant", "content": "the chosen answer"}],
     "videos": ["a.mp4"], "audios": ["a.wav"],
     "rejected_response": "the rejected answer",        to the same media; or, with media of its own:
     "rejected_messages": [...], "rejected_videos": [...], "rejected_audios": [...],
     "consistency": "consistent" | "inconsistent",      optional: do face, voice and words of the clip agree?
     "scores": {"chosen": 4.5, "rejected": 2.0},        optional; or "margin": 2.5, their difference
     "kind": "candidates",                              optional: how the pair was made, e.g. record, withheld, swapped
     "language": "zh" | "en"}                           optional: of the instruction

Other columns are dropped. Needs no ms-swift. Whenever the same pair would become something else, FORMAT_VERSION is
raised, as for the rows of data/convert.py.
"""

import math
from collections.abc import Mapping
from typing import Any

from swift_saber.data.convert import check_messages, one_side, row_kind
from swift_saber.data.rows import asked_id, media_given
from swift_saber.errors import InputError, kind, quoted
from swift_saber.plugin.saber_options import Options
from swift_saber.sed.layout import INSTRUCTIONS, reserved_markup

# How a pair's consistency stands in a batch, as a number; a pair that does not say has UNKNOWN.
CODES = {"consistent": 0, "inconsistent": 1}
UNKNOWN = -1
MEDIA = ("videos", "audios")


def to_swift_pair(row: dict[str, Any], where: str, options: Options) -> dict[str, Any]:
    """Return the columns that ms-swift trains a pair on.

    Args:
        row: in the format above.
        where: "file:line", for errors.
        options: what every pair must have, and whether the margin is handed on.

    Returns:
        {"id", "language", "channel" (the consistency), "margin", "messages", "videos", "audios", "rejected_messages",
        "rejected_videos", "rejected_audios"}. The margin is None unless the row has `margin` or the margin scale is
        on, since ms-swift's reward trainers would take it. Media paths, and audios that are None, as to_swift_row has
        them.

    Raises:
        InputError: the pair cannot be used.
    """
    if row_kind(row) not in {"pair", "messages"}:
        raise InputError(where, "row", "is no preference pair as those before it", "keep pairs in a file of their own")
    given = {"messages": row["messages"], **{key: media_given(row, key) for key in MEDIA}}
    rejected = _rejected(row, given, where)
    chosen = _side(given, "", "messages", where)
    written_as = "rejected_messages" if row.get("rejected_response") is None else "rejected_response"
    rejected = _side(rejected, "rejected_", written_as, where)
    if _content(chosen) == _content(rejected):
        raise InputError(where, "rejected", "has the chosen side's text and media", "remove the pair")
    language = row.get("language")
    if language is not None and language not in tuple(INSTRUCTIONS):
        raise InputError(where, "language", f"is {quoted(language)}", "use zh or en, or leave it out")
    name = row.get("kind")
    if name is not None and not isinstance(name, str):
        raise InputError(where, "kind", f"is {kind(name)}, not a string", "name how the pair was made, or leave it out")
    return {
        "id": asked_id(row, where),
        "language": language,
        "channel": consistency_of(row, where, options),
        "margin": _margin(row, where, options),
        **chosen,
        **{f"rejected_{key}": value for key, value in rejected.items()},
    }


def _rejected(row: dict[str, Any], chosen: dict[str, Any], where: str) -> dict[str, Any]:
    """The rejected side written out, with its turns and its media."""
    answer, messages = row.get("rejected_response"), row.get("rejected_messages")
    if answer is not None and messages is not None:
        raise InputError(where, "rejected_response", "stands beside rejected_messages", "keep one of them")
    media = {key: row.get(f"rejected_{key}") for key in MEDIA}
    if messages is not None:
        return {"messages": messages, **{key: media_given({key: value}, key) for key, value in media.items()}}
    if answer is None:
        raise InputError(where, "rejected_response", "is missing", "write the rejected answer")
    if not isinstance(answer, str):
        raise InputError(where, "rejected_response", f"is {kind(answer)}, not a string", "write the answer's text")
    for key, value in media.items():
        if value is not None:
            raise InputError(
                where, f"rejected_{key}", "stands beside rejected_response", "write the turns in rejected_messages"
            )
    prompt = row["messages"][:-1] if isinstance(row["messages"], list) else []
    return {**chosen, "messages": [*prompt, {"role": "assistant", "content": answer}]}


def _side(side: dict[str, Any], prefix: str, field: str, where: str) -> dict[str, Any]:
    """One side as ms-swift takes it, after a look at its turns and clips."""
    check_messages(side["messages"], where, field)
    check_answer(side["messages"], where, field)
    found = one_side(side["messages"], {key: side[key] for key in MEDIA}, where, field, prefix)
    pictures = any(not isinstance(turn["content"], str) for turn in found["messages"])
    if not pictures and not any(found[key] for key in MEDIA):
        problem = f"no video and no audio for the {'rejected' if prefix else 'chosen'} side"
        raise InputError(where, f"{prefix}videos", problem, f"give them in {prefix}videos and {prefix}audios")
    return found


def check_answer(messages: list[dict[str, Any]], where: str, field: str = "messages") -> None:
    """Check that turns end with an answer that can be learnt, to a question.

    Raises:
        InputError: they do not, or the answer holds what the model would read as something else.
    """
    *before, last = messages
    answer = last["content"]
    if last["role"] != "assistant":
        raise InputError(where, field, f"ends with a turn of the {last['role']}", "end with the assistant's answer")
    if not any(turn["role"] == "user" for turn in before):
        raise InputError(where, field, "has no user turn", "put the question before the answer")
    if not isinstance(answer, str) or not answer.strip():
        raise InputError(where, field, "ends with an empty answer", "write the answer as a string, or remove the pair")
    markup = reserved_markup(answer)
    if markup:
        problem = f"has an answer with {markup}, which the model would read as a clip or a control token"
        raise InputError(where, field, problem, "write it in another way, or remove the pair")


def _content(side: dict[str, Any]) -> tuple[Any, ...]:
    """All that a model is shown of one side."""
    turns = [(turn["role"], turn["content"]) for turn in side["messages"]]
    texts = [(role, text.strip() if isinstance(text, str) else text) for role, text in turns]
    return texts, *(side[key] for key in MEDIA)


def consistency_of(row: Mapping[str, Any], where: str, options: Options) -> str | None:
    """Return the consistency that a pair's row gives.

    Raises:
        InputError: it is no such word, stands in another column, or is missing though an option needs it.
    """
    if row.get("channel") is not None:
        raise InputError(where, "channel", "stands in a pair, where it is not used", "write it as consistency")
    given = row.get("consistency")
    if given is None and "consistency" in options.needs:
        problem = f"is missing, which {options.needs['consistency']} needs"
        raise InputError(where, "consistency", problem, f"add it, or unset {options.needs['consistency']}")
    if given is not None and (not isinstance(given, str) or given not in CODES):
        raise InputError(where, "consistency", f"is {quoted(given)}", f"use one of {', '.join(CODES)}")
    return given


def _margin(row: dict[str, Any], where: str, options: Options) -> float | None:
    scores, margin = row.get("scores"), row.get("margin")
    if scores is None and margin is None:
        if "scores" in options.needs:
            problem = f"are missing, which {options.needs['scores']} needs"
            raise InputError(where, "scores", problem, f"add them, or unset {options.needs['scores']}")
        return None
    if scores is not None and margin is not None:
        raise InputError(where, "margin", "stands beside scores", "keep one of them")
    if scores is None:
        gap = _number(margin, "margin", where)
        if gap <= 0:
            raise InputError(where, "margin", f"is {gap:g}", "the chosen answer's score must be the higher one")
        return gap
    if not isinstance(scores, dict):
        raise InputError(where, "scores", f"is {kind(scores)}", 'write {"chosen": ..., "rejected": ...}')
    chosen, rejected = (_number(scores.get(side), f"scores.{side}", where) for side in ("chosen", "rejected"))
    if rejected >= chosen:
        problem = f"rejects an answer of {rejected:g} for one of {chosen:g}"
        raise InputError(where, "scores", problem, "the chosen answer's score must be the higher one")
    return chosen - rejected if "scores" in options.needs else None


def _number(value: Any, field: str, where: str) -> float:
    if value is None:
        raise InputError(where, field, "is missing", "write a number")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        found = str(value) if isinstance(value, float) else kind(value)
        raise InputError(where, field, f"is {found}", "write a finite number")
    return float(value)

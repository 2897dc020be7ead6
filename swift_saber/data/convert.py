"""One row in, one ms-swift row out: a SABER record becomes a question and its evidence-first answer.

Needs no ms-swift, so it can be read, tested and timed alone.
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

from swift_saber.data.rows import media_list, resolve_media, row_id
from swift_saber.errors import InputError
from swift_saber.sed.layout import INSTRUCTIONS, ORDERS, Order, render, reserved_markup
from swift_saber.sed.record import DIMENSIONS, RECORD_KEYS, Row
from swift_saber.text.strict_json import dumps

# Raised whenever the same row would be converted to something else: it is part of the cache's name.
FORMAT_VERSION = 1
# How much of a file decides what it is, in bytes: hundreds of rows, and nothing beside a large file.
HEAD_BYTES = 1 << 20
# A variable that holds one of these, in any case, is on for ms-swift (transformers' strtobool).
TRUE_WORDS = frozenset({"y", "yes", "t", "true", "on", "1"})
MEDIA_KEYS = frozenset({"videos", "audios", "video", "audio"})
ROLES = {"system", "user", "assistant", "tool", "tool_call", "tool_response"}
_REJECTED = {"rejected_messages", "rejected_response"}
# What would change the training if it were not dropped beside a record.
_BESIDE_MESSAGES = _REJECTED | {"image", "images", "margin", "rejected_videos", "rejected_audios"}
_BESIDE_MESSAGES |= {"positive_messages", "negative_messages"}
# A row with one of these is in a format that ms-swift's own loader knows and this one does not.
_STOCK_COLUMNS = _BESIDE_MESSAGES | {"system", "query", "response", "instruction", "input", "output", "prompt", "text"}
_STOCK_COLUMNS |= {"conversation", "conversations", "history", "tools", "objects", "label", "solution"}
_STOCK_COLUMNS |= {"teacher_prompt", "chat_template_kwargs"}
# What makes a pair of messages one of ours, and all of ms-swift's further columns that it may have.
_PAIR_MARKS = {"consistency", "scores", "kind", "rejected_videos", "rejected_audios"}
_PAIR_COLUMNS = _REJECTED | _PAIR_MARKS | {"margin"}
# What stands before an object: the bracket that opens an array, the comma between two, line breaks.
_BEFORE_OBJECT = re.compile(r"[\s,\[]*(?=\{)")


def leading_rows(path: str | os.PathLike[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, object) for the JSON objects in the first HEAD_BYTES of a file; no more of it is read.

    They stand one a line, in one array, or alone. What is not JSON ends them, so other files yield nothing.
    """
    with open(path, "rb") as file:
        text = file.read(HEAD_BYTES).decode("utf-8-sig", errors="replace")
    decoder, line, end = json.JSONDecoder(), 1, 0
    while before := _BEFORE_OBJECT.match(text, end):
        start = before.end()
        line += text.count("\n", end, start)
        try:
            row, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            return
        yield line, row
        line += text.count("\n", start, end)


def is_record(row: dict[str, Any]) -> bool:
    """Whether a row is a SABER record beyond doubt; one of its keys alone may be the column of another dataset."""
    return "messages" not in row and len(RECORD_KEYS & row.keys()) > 1


def row_kind(row: dict[str, Any]) -> str | None:
    """Return "messages", "pair", "record" or "question" for a row that is read here, None for one that ms-swift reads.

    messages: an ms-swift row; pair: messages, and an answer that is rejected for their last one (saber_pairs.py);
    record: a SABER record; question: media alone, to be asked about.
    """
    if "messages" in row:
        first = next(iter(row["messages"]), None) if isinstance(row["messages"], list) else None
        other_dialect = isinstance(first, dict) and "role" not in first  # e.g. {"from": ..., "value": ...}
        stock = _STOCK_COLUMNS & row.keys()
        # A pair of texts without a clip is ms-swift's own.
        if stock & _REJECTED and stock <= _PAIR_COLUMNS and row.keys() & (_PAIR_MARKS | MEDIA_KEYS):
            return None if other_dialect else "pair"
        return None if stock or other_dialect else "messages"
    stock = _STOCK_COLUMNS & row.keys()
    if is_record(row) or (RECORD_KEYS & row.keys() and not stock):
        return "record"
    return None if stock or not MEDIA_KEYS & row.keys() else "question"


def answer_order() -> Order:
    """The order of evidence in training answers: SABER_ORDER, "released" (the default) or "figure".

    Raises:
        InputError: the variable holds another word.
    """
    wanted = os.environ.get("SABER_ORDER", "released")
    for order in ORDERS:
        if order == wanted:
            return order
    raise InputError("environment", "SABER_ORDER", f"is {wanted!r}", f"use one of {', '.join(ORDERS)}")


def to_swift_row(row: dict[str, Any], where: str, order: Order = "released") -> dict[str, Any]:
    """Return the columns that ms-swift trains or infers on.

    Args:
        row: a row of any kind but "pair". Messages pass through as they are.
        where: "file:line" or a clip id, for errors.
        order: "released" or "figure": the order of the evidence in a record's answer.

    Returns:
        {"id", "language", "channel", "messages", "videos", "audios"}; media paths are as written in the row.

    Raises:
        InputError: the row cannot be used: a wrong or missing field, no media, media that are not there, or
            text that ms-swift would take for a clip or a control token.
    """
    kind = row_kind(row)
    if kind is None:
        problem = f"columns {', '.join(sorted(row)) or 'none'} are neither a SABER record nor messages with media"
        raise InputError(where, "row", problem, "keep rows of other formats in a file of their own")
    if kind == "pair":
        problem = "is a preference pair, for `swift rlhf` alone"
        raise InputError(where, "row", problem, "keep pairs in a file of their own")
    channel = row.get("channel")
    if channel is not None and not isinstance(channel, str):
        raise InputError(where, "channel", f"is {channel!r}, not a string", "name the channel or leave it out")
    converted = _from_record(row, where, order) if kind == "record" else _from_question(row, where)
    return {**converted, "id": row_id(row), "channel": channel}


def _from_record(given: dict[str, Any], where: str, order: Order) -> dict[str, Any]:
    if other := sorted(_BESIDE_MESSAGES & given.keys()):
        problem = "stands beside a SABER record, which is trained on alone"
        raise InputError(where, other[0], problem, "remove it, or write the row as messages")
    media = {key: media_list(given, key) for key in ("videos", "audios")}
    row = Row.from_dict({key: value for key, value in given.items() if key not in MEDIA_KEYS} | media, where)
    for dimension in DIMENSIONS:
        if markup := reserved_markup(getattr(row.record, dimension)):
            problem = f"holds {markup}, which the model would read as a clip or a control token"
            raise InputError(where, dimension, problem, "write it in another way, e.g. without the angle brackets")
    videos, audios = media_paths(row.videos, "videos", where), media_paths(row.audios, "audios", where)
    if not videos:
        raise InputError(where, "videos", "no video for the record", "add the clip's path: the answer describes it")
    if not audios and not sound_in_video():
        problem = "no audio for the record, so the model would learn to write of sounds that it cannot hear"
        remedy = "add the sound as a wav file (or set USE_AUDIO_IN_VIDEO=1 to take it from the video)"
        raise InputError(where, "audios", problem, remedy)
    messages = [
        {"role": "user", "content": INSTRUCTIONS[row.language]},
        {"role": "assistant", "content": render(row.record, language=row.language, order=order)},
    ]
    return {"language": row.language, "messages": messages, "videos": videos, "audios": audios}


def _from_question(row: dict[str, Any], where: str) -> dict[str, Any]:
    videos, audios = (media_paths(media_list(row, key), key, where) for key in ("videos", "audios"))
    language = row.get("language")
    if language is not None and language not in INSTRUCTIONS:
        raise InputError(where, "language", f"is {language!r}", "use zh or en, or leave it out")
    messages = row.get("messages")
    if messages is None:
        messages = [{"role": "user", "content": INSTRUCTIONS[language or "zh"]}]
    check_messages(messages, where)
    # Messages without these columns are plain text, which may be mixed in.
    if not videos and not audios and MEDIA_KEYS & row.keys():
        raise InputError(where, "videos", "no video and no audio", "give the clip's files in videos and audios")
    return {"language": language, "messages": messages, "videos": videos, "audios": audios}


def check_messages(messages: Any, where: str, column: str = "messages") -> None:
    """Check that a column holds turns that ms-swift can read.

    Raises:
        InputError: it is no list of turns, a turn has no known role or no content, or a clip in it is not there.
    """
    if not isinstance(messages, list) or not messages:
        raise InputError(where, column, "is not a list of turns", 'write [{"role": "user", "content": ...}]')
    for number, message in enumerate(messages):
        field = f"{column}[{number}]"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise InputError(where, field, "has no known role", f"use one of {', '.join(sorted(ROLES))}")
        content = message.get("content")
        if isinstance(content, list):
            for part in content:
                _check_part(part, where, field)
        elif not isinstance(content, str):
            raise InputError(where, field, "has no content", "write the turn's text as a string")
    try:
        dumps(messages).encode("utf-8")
    except ValueError as error:
        raise InputError(where, column, f"cannot be written as UTF-8 ({error})", "correct the text") from error


def _check_part(part: Any, where: str, field: str) -> None:
    """Check one part of a turn in OpenAI's form, {"type": "video", "video": PATH} or {"type": "text", "text": ...}."""
    kind = part.get("type") if isinstance(part, dict) else None
    value = part.get(kind) if isinstance(kind, str) else None
    if kind == "text" and isinstance(value, str):
        return
    if kind not in {"image", "video", "audio", "image_url", "video_url", "audio_url"} or value is None:
        remedy = 'write {"type": "text", "text": ...} or {"type": "video", ...}'
        raise InputError(where, field, "has a part of no known type", remedy)
    resolve_media(value.get("url") if isinstance(value, dict) else value, where, field)


def media_paths(paths: Any, field: str, where: str) -> list[str]:
    """Return the paths as written, after a look at each file.

    Raises:
        InputError: as resolve_media.
    """
    for path in paths:
        resolve_media(path, where, field)
    return list(paths)


def sound_in_video() -> bool:
    """Whether ms-swift takes the sound from the video file (USE_AUDIO_IN_VIDEO), so that no sound file is needed."""
    return os.environ.get("USE_AUDIO_IN_VIDEO", "").lower() in TRUE_WORDS

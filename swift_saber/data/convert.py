"""One row in, one ms-swift row out: a SABER record becomes a question and its evidence-first answer.

Needs no ms-swift, so it can be read, tested and timed alone.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from swift_saber.data.rows import asked_id, media_given, media_list, resolve_media
from swift_saber.data.turns import PARTS, path_as_words, tags_too_many, taken_out
from swift_saber.errors import InputError, quoted
from swift_saber.media.deadline import clip_seconds, within
from swift_saber.media.read import reason
from swift_saber.media.settings import takes_sound
from swift_saber.media.sound import has_sound
from swift_saber.sed.layout import INSTRUCTIONS, ORDERS, Order, render, reserved_markup
from swift_saber.sed.record import DIMENSIONS, RECORD_KEYS, Row
from swift_saber.text.files import check_utf8
from swift_saber.text.strict_json import dumps

# Raised whenever the same row would be converted to something else: it is part of the cache's name.
FORMAT_VERSION = 2
# How much of a file decides what it is, in bytes: hundreds of rows, and nothing beside a large file.
HEAD_BYTES = 1 << 20
# A variable that holds one of these, in any case, is on for ms-swift (transformers' strtobool).
TRUE_WORDS = frozenset({"y", "yes", "t", "true", "on", "1"})
MEDIA_KEYS = frozenset({"videos", "audios", "video", "audio"})
ROLES = ("assistant", "system", "tool", "tool_call", "tool_response", "user")
_REJECTED = {"rejected_messages", "rejected_response"}
# What would change the training if it were not dropped beside a record.
_BESIDE_MESSAGES = _REJECTED | {"image", "images", "margin", "rejected_videos", "rejected_audios"}
_BESIDE_MESSAGES |= {"positive_messages", "negative_messages"}
# What changes what ms-swift makes of messages, and only its own loader knows: a row that says something there is its.
STOCK_COLUMNS = _BESIDE_MESSAGES | {"system", "system_prompt", "tools", "objects", "teacher_prompt"}
STOCK_COLUMNS |= {"chat_template_kwargs"}
# Where a row without messages has its question or its answer. Beside messages they are further columns, as are at any
# time "input", "text", "history", "label" and "solution", of which none makes a question alone.
_STOCK_QUESTIONS = STOCK_COLUMNS | {"query", "response", "instruction", "output", "prompt"}
_STOCK_QUESTIONS |= {"conversation", "conversations"}
# A column that says nothing: tables give every row every column.
_NOTHING: tuple[Any, ...] = (None, "", [], {})
# What makes a pair of messages one of ours, and all of ms-swift's further columns that it may have.
_PAIR_MARKS = {"consistency", "scores", "kind", "rejected_videos", "rejected_audios"}
_PAIR_COLUMNS = _REJECTED | _PAIR_MARKS | {"margin"}
_TAGS = "write one tag for each clip, or none"
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
    stock = _stock_columns(row)
    if "messages" in row:
        first = next(iter(row["messages"]), None) if isinstance(row["messages"], list) else None
        other_dialect = isinstance(first, dict) and "role" not in first  # e.g. {"from": ..., "value": ...}
        # A pair of texts without a clip is ms-swift's own.
        if stock & _REJECTED and stock <= _PAIR_COLUMNS and row.keys() & (_PAIR_MARKS | MEDIA_KEYS):
            return None if other_dialect else "pair"
        return None if stock or other_dialect else "messages"
    if is_record(row) or (RECORD_KEYS & row.keys() and not stock):
        return "record"
    return None if stock or not MEDIA_KEYS & row.keys() else "question"


def _stock_columns(row: dict[str, Any]) -> set[str]:
    """The columns that say something to ms-swift's own loader alone."""
    stock = STOCK_COLUMNS if "messages" in row else _STOCK_QUESTIONS
    return {
        key for key in stock & row.keys() if row[key] is not None and (key in _REJECTED or row[key] not in _NOTHING)
    }


def no_question(row: dict[str, Any], where: str) -> InputError:
    """Return why a row that row_kind gives None for is not asked, with the columns that are to blame."""
    remedy = 'write {"videos": [...], "audios": [...]}, with messages for a question of your own'
    if stock := sorted(_stock_columns(row)):
        problem = "is a column of ms-swift's own formats, of which none is asked here"
        return InputError(where, stock[0], problem, f"remove {', '.join(stock)}, or {remedy}")
    if "messages" in row:
        return InputError(where, "messages", "are turns without roles", 'write [{"role": "user", "content": ...}]')
    return InputError(where, "row", "is no question: it names no clip", remedy)


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
        {"id", "language", "channel", "messages", "videos", "audios"}: absolute paths, those of the files that were
        looked at, also of clips that stood in turns (turns.py). audios is None where the row does not say and the sound
        inside its videos counts, which is for those to find who decode them.

    Raises:
        InputError: the row cannot be used: a wrong or missing field, no media, media that are not there, or
            text that ms-swift would take for a clip or a control token.
    """
    kind = row_kind(row)
    if kind is None:
        problem = f"columns {_few(sorted(row))} are neither a SABER record nor messages with media"
        raise InputError(where, "row", problem, "keep rows of other formats in a file of their own")
    if kind == "pair":
        problem = "is a preference pair, for `swift rlhf` alone"
        raise InputError(where, "row", problem, "keep pairs in a file of their own")
    channel = row.get("channel")
    if channel is not None:
        if not isinstance(channel, str):
            raise InputError(
                where, "channel", f"is {quoted(channel)}, not a string", "name the channel or leave it out"
            )
        check_utf8(channel, "channel", where)
    converted = _from_record(row, where, order) if kind == "record" else _from_question(row, where)
    return {**converted, "id": asked_id(row, where), "channel": channel}


def _few(columns: Sequence[str]) -> str:
    """Their names, as far as a message has room for them."""
    more = f" and {len(columns) - 20} more" if len(columns) > 20 else ""
    return (", ".join(name[:40] for name in columns[:20]) or "none") + more


def training_row(row: dict[str, Any], where: str, order: Order = "released") -> dict[str, Any]:
    """Return what to_swift_row does, with the sound of a record found: what it says of voices must be heard.

    Raises:
        InputError: as to_swift_row and with_sound, or a video in which a sound is looked for cannot be opened.
    """
    import av

    converted = to_swift_row(row, where, order)
    kind = row_kind(row)
    if converted["audios"] is not None or kind != "record":  # others are heard when they are encoded
        return converted
    try:
        audios = [video for video in converted["videos"] if within(clip_seconds(), has_sound, video)]
    except (av.error.FFmpegError, OSError, ValueError) as error:
        problem = f"{', '.join(converted['videos'])}: the sound cannot be read ({reason(error)})"
        raise InputError(where, "videos", problem, "re-encode the clip, or remove the row") from error
    return with_sound(converted, audios, kind, where)


def _from_record(given: dict[str, Any], where: str, order: Order) -> dict[str, Any]:
    if other := sorted(key for key in _BESIDE_MESSAGES & given.keys() if given[key] not in _NOTHING):
        problem = "stands beside a SABER record, which is trained on alone"
        raise InputError(where, other[0], problem, "remove it, or write the row as messages")
    media = {key: media_list(given, key) for key in ("videos", "audios")}
    row = Row.from_dict({key: value for key, value in given.items() if key not in MEDIA_KEYS} | media, where)
    for dimension in DIMENSIONS:
        if markup := reserved_markup(getattr(row.record, dimension)):
            problem = f"holds {markup}, which the model would read as a clip or a control token"
            raise InputError(where, dimension, problem, "write it in another way, e.g. without the angle brackets")
    videos = media_paths(row.videos, "videos", where)
    if not videos:
        raise InputError(where, "videos", "no video for the record", "add the clip's path: the answer describes it")
    audios = None
    if media_given(given, "audios") is not None or not hears_videos():
        audios = media_paths(row.audios, "audios", where)
        if not audios and not sound_in_video():
            raise _no_sound(where)
    messages = [
        {"role": "user", "content": INSTRUCTIONS[row.language]},
        {"role": "assistant", "content": render(row.record, language=row.language, order=order)},
    ]
    return {"language": row.language, "messages": messages, "videos": videos, "audios": audios}


def _no_sound(where: str) -> InputError:
    problem = "no audio for the record, so the model would learn to write of sounds that it cannot hear"
    remedy = "add the sound as a wav file (or set USE_AUDIO_IN_VIDEO=1 to take it from the video)"
    return InputError(where, "audios", problem, remedy)


def with_sound(row: dict[str, Any], audios: Sequence[str], kind: str | None, where: str) -> dict[str, Any]:
    """Return a row whose audios were None with the sound that was found inside its videos.

    Args:
        row: as to_swift_row returns it.
        audios: those of its videos that have a sound (media.sound.inside).
        kind: what row_kind says of it.
        where: names the row.

    Raises:
        InputError: it is a record, and there is none; or there are more tags for sounds than sounds.
    """
    if kind == "record" and not audios:
        raise _no_sound(where)
    if too_many := tags_too_many(row["messages"], {"videos": len(row["videos"]), "audios": len(audios)}):
        raise InputError(where, "messages", too_many, _TAGS)
    return {**row, "audios": list(audios)}


def _from_question(row: dict[str, Any], where: str) -> dict[str, Any]:
    language = row.get("language")
    if language is not None and language not in tuple(INSTRUCTIONS):  # which may be anything, a list too
        raise InputError(where, "language", f"is {quoted(language)}", "use zh or en, or leave it out")
    messages = row.get("messages")
    if messages is None:
        messages = [{"role": "user", "content": INSTRUCTIONS[language or "zh"]}]
    asked = one_side(messages, {key: media_given(row, key) for key in ("videos", "audios")}, where)
    # Messages without these columns are plain text, which may be mixed in.
    if not asked["videos"] and not asked["audios"] and MEDIA_KEYS & row.keys():
        raise InputError(where, "videos", "no video and no audio", "give the clip's files in videos and audios")
    return {"language": language, **asked}


def one_side(
    messages: Any, media: Mapping[str, list[Any] | None], where: str, column: str = "messages", prefix: str = ""
) -> dict[str, Any]:
    """Return turns and the clips that they speak of, after a look at each.

    Args:
        messages: the turns, as they stand in a row.
        media: "videos" and "audios", None where the row does not say.
        where: names the row.
        column: where the turns stand.
        prefix: what stands before the names of the columns of media.

    Returns:
        {"messages", "videos", "audios"} as to_swift_row has them.

    Raises:
        InputError: the turns cannot be read, a clip is not there, or stands where ms-swift does not look for it.
    """
    check_messages(messages, where, column)
    turns, in_turns = taken_out(messages)
    found: dict[str, Any] = {"messages": turns}
    for key, given in media.items():
        if given and in_turns[key]:
            raise InputError(where, column, f"holds {key}, which stand in {prefix}{key} too", "name each in one place")
        found[key] = media_paths(given or in_turns[key], column if in_turns[key] else f"{prefix}{key}", where)
    media_paths(in_turns["images"], column, where)
    if media["audios"] is None and not in_turns["audios"] and found["videos"] and hears_videos():
        found["audios"] = None
    counts = {key: len(found["videos"] if found[key] is None else found[key]) for key in media}
    if too_many := tags_too_many(turns, counts):
        raise InputError(where, column, too_many, _TAGS)
    return found


def check_messages(messages: Any, where: str, column: str = "messages") -> None:
    """Check that a column holds turns that ms-swift can read.

    Raises:
        InputError: as check_turns, a clip stands in a turn's words, or half a character does.
    """
    check_turns(messages, where, column)
    for number, message in enumerate(messages):
        if message["role"] != "assistant" and (words := path_as_words(message)):
            problem, kind = f"holds {words}, which ms-swift does not read", words[1:6]
            remedy = f"write <{kind}> there, and the path in the column {kind}s"
            raise InputError(where, f"{column}[{number}]", problem, remedy)
    try:
        dumps(messages).encode("utf-8")
    except ValueError as error:
        raise InputError(where, column, f"cannot be written as UTF-8 ({error})", "correct the text") from error


def check_turns(messages: Any, where: str, column: str = "messages") -> None:
    """Check that a column holds turns in a form that ms-swift knows, whatever their texts are.

    Raises:
        InputError: it is no list of turns, or a turn has no known role or no content.
    """
    if not isinstance(messages, list) or not messages:
        raise InputError(where, column, "is not a list of turns", 'write [{"role": "user", "content": ...}]')
    for number, message in enumerate(messages):
        field = f"{column}[{number}]"
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise InputError(where, field, "has no known role", f"use one of {', '.join(ROLES)}")
        content = message.get("content")
        if isinstance(content, list):
            for part in content:
                _check_part(part, where, field)
        elif not isinstance(content, str):
            raise InputError(where, field, "has no content", "write the turn's text as a string")


def _check_part(part: Any, where: str, field: str) -> None:
    """Check one part of a turn in OpenAI's form, {"type": "video", "video": PATH} or {"type": "text", "text": ...}."""
    kind = part.get("type") if isinstance(part, dict) else None
    value = part.get(kind) if isinstance(kind, str) else None
    if kind == "text" and isinstance(value, str):
        return
    if value is None or kind not in PARTS:
        remedy = 'write {"type": "text", "text": ...} or {"type": "video", ...}'
        raise InputError(where, field, "has a part of no known type", remedy)


def media_paths(paths: Any, field: str, where: str) -> list[str]:
    """Return the absolute paths of files, after a look at each.

    Raises:
        InputError: as resolve_media.
    """
    return [resolve_media(path, where, field) for path in paths]


def sound_in_video() -> bool:
    """Whether ms-swift takes the sound from the video file (USE_AUDIO_IN_VIDEO), so that no sound file is needed."""
    return os.environ.get("USE_AUDIO_IN_VIDEO", "").lower() in TRUE_WORDS


def hears_videos() -> bool:
    """Whether the sound inside a row's videos is taken where the row says nothing of sound.

    Raises:
        InputError: SABER_SOUND holds another word than it may.
    """
    return takes_sound(os.environ) and not sound_in_video()

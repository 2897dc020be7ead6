"""What a question about a clip is, wherever one is asked: its turns, its words, and what tells it from another one."""

import hashlib
import os
import re
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from swift_saber.data.convert import check_turns
from swift_saber.data.rows import media_given, media_list, media_path, response_of
from swift_saber.data.turns import taken_out
from swift_saber.errors import InputError
from swift_saber.media.check import Heard, hear_clips
from swift_saber.sed.layout import INSTRUCTIONS
from swift_saber.text.language import text_language

K = TypeVar("K")

#: A row's keys of its clips, each with the tag that stands in a turn for one.
MODALITIES = {"videos": "<video>", "audios": "<audio>"}

#: What is said, once, where a question is asked with sound that its row does not name.
INSIDE = 'names no sound, so that inside its video is taken, here and in further rows ("audios": [] is none'

_MEDIA_TAG = re.compile(r"<(?:image|video|audio)>")
_CHECK_SECONDS = 60.0
# Rows of data with a task are asked in a few ways; of more ways than these, none is what a model was trained with.
_MOST_INSTRUCTIONS = 20


def asked(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row's turns without the answers that stand at their end, as `swift infer` asks them."""
    turns = list(messages)
    while turns and turns[-1].get("role") == "assistant":
        turns.pop()
    return turns


def digest(row: Mapping[str, Any]) -> bytes:
    """Return all of a question, or of a row with its answer, that an answer depends on, in 16 bytes.

    The same for all ways to name a file: by its path from here, by its absolute one, in a column or in a turn.

    Args:
        row: audios may be None beside videos: whether they have sound is not known yet, or none was found.
    """
    turns, in_turns = taken_out(asked(row["messages"]))
    media = {key: [media_path(path) for path in media_list(row, key) or in_turns[key]] for key in MODALITIES}
    unsaid = bool(media["videos"]) and not in_turns["audios"] and media_given(row, "audios") is None
    shown = [turns, media["videos"], None if unsaid else media["audios"]]
    return hashlib.blake2b(repr(shown).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def is_relative(row: Mapping[str, Any]) -> bool:
    """Whether a clip of a question, or of a row with its answer, is looked up in a folder that no row names."""
    _, in_turns = taken_out(asked(row["messages"]))
    paths = [*in_turns["images"], *(path for key in MODALITIES for path in media_list(row, key) or in_turns[key])]
    return not all(os.path.isabs(path) for path in paths)


def clips_of(row: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the "videos" and "audios" of a question, or of a row with its answer, as written: from its columns, else
    from its turns.
    """
    in_turns = taken_out(row.get("messages") or []).media
    return {key: media_list(row, key) or in_turns[key] for key in MODALITIES}


def check_result(row: Mapping[str, Any], where: str) -> None:
    """See that a row of a result file says what was asked, so that it has a digest, and what was answered.

    Raises:
        InputError: it has no answer, no turns, or what is no path in the place of one.
    """
    response_of(row, where)
    check_turns(row.get("messages"), where)
    for key, in_turns in taken_out(row["messages"]).media.items():
        columns = media_list(row, key) if key in MODALITIES else []
        if not all(isinstance(path, str) for path in (*columns, *in_turns)):
            raise InputError(where, key, "are not paths", "give the result file of an inference")


def instruction(row: Mapping[str, Any]) -> str:
    """Return the words that a row's last user turn asks in: without media tags, and as the plugin fills a blank one.

    Args:
        row: "messages", and "language" where it has one; else the language is that of the answer, or Chinese.
    """
    turns = {turn["role"]: turn["content"] for turn in row["messages"]}  # the last of each role
    content = turns.get("user", "")
    if not isinstance(content, str):
        content = "\n".join(part["text"] for part in content if part.get("type") == "text")
    answer = turns.get("assistant")
    language = row.get("language") or (text_language(answer) if isinstance(answer, str) else None) or "zh"
    return _MEDIA_TAG.sub("", content).strip() or INSTRUCTIONS[language]


def instructions(rows: Iterable[Mapping[str, Any]]) -> list[str] | None:
    """Return the instructions that rows with clips ask in, or None where they are too many to be instructions."""
    found = {instruction(row) for row in rows if row.get("videos") or row.get("audios")}
    return sorted(found) if len(found) <= _MOST_INSTRUCTIONS else None


def readable(
    rows: Iterable[tuple[K, Mapping[str, Any]]],
) -> Generator[tuple[K, Heard], None, None]:
    """Yield (key, what was found of its media) for each (key, row) in the order given.

    Clips are checked in a few processes ahead of what is asked for, so that a model need not wait. SABER_MEDIA_ROOT
    names the folder that they must lie in.

    Args:
        rows: as convert.to_swift_row returns them, or {} for one that has no media.
    """
    root = os.environ.get("SABER_MEDIA_ROOT") or None
    clips = ((key, all_media(row)) for key, row in rows)
    return hear_clips(clips, workers=min(4, os.cpu_count() or 1), limit=_CHECK_SECONDS, root=root)


def all_media(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the "videos", "audios" and "images" of a row that is as convert.to_swift_row returns it."""
    pictures = taken_out(row.get("messages") or []).media["images"]
    return {**{key: row.get(key, []) for key in MODALITIES}, "images": [media_path(path) for path in pictures]}


def without(question: dict[str, Any], modality: str) -> dict[str, Any] | None:
    """Return the question with one modality taken out, or None where that changes nothing or leaves no clip.

    Args:
        question: a row of text turns with videos and audios.
        modality: "videos" or "audios".
    """
    other = next(key for key in MODALITIES if key != modality)
    if not question[modality] or not question[other]:
        return None
    turns = [{**turn, "content": turn["content"].replace(MODALITIES[modality], "")} for turn in question["messages"]]
    return {**question, modality: [], "messages": turns}

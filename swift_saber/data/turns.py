"""Clips that stand in turns and not in columns: the forms that ms-swift reads, brought into the one of columns.

ms-swift takes {"type": "video", "video": PATH} and {"type": "video_url", "video_url": {"url": PATH}} out of a turn when
it encodes it, and <img>PATH</img> out of its text; <video>PATH</video> and <audio>PATH</audio> it leaves as words.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from swift_saber.data.rows import media_path

#: What stands in a turn for a clip, by the column that names it.
TAGS = {"videos": "<video>", "audios": "<audio>", "images": "<image>"}
#: The types of a part of a turn, but for "text"; each has what it names under its own type.
PARTS = {"image": "images", "video": "videos", "audio": "audios"}
PARTS |= {f"{kind}_url": column for kind, column in PARTS.items()}

_PICTURE = re.compile(r"<img>(.+?)</img>")
_WORDS = re.compile(r"<(video|audio)>[^<>\n]+</\1>")


class Turns(NamedTuple):
    """Turns with the clips that stood in them.

    Attributes:
        messages: the turns; a string each, but for one with a picture as a part.
        media: "videos", "audios" and "images": the paths as written. Pictures stay where they are, since our rows have
            no column for them, under their absolute paths.
    """

    messages: list[dict[str, Any]]
    media: dict[str, list[Any]]


def taken_out(messages: Sequence[Mapping[str, Any]]) -> Turns:
    """Return turns as ms-swift makes them before it encodes: a tag for each part, and the clips beside.

    Args:
        messages: turns that convert.check_messages passes; they stay as they are.
    """
    media: dict[str, list[Any]] = {column: [] for column in TAGS}
    turns = [{**turn, "content": _content(turn["content"], media)} for turn in messages]
    if not media["images"]:
        for number, turn in enumerate(turns):
            if isinstance(turn["content"], str) and (number or turn["role"] != "system"):
                media["images"] += pictures_in(turn["content"])
                turn["content"] = _PICTURE.sub(lambda found: f"<img>{media_path(found[1])}</img>", turn["content"])
    return Turns(turns, media)


def pictures_in(text: str) -> list[str]:
    """Return the paths of the pictures that a turn's words name, as ms-swift looks for them."""
    return _PICTURE.findall(text)


def clip_of(part: Any) -> tuple[str, Any] | None:
    """Return (column, path as written) of the clip that a part of a turn names; None for a part of another form."""
    kind = part.get("type") if isinstance(part, dict) else None
    column = PARTS.get(kind) if isinstance(kind, str) else None
    if column is None:
        return None
    value = part.get(kind)
    return column, value.get("url") if isinstance(value, dict) else value


def answer_of(messages: Any) -> str | None:
    """Return the answer that turns end with, None where they have none."""
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict) or last.get("role") != "assistant":
        return None
    return last["content"] if isinstance(last.get("content"), str) else None


def _content(content: Any, media: dict[str, list[Any]]) -> Any:
    """A turn's content with tags for its clips, which go to `media`."""
    if isinstance(content, str):
        return content
    parts: list[dict[str, Any]] = []
    for part in content:
        column, value = clip_of(part) or (None, part[part["type"]])
        if column is not None:
            media[column].append(value)
        if column == "images":
            parts.append({"type": "image", "image": media_path(value) if isinstance(value, str) else value})
            continue
        text = value if column is None else TAGS[column]
        if parts and parts[-1]["type"] == "text":
            parts[-1]["text"] += text
        else:
            parts.append({"type": "text", "text": text})
    if any(part["type"] != "text" for part in parts):
        return parts
    return "".join(part["text"] for part in parts)


def texts(turn: Mapping[str, Any]) -> list[str]:
    """Return what a turn says in words."""
    content = turn["content"]
    return [content] if isinstance(content, str) else [part["text"] for part in content if part["type"] == "text"]


def path_as_words(turn: Mapping[str, Any]) -> str | None:
    """Return the <video>PATH</video> or <audio>PATH</audio> that stands in a turn, where ms-swift reads no clip."""
    found = next((found for text in texts(turn) if (found := _WORDS.search(text))), None)
    return found[0] if found else None


def tags_too_many(messages: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> str | None:
    """Return which tags stand for no clip, or None; ms-swift would show the model a tag as a word, or fail.

    Args:
        messages: as `taken_out` returns them.
        counts: how many "videos" and "audios" there are. Pictures have a place of their own, so <image> has none.
    """
    # An answer of plain text may speak of such a tag.
    turns = messages if any(counts.values()) else [turn for turn in messages if turn["role"] != "assistant"]
    said = "\n".join(text for turn in turns for text in texts(turn))
    for column, tag in TAGS.items():
        if (number := said.count(tag)) > counts.get(column, 0):
            return f"{number} times {tag} for {counts.get(column, 0)} {column}"
    return None

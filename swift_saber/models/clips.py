"""A clip's files as parts of a user turn, each itself in it or by an address that its server reads.

Both are video_url and audio_url here; forms.py puts what is sent itself into the form that a service takes.
"""

import base64
import mimetypes
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from swift_saber.data.questions import MODALITIES
from swift_saber.data.rows import media_path
from swift_saber.errors import NO_FILE_LEFT, InputError
from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.models.upload import Medium, NoClip, checked

#: "base64": the file itself, as a data URL; every server takes it and needs no access to the file. The sound of a video
#: as a wav, which is smaller and which every server reads.
#: "path": "file:///..." of the absolute path, for vLLM with --allowed-local-media-path.
#: "bare_path": the absolute path, for `swift deploy`, which knows no file:// addresses.
#: "url": an http address, for a server that fetches it; a web server of one's own gives out the folder `root`.
Address = Literal["base64", "path", "bare_path", "url"]

_TYPES = VIDEO_SUFFIXES | AUDIO_SUFFIXES
_TAG = re.compile(r"(<video>|<audio>)")


def clip_parts(
    videos: Sequence[str],
    audios: Sequence[str],
    form: Address = "base64",
    *,
    root: str | None = None,
    base_url: str | None = None,
    made_in: str | os.PathLike[str] | None = None,
) -> list[dict[str, Any]]:
    """Return a clip's files as parts of a user turn.

    Args:
        videos: paths as written in a row, videos first as ms-swift puts them.
        audios: likewise.
        form: how they travel.
        root: for "url", the folder that base_url stands for.
        base_url: for "url", e.g. "http://10.0.0.5:8080/clips".
        made_in: as upload.checked, which every file passes before it or its address goes along.

    Raises:
        InputError: a file cannot be read, or does not lie below root.
        NoClip: a file is not to be sent.
    """
    columns: tuple[tuple[Medium, Sequence[str]], ...] = (("video", videos), ("audio", audios))
    return [
        media_part(medium, _address(path, medium, form, root, base_url, made_in))
        for medium, paths in columns
        for path in paths
    ]


def chat_messages(question: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a question's messages in OpenAI's form, its clips inside as data URLs.

    A clip stands where its <video> or <audio> tag is; those without a tag stand first, as ms-swift puts them.

    Raises:
        InputError: a file cannot be read, or there are more tags than clips.
    """
    parts = {"<video>": clip_parts(question["videos"], []), "<audio>": clip_parts([], question["audios"])}
    tags = Counter(tag for turn in question["messages"] for tag in _TAG.findall(turn["content"]))
    front = ""
    for key, tag in MODALITIES.items():
        missing = len(parts[tag]) - tags[tag]
        if missing < 0:
            problem = f"{tags[tag]} times {tag} for {len(parts[tag])} {key}"
            raise InputError(question["id"], "messages", problem, "write one tag for each clip, or none")
        front += tag * missing
    messages = []
    for turn in question["messages"]:
        text = turn["content"]
        if turn["role"] == "user":
            text, front = front + text, ""
        pieces = [piece for piece in _TAG.split(text) if piece]
        content = [parts[piece].pop(0) if piece in parts else {"type": "text", "text": piece} for piece in pieces]
        messages.append({**turn, "content": content if any(piece in parts for piece in pieces) else text})
    return messages


def media_part(medium: str, url: str) -> dict[str, Any]:
    """Return one file as a part of a user turn.

    Args:
        medium: "video" or "audio".
        url: its address, or the data URL of what it holds.
    """
    return {"type": f"{medium}_url", f"{medium}_url": {"url": url}}


def data_url(data: bytes, kind: str) -> str:
    """Return the data URL of a file's bytes; kind is its media type, e.g. "audio/wav"."""
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _address(
    path: str,
    medium: Medium,
    form: Address,
    root: str | None,
    base_url: str | None,
    made_in: str | os.PathLike[str] | None,
) -> str:
    with checked(path, medium, made_in) as clip:
        if form == "base64":
            if medium == "audio" and clip.suffix.lower() in VIDEO_SUFFIXES:
                return data_url(_sound_of(clip, path), "audio/wav")
            return data_url(clip.read_bytes(), _kind(path, medium))
    path = media_path(path)
    if form == "path":
        return Path(path).as_uri()
    if form == "bare_path":
        return path
    if root is None or base_url is None:
        raise ValueError("an http address needs root and base_url")
    below = os.path.relpath(path, os.path.abspath(root))
    if below.split(os.sep)[0] == os.pardir:
        remedy = "set media.root to the folder that media.base_url stands for"
        raise InputError(path, "media", f"does not lie below {root}", remedy)
    return f"{base_url.rstrip('/')}/{quote(below.replace(os.sep, '/'))}"


def _sound_of(clip: Path, path: str) -> bytes:
    import av

    from swift_saber.media.read import reason
    from swift_saber.media.sound import samples_of, wav

    try:
        return wav(samples_of(str(clip)))
    except (av.error.FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in NO_FILE_LEFT:
            raise
        raise NoClip(path, "sound", reason(error), "re-encode the clip") from error


def _kind(path: str, medium: str) -> str:
    kind = _TYPES.get(Path(path).suffix.lower()) or mimetypes.guess_type(path)[0] or ""  # the latter of rare ones only
    # Not so e.g. the sound of an mp4.
    return kind if kind.startswith(f"{medium}/") else {"video": "video/mp4", "audio": "audio/wav"}[medium]

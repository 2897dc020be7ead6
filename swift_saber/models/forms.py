"""A clip in the form that a service takes.

Questions hold clips as video_url and audio_url parts (clips.py), and are put into the service's form as they are sent:
so a question is the same one, and known again in a log of replies, whichever form it travels in. Only parts that hold
the clip itself, as a data URL, can change their form; an address of a file stays.
"""

import base64
import io
import math
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, Literal, get_args

from swift_saber.errors import NO_FILE_LEFT, InputError
from swift_saber.media.frames import read_frames
from swift_saber.media.read import reason
from swift_saber.media.sound import RATE, samples_of, wav
from swift_saber.models.clips import data_url, media_part
from swift_saber.models.upload import held

#: "base64": the video as a video_url and the sound as an audio_url, as vLLM, SGLang and `swift deploy` read them.
#: "input_audio": the video as a video_url, the sound as OpenAI has it; so OpenRouter.
#: "frames": OpenAI's own schema, which has no video: frames as pictures, each at its time, and the sound beside them;
#: so llama.cpp and Gemini's OpenAI endpoint.
Form = Literal["base64", "input_audio", "frames"]
#: In the order in which they are tried: each loses more of the video, or is read by more services, than the one before.
FORMS: tuple[Form, ...] = get_args(Form)

# Frames a second, at most and at least, as the model is shown them by the published settings and qwen-omni-utils' own.
_FPS, _MOST_FRAMES, _LEAST_FRAMES = 2, 40, 4
_MOST_SIDE = 768  # pixels of the longer side (ours)
_QUALITY = 90  # of a JPEG (ours)
# The kinds of sound that OpenAI's schema knows.
_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}
_SUFFIXES = {"video": ".mp4", "audio": ".wav"}


def in_form(messages: Sequence[Mapping[str, Any]], form: Form) -> list[dict[str, Any]]:
    """Return messages with the clips that they hold in a form.

    Raises:
        InputError: a clip cannot be decoded.
        OSError: no copy can be made of one (the temp folder is full).
    """
    return [
        {**turn, "content": _parts(turn["content"], form)} if isinstance(turn.get("content"), list) else dict(turn)
        for turn in messages
    ]


def media_in(messages: Sequence[Mapping[str, Any]]) -> tuple[frozenset[str], bool]:
    """Return which of "video" and "audio" messages hold as data, and whether they name the address of a file."""
    contents = [turn["content"] for turn in messages if isinstance(turn.get("content"), list)]
    found = [clip for content in contents for part in content if (clip := _clip(part))]
    return frozenset(medium for medium, url in found if _is_data(url)), not all(_is_data(url) for _, url in found)


@cache
def made_clip() -> dict[str, str]:
    """Return the data URLs of a "video" and an "audio" of two seconds that show and say nothing of anybody's."""
    import av
    import numpy as np

    out = io.BytesIO()
    with av.open(out, "w", format="mp4", options={"fflags": "+bitexact"}) as target:
        stream = target.add_stream("libx264", rate=8)
        stream.width = stream.height = 224
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 8)
        for number in range(16):
            picture = np.full((224, 224, 3), 8 * number, np.uint8)
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        target.mux(stream.encode())
    tone = 3000 * np.sin(2 * np.pi * 220 / RATE * np.arange(2 * RATE))
    return {
        "video": data_url(out.getvalue(), "video/mp4"),
        "audio": data_url(wav(tone.astype(np.int16)), "audio/wav"),
    }


def made_question(media: Collection[str]) -> list[dict[str, Any]]:
    """Return a question about such a clip, to find out by whether its form is taken."""
    parts = [media_part(medium, url) for medium, url in made_clip().items() if medium in media]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": "Hello"}]}]


def _parts(content: Sequence[dict[str, Any]], form: Form) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for part in content:
        medium, url = _clip(part) or ("", "")
        if not _is_data(url):
            found.append(part)
        elif medium == "audio" and form != "base64":
            found.append(_input_audio(url))
        elif medium == "video" and form == "frames":
            found += _frames(url)
        else:
            found.append(part)
    return found


def _clip(part: Mapping[str, Any]) -> tuple[str, str] | None:
    """The medium and the address of a part that is a clip."""
    medium = part["type"].removesuffix("_url")
    return (medium, part[part["type"]]["url"]) if medium in _SUFFIXES else None


def _is_data(url: str) -> bool:
    return url.startswith("data:")


def _input_audio(url: str) -> dict[str, Any]:
    """A sound as OpenAI's schema has it: a wav or an mp3 as it is, another kind as a wav of 16 kHz."""
    head, _, data = url.partition(",")
    kind = _FORMATS.get(head.removeprefix("data:").removesuffix(";base64"))
    if kind == "wav":
        start = base64.b64decode(data[:16])
        kind = "wav" if (start[:4], start[8:12]) == (b"RIFF", b"WAVE") else None
    if kind is None:
        data, kind = base64.b64encode(wav(_decoded(url, "audio", samples_of))).decode("ascii"), "wav"
    return {"type": "input_audio", "input_audio": {"data": data, "format": kind}}


def _frames(url: str) -> list[dict[str, Any]]:
    """A video as pictures, with a line before them that says when each is shown."""
    found = _decoded(url, "video", lambda path: read_frames(path, _chosen, change=_jpeg, threads=1))
    times = ", ".join(f"{index / found.fps:.2f}" for index in found.indices)
    pictures = [{"type": "image_url", "image_url": {"url": data_url(jpeg, "image/jpeg")}} for jpeg in found.pixels]
    return [{"type": "text", "text": f"Frames of a video, at {times} s:"}, *pictures]


def _chosen(total: int, fps: float) -> list[int]:
    """Frames at every half second; of a shorter video four, of a longer one forty from its first frame to its last."""
    step = min(fps / _FPS, total / _LEAST_FRAMES)
    if total / step <= _MOST_FRAMES:
        return sorted({min(total - 1, round(number * step)) for number in range(math.ceil(total / step))})
    return [round(number * (total - 1) / (_MOST_FRAMES - 1)) for number in range(_MOST_FRAMES)]


def _jpeg(pixels: Any) -> bytes:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((_MOST_SIDE, _MOST_SIDE))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _decoded(url: str, medium: str, read: Any) -> Any:
    """What a reader of files makes of a data URL's bytes."""
    import av

    with held(base64.b64decode(url.partition(",")[2]), f"clip{_SUFFIXES[medium]}") as path:
        try:
            return read(str(path))
        except (av.error.FFmpegError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in NO_FILE_LEFT:
                raise
            said = error.problem if isinstance(error, InputError) else reason(error)
            raise InputError(medium, "clip", said, "re-encode the clip") from error

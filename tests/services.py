"""Stand-ins of services for tests/llm_server.py: what each takes in a turn by its documentation, and how it refuses.

They look into what comes: a picture has to be one that opens, a sound one that decodes. What each says of a part that
it does not take is as its source or a public report has it, of 2026-11.
"""

import base64
import io
import json
from collections.abc import Callable
from typing import Any

import av
import soundfile
from PIL import Image

from tests.llm_server import Asked, Reply, fails, say, sends

Script = Callable[[Asked], Reply]


class Refused(Exception):
    """Status and message."""


def bytes_of(url: str) -> bytes:
    """What a data URL holds."""
    return base64.b64decode(url.partition(",")[2], validate=True)


def _picture(part: dict[str, Any]) -> None:
    url = part["image_url"]["url"]
    if not url.startswith("data:image/"):
        raise Refused(400, "image_url must be a data URL of an image")
    Image.open(io.BytesIO(bytes_of(url))).load()


def _video(part: dict[str, Any]) -> None:
    url = part["video_url"]["url"]
    if not url.startswith("data:"):
        raise Refused(400, "Cannot load local files without `--allowed-local-media-path`.")
    with av.open(io.BytesIO(bytes_of(url))) as container:
        assert len(list(container.decode(video=0))) > 1


def _sound(part: dict[str, Any]) -> None:
    url = part["audio_url"]["url"]
    if not url.startswith("data:"):
        raise Refused(400, "Cannot load local files without `--allowed-local-media-path`.")
    assert len(soundfile.read(io.BytesIO(bytes_of(url)))[0])


def _input_audio(part: dict[str, Any]) -> None:
    sound = part["input_audio"]
    if sound.keys() != {"data", "format"} or sound["format"] not in ("wav", "mp3"):
        raise Refused(400, "input_audio.format must be either 'wav' or 'mp3'")
    data = io.BytesIO(base64.b64decode(sound["data"], validate=True))
    assert soundfile.info(data).format == sound["format"].upper()


def _nothing(part: dict[str, Any]) -> None:
    pass


def _takes(refusal: str, status: int = 400, **parts: Callable[[dict[str, Any]], None]) -> Script:
    known = {"text": _nothing, **parts}

    def script(asked: Asked) -> Reply:
        try:
            for part in asked.parts:
                if part["type"] not in known:
                    raise Refused(status, refusal.format(part["type"]))
                known[part["type"]](part)
        except Refused as refused:
            code, message = refused.args
            return fails(code, message)
        return say("seen and heard")

    return script


#: The content parts of vLLM's chat_utils.
vllm = _takes("Unknown part type: {}", image_url=_picture, video_url=_video, audio_url=_sound, input_audio=_input_audio)
#: The union of SGLang's protocol, and what ms-swift's `swift deploy` takes out of a turn.
sglang = swift_deploy = _takes(
    "Input tag '{}' found using 'type' does not match any of the expected tags: 'text', 'image_url', 'video_url', "
    "'audio_url'",
    image_url=_picture,
    video_url=_video,
    audio_url=_sound,
)
#: Video as an address or a data URL, sound as data alone.
openrouter = _takes("Invalid input", image_url=_picture, video_url=_video, input_audio=_input_audio)
#: OpenAI's own schema, as Gemini's OpenAI endpoint has it.
openai = _takes(
    "Invalid value: '{}'. Supported values are: 'text', 'image_url', 'input_audio', 'refusal', and 'file'.",
    image_url=_picture,
    input_audio=_input_audio,
)
#: llama-server with a projector for both.
llama_cpp = _takes("unsupported content[].type", image_url=_picture, input_audio=_input_audio)
#: A router none of whose providers takes the medium.
none_of_a_router = _takes("No endpoints found that support input audio", status=404, image_url=_picture)
#: A model of words.
text_only = _takes("this model does not support {} content")


def upstream(script: Script) -> Script:
    """A gateway that passes an upstream refusal on with status 200."""

    def passed_on(asked: Asked) -> Reply:
        reply = script(asked)
        return reply if reply.status == 200 else sends(200, json.loads(reply.body))

    return passed_on

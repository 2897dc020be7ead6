"""One bare clip: its sound is taken out of it, the model is asked, and the answer comes back as a record."""

import os
import tempfile
from pathlib import Path
from typing import Any

from swift_saber.data.convert import to_swift_row
from swift_saber.errors import InputError
from swift_saber.inference.files import record_of
from swift_saber.inference.run import command
from swift_saber.media.check import check_clips
from swift_saber.media.read import first_stream, is_silent, open_media, reason
from swift_saber.media.sound import samples_of, wav
from swift_saber.models.checkpoint import Instructions, loading
from swift_saber.models.clips import clip_parts
from swift_saber.models.endpoint import Endpoint
from swift_saber.models.process import AnswerError, ModelDied, ModelProcess
from swift_saber.text.language import Language

_CHECK_SECONDS = 60.0
_REPLY_SECONDS = 900.0


def analyze(
    clip: str,
    model: str,
    *,
    base_url: str | None = None,
    language: Language = "zh",
    gpu: str = "0",
    max_new_tokens: int = 4096,
) -> dict[str, Any]:
    """Return the analysis of one clip.

    Args:
        clip: a video file with or without sound, or a sound file.
        model: a model folder, a LoRA checkpoint folder, or a hub id; with base_url, the name that the server knows.
        base_url: an OpenAI-compatible address, to which the clip is sent, or None to run the model here.
        language: of the instruction; the released one is Chinese.
        gpu: CUDA_VISIBLE_DEVICES.
        max_new_tokens: the longest answer.

    Returns:
        {"id" (the clip as given), "fields", "found", "missing", "remainder", "response", "notes"}: a record, as
        files.record_of has it, the model's own words, and what the model did not get: the sound or the picture.

    Raises:
        InputError: the clip, the model or the server cannot be used, or there is no answer.
    """
    loaded = loading(model) if base_url is None else None  # before the clip is decoded
    path = os.path.abspath(clip)
    picture, sound = _streams(path, clip)
    with tempfile.TemporaryDirectory() as name:
        media: dict[str, list[str]] = {"videos": [path] if picture else [], "audios": []}
        found = _sound_of(path, Path(name) / "sound.wav") if sound else None
        if found is None and not picture:
            raise InputError(clip, "clip", "is silent from beginning to end", "give a clip with a picture or a voice")
        media["audios"] = [str(found)] if found else []
        given = (0, media["videos"], [] if picture else [path])  # and not our copy of its sound: that lies elsewhere
        root = os.environ.get("SABER_MEDIA_ROOT") or None
        ((_, problem),) = check_clips([given], workers=1, limit=_CHECK_SECONDS, root=root)
        if problem:
            raise InputError(clip, "clip", problem.reason, problem.remedy)
        row = to_swift_row({"id": clip, "language": language, **media}, clip)
        if loaded:
            response = _from_model(row, model, *loaded, gpu, max_new_tokens)
        else:
            endpoint = Endpoint(model, str(base_url), timeout=_REPLY_SECONDS)
            response = _from_server(row, endpoint, max_new_tokens, name)
    silence = "'s sound is silent" if sound else " has no sound"
    notes = [] if media["audios"] else [f"the clip{silence}: only the picture was analysed"]
    notes += [] if picture else ["the clip has no picture: only the sound was analysed"]
    return {**record_of({"id": clip, "response": response}), "response": response, "notes": notes}


def _from_model(
    row: dict[str, Any], model: str, flag: str, settings: dict[str, str], gpu: str, max_new_tokens: int
) -> str:
    Instructions(model).compare(row, row["id"])
    arguments = command(flag, model, ["--max_new_tokens", str(max_new_tokens)])
    handle, log = tempfile.mkstemp(prefix="swift-saber-", suffix=".log")  # stays where the model fails
    os.close(handle)
    process = ModelProcess(model, arguments, {**settings, "CUDA_VISIBLE_DEVICES": gpu}, Path(log), 1)
    try:
        process.load()
        (result,) = process.ask([row])
    except (AnswerError, ModelDied) as error:
        raise InputError(row["id"], "answer", f"there is none: {error}", f"the whole output is in {log}") from error
    finally:
        process.close()
    os.unlink(log)
    return str(result["response"])


def _from_server(row: dict[str, Any], endpoint: Endpoint, max_new_tokens: int, made_in: str) -> str:
    text = {"type": "text", "text": row["messages"][0]["content"]}
    content = [*clip_parts(row["videos"], row["audios"], made_in=made_in), text]
    answers = endpoint.complete([{"role": "user", "content": content}], temperature=0, max_tokens=max_new_tokens)
    if not answers:
        raise InputError(row["id"], "answer", "is empty", "ask again, or look at the server's log")
    return answers[0].text


def _streams(path: str, clip: str) -> tuple[bool, bool]:
    """Whether a file has a picture that moves, and whether it has sound."""
    import av

    if not os.path.isfile(path):
        raise InputError(clip, "clip", "is not a file", "give the path of a video or a sound file")
    try:
        with open_media(path) as container:
            found = first_stream(container, "video") is not None, first_stream(container, "audio") is not None
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(clip, "clip", f"is not media that can be read ({reason(error)})", "re-encode it") from error
    if not any(found):
        raise InputError(clip, "clip", "has neither a picture nor sound", "give a video or a sound file")
    return found


def _sound_of(path: str, to: Path) -> Path | None:
    """Write a file's sound as a wav of one channel; None where it is silent."""
    import av

    try:
        samples = samples_of(path)
    except (av.error.FFmpegError, ValueError) as error:
        raise InputError(path, "sound", reason(error), "re-encode the clip") from error
    if is_silent(samples):
        return None
    to.write_bytes(wav(samples))
    return to

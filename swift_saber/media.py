"""What a model is shown of a clip (the media settings), and what is really wrong with a clip that cannot be read.

ms-swift's readers fall back on one another, so the error that reaches the user is often the last reader's and not
the clip's. The checks here open the file with PyAV or soundfile, look at its beginning and say what they find;
media_fault.py looks at all of it.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from swift_saber.errors import one_line
from swift_saber.media_read import file_problem, open_media, reason

#: The endings of a clip's files in small letters, and the media type that a server is told. They are what is looked for
#: in a folder, the common one first; a file that a row names may end in any way.
VIDEO_SUFFIXES = {
    ".mp4": "video/mp4",
    ".avi": "video/x-msvideo",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".flv": "video/x-flv",
    ".m4v": "video/mp4",
}
AUDIO_SUFFIXES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".aac": "audio/aac",
}

# The environment variables through which ms-swift and qwen-omni-utils take media settings. A model that was trained
# with some of them must be run with the same ones.
MEDIA_SETTINGS = (
    "VIDEO_MAX_PIXELS",
    "VIDEO_MIN_PIXELS",
    "MAX_PIXELS",
    "MIN_PIXELS",
    "FPS",
    "FPS_MIN_FRAMES",
    "FPS_MAX_FRAMES",
    "USE_AUDIO_IN_VIDEO",
    "SAMPLING_RATE",
    "ENABLE_AUDIO_OUTPUT",
)


@dataclass(frozen=True)
class Problem:
    """Why a clip cannot be used, and what to do about it, both on one line and safe to print.

    Libraries put what a file holds into their messages, so control characters are escaped here, whoever wrote them.
    """

    reason: str
    remedy: str

    def __post_init__(self) -> None:
        for name in ("reason", "remedy"):
            object.__setattr__(self, name, one_line(getattr(self, name)))


def media_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the media settings that an environment holds."""
    return {name: environment[name] for name in MEDIA_SETTINGS if name in environment}


def video_problem(path: str | os.PathLike[str]) -> str | None:
    """Return why no frame can be read from a video file, or None when its first frame decodes.

    Decodes one frame only: a file that breaks later is not found here.
    """
    import av

    plain = file_problem(path)
    if plain:
        return plain
    try:
        with open_media(path) as container:
            if not container.streams.video:
                return "has no video stream"
            return None if next(container.decode(video=0), None) is not None else "has a video stream without frames"
    except (av.error.FFmpegError, ValueError, OSError) as error:
        return f"is not a readable video ({reason(error)})"


def audio_problem(path: str | os.PathLike[str]) -> str | None:
    """Return why no sound can be read from an audio file, or None when its first second decodes.

    What soundfile does not know (m4a, the sound of an mp4) is tried with PyAV, as ms-swift's loader does.
    """
    import soundfile

    plain = file_problem(path)
    if plain:
        return plain
    try:
        with soundfile.SoundFile(str(path)) as file:
            samples = file.read(file.samplerate, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError):
        return _container_audio_problem(path)
    if len(samples) == 0:
        return "holds no sound"
    return None if math.isfinite(float(abs(samples).sum())) else "holds samples that are not numbers"


def _container_audio_problem(path: str | os.PathLike[str]) -> str | None:
    import av

    try:
        with open_media(path) as container:
            if not container.streams.audio:
                return "has no audio stream"
            return None if next(container.decode(audio=0), None) is not None else "holds no sound"
    except (av.error.FFmpegError, ValueError, OSError) as error:
        return f"is not a readable audio file ({reason(error)})"


def clip_problem(videos: Sequence[str], audios: Sequence[str]) -> str | None:
    """Return the first problem among a row's media as "path: what is wrong", or None."""
    for paths, check in ((videos, video_problem), (audios, audio_problem)):
        for path in paths:
            problem = check(path)
            if problem:
                return f"{path}: {problem}"
    return None

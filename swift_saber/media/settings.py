"""What the files of a clip are called, what a model is shown of them, and what the user is told of a broken one."""

from collections.abc import Mapping
from dataclasses import dataclass

from swift_saber.errors import one_line

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

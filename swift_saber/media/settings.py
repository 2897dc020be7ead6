"""What the files of a clip are called, and the settings of what a model is shown of them."""

from collections.abc import Mapping

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


def media_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the media settings that an environment holds."""
    return {name: environment[name] for name in MEDIA_SETTINGS if name in environment}

"""What the files of a clip are called, and the settings of what a model is shown of them."""

from collections.abc import Mapping
from importlib.util import find_spec

from swift_saber.errors import InputError, quoted

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
    ".wmv": "video/x-ms-wmv",
    ".asf": "video/x-ms-asf",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
    ".vob": "video/mpeg",
    ".3gp": "video/3gpp",
    ".3g2": "video/3gpp2",
    ".ts": "video/mp2t",
    ".mts": "video/mp2t",
    ".m2ts": "video/mp2t",
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

READER, TIMING, SOUND = "FORCE_QWENVL_VIDEO_READER", "SABER_TIMING", "SABER_SOUND"
DEFAULT_READER = "pyav"
# The readers of frames; those that are not ours by the package that each is in.
_READERS = (DEFAULT_READER, "decord", "torchcodec", "torchvision")
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
    READER,
    "SWIFT_AUDIO_LOAD_BACKEND",
    TIMING,
    SOUND,
)


def media_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the media settings that an environment holds."""
    return {name: environment[name] for name in MEDIA_SETTINGS if name in environment}


def settings_in_force(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the media settings that an environment holds, and the reader, the timing and the sound in any case.

    Their defaults are ours and may change; a checkpoint and results keep what they were made with.

    Raises:
        InputError: a variable holds a word that it cannot hold.
    """
    timing = "legacy" if legacy_timing(environment) else "true"
    sound = "inside" if takes_sound(environment) else "given"
    return media_settings(environment) | {READER: video_reader(environment), TIMING: timing, SOUND: sound}


def video_reader(environment: Mapping[str, str]) -> str:
    """Return which reader gives the model its frames: the one wished for in qwen-omni-utils' own variable, else ours.

    "pyav" is media/frames.py: the frames that a player shows, of every container that PyAV opens.

    Raises:
        InputError: the reader wished for is not known, or not installed.
    """
    wished = environment.get(READER) or DEFAULT_READER
    if wished not in _READERS:
        remedy = f"use one of {', '.join(_READERS)}, or unset it"
        raise InputError("environment", READER, f"is {quoted(wished)}", remedy)
    if wished != DEFAULT_READER and find_spec(wished) is None:
        raise InputError("environment", READER, f"is {wished}, which is not installed", "install it, or unset it")
    return wished


def takes_sound(environment: Mapping[str, str]) -> bool:
    """Whether a video without `audios` of its own is heard too, by the sound inside it; not with SABER_SOUND=given.

    Raises:
        InputError: the variable holds another word.
    """
    return _choice(environment, SOUND, ("inside", "given")) == "inside"


def legacy_timing(environment: Mapping[str, str]) -> bool:
    """Whether frames are placed in time as ms-swift did before 4.6 (SABER_TIMING=legacy), and not where they stood.

    Raises:
        InputError: the variable holds another word.
    """
    return _choice(environment, TIMING, ("true", "legacy")) == "legacy"


def _choice(environment: Mapping[str, str], name: str, words: tuple[str, ...]) -> str:
    """One of the words that a variable may hold; the first where it is not set."""
    found = environment.get(name) or words[0]
    if found not in words:
        raise InputError("environment", name, f"is {quoted(found)}", f"use one of {', '.join(words)}")
    return found

"""What a model is shown of a clip (the media settings), and what is really wrong with a clip that cannot be read.

ms-swift's readers fall back on one another, so the error that reaches the user is often the last reader's and not
the clip's. The checks here open the file with PyAV or soundfile and say what they find.
"""

import math
import os
from collections.abc import Mapping, Sequence

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


def video_problem(path: str | os.PathLike[str]) -> str | None:
    """Return why no frame can be read from a video file, or None when its first frame decodes.

    Decodes one frame only: a file that breaks later is not found here.
    """
    import av

    plain = _file_problem(path)
    if plain:
        return plain
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return "has no video stream"
            return None if next(container.decode(video=0), None) is not None else "has a video stream without frames"
    except (av.error.FFmpegError, ValueError, OSError) as error:
        return f"is not a readable video ({_reason(error)})"


def audio_problem(path: str | os.PathLike[str]) -> str | None:
    """Return why no sound can be read from an audio file, or None when its first second decodes.

    What soundfile does not know (m4a, the sound of an mp4) is tried with PyAV, as ms-swift's loader does.
    """
    import soundfile

    plain = _file_problem(path)
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
        with av.open(str(path)) as container:
            if not container.streams.audio:
                return "has no audio stream"
            return None if next(container.decode(audio=0), None) is not None else "holds no sound"
    except (av.error.FFmpegError, ValueError, OSError) as error:
        return f"is not a readable audio file ({_reason(error)})"


def clip_problem(videos: Sequence[str], audios: Sequence[str]) -> str | None:
    """Return the first problem among a row's media as "path: what is wrong", or None."""
    for paths, check in ((videos, video_problem), (audios, audio_problem)):
        for path in paths:
            problem = check(path)
            if problem:
                return f"{path}: {problem}"
    return None


def _file_problem(path: str | os.PathLike[str]) -> str | None:
    if not os.path.isfile(path):  # False, not an error, for what cannot be a path at all
        return "is not a file"
    return "is empty" if os.path.getsize(path) == 0 else None


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:200]

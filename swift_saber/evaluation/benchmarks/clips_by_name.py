"""Clips that a benchmark knows by name, in a folder of the user's, and the open question about each.

The wording of the question is ours; SABER's instruction is published (sed/layout.py).
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from swift_saber.data.convert import sound_in_video
from swift_saber.errors import InputError, quoted, unreadable
from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.sed.layout import INSTRUCTIONS
from swift_saber.text.language import Language

Prompt = Literal["saber", "open"]
#: An open question for models that were not trained on SABER's instruction (ours).
OPEN_PROMPTS: dict[Language, str] = {
    "zh": (
        "请观看并聆听这段视频，描述说话者的情绪状态。请说明你依据的线索：面部表情、眼神、肢体动作、声音和所说的内容，"
        "然后根据这些线索得出结论。"
    ),
    "en": (
        "Watch and listen to this clip, and describe the speaker's emotional state. Name the clues that you rely on: "
        "face, gaze, body, voice and what is said. Then draw your conclusion from them."
    ),
}


def question(name: str, clip: tuple[str, list[str]], language: Language, prompt: Prompt) -> dict[str, Any]:
    """Return what a model is asked about a clip: a row for shell/infer.sh.

    Args:
        name: the id of the row.
        clip: as find_media gives it.
        language: of the question.
        prompt: "saber", SABER's instruction (the Chinese one is published), or "open", OPEN_PROMPTS.
    """
    video, sound = clip
    return {
        "id": name,
        "language": language,
        "messages": [{"role": "user", "content": (INSTRUCTIONS if prompt == "saber" else OPEN_PROMPTS)[language]}],
        "videos": [video],
        "audios": sound,
    }


def find_media(
    names: Collection[str], folder: str | os.PathLike[str], sounds: str | os.PathLike[str] | None = None
) -> dict[str, tuple[str, list[str]]]:
    """Return each clip's video and its sound files.

    Args:
        names: of the clips.
        folder: of NAME.mp4 or another of VIDEO_SUFFIXES.
        sounds: of NAME.wav or another of AUDIO_SUFFIXES; None for the same folder. Where a clip has none, its sound is
            that in the video.

    Raises:
        InputError: a folder cannot be read, or clips are not in it.
    """
    folder = Path(folder)
    videos, heard = _listed(folder), _listed(Path(sounds) if sounds is not None else folder)
    found: dict[str, tuple[str, list[str]]] = {}
    missing = []
    for name in names:
        video = next((videos[key] for end in VIDEO_SUFFIXES if (key := f"{name.lower()}{end}") in videos), None)
        sound = next((heard[key] for end in AUDIO_SUFFIXES if (key := f"{name.lower()}{end}") in heard), None)
        if video is None:
            missing.append(name)
        else:
            found[name] = video, [] if sound is None and sound_in_video() else [sound or video]
    if missing:
        problem = f"{len(missing)} of {len(names)} clips are not there (the first: {quoted(missing[0] + '.mp4')})"
        remedy = "name the folder that holds the clips themselves"
        raise InputError(os.path.abspath(folder), "clips", problem, remedy)
    return found


def _listed(folder: Path) -> dict[str, str]:
    """Each file of a folder by its name in lower case."""
    root = os.path.abspath(folder)
    try:
        return {entry.lower(): os.path.join(root, entry) for entry in sorted(os.listdir(root))}
    except OSError as error:
        raise unreadable(root, error) from error

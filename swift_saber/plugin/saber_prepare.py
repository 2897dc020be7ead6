"""Makes prepared clips (media/prepared.py) of what ms-swift's template takes from a file; for worker processes.

What it imports takes a while, so that a process is ready when it is given its first clip.
"""

import errno
import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import qwen_omni_utils
import torch
from qwen_omni_utils import vision_process
from swift.model.models.qwen import compat_qwen_vl_utils, patch_qwen_vl_utils
from swift.template.templates import qwen

from swift_saber.errors import InputError
from swift_saber.media.prepared import Prepared, write, write_sound
from swift_saber.media.sound import inside
from swift_saber.plugin import saber_frames, saber_sound
from swift_saber.plugin.saber_prepared import view

# The disk's errors that no other clip is spared.
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@cache
def view_in_force(patch_size: int) -> dict[str, Any]:
    """Return saber_prepared.view of a row that sets nothing itself, after what ms-swift does when it loads a model.

    Args:
        patch_size: the side of the model's patches, in pixels.
    """
    compat_qwen_vl_utils(patch_size)
    patch_qwen_vl_utils(vision_process)
    saber_frames.register()
    if not hasattr(qwen.load_audio, "__wrapped__"):
        saber_sound.register()
    return view({}, patch_size)


def prepare_clip(kind: str, path: str, output: str, patch_size: int, rate: int, form: str) -> dict[str, Any]:
    """Write what the model is shown of one file.

    Args:
        kind: "videos", "audios", or "inside" for the sound that is inside a video.
        path: of the original.
        output: the file to write.
        patch_size: the side of the model's patches, in pixels.
        rate: of the sound, in Hz.
        form: of frames; one of media.prepared.FORMS.

    Returns:
        {"bytes"} of the file that was written, None where there is no sound inside; or {"reason", "remedy"} why it
        cannot be; or {"disk"} why no file can be written.
    """
    settings = view_in_force(patch_size)
    torch.set_num_threads(1)  # there is a worker for each core
    try:
        if kind == "inside" and not inside([path]):
            return {"bytes": None}
        made = _frames(path, patch_size, settings) if kind == "videos" else _sound(path, rate)
    except InputError as error:
        return {"reason": f"{error.where}: {error.field}: {error.problem}", "remedy": error.remedy}
    except TimeoutError as error:
        return {"reason": f"{path}: {error}", "remedy": "cut or re-encode the clip, or remove the row"}
    except Exception as error:  # whatever a library raises costs this clip alone, and is said
        return {"reason": f"{path}: {type(error).__name__}: {error}", "remedy": "replace the file or remove the row"}
    try:
        if isinstance(made, Prepared):
            write(Path(output), made, form=form)
        else:
            write_sound(Path(output), made, rate)
    except OSError as error:
        if error.errno in _DISK:
            return {"disk": error.strerror or str(error)}
        raise
    except ValueError as error:
        return {"reason": f"{path}: what was made of it {error}", "remedy": "leave the clip as it is, in another file"}
    return {"bytes": os.path.getsize(output)}


def _frames(path: str, patch_size: int, settings: dict[str, Any]) -> Prepared:
    """As the template's replace_tag."""
    video, fps = qwen_omni_utils.fetch_video({"video": path}, image_patch_size=patch_size, return_video_sample_fps=True)
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    source = {"name": os.path.basename(path), "digest": digest.hexdigest()[:16]}
    return Prepared(video.to(torch.uint8).permute(0, 2, 3, 1).numpy(), fps, settings, source)


def _sound(path: str, rate: int) -> Any:
    """As the template's replace_tag, with the reader of sound that saber_sound puts there."""
    return qwen.load_audio(path, rate)

"""Prepared clips (media/prepared.py) on their way to the model: frames as they are, under the same settings alone."""

from collections.abc import Mapping
from typing import Any

import torch

from swift_saber.data.convert import sound_in_video
from swift_saber.media.deadline import clip_seconds, within
from swift_saber.media.prepared import SUFFIX, check_settings, read

# What a row may ask of its own (`chat_template_kwargs`) that has no default.
_OF_A_ROW = ("nframes", "video_start", "video_end", "resized_height", "resized_width")


def view(ele: Mapping[str, Any], patch_size: int) -> dict[str, Any]:
    """Return all settings that decide which frames the model is shown, and in which size, as they are in force.

    Args:
        ele: what qwen-omni-utils is asked, with what the row sets itself.
        patch_size: the side of the model's patches, in pixels.
    """
    from qwen_omni_utils import vision_process as rule

    area = (patch_size * rule.SPATIAL_MERGE_SIZE) ** 2
    asked = {
        "reader": rule.get_video_reader_backend(),
        "patch_size": patch_size,
        "FPS": ele.get("fps", rule.FPS),
        "FPS_MIN_FRAMES": ele.get("min_frames", rule.FPS_MIN_FRAMES),
        "FPS_MAX_FRAMES": ele.get("max_frames", rule.FPS_MAX_FRAMES),
        "VIDEO_MIN_PIXELS": ele.get("min_pixels", rule.VIDEO_MIN_TOKEN_NUM * area),
        "VIDEO_MAX_PIXELS": ele.get("max_pixels", rule.VIDEO_MAX_TOKEN_NUM * area),
        "VIDEO_TOTAL_PIXELS": ele.get("total_pixels", rule.MODEL_SEQ_LEN * area * 0.9),
        # The sound that is inside the original is in a file of its own.
        "USE_AUDIO_IN_VIDEO": sound_in_video(),
    }
    return asked | {name: ele[name] for name in _OF_A_ROW if ele.get(name) is not None}


def fetch(
    ele: Mapping[str, Any],
    patch_size: int,
    return_video_sample_fps: bool = False,
    return_video_metadata: bool = False,
) -> Any:
    """Return what qwen-omni-utils' fetch_video does, of a prepared clip; None where it is none.

    Args:
        ele: what is asked, with "video": a path, or anything else that fetch_video takes for one.
        patch_size: the side of the model's patches, in pixels.
        return_video_sample_fps, return_video_metadata: as fetch_video.

    Returns:
        as fetch_video, but for the type of the frames: uint8 of shape (n, 3, height, width), which ms-swift makes of
        fetch_video's floats.

    Raises:
        InputError: as media.prepared.read, or the clip was prepared with other settings than those in force.
        TimeoutError: it took longer than SABER_CLIP_SECONDS.
    """
    path = ele["video"]
    if not isinstance(path, str):
        return None
    path = path.removeprefix("file://")
    clip = within(clip_seconds(), read, path) if path.endswith(SUFFIX) else None
    if clip is None:
        return None
    check_settings(path, clip.settings, view(ele, patch_size))
    frames = torch.from_numpy(clip.pixels).permute(0, 3, 1, 2)
    count = len(frames)
    metadata = {"fps": clip.sample_fps, "frames_indices": list(range(count)), "total_num_frames": count}
    found = (frames, {**metadata, "video_backend": "prepared"}) if return_video_metadata else frames
    return (found, clip.sample_fps) if return_video_sample_fps else found

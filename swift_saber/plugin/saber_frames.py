"""The reader of frames, "pyav", behind qwen-omni-utils' table of readers, and the one that is taken by default.

What is sampled stays qwen-omni-utils' choice, by index: of a clip whose frames do not follow one another at equal
distances the samples do not either, and the model is told their mean rate. What the samples show, and their size, is
what decord and qwen-omni-utils give of an ordinary clip, bit for bit; they are resized one by one as they come, so that
no clip is held at its full size.
"""

import logging
import math
import os
from functools import wraps
from typing import Any

import numpy as np
import torch

from swift_saber.errors import InputError
from swift_saber.media.deadline import clip_seconds, within
from swift_saber.media.frames import read_frames, size_problem
from swift_saber.media.read import first_stream, open_media, reason
from swift_saber.media.settings import video_reader
from swift_saber.plugin import saber_prepared
from swift_saber.plugin.saber_once import kept

NAME = "pyav"
# Readers other than ours, and ms-swift's names for them; it hands these all bytes of a file, several times in memory.
_OTHERS = ("decord", "torchcodec")
# Bytes of sampled frames at their full size, which those readers hold together.
_MOST_HELD = 4 << 30
# Where `fetch_video` tells its reader the side of a patch in pixels, by which it sizes frames.
_PATCH = "saber_image_patch_size"


def register() -> None:
    """Add the reader to qwen-omni-utils' table, and have it taken unless FORCE_QWENVL_VIDEO_READER names another.

    A clip that the chosen reader fails on is not tried with torchvision: the reason stays the reader's own, and frames
    of another reader do not come in unnoticed.

    Raises:
        InputError: the reader named is not known, or not installed.
    """
    import qwen_omni_utils
    from qwen_omni_utils import vision_process

    vision_process.VIDEO_READER_BACKENDS[NAME] = read_video
    chosen = video_reader(os.environ)
    vision_process.FORCE_QWENVL_VIDEO_READER = chosen
    vision_process.get_video_reader_backend.cache_clear()
    if chosen in _OTHERS and (stock := getattr(vision_process, f"_read_video_{chosen}")):
        vision_process.VIDEO_READER_BACKENDS[chosen] = _by_path(stock)
        setattr(vision_process, f"_read_video_{chosen}", None)  # as torchvision's below
    if chosen != "torchvision":
        vision_process.VIDEO_READER_BACKENDS["torchvision"] = _no_other
        # What is here ms-swift puts in the table again, behind a function that reads a failed file whole.
        vision_process._read_video_torchvision = None
        vision_process.logger.addFilter(_is_so)
    if not hasattr(qwen_omni_utils.fetch_video, "__wrapped__"):
        qwen_omni_utils.fetch_video = kept(_telling_patch_size(vision_process.fetch_video, chosen))


def read_video(ele: dict[str, Any]) -> tuple[torch.Tensor, dict[str, Any], float]:
    """Return (frames, metadata, sampled frames per second) of ele["video"], as qwen-omni-utils' readers do.

    Args:
        ele: what is asked, with "video": a path, or anything else that ms-swift takes for one.

    Returns:
        frames: uint8 of shape (n, 3, height, width); of the size that the model sees where fetch_video asked, which
            then leaves them alone.

    Raises:
        InputError: as media.frames.read_frames.
        TimeoutError: it took longer than SABER_CLIP_SECONDS.
        ValueError: the clip has too few frames for what is asked.
    """
    return within(clip_seconds(), _read, ele["video"], ele)


def _read(video: str, ele: dict[str, Any]) -> tuple[torch.Tensor, dict[str, Any], float]:
    from qwen_omni_utils import vision_process
    from swift.template.vision_utils import local_video_path

    shown, sampled = 0, 0

    def choose(total: int, fps: float) -> list[int]:
        nonlocal shown, sampled
        start, end, shown = vision_process.calculate_video_frame_range(ele, total, fps)
        sampled = vision_process.smart_nframes(ele, total_frames=shown, video_fps=fps)
        chosen: list[int] = torch.linspace(start, end, sampled).round().long().tolist()
        return chosen

    def change(pixels: Any) -> Any:
        return resized(pixels, *_size(ele, sampled, *pixels.shape[:2])) if _PATCH in ele else pixels

    # A server is asked with addresses and base64; the paths of rows are files.
    with local_video_path(video) as path:
        found = read_frames(path, choose, change=change, threads=_threads())
    frames = torch.from_numpy(np.stack(found.pixels)).permute(0, 3, 1, 2)
    if _PATCH in ele:
        ele["resized_height"], ele["resized_width"] = frames.shape[2:]
    metadata = {
        "fps": found.fps,
        "frames_indices": found.indices,
        "total_num_frames": shown,
        "video_backend": NAME,
    }
    return frames, metadata, sampled / shown * found.fps


def _by_path(stock: Any) -> Any:
    """Another reader, given the path of a file: it is not held in memory, and is read as the check has read it."""

    @wraps(stock)
    def read(ele: dict[str, Any]) -> Any:
        from swift.template import load_file

        video = ele["video"]
        if not isinstance(video, str) or not os.path.isfile(video):
            return stock({**ele, "video": load_file(video)})  # a server is asked with addresses and base64
        path = os.path.abspath(video)
        _check_held(path, ele)
        return stock({**ele, "video": path})

    return read


def _check_held(path: str, ele: dict[str, Any]) -> None:
    """See that a reader that holds all sampled frames may open a file; by its header, in which there may be no count.

    Raises:
        InputError: it is no video, names other files, or its sampled frames are larger than is to be held.
    """
    import av
    from qwen_omni_utils import vision_process as rule

    try:
        with open_media(path) as container:
            stream = first_stream(container, "video")
            if stream is None:
                raise InputError(path, "video", "has no video stream", "name the clip's video file")
            width, height = stream.width, stream.height
            seconds = (container.duration or 0) / 1e6
            frames = stream.frames or seconds * float(stream.average_rate or 0) or math.inf
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(
            path, "video", f"cannot be opened ({reason(error)})", "copy it again or remove the row"
        ) from error
    if wrong := size_problem(width, height):
        raise InputError(path, "video", *wrong)
    asked = ele.get("nframes") or max(seconds * ele.get("fps", rule.FPS), ele.get("min_frames", rule.FPS_MIN_FRAMES))
    count = min(frames, asked if seconds else math.inf, ele.get("max_frames", rule.FPS_MAX_FRAMES))
    if count * width * height * 3 > _MOST_HELD:
        problem = f"has frames of {width} x {height} pixels, of which the reader in use would hold {count:.0f} at once"
        raise InputError(path, "video", problem, "unset FORCE_QWENVL_VIDEO_READER, or make the clip smaller")


def resized(pixels: Any, height: int, width: int) -> Any:
    """Return a frame in another size, uint8 RGB of shape (height, width, 3), as torchvision's bicubic resize makes it.

    Bit for bit; but numpy does what torch would share among threads, which wait for one another on a busy machine.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    planes = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]
    scaled = torch.nn.functional.interpolate(planes, (height, width), mode="bicubic", antialias=True).numpy()[0]
    np.rint(np.clip(scaled, 0, 255, out=scaled), out=scaled)
    return scaled.transpose(1, 2, 0).astype(np.uint8)


def _size(ele: dict[str, Any], frames: int, height: int, width: int) -> list[int]:
    """The size in which the model sees a frame, [height, width], by the rule of qwen-omni-utils' fetch_video."""
    from qwen_omni_utils import vision_process as rule

    factor = ele[_PATCH] * rule.SPATIAL_MERGE_SIZE
    if "resized_height" in ele and "resized_width" in ele:
        return list(rule.smart_resize(ele["resized_height"], ele["resized_width"], factor=factor))
    least = ele.get("min_pixels", rule.VIDEO_MIN_TOKEN_NUM * factor**2)
    of_all = ele.get("total_pixels", rule.MODEL_SEQ_LEN * factor**2 * 0.9)
    most = max(min(rule.VIDEO_MAX_TOKEN_NUM * factor**2, of_all / frames * rule.FRAME_FACTOR), int(least * 1.05))
    most = min(ele.get("max_pixels", most), most)
    size = list(rule.smart_resize(height, width, factor=factor, min_pixels=least, max_pixels=most))
    if not all(size):
        problem = f"has frames of {width} x {height} pixels, of which nothing is left within {most:.0f} pixels"
        raise InputError(ele["video"], "video", problem, "crop it, raise VIDEO_MAX_PIXELS, or remove the row")
    return size


def _telling_patch_size(fetch_video: Any, chosen: str) -> Any:
    """fetch_video with a reader, which is told how frames will be sized; prepared clips are taken as they are."""

    @wraps(fetch_video)
    def fetch(ele: dict[str, Any], image_patch_size: int = 14, **options: Any) -> Any:
        if (found := saber_prepared.fetch(ele, image_patch_size, **options)) is not None:
            return found
        asked = {**ele, _PATCH: image_patch_size}

        def read(video: Any) -> Any:
            return fetch_video(asked, image_patch_size=image_patch_size, **options)

        if chosen == NAME or not isinstance(ele["video"], str):
            return read(ele["video"])
        return within(clip_seconds(), read, ele["video"])  # other readers know no limit of their own

    return fetch


def _no_other(ele: dict[str, Any]) -> Any:
    """Stands for the reader that qwen-omni-utils tries when the chosen one has failed, and raises that failure."""
    raise  # within the handler of the first reader's error


def _is_so(record: logging.LogRecord) -> bool:
    """Whether a message of qwen-omni-utils holds: it announces that other reader."""
    return "use torchvision as default" not in record.getMessage()


def _threads() -> int:
    """Threads for a decoder: the cores that this loader worker has to itself, or all where there are no workers."""
    worker = torch.utils.data.get_worker_info()
    return max(1, (os.cpu_count() or 1) // worker.num_workers) if worker else 0

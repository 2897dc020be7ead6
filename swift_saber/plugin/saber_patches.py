"""Frames cut into the patches that the model sees, in fewer passes over them than the stock processor makes.

The numbers are the stock processor's, bit for bit: it turns bytes into floats, scales them and cuts them up then; here
bytes are cut up, a quarter of the size, and scaled after that, each by the same operations.
"""

from typing import Any

import torch
from transformers import BatchFeature
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

# What ms-swift and the omni processors ask for, that changes nothing where frames are sampled and sized already.
_IDLE = {"do_resize", "size", "do_sample_frames", "return_tensors", "return_metadata", "fps"}
# Earlier versions of transformers cut within a longer function.
_CUTS = hasattr(Qwen2VLVideoProcessor, "patchify")


class Patches:
    """Stands for a Qwen2VLVideoProcessor; what it is asked otherwise than for patches of bytes, that does itself."""

    def __init__(self, processor: Any) -> None:
        self._processor = processor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)

    def __call__(self, videos: Any, **options: Any) -> Any:
        """As the processor.

        Args:
            videos: uint8 tensors of shape (n, 3, height, width), for patches.
            options: of the processor; with do_resize=False, for patches.

        Returns:
            "pixel_values_videos" of shape (patches, values of one) and "video_grid_thw" of shape (videos, 3).
        """
        stock = self._processor
        plain = _CUTS and type(stock) is Qwen2VLVideoProcessor and stock.do_rescale and stock.do_normalize
        asked = {name for name, value in options.items() if value is not None}
        bytes_only = isinstance(videos, list) and all(_is_bytes(video) for video in videos)
        if not (plain and bytes_only and asked <= _IDLE and options.get("do_resize") is False):
            return stock(videos=videos, **options)
        cut, grids = zip(*map(self._cut, videos), strict=True)
        pixels = cut[0] if len(cut) == 1 else torch.cat(cut)
        data = {"pixel_values_videos": pixels, "video_grid_thw": torch.tensor(grids)}
        return BatchFeature(data=data, tensor_type=options.get("return_tensors"))

    def _cut(self, video: torch.Tensor) -> tuple[torch.Tensor, list[int]]:
        stock = self._processor
        size, frames = stock.patch_size, stock.temporal_patch_size
        patches, *grid = stock.patchify(
            video[None], patch_size=size, merge_size=stock.merge_size, temporal_patch_size=frames
        )
        scaled: torch.Tensor = stock.rescale_and_normalize(
            patches.view(-1, video.shape[1], frames * size, size),  # so that each colour has its place
            stock.do_rescale,
            stock.rescale_factor,
            stock.do_normalize,
            stock.image_mean,
            stock.image_std,
        )
        return scaled.view(len(scaled), -1), grid


def _is_bytes(video: Any) -> bool:
    return isinstance(video, torch.Tensor) and video.dtype == torch.uint8 and video.ndim == 4 and video.shape[1] == 3

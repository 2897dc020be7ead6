"""plugin/saber_patches.py: the stock processor's numbers, bit for bit, without its detour."""

from typing import Any

import pytest
import torch
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

from swift_saber.plugin.saber_patches import Patches

from .test_template import encode, media  # noqa: F401  # a fixture

SIZED = {"do_resize": False, "return_tensors": "pt"}


def video(count: int, height: int, width: int, *, seed: int = 0) -> torch.Tensor:
    """All values that a byte has, in the memory order that readers give: colours last."""
    made = torch.randint(0, 256, (count, height, width, 3), dtype=torch.uint8, generator=torch.manual_seed(seed))
    return made.permute(0, 3, 1, 2)


def same(stock: Any, videos: list[torch.Tensor], **options: Any) -> bool:
    expected, found = stock(videos=videos, **options), Patches(stock)(videos=videos, **options)
    assert expected.keys() == found.keys()
    kept = {name: value.dtype for name, value in found.items()}
    assert kept == {name: value.dtype for name, value in expected.items()}
    return all(torch.equal(expected[name], found[name]) for name in expected)


@pytest.fixture
def stock() -> Any:
    return Qwen2VLVideoProcessor()


def only_ours(stock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the stock processor fail where it is asked for the whole work."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the stock processor was asked")

    monkeypatch.setattr(type(stock), "preprocess", refuse)


@pytest.mark.parametrize(
    "videos",
    [
        [video(4, 56, 84)],
        [video(5, 28, 28)],  # an odd number: the last one counts twice
        [video(2, 56, 56), video(4, 28, 112, seed=1), video(2, 56, 56, seed=2)],
        [video(2, 56, 56).contiguous()],
    ],
    ids=["one", "odd", "several", "colours first"],
)
def test_patches_are_those_of_the_stock_processor(stock: Any, videos: list[torch.Tensor]) -> None:
    assert same(stock, videos, **SIZED)


def test_another_size_of_patches(stock: Any) -> None:
    stock.patch_size, stock.merge_size, stock.temporal_patch_size = 16, 1, 1  # as in no model
    assert same(stock, [video(3, 32, 48)], **SIZED)


@pytest.mark.parametrize(
    ("videos", "options"),
    [
        ([video(4, 56, 84)], {"return_tensors": "pt"}),  # to be resized
        ([video(4, 56, 84).float()], SIZED),
        ([video(4, 56, 84)], {**SIZED, "do_normalize": False}),
        ([video(4, 56, 84)], {**SIZED, "image_mean": [0.1, 0.2, 0.3]}),
    ],
    ids=["resized", "floats", "not normalized", "another mean"],
)
def test_what_is_asked_otherwise_the_stock_processor_does(
    stock: Any, videos: list[torch.Tensor], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert same(stock, videos, **options)
    only_ours(stock, monkeypatch)
    with pytest.raises(AssertionError, match="was asked"):
        Patches(stock)(videos=videos, **options)


def test_a_processor_of_another_kind_does_its_own_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(Qwen2VLVideoProcessor):
        pass

    only_ours(other := Other(), monkeypatch)
    with pytest.raises(AssertionError, match="was asked"):
        Patches(other)(videos=[video(4, 56, 84)], **SIZED)


def test_rows_are_encoded_in_this_way(
    plugin: None,
    processor: Any,
    media: Any,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}], **media}
    expected = encode(processor, row, "train", stock=True)["pixel_values_videos"]
    only_ours(processor.video_processor, monkeypatch)
    assert torch.equal(encode(processor, row, "train", stock=False)["pixel_values_videos"], expected)

"""What a reference's kept log-probabilities are found by, and the files that they are kept in."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from swift_saber.errors import InputError
from swift_saber.plugin import saber_reference_cache
from swift_saber.plugin.saber_reference_cache import MANIFEST, LogProbs, ReferenceCache, pair_key, weights_digest

A, B = "a" * 32, "b" * 32
ONE, OTHER = LogProbs(-12.5, -13.25, "float32"), LogProbs(-1.0, -2.0, "float32")


def encoded(**changed: Any) -> dict[str, Any]:
    """A pair as the template encodes it, each side with tensors of its own."""
    sides: dict[str, Any] = {"id": "pair-1", "margin": 2.0, "channel": "consistent"}
    for side, answer in (("chosen_", 7), ("rejected_", 8)):
        sides |= {
            f"{side}input_ids": [1, 2, 3, answer],
            f"{side}labels": [-100, -100, -100, answer],
            f"{side}loss_scale": None,
            f"{side}pixel_values_videos": torch.arange(6.0).reshape(2, 3),
            f"{side}video_grid_thw": torch.tensor([[1, 2, 3]]),
            f"{side}input_features": torch.ones(1, 2, dtype=torch.bfloat16),
            f"{side}feature_attention_mask": torch.ones(1, 2, dtype=torch.bool),
            f"{side}video_second_per_grid": [0.5],
            f"{side}length": 4,
        }
    return sides | changed


def test_a_pair_is_found_again_by_what_the_model_is_shown_of_it() -> None:
    same = encoded(id="another name", margin=1.0, channel="inconsistent", same_media=True)
    assert pair_key(same) == pair_key(encoded())
    shared = encoded()
    for name in list(shared):
        if name.startswith("rejected_") and isinstance(shared[name], torch.Tensor):
            shared[name] = shared[name.replace("rejected_", "chosen_")]
    assert pair_key(shared) == pair_key(encoded())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chosen_input_ids", [1, 2, 4, 7]),
        ("rejected_input_ids", [1, 2, 3, 9]),
        ("chosen_labels", [-100, -100, 3, 7]),
        ("chosen_loss_scale", [1.0, 1.0, 1.0, 0.5]),
        ("chosen_pixel_values_videos", torch.tensor([[0.0, 1, 2], [3, 4, 6]])),
        ("rejected_pixel_values_videos", torch.arange(6.0).reshape(3, 2)),
        ("rejected_pixel_values_videos", torch.arange(6.0, dtype=torch.float64).reshape(2, 3)),
        ("chosen_video_grid_thw", torch.tensor([[1, 3, 2]])),
        ("chosen_input_features", torch.zeros(1, 2, dtype=torch.bfloat16)),
        ("chosen_feature_attention_mask", torch.tensor([[True, False]])),
        ("rejected_video_second_per_grid", [0.25]),
    ],
)
def test_a_pair_that_is_shown_otherwise_is_another(name: str, value: Any) -> None:
    assert pair_key(encoded(**{name: value})) != pair_key(encoded())


def test_sides_that_change_places_are_another_pair() -> None:
    swapped = {
        name.replace("chosen_", "x_").replace("rejected_", "chosen_").replace("x_", "rejected_"): value
        for name, value in encoded().items()
    }
    assert pair_key(swapped) != pair_key(encoded())


def test_content_that_has_no_digest_is_not_passed_over() -> None:
    with pytest.raises(TypeError, match="a pair holds a object"):
        pair_key(encoded(chosen_extra=object()))


@pytest.fixture(params=["whole", "in parts"])
def model(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model's folder, looked at as a small file is and as a large one."""
    if request.param == "in parts":
        monkeypatch.setattr(saber_reference_cache, "_WHOLE", 0)
    folder = tmp_path / "model"
    folder.mkdir()
    torch.manual_seed(0)
    write(folder, {name: torch.randn(50, 80) for name in "abc"} | {"bias": torch.randn(3)})
    (folder / "config.json").write_text('{"hidden_size": 80}')
    return folder


def write(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, folder / "model-00001-of-00001.safetensors")


@pytest.mark.parametrize("name", ["a", "b", "c", "bias"])
def test_one_tensor_trained_further_in_place_makes_another_reference(model: Path, name: str) -> None:
    from safetensors.torch import load_file

    before = weights_digest(model)
    tensors = load_file(model / "model-00001-of-00001.safetensors")
    tensors[name] = tensors[name] + 1e-4
    write(model, tensors)
    assert weights_digest(model) != before


def test_a_reference_is_its_content_and_not_its_place(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "copy")
    (tmp_path / "copy" / "README.md").write_text("of no weight")
    os.utime(tmp_path / "copy" / "config.json", (1, 1))
    assert weights_digest(tmp_path / "copy") == weights_digest(model)
    (tmp_path / "copy" / "config.json").write_text('{"hidden_size": 81}')
    assert weights_digest(tmp_path / "copy") != weights_digest(model)


def test_a_checkpoint_of_torch_is_looked_at_too(model: Path) -> None:
    before = weights_digest(model)
    torch.save({"d": torch.zeros(5000)}, model / "pytorch_model.bin")
    there = weights_digest(model)
    torch.save({"d": torch.ones(5000)}, model / "pytorch_model.bin")
    assert len({before, there, weights_digest(model)}) == 3


def test_what_holds_no_weights_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"weights: there are none"):
        weights_digest(tmp_path)
    monkeypatch.setattr(saber_reference_cache, "_WHOLE", 0)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(InputError, match=r"model.safetensors: file: is not a safetensors file"):
        weights_digest(tmp_path)


Open = Callable[..., ReferenceCache]


@pytest.fixture
def open_cache(tmp_path: Path) -> Open:
    def opened(weights: str = "w", dtype: str = "float32") -> ReferenceCache:
        return ReferenceCache(
            tmp_path / "cache", weights={"model": weights}, settings={"torch_dtype": dtype}, names={"model": "sed"}
        )

    return opened


def files_of(cache: ReferenceCache) -> list[Path]:
    return sorted(cache.folder.glob("*.jsonl"))


def test_what_was_kept_is_read_again_with_all_its_bits(open_cache: Open) -> None:
    torch.manual_seed(1)
    for dtype in (torch.float32, torch.bfloat16):
        chosen, rejected = ((torch.randn(50) * -300).to(dtype) for _ in range(2))
        keys = [f"{number:032x}" for number in range(50)]
        cache = open_cache(dtype=str(dtype))
        for key, a, b in zip(keys, chosen.tolist(), rejected.tolist(), strict=True):
            cache.keep(key, LogProbs(a, b, str(dtype).removeprefix("torch.")))
        again = open_cache(dtype=str(dtype))
        assert again.missing(keys) == []
        for found, expected in zip(again.tensors(keys), (chosen, rejected), strict=True):
            assert found.dtype == dtype
            assert torch.equal(found, expected)


def test_the_folder_says_in_words_what_it_is_of(open_cache: Open) -> None:
    cache = open_cache()
    assert json.loads((cache.folder / MANIFEST).read_text()) == {
        "names": {"model": "sed"},
        "weights": {"model": "w"},
        "settings": {"torch_dtype": "float32"},
    }
    assert files_of(cache) == []  # none before there is something to keep


def test_processes_write_files_of_their_own_and_find_each_others_entries(open_cache: Open) -> None:
    one, other = open_cache(), open_cache()
    one.keep(A, ONE)
    other.keep(B, OTHER)
    assert len(files_of(one)) == 2
    assert one.missing([A, B]) == other.missing([A, B]) == []
    one.keep(A, OTHER)  # kept already
    assert open_cache().tensors([A])[0].item() == -12.5


def test_a_line_that_was_cut_off_is_computed_again_and_none_after_it_is_lost(open_cache: Open) -> None:
    cache = open_cache()
    cache.keep(A, ONE)
    cache.keep(B, ONE)
    cache.close()
    (path,) = files_of(cache)
    content = path.read_bytes()
    for cut in (1, 20, 60):
        path.write_bytes(content[:-cut])
        again = open_cache()
        assert again.missing([A, B]) == [B]
    path.write_bytes(content)  # what was being written has been written by now
    assert again.missing([A, B]) == []


@pytest.mark.parametrize(
    "line", ["no json", '{"id": "x"}', '{"id": "x", "chosen": -1.0, "rejected": null, "dtype": "float32"}', ""]
)
def test_a_line_that_is_damaged_is_an_error_that_names_it(open_cache: Open, line: str) -> None:
    cache = open_cache()
    cache.keep(A, ONE)
    cache.close()
    (path,) = files_of(cache)
    path.write_bytes(path.read_bytes() + f"{line}\n".encode() + path.read_bytes())
    with pytest.raises(InputError, match=rf"{path.name}:2: line: is damaged; remove the line"):
        open_cache()


@pytest.mark.parametrize("changed", [{"weights": "v"}, {"dtype": "bfloat16"}])
def test_entries_of_another_reference_are_named_and_never_used(open_cache: Open, changed: dict[str, str]) -> None:
    open_cache().keep(A, ONE)
    cache = open_cache(**changed)
    assert cache.missing([A]) == [A]
    assert len(cache) == 0
    (said,) = cache.others()
    assert "(sed): " in said
    (there, here) = {"weights": ("w", "v"), "dtype": ("float32", "bfloat16")}[next(iter(changed))]
    assert f" {there} there, {here} here" in said
    assert open_cache().others() == []  # a folder without entries is not worth a word

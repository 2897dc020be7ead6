"""Logits of the positions that are asked for are those of the whole row, cut."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch

from swift_saber.plugin.saber_logits import kept
from tests.plugin.rlhf import FLAGS

pytestmark = pytest.mark.usefixtures("plugin")


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Any:
    from swift.model import get_model_processor

    found = get_model_processor(str(tiny_model), model_type="qwen2_5_omni", torch_dtype=torch.float32)[0]
    return found.eval()


PLACES = [
    (3, [[5, 6, 7], [5, 6, 7]]),
    (torch.tensor([1, 4]), [[1, 4], [1, 4]]),
    (torch.tensor([False, True, False, False, True, False, False, True]), [[1, 4, 7], [1, 4, 7]]),
    (torch.tensor([[[0, 0], [1, 0]], [[2, 3], [5, 7]]]), [[2, 3], [(1, 5), 7]]),
]


@pytest.mark.parametrize("places", [one for one, _ in PLACES], ids=["last", "index", "mask", "rows"])
def test_they_are_the_whole_rows_cut(model: Any, places: Any) -> None:
    ids = torch.randint(0, 700, (2, 8), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        whole = model(input_ids=ids).logits
        found = model(input_ids=ids, logits_to_keep=places).logits
        again = model(input_ids=ids).logits
    if isinstance(places, int):
        expected = whole[:, -places:]
    elif places.ndim == 3:
        expected = torch.stack([whole[row, place] for row, place in zip(places[0], places[1], strict=True)])
    else:
        expected = whole[:, places]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert again.shape == whole.shape  # the next call is asked for all


def test_ms_swift_and_transformers_see_that_it_is_taken(model: Any) -> None:
    assert "logits_to_keep" in inspect.signature(model.forward).parameters
    assert "input_ids" in inspect.signature(model.forward).parameters
    assert model.thinker._supports_logits_to_keep()


def test_it_is_taken_once(model: Any) -> None:
    from swift_saber.plugin.saber_logits import take_logits_to_keep

    before = model.forward
    take_logits_to_keep(model, model.thinker)
    assert model.forward is before


@pytest.mark.parametrize("adapters", [{"target_modules": ["lm_head"]}, {"modules_to_save": ["lm_head"]}])
@pytest.mark.parametrize("places", [one for one, _ in PLACES], ids=["last", "index", "mask", "rows"])
def test_a_last_layer_that_is_trained_too_is_given_no_more(model: Any, adapters: dict[str, Any], places: Any) -> None:
    """With adapters another module stands in its place."""
    from peft import LoraConfig, get_peft_model

    wanted = {"target_modules": ["q_proj"], "init_lora_weights": False, **adapters}
    trained = get_peft_model(model, LoraConfig(**wanted)).eval()
    try:
        ids = torch.randint(0, 700, (2, 8), generator=torch.Generator().manual_seed(1))
        with torch.no_grad():
            whole = trained(input_ids=ids).logits
            found = trained(input_ids=ids, logits_to_keep=places).logits
        torch.testing.assert_close(found, kept(whole, places), rtol=1e-5, atol=1e-5)
    finally:
        trained.unload()


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 2])
def test_sft_learns_the_same_of_answers_alone(
    tiny_model: Path, tiny_world: Path, tmp_path: Path, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no other position comes to the vocabulary."""
    import json

    from swift.pipelines import sft_main

    from swift_saber.plugin import PLUGIN_FILE, saber_logits

    kept = saber_logits.kept
    cut: list[tuple[int, int]] = []

    def watched(hidden: torch.Tensor, places: Any) -> torch.Tensor:
        found = kept(hidden, places)
        cut.append((hidden.shape[1], found.shape[1]))
        return found

    monkeypatch.setattr(saber_logits, "kept", watched)
    losses = {}
    for keep in ("true", "false"):
        flags = {key: value for key, value in FLAGS.items() if key not in {"rlhf_type", "strict"}}
        flags |= {"model": tiny_model, "dataset": tiny_world / "train.jsonl", "output_dir": tmp_path / keep}
        flags |= {"max_steps": 3, "per_device_train_batch_size": rows, "tuner_type": "lora", "learning_rate": 1e-3}
        if keep == "false":
            flags["use_logits_to_keep"] = keep
        arguments = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
        sft_main(["--custom_register_path", str(PLUGIN_FILE), *arguments])
        lines = [json.loads(line) for line in (tmp_path / keep / "logging.jsonl").read_text().splitlines()]
        losses[keep] = [line["loss"] for line in lines if "loss" in line]
    assert losses["true"] == pytest.approx(losses["false"], rel=1e-5)
    assert cut and all(found < whole for whole, found in cut)

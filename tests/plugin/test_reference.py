"""SABER_REFERENCE_CACHE: `swift rlhf` on the tiny model with what the reference gives kept, against without."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.plugin.saber_options import REFERENCE, check_arguments
from tests.media_faults import encode, frames
from tests.plugin.rlhf import FULL, pair, rlhf, timeless, write_pairs
from tests.stepped_sounds import steps

pytestmark = pytest.mark.usefixtures("plugin")
slow = pytest.mark.slow
PAIRS, RATE = 8, 16_000
# Two epochs of two steps, of two batches of two pairs; all pairs are evaluated after each epoch, one at a time.
TWO_EPOCHS = {"max_steps": 4, "eval_strategy": "steps", "eval_steps": 2, "learning_rate": 1e-5}
# A float32 near -200, as the log-probabilities here are, is rounded by up to 8e-6; beta is 0.1, and the loss about 1.
ROUNDING = 1e-5
# The sum of three losses, with all that treats policy and reference differently.
LOSS = {"loss_type": ["ca_dpo", "ipo"], "loss_weights": [1.0, 0.1], "rpo_alpha": 0.5, "ld_alpha": 0.4}


@pytest.fixture(scope="module")
def pairs(tiny_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs") / "pairs.jsonl", tiny_world, PAIRS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(REFERENCE, str(tmp_path / "cache"))
    return tmp_path / "cache"


class Computed:
    """Counts the pairs that go through a reference, and ends after so many batches."""

    def __init__(self) -> None:
        self.pairs, self.references, self.left = 0, set[Any](), -1


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Computed]:
    from swift.rlhf_trainers import DPOTrainer

    found, compute = Computed(), DPOTrainer.compute_ref_log_probs

    def count(self: Any, batch: dict[str, Any]) -> Any:
        if found.left == 0:
            raise KeyboardInterrupt
        found.left -= 1
        chosen, rejected = compute(self, batch)
        found.pairs += len(chosen)
        found.references.add(type(self.ref_model))
        return chosen, rejected

    monkeypatch.setattr(DPOTrainer, "compute_ref_log_probs", count)
    yield found


def alike(log: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    """Check that two runs logged the same, but for rounding; what counts signs may be another where all is near 0."""
    assert len(log) == len(other) == 4 + 2
    for line, expected in zip(log, other, strict=True):
        assert line.keys() == expected.keys()
        for name in ("loss", "eval_loss", "grad_norm", "nll_loss", "eval_nll_loss", "logps/chosen"):
            if name in expected:
                assert line[name] == pytest.approx(expected[name], rel=ROUNDING, abs=0), name


@slow
def test_a_lora_computes_each_pair_once_and_a_second_run_none(
    tiny_model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, computed: Computed
) -> None:
    given = {"tuner_type": "lora", "val_dataset": pairs, **TWO_EPOCHS, **LOSS}
    stock = timeless(rlhf(tiny_model, pairs, tmp_path / "stock", **given))
    assert computed.pairs == 4 * PAIRS  # two epochs and two evaluations
    monkeypatch.setenv(REFERENCE, str(tmp_path / "cache"))
    computed.pairs = 0
    first = timeless(rlhf(tiny_model, pairs, tmp_path / "first", **given))
    assert computed.pairs == PAIRS
    second = timeless(rlhf(tiny_model, pairs, tmp_path / "second", **given))
    assert computed.pairs == PAIRS
    assert second == first
    assert first[:2] == stock[:2]  # batches of the first epoch are what the pairs were computed in
    alike(first, stock)


@slow
def test_full_tuning_loads_no_second_model_and_goes_on_from_a_checkpoint(
    tiny_model: Path,
    pairs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    computed: Computed,
    capfd: pytest.CaptureFixture[str],
) -> None:
    given = {**FULL, "val_dataset": pairs, **TWO_EPOCHS, **LOSS}
    stock = timeless(rlhf(tiny_model, pairs, tmp_path / "stock", **given))
    assert type(None) not in computed.references
    monkeypatch.setenv(REFERENCE, str(tmp_path / "cache"))
    computed.pairs, computed.references = 0, set()
    capfd.readouterr()
    # Another batch than in training, so that a pair's numbers are rounded otherwise; and none is left out.
    saving = {"save_strategy": "steps", "save_steps": 2, "save_only_model": "false"}
    uneven = {"per_device_eval_batch_size": 3, "dataloader_drop_last": "true"}
    ours = timeless(rlhf(tiny_model, pairs, tmp_path / "ours", **given, **saving, **uneven))
    assert computed.references == {type(None)}
    assert computed.pairs == PAIRS
    assert "Reference log-probabilities (train): 100%" in capfd.readouterr().err
    for line, expected in zip(ours, stock, strict=True):
        if "loss" in expected:  # the evaluation left two pairs out
            assert line["loss"] == pytest.approx(expected["loss"], rel=ROUNDING, abs=0)

    checkpoint = tmp_path / "ours" / "checkpoint-2"
    resumed = timeless(
        rlhf(tiny_model, pairs, tmp_path / "resumed", **given, **uneven, resume_from_checkpoint=checkpoint)
    )
    assert [line["loss"] for line in resumed if "loss" in line] == [line["loss"] for line in ours[3:] if "loss" in line]
    assert computed.pairs == PAIRS

    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(InputError, match=r"lacks 8 of 8 pairs \(such as row pair-\d\), and the model .* is not the"):
        rlhf(tiny_model, pairs, tmp_path / "refused", **given, resume_from_checkpoint=checkpoint)
    assert computed.pairs == PAIRS


@slow
def test_what_was_stopped_half_way_is_gone_on_with_and_a_pair_that_came_later_is_an_error_of_its_row(
    tiny_model: Path, pairs: Path, tmp_path: Path, folder: Path, computed: Computed, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {**FULL, "loss_type": "sigmoid", "max_steps": 1}
    computed.left = 5
    with pytest.raises(KeyboardInterrupt):
        rlhf(tiny_model, pairs, tmp_path / "stopped", **given)
    computed.left = -1
    rlhf(tiny_model, pairs, tmp_path / "whole", **given)
    assert computed.pairs == PAIRS
    assert len(list(folder.glob("*/*.jsonl"))) == 2

    # A clip that is another by the time that training comes to it.
    from swift_saber.plugin import saber_template
    from swift_saber.plugin.saber_reference import ReferenceMixin

    begin = ReferenceMixin.begin

    def begin_and_change(self: Any, step: int) -> None:
        begin(self, step)
        monkeypatch.setattr(saber_template, "pair_key", lambda encoded: "0" * 32)

    monkeypatch.setattr(ReferenceMixin, "begin", begin_and_change)
    with pytest.raises(InputError, match=r"row pair-\d: pair: .* holds nothing of it, and the model has been trained"):
        rlhf(tiny_model, pairs, tmp_path / "changed", **given)


def test_other_frames_and_another_answer_are_other_pairs(
    processor: Any, tiny_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swift.template import get_template

    from swift_saber.plugin.saber_reference_cache import KEY

    template = get_template(processor, template_type="qwen2_5_omni")
    template.set_mode("rlhf")
    _, other = next(read_rows(tiny_world / "train.jsonl"))
    encode(tmp_path / "film.mp4", frames(5 * 8), steps(RATE)[: 5 * RATE])  # 10 frames at two a second
    clip = {"videos": [str(tmp_path / "film.mp4")], "audios": [str(tmp_path / "film.mp4")]}

    def key(**columns: Any) -> str:
        row = pair(0, clip, **columns)
        row["rejected_messages"] = [row["messages"][0], {"role": "assistant", "content": row.pop("rejected_response")}]
        found: str = template.encode(row)[KEY]
        return found

    with pytest.raises(KeyError):
        key()  # no time is spent on it unless it is asked for
    template.keyed_pairs = True
    first = key()
    assert key(id="renamed", scores=None, consistency=None) == first
    others = [key(rejected_response="No."), key(audios=other["audios"]), key(videos=other["videos"])]
    monkeypatch.setattr("qwen_omni_utils.v2_5.vision_process.FPS_MAX_FRAMES", 2)
    others.append(key())
    assert len({first, *others}) == 5


RIGHT = {
    "rlhf_type": "dpo",
    "loss_type": "sigmoid",
    "tuner_type": "lora",
    "init_weights": True,
    "lora_bias": "none",
    "new_special_tokens": [],
    "adapters": ["sed"],
    "ref_adapters": ["sed"],
    "neftune_noise_alpha": None,
    "sequence_parallel_size": 1,
    "streaming": False,
}
FULL_TUNING = {"tuner_type": "full", "adapters": [], "ref_adapters": []}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"rlhf_type": "kto"}, "SABER_REFERENCE_CACHE: is for --rlhf_type dpo and would be ignored with kto; unset it"),
        ({"tuner_type": "longlora"}, "tuner_type: is longlora, .*; use full or lora, or unset SABER_REFERENCE_CACHE"),
        ({"init_weights": "pissa"}, "init_weights: is pissa, which changes the base model"),
        ({"lora_bias": "all"}, "lora_bias: is all, which changes the base model"),
        ({"new_special_tokens": ["<x>"]}, r"new_special_tokens: is \['<x>'\], which begin as random numbers"),
        ({"neftune_noise_alpha": 5.0}, "neftune_noise_alpha: is 5.0, and the noise reaches the reference too"),
        ({"sequence_parallel_size": 2}, "sequence_parallel_size: is 2, which was not checked"),
        ({**FULL_TUNING, "adapters": ["sed"]}, r" adapters: is \['sed'\], and full tuning begins without it; use none"),
        ({**FULL_TUNING, "ref_adapters": ["sed"]}, r" ref_adapters: is \['sed'\], and full tuning begins without it"),
        (
            {"tuner_type": "full", "adapters": [], "ref_adapters": [], "streaming": True},
            "streaming: is True, and with full tuning all pairs",
        ),
    ],
)
def test_what_the_kept_numbers_would_not_be_those_of_is_refused_at_start(
    folder: Path, changed: dict[str, Any], said: str
) -> None:
    check_arguments(SimpleNamespace(**RIGHT))
    check_arguments(SimpleNamespace(**{**RIGHT, **FULL_TUNING}))
    with pytest.raises(InputError, match=said):
        check_arguments(SimpleNamespace(**{**RIGHT, **changed}))


def test_a_file_is_no_folder_to_keep_them_in(folder: Path) -> None:
    write_rows(folder, [])
    with pytest.raises(InputError, match="SABER_REFERENCE_CACHE: is .*, not a folder"):
        check_arguments(SimpleNamespace(**RIGHT))


def described(folder: Path, base: Path, attention: str = "sdpa", **changed: Any) -> Any:
    """The Reference that a run with these arguments has."""
    from swift_saber.plugin.saber_reference import _reference

    args = {
        "tuner_type": "full",
        "model": str(base),
        "model_dir": str(base),
        "model_revision": None,
        "ref_model": str(base),
        "ref_model_revision": None,
        "ref_adapters": [],
        "resume_from_checkpoint": None,
        "resume_only_model": False,
        "torch_dtype": "float32",
        "rope_scaling": None,
        "quant_method": None,
        "deepspeed": None,
        "use_hf": None,
        "hub_token": None,
        "training_args": SimpleNamespace(bf16=False, fp16=False),
        **changed,
    }
    return _reference(
        SimpleNamespace(**args), SimpleNamespace(config=SimpleNamespace(_attn_implementation=attention)), str(folder)
    )


def weights(folder: Path, name: str, number: float) -> Path:
    folder.mkdir(parents=True)
    save_file({"a": torch.full((4,), number)}, folder / name)
    return folder


def test_a_reference_is_its_weights_and_what_they_are_computed_with(tmp_path: Path) -> None:
    from swift_saber.plugin.saber_reference import _QUANTISED

    model, copy = (weights(tmp_path / name, "model.safetensors", 1) for name in ("model", "copy"))
    trained = weights(tmp_path / "trained", "model.safetensors", 2)
    adapters = [weights(tmp_path / f"adapter-{n}", "adapter_model.safetensors", n) for n in (3, 4)]
    cache = tmp_path / "cache"
    first = described(cache, model).cache.folder
    assert described(cache, copy, tuner_type="lora", ref_model=None).cache.folder == first
    others = [
        described(cache, trained).cache.folder,
        described(cache, model, ref_model=str(trained)).cache.folder,
        *(described(cache, model, tuner_type="lora", ref_adapters=[str(one)]).cache.folder for one in adapters),
        described(cache, model, torch_dtype="bfloat16").cache.folder,
        described(cache, model, attention="flash_attention_2").cache.folder,
        described(cache, model, quant_method="bnb", **dict.fromkeys(_QUANTISED)).cache.folder,
        described(cache, model, deepspeed={"zero_optimization": {"stage": 2}}).cache.folder,
    ]
    assert others[0] == others[1]
    assert len({first, *others}) == len(others)


def test_full_tuning_computes_only_while_the_model_is_the_reference(tmp_path: Path) -> None:
    model, copy = (weights(tmp_path / name, "model.safetensors", 1) for name in ("model", "copy"))
    trained = weights(tmp_path / "trained", "model.safetensors", 2)
    cache, again = tmp_path / "cache", {"resume_from_checkpoint": str(trained)}
    assert described(cache, model).at_start
    assert described(cache, model, ref_model=str(copy)).at_start
    assert not described(cache, model, ref_model=str(trained)).at_start
    assert not described(cache, model, **again).at_start
    # ms-swift takes the checkpoint for the model then, and for the reference too unless another is named.
    only = {"resume_only_model": True, "model": str(trained), "model_dir": str(trained), **again}
    assert described(cache, model, **{**only, "ref_model": str(trained)}).at_start
    assert not described(cache, model, **only).at_start
    # With LoRA the reference is part of the model at any time.
    assert not described(cache, model, tuner_type="lora", ref_model=None).apart

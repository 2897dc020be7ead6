"""The loss of CA-DPO against arithmetic by hand and against ms-swift's sigmoid loss; then `swift rlhf --loss_type
ca_dpo` on the tiny model, against stock DPO and against losses derived by hand."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.plugin.saber_ca_dpo import ca_dpo_loss
from tests.plugin.rlhf import FLAGS, FULL, OURS, STOCK, pair, rlhf, timeless, write_pairs

pytestmark = pytest.mark.usefixtures("plugin")
slow = pytest.mark.slow
LN3 = math.log(3)
WORDS = ("consistent", "inconsistent")
# So small that the loss is still far from 0 after six steps: each step has something to compare.
SLOW_LEARNING = {"learning_rate": 1e-5}
EVALUATED = {"eval_strategy": "steps", "eval_steps": 3}
# The first step has four pairs in two batches; nothing is learnt before its loss is written.
ONE_STEP = {"max_steps": 1, "dataset_shuffle": "false", "train_dataloader_shuffle": "false"}


def grad_of(loss: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    return torch.autograd.grad(loss.sum(), delta)[0]


def test_the_loss_by_hand() -> None:
    """beta 0.5, Delta = (2 ln 3, 0, -2 ln 3), so beta Delta = (ln 3, 0, -ln 3).

    sigmoid(ln 3) = 3 / (3 + 1) = 3/4, sigmoid(0) = 1/2, sigmoid(-ln 3) = 1/4;
    L = -log of these = (ln 4/3, ln 2, ln 4).
    """
    delta = torch.tensor([2 * LN3, 0.0, -2 * LN3], dtype=torch.float64)
    expected = torch.tensor([math.log(4 / 3), math.log(2), math.log(4)], dtype=torch.float64)
    torch.testing.assert_close(ca_dpo_loss(delta, beta=0.5), expected)


def test_a_margin_is_a_lead_that_the_chosen_answer_must_have() -> None:
    """beta Delta = ln 3 and m = (0, ln 3, 2 ln 3): sigmoid(ln 3, 0, -ln 3) = (3/4, 1/2, 1/4)."""
    delta = torch.full((3,), LN3, dtype=torch.float64)
    margins = torch.tensor([0.0, LN3, 2 * LN3], dtype=torch.float64)
    expected = torch.tensor([math.log(4 / 3), math.log(2), math.log(4)], dtype=torch.float64)
    torch.testing.assert_close(ca_dpo_loss(delta, beta=1.0, margins=margins), expected)


def test_a_weight_multiplies_its_pair_alone() -> None:
    """Delta = 0: L = w ln 2 = (ln 2, 3 ln 2, ln 2 / 2)."""
    losses = ca_dpo_loss(torch.zeros(3), beta=0.1, weights=torch.tensor([1.0, 3.0, 0.5]))
    torch.testing.assert_close(losses, torch.tensor([1.0, 3.0, 0.5]) * math.log(2))


def test_label_smoothing_applies_to_the_shifted_logit() -> None:
    """beta Delta - m = ln 3 with eps 0.2: 0.8 (-log 3/4) + 0.2 (-log 1/4) = 0.8 ln 4/3 + 0.2 ln 4; times w = 2."""
    losses = ca_dpo_loss(
        torch.tensor([2 * LN3], dtype=torch.float64),
        beta=1.0,
        weights=torch.tensor([2.0], dtype=torch.float64),
        margins=torch.tensor([LN3], dtype=torch.float64),
        label_smoothing=0.2,
    )
    assert losses.item() == pytest.approx(2 * (0.8 * math.log(4 / 3) + 0.2 * math.log(4)))


def test_the_gradient_pulls_apart_by_the_weight_and_harder_below_the_margin() -> None:
    """dL/dDelta = -w beta (1 - sigmoid(beta Delta - m)).

    beta 0.5, beta Delta = ln 3: (1 - 3/4) = 1/4, so -0.125; with w = 3, -0.375; with m = ln 3, (1 - 1/2), so -0.25.
    """
    delta = torch.full((3,), 2 * LN3, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([1.0, 3.0, 1.0], dtype=torch.float64)
    margins = torch.tensor([0.0, 0.0, LN3], dtype=torch.float64)
    grad = grad_of(ca_dpo_loss(delta, beta=0.5, weights=weights, margins=margins), delta)
    torch.testing.assert_close(grad, torch.tensor([-0.125, -0.375, -0.25], dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_with_its_defaults_loss_and_gradient_are_ms_swifts_to_the_last_bit(smoothing: float, dtype: Any) -> None:
    from swift.rlhf_trainers import DPOTrainer

    stock = SimpleNamespace(
        accelerator=SimpleNamespace(device="cpu"),
        reference_free=False,
        f_divergence_type="reverse_kl",
        beta=0.1,
        label_smoothing=smoothing,
    )
    torch.manual_seed(3)
    logps = [(torch.randn(500) * 40 - 200).to(dtype).requires_grad_() for _ in range(4)]
    expected = DPOTrainer.dpo_loss(stock, *logps, "sigmoid")[0]
    chosen, rejected, ref_chosen, ref_rejected = logps
    delta = (chosen - rejected) - (ref_chosen - ref_rejected)
    losses = ca_dpo_loss(delta, beta=0.1, label_smoothing=smoothing)
    assert torch.equal(losses, expected)
    assert torch.equal(grad_of(losses, chosen), grad_of(expected, chosen))


@pytest.fixture(autouse=True)
def options_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training run that an error ended may put back the environment that it began with, after the test is over."""
    for name in ("SABER_INCONSISTENT_WEIGHT", "SABER_MARGIN_SCALE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def two_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """As stock makes them of a pair; as one row it is the same sum in another order (test_joint.py)."""
    monkeypatch.setenv("SABER_JOINT_PAIRS", "false")


@pytest.fixture(scope="module")
def pairs(tiny_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pairs: 0, 3, 6, 9 inconsistent; scores (4, 2) where the number is even, (5, 2) where it is odd."""
    return write_pairs(tmp_path_factory.mktemp("pairs") / "pairs.jsonl", tiny_world, 12)


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


@slow
@pytest.mark.parametrize(
    ("flags", "loss_types"),
    [
        ({}, []),
        ({"rpo_alpha": 0.5, "ld_alpha": 0.4, "label_smoothing": 0.1}, []),
        ({"loss_weights": [0.8, 0.3]}, ["sft"]),
    ],
    ids=["alone", "rpo-ld-smoothing", "with-sft"],
)
def test_with_its_defaults_training_is_stock_dpo_to_the_last_bit(
    tiny_model: Path, pairs: Path, tmp_path: Path, two_rows: None, flags: Any, loss_types: list[str]
) -> None:
    logs = {}
    for trainer, name in ((STOCK, "sigmoid"), (OURS, "ca_dpo")):
        given = {
            **FULL,
            **SLOW_LEARNING,
            **flags,
            "loss_type": [name, *loss_types],
            "save_strategy": "steps",
            **EVALUATED,
        }
        log = rlhf(tiny_model, pairs, tmp_path / name, trainer=trainer, val_dataset=pairs, **given)
        logs[name] = timeless(log)
    assert len(logs["sigmoid"]) == 6 + 2  # six steps, evaluated after the third and the sixth
    assert len({line["loss"] for line in logs["sigmoid"] if "loss" in line}) == 6
    for stock, ours in zip(logs["sigmoid"], logs["ca_dpo"], strict=True):
        assert {key: ours[key] for key in stock} == stock
        assert all("consistent" in key for key in ours.keys() - stock.keys())
    stock, ours = (weights_of(tmp_path / name / "checkpoint-6") for name in logs)
    assert stock.keys() == ours.keys()
    assert all(torch.equal(stock[key], ours[key]) for key in stock)


@slow
def test_any_other_loss_type_is_left_to_ms_swift(tiny_model: Path, pairs: Path, tmp_path: Path, two_rows: None) -> None:
    given = {**FULL, **SLOW_LEARNING, "loss_type": "ipo", "max_steps": 2}
    stock, ours = (timeless(rlhf(tiny_model, pairs, tmp_path / name, trainer=name, **given)) for name in (STOCK, OURS))
    assert ours == stock


def combined(line: dict[str, Any], key: str, counts: dict[str, int]) -> float:
    """The mean over all pairs from the means over the consistent and the inconsistent ones."""
    total = sum(counts.values())
    return sum(counts[word] * line[f"{key}_{word}"] for word in WORDS if counts[word]) / total


@slow
def test_weights_and_margins_reach_the_loss_and_both_kinds_are_counted_apart(
    tiny_model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first step has pairs 0..3, of which 0 and 3 are inconsistent, and Delta = 0: nothing is learnt yet.

    So L_i = w_i (-log sigmoid(-m_i)) = w_i log(1 + e^m_i), with w = (3, 1, 1, 3) and, at a scale of 0.5,
    m = 0.5 (4 - 2, 5 - 2, 4 - 2, 5 - 2) = (1, 1.5, 1, 1.5):
    L = (3 log(1 + e) + log(1 + e^1.5) + log(1 + e) + 3 log(1 + e^1.5)) / 4 = log(1 + e) + log(1 + e^1.5).
    """
    monkeypatch.setenv("SABER_INCONSISTENT_WEIGHT", "3")
    monkeypatch.setenv("SABER_MARGIN_SCALE", "0.5")
    given = {**FULL, **ONE_STEP, **EVALUATED, "loss_type": "ca_dpo", "max_steps": 3}
    log = rlhf(tiny_model, pairs, tmp_path / "out", val_dataset=pairs, **given)
    first, second, third, evaluated = timeless(log)
    assert first["loss"] == pytest.approx(math.log1p(math.e) + math.log1p(math.exp(1.5)), rel=1e-6)
    # Steps have pairs 0..3, 4..7 (6 is inconsistent) and 8..11 (9 is); the evaluation has all twelve.
    for line, inconsistent in ((first, 2), (second, 1), (third, 1)):
        counts = {"inconsistent": inconsistent, "consistent": 4 - inconsistent}
        for key in ("rewards/accuracies", "rewards/margins"):
            assert combined(line, key, counts) == pytest.approx(line[key], rel=1e-6, abs=1e-6)
    assert second["rewards/margins_consistent"] != second["rewards/margins_inconsistent"]
    for key in ("eval_rewards/accuracies", "eval_rewards/margins"):
        both = combined(evaluated, key, {"consistent": 8, "inconsistent": 4})
        assert both == pytest.approx(evaluated[key], rel=1e-6, abs=1e-6)  # of float32, in which 10 has no millionths
    args = json.loads((tmp_path / "out" / "args.json").read_text())
    off = {"modality_parts": "", "invariance_weight": 0.0}
    assert args["ca_dpo_settings"] == {"inconsistent_weight": 3.0, "margin_scale": 0.5, **off}


@slow
def test_a_weight_alone_with_several_loss_types_multiplies_only_ca_dpo(
    tiny_model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pairs 0..3, w = (3, 1, 1, 3), Delta = 0, loss weights (0.8, 0.3): L = 0.8 * 8/4 ln 2 + 0.3 nll."""
    monkeypatch.setenv("SABER_INCONSISTENT_WEIGHT", "3")
    given = {**FULL, **ONE_STEP, "loss_type": ["ca_dpo", "sft"], "loss_weights": [0.8, 0.3]}
    (line,) = timeless(rlhf(tiny_model, pairs, tmp_path / "out", **given))
    assert line["loss"] == pytest.approx(1.6 * math.log(2) + 0.3 * line["nll_loss"], rel=1e-6)


@slow
def test_a_step_without_inconsistent_pairs_says_nothing_of_them(
    tiny_model: Path, tiny_world: Path, tmp_path: Path
) -> None:
    clips = [row for _, row in read_rows(tiny_world / "train.jsonl")][:4]
    words = ("consistent", "consistent", None, "consistent")
    rows = [pair(number, clip, consistency=word) for number, (clip, word) in enumerate(zip(clips, words, strict=True))]
    write_rows(tmp_path / "pairs.jsonl", rows)
    given = {**FULL, **ONE_STEP, "loss_type": "ca_dpo"}
    (line,) = timeless(rlhf(tiny_model, tmp_path / "pairs.jsonl", tmp_path / "out", **given))
    assert [key for key in line if "consistent" in key] == [
        "rewards/accuracies_consistent",
        "rewards/margins_consistent",
    ]


@slow
def test_without_padding_each_pair_keeps_its_weight_and_margin(
    tiny_model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss of the first step is the one derived above, and counts the same pairs."""
    from swift.arguments import RLHFArguments

    monkeypatch.setenv("SABER_INCONSISTENT_WEIGHT", "3")
    monkeypatch.setenv("SABER_MARGIN_SCALE", "0.5")
    # ms-swift asks for flash attention, which needs a GPU. With another kind the rows of a batch see one another, so
    # this shows the way that columns take and not what is learnt.
    monkeypatch.setattr(RLHFArguments, "_check_padding_free", lambda self: None)
    given = {**FULL, **ONE_STEP, "loss_type": "ca_dpo", "padding_free": "true", "attn_impl": "sdpa"}
    (line,) = timeless(rlhf(tiny_model, pairs, tmp_path / "out", **given))
    assert line["loss"] == pytest.approx(math.log1p(math.e) + math.log1p(math.exp(1.5)), rel=1e-6)
    assert line["rewards/margins_inconsistent"] == line["rewards/margins_consistent"] == 0


@pytest.fixture(scope="module")
def sed(tiny_model: Path, tiny_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA checkpoint of the first stage."""
    from swift.pipelines import sft_main

    output = tmp_path_factory.mktemp("sed")
    flags = {key: value for key, value in FLAGS.items() if key not in {"rlhf_type", "strict", "save_strategy"}}
    flags |= {"model": tiny_model, "dataset": tiny_world / "train.jsonl", "output_dir": output, "max_steps": 3}
    arguments = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
    sft_main(["--custom_register_path", str(PLUGIN_FILE), "--tuner_type", "lora", *arguments])
    return output / "checkpoint-3"


@slow
def test_a_lora_starts_from_the_sed_adapter_and_keeps_to_it_as_the_reference(
    tiny_model: Path, tiny_world: Path, pairs: Path, sed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peft import get_peft_model_state_dict
    from swift.pipelines import infer_main

    from swift_saber.plugin.saber_ca_dpo import CADPOTrainer

    trained: list[Any] = []
    train = CADPOTrainer.train

    def train_and_keep(self: Any, *args: Any) -> Any:
        trained.append(self)
        return train(self, *args)

    monkeypatch.setattr(CADPOTrainer, "train", train_and_keep)
    output = tmp_path / "out"
    given = {"tuner_type": "lora", "adapters": sed, "ref_adapters": sed, "save_strategy": "steps", "max_steps": 3}
    log = timeless(rlhf(tiny_model, pairs, output, loss_type="ca_dpo", **given))
    # Policy and reference are one model at first: Delta = 0, so L = -log sigmoid(0) = ln 2.
    assert log[0]["loss"] == pytest.approx(math.log(2), abs=1e-7)
    assert log[-1]["loss"] < log[0]["loss"]
    before = load_file(sed / "adapter_model.safetensors")
    reference = get_peft_model_state_dict(trained[0].model, adapter_name="ref_adapter")
    assert before.keys() == reference.keys()
    assert all(torch.equal(before[key], reference[key]) for key in before)
    after = load_file(output / "checkpoint-3" / "adapter_model.safetensors")
    assert before.keys() == after.keys()
    assert not all(torch.equal(before[key], after[key]) for key in before)
    questions = write_questions(tmp_path / "in.jsonl", tiny_world)
    arguments = ["--adapters", output / "checkpoint-3", "--val_dataset", questions, "--max_new_tokens", 4]
    infer_main([str(part) for part in (*arguments, "--result_path", tmp_path / "out.jsonl")])
    assert len(list(read_rows(tmp_path / "out.jsonl"))) == 2


def write_questions(path: Path, world: Path) -> Path:
    clips = [row for _, row in read_rows(world / "train.jsonl")][:2]
    write_rows(path, [{"videos": clip["videos"], "audios": clip["audios"]} for clip in clips])
    return path


@slow
def test_pairs_of_a_stock_file_without_what_an_option_needs_stop_the_run(
    tiny_model: Path, tiny_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SABER_INCONSISTENT_WEIGHT", "2")
    clips = [row for _, row in read_rows(tiny_world / "train.jsonl")][:4]
    rows = [pair(number, clip, consistency=None, scores=None, system="Be brief.") for number, clip in enumerate(clips)]
    write_rows(tmp_path / "pairs.jsonl", rows)
    given = {**FULL, **ONE_STEP, "loss_type": "ca_dpo", "strict": "false"}
    with pytest.raises(InputError, match="row .*: consistency: is missing, which SABER_INCONSISTENT_WEIGHT needs"):
        rlhf(tiny_model, tmp_path / "pairs.jsonl", tmp_path / "out", **given)


def refuse(model: Path, data: Path, output: Path, said: str, **flags: Any) -> None:
    """Check that a run is refused before a model is loaded."""
    with pytest.raises(InputError, match=said):
        rlhf(model, data, output, **{"loss_type": "ca_dpo", **flags})


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from swift.pipelines.train.rlhf import SwiftRLHF

    def load(self: Any) -> None:
        raise AssertionError("must not get this far")

    monkeypatch.setattr(SwiftRLHF, "_prepare_model_tokenizer", load)
    yield


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SABER_INCONSISTENT_WEIGHT", "0", "is 0; use a number above 0"),
        ("SABER_INCONSISTENT_WEIGHT", "-1", "is -1; use a number above 0"),
        ("SABER_INCONSISTENT_WEIGHT", "two", "is 'two', not a number"),
        ("SABER_INCONSISTENT_WEIGHT", "nan", "is nan; use a finite number"),
        ("SABER_MARGIN_SCALE", "-0.5", r"is -0.5; use a number of 0"),
        ("SABER_MARGIN_SCALE", "inf", "is inf; use a finite number"),
    ],
)
def test_an_option_out_of_range_is_refused_at_start(
    tiny_model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    refuse(tiny_model, pairs, tmp_path, f"environment: {name}: {said}", **FULL)


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("flags", [{"loss_type": "sigmoid"}, {"rlhf_type": "orpo", "loss_type": "sigmoid"}])
@pytest.mark.parametrize("name", ["SABER_INCONSISTENT_WEIGHT", "SABER_MARGIN_SCALE"])
def test_an_option_that_nothing_would_look_at_is_refused_at_start(
    tiny_model: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, flags: Any
) -> None:
    monkeypatch.setenv(name, "2")
    refuse(tiny_model, pairs, tmp_path, f"{name}: would be ignored: .*; add --loss_type ca_dpo", **FULL, **flags)


@pytest.mark.usefixtures("no_model")
@pytest.mark.parametrize("loss_type", ["ca_dpo", ["ca_dpo", "sft"]])
def test_an_adapter_to_start_from_that_is_not_the_reference_is_refused_at_start(
    tiny_model: Path, pairs: Path, tmp_path: Path, loss_type: Any
) -> None:
    adapter = tmp_path / "sed"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    said = f"ref_adapters: is missing, .*; add --ref_adapters {adapter}"
    refuse(tiny_model, pairs, tmp_path / "out", said, tuner_type="lora", adapters=adapter, loss_type=loss_type)


@pytest.mark.usefixtures("no_model")
def test_sequence_parallel_is_refused_at_start(tiny_model: Path, pairs: Path, tmp_path: Path) -> None:
    refuse(tiny_model, pairs, tmp_path, "sequence_parallel_size: is 2, which was not checked", sequence_parallel_size=2)

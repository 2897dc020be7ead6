"""The loss of CA-DPO against arithmetic by hand and against ms-swift's sigmoid loss."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from swift_saber.plugin.saber_loss import ca_dpo_loss

LN3 = math.log(3)


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

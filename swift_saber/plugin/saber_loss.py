"""The preference loss of CA-DPO for one batch of pairs. Knows tensors only, nothing of ms-swift."""

import torch
import torch.nn.functional as F


def ca_dpo_loss(
    delta: torch.Tensor,
    *,
    beta: float,
    weights: torch.Tensor | None = None,
    margins: torch.Tensor | None = None,
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """Return the loss of each pair: L_i = -w_i log sigmoid(beta Delta_i - m_i).

    Delta_i = [log pi(y_w) - log pi_ref(y_w)] - [log pi(y_l) - log pi_ref(y_l)], for the chosen answer y_w and the
    rejected y_l (Rafailov et al. 2023, arXiv:2305.18290, equation 7). Without weights and margins it is ms-swift's
    "sigmoid" loss, bit for bit: the same operations in the same order, so that the gradients agree as well.

    Args:
        delta: Delta_i of each pair, shape (n,), in nats.
        beta: strength of the pull towards the reference, > 0.
        weights: w_i, shape (n,), >= 0; 1 where it is None.
        margins: m_i, shape (n,), the lead that beta Delta_i has to reach; 0 where it is None. Subtracting it inside
            the sigmoid is the offset of Amini et al. 2024 (arXiv:2402.10571). No margin term was found for CA-DPO:
            it is ours.
        label_smoothing: the share of pairs whose labels are taken to be the wrong way round, in [0, 0.5). The
            formula is that of Mitchell's conservative DPO, as in ms-swift, applied to the shifted logit.

    Returns:
        The losses, shape (n,), not averaged.
    """
    # Written twice, as in ms-swift: with one common `logit` the two gradients would be rounded in another order.
    logit, opposite = beta * delta, -beta * delta
    if margins is not None:
        logit, opposite = logit - margins, opposite + margins
    losses = -F.logsigmoid(logit) * (1 - label_smoothing) - F.logsigmoid(opposite) * label_smoothing
    return losses if weights is None else losses * weights

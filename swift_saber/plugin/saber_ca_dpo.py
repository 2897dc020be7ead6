"""CA-DPO as a loss type of ms-swift's DPO trainer: `swift rlhf --rlhf_type dpo --loss_type ca_dpo`.

ms-swift makes the batch, runs the model and the reference, adds up several loss types and logs. Added here: the loss,
each pair's weight and margin, the parts of modality pairs (saber_modality.py), and accuracies and margins apart for
consistent and inconsistent clips; and, for every loss type, a step that does nothing twice (saber_joint.py,
saber_towers.py). Megatron has a trainer of its own, which does not know ca_dpo.
"""

from collections import Counter
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from swift.rlhf_trainers import DPOTrainer
from swift.utils import get_logger

from swift_saber.errors import InputError
from swift_saber.plugin import saber_joint, saber_modality
from swift_saber.plugin.saber_options import CA_DPO, JOINT, MODALITY_PAIRS, PARTS, Options, loss_types, options
from swift_saber.plugin.saber_pairs import CODES
from swift_saber.plugin.saber_reference import ReferenceMixin
from swift_saber.plugin.saber_template import SEDMixin
from swift_saber.plugin.saber_towers import Towers

logger = get_logger()
# After so many pairs without one of which parts are compared, a run that asked for it is told.
_TOLD_AFTER = 100


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


class Modality(NamedTuple):
    """What a batch of n pairs shows of its modality pairs (saber_modality.py).

    Attributes:
        pairs: bool, of shape (n,): which they are.
        moved: of shape (n,), in nats: what the clip's own media add to what is to move with them.
        drift: of shape (n,), in nats: how far a token moves that should not.
    """

    pairs: torch.Tensor
    moved: torch.Tensor
    drift: torch.Tensor


class CADPOTrainer(ReferenceMixin, DPOTrainer):
    """DPO with the loss type "ca_dpo" beside the stock ones.

    Raises:
        InputError: an option is out of range, or is set for a model whose template cannot tell the clips apart.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ca_dpo = CA_DPO in loss_types(self.args)
        self.options = options() if self.ca_dpo else Options()
        # Of the batch at work, for dpo_loss, whose arguments ms-swift fixes.
        self._weights: torch.Tensor | None = None
        self._margins: torch.Tensor | None = None
        self._rewards: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._token_logps: torch.Tensor | None = None  # of the last forward
        self._modality: Modality | None = None  # where the batch has modality pairs whose parts are told apart
        self._compared: Counter[bool] = Counter()  # of the pairs trained on, those that are such ones, and the others
        self._towers: Towers | None = None
        if isinstance(self.template, SEDMixin):
            self._do_nothing_twice(self.template)
        if not self.ca_dpo:
            return
        needs = self.options.needs
        if isinstance(self.template, SEDMixin):
            self.template.pair_needs = needs
        else:
            needs = {**needs, **({"parts": PARTS} if self.options.modality_parts else {})}
            for column, name in needs.items():
                raise InputError(
                    "environment",
                    name,
                    f"needs each pair's {column}, which only the SED templates bring along",
                    "use Qwen2.5-Omni or Qwen3-Omni, or unset it",
                )

    def _do_nothing_twice(self, template: Any) -> None:
        models = [self.accelerator.unwrap_model(one) for one in (self.model, self.ref_model) if one is not None]
        self._towers = Towers(*models)
        hindrance = saber_joint.hindrance(models[0], template, router_loss=self.aux_loss_enabled)
        template.joint_pairs = hindrance is None
        if hindrance and self.options.modality_parts:
            remedy = f"use --attn_impl sdpa without padding-free rows and leave {JOINT} on, or unset it"
            raise InputError("environment", PARTS, f"needs batches that are made here, and {hindrance}", remedy)
        if hindrance:
            logger.info(f"swift-saber: both sides of a pair are rows of their own: {hindrance}")

    def concatenated_forward(self, model: Any, batch: dict[str, Any], is_ref_model: bool = False) -> dict[str, Any]:
        found: dict[str, Any]
        if saber_joint.KEY not in batch:
            found = super().concatenated_forward(model, batch, is_ref_model)
            self._token_logps = None
            return found
        given = saber_joint.model_inputs(batch)
        outputs: list[Any] = []

        def run(**_: Any) -> Any:
            outputs.append(model(**given))
            return outputs[0]

        # For ms-swift the batch is the answers alone, and this is a model whose logits are theirs.
        found = super().concatenated_forward(run, {"labels": batch["labels"]}, is_ref_model)
        masks = batch[saber_joint.KEY].get("masks")
        if masks is not None:
            self._compare_parts(found, masks, outputs[0].logits, is_ref_model)
        self._token_logps = None
        return found

    def get_per_token_logps(self, *args: Any, **kwargs: Any) -> Any:
        found = super().get_per_token_logps(*args, **kwargs)
        self._token_logps = found[0]
        return found

    def _compare_parts(
        self, found: dict[str, Any], masks: dict[str, torch.Tensor], logits: torch.Tensor, is_ref_model: bool
    ) -> None:
        """Have modality pairs stand for the tokens that move, and see how far those move that should not.

        Args:
            found: what ms-swift made of the batch, changed in place.
            masks: of saber_modality.masks.
            logits: of shape (2n, m, vocabulary).
        """
        assert self._token_logps is not None
        n = len(masks["pairs"])
        own, other = ((logps * masks["moved"]).sum(1) for logps in self._token_logps.split(n))
        found["chosen_logps"] = torch.where(masks["pairs"], own, found["chosen_logps"])
        found["rejected_logps"] = torch.where(masks["pairs"], other, found["rejected_logps"])
        for name in ("chosen_completion_token_counts", "rejected_completion_token_counts"):  # by which ipo divides
            found[name] = torch.where(masks["pairs"], masks["moved"].sum(1), found[name])
        if is_ref_model:
            return
        with nullcontext() if self.options.invariance_weight else torch.no_grad():
            # Without a gradient through the replaced media, as in MoD-DPO.
            drift = saber_modality.drift(logits[:n], logits[n:].detach(), masks["kept"])
        self._modality = Modality(masks["pairs"], moved=(own - other).detach(), drift=drift)

    def get_batch_loss_metrics(
        self, model: Any, batch: dict[str, Any], train_eval: str = "train", *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, dict[str, float]]:
        with self._towers.once() if self._towers else nullcontext():
            return self._loss_and_metrics(model, batch, train_eval, *args, **kwargs)

    def _loss_and_metrics(
        self, model: Any, batch: dict[str, Any], train_eval: str, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, dict[str, float]]:
        loss: torch.Tensor
        metrics: dict[str, float]
        if not self.ca_dpo:
            loss, metrics = super().get_batch_loss_metrics(model, batch, train_eval, *args, **kwargs)
            return loss, metrics
        # The model is called with all that stands in the batch, and does not know these two.
        batch = dict(batch)
        consistency, margin = batch.pop("consistency", None), batch.pop("margin", None)
        scale, weight = self.options.margin_scale, self.options.inconsistent_weight
        self._margins = scale * margin if scale else None
        self._weights = torch.where(consistency == CODES["inconsistent"], weight, 1.0) if weight != 1 else None
        self._rewards = []
        self._modality = None
        loss, metrics = super().get_batch_loss_metrics(model, batch, train_eval, *args, **kwargs)
        if consistency is not None:
            self._count(consistency, train_eval)
            if self.options.modality_parts:
                self._count_modality(self._modality, consistency, train_eval)
        self._modality = None
        return loss, metrics

    def dpo_loss(
        self,
        chosen_logps: torch.Tensor,
        rejected_logps: torch.Tensor,
        ref_chosen_logps: torch.Tensor,
        ref_rejected_logps: torch.Tensor,
        loss_type: str = "sigmoid",
        model_output: dict[str, torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        # The rewards do not depend on the loss type: those of ca_dpo are the stock ones.
        losses, chosen_rewards, rejected_rewards = super().dpo_loss(
            chosen_logps,
            rejected_logps,
            ref_chosen_logps,
            ref_rejected_logps,
            "sigmoid" if loss_type == CA_DPO else loss_type,
            model_output,
        )
        if loss_type == CA_DPO:
            device = self.accelerator.device
            # In the order in which ms-swift subtracts, so that the numbers agree to the last bit.
            delta = (chosen_logps - rejected_logps).to(device) - (ref_chosen_logps - ref_rejected_logps).to(device)
            losses = ca_dpo_loss(
                delta,
                beta=self.beta,
                weights=self._weights,
                margins=self._margins,
                label_smoothing=self.label_smoothing,
            )
            if self._modality is not None and self.options.invariance_weight:
                losses = losses + self.options.invariance_weight * self._modality.drift
        self._rewards.append((chosen_rewards, rejected_rewards))
        return losses, chosen_rewards, rejected_rewards

    def _count(self, consistency: torch.Tensor, train_eval: str) -> None:
        """Add the batch's pairs to the means per consistency, which ms-swift takes over all pairs when it logs."""
        loss_weights = self.loss_weights or [1.0] * len(self._rewards)
        # Added up as ms-swift does for rewards/accuracies and rewards/margins, of which these are parts.
        chosen = sum(rewards[0] * weight for rewards, weight in zip(self._rewards, loss_weights, strict=True))
        rejected = sum(rewards[1] * weight for rewards, weight in zip(self._rewards, loss_weights, strict=True))
        table = torch.stack([consistency.float(), (chosen > rejected).float(), (chosen - rejected).float()], dim=1)
        # One transfer to the host for all of them. Other processes' pairs come along, repeated ones are left out.
        pairs = self.accelerator.gather_for_metrics(table).tolist()
        for word, code in CODES.items():
            rows = [row for row in pairs if row[0] == code]
            if rows:
                self.custom_metrics[train_eval][f"rewards/accuracies_{word}"].update([row[1] for row in rows])
                self.custom_metrics[train_eval][f"rewards/margins_{word}"].update([row[2] for row in rows])

    def _count_modality(self, found: Modality | None, consistency: torch.Tensor, train_eval: str) -> None:
        """Add the batch's modality pairs to means of their own, as _count does.

        Other processes may have some where this one has none, so that all of them exchange a table at each batch.
        """
        chosen, rejected = self._rewards[loss_types(self.args).index(CA_DPO)]
        none = torch.zeros_like(consistency, dtype=torch.float)
        pairs, moved, drift = found or (none, none, none)
        columns = [pairs.float(), (chosen > rejected).float(), moved.float(), drift.detach().float()]
        table = self.accelerator.gather_for_metrics(torch.stack(columns, dim=1)).tolist()
        rows = [row for row in table if row[0]]
        if rows:
            for column, name in enumerate(("accuracies", "moved", "drift"), 1):
                self.custom_metrics[train_eval][f"modality/{name}"].update([row[column] for row in rows])
        if train_eval == "train":
            before = self._compared.total()
            self._compared.update(bool(row[0]) for row in table)
            if before < _TOLD_AFTER <= self._compared.total():
                self._say_whether_compared()

    def train(self, *args: Any, **kwargs: Any) -> Any:
        found = super().train(*args, **kwargs)
        if self.options.modality_parts and self._compared.total() < _TOLD_AFTER:
            self._say_whether_compared()
        return found

    def _say_whether_compared(self) -> None:
        if not self._compared[True]:
            logger.warning(
                f"swift-saber: {PARTS} has done nothing yet: none of the first {self._compared.total()} pairs has one "
                "answer, with a line on the voice or the face, to a clip and to the same clip with another sound or "
                f"picture; set {MODALITY_PAIRS}=true, or make some by `swift-saber pairs select --kinds swapped`"
            )

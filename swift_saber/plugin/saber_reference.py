"""`SABER_REFERENCE_CACHE=FOLDER`: what the reference gives to a pair is computed once and read from then on.

With LoRA (the reference is the model without its adapter, or with --ref_adapters) a pair is computed when training
first comes to it. With full tuning no second model is loaded: before the first step all pairs that the folder lacks go
through the policy, which is the reference until then. A run that goes on from a checkpoint can only read.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from importlib.metadata import version
from typing import Any

import torch
import torch.distributed as dist
from swift.utils import get_logger, safe_snapshot_download
from tqdm import tqdm
from transformers import TrainerCallback
from transformers.integrations import is_deepspeed_zero3_enabled

from swift_saber.errors import InputError
from swift_saber.plugin.saber_options import REFERENCE, reference_folder
from swift_saber.plugin.saber_reference_cache import PAIRS, LogProbs, ReferenceCache, weights_digest
from swift_saber.plugin.saber_template import SEDMixin

logger = get_logger()
# Of ms-swift's arguments, those that change what a model with the same weights computes.
_SETTINGS = ("torch_dtype", "rope_scaling", "quant_method")
_QUANTISED = ("quant_bits", "hqq_axis", "bnb_4bit_compute_dtype", "bnb_4bit_quant_type", "bnb_4bit_use_double_quant")


@dataclass(frozen=True)
class Reference:
    """What stands for the reference in a run that keeps what it gives.

    Attributes:
        cache: what is kept of it.
        apart: the reference is no part of the model that is trained, which full tuning changes as a whole.
        at_start: the model that training starts from is the reference.
    """

    cache: ReferenceCache
    apart: bool
    at_start: bool


def register() -> None:
    """Have `swift rlhf` load no reference model, and hand the trainer a Reference, where the variable is set."""
    from swift.pipelines.train.rlhf import SwiftRLHF

    load, trainer_kwargs = SwiftRLHF._prepare_single_model, SwiftRLHF._get_trainer_kwargs

    @wraps(load)
    def load_unless_kept(self: Any, key: str, *args: Any, **kwargs: Any) -> Any:
        return None if key == "ref" and reference_folder() else load(self, key, *args, **kwargs)

    @wraps(trainer_kwargs)
    def trainer_kwargs_and_reference(self: Any) -> dict[str, Any]:
        folder = reference_folder()
        return {**trainer_kwargs(self), **({"reference": _reference(self.args, self.model, folder)} if folder else {})}

    SwiftRLHF._prepare_single_model, SwiftRLHF._get_trainer_kwargs = load_unless_kept, trainer_kwargs_and_reference


def _reference(args: Any, model: Any, folder: str) -> Reference:
    apart, base = args.tuner_type == "full", args.model_dir
    if apart and (args.ref_model, args.ref_model_revision) != (args.model, args.model_revision):
        base = _downloaded(args.ref_model, args.ref_model_revision, args)
    weights, names = {"model": weights_digest(base)}, {"model": base}
    if args.ref_adapters:
        names["adapter"] = _downloaded(args.ref_adapters[0], None, args)
        weights["adapter"] = weights_digest(names["adapter"])
    training, config = args.training_args, model.config
    given = (*_SETTINGS, *(_QUANTISED if args.quant_method else ()))
    settings = {
        **{name: str(value) for name in given if (value := getattr(args, name)) is not None},
        "attn_impl": str(config._attn_implementation),
        "autocast": "bf16" if training.bf16 else "fp16" if training.fp16 else "no",
        "deepspeed": bool(args.deepspeed),  # which computes without autocast
        **{name: version(name) for name in ("ms-swift", "transformers")},
    }
    # Weights of a checkpoint that the trainer loads are not those of the folder that the model is from.
    as_loaded = not args.resume_from_checkpoint or args.resume_only_model
    at_start = apart and as_loaded and (base == args.model_dir or weights_digest(args.model_dir) == weights["model"])
    cache = ReferenceCache(folder, weights=weights, settings=settings, names=names)
    logger.info(f"swift-saber: {REFERENCE}: {len(cache)} pairs of this reference ({base}) in {cache.folder}")
    if not len(cache):
        for other in cache.others():
            logger.info(f"swift-saber: {REFERENCE}: not used, since of another reference: {other}")
    return Reference(cache, apart, at_start)


def _downloaded(model: str, revision: str | None, args: Any) -> str:
    """The folder of a model; one that is a folder stays what it is."""
    folder: str = safe_snapshot_download(model, revision=revision, use_hf=args.use_hf, hub_token=args.hub_token)
    return folder


class ReferenceMixin:
    """What a preference trainer of ms-swift needs in order to keep its reference's log-probabilities.

    Stands before ms-swift's class among the bases.

    Args:
        reference: where they are kept; without one the trainer is the stock one.

    Raises:
        InputError: they cannot be kept with this model or in this way of training.
    """

    accelerator: Any
    args: Any
    model: Any
    template: Any

    def __init__(self, *args: Any, reference: Reference | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reference = reference
        self._may_compute = reference is not None and not reference.apart
        # Of the batch at work: each pair's key and id.
        self._pairs: list[tuple[str, str]] = []
        if reference is None:
            return
        if not isinstance(self.template, SEDMixin):
            raise _cannot("needs the SED templates, which tell pairs apart", "use Qwen2.5-Omni or Qwen3-Omni, or")
        if is_deepspeed_zero3_enabled() or self.is_fsdp_enabled:  # type: ignore[attr-defined]  # of the stock class
            raise _cannot("was not checked with weights that are shared out over GPUs", "use zero2, or")
        self.template.keyed_pairs = True
        self.add_callback(_Begin(self))  # type: ignore[attr-defined]  # of the stock class

    def get_batch_loss_metrics(self, model: Any, batch: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if self._reference is not None:
            # The model is called with all that stands in the batch.
            batch = dict(batch)
            self._pairs = batch.pop(PAIRS)
        return super().get_batch_loss_metrics(model, batch, *args, **kwargs)  # type: ignore[misc]

    def compute_ref_log_probs(self, batch: dict[str, Any]) -> Any:
        if self._reference is None:
            return super().compute_ref_log_probs(batch)  # type: ignore[misc]
        cache, keys = self._reference.cache, [key for key, _ in self._pairs]
        if missing := cache.missing(keys):
            name = dict(self._pairs)[missing[0]]
            if not self._may_compute:
                raise InputError(
                    f"row {name}",
                    "pair",
                    f"{cache.folder} holds nothing of it, and the model has been trained since it was the reference",
                    "if clips or settings have changed since the start, put them back, and start again",
                )
            chosen, rejected = super().compute_ref_log_probs(batch)  # type: ignore[misc]
            dtype = str(chosen.dtype).removeprefix("torch.")
            # All of the batch was computed; what is known of a pair stays as it is.
            for (key, name), good, bad in zip(self._pairs, chosen.tolist(), rejected.tolist(), strict=True):
                if not math.isfinite(good + bad):
                    problem = f"the reference gives {good} and {bad} to its answers, which are no log-probabilities"
                    raise InputError(f"row {name}", "pair", problem, "look at the model's weights and torch_dtype")
                cache.keep(key, LogProbs(good, bad, dtype))
        return tuple(found.to(self.accelerator.device) for found in cache.tensors(keys))

    def begin(self, step: int) -> None:
        """With full tuning, see that all pairs are kept before the first step, for train and eval.

        Args:
            step: how many steps the model has been trained for already.

        Raises:
            InputError: pairs are missing, and the model is not the reference.
        """
        reference = self._reference
        if reference is None or not reference.apart:
            return
        compute = reference.at_start and step == 0
        missing: dict[str, str] = {}
        names: set[str] = set()
        was_training = self.model.training
        self.model.eval()
        self._may_compute = compute
        try:
            for batch in self._all_pairs():
                batch = self._prepare_inputs(batch)  # type: ignore[attr-defined]  # of the stock class
                self._pairs = batch.pop(PAIRS)
                for name in ("consistency", "margin"):  # of CA-DPO, and not the model's
                    batch.pop(name, None)
                pairs = dict(self._pairs)
                names |= pairs.keys()
                if compute:
                    with self.template.forward_context(self.model, batch):
                        self.compute_ref_log_probs(batch)
                else:
                    missing |= {key: pairs[key] for key in reference.cache.missing([*pairs])}
        finally:
            self._may_compute = False
            self.model.train(was_training)
        self.accelerator.wait_for_everyone()
        absent = dict(_of_all(list(missing.items())))
        if absent:
            total = len(set(_of_all(list(names))))
            problem = (
                f"{reference.cache.folder} lacks {len(absent)} of {total} pairs (such as row "
                f"{next(iter(absent.values()))}), and the model that this run starts from is not the reference"
            )
            raise _cannot(problem, "start once from the reference itself (--model), which computes them, or")

    def _all_pairs(self) -> Iterator[dict[str, Any]]:
        """The batches of this process's share of all pairs; the random numbers of training stay as they were."""
        sets = {"train": self.train_dataset}  # type: ignore[attr-defined]
        if self.eval_dataset is not None and self.args.eval_strategy != "no":  # type: ignore[attr-defined]
            sets["eval"] = self.eval_dataset  # type: ignore[attr-defined]
        for name, dataset in sets.items():
            with torch.random.fork_rng(devices=[]), _whole(self.args):
                loader = self.get_test_dataloader(dataset)  # type: ignore[attr-defined]  # no copy is kept of it
                quiet = self.args.process_index != 0
                yield from tqdm(loader, desc=f"Reference log-probabilities ({name})", disable=quiet)


class _Begin(TrainerCallback):
    def __init__(self, trainer: ReferenceMixin) -> None:
        self._trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._trainer.begin(state.global_step)


def _of_all(items: list[Any]) -> list[Any]:
    """The items of all processes of the run."""
    if not dist.is_initialized():
        return items
    lists: list[list[Any]] = [[] for _ in range(dist.get_world_size())]
    dist.all_gather_object(lists, items)
    return [item for each in lists for item in each]


@contextmanager
def _whole(args: Any) -> Iterator[None]:
    """No pair is left out since it makes no whole batch."""
    dropping, args.dataloader_drop_last = args.dataloader_drop_last, False
    try:
        yield
    finally:
        args.dataloader_drop_last = dropping


def _cannot(problem: str, remedy: str) -> InputError:
    return InputError("environment", REFERENCE, problem, f"{remedy} unset it")

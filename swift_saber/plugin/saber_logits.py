"""Logits of the positions that are asked for, and of no others.

The thinkers of transformers take every position of a prompt to the whole vocabulary, and their forward has no
`logits_to_keep`, so ms-swift's own way to leave those out (`--use_logits_to_keep`) is off for them. Here it has: the
hidden states are cut before the last layer, by a hook, and what is kept is what there was before. ms-swift does the
rest, in SFT and in preference training; `generate` of transformers uses it for its prompt.
"""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import torch

_NAME = "logits_to_keep"


def register() -> None:
    """Have each Qwen-Omni that ms-swift loads take `logits_to_keep`."""
    from swift.model.models.qwen import Qwen2_5OmniLoader, Qwen3OmniLoader

    for loader in (Qwen2_5OmniLoader, Qwen3OmniLoader):
        loader.get_model = _keeping(loader.get_model)


def _keeping(get_model: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(get_model)
    def get_model_and_keep(self: Any, *args: Any, **kwargs: Any) -> Any:
        model = get_model(self, *args, **kwargs)
        base_model = model.model if "AWQ" in type(model).__name__ else model  # as the loaders
        for one in (base_model.thinker, base_model):  # both forwards are of the instance, and the second is the first's
            take_logits_to_keep(one, base_model.thinker)
        return model

    return get_model_and_keep


def take_logits_to_keep(model: Any, thinker: Any) -> None:
    """Give a model's forward the parameter `logits_to_keep`; one that has it is left as it is.

    Of it, an int, 0 for all, is how many of the last positions are kept; a tensor of shape (m,) is an index (int64) or
    a mask (bool) of positions, as with other models of transformers; one of shape (2, rows, m) says for each place of
    the logits from which row and position of the batch it comes. The last is ours, for pairs that share a row.

    Args:
        model: changed in place.
        thinker: whose `lm_head` is the layer whose input is cut; adapters put another module in its place.
    """
    stock = model.forward
    signature = inspect.signature(stock)
    if _NAME in signature.parameters:
        return

    @wraps(stock)
    def forward(*args: Any, logits_to_keep: int | torch.Tensor = 0, **kwargs: Any) -> Any:
        if isinstance(logits_to_keep, int) and logits_to_keep == 0:
            return stock(*args, **kwargs)
        handle = thinker.lm_head.register_forward_pre_hook(
            lambda _, given: (kept(given[0], logits_to_keep), *given[1:])
        )
        try:
            return stock(*args, **kwargs)
        finally:
            handle.remove()

    *before, last = signature.parameters.values()
    parameter = inspect.Parameter(_NAME, inspect.Parameter.KEYWORD_ONLY, default=0)
    after = [last] if last.kind is inspect.Parameter.VAR_KEYWORD else []
    before = before if after else [*before, last]
    forward.__signature__ = signature.replace(parameters=[*before, parameter, *after])  # type: ignore[attr-defined]
    model.forward = forward


def kept(hidden: torch.Tensor, logits_to_keep: int | torch.Tensor) -> torch.Tensor:
    """Return the hidden states, of shape (rows, positions, width), that `logits_to_keep` asks for."""
    if isinstance(logits_to_keep, int):
        return hidden[:, -logits_to_keep:]
    places = logits_to_keep.to(hidden.device)
    if places.ndim == 3:
        rows, positions = places
        return hidden[rows, positions]
    return hidden[:, places]

"""The frozen towers run once a batch: what they make of its clips is the same for the policy and the reference."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial, wraps
from typing import Any

import torch

_TOWERS = ("visual", "audio_tower")


class Towers:
    """What the frozen towers of a batch made, for the models that share them.

    A tower of which something is trained, or which drops at random, runs each time; so does one of another model that
    has other weights.

    Args:
        models: the policy, and the reference where that is a model of its own; any that ms-swift loads as Qwen-Omni.
    """

    def __init__(self, *models: Any) -> None:
        self._made: dict[tuple[str, int], Any] | None = None
        thinkers = [thinker_of(model) for model in models]
        for name in _TOWERS:
            towers = [getattr(thinker, name) for thinker in thinkers]
            # Looked at in the first batch, since a checkpoint's weights are loaded after the trainer is made.
            first = cache(lambda place, towers=tuple(towers): place if not _alike(towers[0], towers[place]) else 0)
            for place, tower in enumerate(towers):
                tower.forward = self._once(name, partial(first, place), tower, tower.forward)

    @contextmanager
    def once(self) -> Iterator[None]:
        """Keep what is made inside, where every call is about the same clips."""
        self._made = {}
        try:
            yield
        finally:
            self._made = None

    def _once(
        self, name: str, first: Callable[[], int], tower: torch.nn.Module, stock: Callable[..., Any]
    ) -> Callable[..., Any]:
        """The tower's forward; `first` says which of the models is the first that has its weights."""

        @wraps(stock)
        def forward(*args: Any, **kwargs: Any) -> Any:
            if self._made is None or not _frozen(tower):
                return stock(*args, **kwargs)
            key = name, first()
            if key not in self._made:
                with torch.no_grad():
                    self._made[key] = stock(*args, **kwargs)
            made = self._made[key]
            # Qwen3-Omni cuts what it is given into one part a clip, in place.
            return made if isinstance(made, torch.Tensor) else copy.copy(made)

        return forward


def thinker_of(model: Any) -> Any:
    """Return the thinker of a Qwen-Omni, with adapters or without."""
    get = getattr(model, "get_base_model", None)  # of a model with adapters
    return (get() if get else model).thinker


def _alike(tower: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Whether two towers have the same weights. Those that ZeRO-3 has shared out are empty here, and say nothing."""
    ours, theirs = tower.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(
        weight.numel() > 0 and torch.equal(weight, theirs[name]) for name, weight in ours.items()
    )


def _frozen(tower: torch.nn.Module) -> bool:
    if any(weight.requires_grad for weight in tower.parameters()):
        return False
    config = vars(tower.config) if tower.training else {}
    return not any(isinstance(value, float) and value for name, value in config.items() if "drop" in name)

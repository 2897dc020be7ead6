"""Answers with a cache of keys and values, whatever a model was trained without.

ms-swift and transformers train with `use_cache` False in the model's config and save a fully tuned model with it. Read
from there, it has each token of an answer take the whole sequence through the model again. It belongs to a training and
not to the weights, so here it is neither heeded for answers nor saved; forwards in training follow the config, as ever.
"""

from collections.abc import Callable
from functools import wraps
from types import MethodType
from typing import Any


def register() -> None:
    """Have each Qwen-Omni that ms-swift loads answer with a cache, and be saved as one that does."""
    from swift.model.models.qwen import Qwen2_5OmniLoader, Qwen3OmniLoader

    for loader in (Qwen2_5OmniLoader, Qwen3OmniLoader):
        loader.get_model = _caching(loader.get_model)


def _caching(get_model: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(get_model)
    def get_model_and_cache(self: Any, *args: Any, **kwargs: Any) -> Any:
        model = get_model(self, *args, **kwargs)
        base_model = model.model if "AWQ" in type(model).__name__ else model  # as the loaders
        # `generate` is the thinker's, whose settings come from config.json; ms-swift hands it those of the whole model,
        # which come from generation_config.json, or without one from config.json.
        for one in (base_model.thinker, base_model):
            one.generation_config.use_cache = True
        base_model.save_pretrained = MethodType(_save_pretrained, base_model)
        return model

    return get_model_and_cache


def _save_pretrained(self: Any, *args: Any, **kwargs: Any) -> Any:
    """The model's own `save_pretrained`, with `use_cache` True in what it writes."""
    from swift.utils import HfConfigFactory

    before = HfConfigFactory.get_config_attr(self.config, "use_cache")  # one for all: a training sets them at once
    HfConfigFactory.set_config_attr(self.config, "use_cache", True)
    try:
        return type(self).save_pretrained(self, *args, **kwargs)
    finally:
        HfConfigFactory.set_config_attr(self.config, "use_cache", before)

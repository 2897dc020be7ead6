"""LoRA on the parts that are to be trained and no other, in models with experts too.

For `all-linear` ms-swift writes an expression that matches the linear layers of the language model. In a model with
experts, PEFT 0.20 makes of it the last names of what it matches (huggingface/peft#3232), `q_proj` and the like, which
the audio tower of Qwen3-Omni has as well: it would be trained although it is frozen. Whole names, PEFT leaves alone.
"""

import re
from functools import wraps
from typing import Any

from swift.pipelines.train import tuner


def register() -> None:
    """Have ms-swift name the layers of a model with experts in full."""
    get_target_modules = tuner.get_target_modules

    @wraps(get_target_modules)
    def whole_names(args: Any, model: Any) -> Any:
        found = get_target_modules(args, model)
        if not (isinstance(found, str) and "all-linear" in args.target_modules and model.model_info.is_moe_model):
            return found
        return [name for name, _ in model.named_modules() if re.fullmatch(found, name)]

    tuner.get_target_modules = whole_names

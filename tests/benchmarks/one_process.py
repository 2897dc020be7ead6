"""Training and answers of ms-swift in this process, each row encoded once: for many short runs on the same clips.

Of an arm of ablation.py most was not the model: three processes that import ms-swift, and each clip encoded anew in
every epoch and arm. Here a row is encoded when it is first met, and what the reference gives to a pair is kept in a
folder (SABER_REFERENCE_CACHE), for all arms that start from one model. The recipe is the same, and so are answers; the
weights of a preference run differ in the last digits, as those with a kept reference do.
"""

import contextlib
import copy
import dataclasses
import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from swift_saber.models.checkpoint import loading
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.plugin.saber_options import REFERENCE
from tests.benchmarks.task_queue import set_for_now

_BATCH = 50  # answers at a time


def train(
    method: str, recipe: Mapping[str, Any], *, model: Path, data: Path, output: Path, environment: Mapping[str, str]
) -> None:
    """Run `swift sft` or `swift rlhf` on a recipe; the checkpoint is in a folder of `output`.

    Args:
        method: "sft" or "rlhf".
        recipe: as one of recipes/mini reads, its ENV included.
        environment: what is set besides, for this run alone.
    """
    values = {
        **recipe,
        "model": model,
        "dataset": data,
        "output_dir": output,
        "custom_register_path": PLUGIN_FILE,
        "dataloader_num_workers": 0,  # whose encodings would be lost with it
    }
    settings = values.pop("ENV")
    arguments = [part for name, value in values.items() for part in (f"--{name}", str(value))]
    told = {**settings, **environment}
    with set_for_now(told), _encoded_once(told):
        from swift.pipelines import rlhf_main, sft_main

        {"sft": sft_main, "rlhf": rlhf_main}[method](arguments)
    gc.collect()


def answers(model: Path, rows: Sequence[dict[str, Any]], longest: int) -> list[str]:
    """Greedy answers of at most so many tokens, in the order of the rows."""
    flag, settings = loading(str(model))
    with set_for_now(settings), _encoded_once(settings):
        from swift.pipelines.infer.infer import SwiftInfer

        arguments = [flag, str(model), "--custom_register_path", str(PLUGIN_FILE), "--temperature", "0"]
        arguments += ["--stream", "false", "--max_new_tokens", str(longest), "--max_batch_size", str(_BATCH)]
        infer = SwiftInfer(arguments)
        asked = [{key: row[key] for key in ("messages", "videos", "audios") if key in row} for row in rows]
        replies = infer.infer(
            copy.deepcopy(asked), infer.args.get_request_config(), use_tqdm=False, **infer.infer_kwargs
        )
    del infer
    gc.collect()
    return [reply.choices[0].message.content for reply in replies]


_ENCODED: dict[str, dict[str, Any]] = {}


@contextlib.contextmanager
def _encoded_once(environment: Mapping[str, str]) -> Iterator[None]:
    """Have the SED templates keep what they made of a row.

    It is a function of the row, of what is asked for, and of the environment that a run is given. Which file the row
    is from makes no difference, nor does a column that is empty in it since another row of that file has it.
    """
    from swift.infer_engine import InferRequest

    from swift_saber.plugin.saber_template import SEDMixin

    stock = SEDMixin.encode
    told = {name: value for name, value in environment.items() if name != REFERENCE}

    def encode(self: Any, inputs: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        given = dataclasses.asdict(inputs) if isinstance(inputs, InferRequest) else inputs
        template = [self.mode, self.is_training, self.keyed_pairs, told]
        row = {name: value for name, value in _without_empty(given).items() if name != "dataset"}
        key = json.dumps([template, row, args, kwargs], sort_keys=True)
        if key not in _ENCODED:
            _ENCODED[key] = stock(self, inputs, *args, **kwargs)
        # Whoever takes them adds to the dictionary and to its lists, and makes new tensors.
        return {name: copy.copy(value) for name, value in _ENCODED[key].items()}

    SEDMixin.encode = encode  # type: ignore[method-assign]
    try:
        yield
    finally:
        SEDMixin.encode = stock  # type: ignore[method-assign]


def _without_empty(value: Any) -> Any:
    """A row without its columns that hold nothing."""
    if isinstance(value, dict):
        return {name: _without_empty(part) for name, part in value.items() if part is not None}
    return [_without_empty(part) for part in value] if isinstance(value, list) else value

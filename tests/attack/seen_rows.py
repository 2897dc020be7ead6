"""For --external_plugins of a training run: notes which rows each step saw, a line in $SEEN_ROWS."""

import hashlib
import json
import os
from typing import Any

import torch
from swift.trainers import Seq2SeqTrainer

_step = Seq2SeqTrainer.training_step


def training_step(self: Any, model: Any, inputs: dict[str, Any], *args: Any, **options: Any) -> Any:
    """As ms-swift's, and a line {"step", "rows" (a digest of the batch)}."""
    digest = hashlib.sha256()
    for _, value in sorted(inputs.items()):
        if isinstance(value, torch.Tensor):
            digest.update(value.detach().float().numpy().tobytes())
    with open(os.environ["SEEN_ROWS"], "a", encoding="utf-8") as file:
        file.write(json.dumps({"step": self.state.global_step, "rows": digest.hexdigest()[:16]}) + "\n")
    return _step(self, model, inputs, *args, **options)


Seq2SeqTrainer.training_step = training_step

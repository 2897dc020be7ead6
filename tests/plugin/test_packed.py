"""Rows without padding, and packed ones: only answers meet the vocabulary there too, and the loss is the same."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.plugin import PLUGIN_FILE
from tests.plugin.rlhf import FLAGS, timeless

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("joined", ["padding_free", "packing"])
def test_the_loss_of_rows_that_are_joined_does_not_depend_on_which_logits_are_made(
    joined: str, tiny_model: Path, tiny_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three rows of one step. The logits that are made are as many as the labels, or as the tokens."""
    from swift.arguments import SftArguments
    from swift.pipelines import sft_main
    from swift.trainers import Seq2SeqTrainer

    def joined_anyway(self: Any) -> None:
        # ms-swift asks for flash attention, which needs a GPU. With another kind the rows see one another, which is the
        # same in both runs.
        self.padding_free = True

    monkeypatch.setattr(SftArguments, "_check_padding_free", joined_anyway)
    made: list[tuple[int, ...]] = []
    stock = Seq2SeqTrainer.compute_loss

    def compute_loss(self: Any, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        hook = self.template.get_base_model(model).thinker.lm_head.register_forward_hook(
            lambda _, __, logits: made.append(tuple(logits.shape[:2]))
        )
        try:
            return stock(self, model, inputs, *args, **kwargs)
        finally:
            hook.remove()

    monkeypatch.setattr(Seq2SeqTrainer, "compute_loss", compute_loss)
    data = tmp_path / "rows.jsonl"
    write_rows(data, [row for _, row in read_rows(tiny_world / "train.jsonl")][:3])
    losses = []
    for kept in ("true", "false"):
        flags = {key: value for key, value in FLAGS.items() if key not in {"rlhf_type", "max_steps"}}
        flags |= {"model": tiny_model, "dataset": data, "output_dir": tmp_path / kept, "tuner_type": "full"}
        flags |= {"per_device_train_batch_size": 1 if joined == "packing" else 3, "gradient_accumulation_steps": 1}
        flags |= {joined: "true", "max_length": 2048, "max_steps": 1, "use_logits_to_keep": kept, "attn_impl": "sdpa"}
        arguments = [str(part) for name, value in flags.items() for part in (f"--{name}", value)]
        sft_main(["--custom_register_path", str(PLUGIN_FILE), *arguments])
        (line,) = timeless([row for _, row in read_rows(tmp_path / kept / "logging.jsonl")])
        losses.append(line["loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    (few, whole) = made
    assert few[0] == whole[0] == 1
    assert 0 < few[1] < whole[1]

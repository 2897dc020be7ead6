"""What a token takes in the layers of the 7B while it is trained, counted on tensors that have shapes and no numbers.

    python tests/benchmarks/memory_shapes.py

Runs layers of the language model, of its real width, forward and backward on PyTorch's fake tensors in bfloat16, as
`swift sft` does (autocast, LoRA on all seven projections, in float32, with dropout), and counts the bytes of the
tensors that are alive. Needs no GPU and no memory. Beside each number stands that of models/memory.py. Temporary
tensors within an operation are not seen, and attention is the CPU's.
"""

import weakref
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import Qwen2_5OmniThinkerTextModel

from swift_saber.models.memory import SIZES, build, estimate

TOKENS, RANK, DROPOUT = 8192, 64, 0.05


class Alive(TorchDispatchMode):
    """Counts the bytes of tensors that were made inside and are still there, and their most."""

    def __init__(self, weights: list[torch.Tensor]) -> None:
        super().__init__()
        self.now: int = 0
        self.most: int = 0
        self._storages = [weight.untyped_storage() for weight in weights]
        self._seen: dict[int, Any] = {id(storage): None for storage in self._storages}

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        self.most = max(self.most, self.now)
        return made

    def _add(self, storage: Any) -> None:
        key, size = id(storage), storage.nbytes()
        if key in self._seen:
            return

        def gone(_: Any) -> None:
            del self._seen[key]
            self.now -= size

        self._seen[key] = weakref.ref(storage, gone)
        self.now += size


class Adapted(torch.nn.Module):
    """A frozen linear layer with LoRA, as peft computes it, with the dropout of a GPU, whose mask is bool."""

    def __init__(self, base: torch.nn.Linear) -> None:
        super().__init__()
        self.base = base
        self.down = torch.nn.Linear(base.in_features, RANK, bias=False)
        self.up = torch.nn.Linear(RANK, base.out_features, bias=False)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        result = self.base(given)
        dropped = torch.native_dropout(given.to(self.down.weight.dtype), DROPOUT, train=True)[0]
        added: torch.Tensor = result + self.up(self.down(dropped))
        return added.to(result.dtype)


def peak(layers: int, *, lora: bool, checkpointing: bool) -> int:
    """Return the most bytes that one step of so many layers has at once, beside weights and their gradients."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        config = build(SIZES["7B"]).config.thinker_config.text_config
        config.num_hidden_layers, config.layer_types = layers, config.layer_types[:layers]
        config._attn_implementation, config.use_cache, config.vocab_size = "sdpa", False, 8
        config.pad_token_id = None
        torch.set_default_dtype(torch.bfloat16)
        model = Qwen2_5OmniThinkerTextModel(config)
        torch.set_default_dtype(torch.float32)
        if lora:
            model.requires_grad_(False)
            blocks = [block for layer in model.layers for block in (layer.self_attn, layer.mlp)]
            for block in blocks:
                for name, child in list(block.named_children()):
                    if isinstance(child, torch.nn.Linear):
                        setattr(block, name, Adapted(child))
        if checkpointing:
            model.gradient_checkpointing_enable()
        model.train()
        for weight in model.parameters():
            weight.grad = torch.zeros_like(weight) if weight.requires_grad else None
        weights: list[torch.Tensor] = [*model.parameters(), *model.buffers()]
        weights += [weight.grad for weight in model.parameters() if weight.grad is not None]
        given = torch.zeros(1, TOKENS, config.hidden_size, dtype=torch.bfloat16, requires_grad=True)
        positions = torch.zeros(3, 1, TOKENS, dtype=torch.int64)
        with Alive(weights) as alive:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                hidden = model(inputs_embeds=given, position_ids=positions).last_hidden_state
            hidden.sum().backward()
        most: int = alive.most
    return most


def main() -> None:
    print("bytes a token, of shapes and of models/memory.py")
    for lora in (True, False):
        recipe: dict[str, Any] = {"tuner_type": "lora" if lora else "full", "max_length": 1, "torch_dtype": "bfloat16"}
        for checkpointing in (True, False):
            two, four = (peak(layers, lora=lora, checkpointing=checkpointing) / TOKENS for layers in (2, 4))
            need = estimate({**recipe, "gradient_checkpointing": checkpointing})
            kept, told = (four - two) / 2, need.kept / 28
            name = recipe["tuner_type"] + ("" if checkpointing else ", all kept")
            line = f"  {name}: {kept:,.0f} and {told:,.0f} kept a layer"
            if checkpointing:
                line += f"; {two - 2 * kept:,.0f} and {need.layer:,.0f} of the layer that is recomputed"
            print(line, flush=True)


if __name__ == "__main__":
    main()

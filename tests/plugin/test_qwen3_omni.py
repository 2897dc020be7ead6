"""Qwen3-Omni through the plugin, as Qwen2.5-Omni goes: encoded, trained, preferred, answered and merged."""

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from safetensors import safe_open

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.models import worker
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.sed.layout import INSTRUCTIONS
from tests.media_faults import encode as write_clip
from tests.media_faults import frames, sound
from tests.plugin.rlhf import FLAGS, STOCK, pair, rlhf, timeless
from tests.tiny_qwen3 import LAYERS, MEDIA_TOKENS, PATCH, build_from_world

pytestmark = pytest.mark.usefixtures("plugin")
slow = pytest.mark.slow
RATE = 16_000
TEMPLATE = "qwen3_omni"
ASKED = [{"role": "user", "content": INSTRUCTIONS["en"]}, {"role": "assistant", "content": "The face smiles."}]
# Enough that the few steps change what the model says.
LEARNING = {"model_type": "qwen3_omni_moe", "learning_rate": 0.01, "lora_dropout": 0, "gradient_accumulation_steps": 1}


@pytest.fixture(scope="module")
def base(tiny_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_from_world(tmp_path_factory.mktemp("qwen3") / "base", tiny_world)


@pytest.fixture(scope="module")
def clips(tiny_world: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(tiny_world / "train.jsonl")]


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A clip of two seconds with its sound inside."""
    path = tmp_path_factory.mktemp("film") / "filmed.mp4"
    write_clip(path, frames(16), sound())
    return str(path)


@pytest.fixture(scope="module")
def processor(base: Path) -> Any:
    from swift.model import get_model_processor

    return get_model_processor(str(base), load_model=False)[1]


@contextmanager
def stock_template() -> Iterator[None]:
    """Inside, the template is the one that ms-swift came with."""
    from swift.template import TEMPLATE_MAPPING
    from swift.template.templates.qwen import Qwen3OmniTemplate

    ours = TEMPLATE_MAPPING[TEMPLATE]
    TEMPLATE_MAPPING[TEMPLATE] = dataclasses.replace(ours, template_cls=Qwen3OmniTemplate)
    try:
        yield
    finally:
        TEMPLATE_MAPPING[TEMPLATE] = ours


def encoder(processor: Any, mode: str) -> Any:
    from swift.template import get_template

    made = get_template(processor, template_type=TEMPLATE)
    made.set_mode(mode)
    return made


def encode(processor: Any, row: dict[str, Any], mode: str = "train", *, stock: bool = False) -> dict[str, Any]:
    with stock_template() if stock else nullcontext():
        encoded: dict[str, Any] = encoder(processor, mode).encode(row)
    return encoded


def media_tokens(processor: Any, encoded: dict[str, Any]) -> list[str]:
    """The tokens from the first of a clip to its last."""
    found: list[str] = processor.tokenizer.convert_ids_to_tokens(encoded["input_ids"])
    places = [place for place, token in enumerate(found) if token in MEDIA_TOKENS.values()]
    return found[places[0] : places[-1] + 1]


@pytest.mark.parametrize("mode", ["train", "transformers"])
@pytest.mark.parametrize("heard", ["sound beside it", "sound inside", "interleaved", "nothing"])
def test_a_clip_is_encoded_as_stock_does(
    processor: Any, clips: Any, filmed: str, mode: str, heard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stock hears the sound inside a video where a row names the video among its sounds, or all are interleaved."""
    given: dict[str, Any] = {
        "sound beside it": {"audios": clips[0]["audios"]},
        "sound inside": {"audios": [filmed]},
        "interleaved": {},
        "nothing": {"audios": []},
    }[heard]
    if heard == "interleaved":
        monkeypatch.setenv("USE_AUDIO_IN_VIDEO", "1")
    row = {"messages": ASKED, "videos": [filmed], **given}
    stock = encode(processor, row, mode, stock=True)
    ours = encode(processor, {name: row[name] for name in row if (name, heard) != ("audios", "sound inside")}, mode)
    assert ours.keys() == stock.keys()
    assert ("input_features" in stock) == (heard != "nothing")
    for name, value in stock.items():
        assert torch.equal(ours[name], value) if torch.is_tensor(value) else ours[name] == value, name


def test_the_tokens_of_a_clip_are_those_of_its_frames_and_of_its_sound(processor: Any, clips: Any) -> None:
    """Of 1 s, 56 x 56 pixels: 2 frames of 64 x 64 (in steps of 32), which are 2 x 2 tokens of 2 x 2 patches of 16 x 16.

    100 frames of sound, of which the encoder makes 13: three convolutions that halve give 50, 25, 13.
    """
    row = {"messages": ASKED, "videos": clips[0]["videos"], "audios": clips[0]["audios"]}
    ours = encode(processor, row)
    assert ours["video_grid_thw"].tolist() == [[1, 64 // PATCH, 64 // PATCH]]
    assert ours["input_features"].shape == (1, 128, 100)
    picture = ["<|vision_start|>", *["<|video_pad|>"] * 4, "<|vision_end|>"]
    assert media_tokens(processor, ours) == [*picture, "<|audio_start|>", *["<|audio_pad|>"] * 13, "<|audio_end|>"]


def test_a_sound_of_more_than_five_minutes_is_heard_to_its_end(processor: Any, tmp_path: Path) -> None:
    """Qwen2.5-Omni hears 300 s at most. Here 13 tokens a second, and 7 of half a second: 50 frames, 25, 13, 7."""
    noise = np.random.default_rng(0).standard_normal(int(300.5 * RATE)) * 0.1
    soundfile.write(tmp_path / "long.wav", noise, RATE)
    row = {"messages": ASKED, "audios": [str(tmp_path / "long.wav")]}
    ours, stock = (encode(processor, row, stock=stock) for stock in (False, True))
    assert ours["input_ids"] == stock["input_ids"]
    assert torch.equal(ours["input_features"], stock["input_features"])
    assert media_tokens(processor, ours).count("<|audio_pad|>") == 300 * 13 + 7


def arguments(**flags: Any) -> list[str]:
    return [
        part
        for name, value in {"custom_register_path": PLUGIN_FILE, **flags}.items()
        for part in (f"--{name}", str(value))
    ]


def sft(base: Path, rows: Path, output: Path, **flags: Any) -> list[dict[str, Any]]:
    """Run `swift sft` and return what it logged."""
    from swift.pipelines import sft_main

    wanted = {name: value for name, value in FLAGS.items() if name != "rlhf_type"}
    wanted |= {**LEARNING, "max_steps": 4, "save_strategy": "steps", "save_steps": 4}
    sft_main(arguments(**{**wanted, "model": base, "dataset": rows, "output_dir": output, **flags}))
    return [row for _, row in read_rows(output / "logging.jsonl")]


@pytest.fixture(scope="module")
def two(clips: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rows, which are one batch, with answers of two lengths."""
    path = tmp_path_factory.mktemp("rows") / "two.jsonl"
    rows = []
    for clip, text in zip(clips, ("The face smiles.", "The voice is low and hostile: angry."), strict=False):
        messages = [ASKED[0], {"role": "assistant", "content": text}]
        rows.append({"messages": messages, "videos": clip["videos"], "audios": clip["audios"]})
    write_rows(path, rows)
    return path


@pytest.fixture(scope="module")
def trained(base: Path, two: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A LoRA checkpoint, and what its training logged."""
    output = tmp_path_factory.mktemp("sft")
    log = sft(base, two, output)
    return output / "checkpoint-4", log


@pytest.fixture(scope="module")
def by_hand(base: Path, two: Path) -> dict[str, float]:
    """Of the rows, by transformers' own model from what stock encodes: the cross entropy of the answers' tokens, and
    how unevenly the tokens are spread over the experts."""
    from swift.model import get_model_processor
    from transformers import Qwen3OmniMoeForConditionalGeneration

    processor = get_model_processor(str(base), load_model=False)[1]
    with stock_template():
        made = encoder(processor, "train")
        rows = [made.encode(row) for _, row in read_rows(two)]
        batch = made.data_collator([dict(row) for row in rows])
    labels = batch.pop("labels")
    batch["video_second_per_grid"] = torch.cat([row["video_second_per_grid"] for row in rows])
    # The model makes positions of its own.
    given = {name: value for name, value in batch.items() if "position_ids" not in name}
    model = Qwen3OmniMoeForConditionalGeneration.from_pretrained(base, dtype=torch.float32).thinker.eval()
    with torch.no_grad():
        found = model(**given, output_router_logits=True)
    entropy = torch.nn.functional.cross_entropy(found.logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
    return {"entropy": entropy.item(), "unevenness": found.aux_loss.item()}


def losses(log: list[dict[str, Any]]) -> list[float]:
    return [float(line["loss"]) for line in log if "loss" in line]


@slow
def test_the_first_loss_is_that_of_the_answers_by_hand(by_hand: dict[str, float], trained: Any) -> None:
    first, *_, last = losses(trained[1])
    assert first == pytest.approx(by_hand["entropy"], rel=1e-5)
    assert last < first


@slow
def test_an_even_use_of_the_experts_is_part_of_the_loss_where_that_is_asked(
    base: Path, two: Path, by_hand: dict[str, float], tmp_path: Path
) -> None:
    """With 0.001, as the released configuration has it: in SFT ms-swift 4.6.0 takes any other share for this one."""
    log = sft(base, two, tmp_path / "even", router_aux_loss_coef=0.001, max_steps=1, save_strategy="no")
    expected = by_hand["entropy"] + 0.001 * by_hand["unevenness"]
    assert losses(log)[0] == pytest.approx(expected, rel=1e-5)


@slow
def test_lora_trains_the_attention_of_the_language_model_and_leaves_the_towers(trained: Any) -> None:
    """The experts are no linear layers, and both towers are frozen by default."""
    with safe_open(trained[0] / "adapter_model.safetensors", "pt") as file:
        adapted = {name.partition(".lora_")[0].removeprefix("base_model.model.") for name in file.keys()}  # noqa: SIM118
    projections = [f"self_attn.{name}_proj" for name in "qkvo"]
    assert adapted == {f"thinker.model.layers.{layer}.{name}" for layer in range(LAYERS) for name in projections}


def answers(model: list[Any], rows: list[dict[str, Any]]) -> list[str]:
    """What a model answers to questions, asked as models/worker.py asks."""
    flags = {"torch_dtype": "float32", "max_new_tokens": 12, "temperature": 0, "max_batch_size": 4, "stream": "false"}
    infer = worker._load([*map(str, model), *arguments(**flags)])
    questions = [{"id": row["id"], "messages": [{"role": "user", "content": INSTRUCTIONS["en"]}]} for row in rows]
    for question, row in zip(questions, rows, strict=True):
        question |= {"videos": row["videos"], "audios": row["audios"]}
    return [found["response"] for found in worker._answers(infer, questions)]


@slow
def test_a_merged_model_answers_as_its_adapters_on_their_base(base: Path, clips: Any, trained: Any) -> None:
    from swift.pipelines import export_main

    checkpoint, _ = trained
    merged = checkpoint.with_name("merged")
    export_main(["--adapters", str(checkpoint), "--merge_lora", "true", "--output_dir", str(merged)])
    asked = clips[:3]
    found = [answers(model, asked) for model in (["--adapters", checkpoint], ["--model", merged], ["--model", base])]
    assert found[0] == found[1]
    assert found[0] != found[2]


@slow
def test_the_loss_of_ca_dpo_is_stock_dpo(base: Path, clips: Any, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    write_rows(pairs, [pair(number, clip) for number, clip in enumerate(clips[:4])])
    flags = {**LEARNING, "learning_rate": 0.001, "max_steps": 3}
    logs = []
    for name, more in (("ours", {"loss_type": "ca_dpo"}), ("stock", {"loss_type": "sigmoid", "trainer": STOCK})):
        logs.append(timeless(rlhf(base, pairs, tmp_path / name, **{**flags, **more})))
    ours, stock = logs
    assert len(stock) == 3
    assert ours[0]["loss"] == pytest.approx(math.log(2))  # nothing is learnt yet
    assert stock[-1]["loss"] < math.log(2)
    for line, expected in zip(ours, stock, strict=True):
        numbers = {name for name, value in expected.items() if not isinstance(value, str)}
        assert {"loss", "grad_norm", "logps/chosen", "rewards/margins"} <= numbers
        for name in numbers:
            assert line[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-5), name

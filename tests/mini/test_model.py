"""The tiny Qwen2.5-Omni: complete, deterministic, small, and able to read any text."""

import json
from pathlib import Path

import pytest
import torch

from swift_saber.errors import InputError
from swift_saber.mini.model import MEDIA_TOKENS, build_model
from swift_saber.mini.world import record, sample_clip
from swift_saber.models.checkpoint import tied_flags
from swift_saber.sed.layout import INSTRUCTIONS, render

TEXTS = [
    render(record(sample_clip(kind, "train", i, 0)), language="en") for kind in ("conflict", "mute") for i in (0, 1)
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_model(tmp_path_factory.mktemp("mini_model") / "model", TEXTS, seed=3)


@pytest.fixture(scope="module")
def tokenizer(built: Path):  # type: ignore[no-untyped-def]  # transformers is untyped here
    from transformers import Qwen2_5OmniProcessor

    return Qwen2_5OmniProcessor.from_pretrained(built).tokenizer


@pytest.mark.parametrize(
    "text", [*INSTRUCTIONS.values(), *TEXTS, "Ünïcode, 12345\n\n  two  spaces\t🙂", "她微笑着，但语气冰冷。"]
)
def test_tokenizer_keeps_every_text(tokenizer, text: str) -> None:  # type: ignore[no-untyped-def]
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_special_tokens_are_single_and_known_to_the_config(built: Path, tokenizer) -> None:  # type: ignore[no-untyped-def]
    from transformers import AutoConfig

    for token in (*MEDIA_TOKENS.values(), "<|im_start|>", "<|im_end|>", "<|endoftext|>"):
        assert len(tokenizer.encode(token)) == 1
    thinker = AutoConfig.from_pretrained(built).thinker_config
    names = tokenizer.convert_ids_to_tokens([thinker.audio_token_index, thinker.video_token_index])
    assert names == ["<|AUDIO|>", "<|VIDEO|>"]
    assert tokenizer.eos_token == "<|im_end|>"


def test_a_server_puts_the_system_message_first_where_there_is_none(tokenizer) -> None:  # type: ignore[no-untyped-def]
    user, asks = {"role": "user", "content": "hi"}, "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    for turns, system in (([user], "You are a helpful assistant."), ([{"role": "system", "content": "a"}, user], "a")):
        prompt = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        assert prompt == f"<|im_start|>system\n{system}<|im_end|>\n{asks}"


def test_answers_are_short(tokenizer) -> None:  # type: ignore[no-untyped-def]
    assert max(len(tokenizer.encode(text)) for text in TEXTS) < 80


def test_weights_depend_on_the_seed_alone(built: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    state = torch.get_rng_state()
    weights = load_file(built / "model.safetensors")
    again = load_file(build_model(tmp_path / "again", list(reversed(TEXTS)), seed=3) / "model.safetensors")
    other = load_file(build_model(tmp_path / "other", TEXTS, seed=4) / "model.safetensors")
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert not torch.equal(weights["thinker.lm_head.weight"], other["thinker.lm_head.weight"])
    assert sum(weight.numel() for weight in weights.values()) < 1.5e6
    # The promised scale: standard deviation 1 / sqrt(fan_in), here of 128 inputs.
    assert weights["thinker.model.layers.0.self_attn.q_proj.weight"].std() == pytest.approx(128**-0.5, rel=0.05)


def test_same_model_is_reused_and_another_is_an_error(built: Path) -> None:
    before = (built / "model.safetensors").stat().st_mtime_ns
    assert build_model(built, TEXTS, seed=3) == built
    assert (built / "model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="delete it or choose another folder"):
        build_model(built, TEXTS, seed=4)
    assert [path.name for path in built.parent.iterdir()] == ["model"]


def test_it_never_writes_a_token_that_stands_for_a_clip(built: Path) -> None:
    from transformers import AutoTokenizer, GenerationConfig

    tokens = AutoTokenizer.from_pretrained(built).convert_ids_to_tokens(
        GenerationConfig.from_pretrained(built).suppress_tokens
    )
    assert set(tokens) == {"<|IMAGE|>", "<|AUDIO|>", "<|VIDEO|>"}


def test_every_level_of_the_configuration_says_what_the_weights_are(built: Path) -> None:
    """transformers reads the outer flag, and vLLM the one of the text part."""
    config = json.loads((built / "config.json").read_text())["thinker_config"]
    assert (config["tie_word_embeddings"], config["text_config"]["tie_word_embeddings"]) == (False, False)
    assert tied_flags(str(built)) is None

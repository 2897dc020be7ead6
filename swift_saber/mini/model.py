"""A tiny Qwen2.5-Omni (about a million weights) with random weights and a tokenizer of its own.

It has every part of the real thinker (vision tower, audio tower, projections, language model) and the real processors,
so ms-swift trains it and runs it on two CPU cores by the same code as a Qwen2.5-Omni of full size. The talker is
absent: run with ENABLE_AUDIO_OUTPUT=0.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swift_saber.errors import InputError
from swift_saber.sed.layout import INSTRUCTIONS

if TYPE_CHECKING:
    from transformers import Qwen2_5OmniConfig, Qwen2_5OmniProcessor, Qwen2TokenizerFast

VERSION = 3  # of the builder: raise it when the same seed would give another model
VOCABULARY = 800  # upper bound; the 256 bytes and the special tokens are part of it

# Names under which Qwen's Omni processor asks its tokenizer for the tokens around media.
MEDIA_TOKENS = {
    "image_token": "<|IMAGE|>",
    "audio_token": "<|AUDIO|>",
    "video_token": "<|VIDEO|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
}
TEXT_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

# The words around a conversation, so that each is one token.
TEMPLATE_TEXT = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<|im_start|>assistant\n"
# As the real one, with the system message that ms-swift puts first too: a server makes its prompts with this one.
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_bos|><|IMAGE|><|vision_eos|>"
    "{% elif part['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
    "{% elif part['type'] == 'video' %}<|vision_bos|><|VIDEO|><|vision_eos|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_model(out_dir: Path, texts: Iterable[str], seed: int = 0) -> Path:
    """Write the model's folder, or reuse one built with the same arguments.

    Args:
        out_dir: the folder, which appears only when it is complete.
        texts: the answers that the model will be trained to write; the tokenizer is fitted on them and on both
            instructions, and still encodes any other text (byte-level BPE).
        seed: of the random weights.

    Returns:
        out_dir.

    Raises:
        InputError: the folder holds something else.
    """
    import torch
    from transformers import GenerationConfig, Qwen2_5OmniForConditionalGeneration

    out_dir = Path(out_dir)
    corpus = corpus_of(texts)
    settings = {
        "version": VERSION,
        "seed": seed,
        "texts_sha256": hashlib.sha256("\0".join(corpus).encode()).hexdigest(),
    }
    if out_dir.exists():
        built = out_dir / "mini_model.json"
        if built.exists() and json.loads(built.read_text(encoding="utf-8")) == settings:
            return out_dir
        raise InputError(
            str(out_dir), "folder", f"exists and is not the model of {settings}", "delete it or choose another folder"
        )
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{out_dir.name}.", dir=out_dir.parent))
    try:
        processor = _processor(corpus)
        config = _config(processor.tokenizer)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = Qwen2_5OmniForConditionalGeneration(config).float()
            draw_weights(model)
        model.generation_config = GenerationConfig(
            eos_token_id=config.thinker_config.text_config.eos_token_id,
            pad_token_id=config.thinker_config.text_config.pad_token_id,
            # A model that has learned little may write one, and would then be looked for the clip that belongs to it.
            suppress_tokens=processor.tokenizer.convert_tokens_to_ids(["<|IMAGE|>", "<|AUDIO|>", "<|VIDEO|>"]),
        )
        model.save_pretrained(part)
        processor.save_pretrained(part)
        torch.save({}, part / "spk_dict.pt")  # the loader insists on a file of speakers; without a talker it is empty
        (part / "mini_model.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        part.chmod(0o755)  # mkdtemp makes it private
        part.rename(out_dir)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out_dir


def corpus_of(texts: Iterable[str]) -> list[str]:
    """What the tokenizer is fitted on: sorted, each text once, so that the order and number of rows do not matter."""
    return sorted({*texts, *INSTRUCTIONS.values(), TEMPLATE_TEXT})


def fit_tokenizer(corpus: list[str], media_tokens: Mapping[str, str]) -> Qwen2TokenizerFast:
    """Return a byte-level BPE of the texts.

    Args:
        corpus: the texts.
        media_tokens: the tokens around media, by the names under which a processor asks for them.
    """
    from tokenizers import pre_tokenizers, trainers
    from transformers import Qwen2TokenizerFast

    special = [*TEXT_TOKENS, *media_tokens.values()]
    blank = Qwen2TokenizerFast()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        min_frequency=1,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend = blank.backend_tokenizer
    backend.train_from_iterator(corpus, trainer)
    bpe = json.loads(backend.to_str())["model"]
    return Qwen2TokenizerFast(
        vocab=bpe["vocab"],
        merges=[tuple(merge) for merge in bpe["merges"]],
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens={**media_tokens, "im_start_token": "<|im_start|>"},
        model_max_length=4096,
    )


def _processor(corpus: list[str]) -> Qwen2_5OmniProcessor:
    from transformers import Qwen2_5OmniProcessor, Qwen2VLImageProcessor, Qwen2VLVideoProcessor, WhisperFeatureExtractor

    return Qwen2_5OmniProcessor(
        image_processor=Qwen2VLImageProcessor(),
        video_processor=Qwen2VLVideoProcessor(),
        # As the released one: five minutes at most, to which stock ms-swift pads every sound.
        feature_extractor=WhisperFeatureExtractor(feature_size=128, chunk_length=300),
        tokenizer=fit_tokenizer(corpus, MEDIA_TOKENS),
        chat_template=CHAT_TEMPLATE,
    )


def _config(tokenizer: Qwen2TokenizerFast) -> Qwen2_5OmniConfig:
    from transformers import Qwen2_5OmniConfig

    def token(text: str) -> int:
        number = tokenizer.convert_tokens_to_ids(text)
        assert isinstance(number, int)
        return number

    hidden = 128
    text: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": hidden,
        "intermediate_size": 256,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        # Shares of a head's 16 rotary frequencies for time, height and width, as in the 7B (16 : 24 : 24 of 64).
        "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [4, 6, 6]},
        "pad_token_id": token("<|endoftext|>"),
        "eos_token_id": token("<|im_end|>"),
        "bos_token_id": token("<|endoftext|>"),
        # As the thinker's: transformers goes by that one, vLLM by this one, which would be true.
        "tie_word_embeddings": False,
    }
    vision = {
        "depth": 2,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 2,
        "out_hidden_size": hidden,
        "fullatt_block_indexes": [1],
    }
    audio = {
        "encoder_layers": 1,
        "d_model": 64,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 128,
        "num_mel_bins": 128,
        "output_dim": hidden,
    }
    thinker = {
        "text_config": text,
        "vision_config": vision,
        "audio_config": audio,
        "audio_token_index": token("<|AUDIO|>"),
        "image_token_index": token("<|IMAGE|>"),
        "video_token_index": token("<|VIDEO|>"),
        "audio_start_token_id": token("<|audio_bos|>"),
        "audio_end_token_id": token("<|audio_eos|>"),
        "vision_start_token_id": token("<|vision_bos|>"),
        "vision_end_token_id": token("<|vision_eos|>"),
        "user_token_id": token("user"),
        "pad_token_id": token("<|endoftext|>"),
    }
    return Qwen2_5OmniConfig(thinker_config=thinker, enable_audio_output=False)


def draw_weights(model: Any) -> None:
    """Draw every matrix from N(0, 1 / fan_in).

    The library's 0.02 suits wide models; at these widths it learned half as fast, and not at all on harder worlds.
    """
    import torch

    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.normal_(0, 1 / math.sqrt(weight[0].numel()))

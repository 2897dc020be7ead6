"""A tiny Qwen3-Omni with random weights: a mixture-of-experts thinker, its towers, and processors as the released ones.

What it shares with the demo's tiny Qwen2.5-Omni (mini/model.py) is the way its tokenizer is fitted and its weights are
drawn. No talker.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swift_saber.data.rows import read_rows
from swift_saber.mini import model as mini
from swift_saber.sed.layout import render
from swift_saber.sed.record import Row

if TYPE_CHECKING:
    from transformers import Qwen3OmniMoeConfig, Qwen3OmniMoeProcessor

MEDIA_TOKENS = {
    "image_token": "<|image_pad|>",
    "audio_token": "<|audio_pad|>",
    "video_token": "<|video_pad|>",
    "vision_bos_token": "<|vision_start|>",
    "vision_eos_token": "<|vision_end|>",
    "audio_bos_token": "<|audio_start|>",
    "audio_eos_token": "<|audio_end|>",
}
EXPERTS, EXPERTS_A_TOKEN, LAYERS = 4, 2, 2
HIDDEN, PATCH = 128, 16


def build_from_world(folder: Path, world: Path) -> Path:
    """Write a model folder for the training rows of a world, and return it."""
    rows = (Row.from_dict(row, where) for where, row in read_rows(world / "train.jsonl"))
    return build_qwen3(folder, (render(row.record, language=row.language) for row in rows))


def build_qwen3(folder: Path, texts: Iterable[str], seed: int = 0) -> Path:
    """Write a model folder, its tokenizer fitted on the texts, and return it."""
    import torch
    from transformers import GenerationConfig, Qwen3OmniMoeForConditionalGeneration

    processor = _processor(mini.corpus_of(texts))
    config = _config(processor.tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen3OmniMoeForConditionalGeneration(config).float()
        mini.draw_weights(model)
    text = config.thinker_config.text_config
    media = [MEDIA_TOKENS[f"{kind}_token"] for kind in ("image", "audio", "video")]
    model.generation_config = GenerationConfig(
        eos_token_id=text.eos_token_id,
        pad_token_id=text.pad_token_id,
        suppress_tokens=processor.tokenizer.convert_tokens_to_ids(media),
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _processor(corpus: list[str]) -> Qwen3OmniMoeProcessor:
    """The classes that transformers makes of the released preprocessor_config.json, and its values."""
    from transformers import (
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
        Qwen3OmniMoeProcessor,
        WhisperFeatureExtractor,
    )

    return Qwen3OmniMoeProcessor(
        image_processor=Qwen2VLImageProcessor(patch_size=PATCH),
        video_processor=Qwen2VLVideoProcessor(patch_size=PATCH),
        feature_extractor=WhisperFeatureExtractor(feature_size=128, chunk_length=300),
        tokenizer=mini.fit_tokenizer(corpus, MEDIA_TOKENS),
    )


def _config(tokenizer: Any) -> Qwen3OmniMoeConfig:
    from transformers import Qwen3OmniMoeConfig

    token = tokenizer.convert_tokens_to_ids
    text: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": HIDDEN,
        "head_dim": 32,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "moe_intermediate_size": 64,
        "intermediate_size": 64,
        "num_experts": EXPERTS,
        "num_experts_per_tok": EXPERTS_A_TOKEN,
        "max_position_embeddings": 4096,
        # Shares of a head's 16 rotary frequencies for time, height and width, as in the released one (24 : 20 : 20).
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1_000_000.0,
            "mrope_section": [6, 5, 5],
            "mrope_interleaved": True,
        },
        "pad_token_id": token("<|endoftext|>"),
        "eos_token_id": token("<|im_end|>"),
        "bos_token_id": token("<|endoftext|>"),
        "tie_word_embeddings": False,
    }
    vision = {
        "depth": 2,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 2,
        "out_hidden_size": HIDDEN,
        "patch_size": PATCH,
        "num_position_embeddings": 64,
        # The released file says these two, transformers does not read them, and vLLM does.
        "image_size": 8 * PATCH,  # of a grid of as many positions
        "apply_vit_abs_pos_embed": True,
        "deepstack_visual_indexes": [0, 1],  # one a layer of the language model
    }
    audio = {
        "encoder_layers": 1,
        "d_model": 64,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 128,
        "num_mel_bins": 128,
        "output_dim": HIDDEN,
        "downsample_hidden_size": 16,
    }
    thinker = {
        "text_config": text,
        "vision_config": vision,
        "audio_config": audio,
        "audio_token_id": token("<|audio_pad|>"),
        "image_token_id": token("<|image_pad|>"),
        "video_token_id": token("<|video_pad|>"),
        "audio_start_token_id": token("<|audio_start|>"),
        "audio_end_token_id": token("<|audio_end|>"),
        "vision_start_token_id": token("<|vision_start|>"),
        "vision_end_token_id": token("<|vision_end|>"),
        "user_token_id": token("user"),
        "pad_token_id": token("<|endoftext|>"),
        "position_id_per_seconds": 13,
    }
    return Qwen3OmniMoeConfig(thinker_config=thinker, enable_audio_output=False)

"""models/memory.py: which rows are counted, and what of them. Whole models are counted in tests/test_recipes.py."""

from typing import Any

import pytest

from swift_saber.models.memory import Estimate, estimate

HIDDEN, INNER, LAYERS, VOCABULARY = 3584, 18944, 2, 152064
# The 7B's width, and not its depth.
FLAT = {
    "dtype": "bfloat16",
    "thinker_config": {
        "text_config": {"num_hidden_layers": LAYERS, "max_window_layers": LAYERS},
        "vision_config": {"depth": 1, "hidden_size": 1280},
        "audio_config": {"encoder_layers": 1},
    },
}
SED: dict[str, Any] = {"tuner_type": "lora", "max_length": 8192}
PAIRS = {**SED, "rlhf_type": "dpo"}


def need(answer: int = 1000, **recipe: Any) -> Estimate:
    return estimate(recipe, FLAT, answer)


def test_only_the_answer_meets_the_vocabulary() -> None:
    assert need(**SED).logits == 1000 * VOCABULARY * 12
    assert need(**SED, use_logits_to_keep=False).logits == 8192 * VOCABULARY * 12


def test_an_answer_is_as_long_as_the_row_leaves_it() -> None:
    """150 tokens of a row are its prompt."""
    assert need(4096, **{**SED, "max_length": 2000}).logits == 1850 * VOCABULARY * 12


@pytest.mark.parametrize(
    "recipe", [{**SED, "per_device_train_batch_size": 2}, {**PAIRS, "ENV": {"SABER_JOINT_PAIRS": "false"}}]
)
def test_rows_that_ms_swift_cuts_together_are_cut_at_the_earliest_answer(recipe: dict[str, Any]) -> None:
    assert need(**recipe).logits == 2 * (8192 - 150) * VOCABULARY * 12


def test_of_a_packed_row_most_may_be_answers() -> None:
    assert need(**SED, packing=True).logits == (8192 - 150) * VOCABULARY * 12


def test_two_rows_count_where_clips_differ_and_one_row_where_its_mask_is_more() -> None:
    """Two rows of 8,192; with answers of 4,000 to short questions, one row of 150 + 2 x 3,850 and its mask."""
    apart = need(**PAIRS)
    assert (apart.kept, apart.mask) == (2 * 8192 * 2 * HIDDEN * LAYERS, 0)
    together = need(4096, **{**PAIRS, "max_length": 4000})
    assert together.kept == (150 + 2 * 3850) * 2 * HIDDEN * LAYERS
    assert together.mask == 5 * (150 + 2 * 3850) ** 2
    assert together.logits == 2 * 3850 * VOCABULARY * 12


@pytest.mark.parametrize(
    "off", [{"ENV": {"SABER_JOINT_PAIRS": "false"}}, {"attn_impl": "flash_attn"}, {"padding_free": True}]
)
def test_a_pair_that_is_never_one_row_has_no_mask(off: dict[str, Any]) -> None:
    assert need(4096, **{**PAIRS, "max_length": 4000, **off}).mask == 0


@pytest.mark.parametrize(
    ("tuner", "checkpointing", "numbers"),
    [
        ("full", True, 2 * HIDDEN),
        ("full", False, 2 * (10 * HIDDEN + 4 * INNER)),
        ("lora", False, 2 * (7 * HIDDEN + 3 * INNER) + 3 * (6 * HIDDEN + INNER)),
    ],
)
def test_what_a_layer_keeps_of_a_token(tuner: str, checkpointing: bool, numbers: int) -> None:
    kept = need(tuner_type=tuner, max_length=8192, gradient_checkpointing=checkpointing).kept
    assert kept == 8192 * LAYERS * numbers


def test_in_full_tuning_the_gradient_of_lm_head_stands_beside_that_of_few_logits() -> None:
    need_of_one = need(1, tuner_type="full", max_length=8192)
    assert need_of_one.logits == VOCABULARY * (4 + 2 * HIDDEN)
    assert need(4000, tuner_type="full", max_length=8192).logits == 4000 * VOCABULARY * 12

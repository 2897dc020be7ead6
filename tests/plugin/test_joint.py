"""A pair as one row: each answer sees what it sees in a row of its own, and training is stock's but for rounding."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.plugin.saber_joint import collate, mask, model_inputs
from swift_saber.plugin.saber_options import joint_pairs
from tests.plugin.rlhf import FULL, OURS, STOCK, pair, rlhf, timeless

pytestmark = pytest.mark.usefixtures("plugin")
slow = pytest.mark.slow
FROZEN = {**FULL, "freeze_vit": "true", "freeze_aligner": "true"}
STEPS = {"max_steps": 20, "learning_rate": 1e-4, "gradient_accumulation_steps": 1}
EVALUATED = {"eval_strategy": "steps", "eval_steps": 10}


def swapped(number: int, clip: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A pair whose rejected side hears its clip, and sees another."""
    row = pair(number, clip)
    answer = {"role": "assistant", "content": row.pop("rejected_response")}
    media = {"rejected_videos": other["videos"], "rejected_audios": clip["audios"]}
    return {**row, "rejected_messages": [{"role": "user", "content": ""}, answer], **media}


@pytest.fixture(scope="module")
def clips(tiny_world: Path) -> list[dict[str, Any]]:
    return [row for _, row in read_rows(tiny_world / "train.jsonl")][:8]


@pytest.fixture(scope="module")
def mixed(clips: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pairs; each third one is of two clips."""
    path = tmp_path_factory.mktemp("pairs") / "pairs.jsonl"
    rows = [
        swapped(number, clip, clips[number - 1]) if number % 3 == 2 else pair(number, clip)
        for number, clip in enumerate(clips)
    ]
    write_rows(path, rows)
    return path


def test_the_mask_by_hand() -> None:
    """Question (2), chosen (2), rejected (1), padding (1): a row of the table is what one position sees."""
    found = mask(torch.tensor([[0, 0, 1, 1, 2, -1]]))
    assert found.shape == (1, 1, 6, 6)
    assert found[0, 0].int().tolist() == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 1, 0],
        [1, 1, 0, 0, 0, 1],  # itself, so that its softmax is defined
    ]


@pytest.mark.parametrize(("said", "found"), [("", True), ("true", True), ("1", True), ("False", False), ("0", False)])
def test_it_is_on_unless_the_environment_says_no(said: str, found: bool) -> None:
    assert joint_pairs({"SABER_JOINT_PAIRS": said}) is found
    assert joint_pairs({}) is True


def test_another_word_is_refused() -> None:
    with pytest.raises(InputError, match="SABER_JOINT_PAIRS: is 'maybe'; use true or false"):
        joint_pairs({"SABER_JOINT_PAIRS": "maybe"})


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> Any:
    from swift.model import get_model_processor
    from swift.template import get_template

    model, processor = get_model_processor(str(tiny_model), model_type="qwen2_5_omni", torch_dtype=torch.float32)
    template = get_template(processor, template_type="qwen2_5_omni")
    template.set_mode("rlhf")
    template.model = model
    return template


def encoded(encoder: Any, clips: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from swift_saber.plugin.saber_options import Options
    from swift_saber.plugin.saber_pairs import to_swift_pair

    rows = [pair(0, clips[0]), swapped(1, clips[1], clips[2]), pair(2, clips[2])]
    return [encoder.encode(to_swift_pair(row, "here", Options())) for row in rows]


@pytest.mark.parametrize("padding_side", ["right", "left"])
def test_each_answer_sees_the_tokens_at_the_positions_of_a_row_of_its_own(
    encoder: Any, clips: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, padding_side: str
) -> None:
    monkeypatch.setattr(encoder, "padding_side", padding_side)
    pairs = encoded(encoder, clips)
    assert [pair.get("same_media", False) for pair in pairs] == [True, False, True]
    whole = encoder.data_collator([dict(pair) for pair in pairs])
    found = collate(encoder, [dict(pair) for pair in pairs])
    assert whole["input_ids"].shape[0] == 6
    assert found["input_ids"].shape[0] == 4  # the pair of two clips is two rows
    given = model_inputs(found)
    rows, places = given["logits_to_keep"]
    sees = given["attention_mask"][:, 0]
    for side in range(6):
        real = whole["attention_mask"][side].bool()
        answered = (whole["labels"][side] != -100).nonzero().flatten()
        answer = found["labels"][side] != -100
        assert found["labels"][side][answer].tolist() == whole["labels"][side][answered].tolist()
        for column in answer.nonzero().flatten().tolist():
            before = sees[rows[side, column - 1], places[side, column - 1]]
            row = rows[side, column - 1]
            # All that stands before this token in a row of its own.
            expected = real & (torch.arange(len(real)) < answered[column - 1])
            assert found["input_ids"][row][before].tolist() == whole["input_ids"][side][expected].tolist()
            assert torch.equal(found["position_ids"][:, row, before], whole["position_ids"][:, side, expected])
    # The clips of each pair of one clip come once.
    assert len(found["video_grid_thw"]) == len(found["input_features"]) == 4


def test_pairs_that_are_encoded_before_there_is_a_trainer_have_their_parts(
    encoder: Any, clips: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with `--lazy_tokenize false`. A run with the switch off takes no notice of them, in a cached dataset."""
    from swift.template import get_template

    from swift_saber.plugin.saber_options import Options
    from swift_saber.plugin.saber_pairs import to_swift_pair

    answer = {"role": "assistant", "content": "The voice is flat and cold.\n\nThe face smiles broadly."}
    turns = [{"role": "user", "content": ""}, answer]
    media = {name: clips[0][name] for name in ("videos", "audios")}
    replaced = {"rejected_videos": clips[0]["videos"], "rejected_audios": clips[1]["audios"]}
    row = {"id": "m", "messages": turns, **media, "rejected_messages": turns, **replaced}
    monkeypatch.setenv("SABER_MODALITY_PARTS", "evidence")
    template = get_template(encoder.processor, template_type="qwen2_5_omni")
    template.set_mode("rlhf")
    pairs = [template.encode(to_swift_pair(row, "here", Options()))]
    assert collate(template, [*map(dict, pairs)])["joint"]["masks"]["pairs"].tolist() == [True]
    assert "masks" not in collate(encoder, [*map(dict, pairs)])["joint"]


def test_a_pair_whose_clip_stands_among_what_is_learnt_is_two_rows(
    encoder: Any, clips: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--loss_scale all` all is learnt, and one row would hold the clip's tokens twice."""
    monkeypatch.setattr(encoder, "_loss_scale", "all")
    pairs = encoded(encoder, clips)
    assert pairs[0]["same_media"] and pairs[0]["chosen_labels"][1] != -100
    found, whole = collate(encoder, [dict(one) for one in pairs]), encoder.data_collator([dict(one) for one in pairs])
    assert found["input_ids"].tolist() == whole["input_ids"][[0, 3, 1, 4, 2, 5]].tolist()
    assert torch.equal(found["position_ids"], whole["position_ids"][:, [0, 3, 1, 4, 2, 5]])
    assert found["labels"].tolist() == whole["labels"].tolist()


def test_what_a_pair_of_one_clip_is_encoded_to_is_stocks(
    encoder: Any, clips: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read once, by each reader."""
    from qwen_omni_utils import vision_process

    from swift_saber.plugin import saber_frames, saber_once, saber_sound

    pairs = encoded(encoder, clips)
    read: list[str] = []
    sound, frames = saber_sound.read, vision_process.VIDEO_READER_BACKENDS[saber_frames.NAME]
    monkeypatch.setattr(saber_sound, "read", lambda *given: (read.append("sound"), sound(*given))[1])
    ours = {saber_frames.NAME: lambda ele: (read.append("frames"), frames(ele))[1]}
    monkeypatch.setattr(vision_process, "VIDEO_READER_BACKENDS", {**vision_process.VIDEO_READER_BACKENDS, **ours})
    encoded(encoder, clips)
    # Of the pair of two clips each side is read, though it hears one sound: only all of it the same is the same.
    assert (read.count("frames"), read.count("sound")) == (1 + 2 + 1, 1 + 2 + 1)
    monkeypatch.setattr(saber_once, "same_media", lambda *_: False)
    for once, twice in zip(pairs, encoded(encoder, clips), strict=True):
        assert once.keys() - {"same_media"} == twice.keys()
        for name, value in twice.items():
            assert torch.equal(once[name], value) if isinstance(value, torch.Tensor) else once[name] == value


def test_logits_are_a_whole_rows_in_bfloat16_too(encoder: Any, clips: list[dict[str, Any]]) -> None:
    """Within what rounding does: as far from float32 as rows of their own are, give or take the half."""
    pairs = encoded(encoder, clips)
    model = encoder._get_model()
    whole, joint = encoder.data_collator([dict(one) for one in pairs]), collate(encoder, [dict(one) for one in pairs])
    labels = joint["labels"].roll(-1, dims=1)
    answers = labels != -100

    def logps(logits: torch.Tensor) -> torch.Tensor:
        return torch.log_softmax(logits.float(), -1).gather(-1, labels.clamp(min=0)[..., None])[..., 0][answers]

    found = {}
    with torch.no_grad(), hooked(encoder, model):
        for dtype in (torch.float32, torch.bfloat16):
            model.to(dtype)
            given = {name: value for name, value in whole.items() if name not in ("labels", "text_position_ids")}
            rows = model(**given, use_cache=False).logits
            cut = torch.zeros(*labels.shape, rows.shape[-1], dtype=rows.dtype)
            for side in range(len(labels)):
                start = int((whole["labels"][side] != -100).nonzero()[0]) - 1
                kept = rows[side, start : start + labels.shape[1]]
                cut[side, : len(kept)] = kept
            found[dtype] = logps(cut), logps(model(**model_inputs(joint)).logits)
    model.to(torch.float32)
    exact, same = found[torch.float32]
    torch.testing.assert_close(same, exact, rtol=1e-5, atol=1e-5)
    rounded, ours = ((one - exact).abs().mean() for one in found[torch.bfloat16])
    assert rounded > 0
    assert ours < 1.5 * rounded


@contextmanager
def hooked(encoder: Any, model: Any) -> Iterator[None]:
    encoder.register_post_encode_hook([model])
    try:
        yield
    finally:
        encoder.remove_post_encode_hook()


@pytest.mark.parametrize("padding_free", [True, False])
def test_why_a_pair_is_two_rows_is_said(encoder: Any, monkeypatch: pytest.MonkeyPatch, padding_free: bool) -> None:
    from swift_saber.plugin.saber_joint import hindrance

    model = encoder._get_model()
    assert hindrance(model, encoder, router_loss=False) is None
    if padding_free:
        monkeypatch.setattr(encoder, "padding_free", True)
        assert "padding-free" in (hindrance(model, encoder, router_loss=False) or "")
        return
    assert "router" in (hindrance(model, encoder, router_loss=True) or "")
    monkeypatch.setattr(model.thinker.model.config, "_attn_implementation", "flash_attention_2")
    assert "flash_attention_2 takes no mask" in (hindrance(model, encoder, router_loss=False) or "")
    monkeypatch.setenv("SABER_JOINT_PAIRS", "false")
    assert hindrance(model, encoder, router_loss=False) == "SABER_JOINT_PAIRS says so"


class Watched:
    """A trainer's first gradients, and how often its model and towers ran."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, trainer: Any) -> None:
        self.gradients: dict[str, torch.Tensor] = {}
        self.calls: dict[str, int] = {}
        step = trainer.training_step

        def training_step(trained: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
            if self.gradients:
                return step(trained, model, *args, **kwargs)
            thinker = getattr(model, "get_base_model", lambda: model)().thinker
            hooks = [
                module.register_forward_pre_hook(lambda *_, _name=name: self._count(_name))
                for name, module in (("layers", thinker.model), ("blocks", thinker.visual.blocks[0]))
            ]
            loss = step(trained, model, *args, **kwargs)
            for hook in hooks:
                hook.remove()
            found = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
            self.gradients = {name: gradient.clone() for name, gradient in found.items()}
            return loss

        monkeypatch.setattr(trainer, "training_step", training_step)

    def _count(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1


@slow
@pytest.mark.parametrize(
    "flags",
    [
        {"tuner_type": "lora", "loss_type": "sigmoid", "rpo_alpha": 0.5, "ld_alpha": 0.4, "label_smoothing": 0.1},
        {**FROZEN, "loss_type": ["sigmoid", "ipo"], "loss_weights": [0.8, 0.3], "gradient_checkpointing": "false"},
        {**FULL, "loss_type": ["sigmoid", "sft"], "loss_weights": [0.8, 0.3]},
    ],
    ids=["lora", "full", "towers-too"],
)
def test_training_is_stocks_but_for_rounding(
    tiny_model: Path, mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: dict[str, Any]
) -> None:
    from swift.rlhf_trainers import DPOTrainer

    logs, watched = {}, {}
    for name, trainer in (("stock", STOCK), ("ours", OURS)):
        with monkeypatch.context() as patch:
            watched[name] = Watched(patch, DPOTrainer)
            given = {**STEPS, **EVALUATED, **flags, "val_dataset": mixed}
            if name == "stock":
                given["use_logits_to_keep"] = "false"
            logs[name] = timeless(rlhf(tiny_model, mixed, tmp_path / name, trainer=trainer, **given))
    assert len(logs["stock"]) == 20 + 2
    for stock, ours in zip(logs["stock"], logs["ours"], strict=True):
        assert stock.keys() == ours.keys()
        for key, value in stock.items():
            # What is a difference of log-probabilities has their rounding: they are about -200 in float32.
            loose = {"rel": 1e-5, "abs": 1e-5 if "rewards" in key else 1e-7}
            assert ours[key] == (value if isinstance(value, str) else pytest.approx(value, **loose)), key
    first, second = (watched[name].gradients for name in ("stock", "ours"))
    assert first.keys() == second.keys()
    for name, gradient in first.items():
        assert (second[name] - gradient).norm() <= 1e-5 * gradient.norm() + 1e-9, name
    # Policy and reference each; the towers run for both at once, if they are frozen.
    runs = {name: one.calls for name, one in watched.items()}
    separate = flags.get("tuner_type") == "full"  # where the reference is a model of its own
    assert runs["ours"]["layers"] == (1 if separate else 2)
    trained = flags.get("freeze_vit") == "false"
    recomputed = 2 if trained else 1  # by gradient checkpointing, where something is learnt
    assert runs["ours"]["blocks"] == recomputed, runs
    assert runs["stock"]["blocks"] >= runs["ours"]["blocks"]


@slow
def test_a_resumed_training_goes_on_as_it_would_have(tiny_model: Path, mixed: Path, tmp_path: Path) -> None:
    given = {"tuner_type": "lora", **STEPS, "max_steps": 8, "save_strategy": "steps", "save_steps": 4}
    given |= {"save_only_model": "false", "loss_type": "ca_dpo"}
    whole = timeless(rlhf(tiny_model, mixed, tmp_path / "whole", **given))
    again = rlhf(
        tiny_model,
        mixed,
        tmp_path / "again",
        **given,
        resume_from_checkpoint=tmp_path / "whole" / "checkpoint-4",
    )
    assert [line["loss"] for line in timeless(again)] == pytest.approx([line["loss"] for line in whole[4:]], rel=1e-6)
    assert json.loads((tmp_path / "again" / "args.json").read_text())["resume_from_checkpoint"]

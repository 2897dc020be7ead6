"""The SED templates against the stock ones of the installed ms-swift."""

import dataclasses
import json
import pickle
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.sed.layout import INSTRUCTIONS

pytestmark = pytest.mark.usefixtures("plugin")
MODES = ("train", "transformers")
PADDED = ("input_features", "feature_attention_mask")


def template(processor: Any, *, stock: bool, **kwargs: Any) -> Any:
    from swift.template import TEMPLATE_MAPPING, get_template
    from swift.template.templates.qwen import Qwen2_5OmniTemplate

    ours = TEMPLATE_MAPPING["qwen2_5_omni"]
    if not stock:
        return get_template(processor, template_type="qwen2_5_omni", **kwargs)
    TEMPLATE_MAPPING["qwen2_5_omni"] = dataclasses.replace(ours, template_cls=Qwen2_5OmniTemplate)
    try:
        return get_template(processor, template_type="qwen2_5_omni", **kwargs)
    finally:
        TEMPLATE_MAPPING["qwen2_5_omni"] = ours


@pytest.fixture(scope="module")
def media(tiny_world: Path) -> dict[str, list[str]]:
    _, row = next(read_rows(tiny_world / "train.jsonl"))
    return {"videos": row["videos"], "audios": row["audios"]}


def encode(processor: Any, row: dict[str, Any], mode: str, *, stock: bool) -> dict[str, Any]:
    encoder = template(processor, stock=stock)
    encoder.set_mode(mode)
    return encoder.encode(row)


def kept(folder: Path) -> AbstractContextManager[None]:
    """Where rows that cannot be encoded are kept; imported here, since ms-swift reads its settings when it is."""
    from swift_saber.plugin.saber_bad_rows import kept

    return kept(folder)


def same(a: Any, b: Any) -> bool:
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "user", "content": INSTRUCTIONS["zh"]}, {"role": "assistant", "content": "【场景】好"}]},
        {"messages": [{"role": "user", "content": "<video><audio>Why?"}, {"role": "assistant", "content": "So."}]},
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "<audio>\n<video>Why?"}]},
        {
            "messages": [
                {"role": "user", "content": "One?"},
                {"role": "assistant", "content": "1"},
                {"role": "user", "content": "Two?"},
                {"role": "assistant", "content": "2"},
            ]
        },
    ],
    ids=["released", "tags", "system", "two-rounds"],
)
def test_rows_with_a_question_are_encoded_as_the_stock_template_does(
    processor: Any, media: Any, row: dict[str, Any], mode: str
) -> None:
    ours = encode(processor, {**row, **media}, mode, stock=False)
    stock = encode(processor, {**row, **media}, mode, stock=True)
    assert ours.keys() == stock.keys()
    assert len(stock["input_ids"]) > 25  # at least the second of sound: 25 tokens
    assert all(same(ours[key], stock[key]) for key in stock.keys() - set(PADDED))
    # Of the sound, what the mask leaves in.
    assert torch.equal(*(one[PADDED[0]].mT[one[PADDED[1]].bool()] for one in (ours, stock)))


@pytest.mark.parametrize(
    ("row", "instruction"),
    [
        ({"messages": [{"role": "user", "content": ""}]}, "zh"),
        ({"messages": [{"role": "user", "content": "<video><audio> \n"}]}, "zh"),
        ({"messages": [{"role": "user", "content": ""}], "language": "en"}, "en"),
        ({"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": "A kitchen."}]}, "en"),
        ({"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": "一间厨房。"}]}, "zh"),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_a_row_without_a_question_is_asked_in_its_language(
    processor: Any, media: Any, row: dict[str, Any], instruction: str, mode: str
) -> None:
    asked = [{"role": "user", "content": INSTRUCTIONS[instruction]}, *row["messages"][1:]]
    ours = encode(processor, {**row, **media}, mode, stock=False)
    stock = encode(processor, {**media, "messages": asked}, mode, stock=True)
    assert ours["input_ids"] == stock["input_ids"]


def test_text_without_a_clip_gets_no_instruction(processor: Any) -> None:
    row = {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": "x"}]}
    assert encode(processor, row, "train", stock=False) == encode(processor, row, "train", stock=True)


def test_the_rejected_side_of_a_pair_is_asked_the_same(processor: Any, media: Any) -> None:
    row = {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": "good"}], **media}
    encoder = template(processor, stock=False)
    encoder.set_mode("rlhf")
    encoded = encoder.encode({**row, "rejected_response": "bad"})
    prompts = [
        [
            token
            for token, label in zip(encoded[f"{side}_input_ids"], encoded[f"{side}_labels"], strict=True)
            if label < 0
        ]
        for side in ("chosen", "rejected")
    ]
    assert prompts[0] == prompts[1]
    question = processor.tokenizer.encode(INSTRUCTIONS["en"])
    assert any(prompts[0][i : i + len(question)] == question for i in range(len(prompts[0])))


def test_the_template_travels_to_workers_that_are_started_afresh(processor: Any, media: Any) -> None:
    encoder = template(processor, stock=False)
    encoder.set_mode("train")
    again = pickle.loads(pickle.dumps(encoder))
    row = {"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}], **media}
    assert again.encode(row)["input_ids"] == encoder.encode(row)["input_ids"]


def test_qwen3_omni_has_the_same_template() -> None:
    from swift.template import TEMPLATE_MAPPING
    from swift.template.templates.qwen import Qwen3OmniTemplate

    from swift_saber.plugin.saber_template import SEDMixin

    template_class = TEMPLATE_MAPPING["qwen3_omni"].template_cls
    assert issubclass(template_class, SEDMixin)
    assert issubclass(template_class, Qwen3OmniTemplate)


def test_a_clip_that_cannot_be_read_is_reported_by_id_with_its_own_reason(
    processor: Any, media: Any, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(Path(media["videos"][0]).read_bytes()[:400])
    row = {"id": "clip-7", "messages": [{"role": "user", "content": "Why?"}], **media, "videos": [str(broken)]}
    encoder = template(processor, stock=False)
    encoder.set_mode("train")
    with kept(tmp_path / "out"):
        for _ in range(2):
            with pytest.raises(Exception):  # noqa: B017  # whichever error ms-swift's readers end with
                encoder.encode(row)
    entries = [json.loads(line) for line in (tmp_path / "out" / "bad_rows.jsonl").read_text().splitlines()]
    assert [entry["id"] for entry in entries] == ["clip-7"]
    assert "broken.mp4: is not a readable video" in entries[0]["reason"]


def test_at_inference_a_clip_that_cannot_be_read_ends_with_one_line(processor: Any, media: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video here")
    encoder = template(processor, stock=False)
    encoder.set_mode("transformers")
    row = {"id": "clip-7", "messages": [{"role": "user", "content": "Why?"}], "videos": [str(tmp_path / "broken.mp4")]}
    with pytest.raises(InputError, match="row clip-7: clip: .*broken.mp4: is not a readable video"):
        encoder.encode(row)


def test_at_inference_a_channel_is_not_handed_to_the_model(processor: Any, media: Any) -> None:
    """ms-swift would take it for an argument of `generate`, which refuses it."""
    row = {"id": "clip-7", "channel": "home", "messages": [{"role": "user", "content": "Why?"}], **media}
    for mode, kept in (("train", True), ("transformers", False)):
        encoder = template(processor, stock=False)
        encoder.set_mode(mode)
        encoded = encoder.encode(row)
        assert ("channel" in encoder.data_collator([encoded])) == kept, mode


def test_a_wrong_number_of_seconds_is_the_fault_of_no_row(processor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABER_CLIP_SECONDS", "soon")
    with pytest.raises(InputError, match="SABER_CLIP_SECONDS: is 'soon'"):
        template(processor, stock=False)


@pytest.mark.parametrize("videos", ["A" * 6000, ["a\0b.mp4"], [["frame.png"]]])
def test_a_row_of_odd_media_is_reported_all_the_same(processor: Any, videos: Any, tmp_path: Path) -> None:
    encoder = template(processor, stock=False)
    encoder.set_mode("train")
    with kept(tmp_path), pytest.raises(Exception):  # noqa: B017
        encoder.encode({"messages": [{"role": "user", "content": "Why?"}], "videos": videos})
    assert json.loads((tmp_path / "bad_rows.jsonl").read_text())["id"].startswith("row-")


def test_the_reason_is_looked_for_where_the_clip_is(
    processor: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video here")
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path))
    encoder = template(processor, stock=False)
    encoder.set_mode("train")
    with kept(tmp_path), pytest.raises(Exception):  # noqa: B017
        encoder.encode({"messages": [{"role": "user", "content": "Why?"}], "videos": ["broken.mp4"]})
    reason = json.loads((tmp_path / "bad_rows.jsonl").read_text())["reason"]
    assert reason.startswith(f"{tmp_path / 'broken.mp4'}: is not a readable video")


def test_a_row_that_is_too_long_is_reported_with_its_length(processor: Any, media: Any, tmp_path: Path) -> None:
    from swift.template import MaxLengthError

    encoder = template(processor, stock=False, max_length=10)
    encoder.set_mode("train")
    with kept(tmp_path), pytest.raises(MaxLengthError):
        encoder.encode({"messages": [{"role": "user", "content": "Why?"}], **media})
    entry = json.loads((tmp_path / "bad_rows.jsonl").read_text())
    assert entry["id"].startswith("row-")
    assert "max_length(10)" in entry["reason"]
    assert "raise max_length" in entry["remedy"]

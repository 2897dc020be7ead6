"""models/budget.py: the numbers are those of ms-swift's own template, exactly."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from swift_saber.data.convert import to_swift_row
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.mini.face import write_mp4
from swift_saber.mini.voice import SAMPLE_RATE, write_wav
from swift_saber.models.budget import TOKENS, Totals, budget
from swift_saber.sed.layout import INSTRUCTIONS

from ..plugin.rlhf import write_pairs


@pytest.fixture(scope="module", autouse=True)
def same_environment() -> Iterator[None]:
    """ms-swift and the model's own settings are written into the environment, and taken out of it again."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def counter(tiny_model: Path) -> Any:
    from swift_saber.models.budget import TokenCounter

    return TokenCounter(str(tiny_model))


@pytest.fixture(scope="module")
def stock(tiny_model: Path, plugin: None) -> Any:
    """ms-swift's own template, without ours."""
    from swift.model import get_model_processor
    from swift.template import TEMPLATE_MAPPING
    from swift.template.templates.qwen import Qwen2_5OmniTemplate

    processor = get_model_processor(str(tiny_model), model_type="qwen2_5_omni", load_model=False)[1]
    return Qwen2_5OmniTemplate(processor, TEMPLATE_MAPPING["qwen2_5_omni"])


def entries(path: Path, counter: Any, limit: int | None = None) -> list[dict[str, Any]]:
    return [entry for row in budget(path, counter.count, limit) for entry in row]


def test_every_row_is_as_long_as_ms_swift_makes_it(tiny_world: Path, counter: Any, stock: Any) -> None:
    for name, mode, part in (("train", "train", "training"), ("eval", "transformers", "question")):
        path = tiny_world / f"{name}.jsonl"
        stock.set_mode(mode)
        rows = [to_swift_row(row, where) for where, row in read_rows(path)]
        encoded = [stock.encode({key: row[key] for key in ("messages", "videos", "audios")}) for row in rows]
        found = entries(path, counter)
        assert [entry["total_tokens"] for entry in found] == [len(one["input_ids"]) for one in encoded]
        assert {entry["part"] for entry in found} == {part}
        assert [entry["id"] for entry in found] == [row["id"] for row in rows]
        for entry, one in zip(found, encoded, strict=True):
            assert entry["video_tokens"] == int(one["video_grid_thw"].prod()) // 4  # 2 x 2 patches are one token
            assert entry["answer_tokens"] == sum(label >= 0 for label in one.get("labels") or [])


def test_both_sides_of_a_pair_are_counted(tiny_world: Path, counter: Any, stock: Any, tmp_path: Path) -> None:
    path = write_pairs(tmp_path / "pairs.jsonl", tiny_world, 3)
    stock.set_mode("rlhf")
    lengths = []
    for _, row in read_rows(path):
        row["messages"][0]["content"] = INSTRUCTIONS["en"]  # what the plugin asks where the question is blank
        encoded = stock.encode({key: row[key] for key in ("messages", "videos", "audios", "rejected_response")})
        lengths += [("chosen", len(encoded["chosen_input_ids"])), ("rejected", len(encoded["rejected_input_ids"]))]
    assert [(entry["part"], entry["total_tokens"]) for entry in entries(path, counter)] == lengths


def test_the_numbers_of_a_clip_are_those_of_the_published_formulas(counter: Any, tmp_path: Path) -> None:
    # 24 frames at 8 a second are 3 s. 2 frames a second (FPS) would be 6; FPS_MAX_FRAMES allows 4.
    write_mp4(tmp_path / "a.mp4", np.full((24, 240, 320, 3), 128, np.uint8))
    write_wav(tmp_path / "a.wav", np.zeros(SAMPLE_RATE, np.float32))
    row = {"id": "a", "videos": [str(tmp_path / "a.mp4")], "audios": [str(tmp_path / "a.wav")]}
    write_rows(tmp_path / "q.jsonl", [row])
    [entry] = entries(tmp_path / "q.jsonl", counter)
    # VIDEO_MAX_PIXELS=50176: 320x240 shrinks by sqrt(76800 / 50176) = 1.237 to 258x193, cut to multiples of 28.
    assert entry["videos"] == [{"frames": 4, "height": 168, "width": 252}]
    assert (entry["frames"], entry["pixels"]) == (4, 4 * 168 * 252)
    # A token is 28 x 28 pixels of 2 frames: 2 frame pairs of 6 x 9 tokens.
    assert entry["video_tokens"] == 2 * 6 * 9
    # 1 s of sound is 100 frames of 10 ms; a convolution halves them to 50, and pooling to 25.
    assert entry["audio_tokens"] == 25
    assert entry["total_tokens"] == 108 + 25 + entry["text_tokens"]
    assert entry["answer_tokens"] == 0


def test_a_row_that_cannot_be_encoded_is_listed_with_its_own_reason(
    tiny_world: Path, counter: Any, tmp_path: Path
) -> None:
    good, cut, gone = ([*read_rows(tiny_world / "eval.jsonl")][i][1] for i in range(3))
    damaged = tmp_path / "cut.mp4"
    data = Path(cut["videos"][0]).read_bytes()
    damaged.write_bytes(data[: len(data) // 4])
    rows = [{**cut, "videos": [str(damaged)]}, {**gone, "audios": ["gone.wav"]}, good]
    write_rows(tmp_path / "q.jsonl", rows)
    first, second, third = entries(tmp_path / "q.jsonl", counter)
    assert first["id"] == cut["id"] and "cut.mp4: is not a readable video" in first["reason"]
    assert second["id"] == gone["id"] and "gone.wav: no such file" in second["reason"]
    assert first["where"].endswith("q.jsonl:1") and first["remedy"] and second["remedy"]
    assert third["total_tokens"] == third["video_tokens"] + third["audio_tokens"] + third["text_tokens"]


def test_the_models_own_limit_is_known(counter: Any, tiny_model: Path) -> None:
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(tiny_model)
    assert counter.max_length == config.thinker_config.text_config.max_position_embeddings


# The sums, apart from any model.


def counted(total: int) -> list[dict[str, Any]]:
    video = {"frames": 2, "height": 28, "width": 56}
    tokens = dict(zip(TOKENS, (2, 5, total - 7, total), strict=True))
    return [{"part": "question", "videos": [video, video], **tokens, "answer_tokens": 0}]


def questions(tiny_world: Path, path: Path, number: int) -> Path:
    write_rows(path, [row for _, row in read_rows(tiny_world / "eval.jsonl")][:number])
    return path


def test_totals_longest_and_rows_above_the_limit(tiny_world: Path, tmp_path: Path) -> None:
    lengths = iter([10, 30, 20, 31])
    totals = Totals(limit=20)
    flags = []
    for row in budget(questions(tiny_world, tmp_path / "q.jsonl", 4), lambda _: counted(next(lengths)), 20):
        totals.add(row)
        flags += [entry["too_long"] for entry in row]
    assert flags == [False, True, False, True]  # 20 is not above 20
    assert (totals.rows, totals.sequences, totals.failed, totals.too_long) == (4, 4, 0, 2)
    # 4 rows of 2 videos of 2 frames of 28 x 56 pixels.
    assert (totals.sums["frames"], totals.sums["pixels"]) == (16, 16 * 28 * 56)
    assert (totals.sums["text_tokens"], totals.sums["total_tokens"]) == (91 - 4 * 7, 91)
    assert [one.total_tokens for one in totals.longest] == [31, 30, 20, 10]
    assert totals.longest[0].where.endswith("q.jsonl:4")


def test_a_failed_row_stays_in_the_count(tiny_world: Path, tmp_path: Path) -> None:
    def fail(_: dict[str, Any]) -> list[dict[str, Any]]:
        raise InputError("row x", "clip", "is broken", "replace it")

    totals = Totals(limit=None)
    for row in budget(questions(tiny_world, tmp_path / "q.jsonl", 2), fail, None):
        totals.add(row)
    assert (totals.rows, totals.failed, totals.sequences) == (2, 2, 0)


def test_without_a_limit_no_row_is_too_long(tiny_world: Path, tmp_path: Path) -> None:
    [[entry]] = budget(questions(tiny_world, tmp_path / "q.jsonl", 1), lambda _: counted(10**9), None)
    assert entry["too_long"] is False


def test_a_folder_of_clips_that_is_not_there_is_the_fault_of_no_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path / "gone"))
    write_rows(tmp_path / "q.jsonl", [{"id": "a"}])
    with pytest.raises(InputError, match="environment: ROOT_IMAGE_DIR: is .*gone, which is not there"):
        next(budget(tmp_path / "q.jsonl", lambda _: counted(9), None))

"""models/engine.py: what vLLM is told before it loads, and rows in flight; the real vLLM is asked in tests/engine."""

import json
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from swift_saber.errors import InputError
from swift_saber.models import engine
from swift_saber.models.engine import EngineEnded, InFlight, arguments_for, prepare, read_unpadded

VLLM = ["--infer_backend", "vllm"]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: name)


def limits(arguments: list[str]) -> dict[str, int]:
    place = arguments.index("--vllm_limit_mm_per_prompt")
    found: dict[str, int] = json.loads(arguments[place + 1])
    return found


@pytest.mark.usefixtures("installed")
def test_a_prompt_may_have_as_many_clips_of_a_kind_as_the_row_with_most() -> None:
    rows = [{"videos": ["a", "b"], "audios": []}, {"videos": ["a"], "audios": ["x", "y", "z"]}, {"images": ["i"]}]
    assert limits(arguments_for("m/m", VLLM, rows)) == {"video": 2, "audio": 3, "image": 1}


@pytest.mark.usefixtures("installed")
def test_a_video_whose_sound_is_not_named_may_have_one() -> None:
    assert limits(arguments_for("m/m", VLLM, [{"videos": ["a"], "audios": None}]))["audio"] == 1


@pytest.mark.usefixtures("installed")
def test_limits_that_are_given_and_other_backends_stay_as_they_are() -> None:
    given = [*VLLM, "--vllm_limit_mm_per_prompt", '{"video": 5}']
    assert arguments_for("m/m", given, [{"videos": ["a"]}]) == given
    assert arguments_for("m/m", ["--stream", "true"], [{"videos": ["a"]}]) == ["--stream", "true"]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("flag", [["--stream", "true"], ["--num_beams", "4"], ["--quant_bits", "4"]])
def test_what_vllm_does_not_take_is_said_before_it_is_loaded(flag: list[str]) -> None:
    with pytest.raises(InputError, match=f"arguments: {flag[0]}: is nothing that vLLM takes: .*leave it out"):
        arguments_for("m/m", [*VLLM, *flag], [])


@pytest.mark.usefixtures("installed")
def test_flags_that_only_say_what_vllm_does_anyway_are_taken() -> None:
    assert arguments_for("m/m", [*VLLM, "--stream", "false", "--num_beams", "1"], [])


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("rank", "room"), [(8, "8"), (9, "16"), (64, "64")])
def test_vllm_makes_room_for_the_rank_of_an_adapter(rank: int, room: str, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": rank, "base_model_name_or_path": "m/m"}))
    arguments = arguments_for(str(tmp_path), VLLM, [])
    assert arguments[arguments.index("--vllm_max_lora_rank") + 1] == room
    with pytest.raises(InputError, match="r: r is 513, and vLLM takes adapters up to 512; merge it"):
        (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 513}))
        arguments_for(str(tmp_path), VLLM, [])


def test_that_vllm_is_not_installed_is_said_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="--infer_backend: is vllm, which is not installed"):
        arguments_for("m/m", VLLM, [])


def args_and_template(positions: int, **given: Any) -> tuple[Any, Any]:
    config = SimpleNamespace(
        max_position_embeddings=positions, num_hidden_layers=4, num_key_value_heads=2, head_dim=64, hidden_size=512
    )
    outer = SimpleNamespace(get_text_config=lambda: config)
    # 30 seconds of sound, 25 tokens each.
    processor = SimpleNamespace(feature_extractor=SimpleNamespace(n_samples=480_000, sampling_rate=16_000))
    template = SimpleNamespace(model_info=SimpleNamespace(config=outer), processor=processor)
    limit = {"video": 1, "audio": 2, "image": 0}
    settings = {"vllm_max_model_len": None, "vllm_limit_mm_per_prompt": limit, "max_new_tokens": 300}
    return SimpleNamespace(**{**settings, "torch_dtype": torch.float32, **given}), template


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten pairs of frames of 128 tokens or 153 as the reader rounds them."""
    for name in ("VIDEO_MAX_PIXELS", "VIDEO_MIN_PIXELS", "FPS_MAX_FRAMES", "FPS", "FPS_MIN_FRAMES"):
        monkeypatch.delenv(name, raising=False)
    for name in ("VLLM_CPU_KVCACHE_SPACE", "VLLM_ENABLE_V1_MULTIPROCESSING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VIDEO_MAX_PIXELS", str(128 * 784))
    monkeypatch.setenv("FPS_MAX_FRAMES", "20")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("environment")
def test_the_longest_row_is_that_of_the_media_settings_with_its_text_and_answer() -> None:
    args, template = args_and_template(32768)
    prepare(args, template)
    assert args.vllm_max_model_len == 1 * 10 * 153 + 2 * 30 * 25 + 2048 + 300


@pytest.mark.usefixtures("environment")
def test_no_row_is_longer_than_the_model_has_positions_and_what_is_given_stays() -> None:
    args, template = args_and_template(1024)
    prepare(args, template)
    assert args.vllm_max_model_len == 1024
    args, template = args_and_template(1024, vllm_max_model_len=700)
    prepare(args, template)
    assert args.vllm_max_model_len == 700


@pytest.mark.usefixtures("environment")
def test_vllm_tells_nobody_that_it_runs_unless_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_NO_USAGE_STATS", "0")
    prepare(*args_and_template(1024))
    assert os.environ["VLLM_NO_USAGE_STATS"] == "0"
    monkeypatch.delenv("VLLM_NO_USAGE_STATS")
    prepare(*args_and_template(1024))
    assert os.environ["VLLM_NO_USAGE_STATS"] == "1"


@pytest.mark.usefixtures("environment")
def test_on_a_cpu_the_cache_has_room_for_sixteen_rows_and_never_less_than_a_gib(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = SimpleNamespace(available=64 << 30)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    args, template = args_and_template(32768, vllm_max_model_len=1024)
    prepare(args, template)
    assert (args.vllm_enforce_eager, os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"]) == (True, "0")
    assert os.environ["VLLM_CPU_KVCACHE_SPACE"] == "1"  # 16 rows of 1,024 tokens of 4 KiB are 64 MiB
    del os.environ["VLLM_CPU_KVCACHE_SPACE"]
    prepare(*args_and_template(1 << 20, vllm_max_model_len=1 << 17))
    # A token is 2 x 4 layers x 2 heads x 64 numbers of 4 bytes.
    assert int(os.environ["VLLM_CPU_KVCACHE_SPACE"]) == 16 * (1 << 17) * (2 * 4 * 2 * 64 * 4) >> 30
    del os.environ["VLLM_CPU_KVCACHE_SPACE"]
    free.available = 8 << 30
    prepare(*args_and_template(1 << 20, vllm_max_model_len=1 << 17))
    assert os.environ["VLLM_CPU_KVCACHE_SPACE"] == "2"  # a quarter


class Engine:
    """In the place of ms-swift's VllmEngine: answers when it is let, and notes the seed of each row."""

    max_model_len = 100

    def __init__(self) -> None:
        self.given: list[tuple[str, int]] = []
        self.let = threading.Event()
        self.let.set()
        self.template = SimpleNamespace(set_mode=lambda mode: None, encode=self._encode)
        self.engine = SimpleNamespace(step=self._step)
        self._under_way: queue.SimpleQueue[str] = queue.SimpleQueue()

    def _encode(self, row: dict[str, Any], return_template_inputs: bool) -> dict[str, Any]:
        if row["id"] == "broken":
            raise ValueError("cannot be decoded")
        return row

    def set_default_max_tokens(self, config: Any, inputs: Any) -> None: ...

    def _prepare_generation_config(self, config: Any) -> Any:
        return config

    def _add_stop_words(self, params: Any, config: Any) -> None: ...

    def _add_request(self, inputs: Any, params: Any, name: str, adapter_request: Any) -> None:
        if inputs["id"] == "long":
            raise ValueError("The decoder prompt (length 500) is longer than the maximum model length of 100.")
        self.given.append((inputs["id"], params.seed))
        self._under_way.put(name)

    def _step(self) -> list[Any]:
        if any(name == "killer" for name, _ in self.given):
            raise RuntimeError("out of everything")
        self.let.wait(60)
        return [SimpleNamespace(request_id=self._under_way.get(), finished=True)]

    def _create_chat_completion_response(self, output: Any, inputs: Any, config: Any, name: str) -> Any:
        choices = [SimpleNamespace(message=SimpleNamespace(content=f"{inputs['id']} {n}")) for n in range(config.n)]
        return SimpleNamespace(choices=choices)


def row(name: str, audios: int = 1) -> dict[str, Any]:
    turns = [{"role": "user", "content": "?"}]
    return {"id": name, "messages": turns, "videos": ["v"], "audios": ["a"] * audios}


SAMPLING = {"k": 2, "temperature": 0.8, "max_new_tokens": 9, "seed": 1}


@pytest.fixture
def flight() -> Iterator[tuple[InFlight, Engine]]:
    made = Engine()
    args = SimpleNamespace(get_request_config=lambda: SimpleNamespace(n=1, seed=None, stream=False), seed=42)
    yield InFlight(SimpleNamespace(infer_engine=made, args=args, infer_kwargs={})), made
    made.let.set()


def texts(answers: Any) -> list[str]:
    return [choice.message.content for choice in answers]


def test_rows_that_will_be_asked_next_are_begun_at_once_and_only_once(flight: tuple[InFlight, Engine]) -> None:
    flying, made = flight
    made.let.clear()
    flying.start([row("a"), row("b")])
    flying.start([row("c")], SAMPLING)
    made.let.set()
    assert [texts(one) for one in flying.answers([row("b"), row("a")])] == [["b 0"], ["a 0"]]
    assert [texts(one) for one in flying.answers([row("c")], SAMPLING)] == [["c 0", "c 1"]]
    assert [name for name, _ in made.given] == ["a", "b", "c"]


def test_a_row_that_vllm_refuses_is_an_error_of_that_row_alone(flight: tuple[InFlight, Engine]) -> None:
    flying, _ = flight
    first, broken, long, last = flying.answers([row("a"), row("broken"), row("long"), row("b")])
    assert (texts(first), texts(last)) == (["a 0"], ["b 0"])
    assert isinstance(broken, ValueError)
    assert isinstance(long, InputError)
    assert "more tokens than the 100 that vLLM was loaded for" in long.problem
    assert "lower FPS_MAX_FRAMES" in long.remedy and "--vllm_max_model_len" in long.remedy


def test_when_vllm_itself_has_failed_no_row_waits_for_ever(flight: tuple[InFlight, Engine]) -> None:
    flying, _ = flight
    for _ in range(2):
        with pytest.raises(EngineEnded, match="out of everything"):
            list(flying.answers([row("a"), row("killer")]))


def test_the_dice_of_a_row_are_its_own(flight: tuple[InFlight, Engine]) -> None:
    flying, made = flight

    def seeds(rows: list[dict[str, Any]], sampling: dict[str, Any]) -> dict[str, int]:
        made.given.clear()
        list(flying.answers(rows, sampling))
        return dict(made.given)

    both, alone = seeds([row("a"), row("b")], SAMPLING), seeds([row("b")], SAMPLING)
    assert both["b"] == alone["b"] != both["a"]
    assert seeds([row("b", audios=0)], SAMPLING)["b"] != both["b"]
    assert seeds([row("b")], {**SAMPLING, "seed": 2})["b"] != both["b"]


def test_a_processor_makes_the_features_of_the_sound_alone_and_the_same_ones(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import Qwen2_5OmniProcessor

    processor = Qwen2_5OmniProcessor.from_pretrained(tiny_model)
    rng = np.random.default_rng(0)
    sounds = [rng.standard_normal(16_000 * seconds).astype(np.float32) for seconds in (1, 2)]
    asked = {"text": "<|audio_bos|><|AUDIO|><|audio_eos|>" * 2, "audio": sounds, "return_tensors": "pt"}
    stock = processor(**asked)
    extractor = processor.feature_extractor
    monkeypatch.setattr(Qwen2_5OmniProcessor, "__call__", Qwen2_5OmniProcessor.__call__)  # put back after the test
    read_unpadded(Qwen2_5OmniProcessor)
    found = processor(**asked)
    assert found["input_ids"].tolist() == stock["input_ids"].tolist()
    # 100 frames a second, of the longest sound and no more; stock makes those of 300 s.
    assert (found["input_features"].shape[-1], stock["input_features"].shape[-1]) == (200, 30_000)
    masked = [one["input_features"].permute(0, 2, 1)[one["feature_attention_mask"].bool()] for one in (stock, found)]
    assert torch.equal(*masked)
    assert processor.feature_extractor is extractor  # as it was

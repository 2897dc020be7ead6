"""doctor/costs.py and the arithmetic behind it: memory and time that a model needs, against what is here."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from transformers.models.qwen2_5_omni import modeling_qwen2_5_omni as modeling

from swift_saber.doctor import costs
from swift_saber.doctor.costs import cost_findings, memory_finding, recipe_findings, time_finding
from swift_saber.doctor.findings import known_recipe
from swift_saber.doctor.machine import ask
from swift_saber.doctor.settings import Finding
from swift_saber.errors import InputError
from swift_saber.media.settings import MEDIA_SETTINGS
from swift_saber.models import seconds
from swift_saber.models.checkpoint import PUBLISHED_SETTINGS
from swift_saber.models.memory import GIB, QWEN3, answering, clip_tokens, dimensions, dtype_of, estimate
from swift_saber.models.seconds import ANSWER_TOKENS, Part, Speed, measured, seconds_to_answer, seconds_to_train
from tests.conftest import REPOSITORY
from tests.tiny_qwen3 import build_from_world

SEVEN, THIRTY = "Qwen/Qwen2.5-Omni-7B", "Qwen/Qwen3-Omni-30B-A3B-Instruct"


def gpus(*free_of: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"name": "g", "free": free * GIB, "total": total * GIB} for free, total in free_of]


def test_the_7b_needs_its_weights_a_cache_and_a_layer_to_answer() -> None:
    """28 layers, 4 heads of keys and values of 128, 152,064 words of 2 bytes, which one token of the question meets."""
    need = answering(dimensions(SEVEN), PUBLISHED_SETTINGS)
    question = 20 * 153 + 30 * 25 + 150
    assert need.weights == estimate({"model": SEVEN, "tuner_type": "lora"}).weights
    assert need.kept == (question + 4096) * 28 * 2 * (4 * 128) * 2
    assert need.logits == 152064 * 2
    assert need.layer == question * 2 * (4 * 3584 + 3 * 18944)
    assert need.plan == need.weights + 1.35 * (need.kept + need.layer) + GIB
    assert answering(dimensions(SEVEN), PUBLISHED_SETTINGS, 5).plan == need.plan + 5


@pytest.mark.parametrize(
    ("recipe", "tokens", "answer", "measured"),
    [("sed", 3530, 1407, 24741), ("ca_dpo", 3304, 1532, 30777), ("ca_dpo", 8158, 7346, 60575)],
)
def test_the_plan_is_what_was_measured(recipe: str, tokens: int, answer: int, measured: int) -> None:
    """MiB of an H100 at their most, while a 7B of random weights was trained on rows of up to so many tokens."""
    known = yaml.safe_load((REPOSITORY / "recipes" / f"{recipe}_7b_lora_1gpu.yaml").read_text(encoding="utf-8"))
    plan = estimate({**known, "max_length": tokens}, answer=answer).plan
    assert 0.97 * measured * 2**20 < plan < 1.05 * measured * 2**20


@pytest.mark.parametrize(("recipe", "tokens", "measured"), [("sed", 7905, 39299), ("ca_dpo", 8164, 65143)])
def test_the_plan_of_whole_rows_is_what_was_measured(recipe: str, tokens: int, measured: int) -> None:
    """MiB of an H200 at their most: ms-swift's own step, whose pairs are two rows that meet the vocabulary whole."""
    known = yaml.safe_load((REPOSITORY / "recipes" / f"{recipe}_7b_lora_1gpu.yaml").read_text(encoding="utf-8"))
    plan = estimate({**known, "max_length": tokens, "use_logits_to_keep": False}).plan
    assert 0.97 * measured * 2**20 < plan < 1.05 * measured * 2**20


def test_tokens_of_a_clip_follow_the_media_settings() -> None:
    assert clip_tokens(PUBLISHED_SETTINGS, 30) == (20 * 153, 750)
    # Qwen3-Omni's tokens are of 32 x 32 pixels, as many, but for a floor in pixels: 128 tokens are 131,072 there.
    assert clip_tokens(PUBLISHED_SETTINGS, 30, QWEN3) == (20 * 153, 390)
    assert clip_tokens({"FPS": "2", "VIDEO_MIN_PIXELS": "131072", "VIDEO_MAX_PIXELS": "1"}, 10, QWEN3)[0] == 10 * 153
    # 2 frames a second are 10 pairs in 10 s; at half of the floor of 128 tokens where that is lowered to 64.
    assert clip_tokens(PUBLISHED_SETTINGS, 10) == (10 * 153, 250)
    assert clip_tokens({**PUBLISHED_SETTINGS, "VIDEO_MIN_PIXELS": "3136"}, 10) == (round(10 * 153 / 2), 250)


def test_full_tuning_alone_holds_gradients_and_two_moments_of_the_weights_type(tiny_model: Path) -> None:
    known = dimensions(str(tiny_model))
    full = {"tuner_type": "full", "torch_dtype": "float32", "max_length": 100}
    frozen, all_of_it = estimate(full, known), estimate({**full, "freeze_vit": False}, known)
    assert frozen.trained == frozen.trainable * 3 * 4
    assert all_of_it.trainable * 4 == all_of_it.weights > 4 * frozen.trainable
    assert all_of_it.towers > frozen.towers == 0
    assert frozen.weights == 2 * estimate({**full, "torch_dtype": "bfloat16"}, known).weights


def test_a_model_of_another_kind_is_not_estimated() -> None:
    [finding] = cost_findings("owner/other", None, {"gpus": []}, os.environ)
    assert finding.level == "note" and "are not known" in finding.text


def test_qwen3_omni_needs_its_weights_a_cache_and_a_layer_to_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """48 layers, 4 heads of keys and values of 128; 40 frames, and 13 tokens a second of sound."""
    need = answering(dimensions(THIRTY), PUBLISHED_SETTINGS)
    question = 20 * 153 + 30 * 13 + 150
    assert need.kept == (question + 4096) * 48 * 2 * (4 * 128) * 2
    assert need.layer == question * 2 * (4 * 2048 + 8 * (2 * 2048 + 3 * 768))
    for name in MEDIA_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    [finding] = cost_findings(THIRTY, None, {"gpus": gpus((48, 48))}, os.environ)
    assert (finding.level, finding.topic) == ("problem", "memory to answer")
    assert f"plan for {need.plan / GIB:.1f} GiB" in finding.text


def test_a_tiny_qwen3_omni_is_measured_to_answer_and_to_train(tiny_world: Path, tmp_path: Path) -> None:
    model = build_from_world(tmp_path / "model", tiny_world)
    recipe = known_recipe(str(REPOSITORY / "recipes" / "sed_qwen3_omni_30b_lora_1gpu.yaml"))
    told = list(cost_findings(str(model), recipe, {"gpus": []}, os.environ, 36))
    assert [finding.topic for finding in told] == [
        *("memory to answer", "memory to train", "time to answer", "time to train")
    ]


def test_the_published_weights_count_as_the_7b() -> None:
    assert dimensions("zhaoxiaoxian/SABER-LLM") == dimensions(SEVEN) == dimensions(None)


def test_the_type_of_the_weights_is_found_at_either_level() -> None:
    assert dtype_of({"dtype": "bfloat16"}) == "bfloat16"
    assert dtype_of({"thinker_config": {"torch_dtype": "torch.bfloat16"}}) == "bfloat16"
    assert dtype_of({}) == "float32"


@pytest.mark.parametrize(
    ("purpose", "plan", "cards", "level", "said"),
    [
        ("answer", 21, gpus((24, 24)), "ok", "plan for 21.0 GiB"),
        ("answer", 25, gpus((24, 24)), "problem", "use a smaller model, or a machine"),
        ("answer", 40, gpus((24, 24), (24, 24)), "note", "no single GPU"),
        ("train", 40, gpus((24, 24), (24, 24)), "problem", "a lower max_length"),
        ("answer", 21, gpus((20, 24)), "note", "end them first"),
        ("answer", 1e6, [], "problem", "GiB of memory are here"),
    ],
)
def test_what_is_needed_against_what_is_here(
    purpose: str, plan: float, cards: list[dict[str, Any]], level: str, said: str
) -> None:
    finding = memory_finding(purpose, 16 * GIB, plan * GIB, cards)
    assert finding.level == level and said in f"{finding.text}; {finding.remedy}"


def test_time_is_told_with_its_range_and_for_all_rows() -> None:
    said = time_finding("answer", 40.0, 300, {}).text
    assert "about 40 s a clip (20 s to 80 s" in said and "300 rows: 3.3 h" in said  # 12,000 s
    two = {"rlhf_type": "dpo", "num_train_epochs": 2, "ENV": {"NPROC_PER_NODE": "4"}}
    said = time_finding("train", 40.0, 600, two).text
    assert "40 s a pair" in said and "600 rows, 2 times: 3.3 h" in said  # 40 x 600 x 2 / 4
    grpo = {"rlhf_type": "grpo", "num_generations": 4}
    said = time_finding("train", 10.0, 300, grpo).text
    assert "about 10 s an answer" in said
    assert "without writing it" in said and "300 rows, 4 answers each: 3.3 h" in said  # 10 x 300 x 4
    slow = time_finding("answer", 601.0, None, {})
    assert slow.level == "problem" and "use a GPU" in slow.remedy


def test_a_row_is_read_as_often_as_training_does(tiny_model: Path) -> None:
    """Layers alone, at 1 s a token and layer: LoRA goes forward, back and forward again; a reference once more."""
    known = dimensions(str(tiny_model))
    layers = known["thinker_config"]["text_config"]["num_hidden_layers"]
    free = Part(0.0, 0.0)  # lm_head is free, and so are the towers then
    speed = Speed(Part(1.0, 2.0), free, call=0.0)
    question = sum(clip_tokens(PUBLISHED_SETTINGS, 10)) + 150
    tokens = question + ANSWER_TOKENS

    def took(**recipe: Any) -> float:
        return seconds_to_train(known, recipe, PUBLISHED_SETTINGS, speed) / layers / tokens

    answer = seconds_to_answer(known, PUBLISHED_SETTINGS, speed)
    assert answer == pytest.approx(layers * (question + 2 * ANSWER_TOKENS), rel=1e-3)
    assert took() == pytest.approx(3, rel=1e-3)
    assert took(gradient_checkpointing=False) == pytest.approx(2, rel=1e-3)
    assert took(tuner_type="full") == pytest.approx(4, rel=1e-3)
    assert took(rlhf_type="dpo") == pytest.approx(2 * (3 + 1), rel=1e-3)


def test_what_a_call_takes_beside_its_layers_counts_once_a_call_and_not_once_a_layer(tiny_model: Path) -> None:
    """A question is one call, and so is each token of the answer; a row trained by LoRA is three, a pair eight."""
    known, free = dimensions(str(tiny_model)), Part(0.0, 0.0)
    speed, none = Speed(free, free, call=1.0), Speed(free, free, call=0.0)
    for calls, took in (
        (1 + ANSWER_TOKENS, lambda speed: seconds_to_answer(known, PUBLISHED_SETTINGS, speed)),
        (3, lambda speed: seconds_to_train(known, {}, PUBLISHED_SETTINGS, speed)),
        (8, lambda speed: seconds_to_train(known, {"rlhf_type": "dpo"}, PUBLISHED_SETTINGS, speed)),
    ):
        assert took(speed) - took(none) == pytest.approx(calls)


class Clock:
    """Counts what is computed, in place of the time: a call takes 5 s, and each layer in it 2 s a token."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(seconds, "time", SimpleNamespace(perf_counter=lambda: self.now))
        forwards: list[tuple[Any, Callable[[Any], float]]] = [
            (modeling.Qwen2_5OmniThinkerTextModel, lambda _: 5.0),
            (modeling.Qwen2_5OmniDecoderLayer, lambda tokens: 2.0 * tokens),
        ]
        for kind, cost in forwards:
            monkeypatch.setattr(kind, "forward", self._counted(kind.forward, cost))

    def _counted(self, forward: Callable[..., Any], cost: Callable[[Any], float]) -> Callable[..., Any]:
        def counted(module: Any, *given: Any, **named: Any) -> Any:
            embeds = given[0] if given else named["inputs_embeds"]
            self.now += cost(embeds.shape[1])
            return forward(module, *given, **named)

        return counted


def test_a_layer_is_what_further_ones_add_and_the_rest_of_a_call_is_no_layers(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Clock(monkeypatch)
    speed = measured(dimensions(str(tiny_model)), PUBLISHED_SETTINGS, "cpu")
    assert (speed.layer, speed.call) == (Part(2.0, 2.0), 5.0)


def test_a_recipe_for_more_gpus_than_are_here_is_a_problem() -> None:
    recipe = known_recipe(str(REPOSITORY / "recipes" / "sed_7b_lora_1gpu.yaml")) | {"ENV": {"NPROC_PER_NODE": "4"}}
    [finding] = recipe_findings(recipe, {"gpus": gpus((24, 24))})
    assert (finding.topic, finding.level) == ("NPROC_PER_NODE", "problem") and "set it to 1" in finding.remedy
    assert list(recipe_findings(recipe, {"gpus": gpus((24, 24)) * 4})) == []


def test_a_package_that_the_recipe_needs_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "find_spec", lambda _: None)
    [finding] = recipe_findings({"deepspeed": "zero2"}, {"gpus": []})
    assert (finding.topic, finding.level) == ("deepspeed", "problem")


def test_a_recipe_with_a_setting_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text("learning_rat: 3\n")
    with pytest.raises(InputError, match="learning_rat: is no argument of `swift sft`"):
        known_recipe(str(tmp_path / "r.yaml"))


@pytest.fixture(scope="module")
def told(tiny_model: Path) -> list[Finding]:
    """What is said of the tiny model and the demo's recipe, measured here."""
    recipe = known_recipe(str(REPOSITORY / "recipes" / "mini" / "sed.yaml"))
    return list(cost_findings(str(tiny_model), recipe, {"gpus": []}, os.environ, 36))


def test_the_tiny_model_is_measured_to_answer_and_to_train(told: list[Finding]) -> None:
    assert [finding.topic for finding in told] == [
        *("memory to answer", "memory to train", "time to answer", "time to train")
    ]
    assert [finding.level for finding in told[:2]] == ["ok", "ok"]
    assert "36 rows" in told[2].text and "36 rows" in told[3].text


def test_a_7b_on_a_small_machine_is_a_problem_and_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its weights alone are 16.6 GiB; no weights are here, and none are fetched."""
    for name in MEDIA_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    asked = []

    def remembered(question: str, *more: Any) -> Any:
        asked.append(question)
        return ask(question, *more)

    monkeypatch.setattr(costs, "ask", remembered)
    monkeypatch.setattr(costs, "memory", lambda: 16 * GIB)
    [finding] = cost_findings("zhaoxiaoxian/SABER-LLM", None, {"gpus": []}, os.environ)
    assert (finding.level, finding.topic) == ("problem", "memory to answer")
    plan = answering(dimensions(SEVEN), PUBLISHED_SETTINGS).plan / GIB
    assert f"plan for {plan:.1f} GiB" in finding.text and "16.0 GiB of memory are here" in finding.text
    assert asked == ["memory_needed"]

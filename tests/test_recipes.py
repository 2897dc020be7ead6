"""recipes/*.yaml: what their headers promise, and that ms-swift's own parser takes every value."""

import dataclasses
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from swift_saber.errors import InputError
from swift_saber.media.settings import media_settings
from swift_saber.models import memory
from swift_saber.plugin.saber_rewards import REWARDS

REPOSITORY = Path(__file__).resolve().parents[1]
# recipes/data is for the data pipeline, which is not ms-swift's.
ALL = sorted(p for p in (REPOSITORY / "recipes").rglob("*.yaml") if p.parent.name != "data")
SED = [path for path in ALL if path.name.startswith("sed_")]
CA_DPO = [path for path in ALL if path.name.startswith("ca_dpo_")]
GRPO = [path for path in ALL if path.name.startswith("grpo_")]
STAGES = [*SED, *CA_DPO, *GRPO]
ARGUMENTS = {"sft": "SftArguments", "rlhf": "RLHFArguments", "export": "ExportArguments"}
PUBLISHED = {"VIDEO_MAX_PIXELS": "50176", "FPS_MAX_FRAMES": "40", "MAX_PIXELS": "1003520", "ENABLE_AUDIO_OUTPUT": "0"}


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def contents(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def header(path: Path) -> str:
    """The comment lines that a recipe opens with."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))])


def command(path: Path) -> str:
    """The ms-swift command that a recipe is for, from the launch line in its header."""
    launch = re.search(rf"(?:swift |shell/)(\w+)(?:\.sh)? {re.escape(name(path))}", header(path))
    assert launch, f"{name(path)} has no launch line"
    return launch[1]


def every(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=name)


@every(ALL)
@pytest.mark.parametrize("said", ["Hardware: ", "Effective batch: ", "Launch", "Override any value", r"\bours\b"])
def test_the_header_says(path: Path, said: str) -> None:
    assert re.search(said, header(path))


@every(STAGES)
@pytest.mark.parametrize("said", ["Memory: .*estimated", r"Step time: (not measured|.*\(one H100\))", "Limitation: "])
def test_the_header_is_honest_about(path: Path, said: str) -> None:
    assert re.search(said, header(path))


@every(STAGES)
def test_the_environment_is_the_published_one(path: Path) -> None:
    assert PUBLISHED.items() <= contents(path)["ENV"].items()


@every([path for path in ALL if path.name.startswith(("ca_dpo", "grpo"))])
def test_what_follows_sed_shows_the_model_what_sed_did(path: Path) -> None:
    """Each CA-DPO and GRPO recipe against the SED recipe of its size."""
    sed = contents(path.with_name(re.sub("^(ca_dpo|grpo)", "sed", path.name)))["ENV"]
    assert media_settings(contents(path)["ENV"]) == media_settings(sed)


@every([path for path in ALL if path.name.startswith("ca_dpo")])
def test_the_additions_to_the_preference_loss_are_off(path: Path) -> None:
    recipe = contents(path)
    assert (recipe["rlhf_type"], recipe["loss_type"]) == ("dpo", "ca_dpo")
    assert (recipe["ENV"]["SABER_INCONSISTENT_WEIGHT"], recipe["ENV"]["SABER_MARGIN_SCALE"]) == ("1", "0")


@every(CA_DPO)
def test_beta_is_the_default_of_ms_swift(path: Path) -> None:
    """Nothing is published of it. The recipe of the embedded world has its own and says why."""
    assert contents(path)["beta"] == 0.1


@every(GRPO)
def test_grpo_takes_our_rewards_and_whole_groups_of_answers(path: Path) -> None:
    """Answers are compared within a clip's group, so that what is written at a time, and an update, hold whole ones."""
    recipe = contents(path)
    # What looks at the sound is an option: it was tried on made voices alone.
    assert recipe["reward_funcs"] == [name for name in REWARDS if name != "saber_evidence"]
    weights = dict(zip(recipe["reward_funcs"], recipe["reward_weights"], strict=True))
    assert weights["saber_consistency"] < weights["saber_emotion"]
    rows = recipe["per_device_train_batch_size"] * int(recipe["ENV"].get("NPROC_PER_NODE", 1))
    for steps in ("steps_per_generation", "gradient_accumulation_steps"):
        assert rows * recipe[steps] % recipe["num_generations"] == 0, steps


@every(STAGES)
def test_every_value_says_where_it_comes_from(path: Path) -> None:
    """On its line, or in the comment right above it. A name or a place has no source."""
    above = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.lstrip().startswith("#"):
            above += line
            continue
        key = re.match(r"\s*(\w+): *[^ #]", line)
        if key and key[1] not in {"model", "custom_register_path", "tuner_type", "output_dir"}:
            assert re.search(r"\[(published|secondary|ours)\b", above + line), f"{name(path)}: {key[1]}"
        above = ""


@every([path for path in ALL if path.name != "export_merge_lora.yaml"])
def test_the_stated_batch_is_the_product_of_the_values(path: Path) -> None:
    """Rows before an update = rows at a time on a GPU x accumulation steps x GPUs."""
    recipe = contents(path)
    gpus = int(recipe["ENV"].get("NPROC_PER_NODE", 1))
    product = recipe["per_device_train_batch_size"] * recipe["gradient_accumulation_steps"] * gpus
    stated = re.search(r"Effective batch: (\d+)", header(path))
    assert stated
    assert int(stated[1]) == product


@every(STAGES)
def test_the_stated_memory_is_the_estimate(path: Path) -> None:
    stated = re.search(r"plan for (\d+) GiB", header(path))
    assert stated
    assert int(stated[1]) == memory.estimate(contents(path)).plan_gib


def test_the_estimate_counts_the_7b_as_done_by_hand() -> None:
    """Qwen2.5-Omni-7B's language model: hidden 3,584, keys and values 512, inner 18,944, 28 layers, 152,064 tokens.

    A layer has q and o (3,584 x 3,584), k and v (3,584 x 512), gate, up and down (3,584 x 18,944), biases of q, k and
    v, and two norms. Around the layers: embeddings, lm_head and a norm. LoRA of rank r adds r x (in + out) to each of
    a layer's seven matrices.
    """
    hidden, kv, inner, layers, vocabulary, rank = 3584, 512, 18944, 28, 152064, 64
    matrices = [(hidden, hidden)] * 2 + [(hidden, kv)] * 2 + [(hidden, inner)] * 3
    layer = sum(a * b for a, b in matrices) + hidden + 2 * kv + 2 * hidden
    model = memory.build(memory.SIZES["7B"])
    language = memory.parameters(model.thinker.model) + memory.parameters(model.thinker.lm_head)
    assert language == layers * layer + 2 * vocabulary * hidden + hidden
    assert memory.lora_parameters(model, rank) == layers * rank * sum(a + b for a, b in matrices)


def test_the_estimate_counts_the_30b_as_done_by_hand() -> None:
    """Qwen3-Omni-30B-A3B's language model: hidden 2,048, 32 heads and 4 of keys and values of 128, 48 layers, 128
    experts of 768 of which 8 a token, 152,064 tokens.

    A layer has q (2,048 x 4,096), o, k and v (2,048 x 512), three matrices an expert (2,048 x 768), what chooses among
    them (128 x 2,048), two norms of the layer and two of a head. LoRA is on q, k, v and o. A layer holds 12 x 2,048
    numbers a token, and for each of 8 experts its input, its output and 6 x 768.
    """
    hidden, heads, kv, inner, experts, rank = 2048, 4096, 512, 768, 128, 64
    attention = [(hidden, heads), (heads, hidden), (hidden, kv), (hidden, kv)]
    layer = sum(a * b for a, b in attention) + experts * (3 * hidden * inner + hidden) + 2 * hidden + 2 * 128
    model = memory.build(memory.SIZES["30B-A3B"])
    language = memory.parameters(model.thinker.model) + memory.parameters(model.thinker.lm_head)
    assert language == 48 * layer + 2 * 152064 * hidden + hidden
    assert memory.lora_parameters(model, rank) == 48 * rank * sum(a + b for a, b in attention)
    recipe = {"model": "Qwen/Qwen3-Omni-30B-A3B-Instruct", "tuner_type": "lora", "max_length": 100}
    numbers = 12 * hidden + 8 * (2 * hidden + 6 * inner)
    assert memory.estimate(recipe).layer == 100 * (2 * numbers + 5 * 4 * hidden)


def test_the_estimate_counts_a_pair_and_its_reference() -> None:
    """Against SED with the same values: two rows instead of one, and the reference.

    LoRA: the reference adapter in fp32. Two GPUs without DeepSpeed: another fp32 copy of the gradients. Full tuning:
    the frozen thinker, unless what it says is kept in files, and 8 bytes a logit where the others have 12.
    """
    sed = contents(REPOSITORY / "recipes" / "sed_7b_lora_1gpu.yaml")
    one, pair = (memory.estimate({**sed, **more}) for more in ({}, {"rlhf_type": "dpo"}))
    assert pair.weights == one.weights + 4 * one.trainable
    assert (pair.trained, pair.kept, pair.layer) == (one.trained, 2 * one.kept, 2 * one.layer)
    assert pair.logits == 2 * one.logits == 2 * 4096 * 152064 * 12
    grpo = memory.estimate({**sed, "rlhf_type": "grpo"})
    assert (grpo.weights, grpo.kept, grpo.layer, grpo.logits) == (pair.weights, one.kept, one.layer, one.logits)
    two = memory.estimate({**sed, "rlhf_type": "dpo", "ENV": {"NPROC_PER_NODE": "2"}})
    assert two.trained == pair.trained + 4 * pair.trainable
    full = contents(REPOSITORY / "recipes" / "ca_dpo_7b_full_multigpu.yaml")
    assert memory.estimate(full).weights == one.weights
    assert memory.estimate({**full, "ENV": {**full["ENV"], "SABER_REFERENCE_CACHE": ""}}).weights == 2 * one.weights
    assert memory.estimate(full).logits == 2 * 4096 * 152064 * 8


def test_the_7b_without_its_talker_has_the_size_of_the_published_weights() -> None:
    """They are described as 9 billion parameters including the encoders."""
    assert round(memory.parameters(memory.build(memory.SIZES["7B"])) / 1e9) == 9


@pytest.mark.parametrize(
    ("model", "layers"),
    [
        ("Qwen/Qwen2.5-Omni-3B", 36),
        ("Qwen/Qwen2.5-Omni-7B", 28),
        ("/models/qwen2.5-omni-3b/", 36),
        ("/3B/Qwen2.5-Omni-7B", 28),
        (None, 28),
        ("Qwen/Qwen3-Omni-30B-A3B-Instruct", 48),
        ("/models/qwen3-omni-30b-a3b-thinking", 48),
    ],
)
def test_the_estimate_is_for_the_model_that_is_named(model: str | None, layers: int) -> None:
    """2 bytes x 1 row x 8,192 tokens x hidden x layers; the 7B has a hidden size of 3,584, the others of 2,048."""
    sed = contents(REPOSITORY / "recipes" / "sed_7b_lora_1gpu.yaml")
    recipe = {key: value for key, value in {**sed, "model": model}.items() if value is not None}
    hidden = {36: 2048, 28: 3584, 48: 2048}[layers]
    assert memory.estimate(recipe).kept == 2 * 8192 * hidden * layers


@pytest.mark.parametrize(
    "model",
    ["Qwen/Qwen3-Omni-30B-A3B-Instruct-AWQ", "Qwen/Qwen2.5-Omni-30B", "Qwen/Qwen2.5-Omni-7B-AWQ", "Qwen/Qwen3-7B"],
)
def test_a_model_of_unknown_dimensions_is_not_estimated(model: str) -> None:
    sed = contents(REPOSITORY / "recipes" / "sed_7b_lora_1gpu.yaml")
    with pytest.raises(
        InputError, match=f"model: the dimensions of '{model}' are not known; use one of .*-7B, .*-3B, .*-Instruct"
    ):
        memory.estimate({**sed, "model": model})


@every(ALL)
def test_keys_are_arguments_of_the_command(path: Path) -> None:
    import swift.arguments

    known = {field.name for field in dataclasses.fields(getattr(swift.arguments, ARGUMENTS[command(path)]))}
    assert contents(path).keys() - {"ENV"} <= known


@every(ALL)
def test_ms_swift_takes_every_value(
    path: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipe and a few later flags go through the parser of the command that it is for, as on a machine without a
    GPU: --use_cpu is needed for bf16 there, and DeepSpeed is left out if it is not installed."""
    import swift.arguments
    from swift.cli.main import parse_yaml_args
    from swift.utils import parse_args

    recipe = contents(path)
    if command(path) == "export":
        (tmp_path / "adapter_config.json").write_text("{}")
        (tmp_path / "args.json").write_text(json.dumps({"model": str(tiny_model), "tuner_type": "lora"}))
        flags = ["--adapters", str(tmp_path)]
    else:
        flags = ["--model", str(tiny_model), "--dataset", "rows.jsonl", "--output_dir", str(tmp_path)]
        flags += ["--check_model", "false", "--use_cpu", "true"]
    if "custom_register_path" in recipe:
        flags += ["--custom_register_path", str(REPOSITORY / recipe["custom_register_path"])]
    if "deepspeed" in recipe and importlib.util.find_spec("deepspeed") is None:
        flags += ["--deepspeed", ""]
    given = {flag[2:] for flag in flags if flag.startswith("--")}

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    # The parser puts the ENV block and more into the environment.
    with mock.patch.dict(os.environ, {"CUDA_VISIBLE_DEVICES": ""}):
        argv = [str(path), *flags]
        parse_yaml_args(argv)
        args, unknown = parse_args(getattr(swift.arguments, ARGUMENTS[command(path)]), argv)
    assert unknown == []
    for key in recipe.keys() - {"ENV", "torch_dtype", "deepspeed"} - given:
        value = getattr(args, key)
        assert value == recipe[key] or value == [recipe[key]], key


@every([path for path in ALL if "deepspeed" in contents(path)])
def test_deepspeed_is_zero_2_without_offloading(path: Path) -> None:
    import swift

    config = Path(swift.__file__).parent / "config" / f"{contents(path)['deepspeed']}.json"
    zero = json.loads(config.read_text())["zero_optimization"]
    assert zero["stage"] == 2
    assert zero["offload_optimizer"]["device"] == "none"


FRAMES = """
import sys
from swift.model.models.qwen import compat_qwen_vl_utils, patch_qwen_vl_utils
compat_qwen_vl_utils(image_patch_size=14)
from qwen_omni_utils import fetch_video, vision_process
patch_qwen_vl_utils(vision_process)
for path in sys.argv[1:]:
    frames, _, height, width = fetch_video({"video": path}).shape
    print("frames", frames, height * width)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "small", "large"),
    [
        # The reader aims at 128 x 28 x 28 = 100,352 to 105,369 pixels, in steps of 28: 392x280 and 420x224.
        ({"VIDEO_MAX_PIXELS": "50176"}, 392 * 280, 420 * 224),
        # A true cap: 252x168 and 280x168.
        ({"VIDEO_MAX_PIXELS": "50176", "VIDEO_MIN_PIXELS": "3136"}, 252 * 168, 280 * 168),
        # No cap but the reader's own, 768 x 28 x 28 = 602,112: 392x280 and 1008x560.
        ({}, 392 * 280, 1008 * 560),
    ],
    ids=["published", "true cap", "none"],
)
def test_pixels_a_frame_are_those_in_the_recipes(
    environment: dict[str, str], small: int, large: int, tmp_path: Path
) -> None:
    """Clips of 320x240 and 1280x720, 30 s long, read by ms-swift's reader with a recipe's settings."""
    clips = [_clip(tmp_path / "small.mp4", 320, 240), _clip(tmp_path / "large.mp4", 1280, 720)]
    clean = {key: value for key, value in os.environ.items() if not re.search("PIXELS|TOKEN_NUM|FPS", key)}
    done = subprocess.run(
        [sys.executable, "-c", FRAMES, *map(str, clips)],
        env={**clean, **environment, "FPS_MAX_FRAMES": "40"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.findall(r"frames (\d+) (\d+)", done.stdout) == [("40", str(small)), ("40", str(large))], done.stderr


def _clip(path: Path, width: int, height: int) -> Path:
    """A 30 s clip of 5 grey frames a second."""
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast"}
        for level in range(150):
            frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), level, np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path

"""The real `swift`, on the tiny model: fine-tune, infer, parse, export; from recipes and flags, from other folders.

Each run is a process of its own, as a user's is.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.sed.layout import INSTRUCTIONS
from tests.conftest import MEDIA_ENV, REPOSITORY

pytestmark = pytest.mark.slow
# Few steps: these tests ask whether the parts fit together; what the model learns is asked of the demo.
RECIPE = """
ENV:
  ENABLE_AUDIO_OUTPUT: '0'
  VIDEO_MIN_PIXELS: '784'
  VIDEO_MAX_PIXELS: '50176'
  FPS: '2'
  FPS_MIN_FRAMES: '2'
  FPS_MAX_FRAMES: '4'
model_type: qwen2_5_omni
torch_dtype: float32
check_model: false
tuner_type: lora
callbacks: saber_bad_rows
per_device_train_batch_size: 4
dataloader_num_workers: 1
max_steps: 3
save_only_model: true
split_dataset_ratio: 0
report_to: none
add_version: false
"""

LIKELIEST = ("--temperature", 0, "--max_new_tokens", 8)


def run(command: list[Any], folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, without the media settings of the test process: recipes and models bring their own."""
    clean = {key: value for key, value in os.environ.items() if key not in MEDIA_ENV}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**clean, "SABER_PYTHON": sys.executable, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def shell(script: str, *arguments: Any, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return run(["bash", REPOSITORY / "shell" / script, *arguments], folder, **env)


def swift(*arguments: Any, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return run([sys.executable, "-m", "swift.cli.main", *arguments], folder, **env)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, tiny_world: Path, tiny_model: Path) -> Path:
    """A user's folder, outside the repository, with data and base model at relative paths."""
    folder = tmp_path_factory.mktemp("a user's folder")
    (folder / "recipe.yaml").write_text(RECIPE)
    shutil.copy(tiny_world / "train.jsonl", folder / "train.jsonl")
    write_rows(folder / "eval.jsonl", [row for _, row in read_rows(tiny_world / "eval.jsonl")][:3])
    shutil.copytree(tiny_model, folder / "base")
    return folder


@pytest.fixture(scope="module")
def lora(work: Path) -> Path:
    """A LoRA checkpoint, trained by shell/sft.sh on data with one broken clip."""
    rows = [row for _, row in read_rows(work / "train.jsonl")]
    broken = work / "broken.mp4"
    broken.write_bytes(b"not a video")
    rows[5]["videos"] = [str(broken)]
    write_rows(work / "one_broken.jsonl", rows)
    arguments = ["--model", "base", "--dataset", "one_broken.jsonl", "--output_dir", "lora", "--max_steps", "9"]
    done = shell("sft.sh", "recipe.yaml", *arguments, folder=work)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "one_broken.jsonl" in done.stdout + done.stderr
    return work / "lora" / "checkpoint-9"


def test_training_names_the_row_that_it_could_not_use(lora: Path) -> None:
    entries = [row for _, row in read_rows(lora.parent / "bad_rows.jsonl")]
    assert {entry["id"] for entry in entries} == {"train-consistent-00005"}
    assert "broken.mp4: is not a readable video" in entries[0]["reason"]


def test_a_checkpoint_remembers_media_settings_and_not_the_plugin(lora: Path, work: Path) -> None:
    args = json.loads((lora / "args.json").read_text())
    assert args["external_plugins"] == []
    assert args["custom_register_path"] == [str(PLUGIN_FILE)]
    assert args["template"] == "qwen2_5_omni"
    assert args["model"] == str(work / "base")
    defaults = {"FORCE_QWENVL_VIDEO_READER": "pyav", "SABER_TIMING": "true", "SABER_SOUND": "inside"}
    assert args["media_settings"] == {**MEDIA_ENV, "ENABLE_AUDIO_OUTPUT": "0", **defaults}
    assert args["instructions"] == [INSTRUCTIONS["en"]]


def test_a_lora_checkpoint_answers_from_another_folder(lora: Path, work: Path, tmp_path: Path) -> None:
    result = tmp_path / "out.jsonl"
    relative = os.path.relpath(lora, tmp_path)
    done = shell("infer.sh", relative, work / "eval.jsonl", "out.jsonl", 0, "--max_new_tokens", 8, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [row for _, row in read_rows(result)]
    questions = [row for _, row in read_rows(work / "eval.jsonl")]
    assert [row["id"] for row in rows] == [row["id"] for row in questions]
    assert all(isinstance(row["response"], str) for row in rows)
    done = run([sys.executable, "-m", "swift_saber.cli", "parse", "out.jsonl", "-o", "records.jsonl"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert [row["id"] for _, row in read_rows(tmp_path / "records.jsonl")] == [row["id"] for row in questions]


@pytest.fixture(scope="module")
def stock(lora: Path, work: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Answers of the LoRA checkpoint in stock `swift infer`, and what it said."""
    result = work / "stock.jsonl"
    arguments = ["--val_dataset", work / "eval.jsonl", "--result_path", result, *LIKELIEST]
    return result, swift("infer", "--adapters", lora, *arguments, folder=work, ENABLE_AUDIO_OUTPUT="0")


def test_a_lora_checkpoint_loads_in_stock_swift_without_the_plugin(
    lora: Path, work: Path, stock: tuple[Path, subprocess.CompletedProcess[str]]
) -> None:
    result, done = stock
    assert done.returncode == 0, done.stderr[-3000:]
    assert "saber" not in done.stdout + done.stderr.replace(str(lora), "").replace(str(work), "")
    assert len(list(read_rows(result))) == 3


def test_a_merged_model_loads_in_stock_swift_and_answers_as_the_adapter_does(
    lora: Path, work: Path, tmp_path: Path, stock: tuple[Path, subprocess.CompletedProcess[str]]
) -> None:
    merged, result = tmp_path / "merged", tmp_path / "merged.jsonl"
    export = REPOSITORY / "recipes" / "export_merge_lora.yaml"
    done = swift("export", export, "--adapters", lora, "--output_dir", merged, folder=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    arguments = ["--val_dataset", work / "eval.jsonl", "--result_path", result, *LIKELIEST]
    done = swift("infer", "--model", merged, *arguments, folder=tmp_path, ENABLE_AUDIO_OUTPUT="0")
    assert done.returncode == 0, done.stderr[-3000:]
    answers = [[row["response"] for _, row in read_rows(path)] for path in (stock[0], result)]
    assert answers[0] == answers[1]


def test_full_tuning_from_flags_alone_with_the_plugin_loaded_twice(work: Path) -> None:
    # Twice: by both flags, one of them relative; and again in a worker that starts without the parent's memory.
    arguments = {
        "--custom_register_path": os.path.relpath(PLUGIN_FILE, work),
        "--external_plugins": PLUGIN_FILE,
        "--model": "base",
        "--model_type": "qwen2_5_omni",
        "--torch_dtype": "float32",
        "--check_model": "false",
        "--dataset": "train.jsonl#8",
        "--tuner_type": "full",
        "--freeze_vit": "false",
        "--freeze_aligner": "false",
        "--max_steps": "2",
        "--per_device_train_batch_size": "2",
        "--dataloader_num_workers": "1",
        "--dataloader_multiprocessing_context": "spawn",
        "--split_dataset_ratio": "0",
        "--output_dir": "full",
        "--add_version": "false",
        "--save_only_model": "true",
        "--report_to": "none",
    }
    settings = {**MEDIA_ENV, "ENABLE_AUDIO_OUTPUT": "0"}
    done = swift("sft", *[part for pair in arguments.items() for part in pair], folder=work, **settings)
    assert done.returncode == 0, done.stderr[-3000:]
    args = json.loads((work / "full" / "checkpoint-2" / "args.json").read_text())
    assert args["external_plugins"] == []
    done = shell("infer.sh", "full/checkpoint-2", "eval.jsonl", "full.jsonl", 0, "--max_new_tokens", 4, folder=work)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(list(read_rows(work / "full.jsonl"))) == 3


def test_an_unknown_recipe_key_ends_with_its_line(work: Path) -> None:
    (work / "typo.yaml").write_text(RECIPE + "lerning_rate: 1.0e-4\n")
    line = RECIPE.count("\n") + 1
    done = shell("sft.sh", "typo.yaml", "--model", "base", "--dataset", "train.jsonl", folder=work)
    assert done.returncode != 0
    said = f"typo.yaml:{line}: lerning_rate: is no argument of `swift sft`; did you mean learning_rate"
    assert last_line(done).startswith(f"swift-saber: error: {said}")
    assert "Traceback" not in done.stderr


def test_a_bad_row_ends_with_its_line_before_training_starts(work: Path) -> None:
    rows = [row for _, row in read_rows(work / "train.jsonl")]
    rows[2]["video_desc"] = None
    write_rows(work / "bad.jsonl", rows)
    arguments = ["--model", "base", "--dataset", "bad.jsonl", "--output_dir", "bad"]
    done = shell("sft.sh", "recipe.yaml", *arguments, folder=work)
    assert done.returncode != 0
    assert "bad.jsonl:3: video_desc: is null" in last_line(done)
    assert "Traceback" not in done.stderr
    assert not list((work / "bad").glob("checkpoint-*"))


def test_a_question_that_cannot_be_asked_is_a_reject_and_loads_no_model(work: Path, tmp_path: Path) -> None:
    question = {"id": "q", "videos": ["gone.mp4"], "audios": []}
    write_rows(tmp_path / "in.jsonl", [question])
    done = shell("infer.sh", work / "base", "in.jsonl", "out.jsonl", folder=tmp_path)
    assert done.returncode != 0
    assert last_line(done).startswith("swift-saber: 1 of 1 rows rejected: see out.rejects.jsonl; ")
    ((_, reject),) = read_rows(tmp_path / "out.rejects.jsonl")
    assert (reject["id"], reject["where"]) == ("q", "in.jsonl:1")
    assert reject["reason"].startswith("videos: ") and "gone.mp4: no such file" in reject["reason"]
    left = ["in.jsonl", "out.rejects.jsonl", "out.settings.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left

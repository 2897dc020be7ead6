"""Answers of the engine through `swift-saber infer`: those of the transformers backend, whatever happens on the way."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows
from swift_saber.models.checkpoint import tied_flags
from tests.engine.conftest import (
    LONGEST,
    VLLM,
    Demo,
    answers_of,
    command,
    environment,
    marked,
    nothing_left,
    saber,
    write,
)

# Python imports it at its start: the process that holds the engine is killed with it when it reads the clip.
KILLER = """
import os, signal, sys, av
opened = av.open
def look(file, *arguments, **options):
    if str(file).endswith("kills.mp4") and "vllm" in sys.modules:
        with open(os.environ["SABER_TEST_KILLS"], "a") as log:
            log.write("killed\\n")
        os.kill(os.getpid(), signal.SIGKILL)
    return opened(file, *arguments, **options)
av.open = look
"""


@pytest.fixture(scope="module")
def run(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All held-out clips; the run is killed once there is an answer, and goes on."""
    folder = tmp_path_factory.mktemp("answers")
    questions = write(folder / "questions.jsonl", demo.rows)
    answers, log = folder / "answers.jsonl", folder / "log.txt"
    infer = command("infer", demo.model, questions, answers, "0", *VLLM, "--max_new_tokens", LONGEST)
    with nothing_left(str(folder)), log.open("w") as file:
        first = subprocess.Popen(infer, env=environment(SABER_TEST_MARK=str(folder)), stdout=file, stderr=file)
        while first.poll() is None and not (answers.exists() and answers.read_bytes().count(b"\n")):
            time.sleep(0.05)
        os.kill(first.pid, signal.SIGKILL)
        assert first.wait() == -signal.SIGKILL, log.read_text()[-3000:]
    kept = answers.read_bytes().rpartition(b"\n")[0]
    with nothing_left(str(folder)), log.open("a") as file:
        again = subprocess.run(
            infer, env=environment(SABER_TEST_MARK=str(folder)), stdout=file, stderr=file, check=False
        )
    return {"folder": folder, "kept": kept, "status": again.returncode, "log": log.read_text()}


def test_the_trained_model_says_of_its_weights_what_is_true(demo: Demo) -> None:
    assert tied_flags(str(demo.model)) is None
    thinker = json.loads((demo.model / "config.json").read_text())["thinker_config"]
    assert not thinker["tie_word_embeddings"] and not thinker["text_config"]["tie_word_embeddings"]


def test_every_held_out_clip_is_answered_as_the_transformers_backend_does(demo: Demo, run: dict[str, Any]) -> None:
    answers = answers_of(run["folder"] / "answers.jsonl")
    assert list(answers) == [row["id"] for row in demo.rows], run["log"][-3000:]
    assert {name: text for name, text in answers.items() if text != demo.answers[name]} == {}


def test_what_was_answered_before_a_kill_is_kept(demo: Demo, run: dict[str, Any]) -> None:
    assert run["status"] == 0
    kept = run["kept"].count(b"\n") + 1
    assert 0 < kept < len(demo.rows)  # it was killed on the way
    assert (run["folder"] / "answers.jsonl").read_bytes().startswith(run["kept"])


def test_a_clip_that_kills_the_engine_costs_itself(demo: Demo, tmp_path: Path) -> None:
    kills = tmp_path / "kills.mp4"
    kills.write_bytes(Path(demo.rows[0]["videos"][0]).read_bytes())
    killer = {**demo.rows[0], "id": "kills", "videos": [str(kills)]}
    chosen = demo.rows[::75]
    questions = write(tmp_path / "questions.jsonl", [*chosen[:2], killer, *chosen[2:]])
    (tmp_path / "sitecustomize.py").write_text(KILLER)
    more = {"PYTHONPATH": str(tmp_path), "SABER_TEST_KILLS": str(tmp_path / "killed"), "SABER_TEST_MARK": str(tmp_path)}
    with nothing_left(str(tmp_path)):
        asked = ("infer", demo.model, questions, tmp_path / "answers.jsonl", "0", *VLLM, "--max_new_tokens", LONGEST)
        saber(*asked, status=1, **more)
    # With its batch, and alone, where it is asked once more.
    assert (tmp_path / "killed").read_text().count("killed") == 3
    assert [row["id"] for _, row in read_rows(tmp_path / "answers.rejects.jsonl")] == ["kills"]
    assert answers_of(tmp_path / "answers.jsonl") == {row["id"]: demo.answers[row["id"]] for row in chosen}


def test_nothing_of_the_run_is_left(run: dict[str, Any]) -> None:
    assert marked(str(run["folder"])) == []

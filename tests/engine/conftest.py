"""The real vLLM, on a processor, with the demo's SED model; bash shell/test_engine.sh runs these in an environment of
their own, and where there is no vLLM they are skipped."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from swift_saber.data.rows import read_rows
from tests.conftest import MEDIA_ENV, REPOSITORY

HERE = Path(__file__).parent
#: The demo's folder, where shell/demo.sh or its test has made one; else its SED stage is made anew.
DEMO = "SABER_TEST_DEMO"
# Nothing is reported to anybody.
ENGINE = {"VLLM_NO_USAGE_STATS": "1", "CUDA_VISIBLE_DEVICES": ""}
VLLM = ("--infer_backend", "vllm")
LONGEST = 256  # tokens of an answer, as shell/demo.sh asks


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not here: run bash shell/test_engine.sh")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(missing)
            item.add_marker(pytest.mark.slow)


class Demo(NamedTuple):
    """What the demo's first stage left.

    Attributes:
        model: the SED model's folder.
        rows: the questions about the held-out clips.
        answers: those of the transformers backend, by id.
    """

    model: Path
    rows: list[dict[str, Any]]
    answers: dict[str, str]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    if given := os.environ.get(DEMO):
        folder = Path(given).resolve()
    else:
        folder = tmp_path_factory.mktemp("demo")
        run_sed(folder)
    rows = [row for _, row in read_rows(folder / "eval.jsonl")]
    return Demo(folder / "sed" / "model", rows, answers_of(folder / "sed" / "answers.jsonl"))


def run_sed(folder: Path) -> None:
    """The first stage of shell/demo.sh."""
    recipe, train = REPOSITORY / "recipes" / "mini" / "sed.yaml", folder / "sed" / "train"
    saber("mini", "make", folder / "world")
    saber("mini", "model", folder / "world", folder / "base")
    data = folder / "world" / "train.jsonl"
    saber("sft", recipe, "--model", folder / "base", "--dataset", data, "--output_dir", train)
    (train / "checkpoint-240").rename(folder / "sed" / "model")
    (folder / "eval.jsonl").write_bytes((folder / "world" / "eval.jsonl").read_bytes())
    answers = folder / "sed" / "answers.jsonl"
    longest = ("--max_batch_size", 50, "--max_new_tokens", LONGEST)
    saber("infer", folder / "sed" / "model", folder / "eval.jsonl", answers, 0, *longest)


def environment(**more: str) -> dict[str, str]:
    """Without the media settings of the tests' process: the model brings its own."""
    return {**{name: value for name, value in os.environ.items() if name not in MEDIA_ENV}, **ENGINE, **more}


def command(*arguments: Any) -> list[str]:
    return [sys.executable, "-m", "swift_saber.cli", *map(str, arguments)]


def saber(*arguments: Any, status: int = 0, **more: str) -> str:
    """Run a command of swift-saber and return what it said."""
    done = subprocess.run(command(*arguments), env=environment(**more), capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def answers_of(path: Path) -> dict[str, str]:
    rows = [row for _, row in read_rows(path)]
    answers = {row["id"]: row["response"] for row in rows}
    assert len(answers) == len(rows)  # each once
    return answers


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@contextmanager
def nothing_left(mark: str) -> Iterator[None]:
    """What is started meanwhile with this variable in its environment has ended with it, or does within 20 seconds."""
    yield
    psutil.wait_procs(marked(mark), timeout=20)
    assert marked(mark) == []


def marked(mark: str) -> list[psutil.Process]:
    """The processes that have SABER_TEST_MARK=mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("SABER_TEST_MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found

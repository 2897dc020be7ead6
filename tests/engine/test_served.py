"""A model that the engine serves, by `swift deploy` and by vLLM's own command, asked as recipes/serving.md has it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from swift_saber.data.rows import read_rows
from tests.conftest import REPOSITORY
from tests.engine.conftest import LONGEST, VLLM, Demo, answers_of, command, environment, saber, write

NAME = "tiny"
MOST = json.dumps({"video": 1, "audio": 1, "image": 0})
COMMANDS = {
    "swift deploy": [
        *command("deploy", "MODEL", 0, "--port", "PORT", "--served_model_name", NAME, *VLLM),
        *("--vllm_enforce_eager", "true"),
        *("--vllm_limit_mm_per_prompt", MOST, "--vllm_max_model_len", "1024"),
    ],
    # The media settings of the demo (recipes/mini/sed.yaml), in vLLM's words.
    "vllm serve": [
        *(sys.executable, str(REPOSITORY / "tests" / "engine" / "vllm_command.py"), "serve", "MODEL"),
        *("--host", "127.0.0.1", "--port", "PORT", "--served-model-name", NAME, "--enforce-eager"),
        *("--limit-mm-per-prompt", MOST, "--max-model-len", "1024", "--dtype", "float32"),
        *("--media-io-kwargs", json.dumps({"video": {"video_backend": "opencv", "fps": 2, "num_frames": 4}})),
        *("--mm-processor-kwargs", json.dumps({"fps": 2, "min_pixels": 784, "max_pixels": 50176})),
    ],
}


@pytest.fixture(scope="module", params=COMMANDS)
def address(request: pytest.FixtureRequest, demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    filled = {"MODEL": str(demo.model), "PORT": str(port)}
    arguments = [filled.get(part, part) for part in COMMANDS[request.param]]
    log = tmp_path_factory.mktemp("served") / "log.txt"
    with log.open("w") as file:
        # A group of its own, which is ended as a whole.
        server = subprocess.Popen(
            arguments, env=environment(VLLM_CPU_KVCACHE_SPACE="1"), stdout=file, stderr=file, start_new_session=True
        )
    try:
        while True:
            assert server.poll() is None, log.read_text()[-3000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        for how in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(server.pid, how)
                server.wait(20)


def test_a_served_model_answers_analyze_as_one_that_runs_here(address: str, demo: Demo, tmp_path: Path) -> None:
    chosen = demo.rows[::15]
    rows = write(tmp_path / "rows.jsonl", chosen)
    asked = ("--base-url", address, "--model", NAME, "--max-new-tokens", LONGEST)
    saber("analyze", rows, "-o", tmp_path / "out", *asked)
    answers = answers_of(tmp_path / "out" / "answers.jsonl")
    assert answers.keys() == {row["id"] for row in chosen}
    assert {name: text for name, text in answers.items() if text != demo.answers[name]} == {}
    assert (tmp_path / "out" / "table.csv").is_file()


def test_a_served_model_gives_pairs_sample_k_answers(address: str, demo: Demo, tmp_path: Path) -> None:
    chosen = demo.rows[::60]
    rows = write(tmp_path / "rows.jsonl", chosen)
    asked = ("--base-url", address, "--model", NAME, "-k", 3, "--temperature", 2, "--max-new-tokens", LONGEST)
    saber("pairs", "sample", rows, tmp_path / "candidates.jsonl", *asked)
    found = [row for _, row in read_rows(tmp_path / "candidates.jsonl")]
    assert [len(row["candidates"]) for row in found] == [3] * len(chosen)
    assert any(len({one["text"] for one in row["candidates"]}) > 1 for row in found)

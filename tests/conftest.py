"""Shared by the tests: a small world and the tiny model, made once per run; ms-swift caches kept out of the home."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
# Before anything imports ms-swift, datasets or transformers: they read these when they are imported.
os.environ["ENABLE_AUDIO_OUTPUT"] = "0"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# A cached table of an earlier run must not stand in for the code under test. Not a fixture: collecting the tests
# imports datasets, which from then on keeps to the home's cache, where two runs have files of the same name and bytes.
_CACHES = tempfile.TemporaryDirectory(prefix="saber-caches-")
os.environ["MODELSCOPE_CACHE"] = str(Path(_CACHES.name, "modelscope"))
os.environ["HF_HOME"] = str(Path(_CACHES.name, "huggingface"))
# The threads of a computation wait asleep: where two halves of the tests share the cores, those that wait awake for one
# that has no core just now take five times the work's own time (119 s instead of 22 s for twelve steps of tiny CA-DPO).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
MEDIA_ENV = {
    "VIDEO_MIN_PIXELS": "784",
    "VIDEO_MAX_PIXELS": "50176",
    "FPS": "2",
    "FPS_MIN_FRAMES": "2",
    "FPS_MAX_FRAMES": "4",
}
os.environ.update(MEDIA_ENV)
for name in ("ROOT_IMAGE_DIR", "SABER_ORDER", "USE_AUDIO_IN_VIDEO", "NPROC_PER_NODE", "HF_DATASETS_CACHE"):
    os.environ.pop(name, None)


# A shell has its background jobs ignore Ctrl-C, and so would all that is started here to be interrupted.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The demo comes first: the engine's tests, which run beside the others, wait for its model (shell/test.sh)."""
    items.sort(key=lambda item: item.path.name != "test_demo.py")


def _environment() -> Iterator[None]:
    """No test may see what an earlier one left behind, as ms-swift does where it runs in the tests' process."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


# What a fixture of a module sets stays for that module's tests.
environment_of_a_module = pytest.fixture(scope="module", autouse=True)(_environment)
environment_of_a_test = pytest.fixture(autouse=True)(_environment)


@pytest.fixture(scope="session")
def tiny_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.jsonl (36 rows), pairs_clips.jsonl and eval.jsonl (12 rows each) and their media."""
    from swift_saber.mini.world import write_world

    folder = tmp_path_factory.mktemp("worlds") / "tiny"
    write_world(
        folder,
        train_counts={"consistent": 24, "conflict": 4, "hidden": 4, "mute": 4},
        pairs_counts={"consistent": 4, "conflict": 4, "hidden": 2, "mute": 2},
        eval_counts={"consistent": 4, "conflict": 4, "hidden": 2, "mute": 2},
    )
    return folder


@pytest.fixture(scope="session")
def tiny_model(tiny_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen2.5-Omni with random weights, saved as a model folder."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    subprocess.run([sys.executable, "-m", "swift_saber.cli", "mini", "model", tiny_world, folder], check=True)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder that passes for a model as long as nothing loads it."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture(scope="session")
def plugin() -> None:
    """The plugin, registered in this process."""
    from swift_saber.plugin import saber_register

    saber_register.register()


@pytest.fixture(scope="module")
def deployed(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real `swift deploy` of the tiny model."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("deploy") / "log.txt"
    command = [sys.executable, "-m", "swift.cli.main", "deploy", "--model", str(tiny_model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--served_model_name", "tiny", "--max_batch_size", "8"]
    with log.open("w") as file:
        # A session of its own, so that the server is stopped with the command that started it.
        server = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text()[-2000:]
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                    break
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        else:
            pytest.fail(log.read_text()[-2000:])
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


@pytest.fixture(autouse=True)
def priority() -> Iterator[None]:
    """No test may leave the process with another scheduling policy, as some native libraries do when run by root."""
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getscheduler(0)
    yield
    after = os.sched_getscheduler(0)
    os.sched_setscheduler(0, before, os.sched_param(0))
    assert after == before, f"the scheduling policy was changed to {after}"

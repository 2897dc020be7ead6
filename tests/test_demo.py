"""shell/demo.sh as a newcomer runs it, and what its numbers must show."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.mini.score import followed
from swift_saber.rows import read_rows
from tests.test_end_to_end import shell

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    folder = tmp_path_factory.mktemp("demo")
    done = shell("demo.sh", folder=folder, SABER_DEMO_DIR=str(folder), SABER_PYTHON=sys.executable)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    yield folder, done


@pytest.fixture(scope="module")
def summary(demo: tuple[Path, Any]) -> dict[str, Any]:
    stages: dict[str, Any] = json.loads((demo[0] / "summary.json").read_text())
    return stages["sed"]


def test_the_summary_has_the_promised_shape(summary: dict[str, Any]) -> None:
    assert summary.keys() == {"parsed", "consistent", "conflict", "hidden", "mute"}
    for kind in ("consistent", "conflict", "hidden", "mute"):
        assert summary[kind].keys() == {"n", "visual", "acoustic", "emotion"}
        assert summary[kind]["n"] >= 50
        assert all(0 <= summary[kind][sense] <= 1 for sense in ("visual", "acoustic", "emotion"))


def test_answers_parse_and_both_senses_are_learned(summary: dict[str, Any]) -> None:
    assert summary["parsed"] >= 0.95
    assert summary["consistent"]["emotion"] >= 0.95
    assert summary["hidden"]["emotion"] >= 0.75
    assert summary["mute"]["emotion"] >= 0.75


def test_where_the_senses_disagree_the_face_decides(demo: tuple[Path, Any], summary: dict[str, Any]) -> None:
    """What the world is built to show: the model hears (hidden faces), and is fooled by a smile all the same."""
    questions = [row for _, row in read_rows(demo[0] / "eval.jsonl")]
    answers = {row["id"]: row["response"] for _, row in read_rows(demo[0] / "sed" / "answers.jsonl")}
    shares = followed(questions, answers)
    assert shares["face"] >= 0.75
    assert shares["face"] + shares["voice"] + summary["conflict"]["emotion"] <= 1 + 1e-9


def test_every_held_out_clip_has_one_answer_and_was_not_trained_on(demo: tuple[Path, Any]) -> None:
    folder, _ = demo
    questions = [row["id"] for _, row in read_rows(folder / "eval.jsonl")]
    answers = [row["id"] for _, row in read_rows(folder / "sed" / "answers.jsonl")]
    trained = [row["id"] for _, row in read_rows(folder / "world" / "train.jsonl")]
    assert sorted(answers) == sorted(questions)
    assert not set(questions) & set(trained)


def test_the_analysis_is_printed_for_people(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    printed = demo[1].stdout
    assert "eval-conflict-00000" in printed
    assert "sentiment_analysis" in printed
    assert "answers with all six dimensions" in printed


def test_a_second_run_reuses_what_is_there(demo: tuple[Path, Any]) -> None:
    folder, _ = demo
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    kept |= {path: path.stat().st_mtime_ns for path in (folder / "world" / "media").iterdir()}
    before = (folder / "summary.json").read_text()
    again = shell("demo.sh", folder=folder, SABER_DEMO_DIR=str(folder), SABER_PYTHON=sys.executable)
    assert again.returncode == 0, again.stderr[-2000:]
    assert again.stdout.count("reusing") == 2
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert (folder / "summary.json").read_text() == before

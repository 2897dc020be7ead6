"""shell/demo.sh as a newcomer runs it, and what its numbers must show."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows
from swift_saber.mini.score import followed
from tests.test_end_to_end import shell

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.CompletedProcess[str]]]:
    # Where shell/test.sh has the engine's tests find it afterwards.
    kept = os.environ.get("SABER_TEST_DEMO")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("demo")
    done = shell("demo.sh", folder=folder, SABER_DEMO_DIR=str(folder), SABER_PYTHON=sys.executable)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    yield folder, done


@pytest.fixture(scope="module")
def stages(demo: tuple[Path, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((demo[0] / "summary.json").read_text())
    return found


def test_the_summary_has_the_promised_shape(stages: dict[str, Any]) -> None:
    assert list(stages) == ["sed", "ca_dpo"]
    for summary in stages.values():
        assert summary.keys() == {"parsed", "consistent", "conflict", "hidden", "mute"}
        for kind in ("consistent", "conflict", "hidden", "mute"):
            assert summary[kind].keys() == {"n", "visual", "acoustic", "emotion"}
            assert summary[kind]["n"] >= 50
            assert all(0 <= summary[kind][sense] <= 1 for sense in ("visual", "acoustic", "emotion"))


def test_after_sed_answers_parse_and_both_senses_are_learned(stages: dict[str, Any]) -> None:
    summary = stages["sed"]
    assert summary["parsed"] >= 0.95
    assert summary["consistent"]["emotion"] >= 0.95
    assert summary["hidden"]["emotion"] >= 0.75
    assert summary["mute"]["emotion"] >= 0.75


def test_after_sed_the_face_decides_where_the_senses_disagree(demo: tuple[Path, Any], stages: dict[str, Any]) -> None:
    """What the world is built to show: the model hears (hidden faces), and is fooled by a smile all the same."""
    questions = [row for _, row in read_rows(demo[0] / "eval.jsonl")]
    answers = {row["id"]: row["response"] for _, row in read_rows(demo[0] / "sed" / "answers.jsonl")}
    shares = followed(questions, answers)
    assert shares["face"] >= 0.75
    assert stages["sed"]["conflict"]["emotion"] <= 0.10
    assert shares["face"] + shares["voice"] + stages["sed"]["conflict"]["emotion"] <= 1 + 1e-9


def test_ca_dpo_repairs_conflicts_and_keeps_the_rest(stages: dict[str, Any]) -> None:
    before, after = stages["sed"], stages["ca_dpo"]
    assert after["conflict"]["emotion"] >= 0.90
    assert after["consistent"]["emotion"] >= 0.95
    for kind in ("hidden", "mute"):
        assert after[kind]["emotion"] >= before[kind]["emotion"] - 0.05
    assert after["parsed"] >= 0.95


def test_every_held_out_clip_has_one_answer_and_was_not_trained_on(demo: tuple[Path, Any]) -> None:
    """Neither by id nor by file, in either stage; rejected media of swapped pairs count as trained on."""
    folder, _ = demo
    questions = [row for _, row in read_rows(folder / "eval.jsonl")]
    asked = [row["id"] for row in questions]
    pairs = [row for _, row in read_rows(folder / "ca_dpo" / "pairs.jsonl")]
    trained = [row for _, row in read_rows(folder / "world" / "train.jsonl")]
    for stage in ("sed", "ca_dpo"):
        answered = [row["id"] for _, row in read_rows(folder / stage / "answers.jsonl")]
        assert sorted(answered) == sorted(asked)
    assert not set(asked) & {row["id"] for row in trained}
    assert not set(asked) & {row["clip"] for row in pairs}
    columns = ("videos", "audios", "rejected_videos", "rejected_audios")
    seen = {path for row in [*trained, *pairs] for column in columns for path in row.get(column, [])}
    assert seen and not seen & {path for row in questions for column in columns for path in row.get(column, [])}


def test_half_of_the_pairs_are_of_inconsistent_clips(demo: tuple[Path, Any]) -> None:
    pairs = [row for _, row in read_rows(demo[0] / "ca_dpo" / "pairs.jsonl")]
    inconsistent = sum(row["consistency"] == "inconsistent" for row in pairs)
    assert len(pairs) >= 100
    assert abs(inconsistent / len(pairs) - 0.5) <= 0.02


def test_the_analysis_is_printed_for_people(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    printed = demo[1].stdout
    assert printed.count("eval-conflict-00000") == 2  # once after each stage
    assert "sentiment_analysis" in printed
    assert "answers with all six dimensions" in printed
    # It ends with the scores before and after the second stage, and where everything is.
    *_, heads, consistent, conflict, hidden, mute, parsed, last = printed.splitlines()
    assert "emotion right" in heads and "done: " in last
    for line, kind in zip(
        (consistent, conflict, hidden, mute), ("consistent", "conflict", "hidden", "mute"), strict=True
    ):
        assert line.startswith(kind) and line.count(" -> ") == 3
    assert parsed.startswith("answers with all six dimensions: ") and " -> " in parsed


def test_the_scores_are_drawn(demo: tuple[Path, Any]) -> None:
    assert (demo[0] / "summary.png").read_bytes().startswith(b"\x89PNG")
    # The page has all held-out clips, with the answers of both models.
    page = (demo[0] / "report.html").read_text(encoding="utf-8")
    assert all(f"eval-conflict-{number:05d}" in page for number in range(100))


def test_a_second_run_reuses_what_is_there(demo: tuple[Path, Any]) -> None:
    folder, _ = demo
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}
    kept |= {path: path.stat().st_mtime_ns for path in (folder / "world" / "media").iterdir()}
    before = (folder / "summary.json").read_text()
    again = shell("demo.sh", folder=folder, SABER_DEMO_DIR=str(folder), SABER_PYTHON=sys.executable)
    assert again.returncode == 0, again.stderr[-2000:]
    assert again.stdout.count("reusing") == 4
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert (folder / "summary.json").read_text() == before

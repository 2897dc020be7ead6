"""swift-saber doctor and swift-saber budget as commands."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from swift_saber.cli import Parser
from swift_saber.cli.doctor import add_doctor
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.doctor import costs
from swift_saber.doctor import findings as doctor
from swift_saber.doctor.machine import ask
from swift_saber.errors import InputError
from swift_saber.mini.face import write_mp4


def run(*arguments: str | Path) -> int:
    parser = Parser()
    add_doctor(parser.add_subparsers())
    args = parser.parse_args([str(argument) for argument in arguments])
    return int(args.run(args))


def test_doctor_says_one_line_a_finding_and_ends_with_1_at_a_problem(
    tiny_model: Path, tiny_world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    answers: dict[str, Any] = {}

    def asked_once(question: str, environment: Mapping[str, str], arguments: Sequence[str] = ()) -> Any:
        if question not in answers:
            answers[question] = ask(question, environment, arguments)
        return answers[question]

    monkeypatch.setattr(doctor, "ask", asked_once)
    monkeypatch.setattr(costs, "ask", asked_once)
    fine = ["doctor", "--model", tiny_model, "--data", tiny_world / "eval.jsonl"]
    assert run(*fine) == 0
    said = capsys.readouterr().out
    *lines, last = said.splitlines()
    assert {line.split()[0] for line in lines} <= {"ok", "note"}
    topics = [line[9:].partition(":")[0] for line in lines]
    wanted = {"Python", "ms-swift", "trl", "plugin", "video reader", "CPU", "model size", "folder", "disk", "data"}
    assert wanted | {"memory to answer", "time to answer"} <= {*topics}
    assert last.startswith("0 problem(s), ") and "sk-secret" not in said

    monkeypatch.setenv("SAMPLING_RATE", "8000")
    assert run(*fine, "--json") == 1
    findings = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    problems = [finding for finding in findings if finding["level"] == "problem"]
    assert [finding["topic"] for finding in problems] == ["SAMPLING_RATE"]
    assert "unset it" in problems[0]["remedy"]


def test_doctor_answers_where_the_packages_are_missing(tmp_path: Path) -> None:
    # A torch that cannot be imported, as after a broken installation.
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('libcudart.so.12: cannot open')")
    code = "import sys; from swift_saber.doctor.findings import examine; import os\n"
    code += "for f in examine('/no/such/model', None, os.environ): print(f.level, f.topic, f.text)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    problems = [line for line in done.stdout.splitlines() if line.startswith("problem")]
    for topic in ("plugin", "video readers", "torch"):
        assert any(line.startswith(f"problem {topic}") and "libcudart.so.12" in line for line in problems)
    assert any(line.startswith("problem model /no/such/model: no such folder") for line in problems)


def test_budget_prints_a_line_a_row_and_the_totals(
    tiny_model: Path, tiny_world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("budget", tiny_world / "eval.jsonl", "--model", tiny_model) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["frames", "size", "video", "audio", "text", "total"]
    rows = [line.split() for line in lines[:12]]
    assert [row[0] for row in rows] == [row["id"] for _, row in read_rows(tiny_world / "eval.jsonl")]
    for _, frames, size, video, audio, text, total in rows:
        # The mini world: 1 s at 56 x 56 pixels, 2 frames a second; a token for 28 x 28 pixels of 2 frames; 25 a second.
        assert (frames, size, video, audio) == ("2", "56x56", "4", "25")
        assert int(total) == 4 + 25 + int(text)
    totals = dict(line.rsplit(maxsplit=1) for line in lines[12:21])
    assert totals["rows"] == "12" and totals["cannot be encoded"] == "0"
    assert totals["total tokens"] == str(sum(int(row[-1]) for row in rows))
    assert any(line.startswith("media settings") and "FPS_MAX_FRAMES=4" in line for line in lines)


def test_budget_lists_what_cannot_be_encoded_and_ends_with_1(
    tiny_model: Path, tiny_world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = ([*read_rows(tiny_world / "eval.jsonl")][i][1] for i in range(2))
    write_rows(tmp_path / "q.jsonl", [good, {**bad, "id": "bad\x1b[2J", "videos": [str(tmp_path / "gone.mp4")]}])
    output = tmp_path / "budget.jsonl"
    assert run("budget", tmp_path / "q.jsonl", "--model", tiny_model, "--max-length", "20", "-o", output) == 1
    first, second = (json.loads(line) for line in output.read_text(encoding="utf-8").splitlines())
    assert first["id"] == good["id"] and first["too_long"] is True
    assert second["id"] == "bad\x1b[2J" and "gone.mp4" in second["reason"]
    captured = capsys.readouterr()
    assert "gone.mp4" in captured.err and "\x1b" not in captured.out + captured.err
    assert "cannot be encoded        1" in captured.out and "above 20 tokens          1" in captured.out
    with pytest.raises(InputError, match="exists already"):
        run("budget", tmp_path / "q.jsonl", "--model", tiny_model, "-o", output)


def test_a_table_cannot_break_the_terminal(
    tiny_model: Path, tiny_world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, row = next(read_rows(tiny_world / "eval.jsonl"))
    write_rows(tmp_path / "q.jsonl", [{**row, "id": "a\x1b[2J\rb"}])
    assert run("budget", tmp_path / "q.jsonl", "--model", tiny_model) == 0
    said = capsys.readouterr().out
    assert r"a\x1b[2J\rb" in said and "\x1b" not in said and "\r" not in said


def test_a_length_below_1_is_refused(tiny_world: Path) -> None:
    with pytest.raises(InputError, match="--max-length"):
        run("budget", tiny_world / "eval.jsonl", "--model", "m", "--max-length", "0")


def measured(tiny_model: Path, clip: Path, folder: Path, **settings: str) -> dict[str, Any]:
    """The budget of one clip in a process of its own, as JSON on a clean stdout, under these settings alone."""
    write_rows(folder / "q.jsonl", [{"id": "a", "videos": [str(clip)]}])
    code = "import sys; from swift_saber.cli import Parser; from swift_saber.cli.doctor import add_doctor\n"
    code += "p = Parser(); add_doctor(p.add_subparsers()); a = p.parse_args(); sys.exit(a.run(a))"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VIDEO_", "FPS", "MAX_PIXELS", "IMAGE_"))}
    done = subprocess.run(
        [sys.executable, "-c", code, "budget", str(folder / "q.jsonl"), "--model", str(tiny_model), "--json"],
        env={**kept, **settings},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    [line] = done.stdout.splitlines()
    entry: dict[str, Any] = json.loads(line)
    return entry


@pytest.mark.slow
def test_the_published_cap_is_below_the_readers_floor(tiny_model: Path, tmp_path: Path) -> None:
    """What the doctor says of VIDEO_MAX_PIXELS=50176 is what the reader does."""
    write_mp4(tmp_path / "a.mp4", np.full((32, 240, 320, 3), 128, np.uint8))
    # The tiny model says nothing of its training, so the published settings hold: VIDEO_MAX_PIXELS=50176.
    floor = measured(tiny_model, tmp_path / "a.mp4", tmp_path)
    # 4 s at 2 a second. Up to 128 tokens of 28 x 28 = 100,352 pixels: 320x240 grows by 1.143 to 366x274, rounded up.
    assert floor["videos"] == [{"frames": 8, "height": 280, "width": 392}]
    assert floor["video_tokens"] == 4 * 10 * 14
    capped = measured(tiny_model, tmp_path / "a.mp4", tmp_path, VIDEO_MIN_PIXELS="3136")
    assert capped["videos"] == [{"frames": 8, "height": 168, "width": 252}]

"""`swift-saber prepare` as it is typed: a run that is killed and goes on, and a clip that cannot be read."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from swift_saber.cli.main import main
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.media.prepared import read


def test_what_is_typed_wrongly_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"videos": ["a.mp4"]}\n')
    for more, said in ((["--workers", "0"], "--workers and --limit are above 0"), (["--limit", "0"], "above 0")):
        assert main(["prepare", str(rows), "-o", str(tmp_path / "out"), *more]) == 2
        assert said in capsys.readouterr().err
    assert main(["prepare", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert "is no file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def start(rows: Path, folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "swift_saber.cli", "prepare", str(rows), "-o", str(folder), "--workers", "1"]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def made(folder: Path) -> dict[str, int]:
    """When each finished clip was written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "clips").glob("*[!l]")}


@pytest.mark.slow
def test_a_killed_run_goes_on_and_a_bad_clip_costs_its_row(tiny_world: Path, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [row for _, row in read_rows(tiny_world / "train.jsonl")][:30]
    (tmp_path / "bad.mp4").write_bytes(b"no clip at all")
    rows[7] = {**rows[7], "videos": [str(tmp_path / "bad.mp4")]}
    write_rows(tmp_path / "rows.jsonl", rows)
    folder = tmp_path / "out"

    killed = start(tmp_path / "rows.jsonl", folder)
    journal = folder / "clips.jsonl"
    while not journal.exists() or not journal.stat().st_size:
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    known = {Path(json.loads(line)["id"]).name for line in journal.read_text().splitlines() if line.endswith("}")}
    before = {name: when for name, when in made(folder).items() if name in known}
    assert before

    again = start(tmp_path / "rows.jsonl", folder)
    printed, said = again.communicate()
    assert again.returncode == 1, said
    assert "prepared 29\nrejects  1\n" in printed
    assert "bad.mp4: " in said
    after = made(folder)
    assert {name: after[name] for name in before} == before
    assert not list(folder.rglob("*.partial"))
    found = [row for _, row in read_rows(folder / "rows.jsonl")]
    assert [row["id"] for row in found] == [row["id"] for row in rows if row is not rows[7]]
    for row in found:
        clip = read(row["videos"][0])
        assert clip is not None
        assert clip.settings["FPS_MAX_FRAMES"] == 4  # of the tests' environment
    assert [row["line"] for _, row in read_rows(folder / "rows.rejects.jsonl")] == [8]

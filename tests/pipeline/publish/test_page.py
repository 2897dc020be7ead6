"""recipes/publish.md: its commands, run as they are printed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from swift_saber.data.rows import read_rows
from tests.conftest import REPOSITORY


@pytest.mark.slow
def test_the_pages_commands_run_as_printed_and_the_join_gives_the_originals(tiny_world: Path, tmp_path: Path) -> None:
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    (tmp_path / "runs" / "demo" / "world").symlink_to(tiny_world)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").write_text(f'export PATH="{Path(sys.executable).parent}:$PATH"\n')
    page = (REPOSITORY / "recipes" / "publish.md").read_text(encoding="utf-8")
    commands = "\n".join(re.findall("```bash\n(.*?)```", page, flags=re.S))
    environment = {**os.environ, "HF_HOME": str(tmp_path / "cache")}
    run = subprocess.run(
        ["bash", "-e"], input=commands, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert "num_rows: 36" in run.stdout and "num_rows: 12" in run.stdout  # as conftest.tiny_world says
    assert "joined     48 (generic 48)" in run.stdout
    joined = {row["id"]: row for _, row in read_rows(tmp_path / "rows.jsonl")}
    for name, count in (("train", 36), ("eval_records", 12)):
        originals = [row for _, row in read_rows(tiny_world / f"{name}.jsonl")]
        assert len(originals) == count
        for row in originals:
            found = joined[row["id"]]
            assert found.pop("part") == name
            assert [found.pop(column) for column in ("videos", "audios")] == [
                [str(tmp_path / "runs/demo/world/media" / Path(path).name) for path in row.pop(column)]
                for column in ("videos", "audios")
            ]
            assert found == row

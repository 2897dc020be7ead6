"""What bash runs: line ends that it reads, on whatever system the repository was cloned."""

import subprocess
from pathlib import Path

import pytest

from .conftest import REPOSITORY


def git(*arguments: str) -> str:
    # The checkout may be another user's, as root's run of a mounted folder is: git would not look into it.
    command = ["git", "-c", "safe.directory=*", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=True)
    return done.stdout


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="no clone of the repository")
def test_scripts_keep_the_line_ends_that_bash_reads() -> None:
    first = {name: (REPOSITORY / name).read_bytes()[:64] for name in git("ls-files", "-z").split("\0") if name}
    scripts = sorted(name for name, line in first.items() if name.endswith(".sh") or line.startswith(b"#!"))
    assert {".ci/run", "shell/_env.sh", "shell/infer.sh"} <= set(scripts)
    for name in scripts:
        assert b"\r" not in Path(REPOSITORY / name).read_bytes(), name
    attributes = git("check-attr", "eol", "--", *scripts).splitlines()
    assert attributes == [f"{name}: eol: lf" for name in scripts]

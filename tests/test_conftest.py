"""conftest.py: a test's environment does not depend on the tests before it."""

import subprocess
import sys
from pathlib import Path

from .conftest import REPOSITORY

LEAVES_AND_LOOKS = """
import os
import pytest

@pytest.fixture(scope="module")
def module():
    os.environ["LEFT_BY_MODULE"] = "1"

def test_leaves(module):
    os.environ["LEFT_BY_TEST"] = "1"
    del os.environ["FPS"]

def test_looks(module):
    assert os.environ["FPS"] == "2" and "LEFT_BY_TEST" not in os.environ
    assert os.environ["LEFT_BY_MODULE"]
"""
LOOKS_LATER = """
import os

def test_looks():
    assert os.environ["FPS"] == "2" and not {"LEFT_BY_TEST", "LEFT_BY_MODULE"} & os.environ.keys()
"""


def test_what_a_test_or_a_module_leaves_in_the_environment_is_taken_out(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(LEAVES_AND_LOOKS)
    (tmp_path / "test_b.py").write_text(LOOKS_LATER)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-p", "no:randomly", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=False)
    assert "3 passed" in done.stdout, done.stdout

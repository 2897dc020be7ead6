"""A run of EmoBench-M that was begun in one folder, gone on with in another, and looked at from a third."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest

from swift_saber.cli.main import main
from swift_saber.data.rows import read_rows, write_rows
from tests.evaluation.benchmarks.emobench_m.folder import write_benchmark, write_lines


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command in a folder of the test's, with a benchmark of MOSI in x/bench and answers in x/a.jsonl."""
    monkeypatch.delenv("ROOT_IMAGE_DIR", raising=False)
    for name in "xyz":
        (tmp_path / name).mkdir()
    write_benchmark(tmp_path / "x/bench", ["MOSI"], 3)
    write_lines(tmp_path / "x/a.jsonl", [{"id": f"MOSI/{number}", "response": "neutral"} for number in range(3)])

    def run(place: str, *command: str) -> int:
        monkeypatch.chdir(tmp_path / place)
        return main([*command])

    return run


def evaluation(data: str, *more: str) -> tuple[str, ...]:
    return ("eval", "emobench-m", "--data", data, "--scenarios", "MOSI", *more)


def test_a_run_goes_on_from_another_folder_by_any_name_of_its_data(go: Callable[..., int], tmp_path: Path) -> None:
    assert go("x", *evaluation("bench", "-o", "run")) == 0  # the questions alone
    before = (tmp_path / "x/run/questions.jsonl").read_bytes()
    for place, data, run in [
        ("y", "../x/bench", "../x/run"),
        ("x/bench", ".", "../run"),
        ("y", str(tmp_path / "x/bench"), str(tmp_path / "x/run")),
    ]:
        assert go(place, *evaluation(data, "-o", run)) == 0
        assert (tmp_path / "x/run/questions.jsonl").read_bytes() == before
    assert go("y", *evaluation("../x/bench", "--answers", "../x/a.jsonl", "-o", "../x/run")) == 0
    assert go("z", *evaluation("../x/bench", "--answers", "../x/a.jsonl", "-o", "../x/run")) == 0  # scored again


def test_questions_with_relative_paths_are_gone_on_with_where_they_were_written(
    go: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As earlier versions wrote them."""
    assert go("x", *evaluation("bench", "-o", "run")) == 0
    path = tmp_path / "x/run/questions.jsonl"
    absolute = path.read_bytes()
    rows = [row for _, row in read_rows(path)]
    write_rows(path, [{**row, "videos": [os.path.relpath(row["videos"][0], tmp_path / "x")]} for row in rows])
    # From elsewhere it is not known where they lie.
    assert go("y", *evaluation("../x/bench", "-o", "../x/run")) == 2
    said = capsys.readouterr().err
    assert f"are of clips in {tmp_path}/y, and now in {tmp_path}/x; go on in the folder that it was begun in" in said
    assert go("x", *evaluation("bench", "-o", "run")) == 0
    assert path.read_bytes() == absolute


def test_a_page_finds_the_clips_from_wherever_it_is_made(go: Callable[..., int], tmp_path: Path) -> None:
    assert go("x", *evaluation("bench", "--answers", "a.jsonl", "-o", "run")) == 0
    assert go("y", "report", "../x/run", "-o", "../z/page.html") == 0
    page = (tmp_path / "z/page.html").read_text()
    addresses = [json.loads(text) for text in re.findall(r'"address": ?("[^"]*")', page)]
    assert [os.path.normpath(tmp_path / "z" / unquote(address)) for address in addresses] == [
        str(tmp_path / f"x/bench/dataset/MOSI/videos/{number}.mp4") for number in range(3)
    ]

"""`swift-saber eval` as a user calls it: arguments, what is printed, what is refused."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from swift_saber.cli import Parser
from swift_saber.cli.eval import add_eval
from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.evaluation import run as evaluation
from swift_saber.evaluation.benchmarks import BENCHMARKS
from swift_saber.evaluation.summary import read_items, read_scores
from tests.evaluation.benchmarks.test_saber_test import FOUR, perfect
from tests.llm_server import LLMServer, say


def swift_saber(*arguments: object) -> int:
    """Run the command `eval`, with the parser that cli/main.py makes."""
    parser = Parser(prog="swift-saber")
    add_eval(parser.add_subparsers(required=True))
    args = parser.parse_args(["eval", *map(str, arguments)])
    return int(args.run(args) or 0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_rows(tmp_path / "test.jsonl", (row.to_dict() for row in FOUR))
    return tmp_path / "test.jsonl"


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    write_rows(tmp_path / "a.jsonl", ({"id": name, "response": text} for name, text in perfect(FOUR).items()))
    return tmp_path / "a.jsonl"


def test_scores_are_printed_as_tables(
    data: Path, answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert swift_saber("saber-test", "--data", data, "--answers", answers, "-o", tmp_path / "run") == 0
    printed = capsys.readouterr().out
    assert printed == (tmp_path / "run" / "scores.md").read_text()
    assert "saber-test" in printed and "a.jsonl" in printed


def test_without_model_and_answers_the_questions_are_written_and_what_to_do_next_is_said(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert swift_saber("probe", "--data", data, "-o", tmp_path / "run") == 0
    assert "4 questions in" in capsys.readouterr().out  # the clips have no sound file, so only the whole is asked about
    assert (tmp_path / "run" / "questions.jsonl").exists()


def test_what_follows_two_dashes_goes_to_swift_infer(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[Any, ...]] = []

    def infer(*arguments: Any) -> int:
        called.append(arguments)
        write_rows(Path(arguments[2]), ({"id": name, "response": text} for name, text in perfect(FOUR).items()))
        return 0

    monkeypatch.setattr(evaluation, "infer", infer)
    further = ("--max_batch_size", "8", "--temperature", "0.5")
    out = tmp_path / "run"
    assert swift_saber("saber-test", "--data", data, "--model", "M", "--gpu", "0,1", "-o", out, "--", *further) == 0
    assert called == [("M", str(out / "questions.jsonl"), str(out / "answers.jsonl"), "0,1", list(further))]
    scores = read_scores(out)
    assert scores["model"] == "M" and scores["manifest"]["settings"]["infer_arguments"] == list(further)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--judge", "j"), "--base-url: is not set"),
        (("--base-url", "http://127.0.0.1:1/v1"), "without --judge"),
        (("--judge", "j", "--base-url", "ftp://x"), "--base-url"),
        (("--judge", "j", "--base-url", "http://127.0.0.1:1/v1", "--concurrency", "0"), "--concurrency"),
        (("--", "--max_batch_size", "8"), "leaves nothing for the arguments after --"),
        (("stray",), "'stray' is no argument"),
    ],
)
def test_arguments_that_do_not_fit_are_named(
    data: Path, answers: Path, tmp_path: Path, arguments: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        swift_saber("saber-test", "--data", data, "--answers", answers, "-o", tmp_path / "run", *arguments)
    assert not (tmp_path / "run" / "scores.json").exists()


@pytest.mark.parametrize("benchmark", [*BENCHMARKS, "compare"])
def test_help_has_an_example(benchmark: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        swift_saber(benchmark, "--help")
    assert raised.value.code == 0
    assert f"swift-saber eval {benchmark}" in capsys.readouterr().out


def test_help_that_lists_benchmarks_loads_none_of_them() -> None:
    code = """
import sys
from swift_saber.cli import main as cli
try:
    cli.main(["eval", "--help"])
except SystemExit:
    print([name for name in sys.modules if name == "numpy" or name.startswith("swift_saber.evaluation.benchmarks.")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f"    {name}" in done.stdout for name in BENCHMARKS)
    assert done.stdout.splitlines()[-1] == "[]"


def test_probe_scores_existing_answers(data: Path, tmp_path: Path) -> None:
    """Where there is no sound file only the whole clip is asked about, and nothing is measured."""
    said = [{"id": f"{row.id}#whole", "response": "### Emotion\nHe is sad."} for row in FOUR]
    write_rows(tmp_path / "p.jsonl", said)
    assert swift_saber("probe", "--data", data, "--answers", tmp_path / "p.jsonl", "-o", tmp_path / "run") == 0
    scores = read_scores(tmp_path / "run")
    assert scores["metrics"] == {}
    assert "no_sound: 4 of 4 clips cannot be shown so" in scores["notes"]


def test_two_runs_are_compared(data: Path, answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        swift_saber("saber-test", "--data", data, "--answers", answers, "--model", name, "-o", tmp_path / name)
    capsys.readouterr()
    assert swift_saber("compare", tmp_path / "one", tmp_path / "two") == 0
    printed = capsys.readouterr().out
    assert "# saber-test: one and two" in printed and "| emotion | 4 |" in printed
    assert "## Manifests\n\n- model: " in printed


def test_emer_is_scored_from_existing_answers_with_a_judge(tmp_path: Path) -> None:
    """Rated 6 and 8; the clip without an answer gets the lowest, 1: means 7/2 and 9/2."""
    (tmp_path / "emer.csv").write_text("name,chinese,english\na,她笑,She smiles.\nb,他哭,He cries.\n", encoding="utf-8")
    write_rows(tmp_path / "a.jsonl", [{"id": "a", "response": "She laughs."}])
    rating = json.dumps({"reason": "r", "clue_overlap": 6, "label_overlap": 8})
    run = tmp_path / "run"
    common = ("emer", "--data", tmp_path / "emer.csv", "--answers", tmp_path / "a.jsonl", "-o", run)
    with LLMServer(lambda _: say(rating)) as server:
        assert swift_saber(*common, "--judge", "j", "--base-url", server.url) == 0
    scores = read_scores(run)
    assert scores["benchmark"] == "emer" and scores["judge"] == "j"
    assert {name: of["value"] for name, of in scores["metrics"].items()} == {"clue_overlap": 3.5, "label_overlap": 4.5}
    assert scores["metrics"]["clue_overlap"]["missing"] == 1
    with pytest.raises(InputError, match="name the judge"):
        swift_saber(*common)
    with pytest.raises(InputError, match="--media"):
        swift_saber("emer", "--data", tmp_path / "emer.csv", "-o", tmp_path / "other", "--model", "M")


def emobench_folder(folder: Path) -> Path:
    """One scenario of three questions with clips that nobody opens."""
    rows = []
    for name, label in (("0", "positive"), ("1", "negative"), ("2", "neutral")):
        clip = folder / "dataset" / "MOSI" / "videos" / f"{name}.mp4"
        clip.parent.mkdir(parents=True, exist_ok=True)
        clip.write_bytes(b"clip")
        turns = [{"from": "human", "value": "<video>\nWhich?"}, {"from": "gpt", "value": label}]
        rows.append({"id": name, "video": f"videos/{name}.mp4", "conversations": turns})
    (folder / "benchmark_json").mkdir()
    (folder / "benchmark_json" / "MOSI.json").write_text(json.dumps(rows))
    return folder


def test_emobench_m_is_scored_from_answers_and_from_its_own_form_again(tmp_path: Path) -> None:
    """Right, invalid, missing: 1/3. The official scorer leaves the last one out, 1/2, and did so with two: 1/1."""
    folder, run = emobench_folder(tmp_path / "E"), tmp_path / "run"
    write_rows(
        tmp_path / "a.jsonl",
        [{"id": "MOSI/0", "response": "{'emotion': 'positive'}"}, {"id": "MOSI/1", "response": "I cannot say"}],
    )
    common = ("emobench-m", "--data", folder, "--scenarios", "MOSI", "--answers", tmp_path / "a.jsonl")
    assert swift_saber(*common, "-o", run) == 0
    accuracy = read_scores(run)["groups"]["MOSI"]["accuracy"]
    assert accuracy["value"] == pytest.approx(1 / 3)
    assert (accuracy["n"], accuracy["invalid"], accuracy["missing"]) == (3, 1, 1)
    assert [item.state for item in read_items(run)] == ["answered", "invalid", "missing"]
    assert swift_saber(*common, "--official", "-o", tmp_path / "official") == 0
    assert read_scores(tmp_path / "official")["groups"]["MOSI"]["accuracy"]["value"] == 1 / 2
    exported = tmp_path / "official" / "official" / "MOSI.json"
    again = tmp_path / "again"
    for official, wanted in (("--official",), 1 / 2), (("--official", "2025-07-07"), 1):
        assert swift_saber("emobench-m", "--results", exported, *official, "--model", "M", "-o", again) == 0
        assert read_scores(again)["groups"]["MOSI"]["accuracy"]["value"] == wanted
    with pytest.raises(InputError, match=r"MOSI\.json: --results: has the name of .*MOSI\.json"):
        swift_saber("emobench-m", "--results", exported, exported, "-o", tmp_path / "twice")
    with pytest.raises(InputError, match="leaves nothing for answers"):
        swift_saber("emobench-m", "--results", exported, "--answers", exported, "-o", tmp_path / "both")


def test_a_benchmark_folder_with_files_missing_names_them(tmp_path: Path) -> None:
    folder = emobench_folder(tmp_path / "E")
    (folder / "dataset" / "MOSI" / "videos" / "1.mp4").unlink()
    with pytest.raises(InputError, match=r"1 files of the benchmark are missing or empty: dataset/MOSI/videos/1\.mp4"):
        swift_saber("emobench-m", "--data", folder, "--scenarios", "MOSI", "-o", tmp_path / "run")

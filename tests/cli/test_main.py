"""What every command of `swift-saber` has in common."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from swift_saber.cli import main as cli


@pytest.mark.parametrize(
    "command",
    [
        ["sft"],
        ["rlhf"],
        ["infer"],
        ["deploy"],
        ["analyze"],
        ["check"],
        ["prepare"],
        ["doctor"],
        ["budget"],
        ["parse"],
        ["plugin-path"],
        ["pairs"],
        *(["pairs", step] for step in ("sample", "score", "select")),
        ["mini"],
        ["eval"],
        ["report"],
        ["sources"],
        *(["sources", part] for part in ("scan", "join")),
        ["pipeline"],
        ["review"],
        *(["review", part] for part in ("merge", "take", "agreement")),
        *(["mini", stage] for stage in ("make", "model", "score", "plot")),
    ],
    ids=" ".join,
)
def test_help_has_an_example(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([*command, "--help"])
    assert end.value.code == 0
    assert f"example: swift-saber {command[0]}" in capsys.readouterr().out


def test_without_a_command_help_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in ("sft", "rlhf", "infer", "analyze", "pairs", "check", "doctor", "budget"))


def test_help_groups_the_commands_by_what_people_do(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("--help", "no-command"):
        with pytest.raises(SystemExit):
            cli.main([command])
    said = capsys.readouterr()
    heading, groups = "", {}
    for line in said.out.partition("\noptions:\n")[0].splitlines():
        if line.endswith(":"):
            heading = line
        elif line.startswith("  "):
            groups[line.split()[0]] = heading
    assert {*groups} == {*re.findall(r"[\w-]+", said.err.partition("choose from ")[2])}
    assert all(groups.values())
    for together in (("analyze", "infer", "parse"), ("sft", "rlhf"), ("sources", "pipeline"), ("eval", "report")):
        assert len({groups[name] for name in together}) == 1
    assert len({groups[name] for name in ("analyze", "sft", "pipeline", "eval")}) == 4
    assert len({*groups.values()}) < 7


def test_help_loads_none_of_what_the_commands_need() -> None:
    code = "import sys; from swift_saber.cli.main import main\n"
    code += "try: main(['--help'])\nfinally: print('loaded:', *{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.rpartition("loaded:")[2].split()
    assert "swift_saber" in loaded
    assert not {"av", "numpy", "openai", "pydantic", "swift", "torch", "tqdm", "transformers", "yaml"} & set(loaded)


def test_an_interrupted_command_ends_with_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("swift_saber.mini.plot.plot_summary", interrupted)
    (tmp_path / "summary.json").write_text("{}")
    assert cli.main(["mini", "plot", str(tmp_path / "summary.json"), str(tmp_path / "a.png")]) == 130
    assert capsys.readouterr().err == "\nswift-saber: stopped\n"


def test_a_crash_has_an_exit_status_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 is that rows were rejected, which a script goes on with."""

    def crashes(*_: object) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("swift_saber.mini.plot.plot_summary", crashes)
    (tmp_path / "summary.json").write_text("{}")
    assert cli.main(["mini", "plot", str(tmp_path / "summary.json"), str(tmp_path / "a.png")]) == 70
    said = capsys.readouterr().err
    assert said.startswith("Traceback") and "ZeroDivisionError: of ours" in said
    assert said.endswith("swift-saber: error: this is a fault of swift-saber and not of its input (see above)\n")


def test_a_file_of_any_name_that_cannot_be_used_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device", "/a\nb\x1b[1m")

    monkeypatch.setattr("swift_saber.cli.train.sft", fails)
    assert cli.main(["sft", "recipe.yaml"]) == 2
    assert capsys.readouterr().err == "swift-saber: error: /a\\nb\\x1b[1m: No space left on device\n"


def test_rows_that_are_rejected_are_no_error_of_input(tmp_path: Path, model: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"id": "a", "videos": ["gone.mp4"]}\n')
    command = ["infer", str(model), str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")]
    assert cli.main(command) == 1
    assert cli.main([*command[:2], str(tmp_path / "gone.jsonl"), command[3]]) == 2


def test_a_training_that_is_killed_ends_with_the_status_that_a_shell_gives_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for status, seen in ((0, 0), (1, 1), (-9, 128 + 9)):
        monkeypatch.setattr("swift_saber.cli.train.sft", lambda *_, status=status: status)
        assert cli.main(["sft", "recipe.yaml"]) == seen


def test_sigterm_ends_a_command_as_any_other_program(tmp_path: Path) -> None:
    pipe = tmp_path / "rows"
    os.mkfifo(pipe)
    with subprocess.Popen([sys.executable, "-m", "swift_saber.cli", "check", pipe], stderr=subprocess.PIPE) as run:
        with pipe.open("w"):  # from here on it is reading
            run.terminate()
        assert run.wait(60) == -signal.SIGTERM


def test_help_ends_with_what_the_exit_status_says(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = capsys.readouterr().out.partition("exit status:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in said.splitlines()] == ["0", "1", "2", "70", "130", "143"]


def test_an_unknown_command_is_an_error() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "swift_saber.cli", "mimi"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "invalid choice: 'mimi'" in done.stderr


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    command = f"{sys.executable} -m swift_saber.cli sources | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""

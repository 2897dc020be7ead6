"""Flags of our own commands: in full, and one that is misspelt is answered with the nearest."""

from pathlib import Path

import pytest

from swift_saber.cli import main as cli
from swift_saber.models.form_choice import MEDIA


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["pairs", "sample", "a", "b", "--model", "m", "--temp", "3"], "--temp (did you mean --temperature?)"),
        (
            ["pairs", "sample", "a", "b", "--model", "m", "--max_new_tokens=8"],
            "--max_new_tokens (did you mean --max-new-tokens?)",
        ),
        (["eval", "probe", "--dat", "a", "-o", "b", "--data", "a"], "--dat (did you mean --data?)"),
        (["doctor", "--modle", "m"], "--modle (did you mean --model?)"),
        (["doctor", "--model", "m", "--xyzzy"], "unrecognized arguments: --xyzzy\n"),
        (["doctor", "m"], "unrecognized arguments: m\n"),
        (["analyse", "clips"], " (did you mean analyze?)\n"),
        (["pairs", "sampel"], " (did you mean sample?)\n"),
        (["analyze", "a", "--model", "m", "--media", "frame"], " (did you mean frames?)\n"),
        (["xyzzy"], "'report', 'mini')\n"),
        (["analyze", "a", "--model", "m", "--max-new-tokens", "-3"], "--max-new-tokens: -3 is not an integer of at"),
        (["app", "--model", "m", "--max-new-tokens", "0"], "--max-new-tokens: 0 is not an integer of at least 1"),
    ],
)
def test_a_flag_that_is_not_one_in_full_is_refused_with_the_nearest(
    command: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(command)
    assert end.value.code == 2
    assert said in capsys.readouterr().err


def test_a_flag_of_swift_infer_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["infer", "owner/that-is-nowhere", str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl"), "0"]
    assert cli.main([*command, "--max_new_token", "8"]) == 2
    assert "--max_new_token: is no argument of `swift infer`; did you mean --max_new_tokens?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [["analyze", "a", "--model", "m"], ["pairs", "sample", "a", "b", "--model", "m"], ["pairs", "score", "a"]],
)
def test_the_forms_in_which_a_clip_travels_are_those_that_there_are(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main([*command, "--media", "xyzzy"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "argument --media: invalid choice: 'xyzzy'" in said
    named = said.rpartition("choose from ")[2].strip(" ()\n").replace("'", "")
    assert tuple(named.split(", ")) == MEDIA


@pytest.mark.parametrize("command", ["analyze", "app"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base-url", "127.0.0.1:8000"], "--base-url: is no http address"),
        (["--base-url", "http://127.0.0.1:9/v1", "--key-env", "a b"], "--key-env: "),
    ],
)
def test_a_setting_of_a_server_is_refused_under_the_name_of_its_option(
    command: str, arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rest = ["a.mp4", "-o", str(tmp_path / "out")] if command == "analyze" else []
    assert cli.main([command, *rest, "--model", "m", *arguments]) == 2
    assert f"error: {command}: {said}" in capsys.readouterr().err

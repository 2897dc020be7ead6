"""Flags of our own commands: in full, and one that is misspelt is answered with the nearest."""

from pathlib import Path

import pytest

from swift_saber.cli import main as cli
from swift_saber.models.endpoint import MEDIA


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
        cli.main([*command, "--media", "frame"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "argument --media: invalid choice: 'frame'" in said
    named = said.rpartition("choose from ")[2].strip(" ()\n").replace("'", "")
    assert tuple(named.split(", ")) == MEDIA

"""swift-saber pairs: the three steps as commands."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from swift_saber.cli.main import main
from swift_saber.data.rows import write_rows
from swift_saber.mini.world import Truth, record, sample_split, training_row, write_clips
from swift_saber.pairs import choose
from swift_saber.sed.layout import render

from .. import services
from ..llm_server import COMPLETION_TOKENS, PROMPT_TOKENS, LLMServer, fails, say
from ..pairs.judge_server import JudgeServer, reply, write_records
from ..pairs.selection import candidate, clip


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_candidates(folder: Path, clips: int, each: int) -> Path:
    path = folder / "candidates.jsonl"
    turn = {"role": "user", "content": "How?"}
    rows = [
        {"id": name, "messages": [turn], "candidates": [{"text": f"{name}{i}"} for i in range(each)]}
        for name in "abcd"[:clips]
    ]
    write_rows(path, rows)
    return path


def score_command(folder: Path, server: JudgeServer, *more: str) -> list[str]:
    paths = [str(folder / "candidates.jsonl"), str(folder / "scored.jsonl"), "--records", str(write_records(folder))]
    return ["pairs", "score", *paths, "--judge", "j", "--base-url", server.address, *more]


def test_the_three_steps_end_in_pairs_of_right_against_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truths = sample_split("train", {"consistent": 1, "conflict": 1}, 0)
    write_clips(truths, media=tmp_path, seed=0, workers=1)
    write_rows(tmp_path / "train.jsonl", (training_row(truth, tmp_path) for truth in truths))
    texts = [answer for truth in truths for answer in (right(truth), right(truth).replace(truth.emotion, "angry"))]
    with JudgeServer([*texts]) as server:
        sample = [str(tmp_path / "train.jsonl"), str(tmp_path / "c.jsonl"), "--model", "m", "--base-url"]
        assert main(["pairs", "sample", *sample, server.address, "-k", "2", "--concurrency", "1"]) == 0
    assert main(["pairs", "score", str(tmp_path / "c.jsonl"), str(tmp_path / "s.jsonl"), "--rules", "mini"]) == 0
    capsys.readouterr()
    select = [str(tmp_path / "s.jsonl"), str(tmp_path / "p.jsonl"), "--records", str(tmp_path / "train.jsonl")]
    assert main(["pairs", "select", *select]) == 0
    pairs = read(tmp_path / "p.jsonl")
    assert [(pair["messages"][-1]["content"], pair["rejected_response"]) for pair in pairs] == [
        (texts[0], texts[1]),
        (texts[2], texts[3]),
    ]
    # The right answer has 5 and 5; the wrong one sees and hears the same and concludes something else: 1 and 5.
    assert all(pair["scores"] == {"chosen": 5.0, "rejected": 3.0} for pair in pairs)
    said = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()[:-1])
    assert (said["pairs"], said["  inconsistent"]) == ("2", "1")


def right(truth: Truth) -> str:
    return render(record(truth), language="en")


def test_a_judge_that_is_down_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_candidates(tmp_path, 1, 1)
    with JudgeServer([401]) as server:
        assert main(score_command(tmp_path, server)) == 2
    said = capsys.readouterr().err
    assert "swift-saber: error:" in said and "401" in said and "Traceback" not in said


def test_a_reply_that_is_of_no_use_is_counted_and_the_status_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_candidates(tmp_path, 2, 2)
    with JudgeServer(lambda asked: "Fine." if len(server.requests) == 1 else reply(4, 2)) as server:
        command = score_command(tmp_path, server, "--concurrency", "1")
        assert main(command) == 0  # the second reply to the first question is one
        assert len(server.requests) == 2 * 2 + 1
    (tmp_path / "scored.jsonl").unlink()
    (tmp_path / "scored.jsonl.judge.jsonl").unlink()
    with JudgeServer(lambda asked: "Fine." if len(server.requests) <= 2 else reply(4, 2)) as server:
        command = score_command(tmp_path, server, "--concurrency", "1")
        for _ in range(2):
            assert main(command) == 1
            said = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()[-9:-1])
            assert (said["scored"], said["  prose"]) == ("3", "1")
            assert len(server.requests) == 2 * 2 + 1


@pytest.mark.parametrize(
    ("left_out", "said"), [("--base-url", "--base-url: is missing"), ("--records", "--records: is missing")]
)
def test_a_missing_setting_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], left_out: str, said: str
) -> None:
    write_candidates(tmp_path, 1, 1)
    with JudgeServer([]) as server:
        command = score_command(tmp_path, server)
        place = command.index(left_out)
        assert main(command[:place] + command[place + 2 :]) == 2
    assert said in capsys.readouterr().err


def test_the_judge_is_asked_with_its_own_key_and_what_it_cost_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-of-the-judge")
    write_candidates(tmp_path, 1, 2)
    with JudgeServer(lambda _: reply(4, 2)) as server:
        assert main(score_command(tmp_path, server, "--key-env", "JUDGE_KEY")) == 0
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer sk-of-the-judge"}
    said = dict(line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()[:-1])
    cost = (said["requests"], said["prompt tokens"], said["completion tokens"])
    assert cost == ("2", str(2 * PROMPT_TOKENS), str(2 * COMPLETION_TOKENS))


@pytest.mark.parametrize("option", ["--reply-form", "--response-format"])
def test_the_form_of_the_reply_has_one_name_in_both_commands_and_the_old_one_goes_on_working(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_candidates(tmp_path, 1, 1)
    with JudgeServer(lambda _: reply(4, 2)) as server:
        assert main(score_command(tmp_path, server, option, "json_object")) == 0
        assert server.requests[0]["response_format"] == {"type": "json_object"}
        assert main(score_command(tmp_path, server, "--concurrency", "0")) == 2
    assert "pairs score: --concurrency: 0 is not an integer of at least 1" in capsys.readouterr().err


def test_pairs_and_eval_name_a_judge_by_the_same_options(capsys: pytest.CaptureFixture[str]) -> None:
    options = []
    for command in (("pairs", "score"), ("eval", "saber-test")):
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        _, _, judge = capsys.readouterr().out.partition("\njudge:\n")
        options.append(set(re.findall(r"^  (--[a-z-]+)", judge, re.MULTILINE)))
    assert options[0] - {"--rules"} == options[1]
    assert options[1] == {"--judge", "--base-url", "--key-env", "--concurrency", "--timeout", "--reply-form"}


def test_a_missing_file_of_candidates_leaves_nothing_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with JudgeServer([]) as server:
        assert main(score_command(tmp_path, server)) == 2
    assert "candidates.jsonl: file: is not there" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["records.jsonl"]


def test_the_command_itself_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["pairs", "--help"])
    assert "example: swift-saber pairs select " in capsys.readouterr().out


def test_a_kind_of_pair_is_known_to_the_command_by_its_entry_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mute(*_: object) -> choose.Rejected:
        return {"rejected_response": "Nothing."}, None

    monkeypatch.setitem(choose.KINDS, "mute", choose.Kind("against an answer that says nothing", mute))
    write_rows(tmp_path / "s.jsonl", [clip("a", candidate("Glad.", 5))])
    paths = [str(tmp_path / "s.jsonl"), str(tmp_path / "p.jsonl")]
    assert main(["pairs", "select", *paths, "--inconsistent-share", "all", "--kinds", "mute"]) == 0
    assert [(pair["kind"], pair["rejected_response"]) for pair in read(tmp_path / "p.jsonl")] == [("mute", "Nothing.")]
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["pairs", "select", "--help"])
    assert "mute: against an answer that says nothing" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("share", ["half", "nan", "1.5", ""])
def test_a_share_that_is_none_says_what_to_write(share: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["pairs", "select", "s.jsonl", "p.jsonl", "--inconsistent-share", share])
    assert "a share lies between 0 and 1; write all to keep every pair" in capsys.readouterr().err


@pytest.mark.parametrize("step", ["sample", "score", "select"])
def test_help_has_an_example_and_says_where_values_come_from(step: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["pairs", step, "--help"])
    assert caught.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"example: swift-saber pairs {step} " in said
    assert "reported by a secondary source" in said and "ours" in said


def start(command: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "swift_saber.cli", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
    )


def test_ctrl_c_waits_for_the_reply_and_the_next_run_asks_for_the_rest(tmp_path: Path) -> None:
    write_candidates(tmp_path, 4, 2)
    asked, go_on = threading.Event(), threading.Event()

    def said(_: dict[str, Any]) -> str:
        if len(server.requests) == 4:
            asked.set()
            assert go_on.wait(60)
        return reply(4, 2)

    with JudgeServer(said) as server:
        command = score_command(tmp_path, server, "--concurrency", "1")
        with start(command) as run:
            assert asked.wait(60)
            run.send_signal(signal.SIGINT)
            go_on.set()
            _, errors = run.communicate(timeout=60)
        assert run.returncode == 130
        assert "stopped; the same command goes on from here" in errors and "Traceback" not in errors
        assert main(command) == 0
        assert len(server.requests) == 4 * 2
    assert [row["id"] for row in read(tmp_path / "scored.jsonl")] == list("abcd")


def test_clips_go_to_the_model_and_to_the_judge_in_the_form_that_they_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model is found out; the judge is told. What a first run was answered is known in the second's form."""
    command = sample_command(tmp_path, SimpleNamespace(address="http://127.0.0.1:9/v1"), 2)
    place = command.index("http://127.0.0.1:9/v1")
    with LLMServer(services.openai) as server:
        command[place] = server.url
        assert main([*command]) == 0
        assert "clips go as frames from now on (media: frames)" in capsys.readouterr().err
        pictures = [[part["type"] for part in asked.parts].count("image_url") for asked in server.asked]
        assert pictures[-2:] == [4, 4] and len(server.asked) == 1 + 3 + 2
        (tmp_path / "c.jsonl").unlink()
        assert main([*command, "--media", "input_audio"]) == 0
        assert len(server.asked) == 1 + 3 + 2
    said = json.dumps({"reason": "So it is.", "logical_consistency": 4, "evidence_alignment": 2})
    with LLMServer(lambda asked: say(said) if services.openai(asked).status == 200 else fails(400)) as server:
        score = ["pairs", "score", str(tmp_path / "c.jsonl"), str(tmp_path / "s.jsonl"), "--judge", "j"]
        assert main([*score, "--base-url", server.url, "--show", "clip", "--media", "frames"]) == 0
        assert len(server.asked) == 2
    assert [
        candidate["scores"]["logical_consistency"]
        for row in read(tmp_path / "s.jsonl")
        for candidate in row["candidates"]
    ] == [4, 4]


def sample_command(folder: Path, server: Any, clips: int) -> list[str]:
    truths = sample_split("train", {"consistent": clips}, 0)
    write_clips(truths, media=folder, seed=0, workers=1)
    write_rows(folder / "train.jsonl", (training_row(truth, folder) for truth in truths))
    paths = [str(folder / "train.jsonl"), str(folder / "c.jsonl")]
    return ["pairs", "sample", *paths, "--model", "m", "--base-url", server.address, "-k", "1", "--concurrency", "1"]


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_while_sampling_keeps_the_answer_on_its_way_unless_pressed_again(tmp_path: Path, presses: int) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def said(_: dict[str, Any]) -> str:
        if len(server.requests) == 2:
            asked.set()
            go_on.wait(120)
        return "Glad."

    with JudgeServer(said) as server:
        with start(sample_command(tmp_path, server, 3)) as run:
            assert asked.wait(60) and run.stderr is not None
            run.send_signal(signal.SIGINT)
            while "waiting for the answers" not in (line := run.stderr.readline()):
                assert line
            if presses == 1:
                go_on.set()
            else:
                run.send_signal(signal.SIGINT)
            _, errors = run.communicate(timeout=60)
            assert go_on.is_set() == (presses == 1)
        go_on.set()
    assert run.returncode == 130 and "the same command goes on from here" in errors and "Traceback" not in errors
    assert len(server.requests) == 2
    assert len(read(tmp_path / "c.jsonl")) == (2 if presses == 1 else 1)


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    write_candidates(tmp_path, 1, 1)
    asked, over = threading.Event(), threading.Event()

    def said(_: dict[str, Any]) -> str:
        asked.set()
        over.wait(120)
        return reply(4, 2)

    with JudgeServer(said) as server:
        with start(score_command(tmp_path, server)) as run:
            assert asked.wait(60)
            run.send_signal(signal.SIGINT)
            assert run.stderr is not None
            while "waiting for the replies" not in (line := run.stderr.readline()):
                assert line
            run.send_signal(signal.SIGINT)
            _, errors = run.communicate(timeout=60)
            assert not over.is_set()
            assert run.returncode == 130 and "Traceback" not in errors
        over.set()

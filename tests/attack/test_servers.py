"""A server that answers badly in every way we know costs no more than its deadline, bounded memory and one line."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.models.endpoint import Endpoint, EndpointDown
from tests.attack.hostile_server import ANSWER, BLANK, DOWN, MODES, ODD, PASSWORD, REFUSED, TEXT, HostileServer
from tests.llm_server import Asked as Request
from tests.llm_server import LLMServer, Reply, say
from tests.media_faults import encode, frames, sound
from tests.pairs.judge_server import write_records
from tests.pairs.test_score import write_candidates

KEY = "sk-very-secret-0123456789"
ASK = {"temperature": 0.8, "max_tokens": 16}
HELLO = [{"role": "user", "content": "hello"}]
#: Largest memory of the process that asks twelve at a time, in MiB: 130 of Python and the client, 150 of the widest.
MOST_MIB = 600

# Asks at each address that is named, many at a time; says what came of each and how much memory it took.
_ASK = """
import json, os, sys, warnings
from concurrent.futures import ThreadPoolExecutor
from swift_saber.models.endpoint import Endpoint, EndpointDown, EndpointFailed, EndpointOdd, EndpointRefused
from tests.attack.kills import peak

KINDS = {EndpointDown: "down", EndpointRefused: "refused", EndpointFailed: "failed", EndpointOdd: "odd"}

def ask(mode):
    url, timeout = mode
    try:
        endpoint = Endpoint("m", url, timeout=timeout, retries=RETRIES)
        answers = endpoint.complete([{"role": "user", "content": "hello"}], temperature=0.8, max_tokens=16)
    except Exception as error:
        return KINDS.get(type(error), repr(error)[:2000]), str(error)[:100_000]
    return ("answer" if answers else "blank"), "".join(answer.text for answer in answers)[:100_000]

urls = json.loads(sys.stdin.readline())
with ThreadPoolExecutor(12) as pool:
    found = dict(zip(urls, pool.map(ask, urls.values())))
print(json.dumps([found, peak(os.getpid()) / 2**20]))
"""


class Asked(NamedTuple):
    """What came of all modes: (outcome, text) of each; what the process said besides, and its memory."""

    found: dict[str, tuple[str, str]]
    said: str
    mebibytes: float
    server: HostileServer


def ask_all(server: HostileServer, names: list[str], retries: int = 0) -> Asked:
    """Ask at each mode's address in a process of its own; fails where one does not end."""
    # Those that have something to say may take their time on a machine that is busy.
    urls = json.dumps(
        {name: (server.url(name), 1 if MODES[name].slow and DOWN in MODES[name].becomes else 20) for name in names}
    )
    child = subprocess.run(
        [sys.executable, "-c", _ASK.replace("RETRIES", str(retries))],
        input=urls + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        env={"OPENAI_API_KEY": KEY, "PATH": "", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert child.returncode == 0, child.stderr[-3000:]
    found, mebibytes = json.loads(child.stdout.splitlines()[-1])
    return Asked(found, child.stderr + "".join(child.stdout.splitlines()[:-1]), mebibytes, server)


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    with HostileServer() as server:
        yield ask_all(server, list(MODES))


@pytest.mark.parametrize("name", MODES)
def test_what_comes_of_a_mode(asked: Asked, name: str) -> None:
    outcome, text = asked.found[name]
    assert outcome in MODES[name].becomes, text
    if outcome in (REFUSED, ODD, DOWN):
        assert text.isprintable() and len(text) < 1000, "not one short line"
    elif outcome == BLANK:
        assert text == ""


def test_every_mode_was_asked_and_at_most_the_plain_question_followed(asked: Asked) -> None:
    assert len(MODES) >= 60
    assert asked.server.counts.keys() == MODES.keys()
    # The plain question tells whether it is this request's fault; one that was answered or refused needs none.
    wrong = {name: number for name, number in asked.server.counts.items() if number > 2}
    wrong |= {
        name: number for name, number in asked.server.counts.items() if MODES[name].becomes == (ANSWER,) != number == 2
    }
    assert not wrong


def test_the_largest_process(asked: Asked) -> None:
    assert asked.mebibytes < MOST_MIB


def test_no_secret_is_shown_and_nothing_is_said_besides(asked: Asked) -> None:
    shown = json.dumps(asked.found) + asked.said
    assert KEY not in shown and PASSWORD not in shown
    assert "***" in asked.found["answer_with_our_key"][1]
    assert asked.said == ""


def test_no_cookie_is_kept(asked: Asked) -> None:
    assert not any(line.lower().startswith(b"cookie") for line in asked.server.headers)
    assert any(line.lower().startswith(b"authorization") for line in asked.server.headers)


def test_nothing_else_was_reached_and_it_counts_when_it_is(asked: Asked) -> None:
    assert asked.server.elsewhere == 0
    with urllib.request.urlopen(asked.server.other + "/v1/chat/completions", timeout=20) as reply:
        assert TEXT in reply.read().decode()
    assert asked.server.elsewhere == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_says_where_it_leads_and_what_to_do(asked: Asked, status: int) -> None:
    _, text = asked.found[f"redirect_{status}"]
    where = f"{asked.server.other}/v1/chat/completions"
    assert f"{status}: leads to {where}; set base_url to {asked.server.other}/v1 " in text


def test_a_redirect_shows_no_password(asked: Asked) -> None:
    assert "leads to http://127.0.0.1:9/v1;" in asked.found["redirect_with_a_password"][1]


@pytest.mark.parametrize(
    ("name", "said"),
    {
        **dict.fromkeys(("gzip_bomb", "deflate_bomb"), "the reply is larger than 8 MiB;"),
        **dict.fromkeys(("gzip_cut", "gzip_of_nothing"), "the reply ends in the middle of its gzip;"),
        **dict.fromkeys(("gzip_damaged", "gzip_and_more", "says_gzip_and_is_not"), "the reply is no whole gzip ("),
        "brotli": "the reply is compressed (br); have the server, or the gateway before it, send plain JSON or gzip",
        "gzip_of_a_gzip_bomb": "the reply is compressed (gzip, gzip); have the server",
        "refusal_gzip": "400: max_tokens is too large;",
        "refusal_brotli": "400: the reply is compressed (br)",
        "refusal_gzip_cut": '400: {"error": {"message": ',
        **{name: TEXT for name in MODES if name.startswith(("gzip", "deflate")) and ANSWER in MODES[name].becomes},
    }.items(),
)
def test_what_is_compressed_is_unpacked_within_the_size_or_said_to_be(asked: Asked, name: str, said: str) -> None:
    assert said in asked.found[name][1]


def test_waits_that_a_server_asks_for_are_bounded_and_what_it_wants_repeated_too() -> None:
    names = [name for name in MODES if name.startswith("retry_")]
    with HostileServer() as server:
        asked = ask_all(server, names, retries=1)
    assert {name: asked.found[name][0] in MODES[name].becomes for name in names} == dict.fromkeys(names, True)
    assert max(server.counts.values()) <= 3  # the request, once again, and the plain question
    assert server.elsewhere == 0


@pytest.mark.parametrize("name", ["drips_the_body", "body_for_ever", "gzip_bomb", "redirect_307", "nested_lists"])
def test_a_transcription_is_no_other(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    # Where there is an end, a busy machine may take its time.
    timeout = 2 if name in ("drips_the_body", "body_for_ever") else 60
    with HostileServer() as server:
        with pytest.raises(EndpointDown):
            Endpoint("whisper", server.url(name), timeout=timeout, retries=0).transcribe(str(tmp_path / "a.wav"))
        assert (server.counts[name], server.elsewhere) == (1 if name == "redirect_307" else 2, 0)


def test_what_the_client_logs_has_no_secret(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level("DEBUG")
    with HostileServer() as server:
        url = server.url("status_500").replace("://", f"://me:{PASSWORD}@")
        with pytest.raises(InputError):
            Endpoint("m", url, timeout=1, retries=1).complete(HELLO, **ASK)  # type: ignore[arg-type]
    assert caplog.text and KEY not in caplog.text and PASSWORD not in caplog.text


def killed(command: Sequence[object], reply: Reply, *at: int) -> tuple[LLMServer, int]:
    """Run a command that asks one thing at a time until it ends by itself; SIGKILL while these requests are under way.

    Returns:
        The server, and the command's status.
    """
    process: subprocess.Popen[bytes]

    def script(_: Request) -> Reply:
        if len(server.asked) in at:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        return reply

    with LLMServer(script) as server:
        words = [str(word) for word in (sys.executable, "-m", "swift_saber.cli", *command, "--base-url", server.url)]
        for last in [*[False] * len(at), True]:
            process = subprocess.Popen([*words, "--concurrency", "1"], stderr=subprocess.DEVNULL)
            status = process.wait(timeout=120)
            assert last or status == -signal.SIGKILL
    return server, status


def rows_of(path: Path) -> list[dict[str, object]]:
    return [row for _, row in read_rows(path)]


def test_sampling_at_a_server_that_ignores_n_pays_for_what_is_needed_and_what_was_under_way(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", frames(), sound())
    turn = [{"role": "user", "content": "How?"}]
    clips = [{"id": name, "messages": turn, "videos": [str(tmp_path / "a.mp4")], "audios": []} for name in "ab"]
    write_rows(tmp_path / "questions.jsonl", clips)
    output = tmp_path / "out.jsonl"
    command = ("pairs", "sample", tmp_path / "questions.jsonl", output, "--model", "m", "-k", "5")
    server, status = killed(command, say("one"), 3, 9)
    needed, under_way = 2 * 5, 2
    assert (status, len(server.asked)) == (0, needed + under_way)
    assert [len(row["candidates"]) for row in rows_of(output)] == [5, 5]  # type: ignore[arg-type]
    assert len(rows_of(tmp_path / "out.jsonl.replies.jsonl")) == needed


def test_a_judge_whose_replies_are_of_no_use_is_paid_once_for_each(tmp_path: Path) -> None:
    candidates = write_candidates(tmp_path, a=["x", "y"], b=["z"])
    output = tmp_path / "scored.jsonl"
    command = ("pairs", "score", candidates, output, "--judge", "j", "--records", write_records(tmp_path))
    server, status = killed(command, say("A fine answer."), 4)
    needed, under_way = 2 * 3, 1  # each is asked once more with what was wrong
    assert (status, len(server.asked)) == (2, needed + under_way)
    assert len(rows_of(tmp_path / "scored.jsonl.judge.jsonl")) == needed
    server, status = killed(command, say("A fine answer."))
    assert (status, len(server.asked)) == (2, 0)

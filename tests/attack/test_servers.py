"""A server that answers badly in every way we know costs no more than its deadline, bounded memory and one line."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from swift_saber.errors import InputError
from swift_saber.models.endpoint import Endpoint
from tests.attack.hostile_server import ANSWER, BLANK, DOWN, MODES, ODD, PASSWORD, REFUSED, TEXT, HostileServer

KEY = "sk-very-secret-0123456789"
ASK = {"temperature": 0.8, "max_tokens": 16}
HELLO = [{"role": "user", "content": "hello"}]
#: Largest memory of the process that asks, in MiB: some 100 of Python and the client, 150 of the widest reply.
MOST_MIB = 500

# Asks at each address that is named, many at a time; says what came of each and how much memory it took.
_ASK = """
import json, resource, sys, warnings
from concurrent.futures import ThreadPoolExecutor
from swift_saber.models.endpoint import Endpoint, EndpointDown, EndpointFailed, EndpointOdd, EndpointRefused

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
with ThreadPoolExecutor(16) as pool:
    found = dict(zip(urls, pool.map(ask, urls.values())))
print(json.dumps([found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
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
    urls = json.dumps({name: (server.url(name), 1 if MODES[name].slow else 20) for name in names})
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


def test_waits_that_a_server_asks_for_are_bounded_and_what_it_wants_repeated_too() -> None:
    names = [name for name in MODES if name.startswith("retry_")]
    with HostileServer() as server:
        asked = ask_all(server, names, retries=1)
    assert {name: asked.found[name][0] in MODES[name].becomes for name in names} == dict.fromkeys(names, True)
    assert max(server.counts.values()) <= 3  # the request, once again, and the plain question
    assert server.elsewhere == 0


def test_what_the_client_logs_has_no_secret(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level("DEBUG")
    with HostileServer() as server:
        url = server.url("status_500").replace("://", f"://me:{PASSWORD}@")
        with pytest.raises(InputError):
            Endpoint("m", url, timeout=1, retries=1).complete(HELLO, **ASK)  # type: ignore[arg-type]
    assert caplog.text and KEY not in caplog.text and PASSWORD not in caplog.text

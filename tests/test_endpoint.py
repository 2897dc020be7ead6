"""Requests to a real HTTP server that speaks, or does not speak, OpenAI's protocol."""

import base64
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from swift_saber.endpoint import Endpoint, EndpointDown, EndpointRefused, clip_parts
from swift_saber.errors import InputError

KEY = "sk-very-secret-0123456789"
ASK = {"temperature": 0.8, "max_tokens": 16}
HELLO = [{"role": "user", "content": "hello"}]


@dataclass
class Served:
    """A running server: its address and what it was asked."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[dict[str, Any], int], tuple[int, Any]]) -> Iterator[Served]:
    """Serve answer(request, how many came before) -> (status, JSON value or raw text)."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                number = len(served.asked)
                served.asked.append(request | {"path": self.path})
                served.headers.append({name.lower(): value for name, value in self.headers.items()})
            status, body = answer(request, number)
            plain = isinstance(body, str)
            data = (body if plain else json.dumps(body)).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if plain else "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):  # the client did not wait
                pass

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Served(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def completion(*texts: Any, finish: str = "stop") -> dict[str, Any]:
    choices = [
        {"index": i, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        for i, text in enumerate(texts)
    ]
    return {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def ask(url: str, retries: int = 0, timeout: float = 20, **options: Any) -> list[str]:
    answers = Endpoint("m", url, timeout=timeout, retries=retries).complete(HELLO, **{**ASK, **options})
    return [answer.text for answer in answers]


def test_the_request_holds_what_was_asked_for_and_the_texts_come_back() -> None:
    with serving(lambda *_: (200, completion("one", "two", "three"))) as server:
        form = {"type": "json_object"}
        assert ask(server.url, n=3, seed=7, response_format=form) == ["one", "two", "three"]
    assert server.asked == [
        {
            "path": "/v1/chat/completions",
            "model": "m",
            "messages": HELLO,
            "temperature": 0.8,
            "max_tokens": 16,
            "n": 3,
            "seed": 7,
            "response_format": form,
        }
    ]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


def test_without_a_key_a_placeholder_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with serving(lambda *_: (200, completion("one"))) as server:
        assert ask(server.url) == ["one"]
    assert server.headers[0]["authorization"] == "Bearer EMPTY"


@pytest.mark.parametrize(
    ("reply", "texts"),
    [
        (completion("one", None, "", "  \n", "five"), ["one", "five"]),
        (completion(), []),
        (completion("cut off at", finish="length"), ["cut off at"]),
        (completion("half a \ud83d face"), ["half a ? face"]),
    ],
)
def test_only_choices_with_text_count(reply: dict[str, Any], texts: list[str]) -> None:
    with serving(lambda *_: (200, reply)) as server:
        assert ask(server.url, n=5) == texts


@pytest.mark.parametrize(("finish", "cut"), [("length", True), ("stop", False), (None, False)])
def test_an_answer_that_came_to_max_tokens_is_marked(finish: str, cut: bool) -> None:
    with serving(lambda *_: (200, completion("She is", finish=finish))) as server:
        assert Endpoint("m", server.url).complete(HELLO, **ASK) == [("She is", cut)]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_request_is_named_with_its_reason_on_one_line(status: int) -> None:
    with (
        serving(lambda *_: (status, {"error": {"message": "the prompt\nis too long " + "x" * 900}})) as server,
        pytest.raises(EndpointRefused) as caught,
    ):
        ask(server.url, retries=3)
    assert f"{server.url}: request: {status}: the prompt is too long xxx" in str(caught.value)
    assert len(str(caught.value)) < 500
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "OPENAI_API_KEY"), (403, "OPENAI_API_KEY"), (404, "the model's name"), (405, "check the address")],
)
def test_what_would_fail_every_time_stops_the_run_at_once(status: int, remedy: str) -> None:
    body = {"error": {"message": f"no: {KEY} is not known"}}
    with serving(lambda *_: (status, body)) as server, pytest.raises(EndpointDown, match=remedy) as caught:
        ask(server.url, retries=3)
    assert f"{server.url}: endpoint: {status}: no: *** is not known" in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize("message", ["API key error", "`m` is not in the model_list: `['other']`."])
def test_the_400_of_swift_deploy_for_a_wrong_key_or_model_stops_the_run(message: str) -> None:
    with serving(lambda *_: (400, {"message": message, "object": "error"})) as server, pytest.raises(EndpointDown):
        ask(server.url)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_passing_failure_is_asked_again(status: int) -> None:
    with serving(lambda _, number: (200, completion("one")) if number else (status, {"error": {}})) as server:
        assert ask(server.url, retries=1) == ["one"]
    assert len(server.asked) == 2


@pytest.mark.parametrize(("status", "remedy"), [(500, "server's log"), (429, "less concurrency")])
def test_a_failure_that_stays_stops_the_run(status: int, remedy: str) -> None:
    with (
        serving(lambda *_: (status, {"error": {"message": "too much"}})) as server,
        pytest.raises(EndpointDown, match=f"{status}: too much; .*{remedy}"),
    ):
        ask(server.url, retries=1)
    assert len(server.asked) == 2


def test_a_server_that_is_not_there() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(EndpointDown, match=r"cannot be reached .*refused.*start the server"):
        ask(f"http://127.0.0.1:{port}/v1")


def test_a_server_that_does_not_answer_in_time() -> None:
    def slow(*_: Any) -> tuple[int, Any]:
        time.sleep(1)
        return 200, completion("late")

    with serving(slow) as server, pytest.raises(EndpointDown, match=r"no reply within 0.2 s, asked 2 times"):
        ask(server.url, retries=1, timeout=0.2)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "reply",
    [
        "<html>Welcome</html>",
        [],
        {"choices": None},
        {"choices": ["text"]},
        {"choices": [{"text": "old protocol"}]},
        {"object": "list", "data": []},
    ],
)
def test_a_reply_that_is_not_of_the_protocol_stops_the_run(reply: Any) -> None:
    with serving(lambda *_: (200, reply)) as server, pytest.raises(EndpointDown, match="OpenAI-compatible"):
        ask(server.url)


def test_an_error_inside_a_200_is_a_refusal() -> None:
    body = {"error": {"message": "upstream refused", "code": 502}}
    with serving(lambda *_: (200, body)) as server, pytest.raises(EndpointRefused, match="upstream refused"):
        ask(server.url)


def test_neither_key_nor_password_gets_into_an_error() -> None:
    with serving(lambda *_: (500, "broken")) as server, pytest.raises(EndpointDown) as caught:
        ask(server.url.replace("http://", "http://me:hunter2@") + "?token=hunter3")
    assert server.url in str(caught.value)
    assert not any(secret in str(caught.value) for secret in (KEY, "hunter2", "hunter3", "me:"))


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize("before", ["", "y" * 285])
def test_a_key_that_the_server_quotes_is_masked_even_where_its_message_is_cut(status: int, before: str) -> None:
    body = {"error": {"message": f"{before} bad key {KEY}"}}
    with serving(lambda *_: (status, body)) as server, pytest.raises(InputError) as caught:
        ask(server.url)
    assert KEY[:8] not in str(caught.value)


def test_the_line_end_of_a_key_from_a_file_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY + "\n")
    with serving(lambda *_: (200, completion("hi"))) as server:
        ask(server.url)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", [f"{KEY}\nmore", f"{KEY}é"])
def test_a_key_that_cannot_be_sent_is_refused_and_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(InputError, match="OPENAI_API_KEY: holds a character") as caught:
        Endpoint("m", "http://127.0.0.1:9/v1")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://host/v1", "http://", "http://host:port/v1", "http://[::1"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(InputError, match="base_url: is no http address"):
        Endpoint("m", url)


def test_clips_go_along_as_data_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path))
    for name in ("a.mp4", "b.wav", "c.mp3", "d.mp4"):
        (tmp_path / name).write_bytes(name.encode())
    parts = clip_parts(["a.mp4"], ["b.wav", str(tmp_path / "c.mp3"), "d.mp4"])

    def url(kind: str, name: str) -> dict[str, str]:
        return {"url": f"data:{kind};base64,{base64.b64encode(name.encode()).decode()}"}

    assert parts == [
        {"type": "video_url", "video_url": url("video/mp4", "a.mp4")},
        {"type": "audio_url", "audio_url": url("audio/wav", "b.wav")},
        {"type": "audio_url", "audio_url": url("audio/mpeg", "c.mp3")},
        {"type": "audio_url", "audio_url": url("audio/wav", "d.mp4")},
    ]
    with pytest.raises(InputError, match="gone.mp4"):
        clip_parts(["gone.mp4"], [])

"""An answer in the pieces in which it is written: by a server, over real HTTP on 127.0.0.1, and by a process."""

import gzip
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any

import pytest

from swift_saber.models.endpoint import (
    Answer,
    Endpoint,
    EndpointDown,
    EndpointFailed,
    EndpointOdd,
    EndpointRefused,
    InputError,
)
from swift_saber.models.process import AnswerError, ModelDied, ModelProcess
from swift_saber.models.worker import _pieces
from swift_saber.text.strict_json import encoded, parse_json
from tests.llm_server import Asked, LLMServer, Reply, fails, say

HELLO = [{"role": "user", "content": "hello"}]
EVENTS = "text/event-stream"


def event(text: str | None = None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
USAGE = b'data: {"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": {"prompt_tokens": 3}}\n\n'


def streamed(reply: Reply, **settings: Any) -> list[Answer]:
    with LLMServer(lambda _: reply) as server:
        return list(asked(server.url, **settings))


def asked(url: str, timeout: float = 20) -> Iterator[Answer]:
    return Endpoint("m", url, timeout=timeout, retries=0).stream(HELLO, temperature=0, max_tokens=64)


@contextmanager
def sending(*parts: bytes | threading.Event) -> Iterator[str]:
    """A server that sends these one after the other; at an Event it waits until that is set."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", f"{EVENTS}; charset=utf-8")
            self.end_headers()
            for part in parts:
                if isinstance(part, threading.Event):
                    part.wait(20)
                else:
                    self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        for part in parts:
            if isinstance(part, threading.Event):
                part.set()
        server.shutdown()
        server.server_close()


def test_a_piece_is_there_before_the_next_one_is_written() -> None:
    seen = threading.Event()
    with sending(b": ping\n\n", event("The smile "), seen, event("belies."), event(finish="stop"), DONE) as url:
        pieces = asked(url)
        assert next(pieces) == Answer("The smile ")
        seen.set()  # until now the server has written nothing more
        assert list(pieces) == [Answer("belies.")]


def test_the_request_says_what_is_wanted() -> None:
    def script(request: Asked) -> Reply:
        assert request.headers["accept"] == EVENTS
        return Reply(200, event("yes", "stop") + DONE, EVENTS)

    with LLMServer(script) as server:
        assert list(asked(server.url)) == [Answer("yes")]
        wanted = {"model": "m", "messages": HELLO, "temperature": 0, "max_tokens": 64, "stream": True}
        assert server.asked[0].body == wanted


def test_an_answer_that_came_to_the_longest_is_marked_at_its_end() -> None:
    reply = event("The smile") + event(finish="length") + USAGE + DONE
    assert streamed(Reply(200, reply, EVENTS)) == [Answer("The smile"), Answer("", True)]


def test_a_server_that_does_not_stream_gives_one_piece() -> None:
    assert streamed(say("whole", finish="length")) == [Answer("whole", True)]


def test_events_that_come_compressed_are_unpacked() -> None:
    packed = gzip.compress(event("yes") + DONE)
    assert streamed(Reply(200, packed, EVENTS, {"Content-Encoding": "gzip"})) == [Answer("yes")]


@pytest.mark.parametrize(
    ("reply", "kind", "problem"),
    [
        (fails(400, "no video"), EndpointRefused, "no video"),
        (fails(401), EndpointDown, "401"),
        (fails(500), EndpointFailed, "500"),
        (Reply(200, b'data: {"error": {"message": "no room"}}\n\n', EVENTS), EndpointOdd, "no room"),
        (Reply(200, b"data: {\n\n", EVENTS), InputError, "is not JSON"),
        (Reply(200, b'data: {"choices": [{"text": "old"}]}\n\n', EVENTS), InputError, "a choice without a delta"),
        (Reply(200, event("The smile"), EVENTS), EndpointFailed, "the reply broke off"),
        (Reply(200, event("The smile") * 9, EVENTS, length=200), EndpointFailed, "the reply broke off"),
        (Reply(200, b"<!doctype html>", "text/html"), InputError, "is not JSON"),
    ],
)
def test_what_is_wrong_is_said_as_of_any_reply(reply: Reply, kind: type[InputError], problem: str) -> None:
    with pytest.raises(kind, match=problem):
        streamed(reply)


def test_the_time_is_that_of_the_whole_reply() -> None:
    with sending(event("The smile "), threading.Event()) as url:
        pieces = asked(url, timeout=2)
        assert next(pieces) == Answer("The smile ")
        with pytest.raises(EndpointFailed, match=r"broke off \(no reply in time\)"):
            next(pieces)


def test_the_size_is_that_of_any_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swift_saber.models.transport.MAX_BYTES", 1 << 20)
    with pytest.raises(EndpointFailed, match="is larger than 1 MiB"):
        streamed(Reply(200, event("x" * 1000) * 2000, EVENTS))


def serve(pipe: Connection, *_: Any) -> None:
    """In the place of worker.serve: writes the row's words one by one; "fail" and "die" are orders."""
    pipe.send_bytes(encoded({"batch": 1}))
    while True:
        try:
            said = parse_json(pipe.recv_bytes().decode(), "pipe")
        except EOFError:
            return
        assert said["pieces"]
        end: dict[str, Any] = {"results": []}
        for word in said["rows"][0]["words"]:
            if word == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if word == "fail":
                end = {"error": "no room", "memory": True, "broken": False}
                break
            pipe.send_bytes(encoded({"piece": word, "cut": word == "end"}))
        pipe.send_bytes(encoded(end))


@pytest.fixture(scope="module")
def process() -> Iterator[ModelProcess]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("swift_saber.models.process.serve", serve)
        one = ModelProcess("m", [], {}, None, 1)
        one.load()
        yield one
        one.close()


def test_a_model_in_a_process_gives_its_pieces_too(process: ModelProcess) -> None:
    assert list(process.stream({"words": ["The ", "end"]})) == [Answer("The "), Answer("end", True)]


def test_the_rest_of_an_answer_is_none_of_the_next_one(process: ModelProcess) -> None:
    pieces = process.stream({"words": ["a", "b", "c"]})
    assert next(pieces) == Answer("a")
    pieces.close()  # type: ignore[attr-defined]
    assert list(process.stream({"words": ["d"]})) == [Answer("d")]


def test_an_error_after_some_pieces_leaves_the_process_as_it_was(process: ModelProcess) -> None:
    pieces = process.stream({"words": ["a", "fail"]})
    assert next(pieces) == Answer("a")
    with pytest.raises(AnswerError, match="no room"):
        next(pieces)
    assert list(process.stream({"words": ["d"]})) == [Answer("d")]


def test_a_process_that_ends_meanwhile_is_started_again_by_load(process: ModelProcess) -> None:
    with pytest.raises(ModelDied, match="signal 9"):
        list(process.stream({"words": ["a", "die"]}))
    process.load()
    assert list(process.stream({"words": ["d"]})) == [Answer("d")]


def test_what_ms_swift_streams_becomes_pieces() -> None:
    def reply(text: str | None, finish: str | None = None) -> Any:
        return SimpleNamespace(choices=[SimpleNamespace(delta=SimpleNamespace(content=text), finish_reason=finish)])

    def infer(rows: Any, config: Any, use_tqdm: bool, adapter_request: str) -> list[Any]:
        assert config.stream and rows == [{"id": "1"}]
        return [iter([reply("The "), reply("end"), reply(None, "length")])]

    args = SimpleNamespace(get_request_config=lambda: SimpleNamespace(stream=False))
    model = SimpleNamespace(args=args, infer=infer, infer_kwargs={"adapter_request": "lora"})
    pieces = [{"piece": "The ", "cut": False}, {"piece": "end", "cut": False}, {"piece": "", "cut": True}]
    assert list(_pieces(model, {"id": "1"})) == pieces

"""Requests to a real HTTP server that speaks, or does not speak, OpenAI's protocol."""

import base64
import functools
import io
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile

from swift_saber.errors import InputError
from swift_saber.models.clips import clip_parts
from swift_saber.models.endpoint import Endpoint, EndpointDown, EndpointFailed, EndpointRefused, Pace, Usage
from tests.llm_server import (
    COMPLETION_TOKENS,
    PROMPT_TOKENS,
    Asked,
    LLMServer,
    Reply,
    ends_mid_stream,
    fails,
    heard,
    html,
    say,
    sends,
)
from tests.media_faults import encode, frames
from tests.stepped_sounds import TONES, steps
from tests.stepped_sounds import heard as tones

KEY = "sk-very-secret-0123456789"
ASK = {"temperature": 0.8, "max_tokens": 16}
HELLO = [{"role": "user", "content": "hello"}]
#: What tells a service that answers nothing from one that cannot answer this one request.
PLAIN = [{"role": "user", "content": "Hello"}]


class Served:
    """A running server: its address and what it was asked."""

    def __init__(self, server: LLMServer) -> None:
        self.url, self._server = server.url, server

    @property
    def asked(self) -> list[dict[str, Any]]:
        return [asked.body | {"path": asked.path} for asked in self._server.asked]

    @property
    def headers(self) -> list[dict[str, str]]:
        return [asked.headers for asked in self._server.asked]


@contextmanager
def serving(answer: Callable[[dict[str, Any], int], tuple[int, Any]]) -> Iterator[Served]:
    """Serve answer(request, how many came before) -> (status, JSON value or raw text)."""
    turn = itertools.count()

    def script(asked: Asked) -> Reply:
        status, body = answer(asked.body | {"path": asked.path}, next(turn))
        return Reply(status, body.encode(), "text/html") if isinstance(body, str) else sends(status, body)

    with LLMServer(script) as server:
        yield Served(server)


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
    assert [one["messages"] for one in server.asked] == [HELLO, HELLO, PLAIN]


BAD = [{"role": "user", "content": "bad"}]


def spoiling(reply: Reply) -> Callable[[Asked], Reply]:
    """What becomes of the question "bad" at a server that answers every other one."""
    return lambda asked: reply if asked.text == "bad" else say("one")


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (fails(500, "out of memory"), "500: out of memory"),
        (fails(503, "too busy", Retry_After="0"), "503: too busy"),
        (fails(429, "too much", Retry_After="0"), "429: too much"),
        (say("late", delay=1), "no reply within 0.2 s, asked 2 times"),
        (ends_mid_stream(), "cannot be reached"),
    ],
)
def test_a_failure_of_one_request_at_a_server_that_answers_is_that_requests(reply: Reply, problem: str) -> None:
    with LLMServer(spoiling(reply)) as server:
        endpoint = Endpoint("m", server.url, retries=1, timeout=0.2)
        with pytest.raises(EndpointFailed, match=problem):
            endpoint.complete(BAD, **ASK)
        assert endpoint.complete(HELLO, **ASK) == [("one", False)]
    assert sum(asked.text == "bad" for asked in server.asked) == 2


def test_a_failing_request_needs_no_further_one_where_others_were_answered_meanwhile() -> None:
    answered = threading.Event()

    def script(asked: Asked) -> Reply:
        if asked.text == "bad":
            assert answered.wait(20)
            return fails(500)
        return say("one")

    with LLMServer(script) as server, ThreadPoolExecutor(1) as pool:
        endpoint = Endpoint("m", server.url, retries=0)
        failing = pool.submit(endpoint.complete, BAD, **ASK)
        while not server.asked:
            time.sleep(0.01)
        endpoint.complete(HELLO, **ASK)
        answered.set()
        with pytest.raises(EndpointFailed):
            failing.result()
    assert len(server.asked) == 2


def test_a_service_that_refuses_the_plain_question_is_there_too(tmp_path: Path) -> None:
    """A recogniser may take no silence, and a vision model no question without a picture."""
    (tmp_path / "bad.wav").write_bytes(b"bad")
    with (
        LLMServer(lambda asked: fails(500 if asked.body["file"] == b"bad" else 400)) as server,
        pytest.raises(EndpointFailed, match="500"),
    ):
        Endpoint("whisper", server.url, retries=0).transcribe(str(tmp_path / "bad.wav"))
    assert server.asked[1].body["file"].startswith(b"RIFF")
    with LLMServer(lambda asked: fails(500 if asked.text == "bad" else 422)) as server, pytest.raises(EndpointFailed):
        Endpoint("m", server.url, retries=0).complete(BAD, **ASK)
    with (
        LLMServer(lambda asked: fails(500 if asked.text == "bad" else 401)) as server,
        pytest.raises(EndpointDown, match="401: no; set OPENAI_API_KEY"),  # nor would the next be answered
    ):
        Endpoint("m", server.url, retries=0).complete(BAD, **ASK)


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
    assert [one["messages"] for one in server.asked] == [HELLO, HELLO, PLAIN]


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


def test_a_user_and_a_password_of_the_address_are_sent() -> None:
    with serving(lambda *_: (200, completion("one"))) as server:
        assert ask(server.url.replace("http://", "http://me:hunter%402@")) == ["one"]
    assert server.headers[0]["authorization"] == f"Basic {base64.b64encode(b'me:hunter@2').decode()}"


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
    "url",
    [
        *("", "localhost:8000", "ftp://host/v1", "http://", "http://host:port/v1", "http://[::1"),
        *(
            "http://host/\x01",
            "http://host/" + "a" * 70_000,
            "http://host:99999/v1",
            "http://\ud83d/v1",
        ),
    ],
)
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(InputError, match="base_url: is no http address"):
        Endpoint("m", url)


def test_clips_go_along_as_data_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path))
    encode(tmp_path / "a.mp4", frames(8))
    for name, form in (("b.wav", "WAV"), ("c.mp3", "MP3"), ("d", "WAV")):
        soundfile.write(tmp_path / name, steps(16_000), 16_000, format=form)
    parts = clip_parts(["a.mp4"], ["b.wav", str(tmp_path / "c.mp3"), "d"])

    def url(kind: str, name: str) -> dict[str, str]:
        return {"url": f"data:{kind};base64,{base64.b64encode((tmp_path / name).read_bytes()).decode()}"}

    assert parts == [
        {"type": "video_url", "video_url": url("video/mp4", "a.mp4")},
        {"type": "audio_url", "audio_url": url("audio/wav", "b.wav")},
        {"type": "audio_url", "audio_url": url("audio/mpeg", "c.mp3")},
        {"type": "audio_url", "audio_url": url("audio/wav", "d")},
    ]
    with pytest.raises(InputError, match="gone.mp4"):
        clip_parts(["gone.mp4"], [])
    with pytest.raises(InputError, match="gone.mp4"):
        clip_parts([], ["gone.mp4"])
    with pytest.raises(InputError, match="gone.mp4"):
        clip_parts(["gone.mp4"], [], "path")


def test_the_sound_of_a_video_goes_along_as_a_wav_that_every_server_reads(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", frames(16), steps(44_100), rate=44_100)
    [part] = clip_parts([], [str(tmp_path / "a.mp4")])
    kind, data = part["audio_url"]["url"].split(",")
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    assert (kind, rate, tones(samples, rate)) == ("data:audio/wav;base64", 16_000, list(TONES))
    (tmp_path / "a.mp4").write_bytes(b"no video here")
    with pytest.raises(InputError, match=r"a\.mp4: audio: holds text"):
        clip_parts([], [str(tmp_path / "a.mp4")])


def test_clips_can_travel_as_addresses_of_their_files(tmp_path: Path) -> None:
    clip = tmp_path / "a b" / "片 1#.mp4"
    clip.parent.mkdir()
    encode(clip, frames(8))

    def sent(**options: Any) -> str:
        return str(clip_parts([str(clip)], [], **options)[0]["video_url"]["url"])

    named = "a%20b/%E7%89%87%201%23.mp4"
    assert sent(form="path") == f"file://{tmp_path}/{named}"
    assert sent(form="bare_path") == str(clip)
    web = "http://10.0.0.5:8080/clips/"
    assert sent(form="url", root=str(tmp_path), base_url=web) == web + named
    with pytest.raises(InputError, match="does not lie below .*media.root"):
        sent(form="url", root=str(tmp_path / "a"), base_url=web)


def test_a_transcription_sends_the_file_and_the_language(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF\x00\xff")
    with LLMServer(lambda _: heard(" Good morning.\n")) as server:
        endpoint = Endpoint("whisper", server.url)
        for language in ("en", None):
            assert endpoint.transcribe(str(tmp_path / "a.wav"), language).answers == [("Good morning.", False)]
    with_language, without = (one.body for one in server.asked)
    assert with_language == {"model": "whisper", "file": b"RIFF\x00\xff", "language": "en"}
    assert without == {"model": "whisper", "file": b"RIFF\x00\xff"}
    assert server.asked[0].path == "/v1/audio/transcriptions"
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_recogniser_that_hears_nothing_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with LLMServer(lambda _: heard("")) as server:
        assert Endpoint("whisper", server.url).transcribe(str(tmp_path / "a.wav")).answers[0].text == ""


@pytest.mark.parametrize(
    ("reply", "error", "problem"),
    [
        (fails(400, "no such format"), EndpointRefused, "400: no such format"),
        (fails(401, f"bad key {KEY}"), EndpointDown, r"401: bad key \*\*\*"),
        (fails(500, "broken"), EndpointDown, "500: broken"),
        (html(), EndpointDown, "is not JSON"),
        (say("a completion"), EndpointDown, "has no text"),
        (Reply(200, b'{"error": "upstream"}'), EndpointRefused, "upstream"),
    ],
)
def test_a_transcription_fails_as_a_completion_does(
    tmp_path: Path, reply: Reply, error: type[Exception], problem: str
) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with LLMServer(lambda _: reply) as server, pytest.raises(error, match=problem):
        Endpoint("whisper", server.url, retries=0).transcribe(str(tmp_path / "a.wav"))


def test_sound_that_is_not_there_is_an_error_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone.wav: file: No such file"):
        Endpoint("whisper", "http://127.0.0.1:9/v1").transcribe(str(tmp_path / "gone.wav"))


def test_a_reply_that_ends_mid_stream_is_asked_for_again() -> None:
    with LLMServer(lambda asked: say("one") if asked.number else ends_mid_stream()) as server:
        assert ask(server.url, retries=1) == ["one"]
    with LLMServer(lambda _: ends_mid_stream()) as server, pytest.raises(EndpointDown, match="cannot be reached"):
        ask(server.url)


def test_what_is_used_is_said_with_each_reply_of_each_thread() -> None:
    with LLMServer(lambda _: say("one")) as server:
        endpoint = Endpoint("m", server.url)
        with ThreadPoolExecutor(4) as pool:
            replies = pool.map(lambda _: endpoint.reply(HELLO, **ASK), range(8))
            used = functools.reduce(Usage.plus, (reply.usage for reply in replies))
    assert used == (8, 8 * PROMPT_TOKENS, 8 * COMPLETION_TOKENS)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({}, (1, 0, 0)),
        ({"usage": None}, (1, 0, 0)),
        ({"usage": {"prompt_tokens": "7", "completion_tokens": -1}}, (1, 0, 0)),
        ({"usage": {"prompt_tokens": 7}}, (1, 7, 0)),
        ({"usage": {"input_tokens": 7, "output_tokens": 2}}, (1, 7, 2)),
    ],
)
def test_a_server_that_counts_no_tokens_costs_none(usage: dict[str, Any], counted: tuple[int, int, int]) -> None:
    with serving(lambda *_: (200, completion("one") | usage)) as server:
        assert Endpoint("m", server.url).reply(HELLO, **ASK).usage == counted


def test_another_service_gets_its_own_key_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-of-the-judge")
    with LLMServer(lambda asked: fails(401, f"unknown: {asked.headers['authorization']}")) as server:
        endpoint = Endpoint("m", server.url, key_env="JUDGE_KEY")
        with pytest.raises(EndpointDown, match=r"unknown: Bearer \*\*\*; set JUDGE_KEY to the key"):
            endpoint.complete(HELLO, **ASK)
    assert server.asked[0].headers["authorization"] == "Bearer sk-of-the-judge"
    assert KEY not in str(server.asked[0].headers)


def test_a_key_that_is_named_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    with pytest.raises(InputError, match="environment: JUDGE_KEY: is not set"):
        Endpoint("m", "http://127.0.0.1:9/v1", key_env="JUDGE_KEY")


def test_requests_are_spread_over_the_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    now = 100.0
    clock = SimpleNamespace(monotonic=lambda: now, sleep=waits.append)
    monkeypatch.setattr("swift_saber.models.endpoint.time", clock)
    pace = Pace(30)
    for _ in range(4):  # at the same instant: one goes at once, the others 2 s after one another
        pace.wait()
    assert waits == [2.0, 4.0, 6.0]
    now = 200.0  # what was not used is not saved up
    for _ in range(2):
        pace.wait()
    assert waits == [2.0, 4.0, 6.0, 2.0]


def test_the_limit_counts_what_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[str] = []
    monkeypatch.setattr("swift_saber.models.endpoint.Pace.wait", lambda _: waited.append("turn"))
    with LLMServer(lambda asked: say("one") if asked.number else fails(500)) as server:
        Endpoint("m", server.url, retries=1, requests_per_minute=600).complete(HELLO, **ASK)
    assert len(waited) == len(server.asked) == 2

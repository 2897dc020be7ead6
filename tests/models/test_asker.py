"""models/asker.py and models/service.py: no reply is lost, none is paid twice, settings are checked before any."""

import json
import os
import pickle
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.models.asker import Asker, replies_log, usage
from swift_saber.models.endpoint import EndpointDown
from swift_saber.models.reply import UNANSWERED, Unusable
from swift_saber.models.service import Service, read_media
from swift_saber.pipeline.plan import make_stage
from swift_saber.pipeline.stages.consistency import Consistency
from swift_saber.pipeline.stages.prompts import digests
from tests.llm_server import (
    COMPLETION_TOKENS,
    PROMPT_TOKENS,
    Asked,
    LLMServer,
    Reply,
    ends_mid_stream,
    fails,
    html,
    label,
    row,
    say,
    sends,
)

KEY = "sk-very-secret-0123456789"
HELLO = [{"role": "user", "content": "hello"}]
SCHEMA = {"type": "object"}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def upper(reply: str) -> str:
    if not reply.isupper():
        raise Unusable("it is not in capitals")
    return reply


def ask(server: LLMServer, folder: Path, clip: str = "s/a", messages: Any = HELLO, **settings: Any) -> str:
    service = Service.read({"model": "m", "base_url": server.url, "retries": 0, **settings}, "x")
    with replies_log(folder, "q", 0) as log:
        return Asker(service, log).ask(clip, messages, upper, SCHEMA)


def test_a_reply_is_asked_for_once_and_again_when_the_request_is_another(tmp_path: Path) -> None:
    with LLMServer(lambda _: say("YES")) as server:
        assert ask(server, tmp_path) == ask(server, tmp_path) == "YES"
        assert ask(server, tmp_path, concurrency=2, timeout=9, retries=1) == "YES"
        assert len(server.asked) == 1
        ask(server, tmp_path, "s/b")
        ask(server, tmp_path, messages=[{"role": "user", "content": "hello!"}])
        ask(server, tmp_path, model="other")
        ask(server, tmp_path, max_tokens=7)
        ask(server, tmp_path, reply_form="none")
    assert len(server.asked) == 1 + 5


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        ("json_schema", {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA}}),
        ("json_object", {"type": "json_object"}),
        ("none", None),
    ],
)
def test_the_server_is_held_to_the_form_asked_for(tmp_path: Path, form: str, sent: Any) -> None:
    with LLMServer(lambda _: say("YES")) as server:
        ask(server, tmp_path, reply_form=form, max_tokens=77)
    body = server.asked[0].body
    assert (body.get("response_format"), body["temperature"], body["max_tokens"]) == (sent, 0, 77)


def test_after_a_bad_reply_the_model_sees_it_and_what_was_wrong(tmp_path: Path) -> None:
    with LLMServer(lambda asked: say("YES" if "capitals" in asked.text else "yes")) as server:
        assert ask(server, tmp_path) == "YES"
        assert ask(server, tmp_path) == "YES"
    first, second = (one.body["messages"] for one in server.asked)
    assert first == HELLO
    assert second[:2] == [*HELLO, {"role": "assistant", "content": "yes"}]
    assert "cannot be used: it is not in capitals." in second[2]["content"]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (say("no"), "it is not in capitals"),
        (say(None), "it is not"),
        (say("YE", finish="length"), "cut at 2048 tokens"),
    ],
)
def test_two_bad_replies_are_the_end_and_are_not_asked_for_again(tmp_path: Path, reply: Any, reason: str) -> None:
    with LLMServer(lambda _: reply) as server:
        for _ in range(2):
            with pytest.raises(Unusable, match=reason):
                ask(server, tmp_path)
    assert len(server.asked) == 2


def test_a_refused_request_is_unusable_and_kept(tmp_path: Path) -> None:
    with LLMServer(lambda _: fails(400, "the clip is too long")) as server:
        for _ in range(2):
            with pytest.raises(Unusable, match="refused: 400: the clip is too long"):
                ask(server, tmp_path)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        sends(200, {"choices": [{"index": 0}]}),
        sends(200, {"choices": "none today"}),
        sends(200, [[]]),
        html(),
        Reply(200, b"[" * 200_000),
        Reply(200, b"{}", headers={"Content-Encoding": "gzip"}),
        Reply(200, b" " * (9 << 20)),
    ],
)
def test_a_reply_without_an_answer_is_paid_for_once_and_stops_no_run(tmp_path: Path, reply: Reply) -> None:
    """Where the server answers others: else its address is wrong, and nothing is kept."""
    bad = [{"role": "user", "content": "bad"}]
    with LLMServer(lambda asked: reply if asked.text == "bad" else say("YES")) as server:
        for _ in range(2):
            with pytest.raises(Unusable, match="refused: the reply ") as caught:
                ask(server, tmp_path, messages=bad)
            assert caught.value.kind == "refused"
        assert [asked.text for asked in server.asked] == ["bad", "Hello"]
        server.script = lambda _: reply
        for _ in range(2):
            with pytest.raises(EndpointDown, match="the address is an OpenAI-compatible one|send plain JSON or gzip"):
                ask(server, tmp_path / "other")
    assert [asked.text for asked in server.asked[2:]] == ["hello", "Hello"] * 2


def test_a_refusal_counts_for_the_form_that_was_refused_and_a_reply_for_every_form(tmp_path: Path) -> None:
    """What a log of before forms had a setting says counts too."""
    with LLMServer(lambda asked: fails(400) if "bad" in asked.text else say("YES")) as server:
        bad = [{"role": "user", "content": "bad"}]
        for media in ("base64", "base64", "frames"):
            with pytest.raises(Unusable, match="refused: 400"):
                ask(server, tmp_path, messages=bad, media=media)
            assert ask(server, tmp_path, media=media) == "YES"
        assert [asked.text for asked in server.asked] == ["bad", "hello", "bad"]
        log = tmp_path / "q-00000.replies.jsonl"
        rows = [json.loads(line) for line in log.read_text().splitlines()]
        base64, _, frames = (row["id"] for row in rows)
        name = base64.removesuffix("/base64")
        assert frames == f"{name}/frames"
        log.write_text(json.dumps(rows[0] | {"id": name}) + "\n")
        with pytest.raises(Unusable, match="refused: 400"):
            ask(server, tmp_path, messages=bad)
        assert len(server.asked) == 3


def test_where_everything_is_refused_the_settings_are_wrong_and_not_the_clips(tmp_path: Path) -> None:
    refused = 0
    with LLMServer(lambda _: fails(400, "local files are not allowed")) as server:
        with pytest.raises(EndpointDown, match="first 20 requests were refused .*not allowed.*remove .*q-00000"):
            service = Service("m", server.url)
            with replies_log(tmp_path, "q", 0) as log:
                asker = Asker(service, log)
                for number in range(40):
                    with pytest.raises(Unusable):
                        asker.ask(f"s/{number}", HELLO, upper)
                    refused += 1
        assert refused == 19
        server.script = lambda asked: say("YES") if asked.body["messages"][0]["content"] == "1" else fails(400)
        with replies_log(tmp_path / "other", "q", 0) as log:
            asker = Asker(service, log)
            asker.ask("s/ok", [{"role": "user", "content": "1"}], upper)
            for number in range(30):  # one was answered, so these are the clips'
                with pytest.raises(Unusable):
                    asker.ask(f"s/{number}", HELLO, upper)


@pytest.mark.parametrize("reply", [fails(401), fails(429, Retry_After="0"), fails(500), html(), ends_mid_stream()])
def test_a_server_that_is_down_stops_the_run_and_keeps_what_is_there(tmp_path: Path, reply: Any) -> None:
    with LLMServer(lambda asked: say("YES") if len(server.asked) == 1 else reply) as server:
        assert ask(server, tmp_path) == "YES"
        with pytest.raises(EndpointDown):
            ask(server, tmp_path, "s/b")
        assert ask(server, tmp_path) == "YES"
        server.script = lambda _: say("AGAIN")
        assert ask(server, tmp_path, "s/b") == "AGAIN"
    # Without the plain question by which a server that is down is known.
    assert sum(asked.text == "hello" for asked in server.asked) == 3


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (fails(500, "out of memory"), "500: out of memory"),
        (say("YES", delay=1), "no reply within 0.3 s"),
        (ends_mid_stream(), "cannot be reached"),
    ],
)
def test_a_clip_that_a_server_fails_at_is_set_aside_and_asked_again_by_the_next_run(
    tmp_path: Path, reply: Any, reason: str
) -> None:
    bad = [{"role": "user", "content": "bad"}]
    with LLMServer(lambda asked: reply if asked.text == "bad" else say("YES")) as server:
        service = Service("m", server.url, retries=1, timeout=0.3)
        for _ in range(2):
            with replies_log(tmp_path, "q", 0) as log:
                asker = Asker(service, log)
                assert asker.ask("s/a", HELLO, upper) == "YES"
                with pytest.raises(Unusable, match=f"^not answered: {reason}") as caught:
                    asker.ask("s/bad", bad, upper)
                assert caught.value.kind == UNANSWERED
                assert asker.ask("s/c", HELLO, upper) == "YES"
        assert sum(asked.text == "bad" for asked in server.asked) == 2 * 2  # once more each time
        server.script = lambda _: say("YES")
        with replies_log(tmp_path, "q", 0) as log:
            assert Asker(service, log).ask("s/bad", bad, upper) == "YES"
    assert sum(asked.text == "hello" for asked in server.asked) == 2


def test_a_server_that_answers_none_of_the_first_clips_ends_the_run_though_it_says_hello(tmp_path: Path) -> None:
    """Such as one without the memory for any clip."""
    with LLMServer(lambda asked: say("Hi") if asked.text == "Hello" else fails(500, "out of memory")) as server:
        service = Service("m", server.url, retries=0)
        with replies_log(tmp_path, "q", 0) as log:
            asker = Asker(service, log)
            for number in range(19):
                with pytest.raises(Unusable, match="out of memory"):
                    asker.ask(f"s/{number}", HELLO, upper)
            with pytest.raises(EndpointDown, match="first 20 requests were refused or not answered .*out of memory"):
                asker.ask("s/19", HELLO, upper)
        server.script = lambda asked: fails(500) if "bad" in asked.text else say("YES")
        with replies_log(tmp_path, "q", 0) as log:
            asker = Asker(service, log)
            asker.ask("s/0", HELLO, upper)
            for number in range(30):  # one was answered, so these are the clips'
                with pytest.raises(Unusable):
                    asker.ask(f"s/bad{number}", [{"role": "user", "content": "bad"}], upper)
        with replies_log(tmp_path, "q", 0) as log:  # nor does a run end in which these are all that is left
            asker = Asker(service, log)
            for number in range(30):
                with pytest.raises(Unusable):
                    asker.ask(f"s/bad{number}", [{"role": "user", "content": "bad"}], upper)


def test_a_reply_that_comes_too_late_stops_the_run(tmp_path: Path) -> None:
    with LLMServer(lambda _: say("YES", delay=1)) as server, pytest.raises(EndpointDown, match="no reply within 0.2 s"):
        ask(server, tmp_path, timeout=0.2)


def test_a_server_that_asks_to_wait_is_asked_again(tmp_path: Path) -> None:
    with LLMServer(lambda asked: say("YES") if asked.number else fails(429, Retry_After="0")) as server:
        assert ask(server, tmp_path, retries=1) == "YES"
    assert [*server.counts.values()] == [2]


def test_what_was_paid_is_summed_over_runs_tasks_and_models(tmp_path: Path) -> None:
    with LLMServer(lambda asked: say("YES")) as server:
        ask(server, tmp_path / "annotate")
        ask(server, tmp_path / "annotate", "s/b")
        ask(server, tmp_path / "visual", model="judge")
        ask(server, tmp_path / "visual", model="judge")
        server.script = lambda _: fails(400)
        with pytest.raises(Unusable):
            ask(server, tmp_path / "annotate", "s/c")
    with (tmp_path / "annotate" / "q-00000.replies.jsonl").open("a") as file:
        file.write('{"id": "s/d", "rep')  # killed as it was written
    assert usage(tmp_path) == {
        "m": {"requests": 2, "prompt_tokens": 2 * PROMPT_TOKENS, "completion_tokens": 2 * COMPLETION_TOKENS},
        "judge": {"requests": 1, "prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS},
    }
    assert usage(tmp_path / "nothing") == {}


def test_no_more_requests_than_allowed_are_under_way(tmp_path: Path) -> None:
    rows = [row(f"s/{number}") for number in range(24)]
    with LLMServer(lambda _: say(label(), delay=0.03)) as server:
        stage = Consistency(model="m", base_url=server.url, concurrency=3)
        assert [one["id"] for one in stage.run(rows, tmp_path, 0)] == [one["id"] for one in rows]
    assert 1 < server.most <= 3


_RUN = """
import json, os, sys
from pathlib import Path
from swift_saber.pipeline.stages.consistency import Consistency
url, folder, rows = sys.argv[1:]
stage = Consistency(model="m", base_url=url, concurrency=1)
print(os.getpid(), flush=True)
for one in stage.run(json.loads(rows), Path(folder), 0):
    pass
"""


def test_after_a_kill_only_the_request_under_way_is_sent_again(tmp_path: Path) -> None:
    rows = [row(f"s/{number}", video_desc=f"Room {number}.") for number in range(8)]

    def script(asked: Asked) -> Any:
        if len(server.asked) == 5:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        return say(label(("He smiles broadly.", "hostile")))

    with LLMServer(script) as server:
        arguments = [server.url, str(tmp_path / "killed"), json.dumps(rows)]
        process = subprocess.Popen([sys.executable, "-c", _RUN, *arguments], stdout=subprocess.DEVNULL)
        assert process.wait(timeout=60) == -signal.SIGKILL
        stage = Consistency(model="m", base_url=server.url)
        after = list(stage.run(rows, tmp_path / "killed", 0))
        # 8 clips, one request each, and the fifth twice.
        assert Counter(server.counts.values()) == {1: 7, 2: 1}
        assert after == list(stage.run(rows, tmp_path / "whole", 0))
        assert list(stage.run(rows, tmp_path / "killed", 0)) == after
    assert len(server.asked) == 9 + 8


def test_the_key_is_in_the_requests_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "sk-of-the-judge")
    with LLMServer(lambda asked: fails(400, f"no {asked.headers['authorization']}")) as server:
        stage = Consistency(model="m", base_url=server.url, key_env="JUDGE_KEY")
        assert b"sk-of" not in pickle.dumps(stage)
        (drop,) = stage.run([row()], tmp_path, 0)
        server.script = lambda asked: fails(401, f"no {asked.headers['authorization']}")
        with pytest.raises(EndpointDown) as caught:
            list(stage.run([row("s/b")], tmp_path, 0))
    assert all(one.headers["authorization"] == "Bearer sk-of-the-judge" for one in server.asked)
    kept = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "no Bearer ***" in kept and "no Bearer ***" in str(drop.value)  # type: ignore[union-attr]
    shown = "".join(capfd.readouterr())
    assert not any("sk-of" in text or KEY in text for text in (kept, str(drop), str(caught.value), shown))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"model": None}, "x.model: is not set"),
        ({"model": 7}, "x.model: is not a name"),
        ({"base_url": "localhost:8000"}, "x.base_url: is no http address"),
        ({"base_url": "http://me:hunter2@host/v1"}, "x.base_url: holds a user, a password or a query"),
        ({"base_url": "http://host/v1?key=hunter2"}, "x.base_url: holds a user, a password or a query"),
        ({"key_env": "sk-hunter2"}, "x.key_env: is not the name of a variable"),
        ({"concurrency": 0}, "x.concurrency: 0 is not an integer of at least 1"),
        ({"concurrency": True}, "x.concurrency: True is not an integer"),
        ({"retries": 1.5}, "x.retries: 1.5 is not an integer of at least 0"),
        ({"timeout": float("nan")}, "x.timeout: nan is not a number"),
        ({"requests_per_minute": 0}, "x.requests_per_minute: 0 is not a number"),
        ({"reply_form": "xml"}, "x.reply_form: 'xml' is not known"),
        ({"media": "path"}, "x.media: 'path' is not known"),
        ({"modle": "m"}, "x.modle: is not a setting; write model"),
        ({7: "m"}, "x.7: is not a setting"),
    ],
)
def test_a_wrong_setting_is_named_and_no_secret_is_shown(changed: dict[Any, Any], error: str) -> None:
    with pytest.raises(InputError) as caught:
        Service.read({"model": "m", "base_url": "http://127.0.0.1:9/v1"} | changed, "x")
    assert str(caught.value).startswith(f"recipe: {error}")
    assert "hunter2" not in str(caught.value)


def test_a_block_that_is_no_block_is_named() -> None:
    with pytest.raises(InputError, match="recipe: x: is a string, not settings"):
        Service.read("gpt", "x")


def test_a_stage_is_made_from_its_block_of_the_recipe() -> None:
    service = {"model": "m", "base_url": "http://127.0.0.1:9/v1", "key_env": "OTHER_KEY", "requests_per_minute": 60}
    for name, block in (
        ("annotate", service),
        ("visual", {"caption": service, "judge": service}),
        ("consistency", service),
    ):
        assert make_stage(name, block).name == name
        with pytest.raises(InputError, match=f"recipe: {name}.threads"):
            make_stage(name, block | {"threads": 2})


def test_two_runs_can_tell_whether_their_prompts_were_the_same() -> None:
    assert sorted(digests()) == [
        "annotate.en", "annotate.zh", "caption.en", "caption.zh", "consistency", "repair.en", "repair.zh", "visual",
    ]  # fmt: skip
    assert len(set(digests().values())) == 8


def test_the_ways_of_media() -> None:
    web = {"form": "url", "root": "/data", "base_url": "http://10.0.0.5/clips"}
    assert read_media("path", "m") == ({"form": "path"}, "auto")
    assert read_media(web, "m") == (web, "auto")
    for form in ("auto", "base64", "input_audio", "frames"):
        assert read_media(form, "m") == ({}, form)
    for wrong in (
        "url",
        "ftp",
        None,
        {"form": "url"},
        web | {"root": "data"},
        web | {"base_url": "x"},
        web | {"form": "path"},
    ):
        with pytest.raises(InputError, match="recipe: m"):
            read_media(wrong, "m")

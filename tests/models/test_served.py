"""models/served.py: what a model behind an address is asked, and what becomes of its replies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.media.place import Problem
from swift_saber.models.endpoint import EndpointDown
from swift_saber.models.process import AnswerError, ModelDied
from swift_saber.models.served import Served, Unanswered, served
from swift_saber.models.service import Service
from swift_saber.sed.layout import INSTRUCTIONS
from tests.llm_server import Asked, LLMServer, Reply, fails, say
from tests.media_faults import encode, frames

REPLIES: dict[str, Reply] = {
    "refuse": fails(400, "too long"),
    "odd": fails(200, "an error in the place of answers"),
    "blank": say("  "),
    "busy": fails(503, "busy", retry_after_ms="1"),
    "key": fails(401, "no such key"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[LLMServer]:
    """Answers "yes" but to texts that order something else."""

    def script(asked: Asked) -> Reply:
        return REPLIES.get(asked.text, say("yes"))

    with LLMServer(script) as found:
        yield found


@pytest.fixture
def one(server: LLMServer) -> Served:
    (found,) = served(Service(model="m", base_url=server.url, concurrency=1, max_tokens=5, retries=1))
    return found


def row(text: str, *videos: Path, **columns: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": text}]
    return {"id": "a", "language": None, "messages": turns, "videos": [*map(str, videos)], "audios": [], **columns}


def test_as_many_requests_may_be_under_way_as_there_are_handles(server: LLMServer) -> None:
    found = served(Service(model="m", base_url=server.url, concurrency=3))
    assert [(each.size, each.place) for each in found] == [(1, server.url)] * 3


def test_a_reply_is_a_result_row_with_the_question_as_it_was_asked(one: Served) -> None:
    asked = row("how?", language="en")
    (result,) = one.each([asked])
    turns = [*asked["messages"], {"role": "assistant", "content": "yes"}]
    assert result == {**asked, "response": "yes", "labels": None, "logprobs": None, "messages": turns}
    assert one.ask([asked]) == [result]


def test_a_blank_question_is_filled_as_the_plugin_fills_it(one: Served, server: LLMServer, tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", frames())
    for language in ("zh", "en"):
        (result,) = one.each([row("<video>", tmp_path / "a.mp4", language=language)])
        assert server.asked[-1].text == INSTRUCTIONS[language]
        assert result["messages"][0]["content"] == "<video>"  # the row stays as it was


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("refuse", Problem, "request: 400: too long"),
        ("odd", Problem, "an error in the place of answers"),
        ("blank", Problem, "the answer is empty"),
        ("busy", Unanswered, "503: busy"),
        ("<video>gone", Problem, "file: "),
        ("<img>a.png</img>", Problem, "messages: has a turn with a picture"),
    ],
)
def test_what_costs_its_own_row(one: Served, tmp_path: Path, text: str, kind: type[Problem], said: str) -> None:
    one.ask([row("how?")])  # so that the service answers others
    asked = row(text, *([tmp_path / "gone.mp4"] if "<video>" in text else []))
    (found,) = one.each([asked])
    assert type(found) is kind and said in found.reason
    with pytest.raises(AnswerError):
        one.ask([asked])


def test_a_wrong_key_is_the_fault_of_no_row(one: Served) -> None:
    with pytest.raises(EndpointDown, match="401: no such key"):
        list(one.each([row("key")]))


def test_nothing_more_is_asked_once_it_is_stopped(one: Served, server: LLMServer) -> None:
    one.stop()
    before = len(server.asked)
    with pytest.raises(ModelDied):
        list(one.each([row("how?")]))
    assert len(server.asked) == before

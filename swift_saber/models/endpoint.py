"""Asking a model behind an OpenAI-compatible address, such as that of `swift deploy` or vLLM.

Knows requests, how often they may be sent, replies, and which failure (answer.py) is what; knows nothing of what is
asked. The key goes nowhere but into the request.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urljoin

from swift_saber.errors import InputError, unreadable
from swift_saber.models.address import KEY_ENV, account_in, key_of, secrets_in, shown_address
from swift_saber.models.answer import (
    Answer,
    EndpointDown,
    EndpointFailed,
    EndpointForeign,
    EndpointOdd,
    EndpointRefused,
    Reply,
    Usage,
)
from swift_saber.models.form_choice import FormChoice, Media
from swift_saber.text.files import writable

_REASON_LIMIT = 300
_READ_LIMIT = 1 << 16
# More is no number of tokens.
_MOST_TOKENS = 10**12
# This one request is at fault: the next may be answered.
_REFUSALS = frozenset({400, 413, 422})
# `swift deploy` answers 400, not 401 and 404, to a wrong key and to a wrong model name.
_SWIFT_KEY, _SWIFT_MODEL = "API key error", "is not in the model_list"
# OpenRouter answers 404 where no provider takes a picture, a video or a sound.
_NO_MEDIUM = "No endpoints found that support"
_REMEDIES = {
    401: "set {key} to the key of this service",
    403: "set {key} to a key that may use this model",
    404: "check the address (it often ends in /v1) and the model's name",
    429: "ask with less concurrency, or look at the account's limits, and run again: what is there stays",
}
# They pass; the client asks again of itself.
_PASSING = frozenset({408, 409, 429})
_PROTOCOL = "check that the address is an OpenAI-compatible one (it often ends in /v1)"
_BROKEN_SERVER = "look at the server's log and run again: what is there stays"


class Pace:
    """At most so many requests a minute, spread evenly: a token bucket that holds one token. Threads share one.

    Nothing is saved up, so that no minute, wherever it begins, holds more than its share and one.

    Args:
        per_minute: requests a minute, more than 0.
    """

    def __init__(self, per_minute: float) -> None:
        self._gap, self._next = 60 / per_minute, time.monotonic()
        self._lock = Lock()

    def wait(self) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            time.sleep(turn - now)


class Endpoint:
    """A model behind an OpenAI-compatible address. Threads may share one.

    Whose fault it is when a request stays without an answer, though it was sent again: where another was answered
    meanwhile, this request's (EndpointFailed); else the service is asked something plain, once, and where that stays
    without an answer too, the run must stop (EndpointDown).

    Args:
        model: the name that the server knows the model by.
        base_url: the address that "/chat/completions" is added to, e.g. "http://127.0.0.1:8000/v1".
        timeout: seconds that a request and its whole reply may take, however the server spreads it.
        retries: how often a request is sent again when there is no reply, on 408, 409, 429 and on 5xx; the waits
            between are the openai client's (half a second, doubling up to 8 s, or up to 2 min where the server asks).
        key_env: the environment variable that holds the key. OPENAI_API_KEY may be unset, since servers of one's own
            need no key; another one may not.
        requests_per_minute: the most that is sent, what is sent again included; None for no limit.
        media: the form in which clips go along that are in a question themselves, as form_choice.FormChoice takes it.

    Raises:
        InputError: base_url is no http address, the key is not there, or holds what no header can; or there is no such
            form.
    """

    def __init__(
        self,
        model: str,
        base_url: str,
        *,
        timeout: float = 120.0,
        retries: int = 3,
        key_env: str = KEY_ENV,
        requests_per_minute: float | None = None,
        media: Media = "auto",
    ) -> None:
        import httpx
        import openai

        from swift_saber.models.transport import Transport

        self.model = model
        #: The address as it may be shown: without user, password and query.
        self.address = shown_address(base_url)
        self._retries, self._timeout, self._key_env = retries, timeout, key_env
        self._last_answer = object()  # another one with each answer
        self._form = FormChoice(self.address, media, self._probe)
        # Servers of one's own need no key, but the client insists on one.
        key = key_of(key_env)
        self._secrets = secrets_in(key, base_url)
        # Below the client's retries, so that the pace counts them too. Nothing is sent to where a redirect leads.
        turn = {} if requests_per_minute is None else {"turn": Pace(requests_per_minute).wait}
        user, password, bare = account_in(base_url)
        sender: Any = httpx.Client(
            transport=Transport(bare, timeout, **turn),
            auth=(user, password) if user or password else None,  # which httpx would log in an address
            follow_redirects=False,
        )
        self._client = openai.OpenAI(api_key=key or "EMPTY", base_url=bare, max_retries=retries, http_client=sender)

    def complete(self, messages: Sequence[dict[str, Any]], **options: Any) -> list[Answer]:
        """Return the answers alone; everything else as `reply`."""
        return self.reply(messages, **options).answers

    def reply(
        self,
        messages: Sequence[dict[str, Any]],
        *,
        temperature: float,
        max_tokens: int,
        n: int = 1,
        seed: int | None = None,
        response_format: dict[str, Any] | None = None,
    ) -> Reply:
        """Return the answers that have a text, with what they cost.

        Args:
            messages: the conversation in OpenAI's form.
            temperature: 0 for the likeliest answer.
            max_tokens: the longest answer.
            n: how many answers to ask for. Fewer may come back: servers leave out n, and answers may have no text.
            seed: for servers that can repeat an answer.
            response_format: e.g. {"type": "json_object"}.

        Raises:
            EndpointDown: a wrong key, model or address, something that does not speak the protocol, or nothing is
                answered: no connection, no reply in time, too many requests, a broken server.
            EndpointFailed: it is so for this request alone.
            EndpointRefused: this request is at fault (400, 413, 422).
            EndpointOdd: a reply came, and there is no answer in it: an error in its place, another protocol.
        """
        wanted: dict[str, Any] = {"model": self.model, "n": n, "temperature": temperature, "max_tokens": max_tokens}
        if seed is not None:
            wanted["seed"] = seed
        if response_format is not None:
            wanted["response_format"] = response_format
        hello = {"model": self.model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}

        def ask(sent: list[dict[str, Any]]) -> Reply:
            asked = {**wanted, "messages": sent}
            return self._asked(lambda client: client.chat.completions, asked, hello, self._answers)

        return self._form.ask(messages, ask)

    def stream(self, messages: Sequence[dict[str, Any]], *, temperature: float, max_tokens: int) -> Iterator[Answer]:
        """Yield one answer in the pieces in which the server writes it; in one piece where it does not stream.

        Args:
            messages, temperature, max_tokens: as reply.

        Raises:
            EndpointDown, EndpointFailed, EndpointRefused, EndpointOdd: as reply, also after some pieces.
        """
        wanted = {"model": self.model, "stream": True, "temperature": temperature, "max_tokens": max_tokens}

        def begun(sent: list[dict[str, Any]]) -> Iterator[Answer]:
            pieces = self._streamed({**wanted, "messages": sent})
            return chain([first] if (first := next(pieces, None)) else [], pieces)

        yield from self._form.ask(messages, begun)

    def _streamed(self, wanted: Mapping[str, Any]) -> Iterator[Answer]:
        from swift_saber.models.transport import EVENTS

        create = self._client.chat.completions.with_streaming_response.create
        with self._failures(), create(**wanted, extra_headers={"Accept": EVENTS}) as reply:
            response = reply.http_response
            if response.headers.get("content-type") == EVENTS:
                yield from self._pieces(response.iter_lines())
                return
            response.read()
            yield from self._answers(self._body(response))

    def transcribe(self, path: str, language: str | None = None) -> Reply:
        """Return what a recogniser hears in a sound file, as one answer; "" where it hears nothing.

        Args:
            path: the file, which goes along as it is.
            language: ISO-639-1, e.g. "zh"; None to let the recogniser find out.

        Raises:
            EndpointDown, EndpointFailed, EndpointRefused, EndpointOdd: as reply.
            InputError: the file cannot be read.
        """
        import numpy as np

        from swift_saber.media.sound import RATE, wav

        try:
            sound = Path(path).read_bytes()
        except OSError as error:
            raise unreadable(path, error) from error
        wanted: dict[str, Any] = {"model": self.model, "file": (os.path.basename(path), sound)}
        if language is not None:
            wanted["language"] = language
        silence = {"model": self.model, "file": ("silence.wav", wav(np.zeros(RATE // 2, np.int16)))}
        return self._asked(lambda client: client.audio.transcriptions, wanted, silence, self._heard)

    def _probe(self, messages: Sequence[dict[str, Any]]) -> None:
        """Ask once, for the shortest answer, and raise what fails."""
        wanted = {"model": self.model, "messages": messages, "max_tokens": 1}
        self._sent(self._client.with_options(max_retries=0).chat.completions, wanted, self._answers)

    def _asked(
        self,
        asked: Callable[[Any], Any],
        wanted: Mapping[str, Any],
        plain: Mapping[str, Any],
        read: Callable[[Any], list[Answer]],
    ) -> Reply:
        """What a request is answered with.

        Args:
            asked: the part of the client that takes it.
            wanted: the request.
            plain: one that any service of this kind has an answer to, be it a refusal.
            read: returns the answers in a reply's JSON.
        """
        before = self._last_answer
        try:
            return self._sent(asked(self._client), wanted, read)
        except (EndpointFailed, EndpointForeign) as error:
            if self._last_answer is before:
                try:
                    self._sent(asked(self._client.with_options(max_retries=0)), plain, read)
                except EndpointRefused:
                    pass
                except (EndpointFailed, EndpointForeign):
                    raise EndpointDown(*error.args) from error
            if isinstance(error, EndpointForeign):
                remedy = "look at the server's log, and change or leave out this request"
                raise EndpointOdd(error.where, "request", error.problem, remedy) from error
            raise

    def _sent(self, asked: Any, wanted: Mapping[str, Any], read: Callable[[Any], list[Answer]]) -> Reply:
        with self._failures():
            # As bytes and not as the client's classes, which take any JSON for a completion.
            response = asked.with_raw_response.create(**wanted).http_response
        body = self._body(response)
        reply = Reply(read(body), _usage(body))
        self._last_answer = object()
        return reply

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """What fails of a request, as what it means for a run."""
        import httpx
        import openai

        from swift_saber.models.transport import LOCATION

        try:
            yield
        except openai.APITimeoutError as error:
            problem = f"no reply within {self._timeout:g} s, asked {self._retries + 1} times"
            raise EndpointFailed(self.address, "endpoint", problem, _BROKEN_SERVER) from error
        except openai.APIConnectionError as error:
            problem = f"cannot be reached ({self._said(str(error.__cause__ or error))})"
            remedy = "start the server, or correct the address, and run again"
            raise EndpointFailed(self.address, "endpoint", problem, remedy) from error
        except httpx.TransportError as error:  # while a reply comes in pieces: it is not asked for again
            problem = f"the reply broke off ({self._said(str(error))})"
            raise EndpointFailed(self.address, "endpoint", problem, _BROKEN_SERVER) from error
        except openai.APIStatusError as error:
            body = error.body if isinstance(error.body, dict) else {"message": error.response.text}
            where = error.response.extensions[LOCATION]
            failure = self._failure(error.status_code, self._said(_message(body)), where)
            if isinstance(failure, EndpointRefused):
                self._last_answer = object()
            raise failure from error

    def _body(self, response: Any) -> Any:
        """The JSON of a reply that was read."""
        from swift_saber.models.transport import PROBLEM

        if problem := response.extensions[PROBLEM]:
            raise self._foreign(self._said(problem[0]), *problem[1:])
        return self._json(response.content)

    def _json(self, content: bytes | str) -> Any:
        try:
            body = json.loads(content)
        except ValueError as error:
            raise self._foreign("is not JSON") from error
        except RecursionError as error:
            raise self._foreign("is JSON nested too deeply") from error
        if isinstance(body, dict) and body.get("error") and not (body.get("choices") or body.get("text")):
            # Gateways pass an upstream error on with status 200.
            self._last_answer = object()
            raise EndpointOdd(self.address, "request", self._said(_message(body)), "change or leave out this request")
        return body

    def _pieces(self, lines: Iterator[str]) -> Iterator[Answer]:
        """The pieces of an answer in the events of a reply, which end with "[DONE]" or with the finish_reason."""
        whole = False
        for line in lines:
            if not line.startswith("data:"):  # comments, which keep a connection open, and names of events
                continue
            if (data := line.removeprefix("data:").strip()) == "[DONE]":
                return
            body = self._json(data)
            choices = body.get("choices") if isinstance(body, dict) else None
            for choice in choices if isinstance(choices, list) else []:  # none beside the usage
                delta = choice.get("delta") if isinstance(choice, dict) else None
                if not isinstance(delta, dict):
                    raise self._foreign("has a choice without a delta")
                text, finish = delta.get("content"), choice.get("finish_reason")
                whole = whole or finish is not None
                if (isinstance(text, str) and text) or finish == "length":
                    yield Answer(self._text(text or ""), finish == "length")
        if not whole:
            raise EndpointFailed(self.address, "endpoint", "the reply broke off", _BROKEN_SERVER)

    def _answers(self, body: Any) -> list[Answer]:
        """The answers in a completion."""
        choices = body.get("choices") if isinstance(body, dict) else None
        if not isinstance(choices, list):
            raise self._foreign("has no choices")
        answers = []
        for choice in choices:
            message = choice.get("message") if isinstance(choice, dict) else None
            if not isinstance(message, dict):
                raise self._foreign("has a choice without a message")
            text = message.get("content")
            if isinstance(text, str) and text.strip():
                answers.append(Answer(self._text(text), choice.get("finish_reason") == "length"))
        return answers

    def _heard(self, body: Any) -> list[Answer]:
        """What a transcription says, "" included."""
        text = body.get("text") if isinstance(body, dict) else None
        if not isinstance(text, str):
            raise self._foreign("has no text")
        return [Answer(self._text(text).strip())]

    def _failure(self, status: int, reason: str, location: str) -> InputError:
        if status == 400 and _SWIFT_KEY in reason:
            status = 401
        elif status == 400 and _SWIFT_MODEL in reason:
            status = 404
        if status in _REFUSALS or _NO_MEDIUM in reason:
            return EndpointRefused(self.address, "request", f"{status}: {reason}", "change or leave out this request")
        if 300 <= status < 400:
            return EndpointDown(self.address, "endpoint", *self._redirect(status, location))
        remedy = _REMEDIES.get(status) or (_BROKEN_SERVER if status >= 500 else "check the address")
        remedy = remedy.format(key=self._key_env)
        failure = EndpointFailed if status in _PASSING or status >= 500 else EndpointDown
        return failure(self.address, "endpoint", f"{status}: {reason}", remedy)

    def _redirect(self, status: int, location: str) -> tuple[str, str]:
        """What is wrong and what to do where a server sends us elsewhere: what we ask is not for others."""
        try:
            where = self._said(shown_address(urljoin(self.address, location))) if location else ""
        except ValueError:  # InputError is one
            where = ""
        if not where:
            return f"{status}: leads elsewhere, and does not say where", "check the address"
        new = where.removesuffix("/chat/completions").removesuffix("/audio/transcriptions")
        return f"{status}: leads to {where}", f"set base_url to {new} if what is asked may go there"

    def _foreign(self, problem: str, remedy: str = _PROTOCOL) -> "EndpointForeign":
        return EndpointForeign(self.address, "endpoint", f"the reply {problem}", remedy)

    def _text(self, text: str) -> str:
        """A text of others such that files can hold it and that there is no secret of ours in it."""
        # A lone surrogate, which JSON can spell, could not be written to any file.
        text = writable(text)
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _said(self, text: str) -> str:
        """A message of others on one line, shortened; some services quote the key that they refuse."""
        text = " ".join(self._text(text[:_READ_LIMIT]).split())
        return text if len(text) <= _REASON_LIMIT else text[: _REASON_LIMIT - 3] + "..."


def _usage(body: dict[str, Any]) -> Usage:
    """What a reply says that it cost."""
    said = body.get("usage")
    said = said if isinstance(said, dict) else {}
    # Transcriptions call them input and output.
    prompt = said.get("prompt_tokens", said.get("input_tokens"))
    completion = said.get("completion_tokens", said.get("output_tokens"))
    return Usage(1, *(n if type(n) is int and 0 < n < _MOST_TOKENS else 0 for n in (prompt, completion)))


def _message(body: dict[str, Any]) -> str:
    """The message in the JSON of an error, of any of the usual shapes."""
    inner = body.get("error")
    found = inner.get("message") if isinstance(inner, dict) else inner
    try:
        return str(found or body.get("message") or body.get("detail") or body)
    except RecursionError:
        return "an error that is nested too deeply"

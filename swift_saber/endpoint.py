"""Asking a model behind an OpenAI-compatible address: `swift deploy`, vLLM, or a hosted service.

Knows requests, replies and what their failures mean for a run; knows nothing of what is asked. The key comes from the
environment variable OPENAI_API_KEY and goes nowhere but into the request.
"""

import base64
import mimetypes
import os
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from swift_saber.errors import InputError, unreadable
from swift_saber.rows import media_path

_REASON_LIMIT = 300
# This one request is at fault: the next may be answered.
_REFUSALS = frozenset({400, 413, 422})
# `swift deploy` answers 400, not 401 and 404, to a wrong key and to a wrong model name.
_SWIFT_KEY, _SWIFT_MODEL = "API key error", "is not in the model_list"
_CHECK_KEY = "set OPENAI_API_KEY to the key of this service"
_REMEDIES = {
    401: _CHECK_KEY,
    403: "set OPENAI_API_KEY to a key that may use this model",
    404: "check the address (it often ends in /v1) and the model's name",
    429: "ask with less concurrency, or look at the account's limits, and run again: what is there stays",
}
_BROKEN_SERVER = "look at the server's log and run again: what is there stays"


class Answer(NamedTuple):
    """What a model wrote, and whether it was cut at the longest answer (the protocol's finish_reason "length")."""

    text: str
    cut: bool = False


class EndpointDown(InputError):
    """No request can be answered as things are, so the run must stop."""


class EndpointRefused(InputError):
    """This request was refused; others may be answered."""


class Endpoint:
    """A model behind an OpenAI-compatible address. Threads may share one.

    Args:
        model: the name that the server knows the model by.
        base_url: the address that "/chat/completions" is added to, e.g. "http://127.0.0.1:8000/v1".
        timeout: seconds to wait for one reply.
        retries: how often a request is sent again when there is no reply, on 408, 409, 429 and on 5xx; the waits
            between are the openai client's (half a second, doubling up to 8 s, or what the server asks for).

    Raises:
        InputError: base_url is no http address, or the key holds what no header can.
    """

    def __init__(self, model: str, base_url: str, *, timeout: float = 120.0, retries: int = 3) -> None:
        import openai

        self.model = model
        #: The address as it may be shown: without user, password and query.
        self.address = _shown(base_url)
        self._retries = retries
        # Servers of one's own need no key, but the client insists on one.
        self._client = openai.OpenAI(api_key=_key() or "EMPTY", base_url=base_url, timeout=timeout, max_retries=retries)

    def complete(
        self,
        messages: Sequence[dict[str, Any]],
        *,
        temperature: float,
        max_tokens: int,
        n: int = 1,
        seed: int | None = None,
        response_format: dict[str, Any] | None = None,
    ) -> list[Answer]:
        """Return the answers that have a text.

        Args:
            messages: the conversation in OpenAI's form.
            temperature: 0 for the likeliest answer.
            max_tokens: the longest answer.
            n: how many answers to ask for. Fewer may come back: servers leave out n, and answers may have no text.
            seed: for servers that can repeat an answer.
            response_format: e.g. {"type": "json_object"}.

        Raises:
            EndpointDown: no connection, no reply in time, a wrong key, model or address, too many requests, a
                broken server, or something that does not speak the protocol.
            EndpointRefused: this request is at fault (400, 413, 422), or the reply holds an error in place of answers.
        """
        import openai

        wanted: dict[str, Any] = {"model": self.model, "messages": list(messages), "n": n}
        wanted |= {"temperature": temperature, "max_tokens": max_tokens}
        if seed is not None:
            wanted["seed"] = seed
        if response_format is not None:
            wanted["response_format"] = response_format
        try:
            reply = self._client.chat.completions.with_raw_response.create(**wanted)
            # As bytes and not as the client's classes, which take any JSON for a completion.
            body = reply.http_response.json()
        except openai.APITimeoutError as error:
            seconds = f"{self._client.timeout:g} s"
            problem = f"no reply within {seconds}, asked {self._retries + 1} times"
            raise EndpointDown(self.address, "endpoint", problem, _BROKEN_SERVER) from error
        except openai.APIConnectionError as error:
            problem = f"cannot be reached ({_said(str(error.__cause__ or error))})"
            raise EndpointDown(
                self.address, "endpoint", problem, "start the server, or correct the address, and run again"
            ) from error
        except openai.APIStatusError as error:
            raise self._failure(error.status_code, _reason(error)) from error
        except ValueError as error:
            raise self._foreign("is not JSON") from error
        return self._answers(body)

    def _answers(self, body: Any) -> list[Answer]:
        """The answers in a reply's JSON."""
        choices = body.get("choices") if isinstance(body, dict) else None
        if isinstance(body, dict) and body.get("error") and not choices:
            # Gateways pass an upstream error on with status 200.
            raise EndpointRefused(self.address, "request", _said(_message(body)), "change or leave out this request")
        if not isinstance(choices, list):
            raise self._foreign("has no choices")
        answers = []
        for choice in choices:
            message = choice.get("message") if isinstance(choice, dict) else None
            if not isinstance(message, dict):
                raise self._foreign("has a choice without a message")
            text = message.get("content")
            if isinstance(text, str) and text.strip():
                # A lone surrogate, which JSON can spell, could not be written to any file.
                text = text.encode("utf-8", "replace").decode()
                answers.append(Answer(text, choice.get("finish_reason") == "length"))
        return answers

    def _failure(self, status: int, reason: str) -> InputError:
        if status == 400 and _SWIFT_KEY in reason:
            status = 401
        elif status == 400 and _SWIFT_MODEL in reason:
            status = 404
        if status in _REFUSALS:
            return EndpointRefused(self.address, "request", f"{status}: {reason}", "change or leave out this request")
        remedy = _REMEDIES.get(status) or (_BROKEN_SERVER if status >= 500 else "check the address")
        return EndpointDown(self.address, "endpoint", f"{status}: {reason}", remedy)

    def _foreign(self, problem: str) -> EndpointDown:
        remedy = "check that the address is an OpenAI-compatible one (it often ends in /v1)"
        return EndpointDown(self.address, "endpoint", f"the reply {problem}", remedy)


def clip_parts(videos: Sequence[str], audios: Sequence[str]) -> list[dict[str, Any]]:
    """Return a clip's files as parts of a user turn, which go along as data URLs: the server needs no access to them.

    `swift deploy` and vLLM both read {"type": "video_url"} and {"type": "audio_url"}; OpenAI's own "input_audio" is
    read by vLLM alone.

    Args:
        videos: paths as written in a row, videos first as ms-swift puts them.
        audios: likewise.

    Raises:
        InputError: a file cannot be read.
    """
    return [
        {"type": f"{medium}_url", f"{medium}_url": {"url": _data_url(path, medium)}}
        for medium, paths in (("video", videos), ("audio", audios))
        for path in paths
    ]


def _data_url(path: str, medium: str) -> str:
    found = media_path(path)
    try:
        with open(found, "rb") as file:
            data = base64.b64encode(file.read()).decode("ascii")
    except OSError as error:
        raise unreadable(found, error) from error
    kind = mimetypes.guess_type(found)[0] or ""
    if not kind.startswith(f"{medium}/"):  # e.g. the sound of an mp4
        kind = {"video": "video/mp4", "audio": "audio/wav"}[medium]
    return f"data:{kind.replace('x-wav', 'wav')};base64,{data}"


def _shown(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in {"http", "https"} or not host:
        # The text itself is not repeated: it may hold a password.
        remedy = "write it as http://127.0.0.1:8000/v1"
        raise InputError("endpoint", "base_url", "is no http address", remedy)
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}{parts.path}"


def _reason(error: Any) -> str:
    """What the server says of an error status, on one line."""
    body = error.body
    if not isinstance(body, dict):
        body = {"message": error.response.text}
    return _said(_message(body))


def _key() -> str:
    """The key, without the line end that it has when it comes from a file."""
    key = os.environ.get("OPENAI_API_KEY", "").strip()
    if not (key.isascii() and key.isprintable()):
        problem = "holds a character that a key cannot have"
        raise InputError("environment", "OPENAI_API_KEY", problem, "set it to the key of this service")
    return key


def _message(body: dict[str, Any]) -> str:
    """The message in the JSON of an error, of any of the usual shapes."""
    inner = body.get("error")
    found = inner.get("message") if isinstance(inner, dict) else inner
    return str(found or body.get("message") or body.get("detail") or body)


def _said(text: str) -> str:
    """A message of others on one line, shortened; some services quote the key that they refuse."""
    key = _key()
    text = " ".join((text.replace(key, "***") if key else text).split())
    return text if len(text) <= _REASON_LIMIT else text[: _REASON_LIMIT - 3] + "..."

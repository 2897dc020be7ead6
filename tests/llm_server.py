"""A scripted OpenAI-compatible server on 127.0.0.1: real HTTP, right and wrong replies, every request counted.

with LLMServer(lambda asked: say(record("en"))) as server:
    ...  # base_url: server.url
assert set(server.counts.values()) == {1}
"""

import email
import email.policy
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: What the scripted replies say that they cost.
PROMPT_TOKENS, COMPLETION_TOKENS = 100, 20


@dataclass(frozen=True)
class Asked:
    """One request.

    Attributes:
        key: equal for equal requests: a digest of the path, the model and what was asked.
        number: how many of this key came before.
        body: the JSON of a completion; "model", "language" and "file" (bytes) of a transcription.
        headers: names in lower case.
        filename: of a transcription's file.
    """

    path: str
    key: str
    number: int
    body: dict[str, Any]
    headers: dict[str, str]
    filename: str = ""

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The parts of all turns, a turn that is a text being one part."""
        contents = [turn["content"] for turn in self.body["messages"]]
        return [
            part
            for content in contents
            for part in ([{"type": "text", "text": content}] if isinstance(content, str) else content)
        ]

    @property
    def text(self) -> str:
        """All that was written, of all turns."""
        return "\n".join(part["text"] for part in self.parts if part["type"] == "text")

    @property
    def media(self) -> list[tuple[str, str]]:
        """(type, URL) of each file that went along."""
        return [(part["type"], part[part["type"]]["url"]) for part in self.parts if part["type"] != "text"]


@dataclass(frozen=True)
class Reply:
    """What the server sends, and after how many seconds; of its bytes only the first `length`, where that is set."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    length: int | None = None


def sends(status: int, value: Any, **more: Any) -> Reply:
    """Any JSON."""
    return Reply(status, json.dumps(value).encode(), **more)


def say(text: str | None, *, finish: str = "stop", delay: float = 0.0, length: int | None = None) -> Reply:
    """A completion with this text; right, late (delay), cut by the model (finish "length") or by the line (length)."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": COMPLETION_TOKENS}
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}
    return sends(200, body, delay=delay, length=length)


def heard(text: str, delay: float = 0.0) -> Reply:
    """A transcription."""
    return sends(200, {"text": text}, delay=delay)


def html() -> Reply:
    """The page of something that is no such server."""
    return Reply(200, b"<!doctype html><title>Welcome</title>", "text/html")


def ends_mid_stream() -> Reply:
    """A completion whose connection ends after 40 bytes."""
    return say("x" * 200, length=40)


def fails(status: int, message: str = "no", **headers: str) -> Reply:
    """An error status: 400, 401, 429 (with Retry_After="0"), 500, ..."""
    return sends(
        status,
        {"error": {"message": message}},
        headers={key.replace("_", "-"): value for key, value in headers.items()},
    )


FIELDS = {
    "en": {
        "video_desc": "A man stands in a bright kitchen.",
        "acoustic_feat": "A hostile, low voice that grows louder.",
        "speech_content": "Oh, great <laughs> again.",
        "facial_exp_desc": "He smiles broadly.",
        "body_lang_desc": "He folds his arms.",
        "sentiment_analysis": "The smile belies the voice: he is being sarcastic.",
    },
    "zh": {
        "video_desc": "一名男子站在明亮的厨房里。",
        "acoustic_feat": "声音低沉，带有敌意，越来越响。",
        "speech_content": "哦，真好<laughs>又来了。",
        "facial_exp_desc": "他笑得很开。",
        "body_lang_desc": "他双臂交叉。",
        "sentiment_analysis": "笑容与声音矛盾：他在讽刺。",
    },
}


def record(language: str = "en", **changed: str) -> str:
    """A right annotation, with some of its fields changed."""
    fields = FIELDS[language] | changed
    audio = {key: fields.pop(key) for key in ("acoustic_feat", "speech_content")}
    return json.dumps({"audio_desc": audio, **fields}, ensure_ascii=False)


def row(name: str = "s/a", language: str = "en", **more: Any) -> dict[str, Any]:
    """A clip that has been annotated as `record` says."""
    clip = {"id": name, "source": "s", "language": language, "videos": [f"/clips/{name}.mp4"], "audios": []}
    return clip | json.loads(record(language)) | more


def verdicts(**contradicted: str) -> str:
    """Verdicts on the visual fields: "supported", but for those whose contradicted words are given."""
    names = ("video_desc", "facial_exp_desc", "body_lang_desc")
    return json.dumps(
        {
            name: {"words": [contradicted[name]], "verdict": "contradicted"}
            if name in contradicted
            else {"words": [], "verdict": "supported"}
            for name in names
        }
    )


def label(*cues: tuple[str, str]) -> str:
    """A consistency label: "inconsistent" where there are cues, pairs of visual and acoustic words."""
    found = [{"visual": seen, "acoustic": heard_} for seen, heard_ in cues]
    return json.dumps({"cues": found, "consistency": "inconsistent" if cues else "consistent"}, ensure_ascii=False)


class LLMServer:
    """Serves /v1/chat/completions and /v1/audio/transcriptions by a script; a context manager.

    Args:
        script: the reply to a request; called from many threads. Called with no lock held.

    Attributes:
        url: the base_url.
        asked: the requests in the order in which they came.
        counts: how many requests came of each key.
        most: the most requests that were under way at a time.
    """

    def __init__(self, script: Callable[[Asked], Reply]) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.counts: Counter[str] = Counter()
        self.most = 0
        self._under_way, self._over = 0, False
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                if outer._over:  # a connection that was kept alive
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = outer._take(self.path, headers, data)
                try:
                    reply = outer.script(asked)
                    time.sleep(reply.delay)
                finally:
                    with outer._lock:
                        outer._under_way -= 1
                try:
                    self.send_response(reply.status)
                    for name, value in {"Content-Type": reply.kind, **reply.headers}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(reply.body)))
                    self.end_headers()
                    self.wfile.write(reply.body[: reply.length])
                    self.close_connection = self.close_connection or reply.length is not None
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # a client that did not wait, or was killed

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that was killed; errors of a script show as a connection that ends

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def _take(self, path: str, headers: dict[str, str], data: bytes) -> Asked:
        form = path.endswith("/transcriptions")
        body, filename = _form(headers["content-type"], data) if form else (json.loads(data), "")
        what = json.dumps(body, sort_keys=True, default=lambda sound: hashlib.sha256(sound).hexdigest())
        key = hashlib.sha256(f"{path}\n{what}".encode()).hexdigest()[:16]
        with self._lock:
            asked = Asked(path, key, self.counts[key], body, headers, filename)
            self.counts[key] += 1
            self.asked.append(asked)
            self._under_way += 1
            self.most = max(self.most, self._under_way)
        return asked

    def __enter__(self) -> "LLMServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._server.shutdown()
        self._server.server_close()


def _form(kind: str, data: bytes) -> tuple[dict[str, Any], str]:
    """The fields of a multipart form, that of the file as bytes, and the file's name."""
    message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + data, policy=email.policy.HTTP)
    found: dict[str, Any] = {}
    filename = ""
    for part in message.iter_parts():
        payload = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        found[name] = payload if part.get_filename() else payload.decode()
        filename = part.get_filename() or filename
    return found, filename

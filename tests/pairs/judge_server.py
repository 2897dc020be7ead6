"""A judge on 127.0.0.1 for the tests: a real HTTP server with replies that are set beforehand."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def reply(consistency: int, alignment: int) -> str:
    rating = {"reason": "So.", "logical_consistency": consistency, "evidence_alignment": alignment}
    return json.dumps(rating)


def write_records(folder: Path, names: Sequence[str] = ("a", "b", "c", "d")) -> Path:
    """The clips' records, each with a voice of its own."""
    path = folder / "records.jsonl"
    rows = [
        {
            "id": name,
            "language": "en",
            "videos": [f"{name}.mp4"],
            "audios": [f"{name}.wav"],
            "audio_desc": {"speech_content": "Hm.", "acoustic_feat": f"A low voice of {name}."},
            "video_desc": "A room.",
            "facial_exp_desc": f"A smile of {name}.",
            "body_lang_desc": "Still.",
            "sentiment_analysis": "Glad.",
        }
        for name in names
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


class JudgeServer:
    """Replies in turn from a list, or by a function of the request; an integer is an error status.

    Attributes:
        requests: the requests received, in their order.
        delay: seconds before each reply.
    """

    def __init__(self, replies: Sequence[str | int] | Callable[[dict[str, Any]], str | int]) -> None:
        self.requests: list[dict[str, Any]] = []
        self.delay = 0.0
        self._replies = replies
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                said = outer._next(request)
                time.sleep(outer.delay)
                status, body = (200, _completion(said)) if isinstance(said, str) else (said, {"error": "no"})
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # a client that did not wait

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}/v1"

    def _next(self, request: dict[str, Any]) -> str | int:
        with self._lock:
            self.requests.append(request)
            place = len(self.requests) - 1
        return self._replies(request) if callable(self._replies) else self._replies[place]

    def __enter__(self) -> "JudgeServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _completion(text: str) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "j", "choices": [choice]}

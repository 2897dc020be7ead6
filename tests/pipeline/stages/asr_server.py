"""A real server of /v1/audio/transcriptions with scripted answers, and a real voice."""

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

RATE = 16_000

needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None,
    reason="espeak-ng is not installed (apt-get install espeak-ng): no speech to hear",
)


@dataclass(frozen=True)
class Upload:
    """One request: its path and the parts of its form."""

    path: str
    filename: str
    sound: bytes
    fields: dict[str, str]


@dataclass
class Served:
    """A running server: its address and what was sent to it."""

    url: str
    asked: list[Upload] = field(default_factory=list)

    @property
    def files(self) -> list[str]:
        return sorted(upload.filename for upload in self.asked)


@contextmanager
def hearing(answer: Callable[[str], str | tuple[int, Any]]) -> Iterator[Served]:
    """Serve answer(file name) -> the text that is heard, or a status and a body."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            upload = _upload(self.path, self.headers["Content-Type"], body)
            with lock:
                served.asked.append(upload)
            found = answer(upload.filename)
            status, reply = (200, {"text": found}) if isinstance(found, str) else found
            data = json.dumps(reply).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
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


def _upload(path: str, form: str, body: bytes) -> Upload:
    message = BytesParser().parsebytes(b"Content-Type: " + form.encode() + b"\r\n\r\n" + body)
    filename, sound, fields = "", b"", {}
    for part in message.get_payload():
        content = part.get_payload(decode=True)
        if part.get_filename():
            filename, sound = part.get_filename(), content
        else:
            fields[str(part.get_param("name", header="content-disposition"))] = content.decode()
    return Upload(path, filename, sound, fields)


def say(text: str, path: Path, voice: str = "en-us+f2", speed: int = 140, pause: float = 0.3) -> str:
    """Speak a text into a wav of 16 kHz mono, with a pause of faint noise on both sides, and return its path.

    The voice and speed are those of six tried that pocketsphinx hears best.
    """
    spoken = path.with_suffix(".espeak.wav")
    subprocess.run(["espeak-ng", "-v", voice, "-s", str(speed), "-w", spoken, text], check=True)
    samples, rate = soundfile.read(spoken)
    quiet = np.zeros(int(pause * RATE))
    sound = np.concatenate([quiet, resample_poly(samples, RATE, rate), quiet])
    noise = np.random.default_rng(0).normal(0, 1e-3, len(sound))
    soundfile.write(path, np.clip(sound + noise, -1, 1), RATE, subtype="PCM_16")
    return str(path)

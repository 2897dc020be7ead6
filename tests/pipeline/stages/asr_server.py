"""A real server of /v1/audio/transcriptions with scripted answers, and a real voice."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from tests.llm_server import Asked, LLMServer, Reply, heard, sends

RATE = 16_000

needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None,
    reason="espeak-ng is not installed (apt-get install espeak-ng): no speech to hear",
)


@contextmanager
def hearing(answer: Callable[[str], str | tuple[int, Any]]) -> Iterator[LLMServer]:
    """Serve answer(file name) -> the text that is heard, or a status and a body."""

    def script(asked: Asked) -> Reply:
        found = answer(asked.filename)
        if isinstance(found, str):
            return heard(found)
        return sends(*found, headers={"retry-after-ms": "1"})  # where the client asks again, not in a second

    with LLMServer(script) as server:
        yield server


def files(server: LLMServer) -> list[str]:
    """The names of the files that were sent."""
    return sorted(asked.filename for asked in server.asked)


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

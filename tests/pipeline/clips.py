"""Clips with one quality each, for the tests of cleaning: small ones that a threshold for tests tells apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from swift_saber.pipeline.stages.clean import Clean
from tests.media_faults import RATE, encode

#: The clips of these tests are 96 x 96 pixels at 8 pictures a second, so that making them takes no time.
LIMITS: dict[str, Any] = {"min_side": 96, "min_fps": 8.0}


def clean(**settings: Any) -> Clean:
    """Return the stage with thresholds for the clips of this file."""
    return Clean(**(LIMITS | settings))


def scene(seed: int, count: int = 16) -> np.ndarray:
    """Return pictures of shape (count, 96, 96, 3): a background of squares that stays, and one square that wanders."""
    rng = np.random.default_rng(seed)
    background = np.kron(rng.integers(40, 220, (8, 8, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    pictures = np.repeat(background[None], count, axis=0)
    for number, picture in enumerate(pictures):
        at = number * 5 % 80
        picture[40:56, at : at + 16] = 255 - picture[40:56, at : at + 16]
    return pictures


def speech(seed: int, seconds: float = 2.0, level: float = 0.1) -> np.ndarray:
    """Return sound that changes as speech does: a new chord of three tones every 80 ms; float64 within -1..1."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    pieces = int(seconds / 0.08) + 1
    tones = rng.uniform(200, 3400, (pieces, 3))
    strength = rng.uniform(0.1, 1.0, (pieces, 3))
    now = (time / 0.08).astype(int)
    mixed = sum(strength[now, n] * np.sin(2 * np.pi * tones[now, n] * time) for n in range(3))
    return np.asarray(level * mixed / 3)


def row(name: str, video: Path, audio: Path | None = None) -> dict[str, Any]:
    """Return a row of the manifest."""
    return {"id": name, "source": "test", "videos": [str(video)], "audios": [str(audio)] if audio else []}


def soft(pictures: np.ndarray) -> np.ndarray:
    """Return the pictures without any edge: each is a slope of grey that moves."""
    slope = np.linspace(60, 190, pictures.shape[2])[None, None, :, None]
    shift = np.arange(len(pictures))[:, None, None, None] * 4
    return np.broadcast_to((slope + shift).clip(0, 255), pictures.shape).astype(np.uint8)


#: What each clip is dropped for; None where it stays.
FILMS: dict[str, tuple[str | None, Callable[[Path], Any]]] = {
    "good": (None, lambda path: encode(path, scene(1), speech(1))),
    "mute": ("mute", lambda path: encode(path, scene(2), speech(2, level=1e-5))),
    "nearly all silence": ("mute", lambda path: encode(path, scene(3), _click())),
    "picture alone": ("no sound", lambda path: encode(path, scene(4))),
    "too short": ("too short", lambda path: encode(path, scene(5, 4), speech(5, 0.5))),
    "too long": ("too long", lambda path: encode(path, scene(6, 248), speech(6, 31))),
    "small": ("low resolution", lambda path: encode(path, scene(7)[:, :94], speech(7))),
    "slow": ("low frame rate", lambda path: encode(path, scene(8, 8), speech(8), times=list(range(0, 16, 2)))),
    "black": ("black", lambda path: encode(path, scene(9) // 32, speech(9))),
    "frozen": ("frozen", lambda path: encode(path, np.repeat(scene(10, 1), 16, axis=0), speech(10))),
    "blurred": ("blurred", lambda path: encode(path, soft(scene(11)), speech(11))),
    "text": ("undecodable", lambda path: path.write_text("This clip was removed.\n")),
}


def _click() -> np.ndarray:
    """Two seconds of silence with a loud 20 ms in the middle."""
    samples = np.zeros(2 * RATE)
    samples[RATE : RATE + 320] = speech(0, level=1.0)[:320]
    return samples

"""Synthesizes the demo's voices and writes them as wav.

A clip is one second of a hum without words: mono, 16 kHz, 16 bit. A warm voice glides up and is smooth; a hostile one
stays flat and is rough (its loudness flutters); a plain one falls a little and is smooth; a trembling one, of which the
demo has none, goes up and down in pitch. Pitch is independent of tone.
Knows nothing about faces, texts or files other than the wav it writes.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

SAMPLE_RATE = 16_000  # Hz, what Whisper's feature extractor expects
SAMPLES = SAMPLE_RATE  # one second

PITCHES = {"low": 110.0, "high": 220.0}  # Hz, middle of the range
TONES = ("warm", "plain", "hostile", "trembling")

HARMONICS = 12
# A warm voice ends this share above its first pitch, a plain one below it; the others stay.
GLIDES = {"warm": 0.35, "plain": -0.25, "hostile": 0.0, "trembling": 0.0}
ROUGHNESS = 0.85  # depth of a hostile voice's flutter, 0..1
# How far a trembling voice's pitch goes up and down, as a share of it. A slow tremor of loudness was hardly learned.
SHAKE = 0.15
# Standard deviation of the noise, where the voice itself has 1. At 0.4 and above a short run did not always learn the
# voice.
NOISE = 0.3
SILENCE_NOISE = 0.002  # full scale is 1: a recording of silence is never all zeros
LOUDNESS = 0.1  # root mean square of a voiced clip, full scale 1


def synthesize(pitch: str, tone: str | None, rng: np.random.Generator, strength: float = 1.0) -> np.ndarray:
    """Make one clip's sound.

    Args:
        pitch: a key of PITCHES; has no effect on silence.
        tone: one of TONES, or None for a silent clip.
        rng: source of pitch, phase and flutter jitter and of the noise.
        strength: how much of its tone the voice shows, 0..1: the share of its full glide, flutter or shake.

    Returns:
        float64 array of shape (SAMPLES,), within -1..1.
    """
    if tone is None:
        return rng.normal(0, SILENCE_NOISE, size=SAMPLES)
    seconds = np.arange(SAMPLES) / SAMPLE_RATE
    start = PITCHES[pitch] * rng.uniform(0.92, 1.08)
    course = 1 + strength * GLIDES[tone] * rng.uniform(0.8, 1.2) * seconds  # of the pitch, 1 at the start
    if tone == "trembling":
        shake = rng.uniform(5, 7)  # Hz
        course += strength * SHAKE * np.sin(2 * math.pi * shake * seconds + rng.uniform(0, 2 * math.pi))
    phase = 2 * math.pi * np.cumsum(start * course) / SAMPLE_RATE
    voice = np.zeros(SAMPLES)
    for harmonic in range(1, HARMONICS + 1):
        voice += np.sin(harmonic * phase + rng.uniform(0, 2 * math.pi)) / harmonic
    if tone == "hostile":
        flutter = rng.uniform(18, 26)  # Hz: slow enough for the 10 ms hop of the spectrogram to show it
        depth = strength * ROUGHNESS
        voice *= 1 - depth * (0.5 + 0.5 * np.sin(2 * math.pi * flutter * seconds + rng.uniform(0, 2 * math.pi)))
    voice /= voice.std()
    sound = voice + rng.normal(0, NOISE, size=SAMPLES)
    sound = sound * LOUDNESS / sound.std()
    clipped: np.ndarray = sound.clip(-1, 1)
    return clipped


def write_wav(path: Path, sound: np.ndarray) -> None:
    """Write a float array of shape (n,), within -1..1, as 16-bit mono wav at SAMPLE_RATE."""
    import soundfile

    soundfile.write(str(path), sound, SAMPLE_RATE, subtype="PCM_16", format="WAV")

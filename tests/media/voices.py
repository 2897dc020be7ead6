"""Voices whose pitch, rate, loudness and pauses are known, and what may lie over them: made here or said by espeak-ng.

All sounds are float64 of shape (n,) at 16 kHz; those that lie over a voice have a mean square of 1.
"""

import io
import shutil
import subprocess

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.signal import lfilter, resample_poly

RATE = 16_000
Sound = NDArray[np.float64]

needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None,
    reason="espeak-ng is not installed (apt-get install espeak-ng): no speech to measure",
)


def pulses(hertz: float | Sound, seconds: float = 1.5, loudness: float = -20.0) -> Sound:
    """A vowel, "a": pulses through three resonances.

    Args:
        hertz: its pitch, or that at each sample, of shape (seconds * RATE,).
        loudness: dBFS.
    """
    count = int(seconds * RATE)
    course = np.broadcast_to(np.asarray(hertz, np.float64), (count,))
    phase = 2 * np.pi * np.cumsum(course) / RATE
    harmonics = np.arange(1, int(7000 / course.max()) + 1)
    sound = sum(np.sin(number * phase) for number in harmonics)
    for middle, width in ((700, 100), (1220, 120), (2600, 200)):
        radius = np.exp(-np.pi * width / RATE)
        sound = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * middle / RATE), radius**2], sound)
    return unit(sound) * 10 ** (loudness / 20)


def speak(
    text: str, voice: str = "en-us", pitch: int = 50, rate: int = 150, volume: int = 100, quiet: float = 0.25
) -> Sound:
    """Have espeak-ng say a text, which may be SSML, with silence and the hiss of a good room before and after it.

    Args:
        pitch: 0..99, as espeak-ng takes it, volume 0..200; rate in its words a minute.
        quiet: seconds of that silence.
    """
    options = ["-v", voice, "-p", str(pitch), "-s", str(rate), "-a", str(volume), "--stdout", "-m"]
    found = subprocess.run(["espeak-ng", *options, text], capture_output=True, check=True).stdout
    samples, own = soundfile.read(io.BytesIO(found))
    sound = np.pad(resample_poly(samples, RATE, own), round(quiet * RATE)) * 0.6
    return sound + np.random.default_rng(0).normal(0, 1e-4, len(sound))


def unit(sound: Sound) -> Sound:
    return sound / np.sqrt(np.square(sound).mean())


def white(count: int, dice: np.random.Generator) -> Sound:
    return unit(dice.normal(size=count))


def pink(count: int, dice: np.random.Generator) -> Sound:
    """Noise that falls by 3 dB an octave, as that of rooms and streets does."""
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    return unit(np.fft.irfft(np.fft.rfft(dice.normal(size=count)) / np.sqrt(frequencies), count))


def chords(count: int, dice: np.random.Generator) -> Sound:
    """Triads of a piano's kind, each for 0.8 to 1.6 s."""
    sound, start = np.zeros(count), 0
    while start < count:
        end = min(count, start + int(dice.uniform(0.8, 1.6) * RATE))
        moments, root = np.arange(end - start) / RATE, dice.choice([0, 2, 5, 7, 9])
        for step in (0, dice.choice([3, 4]), 7, 12):
            note = _note(130.8 * 2 ** ((root + step) / 12), moments, dice)
            sound[start:end] += note * np.exp(-1.2 * moments) * np.minimum(1, moments / 0.01)
        start = end
    return unit(sound)


def melody(count: int, dice: np.random.Generator) -> Sound:
    """One note after the other, each for 0.15 to 0.5 s."""
    sound, start = np.zeros(count), 0
    while start < count:
        end = min(count, start + int(dice.uniform(0.15, 0.5) * RATE))
        moments = np.arange(end - start) / RATE
        note = _note(220 * 2 ** (dice.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12), moments, dice)
        sound[start:end], start = note * np.exp(-2 * moments), end
    return unit(sound)


def _note(hertz: float, moments: Sound, dice: np.random.Generator) -> Sound:
    numbers = np.arange(1, 8)
    return sum(np.sin(2 * np.pi * hertz * n * moments + dice.uniform(0, 6)) / n**1.5 for n in numbers)


def drums(count: int, dice: np.random.Generator) -> Sound:
    """Kick, hat, snare, hat: two strokes each 0.35 to 0.6 s."""
    sound, beat = np.zeros(count + RATE), dice.uniform(0.35, 0.6) / 2
    moments = np.arange(RATE // 5) / RATE
    kick = 1.5 * np.sin(2 * np.pi * (50 * moments + 3 * (1 - np.exp(-30 * moments)))) * np.exp(-18 * moments)
    for number in range(int(count / RATE / beat) + 1):
        hiss = dice.normal(size=len(moments))
        stroke = 0.4 * hiss * np.exp(-60 * moments)
        if number % 2 == 0:
            stroke += kick if number % 4 == 0 else hiss * np.exp(-20 * moments)
        start = int(number * beat * RATE)
        sound[start : start + len(stroke)] += stroke
    return unit(sound[:count])


def band(count: int, dice: np.random.Generator) -> Sound:
    return unit(chords(count, dice) + 0.7 * drums(count, dice))


def whisper(voice: Sound, dice: np.random.Generator) -> Sound:
    """Noise that is as loud as a voice is, moment by moment."""
    level = np.sqrt(np.convolve(np.square(voice), np.ones(320) / 320, "same"))
    return unit(lfilter([1], [1, -1.2, 0.7], dice.normal(size=len(voice)))) * level


def over(voice: Sound, other: Sound, decibels: float) -> Sound:
    """A voice with something else that is so much below it; the voice is measured where it sounds."""
    windows = np.square(voice[: len(voice) // 320 * 320]).reshape(-1, 320).mean(axis=1)
    level = np.sqrt(windows[windows > windows.max() / 300].mean())
    shorter = min(len(voice), len(other))
    mixed = voice.copy()
    mixed[:shorter] += unit(other)[:shorter] * level * 10 ** (-decibels / 20)
    return mixed

"""The pitch of a voice through a clip: autocorrelation of short windows, and the likeliest path through its peaks.

Sources, of which the papers alone were read: P. Boersma, "Accurate short-term analysis of the fundamental frequency and
the harmonics-to-noise ratio of a sampled sound" (1993), with its costs; A. de Cheveigne, "Separation of concurrent
harmonic sounds: fundamental frequency estimation and a time-domain cancellation model" (1993), by which a second voice
is heard; a second pass within limits that the first one found, as D. Hirst does it (2011). librosa's pyin, the nearest
thing there is, takes several times as long and hears no second voice (tests/benchmarks/prosody_speed.py prints both).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from swift_saber.media.sound import RATE

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Hz. From a low man's voice that creaks to a child's that shouts.
LOWEST, HIGHEST = 50.0, 700.0
#: Samples from one window to the next: 20 ms.
HOP = RATE // 50
# Three periods of the lowest pitch, without which its autocorrelation is chance.
_WINDOW = round(3 * RATE / LOWEST)
# Hz; above it a voice is more breath and hiss than pitch.
_TOP = 2000.0
_FFT = 1280  # holds the window and the longest lag, so that nothing wraps around; a product of small primes
_PART = 1000  # windows at a time, for the sake of memory: twenty seconds
_SHORTEST, _LONGEST = int(RATE / HIGHEST), int(RATE / LOWEST) + 1  # samples
_CANDIDATES = 5
# Boersma's; those of transitions are his for steps of 10 ms, and ours are twice as long.
_OCTAVE_COST, _JUMP_COST, _VOICING_COST = 0.01, 0.35 / 2, 0.14 / 2
_VOICED, _SILENCE = 0.45, 0.03
# Of the quartiles of the first pass, what the second one looks at: a fourth below and most of an octave above.
_BELOW, _ABOVE = 0.75, 1.9
_LEAST_RUN = 3  # windows; a voice of less than 60 ms is a chance of noise
# How near to a multiple or a fraction of a voice's period a lag counts as its own, as a share of the period.
_OWN_MULTIPLE, _OWN_FRACTION = 0.12, 0.15

_HANN = np.hanning(_WINDOW + 2)[1:-1]
_LAGS = np.arange(_SHORTEST, _LONGEST + 1.0)


@dataclass(frozen=True, eq=False)
class Pitch:
    """What a voice does: arrays of one element a window, of which there is one every HOP samples.

    Attributes:
        hertz: the fundamental frequency; NaN where there is no voice.
        other: how strong a second voice or an instrument is, 0..1: what is left when the voice is taken out, as a share
            of the energy, times how like itself that is at lags which are not the voice's. 0 where there is no voice.
        power: mean square of the samples, weighted by the window; full scale is 1.
    """

    hertz: Floats
    other: Floats
    power: Floats


def follow(samples: Floats) -> Pitch:
    """Follow the pitch of a sound; a window stands around the middle of each of its n // HOP steps.

    Args:
        samples: float64 of shape (n,) at RATE, without an offset.
    """
    count = len(samples) // HOP
    power, lags, peaks = np.zeros(count), np.zeros((count, _CANDIDATES)), np.zeros((count, _CANDIDATES))
    for part, frames in _frames(samples, count):
        power[part] = np.square(frames).sum(axis=1) / np.square(_HANN).sum()
        lags[part], peaks[part] = _candidates(_correlated(_spectrum(frames)))
    loud = np.sqrt(power / power.max()) if power.any() else power
    silence = _VOICED + np.maximum(0, 2 - loud * (1 + _VOICED) / _SILENCE)
    path = _path(lags, peaks, silence)
    if (path >= 0).any():
        low, high = np.percentile(RATE / _along(lags, path)[path >= 0], [25, 75])
        outside = (RATE / lags < _BELOW * low) | (RATE / lags > _ABOVE * high)
        path = _path(lags, np.where(outside, -np.inf, peaks), silence)
    voiced = long_enough(path >= 0, _LEAST_RUN)
    period = np.where(voiced, _along(lags, path), np.nan)
    return Pitch(RATE / period, _other(samples, period), power)


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Where flags are set: the first place of each run, and the one after its last."""
    off = np.zeros(1, np.int8)  # a byte each, since an hour has 58 million samples
    edges = np.flatnonzero(np.diff(np.concatenate([off, flags.astype(np.int8), off])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def long_enough(flags: Flags, least: int) -> Flags:
    """The same flags without runs that are shorter than `least`."""
    kept = np.zeros_like(flags)
    for start, end in runs(flags):
        kept[start:end] = end - start >= least
    return kept


def _frames(samples: Floats, count: int) -> Iterator[tuple[slice, Floats]]:
    """Yield windows, without their mean and weighted by _HANN: which they are, and shape (at most _PART, _WINDOW)."""
    padded = np.pad(samples, ((_WINDOW - HOP) // 2, _WINDOW))
    every = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::HOP]
    for start in range(0, count, _PART):
        part = slice(start, min(start + _PART, count))
        yield part, (every[part] - every[part].mean(axis=1, keepdims=True)) * _HANN


def _spectrum(frames: Floats) -> Floats:
    """Power below _TOP, of shape (windows, bins)."""
    return np.square(np.abs(np.fft.rfft(frames, _FFT)[:, : int(_TOP / RATE * _FFT)]))


def _correlated(spectrum: Floats) -> Floats:
    """Autocorrelation at lags up to one more than the longest, 1 at lag 0, without the window's own falling off."""
    found = np.fft.irfft(spectrum, _FFT)[:, : _LONGEST + 2]
    return found / np.maximum(found[:, :1], 1e-20) / _OF_WINDOW


_OF_WINDOW = np.fft.irfft(np.square(np.abs(np.fft.rfft(_HANN, _FFT))), _FFT)[: _LONGEST + 2]
_OF_WINDOW /= _OF_WINDOW[0]


def _candidates(correlation: Floats) -> tuple[Floats, Floats]:
    """The best peaks of each window: lags in samples and heights, both of shape (windows, _CANDIDATES).

    Between samples, a peak is where a parabola has it. Where there are fewer peaks, the rest have the height -inf.
    """
    left, middle, right = (correlation[:, _SHORTEST + by : _LONGEST + 1 + by] for by in (-1, 0, 1))
    is_peak = (middle > left) & (middle >= right) & (middle > 0)
    score = np.where(is_peak, middle - _octave_cost(_LAGS), -np.inf)
    best = np.argpartition(-score, _CANDIDATES, axis=1)[:, :_CANDIDATES]
    real = np.isfinite(np.take_along_axis(score, best, axis=1))
    left, middle, right = (np.take_along_axis(values, best, axis=1) for values in (left, middle, right))
    bend = np.where(real, left - 2 * middle + right, -1.0)
    shift = np.where(real, 0.5 * (left - right) / bend, 0.0)
    height = np.minimum(middle - 0.25 * (left - right) * shift, 1.0)
    return _LAGS[best] + shift, np.where(real, height, -np.inf)


def _octave_cost(lags: Floats) -> Floats:
    """What a low pitch has to be better by than a high one, since each multiple of a period is one as well."""
    cost: Floats = _OCTAVE_COST * np.log2(LOWEST * lags / RATE)
    return cost


def _path(lags: Floats, peaks: Floats, silence: Floats) -> NDArray[np.int64]:
    """The likeliest candidate of each window, -1 for no voice, by Viterbi's algorithm.

    Args:
        lags, peaks: as _candidates gives them.
        silence: of shape (windows,), how good no voice is.
    """
    count = len(lags)
    if not count:
        return np.zeros(0, np.int64)
    octaves = np.log2(lags)
    gain = np.concatenate([peaks - _octave_cost(lags), silence[:, None]], axis=1)
    cost = np.full((count - 1, _CANDIDATES + 1, _CANDIDATES + 1), _VOICING_COST)
    cost[:, :-1, :-1] = _JUMP_COST * np.abs(octaves[:-1, :, None] - octaves[1:, None, :])
    cost[:, -1, -1] = 0
    came = np.zeros((count, _CANDIDATES + 1), np.int64)
    total = gain[0]
    for at in range(1, count):
        reach = total[:, None] - cost[at - 1]
        came[at] = reach.argmax(axis=0)
        total = reach.max(axis=0) + gain[at]
    path = np.full(count, total.argmax())
    for at in range(count - 1, 0, -1):
        path[at - 1] = came[at, path[at]]
    return np.where(path == _CANDIDATES, -1, path)


def _along(lags: Floats, path: NDArray[np.int64]) -> Floats:
    return lags[np.arange(len(path)), path]


def _other(samples: Floats, period: Floats) -> Floats:
    """Pitch.other of a sound, where the voice's period is given in samples, NaN for none."""
    found = np.zeros(len(period))
    # x[t + T/2] - x[t - T/2] is nothing where x repeats itself after T, and little where it glides.
    padded = np.pad(samples, _WINDOW)
    around = np.arange(_WINDOW) + _WINDOW + (HOP - _WINDOW) // 2
    for start in range(0, len(period), _PART):
        voiced = start + np.flatnonzero(np.isfinite(period[start : start + _PART]))
        if not len(voiced):
            continue
        own, at = period[voiced, None], HOP * voiced[:, None] + around
        left = _spectrum((_between(padded, at + own / 2) - _between(padded, at - own / 2)) * _HANN)
        whole = _spectrum(padded[at] * _HANN).sum(axis=1)
        height = _correlated(left)[:, _SHORTEST : _LONGEST + 1]
        ratio = _LAGS / own
        is_own = np.abs(ratio - np.round(ratio)) < _OWN_MULTIPLE
        is_own |= (ratio < 1) & (np.abs(1 / ratio - np.round(1 / ratio)) < _OWN_FRACTION)
        like = np.where(is_own, 0.0, height).max(axis=1)
        # Twice the energy is what comes of a sum of two halves that have nothing in common.
        found[voiced] = like * left.sum(axis=1) / np.maximum(2 * whole, 1e-20)
    return found


def _between(samples: Floats, at: Floats) -> Floats:
    """Samples at places between them, on straight lines; exact enough below 2 kHz."""
    whole = at.astype(np.int64)
    values: Floats = samples[whole] + (at - whole) * (samples[whole + 1] - samples[whole])
    return values

"""Sound as the models take it, and what a clip's sound measures: how loud it is, how much is silence, a fingerprint."""

import io
import os
import wave
from typing import Any

import numpy as np

from swift_saber.media.read import are_numbers, first_stream, open_media

#: Hz; what the audio encoders of Qwen2.5-Omni and Qwen3-Omni take, and recognisers of speech.
RATE = 16_000
#: The level below which 20 ms are silence, in dBFS. Ours: far above the noise of 16 bits (-98), and below quiet acted
#: speech in a studio.
SILENCE = -60.0
_WINDOW = RATE // 50
# What digital silence is said to be, since the logarithm of nothing is no number.
_FLOOR = -120.0
# The fingerprint: 17 moments of 17 bands give 16 x 16 bits. The bands carry a voice, survive a telephone's rate, and
# are equally wide on the mel scale (1127 ln(1 + f / 700)).
_MOMENTS, _BANDS, _LOW, _HIGH, _FFT = 17, 17, 200.0, 3600.0, 2 * _WINDOW
_LEAST = 1e-4  # of the loudest band: what is 50 dB below it counts as silent, so that a copy's noise tells nothing
_QUIET = 1e-4  # of the loudest window: the quiet before and after is not looked at, since encoders make it longer


class Sound:
    """Takes the frames of a sound, and turns them into samples of 16 bits, RATE, one channel.

    Attributes:
        seconds: taken so far.
        numbers: False where a sample is not a number.
    """

    def __init__(self) -> None:
        import av

        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        self._parts = [np.zeros(0, np.int16)]
        self.seconds, self.numbers = 0.0, True

    def take(self, frame: Any) -> float:
        """Take an av.AudioFrame, or None at the end, and return how many seconds there are until its end."""
        if frame and frame.format.name.startswith(("flt", "dbl")):
            self.numbers = self.numbers and are_numbers(frame.to_ndarray())
        parts = [part.to_ndarray()[0] for part in self._resampler.resample(frame)]
        self._parts += parts
        self.seconds += sum(map(len, parts)) / RATE
        return self.seconds

    def samples(self) -> Any:
        """Return all that was taken, int16 of shape (n,); ends the taking."""
        self.take(None)
        return np.concatenate(self._parts)


def samples_of(path: str | os.PathLike[str]) -> Any:
    """Return the sound of a file, int16 of shape (n,) at RATE; n is 0 where it has none.

    Raises:
        av.error.FFmpegError, OSError: the file cannot be opened, or its sound does not decode to the end.
    """
    sound = Sound()
    with open_media(path) as container:
        stream = first_stream(container, "audio")
        for frame in container.decode(stream) if stream else ():
            sound.take(frame)
    return sound.samples()


def wav(samples: Any) -> bytes:
    """Return samples, int16 of shape (n,) at RATE, as a WAV file; the same bytes for the same samples."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def measure_sound(samples: Any) -> dict[str, Any]:
    """Return loudness, silence_share and sound_hash of samples at RATE as media/measure.py describes them."""
    if not len(samples):
        return {"loudness": None, "silence_share": None, "sound_hash": None}
    windows = np.pad(samples, (0, -len(samples) % _WINDOW)).reshape(-1, _WINDOW)  # the last one filled with silence
    total = squares = silent = 0
    bands = []
    for start in range(0, len(windows), 1000):  # twenty seconds at a time, for the sake of memory
        part = windows[start : start + 1000]
        wide = part.astype(np.int64)
        total, squares = total + int(wide.sum()), squares + int((wide * wide).sum())
        signal = part.astype(np.float32) / 32768
        signal -= signal.mean(axis=1, keepdims=True)
        silent += int((np.square(signal).mean(axis=1) < 10 ** (SILENCE / 10)).sum())
        bands.append(np.square(np.abs(np.fft.rfft(signal * _HANN, _FFT))).astype(np.float32) @ _FILTERS)
    mean = total / len(samples)
    power = max(squares / len(samples) - mean * mean, 0.0) / 32768**2
    return {
        "loudness": round(max(10 * float(np.log10(power)), _FLOOR), 1) if power else _FLOOR,
        "silence_share": round(silent / len(windows), 3),
        "sound_hash": f"{_change_hash(np.concatenate(bands)):064x}",
    }


def _filters() -> Any:
    """Which frequency belongs to which band: float32 of shape (frequencies, bands)."""
    edges = 700 * np.expm1(np.linspace(np.log1p(_LOW / 700), np.log1p(_HIGH / 700), _BANDS + 1))
    frequencies = np.fft.rfftfreq(_FFT, 1 / RATE)[:, None]
    return ((frequencies >= edges[:-1]) & (frequencies < edges[1:])).astype(np.float32)


_HANN = np.hanning(_WINDOW).astype(np.float32)
_FILTERS = _filters()


def _change_hash(bands: Any) -> int:
    """Return 256 bits: whether the step from each band to the next one grows from each moment to the next.

    The moments are spread over the sound and overlap, so that a delay by some milliseconds, as encoders add it,
    changes few bits. Loudness changes none.

    Args:
        bands: energies of shape (windows of 20 ms, 17).

    Source: J. Haitsma and T. Kalker, "A Highly Robust Audio Fingerprinting System" (2002), with moments relative to
    the length of the sound.
    """
    loud = np.flatnonzero(bands.sum(axis=1) > _QUIET * bands.sum(axis=1).max())
    if not len(loud):
        return 0
    bands = bands[loud[0] : loud[-1] + 1]
    total = np.concatenate([np.zeros((1, _BANDS)), np.cumsum(bands, axis=0, dtype=np.float64)])
    step = len(bands) / _MOMENTS
    edges = np.arange(_MOMENTS)[:, None] * step + np.array([-2 * step, 3 * step])  # five steps wide
    edges = np.clip(edges, 0, len(bands))
    summed = np.stack([np.interp(edges, np.arange(len(total)), column) for column in total.T], axis=2)
    energy = (summed[:, 1] - summed[:, 0]) / (edges[:, 1] - edges[:, 0])[:, None]
    level = np.log(np.maximum(energy, _LEAST * energy.max()))
    bits = np.diff(np.diff(level, axis=0), axis=1) > 0
    return int.from_bytes(np.packbits(bits).tobytes(), "big")

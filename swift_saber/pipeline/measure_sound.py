"""Sound as the models take it, and what a clip's sound measures: how loud it is, how much is silence, a fingerprint."""

import io
import os
import wave
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import chain
from typing import Any

import numpy as np

from swift_saber.errors import InputError, unreadable
from swift_saber.media_read import are_numbers, first_stream, open_media
from swift_saber.rows import whole

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


class Resampler:
    """Turns the frames of a sound into samples of 16 bits, RATE, one channel."""

    def __init__(self) -> None:
        import av

        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)

    def __call__(self, frame: Any) -> list[Any]:
        """Return what comes out when an av.AudioFrame is put in, or None at the end: int16 arrays of shape (n,)."""
        return [part.to_ndarray()[0] for part in self._resampler.resample(frame)]


def samples_of(path: str | os.PathLike[str]) -> Any:
    """Return the sound of a file: int16 of shape (n,), at RATE; n is 0 where it has none.

    Raises:
        av.error.FFmpegError, OSError: the file cannot be opened, or its sound does not decode to the end.
    """
    resample = Resampler()
    with open_media(path) as container:
        stream = first_stream(container, "audio")
        frames = container.decode(stream) if stream else ()
        return np.concatenate(
            [np.zeros(0, np.int16), *(part for frame in chain(frames, [None]) for part in resample(frame))]
        )


def wav(samples: Any) -> bytes:
    """Return samples, int16 of shape (n,) at RATE, as a WAV file; the same bytes for the same samples."""
    out = io.BytesIO()
    with _wav_writer(out) as file:
        file.writeframes(samples.astype("<i2").tobytes())
    return out.getvalue()


def _wav_writer(file: Any) -> wave.Wave_write:
    writer = wave.open(file, "wb")  # noqa: SIM115 (its user closes it)
    writer.setparams((1, 2, RATE, 0, "NONE", ""))
    return writer


class Sound:
    """Takes the frames of a sound, and writes them as 16 kHz mono PCM wav, which has its name after a `with` block.

    Args:
        path: of the wav, or None. Nothing is written of a clip without sound.

    Attributes:
        samples: taken so far, at 16 kHz.
        numbers: False where a sample is not a number.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._open = ExitStack()
        self._file: wave.Wave_write | None = None
        self._resample = Resampler()
        self.samples, self.numbers = 0, True
        self._sum, self._squares, self._windows, self._silent = 0, 0, 0, 0
        self._rest = np.zeros(0, np.int16)
        self._bands: list[Any] = []

    @property
    def seconds(self) -> float:
        return self.samples / RATE

    def take(self, frame: Any) -> float:
        """Take an av.AudioFrame, and return how many seconds there are until its end.

        Raises:
            InputError: the wav cannot be written.
        """
        if frame.format.name.startswith(("flt", "dbl")):
            self.numbers = self.numbers and are_numbers(frame.to_ndarray())
        for samples in self._resample(frame):
            self._add(samples)
        return self.seconds

    def _add(self, samples: Any) -> None:
        self.samples += len(samples)
        self._write(samples)
        wide = samples.astype(np.int64)
        self._sum += int(wide.sum())
        self._squares += int((wide * wide).sum())
        self._rest = np.concatenate([self._rest, samples])
        count = len(self._rest) // _WINDOW
        if count >= 16:  # some at a time, since each call of numpy costs more than a window
            self._look(self._rest[: count * _WINDOW].reshape(count, _WINDOW))
            self._rest = self._rest[count * _WINDOW :]

    def _look(self, windows: Any) -> None:
        """Take windows of 20 ms, int16 of shape (windows, 320)."""
        signal = windows.astype(np.float32) / 32768
        signal -= signal.mean(axis=1, keepdims=True)
        self._windows += len(signal)
        self._silent += int((np.square(signal).mean(axis=1) < 10 ** (SILENCE / 10)).sum())
        self._bands.append(np.square(np.abs(np.fft.rfft(signal * _HANN, _FFT))).astype(np.float32) @ _FILTERS)

    def found(self) -> dict[str, Any]:
        """Return loudness, silence_share and sound_hash as measure.py describes them; ends the taking."""
        for samples in self._resample(None):
            self._add(samples)
        if not self.samples:
            return {"loudness": None, "silence_share": None, "sound_hash": None}
        if len(self._rest):  # the last window is filled with silence
            missing = -len(self._rest) % _WINDOW
            self._look(np.concatenate([self._rest, np.zeros(missing, np.int16)]).reshape(-1, _WINDOW))
            self._rest = self._rest[:0]
        mean = self._sum / self.samples
        power = max(self._squares / self.samples - mean * mean, 0.0) / 32768**2
        return {
            "loudness": round(max(10 * float(np.log10(power)), _FLOOR), 1) if power else _FLOOR,
            "silence_share": round(self._silent / self._windows, 3),
            "sound_hash": f"{_change_hash(np.concatenate(self._bands)):064x}",
        }

    def _write(self, samples: Any) -> None:
        if self._path is None:
            return
        with _writing(self._path):
            if self._file is None:
                partial = self._open.enter_context(whole(self._path))
                self._file = self._open.enter_context(_wav_writer(str(partial)))
            self._file.writeframesraw(samples.astype("<i2").tobytes())

    def discard(self) -> None:
        """Take away what was written."""
        with suppress(_Unwanted):
            self._open.__exit__(_Unwanted, _Unwanted(), None)

    def __enter__(self) -> "Sound":
        return self

    def __exit__(self, *error: Any) -> None:
        with _writing(self._path):
            self._open.__exit__(*error)


class _Unwanted(Exception):
    """Ends the writing of a wav before it is whole."""


@contextmanager
def _writing(path: str | None) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        said = unreadable(str(path), error)
        raise InputError(
            said.where, said.field, f"cannot be written: {said.problem}", "make room and run again"
        ) from error


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

"""Sound as the models take it, and what a clip's sound measures: how loud it is, how much is silence, a fingerprint.

What is heard is what a player plays: of several sounds the default one, silence until a sound that begins after the
picture and where packets are missing, and on through a change of rate, format or channels.
"""

import io
import math
import os
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np

from swift_saber.media.limits import MAX_SAMPLES, MAX_SECONDS, MISSING_SHARE
from swift_saber.media.read import are_numbers, blocks, first_stream, is_silent, open_media, open_sound, reason

T = TypeVar("T")
Runs = Iterator[tuple[int, Any]]

#: Hz; what the audio encoders of Qwen2.5-Omni and Qwen3-Omni take, and recognisers of speech.
RATE = 16_000
#: The level below which 20 ms are silence, in dBFS. Ours: far above the noise of 16 bits (-98), and below quiet acted
#: speech in a studio.
SILENCE = -60.0
_WINDOW = RATE // 50
# What digital silence is said to be, since the logarithm of nothing is no number.
_FLOOR = -120.0
# Seconds. A sound is moved only by what may be noticed: headers round, and encoders begin some milliseconds early or
# late. ITU-R BT.1359: sound that leads its picture by less goes unseen.
_LEAST_GAP = 0.045
# Where the clock of a broadcast was set anew, no time has passed; so much is FFmpeg's own mark for that.
_JUMP, _TS_DISCONT = 10.0, 0x200
# The fingerprint: 17 moments of 17 bands give 16 x 16 bits. The bands carry a voice, survive a telephone's rate, and
# are equally wide on the mel scale (1127 ln(1 + f / 700)).
_MOMENTS, _BANDS, _LOW, _HIGH, _FFT = 17, 17, 200.0, 3600.0, 2 * _WINDOW
_LEAST = 1e-4  # of the loudest band: what is 50 dB below it counts as silent, so that a copy's noise tells nothing
_QUIET = 1e-4  # of the loudest window: the quiet before and after is not looked at, since encoders make it longer


class _Clock:
    """Says how much silence there is before each frame of a sound that is heard beside a picture.

    Without one it is heard as it comes: files of sound alone mostly have no times, and FFmpeg makes them up.
    """

    def __init__(self, container: Any = None) -> None:
        moves = container and first_stream(container, "video") is not None
        # When the next frame should begin, in seconds; None where that is not looked at.
        self._at = container.start_time / 1e6 if moves and container.start_time is not None else None
        self._most = math.inf  # the longest silence: a sound may begin as late as it likes
        self._most_within = _JUMP if moves and container.format.flags & _TS_DISCONT else math.inf

    def silence(self, frame: Any) -> float:
        """Return how many seconds after the end of the frame before it this one begins; 0 where that is not heard.

        Raises:
            ValueError: it is more than an hour.
        """
        if self._at is None:
            return 0.0
        time = self._at if frame.time is None else frame.time
        late, most = time - self._at, self._most
        self._at, self._most = time + frame.samples / frame.sample_rate, self._most_within
        if not _LEAST_GAP < late < most:
            return 0.0
        if late > MAX_SECONDS:
            raise ValueError(f"has a gap of {late / 3600:.1f} hours in its sound")
        return float(late)


class Sound:
    """Takes the frames of a sound, and turns them into samples of 16 bits, RATE, one channel.

    Attributes:
        seconds: taken so far.
        numbers: False where a sample is not a number.
    """

    def __init__(self) -> None:
        self._clock = _Clock()
        self._form: Any = None
        self._resampler: Any = None
        self._parts = [np.zeros(0, np.int16)]
        self.seconds, self.numbers = 0.0, True

    def begin(self, container: Any) -> None:
        """Learn when the file that the frames come from begins, so that a sound that begins later does so here."""
        self._clock = _Clock(container)

    def take(self, frame: Any) -> float:
        """Take an av.AudioFrame, or None at the end, and return how many seconds there are until its end.

        Raises:
            ValueError: it stands more than an hour after the one before.
        """
        if frame and frame.format.name.startswith(("flt", "dbl")):
            self.numbers = self.numbers and are_numbers(frame.to_ndarray())
        silence = self._clock.silence(frame) if frame else 0.0
        form = (frame.format.name, frame.layout.name, frame.sample_rate) if frame else None
        if self._resampler and (silence or form != self._form):
            self._add(self._resampler.resample(None))
            self._resampler = None
        if silence:
            self._parts.append(np.zeros(round(silence * RATE), np.int16))
            self.seconds += len(self._parts[-1]) / RATE
        if frame:
            self._resampler, self._form = self._resampler or _resampler(), form
            self._add(self._resampler.resample(frame))
        return self.seconds

    def _add(self, frames: Any) -> None:
        parts = [part.to_ndarray()[0] for part in frames]
        self._parts += parts
        self.seconds += sum(map(len, parts)) / RATE

    def samples(self) -> Any:
        """Return all that was taken, int16 of shape (n,); ends the taking."""
        self.take(None)
        return np.concatenate(self._parts)


def _resampler() -> Any:
    import av

    return av.AudioResampler(format="s16", layout="mono", rate=RATE)


def samples_of(path: str | os.PathLike[str], *, left: bool = False) -> Any:
    """Return the sound of a file, int16 of shape (n,) at RATE; n is 0 where it has none.

    Args:
        left: take its first channel instead of the mean of all, which is what the models hear.

    Raises:
        av.error.FFmpegError, OSError: the file cannot be opened, or is joined of parts that do not fit together.
        ValueError: more of its sound than a tenth does not decode, or holds samples that are not numbers.
    """
    sound = Sound()
    with open_media(path) as container:
        sound.begin(container)
        stream = first_stream(container, "audio")
        for frame in _decoded(container, stream) if stream else ():
            sound.take(_left(frame) if left else frame)
    if not sound.numbers:  # an integer made of one is a sound that is not there
        raise ValueError("holds samples that are not numbers")
    return sound.samples()


def _left(frame: Any) -> Any:
    """The first channel of an av.AudioFrame, at the same time."""
    import av

    samples, channels = frame.to_ndarray(), frame.layout.nb_channels
    first = samples[:1] if frame.format.is_planar else samples[:, ::channels]
    found = av.AudioFrame.from_ndarray(np.ascontiguousarray(first), format=frame.format.name, layout="mono")
    found.sample_rate, found.pts, found.time_base = frame.sample_rate, frame.pts, frame.time_base
    return found


def inside(videos: Sequence[str]) -> list[str]:
    """Return those of some video files that have a sound which is not digital silence.

    Raises:
        av.error.FFmpegError, OSError, ValueError: as has_sound.
    """
    return [video for video in videos if has_sound(video)]


def has_sound(path: str | os.PathLike[str]) -> bool:
    """Whether a file has a sound that is not digital silence.

    Costs the opening of the file and the decoding of its first packets of sound, of all where it is silent. A sound
    that does not decode is not silent either: who reads it then says what is wrong with it.

    Raises:
        av.error.FFmpegError, OSError, ValueError: the file is no media that can be opened.
    """
    with open_media(path) as container:
        stream = first_stream(container, "audio")
        if stream is None:
            return False
        try:
            return any(not is_silent(frame.to_ndarray()) for frame in _decoded(container, stream))
        except ValueError:  # as _decoded says it
            return True


def load(path: str | os.PathLike[str], rate: int) -> Any:
    """Return the sound of a file as a model takes it, float32 of shape (n,) at `rate`; several channels are averaged.

    What soundfile reads all of (wav, flac, mp3, ogg, ...) is bit for bit what ms-swift's own loader gives, which is
    librosa. Everything else (m4a, aac, the sound of a video, ...) is decoded by PyAV to floats at its own rate and
    resampled by the same code; ms-swift hands that to the ffmpeg program, and fails without a reason where there is
    none.

    Args:
        path: a sound file, or a video whose sound is meant.
        rate: Hz.

    Raises:
        av.error.FFmpegError, OSError: the file cannot be opened, or is joined of parts that do not fit together.
        ValueError: it has no sound, more of it than an hour, or more than a tenth that does not decode.
    """
    return _read(path, partial(_resampled, rate=rate))


def length(path: str | os.PathLike[str]) -> float:
    """Return how many seconds of sound `load` finds in a file, at the cost of decoding it; it is not held in memory.

    Raises:
        av.error.FFmpegError, OSError, ValueError: as load.
    """
    return _read(path, lambda runs: sum(len(samples) / rate for rate, samples in runs))


def _read(path: str | os.PathLike[str], take: Callable[[Runs], T]) -> T:
    """Return what is made of a file's sound, (rate in Hz, float32 of shape (n,)) part by part.

    Args:
        take: called once more, with all of it, where soundfile cannot read the sound to its end.
    """
    import soundfile

    with open_sound(path) as (sound, whole), suppress(soundfile.SoundFileRuntimeError):
        if whole:
            return take(_bounded(_blocks(sound)))
    with open_media(path) as container:
        stream = first_stream(container, "audio")
        if stream is None:
            raise ValueError("has no sound")
        return take(_bounded(_runs(container, stream)))


def _resampled(runs: Runs, rate: int) -> Any:
    import librosa

    parts = [
        librosa.resample(np.concatenate([samples for _, samples in run]), orig_sr=own, target_sr=rate)
        for own, run in groupby(runs, key=itemgetter(0))
    ]
    return np.concatenate(parts)


def _bounded(runs: Runs) -> Runs:
    """The same, up to an hour, and to as many samples as an hour has at 48 kHz."""
    samples, seconds = 0, 0.0
    for rate, part in runs:
        samples, seconds = samples + len(part), seconds + len(part) / rate
        if samples > MAX_SAMPLES or seconds > MAX_SECONDS:
            raise ValueError(f"has more sound than an hour, or than {MAX_SAMPLES:,} samples")
        yield rate, part


def _blocks(sound: Any) -> Runs:
    """A soundfile.SoundFile as librosa reads it, a part at a time; none of nothing, which librosa gives as nothing."""
    empty = True
    for block in blocks(sound):
        empty = False
        yield sound.samplerate, np.mean(block.T, axis=0)
    if empty:
        yield sound.samplerate, np.zeros(0, np.float32)


def _runs(container: Any, stream: Any) -> Runs:
    """Yield a sound in frames, and the silence between them: (rate in Hz, float32 of shape (n,))."""
    clock = _Clock(container)
    for frame in _decoded(container, stream):
        if silence := clock.silence(frame):
            yield frame.sample_rate, np.zeros(round(silence * frame.sample_rate), np.float32)
        yield frame.sample_rate, _mono(frame)


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield a sound's av.AudioFrames; without those of broken packets, of which there may be some."""
    import av

    if stream.codec_context is None:
        raise ValueError("has sound in no codec that is known here")
    frames = sent = lost = 0
    seconds = 0.0
    said = ""
    packets = container.demux(stream)  # of this stream alone, so that the picture's are not even read
    while True:
        try:
            packet = next(packets, None)
        except av.error.PatchWelcomeError:  # it goes on in another form, which FFmpeg does not follow
            raise
        except (av.error.FFmpegError, OSError) as error:  # the file breaks off
            packet, said = None, f" ({reason(error)})"
        if packet is None:
            break
        sent += packet.size > 0
        try:
            found = packet.decode()
        except av.error.FFmpegError as error:
            lost, said = lost + 1, f" ({reason(error)})"
            continue
        frames += len(found)
        for frame in found:
            if frame.sample_rate <= 0:
                raise ValueError("has sound that does not say its rate")
            seconds += frame.samples / frame.sample_rate
            if seconds > MAX_SECONDS:
                raise ValueError("has more than an hour of sound")
            yield frame
    if not frames:
        raise ValueError(f"holds no sound{said}")
    if lost > MISSING_SHARE * sent:
        raise ValueError(f"has sound that cannot be decoded: {lost} of {sent} packets are broken{said}")


def _mono(frame: Any) -> Any:
    """An av.AudioFrame as float32 of shape (n,), within -1..1: the mean of the channels, as librosa takes it."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "u":
        samples = (samples.astype(np.int16) - 2**7) * 2**8
    if samples.dtype.kind == "i":
        samples = samples * np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize))
    return np.mean(samples, axis=0, dtype=np.float32)


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

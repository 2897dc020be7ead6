"""Makes sounds whose pitch tells the time, in the forms that people have.

Each half second has a tone of its own, so a sound that is read too fast, too late, in part or from the wrong place
shows it. What is to be heard is known from how a file was made, and from no decoder.

    python -m tests.stepped_sounds FOLDER
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from tests.media_faults import encode, frames

STEP = 0.5  # seconds
#: Hz, of each half second: no multiple of another, and within what a telephone carries.
TONES = (420, 1610, 730, 2290, 570, 1270, 2830, 950)
SECONDS = STEP * len(TONES)


def steps(rate: int, first: int = 0, last: int = len(TONES)) -> np.ndarray:
    """Return the tones from one to another as samples of one channel, float64 of shape (n,) within -1..1."""
    time = np.arange(round((last - first) * STEP * rate)) / rate
    tones = np.repeat(TONES[first:last], round(STEP * rate))
    return 0.4 * np.sin(2 * np.pi * tones * time)


def heard(samples: np.ndarray, rate: int) -> list[int]:
    """Return the strongest frequency of each half second, to the nearest of TONES; 0 where none is near, or in silence.

    Looks at the middle of each, so that a delay by less than 0.1 seconds, as encoders add it, goes unseen.
    """
    found = []
    for number in range(round(len(samples) / rate / STEP)):
        middle = samples[round((number * STEP + 0.1) * rate) : round((number * STEP + 0.4) * rate)]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 16))
        strongest = int(spectrum.argmax()) * rate / (1 << 16)
        nearest = min(TONES, key=lambda tone: abs(tone - strongest))
        loud = np.abs(middle).max() > 0.05
        # A hop of the reader within the window would smear the tone over the spectrum.
        pure = spectrum.max() ** 2 > 0.001 * (spectrum**2).sum()
        found.append(nearest if loud and pure and abs(nearest - strongest) < 10 else 0)
    return found


def wave(subtype: str, rate: int = 16_000, channels: int = 1, form: str | None = None) -> Callable[[Path], None]:
    """How soundfile writes the steps."""
    return lambda path: soundfile.write(
        path, np.stack([steps(rate)] * channels, axis=1), rate, subtype=subtype, format=form
    )


def coded(
    audio: str, rate: int = 44_100, channels: int = 2, form: str | None = None, codec: str | None = None
) -> Callable[[Path], None]:
    """How PyAV writes the steps; with codec beside a picture."""

    def write(path: Path) -> None:
        samples = np.stack([steps(rate)] * channels) if channels > 1 else steps(rate)
        pictures = frames(round(8 * SECONDS)) if codec else None
        encode(path, pictures, samples, audio=audio, rate=rate, form=form, codec=codec or "")

    return write


def joined(*parts: tuple[int, int], audio: str = "aac", form: str = "adts") -> Callable[[Path], None]:
    """How files of one part of the steps each, at a rate and in so many channels, are written one after another.

    Encoders begin each with some silence, and fill its last packet: at lower rates than these more than heard() allows.
    """

    def write(path: Path) -> None:
        share, data = len(TONES) // len(parts), b""
        for number, (rate, channels) in enumerate(parts):
            samples = steps(rate, number * share, (number + 1) * share)
            encode(path, None, np.stack([samples] * channels), audio=audio, rate=rate, form=form)
            data += path.read_bytes()
        path.write_bytes(data)

    return write


#: Files by name, and how each is written.
FORMS: dict[str, Callable[[Path], None]] = {
    "pcm16.wav": wave("PCM_16"),
    "pcm24.wav": wave("PCM_24", 44_100, 2),
    "float.wav": wave("FLOAT", 48_000),
    "alaw.wav": wave("ALAW", 8_000),
    "gsm.wav": wave("GSM610", 8_000),
    "8k.wav": wave("PCM_16", 8_000),
    "44k stereo.wav": wave("PCM_16", 44_100, 2),
    "u8.wav": wave("PCM_U8", 22_050),
    "adpcm.wav": wave("IMA_ADPCM", 16_000),
    "six channels.wav": wave("PCM_16", 48_000, 6),
    "a.aiff": wave("PCM_16", 44_100, 2),
    "a.flac": wave("PCM_24", 48_000, 2),
    "a.mp3": wave("MPEG_LAYER_III", 44_100, 2, "MP3"),
    "vorbis.ogg": wave("VORBIS", 44_100, 2),
    "opus.ogg": wave("OPUS", 48_000, 1, "OGG"),
    "aac.m4a": coded("aac"),
    "alac.m4a": coded("alac"),
    "a.aac": coded("aac"),
    "a.ac3": coded("ac3"),
    "5.1.ac3": coded("ac3", 48_000, 6),
    "a.wma": coded("wmav2", form="asf"),
    "a.mp2": coded("mp2"),
    "a.amr": coded("amr_nb", 8_000, 1),
    "opus.webm": coded("libopus", 48_000),
    "in mp4.mp4": coded("aac", codec="libx264"),
    "in mov.mov": coded("pcm_s16le", codec="libx264"),
    "in mkv.mkv": coded("libmp3lame", codec="libx264"),
    "in avi.avi": coded("libmp3lame", codec="mpeg4"),
    "pcm in avi.avi": coded("pcm_s16le", codec="mpeg4"),
    "in webm.webm": coded("libopus", 48_000, codec="libvpx"),
    "in flv.flv": coded("aac", codec="flv1"),
    "in ts.ts": coded("aac", codec="libx264"),
    "in mpeg.mpg": coded("mp2", codec="mpeg2video"),
    "in wmv.wmv": coded("wmav2", form="asf", codec="wmv2"),
    "rate changes.aac": joined((48_000, 2), (32_000, 2)),
    "channels change.aac": joined((44_100, 1), (44_100, 2)),
    "rate and channels change.aac": joined((48_000, 1), (32_000, 2)),
    "rate changes.mp3": joined((44_100, 2), (22_050, 2), audio="libmp3lame", form="mp3"),
    "channels change.mp3": joined((44_100, 2), (44_100, 1), audio="libmp3lame", form="mp3"),
    "joined.flac": joined((44_100, 2), (44_100, 2), audio="flac", form="flac"),
    "joined.ogg": joined((48_000, 2), (48_000, 2), audio="libopus", form="ogg"),
    "rate changes.ac3": joined((48_000, 2), (32_000, 2), audio="ac3", form="ac3"),
}


def write_all(folder: Path) -> list[Path]:
    """Write every form into a folder."""
    for name, write in FORMS.items():
        write(folder / name)
    return [folder / name for name in FORMS]


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))

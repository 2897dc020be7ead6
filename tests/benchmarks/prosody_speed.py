"""Seconds of a core for the voice of a clip of 5 s, and how right its pitch is, next to librosa's yin and pyin.

    OMP_NUM_THREADS=1 taskset -c 1 python tests/benchmarks/prosody_speed.py --repeat 20

Speed: media/prosody.py's measure as a whole, its pitch tracker alone, and librosa's two with the same step, span and
about the same window; pyin also with a fifth of its resolution. Pitch: 24 vowels that glide, of men, women and children
(70 to 500 Hz), with silences between them and noise over them. Of the moments in which there is a voice, printed is how
many are wrong by more than a fifth, and how many are heard as none; of those without one, how many are heard as voice.
yin says a pitch for every moment, so that its last number is 100.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import librosa
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from swift_saber.media.pitch import HIGHEST, HOP, LOWEST, follow
from swift_saber.media.prosody import measure
from tests.media.voices import RATE, Sound, pink, pulses

OPTIONS = {"fmin": LOWEST, "fmax": HIGHEST, "sr": RATE, "frame_length": 1024, "hop_length": HOP}


def coarse(sound: Sound) -> Sound:
    return librosa.pyin(sound, resolution=0.5, **OPTIONS)[0]


TRACKERS: dict[str, Callable[[Sound], Sound]] = {
    "media/pitch.py": lambda sound: follow(sound).hertz,
    "librosa yin": lambda sound: librosa.yin(sound, **OPTIONS),
    "librosa pyin": lambda sound: librosa.pyin(sound, **OPTIONS)[0],
    "librosa pyin, resolution 0.5": coarse,
}


def vowels(dice: np.random.Generator) -> Iterator[tuple[Sound, Sound]]:
    """Yield sounds, and the pitch at each of their samples; NaN where there is none."""
    for lowest in (70, 90, 120, 180, 250, 350):
        for _ in range(4):
            parts, truth = [], []
            for _ in range(4):
                seconds = dice.uniform(0.2, 0.6)
                count = int(seconds * RATE)
                course = lowest * 2 ** np.linspace(dice.uniform(0, 0.5), dice.uniform(0, 0.5), count)
                quiet = np.zeros(int(dice.uniform(0.1, 0.4) * RATE))
                parts += [pulses(course, seconds) * np.hanning(count) ** 0.25, quiet]
                truth += [course, quiet + np.nan]
            yield np.concatenate(parts), np.concatenate(truth)


def errors(track: Callable[[Sound], Sound], below: float | None) -> str:
    """Percent: wrong by more than a fifth, missed, invented."""
    dice = np.random.default_rng(0)
    counts = np.zeros(5)  # wrong, missed, of voiced; invented, of silent
    for sound, truth in vowels(dice):
        if below is not None:
            sound = sound + pink(len(sound), dice) * 10 ** ((-20 - below) / 20)
        found = track(sound)
        # librosa's first window stands around the first sample, and ours around the middle of the first step.
        shift = 0 if len(found) > len(sound) // HOP else HOP // 2
        at = np.minimum(np.arange(len(found)) * HOP + shift, len(truth) - 1)
        true, edge = (
            truth[at],
            np.isnan(truth[np.maximum(at - 800, 0)]) != np.isnan(truth[np.minimum(at + 800, len(truth) - 1)]),
        )
        true, found = true[~edge], found[~edge]
        voiced, said = np.isfinite(true), np.isfinite(found)
        counts += [
            (np.abs(found / true - 1) > 0.2)[voiced & said].sum(), (voiced & ~said).sum(), voiced.sum(),
            (~voiced & said).sum(), (~voiced).sum(),
        ]  # fmt: skip
    return " / ".join(
        f"{100 * part:.1f}" for part in (counts[0] / counts[2], counts[1] / counts[2], counts[3] / counts[4])
    )


def seconds(work: Callable[[Sound], object], sound: Sound, repeat: int) -> float:
    work(sound)  # compiles, imports
    taken = []
    for _ in range(repeat):
        start = time.process_time()
        work(sound)
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=20, help="clips measured, of which the median is printed")
    repeat = parser.parse_args().repeat
    dice = np.random.default_rng(1)
    clip = np.concatenate([sound for sound, _ in vowels(dice)])[: 5 * RATE]
    clip = clip + dice.normal(0, 1e-4, len(clip))
    print(f"{platform.machine()}, numpy {np.__version__}, librosa {librosa.__version__}; seconds of a core for 5 s")
    print(f"\nmedia/prosody.py, measure: {seconds(measure, clip, repeat):.3f}\n")
    print("| pitch | seconds | alone: wrong / missed / invented, % | noise 20 dB below | 10 dB | 0 dB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, track in TRACKERS.items():
        cells = [errors(track, below) for below in (None, 20, 10, 0)]
        print("|", " | ".join([name, f"{seconds(track, clip, repeat):.3f}", *cells]), "|", flush=True)


if __name__ == "__main__":
    main()

"""What a voice does, measured: its pitch, loudness, silences and rate; and what cannot be said of a clip, and why.

A number stands where it was found to hold; where noise, music or a second voice would change it, a reason stands
instead. Each has guards of its own: with music or babble 15 dB below a voice its pitch and loudness can mostly be said,
silences and rate of two clips in five, and what hangs on quiet sounds hardly ever; 10 dB below, next to nothing.
Nothing is learned and nothing is downloaded; a clip of 5 s takes some 20 ms of a core. How often a number is wrong
under what, and how often left unsaid: tests/benchmarks/prosody_noise.py.

What no number here knows: emotion, sincerity, words, who speaks. And what is not told apart:

- Loudness of a recording is that of the voice, times distance, microphone and gain; a room adds some 3 dB. Between two
  clips it compares voices only where these are the same. loudness_range and loudness_change are free of the gain, but
  an automatic gain, a compressor and a telephone's narrow band alter them.
- Two who speak by turns are one voice, unless their pitches are two octaves apart. So is an instrument that glides.
- Of two who speak at once and equally loud, one pair in seven is taken for one voice, mostly with the pitch of one.
- What bursts within 0.2 s of a voice counts as speech: drums and many voices fill silences, which are then wrong.
- The sound of a room after a voice counts as voice. Clipping that a change of rate or a lossy codec rounded off is
  not seen.
- A voice that breaks into anything but an octave jumps as two voices do, and is left unsaid like those.
- Speech that was cut without a pause, in which nothing is quiet, is left unsaid as if it were noisy, but for its pitch.

There is no tremor, jitter or shimmer: they are differences between neighbouring periods of a vowel that is held for
seconds (J. P. Teixeira et al., "Vocal Acoustic Analysis - Jitter, Shimmer and HNR Parameters", 2013). In running
speech, behind a lossy codec and at 20 ms a step they would measure vowels and codecs. A voice that trembles by more
than a semitone widens pitch_range, as a lively one does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swift_saber.media.heard import (
    AUDIBLE,
    CLEAR,
    DISTINCT,
    FAR,
    FOR_PITCH,
    MARGIN,
    PAUSE_SLACK,
    SHARE_SLACK,
    STEP,
    Heard,
    Places,
    ends,
    level_of,
    longest_gap,
    longest_pause,
    loudness_change,
    spread,
)
from swift_saber.media.pitch import Floats, long_enough, runs
from swift_saber.media.sound import RATE

Samples = NDArray[np.floating[Any]]

#: Raised whenever the same sound gets another number or another reason: what was kept of before is measured again then.
RULES = 2
#: Why a number is left unsaid.
NO_SOUND, SHORT, NO_VOICE, NO_SYLLABLES = "no sound", "too short", "no voice", "no syllables to count"
NOISE, OTHERS, BREAKS, CLIPPED = "too noisy", "music or several voices", "voice that breaks", "clipped"
EDGES = "speech fades into silence"
#: The numbers that may be left unsaid; what they are stands at Prosody.
PITCH = ("pitch", "pitch_range", "pitch_change")
LOUDNESS = ("loudness", "loudness_range", "loudness_change")
TIME = ("voiced", "silent", "pause", "rate")
# What hangs on quiet windows, which a little behind the voice already fills; and of loudness and time the rest.
FINE, STEADY = ("loudness_range", "voiced"), ("loudness", "loudness_change", "silent", "pause", "rate")
NAMES = (*PITCH, *LOUDNESS, *TIME)

# Semitones by which the range may hang on how strong the voice is, dB by which a change of loudness may on the margin.
_RANGES, _CHANGES = 1.0, 1.5
_BREAKS = 2  # jumps of an octave that are a voice that breaks
# Windows, and peaks, without which a number is chance.
_FOR_CHANGE, _FOR_RATE, _LEAST_SYLLABLES = 25, 50, 3
# Of the largest sample: flat to a thousandth over four samples near the top, which no tone above 76 Hz is.
_TOP, _EVEN, _CUT_SHARE = 0.9, 1e-3, 1e-3


Third = tuple[float, float, float]  # start and end in seconds, level


@dataclass(frozen=True, eq=False)
class Track:
    """A line to draw under the clip, 50 points a second, and where some of the numbers were found.

    Attributes:
        times: seconds, float64 of shape (points,).
        pitch: Hz; NaN where there is no voice.
        loudness: dBFS, at least -120.
        pause: start and end of the longest one, seconds; None where it is left unsaid, or there is none.
        thirds: of "pitch" (Hz) and "loudness" (dBFS), unless their change is left unsaid: the first and the last third,
            each with its start and end in seconds, and its level. The change is from level to level.
        ranges: of "pitch" (Hz) and "loudness" (dBFS), unless their range is left unsaid: its lower and its upper end.
        silences: start and end of each stretch that is no speech, seconds; none where `silent` is left unsaid.
    """

    times: Floats
    pitch: Floats
    loudness: Floats
    pause: tuple[float, float] | None
    thirds: Mapping[str, tuple[Third, Third]]
    ranges: Mapping[str, tuple[float, float]]
    silences: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Prosody:
    """What was measured; None where it cannot be said, and then `unsaid` has the reason.

    Speech is what is within 15.9 dB of its own level, with gaps under 0.2 s (ITU-T P.56); within less where what
    sounds behind it reaches that.

    Attributes:
        seconds: of the clip.
        pitch: Hz; the median fundamental frequency of speech where its voice is strong.
        pitch_range: semitones between the 5th and the 95th percentile of it.
        pitch_change: semitones; the median of the last third of the voiced time less that of the first. A rise of the
            last syllable alone hardly shows.
        loudness: dBFS; root mean square of speech without its gaps, 0 for a square wave of full scale.
        loudness_range: dB between the 10th and the 95th percentile (EBU Tech 3342's) of voiced windows of 60 ms.
        loudness_change: dB; the level of the last third of speech less that of the first.
        voiced: share of the clip's time that is speech with a voice.
        silent: share of the clip's time that is no speech.
        pause: seconds; the longest gap between speech and speech, 0 for none.
        rate: syllables per second of speech, pauses left out. From the given count of syllables; without one, from
            voiced peaks of loudness with dips of 2 dB between them (N. H. de Jong and T. Wempe, 2009).
        unsaid: name of each number that is None, and why.
        track: pitch and loudness through the clip, also where the numbers are left unsaid.
    """

    seconds: float
    pitch: float | None
    pitch_range: float | None
    pitch_change: float | None
    loudness: float | None
    loudness_range: float | None
    loudness_change: float | None
    voiced: float | None
    silent: float | None
    pause: float | None
    rate: float | None
    unsaid: Mapping[str, str]
    track: Track = field(repr=False, compare=False)


def measure(samples: Samples, syllables: int | None = None) -> Prosody:
    """Measure the voice of a clip.

    Args:
        samples: finite, within -1..1, of shape (n,) at 16 kHz; media/sound.py's int16 divided by 32768.
        syllables: how many are spoken in it, from a transcript (text/syllables.py); None to count what is heard.
    """
    from scipy.signal import butter, sosfilt  # here, since it takes half a second

    signal = np.array(samples, np.float64)
    if len(signal):  # an offset and rumble are neither loudness nor voice
        signal -= signal.mean()
        signal = sosfilt(butter(2, 50, "high", fs=RATE, output="sos"), signal)
    heard = Heard(signal)
    unsaid = _unsaid(heard, samples, syllables)
    values = {name: None if name in unsaid else round(_VALUES[name](heard), 4) for name in NAMES if name != "rate"}
    rate = None if "rate" in unsaid else round(heard.syllables(syllables) / (int(heard.speech.sum()) * STEP), 4)
    times = np.arange(0.5, len(heard.level)) * STEP
    pause = None if "pause" in unsaid else longest_gap(heard.speech)
    thirds = {name: of(heard) for name, of in _THIRDS.items() if f"{name}_change" not in unsaid}
    stretch = (pause[0] * STEP, pause[1] * STEP) if pause else None
    ranges = {name: of(heard) for name, of in _RANGE_ENDS.items() if f"{name}_range" not in unsaid}
    silences = [] if "silent" in unsaid else [(start * STEP, end * STEP) for start, end in runs(~heard.speech)]
    track = Track(times, heard.hertz, heard.level, stretch, thirds, ranges, silences)
    return Prosody(len(samples) / RATE, **values, rate=rate, unsaid=unsaid, track=track)


def _thirds(at: Places, level: Callable[[Places], float]) -> tuple[Third, Third]:
    """The first and the last third of some windows, by their places."""
    third = len(at) // 3
    first, last = (
        (float(of[0]) * STEP, float(of[-1] + 1) * STEP, level(of)) for of in (at[:third], at[len(at) - third :])
    )
    return first, last


def _pitch_thirds(heard: Heard) -> tuple[Third, Third]:
    return _thirds(heard.pitched, lambda at: float(2 ** np.median(np.log2(heard.hertz[at]))))


def _loudness_thirds(heard: Heard) -> tuple[Third, Third]:
    return _thirds(np.flatnonzero(heard.loud), lambda at: level_of(heard.power[at]))


def _pitch_change(heard: Heard) -> float:
    first, last = _pitch_thirds(heard)
    return 12 * log2(last[2] / first[2])


_THIRDS = {"pitch": _pitch_thirds, "loudness": _loudness_thirds}
_RANGE_ENDS: Mapping[str, Callable[["Heard"], tuple[float, float]]] = {
    "pitch": lambda heard: ends(heard.hertz[heard.pitched], 5),
    "loudness": lambda heard: ends(heard.level[heard.voiced], 10),
}


_VALUES = {
    "pitch": lambda heard: float(np.median(heard.hertz[heard.pitched])),
    "pitch_range": lambda heard: spread(heard.semitones(heard.pitched), 5),
    "pitch_change": _pitch_change,
    "loudness": lambda heard: level_of(heard.power[heard.loud]),
    "loudness_range": lambda heard: spread(heard.level[heard.voiced], 10),
    "loudness_change": lambda heard: loudness_change(heard.power[heard.loud]),
    "voiced": lambda heard: len(heard.voiced) / len(heard.level),
    "silent": lambda heard: float(1 - heard.speech.mean()),
    "pause": lambda heard: longest_pause(heard.speech),
}


def _unsaid(heard: Heard, samples: Samples, syllables: int | None) -> dict[str, str]:
    """Which numbers cannot be said, and why: the first reason that holds, from what spoils most to the least."""
    if not len(heard.level):
        return dict.fromkeys(NAMES, SHORT)
    if not heard.speech.any():
        return dict.fromkeys([name for name in NAMES if name not in ("voiced", "silent")], NO_SOUND)
    others, hum, clear = heard.has_others(), heard.is_hum(), heard.clear
    noisy = not hum and clear < CLEAR
    faint = not hum and clear < DISTINCT
    share, pause = heard.slack()
    octaves, jumps, _ = heard.jumps(heard.pitched)
    signs = [
        (PITCH, OTHERS, heard.is_drowned()),
        (PITCH, OTHERS, others and (octaves + jumps > 1 or not DISTINCT <= clear < FAR)),
        (PITCH[1:], OTHERS, others and octaves + jumps > 0),
        (STEADY, OTHERS, others and not heard.has_background()),
        ((*FINE, "pitch_range"), OTHERS, others or heard.has_tune_behind()),
        (NAMES, NOISE, not hum and clear < AUDIBLE),
        (FINE, NOISE, noisy or heard.has_bursts()),
        (STEADY, NOISE, faint or heard.has_bursts()),
        (PITCH[1:], BREAKS, octaves >= _BREAKS),
        (("pitch_range",), OTHERS, len(heard.pitched) > 0 and heard.range_slack() > _RANGES),
        (("loudness_change",), OTHERS if others else NOISE, heard.margin < MARGIN and heard.change_slack() > _CHANGES),
        (LOUDNESS, CLIPPED, _is_clipped(samples)),
        (("silent", "rate", "pause"), EDGES, share > SHARE_SLACK),
        (("pause",), EDGES, pause > PAUSE_SLACK),
    ]
    why = {name: reason for names, reason, holds in reversed(signs) if holds for name in names}
    return _too_little(heard, noisy, syllables) | why


def _too_little(heard: Heard, noisy: bool, syllables: int | None) -> dict[str, str]:
    """Which numbers there is too little sound for, or too little voice."""
    why = {}
    voiced, speech = len(heard.voiced), int(heard.speech.sum())
    mute = voiced < 0.1 * speech
    for name in (*PITCH, "loudness_range"):
        if (len(heard.pitched) if name in PITCH else voiced) < (FOR_PITCH if name == "pitch" else _FOR_CHANGE):
            why[name] = NOISE if noisy else NO_VOICE if mute else SHORT
    for name, windows in {"loudness": FOR_PITCH, "loudness_change": _FOR_CHANGE}.items():
        if heard.loud.sum() < windows:
            why[name] = SHORT
    if syllables == 0 or (syllables is None and (mute or heard.syllables(None) < _LEAST_SYLLABLES)):
        why["rate"] = NO_SYLLABLES
    if speech < (_FOR_RATE if syllables is None else _FOR_CHANGE):
        why["rate"] = SHORT
    return why


def _is_clipped(samples: Samples) -> bool:
    """Whether tops are cut off. A lossy codec and a change of rate round the cut, so that it may go unseen."""
    around = samples - np.median(samples)  # digital silence on an offset is even too
    top = np.abs(around).max()
    even = np.abs(np.diff(around)) < _EVEN * top
    even &= np.abs(around[1:]) > _TOP * top
    return bool(long_enough(even, 3).mean() > _CUT_SHARE)

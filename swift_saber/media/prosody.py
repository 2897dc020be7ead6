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
- What bursts without a pitch within 0.2 s of a voice counts as speech: with drums, one silence in seven is wrong.
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

from swift_saber.media.pitch import HOP, Flags, Floats, follow, long_enough, runs
from swift_saber.media.sound import RATE, SILENCE

Samples = NDArray[np.floating[Any]]
Places = NDArray[np.int64]

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

_STEP = HOP / RATE  # seconds
_FLOOR = -120.0  # dBFS; what digital silence is said to be, since the logarithm of nothing is no number
# ITU-T P.56: what is within 15.9 dB of the level of speech is speech, and 0.2 s of less are no pause yet. Where
# what sounds behind the voice reaches that, the margin ends half way down to it, but not above the second number.
_MARGIN, _LEAST_MARGIN, _HANGOVER = 15.9, 9.0, 10  # dB, dB, windows
# Pitch is that of the voice where it is strong: so much less below its level, but not less than the second number, and
# where Pitch.other is below the third. Found on speech with music, a second voice, babble and rooms, like all below.
_STRONGER, _LEAST_STRONG, _ALONE = 2.0, 7.0, 0.3  # dB, dB
# What is said of silences must be much the same where the margin is so much less or more.
_SLACK, _SHARE_SLACK, _PAUSE_SLACK = 3.0, 0.1, 0.15  # dB, share of the clip, seconds
_LEAST_GAP = 3  # windows; what is within it is one stretch of voice
_LEAST_SPEECH = 5  # windows; a click alone is no speech
# dB from the quietest twentieth of the windows up to speech. With the first all can be said, since noise stays below
# ITU's margin; with the second what is said of loud windows; with the third, pitch.
_CLEAR, _DISTINCT, _AUDIBLE = 18.0, 13.0, 6.0
_HUM = 0.8  # share of the windows with a voice from which on it never pauses
# Windows without which a number is chance.
_FOR_PITCH, _FOR_CHANGE, _FOR_RATE = 10, 25, 50
_LEAST_SYLLABLES, _DIP = 3, 2.0  # peaks, dB
# Signs of others: found between the worst of 40 spoken clips alone and the best of them with music or another voice.
_JUMP, _JUMPS, _JUMP_SHARE = 5.0, 3, 0.02  # semitones within 60 ms, how many, and of how many steps
_OCTAVE, _BREAKS = 1.5, 2  # semitones from one up or down, and how many of such jumps are a voice that breaks
_OTHER, _OTHER_SHARE = 0.2, 0.28  # Pitch.other, and how many windows have more
_BOTH = 0.1  # jumps times that share: a little of each
# The same where the voice is strong and something sounds on behind it: share, and mean of Pitch.other; for what is said
# of silences the mean, and how many jumps. 10 dB below a voice music has more than these, 15 dB below it less.
_STRONG_SHARE, _STRONG_OTHER, _BEHIND_OTHER, _BEHIND_JUMPS = 0.17, 0.125, 0.09, 1
_RANGES, _CHANGES = 1.0, 1.5  # semitones by which the range may hang on how strong the voice is, dB on the margin
_BEHIND, _BEHIND_RUN = 0.08, 8  # share of the quietest fifth that is voiced, in runs of so many quiet windows
_FAR = 25.0  # dB; what is so far below does no harm, and what has such gaps is no background
_APART, _BURST = 10, 5  # windows to the nearest voice, and how many such windows are no hiss or stop of it
_FLAT, _FLAT_SHARE, _TUNE = 0.02, 0.2, 3.0  # semitones a step, share of such steps, and range of what is then a tune
_WIDEST = 24.0  # semitones
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

    signal = np.asarray(samples, np.float64)
    if len(signal):  # an offset and rumble are neither loudness nor voice
        signal = sosfilt(butter(2, 50, "high", fs=RATE, output="sos"), signal - signal.mean())
    heard = _Heard(signal)
    unsaid = _unsaid(heard, samples, syllables)
    values = {name: None if name in unsaid else round(_VALUES[name](heard), 4) for name in NAMES if name != "rate"}
    rate = None if "rate" in unsaid else round(heard.syllables(syllables) / (int(heard.speech.sum()) * _STEP), 4)
    times = np.arange(0.5, len(heard.level)) * _STEP
    pause = None if "pause" in unsaid else _longest_gap(heard.speech)
    thirds = {name: of(heard) for name, of in _THIRDS.items() if f"{name}_change" not in unsaid}
    stretch = (pause[0] * _STEP, pause[1] * _STEP) if pause else None
    ranges = {name: of(heard) for name, of in _RANGE_ENDS.items() if f"{name}_range" not in unsaid}
    silences = [] if "silent" in unsaid else [(start * _STEP, end * _STEP) for start, end in runs(~heard.speech)]
    track = Track(times, heard.hertz, heard.level, stretch, thirds, ranges, silences)
    return Prosody(len(samples) / RATE, **values, rate=rate, unsaid=unsaid, track=track)


class _Heard:
    """A sound window by window, and which of the windows are speech.

    Attributes:
        hertz, power, level: of each window; level in dBFS.
        voice, speech, loud: which windows have a voice, are speech, and are speech without its gaps.
        voiced: places of those with a voice that are speech by ITU's margin.
        strong, pitched: which windows have a strong voice, and the places of those with nothing beside it, whose pitch
            is what is measured.
        active: level of speech, dBFS.
        clear: dB from the quietest twentieth of the windows to speech.
        margin: dB below its level to which speech goes.
    """

    def __init__(self, signal: Floats) -> None:
        pitch = follow(signal)
        self.hertz, self.power, self.other = pitch.hertz, pitch.power, pitch.other
        self.level = _decibels(self.power)
        self.voice = np.isfinite(self.hertz)
        above, self.active = self.level > SILENCE, _FLOOR
        for _ in range(10):  # the level of what is within the margin of that level; it settles after three or four
            self.active = _level(self.power[above])
            above = self.above(_MARGIN)
        self.clear = self.active - np.percentile(self.level, 5) if len(self.level) else 0.0
        self.margin, self.speech = _MARGIN, self.speech_within(_MARGIN)
        share, pause = self.slack()
        self.voiced = np.flatnonzero(self.voice & above & self.speech)
        near = self.clear < _CLEAR or self.has_tune_behind() or _others(self)
        if (near or share > _SHARE_SLACK or pause > _PAUSE_SLACK) and not self.is_hum():
            self.margin = float(np.clip(self.clear / 2, _LEAST_MARGIN, _MARGIN))
            self.speech = self.speech_within(self.margin)
        self.loud = self.above(self.margin) & self.speech
        reach = max(self.margin - _STRONGER, _LEAST_STRONG)
        self.strong = self.voice & self.above(reach)
        self.pitched = np.flatnonzero(long_enough(self.strong & (self.other < _ALONE), _LEAST_GAP))

    def above(self, margin: float) -> Flags:
        """Which windows are within a margin of the level of speech, in dB, and no silence."""
        found: Flags = self.level > max(self.active - margin, SILENCE)
        return found

    def speech_within(self, margin: float) -> Flags:
        """Which windows are speech where that is what is within a margin, in dB."""
        return long_enough(_joined(self.above(margin)), _LEAST_SPEECH)

    def slack(self) -> tuple[float, float]:
        """By how much the share of speech and the longest pause hang on the margin: share of the clip, and seconds.

        A voice that dies away, and music in a pause, make them hang on it.
        """
        half = min(self.margin, max(self.clear / 2, _LEAST_MARGIN))
        others = [self.speech_within(margin) for margin in (self.margin - _SLACK, self.margin + _SLACK, half)]
        share = max(abs(float(other.mean() - self.speech.mean())) for other in others)
        return share, max(abs(_pause(other) - _pause(self.speech)) for other in others)

    def change_slack(self) -> float:
        """By how many dB the change of loudness hangs on the margin."""
        margins = (self.margin - _SLACK, self.margin, self.margin + _SLACK)
        found = [_loudness_change(self.power[self.above(by) & self.speech_within(by)]) for by in margins]
        return max(found) - min(found)

    def semitones(self, at: Places) -> Floats:
        """Pitch of windows by their places, on a scale whose zero is 1 Hz."""
        found: Floats = 12 * np.log2(self.hertz[at])
        return found

    def is_hum(self) -> bool:
        """Whether a voice goes on and on, so that there is no quiet to be noisy."""
        return bool(self.clear < _AUDIBLE and self.voice.sum() > _HUM * len(self.voice))

    def steps(self, at: Places) -> Floats:
        """Semitones from each of some voiced windows to the next, where that is within the same stretch of voice."""
        found: Floats = np.abs(np.diff(self.semitones(at)))[np.diff(at) <= _LEAST_GAP]
        return found

    def jumps(self, at: Places) -> tuple[int, int, int]:
        """How often the pitch jumps by an octave, how often by anything else, and of how many steps."""
        steps = self.steps(at)
        far = steps > _JUMP
        octaves = far & (np.abs(steps - 12) < _OCTAVE)
        return int(octaves.sum()), int((far & ~octaves).sum()), len(steps)

    def has_tune_behind(self) -> bool:
        """Whether something sounds with a pitch where the voice is quiet, as music does and a room does not."""
        if not _AUDIBLE <= self.clear < _FAR:
            return False
        quiet = self.level <= np.percentile(self.level, 20)
        return bool((self.voice & long_enough(quiet, _BEHIND_RUN)).sum() > _BEHIND * quiet.sum())

    def has_background(self) -> bool:
        """Whether something sounds on behind the voice, so far below that it does not change what is loud."""
        if not _DISTINCT <= self.clear < _FAR or self.is_drowned():
            return False
        _, jumps, _ = self.jumps(self.pitched)
        return bool(jumps <= _BEHIND_JUMPS and self.other[self.strong].mean() < _BEHIND_OTHER)

    def is_drowned(self) -> bool:
        """Whether there are signs of music or of a second voice where the voice is strong."""
        if len(self.pitched) < _FOR_PITCH:
            return bool(self.strong.any() and self.other[self.strong].mean() > _STRONG_OTHER)
        gaps, other = self.clear >= _FAR, self.other[self.strong]
        share = (other > _OTHER).mean()
        return bool(
            (not gaps and other.mean() > _STRONG_OTHER)
            or share > (_OTHER_SHARE if gaps else _STRONG_SHARE)
            or _is_several(self, self.pitched, share)
        )

    def range_slack(self) -> float:
        """By how many semitones the range of pitch hangs on how strong the voice is."""
        return abs(_spread(self.semitones(self.pitched), 5) - _spread(self.semitones(self.voiced), 5))

    def has_bursts(self) -> bool:
        """Whether something sounds without a pitch and apart from the voice, as drums do, and doors."""
        near = np.convolve(self.voice & self.loud, np.ones(2 * _APART + 1))[_APART:-_APART] > 0
        return bool(near.any() and (self.loud & ~near).sum() >= _BURST)

    def syllables(self, known: int | None) -> int:
        """How many are spoken: known, or counted."""
        if known is not None:
            return known
        from scipy.signal import find_peaks

        smooth = np.convolve(np.pad(self.level, 1, "edge"), [0.25, 0.5, 0.25], "valid")
        peaks, _ = find_peaks(smooth, prominence=_DIP)
        return int((self.voice & self.loud)[peaks].sum())


def _decibels(power: Any) -> Any:
    return 10 * np.log10(np.maximum(power, 10 ** (_FLOOR / 10)))


def _level(power: Floats) -> float:
    """Of the mean of some windows; _FLOOR of none."""
    return float(_decibels(power.mean())) if len(power) else _FLOOR


def _joined(flags: Flags) -> Flags:
    """The same with gaps shorter than _HANGOVER filled, but for those at both ends."""
    joined = np.array(flags)
    for start, end in runs(~flags):
        if start > 0 and end < len(flags) and end - start < _HANGOVER:
            joined[start:end] = True
    return joined


def _ends(values: Floats, low: float) -> tuple[float, float]:
    return float(np.percentile(values, low)), float(np.percentile(values, 95))


def _spread(values: Floats, low: float) -> float:
    lower, upper = _ends(values, low)
    return upper - lower


def _longest_gap(speech: Flags) -> tuple[int, int] | None:
    """The first window of the longest gap between speech and speech, and the one after its last."""
    at = np.flatnonzero(speech)
    gaps = runs(~speech[at[0] : at[-1]]) if len(at) else []
    if not gaps:
        return None
    start, end = max(gaps, key=lambda gap: gap[1] - gap[0])
    return int(at[0]) + start, int(at[0]) + end


def _pause(speech: Flags) -> float:
    """Seconds of the longest gap between speech and speech."""
    start, end = _longest_gap(speech) or (0, 0)
    return (end - start) * _STEP


def _thirds(at: Places, level: Callable[[Places], float]) -> tuple[Third, Third]:
    """The first and the last third of some windows, by their places."""
    third = len(at) // 3
    first, last = (
        (float(of[0]) * _STEP, float(of[-1] + 1) * _STEP, level(of)) for of in (at[:third], at[len(at) - third :])
    )
    return first, last


def _pitch_thirds(heard: _Heard) -> tuple[Third, Third]:
    return _thirds(heard.pitched, lambda at: float(2 ** np.median(np.log2(heard.hertz[at]))))


def _loudness_thirds(heard: _Heard) -> tuple[Third, Third]:
    return _thirds(np.flatnonzero(heard.loud), lambda at: _level(heard.power[at]))


def _pitch_change(heard: _Heard) -> float:
    first, last = _pitch_thirds(heard)
    return 12 * log2(last[2] / first[2])


def _loudness_change(power: Floats) -> float:
    """dB from the first third of some windows to the last."""
    third = len(power) // 3
    return _level(power[len(power) - third :]) - _level(power[:third])


_THIRDS = {"pitch": _pitch_thirds, "loudness": _loudness_thirds}
_RANGE_ENDS: Mapping[str, Callable[["_Heard"], tuple[float, float]]] = {
    "pitch": lambda heard: _ends(heard.hertz[heard.pitched], 5),
    "loudness": lambda heard: _ends(heard.level[heard.voiced], 10),
}


_VALUES = {
    "pitch": lambda heard: float(np.median(heard.hertz[heard.pitched])),
    "pitch_range": lambda heard: _spread(heard.semitones(heard.pitched), 5),
    "pitch_change": _pitch_change,
    "loudness": lambda heard: _level(heard.power[heard.loud]),
    "loudness_range": lambda heard: _spread(heard.level[heard.voiced], 10),
    "loudness_change": lambda heard: _loudness_change(heard.power[heard.loud]),
    "voiced": lambda heard: len(heard.voiced) / len(heard.level),
    "silent": lambda heard: float(1 - heard.speech.mean()),
    "pause": lambda heard: _pause(heard.speech),
}


def _unsaid(heard: _Heard, samples: Samples, syllables: int | None) -> dict[str, str]:
    """Which numbers cannot be said, and why: the first reason that holds, from what spoils most to the least."""
    if not len(heard.level):
        return dict.fromkeys(NAMES, SHORT)
    if not heard.speech.any():
        return dict.fromkeys([name for name in NAMES if name not in ("voiced", "silent")], NO_SOUND)
    others, hum, clear = _others(heard), heard.is_hum(), heard.clear
    noisy = not hum and clear < _CLEAR
    faint = not hum and clear < _DISTINCT
    share, pause = heard.slack()
    octaves, jumps, _ = heard.jumps(heard.pitched)
    signs = [
        (PITCH, OTHERS, heard.is_drowned()),
        (PITCH, OTHERS, others and (octaves + jumps > 1 or not _DISTINCT <= clear < _FAR)),
        (PITCH[1:], OTHERS, others and octaves + jumps > 0),
        (STEADY, OTHERS, others and not heard.has_background()),
        ((*FINE, "pitch_range"), OTHERS, others or heard.has_tune_behind()),
        (NAMES, NOISE, not hum and clear < _AUDIBLE),
        (FINE, NOISE, noisy or heard.has_bursts()),
        (STEADY, NOISE, faint or heard.has_bursts()),
        (PITCH[1:], BREAKS, octaves >= _BREAKS),
        (("pitch_range",), OTHERS, len(heard.pitched) > 0 and heard.range_slack() > _RANGES),
        (("loudness_change",), OTHERS if others else NOISE, heard.margin < _MARGIN and heard.change_slack() > _CHANGES),
        (LOUDNESS, CLIPPED, _is_clipped(samples)),
        (("silent", "rate", "pause"), EDGES, share > _SHARE_SLACK),
        (("pause",), EDGES, pause > _PAUSE_SLACK),
    ]
    why = {name: reason for names, reason, holds in reversed(signs) if holds for name in names}
    return _too_little(heard, noisy, syllables) | why


def _too_little(heard: _Heard, noisy: bool, syllables: int | None) -> dict[str, str]:
    """Which numbers there is too little sound for, or too little voice."""
    why = {}
    voiced, speech = len(heard.voiced), int(heard.speech.sum())
    mute = voiced < 0.1 * speech
    for name in (*PITCH, "loudness_range"):
        if (len(heard.pitched) if name in PITCH else voiced) < (_FOR_PITCH if name == "pitch" else _FOR_CHANGE):
            why[name] = NOISE if noisy else NO_VOICE if mute else SHORT
    for name, windows in {"loudness": _FOR_PITCH, "loudness_change": _FOR_CHANGE}.items():
        if heard.loud.sum() < windows:
            why[name] = SHORT
    if syllables == 0 or (syllables is None and (mute or heard.syllables(None) < _LEAST_SYLLABLES)):
        why["rate"] = NO_SYLLABLES
    if speech < (_FOR_RATE if syllables is None else _FOR_CHANGE):
        why["rate"] = SHORT
    return why


def _others(heard: _Heard) -> bool:
    """Whether there are signs of music or of a second voice, by which no number would be that of one voice."""
    if heard.clear < _CLEAR and heard.has_tune_behind():
        return True
    if len(heard.voiced) < _FOR_PITCH:
        return False
    share = (heard.other[heard.voiced] > _OTHER).mean()
    return bool(share > _OTHER_SHARE or _is_several(heard, heard.voiced, share))


def _is_several(heard: _Heard, at: Places, share: float) -> bool:
    """Whether the pitch of some windows, so many with another beside it, goes as that of one voice does not."""
    _, jumps, steps = heard.jumps(at)
    breadth = _spread(heard.semitones(at), 5)
    return bool(
        (jumps >= _JUMPS and jumps > _JUMP_SHARE * steps)
        or jumps * share > _BOTH
        or (breadth > _TUNE and (heard.steps(at) < _FLAT).mean() > _FLAT_SHARE)
        or breadth > _WIDEST
    )


def _is_clipped(samples: Samples) -> bool:
    """Whether tops are cut off. A lossy codec and a change of rate round the cut, so that it may go unseen."""
    around = samples - np.median(samples)  # digital silence on an offset is even too
    top = np.abs(around).max()
    even = (np.abs(np.diff(around)) < _EVEN * top) & (np.abs(around[1:]) > _TOP * top)
    return bool(long_enough(even, 3).mean() > _CUT_SHARE)

"""What is heard of a sound, window by window: where is speech, where a voice alone, and what else sounds there.

Which windows are speech follows ITU-T P.56, and what spoils a number (music, a second voice, noise, drums) shows in
signs: jumps of the pitch, a second one beside it, what sounds where the voice is quiet. Thresholds are ours, found on
speech with music, a second voice, babble and rooms. What is made of it: media/prosody.py.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from swift_saber.media.pitch import HOP, Flags, Floats, follow, long_enough, runs
from swift_saber.media.sound import RATE, SILENCE

Places = NDArray[np.int64]

STEP = HOP / RATE  # seconds
_FLOOR = -120.0  # dBFS; what digital silence is said to be, since the logarithm of nothing is no number
# ITU-T P.56: what is within 15.9 dB of the level of speech is speech, and 0.2 s of less are no pause yet. Where
# what sounds behind the voice reaches that, the margin ends half way down to it, but not above the second number.
MARGIN, _LEAST_MARGIN, _HANGOVER = 15.9, 9.0, 10  # dB, dB, windows
# Pitch is that of the voice where it is strong: so much less below its level, but not less than the second number, and
# where Pitch.other is below the third. Found on speech with music, a second voice, babble and rooms, like all below.
_STRONGER, _LEAST_STRONG, _ALONE = 2.0, 7.0, 0.3  # dB, dB
# What is said of silences must be much the same where the margin is so much less or more.
_SLACK, SHARE_SLACK, PAUSE_SLACK = 3.0, 0.1, 0.15  # dB, share of the clip, seconds
_LEAST_GAP = 3  # windows; what is within it is one stretch of voice
_LEAST_SPEECH = 5  # windows; a click alone is no speech
#: dB from the quietest twentieth of the windows up to speech. With the first all can be said, since noise stays below
# ITU's margin; with the second what is said of loud windows; with the third, pitch.
CLEAR, DISTINCT, AUDIBLE = 18.0, 13.0, 6.0
_HUM = 0.8  # share of the windows with a voice from which on it never pauses
FOR_PITCH = 10  # windows without which a pitch is chance
_DIP = 2.0  # dB between two peaks that are two syllables
# Signs of others: found between the worst of 40 spoken clips alone and the best of them with music or another voice.
_JUMP, _JUMPS, _JUMP_SHARE = 5.0, 3, 0.02  # semitones within 60 ms, how many, and of how many steps
_OCTAVE = 1.5  # semitones from one up or down
_OTHER, _OTHER_SHARE = 0.2, 0.28  # Pitch.other, and how many windows have more
_BOTH = 0.1  # jumps times that share: a little of each
# The same where the voice is strong and something sounds on behind it: share, and mean of Pitch.other; for what is said
# of silences the mean, and how many jumps. 10 dB below a voice music has more than these, 15 dB below it less.
_STRONG_SHARE, _STRONG_OTHER, _BEHIND_OTHER, _BEHIND_JUMPS = 0.17, 0.125, 0.09, 1
_BEHIND, _BEHIND_RUN = 0.08, 8  # share of the quietest fifth that is voiced, in runs of so many quiet windows
FAR = 25.0  # dB; what is so far below does no harm, and what has such gaps is no background
_APART, _BURST = 10, 5  # windows to the nearest voice, and how many such windows are no hiss or stop of it
_FLAT, _FLAT_SHARE, _TUNE = 0.02, 0.2, 3.0  # semitones a step, share of such steps, and range of what is then a tune
_WIDEST = 24.0  # semitones


class Heard:
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
            self.active = level_of(self.power[above])
            above = self.above(MARGIN)
        self.clear = self.active - np.percentile(self.level, 5) if len(self.level) else 0.0
        self.margin, self.speech = MARGIN, self.speech_within(MARGIN)
        share, pause = self.slack()
        self.voiced = np.flatnonzero(self.voice & above & self.speech)
        near = self.clear < CLEAR or self.has_tune_behind() or self.has_others()
        if (near or share > SHARE_SLACK or pause > PAUSE_SLACK) and not self.is_hum():
            self.margin = float(np.clip(self.clear / 2, _LEAST_MARGIN, MARGIN))
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
        if not len(self.level):
            return 0.0, 0.0
        half = min(self.margin, max(self.clear / 2, _LEAST_MARGIN))
        others = [self.speech_within(margin) for margin in (self.margin - _SLACK, self.margin + _SLACK, half)]
        share = max(abs(float(other.mean() - self.speech.mean())) for other in others)
        return share, max(abs(longest_pause(other) - longest_pause(self.speech)) for other in others)

    def change_slack(self) -> float:
        """By how many dB the change of loudness hangs on the margin."""
        margins = (self.margin - _SLACK, self.margin, self.margin + _SLACK)
        found = [loudness_change(self.power[self.above(by) & self.speech_within(by)]) for by in margins]
        return max(found) - min(found)

    def semitones(self, at: Places) -> Floats:
        """Pitch of windows by their places, on a scale whose zero is 1 Hz."""
        found: Floats = 12 * np.log2(self.hertz[at])
        return found

    def is_hum(self) -> bool:
        """Whether a voice goes on and on, so that there is no quiet to be noisy."""
        return bool(self.clear < AUDIBLE and self.voice.sum() > _HUM * len(self.voice))

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
        if not AUDIBLE <= self.clear < FAR:
            return False
        quiet = self.level <= np.percentile(self.level, 20)
        return bool((self.voice & long_enough(quiet, _BEHIND_RUN)).sum() > _BEHIND * quiet.sum())

    def has_others(self) -> bool:
        """Whether there are signs of music or of a second voice, by which no number would be that of one voice."""
        if self.clear < CLEAR and self.has_tune_behind():
            return True
        if len(self.voiced) < FOR_PITCH:
            return False
        share = (self.other[self.voiced] > _OTHER).mean()
        return bool(share > _OTHER_SHARE or self.is_several(self.voiced, share))

    def is_several(self, at: Places, share: float) -> bool:
        """Whether the pitch of some windows, so many with another beside it, goes as that of one voice does not."""
        _, jumps, steps = self.jumps(at)
        breadth = spread(self.semitones(at), 5)
        return bool(
            (jumps >= _JUMPS and jumps > _JUMP_SHARE * steps)
            or jumps * share > _BOTH
            or (breadth > _TUNE and (self.steps(at) < _FLAT).mean() > _FLAT_SHARE)
            or breadth > _WIDEST
        )

    def has_background(self) -> bool:
        """Whether something sounds on behind the voice, so far below that it does not change what is loud."""
        if not DISTINCT <= self.clear < FAR or self.is_drowned():
            return False
        _, jumps, _ = self.jumps(self.pitched)
        return bool(jumps <= _BEHIND_JUMPS and self.other[self.strong].mean() < _BEHIND_OTHER)

    def is_drowned(self) -> bool:
        """Whether there are signs of music or of a second voice where the voice is strong."""
        if len(self.pitched) < FOR_PITCH:
            return bool(self.strong.any() and self.other[self.strong].mean() > _STRONG_OTHER)
        gaps, other = self.clear >= FAR, self.other[self.strong]
        share = (other > _OTHER).mean()
        return bool(
            (not gaps and other.mean() > _STRONG_OTHER)
            or share > (_OTHER_SHARE if gaps else _STRONG_SHARE)
            or self.is_several(self.pitched, share)
        )

    def range_slack(self) -> float:
        """By how many semitones the range of pitch hangs on how strong the voice is."""
        return abs(spread(self.semitones(self.pitched), 5) - spread(self.semitones(self.voiced), 5))

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


def level_of(power: Floats) -> float:
    """Of the mean of some windows; _FLOOR of none."""
    return float(_decibels(power.mean())) if len(power) else _FLOOR


def _joined(flags: Flags) -> Flags:
    """The same with gaps shorter than _HANGOVER filled, but for those at both ends."""
    joined = np.array(flags)
    for start, end in runs(~flags):
        if start > 0 and end < len(flags) and end - start < _HANGOVER:
            joined[start:end] = True
    return joined


def ends(values: Floats, low: float) -> tuple[float, float]:
    return float(np.percentile(values, low)), float(np.percentile(values, 95))


def spread(values: Floats, low: float) -> float:
    lower, upper = ends(values, low)
    return upper - lower


def longest_gap(speech: Flags) -> tuple[int, int] | None:
    """The first window of the longest gap between speech and speech, and the one after its last."""
    at = np.flatnonzero(speech)
    gaps = runs(~speech[at[0] : at[-1]]) if len(at) else []
    if not gaps:
        return None
    start, end = max(gaps, key=lambda gap: gap[1] - gap[0])
    return int(at[0]) + start, int(at[0]) + end


def longest_pause(speech: Flags) -> float:
    """Seconds of the longest gap between speech and speech."""
    start, end = longest_gap(speech) or (0, 0)
    return (end - start) * STEP


def loudness_change(power: Floats) -> float:
    """dB from the first third of some windows to the last."""
    third = len(power) // 3
    return level_of(power[len(power) - third :]) - level_of(power[:third])

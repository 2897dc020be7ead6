"""The voice of a clip as a page draws it: pitch and loudness through the clip, and what texts claim of them.

What is measured is media/prosody.py's to say, and what a claim is worth sed/evidence.py's.
"""

import warnings
from typing import Any

import numpy as np

from swift_saber.data.voice import measured
from swift_saber.media.pitch import Floats
from swift_saber.media.prosody import NAMES, Track
from swift_saber.sed.claims import read_voice
from swift_saber.sed.evidence import check
from swift_saber.sed.scale import Numbers, Scale, numbers

#: Points of a line, however long its clip is: as many as the pixels of its picture, nearly.
MOST_POINTS = 250


def voice_track(path: str) -> dict[str, Any] | str:
    """Return what html/track.js draws of the sound of a file, or why there is nothing: in 5 kB of JSON at most.

    Returns:
        {"seconds", "step": seconds from point to point, "pitch": Hz or None where most of a point has no voice,
        "loudness": dBFS, "numbers": {name: value}, "unsaid": {name: why it has none}, "pause": [start, end of the
        longest one] or None, "thirds": {"pitch", "loudness": [[start, end, level] of the first, of the last third]},
        "ranges": {"pitch", "loudness": [lower, upper end]}, "silences": [[start, end] of what is no speech]}; silences
        that are shorter than a step are left out. A decoder may hang on a broken file.
    """
    found = measured(path)
    if isinstance(found, str):
        return found
    values = {name: value for name in NAMES if (value := getattr(found, name)) is not None}
    step, pitch, loudness = _thinned(found.track)
    return {
        "seconds": round(found.seconds, 2),
        "step": step,
        "pitch": [None if np.isnan(each) else round(float(each)) for each in pitch],
        "loudness": [round(float(each)) for each in loudness],
        "numbers": {name: three_figures(value) for name, value in values.items()},
        "unsaid": dict(found.unsaid),
        "pause": found.track.pause and [round(seconds, 2) for seconds in found.track.pause],
        "thirds": {
            name: [[round(start, 2), round(end, 2), round(level, 1)] for start, end, level in of]
            for name, of in found.track.thirds.items()
        },
        "ranges": {name: [round(low, 1), round(high, 1)] for name, (low, high) in found.track.ranges.items()},
        "silences": [
            [round(start, 2), round(end, 2)] for start, end in found.track.silences if end - start > step - 1e-6
        ],
    }


def voice_claims(
    text: str, measurements: Numbers, scale: Scale | None = None, speaker: str | None = None
) -> list[dict[str, Any]]:
    """Return what a text states of a voice, each with its verdict.

    Args:
        text: the line about the voice, Chinese or English.
        measurements: of voice_track, or as sed.scale.numbers has them.
        scale, speaker: as sed.evidence.check; without a scale, pages of other rows say the same of the same clip.

    Returns:
        {"words", "denied", "property", "value", "reason", "by": with what it was compared}.
    """
    if "numbers" in measurements:
        measurements = {**measurements["numbers"], "unsaid": measurements["unsaid"]}
    return [
        {
            "words": one.claim.words,
            "denied": one.claim.denied,
            "property": f"{one.claim.property}_change" if one.claim.change else one.claim.property,
            "value": one.value,
            "reason": one.reason,
            "by": one.by,
        }
        for one in check(read_voice(text), numbers(measurements), scale, speaker).verdicts
    ]


def _thinned(track: Track) -> tuple[float, Floats, Floats]:
    """Seconds from point to point, pitch and loudness of at most MOST_POINTS: the median of a voice, the mean power."""
    each = max(1, -(-len(track.times) // MOST_POINTS))
    step = each / 50
    if each == 1 or not len(track.times):
        return step, track.pitch, track.loudness
    rest = -len(track.times) % each
    pitch = np.append(track.pitch, np.full(rest, np.nan)).reshape(-1, each)
    power = np.append(10 ** (track.loudness / 10), np.full(rest, np.nan)).reshape(-1, each)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the median of a point that has no voice
        median = np.nanmedian(pitch, axis=1)
    voiced = np.isfinite(pitch).sum(1) * 2 >= np.isfinite(power).sum(1)
    return step, np.where(voiced, median, np.nan), 10 * np.log10(np.nanmean(power, axis=1))


def three_figures(value: float) -> float:
    """Return a number as a page has it."""
    return float(f"{value:.3g}")

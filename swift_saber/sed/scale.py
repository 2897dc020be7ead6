"""What is low and what is high: for a speaker, in a data set, among people at large.

A number is put at its place among others, 0 the lowest and 1 the highest: among those of the speaker's other clips,
where there are enough of them; else among those of the data set; else by bounds out of the literature. Pitch has two
places where the speaker is known: a bass who speaks up is high for himself, and low to whoever hears him. Without a
scale its place is a stretch, from that among women to that among men.

A scale is of numbers alone; no text is read for it. Loudness of two clips compares voices only where gain and distance
are the same: a data set that was joined from several sources has a scale a source, or speakers.
"""

import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, log2, nan
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from swift_saber.errors import InputError, quoted
from swift_saber.media.prosody import NAMES, Prosody
from swift_saber.text.files import whole
from swift_saber.text.strict_json import dumps, read_json

VERSION = 1  # of the file
#: What has low and high. Changes and pauses mean something without comparison (sed/evidence.py).
SCALED = ("pitch", "pitch_range", "loudness", "loudness_range", "rate")
# Other clips without which no place is said: where the lowest third ends has then a standard error, sqrt(2/9/n), of
# 0.10 and 0.07, less than the half of the middle third by which a claim is left undecided.
SPEAKER_CLIPS, DATA_CLIPS = 20, 50
#: What is nearer to the middle one of the others stands in the middle, however close they all are, as the loudness of
#: clips is that were made equally loud: Hz as semitones; semitones, dB, syllables a second. Ours, each somewhat above
#: what is just heard between two sounds that follow each other.
HEARD = {"pitch": 1.0, "pitch_range": 1.0, "loudness": 2.0, "loudness_range": 2.0, "rate": 0.3}
# Numbers kept of a speaker and of the data set: more are thinned to as many quantiles.
_MOST_OF_SPEAKER, _MOST = 100, 1000
# Places of the four bounds of each group below, and what they are in standard deviations of a normal distribution.
_PLACES, _DEVIATIONS = (0.1, 1 / 3, 2 / 3, 0.9), (-1.28, -0.43, 0.43, 1.28)


def _voices(mean: float) -> tuple[float, ...]:
    """Of a group of speakers; between them a standard deviation of 3 semitones."""
    return tuple(mean * 2 ** (3 * deviation / 12) for deviation in _DEVIATIONS)


#: For whom there is no scale: groups, any of which the speaker may be of, and the numbers at _PLACES in each.
BOUNDS: dict[str, tuple[tuple[float, ...], ...]] = {
    # Hz. "Typical values obtained for F0 are 120 Hz for men and 210 Hz for women" (H. Traunmueller and A. Eriksson,
    # "The frequency range of the voice fundamental in the speech of male and female adults"); with these deviations
    # 80 % are within 96..150 and 168..262, near the 85..155 and 165..255 of R. J. Baken, "Clinical Measurement of
    # Speech and Voice", 2000. Children are above both.
    "pitch": (_voices(120), _voices(210)),
    # Semitones. The same two report standard deviations within a speaker of some 2 in dull reading and 4 in lively
    # speech, more in a tone language; from the 5th to the 95th percentile there are 3.3 of them.
    "pitch_range": ((3.0, 5.0, 12.0, 16.0),),
    # Syllables a second without pauses. Means: 6.2 for English and 5.2 for Mandarin, read (F. Pellegrino et al., "A
    # Cross-Language Perspective on Speech Information Rate", 2011); 5.1 and 3.4 for English, talked and read (E.
    # Jacewicz et al., "Articulation rate across dialect, age, and gender", 2009). What is inside of them is usual.
    "rate": ((2.6, 3.4, 6.2, 7.2),),
}
# Not there: loudness, since a recording does not tell the distance and the gain, and so no level on it is that of a
# voice; loudness_range, of which we know no such figures.

Numbers = Mapping[str, Any]
By = Literal["speaker", "data set", "bounds"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number stands among others.

    Attributes:
        low, high: 0..1; the same, but where it is not known among whom: then the lowest and the highest.
        by: with what it was compared.
    """

    low: float
    high: float
    by: By


def numbers(measured: Prosody | Numbers) -> Numbers:
    """Return what was measured, as it stands in rows: the names of media/prosody.py, and `unsaid` with the reasons.

    Raises:
        InputError: something in a mapping is no finite number and not None.
    """
    if isinstance(measured, Prosody):
        return {name: getattr(measured, name) for name in NAMES} | {"unsaid": dict(measured.unsaid)}
    for name in NAMES:
        value = measured.get(name)
        if value is not None and not _is_number(value):
            problem = f"is {quoted(value)} and not a number or null"
            raise InputError("measurements", name, problem, "measure the clip again (media/prosody.py)")
    return measured


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


class _Sample:
    """Some numbers, thinned to at most so many.

    Args:
        values: in ascending order.
        count: how many they were before.
    """

    def __init__(self, values: NDArray[np.float64], count: int) -> None:
        self.values, self.count = values, count

    @classmethod
    def of(cls, found: Sequence[float] | NDArray[np.float64], most: int) -> "_Sample":
        values = np.sort(np.asarray(found, np.float64))
        if len(values) > most:
            at = np.round(np.linspace(0, len(values) - 1, most)).astype(int)
            return cls(values[at], len(values))
        return cls(values, len(values))

    def place(self, name: str, value: float, least: int) -> float | None:
        """The share of the others that is below a value, with half of those that equal it; None of less than so many.

        Where all numbers are kept, one that equals it is taken for the clip's own, and left out.
        """
        below, upto = (int(np.searchsorted(self.values, value, side)) for side in ("left", "right"))
        own = int(upto > below and self.count == len(self.values))
        if self.count - own < least:
            return None
        if _distance(name, value, float(np.median(self.values))) < HEARD[name]:
            return 0.5
        return (below + (upto - below - own) / 2) / (len(self.values) - own)


class Scale:
    """What numbers are compared with; without arguments, bounds out of the literature.

    Attributes:
        clips: how many it was made of.
    """

    def __init__(
        self,
        everyone: Mapping[str, _Sample] | None = None,
        speakers: Mapping[str, Mapping[str, _Sample]] | None = None,
        clips: int = 0,
    ) -> None:
        self._everyone, self._speakers, self.clips = everyone or {}, speakers or {}, clips

    @classmethod
    def of(cls, measurements: Iterable[tuple[str | None, Prosody | Numbers]]) -> "Scale":
        """Make a scale of clips: each with its speaker, None where not known, and what was measured.

        A name stands for the same speaker in all of them, and all are measured alike: a rate that was counted by ear
        is lower than one out of a transcript, and they do not belong in one scale.
        """
        found: dict[str, dict[str, array[float]]] = {}
        clips = 0
        for speaker, measured in measurements:
            clips += 1
            values = numbers(measured)
            for name in SCALED:
                if values.get(name) is not None:
                    found.setdefault(name, {}).setdefault(speaker or "", array("d")).append(values[name])
        everyone = {name: _Sample.of(np.concatenate([*of.values()]), _MOST) for name, of in found.items()}
        speakers: dict[str, dict[str, _Sample]] = {}
        for name, of in found.items():
            for speaker, own in of.items():
                if speaker and len(own) >= SPEAKER_CLIPS:
                    speakers.setdefault(speaker, {})[name] = _Sample.of(own, _MOST_OF_SPEAKER)
        return cls(everyone, speakers, clips)

    def places(self, name: str, value: float, speaker: str | None = None) -> tuple[Place, ...]:
        """Return where a number stands; of two places the first leads. None where there is nothing to compare it with.

        For pitch, a place among the speaker's others is followed by the one among all.
        """
        own = self._speakers.get(speaker or "", {}).get(name)
        at = own.place(name, value, SPEAKER_CLIPS) if own else None
        if at is None:
            return self._among_all(name, value)
        further = self._among_all(name, value) if name == "pitch" else ()
        return (Place(at, at, "speaker"), *further)

    def _among_all(self, name: str, value: float) -> tuple[Place, ...]:
        at = self._everyone[name].place(name, value, DATA_CLIPS) if name in self._everyone else None
        if at is not None:
            return (Place(at, at, "data set"),)
        places = [float(np.interp(value, *_line(bounds))) for bounds in BOUNDS.get(name, ())]
        return (Place(min(places), max(places), "bounds"),) if places else ()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it as JSON."""
        speakers = {speaker: _written(samples) for speaker, samples in self._speakers.items()}
        found = {"version": VERSION, "clips": self.clips, "all": _written(self._everyone), "speakers": speakers}
        with whole(path) as part:
            part.write_text(dumps(found) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Scale":
        """Read what `save` wrote.

        Raises:
            InputError: the file cannot be read, or is another.
        """
        found = read_json(path)
        try:
            if found["version"] != VERSION:
                raise ValueError(f"is of version {found['version']}")
            speakers = {speaker: _read(samples) for speaker, samples in found["speakers"].items()}
            return cls(_read(found["all"]), speakers, int(found["clips"]))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            problem = f"is no scale that this version reads ({type(error).__name__}: {error})"
            raise InputError(str(path), "scale", problem, "make it again") from error


class ClipNumbers:
    """What a scale is made of, for hundreds of thousands of clips: 40 bytes each, and the speaker."""

    def __init__(self) -> None:
        self._speakers: list[str | None] = []
        self._values = array("d")  # len(SCALED) for each clip

    def add(self, speaker: str | None, measured: Numbers) -> None:
        """Add a clip; a number that was not measured is None or left out."""
        self._speakers.append(speaker)
        self._values.extend(nan if measured.get(name) is None else measured[name] for name in SCALED)

    def scale(self) -> Scale:
        """Return the scale of the clips added."""
        rows = zip(*[iter(self._values)] * len(SCALED), strict=True)
        clips = ({name: value for name, value in zip(SCALED, row, strict=True) if not isnan(value)} for row in rows)
        return Scale.of(zip(self._speakers, clips, strict=True))


def _distance(name: str, one: float, two: float) -> float:
    return abs(12 * log2(one / two) if name == "pitch" else one - two)


def _line(bounds: Sequence[float]) -> tuple[list[float], list[float]]:
    """Numbers and their places, from a bound beyond the outer ones, where no one is, to the other."""
    first, last = bounds[0] - (bounds[1] - bounds[0]), bounds[-1] + (bounds[-1] - bounds[-2])
    return [first, *bounds, last], [0.0, *_PLACES, 1.0]


def _written(samples: Mapping[str, _Sample]) -> dict[str, Any]:
    return {name: {"count": sample.count, "values": sample.values.tolist()} for name, sample in samples.items()}


def _read(samples: Mapping[str, Any]) -> dict[str, _Sample]:
    found = {}
    for name, sample in samples.items():
        if not all(map(_is_number, sample["values"])):
            raise ValueError(f"{name} holds something else than numbers")
        values = np.asarray(sample["values"], np.float64)
        if values.ndim != 1 or not len(values) or not np.isfinite(values).all() or (np.diff(values) < 0).any():
            raise ValueError(f"{name} is no list of numbers in order")
        if name not in SCALED or not isinstance(sample["count"], int) or sample["count"] < len(values):
            raise ValueError(f"{name} is not known, or its count is wrong")
        if name == "pitch" and values[0] <= 0:
            raise ValueError("pitch is not above 0 Hz")
        found[name] = _Sample(values, sample["count"])
    return found

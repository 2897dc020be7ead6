"""Whether what a text states about voice and face is so, by measurements: agrees, contradicts, or cannot be said.

A claim (sed/claims.py) is held against what was measured (media/prosody.py, sed/action_units.py). `place` is where a
number stands among others, 0..1 (sed/scale.py); where that is a stretch, a rule must hold for all of it, and where
there are two and a claim agrees at one and contradicts at the other, it is undecided.

| claim | agrees | contradicts | measured |
| --- | --- | --- | --- |
| high; slightly, plain, very | place >= 0.6, 2/3, 0.8 | place <= 1/4, 1/3, 1/2 | pitch, loudness, rate, ranges |
| low | the same from the other end | | |
| moderate | 1/3 <= place <= 2/3 | place <= 0.1 or >= 0.9 | |
| a low (high) voice | one of both is, and the other not the opposite | both are the opposite | pitch and loudness |
| rises; slightly, plain, sharply | >= 0.5, 1, 1.5 steps | <= -1 step; sharply: <= 0 | change of pitch, loudness |
| falls | the same, downwards | | |
| there is a pause; short, plain, long | >= 0.25, 0.5, 1 s | < 0.2, 0.25, 0.5 s | the longest pause |
| fluent | < 0.25 s | >= 1 s | |
| nobody speaks | silent >= 0.95 | voiced >= 0.1 | shares of the time |
| an action unit; slight, plain | in 0.15, 0.3 of the frames or more | in 0.05 or less | share of frames |
| it is strong | as plain, and intensity >= 0.4 | as plain, or intensity < 0.2 | intensity there |
| it is not there (brows relaxed) | the opposite | | |
| what is denied | what it denies contradicts | agrees | |
| tremor, evenness of rate, changes of rate | never | never | nothing measures them |
| in a part of the clip | as a change | never | the whole clip is measured |
| at some moments | never; pauses as above | never; pauses as above | |

The middle third is left undecided: people put that border here and there, and of the literature none says where. All
of these rules are ours. What agrees is not proved: a claim that is true of a third of all clips agrees by chance that
often, so a score is held against that of records that were dealt out to other clips (tests/benchmarks/
evidence_truth.py). A text that claims little scores well; so a score never stands without its coverage.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from swift_saber.media.prosody import Prosody
from swift_saber.sed.action_units import ActionUnits
from swift_saber.sed.claim_face import ACTION_UNITS
from swift_saber.sed.claims import Claim, Read
from swift_saber.sed.scale import SCALED, Numbers, Place, Scale, numbers

Value = Literal["agrees", "contradicts", "undecided"]

#: Why a claim is undecided; else it is the reason for which a number was not measured.
UNMEASURED = "no property that is measured"
NOT_MEASURED = "not measured"  # it could have been
BETWEEN = "between the bounds"
PART = "about a part of the clip"
NO_SCALE = "nothing to compare it with"
SPEAKER = "speaker not known"  # it depends on whether a man or a woman speaks
TWO_SCALES = "otherwise for the speaker than among all"
EITHER = "one of two meanings"
NO_UNIT = "no such action unit in the table"

# By strength: slight, plain, strong.
_HIGH = {1: 0.6, 2: 2 / 3, 3: 0.8}
_NOT_HIGH = {1: 1 / 4, 2: 1 / 3, 3: 1 / 2}
_MIDDLE, _EXTREMES = (1 / 3, 2 / 3), (0.1, 0.9)
# Semitones, dB. A step is what speech does not do by itself: sentences that state something fall by more, so that what
# falls is no news, and what rises is. Twice HEARD.
_STEP = {"pitch": 2.0, "loudness": 4.0}
_STEPS = {1: 0.5, 2: 1.0, 3: 1.5}
# Seconds. At 0.25 s begin pauses that are no part of a consonant (F. Goldman-Eisler, "Psycholinguistics", 1968); those
# between clauses last for 0.3 to 0.4 s, and whoever hears them says "without pauses" all the same.
_PAUSE = {1: 0.25, 2: 0.5, 3: 1.0}
_NO_PAUSE = {1: 0.2, 2: 0.25, 3: 0.5}
_ALL_SILENT, _A_VOICE = 0.95, 0.1  # shares
# Shares of the frames, and intensities 0..1. Detectors find units in single frames in which there are none.
_THERE, _GONE, _STRONG, _WEAK = 0.3, 0.05, 0.4, 0.2
_BRIEF = 0.1  # a blink lasts for a tenth of what other movements do


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the measurements say of one claim.

    Attributes:
        value: "agrees", "contradicts" or "undecided".
        reason: why it is undecided; "" where it is not.
        by: with what the number was compared: "speaker", "data set", "bounds"; "" where with nothing.
    """

    claim: Claim
    value: Value
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """How much of what is claimed agrees, and of how much that could be said.

    Attributes:
        agrees, decided, claims: how many.
        unread: clauses about the voice, or the face, in which no claim could be read.
    """

    agrees: int = 0
    decided: int = 0
    claims: int = 0
    unread: int = 0

    @property
    def value(self) -> float | None:
        """Share of the decided claims that agree; None of none."""
        return self.agrees / self.decided if self.decided else None

    @property
    def coverage(self) -> float | None:
        """Share of the claims that are decided; None of none."""
        return self.decided / self.claims if self.claims else None

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.agrees + other.agrees,
            self.decided + other.decided,
            self.claims + other.claims,
            self.unread + other.unread,
        )

    def __str__(self) -> str:
        said = "nothing decided" if self.value is None else f"{self.value:.2f} agree of {self.decided} decided"
        covered = "" if self.coverage is None else f" (coverage {self.coverage:.2f})"
        return f"{said} of {self.claims} claims{covered}, {self.unread} clauses not read"


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdicts on a text, in the order of its claims, and how many clauses were not read."""

    verdicts: tuple[Verdict, ...]
    unread: int

    @property
    def score(self) -> Score:
        values = [verdict.value for verdict in self.verdicts]
        decided = len(values) - values.count("undecided")
        return Score(values.count("agrees"), decided, len(values), self.unread)


def total(scores: Iterable[Score]) -> Score:
    """Return the score of all claims of some texts together."""
    return sum(scores, Score())


def check(read: Read, measured: Prosody | Numbers, scale: Scale | None = None, speaker: str | None = None) -> Checked:
    """Hold what a text states about a voice against what was measured.

    Args:
        read: of sed.claims.read_voice.
        measured: of media.prosody.measure, or the same as a mapping (sed.scale.numbers).
        scale: what is high and low; without one, bounds out of the literature.
        speaker: a name as Scale.of knew it.

    Raises:
        InputError: a mapping holds something else than numbers.
    """
    voice = _Voice(numbers(measured), scale or Scale(), speaker)
    return Checked(tuple(voice.verdict(claim) for claim in read.claims), len(read.unread))


def check_face(read: Read, units: ActionUnits) -> Checked:
    """Hold what a text states about a face (sed.claims.read_face) against the action units of its clip."""
    return Checked(tuple(_denied(claim, _face(claim, units)) for claim in read.claims), len(read.unread))


def _undecided(claim: Claim, reason: str, by: str = "") -> Verdict:
    return Verdict(claim, "undecided", reason, by)


def _decide(claim: Claim, agrees: bool, contradicts: bool, by: str = "") -> Verdict:
    if agrees:
        return Verdict(claim, "agrees", by=by)
    return Verdict(claim, "contradicts", by=by) if contradicts else _undecided(claim, BETWEEN, by)


def _denied(claim: Claim, verdict: Verdict) -> Verdict:
    """The verdict on a claim from the one on what it states or denies."""
    if not claim.denied or verdict.value == "undecided":
        return verdict
    return Verdict(claim, "contradicts" if verdict.value == "agrees" else "agrees", by=verdict.by)


class _Voice:
    """What was measured of a clip, and with what it is compared."""

    def __init__(self, measured: Numbers, scale: Scale, speaker: str | None) -> None:
        self._measured, self._scale, self._speaker = measured, scale, speaker

    def verdict(self, claim: Claim) -> Verdict:
        rules: Mapping[str, Callable[[Claim], Verdict]] = {
            "pause": self._pause,
            "silence": self._silence,
            "pitch_or_loudness": self._either,
        }
        rule = rules.get(claim.property, self._scaled)
        return _denied(claim, rule(claim))

    def _number(self, name: str) -> float | None:
        found: float | None = self._measured.get(name)
        return found

    def _unsaid(self, claim: Claim, name: str) -> Verdict:
        return _undecided(claim, (self._measured.get("unsaid") or {}).get(name, NOT_MEASURED))

    def _scaled(self, claim: Claim) -> Verdict:
        return self._of(claim, claim.property)

    def _of(self, claim: Claim, name: str) -> Verdict:
        """The verdict on a claim as one about a property."""
        if claim.change:
            return self._change(claim, name)
        if name not in SCALED:
            return _undecided(claim, UNMEASURED)
        if claim.where in ("start", "end", "moments"):
            return _undecided(claim, PART)
        value = self._number(name)
        if value is None:
            return self._unsaid(claim, name)
        places = self._scale.places(name, value, self._speaker)
        if not places:
            return _undecided(claim, NO_SCALE)
        found = [_at(claim, place) for place in places]
        if {verdict.value for verdict in found} >= {"agrees", "contradicts"}:
            return _undecided(claim, TWO_SCALES, found[0].by)
        return found[0]

    def _change(self, claim: Claim, name: str) -> Verdict:
        if name not in _STEP:
            return _undecided(claim, UNMEASURED)
        if claim.where in ("start", "moments"):
            return _undecided(claim, PART)
        value = self._number(f"{name}_change")
        if value is None:
            return self._unsaid(claim, f"{name}_change")
        steps = claim.direction * value / _STEP[name]
        found = _decide(claim, steps >= _STEPS[claim.strength], steps <= (0 if claim.strength == 3 else -1))
        if found.value == "contradicts" and claim.where == "end":  # the last third may fall and its last syllable rise
            return _undecided(claim, PART)
        return found

    def _either(self, claim: Claim) -> Verdict:
        both = [self._of(claim, name) for name in ("pitch", "loudness")]
        values = {verdict.value for verdict in both}
        if values == {"undecided"}:
            return both[0]
        if "undecided" in values and "contradicts" in values:
            return _undecided(claim, EITHER)
        if len(values) == 1 or values == {"agrees", "undecided"}:
            return next(verdict for verdict in both if verdict.value != "undecided")
        return _undecided(claim, EITHER)

    def _pause(self, claim: Claim) -> Verdict:
        if claim.where in ("start", "end"):
            return _undecided(claim, PART)
        seconds = self._number("pause")
        if seconds is None:
            return self._unsaid(claim, "pause")
        if claim.direction < 0:
            return _decide(claim, seconds < _NO_PAUSE[2], seconds >= _PAUSE[3])
        return _decide(claim, seconds >= _PAUSE[claim.strength], seconds < _NO_PAUSE[claim.strength])

    def _silence(self, claim: Claim) -> Verdict:
        silent, voiced = self._number("silent"), self._number("voiced")
        if silent is None or voiced is None:
            return self._unsaid(claim, "silent" if silent is None else "voiced")
        if claim.direction < 0:
            return _decide(claim, voiced >= _A_VOICE, silent >= _ALL_SILENT)
        return _decide(claim, silent >= _ALL_SILENT, voiced >= _A_VOICE)


def _at(claim: Claim, place: Place) -> Verdict:
    """The verdict on a claim about a level, by a place."""
    found = _decide(claim, *_level(claim, place.low, place.high), place.by)
    ends = {_decide(claim, *_level(claim, at, at)).value for at in (place.low, place.high)}
    return _undecided(claim, SPEAKER, place.by) if found.value == "undecided" and ends != {"undecided"} else found


def _level(claim: Claim, low: float, high: float) -> tuple[bool, bool]:
    """Whether a claim about a level agrees, and whether it contradicts, all along a stretch of places."""
    if claim.direction == 0:
        return _MIDDLE[0] <= low and high <= _MIDDLE[1], high <= _EXTREMES[0] or low >= _EXTREMES[1]
    if claim.direction < 0:
        low, high = 1 - high, 1 - low
    return low >= _HIGH[claim.strength], high <= _NOT_HIGH[claim.strength]


def _face(claim: Claim, units: ActionUnits) -> Verdict:
    if units.unsaid:
        return _undecided(claim, units.unsaid)
    if claim.change:
        return _undecided(claim, UNMEASURED)
    if claim.where in ("start", "end"):
        return _undecided(claim, PART)
    shares = _shares(claim.property, units)
    if shares is None:
        return _undecided(claim, NO_UNIT)
    scale = _BRIEF if claim.property == "blink" else 1.0
    there, gone = shares[0] >= _THERE * scale, shares[0] <= _GONE * scale
    if claim.direction < 0:
        return _decide(claim, gone, there)
    if claim.strength == 1:
        there = shares[0] >= _THERE * scale / 2
    if claim.strength == 3:
        there, gone = there and shares[1] >= _STRONG, gone or shares[1] < _WEAK
    return _decide(claim, there, gone)


def _shares(name: str, units: ActionUnits) -> tuple[float, float] | None:
    """In which share of the frames the units of a property are, and how strongly; None where the table has not all.

    Of `expression` any of those that the table has will do, but for those that speaking moves.
    """
    of: Sequence[int] = ACTION_UNITS[name]
    if name == "expression":
        known = [units.units[unit] for unit in of if unit in units.units and unit not in (25, 26)]
        return max(((each.share, each.intensity) for each in known), default=None)
    if any(unit not in units.units for unit in of):
        return None
    return min((units.units[unit].share, units.units[unit].intensity) for unit in of)

"""How far what is measured of a voice or a face supports what a text says of it.

What a text says of one thing counts once, however often it says it, and as contradicted where any of it is: so neither
saying it again nor saying it both ways adds anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from swift_saber.sed.action_units import ActionUnits
from swift_saber.sed.claims import read_face, read_voice
from swift_saber.sed.evidence import Value, Verdict, check, check_face
from swift_saber.sed.scale import Numbers, Scale

# What is kept of the verdicts on one thing: the first of these that is there.
_ORDER: tuple[Value, ...] = ("contradicts", "agrees", "undecided")


@dataclass(frozen=True, slots=True)
class Support:
    """Of how many things said the measurements say what: pitch, rate, a change of loudness, each once.

    Attributes:
        agrees, contradicts, undecided: how many.
        verdicts: on each claim.
    """

    agrees: int
    contradicts: int
    undecided: int
    verdicts: tuple[Verdict, ...]

    @property
    def share(self) -> float | None:
        """What agrees of what is decided; None where nothing is."""
        decided = self.agrees + self.contradicts
        return self.agrees / decided if decided else None

    @property
    def coverage(self) -> float:
        """What is decided of all that is said; 0 where nothing is said."""
        decided = self.agrees + self.contradicts
        return decided / (decided + self.undecided) if decided else 0.0

    @property
    def worth(self) -> float:
        """Laplace's rule of succession, (agrees + 1) / (decided + 2): 1/2 where nothing is decided, and nearer to 0
        or 1 the more is. What is right as often as a coin gains nothing, and one lucky claim is no proof.
        """
        return (self.agrees + 1) / (self.agrees + self.contradicts + 2)

    def counts(self) -> dict[str, int]:
        """Return {"agrees", "contradicts", "undecided"}, as rows have it."""
        return {"agrees": self.agrees, "contradicts": self.contradicts, "undecided": self.undecided}

    def claims(self) -> list[dict[str, Any]]:
        """Return each claim with its verdict, as rows have it."""
        return [
            {"words": one.claim.words, "property": one.claim.property, "value": one.value}
            | ({"reason": one.reason} if one.reason else {})
            for one in self.verdicts
        ]


def support(text: str, measured: Numbers, scale: Scale | None = None, speaker: str | None = None) -> Support:
    """Return how far measurements support what a text says of a voice.

    Args:
        text: the line about the voice, Chinese or English.
        measured, scale, speaker: as of sed.evidence.check.
    """
    return _support(check(read_voice(text), measured, scale, speaker).verdicts)


def support_face(text: str, units: ActionUnits) -> Support:
    """Return how far a clip's action units support what a text, Chinese or English, says of a face."""
    return _support(check_face(read_face(text), units).verdicts)


def _support(verdicts: tuple[Verdict, ...]) -> Support:
    values = list(_by_thing(verdicts).values())
    return Support(values.count("agrees"), values.count("contradicts"), values.count("undecided"), verdicts)


def _by_thing(verdicts: Iterable[Verdict]) -> Mapping[tuple[str, bool], Value]:
    found: dict[tuple[str, bool], Value] = {}
    for verdict in verdicts:
        thing = (verdict.claim.property, verdict.claim.change is not None)
        found[thing] = min(verdict.value, found.get(thing, verdict.value), key=_ORDER.index)
    return found

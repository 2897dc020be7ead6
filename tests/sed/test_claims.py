"""What the lines about voice and face state is read as a person reads it; what cannot be read is counted."""

import pytest

from swift_saber.sed.claims import Claim, face_claims, voice_claims
from tests.sed import said

VOICE = said.VOICE_EN | said.VOICE_ZH
FACE = said.FACE_EN | said.FACE_ZH


def short(claim: Claim) -> str:
    """A claim as the tables write it."""
    sign = claim.change or "-0+"[claim.direction + 1]
    parts = ["not" if claim.denied else "", claim.property, sign, str(claim.strength), claim.where or ""]
    return " ".join(part for part in parts if part)


def expected(text: str) -> list[str]:
    return sorted(each for each in text.split("; ") if each)


@pytest.mark.parametrize("text", VOICE)
def test_what_a_sentence_states_about_the_voice(text: str) -> None:
    assert sorted(map(short, voice_claims(text))) == expected(VOICE[text])


@pytest.mark.parametrize("text", FACE)
def test_what_a_sentence_states_about_the_face(text: str) -> None:
    assert sorted(map(short, face_claims(text))) == expected(FACE[text])

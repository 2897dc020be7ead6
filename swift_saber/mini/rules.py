"""Scores for the demo's candidates in the place of a judge: in the embedded world the truth is known.

The two criteria are those of pairs/judge.py, on the same scale of 1 to 5.
"""

from collections.abc import Mapping
from typing import Any

from swift_saber.errors import InputError
from swift_saber.mini.face import SHIRTS, WALLS
from swift_saber.mini.score import EMOTION_WORDS, FACE_WORDS, VOICE_WORDS, named
from swift_saber.mini.voice import PITCHES
from swift_saber.mini.world import HIDDEN, NO_PITCH, PLAIN, SILENT
from swift_saber.pairs.judge import HIGHEST, LOWEST, Rating
from swift_saber.sed.layout import parse
from swift_saber.sed.record import BODY, CONCLUSION, DIMENSIONS, FACE, SCENE, VOICE

#: What follows from a face and a voice in this world; a pair that is not here lets nothing follow.
FOLLOWS = {
    ("smile", "warm"): "happy",
    ("smile", PLAIN): "happy",
    ("smile", SILENT): "happy",
    ("smile", "hostile"): "sarcastic",
    ("frown", "hostile"): "angry",
    ("frown", PLAIN): "angry",
    ("frown", SILENT): "angry",
    ("frown", "warm"): "forced calm",
    (HIDDEN, "warm"): "happy",
    (HIDDEN, "hostile"): "angry",
    # Not in the demo's world, but in the harder one of tests/benchmarks/hard_world.py.
    ("gape", "trembling"): "afraid",
    ("gape", PLAIN): "afraid",
    ("gape", SILENT): "afraid",
    (HIDDEN, "trembling"): "afraid",
    ("smile", "trembling"): "nervous",
}
_TRUTH = ("face", "voice", "pitch", "wall", "shirt", "emotion")
_PITCH_WORDS = {**{pitch: pitch for pitch in PITCHES}, NO_PITCH: VOICE_WORDS[SILENT]}
# A sense that decides what the clip means and is misread weighs more than the colour of a wall: at this, the mean of
# both criteria stays below the 4 that a chosen answer needs, even where the conclusion fits the misread sense.
_MISREAD = 2


class MiniScorer:
    """Scores answers to the demo's clips by what the world knows of them."""

    settings: dict[str, Any] = {"by": "rules:mini"}  # noqa: RUF012 - never changed

    def __call__(self, row: Mapping[str, Any], text: str) -> Rating:
        """Rate one answer.

        logical_consistency: 5 where the emotion that the answer names follows from the face and the voice that the
        answer itself names (FOLLOWS), else 1. evidence_alignment: 1 and 1 more for each that is right of face, voice
        with its pitch, wall, and shirt; at most 2 where the state of the face or of the voice is not the true one.
        An answer without all six dimensions has 1 and 1.

        Args:
            row: the clip, with the world's truth as `labels`.
            text: the answer.

        Raises:
            InputError: the row has no such labels.
        """
        truth = row.get("labels")
        if not isinstance(truth, dict) or not truth.keys() >= set(_TRUTH):
            raise InputError(
                str(row.get("id")), "labels", "are not those of the demo's world", "use a judge for other clips"
            )
        fields = parse(text).fields
        if not all(fields.get(name, "").strip() for name in DIMENSIONS):
            return _rating(LOWEST, LOWEST)
        said_face, said_voice = (
            named(fields[FACE], FACE_WORDS),
            named(fields[VOICE], VOICE_WORDS),
        )
        emotion = named(fields[CONCLUSION], EMOTION_WORDS)
        follows = FOLLOWS.get((said_face or "", said_voice or ""))
        face, voice = said_face == truth["face"], said_voice == truth["voice"]
        right = (
            face,
            voice and named(fields[VOICE], _PITCH_WORDS) == truth["pitch"],
            named(fields[SCENE], {wall: wall for wall in WALLS}) == truth["wall"],
            named(fields[BODY], {shirt: shirt for shirt in SHIRTS}) == truth["shirt"],
        )
        alignment = LOWEST + sum(right)
        return _rating(
            HIGHEST if emotion is not None and emotion == follows else LOWEST,
            alignment if face and voice else min(alignment, _MISREAD),
        )


def _rating(consistency: int, alignment: int) -> Rating:
    return Rating({"logical_consistency": consistency, "evidence_alignment": alignment})

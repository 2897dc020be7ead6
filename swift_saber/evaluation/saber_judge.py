"""What a judge is asked about an answer on SABER-Test: how well each of its dimensions agrees with the clip's record.

SABER-Test's own metrics are not published; the scale of 1 to 5, all wording and one request per answer are ours.
"""

from collections.abc import Iterable, Mapping

from swift_saber.annotation import DIMENSIONS, Record
from swift_saber.evaluation.judge import Judge, Rating, Task, rate_all

LOWEST, HIGHEST = 1, 5

_MEANINGS = {
    "video_desc": "the scene: the place, the people, what happens.",
    "acoustic_feat": "how the voice and the other sounds are: tone, pitch, loudness, speed, the feeling they carry.",
    "speech_content": "what is said, word for word, and sound events such as laughter.",
    "facial_exp_desc": "what the face does: brows, eyes, mouth, and what it expresses.",
    "body_lang_desc": "posture, gestures and movements.",
    "sentiment_analysis": (
        "what the speaker feels, and why. Where the senses contradict each other, the contradiction and the way in "
        "which it is resolved belong to it."
    ),
}
_SYSTEM = """\
You compare an analysis of a short video clip of a person who speaks with the clip's checked reference, which counts \
as what really is in the clip. Both are given dimension by dimension. Rate each of these dimensions with an integer \
from 1 to 5:

{dimensions}

5: says what the reference says; no fact of it is missing that matters, and none is made up.
4: the same in all that matters, with a small detail missing or wrong.
3: the gist is right, but a fact that matters is missing or made up.
2: mostly wrong or mostly missing; something is still right.
1: contradicts the reference, says nothing of it, or is about something else.

The language, the length and the style do not matter: one text may be Chinese and the other English. Rate each \
dimension by itself. Feelings of opposite sign, such as a friendly and a hostile voice, contradict each other however \
much else agrees."""


def system_prompt(dimensions: Iterable[str]) -> str:
    """Return what the judge is told about these dimensions."""
    return _SYSTEM.format(dimensions="\n".join(f'"{name}": {_MEANINGS[name]}' for name in dimensions))


def settled(record: Record, fields: Mapping[str, str]) -> dict[str, int]:
    """Return the scores that need no judge: 1 for a dimension that is not in the answer or is blank; 5 where both the
    answer's heading is there and neither it nor the reference says anything.

    Args:
        record: the reference.
        fields: the dimensions found in the answer, as sed.parse returns them.
    """
    scores: dict[str, int] = {}
    for name in DIMENSIONS:
        if not fields.get(name, "").strip():
            right = name in fields and not getattr(record, name).strip()
            scores[name] = HIGHEST if right else LOWEST
    return scores


def rate_answers(
    judge: Judge, answers: Iterable[tuple[str, Record, Mapping[str, str]]]
) -> dict[str, tuple[dict[str, int], str] | str]:
    """Return each answer's score in each dimension and the judge's reason, or as a text why there is none.

    Args:
        judge: an open one.
        answers: of each its id, the reference, and the dimensions found in it.

    Raises:
        EndpointDown: nothing can be asked as things are; what is answered is kept.
    """
    known: dict[str, dict[str, int]] = {}
    tasks: list[Task] = []
    for name, record, fields in answers:
        known[name] = settled(record, fields)
        asked = [dimension for dimension in DIMENSIONS if dimension not in known[name]]
        if asked:
            quoted = {
                f"{who}, {dimension}": text
                for dimension in asked
                for who, text in (("Reference", getattr(record, dimension)), ("Analysis", fields[dimension]))
            }
            criteria = dict.fromkeys(asked, (LOWEST, HIGHEST))
            tasks.append(Task(name, system_prompt(asked), quoted, criteria))
    ratings = rate_all(judge, tasks, bar="judged")
    found: dict[str, tuple[dict[str, int], str] | str] = {}
    for name, scores in known.items():
        rating = ratings.get(name, Rating({}, ""))
        found[name] = rating if isinstance(rating, str) else ({**scores, **rating.scores}, rating.reason)
    return found

"""EMER's two overlaps: how far an answer has the reference's emotional clues, and its emotion labels, by a judge.

Published (EMER, AffectGPT): a language model compares both texts, once for the clues and once for the labels that it
sums up from each. Asking for both at once, the wording, the anchors of the scale and the integers of 1 to 10 are ours.
"""

from collections.abc import Mapping

from swift_saber.evaluation.judge import Judge, Rating, Task, rate_all

LOWEST, HIGHEST = 1, 10
CRITERIA = ("clue_overlap", "label_overlap")

PROMPT = """\
You compare two descriptions of the same video clip of a person who speaks: a reference, which counts as right, and \
an answer. Each may be in Chinese or in English; language, length and style do not matter. Give two scores, each an \
integer from 1 to 10.

"clue_overlap": how many of the reference's emotional clues does the answer have? Clues are what the reference takes \
its conclusion from: what face, gaze, body and voice do, what is said, and the situation where it explains a feeling. \
A clue that the answer tells with other words is there. A clue that it tells the other way round is not, and counts \
against it. Clues that only the answer has neither help nor harm unless they contradict the reference.
10: all clues of the reference are in the answer. 7: most, and the decisive ones. 4: some. 1: none, or they are \
reversed.

"label_overlap": sum up from each description, for yourself, the emotional states of the speaker, as short labels. \
How well do the answer's labels agree with the reference's? Words that mean the same are the same label; intensity \
matters little, the kind of feeling much. Labels that only the answer has count against it.
10: the same labels. 7: the main feeling is the same, others are not. 4: related feelings of the same sign. 1: no \
label in common, or the answer concludes no feeling."""


def rate_overlaps(judge: Judge, pairs: Mapping[str, tuple[str, str]]) -> dict[str, Rating | str]:
    """Return the two scores of each answer, or the reason why the judge gave none.

    Args:
        judge: an open one.
        pairs: (reference, answer) by id.

    Raises:
        EndpointDown: the judge cannot be asked; what it said is kept.
    """
    ranges = dict.fromkeys(CRITERIA, (LOWEST, HIGHEST))
    tasks = (
        Task(name, PROMPT, {"Reference": reference, "Answer": answer}, ranges)
        for name, (reference, answer) in pairs.items()
    )
    return rate_all(judge, tasks, bar="answers rated")

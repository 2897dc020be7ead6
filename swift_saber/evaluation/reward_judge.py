"""Whether the evidence of an answer agrees with its conclusion, by a model as the judge: a reward in training.

The settings stand in a YAML, one of models/service.py's per line:

    model: judge
    base_url: http://127.0.0.1:8000/v1

The wording, the scale of 1 to 5 and what it comes to as a reward, 0 to 1, are ours.
"""

import atexit
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from swift_saber.errors import InputError
from swift_saber.evaluation.judge import open_judge
from swift_saber.models.asker import in_order
from swift_saber.models.reply import Unusable
from swift_saber.models.service import Service
from swift_saber.recipe import check_recipe
from swift_saber.sed.record import CONCLUSION, DIMENSIONS

LOWEST, HIGHEST = 1, 5
CRITERION = "agreement"
_BLOCK = "judge"
_SYSTEM = """\
You are shown an analysis of a short video clip of a person who speaks, and not the clip: evidence of what is seen and \
heard, and a conclusion on what the speaker feels. Rate "agreement" with an integer from 1 to 5: does the conclusion \
follow from ALL the evidence? Take the evidence as given, even where you doubt it. Language, length and style do not \
matter.

5: the conclusion follows from all the evidence; where face, voice, words and body point to different feelings, it \
names the contradiction and resolves it.
3: the conclusion fits most of the evidence but passes over some of it.
1: the conclusion contradicts the evidence, rests on one sense while another says otherwise, or on nothing."""


class RewardJudge:
    """Scores answers, several at a time; its replies are kept until the process ends, and after it.

    Args:
        settings: the YAML.
        folder: for the replies, of which one process at a time may hold it.

    Raises:
        InputError: the file or a setting is wrong, or as open_judge.
    """

    def __init__(self, settings: str, folder: Path) -> None:
        try:
            service = Service.read(check_recipe(settings), _BLOCK)
        except InputError as error:
            if error.where != "recipe":
                raise
            raise InputError(settings, error.field.removeprefix(f"{_BLOCK}."), error.problem, error.remedy) from error
        opened = ExitStack()
        self._judge = opened.enter_context(open_judge(service, folder))
        atexit.register(opened.close)

    def __call__(self, answers: Sequence[Mapping[str, str]]) -> list[float | str]:
        """Return the score of each answer, 0..1, or why the judge gave none.

        Args:
            answers: the text of each dimension that it has. Without a conclusion, or without any evidence, it is 0 and
                the judge is not asked.

        Raises:
            EndpointDown: nothing can be asked as things are.
        """
        return list(in_order(self._one, answers, self._judge.concurrency))

    def _one(self, answer: Mapping[str, str]) -> float | str:
        shown = {name: answer[name] for name in DIMENSIONS if answer.get(name, "").strip()}
        if CONCLUSION not in shown or len(shown) == 1:
            return 0.0
        try:
            rating = self._judge.rate("judge of an answer", _SYSTEM, shown, {CRITERION: (LOWEST, HIGHEST)})
        except Unusable as error:
            return error.reason
        return (rating.scores[CRITERION] - LOWEST) / (HIGHEST - LOWEST)

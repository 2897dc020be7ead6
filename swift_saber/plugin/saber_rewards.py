"""Rewards for `swift rlhf --rlhf_type grpo --reward_funcs saber_format saber_emotion saber_consistency`, each 0..1.

Nothing is published of RL with SABER: what counts, and how much, is ours. Each has its own name in ms-swift's log,
`rewards/SaberFormat/mean` and so on; --reward_weights weighs them.

    saber_format       the share of the six dimensions that have a text; half of it where the answer is not, byte for
                       byte, in the layout that SED teaches (sed/layout.py). Speech may be blank under its heading
    saber_emotion      1 where the conclusion names the true emotion, by words (text/emotions.py, sed/conclusion.py),
                       else 0: a conclusion that names two says nothing. With SABER_REWARD_WHEEL=emotion_wheel/ at least
                       the share of the wheels that know the truth and have both in one group of their inner ring
    saber_consistency  whether the lines of face and voice agree with the conclusion, by words: the mean of both, 1 for
                       the same valence, 0 for the opposite or a line that is not there, 1/2 where one is neutral or
                       decides nothing; 1 where face and voice contradict each other and the conclusion says so. With
                       SABER_REWARD_JUDGE=judge.yaml a model judges instead (evaluation/reward_judge.py)
    saber_evidence     whether the line of the voice is what is measured of the row's sound (sed/support.py):
                       (agrees + 1) / (agrees + contradicts + 2), of the things that it says and that can be decided.
                       High and low are by bounds, or by SABER_EVIDENCE_SCALE=scale.json, which sed/scale.py writes

What is true of a row: its `emotion`, else `labels.emotion`, else what its `solution` concludes, the answer that
stood in the row (saber_dataset.py). Where a row says nothing, saber_emotion has no value for its answers, which
ms-swift leaves out of sum and log; for all answers to a row it is the same, and so moves none.

saber_evidence is 1/2 where a line says nothing that can be decided: less than for what is right and more than for what
is wrong. With no value there, for which ms-swift adds 0, silence would be worse than any wrong guess. A guess at even
odds gains nothing. One right claim has 2/3, three have 4/5; to say a thing twice, or both ways, adds nothing. A row
whose sound is not there, cannot be read, or has nothing that can be measured has no value, and moves none. What can be
gained without listening: what is true of most clips, such as a moderate pace by bounds; less of it by a scale.

What can be gained without looking: the format, and agreement, by evidence that is bent to the conclusion or a conflict
that is always claimed. So saber_consistency is no reward to train with alone, nor to weigh more than saber_emotion.

Needs no ms-swift until it is registered.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from swift_saber.data.voice import voice
from swift_saber.errors import InputError, quoted
from swift_saber.media.prosody import NAMES
from swift_saber.sed.conclusion import OTHERS, conclude
from swift_saber.sed.layout import parse
from swift_saber.sed.record import CONCLUSION, DIMENSIONS, FACE, SPEECH, VOICE
from swift_saber.sed.scale import Numbers, Scale
from swift_saber.sed.support import support
from swift_saber.text.emotions import EMOTIONS, find_emotion
from swift_saber.text.lexicon import Lexicon
from swift_saber.text.wheel import Wheels

WHEEL, JUDGE, SCALE = "SABER_REWARD_WHEEL", "SABER_REWARD_JUDGE", "SABER_EVIDENCE_SCALE"
#: Where a row may say which emotion is true, in the order of what counts.
TRUTHS = ("emotion", "labels", "solution")
# Rows named one by one before the rest is not.
_NAMED = 10
# Voices kept, 2 kB each: those of the answers to a row come one after the other.
_VOICES = 1000
_OPPOSITE = {"positive", "negative"}
#: What says that the senses contradict each other, or that a feeling is not the one shown (ours).
CONFLICT = (
    "contradict* conflict* contrast* belie belies belied clash* mismatch* inconsisten* mask* conceal* suppress* hiding "
    "hides hidden pretend* feign* forced sarcas* ironic* irony mocking* although though despite while",
    "矛盾 冲突 反差 不一致 不符 相反 掩饰 掩盖 隐藏 压抑 强忍 强装 故作 伪装 假装 讽刺 嘲讽 反讽 虽然 尽管 表面",
)
_CONFLICT = Lexicon({"conflict": " ".join(CONFLICT).split()})

# ms-swift's own, without an import of it.
logger = logging.getLogger("swift")


def completeness(text: str) -> float:
    """Return how far an answer is one in the layout of SED, 0..1, as saber_format has it."""
    answer = parse(text)
    there = sum(bool(said.strip()) or name == SPEECH for name, said in answer.fields.items())
    return there / len(DIMENSIONS) * (1.0 if answer.exact else 0.5)


def agreement(fields: Mapping[str, str]) -> float:
    """Return how far the evidence of an answer agrees with its conclusion, 0..1, as saber_consistency has it by words.

    Args:
        fields: the text of each dimension that the answer has. Without a conclusion, or where that names neither an
            emotion nor a valence, it is 0.
    """
    said = conclude(fields)
    if said["emotion"] is None and said["valence"] is None:
        return 0.0
    if said["conflict"] and _CONFLICT.sentences(fields[CONCLUSION]):
        return 1.0
    lines = ((fields.get(FACE, ""), said["face"]), (fields.get(VOICE, ""), said["voice"]))
    return sum(_agrees(valence, said["valence"]) if text.strip() else 0.0 for text, valence in lines) / 2


def _agrees(line: str | None, conclusion: str | None) -> float:
    if {line, conclusion} == _OPPOSITE:
        return 0.0
    return 1.0 if line and line == conclusion else 0.5


def true_emotion(row: Mapping[str, Any], where: str) -> str | None:
    """Return the emotion that is true of a row: as conclusions are read, or its own word where they do not know it.

    Args:
        row: its columns of TRUTHS.
        where: names it in errors.

    Returns:
        None where the row says nothing, or its `solution` concludes no emotion, or two.

    Raises:
        InputError: its `emotion` or `labels.emotion` is no word.
    """
    labels = row.get("labels")
    label = labels.get("emotion") if isinstance(labels, dict) else None
    named = {"emotion": row.get("emotion"), "labels.emotion": label}
    for field, word in named.items():
        if word is None:
            continue
        if not isinstance(word, str) or not word.strip():
            raise InputError(where, field, f"is {quoted(word)}, no emotion", "name one or leave it out")
        plain = word.strip().lower()
        return conclude({CONCLUSION: plain})["emotion"] or plain
    solution = row.get("solution")
    if not isinstance(solution, str):
        return None
    # An answer, or an emotion alone.
    emotion: str | None = conclude(parse(solution).fields or {CONCLUSION: solution})["emotion"]
    return emotion


class _Warnings:
    """Warns of rows that a reward has no value for, of each once and of few.

    Args:
        more: what is said of those after the first few.
    """

    def __init__(self, more: str) -> None:
        self._more, self._rows = more, set[str]()

    def __call__(self, row: str, text: str) -> None:
        if row in self._rows or len(self._rows) > _NAMED:
            return
        self._rows.add(row)
        logger.warning(f"swift-saber: {self._more if len(self._rows) > _NAMED else text}")


class SaberFormat:
    """`saber_format`, as ms-swift makes and calls rewards."""

    def __init__(self, args: Any = None, **_: Any) -> None:
        pass

    def __call__(self, completions: Sequence[str], **_: Any) -> list[float]:
        """Return the reward of each answer."""
        return [completeness(text) for text in completions]


class SaberEmotion:
    """`saber_emotion`, as ms-swift makes and calls rewards.

    Raises:
        InputError: the folder of SABER_REWARD_WHEEL is not as text/wheel.py says.
    """

    def __init__(self, args: Any = None, **_: Any) -> None:
        folder = os.environ.get(WHEEL)
        self._wheels = Wheels(Path(folder)) if folder else None
        self._say = _Warnings("further rows without an emotion are not named")

    def __call__(self, completions: Sequence[str], **columns: Any) -> list[float | None]:
        """Return the reward of each answer; None where its row does not say what is true.

        Args:
            completions: the answers.
            columns: of their rows, each a list as long.

        Raises:
            InputError: the rows have none of TRUTHS, or one has a wrong value there.
        """
        if not any(columns.get(name) for name in TRUTHS):
            remedy = "give rows an emotion, labels.emotion or an answer, or leave saber_emotion out of reward_funcs"
            raise InputError("dataset", "emotion", "is missing, which saber_emotion needs", remedy)
        names = columns.get("id") or [None] * len(completions)
        return [
            self._one(text, {name: columns[name][place] for name in TRUTHS if columns.get(name)}, str(names[place]))
            for place, text in enumerate(completions)
        ]

    def _one(self, text: str, row: Mapping[str, Any], where: str) -> float | None:
        truth = true_emotion(row, f"row {where}")
        if truth is None:
            self._say(where, f"row {where} says no emotion: saber_emotion has no value for answers to it")
            return None
        fields = parse(text).fields
        known = truth in EMOTIONS or truth in OTHERS
        said = conclude(fields)["emotion"] if known else find_emotion(fields.get(CONCLUSION, ""), [truth])
        if said is None or said == truth or self._wheels is None:
            return float(said == truth)
        shared = [one.precision for one in self._wheels.overlaps([truth], [said]) if one]
        return sum(shared) / len(shared) if shared else 0.0


class SaberConsistency:
    """`saber_consistency`, as ms-swift makes and calls rewards.

    With SABER_REWARD_JUDGE, replies are kept in the run's output folder; an answer that the judge has no score for is
    scored by words.

    Raises:
        InputError: the settings of the judge are wrong.
    """

    def __init__(self, args: Any = None, **_: Any) -> None:
        self._judge = None
        if settings := os.environ.get(JUDGE):
            # The one arrow upwards, which pyproject.toml names: without a judge nothing above is loaded.
            from swift_saber.evaluation.reward_judge import RewardJudge

            folder = Path(getattr(args, "output_dir", None) or ".") / f"reward_judge-{os.environ.get('RANK', 0)}"
            self._judge = RewardJudge(settings, folder)

    def __call__(self, completions: Sequence[str], **_: Any) -> list[float]:
        """Return the reward of each answer.

        Raises:
            EndpointDown: the judge cannot be asked as things are.
        """
        answers = [parse(text).fields for text in completions]
        if self._judge is None:
            return [agreement(fields) for fields in answers]
        scores = []
        for fields, score in zip(answers, self._judge(answers), strict=True):
            if isinstance(score, str):
                logger.warning(f"swift-saber: {score}; scored by words")
                score = agreement(fields)
            scores.append(score)
        return scores


class SaberEvidence:
    """`saber_evidence`, as ms-swift makes and calls rewards.

    Raises:
        InputError: SABER_EVIDENCE_SCALE names no scale.
    """

    def __init__(self, args: Any = None, **_: Any) -> None:
        path = os.environ.get(SCALE)
        self._scale = Scale.load(path) if path else None
        self._voice = lru_cache(_VOICES)(_measured)
        self._say = _Warnings("further rows whose voice cannot be measured are not named")

    def __call__(self, completions: Sequence[str], **columns: Any) -> list[float | None]:
        """Return the reward of each answer; None where nothing can be measured of its row's voice.

        Args:
            completions: the answers.
            columns: of their rows, each a list as long: "audios", else "videos"; "speaker", by which the scale knows
                who speaks.

        Raises:
            InputError: no row has a clip.
        """
        if not any(any(columns.get(name) or ()) for name in ("audios", "videos")):
            remedy = "give rows their sound, or leave saber_evidence out of reward_funcs"
            raise InputError("dataset", "audios", "are missing, which saber_evidence needs", remedy)
        rows = [
            {name: columns[name][place] for name in ("id", "audios", "videos", "speaker") if columns.get(name)}
            for place in range(len(completions))
        ]
        return [self._one(text, row) for text, row in zip(completions, rows, strict=True)]

    def _one(self, text: str, row: Mapping[str, Any]) -> float | None:
        where = f"row {row.get('id')}"
        found = self._voice(where, *(tuple(row.get(name) or ()) for name in ("audios", "videos")))
        if isinstance(found, str):
            self._say(where, f"{found}: saber_evidence has no value for answers to it")
            return None
        return support(parse(text).fields.get(VOICE, ""), found, self._scale, row.get("speaker")).worth


def _measured(where: str, audios: tuple[str, ...], videos: tuple[str, ...]) -> Numbers | str:
    """What is measured of a row's voice, or why nothing is."""
    try:
        found = voice({"audios": audios, "videos": videos}, where)
    except InputError as error:
        return f"{where}: {error.field}: {error.problem}"
    if all(found[name] is None for name in NAMES):
        return f"{where}: nothing of its voice can be measured ({', '.join(sorted({*found['unsaid'].values()}))})"
    return found


REWARDS = {
    "saber_format": SaberFormat,
    "saber_emotion": SaberEmotion,
    "saber_consistency": SaberConsistency,
    "saber_evidence": SaberEvidence,
}


def register() -> None:
    """Make the rewards known to ms-swift by their names."""
    from swift.rewards import orms

    orms.update(REWARDS)

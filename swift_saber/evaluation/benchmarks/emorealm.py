"""EmoReAlM: questions with choices on cues that are not there or say nothing, and on the agreement of modalities.

Published (AVERE, arXiv 2602.07054; the repository ihp-lab/AVERE): emorealm_v1.json, a list of {"id", "video", "task",
"question", "choices", "answer"}, where the answer is the letter of a choice and the video is that of a clip of DFEW
("part_1/1.mp4"); the question, which is "question" and all choices with spaces between; the tasks; and the scores:

    accuracy           of a task; average_accuracy is the mean of the tasks
    accuracy_yes, _no  where the right choice says yes, or no (they are called precision and recall there)
    f1                 the harmonic mean of these two
    said_yes           the share of such questions to which the answer is yes

Ours: an answer that names no choice or two, and one that is missing, is wrong, and is no yes. The authors' scorer takes
an answer for right where the right letter is a word in it, whatever else it says ("a smile" is choice A), leaves
missing answers out, and takes each wrong answer to a no question for a yes: --official does the same.
"""

import argparse
import os
import re
import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from swift_saber.errors import InputError, kind, quoted
from swift_saber.evaluation.benchmarks import Command
from swift_saber.evaluation.benchmarks.emobench_m.answers import after_thinking, is_denied
from swift_saber.evaluation.item import Item, State
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.run import Benchmark, read_answers, read_rejects
from swift_saber.evaluation.summary import aggregate, by_group, summarise, summary
from swift_saber.sed.layout import parse
from swift_saber.sed.record import CONCLUSION
from swift_saber.statistics.interval import Means, group_means_interval
from swift_saber.text.strict_json import read_json

#: The tasks whose right choices say yes or no (published).
YES_NO = ("modality_agreement", "reasoning_stress_audio", "reasoning_stress_video")
_VIDEOS, _SOUNDS = "dfew_original_clips_24fps", "dfew_original_clips_16khz"
_LETTER = re.compile(r"\s*(?:\(([A-Z])\)|([A-Z])[.:)])\s*")
# A letter that an answer begins with, or that stands behind "answer", "option" or "choose"; an A with another word
# behind it is an article.
_FIRST = re.compile(r"\W*([A-Z])(?:[.:)]|\s+[-–—]|\s*\n)")
_NAMED = re.compile(
    r"(?i:\b(?:answer|option|choice|choose)\b)(?i:\s+is\b)?\W*"
    r"([B-Z]\b|A\b(?!\s+(?!(?:because|since|as|and|or|is)\b)[a-z]))"
)
_OTHER = {"yes": "no", "no": "yes"}
_FIELDS = {"id": (str, int), "video": (str,), "task": (str,), "question": (str,), "answer": (str,)}


class Question(NamedTuple):
    """One entry of the file; the answer is a letter, and says has each choice's "yes", "no" or "", in YES_NO alone."""

    id: str
    video: str
    task: str
    text: str
    choices: list[str]
    answer: str
    says: list[str]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="emorealm_v1.json")
    about = f"folder of DFEW's clips: {_VIDEOS}/ in it or part_1/, part_2/, ...; not needed with --answers"
    parser.add_argument("--media", type=Path, help=about)
    parser.add_argument("--official", action="store_true", help="score as the authors' script does")


def _from_options(args: argparse.Namespace) -> Benchmark:
    if args.media is None and args.answers is None:
        raise InputError("eval", "--media", "is not given", "name the folder of the clips, or score --answers")
    asked = read_questions(args.data)
    media = find_clips(asked, args.media) if args.media is not None else {}
    rows = [
        {
            "id": one.id,
            "messages": [{"role": "user", "content": " ".join([one.text, *one.choices])}],
            "videos": [media[one.id][0]],
            "audios": media[one.id][1:] or None,
        }
        for one in asked
        if media
    ]

    def scored(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        said = read_answers(answers, {one.id for one in asked})
        return items(asked, said, read_rejects(rejects), media, official=args.official)

    def shown(found: Sequence[Item]) -> dict[str, Any]:
        return scores(found, official=args.official)

    return Benchmark("emorealm", {args.data.name: args.data}, rows, scored, shown, {"official": args.official})


COMMAND = Command(
    "Score answers on EmoReAlM: accuracy of each task and their mean, and of the questions about what is not there the "
    "shares of yes and no that are right. No judge is needed.",
    "--data emorealm_v1.json --media dfew/",
    _add_options,
    _from_options,
    ["--data emorealm_v1.json --answers answers.jsonl --official -o runs/emorealm-official"],
    verdicts=("accuracy",),
)


def read_questions(path: Path) -> list[Question]:
    """Return the entries of the file, in its order.

    Raises:
        InputError: the file cannot be read or is no list, or an entry lacks a field or has it in another form, has an
            id of before, an answer that is the letter of no choice, or a yes or no that its right choice does not say.
    """
    entries = read_json(path)
    if not isinstance(entries, list):
        raise InputError(
            str(path), "file", f"is {kind(entries)}, not a list", "take the file as its authors release it"
        )
    found: dict[str, Question] = {}
    for number, given in enumerate(entries, 1):
        where = f"{path}: entry {number}"
        one = _question(given, where)
        if one.id in found:
            raise InputError(where, "id", f"{quoted(one.id)} is there twice", "keep one entry for each id")
        found[one.id] = one
    return list(found.values())


def _question(given: Any, where: str) -> Question:
    remedy = "take the file as its authors release it"
    fields = given if isinstance(given, Mapping) else {}
    for name, kinds in _FIELDS.items():
        if not isinstance(value := fields.get(name), kinds) or not str(value).strip():
            raise InputError(where, name, f"is {quoted(value)}", remedy)
    video = os.path.normpath(fields["video"])
    if os.path.isabs(video) or video.startswith("..") or "\0" in video:
        raise InputError(where, "video", f"{quoted(video)} leads out of the folder of the clips", remedy)
    choices = fields.get("choices")
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, str) for choice in choices):
        raise InputError(where, "choices", f"is {quoted(choices)}, not a list of texts", remedy)
    answer, task = fields["answer"].strip().upper(), fields["task"]
    if answer not in string.ascii_uppercase[: len(choices)]:
        raise InputError(where, "answer", f"{quoted(answer)} is none of its {len(choices)} choices", remedy)
    says = [_says(choice) for choice in choices] if task in YES_NO else []
    if says and not says[string.ascii_uppercase.index(answer)]:
        problem = f"{quoted(choices[string.ascii_uppercase.index(answer)])} says neither yes nor no"
        raise InputError(where, "answer", problem, remedy)
    return Question(str(fields["id"]), video, task, fields["question"], choices, answer, says)


def _says(choice: str) -> str:
    """Yes or no, as published: whichever of these, yes first, is in a choice, even inside of a word."""
    text = _without_letter(choice).lower()
    return "yes" if "yes" in text else "no" if "no" in text else ""


def _without_letter(choice: str) -> str:
    found = _LETTER.match(choice)
    return choice[found.end() :].strip() if found else choice.strip()


def find_clips(asked: Sequence[Question], folder: Path) -> dict[str, list[str]]:
    """Return each question's video, and behind it its sound where that is a file of its own, by the question's id.

    Paths are absolute: a run may go on, and its page be made, from any folder.

    Raises:
        InputError: a video is not there: how many, and the first. The authors' scripts leave such questions out.
    """
    folder = folder.absolute()
    videos = folder / _VIDEOS if (folder / _VIDEOS).is_dir() else folder
    found: dict[str, list[str]] = {}
    for one in asked:
        sound = (folder / _SOUNDS / one.video).with_suffix(".wav")
        if (videos / one.video).is_file():
            found[one.id] = [str(videos / one.video), *([str(sound)] if sound.is_file() else [])]
    if missing := [one.video for one in asked if one.id not in found]:
        problem = f"{len(missing)} of {len(asked)} clips are not there (the first: {quoted(missing[0])})"
        raise InputError(str(videos), "--media", problem, "name the folder of DFEW's clips, complete")
    return found


def items(
    asked: Sequence[Question],
    answers: Mapping[str, str],
    rejects: Mapping[str, str],
    media: Mapping[str, Sequence[str]],
    *,
    official: bool = False,
) -> list[Item]:
    """Return an item for each question, with "accuracy" 0 or 1, and what its answer says where that is yes or no.

    Args:
        asked: as read_questions.
        answers: the model's words by id.
        rejects: why a question has no answer, by id.
        media: as find_clips; a question without clips has none to look at.
        official: as the authors' script reads answers.
    """
    found = []
    for one in asked:
        text = answers.get(one.id)
        choice = read_choice(text or "", one.choices)
        right = official_right(text or "", one.answer) if official else choice == one.answer
        state: State = "missing" if text is None else "answered" if right or choice else "invalid"
        details: dict[str, Any] = {"question": one.text, "choices": one.choices}
        if one.id in rejects:
            details["reject"] = rejects[one.id]
        if one.says:
            says = dict(zip(string.ascii_uppercase, one.says, strict=False))
            truth = says[one.answer]
            said = truth if right else _OTHER[truth] if official else says[choice] if choice else None
            details |= {"truth says": truth, "answer says": said}
        video, *sounds = media.get(one.id, [""])
        found.append(
            Item(
                id=one.id,
                group=one.task,
                truth=one.answer,
                prediction=one.answer if right else choice if choice != one.answer else None,
                state=state,
                scores={"accuracy": float(right)},
                response=text or "",
                videos=[video] if video else [],
                audios=sounds,
                details=details,
            )
        )
    return found


def read_choice(text: str, choices: Sequence[str]) -> str | None:
    """Return the letter of the one choice that an answer names, else None. Never raises. The rules are ours.

    Behind </think>, and where it is in six dimensions in the last one: the letters that stand alone, in brackets,
    before a mark or alone on a line at the beginning, or behind "answer", "option" or "choose" where that is not
    denied; where there is none, the choices whose words it holds, of nested ones the longest; else yes or no, where one
    choice alone begins so.

    Args:
        text: the answer.
        choices: as the file has them, with their letters or without.
    """
    body = after_thinking(text)
    body = parse(body).fields.get(CONCLUSION, body).strip()
    letters = string.ascii_uppercase[: len(choices)]
    alone = re.fullmatch(r"[\W_]*([A-Za-z])[\W_]*", body)
    named = {alone[1].upper()} if alone else set(re.findall(r"\(([A-Z])\)", body))
    named |= {first[1]} if (first := _FIRST.match(body)) else set()
    named |= {found[1] for found in _NAMED.finditer(body) if not is_denied(body, found.start())}
    if named:
        return named.pop() if len(named) == 1 and named <= set(letters) else None
    words = {letter: _plain(_without_letter(choice)) for letter, choice in zip(letters, choices, strict=True)}
    said = f" {_plain(body)} "
    held = {letter: text for letter, text in words.items() if text and f" {text} " in said}
    held = {
        letter: text
        for letter, text in held.items()
        if not any(f" {text} " in f" {other} " for key, other in held.items() if key != letter)
    }
    if held:
        return next(iter(held)) if len(held) == 1 else None
    beginnings = [letter for letter, text in words.items() if text.split()[:1] == said.split()[:1]]
    spoken = {word for word in said.split() if word in ("yes", "no")}
    return beginnings[0] if len(spoken) == 1 and said.split()[0] in spoken and len(beginnings) == 1 else None


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def official_right(text: str, letter: str) -> bool:
    """Whether the authors' script takes an answer for right: its letter is a word in it, large or small."""
    return re.search(rf"\b{letter}\b", text, re.IGNORECASE) is not None


def scores(found: Sequence[Item], *, official: bool = False) -> dict[str, Any]:
    """Return {"metrics", "groups", "tables", "context", "notes"} of scores.json.

    Args:
        found: as items returns them.
        official: leave missing answers out; a task in which all are missing counts as 0.
    """
    tasks = list(by_group(found))
    counted = [item for item in found if not official or item.state != "missing"]
    notes = []
    if len(counted) < len(found):
        left_out = len(found) - len(counted)
        notes.append(f"official: {left_out} of {len(found)} questions have no answer and are left out")

    def mean(means: Mapping[str, Means]) -> Means:
        total: Means = sum(means.values()) / len(tasks)  # type: ignore[assignment]
        return total

    return {
        "metrics": {
            "average_accuracy": aggregate(counted, "accuracy", mean),
            "accuracy": summarise(counted, "accuracy"),
        },
        "groups": {task: _task(members) for task, members in by_group(counted).items()},
        "tables": {},
        "context": [],
        "notes": notes,
    }


def _task(members: Sequence[Item]) -> dict[str, Any]:
    shown = {"accuracy": summarise(members, "accuracy")}
    if "truth says" not in members[0].details:
        return shown
    shares: dict[str, list[float]] = {}
    for says in ("yes", "no"):
        about = [item for item in members if item.details["truth says"] == says]
        shares[says] = [float(item.scores["accuracy"] or 0) for item in about] or [0.0]
        shown[f"accuracy_{says}"] = summarise(about, "accuracy") if about else summary(about, 0.0, None)
    said = [float(item.details["answer says"] == "yes") for item in members]
    value = float(_harmonic({says: np.array([np.mean(given)]) for says, given in shares.items()})[0])
    shown["f1"] = summary(members, value, group_means_interval(shares, _harmonic))
    shown["said_yes"] = summary(
        members, float(np.mean(said)), group_means_interval({"": said}, lambda means: means[""])
    )
    return shown


def _harmonic(means: Mapping[str, Means]) -> Means:
    yes, no = means["yes"], means["no"]
    both = yes + no
    return np.divide(2 * yes * no, both, out=np.zeros_like(both), where=both > 0)

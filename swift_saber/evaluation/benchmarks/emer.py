"""EMER: an answer's emotional clues and open-vocabulary labels against a human-checked description of the clip.

Published (EMER, AffectGPT): the reference, a CSV with the columns name, chinese and english, 332 clips in its later
version, and names and reasons, 100 clips in a file for each language, in its first; the overlaps by a judge; the labels
(open_labels.py) and their EW score (text/wheel.py). The question, and what counts when an answer is missing, are ours:

    clue_overlap, label_overlap    1..10 by a judge; the lowest without an answer
    ew_..._level1, ..._level2, ..._level1+2
                                   precision, recall and F1, 0..1; without an answer there are no labels, which scores 0
"""

import argparse
import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from swift_saber.errors import InputError, quoted, sum_up
from swift_saber.evaluation.benchmarks import Command
from swift_saber.evaluation.benchmarks.clips_by_name import Prompt, find_media, question
from swift_saber.evaluation.benchmarks.open_labels import (
    ANSWER,
    LABELS,
    TRUTH,
    extract_labels,
    overlap_metrics,
    overlap_notes,
    read_labels,
)
from swift_saber.evaluation.item import Item, State
from swift_saber.evaluation.judge import Judge, Rating, Task, rate_all
from swift_saber.evaluation.run import Benchmark, read_answers, read_rejects
from swift_saber.evaluation.summary import summarise
from swift_saber.text.files import read_text
from swift_saber.text.language import Language, text_language
from swift_saber.text.wheel import LEVELS, Wheels

GROUP = "emer"
_COLUMNS: dict[Language, str] = {"zh": "chinese", "en": "english"}
#: The description in EMER's first version, whose files have a language each.
_FIRST = "reasons"

#: In the later version of EMER and in the first (published).
CLIPS, FIRST_CLIPS = 332, 100
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


class Reference(NamedTuple):
    """One clip: its name, which is its id, and its description in each language ("" where there is none).

    In the first version both are the file's one.
    """

    name: str
    texts: dict[Language, str]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, required=True, help="the reference: final-EMER-reason.csv, gt-eng.csv, ..."
    )
    parser.add_argument("--media", type=Path, help="folder of the clips; not needed with --answers")
    parser.add_argument("--prompt", choices=("saber", "open"), default="saber", help="question (default saber)")
    parser.add_argument("--question-language", choices=("zh", "en"), default="zh", help="default zh, as the clips are")
    parser.add_argument("--language", choices=("zh", "en"), default="en", help="of the descriptions (default en, ours)")
    parser.add_argument("--wheel", type=Path, help="your emotion_wheel folder, for EW scores (default: none)")
    parser.add_argument("--truth-labels", type=Path, help="the reference's: JSONL {id, labels}, CSV or npz")
    parser.add_argument("--answer-labels", type=Path, help="the answers': JSONL {id, labels}, CSV or npz")


def _from_options(args: argparse.Namespace) -> Benchmark:
    if args.media is None and args.answers is None:
        raise InputError("eval", "--media", "is not given", "name the folder of the clips, or score --answers")
    if args.wheel is None and (args.truth_labels or args.answer_labels):
        raise InputError("eval", "--wheel", "is not given, and labels are", "name the emotion_wheel folder")
    scores_nothing = args.judge is None and args.wheel is None
    if scores_nothing and (args.answers is not None or args.model is not None):
        raise InputError("eval", "--judge", "is not given, nor are wheels and labels", "name the judge's model")
    clips = {clip.name for clip in read_reference(args.data, args.language)}
    # Existing answers have no clip to look at where no folder is named.
    asked = list(questions(args.data, args.media, args.question_language, args.prompt)) if args.media else []
    wheels = Wheels(args.wheel) if args.wheel is not None else None
    truth_labels, answer_labels = (
        read_labels(path) if path is not None else None for path in (args.truth_labels, args.answer_labels)
    )

    def scored(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        return items(
            args.data,
            read_answers(answers, clips),
            read_rejects(rejects),
            judge,
            wheels,
            language=args.language,
            media_folder=args.media,
            truth_labels=truth_labels,
            answer_labels=answer_labels,
        )

    files = {args.data.name: args.data, "truth labels": args.truth_labels, "answer labels": args.answer_labels}
    return Benchmark(
        "emer",
        {name: path for name, path in files.items() if path is not None} | (wheels.files if wheels else {}),
        asked,
        scored,
        lambda found: scores(found, wheels),
        {name: getattr(args, name) for name in ("prompt", "question_language", "language")},
    )


COMMAND = Command(
    "Score answers on EMER: overlap of clues and of labels, 1 to 10 by --judge, and with --wheel precision, recall and "
    "F1 of open-vocabulary labels over the five emotion wheels.",
    "--data EMER.csv --media clips/",
    _add_options,
    _from_options,
    judged=True,
)


def read_reference(path: str | os.PathLike[str], language: Language | None = "en") -> list[Reference]:
    """Return the clips of the reference in the order of the file.

    Args:
        path: the CSV, UTF-8, with the columns name, chinese and english; the column of the other language may be
            missing. Or one of EMER's first version, gt-chi.csv or gt-eng.csv, with the columns names and reasons.
        language: of the descriptions that are to be used; none of them may be blank. None where only names are.

    Raises:
        InputError: the file cannot be read, is not UTF-8 or no such CSV, holds no clip, or is in the other language; a
            name or a description is blank, a name is there twice, or is no plain file name.
    """
    text = read_text(path)
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    found: dict[str, Reference] = {}
    errors: list[InputError] = []
    rows = 0
    try:
        there = reader.fieldnames or ()
        # The page of EMER calls the later version's column names too.
        named = "names" if "names" in there and "name" not in there else "name"
        columns = {code: _FIRST if _FIRST in there else column for code, column in _COLUMNS.items()}
        for column in [named, *([columns[language]] if language else [])]:
            if column not in there:
                problem = f"is not there; the first line is {quoted(', '.join(there))}"
                remedy = "the columns are name, chinese, english, or names and reasons"
                raise InputError(str(path), f"column {column}", problem, remedy)
        for row in reader:
            rows += 1
            where = f"{path}:{reader.line_num}"
            try:
                clip = _reference(row, where, named, columns, language)
                if found.setdefault(clip.name, clip) is not clip:
                    raise InputError(where, "name", f"{quoted(clip.name)} is there twice", "keep one row for each clip")
            except InputError as error:
                errors.append(error)
    except csv.Error as error:
        where = f"{path}:{reader.line_num}"
        raise InputError(where, "line", f"is no CSV ({error})", "take the file as its authors distribute it") from error
    if errors:
        raise sum_up(errors, len(errors), rows, str(path))
    if not found:
        raise InputError(str(path), "file", "holds no clip", "take the file as its authors distribute it")
    if language and columns[language] == _FIRST:
        written = text_language(" ".join(clip.texts[language] for clip in found.values()))
        if written is not None and written != language:
            problem = f"are written in {quoted(written)}, and {quoted(language)} was asked for"
            remedy = f"give --language {written}, or the other file of the two"
            raise InputError(str(path), f"column {_FIRST}", problem, remedy)
    return list(found.values())


def _reference(
    row: Mapping[str | None, Any], where: str, named: str, columns: Mapping[Language, str], language: Language | None
) -> Reference:
    """One row; a row that ends early has None in the cells that it lacks, one that ends late a list under None."""
    if None in row:
        raise InputError(where, "line", "has more cells than the first line", "put a text with commas in quotes")
    name = (row[named] or "").strip()
    if not name:
        raise InputError(where, named, "is blank", "give the clip's name")
    if name in (".", "..") or not name.isprintable() or any(mark in name for mark in "/\\"):
        raise InputError(where, named, f"{quoted(name)} is no plain file name", "correct the name")
    texts: dict[Language, str] = {code: (row.get(column) or "").strip() for code, column in columns.items()}
    if language and not texts[language]:
        raise InputError(
            where, columns[language], f"of {quoted(name)} is blank", "fill it in or use the other language"
        )
    return Reference(name, texts)


def questions(
    reference: str | os.PathLike[str],
    media_folder: str | os.PathLike[str],
    language: Language = "zh",
    prompt: Prompt = "saber",
) -> Iterator[dict[str, Any]]:
    """Yield what a model is asked about each clip: a row for shell/infer.sh, with the clip's name as id.

    Args:
        reference: as read_reference.
        media_folder: of the clips: NAME.mp4 or another of VIDEO_SUFFIXES, with the sound in NAME.wav or another of
            AUDIO_SUFFIXES beside it, else inside of it.
        language: of the question; the default is that of the clips and of the published instruction.
        prompt: "saber", SABER's instruction (the Chinese one is published), or "open", OPEN_PROMPTS.

    Raises:
        InputError: as read_reference, or clips are not in the folder: how many, and the first.
    """
    names = [clip.name for clip in read_reference(reference, None)]
    media = find_media(names, media_folder)
    for name in names:
        yield question(name, media[name], language, prompt)


def items(
    reference: str | os.PathLike[str],
    answers: Mapping[str, str],
    rejects: Mapping[str, str],
    judge: Judge | None,
    wheel: Wheels | None = None,
    *,
    language: Language = "en",
    media_folder: str | os.PathLike[str] | None = None,
    truth_labels: Mapping[str, Sequence[str]] | None = None,
    answer_labels: Mapping[str, Sequence[str]] | None = None,
) -> list[Item]:
    """Return one item for each clip, in the order of the reference.

    Args:
        reference: as read_reference.
        answers: the model's words by the clip's name.
        rejects: why a clip has no answer, by its name, as far as it is known; shown, and counted as missing.
        judge: an open one; None for no overlaps, and then labels have to be given.
        wheel: the emotion wheels; without them no labels are asked for.
        language: of the descriptions that answers are compared with, the same for all models. The answers' own
            language does not matter.
        media_folder: of the clips, for those who look at the items; None for items without a clip.
        truth_labels, answer_labels: the user's own labels (open_labels.read_labels) in place of the judge's; a clip
            without a row has none.

    Raises:
        InputError: as read_reference, an answer or a label is of no clip, or there is neither judge nor labels.
        EndpointDown: the judge cannot be asked; what it said is kept.
    """
    clips = {clip.name: clip.texts[language] for clip in read_reference(reference, language)}
    for given in (answers, rejects, truth_labels or {}, answer_labels or {}):
        if unknown := [name for name in given if name not in clips]:
            problem = f"{len(unknown)} of {len(given)} are of no clip (the first: {quoted(unknown[0])})"
            raise InputError(str(reference), "name", problem, "score answers to the clips of this reference")
    media = find_media(clips, media_folder) if media_folder is not None else {}
    said = {name: answers[name] for name in clips if answers.get(name, "").strip()}
    ranges = dict.fromkeys(CRITERIA, (LOWEST, HIGHEST))
    tasks = (Task(name, PROMPT, {"Reference": clips[name], "Answer": text}, ranges) for name, text in said.items())
    ratings = rate_all(judge, tasks, bar="answers rated") if judge else None
    lowest = Rating(dict.fromkeys(CRITERIA, LOWEST), "")  # of what is not there
    truths: Mapping[str, Sequence[str] | str] = {}
    labels: Mapping[str, Sequence[str] | str] = {}
    if wheel is not None:
        truths = _labels(judge, clips, truth_labels, "reference labels")
        labels = _labels(judge, said, answer_labels, "answer labels")
    found = []
    for name, text in clips.items():
        state: State = "answered" if name in said else "invalid" if name in answers else "missing"
        overlaps: dict[str, float | None] = {}
        details: dict[str, Any] = {}
        failures: list[str] = []
        rating = None if ratings is None else ratings[name] if name in said else lowest
        if isinstance(rating, str):
            overlaps, failures = dict.fromkeys(CRITERIA), [f"overlaps: {rating}"]
        elif rating is not None:
            overlaps = {criterion: float(score) for criterion, score in rating.scores.items()}
            details = {"judge's reason": rating.reason} if name in said else {}
        if wheel is not None:
            pair = {TRUTH: truths.get(name, []), ANSWER: labels.get(name, [])}
            failures += [f"{whose} labels: {one}" for whose, one in pair.items() if isinstance(one, str)]
            details[LABELS] = {whose: None if isinstance(one, str) else list(one) for whose, one in pair.items()}
        if failures:
            details["judge failed"] = "; ".join(failures)
        if name in rejects:
            details["reject"] = rejects[name]
        video, sound = media.get(name, (None, []))
        found.append(
            Item(
                id=name,
                group=GROUP,
                truth=text,
                prediction=said.get(name),
                state="unjudged" if failures and state == "answered" else state,
                scores=overlaps,
                response=answers.get(name, ""),
                videos=[video] if video else [],
                audios=[path for path in sound if path != video],
                details=details,
            )
        )
    return found


def _labels(
    judge: Judge | None, texts: Mapping[str, str], given: Mapping[str, Sequence[str]] | None, bar: str
) -> Mapping[str, Sequence[str] | str]:
    """The labels of each text, or why there are none: the user's own, else the judge's."""
    if given is not None:
        return given
    if judge is None:
        raise InputError("emer", bar, "are read by a judge, and there is none", "name a judge or give labels as a file")
    return extract_labels(judge, texts, bar)


def scores(items: Sequence[Item], wheel: Wheels | None = None) -> dict[str, Any]:
    """Return what scores.json holds of EMER but for the model, the judge and the manifest.

    Args:
        items: as emer.items returns them; their order does not matter.
        wheel: the emotion wheels; None for no EW scores.

    Returns:
        "metrics": those of CRITERIA that the items have, and with wheels ew_f1, ew_precision and ew_recall of both
        levels (wheel.LEVELS); "groups", "tables" and "context", empty; "notes": the wheels' coverage among them.

    Raises:
        InputError: there are wheels, and the items were made without.
    """
    ordered = sorted(items, key=lambda item: item.id)
    metrics = {name: summarise(ordered, name) for name in CRITERIA if any(name in item.scores for item in ordered)}
    notes = [f"clue_overlap and label_overlap are {LOWEST} to {HIGHEST}, {LOWEST} without an answer"] if metrics else []
    if len(ordered) != CLIPS:
        as_first = ", as its first version" if len(ordered) == FIRST_CLIPS else ""
        notes.append(f"{len(ordered)} clips{as_first}; the later version of EMER has {CLIPS}")
    if wheel is not None:
        if any(LABELS not in item.details for item in ordered):
            raise InputError("items", LABELS, "are not there", "make the items with the emotion wheels too")
        for level in LEVELS:
            metrics |= overlap_metrics(ordered, wheel, level)
        notes += overlap_notes(ordered, wheel)
    return {"metrics": metrics, "groups": {}, "tables": {}, "context": [], "notes": notes}

"""SABER-Test: the six dimensions of an answer against the clip's record, consistent and inconsistent clips apart.

A set of one's own is scored in the same way: without that split where no row has it, without a record by its emotions
alone, in emotions of its own (text/emotion_list.py), and against several people's labels (people.py).

SABER-Test's metrics are not published: all of these are ours, the judge's scale and wording too. Each is
of one answer, and its mean is reported.

    judge_<dimension>   1..5, by a judge; judge is the mean of the six
    wer, cer            errors per word of what is said (English), per character (Chinese), at most 1: whoever invents
                        a speech is as wrong as whoever hears nothing, so silence never pays
    emotion             0 or 1: sentiment_analysis concludes the emotion of the row's labels (text/emotions.py), or
                        where it has none, the one that most people gave to the clip

    measured            with --measured, whether the voice is as the sound measures it (measured.py)
    measured_face       with --action-units, whether the face is as the clip's table says (measured_face.py)

A dimension that is not in the answer scores the lowest. The headline is the gap: how much worse a metric is on the
inconsistent clips than on the consistent ones.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from swift_saber.evaluation.benchmarks import Command
from swift_saber.evaluation.benchmarks.labelled import (
    ALL,
    GROUPS,
    add_data,
    clip_files,
    emotions_named,
    group_of,
    has_record,
    label_of,
    peoples_emotions,
    questions,
    read_test,
    true_emotion,
)
from swift_saber.evaluation.benchmarks.measured import MEASURED, measured_notes, with_measured
from swift_saber.evaluation.benchmarks.measured_face import (
    MEASURED_FACE,
    measured_face_notes,
    with_measured_face,
)
from swift_saber.evaluation.benchmarks.people import PEOPLE, agreement_metrics, with_people
from swift_saber.evaluation.item import Item, State
from swift_saber.evaluation.judge import Judge, Rating, Task, rate_all
from swift_saber.evaluation.metrics import table
from swift_saber.evaluation.run import Benchmark, read_answers, read_rejects
from swift_saber.evaluation.summary import aggregate, by_group, summarise
from swift_saber.sed.faces import read_faces
from swift_saber.sed.layout import parse
from swift_saber.sed.record import BODY, CONCLUSION, DIMENSIONS, FACE, SCENE, SPEECH, VOICE, Record, Row
from swift_saber.text.emotion_list import EmotionList, read_emotions
from swift_saber.text.error_rate import UNIT, word_error_rate

#: The judge's metrics, in the order in which they are shown.
JUDGED = ("judge", *(f"judge_{name}" for name in DIMENSIONS))
#: Error rates: the lower the better.
ERRORS = ("wer", "cer")
METRICS = ("emotion", *ERRORS, *JUDGED)

LOWEST, HIGHEST = 1, 5

#: What the judge is told that a dimension is.
MEANINGS = {
    SCENE: "the scene: the place, the people, what happens.",
    VOICE: "how the voice and the other sounds are: tone, pitch, loudness, speed, the feeling they carry.",
    SPEECH: "what is said, word for word, and sound events such as laughter.",
    FACE: "what the face does: brows, eyes, mouth, and what it expresses.",
    BODY: "posture, gestures and movements.",
    CONCLUSION: (
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


def benchmark(
    data: Path,
    emotions: Path | None = None,
    people: Path | None = None,
    measured: bool = False,
    action_units: Path | None = None,
) -> Benchmark:
    """Return SABER-Test on a JSONL of rows.

    Args:
        data: the rows, as labelled.read_test takes them.
        emotions: the list of own emotions; None for the common ones and the set's own labels.
        people: a table of people's labels.
        measured: whether the clips' sound is measured too.
        action_units: a folder of tables, as sed.faces takes them.

    Raises:
        InputError: as labelled.read_test, read_emotions, with_people and read_faces.
    """
    listed = read_emotions(emotions) if emotions else None
    rows = read_test(data, listed)
    rows, notes = with_people(rows, people, listed) if people else (rows, [])
    asked = list(questions(rows))
    known = {row["id"] for row in asked}
    faces = read_faces(action_units, ((str(row.id), row.videos) for row in rows)) if action_units else None
    settings = ({"measured": True} if measured else {}) | ({"action_units": faces.digest} if faces else {})

    def scored(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        found = items(rows, read_answers(answers, known), judge, read_rejects(rejects), listed)
        found = with_measured(found, rows) if measured else found
        return with_measured_face(found, faces) if faces else found

    def shown(found: Sequence[Item]) -> dict[str, Any]:
        all = scores(found)
        return {**all, "notes": [*all["notes"], *notes]}

    files = {path.name: path for path in (data, emotions, people) if path}
    return Benchmark("saber-test", files, asked, scored, shown, settings)


def _add_options(parser: argparse.ArgumentParser) -> None:
    add_data(parser)
    parser.add_argument("--people", type=Path, help="CSV id, annotator, label: people's labels, to compare with")
    text = "measure each clip's sound, and score what is said of pitch, loudness, rate and pauses by it (default: no)"
    parser.add_argument("--measured", action="store_true", help=text)
    text = "score what is said of the face by OpenFace's or py-feat's CSV in it, each named after a clip's id or video"
    parser.add_argument("--action-units", type=Path, metavar="FOLDER", help=text)


COMMAND = Command(
    "Score answers on SABER-Test: WER (CER in Chinese), the emotion that is concluded and, with --judge, each "
    "dimension against the record; and the gap between consistent and inconsistent clips. SABER-Test's own metrics "
    "are not published: these are ours. A set of your own needs neither consistency nor, for its emotions, a record.",
    "--data test.jsonl",
    _add_options,
    lambda args: benchmark(args.data, args.emotions, args.people, args.measured, args.action_units),
    ["--data own.jsonl --emotions emotions.csv --people people.csv --answers answers.jsonl -o runs/own"],
    judged=True,
    verdicts=("emotion",),
)


def items(
    rows: Sequence[Row],
    answers: Mapping[str, str],
    judge: Judge | None = None,
    rejects: Mapping[str, str] | None = None,
    emotions: EmotionList | None = None,
) -> list[Item]:
    """Return one item for each clip, in the order of the clips.

    A clip without answer, or whose answer has none of the six dimensions ("invalid"), gets the lowest score in all.
    One without a record has no scores but that of its emotion.
    Where the judge failed, the item is "unjudged": judge_... are None, and the other scores stand.

    Args:
        rows: as labelled.read_test returns them.
        answers: the model's words by id; a reject has none.
        judge: an open one; None for no judge's metrics.
        rejects: why a clip has no answer, by id; kept in the details.
        emotions: the user's own, in place of the common ones.

    Raises:
        InputError: labels.emotion, or a label of people, is no word or none of the emotions.
        EndpointDown: the judge cannot be asked; what it said is kept.
    """
    fields = {name: parse(text).fields for name, text in answers.items()}
    named = emotions_named(rows, emotions)
    ratings: dict[str, Rating | str] = {}
    if judge is not None:
        rated = [(str(row.id), row.record, fields.get(str(row.id), {})) for row in rows if has_record(row)]
        ratings = rate_answers(judge, rated)
    found = []
    for row in rows:
        name = str(row.id)
        read = fields.get(name, {})
        said = named(read.get(CONCLUSION, ""))
        truth, people = true_emotion(row, emotions), peoples_emotions(row, emotions)
        item = _item(row, answers.get(name), read, ratings.get(name))
        answer = said[0] if len(said) == 1 else None
        if truth is not None:
            item.details["emotion"] = {"truth": truth, "answer": answer, "named": said}
            if label_of(row) is None:
                item.details["emotion"]["truth of"] = "most people"
            item.scores["emotion"] = float(answer == truth)
        if people:
            item.details[PEOPLE] = {"labels": people, "model": answer}
        if rejects and name in rejects:
            item.details["reject"] = rejects[name]
        found.append(item)
    return found


def _item(row: Row, response: str | None, found: dict[str, str], rating: Rating | str | None) -> Item:
    """The item of a clip, all but what it says of the emotion."""
    state: State = "missing" if response is None else "answered" if found else "invalid"
    scores: dict[str, float | None] = {}
    details: dict[str, Any] = {"not in the answer": [name for name in DIMENSIONS if name not in found]}
    details |= {"language": row.language, "labels": row.labels, "cues": row.record.extra.get("cues", [])}
    if isinstance(rating, str):
        state, details["judge failed"] = "unjudged", rating
        scores |= dict.fromkeys(JUDGED)
    elif rating is not None:
        by_dimension, details["judge's reason"] = rating
        scores["judge"] = sum(by_dimension.values()) / len(DIMENSIONS)
        scores |= {f"judge_{name}": float(by_dimension[name]) for name in DIMENSIONS}
    if has_record(row):
        # 1 where the answer has no speech.
        rate = word_error_rate(row.record.speech_content, found[SPEECH], row.language) if SPEECH in found else 1.0
        details["error rate"] = rate
        scores[UNIT[row.language]] = min(1.0, rate)
    return Item(
        id=str(row.id),
        group=group_of(row),
        truth={name: getattr(row.record, name) for name in DIMENSIONS} if has_record(row) else None,
        prediction=found or None,
        state=state,
        scores=scores,
        response=response or "",
        **clip_files(row),
        details=details,
    )


def scores(found: Sequence[Item]) -> dict[str, Any]:
    """Return {"metrics", "groups", "tables", "context", "notes"} of scores.json.

    A metric "<name>_gap" is how much worse the inconsistent clips are: consistent - inconsistent, for error rates the
    other way round. Above 0 is always worse on inconsistent clips; its interval draws from both groups.

    Args:
        found: what `items` returned.
    """
    split = any(item.group in GROUPS for item in found)
    shown: dict[str, Any] = {"metrics": {}, "groups": {}, "tables": {}, "context": []}
    notes: list[str] = []
    gaps: dict[str, Any] = {}
    if split:
        shown["groups"] = {group: {} for group in GROUPS}
    else:
        notes.append(
            "no clip says consistent or inconsistent: all are scored as one set, without that split and its gap"
        )
    for metric in (*METRICS, *MEASURED, *MEASURED_FACE):
        about = with_metric(found, metric)
        if not about:
            continue
        shown["metrics"][metric] = summarise(about, metric)
        if not split:
            continue
        groups = by_group(about)
        for group, members in groups.items():
            shown["groups"][group][metric] = summarise(members, metric)
        if metric in (*MEASURED[1:], *MEASURED_FACE[1:]):
            continue
        if len(groups) == len(GROUPS):
            gaps[f"{metric}_gap"] = aggregate(about, metric, _error_gap if metric in ERRORS else _gap)
        else:
            notes.append(f"{metric}: no gap, since all clips that have it are {about[0].group}")
    shown["metrics"] = gaps | shown["metrics"]
    for group in (*GROUPS, ALL):
        if pairs := [item.details["emotion"] for item in found if item.group == group and "emotion" in item.details]:
            shown["tables"][group] = table([pair["truth"] for pair in pairs], [pair["answer"] for pair in pairs])
    metrics, groups_of_people, notes_of_people = agreement_metrics(found)
    shown["metrics"] |= metrics
    shown["groups"] |= groups_of_people
    notes += notes_of_people
    notes += [*measured_notes(found), *measured_face_notes(found)]
    if unlabelled := sum("emotion" not in item.details for item in found):
        notes.append(f"emotion: {unlabelled} of {len(found)} clips have no labels.emotion and are no part of it")
    if voted := sum("truth of" in item.details.get("emotion", {}) for item in found):
        notes.append(f"emotion: the truth of {voted} of {len(found)} clips is what most people say")
    recorded = sum(not item.scores.keys().isdisjoint(ERRORS) for item in found)
    if recorded < len(found):
        lacking = len(found) - recorded
        notes.append(f"{lacking} of {len(found)} clips have no record: neither speech nor dimensions are scored there")
    if recorded and "judge" not in shown["metrics"]:
        notes.append("no judge was asked: the dimensions are not rated")
    return {**shown, "notes": notes}


def with_metric(found: Sequence[Item], metric: str) -> list[Item]:
    """Return the items that have a metric, those in the state that they have in it.

    An answer that concludes no emotion, or two, is invalid in "emotion" alone.
    """
    about = [item for item in found if metric in item.scores]
    if metric != "emotion":
        return about
    silent = [item.state != "missing" and item.details["emotion"]["answer"] is None for item in about]
    return [replace(item, state="invalid") if none else item for item, none in zip(about, silent, strict=True)]


def _gap(means: Mapping[str, Any]) -> Any:
    return means["consistent"] - means["inconsistent"]


def _error_gap(means: Mapping[str, Any]) -> Any:
    return means["inconsistent"] - means["consistent"]


def system_prompt(dimensions: Iterable[str]) -> str:
    """Return what the judge is told about these dimensions."""
    return _SYSTEM.format(dimensions="\n".join(f'"{name}": {MEANINGS[name]}' for name in dimensions))


def settled(record: Record, fields: Mapping[str, str]) -> dict[str, int]:
    """Return the scores that need no judge: 1 for a dimension that is not in the answer or is blank; 5 where both the
    answer's heading is there and neither it nor the reference says anything.

    Args:
        record: the reference.
        fields: the dimensions found in the answer, as layout.parse returns them.
    """
    scores: dict[str, int] = {}
    for name in DIMENSIONS:
        if not fields.get(name, "").strip():
            right = name in fields and not getattr(record, name).strip()
            scores[name] = HIGHEST if right else LOWEST
    return scores


def rate_answers(judge: Judge, answers: Iterable[tuple[str, Record, Mapping[str, str]]]) -> dict[str, Rating | str]:
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
    found: dict[str, Rating | str] = {}
    for name, scores in known.items():
        rating = ratings.get(name, Rating({}, ""))
        found[name] = rating if isinstance(rating, str) else Rating({**scores, **rating.scores}, rating.reason)
    return found

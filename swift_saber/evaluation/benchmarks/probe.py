"""Modality-reliance probe: does the emotion of the answer change when a modality is taken away or exchanged?

No judge and no label of the clip is needed: an answer is compared with the same model's answer to the whole clip. Ours.

Each clip is asked about under four conditions:

    whole        as it is
    no_sound     without its sound
    no_picture   without its picture
    other_sound  its picture with the sound of another clip, of another emotion where both are known

Of each condition but the first, three shares of the clips add up to 1: "changed", the same, and "unreadable", where one
of the two answers is missing or concludes no emotion. A model that follows the face alone never changes its mind when
the sound goes. What is right is not asked here; that is saber_test.py.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from swift_saber.data.convert import sound_in_video
from swift_saber.data.questions import without
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks import Command, labelled
from swift_saber.evaluation.item import Item, State
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.run import Benchmark, read_answers, read_rejects
from swift_saber.evaluation.summary import by_group, summarise
from swift_saber.sed.layout import parse
from swift_saber.sed.record import CONCLUSION, Row
from swift_saber.text.emotion_list import EmotionList, read_emotions

WHOLE = "whole"
CONDITIONS = ("no_sound", "no_picture", "other_sound")


def benchmark(data: Path, emotions: Path | None = None) -> Benchmark:
    """Return the modality-reliance probe on a JSONL of rows.

    Args:
        data, emotions: as saber_test.benchmark.

    Raises:
        InputError: as labelled.read_test, read_emotions and questions.
    """
    listed = read_emotions(emotions) if emotions else None
    rows = labelled.read_test(data, listed)
    asked = list(questions(rows))
    known = {row["id"] for row in asked}

    def scored(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        return items(rows, read_answers(answers, known), read_rejects(rejects), listed)

    return Benchmark("probe", {path.name: path for path in (data, emotions) if path}, asked, scored, scores)


COMMAND = Command(
    "Ask about each clip four times: as it is, without sound, without picture, and with the sound of another clip; and "
    "count how often the emotion of the answer changes. No judge is needed.",
    "--data test.jsonl",
    labelled.add_data,
    lambda args: benchmark(args.data, args.emotions),
)


def questions(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield each clip's question under each condition, "<id>#<condition>"; without a sound file, or without a picture,
    there is only that of the whole clip.

    Args:
        rows: as labelled.read_test returns them.

    Raises:
        InputError: sound is taken from the video (USE_AUDIO_IN_VIDEO), where it cannot be taken away.
    """
    if sound_in_video():
        remedy = "unset it and give each clip's sound as a file in audios"
        raise InputError(
            "environment", "USE_AUDIO_IN_VIDEO", "leaves the sound in the video when it is taken away", remedy
        )
    donors = sound_donors(rows)
    for question in labelled.questions(rows):
        name = question["id"]
        yield {**question, "id": f"{name}#{WHOLE}"}
        changed = {"no_sound": without(question, "audios"), "no_picture": without(question, "videos")}
        if name in donors:
            changed["other_sound"] = {**question, "audios": labelled.clip_files(donors[name])["audios"]}
        for condition, other in changed.items():
            if other is not None:
                yield {**other, "id": f"{name}#{condition}"}


def sound_donors(rows: Sequence[Row]) -> dict[str, Row]:
    """Return, for each clip with picture and sound, the clip that it gets the sound of.

    A clip in the same language with another emotion; where there is none, one with another emotion, else any other. Of
    several, a digest of the clip's id decides, so neither chance nor the order of the rows does.
    """
    whole = sorted((row for row in rows if row.videos and row.audios), key=lambda row: str(row.id))
    emotions = {row.id: labelled.true_emotion(row) for row in whole}
    found: dict[str, Row] = {}
    for row in whole:
        start = int.from_bytes(hashlib.sha256(str(row.id).encode()).digest()[:8], "big") % len(whole)
        best: tuple[int, Row] | None = None
        for step in range(len(whole)):
            donor = whole[(start + step) % len(whole)]
            if donor.audios == row.audios:
                continue
            known = emotions[row.id] is not None and emotions[donor.id] is not None
            fits = 2 * (known and emotions[row.id] != emotions[donor.id]) + (row.language == donor.language)
            if best is None or fits > best[0]:
                best = fits, donor
            if fits == 3:
                break
        if best is not None:
            found[str(row.id)] = best[1]
    return found


def items(
    rows: Sequence[Row],
    answers: Mapping[str, str],
    rejects: Mapping[str, str] | None = None,
    emotions: EmotionList | None = None,
) -> list[Item]:
    """Return one item for each clip, in the order of the clips.

    Its scores are "<condition>_changed" and "<condition>_unreadable", 0 or 1, for the conditions that the clip has; its
    prediction is the emotion under each condition, None where no single one can be read. It is "missing" where an
    answer is, and "invalid" where one concludes no emotion.

    Args:
        rows: as labelled.read_test returns them.
        answers: the model's words by the questions' ids; a reject has none.
        rejects: why a question has no answer, by id; kept in the details, each with its condition.
        emotions: the user's own, in place of the common ones.
    """
    named = labelled.emotions_named(rows, emotions)
    donors = sound_donors(rows)
    return [
        _item(row, labelled.true_emotion(row, emotions), answers, rejects or {}, named, donors.get(str(row.id)))
        for row in rows
    ]


def _item(
    row: Row,
    truth: str | None,
    answers: Mapping[str, str],
    rejects: Mapping[str, str],
    named: Callable[[str], list[str]],
    donor: Row | None,
) -> Item:
    both = bool(row.videos and row.audios)
    there = {"no_sound": both, "no_picture": both, "other_sound": donor is not None}
    conditions = [WHOLE, *(name for name in CONDITIONS if there[name])]
    said = {condition: answers.get(f"{row.id}#{condition}") for condition in conditions}
    concluded = {name: named(parse(text or "").fields.get(CONCLUSION, "")) for name, text in said.items()}
    emotions = {name: found[0] if len(found) == 1 else None for name, found in concluded.items()}
    scores: dict[str, float | None] = {}
    for condition in conditions[1:]:
        readable = emotions[WHOLE] is not None and emotions[condition] is not None
        scores[f"{condition}_changed"] = float(readable and emotions[WHOLE] != emotions[condition])
        scores[f"{condition}_unreadable"] = float(not readable)
    state = _state(said, emotions, conditions)
    details: dict[str, Any] = {"answers": said}
    if donor is not None:
        details["other sound"] = {"clip": donor.id, "audios": labelled.clip_files(donor)["audios"]}
    refused = {condition: rejects.get(f"{row.id}#{condition}") for condition in conditions}
    if reasons := [f"{condition}: {reason}" for condition, reason in refused.items() if reason is not None]:
        details["reject"] = "; ".join(reasons)
    return Item(
        id=str(row.id),
        group=labelled.group_of(row),
        truth=truth,
        prediction=emotions if state == "answered" else None,
        state=state,
        scores=scores,
        response=said[WHOLE] or "",
        **labelled.clip_files(row),
        details={**details, "emotions": emotions},
    )


def scores(found: Sequence[Item]) -> dict[str, Any]:
    """Return {"metrics", "groups", "tables", "context", "notes"} of scores.json.

    Args:
        found: what `items` returned.
    """
    metrics: dict[str, Any] = {}
    split = any(item.group in labelled.GROUPS for item in found)
    groups: dict[str, dict[str, Any]] = {group: {} for group in labelled.GROUPS} if split else {}
    notes: list[str] = []
    for condition in CONDITIONS:
        changed, unreadable = f"{condition}_changed", f"{condition}_unreadable"
        about = [_in(item, condition) for item in found if changed in item.scores]
        if len(about) < len(found):
            notes.append(f"{condition}: {len(found) - len(about)} of {len(found)} clips cannot be shown so")
        for name in (changed, unreadable) if about else ():
            metrics[name] = summarise(about, name)
            for group, members in by_group(about).items() if split else ():
                groups[group][name] = summarise(members, name)
    return {"metrics": metrics, "groups": groups, "tables": {}, "context": [], "notes": notes}


def _in(item: Item, condition: str) -> Item:
    """The item with the state that it has in one condition: other conditions' answers are no part of it."""
    return replace(item, state=_state(item.details["answers"], item.details["emotions"], (WHOLE, condition)))


def _state(said: Mapping[str, str | None], emotions: Mapping[str, str | None], conditions: Sequence[str]) -> State:
    if any(said[condition] is None for condition in conditions):
        return "missing"
    return "invalid" if any(emotions[condition] is None for condition in conditions) else "answered"

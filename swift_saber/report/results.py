"""Reads what the page shows: the folder of an evaluation, a result file or any rows of records, clip by clip.

Knows the files; knows nothing of HTML. Nothing is left out: a question without an answer is a clip with its reason.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from swift_saber.data.convert import check_turns
from swift_saber.data.rows import media_list, parse_row, read_rows, row_id
from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.benchmarks import BENCHMARKS, command
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.summary import read_items, read_scores
from swift_saber.inference.files import beside, record_of
from swift_saber.media.place import place_fault
from swift_saber.report.clip import Clip, Result, Shown, clash_of, named, put, six
from swift_saber.report.records import read_records
from swift_saber.report.verdict import NO_EMOTION, emotion_of, label_of, verdict_by_emotion, verdict_of
from swift_saber.sed.conclusion import COLUMNS, conclude
from swift_saber.sed.layout import parse
from swift_saber.text.emotions import EMOTIONS
from swift_saber.text.files import read_text, writable


def read_all(paths: Sequence[Path]) -> list[Result]:
    """Return the results of several paths, as read_results; those of one name are told apart by their folders.

    Raises:
        InputError: as read_results.
    """
    found = [(path, result) for path in paths for result in read_results(path)]
    count = Counter(result.name for _, result in found)
    return [
        replace(result, name=f"{path.absolute().parent.name}/{result.name}") if count[result.name] > 1 else result
        for path, result in found
    ]


def read_results(path: Path) -> list[Result]:
    """Return the answers of an evaluation's folder or of a result file of shell/infer.sh, or the records of any rows.

    Rows of candidates or pairs are two: the better answer and the worse one.

    Raises:
        InputError: a file is missing or damaged, or an id is there twice; names the file and line.
    """
    if path.is_dir():
        return [_read_evaluation(path)]
    if _is_result(path):
        return [_read_answers(path)]
    return read_records(path)


def against(result: Result, references: Mapping[str, Clip]) -> Result:
    """Return a result whose answers have a verdict by the emotion of their references; no benchmark has scored them.

    An emotion is read as saber-test reads it: labels that are no common emotions are sought by their own names.
    """
    own = {clip.label for clip in references.values()} - {"", *EMOTIONS, *NO_EMOTION}
    shown = {}
    for name, each in result.shown.items():
        clip = references.get(name)
        if clip is not None and each.verdict == "no reference":
            read = emotion_of(each.fields, own)
            each = replace(each, read=read or "", verdict=verdict_by_emotion(clip.label, read))
        shown[name] = each
    return replace(result, shown=shown)


def _read_evaluation(folder: Path) -> Result:
    scores = read_scores(folder)
    name = scores["benchmark"]
    verdicts = command(name).verdicts if name in BENCHMARKS else ()
    clips: dict[str, Clip] = {}
    shown: dict[str, Shown] = {}
    rejects = _rejects(folder / "answers.rejects.jsonl")
    for item in read_items(folder):
        clip = Clip(item.id, item.group, item.videos, item.audios)
        _add_row(clip, item.details)
        if clip.consistency is None and item.group in ("consistent", "inconsistent"):
            clip.consistency = item.group
        record = six(item.truth)
        clip.truth, clip.reference = (None, record) if record else (item.truth, {})
        emotion = item.details.get("emotion")
        known = emotion.get("truth") if isinstance(emotion, dict) else None if record else item.truth
        conclusion = conclude(clip.reference) if record else {}
        clip.label = label_of(known) or conclusion.get("emotion") or ""
        clip.words = clash_of(clip.reference, conclusion)
        clips[item.id] = clip
        said = item.details.get("reject")
        reject = {"reason": said} if isinstance(said, str) else None
        shown[item.id] = _show(item, verdicts, rejects.get(item.id, reject))
    return Result(scores["model"], "evaluation", scores, clips, shown)


def _show(item: Item, verdicts: Sequence[str], reject: dict[str, str] | None) -> Shown:
    answer = parse(writable(item.response))
    record = six(item.prediction)
    fields = record or answer.fields
    conclusion = conclude(fields) if fields else {}
    emotion = item.details.get("emotion")
    if isinstance(emotion, dict):
        read = emotion.get("answer")
    else:
        read = conclusion.get("emotion") if record else item.prediction
    return Shown(
        verdict_of(item, verdicts, rejected=reject is not None),
        label_of(read),
        fields,
        answer.remainder if answer.fields else "",
        item.response,
        None if record else item.prediction,
        item.scores,
        {name: of for name, of in item.details.items() if name not in ("cues", "reject")},  # shown on their own
        reject,
        conclusion,
        clash_of(fields, conclusion),
    )


def _read_answers(path: Path) -> Result:
    clips: dict[str, Clip] = {}
    shown: dict[str, Shown] = {}
    rejects_file = beside(path, ".rejects.jsonl")
    rejects = _rejects(rejects_file)
    looked_up = _looked_up(path)
    # Where all rows were given up there is no result file.
    for where, row in read_rows(path) if path.exists() or not rejects else ():
        response = row.get("response")
        if not isinstance(response, str):
            raise InputError(where, "response", f"is {quoted(response)}", "give a result file of shell/infer.sh")
        clip = Clip(row_id(row), seconds=_seconds(row))
        _add_row(clip, row)
        clip.videos, clip.audios = ([_placed(each, looked_up) for each in of] for of in (clip.videos, clip.audios))
        put(clips, clip.id, clip, where)
        if row.get("messages"):
            check_turns(row["messages"], where)
        record = record_of({**row, "id": clip.id})
        fields = record["fields"]
        shown[clip.id] = Shown(
            "no reference" if response.strip() else "no answer",
            record["emotion"] or "",
            fields,
            record["remainder"] if fields else "",
            response,
            conclusion={name: record[name] for name in COLUMNS} if fields else {},
            words=clash_of(fields, record),
            notes=record["notes"],
        )
    for name, reject in rejects.items():
        put(clips, name, Clip(name), str(rejects_file))
        shown[name] = Shown("reject", reject=reject)
    return Result(path.name.removesuffix(".jsonl"), "answers", None, clips, shown)


def _is_result(path: Path) -> bool:
    """Whether a file is what an inference wrote: its rows have a response, or there are rejects alone."""
    rejects = beside(path, ".rejects.jsonl")
    if not path.exists() and rejects.exists():
        return True
    first = next((row for _, row in read_rows(path)), None)
    return first is not None and "response" in first and not any(name.startswith("rejected") for name in first)


def _looked_up(path: Path) -> str:
    """The folder in which an inference looked up relative paths; "" where that is not known: the current one."""
    settings = beside(path, ".settings.json")
    found = parse_row(read_text(settings), str(settings)).get("relative_to") if settings.exists() else None
    return found if isinstance(found, str) else ""


def _seconds(row: dict[str, Any]) -> float | None:
    length = row.get("seconds")
    return length if isinstance(length, int | float) and not isinstance(length, bool) else None


def _placed(path: Any, folder: str) -> Any:
    return path if not isinstance(path, str) or place_fault(path) else os.path.join(folder, path)


def _rejects(path: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for where, row in read_rows(path) if path.exists() else ():
        put(found, row_id(row), {key: str(row.get(key, "")) for key in ("reason", "remedy")}, where)
    return found


def _add_row(clip: Clip, row: dict[str, Any]) -> None:
    """Take over what a row says of the clip itself."""
    clip.videos = clip.videos or media_list(row, "videos")
    clip.audios = clip.audios or media_list(row, "audios")
    if row.get("consistency") in ("consistent", "inconsistent"):
        clip.consistency = row["consistency"]
    clip.source, clip.speaker = named(row, "source"), named(row, "speaker")
    clip.cues = clip.cues or list(_cues(row.get("cues")))


def _cues(value: Any) -> Iterator[dict[str, str]]:
    for cue in value if isinstance(value, list) else []:
        if isinstance(cue, dict):
            yield {name: text for name in ("visual", "acoustic") if isinstance(text := cue.get(name), str) and text}

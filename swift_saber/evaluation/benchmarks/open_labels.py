"""Open-vocabulary emotion labels: read out of a text by the judge, or out of a file, and compared over the wheels.

The task is published (OV-MER, AffectGPT): all emotion words that a text says of the speaker, [] when there are none.
The wording of the prompt is ours. Labels are English whatever the text's language, since the emotion wheels are.
"""

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError, kind, quoted
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge, ask_all
from swift_saber.evaluation.summary import summary
from swift_saber.statistics.interval import counts_interval, pooled
from swift_saber.text.files import read_text
from swift_saber.text.npz import read_npz
from swift_saber.text.wheel import EWScore, Level, Wheels, ew_score, ew_scores, overlap_table

#: item.details[LABELS] is {TRUTH: [...], ANSWER: [...]}; None in place of a list where the judge failed.
LABELS, TRUTH, ANSWER = "labels", "reference", "answer"

_SHOWN_LABELS = 20
_BETWEEN = re.compile("['\",]")

PROMPT = """\
You are given a description of a video clip of a person who speaks. It may be in Chinese or in English.

List every emotional state that the description ascribes to the speaker: each as one English word where there is one, \
in lower case and in its plain form ("happy", not "happily"). Take what the description says itself, also where it \
says it in other words than an emotion's name. Leave out the feelings of other persons, feelings that it denies, and \
what is no emotional state. The list is empty when the description ascribes none."""


SENTIMENT_PROMPT = """\
You are given words that describe the emotional state of one person. Which sentiment have they on the whole: \
"positive", "negative" or "neutral"? The list that you reply with holds this one word."""


def extract_labels(judge: Judge, texts: Mapping[str, str], bar: str = "labels") -> dict[str, list[str] | str]:
    """Return the emotion labels of each text, or the reason why the judge gave none.

    Args:
        judge: an open one.
        texts: by id. Where a text is blank, there are no labels, and the judge is not asked.
        bar: what the progress bar says.

    Returns:
        By id, in the order given: labels in lower case, each once; or a text that says what failed.

    Raises:
        EndpointDown: the judge cannot be asked; what it said is kept.
    """
    calls = (
        (name, lambda name=name, text=text: plain(judge.extract(name, PROMPT, {"Description": text}, "labels")))
        for name, text in texts.items()
        if text.strip()
    )
    found: dict[str, list[str] | str] = ask_all(judge, calls, bar=bar)
    return {name: found.get(name, []) for name in texts}


def extract_sentiments(
    judge: Judge, labels: Mapping[str, Sequence[str]], bar: str = "sentiments"
) -> dict[str, tuple[str, ...] | str]:
    """Return the sentiment that the judge sees in each clip's labels, or the reason why it gave none.

    That labels are asked about, and not the text that they are from, is published (MER-UniBench).

    Args:
        judge: an open one.
        labels: by id. Where there are none, the sentiment is neutral, and the judge is not asked.
        bar: what the progress bar says.

    Returns:
        By id, in the order given: (its word,), which may be none of the three; or a text that says what failed.

    Raises:
        EndpointDown: the judge cannot be asked; what it said is kept.
    """
    shown = {name: ", ".join(words) for name, words in labels.items() if words}
    calls = (
        (name, lambda name=name, text=text: judge.extract(name, SENTIMENT_PROMPT, {"Words": text}, "sentiment"))
        for name, text in shown.items()
    )
    found: dict[str, list[str] | str] = ask_all(judge, calls, bar=bar)
    words = {name: said if isinstance(said, str) else (", ".join(said),) for name, said in found.items()}
    return {name: words.get(name, ("neutral",)) for name in labels}


def read_labels(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    """Return the labels of a file by the clip's name.

    Args:
        path: a JSONL with {"id": "...", "labels": ["...", ...]} on each line; or, as OV-MER, AffectGPT and MERTools
            have them, a CSV with the columns name and openset, or an npz with filenames and fileitems.

    Raises:
        InputError: names the line: no such row, or an id that was there before.
    """
    texts, rows = read_authors(path) if is_of_authors(path) else (False, _of_rows(path))
    if texts:
        problem = "holds descriptions (name2reason), not labels"
        raise InputError(str(path), "file", problem, "give the file of labels that was read out of them")
    found: dict[str, list[str]] = {}
    for where, name, said in rows:
        if name in found:
            raise InputError(where, "id", f"{quoted(name)} is there twice", "keep one row for each clip")
        found[name] = openset_labels(said, where) if is_of_authors(path) else labels_of(said, where)
    return found


#: (where, the clip's name, what is said of it)
Rows = Iterable[tuple[str, str, Any]]


def is_of_authors(path: str | os.PathLike[str]) -> bool:
    """Whether a file of labels is in the authors' form, a CSV or npz, and not in ours, JSONL."""
    return Path(path).suffix.lower() in (".csv", ".npz")


def read_authors(path: str | os.PathLike[str]) -> tuple[bool, Rows]:
    """Return the rows of a file in one of the authors' forms, and whether they are descriptions in place of labels.

    Args:
        path: a CSV with name and openset; or an npz with filenames and fileitems, with an array of one value under each
            clip's name, or with name2reason, whose values are descriptions.

    Raises:
        InputError: the file cannot be read, or is in none of the forms.
    """
    if Path(path).suffix.lower() == ".csv":
        return False, list(_of_table(path))
    arrays = read_npz(path)
    names, values, texts = (arrays.get(key) for key in ("filenames", "fileitems", "name2reason"))
    if isinstance(names, list) and isinstance(values, list) and len(names) == len(values):
        pairs: Iterable[tuple[Any, Any]] = zip(names, values, strict=True)
    elif isinstance(texts, dict):
        pairs = texts.items()
    elif arrays and not any(isinstance(value, list | dict) for value in arrays.values()):
        pairs = arrays.items()
    else:
        problem = f"holds {quoted(', '.join(arrays))}, neither filenames and fileitems nor a value for each clip"
        raise InputError(str(path), "file", problem, "take the file as its authors distribute it")
    return isinstance(texts, dict), [(f"{path}: {name}", str(name), said) for name, said in pairs]


def _of_rows(path: str | os.PathLike[str]) -> Iterator[tuple[str, str, Any]]:
    for where, row in read_rows(path):
        name = row.get("id")
        if not isinstance(name, str) or not name:
            raise InputError(where, "id", f"is {quoted(name)}, not a name", "write the id of the clip")
        yield where, name, row.get("labels")


def _of_table(path: str | os.PathLike[str]) -> Iterator[tuple[str, str, str]]:
    reader = csv.DictReader(io.StringIO(read_text(path), newline=""))
    try:
        there = reader.fieldnames or ()
        named = "names" if "names" in there and "name" not in there else "name"
        for column in (named, "openset"):
            if column not in there:
                problem = f"is not there; the columns are {quoted(', '.join(there))}"
                raise InputError(str(path), f"column {column}", problem, "the columns are name and openset")
        for row in reader:
            yield f"{path}:{reader.line_num}", (row[named] or "").strip(), row["openset"] or ""
    except csv.Error as error:
        problem = f"is no CSV ({error})"
        raise InputError(str(path), "file", problem, "take the file as its authors distribute it") from error


def openset_labels(said: Any, where: str) -> list[str]:
    """Return the labels that the authors' files have for a clip, in lower case, each once.

    A text is "a, b", "[a, b]" or "['a', 'b']": quotes and commas stand between labels, and one bracket may stand at
    each end of all. That is how the published scripts read it.

    Raises:
        InputError: it is neither a text nor a list of words.
    """
    if isinstance(said, str):
        return plain(_BETWEEN.split(said.removeprefix("[").removesuffix("]")))
    return labels_of(said, where)


def labels_of(said: Any, where: str) -> list[str]:
    """Return the labels that a row has, in lower case, each once.

    Raises:
        InputError: they are no list of words.
    """
    if not isinstance(said, list) or not all(isinstance(label, str) for label in said):
        raise InputError(where, "labels", f"is {kind(said)}, not a list of words", 'write ["sad", ...], or []')
    return plain(said)


def plain(labels: list[str]) -> list[str]:
    """Return labels in lower case without white space around them, each once, blank ones left out."""
    return list(dict.fromkeys(word for label in labels if (word := label.strip().lower())))


def overlap_metrics(items: Sequence[Item], wheels: Wheels, level: Level) -> dict[str, dict[str, Any]]:
    """Return ew_f1, ew_precision and ew_recall of one level, each in the form of summary.summarise.

    Args:
        items: with LABELS in their details. Those where the judge failed are left out and counted.
    """
    judged = [item for item in items if None not in item.details[LABELS].values()]
    table = overlap_table(
        [wheels.overlaps(item.details[LABELS][TRUTH], item.details[LABELS][ANSWER], level) for item in judged]
    )
    score = ew_score(table, wheels.unknown_truth)
    # A draw of clips that no wheel knows would have no value.
    known: dict[str, list[NDArray[np.float64]]] = {}
    for item, row in zip(judged, table, strict=True):
        if not np.isnan(row).all():
            known.setdefault(item.group, []).append(row.ravel())
    rows = {group: np.array(of) for group, of in known.items()}
    metrics = {}
    for name in ("f1", "precision", "recall"):

        def of_drawn(drawn: Any, place: int = EWScore._fields.index(name)) -> NDArray[np.float64]:
            counts, distinct = pooled(drawn)
            of: NDArray[np.float64] = ew_scores(counts, distinct.reshape(len(distinct), -1, 2), wheels.unknown_truth)
            return of[:, place]

        ends = counts_interval(rows, of_drawn)
        value = getattr(score, name) if score else None
        metrics[f"ew_{name}_{level}"] = summary(items, value, ends, len(items) - len(judged))
    return metrics


def overlap_notes(items: Sequence[Item], wheels: Wheels) -> list[str]:
    """Return what belongs beside these scores: the edition of the wheels, and which labels they know."""
    notes = [wheel_note(wheels)]
    for whose in (TRUTH, ANSWER):
        given = [item.details[LABELS][whose] or [] for item in items]
        known, total, unknown = wheels.coverage(label for labels in given for label in labels)
        shown = [f"{label} ({count})" for label, count in unknown.items()]
        more = f" and {len(shown) - _SHOWN_LABELS} more" if len(shown) > _SHOWN_LABELS else ""
        missing = f"; not {', '.join(shown[:_SHOWN_LABELS])}{more}" if shown else ""
        notes.append(f"{whose} labels: the wheels know {known} of {total}{missing}")
    outside = sum(
        item.details[LABELS][TRUTH] is not None and not any(map(wheels.knows, item.details[LABELS][TRUTH]))
        for item in items
    )
    if outside:
        notes.append(f"{outside} of {len(items)} clips have no reference label in any wheel: not in the EW scores")
    return notes


def wheel_note(wheels: Wheels) -> str:
    """Return which edition of the wheels a score rests on, and what that changes."""
    rule = "counts as 0" if wheels.unknown_truth == 0 else "is left out (MER2025's own scorer gives NaN then)"
    return f"emotion wheels: {wheels.named}; a wheel that knows no reference label {rule}"

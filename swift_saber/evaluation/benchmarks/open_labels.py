"""Open-vocabulary emotion labels: read out of a text by the judge, or out of the user's own file.

The task is published (OV-MER, AffectGPT): all emotion words that a text says of the speaker, [] when there are none.
The wording of the prompt is ours. Labels are English whatever the text's language, since the emotion wheels are.
"""

import os
from collections.abc import Mapping

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError, kind, quoted
from swift_saber.evaluation.judge import Judge, ask_all

PROMPT = """\
You are given a description of a video clip of a person who speaks. It may be in Chinese or in English.

List every emotional state that the description ascribes to the speaker: each as one English word where there is one, \
in lower case and in its plain form ("happy", not "happily"). Take what the description says itself, also where it \
says it in other words than an emotion's name. Leave out the feelings of other persons, feelings that it denies, and \
what is no emotional state. The list is empty when the description ascribes none."""


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


def read_labels(path: str | os.PathLike[str]) -> dict[str, list[str]]:
    """Return the labels of a JSONL with {"id": "...", "labels": ["...", ...]} on each line.

    Raises:
        InputError: names the line: no such row, or an id that was there before.
    """
    found: dict[str, list[str]] = {}
    for where, row in read_rows(path):
        name, labels = row.get("id"), row.get("labels")
        if not isinstance(name, str) or not name:
            raise InputError(where, "id", f"is {quoted(name)}, not a name", "write the id of the clip")
        if name in found:
            raise InputError(where, "id", f"{quoted(name)} is there twice", "keep one row for each clip")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise InputError(where, "labels", f"is {kind(labels)}, not a list of words", 'write ["sad", ...], or []')
        found[name] = plain(labels)
    return found


def plain(labels: list[str]) -> list[str]:
    """Return labels in lower case without white space around them, each once, blank ones left out."""
    return list(dict.fromkeys(word for label in labels if (word := label.strip().lower())))

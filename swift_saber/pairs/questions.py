"""The questions that candidates answer: read from rows of any kind, checked, and put in the forms that models take.

A record or an answer that stands in a row never gets into its question.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from swift_saber.data.convert import to_swift_row
from swift_saber.data.questions import MODALITIES, asked
from swift_saber.data.rows import media_path, parse_row, read_lines
from swift_saber.errors import InputError, quoted, sum_up
from swift_saber.media.fault import Problem, clip_problem
from swift_saber.media.pool import guarded
from swift_saber.models.clips import clip_parts
from swift_saber.sed.layout import INSTRUCTIONS
from swift_saber.text.language import text_language

# For the beginning of a row's media; media/check.py looks at all of them when they are asked about.
_LOOK_SECONDS = 60.0
_MEDIA_TAG = re.compile(r"(<video>|<audio>)")
_CONSISTENCY = (None, "consistent", "inconsistent")


def read_questions(path: str | Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the questions of a JSONL, and what is wrong with the clips of some of them, after a look at every clip.

    Args:
        path: rows as `swift infer` takes them ("messages" with media, or media alone), or SABER records, whose
            question is the SED instruction in their language.

    Returns:
        {"id", "language", "videos", "audios", "messages"} for each row, with "consistency" and "labels" where the row
        has them. The messages end with a user turn. Media paths are as written. And {id: reason} of those whose clip
        cannot be read, so that nothing can be asked about it.

    Raises:
        InputError: a row cannot be used, or two rows have one id. All are printed first, and the clips with them.
    """
    questions: list[dict[str, Any]] = []
    unreadable: dict[str, str] = {}
    wrong: list[InputError] = []
    workers = min(4, os.cpu_count() or 1)
    with closing(guarded(_rows(path), clip_problem, workers=workers, limit=_LOOK_SECONDS)) as looked_at:
        for (where, question), problem in looked_at:
            if isinstance(question, InputError):
                wrong.append(question)
                continue
            questions.append(question)
            if problem is not None:
                found = (
                    problem if isinstance(problem, Problem) else Problem(problem, "replace the file or remove the row")
                )
                unreadable[question["id"]] = f"{found.reason}; {found.remedy}"
                wrong.append(InputError(where, "clip", found.reason, found.remedy))
    if len(wrong) > len(unreadable):
        if len(wrong) > 1:
            for error in wrong:
                print(f"swift-saber: {error}", file=sys.stderr)
        raise sum_up(wrong, len(wrong), len(wrong) - len(unreadable) + len(questions), str(path))
    return questions, unreadable


def _rows(path: str | Path) -> Iterator[tuple[tuple[str, dict[str, Any] | InputError], list[list[str]]]]:
    """Yield ("file:line", its question or why it is none) and the media to look at."""
    seen: dict[str, str] = {}
    for where, text in read_lines(path):
        try:
            question = _question(parse_row(text, where), where)
            first = seen.setdefault(question["id"], where)
            if first != where:
                problem = f"{quoted(question['id'])} is also the id of {first}"
                raise InputError(where, "id", problem, "give each clip an id of its own")
        except InputError as error:
            yield (where, error), [[], []]
        else:
            yield (where, question), [[media_path(file) for file in question[key]] for key in MODALITIES]


def _question(row: dict[str, Any], where: str) -> dict[str, Any]:
    converted = to_swift_row(row, where)
    if not converted["videos"] and not converted["audios"]:
        raise InputError(where, "videos", "no video and no audio", "give the clip's files in videos and audios")
    messages = [dict(turn) for turn in asked(converted["messages"])]
    if not messages or messages[-1]["role"] != "user":
        raise InputError(where, "messages", "has no user turn to answer", "end it with the question")
    if any(not isinstance(turn["content"], str) for turn in messages):
        remedy = "write each turn as a string, and the clip's files in videos and audios"
        raise InputError(where, "messages", "has a turn made of parts", remedy)
    last = messages[-1]
    plain = _MEDIA_TAG.sub("", last["content"]).strip()
    language = converted["language"] or text_language(plain) or "zh"
    if not plain:  # as the plugin's template does
        last["content"] = last["content"].strip() + INSTRUCTIONS[language]
    question = {"id": converted["id"], "language": language}
    question |= {key: converted[key] for key in MODALITIES} | {"messages": messages}
    consistency, labels = row.get("consistency"), row.get("labels")
    if consistency not in _CONSISTENCY:
        problem = f"{quoted(consistency)} is not known"
        raise InputError(where, "consistency", problem, "write consistent or inconsistent, or leave it out")
    if labels is not None and not isinstance(labels, dict):
        raise InputError(where, "labels", "is not an object", 'write {"name": value, ...}')
    if consistency:
        question["consistency"] = consistency
    if labels:
        question["labels"] = labels
    return question


def chat_messages(question: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a question's messages in OpenAI's form, its clips inside as data URLs.

    A clip stands where its <video> or <audio> tag is; those without a tag stand first, as ms-swift puts them.

    Raises:
        InputError: a file cannot be read, or there are more tags than clips.
    """
    parts = {"<video>": clip_parts(question["videos"], []), "<audio>": clip_parts([], question["audios"])}
    tags = Counter(tag for turn in question["messages"] for tag in _MEDIA_TAG.findall(turn["content"]))
    front = ""
    for key, tag in MODALITIES.items():
        missing = len(parts[tag]) - tags[tag]
        if missing < 0:
            problem = f"{tags[tag]} times {tag} for {len(parts[tag])} {key}"
            raise InputError(question["id"], "messages", problem, "write one tag for each clip, or none")
        front += tag * missing
    messages = []
    for turn in question["messages"]:
        text = turn["content"]
        if turn["role"] == "user":
            text, front = front + text, ""
        pieces = [piece for piece in _MEDIA_TAG.split(text) if piece]
        content = [parts[piece].pop(0) if piece in parts else {"type": "text", "text": piece} for piece in pieces]
        messages.append({**turn, "content": content if any(piece in parts for piece in pieces) else text})
    return messages

"""The questions that candidates answer: read from rows of any kind, checked, and put in the forms that models take.

A record or an answer that stands in a row never gets into its question.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from swift_saber.data.convert import hears_videos, row_kind, to_swift_row, with_sound
from swift_saber.data.questions import INSIDE, MODALITIES, asked
from swift_saber.data.rows import check_roots, media_list, parse_row, read_lines
from swift_saber.data.turns import taken_out
from swift_saber.errors import InputError, quoted, sum_up
from swift_saber.media.fault import clip_problem
from swift_saber.media.place import Problem
from swift_saber.media.pool import guarded
from swift_saber.media.sound import inside
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
        has them. The messages end with a user turn. Media paths are as written; where a row names no sound, audios are
        those of its videos that have one. And {id: reason} of those whose clip cannot be read, so that nothing can be
        asked about it.

    Raises:
        InputError: a row cannot be used, or two rows have one id. All are printed first, and the clips with them.
    """
    questions: list[dict[str, Any]] = []
    unreadable: dict[str, str] = {}
    wrong: list[InputError] = []
    workers = min(4, os.cpu_count() or 1)
    check_roots()  # which are the fault of no row, as is a wrong word in SABER_SOUND
    hears_videos()
    said = False
    with closing(guarded(_rows(path), _look, workers=workers, limit=_LOOK_SECONDS)) as looked_at:
        for (where, question, converted, kind), answer in looked_at:
            if isinstance(question, InputError):
                wrong.append(question)
                continue
            problem, audios = (answer, []) if isinstance(answer, Problem) else answer
            if problem is not None:
                found = (
                    problem if isinstance(problem, Problem) else Problem(problem, "replace the file or remove the row")
                )
                unreadable[question["id"]] = f"{found.reason}; {found.remedy}"
                wrong.append(InputError(where, "clip", found.reason, found.remedy))
            elif question["audios"] is None:
                try:
                    with_sound(converted, audios, kind, where)
                except InputError as lacking:
                    wrong.append(lacking)
                    continue
                if audios and not said:
                    print(f"swift-saber: {where} {INSIDE}, SABER_SOUND=given for all)", file=sys.stderr)
                    said = True
            if question["audios"] is None:
                paths = zip(question["videos"], converted["videos"], strict=True)
                question["audios"] = [written for written, path in paths if path in audios]
            questions.append(question)
    if len(wrong) > len(unreadable):
        if len(wrong) > 1:
            for error in wrong:
                print(f"swift-saber: {error}", file=sys.stderr)
        raise sum_up(wrong, len(wrong), len(wrong) - len(unreadable) + len(questions), str(path))
    return questions, unreadable


def _look(videos: list[str], audios: list[str] | None) -> tuple[str | None, list[str]]:
    """What is wrong with the beginning of a row's media, and its audios, for None those of its videos with a sound."""
    problem = clip_problem(videos, audios or [])
    if problem is None and audios is None:
        return None, inside(videos)
    return problem, audios or []


_Row = tuple[str, dict[str, Any] | InputError, dict[str, Any], str | None]


def _rows(path: str | Path) -> Iterator[tuple[_Row, list[list[str] | None]]]:
    """Yield ("file:line", its question or why it is none, as ms-swift takes it, its kind) and the media to look at."""
    seen: dict[str, str] = {}
    for where, text in read_lines(path):
        try:
            row = parse_row(text, where)
            converted = to_swift_row(row, where)
            question = _question(row, converted, where)
            first = seen.setdefault(question["id"], where)
            if first != where:
                problem = f"{quoted(question['id'])} is also the id of {first}"
                raise InputError(where, "id", problem, "give each clip an id of its own")
        except InputError as error:
            yield (where, error, {}, None), [[], []]
        else:
            yield (where, question, converted, row_kind(row)), [converted[key] for key in MODALITIES]


def _question(row: dict[str, Any], converted: dict[str, Any], where: str) -> dict[str, Any]:
    if not converted["videos"] and not converted["audios"]:
        raise InputError(where, "videos", "no video and no audio", "give the clip's files in videos and audios")
    messages = [dict(turn) for turn in asked(converted["messages"])]
    if not messages or messages[-1]["role"] != "user":
        raise InputError(where, "messages", "has no user turn to answer", "end it with the question")
    in_turns = taken_out(row.get("messages") or []).media
    if in_turns["images"]:
        remedy = "leave it out; videos and audios are what is asked about"
        raise InputError(where, "messages", "has a turn with a picture", remedy)
    last = messages[-1]
    plain = _MEDIA_TAG.sub("", last["content"]).strip()
    language = converted["language"] or text_language(plain) or "zh"
    if not plain:  # as the plugin's template does
        last["content"] = last["content"].strip() + INSTRUCTIONS[language]
    question = {"id": converted["id"], "language": language}
    written = {key: media_list(row, key) or in_turns[key] for key in MODALITIES}
    question |= written | ({"audios": None} if converted["audios"] is None else {}) | {"messages": messages}
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

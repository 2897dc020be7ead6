"""`swift-saber analyze`: clips to records, one that is printed or many in a folder, by the run of run.py."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swift_saber.data.log import RowLog
from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.inference.clips import Found, find, summary, write_questions
from swift_saber.inference.files import beside, record_of
from swift_saber.inference.instruction import choose
from swift_saber.inference.run import infer
from swift_saber.inference.table import write_table
from swift_saber.models.checkpoint import loading
from swift_saber.models.service import Service
from swift_saber.text.files import scratch
from swift_saber.text.language import Language

#: The files of a folder of results; what stands beside the answers is files.py's matter.
QUESTIONS, ANSWERS = "questions.jsonl", "answers.jsonl"


def analyze_all(
    paths: Sequence[str],
    to: Path,
    model: str,
    *,
    server: Service | None = None,
    language: Language | None = None,
    gpu: str = "0",
    arguments: Sequence[str] = (),
    sound: bool = True,
    xlsx: bool = False,
) -> int:
    """Analyse clips, or go on doing so, and return the exit status: 1 where some were rejected.

    Args:
        paths: files, folders and JSONL files, as clips.find takes them.
        to: the folder of the results: questions.jsonl, answers.jsonl with what stands beside it, table.csv.
        model, server, gpu, arguments, sound: as run.infer.
        language: of the instruction where a row does not say; None as instruction.choose finds it.
        xlsx: whether table.xlsx is written too.

    Raises:
        InputError: a path, the model, the server or the folder of the results cannot be used.
    """
    if server is None:
        loading(model, arguments)  # before anything is looked into
    questions = to / QUESTIONS
    for path in paths:
        if questions.exists() and os.path.exists(path) and os.path.samefile(path, questions):
            raise InputError(path, "path", "is where this run keeps its questions", "name the clips, or another folder")
    found = find(paths, to)
    print(f"swift-saber: {summary(found)}", file=sys.stderr)
    _write_questions(found, to, model, server, language)
    answers = to / ANSWERS
    status = infer(model, str(questions), str(answers), gpu, arguments, sound=sound, server=server)
    write_table(answers, to, xlsx, questions)
    return status


def _write_questions(
    found: Found, to: Path, model: str, server: Service | None, language: Language | None, *, quiet: bool = False
) -> None:
    words, said = choose(model, language, here=server is None)
    answers = to / ANSWERS
    with RowLog(answers) as log:  # so that no other run is asking meanwhile
        answered = log.ids()
        try:
            written = write_questions(found, to / QUESTIONS, answered, words if language else None, words)
        finally:
            log.remove_if_empty()
    if quiet:
        return
    if said and not written.settled:
        print(f"swift-saber: {said}", file=sys.stderr)
    if written.answered or written.gone:
        print(f"swift-saber: {to}: {written}", file=sys.stderr)


def analyze(
    clip: str,
    model: str,
    *,
    server: Service | None = None,
    language: Language | None = None,
    gpu: str = "0",
    arguments: Sequence[str] = (),
    sound: bool = True,
) -> dict[str, Any]:
    """Return the analysis of one clip.

    Args:
        clip: a video file with or without sound, or a sound file.
        model, server, language, gpu, arguments, sound: as analyze_all.

    Returns:
        A record as files.record_of has it, whose "id" is the clip as given, with "response", the model's own words.

    Raises:
        InputError: the clip, the model or the server cannot be used, or there is no answer.
    """
    if server is None:
        loading(model, arguments)
    found = find([clip])
    if len(found.clips) != 1:
        raise InputError(clip, "clip", "is not a file", "give the path of a video or a sound file")
    with scratch("swift-saber-", beside(Path(ANSWERS), ".log").name) as folder:
        answers = folder / ANSWERS
        _write_questions(found, folder, model, server, language, quiet=True)
        infer(model, str(folder / QUESTIONS), str(answers), gpu, arguments, sound=sound, server=server, quiet=True)
        rejects = [row for _, row in read_rows(path)] if (path := beside(answers, ".rejects.jsonl")).exists() else []
        if rejects:
            reason = rejects[0]["reason"].removeprefix(f"{os.path.abspath(clip)}: ")
            raise InputError(clip, "clip", reason, rejects[0]["remedy"])
        ((_, row),) = read_rows(answers)
    return {**record_of(row), "id": clip, "response": row["response"]}

"""The table of a run: a row for each clip, for people and their spreadsheets.

table.csv   UTF-8 with a mark, which Excel needs
table.xlsx  the same, where it is asked for

id, file        of the clip
emotion ... conflict    what the answer concludes, as sed/conclusion.py says
speech_content  and the other dimensions, under the names of the record
seconds         of the clip
notes           what the model did not get or did not say (files.record_of), or why there is no answer: "rejected: ..."
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Any

from swift_saber.data.questions import clips_of
from swift_saber.data.rows import asked_id, media_list, parse_row, read_lines, read_named
from swift_saber.errors import InputError
from swift_saber.inference.files import beside, record_of
from swift_saber.inference.questions import ids
from swift_saber.sed.conclusion import COLUMNS
from swift_saber.sed.record import DIMENSIONS, SPEECH
from swift_saber.text.spreadsheet import write_csv, write_workbook
from swift_saber.text.strict_json import MAX_LEVELS

HEADER = ("id", "file", *COLUMNS, SPEECH, "seconds", "notes", *(name for name in DIMENSIONS if name != SPEECH))


def write_table(answers: Path, to: Path, xlsx: bool = False, questions: Path | None = None) -> None:
    """Write the table of a run, each file whole or not at all.

    Args:
        answers: the result file; its rejects lie beside it. Either may be missing.
        to: the folder of the table.
        xlsx: whether a workbook is written too.
        questions: what was asked, for the order of the rows and the files of the rejects; without, answers come
            before rejects, each in their order.

    Raises:
        InputError: a file cannot be read or written, or an id is there twice.
    """
    write_csv(to / "table.csv", HEADER, _rows(answers, questions), encoding="utf-8-sig")
    if xlsx:
        write_workbook(to / "table.xlsx", HEADER, _rows(answers, questions))


def _rows(answers: Path, questions: Path | None) -> Iterator[tuple[Any, ...]]:
    places = _places(answers) if answers.exists() else {}
    rejects_file = beside(answers, ".rejects.jsonl")
    rejects = {row["id"]: row for _, row in read_named(rejects_file)} if rejects_file.exists() else {}
    names = [*(ids(questions) if questions else ()), *places, *rejects]
    files = _files(questions, rejects.keys()) if questions and rejects else {}
    for name in dict.fromkeys(names):
        if name in places:
            yield _answered(_row(answers, places[name]))
        elif name in rejects:
            why = f"rejected: {rejects[name].get('reason')}; {rejects[name].get('remedy')}"
            cells = {"id": name, "file": files.get(name, ""), "notes": why}
            yield tuple(cells.get(column) for column in HEADER)


def _answered(row: Mapping[str, Any]) -> tuple[Any, ...]:
    record = record_of(row)
    clips = clips_of(row)
    file = _joined(clips["videos"] or clips["audios"])
    cells = {**record, **record["fields"], "file": file, "notes": "; ".join(record["notes"])}
    return tuple(cells.get(column) for column in HEADER)


def _joined(paths: Iterable[Any]) -> str:
    return "; ".join(map(str, paths))


def _places(path: Path) -> dict[str, int]:
    """Where each row of a result file begins, by its id: what it says is held one row at a time."""
    with path.open("rb") as file:
        starts = list(accumulate(map(len, file), initial=0))
    return {row["id"]: starts[int(where.rpartition(":")[2]) - 1] for where, row in read_named(path)}


def _row(path: Path, start: int) -> dict[str, Any]:
    with path.open("rb") as file:
        file.seek(start)
        return parse_row(file.readline(), str(path), levels=MAX_LEVELS)


def _files(questions: Path, names: Container[str]) -> dict[str, str]:
    """The clips that rows with these names have in columns: such a row may be wrong in any way."""
    found = {}
    for where, line in read_lines(questions):
        with suppress(InputError):
            row = parse_row(line, where)
            if (name := asked_id(row, where)) in names:
                found[name] = _joined(media_list(row, "videos") or media_list(row, "audios"))
    return found

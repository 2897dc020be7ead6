"""The files of one run beside its result file, and whether what is in them belongs to this run.

out.jsonl            answers, a line as soon as its batch is done
out.rejects.jsonl    rows without an answer: id, where, reason, remedy, and a digest "of" what they come from
out.settings.json    what the answers depend on, written before the first of them
out.saber.jsonl      the answers as records, written at the end
out.log              what ms-swift said
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from swift_saber.data.log import RowLog
from swift_saber.data.questions import check_result, clips_of, digest, is_relative
from swift_saber.data.rows import parse_row, write_rows
from swift_saber.errors import InputError, quoted
from swift_saber.inference.questions import Reject
from swift_saber.models.checkpoint import completed, differences, how_to_go_on
from swift_saber.sed.conclusion import conclude
from swift_saber.sed.layout import Answer, parse
from swift_saber.sed.record import BODY, CONCLUSION, FACE, SCENE, SPEECH, VOICE
from swift_saber.text.files import must_be_file, partial_path, read_text, writable

# What a reject comes from that may be answered as it is: another time.
_PASSING = "passing"
# What the settings files of earlier versions do not say.
_LATER = ("further_values", "sound")


class Outputs:
    """The result file and what stands beside it, open for one run; a context manager.

    Args:
        result: the result file. Others have its name with another ending.
        settings: what the answers depend on.
    """

    def __init__(self, result: Path, settings: Mapping[str, Any]) -> None:
        self.result = result
        self.rejects = beside(result, ".rejects.jsonl")
        self.records = beside(result, ".saber.jsonl")
        self.log = beside(result, ".log")
        self._settings_file = beside(result, ".settings.json")
        #: All that is written.
        self.files = (result, self.rejects, self.records, self.log, self._settings_file)
        self._settings, self._silent = dict(settings), False
        self._answers, self._rejected = RowLog(result), RowLog(self.rejects)
        self._origins: Mapping[str, str] = {}

    def __enter__(self) -> "Outputs":
        """Open the files.

        Raises:
            InputError: they belong to a run with other settings, another process is writing them, or one of them is no
                regular file.
        """
        for path in (self.log, self.records, self._settings_file):  # before anything is asked
            must_be_file(path)
        with ExitStack() as opened:
            for log in (self._answers, self._rejected):
                opened.enter_context(log)
                opened.callback(log.remove_if_empty)
            self._check_settings()
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def answered(self) -> dict[str, bytes]:
        """Return the digest of each question that has an answer, by id."""
        return {row["id"]: digest(row) for row in self._results()}

    def _results(self) -> Iterator[dict[str, Any]]:
        for row in self._answers.read():
            check_result(row, f"{self.result}: {quoted(row['id'])}")
            yield row

    def rejected(self) -> set[str]:
        """Return the ids of the rows that were given up."""
        return self._rejected.ids()

    def forget(self, origins: Mapping[str, str]) -> None:
        """Remove the rejects that come from something else now, or from nothing any more, which is said on stderr.

        Args:
            origins: by id, what each row without an answer comes from; rejects are kept with it from now on.
        """
        self._origins = origins
        known = {row["id"]: row.get("of") for row in self._rejected.read()}
        same = {name for name, origin in known.items() if name in origins and origin == origins[name]}
        gone = len(known.keys() - origins.keys())
        passing = sum(known[name] == _PASSING for name in known.keys() & origins.keys())
        other = len(known) - len(same) - gone - passing
        for count, said in (
            (passing, "asked again, since the server gave them no reply"),
            (other, "asked again, since their row, a file or a setting is another one now"),
            (gone, "removed, since their row is in the file no more"),
        ):
            if count:
                print(f"swift-saber: {self.rejects}: {count} of {len(known)} rejects are {said}", file=sys.stderr)
        if len(same) < len(known):
            self._rejected.retain(same)

    def add_answer(self, row: dict[str, Any]) -> None:
        self._answers.append(row)

    def add_reject(self, reject: Reject) -> None:
        origin = _PASSING if reject.passing else self._origins.get(reject.id)
        self._rejected.append({**reject.as_row(), "of": origin})

    def keep_settings(self) -> None:
        """Have the settings file say all that it may have been silent about, now that the answers go with it."""
        if self._silent:
            write_rows(self._settings_file, [self._settings])
            self._silent = False

    def write_records(self) -> None:
        """Write the six-dimension record of each answer, in the order of the answers; nothing where there is none."""
        if self.result.stat().st_size:
            write_rows(self.records, (record_of(row) for row in self._results()))

    def _check_settings(self) -> None:
        if not self._settings_file.exists():
            if self.result.stat().st_size:
                problem = f"is there, and {self._settings_file.name}, which says what it was made with, is not"
                raise InputError(str(self.result), "result_path", problem, "move it away or name another file")
            write_rows(self._settings_file, [self._settings])
            return
        kept = parse_row(read_text(self._settings_file), str(self._settings_file))
        was, is_now = _answerer(kept), _answerer(self._settings)
        if was != is_now and self.result.stat().st_size:
            problem = f"has answers of {was}, and now {is_now} is to answer"
            raise InputError(str(self.result), "result_path", problem, "name another result file")
        moved = kept.get("relative_to") != self._settings.get("relative_to")
        relative = moved and any(is_relative(row) for row in self._results())
        began = completed(kept, self._settings, _LATER, relative=relative)
        wrong = differences(began, self._settings)
        if wrong and self.result.stat().st_size:
            was, is_now = (", ".join(f"{key} {found[place]}" for key, found in wrong.items()) for place in (0, 1))
            problem = f"has answers of another run, with {was}; now it is {is_now}"
            raise InputError(str(self.result), "result_path", problem, f"{how_to_go_on(wrong)}name another result file")
        self._silent = bool(wrong) or began != kept


def must_spare(rows: Path, result: Path) -> None:
    """See that nothing that a run writes is the file of its questions, also by another name.

    Raises:
        InputError: something is.
    """
    for path in map(Path, map(os.path.realpath, Outputs(result, {}).files)):
        for written in (path, partial_path(path)):
            if os.path.exists(written) and os.path.exists(rows) and os.path.samefile(written, rows):
                problem = f"the run would write {written}, which is the file of the questions"
                raise InputError(str(result), "result_path", problem, "name another result file")


def _answerer(settings: Mapping[str, Any]) -> str:
    """What gives the answers: one behind an address has its own ways with a clip, which no settings file knows."""
    arguments = settings.get("arguments", {"infer_backend": ""})
    return "a model here" if "infer_backend" in arguments else "a server"


def beside(result: Path, ending: str) -> Path:
    """Return the file of a run that has this ending: out.jsonl, ".log" -> out.log."""
    stem = result.name.removesuffix(".jsonl")
    return result.with_name(stem + ending)


def record_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one answer as a record.

    Args:
        row: a result row, with "id" and "response".

    Returns:
        {"id", the columns of sed/conclusion.py, "seconds" (of the clip, or None), "notes" (what the model did
        not get or say, a list of a few words each: "silent", "no picture", "no face line", "cut short" by
        max_new_tokens), and as layout.parse has them "fields" (dimension: text), "found", "missing", "remainder"}.
    """
    # A cut answer may end in half a character.
    answer = parse(writable(row["response"]))
    return {
        "id": row["id"],
        **conclude(answer.fields),
        "seconds": row.get("seconds"),
        "notes": list(_notes(row, answer)),
        "fields": answer.fields,
        "found": list(answer.found),
        "missing": list(answer.missing),
        "remainder": answer.remainder,
    }


# What a line is called, and the dimension that it is of. Where nothing is said there is no speech to write down.
_LINES = {"scene": SCENE, "voice": VOICE, "face": FACE, "body": BODY, "emotion": CONCLUSION}


def _notes(row: Mapping[str, Any], answer: Answer) -> Iterator[str]:
    clips = clips_of(row)
    pictures, sounds = clips["videos"], clips["audios"]
    if pictures and not sounds:
        yield "silent"
    if sounds and not pictures:
        yield "no picture"
    if not answer.fields:
        yield "none of the six dimensions"
    else:
        if SPEECH in answer.missing:
            yield "no speech line"
        yield from (f"no {name} line" for name, dim in _LINES.items() if not answer.fields.get(dim, "").strip())
    if row.get("cut"):
        yield "cut short"

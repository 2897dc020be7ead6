"""Rows that could not be encoded: said once each by id, kept in a file of the output folder, counted at the end.

ms-swift replaces such a row by a random other one (`--strict false`, its default), leaves it out where rows are encoded
before training, or stops (`--strict true`). Each time the row is named here.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from swift.callbacks import TrainerCallback, callbacks_map
from swift.dataset import LazyLLMDataset
from swift.template import MaxLengthError
from swift.utils import get_logger, is_master

from swift_saber.data.rows import media_list, media_path, parse_row, row_id
from swift_saber.errors import InputError, one_line
from swift_saber.media.deadline import VARIABLE as LIMIT
from swift_saber.media.deadline import clip_seconds, within
from swift_saber.media.fault import beginning_problem
from swift_saber.plugin.saber_under_way import BAD_ROWS_FILE, EndedError, ended_over, listed, noted
from swift_saber.text.strict_json import dumps

logger = get_logger()
CALLBACK = "saber_bad_rows"
FILE_NAME = "bad_rows.jsonl"
# Where this run's file is. In the environment, since rows are encoded in processes of many kinds (of `datasets`, of
# packing, of loaders; forked or started afresh), and not on the template, whose state is part of the name under which
# `datasets` caches encoded rows: those of one run would never be found by the next.
_FILE = BAD_ROWS_FILE
# How the error of ms-swift begins after ten rows that could not be encoded, one after the other.
_GIVES_UP = "Failed to retrieve the dataset"
# What stands in the errors of torch, `datasets` and ms-swift's packing when a process ended that encoded rows.
_PROCESS_ENDED = ("DataLoader worker (pid", "subprocesses has abruptly died", "packing worker exited unexpectedly")
_SLOW = f"cut or re-encode the clip, or allow more time with {LIMIT}"
_REPLACE = "replace the file or remove the row"


def explain(row: dict[str, Any], error: Exception) -> tuple[str, str]:
    """Return (reason, remedy) for a row that could not be encoded.

    The media are looked at again, because the reader that failed last is seldom the one that knew why; not where they
    were too slow to be read, or ended the process.
    """
    if isinstance(error, EndedError):
        return one_line(error.problem), error.remedy
    if isinstance(error, MaxLengthError):
        return _short(error), "raise max_length, lower FPS_MAX_FRAMES or VIDEO_MAX_PIXELS, or cut the clip"
    if isinstance(error, TimeoutError):
        return one_line(str(error)), _SLOW
    for kind in ("video", "audio"):
        for path in (*media_list(row, f"{kind}s"), *media_list(row, f"rejected_{kind}s")):
            if not isinstance(path, str):
                continue
            path = media_path(path)
            try:
                problem = within(clip_seconds(), beginning_problem, path, kind)
            except TimeoutError as late:
                return one_line(str(late)), _SLOW
            if problem:
                return f"{path}: {problem}", _REPLACE
    if isinstance(error, InputError):
        return one_line(f"{error.where}: {error.problem}"), error.remedy
    return f"{type(error).__name__}: {_short(error)}", "correct or remove the row"


class BadRows:
    """The rows that a template could not encode in this process."""

    def __init__(self) -> None:
        self._said: dict[str, InputError] = {}

    def report(self, row: dict[str, Any], error: Exception) -> InputError:
        """Say once that a row could not be encoded, and add it to the run's file if there is one.

        Returns:
            The same as an error of one line.
        """
        name = row_id(row)
        if name not in self._said:
            reason, remedy = explain(row, error)
            self._said[name] = InputError(f"row {name}", "clip", reason, remedy)
            logger.warning(f"swift-saber: row {name} could not be encoded: {reason}; {remedy}")
            _append({"id": name, "reason": reason, "remedy": remedy})
        return self._said[name]


@contextmanager
def kept(folder: str | os.PathLike[str], runs: str | os.PathLike[str] | None = None) -> Iterator[None]:
    """Have rows that cannot be encoded, here and in processes started from here, written to a file in the folder.

    There is no file without such a row; one of an earlier run grows. At the end it is said how many of this run there
    are.

    Args:
        folder: this run's output folder.
        runs: the folder that is the same in all runs of a command, where it is kept which rows are under way.

    Raises:
        InputError: ms-swift gave up, since too many rows one after the other could not be encoded, or since a process
            ended that encoded rows; names the file, or those rows.
    """
    path = Path(folder).absolute() / FILE_NAME
    before, begin = os.environ.get(_FILE), path.stat().st_size if path.exists() else 0
    os.environ[_FILE] = str(path)
    try:
        with noted(Path(runs or folder)) as account:
            if account.left and is_master():
                logger.warning(
                    f"swift-saber: under way when a process of an earlier run ended, and so tried in a process of "
                    f"their own: row(s) {listed(account.left)}"
                )
            yield
    except ValueError as error:
        if _GIVES_UP in str(error) and (count := _count(path, begin)):
            problem = f"{count} could not be encoded, too many one after the other to go on"
            raise InputError(str(path), "rows", problem, "see there why, and correct or remove them") from error
        raise
    except RuntimeError as error:
        if account.left and any(said in str(error) for said in _PROCESS_ENDED):
            raise ended_over(account.left) from error
        raise
    finally:
        del os.environ[_FILE]
        if before is not None:
            os.environ[_FILE] = before
        if is_master() and (count := _count(path, begin)):
            logger.warning(f"swift-saber: {count} row(s) could not be encoded and were left out: see {path}")


@contextmanager
def some_left(train: Any, validation: Any, args: Any) -> Iterator[None]:
    """Refuse to train where of the rows to train on, or to validate with, not one could be encoded.

    Args:
        train: the rows to train on as ms-swift has them; None where none is left. The first is asked for inside.
        validation: those to validate with; None as well where there were none.
        args: of ms-swift.

    Raises:
        InputError: names the file that says why.
    """
    path = Path(args.output_dir).absolute() / FILE_NAME

    def none_of(name: str) -> InputError:
        where, remedy = ", ".join(getattr(args, name)), "see there why, and correct or remove them"
        return InputError(where, "rows", f"not one could be encoded: {path}", remedy)

    if train is None:
        raise none_of("dataset")
    if validation is None and args.val_dataset:
        raise none_of("val_dataset")
    if isinstance(validation, LazyLLMDataset):
        validation[0]  # else it would be found out at the first evaluation
    try:
        yield
    except StopIteration as error:  # of a stream
        raise none_of("dataset") from error


def _append(entry: dict[str, str]) -> None:
    if not (file := os.environ.get(_FILE)):
        return
    path = Path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    # One write a row, in append mode: processes share the file, and may each name a row.
    with path.open("ab", buffering=0) as log:
        log.write((dumps(entry) + "\n").encode())


def _count(path: Path, begin: int) -> int:
    """How many rows the file names from that byte on."""
    if not path.exists():
        return 0
    names = set()
    with path.open("rb") as log:
        log.seek(begin)
        for line in log:
            with suppress(InputError):  # cut short by a full disk
                names.add(parse_row(line, str(path)).get("id"))
    return len(names)


class BadRowsCallback(TrainerCallback):
    """Does nothing: the file is kept without it now. Recipes and checkpoints of before name it."""


def register() -> None:
    """Register the callback with ms-swift."""
    callbacks_map[CALLBACK] = BadRowsCallback


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]

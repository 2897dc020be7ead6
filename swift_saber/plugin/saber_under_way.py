"""Which row each process of a run encodes just now, so that one that ends or hangs over it costs that row alone.

Each process that encodes rows for training keeps a small file beside the run's output, with the row that is under way.
What ends without a word (a segmentation fault, a kill for want of memory, a decoder that hangs) leaves the row there.
Such a row is suspected and no more, since a process may be ended from outside: it is encoded in a process of its own
first, and only if that ends too it is left out, as rows that raise an error are. Needs no ms-swift.
"""

import fcntl
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from swift_saber.data.rows import media_list, row_id
from swift_saber.errors import InputError
from swift_saber.media.deadline import VARIABLE as LIMIT
from swift_saber.media.deadline import clip_seconds
from swift_saber.text.strict_json import dumps

T = TypeVar("T")
FOLDER_NAME = "under_way"
# Where rows that could not be encoded are named (saber_bad_rows.py).
BAD_ROWS_FILE = "SABER_BAD_ROWS_FILE"
# Ours: what else is done to a row than to read its files takes far less, on a machine with much else to do too.
REST_SECONDS = 300.0
_LOG_NAME = "rows.jsonl"
# The folder and the name of this run. In the environment, since rows are encoded in processes of many kinds.
_RUN = "SABER_UNDER_WAY"
_POLL_SECONDS = 0.02
_SHOWN = 20

logger = logging.getLogger(__name__)


class EndedError(InputError):
    """A row that is left out since the process that encoded it ended, or was hanging, and did so once more."""


@dataclass(frozen=True)
class Mark:
    """What a process says of itself.

    Attributes:
        since: when it said so, on the machine's monotonic clock.
        seconds: how long the row may take.
        row: the row's id; None between rows.
        stamp: of its files, where the row is encoded under suspicion.
        ends: why it ended itself.
    """

    since: float
    seconds: float
    row: str | None = None
    stamp: Any = None
    ends: str | None = None


# The run


@dataclass
class Account:
    """Attributes:
    left: the rows that were under way in processes that ended: of earlier runs, or of this one when it has failed.
    """

    left: list[str]


@contextmanager
def noted(folder: Path) -> Iterator[Account]:
    """Have processes that encode rows, here or started from here, say which in the folder's `under_way`.

    What processes of earlier runs left there is put under suspicion; what those of this run leave, too, unless it ends
    well.
    """
    place = folder.absolute() / FOLDER_NAME
    name = f"{time.time_ns():x}-{os.getpid()}"
    account = Account(_suspect(place, _left(place)))
    before = os.environ.get(_RUN)
    os.environ[_RUN] = str(place / name)
    try:
        yield account
    except BaseException:
        account.left = _suspect(place, _left(place))
        raise
    finally:
        del os.environ[_RUN]
        if before is not None:
            os.environ[_RUN] = before
        _tidy(place, name)


def ended_over(rows: Sequence[str]) -> InputError:
    """The error for a run that ended since a process did that encoded one of these rows."""
    problem = "under way when a process ended that encoded rows"
    remedy = "start the same command again: each is tried in a process of its own, and left out if that ends too"
    return InputError(f"row {listed(rows)}", "clip", problem, remedy)


def listed(rows: Sequence[str]) -> str:
    """Ids as a line names them."""
    return ", ".join([*rows[:_SHOWN], *([f"and {len(rows) - _SHOWN} more"] if len(rows) > _SHOWN else [])])


def active() -> bool:
    """Whether there is a run here that keeps account."""
    return _RUN in os.environ


def left(folder: Path) -> list[str]:
    """Return the rows that were under way in processes of the folder that have ended without a word."""
    return sorted({mark.row for _, mark in _left(folder.absolute() / FOLDER_NAME) if mark.row})


def suspect_of(pids: Collection[int]) -> list[str]:
    """Put the rows under suspicion that were under way in processes of this run, which have ended; return their ids.

    Raises:
        SystemExit: one of them had ended itself, with what it said.
    """
    here = Path(os.environ[_RUN])
    files = [(here.with_name(f"{here.name}.{pid}"), mark) for pid in pids if (mark := mark_of(pid))]
    for _, mark in files:
        if mark.ends:
            raise SystemExit(mark.ends)
    return _suspect(here.parent, files)


def forget(pids: Collection[int]) -> None:
    """Take what processes of this run say for nothing: they were ended on purpose."""
    here = Path(os.environ[_RUN])
    for pid in pids:
        here.with_name(f"{here.name}.{pid}").unlink(missing_ok=True)


def mark_of(pid: int) -> Mark | None:
    """Return what a process of this run says, or None where it has said nothing."""
    here = Path(os.environ[_RUN])
    return _read(here.with_name(f"{here.name}.{pid}"))


# A row


def row_seconds(row: dict[str, Any]) -> float:
    """How long a row may take: each of its files as long as one may take to be read, and what else there is to do."""
    keys = ("videos", "audios", "rejected_videos", "rejected_audios")
    return clip_seconds() * sum(len(media_list(row, key)) for key in keys) + REST_SECONDS


def guarded(row: dict[str, Any], encode: Callable[[], T]) -> T:
    """Return encode(), with the row said to be under way meanwhile.

    Raises:
        EndedError: a process ended or was hanging over the row before, and one that was to try it did so too.
        Exception: what encode raises.
    """
    here = _here()
    if here is None or not here.free.acquire(blocking=False):  # rows that are encoded in threads are not told apart
        return encode()
    try:
        name, seconds = row_id(row), row_seconds(row)
        known = here.known(name)
        if known is None or known["state"] == "cleared":
            with here.under_way(name, seconds):
                return encode()
        stamp = _stamp(row)
        if known["state"] == "ended" and known["stamp"] == stamp and known["run"] in (None, here.name):
            raise _ended(name, known["reason"], here.log)
        with here.under_way(name, 2 * seconds, stamp):  # for the process of its own, and here
            if reason := _tried(encode, seconds):
                here.note({"id": name, "state": "ended", "stamp": stamp, "run": here.name, "reason": reason})
                raise _ended(name, reason, here.log)
            found = encode()
        here.note({"id": name, "state": "cleared"})
        return found
    finally:
        here.free.release()


def _ended(name: str, reason: str, log: Path) -> EndedError:
    remedy = f"replace its files or remove the row, or allow more time with {LIMIT}; remove {log.parent} to try again"
    return EndedError(f"row {name}", "clip", f"ended the process that encoded it, and one of its own: {reason}", remedy)


def _stamp(row: dict[str, Any]) -> list[Any]:
    """What tells whether the row's files are those that they were."""
    found: list[Any] = []
    for key in ("videos", "audios", "rejected_videos", "rejected_audios"):
        for path in media_list(row, key):
            with suppress(OSError, TypeError, ValueError):  # not a file's name, or no such file
                status = os.stat(path)
                found.append([path, status.st_size, status.st_mtime_ns])
    return found


def _tried(encode: Callable[[], Any], seconds: float) -> str | None:
    """Return how a process of its own ended that encoded a row, or None where it could: with or without an error."""
    child = os.fork()
    if not child:
        # The kernel takes this process first where memory runs out.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
        logging.disable()
        os.environ.pop(BAD_ROWS_FILE, None)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)  # should it outlive this process
        with suppress(BaseException):
            encode()
        os._exit(0)
    status = None
    try:
        until = time.monotonic() + seconds
        while status is None and time.monotonic() < until:
            pid, found = os.waitpid(child, os.WNOHANG)
            if pid:
                status = found
            else:
                time.sleep(_POLL_SECONDS)
    finally:
        if status is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    if status is None:
        return f"was not done within {seconds:g} seconds"
    return how(os.waitstatus_to_exitcode(status)) if status else None


def how(code: int | None) -> str:
    """How a process ended, from its exit code: negative for a signal's number."""
    if code is None or code >= 0:
        return f"ended with status {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    meant = {"SIGKILL": ", as where memory runs out", "SIGALRM": ", since it took too long"}
    return f"killed by {name}{meant.get(name, '')}"


# The files


class _Here:
    """This process's own file."""

    def __init__(self, run: str) -> None:
        self.run, self.pid = run, os.getpid()
        self.path = Path(f"{run}.{self.pid}")
        self.name, self.log = Path(run).name, self.path.with_name(_LOG_NAME)
        self.free = threading.Lock()
        self._states: dict[str, dict[str, Any]] = {}
        self._size = 0
        self._file: int | None = None
        try:
            self._file = self._open()
        except OSError as error:
            logger.warning(f"swift-saber: a row that ends its process could not be named: {self.path}: {error}")

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(f".{self.pid}.new")
        file = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        with suppress(OSError):  # where there are no locks, a file is taken for a living process's
            # As long as this process lives; not of those that it forks.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(file, _line(0), 0)
        new.rename(self.path)
        return file

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)

    def _write(self, seconds: float, **said: Any) -> None:
        if self._file is None:
            return
        try:
            os.pwrite(self._file, _line(seconds, **said), 0)
        except OSError as error:
            logger.warning(f"swift-saber: a row that ends its process could not be named: {self.path}: {error}")
            self._file = None

    @contextmanager
    def under_way(self, row: str, seconds: float, stamp: Any = None) -> Iterator[None]:
        """Say so, and end this process if it takes longer, whatever it hangs in."""
        self._write(seconds, row=row, stamp=stamp)
        # The kernel's own way to end, which no code that hangs can stand in the way of; not where another has a use
        # for it.
        timed = signal.getsignal(signal.SIGALRM) is signal.SIG_DFL and signal.getitimer(signal.ITIMER_REAL)[0] == 0
        if timed:
            signal.setitimer(signal.ITIMER_REAL, seconds)
        ends = None
        try:
            yield
        except SystemExit as error:
            ends = str(error)
            raise
        finally:
            if timed:
                signal.setitimer(signal.ITIMER_REAL, 0)
            self._write(0, ends=ends)

    def known(self, row: str) -> dict[str, Any] | None:
        """What is known of a row that a process ended over."""
        try:
            size = os.stat(self.log).st_size
        except OSError:
            return None
        if size != self._size:
            self._size, self._states = size, _states(self.log)
        return self._states.get(row)

    def note(self, entry: dict[str, Any]) -> None:
        _note(self.log, entry)


def _line(seconds: float, **said: Any) -> bytes:
    """A mark as it is written: over the one before, of which the end may stay behind the line."""
    return (dumps({"since": time.monotonic(), "seconds": seconds, **said}) + "\n").encode("utf-8", "surrogatepass")


_this: _Here | None = None


def _here() -> _Here | None:
    global _this
    run = os.environ.get(_RUN)
    if run is None:
        return None
    if _this is None or _this.run != run or _this.pid != os.getpid():
        if _this is not None:
            _this.close()  # of another run, or of the process that forked this one
        _this = _Here(run)
    return _this


def _left(place: Path) -> list[tuple[Path, Mark]]:
    """The files of processes that have ended, and what they say; without those of processes that live."""
    own = _this.path if _this else None
    # A lock of its own would be lost when the file is closed here.
    paths = [path for path in sorted(place.glob("*-*.*")) if path.suffix != ".new" and path != own]
    return [(path, mark) for path in paths if _is_left(path) and (mark := _read(path))]


def _is_left(path: Path) -> bool:
    try:
        with path.open("r+b") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _read(path: Path) -> Mark | None:
    try:
        return Mark(**json.loads(path.read_bytes().partition(b"\n")[0]))
    except (OSError, ValueError, TypeError):  # gone, or cut short by a full disk
        return None


def _suspect(place: Path, files: list[tuple[Path, Mark]]) -> list[str]:
    """Note the rows of processes that have ended, remove their files, and return the rows' ids."""
    for path, mark in files:
        if mark.row is not None and mark.stamp is None:
            _note(place / _LOG_NAME, {"id": mark.row, "state": "suspected"})
        elif mark.row is not None:
            # Under suspicion when this process ended as well, or all of them.
            reason = "the process that tried it ended as well"
            entry = {"id": mark.row, "state": "ended", "stamp": mark.stamp, "run": None, "reason": reason}
            _note(place / _LOG_NAME, entry)
        path.unlink(missing_ok=True)
    return sorted({mark.row for _, mark in files if mark.row})


def _states(log: Path) -> dict[str, dict[str, Any]]:
    found = {}
    with suppress(OSError), log.open("rb") as lines:
        for line in lines:
            with suppress(ValueError):  # cut short by a full disk
                entry = json.loads(line)
                found[entry["id"]] = entry
    return found


def _note(log: Path, entry: dict[str, Any]) -> None:
    # One write, in append mode: processes share the file.
    with log.open("ab", buffering=0) as file:
        file.write((dumps(entry) + "\n").encode())


def _tidy(place: Path, run: str) -> None:
    """Remove what says nothing any more: files of this run, and what is known of rows where all are cleared."""
    for path in place.glob(f"{run}.*"):  # of processes that live too: they have nothing more to do
        path.unlink(missing_ok=True)
    if all(entry["state"] == "cleared" for entry in _states(place / _LOG_NAME).values()):
        (place / _LOG_NAME).unlink(missing_ok=True)
    with suppress(OSError):  # there is none, or it holds what the next run is to know
        place.rmdir()

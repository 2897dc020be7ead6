"""The one door through which a clip leaves this machine: what goes along is a copy, checked as inference checks a clip.

A file that is no clip (a text, a pipe, a device, what lies outside SABER_MEDIA_ROOT) is never sent, whatever its name.
"""

import fcntl
import os
import queue
import stat
import tempfile
from collections import OrderedDict
from collections.abc import Generator, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from threading import Lock, Thread
from typing import Any, Literal

from swift_saber.data.rows import media_path
from swift_saber.errors import NO_FILE_LEFT, InputError, quoted, unreadable
from swift_saber.media.check import hear_clips
from swift_saber.media.place import Problem, place_fault
from swift_saber.media.read import MAX_BYTES_HELD, file_problem

Medium = Literal["video", "audio"]

_PREFIX = "swift-saber-copy-"
_CHECK_SECONDS = 60.0
_IDLE_SECONDS = 10.0  # after which the processes that check are ended
_REMEMBERED = 4096  # files whose check is not repeated: a clip is sent with each of its candidates
_BLOCK = 1 << 20


class NoClip(InputError):
    """A file is not to be sent; one that is missing is a plain InputError."""


@contextmanager
def checked(path: Any, medium: Medium, made_in: str | os.PathLike[str] | None = None) -> Iterator[Path]:
    """Give a copy of a clip that was checked (media/fault.py), to be read in place of the file; it goes at the end.

    The file is read once, so that what was checked is what is sent, whatever becomes of the file meanwhile.

    Args:
        path: as written in a row.
        medium: what of it is meant; the sound of a video is "audio".
        made_in: a folder of what was made here, besides SABER_MEDIA_ROOT.

    Raises:
        InputError: the file is missing or cannot be read.
        NoClip: it is no clip, lies outside of SABER_MEDIA_ROOT, or has more than MAX_BYTES_HELD.
        OSError: no copy can be made (the temp folder is full, too many files are open): no clip would fare better.
    """
    if not isinstance(path, str) or not path or "\0" in path:
        raise NoClip(quoted(path), medium, "is not a path", "give each clip as the path of a file")
    if placed := place_fault(path):
        raise NoClip(path, medium, placed.reason, placed.remedy)
    full = media_path(path)
    if problem := file_problem(full):
        known = InputError if "missing" in problem or "cannot be" in problem else NoClip
        raise known(full, "file", problem, "see that the clips are where the rows say, and run again")
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(_folder())
            # "%03d" in a name would be an instruction to FFmpeg.
            copy = Path(folder) / os.path.basename(full).replace("%", "_")
            digest = _copy(full, copy, made_in)
        except OSError as error:
            raise _no_copy(error) from error
        if fault := _CHECKS.problem((digest, copy.suffix.lower(), medium), str(copy), medium):
            raise NoClip(full, medium, fault.reason, fault.remedy)
        yield copy


@contextmanager
def held(data: bytes, name: str) -> Iterator[Path]:
    """Give a file of this name that holds these bytes; it goes at the end.

    Raises:
        OSError: it cannot be written (the temp folder is full, too many files are open).
    """
    with ExitStack() as stack:
        try:
            path = Path(stack.enter_context(_folder())) / name
            path.write_bytes(data)
        except OSError as error:
            raise _no_copy(error) from error
        yield path


@contextmanager
def _folder() -> Iterator[str]:
    """Give an empty folder for one copy; it is locked, which tells it from one whose process was killed."""
    _remove_leftovers(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder, _opened(folder) as held:
        with suppress(OSError):  # a file system without locks, where no other folder can be locked either
            fcntl.flock(held, fcntl.LOCK_EX)
        yield folder


@cache
def _remove_leftovers(temp: str) -> None:
    """Remove the copies of processes of this user that were killed, once for each temp folder."""
    for path in Path(temp).glob(f"{_PREFIX}*"):
        # Others may write in a temp folder: what is no folder of ours is left alone, and so is where a link leads.
        with suppress(OSError), _opened(path) as held:
            if os.fstat(held).st_uid == os.geteuid():
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not that of a living process
                for name in (copies := os.listdir(held)):
                    os.unlink(name, dir_fd=held)
                if copies:  # else a process may be about to lock it
                    path.rmdir()


@contextmanager
def _opened(folder: str | os.PathLike[str]) -> Iterator[int]:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield held
    finally:
        os.close(held)


def _copy(path: str, to: Path, made_in: str | os.PathLike[str] | None) -> bytes:
    """Copy a file of the allowed folders, and return the digest of what was read."""
    digest = blake2b(digest_size=16)
    with closing(_read(path, made_in)) as blocks, to.open("xb") as copy:
        for block in blocks:
            digest.update(block)
            copy.write(block)
    return digest.digest()


def _read(path: str, made_in: str | os.PathLike[str] | None) -> Generator[bytes, None, None]:
    """Yield a file's bytes; only what is wrong with that file is an InputError."""
    try:
        # Not to wait for a writer, where a pipe has taken the file's place.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            _check_place(path, os.fstat(file.fileno()), made_in)
            size = 0
            while block := file.read(_BLOCK):
                size += len(block)
                if size > MAX_BYTES_HELD:
                    problem = f"has more than the {MAX_BYTES_HELD >> 20} MiB that are sent at once"
                    raise NoClip(path, "file", problem, "cut or re-encode the clip")
                yield block
    except OSError as error:
        raise unreadable(path, error) from error


def _no_copy(error: OSError) -> OSError:
    """The error of a copy that cannot be made, as the command shows it; it says nothing of the clip."""
    what = "make room there, or name another folder in TMPDIR"
    if error.errno in NO_FILE_LEFT:
        what = "allow more of them (ulimit -n), or ask fewer at a time"
    problem = f"{error.strerror or error}, where a clip is copied to before it is sent (TMPDIR); {what}"
    return OSError(error.errno, problem, tempfile.gettempdir())


def _check_place(path: str, opened: os.stat_result, made_in: str | os.PathLike[str] | None) -> None:
    if not stat.S_ISREG(opened.st_mode):
        raise NoClip(path, "file", "is not a file (a pipe, a socket or a device)", "name the clip's file")
    root = os.environ.get("SABER_MEDIA_ROOT")
    if not root:
        return
    real = os.path.realpath(path)  # links followed, now that the file is open: that file lies there
    allowed = [os.path.realpath(folder) for folder in (root, made_in) if folder]
    inside = any(os.path.commonpath([real, folder]) == folder for folder in allowed)
    if not inside or not os.path.samestat(opened, os.stat(real)):
        remedy = "copy the file into that folder, or allow another one (SABER_MEDIA_ROOT)"
        raise NoClip(path, "file", f"lies outside the allowed folder {allowed[0]}", remedy)


# Who waits for the answer about which file, and the file as hear_clips takes it.
_Asked = tuple[tuple[Future[Problem | None], str], dict[str, Any]]


class _Checks:
    """media/check.py for threads that have one file each; its processes end when nobody asks any more."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._asked: queue.SimpleQueue[_Asked] = queue.SimpleQueue()
        self._serving = False
        self._known: OrderedDict[Any, Future[Problem | None]] = OrderedDict()

    def problem(self, key: Any, path: str, medium: Medium) -> Problem | None:
        """Return what is wrong with a file, without its path, or None.

        Args:
            key: equal for equal files.
        """
        with self._lock:
            answer = self._known.get(key)
            if answer is None:
                answer = self._known[key] = Future()
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
                self._asked.put(((answer, path), {"audios": [], f"{medium}s": [path]}))
                if not self._serving:
                    self._serving = True
                    Thread(target=self._serve, daemon=True, name="swift-saber-checks").start()
        return answer.result()

    def _serve(self) -> None:
        taken: list[Future[Problem | None]] = []

        def rows() -> Iterator[_Asked]:
            while True:
                try:
                    asked = self._asked.get(timeout=_IDLE_SECONDS)
                except queue.Empty:
                    with self._lock:
                        if self._asked.empty():
                            self._serving = False
                            return
                    continue
                taken[:] = [one for one in taken if not one.done()] + [asked[0][0]]
                yield asked

        try:
            workers = min(4, os.cpu_count() or 1)
            with closing(hear_clips(rows(), workers=workers, limit=_CHECK_SECONDS)) as answers:
                for (answer, path), heard in answers:
                    found = heard.problem
                    answer.set_result(found and Problem(found.reason.removeprefix(f"{path}: "), found.remedy))
        except BaseException as error:  # raised again where it was asked for
            with self._lock:
                self._serving = False
                self._known.clear()
                while not self._asked.empty():
                    taken.append(self._asked.get()[0][0])
            for answer in taken:
                if not answer.done():
                    answer.set_exception(error)


_CHECKS = _Checks()


def _forget() -> None:
    global _CHECKS
    _CHECKS = _Checks()  # a forked process has none of the threads


os.register_at_fork(after_in_child=_forget)

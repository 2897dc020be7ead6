"""The files of clips as a page plays them: in parts, and as a copy where no browser plays the file itself, or where its
tags might tell what is in it.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from starlette.responses import Response, StreamingResponse

from swift_saber.errors import InputError
from swift_saber.media.place import Problem
from swift_saber.media.playable import Kind, plays_in_browser, transcode
from swift_saber.media.pool import guarded
from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.media.untagged import copy_untagged

#: A browser holds a connection until all that it asked for has come, has six of them, and asks for whole files; so it
#: is given so many bytes at a time, and what is saved never waits for a clip.
PART = 1 << 20
#: Of all copies together, in bytes: an hour and more of what is copied of a film. Above it the one goes that nobody has
#: asked for the longest; the newest stays, however large it is.
MOST_COPIES = 2 << 30
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_COPY_SECONDS = 600.0
# What a file is by its name; another is no page and no script, whatever is in it.
_TYPES = VIDEO_SUFFIXES | AUDIO_SUFFIXES

_Key = tuple[str, Kind, bool]


class Clips:
    """What is played in the place of each file; any thread may call it.

    In every method `bare` is for a page that is not to learn what a file says of itself: all that it is given are
    copies without titles, comments and names.

    Args:
        folder: for copies, which are made when they are first asked for.
        most: bytes of copies, as MOST_COPIES.
    """

    def __init__(self, folder: Path, most: int = MOST_COPIES) -> None:
        self._folder, self._most = folder, most
        self._locks: defaultdict[_Key, Lock] = defaultdict(Lock)
        self._lock = Lock()
        self._plain: set[tuple[str, Kind]] = set()
        #: Each with its bytes, the one that was asked for last at the end.
        self._copies: dict[_Key, tuple[Path, int]] = {}

    def known(self, path: str, kind: Kind, bare: bool = False) -> tuple[Path, BinaryIO] | None:
        """Return the file itself where a browser plays it, else its copy, open; None before that is made.

        What is open is sent to its end, also where the copy is removed meanwhile.

        Raises:
            OSError: it cannot be read.
        """
        key = path, kind, bare
        with self._lock:
            copy, size = self._copies.pop(key, (None, 0))
            if copy and copy.exists():  # whoever tidies temporary folders may take it for old
                self._copies[key] = copy, size
                return copy, copy.open("rb")
        if bare or not ((path, kind) in self._plain or plays_in_browser(path, kind)):
            return None
        self._plain.add((path, kind))
        return Path(path), open(path, "rb")

    def copied(self, path: str, kind: Kind, bare: bool = False) -> tuple[Path, BinaryIO]:
        """Return the copy of a file, which is made first, or the file itself where none can be made, open.

        Raises:
            LookupError: nor is it called a clip.
            InputError: none can be written; or none can be made, and the file itself is not to be given out.
            OSError: it cannot be read.
        """
        key = path, kind, bare
        with self._lock:
            lock = self._locks[key]
        with lock:
            if found := self.known(path, kind, bare):
                return found
            copy = self._copy(path, kind, bare)
            if not copy.is_relative_to(self._folder):
                self._plain.add((path, kind))
                return copy, copy.open("rb")
            with self._lock:
                self._copies[key] = copy, copy.stat().st_size
                file = copy.open("rb")
                self._make_room()
            return copy, file

    def _make_room(self) -> None:
        """Remove copies until the rest is within bounds."""
        total = sum(size for _, size in self._copies.values())
        for key in list(self._copies)[:-1]:
            if total <= self._most:
                return
            copy, size = self._copies.pop(key)
            copy.unlink(missing_ok=True)
            total -= size

    def _copy(self, path: str, kind: Kind, bare: bool) -> Path:
        to = self._folder / hashlib.sha256(f"{kind} {bare} {path}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
        # In a process of its own: a decoder that a broken file brings down takes no review with it.
        [(_, answer)] = guarded([(None, (path, str(to), kind, bare))], write_copy, workers=1, limit=_COPY_SECONDS)
        if not isinstance(answer, Problem):
            copy, failed = answer
            if failed:  # which may be otherwise the next time
                remedy = "whoever serves this page can make room where temporary files go (TMPDIR)"
                raise InputError("clip", "media", f"its copy cannot be written ({failed})", remedy)
            return Path(copy)
        if Path(path).suffix.lower() not in _TYPES:  # rows of others may name any file of this machine
            raise LookupError(path)
        if bare:
            # Names no file: a blind reviewer is told (desk.Desk.told).
            problem = "cannot be copied without the tags of its file, which may tell what is in it"
            raise InputError("clip", "media", problem, "whoever serves this page can re-encode it without metadata")
        return Path(path)


def write_copy(path: str, to: str, kind: Kind, bare: bool) -> tuple[str, str]:
    """Write a copy that browsers play, without tags; return (its path, why it cannot be written), one of them "".

    Args:
        to: its path without an ending.
        bare: copy the file's own packets where a browser plays these.
    """
    try:
        return (_bare_copy if bare else _new_copy)(path, to, kind), ""
    except OSError as error:
        return "", error.strerror or type(error).__name__


def _new_copy(path: str, to: str, kind: Kind) -> str:
    transcode(path, Path(f"{to}.mp4"), kind)
    return f"{to}.mp4"


def _bare_copy(path: str, to: str, kind: Kind) -> str:
    if plays_in_browser(path, kind):
        same = Path(f"{to}{Path(path).suffix.lower()}")
        try:
            copy_untagged(path, same, kind)
            return str(same)
        except InputError:  # of the few that would play otherwise without their tags: encoded anew, they play as before
            pass
    return _new_copy(path, to, kind)


def part_of(found: tuple[Path, BinaryIO], asked: str | None) -> Response:
    """Return the response with the part of a file that a Range header asks for, at most PART bytes of it.

    Args:
        found: its path, by which it has a type, and the open file, which is closed when all is read.
        asked: the header; without one, and for more than one range, the answer is the whole file.

    Raises:
        OSError: it cannot be read.
    """
    path, file = found
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    size = file.seek(0, 2)
    ranged = _RANGE.fullmatch(asked or "")
    if not ranged or not any(ranged.groups()):
        file.seek(0)
        headers = {"Content-Length": str(size), "Accept-Ranges": "bytes"}
        return StreamingResponse(_parts(file), 200, headers, media_type=kind)
    with file:
        first, last = ranged.groups()
        start = int(first) if first else max(0, size - int(last))
        end = min(int(last) if first and last else size - 1, size - 1, start + PART - 1)
        if start > end:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
        file.seek(start)
        data = file.read(end - start + 1)
    headers = {"Content-Range": f"bytes {start}-{start + len(data) - 1}/{size}", "Accept-Ranges": "bytes"}
    return Response(data, 206, headers, media_type=kind)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while data := file.read(PART):
            yield data

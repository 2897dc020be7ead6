"""The files of clips as a page plays them: in parts, and as a copy where no browser plays the file itself."""

import hashlib
import re
from collections import defaultdict
from pathlib import Path
from threading import Lock

from starlette.responses import FileResponse, Response

from swift_saber.media.place import Problem
from swift_saber.media.playable import Kind, plays_in_browser, transcode
from swift_saber.media.pool import guarded
from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES

#: A browser holds a connection until all that it asked for has come, has six of them, and asks for whole files; so it
#: is given so many bytes at a time, and what is saved never waits for a clip.
PART = 1 << 20
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_COPY_SECONDS = 600.0
# What a file is by its name; another is no page and no script, whatever is in it.
_TYPES = VIDEO_SUFFIXES | AUDIO_SUFFIXES


class Clips:
    """What is played in the place of each file.

    Args:
        folder: for copies, which are made when they are first asked for.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: defaultdict[tuple[str, Kind], Lock] = defaultdict(Lock)
        self._lock = Lock()
        self._known: dict[tuple[str, Kind], Path] = {}

    def known(self, path: str, kind: Kind) -> Path | None:
        """Return the file itself where a browser plays it, else its copy, None before it is made; any thread."""
        key = path, kind
        if key not in self._known:
            if not plays_in_browser(path, kind):
                return None
            self._known[key] = Path(path)
        return self._known[key]

    def copied(self, path: str, kind: Kind) -> Path:
        """Return the copy of a file, which is made first, or the file itself where none can be made; any thread.

        Raises:
            LookupError: nor is it called a clip.
        """
        key = path, kind
        with self._lock:
            lock = self._locks[key]
        with lock:
            if key not in self._known:
                self._known[key] = self._copy(path, kind)
        return self._known[key]

    def _copy(self, path: str, kind: Kind) -> Path:
        copy = self._folder / f"{hashlib.sha256(f'{kind} {path}'.encode()).hexdigest()[:24]}.mp4"
        # In a process of its own: a decoder that a broken file brings down takes no review with it.
        [(_, answer)] = guarded([(None, (path, str(copy), kind))], write_copy, workers=1, limit=_COPY_SECONDS)
        if not isinstance(answer, Problem):
            return copy
        if Path(path).suffix.lower() not in _TYPES:  # rows of others may name any file of this machine
            raise LookupError(path)
        return Path(path)


def write_copy(path: str, to: str, kind: Kind) -> None:
    """Write a copy that browsers play."""
    transcode(path, Path(to), kind)


def part_of(path: Path, asked: str | None) -> Response:
    """Return the response with the part of a file that a Range header asks for, at most PART bytes of it.

    Args:
        asked: the header; without one, and for more than one range, the answer is the whole file.

    Raises:
        OSError: it cannot be read.
    """
    kind = _TYPES.get(path.suffix.lower(), "application/octet-stream")
    found = _RANGE.fullmatch(asked or "")
    if not found or not any(found.groups()):
        return FileResponse(path, media_type=kind)
    first, last = found.groups()
    with path.open("rb") as file:
        size = file.seek(0, 2)
        start = int(first) if first else max(0, size - int(last))
        end = min(int(last) if first and last else size - 1, size - 1, start + PART - 1)
        if start > end:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
        file.seek(start)
        data = file.read(end - start + 1)
    headers = {"Content-Range": f"bytes {start}-{start + len(data) - 1}/{size}", "Accept-Ranges": "bytes"}
    return Response(data, 206, headers, media_type=kind)

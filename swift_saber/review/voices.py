"""What is measured of the voices of clips: when a page asks for it, and each file once."""

from threading import Lock
from typing import Any

from swift_saber.data.voice_track import voice_track
from swift_saber.errors import InputError
from swift_saber.media.deadline import clip_seconds
from swift_saber.media.place import Problem
from swift_saber.media.pool import guarded

_KEPT = 500  # files, of some 20 kB each


class Voices:
    """The lines of voices that pages have asked for; any thread may call it."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}
        self._lock = Lock()

    def track(self, path: str, where: str) -> dict[str, Any]:
        """Return what data.voice_track measures of the sound of a file.

        Args:
            where: names its row in errors.

        Raises:
            InputError: it has no sound, or cannot be read.
        """
        with self._lock:
            if path in self._known:
                return self._known[path]
        # In a process of its own: a decoder that a broken file brings down takes no review with it.
        [(_, answer)] = guarded([(None, (path,))], voice_track, workers=1, limit=clip_seconds())
        if not isinstance(answer, dict):
            problem = answer.reason if isinstance(answer, Problem) else answer
            raise InputError(where, "sound", problem, "replace the file, or reject the clip")
        with self._lock:
            if len(self._known) >= _KEPT:
                del self._known[next(iter(self._known))]
            self._known[path] = answer
        return answer

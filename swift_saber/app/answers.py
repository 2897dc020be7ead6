"""The model behind the page: one clip as a question, and its answer as it grows."""

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from swift_saber.data.convert import to_swift_row, with_sound
from swift_saber.errors import InputError
from swift_saber.media.check import hear_clips
from swift_saber.models.answer import Answer
from swift_saber.models.clips import chat_messages
from swift_saber.models.endpoint import Endpoint
from swift_saber.models.process import AnswerError, ModelDied, ModelProcess

_CHECK_SECONDS = 60.0
_AGAIN_SECONDS = 0.1  # between two states of an answer that grows
_STILL_SECONDS = 1.0  # after which it is said that there is nothing new


@dataclass(frozen=True)
class State:
    """An answer so far.

    Attributes:
        text: what is there of it.
        seconds: since it was asked for.
        done: whether that is all; `cut` then says whether it came to the longest answer.
    """

    text: str
    seconds: float
    done: bool = False
    cut: bool = False


def question(path: str, name: str, words: Mapping[str, Any]) -> tuple[dict[str, Any], float | None]:
    """Return the row that asks about a clip that was checked as inference checks it, and its length in seconds.

    Args:
        path: of a video; the sound in it is heard, unless SABER_SOUND says otherwise.
        name: the row's id.
        words: the columns that say in which words (inference/instruction.py).

    Raises:
        InputError: the clip cannot be used.
    """
    row = to_swift_row({"id": name, "videos": [path], **words}, name)
    root = os.environ.get("SABER_MEDIA_ROOT") or None
    ((_, heard),) = hear_clips([(0, row)], workers=1, limit=_CHECK_SECONDS, root=root)
    if heard.problem:
        raise InputError(name, "clip", heard.problem.reason.removeprefix(f"{path}: "), heard.problem.remedy)
    if row["audios"] is None:
        row = with_sound(row, heard.audios, "question", name)
    return row, heard.seconds


class Answers:
    """A model that is asked in threads of its own: a visitor who leaves holds up nobody.

    Args:
        stream: yields the answer to a row in pieces.
        at_once: questions under way at a time; the others wait for their turn.
    """

    def __init__(self, stream: Callable[[dict[str, Any]], Iterator[Answer]], at_once: int) -> None:
        self._stream = stream
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="swift-saber-app")

    def states(self, row: dict[str, Any]) -> Iterator[State]:
        """Yield the answer to a row as it grows, at least once a second, and last what is done.

        Raises:
            InputError: there is none, also after some states.
        """
        pieces: queue.SimpleQueue[Answer | Exception | None] = queue.SimpleQueue()
        gone = threading.Event()
        began = time.monotonic()
        self._pool.submit(self._ask, row, pieces, gone)
        text, cut = "", False
        try:
            while True:
                try:
                    found = [pieces.get(timeout=_STILL_SECONDS)]
                    time.sleep(_AGAIN_SECONDS)
                    while not pieces.empty():
                        found.append(pieces.get())
                except queue.Empty:
                    found = []
                for piece in found:
                    if isinstance(piece, Exception):
                        raise _failure(row, piece) from piece
                    if piece is not None:
                        text, cut = text + piece.text, cut or piece.cut
                done = None in found
                yield State(text, time.monotonic() - began, done, done and cut)
                if done:
                    return
        finally:
            gone.set()

    def close(self) -> None:
        """Take no more questions; what is under way goes on until the model ends."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(
        self, row: dict[str, Any], to: "queue.SimpleQueue[Answer | Exception | None]", gone: threading.Event
    ) -> None:
        if gone.is_set():
            return
        try:
            with closing(self._stream(row)) as pieces:  # type: ignore[type-var]
                for piece in pieces:
                    if gone.is_set():
                        return
                    to.put(piece)
            to.put(None)
        except Exception as error:  # raised again where the answer is read
            to.put(error)


def from_process(process: ModelProcess) -> Answers:
    """Return the answers of a model that runs here, loaded again after it died; one at a time."""

    def stream(row: dict[str, Any]) -> Iterator[Answer]:
        process.load()
        yield from process.stream(row)

    return Answers(stream, 1)


def from_server(endpoint: Endpoint, max_tokens: int, at_once: int) -> Answers:
    """Return the answers of a model behind an address.

    Args:
        endpoint: the model.
        max_tokens: the longest answer.
        at_once: requests under way at a time.
    """

    def stream(row: dict[str, Any]) -> Iterator[Answer]:
        yield from endpoint.stream(chat_messages(row), temperature=0, max_tokens=max_tokens)

    return Answers(stream, at_once)


def _failure(row: Mapping[str, Any], error: Exception) -> Exception:
    if isinstance(error, AnswerError | ModelDied):
        return InputError(str(row["id"]), "answer", f"there is none: {error}", "try another clip, or this one again")
    return error

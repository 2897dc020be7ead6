"""What is known of each clip before it is published: its bytes, its length, and whether it is the one annotated."""

import hashlib
import mmap
import os
import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from swift_saber.data.rows import allowed_media
from swift_saber.errors import InputError
from swift_saber.media.fault import clip_fault
from swift_saber.media.place import Problem
from swift_saber.media.pool import guarded
from swift_saber.pipeline.publish.given import Measured

K = TypeVar("K")
#: {"videos": [{"sha256", "bytes", "seconds"}], "audios": ...}, in the order of the row's files.
Files = dict[str, list[dict[str, Any]]]

# Seconds for all that is decoded of one clip; that of `prepare`, ours.
_LIMIT = 300.0
# How far two measures of one clip may be apart, as another version of a decoder has them: ours, the limits by which
# dedup takes two clips for one.
_BITS, _SECONDS = 16, 0.25
_BLOCK = 1 << 20
# Bytes that are shown of what stands in a file.
_AROUND = 200
_PRINTED = re.compile(r"[^\x00-\x1f\x7f\ufffd]*")
#: What a clip says that has something beside picture and sound.
BESIDE = "beside picture and sound"


def look(
    clips: Iterable[tuple[K, tuple[list[str], list[str], Measured | None]]], workers: int, words: Sequence[str] = ()
) -> Generator[tuple[K, tuple[Files, list[str]] | Problem], None, None]:
    """Yield (key, what is known) for each clip in the order given: its files, and the texts that they hold beside
    picture and sound, each "name: text"; or why it cannot be published.

    Args:
        clips: (key, (videos, audios, what a run measured of them or None)); paths are absolute.
        workers: processes that decode.
        words: that are looked for among the bytes of each file; where one is found, what it stands in is a text.
    """
    sought = list(words)
    jobs = ((key, [videos, audios, _measures(was), sought]) for key, (videos, audios, was) in clips)
    with closing(guarded(jobs, _look, workers=workers, limit=_LIMIT)) as answers:
        for key, answer in answers:
            if isinstance(answer, Problem):
                yield key, answer
            elif "problem" in answer:
                yield key, Problem(*answer["problem"])
            else:
                yield key, (answer["files"], answer["texts"])


def paths_of(paths: Iterable[str], where: str, column: str, made_in: Path | None) -> list[str]:
    """Return the absolute paths of a row's files.

    Args:
        made_in: the folder of a run, whose sounds may lie outside of SABER_MEDIA_ROOT.

    Raises:
        InputError: one of them is missing, empty, an address, no file, or outside of SABER_MEDIA_ROOT.
    """
    return [allowed_media(path, where, column, [made_in] if made_in else ()) for path in paths]


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class Copied:
    """A file whose bytes are being copied; a context manager, which sees at its end that they are those wanted.

    Args:
        path: of the file.
        wanted: its SHA-256 as it was looked at.
    """

    def __init__(self, path: str, wanted: str) -> None:
        self._path, self._wanted = path, wanted
        self._digest = hashlib.sha256()

    def __enter__(self) -> "Copied":
        self._file = open(self._path, "rb")
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Close the file.

        Raises:
            InputError: what was read is something else.
        """
        self._file.close()
        if kind is None and self._digest.hexdigest() != self._wanted:
            remedy = "publish again when nobody writes to it"
            raise InputError(self._path, "file", "was changed while it was published", remedy)

    def read(self, size: int = -1) -> bytes:
        """Return at most so many bytes."""
        block = self._file.read(size)
        self._digest.update(block)
        return block


def _look(videos: list[str], audios: list[str], was: list[Any] | None, words: list[str]) -> dict[str, Any]:
    """What `look` yields of one clip, as JSON; runs in a process of its own."""
    from swift_saber.media.read import media_seconds

    if fault := clip_fault(videos, audios):
        return {"problem": [fault.reason, fault.remedy]}
    if was and (changed := _changed(videos, *was)):
        return {"problem": [f"{videos[0]}: {changed}", "put the clip back, or annotate it as it is now"]}
    found: Files = {}
    for column, paths in (("videos", videos), ("audios", audios)):
        found[column] = [
            {"sha256": sha256(path), "bytes": os.path.getsize(path), "seconds": _rounded(media_seconds(path))}
            for path in paths
        ]
    each = dict.fromkeys((*videos, *audios))
    return {"files": found, "texts": [text for path in each for text in (*_held_texts(path), *_written(path, words))]}


def _measures(was: Measured | None) -> list[Any] | None:
    return None if was is None else [was.seconds, was.picture, was.sound, list(was.audios)]


def _held_texts(path: str) -> Iterator[str]:
    """What a container says of itself: its title, who made it, where; and what it has that is no picture or sound."""
    from swift_saber.media.read import open_media

    with open_media(path) as container:
        tags = [container.metadata, *(stream.metadata for stream in container.streams)]
        tags += [chapter["metadata"] for chapter in container.chapters()]
        yield from (f"{name}: {text}" for of in tags for name, text in of.items())
        for stream in container.streams:
            cover = stream.type == "video" and "ATTACHED_PIC" in str(stream.disposition).upper()
            # A camera's time code is a stream, too.
            if cover or (stream.type not in {"video", "audio"} and "timecode" not in stream.metadata):
                yield f"{BESIDE}: {'a picture' if cover else stream.type}"


def _written(path: str, words: Iterable[str]) -> Iterator[str]:
    """What stands around words in a file, where its reader passes over it: notes of cameras and programs."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
        for word in words:
            for coding in ("utf-8", "utf-16-le"):
                if (place := held.find(word.encode(coding))) >= 0:
                    text = held[place : place + _AROUND].decode(coding, errors="replace")
                    yield f"bytes: {text[: len(word)]}{_PRINTED.match(text, len(word))[0]}"  # type: ignore[index]


def _changed(videos: list[str], seconds: float | None, picture: str, sound: str, own: list[str]) -> str | None:
    """In what a clip differs from the one that was measured, or None."""
    from swift_saber.media.measure import measure

    if own and not Path(own[0]).is_file():
        return f"has lost its sound, {own[0]}"
    now = measure(videos[0], own[0] if own else None)
    if seconds is not None and abs(now["seconds"] - seconds) > _SECONDS:
        return f"has changed since it was annotated: it lasts {now['seconds']:.2f} s, and lasted {seconds:.2f} s"
    for what, before, after in (("picture", picture, now["picture_hash"]), ("sound", sound, now["sound_hash"])):
        if before and (not after or (int(before, 16) ^ int(after, 16)).bit_count() > _BITS):
            return f"has changed since it was annotated: the {what} is another one"
    return None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

"""Files of a dataset: walking its folders, and what a glance tells of a media file. Opens no media but tiny ones."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from swift_saber.errors import unreadable

#: What browsers, wget-likes, aria2 and the Hugging Face client call a file until it is whole.
UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".aria2", ".incomplete")

_POINTER = b"version https://git-lfs.github.com/spec/"


def walk(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the files at any depth in the order of their paths, without hidden ones and without "__MACOSX".

    Links to folders are followed, each folder once.

    Raises:
        InputError: a folder cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    levels = [_entries(Path(folder), seen)]
    while levels:  # not by recursion: folders may be nested deeper than calls
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        # os.path.isdir takes a link that leads nowhere for a file, where is_dir would raise.
        elif os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir():
            levels.append(_entries(Path(entry.path), seen))
        else:
            yield Path(entry.path)


def _entries(folder: Path, seen: set[tuple[int, int]]) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        known = os.stat(folder)
    except OSError as error:
        raise unreadable(folder, error) from error
    if (known.st_dev, known.st_ino) in seen:  # a link back to a folder above, or two links to one folder
        return
    seen.add((known.st_dev, known.st_ino))
    for entry in entries:
        if not entry.name.startswith(".") and entry.name != "__MACOSX":
            yield entry


def media_problem(path: str | os.PathLike[str] | None) -> str | None:
    """Return what is wrong with a media file at a glance, or None; it is not decoded.

    Args:
        path: of the file, or None where there is none.

    Returns:
        "missing" (or a link to nothing), "empty", "not a file", "unreadable", or "is a git-LFS pointer" where the
        repository was fetched without its large files.
    """
    if path is None:
        return "missing"
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return "not a file"
        if found.st_size == 0:
            return "empty"
        if found.st_size < 1024:  # a pointer has some 130 bytes, and no clip is so small
            with open(path, "rb") as file:
                return "is a git-LFS pointer" if file.read(len(_POINTER)) == _POINTER else None
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError):  # the latter of a name that no file can have
        return "unreadable"
    return None

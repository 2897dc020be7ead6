"""Files of a dataset: walking its folders, and what their names and a glance tell. Opens no media but tiny ones."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from swift_saber.errors import unreadable

#: What browsers, wget-likes, aria2 and the Hugging Face client call a file until it is whole.
UNFINISHED = (".part", ".partial", ".crdownload", ".download", ".aria2", ".incomplete")

#: What stands in place of a file that was not fetched, and how to fetch it.
STAND_INS = {
    "is a git-LFS pointer": 'fetch the file itself: "git lfs pull" in its repository',
    "is a git-annex pointer": 'fetch the file itself: "git annex get" in its repository',
    "is a web page": "download the file again, signed in where the site asks for it",
}
_SMALL = 8192  # bytes: a pointer has some 130, a page that asks to confirm a download a few thousand

# Archives and their parts: x.zip, x.tar.gz, x.7z.001, x.z01, x.part1.rar, x.tar.gz.aa, x.zip.part-00.
_ARCHIVE = re.compile(
    r".*\.((zip|7z|rar|tar|tgz|tbz2?|txz|gz|bz2|xz|zst)([._-]?(part)?[._-]?(\d{1,4}|a[a-z]|aa[a-z]))?|[zr]\d\d|\d{3})"
)
# Words in the names of folders that hold what programs made of clips: crops of faces and mouths, features, separated
# voices. Of other copies, such as conversions, nobody can tell which one is the better.
_DERIVED = frozenset(
    {
        *("openface", "face", "faces", "facecrop", "facecrops", "crop", "crops", "cropped", "aligned"),
        *("landmark", "landmarks", "keypoints", "skeleton", "skeletons", "mouth", "mouths", "lip", "lips"),
        *("feature", "features", "feat", "feats", "flow", "thumbnail", "thumbnails", "preview", "previews"),
        *("vocals", "denoised"),
    }
)
_WORD = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def walk(
    folder: str | os.PathLike[str], named: Callable[[str], object] = bool, *, lenient: bool = False
) -> Iterator[str]:
    """Yield the paths of files at any depth, in their order, without hidden ones and without "__MACOSX".

    Links to folders are followed, each folder once.

    Args:
        named: whether a file of that name is wanted; all are by default.
        lenient: passes over folders that cannot be read.

    Raises:
        InputError: a folder cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    levels = [_entries(Path(folder), seen, lenient)]
    while levels:  # not by recursion: folders may be nested deeper than calls
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        # os.path.isdir takes a link that leads nowhere for a file, where is_dir would raise.
        elif os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir():
            levels.append(_entries(Path(entry.path), seen, lenient))
        elif named(entry.name):
            yield entry.path


def _entries(folder: Path, seen: set[tuple[int, int]], lenient: bool) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        known = os.stat(folder)
    except OSError as error:
        problem = unreadable(folder, error)
        if lenient:
            return
        raise problem from error
    if (known.st_dev, known.st_ino) in seen:  # a link back to a folder above, or two links to one folder
        return
    seen.add((known.st_dev, known.st_ino))
    for entry in entries:
        if not entry.name.startswith(".") and entry.name != "__MACOSX":
            yield entry


def is_archive(name: str) -> bool:
    """Whether a file's name is that of an archive, or of a part of one."""
    return bool(_ARCHIVE.fullmatch(name.lower()))


def derived_folder(parts: Sequence[str]) -> str | None:
    """Return the first of these folders by whose name it holds crops or features of clips, with those above, or None.

    Args:
        parts: names of folders, from the dataset's own on.
    """
    for number, part in enumerate(parts, start=1):
        if not _DERIVED.isdisjoint(word.lower() for word in _WORD.findall(part)):
            return "/".join(parts[:number])
    return None


def stand_in(path: str | os.PathLike[str]) -> str | None:
    """Return which of STAND_INS a file is, or None.

    Raises:
        OSError: it cannot be read.
    """
    try:
        if os.stat(path).st_size >= _SMALL:
            return None
    except FileNotFoundError:  # git-annex links to where the file is put once it is fetched
        return "is a git-annex pointer" if os.path.islink(path) and "annex/objects/" in os.readlink(path) else None
    with open(path, "rb") as file:
        head = file.read(64).lstrip().lower()
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        return "is a git-LFS pointer"
    if head.startswith(b"/annex/objects/"):
        return "is a git-annex pointer"
    return "is a web page" if head.startswith((b"<!doctype html", b"<html")) else None


def media_problem(path: str | os.PathLike[str] | None) -> str | None:
    """Return what is wrong with a media file at a glance, or None; it is not decoded.

    Args:
        path: of the file, or None where there is none.

    Returns:
        "missing" (or a link to nothing), "empty", "not a file", "unreadable", or one of STAND_INS.
    """
    if path is None:
        return "missing"
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            return "not a file"
        if found.st_size == 0:
            return "empty"
        return stand_in(path) if found.st_size < _SMALL else None
    except FileNotFoundError:
        return stand_in(path) or "missing"
    except (OSError, ValueError):  # the latter of a name that no file can have
        return "unreadable"

"""What must not leave this machine, and the last look for it over all that was written.

The look is for what is known to be here: the folders of the run and of its sources, the home folder, the name of the
user as a part of a path, the hosts of the recipe, keys of the environment; and for what is a local path anywhere.
"""

import getpass
import json
import os
import re
import tarfile
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from swift_saber.errors import InputError
from swift_saber.pipeline.sources.base import readers

# Of addresses in a recipe, those that name this machine to nobody.
_ANY_HOST = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD", re.IGNORECASE)
# Keys of a recipe under which folders stand; a source's own key may be one of a folder, too.
_FOLDERS = frozenset({"folder", "output", "root", *readers()})
# Below it, a value is a word like any other.
_SECRET_LENGTH = 8
_LOCAL = re.compile(
    r"\bfile:/|(?<![\w.\-/:])/(home|Users|root|mnt|media|tmp|var|srv|scratch)/[\w.]|(?<!\w)~/\w|\b[A-Z]:\\+\w"
)
_ACCOUNT = re.compile(r"://[^/@\s]+@")
_BATCH = 1000  # rows of a parquet file that are looked at together


class Watch:
    """Finds private text.

    Args:
        words: what must not be there, and what it is: {text: "the home folder"}. A path is found at its beginning
            alone, so that "/data" is not found in "my/data".
        names: parts of paths, e.g. the user's login name.
    """

    def __init__(self, words: Mapping[str, str], names: Mapping[str, str]) -> None:
        spelt = {form: what for word, what in words.items() for form in _forms(word)}
        self._what = spelt | {name: what for name, what in names.items() if name}
        longest = sorted(spelt, key=len, reverse=True)
        texts = [(r"(?<![\w.\-])" if word[0] in "/~" else r"(?<!\w)") + re.escape(word) + r"(?!\w)" for word in longest]
        parts = [rf"(?<=[/\\]){re.escape(name)}(?=[/\\])" for name in names if name]
        self._known = re.compile("|".join([*texts, *parts])) if texts or parts else None

    def found(self, text: str) -> str | None:
        """Return what of a text must not leave this machine, e.g. "the home folder", or None."""
        for given in {text, unquote(text)}:
            form = unicodedata.normalize("NFC", given)
            if self._known and (match := self._known.search(form)):
                return self._what[match.group()]
            if _LOCAL.search(form):
                return "a local path"
            if _ACCOUNT.search(form):
                return "a user or a password in an address"
        return None


def watch(folders: Iterable[str | os.PathLike[str]], recipe: Mapping[str, Any], *, said: bool = False) -> Watch:
    """Return what looks for the private text of a run.

    Args:
        folders: of the run, its records and clips, and of the folder that is written.
        recipe: of the run: its paths, hosts and the variables of its keys; {} without one.
        said: of texts that are written to be published: a host or the user's name may stand in the address that others
            are given.
    """
    words: dict[str, str] = {}
    for folder in folders:
        words |= dict.fromkeys(_spelt(folder), "a folder of this machine")
    for key, value in _leaves(recipe):
        if not isinstance(value, str):
            continue
        if host := _host(value):
            words |= {} if said else {host: "a host of the recipe"}
        elif value.startswith(("/", "~")):
            words |= dict.fromkeys(_spelt(value), "a path of the recipe")
        elif key in _FOLDERS and "/" in value.strip("./"):
            words[value.rstrip("/").removeprefix("./")] = "a path of the recipe"
        elif key == "key_env" and len(secret := os.environ.get(value, "").strip()) >= _SECRET_LENGTH:
            words[secret] = "a key"
    for name, value in os.environ.items():
        if _SECRET.search(name) and len(value.strip()) >= _SECRET_LENGTH and not value.startswith("/"):
            words[value.strip()] = f"the value of {name}"
    words |= dict.fromkeys(_spelt("~"), "the home folder")
    try:
        login = getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for its user
        login = ""
    return Watch(words, {} if said else {login: "the user's login name"})


def check(folder: Path, watch: Watch, said: Iterable[str] = ()) -> None:
    """Look over every text of a published folder.

    Args:
        said: lines of the card that are written to be published, and were looked over by themselves.

    Raises:
        InputError: something private is there; names file and place.
    """
    on_purpose = sorted({line for line in said if line.strip()}, key=len, reverse=True)
    for path in sorted(folder.rglob("*")):
        for where, value in _texts(path, path.relative_to(folder).as_posix()) if path.is_file() else ():
            for place, text in _strings(value):
                for line in on_purpose if path.suffix == ".md" else ():
                    text = text.replace(line, " ")
                if what := watch.found(text):
                    remedy = "take it out of the records or the settings; nothing was published"
                    raise InputError(where, place or "text", f"holds {what}", remedy)


def _texts(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    """("file:line", value) of all texts in a file; of a clip none but its name."""
    yield name, name
    if path.suffix == ".md":
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                yield f"{name}:{number}", line
    elif path.suffix == ".jsonl":
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                yield f"{name}:{number}", json.loads(line)
    elif path.suffix == ".tar":
        with tarfile.open(path) as shard:
            for member in shard:
                yield f"{name}:{member.name}", [member.name, member.uname, member.gname]
                if member.name.endswith(".json") and (text := shard.extractfile(member)):
                    yield f"{name}:{member.name}", json.load(text)
    elif path.suffix == ".parquet":
        yield from _parquet(path, name)


def _parquet(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    import pyarrow.parquet as parquet

    file = parquet.ParquetFile(path)
    leaves = [file.schema.column(place).path for place in range(len(file.schema))]
    number = 0
    for batch in file.iter_batches(_BATCH, columns=[leaf for leaf in leaves if not leaf.endswith(".bytes")]):
        for row in batch.to_pylist():
            number += 1
            yield f"{name}:{number}", row


def _strings(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """(keys joined by dots, text) of all texts in a value, keys included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield place, str(key)
            yield from _strings(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, place)
    elif isinstance(value, str):
        yield place, value


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """(the last key, value) of all that stands in a recipe."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    else:
        yield key, value


def _host(value: str) -> str | None:
    """The host of an address that stands in a recipe, where it says something."""
    try:
        host = urlsplit(value).hostname if "://" in value else None
    except ValueError:
        return None
    return None if host in _ANY_HOST else host


def _spelt(folder: str | os.PathLike[str]) -> Iterator[str]:
    """A folder as texts may have it; not the root, which is in all of them."""
    path = os.path.expanduser(folder)
    for form in (str(folder), os.path.abspath(path), os.path.realpath(path)):
        if form.startswith(("/", "~/")) and len(form.rstrip("/")) > 1:
            yield form.rstrip("/")


def _forms(word: str) -> set[str]:
    return {unicodedata.normalize("NFC", word)}

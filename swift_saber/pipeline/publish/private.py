"""What must not leave this machine, and the last look for it over all that was written.

The look is for what is known to be here: the folders of the run and of its sources, the home folder, the name of the
user as a part of a path, the hosts of the recipe, keys of the environment; and for what is a local path anywhere.
"""

import getpass
import html
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
from swift_saber.text.emotions import common_emotion

# Of addresses in a recipe, those that name this machine to nobody.
_ANY_HOST = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD", re.IGNORECASE)
# Keys of a recipe under which folders stand; a source's own key may be one of a folder, too.
_FOLDERS = frozenset({"folder", "output", "root", *readers()})
# Below it, a value is a word like any other.
_SECRET_LENGTH = 8
# Accounts and folders that are called by a word which stands in ids and texts all the time; as are those of emotions.
_ORDINARY = frozenset(
    {
        *("admin", "audio", "build", "clip", "clips", "data", "demo", "dev", "docker"),
        *("eval", "guest", "home", "main", "media", "model", "models", "root", "runner"),
        *("share", "test", "tmp", "train", "ubuntu", "user", "users", "validation", "video"),
        *("videos", "voice", "work"),
    }
)
_ROOTS = (
    "home|users|root|mnt|media|tmp|var|srv|scratch|opt|etc|private|volumes|nfs|gpfs|lustre|workspace|kaggle|cygdrive|"
    "content/drive|run/user|run/media|usr/local"
)
# Letters of ASCII end a word here: in a Chinese sentence a path stands between characters.
_LOCAL = re.compile(
    rf"\bfile:/|(?:(?<![a-z0-9_.\-/])|(?<=\.\.))/(?:{_ROOTS})/[\w.]|(?<!\w)~/\w|(?<![a-z])[a-z]:\\+\w"
    r"|(?<![a-z])[a-z]:/+[^\s/:]+/|(?<![\w\\])\\\\[\w.-]+\\+\w|(?<![\w:/])//[\w.-]+/\w",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(r"://[^/@\s]+@")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*(?:\.[a-z]{2,}|:[\w/~])", re.ASCII | re.IGNORECASE)
_NETWORK = re.compile(
    r"://(?:\[|\d+\.\d+\.\d+\.\d+|localhost\b|[\w.-]+\.(?:local|internal|intranet|lan|corp)\b)"
    r"|(?<![\d.])(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+(?![\d.]\d)",
    re.ASCII | re.IGNORECASE,
)
# Of clouds and clusters; others cannot open them, and the name of a bucket says whose it is.
_STORE = re.compile(
    r"(?<![a-z0-9])(?:s3[an]?|gs|gcs|hdfs|viewfs|oss|cosn?|obs|tos|abfss?|wasbs?|adl)://+\w", re.IGNORECASE
)
# As their makers write them: Hugging Face, OpenAI, GitHub, AWS, a JSON web token, PEM.
_KEY = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|AKIA[A-Z0-9]{16}"
    r"|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.)|-----BEGIN [A-Z ]*PRIVATE KEY",
    re.ASCII,
)
_ANYWHERE = (
    (_LOCAL, "a local path"),
    (_ACCOUNT, "a user or a password in an address"),
    (_MAIL, "an address of mail"),
    (_NETWORK, "an address of a network of one's own"),
    (_STORE, "an address of a store of files"),
    (_KEY, "a key"),
)
# Names of fewer letters are parts of too many words.
_SHORT = 3
# How often a text may be wrapped in another that is looked into.
_WRAPPED = 3
# Paths that stand among the bytes of a clip, and the beginning of what editing programs note there (XMP).
XMP = "<x:xmpmeta"
_IN_BYTES = ("/home/", "/Users/", "C:\\Users\\", "file:///", XMP)
_BATCH = 1000  # rows of a parquet file that are looked at together


class Watch:
    """Finds private text, in small and capital letters alike.

    Args:
        words: what must not be there, and what it is: {text: "the home folder"}. A path is found at its beginning
            alone, so that "/data" is not found in "my/data"; one of a single folder where another part follows.
        names: parts of paths, e.g. the user's login name; those that are words like any other, below a folder of users
            alone.
        mail: whether an address of mail is private.
    """

    def __init__(self, words: Mapping[str, str], names: Mapping[str, str], *, mail: bool = True) -> None:
        spelt = {_plain(word): what for word, what in words.items() if word}
        parts = {_plain(name): what for name, what in names.items() if name}
        self._what = spelt | parts
        longest = sorted(spelt, key=len, reverse=True)
        self._known = re.compile("|".join([*map(_searched, longest), *map(_as_part, parts)])) if self._what else None
        #: What a clip's own bytes are searched for: of words that begin alike the shortest, of enough letters.
        self.words = [
            word
            for word in sorted({word.rstrip("/") for word in words if len(word) >= _SECRET_LENGTH} | set(_IN_BYTES))
            if not any(word != other and word.startswith(other) for other in (*words, *_IN_BYTES))
        ]
        self._anywhere = [(shape, what) for shape, what in _ANYWHERE if mail or shape is not _MAIL]

    def found(self, text: str) -> str | None:
        """Return what of a text must not leave this machine, e.g. "the home folder", or None."""
        for form in _readings(text):
            if self._known and (match := self._known.search(_plain(form))):
                return self._what[match.group()]
            for shape, what in self._anywhere:
                if shape.search(form):
                    return what
        return None


def _readings(text: str) -> set[str]:
    """A text as it stands, and as it reads where it is a part of an address, of HTML or of JSON, more than once."""
    found: set[str] = set()
    for _ in range(_WRAPPED):
        form = unicodedata.normalize("NFKC", text)
        form = "".join(char for char in form if unicodedata.category(char) != "Cf")
        found |= {form, form.replace("\\/", "/")}
        text = html.unescape(unquote(form)) if "%" in form or "&" in form else form
    return found


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _searched(word: str) -> str:
    """What finds a word that _plain has made so."""
    if not word.startswith(("/", "~")):
        return r"(?<!\w)" + re.escape(word) + r"(?!\w)"
    return r"(?<![a-z0-9_.\-])" + re.escape(word) + (r"(?!\w)" if "/" in word[1:] else r"(?=/\w)")


def _as_part(name: str) -> str:
    """What finds a name that is a part of a path."""
    ordinary = len(name) < _SHORT or name in _ORDINARY or name in readers() or common_emotion(name) is not None
    below = r"(?:(?<=home[/\\])|(?<=users[/\\])|(?<=~))" if ordinary else r"(?<=[/\\~])"
    return below + re.escape(name) + (r"(?!\w)" if ordinary else r"(?=[/\\])")


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
    return Watch(words, {} if said else {login: "the user's login name"}, mail=not said)


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

"""Any folder of clips: every video below it, the sound inside or beside it, and a table of what is known, if any.

A layout of our own. The table is metadata.csv or metadata.jsonl in the folder itself; of its columns only `id` is
asked for: the clip's path in the folder, "part 1/clip007", also with its ending or Windows' separator.

    id, transcript, emotion, speaker, split ("train", "dev", "test"), language ("zh", "en")

An emotion is kept as it stands, and mapped to the common vocabulary where its word is known. Other columns become
labels.
"""

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar

from swift_saber.errors import InputError, quoted
from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source
from swift_saber.text.language import Language

_COLUMNS = ("id", "transcript", "emotion", "speaker", "split", "language")
_LANGUAGES: dict[str, Language] = {"zh": "zh", "en": "en"}
_TABLES = ("metadata.csv", "metadata.jsonl")
_SPLITS = ("train", "dev", "test")


class Generic(Source):
    """A folder of clips; ids are "<name>/<split or "all">/<path in the folder without its ending>"."""

    key = "generic"
    title = "a folder of clips"
    languages = tuple(_LANGUAGES.values())
    access = "your own clips."
    layout = """
        any/folder/clip.mp4                        (or avi, flv, mkv, mov, mpg, ts, webm, wmv, 3gp ...)
        any/folder/clip.wav                        (where the sound is not inside; or flac, m4a, mp3, ogg ...)
        metadata.csv or metadata.jsonl             (if any: id, transcript, emotion, speaker, split, language)
    """
    options: ClassVar[dict[str, str]] = {
        "language": "zh or en, of the clips whose row does not say it; needed where any such is.",
        "name": "begins the ids and names the source in counts, so that two folders differ; generic by default.",
    }

    def __init__(self, folder: str | Path, *, language: Language | None = None, name: str = "generic") -> None:
        super().__init__(folder)
        if language is not None and language not in _LANGUAGES:
            raise self.wrong_option("language", language, "give zh or en")
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name, re.ASCII):
            raise self.wrong_option("name", name, "give a short name of letters, digits, dots and dashes")
        self.language = language
        self._named: set[str] = set()
        self.name = name

    def read(self) -> Iterator[Clip]:
        """Yield the clips in the order of their paths."""
        table = self._table()
        self._named = {spelling for name in table or () for spelling in _spellings(name)}
        videos = list(self.files(VIDEO_SUFFIXES))
        if table is not None:
            table = self._by_clip(table, {self._native(video) for video in videos})
        sounds: dict[str, Path] = {}
        for path in self.files(AUDIO_SUFFIXES):
            sounds.setdefault(self._native(path), path)
        for video in videos:
            native = self._native(video)
            row = None if table is None else table.pop(native, None)
            if table is not None and row is None:
                self.note("video without row", video)
            if self.usable(video, "video"):
                yield self._clip(native, video, sounds.pop(native, None), row or {})
        for native in table or {}:
            self.skip("video missing", native)
        for path in sounds.values():
            self.skip("sound without a video", path)

    def _clip(self, native: str, video: Path, sound: Path | None, row: dict[str, str]) -> Clip:
        language = _LANGUAGES[row["language"]] if "language" in row else self.language
        if language is None:
            remedy = f"give the option sources.{self.key}.language, or a column language in the metadata"
            raise InputError(str(video), "language", "is not known", remedy)
        labels = {key: value for key, value in row.items() if key not in _COLUMNS}
        split, emotion = row.get("split"), row.get("emotion")
        return self.clip(
            f"{split or 'all'}/{native}",
            video,
            language=language,
            audio=self.sound(sound, native) if sound else None,
            transcript=row.get("transcript"),
            labels=labels | {"native_emotion": emotion},
            emotion=emotion,
            speaker=row.get("speaker"),
            split=split,
        )

    def is_named(self, path: str) -> bool:
        """Whether the table names a file."""
        return self._native(path) in self._named

    def _native(self, path: str | Path) -> str:
        # By the text, and not as Path does it: there are many.
        return os.path.splitext(str(path).removeprefix(os.path.join(self.folder, "")))[0]

    def _table(self) -> dict[str, dict[str, str]] | None:
        """What the table says of each clip, without what it leaves blank; None where there is no table."""
        names = [name for name in sorted(os.listdir(self.folder)) if name.lower() in _TABLES]
        paths = [path for name in names if (path := self.folder / name).is_file()]
        if len(paths) > 1:
            raise InputError(str(self.folder), "folder", f"holds {' and '.join(names)}", "keep one of them")
        if not paths:
            return None
        found: dict[str, dict[str, str]] = {}
        is_csv = paths[0].suffix.lower() == ".csv"
        for where, given in self.rows(paths[0], ("id",)) if is_csv else self.objects(paths[0]):
            row = _checked(where, given)
            if row["id"] in found:
                raise InputError(where, "id", f"{quoted(row['id'])} is there twice", "remove one of the two rows")
            found[row["id"]] = row
        return found

    def _by_clip(self, table: dict[str, dict[str, str]], there: Collection[str]) -> dict[str, dict[str, str]]:
        """The rows by the clips of the folder that they name, however they spell them; others by their ids."""
        found: dict[str, dict[str, str]] = {}
        for name, row in table.items():
            native = next((spelling for spelling in _spellings(name) if spelling in there), name)
            if native in found:
                problem = f"{quoted(found[native]['id'])} and {quoted(name)} name one clip"
                raise InputError(str(self.folder), "metadata", problem, "remove one of the two rows")
            found[native] = row
        return found


def _spellings(name: str) -> Iterator[str]:
    """A clip's name as it is given, with "/" for Windows' separator, and without its ending."""
    for path in (name, name.replace("\\", "/").removeprefix("./")):
        yield path
        stem, ending = os.path.splitext(path)
        if ending.lower() in VIDEO_SUFFIXES or ending.lower() in AUDIO_SUFFIXES:
            yield stem


def _checked(where: str, given: dict[str, Any]) -> dict[str, str]:
    """The row's texts, stripped, without blank ones.

    Raises:
        InputError: a value is no text, there is no id, or the split or language is another.
    """
    row: dict[str, str] = {}
    for key, value in given.items():
        if value is not None and not isinstance(value, str):
            raise InputError(where, key, f"is {quoted(value)}, not a text", 'write it as a text: "007"')
        if value and value.strip():
            row[key] = value.strip()
    if "id" not in row:
        raise InputError(where, "id", "is missing", "give the clip's path in the folder, without its ending")
    for key, known in (("split", _SPLITS), ("language", _LANGUAGES)):
        if key in row and row[key] not in known:
            raise InputError(where, key, f"is {quoted(row[key])}", f"give one of: {', '.join(known)}")
    return row

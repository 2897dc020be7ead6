"""Any folder of clips: every video below it, the sound inside or beside it, and a table of what is known, if any.

A layout of our own. The table is metadata.csv or metadata.jsonl in the folder itself; of its columns only `id` is
asked for: the clip's path in the folder with "/" and without its ending ("part 1/clip007").

    id, transcript, emotion, speaker, split ("train", "dev", "test"), language ("zh", "en")

An emotion is kept as it stands, and mapped to the common vocabulary where its word is known. Other columns become
labels.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError, quoted
from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source
from swift_saber.text.language import Language

_COLUMNS = ("id", "transcript", "emotion", "speaker", "split", "language")
_LANGUAGES: dict[str, Language] = {"zh": "zh", "en": "en"}
_SPLITS = ("train", "dev", "test")


class Generic(Source):
    """A folder of clips; ids are "<name>/<split or "all">/<path in the folder without its ending>"."""

    key = "generic"
    title = "a folder of clips"
    languages = tuple(_LANGUAGES.values())
    access = "your own clips."
    layout = """
        any/folder/clip.mp4                        (or avi, flv, m4v, mkv, mov, webm)
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
        self.name = name

    def read(self) -> Iterator[Clip]:
        """Yield the clips in the order of their paths."""
        table = self._table()
        sounds: dict[str, Path] = {}
        for path in self.files(AUDIO_SUFFIXES):
            sounds.setdefault(self._native(path), path)
        for video in self.files(VIDEO_SUFFIXES):
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

    def _native(self, path: Path) -> str:
        return path.relative_to(self.folder).with_suffix("").as_posix()

    def _table(self) -> dict[str, dict[str, str]] | None:
        """What the table says of each clip, without what it leaves blank; None where there is no table."""
        paths = [path for name in ("metadata.csv", "metadata.jsonl") if (path := self.folder / name).is_file()]
        if len(paths) > 1:
            raise InputError(str(self.folder), "folder", "holds metadata.csv and metadata.jsonl", "keep one of them")
        if not paths:
            return None
        found: dict[str, dict[str, str]] = {}
        for where, given in self.rows(paths[0], ("id",)) if paths[0].suffix == ".csv" else read_rows(paths[0]):
            row = _checked(where, given)
            native = row["id"]
            if native in found:
                raise InputError(where, "id", f"{quoted(native)} is there twice", "remove one of the two rows")
            found[native] = row
        return found


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

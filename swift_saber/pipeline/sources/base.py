"""What a source dataset's reader is, and what all readers need: files, tables, emotion words, irregularities.

A reader of the dataset "crema-d" is the one subclass of Source in the module crema_d.py beside this file; that is all
there is to adding one. Readers look at names, tables and sizes only and open no media: whether a clip can be decoded
is for cleaning to find out.
"""

import csv
import os
import pkgutil
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TextIO

from swift_saber.data.rows import MAX_ROW_BYTES, parse_row, read_rows
from swift_saber.errors import InputError, quoted
from swift_saber.pipeline import sources
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources._files import (
    UNFINISHED,
    derived_folder,
    is_archive,
    media_problem,
    walk,
)
from swift_saber.pipeline.sources._texts import UTF8, as_meant, is_encoding, lines, opened
from swift_saber.text.emotions import OWN_EMOTIONS, common_emotion, own_emotions
from swift_saber.text.files import MOST_BYTES
from swift_saber.text.language import Language

_EXAMPLES = 20
_MOST_LINES = 100  # of a row of a table: where a quotation mark is missing, all the rows after it would be a part of it
# Stands in a path for bytes that are no UTF-8, which no file of rows can hold.
_NO_TEXT = re.compile("[\ud800-\udfff]")


class Source(ABC):
    """A dataset in a folder, as it is distributed.

    Attributes:
        skipped: how many files, rows or takes became no clip, by reason.
        noted: how often something was odd that cost no clip, by what it is.
        examples: for each reason of both, the first ids or paths, at most 20.
    """

    #: Names it in recipes and begins its ids; the module has the same name, with "_" for "-".
    key: ClassVar[str]
    title: ClassVar[str]
    languages: ClassVar[tuple[Language, ...]]
    #: Where to ask for it, and its licence: one sentence.
    access: ClassVar[str]
    #: What the folder must look like: a few lines.
    layout: ClassVar[str]
    #: What its clips' own names look like, by which a released record without clip is said to be of it. Only those of
    #: MELD and of the MER series were seen in the release.
    own_names: ClassVar[str] = ""
    #: Whether one name is in several splits, so that even the only clip of a name that is at hand may be a wrong one.
    repeats: ClassVar[bool] = False
    #: What can be chosen beside the folder, with one sentence on each: names of __init__'s keywords, and what every
    #: source has, which is added to what a subclass says.
    options: ClassVar[dict[str, str]] = {
        "encoding": "of tables and texts that are not UTF-8: gbk, cp1252, utf-16 and so on. A wrong one may read them "
        "as nonsense without an error: look at some."
    }

    def __init_subclass__(cls) -> None:
        cls.options = cls.options | Source.options

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(os.path.abspath(folder))
        self.name = self.key  # of the source, in rows and counts
        self.encoding: str | None = None  # of tables and texts that are not UTF-8; None where all are
        self.skipped: Counter[str] = Counter()
        self.noted: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        self._unfit: set[str] = set()  # what `files` counted: readers walk more than once
        self._packed: set[Path] = set()  # archives that were counted

    @abstractmethod
    def read(self) -> Iterator[Clip]:
        """Yield the clips in an order that depends on the dataset alone; `clips` is what callers use.

        Raises:
            InputError: this is not the dataset's folder (see `wrong`).
        """

    def clips(self) -> Iterator[Clip]:
        """Yield each clip once, in an order that depends on the dataset alone; counts begin anew.

        Raises:
            InputError: the folder is not there, is not this dataset's, cannot be read, or holds no clip.
        """
        self.skipped.clear()
        self.noted.clear()
        self.examples.clear()
        self._unfit.clear()
        self._packed.clear()
        if not self.folder.is_dir():
            if self.folder.is_file() and is_archive(self.folder.name):
                raise InputError(str(self.folder), "folder", "is an archive", "unpack it, and name the folder")
            raise self.wrong("the folder itself")
        seen: set[str] = set()
        for clip in self.read():
            if clip.id in seen:
                self.skip("id twice", f"{clip.id} ({clip.video})")
            else:
                seen.add(clip.id)
                yield clip
        if not seen:
            found = "; ".join(f"{count} x {reason}" for reason, count in self.skipped.most_common(5))
            raise self._unusable(f"holds no clip of {self.title} that can be used" + (f" ({found})" if found else ""))
        for path in self.archives():
            if path not in self._packed:
                self.note(f"archive beside the clips: {media_problem(path) or 'is all of it unpacked?'}", path)

    def wrong(self, sought: str) -> InputError:
        """Return the error for a folder that is not the dataset's: say what was looked for in it."""
        return self._unusable(f"is no folder of {self.title}: {sought} is not there")

    def _unusable(self, problem: str) -> InputError:
        remedy = f"expected: {' '.join(self.layout.split())}"
        if archives := list(self.archives()):
            more = f" and {len(archives) - 3} more" if len(archives) > 3 else ""
            problem += f", but it holds archives: {', '.join(map(self._archive, archives[:3]))}{more}"
            remedy = f"unpack them there (of parts the first: 7z x FIRST; or cat PARTS | tar -x); {remedy}"
        return InputError(str(self.folder), "folder", problem, remedy)

    def _archive(self, path: Path) -> str:
        fault = media_problem(path)
        return f"{path.relative_to(self.folder)}{f' ({fault})' if fault else ''}"

    def wrong_option(self, name: str, value: object, remedy: str) -> InputError:
        """Return the error for an option whose value cannot be used."""
        return InputError("recipe", f"sources.{self.key}.{name}", f"is {quoted(value)}", remedy)

    def skip(self, reason: str, what: object) -> None:
        """Count a file, row or take (its id or path) that becomes no clip; reasons are a few fixed words."""
        if reason.startswith("archive ") and isinstance(what, Path):
            self._packed.add(what)
        self._count(self.skipped, reason, what)

    def skip_archive(self, path: Path) -> None:
        """Count an archive whose contents are not there."""
        self.skip(f"archive {media_problem(path) or 'not unpacked'}", path)

    def note(self, oddity: str, what: object) -> None:
        """Count what is odd but costs no clip (its id or path, or a table's); oddities are a few fixed words."""
        self._count(self.noted, oddity, what)

    def _count(self, counter: Counter[str], reason: str, what: object) -> None:
        counter[reason] += 1
        if counter[reason] <= _EXAMPLES:
            self.examples.setdefault(reason, []).append(str(what))

    def clip(
        self,
        name: str,
        video: Path,
        *,
        language: Language | None = None,
        audio: str | None = None,
        transcript: str | None = None,
        labels: dict[str, Any],
        emotion: str | None = None,
        speaker: str | None = None,
        origin: str | None = None,
        split: str | None = None,
    ) -> Clip:
        """Return a clip of this source; what is blank is not known.

        Args:
            name: the id without the source: "<split or part>/<native id>".
            language: the dataset's by default, where it has one.
            emotion: in the dataset's own word; where that is none of the common ones, it is kept under OWN_EMOTIONS.
            speaker, origin: without the source.
            video, audio, transcript, labels, split: as Clip.
        """
        if own := own_emotions([emotion]):
            labels = labels | {OWN_EMOTIONS: own}
        return Clip(
            id=f"{self.name}/{name}",
            source=self.name,
            language=language or self.languages[0],
            video=str(video),
            audio=audio,
            transcript=transcript or None,
            labels={key: value for key, value in labels.items() if value not in (None, "")},
            emotion=common_emotion(emotion or ""),
            speaker=f"{self.name}/{speaker}" if speaker else None,
            origin=f"{self.name}/{origin}" if origin else None,
            split=split,
        )

    def usable(self, path: str | os.PathLike[str] | None, kind: str, what: object = None) -> bool:
        """Whether a media file is there with content; else it is counted as "<kind> missing", "empty" and so on.

        Args:
            path: of the file, or None where there is none.
            kind: "video" or "audio".
            what: the id to name in the examples; the path by default.
        """
        problem = media_problem(path)
        if problem:
            self.skip(f"{kind} {problem}", path if what is None else what)
        return not problem

    def sound(self, path: str | os.PathLike[str] | None, what: object) -> str | None:
        """Return the path of a clip's sound file, or None (and a note) where the video's own must do for it.

        Args:
            path: of the sound file, or None where there is none.
            what: the id to name in the examples.
        """
        if problem := media_problem(path):
            self.note(f"audio {problem}: the video's own is taken", what)
        return None if problem else str(path)

    def by_stem(
        self, suffixes: Collection[str], pattern: re.Pattern[str], renamed: Mapping[str, str] | None = None
    ) -> dict[str, Path]:
        """Return the files with these endings whose stem fully matches, by stem; others and second ones are counted.

        Args:
            suffixes: as files.
            pattern: of the stems.
            renamed: stems by those that stand for them.

        Raises:
            InputError: as files.
        """
        found: dict[str, Path] = {}
        for path in self.files(suffixes):
            stem = (renamed or {}).get(path.stem, path.stem)
            if not pattern.fullmatch(stem):
                self.skip("name not of this dataset", path)
            elif stem in found:
                if media_problem(found[stem]) and not media_problem(path):  # e.g. a pointer beside the converted video
                    found[stem], path = path, found[stem]
                self.skip("second file of one clip", path)
            else:
                found[stem] = path
        return found

    def files(self, suffixes: Collection[str], below: str | os.PathLike[str] | None = None) -> Iterator[Path]:
        """Yield the files with one of these endings at any depth, in the order of their paths; counts half downloads.

        Leaves out hidden files and folders and what macOS adds ("._x.mp4", "__MACOSX"). Links to folders are followed.
        Leaves out and counts what was made of clips: a folder whose name says that it holds crops or features
        (FaceCrops, openface) does so where a file in it is called as one outside of such folders is. Where it is the
        only place of all its names, nothing is known to be better; a folder that holds all the files says nothing.

        Args:
            suffixes: in small letters, with the dot; files are matched in any case.
            below: a folder in the dataset's; all of it by default.

        Raises:
            InputError: a folder cannot be read.
        """
        endings = tuple(suffixes)
        found: list[str] = []
        wanted = (*endings, *UNFINISHED)
        for path in walk(self.folder if below is None else below, lambda name: name.lower().endswith(wanted)):
            if not path.lower().endswith(endings):
                self._skip_once("download not finished", path, path)
            elif _NO_TEXT.search(path):
                self._skip_once("path is not UTF-8", path, ascii(path))
            else:
                found.append(path)
        copies = self._copies(found)
        for path in found:
            if path in copies:
                self._skip_once("in a folder of crops or features", path, path)
            else:
                yield Path(path)

    def _copies(self, found: Sequence[str]) -> set[str]:
        """Those of some files that lie in folders of what was made of the others."""
        folders = {os.path.dirname(path) for path in found}
        above = os.path.commonpath(folders) if folders else ""  # whose name tells the files of it from no others
        derived = {folder: derived_folder(os.path.relpath(folder, above).split(os.sep)) for folder in folders}
        if not any(derived.values()):
            return set()
        places = {path: derived[os.path.dirname(path)] for path in found}
        places |= {path: None for path, place in places.items() if place is not None and self.is_named(path)}
        originals = {_stem(path) for path, place in places.items() if place is None}
        made = {place for path, place in places.items() if place is not None and _stem(path) in originals}
        return {path for path, place in places.items() if place in made}

    def is_named(self, path: str) -> bool:
        """Whether a file is known to be a clip's, whatever its folder is called."""
        return False

    def _skip_once(self, reason: str, path: str, what: object) -> None:
        if path not in self._unfit:
            self._unfit.add(path)
            self.skip(reason, what)

    def archives(self) -> Iterator[Path]:
        """Yield the archives, and the parts of such, at any depth in the order of their paths.

        Where a folder cannot be read, what is in it is not known; a reader that needs it says so.
        """
        if self.folder.is_dir():
            yield from map(Path, walk(self.folder, is_archive, lenient=True))

    def rows(self, path: str | os.PathLike[str], columns: Collection[str]) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield ("path:line", row) for each row of a CSV file with a header; rows of another width are counted.

        Args:
            path: UTF-8, with or without a byte order mark, or in the `encoding` of the source.
            columns: those that must be in the header, as they stand there but for spaces around them.

        Yields:
            row: all columns, the values as they stand there but for spaces around them, and with U+2019 for U+0092 and
                the like.

        Raises:
            InputError: the file is missing, not in the encoding, no CSV, or has not these columns.
        """
        with self._opened(path) as file:
            reader = csv.reader(lines(file))
            header = [name.strip("\ufeff \t") for name in next(reader, [])]
            missing = [name for name in columns if name not in header]
            if missing:
                problem = f"has no column {quoted(missing[0])}: its header is {quoted(header)}"
                raise InputError(f"{path}:1", "header", problem, f"take the table as {self.title} ships it")
            begins = reader.line_num + 1
            try:
                for row in reader:
                    where = f"{path}:{reader.line_num}"
                    if reader.line_num - begins >= _MOST_LINES:
                        raise csv.Error(f"more than {_MOST_LINES} lines")
                    if len(row) == len(header):
                        yield where, {name: as_meant(value).strip() for name, value in zip(header, row, strict=True)}
                    elif row:
                        self.skip("table row of another width", where)
                    begins = reader.line_num + 1
            except csv.Error as error:
                raise csv.Error(f"{error}, in the row that begins in line {begins}") from error

    def objects(self, path: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield ("path:line", row) for each row of a JSONL file; its texts with U+2019 for U+0092 and the like.

        Raises:
            InputError: the file is missing, is not in the encoding, or a row is no JSON object.
        """
        for where, row in self._objects(path):
            yield where, {key: as_meant(value) if isinstance(value, str) else value for key, value in row.items()}

    def _objects(self, path: str | os.PathLike[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        with self._opened(path) as file:
            if file.encoding == UTF8:
                yield from read_rows(path)
                return
            for number, line in enumerate(iter(lambda: file.readline(MAX_ROW_BYTES + 1), ""), start=1):
                if line.strip("\ufeff\r\n\t "):
                    yield f"{path}:{number}", parse_row(line.strip("\ufeff"), f"{path}:{number}")

    def text(self, path: str | os.PathLike[str], errors: str = "strict") -> str:
        """Return the text of a file, without a byte order mark.

        Args:
            errors: as of bytes.decode.

        Raises:
            InputError: the file is missing, too large, or is not in the encoding.
        """
        with self._opened(path, errors) as file:
            text = file.read(MOST_BYTES + 1)
        if len(text) > MOST_BYTES:
            problem = f"has more than {MOST_BYTES >> 20} Mi characters"
            raise InputError(str(path), "file", problem, "name the folder of the dataset as it is shipped")
        return as_meant(text.removeprefix("\ufeff"))

    def _opened(self, path: str | os.PathLike[str], errors: str = "strict") -> AbstractContextManager[TextIO]:
        return opened(path, self.encoding, f"sources.{self.key}.encoding", errors)


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


@cache
def readers() -> dict[str, type[Source]]:
    """Return the readers of all datasets by their keys: of each file beside this one its subclass of Source."""
    for module in pkgutil.iter_modules(sources.__path__):
        import_module(f"{sources.__name__}.{module.name}")
    found = (reader for reader in Source.__subclasses__() if reader.__module__.startswith(sources.__name__))
    return {reader.key: reader for reader in sorted(found, key=lambda reader: reader.key)}


def open_source(key: str, folder: str | os.PathLike[str], **options: Any) -> Source:
    """Return the reader of a dataset's folder; nothing is read yet.

    Args:
        key: one of readers().
        folder: the dataset's.
        options: see the reader's `options`.

    Raises:
        InputError: there is no such reader, or it has no such option, or not with this value.
    """
    if key not in readers():
        raise InputError("recipe", "sources", f"{quoted(key)} is no source", f"give one of: {', '.join(readers())}")
    source = readers()[key]
    for name in options:
        if name not in source.options:
            remedy = f"it has: {', '.join(source.options)}"
            raise InputError("recipe", f"sources.{key}.{name}", "is no option of this source", remedy)
    encoding = options.pop("encoding", None)
    opened_source = source(folder, **options)
    if encoding is not None and not is_encoding(encoding):
        remedy = "name one that Python knows, such as gbk, cp1252 or utf-16"
        raise opened_source.wrong_option("encoding", encoding, remedy)
    opened_source.encoding = encoding
    return opened_source

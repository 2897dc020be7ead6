"""Joining released SABER annotations with the clips of the source datasets that a user has.

A released record says nothing of its clip but its name, which is the dataset's own id of the clip without dataset and
split (`dia0_utt0`, `samplenew3_00000004`). Where that name alone does not say which clip is meant, the language of the
record and what is said in it decide, or nothing does: no clip is ever guessed.

Published annotations (`swift-saber publish`) say more: a row's id is the clip's whole one, and its column "files" has
the size and the SHA-256 of each of the clip's files. They are joined by id, else by these, else by name, and a clip
that is another file than the one annotated is reported.

A folder whose clips bear the names of the records is joined by data/folder.py for training as it is; this here
goes by the datasets' own ids.
"""

import difflib
import os
import re
import tempfile
import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any

from swift_saber.data.rows import parse_row, read_lines
from swift_saber.errors import InputError, unreadable
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.publish.clips import Files, sha256
from swift_saber.pipeline.publish.read import published_rows
from swift_saber.pipeline.sources._files import walk
from swift_saber.pipeline.sources.base import readers
from swift_saber.sed.record import Row, infer_language, load_record
from swift_saber.text.strict_json import dumps

#: The column of published rows that says of a clip's files what they are known again by.
FILES = "files"
#: How alike what a record says is spoken and a transcript must be, 0 to 1, where the name does not decide. Ours: of
#: 1,443 pairs of one line of MELD's train and one of its test, 4 are so alike ("Oh." and "Ohh!"), while the released
#: example, and lines written down a little differently, reach 0.89 and more.
ALIKE = 0.75
#: How much more alike the best clip must be than the next. Ours: one word in seven.
AHEAD = 0.15


@dataclass
class JoinReport:
    """What became of each record and each clip; complete when `join` has ended.

    Attributes:
        joined: number of records with their clip, by source.
        missing: (record, why) where no clip at hand is meant.
        ambiguous: (record, ids of the clips) where several may be meant, or one that cannot be told from others.
        unreadable: what is wrong with each record that cannot be read.
        unused: ids of the clips that no record was joined with.
        by_digest: number of records whose clip was known by its bytes, and not by its id.
        other_files: (record, id of its clip, what) where the clip is another file than the one that was annotated; it
            is joined all the same.
    """

    joined: Counter[str] = field(default_factory=Counter)
    missing: list[tuple[str, str]] = field(default_factory=list)
    ambiguous: list[tuple[str, list[str]]] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    by_digest: int = 0
    other_files: list[tuple[str, str, str]] = field(default_factory=list)

    def counts(self) -> dict[str, Any]:
        """Return how many there are of each kind; missing records by the dataset that their names suggest."""
        joined = sum(self.joined.values())
        missing = Counter(likely_source(name) or "unknown" for name, _ in self.missing)
        return {
            "records": joined + len(self.missing) + len(self.ambiguous) + len(self.unreadable),
            "joined": dict(sorted(self.joined.items())),
            "missing": dict(sorted(missing.items())),
            "ambiguous": len(self.ambiguous),
            "unreadable": len(self.unreadable),
            "by digest": self.by_digest,
            "another file": len(self.other_files),
            "clips without record": dict(sorted(Counter(name.partition("/")[0] for name in self.unused).items())),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the counts and all that they count, as one JSON object."""
        return {
            "counts": self.counts(),
            "missing": [{"record": name, "why": why} for name, why in self.missing],
            "ambiguous": [{"record": name, "clips": clips} for name, clips in self.ambiguous],
            "unreadable": self.unreadable,
            "another file": [{"record": name, "clip": clip, "what": what} for name, clip, what in self.other_files],
            "clips without record": self.unused,
        }


def likely_source(name: str) -> str | None:
    """Return the key of the dataset whose own names look like the last part of this one, or None."""
    return next((key for key, reader in readers().items() if re.fullmatch(reader.own_names, _last(name))), None)


def join(annotations: str | os.PathLike[str], clips: Iterable[Clip], report: JoinReport) -> Iterator[dict[str, Any]]:
    """Yield the row of each record that found its clip, in the order of the records.

    Of a released record that is the clip's row and the record; of a published row the row itself with the clip's paths,
    and the name of its split as "part" where the folder has several.

    A record is of the clip whose native id (the last part of Clip.id) is the record's name, or whose whole id is. Of
    several, it is of the one in the record's language whose transcript is like what the record says is spoken; so it
    is with a single clip of a dataset that uses one name in several splits. In memory are the ids of the clips and of
    the records that are not joined; the clips' rows wait in a temporary file.

    Args:
        annotations: a folder of one JSON file per clip, at any depth, or a JSONL of records with "id" or "videos"; or
            what was published: its folder, or a JSONL of it.
        clips: of the sources at hand.
        report: a new one, filled here.

    Raises:
        InputError: the annotations are not there or hold none, a source's folder is wrong, or two have the same clip.
    """
    records = _records(Path(annotations))
    first = next(records)  # what is wrong with the annotations is said before all clips are read
    with tempfile.TemporaryFile() as spool:
        digests = _Digests(spool)
        places: dict[str, array[int]] = defaultdict(lambda: array("q"))
        unused: set[str] = set()
        for clip in clips:
            if clip.id in unused:
                raise InputError(clip.id, "id", "two sources have a clip of this id", "give each folder once")
            places[_last(clip.id)].append(spool.tell())
            spool.write(dumps(clip.to_row()).encode() + b"\n")
            unused.add(clip.id)
        for read in chain([first], records):
            try:
                name, row = read()
            except InputError as error:
                report.unreadable.append(str(error))
                continue
            files = _files(row)
            named = [_at(spool, place) for place in places.get(_last(name), ())]
            meant, why = _meant(name, row, named)
            is_named = len(meant) == 1 and not why and meant[0]["id"] in unused
            if files and not (is_named and (meant[0]["id"] == name or not digests.differs(files, meant[0]))):
                same = [clip for clip in digests.same(files) if clip["id"] in unused]
                meant, why = (same, "" if len(same) == 1 else "several clips are this file") if same else (meant, why)
                report.by_digest += len(same) == 1
            if not meant:
                report.missing.append((name, why))
            elif why:
                report.ambiguous.append((name, [clip["id"] for clip in meant]))
            elif meant[0]["id"] not in unused:
                report.missing.append((name, f"{meant[0]['id']} is another record's already"))
            else:
                unused.remove(meant[0]["id"])
                report.joined[meant[0]["source"]] += 1
                if not files:
                    yield {**row.to_dict(), **meant[0]}
                    continue
                if what := digests.differs(files, meant[0]):
                    report.other_files.append((name, meant[0]["id"], what))
                yield _with_clip(row, meant[0])
        report.unused.extend(sorted(unused))


def alike(spoken: str, transcript: str) -> float:
    """Return how alike two texts are, 0 to 1: letters and digits alone, sound events such as <laughs> left out."""
    return difflib.SequenceMatcher(None, _plain(spoken), _plain(transcript), autojunk=False).ratio()


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKC", re.sub("<[^<>]*>", " ", text)).casefold()
    return " ".join("".join(char for char in word if char.isalnum()) for word in text.split())


def _meant(name: str, row: Row, clips: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """The one clip that a record is of, and ""; else all that it may be of, or none, and why."""
    if not clips:
        return [], "no clip of this name"
    exact = [clip for clip in clips if clip["id"] == name]
    if exact:
        return exact, ""
    same = [clip for clip in clips if clip["language"] == row.language]
    if not same:
        return [], f"no clip of this name in its language ({row.language})"
    reader = readers().get(same[0]["source"])
    if len(same) == 1 and not (reader and reader.repeats):
        return same, ""
    spoken = row.record.speech_content
    if not _plain(spoken) or not all(clip.get("transcript") for clip in same):
        return same, "nothing said to compare"
    likeness = [alike(spoken, clip["transcript"]) for clip in same]
    best = max(likeness)
    if best < ALIKE:
        return [], f"no clip of this name says what it says (the nearest: {best:.2f} alike)"
    near = [clip for clip, value in zip(same, likeness, strict=True) if value > best - AHEAD]
    return near, "" if len(near) == 1 else "several clips say what it says"


def _at(spool: IO[bytes], place: int) -> dict[str, Any]:
    spool.seek(place)
    return parse_row(spool.readline(), "clip")


def _last(name: str) -> str:
    return name.rpartition("/")[2]


class _Digests:
    """The bytes of clips, of which a file is read where another one has as many.

    Args:
        spool: the rows of the clips, one a line.
    """

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool
        self._by_size: dict[int, list[int]] | None = None
        self._by_digest: dict[str, list[int]] = defaultdict(list)
        self._known: dict[str, str] = {}

    def same(self, files: Files) -> list[dict[str, Any]]:
        """Return the clips whose video is the one that a published row names."""
        if self._by_size is None:
            self._by_size = defaultdict(list)
            self._spool.seek(0)
            place = 0
            for line in self._spool:
                size = _size(parse_row(line, "clip")["videos"][0])
                if size is not None:
                    self._by_size[size].append(place)
                place += len(line)
        if not files.get("videos"):
            return []
        wanted = files["videos"][0]
        # All files of one size are read at the first of them, and none again: a set may have them all of one.
        for place in self._by_size.pop(wanted["bytes"], ()):
            self._by_digest[self._digest(_at(self._spool, place)["videos"][0])].append(place)
        return [_at(self._spool, place) for place in self._by_digest.get(wanted["sha256"], ())]

    def differs(self, files: Files, clip: dict[str, Any]) -> str:
        """Return which of a clip's files is another one than a published row names, "" where none is.

        A sound that only one of them has in a file of its own is not compared: it lies in the video elsewhere.
        """
        for column, what in (("videos", "the video"), ("audios", "the sound")):
            for path, wanted in zip(clip[column], files.get(column, ()), strict=False):
                size = _size(path)
                if size is None:
                    return f"{what} is missing"
                if size != wanted["bytes"]:
                    return f"{what} has {size:,} bytes, and had {wanted['bytes']:,}"
                if self._digest(path) != wanted["sha256"]:
                    return f"{what} has other bytes"
        return ""

    def _digest(self, path: str) -> str:
        if path not in self._known:
            try:
                self._known[path] = sha256(path)
            except OSError as error:
                raise unreadable(path, error) from error
        return self._known[path]


def _size(path: str) -> int | None:
    """The bytes of a file; None where it is not there."""
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return None


def _files(row: Row) -> Files | None:
    """What a published row says of its clip's files; None of another row."""
    found = row.record.extra.get(FILES)
    lists = list(found.values()) if isinstance(found, dict) else [None]
    known = all(isinstance(of, list) and all(map(_is_file, of)) for of in lists)
    return found if known else None


def _is_file(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("sha256"), str) and isinstance(one.get("bytes"), int)


def _with_clip(row: Row, clip: dict[str, Any]) -> dict[str, Any]:
    """A published row as it was before, with the paths of here."""
    extra = {key: value for key, value in row.record.extra.items() if key != FILES}
    there = replace(row, record=replace(row.record, extra=extra), videos=clip["videos"], audios=clip["audios"])
    return there.to_dict()


def _records(annotations: Path) -> Iterator[Callable[[], tuple[str, Row]]]:
    """What reads each record and its name, so that one bad record does not end the reading."""
    if not annotations.is_dir():
        yield from (partial(_line, line, where) for where, line in read_lines(annotations))
        return
    if published := published_rows(annotations):
        several = len({part for part, _, _ in published}) > 1
        for part, file, read in published:
            yield from (partial(_line, line, where, part if several else None) for where, line in read(file))
        return
    path = None
    for path in map(Path, walk(annotations, lambda name: name.endswith(".json"))):
        yield partial(_file, annotations, path)
    if path is None:
        raise InputError(str(annotations), "folder", "holds no JSON file", "name the folder of the SABER annotations")


def _file(folder: Path, path: Path) -> tuple[str, Row]:
    """The record of a file; its name is the path in the folder."""
    record = load_record(path)
    name = path.relative_to(folder).with_suffix("").as_posix()
    return name, Row(record, None, None, infer_language(record), language_inferred=True)


def _line(line: bytes, where: str, part: str | None = None) -> tuple[str, Row]:
    """The record of a line, of a part where it says none; its name is its id, or the name of its clip."""
    given = parse_row(line, where)
    row = Row.from_dict(given if part is None else {"part": part} | given, where)
    media = [*row.videos, *row.audios]
    if row.id is None and not media:
        raise InputError(where, "id", "neither id nor media", "add the clip's name as id")
    return row.id or Path(media[0]).stem, row

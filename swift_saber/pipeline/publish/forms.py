"""The forms in which rows and their clips are written: files and paths, WebDataset shards, parquet with bytes, texts.

Each is the same, byte for byte, for the same rows in the same order: nothing says when, where or by whom it was made.
"""

import io
import os
import re
import shutil
import tarfile
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

from swift_saber.errors import InputError
from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.pipeline.publish.clips import Copied
from swift_saber.pipeline.publish.labels import Shape, feature, fitted
from swift_saber.pipeline.stages.clean import sound_name
from swift_saber.sed.record import RECORD
from swift_saber.text.strict_json import encoded

Row = dict[str, Any]
#: The columns of media, in the order in which they are written.
COLUMNS = ("videos", "audios")
# Bytes of clips that are in memory at a time, before they are written to a parquet file: at least one row.
_GROUP = 64 << 20
# Names of devices, with any ending.
_DEVICE = re.compile(r"(?:con|prn|aux|nul|(?:com|lpt)[0-9])(?:\.|$)", re.IGNORECASE)
# Of a cell: parquet's readers count its bytes in 31 bits.
_LARGEST = 1 << 30


class Form(ABC):
    """Writes the rows of all splits; a context manager, whose end ends the files.

    Rows without their clips are in a folder of their own, in files of the same kind: `datasets` reads a folder with one
    reader.

    Args:
        folder: that is published.
        here: whether the clips go along.
        labels: the shape of the labels of all rows.
        fields: of clips, the columns of a WebDataset (`field`).
        shard: bytes that a shard has at most, unless one row has more.
    """

    #: Where files of a split are, and where those of rows without their clips; "{split}" is its name.
    place: ClassVar[str]
    apart: ClassVar[str]

    def __init__(self, folder: Path, here: bool, labels: Shape, fields: set[str], shard: int) -> None:
        self.folder, self.here, self.labels, self.fields, self.shard = folder, here, labels, fields, shard
        self._open = ExitStack()

    def files(self, split: str) -> str:
        """Return where the files of a split are, as a card's `data_files` says it."""
        return (self.place if self.here else self.apart).format(split=split)

    def __enter__(self) -> "Form":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._open.close()

    @abstractmethod
    def add(self, split: str, row: Row, media: dict[str, list[str]]) -> None:
        """Write a row and its clips.

        Args:
            split: its name.
            row: as rows.Public.row makes it.
            media: absolute paths by column, as many as row["files"] has.

        Raises:
            InputError: a clip was changed since it was looked at.
        """

    def features(self) -> Any:
        """Return the columns as `datasets` knows them."""
        from datasets import Features

        return Features(self._columns())

    def _members(self, row: Row, media: dict[str, list[str]]) -> list[tuple[str, int, str, str]]:
        """(column, place, path, SHA-256) of each file that goes along with a row."""
        return [
            (column, place, path, known["sha256"])
            for column in COLUMNS
            if self.here
            for place, (path, known) in enumerate(zip(media[column], row["files"][column], strict=True))
        ]

    def _columns(self) -> dict[str, Any]:
        from datasets import List, Value

        text = Value("string")
        file = {"sha256": text, "bytes": Value("int64"), "seconds": Value("float64")}
        found = {"id": text, "source": text, "language": text}
        found["files"] = {column: List(dict(file)) for column in COLUMNS}
        found["consistency"] = text
        if isinstance(self.labels, dict) and self.labels:
            found["labels"] = feature(self.labels)
        found["audio_desc"] = {"speech_content": text, "acoustic_feat": text}
        return found | {key: text for key in RECORD if key != "audio_desc"}

    def _fitted(self, row: Row) -> Row:
        """The row with labels as their column has them."""
        return row | {"labels": fitted(row["labels"], self.labels)} if "labels" in row else row


class Annotations(Form):
    """JSONL without clips: what is needed to join them again is in "files"."""

    place = "{split}.jsonl"
    apart = "annotations/{split}.jsonl"

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._files: dict[str, Any] = {}

    def add(self, split: str, row: Row, media: dict[str, list[str]]) -> None:
        if split not in self._files:
            path = self.folder / self.files(split)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._files[split] = self._open.enter_context(path.open("wb"))
        self._files[split].write(encoded(self._fitted(row)) + b"\n")


class Paths(Annotations):
    """JSONL with paths below the folder, and the clips there under names of their ids."""

    def add(self, split: str, row: Row, media: dict[str, list[str]]) -> None:
        named: dict[str, list[str]] = {}
        for column, place, path, wanted in self._members(row, media):
            name = f"media/{safe_name(row['id'])}{_tail(column, place, path)}"
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with Copied(path, wanted) as file, target.open("xb") as copy:
                shutil.copyfileobj(file, copy)
            named.setdefault(column, []).append(name)
        super().add(split, _placed(row, named), media)

    def _columns(self) -> dict[str, Any]:
        from datasets import List, Value

        return _placed(super()._columns(), {column: List(Value("string")) for column in COLUMNS if self.here})


class Shards(Form):
    """What is in files of a bounded size."""

    #: Bytes of a file without a row, at most.
    frame: ClassVar[int]

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._sizes: dict[str, int] = {}
        self._numbers: dict[str, int] = {}

    def _next(self, split: str, size: int) -> Path | None:
        """The path of a new shard, where this many bytes begin one."""
        if split in self._numbers and self._sizes[split] + size <= self.shard:
            self._sizes[split] += size
            return None
        self._numbers[split] = self._numbers.get(split, -1) + 1
        self._sizes[split] = self.frame + size
        path = self.folder / self.files(split).replace("*", f"{self._numbers[split]:05d}")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class WebDataset(Shards):
    """Tar files with KEY.mp4, KEY.wav and KEY.json of each row; "videos" and "audios" name the members."""

    place = "data/{split}-*.tar"
    apart = "annotations/{split}-*.tar"
    frame = 2 * tarfile.RECORDSIZE  # its end is padded to a whole one

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._tars: dict[str, tuple[tarfile.TarFile, ExitStack]] = {}

    def add(self, split: str, row: Row, media: dict[str, list[str]]) -> None:
        key = safe_name(row["id"]).replace("/", "__").replace(".", "_")
        named: dict[str, list[str]] = {}
        members = []
        for column, place, path, wanted in self._members(row, media):
            name = f"{key}.{field(column, place, path)}"
            named.setdefault(column, []).append(name)
            members.append((name, path, wanted))
        text = encoded(_placed(self._fitted(row), named))
        sizes = [os.path.getsize(path) for _, path, _ in members]
        if shard := self._next(split, sum(_padded(key, size) for size in (*sizes, len(text)))):
            self._begin(split, shard)
        tar, _ = self._tars[split]
        for (name, path, wanted), size in zip(members, sizes, strict=True):
            with Copied(path, wanted) as file:
                tar.addfile(_member(name, size), file)
        tar.addfile(_member(f"{key}.json", len(text)), io.BytesIO(text))

    def _begin(self, split: str, shard: Path) -> None:
        if split in self._tars:
            self._tars[split][1].close()
        opened = self._open.enter_context(ExitStack())
        tar = opened.enter_context(tarfile.TarFile(shard, "w", format=tarfile.PAX_FORMAT))
        self._tars[split] = tar, opened

    def _columns(self) -> dict[str, Any]:
        from datasets import List, Value

        # As bytes: what reads tar files would make Audio of a sound, and asks for torchcodec to do so.
        clips = {name: Value("binary") for name in sorted(self.fields) if self.here}
        named = {column: List(Value("string")) for column in COLUMNS if self.here}
        keys = {"__key__": Value("string"), "__url__": Value("string")}
        return {**clips, "json": _placed(super()._columns(), named), **keys}


class Parquet(Shards):
    """Parquet files with the bytes of the clips in "videos" and "audios"."""

    place = "data/{split}-*.parquet"
    apart = "annotations/{split}-*.parquet"
    frame = 64 << 10  # columns, and where each is: some 10 KB

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._writers: dict[str, tuple[Any, ExitStack]] = {}
        self._held: dict[str, tuple[list[Row], int]] = {}

    def add(self, split: str, row: Row, media: dict[str, list[str]]) -> None:
        clips: dict[str, list[dict[str, Any]]] = {column: [] for column in COLUMNS if self.here}
        size = 0
        for column, place, path, wanted in self._members(row, media):
            if os.path.getsize(path) > _LARGEST:
                problem = f"has more than the {_LARGEST >> 20} MiB that a cell of a table may have"
                raise InputError(path, "file", problem, "publish with --form webdataset or paths")
            with Copied(path, wanted) as file:
                held = file.read()
            name = f"{safe_name(row['id']).replace('/', '__')}{_tail(column, place, path)}"
            clips[column].append({"bytes": held, "path": name})
            size += len(held)
        text = self._fitted(row)
        size += len(encoded(text))
        if shard := self._next(split, size):
            self._flush(split)
            self._begin(split, shard)
        rows, before = self._held.get(split, ([], 0))
        rows.append(_placed(text, clips))
        self._held[split] = rows, before + size
        if before + size >= _GROUP:
            self._flush(split)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._open:
            for split in list(self._held) if kind is None else ():
                self._flush(split)

    def _begin(self, split: str, shard: Path) -> None:
        import pyarrow.parquet as parquet

        if split in self._writers:
            self._writers[split][1].close()
        opened = self._open.enter_context(ExitStack())
        # Clips are packed already.
        writer = parquet.ParquetWriter(shard, self.features().arrow_schema, compression="zstd", use_dictionary=False)
        self._writers[split] = opened.enter_context(writer), opened

    def _flush(self, split: str) -> None:
        import pyarrow

        rows, _ = self._held.pop(split, ([], 0))
        if rows:
            self._writers[split][0].write_table(pyarrow.Table.from_pylist(rows, schema=self.features().arrow_schema))

    def _columns(self) -> dict[str, Any]:
        from datasets import Audio, List, Video

        clips = {"videos": List(Video(decode=False)), "audios": List(Audio(decode=False))}
        return _placed(super()._columns(), clips if self.here else {})


#: By the names of --form.
FORMS: dict[str, type[Form]] = {
    "paths": Paths,
    "webdataset": WebDataset,
    "parquet": Parquet,
    "annotations": Annotations,
}


def safe_name(name: str) -> str:
    """Return the path of a clip below a folder, without its ending: its id made safe, with a hash, so that no two ids
    share it, also where names differ by small and capital letters alone, and none is one that Windows keeps."""
    parts = sound_name(name).removesuffix(".wav").split("/")
    return "/".join(f"_{part}" if _DEVICE.match(part) else part.rstrip(".") or "_" for part in parts)


def _ending(path: str, column: str) -> str:
    """How the name of a copy ends: as the file's, where that is one of a clip."""
    found = os.path.splitext(path)[1].lower()
    return found if found in VIDEO_SUFFIXES or found in AUDIO_SUFFIXES else f".{column.removesuffix('s')}"


def _tail(column: str, place: int, path: str) -> str:
    """What follows the name of a clip in that of one of its files: ".mp4"; "-1.mp4" of the second video; "-sound.mp4"
    of a sound that lies in a video."""
    suffix = _ending(path, column)
    sound = "-sound" if column == "audios" and suffix not in AUDIO_SUFFIXES else ""
    return f"{sound}{f'-{place}' if place else ''}{suffix}"


def field(column: str, place: int, path: str) -> str:
    """Return the same as the name of a column of a WebDataset: "mp4", "1.mp4", "sound.mp4"."""
    return _tail(column, place, path).lstrip("-.").replace("-", ".")


def _placed(row: Row, media: dict[str, Any]) -> Row:
    """The row with columns of media behind its language, where a reader looks for them."""
    head: Row = {key: row[key] for key in ("id", "source", "language") if key in row}
    return {**head, **media, **{key: value for key, value in row.items() if key not in head}}


def _member(name: str, size: int) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.size = size
    found.mtime = 0
    return found


def _padded(key: str, size: int) -> int:
    """Bytes that a member takes in a tar: a head of 512, and blocks of 512; more where its name needs them."""
    plain = key.isascii() and len(key) < tarfile.LENGTH_NAME - 10
    return (512 if plain else 2048) + -(-size // 512) * 512

"""Rows of a published folder whose clips are not in it, whatever form they are in."""

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from swift_saber.data.rows import read_lines
from swift_saber.text.strict_json import encoded

#: Yields ("file:line", line) of a file, each line a JSON object.
Read = Callable[[Path], Iterator[tuple[str, bytes]]]

_BATCH = 1000  # rows of a table that are in memory at a time


def published_rows(folder: Path) -> list[tuple[str, Path, Read]]:
    """Return (split, file, what reads it) of each file of rows; [] of a folder that was not published."""
    if not (folder / "README.md").is_file():
        return []
    found = _files(folder / "annotations") or _files(folder)
    return [(path.stem.partition("-")[0], path, _READ[path.suffix]) for path in found]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix in _READ and path.is_file())


def _tar(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as shard:
        for member in shard:
            if member.name.endswith(".json") and (text := shard.extractfile(member)):
                yield f"{path}:{member.name}", text.read()


def _parquet(path: Path) -> Iterator[tuple[str, bytes]]:
    import pyarrow.parquet as parquet

    number = 0
    for batch in parquet.ParquetFile(path).iter_batches(_BATCH):
        for row in batch.to_pylist():
            number += 1
            yield f"{path}:{number}", encoded(_said(row))


def _said(value: Any) -> Any:
    """A row without the columns of which it says nothing."""
    if isinstance(value, dict):
        return {key: _said(inner) for key, inner in value.items() if inner is not None}
    return [_said(each) for each in value] if isinstance(value, list) else value


_READ: dict[str, Read] = {".jsonl": read_lines, ".tar": _tar, ".parquet": _parquet}

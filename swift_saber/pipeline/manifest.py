"""The clips of all sources, dealt to the tasks: the first files of a run."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError, quoted
from swift_saber.pipeline.plan import Source
from swift_saber.pipeline.sources.base import open_source
from swift_saber.pipeline.stage import Row
from swift_saber.pipeline.steps import rows_file

#: The key under which a recipe names a JSONL of rows in the place of a dataset's folder.
ROWS = "rows"


def write_manifest(sources: list[Source], folder: Path, tasks: int) -> int:
    """Read all sources and write kept/00000.jsonl and so on, and skipped.json; return the number of clips.

    The clips stay in their order, in blocks of one length.

    Raises:
        InputError: a folder is not what its key says, two clips have one id, or there is no clip.
    """
    skipped: dict[str, dict[str, int]] = {}
    whole = folder / "clips.jsonl"
    total = write_rows(whole, _rows(sources, skipped))
    if not total:
        names = ", ".join(place for _, place, _ in sources)
        raise InputError(names, "sources", "hold no clip that can be used", "swift-saber sources scan KEY FOLDER")
    width = -(-total // tasks)
    rows = (row for _, row in read_rows(whole))
    for number in range(tasks):
        write_rows(rows_file(folder, number), itertools.islice(rows, width))
    write_rows(folder / "skipped.json", [skipped])
    whole.unlink()
    return total


def _rows(sources: list[Source], skipped: dict[str, dict[str, int]]) -> Iterator[Row]:
    seen: dict[str, str] = {}
    for key, place, options in sources:
        for row in _source(key, place, options, skipped):
            name = row["id"]
            if name in seen:
                problem = f"{quoted(name)} is that of two clips (the other one is in {seen[name]})"
                raise InputError(place, "id", problem, "name each dataset once, or give the clips ids of their own")
            seen[name] = place
            yield row


def _source(key: str, place: str, options: dict[str, Any], skipped: dict[str, dict[str, int]]) -> Iterator[Row]:
    if key == ROWS:
        for where, row in read_rows(Path(place)):
            if not isinstance(row.get("id"), str) or not row["id"]:
                raise InputError(where, "id", "is missing", "write the rows with swift-saber sources")
            if row.get("language") not in {"zh", "en"} or not row.get("videos"):
                raise InputError(where, "row", "has no language (zh, en) or no videos", "add them")
            yield row
        return
    source = open_source(key, place, **options)
    for clip in source.clips():
        yield clip.to_row()
    if source.skipped:
        skipped[key] = dict(sorted(source.skipped.items()))

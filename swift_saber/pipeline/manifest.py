"""The clips of all sources, dealt to the tasks: the first files of a run."""

import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError, quoted
from swift_saber.pipeline.plan import ROWS, Source
from swift_saber.pipeline.sources.base import Source as Reader
from swift_saber.pipeline.sources.base import open_source
from swift_saber.pipeline.stage import Row
from swift_saber.pipeline.steps import rows_file


@dataclass
class _Odd:
    """What the readers had to say, by the names of the sources; one may be there from several folders."""

    skipped: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    noted: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    examples: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def add(self, source: Reader) -> None:
        self.skipped[source.name].update(source.skipped)
        self.noted[source.name].update(source.noted)
        folder = f"{source.folder}{os.sep}"
        for why, of in source.examples.items():
            known = self.examples.setdefault(source.name, {}).setdefault(why, [])
            known.extend(example.replace(folder, "") for example in of)


def _sorted(counts: dict[str, Counter[str]]) -> dict[str, dict[str, int]]:
    return {name: dict(sorted(of.items())) for name, of in counts.items() if of}


def write_manifest(sources: list[Source], folder: Path, tasks: int) -> int:
    """Read all sources and write kept/00000.jsonl and so on; return the number of clips.

    The clips stay in their order, in blocks of one length. What the readers left out is counted in skipped.json, by
    source and reason; what they noted of clips that stay, in noted.json, with the first examples of both.

    Raises:
        InputError: a folder is not what its key says, two clips have one id, or there is no clip.
    """
    odd = _Odd()
    whole = folder / "clips.jsonl"
    total = write_rows(whole, _rows(sources, odd))
    if not total:
        names = ", ".join(place for _, place, _ in sources)
        raise InputError(names, "sources", "hold no clip that can be used", "swift-saber sources scan KEY FOLDER")
    width = -(-total // tasks)
    rows = (row for _, row in read_rows(whole))
    for number in range(tasks):
        write_rows(rows_file(folder, number), itertools.islice(rows, width))
    write_rows(folder / "skipped.json", [_sorted(odd.skipped)])
    write_rows(folder / "noted.json", [{"noted": _sorted(odd.noted), "examples": odd.examples}])
    whole.unlink()
    return total


def _rows(sources: list[Source], odd: _Odd) -> Iterator[Row]:
    seen: dict[str, str] = {}
    for key, place, options in sources:
        for row in _source(key, place, options, odd):
            name = row["id"]
            if name in seen:
                problem = f"{quoted(name)} is that of two clips (the other one is in {seen[name]})"
                raise InputError(place, "id", problem, "name each dataset once, or give the clips ids of their own")
            seen[name] = place
            yield row


def _source(key: str, place: str, options: dict[str, Any], odd: _Odd) -> Iterator[Row]:
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
    odd.add(source)

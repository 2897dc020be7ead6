"""Which records are published, and as which splits: those of a pipeline's run, or files of records."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swift_saber.data.rows import asked_id, read_rows
from swift_saber.errors import InputError, quoted
from swift_saber.pipeline.result.instructions import PARTS
from swift_saber.pipeline.result.survey import MANIFEST, kept_rows, read_run
from swift_saber.sed.record import RECORD_KEYS, Row

# What `datasets` takes for the name of a split.
_NO_SPLIT = re.compile(r"\W+", re.ASCII)


@dataclass(frozen=True)
class Measured:
    """What a run knows of a clip as its source has it.

    Attributes:
        audios: the source's own files of sound, where cleaning has written another one for the row.
        seconds, picture, sound: as media/measure.py measured them; hashes as hexadecimal digits, "" where none.
    """

    audios: tuple[str, ...] = ()
    seconds: float | None = None
    picture: str = ""
    sound: str = ""


@dataclass(frozen=True)
class Given:
    """What is to be published.

    Attributes:
        run: the output folder of a pipeline's run, or None.
        splits: the file of each split, by the split's name.
        passed_over: JSONL files of the folder that hold no records.
        recipe: of the run; {} without one.
    """

    run: Path | None
    splits: dict[str, Path]
    passed_over: list[Path] = field(default_factory=list)
    recipe: dict[str, Any] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, str, str, Row]]:
        """Yield (split, "file:line", id, row) of all records.

        Raises:
            InputError: a row is no record, or its id is there twice.
        """
        seen: set[str] = set()
        for split, path in self.splits.items():
            for where, row in read_rows(path):
                record = Row.from_dict(row, where)
                name = asked_id(row, where)
                if name in seen:
                    raise InputError(where, "id", f"{quoted(name)} is there twice", "remove one of the two rows")
                seen.add(name)
                yield split, where, name, record

    def measured(self) -> dict[str, Measured]:
        """Return what the run knows of its clips, by their ids; some 400 bytes each. {} without a run."""
        if self.run is None or "clean" not in read_run(self.run)["stages"]:
            return {}
        own = {row["id"]: tuple(row.get("audios") or ()) for _, row in kept_rows(self.run, MANIFEST)}
        found = {}
        for _, row in kept_rows(self.run, "clean"):
            of = row["measures"]
            hashes = (of.get("picture_hash") or "", of.get("sound_hash") or "")
            found[row["id"]] = Measured(own.get(row["id"], ()), of.get("seconds"), *hashes)
        return found


def find(paths: Sequence[Path]) -> Given:
    """Return what the arguments of a command mean: a run's folder, a folder of records, or files of records.

    Raises:
        InputError: there are no records, a run is not at its end, or two files would be one split.
    """
    if len(paths) == 1 and (paths[0] / "run.json").is_file():
        return _run(paths[0])
    files: list[Path] = []
    passed_over: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = [file for file in sorted(path.glob("*.jsonl")) if file.is_file()]
        holding = [file for file in inside if _holds_records(file)]
        if not holding:
            raise InputError(str(path), "folder", "holds no JSONL of records", "name a run's folder, or the files")
        files += holding
        passed_over += [file for file in inside if file not in holding]
    splits: dict[str, Path] = {}
    for file in files:
        split = _NO_SPLIT.sub("_", file.name.removesuffix(".jsonl")).strip("_") or "rows"
        if split == "all":
            problem = "is no name of a split: `datasets` means all of them by it"
            raise InputError(str(file), "file", problem, "call it train.jsonl")
        if split in splits:
            problem = f"is the split {split}, and so is {splits[split]}"
            raise InputError(str(file), "file", problem, "rename one of the files after its split")
        splits[split] = file
    return Given(None, splits, passed_over)


def _run(folder: Path) -> Given:
    said = read_run(folder)
    files = {part: folder / f"{part}.jsonl" for part in PARTS}
    splits = {part: path for part, path in files.items() if path.is_file()}
    if not splits:
        problem = "has no train.jsonl: the run is not at its end, or left no record"
        raise InputError(str(folder), "folder", problem, "run swift-saber pipeline to its end first")
    recipe = said.get("recipe")
    return Given(folder, splits, [], recipe if isinstance(recipe, dict) else {})


def _holds_records(path: Path) -> bool:
    """Whether the first row of a file is a record."""
    if not path.stat().st_size:
        return False
    _, row = next(read_rows(path))
    return not RECORD_KEYS.isdisjoint(row) and "messages" not in row and "candidates" not in row

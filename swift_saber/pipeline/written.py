"""Which files of a run are as the pipeline wrote them, so that what a person has edited is never written over.

The digest of each file is noted, on the disk, before the file takes its name, so a run that is killed at any moment
finds its own files its own, and so does one after a power cut. Every digest that a file ever had counts: whoever puts
an older one back loses nothing. Files of runs by versions that noted nothing are not compared.
"""

import hashlib
import os
import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swift_saber.data.log import RowLog
from swift_saber.data.rows import parse_row
from swift_saber.errors import InputError
from swift_saber.text.files import whole

#: What a run leaves in its folder for people and for training.
DATASET = ("train.jsonl", "test.jsonl")
RESULTS = (*DATASET, "README.md", "report.html")
# A folder beside the files: a JSONL of {"id": "FILE DIGEST", "file", "sha256"} of each process that writes some.
_NOTES = "written"
_BLOCK = 1 << 20


def note(folder: Path, contents: Mapping[str, Path], by: str, **more: str) -> None:
    """Say that files of a folder are ours with these contents.

    Args:
        folder: of a run, or of one of its stages.
        contents: {name of a file, from the folder: a file that holds what it is to hold}.
        by: names the notes of one process.
        more: what a note says besides.
    """
    path = folder / _NOTES / f"{by}.jsonl"
    with RowLog(path) as log:
        known = log.ids()
        for name, content in contents.items():
            digest = _digest(content)
            if (line := " ".join([name, digest, *more.values()])) not in known:
                log.append({"id": line, "file": name, "sha256": digest, **more})
    _to_disk(path)


@contextmanager
def noted(path: Path) -> Iterator[Path]:
    """Give the path of a neighbour file to write, as text.files.whole does, and note it when the block ends."""
    with whole(path) as partial:
        yield partial
        _to_disk(partial)
        note(path.parent, {path.name: partial}, "results")


def note_taken(output: Path, path: Path, reviews: Path) -> bool:
    """Say that what was edited in a result of a run is kept as reviews: a run that takes these may write it over.

    Args:
        output: the folder of the run.
        path: of the file that was edited; of one that lies elsewhere nothing is said.
        reviews: their folder.

    Returns:
        Whether it is a result of the run.
    """
    path = path.resolve()
    ours = path.name in RESULTS and path.parent == output.resolve()
    if ours:
        note(output, {path.name: path}, "taken", reviews=str(reviews.resolve()))
    return ours


def edited(folder: Path, reviews: Path | None = None) -> list[Path]:
    """Return the files of a folder that are there and not as we wrote them, nor such that their edits are kept.

    Args:
        folder: of a run, or of one of its stages.
        reviews: the folder of those that the run takes.
    """
    taken = reviews and str(reviews.resolve())
    known: dict[str, set[str]] = defaultdict(set)
    for notes in sorted((folder / _NOTES).glob("*.jsonl")):
        for line in notes.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):  # of another one no file has its name
                row = parse_row(line, str(notes))
                if row.get("reviews", taken) == taken:
                    known[row["file"]].add(row["sha256"])
    return [folder / name for name, digests in known.items() if _is_other(folder / name, digests)]


def check_results(output: Path, recipe: Mapping[str, Any]) -> None:
    """See that nobody has edited what a run leaves.

    Args:
        output: the folder of the run.
        recipe: what it says.

    Raises:
        InputError: a file is edited; or it is there, and the folder is that of no run.
    """
    is_run = (output / "run.json").exists()
    reviews = reviews_of(recipe)
    found = (
        edited(output, Path(reviews).expanduser() if reviews else None)
        if is_run
        else [output / name for name in RESULTS if (output / name).exists()]
    )
    if not found:
        return
    path, away = found[0], "move it away, or name another output"
    if not is_run:
        raise InputError(str(path), "output", "is there already, and not from a run", away)
    if path.name not in DATASET:
        away = f"move it away, it is written anew: mv {shlex.quote(str(path))} MY-{path.name}"
        raise InputError(str(path), "output", "was edited since it was written, and would be written over", away)
    block = "" if "review" in recipe else ", and give the recipe a block `review:`"
    remedy = f"keep the edits as reviews: {_take(path, output, recipe)}{block}; or move it away"
    raise InputError(str(path), "output", "was edited since it was written, and would be written over", remedy)


def check_rows(output: Path, stage: str, recipe: Mapping[str, Any]) -> None:
    """See that nobody has edited the rows that a stage kept.

    Args:
        output, recipe: as of check_results.
        stage: its name.

    Raises:
        InputError: somebody has.
    """
    found = edited(output / stage)
    if found:
        path = found[0]
        move = f"mv {shlex.quote(str(path))} edited.jsonl"
        take = _take("edited.jsonl", output, recipe)
        problem = f"was edited since the stage {stage} wrote it, which no later run would keep"
        remedy = (
            f"{move}, run again, which makes it anew and asks no model twice, then keep the edits as reviews: {take}"
        )
        raise InputError(str(path), "rows", problem, remedy)


def _take(path: str | Path, output: Path, recipe: Mapping[str, Any]) -> str:
    """The command that keeps the edits of a file."""
    folder = reviews_of(recipe) or "reviews"
    return "swift-saber " + shlex.join(["review", "take", str(path), "--of", str(output), "-o", folder])


def reviews_of(recipe: Mapping[str, Any]) -> str | None:
    """The folder of the reviews that a recipe takes, None where it takes none."""
    if "review" not in recipe:
        return None
    block = recipe["review"]
    return str(block.get("folder", "reviews")) if isinstance(block, dict) else "reviews"


def _is_other(path: Path, digests: set[str]) -> bool:
    try:
        return _digest(path) not in digests
    except FileNotFoundError:
        return False


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()

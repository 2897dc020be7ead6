"""Which table of action units is whose: each is named after a clip's id or, where there is none, after its video."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from tqdm import tqdm

from swift_saber.errors import InputError
from swift_saber.sed.action_units import ActionUnits, read_action_units

#: Why a clip has no table.
NO_TABLE = "no table"
SEVERAL_CLIPS = "a table of several clips' name"


@dataclass(frozen=True, slots=True)
class Faces:
    """The tables of a set.

    Attributes:
        units: of each clip by id, or why there are none.
        digest: of all that was read, so that runs by other tables are told apart.
    """

    units: Mapping[str, ActionUnits | str]
    digest: str


def read_faces(folder: str | os.PathLike[str], clips: Iterable[tuple[str, Sequence[str]]]) -> Faces:
    """Read the tables of a folder that are of a clip.

    Args:
        clips: (id, its videos) of each.

    Raises:
        InputError: as find_tables, or a file is no such table.
    """
    found = find_tables(folder, clips)
    shown = tqdm(found.items(), desc="action units", unit="table", delay=1)
    units = {name: read_action_units(table) if isinstance(table, Path) else table for name, table in shown}
    return Faces(units, hashlib.sha256(repr(sorted(units.items())).encode()).hexdigest())


def find_tables(folder: str | os.PathLike[str], clips: Iterable[tuple[str, Sequence[str]]]) -> dict[str, Path | str]:
    """Return id -> its table, or why it has none.

    Args:
        clips: (id, its videos) of each. All of a data set: of some of them, "dia0_utt0" may be one clip's alone.

    Raises:
        InputError: there is no .csv in the folder, or none is of a clip.
    """
    tables = {path.stem: path for path in sorted(Path(folder).glob("*.csv"))}
    if not tables:
        raise InputError(str(folder), "folder", "holds no .csv", "name the folder with a table a clip")
    # Folders have clips of one name each: "dia0_utt0.mp4" of MELD is in three.
    videos = {name: {PurePath(path).as_posix() for path in paths} for name, paths in clips}
    shared = Counter(PurePath(path).stem for path in {path for paths in videos.values() for path in paths})
    # Where ids are numbers, "1" may be the id of one clip and the video of another.
    of_videos = {name: table for name, table in tables.items() if name not in videos}
    found = {name: tables.get(name) or _of_video(paths, of_videos, shared) for name, paths in videos.items()}
    if all(isinstance(table, str) for table in found.values()):
        raise InputError(str(folder), "files", "are named after no clip", "name each after a clip's id or its video")
    return found


def _of_video(paths: set[str], tables: Mapping[str, Path], shared: Mapping[str, int]) -> Path | str:
    stems = [stem for stem in {PurePath(path).stem for path in paths} if stem in tables]
    if not stems:
        return NO_TABLE
    return tables[stems[0]] if len(stems) == 1 and shared[stems[0]] == 1 else SEVERAL_CLIPS

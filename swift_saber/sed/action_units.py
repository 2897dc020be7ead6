"""What a face does, out of a table that the user brings: action units (FACS) as OpenFace and py-feat write them.

    frame, face_id, timestamp, confidence, success, AU01_r, ..., AU45_r, AU01_c, ..., AU45_c     OpenFace: 0..5 and 0, 1
    frame, FaceScore, AU01, ..., AU43                                                            py-feat: 0..1

A file is a clip's, with a row a frame. Nothing here looks at a picture. What the two report is itself an estimate; on
acted and on dark faces it is often wrong, and lips move with speech.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from swift_saber.errors import InputError, quoted
from swift_saber.text.csv_table import read_csv

#: Why nothing can be said of a face.
NO_FACE, FEW_FRAMES, SEVERAL_FACES = "no face found", "face found in too few frames", "several faces"

_COLUMN = re.compile(r"au0*(\d{1,2})(_[rc])?")
_OTHERS = ("frame", "confidence", "success", "facescore")
_NONE = re.compile(r"|-?nan(\(.*\))?")  # as pandas, and as C's libraries write it
# OpenFace's own advice is to use frames with success 1; what it is less sure of than this is often no face.
_SURE = 0.8
_LEAST_FRAMES, _LEAST_SHARE = 5, 0.5  # frames with a face, and their share of all
_TWICE = 0.05  # share of the frames with several faces from which on it is not known whose they are
_LEVELS = 5.0  # OpenFace's intensities are 0..5, of which 1, "trace", is the first that is something
_TRACE, _LIKELY = 1.0, 0.5


@dataclass(frozen=True, slots=True)
class Unit:
    """An action unit in a clip.

    Attributes:
        share: of the frames with a face in which it is there.
        intensity: 0..1, the mean over these; 0 where there is none. py-feat gives how likely it is instead.
    """

    share: float
    intensity: float


@dataclass(frozen=True, slots=True)
class ActionUnits:
    """The action units of a clip.

    Attributes:
        frames, faces: how many there are, and in how many there is a face.
        units: number of a unit -> what it does.
        unsaid: why nothing can be said; then `units` is empty.
    """

    frames: int
    faces: int
    units: Mapping[int, Unit] = field(default_factory=dict)
    unsaid: str = ""


def read_action_units(path: str | os.PathLike[str]) -> ActionUnits:
    """Read a clip's table.

    Raises:
        InputError: it is no such table, or a cell is no number.
    """
    faces: dict[str, int] = {}  # of each frame
    rows = 0
    sums: dict[int, list[float]] = {}  # of each unit: in how many rows it is there, and its intensity in all of them
    columns: dict[int, dict[str, str]] = {}
    for number, (where, row) in enumerate(read_csv(path, [], _wanted)):
        columns = columns or _columns(path, list(row))
        frame = row.get("frame") or str(number)
        if not _is_face(where, row, columns):
            faces.setdefault(frame, 0)
            continue
        faces[frame] = faces.get(frame, 0) + 1
        rows += 1
        for unit, names in columns.items():
            there, intensity = _unit(where, row, names)
            if there:
                known = sums.setdefault(unit, [0, 0.0])
                known[0] += 1
                known[1] += intensity
    unsaid = _unsaid(list(faces.values()))
    units = {} if unsaid else {unit: _mean(rows, *sums.get(unit, (0, 0.0))) for unit in sorted(columns)}
    return ActionUnits(len(faces), sum(count > 0 for count in faces.values()), units, unsaid)


def _wanted(column: str) -> bool:
    """Whether a column is read; of the others OpenFace has x_0 and X_0."""
    return column in _OTHERS or bool(_COLUMN.fullmatch(column))


def _columns(path: str | os.PathLike[str], header: Sequence[str]) -> dict[int, dict[str, str]]:
    """Number of a unit -> "_r", "_c" or "" -> column."""
    found: dict[int, dict[str, str]] = {}
    for name in header:
        if match := _COLUMN.fullmatch(name):
            names, kind = found.setdefault(int(match[1]), {}), match[2] or ""
            if kind in names:
                raise InputError(str(path), "columns", f"{names[kind]} and {name} are one unit", "keep one of the two")
            names[kind] = name
    if not found:
        remedy = "bring OpenFace's CSV (AU01_r, AU01_c, ...) or py-feat's (AU01, ...)"
        raise InputError(str(path), "columns", "have no action unit among them", remedy)
    return found


def _is_face(where: str, row: Mapping[str, str], columns: Mapping[int, Mapping[str, str]]) -> bool:
    if "success" in row and _number(where, row, "success") != 1:
        return False
    # py-feat leaves the cells of a frame without a face empty, or nan.
    if all(_NONE.fullmatch(row[name].lower()) for names in columns.values() for name in names.values()):
        return False
    return all(_number(where, row, name) >= _SURE for name in ("confidence", "facescore") if row.get(name))


def _unit(where: str, row: Mapping[str, str], names: Mapping[str, str]) -> tuple[bool, float]:
    """Whether a unit is there, and its intensity."""
    if "" in names:
        likely = _number(where, row, names[""], 1)
        return likely >= _LIKELY, likely
    level = _number(where, row, names["_r"], _LEVELS) if "_r" in names else None
    there = _number(where, row, names["_c"]) == 1 if "_c" in names else level is not None and level >= _TRACE
    return there, level / _LEVELS if level is not None else float(there)


def _number(where: str, row: Mapping[str, str], name: str, most: float | None = None) -> float:
    """A cell; where the most is said, one of 0 to that, give or take what rounding does."""
    try:
        found = float(row[name])
    except ValueError:
        found = float("nan")
    if not isfinite(found):
        raise InputError(where, f"column {name}", f"is {quoted(row[name])}", "write a number")
    if most is not None and not -0.01 * most <= found <= 1.01 * most:
        problem = f"is {quoted(row[name])}, which is not of 0 to {most:g}"
        raise InputError(where, f"column {name}", problem, "bring the numbers as OpenFace (_r) or py-feat writes them")
    return found


def _unsaid(faces: Sequence[int]) -> str:
    """Why nothing can be said of frames with so many faces each."""
    found = sum(count > 0 for count in faces)
    if not found:
        return NO_FACE
    if sum(count > 1 for count in faces) > _TWICE * len(faces):
        return SEVERAL_FACES
    return FEW_FRAMES if found < _LEAST_FRAMES or found < _LEAST_SHARE * len(faces) else ""


def _mean(rows: int, there: float, intensity: float) -> Unit:
    return Unit(there / rows, intensity / there if there else 0.0)

"""Open-vocabulary emotion labels compared in the groups of five emotion wheels: the EW precision, recall and F.

Published with AffectGPT and OV-MER: the files, the way of a label to its group, and the score. The wheels are in a
folder `emotion_wheel/` that the user brings, since its licence is non-commercial:

    wheel1.xlsx .. wheel5.xlsx   columns level1, level2, level3, from the inner ring out; a blank cell is the one above
    synonym.xlsx                 columns word_runN and synonym_runN, N = 1..8: a wheel's word and its synonyms
    format.csv                   columns name and format: a word and its forms, with commas between

A label in lower case is a form of words, each a synonym of wheel words; the first of these, sorted, that a wheel has
gives the group. Labels that a wheel does not know are dropped from that wheel's comparison, so `coverage` belongs
beside every score ("neutral" is in none of the published wheels).

The folder came out in two editions, which differ in the word forms of format.csv; a score holds for one of them.
"""

import csv
import hashlib
import io
import math
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from swift_saber.errors import InputError, quoted
from swift_saber.text.files import read_text
from swift_saber.text.strict_json import dumps

Level = Literal["level1", "level2", "level1+2"]
#: "level1" groups by the inner ring, "level2" by the second. "level1+2" is the mean over both of each wheel: ten
#: groupings in place of five. MER2025's scorer prints all three, MER2026's and MER-UniBench's the first.
LEVELS: tuple[Level, ...] = ("level1", "level2", "level1+2")

#: The published editions by the digest of what a folder says (Wheels.digest), whatever the bytes of its files. OV-MER,
#: AffectGPT and MER-UniBench ship that of MER2025.
EDITIONS = {
    "a518fff2e9b89ff51cff7c505c79605d435f82c9fa8696123e5a4a73e59b83c9": "MER2025",
    "b74bafad24383d692bd932bddd62a63aee348739b74f081295d83d79c8c53d82": "MER2026",
}

# {inner ring: {second ring: [outer ring]}}, in the order of the file.
Wheel = dict[str, dict[str, list[str]]]

_RINGS = ("level1", "level2", "level3")
_WHEELS = [f"wheel{number}.xlsx" for number in range(1, 6)]
_RUNS = range(1, 9)
# Ours, of a workbook: far above those of the published files, whose largest has 16 columns and some thousand rows.
_MOST_BYTES, _MOST_ROWS, _MOST_COLUMNS = 64 << 20, 50_000, 64
_SYNONYMS, _FORMS = "synonym.xlsx", "format.csv"
# Lists in cells are written as "a, b", "[a, b]" or "['a', 'b']".
_BETWEEN = re.compile(r"[\[\]'\",]")


class Overlap(NamedTuple):
    """How well labels agree in one grouping, or on the average: each 0..1."""

    precision: float
    recall: float


class EWScore(NamedTuple):
    """The score of many clips: means over the groupings, each 0..1."""

    precision: float
    recall: float
    f1: float


class Coverage(NamedTuple):
    """How many labels at least one wheel knows, of how many; and the others with how often they came."""

    known: int
    total: int
    unknown: dict[str, int]


class Wheels:
    """The five wheels of a folder.

    Args:
        folder: the user's `emotion_wheel/`.

    Raises:
        InputError: a file is missing, unreadable, or not as described above; or openpyxl is not installed.
    """

    def __init__(self, folder: Path) -> None:
        missing = [name for name in [*_WHEELS, _SYNONYMS, _FORMS] if not (folder / name).is_file()]
        if missing:
            problem = f"has no {', '.join(missing)}" if folder.is_dir() else "is no folder"
            remedy = "give the emotion_wheel folder of MERTools or AffectGPT, complete"
            raise InputError(str(folder), "emotion_wheel", problem, remedy)
        #: What the folder holds, for the manifest.
        self.files = {f"{folder.name}/{path.name}": path for path in sorted(folder.iterdir()) if path.is_file()}
        wheels = [_read_wheel(folder / name) for name in _WHEELS]
        self._inner = [_inner(places) for places in wheels]
        self._second = [_second(places) for places in wheels]
        self._candidates = _candidates(_read_synonyms(folder / _SYNONYMS), _read_forms(folder / _FORMS))
        groups = [sorted(grouping.items()) for grouping in (*self._inner, *self._second)]
        #: SHA-256 of the groups and of the words of each form, in an order of ours.
        self.digest = hashlib.sha256(dumps([*groups, sorted(self._candidates.items())]).encode()).hexdigest()
        #: "MER2025", "MER2026", or None for one that was not published.
        self.edition = EDITIONS.get(self.digest)

    @property
    def named(self) -> str:
        """The edition in words, for the scores that rest on it."""
        edition = f"those of {self.edition}" if self.edition else "an unknown edition"
        return f"{edition} (SHA-256 of their content {self.digest[:12]})"

    @property
    def unknown_truth(self) -> float | None:
        """What a grouping counts that knows no truth at all (ew_score): 0 in MER2026's scorer, else nothing."""
        return 0.0 if self.edition == "MER2026" else None

    def groups(self, labels: Iterable[str], level: Level = "level1") -> list[set[str]]:
        """Return the groups that some labels are in, one set for each grouping: 5, or 10 for "level1+2"."""
        words = [self._candidates.get(label.strip().lower(), ()) for label in labels]
        groupings = {"level1": self._inner, "level2": self._second, "level1+2": self._inner + self._second}[level]
        return [{group for of in words if (group := _group(of, grouping)) is not None} for grouping in groupings]

    def knows(self, label: str) -> bool:
        """Whether at least one wheel has a group for a label."""
        return any(self.groups([label]))

    def overlaps(self, truth: Iterable[str], predicted: Iterable[str], level: Level = "level1") -> list[Overlap | None]:
        """Return precision |Y & P| / |P| and recall |Y & P| / |Y| of one clip in each grouping.

        Y and P are the groups of the truth and of the prediction. None where Y is empty: the clip does not count there.
        Both are 0 where only P is empty.
        """
        found: list[Overlap | None] = []
        for true, said in zip(self.groups(truth, level), self.groups(predicted, level), strict=True):
            both = len(true & said)
            found.append(Overlap(both / len(said) if said else 0.0, both / len(true)) if true else None)
        return found

    def coverage(self, labels: Iterable[str]) -> Coverage:
        """Return how many of these labels a wheel knows. Each occurrence counts."""
        counts = Counter(label.strip().lower() for label in labels)
        unknown = {label: count for label, count in counts.most_common() if not self.knows(label)}
        return Coverage(counts.total() - sum(unknown.values()), counts.total(), unknown)


def overlap_table(clips: Sequence[Sequence[Overlap | None]]) -> NDArray[np.float64]:
    """Return what Wheels.overlaps gives for each clip as numbers, (clips, groupings, 2), NaN for None."""
    nothing = (math.nan, math.nan)
    return np.array([[one or nothing for one in clip] for clip in clips], dtype=np.float64)


def ew_score(table: NDArray[np.float64], unknown_truth: float | None = None) -> EWScore | None:
    """Return the EW score of clips: per grouping the means over its clips, F = 2PR / (P + R) of these, then the means.

    Args:
        table: as overlap_table returns it, of one level. A clip without an answer has no predicted labels and counts
            as 0.
        unknown_truth: precision and recall of a grouping that knows no clip's truth: 0 as published with MER2026; None
            to leave it out, which is ours: MER2025's scorer gives NaN for all then.

    Returns:
        None where there is no clip, or every grouping is left out.
    """
    if not table.size:
        return None
    counted = ~np.isnan(table[:, :, 0])
    sums = np.where(counted[:, :, None], table, 0).sum(axis=0)
    precision, recall, f1 = map(float, _ew(sums, counted.sum(axis=0), unknown_truth))
    return None if math.isnan(f1) else EWScore(precision, recall, f1)


def ew_scores(
    counts: NDArray[np.int64], table: NDArray[np.float64], unknown_truth: float | None = None
) -> NDArray[np.float64]:
    """Return ew_score of many draws of clips at once, (draws, 3): precision, recall and F, NaN for None.

    Args:
        counts: how often each clip of the table is in each draw, (draws, clips).
        table, unknown_truth: as ew_score.
    """
    counted = ~np.isnan(table[:, :, 0])
    sums = np.einsum("dc,cgp->dgp", counts, np.where(counted[:, :, None], table, 0), optimize=True)
    return _ew(sums, counts @ counted, unknown_truth)


def _ew(sums: NDArray[np.float64], clips: NDArray[Any], unknown_truth: float | None) -> NDArray[np.float64]:
    """(..., 3) of the sums over clips (..., groupings, 2), and how many there are in each grouping."""
    there = (clips > 0) | (unknown_truth is not None)
    means = np.where(clips[..., None] > 0, sums / np.maximum(clips, 1)[..., None], unknown_truth or 0.0)
    # F is 0 where both are.
    total = means.sum(axis=-1)
    f1 = 2 * means.prod(axis=-1) / np.where(total > 0, total, 1)
    found = np.concatenate([means, f1[..., None]], axis=-1)
    with np.errstate(invalid="ignore"):  # NaN where every grouping is left out
        mean: NDArray[np.float64] = np.where(there[..., None], found, 0).sum(axis=-2) / there.sum(axis=-1)[..., None]
    return mean


def _group(words: Iterable[str], grouping: dict[str, str]) -> str | None:
    """The group of the first word that the grouping has."""
    return next((grouping[word] for word in words if word in grouping), None)


def _inner(wheel: Wheel) -> dict[str, str]:
    """Each word with its inner ring. As published, a word that is there twice has its last place."""
    found: dict[str, str] = {}
    for first, seconds in wheel.items():
        found[first] = first
        for second, thirds in seconds.items():
            found |= dict.fromkeys([second, *thirds], first)
    return found


def _second(wheel: Wheel) -> dict[str, str]:
    """Each word with its second ring; as published, one of the inner ring with the first of its second, sorted."""
    found: dict[str, str] = {}
    for first, seconds in wheel.items():
        found[first] = min(seconds)
        for second, thirds in seconds.items():
            found |= dict.fromkeys([second, *thirds], second)
    return found


def _candidates(synonyms: dict[str, set[str]], forms: dict[str, set[str]]) -> dict[str, list[str]]:
    """The wheel words of each form, sorted; format.csv's words are forms of themselves."""
    return {form: sorted(set().union(*(synonyms.get(word, ()) for word in words))) for form, words in forms.items()}


def _read_wheel(path: Path) -> Wheel:
    wheel: Wheel = {}
    above: dict[str, str] = {}
    for number, row in _read_sheet(path, _RINGS):
        if not any(row.values()):
            continue
        above |= {ring: word for ring, word in row.items() if word}
        blank = [ring for ring in _RINGS if ring not in above]
        if blank:
            raise InputError(f"{path}: row {number}", blank[0], "is blank, and so are all above it", "fill in the cell")
        first, second, third = (above[ring] for ring in _RINGS)
        wheel.setdefault(first, {}).setdefault(second, []).append(third)
    if not wheel:
        raise InputError(str(path), "sheet", "holds no row", "take the file as its authors distribute it")
    return wheel


def _read_synonyms(path: Path) -> dict[str, set[str]]:
    """Each synonym, and each wheel word itself, with the wheel words that it stands for: the union of the runs."""
    found: dict[str, set[str]] = {}
    for _, row in _read_sheet(path, [f"{kind}_run{run}" for kind in ("word", "synonym") for run in _RUNS]):
        for run in _RUNS:
            if word := row[f"word_run{run}"]:
                for synonym in [word, *_listed(row[f"synonym_run{run}"])]:
                    found.setdefault(synonym, set()).add(word)
    return found


def _read_forms(path: Path) -> dict[str, set[str]]:
    """Each form, and each word itself, with the words that it is a form of."""
    text = read_text(path)
    found: dict[str, set[str]] = {}
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        _check_columns(path, reader.fieldnames or (), ("name", "format"))
        for row in reader:
            if word := (row["name"] or "").strip().lower():
                for form in [word, *_listed((row["format"] or "").lower())]:
                    found.setdefault(form, set()).add(word)
    except csv.Error as error:
        raise InputError(
            str(path), "file", f"is no CSV ({error})", "take the file as its authors distribute it"
        ) from error
    return found


def _listed(cell: str) -> list[str]:
    return [word.strip() for word in _BETWEEN.split(cell) if word.strip()]


def _read_sheet(path: Path, columns: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """(row number, {column: text in lower case, "" where blank}) of the first sheet of a workbook."""
    try:
        import openpyxl  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError("openpyxl", "package", "is not installed", "pip install openpyxl") from error
    remedy = "take the file as its authors distribute it"
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())  # of no part more is unpacked than it says
        if size > _MOST_BYTES:
            problem = f"unpacks to {size >> 20:,} MiB, above {_MOST_BYTES >> 20}"
            raise InputError(str(path), "file", problem, remedy)
        # Read-only streams the cells; data_only takes the values of formulas.
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            # A sheet may say that it has more cells than there are.
            cells = book.worksheets[0].iter_rows(values_only=True, max_row=_MOST_ROWS + 1, max_col=_MOST_COLUMNS)
            rows: list[tuple[Any, ...]] = list(cells)
        finally:
            book.close()
    except InputError:
        raise
    except Exception as error:  # zipfile's, the XML parser's and openpyxl's own errors have nothing in common
        reason = f"cannot be read as a workbook ({type(error).__name__}: {error})"
        raise InputError(str(path), "file", reason, remedy) from error
    if len(rows) > _MOST_ROWS:
        raise InputError(str(path), "sheet", f"has more than {_MOST_ROWS:,} rows", remedy)
    header = [str(cell).strip() if cell is not None else "" for cell in (rows[0] if rows else ())]
    _check_columns(path, header, columns)
    places = {name: header.index(name) for name in columns}
    return [
        (number, {name: _text(row[place]) if place < len(row) else "" for name, place in places.items()})
        for number, row in enumerate(rows[1:], start=2)
    ]


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell).strip().lower()


def _check_columns(path: Path, there: Collection[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in there]
    if missing:
        problem = f"is not there; the columns are {quoted(', '.join(there))}"
        raise InputError(str(path), f"column {missing[0]}", problem, "take the file as its authors distribute it")

"""MER25: the MER2025 pool of Chinese film and television clips, with the labels of MER2025 and of MER2026.

Facts from the MERChallenge/MER2025 data card and the code for both years in zeroQiaoba/MERTools (folder, tables,
columns, counts: 132,171 clips in either year; valence is -10 where there is none). Reported by other loaders only: that
videos are `.mp4` or `.avi`, that the archives are split, and that those of MER2026 unpack into a folder for each table
below video/ and audio/.

Unverified: who made the labels (MER-Caption+ is said to be model-made and filtered, the others to be made or checked by
people, so each label keeps the name of its table), and what `samplenew4_` stands for. That the 20,000 candidates are
the pool of the withheld tests is inferred: they are "test" here, also where MER-Caption+ has a label of them, but not
where a table of people's labels has them, since the tests of one year are training clips of the next. No film, speaker
or gender is given: nothing is known of the origin of a clip. Some clips added in 2025 may be MEIJU25's too.
"""

import ast
import math
from collections.abc import Collection, Container, Iterator
from pathlib import Path
from typing import Any

from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source

_SUBTITLES = "subtitle_chieng.csv"
_CANDIDATES = ("track_all_candidates.csv", "track1_track2_candidate.csv")  # of 2025 and of 2026
# Tables, their columns of labels, and the keys that these get here.
_MER2025 = {
    "track1_train_disdim.csv": {"discrete": "discrete", "valence": "valence"},
    "track2_train_mercaptionplus.csv": {"openset": "openset_mercaptionplus"},
    "track3_train_mercaptionplus.csv": {"reason": "reason_mercaptionplus"},
    "track2_train_ovmerd.csv": {"openset": "openset_ovmerd"},
    "track3_train_ovmerd.csv": {"reason": "reason_ovmerd"},
}
_MER2026 = {
    "track1_train.csv": {"discrete": "discrete"},
    "track2_train_mercaptionplus.csv": {"openset": "openset_mercaptionplus"},
    "track2_train_human.csv": {"openset": "openset_human"},
}
_BY_MODELS = {"openset_mercaptionplus", "reason_mercaptionplus"}
_NO_VALENCE = -10.0


class Mer25(Source):
    """The folder of MER2025, of MER2026 or of both; ids are "mer25/pool/<name>".

    Released SABER files have the same names (samplenew3_00000004).
    """

    key = "mer25"
    title = "MER25 (MER2025, MER2026)"
    languages = ("zh",)
    own_names = r"sample(new\d?)?_\d{8}"
    access = (
        "Hugging Face MERChallenge/MER2025 or MER2026, gated: sign the EULA form there; CC BY-NC 4.0, and it must not "
        "be uploaded again."
    )
    layout = """
        video/<name>.mp4                (or avi, or in folders below; unpack video_split.* or video_7z/)
        audio/<name>.wav                (unpack audio.zip or audio_7z/)
        subtitle_chieng.csv             (names the clips)
        track{1,2,3}_train*.csv         (labels, where they are there)
        track_all_candidates.csv or track1_track2_candidate.csv   (split)
    """

    def read(self) -> Iterator[Clip]:
        """Yield the clips in the order of the subtitles, then those that only another table names."""
        for name in (_SUBTITLES, "video"):
            if not (self.folder / name).exists():
                raise self.wrong(name)
        labels, candidates = self._labels(), self._candidates()
        videos, sounds = self._named("video", VIDEO_SUFFIXES), self._named("audio", AUDIO_SUFFIXES)
        for name, texts in self._subtitles(labels, candidates):
            if not name or "/" in name:
                self.skip("row without a name", name)
            elif self.usable(videos.get(name), "video", name):
                own = labels.get(name, {}) | {"english": texts["english"]}
                yield self.clip(
                    f"pool/{name}",
                    videos[name],
                    audio=self.sound(sounds.get(name), name),
                    transcript=texts["chinese"],
                    labels=own,
                    emotion=own.get("discrete"),
                    split=self._split(name, labels, candidates),
                )
            videos.pop(name, None)
        if self.skipped["video missing"]:
            for path in self.archives():
                if path.relative_to(self.folder).parts[0].startswith("video"):
                    self.skip_archive(path)
        for path in videos.values():
            self.skip("video without row", path)

    def _subtitles(
        self, labels: dict[str, dict[str, Any]], candidates: dict[str, None]
    ) -> Iterator[tuple[str, dict[str, str]]]:
        """Each name once with its texts, in the order of the subtitles; then those that only another table names."""
        named: set[str] = set()
        for where, row in self.rows(self.folder / _SUBTITLES, ("name", "chinese", "english")):
            if row["name"] in named:
                self.skip("row twice", where)
                continue
            named.add(row["name"])
            yield row["name"], row
        for name in [*labels, *candidates]:
            if name not in named:
                named.add(name)
                self.note("no subtitle", name)
                yield name, {"chinese": "", "english": ""}

    def _named(self, kind: str, suffixes: Collection[str]) -> dict[str, Path]:
        """Videos or sounds by name; the clips of several tables are in several folders of MER2026."""
        found: dict[str, Path] = {}
        if (self.folder / kind).is_dir():
            for path in self.files(suffixes, self.folder / kind):
                if found.setdefault(path.stem, path) != path:
                    self.note("several files of one name: the first is taken", path)
        return found

    def _labels(self) -> dict[str, dict[str, Any]]:
        """The labels of each name, of all the tables that are there."""
        found: dict[str, dict[str, Any]] = {}
        tables = _MER2025 | _MER2026
        there = [table for table in tables if (self.folder / table).exists()]
        for table in _asked_for(there):
            if table not in there:
                self.note("label table missing", table)
        for table in there:
            path, keys = self.folder / table, tables[table]
            done: set[str] = set()
            for where, row in self.rows(path, ("name", *keys)):
                if row["name"] in done:
                    self.note("label twice: the first is taken", where)
                    continue
                done.add(row["name"])
                own = found.setdefault(row["name"], {})
                for column, key in keys.items():
                    value = self._value(row[column], column, where)
                    if value is not None and own.setdefault(key, value) != value:
                        self.note("label of another table differs: the first is taken", where)
        return found

    def _value(self, text: str, column: str, where: str) -> Any:
        if text.lower() == "nan" or (not text and column != "openset"):  # the former is pandas' word for the latter
            return None
        if column == "openset":
            try:
                words = ast.literal_eval(text or "[]")
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                words = None
            if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
                self.note("openset is no list of words", where)
                return None
            return words or ["neutral"]  # as the official loader reads an empty one
        if column == "valence":
            try:
                value = float(text)
            except ValueError:
                value = math.inf
            if math.isfinite(value):
                return value if value != _NO_VALENCE else None
            self.note("valence is no number", where)
            return None
        return text

    def _candidates(self) -> dict[str, None]:
        tables = (path for name in _CANDIDATES if (path := self.folder / name).exists())
        return dict.fromkeys(row["name"] for path in tables for _, row in self.rows(path, ("name",)))

    def _split(self, name: str, labels: dict[str, dict[str, Any]], candidates: dict[str, None]) -> str | None:
        if name not in candidates:
            return "train" if name in labels else None
        if _BY_MODELS.issuperset(labels.get(name, {})):
            return "test"
        self.note("candidate with a label by people: a training clip", name)
        return "train"


def _asked_for(there: Container[str]) -> dict[str, dict[str, str]]:
    """The tables of each release of which one is there that the other has not; of MER2025 where there is none."""
    first, second = (
        any(table in there for table in own.keys() - other.keys())
        for own, other in ((_MER2025, _MER2026), (_MER2026, _MER2025))
    )
    return (_MER2025 if first or not second else {}) | (_MER2026 if second else {})

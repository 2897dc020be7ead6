"""MER25: the MER2025 pool of Chinese film and television clips, with MER-Caption+ and OV-MERD labels.

Facts from the MERChallenge/MER2025 data card and the MER2025 code of zeroQiaoba/MERTools (folder, tables, columns,
counts: 132,171 clips). Reported by other loaders only: that the videos are `.mp4`, that the archives are split.

Unverified: who made the labels (MER-Caption+ is said to be model-made and filtered, OV-MERD to be checked by people, so
each label keeps the name of its table), and what `samplenew4_` stands for. That the 20,000 candidates are the pool of
the withheld tests, and so "test" here, is inferred. No film, speaker or gender is given: nothing is known of the
origin of a clip. Some clips added in 2025 may be MEIJU25's too.
"""

import ast
from collections.abc import Iterator
from typing import Any

from swift_saber.media.settings import VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source

_SUBTITLES = "subtitle_chieng.csv"
_CANDIDATES = "track_all_candidates.csv"
# Tables, their columns of labels, and the keys that these get here.
_LABELS = {
    "track1_train_disdim.csv": {"discrete": "discrete", "valence": "valence"},
    "track2_train_mercaptionplus.csv": {"openset": "openset_mercaptionplus"},
    "track3_train_mercaptionplus.csv": {"reason": "reason_mercaptionplus"},
    "track2_train_ovmerd.csv": {"openset": "openset_ovmerd"},
    "track3_train_ovmerd.csv": {"reason": "reason_ovmerd"},
}


class Mer25(Source):
    """The MER2025 folder; ids are "mer25/pool/<name>", as released SABER files name them (samplenew3_00000004)."""

    key = "mer25"
    title = "MER25 (MER2025)"
    languages = ("zh",)
    own_names = r"sample(new\d?)?_\d{8}"
    access = (
        "Hugging Face MERChallenge/MER2025, gated: sign the EULA form there; CC BY-NC 4.0, and it must not be uploaded "
        "again."
    )
    layout = """
        video/<name>.mp4
        audio/<name>.wav                (unpack audio.zip and video_split.*)
        subtitle_chieng.csv             (names the clips)
        track{1,2,3}_train_*.csv, track_all_candidates.csv   (labels and split, where they are there)
    """

    def read(self) -> Iterator[Clip]:
        """Yield the clips in the order of the subtitles, then those that only another table names."""
        for name in (_SUBTITLES, "video"):
            if not (self.folder / name).exists():
                raise self.wrong(name)
        labels = self._labels()
        candidates = self._names(_CANDIDATES)
        named: set[str] = set()
        for _, row in self.rows(self.folder / _SUBTITLES, ("name", "chinese", "english")):
            named.add(row["name"])
            own = labels.get(row["name"], {}) | {"english": row["english"]}
            yield from self._clip(row["name"], row["chinese"], own, _split(row["name"], labels, candidates))
        for name in [*labels, *candidates]:
            if name not in named:
                named.add(name)
                self.note("no subtitle", name)
                yield from self._clip(name, "", labels.get(name, {}), _split(name, labels, candidates))
        if self.skipped["video missing"]:
            for archive in sorted(self.folder.glob("video/video_split*")):
                self.skip("archive not unpacked", archive)
        for path in self.files(VIDEO_SUFFIXES, self.folder / "video"):
            if path.stem not in named:
                self.skip("video without row", path)

    def _clip(self, name: str, transcript: str, labels: dict[str, Any], split: str | None) -> Iterator[Clip]:
        video, audio = self.folder / "video" / f"{name}.mp4", self.folder / "audio" / f"{name}.wav"
        if not name or "/" in name:
            self.skip("row without a name", name)
        elif self.usable(video, "video", name):
            yield self.clip(
                f"pool/{name}",
                video,
                audio=self.sound(audio, name),
                transcript=transcript,
                labels=labels,
                emotion=labels.get("discrete"),
                split=split,
            )

    def _labels(self) -> dict[str, dict[str, Any]]:
        """The labels of each name, of all the tables that are there."""
        found: dict[str, dict[str, Any]] = {}
        for table, keys in _LABELS.items():
            path = self.folder / table
            if not path.exists():
                self.note("label table missing", table)
                continue
            done: set[str] = set()
            for where, row in self.rows(path, ("name", *keys)):
                if row["name"] in done:
                    self.note("label twice: the first is taken", where)
                    continue
                done.add(row["name"])
                values = {key: self._value(row[column], column, where) for column, key in keys.items()}
                found.setdefault(row["name"], {}).update(values)
        return found

    def _value(self, text: str, column: str, where: str) -> Any:
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
                return float(text)
            except ValueError:
                self.note("valence is no number", where)
                return None
        return text

    def _names(self, table: str) -> dict[str, None]:
        path = self.folder / table
        return dict.fromkeys(row["name"] for _, row in self.rows(path, ("name",))) if path.exists() else {}


def _split(name: str, labels: dict[str, dict[str, Any]], candidates: dict[str, None]) -> str | None:
    if name in labels:
        return "train"
    return "test" if name in candidates else None

"""CH-SIMS v2.0: Chinese film and television clips with sentiment per modality.

Facts from thuiar/ch-sims-v2 and the chsims page of thuiar/sims.github.io (columns, sizes, the names that the tables
had over time), and from lists that process the data (forms of the ids): 4,403 labelled clips; 10,161 unlabelled ones
with recognised text in a part of their own.

There are no emotion classes: labels are sentiment in [-1, 1] of all (M), text (T), sound (A) and picture (V). A clip's
number is unique only inside its video, so the native id here is "<video_id>_<clip_id>" (ours). The page calls the test
speakers disjoint, yet 128 videos are in train and in test by the lists: those clips are counted, and the video is the
origin by which our own split is made. No licence is stated. Unverified: the words in `annotation`, and that the
unlabelled part is laid out as the labelled one.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swift_saber.media.settings import VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source

_SPLITS = {"train": "train", "valid": "dev", "test": "test"}
_SCORES = ("label", "label_T", "label_A", "label_V")
_IDS = ("video_id", "clip_id", "text")
# The part of each name that a table had so far; brackets do not survive every download. Of meta.csv the folder says it.
_TABLES = {"meta(s).csv": "s", "metas.csv": "s", "meta(u).csv": "u", "metau.csv": "u"}
_UNLABELLED = "ch-simsv2u"


class ChSimsV2(Source):
    """The folder ch-simsv2s or ch-simsv2u, or the one around them; ids are "ch-sims-v2/<s|u>/<video_id>_<clip_id>"."""

    key = "ch-sims-v2"
    title = "CH-SIMS v2.0"
    languages = ("zh",)
    own_names = r"(video_\d{4}|aqgy\d_\d{4}|csbgs\d_\d{4}|test\d+|video_xjzw).*"
    access = "Google Drive or Baidu, linked from github.com/thuiar/ch-sims-v2; open, no licence is stated."
    layout = """
        [ch-simsv2s/]meta.csv                         (or metas.csv, meta(s).csv)
        [ch-simsv2s/]Raw/<video_id>/<clip_id>.mp4     (unpack Raw.zip; avi and mkv are read too)
        [ch-simsv2u/meta(u).csv, ch-simsv2u/Raw/...]  (the unlabelled part, with the other or alone)
    """

    def read(self) -> Iterator[Clip]:
        """Yield the clips in the order of the tables, the labelled part first."""
        tables = self._tables()
        if not tables:
            raise self.wrong("meta.csv")
        videos: dict[Path, dict[tuple[str, str], Path]] = {}
        for table, _ in tables:
            raw = table.parent / "Raw"
            if not raw.is_dir():
                self.note("table without its videos (is Raw.zip unpacked?)", table)
            elif raw not in videos:
                videos[raw] = self._videos(raw)
        if not videos:
            raise self.wrong(f"{tables[0][0].parent / 'Raw'}/ (is Raw.zip unpacked?)")
        named: set[Path] = set()
        for table, part in tables:
            if (raw := table.parent / "Raw") in videos:
                yield from self._part(table, part, videos[raw], named)
        for of in videos.values():
            for path in of.values():
                if path not in named:
                    self.skip("video without row", path)

    def _tables(self) -> list[tuple[Path, str]]:
        """The tables with their parts, the labelled one first; of each part and folder one."""
        found: dict[tuple[str, Path], Path] = {}
        for path in self.files((".csv",)):
            part = _TABLES.get(path.name.lower())
            if path.name.lower() == "meta.csv":
                part = "u" if path.parent.name.lower() == _UNLABELLED else "s"
            if part and found.setdefault((part, path.parent), path) != path:
                self.note("table twice: the first is taken", path)
        return sorted(((path, part) for (part, _), path in found.items()), key=lambda each: (each[1], each[0]))

    def _videos(self, raw: Path) -> dict[tuple[str, str], Path]:
        """The videos by the names of their folder and file, in which ids stay as they are."""
        found: dict[tuple[str, str], Path] = {}
        for path in self.files(VIDEO_SUFFIXES, raw):
            if path.parent.parent != raw:
                self.skip("video without row", path)
            elif found.setdefault((path.parent.name, path.stem), path) != path:
                self.note("several videos of one name: the first is taken", path)
        return found

    def _part(self, table: Path, part: str, videos: dict[tuple[str, str], Path], named: set[Path]) -> Iterator[Clip]:
        columns = _IDS if part == "u" else (*_IDS, *_SCORES, "annotation", "mode")
        rows = list(self.rows(table, columns))
        modes: dict[str, set[str]] = defaultdict(set)
        for _, row in rows:
            modes[row["video_id"]].update({row.get("mode", "")} & _SPLITS.keys())
        for where, row in rows:
            # Numbers stay texts: "00023" is the name of a file.
            video_id, clip_id, mode = row["video_id"], row["clip_id"], row.get("mode", "")
            if not video_id or not clip_id or "/" in video_id + clip_id:
                self.skip("row without its ids", where)
                continue
            name = f"{video_id}_{clip_id}"
            path = videos.get((video_id, clip_id), table.parent / "Raw" / video_id / f"{clip_id}.mp4")
            named.add(path)
            if not self.usable(path, "video"):
                continue
            if len(modes[video_id]) > 1:
                self.note("its video is in several official splits", name)
            if mode and mode not in _SPLITS:
                self.note("split of another name", where)
            yield self.clip(
                f"{part}/{name}",
                path,
                transcript=row["text"],
                labels=self._scores(row, where) | {"annotation": row.get("annotation")},
                origin=video_id,
                split=_SPLITS.get(mode),
            )

    def _scores(self, row: dict[str, str], where: str) -> dict[str, Any]:
        scores: dict[str, Any] = {}
        for column in _SCORES:
            if not row.get(column):
                continue
            try:
                score = float(row[column])
            except ValueError:
                self.note("sentiment is no number", where)
                continue
            if -1 <= score <= 1:
                scores[column] = score
            else:
                self.note("sentiment outside -1..1", where)
        return scores

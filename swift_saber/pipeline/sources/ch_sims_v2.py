"""CH-SIMS v2.0: Chinese film and television clips with sentiment per modality.

Facts from thuiar/ch-sims-v2 and the chsims page of thuiar/sims.github.io (columns, sizes), and from lists that process
the data (forms of the ids): 4,403 labelled clips; 10,161 unlabelled ones with recognised text in a part of their own.

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
# Folder below the given one, table, part.
_TABLES = (
    ("", "meta.csv", "s"),
    ("ch-simsv2s", "meta.csv", "s"),
    ("ch-simsv2u", "meta.csv", "u"),
    ("ch-simsv2u", "meta(u).csv", "u"),
)


class ChSimsV2(Source):
    """The folder ch-simsv2s, or the one around it and ch-simsv2u; ids are "ch-sims-v2/<s|u>/<video_id>_<clip_id>"."""

    key = "ch-sims-v2"
    title = "CH-SIMS v2.0"
    languages = ("zh",)
    own_names = r"(video_\d{4}|aqgy\d_\d{4}|csbgs\d_\d{4}|test\d+|video_xjzw).*"
    access = "Google Drive or Baidu, linked from github.com/thuiar/ch-sims-v2; open, no licence is stated."
    layout = """
        [ch-simsv2s/]meta.csv
        [ch-simsv2s/]Raw/<video_id>/<clip_id>.mp4     (unpack Raw.zip)
        [ch-simsv2u/meta(u).csv, ch-simsv2u/Raw/...]  (the unlabelled part)
    """

    def read(self) -> Iterator[Clip]:
        """Yield the clips in the order of the tables, the labelled part first."""
        tables = [(self.folder / place / name, part) for place, name, part in _TABLES]
        tables = [(path, part) for path, part in tables if path.is_file()]
        if not tables:
            raise self.wrong("meta.csv")
        for table, part in tables:
            if not (table.parent / "Raw").is_dir():
                raise self.wrong(f"{table.parent / 'Raw'}/ (is Raw.zip unpacked?)")
            yield from self._part(table, part)

    def _part(self, table: Path, part: str) -> Iterator[Clip]:
        columns = _IDS if part == "u" else (*_IDS, *_SCORES, "annotation", "mode")
        rows = list(self.rows(table, columns))
        modes: dict[str, set[str]] = defaultdict(set)
        for _, row in rows:
            modes[row["video_id"]].add(row.get("mode", ""))
        named = set()
        for where, row in rows:
            # Numbers stay texts: "00023" is the name of a file.
            video_id, clip_id, mode = row["video_id"], row["clip_id"], row.get("mode", "")
            path = table.parent / "Raw" / video_id / f"{clip_id}.mp4"
            if not video_id or not clip_id or "/" in video_id + clip_id:
                self.skip("row without its ids", where)
                continue
            named.add(path)
            if not self.usable(path, "video"):
                continue
            name = f"{video_id}_{clip_id}"
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
        for path in self.files(VIDEO_SUFFIXES, table.parent / "Raw"):
            if path not in named:
                self.skip("video without row", path)

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

"""MELD: 13,708 utterances of the series Friends in seven emotions and three sentiments.

Facts from declare-lab/MELD (its tables, README and what users reported there); the folder names of the unpacked
archives (several are in use), files without a row and odd lengths from code that reads the data. Unverified: that the
file with the wrong length by its row is itself of that length; such clips are counted and left to cleaning. The rows
are enumerated, never the folder, and never those of MELD_Dyadic, whose dialogues have other numbers. dia0_utt0 is in
all three splits.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from swift_saber.media.settings import VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source

_FOLDERS = {
    "train": ("train_splits", "train"),
    "dev": ("dev_splits_complete", "dev_splits", "dev"),
    "test": ("output_repeated_splits_test", "test_splits", "test"),
}
_SPLIT = {folder: split for split, folders in _FOLDERS.items() for folder in folders}
_NAME = re.compile(r"dia\d+_utt\d+")
_COLUMNS = ("Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID", "Season", "Episode")
_BROKEN = {"train/dia125_utt3"}  # the file has no moov atom, as its authors were told
_ODD = {
    "test/dia38_utt4": "length is wrong by its row",
    "test/dia220_utt0": "length is wrong by its row",
    "test/dia155_utt3": "length is wrong by its row",
    "train/dia309_utt0": "length is said to be wrong",
    "test/dia279_utt15": "said to make trouble",
}


class Meld(Source):
    """The unpacked MELD.Raw; ids are "meld/<train|dev|test>/dia<D>_utt<U>", and the sound is inside the videos."""

    key = "meld"
    title = "MELD"
    languages = ("en",)
    own_names = r"dia\d+_utt\d+"
    repeats = True
    access = "github.com/declare-lab/MELD links MELD.Raw.tar.gz; open download, the repository is GPL-3.0."
    layout = """
        train_sent_emo.csv, dev_sent_emo.csv, test_sent_emo.csv   (at any depth)
        train_splits/dia0_utt0.mp4                  (or train/)
        dev_splits_complete/dia0_utt0.mp4           (or dev_splits/, dev/)
        output_repeated_splits_test/dia0_utt0.mp4   (or test_splits/, test/; unpack the archives in MELD.Raw.tar.gz too)
        (one of these folders can be given alone where its table is in it, or in the folder above)
    """

    def read(self) -> Iterator[Clip]:
        """Yield train, dev and test, each in the order of its table."""
        tables = self._tables()
        if not tables:
            raise self.wrong("train_sent_emo.csv, dev_sent_emo.csv or test_sent_emo.csv")
        videos = self._videos()
        if not videos:
            raise self.wrong("a folder train_splits/, dev_splits_complete/ or output_repeated_splits_test/ with videos")
        with_video = {name.partition("/")[0] for name in videos}
        for split in _FOLDERS:
            if split in tables:
                if split not in with_video:
                    self.note("split without any video (is its archive unpacked?)", split)
                yield from self._part(split, tables[split], videos)
            elif split in with_video:
                self.note("table missing", f"{split}_sent_emo.csv")
        for path in videos.values():
            self.skip("video without row", path)

    def _part(self, split: str, table: Path, videos: dict[str, Path]) -> Iterator[Clip]:
        """The clips of one table; takes the files that it names out of `videos`."""
        done: set[str] = set()
        for where, row in self.rows(table, _COLUMNS):
            name = f"{split}/dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"
            video = videos.pop(name, None)
            if name in done:
                self.skip("row twice", where)
            elif not _NAME.fullmatch(name.partition("/")[2]):
                self.skip("row without its numbers", where)
            elif name in _BROKEN:
                self.skip("known to be broken", name)
            elif video is None:
                self.skip("video missing", name)
            elif self.usable(video, "video", name):
                if name in _ODD:
                    self.note(_ODD[name], name)
                yield self.clip(
                    name,
                    video,
                    transcript=row["Utterance"],
                    labels={"native_emotion": row["Emotion"], "sentiment": row["Sentiment"]},
                    emotion=row["Emotion"],
                    speaker=row["Speaker"],
                    origin=f"s{row['Season']:0>2}e{row['Episode']:0>2}",
                    split=split,
                )
            done.add(name)

    def _tables(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        # The folder of one split has its table beside it, not in it.
        own = _SPLIT.get(self.folder.name)
        above = [table] if own and (table := self.folder.parent / f"{own}_sent_emo.csv").is_file() else []
        for path in [*self.files((".csv",)), *above]:
            split, _, rest = path.name.partition("_")
            if split not in _FOLDERS or rest != "sent_emo.csv":
                continue
            if split in found:
                self.note("table twice: the first is taken", path)
            found.setdefault(split, path)
        return found

    def _videos(self) -> dict[str, Path]:
        """The videos by "<split>/dia<D>_utt<U>"; the split is that of the nearest folder with a known name."""
        found: dict[str, Path] = {}
        for path in self.files(VIDEO_SUFFIXES):
            folders = reversed((self.folder.name, *path.relative_to(self.folder).parts[:-1]))
            split = next((_SPLIT[name] for name in folders if name in _SPLIT), None)
            if path.stem.startswith("final_videos_test"):
                self.skip("copy under another name", path)
            elif not split or not _NAME.fullmatch(path.stem):
                self.skip("name not of this dataset", path)
            elif f"{split}/{path.stem}" in found:
                self.skip("second file of one clip", path)
            else:
                found[f"{split}/{path.stem}"] = path
        return found

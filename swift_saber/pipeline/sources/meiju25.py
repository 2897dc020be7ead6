"""MEIJU25: the challenge on emotion and intent in English and Mandarin series (ICASSP 2025), cut from MC-EIU.

Facts from AI-S2-Lab/MEIJU2025-baseline (folders, names of the tables) and the lists and notebooks of
KTTRCDL/MEIJU2025 (columns, ids, counts), which is a third party: the official headers were not seen.

Names repeat: English and Mandarin both have Track1_Training_00001, so the language is a part of the id, and a video
that tables of both languages claim is read for neither. Track 1 is a selection from MC-EIU and Track 2 all of it, so
one utterance may carry two numbers, and be "train" under one and "test" under the other (inferred; no table maps
them): let near-duplicates be dropped before a split is trusted. No episode, dialogue or speaker is given, nor gender.
Test labels are withheld. Unverified: names and number of the unlabelled clips, and where the test download puts its
videos (they are looked for below its table). The parent dataset's own release, with clips dia_<D>_utt_<U>, is read by
mc_eiu.py.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from swift_saber.media.settings import VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source
from swift_saber.text.language import Language

_LANGUAGES: dict[str, Language] = {"english": "en", "mandarin": "zh"}
_SPLITS = {"training": "train", "validation": "dev", "testing": "test"}
_ANNOTATED = re.compile(r"(training|validation)_transcription\.csv", re.IGNORECASE)
_TESTING = re.compile(r"(?:track[ _]?([12])_)?(english|mandarin)_testing_files\.csv", re.IGNORECASE)
_TRACK = re.compile(r"track ?([12])", re.IGNORECASE)


@dataclass(frozen=True)
class _Table:
    """A table and the videos that its rows may be of, by name."""

    path: Path
    part: str
    split: str
    track: str | None
    videos: dict[str, list[Path]]


class Meiju25(Source):
    """The ChallengeData folder or a part of it; ids are "meiju25/<english|mandarin>/Track1_Training_00001"."""

    key = "meiju25"
    title = "MEIJU25 (MC-EIU)"
    languages = ("en", "zh")
    own_names = r"Track[12]_(Training|Validation|Testing)_\d{5}"
    access = "Ask the organisers of the MEIJU Challenge 2025 by e-mail (EULA): academic use only, no uploading."
    layout = """
        Track1/<English|Mandarin>/Annotation/{Training,Validation}/<name>.mp4
        Track1/<English|Mandarin>/Annotation/{Training,Validation}_transcription.csv
        Track1/<English|Mandarin>/NoAnnotation/<name>.mp4
        Track2/<English|Mandarin>/{Training,Validation}/<name>.mp4
        Track2/<English|Mandarin>/{Training,Validation}_transcription.csv
        [Track2_]<English|Mandarin>_Testing_files.csv, with its videos below its folder
    """

    def read(self) -> Iterator[Clip]:
        """Yield the clips table by table, then the unlabelled ones."""
        tables = [path for path in self.files((".csv",)) if _ANNOTATED.fullmatch(path.name) or _testing(path)]
        if not tables:
            raise self.wrong("a table <Training|Validation>_transcription.csv")
        found: list[_Table] = []
        unlabelled = set()
        for table in tables:
            testing = _testing(table)
            part = testing[2].lower() if testing else _part(table)
            if part is None:
                self.skip("table of unknown language", table)
            elif testing:
                track = testing[1] or "1"
                found.append(_Table(table, part, "test", track, self._testing_videos(table.parent, part, track)))
            else:
                name = table.name.partition("_")[0]
                videos = self._videos(table.parent / name)
                found.append(_Table(table, part, _SPLITS[name.lower()], _track(table), videos))
                unlabelled.add((table.parent.parent / "NoAnnotation", part))
        shared = _of_both(found)
        for each in found:
            yield from self._clips(each, shared)
        for folder, part in sorted(unlabelled):
            if folder.is_dir():
                for path in self.files(VIDEO_SUFFIXES, folder):
                    if self.usable(path, "video"):
                        yield self.clip(f"{part}-unlabelled/{path.stem}", path, language=_LANGUAGES[part], labels={})

    def _clips(self, table: _Table, shared: set[Path]) -> Iterator[Clip]:
        part, videos = table.part, table.videos
        columns = ("FileName", "sentence") if table.split == "test" else ("FileName", "sentence", "emotion", "intent")
        done: set[str] = set()
        for where, row in self.rows(table.path, columns):
            file = row["FileName"]
            name, ending = os.path.splitext(file)
            if ending.lower() not in VIDEO_SUFFIXES:  # a name without its ending
                name, ending = file, ""
            found = videos.pop(name, [])
            same = [path for path in found if path.suffix == ending] or found
            if not name:
                self.skip("row without a name", where)
            elif name in done:
                self.skip("row twice", where)
            elif len(same) > 1:
                self.skip("several videos of one name", f"{same[0]}, {same[1]}")
            elif not same:
                self.skip("video missing", f"{part}/{name}")
            elif same[0] in shared:
                self.skip("in the tables of both languages: put its folder into English or Mandarin", same[0])
            elif self.usable(same[0], "video"):
                if same[0].suffix != ending:
                    self.note("another ending than in the table", same[0])
                emotion = row.get("emotion")
                yield self.clip(
                    f"{part}/{name}",
                    same[0],
                    language=_LANGUAGES[part],
                    transcript=row["sentence"],
                    labels={"native_emotion": emotion, "intent": row.get("intent"), "track": table.track},
                    emotion=emotion,
                    split=table.split,
                )
            done.add(name)
        for paths in videos.values():
            for path in paths:
                self.skip("video without row", path)

    def _videos(self, folder: Path) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = defaultdict(list)
        if folder.is_dir():  # else each row counts as missing
            for path in self.files(VIDEO_SUFFIXES, folder):
                found[path.stem].append(path)
        return found

    def _testing_videos(self, folder: Path, part: str, track: str) -> dict[str, list[Path]]:
        """The test videos below a folder of one track that do not lie in a folder of the other language."""
        found = self._videos(folder)
        own = {name: [path for path in paths if _part(path) in {part, None}] for name, paths in found.items()}
        return {name: paths for name, paths in own.items() if paths and name.startswith(f"Track{track}_Testing_")}


def _of_both(tables: Iterable[_Table]) -> set[Path]:
    """The videos that tables of both languages have, be it by links."""
    parts: dict[Path, dict[str, set[Path]]] = defaultdict(lambda: defaultdict(set))
    folders: dict[Path, Path] = {}
    for table in tables:
        for path in (path for paths in table.videos.values() for path in paths):
            folder = folders.get(path.parent) or folders.setdefault(path.parent, path.parent.resolve())
            parts[folder / path.name][table.part].add(path)
    return {path for of in parts.values() if len(of) > 1 for paths in of.values() for path in paths}


def _testing(path: Path) -> re.Match[str] | None:
    return _TESTING.fullmatch(path.name)


def _part(path: Path) -> str | None:
    """The language that the innermost folder of that name says."""
    return next((name.lower() for name in reversed(path.parts[:-1]) if name.lower() in _LANGUAGES), None)


def _track(path: Path) -> str | None:
    found = (_TRACK.fullmatch(name) for name in reversed(path.parts[:-1]))
    return next((match[1] for match in found if match), None)

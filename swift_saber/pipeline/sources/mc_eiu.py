"""MC-EIU: utterances of three English series in seven emotions and nine intents; the parent of MEIJU25.

Facts from MC-EIU/MC-EIU (README, issue 4) and one third party's programs that read its English part (the table's
columns, the names of clips and archives, the counts): 45,009 utterances of 4,013 dialogues, 24,911 of Modern Family,
10,149 of Friends, 9,949 of The Big Bang Theory.

The Mandarin part is not read: what its table and archives are called was not found. Nor was the official split, which
is not public. MELD is cut from Friends too, MEmoR from The Big Bang Theory, and MEIJU25 from all of this: let
near-duplicates be dropped where these come together. A speaker is "0" or "1" of a dialogue and nobody by name, so none
is given; the episode is the origin. Unverified: the forms of season and episode, that `Subtitle` (and not `Script`) is
what is said, as that third party takes it, and the inside of English_Dialogues_3.rar.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swift_saber.media.settings import VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources._numbers import seconds, whole_number
from swift_saber.pipeline.sources.base import Source

_TABLE = "EnglishDialogues.csv"
_COLUMNS = ("Subtitle", "Dia_No", "Utt_No", "video_name", "Season", "Episode", "emotion", "intent")
_NAME = re.compile(r"dia_(\d{1,9})_utt_(\d{1,9})", re.ASCII)
_ARCHIVES = re.compile(r"English_Dialogues_\d+\.(?:zip|rar)", re.IGNORECASE)
_MANDARIN = re.compile(r"mandarin|chinese", re.IGNORECASE)
_SERIES = {"摩登家庭": "Modern Family", "老友记": "Friends", "生活大爆炸": "The Big Bang Theory"}
_ALSO_IN = {"Friends": "of Friends, as all of MELD", "The Big Bang Theory": "of The Big Bang Theory, as all of MEmoR"}
#: Dialogue and utterance.
_Number = tuple[int, int]


class McEiu(Source):
    """The unpacked English part; ids are "mc-eiu/english/dia_<D>_utt_<U>", and the sound is inside the videos."""

    key = "mc-eiu"
    title = "MC-EIU"
    languages = ("en",)
    own_names = r"dia_\d+_utt_\d+"
    access = "huggingface.co/datasets/YulangZhuo/MC-EIU, once its terms are accepted there; CC BY-NC 4.0."
    layout = """
        EnglishDialogues.csv
        English_Dialogues_1/dia_0_utt_0.mp4   (unpack English_Dialogues_1.zip, _2.zip and _3.rar; at any depth)
    """

    def read(self) -> Iterator[Clip]:
        """Yield the clips in the order of the table."""
        table = self._table()
        videos = self._videos()
        if not videos:
            raise self.wrong("a video like dia_0_utt_0.mp4 (are English_Dialogues_1.zip and the others unpacked?)")
        done: set[_Number] = set()
        for where, row in self.rows(table, _COLUMNS):
            dialogue, utterance = whole_number(row["Dia_No"]), whole_number(row["Utt_No"])
            if dialogue is None or utterance is None:
                self.skip("row without its numbers", where)
                continue
            number, name = (dialogue, utterance), f"dia_{dialogue}_utt_{utterance}"
            found = videos.pop(number, [])
            if number in done:
                self.skip("row twice", where)
            elif len(found) > 1:
                self.skip("several videos of one name", f"{found[0]}, {found[1]}")
            elif self.usable(found[0] if found else None, "video", name):
                yield self._clip(name, found[0], row)
            done.add(number)
        for path in (path for of in videos.values() for path in of):
            self.skip("video without row", path)
        if self.skipped["video missing"]:
            self._archives()

    def _table(self) -> Path:
        tables = list(self.files((".csv",)))
        found = [path for path in tables if path.name == _TABLE]
        if not found:
            raise self.wrong(_TABLE)
        for path in found[1:]:
            self.note("table twice: the first is taken", path)
        for path in tables:
            if path.name != _TABLE:
                self.note("table of a form that is not known: not read", path)
        return found[0]

    def _videos(self) -> dict[_Number, list[Path]]:
        found: dict[_Number, list[Path]] = defaultdict(list)
        for path in self.files(VIDEO_SUFFIXES):
            match = _NAME.fullmatch(path.stem)
            if any(map(_MANDARIN.match, path.relative_to(self.folder).parts[:-1])):
                self.skip("video of the Mandarin part, which is not read", path)
            elif match:
                found[int(match[1]), int(match[2])].append(path)
            else:
                self.skip("name not of this dataset", path)
        return found

    def _clip(self, name: str, video: Path, row: dict[str, str]) -> Clip:
        series = _SERIES.get(row["video_name"], row["video_name"])
        if series in _ALSO_IN:
            self.note(_ALSO_IN[series], name)
        labels: dict[str, Any] = {
            "native_emotion": row["emotion"],
            "intent": row["intent"],
            "series": series,
            "speaker": row.get("speaker"),
            **self._times(name, row),
        }
        origin = f"{series}/{_episode(row) or name.partition('_utt_')[0]}"
        return self.clip(
            f"english/{name}",
            video,
            transcript=row["Subtitle"],
            labels=labels,
            emotion=row["emotion"],
            origin=origin,
        )

    def _times(self, name: str, row: dict[str, str]) -> dict[str, float | None]:
        """Where in its episode an utterance is, in seconds."""
        texts = {"begin": row.get("Begin_timestamp", ""), "end": row.get("End_timestamp", "")}
        times = {key: seconds(text) for key, text in texts.items()}
        if any(text and times[key] is None for key, text in texts.items()):
            self.note("time is no time", name)
        if times["begin"] is not None and times["end"] is not None and times["begin"] > times["end"]:
            self.note("ends before it begins", name)
        return times

    def _archives(self) -> None:
        """Count the archives beside which is no folder of their name."""
        for path in self.files((".zip", ".rar")):
            if _ARCHIVES.fullmatch(path.name) and not path.with_suffix("").is_dir():
                self.skip_archive(path)


def _episode(row: dict[str, str]) -> str:
    """Season and episode as S01E02, as they stand there where they are no numbers, or "" where one is missing."""
    season, episode = whole_number(row["Season"]), whole_number(row["Episode"])
    if season is not None and episode is not None:
        return f"S{season:02}E{episode:02}"
    return f"{row['Season']} {row['Episode']}" if row["Season"] and row["Episode"] else ""

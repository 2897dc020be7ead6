"""RAVDESS: two sentences spoken and sung by 24 actors in eight emotions.

Facts from the Zenodo record 1188976 and PLOS ONE 13(5) e0196391; the numbers of takes agree with its 7,356 files.
The same performance exists with sound and picture (modality 01), silent (02) and as sound alone (03): only 01 is read.
Unverified: whether SABER took the songs; they are left out unless asked for, since what is sung is not how people
speak. There is no official split.
"""

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import ClassVar

from swift_saber.media.settings import VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source

_NAME = re.compile(r"0[1-3]-0[12]-0[1-8]-0[12]-0[12]-0[12]-(0[1-9]|1\d|2[0-4])")
_ARCHIVE = re.compile(r"Video_(Speech|Song)_Actor_(\d\d)", re.IGNORECASE)
_CHANNELS = {"01": "speech", "02": "song"}
_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
_SUNG = 6  # the first six emotions are sung too
_STATEMENTS = {"01": "Kids are talking by the door", "02": "Dogs are sitting by the door"}
_INTENSITIES = {"01": "normal", "02": "strong"}
_NO_SONG = 18  # this actor did not sing


class Ravdess(Source):
    """The unpacked archives, side by side or each in a folder of its own; ids are "ravdess/<channel>/<file stem>"."""

    key = "ravdess"
    title = "RAVDESS"
    languages = ("en",)
    own_names = r"0[1-3](-\d\d){6}"
    access = "zenodo.org/records/1188976; open, CC BY-NC-SA 4.0."
    layout = """
        Actor_01/01-01-01-01-01-01-01.mp4 ... Actor_24/01-01-08-02-02-02-24.mp4
        (unpack Video_Speech_Actor_01.zip to Video_Speech_Actor_24.zip here; with the option songs: true
        Video_Song_Actor_01.zip and so on too)
    """
    options: ClassVar[dict[str, str]] = {
        "songs": "true reads the sung takes too; false (the default) the spoken ones alone."
    }

    def __init__(self, folder: str | Path, *, songs: bool = False) -> None:
        super().__init__(folder)
        if not isinstance(songs, bool):
            raise self.wrong_option("songs", songs, "give true or false")
        self.songs = songs

    def read(self) -> Iterator[Clip]:
        """Yield the takes that the dataset has, in the order of their names."""
        videos = self.by_stem(VIDEO_SUFFIXES, _NAME)
        if not videos:
            raise self.wrong("a video with a name like 01-01-01-01-01-01-01")
        self._archives({(name[3:5], name[-2:]) for name in videos})
        expected = _takes()
        for name in sorted({*videos, *expected}):
            if name.startswith("02"):
                self.skip("silent copy of a take", name)
            elif name not in expected:
                self.skip("name not of this dataset", name)
            elif name[3:5] == "02" and not self.songs:
                if name in videos:
                    self.skip("song", name)
            elif self.usable(videos.get(name), "video", name):
                _, channel, emotion, intensity, statement, _, actor = name.split("-")
                word = _EMOTIONS[int(emotion) - 1]
                yield self.clip(
                    f"{_CHANNELS[channel]}/{name}",
                    videos[name],
                    transcript=_STATEMENTS[statement],
                    labels={"intended": word, "intensity": _INTENSITIES[intensity], "channel": _CHANNELS[channel]},
                    emotion=word,
                    speaker=actor,
                )

    def _archives(self, there: set[tuple[str, str]]) -> None:
        """Count the archives that are asked for and of which no video is there."""
        codes = {word: code for code, word in _CHANNELS.items() if self.songs or word != "song"}
        for path in self.files((".zip",)):
            match = _ARCHIVE.fullmatch(path.stem)
            code = codes.get(match[1].lower()) if match else None
            if match and code and (code, match[2]) not in there:
                self.skip_archive(path)


def _takes() -> set[str]:
    """The names of all takes with sound and picture: 60 spoken ones of each actor, 44 sung ones of all but one."""
    names = set()
    for channel, emotion, intensity, statement, repetition, actor in product(
        _CHANNELS, range(1, 9), _INTENSITIES, _STATEMENTS, ("01", "02"), range(1, 25)
    ):
        sung = channel == "02"
        if (sung and (emotion > _SUNG or actor == _NO_SONG)) or (emotion == 1 and intensity == "02"):
            continue
        names.add(f"01-{channel}-{emotion:02}-{intensity}-{statement}-{repetition}-{actor:02}")
    return names

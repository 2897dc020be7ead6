"""MEAD: sentences by some 48 published actors in eight emotions and three levels, filmed from seven sides at once.

Facts from uniBruce/Mead (README and what users reported there) and its project page; the odd nestings and the takes
that others leave out from radekd91/inferno and whwjdqls/DEEPTalk. Unverified: the number of clips; why DEEPTalk
leaves out what it does, so that these are counted and read. No transcripts come with it, and a clip's number does not
tell its sentence (as is said there). There is no official split.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source

_VIEWS = ("front", "down", "top", "left_30", "left_60", "right_30", "right_60")
_EMOTIONS = ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
_ACTOR = re.compile(r"([MW]\d{3})(_.*)?")
_LEVEL = re.compile(r"level_([1-3])")
_NUMBER = re.compile(r"\d{3}")
_MUTE = {f"M041_sad_level_2_{number:03}" for number in range(20, 24)}
_LEFT_OUT = (
    *("W014_", "W017_", "W032_"),
    *("M022_surprised_level_3_", "W019_surprised_level_3_", "W033_sad_level_1_", "W037_happy_level_3_"),
)


class Mead(Source):
    """The actors' folders, unpacked; ids are "mead/<view>/<actor>_<emotion>_level_<1|2|3>_<number>".

    One view is read. The seven show the same performance with the same sound: as clips of their own they would be six
    near-duplicates each, and could be on both sides of a split.
    """

    key = "mead"
    title = "MEAD"
    languages = ("en",)
    own_names = r"[MW]\d{3}[-_].*"
    access = "wywu.github.io/projects/MEAD/MEAD.html: ask for the link under its terms of use; non-commercial."
    layout = """
        M003/video/front/angry/level_1/001.mp4   (unpack each actor's video.tar)
        M003/audio/angry/level_1/001.m4a         (and audio.tar)
    """
    options: ClassVar[dict[str, str]] = {"view": f"the side to read: {', '.join(_VIEWS)}; front by default."}

    def __init__(self, folder: str | Path, *, view: str = "front") -> None:
        super().__init__(folder)
        if view not in _VIEWS:
            raise self.wrong_option("view", view, f"give one of: {', '.join(_VIEWS)}")
        self.view = view

    def read(self) -> Iterator[Clip]:
        """Yield the takes of one view in the order of actor, emotion, level and number."""
        videos: dict[str, Path] = {}
        others: set[str] = set()
        actors: set[str] = set()
        for path in self.files(VIDEO_SUFFIXES):
            name, view = self._name(path), path.parts[-4] if len(path.parts) > 3 else ""
            if not name or view not in _VIEWS:
                self.skip("name not of this dataset", path)
                continue
            actors.add(name[:4])
            if view != self.view:
                self.skip("another view of a take", path)
                others.add(name)
            elif name in videos:
                self.skip("second file of one clip", path)
            else:
                videos[name] = path
        if not actors:
            raise self.wrong("a video like M003/video/front/angry/level_1/001.mp4")
        self._archives(actors)
        sounds: dict[str, Path] = {}
        for path in self.files(AUDIO_SUFFIXES):
            if name := self._name(path):
                sounds.setdefault(name, path)
        for name in sorted({*videos, *others, *sounds}):
            if name not in videos:
                self.skip("not in this view" if name in others else "video missing", name)
            elif name in _MUTE and name not in sounds:
                self.skip("known to be mute", name)
            elif self.usable(videos[name], "video", name):
                if name.startswith(_LEFT_OUT):
                    self.note("left out by another project", name)
                actor, emotion, _, level, _ = name.split("_")
                yield self.clip(
                    f"{self.view}/{name}",
                    videos[name],
                    audio=self.sound(sounds.get(name), name),
                    labels={"intended": emotion, "level": int(level)},
                    emotion=emotion,
                    speaker=actor,
                )

    def _name(self, path: Path) -> str | None:
        """The take's name by the end of its path (folders between actor and view differ), or None."""
        if len(path.parts) < 4:
            return None
        emotion, level = path.parts[-3:-1]
        inside = path.relative_to(self.folder).parts[:-3]
        # The folder itself may be one actor's.
        matches = [_ACTOR.fullmatch(part) for part in (self.folder.name, *inside)]
        actor = next((match[1] for match in reversed(matches) if match), None)
        if not actor or emotion not in _EMOTIONS or not _LEVEL.fullmatch(level) or not _NUMBER.fullmatch(path.stem):
            return None
        return f"{actor}_{emotion}_{level}_{path.stem}"

    def _archives(self, actors: set[str]) -> None:
        """Count the video archives of actors of whom no video is there."""
        for path in self.archives():
            match = _ACTOR.fullmatch(path.parent.name)
            if match and match[1] not in actors and path.name.lower().startswith("video"):
                self.skip_archive(path)

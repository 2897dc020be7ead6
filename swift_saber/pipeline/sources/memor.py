"""MEmoR: emotions of the characters of The Big Bang Theory, also of those who do not speak.

Facts from sunlightsgy/MEmoR (README, loaders) and its data README. A sample there is a clip, a character and a moment;
a clip here is the clip, with all its samples among its labels, and has a common emotion only where its samples agree.

Unverified: the form of the videos (any is taken), and the size (5,502 clips, 8,536 samples are quoted). The characters'
numbers contradict each other (the data README begins with Leonard, the configurations with Sheldon), so no speaker is
given. The train and test lists number samples, so a clip can be in both: it then has no official split.
MC-EIU, from which MEIJU25 is cut, has scenes of the same show.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError, kind, quoted
from swift_saber.media.settings import VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source
from swift_saber.text.emotions import common_emotion
from swift_saber.text.files import read_text
from swift_saber.text.strict_json import read_json

_LONGEST_NUMBER = 9
_SPLITS = {"train": "train_id.txt", "test": "test_id.txt"}


class Memor(Source):
    """The folder of MEmoR; ids are "memor/<season and episode>/<clip>"."""

    key = "memor"
    title = "MEmoR"
    languages = ("en",)
    own_names = r"S\d\dE\d\d_\d{3}"
    access = "Sign the agreement in github.com/sunlightsgy/MEmoR and mail it: non-commercial, must not be passed on."
    layout = """
        data.json, anno.json            (clips with their sentences; samples with their emotions)
        train_id.txt, test_id.txt       (numbers of samples)
        videos/<clip>.mp4               (or another form of video)
    """

    def read(self) -> Iterator[Clip]:
        """Yield the clips in the order of data.json."""
        for name in ("data.json", "anno.json", "videos"):
            if not (self.folder / name).exists():
                raise self.wrong(name)
        clips = self._json("data.json")
        samples, splits = self._samples(clips)
        videos: dict[str, Path] = {}
        for path in self.files(VIDEO_SUFFIXES, self.folder / "videos"):
            if path.stem not in clips:
                self.skip("video without row", path)
            elif videos.setdefault(path.stem, path) != path:
                self.note("several videos of one name: the first is taken", path)
        for name, clip in clips.items():
            self._check(name, clip)
            if not self.usable(videos.get(name), "video", name):
                continue
            if any(start > end for start, end in zip(clip["seg_start"], clip["seg_end"], strict=False)):
                self.note("a segment ends before it starts", name)
            if not samples[name]:
                self.note("no sample", name)
            if len(splits[name]) > 1:
                self.note("samples in several official splits", name)
            episode = f"S{int(clip['season']):02}E{int(clip['episode']):02}"
            emotions = {common_emotion(sample["emotion"]) for sample in samples[name]}
            yield self.clip(
                f"{episode}/{name}",
                videos[name],
                transcript=" ".join(text.strip() for text in clip["sentences"] if text.strip()),
                labels={"samples": samples[name] or None},
                emotion=emotions.pop() if len(emotions) == 1 else None,
                origin=episode,
                split=splits[name].pop() if len(splits[name]) == 1 else None,
            )

    def _samples(self, clips: dict[str, Any]) -> tuple[dict[str, list[dict[str, Any]]], dict[str, set[str]]]:
        """The samples and the official splits of each clip."""
        annotated = self._json("anno.json")
        primary, fine = (self._items(annotated, key) for key in ("primary", "fine_grained"))
        finer = {_key(item): item["emotion"] for item in fine}
        samples: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item in primary:
            if item["clip"] in clips:
                sample = {key: item.get(key) for key in ("character", "moment", "emotion")}
                samples[item["clip"]].append(sample | {"fine_grained": finer.get(_key(item))})
            else:
                self.skip("sample of a clip that data.json has not", item["clip"])
        splits: dict[str, set[str]] = defaultdict(set)
        for split, name in _SPLITS.items():
            for number in self._numbers(name, len(primary)):
                splits[primary[number]["clip"]].add(split)
        return samples, splits

    def _numbers(self, name: str, below: int) -> Iterator[int]:
        path = self.folder / name
        if not path.exists():
            self.note("official split missing", name)
            return
        for text in read_text(path).split():
            if not text.isdecimal() or len(text) > _LONGEST_NUMBER or int(text) >= below:
                remedy = f"take train_id.txt, test_id.txt and anno.json of one release ({below} samples here)"
                raise InputError(str(path), "number", f"{quoted(text)} is the number of no sample", remedy)
            yield int(text)

    def _items(self, annotated: dict[str, Any], key: str) -> list[dict[str, Any]]:
        items = annotated.get(key)
        if not isinstance(items, list) or not all(
            isinstance(item, dict) and all(isinstance(item.get(part), str) for part in ("clip", "emotion"))
            for item in items
        ):
            raise self._foreign("anno.json", key, 'is no list of {"clip", "moment", "character", "emotion"}')
        return items

    def _check(self, name: str, clip: object) -> None:
        """Refuse an entry of data.json that is not as the README describes it."""
        if not isinstance(clip, dict):
            raise self._foreign("data.json", name, f"is {kind(clip)}, not an object")
        for key, form in (("seg_start", (int, float)), ("seg_end", (int, float)), ("sentences", str)):
            values = clip.get(key)
            if not isinstance(values, list) or not all(isinstance(value, form) for value in values):
                raise self._foreign("data.json", f"{name}.{key}", f"is {quoted(values)}, not such a list")
        for key in ("season", "episode"):
            if not str(clip.get(key)).isdecimal() or len(str(clip[key])) > _LONGEST_NUMBER:
                raise self._foreign("data.json", f"{name}.{key}", f"is {quoted(clip.get(key))}, not a number")

    def _foreign(self, name: str, key: str, problem: str) -> InputError:
        return InputError(str(self.folder / name), key, problem, "take the file of the dataset")

    def _json(self, name: str) -> dict[str, Any]:
        value = read_json(self.folder / name)
        if not isinstance(value, dict):
            raise self._foreign(name, "file", f"is {kind(value)}, not an object")
        return value


def _key(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(item.get(part)) for part in ("clip", "character", "moment"))

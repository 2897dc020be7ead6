"""MEmoR: emotions of the characters of The Big Bang Theory, also of those who do not speak.

Facts from sunlightsgy/MEmoR (README, loaders) and its data README. A sample there is a clip, a character and a moment;
a clip here is the clip, with all its samples among its labels, and has a common emotion only where its samples agree.
Where they do not, all of their emotions are kept; else the words for what is no common one, of the nine emotions and of
the fourteen.

Unverified: the form of the videos (any is taken), and the size (5,502 clips, 8,536 samples are quoted). The characters'
numbers contradict each other (the data README begins with Leonard, the configurations with Sheldon), so no speaker is
given. The train and test lists number samples, so a clip can be in both: it is then one to test on, since a model that
was trained on the clip has seen what is tested. MC-EIU, from which MEIJU25 is cut, has scenes of the same show.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError, kind
from swift_saber.media.settings import VIDEO_SUFFIXES
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources._numbers import whole_number
from swift_saber.pipeline.sources._texts import as_meant
from swift_saber.pipeline.sources.base import Source
from swift_saber.text.emotions import OWN_EMOTIONS, common_emotion, own_emotions
from swift_saber.text.strict_json import parse_json

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
            if oddity := _oddity(clip):
                self.skip(oddity, name)
                continue
            if not self.usable(videos.get(name), "video", name):
                continue
            self._note_times(name, clip.get("seg_start"), clip.get("seg_end"))
            if not samples[name]:
                self.note("no sample", name)
            if len(splits[name]) > 1:
                self.note("samples in train and in test: taken for test", name)
            episode = f"S{whole_number(clip['season']):02}E{whole_number(clip['episode']):02}"
            emotion, others = _emotions(samples[name])
            yield self.clip(
                f"{episode}/{name}",
                videos[name],
                transcript=" ".join(as_meant(text).strip() for text in clip["sentences"] if text and text.strip()),
                labels={"samples": samples[name] or None, OWN_EMOTIONS: others or None},
                emotion=emotion,
                origin=episode,
                split="test" if "test" in splits[name] else next(iter(splits[name]), None),
            )

    def _note_times(self, name: str, starts: object, ends: object) -> None:
        times = [starts, ends]
        if not all(isinstance(of, list) and all(isinstance(time, int | float) for time in of) for of in times):
            self.note("times of segments are no numbers", name)
        elif any(start > end for start, end in zip(*times, strict=False)):
            self.note("a segment ends before it starts", name)

    def _samples(self, clips: dict[str, Any]) -> tuple[dict[str, list[dict[str, Any]]], dict[str, set[str]]]:
        """The samples and the official splits of each clip."""
        annotated = self._json("anno.json")
        primary, fine = (self._items(annotated, key) for key in ("primary", "fine_grained"))
        finer = {_key(item): item["emotion"] for item in fine if item}
        samples: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for item in filter(None, primary):
            if item["clip"] in clips:
                known = {key: item.get(key) for key in ("character", "moment", "emotion")}
                samples[item["clip"]].append(known | {"fine_grained": finer.get(_key(item))})
            else:
                self.skip("sample of a clip that data.json has not", item["clip"])
        splits: dict[str, set[str]] = defaultdict(set)
        for split, name in _SPLITS.items():
            if not (self.folder / name).exists():
                self.note("official split missing", name)
                continue
            for text in self.text(self.folder / name).split():
                number = whole_number(text)
                sample = primary[number] if number is not None and number < len(primary) else None
                if sample:
                    splits[sample["clip"]].add(split)
                else:
                    self.note("number of no sample", f"{name}: {text}")
        return samples, splits

    def _items(self, annotated: dict[str, Any], key: str) -> list[dict[str, Any] | None]:
        """The samples in their places, by which the lists of train and test name them; None for an odd one."""
        items = annotated.get(key)
        if not isinstance(items, list):
            raise self._foreign("anno.json", key, 'is no list of {"clip", "moment", "character", "emotion"}')
        found: list[dict[str, Any] | None] = []
        for number, item in enumerate(items):
            right = isinstance(item, dict) and all(
                isinstance(item.get(part), str) and item[part].strip() for part in ("clip", "emotion")
            )
            found.append(item if right else None)
            if not right:
                self.skip("sample without its clip or emotion", f"anno.json: {key} {number}")
        return found

    def _foreign(self, name: str, key: str, problem: str) -> InputError:
        return InputError(str(self.folder / name), key, problem, "take the file of the dataset")

    def _json(self, name: str) -> dict[str, Any]:
        value = parse_json(self.text(self.folder / name), str(self.folder / name), numbered=True)
        if not isinstance(value, dict):
            raise self._foreign(name, "file", f"is {kind(value)}, not an object")
        return value


def _key(item: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(item.get(part)) for part in ("clip", "character", "moment"))


def _emotions(samples: list[dict[str, Any]]) -> tuple[str | None, list[str]]:
    """The common emotion that all samples of a clip have, or None, and what there is to say beside it."""
    words = [word for sample in samples for word in (sample["emotion"], sample["fine_grained"]) if word]
    said = {_word(sample["emotion"]) for sample in samples}
    if len(said) > 1:
        return None, sorted(set(map(_word, words)))
    return (common_emotion(said.pop()) if said else None), own_emotions(words)


def _word(label: str) -> str:
    """The common emotion that a label means, else the label."""
    return common_emotion(label) or label.strip().lower()


def _oddity(clip: object) -> str | None:
    """Why an entry of data.json is not as the README describes it, or None."""
    if not isinstance(clip, dict):
        return "entry of data.json is no object"
    if whole_number(clip.get("season")) is None or whole_number(clip.get("episode")) is None:
        return "season or episode is no number"
    sentences = clip.get("sentences")
    if not isinstance(sentences, list) or not all(isinstance(text, str | None) for text in sentences):
        return "sentences are no list of texts"
    return None

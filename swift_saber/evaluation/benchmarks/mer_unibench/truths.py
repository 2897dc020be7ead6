"""The truths of MER-UniBench: from its authors' files, as they are shipped, or from a JSONL of ours.

    mer2023-dataset-process/label-6way.npz, video/, audio/    and the folders of the other sets beside it (SETS)
    gt_mer2023_test1.npz                                      one emotion under each clip's name
    ovlabel.csv, track2_train_ovmerd.csv, openset.npz         open labels: name and openset, or filenames and fileitems
    truth.jsonl                                               {"id", "emotion"}, {"id", "sentiment"} or {"id", "labels"}

Which of a label.npz's parts is the test set, and which emotion has which number there, is published with AffectGPT. A
clip of the authors' is called SET/NAME, since sets share names; the ids of a JSONL stay, and its sets are its "group".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.benchmarks.clips_by_name import find_media
from swift_saber.evaluation.benchmarks.open_labels import is_of_authors, labels_of, openset_labels, read_authors
from swift_saber.evaluation.summary import is_number
from swift_saber.text.language import Language
from swift_saber.text.npz import read_npz

#: An emotion, a sentiment below or above zero, or open labels.
Truth = str | float | list[str]
#: (set, truth) by id.
Truths = dict[str, tuple[str, Truth]]
Clips = dict[str, tuple[str, list[str]]]

# Parts of a path that may name a set: results-mer2023/MODEL_DATE/checkpoint-openset.npz has three.
_NAMED = 3

SENTIMENTS = {"positive": 1.0, "negative": -1.0, "neutral": 0.0}


@dataclass(frozen=True)
class Set:
    """One of the nine sets as its authors ship it.

    Attributes:
        name: here.
        clips: how many its test set has.
        language: that is spoken.
        folder, labels, part: of the labels: the file, and in an npz the array; "" for a CSV.
        key: of a clip's entry in that array: "emo" or "val"; "openset" in a CSV.
        video, audio: folders of the clips, in `folder`.
        called: a pattern of its names in the names of files and folders.
        emotions: those that are numbers in the file, in their order.
        begins: how the names of its test set begin, where the array holds others too.
    """

    name: str
    clips: int
    language: Language
    folder: str
    labels: str
    part: str
    key: Literal["emo", "val", "openset"]
    video: str
    audio: str
    called: str
    emotions: tuple[str, ...] = ()
    begins: str = ""


_MELD = ("anger", "joy", "sadness", "neutral", "disgust", "fear", "surprise")
_IEMOCAP = ("happy", "sad", "neutral", "anger")
_TESTS = ("label-6way.npz", "test1_corpus")
_TEST = ("label.npz", "test_corpus")
#: In the order of the authors' table.
SETS = (
    Set("MER2023", 411, "zh", "mer2023-dataset-process", *_TESTS, "emo", "video", "audio", "mer2023"),
    Set("MER2024", 1169, "zh", "mer2024-dataset-process", *_TESTS, "emo", "video", "audio", "mer2024"),
    Set("MELD", 2610, "en", "meld-process", *_TEST, "emo", "subvideo", "subaudio", "meld", _MELD),
    Set(
        "IEMOCAP",
        1241,
        "en",
        "iemocap-process",
        "label_4way.npz",
        "whole_corpus",
        "emo",
        "subvideo-tgt",
        "subaudio",
        "iemocap(four)?",
        _IEMOCAP,
        begins="Ses05",  # the fifth session, which the authors test on
    ),
    Set("MOSI", 686, "en", "cmumosi-process", *_TEST, "val", "subvideo", "subaudio", "(cmu)?mosi"),
    Set("MOSEI", 4659, "en", "cmumosei-process", *_TEST, "val", "subvideo_new", "subaudio", "(cmu)?mosei"),
    Set("SIMS", 457, "zh", "sims-process", *_TEST, "val", "video", "audio", "sims(?!.?v2)"),
    Set("SIMSv2", 1034, "zh", "simsv2-process", *_TEST, "val", "video_new", "audio", "sims.?v2"),
    Set(
        "OV-MERD", 532, "zh", "ovmerdplus-process", "ovlabel.csv", "", "openset", "video", "audio", "ov[-_]?merd(plus)?"
    ),
)


@dataclass(frozen=True)
class Source:
    """One file of truths, and the set that it is of: one of SETS, else only a name; "" where the rows name it."""

    file: Path
    name: str
    of: Set | None = None


def sources(paths: Sequence[Path]) -> list[Source]:
    """Return the files of truths that paths name: files, folders of a set, or a folder of such.

    Raises:
        InputError: a folder holds no set, or two files are of one set.
    """
    found = [source for path in paths for source in (_in_folder(path) if path.is_dir() else [_of_file(path)])]
    names = [source.name for source in found if source.name]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError("--data", twice, "has its truths in two files", "name one of them")
    return found


def set_named(path: Path) -> Set | None:
    """Return the set that the name of a file, or of a folder that it is in, speaks of; None where none does."""
    for part in reversed(path.absolute().parts[-_NAMED:]):
        for one in SETS:
            if re.search(rf"(?<![a-z0-9]){one.called}(?![a-z0-9])", part.lower()):
                return one
    return None


def _in_folder(folder: Path) -> list[Source]:
    places = {one: root for one in SETS for root in (folder / one.folder, folder) if (root / one.labels).is_file()}
    # label.npz alone does not say whose it is.
    found = [
        Source(root / one.labels, one.name, one)
        for one, root in places.items()
        if root != folder or set_named(root / one.labels) == one
    ]
    if not found:
        remedy = f"name the folder that holds {SETS[0].folder}, {SETS[2].folder} and the like, or one of these"
        raise InputError(str(folder), "--data", "holds no set of MER-UniBench", remedy)
    return found


def _of_file(path: Path) -> Source:
    if not is_of_authors(path):
        return Source(path, "")
    of = set_named(path)
    return Source(path, of.name if of else path.stem, of)


def read_truths(path: Path) -> Truths:
    """Return (set, truth) of each clip by id.

    Args:
        path: as sources takes one.

    Raises:
        InputError: names the line or clip: no id, one that was there before, or no truth; a set mixes kinds of truth;
            or a file is in none of the forms.
    """
    return truths_of(sources([path]))


def truths_of(given: Iterable[Source]) -> Truths:
    """Return what read_truths does, of several files.

    Raises:
        InputError: as read_truths.
    """
    found: Truths = {}
    for source in given:
        for where, name, group, truth in _of_authors(source) if is_of_authors(source.file) else _of_rows(source.file):
            if name in found:
                raise InputError(where, "id", f"{quoted(name)} is there twice", "keep one row for each clip")
            found[name] = group, truth
    kinds = {(group, type(truth)) for group, truth in found.values()}
    if len(kinds) > len({group for group, _ in kinds}):
        where = ", ".join(str(source.file) for source in given)
        raise InputError(where, "truth", "has emotions and sentiments, or labels, of one set", "give each set one kind")
    return found


def _of_rows(path: Path) -> Iterator[tuple[str, str, str, Truth]]:
    for where, row in read_rows(path):
        name = row.get("id")
        if not isinstance(name, str) or not name:
            problem = f"is {quoted(name)}, not a name" if name else "is missing"
            raise InputError(where, "id", problem, "write the id of the clip")
        emotion, sentiment, labels = (row.get(key) for key in ("emotion", "sentiment", "labels"))
        told = sum(value is not None for value in (emotion, sentiment, labels))
        truth: Truth | None = None
        if told == 1 and isinstance(emotion, str) and emotion.strip():
            truth = emotion
        elif told == 1 and sentiment is not None:
            truth = sentiment_of(sentiment)
        elif told == 1 and labels is not None:
            truth = labels_of(labels, where)
        if truth is None:
            problem = "has neither an emotion nor a sentiment, nor labels, or more than one of them"
            raise InputError(where, "truth", problem, "write one of them")
        yield where, name, str(row.get("group", "all")), truth


def _of_authors(source: Source) -> Iterator[tuple[str, str, str, Truth]]:
    for where, name, said in _values(source):
        yield where, f"{source.name}/{name}", source.name, _truth(source.of, said, where)


def _values(source: Source) -> Iterable[tuple[str, str, Any]]:
    """(where, name, value) of each clip of a set's test part; a list or text of labels is a list."""
    arrays = read_npz(source.file) if source.file.suffix.lower() == ".npz" else {}
    if corpora := [name for name, value in arrays.items() if name.endswith("_corpus") and isinstance(value, dict)]:
        return _test_part(source, arrays, corpora)
    texts, rows = read_authors(source.file)
    if texts:
        problem = "holds descriptions (name2reason), which are answers"
        raise InputError(str(source.file), "--data", problem, "name the file of the truths, and this one as --results")
    if source.file.suffix.lower() == ".csv" or "filenames" in arrays or (source.of and source.of.key == "openset"):
        return [(where, name, openset_labels(said, where)) for where, name, said in rows]
    return rows


def _test_part(source: Source, arrays: Mapping[str, Any], corpora: Sequence[str]) -> list[tuple[str, str, Any]]:
    of = source.of
    if of is None or of.part not in corpora:
        wanted = f"{of.part}, which {of.name} is tested on" if of else "which set they are of"
        problem = f"has the parts {quoted(', '.join(corpora))} and does not say {wanted}"
        remedy = "leave the file in the folder that its authors have it in, such as cmumosi-process"
        raise InputError(str(source.file), "labels", problem, remedy)
    entries = {name: entry for name, entry in arrays[of.part].items() if name.startswith(of.begins)}
    if wrong := next(
        (name for name, entry in entries.items() if not isinstance(entry, dict) or of.key not in entry), None
    ):
        raise InputError(f"{source.file}: {wrong}", of.key, "is missing", "take the file as its authors distribute it")
    return [(f"{source.file}: {name}", name, entry[of.key]) for name, entry in entries.items()]


def _truth(of: Set | None, said: Any, where: str) -> Truth:
    if isinstance(said, list):
        return labels_of(said, where)
    if of is not None and of.key == "emo":
        if isinstance(said, str) and said.strip():
            return said
        if isinstance(said, int) and 0 <= said < len(of.emotions):
            return of.emotions[said]
        problem = f"is {quoted(said)}, no emotion of {of.name}"
        raise InputError(where, "emotion", problem, "take the file as its authors distribute it")
    value = sentiment_of(said)
    if value is not None:
        return value
    if of is None and isinstance(said, str) and said.strip():
        return said
    raise InputError(
        where, "sentiment", f"is {quoted(said)}", "a sentiment is a number, or positive, negative, neutral"
    )


def sentiment_of(said: Any) -> float | None:
    """Return a sentiment that is a number, or positive, negative or neutral, as a number; None of anything else."""
    if isinstance(said, str):
        return SENTIMENTS.get(said.strip().lower())
    return float(said) if is_number(said) else None


def find_clips(given: Iterable[Source], media: Path | None) -> Clips:
    """Return the video and sound files of each clip by id.

    Args:
        given: as sources gives them.
        media: the folder of the clips that have none of their own beside their labels; None for none.

    Raises:
        InputError: clips are not there, or no folder is named for them.
    """
    found: Clips = {}
    for source in given:
        videos = source.file.parent / source.of.video if source.of else None
        sounds = source.file.parent / source.of.audio if source.of else None
        folder = videos if videos is not None and videos.is_dir() else media
        if folder is None:
            where = f"{videos} is no folder" if videos else f"no folder is known for the clips of {source.file}"
            raise InputError("eval", "--media", f"is not given, and {where}", "name the folder of the clips")
        prefix = f"{source.name}/" if source.name else ""
        names = [name.removeprefix(prefix) for name in truths_of([source])]
        clips = find_media(names, folder, sounds if sounds is not None and sounds.is_dir() else None)
        found |= {f"{prefix}{name}": clip for name, clip in clips.items()}
    return found

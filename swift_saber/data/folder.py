"""A folder of one-record-per-clip JSON files, as SABER is released, joined with the clips by file name."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from swift_saber.data.convert import is_record, leading_rows
from swift_saber.errors import InputError
from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.sed.record import load_record

# How many JSON files decide whether a folder holds records.
FILES_LOOKED_AT = 20


@dataclass
class Join:
    """Which records found their clip.

    Attributes:
        matched: (record file, clip id, video path, audio path or None), in file order.
        unmatched: record file -> why it has no clip.
        unused: media files that no record asked for.
    """

    matched: list[tuple[Path, str, str, str | None]] = field(default_factory=list)
    unmatched: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)


def is_record_folder(folder: str | os.PathLike[str]) -> bool:
    """Whether the folder holds JSON files of which one of the first few is a SABER record."""
    return any(is_record(row) for path in islice(_records(Path(folder)), FILES_LOOKED_AT) for row in _first(path))


def _first(path: Path) -> list[dict[str, Any]]:
    """The first object of a JSON file, if it can be read and has one."""
    try:
        return [row for _, row in islice(leading_rows(path), 1)]
    except OSError:
        return []


def _records(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.json"))


def join_folder(
    folder: str | os.PathLike[str],
    media_root: str | os.PathLike[str],
    *,
    need_audio: bool,
    has_sound: Callable[[str], bool] | None = None,
) -> Join:
    """Match each record of a folder with the clip of the same name below the media root.

    `train/dia0_utt0.json` takes `train/dia0_utt0.mp4`, also below further folders (`video/train/dia0_utt0.mp4`). The
    file name alone decides only where it is unique among the records and among the media, and where one side has no
    folders: MELD has a `dia0_utt0` in each of its splits, and a guess would train on wrong clips. Sound and picture
    are matched by the same rule.

    Args:
        folder: searched for `*.json` at any depth. The clip id is the file name without its ending; where two
            records share it, the path below the folder.
        media_root: searched for video and audio files at any depth.
        need_audio: whether a clip without a sound file counts as unmatched.
        has_sound: tells of a video without a sound file whether the sound inside it is one; None where that does not
            count.

    Raises:
        InputError: no record found its clip.
    """
    folder, media_root = Path(folder), Path(media_root)
    videos, audios = _index(media_root, VIDEO_SUFFIXES), _index(media_root, AUDIO_SUFFIXES)
    records = _records(folder)
    names = Counter(record.stem for record in records)
    join = Join()
    for record in records:
        relative = record.relative_to(folder).with_suffix("").as_posix()
        unique = names[record.stem] == 1
        video, problem = _find(videos, relative, unique, "video")
        audio, audio_problem = _find(audios, relative, unique, "audio")
        if video and need_audio and has_sound and audio_problem.startswith("no audio file"):
            if has_sound(video):
                audio, audio_problem = video, ""
            else:
                audio_problem += f", and {video} is silent"
        if not problem and (need_audio or not audio_problem.startswith("no audio file")):
            problem = audio_problem
        if problem:
            join.unmatched[str(record)] = problem
        else:
            assert video is not None  # no problem means that it was found
            join.matched.append((record, record.stem if unique else relative, video, audio))
    used = {path for _, _, video, audio in join.matched for path in (video, audio)}
    found = {media.path for index in (videos, audios) for same_name in index.values() for media in same_name}
    join.unused = sorted(found - used)
    if not join.matched:
        reason = next(iter(join.unmatched.values()), "no JSON file")
        raise InputError(
            str(folder),
            "records",
            f"none of {len(records)} found its clip below {media_root} (first reason: {reason})",
            "set ROOT_IMAGE_DIR to the folder that holds the clips, named as the records are",
        )
    return join


def joined_rows(join: Join) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Yield (record file, function that reads the SABER row) for each match.

    The function raises InputError for a record that is wrong, so that one bad file does not end the reading.
    """
    for record, clip, video, audio in join.matched:
        media = {"id": clip, "videos": [video], "audios": [audio] if audio else []}
        yield str(record), partial(_read_row, record, media)


def _read_row(record: Path, media: dict[str, Any]) -> dict[str, Any]:
    return {**load_record(record).to_dict(), **media}


@dataclass(frozen=True)
class _Media:
    path: str  # absolute
    name: str  # relative to the root, without its ending


def _index(root: Path, suffixes: Collection[str]) -> dict[str, list[_Media]]:
    """Media files below a folder by each tail of their name: "a/b/c", "b/c" and "c"."""
    found: dict[str, list[_Media]] = defaultdict(list)
    for place, _, names in os.walk(root, followlinks=True):
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in suffixes:
                parts = Path(place, stem).relative_to(root).parts
                media = _Media(os.path.abspath(os.path.join(place, name)), "/".join(parts))
                for start in range(len(parts)):
                    found["/".join(parts[start:])].append(media)
    return found


def _find(index: dict[str, list[_Media]], relative: str, unique: bool, what: str) -> tuple[str | None, str]:
    """The one media file for a record, or why there is none."""
    found = index.get(relative, [])
    stem = relative.rpartition("/")[2]
    if not found and unique:
        # In a folder of another name it may belong to another split; outside all folders it cannot.
        same_name = index.get(stem, [])
        found = [media for media in same_name if media.name == stem]
        if not found and same_name:
            return None, f"no {what} file is named {relative}; {same_name[0].path} is in another folder"
    if len(found) == 1:
        return found[0].path, ""
    if found:
        return None, f"several {what} files are named {relative}: {', '.join(media.path for media in found[:3])}"
    return None, f"no {what} file is named {relative}"

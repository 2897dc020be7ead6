"""A folder of one-record-per-clip JSON files, as SABER is released, joined with the clips by file name."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from swift_saber.annotation import RECORD_KEYS, load_record
from swift_saber.errors import InputError, unreadable
from swift_saber.rows import parse_row

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".flv", ".m4v"})
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".aac"})


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
    """Whether the folder holds JSON files of which the first is a SABER record."""
    first = next(iter(sorted(Path(folder).rglob("*.json"))), None)
    if first is None:
        return False
    try:
        row = parse_row(first.read_text(encoding="utf-8-sig"), str(first))
    except (InputError, UnicodeDecodeError):
        return False
    except OSError as error:
        raise unreadable(first, error) from error
    return bool(RECORD_KEYS & row.keys())


def join_folder(folder: str | os.PathLike[str], media_root: str | os.PathLike[str], *, need_audio: bool) -> Join:
    """Match each record of a folder with the clip of the same name below the media root.

    A clip at the same relative path wins (`train/dia0_utt0.json` takes `train/dia0_utt0.mp4`), else the file name must
    be unique below the root: MELD has a `dia0_utt0` in each of its splits, and a guess would train on wrong clips.

    Args:
        folder: searched for `*.json` at any depth. The clip id is the file name without its ending; where two
            records share it, the path below the folder.
        media_root: searched for video and audio files at any depth.
        need_audio: whether a clip without a sound file counts as unmatched.

    Raises:
        InputError: no record found its clip.
    """
    folder, media_root = Path(folder), Path(media_root)
    videos, audios = _index(media_root, VIDEO_SUFFIXES), _index(media_root, AUDIO_SUFFIXES)
    records = sorted(folder.rglob("*.json"))
    names = Counter(record.stem for record in records)
    join = Join()
    used: set[str | None] = set()
    for record in records:
        relative = record.relative_to(folder).with_suffix("").as_posix()
        video, video_problem = _find(videos, relative, record.stem, "video")
        audio, audio_problem = _find(audios, relative, record.stem, "audio")
        problem = video_problem or (audio_problem if need_audio or audio_problem.startswith("several") else "")
        if problem:
            join.unmatched[str(record)] = problem
            continue
        assert video is not None  # no problem means that it was found
        clip = record.stem if names[record.stem] == 1 else relative
        join.matched.append((record, clip, video, audio))
        used.update({video, audio})
    join.unused = sorted({path for index in (videos, audios) for paths in index.values() for path in paths} - used)
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


def _index(root: Path, suffixes: frozenset[str]) -> dict[str, list[str]]:
    """Media files below a folder by file name without its ending, and by relative path without it."""
    found: dict[str, list[str]] = defaultdict(list)
    for place, _, names in os.walk(root, followlinks=True):
        for name in sorted(names):
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in suffixes:
                path = os.path.abspath(os.path.join(place, name))
                found[stem].append(path)
                relative = Path(place, stem).relative_to(root).as_posix()
                if relative != stem:
                    found[relative].append(path)
    return found


def _find(index: dict[str, list[str]], relative: str, stem: str, what: str) -> tuple[str | None, str]:
    for key in (relative, stem):
        paths = index.get(key, [])
        if len(paths) == 1:
            return paths[0], ""
        if paths:
            return None, f"several {what} files are named {key}: {', '.join(paths[:3])}"
    return None, f"no {what} file is named {stem}"

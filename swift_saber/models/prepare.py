"""A dataset's clips made into files that hold just what a model is shown of them, with rows that name those files.

A folder of prepared clips holds

    rows.jsonl            the rows, named as the file that they were read from: their clips are the prepared ones, and
                          each has its id written out, so that answers and pairs are joined as before
    rows.rejects.jsonl    {"id", "line", "reason", "remedy"} of rows that were set aside
    clips/                a .mov or a .wav for each distinct file
    clips.jsonl           {"id", "source", "kind", "bytes"} of each, in the order in which they became whole
    prepared.json         the settings that they were made with, and the versions of what made them

Rows of several files may share a folder: a clip that two of them name is made once.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from swift_saber.data.convert import row_kind, sound_in_video, to_swift_row
from swift_saber.data.log import RowLog
from swift_saber.data.rows import check_roots, media_list, parse_row, read_lines, resolve_media, row_id, write_rows
from swift_saber.data.turns import clip_of
from swift_saber.errors import InputError, one_line
from swift_saber.media import prepared
from swift_saber.media.place import Problem
from swift_saber.media.pool import guarded
from swift_saber.media.prepared import FOLDER_SETTINGS
from swift_saber.media.settings import media_settings, takes_sound
from swift_saber.media.sound import RATE
from swift_saber.models.budget import template_of
from swift_saber.models.checkpoint import PUBLISHED_SETTINGS, differences
from swift_saber.text.files import write_text
from swift_saber.text.strict_json import dumps, read_json

# The side of a patch of Qwen2.5-Omni's vision tower, in pixels; for a model that is not named.
_PATCH_SIZE = 14
# What decides pixels and samples, beside the settings.
_PACKAGES = ("av", "librosa", "qwen-omni-utils", "torch", "torchvision")
_JOURNAL = "clips.jsonl"
_NAME_LENGTH = 40
_LATE = Problem("a clip changed or came while the others were made", "run the same command again")
# With one of these in its chat_template_kwargs ms-swift samples or sizes a row's frames in the row's own way.
_OF_THE_ROW = {"fps", "nframes", "min_frames", "max_frames", "min_pixels", "max_pixels", "total_pixels"}
_OF_THE_ROW |= {"resized_height", "resized_width", "video_start", "video_end"}
# A row's media: (kind, column, path as written).
Take = Callable[[str, str, Any], Any]


@dataclass(frozen=True)
class Settings:
    """What clips are prepared for.

    Attributes:
        view: plugin.saber_prepared.view: which frames, and their size.
        rate: of the sound, in Hz.
        form: of frames; one of media.prepared.FORMS.
    """

    view: dict[str, Any]
    rate: int
    form: str

    def as_json(self) -> dict[str, Any]:
        """The settings, and all else that two folders of the same clips may differ in."""
        versions = {name: version(name) for name in _PACKAGES}
        return {"settings": self.view, "sampling_rate": self.rate, "form": self.form, "versions": versions}


@dataclass
class Counts:
    """What became of a file of rows.

    Attributes:
        rows: read.
        rejects: {"id", "line", "reason", "remedy"} of those set aside.
        clips, size: how many prepared files the other rows name, and their bytes, by "videos" and "audios".
    """

    rows: int = 0
    rejects: list[dict[str, Any]] = field(default_factory=list)
    clips: dict[str, int] = field(default_factory=lambda: {"videos": 0, "audios": 0})
    size: dict[str, int] = field(default_factory=lambda: {"videos": 0, "audios": 0})


def settings_for(model: str | None, form: str) -> Settings:
    """Return the settings that clips are prepared with: those of a model, else the published ones; the shell's win.

    They are set in this shell where they are not yet.

    Args:
        model: a model folder, LoRA checkpoint folder or hub id, or None.
        form: of frames.

    Raises:
        InputError: it is no model, or sound is to be taken out of the video when the model is shown it.
    """
    patch_size, rate = _PATCH_SIZE, int(os.environ.get("SAMPLING_RATE") or RATE)
    if model is None:
        os.environ.update({name: value for name, value in PUBLISHED_SETTINGS.items() if name not in os.environ})
    else:
        template = template_of(model)
        rate = template.sampling_rate
        if template.version != "omni_v2_5":  # for which ms-swift tells no other size
            patch_size = template.processor.image_processor.patch_size
    from swift_saber.plugin.saber_prepare import view_in_force  # ms-swift reads the settings

    if sound_in_video():
        problem = "is on, and a prepared clip has its sound in a file of its own"
        raise InputError("prepare", "USE_AUDIO_IN_VIDEO", problem, "unset it, or train on the original clips")
    return Settings(view_in_force(patch_size), rate, form)


def prepare(
    path: Path,
    folder: Path,
    settings: Settings,
    *,
    workers: int,
    limit: float,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Counts:
    """Make the clips that a file's rows name, and rows that name what was made. Goes on where it was stopped.

    Args:
        path: JSONL of rows of any kind.
        folder: what is made goes there.
        settings: as settings_for returns them.
        workers: processes.
        limit: seconds for one clip.
        progress: is told how many clips are done, and of how many.

    Raises:
        InputError: the rows cannot be read, the folder holds something else, or takes no more.
        RuntimeError: the worker processes do not start.
    """
    if path.name in {_JOURNAL, FOLDER_SETTINGS} or path.resolve().parent == folder.resolve():
        remedy = "name another folder, or another file of rows"
        raise InputError(str(path), "output", "would be written over in the folder", remedy)
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), "output", "is a file", "name a folder")
    check_roots()  # which are the fault of no row
    wanted = list(dict.fromkeys(clip for row in _read(path) for clip in row.clips))
    with RowLog(folder / _JOURNAL) as journal:
        _claim(folder, path, settings)
        for leftover in (folder / "clips").glob("*.partial"):  # of a process that was killed
            leftover.unlink()
        made = _made(wanted, folder, journal, settings, workers=workers, limit=limit, progress=progress)
        counts = Counts()
        write_rows(folder / path.name, _rows(path, made, counts))
        write_rows(folder / f"{path.stem}.rejects.jsonl", counts.rejects)
    return counts


@dataclass(frozen=True)
class _Clip:
    """An original file, and what is taken from it: "videos", "audios", or the sound "inside" a video."""

    kind: str
    path: str

    def file(self) -> str:
        """What is made of it is called; another name when the file changes."""
        found = os.stat(self.path)
        stamp = f"{self.kind}\n{self.path}\n{found.st_size}\n{found.st_mtime_ns}"
        digest = hashlib.sha256(stamp.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        stem = re.sub(r"[^\w-]+", "_", Path(self.path).stem)[:_NAME_LENGTH]
        return f"clips/{stem}-{digest}{prepared.SUFFIX if self.kind == 'videos' else '.wav'}"


@dataclass(frozen=True)
class _Made:
    """A file that was made, its absolute path and bytes; no path where a video has no sound inside."""

    path: str | None
    size: int


def _claim(folder: Path, path: Path, settings: Settings) -> None:
    """See that a folder is of these settings, or is new, and write down that it is."""
    place, now = folder / FOLDER_SETTINGS, settings.as_json()
    before = read_json(place) if place.exists() else None
    if before is not None and (other := differences({name: before.get(name) for name in now}, now)):
        said = ", ".join(f"{name} was {was} and is {is_now}" for name, (was, is_now) in other.items())
        remedy = "set what it was prepared with, or name another folder"
        raise InputError(str(folder), "prepared.json", f"the folder was prepared otherwise: {said}", remedy)
    rows = dict(before["rows"]) if before else {}
    if rows.setdefault(path.name, str(path.resolve())) != str(path.resolve()):
        problem = f"rows of this name were prepared from {rows[path.name]}"
        raise InputError(str(folder / path.name), "rows", problem, "rename the file of rows, or name another folder")
    write_text(place, dumps({**now, "media_settings": media_settings(os.environ), "rows": rows}) + "\n")


def _made(
    wanted: list[_Clip],
    folder: Path,
    journal: RowLog,
    settings: Settings,
    *,
    workers: int,
    limit: float,
    progress: Callable[[int, int], None],
) -> dict[_Clip, _Made | Problem]:
    """What each clip became; those that are there from before are not made again."""
    from swift_saber.plugin.saber_prepare import prepare_clip

    known = {row["id"]: row["bytes"] for row in journal.read()}
    found: dict[_Clip, _Made | Problem] = {}

    def missing() -> Iterator[tuple[tuple[_Clip, str], list[Any]]]:
        for clip in wanted:
            try:
                name = clip.file()
            except OSError as error:  # it was there when the rows were read
                found[clip] = Problem(f"{clip.path}: {error.strerror}", "correct the path")
                continue
            file = str(folder.resolve() / name)
            if name in known and known[name] is None:
                found[clip] = _Made(None, 0)
            elif name in known and os.path.exists(file):
                found[clip] = _Made(file, known[name])
            else:
                asked = [clip.kind, clip.path, file, settings.view["patch_size"], settings.rate, settings.form]
                yield (clip, name), asked

    with closing(guarded(missing(), prepare_clip, workers=workers, limit=limit)) as answers:
        for (clip, name), answer in answers:
            if isinstance(answer, Problem):
                found[clip] = Problem(f"{clip.path}: {answer.reason}", answer.remedy)
            elif "disk" in answer:
                raise InputError(str(folder), "disk", answer["disk"], "see to it and run again: what is made is kept")
            elif "reason" in answer:
                found[clip] = Problem(answer["reason"], answer["remedy"])
            else:
                size = answer["bytes"]
                if name not in known:  # else it was removed since
                    journal.append({"id": name, "source": clip.path, "kind": clip.kind, "bytes": size})
                found[clip] = _Made(None, 0) if size is None else _Made(str(folder.resolve() / name), size)
            progress(len(found), len(wanted))
    progress(len(found), len(wanted))
    return found


class _Row(NamedTuple):
    """A line of the file.

    Attributes:
        where: "file:line".
        id: as row_id; None where the line holds no row.
        row: None where it cannot be prepared, for `problem`.
        clips: that it names, or whose sound it is heard by.
    """

    where: str
    id: str | None
    row: dict[str, Any] | None
    clips: list[_Clip]
    problem: Problem | None


def _read(path: Path) -> Iterator[_Row]:
    for where, line in read_lines(path):
        name, clips = None, list[_Clip]()
        try:
            row = parse_row(line, where)
            name = row_id(row)
            given = row.get("chat_template_kwargs")
            if own := sorted(_OF_THE_ROW & set(given if isinstance(given, dict) else ())):
                problem = f"has {', '.join(own)}: frames of this row's own, which other rows may not share"
                raise InputError(where, "chat_template_kwargs", problem, "take it out, or train on the original clip")
            _with_media(row, _taker(where, clips.append))
            yield _Row(where, name, row, clips, None)
        except InputError as error:
            yield _Row(where, name, None, [], Problem(f"{error.field}: {error.problem}", error.remedy))


def _taker(where: str, found: Callable[[_Clip], object]) -> Take:
    def take(kind: str, column: str, path: Any) -> Any:
        found(_Clip(kind, resolve_media(path, where, column)))
        return path

    return take


def _rows(path: Path, made: Mapping[_Clip, _Made | Problem], counts: Counts) -> Iterator[dict[str, Any]]:
    """The rows with what was made of their clips; fills `counts`."""
    seen: set[_Made] = set()
    for where, name, row, clips, problem in _read(path):
        counts.rows += 1
        became = [made.get(clip, _LATE) for clip in clips]
        files = [one for one in became if isinstance(one, _Made)]
        problem = problem or next((one for one in became if isinstance(one, Problem)), None)
        if row is not None and problem is None:
            paths = iter(files)  # in the order in which the row names its clips
            row = {**_with_media(row, lambda *_: next(paths).path), "id": name}  # noqa: B023  # called here
            problem = _problem(row, where)
        if row is None or problem is not None:
            assert problem is not None
            shown, line = None if name is None else one_line(name), int(where.rpartition(":")[2])
            counts.rejects.append({"id": shown, "line": line, "reason": problem.reason, "remedy": problem.remedy})
            continue
        for clip, file in zip(clips, files, strict=True):
            if file.path is not None and file not in seen:
                seen.add(file)
                column = "videos" if clip.kind == "videos" else "audios"
                counts.clips[column] += 1
                counts.size[column] += file.size
        yield row


def _problem(row: dict[str, Any], where: str) -> Problem | None:
    """Why a row that is read here would end a training, or None; a pair is looked at when it is trained on."""
    if row_kind(row) in {None, "pair"}:
        return None
    try:
        to_swift_row(row, where)
    except InputError as error:
        return Problem(f"{error.field}: {error.problem}", error.remedy)
    return None


def _with_media(row: Mapping[str, Any], take: Take) -> dict[str, Any]:
    """Return a row with its media as `take` gives them: in its columns, on both sides of a pair, and in its turns.

    A side that does not say what is heard is heard by the sound inside its videos, where that is not turned off.

    Args:
        take: given the kind of clip ("videos", "audios", "inside"), where it stands, and its path, returns its new
            path, or None for "inside" where there is none.

    Raises:
        InputError: what `take` raises.
    """
    found = dict(row)
    for side in ("", "rejected_"):
        named: dict[str, list[Any]] = {"videos": [], "audios": []}
        for kind, paths in named.items():
            for column in (f"{side}{kind}",) if side else (kind, kind.removesuffix("s")):
                if found.get(column) is not None:
                    paths += media_list(found, column)
                    found[column] = [take(kind, column, path) for path in media_list(found, column)]
        turns = f"{side}messages"
        if isinstance(found.get(turns), list):
            found[turns] = [_turn(turn, turns, named, take) for turn in found[turns]]
        silent = found.get(f"{side}audios") is None and (side or found.get("audio") is None)
        if named["videos"] and not named["audios"] and silent and takes_sound(os.environ):
            heard = (take("inside", f"{side}videos", path) for path in named["videos"])
            found[f"{side}audios"] = [path for path in heard if path is not None]
    return found


def _turn(turn: Any, column: str, named: Mapping[str, list[Any]], take: Take) -> Any:
    """A turn with its parts' media as `take` gives them; what was named is added to `named`."""
    content = turn.get("content") if isinstance(turn, dict) else None
    if not isinstance(content, list):
        return turn
    parts = []
    for part in content:
        clip = clip_of(part)
        if clip and clip[0] in named:
            kind, path = clip
            named[kind].append(path)
            path, form = take(kind, column, path), part["type"]
            part = {**part, form: {**part[form], "url": path} if isinstance(part[form], dict) else path}
        parts.append(part)
    return {**turn, "content": parts}

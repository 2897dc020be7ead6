"""Files, folders of clips and rows, as the questions of one run; they stand in the folder of its results.

A run that goes on keeps the names and the order of what it has: clips that are new come behind, those that are gone
stay where they have an answer. Whether a clip can be read is not asked here, but when it is its turn.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from swift_saber.data.convert import row_kind
from swift_saber.data.rows import asked_id, parse_row, read_lines
from swift_saber.errors import InputError, one_line, quoted, unreadable
from swift_saber.media.place import Problem
from swift_saber.media.pool import guarded
from swift_saber.media.read import first_stream, open_media
from swift_saber.media.settings import AUDIO_SUFFIXES, VIDEO_SUFFIXES
from swift_saber.media.sound import has_sound
from swift_saber.text.files import whole
from swift_saber.text.strict_json import encoded

#: The column of a row that was made here. It holds the "file" of the clip with that "beside" it, or where the row was
#: taken "from", and "filled" where the words in which it is asked are the run's.
MARK = "analyze"
_LOOK_SECONDS = 60.0
_ENDINGS_SHOWN = 5


@dataclass
class Found:
    """What was found at some paths.

    Attributes:
        clips: (path, name) of each file, in order; no file is there twice.
        rows: (where, line) of JSONL files.
        sounds: the sound file that lies beside a clip, by the clip's path.
        others: how many files have which ending that is none of a clip.
    """

    clips: list[tuple[str, str]] = field(default_factory=list)
    rows: list[tuple[str, bytes]] = field(default_factory=list)
    sounds: dict[str, str] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)


class Written(NamedTuple):
    """What became of a run's questions.

    Attributes:
        settled: the words were asked for, or are those of the run that goes on.
        answered: of what was found.
        to_ask: of what was found.
        new: of these, those that an earlier run did not know.
        gone: those that were not found, and stay with their answers.
    """

    settled: bool
    answered: int
    to_ask: int
    new: int
    gone: int

    def __str__(self) -> str:
        said = f"{self.answered} answered, {self.to_ask} to ask" + (f" ({self.new} new)" if self.new else "")
        if self.gone:
            said += f"; {self.gone} not there now, with the answer kept"
        return said


def find(paths: Sequence[str], without: Path | None = None) -> Found:
    """Return what is at some paths.

    Args:
        paths: files, whatever they are called; folders, of which at any depth those files count whose ending is that
            of a clip, but for hidden ones; and JSONL files of rows.
        without: a folder that is not searched, that of the results.

    Raises:
        InputError: a path is not there or cannot be read, or a folder holds no clip.
    """
    found = Found()
    files: dict[str, str] = {}
    for path in paths:
        if os.path.isdir(path):
            below = dict(_below(path, found.others, without))
            if not below:
                problem = f"holds no clip ({_endings(found.others) or 'it is empty'})"
                raise InputError(path, "folder", problem, "name the folder of the clips, or the files themselves")
            for file, name in below.items():
                files.setdefault(file, name)
        elif not os.path.exists(path):
            raise InputError(path, "path", "is not there", "name files, folders of clips, or a .jsonl of rows")
        elif path.endswith(".jsonl"):
            found.rows += read_lines(path)
        else:
            files.setdefault(os.path.abspath(path), os.path.basename(path))
    found.sounds = _beside(files)
    heard = set(found.sounds.values())
    found.clips = [(path, name) for path, name in files.items() if path not in heard]
    return found


def _below(folder: str, others: Counter[str], without: Path | None) -> Iterator[tuple[str, str]]:
    """Yield (path, name) of each clip below a folder, and count the other files."""
    top = os.path.abspath(folder)
    left_out = os.path.abspath(without) if without else None

    def refuse(error: OSError) -> None:
        raise unreadable(error.filename, error) from error

    for place, folders, names in os.walk(top, onerror=refuse):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and os.path.join(place, name) != left_out
        )
        for name in sorted(names):
            if name.startswith("."):
                continue
            path, ending = os.path.join(place, name), os.path.splitext(name)[1].lower()
            if ending in VIDEO_SUFFIXES or ending in AUDIO_SUFFIXES:
                yield path, os.path.join(os.path.basename(top), os.path.relpath(path, top))
            elif place != left_out:
                others[ending or "without an ending"] += 1


def _beside(files: Iterable[str]) -> dict[str, str]:
    """The sound file of the same name that lies in a video's folder, by the video; of several the commoner kind."""
    found = {}
    for path in files:
        stem, ending = os.path.splitext(path)
        if ending.lower() in AUDIO_SUFFIXES:
            continue
        beside = (stem + each for kind in AUDIO_SUFFIXES for each in (kind, kind.upper()))
        sound = next(filter(os.path.isfile, beside), None)
        if sound:
            found[path] = sound
    return found


def summary(found: Found) -> str:
    """Return on one line what was found."""
    clips, sounds = len(found.clips), len(found.sounds)
    said = f"{clips} clip{'' if clips == 1 else 's'}"
    said += f", {sounds} with a sound file of the same name beside" if sounds else ""
    said += f", {len(found.rows)} rows" if found.rows else ""
    if others := found.others.total():
        are = "1 file is none by its name" if others == 1 else f"{others} files are none by their names"
        said += f"; {are} and left out ({_endings(found.others)})"
    return said


def _endings(others: Counter[str]) -> str:
    shown = [ending for ending, _ in others.most_common(_ENDINGS_SHOWN)]
    return one_line(", ".join(shown) + (", ..." if len(others) > len(shown) else ""))


def write_questions(
    found: Found, to: Path, answered: Set[str], words: Mapping[str, Any] | None, default: Mapping[str, Any]
) -> Written:
    """Write the questions of a run, or those with which it goes on.

    Args:
        found: what is to be asked about.
        to: the file.
        answered: ids that have an answer.
        words: the columns in which is asked where a row does not say, if they were asked for; else None.
        default: those for a run that begins; one that goes on keeps its own.

    Raises:
        InputError: the file is not ours; a clip was answered in other words, or with another sound; two rows have one
            id.
    """
    earlier = _earlier(to)
    began = next((_words(row) for row in earlier.values() if _filled(row)), None)
    words = words or began or default
    wrong = [name for name in earlier if name in answered and _filled(earlier[name]) and _words(earlier[name]) != words]
    if wrong:
        are = "1 clip was" if len(wrong) == 1 else f"{len(wrong)} clips were"
        problem = f"{are} asked in other words, e.g. {one_line(wrong[0])}"
        raise InputError(str(to.parent), "--language", problem, "go on as it was begun, or name another folder")
    made, odd = _from_lines(found.rows, words)
    for row in _from_clips(found, earlier, answered, made.keys(), words):
        made[row["id"]] = row
    gone = earlier.keys() - made.keys()
    kept = {name: made.get(name, row) for name, row in earlier.items() if name in made or name in answered}
    with whole(to) as partial, partial.open("wb") as file:
        for row in {**kept, **made}.values():
            file.write(encoded(row) + b"\n")
        file.writelines(line.rstrip(b"\n") + b"\n" for line in odd)
    done = made.keys() & answered
    return Written(
        words is not default, len(done), len(made) + len(odd) - len(done), len(made.keys() - earlier.keys()),
        len(gone & answered),
    )  # fmt: skip


def _earlier(path: Path) -> dict[str, dict[str, Any]]:
    """The rows that were made for an earlier run, by their ids."""
    earlier: dict[str, dict[str, Any]] = {}
    if not path.exists():
        return earlier
    for where, line in read_lines(path):
        try:
            row = parse_row(line, where)
        except InputError:  # taken from a file of rows as it stood there
            continue
        if not isinstance(row.get(MARK), dict):
            raise InputError(str(path), "file", "is not a file that analyze wrote", "name another folder")
        if isinstance(row.get("id"), str):
            earlier[row["id"]] = row
    return earlier


def _filled(row: Mapping[str, Any]) -> bool:
    return row[MARK].get("filled") is True


def _words(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("language", "messages") if name in row}


def _from_lines(
    lines: Iterable[tuple[str, bytes]], words: Mapping[str, Any]
) -> tuple[dict[str, dict[str, Any]], list[bytes]]:
    """The rows of files by their ids, and the lines that are none, which are for the run to reject."""
    made: dict[str, dict[str, Any]] = {}
    odd: list[bytes] = []
    for where, line in lines:
        try:
            row = parse_row(line, where)
        except InputError:
            odd.append(line)
            continue
        kind = row_kind(row)
        fill = kind == "question" and row.get("language") is None
        row = {**row, **(words if fill else {}), MARK: {"from": where, **({"filled": True} if fill else {})}}
        try:
            name = asked_id(row, where)
        except InputError:
            kind = None
        if kind is None:
            odd.append(encoded(row))
            continue
        if name in made:
            problem = f"{quoted(name)} is that of {made[name][MARK]['from']} too"
            raise InputError(where, "id", problem, "remove one of the two rows, or give each an id of its own")
        made[name] = {**row, "id": name}
    return made, odd


def _from_clips(
    found: Found,
    earlier: Mapping[str, dict[str, Any]],
    answered: Set[str],
    taken: Set[str],
    words: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """A row for each file; those that are answered are the earlier ones."""
    by_file = {row[MARK]["file"]: row for row in earlier.values() if "file" in row[MARK]}
    used = {*earlier, *taken}
    asked: list[tuple[tuple[str, dict[str, Any]], list[str | None]]] = []
    for path, name in found.clips:
        row, beside = by_file.get(path), found.sounds.get(path)
        if row and row["id"] in answered:
            if row[MARK].get("beside") != beside:
                problem = f"{one_line(row['id'])} was answered {_other(row[MARK].get('beside'), beside)}"
                raise InputError(path, "sound", problem, "put it as it was, or name another folder for the results")
            yield row
            continue
        if row is None:
            name = name if name not in used else path
            used.add(name)
        else:
            name = row["id"]
        mark = {"file": path, "filled": True} | ({"beside": beside} if beside else {})
        asked.append(((path, {"id": name, MARK: mark, **words}), [path, beside]))
    workers = min(4, os.cpu_count() or 1)
    with closing(guarded(asked, _look, workers=workers, limit=_LOOK_SECONDS)) as looked_at:
        for (path, row), answer in tqdm(looked_at, total=len(asked), desc="clips", unit="clip", delay=3):
            # Of what cannot be looked into the name counts: its turn to be rejected comes.
            guess = (os.path.splitext(path)[1].lower() not in AUDIO_SUFFIXES, True)
            picture, heard = guess if isinstance(answer, Problem) else answer
            beside = row[MARK].get("beside")
            if not picture:
                yield {**row, "videos": [], "audios": [path]}
            elif beside:
                yield {**row, "videos": [path], "audios": [beside] if heard else []}
            else:
                yield {**row, "videos": [path]}


def _other(was: str | None, now: str | None) -> str:
    return f"without the sound in {now}" if was is None else f"with the sound in {was}, which is not there now"


def _look(path: str, beside: str | None) -> tuple[bool, bool]:
    """Whether a file has a picture that moves, and whether there is something to be heard in the sound beside it."""
    with open_media(path) as container:
        picture = first_stream(container, "video") is not None
    return picture, beside is None or has_sound(beside)

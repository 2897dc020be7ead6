"""Pictures and copies of clips in a folder beside the page, for what a browser cannot play; and what their voices do.

Files that play need neither: a browser shows their first frame by itself. Each is made in a worker process, since a
decoder may hang or crash on a broken file (media/pool.py), and once: its name is of the file, its size and its time.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swift_saber.data.rows import media_path
from swift_saber.errors import InputError
from swift_saber.media.deadline import clip_seconds
from swift_saber.media.place import Problem, place_fault
from swift_saber.media.playable import Kind, form_of, plays_in_browser, poster, transcode
from swift_saber.media.pool import guarded
from swift_saber.report.clip import Clip
from swift_saber.text.files import whole

if TYPE_CHECKING:
    from swift_saber.sed.scale import Scale


@dataclass(frozen=True, slots=True)
class Media:
    """What there is of a file beside it.

    Attributes:
        plays: whether Chromium and Firefox play it.
        form: the container and codecs of one that does not play, "" where they are not known.
        poster, copy: files of the folder; "" for none.
        problem: why there is no picture or copy of it, in one line; "" for none.
        voice: what data.voice_track returns of its sound; None where that was not asked for.
    """

    plays: bool
    form: str = ""
    poster: str = ""
    copy: str = ""
    problem: str = ""
    voice: dict[str, Any] | str | None = None


def voice_of(clip: Clip) -> tuple[str, Kind] | None:
    """Return the file that a clip's voice is in, as files_of has it: its sound, or its video where it names no sound.

    Of several it is not known whose voice is meant, and of none there is none: None.
    """
    paths = clip.audios or clip.videos
    if len(paths) != 1 or not isinstance(paths[0], str):
        return None
    return paths[0], "video" if paths[0] in clip.videos else "audio"


def voice_scales(clips: Iterable[Clip], media: Mapping[tuple[str, Kind], Media]) -> "dict[str, Scale]":
    """Return what voices of a source's clips are compared with: each other, where there are enough of them.

    Of a source that has fewer there is no scale, and bounds out of the literature take its place (sed/scale.py). A
    file counts once; which clips name no source are together one.
    """
    found: dict[str, dict[tuple[str, Kind], tuple[str | None, dict[str, Any]]]] = {}
    for clip in clips:
        file = voice_of(clip)
        made = media.get(file) if file else None
        if file and made and isinstance(made.voice, dict):
            numbers = {**made.voice["numbers"], "unsaid": made.voice["unsaid"]}
            found.setdefault(clip.source, {}).setdefault(file, (clip.speaker or None, numbers))
    if not found:
        return {}
    from swift_saber.sed.scale import DATA_CLIPS, Scale

    # One more, since a clip is compared with others.
    return {source: Scale.of(of.values()) for source, of in found.items() if len(of) > DATA_CLIPS}


def files_of(clips: Iterable[Clip]) -> list[tuple[str, Kind]]:
    """Return the files of this machine among the media of clips, each once, as the rows name them.

    A sound inside a clip's own video is no further file: the page plays both as one.
    """
    return [(path, kind) for path, kind in _named(clips) if os.path.isfile(media_path(path))]


def missing_of(clips: Iterable[Clip]) -> list[str]:
    """Return the paths that clips name as files of this machine, and where there is none, each once."""
    return list(dict.fromkeys(path for path, _ in _named(clips) if not os.path.isfile(media_path(path))))


def _named(clips: Iterable[Clip]) -> list[tuple[str, Kind]]:
    found: dict[tuple[str, Kind], None] = {}
    for clip in clips:
        separate = [path for path in clip.audios if path not in clip.videos]
        kinds: tuple[tuple[Kind, list[object]], ...] = (("video", clip.videos), ("audio", separate))
        for kind, paths in kinds:
            found |= {(path, kind): None for path in paths if isinstance(path, str) and not place_fault(path)}
    return list(found)


def make_media(
    files: Sequence[tuple[str, Kind]],
    folder: Path,
    *,
    posters: bool = False,
    copies: bool = False,
    voices: Collection[tuple[str, Kind] | None] = (),
    workers: int = 1,
) -> dict[tuple[str, Kind], Media]:
    """Return what each file is to a browser, and write what takes its place; shows a progress bar.

    Args:
        files: as files_of returns them.
        folder: made where something is written.
        posters: a picture of every video; else of those that do not play.
        copies: write copies of those that do not play.
        voices: the files whose voice is measured.
        workers: processes.
    """
    from tqdm import tqdm

    asked = (
        (
            (path, kind),
            (media_path(path), kind, str(folder / _name(media_path(path))), posters, copies, (path, kind) in voices),
        )
        for path, kind in files
    )
    found: dict[tuple[str, Kind], Media] = {}
    with closing(guarded(asked, _make, workers=workers, limit=clip_seconds())) as answers:
        for file, answer in tqdm(answers, total=len(files), desc="media", unit="file"):
            found[file] = Media(False, problem=answer.reason) if isinstance(answer, Problem) else Media(**answer)
    return found


def _make(path: str, kind: Kind, stem: str, posters: bool, copies: bool, voice: bool) -> dict[str, Any]:
    """One file: the attributes of its Media."""
    plays = plays_in_browser(path, kind)
    picture = copy = problem = ""
    try:
        if kind == "video" and (posters or not plays):
            picture = _written(Path(f"{stem}.jpg"), lambda to: _write(to, poster(path)))
        if copies and not plays:
            copy = _written(Path(f"{stem}-{kind}.mp4"), lambda to: transcode(path, to, kind))
    except InputError as error:
        problem = error.problem
    except OSError as error:
        # The clip may play all the same, and the page is written in any case.
        problem = f"its picture or copy cannot be written: {error.strerror or error}"
    form = "" if plays else form_of(path)
    found: dict[str, Any] = {"plays": plays, "form": form, "poster": picture, "copy": copy, "problem": problem}
    if voice:
        from swift_saber.data.voice_track import voice_track

        found["voice"] = voice_track(path)
    return found


def _written(to: Path, write: Callable[[Path], None]) -> str:
    """The path, once the file is there: what an earlier page has made is not made again."""
    if not to.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        write(to)
    return str(to)


def _write(to: Path, data: bytes) -> None:
    with whole(to) as partial:
        partial.write_bytes(data)


def _name(path: str) -> str:
    """The name of what is made of a file, another for another content."""
    found = os.stat(path)
    said = f"{os.path.abspath(path)}\n{found.st_size}\n{found.st_mtime_ns}"
    return hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()[:16]

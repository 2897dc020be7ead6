"""Takes out the clips that no annotator should be paid for: mute, too short or long, or of low quality.

The paper publishes only the names of its filters, "Mute, Length, Low Quality" (figure 1a): all thresholds are ours.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass

from swift_saber.data.log import RowLog
from swift_saber.errors import InputError
from swift_saber.media.fault import Problem, clip_fault, place_fault
from swift_saber.media.measure import measure
from swift_saber.media.pool import guarded
from swift_saber.media.read import file_problem, reason
from swift_saber.pipeline.stage import Drop, Row, Stage
from swift_saber.settings import AS_WRITTEN, SETTINGS, Number, Whole
from swift_saber.text.files import partial_path

Entry = dict[str, Any]

_FIRST_PARTS = 2  # of an id are folders, so that no folder holds a whole corpus
_DIGITAL_SILENCE = -90.0  # dBFS; one step of 16 bits up and down is -96
_LONGEST = 80  # bytes of a name; file systems take 255


_Positive = Annotated[Number, Field(ge=0), AS_WRITTEN]
_Share = Annotated[Number, Field(ge=0, le=1), AS_WRITTEN]


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    """What clips are dropped for.

    Attributes:
        min_seconds: 1: a shorter clip holds a word at most, and two pictures at the 2 a second of ms-swift's reader.
        max_seconds: 30: recognisers hear 30 seconds at a time, and the published FPS_MAX_FRAMES=40 thins out the
            pictures of clips above 20.
        min_loudness: -60 dBFS over the whole clip: quiet acted speech in a studio is louder, an open microphone's
            noise is not.
        max_silence_share: 0.95 of the windows of 20 ms below -60 dBFS: an utterance between long pauses stays.
        min_side: 180 pixels of the shorter side: the model is shown 224 x 224 (VIDEO_MAX_PIXELS=50176, published).
        min_fps: 10 pictures a second: a passing expression lasts a fifth of a second or so.
        max_black_share: 0.5 of the sampled pictures: half of the clip must show something.
        max_frozen_share: 0.9 of the sampled pictures: a face that is held still moves now and then; a still does not.
        min_sharpness: 10 levels squared, so that only what has hardly an edge goes: three photographs of 640 x 480
            had 760 to 2,760, and 3 to 6 when blurred with a sigma of 8 pixels.
        media_limit: 60 seconds of decoding for one clip; a broken file can hold a decoder for ever.
        workers: processes for each task that decode; 1, since tasks are what a run multiplies.
    """

    min_seconds: _Positive = 1.0
    max_seconds: Annotated[Number, Field(ge=0, validate_default=True), AS_WRITTEN] = 30.0
    min_loudness: Annotated[Number, Field(ge=-120, le=0), AS_WRITTEN] = -60.0
    max_silence_share: _Share = 0.95
    min_side: _Positive = 180
    min_fps: _Positive = 10.0
    max_black_share: _Share = 0.5
    max_frozen_share: _Share = 0.9
    min_sharpness: _Positive = 10.0
    media_limit: Annotated[Number, Field(ge=1), AS_WRITTEN] = 60.0
    workers: Annotated[Whole, Field(ge=1)] = 1

    @field_validator("max_seconds")
    @classmethod
    def _not_below(cls, value: float, info: ValidationInfo) -> float:
        least = info.data.get("min_seconds", 0)
        if value < least:
            raise InputError("recipe", "max_seconds", f"{value:g} is below min_seconds", f"write at least {least:g}")
        return value


class Clean(Stage):
    """Measures each clip (media/measure.py), drops what is beyond a threshold, and writes the sound of the rest as wav.

    The first of these that is true is the reason of the drop: undecodable, too long, no sound, too short, low
    resolution, low frame rate, black, frozen, blurred, mute. A row that stays gets "measures", and "audios" names its
    wav (16 kHz mono), in `sound/` of the stage's folder.

    A clip is decoded once. The full check of broken media (media/fault.py) costs two decodings more, so it is asked
    only of a clip of which something is odd: a broken packet, a missing end, fewer than two pictures. Whether decord
    knows a codec, the part of it that depends on the machine, is therefore left to `swift-saber check`.

    What was measured is kept in `measures/`, one file for each task; a clip is not decoded again while its wav is
    whole and its files are those of then.
    """

    name = "clean"
    form = Settings
    measured = "measures"
    shown = ("measures",)
    settings: Settings

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """See Stage.

        Raises:
            InputError: a sound cannot be written, or a row names no clip.
            RuntimeError: the processes that decode do not start.
        """
        folder = Path(os.path.abspath(folder))
        with RowLog(folder / "measures" / f"{rank:05}.jsonl") as log:
            # As text: the dictionaries of a large task would take several times the memory.
            known = {entry["id"]: json.dumps(entry) for entry in log.read()}
            todo = ((row, key, self._whole(known.get(key), _sound_path(folder, row))) for row, key in self._keyed(rows))
            # A run that was stopped has done the first rows, so there are few changes between the kinds.
            for done, group in groupby(todo, key=lambda item: item[2] is not None):
                if done:
                    for row, _, entry in group:
                        yield self._judge(row, entry or {}, folder)
                    continue
                jobs = (((row, key), self._job(row, folder)) for row, key, _ in group)
                told = self.settings
                with closing(guarded(jobs, examine, workers=told.workers, limit=told.media_limit)) as answers:
                    for (row, key), answer in answers:
                        entry = _entry(answer, row["videos"][0])
                        if key not in known:
                            log.append({"id": key} | entry)
                        yield self._judge(row, entry, folder)

    def _keyed(self, rows: Iterable[Row]) -> Iterator[tuple[Row, str]]:
        """Each row with what its measures depend on: its id, its files and the settings that end the decoding."""
        for row in rows:
            files = [*_media(row), self.settings.max_seconds, self.settings.media_limit]
            stamp = hashlib.sha256(json.dumps([_state(f) if isinstance(f, str) else f for f in files]).encode())
            yield row, f"{row['id']} {stamp.hexdigest()[:16]}"

    def _whole(self, text: str | None, sound: Path) -> Entry | None:
        """The logged entry, if what it says is still there."""
        if text is None:
            return None
        entry: Entry = json.loads(text)
        if "fault" in entry or self._beyond(entry["measures"]):
            return entry
        try:
            return entry if sound.stat().st_size == entry["bytes"] else None
        except FileNotFoundError:
            return None

    def _job(self, row: Row, folder: Path) -> list[Any]:
        video, audio = _media(row)
        return [video, audio, str(_sound_path(folder, row)), self.settings.max_seconds]

    def _judge(self, row: Row, entry: Entry, folder: Path) -> Row | Drop:
        sound = _sound_path(folder, row)
        if "fault" in entry:
            partial_path(sound).unlink(missing_ok=True)  # of a worker that was killed
            beyond: tuple[str, Any, Any] | None = ("undecodable", entry["fault"], None)
        else:
            beyond = self._beyond(entry["measures"])
        if beyond:
            sound.unlink(missing_ok=True)
            return Drop(row, *beyond)
        return row | {"audios": [str(sound)], "measures": entry["measures"]}

    def _beyond(self, found: dict[str, Any]) -> tuple[str, Any, Any] | None:
        """The first threshold that the measures are beyond, as reason, value and limit."""
        most = least = self.settings
        if found["seconds"] > most.max_seconds:  # before the sound, of which nothing was measured then
            return "too long", found["seconds"], most.max_seconds
        if found["loudness"] is None:
            return "no sound", None, None
        side = min(found["width"], found["height"])
        checks = (
            ("too short", found["seconds"] < least.min_seconds, found["seconds"], least.min_seconds),
            ("low resolution", side < least.min_side, side, least.min_side),
            ("low frame rate", found["fps"] < least.min_fps, found["fps"], least.min_fps),
            ("black", found["black_share"] > most.max_black_share, found["black_share"], most.max_black_share),
            ("frozen", found["frozen_share"] > most.max_frozen_share, found["frozen_share"], most.max_frozen_share),
            ("blurred", found["sharpness"] < least.min_sharpness, found["sharpness"], least.min_sharpness),
            ("mute", found["loudness"] < least.min_loudness, found["loudness"], least.min_loudness),
            (
                "mute",
                found["silence_share"] > most.max_silence_share,
                found["silence_share"],
                most.max_silence_share,
            ),
        )
        return next(((why, value, limit) for why, beyond, value, limit in checks if beyond), None)


def examine(video: str, audio: str | None, sound_to: str, until: float) -> Entry:
    """Check and measure one clip, in a worker process.

    Returns:
        "measures" (as measure.measure) and "bytes", the size of the wav or None; or "fault", why the clip cannot be
        decoded; or "stop", an InputError's parts, when no clip can be measured like this.
    """
    for path in (video, audio):
        if path is None:
            continue
        placed = place_fault(path)
        plain = None if placed else file_problem(path)
        if placed or plain:
            return {"fault": placed.reason if placed else f"{path}: {plain}"}
    import av

    try:
        found = measure(video, audio, sound_to, until=until)
    except InputError as error:  # it is a ValueError too
        return {"stop": list(error.args)}
    except (av.error.FFmpegError, ValueError) as error:
        fault = clip_fault([video], []) or (clip_fault([], [audio]) if audio else None)
        return {"fault": fault.reason if fault else f"{video}: cannot be decoded ({reason(error)})"}
    fault = clip_fault([video], []) if found.pop("doubts") else None
    broken = found.pop("sound_fault")
    heard = found["loudness"] is not None and found["seconds"] <= until
    # A file of sound alone may end early and nothing of it be odd, so it is always checked; silence is no fault here.
    if not fault and audio and heard and found["loudness"] > _DIGITAL_SILENCE and _soundfile_reads(audio):
        fault = clip_fault([], [audio])
    if fault or broken:
        return {"fault": fault.reason if fault else f"{audio or video}: {broken}"}
    return {"measures": found, "bytes": os.path.getsize(sound_to) if heard else None}


def _soundfile_reads(path: str) -> bool:
    """Whether the full check of this sound needs nothing but soundfile; of others it may depend on the machine."""
    import soundfile

    try:
        soundfile.info(path)
    except soundfile.LibsndfileError:
        return False
    return True


def sound_name(name: str) -> str:
    """Return the path, below `sound/`, of the wav of a clip: its id made safe, with a hash so that no two ids share it.

    The first two parts of the id become folders.
    """
    parts = name.split("/", _FIRST_PARTS)
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return "/".join([*map(_safe, parts[:-1]), f"{_safe(parts[-1])}-{digest}.wav"])


def _safe(part: str) -> str:
    kept = "".join(char if char.isalnum() or char in "-_." else "_" for char in part)
    return kept.encode()[:_LONGEST].decode(errors="ignore").lstrip(".") or "_"


def _sound_path(folder: Path, row: Row) -> Path:
    return folder / "sound" / sound_name(row["id"])


def _media(row: Row) -> tuple[str, str | None]:
    """The row's video, and its sound's own file where it has one."""
    videos, audios = row.get("videos"), row.get("audios") or [None]
    if not isinstance(videos, list) or len(videos) != 1 or len(audios) != 1:
        raise InputError(row["id"], "videos", "does not name one clip", "give one video, and one sound at most")
    return videos[0], audios[0]


def _state(path: str) -> list[Any]:
    """What changes when another file takes the place of this one."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # examine() says what is wrong with it
        return [path]
    return [path, found.st_size, found.st_mtime_ns]


def _entry(answer: Any | Problem, video: str) -> Entry:
    if isinstance(answer, Problem):  # late, crashed, or something that no library should raise
        return {"fault": f"{video}: {answer.reason}"}
    if "stop" in answer:
        raise InputError(*answer["stop"])
    entry: Entry = answer
    return entry

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
from swift_saber.media.fault import clip_fault
from swift_saber.media.measure import measure
from swift_saber.media.place import Problem, place_fault
from swift_saber.media.pool import guarded
from swift_saber.media.read import file_problem, reason
from swift_saber.pipeline.stage import Drop, Row, Stage
from swift_saber.settings import AS_WRITTEN, SETTINGS, Number, Whole
from swift_saber.text.files import partial_path

Entry = dict[str, Any]

_FIRST_PARTS = 2  # of an id are folders, so that no folder holds a whole corpus
_DIGITAL_SILENCE = -90.0  # dBFS; one step of 16 bits up and down is -96
_LONGEST = 80  # bytes of a name; file systems take 255
# The thresholds, "min_" or "max_" and a measure, in the order in which they are looked at, and why a clip is dropped.
_CHECKS = {
    "min_seconds": "too short",
    "min_side": "low resolution",
    "min_fps": "low frame rate",
    "max_black_share": "black",
    "max_frozen_share": "frozen",
    "min_sharpness": "blurred",
    "min_loudness": "mute",
    "max_silence_share": "mute",
}

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
                told = self.settings
                jobs = (
                    ((row, key), [*_media(row), str(_sound_path(folder, row)), told.max_seconds])
                    for row, key, _ in group
                )
                with closing(guarded(jobs, examine, workers=told.workers, limit=told.media_limit)) as answers:
                    for (row, key), answer in answers:
                        if isinstance(answer, Problem):  # late, crashed, or something that no library should raise
                            answer = {"fault": f"{row['videos'][0]}: {answer.reason}"}
                        if "stop" in answer:
                            raise InputError(*answer["stop"])
                        if key not in known:
                            log.append({"id": key} | answer)
                        yield self._judge(row, answer, folder)

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
        if self._beyond(entry) or (sound.exists() and sound.stat().st_size == entry["bytes"]):
            return entry
        return None

    def _judge(self, row: Row, entry: Entry, folder: Path) -> Row | Drop:
        sound = _sound_path(folder, row)
        if "fault" in entry:
            partial_path(sound).unlink(missing_ok=True)  # of a worker that was killed
        if beyond := self._beyond(entry):
            sound.unlink(missing_ok=True)
            return Drop(row, *beyond)
        return row | {"audios": [str(sound)], "measures": entry["measures"]}

    def _beyond(self, entry: Entry) -> tuple[str, Any, Any] | None:
        """The fault, or the first threshold that the measures are beyond, as reason, value and limit."""
        if "fault" in entry:
            return "undecodable", entry["fault"], None
        found = entry["measures"]
        if found["seconds"] > self.settings.max_seconds:  # before the sound, of which nothing was measured then
            return "too long", found["seconds"], self.settings.max_seconds
        if found["loudness"] is None:
            return "no sound", None, None
        measures = found | {"side": min(found["width"], found["height"])}
        for setting, why in _CHECKS.items():
            end, _, measure = setting.partition("_")
            value, limit = measures[measure], getattr(self.settings, setting)
            if value < limit if end == "min" else value > limit:
                return why, value, limit
        return None


def examine(video: str, audio: str | None, sound_to: str, until: float) -> Entry:
    """Check and measure one clip, in a worker process.

    Returns:
        "measures" (as measure.measure) and "bytes", the size of the wav or None; or "fault", why the clip cannot be
        decoded; or "stop", an InputError's parts, when no clip can be measured like this.
    """
    for path in (video, audio) if audio else (video,):
        if placed := place_fault(path):
            return {"fault": placed.reason}
        if plain := file_problem(path):
            return {"fault": f"{path}: {plain}"}
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

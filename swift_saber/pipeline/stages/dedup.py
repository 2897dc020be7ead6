"""Takes out clips that are there already: the same recording again, as it is or encoded anew.

A clip is a near-duplicate of an earlier one when picture, sound and length agree. One of them is not enough: actors say
many sentences in one place (the same picture), and sets of several cameras have one sound for many pictures.
"""

from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from swift_saber.errors import InputError
from swift_saber.pipeline.stage import Drop, Row, Stage
from swift_saber.settings import AS_WRITTEN, SETTINGS, Number, Whole

_BITS = 256  # of each of media/measure.py's hashes
# The parts of the sound's hash by which clips are looked up: 32 of 12 bits, each from 8 bits further on.
_BANDS, _WIDTH = 32, 12
_SLOTS = 1 << 16  # chains for each part


@dataclass(frozen=True, config=SETTINGS)
class Settings:
    """How much two clips may differ and be the same. Unrelated ones differ in about half of 256 bits.

    Attributes:
        max_sound_bits: how many of 256 bits of the sound may differ. 40, ours: of synthetic speech, another encoding
            differed in 0 to 39 and another sentence in 93 and more.
        max_picture_bits: how many of 256 bits of four pictures may differ. 16, ours: of drawn scenes, another encoding
            differed in 0 to 9 and another scene in 90 and more. Neither limit has been tried on a real corpus; two
            takes of one sentence by one actor are the hardest case.
        max_seconds_apart: 0.25, ours: encoders add up to a tenth of a second.
    """

    max_sound_bits: Annotated[Whole, Field(ge=0, le=_BITS // 2 - 1)] = 40
    max_picture_bits: Annotated[Whole, Field(ge=0, le=_BITS // 2 - 1)] = 16
    max_seconds_apart: Annotated[Number, Field(ge=0, le=60), AS_WRITTEN] = 0.25


class Dedup(Stage):
    """Drops each clip that is a near-duplicate of one that stays; the first in the order of the rows stays.

    Two clips are compared where they agree in one of 32 parts of the sound's hash: certain up to 15 differing bits,
    and at the default limit in 99 of 100 pairs (were the differing bits spread at random; they lie together, which
    leaves more parts alike). Memory is some 200 bytes and the id for each clip that stays, and time grows with the
    number of clips, hardly with that of pairs.
    """

    name = "dedup"
    form = Settings
    whole = True
    shown = ("measures",)
    settings: Settings

    def run(self, rows: Iterable[Row], folder: Path, rank: int) -> Iterator[Row | Drop]:
        """See Stage; nothing is kept in the folder, since nothing here takes time.

        Raises:
            InputError: a row was not measured.
        """
        limit = {
            "sound_bits": self.settings.max_sound_bits,
            "picture_bits": self.settings.max_picture_bits,
            "seconds": self.settings.max_seconds_apart,
        }
        index = _Index(self.settings)
        for row in rows:
            twin = index.find_or_add(row["id"], *_prints(row))
            yield row if twin is None else Drop(row, "near-duplicate", value=twin, limit=limit)


class _Index:
    """The clips that stay. For each part of the sound's hash, those of one value are a chain, from the last added back.

    A chain's value is mixed with the clip's length, so that clips whose parts are all alike, as of a long pause, are in
    different chains.
    """

    def __init__(self, limits: Settings) -> None:
        self._limits = limits
        self._step = max(limits.max_seconds_apart, 0.01)
        self._last = array("i", [-1]) * (_BANDS * _SLOTS)
        self._before = array("i")  # _BANDS for each clip
        self._seconds = array("d")
        self._ids: list[str] = []
        self._hashes = bytearray()  # sound and picture, 64 bytes for each clip

    def find_or_add(self, name: str, seconds: float, sound: int, picture: int) -> str | None:
        """Return the id of the first clip that this one is a near-duplicate of, or None and keep it."""
        bucket = int(seconds / self._step)
        found = -1
        for near in (bucket - 1, bucket, bucket + 1):
            for slot in _slots(sound, near):
                at = self._last[slot]
                while at >= 0:
                    if (found < 0 or at < found) and self._same(at, seconds, sound, picture):
                        found = at
                    at = self._before[at * _BANDS + slot // _SLOTS]
        if found >= 0:
            return self._ids[found]
        for slot in _slots(sound, bucket):
            self._before.append(self._last[slot])
            self._last[slot] = len(self._ids)
        self._ids.append(name)
        self._seconds.append(seconds)
        self._hashes += sound.to_bytes(32, "big") + picture.to_bytes(32, "big")
        return None

    def _same(self, at: int, seconds: float, sound: int, picture: int) -> bool:
        limits = self._limits
        if abs(self._seconds[at] - seconds) > limits.max_seconds_apart:
            return False
        held = memoryview(self._hashes)[at * 64 : at * 64 + 64]
        if (int.from_bytes(held[:32], "big") ^ sound).bit_count() > limits.max_sound_bits:
            return False
        return (int.from_bytes(held[32:], "big") ^ picture).bit_count() <= limits.max_picture_bits


def _slots(sound: int, bucket: int) -> Iterator[int]:
    """Where the chains of a sound's parts begin, one for each part."""
    mix = bucket * 40503  # an odd number near 2**16 / golden ratio: neighbouring lengths come far apart
    ring = sound | sound << _BITS  # the last part goes on with the first bits
    for band in range(_BANDS):
        value = (ring >> band * (_BITS // _BANDS)) & ((1 << _WIDTH) - 1)
        yield band * _SLOTS + (((value << 4) ^ mix) & _SLOTS - 1)


def _prints(row: Row) -> tuple[float, int, int]:
    measures: Any = row.get("measures") or {}
    try:
        return float(measures["seconds"]), int(measures["sound_hash"], 16), int(measures["picture_hash"], 16)
    except (KeyError, TypeError, ValueError) as error:
        problem = f"lacks seconds, sound_hash or picture_hash ({type(error).__name__})"
        raise InputError(row["id"], "measures", problem, "run the stage clean before dedup") from error

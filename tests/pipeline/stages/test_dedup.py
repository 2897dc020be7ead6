"""dedup.py: copies are found in any encoding, and clips that only look or sound alike stay."""

import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from swift_saber.errors import InputError
from swift_saber.media.measure import measure
from swift_saber.pipeline.stage import Drop
from swift_saber.pipeline.stages.dedup import Dedup
from tests.media_faults import RATE, encode
from tests.pipeline.clips import scene, speech


def _row(name: str, video: Path, audio: Path | None = None) -> dict[str, Any]:
    return {"id": name, "measures": measure(str(video), str(audio) if audio else None)}


def _kept(rows: list[dict[str, Any]], **settings: Any) -> list[str | None]:
    """For each row None where it stays, else the id of the clip that it is a near-duplicate of."""
    found = Dedup(**settings).run(rows, Path(), 0)
    return [one.value if isinstance(one, Drop) else None for one in found]


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("first") / "first.mp4"
    encode(path, scene(1, 24), speech(1, 3))
    return _row("first", path)


def test_copies_in_other_encodings_sizes_and_levels_are_dropped(first: dict[str, Any], tmp_path: Path) -> None:
    pictures, samples = scene(1, 24), speech(1, 3)
    encode(tmp_path / "same.mp4", pictures, samples)
    encode(tmp_path / "old.avi", pictures, samples, codec="mpeg4", audio="mp2")
    encode(tmp_path / "web.webm", pictures, np.repeat(samples, 3), codec="libvpx-vp9", audio="libopus", rate=3 * RATE)
    encode(tmp_path / "small.mp4", pictures.reshape(24, 48, 2, 48, 2, 3).mean(axis=(2, 4)).astype(np.uint8), samples)
    encode(tmp_path / "quiet.mkv", pictures, samples / 4)
    encode(tmp_path / "silent.mp4", pictures)
    soundfile.write(tmp_path / "apart.mp3", samples, RATE)
    names = ("same.mp4", "old.avi", "web.webm", "small.mp4", "quiet.mkv")
    copies = [_row(name, tmp_path / name) for name in names]
    copies.append(_row("apart", tmp_path / "silent.mp4", tmp_path / "apart.mp3"))
    assert _kept([first, *copies]) == [None] + ["first"] * 6
    # The first in order stays, whichever it is.
    assert _kept([copies[3], copies[4], first]) == [None, "small.mp4", "small.mp4"]


def test_one_face_and_place_with_another_sentence_stays(first: dict[str, Any], tmp_path: Path) -> None:
    rows = [first]
    for seed in range(2, 8):  # of the same length too: actors who read a list
        encode(tmp_path / f"{seed}.mp4", scene(1, 24), speech(seed, 3))
        rows.append(_row(f"sentence {seed}", tmp_path / f"{seed}.mp4"))
    assert len({row["measures"]["picture_hash"] for row in rows}) == 1
    assert _kept(rows) == [None] * 7


def test_one_sound_from_another_camera_stays(first: dict[str, Any], tmp_path: Path) -> None:
    encode(tmp_path / "side.mp4", scene(2, 24), speech(1, 3))
    side = _row("side", tmp_path / "side.mp4")
    assert side["measures"]["sound_hash"] == first["measures"]["sound_hash"]
    assert _kept([first, side]) == [None, None]


def _at(name: str, *, seconds: float = 3.0, sound: int = 0, picture: int = 0) -> dict[str, Any]:
    return {
        "id": name,
        "measures": {"seconds": seconds, "sound_hash": f"{sound:064x}", "picture_hash": f"{picture:064x}"},
    }


def test_each_limit_is_kept_to_the_bit() -> None:
    base = _at("base")
    assert _kept([base, _at("a", sound=0b111)], max_sound_bits=3) == [None, "base"]
    assert _kept([base, _at("a", sound=0b1111)], max_sound_bits=3) == [None, None]
    assert _kept([base, _at("a", picture=0b111)], max_picture_bits=3) == [None, "base"]
    assert _kept([base, _at("a", picture=0b1111)], max_picture_bits=3) == [None, None]
    for apart, twin in ((0.5, "base"), (-0.5, "base"), (0.53125, None), (-0.53125, None)):
        assert _kept([base, _at("a", seconds=3 + apart)], max_seconds_apart=0.5) == [None, twin]


def test_what_is_dropped_is_no_measure_for_others_and_the_drop_says_the_limits() -> None:
    # Each differs from the one before by 3 bits: the third from the first by 6.
    rows = [_at("1"), _at("2", sound=0b111), _at("3", sound=0b111111)]
    assert _kept(rows, max_sound_bits=3) == [None, "1", None]
    [_, drop, _] = Dedup(max_sound_bits=3).run(rows, Path(), 0)
    assert isinstance(drop, Drop)
    assert (drop.reason, drop.row) == ("near-duplicate", rows[1])
    assert drop.limit == {"sound_bits": 3, "picture_bits": 16, "seconds": 0.25}


def test_up_to_15_bits_none_is_missed_and_at_the_limit_few_are() -> None:
    # Each bit belongs to at most two of the 32 parts, so that 15 of them leave at least two parts as they are.
    dice = random.Random(0)
    for bits, least in ((15, 200), (40, 190)):
        found = 0
        for _ in range(200):
            base, flipped = dice.getrandbits(256), sum(1 << bit for bit in dice.sample(range(256), bits))
            found += _kept([_at("base", sound=base), _at("copy", sound=base ^ flipped)])[1] == "base"
        assert found >= least


def _many(count: int) -> Iterator[dict[str, Any]]:
    dice = random.Random(0)
    for number in range(count):
        yield _at(
            f"set/{number:08}",
            seconds=dice.uniform(1, 20),
            sound=dice.getrandbits(256),
            picture=dice.getrandbits(256),
        )


def test_memory_of_a_clip_is_some_hundred_bytes() -> None:
    # 32 chains of 4 bytes, two hashes of 32, 8 for the length, an id of 61 with 8 for its place: 269, and room to grow.
    peaks = []
    for count in (1000, 5000):
        tracemalloc.start()
        assert sum(1 for _ in Dedup().run(_many(count), Path(), 0)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 4000 < 400


def test_clips_are_compared_with_few_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from swift_saber.pipeline.stages.dedup import _Index

    compared = 0
    same = _Index._same

    def counting(*args: Any) -> bool:
        nonlocal compared
        compared += 1
        return same(*args)

    monkeypatch.setattr(_Index, "_same", counting)
    list(Dedup().run(_many(5000), Path(), 0))
    # 32 parts in 3 lengths are 96 chains, of 65,536 slots for 2,500 clips on average: about 4, and not 2,500.
    assert compared / 5000 < 10


@pytest.mark.parametrize(
    ("key", "value"), [("max_sound_bits", -1), ("max_picture_bits", 1.5), ("max_seconds_apart", "1")]
)
def test_a_setting_that_cannot_be_used_is_named(key: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        Dedup(**{key: value})
    assert (caught.value.where, caught.value.field) == ("recipe", f"dedup.{key}")


@pytest.mark.parametrize("measures", [None, {"seconds": 1.0}, {"seconds": 1, "sound_hash": None, "picture_hash": "0"}])
def test_a_row_that_was_not_measured_is_named(measures: Any) -> None:
    with pytest.raises(InputError, match="run the stage clean before dedup"):
        list(Dedup().run([{"id": "a", "measures": measures}], Path(), 0))

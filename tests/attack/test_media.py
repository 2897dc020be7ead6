"""Clips made to break readers: what passes the check the model's own readers read, and what does not has a reason.

The full count, with the template and the processor of a model, is tests/benchmarks/attack_media.py.
"""

import multiprocessing
import os
import random
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile
from PIL import Image

from swift_saber.errors import InputError
from swift_saber.media import sound as sounds
from swift_saber.media.check import hear_clips
from swift_saber.media.fault import clip_fault, picture_problem
from swift_saber.media.frames import left_within, most_pixels, read_frames
from swift_saber.media.limits import LEAST_SECONDS, MAX_PIXELS, MAX_SECONDS
from swift_saber.media.place import Problem
from swift_saber.media.pool import guarded
from swift_saber.media.read import MAX_BYTES, MAX_BYTES_HELD, file_problem
from tests.attack.hostile_media import mutants
from tests.attack.kills import peak
from tests.media_faults import RATE, encode, frames, sound

MUTANTS = 87  # three of each file


def as_the_model(kind: str, path: str) -> str | None:
    """Return why a file cannot be read by the functions that the model's frames and samples come from, or None."""
    try:
        if kind == "video":
            read_frames(path, lambda total, fps: [place * (total - 1) // 7 for place in range(8)])
        elif not len(sounds.load(path, RATE)):
            return "holds no sound"  # as plugin/saber_sound.py says of it
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def test_what_passes_the_check_is_read_and_what_is_read_passes(tmp_path: Path) -> None:
    kinds = {}
    for mutant in mutants(tmp_path, MUTANTS, seed=1):
        (tmp_path / mutant.name).write_bytes(mutant.data)
        kinds[mutant.name] = mutant.kind
    assert len(kinds) == MUTANTS
    rows = [
        (name, {"videos": [path], "audios": []} if kind == "video" else {"videos": [], "audios": [path]})
        for name, kind in kinds.items()
        for path in [str(tmp_path / name)]
    ]
    verdicts = {name: heard.problem for name, heard in hear_clips(rows, workers=2, limit=60)}
    asked = [(name, [kind, str(tmp_path / name)]) for name, kind in kinds.items()]
    read = dict(guarded(asked, as_the_model, workers=2, limit=300))  # librosa is loaded in it
    usable, refused = ({name for name, found in verdicts.items() if bool(found) == wrong} for wrong in (False, True))
    assert min(len(usable), len(refused)) > MUTANTS // 5
    assert {name: read[name] for name in usable if read[name]} == {}
    # A file of which a reader makes something is refused only for what is missing of it, or in what it holds.
    parts = ("truncated", "packets are broken", "is silent", "above one hour", "samples that are not numbers")
    odd = {name: verdicts[name] for name in refused if read[name] is None}
    assert {name: found for name, found in odd.items() if found and not any(p in found.reason for p in parts)} == {}
    # A mutant costs no more than itself, and leaves no process.
    assert not [found for found in verdicts.values() if found and "ended with" in found.reason]
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("most", [MAX_BYTES, MAX_BYTES_HELD])
def test_a_file_is_a_clip_up_to_a_size(tmp_path: Path, most: int) -> None:
    path = tmp_path / "sparse.mp4"
    for size, problem in ((most, None), (most + 1, f"is {most >> 20:,} MB large, above {most >> 20:,} MB")):
        with path.open("wb") as file:
            file.truncate(size)
        assert file_problem(path, most) == problem
    found = clip_fault([str(path)], [])
    assert found and ("MB large" in found.reason) == (most == MAX_BYTES)


def _fifo(path: Path) -> Path:
    os.mkfifo(path)
    return path


def _socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    return path


def _link(path: Path) -> Path:
    path.symlink_to("/dev/zero")
    return path


def _folder(path: Path) -> Path:
    path.mkdir()
    Image.new("RGB", (56, 56)).save(path / "0001.png")
    return path


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (_fifo, "is not a file"),
        (_socket, "is not a file"),
        (lambda path: Path("/dev/zero"), "is not a file"),
        (_link, "is not a file"),
        (_folder, "is a folder"),
    ],
    ids=["fifo", "socket", "device", "link-to-device", "folder-of-frames"],
)
def test_what_is_no_file_is_not_opened(
    make: Callable[[Path], Path], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    path = str(make(Path("odd")))
    # In other processes, which may hang: a FIFO without a writer holds up whoever opens it.
    for kind in ("video", "audio"):
        [(_, found)] = guarded([(0, [kind, path])], as_the_model, workers=1, limit=20)
        assert isinstance(found, str), found
        assert problem in found
    rows = [(0, {"videos": [os.path.abspath(path)], "audios": None})]
    [(_, heard)] = hear_clips(rows, workers=1, limit=20)
    assert heard.problem and problem in heard.problem.reason


def test_a_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside.mp4"
    inside.mkdir()
    encode(outside, frames())
    (inside / "link.mp4").symlink_to(outside)
    found = clip_fault([str(inside / "link.mp4")], [], str(inside))
    assert found and "lies outside the allowed folder" in found.reason


def test_a_file_that_changes_after_the_check_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    encode(path, frames(), sound())
    assert clip_fault([str(path)], [str(path)]) is None
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(InputError, match="cannot be decoded"):
        read_frames(path, lambda total, fps: [0, 1])


def grown(kind: str, path: str) -> list[Any]:
    """Return [what came of reading a file, MB that this took at the most]."""
    found = as_the_model(kind, path)
    return [found, peak(os.getpid()) >> 20]


def _header(rate: int, channels: int, size: int) -> bytes:
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * channels * 2, channels * 2, 16)
    return b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    good = tmp_path / "good.mp4"
    encode(good, frames(), sound())
    soundfile.write(tmp_path / "good.wav", sound(), RATE)
    tail = tmp_path / "tail.mp4"
    tail.write_bytes(good.read_bytes())
    os.truncate(tail, 3 << 30)
    wide = tmp_path / "wide.wav"  # a minute of 60 channels at 48 kHz, 0.7 GB as the floats that librosa makes of them
    size = 60 * 48_000 * 60 * 2
    wide.write_bytes(_header(48_000, 60, size) + b"\1\2" * 1000)
    os.truncate(wide, 44 + size)
    files = [("video", good), ("audio", tmp_path / "good.wav"), ("video", tail), ("audio", wide)]
    asked = [(path.name, [kind, str(path)]) for kind, path in files]
    found = dict(guarded(asked, grown, workers=1, limit=120))
    assert not isinstance(found["tail.mp4"], Problem)
    assert {name: answer[0] for name, answer in found.items()} == dict.fromkeys(found)
    assert found["wide.wav"][1] - found["good.wav"][1] < 200


def test_a_sound_lasts_an_hour_at_most_and_more_than_nothing(tmp_path: Path) -> None:
    path = tmp_path / "slow.wav"
    for more in (0, 1):  # at one sample a second
        soundfile.write(path, sound()[: int(MAX_SECONDS) + more] * 0.5, 1)
        found = clip_fault([], [str(path)])
        if not more:
            assert sounds.length(path) == MAX_SECONDS
            assert found is None
            continue
        assert found and "above one hour" in found.reason
        for read in (sounds.length, lambda path: sounds.load(path, RATE)):
            with pytest.raises(ValueError, match="more sound than an hour"):
                read(path)
    least = round(LEAST_SECONDS * RATE)
    for count in (least, least + 1):
        soundfile.write(path, sound()[4000 : 4000 + count], RATE)
        found = clip_fault([], [str(path)])
        assert (found is None) == (count > least), found


def test_a_sound_of_too_many_samples_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.wav", "a.m4a"):  # by soundfile and by PyAV
        encode(tmp_path / name, None, sound(), audio="pcm_s16le" if name == "a.wav" else "aac")
        total = len(sounds.load(tmp_path / name, RATE))
        monkeypatch.setattr(sounds, "MAX_SAMPLES", total)
        assert len(sounds.load(tmp_path / name, RATE)) == total
        monkeypatch.setattr(sounds, "MAX_SAMPLES", total - 1)
        with pytest.raises(ValueError, match="more sound than an hour"):
            sounds.load(tmp_path / name, RATE)
        monkeypatch.undo()


def test_what_is_left_of_a_ribbon_is_what_qwen_omni_utils_leaves() -> None:
    from qwen_omni_utils.v2_5.vision_process import smart_resize

    dice = random.Random(0)
    seen = {True: 0, False: 0}
    for _ in range(3000):
        short = dice.randint(1, 200)
        width, height = dice.sample([short, round(short * dice.uniform(1, 200))], 2)
        most = 784 * dice.randint(4, 300)
        found = all(smart_resize(height, width, 28, min_pixels=784, max_pixels=most))
        assert left_within(width, height, most) == found, (width, height, most)
        seen[found] += 1
    assert min(seen.values()) > 300


def test_a_ribbon_is_refused_where_nothing_is_left_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ribbon.mp4"
    encode(path, frames(4)[:, :1, :1].repeat(16, axis=1).repeat(2048, axis=2))
    for name in ("VIDEO_MAX_PIXELS", "VIDEO_MIN_PIXELS"):
        monkeypatch.delenv(name, raising=False)
    assert most_pixels(os.environ) == 768 * 784
    assert clip_fault([str(path)], []) is None
    monkeypatch.setenv("VIDEO_MAX_PIXELS", "50176")
    assert most_pixels(os.environ) == int(128 * 784 * 1.05)  # of which the least is the default
    assert clip_fault([str(path)], []) is None
    monkeypatch.setenv("VIDEO_MIN_PIXELS", "784")
    found = clip_fault([str(path)], [])
    assert found and "2048 x 16 pixels, of which nothing is left within 50176" in found.reason


def test_pictures_are_no_larger_than_frames(tmp_path: Path) -> None:
    from swift_saber.plugin.saber_template import _check_pictures

    for name, size in (("whole.png", (7680, 4320)), ("large.png", (7680, 4321))):
        Image.new("1", size).save(tmp_path / name)
    assert MAX_PIXELS == 7680 * 4320
    whole, large = str(tmp_path / "whole.png"), str(tmp_path / "large.png")
    assert picture_problem(whole) is None
    found = clip_fault([], [], None, [large])
    assert found and "7680 x 4321 pixels, above 8K" in found.reason
    _check_pictures(SimpleNamespace(images=[whole, None], videos=["a.mp4", [whole]]))
    for images, videos in (([large], []), ([], [[whole, large]])):
        with pytest.raises(InputError, match="large.png: picture: has frames of 7680 x 4321 pixels"):
            _check_pictures(SimpleNamespace(images=images, videos=videos))


def test_another_reader_is_given_the_path_and_not_more_than_may_be_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swift_saber.plugin import saber_frames

    path = tmp_path / "a.mp4"
    encode(path, frames())
    read = saber_frames._by_path(lambda ele: ele["video"])
    monkeypatch.chdir(tmp_path)
    assert read({"video": "a.mp4"}) == str(path)
    held = read({"video": "data:video/mp4;base64,AAAA"})  # what a server is asked with, which is in memory already
    assert held.read() == bytes(3)
    count = 4  # of two seconds at 2 frames a second
    monkeypatch.setattr(saber_frames, "_MOST_HELD", count * 56 * 56 * 3)
    assert read({"video": "a.mp4", "fps": 2, "min_frames": 2}) == str(path)
    monkeypatch.setattr(saber_frames, "_MOST_HELD", count * 56 * 56 * 3 - 1)
    with pytest.raises(InputError, match="56 x 56 pixels, of which the reader in use would hold 4 at once"):
        read({"video": "a.mp4", "fps": 2, "min_frames": 2})
    (tmp_path / "list.mp4").write_text(f"#EXTM3U\n#EXTINF:2,\n{path}\n#EXT-X-ENDLIST\n")
    with pytest.raises(InputError, match="cannot be opened"):
        read({"video": "list.mp4"})

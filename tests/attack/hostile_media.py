"""Mutants of small clips: whole files of every kind that a row may name, each changed in one way, by a seed.

python -m tests.attack.hostile_media FOLDER --count 600 --seed 0
"""

import argparse
import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import soundfile

from tests.media_faults import RATE, boxes, encode, frames, sound

# What a header's field is set to: nothing, one, all but the sign, the sign, all.
_EXTREMES = (0, 1, 2, 255, 0x7FFF, 0xFFFF, 10**9, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
# Tags after which numbers stand that readers believe, by the kind of file: (name, places after its beginning).
_FIELDS = {
    b"mvhd": (16, 20), b"mdhd": (16, 20), b"tkhd": (24, 80, 84), b"elst": (8, 12, 16, 20), b"stts": (8, 12, 16),
    b"ctts": (8, 12, 16), b"stsz": (8, 12, 16), b"stsc": (8, 12, 16, 20), b"stco": (8, 12), b"stss": (8, 12),
    b"avc1": (28, 32), b"mp4a": (20, 24, 28), b"mdat": (-4,), b"moov": (-4,), b"stsd": (-4, 8), b"avcC": (-4, 4, 8),
    b"esds": (-4, 4, 12, 20), b"trun": (8, 12, 16), b"tfhd": (8, 12), b"trex": (8, 12, 16), b"avih": (4, 20, 36, 40),
    b"strh": (4, 24, 28, 32, 36, 40, 48), b"strf": (4, 8, 12, 16, 20, 24), b"idx1": (4, 8, 16, 20), b"movi": (-4, 4, 8),
    b"fmt ": (4, 8, 12, 16, 20), b"data": (4,), b"RIFF": (4,),
    b"fLaC": (4, 8, 12, 16, 18, 20), b"OggS": (4, 6, 14, 22, 26),
    b"OpusHead": (8, 10, 12, 16), b"FLV\x01": (4, 5, 9, 13, 17), b"onMetaData": (2, 10, 30, 50), b"GIF89a": (6, 8, 10),
    b"\x44\x89": (2, 3, 7), b"\x2a\xd7\xb1": (3, 4), b"\xb0": (1, 2), b"\xba": (1, 2), b"\xb5": (1, 2), b"\x9f": (1, 2),
    b"\x1f\x43\xb6\x75": (4, 8, 12), b"\x1c\x53\xbb\x6b": (4, 8), b"\x23\xe3\x83": (3, 4), b"ID3": (3, 6, 10),
    b"COMM": (4, 8), b"SSND": (4, 8), b"\xff\xfb": (2, 4), b"\x47\x41": (1, 3, 5, 9), b"\x47\x40": (1, 3, 5, 9),
}  # fmt: skip


class Mutant(NamedTuple):
    """A file that was changed.

    Attributes:
        name: of what it was, what was done to it, and its number.
        kind: "video" or "audio": the column of a row that names it.
        data: the file.
    """

    name: str
    kind: str
    data: bytes


def originals(folder: Path) -> dict[str, tuple[str, bytes]]:
    """Make the whole files in a folder that exists, and return {name: (kind, bytes)}."""
    found: dict[str, tuple[str, bytes]] = {}

    def make(name: str, write: Callable[[Path], object]) -> None:
        path = folder / name
        write(path)
        found[name] = ("audio" if name.startswith("sound") else "video", path.read_bytes())

    shown, heard = frames(), sound()
    make("last.mp4", lambda path: encode(path, shown, heard))
    make("first.mp4", lambda path: encode(path, shown, heard, movflags="faststart"))
    make("mute.mp4", lambda path: encode(path, shown))
    make("hevc.mp4", lambda path: encode(path, shown, codec="libx265"))
    make("fragments.mp4", lambda path: encode(path, shown, heard, movflags="frag_keyframe+empty_moov"))
    make("phone.3gp", lambda path: encode(path, shown, codec="mpeg4", form="3gp"))
    make("mjpeg.mov", lambda path: encode(path, shown, codec="mjpeg", pixels="yuvj420p"))
    make("mpeg4.avi", lambda path: encode(path, shown, heard, codec="mpeg4", audio="mp2"))
    make("h264.avi", lambda path: encode(path, shown, heard, audio="mp2"))
    make("raw.avi", lambda path: encode(path, shown, codec="rawvideo"))
    make("h264.mkv", lambda path: encode(path, shown, heard))
    make("vp9.webm", lambda path: encode(path, shown, heard, codec="libvpx-vp9", audio="libopus", rate=48_000))
    make("vp8.webm", lambda path: encode(path, shown, codec="libvpx"))
    make("flash.flv", lambda path: encode(path, shown, heard))
    make("stream.ts", lambda path: encode(path, shown, heard))
    make("animated.gif", lambda path: encode(path, shown, codec="gif", pixels="rgb8"))
    make("windows.wmv", lambda path: encode(path, shown, heard, codec="wmv2", audio="wmav2", form="asf"))
    make("sound.wav", lambda path: soundfile.write(path, heard, RATE))
    make("sound-float.wav", lambda path: soundfile.write(path, heard, RATE, subtype="FLOAT"))
    make("sound-adpcm.wav", lambda path: soundfile.write(path, heard, RATE, subtype="IMA_ADPCM"))
    make("sound.flac", lambda path: soundfile.write(path, heard, RATE))
    make("sound.mp3", lambda path: soundfile.write(path, heard, RATE, format="MP3"))
    make("sound.ogg", lambda path: soundfile.write(path, heard, RATE))
    make("sound.opus", lambda path: encode(path, None, heard, audio="libopus", rate=48_000, form="ogg"))
    make("sound.m4a", lambda path: encode(path, None, heard, form="mp4"))
    make("sound.aac", lambda path: encode(path, None, heard, form="adts"))
    make("sound.aiff", lambda path: soundfile.write(path, heard, RATE, format="AIFF"))
    make("sound-in.mp4", lambda path: encode(path, shown, heard))
    make("sound-in.mkv", lambda path: encode(path, shown, heard))
    return found


def mutants(folder: Path, count: int, seed: int = 0) -> Iterator[Mutant]:
    """Yield so many mutants: of each file in turn, each by the next way to change one; the same for the same seed."""
    dice = random.Random(seed)
    whole = originals(folder)
    names = list(whole)
    for number in range(count):
        name = names[number % len(names)]
        kind, data = whole[name]
        done, change = _WAYS[(number // len(names) + number) % len(_WAYS)]
        other = whole[dice.choice(names)][1]
        yield Mutant(f"{number:04}-{done}-{name}", kind, change(data, dice, other))


def _flip(data: bytes, dice: random.Random, other: bytes) -> bytes:
    return _flipped(data, dice, range(len(data)), dice.choice((1, 3, 20)))


def _flip_head(data: bytes, dice: random.Random, other: bytes) -> bytes:
    return _flipped(data, dice, range(min(len(data), 600)), dice.choice((1, 2, 4)))


def _flipped(data: bytes, dice: random.Random, places: range, count: int) -> bytes:
    out = bytearray(data)
    for _ in range(count):
        out[dice.choice(places)] ^= 1 << dice.randrange(8)
    return bytes(out)


def _field(data: bytes, dice: random.Random, other: bytes) -> bytes:
    """One number after a known tag, in 1, 2, 4 or 8 bytes of either order; else of any four bytes of the head."""
    places = [at + more for tag, rest in _FIELDS.items() for at in _all(data, tag)[:4] for more in rest]
    places = [place for place in places if 0 <= place <= len(data) - 8] or list(range(4, 60))
    place, width = dice.choice(places), dice.choice((1, 2, 4, 4, 4, 8))
    value = dice.choice((*_EXTREMES, dice.getrandbits(32)))
    value = (value * 0x100000001 if width == 8 else value) % (1 << 8 * width)
    return data[:place] + value.to_bytes(width, dice.choice(("big", "little"))) + data[place + width :]


def _all(data: bytes, tag: bytes) -> list[int]:
    found, at = [], data.find(tag)
    while at >= 0 and len(found) < 50:
        found.append(at)
        at = data.find(tag, at + 1)
    return found


def _parts(data: bytes) -> list[tuple[int, int]]:
    """Begin and end of the boxes, chunks, pages or packets that a file consists of; else slices of it."""
    if data[4:8] in {b"ftyp", b"moov", b"wide"}:
        return [(begin, end) for _, begin, end in boxes(data) if end > begin]
    if data[:4] == b"RIFF":
        found, at = [], 12
        while at + 8 <= len(data):
            size = struct.unpack("<I", data[at + 4 : at + 8])[0]
            inside = data[at : at + 4] == b"LIST"
            end = min(at + 8 + size + size % 2, len(data))
            found.append((at, end))
            at = at + 12 if inside else end
        return found
    marks = next((m for m in (b"OggS", b"\x1f\x43\xb6\x75", b"\x47\x41", b"\xff\xf1", b"\xff\xf3", b"\xff\xf8")
                  if len(_all(data, m)) > 1), None)  # fmt: skip
    places = _all(data, marks) if marks else list(range(0, len(data), max(1, len(data) // 12)))
    return list(zip(places, [*places[1:], len(data)], strict=True))


def _double(data: bytes, dice: random.Random, other: bytes) -> bytes:
    begin, end = dice.choice(_parts(data))
    return data[:end] + data[begin:end] * dice.choice((1, 1, 7)) + data[end:]


def _swap(data: bytes, dice: random.Random, other: bytes) -> bytes:
    (first, middle), (second, end) = sorted(dice.choices(_parts(data), k=2))
    if second < middle:
        return data[middle:] + data[:middle]
    return data[:first] + data[second:end] + data[middle:second] + data[first:middle] + data[end:]


def _leave_out(data: bytes, dice: random.Random, other: bytes) -> bytes:
    begin, end = dice.choice(_parts(data))
    return data[:begin] + data[end:]


def _insert(data: bytes, dice: random.Random, other: bytes) -> bytes:
    begin, _ = dice.choice(_parts(data))
    return data[:begin] + dice.randbytes(dice.choice((1, 4, 8, 300))) + data[begin:]


def _cut(data: bytes, dice: random.Random, other: bytes) -> bytes:
    return data[: dice.randrange(len(data))]


def _cut_little(data: bytes, dice: random.Random, other: bytes) -> bytes:
    return data[: -dice.randrange(1, len(data) // 10)]


def _behead(data: bytes, dice: random.Random, other: bytes) -> bytes:
    return data[dice.choice((1, 4, 8, 64, len(data) // 3)) :]


def _zeros(data: bytes, dice: random.Random, other: bytes) -> bytes:
    begin, length = dice.randrange(len(data)), dice.choice((4, 64, len(data) // 8))
    return data[:begin] + bytes(min(length, len(data) - begin)) + data[begin + length :]


def _ones(data: bytes, dice: random.Random, other: bytes) -> bytes:
    begin, length = dice.randrange(len(data)), dice.choice((4, 16, 64))
    return data[:begin] + b"\xff" * min(length, len(data) - begin) + data[begin + length :]


def _join(data: bytes, dice: random.Random, other: bytes) -> bytes:
    return data + dice.choice((data, other, data[: len(data) // 2], other[len(other) // 2 :]))


def _tail(data: bytes, dice: random.Random, other: bytes) -> bytes:
    return data + dice.choice((bytes(5000), dice.randbytes(5000), b"TAG" + bytes(125), b"\xff" * 5000))


def _head(data: bytes, dice: random.Random, other: bytes) -> bytes:
    return dice.choice((b"ID3\x04\0\0\x7f\x7f\x7f\x7f", bytes(64), b"\xef\xbb\xbf", dice.randbytes(200), other)) + data


_WAYS: tuple[tuple[str, Callable[[bytes, random.Random, bytes], bytes]], ...] = (
    ("field", _field), ("flip", _flip), ("double", _double), ("field-again", _field), ("cut", _cut), ("swap", _swap),
    ("flip-head", _flip_head), ("field-once-more", _field), ("zeros", _zeros), ("join", _join),
    ("leave-out", _leave_out),
    ("ones", _ones), ("field-more", _field), ("tail", _tail), ("insert", _insert), ("cut-little", _cut_little),
    ("head", _head), ("behead", _behead),
)  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.folder.mkdir()
    for mutant in mutants(args.folder, args.count, args.seed):
        (args.folder / mutant.name).write_bytes(mutant.data)

"""Makes small folders in the layout of a dataset, with real media: each form is encoded once per run, then copied."""

import csv
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import soundfile

from tests.media_faults import RATE, encode, frames, sound

_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 123456\n"


def put(path: Path, *, with_sound: bool = True) -> Path:
    """Write one second of real media of the form that the name's ending says, with its folders, and return the path.

    Args:
        path: ends in .mp4, .flv, .avi, .mkv (picture and sound), .wav, .mp3, .flac or .m4a (sound).
        with_sound: False leaves the sound of a video out.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_media(path.suffix.lower(), with_sound))
    return path


def put_all(folder: Path, names: Iterable[str], *, with_sound: bool = True) -> None:
    """Write one second of real media under each of these names, relative to the folder."""
    for name in names:
        put(folder / name, with_sound=with_sound)


def put_pointer(path: Path) -> Path:
    """Write what git leaves in place of a large file that was not fetched."""
    return put_text(path, _POINTER.format("0" * 64))


def put_text(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a text file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def put_table(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]] | Iterable[Mapping[str, Any]], **form: Any
) -> Path:
    """Write a CSV file; rows are sequences, or objects by column. `form` goes to csv.writer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, **form)
        writer.writerow(header)
        for row in rows:
            writer.writerow([row.get(name, "") for name in header] if isinstance(row, Mapping) else row)
    return path


@cache
def _media(suffix: str, with_sound: bool) -> bytes:
    pictures, samples = frames(8), sound(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"clip{suffix}")
        if suffix in {".wav", ".mp3", ".flac"}:
            soundfile.write(path, samples, RATE)
        elif suffix == ".m4a":
            encode(path, None, samples, form="mp4")
        elif suffix == ".avi":
            encode(path, pictures, samples if with_sound else None, codec="mpeg4", audio="mp2")
        else:
            encode(path, pictures, samples if with_sound else None)
        return path.read_bytes()

"""Clips that hold just what a model is shown: the sampled frames at their size, and the sound as 16 kHz samples.

A prepared video is a QuickTime file (.mov): the frames in their order, without loss, shown at the rate at which they
were sampled, and a tag that says what they were sampled with. It is read by `read`, which gives those frames and that
rate bit for bit, and refuses other settings than those of the tag: nothing is sampled or resized again. Any player
shows it, and qwen-omni-utils alone, without this package, finds the same frames under the same settings with decord,
but for two things that it does again: it resizes frames that were enlarged to the least size (320x240 becomes 392x280,
which is above the greatest size for the next look), and it takes the rate from the container, which holds it as a
fraction of at most 65,535 (an error of 1e-9 where the true rate is not such a fraction).

Frames are kept as they are ("raw", read in a few milliseconds), or by MagicYUV, which is without loss too: a third to
a half of the size, and ten times as long to read. Needs no torch.
"""

import json
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from swift_saber.errors import InputError, quoted
from swift_saber.media.read import first_stream, open_media, reason
from swift_saber.text.files import whole
from swift_saber.text.strict_json import dumps, read_json

#: The ending of a prepared video's name. Nothing else is looked into, so that other clips are opened once.
SUFFIX = ".mov"
_TAG = "SABER_PREPARED"
# Raised when older files can no longer be read.
_FORMAT = 1
_ANEW = "make it anew with `swift-saber prepare`"
# By the form's name: the codec, how it keeps a pixel, and its options. Of the codecs without loss that PyAV writes,
# these were the quickest to read, and the smallest among those that are not several times slower (recipes/data.md).
_FORMS = {"raw": ("rawvideo", "rgb24", {}), "magicyuv": ("magicyuv", "gbrp", {"pred": "median"})}
FORMS = tuple(_FORMS)
#: What lies beside prepared rows, and what it says of how the clips of the folder were made.
FOLDER_SETTINGS = "prepared.json"
_OF_A_FOLDER = ("settings", "sampling_rate", "form", "versions")
# Which plane of gbrp holds red, green and blue.
_PLANES = (2, 0, 1)
# Bytes of all frames: 768, the most that are sampled, of 1.9 million pixels; a model is shown far fewer.
_MOST_BYTES = 4 << 30
# QuickTime keeps 32 bits of a rate's numerator and denominator.
_MOST_DENOMINATOR = 65_535


class Prepared(NamedTuple):
    """A prepared video.

    Attributes:
        pixels: the frames, uint8 RGB of shape (n, height, width, 3).
        sample_fps: sampled frames for each second of the original.
        settings: what they were sampled and resized with.
        source: the original, {"name", "digest"}.
    """

    pixels: Any
    sample_fps: float
    settings: dict[str, Any]
    source: dict[str, Any]


def write(path: Path, clip: Prepared, *, form: str = "raw") -> None:
    """Write a prepared video, whole or not at all, and only if it reads back as what it is.

    Args:
        path: ends in .mov.
        clip: what it is to hold.
        form: one of FORMS.

    Raises:
        OSError: it cannot be written.
        ValueError: the file reads back as something else.
    """
    import av

    if path.suffix != SUFFIX:
        raise ValueError(f"{path} does not end in {SUFFIX}")
    codec, pixels, options = _FORMS[form]
    rate = Fraction(clip.sample_fps).limit_denominator(_MOST_DENOMINATOR)
    said = {"format": _FORMAT, "sample_fps": clip.sample_fps, "settings": clip.settings, "source": clip.source}
    with whole(path) as partial:
        with av.open(str(partial), "w", format="mov", container_options={"movflags": "use_metadata_tags"}) as container:
            container.metadata[_TAG] = dumps(said)
            stream = container.add_stream(codec, rate=rate, options=options)
            stream.height, stream.width = clip.pixels.shape[1:3]
            stream.pix_fmt = pixels
            for number, picture in enumerate(clip.pixels):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame.pts, frame.time_base = number, 1 / rate
                container.mux(stream.encode(frame.reformat(format=pixels)))
            container.mux(stream.encode())
        found = _read(partial)
        if found is None or found[1:] != clip[1:] or not np.array_equal(found.pixels, clip.pixels):
            raise ValueError("reads back as something else than was written")


def read(path: str | os.PathLike[str]) -> Prepared | None:
    """Return what a prepared video holds, or None where the file is none.

    Raises:
        InputError: it is damaged, or of a format of another version.
    """
    import av

    if not os.fspath(path).endswith(SUFFIX):
        return None
    try:
        return _read(path)
    except (av.error.FFmpegError, ValueError, OSError, LookupError, TypeError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(str(path), "prepared clip", f"cannot be read ({reason(error)})", _ANEW) from error


def check_settings(path: str | os.PathLike[str], made: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """See that a clip, or the clips of a file of rows, were prepared with the settings that they are asked for with.

    Args:
        path: of the clip or the rows.
        made: the settings that they were prepared with.
        asked: those in force.

    Raises:
        InputError: names those that differ.
    """
    other = [name for name in {**made, **asked} if made.get(name) != asked.get(name)]
    if other:
        was, now = (", ".join(f"{name} {_shown(found.get(name))}" for name in other) for found in (made, asked))
        remedy = "set what it was prepared with, or prepare the original anew"
        raise InputError(str(path), "prepared", f"was prepared with {was}, and is asked for with {now}", remedy)


def made_with(rows: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Return what the clips of a file of rows were prepared with, or None where `swift-saber prepare` did not write it.

    Returns:
        {"settings", "sampling_rate", "form", "versions"}, as prepared.json beside the rows has them.

    Raises:
        InputError: that file is damaged.
    """
    path = Path(rows)
    place = path.with_name(FOLDER_SETTINGS)
    known = read_json(place) if place.is_file() else None
    if not isinstance(known, dict) or path.name not in (known.get("rows") or ()):
        return None
    return {name: value for name, value in known.items() if name in _OF_A_FOLDER}


def write_sound(path: Path, samples: Any, rate: int) -> None:
    """Write samples as a WAV file that reads back as they are, whole or not at all.

    16 bits a sample where they hold them, as those of most recordings at their own rate do; else floats of 32 bits.

    Args:
        path: ends in .wav.
        samples: float32 of shape (n,).
        rate: Hz.

    Raises:
        OSError: it cannot be written.
        ValueError: the file reads back as something else.
    """
    import soundfile

    scaled = samples * np.float32(2**15)
    exact = bool((scaled == np.rint(scaled)).all() and (scaled >= -(2**15)).all() and (scaled < 2**15).all())
    with whole(path) as partial:
        soundfile.write(partial, samples, rate, format="WAV", subtype="PCM_16" if exact else "FLOAT")
        found, found_rate = soundfile.read(partial, dtype="float32")
        if found_rate != rate or not np.array_equal(found, samples):
            raise ValueError("reads back as something else than was written")


def _read(path: str | os.PathLike[str]) -> Prepared | None:
    with open_media(path) as container:
        text = container.metadata.get(_TAG)
        if text is None:
            return None
        said = json.loads(text)
        if said["format"] != _FORMAT:
            problem = f"is of format {quoted(said['format'])}, and {_FORMAT} is known here"
            raise InputError(str(path), "prepared clip", problem, _ANEW)
        stream = first_stream(container, "video")
        if stream is None or stream.codec_context is None:
            raise ValueError("holds no frames that are known here")
        stream.codec_context.thread_count = 1  # it is a copy, or little more; loaders' workers have a core each
        count, height, width = stream.frames, stream.height, stream.width
        if not 0 < count * height * width * 3 <= _MOST_BYTES:  # which a broken header may say
            raise ValueError(f"says that it holds {count} frames of {width} x {height} pixels")
        planar = stream.codec_context.pix_fmt == "gbrp"
        pixels = np.empty((count, 3, height, width) if planar else (count, height, width, 3), np.uint8)
        number = 0
        for number, frame in enumerate(container.decode(stream), start=1):
            if number > count or (frame.height, frame.width) != (height, width):
                raise ValueError("holds other frames than its header says")
            if not planar:
                pixels[number - 1] = frame.to_ndarray(format="rgb24")
                continue
            for colour, place in enumerate(_PLANES):
                plane = frame.planes[place]
                rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
                pixels[number - 1, colour] = rows[:height, :width]
        if number != count:
            raise ValueError(f"{number} of {count} frames can be read")
    return Prepared(
        pixels.transpose(0, 2, 3, 1) if planar else pixels, said["sample_fps"], said["settings"], said["source"]
    )


def _shown(value: Any) -> str:
    return "unset" if value is None else f"{value:g}" if isinstance(value, int | float) else str(value)

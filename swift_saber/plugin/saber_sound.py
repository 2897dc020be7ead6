"""Sound on its way to the model: read by media/sound.py, and not padded to the five minutes that the encoder can take.

What the model gets of it is bit for bit what the stock template gives it.
"""

import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import av
import torch.nn.functional as functional
from swift.template import base
from swift.template.templates import qwen

from swift_saber.data.convert import sound_in_video
from swift_saber.errors import InputError
from swift_saber.media.deadline import clip_seconds, within
from swift_saber.media.read import reason
from swift_saber.media.sound import RATE, load
from swift_saber.plugin.saber_once import kept

# Seconds. The matrix libraries behind torch take other steps for few frames, at most tens for each thread, and then
# features differ in the last bit; of so many they do not, with up to 64 threads.
_LEAST = 10
# What the thinker is given of sound; the second says how much of the first is sound.
_FEATURES = ("input_features", "feature_attention_mask")


def register() -> None:
    """Have ms-swift's templates read sound files with media/sound.py."""
    for module in (base, qwen):  # both look the name up; the first for vLLM
        module.load_audio = kept(_without_programs(module.load_audio))


def _without_programs(stock: Callable[..., Any]) -> Callable[..., Any]:
    """ms-swift's load_audio, but for files on this machine; SWIFT_AUDIO_LOAD_BACKEND asks for its own readers."""

    @wraps(stock)
    def load_audio(audio: Any, sampling_rate: int | None, return_sr: bool = False, mono: bool = True) -> Any:
        ours = mono and isinstance(audio, str) and os.path.isfile(audio)
        if not ours or os.environ.get("SWIFT_AUDIO_LOAD_BACKEND"):
            return stock(audio, sampling_rate, return_sr, mono)
        rate = sampling_rate or RATE  # for vLLM none is said, which then resamples by the same code
        samples = read(audio, rate)
        return (samples, rate) if return_sr else samples

    return load_audio


def read(path: str, rate: int) -> Any:
    """Return a file's sound as media/sound.load does.

    Raises:
        InputError: it cannot be read.
        TimeoutError: not within SABER_CLIP_SECONDS.
    """
    try:
        samples = within(clip_seconds(), load, path, rate)
    except TimeoutError:  # which is an OSError too
        raise
    except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
        remedy = "unset USE_AUDIO_IN_VIDEO" if sound_in_video() else "take the sound out of the row"
        raise InputError(path, "sound", reason(error), f"{remedy}, replace the file, or remove the row") from error
    if not len(samples):
        raise InputError(path, "sound", "holds no sound", "replace the file, or take the sound out of the row")
    return samples


def check_length(seconds: float, least: float, most: float, path: Any) -> None:
    """Raise InputError where the model would not hear a sound at all, or not to its end, without a word from stock.

    Args:
        seconds: of the sound.
        least, most: seconds between which it must be.
        path: where the sound is from, as far as that is known.
    """
    where = path if isinstance(path, str) else "audios"
    if seconds > most:
        problem = f"lasts {seconds:.1f} seconds, and the model hears {most:g} at most"
        raise InputError(where, "sound", problem, f"cut the clip: ffmpeg -i IN -t {most:g} -c copy OUT")
    if seconds < least:
        problem = f"lasts {seconds:.3f} seconds, which is too short for the model to hear"
        raise InputError(where, "sound", problem, "take the sound out of the row")


class Unpadded:
    """Stands for a WhisperFeatureExtractor, and makes no features of silence after the sound.

    The last frames of a sound reach into what follows it by half a window of the STFT, and get the same zeros there
    as with padding. After them the extractor's features would be masked out, so they are not made.
    """

    def __init__(self, extractor: Any) -> None:
        self._extractor = extractor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._extractor, name)

    def __call__(self, sounds: list[Any], **options: Any) -> Any:
        """As the extractor, where it pads to its greatest length; what it is asked otherwise it does itself.

        Args:
            sounds: float32 of shape (n,) each, none longer than the window.

        Returns:
            "input_features" of shape (sounds, mels, frames) and "attention_mask" of shape (sounds, frames), for as
            many frames as the longest one has.
        """
        extractor = self._extractor
        if options.get("padding") != "max_length":
            return extractor(sounds, **options)
        longest = max(map(len, sounds))
        # Up to the window, where padding ends too.
        length = max(longest + extractor.n_fft // 2, _LEAST * extractor.sampling_rate)
        length = min(length, extractor.n_samples)
        found = extractor(sounds, **{**options, "max_length": length})
        frames = -(-longest // extractor.hop_length)
        found["input_features"] = found["input_features"][..., :frames]
        found["attention_mask"] = found["attention_mask"][..., :frames]
        return found


def even(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return encoded rows with their sounds as long as the longest, the rest masked out, so that they can be joined."""
    longest = max((row[_FEATURES[0]].shape[-1] for row in rows if row.get(_FEATURES[0]) is not None), default=0)
    return [_longer(row, longest) for row in rows]


def _longer(row: Mapping[str, Any], length: int) -> dict[str, Any]:
    found = {name: row[name] for name in _FEATURES if row.get(name) is not None}
    return {**row, **{name: functional.pad(kept, (0, length - kept.shape[-1])) for name, kept in found.items()}}

"""The environment variables that steer a run: values that do nothing, or something else than they seem to say.

Said of no variable that ms-swift, qwen-omni-utils and this package do not read; a test asks the installed ones.
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from swift_saber.data.convert import TRUE_WORDS
from swift_saber.errors import InputError, quoted
from swift_saber.media.deadline import VARIABLE, clip_seconds
from swift_saber.media.settings import MEDIA_SETTINGS, READER, SOUND, TIMING, legacy_timing, takes_sound
from swift_saber.models.checkpoint import PUBLISHED_SETTINGS
from swift_saber.plugin.saber_options import (
    INVARIANCE,
    JOINT,
    MARGIN,
    MODALITY_PAIRS,
    PARTS,
    REFERENCE,
    WEIGHT,
    joint_pairs,
    modality_pairs,
    options,
)
from swift_saber.sed.layout import ORDERS

# The project's own: read by the package or by the scripts in shell/.
OWN_NAMES = (
    *(WEIGHT, MARGIN, TIMING, SOUND, VARIABLE, "SABER_ORDER", "SABER_MEDIA_ROOT", "SABER_PYTHON", "SABER_BASE_PYTHON"),
    *(
        JOINT,
        MODALITY_PAIRS,
        PARTS,
        INVARIANCE,
        REFERENCE,
        "SABER_REWARD_WHEEL",
        "SABER_REWARD_JUDGE",
        "SABER_EVIDENCE_SCALE",
        "SABER_DEMO_DIR",
        "ROOT_IMAGE_DIR",
    ),
)
# ms-swift's readers of sound (swift.template.vision_utils.load_audio).
AUDIO_LOADER, AUDIO_LOADERS = "SWIFT_AUDIO_LOAD_BACKEND", ("librosa", "soundfile_pyav")
# ms-swift turns the settings on the right into those on the left, unless these are set (compat_qwen_vl_utils).
TOKENS = {"VIDEO_MAX_TOKEN_NUM": "VIDEO_MAX_PIXELS", "VIDEO_MIN_TOKEN_NUM": "VIDEO_MIN_PIXELS"}
# Media settings that are words; the others are numbers, or yes and no.
_WORDS = {READER, AUDIO_LOADER, TIMING, SOUND}
# What reads the project's own variables, and raises what is wrong with them.
_READ: dict[str, Callable[[Mapping[str, str]], object]] = {
    WEIGHT: options,
    MARGIN: options,
    JOINT: joint_pairs,
    MODALITY_PAIRS: modality_pairs,
    PARTS: options,
    INVARIANCE: options,
    TIMING: legacy_timing,
    SOUND: takes_sound,
    VARIABLE: clip_seconds,
}
_BOOLEAN = {"USE_AUDIO_IN_VIDEO", "ENABLE_AUDIO_OUTPUT"}
_FALSE_WORDS = {"n", "no", "f", "false", "off", "0"}
_MODEL_RATE = 16000  # Whisper's, in Hz


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        level: "ok", "note" (worth knowing, nothing to repair) or "problem".
        topic: what was looked at, e.g. "torch" or the name of an environment variable.
        text: what was found.
        remedy: what to do about it; every problem has one.
    """

    level: Literal["ok", "note", "problem"]
    topic: str
    text: str
    remedy: str = ""


def problem_of(error: InputError) -> Finding:
    """Return an error that the user can put right as a finding."""
    return Finding("problem", error.field, f"{error.where}: {error.problem}", error.remedy)


def settings_findings(
    environment: Mapping[str, str],
    *,
    constants: Mapping[str, float] | None = None,
    trained: Mapping[str, str] | None = None,
    patch_size: int = 14,
) -> Iterator[Finding]:
    """Yield what is to be said of the environment variables. Values that may be secret are not shown.

    Args:
        constants: the video reader's, as machine.readers gives them; None leaves out what needs them.
        trained: the media settings that the model was trained with, which hold where the environment sets none.
        patch_size: side of the model's vision patches, in pixels.
    """
    present = " ".join(f"{name}={environment[name]}" for name in MEDIA_SETTINGS if name in environment)
    yield Finding("ok", "media settings", present or "the environment sets none")
    values = {**(trained or {}), **environment}
    numbers = {}
    for name in (*MEDIA_SETTINGS, *TOKENS):
        if name not in values or name in _WORDS:
            continue
        number = _value(name, values[name])
        if number is not None:
            numbers[name] = number
        elif name in environment:
            kind = "yes or no (1 or 0)" if name in _BOOLEAN else "a number" if name == "FPS" else "a whole number"
            yield Finding("problem", name, f"is {quoted(values[name])}, not {kind}", "correct it, or unset it")
    yield from _own(environment)
    yield from _ranges(numbers)
    if constants is not None:
        yield from _frames(numbers, constants)
        yield from _pixels(numbers, constants, values, trained, (2 * patch_size) ** 2)
    # By these names alone: a model folder must not have other variables shown.
    for name in MEDIA_SETTINGS:
        if trained is not None and name in environment and environment[name] != trained.get(name):
            was = f"with {quoted(trained[name])}" if name in trained else "without it"
            text = f"is {quoted(environment[name])} here, and the model was trained {was}"
            yield Finding("note", name, text, "unset it to run the model as it was trained")
    if environment.get("OPENAI_API_KEY", "").strip():
        yield Finding("ok", "OPENAI_API_KEY", "is set (not shown)")


def _value(name: str, text: str) -> float | None:
    """The number (1 and 0 for yes and no) that ms-swift reads in a value, or None where it would stop."""
    if name in _BOOLEAN:
        word = text.lower()
        return 1 if word in TRUE_WORDS else 0 if word in _FALSE_WORDS else None
    try:
        number = float(text) if name == "FPS" else int(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _own(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(environment):
        if name.startswith("SABER_") and name not in OWN_NAMES:
            yield Finding("note", name, "is not a name that swift-saber reads", f"it reads {', '.join(OWN_NAMES)}")
    for name, read in _READ.items():
        try:
            read({name: environment.get(name, "")})
        except InputError as error:
            yield Finding("problem", name, error.problem, error.remedy)
    loader = environment.get(AUDIO_LOADER)
    if loader and loader not in AUDIO_LOADERS:
        remedy = f"unset it, or use one of {', '.join(AUDIO_LOADERS)}"
        yield Finding("problem", AUDIO_LOADER, f"is {quoted(loader)}", remedy)
    order = environment.get("SABER_ORDER")
    if order is not None and order not in ORDERS:
        yield Finding("problem", "SABER_ORDER", f"is {quoted(order)}", f"use one of {', '.join(ORDERS)}")
    root = environment.get("ROOT_IMAGE_DIR")
    if root and not os.path.isdir(root):
        yield Finding("problem", "ROOT_IMAGE_DIR", f"{quoted(root)} is no folder", "correct the path, or unset it")


def _ranges(numbers: Mapping[str, float]) -> Iterator[Finding]:
    if numbers.get("FPS", 1) <= 0:
        yield Finding("problem", "FPS", f"is {numbers['FPS']:g} frames a second", "use a number above 0, e.g. 2")
    if numbers.get("SAMPLING_RATE", _MODEL_RATE) != _MODEL_RATE:
        text = (
            f"is {numbers['SAMPLING_RATE']:g}; the model takes all sound for {_MODEL_RATE} Hz, so speech changes speed"
        )
        yield Finding("problem", "SAMPLING_RATE", text, "unset it: files of any rate are converted")
    if numbers.get("USE_AUDIO_IN_VIDEO"):
        text = "is on: the sound is taken from the video file; SABER's protocol gives a separate one in audios"
        yield Finding("note", "USE_AUDIO_IN_VIDEO", text)
    if numbers.get("ENABLE_AUDIO_OUTPUT"):
        text = "is on: the speech generator is loaded as well and costs memory"
        yield Finding("note", "ENABLE_AUDIO_OUTPUT", text, "set it to 0, as published")


def _frames(numbers: Mapping[str, float], constants: Mapping[str, float]) -> Iterator[Finding]:
    """How many frames qwen-omni-utils takes of a video (smart_nframes)."""
    factor = int(constants["FRAME_FACTOR"])
    given = {name: int(numbers.get(name, constants[name])) for name in ("FPS_MAX_FRAMES", "FPS_MIN_FRAMES")}
    most = given["FPS_MAX_FRAMES"] // factor * factor
    least = -(-given["FPS_MIN_FRAMES"] // factor) * factor
    if most < factor:
        text = f"is {given['FPS_MAX_FRAMES']}: no video can be read, since frames are taken by {factor}"
        yield Finding("problem", "FPS_MAX_FRAMES", text, f"use {factor} or more")
        return
    for name, counted in (("FPS_MAX_FRAMES", most), ("FPS_MIN_FRAMES", least)):
        if given[name] != counted:
            yield Finding("note", name, f"is {given[name]} and counts as {counted}: frames are taken by {factor}")
    if most < least:
        both = "FPS_MIN_FRAMES" in numbers and "FPS_MAX_FRAMES" in numbers
        text = f"is {most}, below FPS_MIN_FRAMES ({least}): every video has {most} frames, and FPS does nothing"
        yield Finding("problem" if both else "note", "FPS_MAX_FRAMES", text, f"set FPS_MIN_FRAMES to {most} or less")


def _pixels(
    numbers: Mapping[str, float],
    constants: Mapping[str, float],
    values: Mapping[str, str],
    trained: Mapping[str, str] | None,
    token: int,
) -> Iterator[Finding]:
    """Which size qwen-omni-utils aims at for a frame (fetch_video), after ms-swift's conversion to tokens.

    Args:
        token: pixels of a frame that share one token.
    """
    for name, pixels in TOKENS.items():
        if name in numbers and pixels in numbers and numbers[name] != numbers[pixels] // token:
            text = f"does nothing: {name}={numbers[name]:g} is set and stands above it"
            yield Finding("problem", pixels, text, f"unset one of the two ({name} counts {token} pixels)")
    if "VIDEO_MAX_PIXELS" not in numbers:
        return
    least = numbers.get("VIDEO_MIN_PIXELS", constants["VIDEO_MIN_TOKEN_NUM"] * token) // token
    floor = int(numbers.get("VIDEO_MIN_TOKEN_NUM", least)) * token
    most = int(numbers["VIDEO_MAX_PIXELS"])
    # Another number of tokens stands above it, which was said; the same one is what ms-swift makes of it.
    if most // token * token >= floor or numbers.get("VIDEO_MAX_TOKEN_NUM", most // token) != most // token:
        return
    text = f"is {most}, below the video reader's floor: frames have about {floor} pixels all the same"
    if values["VIDEO_MAX_PIXELS"] == (trained or PUBLISHED_SETTINGS).get("VIDEO_MAX_PIXELS"):
        text += "; so it was for the published weights, so it is right for them"
        yield Finding("note", "VIDEO_MAX_PIXELS", text)
    else:
        remedy = f"set VIDEO_MIN_PIXELS below it too (only for a model trained with both), or {floor} or more"
        yield Finding("problem", "VIDEO_MAX_PIXELS", text, remedy)

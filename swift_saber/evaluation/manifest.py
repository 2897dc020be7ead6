"""What a run of an evaluation rests on, so that it can be run again: model, data, versions, seeds, settings."""

import hashlib
import os
import platform
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from swift_saber import __version__
from swift_saber.errors import InputError, unreadable
from swift_saber.evaluation.interval import DRAWS, SEED
from swift_saber.strict_json import dumps

# Those whose version can change an answer or a score.
_PACKAGES = (
    "ms-swift",
    "torch",
    "transformers",
    "qwen-omni-utils",
    "numpy",
    "nltk",
    "rouge-score",
    "bert-score",
    "jiwer",
    "opencc",
    "openpyxl",
)

# In the place of a value that only the other manifest has.
_ABSENT = object()


def make_manifest(
    model: str, data: Mapping[str, str | os.PathLike[str]], settings: Mapping[str, Any], **seeds: int
) -> dict[str, Any]:
    """Return {"model", "data", "versions", "seeds", "settings"}, the manifest of scores.json.

    Args:
        model: whose answers were scored, as it was named to the run.
        data: {name: file} of all that was read. The names are kept and not the paths, so that two machines agree: take
            the path inside the benchmark's folder.
        settings: JSON values: the task's own options.
        seeds: of the run, beside "bootstrap", which is always there.

    Raises:
        InputError: a file cannot be read, or a setting is no JSON value.
    """
    try:
        dumps(settings)
    except (TypeError, ValueError) as error:
        raise InputError("manifest", "settings", f"cannot be kept: {error}", "give JSON values") from error
    return {
        "model": model,
        "data": {name: file_digest(data[name]) for name in sorted(data)},
        "versions": versions(),
        "seeds": {"bootstrap": SEED, **seeds},
        "settings": {"bootstrap_draws": DRAWS, **settings},
    }


def file_digest(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises:
        InputError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of swift-saber, Python and those packages that are installed and can change a score."""
    found = {"swift-saber": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # one that is not installed changed nothing
    return found


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return what two manifests differ in, as lines `versions.torch: "2.6" / "2.7"`; empty where in nothing.

    Args:
        first: as make_manifest returns or scores.json holds.
        second: the same.
    """
    return list(_differences("", first, second))


def _differences(place: str, first: Any, second: Any) -> Iterator[str]:
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        for key in sorted(first.keys() | second.keys()):
            inner = f"{place}.{key}" if place else key
            yield from _differences(inner, first.get(key, _ABSENT), second.get(key, _ABSENT))
    elif _shown(first) != _shown(second):
        yield f"{place}: {_shown(first)} / {_shown(second)}"


def _shown(value: Any) -> str:
    return "absent" if value is _ABSENT else dumps(value)

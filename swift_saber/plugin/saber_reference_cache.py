"""A folder of the log-probabilities that a reference gives to pairs: what they are found by, and the files.

    FOLDER/FINGERPRINT/reference.json   which reference and settings they are of
    FOLDER/FINGERPRINT/NAME.jsonl       a line a pair, a file for each process that added some

Neither an entry of other weights or settings nor one of a pair that was shown or answered otherwise is ever found.
Needs no ms-swift.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import torch

from swift_saber.data.log import RowLog
from swift_saber.data.rows import given_id, parse_row
from swift_saber.errors import InputError, unreadable
from swift_saber.text.strict_json import read_json

MANIFEST = "reference.json"
#: Where an encoded pair has its key, and a batch its pairs, (key, id) each: beside what the model is given.
KEY, PAIRS = "pair_key", "pairs"
# What the model is shown of a pair, and which tokens of it count; its name and its scores are not.
_SIDES = ("chosen_", "rejected_", "modality")
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "adapter_model*.bin")
_CONFIGS = ("config.json", "adapter_config.json")
# Bytes. Of a larger file so many are looked at in each tensor, or at so many places: 16 GB take some 10 MB of reading.
# Training moves about every number of a tensor that it trains.
_WHOLE = 4 << 20
_BLOCK = 4096
_PLACES = 1024
_DTYPES = ("float32", "bfloat16", "float16", "float64")


class LogProbs(NamedTuple):
    """What the reference gives to a pair's two answers, in nats, each the sum over its tokens.

    Attributes:
        dtype: of the tensors in which it gave them, which hold these numbers exactly, e.g. "float32".
    """

    chosen: float
    rejected: float
    dtype: str


def pair_key(encoded: Mapping[str, Any]) -> str:
    """Return a digest of all that the model is shown of a pair: tokens, labels, loss scale, and both sides' media.

    Args:
        encoded: the row as a template encodes it.

    Raises:
        TypeError: it holds something whose content is not known how to be looked at.
    """
    digests: dict[int, bytes] = {}  # of tensors, since both sides may share them
    names = sorted(name for name in encoded if name.startswith(_SIDES))
    return _hash(*chain.from_iterable((name.encode(), _digest(encoded[name], digests)) for name in names)).hex()


def _hash(*parts: Any) -> bytes:
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        found.update(b"%d:" % memoryview(part).nbytes)
        found.update(part)
    return found.digest()


def _digest(value: Any, digests: dict[int, bytes]) -> bytes:
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(value)
    if isinstance(value, torch.Tensor):
        if id(value) not in digests:
            content = value.detach().contiguous().reshape(-1).view(torch.uint8).numpy()  # numpy knows no bfloat16
            digests[id(value)] = _hash(f"{value.dtype} {tuple(value.shape)}".encode(), content)
        return digests[id(value)]
    if isinstance(value, Mapping):
        return _hash(b"{", *(_digest(part, digests) for item in sorted(value.items()) for part in item))
    if isinstance(value, list | tuple):
        if all(isinstance(part, int | float) for part in value):  # tokens, at once
            return _hash(repr(list(value)).encode())
        return _hash(b"[", *(_digest(part, digests) for part in value))
    if value is None or isinstance(value, int | float | str):
        return _hash(repr(value).encode())
    raise TypeError(f"a pair holds a {type(value).__name__}, of which no digest is made")


def weights_digest(folder: str | os.PathLike[str]) -> str:
    """Return a digest of the weights and the configuration in the folder of a model or an adapter.

    Of large files, a part of each tensor is looked at. The folder's place and the files' times do not count.

    Raises:
        InputError: there are no weights, or a file cannot be read.
    """
    folder = Path(folder)
    weights = sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern))
    if not weights:
        raise InputError(str(folder), "weights", "there are none (*.safetensors)", "name a model's folder")
    parts = []
    for path in [*weights, *(folder / name for name in _CONFIGS if (folder / name).is_file())]:
        try:
            parts += [path.name.encode(), _file_digest(path)]
        except OSError as error:
            raise unreadable(path, error) from error
    return _hash(*parts).hex()


def _file_digest(path: Path) -> bytes:
    size = path.stat().st_size
    with path.open("rb", buffering=0) as file:
        if size <= _WHOLE or path.suffix == ".json":
            return _hash(file.read())
        head, places = _tensors(path, file.fileno(), size) if path.suffix == ".safetensors" else (b"", _spread(size))
        blocks = (os.pread(file.fileno(), _BLOCK, place) for place in places)
        return _hash(str(size).encode(), head, *blocks)


def _spread(size: int) -> list[int]:
    return [max(0, size - _BLOCK) * number // (_PLACES - 1) for number in range(_PLACES)]


def _tensors(path: Path, file: int, size: int) -> tuple[bytes, list[int]]:
    """The header of a safetensors file, and a place in each tensor, about its middle.

    The format: https://huggingface.co/docs/safetensors#format
    """
    length = int.from_bytes(os.pread(file, 8, 0), "little")
    head = os.pread(file, length, 8) if length < size else b""
    try:
        tensors = [value["data_offsets"] for name, value in json.loads(head).items() if name != "__metadata__"]
        places = [8 + length + max(begin, (begin + end - _BLOCK) // 2) for begin, end in tensors]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(str(path), "file", "is not a safetensors file", "copy or download it again") from error
    return head, sorted(places)


class ReferenceCache:
    """The log-probabilities that one reference gave, on disk; several processes may add to them at a time.

    Args:
        folder: of all references.
        weights: digests of what the reference's weights are, by name.
        settings: what else its numbers depend on.
        names: for people: what the reference is called. Does not count.

    Raises:
        InputError: the folder cannot be used, or a file in it is damaged.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        weights: Mapping[str, str],
        settings: Mapping[str, Any],
        names: Mapping[str, str],
    ) -> None:
        self._description = {"names": dict(names), "weights": dict(weights), "settings": dict(settings)}
        counted = json.dumps([self._description["weights"], self._description["settings"]], sort_keys=True)
        self._root = Path(folder)
        self.folder = self._root / _hash(counted.encode()).hex()
        self._known: dict[str, LogProbs] = {}
        self._read: dict[Path, tuple[int, int]] = {}  # bytes and lines of each file
        self._log: RowLog | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._describe()
        except OSError as error:
            raise unreadable(self.folder, error) from error
        self.read()

    def _describe(self) -> None:
        manifest = self.folder / MANIFEST
        if not manifest.exists():
            # Under a name of its own first: all processes of a run come by here at once.
            partial = self.folder / f"{uuid4().hex}.partial"
            partial.write_text(json.dumps(self._description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            partial.replace(manifest)

    def __len__(self) -> int:
        return len(self._known)

    def others(self) -> list[str]:
        """Return a line for each other reference that the folder has entries of: its names, and what is another."""
        found = []
        for path in sorted(self._root.glob(f"*/{MANIFEST}")):
            if path.parent != self.folder and any(path.parent.glob("*.jsonl")):
                other = read_json(path)
                differences = [
                    f"{name} {_at(other, part, name)} there, {_at(self._description, part, name)} here"
                    for part in ("weights", "settings")
                    for name in sorted({*other.get(part, {}), *self._description[part]})
                    if _at(other, part, name) != _at(self._description, part, name)
                ]
                names = ", ".join(map(str, other.get("names", {}).values()))
                found.append(f"{path.parent.name} ({names}): {'; '.join(differences)}")
        return found

    def missing(self, keys: Sequence[str]) -> list[str]:
        """Return those of the keys that no process has kept anything of."""
        if not all(key in self._known for key in keys):
            self.read()
        return [key for key in keys if key not in self._known]

    def tensors(self, keys: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the reference gave to the chosen and to the rejected answers, two tensors of shape (n,).

        Raises:
            KeyError: nothing is kept of one of them.
        """
        found = [self._known[key] for key in keys]
        chosen, rejected, _ = zip(*found, strict=True)
        dtype = getattr(torch, found[0].dtype)
        return torch.tensor(chosen, dtype=torch.float64).to(dtype), torch.tensor(rejected, dtype=torch.float64).to(
            dtype
        )

    def keep(self, key: str, found: LogProbs) -> None:
        """Keep what the reference gave to a pair; a pair that is kept already stays as it is.

        Raises:
            InputError: the file cannot be written.
        """
        if key in self._known:
            return
        if self._log is None:
            self._log = RowLog(self.folder / f"{uuid4().hex}.jsonl").__enter__()
        self._log.append({"id": key, **found._asdict()})
        self._known[key] = found

    def close(self) -> None:
        """Give the file back that this process wrote to."""
        if self._log is not None:
            self._log.__exit__(None, None, None)
            self._log = None

    def read(self) -> None:
        """Read what was added since: whole lines, since a process may be writing one, or have been ended over it."""
        for path in sorted(self.folder.glob("*.jsonl")):
            begin, number = self._read.get(path, (0, 0))
            try:
                if path.stat().st_size <= begin:
                    continue
                with path.open("rb") as file:
                    file.seek(begin)
                    data = file.read()
            except OSError as error:
                raise unreadable(path, error) from error
            *lines, unfinished = data.split(b"\n")
            for line in lines:
                number += 1
                key, found = _entry(line, f"{path}:{number}")
                self._known.setdefault(key, found)
            self._read[path] = begin + len(data) - len(unfinished), number


def _entry(line: bytes, where: str) -> tuple[str, LogProbs]:
    try:
        row = parse_row(line, where)
        key, found = given_id(row, where), LogProbs(row["chosen"], row["rejected"], row["dtype"])
        if not all(isinstance(number, float) and math.isfinite(number) for number in found[:2]):
            raise KeyError("a number")
        if found.dtype not in _DTYPES:
            raise KeyError("a type of numbers")
    except (InputError, KeyError) as error:
        raise InputError(where, "line", "is damaged", "remove the line: its pair is computed again") from error
    return key, found


def _at(description: Mapping[str, Any], part: str, name: str) -> str:
    return str(description.get(part, {}).get(name, "not set"))

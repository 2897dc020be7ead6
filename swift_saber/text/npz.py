"""Words and numbers out of NumPy's archives (.npz), the form in which some benchmarks ship labels and results.

numpy.load(allow_pickle=True), which the authors' own scripts use, runs whatever code such a file brings. Here an array
of Python objects is read with stand-ins for the few names that NumPy's own pickles have; nothing else in a file can be
called, and one that names anything else is refused.
"""

import io
import math
import os
import pickle
import re
import zipfile
from typing import Any

import numpy as np

from swift_saber.errors import InputError, unreadable

#: Bytes that an archive may unpack to, and values that it may hold; ours, far above a benchmark's labels.
MOST_BYTES, MOST_VALUES = 1 << 30, 5_000_000
_DEEPEST = 6
# Booleans, whole numbers, floats and texts; "f8" in a pickle, "<f8" with its byte order.
_CODE = re.compile(r"[?bhilqBHILQefd]|[biufU]\d{1,7}")


def read_npz(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the arrays of an archive by name as Python's own values: a number or text, or lists and dicts of them.

    Raises:
        InputError: the file cannot be read, is no such archive or too large, or holds anything else, such as code.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            size = sum(part.file_size for part in parts.infolist())  # of no part more is unpacked than it says
            if size > MOST_BYTES:
                raise ValueError(f"unpacks to {size >> 20:,} MiB, above {MOST_BYTES >> 20:,}")
            plain = _Plain()
            return {name.removesuffix(".npy"): plain.value(_array(parts.read(name))) for name in parts.namelist()}
    except OSError as error:
        raise unreadable(path, error) from error
    except Exception as error:  # a damaged or hostile pickle can raise anything
        problem = f"cannot be read as an archive of labels ({type(error).__name__}: {error})"
        raise InputError(str(path), "file", problem, "take the file as its authors distribute it") from error


def _array(data: bytes) -> Any:
    """The content of one .npy file: a NumPy array of plain values, or an _Array of objects."""
    file = io.BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"array in version {version} of the form")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, is_fortran, dtype = read(file)
    if dtype.hasobject:
        return _Unpickler(file).load()
    # Not read_array, which reserves what the header says before it looks at how much there is.
    return _numbers(dtype, data[file.tell() :], shape, is_fortran)


def _numbers(dtype: np.dtype[Any], data: bytes, shape: tuple[int, ...], is_fortran: bool) -> Any:
    if dtype.kind not in "biufU" or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"array of {dtype} and shape {shape} in {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if is_fortran else "C")


class _Unpickler(pickle.Unpickler):
    """Reads a pickle in which nothing but the stand-ins below can be called."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[module.replace("numpy._core", "numpy.core"), name]
        except KeyError:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no labels need") from None


class _Array:
    """An array of a pickle: what NumPy would make it of."""

    def __init__(self, *_: object) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state


class _DType:
    """The type of an array's values in a pickle."""

    def __init__(self, code: str, *_: object) -> None:
        self.code, self.order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def dtype(self) -> np.dtype[Any]:
        if not _CODE.fullmatch(self.code) or self.order not in ("<", ">", "=", "|"):
            raise ValueError(f"array of type {self.order}{self.code}")
        return np.dtype(f"{self.order}{self.code}")


class _Scalar:
    """One value of a pickle that is NumPy's and not Python's."""

    def __init__(self, dtype: _DType, data: bytes) -> None:
        self.of, self.data = dtype, data


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.multiarray", "scalar"): _Scalar,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _DType,
}


class _Plain:
    """Turns what was read into Python's own values; counts them, since a pickle can name one list many times."""

    def __init__(self) -> None:
        self._left = MOST_VALUES

    def value(self, of: Any, depth: int = 0) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise ValueError("holds more values, or more deeply nested ones, than labels have")
        if of is None or isinstance(of, str | int | float):
            return of
        if isinstance(of, dict):
            return {self._key(key): self.value(one, depth + 1) for key, one in of.items()}
        if isinstance(of, list | tuple):
            return [self.value(one, depth + 1) for one in of]
        if isinstance(of, np.ndarray):
            self._left -= of.size
            return of.tolist()
        if isinstance(of, _Scalar):
            return _numbers(of.of.dtype(), of.data, (), False).tolist()
        if isinstance(of, _Array):
            return self._array(of, depth)
        raise ValueError(f"holds {type(of).__name__}")

    def _key(self, of: Any) -> str:
        key = self.value(of, _DEEPEST)
        if not isinstance(key, str):
            raise ValueError("holds an object whose keys are no texts")
        return key

    def _array(self, of: _Array, depth: int) -> Any:
        _, shape, dtype, is_fortran, data = of.state
        if isinstance(data, list):
            return self.value(data if shape else data[0], depth + 1)
        return self.value(_numbers(dtype.dtype(), data, tuple(shape), bool(is_fortran)), depth + 1)

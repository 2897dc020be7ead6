"""NumPy's archives of labels, made by NumPy itself, and such that would run code or lie."""

import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from swift_saber.errors import InputError
from swift_saber.text import npz
from swift_saber.text.npz import read_npz


def test_what_numpy_wrote_is_read_as_plain_values(tmp_path: Path) -> None:
    corpus = {
        "a": {"emo": "sad", "val": np.float32(-0.5)},
        "b": {"emo": 2, "val": 1.25},
        "c": {"emo": "好", "val": -10},
    }
    arrays = {
        "test_corpus": np.array(corpus, dtype=object),
        "filenames": np.array(["a", "b"]),
        "lists": np.array([["sad", "worried"], []], dtype=object),
        "nested": np.array({"x": np.array([1, 2]), "y": np.array(["z"])}, dtype=object),
        "named": np.array({np.str_("好"): np.str_("sad")}, dtype=object),
        "one": np.array("happy"),
        "numbers": np.array([[1.5, 2.5], [3.5, 4.5]], order="F"),
        "big_endian": np.array([258], dtype=">i2"),
        "yes": np.array(True),
    }
    for name, save in (("plain.npz", np.savez), ("packed.npz", np.savez_compressed)):
        save(tmp_path / name, **arrays)
        # -0.5 and 1.25 have no rounding in either width.
        assert read_npz(tmp_path / name) == {
            "test_corpus": {
                "a": {"emo": "sad", "val": -0.5},
                "b": {"emo": 2, "val": 1.25},
                "c": {"emo": "好", "val": -10},
            },
            "filenames": ["a", "b"],
            "lists": [["sad", "worried"], []],
            "nested": {"x": [1, 2], "y": ["z"]},
            "named": {"好": "sad"},
            "one": "happy",
            "numbers": [[1.5, 2.5], [3.5, 4.5]],
            "big_endian": [258],
            "yes": True,
        }


def test_the_names_of_numpy_1_are_read_too(tmp_path: Path) -> None:
    data = objects({"a": np.float64(0.5)})
    assert b"numpy._core" in data  # as this NumPy writes it
    path = archive(tmp_path, data.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    assert read_npz(path) == {"x": {"a": 0.5}}


class Runs:
    """What is called when it is unpickled."""

    def __init__(self, call: Any, *given: Any) -> None:
        self.call, self.given = call, given

    def __reduce__(self) -> Any:
        return self.call, self.given


def objects(value: Any, protocol: int = 3) -> bytes:
    """One .npy file with an object in it, at a protocol whose names have no lengths before them."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
    held = np.empty((), dtype=object)
    held[()] = value
    file.write(pickle.dumps(held, protocol))
    return file.getvalue()


def archive(folder: Path, data: bytes) -> Path:
    path = folder / "labels.npz"
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("x.npy", data)
    return path


@pytest.mark.parametrize("protocol", [0, 3, 4, 5])
@pytest.mark.parametrize("call", [os.mkdir, exec, getattr, np.load, np.frombuffer, pickle.loads])
def test_code_in_an_archive_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: Any, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {os.mkdir: ("ran",), exec: ("import os; os.mkdir('ran')",), getattr: ("", "upper")}.get(call, (b"",))
    path = archive(tmp_path, objects({"a": Runs(call, *given)}, protocol))
    with pytest.raises(InputError, match="labels.npz: file: cannot be read .* it names .*; take the file"):
        read_npz(path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["labels.npz"]


def lies() -> dict[str, bytes]:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    ring: list[Any] = []
    ring.append(ring)
    many: Any = ["x"] * 1000
    for _ in range(4):
        many = [many] * 1000
    good = objects({"a": "sad"})
    return {
        "more than there is": file.getvalue() + bytes(8),
        "itself": objects(ring),
        "one list a million million times": objects(many),
        "a set": objects({1, 2}),
        "keys that are no texts": objects({1: "sad"}),
        "cut short": good[:-20],
        "no array": b"sad",
        "nothing": b"",
        # Raw bytes as Python objects: NumPy itself would take them for addresses.
        "addresses": objects({"a": np.array([1])}, 4).replace(b"\x8c\x02i8", b"\x8c\x02O8"),
        "dates": objects({"a": np.datetime64("2026-01-01")}),
    }


@pytest.mark.parametrize("name", lies())
def test_a_file_that_lies_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="labels.npz: file: cannot be read as an archive of labels"):
        read_npz(archive(tmp_path, lies()[name]))


def test_what_is_no_archive_is_not_there_or_is_too_large_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_npz(tmp_path / "labels.npz")
    (tmp_path / "labels.npz").write_bytes(b"name,openset\n")
    with pytest.raises(InputError, match="BadZipFile"):
        read_npz(tmp_path / "labels.npz")
    monkeypatch.setattr(npz, "MOST_BYTES", 1 << 20)
    with pytest.raises(InputError, match="unpacks to 2 MiB, above 1"):
        read_npz(archive(tmp_path, bytes(2 << 20)))

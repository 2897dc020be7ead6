"""The manifest: what a run rests on, and what two runs differ in."""

import hashlib
import json
from pathlib import Path

import pytest

from swift_saber import __version__
from swift_saber.errors import InputError
from swift_saber.evaluation.compare import differences
from swift_saber.evaluation.run import make_manifest


def test_data_is_named_by_its_place_in_the_benchmark_and_hashed(tmp_path: Path) -> None:
    file = tmp_path / "MOSI.json"
    file.write_bytes(b"[]\n")
    made = make_manifest("saber-7b", {"benchmark_json/MOSI.json": file}, {"official": False})
    assert made["model"] == "saber-7b"
    assert made["data"] == {"benchmark_json/MOSI.json": hashlib.sha256(b"[]\n").hexdigest()}
    assert made["seeds"] == {"bootstrap": 0}
    assert made["settings"] == {"bootstrap_draws": 1000, "official": False}
    assert made["versions"]["swift-saber"] == __version__
    assert {"python", "numpy", "torch"} <= made["versions"].keys()
    assert json.loads(json.dumps(made)) == made


def test_the_same_run_in_another_folder_has_the_same_manifest(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.json").write_text("[]")
        made.append(make_manifest("m", {"a.json": tmp_path / name / "a.json"}, {}))
    assert differences(*made) == []


def test_each_difference_is_named() -> None:
    first = {"model": "m", "data": {"a": "12", "b": "34"}, "seeds": {"bootstrap": 0}, "settings": {"official": True}}
    second = {"model": "m", "data": {"a": "56"}, "seeds": {"bootstrap": "0"}, "settings": {"official": 1}}
    assert differences(first, second) == [
        'data.a: "12" / "56"',
        'data.b: "34" / absent',
        'seeds.bootstrap: 0 / "0"',
        "settings.official: true / 1",
    ]


def test_a_file_that_is_not_there_and_a_setting_that_is_no_json_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone.json: file: No such file"):
        make_manifest("m", {"gone.json": tmp_path / "gone.json"}, {})
    with pytest.raises(InputError, match="manifest: settings: cannot be kept"):
        make_manifest("m", {}, {"limit": float("nan")})

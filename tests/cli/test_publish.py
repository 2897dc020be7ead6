"""`swift-saber publish`: what it prints, its status, and what it refuses before anything is written."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from swift_saber.cli.main import main
from swift_saber.review.items import Items
from swift_saber.review.log import ReviewLog
from tests.pipeline.publish.world import clip, said, write


@pytest.fixture
def records(tmp_path: Path) -> Path:
    rows = [clip(tmp_path / "clips", name, seed) for seed, name in enumerate("ab")]
    return write(tmp_path / "records" / "train.jsonl", *rows)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return said(tmp_path / "said.yaml", media={"mine": "CC0-1.0"})


def test_it_says_what_it_wrote_and_where(
    records: Path, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "data"
    assert main(["publish", str(records), "-o", str(output), "--settings", str(settings), "--workers", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "train        2",
        "without clip 0",
        "refused      0",
        f"written to {output}; the report to {output}.report.json, which is not to be published",
    ]
    assert not (tmp_path / "data.partial").exists()


def test_a_clip_that_is_gone_is_status_1_and_named(
    records: Path, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clips" / "a.mp4").unlink()
    assert main(["publish", str(records), "-o", str(tmp_path / "data"), "--settings", str(settings)]) == 1
    told = capsys.readouterr()
    assert f"{records}:1: mine/all/a: videos: {tmp_path}/clips/a.mp4: no such file or directory; " in told.err
    assert "train        1\n" in told.out and "refused      1\n" in told.out
    (row,) = json.loads((tmp_path / "data.report.json").read_text(encoding="utf-8"))["not published"]
    assert (row["id"], row["where"]) == ("mine/all/a", f"{records}:1")


def test_where_no_clip_is_left_nothing_is_written(
    records: Path, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "clips").iterdir():
        path.unlink()
    assert main(["publish", str(records), "-o", str(tmp_path / "data"), "--settings", str(settings)]) == 2
    assert "none of 2 can be published (the first: mine/all/a: videos: " in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"clips", "records", "said.yaml"}


def test_a_folder_is_all_its_records_and_says_what_it_passed_over(
    records: Path, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(records.parent / "test.jsonl", clip(tmp_path / "clips", "c", 3))
    write(records.parent / "questions.jsonl", {"id": "q", "messages": []})
    (records.parent / "empty.jsonl").touch()
    assert main(["publish", str(records.parent), "-o", str(tmp_path / "data"), "--settings", str(settings)]) == 0
    out = capsys.readouterr().out
    assert "test         1\ntrain        2\n" in out
    for name in ("questions", "empty"):
        assert f"passed over, as it holds no records: {records.parent}/{name}.jsonl" in out


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"name": None}, "publish.name: is not set; write the data set's name"),
        ({"licence": ""}, "publish.licence: is not a licence; write the licence of the annotations, e.g. CC-BY-4.0"),
        ({"contact": None}, "publish.contact: is not set; write an address that questions may be sent to"),
        ({"license": "MIT"}, "publish.license: is not a setting; write licence"),
        ({"homepage": "lab page"}, "publish.homepage: 'lab page' is no address; write it as https://..."),
        ({"media": ["mine"]}, "publish.media: is a list, not licences; write `source: LICENCE` lines below it"),
        ({"media": {"mine": None}}, "publish.media: None is no licence of 'mine'"),
        ({"media": {"mien": "MIT"}}, "publish.media.mien: is the source of no row; the sources are 'mine'"),
    ],
)
def test_settings_are_checked_before_anything_is_written(
    changed: dict[str, Any], message: str, records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = said(tmp_path / "s.yaml", **changed)
    assert main(["publish", str(records), "-o", str(tmp_path / "data"), "--settings", str(settings)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("data*"))


def test_a_recipe_with_the_block_is_a_file_of_settings_too(records: Path, tmp_path: Path) -> None:
    settings = tmp_path / "recipe.yaml"
    settings.write_text("output: x\npublish: {name: N, licence: MIT, contact: C}\n", encoding="utf-8")
    assert main(["publish", str(records), "-o", str(tmp_path / "data"), "--settings", str(settings)]) == 0


@pytest.mark.parametrize("name", ["data", "data.partial", "data.report.json"])
def test_what_is_there_is_not_touched(
    name: str, records: Path, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = tmp_path / name / "file" if name != "data.report.json" else tmp_path / name
    there.parent.mkdir(exist_ok=True)
    there.write_text("mine", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    assert main(["publish", str(records), "-o", str(tmp_path / "data"), "--settings", str(settings)]) == 2
    assert f"{tmp_path / name}: output: " in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before and there.read_text(encoding="utf-8") == "mine"


def test_a_folder_without_a_name_is_no_output(
    records: Path, settings: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(records.parent)
    assert main(["publish", str(records), "-o", ".", "--settings", str(settings)]) == 2
    assert ".: output: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"id": "x"}], "train.jsonl:1: audio_desc: is missing"),
        (["first", "first"], "train.jsonl:2: id: 'mine/all/a' is there twice; remove one of the two rows"),
        ([], "train.jsonl: file: holds no row"),
    ],
)
def test_rows_that_are_no_records_end_it(
    rows: list[Any], message: str, records: Path, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = json.loads(records.read_text(encoding="utf-8").splitlines()[0])
    write(records, *(first if row == "first" else row for row in rows))
    assert main(["publish", str(records), "-o", str(tmp_path / "data"), "--settings", str(settings)]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("data*"))


def test_a_disk_that_is_too_small_is_said_before_anything_is_copied(
    records: Path,
    settings: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10, 10, 1000))
    assert main(["publish", str(records), "-o", str(tmp_path / "data"), "--settings", str(settings)]) == 2
    assert "disk: has 0.0 MB free, and about 0." in capsys.readouterr().err
    assert not list(tmp_path.glob("data*"))


def test_a_disk_that_runs_full_is_said_in_a_line_and_nothing_is_left(
    records: Path,
    settings: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = ["publish", str(records), "-o", str(tmp_path / "data"), "--settings", str(settings)]
    with monkeypatch.context() as patch:
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        patch.setattr("swift_saber.pipeline.publish.publish.write_text", Mock(side_effect=full))
        assert main(command) == 2
    said = f"{tmp_path}: disk: No space left on device; nothing is left of what was written; make room"
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("*data*"))
    assert main(command) == 0


def test_ctrl_c_leaves_nothing(settings: Path, tmp_path: Path) -> None:
    row = clip(tmp_path / "clips", "a")
    records = write(tmp_path / "train.jsonl", *(row | {"id": f"mine/all/{number}"} for number in range(3000)))
    command = [sys.executable, "-m", "swift_saber.cli", "publish", str(records), "-o", str(tmp_path / "data")]
    command += ["--settings", str(settings), "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not list((tmp_path / "data.partial").glob("media/**/*.mp4")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    finally:
        process.kill()
    assert {path.name for path in tmp_path.iterdir()} == {"clips", "train.jsonl", "said.yaml"}


def test_what_people_said_of_records_without_a_run_is_in_the_card(
    records: Path, settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = Items([records])
    for name in ("annabella", "benjamin"):
        with ReviewLog(tmp_path / "reviews", name) as log:
            for number, item in enumerate(items.values()):
                log.save(f"{name}{number}", item, 0, decision="accept", reason="secret reason", after=item.values)
    arguments = ["publish", str(records), "-o", str(tmp_path / "data"), "--settings", str(settings)]
    assert main([*arguments, "--reviews", str(tmp_path / "reviews")]) == 0
    card = (tmp_path / "data" / "README.md").read_text(encoding="utf-8")
    assert "## What people say of it" in card and "No person has looked" not in card
    for private in ("annabella", "benjamin", "secret reason"):
        assert private not in card


def test_its_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["publish", "--help"])
    out = capsys.readouterr().out
    assert "example: swift-saber publish runs/saber-data -o dataset" in out and "Nothing is uploaded" in out

"""What was published without clips is joined with them again: by id, by their bytes, or reported."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from swift_saber.pipeline.publish.publish import publish
from swift_saber.pipeline.release import JoinReport, join
from swift_saber.pipeline.sources.base import open_source
from tests.pipeline.publish.world import clip, rows_of, said, write
from tests.pipeline.result.run_folder import RECORD


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[dict[str, Any]]]:
    """The folder of clips, the published folder, and the rows that were published."""
    folder = tmp_path_factory.mktemp("join")
    rows = [
        clip(folder / "clips", name, seed, sound=sound)
        for seed, (name, sound) in enumerate([("a", "inside"), ("b", "wav"), ("c", "inside")])
    ]
    files = [write(folder / "train.jsonl", *rows[:2]), write(folder / "test.jsonl", rows[2])]
    found = publish(files, folder / "dataset", form="annotations", settings=said(folder / "said.yaml"))
    assert not found.refused
    return folder / "clips", folder / "dataset", rows


def _joined(published: Path, clips: Path, **options: Any) -> tuple[list[dict[str, Any]], JoinReport]:
    report = JoinReport()
    source = open_source("generic", clips, language="en", **options)
    return list(join(published, source.clips(), report)), report


def test_rows_are_the_originals_again_with_the_paths_of_here(world: Any, tmp_path: Path) -> None:
    clips, published, rows = world
    shutil.copytree(clips, tmp_path / "elsewhere")
    found, report = _joined(published, tmp_path / "elsewhere", name="mine")
    assert [row.pop("part") for row in found] == ["test", "train", "train"]
    moved = json.loads(json.dumps(rows).replace(str(clips), str(tmp_path / "elsewhere")))
    assert found == [moved[2], moved[0], moved[1]]
    assert report.joined.total() == 3 and not report.other_files and not report.by_digest
    assert not report.missing and not report.unused


def test_rows_of_one_file_have_no_part(world: Any) -> None:
    clips, published, rows = world
    found, _ = _joined(published / "train.jsonl", clips, name="mine")
    assert found == rows[:2]


def test_clips_of_other_names_are_known_by_their_bytes(world: Any, tmp_path: Path) -> None:
    clips, published, _ = world
    # "b" is called "a" here, and the other way round: by the last part of the id each would be the wrong one.
    for name, other in (("a", "b"), ("b", "a"), ("c", "2024 01")):
        for path in clips.glob(f"{name}.*"):
            (tmp_path / "x").mkdir(exist_ok=True)
            shutil.copy(path, tmp_path / "x" / f"{other}{path.suffix}")
    found, report = _joined(published, tmp_path)
    assert {row["id"]: Path(row["videos"][0]).stem for row in found} == {
        "mine/all/a": "b",
        "mine/all/b": "a",
        "mine/all/c": "2024 01",
    }
    assert report.by_digest == 3 and not report.other_files and not report.unused


def test_a_clip_that_is_another_file_is_joined_and_reported(world: Any, tmp_path: Path) -> None:
    clips, published, _ = world
    shutil.copytree(clips, tmp_path / "clips")
    video, sound = tmp_path / "clips" / "a.mp4", tmp_path / "clips" / "b.wav"
    size = video.stat().st_size
    video.write_bytes(video.read_bytes() + b"\0")
    data = bytearray(sound.read_bytes())
    data[-1] ^= 1
    sound.write_bytes(data)
    found, report = _joined(published, tmp_path / "clips", name="mine")
    assert len(found) == 3
    assert report.other_files == [
        ("mine/all/a", "mine/all/a", f"the video has {size + 1:,} bytes, and had {size:,}"),
        ("mine/all/b", "mine/all/b", "the sound has other bytes"),
    ]
    assert report.to_dict()["counts"]["another file"] == 2


def test_two_clips_of_the_same_bytes_are_not_guessed(world: Any, tmp_path: Path) -> None:
    clips, published, _ = world
    for name in ("x", "y"):
        shutil.copy(clips / "c.mp4", tmp_path / f"{name}.mp4")
    found, report = _joined(published / "test.jsonl", tmp_path)
    assert found == []
    assert report.ambiguous == [("mine/all/c", ["generic/all/x", "generic/all/y"])]


def test_only_files_of_the_same_size_are_read(world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips, published, _ = world
    for name in ("a", "c"):
        shutil.copy(clips / f"{name}.mp4", tmp_path / f"as {name}.mp4")
    (tmp_path / "other.mp4").write_bytes(b"x" * 10)
    read: list[str] = []

    def sha256(path: str) -> str:
        from swift_saber.pipeline.publish.clips import sha256

        read.append(Path(path).name)
        return sha256(path)

    monkeypatch.setattr("swift_saber.pipeline.release.sha256", sha256)
    found, _ = _joined(published / "test.jsonl", tmp_path)
    assert len(found) == 1 and read == ["as c.mp4"]


@pytest.mark.parametrize("files", ["x", {"videos": [{"sha256": 1, "bytes": 1}]}, {"videos": "x"}, {"videos": [None]}])
def test_a_column_of_that_name_with_something_else_in_it_stays(world: Any, tmp_path: Path, files: Any) -> None:
    clips, published, _ = world
    row = rows_of(published / "test.jsonl")[0] | {"files": files}
    found, _ = _joined(write(tmp_path / "r.jsonl", row), clips, name="mine")
    assert found[0]["files"] == files


@pytest.mark.parametrize("form", ["paths", "webdataset", "parquet"])
def test_rows_without_clips_are_joined_from_every_form(form: str, world: Any, tmp_path: Path) -> None:
    clips, _, rows = world
    given_on = rows[0] | {"id": "free/all/x", "source": "free"}
    rows = [row | {"labels": {"emotion": "sad", f"of {row['id']}": [1, 2]}} for row in rows]
    files = [write(tmp_path / "train.jsonl", given_on, *rows[:2]), write(tmp_path / "test.jsonl", rows[2])]
    publish(files, tmp_path / "out", form=form, settings=said(tmp_path / "s.yaml", media={"free": "CC0-1.0"}))
    found, report = _joined(tmp_path / "out", clips, name="mine")
    assert sorted(row.pop("part") for row in found) == ["test", "train", "train"]
    assert sorted(found, key=lambda row: row["id"]) == rows
    assert not report.other_files and not report.missing


def test_of_clips_of_the_same_bytes_the_one_of_the_name_is_taken(world: Any, tmp_path: Path) -> None:
    clips, published, _ = world
    for name in ("c", "x"):
        shutil.copy(clips / "c.mp4", tmp_path / f"{name}.mp4")
    found, report = _joined(published / "test.jsonl", tmp_path)
    assert [Path(row["videos"][0]).stem for row in found] == ["c"] and not report.by_digest


def test_clips_of_one_size_are_read_once_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 60 renamed clips of one size, and not each for each record."""
    from swift_saber.pipeline import release

    names = [f"{number:02d}" for number in range(60)]
    rows = []
    for name in names:
        data = name.encode() * 50
        (tmp_path / f"renamed {name}.mp4").write_bytes(data)
        one = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "seconds": 1.0}
        rows.append({"id": f"mine/all/{name}", "language": "en", "files": {"videos": [one], "audios": []}, **RECORD})
    at, asked = release._at, []
    monkeypatch.setattr(
        "swift_saber.pipeline.release._at", lambda spool, place: asked.append(place) or at(spool, place)
    )
    found, report = _joined(write(tmp_path / "rows.jsonl", *rows), tmp_path)
    assert [Path(row["videos"][0]).stem for row in found] == [f"renamed {name}" for name in names]
    assert report.by_digest == 60 and len(asked) <= 2 * 60

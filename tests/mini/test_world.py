"""The world: clips that depend on nothing but their name and the seed, and a folder that is whole or says why not."""

import hashlib
import json
from pathlib import Path

import pytest

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.mini.world import KINDS, Truth, record, sample_clip, sample_split, write_world
from swift_saber.sed.record import Row

FEW = {"consistent": 2, "plain": 1, "conflict": 2, "hidden": 1, "mute": 1}


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "media").iterdir()}


def rows(path: Path) -> list[dict[str, object]]:
    return [row for _, row in read_rows(path)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mini") / "world"
    write_world(folder, seed=5, train_counts=FEW, pairs_counts=FEW, eval_counts=FEW, workers=1)
    return folder


def test_bytes_depend_neither_on_counts_nor_on_processes(world: Path, tmp_path: Path) -> None:
    more = {kind: number + 1 for kind, number in FEW.items()}
    write_world(tmp_path / "more", seed=5, train_counts=more, pairs_counts=FEW, eval_counts=FEW, workers=2)
    ours, theirs = digests(world), digests(tmp_path / "more")
    assert len(theirs) == len(ours) + 2 * len(KINDS)
    assert {name: theirs[name] for name in ours} == ours


def test_another_seed_gives_other_clips(world: Path, tmp_path: Path) -> None:
    write_world(tmp_path / "other", seed=6, train_counts=FEW, pairs_counts=FEW, eval_counts=FEW, workers=1)
    assert not set(digests(world).values()) & set(digests(tmp_path / "other").values())


def test_splits_share_neither_ids_nor_media(world: Path) -> None:
    splits = [rows(world / name) for name in ("train.jsonl", "pairs_clips.jsonl", "eval.jsonl")]
    ids = [row["id"] for split in splits for row in split]
    assert len(set(ids)) == len(ids) == 3 * sum(FEW.values())
    files = digests(world)  # of the bytes: no clip is another's copy under a new name
    assert len(set(files.values())) == len(files) == 2 * len(ids)


def test_rows_are_saber_rows_and_questions(world: Path) -> None:
    for where, row in [*read_rows(world / "train.jsonl"), *read_rows(world / "pairs_clips.jsonl")]:
        read = Row.from_dict(row, where)
        assert read.record == record(Truth(**row["labels"]))
        assert row["consistency"] == ("inconsistent" if row["labels"]["kind"] == "conflict" else "consistent")
    for _, row in read_rows(world / "eval.jsonl"):
        assert [message["role"] for message in row["messages"]] == ["user"]
        for path in row["videos"] + row["audios"]:
            assert Path(path).is_absolute() and Path(path).is_file()


def test_a_finished_world_is_reused_and_an_interrupted_one_is_continued(tmp_path: Path) -> None:
    def make() -> Path:
        return write_world(tmp_path / "world", train_counts=FEW, pairs_counts=FEW, eval_counts=FEW, workers=1)

    manifest = make()
    files, times = digests(manifest.parent), manifest.stat().st_mtime_ns
    make()
    assert manifest.stat().st_mtime_ns == times
    manifest.rename(manifest.with_name("world.started.json"))
    for path in list((manifest.parent / "media").iterdir())[:5]:
        path.unlink()
    (manifest.parent / "train.jsonl").unlink()
    assert make() == manifest
    assert digests(manifest.parent) == files
    assert len(rows(manifest.parent / "train.jsonl")) == sum(FEW.values())


def test_other_settings_in_the_same_folder_are_an_error(world: Path) -> None:
    with pytest.raises(InputError, match=r"world\.json.*delete .* or use its settings again"):
        write_world(world, seed=6, train_counts=FEW, pairs_counts=FEW, eval_counts=FEW, workers=1)


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="choose an empty or a new folder"):
        write_world(tmp_path, train_counts=FEW, pairs_counts=FEW, eval_counts=FEW, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_truth_follows_from_kind_face_and_voice() -> None:
    meaning = {
        ("smile", "warm"): "happy",
        ("frown", "hostile"): "angry",
        ("smile", "hostile"): "sarcastic",
        ("frown", "warm"): "forced calm",
        ("hidden", "warm"): "happy",
        ("hidden", "hostile"): "angry",
        ("smile", "plain"): "happy",
        ("frown", "plain"): "angry",
        ("smile", "silent"): "happy",
        ("frown", "silent"): "angry",
    }
    truths = sample_split("train", dict.fromkeys(KINDS, 20), seed=1)
    assert {(truth.face, truth.voice): truth.emotion for truth in truths} == meaning
    for kind in KINDS:
        emotions = [truth.emotion for truth in truths if truth.kind == kind]
        assert {emotions.count(emotion) for emotion in set(emotions)} == {10}


def test_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="conflit"):
        sample_clip("conflit", "train", 0, 0)
    with pytest.raises(ValueError, match="conflit"):
        sample_split("train", {"conflit": 1}, 0)


def test_manifest_names_seed_and_counts(world: Path) -> None:
    manifest = json.loads((world / "world.json").read_text())
    assert [manifest[name] for name in ("seed", "train", "pairs", "eval")] == [5, FEW, FEW, FEW]

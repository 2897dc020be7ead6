"""Every form is read by `datasets`, splits and clips as they were; the same input gives the same bytes."""

import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.publish import clips
from swift_saber.pipeline.publish.forms import field
from swift_saber.pipeline.publish.publish import Outcome, publish
from tests.pipeline.publish.world import clip, rows_of, said, sha256, write

FORMS = ("paths", "webdataset", "parquet", "annotations")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Two splits: a clip with its sound inside, one with a wav, and one of a source that is not given on."""
    folder = tmp_path_factory.mktemp("forms")
    inside, beside = clip(folder / "clips", "a", 1), clip(folder / "clips", "b", 2, sound="wav")
    kept_back = clip(folder / "clips", "c", 3) | {"id": "theirs/all/c", "source": "theirs"}
    # Labels that no table has as they are: a number and a text under one name, and a key that one row has.
    inside["labels"] = {"emotion": "happy", "valence": 1, "grade": 3}
    beside["labels"] = {"emotion": "sad", "valence": 0.5, "grade": "high", "words": ["a", "b"]}
    yield [
        write(folder / "train.jsonl", inside, kept_back),
        write(folder / "eval-1.jsonl", beside),
    ]


def _publish(files: list[Path], output: Path, form: str, **options: Any) -> Outcome:
    output.parent.mkdir(parents=True, exist_ok=True)
    settings = said(output.parent / f"{output.name}.yaml", media={"mine": "CC0-1.0"})
    found = publish(files, output, form=form, settings=settings, **options)
    assert not found.refused
    return found


def _bytes(form: str, folder: Path, row: dict[str, Any]) -> list[bytes]:
    """The video and the sound, if it has one, of a row as `datasets` gives it."""
    if form == "webdataset":
        return [row[name] for name in ("mp4", "wav") if row[name]]
    held = [*row["videos"], *(row["audios"] or [])]
    return [(folder / one).read_bytes() if form == "paths" else one["bytes"] for one in held]


@pytest.mark.parametrize("form", FORMS[:3])
def test_datasets_reads_splits_rows_and_clips(form: str, files: list[Path], tmp_path: Path) -> None:
    import datasets

    _publish(files, tmp_path / "out", form)
    found = datasets.load_dataset(str(tmp_path / "out"))
    assert list(found) == ["train", "eval_1"]
    ((train,), (test,)) = (list(found[split]) for split in found)
    streamed = datasets.load_dataset(str(tmp_path / "out"), streaming=True)
    assert [list(streamed[split]) for split in streamed] == [[train], [test]]
    originals = [rows_of(files[0])[0], rows_of(files[1])[0]]
    for row, original in zip((train, test), originals, strict=True):
        paths = [*original["videos"], *original.get("audios", [])]
        assert _bytes(form, tmp_path / "out", row) == [Path(path).read_bytes() for path in paths]
        told = row["json"] if form == "webdataset" else row
        assert told["id"] == original["id"] and told["audio_desc"] == original["audio_desc"]
        assert [file["sha256"] for of in told["files"].values() for file in of or ()] == list(map(sha256, paths))
    labels = [(row["json"] if form == "webdataset" else row)["labels"] for row in (train, test)]
    # A text where one row has a text; a number where one has a fraction; None where a row says nothing.
    assert labels == [
        {"emotion": "happy", "valence": 1, "grade": "3", "words": None},
        {"emotion": "sad", "valence": 0.5, "grade": "high", "words": ["a", "b"]},
    ]


@pytest.mark.parametrize("form", FORMS[:3])
def test_a_source_that_is_not_named_goes_without_its_clips(form: str, files: list[Path], tmp_path: Path) -> None:
    import datasets

    _publish(files, tmp_path / "out", form)
    (row,) = datasets.load_dataset(str(tmp_path / "out"), "annotations", split="train")
    row = row["json"] if form == "webdataset" else row
    assert row["id"] == "theirs/all/c" and "videos" not in row
    original = Path(rows_of(files[0])[1]["videos"][0])
    assert row["files"]["videos"][0] | {"seconds": 0} == {
        "sha256": sha256(original),
        "bytes": original.stat().st_size,
        "seconds": 0,
    }
    assert row["files"]["videos"][0]["seconds"] == pytest.approx(2.0, abs=0.1)  # 16 pictures at 8 a second
    assert not _contains(tmp_path / "out", original.read_bytes())


def _contains(folder: Path, clip: bytes) -> bool:
    return any(clip in path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("settings", [{}, {"media": {"mine": "CC0-1.0"}}])
def test_without_a_licence_or_as_annotations_no_clip_leaves(
    settings: dict[str, Any], files: list[Path], tmp_path: Path
) -> None:
    import datasets

    form = "annotations" if settings else "webdataset"
    publish(files, tmp_path / "out", form=form, settings=said(tmp_path / "s.yaml", **settings))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["README.md", "eval_1.jsonl", "train.jsonl"]
    found = datasets.load_dataset(str(tmp_path / "out"))
    assert {split: len(found[split]) for split in found} == {"train": 2, "eval_1": 1}


@pytest.mark.parametrize("form", FORMS)
def test_the_same_input_gives_the_same_bytes(form: str, files: list[Path], tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        _publish(files, tmp_path / name / "out", form, shard_bytes=1)
        folder = tmp_path / name / "out"
        made.append({path.relative_to(folder): sha256(path) for path in folder.rglob("*") if path.is_file()})
    assert made[0] == made[1] and len(made[0]) > 2


@pytest.mark.parametrize("form", ["webdataset", "parquet"])
def test_shards_are_bounded_and_no_row_is_cut(form: str, tmp_path: Path) -> None:
    import datasets

    rows = [clip(tmp_path / "clips", f"c{number}", number) for number in range(4)]
    # Names that a tar has to spell in a head of their own.
    rows = [row | {"id": f"{row['id']} {'一' * 30}{copy}"} for copy in range(10) for row in rows]
    total = sum(Path(row["videos"][0]).stat().st_size for row in rows)
    bound = total // 5
    _publish([write(tmp_path / "train.jsonl", *rows)], tmp_path / "out", form, shard_bytes=bound)
    shards = sorted((tmp_path / "out" / "data").iterdir())
    assert [path.stem for path in shards] == [f"train-{number:05d}" for number in range(len(shards))]
    assert all(path.stat().st_size <= bound for path in shards) and 5 <= len(shards) <= 10
    found = datasets.load_dataset(str(tmp_path / "out"), split="train")
    told = [(row["json"] if form == "webdataset" else row)["id"] for row in found]
    assert told == [row["id"] for row in rows]


def test_a_tar_says_nothing_of_who_made_it_and_when(files: list[Path], tmp_path: Path) -> None:
    _publish(files, tmp_path / "out", "webdataset")
    with tarfile.open(tmp_path / "out" / "data" / "eval_1-00000.tar") as shard:
        members = shard.getmembers()
    key = members[0].name.partition(".")[0]
    assert [member.name for member in members] == [f"{key}.mp4", f"{key}.wav", f"{key}.json"]
    assert {(each.mtime, each.uid, each.gid, each.uname, each.gname) for each in members} == {(0, 0, 0, "", "")}


def test_names_of_copies_are_safe_and_no_two_are_one(tmp_path: Path) -> None:
    row = clip(tmp_path / "clips", "a")
    names = ["x", "X", "../up", "a/../../b", "/x", "con.", ".hidden", "一 个", "a\\b", "q?*:|<>", "n" * 300, "m" * 300]
    names += ["CON/Aux.x/nul.x", "com1.mp4", "a./b", "😀/😀/😀", "长" * 300, "长" * 299 + "短", "\u00fc", "u\u0308"]
    _publish([write(tmp_path / "train.jsonl", *(row | {"id": name} for name in names))], tmp_path / "out", "paths")
    found = rows_of(tmp_path / "out" / "train.jsonl")
    paths = [one["videos"][0] for one in found]
    assert [one["id"] for one in found] == names
    assert len({path.lower() for path in paths}) == len(names)
    for path in paths:
        for part in path.split("/"):  # as Windows has it
            assert len(part.encode()) <= 255 and not part.endswith((".", " "))
            assert part.lower().partition(".")[0] not in {"con", "prn", "aux", "nul", "com1"}
        assert re.fullmatch(r"media/[\w./ -]+\.mp4", path) and ".." not in path.split("/")
        assert (tmp_path / "out" / path).resolve().is_relative_to((tmp_path / "out" / "media").resolve())
        assert sha256(tmp_path / "out" / path) == sha256(row["videos"][0])


@pytest.mark.parametrize("form", FORMS[:3])
def test_several_files_of_a_row_and_a_sound_that_lies_in_a_video(form: str, tmp_path: Path) -> None:
    import datasets

    one, two = clip(tmp_path / "clips", "a", 1), clip(tmp_path / "clips", "b", 2)
    row = one | {"videos": [*one["videos"], *two["videos"]], "audios": two["videos"]}
    _publish([write(tmp_path / "train.jsonl", row)], tmp_path / "out", form)
    (found,) = datasets.load_dataset(str(tmp_path / "out"), split="train")
    wanted = [Path(path).read_bytes() for path in (*row["videos"], *row["audios"])]
    if form == "webdataset":
        assert [found["mp4"], found["1.mp4"], found["sound.mp4"]] == wanted
        assert [name.partition(".")[2] for name in found["json"]["audios"]] == ["sound.mp4"]
    else:
        assert _bytes(form, tmp_path / "out", found) == wanted


@pytest.mark.parametrize(
    ("column", "place", "path", "name"),
    [
        ("videos", 0, "/a/b.MP4", "mp4"),
        ("videos", 1, "b.avi", "1.avi"),
        ("audios", 0, "b.wav", "wav"),
        ("audios", 2, "b.mp4", "sound.2.mp4"),
        ("videos", 0, "b.gz", "video"),
        ("audios", 0, "b", "sound.audio"),
    ],
)
def test_a_column_is_named_after_what_a_file_is(column: str, place: int, path: str, name: str) -> None:
    assert field(column, place, path) == name


@pytest.mark.parametrize("form", FORMS)
def test_the_cards_lines_of_python_run_as_printed(form: str, files: list[Path], tmp_path: Path) -> None:
    _publish(files, tmp_path / "my data", form)
    card = (tmp_path / "my data" / "README.md").read_text(encoding="utf-8")
    code = re.findall("```python\n(.*?)```", card, flags=re.S)
    run = subprocess.run([sys.executable, "-c", code[0]], cwd=tmp_path, capture_output=True, text=True, check=True)
    number = 2 if form == "annotations" else 1
    assert run.stdout == f"{number} The smile contradicts the voice: sarcasm.\n"


@pytest.mark.parametrize("form", FORMS[:3])
def test_a_clip_that_changes_while_it_is_copied_ends_it_and_nothing_is_left(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swift_saber.pipeline.publish import publish as module

    def look(*given: Any) -> Iterator[Any]:
        for key, (found, texts) in clips.look(*given):
            Path(key[4]["videos"][0]).write_bytes(b"another")
            yield key, (found, texts)

    monkeypatch.setattr(module, "look", look)
    files = [write(tmp_path / "train.jsonl", clip(tmp_path / "clips", "a"))]
    with pytest.raises(InputError, match="was changed while it was published"):
        _publish(files, tmp_path / "out", form)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "out.yaml", "train.jsonl"]


def test_a_parquet_file_can_be_read_without_datasets(files: list[Path], tmp_path: Path) -> None:
    import pyarrow.parquet as parquet

    _publish(files, tmp_path / "out", "parquet")
    (row,) = parquet.read_table(io.BytesIO((tmp_path / "out/data/eval_1-00000.parquet").read_bytes())).to_pylist()
    assert row["audios"][0]["bytes"] == Path(rows_of(files[1])[0]["audios"][0]).read_bytes()
    assert re.fullmatch(r"mine__all__b-\w{10}\.wav", row["audios"][0]["path"])


def test_another_folder_of_the_same_name_is_not_taken_for_this_one(tmp_path: Path) -> None:
    import datasets

    row = clip(tmp_path / "clips", "a")
    for place, text in (("one", "A kitchen."), ("two", "A garden.")):
        _publish([write(tmp_path / "train.jsonl", row | {"video_desc": text})], tmp_path / place / "out", "parquet")
        found = datasets.load_dataset(str(tmp_path / place / "out"), split="train")
        assert found[0]["video_desc"] == text

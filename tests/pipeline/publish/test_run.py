"""A run of the pipeline as a data set: its card, its clips, and what has become of them since."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.pipeline.publish.publish import publish
from swift_saber.pipeline.release import JoinReport, join
from swift_saber.pipeline.run import run
from swift_saber.pipeline.sources.base import open_source
from tests.llm_server import LLMServer
from tests.media_faults import encode
from tests.pipeline.clips import scene, speech
from tests.pipeline.publish.world import SAID, rows_of, said, sha256
from tests.pipeline.world import Models, make_clips, write_recipe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The source's clips, and a run over them whose recipe says how it is published."""
    folder = tmp_path_factory.mktemp("published")
    clips = make_clips(folder / "set")
    block = SAID | {"media": {"made": "CC-BY-4.0"}}
    with LLMServer(Models(folder / "out")) as server:
        run(str(write_recipe(folder / "r.yaml", clips, folder / "out", server.url, publish=block)))
    yield clips, folder / "out"


@pytest.fixture
def changed(world: tuple[Path, Path]) -> Iterator[Path]:
    """The source's clips, which are put back as they were."""
    clips, _ = world
    shutil.copytree(clips, clips.parent / "kept")
    yield clips
    shutil.rmtree(clips)
    (clips.parent / "kept").rename(clips)


def test_a_run_is_published_as_its_recipe_says(world: tuple[Path, Path], tmp_path: Path) -> None:
    import datasets

    _, output = world
    found = publish([output], tmp_path / "data", form="paths")
    assert not found.refused
    for split in ("train", "test"):
        originals = {row["id"]: row for _, row in read_rows(output / f"{split}.jsonl")}
        rows = list(datasets.load_dataset(str(tmp_path / "data"), split=split))
        assert [row["id"] for row in rows] == list(originals)
        for row in rows:
            # The sound is the run's own: it is what the record was checked against.
            paths = [*originals[row["id"]]["videos"], *originals[row["id"]]["audios"]]
            assert [sha256(tmp_path / "data" / path) for path in (*row["videos"], *row["audios"])] == [
                sha256(path) for path in paths
            ]


def test_its_card_says_how_it_was_made_and_not_where(world: tuple[Path, Path], tmp_path: Path) -> None:
    clips, output = world
    publish([output], tmp_path / "data", form="parquet")
    card = (tmp_path / "data" / "README.md").read_text(encoding="utf-8")
    head = yaml.safe_load(card.split("---\n")[1])
    assert (head["license"], head["language"], head["size_categories"]) == ("cc-by-4.0", ["en"], ["n<1K"])
    assert head["configs"][0]["data_files"] == [
        {"split": split, "path": f"data/{split}-*.parquet"} for split in ("train", "test")
    ]
    for line in (
        "| clean | low resolution | 1 | 14 |",  # what was left out
        "| speech | speech differs | 1 |",
        "| annotate.model | annotator |",
        "| sources | generic |",
        "| made | 7 | 0 | CC-BY-4.0 |",
        "## What people say of it",
        "In 2 of 7 clips face and voice are labelled as saying different things.",
        "Not for judging people",
        "## Licence\n\nOf the annotations; that of the clips is in the table above.\n\nCC-BY-4.0\n",
        "data@example.org",
    ):
        assert line in card, line
    assert not re.search(r"127\.0\.0\.1|base_url|key_env|concurrency|workers", card)
    assert str(clips.parent) not in card and "slurm" not in card


def test_annotations_of_a_run_are_joined_with_the_sources_own_clips(world: tuple[Path, Path], tmp_path: Path) -> None:
    clips, output = world
    publish([output], tmp_path / "data", form="annotations")
    report = JoinReport()
    source = open_source("generic", clips, name="made")
    found = list(join(tmp_path / "data", source.clips(), report))
    originals = [row | {"part": part} for part in ("test", "train") for _, row in read_rows(output / f"{part}.jsonl")]
    # The run has taken the sound out of the clips; in its source it is inside.
    assert found == [{key: value for key, value in row.items() if key != "audios"} for row in originals]
    assert report.joined.total() == len(originals) and not report.other_files
    assert all(not row["files"]["audios"] for row in rows_of(tmp_path / "data" / "train.jsonl"))


def test_settings_of_a_file_win_and_a_run_without_any_is_refused(world: tuple[Path, Path], tmp_path: Path) -> None:
    _, output = world
    publish([output], tmp_path / "a", settings=said(tmp_path / "s.yaml", name="Other"), form="annotations")
    assert "# Other\n" in (tmp_path / "a" / "README.md").read_text(encoding="utf-8")
    shutil.copytree(output, tmp_path / "run")
    noted = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    del noted["recipe"]["publish"]
    (tmp_path / "run" / "run.json").write_text(json.dumps(noted), encoding="utf-8")
    with pytest.raises(InputError, match="publish: is not there; add a block publish: name, licence, contact"):
        publish([tmp_path / "run"], tmp_path / "b")


def test_a_clip_that_is_missing_broken_or_another_one_now_is_listed_and_the_rest_published(
    world: tuple[Path, Path], changed: Path, tmp_path: Path
) -> None:
    _, output = world
    rows = [row for part in ("train", "test") for _, row in read_rows(output / f"{part}.jsonl")]
    names = [Path(row["videos"][0]).name for row in rows]
    missing, broken, longer, other, quiet = names[:5]
    (changed / missing).unlink()
    (changed / broken).write_bytes((changed / broken).read_bytes()[:3000])
    encode(changed / longer, scene(50, 24), speech(50, 3.0))
    encode(changed / other, scene(51), speech(names.index(other)))
    seed = int(quiet[1:3])
    encode(changed / quiet, scene(seed), speech(77))
    found = publish([output], tmp_path / "data", form="annotations")
    reasons = {row["id"].rpartition("/")[2] + ".mp4": row["reason"] for row in found.refused}
    assert list(reasons) == names[:5]
    assert "no such file" in reasons[missing]
    assert "is truncated" in reasons[broken] or "cannot be" in reasons[broken] or "not a readable" in reasons[broken]
    assert "has changed since it was annotated: it lasts 3.0" in reasons[longer]
    assert "has changed since it was annotated: the picture is another one" in reasons[other]
    assert "has changed since it was annotated: the sound is another one" in reasons[quiet]
    told = json.loads(found.report.read_text(encoding="utf-8"))
    assert [row["id"] for row in told["not published"]] == [row["id"] for row in rows[:5]]
    assert sum(told["published"].values()) == len(rows) - 5


def test_a_clip_that_was_copied_anew_is_the_same_one(world: tuple[Path, Path], changed: Path, tmp_path: Path) -> None:
    _, output = world
    for path in changed.glob("*.mp4"):
        path.write_bytes(path.read_bytes())
    assert not publish([output], tmp_path / "data", form="annotations").refused


def test_a_run_that_is_not_at_its_end_is_refused(world: tuple[Path, Path], tmp_path: Path) -> None:
    _, output = world
    (tmp_path / "run").mkdir()
    shutil.copy(output / "run.json", tmp_path / "run")
    with pytest.raises(InputError, match="the run is not at its end"):
        publish([tmp_path / "run"], tmp_path / "data")


def test_the_block_is_no_reason_to_refuse_a_rerun(world: tuple[Path, Path]) -> None:
    _, output = world
    recipe = output.parent / "r.yaml"
    said_before = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    said_before["publish"]["name"] = "Another name"
    recipe.write_text(yaml.safe_dump(said_before), encoding="utf-8")
    run(str(recipe))
    assert json.loads((output / "run.json").read_text(encoding="utf-8"))["recipe"]["publish"]["name"] == "Another name"

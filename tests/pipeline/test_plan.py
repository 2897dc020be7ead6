"""pipeline/plan.py, and the recipe that is shipped."""

from pathlib import Path

import pytest
import yaml

from swift_saber.errors import InputError
from swift_saber.pipeline.plan import STAGES, make_stage, read_plan, result_settings

RECIPES = sorted((Path(__file__).parents[2] / "recipes" / "data").glob("*.yaml"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_every_shipped_recipe_has_settings_that_its_stages_take(recipe: Path) -> None:
    plan = read_plan(str(recipe))
    assert list(plan.stages) == list(STAGES)
    for name, settings in plan.stages.items():
        assert make_stage(name, settings).name == name


@pytest.mark.parametrize("executor", ["local", "slurm", "ray"])
def test_the_executor_is_one_word(executor: str, tmp_path: Path) -> None:
    from swift_saber.pipeline.run import _executor

    text = RECIPES[0].read_text().replace("executor: local ", f"executor: {executor} ")
    path = tmp_path / "r.yaml"
    path.write_text(text.replace("runs/saber-data", str(tmp_path / "out")))
    plan = read_plan(str(path))
    found = _executor(plan, "clean")
    assert type(found).__name__.lower().startswith(executor)
    assert found.world_size == 8


def test_settings_that_no_result_depends_on_do_not_count() -> None:
    before = {
        "judge": {"model": "a", "base_url": "http://x/v1", "concurrency": 1, "media": "frames"},
        "max_contradicted": 0,
    }
    assert result_settings(before) == {"judge": {"model": "a"}, "max_contradicted": 0}


def test_a_source_with_options_and_one_without(tmp_path: Path) -> None:
    recipe = {"output": "o", "dedup": {}, "sources": [{"meld": "/m"}, {"mead": {"folder": "/d", "view": "top"}}]}
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(recipe))
    assert read_plan(str(path)).sources == [("meld", "/m", {}), ("mead", "/d", {"view": "top"})]


def test_a_block_of_the_executor_is_checked(tmp_path: Path) -> None:
    from swift_saber.pipeline.run import _executor

    recipe = {"output": str(tmp_path / "o"), "executor": "slurm", "dedup": {}, "sources": [{"meld": "/m"}]}
    path = tmp_path / "r.yaml"
    for block, said in (({}, "slurm.time: is missing"), ({"time": "1", "colour": 2}, "slurm.colour: is not known")):
        path.write_text(yaml.safe_dump(recipe | {"slurm": block}))
        with pytest.raises(InputError, match=said):
            _executor(read_plan(str(path)), "dedup")


@pytest.mark.parametrize(
    "stages, said",
    [
        (("clean", "split"), "split: needs the stage consistency, which is left out; add its block"),
        (("review",), "review: needs the stage annotate, which is left out"),
        (("visual", "consistency"), "visual: needs the stage annotate, which is left out"),
    ],
)
def test_a_stage_without_what_it_needs_is_refused_before_hours_of_others(
    tmp_path: Path, stages: tuple[str, ...], said: str
) -> None:
    recipe = {"output": "o", **{name: {} for name in stages}, "sources": [{"meld": "/m"}]}
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(recipe))
    with pytest.raises(InputError, match=said):
        read_plan(str(path))
    path.write_text(yaml.safe_dump(recipe | {"sources": [{"rows": "r.jsonl"}]}))  # which may have it already
    assert tuple(read_plan(str(path)).stages) == stages

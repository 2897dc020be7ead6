"""pipeline/stage.py: what all stages have in common."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.plan import make_stage
from tests.pipeline.result.run_folder import clip

SERVICE = {"model": "m", "base_url": "http://127.0.0.1:9/v1"}


@pytest.mark.parametrize(
    ("name", "settings"),
    [("speech", SERVICE), ("visual", {"caption": SERVICE, "judge": SERVICE}), ("consistency", SERVICE)],
)
def test_a_stage_about_records_says_which_stage_writes_them(name: str, settings: dict, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="^a: record: is missing; let the stage annotate run"):
        list(make_stage(name, settings).run([clip("a")], tmp_path, 0))


def test_a_misspelt_setting_is_told_what_it_may_have_been_meant_for() -> None:
    with pytest.raises(InputError, match="recipe: clean.min_secconds: is not known; write min_seconds"):
        make_stage("clean", {"min_secconds": 1})


def test_a_number_stays_as_the_recipe_has_it() -> None:
    """It goes into drops, and into what a clip's measures are known by: 30 must not become 30.0."""
    stage = make_stage("clean", {"max_seconds": 20, "min_side": 90})
    assert [repr(value) for value in (stage.settings.max_seconds, stage.settings.min_side)] == ["20", "90"]

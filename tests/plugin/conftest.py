"""Shared by the tests of the plugin: a processor as ms-swift loads it, a clip of the small world, a file for rows."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows


@pytest.fixture(scope="module")
def processor(tiny_model: Path) -> Any:
    from swift.model import get_model_processor

    return get_model_processor(str(tiny_model), model_type="qwen2_5_omni", load_model=False)[1]


@pytest.fixture
def media(tiny_world: Path) -> dict[str, list[str]]:
    _, row = next(read_rows(tiny_world / "train.jsonl"))
    return {"videos": row["videos"], "audios": row["audios"]}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data.jsonl"

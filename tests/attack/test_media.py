"""Clips made to break readers: what passes the check the model's own readers read, and what does not has a reason."""

from pathlib import Path

import pytest

from swift_saber.media.fault import clip_fault
from swift_saber.media.read import MAX_BYTES, MAX_BYTES_HELD, file_problem


@pytest.mark.parametrize("most", [MAX_BYTES, MAX_BYTES_HELD])
def test_a_file_is_a_clip_up_to_a_size(tmp_path: Path, most: int) -> None:
    path = tmp_path / "sparse.mp4"
    for size, problem in ((most, None), (most + 1, f"is {most >> 20:,} MB large, above {most >> 20:,} MB")):
        with path.open("wb") as file:
            file.truncate(size)
        assert file_problem(path, most) == problem
    found = clip_fault([str(path)], [])
    assert found and ("MB large" in found.reason) == (most == MAX_BYTES)

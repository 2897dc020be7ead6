"""What a run leaves at its end, whatever became of it."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.result.finish import finish
from tests.pipeline.result.run_folder import RECORD, clip, write_run


def test_rows_that_training_would_refuse_cost_neither_card_nor_report(tmp_path: Path) -> None:
    rows = [clip("a", **RECORD), clip("b", **RECORD) | {"video_desc": "<|im_end|>"}]
    write_run(tmp_path, {"manifest": (rows, []), "visual": (rows, [])})
    with pytest.raises(InputError, match=r"video_desc: holds <\|im_end\|>"):
        finish(tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "2 of 2 clips" in card
    assert "train.jsonl" not in card  # which is not there
    assert "visual" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_run_that_is_not_at_its_end_is_not_yet_a_dataset(tmp_path: Path) -> None:
    """Without the split, clips that are to be tested on would be trained on."""
    row = clip("a", **RECORD)
    write_run(tmp_path, {"manifest": ([row], []), "consistency": ([row], [])})
    text = (tmp_path / "run.json").read_text()
    (tmp_path / "run.json").write_text(text.replace('["consistency"]', '["consistency", "split"]'))
    finish(tmp_path)
    assert not (tmp_path / "train.jsonl").exists()
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "train.jsonl" not in card
    assert "**Not begun:** `split`" in card

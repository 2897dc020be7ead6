"""A tiny Qwen3-Omni of random weights on the real vLLM: it answers what the transformers backend answers."""

from pathlib import Path

from swift_saber.data.rows import read_rows
from swift_saber.mini.world import write_world
from swift_saber.models import worker
from swift_saber.plugin import PLUGIN_FILE
from tests.conftest import MEDIA_ENV
from tests.engine.conftest import VLLM, answers_of, saber
from tests.tiny_qwen3 import build_from_world

LONGEST = 12  # tokens: the longer, the likelier that two near alternatives come out the other way round


def test_the_engine_answers_as_the_transformers_backend_does(tmp_path: Path) -> None:
    few = {"consistent": 4, "conflict": 2}
    write_world(tmp_path / "world", train_counts=few, pairs_counts={}, eval_counts=few)
    model = build_from_world(tmp_path / "model", tmp_path / "world")
    questions = tmp_path / "world" / "eval.jsonl"
    asked = ("--torch_dtype", "float32", "--max_new_tokens", str(LONGEST))
    saber("infer", model, questions, tmp_path / "answers.jsonl", 0, *VLLM, *asked, **MEDIA_ENV)
    rows = [row for _, row in read_rows(questions)]
    infer = worker._load(
        [
            "--model",
            str(model),
            "--custom_register_path",
            str(PLUGIN_FILE),
            "--stream",
            "false",
            "--temperature",
            "0",
            *asked,
        ]
    )
    expected = {row["id"]: answer["response"] for row, answer in zip(rows, worker._answers(infer, rows), strict=True)}
    assert answers_of(tmp_path / "answers.jsonl") == expected
    assert len(set(expected.values())) > 1  # what is seen and heard makes a difference

"""Candidates from the engine through `swift-saber pairs sample`, here in processes of the engine's own, as on a GPU."""

from pathlib import Path

from swift_saber.data.rows import read_rows
from tests.engine.conftest import LONGEST, Demo, marked, nothing_left, saber, write

K = 3


def test_each_clip_gets_k_answers_and_the_same_call_gives_the_same(demo: Demo, tmp_path: Path) -> None:
    chosen = demo.rows[::40]
    clips = write(tmp_path / "clips.jsonl", chosen)
    found = []
    for name, processes in (("one", "1"), ("other", "0")):
        mark = str(tmp_path / name)
        with nothing_left(mark):
            saber(
                *("pairs", "sample", clips, tmp_path / f"{name}.jsonl", "--model", demo.model, "-k", K),
                *("--max-new-tokens", LONGEST, "--temperature", 2, "--infer_backend", "vllm"),
                VLLM_ENABLE_V1_MULTIPROCESSING=processes,
                SABER_TEST_MARK=mark,
            )
        found.append([row for _, row in read_rows(tmp_path / f"{name}.jsonl")])
        assert marked(mark) == []
    texts = [[[answer["text"] for answer in row["candidates"]] for row in rows] for rows in found]
    assert [len(answers) for answers in texts[0]] == [K] * len(chosen)
    assert texts[0] == texts[1]
    assert any(len(set(answers)) > 1 for answers in texts[0])

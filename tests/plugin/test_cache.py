"""A model that was saved as it was trained, without a cache of keys and values, answers with one."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from swift_saber.data.rows import read_rows

pytestmark = pytest.mark.usefixtures("plugin")
TOKENS = 6


@pytest.fixture(scope="module")
def trained(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as ms-swift leaves a fully tuned one."""
    folder = tmp_path_factory.mktemp("cache") / "trained"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text())
    config["use_cache"] = config["thinker_config"]["text_config"]["use_cache"] = False
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="module")
def engine(trained: Path) -> Any:
    from swift.infer_engine import TransformersEngine

    return TransformersEngine(str(trained), model_type="qwen2_5_omni", torch_dtype=torch.float32, max_batch_size=4)


def ask(engine: Any, rows: list[dict[str, Any]], answers: int) -> tuple[list[str], list[int]]:
    """So many answers to each row, of the likeliest tokens, and how many positions each call of the model was given."""
    from swift.infer_engine import RequestConfig

    seen: list[int] = []
    layer = engine.model.thinker.model.layers[0]
    handle = layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[1]))
    try:
        asked = [{**row, "messages": row["messages"][:1]} for row in rows]
        config = RequestConfig(max_tokens=TOKENS, temperature=1, top_k=1, n=answers)
        replies = engine.infer(asked, config, use_tqdm=False)
    finally:
        handle.remove()
    return [choice.message.content for reply in replies for choice in reply.choices], seen


@pytest.mark.parametrize(("rows", "answers"), [(1, 1), (3, 1), (2, 2)], ids=["one", "batch", "several answers"])
def test_only_the_new_token_goes_through_the_model(
    engine: Any, tiny_world: Path, monkeypatch: pytest.MonkeyPatch, rows: int, answers: int
) -> None:
    asked = [row for _, row in read_rows(tiny_world / "eval.jsonl")][:rows]
    texts, seen = ask(engine, asked, answers)
    prompt, *steps = seen
    assert prompt > 1 and set(steps) == {1}
    monkeypatch.setattr(engine.generation_config, "use_cache", False)
    assert ask(engine, asked, answers) == (texts, [prompt + step for step in range(len(seen))])


def test_it_is_saved_as_one_that_answers_with_a_cache(
    engine: Any, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For those who load it without the plugin; a training in which it is saved goes on without."""
    from transformers import Qwen2_5OmniForConditionalGeneration

    config = engine.model.config
    monkeypatch.setattr(config, "use_cache", False, raising=False)  # as the trainer of transformers does
    assert not config.thinker_config.text_config.use_cache
    engine.model.save_pretrained(tmp_path)
    assert not config.use_cache and not config.thinker_config.text_config.use_cache
    assert '"use_cache": false' not in (tmp_path / "config.json").read_text()
    shutil.copy(trained / "spk_dict.pt", tmp_path)  # as ms-swift does
    saved = Qwen2_5OmniForConditionalGeneration.from_pretrained(tmp_path)
    ids = torch.tensor([[7, 8, 9]])
    found = saved.thinker.generate(ids, max_new_tokens=2, return_dict_in_generate=True)
    assert found.past_key_values is not None

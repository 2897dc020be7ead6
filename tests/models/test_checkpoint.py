"""models/checkpoint.py: what tells a model from another one in the same place, and what is the same one elsewhere."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from swift_saber.models.checkpoint import completed, differences, identity

# Each is read by ms-swift or transformers when a model is loaded or a question is put into tokens.
PARTS = [
    "config.json",
    "model.safetensors",
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "additional_chat_templates/tool_use.jinja",
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "modeling_own.py",
    "args.json",
]


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps({"made_for": name}))
    return folder


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return list(differences(before, now))


@pytest.mark.parametrize("name", PARTS)
def test_each_file_that_an_answer_depends_on_counts(tmp_path: Path, name: str) -> None:
    """Changed, and there or not."""
    model = filled(tmp_path / "model", *PARTS)
    before = identity(str(model), {})
    kept = (model / name).read_text()
    (model / name).write_text(kept.replace("made_for", "fade_mor"))  # of the same size
    changed = changes(before, identity(str(model), {}))
    assert changed == ["weights" if name in PARTS[:2] else name]
    (model / name).unlink()
    assert changes(before, identity(str(model), {})) == changed
    (model / name).write_text(kept)
    assert identity(str(model), {}) == before


def test_a_large_tokenizer_counts_to_its_middle(tmp_path: Path) -> None:
    model = filled(tmp_path / "model", "config.json")
    (model / "tokenizer.json").write_bytes(b"a" * (4 << 20))
    before = identity(str(model), {})
    with (model / "tokenizer.json").open("r+b") as file:
        file.seek(2 << 20)
        file.write(b"b")
    assert changes(before, identity(str(model), {})) == ["tokenizer.json"]


def test_a_copy_is_the_same_model_and_what_lies_beside_does_not_count(tmp_path: Path) -> None:
    model = filled(tmp_path / "model", *PARTS)
    before = identity(str(model), {})
    shutil.copytree(model, tmp_path / "copy")
    for path in (tmp_path / "copy").rglob("*"):
        os.utime(path, (1, 1))
    filled(tmp_path / "copy", "README.md", "trainer_state.json", "scores.json", "optimizer.pt", "infer_result/a.py")
    assert identity(str(tmp_path / "copy"), {}) == before


def test_the_base_under_an_adapter_counts_wherever_it_is_named(tmp_path: Path) -> None:
    base, other = filled(tmp_path / "base", *PARTS), filled(tmp_path / "other", *PARTS)
    (other / "model.safetensors").write_text("trained on")
    adapter = filled(tmp_path / "adapter", "adapter_model.safetensors")
    remembering = [("args.json", {"model": str(base)}), ("adapter_config.json", {"base_model_name_or_path": str(base)})]
    for name, content in remembering:
        (adapter / "args.json").write_text("{}")
        (adapter / "adapter_config.json").write_text("{}")
        (adapter / name).write_text(json.dumps(content))
        before = identity(str(adapter), {})
        assert identity(str(adapter), {}, ["--model", str(base)]) == before
        assert changes(before, identity(str(adapter), {}, ["--model", str(other)])) == ["base weights"]
        for part, said in (("model.safetensors", "base weights"), ("tokenizer.json", "base tokenizer.json")):
            kept = (base / part).read_text()
            (base / part).write_text("changed")
            assert changes(before, identity(str(adapter), {})) == [said]
            (base / part).write_text(kept)
        moved = base.rename(tmp_path / "moved")
        assert identity(str(adapter), {}, ["--model", str(moved)]) == before
        moved.rename(base)


def test_an_adapter_beside_a_model_counts(tmp_path: Path) -> None:
    model, adapter = filled(tmp_path / "model", *PARTS), filled(tmp_path / "adapter", "adapter_config.json")
    before = identity(str(model), {}, ["--adapters", str(adapter)])
    (adapter / "adapter_config.json").write_text("{}")
    assert changes(before, identity(str(model), {}, ["--adapters", str(adapter)])) == ["adapters weights"]


def test_a_run_that_an_earlier_version_began_goes_on_with_the_parts_that_it_did_not_know(tmp_path: Path) -> None:
    model = filled(tmp_path / "model", *PARTS)
    now = identity(str(model), {})
    old = {name: now[name] for name in ("weights", "media_settings", "video_reader", "timing")}
    assert changes(completed(old, now, ()), now) == []
    (model / "config.json").write_text("{}")
    assert changes(completed(old, identity(str(model), {}), ()), identity(str(model), {})) == ["weights"]

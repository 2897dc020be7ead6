"""models/checkpoint.py: what tells a model from another one in the same place, and what is the same one elsewhere."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from swift_saber.errors import InputError
from swift_saber.models.checkpoint import completed, differences, identity, tied_flags

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


EMBEDDINGS, HEAD = "thinker.model.embed_tokens.weight", "thinker.lm_head.weight"
OTHERS = {
    "talker.model.embed_tokens.weight": torch.ones(2, 2),
    "talker.lm_head.weight": torch.zeros(2, 2),
    "thinker.model.norm.weight": torch.ones(2),
}
UNTIED = {EMBEDDINGS: torch.ones(4, 2), HEAD: torch.tensor([[1.0, 1], [1, 1], [1, 1], [1, 0]])}
COPIED = {EMBEDDINGS: torch.ones(4, 2), HEAD: torch.ones(4, 2)}
ONE = {EMBEDDINGS: torch.ones(4, 2)}
THINKER, TEXT = "thinker_config.tie_word_embeddings", "thinker_config.text_config.tie_word_embeddings"


def omni(folder: Path, weights: dict[str, torch.Tensor], thinker: bool | None = None, text: bool | None = None) -> Path:
    """A model folder with these weights, and flags where they are given."""
    folder.mkdir(exist_ok=True)
    inner: dict[str, Any] = {"model_type": "qwen2_5_omni_text"}
    outer: dict[str, Any] = {"model_type": "qwen2_5_omni_thinker", "text_config": inner}
    for config, flag in ((outer, thinker), (inner, text)):
        if flag is not None:
            config["tie_word_embeddings"] = flag
    config = {"thinker_config": outer, "talker_config": {"tie_word_embeddings": True}}
    (folder / "config.json").write_text(json.dumps(config))
    save_file({**OTHERS, **weights}, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize(
    ("weights", "thinker", "text", "named"),
    [
        (UNTIED, False, False, []),
        (UNTIED, False, True, [TEXT]),
        (UNTIED, True, False, [THINKER]),
        (UNTIED, True, True, [THINKER, TEXT]),
        (ONE, True, True, []),
        (ONE, True, False, [TEXT]),
        (ONE, False, False, [THINKER, TEXT]),
        # A copy is the same by either reading.
        (COPIED, False, True, []),
        (COPIED, False, False, []),
    ],
)
def test_flags_that_contradict_the_weights_are_named(
    tmp_path: Path, weights: dict[str, torch.Tensor], thinker: bool, text: bool, named: list[str]
) -> None:
    """What the talker has and says does not count."""
    model = omni(tmp_path / "model", weights, thinker, text)
    problem = tied_flags(str(model))
    assert (problem is not None) == bool(named)
    for flag in (THINKER, TEXT):
        assert (problem is not None and flag in problem.remedy.split()) == (flag in named)
    if problem is None:
        return
    right = "false" if weights is UNTIED else "true"
    assert problem.remedy.endswith(f"to {right} in {model / 'config.json'}")


def test_doing_what_the_remedy_says_ends_the_contradiction(tmp_path: Path) -> None:
    assert tied_flags(str(omni(tmp_path / "model", UNTIED, False, True))) is not None
    assert tied_flags(str(omni(tmp_path / "model", UNTIED, False, False))) is None


def test_an_unsaid_flag_is_what_the_library_takes_it_for(tmp_path: Path) -> None:
    """transformers reads the thinker's, vLLM the text part's, which transformers fills in."""
    from transformers import Qwen2_5OmniConfig

    thinker = Qwen2_5OmniConfig().thinker_config
    taken = {THINKER: thinker.tie_word_embeddings, TEXT: thinker.text_config.tie_word_embeddings}
    for weights, right in ((UNTIED, False), (ONE, True)):
        problem = tied_flags(str(omni(tmp_path / "model", weights)))
        named = [] if problem is None else problem.remedy.split()
        assert [flag for flag in taken if flag in named] == [flag for flag, value in taken.items() if value != right]


def test_weights_in_several_files_are_looked_at_together(tmp_path: Path) -> None:
    model = omni(tmp_path / "model", {}, False, True)
    save_file({EMBEDDINGS: UNTIED[EMBEDDINGS]}, model / "model-00001-of-00002.safetensors")
    save_file({HEAD: UNTIED[HEAD]}, model / "model-00002-of-00002.safetensors")
    assert tied_flags(str(model)) is not None
    save_file({HEAD: UNTIED[EMBEDDINGS]}, model / "model-00002-of-00002.safetensors")
    assert tied_flags(str(model)) is None


def test_the_flags_of_a_model_without_a_thinker_are_found_too(tmp_path: Path) -> None:
    config = {"tie_word_embeddings": False, "text_config": {"tie_word_embeddings": True}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file(
        {"model.language_model.embed_tokens.weight": torch.ones(2, 2), "lm_head.weight": torch.zeros(2, 2)},
        tmp_path / "model.safetensors",
    )
    problem = tied_flags(str(tmp_path))
    assert problem is not None
    assert "text_config.tie_word_embeddings" in problem.remedy.split()


def test_the_base_under_an_adapter_is_looked_at(tmp_path: Path) -> None:
    base = omni(tmp_path / "base", UNTIED, False, True)
    adapter = filled(tmp_path / "adapter", "adapter_model.safetensors")
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    problem = tied_flags(str(adapter))
    assert problem is not None
    assert str(base) in problem.remedy


@pytest.mark.parametrize("config", ['{"thinker_config": []}', "[]", "{"])
def test_what_is_no_configuration_says_nothing_or_is_an_error_of_the_file(tmp_path: Path, config: str) -> None:
    model = omni(tmp_path / "model", UNTIED, False, True)
    (model / "config.json").write_text(config)
    if config.startswith('{"'):
        assert tied_flags(str(model)) is None
    else:
        with pytest.raises(InputError, match="config.json"):
            tied_flags(str(model))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 8,
        (1 << 40).to_bytes(8, "little"),
        (2).to_bytes(8, "little") + b"[]",
        b"\x04" + b"\0" * 7 + b"nope",
    ],
)
def test_a_damaged_file_of_weights_is_named(tmp_path: Path, content: bytes) -> None:
    model = omni(tmp_path / "model", UNTIED, False, False)
    (model / "model.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="model.safetensors") as caught:
        tied_flags(str(model))
    assert caught.value.remedy == "copy or fetch the model again"


def test_where_there_are_no_such_weights_nothing_is_said(tmp_path: Path, model: Path) -> None:
    assert tied_flags(str(model)) is None
    assert tied_flags("owner/name") is None
    only_others = omni(tmp_path / "others", {}, True, True)
    assert tied_flags(str(only_others)) is None

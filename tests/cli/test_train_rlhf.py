"""launch.rlhf: what a preference run takes over from the checkpoint where it starts, and what it refuses."""

import json
import re
from pathlib import Path

import pytest

from swift_saber.cli import main as cli
from swift_saber.cli import train as launch
from swift_saber.errors import InputError
from swift_saber.media.settings import MEDIA_SETTINGS
from swift_saber.plugin import PLUGIN_FILE
from tests.cli.test_train import Swift, recipe


def test_full_tuning_does_not_start_from_adapters(tmp_path: Path, adapters: Path) -> None:
    """ms-swift would train the base model and say nothing."""
    with pytest.raises(InputError, match="which full tuning does not load; merge it"):
        launch.rlhf(recipe(tmp_path, "rlhf_type: dpo\ntuner_type: full\n"), ["--adapters", str(adapters)])


@pytest.mark.parametrize(
    ("command", "text", "said"),
    [
        ("sft", "rlhf_type: dpo\n", "recipe.yaml: rlhf_type: is for preference training; .*shell/rlhf.sh"),
        ("rlhf", "max_steps: 3\n", "recipe.yaml: rlhf_type: is missing: .*shell/sft.sh"),
    ],
)
def test_a_recipe_for_the_other_stage_is_refused(
    command: str, text: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([command, recipe(tmp_path, text)]) == 2
    assert re.search(said, capfd.readouterr().err)


@pytest.fixture
def adapters(tmp_path: Path) -> Path:
    """A LoRA checkpoint of a model that is at a hub."""
    folder = tmp_path / "sed" / "checkpoint-2"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "args.json").write_text(json.dumps({"model": "owner/base", "ref_adapters": []}))
    return folder


@pytest.fixture
def swift(monkeypatch: pytest.MonkeyPatch) -> Swift:
    for name in MEDIA_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    found = Swift()
    monkeypatch.setattr(launch, "_run", found)
    return found


def test_rlhf_loads_the_plugin_and_leaves_the_rest_to_the_recipe(tmp_path: Path, model: Path, swift: Swift) -> None:
    path = recipe(tmp_path, "rlhf_type: kto\ntuner_type: full\n")
    assert cli.main(["rlhf", path, "--model", str(model), "--beta", "0.2"]) == 0
    given = ["rlhf", path, "--model", str(model), "--beta", "0.2"]
    assert swift.arguments == [*given, "--custom_register_path", str(PLUGIN_FILE)]


@pytest.mark.parametrize("flag", [["--adapters", "{}"], ["--adapters={}"]])
def test_the_checkpoint_where_training_starts_is_the_reference(
    flag: list[str], tmp_path: Path, adapters: Path, swift: Swift, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(tmp_path, "rlhf_type: dpo\nmodel: owner/base\n")
    launch.rlhf(path, [part.format(adapters) for part in flag])
    place = swift.arguments.index("--ref_adapters")
    assert swift.arguments[place + 1] == str(adapters)
    assert "--model" not in swift.arguments
    said = capsys.readouterr().err
    assert said == f"swift-saber: taken over from {adapters}: --ref_adapters {adapters}\n"


def test_the_reference_is_remembered_by_its_absolute_path(
    tmp_path: Path, adapters: Path, swift: Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    launch.rlhf(
        recipe(tmp_path, "rlhf_type: dpo\nmodel: owner/base\n"), ["--adapters", str(adapters.relative_to(tmp_path))]
    )
    assert swift.arguments[swift.arguments.index("--ref_adapters") + 1] == str(adapters)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("rlhf_type: dpo\n", ["--ref_adapters", "other"]),
        ("rlhf_type: dpo\n", ["--ref-adapters=other"]),
        ("rlhf_type: dpo\nref_adapters: [other]\n", []),
        ("rlhf_type: orpo\n", []),  # has no reference
    ],
)
def test_no_reference_is_added_where_one_is_given_or_none_is_used(
    text: str, flags: list[str], tmp_path: Path, adapters: Path, swift: Swift
) -> None:
    launch.rlhf(recipe(tmp_path, text + "model: owner/base\n"), ["--adapters", str(adapters), *flags])
    assert str(adapters) not in swift.arguments[swift.arguments.index(str(adapters)) + 1 :]


def test_a_resumed_run_keeps_its_reference(tmp_path: Path, adapters: Path, swift: Swift) -> None:
    """Otherwise ms-swift would go on against the base model, and say nothing."""
    stopped = tmp_path / "checkpoint-7"
    stopped.mkdir()
    (stopped / "trainer_state.json").write_text("{}")
    (stopped / "args.json").write_text(json.dumps({"model": "owner/base", "ref_adapters": [str(adapters)]}))
    launch.rlhf(recipe(tmp_path, "rlhf_type: dpo\n"), ["--resume_from_checkpoint", str(stopped)])
    assert swift.arguments[3:8] == [str(stopped), "--ref_adapters", str(adapters), "--model", "owner/base"]


def test_the_base_of_an_adapter_is_found(tmp_path: Path, adapters: Path, swift: Swift) -> None:
    """In training ms-swift does not look into the checkpoint for it (its load_args is off)."""
    path = recipe(tmp_path, "rlhf_type: dpo\n")
    launch.rlhf(path, ["--adapters", str(adapters)])
    assert swift.arguments[swift.arguments.index("--model") + 1] == "owner/base"
    (adapters / "args.json").write_text(json.dumps({"model": str(tmp_path / "moved")}))
    with pytest.raises(InputError, match="moved, which is not there; add --model"):
        launch.rlhf(path, ["--adapters", str(adapters)])


def test_a_base_in_a_folder_here_wins_over_the_hub_id_of_a_recipe(
    tmp_path: Path, adapters: Path, model: Path, swift: Swift, capsys: pytest.CaptureFixture[str]
) -> None:
    (adapters / "args.json").write_text(json.dumps({"model": str(model)}))
    path = recipe(tmp_path, "rlhf_type: dpo\nmodel: Qwen/Qwen2.5-Omni-7B\n")
    launch.rlhf(path, ["--adapters", str(adapters)])
    assert swift.arguments[swift.arguments.index("--model") + 1] == str(model)
    assert f"--model {model}" in capsys.readouterr().err
    # A flag wins over both, and a hub id does not win over a recipe that was pointed at a copy of it.
    launch.rlhf(path, ["--adapters", str(adapters), "--model", "owner/other"])
    assert swift.arguments.count("--model") == 1 and "owner/other" in swift.arguments
    (adapters / "args.json").write_text(json.dumps({"model": "owner/base"}))
    launch.rlhf(recipe(tmp_path, f"rlhf_type: dpo\nmodel: {model}\n"), ["--adapters", str(adapters)])
    assert "--model" not in swift.arguments


def test_what_a_whole_model_was_made_from_does_not_take_its_place(tmp_path: Path, model: Path, swift: Swift) -> None:
    (tmp_path / "base").mkdir()
    (model / "args.json").write_text(json.dumps({"model": str(tmp_path / "base")}))
    launch.rlhf(recipe(tmp_path, f"rlhf_type: dpo\nmodel: {model}\n"), [])
    assert str(tmp_path / "base") not in swift.arguments


def test_other_media_settings_than_the_checkpoints_are_refused(
    tmp_path: Path, model: Path, swift: Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shell wins over the recipe's ENV; one that only the checkpoint or only the recipe has is no difference."""
    trained = {"FPS_MAX_FRAMES": "4", "VIDEO_MAX_PIXELS": "50176", "VIDEO_MIN_PIXELS": "3136"}
    (model / "args.json").write_text(json.dumps({"media_settings": trained}))
    env = "ENV:\n  FPS_MAX_FRAMES: 40\n  VIDEO_MAX_PIXELS: '50176'\n  MAX_PIXELS: '9'\n"
    path = recipe(tmp_path, f"rlhf_type: dpo\ntuner_type: full\nmodel: {model}\n{env}")
    with pytest.raises(InputError, match=r"ENV: FPS_MAX_FRAMES=40 here, and .* with FPS_MAX_FRAMES=4; set FPS_MAX_F"):
        launch.rlhf(path, [])
    assert swift.arguments == []
    monkeypatch.setenv("FPS_MAX_FRAMES", "4")
    assert launch.rlhf(path, []) == 0
    monkeypatch.setenv("VIDEO_MAX_PIXELS", "1")
    with pytest.raises(InputError, match="VIDEO_MAX_PIXELS=1 here, and .* with VIDEO_MAX_PIXELS=50176"):
        launch.rlhf(path, [])


def test_media_settings_that_nothing_sets_are_the_checkpoints(
    tmp_path: Path, adapters: Path, swift: Swift, capsys: pytest.CaptureFixture[str]
) -> None:
    (adapters / "args.json").write_text(json.dumps({"media_settings": {"VIDEO_MIN_PIXELS": "3136"}}))
    path = recipe(tmp_path, "rlhf_type: orpo\nmodel: owner/base\n")
    launch.rlhf(path, ["--adapters", str(adapters)])
    assert swift.env["VIDEO_MIN_PIXELS"] == "3136"
    assert capsys.readouterr().err.endswith("checkpoint-2: VIDEO_MIN_PIXELS=3136\n")


def test_a_model_that_remembers_no_settings_asks_for_none(tmp_path: Path, model: Path, swift: Swift) -> None:
    path = recipe(tmp_path, f"rlhf_type: dpo\ntuner_type: full\nmodel: {model}\nENV:\n  FPS_MAX_FRAMES: 3\n")
    assert launch.rlhf(path, []) == 0
    assert "FPS_MAX_FRAMES" not in swift.env


TURNS = [{"role": "user", "content": "How?"}, {"role": "assistant", "content": "Glad."}]


@pytest.mark.parametrize(
    ("kind", "row", "refused"),
    [
        ("dpo", {"messages": TURNS, "videos": ["a.mp4"]}, True),
        ("dpo", {"sentiment_analysis": "Glad.", "videos": ["a.mp4"]}, True),
        ("dpo", {"messages": TURNS, "videos": ["a.mp4"], "rejected_response": "Sad."}, False),
        ("dpo", {"messages": TURNS, "rejected_response": "Sad."}, False),  # text alone: ms-swift's own
        ("grpo", {"messages": TURNS[:1], "videos": ["a.mp4"]}, False),  # which makes its own answers
    ],
)
@pytest.mark.parametrize("part", ["", "#500"])
def test_rows_that_are_no_pairs_are_refused_before_anything_is_loaded(
    kind: str, row: dict[str, object], refused: bool, part: str, tmp_path: Path, model: Path, swift: Swift
) -> None:
    path = recipe(tmp_path, f"rlhf_type: {kind}\ntuner_type: full\nmodel: {model}\n")
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    arguments = ["--dataset", f"{tmp_path}/rows.jsonl{part}"]
    if refused:
        with pytest.raises(InputError, match="rows.jsonl:1: dataset: is no preference pair; recipes/pairs.md"):
            launch.rlhf(path, arguments)
        assert swift.arguments == []
    else:
        assert launch.rlhf(path, arguments) == 0


def test_rows_of_which_modality_pairs_are_made_pass(
    tmp_path: Path, model: Path, swift: Swift, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"rlhf_type: dpo\ntuner_type: full\nmodel: {model}\nENV:\n  SABER_MODALITY_PAIRS: true\n"
    (tmp_path / "rows.jsonl").write_text(json.dumps({"messages": TURNS, "videos": ["a.mp4"]}) + "\n")
    arguments = ["--dataset", f"{tmp_path}/rows.jsonl"]
    assert launch.rlhf(recipe(tmp_path, text), arguments) == 0
    monkeypatch.setenv("SABER_MODALITY_PAIRS", "false")  # the shell wins
    with pytest.raises(InputError, match="is no preference pair"):
        launch.rlhf(recipe(tmp_path, text), arguments)

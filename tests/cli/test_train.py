"""cli/train.py: what is checked before ms-swift starts, and what it is started with."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from swift_saber.cli import main as cli
from swift_saber.cli import train
from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.models.checkpoint import model_flag
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.recipe import check_dataset, check_recipe, values


class Swift:
    """Stands in the place of the `swift` process: keeps its command line."""

    def __init__(self) -> None:
        self.arguments: list[str] = []
        self.env: dict[str, str] = {}

    def __call__(self, arguments: Sequence[str], env: Any) -> int:
        self.arguments, self.env = list(arguments), dict(env)
        return 0


def recipe(tmp_path: Path, text: str) -> str:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", r"recipe.yaml:2: a: is also set on line 1"),
        ("a: [1\n", r"recipe.yaml:2: recipe: .*"),
        ("- a\n", r"recipe.yaml: recipe: is not a list of `key: value` lines"),
        ("a: 1\nENV: 3\n", r"recipe.yaml:2: ENV: is not a mapping"),
    ],
)
def test_a_bad_recipe_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_recipe(recipe(tmp_path, text))


def test_sft_loads_the_plugin_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    swift = Swift()
    monkeypatch.setattr(train, "_run", swift)
    path = recipe(tmp_path, "max_steps: 3\n")
    assert cli.main(["sft", path, "--learning_rate", "1e-5"]) == 0
    assert swift.arguments == ["sft", path, "--learning_rate", "1e-5", "--custom_register_path", str(PLUGIN_FILE)]


def test_another_plugin_in_our_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="arguments: custom_register_path: .*use external_plugins"):
        train.sft(recipe(tmp_path, "max_steps: 3\n"), ["--custom_register_path", "mine.py"])
    with pytest.raises(InputError, match="recipe.yaml: custom_register_path: .*use external_plugins"):
        train.sft(recipe(tmp_path, "custom_register_path: [mine.py]\n"), [])


def test_a_lora_checkpoint_is_no_base_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match="is a LoRA checkpoint; name its base model there"):
        train.sft(recipe(tmp_path, f"model: {tmp_path}\n"), [])


def test_a_whole_model_is_no_adapter(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="is a whole model, no LoRA checkpoint; name it with --model"):
        train.sft(recipe(tmp_path, "max_steps: 3\n"), ["--adapters", str(model)])


def test_a_recipe_that_ms_swift_would_not_take_for_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.txt").write_text("max_steps: 3\n")
    with pytest.raises(InputError, match="is not named .yaml"):
        check_recipe(str(tmp_path / "recipe.txt"))
    (tmp_path / "recipe.yaml").write_bytes(b"max_steps: 3 # \xff\n")
    with pytest.raises(InputError, match="not UTF-8"):
        check_recipe(str(tmp_path / "recipe.yaml"))


def test_sft_refuses_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model folder"):
        train.sft(recipe(tmp_path, "max_steps: 3\n"), [f"--model={tmp_path}"])


def test_a_lora_folder_is_loaded_as_adapter(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    assert model_flag(str(tmp_path)) == "--adapters"


def test_a_training_folder_names_its_last_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-10").mkdir()
    with pytest.raises(InputError, match="did you mean .*checkpoint-10"):
        model_flag(str(tmp_path))


def test_a_hub_id_is_left_to_ms_swift_and_a_missing_path_is_not() -> None:
    assert model_flag("zhaoxiaoxian/SABER-LLM") == "--model"
    with pytest.raises(InputError, match="no such folder"):
        model_flag("./zhaoxiaoxian/SABER-LLM")


def test_errors_are_one_line_and_exit_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["infer", "./gone", "in.jsonl", "out.jsonl"]) == 2
    captured = capsys.readouterr()
    assert captured.err == (
        "swift-saber: error: ./gone: model: no such folder; give a model folder or a hub id like owner/name\n"
    )


@pytest.mark.parametrize("row", [{"id": "a"}, {"response": 3}, {"response": None}])
def test_a_row_without_an_answer_is_no_empty_record(tmp_path: Path, row: dict[str, Any]) -> None:
    write_rows(tmp_path / "out.jsonl", [row])
    assert cli.main(["parse", str(tmp_path / "out.jsonl"), "-o", str(tmp_path / "records.jsonl")]) == 2
    assert not (tmp_path / "records.jsonl").exists()


def test_parse_does_not_write_over_a_file(tmp_path: Path) -> None:
    write_rows(tmp_path / "out.jsonl", [{"response": "x"}])
    before = (tmp_path / "out.jsonl").read_text()
    assert cli.main(["parse", str(tmp_path / "out.jsonl"), "-o", str(tmp_path / "out.jsonl")]) == 2
    assert (tmp_path / "out.jsonl").read_text() == before


def test_parse_writes_what_was_found_and_what_was_not(tmp_path: Path) -> None:
    results, records = tmp_path / "out.jsonl", tmp_path / "records.jsonl"
    results.write_text(json.dumps({"id": "a", "response": "### Scene\nA room.\n\n### Emotion\nGlad."}) + "\n")
    assert cli.main(["parse", str(results), "-o", str(records)]) == 0
    row = json.loads(records.read_text())
    assert row["id"] == "a"
    assert row["fields"] == {"video_desc": "A room.", "sentiment_analysis": "Glad."}
    assert row["missing"] == ["acoustic_feat", "speech_content", "facial_exp_desc", "body_lang_desc"]


def test_sigterm_ends_a_training_with_all_that_it_started(tmp_path: Path) -> None:
    main = tmp_path / "swift" / "cli" / "main.py"  # in the place of ms-swift's, which starts the trainer so
    main.parent.mkdir(parents=True)
    for folder in (main.parent, main.parent.parent):
        (folder / "__init__.py").touch()
    main.write_text(
        "import subprocess, sys\n"
        'code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"\n'
        "sys.exit(subprocess.run([sys.executable, '-c', code]).returncode)\n"
    )
    code = "import os, sys; from swift_saber.cli.train import _run; sys.exit(_run([], os.environ) != 0)"
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        trainer = psutil.Process(int(command.stdout.readline()))
        command.terminate()
        assert psutil.wait_procs([trainer], timeout=60)[1] == []
        assert command.wait(60) == 1


def test_a_checkpoint_that_was_not_written_to_its_end_is_not_gone_on_from(tmp_path: Path) -> None:
    text = recipe(tmp_path, "model: owner/name\n")
    for step in (2, 4, 6):
        (tmp_path / f"checkpoint-{step}").mkdir()
    half = str(tmp_path / "checkpoint-6")
    for remedy in ("begin anew", f"go on from {tmp_path / 'checkpoint-2'}, the newest that is whole"):
        with pytest.raises(InputError) as caught:
            train.sft(text, ["--resume_from_checkpoint", half])
        assert caught.value.problem == "is half a checkpoint: no trainer_state.json"
        assert caught.value.remedy == remedy
        (tmp_path / "checkpoint-2" / "trainer_state.json").write_text("{}")


@pytest.mark.parametrize(
    ("command", "text", "flags", "said"),
    [
        ("sft", "", ["--learning_rat", "3"], r"--learning_rat: .*`swift sft`; did you mean --learning_rate\?"),
        ("sft", "learning_rat: 3\n", [], r"recipe.yaml:2: learning_rat: .*; did you mean learning_rate\?"),
        ("rlhf", "rlhf_type: dpo\n", ["--bet", "0.2"], r"--bet: .*`swift rlhf`; did you mean --beta\?"),
        ("sft", "dataset: [{here}, gone.jsonl]\n", [], "gone.jsonl: dataset: no such file or folder"),
        ("sft", "", ["--dataset", "{here}#2", "./gone#2", "--seed", "1"], "./gone: dataset: no such"),
        ("sft", "", ["--dataset={here}", "--val_dataset=gone.csv:part#9"], "gone.csv:part: dataset: no such"),
        ("rlhf", "rlhf_type: dpo\n", ["--dataset", "far/away/pairs"], "far/away/pairs: dataset: no such"),
    ],
)
def test_what_ms_swift_would_take_for_something_else_is_refused_before_a_model_is_looked_up(
    command: str,
    text: str,
    flags: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    swift = Swift()
    monkeypatch.setattr(train, "_run", swift)
    (tmp_path / "here.jsonl").write_text("{}\n")
    here = str(tmp_path / "here.jsonl")
    path = recipe(tmp_path, "model: owner/that-is-nowhere\n" + text.format(here=here))
    assert cli.main([command, path, *(flag.format(here=here) for flag in flags)]) == 2
    assert re.search(said, capsys.readouterr().err)
    assert swift.arguments == []


@pytest.mark.parametrize(
    "dataset", ["{here}", "{here}#2", "{here}:a/b#2", "owner/name", "hf::owner/name:a/b#5", "saber", "{folder}"]
)
def test_files_that_are_there_and_names_at_a_hub_are_left_to_ms_swift(dataset: str, tmp_path: Path) -> None:
    (tmp_path / "here.jsonl").touch()
    check_dataset(dataset.format(here=tmp_path / "here.jsonl", folder=tmp_path))


def test_deploy_refuses_a_flag_that_is_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["deploy", "owner/that-is-nowhere", "0", "--served_model", "saber"]) == 2
    assert (
        "--served_model: is no argument of `swift deploy`; did you mean --served_model_name?" in capsys.readouterr().err
    )


def test_a_served_model_tells_nobody_that_it_runs_unless_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    swift = Swift()
    monkeypatch.setattr(train, "_run", swift)
    command = ["deploy", "owner/name", "0", "--infer_backend", "vllm"]
    for given, kept in ((None, "1"), ("0", "0")):
        monkeypatch.delenv("VLLM_NO_USAGE_STATS", raising=False)
        if given is not None:
            monkeypatch.setenv("VLLM_NO_USAGE_STATS", given)
        assert cli.main(command) == 0
        assert swift.env["VLLM_NO_USAGE_STATS"] == kept


def test_the_last_of_two_flags_of_one_name_counts_as_in_ms_swift() -> None:
    arguments = ["--dataset", "a", "b", "--seed", "1", "--dataset=c", "--x", "d"]
    assert values({"dataset": ["e"]}, arguments, "dataset") == ["c"]
    assert values({"dataset": ["e", "f"]}, ["--seed", "1"], "dataset") == ["e", "f"]
    assert values({"val_dataset": "e"}, [], "val_dataset") == ["e"] and values({}, [], "dataset") == []

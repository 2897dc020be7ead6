"""launch.py: what is checked before ms-swift starts, and what it is started with."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from swift_saber import cli, launch
from swift_saber.checkpoint import PUBLISHED_SETTINGS, model_flag
from swift_saber.errors import InputError
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.recipe import check_recipe
from swift_saber.rows import read_rows, write_rows


class Swift:
    """Stands in the place of the `swift` process: keeps its command line, and answers what a test tells it to."""

    def __init__(self, answers: int = 1, status: int = 0) -> None:
        self.answers, self.status = answers, status
        self.arguments: list[str] = []
        self.env: dict[str, str] = {}

    def __call__(self, arguments: Sequence[str], env: Any) -> int:
        self.arguments, self.env = list(arguments), dict(env)
        if "--result_path" in self.arguments:
            result = Path(self.arguments[self.arguments.index("--result_path") + 1])
            result.write_text('{"response": "x"}\n' * self.answers)
        return self.status


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def question(tmp_path: Path, tiny_world: Path) -> Path:
    path = tmp_path / "in.jsonl"
    _, row = next(read_rows(tiny_world / "eval.jsonl"))
    write_rows(path, [row])
    return path


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
    monkeypatch.setattr(launch, "_run", swift)
    path = recipe(tmp_path, "max_steps: 3\n")
    assert cli.main(["sft", path, "--learning_rate", "1e-5"]) == 0
    assert swift.arguments == ["sft", path, "--learning_rate", "1e-5", "--custom_register_path", str(PLUGIN_FILE)]


def test_another_plugin_in_our_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="arguments: custom_register_path: .*use external_plugins"):
        launch.sft(recipe(tmp_path, "max_steps: 3\n"), ["--custom_register_path", "mine.py"])
    with pytest.raises(InputError, match="recipe.yaml: custom_register_path: .*use external_plugins"):
        launch.sft(recipe(tmp_path, "custom_register_path: [mine.py]\n"), [])


def test_a_lora_checkpoint_is_no_base_model(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(InputError, match="is a LoRA checkpoint; name its base model there"):
        launch.sft(recipe(tmp_path, f"model: {tmp_path}\n"), [])


def test_a_whole_model_is_no_adapter(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="is a whole model, no LoRA checkpoint; name it with --model"):
        launch.sft(recipe(tmp_path, "max_steps: 3\n"), ["--adapters", str(model)])


def test_a_recipe_that_ms_swift_would_not_take_for_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.txt").write_text("max_steps: 3\n")
    with pytest.raises(InputError, match="is not named .yaml"):
        check_recipe(str(tmp_path / "recipe.txt"))
    (tmp_path / "recipe.yaml").write_bytes(b"max_steps: 3 # \xff\n")
    with pytest.raises(InputError, match="not UTF-8"):
        check_recipe(str(tmp_path / "recipe.yaml"))


def test_sft_refuses_a_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model folder"):
        launch.sft(recipe(tmp_path, "max_steps: 3\n"), [f"--model={tmp_path}"])


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


def test_answers_take_their_name_only_when_complete(
    tmp_path: Path, model: Path, question: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = tmp_path / "new" / "out.jsonl"
    monkeypatch.setattr(launch, "_run", Swift(answers=1, status=1))
    assert launch.infer(str(model), str(question), str(result)) == 1
    assert not result.exists()
    monkeypatch.setattr(launch, "_run", Swift(answers=2))
    with pytest.raises(InputError, match="2 for 1 rows"):
        launch.infer(str(model), str(question), str(result))
    assert not result.exists()
    monkeypatch.setattr(launch, "_run", Swift(answers=1))
    assert launch.infer(str(model), str(question), str(result)) == 0
    assert result.read_text() == '{"response": "x"}\n'


def test_an_existing_result_is_not_touched(tmp_path: Path, model: Path, question: Path) -> None:
    result = tmp_path / "out.jsonl"
    result.write_text("old")
    with pytest.raises(InputError, match="exists already"):
        launch.infer(str(model), str(question), str(result))
    assert result.read_text() == "old"


def test_published_settings_hold_unless_the_model_or_the_shell_says_otherwise(
    tmp_path: Path, model: Path, question: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swift = Swift()
    monkeypatch.setattr(launch, "_run", swift)
    for name in PUBLISHED_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    launch.infer(str(model), str(question), str(tmp_path / "1.jsonl"), "3")
    # Spelled out, since these four are what the authors published.
    assert swift.env["VIDEO_MAX_PIXELS"] == "50176"
    assert swift.env["FPS_MAX_FRAMES"] == "40"
    assert swift.env["MAX_PIXELS"] == "1003520"
    assert swift.env["ENABLE_AUDIO_OUTPUT"] == "0"
    assert swift.env["CUDA_VISIBLE_DEVICES"] == "3"
    (model / "args.json").write_text(json.dumps({"media_settings": {"FPS_MAX_FRAMES": "4"}}))
    launch.infer(str(model), str(question), str(tmp_path / "2.jsonl"))
    assert swift.env["FPS_MAX_FRAMES"] == "4"
    assert "VIDEO_MAX_PIXELS" not in swift.env
    monkeypatch.setenv("FPS_MAX_FRAMES", "9")
    launch.infer(str(model), str(question), str(tmp_path / "3.jsonl"))
    assert swift.env["FPS_MAX_FRAMES"] == "9"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "args.json: JSON: is not JSON"),
        (b"[1]", "args.json: line: is a list"),
        (b"\xff", "args.json: file: not UTF-8"),
        (b'{"media_settings": [1]}', "media_settings: is not an object"),
    ],
)
def test_a_damaged_args_json_is_named(model: Path, question: Path, content: bytes, said: str) -> None:
    (model / "args.json").write_bytes(content)
    with pytest.raises(InputError, match=said):
        launch.infer(str(model), str(question), "out.jsonl")


def test_an_adapter_whose_base_is_gone_asks_for_it(
    tmp_path: Path, question: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "args.json").write_text(json.dumps({"model": str(tmp_path / "moved")}))
    with pytest.raises(InputError, match="moved, which is not there; add --model"):
        launch.infer(str(adapter), str(question), str(tmp_path / "out.jsonl"))
    swift = Swift()
    monkeypatch.setattr(launch, "_run", swift)
    launch.infer(str(adapter), str(question), str(tmp_path / "out.jsonl"), "0", ["--model", "owner/base"])
    assert swift.arguments[:3] == ["infer", "--adapters", str(adapter)]
    assert "owner/base" in swift.arguments


def test_clips_that_cannot_be_read_are_found_before_the_model_is_loaded(
    tmp_path: Path, model: Path, question: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video here")
    rows = [row for _, row in read_rows(question)]
    write_rows(question, [*rows, {"id": "b", "videos": [str(tmp_path / "broken.mp4")]}])
    with pytest.raises(InputError, match="in.jsonl:2: clip: .*broken.mp4: is not a readable video"):
        launch.infer(str(model), str(question), str(tmp_path / "out.jsonl"))
    write_rows(question, [{"id": "a", "videos": ["gone.mp4"]}, *rows, {"videos": [str(tmp_path / "broken.mp4")]}])
    with pytest.raises(InputError, match="2 of 3 cannot be used"):
        launch.infer(str(model), str(question), str(tmp_path / "out.jsonl"))
    assert "in.jsonl:3: clip:" in capsys.readouterr().err


def test_flags_of_ms_swift_win_over_the_defaults(
    tmp_path: Path, model: Path, question: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swift = Swift()
    monkeypatch.setattr(launch, "_run", swift)
    command = ["infer", str(model), str(question), str(tmp_path / "out.jsonl"), "--max_batch_size", "8"]
    assert cli.main(command) == 0
    assert swift.arguments.count("--max_batch_size") == 1
    assert swift.arguments[swift.arguments.index("--max_batch_size") + 1] == "8"
    assert swift.env["CUDA_VISIBLE_DEVICES"] == "0"


def test_errors_are_one_line_and_exit_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["infer", "./gone", "in.jsonl", "out.jsonl"]) == 2
    captured = capsys.readouterr()
    assert captured.err == (
        "swift-saber: error: ./gone: model: no such folder; give a model folder or a hub id like owner/name\n"
    )


@pytest.mark.parametrize("command", [[], ["sft"], ["rlhf"], ["infer"], ["parse"], ["mini"], ["mini", "make"]])
def test_help_is_there(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([*command, "--help"])
    assert caught.value.code == 0
    assert "swift-saber" in capsys.readouterr().out


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

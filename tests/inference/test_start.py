"""What `infer` starts the model's process with; the process itself is left out."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from swift_saber.cli import main as cli
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.inference import run
from swift_saber.inference.run import infer
from swift_saber.inference.work import Run
from swift_saber.media.settings import READER, TIMING
from swift_saber.models.checkpoint import PUBLISHED_SETTINGS
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.sed.layout import INSTRUCTIONS
from tests.inference import fake_model


class Started:
    """In the place of ModelProcess: keeps what it was made with."""

    made: list["Started"]

    def __init__(
        self, model: str, arguments: list[str], environment: dict[str, str], log: Path | None, batch: int | None
    ) -> None:
        self.arguments, self.environment, self.log, self.batch = arguments, environment, log, batch
        self.made.append(self)

    def value(self, flag: str) -> str:
        assert self.arguments.count(flag) == 1
        return self.arguments[self.arguments.index(flag) + 1]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Started]:
    Started.made = []
    monkeypatch.setattr(run, "ModelProcess", Started)
    monkeypatch.setattr(Run, "go", lambda *_: None)
    monkeypatch.setattr(run, "_check_count", lambda *_: None)  # nothing is answered
    return Started.made


@pytest.fixture
def question(tmp_path: Path, tiny_world: Path) -> Path:
    path = tmp_path / "in.jsonl"
    _, row = next(read_rows(tiny_world / "eval.jsonl"))
    write_rows(path, [row])
    return path


def test_published_settings_hold_unless_the_model_or_the_shell_says_otherwise(
    tmp_path: Path, model: Path, question: Path, made: list[Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PUBLISHED_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    infer(str(model), str(question), str(tmp_path / "1.jsonl"), "3")
    # Spelled out, since these four are what the authors published.
    published = {
        "VIDEO_MAX_PIXELS": "50176",
        "FPS_MAX_FRAMES": "40",
        "MAX_PIXELS": "1003520",
        "ENABLE_AUDIO_OUTPUT": "0",
    }
    assert published.items() <= made[0].environment.items()
    assert made[0].value("--max_new_tokens") == "4096"
    (model / "args.json").write_text(json.dumps({"media_settings": {"FPS_MAX_FRAMES": "4"}}))
    infer(str(model), str(question), str(tmp_path / "2.jsonl"))
    assert made[1].environment["FPS_MAX_FRAMES"] == "4"
    assert "VIDEO_MAX_PIXELS" not in made[1].environment
    monkeypatch.setenv("FPS_MAX_FRAMES", "9")
    infer(str(model), str(question), str(tmp_path / "3.jsonl"))
    assert "FPS_MAX_FRAMES" not in made[2].environment  # it inherits the shell's


def test_each_gpu_gets_a_model(tmp_path: Path, model: Path, question: Path, made: list[Started]) -> None:
    infer(str(model), str(question), str(tmp_path / "out.jsonl"), "0,2,5")
    assert [process.environment["CUDA_VISIBLE_DEVICES"] for process in made] == ["0", "2", "5"]


def test_the_published_stream_is_one_row_at_a_time_on_the_terminal(
    tmp_path: Path, model: Path, question: Path, made: list[Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    infer(str(model), str(question), str(tmp_path / "1.jsonl"))
    assert (made[0].value("--stream"), made[0].log) == ("false", tmp_path / "1.log")
    monkeypatch.setenv("STREAM", "1")
    infer(str(model), str(question), str(tmp_path / "2.jsonl"))
    assert (made[1].value("--stream"), made[1].batch, made[1].log) == ("true", 1, None)


def test_flags_of_ms_swift_win_over_the_defaults(
    tmp_path: Path, model: Path, question: Path, made: list[Started]
) -> None:
    command = ["infer", str(model), str(question), str(tmp_path / "out.jsonl")]
    assert cli.main([*command, "--max_batch_size", "8", "--temperature", "0.7"]) == 0
    assert (made[0].batch, made[0].value("--temperature")) == (8, "0.7")
    assert made[0].arguments[:4] == ["--model", str(model), "--custom_register_path", str(PLUGIN_FILE)]
    assert made[0].environment["CUDA_VISIBLE_DEVICES"] == "0"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "args.json: JSON: is not JSON"),
        (b"[1]", "args.json: line: is a list"),
        (b"\xff", "args.json: file: not UTF-8"),
        (b'{"media_settings": [1]}', "media_settings: is not an object"),
        (b'{"instructions": {}}', "instructions: is not a list"),
    ],
)
def test_a_damaged_args_json_is_named(model: Path, question: Path, content: bytes, said: str) -> None:
    (model / "args.json").write_bytes(content)
    with pytest.raises(InputError, match=said):
        infer(str(model), str(question), "out.jsonl")


def test_an_adapter_whose_base_is_gone_asks_for_it(tmp_path: Path, question: Path, made: list[Started]) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    (adapter / "args.json").write_text(json.dumps({"model": str(tmp_path / "moved")}))
    with pytest.raises(InputError, match="moved, which is not there; add --model"):
        infer(str(adapter), str(question), str(tmp_path / "out.jsonl"))
    infer(str(adapter), str(question), str(tmp_path / "out.jsonl"), "0", ["--model", "owner/base"])
    assert made[0].arguments[:2] == ["--adapters", str(adapter)]
    assert made[0].value("--model") == "owner/base"


def test_the_settings_of_a_run_are_kept_beside_its_result(
    tmp_path: Path, model: Path, question: Path, made: list[Started]
) -> None:
    infer(str(model), str(question), str(tmp_path / "out.jsonl"), "0", ["--max_batch_size", "8", "--seed=3"])
    kept: dict[str, Any] = json.loads((tmp_path / "out.settings.json").read_text())
    assert kept["model"] == str(model)
    assert kept["arguments"] == {
        "infer_backend": "transformers",
        "max_new_tokens": "4096",
        "seed": "3",
        "temperature": "0",
    }
    assert not (tmp_path / "out.jsonl").exists()  # no row was answered


def adapter(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir()
    (path / "adapter_config.json").write_text("{}")
    return path


def answered(result: Path, question: Path) -> Path:
    """The result file of a run that was stopped after its first answer."""
    ((_, row),) = read_rows(question)
    messages = [{"role": "user", "content": row["messages"][0]["content"]}, {"role": "assistant", "content": "sad"}]
    write_rows(result, [{**row, "messages": messages, "response": "sad"}])
    return result


def test_two_adapters_on_one_base_are_two_models(tmp_path: Path, question: Path, made: list[Started]) -> None:
    result = tmp_path / "out.jsonl"
    first, second = adapter(tmp_path, "first"), adapter(tmp_path, "second")
    infer(str(first), str(question), str(result), "0", ["--model", "owner/base"])
    answered(result, question)
    infer(str(first), str(question), str(result), "0", ["--model", "owner/base"])
    with pytest.raises(InputError, match=r"with model \S+/first; now it is model \S+/second"):
        infer(str(second), str(question), str(result), "0", ["--model", "owner/base"])
    with pytest.raises(InputError, match=r"with arguments model owner/base; now it is arguments model owner/other"):
        infer(str(first), str(question), str(result), "0", ["--model", "owner/other"])


def test_all_values_of_an_argument_count(tmp_path: Path, model: Path, question: Path, made: list[Started]) -> None:
    result = tmp_path / "out.jsonl"
    infer(str(model), str(question), str(result), "0", ["--stop_words", "a", "b"])
    answered(result, question)
    infer(str(model), str(question), str(result), "0", ["--stop-words", "a", "b"])
    for others in (["a", "c"], ["a"]):
        with pytest.raises(InputError, match=r"with further_values stop_words \['b'\]; now it is further_values"):
            infer(str(model), str(question), str(result), "0", ["--stop_words", *others])


def test_a_run_that_an_earlier_version_began_is_continued(
    tmp_path: Path, model: Path, question: Path, made: list[Started]
) -> None:
    """Its settings file has the first of several values alone."""
    result, settings, arguments = tmp_path / "out.jsonl", tmp_path / "out.settings.json", ["--stop_words", "a", "b"]
    infer(str(model), str(question), str(result), "0", arguments)
    answered(result, question)
    kept = json.loads(settings.read_text())
    settings.write_text(json.dumps({key: value for key, value in kept.items() if key != "further_values"}))
    infer(str(model), str(question), str(result), "0", arguments)
    assert json.loads(settings.read_text()) == kept  # from now on all count
    with pytest.raises(InputError, match="further_values"):
        infer(str(model), str(question), str(result), "0", ["--stop_words", "a", "c"])


def test_answers_that_were_read_with_decord_are_not_mixed_with_those_of_another_reader(
    tmp_path: Path, model: Path, question: Path, made: list[Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Earlier versions read with it, and did not say so."""
    result, settings = tmp_path / "out.jsonl", tmp_path / "out.settings.json"
    for name in (READER, TIMING):
        monkeypatch.delenv(name, raising=False)
    infer(str(model), str(question), str(result))
    answered(result, question)
    infer(str(model), str(question), str(result))
    kept = json.loads(settings.read_text())
    assert (kept["video_reader"], kept["timing"]) == ("pyav", "true")
    old = {key: value for key, value in kept.items() if key not in {"video_reader", "timing"}}
    settings.write_text(json.dumps(old))
    with pytest.raises(InputError) as refused:
        infer(str(model), str(question), str(result))
    assert "with video_reader decord; now it is video_reader pyav" in str(refused.value)
    assert f"set {READER}=decord to go on" in refused.value.remedy and "another result file" in refused.value.remedy
    assert json.loads(settings.read_text()) == old
    monkeypatch.setenv(TIMING, "legacy")  # which they did not know
    with pytest.raises(InputError, match="timing true, video_reader decord; now it is timing legacy"):
        infer(str(model), str(question), str(result))
    monkeypatch.setenv(TIMING, "true")
    monkeypatch.setenv(READER, "decord")
    infer(str(model), str(question), str(result))
    assert json.loads(settings.read_text()) == {**kept, "video_reader": "decord"}
    monkeypatch.delenv(READER)
    with pytest.raises(InputError, match="with video_reader decord; now it is video_reader pyav"):
        infer(str(model), str(question), str(result))


def test_a_model_is_run_with_the_reader_and_the_timing_that_it_was_trained_with(
    tmp_path: Path, model: Path, question: Path, made: list[Started], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (READER, TIMING):
        monkeypatch.delenv(name, raising=False)
    (model / "args.json").write_text(json.dumps({"media_settings": {READER: "decord", TIMING: "legacy"}}))
    infer(str(model), str(question), str(tmp_path / "out.jsonl"))
    assert (made[0].environment[READER], made[0].environment[TIMING]) == ("decord", "legacy")
    kept = json.loads((tmp_path / "out.settings.json").read_text())
    assert (kept["video_reader"], kept["timing"]) == ("decord", "legacy")


def test_the_settings_of_a_run_say_what_its_clips_were_prepared_with(
    tmp_path: Path, model: Path, question: Path, made: list[Started]
) -> None:
    infer(str(model), str(question), str(tmp_path / "a.jsonl"))
    assert "prepared" not in json.loads((tmp_path / "a.settings.json").read_text())
    said = {"settings": {"FPS": 2.0}, "sampling_rate": 16_000, "form": "raw", "versions": {"av": "18.1.0"}}
    (tmp_path / "prepared.json").write_text(json.dumps({**said, "rows": {question.name: "/data/in.jsonl"}}))
    infer(str(model), str(question), str(tmp_path / "b.jsonl"))
    assert json.loads((tmp_path / "b.settings.json").read_text())["prepared"] == said


def test_asking_in_other_words_than_in_training_is_said_once(
    tmp_path: Path, model: Path, question: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("swift_saber.models.process.serve", fake_model.serve)
    ((_, row),) = read_rows(question)
    media = {key: row[key] for key in ("videos", "audios")}
    own = [{"role": "user", "content": "<video><audio>How does she feel?"}]
    rows = [{"id": str(number), **media, "messages": own} for number in range(3)]
    write_rows(question, [{"id": "sed", **media, "language": "en"}, *rows])
    (model / "args.json").write_text(json.dumps({"instructions": [INSTRUCTIONS["zh"], INSTRUCTIONS["en"]]}))
    assert infer(str(model), str(question), str(tmp_path / "1.jsonl")) == 0
    said = capsys.readouterr().err
    assert said.count("in.jsonl:2 asks 'How does she feel?', and") == said.count("was trained with") == 1
    (model / "args.json").write_text(json.dumps({"instructions": [INSTRUCTIONS["en"], "How does she feel?"]}))
    assert infer(str(model), str(question), str(tmp_path / "2.jsonl")) == 0
    assert "was trained with" not in capsys.readouterr().err


def test_records_without_a_sound_file_are_asked_where_the_model_takes_the_sound_from_the_video(
    tmp_path: Path, tiny_world: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was trained, or as the shell says otherwise."""
    monkeypatch.setattr("swift_saber.models.process.serve", fake_model.serve)
    _, row = next(read_rows(tiny_world / "train.jsonl"))
    records = tmp_path / "in.jsonl"
    write_rows(records, [{**row, "audios": []}])
    (model / "args.json").write_text(json.dumps({"media_settings": {"USE_AUDIO_IN_VIDEO": "1"}}))
    before = dict(os.environ)
    assert infer(str(model), str(records), str(tmp_path / "1.jsonl")) == 0
    assert dict(os.environ) == before
    assert [row["response"] for _, row in read_rows(tmp_path / "1.jsonl")] == ["yes"]
    monkeypatch.setenv("USE_AUDIO_IN_VIDEO", "0")
    assert infer(str(model), str(records), str(tmp_path / "2.jsonl")) == 1
    [(_, reject)] = read_rows(tmp_path / "2.rejects.jsonl")
    assert "no audio for the record" in reject["reason"]

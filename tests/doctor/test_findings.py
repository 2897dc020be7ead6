"""doctor/findings.py and its parts: what is said of settings, packages, readers, memory, folders and data."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from packaging.specifiers import SpecifierSet

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.doctor import machine
from swift_saber.doctor import model as doctor_model
from swift_saber.doctor.findings import (
    data_findings,
    folder_findings,
    package_findings,
    reader_findings,
    wanted_packages,
)
from swift_saber.doctor.machine import ask, cpus, memory
from swift_saber.doctor.model import OFFLINE, hub_finding, model_findings, size_finding, vision_patch, weight_bytes
from swift_saber.doctor.settings import AUDIO_LOADER, AUDIO_LOADERS, OWN_NAMES, TOKENS, Finding, settings_findings
from swift_saber.errors import InputError
from swift_saber.media.settings import MEDIA_SETTINGS, READER, SOUND, TIMING
from swift_saber.models.checkpoint import PUBLISHED_SETTINGS
from swift_saber.text.strict_json import dumps

from ..conftest import MEDIA_ENV, REPOSITORY
from ..plugin.rlhf import write_pairs

# As in qwen-omni-utils 0.0.9; test_the_readers_of_this_machine looks at the installed one.
CONSTANTS = {
    "VIDEO_MIN_TOKEN_NUM": 128,
    "VIDEO_MAX_TOKEN_NUM": 768,
    "FPS": 2.0,
    "FRAME_FACTOR": 2,
    "FPS_MIN_FRAMES": 4,
    "FPS_MAX_FRAMES": 768,
}
GIB = 1024**3


def found(environment: Mapping[str, str], trained: Mapping[str, str] | None = None) -> dict[str, Finding]:
    """What is said of these variables, by name, but for what is well."""
    findings = settings_findings(environment, constants=CONSTANTS, trained=trained)
    return {finding.topic: finding for finding in findings if finding.level != "ok"}


# What ms-swift and qwen-omni-utils look up in the environment until a row can be encoded, and what they leave in it.
LOOKED_UP = """
import json, os, sys
environment, names = type(os.environ), set()
look_up = environment.__getitem__
def recorded(self, name):
    names.add(os.fsdecode(name))  # os.environb has bytes
    return look_up(self, name)
environment.__getitem__ = recorded
from swift.model import get_model_processor
from swift.template import get_template
from swift.template.vision_utils import load_audio
get_template(get_model_processor(sys.argv[1], model_type="qwen2_5_omni", load_model=False)[1])
load_audio(sys.argv[2], 16000)
environment.__getitem__ = look_up
print(json.dumps([sorted(names), dict(os.environ)]))
"""


def test_what_is_said_of_a_variable_is_so_in_the_installed_packages(tiny_model: Path, tiny_world: Path) -> None:
    # huggingface_hub looks at TRANSFORMERS_OFFLINE where HF_HUB_OFFLINE does not say.
    published = {**PUBLISHED_SETTINGS, "TRANSFORMERS_OFFLINE": "1"}
    unset = {*MEDIA_SETTINGS, *MEDIA_ENV, "HF_HUB_OFFLINE"}
    kept = {name: value for name, value in os.environ.items() if name not in unset}
    command = [sys.executable, "-c", LOOKED_UP, str(tiny_model), str(next((tiny_world / "media").glob("*.wav")))]
    done = subprocess.run(command, env={**kept, **published}, capture_output=True, encoding="utf-8", check=True)
    names, left = json.loads(done.stdout.splitlines()[-1])
    stock = {*MEDIA_SETTINGS} - {TIMING, SOUND}
    assert {*stock, *TOKENS, "ROOT_IMAGE_DIR", "USE_HF", *OFFLINE} <= set(names)
    # It sets variables of its own, which are no finding: a shell that has them is none the worse.
    assert {name for name in left if left[name] != published.get(name)} - kept.keys()
    assert found(left, PUBLISHED_SETTINGS) == found({**kept, **published}, PUBLISHED_SETTINGS)


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "OPENAI_API_BASE", "GPS", "IFS", "PS1", "HF_HOME", "LANG", "MAX_JOBS"),
        *("VIDEO_TOTAL_PIXELS", "VIDEO_MAX_PIXEL", "fps_max_frames", "SAMPLE_RATE"),
    ],
)
def test_names_of_other_programs_are_left_alone(name: str) -> None:
    assert found({name: "x"}) == {}


def test_an_unknown_saber_name_is_noted() -> None:
    assert found({"SABER_COLOUR": "red"})["SABER_COLOUR"].level == "note"


def test_every_saber_name_that_the_project_reads_is_known() -> None:
    files = [*REPOSITORY.glob("swift_saber/**/*.py"), *REPOSITORY.glob("shell/*.sh")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    read = set(re.findall(r"(?:environ(?:ment)?(?:\.get\(|\[)\"|\$\{?|= \")(SABER_[A-Z_]+)", text))
    # Set by the scripts, and by a process for those that it starts; of the tests; the tag of a prepared file.
    not_the_users = {
        "SABER_TEST_ENGINE",
        "SABER_TEST_DEMO",
        "SABER_HOME",
        "SABER_BAD_ROWS_FILE",
        "SABER_UNDER_WAY",
        "SABER_COMMAND",
        "SABER_PREPARED",
    }
    assert {"SABER_ORDER", "SABER_MARGIN_SCALE", "SABER_PYTHON"} <= read
    assert read - not_the_users <= set(OWN_NAMES)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FPS_MAX_FRAMES", "abc", "not a whole number"),
        ("VIDEO_MAX_PIXELS", "50176.0", "not a whole number"),
        ("MAX_PIXELS", "", "not a whole number"),
        ("FPS", "two", "not a number"),
        ("FPS", "nan", "not a number"),
        ("USE_AUDIO_IN_VIDEO", "perhaps", "not yes or no"),
        ("SABER_MARGIN_SCALE", "big", "not a number"),
        ("SABER_JOINT_PAIRS", "maybe", "is 'maybe'"),
        ("SABER_MODALITY_PAIRS", "maybe", "is 'maybe'"),
        ("FPS", "0", "0 frames a second"),
        ("SABER_INCONSISTENT_WEIGHT", "0", "is 0"),
        ("SABER_MARGIN_SCALE", "-1", "is -1"),
        ("SAMPLING_RATE", "8000", "takes all sound for 16000 Hz"),
        ("SABER_ORDER", "reversed", "is 'reversed'"),
        ("ROOT_IMAGE_DIR", "/no/such/folder", "is no folder"),
        ("FPS_MAX_FRAMES", "1", "no video can be read"),
        ("SABER_TIMING", "old", "is 'old'"),
        ("SABER_SOUND", "none", "is 'none'"),
        ("SABER_CLIP_SECONDS", "0", "is '0'"),
        ("SWIFT_AUDIO_LOAD_BACKEND", "pyav", "is 'pyav'"),
    ],
)
def test_a_value_that_cannot_be_meant_is_a_problem(name: str, value: str, said: str) -> None:
    finding = found({name: value})[name]
    assert finding.level == "problem" and said in finding.text and finding.remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (TIMING, "legacy"),
        (SOUND, "given"),
        ("SABER_CLIP_SECONDS", "2.5"),
        *((AUDIO_LOADER, one) for one in AUDIO_LOADERS),
    ],
)
def test_a_word_that_is_known_needs_no_remark(name: str, value: str) -> None:
    assert found({name: value}) == {}


def test_the_published_settings_need_no_remark_but_the_floor() -> None:
    published = {"FPS_MAX_FRAMES": "40", "MAX_PIXELS": "1003520", "ENABLE_AUDIO_OUTPUT": "0"}
    assert found(published) == {}
    said = found({**published, "VIDEO_MAX_PIXELS": "50176"})
    # 128 tokens of 28 x 28 pixels.
    assert list(said) == ["VIDEO_MAX_PIXELS"] and "about 100352 pixels" in said["VIDEO_MAX_PIXELS"].text
    assert said["VIDEO_MAX_PIXELS"].level == "note"


def test_a_cap_below_the_floor_is_a_problem_where_nothing_was_trained_so() -> None:
    assert found({"VIDEO_MAX_PIXELS": "40000"})["VIDEO_MAX_PIXELS"].level == "problem"
    assert found({"VIDEO_MAX_PIXELS": "40000"}, {"VIDEO_MAX_PIXELS": "40000"})["VIDEO_MAX_PIXELS"].level == "note"
    # A floor below it, as the remedy says, makes it a cap; so does a cap above the floor.
    assert found({"VIDEO_MAX_PIXELS": "40000", "VIDEO_MIN_PIXELS": "3136"}) == {}
    assert found({"VIDEO_MAX_PIXELS": "100352"}) == {}


def test_a_cap_that_another_variable_stands_above_is_a_problem() -> None:
    said = found({"VIDEO_MAX_PIXELS": "200704", "VIDEO_MAX_TOKEN_NUM": "64"})
    assert "does nothing" in said["VIDEO_MAX_PIXELS"].text
    # ms-swift itself sets 200704 / 784 = 256.
    assert found({"VIDEO_MAX_PIXELS": "200704", "VIDEO_MAX_TOKEN_NUM": "256"}) == {}


def test_odd_and_contradicting_numbers_of_frames() -> None:
    assert "counts as 40" in found({"FPS_MAX_FRAMES": "41"})["FPS_MAX_FRAMES"].text
    assert "counts as 6" in found({"FPS_MIN_FRAMES": "5"})["FPS_MIN_FRAMES"].text
    both = found({"FPS_MAX_FRAMES": "4", "FPS_MIN_FRAMES": "8"})["FPS_MAX_FRAMES"]
    assert both.level == "problem" and "every video has 4 frames" in both.text
    assert found({"FPS_MAX_FRAMES": "2"})["FPS_MAX_FRAMES"].level == "note"  # the default minimum is 4


def test_other_settings_than_the_models_are_noted() -> None:
    said = found({"FPS": "4", "FPS_MAX_FRAMES": "20", "MAX_PIXELS": "9"}, {"FPS": "2", "FPS_MAX_FRAMES": "20"})
    assert said["FPS"].level == "note" and "'4' here, and the model was trained with '2'" in said["FPS"].text
    assert "FPS_MAX_FRAMES" not in said and "without it" in said["MAX_PIXELS"].text


def test_a_key_is_never_shown() -> None:
    secret = "sk-" + "0123456789"
    trained = {"OPENAI_API_KEY": "other"}  # a model folder that names it must not bring it out either
    findings = list(settings_findings({"OPENAI_API_KEY": secret, "OPENAI_API_KEYS": secret}, trained=trained))
    assert any(finding.topic == "OPENAI_API_KEY" for finding in findings)
    assert secret not in str(findings)


def test_packages_are_measured_by_what_the_project_requires() -> None:
    wanted = wanted_packages()
    assert {"ms-swift", "torch", "transformers", "trl", "qwen-omni-utils", "soundfile", "av"} <= set(wanted)
    assert "4.6.0" in wanted["ms-swift"] and "4.7.0" not in wanted["ms-swift"]
    assert "pytest" not in wanted  # of an extra
    levels = {finding.topic: finding.level for finding in package_findings(wanted)}
    assert levels["ms-swift"] == "ok" and levels["Python"] == "ok"


def test_a_missing_and_an_untested_package_are_named_with_the_command() -> None:
    wanted = {"no-such-package": SpecifierSet(">=1"), "packaging": SpecifierSet("<1")}
    said = {finding.topic: finding for finding in package_findings(wanted)}
    assert said["no-such-package"] == Finding(
        "problem", "no-such-package", "is not installed", "pip install 'no-such-package>=1'"
    )
    assert said["packaging"].level == "problem" and "tested: <1" in said["packaging"].text


def test_decord_is_not_missed_where_it_is_not() -> None:
    [finding] = package_findings_but_python({"decord": SpecifierSet(">=99")})
    assert finding.level == ("problem" if find_spec("decord") else "note")  # one that is there is looked at
    [finding] = package_findings_but_python({"no-such-package": SpecifierSet()})
    assert finding.level == "problem"


def package_findings_but_python(wanted: Mapping[str, SpecifierSet]) -> list[Finding]:
    return [finding for finding in package_findings(wanted) if finding.topic != "Python"]


def reader(**changes: Any) -> dict[str, Any]:
    return {"installed": ["pyav", "torchvision"], "broken": {}, "chosen": "pyav", **changes}


@pytest.mark.parametrize(
    ("facts", "topic", "said"),
    [
        (reader(chosen="torchcodec", broken={"torchcodec": "no FFmpeg"}), "video reader", "fails: no FFmpeg"),
        (reader(chosen="decord"), "video reader", "fails: it is not installed"),
        (reader(broken={"pyav": "no libavcodec"}), "video reader", "fails: no libavcodec"),
        ("ModuleNotFoundError: No module named 'x'", "video readers", "No module named 'x'"),
    ],
)
def test_a_reader_that_will_fail_is_a_problem(facts: dict[str, Any] | str, topic: str, said: str) -> None:
    problems = [finding for finding in reader_findings(facts, {}) if finding.level == "problem"]
    assert [finding.topic for finding in problems] == [topic]
    assert said in problems[0].text and problems[0].remedy


def test_a_reader_that_is_not_known_is_a_problem_of_the_environment() -> None:
    facts = ask("readers", {**os.environ, READER: "opencv"})
    [problem] = reader_findings(facts, {READER: "opencv"})
    assert (problem.level, problem.topic) == ("problem", READER)
    assert "is 'opencv'" in problem.text and "pyav" in problem.remedy


def test_the_reader_that_the_models_frames_come_from_is_named() -> None:
    fine = list(reader_findings(reader(broken={"torchvision": "this version has no read_video"}), {}))
    assert [finding.level for finding in fine] == ["ok", "ok"]
    assert "frames come from pyav" in fine[1].text


@pytest.mark.parametrize("name", ["decord", "torchcodec"])
def test_a_reader_that_may_give_other_frames_is_noted_where_it_is_chosen(name: str) -> None:
    facts = reader(installed=["pyav", name], chosen=name)
    *_, note = reader_findings(facts, {READER: name})
    assert note.level == "note" and f"come from {name}" in note.text and "AVI" in note.text
    assert f"unset {READER}" in note.remedy


def test_a_reader_that_is_broken_and_not_chosen_is_noted() -> None:
    *_, note = reader_findings(reader(installed=["pyav", "decord"], broken={"decord": "no libgomp"}), {})
    assert (note.level, note.topic) == ("note", "video reader decord") and "no libgomp" in note.text


def test_the_readers_of_this_machine() -> None:
    unset = ("VIDEO_", "FPS", READER)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    facts = ask("readers", clean)
    assert isinstance(facts, dict) and facts["constants"] == CONSTANTS
    assert facts["chosen"] == "pyav" and {"pyav", "torchvision"} <= set(facts["installed"])
    assert ("decord" in facts["installed"]) == bool(find_spec("decord"))
    forced = ask("readers", {**clean, READER: "torchvision"})
    assert isinstance(forced, dict) and forced["chosen"] == "torchvision"


def test_a_question_that_crashes_fails_or_hangs_has_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask("os.abort", os.environ) == "crashed with signal 6"
    failed = ask("no_such_question", os.environ)
    assert isinstance(failed, str) and failed.startswith("AttributeError") and "no_such_question" in failed
    monkeypatch.setattr(machine, "_SECONDS", 0.01)
    assert ask("readers", os.environ) == "did not answer within 0.01 s"


def test_a_model_folder_is_measured_by_its_weight_files(tiny_model: Path) -> None:
    size = (tiny_model / "model.safetensors").stat().st_size
    assert weight_bytes(tiny_model) == size
    findings = list(model_findings(str(tiny_model), {"gpus": []}, os.environ))
    assert [finding.level for finding in findings] == ["ok", "ok"]
    assert f"{size / 1024**2:.1f} MiB of weights" in findings[1].text
    assert vision_patch(str(tiny_model)) == 14


def lora(folder: Path, base: str | None) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(bytes(3 * 1024**2))
    (folder / "args.json").write_text(dumps({"model": base} if base else {}))
    return folder


def test_a_lora_checkpoint_counts_with_its_base(tiny_model: Path, tmp_path: Path) -> None:
    folder = lora(tmp_path / "lora", str(tiny_model))
    both = weight_bytes(tiny_model) / 1024**2 + 3
    findings = list(model_findings(str(folder), {"gpus": []}, os.environ))
    assert str(tiny_model) in findings[0].text and f"{both:.1f} MiB" in findings[1].text


def test_the_patches_of_a_model_are_those_of_its_base_or_go_by_its_name(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text(dumps({"thinker_config": {"vision_config": {"patch_size": 16}}}))
    assert vision_patch(str(lora(tmp_path / "lora", str(base)))) == 16
    assert vision_patch("Qwen/Qwen3-Omni-30B-A3B-Instruct") == 16
    assert vision_patch("owner/other") == 14


def test_flags_that_contradict_the_weights_are_a_problem(tiny_model: Path, tmp_path: Path) -> None:
    levels = [finding.level for finding in model_findings(str(tiny_model), {"gpus": []}, os.environ)]
    assert "problem" not in levels
    shutil.copytree(tiny_model, tmp_path / "model")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    config["thinker_config"]["text_config"]["tie_word_embeddings"] = True
    (tmp_path / "model" / "config.json").write_text(dumps(config))
    findings = model_findings(str(tmp_path / "model"), {"gpus": []}, os.environ)
    [problem] = [finding for finding in findings if finding.level == "problem"]
    assert problem.topic == "tie_word_embeddings"
    assert "set thinker_config.text_config.tie_word_embeddings to false" in problem.remedy


@pytest.mark.parametrize(("base", "said"), [(None, "does not say"), ("/no/such/base", "which is not there")])
def test_a_lora_checkpoint_without_its_base_is_a_problem(tmp_path: Path, base: str | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        list(model_findings(str(lora(tmp_path / "lora", base)), {"gpus": []}, os.environ))


def test_a_folder_without_weights_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="holds no weight files"):
        list(model_findings(str(tmp_path), {"gpus": []}, os.environ))


@pytest.fixture(scope="module")
def not_cached() -> Any:
    """What the caches answer; neither USE_HF nor HF_HUB_OFFLINE matters to them."""
    return ask("cached", os.environ, ["nobody/no-such-model"])


@pytest.mark.parametrize(
    ("use_hf", "offline", "level", "said"),
    [
        ("0", "1", "note", "will be fetched from ModelScope"),
        ("1", "0", "note", "will be fetched from Hugging Face"),
        ("1", "1", "problem", "HF_HUB_OFFLINE forbids to fetch it"),
    ],
)
def test_a_hub_id_that_is_not_cached(
    use_hf: str, offline: str, level: str, said: str, not_cached: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_model, "ask", lambda *_: not_cached)
    environment = {**os.environ, "USE_HF": use_hf, "HF_HUB_OFFLINE": offline}
    cache, size = model_findings("nobody/no-such-model", {"gpus": []}, environment)
    assert (cache.level, size.level) == (level, "note")
    assert said in cache.text and "unknown" in size.text


def test_a_cached_hub_id_is_measured(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--nobody--model" / "snapshots" / "0" / "model.safetensors"
    snapshot.parent.mkdir(parents=True)
    snapshot.write_bytes(bytes(2 * 1024**2))
    reference = tmp_path / "hub" / "models--nobody--model" / "refs" / "main"
    reference.parent.mkdir()
    reference.write_text("0")
    environment = {**os.environ, "HF_HOME": str(tmp_path), "USE_HF": "1", "HF_HUB_OFFLINE": "1"}
    findings = list(model_findings("nobody/model", {"gpus": []}, environment))
    assert [finding.level for finding in findings] == ["ok", "ok", "ok"]
    assert "2.0 MiB of weights" in findings[2].text


def test_weights_against_memory() -> None:
    def gpus(*gib: int) -> dict[str, Any]:
        return {"gpus": [{"name": "g", "total": size * GIB, "free": size * GIB} for size in gib]}

    assert size_finding(16 * GIB, gpus(24)).level == "ok"
    assert "little is left" in size_finding(20 * GIB, gpus(24)).text  # 0.8 of 24 is 19.2
    assert "no single GPU" in size_finding(30 * GIB, gpus(24, 24)).text
    assert size_finding(50 * GIB, gpus(24, 24)).level == "problem"
    busy = {"gpus": [{"name": "g", "total": 24 * GIB, "free": GIB}]}
    assert "other programs" in size_finding(2 * GIB, busy).text
    assert size_finding(memory() + 1, gpus()).level == "problem"
    assert size_finding(1, "torch does not load").level == "ok"
    assert cpus() >= 1


def test_offline_switches_hold_only_their_own_hub_back() -> None:
    assert hub_finding({}).level == "ok"
    assert hub_finding({"HF_HUB_OFFLINE": "1"}).level == "note"
    assert hub_finding({"HF_HUB_OFFLINE": "1", "USE_HF": "1"}).level == "ok"


@pytest.mark.parametrize("word", ["1", "0", "yes", "True", "ON", "y", "t", ""])
def test_a_switch_counts_where_it_counts_for_hugging_face(word: str) -> None:
    from huggingface_hub.constants import ENV_VARS_TRUE_VALUES

    holds = "is set" in hub_finding({"HF_HUB_OFFLINE": word, "USE_HF": "1"}).text
    assert holds == (word.upper() in ENV_VARS_TRUE_VALUES)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    assert next(iter(folder_findings(tmp_path))).level == "ok"
    assert list(tmp_path.iterdir()) == []
    if Path("/proc").is_dir():  # nobody can write there, root included
        assert next(iter(folder_findings(Path("/proc")))).text.startswith("cannot write to /proc")


def test_rows_are_counted_by_kind_and_missing_media_found(tiny_world: Path, tmp_path: Path) -> None:
    [fine] = data_findings(tiny_world / "train.jsonl")
    assert fine.level == "ok" and "36 record" in fine.text
    [pairs] = data_findings(write_pairs(tmp_path / "pairs.jsonl", tiny_world, 2))
    assert pairs.level == "ok" and "2 pair" in pairs.text
    rows = [row for _, row in read_rows(tiny_world / "eval.jsonl")][:3]
    write_rows(tmp_path / "bad.jsonl", [rows[0], {**rows[1], "videos": ["gone.mp4"]}, rows[2]])
    [bad] = data_findings(tmp_path / "bad.jsonl")
    assert bad.level == "problem" and "1 of 3 rows" in bad.text and "bad.jsonl:2" in bad.text
    [missing] = data_findings(tmp_path / "none.jsonl")
    assert missing.level == "problem" and "none.jsonl" in missing.text


@pytest.mark.parametrize("line", [b"{broken", b'{"id": "\xff"}'])
def test_a_line_that_holds_no_row_is_one_of_the_rows(tiny_world: Path, tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "bad.jsonl"
    write_rows(path, [row for _, row in read_rows(tiny_world / "eval.jsonl")][:1])
    path.write_bytes(path.read_bytes() + line)
    [bad] = data_findings(path)
    assert bad.level == "problem" and "1 of 2 rows" in bad.text and "bad.jsonl:2" in bad.text

"""models/flags.py: flags that ms-swift does not know, or would take for others, are refused without an import of it."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.models.flags import check_flags, check_keys, flags
from tests.conftest import REPOSITORY

COMMANDS = ("sft", "rlhf", "infer", "deploy")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--learning_rat", "arguments: --learning_rat: is no argument of `swift sft`; did you mean --learning_rate?"),
        ("--learning-rat=3", "--learning-rat: .*did you mean --learning_rate"),
        ("--lerning_rate", "--lerning_rate: .*did you mean --learning_rate"),
        ("--max-new_tokens", "--max-new_tokens: .*did you mean --max_new_tokens"),
        ("-learning_rate", "-learning_rate: .*did you mean --learning_rate"),
        ("–learning_rate", "–learning_rate: .*did you mean --learning_rate"),
        ("--rlhf_type", "--rlhf_type: is no argument of `swift sft`"),
        ("--xyzzyxyzzy", "--xyzzyxyzzy: .*; `swift sft --help` lists them"),
    ],
)
def test_a_flag_that_is_not_one_in_full_is_refused_with_the_nearest(argument: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_flags("sft", ["--max_steps", "3", argument, "3"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--learning_rate", "-3", "--learning-rate=3", "--no_freeze_vit", "-1e-5"],
        ["--system", "--learning_rat is what you say", "–so–", "--help"],
        ["--deepspeed", '{"--a": 1}', "--dataset", "a.jsonl", "b-c.jsonl"],
    ],
)
def test_flags_in_full_and_values_that_look_like_some_are_taken(arguments: list[str]) -> None:
    check_flags("sft", arguments)


def test_flags_of_grpo_are_taken() -> None:
    check_flags(
        "rlhf", ["--reward_funcs", "saber_format", "saber_emotion", "--reward_weights", "0.5", "1", "--top_k=50"]
    )


def test_a_key_of_a_recipe_is_a_flag_too(tmp_path: Path) -> None:
    check_keys("sft", {"ENV": {}, "learning_rate": 3, "learning-rate": 3}, "a.yaml")
    with pytest.raises(InputError, match=r"a.yaml: learning_rat: is no .*; did you mean learning_rate\?"):
        check_keys("sft", {"learning_rat": 3}, "a.yaml")
    recipe = tmp_path / "r.yaml"
    recipe.write_text("# learning_rat: 1\nmodel: m\n'learning_rat' : 3\n")
    with pytest.raises(InputError, match=r"r.yaml:3: learning_rat: is no"):
        check_keys("sft", {"model": "m", "learning_rat": 3}, str(recipe))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_flags_are_those_of_the_installed_parser(command: str) -> None:
    from swift import arguments
    from swift.utils.utils import _patch_get_type_hints
    from transformers import HfArgumentParser

    names = {"sft": "SftArguments", "rlhf": "RLHFArguments", "infer": "InferArguments", "deploy": "DeployArguments"}
    with _patch_get_type_hints():  # as swift.utils.parse_args makes its parser
        parser = HfArgumentParser([getattr(arguments, names[command])])
    long = {option[2:].replace("-", "_") for option in parser._option_string_actions if option.startswith("--")}
    assert flags(command) == long
    assert {field.name for field in dataclasses.fields(getattr(arguments, names[command])) if field.init} <= long


def test_ms_swift_is_not_imported_for_it() -> None:
    code = "import sys; from swift_saber.models.flags import flags; n = len(flags('rlhf'))\n"
    code += "sys.exit(n < 100 or bool({'swift', 'torch', 'transformers'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_package_that_is_built_otherwise_is_named(tmp_path: Path) -> None:
    for folder in ("swift", "swift/arguments"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").touch()
    code = "from swift_saber.models.flags import flags; flags('sft')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{tmp_path}:{REPOSITORY}"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "InputError: ms-swift: arguments: are not defined as in the tested version" in done.stderr
    assert "swift.arguments has no SftArguments" in done.stderr

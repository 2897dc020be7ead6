"""A recipe, as ms-swift takes it: a YAML of arguments with an ENV block, and the flags after it, which win."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from swift_saber.errors import InputError
from swift_saber.text.files import read_text


def check_recipe(path: str) -> dict[str, Any]:
    """Return a recipe's contents.

    Raises:
        InputError: the file is missing, is not YAML, says a key twice, or is not a mapping of arguments.
    """
    if not path.endswith((".yaml", ".yml")):
        raise InputError(path, "recipe", "is not named .yaml", "ms-swift takes other files for arguments: rename it")
    text = read_text(path)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        recipe = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise InputError(where, "recipe", getattr(error, "problem", None) or "is not YAML", "correct it") from error
    if not isinstance(recipe, dict) or not isinstance(node, yaml.MappingNode):
        raise InputError(path, "recipe", "is not a list of `key: value` lines", "start from one in recipes/")
    seen: dict[str, int] = {}
    for key, _ in node.value:
        line = key.start_mark.line + 1
        if key.value in seen:
            where = f"{path}:{line}"
            raise InputError(where, key.value, f"is also set on line {seen[key.value]}", "keep one of the two")
        seen[key.value] = line
    if not isinstance(recipe.get("ENV", {}), dict):
        raise InputError(f"{path}:{seen['ENV']}", "ENV", "is not a mapping", "indent NAME: 'value' lines below it")
    return recipe


def setting(recipe: Mapping[str, Any], arguments: Sequence[str], key: str) -> str | None:
    """Return the value of an argument, a flag before the recipe; the first where there is a list of them.

    Args:
        recipe: a recipe's contents.
        arguments: the `--key value` that follow it.
        key: name of the argument, with underscores.
    """
    value = given(arguments, key)
    if value is None:
        value = recipe.get(key)
    if isinstance(value, list):
        value = value[0] if value else None
    return None if value is None else str(value)


def given(arguments: Sequence[str], key: str) -> str | None:
    """Return the value of a flag among `--key value` and `--key=value` arguments; the last one counts.

    ms-swift's parser takes `--some-key` for `--some_key`.
    """
    found = None
    for place, argument in enumerate(arguments, start=1):
        name, equals, value = argument.partition("=")
        if name.startswith("--") and name[2:].replace("-", "_") == key:
            found = value if equals else "".join(arguments[place : place + 1])
    return found

"""A recipe, as ms-swift takes it: a YAML of arguments with an ENV block, and the flags after it, which win."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from swift_saber.errors import InputError, quoted
from swift_saber.text.files import read_text

# Ours: of the recipes that are shipped, the longest has 8,000 characters, 150 values and 4 levels.
_MOST_BYTES = 1 << 20
_MOST_VALUES = 100_000
_DEEPEST = 50
_NAMES = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"}  # of keys
# Of the files that ms-swift and its plugin take rows from.
_ROWS = (".jsonl", ".json", ".csv", ".tsv", ".txt", ".parquet")
_LONGEST_NUMBER = 100  # characters; Python reads a number in a time that grows with their square


def check_recipe(path: str) -> dict[str, Any]:
    """Return a recipe's contents.

    Raises:
        InputError: the file is missing, is not YAML, says a key twice, is not a mapping of arguments, or is larger or
            deeper than any recipe.
    """
    if not path.endswith((".yaml", ".yml")):
        raise InputError(path, "recipe", "is not named .yaml", "ms-swift takes other files for arguments: rename it")
    recipe, blocks = _loaded(read_text(path, _MOST_BYTES), path)
    if not isinstance(recipe, dict):
        raise InputError(path, "recipe", "is not a list of `key: value` lines", "start from one in recipes/")
    for block in blocks:
        seen: dict[str, int] = {}
        for key in block:
            where = f"{path}:{key.start_mark.line + 1}"
            if block is blocks[-1] and key.tag not in _NAMES:
                raise InputError(where, "recipe", f"{quoted(key.value)} is no name of a setting", "put it into quotes")
            if key.value in seen:
                raise InputError(where, key.value, f"is also set on line {seen[key.value]}", "keep one of the two")
            seen[key.value] = key.start_mark.line + 1
    if not isinstance(recipe.get("ENV", {}), dict):
        line = next(key.start_mark.line + 1 for key in blocks[-1] if key.value == "ENV")
        raise InputError(f"{path}:{line}", "ENV", "is not a mapping", "indent NAME: 'value' lines below it")
    return recipe


def read_value(text: str, where: str) -> Any:
    """Return the value that a text in YAML stands for.

    Args:
        where: names it in errors.

    Raises:
        InputError: it is not YAML, or is larger or deeper than any recipe.
    """
    return _loaded(text, where)[0]


def _loaded(text: str, where: str) -> tuple[Any, list[list[yaml.Node]]]:
    """What a YAML says, and the keys of each of its mappings as they are written, those of the outermost last."""
    try:
        loader = _Loader(text)
        return loader.get_single_data(), loader.keys
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "is not YAML"
        raise InputError(f"{where}:{mark.line + 1}" if mark else where, "recipe", problem, "correct it") from error
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        # What PyYAML lets through of a value that is not what its form or its tag says: the 99th of a month.
        problem = f"holds a value that cannot be read ({type(error).__name__}: {error})"
        raise InputError(where, "recipe", problem, "put texts into quotes") from error


class _Loader(yaml.SafeLoader):
    """PyYAML's own, for YAML of others: what an alias stands for counts each time, and levels are counted."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._values = self._depth = 0
        self._held: dict[str, int] = {}  # how many values an anchor stands for
        self.keys: list[list[yaml.Node]] = []

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()
        anchor = getattr(event, "anchor", None)
        before = self._values
        if isinstance(event, yaml.AliasEvent):
            if anchor in self.anchors and anchor not in self._held:
                raise self._refused(event, f"*{anchor} stands inside of what it stands for")
            self._values += self._held.get(str(anchor), 0)
        self._values += 1
        self._depth += 1
        if self._values > _MOST_VALUES:
            raise self._refused(event, f"holds more than {_MOST_VALUES:,} values, as often as aliases repeat them")
        if self._depth > _DEEPEST:
            raise self._refused(event, f"is nested more than {_DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        text = isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:str"
        if isinstance(node, yaml.ScalarNode) and not text and len(node.value) > _LONGEST_NUMBER:
            raise self._refused(event, f"holds a number of {len(node.value):,} characters")
        if isinstance(node, yaml.MappingNode) and not isinstance(event, yaml.AliasEvent):
            self.keys.append([key for key, _ in node.value])
        self._depth -= 1
        if anchor:
            self._held[anchor] = self._values - before
        return node

    @staticmethod
    def _refused(event: Any, problem: str) -> yaml.YAMLError:
        return yaml.composer.ComposerError(None, None, problem, event.start_mark)


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


def all_given(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Return all values of each flag among `--key value value` and `--key=value` arguments; the last of a name counts.

    `given` gives the first of them.
    """
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for argument in arguments:
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            current = found[name.replace("-", "_")] = [value] if equals else []
        else:
            current.append(argument)
    return found


def values(recipe: Mapping[str, Any], arguments: Sequence[str], key: str) -> list[str]:
    """Return all values of an argument that takes several, a flag before the recipe.

    Args:
        recipe: a recipe's contents.
        arguments: the `--key value value` that follow it.
        key: name of the argument, with underscores.
    """
    known: Any = all_given(arguments).get(key, recipe.get(key))
    return [] if known is None else [str(one) for one in known] if isinstance(known, list) else [str(known)]


def names_a_file(dataset: str) -> bool:
    """Return whether a --dataset means a file or a folder here, and no data set of a hub, whether or not it is there.

    Args:
        dataset: without the hub before it and what is to be taken of it.
    """
    return dataset.startswith(("/", "./", "../", "~")) or dataset.endswith(_ROWS) or dataset.count("/") > 1


def check_dataset(dataset: str) -> None:
    """See that a --dataset, if it is a file or a folder here, is there.

    Args:
        dataset: as ms-swift takes it, `hf::NAME:SUBSET#500` (swift.dataset.dataset_syntax).

    Raises:
        InputError: it is not.
    """
    hub, _, name = dataset.rpartition("::")
    taken = name.rpartition("#")[0] or name
    places = (dataset, name, taken, taken.partition(":")[0])
    if not hub and names_a_file(places[-1]) and not any(map(os.path.exists, places)):
        raise InputError(taken, "dataset", "no such file or folder", "check the path")

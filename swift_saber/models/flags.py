"""The flags that the installed ms-swift takes, told from its source: an import of it takes up to a minute.

ms-swift's parser takes a flag that is cut short for the whole one, and refuses one that it does not know only after it
was imported, so both are refused here, before anything is looked up or loaded.
"""

import ast
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError

# The dataclass in swift.arguments that each command is parsed into.
_CLASSES = {"sft": "SftArguments", "rlhf": "RLHFArguments", "infer": "InferArguments", "deploy": "DeployArguments"}
# What argparse takes for a flag and not for a value; a text with a space before any "=" and a negative number are
# values. Also the dashes that a word processor makes of "--".
_FLAG = re.compile(r"([-\N{EN DASH}\N{EM DASH}]+)([A-Za-z][^\s=]*)(=.*)?", re.DOTALL)


def check_flags(command: str, arguments: Sequence[str]) -> None:
    """See that each flag among the arguments that are handed on to ms-swift is one of its own, in full.

    Args:
        command: "sft", "rlhf", "infer" or "deploy".
        arguments: `--key value` and `--key=value`.

    Raises:
        InputError: a flag that ms-swift does not know, or would take for another one.
    """
    for found in filter(None, map(_FLAG.fullmatch, arguments)):
        dashes, name = found[1], found[2]
        if dashes.strip("-") and _key(name) not in flags(command):
            continue  # a value
        if dashes != "--" or _key(name) not in flags(command):
            raise _unknown(command, "arguments", dashes + name, name, "--")


def check_keys(command: str, recipe: Mapping[str, Any], path: str) -> None:
    """See that each key of a recipe, which becomes a flag, is one of ms-swift's.

    Args:
        command: as check_flags.
        recipe: its contents.
        path: names it in errors.

    Raises:
        InputError: one is not.
    """
    for key in recipe:
        if key != "ENV" and _key(key) not in flags(command):
            raise _unknown(command, _place(path, key), key, key, "")


def _place(path: str, key: str) -> str:
    """The "file:line" of a recipe's key, or the file alone where no line begins with it."""
    lines = Path(path).read_text(encoding="utf-8").splitlines() if Path(path).is_file() else []
    written = re.compile(rf"""["']?{re.escape(key)}["']?\s*:""")
    at = next((number for number, line in enumerate(lines, start=1) if written.match(line)), None)
    return f"{path}:{at}" if at else path


def _key(name: str) -> str:
    """The name with "_" between words, which "-" may join in all places or in none."""
    return name if "_" in name else name.replace("-", "_")


def nearest(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that a misspelt one or one that was cut short may stand for, the likeliest first.

    Args:
        name: its words may be joined by "-" or by "_".
        names: so may theirs.
    """
    like, known = name.replace("-", "_"), {one.replace("-", "_"): one for one in sorted(names)}
    longer = [one for one in known if one.startswith(like)]
    found = longer if len(longer) == 1 else difflib.get_close_matches(like, known, 3) or longer[:3]
    return [known[one] for one in ([like] if like in known else found)]


def _unknown(command: str, where: str, shown: str, name: str, dashes: str) -> InputError:
    meant = " or ".join(f"{dashes}{one}" for one in nearest(name, flags(command)))
    remedy = f"did you mean {meant}?" if meant else f"`swift {command} --help` lists them"
    return InputError(where, shown, f"is no argument of `swift {command}`", remedy)


@cache
def flags(command: str) -> frozenset[str]:
    """Return the names of all flags of an ms-swift command, with "_" between words and without the "--".

    Raises:
        InputError: ms-swift is not installed, or is not built as the tested version is.
    """
    fields = _fields("swift.arguments", _CLASSES[command])
    return frozenset(flag for names in fields.values() for flag in names) | {"help"}


@cache
def _fields(module: str, name: str) -> dict[str, tuple[str, ...]]:
    """The fields of a dataclass with those of its bases, and the flags that set each."""
    file = _file(module)
    tree = ast.parse(file.read_bytes())
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return _fields_of(node, module)
    for imports in ast.walk(tree):  # they may stand below `if TYPE_CHECKING`
        if isinstance(imports, ast.ImportFrom):
            for imported in imports.names:
                if (imported.asname or imported.name) == name:
                    return _fields(_absolute(imports, module, file), imported.name)
    raise _changed(f"{module} has no {name}")


def _fields_of(node: ast.ClassDef, module: str) -> dict[str, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    for base in reversed(node.bases):  # the first counts where two have a field of one name
        if ast.unparse(base) not in {"object", "ABC"}:
            fields |= _fields(module, ast.unparse(base))
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return fields
    for line in node.body:
        if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
            continue
        name, kind = line.target.id, ast.unparse(line.annotation)
        default = ast.unparse(line.value) if line.value else ""
        if "ClassVar" in kind or "init=False" in default:
            fields[name] = ()
        elif "bool" in kind and (default == "True" or "default=True" in default):
            fields[name] = (name, f"no_{name}")  # as transformers' HfArgumentParser has it
        else:
            fields[name] = (name,)
    return fields


def _absolute(node: ast.ImportFrom, module: str, file: Path) -> str:
    """The name of the module that an import takes from."""
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    up = node.level - (file.name == "__init__.py")
    return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


def _file(module: str) -> Path:
    """The source of a module, which is not imported, nor is a package that it is in."""
    package, *rest = module.split(".")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError("Python", package, "is not installed", "pip install -e the repository, or use .venv's Python")
    for folder in spec.submodule_search_locations:
        place = Path(folder).joinpath(*rest)
        for path in (place / "__init__.py", place.parent / f"{place.name}.py"):
            if path.is_file():
                return path
    raise _changed(f"there is no {module}")


def _changed(found: str) -> InputError:
    remedy = "install the tested version, which `swift-saber doctor` names"
    return InputError("ms-swift", "arguments", f"are not defined as in the tested version ({found})", remedy)

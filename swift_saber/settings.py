"""Settings of a recipe as pydantic dataclasses, and what is wrong with them as one line of ours.

    @dataclass(frozen=True, config=SETTINGS)  # pydantic.dataclasses
    class Sieve:
        mesh: Annotated[Whole, Field(ge=1)] = 8

    read_settings(Sieve, recipe["sieve"], "sieve")

Of a text, Field's title says what it has to be ("the name of a variable") and its description what to do about it, also
where it is missing. A validator of one's own raises InputError; its place is put right here.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, WrapValidator

from swift_saber.errors import InputError, kind, quoted

T = TypeVar("T")

_TEXT = "a text"
SETTINGS = ConfigDict(extra="forbid", field_title_generator=lambda *_: _TEXT)
#: Numbers as YAML has them: true is none, nor is "8"; a whole number is no 8.0.
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
#: Behind a Number and its limits: it stays as it was written, 30 and not 30.0, where it goes into rows.
AS_WRITTEN = WrapValidator(lambda value, check: (check(value), value)[1])

_UNKNOWN = frozenset({"unexpected_keyword_argument", "extra_forbidden", "invalid_key"})
_TYPES = {
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "settings",
}


def read_settings(form: type[T], settings: object, block: str) -> T:
    """Return the settings that a block of a recipe holds.

    Args:
        form: a pydantic dataclass with SETTINGS.
        settings: the block.
        block: its name, e.g. "visual.judge", for errors.

    Raises:
        InputError: a setting is missing, not known, or not of its kind. The value of a text is not shown: it may be a
            key that stands in the wrong place.
    """
    adapter = TypeAdapter(form)
    try:
        return adapter.validate_python(dict(settings) if isinstance(settings, Mapping) else settings)
    except ValidationError as error:
        found = error.errors(include_url=False)
    # A misspelt name is a missing one too. Outside of `except`: pydantic's error shows all values.
    found.sort(key=lambda one: one["type"] not in _UNKNOWN)
    place, value = found[0]["loc"], found[0]["input"]
    problem, remedy = _said(found[0]["type"], value, found[0].get("ctx", {}), adapter.json_schema(), place)
    raise InputError("recipe", ".".join((block, *map(str, place))), problem, remedy)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return what to do about a name that is not known: what it may have been meant for, or all that are known."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    return f"write {close[0]}" if close else f"it takes {', '.join(names)}"


def _said(
    wrong: str, value: object, context: Mapping[str, Any], schema: dict[str, Any], place: Sequence[int | str]
) -> tuple[str, str]:
    """What is wrong with the value at a place, and what to do about it."""
    if wrong in _UNKNOWN:
        return "is not a setting", nearest(str(place[-1]), _at(schema, place[:-1])["properties"])
    wanted = _at(schema, place)
    if isinstance(own := context.get("error"), InputError):
        return own.problem, own.remedy
    if wrong == "missing" or (value is None and wanted.get("type") == "string" and "default" not in wanted):
        return "is not set", wanted.get("description", "add it to the block")
    if "properties" in wanted:
        return f"is {kind(value)}, not settings", "indent `key: value` lines below it"
    if "enum" in wanted or "const" in wanted:
        return f"{quoted(value)} is not known", f"write {' or '.join(wanted.get('enum', [wanted.get('const')]))}"
    if wanted.get("type") == "string":
        what = wanted.get("title", _TEXT)
        return f"is not {what}", wanted.get("description", f"write {what}")
    what = _in_words(wanted)
    return f"{quoted(value)} is not {what}", f"write {what}"


def _at(schema: dict[str, Any], place: Sequence[int | str]) -> dict[str, Any]:
    """The part of a JSON schema that describes the value at a place."""
    found = schema
    for key in (None, *place):
        if key is not None:
            found = found["items"] if isinstance(key, int) else found["properties"][key]
        if "anyOf" in found:  # a value or none
            found = {**found, **found["anyOf"][0]}
        if "$ref" in found:
            found = {**found, **schema["$defs"][found["$ref"].rpartition("/")[2]]}
    return found


def _in_words(schema: Mapping[str, Any]) -> str:
    """What a JSON schema asks for: "an integer of at least 1"."""
    limits = [
        f"{word} {schema[limit]:g}"
        for limit, word in (("minimum", "of at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"))
        if limit in schema
    ]
    return " ".join((_TYPES[schema["type"]], ", ".join(limits))).strip()

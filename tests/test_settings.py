"""settings.py: a mistake in a recipe's block is one line that names it, and no value that may be a key is shown."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from swift_saber.errors import InputError
from swift_saber.settings import SETTINGS, Number, Whole, read_settings


def even(value: int) -> int:
    if value % 2:
        raise InputError("here", "there", "is odd", "write an even one")
    return value


@dataclass(frozen=True, config=SETTINGS)
class Inner:
    key: Annotated[str, Field(pattern=r"^[A-Z]+$", title="the name of a key", description="name the key")]
    word: str = "w"


@dataclass(frozen=True, config=SETTINGS)
class Outer:
    inner: Inner
    count: Annotated[Whole, Field(ge=1), AfterValidator(even)] = 2
    share: Annotated[Number, Field(gt=0, le=1)] = 0.5
    pace: Annotated[Number, Field(ge=0.5)] | None = None
    form: Literal["a", "b"] = "a"
    names: list[str] = Field(default_factory=list)
    flag: Annotated[bool, Field(strict=True)] = False


GOOD: dict[Any, Any] = {"inner": {"key": "K"}}


def test_what_is_right_is_read_with_its_defaults() -> None:
    found = read_settings(Outer, GOOD | {"share": 1, "pace": None}, "x")
    assert (found.inner, found.count, found.share, found.pace) == (Inner("K"), 2, 1, None)


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ("text", "x: is a string, not settings; indent `key: value` lines below it"),
        (None, "x: is null, not settings; indent"),
        ({}, "x.inner: is not set; add it to the block"),
        (GOOD | {"conut": 4}, "x.conut: is not a setting; write count"),
        ({"iner": {"key": "K"}}, "x.iner: is not a setting; write inner"),  # not: inner is missing
        (GOOD | {7: 4}, "x.7: is not a setting; it takes inner, count, share, pace, form, names, flag"),
        ({"inner": {"key": "K", "wrod": "w"}}, "x.inner.wrod: is not a setting; write word"),
        ({"inner": 3}, "x.inner: is a number, not settings"),
        ({"inner": {}}, "x.inner.key: is not set; name the key"),
        ({"inner": {"key": None}}, "x.inner.key: is not set; name the key"),
        ({"inner": {"key": "sk-1234"}}, "x.inner.key: is not the name of a key; name the key"),
        ({"inner": {"key": "K", "word": 1234}}, "x.inner.word: is not a text; write a text"),
        (GOOD | {"count": 0}, "x.count: 0 is not an integer of at least 1; write an integer of at least 1"),
        (GOOD | {"count": True}, "x.count: True is not an integer of at least 1"),
        (GOOD | {"count": 2.0}, "x.count: 2.0 is not an integer of at least 1"),
        (GOOD | {"count": None}, "x.count: None is not an integer of at least 1"),
        (GOOD | {"count": 3}, "x.count: is odd; write an even one"),
        (GOOD | {"share": 0}, "x.share: 0 is not a number above 0, at most 1"),
        (GOOD | {"share": float("nan")}, "x.share: nan is not a number above 0, at most 1"),
        (GOOD | {"pace": "fast"}, "x.pace: 'fast' is not a number of at least 0.5"),
        (GOOD | {"form": "c"}, "x.form: 'c' is not known; write a or b"),
        (GOOD | {"names": "abc"}, "x.names: 'abc' is not a list"),
        (GOOD | {"names": ["a", 5678]}, "x.names.1: is not a text"),
        (GOOD | {"flag": "yes"}, "x.flag: 'yes' is not true or false"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_to_write(settings: object, error: str) -> None:
    with pytest.raises(InputError) as caught:
        read_settings(Outer, settings, "x")
    assert str(caught.value).startswith(f"recipe: {error}")
    assert caught.value.__context__ is None  # a traceback would show the values
    assert not any(secret in str(caught.value) for secret in ("1234", "5678"))

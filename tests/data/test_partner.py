"""A partner for a clip's sound or picture, among clips that are held in a dictionary."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from swift_saber.data.partner import LOOKED_AT, some, swap

OWN = {"videos": ["own.mp4"], "audios": ["own.wav"]}
SAID = {"videos": "a smile", "audios": "a flat voice"}


def others(*clips: dict[str, Any]) -> Callable[[str], Iterator[tuple[str | None, Callable[[], list[str]]]]]:
    """Clips as swap is told of them: {column: (what it says, its files)}."""

    def of(column: str) -> Iterator[tuple[str | None, Callable[[], list[str]]]]:
        for clip in clips:
            said, files = clip[column]
            yield said, lambda files=files: files  # type: ignore[misc]

    return of


def clip(name: str, *, smile: str | None = "a smile", voice: str | None = "a flat voice") -> dict[str, Any]:
    return {"videos": (smile, [f"{name}.mp4"]), "audios": (voice, [f"{name}.wav"])}


def test_the_places_go_round_and_are_never_more_than_the_data_or_the_limit() -> None:
    assert list(some(4, 6)) == [2, 3, 0, 1]
    assert list(some(10 * LOOKED_AT, 10 * LOOKED_AT - 1)) == [10 * LOOKED_AT - 1, *range(LOOKED_AT - 1)]


def test_the_first_clip_that_says_otherwise_gives_its_files() -> None:
    found = swap(
        OWN, {"audios": SAID["audios"]}, 0, others(clip("same"), clip("b", voice="loud"), clip("c", voice="x"))
    )
    assert found == {"videos": ["own.mp4"], "audios": ["b.wav"]}


@pytest.mark.parametrize(("draw", "replaced"), [(0, "audios"), (1, "videos"), (2, "audios")])
def test_the_draw_says_which_sense_comes_first(draw: int, replaced: str) -> None:
    found = swap(OWN, SAID, draw, others(clip("b", smile="a frown", voice="loud")))
    assert found == {**OWN, replaced: clip("b")[replaced][1]}


@pytest.mark.parametrize("draw", [0, 1])
def test_where_no_clip_is_found_for_one_sense_the_other_is_replaced(draw: int) -> None:
    assert swap(OWN, SAID, draw, others(clip("b", smile="a frown"))) == {**OWN, "videos": ["b.mp4"]}


def test_a_sense_that_is_not_named_is_not_replaced() -> None:
    assert swap(OWN, {"audios": SAID["audios"]}, 1, others(clip("b", smile="a frown"))) is None


@pytest.mark.parametrize(
    "other",
    [
        clip("same words"),
        clip("not known", voice=None),
        {"audios": ("loud", ["own.wav"])},
        {"audios": ("loud", ["b.wav", "c.wav"])},
        {"audios": ("loud", [])},
    ],
)
def test_what_is_no_partner(other: dict[str, Any]) -> None:
    assert swap(OWN, {"audios": SAID["audios"]}, 0, others(other)) is None


def test_files_are_asked_of_those_alone_that_say_otherwise() -> None:
    def never() -> list[str]:
        raise AssertionError("asked for the files of a clip that says the same")

    assert swap(OWN, {"audios": "a"}, 0, lambda _: [("a", never), ("b", lambda: ["b.wav"])]) is not None

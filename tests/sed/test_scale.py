"""What is low and high is told by a speaker's other clips, else by the data set, else by the literature."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.sed.scale import BOUNDS, DATA_CLIPS, HEARD, SPEAKER_CLIPS, Place, Scale, numbers


def rates(count: int, first: float = 1.0) -> list[dict[str, float]]:
    """Clips whose rates lie a syllable a second apart."""
    return [{"rate": first + number} for number in range(count)]


def of(speaker: str | None, count: int, first: float = 1.0) -> list[tuple[str | None, dict[str, float]]]:
    return [(speaker, clip) for clip in rates(count, first)]


def test_a_speaker_is_compared_with_the_other_clips_of_that_speaker() -> None:
    scale = Scale.of([*of("a", 21), *of("b", 100, first=50.0)])
    # Of a's 20 others, 15 speak more slowly than at 16 syllables a second.
    assert scale.places("rate", 16.0, "a") == (Place(0.75, 0.75, "speaker"),)


def test_a_speaker_with_too_few_others_is_compared_with_the_data_set() -> None:
    scale = Scale.of(of("a", SPEAKER_CLIPS) + of("b", 40, first=101.0))
    [place] = scale.places("rate", 20.0, "a")
    assert place == Place(19 / 59, 19 / 59, "data set")


def test_a_data_set_that_is_too_small_is_no_scale() -> None:
    assert [place.by for place in Scale.of(of(None, DATA_CLIPS)).places("rate", 3.0)] == ["bounds"]
    assert [place.by for place in Scale.of(of(None, DATA_CLIPS + 1)).places("rate", 3.0)] == ["data set"]


def test_clips_of_no_known_speaker_are_nobodys() -> None:
    assert [place.by for place in Scale.of(of(None, 60)).places("rate", 30.0, "")] == ["data set"]


def test_pitch_of_a_speaker_has_a_place_among_all_too() -> None:
    clips = [("bass", {"pitch": 80.0 + number}) for number in range(21)]
    clips += [("others", {"pitch": 200.0 + number}) for number in range(79)]
    own, among = Scale.of(clips).places("pitch", 100.0, "bass")
    assert own == Place(1.0, 1.0, "speaker")
    assert among == Place(20 / 99, 20 / 99, "data set")


def test_without_a_scale_pitch_is_somewhere_between_its_place_among_women_and_among_men() -> None:
    [place] = Scale().places("pitch", BOUNDS["pitch"][0][2])
    assert (place.low, place.high) == (0.0, pytest.approx(2 / 3))
    assert place.by == "bounds"


def test_without_a_scale_nothing_can_be_said_of_loudness() -> None:
    assert Scale().places("loudness", -20.0) == ()


@pytest.mark.parametrize("name, value, nearly", [("loudness", -23.0, 0.1), ("pitch", 120.0, 0.5)])
def test_where_all_are_alike_no_one_is_high(name: str, value: float, nearly: float) -> None:
    clips: list[tuple[None, dict[str, float]]] = [(None, {name: value + nearly * number / 60}) for number in range(60)]
    assert Scale.of(clips).places(name, value + nearly)[0] == Place(0.5, 0.5, "data set")


def test_what_is_heard_to_be_apart_is_not_alike() -> None:
    clips: list[tuple[None, dict[str, float]]] = [(None, {"loudness": -23.0}) for _ in range(60)]
    assert Scale.of(clips).places("loudness", -23.0 + HEARD["loudness"])[0].low == 1.0


def test_of_many_clips_quantiles_are_kept() -> None:
    scale = Scale.of(of("a", 20_000))
    assert scale.places("rate", 15_000.0)[0].low == pytest.approx(0.75, abs=0.002)
    assert scale.places("rate", 15_000.0, "a")[0].low == pytest.approx(0.75, abs=0.011)


def test_a_scale_that_was_saved_is_the_same(tmp_path: Path) -> None:
    scale = Scale.of([*of("a", 30), *of("李", 60, first=10.0), (None, {"pitch": 100.1, "loudness": None})])
    scale.save(tmp_path / "scale.json")
    loaded = Scale.load(tmp_path / "scale.json")
    assert loaded.clips == 91
    for speaker in ("a", "李", None):
        assert loaded.places("rate", 20.0, speaker) == scale.places("rate", 20.0, speaker)
    scale.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "scale.json").read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[1]",
        '{"version": 2, "clips": 1, "all": {}, "speakers": {}}',
        '{"version": 1, "clips": 1, "all": {"rate": {"count": 2, "values": [2, 1]}}, "speakers": {}}',
        '{"version": 1, "clips": 1, "all": {"rate": {"count": 1, "values": ["x"]}}, "speakers": {}}',
        '{"version": 1, "clips": 1, "all": {"colour": {"count": 1, "values": [1]}}, "speakers": {}}',
        '{"version": 1, "clips": 1, "all": {"rate": {"count": 0, "values": [1]}}, "speakers": {}}',
        '{"version": 1, "clips": 1, "all": {"rate": {"count": 1, "values": ["1"]}}, "speakers": {}}',
        '{"version": 1, "clips": 1, "all": {"pitch": {"count": 1, "values": [0]}}, "speakers": {}}',
        '{"version": 1, "clips": 1, "all": {}, "speakers": {"a": 3}}',
    ],
)
def test_another_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scale.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"scale\.json: scale: is no scale that this version reads") as caught:
        Scale.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["high", float("nan"), True, [1.0]])
def test_a_measurement_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(InputError, match="pitch: is .* and not a number or null"):
        numbers({"pitch": value})

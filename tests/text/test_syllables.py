"""text/syllables.py: syllables by letters."""

import pytest

from swift_saber.text.syllables import syllables


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("I know.", 2),
        ("We were waiting for you.", 6),
        ("time, like, came, lives, called, handed, wanted", 1 + 1 + 1 + 1 + 1 + 2 + 2),  # an e that is not spoken
        ("table, little, samples", 2 + 2 + 2),  # and one that is
        ("boxes, wishes, places", 2 + 2 + 2),
        ("lovely, movement, careful", 2 + 2 + 2),
        ("radio, quiet, being, video", 3 + 2 + 2 + 3),  # vowels that are spoken apart
        ("don't, haven't, didn't", 1 + 2 + 2),
        ("didn’t", 2),
        ("hmm", 1),
    ],
)
def test_english_words(text: str, count: int) -> None:
    assert syllables(text, "en") == count


def test_a_chinese_character_is_one_syllable() -> None:
    assert syllables("我真的没有想到，你今天会来！", "zh") == 12


def test_words_of_the_other_language_are_counted_too() -> None:
    assert syllables("这个app很OK", "zh") == 3 + 1 + 1  # OK is two; letters do not tell
    assert syllables("She said 你好", "en") == 2 + 2


def test_figures_are_read_in_several_ways() -> None:
    assert syllables("It is 5 past 12", "en") is None
    assert syllables("5点12分", "zh") == 2 + 3  # wu dian shi er fen
    assert syllables("25岁", "zh") == 3  # and er shi wu sui is four


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("text", ["", "...", "？！", "Привет"])
def test_no_word_has_no_count(text: str, language: str) -> None:
    assert syllables(text, language) is None  # type: ignore[arg-type]


def test_a_long_word_without_end_takes_no_long_time() -> None:
    assert syllables("a" * 200_000, "en") == 1
    assert syllables("ae" * 100_000, "en") is not None

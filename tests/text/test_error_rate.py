"""Error rates worked out by hand, and the form in which two transcripts are compared."""

import jiwer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swift_saber.text.chinese_numbers import to_digits
from swift_saber.text.error_rate import normalise, tokens, word_error_rate
from swift_saber.text.language import Language

VOCABULARY = (
    "I the one two twenty thousand hundred oh double point half 5 007 1st $3 3.5 1,000 % percent dollars won't I'm "
    "gonna Mr. uh Hmm <laughs> ( ) [ ] no! cafe café 10:30 -5 Ａ ５ , . '"
)
ENGLISH = st.lists(st.sampled_from(VOCABULARY.split())).map(" ".join)
CHINESE = st.text("零〇一二两三四五六七八九十百千万亿点分之我不說著乾05.:,%，。（）<>aB ")
TEXTS = st.one_of(
    st.tuples(ENGLISH, st.just("en")),
    st.tuples(CHINESE, st.just("zh")),
    st.tuples(st.text(), st.sampled_from(["en", "zh"])),
)


@pytest.mark.parametrize(
    ("written", "heard", "rate"),
    [
        # One word of seven is replaced (ten, tin).
        ("the train leaves at ten this morning", "the train leaves at tin this morning", 1 / 7),
        # One of four is left out.
        ("do not do that", "do not that", 1 / 4),
        # Two are put in and one replaced, of two: above 1.
        ("go home", "please go the hole", 3 / 2),
        ("you are late", "nothing like what was said", 5 / 3),
    ],
)
def test_english_is_compared_by_words(written: str, heard: str, rate: float) -> None:
    assert word_error_rate(written, heard, "en") == pytest.approx(rate)


@pytest.mark.parametrize(
    ("written", "heard", "rate"),
    [
        # 果 and 真 are heard as 国 and 珍: two of nine characters.
        ("子敬果真是江东善人", "子敬国珍是江东善人", 2 / 9),
        # One left out, of four.
        ("我不知道", "我知道", 1 / 4),
        # Five tokens, 我 用 iphone 手 机; the Latin word is one, whatever is heard instead of it.
        ("我用 iPhone 手机", "我用 android 手机", 1 / 5),
        # Six tokens, 我 今 年 2 5 岁; the 5 is heard as 6.
        ("我今年二十五岁", "我今年26岁", 1 / 6),
    ],
)
def test_chinese_is_compared_by_characters(written: str, heard: str, rate: float) -> None:
    assert word_error_rate(written, heard, "zh") == pytest.approx(rate)


def test_purely_chinese_text_has_the_character_error_rate_of_jiwer() -> None:
    written, heard = "你为什么这样对我", "你为什这样对他吗"
    assert word_error_rate(written, heard, "zh") == jiwer.cer(written, heard)


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("Why do all your coffee mugs have numbers?", "why do all your coffee mugs have numbers"),
        ("<laughs> I told you <sighs> so.", "I told you so"),
        ("I told you so", "[laughter] I told you so (music)"),
        ("I have 5 dogs", "I have five dogs"),
        ("twenty-five dollars", "$25"),
        ("1 2 3", "one, two, three"),
        ("It's 1984", "it is nineteen eighty-four"),
        ("I'm sure he won't, we're late", "I am sure he will not we are late"),
        ("don’t", "don't"),
        ("Ｈｅｌｌｏ", "hello"),
        ("Um, well, hmm, no", "well no"),
        ("Mr. Smith", "mister smith"),
        ("at 10:30", "at ten thirty"),
    ],
)
def test_english_forms_of_the_same_speech_do_not_differ(written: str, heard: str) -> None:
    assert word_error_rate(written, heard, "en") == 0
    assert word_error_rate(heard, written, "en") == 0


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("我...我替刘琦公子拜谢了。", "我我替刘琦公子拜谢了"),
        ("<笑>好吧（叹气）", "好吧"),
        ("你为什么这样对我？", "你為什麼這樣對我"),
        ("我有五个", "我有5个"),
        ("我今年二十五岁", "我今年２５岁"),
        ("二零二六年", "2026年"),
        ("两千零二十六", "2026"),
        ("十五块", "15块"),
        ("百分之五", "5%"),
        ("三点五", "3.5"),
        ("25万", "二十五万"),
        ("1,000块", "一千块"),
        ("用 iPhone 吧", "用iphone吧"),
        ("五 十 五", "55"),
    ],
)
def test_chinese_forms_of_the_same_speech_do_not_differ(written: str, heard: str) -> None:
    assert word_error_rate(written, heard, "zh") == 0
    assert word_error_rate(heard, written, "zh") == 0


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("十", "10"),
        ("一百零五", "105"),
        ("一百五", "150"),
        ("一千五", "1500"),
        ("一千零五", "1005"),
        ("两万三", "23000"),
        ("三万二百", "30200"),
        ("一亿零三百万", "103000000"),
        ("3.5万", "35000"),
        ("5千万", "50000000"),
        ("一三八", "138"),
        # No numbers.
        ("千万别去", "千万别去"),
        ("万一", "万一"),
        ("三四十", "三四十"),
        ("老百姓", "老百姓"),
        ("十百", "十百"),
        ("三万亿万", "三万亿万"),
    ],
)
def test_chinese_numerals_become_digits(text: str, digits: str) -> None:
    assert to_digits(text) == digits


def test_nothing_against_nothing_does_not_differ() -> None:
    assert word_error_rate("", "", "en") == 0
    assert word_error_rate("<laughs>", "Hmm.", "en") == 0
    assert word_error_rate("<笑>", "。", "zh") == 0


def test_each_word_where_a_record_has_none_counts_one() -> None:
    assert word_error_rate("<sobs>", "thank you", "en") == 2
    assert word_error_rate("", "谢谢你", "zh") == 3


def test_speech_of_which_nothing_is_heard_is_all_wrong() -> None:
    assert word_error_rate("thank you", "", "en") == 1
    assert word_error_rate("谢谢", " ", "zh") == 1


@pytest.mark.parametrize(
    "noise",
    ["oh ", "nine ", "9", "one decillion ", "<", "(", "thank you. ", "亿", "九", "5亿", "百分之"],
)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_recogniser_that_repeats_itself_without_end_is_just_wrong(noise: str, language: Language) -> None:
    assert word_error_rate("no, not at all 不", noise * 5000, language) >= 1


def test_a_word_is_not_a_sound_event_of_the_same_name() -> None:
    assert tokens("<laughs> she laughs", "en") == ["she", "laughs"]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_a_normalised_text_stays_as_it_is(given_text: tuple[str, Language]) -> None:
    text, language = given_text
    once = normalise(text, language)
    assert normalise(once, language) == once


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_a_text_does_not_differ_from_itself(given_text: tuple[str, Language]) -> None:
    text, language = given_text
    assert word_error_rate(text, text, language) == 0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["now", "say", "that", "again"]), min_size=1, max_size=9), st.data())
def test_one_word_left_out_costs_one_share(words: list[str], data: st.DataObject) -> None:
    out = data.draw(st.integers(0, len(words) - 1))
    rest = words[:out] + words[out + 1 :]
    assert word_error_rate(" ".join(words), " ".join(rest), "en") == pytest.approx(1 / len(words))

"""Which emotion a text concludes: words, denial, conclusions and two emotions at a time."""

import pytest

from swift_saber.text.emotions import EMOTIONS, WORDS, common_emotion, find_emotion, named_emotions, own_emotions


def test_the_words_are_those_of_the_pipelines_common_emotions() -> None:
    assert tuple(WORDS) == EMOTIONS


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_every_word_of_a_list_names_its_own_emotion(emotion: str) -> None:
    english, chinese = WORDS[emotion]
    for word in english.split():
        assert find_emotion(f"The speaker shows {word.removesuffix('*')}.") == emotion or word.endswith("*")
    for word in chinese.split():
        assert find_emotion(f"说话人显得{word}。") == emotion


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("He is HAPPY.", "happy"),
        ("Her irritation is plain.", "angry"),
        ("整体情绪为悲伤。", "sad"),
        ("说话人表现出愤怒。", "angry"),
        ("The tone is neutral and inquisitive. The atmosphere is calm.", "neutral"),
        ("", None),
        ("He is worried but calm.", None),  # none of the common emotions
        ("The voice is hostile.", None),  # how a voice is: sarcasm has one too
        ("The made-up madam holds gladioli and has grievances.", None),  # no word of the list stands there whole
    ],
)
def test_a_text_with_one_emotion(text: str, emotion: str | None) -> None:
    assert find_emotion(text) == emotion


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("He is not happy.", None),
        ("She isn’t really angry, she is sad.", "sad"),
        ("He is not angry but surprised.", "surprise"),
        ("There is no sign of fear, only disgust.", "disgust"),
        ("Not only angry: furious.", "angry"),
        ("Without doubt he is angry.", "angry"),
        ("她并不生气，而是难过。", "sad"),
        ("他没有感到害怕。", None),
        ("她不害怕。", None),
        ("她毫不掩饰愤怒。", "angry"),
        ("一种不知所措的悲伤。", "sad"),
        ("他不感到愤怒。", None),
        ("He cannot hide his anger.", "angry"),
        ("从语气中听不出任何愤怒。", None),
        ("他非常高兴。", "happy"),
        ("他不仅愤怒。", "angry"),
        ("他不高兴。", "sad"),  # a word of its own
        ("他对此感到不满。", "angry"),  # 不 belongs to the word
        ("他毫不厌恶，反而开心。", "happy"),
    ],
)
def test_a_denied_word_names_nothing(text: str, emotion: str | None) -> None:
    assert find_emotion(text) == emotion


@pytest.mark.parametrize("text", ["He is happy or angry.", "Anger and sadness mix.", "既高兴又难过。"])
def test_two_emotions_in_the_conclusion_decide_nothing(text: str) -> None:
    assert find_emotion(text) is None
    assert len(named_emotions(text)) == 2


def test_the_last_sentence_that_names_an_emotion_is_the_conclusion() -> None:
    assert find_emotion("The smile looks happy. The voice says that he is angry. He stands still.") == "angry"
    assert find_emotion("笑容显得开心。但总体上他很愤怒。语速很快。") == "angry"
    assert find_emotion("He scored 3.5 points and is sad") == "sad"


def test_a_model_that_repeats_itself_without_end_is_read_too() -> None:
    """Minutes, where each word is looked for a denial in all that stands before it."""
    assert find_emotion("高兴" * 30_000) == "happy"
    assert find_emotion("sad " * 30_000 + "and never really been happy") == "sad"


def test_labels_of_a_test_sets_own_are_found_by_their_name_and_longer_names_first() -> None:
    own = ("sarcastic", "forced calm", "calm", "forced happy")
    assert find_emotion("The voice is warm although the face frowns: forced calm.", own) == "forced calm"
    assert find_emotion("It is calm.", own) == "calm"
    assert find_emotion("A forced happy face.", own) == "forced happy"
    assert find_emotion("He is sarcastic.") is None
    odd = ("(a.*)+[", "x*")  # a label is no pattern
    assert find_emotion("It is odd. (a.*)+[ It is plain.", odd) == "(a.*)+["
    assert find_emotion("It is aaa, and xxx.", odd) is None


def test_a_datasets_own_words_are_those_that_mean_no_common_emotion() -> None:
    labels = ["Joy", " Worried", "calm", "worried ", "fearful", None, "", " ", "distraction", "喜悦", "担心"]
    assert own_emotions(labels) == ["calm", "distraction", "worried", "担心"]


def test_every_chinese_label_of_an_emotion_is_a_word_for_it_in_a_text() -> None:
    """Else an answer that says what the label says would be wrong."""
    labels = {word for _, chinese in WORDS.values() for word in chinese.split() if common_emotion(word)}
    assert len(labels) == 21
    assert all(find_emotion(f"他很{word}。") == common_emotion(word) for word in labels)


@pytest.mark.parametrize(
    "text",
    [
        "他无力又难过",
        "无助的悲伤",
        "无声的悲伤",
        "无尽的悲伤",
        "她无奈而悲伤",
        "他无时无刻不悲伤",
        "没想到他很悲伤",
        "无比悲伤",
    ],
)
def test_a_word_that_begins_like_a_denial_denies_nothing(text: str) -> None:
    assert find_emotion(text) == "sad"


@pytest.mark.parametrize("text", ["无悲伤", "毫无悲伤之意", "没有任何悲伤", "并不悲伤", "不是无奈的悲伤"])
def test_a_denial_beside_it_still_denies(text: str) -> None:
    assert find_emotion(text) is None


@pytest.mark.parametrize("text", ["情绪是sad。", "他很sad，也unhappy", "她感到 sad。"])
def test_an_english_word_in_chinese_needs_no_space_beside_it(text: str) -> None:
    assert find_emotion(text) == "sad"


@pytest.mark.parametrize("text", ["他并不sad。", "看不出 sad", "他不 sad", "他很sadx"])
def test_an_english_word_in_chinese_is_denied_in_chinese(text: str) -> None:
    assert find_emotion(text) is None

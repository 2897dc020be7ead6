"""Which label an answer to EmoBench-M says."""

import pytest

from swift_saber.evaluation.benchmarks.emobench_m.answers import official_label, official_pair, read_label, read_pair
from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record

SPEECH = SCENARIOS["RAVDSS_speech"].labels
STOCKS = SCENARIOS["FGMSA"].labels
TRUTH = SCENARIOS["funny"].labels
EMOTIONS, INTENTS = SCENARIOS["MC-EIU"].labels, SCENARIOS["MC-EIU"].intents


@pytest.mark.parametrize(
    "text",
    [
        "happy",
        "HAPPY",
        " Happy.\n",
        '"happy"',
        "“happy”",
        "**happy**",
        "happy。",
        "{'emotion': 'happy'}",
        '{"emotion": "Happy"}',
        "{'emotion': ['happy']}",
        '{"emotion": "happy", "reason": "she looks sad at first"}',
        '{"emotion": "He seems happy."}',
        "{'mood': 'happy'}",
        '```json\n{"emotion": "happy"}\n```',
        "```\nhappy\n```",
        "The answer is {'emotion': 'happy'}, and not {sad}.",
        "{'emotion': 'happy'}\n{'emotion': 'happy'}",
        "Emotion: happy",
        "I think the person in the video is happy!",
        "情绪是happy。",
        "<think>Is she sad? No, calm.</think>\nhappy",
        "He is unhappy? No: happy.",
    ],
)
def test_a_label_is_read(text: str) -> None:
    assert read_label(text, SPEECH) == "happy"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "a",
        "A.",
        "(A) happily",
        "高兴",
        "joy",
        "unhappy",
        "happy-go-lucky",
        "non-happy",
        "happyness",
        "ſad",
        "happy or sad",
        "happy, happy",
        "not happy",
        "He isn't happy",
        "He is not at all happy",
        "她不是happy",
        "Not happy. Sad.",
        "{'emotion': 'label'}",
        "{'emotion': ''}",
        "{'emotion': 'unsure'} happy",
        "{'emotion': 'happy'} {'emotion': 'sad'}",
        "{'emotion': 'happy', 'label': 'sad'}",
        "{'emotion': ['happy', 'sad']}",
        "{'emotion': {'emotion': 1}}",
        "<think>happy",
        "neutral, calm, happy, sad, angry, fearful, surprised, disgust",
        "I cannot answer that.",
    ],
)
def test_what_says_no_label_or_several_is_invalid(text: str) -> None:
    assert read_label(text, SPEECH) is None


def test_the_longest_label_counts_where_labels_overlap() -> None:
    # "positive" alone is a label of other scenarios and part of two labels of this one.
    assert read_label("A strong  Positive view.", STOCKS) == "strong positive"
    assert read_label("weak-negative", STOCKS) == "weak negative"
    assert read_label("positive", STOCKS) is None
    assert read_label("strong positive", ("positive", "strong positive")) == "strong positive"


def test_true_and_false_may_be_json_values() -> None:
    assert read_label('{"label": true}', TRUTH) == "true"
    assert read_label("{'label': False}", TRUTH) == "false"
    assert read_label("It is not true.", TRUTH) is None
    assert read_label("untrue", TRUTH) is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_six_dimension_answer_is_read_from_its_reasoning_and_not_from_its_evidence(language: str) -> None:
    # Five dimensions say "angry", in the voice as in the face; the reasoning says what it comes to.
    evidence = ["An angry scene.", "an angry voice", "I am so angry", "an angry face", "angry fists"]
    sarcasm = Record(*evidence, "All of it is acted: she is happy.")
    assert read_label(render(sarcasm, language=language), SPEECH) == "happy"
    without = Record(*evidence, "All of it is acted.")
    assert read_label(render(without, language=language), SPEECH) is None
    assert read_label("So: {'emotion': 'sad'}\n\n" + render(sarcasm, language=language), SPEECH) == "sad"


def test_hostile_text_is_only_text(tmp_path) -> None:
    made = tmp_path / "made"
    code = f"open({str(made)!r}, 'w')"
    for text in (code, f"{{'emotion': {code}}}", f"{{'emotion': f'{{{code}}}'}}", "{'emotion': 'happy' and 1/0}"):
        assert read_label(text, SPEECH) in (None, "happy")
    assert not made.exists()
    assert read_label("{'a': " + "[" * 390 + "}", SPEECH) is None
    assert read_label("\x00{'emotion': '\ud800'}", SPEECH) is None


@pytest.mark.parametrize(
    "part", ["x", "{", "{'a':1}", '{"', "not ", "emotion ", "<think>", "happy sad ", "\\", "### Emotion\n", "字"]
)
def test_a_megabyte_is_read_and_invalid(part: str) -> None:
    text = part * (1_000_000 // len(part))
    assert read_label(text, SPEECH) is None
    assert read_pair(text, EMOTIONS, INTENTS) == (None, None) or part == "happy sad "


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("{'emotion label': 'happy', 'intent label': 'neutral'}", ("happy", "neutral")),
        ('{"emotion": "Happy", "intent": "Agreeing"}', ("happy", "agreeing")),
        ("{'emotion label': 'happy'} {'intent label': 'neutral'}", ("happy", "neutral")),
        ("neutral, neutral", ("neutral", "neutral")),
        ("happy_questioning", ("happy", "questioning")),
        ("Emotion: neutral\nIntent: wishing", ("neutral", "wishing")),
        ("He is happy and questioning her.", ("happy", "questioning")),
        ("{'emotion label': 'happy'}", ("happy", None)),
        ("{'intent label': 'neutral'}", (None, "neutral")),
        ("{'emotion label': 'label', 'intent label': 'wishing'}", (None, "wishing")),
        ("happy or sad, wishing", (None, "wishing")),
        ("disagreeing", (None, None)),
        ("", (None, None)),
    ],
)
def test_emotion_and_intent(text: str, pair: tuple) -> None:
    assert read_pair(text, EMOTIONS, INTENTS) == pair


def test_official_readings_take_the_first_that_occurs() -> None:
    # The classification runner: the first label in the text that stands as a word.
    assert official_label("Not happy or sad", SPEECH) == "happy"
    assert official_label("unhappy", SPEECH) is None
    # The runner of pairs: the first of its own list, also inside a word; "happy" is before "sad" in that list.
    assert official_pair("sad, not unhappy; disagreeing", EMOTIONS, INTENTS) == ("happy", "agreeing")
    assert official_pair("joy", EMOTIONS, INTENTS) == (None, None)

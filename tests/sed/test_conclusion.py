"""What an answer concludes, and what its face and its voice say apart: from the text alone, and nothing is guessed."""

from typing import Any

import pytest

from swift_saber.mini.world import EVAL_COUNTS, HIDDEN, PLAIN, SILENT, record, sample_split
from swift_saber.sed.conclusion import COLUMNS, clashing_words, conclude
from swift_saber.sed.layout import parse, render
from swift_saber.sed.record import CONCLUSION, FACE, VOICE
from swift_saber.text.emotions import EMOTIONS, find_emotion

FACES = {"smile": "positive", "frown": "negative", HIDDEN: None}
VOICES = {"warm": "positive", "hostile": "negative", PLAIN: "neutral", SILENT: None}
MEANT = {"happy": "positive", "angry": "negative", "sarcastic": "negative", "forced calm": "negative"}


def said(face: str = "", voice: str = "", conclusion: str = "") -> dict[str, Any]:
    return conclude({FACE: face, VOICE: voice, CONCLUSION: conclusion})


def test_of_every_held_out_clip_of_the_demo_the_columns_are_the_truth() -> None:
    for truth in sample_split("eval", EVAL_COUNTS, 0):
        one_sense = truth.kind in ("hidden", "mute")
        assert conclude(parse(render(record(truth), language="en")).fields) == {
            "emotion": truth.emotion,
            "valence": MEANT[truth.emotion],
            "face": FACES[truth.face],
            "voice": VOICES[truth.voice],
            "conflict": None if one_sense else truth.kind == "conflict",
        }, truth


def test_the_columns_come_in_their_order_whatever_is_said() -> None:
    assert tuple(conclude({})) == COLUMNS == ("emotion", "valence", "face", "voice", "conflict")
    assert set(conclude({}).values()) == {None}


# face, voice, conclusion -> emotion, valence, face, voice, conflict; what is right was written before any was run.
RECORDS = {
    "a smile over a hostile voice": (
        "She smiles broadly at the camera.",
        "A low voice, clipped and hostile.",
        "She is sarcastic: the smile is not meant.",
        ("sarcastic", "negative", "positive", "negative", True),
    ),
    "the same in Chinese": (
        "她面带灿烂的笑容。",
        "声音低沉，语气充满敌意。",
        "她在讽刺：笑容并非真心。",
        ("sarcastic", "negative", "positive", "negative", True),
    ),
    "both are glad": (
        "His eyes are bright and he grins.",
        "The tone is cheerful, with a laugh at the end.",
        "Overall he is happy about the news.",
        ("happy", "positive", "positive", "positive", False),
    ),
    "both are sad": (
        "她眉头紧锁，眼里含着泪水。",
        "声音哽咽，语速缓慢。",
        "综合来看，她非常悲伤。",
        ("sad", "negative", "negative", "negative", False),
    ),
    "angry and disgusted are of one valence": (
        "His face is full of disgust.",
        "He raises his voice in anger.",
        "He is angry and disgusted.",
        (None, "negative", "negative", "negative", False),
    ),
    "a neutral face contradicts nothing": (
        "面部表情平静，没有明显变化。",
        "语气愤怒，音量很大。",
        "说话人表现出强烈的愤怒。",
        ("angry", "negative", "neutral", "negative", False),
    ),
    "a frown over a warm voice": (
        "眉头紧皱，嘴角下垂。",
        "语气温柔而亲切。",
        "他强装镇定，不想让对方担心。",
        (None, "negative", "negative", "positive", True),  # forced calm, and worry: two
    ),
    "nothing is heard": (
        "He frowns.",
        "",
        "He seems annoyed.",
        ("angry", "negative", "negative", None, None),
    ),
    "what is denied says nothing": (
        "There is no smile on his face.",
        "The voice is not warm.",
        "He is not happy.",
        (None, None, None, None, None),
    ),
    "a text that says both decides nothing": (
        "She smiles, then she frowns.",
        "语气时而温柔，时而严厉。",
        "He is happy or angry.",
        (None, None, None, None, None),
    ),
    "the emotion that a line concludes goes before its other words": (
        "A faint smile plays around her lips. Her eyes tell that she is sad.",
        "The laugh is loud. The voice is full of contempt.",
        "Contempt.",
        ("contempt", "negative", "negative", "negative", False),
    ),
    "surprise has no valence of its own": (
        "His eyes widen in surprise.",
        "A surprised, friendly tone.",
        "He is surprised.",
        ("surprise", None, None, "positive", None),
    ),
    "a smile that is none": (
        "他露出一丝苦笑。",
        "语气无奈。",
        "他感到失望。",
        (None, "negative", None, "negative", None),
    ),
    "a smile of contempt": (
        "嘴角挂着冷笑。",
        "语气轻快。",
        "他对对方不屑一顾。",
        ("contempt", "negative", "negative", "positive", True),
    ),
    "worry is no common emotion and has its name": (
        "Her lips are pressed together, she looks anxious.",
        "The voice trembles.",
        "She is worried about her son.",
        ("worried", "negative", "negative", "negative", False),
    ),
    "calm": (
        "The face is calm.",
        "An even-toned, matter-of-fact voice.",
        "The speaker is calm.",
        ("calm", "neutral", "neutral", "neutral", False),
    ),
    "valence without an emotion": (
        "The woman has a friendly expression.",
        "The voice is enthusiastic.",
        "The overall mood is positive.",
        (None, "positive", "positive", "positive", False),
    ),
    "curiosity has neither": (
        "His eyebrows are slightly furrowed as he looks down at the mug.",
        "His tone is inquisitive.",
        "He wants to know.",
        (None, None, None, None, None),
    ),
}


@pytest.mark.parametrize("name", RECORDS)
def test_records_as_people_write_them(name: str) -> None:
    face, voice, conclusion, right = RECORDS[name]
    assert tuple(said(face, voice, conclusion).values()) == right


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_common_emotion_is_read_as_evaluation_reads_it(emotion: str) -> None:
    """Also beside words that have a name here and none there."""
    text = f"The speaker is worried, calm and sarcastic: {emotion}."
    assert said(conclusion=text)["emotion"] == find_emotion(text) == emotion


def test_only_the_conclusion_tells_the_emotion() -> None:
    found = said("The face is angry.", "The voice is angry.", "It is hard to tell.")
    assert (found["emotion"], found["face"], found["voice"]) == (None, "negative", "negative")


def test_the_words_of_the_clip_are_no_evidence_of_its_voice() -> None:
    assert conclude({"speech_content": "I hate you, I am so angry!"})["voice"] is None


@pytest.mark.parametrize(
    ("face", "voice", "found"),
    [
        ("She Smiles and beams, without a frown.", "A HOSTILE voice.", (["Smiles", "beams"], ["HOSTILE"])),
        ("She scowls.", "She is delighted, in a warm and low voice.", (["scowls"], ["delighted", "warm"])),
        ("她面带笑容。", "声音充满敌意，没有温暖。", (["笑容"], ["敌意"])),
        ("She smiles.", "A warm voice.", ([], [])),
        ("She smiles.", "A plain voice.", ([], [])),
        ("", "", ([], [])),
    ],
)
def test_the_words_that_clash_are_those_by_which_face_and_voice_conflict(
    face: str, voice: str, found: tuple[list[str], list[str]]
) -> None:
    fields = {"facial_exp_desc": face, "acoustic_feat": voice}
    assert clashing_words(fields, conclude(fields)) == found


def test_no_word_of_a_record_that_lacks_a_line_clashes() -> None:
    for fields in ({"facial_exp_desc": "She smiles."}, {}):
        assert clashing_words(fields, conclude(fields)) == ([], [])

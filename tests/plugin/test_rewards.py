"""plugin/saber_rewards.py: what answers are worth, and that ms-swift's GRPO is given just that."""

import json
import logging
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.data.voice import voice
from swift_saber.errors import InputError
from swift_saber.models.answer import EndpointDown
from swift_saber.plugin import PLUGIN_FILE, saber_rewards
from swift_saber.plugin.saber_rewards import (
    JUDGE,
    SCALE,
    WHEEL,
    SaberConsistency,
    SaberEmotion,
    SaberEvidence,
    SaberFormat,
)
from swift_saber.sed.layout import ORDERS, render
from swift_saber.sed.record import CONCLUSION, DIMENSIONS, FACE, SPEECH, VOICE, Record, Row
from swift_saber.sed.scale import Scale
from swift_saber.text.emotions import EMOTIONS
from tests.llm_server import FIELDS, LLMServer, fails, say
from tests.media.voices import RATE, pulses
from tests.plugin.rlhf import FLAGS, FULL, rlhf
from tests.text.test_wheel import emotion_wheel

RECORDS = {language: Record(**fields) for language, fields in FIELDS.items()}


def answer(language: str = "en", **changed: str) -> str:
    """An answer in the layout of SED: a smile, a hostile voice and sarcasm, but for what is changed."""
    return render(replace(RECORDS[language], **changed), language=language)


@pytest.fixture(autouse=True)
def heard_by_pytest(monkeypatch: pytest.MonkeyPatch) -> None:
    """ms-swift's logger keeps what it says to itself, once it is imported."""
    monkeypatch.setattr(logging.getLogger("swift"), "propagate", True)


def concludes(emotion: str) -> str:
    return answer(**{CONCLUSION: f"He is {emotion}."})


# saber_format


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("order", ORDERS)
def test_an_answer_in_the_layout_of_sed_has_the_whole_format(language: str, order: str) -> None:
    assert SaberFormat()([render(RECORDS[language], language=language, order=order)]) == [1.0]


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        pytest.param(answer(**{SPEECH: ""}), 1.0, id="nothing is said in a mute clip"),
        pytest.param(answer(**{FACE: " "}), 5 / 6, id="a heading alone"),
        pytest.param(answer(**dict.fromkeys(DIMENSIONS, "")), 1 / 6, id="headings alone, where speech may be blank"),
        pytest.param("Here you are.\n\n" + answer(), 1 / 2, id="words around it"),
        pytest.param(json.dumps(FIELDS["zh"], ensure_ascii=False), 1 / 2, id="all six in another layout"),
        pytest.param(answer("zh").partition("### 情感分析")[0], 5 / 6 / 2, id="cut off before its conclusion"),
        pytest.param("### Scene\nA kitchen.", 1 / 6 / 2, id="one of six"),
        pytest.param("He is happy.", 0.0, id="prose"),
        pytest.param("", 0.0, id="nothing"),
    ],
)
def test_the_format_counts_the_dimensions_with_a_text(text: str, worth: float) -> None:
    assert SaberFormat()([text]) == [pytest.approx(worth)]


# saber_emotion


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        (answer(), 1.0),
        (answer("zh"), 1.0),
        (answer(**{CONCLUSION: "He is angry."}), 0.0),
        (answer(**{CONCLUSION: "He is not sarcastic."}), 0.0),
        (answer(**{CONCLUSION: ""}), 0.0),
        (answer().partition("### Emotion")[0] + "He is sarcastic.", 0.0),  # said of the body, concluded nowhere
        ("", 0.0),
    ],
)
def test_the_emotion_that_is_true_has_to_be_concluded(text: str, worth: float) -> None:
    assert SaberEmotion()([text], emotion=["sarcastic"]) == [worth]


def test_naming_several_emotions_is_worth_nothing() -> None:
    texts = [concludes("happy"), concludes("happy or angry"), concludes("happy, sad, angry and afraid")]
    assert SaberEmotion()(texts, emotion=["happy"] * 3) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("said", "emotion"),
    [
        *((emotion, emotion) for emotion in EMOTIONS),
        ("furious", "Anger"),  # a dataset's name for it
        ("furious", "愤怒"),
        ("furious", " Angry "),
        ("nervous", "worried"),  # none of the common ones, of which its words are known
        ("very proud", "Proud"),  # of which its name alone is
    ],
)
def test_labels_are_read_as_conclusions_are(said: str, emotion: str) -> None:
    texts = [concludes(said), concludes("bored")]
    assert SaberEmotion()(texts, emotion=[emotion] * 2) == [1.0, 0.0]


def test_a_column_counts_before_a_label_and_a_label_before_the_answer_in_the_row() -> None:
    columns = {
        "emotion": ["happy", None, None, None],
        "labels": [{"emotion": "sad"}, {"emotion": "sad"}, {"kind": "x"}, None],
        "solution": [concludes("afraid"), concludes("afraid"), concludes("afraid"), "angry"],
    }
    for emotion, worth in {
        "happy": [1, 0, 0, 0],
        "sad": [0, 1, 0, 0],
        "afraid": [0, 0, 1, 0],
        "angry": [0, 0, 0, 1],
    }.items():
        assert SaberEmotion()([concludes(emotion)] * 4, **columns) == worth


def test_a_row_that_says_no_emotion_has_no_value_and_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    reward = SaberEmotion()
    columns = {"id": ["a", "a", "b"], "solution": ["Who knows?", "Who knows?", "happy"]}
    with caplog.at_level(logging.WARNING, "swift"):
        assert reward([concludes("happy")] * 3, **columns) == [None, None, 1.0]
        assert reward([concludes("happy")] * 3, **columns) == [None, None, 1.0]
    assert [said for said in caplog.messages if "emotion" in said] == [
        "swift-saber: row a says no emotion: saber_emotion has no value for answers to it"
    ]


def test_rows_without_any_column_for_it_are_refused() -> None:
    with pytest.raises(
        InputError, match="^dataset: emotion: is missing, which saber_emotion needs; give rows an emotion"
    ):
        SaberEmotion()([answer()], id=["a"], labels=None)


@pytest.mark.parametrize(
    ("columns", "field"), [({"emotion": [3]}, "emotion"), ({"labels": [{"emotion": " "}]}, "labels.emotion")]
)
def test_a_label_that_is_no_word_is_refused_by_its_row(columns: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=rf"^row a: {field}: is .*, no emotion; name one or leave it out$"):
        SaberEmotion()([answer()], id=["a"], **columns)


@pytest.mark.parametrize(
    ("said", "emotion", "worth"),
    [
        ("happy", "proud", 1.0),  # wheel 1 has proud, in the ring of happy; the others do not
        ("angry", "livid", 1 / 5),  # wheel 1 has both in one; the four others have livid alone
        ("sad", "livid", 0.0),
        ("sad", "neutral", 0.0),  # which is in none
        ("neutral", "neutral", 1.0),  # by words
        ("happy or proud", "proud", 0.0),  # two, which is no conclusion
    ],
)
def test_the_wheels_of_the_user_know_what_is_near(
    said: str, emotion: str, worth: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WHEEL, str(emotion_wheel(tmp_path / "emotion_wheel")))
    assert SaberEmotion()([concludes(said)], emotion=[emotion]) == [pytest.approx(worth)]


def test_wheels_that_are_not_there_are_missed_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WHEEL, str(tmp_path / "none"))
    with pytest.raises(InputError, match="none: emotion_wheel: is no folder"):
        SaberEmotion()


# saber_consistency

SMILES, FROWNS, BLINKS = "The face smiles.", "The face frowns.", "He blinks."
WARM, HOSTILE, FLAT = "The voice is warm.", "The voice is hostile.", "The voice is flat."


@pytest.mark.parametrize(
    ("face", "voice", "conclusion", "worth"),
    [
        (SMILES, WARM, "He is happy.", (1 + 1) / 2),
        (SMILES, WARM, "He is angry.", (0 + 0) / 2),
        (FROWNS, HOSTILE, "他很生气。", (1 + 1) / 2),
        (SMILES, FLAT, "He is happy.", (1 + 0.5) / 2),  # neutral neither supports nor contradicts
        (BLINKS, WARM, "He is happy.", (0.5 + 1) / 2),  # so does what says nothing
        (SMILES, WARM, "He is surprised.", (0.5 + 0.5) / 2),  # which has no valence
        (SMILES, "", "He is happy.", (1 + 0) / 2),
        ("", "", "He is happy.", 0.0),
        (SMILES, WARM, "", 0.0),
        (SMILES, WARM, "Who can tell?", 0.0),
        (SMILES, HOSTILE, "He is happy.", (1 + 0) / 2),  # a conflict that the conclusion passes over
        (SMILES, HOSTILE, "He is angry.", (0 + 1) / 2),
        (SMILES, HOSTILE, "The smile masks it: he is angry.", 1.0),
        (SMILES, HOSTILE, "笑容与声音矛盾：他很生气。", 1.0),
        (SMILES, HOSTILE, "No contradiction: he is happy.", (1 + 0) / 2),  # denied
        (SMILES, WARM, "The smile masks it: he is angry.", (0 + 0) / 2),  # there is none
    ],
)
def test_evidence_and_conclusion_have_to_agree(face: str, voice: str, conclusion: str, worth: float) -> None:
    text = answer(**{FACE: face, VOICE: voice, CONCLUSION: conclusion})
    assert SaberConsistency()([text]) == [worth]


def test_what_is_no_answer_agrees_with_nothing() -> None:
    assert SaberConsistency()(["", "happy", "### Emotion\nHe is happy."]) == [0.0, 0.0, 0.0]


def judged(tmp_path: Path, url: str, **settings: Any) -> SaberConsistency:
    path = tmp_path / "judge.yaml"
    path.write_text(json.dumps({"model": "judge-1", "base_url": url, "retries": 0, **settings}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(JUDGE, str(path))
        patch.delenv("OPENAI_API_KEY", raising=False)
        return SaberConsistency(args=SimpleNamespace(output_dir=str(tmp_path / "run")))


def verdict(agreement: Any) -> str:
    return json.dumps({"reason": "It follows.", "agreement": agreement})


def test_a_judge_says_it_in_five_steps_and_is_asked_once(tmp_path: Path) -> None:
    marks = {"happy": 5, "angry": 1, "sad": 3}
    with LLMServer(lambda asked: say(verdict(next(marks[name] for name in marks if name in asked.text)))) as server:
        reward = judged(tmp_path, server.url)
        texts = [concludes(name) for name in ("happy", "angry", "sad", "happy")]
        for _ in range(2):
            assert reward(texts) == [1.0, 0.0, 0.5, 1.0]
        assert len(server.asked) == 3
        assert FIELDS["en"][VOICE] in server.asked[0].text
        # What has no conclusion, or rests on nothing, is not asked.
        assert reward([answer(**{CONCLUSION: ""}), "### Emotion\nHe is happy."]) == [0.0, 0.0]
        assert len(server.asked) == 3
    assert sum(1 for path in (tmp_path / "run").rglob("*.jsonl") for _ in path.open()) == 3


def test_an_answer_without_a_score_of_the_judge_is_scored_by_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with LLMServer(lambda asked: say(verdict(5 if "happy" in asked.text else "none"))) as server:
        texts = [concludes("happy"), answer(**{FACE: FROWNS, CONCLUSION: "He is angry."})]
        assert judged(tmp_path, server.url)(texts) == [1.0, 1.0]
    assert [said for said in caplog.messages if "by words" in said] == [
        'swift-saber: judge of an answer: "agreement" must be there and be an integer; scored by words'
    ]


def test_a_judge_that_nothing_can_be_asked_of_ends_training(tmp_path: Path) -> None:
    with LLMServer(lambda _: fails(401)) as server, pytest.raises(EndpointDown):
        judged(tmp_path, server.url)([answer()])


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"model": ""}, "judge.yaml: model: "), ({"modell": "x"}, "judge.yaml: modell: is not a setting")],
)
def test_wrong_settings_of_the_judge_are_said_before_training(
    settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        judged(tmp_path, "http://127.0.0.1:9/v1", **settings)


# saber_evidence

HIGH, LOW, MONOTONE, FRIENDLY = "The pitch is high.", "The pitch is low.", "The voice is monotone.", "A friendly voice."


def vowel(folder: Path, hertz: float) -> str:
    """A clip of somebody who says "a" at one pitch."""
    path = folder / f"{hertz:g}.wav"
    if not path.exists():
        soundfile.write(path, pulses(hertz), RATE)
    return str(path)


def evidence(texts: list[str], audios: list[list[str] | None], **columns: Any) -> list[float | None]:
    return SaberEvidence()([answer(**{VOICE: text}) for text in texts], audios=audios, **columns)


def test_what_is_right_of_the_voice_is_worth_more_than_silence_and_that_more_than_what_is_wrong(tmp_path: Path) -> None:
    """(agrees + 1) / (decided + 2)."""
    said = [f"{HIGH} {MONOTONE}", HIGH, FRIENDLY, "", f"{LOW} {MONOTONE}", LOW]
    worth = [3 / 4, 2 / 3, 1 / 2, 1 / 2, 1 / 2, 1 / 3]
    assert evidence(said, [[vowel(tmp_path, 320)]] * 6) == pytest.approx(worth)
    said = [text.replace("high", "other").replace("low", "high").replace("other", "low") for text in said]
    assert evidence(said, [[vowel(tmp_path, 80)]] * 6) == pytest.approx(worth)


def test_saying_it_twice_or_both_ways_adds_nothing(tmp_path: Path) -> None:
    said = [HIGH, f"{HIGH} {HIGH} A high pitch.", LOW, f"{HIGH} {LOW}"]
    once, twice, wrong, both = evidence(said, [[vowel(tmp_path, 320)]] * 4)
    assert once == twice and both == wrong


def test_the_scale_of_the_user_says_what_is_high(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """320 Hz is high for whoever speaks, and low among sixty at 400 to 518 Hz."""
    path = tmp_path / "scale.json"
    Scale.of((None, {"pitch": 400.0 + 2 * number}) for number in range(60)).save(path)
    clip = [[vowel(tmp_path, 320)]]
    assert evidence([HIGH], clip) == [pytest.approx(2 / 3)]
    monkeypatch.setenv(SCALE, str(path))
    assert evidence([HIGH], clip) == [pytest.approx(1 / 3)]
    path.write_text("{}")
    with pytest.raises(InputError, match="scale.json: scale: is no scale"):
        SaberEvidence()


def test_a_row_whose_voice_cannot_be_measured_has_no_value_and_is_named_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    noise = tmp_path / "noise.wav"
    soundfile.write(noise, np.random.default_rng(0).normal(0, 0.1, RATE), RATE)
    columns = {"id": ["gone", "gone", "noise", "mute", "good"]}
    audios = [[str(tmp_path / "gone.wav")]] * 2 + [[str(noise)], None, [vowel(tmp_path, 320)]]
    with caplog.at_level(logging.WARNING, "swift"):
        assert evidence([HIGH] * 5, audios, **columns) == [None, None, None, None, pytest.approx(2 / 3)]
    said = [one for one in caplog.messages if "evidence" in one]
    assert [one.split(":")[1] for one in said] == [" row gone", " row noise", " row mute"]
    assert "no such file" in said[0] and "too noisy" in said[1] and "videos: are none" in said[2]


def test_rows_without_any_clip_are_refused() -> None:
    with pytest.raises(InputError, match="^dataset: audios: are missing, which saber_evidence needs"):
        SaberEvidence()([answer()], id=["a"], audios=[None])


def test_a_clip_is_measured_once_for_all_answers_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    path = vowel(tmp_path, 320)
    monkeypatch.setattr(saber_rewards, "voice", lambda row, where: read.append(row["audios"][0]) or voice(row, where))
    reward = SaberEvidence()
    for _ in range(3):
        reward([answer(**{VOICE: HIGH})] * 4, id=["a"] * 4, audios=[[path]] * 4)
    assert read == [path]


# In ms-swift


def taught(model: Path, data: Path, folder: Path) -> Path:
    """The tiny model after so many steps that it answers in the layout of SED, with mistakes.

    From then on it may not write the marks of clips, over which ms-swift stumbles; one of full size does not.
    """
    from swift.pipelines import sft_main

    steps = 30
    flags = {key: value for key, value in FLAGS.items() if key not in ("rlhf_type", "save_strategy")} | FULL
    flags |= {"model": model, "dataset": data, "output_dir": folder, "max_steps": steps, "save_steps": steps}
    flags |= {"learning_rate": 0.003, "per_device_train_batch_size": 3, "gradient_accumulation_steps": 1}
    sft_main(["--custom_register_path", str(PLUGIN_FILE), *(f"--{key}={value}" for key, value in flags.items())])
    found = folder / f"checkpoint-{steps}"
    settings = json.loads((found / "generation_config.json").read_text())
    marks = json.loads((found / "tokenizer.json").read_text())["added_tokens"]
    settings["suppress_tokens"] = [one["id"] for one in marks if one["content"] != "<|im_end|>"]
    (found / "generation_config.json").write_text(json.dumps(settings))
    return found


@pytest.mark.slow
def test_grpo_is_given_what_the_answers_are_worth(tiny_world: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Three rows, of which one has a label, one an answer alone, and one says no emotion; two answers to each."""
    rows = {row["labels"]["emotion"]: row for _, row in read_rows(tiny_world / "train.jsonl")}
    labelled, answered, silent = rows["happy"], rows["angry"], rows["sarcastic"]
    del answered["labels"], silent["labels"]
    silent[CONCLUSION] = "Only the clip can tell."
    data = tmp_path / "data.jsonl"
    write_rows(data, [labelled, answered, silent])
    said = {"happy": labelled, "angry": answered, None: silent}
    truths = {render(Row.from_dict(row).record, language="en"): emotion for emotion, row in said.items()}
    log = rlhf(
        taught(tiny_model, data, tmp_path / "sft"),
        data,
        tmp_path / "grpo",
        rlhf_type="grpo",
        reward_funcs=["saber_format", "saber_emotion", "saber_consistency", "saber_evidence"],
        num_generations=2,
        per_device_train_batch_size=6,
        gradient_accumulation_steps=1,
        max_steps=1,
        max_completion_length=80,
        log_completions="true",
    )
    # The line of the step; the end of training writes it again.
    step, *_ = map(json.loads, (tmp_path / "grpo" / "completions.jsonl").read_text().splitlines())
    texts = step["completion"]
    emotions = [truths[solution] for solution in step["solution"]]
    assert Counter(emotions) == {"happy": 2, "angry": 2, None: 2}
    sounds = {render(Row.from_dict(row).record, language="en"): row["audios"] for row in said.values()}
    worth = {
        "SaberEvidence": SaberEvidence()(texts, audios=[sounds[solution] for solution in step["solution"]]),
        "SaberFormat": SaberFormat()(texts),
        "SaberEmotion": [
            said and SaberEmotion()([text], emotion=[said])[0] for text, said in zip(texts, emotions, strict=True)
        ],
        "SaberConsistency": SaberConsistency()(texts),
    }
    assert all(map(any, worth.values()))  # it has learned something, so that this says something
    for name, values in worth.items():
        given = [None if value is None or math.isnan(value) else value for value in step[name]]
        assert given == pytest.approx(values), name
        known = [value for value in values if value is not None]
        assert log[0][f"rewards/{name}/mean"] == pytest.approx(sum(known) / len(known), abs=1e-6), name
    total = sum(value or 0.0 for values in worth.values() for value in values)
    assert log[0]["reward"] == pytest.approx(total / len(texts), abs=1e-6)

"""SABER-Test on a set of one's own: no consistency, own emotion words, clips without a record, labels of people."""

import json
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks import probe
from swift_saber.evaluation.benchmarks.labelled import questions, read_test
from swift_saber.evaluation.benchmarks.saber_test import items, scores
from swift_saber.evaluation.judge import open_judge
from swift_saber.evaluation.summary import read_scores
from swift_saber.models.service import Service
from swift_saber.sed.layout import render
from swift_saber.sed.record import Row
from swift_saber.statistics.agreement import cohen_kappa, krippendorff_alpha
from swift_saber.text.emotion_list import EmotionList
from tests.cli.test_eval import swift_saber
from tests.evaluation.benchmarks.test_saber_test import value
from tests.llm_server import LLMServer, row, say

WORDS = EmotionList({"worried": ["worr*", "anxious", "担心"], "joy": ["glee*"], "happiness": ["happy"]})


def clip(name: str, emotion: str | None = None, **more: Any) -> dict[str, Any]:
    labels = {"emotion": emotion} if emotion else {}
    return row(name) | {"labels": labels | more.pop("labels", {})} | more


def says(emotion: str) -> str:
    return f"### Emotion\nThe speaker is {emotion}."


def read(folder: Path, *rows: dict[str, Any]) -> list[Row]:
    write_rows(folder / "test.jsonl", rows)
    return read_test(folder / "test.jsonl")


def test_a_set_without_consistency_is_scored_as_one_and_that_is_said_once(tmp_path: Path) -> None:
    rows = read(tmp_path, clip("a", "angry"), clip("b", "sad"))
    answers = {str(one.id): render(one.record, language="en") for one in rows}  # which conclude nothing
    answers["a"] += "\nHe is angry."
    found = scores(items(rows, answers))
    assert list(found["metrics"]) == ["emotion", "wer"]  # and no gap
    assert (value(found, "emotion"), value(found, "wer")) == (0.5, 0)
    assert found["groups"] == {}
    assert found["tables"]["all"]["labels"] == ["angry", "sad"]
    assert [note for note in found["notes"] if "consisten" in note] == [
        "no clip says consistent or inconsistent: all are scored as one set, without that split and its gap"
    ]


def test_a_set_that_says_it_of_some_clips_only_is_refused_at_the_first_that_lacks_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="test.jsonl:2: consistency: is missing, and other rows have it"):
        read(tmp_path, clip("a", consistency="consistent"), clip("b"), clip("c"))


def test_the_probe_takes_a_set_without_consistency_too(tmp_path: Path) -> None:
    rows = read(tmp_path, *(clip(name, audios=[f"{name}.wav"]) for name in "ab"))
    said = {one["id"]: says("sad" if one["id"].endswith("no_sound") else "angry") for one in probe.questions(rows)}
    found = probe.scores(probe.items(rows, said))
    assert (value(found, "no_sound_changed"), value(found, "no_picture_changed")) == (1, 0)
    assert found["groups"] == {}


def test_clips_with_an_emotion_and_no_record_are_scored_by_that_alone(tmp_path: Path) -> None:
    """The record is what WER and judge compare with: b has none, so they are of a alone."""
    bare = {"id": "b", "videos": ["b.mp4"], "language": "en", "labels": {"emotion": "sad"}}
    rows = read(tmp_path, clip("a", "angry"), bare)
    assert [one["language"] for one in questions(rows)] == ["en", "en"]
    all = items(rows, {"a": says("angry"), "b": says("sad") + "\n### Speech\nHello."})
    assert [item.truth is None for item in all] == [False, True]  # so that a page shows no reference of blanks
    found = scores(all)
    assert (value(found, "emotion"), found["metrics"]["emotion"]["n"]) == (1, 2)
    assert (value(found, "wer"), found["metrics"]["wer"]["n"]) == (1, 1)
    assert "1 of 2 clips have no record: neither speech nor dimensions are scored there" in found["notes"]
    with pytest.raises(InputError, match="video_desc: is missing"):  # half a record is a mistake
        read(tmp_path, {**bare, "audio_desc": {"speech_content": "", "acoustic_feat": ""}})


def test_a_judge_is_asked_about_clips_with_a_record_alone(tmp_path: Path) -> None:
    bare = {"id": "b", "videos": ["b.mp4"], "language": "en", "labels": {"emotion": "sad"}}
    rows = read(tmp_path, clip("a", "angry"), bare)
    rating = say(json.dumps({"reason": "", "sentiment_analysis": 4}))
    with LLMServer(lambda _: rating) as server, open_judge(Service("j", server.url), tmp_path / "judge") as judge:
        found = scores(items(rows, {"a": says("angry"), "b": says("sad")}, judge))
    assert len(server.asked) == 1
    assert (value(found, "judge_sentiment_analysis"), found["metrics"]["judge"]["n"]) == (4, 1)
    assert found["metrics"]["emotion"]["n"] == 2


def test_own_emotions_are_read_by_their_words_and_are_not_the_common_ones(tmp_path: Path) -> None:
    """By the common words joy and happiness are one emotion, and worried is found in no other word."""
    rows = read(tmp_path, clip("a", "worried"), clip("b", "Joy"), clip("c", "happiness"), clip("d", "joy"))
    said = {"a": says("anxious"), "b": says("gleeful"), "c": says("happy"), "d": says("happy")}
    assert value(scores(items(rows, said, emotions=WORDS)), "emotion") == 3 / 4
    assert value(scores(items(rows, said)), "emotion") == 2 / 4  # c and d
    with pytest.raises(InputError, match="x: labels.emotion: 'angry' is none of 'worried, joy, happiness'"):
        items(read(tmp_path, clip("x", "angry")), {}, emotions=WORDS)


def test_a_label_that_is_none_of_the_list_is_named_at_its_line_before_a_model_is_asked(tmp_path: Path) -> None:
    rows = [clip("a", "worried"), clip("b", "joy")]
    write_rows(tmp_path / "test.jsonl", rows)
    (tmp_path / "emotions.csv").write_text("emotion\nworried\n", encoding="utf-8")
    call = ["--data", tmp_path / "test.jsonl", "--emotions", tmp_path / "emotions.csv", "-o", tmp_path / "run"]
    for name in ("saber-test", "probe"):
        with pytest.raises(InputError, match="test.jsonl:2: labels.emotion: 'joy' is none of 'worried'"):
            swift_saber(name, *call)
    write_rows(tmp_path / "test.jsonl", rows[:1])
    (tmp_path / "people.csv").write_text("id;annotator;label\na;anna;Worried\na;bo;angry\n", encoding="utf-8")
    with pytest.raises(InputError, match="people.csv:3: label: 'angry' is none of 'worried'"):
        swift_saber("saber-test", *call, "--people", tmp_path / "people.csv")


def test_the_pipelines_word_for_what_is_no_common_emotion_is_the_truth_where_it_is_one(tmp_path: Path) -> None:
    """The pipeline keeps such words under own_emotions; several of them, as of MEmoR, leave open which is meant."""
    words = {"a": ["worried"], "b": ["trust", "anticipation"]}
    rows = read(tmp_path, *(clip(name, labels={"own_emotions": own}) for name, own in words.items()))
    found = scores(items(rows, {"a": says("worried"), "b": says("trust")}))
    assert (value(found, "emotion"), found["metrics"]["emotion"]["n"]) == (1, 1)
    assert value(scores(items(rows[:1], {"a": says("anxious")}, emotions=WORDS)), "emotion") == 1
    assert not any("most people" in note for note in found["notes"])


def test_a_chinese_label_is_the_common_emotion_that_it_names_in_either_language(tmp_path: Path) -> None:
    """Of eight clips right are a and b, by a Chinese and an English answer, d, whose label is its own word, and so for
    people's labels; wrong c (happy), e (calm is no word of the set) and f, which concludes two.
    """
    labels = {"a": "愤怒", "b": "悲伤", "c": "厌恶", "d": "平静", "e": "平静", "f": "惊讶"}
    rows = [clip(name, label, language="zh") for name, label in labels.items()]
    rows += [clip(name, labels={"emotions": {"anna": "高兴", "bo": "happy", "cy": "恐惧"}}) for name in "gh"]
    write_rows(tmp_path / "test.jsonl", rows)
    said = dict(zip("abcdefgh", ["愤怒", "sad", "高兴", "平静", "calm", "惊讶或者恐惧", "开心", "joyful"], strict=True))
    answers = [{"id": name, "response": f"### 情感分析\n说话人感到{word}。"} for name, word in said.items()]
    write_rows(tmp_path / "answers.jsonl", [*answers[:1], {"id": "b", "response": says("sad")}, *answers[2:]])
    call = ("saber-test", "--data", tmp_path / "test.jsonl", "--answers", tmp_path / "answers.jsonl")
    assert swift_saber(*call, "-o", tmp_path / "run") == 0
    found = read_scores(tmp_path / "run")
    assert (value(found, "emotion"), found["metrics"]["emotion"]["n"]) == (5 / 8, 8)
    assert found["metrics"]["emotion"]["invalid"] == 2  # e and f
    assert found["tables"]["all"]["labels"] == ["angry", "disgust", "happy", "sad", "surprise", "平静"]
    assert {*found["groups"]} == {"people: anna", "people: bo", "people: cy"}


def test_own_emotions_are_those_of_the_probe_too(tmp_path: Path) -> None:
    rows = read(tmp_path, *(clip(name, "joy", audios=[f"{name}.wav"]) for name in "ab"))
    said = {one["id"]: says("happy" if one["id"].endswith("no_sound") else "gleeful") for one in probe.questions(rows)}
    assert value(probe.scores(probe.items(rows, said, emotions=WORDS)), "no_sound_changed") == 1
    said |= {f"{name}#no_sound": says("joy") for name in "ab"}
    assert value(probe.scores(probe.items(rows, said, emotions=WORDS)), "no_sound_changed") == 0


ANNA = dict(zip("abcdef", ["happy", "happy", "sad", "sad", "angry", "angry"], strict=True))
BO = dict(zip("abcd", ["happy", "sad", "sad", "sad"], strict=True))
MODEL = dict(zip("abcde", ["happy", "happy", "sad", "angry", "angry or sad"], strict=True))  # f has no answer


def people_rows() -> list[dict[str, Any]]:
    both = {name: {"anna": ANNA[name]} | ({"bo": BO[name]} if name in BO else {}) for name in ANNA}
    return [clip(name, labels={"emotions": labels}) for name, labels in both.items()]


def test_model_and_people_are_compared_by_kappa_and_alpha(tmp_path: Path) -> None:
    """An answer that cannot be read, and none at all, is a label that nobody else gives."""
    rows = read(tmp_path, *people_rows())
    found = scores(items(rows, {name: says(said) for name, said in MODEL.items()}))
    model = [MODEL[name] for name in "abcd"] + ["none", "none"]
    with_anna, with_bo = cohen_kappa(list(ANNA.values()), model), cohen_kappa(list(BO.values()), model[:4])
    between = cohen_kappa([ANNA[name] for name in "abcd"], list(BO.values()))
    assert None not in (with_anna, with_bo, between)
    assert value(found, "kappa_model") == pytest.approx((with_anna + with_bo) / 2)
    assert value(found, "kappa_people") == pytest.approx(between)
    assert found["groups"]["people: anna"]["kappa_model"]["value"] == pytest.approx(with_anna)
    assert found["groups"]["people: bo"]["kappa_model"]["n"] == 4
    ratings = [{"anna": ANNA[name]} | ({"bo": BO[name]} if name in BO else {}) for name in ANNA]
    assert value(found, "alpha_people") == krippendorff_alpha(ratings, ["anna", "bo"]).value
    raters = [of | {"model": said} for of, said in zip(ratings, model, strict=True)]
    assert value(found, "alpha_with_model") == krippendorff_alpha(raters, ["anna", "bo", "model"]).value
    shown = found["metrics"]["kappa_model"]
    assert (shown["n"], shown["invalid"], shown["missing"]) == (6, 1, 1)
    assert shown["low"] <= shown["value"] <= shown["high"]
    assert found["metrics"]["alpha_people"]["missing"] == 0  # people's own agreement has no answers in it


def test_what_has_no_kappa_is_said(tmp_path: Path) -> None:
    """All people say happy, so that chance leaves nothing to agree on; the model says it of the two clips that bo has
    labelled, and not of c: of its two kappas one is there."""
    labels = {"a": {"anna": "happy", "bo": "happy"}, "b": {"anna": "happy", "bo": "happy"}, "c": {"anna": "happy"}}
    rows = read(tmp_path, *(clip(name, labels={"emotions": of}) for name, of in labels.items()))
    found = scores(items(rows, {name: says("sad" if name == "c" else "happy") for name in "abc"}))
    assert (value(found, "kappa_model"), value(found, "kappa_people"), value(found, "alpha_people")) == (0, None, None)
    one_label = "one and the same label to all clips that both have, so it has no kappa and no part in the mean"
    assert f"kappa_model: 1 of 2 pairs gave {one_label}" in found["notes"]
    assert f"kappa_people: 1 of 1 pairs gave {one_label}" in found["notes"]
    assert "alpha_people: none, since all labels are one and the same" in found["notes"]
    # Who shares no clip is no pair.
    rows = read(
        tmp_path, clip("a", labels={"emotions": {"anna": "happy"}}), clip("b", labels={"emotions": {"bo": "sad"}})
    )
    apart = scores(items(rows, {"a": says("sad"), "b": says("happy")}))
    assert [note for note in apart["notes"] if note.startswith(("kappa", "alpha"))] == [
        "kappa_people: none, since no clip has labels of two",
        "alpha_people: none, since no clip has labels of two",
    ]


def test_what_most_people_say_is_the_truth_of_a_clip_without_one(tmp_path: Path) -> None:
    """b is a tie and has no truth; f is not answered: right are a and c, of a, c, d, e and f."""
    rows = read(tmp_path, *people_rows())
    found = scores(items(rows, {name: says(said) for name, said in MODEL.items()}))
    assert (value(found, "emotion"), found["metrics"]["emotion"]["n"]) == (2 / 5, 5)
    assert "emotion: the truth of 5 of 6 clips is what most people say" in found["notes"]
    assert "emotion: 1 of 6 clips have no labels.emotion and are no part of it" in found["notes"]


def test_a_table_of_labels_does_the_same_as_labels_in_the_rows(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.jsonl", people_rows())
    write_rows(tmp_path / "bare.jsonl", [clip(name) for name in ANNA])
    write_rows(tmp_path / "answers.jsonl", [{"id": name, "response": says(said)} for name, said in MODEL.items()])
    table = [f"{name};{who};{label}" for who, of in (("anna", ANNA), ("bo", BO)) for name, label in of.items()]
    people = tmp_path / "people.csv"
    people.write_text("\n".join(["id;annotator;label", *table, "a;cy;", "z;anna;sad"]), encoding="utf-8-sig")
    common = ("saber-test", "--answers", tmp_path / "answers.jsonl")
    assert swift_saber(*common, "--data", tmp_path / "rows.jsonl", "-o", tmp_path / "one") == 0
    assert swift_saber(*common, "--data", tmp_path / "bare.jsonl", "--people", people, "-o", tmp_path / "two") == 0
    one, two = read_scores(tmp_path / "one"), read_scores(tmp_path / "two")
    assert one["metrics"] == two["metrics"] and one["groups"] == two["groups"]
    assert "people.csv" in two["manifest"]["data"]
    assert "1 of 11 labels of people are of no clip of this set and are left out" in two["notes"]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("id,annotator,label\na,anna,sad\na,anna,happy\n", "people.csv:3: annotator: 'anna' has labelled 'a' before"),
        ("id,annotator,label\na,,sad\n", "annotator: is blank"),
        ("id,annotator,label\nz,anna,sad\n", "none of its 1 labels is of a clip"),
        ("id,annotator,emotion\na,anna,sad\n", "column label"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path: Path, table: str, problem: str) -> None:
    write_rows(tmp_path / "bare.jsonl", [clip("a")])
    (tmp_path / "people.csv").write_text(table, encoding="utf-8")
    with pytest.raises(InputError, match=problem):
        swift_saber(
            *(
                "saber-test",
                "--data",
                tmp_path / "bare.jsonl",
                "--people",
                tmp_path / "people.csv",
                "-o",
                tmp_path / "o",
            )
        )


def test_people_use_the_words_of_the_list_too(tmp_path: Path) -> None:
    rows = read(tmp_path, clip("a", labels={"emotions": {"anna": "anxious", "bo": "担心"}}))
    (found,) = items(rows, {"a": says("worried")}, emotions=WORDS)
    assert found.details["people"]["labels"] == {"anna": "worried", "bo": "worried"}
    with pytest.raises(InputError, match="labels.emotions.anna: 'angry' is none of"):
        items(read(tmp_path, clip("a", labels={"emotions": {"anna": "angry"}})), {}, emotions=WORDS)
    with pytest.raises(InputError, match="labels.emotions.anna: is 3"):
        items(read(tmp_path, clip("a", labels={"emotions": {"anna": 3}})), {})

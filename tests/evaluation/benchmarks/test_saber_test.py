"""SABER-Test from rows to items and scores: questions that leak nothing, what counts as wrong, the gap."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import media_path, write_rows
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.labelled import questions, read_test, true_emotion
from swift_saber.evaluation.benchmarks.saber_test import items, scores
from swift_saber.evaluation.judge import open_judge
from swift_saber.models.service import Service
from swift_saber.sed.layout import INSTRUCTIONS, render
from swift_saber.sed.record import DIMENSIONS, Row
from tests.llm_server import FIELDS, Asked, LLMServer, Reply, fails, row, say


def clip(name: str, emotion: str | None = "angry", consistency: str = "consistent", language: str = "en") -> Row:
    """A clip whose record concludes its label, where it has one."""
    said = {"en": f"He is {emotion}.", "zh": "他很愤怒。"}[language]
    labels = {"emotion": emotion} if emotion else {}
    return Row.from_dict(row(name, language, consistency=consistency, labels=labels) | {"sentiment_analysis": said})


def perfect(rows: list[Row]) -> dict[str, str]:
    return {str(one.id): render(one.record, language=one.language) for one in rows}


FOUR = [
    clip("a"),
    clip("b", "sad"),
    clip("c", "happy", "inconsistent"),
    clip("d", "angry", "inconsistent", "zh"),
]


def value(found: dict[str, Any], metric: str, group: str | None = None) -> Any:
    return (found["groups"][group] if group else found["metrics"])[metric]["value"]


def test_a_question_is_the_released_instruction_in_the_rows_language_and_leaks_nothing() -> None:
    asked = list(questions(FOUR))
    assert [one["id"] for one in asked] == ["a", "b", "c", "d"]
    assert asked[3]["messages"] == [{"role": "user", "content": INSTRUCTIONS["zh"]}]
    assert asked[0]["messages"] == [{"role": "user", "content": INSTRUCTIONS["en"]}]
    assert all(set(one) == {"id", "language", "messages", "videos", "audios"} for one in asked)
    text = json.dumps(asked, ensure_ascii=False)
    assert not any(part in text for fields in FIELDS.values() for part in fields.values())
    assert "angry" not in text and "inconsistent" not in text


def test_a_clip_that_names_no_sound_is_not_made_deaf() -> None:
    silent = row("a", "en", consistency="consistent") | {"videos": ["a.mp4"], "audios": []}
    asked = list(questions([Row.from_dict(silent), Row.from_dict({**silent, "audios": ["a.wav"]})]))
    assert asked[0]["audios"] is None
    assert asked[1]["audios"] == [media_path("a.wav")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"consistency": None}, "consistency"),
        ({"consistency": "both"}, "consistency"),
        ({"id": None}, "id"),
        ({"videos": [], "audios": []}, "videos"),
        ({"facial_exp_desc": None}, "facial_exp_desc"),
    ],
)
def test_a_row_that_is_none_of_a_test_set_is_named_with_its_line(
    tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    path = tmp_path / "test.jsonl"
    good = row("a", consistency="consistent")
    write_rows(path, [good, row("b", consistency="consistent") | change])
    with pytest.raises(InputError, match=field) as raised:
        read_test(path)
    assert raised.value.where == f"{path}:2"


def test_an_id_that_is_there_twice_and_a_folder_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    write_rows(path, [row("a", consistency="consistent")] * 2)
    with pytest.raises(InputError, match="'a' is there twice"):
        read_test(path)
    with pytest.raises(InputError, match="sources join"):
        read_test(tmp_path)


def test_perfect_answers_are_right_in_everything() -> None:
    found = scores(items(FOUR, perfect(FOUR)))
    assert value(found, "emotion") == 1
    assert value(found, "wer") == 0 and value(found, "cer") == 0
    assert value(found, "emotion_gap") == 0
    assert {found["metrics"]["emotion"][key] for key in ("invalid", "missing", "unjudged")} == {0}
    assert found["metrics"]["wer"]["n"] == 3 and found["metrics"]["cer"]["n"] == 1  # d alone is Chinese


def test_the_gap_is_how_much_worse_inconsistent_clips_are() -> None:
    """Consistent: a and b are right, 2/2. Inconsistent: c is right and d is not, 1/2. Gap 1 - 1/2."""
    answers = perfect(FOUR) | {"d": render(FOUR[3].record, language="zh").replace("愤怒", "高兴")}
    found = scores(items(FOUR, answers))
    assert value(found, "emotion", "consistent") == 1
    assert value(found, "emotion", "inconsistent") == 0.5
    assert value(found, "emotion_gap") == 0.5
    assert value(found, "emotion") == 0.75
    low, high = (found["metrics"]["emotion_gap"][end] for end in ("low", "high"))
    # Draws of c and d have means 0, 1/2 or 1, so that no gap is outside of 0..1, and both ends occur in 1/4 of them.
    assert (low, high) == (0, 1)
    assert next(iter(found["metrics"])) == "emotion_gap"  # the headline stands first
    assert found["tables"]["inconsistent"]["labels"] == ["angry", "happy"]
    assert found["tables"]["inconsistent"]["confusion"] == [[0, 1, 0], [0, 1, 0]]


def test_the_gap_of_an_error_rate_is_above_0_where_inconsistent_clips_are_worse() -> None:
    """b has no speech: WER 1, so consistent is (0 + 1) / 2; c is right: 0. Consistent ones are worse: -1/2."""
    answers = perfect(FOUR) | {"b": render(FOUR[1].record, language="en").split("### Speech")[0]}
    assert value(scores(items(FOUR, answers)), "wer_gap") == -0.5


def test_words_and_characters_are_counted_and_capped_at_1() -> None:
    """ "Oh, great <laughs> again." has 3 words, one of them other: 1/3. 哦真好又来了: 6 characters, 1/6."""
    english, chinese = clip("a"), clip("d", language="zh")
    answers = {
        "a": render(english.record, language="en").replace("great", "dear"),
        "d": render(chinese.record).replace("真好", "真坏"),
    }
    found = {item.id: item.scores for item in items([english, chinese], answers)}
    assert found["a"]["wer"] == pytest.approx(1 / 3)
    assert found["d"]["cer"] == pytest.approx(1 / 6)
    long = {"a": render(english.record, language="en").replace("great", "word " * 9)}
    item = items([english], long)[0]
    assert item.scores["wer"] == 1 and item.details["error rate"] > 1


def test_missing_and_invalid_answers_are_wrong_and_stay_in_every_denominator() -> None:
    answers = perfect(FOUR)
    del answers["a"]
    answers["b"] = ""
    found = items(FOUR, answers)
    assert [item.state for item in found] == ["missing", "invalid", "answered", "answered"]
    for item in found[:2]:
        assert item.scores == {"wer": 1, "emotion": 0}
        assert item.details["not in the answer"] == list(DIMENSIONS)
    summary = scores(found)["metrics"]["emotion"]
    assert (summary["value"], summary["n"], summary["missing"], summary["invalid"]) == (0.5, 4, 1, 1)


def test_two_emotions_in_the_conclusion_are_invalid_for_the_emotion_alone() -> None:
    rows = [clip("a"), clip("b")]
    answers = perfect(rows)
    answers["a"] = answers["a"].replace("He is angry.", "He is angry or sad.")
    found = scores(items(rows, answers))
    assert (value(found, "emotion"), found["metrics"]["emotion"]["invalid"]) == (0.5, 1)
    assert (value(found, "wer"), found["metrics"]["wer"]["invalid"]) == (0, 0)


def test_the_order_of_the_clips_and_of_the_answers_does_not_matter() -> None:
    answers = perfect(FOUR) | {"c": "no idea"}
    mixed = random.Random(1).sample(FOUR, len(FOUR))
    assert scores(items(mixed, dict(reversed(answers.items()))))["groups"] == scores(items(FOUR, answers))["groups"]


def test_empty_answers_never_raise_a_score() -> None:
    """Worse than the wrongest answer that is there: a speech that nobody held, and another emotion."""
    wrong = perfect(FOUR)
    wrong["a"] = wrong["a"].replace("great", "word " * 30).replace("angry", "sad")
    before = scores(items(FOUR, wrong))
    for empty in ({**wrong, "a": ""}, {name: text for name, text in wrong.items() if name != "a"}):
        after = scores(items(FOUR, empty))
        assert value(after, "emotion") <= value(before, "emotion")
        assert value(after, "wer") >= value(before, "wer")


def test_labels_of_datasets_are_mapped_and_clips_without_one_are_counted() -> None:
    assert true_emotion(clip("a", "Joy")) == "happy"
    assert true_emotion(clip("a", "Sarcastic")) == "sarcastic"
    rows = [clip("a", "sarcastic"), clip("b", None)]
    found = scores(items(rows, perfect(rows)))
    assert (value(found, "emotion"), found["metrics"]["emotion"]["n"]) == (1, 1)
    assert "emotion: 1 of 2 clips have no labels.emotion and are no part of it" in found["notes"]
    assert "emotion: no gap, since all clips that have it are consistent" in found["notes"]
    bad = Row.from_dict(row("x", consistency="consistent", labels={"emotion": 3}))
    with pytest.raises(InputError, match="labels.emotion"):
        items([bad], {})


def test_a_judge_that_fails_for_half_of_the_answers_is_counted_and_spares_the_other_metrics(tmp_path: Path) -> None:
    """a and b are rated 4 and 2, so that their mean is 3; c and d are unjudged, which leaves no gap."""

    def script(asked: Asked) -> Reply:
        if "happy" in asked.text or "愤怒" in asked.text:  # c and d
            return fails(400, "out of order")
        given = 4 if "angry" in asked.text else 2
        return say(json.dumps({"reason": f"rated {given}", **dict.fromkeys(DIMENSIONS, given)}))

    with LLMServer(script) as server, open_judge(Service("j", server.url, retries=0), tmp_path) as judge:
        found = items(FOUR, perfect(FOUR), judge)
    assert [item.state for item in found] == ["answered", "answered", "unjudged", "unjudged"]
    assert found[0].details["judge's reason"] == "rated 4"
    assert "refused" in found[2].details["judge failed"]
    shown = scores(found)
    for metric in ("judge", "judge_video_desc"):
        summary = shown["metrics"][metric]
        assert (summary["value"], summary["n"], summary["unjudged"]) == (3, 4, 2)
        assert shown["metrics"][f"{metric}_gap"]["value"] is None
    assert (value(shown, "emotion"), shown["metrics"]["emotion"]["unjudged"]) == (1, 0)


def test_what_the_answer_lacks_is_rated_1_by_no_judge(tmp_path: Path) -> None:
    """One dimension of six is rated 5, the others are not there: (5 + 5 * 1) / 6."""
    with (
        LLMServer(lambda _: say(json.dumps({"reason": "", "video_desc": 5}))) as server,
        open_judge(Service("j", server.url), tmp_path) as judge,
    ):
        (found,) = items([clip("a")], {"a": "### Scene\nA man stands in a bright kitchen."}, judge)
    assert found.scores["judge"] == pytest.approx(10 / 6)
    assert found.scores["judge_video_desc"] == 5 and found.scores["judge_acoustic_feat"] == 1

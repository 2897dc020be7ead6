"""The probe: what is asked about, whose sound a clip gets, and when an emotion has changed."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.probe import items, questions, scores, sound_donors
from swift_saber.sed.record import Row
from tests.evaluation.benchmarks.test_saber_test import value
from tests.llm_server import row


def clip(name: str, emotion: str | None, consistency: str = "consistent", **more: object) -> Row:
    media = {"videos": [f"/c/{name}.mp4"], "audios": [f"/c/{name}.wav"]}
    labels = {"emotion": emotion} if emotion else {}
    return Row.from_dict(row(name, consistency=consistency, labels=labels) | media | more)


ROWS = [clip("a", "angry"), clip("b", "sad"), clip("c", "angry", "inconsistent"), clip("d", "sad", "inconsistent")]


def answer(emotion: str) -> str:
    return f"### Emotion\nThe speaker is {emotion}."


def test_each_clip_is_asked_about_four_times_and_only_the_media_differ() -> None:
    asked = {one["id"]: one for one in questions(ROWS)}
    assert len(asked) == 16
    media = {
        condition: (one["videos"], one["audios"]) for name in ("a",) for condition, one in _of(asked, name).items()
    }
    assert media["whole"] == (["/c/a.mp4"], ["/c/a.wav"])
    assert media["no_sound"] == (["/c/a.mp4"], [])
    assert media["no_picture"] == ([], ["/c/a.wav"])
    assert media["other_sound"][0] == ["/c/a.mp4"] and media["other_sound"][1] in (["/c/b.wav"], ["/c/d.wav"])
    assert len({str(one["messages"]) for one in asked.values()}) == 1


def _of(asked: dict[str, dict[str, object]], name: str) -> dict[str, dict[str, object]]:
    return {one.partition("#")[2]: row for one, row in asked.items() if one.startswith(f"{name}#")}


def test_the_sound_is_that_of_a_clip_with_another_emotion_in_any_order_of_the_rows() -> None:
    rows = [clip(f"clip{number}", ("angry", "sad", "happy")[number % 3]) for number in range(30)]
    donors = sound_donors(rows)
    emotions = {one.id: one.labels["emotion"] for one in rows}
    assert all(emotions[donor.id] != emotions[name] for name, donor in donors.items())
    assert {name: donor.id for name, donor in sound_donors(rows[::-1]).items()} == {
        name: donor.id for name, donor in donors.items()
    }
    assert len({donor.id for donor in donors.values()}) > 5  # not one sound for all


def test_the_same_language_is_preferred_but_another_emotion_more() -> None:
    zh = clip("zh", "sad", language="zh")
    assert sound_donors([clip("a", "angry"), zh])["a"].id == "zh"
    assert sound_donors([clip("a", "angry"), zh, clip("en", "sad")])["a"].id == "en"
    assert sound_donors([clip("a", None), zh, clip("en", "sad")])["a"].id == "en"
    assert sound_donors([clip("a", "angry")]) == {}


def test_shares_of_changed_same_and_unreadable_are_of_all_clips() -> None:
    """Without sound: a changes, b stays, c has no answer, d names two emotions. So 1/4 changed, 2/4 unreadable."""
    answers = {f"{one.id}#{condition}": answer("angry") for one in ROWS for condition in _CONDITIONS}
    answers |= {"a#no_sound": answer("sad"), "d#no_sound": answer("sad or happy")}
    del answers["c#no_sound"]
    found = items(ROWS, answers)
    assert [item.state for item in found] == ["answered", "answered", "missing", "invalid"]
    shown = scores(found)
    assert value(shown, "no_sound_changed") == 0.25
    assert value(shown, "no_sound_unreadable") == 0.5
    assert value(shown, "no_sound_changed", "consistent") == 0.5
    assert value(shown, "no_sound_changed", "inconsistent") == 0
    summary = shown["metrics"]["no_sound_changed"]
    assert (summary["n"], summary["missing"], summary["invalid"]) == (4, 1, 1)
    # The other conditions' answers are all there.
    whole = shown["metrics"]["no_picture_changed"]
    assert (whole["value"], whole["missing"], whole["invalid"]) == (0, 0, 0)


_CONDITIONS = ("whole", "no_sound", "no_picture", "other_sound")


def test_without_an_answer_to_the_whole_clip_nothing_is_readable() -> None:
    answers = {f"a#{condition}": answer("angry") for condition in _CONDITIONS[1:]}
    (found,) = items(ROWS[:1], answers)
    assert found.state == "missing"
    assert found.scores == {
        "no_sound_changed": 0,
        "no_sound_unreadable": 1,
        "no_picture_changed": 0,
        "no_picture_unreadable": 1,
    }


def test_a_clip_that_lacks_a_modality_is_left_out_by_name_and_number() -> None:
    rows = [clip("a", "angry", audios=[]), *ROWS[1:]]
    assert [one["id"] for one in questions(rows)][:2] == ["a#whole", "b#whole"]
    answers = {one["id"]: answer("sad") for one in questions(rows)}
    shown = scores(items(rows, answers))
    assert shown["metrics"]["no_sound_changed"]["n"] == 3
    assert "no_sound: 1 of 4 clips cannot be shown so" in shown["notes"]


def test_sound_inside_of_the_video_cannot_be_taken_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("USE_AUDIO_IN_VIDEO", "1")
    with pytest.raises(InputError, match="USE_AUDIO_IN_VIDEO"):
        list(questions(ROWS))


def test_why_a_question_was_rejected_is_kept_with_its_condition() -> None:
    """Of a no question was asked at all, of b not the one without sound; c has no reject and d neither."""
    answers = {f"{one.id}#{condition}": answer("angry") for one in ROWS[1:] for condition in _CONDITIONS}
    del answers["b#no_sound"]
    rejects = {f"a#{condition}": "videos: gone" for condition in ("whole", "no_sound")}
    rejects |= {"b#no_sound": "videos: no frames"}
    found = {item.id: item.details.get("reject") for item in items(ROWS, answers, rejects)}
    assert found == {
        "a": "whole: videos: gone; no_sound: videos: gone",
        "b": "no_sound: videos: no frames",
        "c": None,
        "d": None,
    }

"""merge.py: one verdict of all reviewers, and what they dispute."""

from dataclasses import replace
from typing import Any

import pytest

from swift_saber.review.items import Item, item_of
from swift_saber.review.log import Review
from swift_saber.review.merge import Voice, verdict_of, voices
from tests.review.test_items import RECORD

ITEM = item_of(RECORD, "r:1")
PAIR = item_of({"id": "p", "response": "good", "rejected_response": "bad"}, "p:1")
CHOICES = item_of({"id": "c", "candidates": ["one", "two", "three"]}, "c:1")


def review(reviewer: str, decision: str | None = "accept", item: Item = ITEM, **said: Any) -> Review:
    """A review; `after` holds the edits alone."""
    after = {**item.values, **said.pop("after", {})}
    known: dict[str, Any] = {"id": "1", "reason": "", "when": "2026-01-01T00:00:00+00:00", "revision": 1}
    known |= {"before": item.values or {"scores": []}, "blind": False, "adjudicates": False}
    known |= {name: getattr(item, name) for name in ("kind", "of", "source", "consistency", "language", "concluded")}
    return Review(**{**known, "item": item.id, "reviewer": reviewer, "decision": decision, "after": after, **said})


def by_name(*reviews: Review) -> dict[str, Review]:
    return {one.reviewer: one for one in reviews}


def disputed(latest: dict[str, dict[str, Review]]) -> dict[str, tuple[Voice, ...]]:
    """What is said of the items in dispute."""
    verdicts = {item: verdict_of(item, reviews) for item, reviews in latest.items()}
    return {item: voices(latest[item], verdict) for item, verdict in verdicts.items() if verdict.state == "disputed"}


def test_one_reviewer_decides_alone() -> None:
    verdict = verdict_of("a", by_name(review("anna", "correct", after={"emotion": "sad", "video_desc": "A bar."})))
    assert (verdict.state, verdict.values) == ("corrected", {"emotion": "sad", "video_desc": "A bar."})
    assert (verdict.by, verdict.of, verdict.stale) == (("anna",), ITEM.of, 0)
    assert verdict_of("a", by_name(review("anna"))).state == "accepted"


def test_correct_without_an_edit_accepts_and_accept_with_one_edits_nothing() -> None:
    assert verdict_of("a", by_name(review("anna", "correct"))).state == "accepted"
    assert verdict_of("a", by_name(review("anna", "accept", after={"emotion": "sad"}))).values == {}


def test_skip_and_undecided_say_nothing() -> None:
    silent = (review("anna", "skip"), review("bo", None, after={"emotion": "sad"}))
    assert verdict_of("a", by_name(*silent)).state == "open"
    verdict = verdict_of("a", by_name(*silent, review("cy", "correct", after={"emotion": "happy"})))
    assert (verdict.state, verdict.by, verdict.values) == ("corrected", ("cy",), {"emotion": "happy"})


def test_all_reject_or_it_is_disputed() -> None:
    no = review("anna", "reject", reason=" no face ", after={})
    verdict = verdict_of("a", by_name(no, review("bo", "reject", reason="no face"), review("cy", "reject")))
    assert (verdict.state, verdict.reasons) == ("rejected", ("no face",))
    verdict = verdict_of("a", by_name(no, review("bo")))
    assert (verdict.state, verdict.fields) == ("disputed", ("decision",))


def test_values_are_weighed_one_by_one() -> None:
    one = review("anna", "correct", after={"emotion": "sad", "video_desc": "A bar."})
    same = review("bo", "correct", after={"emotion": "sad", "video_desc": " A  bar. "})
    agreed = verdict_of("a", by_name(one, same))
    assert agreed.state == "corrected" and agreed.values.keys() == {"emotion", "video_desc"}
    verdict = verdict_of("a", by_name(one, review("bo", "correct", after={"emotion": "sad"})))
    assert (verdict.state, verdict.fields, verdict.values) == ("disputed", ("video_desc",), {})
    # Who accepts stands for what was there.
    assert verdict_of("a", by_name(one, review("bo"))).fields == ("video_desc", "emotion")


def test_a_blind_reviewer_says_nothing_of_what_is_left_blank() -> None:
    blank = dict.fromkeys(ITEM.values, "")
    blind = review("anna", "correct", blind=True, after={**blank, "emotion": "sad"})
    verdict = verdict_of("a", by_name(blind))
    assert (verdict.state, verdict.values) == ("corrected", {"emotion": "sad"})
    verdict = verdict_of("a", by_name(blind, review("bo", "correct", after={"emotion": "sad", "language": "zh"})))
    assert verdict.values == {"emotion": "sad", "language": "zh"}
    assert verdict_of("a", by_name(replace(blind, after={**blank, "emotion": "angry"}))).state == "accepted"


def test_the_newest_who_adjudicates_wins() -> None:
    later = {"when": "2026-01-02T00:00:00+00:00", "adjudicates": True}
    reviews = [review("anna", "reject"), review("bo", when="2026-01-03T00:00:00+00:00")]
    first = review("cy", "correct", after={"emotion": "sad"}, adjudicates=True)
    verdict = verdict_of("a", by_name(*reviews, first, review("di", "reject", reason="mute", **later)))
    assert (verdict.state, verdict.by, verdict.adjudicated) == ("rejected", ("di",), True)


def test_reviews_of_another_text_are_stale() -> None:
    old = review("anna", "reject", of="0123")
    new = review("bo", when="2026-01-02T00:00:00+00:00")
    verdict = verdict_of("a", by_name(old, new))
    assert (verdict.state, verdict.by, verdict.of, verdict.stale) == ("accepted", ("bo",), ITEM.of, 1)
    # Of a text that comes back, the reviews count again.
    assert verdict_of("a", by_name(old, new), of="0123").state == "rejected"
    verdict = verdict_of("a", by_name(old, new), of="4567")
    assert (verdict.state, verdict.stale, verdict.of) == ("open", 2, "")


def test_choices_are_accepted_turned_or_none() -> None:
    def better(place: str, name: str = "anna", item: Item = PAIR) -> Review:
        return review(name, "better", item, after={"better": place})

    assert verdict_of("p", by_name(better("0"))).state == "accepted"
    verdict = verdict_of("p", by_name(better("1"), better("1", "bo")))
    assert (verdict.state, verdict.values) == ("corrected", {"better": "1"})
    assert verdict_of("p", by_name(better("1"), better("same", "bo"))).fields == ("better",)
    assert verdict_of("c", by_name(better("2", item=CHOICES))).state == "accepted"
    assert verdict_of("c", by_name(better("none", item=CHOICES))).values == {"better": "none"}


def test_who_decides_a_dispute_sees_what_is_said_and_not_by_whom() -> None:
    reviews = by_name(review("anna", "correct", after={"emotion": "sad"}), review("bo"), review("cy", "skip"))
    found = disputed({"a": reviews, "b": by_name(review("anna"))})
    assert found.keys() == {"a"}
    voices = found["a"]
    assert {voice.number for voice in voices} == {"1", "2"}
    assert {voice.values["emotion"] for voice in voices} == {"sad", "angry"}
    assert "anna" not in repr(voices) and "'bo'" not in repr(voices)
    # Numbers do not go with names: over many items, each is the first as often as not.
    firsts = [disputed({str(n): reviews})[str(n)][0].decision for n in range(40)]
    assert set(firsts) == {"accept", "correct"}


@pytest.mark.parametrize(("one", "two"), [("Joy", "happy"), ("高兴", "happy"), ("悲伤", "sadness")])
def test_one_emotion_by_two_of_its_names_is_no_dispute(one: str, two: str) -> None:
    """The figures count them as equal, and all that reads the label takes them for one."""
    said = [review(who, "correct", after={"emotion": of}) for who, of in (("anna", one), ("bo", two))]
    assert verdict_of("a", by_name(*said)).fields == ()
    said[1] = replace(said[1], after={**said[1].after, "emotion": "angry"})
    assert verdict_of("a", by_name(*said)).fields == ("emotion",)


@pytest.mark.parametrize("order", [1, -1])
def test_what_one_leaves_as_it_is_stays_where_another_has_it_by_another_name(order: int) -> None:
    """Whoever was last."""
    one = review("anna", "accept")
    two = review("bo", "correct", after={"emotion": "愤怒", "video_desc": f" {ITEM.values['video_desc']}"})
    assert ITEM.values["emotion"] == "angry"
    first, last = [one, two][::order]
    said = replace(first, when="2026-01-01T00:00:00Z"), replace(last, when="2026-01-02T00:00:00Z")
    verdict = verdict_of("a", by_name(*said))
    assert (verdict.state, verdict.values) == ("accepted", {})
    alone = verdict_of("a", by_name(two))
    assert alone.values["emotion"] == "愤怒"


def test_one_word_in_two_spellings_is_no_dispute() -> None:
    """An accent may be a character of its own, as a Mac types it; and nobody means another emotion by "Sad"."""
    one = review("anna", "correct", after={"video_desc": "A caf\u00e9.", "emotion": "Sad"})
    two = review("bo", "correct", after={"video_desc": "A cafe\u0301.", "emotion": "sad"})
    verdict = verdict_of("a", by_name(one, two))
    assert verdict.state == "corrected"
    assert verdict.values == {"video_desc": "A caf\u00e9.", "emotion": "sad"}
    # In a text, a capital may be a name.
    assert verdict_of("a", by_name(one, replace(two, after={**two.after, "video_desc": "a caf\u00e9."}))).fields

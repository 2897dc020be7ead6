"""agreement.py: figures of reviews against hand-worked examples and the packages of the field."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nltk.metrics.agreement import AnnotationTask
from sklearn.metrics import cohen_kappa_score

from swift_saber.data.rows import write_rows
from swift_saber.review.agreement import CONCLUDED, figures, read_figures
from swift_saber.review.items import Items, item_of
from swift_saber.review.log import Review, ReviewLog
from swift_saber.review.plan import load_plan

Latest = dict[str, dict[str, Review]]
BEFORE = {
    "video_desc": "A kitchen.",
    "acoustic_feat": "A flat voice.",
    "speech_content": "Thanks.",
    "facial_exp_desc": "A smile.",
    "body_lang_desc": "",
    "sentiment_analysis": "The person is happy.",
    "emotion": "happy",
    "consistency": "consistent",
    "language": "en",
}


def review(item: str, reviewer: str, decision: str | None = "accept", **said: Any) -> Review:
    """One line; `after` is what is changed of BEFORE, unless it is blind."""
    kind, before = said.pop("kind", "record"), said.pop("before", BEFORE)
    after = said.pop("after", {})
    if kind == "record" and not said.get("blind"):
        after = {**before, **after}
    known: dict[str, Any] = {"of": "d0", "when": "2026-01-01T00:00:00+00:00", "reason": "", "blind": False}
    known |= {"adjudicates": False, "source": "meld", "consistency": "consistent", "language": "en"}
    known |= {"concluded": "happy", "revision": 1, "id": f"{item} {reviewer}", **said}
    return Review(item=item, kind=kind, reviewer=reviewer, decision=decision, before=before, after=after, **known)


def latest(reviews: Iterable[Review]) -> Latest:
    found: Latest = {}
    for each in reviews:
        found.setdefault(each.item, {})[each.reviewer] = each
    return found


def with_emotions(**of: str) -> Latest:
    """Reviews that give each item the emotion of a letter: a string a reviewer, "-" where not reviewed."""
    return latest(
        review(f"clip{place}", name, "correct", after={"emotion": letter})
        for name, letters in of.items()
        for place, letter in enumerate(letters)
        if letter != "-"
    )


def row(rows: list[dict[str, Any]], label: str, by: str = "all", group: str = "") -> dict[str, Any]:
    [found] = [each for each in rows if (each.get("label", label), each["by"], each["group"]) == (label, by, group)]
    return found


def pair(item: str, reviewer: str, better: str, scores: tuple[float | None, ...] = (5, 3), **said: Any) -> Review:
    kind = "pair" if len(scores) == 2 else "candidates"
    after = {"better": better}
    return review(item, reviewer, "better", kind=kind, before={"scores": list(scores)}, after=after, **said)


def test_people_agree_as_the_packages_say() -> None:
    anna, bo = "xxyzxyzzxy", "xyyzxyzxxx"
    found = row(figures(with_emotions(anna=anna, bo=bo))["labels"], "emotion")
    assert found["kappa"]["value"] == pytest.approx(cohen_kappa_score(list(anna), list(bo)))
    task = AnnotationTask([(who, str(n), v) for who, of in (("a", anna), ("b", bo)) for n, v in enumerate(of)])
    assert found["alpha"]["value"] == pytest.approx(task.alpha())
    assert found["equal"]["value"] == pytest.approx(7 / 10)
    assert found["kappa"]["low"] < found["kappa"]["value"] < found["kappa"]["high"]
    assert (found["items"], found["reviewers"]) == (10, 2)


def test_alpha_is_that_of_krippendorffs_own_example() -> None:
    """Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), C: 0.743; the last of 12 has one rating."""
    latest = with_emotions(a="123321412---", b="1233224125-3", c="-3332342251-", d="12332441251-")
    found = row(figures(latest)["labels"], "emotion")
    assert found["alpha"]["value"] == pytest.approx(0.743, abs=0.0005)
    assert found["items"] == 11


def test_kappa_of_several_is_the_mean_over_pairs() -> None:
    of = {"anna": "xxyy", "bo": "xyyy", "cy": "xxyx"}
    expected = [cohen_kappa_score(list(of[a]), list(of[b])) for a, b in (("anna", "bo"), ("anna", "cy"), ("bo", "cy"))]
    assert row(figures(with_emotions(**of))["labels"], "emotion")["kappa"]["value"] == pytest.approx(sum(expected) / 3)


def test_the_decision_is_a_label_too() -> None:
    """Two accept and two reject; the other corrects one: equal in 3 of 4, by chance in 2/4 1/4 + 2/4 2/4."""
    reviews = [review(str(n), "a", of) for n, of in enumerate(("accept", "accept", "reject", "reject"))]
    reviews += [review(str(n), "b", of) for n, of in enumerate(("accept", "correct", "reject", "reject"))]
    found = figures(latest(reviews))
    decision = row(found["labels"], "decision")
    assert decision["kappa"]["value"] == pytest.approx((3 / 4 - 3 / 8) / (1 - 3 / 8))
    # Who rejects gives no emotion, and that two are missing is said.
    emotion = row(found["labels"], "emotion")
    assert (emotion["items"], emotion["of_several"]) == (2, 4)


def test_one_emotion_in_two_spellings_is_one() -> None:
    reviews = [review("1", "a", "correct", after={"emotion": "Joy"}), review("1", "b", "accept")]
    reviews += [review("2", "a", "correct", after={"emotion": " Weary"}), review("2", "b", "correct")]
    reviews[-1] = replace(reviews[-1], after={**BEFORE, "emotion": "weary"})
    assert row(figures(latest(reviews))["labels"], "emotion")["equal"]["value"] == 1


@pytest.mark.parametrize(
    ("one", "two"), [("高兴", "Happy"), ("caf\u00e9", "Cafe\u0301"), ("at  ease", "at ease"), ("悲伤 ", "sadness")]
)
def test_what_is_no_dispute_is_an_equal_label(one: str, two: str) -> None:
    said = [review("1", who, "correct", after={"emotion": of}) for who, of in (("a", one), ("b", two))]
    found = figures(latest(said))
    assert found["verdicts"]["disputed"]["count"] == 0
    assert row(found["labels"], "emotion")["equal"]["value"] == 1
    assert row(found["model"], "emotion")["items"] == 1


def test_an_accent_that_a_machine_writes_otherwise_is_no_changed_text() -> None:
    before = {**BEFORE, "video_desc": "A caf\u00e9."}
    found = figures(latest([review("1", "a", "correct", before=before, after={"video_desc": "A cafe\u0301."})]))
    assert found["texts"]["fields"]["video_desc"]["changed"]["count"] == 0


def test_blind_and_sighted_are_apart() -> None:
    sighted = [review(f"s{n}", who) for n in range(4) for who in "ab"]
    blind = [review(f"b{n}", who, "correct", blind=True, after={"emotion": "sad"}) for n in range(2) for who in "ab"]
    blind[-1] = replace(blind[-1], after={"emotion": "angry"})
    found = figures(latest(sighted + blind))
    blind_equal = row(found["labels"], "emotion", "sight", "blind")["equal"]
    assert (blind_equal["value"], blind_equal["count"], blind_equal["of"]) == (0.5, 1, 2)
    assert row(found["labels"], "emotion", "sight", "sighted")["equal"]["value"] == 1
    assert row(found["labels"], "emotion")["items"] == 6
    # Against the model: the one blind item that is not in dispute is another emotion than the model's.
    assert row(found["model"], "emotion", "sight", "blind")["equal"]["value"] == 0
    assert row(found["model"], "emotion", "sight", "sighted")["equal"]["value"] == 1
    # What a blind reviewer left blank is no label, and no change of a text.
    assert row(found["model"], "language")["items"] == 4
    assert row(found["model"], "language")["left_out"]["not said"] == 1
    assert found["texts"]["left_out"] == {"rejected": 0, "blind": 2}
    assert (found["items"]["blind"], found["items"]["sighted"]) == (2, 4)


def test_labels_are_split_by_source() -> None:
    reviews = [review(f"{source}{n}", who, source=source) for source in ("meld", "mead") for n in "12" for who in "ab"]
    reviews[0] = replace(reviews[0], after={**BEFORE, "emotion": "sad"}, decision="correct")
    found = figures(latest(reviews))
    assert row(found["labels"], "emotion", "source", "meld")["equal"]["value"] == 0.5
    assert row(found["labels"], "emotion", "source", "mead")["equal"]["value"] == 1
    # All have one language: nothing to split.
    assert not [each for each in found["labels"] if each["by"] == "language"]


def test_people_against_the_model_by_hand() -> None:
    """The model says happy of all; people say happy, happy, sad, angry: kappa 0 (chance is all there is), equal 2/4."""
    emotions = ("happy", "joy", "sad", "angry")
    reviews = [review(str(n), "a", "correct", after={"emotion": of}) for n, of in enumerate(emotions)]
    reviews += [review("r", "a", "reject"), review("d", "a", "correct", after={"emotion": "sad"}), review("d", "b")]
    reviews += [review("silent", "a", before={**BEFORE, "emotion": ""}, after={"emotion": "sad"}, decision="correct")]
    found = row(figures(latest(reviews))["model"], "emotion")
    assert (found["items"], found["equal"]["count"], found["equal"]["value"]) == (4, 2, 0.5)
    assert found["kappa"]["value"] == pytest.approx(0)
    assert found["left_out"] == {"rejected": 1, "disputed": 1, "not said": 0, "machine silent": 1}


def test_what_the_text_concludes_is_a_rater_of_its_own() -> None:
    reviews = [review(n, "a", concluded=of) for n, of in (("1", "happy"), ("2", "sad"), ("3", ""))]
    found = figures(latest(reviews))["model"]
    assert row(found, "emotion")["equal"]["value"] == 1
    concluded = row(found, CONCLUDED)
    assert (concluded["items"], concluded["equal"]["value"]) == (2, 0.5)
    assert concluded["left_out"]["machine silent"] == 1


def test_the_adjudicated_label_stands_against_the_model_and_between_people_it_is_none() -> None:
    reviews = [review("1", "a"), review("1", "b", "correct", after={"emotion": "sad"})]
    reviews += [review("1", "c", "correct", after={"emotion": "angry"}, adjudicates=True)]
    found = figures(latest(reviews))
    assert row(found["labels"], "emotion")["reviewers"] == 2
    assert row(found["model"], "emotion")["equal"]["count"] == 0
    assert row(found["model"], "emotion")["items"] == 1
    assert found["items"]["adjudicated"] == 1
    assert found["verdicts"]["corrected"]["count"] == 1


def test_changed_texts_by_hand() -> None:
    reviews = [
        # Two of eight characters.
        review("1", "a", "correct", after={"facial_exp_desc": "A smirk."}),
        review("2", "a", after={"facial_exp_desc": " A  smile.\n"}),
        review("3", "a", "correct", after={"body_lang_desc": "Arms folded."}),
        review("4", "a", "reject"),
        # Two of whom one changes it: half a change.
        review("5", "a", "correct", after={"facial_exp_desc": "A smile!"}),
        review("5", "b"),
    ]
    found = figures(latest(reviews))["texts"]
    face, body = (found["fields"][name] for name in ("facial_exp_desc", "body_lang_desc"))
    assert face["changed"]["value"] == pytest.approx((1 + 0 + 0 + 0.5) / 4)
    assert face["changed"]["of"] == 4
    assert face["distance"]["all"]["value"] == pytest.approx((2 / 8 + 0 + 0 + (1 / 8) / 2) / 4)
    assert face["distance"]["changed"]["value"] == pytest.approx((2 / 8 + 1 / 16) / 2)
    assert face["distance"]["changed"]["median"] == pytest.approx((2 / 8 + 1 / 16) / 2)
    # Where neither has a text there is none to change; where people add one, all of it is new.
    assert body["changed"]["of"] == 1
    assert body["distance"]["changed"]["value"] == 1
    assert found["fields"]["video_desc"]["distance"]["changed"] == {
        "value": None,
        "low": None,
        "high": None,
        "of": 0,
        "median": None,
    }
    assert found["left_out"] == {"rejected": 1, "blind": 0}


def test_a_chinese_text_is_measured_in_characters() -> None:
    before = {**BEFORE, "facial_exp_desc": "一丝冷笑"}
    reviews = [review("1", "a", "correct", before=before, after={"facial_exp_desc": "一丝微笑"})]
    assert figures(latest(reviews))["texts"]["fields"]["facial_exp_desc"]["distance"]["all"]["value"] == 1 / 4


def test_a_judge_against_people_by_hand() -> None:
    reviews = [
        *(pair(f"right{n}", "a", "0") for n in range(3)),
        pair("wrong", "a", "1"),
        pair("tie", "a", "0", (4, 4)),
        pair("unscored", "a", "0", (5, None)),
        pair("same", "a", "same"),
        pair("none", "a", "none"),
        *(pair("disputed", who, better) for who, better in (("a", "0"), ("b", "1"))),
        review("rejected", "a", "reject", kind="pair", before={"scores": [5, 3]}, after={}),
    ]
    found = row(figures(latest(reviews))["judge"], "")
    assert (found["items"], found["equal"]["count"], found["equal"]["value"]) == (4, 3, 3 / 4)
    assert found["kappa"]["value"] == pytest.approx((3 / 4 - 1 / 2) / (1 - 1 / 2))
    # Of two answers each, its interval is that of the share, stretched to twice its width.
    assert found["kappa"]["low"] == pytest.approx(2 * found["equal"]["low"] - 1)
    left_out = {"judge ties": 1, "not judged": 1, "same": 1, "none": 1, "disputed": 1, "rejected": 1}
    assert found["left_out"] == left_out
    assert found["items"] + sum(left_out.values()) == len(latest(reviews))


def test_of_candidates_the_best_is_compared_with_each_other_one() -> None:
    """The first item: 4 above 1 and 2, a tie with 4. The second: 3 above 1 and 2, below 4. (2/2 + 2/3) / 2 = 5/6."""
    reviews = [pair("1", "a", "2", (1, 2, 4, 4)), pair("2", "a", "3", (1, 2, 4, 3))]
    found = row(figures(latest(reviews))["judge"], "")
    assert (found["items"], found["pairs"], found["ties"]) == (2, 6, 1)
    assert found["equal"]["value"] == pytest.approx(5 / 6)
    assert found["kappa"]["value"] == pytest.approx(2 * 5 / 6 - 1)


def test_what_has_no_score_is_compared_with_nothing() -> None:
    reviews = [pair("1", "a", "0", (5, None, 3)), pair("2", "a", "1", (5, None, 3))]
    found = row(figures(latest(reviews))["judge"], "")
    assert (found["items"], found["pairs"], found["left_out"]["not judged"]) == (1, 1, 1)


def test_people_who_choose_alike_agree_wherever_the_chosen_one_stands() -> None:
    """Of pairs whose chosen answer always stands first, agreement in 3 of 4 would be no more than chance by places."""
    reviews = [pair(str(n), who, "0") for n in range(40) for who in "ab"]
    for place in (0, 20, 40, 60):
        reviews[place] = replace(reviews[place], after={"better": "1"})
    found = row(figures(latest(reviews))["labels"], "better")
    assert found["equal"]["value"] == pytest.approx(36 / 40)
    assert found["kappa"]["value"] > 0.7  # 0.8 where both places come equally often; by the places in the file, 0


def test_stale_skipped_and_undecided_reviews_are_counted_and_left_out() -> None:
    reviews = [
        review("1", "a", "correct", after={"emotion": "sad"}, when="2025-01-01T00:00:00+00:00", of="old"),
        review("1", "b"),
        review("2", "a", "skip"),
        review("2", "b", None),
        review("3", "a"),
    ]
    items = figures(latest(reviews))["items"]
    assert items == {
        "decided": 2,
        "by_several": 0,
        "adjudicated": 0,
        "blind": 0,
        "sighted": 2,
        "undecided": 1,
        "other_records": 0,
        "stale_reviews": 1,
        "skipped_reviews": 1,
        "undecided_reviews": 1,
    }
    # Of given records: another text than what was reviewed, and records that are not there.
    items = figures(latest(reviews), {"1": "d0", "3": "new"})["items"]
    assert (items["decided"], items["stale_reviews"], items["other_records"]) == (1, 2, 1)


def test_no_name_is_in_it_unless_asked_for() -> None:
    found = latest(review(str(n), who) for n in range(3) for who in ("Anna-Maria", "Bo"))
    text = json.dumps(figures(found))
    assert "Anna" not in text
    assert '"reviewer 1"' in text
    assert [row["reviewer"] for row in figures(found, named=True)["reviewers"]] == ["Anna-Maria", "Bo"]


def test_nothing_decided_has_no_figures() -> None:
    found = figures(latest([review("1", "a", "skip")]))
    assert (found["labels"], found["model"], found["texts"], found["judge"]) == ([], [], {}, [])
    assert found["verdicts"]["accepted"] == {"value": None, "low": None, "high": None, "of": 0, "count": 0}


def test_it_reads_a_folder_of_reviews(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": str(n), "source": "meld", **BEFORE, "labels": {"emotion": "happy"}} for n in range(6)
    ]
    write_rows(tmp_path / "records.jsonl", rows)
    items = Items([tmp_path / "records.jsonl"])
    plan = load_plan(tmp_path / "reviews", items, {"sample": 4, "overlap": 2, "reviewers": ("anna", "bo")})
    for who in ("anna", "bo"):
        with ReviewLog(tmp_path / "reviews", who) as log:
            for name in plan.assigned(who):
                log.save(f"of {name}", items[name], 0, decision="accept", reason="", after=dict(items[name].values))
    found = read_figures(tmp_path / "reviews", {row["id"]: item_of(row, "").of for row in rows})
    assert (found["items"]["decided"], found["items"]["by_several"]) == (4, 2)
    expected = {"sample": 4, "seed": 0, "by": ("source", "consistency", "language")}
    assert found["plan"] == {**expected, "overlap": 2, "reviewers": 2, "drawn": 4}
    assert "anna" not in json.dumps(found)

"""pipeline/stages/review.py: what reviewers said in the rows, and which rows it drops."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.stage import Drop
from swift_saber.pipeline.stages.review import Review, notes
from swift_saber.review.items import item_of
from swift_saber.review.log import ReviewLog
from tests.llm_server import row

NOBODY = {"review": {"state": "not reviewed", "reviewers": 0}}
ROWS = [row(name, "en", consistency="inconsistent", cues=[]) for name in ("a", "b", "c", "d")]


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    return tmp_path / "reviews"


def say(reviews: Path, who: str, of: dict[str, Any], decision: str, reason: str = "", **edits: str) -> None:
    item = item_of(of, "r")
    with ReviewLog(reviews, who) as log:
        known = log.latest.get(item.id)
        after = {**item.values, **edits} if decision in ("accept", "correct") else {}
        revision = known.revision if known else 0
        log.save(f"{item.id} {revision}", item, revision, decision=decision, reason=reason, after=after)


def run(reviews: Path, **settings: Any) -> dict[str, Any]:
    """What becomes of each row, by its id."""
    stage, folder = Review(folder=str(reviews), **settings), reviews.parent / "review"
    if (news := stage.news(folder)) is not None:
        stage.keep(folder, news)
    found = list(stage.run(ROWS, folder, 0))
    return {(one.row if isinstance(one, Drop) else one)["id"]: one for one in found}


def test_rows_are_accepted_corrected_or_dropped_with_the_reasons(reviews: Path) -> None:
    say(reviews, "anna", ROWS[0], "accept")
    say(reviews, "anna", ROWS[1], "correct", facial_exp_desc="一丝冷笑。", emotion="contempt")
    say(reviews, "anna", ROWS[2], "reject", "two people speak")
    found = run(reviews)
    assert found["a"] == ROWS[0] | {"review": {"state": "accepted", "reviewers": 1}}
    assert found["b"]["facial_exp_desc"] == "一丝冷笑。" and found["b"]["labels"]["emotion"] == "contempt"
    assert found["b"]["review"] == {"state": "corrected", "reviewers": 1}
    assert found["c"] == Drop(ROWS[2], "rejected by reviewers", "two people speak")
    assert found["d"] == ROWS[3] | NOBODY, "what nobody looked at is as it was"


def test_what_reviewers_disagree_on_is_dropped_or_kept_as_it_was(reviews: Path) -> None:
    say(reviews, "anna", ROWS[0], "correct", emotion="sad", video_desc="A bar.")
    say(reviews, "bo", ROWS[0], "correct", emotion="happy", video_desc="A pub.")
    assert run(reviews)["a"] == Drop(ROWS[0], "reviewers disagree", "video_desc, emotion")
    mark = {"review": {"state": "disputed", "reviewers": 2}}
    assert run(reviews, disagreement="keep")["a"] == ROWS[0] | mark


def test_a_review_of_another_text_is_not_applied(reviews: Path) -> None:
    say(reviews, "anna", ROWS[0] | {"video_desc": "Another text."}, "reject", "wrong")
    assert run(reviews)["a"] == ROWS[0] | {"review": {"state": "stale", "reviewers": 0}}
    found = run(reviews, only_reviewed=True)
    assert found["a"] == Drop(ROWS[0], "not reviewed", "its text was another one then")
    assert found["b"] == Drop(ROWS[1], "not reviewed")


def test_who_reviewed_the_row_as_it_is_decides_beside_a_stale_review(reviews: Path) -> None:
    say(reviews, "anna", ROWS[0], "reject", "wrong")
    say(reviews, "bo", ROWS[0] | {"video_desc": "Another text."}, "accept")
    assert run(reviews)["a"] == Drop(ROWS[0], "rejected by reviewers", "wrong")


def test_a_clip_whose_consistency_is_taken_away_is_in_no_half_of_a_test_set(reviews: Path) -> None:
    say(reviews, "anna", ROWS[0], "correct", consistency="")
    assert run(reviews)["a"].reason == "no consistency label"


def test_a_folder_that_is_not_there_yet_changes_nothing(reviews: Path) -> None:
    assert list(run(reviews).values()) == [each | NOBODY for each in ROWS]
    (said,) = notes(reviews.parent / "review", Review(folder=str(reviews)).settings)
    assert f"nobody has reviewed anything in {reviews} yet" in said


def test_a_folder_that_is_gone_is_not_taken_for_no_reviews(reviews: Path) -> None:
    say(reviews, "anna", ROWS[0], "accept")
    run(reviews)
    reviews.rename(reviews.with_name("elsewhere"))
    with pytest.raises(InputError, match=r"review\.folder: .*reviews holds no reviews, and those of the last run were"):
        run(reviews)


def test_only_what_changes_a_verdict_is_news_and_no_name_is_kept(reviews: Path) -> None:
    folder = reviews.parent / "review"
    stage = Review(folder=str(reviews))
    say(reviews, "anna", ROWS[0], "accept", "sure")
    run(reviews)
    assert stage.news(folder) is None
    say(reviews, "anna", ROWS[0], "accept", "sure")  # once more
    say(reviews, "bo", ROWS[1], "skip")
    assert stage.news(folder) is None
    say(reviews, "bo", ROWS[1], "reject")
    assert [line["item"] for line in stage.news(folder) or ()] == ["a", "b"]
    run(reviews)
    text = (folder / "verdicts.jsonl").read_text()
    assert "anna" not in text and "bo" not in text.replace("body", "")


def test_a_mark_from_before_stays_where_nobody_says_anything(reviews: Path) -> None:
    before = ROWS[0] | {"review": {"state": "accepted", "reviewers": 3}}
    stage, folder = Review(folder=str(reviews)), reviews.parent / "review"
    stage.keep(folder, [])
    assert list(stage.run([before], folder, 0)) == [before]


def test_a_row_without_a_record_is_refused(reviews: Path) -> None:
    stage, folder = Review(folder=str(reviews)), reviews.parent / "review"
    stage.keep(folder, [])
    with pytest.raises(InputError, match="record: is missing"):
        list(stage.run([{"id": "a", "videos": ["a.mp4"]}], folder, 0))


def test_a_setting_that_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match=r"review\.disagreement: 'ask' is not known"):
        Review(disagreement="ask")

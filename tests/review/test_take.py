"""take.py: what was edited by hand, as reviews."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.review.items import Items
from swift_saber.review.log import ReviewLog, latest_reviews
from swift_saber.review.merge import verdict_of
from swift_saber.review.take import take
from tests.llm_server import row

ROWS = [row(name, "en", consistency="inconsistent", labels={"emotion": "angry", "arousal": 2}) for name in "abc"]


class World:
    """Files of rows, and what is taken of an edited one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, rows: list[dict[str, Any]]) -> Path:
        path = self.folder / name
        write_rows(path, rows)
        return path

    def take(
        self, *rows: dict[str, Any], shown: list[dict[str, Any]] = ROWS, removed: bool | None = False
    ) -> dict[str, int]:
        """The counts that are not 0."""
        reviewed, before = Items([self.file("reviewed.jsonl", ROWS)]), Items([self.file("shown.jsonl", shown)])
        edited = self.file("edited.jsonl", list(rows))
        found = take(edited, before, reviewed, self.folder / "reviews", "by-hand", removed_are_rejected=removed)
        return {name: count for name, count in found.items() if count}

    def said(self) -> dict[str, tuple[Any, dict[str, str]]]:
        """The decision and the edits on each item."""
        latest = latest_reviews(self.folder / "reviews")
        return {item: (of["by-hand"].decision, of["by-hand"].edits()) for item, of in latest.items()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_was_edited_is_a_review_with_before_and_after_and_decides(world: World) -> None:
    audio = {**ROWS[1]["audio_desc"], "acoustic_feat": "A warm voice."}
    edited = ROWS[1] | {"video_desc": "一间厨房。", "audio_desc": audio, "labels": {"emotion": "sad", "arousal": 2}}
    assert world.take(ROWS[0], edited, ROWS[2]) == {"unchanged": 2, "taken": 1}
    edits = {"video_desc": "一间厨房。", "acoustic_feat": "A warm voice.", "emotion": "sad"}
    assert world.said() == {"b": ("correct", edits)}
    review = latest_reviews(world.folder / "reviews")["b"]["by-hand"]
    assert review.adjudicates and review.before["emotion"] == "angry"


def test_twice_is_as_good_as_once_and_a_second_edit_follows_the_first(world: World) -> None:
    edited = ROWS[1] | {"video_desc": "A bar."}
    world.take(ROWS[0], edited, ROWS[2])
    assert world.take(ROWS[0], edited, ROWS[2]) == {"unchanged": 2, "taken before": 1}
    assert world.take(ROWS[0], edited | {"video_desc": "A pub."}, ROWS[2]) == {"unchanged": 2, "taken": 1}
    assert world.said()["b"] == ("correct", {"video_desc": "A pub."})


def test_removed_rows_are_counted_and_rejected_on_request(world: World) -> None:
    assert world.take(ROWS[0], ROWS[1]) == {"unchanged": 2, "removed": 1}
    assert not list((world.folder / "reviews").glob("*"))
    assert world.take(ROWS[0], ROWS[1], removed=None) == {"unchanged": 2}
    world.take(ROWS[0], ROWS[1], removed=True)
    world.take(ROWS[0], ROWS[1], removed=True)
    assert world.said() == {"c": ("reject", {})}
    assert latest_reviews(world.folder / "reviews")["c"]["by-hand"].revision == 1


def test_rows_of_the_other_part_are_not_missed(world: World) -> None:
    shown = [each | {"part": part} for each, part in zip(ROWS, ("train", "train", "test"), strict=True)]
    assert world.take(ROWS[0], shown=shown, removed=True) == {"unchanged": 1, "removed": 1}
    assert world.said().keys() == {"b"}


def test_what_no_review_can_say_is_counted(world: World) -> None:
    moved = ROWS[0] | {"videos": ["/elsewhere.mp4"]}
    calmer = ROWS[1] | {"labels": {"emotion": "angry", "arousal": 1}}
    new = ROWS[0] | {"id": "new"}
    assert world.take(moved, calmer, ROWS[2], new) == {"unchanged": 3, "added": 1, "changed otherwise": 2}


def test_an_edit_of_a_row_that_reviewers_corrected_keeps_their_corrections(world: World) -> None:
    mark = {"review": {"state": "corrected", "reviewers": 2}}
    corrected = ROWS[1] | {"facial_exp_desc": "A thin smile."} | mark
    shown = [ROWS[0], corrected, ROWS[2]]
    assert world.take(corrected | {"video_desc": "A bar."}, shown=shown)["taken"] == 1
    assert world.said()["b"] == ("correct", {"video_desc": "A bar.", "facial_exp_desc": "A thin smile."})
    # Taken back: it is the text that was reviewed.
    assert world.take(ROWS[1] | mark, shown=shown)["taken"] == 1
    assert world.said()["b"] == ("accept", {})


def test_a_row_from_before_the_reviews_takes_none_of_their_corrections_back(world: World) -> None:
    mark = {"review": {"state": "corrected", "reviewers": 2}}
    shown = [ROWS[0], ROWS[1] | {"facial_exp_desc": "A thin smile."} | mark, ROWS[2]]
    early = {name: value for name, value in ROWS[1].items() if name != "consistency"}
    assert world.take(early, shown=shown, removed=None) == {"unchanged": 1}
    assert world.take(early | {"video_desc": "A bar."}, shown=shown, removed=None) == {"taken": 1}
    assert world.said()["b"] == ("correct", {"video_desc": "A bar."})


def test_an_emotion_that_only_follows_from_another_text_is_no_edit_of_a_label(world: World) -> None:
    bare = [{name: value for name, value in ROWS[0].items() if name != "labels"}]
    reviewed = Items([world.file("r.jsonl", bare)])
    edited = world.file("e.jsonl", [bare[0] | {"sentiment_analysis": "The speaker is happy."}])
    take(edited, reviewed, reviewed, world.folder / "reviews", "by-hand", removed_are_rejected=False)
    assert world.said()["a"] == ("correct", {"sentiment_analysis": "The speaker is happy."})


def test_pairs_are_not_edited(world: World) -> None:
    pairs = Items([world.file("p.jsonl", [{"id": "p", "response": "good", "rejected_response": "bad"}])])
    with pytest.raises(InputError, match="which answer is better is not to be edited"):
        take(world.folder / "p.jsonl", pairs, pairs, world.folder / "reviews", "x", removed_are_rejected=False)


def test_an_edit_that_is_undone_and_a_row_that_comes_back_are_taken_back(world: World) -> None:
    with ReviewLog(world.folder / "reviews", "anna") as log:
        item = Items([world.file("r.jsonl", ROWS)])["c"]
        log.save("n1", item, 0, decision="correct", reason="", after={**item.values, "emotion": "sad"})
    world.take(ROWS[0], ROWS[1] | {"video_desc": "A bar."}, removed=True)
    assert world.take(*ROWS) == {"unchanged": 1, "taken back": 2}
    latest = latest_reviews(world.folder / "reviews")
    assert {name: verdict_of(name, of).state for name, of in latest.items()} == {"b": "open", "c": "corrected"}
    assert world.take(*ROWS) == {"unchanged": 3}


def test_corrections_that_were_removed_and_are_there_again_stand(world: World) -> None:
    corrected = ROWS[1] | {"facial_exp_desc": "A thin smile.", "review": {"state": "corrected", "reviewers": 2}}
    shown = [ROWS[0], corrected, ROWS[2]]
    assert world.take(corrected | {"facial_exp_desc": ROWS[1]["facial_exp_desc"]}, shown=shown)["taken"] == 1
    assert world.take(corrected, shown=shown)["taken back"] == 1
    assert world.said()["b"][0] == "skip"


def test_what_a_reviewer_of_the_same_name_said_on_the_page_is_not_taken_back(world: World) -> None:
    item = Items([world.file("r.jsonl", ROWS)])["c"]
    with ReviewLog(world.folder / "reviews", "by-hand", adjudicates=True) as log:
        log.save("n1", item, 0, decision="correct", reason="", after={**item.values, "emotion": "sad"})
    assert world.take(*ROWS) == {"unchanged": 3}


def test_an_edit_that_a_run_has_put_in_meanwhile_is_not_undone(world: World) -> None:
    bare = {name: value for name, value in ROWS[1].items() if name != "labels"}
    edited = bare | {"sentiment_analysis": "The speaker is happy."}  # with which goes what it concludes
    files = [world.file(f"{name}.jsonl", [each]) for name, each in (("r", bare), ("e", edited))]
    marked = world.file("m.jsonl", [edited | {"review": {"state": "corrected", "reviewers": 1}}])
    reviews = world.folder / "reviews"
    take(files[1], Items(files[:1]), Items(files[:1]), reviews, "by-hand", removed_are_rejected=False)
    found = take(marked, Items([marked]), Items(files[:1]), reviews, "by-hand", removed_are_rejected=False)
    assert found["unchanged"] == 1


def test_a_key_that_is_gone_is_no_unchanged_row(world: World) -> None:
    for name in ("consistency", "video_desc", "source"):
        gone = {key: value for key, value in ROWS[0].items() if key != name}
        assert world.take(gone, *ROWS[1:]) == {"unchanged": 3, "changed otherwise": 1}
        assert world.take(gone, removed=None) == {"unchanged": 1}, "an earlier stage's file"


def test_nothing_is_taken_of_a_file_with_a_row_twice_or_a_wrong_one_behind(world: World) -> None:
    edited = ROWS[0] | {"video_desc": "A bar."}
    with pytest.raises(InputError, match=r"edited.jsonl:2: id: 'a' is there twice"):
        world.take(edited, ROWS[0])
    with pytest.raises(InputError, match=r"edited.jsonl:2: video_desc: is 5"):
        world.take(edited, ROWS[1] | {"video_desc": 5})
    assert not list((world.folder / "reviews").glob("*"))
    with pytest.raises(InputError, match=r"edited.jsonl:1: language: is 'fr'; send one of zh, en"):
        world.take(ROWS[0] | {"language": "fr"})


def test_half_a_character_is_taken_as_a_question_mark(world: World) -> None:
    world.take(ROWS[0] | {"video_desc": "A bar\ud83d", "labels": {"emotion": "sad\ud83d", "arousal": 2}}, *ROWS[1:])
    assert world.said()["a"] == ("correct", {"video_desc": "A bar?", "emotion": "sad?"})


def test_a_row_of_another_time_takes_back_nothing_that_reviewers_said_since(world: World) -> None:
    """The dataset of a run that went on until the stage `review`; or of a source that had been merged before."""
    shown = [{**ROWS[0], "facial_exp_desc": "A thin smile.", "review": {"state": "corrected", "reviewers": 1}}]
    early = ROWS[0] | {"review": {"state": "not reviewed", "reviewers": 0}}
    assert world.take(early, shown=shown) == {"unchanged": 1}
    assert world.take(early | {"video_desc": "A bar."}, shown=shown) == {"taken": 1}
    assert world.said()["a"] == ("correct", {"video_desc": "A bar."})

"""log.py: no saved review is lost, doubled or mixed with another."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.review.items import Item, item_of
from swift_saber.review.log import (
    ReviewLog,
    StaleError,
    latest_reviews,
    log_path,
    read_reviews,
    review_of,
    reviews_by_text,
)
from tests.review.test_items import RECORD

ITEM = item_of(RECORD, "r:1")
PAIR = item_of({"id": "p", "response": "good", "rejected_response": "bad"}, "p:1")


def save(log: ReviewLog, name: str, revision: int = 0, item: Item = ITEM, **said: object) -> None:
    log.save(name, item, revision, **{"decision": "accept", "reason": "", "after": dict(item.values), **said})


def test_a_review_says_who_when_before_and_after(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1", decision="correct", after={**ITEM.values, "facial_exp_desc": "一丝冷笑。"})
    [review] = read_reviews(tmp_path)
    assert (review.item, review.reviewer, review.revision, review.of) == ("a", "anna", 1, ITEM.of)
    assert review.before == ITEM.values
    assert review.edits() == {"facial_exp_desc": "一丝冷笑。"}
    assert review.when.endswith("+00:00")


def test_the_last_line_of_each_reviewer_counts_and_all_stay(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1")
        save(log, "n2", 1, decision="reject", reason="no face", after={})
    with ReviewLog(tmp_path, "bo") as log:
        save(log, "n1")
    assert len(list(read_reviews(tmp_path))) == 3
    latest = latest_reviews(tmp_path)["a"]
    assert {name: review.decision for name, review in latest.items()} == {"anna": "reject", "bo": "accept"}


def test_a_save_that_is_sent_twice_is_there_once(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1")
        save(log, "n1")
    assert len(list(read_reviews(tmp_path))) == 1


def test_a_stale_page_saves_nothing_and_learns_what_is_there(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1", decision="reject", after={})
        with pytest.raises(StaleError) as error:
            save(log, "n2", 0)
        assert error.value.latest.decision == "reject"
    assert len(list(read_reviews(tmp_path))) == 1


def test_a_log_goes_on_where_it_was(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1", decision=None)
    with ReviewLog(tmp_path, "anna") as log:
        assert log.latest["a"].decision is None
        save(log, "n2", 1)
    assert [review.revision for review in read_reviews(tmp_path)] == [1, 2]


def test_one_process_at_a_time_writes_a_reviewers_log(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna"), pytest.raises(InputError, match="another run is writing it"):
        ReviewLog(tmp_path, "anna").__enter__()
    with ReviewLog(tmp_path, "anna"):
        pass  # given back


def test_a_line_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1")
        with log.path.open("ab") as file:
            file.write(b'{"id": "n2", "it')
        assert [review.id for review in read_reviews(tmp_path)] == ["n1"]


_SAVES = """
import sys
from swift_saber.review.log import ReviewLog
from tests.review.test_log import ITEM, save
with ReviewLog(sys.argv[1], "anna") as log:
    for number in range(100000):
        save(log, f"n{number}", number)
        print(number, flush=True)
"""


def test_what_was_said_to_be_saved_is_there_after_a_kill(tmp_path: Path) -> None:
    for round_ in range(5):
        folder = tmp_path / str(round_)
        with subprocess.Popen([sys.executable, "-c", _SAVES, str(folder)], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout
            said = [next(child.stdout) for _ in range(1 + 3 * round_)]
            os.kill(child.pid, signal.SIGKILL)
            said += list(child.stdout)
        with ReviewLog(folder, "anna") as log:
            found = list(read_reviews(folder))
            assert [review.id for review in found] == [f"n{number}" for number in range(len(found))]
            assert len(said) <= len(found) <= len(said) + 1  # one may have been saved and not said
            save(log, "after", len(found))


def test_a_full_disk_says_so_and_what_was_saved_stays(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1")
        size = log.path.stat().st_size
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("swift_saber.data.log.os.write", _full)
            with pytest.raises(InputError, match="cannot be written: No space left on device"):
                save(log, "n2", 1)
        assert log.path.stat().st_size == size
        assert log.latest["a"].revision == 1
        save(log, "n2", 1)


def _full(*_: object) -> int:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("better", ["0", "1", "same", "none"])
def test_which_answer_is_better(tmp_path: Path, better: str) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1", item=PAIR, decision="better", after={"better": better}, reason="hears the voice")
    [review] = read_reviews(tmp_path)
    assert (review.after, review.before) == ({"better": better}, {"scores": [None, None]})


@pytest.mark.parametrize(
    ("item", "said", "wrong"),
    [
        (ITEM, {"decision": "better"}, "decision"),
        (ITEM, {"after": {"score": "5"}}, "score"),
        (ITEM, {"after": {"consistency": "maybe"}}, "consistency"),
        (PAIR, {"decision": "better", "after": {"better": "2"}}, "better"),
        (PAIR, {"decision": "better", "after": {}}, "better"),
        (PAIR, {"decision": "accept", "after": {}}, "decision"),
    ],
)
def test_what_cannot_be_said_of_an_item_is_refused(tmp_path: Path, item: Item, said: dict, wrong: str) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        with pytest.raises(InputError, match=wrong):
            save(log, "n1", item=item, **said)
        assert not log.latest


@pytest.mark.parametrize("name", ["", "../anna", "a/b", ".hidden", "a" * 41, "a b", "a\n"])
def test_a_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is no name"):
        log_path(tmp_path, name)


def test_a_name_may_be_in_chinese(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "王芳") as log:
        save(log, "n1")
    assert list(latest_reviews(tmp_path)["a"]) == ["王芳"]


def test_a_blind_reviewer_has_given_all_that_is_there(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna", blind=True) as log:
        save(log, "n1", decision="correct", after={"emotion": ITEM.values["emotion"]})
    [review] = read_reviews(tmp_path)
    assert review.edits() == {"emotion": "angry"}
    assert dataclasses.replace(review, blind=False).edits() == {}


def test_lines_that_an_editor_has_saved_are_read_all_the_same(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1")
        save(log, "n2", item=PAIR, decision="better", after={"better": "1"})
    path = log_path(tmp_path, "anna")
    ours = path.read_bytes()
    for edited in (ours.rstrip(b"\n"), ours + b"\n", ours.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + ours):
        path.write_bytes(edited)
        assert latest_reviews(tmp_path).keys() == {"a", "p"}


def test_a_damaged_line_is_named_with_what_to_do(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1")
    path = log_path(tmp_path, "anna")
    path.write_bytes(b'{"id": "n0", "it\n' + path.read_bytes())
    with pytest.raises(InputError, match=r"anna.reviews.jsonl:1: .*; remove the line, the others are whole"):
        latest_reviews(tmp_path)


def test_of_two_files_of_one_reviewer_the_newer_line_counts(tmp_path: Path) -> None:
    for folder, decision in (("laptop", "reject"), ("desktop", "accept")):
        with ReviewLog(tmp_path / folder, "anna") as log:
            save(log, folder, decision=decision)
    older = log_path(tmp_path / "laptop", "anna").read_text().replace('"when": "2', '"when": "1')
    both = tmp_path / "both"
    both.mkdir()
    log_path(tmp_path / "desktop", "anna").rename(log_path(both, "anna"))
    for name in ("anna-laptop", "anna_laptop"):  # one before it by name, one behind it
        log_path(both, name).write_text(older)
        assert {name: of.decision for name, of in latest_reviews(both)["a"].items()} == {"anna": "accept"}
        log_path(both, name).unlink()


def test_a_clock_that_goes_back_changes_nothing_in_one_file(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1", decision="reject")
        save(log, "n2", 1)
    path = log_path(tmp_path, "anna")
    first, last = path.read_text().splitlines()
    path.write_text(first.replace('"when": "2', '"when": "3') + "\n" + last + "\n")
    assert latest_reviews(tmp_path)["a"]["anna"].decision == "accept"


def test_a_review_of_another_text_takes_no_word_back_of_this_one(tmp_path: Path) -> None:
    other = item_of({**RECORD, "video_desc": "A bar."}, "o:1")
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1", decision="reject")
        save(log, "n2", 1, item=other)
        save(log, "n3", 2, item=other, decision="skip")
    assert latest_reviews(tmp_path)["a"]["anna"].decision == "skip"
    assert latest_reviews(tmp_path, {"a": ITEM.of})["a"]["anna"].decision == "reject"
    assert latest_reviews(tmp_path, {"a": "0123"})["a"]["anna"].decision == "skip"
    texts = reviews_by_text(tmp_path)["a"]
    assert {of: said["anna"].decision for of, said in texts.items()} == {ITEM.of: "reject", other.of: "skip"}


def test_a_file_that_got_another_name_is_not_written_on(tmp_path: Path) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1")
    log_path(tmp_path, "anna").rename(log_path(tmp_path, "bo"))
    assert latest_reviews(tmp_path)["a"].keys() == {"anna"}
    with pytest.raises(InputError, match=r"bo.reviews.jsonl.*holds reviews of anna.*rename .*anna.reviews.jsonl"):
        ReviewLog(tmp_path, "bo").__enter__()


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("after", {"video_desc": 5}),
        ("after", {"consistency": "maybe"}),
        ("after", {"language": "fr"}),
        ("before", {"video_desc": None}),
    ],
)
def test_a_line_that_somebody_has_changed_to_what_cannot_be_said_is_named(
    tmp_path: Path, name: str, wrong: dict
) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1", decision="correct")
    [review] = read_reviews(tmp_path)
    line = dataclasses.asdict(review)
    with pytest.raises(InputError, match=f"x:1: {name}.*is no line of a review"):
        review_of({**line, name: {**line[name], **wrong}}, "x:1")


@pytest.mark.parametrize(
    "wrong",
    [
        {"after": {"better": "2"}},
        {"after": {"better": "²"}},
        {"after": {}},
        {"before": {}},
        {"before": {"scores": ["1", 2]}},
    ],
)
def test_a_line_with_a_choice_that_is_not_there_is_named(tmp_path: Path, wrong: dict) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1", item=PAIR, decision="better", after={"better": "1"})
    [review] = read_reviews(tmp_path)
    line = dataclasses.asdict(review)
    assert review_of(line, "x:1") == review
    with pytest.raises(InputError, match="x:1: .*is no line of a review"):
        review_of({**line, **wrong}, "x:1")


@pytest.mark.parametrize("name", ["anna.reviews (1).jsonl", "anna.reviews (conflicted copy).jsonl"])
def test_a_copy_that_a_browser_or_a_shared_folder_renamed_is_read(tmp_path: Path, name: str) -> None:
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1")
    log_path(tmp_path, "anna").rename(tmp_path / name)
    with ReviewLog(tmp_path, "anna") as log:
        save(log, "n1", item=PAIR, decision="better", after={"better": "1"})
    assert latest_reviews(tmp_path).keys() == {"a", "p"}

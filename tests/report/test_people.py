"""report/people.py: what people said of a clip stands beside it, without their names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.report.page import write_page
from swift_saber.report.people import read_people, word_changes
from swift_saber.report.results import read_results
from swift_saber.review.items import Items
from swift_saber.review.log import ReviewLog
from tests.report.browser import Browser, needs_chromium
from tests.report.made import FIELDS, reference
from tests.report.test_page import EVIL


@pytest.mark.parametrize(
    ("before", "after", "pieces"),
    [
        ("The face smiles.", "The face frowns.", [("=", "The face "), ("-", "smiles"), ("+", "frowns"), ("=", ".")]),
        ("她面带笑容。", "她面带怒容。", [("=", "她面带"), ("-", "笑"), ("+", "怒"), ("=", "容。")]),
        ("It's a_b, 笑 1.5!", "It's a_b, 笑 1.5!", [("=", "It's a_b, 笑 1.5!")]),
        ("", "new", [("+", "new")]),
        ("old", "", [("-", "old")]),
        ("same", "same", [("=", "same")]),
    ],
)
def test_the_words_that_changed_are_told_from_those_that_stayed(
    before: str, after: str, pieces: list[tuple[str, str]]
) -> None:
    assert word_changes(before, after) == pieces


def test_of_a_very_long_text_all_has_changed() -> None:
    assert word_changes("a " * 5000, "b") == [("-", "a " * 5000), ("+", "b")]


def reviewed(folder: Path) -> tuple[Path, Path]:
    """Records and the reviews of two people: a accepted, b corrected by one, c rejected by one of two, d not seen."""
    records = folder / "records.jsonl"
    write_rows(records, [reference(name) for name in "abcd"])
    items = Items([records])
    for person in ("alice", "bob"):
        with ReviewLog(folder / "reviews", person) as log:
            log.save(f"{person}1", items["a"], 0, decision="accept", reason="", after=items["a"].values)
            reason = EVIL if person == "bob" else ""
            decision = "reject" if person == "bob" else "accept"
            log.save(f"{person}2", items["c"], 0, decision=decision, reason=reason, after=items["c"].values)
            if person == "bob":
                after = {**items["b"].values, "facial_exp_desc": "She frowns at the camera.", "emotion": "sad"}
                log.save("bob3", items["b"], 0, decision="correct", reason="look again", after=after)
    return records, folder / "reviews"


def test_people_are_numbers(tmp_path: Path) -> None:
    _, reviews = reviewed(tmp_path)
    found = read_people(reviews)
    assert {item: said["state"] for item, said in found.items()} == {"a": "accepted", "b": "corrected", "c": "disputed"}
    [voice] = found["b"]["voices"]
    assert (voice["number"], voice["decision"], voice["reason"]) == ("1", "correct", "look again")
    changes = dict(voice["changes"])
    assert changes.keys() == {"facial_exp_desc", "emotion"}
    kept = "".join(text for sign, text in changes["facial_exp_desc"] if sign != "+")
    assert kept == FIELDS["facial_exp_desc"]
    assert sorted(voice["decision"] for voice in found["c"]["voices"]) == ["accept", "reject"]
    assert not [name for name in ("alice", "bob") if name in str(found)]


def test_reviews_of_other_clips_are_refused(tmp_path: Path) -> None:
    records, reviews = reviewed(tmp_path)
    people = read_people(reviews)
    counts = write_page(tmp_path / "p.html", read_results(records), people=people)
    assert counts["reviewed"] == 3
    assert "alice" not in (tmp_path / "p.html").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="none of them is of a clip of these results"):
        write_page(tmp_path / "q.html", read_results(records), people={"z": people["a"]})


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as one:
        one.look(1280)
        yield one


@needs_chromium
def test_what_people_said_stands_beside_the_clip(browser: Browser, tmp_path: Path) -> None:
    records, reviews = reviewed(tmp_path)
    write_page(tmp_path / "p.html", read_results(records), people=read_people(reviews))
    browser.open(tmp_path / "p.html", "#clip=b")
    assert "person 1 corrects" in browser.texts(".people")[0]
    assert (browser.texts(".people del"), browser.texts(".people ins")) == (
        ["smiles broadly", "sarcastic"],
        ["frowns", "sad"],
    )
    browser.press("j")
    assert EVIL in browser.value("document.querySelector('.people').textContent")
    assert browser.value("document.title") == "SABER · answers and scores"
    browser.press("t")
    states = browser.value("[...document.querySelectorAll('.row')].map(row => row.innerText.split('\\n').join(' '))")
    assert [word in row for word, row in zip(("accepted", "corrected", "disputed", "–"), states, strict=True)] == [
        True
    ] * 4
    browser.value("document.querySelector('[data-name=reviewed]').click()")
    assert browser.value("document.querySelectorAll('.row').length") == 3
    assert browser.faults() == []

"""The table of clips: what stands in a row, sorting by any column, thousands of rows, and what leaves as CSV."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.report.page import write_page
from swift_saber.report.records import read_references
from swift_saber.report.results import read_results
from tests.report.browser import Browser, needs_chromium
from tests.report.made import FIELDS, answer, clashing, item, record, reference, reject, write_answers, write_evaluation
from tests.report.test_page import EVIL, hostile

pytestmark = needs_chromium
ROWS = "[...document.querySelectorAll('.row')].map(row => [...row.children].map(cell => cell.innerText))"
HEADS = "[...document.querySelectorAll('.head')].map(each => each.innerText.replaceAll('\\n', ' ').trim())"
SORTS = "[...document.querySelectorAll('.head')].map(each => each.getAttribute('aria-sort'))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as one:
        one.look(1400)
        yield one


@pytest.fixture(autouse=True)
def nothing_went_wrong(browser: Browser) -> Iterator[None]:
    yield
    assert browser.faults() == []
    assert {address.partition(":")[0] for address in browser.asked()} <= {"file", "about", "blob"}


def page_of(folder: Path, *results: Path, references: list[dict[str, Any]] | None = None) -> Path:
    found = None
    if references:
        write_rows(folder / "r.jsonl", references)
        found = read_references(folder / "r.jsonl")
    write_page(folder / "report.html", [result for each in results for result in read_results(each)], found)
    return folder / "report.html"


def ids(browser: Browser) -> list[str]:
    return [row[0] for row in browser.value(ROWS)]


def head(browser: Browser, name: str) -> None:
    """Click a column's head."""
    at = browser.value(HEADS).index(name)
    browser.value(f"document.querySelectorAll('.head button')[{at}].click()")


def labelled(name: str, emotion: str, **more: Any) -> dict[str, Any]:
    return reference(name, labels={"emotion": emotion}, **more)


def test_a_row_has_truth_reading_verdict_scores_and_length(browser: Browser, tmp_path: Path) -> None:
    rows = [answer("a", seconds=2.5, videos=["a.mp4"]), answer("b", "I cannot see it."), answer("c")]
    references = [clashing("a", labels={"emotion": "sarcastic"}), labelled("b", "sad"), labelled("d", "sad")]
    page = page_of(tmp_path, write_answers(tmp_path / "out.jsonl", rows, [reject("d")]), references=references)
    browser.open(page, "#view=table")
    assert browser.value(HEADS) == ["id", "truth", "read", "verdict", "consistency", "conflict", "length, s"]
    assert browser.value(ROWS) == [
        ["a", "sarcastic", "sarcastic", "right", "inconsistent", "yes", "2.50"],
        ["b", "sad", "–", "invalid", "consistent", "–", "–"],
        ["c", "–", "sarcastic", "no reference", "–", "yes", "–"],
        ["d", "sad", "–", "reject", "consistent", "–", "–"],
    ]


def test_of_two_models_each_has_its_columns(browser: Browser, tmp_path: Path) -> None:
    one = write_evaluation(tmp_path / "ours", [item("a"), item("b", prediction="sad")])
    two = write_evaluation(tmp_path / "base", [item("a", scores={"accuracy": 1.0, "bleu": 0.25})])
    browser.open(page_of(tmp_path, one, two), "#view=table")
    heads = ["id", "truth", "A read", "B read", "A verdict", "B verdict", "A accuracy", "B accuracy", "B bleu", "group"]
    assert browser.value(HEADS) == heads
    assert browser.value(ROWS) == [
        ["a", "happy", "happy", "happy", "right", "right", "1", "1", "0.250", "MELD"],
        ["b", "happy", "sad", "–", "wrong", "not asked", "0", "–", "–", "MELD"],
    ]


def test_every_column_sorts_up_down_and_back(browser: Browser, tmp_path: Path) -> None:
    scores = {"c10": 0.5, "c9": None, "c1": -2.0}
    items = [item(name, scores={"bleu": score}) for name, score in scores.items()]
    browser.open(page_of(tmp_path, write_evaluation(tmp_path / "e", items)), "#view=table")
    assert browser.value(SORTS)[0] == "none"
    head(browser, "id")
    assert (ids(browser), browser.value(SORTS)[0]) == (["c1", "c9", "c10"], "ascending")  # numbers in names as numbers
    head(browser, "id ▲")
    assert (ids(browser), browser.value(SORTS)[0]) == (["c10", "c9", "c1"], "descending")
    head(browser, "id ▼")
    assert (ids(browser), browser.value(SORTS)[0]) == (["c10", "c9", "c1"], "none")
    head(browser, "bleu")
    assert ids(browser) == ["c1", "c10", "c9"]  # what is not known comes last
    head(browser, "bleu ▲")
    assert ids(browser) == ["c10", "c1", "c9"]
    kept = browser.value("location.hash")
    browser.open(tmp_path / "report.html", kept)
    assert ids(browser) == ["c10", "c1", "c9"]
    # The list beside the clips has the same order.
    browser.press("c")
    assert browser.texts(".line .first") == ["c10", "c1", "c9"]


def test_verdicts_sort_by_what_they_are_and_not_by_the_alphabet(browser: Browser, tmp_path: Path) -> None:
    items = [
        item("none", prediction=None, state="missing"),
        item("wrong", prediction="sad"),
        item("invalid", prediction=None, state="invalid"),
        item("right"),
    ]
    browser.open(page_of(tmp_path, write_evaluation(tmp_path / "e", items)), "#view=table")
    head(browser, "verdict")
    assert ids(browser) == ["right", "wrong", "invalid", "none"]


def test_the_table_is_used_by_keys_alone(browser: Browser, tmp_path: Path) -> None:
    browser.open(page_of(tmp_path, write_answers(tmp_path / "out.jsonl", [answer(name) for name in "cab"])))
    browser.press("t")
    assert browser.value("document.getElementById('table').hidden") is False
    # A head is a button: it is reached by Tab and pressed by Enter or the space bar.
    browser.value("document.querySelector('.head button').focus()")
    browser.value("document.activeElement.click()")
    assert ids(browser) == ["a", "b", "c"]
    assert browser.value("document.activeElement.innerText") == "id ▲"  # and the focus stays
    browser.value("document.getElementById('grid').focus()")
    assert browser.texts(".row.chosen .cell:first-child") == ["c"]  # as before it was sorted
    browser.press("ArrowUp")
    assert browser.texts(".row.chosen .cell:first-child") == ["b"]
    chosen = browser.value(
        "document.getElementById(document.getElementById('grid').getAttribute('aria-activedescendant'))"
    )
    assert chosen is not None
    browser.press("Enter")
    assert browser.texts("#clip h2") == ["b"]
    browser.press("t", "k", "k", "k")
    assert browser.texts(".row.chosen .cell:first-child") == ["a"]


def test_filters_and_search_are_those_of_the_list_and_a_click_opens_the_clip(browser: Browser, tmp_path: Path) -> None:
    items = [item("right"), item("wrong", prediction="sad"), item("worse", prediction="sad")]
    browser.open(page_of(tmp_path, write_evaluation(tmp_path / "e", items)), "#view=table")
    browser.press("w")
    assert ids(browser) == ["wrong", "worse"]
    browser.press("/", *"WORSE")
    browser.wait("document.querySelectorAll('.row').length === 1")
    browser.press("Escape")
    assert browser.value("document.activeElement.id") == "grid"
    browser.value("document.querySelector('.row .cell').click()")
    assert browser.texts("#clip h2") == ["worse"]
    assert browser.texts(".line .first") == ["worse"]
    browser.press("t", "/", *"nowhere")
    browser.wait("!document.querySelector('.row')")
    assert browser.texts("#rows") == ["No clip passes these filters."]
    assert browser.value("document.querySelector('#rows .none').getBoundingClientRect().top > by('heads').offsetHeight")


def test_20000_clips_are_sorted_and_only_those_in_sight_are_drawn(browser: Browser, tmp_path: Path) -> None:
    rows = [answer(f"clip{number}", "Happy.", seconds=(number * 7919) % 20000 / 10) for number in range(20_000)]
    browser.open(page_of(tmp_path, write_answers(tmp_path / "out.jsonl", rows)), "#view=table")
    drawn = "document.querySelectorAll('.row').length"
    assert browser.value(drawn) < 60
    head(browser, "length, s")
    # 7919 and 20000 have no common divisor: each length is there once, 0 is the least, 1999.9 the most
    lengths = [float(row[-1]) for row in browser.value(ROWS)]
    assert lengths == [number / 10 for number in range(len(lengths))]
    browser.value("document.getElementById('grid').scrollTop = 1e9")
    browser.wait("[...document.querySelectorAll('.row')].some(each => each.lastChild.innerText === '1999.9')")
    assert browser.value(drawn) < 60


def saved(browser: Browser, folder: Path) -> str:
    """The file that the page's button saves."""
    folder.mkdir()
    browser.save_to(folder)
    browser.value("document.getElementById('csv').click()")
    for _ in range(200):
        if (folder / "clips.csv").exists():
            break
        browser.value("new Promise(done => setTimeout(done, 50))")
    return (folder / "clips.csv").read_bytes().decode("utf-8")


def test_what_is_shown_is_saved_as_csv_from_a_page_on_disk(browser: Browser, tmp_path: Path) -> None:
    rows = [answer('a, "quoted"\nin two lines', seconds=0.1 + 0.2), answer("片段"), answer("left out", "Nothing.")]
    references = [labelled("片段", "sarcastic"), labelled('a, "quoted"\nin two lines', "sad")]
    page = page_of(tmp_path, write_answers(tmp_path / "out.jsonl", rows), references=references)
    browser.open(page, "#view=table&only=conflict&sort=verdict0")
    text = saved(browser, tmp_path / "saved")
    assert text.startswith("\ufeff")  # by which Excel knows UTF-8
    table = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert table == [
        ["id", "truth", "read", "verdict", "consistency", "conflict", "length, s"],
        ["片段", "sarcastic", "sarcastic", "right", "consistent", "yes", ""],
        ['a, "quoted"\nin two lines', "sad", "sarcastic", "wrong", "consistent", "yes", "0.30000000000000004"],
    ]


@pytest.mark.parametrize("evil", ["=HYPERLINK(A1)", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "＝1"])
def test_no_cell_of_the_csv_is_a_formula(browser: Browser, tmp_path: Path, evil: str) -> None:
    items = [item(evil, truth=evil, prediction=evil, group=evil, scores={evil: -0.5})]
    browser.open(page_of(tmp_path, write_evaluation(tmp_path / "e", items)), "#view=table")
    head, row = csv.reader(io.StringIO(browser.value("csv()").removeprefix("\ufeff"), newline=""))
    assert [cell for cell in (*head, *row) if cell.startswith(evil[0]) and cell != "-0.5"] == []
    assert row[0] == f"'{evil}"
    assert "-0.5" in row  # a number stays one


def test_no_cell_of_the_csv_ends_it(browser: Browser, tmp_path: Path) -> None:
    rows = [answer("a\0b", seconds={"not": "a number"}), answer("b", seconds="1")]
    browser.open(page_of(tmp_path, write_answers(tmp_path / "out.jsonl", rows)), "#view=table")
    assert browser.value("csv()").removeprefix("\ufeff").split("\r\n") == [
        "id,read,verdict,conflict",
        "a\ufffdb,sarcastic,no reference,yes",
        "b,sarcastic,no reference,yes",
        "",
    ]


def test_hostile_texts_stand_in_the_table_and_do_not_run(browser: Browser, tmp_path: Path) -> None:
    browser.open(page_of(tmp_path, hostile(tmp_path), hostile(tmp_path, "f")), "#view=table")
    assert EVIL in browser.value("document.getElementById('grid').textContent")
    assert browser.value("document.querySelectorAll('#table img, #table script, #table [href]').length") == 0
    assert browser.value("document.title") == "SABER · answers and scores"
    assert EVIL.replace('"', '""') in browser.value("csv()")


def test_emotions_are_counted_truth_against_read_for_each_consistency(browser: Browser, tmp_path: Path) -> None:
    rows = [answer("a"), answer("b"), answer("c", "Happy."), answer("d")]
    references = [clashing("a", labels={"emotion": "sarcastic"}), labelled("b", "happy"), labelled("c", "happy")]
    page = page_of(tmp_path, write_answers(tmp_path / "out.jsonl", rows, [reject("e")]), references=references)
    browser.open(page)
    assert browser.texts("nav button") == ["Emotions", "Clips", "Table"]
    browser.press("s")
    parts = browser.value(
        "[...document.querySelectorAll('.emotion-groups > section')].map(each => [each.querySelector('h3').innerText, "
        "...[...each.querySelectorAll('tr')].map(line => line.innerText.split(/\\s+/).join(' ').trim())])"
    )
    assert parts == [
        ["all n = 5", "sarcastic truth 1 read 3", "happy truth 2 read 0", "none read read 1"],
        ["consistent n = 2", "sarcastic truth 0 read 1", "happy truth 2 read 0", "none read read 1"],
        ["inconsistent n = 1", "sarcastic truth 1 read 1"],
    ]


def test_what_is_counted_is_called_what_it_is(browser: Browser, tmp_path: Path) -> None:
    write_rows(tmp_path / "records.jsonl", [labelled("a", "sad")])
    answers = write_answers(tmp_path / "out.jsonl", [answer("a")])
    heads = []
    for path in (tmp_path / "records.jsonl", answers):
        browser.open(page_of(tmp_path, path), "#view=scores")
        heads += browser.texts("#scores h2")
    assert heads == ["How often each emotion is the label, and how often it is read", "How often each emotion is read"]


def test_ids_that_end_differently_are_seen_to_the_end(browser: Browser, tmp_path: Path) -> None:
    cut = "[...document.querySelectorAll('.row .cell:first-child')].map(each => each.scrollWidth > each.clientWidth)"
    for name, is_cut in (("EVAL-consistent-00000", False), ("片段-第二位说话人-00000", False), ("clip/" * 100, True)):
        items = [item(name, scores={"bleu": 0.5})]
        browser.open(page_of(tmp_path, write_evaluation(tmp_path / "e", items)), "#view=table")
        assert browser.value(cut) == [is_cut]
        assert browser.value("document.querySelector('.row .cell').title") == name
    assert browser.texts(".chip") == ["no right or wrong"]
    right = "document.querySelector('.chip').getBoundingClientRect().right"
    assert browser.value(f"{right} <= document.querySelector('.row').children[3].getBoundingClientRect().right")
    heads = "[...document.querySelectorAll('.head button')].map(each => each.scrollWidth > each.clientWidth)"
    assert not any(browser.value(heads))
    assert browser.value("document.querySelectorAll('.head button')[4].title") == "bleu"  # of a long name all of it


def test_truth_and_reading_stand_open_and_reasons_are_a_judges_only_where_there_was_one(
    browser: Browser, tmp_path: Path
) -> None:
    given = {"truth": record(FIELDS), "prediction": record(FIELDS), "scores": {"emotion": 0.0}}
    details = {"emotion": {"truth": "sad", "answer": "sarcastic", "named": ["sarcastic"]}}
    items = [
        item("plain", **given, details=details),
        item("judged", **given, details={**details, "judge's reason": "Misses it."}),
        item("label", prediction="sad"),
    ]
    browser.open(page_of(tmp_path, write_evaluation(tmp_path / "e", items)), "#view=clips")
    found = []
    for _ in items:
        found.append(
            (browser.texts(".truth"), browser.texts(".verdicts .emotion"), browser.texts(".verdicts summary")[0])
        )
        browser.press("j")
    assert found == [
        (["truth sad"], ["sad", "sarcastic"], "Other details"),
        (["truth sad"], ["sad", "sarcastic"], "Judge's reasons and other details"),
        (["truth happy"], ["happy", "sad"], "The model's own words"),
    ]

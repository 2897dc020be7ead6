"""What a person sees and does, in a real Chromium without a window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.report.page import write_page
from swift_saber.report.records import read_references
from swift_saber.report.results import read_results
from swift_saber.sed.layout import parse, render
from swift_saber.sed.record import Record
from tests.media_faults import RATE, encode, frames, sound
from tests.report.browser import Browser, needs_chromium
from tests.report.made import (
    CHINESE,
    FIELDS,
    answer,
    clashing,
    item,
    record,
    reference,
    reject,
    score,
    write_answers,
    write_evaluation,
)
from tests.report.test_page import EVIL, hostile

pytestmark = needs_chromium
LINES = "document.querySelectorAll('.line').length"
#: The name of each dimension and the words that are marked in its answer.
_MARKS = (
    "[...document.querySelectorAll('.dimension')].map(each => "
    "[...each.querySelectorAll('h3, .cell mark')].map(of => of.innerText).join('\\n'))"
)
MEDIA = "[...document.querySelectorAll('video, audio')]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as one:
        one.look(1280)
        yield one


@pytest.fixture(autouse=True)
def nothing_went_wrong(browser: Browser) -> Iterator[None]:
    """In every test: no exception, no refused piece, and no address but files."""
    yield
    missing = "net::ERR_FILE_NOT_FOUND"
    assert not [fault for fault in browser.faults() if missing not in fault]
    assert {address.partition(":")[0] for address in browser.asked()} <= {"file", "about", "blob", "data"}


def answers_page(folder: Path, rows: list, rejects: list | None = None, references: list | None = None) -> Path:
    results = read_results(write_answers(folder / "out.jsonl", rows, rejects))
    found = None
    if references:
        write_rows(folder / "r.jsonl", references)
        found = read_references(folder / "r.jsonl")
    write_page(folder / "report.html", results, found)
    return folder / "report.html"


def evaluation_page(folder: Path, *evaluations: Path) -> Path:
    write_page(folder / "report.html", [result for each in evaluations for result in read_results(each)])
    return folder / "report.html"


def listed(browser: Browser) -> list[str]:
    return browser.texts(".line .first")


def shown(browser: Browser) -> str:
    [title] = browser.texts("#clip h2")
    return title


def three(folder: Path, name: str, wrong: str) -> Path:
    """An evaluation of three questions of which one is answered wrongly."""
    items = [item(each, prediction="sad" if each == wrong else "happy") for each in "abc"]
    return write_evaluation(folder / name, items)


def test_the_demos_clips_play_beside_their_six_dimensions(browser: Browser, tmp_path: Path, tiny_world: Path) -> None:
    rows = [row for _, row in read_rows(tiny_world / "train.jsonl")][:3]
    replies = [answer(row["id"], videos=row["videos"], audios=row["audios"]) for row in rows]
    browser.open(answers_page(tmp_path, replies, references=rows))
    assert shown(browser) == rows[0]["id"]
    heads = ["Scene", "Voice", "Speech", "Facial expression", "Body language", "Emotion"]
    assert browser.texts(".dimension > h3") == heads
    assert browser.texts(".dimension .cell") == [FIELDS[name] for name in parse(replies[0]["response"]).found]
    browser.wait(f"{MEDIA}.length === 2 && {MEDIA}.every(each => each.duration > 0.5)")
    assert browser.value("document.querySelector('video').videoWidth") == 56


def test_a_separate_sound_plays_in_step_with_the_picture(browser: Browser, tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", frames(32), sound(4))
    soundfile.write(tmp_path / "a.wav", sound(4), RATE)
    media = {"videos": [str(tmp_path / "a.mp4")], "audios": [str(tmp_path / "a.wav")]}
    browser.open(answers_page(tmp_path, [answer("a", **media)]))
    browser.wait(f"{MEDIA}.every(each => each.readyState >= 3)")
    apart = f"(([one, two]) => Math.abs(one.currentTime - two.currentTime))({MEDIA})"
    browser.press("p")
    browser.wait(f"{MEDIA}.every(each => !each.paused && each.currentTime > 0.5)")
    assert browser.value(apart) < 0.4
    # The picture's own sound would be heard twice.
    assert browser.value(f"{MEDIA}.map(each => each.muted)") == [True, False]
    browser.press("p")
    browser.wait(f"{MEDIA}.every(each => each.paused)")
    browser.value("document.querySelector('video').currentTime = 3")
    browser.wait(f"Math.abs({MEDIA}[1].currentTime - 3) < 0.1")
    browser.value("document.querySelector('audio').currentTime = 1")
    browser.wait(f"Math.abs({MEDIA}[0].currentTime - 1) < 0.1")


def test_a_player_falls_silent_when_another_clip_is_opened(browser: Browser, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sound(4), RATE)
    browser.open(answers_page(tmp_path, [answer("a", audios=[str(tmp_path / "a.wav")]), answer("b")]))
    browser.value("window.first = document.querySelector('audio'), 0")
    browser.press("p")
    browser.wait("!first.paused && first.currentTime > 0")
    browser.press("j")
    assert browser.value("first.paused")


def test_what_an_answer_concludes_stands_above_it_and_a_conflict_is_marked(browser: Browser, tmp_path: Path) -> None:
    glad = FIELDS | {"acoustic_feat": "A warm voice.", "sentiment_analysis": "She is glad."}
    hidden = FIELDS | {"facial_exp_desc": "The face is hidden.", "sentiment_analysis": "The mood is tense."}
    texts = {name: render(Record(**fields), language="en") for name, fields in (("glad", glad), ("hidden", hidden))}
    rows = [answer("glad", texts["glad"]), answer("hidden", texts["hidden"], videos=["a.mp4"]), answer("clash")]
    browser.open(answers_page(tmp_path, rows, [reject("broken")]))
    found = []
    for _ in rows:
        found.append(" ".join("".join(browser.texts(".conclusion")).split()))
        browser.press("j")
    assert found == [
        "happy positive face positive voice positive",
        "no emotion named negative face – voice negative",
        "sarcastic negative face positive voice negative conflict",
    ]
    assert browser.texts(".conclusion") == []  # of a reject
    browser.press("k", "k")
    assert browser.texts(".notes") == ["silent"]
    assert [text for text in browser.texts(".line") if "conflict" in text] == browser.texts("#line-2")
    assert browser.texts("#only button") == ["Conflict 1", "Rejects 1", "No reference 3"]
    browser.press("f")
    assert listed(browser) == ["clash"]


def test_of_two_models_each_has_its_own_conclusion(browser: Browser, tmp_path: Path) -> None:
    glad = render(Record(**FIELDS | {"acoustic_feat": "A warm voice."}), language="en")
    one = write_answers(tmp_path / "a.jsonl", [answer("x", glad), answer("y", glad)])
    two = write_answers(tmp_path / "b.jsonl", [answer("x"), answer("y", glad)])
    browser.open(evaluation_page(tmp_path, one, two))
    assert ["conflict" in text for text in browser.texts(".verdicts .cell")] == [False, True]
    assert browser.texts(".line .chip.clash") == ["B conflict"]
    browser.press("f")
    assert listed(browser) == ["x"]


def test_what_cannot_play_is_said_and_linked(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no film")
    rows = [answer("a", videos=[str(tmp_path / "a.mp4")], audios=["https://host/a.wav"])]
    browser.open(answers_page(tmp_path, rows))
    browser.wait("document.querySelector('.cannot')")
    assert browser.texts(".cannot") == ["Missing, or in a form that this browser cannot play."]
    assert browser.value("document.querySelector('.media a').href") == (tmp_path / "a.mp4").as_uri()
    assert "Not a file of this machine: not played." in browser.texts(".media")[1]


def test_one_of_picture_and_sound_plays_without_the_other(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no film")
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    encode(tmp_path / "good.mp4", frames(32), sound(4))
    soundfile.write(tmp_path / "good.wav", sound(4), RATE)
    pairs = [("bad.mp4", "good.wav"), ("good.mp4", "bad.wav")]
    rows = [answer(video, videos=[str(tmp_path / video)], audios=[str(tmp_path / audio)]) for video, audio in pairs]
    browser.open(answers_page(tmp_path, rows))
    for _ in pairs:
        browser.wait("document.querySelector('.cannot')")
        browser.press("p")
        browser.wait(f"{MEDIA}.some(each => !each.hidden && !each.paused && !each.muted && each.currentTime > 0.3)")
        browser.press("j")


def test_words_that_contradict_another_modality_are_marked(browser: Browser, tmp_path: Path) -> None:
    both = "smiles broadly, clipped and hostile"
    said = "\n\n".join(f"### {name}\n{both}" for name in ("Scene", "Voice", "Speech", "Face", "Emotion"))
    references = [clashing("a"), reference("b")]
    browser.open(answers_page(tmp_path, [answer("a", said), answer("b")], references=references))
    assert browser.texts(".clash-box .cue mark") == ["smiles broadly", "clipped and hostile"]
    # What is seen in the words for what is seen, what is heard in those for what is heard, both in the conclusion.
    marks = [each.split("\n")[1:] for each in browser.value(_MARKS)]
    seen, heard = ["smiles broadly"], ["clipped and hostile"]
    assert marks == [seen, heard, heard, seen, [], [*seen, *heard]]
    browser.press("j")
    assert browser.texts(".clash-box") == []


def test_where_a_row_names_no_words_those_that_are_read_are_marked_and_said_to_be_read(
    browser: Browser, tmp_path: Path
) -> None:
    rows = [reference(name, consistency="inconsistent") for name in "ab"]
    rows[1] |= {"facial_exp_desc": "Her face is turned away."}
    browser.open(answers_page(tmp_path, [answer("a"), answer("b")], references=rows))
    assert browser.texts(".clash-box .cue mark") == ["smiles", "hostile"]
    assert "read by words" in browser.texts(".clash-box")[0]
    assert browser.texts(".dimension .cell mark")[:2] == ["hostile", "smiles"]
    browser.press("j")
    assert "does not say which words clash" in browser.texts(".clash-box")[0]


def test_the_words_by_which_an_answer_conflicts_are_marked_in_it(browser: Browser, tmp_path: Path) -> None:
    browser.open(answers_page(tmp_path, [answer("a")]))
    assert browser.texts(".clash-box") == []  # of the clip nothing is known
    marks = [each.split("\n") for each in browser.value(_MARKS)]
    assert marks[1] == ["Voice", "hostile"]
    assert marks[3] == ["Facial expression", "smiles"]


def test_references_and_reasons_come_on_demand(browser: Browser, tmp_path: Path) -> None:
    reasons = {"judge": {"face": {"score": 4, "reason": "Misses the eyes."}}}
    items = [item(name, record(FIELDS), record(CHINESE), details=reasons) for name in "ab"]
    page = evaluation_page(tmp_path, write_evaluation(tmp_path / "e", items))
    browser.open(page, "#view=clips")
    assert "Misses the eyes." not in browser.texts("#clip")[0]
    browser.press("r")
    text = browser.texts("#clip")[0]
    assert "Misses the eyes." in text
    assert FIELDS["facial_exp_desc"] in text
    browser.press("j")
    assert "Misses the eyes." in browser.texts("#clip")[0]


def test_filters_leave_what_they_name(browser: Browser, tmp_path: Path) -> None:
    items = [
        item("right"),
        item("wrong", prediction="sad"),
        item("clash", group="inconsistent"),
        item("both", prediction="sad", group="inconsistent"),
        item("invalid", prediction=None, state="invalid"),
        item("none", prediction=None, state="missing"),
        item("reject", prediction=None, state="missing"),
        item("bare", truth=None, scores={}),
    ]
    folder = write_evaluation(tmp_path / "e", items)
    write_rows(folder / "answers.rejects.jsonl", [reject("reject")])
    browser.open(evaluation_page(tmp_path, folder), "#view=clips")
    buttons = ["Inconsistent 2", "Right 2", "Wrong 2", "Invalid 1", "No answer 1", "Rejects 1", "No reference 1"]
    assert browser.texts("#only button") == buttons
    browser.press("w")
    assert listed(browser) == ["wrong", "both"]
    browser.press("i")
    assert listed(browser) == ["both"]
    assert browser.texts("#count") == ["1 / 8 clips"]
    browser.press("w", "i", "g")
    assert listed(browser) == ["right", "clash"]
    browser.press("g", "v")
    assert listed(browser) == ["invalid"]
    browser.press("v", "x")
    assert listed(browser) == ["reject"]
    browser.press("x")
    browser.value("document.querySelector('[data-name=unknown]').click()")
    assert listed(browser) == ["bare"]
    browser.value("document.querySelector('[data-name=unknown]').click()")
    assert len(listed(browser)) == 8


def test_of_two_models_a_filter_tells_the_number_of_each_and_they_add_up(browser: Browser, tmp_path: Path) -> None:
    unscored = {"prediction": "joy", "scores": {"bleu": 0.5}}
    one = [item("a"), item("b", prediction="sad"), item("c"), item("d", **unscored)]
    two = [item("a"), item("b"), item("c", prediction=None, state="invalid")]
    folders = [write_evaluation(tmp_path / name, items) for name, items in (("x", one), ("y", two))]
    browser.open(evaluation_page(tmp_path, *folders), "#view=clips")
    counts = {"Right": "A 2 B 2", "Wrong": "A 1 B 0", "Invalid": "A 0 B 1", "No right or wrong": "A 1 B 0"}
    counts |= {"Not asked": "A 0 B 1"}  # of each model 4, as there are clips
    assert browser.texts("#only button") == [*(f"{name} {of}" for name, of in counts.items()), "A and B differ 3"]
    browser.value("document.querySelector('[data-name=right]').click()")
    assert listed(browser) == ["a", "b", "c"]  # A or B


def test_of_a_swapped_pair_the_other_clip_is_seen_beside_its_answer(browser: Browser, tmp_path: Path) -> None:
    for name in "ab":
        encode(tmp_path / f"{name}.mp4", frames(), sound())
    said = answer("a")["messages"]
    row = {"id": "a", "messages": said, "rejected_messages": said, "videos": [str(tmp_path / "a.mp4")]}
    write_rows(tmp_path / "pairs.jsonl", [{**row, "rejected_videos": [str(tmp_path / "b.mp4")]}])
    write_page(tmp_path / "report.html", read_results(tmp_path / "pairs.jsonl"))
    browser.open(tmp_path / "report.html")
    browser.wait("document.querySelectorAll('.verdicts video').length === 1")
    cells = browser.texts(".verdicts .cell")
    assert ["is about another picture or sound" in cell for cell in cells] == [False, True]
    browser.wait("document.querySelector('.verdicts video').src.endsWith('/b.mp4')")
    browser.wait("document.querySelector('.verdicts video').readyState > 0")


@pytest.mark.parametrize(
    ("query", "found"), [("kitchen SMILES", ["en"]), ("厨房", ["zh"]), ("EN", ["en"]), ("xyzzy", [])]
)
def test_search_finds_all_words_in_any_text(browser: Browser, tmp_path: Path, query: str, found: list[str]) -> None:
    chinese = "\n\n".join(f"### {name}\n{text}" for name, text in zip("视声语面肢情", CHINESE.values(), strict=True))
    page = answers_page(tmp_path, [answer("en"), answer("zh", chinese)])
    browser.open(page)
    browser.press("/", *query)
    browser.wait(f"new URLSearchParams(location.hash.slice(1)).get('q') === {query!r}")
    assert listed(browser) == found
    browser.press("Escape")
    assert browser.value("document.activeElement.id") == "list"


def test_keys_go_through_the_clips(browser: Browser, tmp_path: Path) -> None:
    browser.open(answers_page(tmp_path, [answer(name) for name in "abc"]))
    seen = []
    for key in ("j", "ArrowDown", "j", "k", "ArrowUp", "k"):
        browser.press(key)
        seen.append(shown(browser))
    assert seen == ["b", "c", "c", "b", "a", "a"]
    browser.press("?")
    assert "references and reasons" in browser.texts("dialog[open]")[0]


def test_a_page_that_was_moved_away_finds_its_clips(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "made").mkdir()
    clip = tmp_path / "data/a #1 笑 100%?.mp4"
    encode(clip, frames(), sound())
    rows = [answer("a", videos=[str(clip)]), answer("b", videos=[str(tmp_path / "gone.mp4")])]
    page = answers_page(tmp_path / "made", rows)
    moved = tmp_path / "far/away/page.html"
    moved.parent.mkdir(parents=True)
    page.rename(moved)
    browser.open(moved)
    browser.wait("document.querySelector('video').readyState > 0")
    assert browser.value("document.querySelector('video').hidden") is False
    # The link beside it leads there too.
    assert browser.value("document.querySelector('a.path').href === document.querySelector('video').src")
    browser.press("j")
    browser.wait("document.querySelector('.cannot')")
    assert browser.value("document.querySelector('video').hidden") is True


def test_the_address_keeps_what_is_open(browser: Browser, tmp_path: Path) -> None:
    page = evaluation_page(tmp_path, three(tmp_path, "one", "b"))
    browser.open(page, "#view=clips")
    browser.press("j", "w")
    kept = browser.value("location.hash")
    browser.open(page, kept)
    assert (shown(browser), listed(browser)) == ("b", ["b"])


def test_two_models_stand_side_by_side(browser: Browser, tmp_path: Path) -> None:
    page = evaluation_page(tmp_path, three(tmp_path, "ours", "b"), three(tmp_path, "base", "c"))
    browser.open(page, "#view=clips&clip=b")
    assert [text.split("\n") for text in browser.texts(".verdicts h3")] == [
        ["A", "ours", "wrong"],
        ["B", "base", "right"],
    ]
    left, right = browser.value(
        "[...document.querySelectorAll('.verdicts .cell')].map(each => each.getBoundingClientRect().x)"
    )
    assert left + 100 < right
    browser.press("d")
    assert listed(browser) == ["b", "c"]


def test_a_reject_shows_its_reason(browser: Browser, tmp_path: Path) -> None:
    browser.open(answers_page(tmp_path, [answer("a")], [reject("b", "is too long")]), "#clip=b")
    assert browser.texts(".reject dd") == ["is too long", "copy the clip again"]


def test_scores_show_intervals_counts_and_plots(browser: Browser, tmp_path: Path) -> None:
    folders = []
    for name, value in (("ours", 62.5), ("base", 50.0)):
        metrics = {"accuracy": score(value, 1300, invalid=7, unjudged=2), "bleu": score(None)}
        tables = {
            "MELD": {
                "labels": ["joy", "fear"],
                "confusion": [[3, 1, 2], [0, 4, 0]],
                "per_class": {"joy": {"precision": 1.0, "recall": 0.75, "f1": 6 / 7, "support": 4}},
            }
        }
        more = {"notes": ["BLEU was not computed."], "judge": "some-judge", "tables": tables}
        context = [{"name": "human", "values": {"accuracy": 73.0}, "source": "leaderboard"}]
        groups = {"MELD": {"accuracy": score(40.0)}}
        folders.append(
            write_evaluation(tmp_path / name, [item("a")], metrics=metrics, context=context, groups=groups, **more)
        )
    browser.open(evaluation_page(tmp_path, *folders))
    text = browser.texts("#scores")[0]
    assert "62.5 [58.5, 66.5]" in text
    assert "n = 1,300 7 invalid 2 unjudged" in text
    assert "some-judge" in text
    assert "BLEU was not computed." in text
    assert "human\t73.0\tleaderboard" in text
    # On an axis of 0 to 100 that is 4 to 216 wide: 4 + 212 * 0.625 = 136.5 and 4 + 212 * 0.5 = 110.
    dots = browser.value(
        "[...document.querySelectorAll('.metrics circle')].slice(0, 2).map(each => each.cx.baseVal.value)"
    )
    assert dots == [136.5, 110]
    browser.value("document.querySelectorAll('#scores > div > details').forEach(each => each.open = true)")
    assert "reference ↓ answer →\tjoy\tfear\tnone of these\njoy\t3\t1\t2" in browser.texts(".confusion")[0]
    assert "joy\t1.00\t0.750\t0.857\t4" in browser.texts("#scores")[0]


def test_what_is_said_of_one_of_two_models_names_it(browser: Browser, tmp_path: Path) -> None:
    both = {"officially": "One judge failed.", "ours": "No answer is left out."}
    folders = [
        write_evaluation(tmp_path / name, [item("a")], notes=["13 scenarios", note], judge=judge)
        for (name, note), judge in zip(both.items(), ("some-judge", None), strict=True)
    ]
    browser.open(evaluation_page(tmp_path, *folders))
    assert browser.texts("#scores .note") == ["13 scenarios", "AOne judge failed.", "BNo answer is left out."]
    assert browser.texts("#scores .judge") == ["judge: Asome-judge"]
    browser.open(evaluation_page(tmp_path, folders[0], folders[0]))
    assert browser.texts("#scores .note") == ["13 scenarios", "One judge failed."]
    assert browser.texts("#scores .judge") == ["judge: some-judge"]


def test_2000_clips_are_listed_and_only_those_in_sight_are_drawn(browser: Browser, tmp_path: Path) -> None:
    page = answers_page(tmp_path, [answer(f"clip{number}") for number in range(2000)])
    browser.open(page)
    assert browser.texts("#count") == ["2,000 / 2,000 clips"]
    assert browser.value(LINES) < 40
    browser.value("document.getElementById('list').scrollTop = 1e9")
    browser.wait("[...document.querySelectorAll('.line')].some(each => each.innerText.startsWith('clip1999'))")
    assert browser.value(LINES) < 40
    browser.press("k", "j")
    assert shown(browser) == "clip1"
    assert "clip1" in listed(browser)


def test_hostile_texts_are_shown_and_do_not_run(browser: Browser, tmp_path: Path) -> None:
    # What would run if it became a part of a page does run in this browser.
    control = tmp_path / "control.html"
    control.write_text(f"<title>x</title>{EVIL}", encoding="utf-8")
    browser.open(control)
    browser.wait("document.title === 'RAN'")
    browser.open(evaluation_page(tmp_path, hostile(tmp_path), hostile(tmp_path, "f")))
    browser.value("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert EVIL in browser.value("document.getElementById('scores').textContent")
    browser.press("c", "r", "j", "j")
    for _ in range(2):
        assert EVIL in browser.value("document.getElementById('clip').textContent")
        assert browser.value("document.querySelectorAll('img, iframe, main script, main style').length") == 0
        addresses = browser.value(
            "[...document.querySelectorAll('[href], [src]')].map(each => (each.href || each.src))"
        )
        assert all(address.startswith("file:") for address in addresses)
        browser.press("k")
    assert browser.value("document.title") == "SABER · answers and scores"


def test_the_policy_stops_what_would_run_without_it(browser: Browser, tmp_path: Path) -> None:
    page = answers_page(tmp_path, [answer("a")])
    page.write_text(page.read_text(encoding="utf-8").replace("<header>", f"{EVIL}<header>"), encoding="utf-8")
    browser.open(page)
    assert browser.value("document.title") == "SABER · answers and scores"
    refused = [fault for fault in browser.faults() if "Content Security Policy" in fault]
    assert refused
    browser.events.clear()


def test_dark_mode_and_narrow_windows(browser: Browser, tmp_path: Path) -> None:
    page = evaluation_page(tmp_path, three(tmp_path, "ours", "b"), three(tmp_path, "base", "c"))
    try:
        backs = []
        for dark in (False, True):
            browser.look(500, dark=dark)
            browser.open(page)
            backs.append(browser.value("getComputedStyle(document.body).backgroundColor"))
            for key in "sc":
                browser.press(key)
                # Nothing stands out over the side of the window.
                assert browser.value("document.documentElement.scrollWidth <= innerWidth")
        assert backs == ["rgb(246, 247, 249)", "rgb(19, 22, 28)"]
    finally:
        browser.look(1280)


def test_all_words_of_the_page_are_there_in_chinese(tmp_path: Path) -> None:
    page = evaluation_page(tmp_path, three(tmp_path, "ours", "b"))
    with Browser("zh-CN") as chinese:
        chinese.open(page)
        assert chinese.texts("nav button") == ["得分", "片段", "表格"]
        chinese.look(400)
        heights = chinese.value("[...document.querySelectorAll('nav button, #to-help')].map(each => each.offsetHeight)")
        assert len(set(heights)) == 1  # no name of a view is broken into lines
        chinese.look(1280)
        chinese.press("c")
        words = "".join(chinese.texts("#tools, .verdicts summary"))
        assert "错误 1" in words
        assert chinese.value("document.getElementById('search').placeholder") == "搜索（按 /）"
        chinese.value("document.getElementById('language').click()")
        assert chinese.texts("nav button") == ["Scores", "Clips", "Table"]
        assert chinese.value("document.querySelectorAll('.en').length === document.querySelectorAll('.zh').length")

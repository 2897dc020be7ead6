"""The page as people use it, in a real Chromium without a window, before a real server."""

import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from swift_saber.review.items import Items
from swift_saber.review.log import Review, latest_reviews, read_reviews
from tests.media_faults import RATE, encode, frames, sound
from tests.report.browser import Browser, needs_chromium
from tests.report.test_page import EVIL
from tests.review.served import Served, records
from tests.review.test_items import RECORD
from tests.review.test_server import disputing, pair

pytestmark = needs_chromium

READY = "document.querySelector('#decide')"
SAVED = "document.getElementById('saved').className === 'good'"
STATED = "document.getElementById('saved').innerText"
ENTER = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}


class Page(Browser):
    """A browser with the page of one reviewer."""

    def __enter__(self) -> "Page":
        super().__enter__()
        return self

    def at(self, address: str) -> "Page":
        """Open the page, and wait until its first item is there."""
        self.visit(address)
        self.server = "/".join(address.split("/")[:3])
        self.wait(READY)
        return self

    def write(self, text: str) -> None:
        """Type a text as an input method or a keyboard gives it, into what has the focus."""
        self._call("Input.insertText", text=text)

    def hold(self, key: str, times: int) -> None:
        """Press a key and hold it until it has been repeated so often, each time as the page is done with the last."""
        for repeated in range(times + 1):
            self._call("Input.dispatchKeyEvent", type="keyDown", key=key, text=key, autoRepeat=repeated > 0)
            self.wait(READY)
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def enter(self, *, ctrl: bool = False) -> None:
        """Press Enter."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if kind == "keyDown" and not ctrl else {}
            self._call("Input.dispatchKeyEvent", type=kind, modifiers=2 if ctrl else 0, **ENTER, **text)

    def reload(self) -> None:
        """Load the page again, and wait until it is there."""
        self.value("window.old = true")
        self._call("Page.reload")
        self.wait(f"!window.old && {READY}")

    def shown(self) -> str:
        """The name of the item that is open."""
        [title] = self.texts("#clip h2")
        return title

    def past(self, name: str) -> None:
        """Wait until another item is open."""
        self.wait(f"![undefined, {name!r}].includes(document.querySelector('#clip h2')?.innerText)")

    def text(self, name: str) -> str:
        """What stands in a field."""
        found: str = self.value(f"document.getElementById('field-{name}').value")
        return found

    def check(self) -> None:
        """Nothing went wrong in the page, and it asked nobody but its server."""
        assert not [fault for fault in self.faults() if "status of 4" not in fault and "status of 5" not in fault]
        asked = {address for address in self.asked() if not address.startswith(("data:image/svg", "about:"))}
        assert asked and all(address.startswith(f"{self.server}/") for address in asked)


@pytest.fixture(scope="module")
def one_browser() -> Iterator[Page]:
    with Page() as one:
        one.look(1280)
        yield one


@pytest.fixture
def browser(one_browser: Page) -> Iterator[Page]:
    yield one_browser
    one_browser.check()
    one_browser.value("pending().forEach((draft) => drafts.delete(draft.number)); tell()")  # else leaving asks


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("clip")
    encode(folder / "a.mp4", frames(16), sound(2))
    soundfile.write(folder / "a.wav", sound(2), RATE)
    return {"videos": [str(folder / "a.mp4")], "audios": [str(folder / "a.wav")]}


def serve(folder: Path, rows: list[dict[str, Any]], *arguments: object) -> Served:
    return Served(records(folder, rows), "-o", folder / "r", *(arguments or ("--reviewer", "anna")))


def said(folder: Path, who: str = "anna") -> dict[str, Review]:
    """The last word of a reviewer on each item."""
    return {item: reviews[who] for item, reviews in latest_reviews(folder / "r").items() if who in reviews}


def test_a_whole_review_by_keyboard_alone(browser: Page, tmp_path: Path, clip: dict[str, Any]) -> None:
    rows = [{**RECORD, **clip, "id": name} for name in ("a", "b", "c", "d", "e")]
    with serve(tmp_path, rows) as served:
        browser.at(served.page)
        names = []
        # In a field letters are letters; Esc leaves it.
        names.append(browser.shown())
        browser.press("4")
        browser.write("眼睛没有笑。")
        browser.press("a", "j", "Escape", "e")
        browser.value("document.activeElement.select()")
        browser.write("sarcastic")
        browser.enter(ctrl=True)
        browser.past(names[-1])
        names.append(browser.shown())
        assert browser.texts("#decide") == ["Accept a"]
        browser.press("a")
        browser.past(names[-1])
        names.append(browser.shown())
        browser.press("r")
        browser.write("two people speak")
        browser.enter()
        browser.past(names[-1])
        names.append(browser.shown())
        browser.press("s")
        browser.past(names[-1])
        names.append(browser.shown())
        browser.press("1")
        browser.write(" It is night.")
        browser.press("Escape", "w")
        browser.write("the window is dark")
        browser.press("Escape", "a")
        browser.wait(SAVED)
        browser.wait("document.getElementById('count').innerText.startsWith('5 / 5')")
    reviews = said(tmp_path)
    decisions = [reviews[name].decision for name in names]
    assert decisions == ["correct", "accept", "reject", "skip", "correct"]
    assert reviews[names[0]].edits() == {"facial_exp_desc": "A smile.眼睛没有笑。aj", "emotion": "sarcastic"}
    assert reviews[names[1]].edits() == {}
    assert (reviews[names[2]].reason, reviews[names[2]].after) == ("two people speak", {})
    assert reviews[names[4]].edits() == {"video_desc": "A kitchen. It is night."}
    assert reviews[names[4]].reason == "the window is dark"


def test_a_reload_comes_back_to_the_same_item_with_the_same_text(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [{**RECORD, "id": name} for name in "abc"]) as served:
        browser.at(served.page)
        first = browser.shown()
        browser.press("j")
        browser.past(first)
        browser.press("3")
        browser.write(" 我很好。")
        name = browser.shown()
        browser.wait(SAVED)
        assert said(tmp_path)[name].decision is None
        browser.reload()
        assert browser.shown() == name
        assert browser.text("speech_content") == "Fine. 我很好。"
        assert browser.texts(".line.open .chip") == ["begun"]


def test_what_is_written_and_left_is_saved_without_a_key(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [{**RECORD, "id": name} for name in "ab"]) as served:
        browser.at(served.page)
        name = browser.shown()
        browser.press("1")
        browser.write(" At night.")
        browser.press("Escape", "j")
        browser.wait(SAVED)
        assert said(tmp_path)[name].after["video_desc"] == "A kitchen. At night."


def test_what_is_being_written_when_the_page_goes_is_saved(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [RECORD]) as served:
        browser.at(served.page)
        browser.press("1")
        browser.write(" At night.")
        browser.value("void dispatchEvent(new Event('pagehide'))")  # long before the pause after which it saves
        assert browser.value("pending()[0].flying !== null")
        browser.wait(SAVED)
        assert said(tmp_path)["a"].after["video_desc"] == "A kitchen. At night."


def test_another_edit_after_a_decision_is_a_draft_again(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [RECORD]) as served:
        browser.at(served.page)
        browser.press("a")
        browser.wait(f"{SAVED} && document.getElementById('count').innerText.startsWith('1 / 1')")
        browser.press("1")
        browser.write(" At night.")
        browser.wait("document.getElementById('count').innerText.startsWith('0 / 1')")
        assert said(tmp_path)["a"].decision is None


def test_what_was_not_edited_is_accepted_as_it_was(browser: Page, tmp_path: Path) -> None:
    # Browsers have line ends of their own, and put none into a line.
    odd = {**RECORD, "video_desc": "A\r\nkitchen.\r\n", "labels": {"emotion": "sad\n"}, "consistency": "mixed"}
    with serve(tmp_path, [odd]) as served:
        browser.at(served.page)
        assert browser.texts("#decide") == ["Accept a"]
        browser.press("a")
        browser.wait(SAVED)
        review = said(tmp_path)["a"]
        assert (review.decision, review.edits()) == ("accept", {})


def test_a_full_disk_is_said_and_the_text_stays_until_there_is_room(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [RECORD]) as served:
        browser.at(served.page)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
        browser.press("4")
        browser.write(" 她在笑。")
        browser.wait(f"{STATED}.includes('NOT saved')")
        assert "cannot be written" in browser.value(STATED)
        assert browser.text("facial_exp_desc") == "A smile. 她在笑。"
        leaves = "dispatchEvent(new Event('beforeunload', { cancelable: true }))"
        assert browser.value(leaves) is False  # the browser asks first
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        browser.value("document.querySelector('#saved button').click()")
        browser.wait(SAVED)
        assert browser.value(leaves) is True
        assert said(tmp_path)["a"].after["facial_exp_desc"] == "A smile. 她在笑。"


def test_why_the_server_gives_no_clip_is_said_in_its_place(browser: Page, tmp_path: Path) -> None:
    (tmp_path / "angry.mp4").write_bytes(b"\0\0\0\x18ftypmp42")
    with serve(tmp_path, [{**RECORD, "videos": [str(tmp_path / "angry.mp4")]}], "--blind") as served:
        browser.at(served.page)
        browser.wait("document.querySelector('#clip .media p.warn')")
        [line] = browser.texts("#clip .media p.warn")
    assert "cannot be copied without the tags of its file" in line and "angry" not in line


def test_a_server_that_is_gone_is_said_and_nothing_is_dropped(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [RECORD]) as served:
        browser.at(served.page)
        served.process.kill()
        browser.press("4")
        browser.write(" 她在笑。")
        browser.wait(f"{STATED}.includes('the server does not answer')")
        assert browser.text("facial_exp_desc") == "A smile. 她在笑。"
        browser.events = [event for event in browser.events if event["method"] != "Log.entryAdded"]  # that it is gone


def test_an_answer_that_was_lost_is_no_second_save(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [RECORD]) as served:
        browser.at(served.page)
        # The save arrives, and what the server says of it does not.
        browser.value(
            "void (window.whole = fetch, window.fetch = async (...args) => { const answer = await whole(...args);"
            " if (args[0] === 'save') { window.fetch = whole; throw new Error('lost'); } return answer; })"
        )
        browser.press("4")
        browser.write(" One.")
        browser.wait(f"{STATED}.includes('NOT saved')")
        browser.write(" Two.")
        browser.wait(SAVED)
    texts = [review.after["facial_exp_desc"] for review in read_reviews(tmp_path / "r")]
    assert texts == ["A smile. One.", "A smile. One. Two."]


def test_two_tabs_lose_neither_word(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [RECORD]) as served, Page() as other:
        browser.at(served.page)
        other.at(served.page)
        other.press("4")
        other.write(" Theirs.")
        other.enter(ctrl=True)
        other.wait(SAVED)
        browser.press("4")
        browser.write(" Mine.")
        browser.wait("document.getElementById('stale')")
        assert "changed elsewhere" in browser.value(STATED)
        both = browser.texts("#stale dd")
        assert both == ["A smile. Mine.", "A smile. Theirs."]
        browser.enter()  # keep what is here, which has the focus
        browser.wait(f"{SAVED} && !document.getElementById('stale')")
        assert said(tmp_path)["a"].after["facial_exp_desc"] == "A smile. Mine."
        # The other tab is the stale one now; it takes what is there.
        other.press("Escape", "5")
        other.write("Arms crossed.")
        other.wait("document.getElementById('stale')")
        other.value("document.querySelectorAll('#stale button')[1].click()")
        other.wait(f"{SAVED} && !document.getElementById('stale')")
        assert (other.text("facial_exp_desc"), other.text("body_lang_desc")) == ("A smile. Mine.", "")
        other.check()
    lines = [
        (review.after["facial_exp_desc"], review.after["body_lang_desc"]) for review in read_reviews(tmp_path / "r")
    ]
    # Each word is a line of the log, the one that counts the last.
    assert ("A smile. Theirs.", "Arms crossed.") in lines and ("A smile. Theirs.", "") in lines
    assert lines[-1] == ("A smile. Mine.", "")


def test_a_tab_that_is_looked_at_again_shows_what_the_other_saved(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [RECORD]) as served:
        browser.at(served.page)
        served.save(0, decision="correct", after={**served.item(0)["values"], "video_desc": "A garden."})
        browser.value("void document.dispatchEvent(new Event('visibilitychange'))")
        browser.wait("document.getElementById('field-video_desc')?.value === 'A garden.'")


def test_two_reviewers_at_once(browser: Page, tmp_path: Path) -> None:
    rows = [{**RECORD, "id": name} for name in "ab"]
    with serve(tmp_path, rows, "--reviewer", "anna", "--reviewer", "bo") as served, Page("zh-CN") as other:
        browser.at(served.pages["anna"])
        other.at(served.pages["bo"])
        assert other.texts("#decide") == ["接受 a"]
        for number in range(2):
            browser.press("a")
            other.press("4")
            other.write("勉强。")
            other.enter(ctrl=True)
            for each in (browser, other):
                each.wait(f"{SAVED} && document.getElementById('count').innerText.startsWith('{number + 1} / 2')")
        other.check()
    assert {review.decision for review in said(tmp_path, "anna").values()} == {"accept"}
    assert {review.after["facial_exp_desc"] for review in said(tmp_path, "bo").values()} == {"A smile.勉强。"}


def test_while_an_input_method_composes_no_key_is_a_shortcut(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [{**RECORD, "id": name} for name in "ab"]) as served:
        browser.at(served.page)
        name = browser.shown()
        browser.press("4")
        browser._call("Input.imeSetComposition", text="ta", selectionStart=2, selectionEnd=2)
        composed = "{ key: 'Enter', ctrlKey: true, bubbles: true, isComposing: true }"
        browser.value(f"void document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {composed}))")
        browser.value("new Promise((done) => setTimeout(done, 900))")  # longer than the pause after which it saves
        assert browser.shown() == name and not (tmp_path / "r" / "anna.reviews.jsonl").read_text()
        browser.write("她")
        browser.wait(SAVED)
        assert said(tmp_path)[name].after["facial_exp_desc"] == "A smile.她"


def test_hostile_texts_are_texts(browser: Page, tmp_path: Path) -> None:
    row: dict[str, Any] = {
        **RECORD,
        "id": EVIL,
        "source": EVIL,
        "language": EVIL,
        "transcript": EVIL,
        "video_desc": EVIL,
        "sentiment_analysis": EVIL,
        "audio_desc": {"speech_content": EVIL, "acoustic_feat": EVIL},
        "labels": {"emotion": EVIL},
        "videos": [EVIL, "javascript:document.title='RAN'", "https://example.org/a.mp4", "file:///etc/passwd"],
        "cues": [{"visual": EVIL, "acoustic": EVIL}],
        "speech": {"heard": EVIL, "error_rate": 0.5, "unit": EVIL},
        "visual": {"caption": EVIL, "fields": {"video_desc": {"verdict": EVIL, "words": [EVIL]}}},
    }
    with serve(tmp_path, [{"row": row, "reason": EVIL, "value": {EVIL: [EVIL]}, "limit": EVIL}]) as served:
        browser.at(served.page)
        assert browser.text("video_desc") == EVIL.replace("\r\n", "\n")
        browser.press("4")
        browser.write(EVIL)
        browser.press("Escape", "r")
        browser.write(EVIL)
        browser.enter()
        browser.wait(SAVED)
        browser.reload()
        browser.value("new Promise((done) => setTimeout(done, 200))")
        assert browser.value("document.title") == "SABER · review"
        assert browser.value("document.querySelectorAll('img, #clip script, iframe').length") == 0
    assert said(tmp_path)[EVIL].reason == EVIL.strip()


def test_a_blind_page_holds_none_of_the_machines_words(browser: Page, tmp_path: Path, clip: dict[str, Any]) -> None:
    with serve(tmp_path, [{**RECORD, **clip, "id": "angry-7"}], "--reviewer", "anna", "--blind") as served:
        browser.at(served.page)
        assert browser.shown() == "No. 1"
        held = browser.value("document.body.innerText + JSON.stringify([...drafts.values()].map((each) => each.item))")
        # Which labels there are is the page's own to say.
        for word in ("A kitchen.", "hostile", "A smile.", '"inconsistent"', "Fine.", "angry-7", "a.mp4"):
            assert word not in held
        browser.press("a")  # nothing is written yet
        assert browser.texts("#decided") == ["Nothing is written yet"]
        browser.press("4")
        browser.write("A grin.")
        browser.enter(ctrl=True)
        browser.wait(f"{SAVED} && document.getElementById('count').innerText.startsWith('1 / 1')")
        browser.reload()
        assert browser.text("facial_exp_desc") == "A grin."
    review = said(tmp_path)["angry-7"]
    assert (review.decision, review.blind, review.after) == ("correct", True, {"facial_exp_desc": "A grin."})


def test_the_better_answer_by_keys(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [pair("p"), pair("q"), pair("r")]) as served:
        browser.at(served.page)
        names = [browser.shown()]
        browser.press("a")
        assert browser.texts("#decided") == ["Choose first"]
        texts = browser.texts(".choice > .value")
        browser.press(str(texts.index("bad") + 1), "w")
        browser.write("it is kinder")
        browser.press("Escape", "a")
        for press in ("=", "0"):
            browser.past(names[-1])
            names.append(browser.shown())
            browser.press(press, "a")
        browser.wait(f"{SAVED} && document.getElementById('count').innerText.startsWith('3 / 3')")
    reviews = said(tmp_path)
    assert [reviews[name].after for name in names] == [{"better": "1"}, {"better": "same"}, {"better": "none"}]
    assert reviews[names[0]].reason == "it is kinder" and reviews[names[0]].decision == "better"


def test_who_decides_takes_what_a_reviewer_said_by_a_key(browser: Page, tmp_path: Path) -> None:
    path = disputing(tmp_path)
    with Served(path, "-o", tmp_path / "r", "--adjudicate", "--reviewer", "carla") as served:
        browser.at(served.page)
        assert browser.shown() == "a"
        sides = browser.texts(".takes .take .value")
        assert sides[0] == "A smile." and set(sides[1:]) == {"A grin.", "A sneer."}
        assert "anna" not in browser.value("document.body.innerText")
        browser.press("d", str(sides.index("A sneer.")), "Escape", "a")
        browser.past("a")
        assert "blurred" in browser.texts("#clip dl")[0]
        browser.press("r")
        browser.write("blurred indeed")
        browser.enter()
        browser.wait(f"{SAVED} && document.getElementById('count').innerText.startsWith('2 / 2')")
    reviews = said(tmp_path, "carla")
    assert reviews["a"].adjudicates and reviews["a"].edits() == {"facial_exp_desc": "A sneer."}
    assert (reviews["c"].decision, reviews["c"].reason) == ("reject", "blurred indeed")


def test_what_the_checks_found_stands_beside_its_field(browser: Page, tmp_path: Path) -> None:
    fields = {"facial_exp_desc": {"verdict": "contradicted", "words": ["smile"]}}
    checks = {
        "speech": {"heard": "Wine.", "error_rate": 1.0, "unit": "wer"},
        "visual": {"caption": "A man.", "fields": fields},
    }
    with serve(tmp_path, [{**RECORD, **checks}]) as served:
        browser.at(served.page)
        found = dict(zip(browser.texts(".right label > :first-child"), browser.texts(".right .box"), strict=False))
        assert "WER 100 %" in found["Speech"] and "Wine." in found["Speech"]
        assert "the picture says otherwise" in found["Facial expression"]
        assert browser.texts("mark.wrong") == ["smile"]
        assert "A man." in browser.texts(".left")[0]
        browser.press("4")
        browser.value("document.activeElement.select()")
        browser.write("A grin.")
        assert browser.value("document.querySelector('.marked:has(.wrong)').hidden")


def test_what_the_sound_contradicts_is_marked_in_what_is_written_of_the_voice(browser: Page, tmp_path: Path) -> None:
    claims = [{"words": words, "value": value} for words, value in (("High", "contradicts"), ("fast", "agrees"))]
    odd = [None, {"value": "contradicts"}, {"words": 1, "value": "contradicts"}]
    evidence = {"claims": [*claims, *odd], "agrees": 1, "contradicts": 1, "undecided": 0}
    voice = {"audio_desc": {**RECORD["audio_desc"], "acoustic_feat": "High and fast."}}
    rows = [{**RECORD, **voice, "evidence": evidence}, {**RECORD, "id": "odd", "evidence": {"claims": EVIL}}]
    with serve(tmp_path, rows) as served:
        browser.at(served.page)
        assert browser.texts("#clip .check") == ["by the sound: 1 right, 1 wrong, 0 undecided"]
        assert browser.texts("mark.wrong") == ["High"]
        browser.press("j")
        browser.past("a")
        assert browser.texts("#clip .check") == ["by the sound: 0 right, 0 wrong, 0 undecided"]


def test_what_a_table_of_action_units_contradicts_is_marked_in_what_is_written_of_the_face(
    browser: Page, tmp_path: Path
) -> None:
    claims = [{"words": "smile", "value": "contradicts"}, {"words": "thin", "value": "agrees"}]
    face = {"claims": claims, "agrees": 1, "contradicts": 1, "undecided": 2}
    row = {**RECORD, "facial_exp_desc": "A thin smile.", "evidence": {"face": face}}
    with serve(tmp_path, [row]) as served:
        browser.at(served.page)
        assert browser.texts("#clip .check") == ["by the table of action units: 1 right, 1 wrong, 2 undecided"]
        assert browser.texts("mark.wrong") == ["smile"]


def test_the_clip_plays_with_its_sound_and_the_next_one_is_there_at_once(
    browser: Page, tmp_path: Path, clip: dict[str, Any]
) -> None:
    with serve(tmp_path, [{**RECORD, **clip, "id": str(number)} for number in range(5)]) as served:
        browser.at(served.page)
        media = "[...document.querySelectorAll('#clip video, #clip audio')]"
        browser.wait(f"{media}.length === 2 && {media}.every(each => each.readyState >= 3)")
        browser.press("p")
        browser.wait(f"{media}.every(each => !each.paused && each.currentTime > 0.2)")
        ahead = "[...document.querySelectorAll('#ahead video, #ahead audio')]"
        browser.wait(f"{ahead}.length && {ahead}.every(each => each.readyState >= 3)")
        at_once = f"(() => {{ step(1); return {media}.map(each => each.readyState >= 2 && each.paused); }})()"
        assert browser.value(at_once) == [True, True]
        assert browser.value(f"{ahead}.every(each => each.paused)")


def test_the_list_shows_what_is_done_and_what_is_not(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [{**RECORD, "id": f"r{number}"} for number in range(300)]) as served:
        for number, decision in enumerate(("accept", "skip", "reject")):
            served.save(number, decision=decision, reason="no" if decision == "reject" else "")
        browser.at(served.page)
        assert browser.texts("#only button") == ["All 300", "To do 297", "Done 1", "Skipped 1", "Rejected 1"]
        assert browser.value("document.querySelectorAll('.line').length") < 60
        browser.value("document.querySelector('[data-name=rejected]').click()")
        browser.wait("document.querySelectorAll('.line').length === 1")
        assert browser.texts(".line .chip") == ["rejected"]
        browser.press("/")
        browser.write("nothing like this")
        browser.wait("document.querySelectorAll('.line').length === 0")


def test_of_what_is_to_do_the_next_one_follows_a_decision(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [{**RECORD, "id": f"r{number}"} for number in range(5)]) as served:
        served.save(1)
        browser.at(served.page)
        browser.value("document.querySelector('[data-name=todo]').click()")
        for number, left in ((2, 3), (3, 2), (4, 1)):
            browser.press("a")
            browser.wait(f"state.number === {number} && listed.length === {left} && {SAVED}")
        browser.press("a")
        browser.wait(f"listed.length === 0 && {SAVED}")
        assert browser.texts("#decided") != [""]
    assert {review.decision for review in said(tmp_path).values()} == {"accept"} and len(said(tmp_path)) == 5


def test_a_page_that_is_open_goes_on_after_a_restart_at_the_same_port(browser: Page, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asked = (records(tmp_path, [{**RECORD, "id": name} for name in "ab"]), "-o", tmp_path / "r", "--port", port)
    with Served(*asked, "--reviewer", "anna") as served:
        browser.at(served.page)
        served.process.kill()
        served.process.wait()
        browser.press("1")
        browser.write(" At night.")
        browser.wait(f"{STATED}.includes('does not answer')")
    with Served(*asked, "--reviewer", "bo"):  # whose address is another one
        browser.wait(f"{STATED}.includes('has another address now')")
        name = browser.shown()
        assert browser.value("written()") == f"{name}\nvideo_desc: A kitchen. At night."
    with Served(*asked, "--reviewer", "anna"):
        browser.wait(SAVED)
    browser.events = [event for event in browser.events if event["method"] != "Log.entryAdded"]  # that it was gone
    assert said(tmp_path)[name].after["video_desc"] == "A kitchen. At night."


def test_a_key_that_is_held_decides_once(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [{**RECORD, "id": f"r{number}"} for number in range(5)]) as served:
        browser.at(served.page)
        browser.hold("a", 4)
        browser.wait(f"state.number === 1 && {SAVED}")
        browser.hold("j", 1)  # but one may run through the list
        browser.wait("state.number === 3")
    assert [review.decision for review in said(tmp_path).values()] == ["accept"]


def test_that_all_is_decided_is_said(browser: Page, tmp_path: Path) -> None:
    with serve(tmp_path, [{**RECORD, "id": name} for name in "ab"]) as served:
        browser.at(served.page)
        browser.press("a")
        browser.wait(f"state.number === 1 && {SAVED}")
        browser.press("s")
        browser.wait(f"document.getElementById('count').innerText.startsWith('2 / 2') && {SAVED}")
        assert browser.texts("#decided") == ["skipped · All are decided and saved; you may close this page"]


def test_of_a_swapped_pair_each_answer_plays_its_own_clip(browser: Page, tmp_path: Path, clip: dict[str, Any]) -> None:
    other = str(tmp_path / "other.wav")
    soundfile.write(other, sound(3), RATE)
    row = {**pair(), **clip, "rejected_videos": clip["videos"], "rejected_audios": [other]}
    with serve(tmp_path, [row]) as served:
        browser.at(served.page)
        assert browser.value(
            "[...document.querySelectorAll('.choice')].map(each => each.querySelectorAll('video, audio').length)"
        ) == [2, 2]
        assert browser.value("document.querySelectorAll('.left video, .left audio').length") == 0
        # Nothing tells which of both is the clip that the pair is named after.
        assert browser.texts(".choice a") == ["video", "audio"] * 2
        lengths = "[...document.querySelectorAll('.choice audio')].map(each => Math.round(each.duration))"
        browser.wait(f"{lengths}.every(Boolean)")
        first = browser.value(lengths)
        assert sorted(first) == [2, 3]
        browser.press(str(1 + first.index(3)), "a")
        browser.wait(SAVED)
    assert said(tmp_path)["p"].after == {"better": "1"}


def test_a_large_clip_comes_in_parts_and_holds_up_no_save(browser: Page, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", sound(240), RATE)
    assert (tmp_path / "long.wav").stat().st_size > 3 << 20
    rows = [{**RECORD, "id": name, "videos": [], "audios": [str(tmp_path / "long.wav")] * 3} for name in "abcd"]
    with serve(tmp_path, rows) as served:
        browser.at(served.page)
        browser.wait("document.querySelector('audio').readyState >= 3")
        begin = time.monotonic()
        browser.press("a")
        browser.wait(SAVED, 5)
        assert time.monotonic() - begin < 5
        browser.value("document.querySelector('audio').currentTime = 200")
        browser.wait(
            "document.querySelector('audio').readyState >= 3 && document.querySelector('audio').currentTime >= 200"
        )


def test_items_and_pages_agree_on_what_is_there(tmp_path: Path) -> None:
    path = records(tmp_path, [{**RECORD, "id": name} for name in "abc"])
    with Served(path, "-o", tmp_path / "r", "--reviewer", "anna") as served:
        assert {line["id"] for line in served.get("state").json()["items"]} == set(Items([path]))

"""What was measured of an item's voice, and what its texts claim of it: asked for apart from the item."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from swift_saber.sed.layout import render
from swift_saber.sed.record import DIMENSIONS, Record
from tests.media.voices import RATE, pulses
from tests.report.browser import needs_chromium
from tests.report.test_page import EVIL
from tests.review.served import Served, records
from tests.review.test_in_browser import READY, Page
from tests.review.test_items import RECORD
from tests.review.test_server import pair

LOW, HIGH = "The pitch is very low.", "The pitch is very high."


@pytest.fixture(scope="module")
def low(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A voice at 70 Hz, whose file tells an emotion by its name."""
    path = tmp_path_factory.mktemp("angry") / "angry.wav"
    soundfile.write(path, pulses(70.0, seconds=2.0), RATE)
    return str(path)


def row(name: str, path: str, said: str = LOW) -> dict[str, Any]:
    spoken = {"speech_content": "Fine.", "acoustic_feat": said}
    return {**RECORD, "id": name, "videos": [], "audios": [path], "audio_desc": spoken}


def test_a_voice_is_measured_when_asked_for_and_once(tmp_path: Path, low: str) -> None:
    path = tmp_path / "own.wav"
    path.write_bytes(Path(low).read_bytes())
    with Served(records(tmp_path, [row("a", str(path))]), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        found = one.get("voice/0").json()
        assert abs(found["numbers"]["pitch"] - 70) < 2 and found["seconds"] == 2.0 and len(found["pitch"]) == 100
        [claims] = found["claims"]
        assert [(claim["property"], claim["value"]) for claim in claims] == [("pitch", "agrees")]
        path.write_bytes(b"another")
        assert one.get("voice/0").json() == found
        assert one.get("voice/1").status_code == 404


def test_choices_are_held_against_one_measurement_in_the_order_shown(tmp_path: Path, low: str) -> None:
    texts = [
        render(Record(**dict.fromkeys(DIMENSIONS, "x") | {"acoustic_feat": said}), language="en")
        for said in (LOW, HIGH)
    ]
    turns = [{"role": "user", "content": "<audio>?"}, {"role": "assistant", "content": texts[0]}]
    rows = [{**pair(), "messages": turns, "rejected_response": texts[1], "audios": [low]}]
    with Served(records(tmp_path, rows), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        shown = [choice["fields"]["acoustic_feat"] for choice in one.item(0)["choices"]]
        claims = one.get("voice/0").json()["claims"]
    expected = {LOW: "agrees", HIGH: "contradicts"}
    assert [[claim["value"] for claim in of] for of in claims] == [[expected[said]] for said in shown]


def test_a_blind_page_gets_the_numbers_and_no_claim(tmp_path: Path, low: str) -> None:
    (tmp_path / "angry-broken.wav").write_text("no sound")
    rows = [row("angry-1", low), row("angry-2", str(tmp_path / "angry-broken.wav"))]
    with Served(records(tmp_path, rows), "-o", tmp_path / "r", "--reviewer", "anna", "--blind") as one:
        answers = [one.get("voice/0"), one.get("voice/1")]
    assert sorted(answer.status_code for answer in answers) == [200, 400]
    [found] = [answer.json() for answer in answers if answer.status_code == 200]
    assert found["claims"] == [] and "among" not in found and "pitch" in found["numbers"]
    for answer in answers:
        assert not [word for word in ("angry", "very low", str(tmp_path)) if word in answer.text]


def test_why_there_is_no_voice_is_said(tmp_path: Path, low: str) -> None:
    rows = [row("none", low) | {"audios": []}, row("two", low) | {"audios": [low, low]}, row("gone", "/gone.wav")]
    with Served(records(tmp_path, rows), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        for number in range(3):
            answer = one.get(f"voice/{number}")
            assert answer.status_code == 400 and answer.json()["error"].count("\n") == 0
            assert one.item(number)["values"]["acoustic_feat"] == LOW


def among(path: str, others: int) -> list[dict[str, Any]]:
    """The clip of a voice at 70 Hz, and so many others that were measured at 40, 40.4, .. Hz: it is the highest."""
    rest = [{**row(f"other-{at}", path), "evidence": {"measured": {"pitch": 40 + 0.4 * at}}} for at in range(others)]
    own = {**row("own", path), "speaker": "Ms Example"}
    return [{**each, "source": "MELD", "language": "en"} for each in [own, *rest]]


def judged(found: dict[str, Any]) -> list[tuple[str, str]]:
    return [(claim["value"], claim["by"]) for claim in found["claims"][0]]


@pytest.mark.parametrize(("others", "expected"), [(50, ("contradicts", "data set")), (49, ("agrees", "bounds"))])
def test_a_voice_is_compared_with_what_the_pipeline_measured_where_that_is_enough(
    tmp_path: Path, low: str, others: int, expected: tuple[str, str]
) -> None:
    rows = among(low, others)
    rows.append({**row("elsewhere", low), "source": "MELD", "language": "zh"})
    with Served(records(tmp_path, rows), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        items = one.get("state").json()["items"]
        at = {line["id"]: number for number, line in enumerate(items)}
        answer = one.get(f"voice/{at['own']}")
        assert judged(answer.json()) == [expected]
        assert answer.json()["among"] == {"clips": others, "source": "MELD", "language": "en", "measured": True}
        elsewhere = one.get(f"voice/{at['elsewhere']}").json()
        assert judged(elsewhere) == [("agrees", "bounds")] and elsewhere["among"]["clips"] == 0
        assert "Ms Example" not in answer.text + one.get(f"item/{at['own']}").text


def test_a_speaker_is_compared_with_his_own_clips(tmp_path: Path, low: str) -> None:
    # Of what the speaker's other clips have 70 Hz is the highest; among people it is very low.
    rows = [
        {**each, "speaker": "him", "evidence": {"measured": {"pitch": 50 - at / 2 if at else 70}}}
        for at, each in enumerate(among(low, 20))
    ]
    with Served(records(tmp_path, rows), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        assert judged(one.get("voice/0").json()) == [("undecided", "speaker")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with Page() as one:
        one.look(1280)
        yield one


@needs_chromium
def test_the_line_stands_under_the_player_with_the_claims(browser: Page, tmp_path: Path, low: str) -> None:
    with Served(records(tmp_path, [row("a", low, f"{LOW} {EVIL}")]), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        browser.at(one.page)
        browser.wait("document.querySelector('.voice svg .pitch')")
        assert [text.partition(" ")[0] for text in browser.texts(".voice .claim")] == ["✓"]
        assert browser.value("document.title") != "RAN"
        sound, cursor = "document.querySelector('#clip audio')", "document.querySelector('.voice .now')"
        browser.wait(f"{sound}.duration > 1.9")
        browser.value(f"{sound}.currentTime = 1")
        browser.wait(f"Math.abs({cursor}.getAttribute('x1') - 50) < 2")
        # To seek is no edit.
        browser.value("document.querySelector('.voice svg').dispatchEvent(new MouseEvent('click', {bubbles: true}))")
        browser.wait(f"{sound}.currentTime === 0")
        assert browser.texts("#decide") == ["Accept a"]
        browser.check()


@needs_chromium
def test_the_page_says_with_what_it_compared(browser: Page, tmp_path: Path, low: str) -> None:
    with Served(records(tmp_path, among(low, 50)), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        browser.at(one.page)
        browser.wait("document.querySelector('.voice .compared')")
        expected = "compared with the 50 clips of these records that were measured before (source MELD, language en)"
        assert browser.texts(".voice .compared") == [expected]
        browser.check()


@needs_chromium
def test_who_leafs_through_items_leaves_no_voices_to_wait_for(browser: Page, tmp_path: Path, low: str) -> None:
    rows = [row(str(number), low) for number in range(8)]
    with Served(records(tmp_path, rows), "-o", tmp_path / "r", "--reviewer", "anna") as one:
        browser.at(one.page)
        # Each stays open until its voice is asked for, and is left before it is there.
        browser.value(
            "(() => { const asks = ask; window.flying = 0; window.most = 0; ask = (address, options) => {"
            "if (!address.startsWith('voice/')) return asks(address, options);"
            "flying += 1; most = Math.max(most, flying);"
            "return asks(address, options).finally(() => { flying -= 1; }); }; })()"
        )
        for _ in range(5):
            shown = browser.shown()
            browser.press("j")
            browser.past(shown)
            browser.wait("flying === 1 || document.querySelector('.voice svg')")
        browser.wait("document.querySelector('.voice svg .pitch')")
        assert browser.value("most") == 1
        browser.check()


@needs_chromium
def test_a_blind_reviewer_sees_the_line_and_no_claim(browser: Page, tmp_path: Path, low: str) -> None:
    with Served(records(tmp_path, [row("a", low)]), "-o", tmp_path / "r", "--reviewer", "anna", "--blind") as one:
        browser.at(one.page)
        assert browser.value(f"Boolean({READY})")
        browser.wait("document.querySelector('.voice svg .pitch')")
        assert not browser.texts(".voice .claim") and not browser.texts(".voice .claimed")
        assert "Hz" in browser.texts(".voice .numbers")[0]
        browser.check()

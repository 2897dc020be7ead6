"""A clip's voice on the page: measured once, and what each text claims of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from swift_saber.cli.main import main
from swift_saber.data.rows import write_rows
from swift_saber.report.clip import Clip
from swift_saber.report.media import voice_of
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record
from tests.media.voices import RATE, pulses
from tests.report.browser import Browser, needs_chromium
from tests.report.made import FIELDS, answer, reference
from tests.report.test_page import EVIL

HIGH, LOW = {"acoustic_feat": "A very high pitch."}, {"acoustic_feat": "A very low pitch."}


def clips_page(folder: Path, *options: str, said: str = LOW["acoustic_feat"]) -> Path:
    """A page of three clips: 1.5 s of a voice at 70 Hz and 1.5 s of silence; one without file; one that is no sound."""
    soundfile.write(folder / "low.wav", np.concatenate([pulses(70.0, seconds=1.5), np.zeros(RATE * 3 // 2)]), RATE)
    (folder / "broken.wav").write_text("no sound")
    rows = [
        reference("low", {**FIELDS, "acoustic_feat": said}, audios=[str(folder / "low.wav")]),
        reference("gone", FIELDS | LOW, audios=[str(folder / "gone.wav")]),
        reference("broken", FIELDS | LOW, audios=[str(folder / "broken.wav")]),
    ]
    write_rows(folder / "records.jsonl", rows)
    main(["report", str(folder / "records.jsonl"), "-o", str(folder / "page.html"), "--workers", "1", *options])
    return folder / "page.html"


def data_of(page: Path) -> dict[str, dict[str, Any]]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.S)
    assert found
    return {clip["id"]: clip for clip in json.loads(found[1])["clips"]}


def test_nothing_is_measured_unless_asked_for(tmp_path: Path) -> None:
    assert not any("voice" in clip for clip in data_of(clips_page(tmp_path)).values())


def test_a_voice_is_measured_and_a_file_without_one_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips = data_of(clips_page(tmp_path, "--voice"))
    voice = clips["low"]["voice"]
    assert abs(voice["numbers"]["pitch"] - 70) < 2 and voice["seconds"] == 3.0
    assert voice["pitch"][140] is None and voice["loudness"][140] == -120  # at 2.8 s it is silent
    # Of records there is no reference beside, and the record itself is the only answer.
    [none, own] = voice["claims"]
    assert none is None and [claim["value"] for claim in own] == ["agrees"]
    assert isinstance(clips["broken"]["voice"], str) and clips["broken"]["voice"]
    assert "voice" not in clips["gone"]
    assert "1 voices measured" in capsys.readouterr().out


def test_reference_and_both_answers_are_held_against_the_same_measurement(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "low.wav", pulses(70.0), RATE)
    audios = [str(tmp_path / "low.wav")]
    write_rows(tmp_path / "references.jsonl", [reference("low", FIELDS | LOW)])
    for name, fields in (("a", FIELDS | HIGH), ("b", FIELDS | LOW)):
        write_rows(tmp_path / f"{name}.jsonl", [answer("low", render(Record(**fields), language="en"), audios=audios)])
    files = [str(tmp_path / name) for name in ("a.jsonl", "b.jsonl")]
    options = ["--reference", str(tmp_path / "references.jsonl"), "--voice", "--workers", "1"]
    main(["report", *files, "-o", str(tmp_path / "page.html"), *options])
    claims = data_of(tmp_path / "page.html")["low"]["voice"]["claims"]
    assert [[claim["value"] for claim in of] for of in claims] == [["agrees"], ["contradicts"], ["agrees"]]


def test_a_voice_is_in_the_sound_or_else_in_the_video() -> None:
    assert voice_of(Clip("", videos=["a.mp4"], audios=["a.wav"])) == ("a.wav", "audio")
    assert voice_of(Clip("", videos=["a.mp4"])) == ("a.mp4", "video")
    assert voice_of(Clip("", videos=["a.mp4"], audios=["a.mp4"])) == ("a.mp4", "video")
    assert voice_of(Clip("", videos=["a.mp4", "b.mp4"])) is None and voice_of(Clip("")) is None


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as one:
        one.look(1280)
        yield one


CURSOR = "Number(document.querySelector('.plot-of-voice .now').getAttribute('x1'))"
SOUND = "document.querySelector('#clip audio')"


@needs_chromium
def test_the_cursor_goes_with_the_player_and_a_click_seeks(browser: Browser, tmp_path: Path) -> None:
    # The whole text is one clause, of which the words of the claim are a part.
    browser.open(clips_page(tmp_path, "--voice", said=f"The pitch is very low, {EVIL}"), "#view=clips&clip=low")
    browser.wait("document.querySelector('.plot-of-voice svg') && document.querySelector('audio').duration > 2.9")
    assert browser.texts(".claims .chip.good") and browser.value("document.title") != "RAN"
    assert browser.value("document.querySelectorAll('.voice img, .voice script').length") == 0
    assert browser.value(CURSOR) == 0
    browser.value(
        "(() => { const svg = document.querySelector('.plot-of-voice svg'), box = svg.getBoundingClientRect();"
        "svg.dispatchEvent(new MouseEvent('click', {clientX: box.left + box.width / 2, clientY: box.top + 5})); })()"
    )
    browser.wait(f"Math.abs({SOUND}.currentTime - 1.5) < 0.05 && Math.abs({CURSOR} - 75) < 2")
    browser.value(f"{SOUND}.play()")
    browser.wait(f"{CURSOR} > 85")
    browser.value(f"{SOUND}.pause()")
    # Whatever words a claim may have, they are a text.
    hostile = json.dumps([{"words": EVIL, "property": "__proto__", "value": "constructor", "reason": EVIL}])
    browser.value(f"document.querySelector('.voice').append(claimsOf({{numbers: {{}}}}, null, {hostile}))")
    assert "onerror" in browser.texts(".claim")[-1] and browser.value("document.title") != "RAN"
    assert browser.value("document.querySelectorAll('.voice img, .voice script').length") == 0
    # The picture is described by the numbers, in the language that is shown.
    named = "document.getElementById(document.querySelector('.plot-of-voice svg').getAttribute('aria-labelledby'))"
    assert "Hz" in browser.value(f"{named}.innerText") and "音高" not in browser.value(f"{named}.innerText")
    browser.value("document.getElementById('language').click()")
    assert "音高" in browser.value(f"{named}.innerText")
    assert not browser.faults()


@needs_chromium
def test_what_was_not_measured_says_why(browser: Browser, tmp_path: Path) -> None:
    browser.open(clips_page(tmp_path, "--voice"), "#view=clips&clip=broken")
    browser.wait("document.querySelector('.voice')")
    assert "Not measured: " in browser.texts(".voice")[0] and not browser.texts(".voice svg")

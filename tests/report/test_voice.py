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
from swift_saber.report.clip import Clip, Result, Shown
from swift_saber.report.media import Media, voice_of, voice_scales
from swift_saber.report.page import write_page
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


def many(
    folder: Path, count: int, *, speaker: str = "", source: str = "", said: str = "A high voice."
) -> dict[str, dict[str, Any]]:
    """The clips of a page on which `count` voices are at 301, 302 .. Hz, and 30 of the speaker at 230, 232 .. Hz."""
    hertz = {f"{at}.wav": 301.0 + at for at in range(count)}
    own = {f"own-{at}.wav": 230.0 + 2 * at for at in range(30)} if speaker else {}
    clips = {
        name: Clip(name, audios=[name], speaker=speaker if name in own else "", source=source)
        for name in (*hertz, *own)
    }
    shown = {name: Shown("", fields={"acoustic_feat": said}) for name in clips}

    def media(_: Any) -> dict[tuple[str, Any], Media]:
        line = {"seconds": 1.0, "step": 1.0, "pitch": [], "loudness": [], "unsaid": {}, "pause": None}
        line |= {"thirds": {}, "ranges": {}, "silences": []}
        return {
            (name, "audio"): Media(True, voice={**line, "numbers": {"pitch": at}}) for name, at in (hertz | own).items()
        }

    write_page(folder / "page.html", [Result("rows", "records", None, clips, shown)], media=media)
    return data_of(folder / "page.html")


def verdict(clip: dict[str, Any]) -> tuple[str, str]:
    [_, [claim]] = clip["voice"]["claims"]
    return claim["value"], claim["by"]


def test_voices_are_compared_with_the_clips_of_the_page_where_they_are_enough(tmp_path: Path) -> None:
    # Whoever speaks at 301 Hz has a high voice; but of these it is the lowest.
    clips = many(tmp_path, 51)
    assert verdict(clips["0.wav"]) == ("contradicts", "data set") and verdict(clips["50.wav"]) == ("agrees", "data set")
    assert clips["0.wav"]["voice"]["among"] == {"clips": 51, "source": ""}
    # A clip has 49 others.
    clips = many(tmp_path, 50)
    assert {verdict(clip) for clip in clips.values()} == {("agrees", "bounds")}
    assert clips["0.wav"]["voice"]["among"] == {"clips": 0, "source": ""}


def test_a_speaker_is_compared_with_his_own_clips_and_his_name_is_not_on_the_page(tmp_path: Path) -> None:
    # Of 30 own clips at 230..288 Hz the last is the highest; of all 81 clips, 0.36 are below it.
    clips = many(tmp_path, 51, speaker="Ms Example")
    assert verdict(clips["own-29.wav"]) == ("agrees", "speaker") and verdict(clips["19.wav"])[1] == "data set"
    assert "Ms Example" not in (tmp_path / "page.html").read_text()


def test_each_source_has_a_scale_of_its_own_and_a_file_counts_once() -> None:
    line = {"numbers": {"pitch": 200.0}, "unsaid": {}}
    clips = [
        Clip(f"{source}-{at}", audios=[f"{source}-{at}.wav"], source=source) for source in "ab" for at in range(51)
    ]
    media: dict[tuple[str, Any], Media] = {(clip.audios[0], "audio"): Media(True, voice=line) for clip in clips}
    assert {name: scale.clips for name, scale in voice_scales(clips, media).items()} == {"a": 51, "b": 51}
    assert {name: scale.clips for name, scale in voice_scales(clips[:60] * 2, media).items()} == {"a": 51}
    assert voice_scales(clips, dict.fromkeys(media, Media(True, voice="has no sound"))) == {}


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


MARK = "document.querySelector('.marks .{} {}')"


@needs_chromium
def test_claims_are_marked_on_the_line_in_their_places(browser: Browser, tmp_path: Path) -> None:
    # 1 s of a voice that glides from 110 to 130 Hz, 1 s of silence, 1 s from 160 to 190 Hz and 8 dB softer: 3 s.
    course = np.linspace(0, 1, RATE)
    low = pulses(110 * (130 / 110) ** course, seconds=1.0)
    high = pulses(160 * (190 / 160) ** course, seconds=1.0, loudness=-28.0)
    sound = [low, np.zeros(RATE), high]
    soundfile.write(tmp_path / "rising.wav", np.concatenate(sound), RATE)
    said = f"The pitch is very high and rising. The volume rises. There is a pause. The pitch is low, {EVIL}"
    row = reference("rising", {**FIELDS, "acoustic_feat": said}, audios=[str(tmp_path / "rising.wav")])
    write_rows(tmp_path / "records.jsonl", [row])
    page = tmp_path / "page.html"
    main(["report", str(tmp_path / "records.jsonl"), "-o", str(page), "--voice", "--workers", "1"])
    browser.open(page, "#view=clips&clip=rising")
    browser.wait("document.querySelector('.marks .pause rect')")
    place = f"(() => {{ const at = {MARK.format('pause', 'rect')}; return [at.x.baseVal, at.width.baseVal]"
    start, width = browser.value(f"{place}.map((each) => each.valueInSpecifiedUnits); }})()")
    assert abs(start - 100 / 3) < 2 and abs(width - 100 / 3) < 2
    assert browser.value("document.querySelector('.marks .pause').classList.contains('good')")
    # Upwards is less; the first third ends at the first second, and the last is the last one.
    line = "document.querySelectorAll('.marks .change line')"
    ends = browser.value(
        f"[...{line}].map((one) => ['x1', 'x2', 'y1', 'y2'].map((name) => parseFloat(one.getAttribute(name))))"
    )
    pitch, loudness = sorted(ends, key=lambda end: end[2])
    assert (
        abs(pitch[0] - 50 / 3) < 8 and abs(pitch[1] - 250 / 3) < 8 and pitch[3] < pitch[2] and loudness[3] > loudness[2]
    )
    kinds = "[...document.querySelectorAll('.marks .change')].map((one) => one.getAttribute('class'))"
    assert sorted(browser.value(kinds)) == ["mark change bad", "mark change good"]
    # Both claims about the level of pitch are at one line, in the colours of their verdicts.
    words = "document.querySelector('.marks .level text')"
    assert "very high" in browser.value(f"{words}.textContent") and "low" in browser.value(f"{words}.textContent")
    assert browser.value("document.title") != "RAN" and not browser.value(
        "document.querySelectorAll('.marks img').length"
    )
    # A claim that is reached by the keyboard makes its mark stand out, and a mark that is pointed at its claim.
    chips = "[...document.querySelectorAll('.chip.claim')]"
    chip = f"{chips}.find((one) => one.innerText.includes('pause'))"
    assert browser.value(f"{chip}.tabIndex") == 0
    browser.value(f"{chip}.focus()")
    assert browser.value(
        "[...document.querySelectorAll('.mark:has(.on)')].map((one) => one.getAttribute('class'))"
    ) == ["mark pause good"]
    assert browser.value(f"document.getElementById({chip}.getAttribute('aria-details')).matches('.pause')")
    browser.value(f"{chip}.blur()")
    browser.value(f"{MARK.format('pause', 'rect')}.dispatchEvent(new MouseEvent('mouseenter'))")
    assert browser.value(f"{chips}.filter((one) => one.matches('.on')).length") == 1
    assert browser.value(f"{chip}.matches('.on')")
    assert browser.texts(".compared") == ["compared with bounds out of the literature"]
    assert not browser.faults()


@needs_chromium
def test_every_claim_is_beside_the_drawing_once_with_its_number(browser: Browser, tmp_path: Path) -> None:
    numbers = {"pitch": 70.0, "loudness": -25.0, "pitch_range": 2.0, "loudness_range": 25.0, "rate": 3.0, "pause": 0.4}
    line = {"seconds": 2.0, "step": 0.5, "pitch": [70, 70, None, 72], "loudness": [-20, -30, -90, -20], "unsaid": {}}
    line |= {"numbers": numbers, "pause": [1.0, 1.4], "silences": [[0.0, 0.2], [1.0, 1.4]]}
    line |= {"ranges": {"pitch": [68.0, 76.0], "loudness": [-45.0, -20.0]}}
    line |= {"thirds": {name: [[0.2, 0.8, at], [1.4, 2.0, at]] for name, at in (("pitch", 70.0), ("loudness", -25.0))}}
    texts = ["A low voice, very fast.", "It trembles.", "The pitch range is very wide, the dynamic range narrow."]
    path = str(tmp_path / "a.wav")
    soundfile.write(path, np.zeros(2 * RATE), RATE)
    clip = Clip("a", audios=[path])
    shown = {"a": Shown("", fields={"acoustic_feat": " ".join([*texts, "The voice rises at the end."])})}
    media: dict[tuple[str, Any], Media] = {(path, "audio"): Media(True, voice=line)}
    result = Result("rows", "records", None, {"a": clip}, shown)
    write_page(tmp_path / "page.html", [result], media=lambda _: media)
    browser.open(tmp_path / "page.html", "#view=clips&clip=a")
    browser.wait("document.querySelector('.marks .level')")
    # What may be pitch or loudness is one mark at both.
    marked = "[...document.querySelectorAll('.marks .{} text')].map((one) => one.textContent)"
    [either] = browser.value(marked.format("level"))
    assert either.endswith(" low voice")
    assert len(browser.value(marked.format("change"))) == 1
    assert browser.value("document.querySelectorAll('.marks .change line').length") == 2
    # Half of the drawing's 50 dB, which end at -20: of 78 to 106 px, 78 to 92.
    bands = "[...document.querySelectorAll('.marks .range rect')].map((one) => [one.y, one.height])"
    [_, loud] = browser.value(f"{bands}.map((ends) => ends.map((end) => end.baseVal.value))")
    assert loud == pytest.approx([78, 14], abs=0.1)
    silences = "[...document.querySelectorAll('.plot-of-voice .silence')].map((one) => [one.x, one.width])"
    found = browser.value(f"{silences}.map((ends) => ends.map((end) => end.baseVal.valueInSpecifiedUnits))")
    assert found == [pytest.approx([0, 10], abs=0.1), pytest.approx([50, 20], abs=0.1)]
    # With its verdict and the number that it is about, or why there is none.
    said = [
        text for text in browser.texts(".chip.claim") if any(word in text for word in ("fast", "trembles", "range"))
    ]
    assert [text[0] + text.partition(" · ")[2] for text in said] == [
        "✗rate 3.0 syllables/s",
        "?tremor (no property that is measured)",
        "✗pitch range 2.0 semitones",
        "?loudness range 25 dB (nothing to compare it with)",
    ]
    browser.value("document.getElementById('language').click()")
    assert any(text.endswith("语速 3.0 音节/秒") for text in browser.texts(".chip.claim"))
    browser.look(400)
    outside = "[...document.querySelectorAll('.chip.claim, .plot-of-voice svg')].filter((one) => {}).length"
    assert not browser.value(outside.format("one.getBoundingClientRect().right > innerWidth"))
    assert not browser.value(outside.format("one.scrollWidth > one.clientWidth && one.matches('.chip')"))
    browser.look(1280)
    browser.value("document.getElementById('language').click()")
    assert not browser.faults()


@needs_chromium
def test_the_page_says_with_what_it_compares(browser: Browser, tmp_path: Path) -> None:
    many(tmp_path, 51, source="MELD")
    browser.open(tmp_path / "page.html", "#view=clips&clip=0.wav")
    browser.wait("document.querySelector('.compared')")
    assert browser.texts(".compared") == ["compared with the 51 clips of this page (source MELD)"]

"""The report shows what became of the clips, and nothing that comes from data can run in it."""

import random
import re
import shutil
import subprocess
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from swift_saber.pipeline.result.report import render
from swift_saber.pipeline.result.survey import Lot, Numbers, survey
from swift_saber.text.files import write_text
from tests.pipeline.result.run_folder import RECORD, clip, drop, write_run

EVIL = (
    "'\"></title></span></script><script>document.title='RAN'</script>"
    "<img src=x onerror=\"document.title='RAN'\">$body\u202e"
)
STAGES = ("clean", "annotate", "speech", "visual", "consistency", "split")


class Page(HTMLParser):
    """All elements and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"


def write_report(folder: Path) -> Path:
    write_text(folder / "report.html", render(folder, survey(folder)))
    return folder / "report.html"


def page_of(folder: Path) -> Page:
    return Page(write_report(folder).read_text(encoding="utf-8"))


def small_run(folder: Path, **run: Any) -> Path:
    a, b, c = clip("a"), clip("b", "mead", "zh"), clip("c", "mead", "zh")
    a |= {"labels": {"emotion": "happy"}, "transcript": "Great, thanks a lot."}
    clean = a | {"measures": {"seconds": 3.5, "sound": {"loudness": -23}}}
    done = clean | RECORD
    stages = {
        "manifest": ([a, b, c], []),
        "clean": ([clean], [drop(b, "mute", -71.5, -60), drop(c, "mute", -65, -60)]),
        "annotate": ([done], []),
    }
    return write_run(folder, stages, **run)


def hostile_run(folder: Path) -> Path:
    """A run whose every text from outside is EVIL: ids, sources, paths, labels, records, reasons, recipe, and keys."""
    evil = {EVIL: EVIL, "deep": [{EVIL: [EVIL]}]}
    row = clip(
        EVIL,
        EVIL,
        EVIL,
        transcript=EVIL,
        labels={"emotion": EVIL, "own_emotions": [EVIL], **evil},
        speaker=EVIL,
        origin=EVIL,
    )
    row |= {
        "videos": [f"/{EVIL}.mp4", "javascript:document.title='RAN'", EVIL],
        "audios": ["https://x/" + EVIL, "data:x"],
    }
    row |= {"audio_desc": evil, "video_desc": EVIL, "measures": {EVIL: 1}, "speech": {EVIL: 0.5}, "visual": evil}
    row |= {"facial_exp_desc": EVIL, "body_lang_desc": EVIL, "sentiment_analysis": EVIL, "cues": [EVIL]}
    row |= {"consistency": EVIL, "part": EVIL, "split": EVIL}
    stages: dict[str, Any] = {"manifest": ([row, row | {"id": "2"}], [])}
    dropped = [drop(row, EVIL, EVIL, EVIL), drop(row, EVIL + "2", 3, evil)]
    for stage in STAGES:
        stages[stage] = ([row], dropped if stage == "clean" else [])
    stages["clean"] = ([row], [drop(row, EVIL, 3, EVIL)])
    counted = {EVIL: {EVIL: 1}}
    said: dict[str, Any] = {"skipped": counted, "noted": counted, "examples": {EVIL: {EVIL: [EVIL]}}, "usage": counted}
    write_run(folder, stages, recipe=evil, versions={EVIL: EVIL}, **said)
    return folder


def test_the_funnel_says_what_entered_left_and_why(tmp_path: Path) -> None:
    text = re.sub(r"[ \n]+", " ", page_of(small_run(tmp_path)).text)
    assert "clean 3 1 2 mute: 2 66.7\u00a0%" in text
    assert "annotate 1 1 0" in text


def test_clips_play_by_a_path_relative_to_the_page(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "run"
    video = tmp_path / "data" / "笑 #1 100%.mp4"
    row = clip("a") | {"videos": [str(video)], "audios": [str(video.with_suffix(".wav"))]}
    write_run(folder, {"manifest": ([row], []), "clean": ([row], [])})
    elements = page_of(folder).elements
    sources = {tag: given["src"] for tag, given in elements if tag in ("video", "audio")}
    assert unquote(str(sources["video"])) == "../../data/笑 #1 100%.mp4"
    assert "#" not in str(sources["video"])
    assert unquote(str(sources["audio"])) == "../../data/笑 #1 100%.wav"


def test_each_reason_shows_its_value_and_limit(tmp_path: Path) -> None:
    text = page_of(small_run(tmp_path)).text.split("\n")
    assert "-71.5" in text
    assert "-60" in text


def test_numbers_that_stages_measured_are_drawn(tmp_path: Path) -> None:
    found = survey(small_run(tmp_path))
    assert {key: dict(of.counts) for key, of in found.numbers.items()} == {
        ("clean", "seconds"): {3.5: 1},
        ("clean", "sound.loudness"): {-23.0: 1},
    }
    assert dict(found.values["clean", "mute"].counts) == {-71.5: 1, -65.0: 1}
    assert "clean · sound.loudness" in page_of(tmp_path).text


def test_what_readers_noted_is_there_with_examples(tmp_path: Path) -> None:
    said = {"noted": {"mead": {"not read as it stands": 4}}}
    examples = {"mead": {"not read as it stands": ["M003/1", "M003/2", "M003/3", "M003/4"]}}
    text = re.sub(r"[ \n]+", " ", page_of(small_run(tmp_path, **said, examples=examples)).text)
    assert "mead not read as it stands 4 M003/1, M003/2, M003/3, ..." in text


def test_emotions_of_a_sources_own_are_drawn_beside_the_common_ones(tmp_path: Path) -> None:
    rows = [clip("a", labels={"emotion": "happy"}), clip("b", labels={"own_emotions": ["calm"]})]
    write_run(tmp_path, {"manifest": (rows, []), "clean": (rows, [])})
    text = re.sub(r"[ \n]+", " ", page_of(tmp_path).text)
    assert "calm 1 / 1 happy 1 / 1" in text
    assert "A clip may have several emotions; these are the sources' own words: 一个" in text
    assert "以下为数据源自己的用词： calm" in text


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = write_report(small_run(tmp_path)).read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=\"(?:[a-z]+:|//)", page)
    assert "@import" not in page
    assert "url(" not in page


def test_all_words_of_the_page_itself_are_there_in_both_languages(tmp_path: Path) -> None:
    elements = page_of(small_run(tmp_path)).elements
    classes = Counter(given.get("class") for tag, given in elements if tag == "span")
    assert classes["en"] == classes["zh"] > 20


def test_a_run_that_left_nothing_or_is_not_finished_has_a_report(tmp_path: Path) -> None:
    write_run(tmp_path / "none", {"manifest": ([clip("a")], []), "annotate": ([], [drop(clip("a"), "no record", {})])})
    assert "no record: 1" in page_of(tmp_path / "none").text
    write_run(tmp_path / "empty", {"manifest": ([], []), "clean": ([], [])})
    page_of(tmp_path / "empty")
    write_run(tmp_path / "half", {"manifest": ([clip("a"), clip("b")], []), "clean": ([clip("a")], [])})
    assert "not finished" in page_of(tmp_path / "half").text


def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    small_run(tmp_path, recipe={"annotate": {"base_url": "http://me:hunter2@host:1/v1"}})
    page = write_report(tmp_path).read_text(encoding="utf-8")
    assert "hunter2" not in page
    assert "http://host:1/v1" in page


def test_a_text_that_is_very_long_is_cut_and_it_is_said(tmp_path: Path) -> None:
    row = clip("a", transcript="x" * 1_000_000)
    write_run(tmp_path, {"manifest": ([row], []), "clean": ([row], [])})
    text = page_of(tmp_path).text
    assert "997,000" in text
    assert len(text) < 50_000


def test_the_same_few_clips_are_drawn_whatever_the_order() -> None:
    names = [f"clip{number}" for number in range(1000)]
    drawn = []
    for seed in (1, 2):
        random.Random(seed).shuffle(names)
        lot = Lot(4, "0 clean")
        for name in names:
            lot.add(name, name)
        drawn.append(lot.drawn())
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 4


def test_every_clip_is_as_likely_to_be_drawn() -> None:
    # 400 lots of 1 among 4: 100 each expected, with a deviation of sqrt(400 * 1/4 * 3/4) = 8.7; four of them are 35.
    drawn: Counter[str] = Counter()
    for seed in range(400):
        lot = Lot(1, str(seed))
        for name in "abcd":
            lot.add(name, name)
        drawn.update(lot.drawn())
    assert all(65 < drawn[name] < 135 for name in "abcd")


def test_a_distribution_has_a_bound_and_keeps_its_shape() -> None:
    numbers = Numbers()
    for value in range(100_000):
        numbers.add(value / 1000)
    # Three digits: 900 values for each of 1..10 and 10..100, 100 times 9 below for 0.1..1, 0.01..0.1 ..., and 0.
    assert len(numbers.counts) < 3000
    assert numbers.counts.total() == 100_000
    assert numbers.quantile(0.5) == 50
    assert numbers.bins(4) == [pytest.approx(25_000, abs=150)] * 4


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    page = page_of(hostile_run(tmp_path))
    tags = Counter(tag for tag, _ in page.elements)
    assert tags["script"] == 1
    # That of the page, and one for each bar of a histogram, which alone have a y.
    assert tags["title"] == 1 + sum(tag == "rect" and "y" in given for tag, given in page.elements)
    assert not tags.keys() & {"img", "iframe", "object", "link", "base", "form"}
    for tag, given in page.elements:
        assert not [name for name in given if name.startswith("on")]
        for name in ("src", "href"):
            assert not re.match(r"[\s\x00-\x20]*[a-zA-Z][\w+.-]*:", given.get(name) or ""), (tag, given)
    assert page.text.count(EVIL) > 30


def test_a_lone_surrogate_does_not_stop_the_report(tmp_path: Path) -> None:
    row = clip("a", transcript="\ud83d", videos=["/\ud83d.mp4"])
    write_run(tmp_path, {"manifest": ([], []), "clean": ([], [])})
    (tmp_path / "manifest/kept/00000.jsonl").write_text(
        '{"id": "a", "videos": ["/\\ud83d.mp4"], "transcript": "\\ud83d"}\n'
    )
    shutil.copy(tmp_path / "manifest/kept/00000.jsonl", tmp_path / "clean/kept/00000.jsonl")
    assert row["id"] in page_of(tmp_path).text


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_hostile_texts_do_not_run_in_a_browser(tmp_path: Path) -> None:
    folder = hostile_run(tmp_path / "run")
    page = write_report(folder)
    # What would run without escaping does run in this browser.
    control = tmp_path / "control.html"
    control.write_text(f"<title>x</title>{EVIL}", encoding="utf-8")
    assert "<title>RAN</title>" in in_browser(control, tmp_path)
    shown = in_browser(page, tmp_path)
    assert "<title>SABER pipeline · run report</title>" in shown
    # The page's own script ran: the browser asks for Chinese.
    assert '<html lang="zh">' in shown


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_the_policy_stops_what_escaping_would_have_let_through(tmp_path: Path) -> None:
    page = write_report(small_run(tmp_path / "run"))
    page.write_text(page.read_text(encoding="utf-8").replace("<main>", f"<main>{EVIL}"), encoding="utf-8")
    assert "<title>SABER pipeline · run report</title>" in in_browser(page, tmp_path)


def in_browser(page: Path, profile: Path) -> str:
    """The page's document after its scripts have run."""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile / 'profile'}"]
    command += ["--lang=zh-CN", "--accept-lang=zh-CN", "--virtual-time-budget=2000", "--dump-dom", page.as_uri()]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.decode()

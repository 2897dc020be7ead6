"""report/media.py: what stands in the place of clips that a browser cannot play, and the page that shows it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile

from swift_saber.cli import Parser
from swift_saber.cli.report import add_report
from swift_saber.media import playable, read
from swift_saber.report import media
from swift_saber.report.clip import Clip
from swift_saber.report.media import files_of, make_media
from swift_saber.report.page import write_page
from swift_saber.report.results import read_results
from tests.media_faults import encode, frames, sound
from tests.report.browser import Browser, needs_chromium
from tests.report.made import answer, write_answers
from tests.report.test_page import Page

CODECS = {"good.mp4": {}, "part2.avi": {"codec": "mpeg4", "audio": "mp2"}, "hevc.mp4": {"codec": "libx265"}}


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name, form in CODECS.items():
        encode(folder / name, frames(), sound(), **form)
    (folder / "broken.mp4").write_text("no clip", encoding="utf-8")
    return folder


def report(folder: Path, clips: Path, *options: str) -> Path:
    """Make a page of all clips by the command."""
    rows = [answer(path.stem, videos=[str(path)]) for path in sorted(clips.iterdir())]
    answers = write_answers(folder / "out.jsonl", rows)
    parser = Parser()
    add_report(parser.add_subparsers())
    args = parser.parse_args(["report", str(answers), "-o", str(folder / "p.html"), "--workers", "1", *options])
    args.run(args)
    return folder / "p.html"


def test_files_are_those_of_this_machine_each_once(tmp_path: Path) -> None:
    encode(tmp_path / "a.mp4", frames(2))
    path = str(tmp_path / "a.mp4")
    both = [Clip("1", videos=[path, "https://host/a.mp4", str(tmp_path / "gone.mp4"), 3]), Clip("2", videos=[path])]
    assert files_of([*both, Clip("3", audios=[path])]) == [(path, "video"), (path, "audio")]
    assert files_of([Clip("own sound", videos=[path], audios=[path])]) == [(path, "video")]


def test_files_that_are_not_there_are_counted_and_the_page_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        (folder / name).symlink_to(tmp_path / "gone")
    page = Page(report(tmp_path, folder))
    assert [clip["videos"][0]["name"] for clip in page.data["clips"]] == [str(folder / "a.mp4"), str(folder / "b.mp4")]
    assert f"2 files are not there (the first: {folder / 'a.mp4'})" in capsys.readouterr().out


def test_what_does_not_play_has_a_picture_beside_the_page_and_what_cannot_be_read_is_named(
    tmp_path: Path, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Page(report(tmp_path, clips))
    said = capsys.readouterr()
    assert "2 files are in forms that not every browser plays" in said.out
    assert "broken.mp4: cannot be decoded" in said.err
    files = {clip["id"]: clip["videos"][0] for clip in page.data["clips"]}
    assert files["good"].keys() == {"name", "address"}
    for name, form in (("part2", "avi (mpeg4, mp2)"), ("hevc", "mp4 (hevc, aac)")):
        assert (files[name]["plays"], files[name]["form"]) == (False, form)
        assert (tmp_path / files[name]["poster"]).read_bytes().startswith(b"\xff\xd8\xff")
    assert "cannot be decoded" in files["broken"]["problem"]
    assert len(list((tmp_path / "p_files").iterdir())) == 2


def test_every_video_has_a_picture_on_request_and_none_is_made_twice(tmp_path: Path, clips: Path) -> None:
    page = Page(report(tmp_path, clips, "--posters"))
    posters = {clip["id"]: clip["videos"][0].get("poster") for clip in page.data["clips"]}
    assert {name for name, poster in posters.items() if poster is None} == {"broken"}
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "p_files").iterdir()}
    report(tmp_path, clips, "--posters")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "p_files").iterdir()} == made
    encode(clips / "good.mp4", frames(8))  # another clip of that name
    report(tmp_path, clips, "--posters")
    assert len(list((tmp_path / "p_files").iterdir())) == len(made) + 1


def test_sound_that_does_not_play_is_copied_too(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.aiff", sound(), 16_000)
    soundfile.write(tmp_path / "a.wav", sound(), 16_000)
    files = files_of([Clip("a", audios=[str(tmp_path / "a.aiff"), str(tmp_path / "a.wav")])])
    found = make_media(files, tmp_path / "beside", copies=True)
    assert [(each.plays, bool(each.copy)) for each in found.values()] == [(False, True), (True, False)]


def test_where_nothing_can_be_written_beside_the_page_it_is_said_of_the_clip(tmp_path: Path, clips: Path) -> None:
    (tmp_path / "p_files").write_text("a file", encoding="utf-8")
    page = Page(report(tmp_path, clips, "--posters"))
    files = {clip["id"]: clip["videos"][0] for clip in page.data["clips"]}
    said = "its picture or copy cannot be written: File exists"
    assert files["good"].keys() == {"name", "address"}  # it plays without a picture
    assert (files["hevc"]["problem"], files["hevc"]["form"]) == (said, "mp4 (hevc, aac)")


def test_a_file_that_plays_is_opened_once(tmp_path: Path, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_media(path: str, **more: str) -> Any:
        opened.append(path)
        return read.open_media(path, **more)

    monkeypatch.setattr(playable, "open_media", open_media)
    soundfile.write(tmp_path / "a.wav", sound(), 16_000)
    for path, kind in ((str(clips / "good.mp4"), "video"), (str(tmp_path / "a.wav"), "audio")):
        assert media._make(path, kind, str(tmp_path / "made"), posters=False, copies=True, voice=False)["plays"]
    assert opened == [str(clips / "good.mp4"), str(tmp_path / "a.wav")]


def test_what_measures_voices_is_loaded_only_where_one_is_asked_for(tmp_path: Path) -> None:
    rows = write_answers(tmp_path / "out.jsonl", [answer("1")])
    script = (
        "import sys; from swift_saber.cli.main import main; "
        f"main(['report', {str(rows)!r}, '-o', {str(tmp_path / 'p.html')!r}]); "
        "print([name for name in ('numpy.random', 'scipy', 'swift_saber.media.prosody') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as one:
        one.look(1280)
        yield one


@needs_chromium
def test_a_form_that_the_browser_does_not_play_is_named_with_a_picture_in_its_place(
    browser: Browser, tmp_path: Path, clips: Path
) -> None:
    browser.open(report(tmp_path, clips), "#clip=part2")
    browser.wait("document.querySelector('.poster') && document.querySelector('.poster').naturalWidth === 56")
    assert browser.value("document.querySelector('video').hidden") is True
    [line] = browser.texts(".cannot")
    assert (
        line
        == "This browser does not play avi (mpeg4, mp2): swift-saber report --transcode writes a copy that it plays."
    )
    browser.open(tmp_path / "p.html", "#clip=broken")
    browser.wait("document.querySelector('.cannot')")
    assert "cannot be decoded" in browser.texts(".media")[0]


@needs_chromium
def test_of_a_picture_that_stays_black_the_sound_plays_beside_its_poster(
    browser: Browser, tmp_path: Path, clips: Path
) -> None:
    """A browser that lacks HEVC plays the file's AAC and reports no error."""
    browser.open(report(tmp_path, clips), "#clip=hevc")
    browser.wait("document.querySelector('video').videoWidth || document.querySelector('.cannot')")
    if browser.value("document.querySelector('video').videoWidth"):
        pytest.skip("this Chromium plays HEVC")
    browser.wait("document.querySelector('.poster').naturalWidth === 56")
    browser.wait("document.querySelector('audio').duration > 1")
    assert browser.value("document.querySelector('video').hidden") is True
    assert "does not play mp4 (hevc, aac)" in browser.texts(".cannot")[0]


@needs_chromium
def test_a_sound_inside_its_video_has_no_player_of_its_own(browser: Browser, tmp_path: Path, clips: Path) -> None:
    path = str(clips / "good.mp4")
    write_page(
        tmp_path / "p.html",
        read_results(write_answers(tmp_path / "o.jsonl", [answer("a", videos=[path], audios=[path])])),
    )
    browser.open(tmp_path / "p.html")
    browser.wait("document.querySelector('video').readyState > 0")
    assert browser.value("document.querySelectorAll('audio').length") == 0
    assert browser.value("document.querySelector('video').muted") is False
    assert "separate" not in browser.texts(".players")[0]


@needs_chromium
def test_copies_are_played_in_the_place_of_what_is_linked(browser: Browser, tmp_path: Path, clips: Path) -> None:
    page = report(tmp_path, clips, "--transcode")
    for name in ("part2", "hevc"):
        browser.open(page, f"#clip={name}")
        browser.value("document.querySelector('video').muted = true")
        browser.press("p")
        browser.wait("document.querySelector('video').currentTime > 0.2")
        assert browser.value("document.querySelector('video').currentSrc").endswith("-video.mp4")
        assert "A copy for browsers is played" in browser.texts(".media")[0]
        assert browser.value("document.querySelector('a.path').href").startswith((clips / name).as_uri())
    assert browser.faults() == []
    (tmp_path / "p_files").rename(tmp_path / "moved")
    encode(clips / "hevc.mp4", frames(), sound())  # without its copy the file itself is tried
    browser.open(page, "#clip=hevc")
    browser.wait("document.querySelector('video').readyState > 0")
    assert browser.value("document.querySelector('video').hidden") is False
    assert "A copy for browsers is played" not in browser.texts(".media")[0]

"""The page in a real Chromium: what a visitor does and sees; the model behind it is scripted."""

import json
import os
import queue
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest

from swift_saber.app.answers import Answers
from swift_saber.models.endpoint import Answer
from swift_saber.models.process import AnswerError
from swift_saber.sed.layout import render
from swift_saber.sed.record import DIMENSIONS, Record
from tests.media_faults import encode, frames, sound
from tests.report.browser import Browser, needs_chromium

needs_gradio = pytest.mark.skipif(find_spec("gradio") is None, reason="the extra `app` is not installed")
pytestmark = [needs_chromium, needs_gradio]

CLASH = Record("A wall.", "The voice is hostile.", "Oh, <great>.", "The face smiles.", "Still.", "She is sarcastic.")
TEXT = render(CLASH, language="en")
HALF = TEXT[: TEXT.index("### Speech") + 5]
STATE = "(document.querySelector('#answer .saber') || {dataset: {}}).dataset.state"


class Model:
    """Writes what the test puts into `pieces`: texts, an error, None for the end."""

    def __init__(self) -> None:
        self.pieces: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.asked: list[dict[str, Any]] = []

    def stream(self, row: dict[str, Any]) -> Iterator[Answer]:
        self.asked.append(row)
        pieces = self.pieces
        while (piece := pieces.get(timeout=60)) is not None:
            if isinstance(piece, Exception):
                raise piece
            yield Answer(piece)

    def says(self, *pieces: Any) -> None:
        for piece in pieces:
            self.pieces.put(piece)


@pytest.fixture(scope="module")
def one_model() -> Model:
    return Model()


@pytest.fixture
def model(one_model: Model) -> Iterator[Model]:
    yield one_model
    one_model.says(None)  # ends what a failed test has left
    one_model.pieces = queue.SimpleQueue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def address(one_model: Model, folder: Path) -> Iterator[str]:
    import uvicorn

    from swift_saber.app.run import application
    from swift_saber.html.serving import listening

    words = {language: {"language": language} for language in ("zh", "en")}
    app = application(Answers(one_model.stream, 1), words, "en", folder, "127.0.0.1")
    with listening("127.0.0.1", 0, "app") as (listener, at):
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        yield at
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:
    with Browser() as one:
        yield one


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Browser]:
    """The page, freshly opened; in every test: no exception, and no address but its own."""
    browser.look(1280)
    browser.visit(address)
    browser.wait("document.querySelector('#read') && document.querySelector('#clip input[type=file]')")
    yield browser
    assert not browser.faults()
    elsewhere = [url for url in browser.asked() if not url.startswith((address, "data:", "blob:", "about:"))]
    assert not elsewhere


def click(page: Browser, selector: str) -> None:
    page.wait(f"document.querySelector({selector!r})")
    page.value(f"document.querySelector({selector!r}).click()")


def read_example(page: Browser) -> None:
    click(page, "#example-0")
    page.wait("document.querySelector('#clip video')")
    click(page, "#read")


def test_the_dimensions_are_seen_as_they_are_written_then_the_conflict_and_the_record(
    page: Browser, model: Model
) -> None:
    read_example(page)
    page.wait(f"{STATE} === 'open'")
    model.says(HALF)
    page.wait("document.querySelector('[data-name=acoustic_feat]')")
    # The model has not written more: of a heading in the middle nothing is seen, and nothing is concluded.
    assert page.texts("#answer h3") == ["Scene", "Voice"]
    assert not page.texts("#answer .conflict")
    model.says(TEXT.removeprefix(HALF), None)
    page.wait(f"{STATE} === 'done'")
    assert page.texts("#answer .conflict") == ["Conflict: the face is positive, the voice is negative."]
    assert page.texts("#answer .chip") == ["negative", "positive", "sarcastic"]
    assert page.texts("#answer section p") == [getattr(CLASH, name) for name in DIMENSIONS]
    assert page.texts("#answer .status")[0].startswith("conflict.mp4: read in ")
    for dark in (False, True):
        page.look(1280, dark=dark)
        for selector in (".conflict", ".clash .chip", ".dimension p", ".dimension h3", ".status"):
            assert page.value(f"({_CONTRAST})(document.querySelector('#answer {selector}'))") >= 4.5, (dark, selector)
    # The button makes a link and clicks it.
    page.value("HTMLAnchorElement.prototype.click = function () { window.given = [this.href, this.download] }")
    click(page, "#record")
    page.wait("window.given")
    address, name = page.value("window.given")
    record = json.loads(page.value(f"fetch({address!r}).then(reply => reply.text())"))
    assert name == "conflict.json"
    assert record["response"] == TEXT and record["conflict"] is True and record["emotion"] == "sarcastic"
    assert set(record["fields"]) == set(DIMENSIONS)


def test_a_clip_that_is_dropped_is_asked_about_with_its_sound(page: Browser, model: Model, tmp_path: Path) -> None:
    encode(tmp_path / "采访 1.mp4", frames(), sound())
    page.give("#clip input[type=file]", tmp_path / "采访 1.mp4")
    page.wait("document.querySelector('#clip video')")
    click(page, "#language label:nth-of-type(2)")
    click(page, "#read")
    model.says(TEXT, None)
    page.wait(f"{STATE} === 'done'")
    row = model.asked[-1]
    assert row["videos"] == row["audios"] and row["language"] == "zh"
    assert page.texts("#answer h3")[0] == "视频场景"


def test_a_clip_is_recorded(page: Browser, model: Model) -> None:
    click(page, "#clip [aria-label='Capture from camera']")
    click(page, "#clip [title='grant webcam access'] button")
    camera = "document.querySelector('#clip [data-testid=webcam-video]')"
    page.wait(f"{camera}.currentTime > 0.5")
    page.value(_COUNTED)
    click(page, "#clip button:has([title='start recording'])")
    page.wait("document.querySelector(\"#clip [title='stop recording']\")")
    page.wait("window.recorded > 40_000", 60)  # bytes of some dozen frames, however busy the machine is
    click(page, "#clip button:has([title='stop recording'])")
    page.wait("document.querySelector('#clip video[src]')")
    click(page, "#read")
    model.says(TEXT, None)
    page.wait(f"['done', 'failed'].includes({STATE})")
    assert not page.texts("#answer .problem")
    [path] = model.asked[-1]["videos"]
    assert path.endswith(".webm") and model.asked[-1]["audios"] == [path]


_COUNTED = """(() => {
  const start = MediaRecorder.prototype.start
  window.recorded = 0
  MediaRecorder.prototype.start = function () {
    this.addEventListener('dataavailable', event => { window.recorded += event.data.size })
    start.call(this, 200)
  }
})()"""


def test_what_is_wrong_is_one_line_and_the_next_clip_is_read(page: Browser, model: Model, tmp_path: Path) -> None:
    click(page, "#read")
    page.wait(f"{STATE} === 'failed'")
    assert page.texts("#answer .problem") == ["Drop a clip, record one, or take an example."]
    read_example(page)
    model.says(HALF, AnswerError("no room", memory=True))
    page.wait("document.querySelector('#answer .problem')?.innerText.startsWith('there is none')")
    assert page.texts("#answer .problem") == ["there is none: no room; try another clip, or this one again"]
    click(page, "#read")
    model.says(TEXT, None)
    page.wait(f"{STATE} === 'done'")


def test_an_answer_is_stopped(page: Browser, model: Model) -> None:
    read_example(page)
    model.says(HALF)
    page.wait("document.querySelector('[data-name=acoustic_feat]')")
    assert not page.value("document.querySelector('#record')")
    click(page, "#stop")
    page.wait(f"{STATE} === 'waiting'")
    model.says(TEXT.removeprefix(HALF), None)  # the model writes on until it sees that nobody waits
    assert page.texts("#answer .status") == ["Stopped."]


# WCAG 2.2: the contrast of an element's text with what lies behind it.
_CONTRAST = """element => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true})
  const behind = []
  for (let each = element; each; each = each.parentElement) behind.unshift(getComputedStyle(each).backgroundColor)
  const luminance = colours => {
    canvas.clearRect(0, 0, 1, 1)
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1) }
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(value => value / 255)
      .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const [low, high] = [luminance(behind), luminance([...behind, getComputedStyle(element).color])].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}"""


def test_no_file_but_those_given_is_given_out(address: str, folder: Path) -> None:
    for path in ("/etc/passwd", os.path.abspath(__file__), str(folder / "examples" / "..")):
        assert httpx.get(f"{address}/gradio_api/file={path}", trust_env=False).status_code in {403, 404}, path


def test_a_page_of_another_name_is_not_this_one(address: str) -> None:
    assert httpx.get(address, trust_env=False).status_code == 200
    assert httpx.get(address, headers={"Host": "evil.example"}, trust_env=False).status_code == 400

"""app/view.py: the HTML of an answer, read back as HTML."""

from html.parser import HTMLParser
from typing import Any

import pytest

from swift_saber.app import view
from swift_saber.inference.files import record_of
from swift_saber.sed.layout import HEADINGS, render
from swift_saber.sed.record import DIMENSIONS, Record
from swift_saber.text.language import Language

CLASH = Record("A wall.", "The voice is hostile.", "Oh, great.", "The face smiles.", "Still.", "She is angry.")
AGREES = Record("A wall.", "The voice is warm.", "Oh, great.", "The face smiles.", "Still.", "She is happy.")
ZH = Record("墙。", "声音充满敌意。", "真好。", "面带微笑。", "不动。", "他很愤怒。")


class Page(HTMLParser):
    """(name, classes, text) of each element with a class, and the names of all elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[list[str]] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append(tag)
        found = dict(attributes)
        names = [*(found.get("class") or "").split(), found.get("data-name") or "", found.get("data-state") or ""]
        self._open.append([name for name in names if name])
        for name in self._open[-1]:
            self.texts.setdefault(name, []).append("")

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        for names in self._open:
            for name in names:
                self.texts[name][-1] += data


def page(text: str, language: Language = "en", *, done: bool = True) -> Page:
    return Page(view.shown(record_of({"id": "a", "response": text}), language, "Read in 3 s", done=done))


@pytest.mark.parametrize(
    ("record", "language", "said"),
    [
        (CLASH, "en", "Conflict: the face is positive, the voice is negative."),
        (ZH, "zh", "冲突：面部积极，声音消极。"),
    ],
)
def test_a_conflict_is_said_and_marked_at_face_and_voice(record: Record, language: Language, said: str) -> None:
    found = page(render(record, language=language), language).texts
    assert found["conflict"] == [said]
    assert len(found["clash"]) == 2
    assert found["clash"][0] == found["acoustic_feat"][0] and found["clash"][1] == found["facial_exp_desc"][0]


def test_face_and_voice_that_agree_are_not_marked() -> None:
    found = page(render(AGREES, language="en")).texts
    assert not {"conflict", "clash"} & found.keys()
    assert found["chip"] == ["positive", "positive", "happy"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_each_dimension_stands_under_its_name(language: Language) -> None:
    record = {"en": CLASH, "zh": ZH}[language]
    found = page(render(record, language=language), language).texts
    for name in DIMENSIONS:
        assert found[name][0].startswith(HEADINGS[language][name]) and getattr(record, name) in found[name][0]


def test_of_a_growing_answer_nothing_is_concluded_yet() -> None:
    text = render(CLASH, language="en")
    found = page(text[: text.index("### Body")], done=False).texts
    assert not {"conflict", "clash", "chip", "missing"} & found.keys()
    assert set(DIMENSIONS) & found.keys() == set(DIMENSIONS[:4])
    assert "open" in found


def test_what_an_answer_leaves_out_is_said() -> None:
    text = render(CLASH, language="en")
    found = page(text[: text.index("### Body")]).texts
    assert found["missing"] == ["(not in the answer)"] * 2


def test_what_belongs_to_no_dimension_is_shown_too() -> None:
    assert page("<think>hm</think>I cannot say.").texts["other"] != [""]


def test_what_a_model_writes_is_no_markup() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;b&gt;"
    found = page(render(Record(evil, *[evil] * 5), language="en"))
    assert not {"script", "img", "b"} & set(found.tags)
    assert evil in found.texts["video_desc"][0]
    assert evil in Page(view.problem(evil)).texts["problem"][0]
    assert evil in Page(view.waiting(evil)).texts["status"][0]

"""The page is one file with nothing from elsewhere, and no text of the data can become a part of it."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from swift_saber.cli import Parser
from swift_saber.cli.report import add_report
from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.report.page import LONGEST, write_page
from swift_saber.report.records import read_references
from swift_saber.report.results import read_results
from tests.report.made import answer, item, reference, reject, write_answers, write_evaluation

EVIL = (
    "'\"></title></script><script>document.title='RAN'</script>"
    "<img src=x onerror=\"document.title='RAN'\">$data &lt;/script&gt; ]]> \u2028\u202e<!--<script>"
)


class Page(HTMLParser):
    """The elements of a page, and the data that it carries."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._raw = ""
        self.feed(self.source)
        self.data: dict[str, Any] = json.loads(self._raw)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1] == ("script", {"type": "application/json", "id": "data"}):
            self._raw += data


def page_of(folder: Path, *results: Path, reference: Path | None = None) -> Page:
    references = read_references(reference) if reference else None
    write_page(folder / "report.html", [result for path in results for result in read_results(path)], references)
    return Page(folder / "report.html")


def hostile(folder: Path, name: str = "e") -> Path:
    """An evaluation whose every text is EVIL, keys and paths too."""
    deep = {EVIL: [EVIL, {EVIL: EVIL}], "cues": [{"visual": EVIL, "acoustic": EVIL}]}
    fields = dict.fromkeys(("video_desc", "facial_exp_desc", "sentiment_analysis"), EVIL)
    media = {"videos": [EVIL, "javascript:document.title='RAN'"], "audios": ["https://x/" + EVIL, "data:x"]}
    given = {"scores": {EVIL: 0.5}, "details": deep, "response": EVIL, **media}
    items = [
        item(EVIL, fields, fields, "inconsistent", **given),
        item("2", EVIL, EVIL, EVIL, **given),
        item("3", [EVIL], None, EVIL, **{**given, "state": "missing"}),
    ]
    one = {"value": 1.0, "low": 0.5, "high": 2.0, "n": 3, "invalid": 1, "missing": 0, "unjudged": 0}
    of_label = {"precision": 1, "recall": 1, "f1": 1, "support": 1}  # what is no number is refused there
    tables = {EVIL: {"labels": [EVIL], "confusion": [[1]], "per_class": {EVIL: of_label}}}
    write_evaluation(
        folder / name,
        items,
        benchmark=EVIL,
        model=EVIL,
        judge=EVIL,
        metrics={EVIL: one},
        groups={EVIL: {EVIL: one}},
        tables=tables,
        context=[{"name": EVIL, "values": {EVIL: 1}, "source": EVIL}],
        notes=[EVIL],
        manifest={EVIL: deep},
    )
    write_rows(folder / name / "answers.rejects.jsonl", [reject("3", EVIL, EVIL)])
    return folder / name


def test_hostile_texts_are_data_and_nothing_else(tmp_path: Path) -> None:
    plain = page_of(tmp_path, write_evaluation(tmp_path / "plain", [item("a")]))
    page = page_of(tmp_path, hostile(tmp_path))
    # The parser finds the same elements with the same attributes as in a page without them.
    assert page.elements == plain.elements
    assert page.data["clips"][0]["id"] == EVIL
    assert page.data["clips"][0]["cues"] == [{"visual": EVIL, "acoustic": EVIL}]
    assert page.data["models"][0]["scores"]["notes"] == [EVIL]


def test_no_character_that_html_knows_stands_in_the_data(tmp_path: Path) -> None:
    source = page_of(tmp_path, hostile(tmp_path)).source
    [data] = re.findall(r'id="data">(.*)</script>\n<script>', source)
    assert not set(data) & set("<>&\u2028\u2029")


def test_the_page_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    page = page_of(tmp_path, write_evaluation(tmp_path / "e", [item("a")]))
    for _, given in page.elements:
        assert not given.keys() & {"src", "href", "action", "srcdoc"}
    assert "@import" not in page.source
    assert "url(" not in page.source


def test_only_the_pages_own_script_and_style_may_run(tmp_path: Path) -> None:
    page = page_of(tmp_path, write_evaluation(tmp_path / "e", [item("a")]))
    [policy] = [given["content"] for tag, given in page.elements if "http-equiv" in given]
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not [name for _, given in page.elements for name in given if name.startswith("on") or name == "style"]


def test_clips_are_reached_from_where_the_page_lies(tmp_path: Path) -> None:
    clip = tmp_path / "data" / "笑 #1 100%:.mp4"
    rows = [answer("a", videos=[str(clip)], audios=["https://host/a.wav", "data:audio/wav;base64,AA", "x\0y"])]
    found = page_of(tmp_path / "out" / "page", write_answers(tmp_path / "out.jsonl", rows)).data["clips"][0]
    [video] = found["videos"]
    assert unquote(video["address"]) == "../../data/笑 #1 100%:.mp4"
    assert not set(video["address"]) & set("#:笑 ")
    assert [each["address"] for each in found["audios"]] == [None, None, None]


def test_two_results_are_joined_by_id_and_none_is_left_out(tmp_path: Path) -> None:
    one = write_answers(tmp_path / "one.jsonl", [answer("a"), answer("b")])
    two = write_answers(tmp_path / "two.jsonl", [answer("c"), answer("b", videos=["b.mp4"])], [reject("a")])
    clips = page_of(tmp_path, one, two).data["clips"]
    states = {clip["id"]: [each and each["verdict"] for each in clip["answers"]] for clip in clips}
    assert states == {"a": ["no reference", "reject"], "b": ["no reference"] * 2, "c": [None, "no reference"]}
    assert clips[1]["videos"][0]["name"] == "b.mp4"


def test_references_are_joined_and_counted(tmp_path: Path) -> None:
    rows = [reference("a", videos=["a.mp4"]), reference("nobody")]
    write_rows(tmp_path / "r.jsonl", rows)
    results = read_results(write_answers(tmp_path / "out.jsonl", [answer("a"), answer("b")]))
    counts = write_page(tmp_path / "p.html", results, read_references(tmp_path / "r.jsonl"))
    assert counts == {"clips": 2, "references": 1, "unused": 1, "reviewed": 0}
    first, second = Page(tmp_path / "p.html").data["clips"]
    assert first["reference"]["speech_content"] == "That is just great."
    assert first["videos"][0]["name"] == "a.mp4"
    assert "reference" not in second


def test_values_that_are_nothing_to_python_are_kept(tmp_path: Path) -> None:
    items = [item("a", truth=0, prediction=False)]
    [clip] = page_of(tmp_path, write_evaluation(tmp_path / "e", items)).data["clips"]
    assert clip["truth"] == 0
    assert clip["answers"][0]["prediction"] is False


def test_a_very_long_text_is_cut_and_it_is_said(tmp_path: Path) -> None:
    page = page_of(tmp_path, write_answers(tmp_path / "out.jsonl", [answer("a", "x" * (LONGEST + 1234))]))
    assert page.data["clips"][0]["answers"][0]["response"] == "x" * LONGEST + " … [1,234 characters more]"


def test_half_a_character_does_not_stop_the_page(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text('{"id": "\\ud83d", "response": "\\ud83d", "messages": [], "videos": ["/\\ud83d.mp4"]}\n')
    assert page_of(tmp_path, path).data["clips"][0]["id"] == "\ud83d"


def test_results_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "out.jsonl", [answer("a")])
    others = write_answers(tmp_path / "others.jsonl", [answer("b")])
    folder = write_evaluation(tmp_path / "e", [item("a")])
    for results, said in (
        ((answers, folder), "are of two kinds: answers and emobench-m"),
        ((answers, others), "have no id in common"),
        ((answers, answers, answers), "are 3"),
    ):
        with pytest.raises(InputError, match=said):
            page_of(tmp_path, *results)


def test_references_of_other_clips_are_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "r.jsonl", [reference("b")])
    answers = write_answers(tmp_path / "out.jsonl", [answer("a")])
    with pytest.raises(InputError, match="none of them belongs to a clip"):
        page_of(tmp_path, answers, reference=tmp_path / "r.jsonl")
    assert not (tmp_path / "report.html").exists()


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(tmp_path / "r.jsonl", [reference("a"), reference("z")])
    answers = write_answers(tmp_path / "out.jsonl", [answer("a"), answer("b")])
    parser = Parser()
    add_report(parser.add_subparsers())
    output = str(tmp_path / "new" / "p.html")
    args = parser.parse_args(["report", str(answers), "-o", output, "--reference", str(tmp_path / "r.jsonl")])
    args.run(args)
    said = capsys.readouterr().out
    assert f"{output}: 2 clips, 1 with a reference" in said
    assert "1 reference records belong to no clip" in said


def test_a_page_is_written_over_and_nothing_else_is(tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "out.jsonl", [answer("a")])
    before = answers.read_bytes()
    results = read_results(answers)
    for path, problem in ((answers, "is there already, and is no page"), (tmp_path, "is a folder")):
        with pytest.raises(InputError, match=problem):
            # before an hour goes into copies of clips
            write_page(path, results, media=lambda clips: pytest.fail("clips were looked at"))
    assert answers.read_bytes() == before
    (tmp_path / "report.html").touch()  # as mktemp makes one
    for _ in range(2):
        write_page(tmp_path / "report.html", results)


@pytest.mark.parametrize("workers", ["0", "-3"])
def test_no_processes_are_refused(capsys: pytest.CaptureFixture[str], workers: str) -> None:
    parser = Parser()
    add_report(parser.add_subparsers())
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["report", "out.jsonl", "-o", "p.html", "--workers", workers])
    assert f"{workers} is not an integer of at least 1" in capsys.readouterr().err

"""What people say of a run's records, on its card and on its report: figures, and no name, reason or path."""

from pathlib import Path
from typing import Any

import yaml
from scipy.stats import binomtest

from swift_saber.pipeline.result.card import card
from swift_saber.pipeline.result.people import write_people
from swift_saber.pipeline.result.survey import PEOPLE, survey
from swift_saber.review.items import item_of
from swift_saber.review.log import ReviewLog
from tests.pipeline.result.run_folder import RECORD, clip, write_run
from tests.pipeline.result.test_report import EVIL, Page, write_report


def rows_of(count: int = 6, **rest: Any) -> list[dict[str, Any]]:
    labels = {"labels": {"emotion": "happy"}, "consistency": "inconsistent"}
    return [clip(f"c{n}", ("meld", "mead")[n % 2], **{**RECORD, **labels, **rest}) for n in range(count)]


def run_with(folder: Path, rows: list[dict[str, Any]], reviews: Path) -> Path:
    stages: dict[str, Any] = {"manifest": (rows, []), "consistency": (rows, []), "review": (rows, [])}
    return write_run(folder / "run", stages, recipe={"review": {"folder": str(reviews)}})


def review(folder: Path, who: str, rows: list[dict[str, Any]], decision: str = "accept", **said: Any) -> None:
    with ReviewLog(folder, who) as log:
        for row in rows:
            item = item_of(row, "")
            after = {**item.values, **said.get("after", {})}
            log.save(f"{who} {row['id']}", item, 0, decision=decision, reason=said.get("reason", ""), after=after)


def reviewed_run(folder: Path) -> Path:
    """Six records: Anna accepts three, Bo corrects the face of one of hers, and rejects another record."""
    rows, reviews = rows_of(), folder / "reviews"
    run = run_with(folder, rows, reviews)
    review(reviews, "Anna-Maria", rows[:3])
    review(reviews, "Bo-Ruth", rows[2:3], "correct", after={"facial_exp_desc": "A grin.", "emotion": "sad"})
    review(reviews, "Cy", rows[3:4], "reject", reason="My secret reason")
    review(reviews, "Cy2", [{**rows[0], "id": "of another run"}])
    write_people(run)
    return run


def share(count: int, of: int) -> str:
    ends = binomtest(count, of).proportion_ci(0.95, "wilson")
    return f"{100 * count / of:.1f} % [{100 * ends.low:.1f}, {100 * ends.high:.1f}]"


def test_the_card_says_what_people_say(tmp_path: Path) -> None:
    text = card(survey(reviewed_run(tmp_path)), {})
    section = text.partition("## What people say of it\n")[2].partition("\n## ")[0].replace("\\", "")
    assert "People looked at 4 of 6 records; 1 of them were judged by two or more." in section
    assert f"| accepted | 2 | {share(2, 4)} |" in section
    assert f"| disputed | 1 | {share(1, 4)} |" in section
    assert f"| emotion | all | 1 | 1 | 2 | {share(0, 1)} |" in section
    assert f"| emotion | source: meld | 1 | {share(1, 1)} | - | disputed 1 |" in section
    # Of three records with a standing text: of one, one of two reviewers changed the face.
    assert "| facial_exp_desc | 3 | 16.7 % [" in section
    assert "### A judge" not in section


def test_no_name_no_reason_and_no_path_is_in_card_page_or_file(tmp_path: Path) -> None:
    run = reviewed_run(tmp_path)
    found = survey(run)
    section = card(found, {}).partition("## What people")[2].partition("\n## ")[0]
    page = Page(write_report(run).read_text(encoding="utf-8")).text.partition("What people say")[2]
    kept = (run / PEOPLE).read_text(encoding="utf-8")
    for text in (section, page.partition("How it was made")[0], kept):
        for private in ("Anna", "Bo-Ruth", "Cy", "secret", str(tmp_path)):
            assert private not in text


def test_the_report_says_it_in_both_languages(tmp_path: Path) -> None:
    page = Page(write_report(reviewed_run(tmp_path)).read_text(encoding="utf-8"))
    text = " ".join(page.text.split())
    assert "People looked at 4 of 6 records" in text
    assert "人工审核了 6 条记录中的 4 条记录" in text
    assert "How far people agree 审核人之间的一致性" in text
    assert "facial_exp_desc 3 16.7 % [" in text
    assert "By source, consistency and language" in text
    classes = [given.get("class") for tag, given in page.elements if tag == "span"]
    assert classes.count("en") == classes.count("zh")


def test_where_nobody_looked_both_say_so(tmp_path: Path) -> None:
    rows = rows_of()
    for name, stages in (("without", ("consistency",)), ("none", ("consistency", "review"))):
        kept: dict[str, Any] = {stage: (rows, []) for stage in ("manifest", *stages)}
        run = write_run(tmp_path / name, kept, recipe={"review": {"folder": str(tmp_path / "nowhere")}})
        write_people(run)
        assert "## What people say of it\n\nNo person has looked at these records.\n" in card(survey(run), {})
        assert "No person has looked at these records." in Page(write_report(run).read_text(encoding="utf-8")).text


def test_clips_without_records_are_not_said_to_lack_a_review(tmp_path: Path) -> None:
    run = write_run(tmp_path, {"manifest": ([clip("a")], []), "clean": ([clip("a")], [])})
    assert "What people say" not in card(survey(run), {})
    assert "What people say" not in Page(write_report(run).read_text(encoding="utf-8")).text


def test_a_stage_that_is_not_begun_is_not_begun_by_figures(tmp_path: Path) -> None:
    rows, reviews = rows_of(), tmp_path / "reviews"
    run = write_run(tmp_path / "run", {"manifest": (rows, []), "annotate": (rows, [])}, recipe={"review": {}})
    run_file = run / "run.json"
    run_file.write_text(run_file.read_text().replace('["annotate"]', '["annotate", "review"]'))
    review(reviews, "anna", rows)
    write_people(run)
    assert survey(run).to_come == ["review"]


def test_a_review_of_another_text_is_counted_and_left_out(tmp_path: Path) -> None:
    rows, reviews = rows_of(2), tmp_path / "reviews"
    run = run_with(tmp_path, rows, reviews)
    review(reviews, "anna", [rows[0], {**rows[1], "video_desc": "Another room."}])
    write_people(run)
    text = card(survey(run), {})
    assert "People looked at 1 of 2 records" in text
    assert "1 reviews of an older text" in text


def test_hostile_sources_are_texts_on_card_and_page(tmp_path: Path) -> None:
    rows, reviews = (
        [{**row, "source": EVIL + row["source"], "language": EVIL} for row in rows_of()],
        tmp_path / "reviews",
    )
    run = run_with(tmp_path, rows, reviews)
    for who in ("anna", "bo"):
        review(reviews, who, rows, "correct", after={"emotion": EVIL, "language": "en"})
    write_people(run)
    text = card(survey(run), {})
    section = text.partition("## What people say of it\n")[2].partition("\n## ")[0]
    assert "<script" not in section
    heads = [line for line in section.splitlines() if line.startswith("#")]
    assert [head.removeprefix("### ") for head in heads] == [
        *("What people said", "How far people agree", "People against the model", "What people changed")
    ]
    tables = [block.splitlines() for block in section.split("\n\n") if block.startswith("|")]
    for lines in tables:  # as many cells in each row as in the head
        assert len({len(line.replace("\\|", "").split("|")) for line in lines}) == 1
    page = Page(write_report(run).read_text(encoding="utf-8"))
    assert sum(tag == "script" for tag, _ in page.elements) == 1
    assert not [tag for tag, _ in page.elements if tag in ("img", "iframe")]
    yaml.safe_load(text.split("---\n")[1])

"""`swift-saber review agreement`: the figures of a folder of reviews, on the terminal and as JSON."""

import json
from pathlib import Path

import pytest

from swift_saber.cli.main import main
from swift_saber.data.rows import write_rows
from swift_saber.review.items import Items
from swift_saber.review.log import ReviewLog
from swift_saber.review.plan import load_plan
from tests.review.test_items import RECORD


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """Ten records, all for both; Anna accepts all, Bo rejects one and corrects the rest; one is skipped."""
    write_rows(tmp_path / "records.jsonl", [{**RECORD, "id": str(n)} for n in range(10)])
    items = Items([tmp_path / "records.jsonl"])
    folder = tmp_path / "reviews"
    load_plan(folder, items, {"overlap": 10, "reviewers": ("Anna", "Bo")})
    with ReviewLog(folder, "Anna") as anna, ReviewLog(folder, "Bo") as bo:
        for name, item in items.items():
            decision = "skip" if name == "9" else "accept"
            anna.save(f"a{name}", item, 0, decision=decision, reason="", after=dict(item.values))
            if name == "0":
                bo.save(f"b{name}", item, 0, decision="reject", reason="no\x1b[31m face", after={})
            else:
                after = {**item.values, "emotion": "sad"}
                bo.save(f"b{name}", item, 0, decision="correct", reason="", after=after)
    return folder


def run(*arguments: object) -> int:
    return main(["review", "agreement", *map(str, arguments)])


def words(text: str) -> list[str]:
    """Lines with single blanks."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_it_shows_tables_and_names_nobody(reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(reviews) == 0
    out = capsys.readouterr().out
    lines = words(out)
    assert "People looked at 10 records; 9 of them were judged by two or more. Reviewers: 2." in lines
    assert "reviewer done assigned reviews accept correct reject skip blind adjudicating" in lines
    assert "reviewer 2 10 10 10 0 9 1 0 0 0" in lines
    # Nine accepted by one, of which the other corrects eight and rejects one: none is equal.
    assert any(line.startswith("decision all 9 9 2 0.0 %") for line in lines)
    assert "Anna" not in out
    assert "1 no\\x1b[31m face" in lines  # no colour of theirs reaches the terminal


def test_names_where_they_are_asked_for(reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(reviews, "--names")
    assert "Anna 10 10 10 9 0 0 1 0 0" in words(capsys.readouterr().out)


def test_all_figures_go_to_a_file(reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(reviews, "-o", tmp_path / "agreement.json")
    found = json.loads((tmp_path / "agreement.json").read_text(encoding="utf-8"))
    assert found["items"]["decided"] == 10
    assert found["reasons"] == {"no\x1b[31m face": 1}
    assert found["plan"]["overlap"] == 10
    assert "Anna" not in json.dumps(found)
    assert "all figures" in capsys.readouterr().out


def test_reviews_of_another_text_are_told_by_the_records(reviews: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = reviews.parent / "records.jsonl"
    rows = [{**RECORD, "id": str(n), **({"video_desc": "A garden."} if n < 3 else {})} for n in range(12)]
    write_rows(records, rows)
    run(reviews, "--records", records)
    out = capsys.readouterr().out
    assert "People looked at 7 of 12 records" in out
    assert "Not counted: 6 reviews of an older text" in out


def test_a_folder_without_reviews_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path) != 0
    assert "holds no reviews" in capsys.readouterr().err

"""tables.py: the figures in words, for a terminal, a card and a page."""

from typing import Any

from swift_saber.review.agreement import figures
from swift_saber.review.tables import Table, Words, sentences, tables, text_lines
from tests.review.test_agreement import latest, pair, review


def found_of(**plan: Any) -> dict[str, Any]:
    reviews = [review("1", who) for who in ("anna", "bo")] + [review("2", "anna", "reject", reason="a secret")]
    return {**figures(latest(reviews)), "plan": plan or None}


def test_it_says_how_the_sample_was_drawn() -> None:
    plan = {"sample": 40, "drawn": 40, "by": ["source", "language"], "seed": 7, "overlap": 10}
    [_, drawn, *_] = sentences(found_of(**plan), 200)
    expected = (
        "To be reviewed were 40 records, drawn by lot within strata of source, language (seed 7), 10 of them by every"
    )
    assert drawn.english == f"{expected} reviewer."
    assert drawn.chinese == "计划审核 40 条记录，按来源、语言分层随机抽取（种子 7），其中 10 条由所有审核人共同审核。"
    [_, drawn, *_] = sentences(found_of(**{**plan, "sample": None, "overlap": 0}))
    assert drawn.english == "All records were to be reviewed."


def test_who_has_not_begun_is_no_reviewer_yet() -> None:
    found = found_of()
    found["reviewers"].append({"reviewer": "reviewer 3", "reviews": 0})
    assert "Reviewers: 2." in next(sentences(found)).english


def test_a_table_is_there_only_where_there_are_figures_of_it() -> None:
    titles = [table.title.english for table in tables(found_of())]
    assert titles == ["What people said", "How far people agree", "People against the model", "What people changed"]
    pairs = figures(latest([pair("1", "anna", "0")]))
    assert [table.title.english for table in tables(pairs)] == ["What people said", "A judge against people"]
    assert list(tables(figures({}))) == []


def test_no_name_and_no_reason_is_in_sentences_or_tables() -> None:
    found = found_of()
    text = str([*sentences(found), *tables(found)])
    assert "anna" not in text
    assert "secret" not in text


def test_columns_stand_below_each_other_in_chinese_too() -> None:
    head = (Words("source", "来源"), Words("records", "记录数"))
    table = Table(Words("By source", "按来源"), head, [["电影", 1200], ["meld\x1b[31m", 3]])
    assert list(text_lines(table)) == [
        "By source",
        "  source        records",
        "  电影          1,200",  # each of its two signs takes two columns
        "  meld\\x1b[31m  3",
    ]


def test_reviews_of_other_records_are_said_to_be_left_out() -> None:
    def last(others: int) -> Words:
        found = found_of()
        found["items"]["other_records"] = others
        return [*sentences(found)][-1]

    assert "decided, 3 records that are not among these. " in last(3).english
    assert "不在此列的记录 3 条。" in last(3).chinese
    assert "among these" not in last(0).english


def test_records_whose_texts_are_not_compared_are_counted_beside_them() -> None:
    found = found_of()  # one accepted by both, one rejected
    [table] = [table for table in tables(found) if table.title.english == "What people changed"]
    assert table.head[-1].english == "left out"
    assert table.rows[0][:2] == ["video_desc", 1]
    assert {row[-1].english for row in table.rows if isinstance(row[-1], Words)} == {"rejected 1"}

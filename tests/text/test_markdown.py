"""Markdown that a text from anywhere cannot break out of."""

import pytest

from swift_saber.text.markdown import cell, table_lines


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a | b", "a \\| b"),
        ("$x$ costs $5", "\\$x\\$ costs \\$5"),
        ("*a* _b_ `c` ~d~ # !", "\\*a\\* \\_b\\_ \\`c\\` \\~d\\~ \\# \\!"),
        ("[a](b)", "\\[a\\](b)"),
        ("back\\slash", "back\\\\slash"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("two\nlines\u2028", "two\\\\nlines\\\\u2028"),
        ("\ud83d", "\\\\ud83d"),
        ("情绪", "情绪"),
        (None, ""),
        (0.5, "0.5"),
    ],
)
def test_a_cell_is_one_line_that_reads_as_its_text(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_a_table_has_a_head_a_rule_and_its_rows() -> None:
    found = list(table_lines(("name", "n"), [["a", "1"], ["b", "2"]]))
    assert found == ["| name | n |", "|---|---|", "| a | 1 |", "| b | 2 |", ""]


def test_columns_of_numbers_go_to_the_right() -> None:
    assert list(table_lines(("name", "n"), [["a", "1"]], numbers=(1,)))[1] == "|---|---:|"


def test_a_table_without_rows_says_so() -> None:
    assert list(table_lines(("name",), [])) == ["None.\n"]

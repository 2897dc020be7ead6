"""Workbooks: what is in a cell is what is shown there, and nothing is run."""

from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from swift_saber.text.spreadsheet import LONGEST, write_workbook

RUN = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", '=HYPERLINK("http://127.0.0.1/"&A1)', "＝1+1")


def cells(path: Path) -> list[list[openpyxl.cell.Cell]]:
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    return [list(row) for row in sheet.iter_rows()]


def test_every_text_is_a_text(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", ["=head"], [[text] for text in RUN])
    found = [row[0] for row in cells(tmp_path / "a.xlsx")]
    assert [cell.data_type for cell in found] == ["s"] * (1 + len(RUN))
    assert [cell.value for cell in found] == ["=head", *RUN]
    assert not [cell for cell in found if cell.hyperlink]


def test_numbers_truths_and_nothing_stay_what_they_are(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", ["a", "b", "c", "d"], [[2.5, True, False, None], ["", "1", "中文", "a\nb"]])
    _, first, second = ([cell.value for cell in row] for row in cells(tmp_path / "a.xlsx"))
    assert first == [2.5, True, False, None]
    assert second == [None, "1", "中文", "a\nb"]


def test_what_no_cell_can_hold_is_left_out_and_a_long_text_is_cut_and_it_is_said(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", ["a"], [["x\x00\x0b\ud83dy"], ["x" * (LONGEST + 5)]])
    _, [odd], [long] = ([cell.value for cell in row] for row in cells(tmp_path / "a.xlsx"))
    assert odd == "x?y"
    assert len(long) <= 32_767  # Excel's own limit
    assert long == "x" * LONGEST + " … [5 characters more]"


def test_a_failed_workbook_leaves_the_one_before(tmp_path: Path) -> None:
    write_workbook(tmp_path / "a.xlsx", ["a"], [["before"]])

    def rows() -> Iterator[list[str]]:
        yield ["after"]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_workbook(tmp_path / "a.xlsx", ["a"], rows())
    assert [cell.value for [cell] in cells(tmp_path / "a.xlsx")] == ["a", "before"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.xlsx"]

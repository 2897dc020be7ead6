"""A clip's table of action units, as OpenFace and py-feat write it, is read into shares and intensities."""

from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.sed.action_units import (
    FEW_FRAMES,
    NO_FACE,
    SEVERAL_FACES,
    ActionUnits,
    Unit,
    read_action_units,
)

OPENFACE = "frame, face_id, timestamp, confidence, success, AU12_r, AU45_r, AU12_c, AU28_c, AU45_c"


def openface(path: Path, rows: list[str]) -> ActionUnits:
    path.write_text("\n".join([OPENFACE, *rows]) + "\n")
    return read_action_units(path)


def test_openface_gives_shares_and_intensities(tmp_path: Path) -> None:
    smiling = [f"{frame}, 0, 0.0, 0.98, 1, 3.0, 0.0, 1, 0, 0" for frame in range(1, 7)]
    found = openface(tmp_path / "a.csv", [*smiling, *(f"{n}, 0, 0.1, 0.98, 1, 0.4, 0.1, 0, 1, 0" for n in range(7, 9))])
    assert (found.frames, found.faces, found.unsaid) == (8, 8, "")
    # There in 6 of 8 frames, at 3 of 5 levels. Unit 28 has a presence alone.
    assert found.units == {12: Unit(0.75, pytest.approx(0.6)), 28: Unit(0.25, 1.0), 45: Unit(0.0, 0.0)}


def test_frames_in_which_openface_lost_the_face_do_not_count(tmp_path: Path) -> None:
    sure = [f"{frame}, 0, 0.0, 0.98, 1, 3.0, 0.0, 1, 0, 0" for frame in range(6)]
    lost = ["6, 0, 0.0, 0.02, 0, 0.0, 0.0, 0, 0, 0", "7, 0, 0.0, 0.5, 1, 0.0, 0.0, 0, 0, 0"]
    found = openface(tmp_path / "a.csv", sure + lost)
    assert (found.frames, found.faces) == (8, 6)
    assert found.units[12].share == 1.0


def test_without_presences_a_trace_is_something(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("frame,success,AU04_r\n" + "".join(f"{n},1,{0.9 if n < 5 else 1.0}\n" for n in range(10)))
    assert read_action_units(path).units == {4: Unit(0.5, pytest.approx(0.2))}


def test_pyfeat_gives_how_likely_each_unit_is(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{n},0.99,{0.8 if n < 3 else 0.1},1.0" for n in range(6)] + ["6,,,", "7,nan,nan,nan"]
    path.write_text("frame,FaceScore,AU01,AU43\n" + "\n".join(rows) + "\n")
    found = read_action_units(path)
    assert (found.frames, found.faces) == (8, 6)
    assert found.units == {1: Unit(0.5, pytest.approx(0.8)), 43: Unit(1.0, 1.0)}


def test_why_nothing_can_be_said(tmp_path: Path) -> None:
    row = "{}, {}, 0.0, 0.98, {}, 3.0, 0.0, 1, 0, 0".format
    assert openface(tmp_path / "a.csv", [row(n, 0, 0) for n in range(9)]).unsaid == NO_FACE
    assert openface(tmp_path / "b.csv", []).unsaid == NO_FACE
    assert openface(tmp_path / "c.csv", [row(n, 0, int(n < 9)) for n in range(20)]).unsaid == FEW_FRAMES
    several = openface(tmp_path / "d.csv", [row(n, face, 1) for n in range(9) for face in (0, 1)])
    assert several == ActionUnits(9, 9, {}, SEVERAL_FACES)


def test_another_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("frame,joy\n1,0.3\n")
    with pytest.raises(InputError, match="columns: have no action unit among them"):
        read_action_units(path)


@pytest.mark.parametrize("cell", ["much", "inf", ""])
def test_a_cell_that_is_no_number_is_named(tmp_path: Path, cell: str) -> None:
    with pytest.raises(InputError, match=r"a\.csv:2: column au12_r: is .*; write a number"):
        openface(tmp_path / "a.csv", [f"1, 0, 0.0, 0.98, 1, {cell}, 0.0, 1, 0, 0"])

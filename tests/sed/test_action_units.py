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


#: The columns of OpenFace 2's FeatureExtraction, landmarks in the picture (x_0) and in space (X_0) among them.
_UNITS = [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 45]
OPENFACE_ALL = [
    *("frame", "face_id", "timestamp", "confidence", "success"),
    *(f"gaze_{eye}_{axis}" for eye in "01" for axis in "xyz"),
    *("gaze_angle_x", "gaze_angle_y"),
    *(f"eye_lmk_{axis}_{n}" for axis in "xyXYZ" for n in range(56)),
    *(f"pose_{axis}" for axis in ("Tx", "Ty", "Tz", "Rx", "Ry", "Rz")),
    *(f"{axis}_{n}" for axis in "xyXYZ" for n in range(68)),
    *("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty"),
    *(f"p_{n}" for n in range(34)),
    *(f"AU{n:02}_r" for n in _UNITS),
    *(f"AU{n:02}_c" for n in sorted([*_UNITS, 28])),
]
#: Those that py-feat's Fex has as a CSV by pandas, whose first column is the index.
PYFEAT_ALL = [
    "",
    *("FaceRectX", "FaceRectY", "FaceRectWidth", "FaceRectHeight", "FaceScore"),
    *(f"{axis}_{n}" for axis in "xy" for n in range(68)),
    *("Pitch", "Roll", "Yaw"),
    *(f"AU{n:02}" for n in (1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 14, 15, 17, 20, 23, 24, 25, 26, 28, 43)),
    *("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"),
    *("input", "frame", "approx_time"),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("between", [",", ", ", ";", "\t"])
def test_whole_tables_of_both_are_read_in_any_order_of_columns(
    tmp_path: Path, between: str, reverse: bool, encoding: str
) -> None:
    """Ten frames with AU12 and none of the other units, and two in which no face was found."""
    order = slice(None, None, -1) if reverse else slice(None)

    def write(name: str, columns: list[str], face: dict[str, str], lost: dict[str, str]) -> ActionUnits:
        frames = [{**face, "frame": str(n)} for n in range(10)] + [{**lost, "frame": str(n)} for n in (10, 11)]
        lines = [columns, *([frame.get(column, "0.0") for column in columns] for frame in frames)]
        text = "\n".join(between.join(line[order]) for line in lines) + "\n"
        (tmp_path / name).write_text(text, encoding=encoding)
        return read_action_units(tmp_path / name)

    seen = {"confidence": "0.98", "success": "1", "AU12_r": "2.5", "AU12_c": "1.00"}
    found = write("o.csv", OPENFACE_ALL, seen, {"success": "0", "AU12_r": "-nan(ind)"})
    assert (found.frames, found.faces, len(found.units)) == (12, 10, 18)
    assert {unit: one for unit, one in found.units.items() if one.share} == {12: Unit(1.0, 0.5)}
    lost = dict.fromkeys(PYFEAT_ALL, "") | {"FaceScore": "0.0", "input": "a.mp4"}
    found = write("p.csv", PYFEAT_ALL, {"FaceScore": "0.9987", "AU12": "0.75", "input": "a.mp4"}, lost)
    assert (found.frames, found.faces, len(found.units)) == (12, 10, 20)
    assert {unit: one for unit, one in found.units.items() if one.share} == {12: Unit(1.0, 0.75)}


def test_a_frame_whose_units_are_no_numbers_has_no_face(tmp_path: Path) -> None:
    face = "{}, 0, 0.0, 0.98, 1, 3.0, 0.0, 1, 0, 0".format
    lost = "{}, 0, 0.0, 0.98, 1, -nan(ind), nan, -nan, NaN, ".format
    found = openface(tmp_path / "a.csv", [*map(face, range(6)), *map(lost, (6, 7))])
    assert (found.frames, found.faces, found.units[12]) == (8, 6, Unit(1.0, pytest.approx(0.6)))


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


@pytest.mark.parametrize(("header", "cell", "most"), [("AU12", "87", 1), ("AU12", "2.0", 1), ("AU12_r", "-3", 5)])
def test_numbers_on_another_scale_are_refused(tmp_path: Path, header: str, cell: str, most: int) -> None:
    """Of per cent, every unit of which a trace is found would be there."""
    path = tmp_path / "a.csv"
    path.write_text(f"frame,{header}\n1,{cell}\n")
    with pytest.raises(InputError, match=rf"a\.csv:2: column {header.lower()}: is '{cell}', .* not of 0 to {most};"):
        read_action_units(path)


def test_a_unit_that_is_there_twice_is_refused_and_no_number_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("frame,AU1,AU01\n1,0.9,0.1\n")
    with pytest.raises(InputError, match="au1 and au01 are one unit"):
        read_action_units(path)
    path.write_text(f"frame,AU{'9' * 5000}\n1,0.9\n")
    with pytest.raises(InputError, match="have no action unit among them"):
        read_action_units(path)

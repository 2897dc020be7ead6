"""The wheels on a small emotion_wheel folder in the published layout, worked out by hand."""

import random
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from swift_saber.errors import InputError
from swift_saber.text import wheel
from swift_saber.text.wheel import Coverage, EWScore, Overlap, Wheels, ew_score, ew_scores, overlap_table

RINGS = ["level1", "level2", "level3"]
#: As published, a blank cell is the one above.
WHEEL_1 = [
    ["Happy", "cheerful", "glad"],
    [None, None, "merry"],
    [None, "proud", "smug"],
    ["sad", "gloomy", "blue "],
    ["angry", "mad", "furious"],
]
#: Wheels 2 to 5; "happy" is not in it.
WHEEL_2 = [["good", "cheerful", "glad"], ["bad", "gloomy", "blue"], [None, "mad", "furious"]]
WORDS = [
    "happy",
    "cheerful",
    "glad",
    "merry",
    "proud",
    "smug",
    "sad",
    "gloomy",
    "blue",
    "angry",
    "mad",
    "furious",
    "good",
    "bad",
]
SYNONYMS = {1: {"cheerful": "jolly", "gloomy": "['downcast', 'Jolly']"}, 8: {"furious": "[livid]"}}
FORMS = {"happy": "happily,happier", "jolly": "jollier"}


def sheet(path: Path, rows: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


def emotion_wheel(folder: Path) -> Path:
    """Write the folder."""
    folder.mkdir()
    for number in range(1, 6):
        sheet(folder / f"wheel{number}.xlsx", [RINGS, *(WHEEL_1 if number == 1 else WHEEL_2)])
    runs = range(1, 9)
    header = [f"{kind}_run{run}" for run in runs for kind in ("word", "synonym")]
    rows = [[cell for run in runs for cell in (word, SYNONYMS.get(run, {}).get(word))] for word in WORDS]
    sheet(folder / "synonym.xlsx", [header, *rows])
    lines = [f'{word},"{FORMS.get(word, "")}"' for word in [*WORDS, "jolly", "downcast", "livid", "unheard"]]
    (folder / "format.csv").write_text("name,format\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return folder


def score(clips: list[list[Overlap | None]]) -> EWScore | None:
    return ew_score(overlap_table(clips))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    return Wheels(emotion_wheel(tmp_path_factory.mktemp("w") / "emotion_wheel"))


@pytest.mark.parametrize(
    ("label", "inner_1", "inner_2", "second_1", "second_2"),
    [
        ("merry", "happy", None, "cheerful", None),  # below a blank cell; in wheel 1 alone
        (" Happier ", "happy", None, "cheerful", None),  # form -> happy; its second ring is the first, sorted
        ("jollier", "happy", "good", "cheerful", "cheerful"),  # jolly is cheerful (run 1) or gloomy (run 1): sorted
        ("livid", "angry", "bad", "mad", "mad"),  # a synonym of run 8
        ("blue", "sad", "bad", "gloomy", "gloomy"),
        ("unheard", None, None, None, None),  # a word of format.csv that is no synonym of a wheel word
        ("neutral", None, None, None, None),
        ("", None, None, None, None),
    ],
)
def test_a_label_goes_to_its_group_in_each_wheel(
    wheels: Wheels, label: str, inner_1: Any, inner_2: Any, second_1: Any, second_2: Any
) -> None:
    inner, second = ([{one} - {None} for one in names] for names in ([inner_1, inner_2], [second_1, second_2]))
    assert wheels.groups([label]) == [inner[0], *4 * [inner[1]]]
    assert wheels.groups([label], "level1+2") == [inner[0], *4 * [inner[1]], second[0], *4 * [second[1]]]


def test_a_word_on_two_rings_has_the_place_that_comes_last(tmp_path: Path) -> None:
    folder = emotion_wheel(tmp_path / "w")
    sheet(
        folder / "wheel1.xlsx", [RINGS, ["happy", "cheerful", "glad"], [None, "happy", "smug"], ["sad", "glad", "blue"]]
    )
    groups = Wheels(folder).groups
    # "happy" alone of the inner ring would be "cheerful", but it is on the second ring itself.
    assert groups(["happy"], "level1+2")[5] == {"happy"}
    assert groups(["glad"], "level1+2")[0] == {"sad"}
    assert groups(["glad"], "level1+2")[5] == {"glad"}


# Wheel 1: Y = {happy, sad}, P = {happy, angry}. Wheels 2 to 5 have no "happy": Y = {bad}, P = {good, bad}.
# Second rings: Y = {cheerful, gloomy}, P = {cheerful, mad}; and Y = {gloomy}, P = {cheerful, mad}.
FIRST = (["happily", "downcast"], ["glad", "livid", "neutral"])


def test_precision_and_recall_of_a_clip(wheels: Wheels) -> None:
    half, all_found = Overlap(0.5, 0.5), Overlap(0.5, 1.0)
    assert wheels.overlaps(*FIRST) == [half, *4 * [all_found]]
    assert wheels.overlaps(*FIRST, "level1+2") == [half, *4 * [all_found], half, *4 * [Overlap(0, 0)]]


def test_no_predicted_group_is_zero_and_no_true_group_does_not_count(wheels: Wheels) -> None:
    assert wheels.overlaps(["mad"], []) == 5 * [Overlap(0, 0)]
    assert wheels.overlaps(["mad"], ["neutral"]) == 5 * [Overlap(0, 0)]
    assert wheels.overlaps(["neutral"], ["mad"]) == 5 * [None]
    assert wheels.overlaps(["happy"], ["glad"]) == [Overlap(1, 1), *4 * [None]]


def test_the_score_averages_precision_and_recall_first_then_f_then_wheels(wheels: Wheels) -> None:
    clips = [FIRST, (["furious"], []), (["neutral"], ["glad"])]
    # Means over the first two clips. Wheel 1: P 1/4, R 1/4, F 1/4. Wheels 2 to 5: P 1/4, R 1/2,
    # F = 2 * 1/4 * 1/2 / (3/4) = 1/3. Then the mean over the five wheels.
    quarter, half, third = Fraction(1, 4), Fraction(1, 2), Fraction(1, 3)
    inner = [quarter, (quarter + 4 * half) / 5, (quarter + 4 * third) / 5]
    assert score([wheels.overlaps(*clip) for clip in clips]) == pytest.approx(list(map(float, inner)))
    # The second ring of wheel 1 has 1/4 in all three, those of wheels 2 to 5 have 0.
    assert score([wheels.overlaps(*clip, "level2") for clip in clips]) == pytest.approx(3 * [1 / 4 / 5])
    both = [(5 * mean + quarter) / 10 for mean in inner]
    assert score([wheels.overlaps(*clip, "level1+2") for clip in clips]) == pytest.approx(list(map(float, both)))


def test_perfect_labels_score_one_and_none_score_zero_in_any_order(wheels: Wheels) -> None:
    truths = [["glad", "blue"], ["furious"], ["jolly", "neutral"], ["proud"]]
    assert score([wheels.overlaps(truth, truth) for truth in truths]) == (1, 1, 1)
    assert score([wheels.overlaps(truth, []) for truth in truths]) == (0, 0, 0)
    clips = [wheels.overlaps(truth, ["glad", "mad"]) for truth in truths]
    turned = random.Random(0).sample(clips, len(clips))
    assert score(clips) == pytest.approx(score(turned))


def test_labels_that_no_wheel_knows_never_raise_a_score(wheels: Wheels) -> None:
    said = wheels.overlaps(["glad"], ["glad", "mad"])
    assert wheels.overlaps(["glad"], ["glad", "mad", "wistful", ""]) == said


def test_without_a_truth_in_any_wheel_there_is_no_score(wheels: Wheels) -> None:
    assert score([]) is None
    assert score([wheels.overlaps(["neutral"], ["glad"])]) is None


def test_coverage_counts_each_occurrence_and_names_the_unknown(wheels: Wheels) -> None:
    labels = ["glad", "Neutral", "neutral ", "merry", "wistful"]
    assert wheels.coverage(labels) == Coverage(2, 5, {"neutral": 2, "wistful": 1})
    assert list(wheels.coverage(labels).unknown) == ["neutral", "wistful"]


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda folder: (folder / "wheel3.xlsx").unlink(), r"emotion_wheel: has no wheel3\.xlsx;"),
        (
            lambda folder: [(folder / name).unlink() for name in ("synonym.xlsx", "format.csv")],
            "synonym.xlsx, format.csv",
        ),
        (lambda folder: (folder / "wheel2.xlsx").write_text("no workbook"), r"wheel2\.xlsx: file: cannot be read"),
        (lambda folder: sheet(folder / "wheel2.xlsx", [RINGS]), r"wheel2\.xlsx: sheet: holds no row"),
        (lambda folder: sheet(folder / "wheel2.xlsx", [["level1", "level2"]]), r"wheel2\.xlsx: column level3: is not"),
        (lambda folder: sheet(folder / "wheel2.xlsx", [RINGS, ["a", None, "b"]]), r"row 2: level2: is blank"),
        (lambda folder: sheet(folder / "synonym.xlsx", [["word_run1", "synonym_run1"]]), r"column word_run2"),
        (lambda folder: (folder / "format.csv").write_bytes(b"name,format\n\xff,a\n"), r"format\.csv: file: not UTF-8"),
        (lambda folder: (folder / "format.csv").write_text("name;format\n"), r"format\.csv: column name"),
    ],
)
def test_a_folder_that_is_not_complete_is_named(tmp_path: Path, harm: Callable[[Path], Any], message: str) -> None:
    folder = emotion_wheel(tmp_path / "emotion_wheel")
    harm(folder)
    with pytest.raises(InputError, match=message):
        Wheels(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: emotion_wheel: is no folder"):
        Wheels(tmp_path / "nowhere")


def test_without_openpyxl_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = emotion_wheel(tmp_path / "w")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(InputError, match="openpyxl: package: is not installed; pip install openpyxl"):
        Wheels(folder)


def test_of_draws_the_score_is_that_of_the_drawn_clips(wheels: Wheels) -> None:
    pairs = [FIRST, (["furious"], []), (["neutral"], ["glad"]), (["merry"], ["glad", "mad"]), (["blue"], ["mad"])]
    table = overlap_table([wheels.overlaps(*pair) for pair in pairs])
    counts = np.random.default_rng(0).multinomial(5, [1 / 5] * 5, size=20)
    counts[0] = [0, 0, 5, 0, 0]  # of a clip that no wheel knows
    for unknown_truth in (None, 0.0):
        found = ew_scores(counts, table, unknown_truth)
        for of, one in zip(counts, found, strict=True):
            wanted = ew_score(np.repeat(table, of, axis=0), unknown_truth)
            assert one == pytest.approx(wanted or 3 * [np.nan], nan_ok=True)


def test_a_grouping_that_knows_no_truth_is_left_out_or_0_as_the_edition_has_it(wheels: Wheels) -> None:
    # Only wheel 1 knows "merry", and no wheel "neutral".
    table = overlap_table([wheels.overlaps(["merry"], ["glad"]), wheels.overlaps(["neutral"], ["glad"])])
    assert ew_score(table) == (1, 1, 1)
    assert ew_score(table, 0.0) == pytest.approx(3 * [1 / 5])
    nothing = overlap_table([wheels.overlaps(["neutral"], ["glad"])])
    assert ew_score(nothing) is None
    assert ew_score(nothing, 0.0) == (0, 0, 0)


def test_the_edition_is_told_by_what_the_folder_says_and_not_by_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = emotion_wheel(tmp_path / "w")
    one = Wheels(folder)
    assert (one.edition, one.unknown_truth) == (None, None)
    assert one.named == f"an unknown edition (SHA-256 of their content {one.digest[:12]})"

    monkeypatch.setitem(wheel.EDITIONS, one.digest, "MER2026")
    forms = folder / "format.csv"
    head, *rows = forms.read_text(encoding="utf-8").splitlines()
    forms.write_bytes("\r\n".join([head, *reversed(rows), ""]).encode("utf-8-sig"))
    again = Wheels(folder)
    assert (again.edition, again.unknown_truth) == ("MER2026", 0.0)
    assert again.named.startswith("those of MER2026 (")

    forms.write_text("\n".join([head, *rows, 'glad,"gladly"']), encoding="utf-8")
    assert Wheels(folder).edition is None

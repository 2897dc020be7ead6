"""sed/support.py: what a text says of one thing counts once, and a coin gains nothing."""

from fractions import Fraction

import pytest

from swift_saber.sed.support import Support, support

# By the bounds of sed/scale.py: a high voice of whoever it is, which is monotone, fast and goes on without a pause.
MEASURED = {"pitch": 320.0, "pitch_range": 1.0, "rate": 7.5, "pause": 0.0, "unsaid": {}}


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("The pitch is high.", (1, 0, 0)),
        ("音调很高。", (1, 0, 0)),
        ("The pitch is low.", (0, 1, 0)),
        ("The pitch is high and the pace is slow.", (1, 1, 0)),
        ("The pitch is high. Again: the pitch is high. It is a high pitch.", (1, 0, 0)),
        ("The pitch is high. The pitch is low.", (0, 1, 0)),
        ("The volume is high.", (0, 0, 1)),  # not measured
        ("A friendly voice.", (0, 0, 0)),
        ("", (0, 0, 0)),
    ],
)
def test_what_is_said_of_one_thing_counts_once(text: str, counts: tuple[int, int, int]) -> None:
    found = support(text, MEASURED)
    assert (found.agrees, found.contradicts, found.undecided) == counts


def test_worth_is_a_half_where_nothing_is_known_and_grows_with_what_agrees() -> None:
    def worth(agrees: int, contradicts: int, undecided: int = 0) -> float:
        return Support(agrees, contradicts, undecided, ()).worth

    assert worth(0, 0) == worth(0, 0, 5) == 0.5
    assert worth(1, 0) == pytest.approx(2 / 3) and worth(2, 0) == 0.75 and worth(0, 1) == pytest.approx(1 / 3)
    # A coin's claim, for whoever has said anything before: (a + 2) / (d + 3) half of the time, else (a + 1) / (d + 3).
    for agrees, decided in ((0, 0), (1, 2), (2, 4)):
        mean = Fraction(agrees + 2 + agrees + 1, 2 * (decided + 3))
        assert mean == Fraction(agrees + 1, decided + 2) == Fraction(1, 2)


def test_share_never_stands_without_coverage() -> None:
    found = support("The pitch is high, the pace is slow and the volume is low.", MEASURED)
    assert (found.share, found.coverage) == (1 / 2, 2 / 3)
    assert [(one["property"], one["value"]) for one in found.claims()] == [
        ("pitch", "agrees"),
        ("rate", "contradicts"),
        ("loudness", "undecided"),
    ]
    assert found.claims()[2]["reason"] == "not measured"
    assert (support("", MEASURED).share, support("", MEASURED).coverage) == (None, 0.0)

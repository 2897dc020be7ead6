"""agreement.py: kappa and alpha by hand, against the packages of the field, and their intervals."""

import random
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask

from swift_saber.errors import InputError
from swift_saber.evaluation.item import Item
from swift_saber.statistics.agreement import agreement, cohen_kappa, krippendorff_alpha, mean_kappa, rater_pairs
from tests.statistics.plain_bootstrap import plain_interval

RATINGS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=30)
PEOPLE = ("anna", "bo", "cy")
CLIPS = st.lists(
    st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(["happy", "sad", "calm"])), min_size=1, max_size=15
)


def test_kappa_by_hand() -> None:
    # Equal in 3 of 4. By chance: yes 1/2 * 3/4 + no 1/2 * 1/4 = 1/2. (3/4 - 1/2) / (1 - 1/2) = 1/2.
    assert cohen_kappa(["yes", "yes", "no", "no"], ["yes", "yes", "no", "yes"]) == pytest.approx(1 / 2)


def test_quadratic_kappa_by_hand() -> None:
    # Squares found: 0, 0, 4, mean 4/3. By chance, over all nine pairs of {1, 3, 5} and {1, 3, 3}: 0 4 4, 4 0 0, 16 4 4,
    # mean 36/9 = 4. 1 - (4/3) / 4 = 2/3.
    assert cohen_kappa([1, 3, 5], [1, 3, 3], "quadratic") == pytest.approx(2 / 3)


@settings(max_examples=60, deadline=None)
@given(RATINGS)
def test_kappa_is_what_is_found_over_what_dealing_the_ratings_out_at_random_gives(pairs: list[tuple[int, int]]) -> None:
    """Each of the one judge's ratings meets each of the other's equally often."""
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    if len({*first, *second}) == 1:
        assert cohen_kappa(first, second) is None
        assert cohen_kappa(first, second, "quadratic") is None
        return
    met = list(product(first, second))
    unequal = sum(a != b for a, b in pairs) / len(pairs), sum(a != b for a, b in met) / len(met)
    assert cohen_kappa(first, second) == pytest.approx(1 - unequal[0] / unequal[1], abs=1e-9)
    apart = sum((a - b) ** 2 for a, b in pairs) / len(pairs), sum((a - b) ** 2 for a, b in met) / len(met)
    assert cohen_kappa(first, second, "quadratic") == pytest.approx(1 - apart[0] / apart[1], abs=1e-9)


def test_agreement_counts_what_a_judge_failed_on() -> None:
    found = agreement([5, 4, None, 1, 3], [5, 3, 2, None, None])
    assert (found["n"], found["failed_first"], found["failed_second"], found["percent"]) == (2, 1, 2, 50)
    nothing = agreement([None], [4])
    assert (nothing["n"], nothing["percent"], nothing["kappa"], nothing["quadratic_kappa"]) == (0, None, None, None)


def test_kappa_of_nothing_is_an_error() -> None:
    with pytest.raises(InputError, match="agreement: ratings: there is none"):
        cohen_kappa([], [])


def rated(**labels: str) -> list[dict[str, str]]:
    """Clips from one string a rater, a letter a clip; "-" is a clip that is not rated."""
    clips = range(len(next(iter(labels.values()))))
    return [{rater: of[clip] for rater, of in labels.items() if of[clip] != "-"} for clip in clips]


def test_alpha_of_four_observers_is_that_of_krippendorffs_own_example() -> None:
    """Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), C: 0.743; the last of 12 has one rating."""
    found = krippendorff_alpha(rated(a="123321412---", b="1233224125-3", c="-3332342251-", d="12332441251-"), "abcd")
    assert found.value == pytest.approx(0.743, abs=0.0005)
    assert found.clips == 11


def test_alpha_by_hand() -> None:
    """Labels x x | x y: the unequal pairs are 2 of 4 (weight 1 each). By chance, of the labels x x x y, 6 of 12."""
    assert krippendorff_alpha(rated(a="xx", b="xy"), "ab").value == pytest.approx(1 - (2 / 4) / (6 / 12))
    assert krippendorff_alpha(rated(a="xyx", b="xyx"), "ab").value == 1
    assert krippendorff_alpha(rated(a="xx", b="xx"), "ab").value is None  # chance leaves nothing to agree on
    # Who is not asked about changes nothing, nor does a clip that one alone has rated.
    assert krippendorff_alpha(rated(a="xxy", b="xy-", c="yyy"), "ab") == krippendorff_alpha(rated(a="xx", b="xy"), "ab")


@settings(max_examples=60, deadline=None)
@given(CLIPS)
def test_alpha_is_that_of_nltk(clips: list[dict[str, str]]) -> None:
    pairs = [(one, two) for of in clips for one, two in permutations(of.values(), 2)]
    found = krippendorff_alpha(clips, PEOPLE)
    if len({label for pair in pairs for label in pair}) < 2:
        assert found.value is None
        return
    triples = [(rater, str(clip), label) for clip, of in enumerate(clips) for rater, label in of.items()]
    assert found.value == pytest.approx(AnnotationTask(triples).alpha(), abs=1e-9)
    assert found.clips == sum(len(of) > 1 for of in clips)


def test_the_mean_of_kappas_is_over_pairs_each_on_its_own_clips() -> None:
    """a and b, four clips: kappa 1/2 as above. a and c share two clips: x x and y y, 1. b and c: x x, y x: 0."""
    clips = rated(a="xxyy", b="xxyx", c="x--y")
    assert rater_pairs(clips) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert rater_pairs(clips, without=["c"]) == [("a", "b")]
    assert mean_kappa(clips, [("a", "b")])[::2] == (pytest.approx(1 / 2), 4)
    assert mean_kappa(clips, [("a", "c")])[::2] == (pytest.approx(1), 2)
    found = mean_kappa(clips, rater_pairs(clips))
    assert (found.value, found.clips) == (pytest.approx((1 / 2 + 1 + 0) / 3), 4)
    assert mean_kappa(clips, [("a", "nobody")]) == (None, None, 0)


def test_of_many_raters_each_pair_is_drawn_on_the_clips_that_it_shares() -> None:
    """A crowd of pairs on clips of their own: as good as one pair on all of them, where all agree alike."""
    crowd = [{f"a{pair}": label, f"b{pair}": other} for pair in range(40) for label, other in ("xx", "yy", "xy", "yx")]
    found = mean_kappa(crowd, [(f"a{pair}", f"b{pair}") for pair in range(40)])
    assert (found.value, found.clips) == (0, 160)
    assert found.interval is not None
    assert found.interval.low < 0 < found.interval.high and found.interval.high - found.interval.low < 1


def test_intervals_are_those_of_drawing_clips_a_thousand_times() -> None:
    """The slow way, with the packages: the ends of both are of 1,000 draws, so that they are near and not equal."""
    chance = random.Random(1)
    clips = [{"a": label, "b": label if chance.random() < 0.7 else chance.choice("xyz")} for label in "xyz" * 20]
    items = [Item(str(place), "g", None, of, "answered") for place, of in enumerate(clips)]

    def kappa(drawn):
        return cohen_kappa([item.prediction["a"] for item in drawn], [item.prediction["b"] for item in drawn])

    slow, fast = plain_interval(items, kappa), mean_kappa(clips, [("a", "b")]).interval
    assert slow is not None and fast is not None
    assert fast == pytest.approx(slow, abs=0.03)
    # Of two raters who name each label about equally often alpha is kappa, and is drawn for itself: with a standard
    # deviation of 0.08 an end of 1,000 draws has one of 0.007, and the difference of two ends one of 0.01.
    assert krippendorff_alpha(clips, "ab").interval == pytest.approx(fast, abs=0.03)


def test_the_interval_of_alpha_with_gaps_is_that_of_drawing_clips_a_thousand_times() -> None:
    """Five raters, of whom each has rated six clips in ten; the slow way takes nltk's alpha of every draw."""
    chance = random.Random(2)
    clips = []
    for label in "xyz" * 15:
        rating = {rater: label if chance.random() < 0.6 else chance.choice("xyz") for rater in "abcde"}
        clips.append({rater: given for rater, given in rating.items() if chance.random() < 0.6})
    clips = [of for of in clips if len(of) > 1]

    def alpha(drawn):
        triples = [(rater, str(place), label) for place, of in enumerate(drawn) for rater, label in of.items()]
        return AnnotationTask(triples).alpha()

    rng = np.random.default_rng(1)
    slow = [alpha([clips[place] for place in rng.integers(len(clips), size=len(clips))]) for _ in range(400)]
    # The spread of a percentile of 400 draws is some 13 % of the standard deviation of about 0.07, of 1,000 some 9 %.
    assert krippendorff_alpha(clips, "abcde").interval == pytest.approx(np.percentile(slow, (2.5, 97.5)), abs=0.04)


@settings(max_examples=30, deadline=None)
@given(CLIPS, st.randoms(use_true_random=False))
def test_the_order_of_clips_and_of_raters_changes_nothing(clips: list[dict[str, str]], chance: random.Random) -> None:
    turned = [dict(chance.sample(list(of.items()), len(of))) for of in chance.sample(clips, len(clips))]
    assert krippendorff_alpha(turned, PEOPLE) == krippendorff_alpha(clips, PEOPLE)
    assert mean_kappa(turned, rater_pairs(turned)) == mean_kappa(clips, rater_pairs(clips))


def test_who_is_not_asked_about_changes_no_interval() -> None:
    clips = rated(a="xyxyxxyy", b="xyyyxxyx")
    with_others = [{**of, "c": letter} for of, letter in zip(clips, "xyzxyzxy", strict=True)]
    assert krippendorff_alpha(with_others, "ab") == krippendorff_alpha(clips, "ab")
    assert mean_kappa(with_others, [("a", "b")]) == mean_kappa(clips, [("a", "b")])


def test_there_is_no_interval_of_one_clip_nor_of_one_label() -> None:
    assert krippendorff_alpha(rated(a="x", b="y"), "ab").interval is None
    assert mean_kappa(rated(a="xx", b="xx"), [("a", "b")]) == (None, None, 2)
    ends = mean_kappa(rated(a="xyxy", b="xyxy"), [("a", "b")]).interval
    assert ends == (1, 1)  # draws of one label alone say nothing and are left out

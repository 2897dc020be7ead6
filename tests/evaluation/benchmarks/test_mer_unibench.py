"""MER-UniBench's scores: worked out by hand."""

import random
from pathlib import Path

import numpy as np
import pytest

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.mer_unibench.scores import (
    HitRate,
    SentimentScore,
    hit_rate,
    hit_rates_of_draws,
    hits,
    sentiment_score,
    signs_f1_of_draws,
)
from swift_saber.text.wheel import Wheels
from tests.text.test_wheel import emotion_wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    return Wheels(emotion_wheel(tmp_path_factory.mktemp("w") / "emotion_wheel"))


def test_a_clip_hits_where_the_truths_group_is_among_those_of_the_answer(wheels: Wheels) -> None:
    # Wheel 1 knows angry -> angry and blue -> sad; in wheels 2 to 5 mad and blue are both bad.
    assert hits("mad", ["glad", "livid"], wheels) == [1, 1, 1, 1, 1]
    assert hits("mad", ["glad", "blue"], wheels) == [0, 1, 1, 1, 1]
    assert hits("happy", ["merry"], wheels) == [1, None, None, None, None]
    assert hits("neutral", ["neutral"], wheels) == 5 * [None]


def test_the_hit_rate_is_the_mean_over_wheels_and_no_answer_misses(wheels: Wheels) -> None:
    def rate(truths: list[str], said: list[list[str]]) -> HitRate:
        return hit_rate([hits(truth, labels, wheels) for truth, labels in zip(truths, said, strict=True)])

    truths = ["mad", "happy", "neutral", "gloomy"]
    said = [["blue"], ["merry"], ["neutral"], []]
    # Wheel 1: miss, hit, not counted, miss -> 1/3. Wheels 2 to 5: hit, not counted twice, miss -> 1/2.
    value, clips = rate(truths, said)
    assert value == pytest.approx((1 / 3 + 4 * 1 / 2) / 5)
    assert clips == 3
    assert rate(truths, [[one] for one in truths]) == HitRate(1.0, 3)
    assert rate(truths, [[]] * 4) == HitRate(0.0, 3)
    assert rate(["neutral"], [["mad"]]) == HitRate(None, 0)


def test_the_sign_counts_on_truths_that_are_not_zero() -> None:
    # Of five truths one is zero. Positive: truths a, b; answers a, d. Negative: truths c, d; answer c.
    # b names no sign.
    # F1 of positive: 2 * 1 / (2 + 2) = 1/2, of negative: 2 * 1 / (1 + 2) = 2/3, weights 2/4 each: 7/12.
    truths = [0.2, 3.0, -0.4, -1.0, 0.0]
    assert sentiment_score(truths, [1, 0, -1, 0.1, 1]) == SentimentScore(pytest.approx(7 / 12), 0.5, 4)
    assert sentiment_score(truths, [1, None, -1, 0.1, 1]) == sentiment_score(truths, [1, float("nan"), -1, 0.1, -1])
    assert sentiment_score(truths, truths) == SentimentScore(1.0, 1.0, 4)
    assert sentiment_score(truths, [None] * 5) == SentimentScore(0.0, 0.0, 4)
    assert sentiment_score([0.0, 0.0], [1, 1]) is None


def test_where_every_answer_has_a_sign_f1_is_that_of_both_signs_by_their_share() -> None:
    draw = random.Random(0)
    truths = [draw.choice([-2.0, -0.2, 0.0, 0.6, 1.0]) for _ in range(200)]
    said = [draw.choice([-1.0, 1.0, 2.0]) for _ in truths]
    kept = [(truth > 0, one > 0) for truth, one in zip(truths, said, strict=True) if truth]
    true, predicted = zip(*kept, strict=True)
    # F1 of a sign is 2 hits / (truths + answers), and weighs the share of its truths.
    f1 = sum(
        true.count(sign) / len(kept) * 2 * kept.count((sign, sign)) / (true.count(sign) + predicted.count(sign))
        for sign in (True, False)
    )
    accuracy = sum(truth == one for truth, one in kept) / len(kept)
    assert sentiment_score(truths, said) == (pytest.approx(f1), pytest.approx(accuracy), len(kept))


def test_of_draws_the_scores_are_those_of_the_drawn_clips(wheels: Wheels) -> None:
    draw = np.random.default_rng(0)
    times = draw.multinomial(40, [1 / 20] * 20, size=5)
    truths, said = draw.choice([-1.0, 2.0], 20), draw.choice([-1.0, 0.0, 1.0], 20)
    signs = np.array([truths > 0, np.where(said == 0, -1, said > 0)], dtype=float).T
    table = np.array([hits(*pair, wheels) for pair in 10 * [("mad", ["blue"]), ("happy", ["merry"])]], dtype=float)
    f1, rates = signs_f1_of_draws(times, signs), hit_rates_of_draws(times, table)
    for place, counts in enumerate(times):
        drawn = np.repeat(np.arange(20), counts)
        assert f1[place] == pytest.approx(sentiment_score(truths[drawn], said[drawn]).f1)
        assert rates[place] == pytest.approx(hit_rate(table[drawn]).value)


def test_a_truth_that_is_no_number_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="clip 1: sentiment: is NaN"):
        sentiment_score([1.0, float("nan")], [1, 1])

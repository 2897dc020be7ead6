"""metrics.py, of labels: hand-worked counts."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swift_saber.errors import InputError
from swift_saber.evaluation.metrics import table, weighted_scores

LABELS = ["angry", "happy", "sad"]
PAIRS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, None])), min_size=1, max_size=40)

# happy: three truths, of which one answered happy, one sad, one with no label. sad: two truths, one answered sad and
# one happy.
TRUTHS = ["happy", "happy", "happy", "sad", "sad"]
ANSWERS = ["happy", "sad", None, "sad", "happy"]


def accuracy(*given: Any) -> float:
    return weighted_scores(*given)["accuracy"]


def per_class(*given: Any) -> Any:
    return table(*given)["per_class"]


def confusion(*given: Any) -> Any:
    return table(*given)["confusion"]


def test_an_invalid_answer_is_wrong_and_stays_in_the_denominator() -> None:
    assert accuracy(TRUTHS, ANSWERS) == 2 / 5
    assert accuracy(["sad"], [None]) == 0


def test_each_class_by_hand() -> None:
    # happy: hits 1, answered 2, truths 3: P 1/2, R 1/3, F 2 * 1 / (2 + 3). sad: hits 1, answered 2, truths 2.
    classes = per_class(TRUTHS, ANSWERS)
    assert classes["happy"] == {"precision": 1 / 2, "recall": 1 / 3, "f1": 2 / 5, "support": 3}
    assert classes["sad"] == {"precision": 1 / 2, "recall": 1 / 2, "f1": 1 / 2, "support": 2}


def test_weighted_by_support_by_hand() -> None:
    scores = weighted_scores(TRUTHS, ANSWERS)
    assert scores["precision"] == pytest.approx((3 * 1 / 2 + 2 * 1 / 2) / 5)
    assert scores["recall"] == pytest.approx(scores["accuracy"]) == pytest.approx(2 / 5)
    assert scores["f1"] == pytest.approx((3 * 2 / 5 + 2 * 1 / 2) / 5)


def test_the_confusion_matrix_has_a_last_column_for_invalid_answers() -> None:
    # Columns: angry, happy, sad, none of them.
    assert confusion(TRUTHS, ANSWERS, LABELS) == [[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 0]]


def test_a_label_that_nobody_has_scores_zero() -> None:
    assert per_class(TRUTHS, ANSWERS, LABELS)["angry"] == {"precision": 0, "recall": 0, "f1": 0, "support": 0}


def test_a_table_has_the_labels_in_the_order_given_else_sorted() -> None:
    assert table(TRUTHS, ANSWERS, ["sad", "happy"])["labels"] == ["sad", "happy"]
    made = table(TRUTHS, ANSWERS)
    assert made["labels"] == list(made["per_class"]) == ["happy", "sad"]
    assert made["confusion"] == [[1, 1, 1], [1, 1, 0]]


@pytest.mark.parametrize(
    ("truths", "predictions", "labels", "said"),
    [
        (["glad"], ["sad"], LABELS, "labels: truths: 'glad' is none of 'angry, happy, sad'; correct it"),
        (["sad"], ["glad"], LABELS, "labels: predictions: 'glad' is none of 'angry, happy, sad'; give None for an "),
        (["sad"], ["sad"], ["sad", "sad"], "labels: labels: 'sad' is there twice"),
        (["sad", "sad"], ["sad"], None, "labels: predictions: 1 for 2 truths; give None where there is no answer"),
        ([], [], None, "labels: truths: there is none"),
    ],
)
def test_bad_input_is_named(
    truths: list[str], predictions: list[str | None], labels: list[str] | None, said: str
) -> None:
    with pytest.raises(InputError) as error:
        table(truths, predictions, labels)
    assert str(error.value).startswith(said)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_each_number_is_the_share_that_it_is_defined_as(pairs: list[tuple[str, str | None]]) -> None:
    truths, predictions = [truth for truth, _ in pairs], [answer for _, answer in pairs]
    wanted: dict[str, dict[str, float]] = {}
    for label in LABELS:
        hits, support, answers = pairs.count((label, label)), truths.count(label), predictions.count(label)
        precision, recall = hits / answers if answers else 0, hits / support if support else 0
        f1 = 2 * precision * recall / (precision + recall) if hits else 0
        wanted[label] = {"precision": precision, "recall": recall, "f1": f1, "support": support}
    found = per_class(truths, predictions, LABELS)
    assert list(found) == LABELS
    assert all(found[label] == pytest.approx(of) for label, of in wanted.items())
    weighted = weighted_scores(truths, predictions)
    for name in ("precision", "recall", "f1"):
        mean = sum(of[name] * of["support"] for of in wanted.values()) / len(pairs)
        assert weighted[name] == pytest.approx(mean)
    assert weighted["accuracy"] == sum(truth == answer for truth, answer in pairs) / len(pairs)
    columns = [[pairs.count((truth, answer)) for answer in (*LABELS, None)] for truth in LABELS]
    assert confusion(truths, predictions, LABELS) == columns


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_perfect_answers_score_one(pairs: list[tuple[str, str | None]], random) -> None:
    def scored(pairs: list[tuple[str, str | None]]) -> dict[str, float]:
        return weighted_scores([truth for truth, _ in pairs], [answer for _, answer in pairs])

    shuffled = random.sample(pairs, len(pairs))
    assert scored(shuffled) == scored(pairs)
    perfect = scored([(truth, truth) for truth, _ in pairs])
    assert perfect == pytest.approx(dict.fromkeys(("accuracy", "precision", "recall", "f1"), 1))


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.data())
def test_an_empty_answer_never_raises_accuracy_or_recall(pairs: list[tuple[str, str | None]], data) -> None:
    place = data.draw(st.integers(0, len(pairs) - 1))
    emptied = [(truth, None if at == place else answer) for at, (truth, answer) in enumerate(pairs)]
    before = weighted_scores([truth for truth, _ in pairs], [answer for _, answer in pairs])
    after = weighted_scores([truth for truth, _ in emptied], [answer for _, answer in emptied])
    assert after["accuracy"] <= before["accuracy"]
    assert after["recall"] <= before["recall"] + 1e-12


def test_silence_in_the_place_of_a_wrong_answer_raises_precision_and_f1_by_their_definition() -> None:
    # sad is answered twice and is right once: P 1/2, F 2/3; silent: P 1, F 1. happy scores 0. Both weigh 1/2.
    wrong, silent = weighted_scores(["sad", "happy"], ["sad", "sad"]), weighted_scores(["sad", "happy"], ["sad", None])
    assert (wrong["precision"], silent["precision"]) == (1 / 4, 1 / 2)
    assert (wrong["f1"], silent["f1"]) == pytest.approx((1 / 3, 1 / 2))
    assert wrong["accuracy"] == silent["accuracy"] == wrong["recall"] == silent["recall"] == 1 / 2

"""metrics.py, of labels: hand-worked counts, and scikit-learn where it computes the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from swift_saber.errors import InputError
from swift_saber.evaluation.metrics import accuracy, confusion, per_class, table, weighted_scores

LABELS = ["angry", "happy", "sad"]
PAIRS = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, None])), min_size=1, max_size=40)

# happy: three truths, of which one answered happy, one sad, one with no label. sad: two truths, one answered sad and
# one happy.
TRUTHS = ["happy", "happy", "happy", "sad", "sad"]
ANSWERS = ["happy", "sad", None, "sad", "happy"]


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
def test_equal_to_scikit_learn_with_a_label_more(pairs: list[tuple[str, str | None]]) -> None:
    truths, predictions = [truth for truth, _ in pairs], [answer for _, answer in pairs]
    told = [answer or "none of them" for answer in predictions]
    ours = weighted_scores(truths, predictions, LABELS)
    theirs = precision_recall_fscore_support(truths, told, labels=LABELS, average="weighted", zero_division=0)
    assert ours["accuracy"] == pytest.approx(accuracy_score(truths, told))
    assert (ours["precision"], ours["recall"], ours["f1"]) == pytest.approx(theirs[:3])
    each = precision_recall_fscore_support(truths, told, labels=LABELS, average=None, zero_division=0)
    for place, of in enumerate(per_class(truths, predictions, LABELS).values()):
        assert list(of.values()) == pytest.approx([values[place] for values in each])
    matrix = confusion_matrix(truths, told, labels=[*LABELS, "none of them"])
    assert confusion(truths, predictions, LABELS) == matrix[: len(LABELS)].tolist()


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_perfect_answers_score_one(pairs: list[tuple[str, str | None]], random) -> None:
    def scored(pairs: list[tuple[str, str | None]]) -> dict[str, float]:
        return weighted_scores([truth for truth, _ in pairs], [answer for _, answer in pairs], LABELS)

    shuffled = random.sample(pairs, len(pairs))
    assert scored(shuffled) == scored(pairs)
    perfect = scored([(truth, truth) for truth, _ in pairs])
    assert perfect == pytest.approx(dict.fromkeys(("accuracy", "precision", "recall", "f1"), 1))


@settings(max_examples=60, deadline=None)
@given(PAIRS, st.data())
def test_an_empty_answer_never_raises_accuracy_or_recall(pairs: list[tuple[str, str | None]], data) -> None:
    place = data.draw(st.integers(0, len(pairs) - 1))
    emptied = [(truth, None if at == place else answer) for at, (truth, answer) in enumerate(pairs)]
    before = weighted_scores([truth for truth, _ in pairs], [answer for _, answer in pairs], LABELS)
    after = weighted_scores([truth for truth, _ in emptied], [answer for _, answer in emptied], LABELS)
    assert after["accuracy"] <= before["accuracy"]
    assert after["recall"] <= before["recall"] + 1e-12


def test_silence_in_the_place_of_a_wrong_answer_raises_precision_and_f1_by_their_definition() -> None:
    # sad is answered twice and is right once: P 1/2, F 2/3; silent: P 1, F 1. happy scores 0. Both weigh 1/2.
    wrong, silent = weighted_scores(["sad", "happy"], ["sad", "sad"]), weighted_scores(["sad", "happy"], ["sad", None])
    assert (wrong["precision"], silent["precision"]) == (1 / 4, 1 / 2)
    assert (wrong["f1"], silent["f1"]) == pytest.approx((1 / 3, 1 / 2))
    assert wrong["accuracy"] == silent["accuracy"] == wrong["recall"] == silent["recall"] == 1 / 2

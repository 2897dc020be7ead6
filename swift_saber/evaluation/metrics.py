"""Accuracy, precision, recall, F1 and the confusion matrix of labels: what scikit-learn computes, with invalid answers.

Knows two lists of labels; knows nothing of where they come from. A prediction of None is an answer that names none of
the labels, or no answer at all. It is wrong, has a column of its own, and never leaves a denominator. Telling
scikit-learn of one more label, that nobody's truth is, gives the same numbers.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from swift_saber.errors import InputError, quoted

Labels = Sequence[str]
Predictions = Sequence[str | None]


def accuracy(truths: Labels, predictions: Predictions) -> float:
    """Return the share of right answers, 0..1: right / all, invalid ones among all.

    Args:
        truths: the labels, (n,).
        predictions: what was answered, (n,), in the same order; None where no label was.

    Raises:
        InputError: there is no truth, or there are not as many predictions.
    """
    _check(truths, predictions)
    right = sum(truth == prediction for truth, prediction in zip(truths, predictions, strict=True))
    return right / len(truths)


def weighted_scores(truths: Labels, predictions: Predictions, labels: Labels | None = None) -> dict[str, float]:
    """Return accuracy and the support-weighted precision, recall and F1, each 0..1.

    The mean over the classes of `per_class`, each weighted by its support / n (scikit-learn's average="weighted",
    zero_division=0; EmoBench-M's choice, published with its scorer). The weighted recall is the accuracy.

    Precision and F1 forgive silence by their definition: an invalid answer in the place of a wrong one spoils the
    precision of no class. Accuracy does not, so rank models by it, or show the rate of invalid answers beside F1.

    Args:
        truths: as in accuracy.
        predictions: as in accuracy.
        labels: as in per_class.

    Raises:
        InputError: as accuracy and per_class.
    """
    classes = per_class(truths, predictions, labels)
    scores = {"accuracy": accuracy(truths, predictions)}
    for name in ("precision", "recall", "f1"):
        scores[name] = sum(of[name] * of["support"] for of in classes.values()) / len(truths)
    return scores


def per_class(truths: Labels, predictions: Predictions, labels: Labels | None = None) -> dict[str, dict[str, float]]:
    """Return {label: {"precision", "recall", "f1", "support"}}.

    precision = hits / answers of that label; recall = hits / truths of that label (the support);
    f1 = 2 hits / (answers + truths). A share of nothing is 0. Checked against scikit-learn's
    precision_recall_fscore_support.

    Args:
        truths: as in accuracy.
        predictions: as in accuracy.
        labels: those that there are, in the order of the result; without them those that occur, sorted.

    Raises:
        InputError: as accuracy, and for a label that is not among `labels`.
    """
    labels = known_labels(truths, predictions, labels)
    support, answers = Counter(truths), Counter(predictions)
    hits = Counter(truth for truth, prediction in zip(truths, predictions, strict=True) if truth == prediction)
    return {
        label: {
            "precision": _share(hits[label], answers[label]),
            "recall": _share(hits[label], support[label]),
            "f1": _share(2 * hits[label], answers[label] + support[label]),
            "support": support[label],
        }
        for label in labels
    }


def confusion(truths: Labels, predictions: Predictions, labels: Labels | None = None) -> list[list[int]]:
    """Return counts, (labels, labels + 1): a row for each truth, a column for each answer, the last one for None.

    Without its last column it is scikit-learn's confusion_matrix. Each row adds up to the label's support.

    Args:
        truths: as in accuracy.
        predictions: as in accuracy.
        labels: as in per_class.

    Raises:
        InputError: as per_class.
    """
    labels = known_labels(truths, predictions, labels)
    pairs = Counter(zip(truths, predictions, strict=True))
    return [[pairs[truth, answer] for answer in (*labels, None)] for truth in labels]


def table(truths: Labels, predictions: Predictions, labels: Labels | None = None) -> dict[str, Any]:
    """Return {"labels", "confusion", "per_class"}: one of the tables of scores.json.

    Args:
        truths: as in accuracy.
        predictions: as in accuracy.
        labels: as in per_class.

    Raises:
        InputError: as per_class.
    """
    labels = known_labels(truths, predictions, labels)
    return {
        "labels": labels,
        "confusion": confusion(truths, predictions, labels),
        "per_class": per_class(truths, predictions, labels),
    }


def known_labels(truths: Labels, predictions: Predictions, labels: Labels | None = None) -> list[str]:
    """Return the labels that a table has: the given ones, else those that occur as truth or answer, sorted.

    Raises:
        InputError: as per_class; a label is given twice.
    """
    _check(truths, predictions)
    said = {prediction for prediction in predictions if prediction is not None}
    if labels is None:
        return sorted({*truths, *said})
    if len(set(labels)) != len(labels):
        twice = next(label for label, count in Counter(labels).items() if count > 1)
        raise InputError("labels", "labels", f"{quoted(twice)} is there twice", "name each label once")
    for name, found in (("truths", set(truths)), ("predictions", said)):
        if unknown := sorted(found - set(labels)):
            remedy = "correct it" if name == "truths" else "give None for an answer that names no label"
            raise InputError("labels", name, f"{quoted(unknown[0])} is none of {quoted(', '.join(labels))}", remedy)
    return list(labels)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _check(truths: Labels, predictions: Predictions) -> None:
    if len(truths) != len(predictions):
        problem = f"{len(predictions)} for {len(truths)} truths"
        raise InputError("labels", "predictions", problem, "give None where there is no answer")
    if not truths:
        raise InputError("labels", "truths", "there is none", "score at least one item")

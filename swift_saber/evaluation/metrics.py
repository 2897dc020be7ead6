"""Metrics of answers: accuracy, precision, recall, F1 and confusion of labels; BLEU, ROUGE-L and BERTScore of texts.

Each by the package that its field uses. A prediction of None is an answer that names none of the labels, or no answer
at all. It is wrong, has a column of its own, and never leaves a denominator: scikit-learn is told of one more label,
that nobody's truth is.

EmoBench-M's laughter reasoning is scored with the metrics of texts (its scorer splits at spaces for BLEU, uses
rouge-score with stemming, and leaves empty answers out; here they score 0).
"""

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from swift_saber.errors import InputError, quoted
from swift_saber.statistics.interval import DRAWS, LEVEL, SEED, Interval

Labels = Sequence[str]
Predictions = Sequence[str | None]

_PARTS = ("precision", "recall", "f1")
# What scikit-learn takes for the label of an answer that names none.
_NONE = "\0"


def weighted_scores(truths: Labels, predictions: Predictions) -> dict[str, float]:
    """Return accuracy and the support-weighted precision, recall and F1, each 0..1.

    Accuracy is right / all, invalid answers among all. The others are the mean over the classes of `table`, each
    weighted by its support / n (scikit-learn's average="weighted", zero_division=0; EmoBench-M's choice, published with
    its scorer). The weighted recall is the accuracy.

    Precision and F1 forgive silence by their definition: an invalid answer in the place of a wrong one spoils the
    precision of no class. Accuracy does not, so rank models by it, or show the rate of invalid answers beside F1.

    Args:
        truths: the labels, (n,).
        predictions: what was answered, (n,), in the same order; None where no label was.

    Raises:
        InputError: there is no truth, or there are not as many predictions.
    """
    from sklearn.metrics import precision_recall_fscore_support

    labels, told = _known_labels(truths, predictions), _told(predictions)
    found = precision_recall_fscore_support(truths, told, labels=labels, average="weighted", zero_division=0)
    right = sum(truth == prediction for truth, prediction in zip(truths, predictions, strict=True))
    return {"accuracy": right / len(truths), **dict(zip(_PARTS, map(float, found[:3]), strict=True))}


def table(truths: Labels, predictions: Predictions, labels: Labels | None = None) -> dict[str, Any]:
    """Return one of the tables of scores.json.

    Args:
        truths, predictions: as in weighted_scores.
        labels: those that there are, in the order of the result; without them those that occur, sorted.

    Returns:
        labels: those.
        confusion: counts, (labels, labels + 1): a row for each truth, which adds up to its support, and a column for
            each answer, the last one for None.
        per_class: {label: {"precision", "recall", "f1", "support"}}: hits / answers of that label; hits / truths of
            that label, which are the support; 2 hits / (answers + truths). A share of nothing is 0.

    Raises:
        InputError: as weighted_scores; a label is not among `labels`, or there twice.
    """
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    labels, told = _known_labels(truths, predictions, labels), _told(predictions)
    parts = precision_recall_fscore_support(truths, told, labels=labels, zero_division=0)
    columns = zip(*(part.tolist() for part in parts), strict=True)
    return {
        "labels": labels,
        # Nobody's truth is _NONE, so its row is the last one and empty.
        "confusion": confusion_matrix(truths, told, labels=[*labels, _NONE])[:-1].tolist(),
        "per_class": {
            label: dict(zip((*_PARTS, "support"), of, strict=True)) for label, of in zip(labels, columns, strict=True)
        },
    }


def _known_labels(truths: Labels, predictions: Predictions, labels: Labels | None = None) -> list[str]:
    if len(truths) != len(predictions):
        problem = f"{len(predictions)} for {len(truths)} truths"
        raise InputError("labels", "predictions", problem, "give None where there is no answer")
    if not truths:
        raise InputError("labels", "truths", "there is none", "score at least one item")
    said = {prediction for prediction in predictions if prediction is not None}
    if labels is None:
        return sorted({*truths, *said})
    if twice := [label for label, count in Counter(labels).items() if count > 1]:
        raise InputError("labels", "labels", f"{quoted(twice[0])} is there twice", "name each label once")
    for name, found in (("truths", set(truths)), ("predictions", said)):
        if unknown := sorted(found - set(labels)):
            remedy = "correct it" if name == "truths" else "give None for an answer that names no label"
            raise InputError("labels", name, f"{quoted(unknown[0])} is none of {quoted(', '.join(labels))}", remedy)
    return list(labels)


def _told(predictions: Predictions) -> list[str]:
    return [_NONE if prediction is None else prediction for prediction in predictions]


def weighted_intervals(
    truths: Labels, predictions: Predictions, groups: Sequence[str] | None = None
) -> dict[str, Interval] | None:
    """Return the bootstrap interval of "precision", "recall" and "f1" as weighted_scores has them.

    A thousand times faster than drawing items: drawing n of n with replacement is drawing how often each pair of truth
    and answer occurs from a multinomial distribution.

    Args:
        truths, predictions: as in weighted_scores.
        groups: (n,), each drawn for itself; None for one group.

    Returns:
        None where no group has two items.
    """
    groups = groups or [""] * len(truths)
    if all(size < 2 for size in Counter(groups).values()):
        return None
    drawn = _draws(truths, predictions, groups, np.random.default_rng(SEED))
    return {name: _ends(scores) for name, scores in drawn.items()}


def mean_weighted_f1(groups: Sequence[tuple[Labels, Predictions]]) -> tuple[float, Interval | None]:
    """Return the mean of the groups' weighted F1, however many items each has, and its bootstrap interval.

    Args:
        groups: of each the truths and the predictions, as in weighted_scores.

    Returns:
        No interval where no group has two items.
    """
    value = math.fsum(weighted_scores(*group)["f1"] for group in groups) / len(groups)
    if all(len(truths) < 2 for truths, _ in groups):
        return value, None
    rng = np.random.default_rng(SEED)  # one, so that the groups are drawn apart
    drawn = [_draws(truths, said, [""] * len(truths), rng)["f1"] for truths, said in groups]
    return value, _ends(np.mean(drawn, axis=0))


def _draws(
    truths: Labels, predictions: Predictions, groups: Sequence[str], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """The weighted precision, recall and F1 of each bootstrap draw, (draws,)."""
    sizes = Counter(groups)
    pairs = Counter(zip(groups, truths, predictions, strict=True))
    cells = sorted(pairs, key=lambda cell: (cell[0], cell[1], cell[2] or "", cell[2] is None))
    labels = sorted(set(truths))  # others have no support, so no weight
    counts = np.hstack(
        [
            rng.multinomial(size, [pairs[cell] / size for cell in cells if cell[0] == group], size=DRAWS)
            for group, size in sorted(sizes.items())
        ]
    )  # (draws, cells)
    is_truth = np.array([[truth == label for label in labels] for _, truth, _ in cells], dtype=float)
    is_answer = np.array([[answer == label for label in labels] for *_, answer in cells], dtype=float)
    support, answers, hits = counts @ is_truth, counts @ is_answer, counts @ (is_truth * is_answer)  # (draws, labels)
    shares = {
        "precision": _shares(hits, answers),
        "recall": _shares(hits, support),
        "f1": _shares(2 * hits, answers + support),
    }
    return {name: (scores * support).sum(axis=1) / len(truths) for name, scores in shares.items()}


def _ends(drawn: np.ndarray) -> Interval:
    outside = 50 * (1 - LEVEL)
    low, high = np.percentile(drawn, (outside, 100 - outside))
    return Interval(float(low), float(high))


def _shares(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    share: np.ndarray = np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=whole > 0)
    return share


#: The layer of BERTScore's default English model, roberta-large (published: Zhang et al. 2020, and bert-score's list).
ROBERTA_LARGE_LAYER = 17


def bleu(reference: str, prediction: str) -> float:
    """Return the sentence BLEU-4 of a text, 0..1, unsmoothed: nltk's sentence_bleu with its defaults.

    BLEU = BP * (p1 p2 p3 p4) ** 1/4, with p_k the clipped share of the prediction's k-grams that the reference has,
    and BP = min(1, exp(1 - reference length / prediction length)) (Papineni et al. 2002). A p_k of 0 counts as the
    smallest float (nltk), so a text without a common 4-gram scores about 0, and a text of fewer than four tokens does
    so even where it equals its reference.

    Args:
        reference: the text to come near to.
        prediction: the answer; without a token it scores 0. Tokens are what stands between spaces (EmoBench-M's
            scorer), case and punctuation kept.

    Raises:
        InputError: nltk is not installed.
    """
    sentence_bleu = _package("nltk.translate.bleu_score", "nltk").sentence_bleu
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a p_k is 0, which is said above
        return float(sentence_bleu([reference.split()], prediction.split()))


def rouge_l(reference: str, prediction: str) -> float:
    """Return the ROUGE-L F of a text, 0..1: 2 P R / (P + R), by rouge-score.

    P and R are the length of the longest common subsequence of tokens over the length of the prediction and of the
    reference (Lin 2004). A text without a token scores 0.

    Args:
        reference: the text to come near to.
        prediction: the answer. Tokens are rouge-score's own with Porter stemming (EmoBench-M's scorer): lower case,
            a-z and 0-9, so that a Chinese text has none.

    Raises:
        InputError: rouge-score is not installed.
    """
    return float(_rouge().score(reference, prediction)["rougeL"].fmeasure)


def bert_score(references: Sequence[str], predictions: Sequence[str], model: str | Path) -> list[float]:
    """Return the BERTScore F of each text, not rescaled: greedy matching of token embeddings by their cosine.

    P is the mean over the prediction's tokens of the highest cosine with a token of the reference, R the other way
    round, F = 2 P R / (P + R) (Zhang et al. 2020), by the package bert-score. An empty text scores 0.

    Args:
        references: the texts to come near to, (n,).
        predictions: the answers, (n,).
        model: the folder of the model. It is never downloaded: EmoBench-M's scorer uses roberta-large (lang="en").

    Raises:
        InputError: bert-score is not installed, or the folder is not there.
    """
    folder = Path(model)
    if not (folder / "config.json").is_file():
        remedy = "download the model first and name its folder: nothing is downloaded here"
        raise InputError(str(folder), "BERTScore model", "is not the folder of a model", remedy)
    package = _package("bert_score", "bert-score")
    pairs = list(zip(references, predictions, strict=True))
    scored = [place for place, (reference, prediction) in enumerate(pairs) if reference.strip() and prediction.strip()]
    scores = [0.0] * len(pairs)
    if scored:
        said, wanted = [pairs[place][1] for place in scored], [pairs[place][0] for place in scored]
        _, _, found = package.score(said, wanted, model_type=str(folder), num_layers=ROBERTA_LARGE_LAYER)
        for place, score in zip(scored, found.tolist(), strict=True):
            scores[place] = float(score)
    return scores


@cache
def _rouge() -> Any:
    return _package("rouge_score.rouge_scorer", "rouge-score").RougeScorer(["rougeL"], use_stemmer=True)


def _package(module: str, name: str) -> Any:
    """Import a module of an optional package; what is missing is said as an InputError."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise  # the package is there and lacks something of its own
        raise InputError("text metrics", name, "is not installed", f"pip install {name}") from error

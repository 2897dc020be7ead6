"""BLEU, ROUGE-L and BERTScore of a free text against its reference, each by the package that its field uses.

EmoBench-M's laughter reasoning is scored with them (its scorer splits at spaces for BLEU, uses rouge-score with
stemming, and leaves empty answers out; here they score 0).

Chinese: there are no spaces to split at, and rouge-score's own tokeniser throws away every character that is not a-z
or 0-9, so that any two Chinese texts score 0. Ours: each Chinese character is a token, so is each run of other letters
or of digits, in lower case; punctuation is dropped. Characters need no word list, so the score depends on none.
"""

import re
import warnings
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError
from swift_saber.language import Language

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
_CHINESE_TOKEN = re.compile(rf"[{_HAN}]|[0-9]+|[^\W\d_{_HAN}]+")

#: The layer of BERTScore's default English model, roberta-large (published: Zhang et al. 2020, and bert-score's list).
ROBERTA_LARGE_LAYER = 17


def bleu(reference: str, prediction: str, language: Language = "en") -> float:
    """Return the sentence BLEU-4 of a text, 0..1, unsmoothed: nltk's sentence_bleu with its defaults.

    BLEU = BP * (p1 p2 p3 p4) ** 1/4, with p_k the clipped share of the prediction's k-grams that the reference has,
    and BP = min(1, exp(1 - reference length / prediction length)) (Papineni et al. 2002). A p_k of 0 counts as the
    smallest float (nltk), so a text without a common 4-gram scores about 0, and a text of fewer than four tokens does
    so even where it equals its reference.

    Args:
        reference: the text to come near to.
        prediction: the answer; without a token it scores 0.
        language: "en" splits at spaces (EmoBench-M's scorer, case and punctuation kept); "zh" as the module says.

    Raises:
        InputError: nltk is not installed.
    """
    sentence_bleu = _package("nltk.translate.bleu_score", "nltk").sentence_bleu
    split = chinese_tokens if language == "zh" else str.split
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that a p_k is 0, which is said above
        return float(sentence_bleu([split(reference)], split(prediction)))


def rouge_l(reference: str, prediction: str, language: Language = "en") -> float:
    """Return the ROUGE-L F of a text, 0..1: 2 P R / (P + R), by rouge-score.

    P and R are the length of the longest common subsequence of tokens over the length of the prediction and of the
    reference (Lin 2004). A text without a token scores 0.

    Args:
        reference: the text to come near to.
        prediction: the answer.
        language: "en" is rouge-score's own tokeniser with Porter stemming (EmoBench-M's scorer: lower case, a-z and
            0-9); "zh" as the module says, where there is nothing to stem.

    Raises:
        InputError: rouge-score is not installed.
    """
    return float(_rouge(language).score(reference, prediction)["rougeL"].fmeasure)


def bert_score(
    references: Sequence[str], predictions: Sequence[str], model: str | Path, layer: int = ROBERTA_LARGE_LAYER
) -> list[float]:
    """Return the BERTScore F of each text, not rescaled: greedy matching of token embeddings by their cosine.

    P is the mean over the prediction's tokens of the highest cosine with a token of the reference, R the other way
    round, F = 2 P R / (P + R) (Zhang et al. 2020), by the package bert-score. An empty text scores 0.

    Args:
        references: the texts to come near to, (n,).
        predictions: the answers, (n,).
        model: the folder of the model. It is never downloaded: EmoBench-M's scorer uses roberta-large (lang="en").
        layer: whose embeddings are compared, counted from 1; the default is that of roberta-large.

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
        _, _, found = package.score(said, wanted, model_type=str(folder), num_layers=layer)
        for place, score in zip(scored, found.tolist(), strict=True):
            scores[place] = float(score)
    return scores


def chinese_tokens(text: str) -> list[str]:
    """Return a text's Chinese characters, and its runs of other letters and of digits, in lower case."""
    return _CHINESE_TOKEN.findall(text.lower())


class _Chinese:
    """The tokeniser that rouge-score is handed."""

    def tokenize(self, text: str) -> list[str]:
        return chinese_tokens(text)


@cache
def _rouge(language: Language) -> Any:
    scorer = _package("rouge_score.rouge_scorer", "rouge-score").RougeScorer
    if language == "zh":
        return scorer(["rougeL"], tokenizer=_Chinese())
    return scorer(["rougeL"], use_stemmer=True)


def _package(module: str, name: str) -> Any:
    """Import a module of an optional package; what is missing is said as an InputError."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise  # the package is there and lacks something of its own
        raise InputError("text metrics", name, "is not installed", f"pip install {name}") from error

"""metrics.py, of texts: formulas worked by hand, and the packages' own numbers."""

import math
import warnings
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.translate.bleu_score import sentence_bleu
from rouge_score.rouge_scorer import RougeScorer

from swift_saber.errors import InputError
from swift_saber.evaluation import metrics
from swift_saber.evaluation.metrics import bert_score, bleu, rouge_l

WORDS = st.lists(
    st.sampled_from(["the", "audience", "laughed", "because", "he", "fell", "runs", "running"]), max_size=12
)


def test_bleu_by_hand() -> None:
    # Five words, the last one wrong: p1 = 4/5, p2 = 3/4, p3 = 2/3, p4 = 1/2, equal lengths: their product is 1/5.
    assert bleu("he fell off the chair", "he fell off the table") == pytest.approx((1 / 5) ** (1 / 4))


def test_bleu_of_a_short_answer_pays_for_it() -> None:
    # All 4 words of 5: p_k = 1, and the brevity penalty is exp(1 - 5/4).
    assert bleu("he fell off the chair", "he fell off the") == pytest.approx(math.exp(-1 / 4))


def test_bleu_without_a_common_four_gram_is_about_zero_and_says_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bleu("he fell", "he fell") < 1e-70
        assert bleu("he fell off the chair", "chair the off fell he") < 1e-70


def test_rouge_l_by_hand_with_stemming() -> None:
    # "runs" and "running" have the stem "run": LCS he run = 2, P = 2/3, R = 2/2, F = 2 * 2 / (3 + 2).
    assert rouge_l("he running", "he runs home") == pytest.approx(4 / 5)
    assert rouge_l("a b c d", "A, C!") == pytest.approx(2 * 2 / (2 + 4))


@settings(max_examples=40, deadline=None)
@given(WORDS, WORDS)
def test_equal_to_the_packages(reference: list[str], prediction: list[str]) -> None:
    said, wanted = " ".join(prediction), " ".join(reference)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert bleu(wanted, said) == sentence_bleu([reference], prediction)
    theirs = RougeScorer(["rougeL"], use_stemmer=True).score(wanted, said)["rougeL"].fmeasure
    assert rouge_l(wanted, said) == theirs


@settings(max_examples=40, deadline=None)
@given(WORDS.filter(lambda words: len(words) >= 4))
def test_a_perfect_answer_scores_one_and_an_empty_one_nothing(words: list[str]) -> None:
    english = " ".join(words)
    assert bleu(english, english) == rouge_l(english, english) == 1
    for empty in ("", "  \n"):
        assert bleu(english, empty) == rouge_l(english, empty) == 0


@pytest.mark.parametrize(
    ("metric", "package"), [(bleu, "nltk.translate.bleu_score"), (rouge_l, "rouge_score.rouge_scorer")]
)
def test_a_package_that_is_not_installed_is_named(metric, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = package.partition(".")[0]

    def without(module: str) -> None:
        raise ModuleNotFoundError(f"No module named {root!r}", name=root)

    monkeypatch.setattr(metrics, "import_module", without)
    metrics._rouge.cache_clear()
    name = root.replace("_", "-")
    with pytest.raises(InputError, match=f"^text metrics: {name}: is not installed; pip install {name}$"):
        metric("he fell", "he fell")


def test_a_module_that_an_installed_package_lacks_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(module: str) -> None:
        raise ModuleNotFoundError("No module named 'regex'", name="regex")

    monkeypatch.setattr(metrics, "import_module", broken)
    with pytest.raises(ModuleNotFoundError, match="regex"):
        bleu("he fell", "he fell")


def test_no_model_is_ever_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for model in ("roberta-large", tmp_path):
        with pytest.raises(InputError, match="BERTScore model: is not the folder of a model; download the model first"):
            bert_score(["he fell"], ["he fell"], model)


@pytest.mark.skipif(find_spec("bert_score") is not None, reason="bert-score is installed")
def test_bert_score_without_its_package_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="text metrics: bert-score: is not installed; pip install bert-score"):
        bert_score(["he fell"], ["he fell"], tmp_path)


@pytest.mark.skipif(find_spec("bert_score") is None, reason="bert-score is not installed")
def test_bert_score_of_equal_texts_is_one_and_of_an_empty_one_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, RobertaConfig, RobertaModel

    words = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "he", "is", "happy", "sad", "she", "laughs"]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [("<s>", 0), ("</s>", 2)]
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    names = {"bos": "<s>", "cls": "<s>", "eos": "</s>", "sep": "</s>", "pad": "<pad>", "unk": "<unk>", "mask": "<mask>"}
    named = {f"{name}_token": token for name, token in names.items()}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=60, **named).save_pretrained(tmp_path)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    RobertaModel(RobertaConfig(vocab_size=len(words), max_position_embeddings=64, **sizes)).save_pretrained(tmp_path)
    monkeypatch.setattr(metrics, "ROBERTA_LARGE_LAYER", 2)
    same, other, empty = bert_score(["he is happy", "she laughs", "he"], ["he is happy", "he is sad", " "], tmp_path)
    assert same == pytest.approx(1)
    assert other < same
    assert empty == 0

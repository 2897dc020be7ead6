"""Terms for modality pairs: what moves with which media, told by an answer's parts, and the losses by hand."""

import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.plugin.saber_modality import KEPT, MOVED, OTHER, drift, masks, parts, replaced
from swift_saber.plugin.saber_options import Options, check_arguments, options
from swift_saber.plugin.saber_pairs import to_swift_pair
from swift_saber.plugin.saber_reference_cache import pair_key
from swift_saber.sed.layout import ORDERS, places, render
from swift_saber.sed.record import CONCLUSION, FACE, SCENE, SPEECH, VOICE, Record
from tests.plugin.rlhf import FULL, pair, rlhf, timeless

pytestmark = pytest.mark.usefixtures("plugin")
slow = pytest.mark.slow
RECORD = Record(
    video_desc="A person before a blue wall.",
    acoustic_feat="The voice is low and warm.",
    speech_content="(no words)",
    facial_exp_desc="The face smiles.",
    body_lang_desc="Still shoulders in a red shirt.",
    sentiment_analysis="The face and the voice agree: happy.",
)
ANSWER = render(RECORD, language="en")


def test_the_drift_by_hand() -> None:
    """p = (1/2, 1/2), q = (1/4, 3/4): KL = 1/2 ln 2 + 1/2 ln 2/3 = ln(4/3) / 2. The mean of that and of 0 is half."""
    own = torch.tensor([[[0.5, 0.5], [0.5, 0.5], [0.9, 0.1]]] * 2, dtype=torch.float64).log()
    other = torch.tensor([[[0.25, 0.75], [0.5, 0.5], [0.1, 0.9]]] * 2, dtype=torch.float64).log()
    kept = torch.tensor([[True, True, False], [False, False, False]])
    expected = torch.tensor([math.log(4 / 3) / 4, 0.0])
    torch.testing.assert_close(drift(own, other, kept), expected)


def test_the_drift_of_many_tokens_is_the_same_with_its_gradient() -> None:
    """They are looked at some at a time, and not all of them in float32 at once."""
    torch.manual_seed(1)
    own = torch.randn(2, 200, 7, dtype=torch.float64, requires_grad=True)
    other, kept = torch.randn(2, 200, 7, dtype=torch.float64), torch.rand(2, 200) < 0.8
    each = torch.nn.functional.kl_div(other.log_softmax(-1), own.log_softmax(-1), log_target=True, reduction="none")
    expected = (each.sum(-1) * kept).sum(1) / kept.sum(1)
    found = drift(own, other, kept)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)
    (wanted,), (given,) = (torch.autograd.grad(one.sum(), own) for one in (expected, found))
    torch.testing.assert_close(given, wanted, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("chosen", "rejected", "found"),
    [
        ((["a.mp4"], ["a.wav"]), (["a.mp4"], ["b.wav"]), "audios"),
        ((["a.mp4"], ["a.wav"]), (["b.mp4"], ["a.wav"]), "videos"),
        ((["a.mp4"], ["a.wav"]), (["b.mp4"], ["b.wav"]), None),
        ((["a.mp4"], ["a.wav"]), (["a.mp4"], ["a.wav"]), None),
        ((["a.mp4"], ["a.wav"], ["a.png"]), (["a.mp4"], ["b.wav"], ["b.png"]), None),
    ],
)
def test_one_sense_alone_is_replaced(chosen: Any, rejected: Any, found: str | None) -> None:
    sides = [dict(zip(("videos", "audios", "images"), side, strict=False)) for side in (chosen, rejected)]
    assert replaced(*sides) == found


def test_where_the_dimensions_of_an_answer_stand() -> None:
    found = {dimension: ANSWER[start:end] for dimension, (start, end) in places(ANSWER).items()}
    assert found == {name: getattr(RECORD, name) for name in found}
    assert len(found) == 6


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("order", ["released", "figure"])
def test_a_line_that_the_conclusion_quotes_is_found_where_it_stands(language: Any, order: Any) -> None:
    """A heading in a text is none, and what is blank has no place."""
    record = Record(
        video_desc="### Voice\nThe voice is low and warm.",
        acoustic_feat="The voice is low and warm.",
        speech_content="",
        facial_exp_desc="The face smiles.",
        body_lang_desc="The face smiles.",
        sentiment_analysis="The face smiles. The voice is low and warm.",
    )
    text = render(record, language=language, order=order)
    found = {dimension: text[start:end] for dimension, (start, end) in places(text).items()}
    assert found == {
        SCENE: "\\### Voice\nThe voice is low and warm.",
        VOICE: record.acoustic_feat,
        FACE: record.facial_exp_desc,
        "body_lang_desc": record.body_lang_desc,
        CONCLUSION: record.sentiment_analysis,
    }
    assert list(places(text)) == [dimension for dimension in ORDERS[order] if dimension in found]
    assert sorted(places(text).values()) == [*places(text).values()]


def test_in_other_layouts_a_text_that_stands_twice_has_no_place() -> None:
    text = "**Voice**: The voice is low.\n**Facial expression**: A smile.\n**Emotion**: The voice is low."
    assert places(text).keys() == {FACE}


def test_paragraphs_have_places_too() -> None:
    text = "The voice is flat and cold.\n\nThe face smiles broadly."
    assert {name: text[start:end] for name, (start, end) in places(text).items()} == {
        VOICE: "The voice is flat and cold.",
        FACE: "The face smiles broadly.",
    }


@pytest.fixture(scope="module")
def tokenizer(tiny_model: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_model)


@pytest.mark.parametrize(
    ("column", "conclusion", "moved", "kept"),
    [
        ("audios", False, {VOICE}, {SCENE, FACE, "body_lang_desc"}),
        ("audios", True, {VOICE, CONCLUSION}, {SCENE, FACE, "body_lang_desc"}),
        ("videos", False, {FACE}, {VOICE, SPEECH}),
    ],
)
def test_which_tokens_move_and_which_are_kept(
    tokenizer: Any, column: str, conclusion: bool, moved: set[str], kept: set[str]
) -> None:
    tokens = [*tokenizer(ANSWER, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    codes = parts(tokenizer, ANSWER, tokens, column, conclusion=conclusion)
    assert codes is not None and len(codes) == len(tokens)
    for code, names in ((MOVED, moved), (KEPT, kept)):
        said = tokenizer.decode([token for token, found in zip(tokens, codes, strict=True) if found == code])
        texts = [getattr(RECORD, name) for name in places(ANSWER) if name in names]
        assert said.split() == " ".join(texts).split()
    assert codes[-1] == OTHER


def test_an_answer_without_that_line_or_cut_otherwise_has_no_parts(tokenizer: Any) -> None:
    tokens = tokenizer("She is happy.", add_special_tokens=False)["input_ids"]
    assert parts(tokenizer, "She is happy.", tokens, "audios", conclusion=False) is None
    assert parts(tokenizer, ANSWER, tokens, "audios", conclusion=False) is None


def test_the_masks_of_a_batch() -> None:
    found = masks([{"modality": [OTHER, MOVED, KEPT]}, {}], 4)
    assert found["pairs"].tolist() == [True, False]
    assert found["moved"].tolist() == [[False, True, False, False], [False] * 4]
    assert found["kept"].tolist() == [[False, False, True, False], [False] * 4]


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, ("", 0.0)),
        ({"SABER_MODALITY_PARTS": "evidence"}, ("evidence", 0.0)),
        ({"SABER_MODALITY_PARTS": "Conclusion", "SABER_INVARIANCE_WEIGHT": "0.5"}, ("conclusion", 0.5)),
    ],
)
def test_the_options(environment: dict[str, str], found: tuple[str, float]) -> None:
    said = options(environment)
    assert (said.modality_parts, said.invariance_weight) == found


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"SABER_MODALITY_PARTS": "true"}, "SABER_MODALITY_PARTS: is 'true'; use evidence or conclusion, or unset it"),
        ({"SABER_INVARIANCE_WEIGHT": "1"}, "SABER_INVARIANCE_WEIGHT: needs the parts of answers to be told apart"),
        (
            {"SABER_MODALITY_PARTS": "evidence", "SABER_INVARIANCE_WEIGHT": "-1"},
            "SABER_INVARIANCE_WEIGHT: is -1; use a number of 0",
        ),
    ],
)
def test_options_that_say_nothing_are_refused(environment: dict[str, str], problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        options(environment)


def test_they_are_refused_for_another_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABER_MODALITY_PARTS", "evidence")
    args = SimpleNamespace(rlhf_type="dpo", loss_type="sigmoid")
    with pytest.raises(InputError, match="SABER_MODALITY_PARTS: would be ignored: only ca_dpo looks at the parts"):
        check_arguments(args)


def test_they_are_refused_where_the_sound_comes_from_the_replaced_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABER_MODALITY_PARTS", "evidence")
    monkeypatch.setenv("USE_AUDIO_IN_VIDEO", "true")
    args = SimpleNamespace(rlhf_type="dpo", loss_type=["ca_dpo"])
    with pytest.raises(InputError, match="SABER_MODALITY_PARTS: .*USE_AUDIO_IN_VIDEO.*; unset one of the two"):
        check_arguments(args)


class Mean(list[float]):
    """As far as it is needed of ms-swift's."""

    update = list.extend


class Counting:
    """A trainer as far as it counts modality pairs: of two processes' batches, one after the other.

    Attributes:
        gathered: the shape of each table that it exchanged with other processes.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from swift_saber.plugin import saber_ca_dpo

        self.gathered: list[tuple[int, ...]] = []
        self.warnings: list[str] = []
        self.trainer = object.__new__(saber_ca_dpo.CADPOTrainer)
        self.trainer.args = SimpleNamespace(loss_type="ca_dpo")
        self.trainer.accelerator = SimpleNamespace(gather_for_metrics=self._gather)
        self.trainer.custom_metrics = {"train": defaultdict(Mean), "eval": defaultdict(Mean)}
        self.trainer._compared, self.trainer._rewards = (
            Counter(),
            [(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))],
        )
        monkeypatch.setattr(saber_ca_dpo.logger, "warning", self.warnings.append)

    def _gather(self, table: torch.Tensor) -> torch.Tensor:
        self.gathered.append(tuple(table.shape))
        return table

    def count(self, *, known: bool) -> None:
        from swift_saber.plugin.saber_ca_dpo import Modality

        found = Modality(torch.tensor([True, False]), torch.zeros(2), torch.zeros(2)) if known else None
        self.trainer._count_modality(found, torch.zeros(2), "train")


def test_a_process_without_modality_pairs_in_its_batch_exchanges_as_much_as_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else one waits for ever for the other, or takes its numbers for something else."""
    counting = Counting(monkeypatch)
    counting.count(known=True)
    counting.count(known=False)
    first, second = counting.gathered
    assert first == second


def test_a_run_of_which_nothing_is_compared_by_parts_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    for _ in range(49):
        counting.count(known=False)
    assert not counting.warnings
    counting.count(known=False)
    counting.count(known=False)
    (said,) = counting.warnings
    assert "SABER_MODALITY_PARTS" in said and "none of the first 100 pairs" in said and "SABER_MODALITY_PAIRS" in said


@pytest.mark.parametrize(("known", "warnings"), [(True, 0), (False, 1)])
def test_a_short_run_says_it_at_its_end(known: bool, warnings: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counting = Counting(monkeypatch)
    counting.count(known=known)
    counting.trainer._say_whether_compared()
    assert len(counting.warnings) == warnings


def test_a_kept_reference_of_whole_answers_is_not_taken_for_one_of_parts() -> None:
    pair = {"chosen_input_ids": [1, 2], "rejected_input_ids": [1, 2]}
    keys = {pair_key(pair), pair_key({**pair, "modality": [MOVED]}), pair_key({**pair, "modality": [KEPT]})}
    assert len(keys) == 3


def modality_pair(number: int, clips: list[dict[str, Any]], column: str) -> dict[str, Any]:
    """The clip's record as the answer to its own media, and to those with another clip's sound or picture."""
    clip, other = clips[number], clips[number - 1]
    record = Record(**{name: clip[name] for name in ("video_desc", "facial_exp_desc", "body_lang_desc")},
                    **clip["audio_desc"], sentiment_analysis=clip["sentiment_analysis"])  # fmt: skip
    turns = [{"role": "user", "content": ""}, {"role": "assistant", "content": render(record, language="en")}]
    media = {name: clip[name] for name in ("videos", "audios")}
    replaced = {f"rejected_{name}": files for name, files in {**media, column: other[column]}.items()}
    return {"id": f"m{number}", "messages": turns, **media, "rejected_messages": turns, **replaced}


@pytest.fixture(scope="module")
def pairs(tiny_world: Path) -> list[dict[str, Any]]:
    """Two modality pairs, of a sound and of a picture, and two of another kind."""
    clips = [row for _, row in read_rows(tiny_world / "train.jsonl")][:4]
    return [modality_pair(1, clips, "audios"), pair(2, clips[2]), modality_pair(3, clips, "videos"), pair(0, clips[0])]


def answers_logits(encoder: Any, pairs: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], torch.Tensor, list[int]]:
    """The encoded pairs, the logits of stock's rows, both sides of each, and where the answers of these start."""
    rows = [encoder.encode(to_swift_pair(row, "here", Options())) for row in pairs]
    whole = encoder.data_collator([dict(row) for row in rows])
    labels = whole.pop("labels")
    whole.pop("text_position_ids", None)
    model = encoder._get_model()
    encoder.register_post_encode_hook([model])
    try:
        with torch.no_grad():
            logits = model(**whole, use_cache=False).logits
    finally:
        encoder.remove_post_encode_hook()
    return rows, logits, [int((row != -100).nonzero()[0]) for row in labels]


@slow
def test_the_first_step_by_hand(
    tiny_model: Path, pairs: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is learnt Delta is 0, so that each pair has ln 2, and a modality pair twice its drift besides.

    The drift, and what the own media add to the line of the replaced sense, are computed from stock's rows.
    """
    from swift.model import get_model_processor
    from swift.template import get_template

    model, processor = get_model_processor(str(tiny_model), model_type="qwen2_5_omni", torch_dtype=torch.float32)
    template = get_template(processor, template_type="qwen2_5_omni")
    template.set_mode("rlhf")
    template.model, template.modality_parts = model.eval(), "evidence"
    rows, logits, starts = answers_logits(template, pairs)
    assert ["modality" in row for row in rows] == [True, False, True, False]
    drifts, moves = [], []
    for row, encoded in enumerate(rows):
        if "modality" not in encoded:
            continue
        codes = torch.tensor(encoded["modality"])
        own, other = (
            logits[side, starts[side] - 1 : starts[side] - 1 + len(codes)].log_softmax(-1) for side in (row, row + 4)
        )
        each = (own.exp() * (own - other)).sum(-1)
        drifts.append(each[codes == KEPT].mean().item())
        tokens = torch.tensor(encoded["chosen_input_ids"][starts[row] :])
        gained = (own - other).gather(1, tokens[:, None])[:, 0]
        moves.append(gained[codes == MOVED].sum().item())
    monkeypatch.setenv("SABER_MODALITY_PARTS", "evidence")
    monkeypatch.setenv("SABER_INVARIANCE_WEIGHT", "2")
    write_rows(tmp_path / "pairs.jsonl", pairs)
    flags = {"max_steps": 1, "dataset_shuffle": "false", "train_dataloader_shuffle": "false", **FULL}
    log = rlhf(tiny_model, tmp_path / "pairs.jsonl", tmp_path / "out", loss_type="ca_dpo", **flags)[0]
    assert log["loss"] == pytest.approx(math.log(2) + 2 * sum(drifts) / 4, rel=1e-4)
    assert log["modality/drift"] == pytest.approx(sum(drifts) / 2, rel=1e-3)
    assert log["modality/moved"] == pytest.approx(sum(moves) / 2, rel=1e-3, abs=1e-5)
    assert log["modality/accuracies"] == 0  # no answer has won yet
    assert json.loads((tmp_path / "out" / "args.json").read_text())["ca_dpo_settings"]["modality_parts"] == "evidence"


@slow
def test_training_moves_the_line_of_the_replaced_sense(
    tiny_model: Path, pairs: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a reference that is kept is read again for the same parts."""
    monkeypatch.setenv("SABER_MODALITY_PARTS", "evidence")
    monkeypatch.setenv("SABER_INVARIANCE_WEIGHT", "1")
    monkeypatch.setenv("SABER_REFERENCE_CACHE", str(tmp_path / "kept"))
    write_rows(tmp_path / "pairs.jsonl", [pairs[0], pairs[2]])
    flags = {"max_steps": 8, "gradient_accumulation_steps": 1, "learning_rate": 1e-3, **FULL}
    log = timeless(rlhf(tiny_model, tmp_path / "pairs.jsonl", tmp_path / "out", loss_type="ca_dpo", **flags))
    assert log[-1]["modality/accuracies"] == 1
    assert log[-1]["modality/moved"] > log[0]["modality/moved"] + 1

"""mini/rules.py: what the world's truth says of an answer, on the judge's scale."""

from dataclasses import asdict, replace

import pytest

from swift_saber.errors import InputError
from swift_saber.mini.rules import FOLLOWS, MiniScorer
from swift_saber.mini.world import KINDS, Truth, record, sample_clip
from swift_saber.sed.layout import render

# A smile over a hostile voice: sarcastic.
SARCASTIC = sample_clip("conflict", "train", 0, 0)


def answer(truth: Truth, **other: str) -> str:
    """What a model writes that takes the clip for another one in these respects."""
    return render(record(replace(truth, **other)), language="en")


def scores(truth: Truth, text: str) -> tuple[int, int]:
    found = MiniScorer()({"id": truth.id, "labels": asdict(truth)}, text).scores
    return found["logical_consistency"], found["evidence_alignment"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("index", range(4))
def test_the_record_of_every_kind_of_clip_is_the_best_answer(kind: str, index: int) -> None:
    truth = sample_clip(kind, "train", index, 0)
    assert FOLLOWS[truth.face, truth.voice] == truth.emotion
    assert scores(truth, answer(truth)) == (5, 5)


def test_evidence_bent_until_it_fits_is_consistent_and_not_aligned() -> None:
    bent = answer(SARCASTIC, voice="warm", kind="consistent", emotion="happy")
    # Smile and warm voice: happy follows. Face, wall and shirt are right, which makes 4, but a misread sense caps at 2.
    assert scores(SARCASTIC, bent) == (5, 2)


def test_a_conclusion_that_passes_over_its_evidence_is_aligned_and_not_consistent() -> None:
    ignored = answer(SARCASTIC, emotion="happy")
    assert "hostile" in ignored
    assert scores(SARCASTIC, ignored) == (1, 5)


def test_both_ways_of_being_wrong_stay_below_what_a_pair_asks_for() -> None:
    """With the defaults of select a chosen answer has a mean of 4 and 1 more than the rejected one."""
    right = sum(scores(SARCASTIC, answer(SARCASTIC))) / 2
    bent = sum(scores(SARCASTIC, answer(SARCASTIC, voice="warm", kind="consistent", emotion="happy"))) / 2
    ignored = sum(scores(SARCASTIC, answer(SARCASTIC, emotion="happy"))) / 2
    assert (right, bent, ignored) == (5, 3.5, 3)


@pytest.mark.parametrize("sense", ["wall", "shirt", "pitch"])
def test_a_detail_costs_one_point_of_alignment(sense: str) -> None:
    wrong = {"wall": "green", "shirt": "black", "pitch": "high"}
    truth = replace(SARCASTIC, wall="blue", shirt="red", pitch="low")
    assert scores(truth, answer(truth, **{sense: wrong[sense]})) == (5, 4)


def test_all_evidence_wrong_is_1() -> None:
    truth = replace(SARCASTIC, wall="blue", shirt="red")
    text = answer(truth, wall="green", shirt="black", face="frown", voice="warm", emotion="forced calm")
    assert scores(truth, text) == (5, 1)


def test_a_missing_dimension_is_1_and_1() -> None:
    text = answer(SARCASTIC).replace("### Voice", "### Wall")
    assert scores(SARCASTIC, text) == (1, 1)
    assert scores(SARCASTIC, "sarcastic") == (1, 1)
    assert scores(SARCASTIC, "") == (1, 1)


def test_two_states_at_once_are_none() -> None:
    text = answer(SARCASTIC).replace("The face smiles.", "The face smiles and frowns.")
    # Nothing follows from a face that is not said. Voice, wall and shirt make 4; the face is not read: 2.
    assert scores(SARCASTIC, text) == (1, 2)


def test_a_silent_clip_with_a_pitch_is_wrong() -> None:
    truth = sample_clip("mute", "train", 0, 0)
    text = answer(truth).replace("The clip is silent.", "The clip is silent and low.")
    assert scores(truth, text) == (5, 4)


def test_a_row_of_another_world_is_refused() -> None:
    with pytest.raises(InputError, match="a1: labels: are not those of the demo's world"):
        MiniScorer()({"id": "a1", "labels": {"emotion": "happy"}}, "")

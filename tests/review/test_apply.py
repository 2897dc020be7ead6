"""apply.py: rows as people would have them."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.pairs.choose import Rules
from swift_saber.pairs.select import select
from swift_saber.plugin.saber_options import Options
from swift_saber.plugin.saber_pairs import to_swift_pair
from swift_saber.review.apply import LeftOutError, apply
from swift_saber.review.merge import State, Verdict
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record, Row
from tests.review.test_items import RECORD

SIX = {key: RECORD[key] for key in RECORD if key.endswith("_desc") or key == "sentiment_analysis"}
CUES = [{"visual": "smile", "acoustic": "hostile"}]


def verdict(state: State = "corrected", **values: str) -> Verdict:
    return Verdict("a", state, values, ("anna", "bo"))


def test_a_corrected_record_has_the_values_and_says_how_many_looked_at_it() -> None:
    row = {**RECORD, "labels": {"emotion": "sad", "arousal": 2}, "measures": {"seconds": 3}}
    given = {"acoustic_feat": "A warm voice.", "video_desc": "一间厨房。", "emotion": "happy", "language": "zh"}
    found = apply(row, verdict(**given), "r:1")
    assert found["audio_desc"] == {"speech_content": "Fine.", "acoustic_feat": "A warm voice."}
    assert (found["video_desc"], found["language"]) == ("一间厨房。", "zh")
    assert found["labels"] == {"emotion": "happy", "arousal": 2}
    assert found["measures"] == {"seconds": 3}
    assert found["review"] == {"state": "corrected", "reviewers": 2}
    assert row["video_desc"] == "A kitchen." and row["labels"]["emotion"] == "sad", "the given row stays"
    Row.from_dict(found)


def test_an_accepted_record_gains_the_mark_alone() -> None:
    assert apply(RECORD, verdict("accepted"), "r:1") == {**RECORD, "review": {"state": "accepted", "reviewers": 2}}


def test_cues_go_with_consistent_and_with_their_words() -> None:
    row = {**RECORD, "cues": CUES}
    assert apply(row, verdict(video_desc="A bar."), "r:1")["cues"] == CUES
    assert apply(row, verdict(consistency="consistent"), "r:1")["cues"] == []
    assert apply(row, verdict(facial_exp_desc="A frown."), "r:1")["cues"] == []
    assert apply(row, verdict(acoustic_feat="A warm voice."), "r:1")["cues"] == []


def test_a_check_of_a_text_that_is_another_now_goes() -> None:
    fields = {"facial_exp_desc": {"verdict": "contradicted"}, "video_desc": {"verdict": "supported"}}
    row = {**RECORD, "speech": {"wer": 1.0}, "visual": {"caption": "A man.", "fields": fields}}
    found = apply(row, verdict(facial_exp_desc="A frown.", speech_content="Wine."), "r:1")
    assert "speech" not in found
    assert found["visual"] == {"caption": "A man.", "fields": {"video_desc": {"verdict": "supported"}}}
    assert apply(row, verdict(body_lang_desc="Still."), "r:1")["speech"] == {"wer": 1.0}
    heard = {**row, "evidence": {"agrees": 1}}
    assert "evidence" not in apply(heard, verdict(acoustic_feat="A low voice."), "r:1")
    assert apply(heard, verdict(speech_content="Wine."), "r:1")["evidence"] == {"agrees": 1}
    faced = {**row, "evidence": {"agrees": 1, "face": {"agrees": 2}}}
    assert apply(faced, verdict(acoustic_feat="A low voice."), "r:1")["evidence"] == {"face": {"agrees": 2}}
    assert apply(faced, verdict(facial_exp_desc="A frown."), "r:1")["evidence"] == {"agrees": 1}
    assert "evidence" not in apply(faced, verdict(facial_exp_desc="A frown.", acoustic_feat="A low voice."), "r:1")


def test_labels_that_are_taken_away_are_gone_and_a_language_is_read_from_the_texts() -> None:
    found = apply({**RECORD, "labels": {"emotion": "sad"}}, verdict(emotion="", consistency="", language=""), "r:1")
    assert found["labels"] == {} and "consistency" not in found
    assert found["language"] == "en"


def test_the_row_of_a_drop_comes_back() -> None:
    found = apply({"row": RECORD, "reason": "speech differs", "value": 0.4}, verdict("accepted"), "d:1")
    assert found["id"] == "a" and "reason" not in found


def test_an_answer_becomes_a_record() -> None:
    text = render(Record.from_dict(SIX), language="en")
    row = {"id": "a", "videos": ["a.mp4"], "response": text, "labels": None, "logprobs": None, "channel": None}
    found = apply(row, verdict(facial_exp_desc="A frown.", consistency="inconsistent", emotion="angry"), "r:1")
    known = {"id": "a", "videos": ["a.mp4"], "consistency": "inconsistent", "labels": {"emotion": "angry"}}
    mark = {"review": {"state": "corrected", "reviewers": 2}}
    assert found == {**SIX, **known, "facial_exp_desc": "A frown.", **mark}


def test_a_rejected_row_is_left_out_with_the_reasons() -> None:
    with pytest.raises(LeftOutError) as error:
        apply(RECORD, Verdict("a", "rejected", {}, ("anna",), ("no face", "two speakers")), "r:1")
    assert (error.value.reason, error.value.value) == ("rejected by reviewers", "no face; two speakers")


def test_a_text_that_a_model_would_read_as_a_clip_is_left_out() -> None:
    with pytest.raises(LeftOutError, match="video_desc holds <video>"):
        apply(RECORD, verdict(video_desc="A <video> of a kitchen."), "r:1")


def pair(**columns: Any) -> dict[str, Any]:
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "good"}]
    return {"id": "p", "videos": [__file__], "messages": turns, "rejected_response": "bad", **columns}


def test_a_pair_is_turned_round_and_can_be_trained_on() -> None:
    scores = {"chosen": 4.5, "rejected": 2}
    found = apply(pair(scores=scores), verdict(better="1"), "p:1")
    assert found["messages"][-1]["content"] == "bad" and found["rejected_response"] == "good"
    # A score must be for the chosen answer: the judge's is kept where it is read as none.
    assert found["review"] == {"state": "corrected", "reviewers": 2, "turned": True, "judged": {"scores": scores}}
    assert to_swift_pair(found, "p:1", Options())["messages"][-1]["content"] == "bad"
    assert apply(pair(scores=scores), verdict("accepted", better="0"), "p:1")["scores"] == scores


def test_whole_turns_are_turned_round_too() -> None:
    other = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "bad"}]
    found = apply(pair(rejected_response=None, rejected_messages=other), verdict(better="1"), "p:1")
    assert (found["messages"], found["rejected_messages"][-1]["content"]) == (other, "good")


@pytest.mark.parametrize("better", ["same", "none"])
def test_a_pair_without_a_better_answer_is_left_out(better: str) -> None:
    with pytest.raises(LeftOutError, match="no answer is better"):
        apply(pair(), verdict(better=better), "p:1")


def test_an_answer_to_other_media_is_no_answer_to_the_clip() -> None:
    with pytest.raises(LeftOutError, match="the rejected answer is better"):
        apply(pair(rejected_videos=["b.mp4"]), verdict(better="1"), "p:1")


def test_the_best_candidate_is_the_chosen_answer_of_its_pair(tmp_path: Path) -> None:
    def candidate(text: str, score: float) -> dict[str, Any]:
        return {"text": text, "scores": {"logical_consistency": score, "evidence_alignment": score}}

    row = {"id": "c", "videos": ["a.mp4"], "messages": [{"role": "user", "content": "?"}]}
    row["candidates"] = [candidate("one", 5), candidate("two", 2), candidate("three", 1)]
    found = apply(row, verdict("accepted", better="1"), "c:1")
    assert found["review"] == {"state": "accepted", "reviewers": 2, "best": 1}
    write_rows(tmp_path / "scored.jsonl", [found])
    select(tmp_path / "scored.jsonl", tmp_path / "pairs.jsonl", records=None, rules=Rules(), inconsistent_share=None)
    ((_, made),) = read_rows(tmp_path / "pairs.jsonl")
    assert (made["messages"][-1]["content"], made["rejected_response"]) == ("two", "three")
    assert made["scores"] == {"chosen": 5.0, "rejected": 1.0}


def test_half_a_character_of_a_review_is_a_question_mark() -> None:
    found = apply(RECORD, verdict("corrected", video_desc="A bar\ud83d", emotion="sad\ud83d"), "r:1")
    assert (found["video_desc"], found["labels"]["emotion"]) == ("A bar?", "sad?")

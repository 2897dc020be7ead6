"""items.py: every kind of row that can be reviewed, and what is shown of it."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.review.items import Items, item_of
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record

RECORD: dict[str, Any] = {
    "id": "a",
    "source": "meld",
    "language": "en",
    "videos": ["a.mp4"],
    "consistency": "inconsistent",
    "audio_desc": {"speech_content": "Fine.", "acoustic_feat": "A hostile voice."},
    "video_desc": "A kitchen.",
    "facial_exp_desc": "A smile.",
    "body_lang_desc": "",
    "sentiment_analysis": "The speaker is angry.",
}


def test_a_record_shows_its_six_texts_and_three_labels() -> None:
    item = item_of(RECORD, "r:1")
    assert item.kind == "record"
    assert item.values == {
        "video_desc": "A kitchen.",
        "acoustic_feat": "A hostile voice.",
        "speech_content": "Fine.",
        "facial_exp_desc": "A smile.",
        "body_lang_desc": "",
        "sentiment_analysis": "The speaker is angry.",
        "emotion": "angry",  # that of its conclusion, since the row has no label
        "consistency": "inconsistent",
        "language": "en",
    }
    assert (item.source, item.videos, item.concluded) == ("meld", ("a.mp4",), "angry")


def test_the_rows_label_stands_before_what_its_conclusion_names() -> None:
    item = item_of({**RECORD, "labels": {"emotion": "sad"}}, "r:1")
    assert (item.values["emotion"], item.concluded) == ("sad", "angry")


def test_what_the_checks_found_stands_beside_its_dimension() -> None:
    speech = {"heard": "Wine.", "wer": 1.0}
    fields = {"facial_exp_desc": {"verdict": "contradicted", "words": ["smile"]}}
    item = item_of({**RECORD, "speech": speech, "visual": {"caption": "A man.", "fields": fields}}, "r:1")
    assert item.checks["speech_content"] == [{"check": "speech", **speech}]
    assert item.checks["facial_exp_desc"] == [{"check": "visual", "verdict": "contradicted", "words": ["smile"]}]
    assert item.checks[""] == [{"check": "caption", "caption": "A man."}]


def test_what_was_measured_of_a_voice_stands_beside_what_is_written_of_it() -> None:
    evidence = {"measured": {"rate": 6.8}, "claims": [{"words": "slow pace", "value": "contradicts"}], "contradicts": 1}
    item = item_of({**RECORD, "evidence": evidence}, "r:1")
    assert item.checks == {"acoustic_feat": [{"check": "evidence", **evidence}]}
    assert item.of == item_of(RECORD, "r:1").of  # a review of the record holds for it with and without


def test_what_a_table_of_action_units_says_stands_beside_the_face_and_not_the_voice() -> None:
    face = {"claims": [{"words": "smile", "value": "contradicts"}], "contradicts": 1}
    item = item_of({**RECORD, "evidence": {"agrees": 2, "face": face}}, "r:1")
    assert item.checks == {
        "acoustic_feat": [{"check": "evidence", "agrees": 2}],
        "facial_exp_desc": [{"check": "action units", **face}],
    }
    assert item_of({**RECORD, "evidence": {"face": "odd"}}, "r:1").checks == {}


def test_a_drop_of_the_pipeline_is_its_row_with_the_reason() -> None:
    item = item_of({"row": RECORD, "reason": "speech differs", "value": 0.9, "limit": 0.3}, "d:1")
    assert (item.id, item.kind) == ("a", "record")
    assert item.checks[""] == [{"check": "dropped", "reason": "speech differs", "value": 0.9, "limit": 0.3}]


@pytest.mark.parametrize("column", ["response", "messages"])
def test_an_answer_is_read_into_the_dimensions(column: str) -> None:
    text = render(Record.from_dict({key: RECORD[key] for key in RECORD if key not in ("id", "source")}), language="en")
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": text}]
    item = item_of({"id": "a", "videos": ["a.mp4"], column: text if column == "response" else turns}, "r:1")
    assert (item.kind, item.values["facial_exp_desc"], item.values["emotion"]) == ("answer", "A smile.", "angry")


def test_a_pair_shows_both_answers_with_their_scores() -> None:
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "good"}]
    scores = {"chosen": 4.5, "rejected": 2}
    item = item_of({"id": "p", "messages": turns, "rejected_response": "bad", "scores": scores}, "p:1")
    assert [(choice.text, choice.score) for choice in item.choices] == [("good", 4.5), ("bad", 2.0)]
    assert (item.kind, item.values) == ("pair", {})


def test_a_swapped_pair_is_one_answer_about_two_media() -> None:
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "heard"}]
    row = {"id": "p", "messages": turns, "audios": ["a.wav"], "rejected_audios": ["b.wav"], "rejected_messages": turns}
    own, other = item_of(row, "p:1").choices
    assert (own.text, own.audios, other.text, other.audios) == ("heard", (), "heard", ("b.wav",))


def test_candidates_have_the_mean_of_their_scores() -> None:
    candidates = [{"text": "one", "scores": {"evidence": 5, "emotion": 3}}, {"text": "two", "failure": "cut short"}]
    item = item_of({"id": "c", "candidates": candidates}, "c:1")
    assert [(choice.text, choice.score) for choice in item.choices] == [("one", 4.0), ("two", None)]


def test_another_text_is_another_digest_and_another_place_of_the_clip_is_not() -> None:
    own = item_of(RECORD, "r:1").of
    assert item_of({**RECORD, "videos": ["b.mp4"]}, "r:1").of == own
    assert item_of({**RECORD, "video_desc": "A garden."}, "r:1").of != own


def test_a_file_is_read_by_id_and_in_its_order(tmp_path: Path) -> None:
    write_rows(tmp_path / "r.jsonl", [RECORD, {**RECORD, "id": "b"}])
    items = Items([tmp_path / "r.jsonl"])
    assert list(items) == ["a", "b"]
    assert items["b"].where == f"{tmp_path / 'r.jsonl'}:2"
    assert items.strata("b") == ("meld", "inconsistent", "en")


def test_one_id_twice_is_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "r.jsonl", [RECORD, RECORD])
    with pytest.raises(InputError, match="r.jsonl:2: id: 'a' is there twice"):
        Items([tmp_path / "r.jsonl"])


def test_two_kinds_are_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "r.jsonl", [RECORD, {"id": "b", "response": "Happy."}])
    with pytest.raises(InputError, match="r.jsonl:2: row: is of another kind: answer .* and record"):
        Items([tmp_path / "r.jsonl"])


def test_a_row_of_no_kind_is_refused() -> None:
    with pytest.raises(InputError, match="r:1: row: holds no record"):
        item_of({"id": "a", "videos": ["a.mp4"]}, "r:1")


def test_a_file_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no.jsonl: file: No such file"):
        Items([tmp_path / "no.jsonl"])


def test_a_task_that_kept_nothing_leaves_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "0.jsonl").touch()
    write_rows(tmp_path / "1.jsonl", [RECORD])
    assert list(Items([tmp_path / "0.jsonl", tmp_path / "1.jsonl"])) == ["a"]


def test_a_row_that_was_read_at_first_is_read_again(tmp_path: Path) -> None:
    deep: Any = "x"
    for _ in range(80):  # as deep as the line of a drop may be
        deep = [deep]
    write_rows(tmp_path / "d.jsonl", [{"row": RECORD, "reason": "mute", "value": deep}])
    assert Items([tmp_path / "d.jsonl"])["a"].checks[""][0]["value"] == deep


def test_clips_of_one_source_and_language_are_a_scale_and_what_is_no_measurement_is_left_out(tmp_path: Path) -> None:
    def row(name: str, evidence: Any, **more: Any) -> dict[str, Any]:
        return {**RECORD, "id": name, "evidence": evidence, **more}

    odd: list[Any] = [None, [], {}, {"measured": "x"}, {"measured": {"pitch": "x"}}, {"measured": {"pitch": 0}}]
    odd += [{"measured": {"pitch": None, "rate": True}}, {"measured": {"unheard of": {"x": 1}}}]
    rows = [row(f"odd-{at}", evidence) for at, evidence in enumerate(odd)]
    rows += [row(f"one-{at}", {"measured": {"pitch": 100.0 + at, "rate": None}}) for at in range(51)]
    rows += [row("zh", {"measured": {"pitch": 100.0}}, language="zh"), row("none", None, language="fr")]
    write_rows(tmp_path / "r.jsonl", rows)
    items = Items([tmp_path / "r.jsonl"])
    scales = [items.scale(items[name]) for name in ("one-0", "odd-0", "zh", "none")]
    assert [scale and scale.clips for scale in scales] == [51, 51, 1, None]
    [place] = scales[0].places("pitch", 150.0) if scales[0] else []
    assert (place.low, place.by) == (1.0, "data set")

"""The table of answers: the columns that people need, in the records too."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.inference.files import record_of
from swift_saber.inference.run import infer
from swift_saber.sed.conclusion import conclude
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record
from tests.inference import fake_model
from tests.media_faults import encode, frames, sound
from tests.report.made import CHINESE, FIELDS, answer


def test_a_record_has_its_columns_behind_its_id() -> None:
    found = record_of(answer("a"))
    assert list(found) == ["id", "emotion", "valence", "face", "voice", "conflict", *list(found)[6:]]
    assert {name: found[name] for name in conclude(FIELDS)} == conclude(FIELDS)
    assert (found["emotion"], found["face"], found["voice"], found["conflict"]) == (
        "sarcastic",
        "positive",
        "negative",
        True,
    )
    assert conclude(CHINESE) == conclude(FIELDS)


def test_an_answer_says_how_long_its_clip_is(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("swift_saber.models.process.serve", fake_model.serve)
    encode(tmp_path / "a.mp4", frames(), sound())
    write_rows(tmp_path / "in.jsonl", [{"id": "a", "videos": [str(tmp_path / "a.mp4")]}])
    assert infer(str(model), str(tmp_path / "in.jsonl"), str(tmp_path / "out.jsonl")) == 0
    [(_, row)] = read_rows(tmp_path / "out.jsonl")
    [(_, found)] = read_rows(tmp_path / "out.saber.jsonl")
    assert row["seconds"] == found["seconds"] == 2.0  # 16 frames of 8 a second


@pytest.mark.parametrize(
    ("row", "fields", "notes"),
    [
        ({"videos": ["a.mp4"], "audios": ["a.wav"]}, FIELDS, []),
        ({"videos": ["a.mp4"], "audios": None}, FIELDS, ["silent"]),
        ({"videos": ["a.mp4"], "audios": []}, FIELDS, ["silent"]),
        ({"videos": [], "audios": ["a.wav"]}, FIELDS, ["no picture"]),
        ({"videos": [], "audios": []}, FIELDS, []),  # a question about no clip
        ({"audio": "a.wav", "video": "a.mp4"}, FIELDS | {"facial_exp_desc": " "}, ["no face line"]),
        (
            {"audio": "a.wav", "video": "a.mp4", "cut": True},
            FIELDS | {"sentiment_analysis": ""},
            ["no emotion line", "cut short"],
        ),
        ({"audio": "a.wav", "video": "a.mp4", "cut": False}, FIELDS, []),
    ],
)
def test_notes_say_what_an_answer_lacks(row: dict[str, Any], fields: dict[str, str], notes: list[str]) -> None:
    text = render(Record(**fields), language="en")
    assert record_of(answer("a", text, **row))["notes"] == notes


def test_an_answer_that_is_no_record_is_said_to_be_none() -> None:
    found = record_of(answer("a", "I cannot see the clip.", videos=["a.mp4"], audios=["a.wav"]))
    assert (found["notes"], found["seconds"]) == (["none of the six dimensions"], None)

"""Joining released annotations with clips: by name, and by what is said where a name is not enough."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.release import JoinReport, alike, join, likely_source
from swift_saber.text.language import Language

# Utterance 0 of dialogue 0 of each part, as MELD's tables have it; the released dia0_utt0 is that of test.
MELD = {
    "train": "also I was the point person on my companys transition from the KL-5 to GR-6 system.",
    "dev": "Oh my God, he's lost it. He's totally lost it.",
    "test": "Why do all you’re coffee mugs have numbers on the bottom?",
}
MUGS = "Why do all your coffee mugs have numbers on the bottom?"


def _record(speech: str, *, language: str = "en") -> dict[str, Any]:
    text = "一个人在说话。" if language == "zh" else "Somebody speaks."
    return {
        "audio_desc": {"speech_content": speech, "acoustic_feat": text},
        "video_desc": text,
        "facial_exp_desc": text,
        "body_lang_desc": text,
        "sentiment_analysis": text,
    }


def _folder(tmp_path: Path, records: dict[str, Any]) -> Path:
    for name, record in records.items():
        path = tmp_path / "SABER" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(record if isinstance(record, str) else json.dumps(record), encoding="utf-8")
    return tmp_path / "SABER"


def _meld(*splits: str) -> list[Clip]:
    return [Clip(f"meld/{split}/dia0_utt0", "meld", "en", f"/{split}.mp4", transcript=MELD[split]) for split in splits]


def _join(annotations: Path, clips: list[Clip]) -> tuple[list[dict[str, Any]], JoinReport]:
    report = JoinReport()
    return list(join(annotations, clips, report)), report


def test_a_row_is_the_clip_and_the_record(tmp_path: Path) -> None:
    record = _record("子敬果真是江东第一善人。", language="zh")
    clip = Clip(
        "mer25/pool/samplenew3_00000004",
        "mer25",
        "zh",
        "/v/samplenew3_00000004.mp4",
        audio="/a/samplenew3_00000004.wav",
        transcript="子敬果真是江东第一善人",
        labels={"valence": 1.5},
        emotion="happy",
    )
    rows, report = _join(_folder(tmp_path, {"samplenew3_00000004": record}), [clip])
    assert rows == [record | clip.to_row()]
    assert rows[0]["id"] == "mer25/pool/samplenew3_00000004"
    assert report.counts() == {
        "records": 1,
        "joined": {"mer25": 1},
        "missing": {},
        "ambiguous": 0,
        "unreadable": 0,
        "by digest": 0,
        "another file": 0,
        "clips without record": {},
    }


@pytest.mark.parametrize("splits", [("train", "dev", "test"), ("test", "dev", "train"), ("test",)])
def test_a_name_of_several_splits_goes_to_the_one_that_says_what_the_record_says(
    tmp_path: Path, splits: tuple[str, ...]
) -> None:
    rows, report = _join(_folder(tmp_path, {"dia0_utt0": _record(MUGS)}), _meld(*splits))
    assert [row["id"] for row in rows] == ["meld/test/dia0_utt0"]
    assert report.unused == sorted(f"meld/{split}/dia0_utt0" for split in splits if split != "test")
    assert not report.ambiguous and not report.missing


def test_the_only_clip_of_a_repeated_name_is_not_taken_for_another(tmp_path: Path) -> None:
    rows, report = _join(_folder(tmp_path, {"dia0_utt0": _record(MUGS)}), _meld("train"))
    assert rows == []
    [(name, why)] = report.missing
    assert name == "dia0_utt0" and "no clip of this name says what it says" in why
    assert report.unused == ["meld/train/dia0_utt0"]


@pytest.mark.parametrize("speech", ["Yeah.", "<laughs>", ""])
def test_what_cannot_be_told_apart_is_reported_and_not_guessed(tmp_path: Path, speech: str) -> None:
    clips = [Clip(f"meld/{split}/dia3_utt1", "meld", "en", "/v.mp4", transcript="Yeah!") for split in ("train", "test")]
    rows, report = _join(_folder(tmp_path, {"dia3_utt1": _record(speech)}), clips)
    assert rows == [] and not report.missing
    assert report.ambiguous == [("dia3_utt1", ["meld/train/dia3_utt1", "meld/test/dia3_utt1"])]
    assert report.unused == ["meld/test/dia3_utt1", "meld/train/dia3_utt1"]


@pytest.mark.parametrize(("other", "told_apart"), [("What are you doing?", False), ("What do you want here?", True)])
def test_the_next_alike_must_be_clearly_less_alike(tmp_path: Path, other: str, told_apart: bool) -> None:
    # Of 23 letters and blanks, the record's 23 are in the first clip. The other has 18, all of them in the record:
    # 2 * 18 / (23 + 18) = 0.88 is less than 0.15 below 1. "What do you want here" is far below.
    said = {"train": "What are you doing here?", "test": other}
    clips = [Clip(f"meld/{part}/dia4_utt2", "meld", "en", "/v.mp4", transcript=text) for part, text in said.items()]
    rows, report = _join(_folder(tmp_path, {"dia4_utt2": _record("What are you doing here?")}), clips)
    assert (len(rows), len(report.ambiguous)) == ((1, 0) if told_apart else (0, 1))


def test_a_clip_without_transcript_may_be_the_one(tmp_path: Path) -> None:
    clips = [*_meld("test"), Clip("mine/all/dia0_utt0", "mine", "en", "/v.mp4")]
    rows, report = _join(_folder(tmp_path, {"dia0_utt0": _record(MUGS)}), clips)
    assert rows == [] and [name for name, _ in report.ambiguous] == ["dia0_utt0"]


def test_a_whole_id_needs_no_comparing(tmp_path: Path) -> None:
    records = {"meld/train/dia0_utt0": _record("Other words."), "meld/test/dia0_utt0": _record("")}
    rows, _ = _join(_folder(tmp_path, records), _meld("train", "dev", "test"))
    assert [row["id"] for row in rows] == ["meld/test/dia0_utt0", "meld/train/dia0_utt0"]


def test_one_name_in_two_languages_goes_by_the_language_of_the_record(tmp_path: Path) -> None:
    name = "Track1_Training_00001"
    parts: list[tuple[str, Language]] = [("english", "en"), ("mandarin", "zh")]
    clips = [Clip(f"meiju25/{part}/{name}", "meiju25", language, "/v.mp4") for part, language in parts]
    folder = _folder(tmp_path, {f"a/{name}": _record("你好", language="zh"), f"b/{name}": _record("Hi.")})
    rows, report = _join(folder, clips)
    assert [row["id"] for row in rows] == [f"meiju25/mandarin/{name}", f"meiju25/english/{name}"]
    rows, report = _join(folder, clips[:1])
    assert [row["id"] for row in rows] == [f"meiju25/english/{name}"]
    assert report.missing == [(f"a/{name}", "no clip of this name in its language (zh)")]


def test_no_clip_is_joined_twice(tmp_path: Path) -> None:
    clip = Clip("ravdess/speech/01-01-01-01-01-01-01", "ravdess", "en", "/v.mp4")
    records = {f"{part}/01-01-01-01-01-01-01": _record("Kids are talking.") for part in ("a", "b")}
    rows, report = _join(_folder(tmp_path, records), [clip])
    assert len(rows) == 1
    assert report.missing == [("b/01-01-01-01-01-01-01", f"{clip.id} is another record's already")]


def test_missing_on_either_side_is_counted_by_dataset(tmp_path: Path) -> None:
    records = {"dia5_utt2": _record("Hi."), "S01E01_000": _record("Hi."), "clip 9": _record("Hi.")}
    rows, report = _join(_folder(tmp_path, records), _meld("train", "dev"))
    assert rows == []
    assert report.counts() == {
        "records": 3,
        "joined": {},
        "missing": {"meld": 1, "memor": 1, "unknown": 1},
        "ambiguous": 0,
        "unreadable": 0,
        "by digest": 0,
        "another file": 0,
        "clips without record": {"meld": 2},
    }
    assert report.to_dict()["missing"][0] == {"record": "S01E01_000", "why": "no clip of this name"}


def test_an_unreadable_record_is_counted_and_ends_nothing(tmp_path: Path) -> None:
    broken = _record("Hi.") | {"video_desc": 3}
    rows, report = _join(_folder(tmp_path, {"a": '{"audio', "b": broken, "dia0_utt0": _record(MUGS)}), _meld("test"))
    assert len(rows) == 1
    assert ["a.json:1: JSON" in report.unreadable[0], "b.json: video_desc" in report.unreadable[1]] == [True, True]
    assert report.counts()["records"] == 3


def test_a_jsonl_goes_by_id_or_by_the_name_of_the_clip(tmp_path: Path) -> None:
    clips = [
        Clip(f"crema-d/all/1001_{sentence}_ANG_XX", "crema-d", "en", f"/{sentence}.flv") for sentence in ("DFA", "IEO")
    ]
    rows = [
        _record("Don't forget.") | {"id": "1001_DFA_ANG_XX", "videos": ["theirs/x.mp4"], "consistency": "consistent"},
        _record("It's eleven.") | {"videos": ["theirs/1001_IEO_ANG_XX.mp4"]},
        _record("No name."),
        _record("A list.") | {"id": ["x"]},
        "no row",
    ]
    path = tmp_path / "saber.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    joined, report = _join(path, clips)
    assert [(row["id"], row["videos"]) for row in joined] == [
        ("crema-d/all/1001_DFA_ANG_XX", ["/DFA.flv"]),
        ("crema-d/all/1001_IEO_ANG_XX", ["/IEO.flv"]),
    ]
    assert joined[0]["consistency"] == "consistent"
    assert [problem.partition("saber.jsonl:")[2][0] for problem in report.unreadable] == ["3", "4", "5"]


def test_rows_come_one_by_one(tmp_path: Path) -> None:
    folder = _folder(tmp_path, {"a": _record("Hi."), "b": "broken"})
    report = JoinReport()
    rows = join(folder, [Clip("mine/all/a", "mine", "en", "/v.mp4")], report)
    assert next(rows)["id"] == "mine/all/a"
    assert report.unreadable == []  # the second record was not read yet
    assert list(rows) == [] and len(report.unreadable) == 1


def test_annotations_that_are_not_there_are_said_before_clips_are_read(tmp_path: Path) -> None:
    def clips() -> Iterator[Clip]:
        raise AssertionError("clips were read")
        yield

    (tmp_path / "empty").mkdir()
    for name, message in (("none", "No such file"), ("empty", "holds no JSON file")):
        with pytest.raises(InputError, match=message):
            list(join(tmp_path / name, clips(), JoinReport()))


def test_a_clip_of_two_sources_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two sources have a clip of this id"):
        _join(_folder(tmp_path, {"a": _record("Hi.")}), [*_meld("test"), *_meld("test")])


def test_likeness_is_of_words_and_not_of_signs() -> None:
    assert alike("<laughs> You’re IN, “Joe”!", "youre in Joe") == 1
    assert alike("abcd", "abef") == 0.5  # 2 * 2 common characters of 4 + 4
    assert alike("", "") == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("1001_DFA_ANG_XX", "crema-d"),
        ("02-01-06-01-02-01-12", "ravdess"),
        ("MSP-IMPROV-S01A-F01-P-FM01", "msp-improv"),
        ("dia0_utt0", "meld"),
        ("test/dia0_utt0", "meld"),
        ("dia_0_utt_0", "mc-eiu"),
        ("Track2_Testing_00001", "meiju25"),
        ("samplenew3_00000004", "mer25"),
        ("sample_00000004", "mer25"),
        ("t_ffa55df6-114d-4b36-87a1-7af6b8b63d9b_0k", "multidialog"),
        ("S01E01_000", "memor"),
        ("aqgy4_0004_00023", "ch-sims-v2"),
        ("M003_angry_level_1_001", "mead"),
        ("W1234", None),
        ("holiday", None),
    ],
)
def test_a_name_suggests_its_dataset(name: str, source: str | None) -> None:
    assert likely_source(name) == source

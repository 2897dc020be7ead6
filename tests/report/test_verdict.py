"""report/verdict.py: one word for what came of an answer; right and wrong are said where they are known."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.evaluation.benchmarks import BENCHMARKS, command
from swift_saber.evaluation.item import Item
from swift_saber.report.records import read_references
from swift_saber.report.results import against, read_results
from swift_saber.report.verdict import VERDICTS, emotion_of, label_of, verdict_of
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record
from tests.report.made import CHINESE, FIELDS, answer, item, reference, reject, write_answers

NAMES = ("accuracy", "emotion", "intent")
NONE_READ = {"emotion": {"truth": "sad", "answer": None, "named": ["happy", "sad"]}}


@pytest.mark.parametrize(
    ("one", "word"),
    [
        (item("right"), "right"),
        (item("wrong", prediction="sad"), "wrong"),
        (item("perfect speech, of which 0 is the best", scores={"wer": 0.0, "emotion": 1.0}), "right"),
        (item("one of two", scores={"emotion": 1.0, "intent": 0.0}), "wrong"),
        (item("a degree", scores={"bleu": 0.0, "no_sound_changed": 0.0}), "no verdict"),
        (item("not scored", scores={}), "no verdict"),
        (item("no truth", truth=None, scores={}), "no reference"),
        (item("no truths", truth=[], scores={"changed": 1.0}), "no reference"),
        (item("says no label", prediction=None, state="invalid"), "invalid"),
        (item("names two emotions", scores={"emotion": 0.0}, details=NONE_READ), "invalid"),
        (item("none", prediction=None, state="missing"), "no answer"),
        (item("judge failed", scores={"judge": None}, state="unjudged"), "unjudged"),
        (
            item("right, unjudged", scores={"judge": None, "emotion": 1.0}, state="unjudged"),
            "right",
        ),
    ],
    ids=lambda each: each.id if isinstance(each, Item) else "",
)
def test_a_question_of_a_benchmark(one: Item, word: str) -> None:
    assert verdict_of(one, NAMES, rejected=False) == word
    assert word in VERDICTS


def test_a_reject_is_a_kind_of_its_own() -> None:
    assert verdict_of(item("a", prediction=None, state="missing"), NAMES, rejected=True) == "reject"


def test_what_each_benchmark_calls_right_or_wrong() -> None:
    """All other scores have degrees, where 0 may be the best (an error rate) or means no more than a change."""
    assert {name: tuple(command(name).verdicts) for name in BENCHMARKS if command(name).verdicts} == {
        "saber-test": ("emotion",),
        "emobench-m": ("accuracy", "emotion", "intent"),
        "mer-unibench": ("accuracy",),
        "emorealm": ("accuracy",),
    }


@pytest.mark.parametrize(
    ("value", "label"),
    [
        ("happy", "happy"),
        (" sad ", "sad"),
        (["joy", "fear"], "joy, fear"),
        (0, "0"),
        (-1.5, "-1.5"),
        (True, "true"),
        ({"whole": "sad", "no_sound": None}, "whole: sad, no_sound: –"),
        (None, ""),
        ([], ""),
        ("A long text that tells in many words what somebody thinks of this clip.", ""),
        ("two\nlines", ""),
        ([["a"]], ""),
        ({"a": ["b"]}, ""),
    ],
)
def test_a_label_is_a_word_and_a_text_is_none(value: Any, label: str) -> None:
    assert label_of(value) == label


def test_an_emotion_is_read_by_the_labels_of_the_set_before_ours() -> None:
    said = {"sentiment_analysis": "She is curious, if a little nervous."}
    assert emotion_of(said) == "worried"
    assert emotion_of(said, {"curious"}) == "curious"
    assert emotion_of({"sentiment_analysis": "Happy or sad."}) is None
    assert emotion_of({}) is None


def test_answers_that_no_benchmark_has_scored_are_held_against_the_emotion_of_their_references(tmp_path: Path) -> None:
    blank = FIELDS | {"sentiment_analysis": "Hard to say."}
    rows = [answer(name) for name in ("label", "conclusion", "other", "own", "unknown", "alone")]
    rows.append(answer("unread", render(Record(**blank), language="en")))
    references = [
        reference("label", labels={"emotion": "Sarcastic"}),
        reference("conclusion", CHINESE),
        reference("other", labels={"emotion": "Joy"}),
        reference("own", labels={"emotion": "curious"}),
        reference("unknown", blank),
        reference("unread", labels={"emotion": "sad"}),
        reference("reject", labels={"emotion": "sad"}),
    ]
    write_rows(tmp_path / "r.jsonl", references)
    [result] = read_results(write_answers(tmp_path / "out.jsonl", rows, [reject("reject")]))
    assert {each.verdict for name, each in result.shown.items() if name != "reject"} == {"no reference"}
    found = against(result, read_references(tmp_path / "r.jsonl")).shown
    assert {name: (each.read, each.verdict) for name, each in found.items()} == {
        "label": ("sarcastic", "right"),
        "conclusion": ("sarcastic", "right"),
        "other": ("sarcastic", "wrong"),
        "own": ("sarcastic", "wrong"),
        "unknown": ("sarcastic", "no verdict"),
        "alone": ("sarcastic", "no reference"),
        "unread": ("", "invalid"),
        "reject": ("", "reject"),
    }


@pytest.mark.parametrize(
    ("label", "said", "word"),
    [
        ("愤怒", "He is furious.", "right"),
        ("开心", "她很高兴。", "right"),
        ("讽刺", "She is sarcastic.", "right"),
        ("伤心", "她很高兴。", "wrong"),
        ("happy", "On the other hand she is happy.", "right"),  # "other" is no emotion that an answer names
        ("好奇", "她感到好奇。", "right"),
        ("好奇", "她很高兴。", "wrong"),
        # of no emotion
        ("positive", "She is happy.", "no verdict"),
        ("消极", "他很难过。", "no verdict"),
        ("-0.6", "He is sad.", "no verdict"),
        ("other", "He is sad.", "no verdict"),
    ],
)
def test_a_label_is_the_emotion_that_it_names(tmp_path: Path, label: str, said: str, word: str) -> None:
    text = render(Record(**(FIELDS | {"sentiment_analysis": said})), language="en")
    references = [reference("a", labels={"emotion": label}), reference("b", labels={"emotion": "other"})]
    write_rows(tmp_path / "r.jsonl", references)
    [result] = read_results(write_answers(tmp_path / "out.jsonl", [answer("a", text)]))
    assert against(result, read_references(tmp_path / "r.jsonl")).shown["a"].verdict == word

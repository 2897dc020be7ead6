"""EmoReAlM: its file, what is asked, which choice an answer names, and the scores of the authors beside ours."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.emorealm import official_right, read_choice
from swift_saber.evaluation.summary import read_items, read_scores
from tests.cli.test_eval import swift_saber

FOUR = ["(A) His low voice", "(B) His smile", "(C) The music", "(D) His smile and his nod"]
TWO = ["(A) Yes", "(B) No"]


def entry(name: str, task: str, answer: str, choices: list[str] = FOUR, **more: Any) -> dict[str, Any]:
    video = f"part_1/{name}.mp4"
    given = {"id": name, "video": video, "task": task, "question": "What?", "choices": choices, "answer": answer}
    return given | more


ENTRIES = [
    entry("1", "reasoning_basic_audio", "A"),
    entry("2", "reasoning_basic_audio", "B"),
    entry("3", "modality_agreement", "A", TWO),
    entry("4", "modality_agreement", "A", TWO),
    entry("5", "modality_agreement", "B", TWO),
    entry("6", "reasoning_stress_video", "B", ["(A) Yes, he does.", "(B) No, there is no smile."]),
]
ANSWERS = {"1": "(A)", "2": "A smile, so (B) or (D).", "3": "Yes.", "4": "No", "6": "B"}  # 5 has none


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write(tmp_path, ENTRIES)


def write(folder: Path, entries: Any) -> Path:
    path = folder / "emorealm_v1.json"
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def scored(data: Path, answers: dict[str, str], *options: str) -> dict[str, Any]:
    folder = data.parent
    write_rows(folder / "answers.jsonl", [{"id": name, "response": text} for name, text in answers.items()])
    out = folder / f"run{len(answers)}{''.join(options)}"
    assert swift_saber("emorealm", "--data", data, "--answers", folder / "answers.jsonl", "-o", out, *options) == 0
    return read_scores(out)


def test_the_question_is_asked_in_the_files_words_about_the_clips_of_dfew(tmp_path: Path, data: Path) -> None:
    for name, folder in (("mp4", "dfew_original_clips_24fps"), ("wav", "dfew_original_clips_16khz")):
        (tmp_path / "dfew" / folder / "part_1").mkdir(parents=True)
        for one in ENTRIES:
            (tmp_path / "dfew" / folder / "part_1" / f"{one['id']}.{name}").write_bytes(b"")
    for media, sound in ((tmp_path / "dfew", True), (tmp_path / "dfew" / "dfew_original_clips_24fps", False)):
        out = tmp_path / f"run {sound}"
        assert swift_saber("emorealm", "--data", data, "--media", media, "-o", out) == 0
        asked = [row for _, row in read_rows(out / "questions.jsonl")]
        assert [row["id"] for row in asked] == [one["id"] for one in ENTRIES]
        assert asked[2]["messages"] == [{"role": "user", "content": "What? (A) Yes (B) No"}]
        assert asked[2]["videos"] == [str(tmp_path / "dfew" / "dfew_original_clips_24fps" / "part_1" / "3.mp4")]
        wav = tmp_path / "dfew" / "dfew_original_clips_16khz" / "part_1" / "3.wav"
        assert asked[2]["audios"] == ([str(wav)] if sound else None)  # else the sound inside of the video


def test_clips_that_are_not_there_are_no_smaller_benchmark(tmp_path: Path, data: Path) -> None:
    (tmp_path / "part_1").mkdir()
    (tmp_path / "part_1" / "1.mp4").write_bytes(b"")
    with pytest.raises(InputError, match="5 of 6 clips are not there .the first: 'part_1/2.mp4'"):
        swift_saber("emorealm", "--data", data, "--media", tmp_path, "-o", tmp_path / "run")


def test_each_task_has_its_accuracy_and_the_headline_is_their_mean(data: Path) -> None:
    """Basic audio: 1 is right, 2 names two choices: 1/2. Agreement: 3 is right, 4 is wrong, 5 is missing: 1/3; of the
    yes questions 1/2, of the no questions 0/1, harmonic mean 0. Stress: 1/1. The mean: (1/2 + 1/3 + 1) / 3."""
    found = scored(data, ANSWERS)
    shown = {task: {name: of["value"] for name, of in all.items()} for task, all in found["groups"].items()}
    assert shown["reasoning_basic_audio"] == {"accuracy": 0.5}
    agreement = {"accuracy": pytest.approx(1 / 3), "accuracy_yes": 0.5, "accuracy_no": 0, "f1": 0}
    assert shown["modality_agreement"] == agreement | {"said_yes": pytest.approx(1 / 3)}
    assert shown["reasoning_stress_video"]["accuracy"] == 1
    average = found["metrics"]["average_accuracy"]
    assert average["value"] == pytest.approx((1 / 2 + 1 / 3 + 1) / 3)
    assert (average["n"], average["invalid"], average["missing"]) == (6, 1, 1)
    assert average["low"] <= average["value"] <= average["high"]
    assert found["metrics"]["accuracy"]["value"] == 3 / 6
    states = {item.id: (item.prediction, item.state) for item in read_items(data.parent / f"run{len(ANSWERS)}")}
    assert states["2"] == (None, "invalid") and states["5"] == (None, "missing") and states["6"] == ("B", "answered")


def test_the_authors_scores_leave_missing_answers_out_and_look_for_the_right_letter_alone(data: Path) -> None:
    """Basic audio: 2 has the letter B somewhere: 2/2. Agreement: "Yes." and "No" hold no letter A, 5 is left out: 0/2,
    so of the yes questions 0/2 and of the no questions 0/0, which counts as 0; said yes: whoever is wrong on a no. The
    mean: (1 + 0 + 1) / 3."""
    found = scored(data, ANSWERS, "--official")
    assert found["groups"]["reasoning_basic_audio"]["accuracy"]["value"] == 1
    agreement = found["groups"]["modality_agreement"]
    assert {name: of["value"] for name, of in agreement.items()} == {
        "accuracy": 0,
        "accuracy_yes": 0,
        "accuracy_no": 0,
        "f1": 0,
        "said_yes": 0,
    }
    assert agreement["accuracy"]["n"] == 2
    assert found["metrics"]["average_accuracy"]["value"] == pytest.approx(2 / 3)
    assert "official: 1 of 6 questions have no answer and are left out" in found["notes"]
    # A task without any answer counts as 0 there.
    assert scored(data, {"1": "A"}, "--official")["metrics"]["average_accuracy"]["value"] == pytest.approx(1 / 3)


def test_f1_of_the_authors_is_the_harmonic_mean_of_the_shares_of_yes_and_of_no(tmp_path: Path) -> None:
    """Yes: A, A, B of three: 2/3. No: B of one: 1. F = 2 * 2/3 * 1 / (5/3) = 4/5; said yes: 2 of 4."""
    entries = [entry(name, "modality_agreement", "A", TWO) for name in "123"]
    entries.append(entry("4", "modality_agreement", "B", TWO))
    answers = dict(zip("1234", "AABB", strict=True))
    for options in ((), ("--official",)):
        found = scored(write(tmp_path, entries), answers, *options)["groups"]["modality_agreement"]
        assert found["f1"]["value"] == pytest.approx(4 / 5)
        assert found["said_yes"]["value"] == 0.5


@pytest.mark.parametrize(
    ("answer", "choice"),
    [
        ("(B)", "B"),
        ("b", "B"),
        ("B.", "B"),
        ("**(B)**", "B"),
        ("B: His smile", "B"),
        ("(B) His smile", "B"),
        ("The answer is B", "B"),
        ("The correct answer is (C).", "C"),
        ("Answer: B", "B"),
        ("Final answer: **B**", "B"),
        ("The correct option is B, since he smiles.", "B"),
        ("Option B", "B"),
        ("I choose B", "B"),
        ("B - His smile", "B"),
        ("B\n\nHe smiles.", "B"),
        ("The answer is: A nod and his smile", "B"),  # an article here too
        ("Option A or option B", None),
        ("It cannot be option A", None),
        ("Not option A, but option B.", "B"),
        ("The options are given, but none of the choices fit.", None),
        ("<think>(A) or (C)?</think>(C)", "C"),
        ("His smile", "B"),  # also inside of D, which is not said
        ("his SMILE and his nod.", "D"),
        ("It is the music", "C"),
        ("A smile can be seen.", None),  # an article is no choice
        ("(A) or (B)", None),
        ("The music and his low voice", None),
        ("", None),
        ("(E)", None),
        ("### Scene\nA room (A).\n### Emotion\nHe is glad: (B).", "B"),
    ],
)
def test_the_one_choice_that_an_answer_names(answer: str, choice: str | None) -> None:
    assert read_choice(answer, FOUR) == choice


@pytest.mark.parametrize(
    ("answer", "choice"),
    [("Yes", "A"), ("no.", "B"), ("No, they differ.", "B"), ("Yes and no", None), ("Not at all", None)],
)
def test_yes_and_no_name_the_choice_that_says_so(answer: str, choice: str | None) -> None:
    assert read_choice(answer, TWO) == choice
    assert read_choice(answer, ["(A) No, they differ", "(B) Yes, they agree"]) == {"A": "B", "B": "A"}.get(choice or "")


@pytest.mark.parametrize(
    "around", ["{}", "({})", "[{}]", "{}.", "{}:", "{})", "x{}", "{}x", "({}", "_{}", "is {} or", "{}-", ""]
)
def test_the_authors_rule_is_the_right_letter_as_a_word(around: str) -> None:
    """Written out as theirs is described: a letter that may have a bracket before it and a mark behind it, between
    two bounds of words. What may stand around changes nothing, which is why ours is the shorter one."""
    text = around.format("b")
    theirs = re.search(r"\b[(\[]?B[)\].:]?\b", text, re.IGNORECASE) is not None
    assert official_right(text, "B") is theirs


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"answer": "E"}, "answer: 'E' is none of its 4 choices"),
        ({"answer": None}, "answer"),
        ({"choices": []}, "choices"),
        ({"choices": "A"}, "choices"),
        ({"video": ""}, "video"),
        ({"video": "../secret.mp4"}, "leads out"),
        ({"video": "/etc/a.mp4"}, "leads out"),
        ({"task": 3}, "task"),
        ({"id": "1"}, "'1' is there twice"),
        ({"task": "modality_agreement"}, "says neither yes nor no"),
    ],
)
def test_an_entry_that_is_none_is_named(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    path = write(tmp_path, [ENTRIES[0], ENTRIES[1] | change])
    with pytest.raises(InputError, match=problem) as raised:
        swift_saber("emorealm", "--data", path, "--answers", tmp_path / "a.jsonl", "-o", tmp_path / "run")
    assert str(raised.value).startswith(f"{path}: entry 2: ")


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is an object, not a list"):
        swift_saber("emorealm", "--data", write(tmp_path, {}), "--media", tmp_path, "-o", tmp_path / "run")

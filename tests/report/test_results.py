"""What is read of evaluations, result files and references: every question is there, with its state and its reason."""

from pathlib import Path

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks import saber_test
from swift_saber.evaluation.run import evaluate
from swift_saber.report.clip import Clip, Result, six
from swift_saber.report.records import read_references
from swift_saber.report.results import against, read_all, read_results
from swift_saber.sed.conclusion import conclude
from tests.report.made import (
    CHINESE,
    FIELDS,
    answer,
    clashing,
    item,
    record,
    reference,
    reject,
    write_answers,
    write_evaluation,
)

PLAIN = FIELDS | {"acoustic_feat": "A plain voice."}


def read_result(path: Path) -> Result:
    [result] = read_results(path)
    return result


def test_an_answer_is_read_by_dimension(tmp_path: Path) -> None:
    result = read_result(write_answers(tmp_path / "out.jsonl", [answer("a", videos=["a.mp4"], audios=["a.wav"])]))
    assert result.shown["a"].fields == FIELDS
    assert (result.clips["a"].videos, result.clips["a"].audios) == (["a.mp4"], ["a.wav"])
    assert (result.kind, result.name) == ("answers", "out")


def test_an_answer_comes_with_what_it_concludes_its_length_and_its_notes(tmp_path: Path) -> None:
    rows = [answer("a", videos=["a.mp4"], seconds=2.5), answer("b", "I cannot see it.")]
    result = read_result(write_answers(tmp_path / "out.jsonl", rows, [reject("c")]))
    first, second, third = result.shown.values()
    assert first.conclusion == conclude(FIELDS)
    assert (first.notes, result.clips["a"].seconds) == (["silent"], 2.5)
    assert (second.conclusion, second.notes) == ({}, ["none of the six dimensions"])
    assert (third.conclusion, third.notes) == ({}, [])


def test_an_evaluated_record_comes_with_what_it_concludes(tmp_path: Path) -> None:
    items = [item("a", record(FIELDS), record(FIELDS)), item("b"), item("c", prediction=None, state="missing")]
    shown = read_result(write_evaluation(tmp_path / "e", items)).shown
    assert [each.conclusion for each in shown.values()] == [conclude(FIELDS), {}, {}]


def test_relative_paths_are_those_of_the_folder_that_was_asked_in(tmp_path: Path) -> None:
    media = {"videos": ["clips/a.mp4"], "audios": ["https://host/a.wav", str(tmp_path / "b.wav")]}
    path = write_answers(tmp_path / "out.jsonl", [answer("a", **media)])
    (tmp_path / "out.settings.json").write_text('{"model": "m", "relative_to": "/data/set"}')
    clip = read_result(path).clips["a"]
    assert clip.videos == ["/data/set/clips/a.mp4"]
    assert clip.audios == media["audios"]


def test_results_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    paths = [tmp_path / folder / "out.jsonl" for folder in ("sed", "ca_dpo")]
    for path in paths:
        path.parent.mkdir()
        write_answers(path, [answer("a")])
    assert [result.name for result in read_all(paths)] == ["sed/out", "ca_dpo/out"]
    assert [result.name for result in read_all(paths[:1])] == ["out"]


def test_rejects_stand_beside_the_answers_with_their_reasons(tmp_path: Path) -> None:
    result = read_result(write_answers(tmp_path / "out.jsonl", [answer("a")], [reject("b", "is empty")]))
    assert list(result.shown) == ["a", "b"]
    assert [each.verdict for each in result.shown.values()] == ["no reference", "reject"]
    assert result.shown["b"].reject == {"reason": "is empty", "remedy": "copy the clip again"}


def test_an_answer_of_no_words_is_no_answer(tmp_path: Path) -> None:
    answers = write_answers(tmp_path / "out.jsonl", [answer("1", " \n"), answer("2", "Perhaps.")])
    [result] = read_results(answers)
    assert [each.verdict for each in result.shown.values()] == ["no answer", "no reference"]
    reference_row = Clip("1", label="happy")
    assert against(result, {"1": reference_row}).shown["1"].verdict == "no answer"


def test_a_run_that_gave_up_every_row_can_be_shown(tmp_path: Path) -> None:
    result = read_result(write_answers(tmp_path / "out.jsonl", [], [reject("b")]))
    assert list(result.shown) == ["b"]


def test_an_evaluation_says_why_an_answer_is_missing(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "e", [item("a", prediction=None, state="missing")])
    write_rows(folder / "answers.rejects.jsonl", [reject("a", "is too long")])
    found = read_result(folder).shown["a"].reject
    assert found is not None
    assert found["reason"] == "is too long"


def test_an_evaluation_of_our_own_is_read(tmp_path: Path) -> None:
    rows = [clashing("a", labels={"emotion": "sarcastic"}), reference("b", labels={"emotion": "sad"}), reference("c")]
    write_rows(tmp_path / "test.jsonl", [row | {"videos": [f"{row['id']}.mp4"]} for row in rows])
    answers = write_answers(tmp_path / "out.jsonl", [answer("a"), answer("b")], [reject("c")])
    evaluate(saber_test.benchmark(tmp_path / "test.jsonl"), tmp_path / "e", model="a model", answers=answers)
    result = read_result(tmp_path / "e")
    # Both answers conclude that the speaker is sarcastic.
    assert {name: each.verdict for name, each in result.shown.items()} == {"a": "right", "b": "wrong", "c": "reject"}
    assert {name: each.read for name, each in result.shown.items()} == {"a": "sarcastic", "b": "sarcastic", "c": ""}
    assert {name: clip.label for name, clip in result.clips.items()} == {"a": "sarcastic", "b": "sad", "c": "sarcastic"}
    found = result.shown["c"].reject
    assert found is not None
    assert found["reason"] == "is empty"
    assert result.clips["a"].reference == FIELDS
    assert result.clips["a"].cues == [{"visual": "smiles broadly", "acoustic": "clipped and hostile"}]


def test_a_record_as_truth_is_a_reference_and_a_label_is_not(tmp_path: Path) -> None:
    items = [item("a", truth=record(FIELDS), prediction=record(FIELDS), group="inconsistent"), item("b", truth="happy")]
    clips = read_result(write_evaluation(tmp_path / "e", items)).clips
    assert (clips["a"].reference, clips["a"].truth, clips["a"].consistency) == (FIELDS, None, "inconsistent")
    assert (clips["b"].reference, clips["b"].truth, clips["b"].consistency) == ({}, "happy", None)


def test_six_texts_are_found_in_a_record_and_in_a_flat_object() -> None:
    assert six(record(FIELDS)) == six(FIELDS) == FIELDS
    assert six("happy") is six({"emotion": "happy"}) is None


def test_references_bring_the_words_that_clash(tmp_path: Path) -> None:
    write_rows(tmp_path / "r.jsonl", [clashing("a"), reference("b")])
    found = read_references(tmp_path / "r.jsonl")
    assert found["a"].cues == [{"visual": "smiles broadly", "acoustic": "clipped and hostile"}]
    assert [found[name].consistency for name in "ab"] == ["inconsistent", "consistent"]


def test_a_record_without_such_words_has_those_by_which_face_and_voice_conflict(tmp_path: Path) -> None:
    write_rows(tmp_path / "r.jsonl", [reference("a"), reference("b", CHINESE), reference("c", PLAIN)])
    found = read_references(tmp_path / "r.jsonl")
    assert found["a"].words == {"visual": ["smiles"], "acoustic": ["hostile"]}
    assert found["b"].words == {"visual": ["笑容"], "acoustic": ["敌意"]}
    assert found["c"].words == {}


def test_cues_that_are_no_quotes_are_passed_over(tmp_path: Path) -> None:
    write_rows(tmp_path / "r.jsonl", [clashing("a") | {"cues": ["x", {"visual": 3, "acoustic": "low"}]}])
    assert read_references(tmp_path / "r.jsonl")["a"].cues == [{"acoustic": "low"}]


def test_half_a_character_at_the_end_of_an_answer_is_read(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text('{"id": "a", "response": "### Scene\\nA \\ud83d", "messages": []}\n')
    assert "video_desc" in read_result(path).shown["a"].fields


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([answer("a"), answer("a")], "'a' is there twice"),
        ([{"id": "a", "messages": []}], r"out.jsonl:1: row: holds no record, no answer and no candidates"),
        ([answer("a"), {"id": "b", "response": None}], "out.jsonl:2: response: is None; give a result file"),
        ([answer("a", messages="x")], r"out.jsonl:1: messages: is not a list of turns"),
    ],
)
def test_result_files_that_cannot_be_used_are_named(tmp_path: Path, rows: list, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_result(write_answers(tmp_path / "out.jsonl", rows))


def test_an_id_that_is_answered_and_rejected_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rejects.jsonl: id: 'a' is there twice"):
        read_result(write_answers(tmp_path / "out.jsonl", [answer("a")], [reject("a")]))


def test_an_evaluation_with_a_file_missing_is_named(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "e", [item("a")])
    (folder / "items.jsonl").unlink()
    with pytest.raises(InputError, match="items.jsonl: file: No such file"):
        read_result(folder)
    with pytest.raises(InputError, match="scores.json: file: No such file"):
        read_result(tmp_path)


def test_an_item_of_another_form_is_named(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "e", [item("a")])
    write_rows(folder / "items.jsonl", [{"id": "a", "answer": "x"}])
    with pytest.raises(InputError, match=r"items.jsonl:1: .* is missing"):
        read_result(folder)


def test_a_reference_without_a_record_is_named(tmp_path: Path) -> None:
    for row, said in (
        ({"id": "a", "emotion": "happy"}, "row: holds no record"),
        (answer("a", "Happy."), "record: has none of the six dimensions"),
    ):
        write_rows(tmp_path / "r.jsonl", [row])
        with pytest.raises(InputError, match=f"r.jsonl:1: {said}"):
            read_references(tmp_path / "r.jsonl")

"""One evaluation in a folder: scored from existing answers, gone on with, refused for others; with the real model."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from swift_saber.cli.main import main
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks import probe, saber_test
from swift_saber.evaluation.benchmarks.labelled import read_test
from swift_saber.evaluation.compare import compare_runs
from swift_saber.evaluation.run import evaluate
from swift_saber.evaluation.summary import read_items, read_scores
from swift_saber.models.service import Service
from swift_saber.report.results import read_results
from swift_saber.sed.layout import render
from swift_saber.sed.record import DIMENSIONS
from swift_saber.text.strict_json import dumps
from tests.evaluation.benchmarks.test_saber_test import FOUR, perfect
from tests.llm_server import Asked, LLMServer, Reply, fails, say
from tests.report.made import item, write_evaluation

FILES = {"questions.jsonl", "answers.jsonl", "items.jsonl", "scores.json", "scores.md"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "test.jsonl"
    write_rows(path, (row.to_dict() for row in FOUR))
    return path


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    return write_answers(tmp_path / "results.jsonl", perfect(FOUR))


def write_answers(path: Path, said: dict[str, Any]) -> Path:
    write_rows(path, ({"id": name, "response": text} for name, text in said.items()))
    return path


def score(data: Path, folder: Path, answers: Path | None, **more: Any) -> dict[str, Any]:
    found = evaluate(saber_test.benchmark(data), folder, answers=answers, **more)
    assert found is not None
    return found


def test_existing_answers_are_scored_into_one_folder(data: Path, answers: Path, tmp_path: Path) -> None:
    scores = score(data, tmp_path / "run", answers, model="m")
    assert {path.name for path in (tmp_path / "run").iterdir()} == FILES
    assert scores == read_scores(tmp_path / "run")
    assert (scores["benchmark"], scores["model"], scores["judge"]) == ("saber-test", "m", None)
    assert scores["metrics"]["emotion"]["value"] == 1
    assert list(scores["manifest"]["data"]) == ["test.jsonl"]
    assert [item.id for item in read_items(tmp_path / "run")] == ["a", "b", "c", "d"]
    assert "emotion\\_gap" in (tmp_path / "run" / "scores.md").read_text()


def test_scoring_needs_no_torch_and_no_gpu(data: Path, answers: Path, tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from swift_saber.evaluation.benchmarks import saber_test
from swift_saber.evaluation.run import evaluate
evaluate(saber_test.benchmark(Path({str(data)!r})), Path({str(tmp_path / "run")!r}), answers=Path({str(answers)!r}))
print([name for name in ("torch", "swift", "datatrove") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_without_a_model_only_the_questions_are_written(data: Path, tmp_path: Path) -> None:
    assert evaluate(saber_test.benchmark(data), tmp_path / "run") is None
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"questions.jsonl"}


def test_missing_answers_and_rejects_are_wrong_and_counted(data: Path, tmp_path: Path) -> None:
    """Of four clips a is answered, b is rejected, c has no row and d has no response: 1 of 4 is right."""
    said: dict[str, Any] = {"a": perfect(FOUR)["a"], "d": None}
    answers = write_answers(tmp_path / "out.jsonl", said)
    write_rows(tmp_path / "out.rejects.jsonl", [{"id": "b", "where": "x:2", "reason": "videos: gone", "remedy": "-"}])
    scores = score(data, tmp_path / "run", answers)
    emotion = scores["metrics"]["emotion"]
    assert (emotion["value"], emotion["n"], emotion["missing"]) == (0.25, 4, 3)
    assert read_items(tmp_path / "run")[1].details["reject"] == "videos: gone"


def test_from_another_folder_relative_paths_name_other_clips_which_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROOT_IMAGE_DIR", raising=False)
    for name in "xy":
        (tmp_path / name).mkdir()
    data = tmp_path / "x" / "test.jsonl"
    write_rows(data, ({**row.to_dict(), "videos": [f"clips/{row.id}.mp4"], "audios": []} for row in FOUR))
    monkeypatch.chdir(tmp_path / "x")
    assert evaluate(saber_test.benchmark(data), tmp_path / "run") is None
    monkeypatch.chdir(tmp_path / "y")
    with pytest.raises(InputError) as caught:
        evaluate(saber_test.benchmark(data), tmp_path / "run")
    assert caught.value.problem == f"are of clips in {tmp_path}/x, and now in {tmp_path}/y"
    assert "with ROOT_IMAGE_DIR set to that" in caught.value.remedy
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path / "x"))
    assert evaluate(saber_test.benchmark(data), tmp_path / "run") is None


def test_a_probes_rejects_are_missing_with_their_reasons(data: Path, tmp_path: Path) -> None:
    """The clips have no sound file, so only the whole of each is asked about; that of b was rejected."""
    said = {f"{name}#whole": text for name, text in perfect(FOUR).items() if name != "b"}
    answers = write_answers(tmp_path / "out.jsonl", said)
    write_rows(tmp_path / "out.rejects.jsonl", [{"id": "b#whole", "reason": "videos: gone", "remedy": "-"}])
    assert evaluate(probe.benchmark(data), tmp_path / "run", answers=answers) is not None
    items = {item.id: (item.state, item.details.get("reject")) for item in read_items(tmp_path / "run")}
    assert items["a"] == ("answered", None)
    assert items["b"] == ("missing", "whole: videos: gone")
    [result] = read_results(tmp_path / "run")  # what the page reads
    shown = result.shown
    assert shown["b"].reject == {"reason": "whole: videos: gone"} and shown["a"].reject is None


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([{"id": "a", "response": "x"}, {"id": "a", "response": "y"}], "'a' is also at .*:1"),
        ([{"id": "a", "response": "x"}, {"id": "zz", "response": "y"}], "'zz' is no question"),
        ([{"id": "a", "response": 5}], "not a string"),
    ],
)
def test_answers_that_cannot_be_told_apart_are_refused(
    data: Path, tmp_path: Path, rows: list[dict[str, Any]], problem: str
) -> None:
    write_rows(tmp_path / "out.jsonl", rows)
    with pytest.raises(InputError, match=problem):
        score(data, tmp_path / "run", tmp_path / "out.jsonl")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {"questions.jsonl"}


def test_scoring_again_gives_the_same_and_takes_the_runs_own_answers(data: Path, answers: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = score(data, run, answers, model="m")
    before = (run / "items.jsonl").read_bytes()
    assert score(data, run, answers, model="m") == first
    assert score(data, run, run / "answers.jsonl", model="m") == first
    assert (run / "items.jsonl").read_bytes() == before


def test_another_model_other_data_and_other_answers_are_refused_in_the_same_folder(
    data: Path, answers: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    score(data, run, answers, model="m")
    with pytest.raises(InputError, match="model: has scores of another one"):
        score(data, run, answers, model="other")
    with pytest.raises(InputError, match="questions: are of other data"):
        evaluate(probe.benchmark(data), run, answers=answers, model="m")
    other_answers = write_answers(tmp_path / "other.jsonl", {"a": "no"})
    with pytest.raises(InputError, match=r"answers: are not those of .*other\.jsonl"):
        score(data, run, other_answers, model="m")
    # The same questions, and other references.
    write_rows(data, (row.to_dict() | {"labels": {"emotion": "fear"}} for row in FOUR))
    with pytest.raises(InputError, match="data: has scores of another one"):
        score(data, run, answers, model="m")
    write_rows(data, (row.to_dict() for row in FOUR[:2]))
    with pytest.raises(InputError, match="questions: are of other data"):
        score(data, run, answers, model="m")
    assert read_scores(run)["model"] == "m"


def judged_by(script: Any, data: Path, answers: Path, run: Path, model: str = "judge") -> dict[str, Any]:
    with LLMServer(script) as server:
        return score(data, run, answers, model="m", judge=Service(model, server.url, retries=0))


def all_scores(value: int) -> Reply:
    return say(json.dumps({"reason": "because", **dict.fromkeys(DIMENSIONS, value)}))


def test_a_judge_that_fails_half_of_the_time_is_named_counted_and_left_in(
    data: Path, answers: Path, tmp_path: Path
) -> None:
    """b and d fail at every try, by a refusal and by prose; a and c are rated 4."""

    def script(asked: Asked) -> Reply:
        if "He is sad" in asked.text:
            return fails(400, "content policy")
        return say("I would rather not.") if "愤怒" in asked.text else all_scores(4)

    scores = judged_by(script, data, answers, tmp_path / "run")
    assert scores["judge"] == "judge" and scores["manifest"]["settings"]["judge"]["model"] == "judge"
    summary = scores["metrics"]["judge"]
    assert (summary["value"], summary["n"], summary["unjudged"]) == (4, 4, 2)
    states = {item.id: item.state for item in read_items(tmp_path / "run")}
    assert states == {"a": "answered", "b": "unjudged", "c": "answered", "d": "unjudged"}
    assert scores["metrics"]["emotion"]["value"] == 1


def test_judges_replies_are_asked_for_once(data: Path, answers: Path, tmp_path: Path) -> None:
    first = judged_by(lambda _: all_scores(4), data, answers, tmp_path / "run")
    with LLMServer(lambda _: fails(500)) as server:
        again = score(data, tmp_path / "run", answers, model="m", judge=Service("judge", server.url, retries=0))
        assert not server.asked
    assert again["metrics"] == first["metrics"]


def test_a_comparison_says_that_it_counts_what_official_scores_leave_out(tmp_path: Path) -> None:
    """Of 2 questions one is answered, rightly: officially 1 of 1, and compared 1 of 2, beside both answered."""
    data = tmp_path / "emorealm_v1.json"
    asked = [{"id": n, "video": f"{n}.mp4", "task": "t", "question": "?", "choices": ["(A) x", "(B) y"]} for n in "12"]
    data.write_text(dumps([{**one, "answer": "A"} for one in asked]), encoding="utf-8")
    for ids in ("1", "12"):
        write_rows(tmp_path / f"{ids}.jsonl", [{"id": name, "response": "A"} for name in ids])
        options = ["--data", data, "--answers", tmp_path / f"{ids}.jsonl", "-o", tmp_path / ids, "--official"]
        assert main(["eval", "emorealm", *map(str, options)]) == 0
    assert read_scores(tmp_path / "1")["metrics"]["accuracy"]["value"] == 1
    shown = compare_runs(tmp_path / "1", tmp_path / "12")
    assert "| accuracy | 2 | 0.500 | 1.000 |" in shown
    assert "official: a comparison takes single questions, those too that official scores leave out" in shown
    text = (tmp_path / "1/scores.md").read_text()
    assert "count as wrong, where no note says that they are left out" in text


def test_a_comparison_counts_questions_without_a_score_of_their_own(tmp_path: Path) -> None:
    """Open labels are scored together: of 3 questions 2 are such."""
    shared = [item("a"), item("b", scores={}), item("c", scores={})]
    folders = [write_evaluation(tmp_path / name, shared) for name in ("one", "two")]
    shown = compare_runs(*folders)
    assert "| accuracy | 1 | 1.000 | 1.000 |" in shown
    assert "2 of 3 questions have no score of their own (open labels, or no truth of one) and are not compared" in shown
    assert "no score of their own" not in compare_runs(*[write_evaluation(of, shared[:1]) for of in folders])


def test_two_runs_are_compared_metric_by_metric_and_two_judges_on_one_model(
    data: Path, answers: Path, tmp_path: Path
) -> None:
    judged_by(lambda _: all_scores(4), data, answers, tmp_path / "one", "judge-1")
    judged_by(lambda _: all_scores(2), data, answers, tmp_path / "two", "judge-2")
    shown = compare_runs(tmp_path / "one", tmp_path / "two")
    assert "| emotion | 4 | 1.000 | 1.000 | 0.000 [0.000, 0.000] | 1.0000 | McNemar, exact |" in shown
    assert "| judge | 4 | 4.000 | 2.000 | -2.000 [-2.000, -2.000]" in shown
    assert "| judge | 4 | 0.000 | 0.000 | 0.000 | 0 / 0 |" in shown  # never equal: no better than chance
    assert "Agreement of judge-1 and judge-2" in shown
    with pytest.raises(InputError, match="none: file"):
        compare_runs(tmp_path / "one", tmp_path / "none")


@pytest.mark.slow
def test_the_demos_world_from_questions_to_scores_with_the_real_model(
    tiny_model: Path, tiny_world: Path, tmp_path: Path
) -> None:
    """The random model writes nothing that can be read, so every clip is there and every one is wrong."""
    run, short = tmp_path / "run", ("--max_new_tokens", "4", "--max_batch_size", "12")
    rows = [row for _, row in read_rows(tiny_world / "pairs_clips.jsonl")]
    rows[0]["videos"] = [str(tmp_path / "gone.mp4")]
    data = tmp_path / "test.jsonl"
    write_rows(data, rows)
    scores = evaluate(saber_test.benchmark(data), run, model=str(tiny_model), arguments=short)
    assert scores is not None and scores["model"] == str(tiny_model)
    made_with = scores["manifest"]["settings"]["infer"]
    assert made_with["weights"] and made_with["arguments"]["max_new_tokens"] == "4"
    assert made_with["media_settings"]["VIDEO_MAX_PIXELS"] == "50176"
    emotion = scores["metrics"]["emotion"]
    assert (emotion["value"], emotion["n"], emotion["missing"], emotion["invalid"]) == (0, 12, 1, 11)
    items = read_items(run)
    assert [item.id for item in items] == [row["id"] for row in rows]
    assert "gone.mp4" in items[0].details["reject"] and items[1].response
    assert set(scores["groups"]) == {"consistent", "inconsistent"}
    log = (run / "answers.log").stat()
    assert evaluate(saber_test.benchmark(data), run, model=str(tiny_model), arguments=short) == scores
    assert (run / "answers.log").stat() == log  # nothing was left to ask, so no model was loaded
    with pytest.raises(InputError):
        evaluate(saber_test.benchmark(data), run, model=str(tiny_world), arguments=short)


def test_the_demos_world_answered_by_its_own_records_is_perfect(tiny_world: Path, tmp_path: Path) -> None:
    """Its emotions beyond the common ones, sarcastic and forced calm, are found by their own names."""
    data = tiny_world / "pairs_clips.jsonl"
    rows = read_test(data)
    answers = write_answers(tmp_path / "a.jsonl", {str(row.id): render(row.record, language="en") for row in rows})
    scores = score(data, tmp_path / "run", answers)
    assert scores["metrics"]["emotion"]["value"] == 1
    assert scores["metrics"]["emotion_gap"]["value"] == 0
    assert scores["tables"]["inconsistent"]["labels"] == ["forced calm", "sarcastic"]

"""inference/work.py and model.py: what becomes of rows on which the model fails, with a stand-in for the model."""

import io
import threading
import time
from collections.abc import Callable, Generator, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
from tqdm import tqdm

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.inference.files import Outputs
from swift_saber.inference.questions import Question, Reject
from swift_saber.inference.work import Run
from swift_saber.models.process import ModelProcess
from tests.inference import fake_model

Found = Question | Reject


class Scene:
    """A run over rows that are orders to the stand-in; afterwards, what it was asked and what is in the files."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._asked = folder, folder / "asked.txt"

    def go(
        self,
        orders: Sequence[str],
        *arguments: str,
        places: str = "0",
        batch: int | None = None,
        others: Sequence[str] = (),
    ) -> None:
        with Outputs(self.folder / "out.jsonl", {}) as outputs:
            command = [str(self._asked), *arguments]
            processes = [
                ModelProcess("m", command, {"CUDA_VISIBLE_DEVICES": place}, self.folder / "out.log", batch)
                for place in places.split(",")
            ]
            with tqdm(total=len(orders), disable=True) as bar:
                Run(outputs, bar, processes).go(rows(orders), lambda: rows(others, "other"))

    @property
    def asked(self) -> list[str]:
        return self._asked.read_text().splitlines()

    def ids(self, name: str) -> list[str]:
        path = self.folder / name
        return sorted(row["id"] for _, row in read_rows(path)) if path.exists() else []

    def reasons(self) -> dict[str, str]:
        return {row["id"]: row["reason"] for _, row in read_rows(self.folder / "out.rejects.jsonl")}


def rows(orders: Sequence[str], name: str = "r") -> Generator[Found, None, None]:
    for number, order in enumerate(orders):
        if order == "unreadable":
            yield Reject(f"{name}{number}", f"in:{number}", "clip: is empty", "replace it")
            continue
        row: dict[str, Any] = {"messages": [{"role": "user", "content": order}], "videos": ["v"], "audios": []}
        yield Question(f"{name}{number}", f"in:{number}", row)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setattr("swift_saber.models.process.serve", fake_model.serve)
    return Scene(tmp_path)


def test_rows_come_in_batches_and_every_one_is_answered(scene: Scene) -> None:
    scene.go(["a", "b", "unreadable", "c", "d", "e"], batch=2)
    assert scene.ids("out.jsonl") == ["r0", "r1", "r3", "r4", "r5"]
    assert scene.ids("out.rejects.jsonl") == ["r2"]
    assert scene.asked == ["load 0", "a b", "c d", "e"]


def test_an_answer_stands_with_the_question_as_it_was_asked(scene: Scene) -> None:
    scene.go(["a"])
    ((_, row),) = read_rows(scene.folder / "out.jsonl")
    assert row == {
        "response": "yes",
        "labels": None,
        "logprobs": None,
        "id": "r0",
        "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "yes"}],
        "videos": ["v"],
        "audios": [],
    }


def test_a_model_that_is_being_loaded_is_said_to_be_until_it_is(scene: Scene) -> None:
    said = io.StringIO()
    with Outputs(scene.folder / "out.jsonl", {}) as outputs, tqdm(total=1, file=said) as bar:
        process = ModelProcess("m", [str(scene.folder / "asked.txt")], {}, None, None)
        Run(outputs, bar, [process]).go(rows(["a"]), lambda: rows([]))
    first, *between, last = said.getvalue().strip().split("\r")
    assert "loading the model" not in first + last and "1/1" in last
    assert any("0/1" in line and "loading the model" in line for line in between)


def test_a_row_that_fails_costs_itself_and_no_reload(scene: Scene) -> None:
    scene.go(["a", "b", "fail", "c", "d"], batch=4)
    assert scene.ids("out.jsonl") == ["r0", "r1", "r3", "r4"]
    assert scene.reasons() == {"r2": "ValueError: too long"}
    assert scene.asked == ["load 0", "a b fail c", "a", "b", "fail", "c", "d"]


def test_where_memory_runs_out_fewer_rows_go_at_a_time_from_then_on(scene: Scene) -> None:
    scene.go(["wide"] * 6, batch=4)
    assert scene.ids("out.jsonl") == [f"r{number}" for number in range(6)]
    assert scene.asked == ["load 0", "wide wide wide wide", "wide wide", "wide wide", "wide wide"]


def test_a_row_that_is_too_large_alone_is_rejected_with_what_to_do(scene: Scene) -> None:
    scene.go(["a", "huge"], batch=2)
    ((_, row),) = read_rows(scene.folder / "out.rejects.jsonl")
    assert (row["id"], row["where"], row["reason"]) == ("r1", "in:1", "OutOfMemoryError: no room")
    assert "FPS_MAX_FRAMES" in row["remedy"]


def test_a_row_that_kills_the_model_costs_itself_and_three_reloads(scene: Scene) -> None:
    """Once with its batch and twice alone."""
    scene.go(["a", "die", "b", "c"], batch=3)
    assert scene.ids("out.jsonl") == ["r0", "r2", "r3"]
    assert scene.reasons() == {"r1": "the model's process was killed by signal 9 (out of memory?)"}
    assert scene.asked == ["load 0", "a die b", "load 0", "a", "die", "load 0", "die", "load 0", "b", "c"]


@pytest.mark.parametrize(
    ("orders", "batch", "asked"),
    [
        (["once"], 1, ["load 0", "once", "load 0", "once"]),  # with nothing that follows
        (["a", "twice", "b"], 3, ["load 0", "a twice b", "load 0", "a", "twice", "load 0", "twice", "b"]),
        (["leave", "b"], 1, ["load 0", "leave", "load 0", "b"]),  # while nothing was asked
        (["a", "leave"], 1, ["load 0", "a", "leave"]),
    ],
)
def test_a_model_that_is_killed_from_outside_costs_no_row(
    scene: Scene, orders: list[str], batch: int, asked: list[str]
) -> None:
    scene.go(orders, batch=batch)
    assert scene.ids("out.jsonl") == [f"r{number}" for number in range(len(orders))]
    assert scene.ids("out.rejects.jsonl") == []
    assert scene.asked == asked


def test_the_next_rows_are_decoded_while_the_model_works(scene: Scene) -> None:
    scene.go(["patient", "a", "b"], batch=1)
    assert scene.asked == ["load 0", "patient", "ahead a", "a", "b"]


def test_a_row_is_not_blamed_for_the_next_one_that_kills_the_model_while_it_is_decoded(scene: Scene) -> None:
    scene.go(["a", "patient", "die"], batch=1)
    assert scene.ids("out.jsonl") == ["r0", "r1"]
    assert scene.ids("out.rejects.jsonl") == ["r2"]
    assert scene.asked == ["load 0", "a", "patient", "ahead die", "load 0", "patient", "die", "load 0", "die"]


def test_a_model_that_answers_nothing_ends_the_run_and_no_row_is_given_up(scene: Scene) -> None:
    said = r"not one of 5 rows in succession could be answered, nor of 16 others of the file \(ValueError: too long\)"
    with pytest.raises(InputError, match=said):
        scene.go(["fail"] * 10_000, batch=1, others=["unreadable", *["fail"] * 20])
    assert scene.ids("out.jsonl") == scene.ids("out.rejects.jsonl") == []
    assert scene.asked == ["load 0"] + ["fail"] * (5 + 16)


def test_bad_rows_first_do_not_end_a_run_on_a_model_that_answers_others(scene: Scene) -> None:
    scene.go(["fail"] * 5 + ["a"], batch=1, others=["fail", "die", "b", "c"])
    assert scene.ids("out.jsonl") == ["r5"]
    assert scene.ids("out.rejects.jsonl") == [f"r{number}" for number in range(5)]
    # What is tried is asked once: whether it is a row's fault does not matter.
    assert scene.asked == ["load 0"] + ["fail"] * 5 + ["fail", "die", "load 0", "b", "a"]


def test_many_bad_rows_in_succession_are_looked_into_less_and_less_often(scene: Scene) -> None:
    """After 5, 10 more and 20 more, by a row that was answered in this run."""
    scene.go(["good"] + ["fail"] * 36 + ["a"], batch=1, others=["fail"])
    assert scene.ids("out.jsonl") == ["r0", "r37"]
    assert len(scene.ids("out.rejects.jsonl")) == 36
    assert scene.asked == ["load 0", "good"] + ["fail"] * 5 + ["good"] + ["fail"] * 10 + ["good"] + ["fail"] * 20 + [
        "good",
        "fail",
        "a",
    ]


def exactly_once(scene: Scene, orders: Sequence[str], answered: int) -> None:
    """So many rows have an answer, the others are rejects, and no row is both or is there twice."""
    found = [scene.ids(name) for name in ("out.jsonl", "out.rejects.jsonl")]
    assert [len(names) for names in found] == [answered, len(orders) - answered]
    assert sorted(found[0] + found[1]) == sorted(f"r{number}" for number in range(len(orders)))


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("rows", [2, 6, 60, 300])
def test_the_rows_of_a_model_that_answers_nothing_go_to_the_others(
    scene: Scene, batch: int, rows: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also those that it has in a batch, or took ahead, and those that come after all others have ended."""
    orders = ["not on 1"] * rows
    scene.go(orders, places="0,1,2", batch=batch, others=["not on 1"] * 20)
    exactly_once(scene, orders, answered=rows)
    said = capsys.readouterr().err
    assert said.count("swift-saber: the model on GPU 1 is given up, and its rows go to the others: ") <= 1
    assert "GPU 0" not in said and "GPU 2" not in said
    if rows == 300:  # else it may have come too late to be given a row
        assert "rows in succession could be answered, nor of" in said and "(ValueError: too long)" in said


def test_bad_rows_of_a_model_that_is_given_up_are_rejected_by_another(scene: Scene) -> None:
    orders = (["not on 1"] * 4 + ["fail"]) * 20 + ["unreadable"]
    scene.go(orders, places="0,1", batch=2, others=["not on 1"] * 20)
    exactly_once(scene, orders, answered=80)


def test_when_no_model_is_left_the_run_ends_and_no_row_is_given_up(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    orders = ["fail"] * 60
    with pytest.raises(
        InputError, match=r"^in:\d+: answers: not one of \d+ rows in succession could be answered, nor of 16"
    ):
        scene.go(orders, places="0,1", batch=1, others=["fail"] * 20)
    assert scene.ids("out.jsonl") == scene.ids("out.rejects.jsonl") == []
    assert capsys.readouterr().err.count("is given up") == 1


def test_the_last_rows_are_not_given_up_on_a_model_that_has_answered_nothing(scene: Scene) -> None:
    with pytest.raises(InputError, match=r"not one of 2 rows in succession could be answered, nor of 1 other of the"):
        scene.go(["fail", "fail"], batch=1, others=["fail"])
    assert scene.ids("out.rejects.jsonl") == []
    scene.go(["fail", "fail"], batch=1, others=["a"])
    assert scene.ids("out.rejects.jsonl") == ["r0", "r1"]


def test_bad_rows_before_the_first_good_one_are_given_up_when_it_comes(scene: Scene) -> None:
    scene.go(["fail", "fail", "a"], batch=1)
    assert scene.ids("out.jsonl") == ["r2"]
    assert scene.ids("out.rejects.jsonl") == ["r0", "r1"]


def test_a_small_file_of_bad_rows_is_one_of_rejects(scene: Scene) -> None:
    scene.go(["fail", "fail"], batch=1)
    assert scene.ids("out.rejects.jsonl") == ["r0", "r1"]


def test_rows_that_are_all_unreadable_load_no_model(scene: Scene) -> None:
    scene.go(["unreadable", "unreadable"])
    assert scene.ids("out.rejects.jsonl") == ["r0", "r1"]
    assert not (scene.folder / "asked.txt").exists()


def test_several_models_share_the_rows(scene: Scene) -> None:
    orders = [f"o{number}" for number in range(40)]
    scene.go([*orders, "die", "fail"], places="0,1,2", batch=2)
    assert scene.ids("out.jsonl") == sorted(f"r{number}" for number in range(40))
    assert scene.ids("out.rejects.jsonl") == ["r40", "r41"]
    assert {"load 0", "load 1", "load 2"} <= set(scene.asked)


def test_a_model_that_cannot_be_loaded_ends_the_run(scene: Scene) -> None:
    with pytest.raises(
        InputError, match="m: model: cannot be loaded: no such weights; the whole output is in .*out.log"
    ):
        scene.go(["a"] * 300, "unloadable", places="0,1")
    assert scene.ids("out.jsonl") == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, InputError("w", "f", "p", "r")])
def test_an_interruption_ends_the_models_in_the_middle_of_a_batch(scene: Scene, error: Any) -> None:
    def interrupted(count: Callable[[], int]) -> Generator[Found, None, None]:
        yield from rows(["a", "slow"])
        while count() < 3:  # until the slow row is being answered
            time.sleep(0.05)
        raise error

    with Outputs(scene.folder / "out.jsonl", {}) as outputs:
        process = ModelProcess("m", [str(scene.folder / "asked.txt")], {"CUDA_VISIBLE_DEVICES": "0"}, None, 1)
        with pytest.raises(type(error) if isinstance(error, Exception) else error), tqdm(disable=True) as bar:
            Run(outputs, bar, [process]).go(
                interrupted(lambda: len(scene.asked) if scene._asked.exists() else 0), lambda: rows(())
            )
    assert scene.ids("out.jsonl") == ["r0"]
    assert scene.ids("out.rejects.jsonl") == []


def test_a_process_that_is_just_being_started_is_stopped_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, start = threading.Event(), threading.Event(), BaseProcess.start

    def slow(self: BaseProcess) -> None:
        begun.set()
        go_on.wait(60)
        start(self)

    monkeypatch.setattr(BaseProcess, "start", slow)
    process, ends = ModelProcess("m", [str(tmp_path / "asked.txt")], {}, None, 1), list[Exception]()

    def call(what: Callable[[], None]) -> None:
        try:
            what()
        except Exception as error:
            ends.append(error)

    loading = threading.Thread(target=call, args=(process.load,))
    loading.start()
    begun.wait(60)
    stopping = threading.Thread(target=call, args=(process.stop,))
    stopping.start()
    stopping.join(0.2)  # it waits, or has failed by now
    go_on.set()
    for thread in (stopping, loading):
        thread.join(60)
    assert [type(error) for error in ends] == [InputError]  # of the one that was loading
    process.close()

"""app/answers.py: a clip becomes a question, and its answer comes as it grows; no model, no page."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from swift_saber.app.answers import Answers, State, question
from swift_saber.app.examples import EXAMPLES, write_examples
from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.inference import questions
from swift_saber.media.check import hear_clips
from swift_saber.media.sound import samples_of
from swift_saber.mini.world import sample_clip
from swift_saber.models.endpoint import Answer
from swift_saber.models.process import ModelDied
from swift_saber.sed.layout import INSTRUCTIONS
from tests.media_faults import encode, frames, sound

ROW: dict[str, Any] = {"id": "a.mp4"}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_examples(tmp_path_factory.mktemp("examples"))


def test_the_examples_are_what_is_said_of_them(examples: dict[str, Path]) -> None:
    assert examples.keys() == EXAMPLES.keys()
    smile, agreeing, hidden = (sample_clip(kind, "app", 0, 0) for kind in EXAMPLES.values())
    assert (smile.face, smile.voice) == ("smile", "hostile")
    assert (agreeing.face, agreeing.voice) == ("smile", "warm")
    assert hidden.face == "hidden"


def test_the_sound_of_an_example_is_inside_it_as_it_was(examples: dict[str, Path]) -> None:
    for about, kind in EXAMPLES.items():
        path = examples[about]
        written = samples_of(path.with_name(f"app-{kind}-00000.wav"))
        assert len(written) and (samples_of(path) == written).all()


def test_a_clip_is_asked_about_as_inference_asks_about_it(examples: dict[str, Path], tmp_path: Path) -> None:
    path = str(next(iter(examples.values())))
    rows = tmp_path / "rows.jsonl"
    write_rows(rows, [{"id": "a.mp4", "videos": [path], "language": "en"}])
    [asked] = questions.read(rows, set())
    assert isinstance(asked, questions.Question)
    ((_, heard),) = hear_clips([(0, asked.row)], workers=1, limit=60)
    row, seconds = question(path, "a.mp4", {"language": "en"})
    assert row == {**asked.heard(heard.audios).row}
    assert row["audios"] == [path]
    assert row["messages"] == [{"role": "user", "content": INSTRUCTIONS["en"]}]
    assert seconds == pytest.approx(1, abs=0.2)


def test_a_clip_without_sound_is_asked_about_without(tmp_path: Path) -> None:
    encode(tmp_path / "mute.mp4", frames())
    row, _ = question(str(tmp_path / "mute.mp4"), "mute.mp4", {"language": "zh"})
    assert row["audios"] == []


def test_what_is_no_clip_is_refused_without_its_path(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no clip")
    with pytest.raises(InputError) as caught:
        question(str(path), "clip.mp4", {"language": "en"})
    assert str(caught.value).startswith("clip.mp4: clip: ") and str(tmp_path) not in str(caught.value)


def test_only_what_was_given_to_the_page_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encode(tmp_path / "other.mp4", frames(), sound())
    (tmp_path / "app").mkdir()
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(tmp_path / "app"))
    with pytest.raises(InputError, match="outside"):
        question(str(tmp_path / "other.mp4"), "other.mp4", {"language": "en"})


def told(states: Iterator[State]) -> list[tuple[str, bool, bool]]:
    return [(state.text, state.done, state.cut) for state in states]


def test_a_state_is_there_before_the_model_has_written_the_next_piece() -> None:
    go_on = threading.Event()

    def stream(row: dict[str, Any]) -> Iterator[Answer]:
        assert row == ROW
        yield Answer("The ")
        assert go_on.wait(20)
        yield Answer("end", True)

    states = Answers(stream, 1).states(ROW)
    first = next(states)
    assert (first.text, first.done) == ("The ", False)
    go_on.set()
    assert told(states)[-1] == ("The end", True, True)


def test_while_nothing_comes_that_is_said() -> None:
    go_on = threading.Event()

    def stream(_: dict[str, Any]) -> Iterator[Answer]:
        assert go_on.wait(20)
        yield Answer("yes")

    states = Answers(stream, 1).states(ROW)
    assert next(states).text == ""
    go_on.set()
    assert told(states)[-1] == ("yes", True, False)


def test_who_leaves_ends_the_answer_and_the_next_one_is_asked() -> None:
    left, closed = threading.Event(), threading.Event()

    def stream(row: dict[str, Any]) -> Iterator[Answer]:
        try:
            yield Answer("a")
            if row is ROW:
                assert left.wait(20)
            yield Answer("b")
        finally:
            closed.set()

    answers = Answers(stream, 1)
    states = answers.states(ROW)
    assert next(states).text == "a"
    states.close()  # type: ignore[attr-defined]
    left.set()
    assert closed.wait(20)
    assert told(answers.states({"id": "b.mp4"}))[-1] == ("ab", True, False)


@pytest.mark.parametrize("error", [ModelDied("the process ended"), InputError("http://x", "endpoint", "down", "wait")])
def test_a_failure_is_one_for_who_asked_and_the_next_one_is_asked(error: Exception) -> None:
    def stream(row: dict[str, Any]) -> Iterator[Answer]:
        yield Answer("a")
        if row is ROW:
            raise error

    answers = Answers(stream, 1)
    with pytest.raises(InputError, match=str(error.args[0])):
        list(answers.states(ROW))
    assert told(answers.states({"id": "b.mp4"}))[-1] == ("a", True, False)

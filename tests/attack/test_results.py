"""Files of results that are wrong, given to what reads them, and places that are no files, given to what writes."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swift_saber.cli import main as cli
from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.inference.run import infer
from tests.attack.hostile_rows import VALUES
from tests.evaluation.benchmarks.test_saber_test import FOUR, perfect
from tests.inference import fake_model
from tests.media_faults import encode, frames

BINARY = bytes(range(256))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    encode(path, frames())
    return path


class Going:
    """A run of `infer` that was stopped after its first answer."""

    def __init__(self, folder: Path, model: Path, clip: Path) -> None:
        self.folder, self.model, self.result = folder, str(model), folder / "out.jsonl"
        self.rows = folder / "in.jsonl"
        write_rows(self.rows, [self.row(name, clip) for name in "ab"])
        (folder / "first.jsonl").write_bytes(self.rows.read_bytes().splitlines(keepends=True)[0])
        assert infer(self.model, str(folder / "first.jsonl"), str(self.result)) == 0
        [self.answer] = map(json.loads, self.result.read_text().splitlines())

    @staticmethod
    def row(name: str, clip: Path) -> dict[str, Any]:
        user = {"role": "user", "content": [{"type": "video", "video": str(clip)}, {"type": "text", "text": "?"}]}
        return {"id": name, "audios": [], "messages": [user]}

    def go(self) -> int:
        return infer(self.model, str(self.rows), str(self.result))


@pytest.fixture
def going(tmp_path: Path, model: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> Going:
    monkeypatch.setattr("swift_saber.models.process.serve", fake_model.serve)
    return Going(tmp_path, model, clip)


def test_a_run_does_not_go_on_with_rows_that_are_no_results(going: Going) -> None:
    """None of them ends in anything else than one line, and nothing is lost from the file."""
    user = going.answer["messages"][0]
    changes: dict[str, dict[str, Any]] = {
        f"{column}: {name}": {column: value}
        for column in ("response", "messages", "videos", "audios")
        for name, value in VALUES.items()
    }
    for value in (5, [], {"a": 1}, None):
        for kind in ("video", "image"):
            changes[f"{kind}: {value}"] = {"messages": [{**user, "content": [{"type": kind, kind: value}]}]}
    said = 0
    for change in [*changes.values(), *({column: ...} for column in ("response", "messages"))]:
        row = {key: value for key, value in {**going.answer, **change}.items() if value is not ...}
        going.result.write_text(json.dumps(row) + "\n")
        before = going.result.read_bytes()
        if any(value in ("abc", "", " \t\n") for value in (change.get("response"),)):
            continue  # which is an answer
        try:
            going.go()
        except InputError as error:
            said += 1
            assert str(error).isprintable() and going.result.read_bytes() == before
        else:
            # As if absent: what names no clip beside a turn that does, and what was not looked at.
            assert set(change) <= {"videos", "audios"} and not any(change.values()), change
            for name in ("out.rejects.jsonl", "out.saber.jsonl"):
                (going.folder / name).unlink(missing_ok=True)
    assert said > 50


@pytest.mark.parametrize("content", [BINARY, b"", b"[1]", b'"x"', b'{"a": ' + b"[" * 5000, b'{"a": NaN}', b"{}\n{}"])
def test_a_settings_file_that_is_none_is_named(going: Going, content: bytes) -> None:
    settings = going.folder / "out.settings.json"
    settings.write_bytes(content)
    before = going.result.read_bytes()
    with pytest.raises(InputError, match=r"out.settings.json: (file|JSON|line): "):
        going.go()
    assert (going.result.read_bytes(), settings.read_bytes()) == (before, content)


def test_a_row_that_is_answered_and_rejected_is_named(going: Going) -> None:
    reject = {"id": "a", "where": "in.jsonl:1", "reason": "broken", "remedy": "mend it"}
    write_rows(going.folder / "out.rejects.jsonl", [reject])
    with pytest.raises(InputError, match="has 'a', which .*out.rejects.jsonl has too; remove its line from one of"):
        going.go()


def swift_saber(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.mark.parametrize("content", [BINARY, b"[]", b""])
def test_answers_whose_settings_are_none_are_not_scored(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    write_rows(tmp_path / "test.jsonl", (row.to_dict() for row in FOUR))
    write_rows(tmp_path / "a.jsonl", ({"id": name, "response": text} for name, text in perfect(FOUR).items()))
    (tmp_path / "a.settings.json").write_bytes(content)
    data, answers = ("--data", tmp_path / "test.jsonl"), ("--answers", tmp_path / "a.jsonl")
    status = swift_saber("eval", "saber-test", *data, *answers, "-o", tmp_path / "run")
    said = capsys.readouterr().err
    assert (status, said.count("\n")) == (2, 1) and "a.settings.json: " in said


READERS: dict[str, Callable[[Path], tuple[object, ...]]] = {
    "parse": lambda results: ("parse", results, "-o", results.with_name("records.jsonl")),
    "report": lambda results: ("report", results, "-o", results.with_name("page.html")),
    "eval": lambda results: (
        *("eval", "saber-test", "--data", results.with_name("test.jsonl")),
        *("--answers", results, "-o", results.with_name("run")),
    ),
    "select": lambda results: ("pairs", "select", results, results.with_name("pairs.jsonl")),
    "score": lambda results: ("pairs", "score", results, results.with_name("scored.jsonl"), "--rules", "mini"),
}


@pytest.mark.parametrize("reader", READERS)
def test_results_without_what_makes_them_results_are_named_in_one_line(
    reader: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Types of all kinds in a column, and a column missing; a command may take what it does not look at."""
    write_rows(tmp_path / "test.jsonl", (row.to_dict() for row in FOUR))
    good = [
        {"id": name, "response": text, "messages": [{"role": "assistant", "content": text}], "videos": [], "audios": []}
        for name, text in perfect(FOUR).items()
    ]
    first = good[0]
    columns = ("response",) if reader == "eval" else ("response", "id", "messages", "candidates")
    changed = [{**first, column: value} for column in columns for value in list(VALUES.values())[::3]]
    changed += [{key: value for key, value in first.items() if key != column} for column in columns]
    refused = 0
    for number, row in enumerate(changed):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "test.jsonl").symlink_to(tmp_path / "test.jsonl")
        (folder / "out.jsonl").write_text("".join(json.dumps(one) + "\n" for one in (row, *good[1:])))
        status = swift_saber(*READERS[reader](folder / "out.jsonl"))
        said = capsys.readouterr().err
        assert status in (0, 2)
        refused += status == 2
        assert status == 0 or [line.startswith("swift-saber: error: ") for line in said.splitlines()] == [True], said
    assert refused >= 5  # of six types in the place of a response, five


def test_a_clip_with_an_answer_and_a_reject_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(tmp_path / "out.jsonl", [{"id": "a", "response": "Joy.", "messages": []}])
    write_rows(tmp_path / "out.rejects.jsonl", [{"id": "a", "reason": "broken", "remedy": "mend it", "where": "in:1"}])
    assert swift_saber("report", tmp_path / "out.jsonl", "-o", tmp_path / "page.html") == 2
    assert "out.rejects.jsonl: id: 'a' is there twice" in capsys.readouterr().err


# Places that are no files


def places(folder: Path) -> list[Path]:
    """A pipe that nobody reads, a link to a device, a folder and a link to nothing."""
    pipe, null, inner, nowhere = (folder / f"{name}.jsonl" for name in ("pipe", "null", "inner", "nowhere"))
    os.mkfifo(pipe)
    null.symlink_to("/dev/null")
    inner.mkdir()
    nowhere.symlink_to(folder / "gone.jsonl")
    return [pipe, null, inner, nowhere]


def test_commands_write_to_files_alone(
    tmp_path: Path, clip: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each says so in one line, and a pipe that nobody reads does not hang."""
    write_rows(tmp_path / "test.jsonl", (row.to_dict() for row in FOUR))
    answers = tmp_path / "a.jsonl"
    write_rows(answers, ({"id": name, "response": text} for name, text in perfect(FOUR).items()))
    write_rows(tmp_path / "in.jsonl", [{"id": "a", "videos": [str(clip)], "audios": []}])
    commands: list[Callable[[Path], tuple[object, ...]]] = [
        lambda place: ("parse", answers, "-o", place),
        lambda place: ("report", answers, "-o", place),
        lambda place: ("check", tmp_path / "in.jsonl", "-o", place),
        lambda place: ("infer", model, tmp_path / "in.jsonl", place),
        lambda place: ("pairs", "select", answers, place),
        lambda place: ("pairs", "score", answers, place, "--rules", "mini"),
        lambda place: ("pairs", "sample", tmp_path / "in.jsonl", place, "--model", model),
        lambda place: ("budget", tmp_path / "in.jsonl", "--model", model, "-o", place),
    ]
    before = {place.name for place in (*places(tmp_path), *tmp_path.iterdir())}
    for command in commands:
        for name in ("pipe", "null", "inner", "nowhere"):
            assert swift_saber(*command(tmp_path / f"{name}.jsonl")) == 2, (command, name)
            said = capsys.readouterr().err
            assert f"{name}.jsonl: output: is a " in said and said.count("\n") == 1, said
    assert {place.name for place in tmp_path.iterdir()} == before
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("ending", [".rejects.jsonl", ".settings.json", ".log", ".saber.jsonl"])
def test_what_stands_beside_a_result_is_a_file_too(going: Going, ending: str) -> None:
    beside = going.folder / f"out{ending}"
    beside.unlink(missing_ok=True)
    os.mkfifo(beside)
    with pytest.raises(InputError, match="output: is a pipe"):
        going.go()
    assert stat.S_ISFIFO(os.lstat(beside).st_mode)


def test_a_program_is_told_that_its_output_is_no_file(tmp_path: Path) -> None:
    """/dev/stdout is a pipe here; without -o the records are printed."""
    (tmp_path / "a.jsonl").write_text('{"id": "a", "response": "Joy."}\n')
    program = [sys.executable, "-m", "swift_saber.cli", "parse", tmp_path / "a.jsonl"]
    done = subprocess.run([*program, "-o", "/dev/stdout"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "/dev/stdout: output: is a pipe, and only a file can be written" in done.stderr
    assert json.loads(subprocess.run(program, capture_output=True, check=True, timeout=60).stdout)["id"] == "a"

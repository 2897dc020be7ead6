"""`swift-saber infer` with the real model: killed, started again, in parts, in parallel."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.inference.run import infer
from swift_saber.sed.layout import DIMENSIONS

slow = pytest.mark.slow
# A random model does not end by itself.
SHORT = ("--max_new_tokens", "16")


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows that are whole, of a file that may be being written."""
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def ids(path: Path) -> list[str]:
    return [row["id"] for row in rows_of(path)]


def responses(path: Path) -> dict[str, str]:
    return {row["id"]: row["response"] for row in rows_of(path)}


@pytest.fixture
def questions(tiny_world: Path, tmp_path: Path) -> Path:
    """48 clips to ask about, and four rows that cannot be asked, spread between them."""
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video here")
    files = (tiny_world / "eval.jsonl", tiny_world / "train.jsonl")
    rows = [
        {"id": row["id"], "videos": row["videos"], "audios": row["audios"]} for path in files for row in rows_of(path)
    ]
    for place, bad in ((40, str(broken)), (30, "gone.mp4"), (5, str(broken)), (0, "")):
        rows.insert(place, {"id": f"bad-{place}", "videos": [bad], "audios": []})
    path = tmp_path / "in.jsonl"
    write_rows(path, rows)
    return path


def start(model: Path, questions: Path, result: Path, *arguments: str, gpu: str = "0") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "swift_saber.cli", "infer", str(model), str(questions), str(result), gpu]
    return subprocess.Popen(
        [*command, *SHORT, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def exactly_once(questions: Path, result: Path) -> None:
    """Each id of the questions is in one of the two files, once."""
    found = [*ids(result), *ids(result.with_name("out.rejects.jsonl"))]
    assert sorted(found) == sorted(ids(questions))


@slow
def test_killed_at_random_instants_every_row_ends_exactly_once(
    tiny_model: Path, questions: Path, tmp_path: Path
) -> None:
    """kill -9 of the command alone: its children have to notice, and to let go of the files."""
    result, rng = tmp_path / "out.jsonl", random.Random(0)
    seen: set[str] = set()
    for kill in range(5):
        run = start(tiny_model, questions, result, "--max_batch_size", "1")
        # The second kill comes while the model is being loaded; the others once it has written something new.
        deadline = time.monotonic() + 300
        while kill != 1 and len(ids(result)) <= len(seen) and time.monotonic() < deadline and run.poll() is None:
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 0.3))
        assert run.poll() is None, run.communicate()[1]
        run.kill()
        run.communicate()
        now = set(ids(result))
        assert seen <= now
        seen = now
    assert 0 < len(seen) < 48
    done = start(tiny_model, questions, result, "--max_batch_size", "1")
    _, said = done.communicate(timeout=300)
    assert done.returncode == 1, said
    exactly_once(questions, result)
    assert "4 of 52 rows rejected" in said
    reasons = {row["id"]: row["reason"] for row in rows_of(tmp_path / "out.rejects.jsonl")}
    assert reasons.keys() == {"bad-0", "bad-5", "bad-30", "bad-40"}
    assert "broken.mp4" in reasons["bad-40"] and "gone.mp4: no such file" in reasons["bad-30"]
    records = rows_of(tmp_path / "out.saber.jsonl")
    assert [record["id"] for record in records] == ids(result)
    assert all({*record["found"], *record["missing"]} == set(DIMENSIONS) for record in records)
    # Once more: there is nothing to do, so no model is loaded.
    log = (tmp_path / "out.log").stat().st_size
    assert infer(str(tiny_model), str(questions), str(result), "0", SHORT) == 1
    assert (tmp_path / "out.log").stat().st_size == log


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@slow
def test_a_model_process_that_is_killed_costs_no_row(tiny_model: Path, questions: Path, tmp_path: Path) -> None:
    result = tmp_path / "out.jsonl"
    run = start(tiny_model, questions, result, "--max_batch_size", "2")
    deadline = time.monotonic() + 300
    while not ids(result) and time.monotonic() < deadline:
        time.sleep(0.05)
    # The model's process is the one whose memory is the largest.
    sizes = {child: int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children(run.pid)}
    os.kill(max(sizes, key=lambda child: sizes[child]), signal.SIGKILL)
    _, said = run.communicate(timeout=300)
    assert run.returncode == 1, said
    assert len(ids(result)) == 48
    exactly_once(questions, result)


@slow
def test_ctrl_c_ends_with_one_line_and_the_same_command_goes_on(
    tiny_model: Path, questions: Path, tmp_path: Path
) -> None:
    result = tmp_path / "out.jsonl"
    run = start(tiny_model, questions, result, "--max_batch_size", "2")
    deadline = time.monotonic() + 300
    while not ids(result) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to the command and its children
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "Traceback" not in said
    assert said.rstrip().endswith("swift-saber: stopped; the same command goes on from here")
    assert 0 < len(ids(result)) < 48
    assert infer(str(tiny_model), str(questions), str(result), "0", SHORT) == 1
    exactly_once(questions, result)


@slow
def test_answers_do_not_depend_on_batches_or_processes(tiny_model: Path, questions: Path, tmp_path: Path) -> None:
    """At temperature 0, on the CPU in float32, where padding moves no answer of this model."""
    found = []
    for name, gpu, arguments in (
        ("one", "0", ("--max_batch_size", "1")),
        ("many", "0", ("--max_batch_size", "16")),
        ("two", "0,1", ("--max_batch_size", "5")),
        ("stream", "0", ("--stream", "true")),
    ):
        result = tmp_path / name / "out.jsonl"
        assert infer(str(tiny_model), str(questions), str(result), gpu, [*SHORT, *arguments]) == 1
        exactly_once(questions, result)
        found.append(responses(result))
    assert found[0] == found[1] == found[2] == found[3]
    assert len(set(found[0].values())) > 1


@slow
def test_a_row_that_is_too_long_for_the_model_is_rejected_with_its_reason(
    tiny_model: Path, questions: Path, tmp_path: Path
) -> None:
    rows = rows_of(questions)[1:4]
    rows[1]["messages"] = [{"role": "user", "content": "Describe the clip. " * 400}]
    write_rows(questions, rows)
    result = tmp_path / "out.jsonl"
    assert infer(str(tiny_model), str(questions), str(result), "0", [*SHORT, "--max_length", "600"]) == 1
    assert sorted(ids(result)) == sorted([rows[0]["id"], rows[2]["id"]])
    (reject,) = rows_of(tmp_path / "out.rejects.jsonl")
    assert reject["id"] == rows[1]["id"]
    assert "max_length" in reject["reason"]


@slow
def test_result_files_of_something_else_are_refused_and_not_touched(
    tiny_model: Path, tiny_world: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = tmp_path / "out.jsonl"
    all_rows = rows_of(questions)
    write_rows(questions, all_rows[1:3])
    assert infer(str(tiny_model), str(questions), str(result), "0", SHORT) == 0
    before = result.read_bytes()

    def refused(said: str, model: Path = tiny_model, arguments: tuple[str, ...] = SHORT) -> None:
        with pytest.raises(InputError, match=said):
            infer(str(model), str(questions), str(result), "0", arguments)
        assert result.read_bytes() == before

    refused(
        "has answers of another run, with max_new_tokens 16; now it is max_new_tokens 7;",
        arguments=("--max_new_tokens", "7"),
    )
    with monkeypatch.context() as patch:
        patch.setenv("FPS_MAX_FRAMES", "2")
        refused("with FPS_MAX_FRAMES 4; now it is FPS_MAX_FRAMES 2;")
    other = tmp_path / "other"
    other.mkdir()
    for path in tiny_model.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "comment": "another one"}))
    refused("has answers of another run, with model .*tiny, weights .*; now it is model .*other, weights ", model=other)
    write_rows(questions, all_rows[2:4])
    refused(f"has '{all_rows[1]['id']}', which is not in .*in.jsonl")
    write_rows(questions, [all_rows[1] | {"videos": all_rows[3]["videos"]}, all_rows[2]])
    refused("has another question or other media in .*out.jsonl")
    # New rows may be added.
    write_rows(questions, all_rows[1:4])
    assert infer(str(tiny_model), str(questions), str(result), "0", SHORT) == 0
    assert ids(result) == ids(questions)
    assert result.read_bytes().startswith(before)


@pytest.mark.parametrize(
    ("gpu", "arguments", "said"),
    [
        ("0,,1", (), "gpu_id: is '0,,1'"),
        ("0,0", (), "gpu_id: is '0,0'"),
        ("0", ("--max_batch_size", "0"), "--max_batch_size: is '0'"),
        ("0", ("--val_dataset", "x"), "--val_dataset: is not one of these"),
        ("0", ("--result_path=x",), "--result_path: is not one of these"),
    ],
)
def test_arguments_that_make_no_sense_are_refused_before_anything_is_loaded(
    tiny_model: Path, questions: Path, tmp_path: Path, gpu: str, arguments: tuple[str, ...], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        infer(str(tiny_model), str(questions), str(tmp_path / "out.jsonl"), gpu, arguments)
    assert not (tmp_path / "out.jsonl").exists()


def test_a_result_file_of_another_origin_is_not_touched(tiny_model: Path, questions: Path, tmp_path: Path) -> None:
    result = tmp_path / "out.jsonl"
    result.write_text('{"id": "x", "response": "mine"}\n')
    with pytest.raises(InputError, match=r"out.jsonl: result_path: is there, and out.settings.json, .* is not"):
        infer(str(tiny_model), str(questions), str(result))
    assert result.read_text() == '{"id": "x", "response": "mine"}\n'


def test_files_outside_of_the_allowed_folder_are_rejected_also_behind_a_link(
    tiny_model: Path, questions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    row = rows_of(questions)[1]
    (inside / "link.mp4").symlink_to(row["videos"][0])
    write_rows(questions, [row, {"id": "link", "videos": [str(inside / "link.mp4")]}])
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(inside))
    assert infer(str(tiny_model), str(questions), str(tmp_path / "out.jsonl"), "0", SHORT) == 1
    rejects = rows_of(tmp_path / "out.rejects.jsonl")
    assert [reject["id"] for reject in rejects] == [row["id"], "link"]
    assert all(str(inside) in reject["reason"] for reject in rejects)
    assert not (tmp_path / "out.log").exists()  # no model was loaded

"""plugin/saber_bad_rows.py: no row that could not be encoded is lost, whichever process it was that met it.

And that training goes on where a decoder hangs, and where sound is encoded in forked processes.
"""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError

pytestmark = pytest.mark.usefixtures("plugin")


@pytest.fixture
def encoder(processor: Any) -> Any:
    from swift.template import get_template

    template = get_template(processor, template_type="qwen2_5_omni")
    template.set_mode("train")
    return template


@pytest.fixture(scope="module")
def rows(tiny_world: Path) -> list[dict[str, Any]]:
    """Four rows as `datasets` holds them."""
    found = [row for _, row in read_rows(tiny_world / "train.jsonl")][:4]
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    return [{"id": row["id"], "messages": turns, "videos": row["videos"], "audios": row["audios"]} for row in found]


@pytest.fixture
def broken(tmp_path: Path) -> str:
    (tmp_path / "broken.mp4").write_bytes(b"no video here")
    return str(tmp_path / "broken.mp4")


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from swift_saber.plugin import saber_bad_rows

    said: list[str] = []
    monkeypatch.setattr(saber_bad_rows.logger, "warning", said.append)
    return said


def named(folder: Path) -> list[str]:
    """The ids in the folder's file, as often as they stand there."""
    return [json.loads(line)["id"] for line in (folder / "bad_rows.jsonl").read_text().splitlines()]


def report(*names: str) -> None:
    from swift_saber.plugin.saber_bad_rows import BadRows

    bad_rows = BadRows()
    for name in names:
        bad_rows.report({"id": name}, ValueError("no good"))


# What is said of a row


def test_a_clip_that_was_too_slow_is_not_looked_at_again(broken: str) -> None:
    from swift_saber.plugin.saber_bad_rows import explain

    reason, remedy = explain({"videos": [broken]}, TimeoutError("a.mp4: was not read within 300 seconds"))
    assert reason == "a.mp4: was not read within 300 seconds"  # and not that it is no video
    assert "SABER_CLIP_SECONDS" in remedy


def test_a_clip_that_hangs_when_it_is_looked_at_again_is_given_up(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from swift_saber.plugin import saber_bad_rows

    go = threading.Event()
    monkeypatch.setattr(saber_bad_rows, "beginning_problem", lambda path, kind: go.wait(60))
    monkeypatch.setenv("SABER_CLIP_SECONDS", "0.05")
    reason, remedy = saber_bad_rows.explain({"videos": [broken]}, ValueError("the first reader's error"))
    go.set()
    assert reason == f"{broken}: was not read within 0.05 seconds"
    assert "SABER_CLIP_SECONDS" in remedy


def test_a_reader_that_says_why_and_what_to_do_is_quoted() -> None:
    from swift_saber.plugin.saber_bad_rows import explain

    error = InputError("a.mp4", "video", "has 9 broken packets of 10", "re-encode it")
    assert explain({"videos": []}, error) == ("a.mp4: has 9 broken packets of 10", "re-encode it")


# The file and its end


def test_a_run_without_bad_rows_leaves_no_file(tmp_path: Path, warnings: list[str]) -> None:
    from swift_saber.plugin.saber_bad_rows import kept

    with kept(tmp_path / "out"):
        pass
    assert not (tmp_path / "out").exists()
    assert warnings == []


def test_a_run_that_goes_on_appends_and_counts_its_own_rows_once(tmp_path: Path, warnings: list[str]) -> None:
    from swift_saber.plugin.saber_bad_rows import kept

    with kept(tmp_path):
        report("a", "b", "c")
    with kept(tmp_path):
        report("b", "b")
        report("b", "d")  # as another process does
    assert named(tmp_path) == ["a", "b", "c", "b", "b", "d"]
    counts = [said for said in warnings if "left out" in said]
    assert [said.split(": ")[1] for said in counts] == [
        "3 row(s) could not be encoded and were left out",
        "2 row(s) could not be encoded and were left out",
    ]
    assert str(tmp_path / "bad_rows.jsonl") in counts[0]


def test_after_the_run_rows_are_only_said(tmp_path: Path, warnings: list[str]) -> None:
    from swift_saber.plugin.saber_bad_rows import kept

    with kept(tmp_path / "first"), kept(tmp_path / "second"):
        report("a")
    report("b")
    assert named(tmp_path / "second") == ["a"]
    assert not (tmp_path / "first").exists()
    assert any("row b could not be encoded: ValueError: no good" in said for said in warnings)


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_rows_that_another_process_met_are_kept(method: str, tmp_path: Path, warnings: list[str]) -> None:
    from swift_saber.plugin.saber_bad_rows import kept

    with kept(tmp_path):
        process = multiprocessing.get_context(method).Process(target=report, args=("a", "b"))
        process.start()
        process.join()
    assert process.exitcode == 0
    assert named(tmp_path) == ["a", "b"]
    assert len([said for said in warnings if "2 row(s)" in said]) == 1


def test_the_error_of_a_run_that_finds_no_usable_row_names_the_file(encoder: Any, broken: str, tmp_path: Path) -> None:
    from datasets import Dataset
    from swift.dataset import LazyLLMDataset

    from swift_saber.plugin.saber_bad_rows import kept

    bad = [
        {"id": f"bad-{number}", "messages": [{"role": "user", "content": "?"}], "videos": [broken]} for number in "ab"
    ]
    with pytest.raises(InputError, match="bad_rows.jsonl: rows: 2 could not be encoded") as raised, kept(tmp_path):
        LazyLLMDataset(Dataset.from_list(bad), encoder.encode)[0]
    assert raised.value.where == str(tmp_path / "bad_rows.jsonl")
    assert sorted(named(tmp_path)) == ["bad-a", "bad-b"]


def test_other_errors_of_a_run_stay_what_they_are(tmp_path: Path) -> None:
    from swift_saber.plugin.saber_bad_rows import kept

    with pytest.raises(ValueError, match="^no GPU$"), kept(tmp_path):
        report("a")
        raise ValueError("no GPU")


def test_encoded_rows_that_an_earlier_run_cached_are_found(encoder: Any, tmp_path: Path) -> None:
    from datasets.fingerprint import Hasher
    from swift.dataset import AddLengthPreprocessor

    from swift_saber.plugin.saber_bad_rows import kept

    def digest(folder: Path) -> str:
        with kept(folder):
            return str(Hasher.hash(AddLengthPreprocessor(template=encoder).batched_preprocess))

    assert digest(tmp_path / "first") == digest(tmp_path / "second")


# What encodes rows


def test_rows_that_are_encoded_beforehand_are_kept(
    encoder: Any, rows: list[dict[str, Any]], broken: str, tmp_path: Path
) -> None:
    from datasets import Dataset
    from swift.dataset import AddLengthPreprocessor

    from swift_saber.plugin.saber_bad_rows import kept

    table = Dataset.from_list([*rows, {**rows[0], "id": "bad", "videos": [broken]}])
    with kept(tmp_path):
        encoded = AddLengthPreprocessor(template=encoder)(table, num_proc=2)
    assert len(encoded) == len(rows)
    assert named(tmp_path) == ["bad"]


@pytest.mark.parametrize("workers", [0, 1, 4])
def test_a_decoder_that_hangs_costs_its_row_and_no_more(
    workers: int, encoder: Any, rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets import Dataset
    from swift.dataset import LazyLLMDataset
    from torch.utils.data import DataLoader

    from swift_saber.media import deadline
    from swift_saber.plugin import saber_frames
    from swift_saber.plugin.saber_bad_rows import kept

    # Opening a pipe waits in the operating system for one who writes to it, as for a disk that does not answer.
    hanging = str(tmp_path / "hanging.mp4")
    os.mkfifo(hanging)
    read_frames = saber_frames.read_frames

    def read(path: str, *args: Any, **kwargs: Any) -> Any:
        return os.open(path, os.O_RDONLY) if path == hanging else read_frames(path, *args, **kwargs)

    def limited(seconds: float, read: Callable[..., Any], path: str, *args: Any) -> Any:
        return deadline.within(0.2 if path == hanging else 60, read, path, *args)

    monkeypatch.setattr(saber_frames, "read_frames", read)
    monkeypatch.setattr(saber_frames, "within", limited)
    monkeypatch.setattr(deadline, "_left", {})
    table = Dataset.from_list([rows[0], {**rows[1], "id": "slow", "videos": [hanging]}, *rows[2:]])
    with kept(tmp_path):
        loader = DataLoader(
            LazyLLMDataset(table, encoder.encode),
            num_workers=workers,
            collate_fn=list,
            timeout=120 if workers else 0,
            multiprocessing_context="fork" if workers else None,
        )
        batches = list(loader)
    assert len(batches) == len(table)  # a random other row in the place of the one
    [entry] = [json.loads(line) for line in (tmp_path / "bad_rows.jsonl").read_text().splitlines()]
    assert entry["id"] == "slow"
    assert entry["reason"] == f"{hanging}: was not read within 0.2 seconds"
    os.close(os.open(hanging, os.O_RDWR | os.O_NONBLOCK))  # which lets go what waits in this process


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A clip whose decoder ends its process."""
    from swift_saber.plugin import saber_frames

    (tmp_path / "deadly.mp4").touch()
    clip, read_frames = str(tmp_path / "deadly.mp4"), saber_frames.read_frames

    def read(path: str, *args: Any, **kwargs: Any) -> Any:
        return os.kill(os.getpid(), signal.SIGKILL) if path == clip else read_frames(path, *args, **kwargs)

    monkeypatch.setattr(saber_frames, "read_frames", read)
    return clip


def test_a_decoder_that_ends_its_process_costs_its_row_and_no_more(
    encoder: Any, rows: list[dict[str, Any]], deadly: str, tmp_path: Path
) -> None:
    from datasets import Dataset
    from swift.dataset import LazyLLMDataset
    from torch.utils.data import DataLoader

    from swift_saber.plugin.saber_bad_rows import kept

    def batches(table: list[dict[str, Any]]) -> list[Any]:
        data = LazyLLMDataset(Dataset.from_list(table), encoder.encode)
        with kept(tmp_path):
            return list(DataLoader(data, num_workers=1, collate_fn=list, multiprocessing_context="fork"))

    table = [rows[0], {**rows[1], "id": "deadly", "videos": [deadly]}, *rows[2:]]
    expected, found = batches(rows), batches(table)
    assert len(found) == len(table)
    assert [found[place][0]["input_ids"] for place in (0, 2, 3)] == [
        expected[place][0]["input_ids"] for place in (0, 2, 3)
    ]
    [entry] = [json.loads(line) for line in (tmp_path / "bad_rows.jsonl").read_text().splitlines()]
    assert entry["id"] == "deadly"
    assert (
        entry["reason"]
        == "ended the process that encoded it, and one of its own: killed by SIGKILL, as where memory runs out"
    )
    assert "SABER_CLIP_SECONDS" in entry["remedy"]


def test_a_process_that_ends_while_rows_are_encoded_beforehand_names_them_and_the_next_start_goes_on(
    encoder: Any, rows: list[dict[str, Any]], deadly: str, tmp_path: Path
) -> None:
    from datasets import Dataset
    from swift.dataset import AddLengthPreprocessor

    from swift_saber.plugin.saber_bad_rows import kept

    table = Dataset.from_list([*rows, {**rows[0], "id": "deadly", "videos": [deadly]}])
    with pytest.raises(InputError, match="start the same command again") as raised, kept(tmp_path / "v0", tmp_path):
        AddLengthPreprocessor(template=encoder)(table, num_proc=2)
    assert "deadly" in raised.value.where
    with kept(tmp_path / "v1", tmp_path):
        encoded = AddLengthPreprocessor(template=encoder)(table, num_proc=2)
    assert len(encoded) == len(rows)
    assert named(tmp_path / "v1") == ["deadly"]


# Where none is left


def test_not_one_row_to_train_on_is_said_in_one_line(tmp_path: Path) -> None:
    from swift.pipelines.train.sft import SwiftSft

    args = SimpleNamespace(dataset=["train.jsonl"], val_dataset=["val.jsonl"], output_dir=str(tmp_path))
    pipeline = SimpleNamespace(args=args)
    for train, validation, name in ((None, None, "train"), ([1], None, "val"), (iter(()), [1], "train")):
        with pytest.raises(InputError, match=f"^{name}.jsonl: rows: not one could be encoded: .*bad_rows.jsonl"):
            SwiftSft._show_dataset(pipeline, train, validation)


def test_forked_processes_compute_in_one_thread_and_this_one_as_before() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with multiprocessing.get_context("fork").Pool(1) as pool:
            assert pool.apply(torch.get_num_threads) == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


# An operation of torch that is worth two threads, here and in a forked process, which waited for ever.
FORKED = """
import os, signal
import torch
from swift_saber.plugin.saber_register import _spare_threads

_spare_threads()
torch.set_num_threads(2)
torch.rand(4_000_000).exp()
child = os.fork()
if not child:
    signal.alarm(30)
    torch.rand(4_000_000).exp()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_forked_process_does_not_wait_for_the_threads_of_this_one() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"

"""Training survives its rows: one over which a process ends or hangs costs that row, and not the run.

Real processes that end themselves, or are stopped, in real loaders; what is expected of the others is what a loader
gives without the fault.
"""

import ctypes
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.plugin import saber_errors, saber_loader, saber_under_way
from swift_saber.plugin.saber_under_way import EndedError, guarded, noted

Row = dict[str, Any]
ROWS, BATCH = 12, 2
FATES: dict[str, Callable[[], Any]] = {
    "segmentation fault": partial(ctypes.string_at, 0),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(3),
    "hangs": lambda: time.sleep(600),
    "stopped": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}


class Rows(Dataset[Any]):
    """Rows that are encoded where they are asked for; one that raises is replaced by the first, or raised."""

    def __init__(self, rows: list[Row], strict: bool = False) -> None:
        self.dataset, self.strict = rows, strict

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, place: int) -> str:
        row = self.dataset[place]
        try:
            return guarded(row, partial(encode, row))
        except EndedError:
            if self.strict:
                raise
            return "another"


def encode(row: Row) -> str:
    if "fate" in row and not ("once" in row and Path(row["once"]).exists()):
        if "once" in row:
            Path(row["once"]).touch()
        FATES[row["fate"]]()
    return str(row["id"])


def rows(**bad: Any) -> list[Row]:
    """Rows of which the sixth is so."""
    found: list[Row] = [{"id": f"row-{number}"} for number in range(ROWS)]
    found[5] |= bad
    return found


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Seconds in the place of minutes; far more than a row takes here."""
    monkeypatch.setattr(saber_under_way, "REST_SECONDS", 2.0)
    monkeypatch.setattr(saber_loader.SurvivingIterator._try_get_data, "__defaults__", (0.2,))
    stock = DataLoader._get_iterator
    saber_loader.register()
    yield
    DataLoader._get_iterator = stock


def loader(found: list[Row], strict: bool = False, **options: Any) -> DataLoader[Any]:
    """A loader with a shuffled order that a seed decides, as ms-swift's."""
    torch.manual_seed(11)
    workers = {"num_workers": 2, "persistent_workers": True, "multiprocessing_context": "fork"}
    data = Rows(found, strict)
    order = BatchSampler(RandomSampler(data), BATCH, drop_last=False)
    return DataLoader(data, batch_sampler=order, **{"collate_fn": list, **workers, **options})


def delivered(found: list[Row], folder: Path, epochs: int = 2, **options: Any) -> list[list[list[str]]]:
    """The batches of each epoch."""
    with noted(folder):
        batches = loader(found, **options)
        return [list(batches) for _ in range(epochs)]


def without(row: str, epochs: list[list[list[str]]]) -> list[list[list[str]]]:
    return [[["another" if one == row else one for one in batch] for batch in batches] for batches in epochs]


@pytest.mark.parametrize("fate", FATES)
def test_a_row_that_ends_its_process_costs_that_row_and_the_others_keep_their_order(fate: str, tmp_path: Path) -> None:
    expected = delivered(rows(), tmp_path)
    assert sorted(one for batch in expected[0] for one in batch) == sorted(row["id"] for row in rows())
    assert expected[0] != expected[1]  # each epoch has an order of its own
    assert delivered(rows(fate=fate), tmp_path) == without("row-5", expected)


@pytest.mark.parametrize("fate", ["killed", "stopped"])
def test_what_ends_a_process_from_outside_costs_no_row(fate: str, tmp_path: Path) -> None:
    innocent = rows(fate=fate, once=str(tmp_path / "once"))
    assert delivered(innocent, tmp_path) == delivered(rows(), tmp_path)
    assert (tmp_path / "once").exists()
    assert not (tmp_path / "under_way").exists()  # nothing is held against it


def test_an_error_names_the_row_where_no_other_may_take_its_place(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Caught EndedError in DataLoader worker") as raised:
        delivered(rows(fate="killed"), tmp_path, strict=True)
    said = saber_errors.explain(raised.value) or ""
    assert said.startswith("swift-saber: error: row row-5: clip: ended the process that encoded it")
    assert "killed by SIGKILL" in said


def test_a_process_that_ends_between_rows_ends_the_run_with_the_rows_that_were_next(tmp_path: Path) -> None:
    with noted(tmp_path):
        first, *_ = delivered(rows(), tmp_path, epochs=1)[0]
    with pytest.raises(InputError, match=r"ended 3 times \(ended with status 4\)") as raised, noted(tmp_path):
        list(loader(rows(), num_workers=1, collate_fn=lambda batch: os._exit(4) if batch == first else batch))
    assert f"in hand: rows {', '.join(first)}" in str(raised.value)
    assert not (tmp_path / "under_way").exists()


def test_a_process_that_says_why_it_ends_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FATES, "says", lambda: sys.exit("8 files hang in this process, so it ends"))
    with pytest.raises(SystemExit, match="8 files hang"):
        delivered(rows(fate="says"), tmp_path)


def test_errors_of_rows_and_of_training_stay_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise KeyError("the row's own")

    monkeypatch.setitem(FATES, "raises", fails)
    with pytest.raises(KeyError, match="the row's own"):
        delivered(rows(fate="raises"), tmp_path)
    with pytest.raises(RuntimeError, match="^no GPU$"), noted(tmp_path):
        for _ in loader(rows()):
            raise RuntimeError("no GPU")
    assert not (tmp_path / "under_way").exists()


def test_what_is_drawn_after_it_is_not_changed(tmp_path: Path) -> None:
    def drawn(found: list[Row]) -> list[float]:
        with noted(tmp_path):
            return [float(torch.rand(())) for _ in loader(found)]

    assert drawn(rows(fate="killed")) == drawn(rows())


@pytest.mark.parametrize("fate", ["killed", "stopped"])
def test_so_it_is_where_a_thread_takes_over_what_the_processes_send(
    fate: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # torch starts that thread for a GPU alone; strings, as here, it hands on as they are.
    for name, value in (("is_available", True), ("current_device_index", 0), ("set_device_index", None)):
        monkeypatch.setattr(torch.accelerator, name, lambda *_, value=value: value)
    expected = delivered(rows(), tmp_path)
    assert delivered(rows(fate=fate), tmp_path, pin_memory=True) == without("row-5", expected)


def test_a_process_that_ends_while_training_computes_does_not_end_it(tmp_path: Path) -> None:
    expected = delivered(rows(), tmp_path, epochs=1)[0]
    found = []
    with noted(tmp_path):
        batches = iter(loader(rows()))
        found.append(next(batches))
        for worker in batches._workers:
            os.kill(worker.pid, signal.SIGKILL)
        time.sleep(0.3)  # where torch would raise its error
        found += list(batches)
    assert found == expected


# A run without such processes, which ends itself


def trains(folder: Path, fate: str, clip: Path, said: Path) -> None:
    """What a trainer does that encodes its rows itself."""
    with noted(folder) as account, said.open("w", buffering=1) as out:
        print("left", *account.left, file=out)
        for place in range(ROWS):
            print(Rows(rows(videos=[str(clip)], **({"fate": fate} if fate else {})))[place], file=out)


def start(folder: Path, fate: str, clip: Path) -> tuple[int | None, list[str]]:
    """Return a trainer's exit code and what it said."""
    trainer = multiprocessing.get_context("fork").Process(target=trains, args=(folder, fate, clip, folder / "said"))
    trainer.start()
    trainer.join()
    return trainer.exitcode, (folder / "said").read_text().splitlines()


ALL = [f"row-{number}" for number in range(ROWS)]
OTHERS = [*ALL[:5], "another", *ALL[6:]]


@pytest.mark.parametrize(("fate", "ended_by"), [("killed", signal.SIGKILL), ("hangs", signal.SIGALRM)])
def test_the_next_start_goes_on_without_the_row(
    fate: str, ended_by: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    monkeypatch.setenv("SABER_CLIP_SECONDS", "0.1")
    assert start(tmp_path, fate, clip) == (-ended_by, ["left", *ALL[:5]])
    assert saber_under_way.left(tmp_path) == ["row-5"]
    assert start(tmp_path, fate, clip) == (0, ["left row-5", *OTHERS])
    assert start(tmp_path, fate, clip) == (0, ["left", *OTHERS])  # it is tried again, in a process of its own
    assert start(tmp_path, "", clip) == (0, ["left", *ALL])  # as it is now, it passes
    assert not (tmp_path / "under_way").exists()


def test_a_row_that_ends_all_processes_is_not_tried_again_until_its_files_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.touch()
    # As when memory runs out where all processes of a container are ended with the one that was tried.
    monkeypatch.setitem(
        FATES, "all killed", lambda: [os.kill(pid, signal.SIGKILL) for pid in (os.getppid(), os.getpid())]
    )
    assert start(tmp_path, "killed", clip)[0] == -signal.SIGKILL
    assert start(tmp_path, "all killed", clip) == (-signal.SIGKILL, ["left row-5", *ALL[:5]])
    assert start(tmp_path, "all killed", clip) == (0, ["left row-5", *OTHERS])
    assert start(tmp_path, "", clip) == (0, ["left", *OTHERS])
    clip.write_bytes(b"mended")
    assert start(tmp_path, "", clip) == (0, ["left", *ALL])


def test_a_machine_that_goes_down_costs_no_row(tmp_path: Path) -> None:
    def run() -> None:
        with noted(tmp_path):
            list(loader([{**row, "fate": "hangs"} for row in rows()]))

    # A trainer and its processes, each with a row under way, are all ended at once.
    trainer = multiprocessing.get_context("fork").Process(target=run)
    trainer.start()
    marks: list[Path] = []
    while len([path for path in marks if b'"row": "row-' in path.read_bytes()]) < 2:
        marks = [path for path in (tmp_path / "under_way").glob("*.*") if path.suffix != ".new"]
        time.sleep(0.01)
    for pid in [int(path.suffix[1:]) for path in marks] + [trainer.pid]:
        os.kill(pid, signal.SIGKILL)
    trainer.join()
    while len(found := saber_under_way.left(tmp_path)) < 2:  # as soon as the system has ended them
        time.sleep(0.01)
    with noted(tmp_path) as account:
        assert account.left == found
        assert list(loader(rows())) == delivered(rows(), tmp_path / "other", epochs=1)[0]
    assert not (tmp_path / "under_way").exists()


def test_a_run_beside_it_is_left_alone(tmp_path: Path) -> None:
    with noted(tmp_path), noted(tmp_path):
        batches = iter(loader(rows()))
        next(batches)
        with noted(tmp_path) as account:
            assert account.left == []
        assert len(list(batches)) == ROWS // BATCH - 1


# `swift-saber sft`


DEADLY = """
import os, signal
from swift_saber.plugin import saber_frames

read_frames = saber_frames.read_frames

def read(path, *args, **kwargs):
    return os.kill(os.getpid(), signal.SIGKILL) if path.endswith("deadly.mp4") else read_frames(path, *args, **kwargs)

saber_frames.read_frames = read
"""


@pytest.mark.slow
def test_a_training_goes_on_without_the_rows_that_end_it(tiny_world: Path, tiny_model: Path, tmp_path: Path) -> None:
    clips = [row for _, row in read_rows(tiny_world / "train.jsonl")][:6]
    (tmp_path / "deadly.mp4").write_bytes(Path(clips[0]["videos"][0]).read_bytes())
    # The first is encoded by the trainer itself, before it trains, the other in the loader's process.
    for place in (0, 3):
        clips[place] |= {"id": f"deadly-{place}", "videos": [str(tmp_path / "deadly.mp4")]}
    write_rows(tmp_path / "data.jsonl", clips)
    (tmp_path / "deadly.py").write_text(DEADLY)
    recipe = {
        "model": str(tiny_model),
        "model_type": "qwen2_5_omni",
        "torch_dtype": "float32",
        "check_model": False,
        "external_plugins": [str(tmp_path / "deadly.py")],
        "dataset": str(tmp_path / "data.jsonl"),
        "split_dataset_ratio": 0,
        "per_device_train_batch_size": 1,
        "num_train_epochs": 1,
        "gradient_accumulation_steps": 6,
        "dataloader_num_workers": 1,
        "save_strategy": "no",
        "report_to": "none",
        "output_dir": str(tmp_path / "out"),
    }
    (tmp_path / "recipe.yaml").write_text(json.dumps(recipe))
    command = [sys.executable, "-m", "swift_saber.cli", "sft", str(tmp_path / "recipe.yaml")]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=False) for _ in range(2))
    assert first.returncode != 0
    assert first.stderr.splitlines()[-1] == f"swift-saber: error: {saber_under_way.ended_over(['deadly-0'])}"
    assert second.returncode == 0, second.stderr[-2000:]
    [bad] = (tmp_path / "out").glob("*/bad_rows.jsonl")
    assert sorted(row["id"] for _, row in read_rows(bad)) == ["deadly-0", "deadly-3"]
    assert len(list((tmp_path / "out").glob("v*"))) == 2  # each start with a folder of its own

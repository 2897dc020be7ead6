"""Training survives its rows: one over which a process ends or hangs costs that row, and not the run.

Real processes that end themselves, or are stopped, in real loaders; what is expected of the others is what a loader
gives without the fault.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler

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

"""pipeline/run.py: reviews are taken as they come, and what a person has edited is never written over."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from swift_saber.cli import main as cli
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.pipeline.run import run
from swift_saber.review.items import item_of
from swift_saber.review.log import ReviewLog
from tests.llm_server import LLMServer, label, row, say
from tests.pipeline.world import snapshot

CLIPS = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run before anybody has reviewed."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("first")
        patch.chdir(folder)
        halves = ("consistent", "inconsistent")
        write_rows("rows.jsonl", [row(name, "en", consistency=halves[n % 2]) for n, name in enumerate(CLIPS)])
        run(str(write_recipe(folder)))
    return folder


@pytest.fixture
def recipe(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe of records that are there already, reviewed and split; nothing has been run."""
    shutil.copy(first / "rows.jsonl", tmp_path)
    monkeypatch.chdir(tmp_path)
    return write_recipe(tmp_path)


@pytest.fixture
def done(first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recipe of such a run, of which the test has a copy; in the current folder, as one would work."""
    shutil.copytree(first, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "r.yaml"


def write_recipe(folder: Path, **changed: Any) -> Path:
    told: dict[str, Any] = {"output": "out", "tasks": 2, "sources": [{"rows": "rows.jsonl"}]}
    told |= {"review": {}, "split": {"test": 2}}
    told |= changed
    path = folder / "r.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in told.items() if value is not None}))
    return path


def review(name: str, decision: str, who: str = "anna", **edits: str) -> None:
    """A review of a row as the stage gets it."""
    found = next(each for _, each in read_rows("rows.jsonl") if each["id"] == name)
    item = item_of(found, "r")
    with ReviewLog("reviews", who) as log:
        known = log.latest.get(name)
        after = {**item.values, **edits} if decision == "correct" else {}
        revision = known.revision if known else 0
        log.save(f"{name} {revision}", item, revision, decision=decision, reason="", after=after)


def dataset() -> dict[str, dict[str, Any]]:
    return {each["id"]: each for path in Path("out").glob("t*.jsonl") for _, each in read_rows(path)}


def edit(path: Path | str, before: str, after: str) -> str:
    text = Path(path).read_text(encoding="utf-8")
    assert before in text
    Path(path).write_text(text.replace(before, after), encoding="utf-8")
    return text.replace(before, after)


def test_new_reviews_are_taken_by_the_next_run_and_unchanged_ones_do_nothing(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dataset().keys() == set(CLIPS)
    review("a", "correct", facial_exp_desc="A thin smile.")
    run(str(done))
    found = dataset()
    assert found["a"]["facial_exp_desc"] == "A thin smile."
    assert found["a"]["review"] == {"state": "corrected", "reviewers": 1}
    assert found["b"]["review"] == {"state": "not reviewed", "reviewers": 0}
    assert "review: 0 accepted, 1 corrected, 0 disputed, 0 stale" in capsys.readouterr().err
    before = {path: path.stat().st_mtime_ns for path in Path("out").glob("*/kept/*.jsonl")}
    review("b", "skip")  # which says nothing
    run(str(done))
    assert {path: path.stat().st_mtime_ns for path in Path("out").glob("*/kept/*.jsonl")} == before
    assert capsys.readouterr().err == ""
    review("a", "reject")
    run(str(done))
    assert dataset().keys() == {"b", "c", "d"}
    assert "rejected by reviewers" in Path("out/README.md").read_text(encoding="utf-8")


def test_until_a_stage_before_it_and_until_it(done: Path) -> None:
    review("a", "reject")
    run(str(done), "review")
    assert dataset().keys() == set(CLIPS), "of a run that is not through, the dataset stays"
    run(str(done))
    assert dataset().keys() == {"b", "c", "d"}


def test_a_review_of_a_text_that_has_changed_since_is_said_and_not_applied(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    review("a", "correct", facial_exp_desc="A thin smile.")
    edit("rows.jsonl", "A hostile", "A loud")
    run(str(recipe))
    assert "1 were reviewed when their text was another one" in capsys.readouterr().err
    assert dataset()["a"]["review"] == {"state": "stale", "reviewers": 0}


def test_a_folder_of_reviews_that_moved_is_refused_and_its_path_is_no_setting(recipe: Path, tmp_path: Path) -> None:
    review("a", "reject")
    run(str(recipe))
    Path("reviews").rename("moved")
    with pytest.raises(InputError, match=r"review\.folder: .* holds no reviews"):
        run(str(recipe))
    run(str(write_recipe(tmp_path, review={"folder": "moved"})))
    assert dataset().keys() == {"b", "c", "d"}


@pytest.mark.parametrize("before", ["keep", "stage"])
def test_a_run_that_ends_as_it_takes_the_reviews_takes_them_the_next_time(
    done: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    from swift_saber.pipeline import run as module

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    review("a", "reject")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        if before == "keep":
            patch.setattr(module.review.Review, "keep", staticmethod(end))
        else:
            patch.setattr(module, "_ask_again", end)
        run(str(done))
    run(str(done))
    assert dataset().keys() == {"b", "c", "d"}


@pytest.mark.slow
def test_a_run_that_is_killed_anywhere_takes_the_reviews_all_the_same(done: Path) -> None:
    shutil.copytree("out", "first")
    review("a", "correct", facial_exp_desc="A thin smile.")
    review("b", "reject")
    run(str(done))
    expected = snapshot(Path("out"))
    command = [sys.executable, "-m", "swift_saber.cli", "pipeline", str(done)]
    for seconds in (2.5, 3.5, 4.5):
        shutil.rmtree("out")
        shutil.copytree("first", "out")
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0)
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        run(str(done))
        assert snapshot(Path("out")) == expected


def test_a_result_that_a_person_edited_stops_the_run_before_anything_is_done(done: Path) -> None:
    review("a", "reject")
    for name in ("train.jsonl", "test.jsonl", "README.md", "report.html"):
        path = Path("out", name)
        ours = path.read_bytes()
        path.write_bytes(ours + b"\n")
        before = snapshot(Path("out"))
        remedy = "review take .*--of .*; or move it away" if name.endswith(".jsonl") else f"mv .*{name} MY-{name}"
        with pytest.raises(InputError, match=f"out/{name}: output: was edited since it was written.*{remedy}"):
            run(str(done))
        assert snapshot(Path("out")) == before
        assert path.read_bytes() == ours + b"\n"
        path.rename(f"MY-{name}") if name == "train.jsonl" else path.write_bytes(ours)
    run(str(done))
    assert "a" not in dataset()
    assert Path("MY-train.jsonl").read_bytes().endswith(b"\n\n")


def test_what_is_edited_while_the_run_goes_on_is_not_written_over_either(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swift_saber.pipeline import run as module

    review("a", "reject")
    real = module.finish

    def late(output: Path) -> list[str]:
        edit(output / "train.jsonl", "hostile", "warm")
        return real(output)

    monkeypatch.setattr(module, "finish", late)
    with pytest.raises(InputError, match=r"train\.jsonl: output: was edited"):
        run(str(done))
    assert "warm" in Path("out/train.jsonl").read_text()


def test_edits_by_hand_that_are_taken_as_reviews_outlive_the_next_runs(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for who in ("anna", "bo"):
        review("b", "correct", who, facial_exp_desc="A thin smile.")
        review("c", "correct", who, emotion={"anna": "sad", "bo": "happy"}[who])
    run(str(done))
    assert dataset().keys() == {"a", "b", "d"}
    part = next(path for path in Path("out").glob("t*.jsonl") if '"b"' in path.read_text())
    edit(part, "A thin smile.", "一丝冷笑。")
    with pytest.raises(InputError) as error:
        run(str(done))
    command = str(error.value).partition("swift-saber ")[2].partition("; or")[0]
    assert cli.main(shlex.split(command)) == 0  # as the message says it
    assert "in its block `review:` writes" in capsys.readouterr().out
    for _ in range(2):
        run(str(done))
        assert dataset()["b"]["facial_exp_desc"] == "一丝冷笑。"
    assert dataset().keys() == {"a", "b", "d"}


def test_what_is_not_taken_is_still_not_written_over(done: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = max(Path("out").glob("t*.jsonl"), key=lambda path: path.stat().st_size)
    lines = part.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[1:]))
    arguments = ["review", "take", str(part), "--of", "out", "-o", "reviews"]
    assert cli.main(arguments) == 1
    assert "removed           1" in capsys.readouterr().out
    with pytest.raises(InputError, match="was edited since"):
        run(str(done))
    assert cli.main([*arguments, "--removed-are-rejected"]) == 0
    run(str(done))
    assert dataset().keys() == set(CLIPS) - {json.loads(lines[0])["id"]}


def test_a_result_that_is_there_before_the_first_run_is_somebodys(recipe: Path) -> None:
    Path("out").mkdir()
    Path("out/train.jsonl").write_text("mine\n")
    with pytest.raises(InputError, match="is there already, and not from a run"):
        run(str(recipe))
    assert Path("out/train.jsonl").read_text() == "mine\n"


def test_runs_of_versions_that_noted_nothing_go_on(done: Path) -> None:
    for notes in Path("out").rglob("written"):
        shutil.rmtree(notes)
    edit("out/train.jsonl", "hostile", "warm")
    run(str(done))
    assert "warm" not in Path("out/train.jsonl").read_text()


def test_an_edit_in_a_stages_folder_is_noticed_and_moved_away_it_is_made_anew_without_asking(
    recipe: Path, tmp_path: Path
) -> None:
    with LLMServer(lambda asked: say(label(("smiles", "hostile")))) as server:
        block = {"model": "m", "base_url": server.url, "retries": 0}
        path = str(write_recipe(tmp_path, consistency=block, split=None))
        run(path)
        asked, before = len(server.asked), snapshot(Path("out"))
        file = Path("out/consistency/kept/00001.jsonl")
        edit(file, "A hostile", "A warm")
        with pytest.raises(InputError, match=r"consistency/kept/00001.jsonl: rows: was edited .*mv .*review take"):
            run(path)
        file.rename("edited.jsonl")
        run(path)
        assert snapshot(Path("out")) == before
        assert len(server.asked) == asked
        assert cli.main(["review", "take", "edited.jsonl", "--of", "out", "-o", "reviews"]) == 0
        run(path)
        assert all("warm" in each["audio_desc"]["acoustic_feat"] for name, each in dataset().items() if name in "cd")
        assert len(server.asked) == asked


def test_a_stage_does_not_begin_with_rows_that_were_edited_meanwhile(
    done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from swift_saber.pipeline import run as module

    real = module._run_stage

    def after(plan: Any, name: str) -> None:
        if name == "split":
            edit("out/review/kept/00000.jsonl", "hostile", "warm")
        real(plan, name)

    monkeypatch.setattr(module, "_run_stage", after)
    review("a", "reject")
    with pytest.raises(InputError, match=r"review/kept/00000.jsonl: rows: was edited since the stage review wrote it"):
        run(str(done))


def test_what_is_kept_of_a_written_file_says_which_rows_are_ours(done: Path) -> None:
    lines = [json.loads(line) for line in Path("out/split/written/00000.jsonl").read_text().splitlines()]
    assert [line["file"] for line in lines] == ["kept/00000.jsonl", "kept/00001.jsonl"]


def test_a_stages_file_that_looks_like_the_dataset_rejects_none_of_the_other_tasks(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy("out/review/kept/00000.jsonl", "edited.jsonl")
    arguments = ["review", "take", "edited.jsonl", "--of", "out", "-o", "reviews", "--removed-are-rejected"]
    assert cli.main(arguments) == 2
    assert "this is a stage's file" in capsys.readouterr().err
    assert not Path("reviews").exists()


def test_edits_that_were_taken_are_not_written_over_by_a_run_that_would_not_put_them_in(
    done: Path, tmp_path: Path
) -> None:
    part = max(Path("out").glob("t*.jsonl"), key=lambda path: path.stat().st_size)
    edited = edit(part, "hostile", "warm")
    assert cli.main(["review", "take", str(part), "--of", "out", "-o", "elsewhere"]) == 0
    for block in (None, {"folder": "reviews"}):
        with pytest.raises(InputError, match="was edited since it was written"):
            run(str(write_recipe(tmp_path, review=block)))
        assert part.read_text(encoding="utf-8") == edited
    run(str(write_recipe(tmp_path, review={"folder": "elsewhere/"})))
    assert "warm" in part.read_text(encoding="utf-8")


def test_a_stage_that_comes_into_a_finished_run_or_goes_is_done_and_those_after_it_anew(
    done: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The records say nothing of the voice that can be measured, and have no sound: evidence drops none."""
    shutil.rmtree("out")
    write_recipe(done.parent, review=None)
    run(str(done))
    assert dataset().keys() == set(CLIPS)
    review("a", "reject")
    write_recipe(done.parent, evidence={"max_contradicted": 0})
    run(str(done), "evidence")
    assert dataset().keys() == set(CLIPS), "of a run that is not through, the dataset stays"
    run(str(done))
    assert "split: made anew, since the recipe has other stages before it now" in capsys.readouterr().err
    assert dataset().keys() == {"b", "c", "d"}
    kept = snapshot(Path("out"))
    run(str(done))
    assert "made anew" not in capsys.readouterr().err and snapshot(Path("out")).keys() == kept.keys()
    # Without reviews again, with others meanwhile, and with them once more.
    write_recipe(done.parent, review=None)
    run(str(done))
    assert dataset().keys() == set(CLIPS)
    review("b", "correct", emotion="sad")
    write_recipe(done.parent)
    run(str(done))
    assert dataset().keys() == {"b", "c", "d"} and dataset()["b"]["labels"]["emotion"] == "sad"


def test_what_a_person_edited_stops_a_run_into_which_a_stage_comes(done: Path) -> None:
    for edited in (Path("out/train.jsonl"), Path("out/split/kept/00000.jsonl")):
        before = edited.read_bytes()
        edited.write_bytes(before.replace(b"en", b"zh", 1))
        wanted = snapshot(Path("out"))
        write_recipe(done.parent, evidence={})
        with pytest.raises(InputError, match="was edited since"):
            run(str(done))
        assert snapshot(Path("out")) == wanted
        edited.write_bytes(before)


@pytest.mark.parametrize("at", range(4))
def test_killed_as_it_undoes_the_stages_after_one_that_came_it_does_so_the_next_time(
    done: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    """Each of the steps by which a stage is taken as not done is the last one once; the last of all writes settings."""
    review("a", "reject")
    write_recipe(done.parent, evidence={}, split={"test": 2})
    left = [at]

    def counted(function: Any) -> Any:
        def step(*args: Any, **more: Any) -> Any:
            if "split" in str(args[0]):
                left[0] -= 1
                if left[0] < 0:
                    raise KeyboardInterrupt
            return function(*args, **more)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        patch.setattr(Path, "unlink", counted(Path.unlink))
        with pytest.raises(KeyboardInterrupt):
            run(str(done))
    run(str(done))
    assert dataset().keys() == {"b", "c", "d"}


@pytest.mark.parametrize("changed", [{"split": {"test": 4}}, {"split": {"test": 4}, "evidence": {}}])
def test_settings_of_ones_own_that_changed_are_still_refused(done: Path, changed: dict[str, Any]) -> None:
    write_recipe(done.parent, **changed)
    with pytest.raises(InputError, match="split: settings: was made with"):
        run(str(done))
    assert Path("out/split/kept/00000.jsonl").exists()

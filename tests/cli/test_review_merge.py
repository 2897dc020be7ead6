"""`swift-saber review merge`: what is written, what is counted, and the exit status."""

import json
from pathlib import Path
from typing import Any

import pytest

from swift_saber.cli import main as cli
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.evaluation.benchmarks.labelled import read_test
from swift_saber.review.items import Items
from swift_saber.review.log import ReviewLog
from swift_saber.review.merged import write_merged
from swift_saber.sed.record import DIMENSIONS
from tests.llm_server import row

NAMES = ("accepted", "corrected", "rejected", "disputed", "skipped", "stale", "unseen")


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Records, and reviews by two people that end in each state."""
    records = tmp_path / "records.jsonl"
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"a clip")
    labels = {"labels": {"emotion": "angry"}, "consistency": "inconsistent"}
    rows = [row(name, "en", **labels) | {"videos": [str(clip)], "audios": [str(clip)]} for name in NAMES]
    write_rows(records, rows)
    items = Items([records])
    with ReviewLog(tmp_path / "reviews", "anna") as anna, ReviewLog(tmp_path / "reviews", "bo") as bo:
        say(anna, items, "accepted", "accept")
        say(bo, items, "accepted", "accept")
        say(anna, items, "corrected", "correct", video_desc="一间厨房。", emotion="sad")
        say(bo, items, "rejected", "reject", "two people speak")
        say(anna, items, "disputed", "correct", emotion="happy")
        say(bo, items, "disputed", "correct", emotion="sad")
        say(anna, items, "skipped", "skip")
        say(anna, items, "stale", "correct", emotion="sad")
    rows[NAMES.index("stale")]["video_desc"] = "Another text since."
    write_rows(records, rows)
    return tmp_path


def say(log: ReviewLog, items: Items, name: str, decision: str, reason: str = "", **edits: str) -> None:
    after = {**items[name].values, **edits} if decision in ("accept", "correct") else {}
    log.save(f"save of {name}", items[name], 0, decision=decision, reason=reason, after=after)


def merge(world: Path, *more: str) -> tuple[int, Path]:
    output = world / "reviewed.jsonl"
    records, reviews = world / "records.jsonl", world / "reviews"
    return cli.main(["review", "merge", str(records), "--reviews", str(reviews), "-o", str(output), *more]), output


def rows_of(path: Path) -> dict[str, dict[str, Any]]:
    return {found["id"]: found for _, found in read_rows(path)}


def test_each_row_goes_where_its_verdict_says_and_is_counted(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, output = merge(world)
    assert status == 1
    lines = [line.rsplit(None, 1) for line in capsys.readouterr().out.splitlines()[:7]]
    expected = ["accepted", "corrected", "rejected", "disputed", "open", "stale", "not reviewed"]
    assert lines == [[name, "1"] for name in expected]
    found = rows_of(output)
    assert found.keys() == {"accepted", "corrected"}
    assert found["corrected"]["video_desc"] == "一间厨房。" and found["corrected"]["labels"] == {"emotion": "sad"}
    assert found["accepted"]["review"] == {"state": "accepted", "reviewers": 2}
    ((_, rejected),) = read_rows(world / "reviewed.rejected.jsonl")
    assert (rejected["row"]["id"], rejected["reason"]) == ("rejected", "rejected by reviewers")
    assert rejected["value"] == "two people speak"
    ((_, disputed),) = read_rows(world / "reviewed.disputed.jsonl")
    assert (disputed["id"], disputed["fields"]) == ("disputed", ["emotion"])
    assert sorted(one["values"]["emotion"] for one in disputed["reviews"]) == ["happy", "sad"]
    for path in world.glob("reviewed*"):
        assert "anna" not in path.read_text() and '"bo"' not in path.read_text()


def test_all_rows_that_nobody_decided_about_are_written_on_request(world: Path) -> None:
    _, output = merge(world, "--all")
    found = rows_of(output)
    assert found.keys() == set(NAMES) - {"rejected", "disputed"}
    assert found["stale"]["review"] == {"state": "stale", "reviewers": 0}, "a review of another text is never applied"
    assert found["stale"]["labels"] == {"emotion": "angry"}
    assert {found[name]["review"]["state"] for name in ("unseen", "skipped")} == {"not reviewed"}


def test_once_the_dispute_is_decided_and_nothing_is_stale_the_status_is_0(world: Path) -> None:
    items = Items([world / "records.jsonl"])
    with ReviewLog(world / "reviews", "cy", adjudicates=True) as judge:
        say(judge, items, "disputed", "correct", emotion="sad")
        say(judge, items, "stale", "accept")
    status, output = merge(world)
    assert status == 0
    assert rows_of(output)["disputed"]["review"] == {"state": "corrected", "reviewers": 1}
    assert not (world / "reviewed.disputed.jsonl").exists()


def test_a_file_that_is_there_stays(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (world / "reviewed.disputed.jsonl").write_text("mine\n")
    status, output = merge(world)
    assert status == 2
    assert "reviewed.disputed.jsonl: output: exists already" in capsys.readouterr().err
    assert not output.exists()


def test_what_was_reviewed_and_is_in_no_file_is_said(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = [found for _, found in read_rows(world / "records.jsonl") if found["id"] != "rejected"]
    write_rows(world / "records.jsonl", kept)
    merge(world)
    assert "of 1 that were reviewed there is no record in these files" in capsys.readouterr().out


@pytest.mark.usefixtures("plugin")
def test_the_file_is_taken_for_training_and_for_testing(world: Path) -> None:
    """Through ms-swift's own load_dataset, as `swift sft --dataset` takes it."""
    from swift.dataset import load_dataset

    _, output = merge(world)
    loaded = {found["id"]: found for found in load_dataset(str(output))[0]}
    assert loaded.keys() == {"accepted", "corrected"}
    assert "一间厨房。" in loaded["corrected"]["messages"][-1]["content"]
    assert [str(one.id) for one in read_test(output)] == ["accepted", "corrected"]


def test_drops_of_the_pipeline_come_back_where_people_accept_them(tmp_path: Path) -> None:
    drops = tmp_path / "dropped.jsonl"
    lines = [{"row": row(name, "en"), "reason": "speech differs", "value": 0.4, "limit": 0.3} for name in "ab"]
    write_rows(drops, lines)
    items = Items([drops])
    with ReviewLog(tmp_path / "reviews", "anna") as anna:
        say(anna, items, "a", "correct", speech_content="Fine.")
    write_merged([drops], tmp_path / "reviews", tmp_path / "out.jsonl", everything=True)
    assert rows_of(tmp_path / "out.jsonl").keys() == {"a"}
    text = (tmp_path / "out.jsonl").read_text()
    assert json.loads(text)["audio_desc"]["speech_content"] == "Fine."
    assert all(name in text for name in DIMENSIONS)


def test_a_folder_with_reviews_of_two_files_of_the_same_clips_keeps_them_apart(tmp_path: Path) -> None:
    for number, words in enumerate(("A kitchen.", "A bar.")):
        records = tmp_path / f"{number}.jsonl"
        write_rows(records, [row("a", "en") | {"video_desc": words}])
        items = Items([records])
        with ReviewLog(tmp_path / "reviews", "anna") as log:
            after = {**items["a"].values, "emotion": ("sad", "happy")[number]}
            log.save(f"save {number}", items["a"], number, decision="correct", reason="", after=after)
    for number, emotion in enumerate(("sad", "happy")):
        output = tmp_path / f"{number}.reviewed.jsonl"
        counts = write_merged([tmp_path / f"{number}.jsonl"], tmp_path / "reviews", output)
        assert (counts["corrected"], counts["stale"]) == (1, 0)
        assert rows_of(output)["a"]["labels"] == {"emotion": emotion}


def test_rows_with_a_key_of_a_drop_are_rows_all_the_same(tmp_path: Path) -> None:
    write_rows(tmp_path / "records.jsonl", [row(name, "en") | {"reason": "mine"} for name in "ab"])
    items = Items([tmp_path / "records.jsonl"])
    with ReviewLog(tmp_path / "reviews", "anna") as log:
        say(log, items, "a", "accept")
    assert merge(tmp_path, "--all")[0] == 0
    assert rows_of(tmp_path / "reviewed.jsonl").keys() == {"a", "b"}

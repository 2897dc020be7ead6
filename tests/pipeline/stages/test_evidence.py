"""pipeline/stages/evidence.py: what is written of a voice, held against its sound; what is marked and what dropped."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import soundfile
import yaml

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.media.prosody import NAMES
from swift_saber.pipeline.run import run as run_recipe
from swift_saber.pipeline.stage import Drop
from swift_saber.pipeline.stages import evidence
from swift_saber.pipeline.stages.evidence import NOT_HEARD, Evidence, notes
from swift_saber.sed.action_units import read_action_units
from tests.llm_server import record, row
from tests.media.voices import RATE, pulses
from tests.pipeline.world import snapshot

#: Outside of all that the bounds leave open: below 85 and above 255 Hz nobody of either sex is usual.
LOW, HIGH = 75.0, 320.0


def voiced(folder: Path, name: str, text: str, hertz: float = LOW, loudness: float = -20.0, **more: Any) -> Any:
    """A row with a sound of such a voice: a vowel, of which the hiss of a room is heard before and after."""
    path = folder / f"{name}.wav"
    sound = np.pad(pulses(hertz, 1.0, loudness), RATE // 4) + np.random.default_rng(0).normal(0, 1e-4, RATE * 3 // 2)
    soundfile.write(path, sound, RATE)
    return row(name, audios=[str(path)], **more) | json.loads(record(acoustic_feat=text))


def run(rows: list[dict[str, Any]], folder: Path, **settings: Any) -> list[Any]:
    stage = pickle.loads(pickle.dumps(Evidence(**settings)))
    return list(stage.run(rows, folder / "evidence", 0))


def values(found: Any) -> list[str]:
    return [claim["value"] for claim in found["evidence"]["claims"]]


def test_a_row_says_of_each_claim_whether_the_sound_bears_it_out(tmp_path: Path) -> None:
    told = voiced(tmp_path, "a", "The pitch is low. The voice is loud and trembling. A friendly tone.")
    (found,) = run([told], tmp_path)
    evidence = found.pop("evidence")
    assert found == told
    assert list(evidence["measured"]) == list(NAMES)
    assert evidence["measured"]["pitch"] == pytest.approx(LOW, rel=0.02)
    assert evidence["unsaid"].keys() == {name for name, value in evidence["measured"].items() if value is None}
    low, loud, trembling = evidence["claims"]
    assert (low["words"], low["property"], low["value"]) == ("pitch is low", "pitch", "agrees")
    assert (loud["value"], loud["reason"]) == ("undecided", "nothing to compare it with")
    assert (trembling["value"], trembling["reason"]) == ("undecided", "no property that is measured")
    assert {name: evidence[name] for name in ("agrees", "contradicts", "undecided", "unread")} == {
        "agrees": 1,
        "contradicts": 0,
        "undecided": 2,
        "unread": 1,
    }
    assert notes(tmp_path / "evidence") == ["1.00 agree of 1 decided of 3 claims (coverage 0.33), 1 clauses not read"]


def test_more_contradicted_things_than_allowed_drop_the_clip_and_without_a_limit_none_does(tmp_path: Path) -> None:
    told = voiced(tmp_path, "a", "A high pitch. The pitch is high.")  # one thing, said twice
    (marked,) = run([told], tmp_path)
    assert values(marked) == ["contradicts", "contradicts"]
    assert run([told], tmp_path, max_contradicted=1) == [marked]
    evidence = marked.pop("evidence")
    assert evidence["contradicts"] == 1
    assert run([told], tmp_path, max_contradicted=0) == [Drop(told, "voice contradicted", evidence, 0)]


def test_what_is_loud_is_said_by_clips_of_the_same_source_and_language(tmp_path: Path) -> None:
    """Each source has 51 clips, of which 50 are others: those of "near" are 15 dB louder."""
    text = "The voice is loud."
    levels = {"far": -48.0, "near": -33.0}
    rows = [
        voiced(tmp_path, f"{source}{number}", text, loudness=level + number * 0.4, source=source)
        for source, level in levels.items()
        for number in range(51)
    ]
    few = voiced(tmp_path, "zh", "声音很大。", loudness=-13.0, source="near", language="zh")
    found = run([*rows, few], tmp_path)
    # Of 50 others, 2/3 are quieter than number 34; and a third is than number 16, up to which it is contradicted.
    for at in (0, 51):
        assert [values(found[at + number]) for number in (10, 25, 40)] == [["contradicts"], ["undecided"], ["agrees"]]
    assert found[-1]["evidence"]["claims"][0]["reason"] == "nothing to compare it with"


def test_what_is_high_is_said_by_the_speakers_other_clips(tmp_path: Path) -> None:
    """A bass of 21 clips, 75 to 95 Hz: what is high for him is low for all."""
    rows = [
        voiced(tmp_path, f"{number}", "His voice is quick, loud.", 75 + number, -40 + number, speaker="bass")
        for number in range(21)
    ]
    found = run(rows, tmp_path)
    assert [found[number]["evidence"]["claims"][1]["value"] for number in (0, 20)] == ["contradicts", "agrees"]


def table(folder: Path, name: str, smile: int) -> None:
    """py-feat's table of ten frames in which lips are drawn up, or not."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.csv").write_text("\n".join(["frame,AU12", *(f"{n},{smile}" for n in range(10))]) + "\n")


def faced(rows: list[dict[str, Any]], folder: Path, **settings: Any) -> list[Any]:
    """What becomes of rows with the tables in folder/units."""
    stage = Evidence(action_units=str(folder / "units"), **settings)
    if (news := stage.news(folder / "evidence", rows)) is not None:
        stage.keep(folder / "evidence", news)
    return list(stage.run(rows, folder / "evidence", 0))


def test_a_face_is_held_against_its_table_apart_from_the_voice_and_drops_nothing(tmp_path: Path) -> None:
    told = {"facial_exp_desc": "She smiles. A face full of longing."}
    rows = [voiced(tmp_path, name, "The pitch is low.") | told for name in ("a", "b", "c")]
    rows[1]["videos"] = ["clips/of b.mp4"]
    table(tmp_path / "units", "a", 1)
    table(tmp_path / "units", "of b", 0)
    found = faced(rows, tmp_path, max_contradicted=0)
    plain = run(rows, tmp_path / "plain", max_contradicted=0)
    assert all("face" not in each["evidence"] for each in plain)
    faces = [each["evidence"].pop("face") for each in found]
    assert found == plain
    assert [face["claims"][0]["value"] for face in faces] == ["agrees", "contradicts", "undecided"]
    assert faces[2]["claims"][0]["reason"] == "no table"
    names = ("agrees", "contradicts", "undecided", "unread")
    assert [tuple(face[name] for name in names) for face in faces] == [(1, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1)]
    assert notes(tmp_path / "evidence")[1] == (
        "face: 0.50 agree of 2 decided of 3 claims (coverage 0.67), 3 clauses not read; "
        "of 1 of 3 clips no table says what a face does"
    )


def test_only_tables_that_say_something_else_are_news_and_what_is_read_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row(name, audios=[]) for name in ("a", "b")]
    stage, folder = Evidence(action_units=str(tmp_path / "units")), tmp_path / "evidence"
    for name in ("a", "b"):
        table(tmp_path / "units", name, 1)
    stage.keep(folder, stage.news(folder, rows) or [])
    before = [line for _, line in read_rows(folder / "action_units.jsonl")]
    assert stage.news(folder, rows) is None
    (tmp_path / "units").rename(tmp_path / "moved")
    moved = Evidence(action_units=str(tmp_path / "moved"))
    os.utime(tmp_path / "moved" / "a.csv", (1, 1))
    assert moved.news(folder, rows) is None
    read = Mock(side_effect=read_action_units)
    monkeypatch.setattr(evidence, "read_action_units", read)
    table(tmp_path / "moved", "a", 0)
    os.utime(tmp_path / "moved" / "a.csv", (2, 2))
    news = moved.news(folder, rows)
    assert news is not None and news[0]["units"] != before[0]["units"] and news[1] == before[1]
    read.assert_called_once_with(tmp_path / "moved" / "a.csv")
    assert Evidence().news(folder, rows) == [], "nothing is known of faces any more"
    with pytest.raises(InputError, match=r"units: folder: holds no \.csv"):
        stage.news(folder, rows)
    assert Evidence().news(tmp_path / "new", rows) is None


def test_a_table_of_a_name_that_a_dropped_clip_has_too_is_of_neither(tmp_path: Path) -> None:
    rows = [row(name, videos=[f"{name}/u.mp4"], audios=[]) for name in ("a", "b", "c")]
    table(tmp_path / "units", "u", 1)
    table(tmp_path / "units", "c", 1)
    (line, *_) = Evidence(action_units=str(tmp_path / "units")).news(tmp_path / "evidence", rows) or []
    assert line == {"id": "a", "unsaid": "a table of several clips' name"}


def test_a_sound_that_is_not_there_drops_nothing_and_leaves_all_unsaid(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF no sound at all")
    told = json.loads(record(acoustic_feat="The pitch is low."))
    rows = [
        row("missing", audios=[str(tmp_path / "gone.wav")]) | told,
        row("broken", audios=[str(tmp_path / "broken.wav")]) | told,
        row("nowhere", videos=[]) | told,
        voiced(tmp_path, "there", "The pitch is low."),
    ]
    found = run(rows, tmp_path, max_contradicted=0)
    assert [values(one) for one in found] == [["undecided"]] * 3 + [["agrees"]]
    for one in found[:3]:
        assert one["evidence"]["claims"][0]["reason"] == NOT_HEARD
        assert one["evidence"]["unsaid"] == dict.fromkeys(NAMES, NOT_HEARD)
    kept = [line for _, line in read_rows(tmp_path / "evidence" / "measured" / "00000.jsonl")]
    assert all(("problem" in line) == (line["id"].split()[0] != "there") for line in kept)


def test_nothing_is_measured_twice_unless_its_file_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [voiced(tmp_path, name, "The pitch is low.") for name in "abcd"]

    def stops() -> Iterator[dict[str, Any]]:
        yield from rows[:2]
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        list(Evidence().run(stops(), tmp_path / "evidence", 0))
    log = tmp_path / "evidence" / "measured" / "00000.jsonl"
    before = log.read_text()
    assert before.count("\n") == 2
    found = run(rows, tmp_path)
    assert log.read_text().startswith(before) and log.read_text().count("\n") == 4
    assert found == run(rows, tmp_path / "other")
    voiced(tmp_path, "b", "", HIGH)
    assert [values(one) for one in run(rows, tmp_path)] == [["agrees"], ["contradicts"], ["agrees"], ["agrees"]]
    assert log.read_text().count("\n") == 5
    assert not (tmp_path / "evidence" / "rows.jsonl").exists()


def test_no_rows_give_no_row(tmp_path: Path) -> None:
    assert run([], tmp_path) == []
    assert notes(tmp_path / "evidence") == []


def test_what_is_wrong_is_said_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"evidence\.max_contradicted.*at least 0"):
        Evidence(max_contradicted=-1)
    with pytest.raises(InputError, match="a: record: is missing; let the stage annotate run before"):
        run([{"id": "a", "videos": [], "audios": []}], tmp_path)


def recipe(folder: Path, **evidence: Any) -> Path:
    told = {"output": str(folder / "out"), "tasks": 2, "sources": [{"rows": str(folder.parent / "rows.jsonl")}]}
    folder.mkdir()
    (folder / "r.yaml").write_text(yaml.safe_dump(told | {"evidence": evidence}))
    return folder / "r.yaml"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Rows of 40 clips, whose pitches are all low, and every fourth of which says otherwise."""
    rows = [
        voiced(tmp_path, f"{number:02}", f"The pitch is {'low' if number % 4 else 'high'}.", LOW + number / 10)
        for number in range(40)
    ]
    write_rows(tmp_path / "rows.jsonl", rows)
    return tmp_path


def test_a_run_marks_and_drops_and_its_page_shows_numbers_and_claims(
    clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(clips / "run", max_contradicted=0)
    run_recipe(str(path))
    said = capsys.readouterr().err
    assert "evidence: 40 clips in, 30 kept, 10 dropped" in said
    assert "evidence: 0.75 agree of 40 decided of 40 claims (coverage 1.00), 0 clauses not read" in said
    page = (clips / "run" / "out" / "report.html").read_text(encoding="utf-8")
    assert "voice contradicted" in page and "measured.pitch" in page and "pitch is low" in page


def test_killed_while_it_measures_it_goes_on_and_measures_nothing_twice(clips: Path) -> None:
    paths = [recipe(clips / name) for name in ("whole", "killed")]
    run_recipe(str(paths[0]))
    log = clips / "killed" / "out" / "evidence" / "measured" / "00000.jsonl"
    command = [sys.executable, "-m", "swift_saber.cli", "pipeline", str(paths[1])]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not (log.exists() and log.stat().st_size) and process.poll() is None:
        assert time.monotonic() < end, "nothing was measured"
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    measured = log.read_text().splitlines()[:-1]
    run_recipe(str(paths[1]))
    assert log.read_text().splitlines()[: len(measured)] == measured
    ids = [line["id"] for _, line in read_rows(log)]
    assert len(ids) == len(set(ids)) == 40
    found, wanted = (snapshot(path.with_name("out")) for path in paths[::-1])
    assert {name: text for name, text in found.items() if "evidence" in name} == {
        name: text for name, text in wanted.items() if "evidence" in name
    }


def test_tables_that_come_go_or_change_between_two_runs_are_taken_and_others_do_nothing(
    clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = recipe(clips / "run")
    out = clips / "run" / "out"
    run_recipe(str(path))
    log = (out / "evidence" / "measured" / "00000.jsonl").read_bytes()
    capsys.readouterr()

    def told(units: str | None) -> list[dict[str, Any]]:
        """What rows say of faces after a further run."""
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"evidence": {"action_units": units}}))
        run_recipe(str(path))
        rows = [line for file in sorted((out / "evidence" / "kept").glob("*")) for _, line in read_rows(file)]
        return [line["evidence"].get("face") for line in sorted(rows, key=lambda line: str(line["id"]))]

    units = clips / "units"
    table(units, "00", 1)
    first = told(str(units))
    assert "face: " in capsys.readouterr().err and None not in first
    assert told(str(units)) == first and capsys.readouterr().err == "", "nothing is done again"
    table(units, "01", 1)
    assert told(str(units))[0] == first[0]
    assert "of 38 of 40 clips no table" in capsys.readouterr().err
    assert told(None) == [None] * 40
    assert (out / "evidence" / "measured" / "00000.jsonl").read_bytes() == log, "no sound is measured again"

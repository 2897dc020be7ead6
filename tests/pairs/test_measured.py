"""pairs/measured.py: candidates rated by what their clip's voice does, alone and beside a judge."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import soundfile

from swift_saber.cli.main import main
from swift_saber.data import measured as data_measured
from swift_saber.data.lookup import Records
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.media.pool import Lost
from swift_saber.models.reply import Unusable
from swift_saber.pairs.measured import Measured, scale_file, voices_log
from swift_saber.pairs.score import score
from swift_saber.sed.layout import render
from swift_saber.sed.record import Record
from swift_saber.sed.scale import SCALED, Scale
from tests.llm_server import FIELDS
from tests.llm_server import row as record_row
from tests.media.voices import RATE, pulses

from .judge_server import JudgeServer, reply

TURN = {"role": "user", "content": "How?"}


def says(voice: str) -> str:
    """An answer that says so of the voice."""
    return render(Record(**FIELDS["en"] | {"acoustic_feat": voice}), language="en")


def write_clips(folder: Path, texts: dict[str, list[str]], **hertz: float) -> Path:
    """Candidates to clips of vowels at such pitches."""
    for name, pitch in hertz.items():
        soundfile.write(folder / f"{name}.wav", pulses(pitch), RATE)
    rows = [
        {"id": name, "language": "en", "messages": [TURN], "audios": [str(folder / f"{name}.wav")]}
        | {"candidates": [{"text": says(text)} for text in said]}
        for name, said in texts.items()
    ]
    path = folder / "candidates.jsonl"
    write_rows(path, rows)
    return path


HIGH, LOW, FRIENDLY = "The pitch is high.", "The pitch is low.", "A friendly voice."


def rated(path: Path) -> dict[str, list[Any]]:
    """The score of evidence of each candidate, or its failure, by clip."""
    return {
        row["id"]: [one.get("failure") or one["scores"]["evidence_alignment"] for one in row["candidates"]]
        for _, row in read_rows(path)
    }


def test_what_agrees_with_the_sound_is_rated_above_what_contradicts_it(tmp_path: Path) -> None:
    """Of one claim the worth is 2/3 or 1/3, and so the score 1 + 4 * 2/3 or 1 + 4/3."""
    said = [HIGH, LOW, FRIENDLY]
    candidates = write_clips(tmp_path, {"high": said, "low": said, "gone": said}, high=320, low=80)
    report = score(candidates, tmp_path / "s.jsonl", Measured(candidates, tmp_path / "s.jsonl"))
    right, wrong, none, gone = 3.67, 2.33, "nothing to measure", "sound unreadable"
    assert rated(tmp_path / "s.jsonl") == {
        "high": [right, wrong, none],
        "low": [wrong, right, none],
        "gone": [gone] * 3,
    }
    assert report["failed"] == {gone: 3, none: 2}
    first = next(row for _, row in read_rows(tmp_path / "s.jsonl"))["candidates"][0]
    assert first["scores"].keys() == {"evidence_alignment"}  # nothing is said of what was not looked at
    assert first["measured"] == {"agrees": 1, "contradicts": 0, "undecided": 0}


def test_pairs_are_selected_from_what_is_measured_alone(tmp_path: Path) -> None:
    monotone = f"{HIGH} The voice is monotone, and there are no pauses."
    candidates = write_clips(tmp_path, {"high": [LOW, monotone]}, high=320)
    scored, pairs = tmp_path / "s.jsonl", tmp_path / "p.jsonl"
    assert main(["pairs", "score", str(candidates), str(scored), "--rules", "measured"]) == 0
    assert main(["pairs", "select", str(scored), str(pairs), "--inconsistent-share", "all"]) == 0
    [(_, pair)] = read_rows(pairs)
    assert pair["messages"][-1]["content"] == says(monotone) and pair["rejected_response"] == says(LOW)


def test_a_run_that_goes_on_rates_by_the_scale_of_before(tmp_path: Path) -> None:
    """Sixty clips at 100 to 218 Hz: by these, 200 Hz is high; by bounds it might be a woman's who speaks low."""
    output = tmp_path / "s.jsonl"
    sixty = {f"c{number}": [HIGH] for number in range(60)}
    hertz = {f"c{number}": 100.0 + 2 * number for number in range(60)}
    candidates = write_clips(tmp_path, sixty, **hertz)
    first = Measured(candidates, output)
    score(candidates, output, first)
    found = rated(output)
    assert found["c50"] == [3.67] and found["c5"] == [2.33]
    before = scale_file(output).read_bytes()
    # One more clip, above all others: what is high is not made anew by it.
    candidates = write_clips(tmp_path, sixty | {"more": [HIGH]}, **hertz, more=300)
    again = Measured(candidates, output)
    assert again.settings == first.settings and scale_file(output).read_bytes() == before
    assert score(candidates, output, again)["already_there"] == 60
    # Without it, the scores would be of two scales.
    scale_file(output).unlink()
    with pytest.raises(InputError, match="scoring: scored with"):
        score(candidates, output, Measured(candidates, output))


def test_what_was_measured_is_not_measured_again_unless_its_file_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, said = tmp_path / "s.jsonl", {"a": [HIGH], "b": [HIGH], "gone": [HIGH]}
    candidates = write_clips(tmp_path, said, a=320, b=80)
    score(candidates, output, Measured(candidates, output))
    found, log = output.read_bytes(), voices_log(output).read_bytes()
    output.unlink()
    with monkeypatch.context() as context:
        context.setattr(data_measured, "voices", Mock(side_effect=AssertionError("measured again")))
        score(candidates, output, Measured(candidates, output))
    assert output.read_bytes() == found and voices_log(output).read_bytes() == log
    soundfile.write(tmp_path / "gone.wav", pulses(320), RATE)
    output.unlink()
    score(candidates, output, Measured(candidates, output))
    assert rated(output) == {"a": [3.67], "b": [2.33], "gone": [3.67]}
    assert voices_log(output).read_bytes().startswith(log)
    assert [row["id"].split()[0] for _, row in read_rows(voices_log(output))] == ["a", "b", "gone", "gone"]


def test_what_was_measured_by_other_rules_is_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "s.jsonl"
    candidates = write_clips(tmp_path, {"a": [HIGH], "b": [HIGH]}, a=320, b=80)
    with monkeypatch.context() as context:
        context.setattr(data_measured, "RULES", data_measured.RULES - 1)
        score(candidates, output, Measured(candidates, output))
    output.unlink()
    score(candidates, output, Measured(candidates, output))
    assert [row["id"].split()[0] for _, row in read_rows(voices_log(output))] == ["a", "b", "a", "b"]


def test_what_was_not_read_in_time_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "s.jsonl"
    candidates = write_clips(tmp_path, {"a": [HIGH], "late": [HIGH], "c": [LOW]}, a=320, late=320, c=80)
    real = data_measured.voices

    def slow(rows: Any) -> Iterator[Any]:
        for (row, key), answer in real(rows):
            late = Lost("was not decoded within 1 seconds", "allow more time")
            yield (row, key), late if row["id"] == "late" else answer

    with monkeypatch.context() as context:
        context.setattr(data_measured, "voices", slow)
        score(candidates, output, Measured(candidates, output))
    assert rated(output) == {"a": [3.67], "late": ["sound unreadable"], "c": [3.67]}
    output.unlink()
    score(candidates, output, Measured(candidates, output))
    assert rated(output) == {"a": [3.67], "late": [3.67], "c": [3.67]}
    assert [row["id"].split()[0] for _, row in read_rows(voices_log(output))] == ["a", "c", "late"]


def test_a_scale_without_its_scores_is_made_anew(tmp_path: Path) -> None:
    """Sixty clips at 100 to 218 Hz: by these, 200 Hz is high; by those an octave above, low."""
    output = tmp_path / "s.jsonl"
    said = {f"c{number}": [HIGH] for number in range(60)}
    for octave, worth in ((1, 3.67), (2, 2.33)):
        hertz = {name: octave * (100.0 + 2 * number) for number, name in enumerate(said)}
        candidates = write_clips(tmp_path, said | {"one": [HIGH]}, **hertz, one=200)
        score(candidates, output, Measured(candidates, output))
        assert rated(output)["one"] == [worth]
        output.unlink()


def test_a_row_that_is_none_of_candidates_is_named_before_anything_is_measured(tmp_path: Path) -> None:
    candidates = write_clips(tmp_path, {"a": [HIGH], "b": [HIGH]}, a=320, b=80)
    rows = [row for _, row in read_rows(candidates)]
    write_rows(candidates, [rows[0], rows[1] | {"candidates": "high"}])
    with pytest.raises(InputError, match="jsonl:2: candidates: is "):
        Measured(candidates, tmp_path / "s.jsonl")
    assert not voices_log(tmp_path / "s.jsonl").exists()


@pytest.mark.parametrize("at", [1, 7])
def test_killed_beside_a_judge_it_goes_on_to_the_same_file(tmp_path: Path, at: int) -> None:
    """The server ends the run with signal 9 in the middle of the request of a number."""
    names = [f"c{number}" for number in range(10)]
    candidates = write_clips(
        tmp_path, {name: [HIGH, LOW] for name in names}, **{n: 80.0 + i for i, n in enumerate(names)}
    )
    write_rows(tmp_path / "records.jsonl", [record_row(name) for name in names])
    running: list[int] = []

    def rate(_: dict[str, Any]) -> str:
        if running and len(server.requests) >= at:
            os.kill(running.pop(), signal.SIGKILL)
        return reply(4, 2)

    with JudgeServer(rate) as server:
        told = [
            "--records",
            str(tmp_path / "records.jsonl"),
            "--judge",
            "j",
            "--base-url",
            server.address,
            "--measured",
        ]
        command = ["pairs", "score", str(candidates), str(tmp_path / "killed.jsonl"), *told, "--concurrency", "1"]
        with subprocess.Popen(
            [sys.executable, "-m", "swift_saber.cli", *command], stderr=subprocess.DEVNULL
        ) as process:
            running.append(process.pid)
        assert process.returncode == -signal.SIGKILL
        log = voices_log(tmp_path / "killed.jsonl").read_bytes()
        assert main(command) == 0
        assert main(["pairs", "score", str(candidates), str(tmp_path / "whole.jsonl"), *told]) == 0
    assert (tmp_path / "killed.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    assert voices_log(tmp_path / "killed.jsonl").read_bytes() == log and log.count(b"\n") == 10


def test_killed_while_it_measures_it_goes_on_with_what_is_measured(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(60)]
    candidates = write_clips(tmp_path, {name: [HIGH] for name in names}, **{n: 80.0 + i for i, n in enumerate(names)})
    output = tmp_path / "s.jsonl"
    command = ["pairs", "score", str(candidates), str(output), "--rules", "measured"]
    process = subprocess.Popen([sys.executable, "-m", "swift_saber.cli", *command], stderr=subprocess.DEVNULL)
    while not (voices_log(output).exists() and voices_log(output).stat().st_size) and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not scale_file(output).exists()
    before = voices_log(output).read_text().splitlines()[:-1]
    assert main(command) == 0
    assert main([*command[:3], str(tmp_path / "whole.jsonl"), *command[4:]]) == 0
    assert output.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    lines = voices_log(output).read_text().splitlines()
    assert lines[: len(before)] == before and len(lines) == 60


def test_speakers_are_those_of_the_rows_and_else_of_the_records(tmp_path: Path) -> None:
    """Twenty-one clips, from twenty on of which a speaker has a scale of their own."""
    names = [f"c{number}" for number in range(21)]
    candidates = write_clips(tmp_path, {name: [HIGH] for name in names}, **{n: 80 + i for i, n in enumerate(names)})
    rows = [row for _, row in read_rows(candidates)]
    write_rows(candidates, [row | {"speaker": "he"} for row in rows])
    Measured(candidates, tmp_path / "s.jsonl")
    found = json.loads(scale_file(tmp_path / "s.jsonl").read_text())["speakers"]
    assert found.keys() == {"he"} and found["he"].keys() <= {*SCALED}
    write_rows(candidates, rows)
    write_rows(tmp_path / "records.jsonl", [record_row(name, speaker="she") for name in names])
    with Records(tmp_path / "records.jsonl") as records:
        Measured(candidates, tmp_path / "t.jsonl", records)
    assert json.loads(scale_file(tmp_path / "t.jsonl").read_text())["speakers"].keys() == {"she"}


def test_a_candidate_without_a_claim_that_is_decided_has_no_number(tmp_path: Path) -> None:
    candidates = write_clips(tmp_path, {"high": [FRIENDLY]}, high=320)
    row = next(row for _, row in read_rows(candidates))
    scorer = Measured(candidates, tmp_path / "s.jsonl")
    with pytest.raises(Unusable, match="nothing that it says"):
        scorer(row, says(FRIENDLY))
    with pytest.raises(Unusable):
        scorer(row, "prose that is no answer")
    with pytest.raises(InputError, match="not one could be scored .nothing to measure: 1."):
        score(candidates, tmp_path / "s.jsonl", scorer)


def test_many_that_say_nothing_do_not_end_a_run(tmp_path: Path) -> None:
    candidates = write_clips(tmp_path, {"high": [f"{FRIENDLY} {n}" for n in range(60)], "low": [LOW]}, high=320, low=80)
    report = score(candidates, tmp_path / "s.jsonl", Measured(candidates, tmp_path / "s.jsonl"))
    assert report["scored"] == 1 and report["failed"] == {"nothing to measure": 60}


def test_beside_a_judge_the_scores_are_the_judges(tmp_path: Path) -> None:
    candidates, output = write_clips(tmp_path, {"high": [HIGH, LOW]}, high=320), tmp_path / "s.jsonl"
    records = tmp_path / "records.jsonl"
    write_rows(records, [record_row("high")])
    command = ["pairs", "score", str(candidates), str(output), "--records", str(records), "--judge", "j"]
    with JudgeServer(lambda _: reply(4, 2)) as server:
        assert main([*command, "--base-url", server.address, "--measured"]) == 0
    [(_, row)] = read_rows(output)
    scores = {"logical_consistency": 4, "evidence_alignment": 2}
    assert [one["scores"] for one in row["candidates"]] == [scores, scores]
    assert [one["measured"]["agrees"] for one in row["candidates"]] == [1, 0]
    assert row["scoring"]["by"] == "j" and row["scoring"]["measured"]


def test_a_scale_that_is_none_is_refused(tmp_path: Path) -> None:
    candidates = write_clips(tmp_path, {"high": [HIGH]}, high=320)
    score(candidates, tmp_path / "s.jsonl", Measured(candidates, tmp_path / "s.jsonl"))
    scale_file(tmp_path / "s.jsonl").write_text("{}")
    with pytest.raises(InputError, match="is no scale"):
        Measured(candidates, tmp_path / "s.jsonl")
    Scale().save(scale_file(tmp_path / "s.jsonl"))
    Measured(candidates, tmp_path / "s.jsonl")


def test_the_column_is_for_judges_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    candidates = write_clips(tmp_path, {"high": [HIGH]}, high=320)
    command = ["pairs", "score", str(candidates), str(tmp_path / "s.jsonl"), "--rules", "mini", "--measured"]
    assert main(command) == 2
    assert "--measured: stands beside a judge" in capsys.readouterr().err

"""`swift-saber analyze PATHS -o out`: from files, folders and rows to answers, a table and a page, here or by a server.

The model is a stand-in, of a process or behind real HTTP; tests/engine and test_run.py have real ones.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from swift_saber.cli.main import main
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.models.forms import FORMS
from swift_saber.sed.layout import INSTRUCTIONS
from tests.inference import fake_model
from tests.llm_server import Asked, LLMServer, Reply, fails, say
from tests.media_faults import encode, frames, sound

ZH, EN = INSTRUCTIONS["zh"], INSTRUCTIONS["en"]


@pytest.fixture(scope="module")
def masters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clip of each sort, to be copied: with sound, without, silent, of sound alone under a video's name."""
    folder = tmp_path_factory.mktemp("masters")
    encode(folder / "voice.mp4", frames(), sound())
    encode(folder / "mute.mp4", frames())
    encode(folder / "silent.mp4", frames(), np.zeros(16000))
    soundfile.write(folder / "voice.wav", sound(), 16000)
    soundfile.write(folder / "silent.wav", np.zeros(16000), 16000)
    (folder / "broken.mp4").write_bytes(b"no video here")
    return folder


class Desk:
    """A folder of clips, a folder for the results, and the command between them."""

    def __init__(self, folder: Path, masters: Path, model: Path) -> None:
        self.clips, self.out, self._masters, self.model = folder / "clips", folder / "out", masters, model

    def put(self, name: str, master: str) -> Path:
        path = self.clips / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._masters / master, path)
        return path

    def analyze(self, *arguments: str, paths: list[str] | None = None) -> int:
        own = [] if "--base-url" in arguments else ["--model", str(self.model)]
        return main(["analyze", *(paths or [str(self.clips)]), "-o", str(self.out), *own, *arguments])

    def rows(self, name: str = "answers.jsonl") -> dict[str, dict[str, Any]]:
        path = self.out / name
        return {row["id"]: row for _, row in read_rows(path)} if path.exists() else {}

    def asked(self) -> list[str]:
        """What the stand-in was asked: the texts of a batch a line."""
        return (self.model / "asked.txt").read_text().splitlines()

    def instructions(self) -> set[str]:
        return {row["messages"][0]["content"] for row in self.rows().values()}


@pytest.fixture
def desk(tmp_path: Path, masters: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("swift_saber.models.process.serve", fake_model.serve)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return Desk(tmp_path, masters, model)


def test_a_folder_becomes_answers_records_a_table_and_a_page(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.put("a.mp4", "voice.mp4")
    desk.put("day 1/采访.mov", "mute.mp4")
    desk.put("day 1/deep/b.mp4", "silent.mp4")
    desk.put("song.wav", "voice.wav")
    desk.put("broken.mp4", "broken.mp4")
    (desk.clips / "notes.txt").write_text("not a clip")
    (desk.clips / ".hidden.mp4").write_bytes(b"of a file system")
    assert desk.analyze("--language", "en") == 1
    media = {name: (row["videos"], row["audios"] or []) for name, row in desk.rows().items()}
    a, film, b, song = (str(desk.clips / name) for name in ("a.mp4", "day 1/采访.mov", "day 1/deep/b.mp4", "song.wav"))
    assert media == {
        "clips/a.mp4": ([a], [a]),
        "clips/day 1/采访.mov": ([film], []),
        "clips/day 1/deep/b.mp4": ([b], []),
        "clips/song.wav": ([], [song]),
    }
    assert desk.instructions() == {EN}
    (reject,) = desk.rows("answers.rejects.jsonl").values()
    assert reject["id"] == "clips/broken.mp4" and "holds text, not a video" in reject["reason"]
    assert desk.rows("answers.saber.jsonl").keys() == desk.rows().keys()
    table = (desk.out / "table.csv").read_text(encoding="utf-8-sig")
    assert all(name in table for name in (*desk.rows(), "clips/broken.mp4"))
    assert "采访.mov" in (desk.out / "report.html").read_text(encoding="utf-8")
    assert not (desk.out / "table.xlsx").exists()
    said = capsys.readouterr().err
    assert "5 clips" in said and "1 file is none by its name and left out (.txt)" in said


def test_a_sound_file_of_the_same_name_is_the_clips_sound(desk: Desk) -> None:
    a, wav = desk.put("a.mp4", "voice.mp4"), desk.put("a.wav", "voice.wav")
    muted, _ = desk.put("b.mp4", "voice.mp4"), desk.put("b.wav", "silent.wav")  # which says that nothing is to be heard
    desk.put("other/a.mp4", "mute.mp4")  # whose folder holds no sound
    camera, recorder = desk.put("C.MP4", "mute.mp4"), desk.put("C.WAV", "voice.wav")
    assert desk.analyze() == 0
    media = {name: (row["videos"], row["audios"] or []) for name, row in desk.rows().items()}
    assert media == {
        "clips/a.mp4": ([str(a)], [str(wav)]),
        "clips/b.mp4": ([str(muted)], []),
        "clips/other/a.mp4": ([str(desk.clips / "other/a.mp4")], []),
        "clips/C.MP4": ([str(camera)], [str(recorder)]),
    }


def test_files_and_rows_may_be_named_beside_folders(desk: Desk, tmp_path: Path) -> None:
    one, film = desk.put("one.mp4", "mute.mp4"), desk.put("two/one.mp4", "mute.mp4")
    named = desk.put("named.clip", "voice.mp4")  # by what it holds, whatever its ending
    rows = tmp_path / "rows.jsonl"
    question = [{"role": "user", "content": "<video>Who is it?"}]
    given = [
        {"id": "own", "videos": [str(one)], "messages": question},
        {"id": "zh", "videos": [str(one)], "language": "zh"},
    ]
    write_rows(rows, [*given, {"id": "plain", "videos": [str(one)]}])
    with rows.open("a") as file:
        file.write("{broken\n")
    paths = [str(rows), str(one), str(film), str(named), str(desk.clips / "two"), str(one)]
    assert desk.analyze("--language", "en", paths=paths) == 1
    said = {name: row["messages"][0]["content"] for name, row in desk.rows().items()}
    # Two files of one name; the second is in a folder that is named, too.
    assert said == {"own": "<video>Who is it?", "zh": ZH, "plain": EN, "one.mp4": EN, str(film): EN, "named.clip": EN}
    (reject,) = desk.rows("answers.rejects.jsonl").values()
    assert "is not JSON" in reject["reason"]


def test_a_folder_may_change_between_two_runs(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """Clips are added, go, and are mended; what is answered stays, and nothing is asked twice."""
    for name, master in (
        ("b.mp4", "mute.mp4"),
        ("c.mp4", "mute.mp4"),
        ("d.mp4", "broken.mp4"),
        ("e.mp4", "broken.mp4"),
    ):
        desk.put(name, master)
    assert desk.analyze() == 1
    assert desk.rows("answers.rejects.jsonl").keys() == {"clips/d.mp4", "clips/e.mp4"}
    before = (desk.out / "answers.jsonl").read_bytes()
    capsys.readouterr()
    desk.put("a.mp4", "mute.mp4")
    desk.put("d.mp4", "voice.mp4")
    for name in ("c.mp4", "e.mp4"):
        (desk.clips / name).unlink()
    assert desk.analyze() == 0
    after = (desk.out / "answers.jsonl").read_bytes()
    assert after.startswith(before)
    assert sorted(desk.rows()) == ["clips/a.mp4", "clips/b.mp4", "clips/c.mp4", "clips/d.mp4"]
    # The one that could not be read and is gone is no reject for ever.
    assert desk.rows("questions.jsonl").keys() == desk.rows().keys() and not desk.rows("answers.rejects.jsonl")
    assert "1 answered, 2 to ask (1 new); 1 not there now, with the answer kept" in capsys.readouterr().err
    assert desk.asked().count("load 0") == 2
    # There is nothing to do, so no model is loaded; the table and the page are made again.
    (desk.out / "table.csv").unlink()
    assert desk.analyze() == 0
    assert desk.asked().count("load 0") == 2 and (desk.out / "table.csv").exists()


def test_results_in_another_language_or_of_another_sound_are_not_mixed(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.put("a.mp4", "voice.mp4")
    assert desk.analyze("--language", "zh") == 0
    desk.put("b.mp4", "mute.mp4")
    before = {path.name: path.read_bytes() for path in desk.out.iterdir()}
    assert desk.analyze("--language", "en") == 2
    assert "--language: 1 clip was asked in other words, e.g. clips/a.mp4" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in desk.out.iterdir()} == before
    assert desk.analyze() == 0  # as it was begun, though the system speaks English
    assert desk.instructions() == {ZH}
    desk.put("a.wav", "voice.wav")
    assert desk.analyze() == 2
    assert "clips/a.mp4 was answered without the sound in" in capsys.readouterr().err


def test_what_a_model_was_trained_with_goes_before_the_language_of_the_system(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    desk.put("a.mp4", "mute.mp4")
    (desk.model / "args.json").write_text(json.dumps({"instructions": ["Wie klingt es?"]}))
    assert desk.analyze() == 0
    assert desk.instructions() == {"Wie klingt es?"}
    said = capsys.readouterr().err
    assert "swift-saber: asked in the words that the model was trained with, 'Wie klingt es?'\n" in said
    assert "and the model was trained with" not in said  # which says that other words were used


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gone", "-o", "out"], "gone: path: is not there"),
        (["empty", "-o", "out"], "empty: folder: holds no clip"),
        (["empty"], "-o: is missing"),
        (["a.mp4", "b.mp4"], "-o: is missing"),
        (["a.mp4", "--xlsx"], "--xlsx: is a file of the results; add -o FOLDER"),
        (["a.mp4", "--json", "-o", "out"], "--json: is for one clip"),
        (["out/questions.jsonl", "-o", "out"], "questions.jsonl: path: is where this run keeps its questions"),
        (["a.mp4", "-o", "out"], "questions.jsonl: file: is not a file that analyze wrote"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    desk: Desk, masters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("a.mp4", "b.mp4"):
        shutil.copyfile(masters / "mute.mp4", tmp_path / name)
    if "questions" in said:
        write_rows(tmp_path / "out" / "questions.jsonl", [{"id": "a", "videos": ["a.mp4"]}])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert main(["analyze", *arguments, "--model", str(desk.model)]) == 2
    assert said in capsys.readouterr().err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_spreadsheet_is_written_where_it_is_asked_for(desk: Desk) -> None:
    desk.put("a.mp4", "mute.mp4")
    assert desk.analyze("--xlsx") == 0
    assert (desk.out / "table.xlsx").read_bytes().startswith(b"PK")


def test_further_arguments_reach_the_model(desk: Desk) -> None:
    desk.put("a.mp4", "mute.mp4")
    assert desk.analyze("--", "--max_batch_size", "3", "--top_k", "5") == 0
    settings = json.loads((desk.out / "answers.settings.json").read_text())
    assert settings["arguments"]["top_k"] == "5"


def test_the_folder_of_the_results_is_not_searched(desk: Desk) -> None:
    desk.put("a.mp4", "mute.mp4")
    desk.out = desk.clips / "results"
    desk.put("results/copy.mp4", "mute.mp4")
    assert desk.analyze() == 0
    assert desk.rows().keys() == {"clips/a.mp4"}


def test_a_name_that_is_no_text_costs_its_clip_alone(desk: Desk) -> None:
    desk.put("a.mp4", "mute.mp4")
    shutil.copyfile(desk.clips / "a.mp4", os.fsencode(desk.clips) + b"/\xff.mp4")
    assert desk.analyze() == 1
    assert desk.rows().keys() == {"clips/a.mp4"}
    assert len(desk.rows("answers.rejects.jsonl")) == 1


# Behind an address.


def served(script: Callable[[Asked], Reply]) -> LLMServer:
    return LLMServer(script)


def test_a_server_is_asked_with_the_clip_and_its_sound(desk: Desk) -> None:
    desk.put("a.mp4", "voice.mp4")
    desk.put("b.mp4", "mute.mp4")
    with served(lambda asked: say("### Voice\nlow", finish="length" if len(asked.media) == 1 else "stop")) as server:
        arguments = ("--base-url", server.url, "--model", "saber", "--language", "en", "--max-new-tokens", "77")
        assert desk.analyze(*arguments) == 0
        assert desk.analyze(*arguments) == 0  # and nothing is asked again
    assert len(server.asked) == 2
    bodies = sorted((asked.body for asked in server.asked), key=lambda body: len(json.dumps(body)))
    assert all((body["model"], body["temperature"], body["max_tokens"]) == ("saber", 0, 77) for body in bodies)
    kinds = sorted([kind for kind, _ in asked.media] for asked in server.asked)
    assert kinds == [["video_url"], ["video_url", "audio_url"]]
    assert all(asked.text == EN for asked in server.asked)
    rows = desk.rows()
    assert [(name, row["response"], row.get("cut", False)) for name, row in sorted(rows.items())] == [
        ("clips/a.mp4", "### Voice\nlow", False),
        ("clips/b.mp4", "### Voice\nlow", True),
    ]
    assert desk.rows("answers.saber.jsonl")["clips/a.mp4"]["fields"] == {"acoustic_feat": "low"}
    assert (desk.out / "table.csv").exists() and (desk.out / "report.html").exists()


def test_killed_on_the_way_a_reply_that_came_is_not_asked_for_again(desk: Desk) -> None:
    """kill -9 twice: no more is lost than the requests that were under way."""
    names = [f"clips/{number}.mp4" for number in range(8)]
    for name in names:
        desk.put(name.removeprefix("clips/"), "mute.mp4")
    # The first one asked is answered last: an answer does not wait for those that were asked before it.
    with served(lambda _: say("yes", delay=3.0 if len(server.asked) == 1 else 0.2)) as server:
        command = [sys.executable, "-m", "swift_saber.cli", "analyze", str(desk.clips), "-o", str(desk.out)]
        command += ["--base-url", server.url, "--model", "m", "--concurrency", "2"]
        for enough in (1, 3):
            run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            deadline = time.monotonic() + 120
            while len(lines(desk.out / "answers.jsonl")) < enough and time.monotonic() < deadline:
                time.sleep(0.02)
            run.kill()
            assert run.wait() == -signal.SIGKILL, run.communicate()[1]
            assert enough <= len(lines(desk.out / "answers.jsonl")) < 8
            if enough == 1:  # later the server is still at what a killed run asked for
                assert server.most == 2
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert sorted(desk.rows()) == names
    assert len(server.asked) <= 8 + 2 * 2
    assert (desk.out / "table.csv").exists() and (desk.out / "report.html").exists()


def lines(path: Path) -> list[str]:
    """The whole lines of a file that may be being written."""
    return path.read_text().split("\n")[:-1] if path.exists() else []


def test_a_clip_that_the_server_refuses_is_a_reject_and_one_without_a_reply_is_asked_again_by_the_next_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Sound alone travels as audio, which tells the clips apart.
    desk.put("a.mp4", "mute.mp4")
    desk.put("b.wav", "voice.wav")
    desk.put("c.mp4", "voice.mp4")
    well = False

    def script(asked: Asked) -> Reply:
        kinds = [kind for kind, _ in asked.media]
        if kinds == ["audio_url"]:
            return fails(400, "too long")
        if kinds == ["video_url", "audio_url"] and not well:
            return fails(503, "busy", retry_after_ms="1")
        return say("yes")

    with served(script) as server:
        arguments = ("--base-url", server.url, "--model", "m", "--concurrency", "1")
        assert desk.analyze(*arguments) == 1
        assert desk.rows().keys() == {"clips/a.mp4"}
        reasons = {name: row["reason"] for name, row in desk.rows("answers.rejects.jsonl").items()}
        assert "400: too long" in reasons["clips/b.wav"] and "503: busy" in reasons["clips/c.mp4"]
        well, before = True, len(server.asked)
        assert desk.analyze(*arguments) == 1
        assert len(server.asked) == before + 1
    assert desk.rows().keys() == {"clips/a.mp4", "clips/c.mp4"}
    assert desk.rows("answers.rejects.jsonl").keys() == {"clips/b.wav"}


def test_a_server_that_takes_no_clip_or_no_key_ends_the_run(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(8):
        desk.put(f"{number}.mp4", "mute.mp4")
    # No clip is asked about twice, but in the forms in which it may travel.
    barren = "of 5 rows in succession could be answered"
    for status, text, most in ((401, "401: no such key", 2), (400, barren, 8 + len(FORMS))):
        shutil.rmtree(desk.out, ignore_errors=True)
        with served(lambda _, status=status: fails(status, "no such key")) as server:  # type: ignore[misc]
            assert desk.analyze("--base-url", server.url, "--model", "m", "--concurrency", "1") == 2
        assert text in capsys.readouterr().err
        assert len(server.asked) <= most
        assert not desk.rows() and not desk.rows("answers.rejects.jsonl")


def test_arguments_of_a_model_here_are_refused_for_a_server(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.put("a.mp4", "mute.mp4")
    arguments = ("--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    assert desk.analyze(*arguments, "--", "--max_batch_size", "3") == 2
    assert "are for a model that runs here" in capsys.readouterr().err
    assert desk.analyze("--concurrency", "3") == 2
    assert "--concurrency: is for a server" in capsys.readouterr().err


def test_a_run_that_asked_a_server_is_not_gone_on_with_by_a_model_here(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.put("a.mp4", "mute.mp4")
    with served(lambda _: say("yes")) as server:
        address = ("--base-url", server.url, "--model", "m")
        assert desk.analyze(*address) == 0
        capsys.readouterr()
        assert desk.analyze() == 2
        error = capsys.readouterr().err
        assert "has answers of a server, and now a model here is to answer; name another result file" in error
        shutil.rmtree(desk.out)
        assert desk.analyze("--language", "en") == 0
        capsys.readouterr()
        assert desk.analyze(*address, "--language", "en") == 2
    assert "has answers of a model here, and now a server is to answer" in capsys.readouterr().err

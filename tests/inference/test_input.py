"""`swift-saber infer` from file to file: which files are read, what is heard, and what a run goes on with."""

import json
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from swift_saber.cli import main as cli
from swift_saber.data.check import check_rows
from swift_saber.data.rows import MAX_ROW_BYTES, read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.inference import questions
from swift_saber.inference.run import _drawn, infer
from swift_saber.inference.work import OTHERS
from swift_saber.pairs.questions import read_questions
from tests.inference import fake_model
from tests.media_faults import encode, frames, sound
from tests.plugin.test_dataset import ENGLISH

USER = {"role": "user", "content": "media"}
ANSWER = {"role": "assistant", "content": "Joy."}
# What settings files of earlier versions do not say.
LATER = {"sound", "further_values", "files", "relative_to"}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with voice.mp4, which has sound, and mute.mp4, which has none."""
    folder = tmp_path_factory.mktemp("clips")
    encode(folder / "voice.mp4", frames(), sound())
    encode(folder / "mute.mp4", frames())
    Image.new("RGB", (8, 8)).save(folder / "face.png")
    return folder


class Run:
    """Runs over rows with a stand-in for the model, which says the paths that it was asked with."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.model, self.result = folder, str(model), folder / "out.jsonl"

    def go(self, *rows: Any, sound: bool = True) -> int:
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (self.folder / "in.jsonl").write_text(lines)
        return infer(self.model, str(self.folder / "in.jsonl"), str(self.result), sound=sound)

    def rows(self, name: str = "out.jsonl") -> dict[str, dict[str, Any]]:
        path = self.folder / name
        return {row["id"]: row for _, row in read_rows(path)} if path.exists() else {}

    def asked(self) -> dict[str, Any]:
        return {name: json.loads(row["response"]) for name, row in self.rows().items()}


@pytest.fixture
def run(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("swift_saber.models.process.serve", fake_model.serve)
    return Run(tmp_path, model)


def question(name: str, *videos: Any, content: Any = "media", **columns: Any) -> dict[str, Any]:
    row = {"id": name, "messages": [{"role": "user", "content": content}], **columns}
    return {**row, "videos": [str(video) for video in videos]} if videos else row


def part(kind: str, path: Any) -> list[dict[str, Any]]:
    return [{"type": kind, kind: {"url": str(path)}}, {"type": "text", "text": "media"}]


def test_the_file_that_is_checked_is_the_file_that_is_asked_about(
    run: Run, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the same name lies in the current folder, where ms-swift would look first."""
    here = run.folder / "here"
    here.mkdir()
    (here / "voice.mp4").write_bytes((clips / "mute.mp4").read_bytes())
    monkeypatch.chdir(here)
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(clips))
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(clips))
    row = question("a", "voice.mp4", audios=[])
    assert run.go(row) == 0
    assert run.asked() == {"a": [[str(clips / "voice.mp4")], []]}
    answer = {"role": "assistant", "content": run.rows()["a"]["response"]}
    assert run.rows()["a"]["videos"] == ["voice.mp4"]
    assert run.rows()["a"]["messages"] == [*row["messages"], answer]


def test_the_root_and_the_check_hold_wherever_a_clip_stands(
    run: Run, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, broken = run.folder / "outside.mp4", clips / "broken.png"
    outside.write_bytes((clips / "voice.mp4").read_bytes())
    outside.with_suffix(".png").write_bytes((clips / "face.png").read_bytes())
    broken.write_bytes((clips / "face.png").read_bytes()[:40])
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(clips))
    seen, picture = question("seen", clips / "mute.mp4"), outside.with_suffix(".png")
    assert (
        run.go(
            seen,
            question("video", content=part("video", outside)),
            question("video_url", content=part("video_url", outside)),
            question("audio", clips / "mute.mp4", content=part("audio", outside)),
            question("image", clips / "mute.mp4", content=part("image", picture)),
            question("img", clips / "mute.mp4", content=f"<img>{picture}</img>media"),
            question("broken", clips / "mute.mp4", content=f"<img>{broken}</img>media"),
            question("whole", clips / "mute.mp4", content=part("image_url", clips / "face.png")),
            question("inside", content=part("video_url", clips / "mute.mp4")),
        )
        == 1
    )
    assert run.rows().keys() == {"seen", "whole", "inside"}
    reasons = {name: row["reason"] for name, row in run.rows("out.rejects.jsonl").items()}
    assert "is not a readable picture" in reasons.pop("broken")
    assert reasons.keys() == {"video", "video_url", "audio", "image", "img"}
    assert all(f"lies outside the allowed folder {clips}" in reason for reason in reasons.values())


def test_the_sound_inside_a_video_is_heard_and_said_to_be_once(
    run: Run, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    voice, mute = str(clips / "voice.mp4"), str(clips / "mute.mp4")
    rows = (
        question("a", voice),
        question("b", voice, audios=None),
        question("c", voice, audios=[]),
        question("d", mute),
        question("e", mute, voice),
        question("f", content=part("video", voice)),
        question("g", mute, content="<video><audio>media"),
    )
    assert run.go(*rows) == 1
    heard = [[voice], [voice]]
    whole = {"a": heard, "b": heard, "c": [[voice], []], "d": [[mute], []], "e": [[mute, voice], [voice]], "f": heard}
    assert run.asked() == whole
    assert run.rows("out.rejects.jsonl")["g"]["reason"] == "messages: 1 times <audio> for 0 audios"
    audios = {name: row["audios"] for name, row in run.rows().items()}
    assert audios == {"a": [voice], "b": [voice], "c": [], "d": None, "e": [voice], "f": [voice]}
    said = capsys.readouterr().err
    assert said.count("names no sound, so that inside its video is taken") == 1
    assert "in.jsonl:1 names no sound" in said and '"audios": [] is none, --no-sound for all' in said
    # All is there: the same command finds the same questions, whether they have sound or not.
    assert run.go(*rows) == 1
    assert run.asked() == whole


def test_no_sound_leaves_it_out_and_the_settings_say_so(run: Run, clips: Path) -> None:
    voice = str(clips / "voice.mp4")
    write_rows(run.folder / "in.jsonl", [question("a", voice), question("b", voice, audios=[voice])])
    command = ["infer", run.model, str(run.folder / "in.jsonl"), str(run.result), "0", "--max_new_tokens", "8"]
    before = dict(os.environ)
    assert cli.main([*command, "--no-sound"]) == 0
    assert dict(os.environ) == before
    assert run.asked() == {"a": [[voice], []], "b": [[voice], [voice]]}
    settings = json.loads((run.folder / "out.settings.json").read_text())
    assert (settings["sound"], settings["arguments"]["max_new_tokens"]) == ("given", "8")
    assert cli.main(["infer", *command[1:5], "--no-sound", "--max_new_tokens", "8"]) == 0
    with pytest.raises(InputError, match="with sound given; now it is sound inside"):
        infer(*command[1:4], "0", command[5:])


def test_a_wrong_word_is_the_fault_of_no_row(run: Run, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABER_SOUND", "off")
    said = "environment: SABER_SOUND: is 'off'; use one of inside, given"
    with pytest.raises(InputError, match=said):
        run.go(question("a", clips / "mute.mp4"))
    assert not run.rows("out.rejects.jsonl")
    with pytest.raises(InputError, match=said):
        list(check_rows(run.folder / "in.jsonl", workers=1, limit=60, root=None))
    with pytest.raises(InputError, match=said):
        read_questions(run.folder / "in.jsonl")


def as_before(run: Run, *rows: dict[str, Any]) -> None:
    """Write what a run of an earlier version left: paths and turns as written, no sound where none was named."""
    run.go(question("other", *rows[0]["videos"], audios=[]))
    settings = json.loads((run.folder / "out.settings.json").read_text())
    write_rows(run.folder / "out.settings.json", [{key: settings[key] for key in settings.keys() - LATER}])
    results = []
    for row in rows:
        answer = {"role": "assistant", "content": "sad"}
        media = {key: row.get(key) or [] for key in ("videos", "audios")}
        columns = {**row, **media, "language": None, "channel": None, "messages": [*row["messages"], answer]}
        results.append({"response": "sad", "labels": None, "logprobs": None, **columns})
    write_rows(run.result, results)


def test_a_run_that_an_earlier_version_began_goes_on_with_the_same_files(
    run: Run, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(clips))
    turn = question("parts", content=part("video_url", "mute.mp4"), audios=[])
    old = (question("a", "mute.mp4"), question("b", "voice.mp4", audios=["voice.mp4"]), turn)
    as_before(run, *old)
    assert run.go(*old, question("new", "mute.mp4")) == 0
    assert {name: row["response"] for name, row in run.rows().items() if row["response"] == "sad"}.keys() == {
        row["id"] for row in old
    }
    assert json.loads(run.rows()["new"]["response"]) == [[str(clips / "mute.mp4")], []]
    with pytest.raises(InputError, match=r"in.jsonl:1: id: 'a' has another question or other media in"):
        run.go(question("a", clips / "voice.mp4"), *old[1:], question("new", "mute.mp4"))
    # From now on all of it counts.
    (Path(run.model) / "tokenizer.json").write_text("{}")
    with pytest.raises(
        InputError, match="with tokenizer.json None; now it is tokenizer.json .{16}; name another result"
    ):
        run.go(*old, question("new", "mute.mp4"))


def test_relative_paths_are_those_of_one_folder(run: Run, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of the same name in another one are other clips, whether a variable names it or one stands in it."""
    other = run.folder / "other"
    other.mkdir()
    (other / "mute.mp4").write_bytes((clips / "voice.mp4").read_bytes())
    monkeypatch.delenv("ROOT_IMAGE_DIR", raising=False)
    monkeypatch.chdir(clips)
    absolute = question("a", clips / "mute.mp4", audios=[])
    assert run.go(absolute) == 0
    monkeypatch.chdir(run.folder)
    assert run.go(absolute) == 0  # it does not matter here
    assert json.loads((run.folder / "out.settings.json").read_text())["relative_to"] == str(run.folder)
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(clips))
    rows = (absolute, question("b", "mute.mp4", audios=[]), question("c", content=part("video", "mute.mp4"), audios=[]))
    assert run.go(*rows) == 0
    for root, here in ((str(other), clips), ("other", run.folder), ("", other)):
        monkeypatch.setenv("ROOT_IMAGE_DIR", root)
        monkeypatch.chdir(here)
        with pytest.raises(InputError, match=f"with relative_to {clips}; now it is relative_to {other};") as refused:
            run.go(*rows)
        assert refused.value.remedy.startswith(f"set ROOT_IMAGE_DIR={clips} to go on")
    monkeypatch.chdir(clips)
    assert run.go(*rows) == 0


def test_answers_that_were_given_without_the_sound_are_not_mixed_with_others(run: Run, clips: Path) -> None:
    old = question("deaf", clips / "voice.mp4")
    as_before(run, old)
    rows = (old, question("new", clips / "voice.mp4"))
    with pytest.raises(InputError, match=r"in.jsonl:1: audios: 'deaf' was answered in .*; go on with --no-sound, or"):
        run.go(*rows)
    assert run.rows().keys() == {"deaf"}
    assert run.go(*rows, sound=False) == 0
    assert run.rows()["new"]["audios"] == []


def test_rows_that_come_through_a_pipe_are_refused(run: Run, clips: Path) -> None:
    pipe = run.folder / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match="pipe: file: is no regular file, and it is read more than once; save"):
        infer(run.model, str(pipe), str(run.result))
    assert not run.result.exists()
    # What reads its rows once takes them.
    rows = json.dumps(question("a", clips / "mute.mp4")) + "\n"
    writer = threading.Thread(target=pipe.write_text, args=(rows,))
    writer.start()
    program = [sys.executable, "-m", "swift_saber.cli", "check", pipe, "--workers", "1"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120)
    writer.join()
    assert (done.returncode, done.stdout) == (0, "rows     1\nusable   1\nrejects  0\n"), done.stderr


def test_rows_that_are_gone_in_the_end_are_missed(run: Run, clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (question("a", clips / "mute.mp4"), question("b", clips / "mute.mp4"))
    whole = questions.read
    monkeypatch.setattr(questions, "read", lambda path, without: whole(path, {*without, "b"}))
    with pytest.raises(InputError, match="rows: 2 were there at the start, and 1 are answered and 0 rejected"):
        run.go(*rows)
    monkeypatch.undo()


@pytest.mark.parametrize("text", ['[{"videos": ["a.mp4"]}]', '[\n {"videos": ["a.mp4"]}\n]\n', "\n  [\n{}]"])
def test_an_array_in_the_place_of_rows_is_named(run: Run, text: str) -> None:
    path = run.folder / "in.jsonl"
    path.write_text(text)
    said = "in.jsonl: file: is one JSON array, not rows; write one object a line"
    with pytest.raises(InputError, match=said):
        infer(run.model, str(path), str(run.result))
    with pytest.raises(InputError, match=said):
        list(read_rows(path))


def test_what_check_calls_usable_is_answered_and_nothing_else(run: Run, clips: Path) -> None:
    voice, mute, face = (str(clips / name) for name in ("voice.mp4", "mute.mp4", "face.png"))
    # What people have beside a question: of tables, of other tasks and tools, of an earlier run.
    beside: list[dict[str, Any]] = [
        {"label": "happy"},
        {"label": 3},
        {"text": "I am fine."},
        {"solution": "happy"},
        {"input": "a scene"},
        {"history": []},
        {"history": [["a", "b"]]},
        {"images": []},
        {"image": None, "system": None, "tools": [], "objects": {}, "chat_template_kwargs": {}},
        {"rejected_response": None, "rejected_messages": None, "margin": None},
        {"emotion": {"valence": 0.5}, "speakers": ["a", "b"], "language": None, "channel": None},
        {"label": "happy", "text": "x", "solution": "y", "input": "z", "history": [], "images": []},
    ]
    asked: list[dict[str, Any]] = [{"videos": [mute]}, {"videos": [mute], "messages": [USER]}, {"messages": [USER]}]
    rows = [{**row, **columns} for row in asked for columns in beside if row.keys() & {"videos"} or "text" in columns]
    # Columns that are a question or an answer only where there are no messages.
    rows += [
        {**asked[1], **columns} for columns in ({"query": "a", "response": "b"}, {"instruction": "a", "output": "b"})
    ]
    good = len(rows)
    rows += [
        {"videos": [mute], "query": "a", "response": "b"},
        {"videos": [mute], "messages": [USER], "images": [face]},
        {"videos": [mute], "messages": [USER], "system": "Be brief."},
        {"videos": [mute], "messages": [USER, ANSWER], "rejected_response": "b"},
        {"videos": [mute], "messages": [{"role": "user", "content": "<video><video>media"}]},
        {"videos": [mute], "messages": [{"role": "user", "content": f"<video>{mute}</video>media"}]},
        {"videos": [mute], "messages": [{"role": "user", "content": "<video><audio>media"}]},
        {"videos": [], "label": "happy"},
        {"videos": [str(run.folder / "gone.mp4")]},
        {**ENGLISH, "videos": [mute]},
        {**ENGLISH, "videos": [voice], "audios": []},
        {"messages": []},
        {"label": "happy"},
    ]
    rows += [{**ENGLISH, "videos": [voice]}, {**ENGLISH, "videos": [voice], "images": [], "rejected_response": None}]
    rows = [{"id": f"r{number:02}", **row} for number, row in enumerate(rows)]
    run.go(*rows)
    checked = list(check_rows(run.folder / "in.jsonl", workers=2, limit=60, root=None))
    usable = {row.id for row in checked if row.problem is None and not row.for_training}
    answered, rejected = run.rows().keys(), run.rows("out.rejects.jsonl").keys()
    assert usable == answered
    assert answered == {row["id"] for row in rows[:good] + rows[-2:]}
    assert {row.id for row in checked} - usable == rejected


def test_rows_that_the_model_fails_on_end_a_run_only_where_it_fails_on_all(run: Run, clips: Path) -> None:
    mute = clips / "mute.mp4"
    bad = [question(f"bad{number}", mute, content="fail") for number in range(12)]
    good = [question(f"good{number}", mute) for number in range(4)]
    with pytest.raises(InputError, match="not one of 5 rows in succession could be answered, nor of 7 others of the"):
        run.go(*bad)
    assert not run.rows("out.rejects.jsonl")
    assert run.go(*bad, *good) == 1
    assert (run.rows().keys(), run.rows("out.rejects.jsonl").keys()) == (
        {row["id"] for row in good},
        {row["id"] for row in bad},
    )
    # It answers no more, whatever it has answered before: that is not the fault of rows.
    (Path(run.model) / "broken").touch()
    more = [question(f"more{number}", mute) for number in range(6)]
    with pytest.raises(InputError, match="not one of 5 rows in succession could be answered, nor of 4 others of the"):
        run.go(*bad, *good, *more)
    assert run.rows("out.rejects.jsonl").keys() == {row["id"] for row in bad}
    (Path(run.model) / "broken").unlink()
    assert run.go(*bad, *good, *more) == 1
    assert run.rows().keys() == {row["id"] for row in good + more}


def test_a_run_without_a_change_asks_no_reject_again(run: Run, clips: Path) -> None:
    mute, asked = clips / "mute.mp4", Path(run.model) / "asked.txt"
    rows = (
        question("kills", mute, content="die"),
        question("a", mute),
        question("gone", run.folder / "gone.mp4"),
        question("folder", run.folder),  # whose times change with what is written there
    )
    assert run.go(*rows, {"id": []}) == 1
    (run.folder / "more").touch()
    rejects, before = (run.folder / "out.rejects.jsonl").read_bytes(), asked.read_text()
    assert before.count("die") == 2 + 1 and rejects.count(b"\n") == 4  # two alone, one with the other row
    assert run.go(*rows, {"id": []}) == 1
    assert (run.folder / "out.rejects.jsonl").read_bytes() == rejects
    assert asked.read_text() == before
    # One row more: the model is loaded for it alone.
    assert run.go(*rows, {"id": []}, question("b", mute)) == 1
    assert asked.read_text() == before + "load 0\nmedia\n"


def test_rows_that_were_mended_as_their_remedies_say_are_asked_again(run: Run, clips: Path) -> None:
    mute, late, broken = clips / "mute.mp4", run.folder / "late.mp4", run.folder / "broken.mp4"
    broken.write_bytes(mute.read_bytes()[:900])
    rows: list[dict[str, Any]] = [
        question("row", run.folder / "moved.mp4"),
        question("file", late),
        question("content", content=part("video", broken)),
        question("picture", mute, content=f"<img>{late.with_suffix('.png')}</img>media"),
        question("turns", mute, content="media", messages=[]),
        question("dies", mute, content="die"),
    ]
    path = run.folder / "in.jsonl"
    write_rows(path, [question("a", mute), *rows])
    path.write_text(path.read_text() + '{"id": "line", "videos": [\n')
    assert infer(run.model, str(path), str(run.result)) == 1
    assert run.rows().keys() == {"a"}
    assert run.rows("out.rejects.jsonl").keys() == {*(row["id"] for row in rows), "line-8"}
    late.write_bytes(mute.read_bytes())
    broken.write_bytes(mute.read_bytes())
    late.with_suffix(".png").write_bytes((clips / "face.png").read_bytes())
    rows[0]["videos"] = rows[4]["videos"]
    rows[4]["messages"] = rows[5]["messages"] = [USER]
    assert run.go(question("a", mute), *rows, question("line", mute)) == 0
    assert run.rows().keys() == {"a", *(row["id"] for row in rows), "line"}
    assert not (run.folder / "out.rejects.jsonl").exists()


def test_rows_are_asked_again_where_a_setting_was_wrong(
    run: Run, clips: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    row, other = question("a", clips / "mute.mp4"), run.folder / "other"
    for name in ("SABER_MEDIA_ROOT", "ROOT_IMAGE_DIR"):
        with monkeypatch.context() as patch:
            patch.setenv(name, str(other))
            with pytest.raises(InputError, match=f"environment: {name}: is {other}, which is not there; correct it"):
                run.go(row)
            for reader in (read_questions, lambda path: list(check_rows(path, workers=1, limit=60, root=None))):
                with pytest.raises(
                    InputError, match=f"environment: {name}: is {other}, which is not there; correct it"
                ):
                    reader(run.folder / "in.jsonl")
            other.touch()
            with pytest.raises(InputError, match=f"environment: {name}: is {other}, which is no folder; correct it"):
                run.go(row)
            other.unlink()
    assert not run.result.exists()
    other.mkdir()
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(other))
    assert run.go(row) == 1
    capsys.readouterr()
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(clips))
    assert run.go(row) == 0
    assert run.rows().keys() == {"a"}
    said = "out.rejects.jsonl: 1 of 1 rejects are asked again, since their row, a file or a setting is another one now"
    assert said in capsys.readouterr().err
    # A model that is another one, where nothing was answered.
    second = Run(run.folder, Path(run.model))
    second.result = run.folder / "second.jsonl"
    assert second.go(question("a", clips / "mute.mp4", content="fail")) == 1
    assert second.go(question("a", clips / "mute.mp4", content="fail")) == 1
    asked = Path(run.model) / "asked.txt"
    before = asked.read_text().count("fail")
    (Path(run.model) / "config.json").write_text('{"trained": "again"}')
    assert second.go(question("a", clips / "mute.mp4", content="fail")) == 1
    assert (before, asked.read_text().count("fail")) == (1, 2)


def test_rejects_of_an_earlier_version_are_asked_again_once(run: Run, clips: Path) -> None:
    row = question("a", clips / "mute.mp4", content="fail")
    assert run.go(row) == 1
    ((_, kept),) = read_rows(run.folder / "out.rejects.jsonl")
    old = {key: kept[key] for key in ("id", "where", "reason", "remedy")}
    write_rows(run.folder / "out.rejects.jsonl", [old])
    asked = Path(run.model) / "asked.txt"
    assert run.go(row) == run.go(row) == 1
    assert asked.read_text().count("fail") == 2
    ((_, again),) = read_rows(run.folder / "out.rejects.jsonl")
    assert again == kept


def test_a_run_that_is_killed_while_it_forgets_rejects_loses_none(
    run: Run, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the instant before the new file takes the name of the old one, and at the one after."""
    bad, worse = (question(name, run.folder / "gone.mp4") for name in ("bad", "worse"))
    assert run.go(bad, worse) == 1
    before = (run.folder / "out.rejects.jsonl").read_bytes()
    mended = {**bad, "videos": [str(clips / "mute.mp4")]}
    replace = os.replace

    def killed(source: Any, target: Any, *, late: bool) -> None:
        if late:
            replace(source, target)
        raise KeyboardInterrupt

    for late, left in ((False, before), (True, before.splitlines(keepends=True)[1])):
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", partial(killed, late=late))
            with pytest.raises(KeyboardInterrupt):
                run.go(mended, worse)
        assert (run.folder / "out.rejects.jsonl").read_bytes() == left
    assert run.go(mended, worse) == 1
    assert (run.rows().keys(), run.rows("out.rejects.jsonl").keys()) == ({"bad"}, {"worse"})


@pytest.mark.parametrize(
    "ending", ["", ".rejects.jsonl", ".settings.json", ".saber.jsonl", ".log", ".saber.jsonl.partial"]
)
@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_the_file_of_the_questions_is_never_written(run: Run, ending: str, link: Any) -> None:
    """By its own name or another; the last line is cut off, as a log of ours would be mended."""
    written = run.folder / (f"out{ending}" if ending else "out.jsonl")
    asked = written if link is None else run.folder / "asked.jsonl"
    asked.write_text(json.dumps(question("a")) + '\n{"id": "b", "messages": [')
    if link:
        link(asked, written)
    before, there = asked.read_bytes(), sorted(os.listdir(run.folder))
    with pytest.raises(InputError, match="out.jsonl: result_path: the run would write .* name another result file"):
        infer(run.model, str(asked), str(run.result))
    assert asked.read_bytes() == before
    assert sorted(os.listdir(run.folder)) == there


@pytest.mark.parametrize("edit", ["another row before", "a row twice"])
def test_a_file_of_questions_that_is_edited_during_the_run_ends_it_before_anything_wrong_is_written(
    run: Run, clips: Path, edit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is read again by then: nothing of it is held."""
    clip = clips / "mute.mp4"
    rows, read = [question(f"r{number}", clip, content="yes") for number in range(3)], questions.read
    later = [question("new", clip), *rows] if edit == "another row before" else [*rows, rows[0]]

    def edited(path: Path, without: Any) -> Any:
        path.write_text("".join(json.dumps(row) + "\n" for row in later))
        return read(path, without)

    with monkeypatch.context() as patch:
        patch.setattr(questions, "read", edited)
        with pytest.raises(
            InputError, match=r"in.jsonl:\d: id: .* the file changed meanwhile; the same command goes on"
        ):
            run.go(*rows)
    assert run.rows().keys() | run.rows("out.rejects.jsonl").keys() <= {row["id"] for row in rows}
    assert run.go(*rows) == 0
    assert run.rows().keys() == {row["id"] for row in rows}


def test_a_row_whose_line_in_the_results_would_be_too_long_to_be_read_again_is_a_reject(run: Run, clips: Path) -> None:
    """The longest row that is read, to which the answer comes; and a name, and a path, that fill such a row."""
    short, media = [question(name, clips / "mute.mp4", content="yes") for name in "ac"], clips / "mute.mp4"
    row, named, lost = question("b", media), question("", media), question("d", media)

    def room(row: Any) -> str:
        return "x" * (MAX_ROW_BYTES - len(json.dumps(row)) - len("\n"))

    row["messages"] = [{"role": "user", "content": ""}]
    row["messages"][0]["content"] = room(row)
    named["id"], lost["videos"] = room(named), [room(lost) + str(media)]
    assert run.go(short[0], row, named, lost, short[1]) == 1
    assert run.rows().keys() == {"a", "c"}
    rejects = run.rows("out.rejects.jsonl")
    assert rejects.keys() == {"b", "line-3", "d"}
    assert rejects["b"]["reason"] == "response: its line in the result file would be longer than 16 MB"
    asked = (Path(run.model) / "asked.txt").stat().st_size
    assert run.go(short[0], row, named, lost, short[1]) == 1
    assert run.rows("out.rejects.jsonl") == rejects
    assert (Path(run.model) / "asked.txt").stat().st_size == asked


def test_the_rows_that_are_tried_stand_at_no_even_distance() -> None:
    """Rows of one kind may come back at any distance, of which an even step meets one rest alone."""
    for every in range(2, OTHERS + 1):
        count = every * (OTHERS - 1) + 1
        drawn = sorted(map(int, _drawn([str(number) for number in range(count)])))
        for part, number in enumerate(drawn):  # one of each sixteenth
            assert number * OTHERS / count < part + 1 and part < (number + 1) * OTHERS / count
        assert len({number % every for number in drawn}) > 1
    assert [len(_drawn([str(number) for number in range(count)])) for count in range(OTHERS)] == list(range(OTHERS))


def test_rows_of_which_every_seventh_is_good_are_looked_into_further(run: Run, clips: Path) -> None:
    rows = [question(str(n), clips / "mute.mp4", content="yes" if n % 7 == 6 else "fail") for n in range(106)]
    assert run.go(*rows) == 1
    assert run.rows().keys() == {str(number) for number in range(6, 106, 7)}
    assert len(run.rows("out.rejects.jsonl")) == 106 - 15


def test_a_reject_is_asked_again_when_its_clip_lies_elsewhere_under_the_same_name(
    run: Run, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file, with the same times and rights: a folder above it was moved into the allowed one."""
    root, outside = run.folder / "root", run.folder / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "clip.mp4").write_bytes((clips / "mute.mp4").read_bytes())
    (root / "folder").symlink_to(outside)
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(root))
    row = question("a", root / "folder" / "clip.mp4")
    assert run.go(row) == run.go(row) == 1
    outside.rename(root / "moved")
    (root / "folder").unlink()
    (root / "folder").symlink_to(root / "moved")
    assert run.go(row) == 0


def test_rejects_of_rows_that_were_removed_are_not_said_to_be_asked_again(
    run: Run, clips: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [question(name, run.folder / "gone.mp4") for name in "abcde"]
    assert run.go(*rows) == 1
    capsys.readouterr()
    assert run.go(*rows[:2], {**rows[2], "videos": [str(clips / "mute.mp4")]}) == 1
    said = [line for line in capsys.readouterr().err.splitlines() if "of 5 rejects" in line]
    assert said == [
        f"swift-saber: {run.folder}/out.rejects.jsonl: 1 of 5 rejects are asked again, since their row, a file or a "
        "setting is another one now",
        f"swift-saber: {run.folder}/out.rejects.jsonl: 2 of 5 rejects are removed, since their row is in the file no "
        "more",
    ]
    assert run.rows("out.rejects.jsonl").keys() == {"a", "b"}

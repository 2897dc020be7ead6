"""`swift-saber check`: which rows are refused, why, where that is written, and the exit status."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile

from swift_saber.cli import Parser
from swift_saber.cli.check import add_check
from swift_saber.errors import InputError
from swift_saber.mini.world import record, sample_clip
from tests.media_faults import encode, frames, sound

RECORD = record(sample_clip("consistent", "check", 0, seed=0)).to_dict()


def _run(*arguments: object) -> int:
    parser = Parser()
    add_check(parser.add_subparsers())
    args = parser.parse_args(["check", *map(str, arguments), "--workers", "1"])
    return int(args.run(args))


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., Path]:
    encode(tmp_path / "a.mp4", frames(), sound())
    soundfile.write(tmp_path / "a.wav", sound(), 16_000)
    (tmp_path / "broken.mp4").write_text("no clip")

    def write(*rows: Any) -> Path:
        path = tmp_path / "data.jsonl"
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
        return path

    return write


def test_rows_of_every_kind_pass(data: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video, audio = str(tmp_path / "a.mp4"), str(tmp_path / "a.wav")
    answer = {"role": "assistant", "content": "Happy."}
    turns = [{"role": "user", "content": "What is felt?"}, answer]
    part = {"role": "user", "content": [{"type": "video", "video": video}, {"type": "text", "text": "What is felt?"}]}
    path = data(
        {"id": "question", "videos": [video], "audios": [audio]},
        {"id": "record", "language": "en", **RECORD, "videos": [video], "audios": [audio]},
        {"id": "messages", "messages": turns, "videos": [video]},
        {"id": "pair", "messages": turns, "videos": [video], "rejected_response": "Sad.", "kind": "candidates"},
        {"id": "parts", "messages": [part, answer]},
        {"id": "text", "messages": turns},
        {"id": "stock", "query": "What is felt?", "response": "Joy."},
    )
    assert _run(path, "-o", tmp_path / "rejects.jsonl") == 0
    assert (tmp_path / "rejects.jsonl").read_text() == ""
    assert "rows     7\nusable   7\nrejects  0\n" in capsys.readouterr().out


def test_each_reject_has_its_line_its_reason_and_a_remedy(
    data: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, broken = str(tmp_path / "a.mp4"), str(tmp_path / "broken.mp4")
    part = {"role": "user", "content": [{"type": "video_url", "video_url": {"url": broken}}]}
    path = data(
        {"id": "good", "videos": [good]},
        "{not JSON",
        {"id": "broken", "videos": [broken]},
        "",
        {"id": "away", "videos": ["https://example.org/a.mp4"]},
        {"id": "file", "audios": ["file:///a.wav"]},
        {"id": "gone\x1b[31m", "videos": [str(tmp_path / "gone.mp4")]},
        {"id": "second", "videos": [good, broken]},
        {"id": "record", **RECORD, "videos": [good], "audios": []},
        {"id": "part", "messages": [part, {"role": "assistant", "content": "Joy."}]},
        {"id": "last", "videos": [good]},
    )
    assert _run(path, "-o", tmp_path / "out" / "rejects.jsonl") == 1
    rejects = [json.loads(line) for line in (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()]
    text = "holds text, not a video"
    expected = [
        (2, None, "is not JSON"),
        (3, "broken", text),
        (5, "away", "is an address, not a local file"),
        (6, "file", "is an address, not a local file"),
        (7, "gone\\x1b[31m", "no such file"),
        (8, "second", text),
        (9, "record", "no audio for the record"),
        (10, "part", text),
    ]
    assert [(row["line"], row["id"]) for row in rejects] == [(line, name) for line, name, _ in expected]
    for row, (_, _, reason) in zip(rejects, expected, strict=True):
        assert set(row) == {"id", "line", "reason", "remedy"}
        assert reason in row["reason"]
        assert row["remedy"]
    shown = capsys.readouterr()
    assert "rows     10\nusable   2\nrejects  8\n" in shown.out
    assert f"  3      {text}\n" in shown.out  # the files differ, the reason is one
    assert "\x1b[31m" not in shown.out + shown.err.replace("\x1b[A", "")


def test_a_line_that_is_not_utf_8_costs_only_itself(
    data: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = data({"videos": [str(tmp_path / "a.mp4")]})
    path.write_bytes(b'\xef\xbb\xbf{"id": "\xff"}\n' + path.read_bytes())
    assert _run(path) == 1
    said = capsys.readouterr()
    assert "rows     2\nusable   1\nrejects  1\n" in said.out
    assert "data.jsonl:1: line: not UTF-8 (invalid start byte at byte 8); save the file as UTF-8" in said.err


def test_media_outside_the_root_are_refused(data: Callable[..., Path], tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "in.mp4").write_bytes((tmp_path / "a.mp4").read_bytes())
    (root / "link.mp4").symlink_to(tmp_path / "a.mp4")
    path = data(*({"id": name, "videos": [str(root / name)]} for name in ("in.mp4", "link.mp4", "../a.mp4")))
    assert _run(path, "--root", root, "-o", tmp_path / "rejects.jsonl") == 1
    rejects = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rejects] == ["link.mp4", "../a.mp4"]
    assert all("outside the allowed folder" in row["reason"] for row in rejects)
    assert _run(path) == 0


def test_relative_paths_are_looked_up_as_ms_swift_does(
    data: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROOT_IMAGE_DIR", str(tmp_path))
    assert _run(data({"videos": ["a.mp4"], "audios": ["a.wav"]})) == 0


def test_the_sound_inside_a_video_is_checked_where_a_row_names_none(
    data: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is for training alone is no question: its clips are looked at, a picture in its words as well."""
    video, broken = {"videos": [str(tmp_path / "a.mp4")]}, tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    answer = {"role": "assistant", "content": "Joy."}
    turns = [{"role": "user", "content": "What is felt?"}, answer]
    picture = [{"role": "user", "content": f"<img>{broken}</img>"}, answer]
    path = data(
        {"id": "question", **video},
        {"id": "record", **RECORD, **video},
        {"id": "none", **video, "audios": []},
        {"id": "pair", "messages": turns, **video, "rejected_response": "Sad."},
        {"id": "stock", "query": "What is felt?", "response": "Joy.", **video},
        {"id": "picture", "messages": picture, **video, "rejected_response": "Sad."},
    )
    assert _run(path) == 1
    said = capsys.readouterr()
    assert "rows     6\nusable   5\nrejects  1\n" in said.out
    assert f"{broken}: is not a readable picture" in said.err
    assert "for training alone, not for infer: 2 usable rows" in said.out
    assert "heard by the sound inside the video: 4 usable rows that name none" in said.out
    monkeypatch.setenv("SABER_SOUND", "given")
    assert _run(path, "-o", tmp_path / "rejects.jsonl") == 1
    rejects = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rejects] == ["record", "picture"]
    assert "no audio for the record" in rejects[0]["reason"]


def test_input_that_cannot_be_used_at_all_is_an_error(data: Callable[..., Path], tmp_path: Path) -> None:
    path = data({"videos": [str(tmp_path / "a.mp4")]})
    cases: list[tuple[list[object], str]] = [
        ([tmp_path / "gone.jsonl"], "gone.jsonl: file: No such file"),
        ([path, "--limit", "0"], "above 0"),
        ([path, "--root", tmp_path / "gone"], "--root: is no folder"),
        ([path, "-o", path], "exists already"),
    ]
    for arguments, message in cases:
        with pytest.raises(InputError, match=message):
            _run(*arguments)
    assert os.listdir(tmp_path).count("rejects.jsonl") == 0

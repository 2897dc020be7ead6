"""`swift-saber analyze`: one bare file, with or without sound or picture."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.inference import run
from swift_saber.inference.analyze import analyze
from swift_saber.media.sound import RATE, samples_of
from swift_saber.models.service import Service
from swift_saber.sed.layout import DIMENSIONS
from tests.media_faults import encode, frames, sound
from tests.stepped_sounds import FORMS, TONES, heard


def asked(monkeypatch: pytest.MonkeyPatch, response: str = "### Voice\nlow") -> list[dict[str, Any]]:
    """Leave the model out: what it would be asked, with the sound that it would hear."""
    rows: list[dict[str, Any]] = []

    class Model:
        place, size = "", 1

        def __init__(self, *_: object) -> None: ...

        def load(self) -> None: ...

        def stop(self) -> None: ...

        def close(self) -> None: ...

        def each(self, asked: list[dict[str, Any]], _: object) -> Iterator[dict[str, Any]]:
            for row in asked:
                rows.append({**row, "heard": [(samples_of(path), RATE) for path in row["audios"]]})
                yield {
                    **row,
                    "response": response,
                    "messages": [*row["messages"], {"role": "assistant", "content": response}],
                }

    monkeypatch.setattr(run, "ModelProcess", Model)
    return rows


@pytest.fixture
def clip(tiny_world: Path, tmp_path: Path) -> Path:
    """A real mp4 with a face and a second of a 440 Hz tone at 44.1 kHz, in two channels."""
    _, row = next(read_rows(tiny_world / "eval.jsonl"))
    path = tmp_path / "my clip.mp4"
    with av.open(row["videos"][0]) as source, av.open(str(path), "w") as target:
        video = target.add_stream("mpeg4", rate=8)
        video.width, video.height, video.pix_fmt = 56, 56, "yuv420p"
        audio = target.add_stream("aac", rate=44100, layout="stereo")
        for frame in source.decode(video=0):
            target.mux(video.encode(av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), format="rgb24")))
        tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100).astype("float32") / 2
        for start in range(0, 44100 - 1024, 1024):
            part = av.AudioFrame.from_ndarray(
                np.stack([tone[start : start + 1024]] * 2), format="fltp", layout="stereo"
            )
            part.sample_rate, part.pts = 44100, start
            target.mux(audio.encode(part))
        target.mux(video.encode(None))
        target.mux(audio.encode(None))
    return path


def test_the_sound_is_taken_out_of_the_clip(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    rows = asked(monkeypatch)
    found = analyze(str(clip), str(tmp_path), language="en")
    (row,) = rows
    assert row["videos"] == [str(clip)]
    assert row["messages"][0]["content"].startswith("Please")
    ((sound, rate),) = row["heard"]
    assert rate == 16000
    assert len(sound) == pytest.approx(16000, rel=0.1)
    # The tone that went in: the strongest frequency, in Hz.
    strongest = np.abs(np.fft.rfft(sound)).argmax() * rate / len(sound)
    assert strongest == pytest.approx(440, abs=5)
    assert "silent" not in found["notes"]
    assert (found["id"], found["found"], found["fields"]["acoustic_feat"]) == (str(clip), ["acoustic_feat"], "low")


def test_a_clip_without_sound_and_sound_alone_are_analysed_with_a_note(
    clip: Path, tiny_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text("{}")
    _, row = next(read_rows(tiny_world / "eval.jsonl"))
    rows = asked(monkeypatch)
    film = Path(shutil.copy(row["videos"][0], tmp_path))  # away from the sound file of its name
    silent = analyze(str(film), str(tmp_path))
    alone = analyze(row["audios"][0], str(tmp_path))
    assert [(len(one["videos"]), len(one["audios"])) for one in rows] == [(1, 0), (0, 1)]
    assert "silent" in silent["notes"] and "no picture" not in silent["notes"]
    assert "no picture" in alone["notes"] and "silent" not in alone["notes"]


def test_a_clip_whose_sound_is_silent_is_analysed_as_one_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text("{}")
    encode(tmp_path / "a.mp4", frames(), np.zeros(16000))
    soundfile.write(tmp_path / "a.wav", np.zeros(16000), 16000)
    rows = asked(monkeypatch)
    found = analyze(str(tmp_path / "a.mp4"), str(tmp_path))
    assert [(len(one["videos"]), one["audios"]) for one in rows] == [(1, [])]
    assert "silent" in found["notes"]
    with pytest.raises(InputError, match="is silent from beginning to end"):
        analyze(str(tmp_path / "a.wav"), str(tmp_path))


@pytest.mark.parametrize("name", ["rate and channels change.aac", "gsm.wav", "a.ac3"])
def test_a_sound_of_any_form_is_heard_from_beginning_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "config.json").write_text("{}")
    FORMS[name](tmp_path / name)
    rows = asked(monkeypatch)
    analyze(str(tmp_path / name), str(tmp_path))
    (((samples, rate),),) = (row["heard"] for row in rows)
    assert heard(samples, rate) == list(TONES)


def test_a_sound_that_does_not_decode_ends_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text("{}")
    encode(tmp_path / "a.mkv", frames(), sound())
    with av.open(str(tmp_path / "a.mkv")) as source:
        packets = [bytes(packet) for packet in source.demux(audio=0) if packet.size]
    data = (tmp_path / "a.mkv").read_bytes()
    for packet in packets:
        data = data.replace(packet, b"\xff" * len(packet))
    (tmp_path / "a.mkv").write_bytes(data)
    asked(monkeypatch)
    with pytest.raises(InputError, match=r"a\.mkv: clip: holds no sound \("):
        analyze(str(tmp_path / "a.mkv"), str(tmp_path))


@pytest.mark.parametrize("ending", [".m4v", ".WEBM", ".clip"])
def test_a_clip_is_known_by_what_it_holds_whatever_its_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    (tmp_path / "config.json").write_text("{}")
    encode(tmp_path / f"a{ending}", frames(), sound(), form="mp4")
    rows = asked(monkeypatch)
    analyze(str(tmp_path / f"a{ending}"), str(tmp_path))
    assert [(row["videos"], len(row["audios"])) for row in rows] == [([str(tmp_path / f"a{ending}")], 1)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.mp4", None, "gone.mp4: path: is not there"),
        ("text.mp4", b"no video here", "text.mp4: clip: holds text, not a video"),
        ("empty.mp4", b"", "empty.mp4: clip: .*is empty"),
    ],
)
def test_what_is_no_clip_ends_with_the_reason(tmp_path: Path, name: str, content: bytes | None, said: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        analyze(str(tmp_path / name), str(tmp_path))


@pytest.mark.slow
def test_the_real_model_answers_about_a_bare_file(clip: Path, tiny_model: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "swift_saber.cli", "analyze", clip.name, "--model", str(tiny_model)]
    command += ["--max-new-tokens", "8", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["id"] == clip.name
    assert found["response"]
    assert {*found["found"], *found["missing"]} == set(DIMENSIONS)
    assert "silent" not in found["notes"]


@pytest.mark.slow
def test_a_served_model_gives_the_same_record(clip: Path, tiny_model: Path, tmp_path: Path) -> None:
    """shell/deploy.sh on a free port, and the same clip sent to it with its sound."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shell = Path(__file__).resolve().parents[2] / "shell" / "deploy.sh"
    command = ["bash", str(shell), str(tiny_model), "0", "--port", str(port), "--served_model_name", "tiny"]
    with (tmp_path / "log").open("w") as log:
        environment = {**os.environ, "SABER_PYTHON": sys.executable}
        # In a group of its own, so that the server is stopped with the commands that started it.
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    try:
        for _ in range(600):
            assert server.poll() is None, (tmp_path / "log").read_text()[-2000:]
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                break
            time.sleep(0.5)
        url = f"http://127.0.0.1:{port}/v1"
        service = Service(model="tiny", base_url=url, max_tokens=12)
        served = analyze(str(clip), "tiny", server=service, language="en")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
    here = analyze(str(clip), str(tiny_model), language="en", arguments=["--max_new_tokens", "12"])
    assert served == here

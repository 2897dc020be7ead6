"""data/voice.py: the voice of a row is measured, or there is a reason, and nobody hangs."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from swift_saber.data.voice import measured, voice, voice_file, voices
from swift_saber.errors import InputError
from swift_saber.media.place import Problem
from swift_saber.media.prosody import measure
from swift_saber.media.sound import load
from tests.media.voices import RATE, pulses
from tests.media_faults import encode, frames


def clip(folder: Path, name: str, hertz: float) -> dict[str, Any]:
    path = folder / f"{name}.wav"
    soundfile.write(path, pulses(hertz), RATE)
    return {"id": name, "audios": [str(path)]}


def test_many_are_measured_in_their_order_and_what_is_none_has_a_reason(tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF....WAVEnothing")
    rows = [
        clip(tmp_path, "low", 100),
        {"id": "gone", "audios": [str(tmp_path / "gone.wav")]},
        {"id": "broken", "audios": [str(broken)]},
        {"id": "none"},
        {"id": "two", "audios": ["a.wav", "b.wav"]},
        clip(tmp_path, "high", 250),
    ]
    found = dict(voices((str(row["id"]), row) for row in rows))
    assert list(found) == ["low", "gone", "broken", "none", "two", "high"]
    assert [round(found[name]["pitch"]) for name in ("low", "high")] == [100, 250]  # type: ignore[index]
    problems = {name: one.reason for name, one in found.items() if isinstance(one, Problem)}
    assert problems.keys() == {"gone", "broken", "none", "two"}
    assert "no such file" in problems["gone"] and problems["none"] == "videos are none"
    assert problems["two"].startswith("audios are several")


def test_one_is_measured_here_as_the_many_are_elsewhere(tmp_path: Path) -> None:
    row = clip(tmp_path, "a", 150)
    assert [(1, voice(row, "row a"))] == list(voices([(1, row)]))


def test_a_silence_is_a_voice_that_says_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    found = voice({"audios": str(tmp_path / "a.wav")}, "row a")
    assert found["silent"] == 1.0 and found["pitch"] is None and found["unsaid"]["pitch"]


def test_samples_that_are_no_numbers_are_no_sound(tmp_path: Path) -> None:
    sound = pulses(150)
    sound[RATE // 2] = np.nan
    soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    with pytest.raises(InputError, match="holds samples that are not numbers"):
        voice({"audios": str(tmp_path / "a.wav")}, "row a")


@pytest.mark.parametrize("content", [b"", b"no sound at all"])
def test_what_cannot_be_read_is_said_with_its_row(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^row a: (audios|sound): .*a\.wav"):
        voice({"audios": [str(path)]}, "row a")


def test_a_video_is_heard_where_no_sound_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"-")
    assert voice_file({"videos": [str(path)], "audios": None}, "row a") == str(path)
    turn = {"role": "user", "content": [{"type": "video", "video": str(path)}, {"type": "text", "text": "How?"}]}
    assert voice_file({"messages": [turn]}, "row a") == str(path)


def test_nothing_is_read_outside_the_folder_that_media_must_lie_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = clip(tmp_path, "a", 150)
    monkeypatch.setenv("SABER_MEDIA_ROOT", str(tmp_path / "inside"))
    with pytest.raises(InputError, match="outside the allowed folder"):
        voice(row, "row a")
    with pytest.raises(InputError, match="is an address"):
        voice_file({"audios": ["http://127.0.0.1/a.wav"]}, "row a")


@pytest.mark.parametrize("name", ["a.wav", "a.mov", "a.mkv"])
def test_of_channels_that_mix_to_silence_one_is_measured(tmp_path: Path, name: str) -> None:
    voice_of, path = pulses(150), tmp_path / name
    if name == "a.wav":
        soundfile.write(path, np.stack([voice_of, -voice_of], axis=1), RATE)
    else:
        encode(path, frames(12), np.stack([voice_of, -voice_of]), audio="pcm_s16le")
    assert np.abs(load(path, RATE)).max() < 1e-3  # what the model hears
    found = measured(str(path))
    assert not isinstance(found, str) and found.pitch and found.loudness
    assert (found.pitch, found.loudness) == (pytest.approx(150, rel=0.02), pytest.approx(-20, abs=0.5))


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
@pytest.mark.parametrize("default", [0, 1])
def test_of_two_tracks_the_one_that_the_model_hears_is_measured(tmp_path: Path, name: str, default: int) -> None:
    path, pitches = tmp_path / name, (110, 220)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=8)
        picture.height, picture.width, picture.pix_fmt = 56, 56, "yuv420p"
        tracks = [container.add_stream("aac", rate=RATE, layout="mono") for _ in pitches]
        for number, track in enumerate(tracks):
            track.disposition = av.stream.Disposition.default if number == default else 0
        packets = [
            packet
            for each in frames(12)
            for packet in picture.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(each), format="rgb24"))
        ]
        for track, pitch in zip(tracks, pitches, strict=True):
            sound = av.AudioFrame.from_ndarray(pulses(pitch)[None].astype(np.float32), format="fltp", layout="mono")
            sound.sample_rate, sound.pts = RATE, 0
            packets += track.encode(sound) + track.encode()
        container.mux(packets + picture.encode())
    found, heard = measured(str(path)), measure(load(path, RATE))
    assert not isinstance(found, str)
    assert found.pitch == pytest.approx(pitches[default], rel=0.02)
    assert heard.pitch == pytest.approx(pitches[default], rel=0.02)

"""The line that is drawn of a voice, and the claims on it."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from swift_saber.data.voice_track import MOST_POINTS, voice_claims, voice_track
from tests.media.voices import RATE, Sound, pulses


def written(folder: Path, sound: Sound) -> str:
    path = folder / "voice.wav"
    soundfile.write(path, sound, RATE)
    return str(path)


def gliding(start: float, end: float, seconds: float, loudness: float) -> Sound:
    """A voice that glides, as no tune does."""
    course = start * (end / start) ** np.linspace(0, 1, int(seconds * RATE))
    return pulses(course, seconds=seconds, loudness=loudness)


def test_a_short_clip_has_a_point_each_20_ms(tmp_path: Path) -> None:
    found = voice_track(written(tmp_path, pulses(200.0, seconds=1.0)))
    assert isinstance(found, dict)
    assert found["seconds"] == 1.0 and found["step"] == 0.02
    assert len(found["pitch"]) == len(found["loudness"]) == 50
    heard = [hertz for hertz in found["pitch"] if hertz is not None]
    assert len(heard) > 40 and all(abs(hertz - 200) <= 2 for hertz in heard)
    assert abs(found["numbers"]["pitch"] - 200) <= 2
    assert found["numbers"].keys().isdisjoint(found["unsaid"])


def test_a_long_clip_has_no_more_points_than_a_picture_has_and_keeps_its_silences(tmp_path: Path) -> None:
    # 31 s of 1 s of voice and 1 s of silence by turns: of 1550 windows seven are a point.
    voice, silence = pulses(150.0, seconds=1.0), np.zeros(RATE)
    found = voice_track(written(tmp_path, np.concatenate([*[voice, silence] * 15, voice])))
    assert isinstance(found, dict)
    each = -(-31 * 50 // MOST_POINTS)
    assert found["step"] == each / 50 and len(found["pitch"]) == -(-31 * 50 // each) <= MOST_POINTS
    runs = [
        at for at in range(1, len(found["pitch"])) if (found["pitch"][at] is None) != (found["pitch"][at - 1] is None)
    ]
    assert len(runs) == 30  # of 16 voices and 15 silences between them
    assert min(found["loudness"]) == -120 and max(found["loudness"]) > -30
    assert len(json.dumps(found, separators=(",", ":"))) < 3000


def test_what_has_no_number_has_a_reason_and_a_file_without_sound_too(tmp_path: Path) -> None:
    found = voice_track(written(tmp_path, np.zeros(RATE)))
    assert isinstance(found, dict)
    assert found["unsaid"]["pitch"] == "no sound" and "pitch" not in found["numbers"]
    assert set(found["pitch"]) == {None}
    assert voice_track(str(tmp_path / "none.wav")) == "No such file or directory"
    json.dumps(found, allow_nan=False)


def test_the_longest_pause_and_the_thirds_of_a_change_have_their_places(tmp_path: Path) -> None:
    # 1 s of a voice, 0.4 s of silence, 0.5 s of it, 0.8 s of silence, and 1.5 s of it higher, at half the level.
    low, high = gliding(110, 130, 1.0, -20.0), gliding(160, 190, 1.5, -26.0)
    gap = RATE * 2 // 5
    sound = [low, np.zeros(gap), gliding(110, 130, 0.5, -20.0), np.zeros(2 * gap), high]
    found = voice_track(written(tmp_path, np.concatenate(sound)))
    assert isinstance(found, dict)
    assert found["pause"] == pytest.approx([1.9, 2.7], abs=0.05)
    assert found["numbers"]["pause"] == pytest.approx(found["pause"][1] - found["pause"][0], abs=0.01)
    # Of 3 s with a voice the first third is the first sound, and the last third the last second of the last one. In
    # the middle of these a glide is at the geometric mean of their ends.
    [first, last] = found["thirds"]["pitch"]
    assert first[:2] == pytest.approx([0.0, 1.0], abs=0.05) and last[:2] == pytest.approx([3.2, 4.2], abs=0.05)
    assert first[2] == pytest.approx(110 * (130 / 110) ** (1 / 2), abs=1.0)
    assert last[2] == pytest.approx(160 * (190 / 160) ** (2 / 3), abs=1.0)
    assert found["numbers"]["pitch_change"] == pytest.approx(12 * np.log2(last[2] / first[2]), abs=0.05)
    [first, last] = [third[2] for third in found["thirds"]["loudness"]]
    assert last - first == pytest.approx(found["numbers"]["loudness_change"], abs=0.1) and -7 < last - first < -5


def test_silences_and_ranges_have_their_places(tmp_path: Path) -> None:
    # 0.5 s of silence, 1 s that glides from 100 to 200 Hz, 0.6 s of silence, 1 s of it 10 dB softer, 0.4 s of silence.
    gaps = [np.zeros(RATE * tenths // 10) for tenths in (5, 6, 4)]
    sound = [gaps[0], gliding(100, 200, 1.0, -20.0), gaps[1], gliding(100, 200, 1.0, -30.0), gaps[2]]
    found = voice_track(written(tmp_path, np.concatenate(sound)))
    assert isinstance(found, dict)
    stretches = [[0.0, 0.5], [1.5, 2.1], [3.1, 3.5]]
    assert np.abs(np.array(found["silences"]) - stretches).max() <= 0.05
    assert found["numbers"]["silent"] == pytest.approx(
        sum(end - start for start, end in found["silences"]) / 3.5, abs=0.01
    )
    # A twentieth of an octave is 0.6 semitones.
    low, high = found["ranges"]["pitch"]
    assert low == pytest.approx(100 * 2**0.05, rel=0.04) and high == pytest.approx(100 * 2**0.95, rel=0.04)
    assert 12 * np.log2(high / low) == pytest.approx(found["numbers"]["pitch_range"], abs=0.1)
    quiet, loud = found["ranges"]["loudness"]
    assert loud - quiet == pytest.approx(found["numbers"]["loudness_range"], abs=0.15) and 9 < loud - quiet < 14


def test_a_long_clip_has_no_more_silences_than_can_be_drawn(tmp_path: Path) -> None:
    # 75 s, of which 150 times 0.26 s are silence: of 3750 windows 15 are a point, 0.3 s.
    voice, silence = pulses(150.0, seconds=0.24), np.zeros(int(0.26 * RATE))
    found = voice_track(written(tmp_path, np.concatenate([voice, silence] * 150)))
    assert isinstance(found, dict) and found["step"] == pytest.approx(0.3)
    assert "silent" in found["numbers"] and found["silences"] == []


def test_what_was_not_measured_has_no_place(tmp_path: Path) -> None:
    found = voice_track(written(tmp_path, np.zeros(RATE)))
    assert isinstance(found, dict) and found["pause"] is None and found["thirds"] == found["ranges"] == {}
    assert found["silences"] == [[0.0, 1.0]]  # what has no sound has no speech
    whole = voice_track(written(tmp_path, pulses(120.0, seconds=1.0)))
    assert isinstance(whole, dict) and whole["numbers"]["pause"] == 0 and whole["pause"] is None


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("A very high voice.", [("pitch", "contradicts", "")]),
        ("声音很低。", [("pitch_or_loudness", "agrees", "")]),
        ("The pitch rises. Her voice trembles.", [("pitch_change", "undecided", "x"), ("tremor", "undecided", "x")]),
        ("A friendly tone.", []),
    ],
)
def test_each_claim_is_held_against_what_was_measured(text: str, stated: list[tuple[str, str, str]]) -> None:
    # 70 Hz is below what nine in ten men speak at; a change of 1 semitone is neither a rise nor none.
    track = {"numbers": {"pitch": 70.0, "pitch_change": 1.0}, "unsaid": {}}
    found = voice_claims(text, track)
    assert [(one["property"], one["value"], "x" if one["reason"] else "") for one in found] == stated
    assert all(one["words"] in text for one in found)


def test_of_what_is_denied_that_is_told() -> None:
    [found] = voice_claims("She speaks without any pause.", {"numbers": {"pause": 0.0}, "unsaid": {}})
    assert found["denied"] and "pause" in found["words"] and found["value"] == "agrees"

"""media/measure.py: numbers that can be worked out by hand, and the wav."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from swift_saber.errors import InputError
from swift_saber.media.measure import measure
from swift_saber.media.sound import samples_of
from swift_saber.pipeline.clip_media import sound_of
from tests.media_faults import RATE, encode
from tests.pipeline.clips import scene, speech


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    encode(path, scene(1), speech(1))
    return path


def test_loudness_and_silence_of_a_tone_and_a_pause(film: Path, tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    soundfile.write(tmp_path / "tone.wav", tone, RATE)
    soundfile.write(tmp_path / "both.wav", np.concatenate([tone, np.zeros(RATE)]) + 0.25, RATE)
    found = measure(str(film), str(tmp_path / "tone.wav"))
    # A sine of amplitude 1/2 has a mean square of 1/8: 10 log10(1/8) = -9.03 dB.
    assert (found["loudness"], found["silence_share"]) == (-9.0, 0.0)
    # With as long a pause 1/16: -12.04 dB. An offset, as of a bad microphone, is neither loudness nor sound.
    found = measure(str(film), str(tmp_path / "both.wav"))
    assert (found["loudness"], found["silence_share"]) == (-12.0, 0.5)


def test_black_and_frozen_are_shares_of_the_samples(tmp_path: Path) -> None:
    # 16 pictures at 8 a second: every second one is sampled, 8 in all, with 7 steps between them.
    half_black = scene(1)
    half_black[:8] = 0
    encode(tmp_path / "black.mp4", half_black)
    assert measure(str(tmp_path / "black.mp4"))["black_share"] == 4 / 8
    half_frozen = scene(1)
    half_frozen[:8] = half_frozen[0]  # the samples 0, 2, 4 and 6 are the same: 3 of 7 steps
    encode(tmp_path / "frozen.mp4", half_frozen)
    assert measure(str(tmp_path / "frozen.mp4"))["frozen_share"] == round(3 / 7, 3)


def test_a_mouth_that_moves_in_a_still_picture_is_not_frozen(tmp_path: Path) -> None:
    pictures = np.repeat(scene(1, 1), 16, axis=0)
    pictures[::4, 60:66, 40:52] = 200  # open in every fourth picture, so in every second sample; under 1 % of the area
    pictures[2::4, 60:66, 40:52] = 90
    encode(tmp_path / "talks.mp4", pictures)
    assert measure(str(tmp_path / "talks.mp4"))["frozen_share"] == 0.0


def test_sharpness_of_stripes_is_the_square_of_their_step(tmp_path: Path) -> None:
    # Columns 0, 0, 255, 255, ...: each pixel has one neighbour beside it that differs by 255 and three that do not, so
    # its Laplacian is +255 or -255, as often the one as the other: the variance is 255 squared.
    stripes = np.zeros((4, 224, 224, 3), np.uint8)
    stripes[:, :, 2::4] = stripes[:, :, 3::4] = 255
    encode(tmp_path / "stripes.mkv", stripes, codec="ffv1", pixels="gray")
    assert measure(str(tmp_path / "stripes.mkv"))["sharpness"] == 255.0**2
    encode(tmp_path / "plain.mkv", np.full_like(stripes, 128), codec="ffv1", pixels="gray")
    assert measure(str(tmp_path / "plain.mkv"))["sharpness"] == 0.0


def test_size_rate_and_length(film: Path) -> None:
    found = measure(str(film))
    assert (found["width"], found["height"], found["fps"], found["seconds"]) == (96, 96, 8.0, 2.0)
    assert found["doubts"] is None and found["sound_fault"] is None
    assert len(found["picture_hash"]) == len(found["sound_hash"]) == 64


def test_the_sound_is_written_as_16_khz_mono_pcm(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * 44_100) / 44_100)
    soundfile.write(tmp_path / "stereo.wav", np.stack([tone, tone], axis=1), 44_100)
    encode(tmp_path / "film.mp4", scene(1))
    to = tmp_path / "new" / "sound.wav"
    measure(str(tmp_path / "film.mp4"), str(tmp_path / "stereo.wav"), str(to))
    about = soundfile.info(to)
    assert (about.samplerate, about.channels, about.subtype, about.format) == (16_000, 1, "PCM_16", "WAV")
    samples, _ = soundfile.read(to)
    assert len(samples) == pytest.approx(2 * 16_000, abs=32)
    # The same tone at the same level: over whole periods, away from the ends, its mean square is 1/8.
    assert np.square(samples[1600:30_400]).mean() == pytest.approx(1 / 8, rel=0.01)
    assert [path.name for path in to.parent.iterdir()] == ["sound.wav"]


def test_a_clips_sound_is_the_same_to_the_bit_whoever_takes_it_out(tmp_path: Path) -> None:
    encode(tmp_path / "film.mp4", scene(1), speech(1), rate=48_000)
    measure(str(tmp_path / "film.mp4"), None, str(tmp_path / "cleaned.wav"))
    taken = (tmp_path / "cleaned.wav").read_bytes()
    assert sound_of(str(tmp_path / "film.mp4")) == taken
    # What has this form already stays as it is.
    assert np.array_equal(samples_of(tmp_path / "cleaned.wav"), np.frombuffer(taken[44:], "<i2"))


def test_a_file_without_sound_has_no_samples(tmp_path: Path) -> None:
    encode(tmp_path / "film.mp4", scene(1))
    assert samples_of(tmp_path / "film.mp4").shape == (0,)


def test_of_a_clip_beyond_the_limit_the_header_is_believed_and_nothing_is_written(tmp_path: Path) -> None:
    encode(tmp_path / "film.mp4", scene(1, 80), speech(1, 10))
    to = tmp_path / "sound" / "a.wav"
    to.parent.mkdir()
    found = measure(str(tmp_path / "film.mp4"), None, str(to), until=1.0)
    assert found["seconds"] == pytest.approx(10, abs=0.1)
    assert found["doubts"] is None
    assert list(to.parent.iterdir()) == []


def test_a_clip_without_sound_has_no_loudness_and_no_wav(tmp_path: Path) -> None:
    encode(tmp_path / "film.mp4", scene(1))
    found = measure(str(tmp_path / "film.mp4"), None, str(tmp_path / "a.wav"))
    assert found["loudness"] is found["silence_share"] is found["sound_hash"] is None
    assert not (tmp_path / "a.wav").exists()


def test_a_sound_that_cannot_be_written_is_no_fault_of_the_clip(film: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder should be")
    with pytest.raises(InputError, match="cannot be written"):
        measure(str(film), None, str(tmp_path / "taken" / "a.wav"))

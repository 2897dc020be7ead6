"""The drawn faces and synthetic voices: real files, and cues that can be measured."""

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest
import soundfile

from swift_saber.media.frames import read_frames
from swift_saber.mini import face, voice


def generator(number: int) -> np.random.Generator:
    return np.random.default_rng(number)


def test_mp4_decodes_to_what_was_drawn(tmp_path: Path) -> None:
    frames = face.draw_frames("blue", "red", "smile", generator(0))
    face.write_mp4(tmp_path / "clip.mp4", frames)
    found = read_frames(tmp_path / "clip.mp4", lambda total, _: range(total))
    decoded = np.stack(found.pixels)
    assert decoded.shape == (face.FRAMES, face.SIZE, face.SIZE, 3)
    assert found.fps == face.FPS
    # Colour is stored at half resolution, so single pixels differ; the picture as a whole does not.
    assert abs(decoded.astype(float) - frames).mean() < 12


def test_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    frames = face.draw_frames("blue", "red", "smile", generator(0))
    files = set()
    for size in range(1, 21):
        other = np.ones(size * 50_000)  # moves later allocations: an encoder that reads stray memory shows it
        face.write_mp4(tmp_path / "clip.mp4", frames)
        files.add((tmp_path / "clip.mp4").read_bytes())
        del other
    assert len(files) == 1


def test_wav_is_one_second_of_mono(tmp_path: Path) -> None:
    voice.write_wav(tmp_path / "clip.wav", voice.synthesize("low", "warm", generator(0)))
    info = soundfile.info(str(tmp_path / "clip.wav"))
    assert (info.samplerate, info.frames, info.channels) == (16_000, 16_000, 1)


@pytest.mark.parametrize("expressions", list(combinations(face.EXPRESSIONS, 2)))
def test_expressions_differ_in_the_face_only(expressions: tuple[str, str]) -> None:
    for wall, shirt in product(face.WALLS, face.SHIRTS):
        one, other = (face.draw_frames(wall, shirt, which, generator(7)).astype(float) for which in expressions)
        middle = (slice(None), slice(12, 40), slice(16, 40))
        assert abs(one - other)[middle].mean() > 10
        assert abs(one - other)[:, :, :6].max() == 0


def test_hidden_face_shows_no_skin() -> None:
    hidden = face.draw_frames("blue", "red", None, generator(3)).astype(float)
    middle = hidden[:, 18:30, 22:34].mean(axis=(0, 1, 2))
    # The hood's colour is shifted by at most the tint; skin is more than 60 levels brighter in red.
    assert abs(middle - face.HOOD).max() < 20


def loudness(sound: np.ndarray) -> np.ndarray:
    """Root mean square of 10 ms pieces, shape (100,)."""
    return np.sqrt((sound.reshape(100, -1) ** 2).mean(axis=1))


@pytest.mark.parametrize("pitch", voice.PITCHES)
def test_hostile_voice_is_rougher_than_any_warm_one(pitch: str) -> None:
    def flutter(tone: str, number: int) -> float:
        pieces = loudness(voice.synthesize(pitch, tone, generator(number)))
        return float(pieces.std() / pieces.mean())

    warm = [flutter("warm", number) for number in range(20)]
    hostile = [flutter("hostile", number) for number in range(20)]
    assert min(hostile) > max(warm)


def pitch_track(sound: np.ndarray, low: int, high: int) -> np.ndarray:
    """The strongest frequency between low and high, in Hz, of 50 ms pieces, shape (20,)."""
    spectrum = abs(np.fft.rfft(sound.reshape(20, -1) * np.hanning(800), voice.SAMPLE_RATE))  # bins of 1 Hz
    track: np.ndarray = spectrum[:, low:high].argmax(axis=1) + low
    return track


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_a_trembling_voice_goes_up_and_down_by_its_strength(strength: float) -> None:
    def turns(tone: str, number: int) -> tuple[int, float]:
        """How often the pitch crosses its middle, and how wide it goes as a share of that."""
        track = pitch_track(voice.synthesize("high", tone, generator(number), strength), 120, 380)
        middle = (track.max() + track.min()) / 2
        return int((np.diff(track > middle) != 0).sum()), float(np.ptp(track) / middle)

    for number in range(10):
        crossings, width = turns("trembling", number)
        # 5 to 7 Hz cross twice a cycle. SHAKE to both sides, which pieces of 50 ms blur by up to a fifth.
        assert 8 <= crossings <= 15
        assert 0.75 < width / (2 * voice.SHAKE * strength) < 1.15
        assert max(turns(tone, number)[0] for tone in ("warm", "plain")) == 1  # they glide through it


def test_a_slight_voice_has_a_part_of_the_glide_and_of_the_roughness() -> None:
    def rise(tone: str, strength: float) -> float:
        track = pitch_track(voice.synthesize("high", tone, generator(0), strength), 120, 380)
        return float(track[-1] / track[0] - 1)

    def flutter(strength: float) -> float:
        pieces = loudness(voice.synthesize("high", "hostile", generator(0), strength))
        return float(pieces.std() / pieces.mean())

    for tone in ("warm", "plain"):
        assert rise(tone, 0.5) == pytest.approx(rise(tone, 1.0) / 2, rel=0.15)
    assert flutter(0.5) < 0.7 * flutter(1.0)


@pytest.mark.parametrize("tone", voice.TONES)
def test_pitch_is_where_the_spectrum_has_its_peak(tone: str) -> None:
    for number in range(5):
        for pitch, hertz in voice.PITCHES.items():
            start = voice.synthesize(pitch, tone, generator(number))[:4000]  # before a warm voice has risen far
            spectrum = abs(np.fft.rfft(start * np.hanning(4000)))
            peak = spectrum[10:].argmax() * 4 + 40  # bins of 4 Hz; below 40 Hz there is no voice
            assert abs(peak - hertz) < 0.2 * hertz + 4


def test_silence_is_quiet_but_not_empty() -> None:
    silence = voice.synthesize("none", None, generator(0))
    assert 0 < silence.std() < 0.1 * voice.synthesize("low", "warm", generator(0)).std()

"""media/prosody.py: each number follows the setting that it is a measurement of, or is left unsaid with the reason."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from swift_saber.media.prosody import (
    BREAKS,
    CLIPPED,
    EDGES,
    LOUDNESS,
    NAMES,
    NO_SOUND,
    NO_SYLLABLES,
    NO_VOICE,
    NOISE,
    OTHERS,
    PITCH,
    SHORT,
    TIME,
    Prosody,
    measure,
)
from swift_saber.mini.voice import PITCHES, synthesize
from tests.media import voices
from tests.media.voices import RATE, Sound, needs_espeak, over, pulses, speak

TEXT = "Where have you been all this time? We were waiting for you."
CHINESE = "ni3 qu4 na3 li3 le5? wo3 men5 dou1 zai4 deng3 ni3."  # 11 syllables


def quiet(seconds: float) -> Sound:
    return np.zeros(round(seconds * RATE))


def joined(*parts: Sound) -> Sound:
    """One after the other, in the hiss of a good room."""
    sound = np.concatenate(parts)
    return sound + np.random.default_rng(0).normal(0, 1e-4, len(sound))


def reasons(found: Prosody, names: tuple[str, ...] = NAMES) -> set[str | None]:
    return {found.unsaid.get(name) for name in names}


def glide(start: float, end: float, seconds: float = 1.5) -> Sound:
    """Hz at each sample, by as many semitones each moment."""
    return start * (end / start) ** np.linspace(0, 1, int(seconds * RATE))


@pytest.mark.parametrize("hertz", [60, 75, 100, 150, 220, 300, 400, 500, 650])
@pytest.mark.parametrize("noise", [0.0, 0.01])  # the second is 20 dB below
def test_pitch_is_that_of_the_pulses_within_two_percent(hertz: float, noise: float) -> None:
    sound = pulses(hertz)
    found = measure(sound + np.random.default_rng(0).normal(0, noise, len(sound)))
    assert found.pitch == pytest.approx(hertz, rel=0.02)
    assert found.pitch_range is not None and found.pitch_range < 0.5  # and no window is an octave off


def test_range_and_change_of_pitch_are_those_of_a_glide() -> None:
    found = measure(pulses(glide(110, 220)))
    # 12 semitones evenly: from the 5th to the 95th percentile 0.9 of them, and from the middle of the first third to
    # that of the last two thirds. The windows at both ends are half outside.
    assert found.pitch_range == pytest.approx(10.8, abs=0.4)
    assert found.pitch_change == pytest.approx(8, abs=0.4)
    falls = measure(pulses(glide(220, 110)))
    assert falls.pitch_change == pytest.approx(-8, abs=0.4)
    assert falls.pitch == pytest.approx(110 * 2**0.5, rel=0.02)


def test_loudness_is_that_of_the_voice_without_its_pauses() -> None:
    voice = pulses(120, 1.0, loudness=-20)
    assert measure(voice).loudness == pytest.approx(-20, abs=0.3)
    assert measure(joined(quiet(1), voice, quiet(2))).loudness == pytest.approx(-20, abs=0.5)


def test_loudness_changes_by_what_the_end_is_louder_than_the_beginning() -> None:
    third = [pulses(120, 0.6, loudness=level) for level in (-26, -23, -20)]
    assert measure(joined(*third)).loudness_change == pytest.approx(6, abs=0.5)
    assert measure(joined(*third[::-1])).loudness_change == pytest.approx(-6, abs=0.5)
    # The 10th percentile lies in the quiet third and the 95th in the loud one.
    assert measure(joined(*third)).loudness_range == pytest.approx(6, abs=1)


def test_gain_changes_loudness_alone() -> None:
    sound = joined(pulses(glide(110, 140), loudness=-14), quiet(0.4), pulses(glide(140, 120, 0.5), 0.5, -18))
    loud, soft = measure(sound), measure(0.1 * sound)
    assert loud.loudness is not None and soft.loudness == pytest.approx(loud.loudness - 20, abs=0.01)
    for name in set(NAMES) - {"loudness"}:
        assert getattr(soft, name) == pytest.approx(getattr(loud, name), abs=0.01), name


def test_pauses_and_shares_of_time() -> None:
    # Of 3 s, 1 s is silent: 0.3 + 0.2 at both ends and 0.5 within; all of the rest has a voice.
    voice = pulses(150, 1.0)
    found = measure(joined(quiet(0.3), voice, quiet(0.5), voice, quiet(0.2)))
    assert found.pause == pytest.approx(0.5, abs=0.04)
    assert found.silent == pytest.approx(1 / 3, abs=0.03)
    assert found.voiced == pytest.approx(2 / 3, abs=0.03)
    assert found.seconds == 3.0


def test_the_stop_of_a_consonant_is_no_pause() -> None:
    voice = pulses(150, 0.8)
    found = measure(joined(quiet(0.3), voice, quiet(0.1), voice, quiet(0.3)))
    assert (found.pause, found.silent) == (0.0, pytest.approx(0.6 / 2.3, abs=0.03))


def test_rate_is_syllables_over_speech_without_pauses() -> None:
    # Eight vowels of 0.2 s with dips of 0.05 s: 4 in each second of speech, the last dip left out.
    vowel = joined(pulses(130, 0.2) * np.hanning(3200) ** 0.25, quiet(0.05))
    speech = np.concatenate([vowel] * 8)
    found = measure(joined(quiet(0.5), speech, quiet(0.8), speech, quiet(0.5)))
    assert found.rate == pytest.approx(16 / (2 * 8 * 0.25), rel=0.05)
    # A transcript knows better.
    assert measure(joined(quiet(0.5), speech), syllables=12).rate == pytest.approx(12 / 2, rel=0.05)


def test_a_track_has_fifty_points_a_second() -> None:
    found = measure(joined(quiet(0.5), pulses(200, 1.0), quiet(0.5)))
    track = found.track
    assert len(track.times) == len(track.pitch) == len(track.loudness) == 100
    assert track.times[:2] == pytest.approx([0.01, 0.03])
    assert np.isnan(track.pitch[[5, 95]]).all()
    assert track.pitch[50] == pytest.approx(200, rel=0.02)
    assert track.loudness[50] == pytest.approx(-20, abs=0.5) and track.loudness[5] == pytest.approx(-80, abs=3)


def test_a_long_clip_is_taken_in_parts_that_are_not_noticed() -> None:
    course = 150 * 2 ** (0.5 * np.sin(np.arange(50 * RATE) / RATE * 2))  # 6 semitones up and down; parts are of 20 s
    found = measure(pulses(course, 50))
    # Of a sine, the 5th and the 95th percentile are at the sine of 0.45 pi.
    assert found.pitch_range == pytest.approx(12 * np.sin(0.45 * np.pi), abs=0.2)
    assert np.abs(found.track.pitch / course[160::320] - 1)[5:-5].max() < 0.02


def test_a_pause_that_is_not_quite_silent_is_left_unsaid() -> None:
    voice, hum = pulses(glide(110, 150, 0.8), 0.8), np.random.default_rng(0).normal(0, 1, round(0.6 * RATE))
    for below, said in ((16, False), (30, True)):  # the margin is 15.9 dB
        fills = hum * 10 ** ((-20 - below) / 20)
        found = measure(joined(quiet(0.5), voice, fills, voice, quiet(0.5)))
        assert found.pitch is not None
        assert (found.pause == pytest.approx(0.6, abs=0.04)) is said
        assert said or reasons(found, ("silent", "pause", "rate")) <= {EDGES, NOISE}


@pytest.mark.parametrize("sound", [quiet(2), quiet(2) + 0.3, np.eye(1, 2 * RATE, RATE)[0] * 0.9])
def test_silence_and_a_click_are_no_sound(sound: Sound) -> None:
    found = measure(sound)
    assert (found.silent, found.voiced) == (1.0, 0.0)
    assert reasons(found, (*PITCH, *LOUDNESS, "pause", "rate")) == {NO_SOUND}


def test_what_is_too_short() -> None:
    assert reasons(measure(np.zeros(0, np.float32))) == {SHORT}
    assert reasons(measure(pulses(120, 0.01))) == {SHORT}
    found = measure(joined(quiet(0.4), pulses(120, 0.14), quiet(0.4)))
    assert reasons(found, (*PITCH, *LOUDNESS, "rate")) == {SHORT}
    found = measure(joined(quiet(0.4), pulses(120, 0.35), quiet(0.4)))
    assert found.pitch == pytest.approx(120, rel=0.02)
    assert reasons(found, PITCH[1:]) == {SHORT}


@pytest.mark.parametrize("samples", [1, 319, 320, 640, 3199, 3200, 6500, 8000])
def test_any_length_and_level_has_numbers_or_reasons(samples: int, dice: np.random.Generator) -> None:
    for sound in (
        voices.white(samples, dice),
        pulses(120, 1)[:samples],
        np.ones(samples),
        np.sign(voices.white(samples, dice)),
    ):
        for level in (1e-5, 1e-2, 1.0):
            found = measure((level * sound.clip(-1, 1)).astype(np.float32))
            assert set(found.unsaid) == {name for name in NAMES if getattr(found, name) is None}
            assert all(np.isfinite(getattr(found, name)) for name in NAMES if name not in found.unsaid)


def test_a_whisper_has_no_voice(dice: np.random.Generator) -> None:
    voice = joined(quiet(0.3), *[pulses(130, 0.2) * np.hanning(3200) for _ in range(8)], quiet(0.3))
    found = measure(voices.whisper(voice, dice))
    assert reasons(found, PITCH) == {NO_VOICE}
    assert found.voiced is not None and found.voiced < 0.05
    assert found.unsaid["rate"] == NO_SYLLABLES
    assert found.loudness == pytest.approx(measure(voice).loudness, abs=1)


@pytest.fixture
def dice() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.parametrize("noise", [voices.white, voices.pink])
def test_noise_alone_says_nothing(noise: Callable[..., Sound], dice: np.random.Generator) -> None:
    assert reasons(measure(0.05 * noise(3 * RATE, dice))) == {NOISE}


@pytest.mark.parametrize("noise", [voices.white, voices.pink])
def test_noise_hides_first_the_pauses_and_then_the_pitch(
    noise: Callable[..., Sound], dice: np.random.Generator
) -> None:
    voice = joined(quiet(0.4), pulses(glide(110, 150)), quiet(0.4), pulses(glide(140, 120, 0.8), 0.8), quiet(0.4))
    alone = measure(voice)
    half = measure(over(voice, noise(len(voice), dice), 10))
    assert reasons(half, (*LOUDNESS, *TIME)) == {NOISE}
    for name in PITCH:
        assert getattr(half, name) == pytest.approx(getattr(alone, name), rel=0.02, abs=0.5), name
    assert reasons(measure(over(voice, noise(len(voice), dice), 0))) == {NOISE}


@pytest.mark.parametrize("music", [voices.chords, voices.band, voices.melody])
def test_music_says_nothing_of_a_voice(music: Callable[..., Sound], dice: np.random.Generator) -> None:
    for _ in range(3):
        assert reasons(measure(0.05 * music(4 * RATE, dice))) == {OTHERS}


def test_two_who_speak_at_once_are_not_measured_as_one() -> None:
    low = pulses(glide(100, 130, 2), 2)
    high = pulses(glide(235, 190, 2), 2)
    assert reasons(measure(joined(quiet(0.3), low + high, quiet(0.3)))) == {OTHERS}
    assert not measure(joined(quiet(0.3), low, quiet(0.3))).unsaid.keys() - {"rate"}


def test_a_voice_that_breaks_has_a_pitch_and_no_range() -> None:
    turns = [pulses(glide(hertz, 0.9 * hertz, 0.4), 0.4) for hertz in (200, 90, 200, 200, 90, 200)]
    found = measure(joined(quiet(0.3), *turns, quiet(0.3)))
    assert found.pitch == pytest.approx(185, rel=0.05)
    assert reasons(found, PITCH[1:]) == {BREAKS}


def test_what_is_clipped_has_a_pitch_and_no_loudness() -> None:
    voice = joined(quiet(0.3), pulses(glide(110, 150)), quiet(0.3))
    top = 0.2 * np.abs(voice).max()
    found = measure(np.clip(voice, -top, top))
    assert reasons(found, LOUDNESS) == {CLIPPED}
    assert found.pitch == pytest.approx(measure(voice).pitch, rel=0.02)


def test_an_offset_changes_nothing() -> None:
    voice = joined(quiet(0.3), pulses(glide(110, 150), loudness=-30), quiet(0.3))
    assert measure(voice + 0.4) == measure(voice)


def test_a_telephone_leaves_the_pitch_whose_own_tone_it_does_not_carry() -> None:
    band = butter(6, [300, 3400], "band", fs=RATE, output="sos")
    for hertz in (90, 130, 220):
        assert measure(sosfilt(band, pulses(hertz))).pitch == pytest.approx(hertz, rel=0.02)


def test_floats_of_32_bits_and_whole_numbers_of_a_wav_measure_alike() -> None:
    voice = pulses(glide(110, 150))
    coarse = np.round(voice * 2**15).astype(np.int16).astype(np.float32) / 2**15
    for name in PITCH:
        assert getattr(measure(coarse), name) == pytest.approx(getattr(measure(voice), name), rel=0.01), name


@pytest.mark.parametrize("pitch", PITCHES)
def test_the_voices_of_the_demo(pitch: str, dice: np.random.Generator) -> None:
    found = {tone: [measure(synthesize(pitch, tone, dice)) for _ in range(6)] for tone in ("warm", "plain", "hostile")}
    for tone, glides in {"warm": 1.175, "plain": 0.875, "hostile": 1.0}.items():  # of the middle of the clip
        for one in found[tone]:
            assert one.pitch == pytest.approx(PITCHES[pitch] * glides, rel=0.12)  # drawn within 8 %, and its glide
            assert one.loudness == pytest.approx(-20, abs=0.5)  # 0.1 is its root mean square
            assert (one.voiced, one.silent, one.pause) == (1.0, 0.0, 0.0)
            assert one.unsaid == {"rate": NO_SYLLABLES}
    change = {tone: [one.pitch_change or 0.0 for one in some] for tone, some in found.items()}
    assert min(change["warm"]) > 2 > 0.3 > max(map(abs, change["hostile"])) and max(change["plain"]) < -2


def rises(numbers: list[float | None], least: float = 0.0) -> bool:
    """Whether all are said, and each is more than the one before it."""
    return all(a is not None and b is not None and b > a + least for a, b in pairwise(numbers))


@needs_espeak
@pytest.mark.parametrize(
    ("voice", "text", "count"),
    [
        ("en-us", TEXT, 13),
        ("en-us+f2", TEXT, 13),
        ("cmn-latn-pinyin+m2", CHINESE, 11),
        ("cmn-latn-pinyin+f4", CHINESE, 11),
    ],
)
def test_a_speaker_who_is_told_to_speak_otherwise(voice: str, text: str, count: int) -> None:
    assert rises([measure(speak(text, voice, pitch=pitch)).pitch for pitch in (10, 30, 50, 70, 90)])
    assert rises([measure(speak(text, voice, rate=rate)).rate for rate in (100, 140, 180, 220)])
    assert rises([measure(speak(text, voice, rate=rate), count).rate for rate in (100, 140, 180, 220)])
    volumes = [measure(speak(text, voice, volume=volume)).loudness for volume in (25, 50, 100)]
    assert rises(volumes, least=5) and not rises(volumes, least=8)  # twice the amplitude is 6 dB
    ranges = [f'<prosody range="{word}">{text}</prosody>' for word in ("x-low", "low", "medium", "high")]
    assert rises([measure(speak(said, voice)).pitch_range for said in ranges])


@needs_espeak
@pytest.mark.parametrize("voice", ["en-us", "en-us+f2"])
def test_a_speaker_who_pauses(voice: str) -> None:
    for pause in (400, 800, 1600):
        found = measure(speak(f'I know. <break time="{pause}ms"/> I know it.', voice))
        assert found.pause == pytest.approx(pause / 1000, abs=0.1)


@needs_espeak
def test_a_speaker_whose_voice_rises_and_grows() -> None:
    low, high = speak(TEXT, pitch=30, quiet=0.1), speak(TEXT, pitch=70, quiet=0.1)
    up, down = measure(np.concatenate([low, high])), measure(np.concatenate([high, low]))
    assert up.pitch_change is not None and up.pitch_change > 4
    assert down.pitch_change is not None and down.pitch_change < -4
    grows = measure(np.concatenate([0.5 * low, low])).loudness_change
    assert grows == pytest.approx(6, abs=2)  # twice the amplitude


@needs_espeak
@pytest.mark.parametrize("voice", ["en-us+m2", "en-us+f1", "cmn-latn-pinyin+f3"])
def test_heard_syllables_are_those_of_the_text(voice: str) -> None:
    text, count = (TEXT, 13) if voice.startswith("en") else (CHINESE, 11)
    sound = speak(text, voice, rate=150)
    assert measure(sound).rate == pytest.approx(measure(sound, count).rate, rel=0.2)


@needs_espeak
@pytest.mark.parametrize("cover", [voices.white, voices.pink, voices.chords, voices.band, voices.melody])
@pytest.mark.parametrize("below", [20, 10, 0])
def test_what_lies_over_a_voice_leaves_its_pitch_right_or_unsaid(
    cover: Callable[..., Sound], below: float, dice: np.random.Generator
) -> None:
    for voice, text in [("en-us+f1", TEXT), ("en-us+m2", TEXT), ("cmn-latn-pinyin+f3", CHINESE)]:
        sound = speak(text, voice, pitch=60)
        alone, found = measure(sound), measure(over(sound, cover(len(sound), dice), below))
        assert not set(PITCH) & set(alone.unsaid)
        assert found.pitch is None or found.pitch == pytest.approx(alone.pitch, rel=0.06)  # a semitone
        assert set(found.unsaid) == {name for name in NAMES if getattr(found, name) is None}
        if below == 0:
            assert len(found.unsaid) == len(NAMES)


@needs_espeak
def test_what_sounds_15_db_below_a_voice_leaves_most_pitches_and_levels_to_be_said(dice: np.random.Generator) -> None:
    said = {"pitch": 0, "loudness": 0}
    for voice, text in [("en-us+f1", TEXT), ("en-us+m2", TEXT), ("cmn-latn-pinyin+f3", CHINESE)]:
        sound = speak(text, voice, pitch=60)
        alone = measure(sound)
        for cover in (voices.pink, voices.chords, voices.band):
            found = measure(over(sound, cover(len(sound), dice), 15))
            for name, near in {"pitch": 0.06 * (alone.pitch or 0), "loudness": 2.0, "silent": 0.1}.items():
                value = getattr(found, name)
                assert value is None or value == pytest.approx(getattr(alone, name), abs=near), (voice, cover, name)
            for name in said:
                said[name] += getattr(found, name) is not None
    assert min(said.values()) >= 5, said  # of nine


@needs_espeak
def test_music_that_is_as_strong_as_the_voice_spoils_its_pitch_and_all_else(dice: np.random.Generator) -> None:
    for music in (voices.chords, voices.melody, voices.band):
        sound = speak(TEXT, "en-us+f1", pitch=60)
        assert len(measure(over(sound, music(len(sound), dice), 5)).unsaid) == len(NAMES)

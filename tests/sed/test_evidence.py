"""A claim is held against what was measured: it agrees, contradicts, or cannot be said, and then there is a reason."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from swift_saber.media.prosody import NAMES, measure
from swift_saber.mini import voice
from swift_saber.mini.world import EVAL_COUNTS, SILENT, record, sample_split, stream
from swift_saber.sed.action_units import NO_FACE, ActionUnits, Unit
from swift_saber.sed.claim_voice import PROPERTIES
from swift_saber.sed.claims import Claim, Read, read_face, read_voice
from swift_saber.sed.evidence import (
    BETWEEN,
    EITHER,
    NO_SCALE,
    NO_UNIT,
    NOT_MEASURED,
    PART,
    SPEAKER,
    TWO_SCALES,
    UNMEASURED,
    Score,
    check,
    check_face,
    total,
)
from swift_saber.sed.facts import facts
from swift_saber.sed.scale import Numbers, Scale, numbers
from tests.media.voices import Sound, chords, needs_espeak, over, pink
from tests.sed.by_lot import chance, dealt, right
from tests.sed.spoken import Spoken, spoken

# A hundred clips whose numbers are 0, 1, ... 99 times a step, so that the place of each is its hundredth.
STEPS = {"rate": 1.0, "pitch": 100.0, "pitch_range": 2.0, "loudness": 3.0, "loudness_range": 3.0}
HUNDRED = Scale.of((None, {name: 10 + step * n for name, step in STEPS.items()}) for n in range(101))


def at(**places: float) -> dict[str, float]:
    """Measurements that stand at such places in HUNDRED."""
    return {name: 10 + STEPS[name] * round(100 * place) for name, place in places.items()}


def said(text: str, measured: Numbers, scale: Scale | None = HUNDRED) -> str:
    """The verdict on the only claim of a text, or the reason why there is none."""
    [verdict] = check(read_voice(text), measured, scale).verdicts
    assert (verdict.value == "undecided") == bool(verdict.reason)
    return verdict.reason or verdict.value


@pytest.mark.parametrize(
    "text, agrees, undecided, contradicts",
    [
        ("The pace is fast.", [0.67, 1.0], [0.34, 0.66], [0.0, 0.33]),
        ("The pace is slow.", [0.0, 0.33], [0.34, 0.66], [0.67, 1.0]),
        ("The pace is slightly fast.", [0.6, 1.0], [0.26, 0.59], [0.0, 0.25]),
        ("语速非常快。", [0.8, 1.0], [0.51, 0.79], [0.0, 0.5]),
        ("The pace is moderate.", [0.34, 0.66], [0.11, 0.33, 0.67, 0.89], [0.0, 0.1, 0.9, 1.0]),
        ("The pace is not fast.", [0.0, 0.33], [0.34, 0.66], [0.67, 1.0]),
        ("语速不慢。", [0.67, 1.0], [0.34, 0.66], [0.0, 0.33]),
    ],
)
def test_a_level_is_held_against_its_place_among_others(
    text: str, agrees: list[float], undecided: list[float], contradicts: list[float]
) -> None:
    assert {said(text, at(rate=place)) for place in agrees} == {"agrees"}
    assert {said(text, at(rate=place)) for place in undecided} == {BETWEEN}
    assert {said(text, at(rate=place)) for place in contradicts} == {"contradicts"}


@pytest.mark.parametrize("name, text", [("pitch_range", "A monotone delivery."), ("loudness_range", "音量平稳。")])
def test_a_monotone_voice_is_one_of_little_range(name: str, text: str) -> None:
    assert said(text, at(**{name: 0.1})) == "agrees"
    assert said(text, at(**{name: 0.9})) == "contradicts"


@pytest.mark.parametrize(
    "text, change, verdict",
    [
        ("The pitch rises.", 2.0, "agrees"),
        ("The pitch rises.", 1.9, BETWEEN),
        ("The pitch rises.", -1.9, BETWEEN),
        ("The pitch rises.", -2.0, "contradicts"),
        ("The pitch falls.", -2.0, "agrees"),
        ("The pitch rises slightly.", 1.0, "agrees"),
        ("The pitch rises sharply.", 2.9, BETWEEN),
        ("The pitch rises sharply.", 0.0, "contradicts"),
        ("The pitch does not rise.", 2.0, "contradicts"),
        ("语调在句尾上扬。", 2.0, "agrees"),
        ("语调在句尾上扬。", -9.0, PART),  # the last third falls; its last syllable may well rise
    ],
)
def test_a_change_has_a_dead_zone(text: str, change: float, verdict: str) -> None:
    assert said(text, {"pitch_change": change}, None) == verdict


def test_loudness_that_grows() -> None:
    assert said("The volume increases.", {"loudness_change": 4.0}, None) == "agrees"
    assert said("His voice trails off.", {"loudness_change": 4.0}, None) == "contradicts"


@pytest.mark.parametrize(
    "text, verdicts",
    [
        # Of a longest pause of 0, 0.22, 0.3, 0.6 and 1.2 s.
        ("There is a pause.", ["contradicts", "contradicts", BETWEEN, "agrees", "agrees"]),
        ("There is a brief pause.", ["contradicts", BETWEEN, "agrees", "agrees", "agrees"]),
        ("There is a long pause.", ["contradicts", "contradicts", "contradicts", BETWEEN, "agrees"]),
        ("She speaks without pauses.", ["agrees", "agrees", BETWEEN, "contradicts", "contradicts"]),
        ("语气流畅。", ["agrees", "agrees", BETWEEN, BETWEEN, "contradicts"]),
    ],
)
def test_a_pause_is_as_long_as_the_longest(text: str, verdicts: list[str]) -> None:
    assert [said(text, {"pause": seconds}) for seconds in (0.0, 0.22, 0.3, 0.6, 1.2)] == verdicts


def test_nobody_speaks() -> None:
    assert said("Nobody speaks.", {"silent": 1.0, "voiced": 0.0}) == "agrees"
    assert said("Nobody speaks.", {"silent": 0.3, "voiced": 0.5}) == "contradicts"
    assert said("Nobody speaks.", {"silent": 0.5, "voiced": 0.0}) == BETWEEN  # a whisper, or steps


def test_digital_silence_is_nobody_speaking() -> None:
    assert said("The clip is silent.", numbers(measure(np.zeros(16_000, np.float32)))) == "agrees"


@pytest.mark.parametrize(
    "pitch, loudness, verdict",
    [
        (0.1, 0.5, "agrees"),
        (0.5, 0.1, "agrees"),
        (0.1, 0.1, "agrees"),
        (0.1, 0.9, EITHER),
        (0.9, 0.5, EITHER),
        (0.5, 0.5, BETWEEN),
        (0.9, 0.9, "contradicts"),
    ],
)
def test_a_low_voice_is_low_or_soft(pitch: float, loudness: float, verdict: str) -> None:
    assert said("The voice is low.", at(pitch=pitch, loudness=loudness)) == verdict


@pytest.mark.parametrize(
    "text, reason",
    [
        ("Her voice trembles.", UNMEASURED),
        ("语速均匀。", UNMEASURED),
        ("The pace quickens.", UNMEASURED),
        ("He shouts the last words.", PART),
        ("At first she murmurs.", PART),
    ],
)
def test_what_nothing_measures_is_undecided(text: str, reason: str) -> None:
    assert said(text, at(rate=0.5, loudness=0.1, pitch=0.5)) == reason


def test_a_number_that_was_left_unsaid_gives_its_reason() -> None:
    assert said("The pitch is high.", {"pitch": None, "unsaid": {"pitch": "too noisy"}}) == "too noisy"
    assert said("The pitch is high.", {}) == NOT_MEASURED


@pytest.mark.parametrize(
    "text, hertz, verdict",
    [
        ("The pitch is low.", 100, "agrees"),  # even for a man
        ("The pitch is low.", 180, SPEAKER),  # for a woman it is
        ("The pitch is low.", 240, "contradicts"),
        ("The pitch is high.", 240, "agrees"),  # even for a woman
        ("The pitch is high.", 150, SPEAKER),
        ("The pitch is high.", 100, "contradicts"),
        ("The pitch is moderate.", 120, SPEAKER),
        ("The pitch is moderate.", 158, SPEAKER),  # high for a man, low for a woman; moderate for neither, and between
        ("The pitch is moderate.", 80, "contradicts"),
        ("The pitch is moderate.", 300, "contradicts"),
    ],
)
def test_without_a_scale_pitch_must_be_so_for_men_and_women(text: str, hertz: float, verdict: str) -> None:
    assert said(text, {"pitch": hertz}, None) == verdict


def test_without_a_scale_loudness_is_undecided() -> None:
    assert said("He shouts.", {"loudness": -3.0}, None) == NO_SCALE


def test_a_bass_who_speaks_up_is_neither_high_nor_low() -> None:
    clips = [("bass", {"pitch": 80.0 + number}) for number in range(40)]
    scale = Scale.of(clips + [("others", {"pitch": 200.0 + number}) for number in range(99)])
    [verdict] = check(read_voice("The pitch is high."), {"pitch": 115.0}, scale, "bass").verdicts
    assert (verdict.value, verdict.reason, verdict.by) == ("undecided", TWO_SCALES, "speaker")
    [verdict] = check(read_voice("The pitch is low."), {"pitch": 82.0}, scale, "bass").verdicts
    assert (verdict.value, verdict.by) == ("agrees", "speaker")


def test_a_score_stands_beside_its_coverage() -> None:
    text = "The pace is fast. The pitch is low. Her voice trembles. The tone is calm."
    checked = check(read_voice(text), at(rate=0.9, pitch=0.9), HUNDRED)
    assert [verdict.value for verdict in checked.verdicts] == ["agrees", "contradicts", "undecided"]
    assert checked.score == Score(agrees=1, decided=2, claims=3, unread=1)
    assert (checked.score.value, checked.score.coverage) == (1 / 2, 2 / 3)
    assert str(checked.score) == "0.50 agree of 2 decided of 3 claims (coverage 0.67), 1 clauses not read"


def test_where_nothing_is_decided_there_is_no_score() -> None:
    assert (Score().value, Score().coverage) == (None, None)
    assert (Score(claims=2).value, Score(claims=2).coverage) == (None, 0.0)
    assert total([]) == Score()
    assert total([Score(1, 2, 3, 4), Score(1, 1, 1, 1)]) == Score(2, 3, 4, 5)


NUMBERS = st.none() | st.floats(-200, 500, allow_nan=False)
STATED = st.builds(
    Claim,
    property=st.sampled_from(PROPERTIES),
    direction=st.just(1) | st.just(-1),
    strength=st.sampled_from([1, 2, 3]),
    denied=st.just(False),
    change=st.sampled_from([None, "rises"]),
    where=st.sampled_from([None, "start", "end", "throughout"]),
    span=st.just((0, 0)),
    words=st.just(""),
)


@given(STATED, st.fixed_dictionaries({name: NUMBERS for name in NAMES if name != "pitch"}), st.sampled_from([90, 250]))
def test_whatever_is_claimed_and_measured(claim: Claim, measured: dict[str, float | None], pitch: float) -> None:
    claim = replace(claim, change={1: "rises", -1: "falls"}[claim.direction] if claim.change else None)
    both = (claim, replace(claim, denied=True))
    for scale in (Scale(), HUNDRED):
        stated, denied = check(Read(both, 2, ()), {**measured, "pitch": pitch, "unsaid": None}, scale).verdicts
        # A reason stands where nothing is decided, and a denial turns what is.
        assert bool(stated.reason) == (stated.value == "undecided")
        turned = {"agrees": "contradicts", "contradicts": "agrees", "undecided": "undecided"}
        assert (denied.value, denied.reason) == (turned[stated.value], stated.reason)
        # Who says more is not more easily right.
        stronger = check(Read((replace(claim, strength=3),), 1, ()), {**measured, "pitch": pitch}, scale).verdicts[0]
        assert not (stronger.value == "agrees" and stated.value == "contradicts")


# The face


def face(text: str, units: ActionUnits) -> str:
    [verdict] = check_face(read_face(text), units).verdicts
    return verdict.reason or verdict.value


def units(**found: tuple[float, float]) -> ActionUnits:
    return ActionUnits(100, 100, {int(name[2:]): Unit(*each) for name, each in found.items()})


@pytest.mark.parametrize(
    "text, share, intensity, verdict",
    [
        ("She smiles.", 0.3, 0.3, "agrees"),
        ("She smiles.", 0.2, 0.3, BETWEEN),
        ("She smiles.", 0.05, 0.3, "contradicts"),
        ("她微微一笑，面带一丝笑意。", 0.2, 0.3, "agrees"),
        ("He grins broadly.", 0.5, 0.5, "agrees"),
        ("He grins broadly.", 0.5, 0.3, BETWEEN),
        ("He grins broadly.", 0.5, 0.1, "contradicts"),
        ("She does not smile.", 0.3, 0.3, "contradicts"),
        ("She does not smile.", 0.0, 0.0, "agrees"),
        ("The smile fades.", 0.3, 0.3, UNMEASURED),
    ],
)
def test_a_smile_is_action_unit_12(text: str, share: float, intensity: float, verdict: str) -> None:
    found = check_face(read_face(text), units(AU12=(share, intensity))).verdicts
    assert {each.reason or each.value for each in found} == {verdict}


def test_raised_brows_are_two_units() -> None:
    assert face("His brows are raised.", units(AU01=(0.9, 0.5), AU02=(0.8, 0.5))) == "agrees"
    assert face("His brows are raised.", units(AU01=(0.9, 0.5), AU02=(0.0, 0.0))) == "contradicts"
    assert face("His brows are raised.", units(AU01=(0.9, 0.5))) == NO_UNIT


def test_what_is_not_there_and_what_is_brief() -> None:
    assert face("His brow is relaxed.", units(AU04=(0.0, 0.0))) == "agrees"
    assert face("His brow is relaxed.", units(AU04=(0.4, 0.5))) == "contradicts"
    assert face("He blinks.", units(AU45=(0.03, 0.5))) == "agrees"
    assert face("面无表情。", units(AU04=(0.02, 0.1), AU12=(0.8, 0.5), AU25=(0.9, 0.9))) == "contradicts"
    assert face("面无表情。", units(AU04=(0.02, 0.1), AU12=(0.0, 0.0), AU25=(0.9, 0.9))) == "agrees"


def test_a_face_that_was_not_found_gives_the_reason() -> None:
    assert face("She smiles.", ActionUnits(9, 0, {}, NO_FACE)) == NO_FACE


# What the annotator is told


def test_facts_are_what_is_decided() -> None:
    found = {**at(pitch=0.5, loudness=0.9, rate=0.9), "pause": 0.84, "pitch_change": -0.4, "loudness_change": 5.0}
    found["pitch"], found["rate"] = 1000.0, 105.5
    assert facts({**found, "pitch": None}, HUNDRED) == (
        "measured: loud, fast (105.5 syllables/s), grows louder, longest pause 0.8 s"
    )
    assert facts({"pitch": 90.0, "pause": 0.0}) == "measured: pitch low (90 Hz)"
    assert facts({"pitch": 90.0, "pause": 1.25}, language="zh") == "测得：音调低（90 Hz），最长停顿 1.2 秒"
    assert facts({"pitch": 150.0}) == ""
    assert facts({}) == ""
    assert facts({"silent": 1.0, "voiced": 0.0}, language="zh") == "测得：没有人声"


def test_facts_say_for_whom_they_hold() -> None:
    scale = Scale.of([("a", {"pitch": 80.0 + number, "loudness": -40.0 + number}) for number in range(60)])
    measured = {"pitch": 85.0, "loudness": -39.0}
    assert facts(measured, scale, "en", "a") == "measured: pitch low for this speaker (85 Hz), soft for this speaker"
    assert facts(measured, scale, "zh", "a") == "测得：音调低（相对该说话人，85 Hz），音量小（相对该说话人）"


# Known truth


def demo() -> tuple[list[str], list[Numbers]]:
    """Records and measurements of clips of the demo's world, a second each, whose voices hum."""
    truths = sample_split("eval", {kind: count // 2 for kind, count in EVAL_COUNTS.items()}, 3)
    clips = [
        measure(
            voice.synthesize(
                truth.pitch, None if truth.voice == SILENT else truth.voice, stream(3, truth.id, "voice")
            ).astype(np.float32)
        )
        for truth in truths
    ]
    return [record(truth).acoustic_feat for truth in truths], [numbers(clip) for clip in clips]


def test_records_of_the_demo_agree_with_its_sound_and_shuffled_ones_by_chance() -> None:
    texts, clips = demo()
    of = list(map(read_voice, texts)), clips, Scale.of((None, clip) for clip in clips), [None] * len(clips)
    found = right(*of)
    assert found.value is not None and found.value >= 0.95
    assert found.coverage is not None and found.coverage > 0.5
    mean, deviation = chance(*of)
    by_lot = dealt(*of).value
    assert by_lot is not None and abs(by_lot - mean) < 3 * deviation
    assert mean + 3 * deviation < 0.95


@cache
def utterances() -> tuple[tuple[Spoken, ...], tuple[Numbers, ...], Scale]:
    """Clips of two speakers, what was measured of each, and a scale of them."""
    clips = tuple(spoken(("en-us+m2", "cmn-latn-pinyin+f3"), each=24))
    measured = tuple(numbers(measure(clip.sound.astype(np.float32))) for clip in clips)
    return clips, measured, Scale.of((clip.speaker, each) for clip, each in zip(clips, measured, strict=True))


@needs_espeak
def test_what_espeak_was_told_agrees_with_its_sound_and_shuffled_records_by_chance() -> None:
    clips, measured, scale = utterances()
    of = [read_voice(clip.record) for clip in clips], measured, scale, [clip.speaker for clip in clips]
    found = right(*of)
    assert found.value is not None and found.value >= 0.95
    assert found.coverage is not None and found.coverage > 0.75
    mean, deviation = chance(*of)
    by_lot = dealt(*of).value
    assert by_lot is not None and abs(by_lot - mean) < 3 * deviation
    assert mean + 3 * deviation < 0.95


@needs_espeak
@pytest.mark.parametrize("make", [pink, chords])
def test_noise_and_music_leave_undecided_and_not_wrong(make: Callable[[int, np.random.Generator], Sound]) -> None:
    clips, measured, scale = utterances()
    reads, speakers = [read_voice(clip.record) for clip in clips], [clip.speaker for clip in clips]
    dice = np.random.default_rng(0)
    noisy = [over(clip.sound, make(len(clip.sound), dice), 10) for clip in clips]
    found = right(reads, [numbers(measure(sound.astype(np.float32))) for sound in noisy], scale, speakers)
    assert found.decided < 0.5 * right(reads, measured, scale, speakers).decided
    assert found.decided - found.agrees <= 0.05 * found.claims

"""Clips that espeak-ng speaks, with records that state what it was told: pitch, rate, loudness, pauses and changes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tests.media.voices import RATE, Sound, speak

# Without commas, at which espeak-ng pauses for as long as people do.
ENGLISH = (
    "Where have you been all this time without a word to us?",
    "I suppose I should have told you before we came here.",
    "The train to the city leaves in half an hour as always.",
    "Nobody knows what really happened there on that evening.",
)
CHINESE = (  # espeak-ng 1.51 reads Chinese characters wrongly, and this rightly
    "zhe4 shi4 wo3 men5 zui4 kuai4 le4 de5 yi2 ge4 jia4 qi1.",
    "wo3 ying1 gai1 zao3 dian3 gao4 su4 ni3 zhe4 jian4 shi4 qing5.",
    "qu4 cheng2 li3 de5 huo3 che1 ban4 xiao3 shi2 hou4 kai1.",
    "mei2 you3 ren2 zhi1 dao4 na4 tian1 wan3 shang5 fa1 sheng1 le5 shen2 me5.",
)
SPEAKERS = ("en-us+m2", "en-us+f1", "cmn-latn-pinyin+m6", "cmn-latn-pinyin+f3")
# Low, middle and high, as espeak-ng takes them; loudness in dB.
PITCHES, RATES, LOUDNESS = (20, 50, 85), (115, 160, 230), (-15.0, -7.0, 0.0)
BREAK = 0.9  # seconds of silence that are put between two sentences
SLOPE = 12.0  # dB between the first and the last third of what grows louder or softer

WORDS = {
    "en": {
        "pitch": ("The pitch is low.", "The pitch is moderate.", "The pitch is high."),
        "rate": ("She speaks slowly.", "The pace is moderate.", "The pace is fast."),
        "loudness": ("The voice is not loud.", "The volume is normal.", "He speaks loudly."),
        "pause": ("He speaks without any pauses.", "There is a pause."),
        "pitch change": ("The pitch falls.", "", "The pitch rises."),
        "loudness change": ("His voice trails off.", "", "The volume increases."),
    },
    "zh": {
        "pitch": ("音调较低。", "音调中等。", "音调很高。"),
        "rate": ("语速缓慢。", "语速适中。", "语速不慢。"),
        "loudness": ("音量偏低。", "音量适中。", "声音洪亮。"),
        "pause": ("中间没有停顿。", "中间有停顿。"),
        "pitch change": ("音调逐渐降低。", "", "音调升高。"),
        "loudness change": ("声音越来越小。", "", "音量逐渐增大。"),
    },
}


@dataclass(frozen=True)
class Spoken:
    """A clip, and the true record of its voice."""

    speaker: str
    record: str
    sound: Sound


def spoken(speakers: tuple[str, ...] = SPEAKERS, each: int = 36, seed: int = 0) -> Iterator[Spoken]:
    """Yield clips, `each` of every speaker: of everything a third low, a third high, by lot, in half a pause.

    A third of them changes: pitch, loudness or both go up or down, and nothing else is said of what changes.
    """
    dice = np.random.default_rng(seed)
    for speaker in speakers:
        language = "en" if speaker.startswith("en") else "zh"
        lots = [dice.permutation(np.arange(each) % 3) for _ in range(3)]
        for number, (pitch, rate, loudness) in enumerate(zip(*lots, strict=True)):
            pause, changes = int(dice.integers(2)), number % 3 == 0
            rises, swells = (int(dice.choice((0, 2))) for _ in range(2))
            pitches = {0: (85, 20), 2: (20, 85)}[rises] if changes else (PITCHES[pitch],) * 2
            texts = dice.permutation(ENGLISH if language == "en" else CHINESE)[:2]
            parts = [speak(text, speaker, at, RATES[rate], quiet=0) for text, at in zip(texts, pitches, strict=True)]
            gap = np.random.default_rng(0).normal(0, 1e-4, int((BREAK if pause else 0.0) * RATE))
            sound = np.concatenate([trimmed(parts[0]), gap, trimmed(parts[1])])
            if changes:
                sound = sound * 10 ** (np.linspace(0, SLOPE * 1.5, len(sound))[:: swells - 1] / 20 - 0.75)
            sound = np.pad(sound * 10 ** (LOUDNESS[loudness] / 20), 4000)
            words = WORDS[language]
            said = [words["rate"][rate], words["pause"][pause]]
            if changes:
                said += [words["pitch change"][rises], words["loudness change"][swells]]
            else:
                said += [words["pitch"][pitch], words["loudness"][loudness]]
            hiss = np.random.default_rng(1).normal(0, 1e-4, len(sound))
            yield Spoken(speaker, "".join(said) if language == "zh" else " ".join(said), sound + hiss)


def drawn(speakers: tuple[str, ...] = SPEAKERS, each: int = 36, seed: int = 1) -> Iterator[Spoken]:
    """Yield clips as `spoken`, whose pitch, rate and loudness are anything between its lowest and highest.

    A record says in which third of the speaker's clips each of them is; nothing changes within a clip.
    """
    dice = np.random.default_rng(seed)
    for speaker in speakers:
        language = "en" if speaker.startswith("en") else "zh"
        ranges = (PITCHES, RATES, LOUDNESS)
        values = [dice.uniform(steps[0], steps[-1], each) for steps in ranges]
        thirds = [np.argsort(np.argsort(of)) * 3 // each for of in values]
        for pitch, rate, loudness, *third in zip(*values, *thirds, strict=True):
            texts = dice.permutation(ENGLISH if language == "en" else CHINESE)[:2]
            parts = [trimmed(speak(text, speaker, int(pitch), int(rate), quiet=0)) for text in texts]
            sound = np.pad(np.concatenate(parts) * 10 ** (loudness / 20), 4000)
            said = [WORDS[language][name][at] for name, at in zip(("pitch", "rate", "loudness"), third, strict=True)]
            hiss = np.random.default_rng(1).normal(0, 1e-4, len(sound))
            yield Spoken(speaker, "".join(said) if language == "zh" else " ".join(said), sound + hiss)


def trimmed(sound: Sound) -> Sound:
    """Without the silence at both ends, but for a tenth of a second between sentences."""
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return sound[max(0, loud[0] - 800) : loud[-1] + 800]

"""How often each measurement of a voice is wrong, and how often left unsaid, with noise, music and voices over it.

    nice taskset -c 1 python tests/benchmarks/prosody_noise.py

Has espeak-ng say ten sentences, English and Chinese, in four voices each, of other pitch and rate: 40 clips. What is
measured of a clip alone is taken for true, and must be found again under each condition, or be left unsaid. Prints a
markdown table: for each condition and number, wrong / unsaid, in percent of the clips, and the median error of those
that were said. Neither sentences nor voices are those by which the thresholds in media/prosody.py were found, but for
_BOTH, for which these pairs of speakers were looked at too.
Takes six minutes on one core.
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

sys.path.insert(0, str(Path(__file__).parents[2]))
from swift_saber.media.prosody import NAMES, Prosody, measure
from tests.media.voices import RATE, Sound, band, chords, drums, melody, over, pink, speak, unit, white

ENGLISH = [
    "Where have you been all this time? We were waiting for you.",
    "It was the best holiday that we ever had together.",
    "Do not touch that, you will break it!",
    "I suppose I should have told you before, but I was afraid of what you would say.",
    "The train to the city leaves in half an hour.",
]
CHINESE = [  # espeak-ng 1.51 reads Chinese characters wrongly, and this rightly
    "ni3 qu4 na3 li3 le5? wo3 men5 dou1 zai4 deng3 ni3.",
    "zhe4 shi4 wo3 men5 zui4 kuai4 le4 de5 yi2 ge4 jia4 qi1.",
    "bie2 peng4 na4 ge5 dong1 xi5, hui4 huai4 de5!",
    "wo3 ying1 gai1 zao3 dian3 gao4 su4 ni3, ke3 shi4 wo3 hai4 pa4 ni3 bu4 gao1 xing4.",
    "qu4 cheng2 li3 de5 huo3 che1 ban4 xiao3 shi2 hou4 kai1.",
]
LEVELS = (30, 20, 15, 10, 5, 0)  # dB
VARIANTS, PITCHES, RATES = ("+m2", "+f1", "+m6", "+f3", "+f5"), (30, 50, 65, 85), (130, 160, 190, 210)
#: By how much a number may differ from that of the clip alone; rate as a share of it, pitch in semitones.
TOLERANCE = {
    "pitch": 1.0, "pitch_range": 3.0, "pitch_change": 2.0,
    "loudness": 2.0, "loudness_range": 3.0, "loudness_change": 2.0,
    "voiced": 0.1, "silent": 0.1, "pause": 0.15, "rate": 0.2,
}  # fmt: skip


def clips() -> list[Sound]:
    """The 40 clips."""
    spoken = []
    for language, texts in (("en-us", ENGLISH), ("cmn-latn-pinyin", CHINESE)):
        for number, text in enumerate(texts):
            for turn in range(4):
                voice = language + VARIANTS[(number + turn) % 5]
                spoken.append(speak(text, voice, PITCHES[turn], RATES[(3 * number + turn) % 4]))
    return spoken


def conditions(spoken: list[Sound]) -> dict[str, Callable[[int], Sound]]:
    """Name of a condition -> what makes it of the clip of a number."""
    dice = np.random.default_rng(1)
    found: dict[str, Callable[[int], Sound]] = {"alone": lambda number: spoken[number]}
    for make in (white, pink, chords, drums, band, melody):
        for below in LEVELS:
            found[f"{make.__name__}, {below} dB below"] = lambda number, make=make, below=below: over(
                spoken[number], make(len(spoken[number]), dice), below
            )
    for below in LEVELS:
        found[f"second speaker, {below} dB below"] = lambda number, below=below: over(
            spoken[number], spoken[(7 * number + 13) % len(spoken)], below
        )
        found[f"six speakers, {below} dB below"] = lambda number, below=below: over(
            spoken[number], babble(spoken, number), below
        )
        found[f"film, {below} dB below"] = lambda number, below=below: film(spoken[number], below, dice)
    telephone = butter(6, [300, 3400], "band", fs=RATE, output="sos")
    found["telephone, 300 to 3400 Hz"] = lambda number: sosfilt(telephone, spoken[number])
    found["clipped by 20 dB"] = lambda number: cut(spoken[number])
    found["offset of 0.3"] = lambda number: spoken[number] + 0.3
    found["a room, 0.5 s"] = lambda number: in_room(spoken[number], 0.5, dice)
    return found


def babble(spoken: list[Sound], number: int) -> Sound:
    """Six others who speak at once and equally loud, as long as the clip of a number."""
    others = [spoken[(number + 11 * turn + 5) % len(spoken)] for turn in range(6)]
    return np.sum([unit(np.resize(other, len(spoken[number]))) for other in others], axis=0)


def film(voice: Sound, below: float, dice: np.random.Generator) -> Sound:
    """A voice in a room, whose walls are 6 dB below it, with the hiss of a street and a band."""
    heard = in_room(voice, 0.4, dice, 6)
    return over(over(heard, pink(len(voice), dice), 30), band(len(voice), dice), below)


def cut(voice: Sound) -> Sound:
    """A voice whose tops above a tenth are cut off."""
    top = np.abs(voice).max() / 10
    return np.clip(voice, -top, top)


def in_room(voice: Sound, seconds: float, dice: np.random.Generator, below: float = 0) -> Sound:
    """A voice with what comes from the walls, so many dB below it, which falls by 60 dB within the seconds."""
    decay = dice.normal(size=int(seconds * RATE)) * 10 ** (-3 * np.linspace(0, 1, int(seconds * RATE)))
    walls = fftconvolve(voice, decay / np.sqrt(np.square(decay).sum()))[: len(voice)]
    return voice + walls * 10 ** (-below / 20)


def error(name: str, found: float, true: float) -> float:
    if name == "pitch":
        return abs(12 * float(np.log2(found / true)))
    return abs(found / true - 1) if name == "rate" else abs(found - true)


def row(found: list[Prosody], alone: list[Prosody]) -> list[str]:
    cells = []
    for name in NAMES:
        pairs = [(getattr(one, name), getattr(other, name)) for one, other in zip(found, alone, strict=True)]
        known = [pair for pair in pairs if pair[1] is not None]
        errors = [error(name, *pair) for pair in known if pair[0] is not None]
        wrong = sum(by > TOLERANCE[name] for by in errors)
        said = sum(pair[0] is not None for pair in pairs)
        middle = f", {np.median(errors):.2f}" if errors else ""
        cells.append(f"{100 * wrong / len(known):.0f} / {100 - 100 * said / len(pairs):.0f}{middle}")
    return cells


def main() -> None:
    spoken = clips()
    alone = [measure(sound) for sound in spoken]
    print("|", " | ".join(["condition: wrong / unsaid in %, median error", *NAMES]), "| reasons |")
    print("|", " | ".join(["---"] * (len(NAMES) + 2)), "|")
    for name, make in conditions(spoken).items():
        found = [measure(make(number)) for number in range(len(spoken))]
        reasons = Counter(reason for one in found for reason in set(one.unsaid.values()))
        print("|", " | ".join([name, *row(found, alone), str(dict(reasons))]), "|", flush=True)


if __name__ == "__main__":
    main()

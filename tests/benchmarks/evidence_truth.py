"""How often a claim about a voice is judged rightly, where the truth is known; by chance, in noise, under music.

    nice taskset -c 1 python tests/benchmarks/evidence_truth.py [CLIP ...]

Three truths: the demo's world (a second each of a hum); what espeak-ng was told in three levels (tests/sed/spoken.py);
and the same with pitch, rate and loudness drawn from a range, of which a record says in which third they are. Each is
held against the literature's bounds, the data set and the speaker; then records are dealt out to other clips, beside
what chance gives; then noise, music and other voices are laid over the clips of three levels, against the scale of the
clean ones. With clips (any sound file), lists what can be said of each, by bounds. Takes four minutes on one core.
"""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from swift_saber.media.prosody import NAMES, measure
from swift_saber.media.sound import load
from swift_saber.mini import voice
from swift_saber.mini.world import EVAL_COUNTS, SILENT, record, sample_split, stream
from swift_saber.sed.claims import Read, read_voice
from swift_saber.sed.evidence import check
from swift_saber.sed.facts import facts
from swift_saber.sed.scale import Numbers, Scale, numbers
from tests.media.voices import RATE, Sound, band, chords, drums, melody, over, pink, white
from tests.sed.by_lot import chance, dealt, right
from tests.sed.spoken import Spoken, drawn, spoken

OTHERS = (white, pink, chords, melody, band, drums)


def measured(sound: Sound) -> Numbers:
    return numbers(measure(np.clip(sound, -1, 1).astype(np.float32)))


def demo() -> list[Spoken]:
    """The demo's 300 clips for evaluation; nobody speaks twice."""
    clips = []
    for truth in sample_split("eval", EVAL_COUNTS, 0):
        tone = None if truth.voice == SILENT else truth.voice
        sound = voice.synthesize(truth.pitch, tone, stream(0, truth.id, "voice"))
        clips.append(Spoken("", record(truth).acoustic_feat, sound))
    return clips


def agreement(title: str, clips: Sequence[Spoken], found: Sequence[Numbers]) -> Scale:
    """Print the scores against each scale, and return the one of speakers."""
    reads = [read_voice(clip.record) for clip in clips]
    nobody: list[str | None] = [None] * len(clips)
    speakers = [clip.speaker or None for clip in clips]
    scale = Scale.of(zip(speakers, found, strict=True))
    print(f"\n{title}: {len(clips)} clips\n\n| against | score | coverage | decided | dealt out | by chance |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, against, whose in (
        ("bounds", Scale(), nobody),
        ("data set", scale, nobody),
        ("speaker", scale, speakers),
    ):
        if whose is speakers and not any(speakers):
            continue
        score, by_lot = right(reads, found, against, whose), dealt(reads, found, against, whose)
        mean, deviation = chance(reads, found, against, whose)
        cells = [name, f"{score.value:.3f}", f"{score.coverage:.2f}", f"{score.decided} of {score.claims}"]
        print("|", " | ".join([*cells, f"{by_lot.value:.2f}", f"{mean:.2f} +- {deviation:.2f}"]), "|", flush=True)
    by_property(reads, found, scale, speakers)
    return scale


def by_property(reads: Sequence[Read], found: Sequence[Numbers], scale: Scale, speakers: Sequence[str | None]) -> None:
    """Print of each kind of claim how many agree, contradict and are undecided, against the speaker or the data set."""
    counts: dict[str, Counter[str]] = {}
    reasons: Counter[str] = Counter()
    for read, clip, speaker in zip(reads, found, speakers, strict=True):
        for verdict in check(read, clip, scale, speaker).verdicts:
            claim = verdict.claim
            kind = claim.property + (f" {claim.change}" if claim.change else " " + "-0+"[claim.direction + 1])
            counts.setdefault(("not " if claim.denied else "") + kind, Counter())[verdict.value] += 1
            reasons[verdict.reason] += 1
    for kind, values in sorted(counts.items()):
        print(
            f"  {kind}: {values['agrees']} agree, {values['contradicts']} contradict, {values['undecided']} undecided"
        )
    print("  undecided:", ", ".join(f"{reason} {count}" for reason, count in reasons.most_common() if reason))


def conditions(clips: Sequence[Spoken], scale: Scale) -> None:
    """Print how many of the claims are wrong, and undecided, under noise and music."""
    reads, speakers = [read_voice(clip.record) for clip in clips], [clip.speaker for clip in clips]
    dice = np.random.default_rng(1)
    print("\n| over the voice | wrong, % of the claims | undecided, % | score of decided |\n| --- | --- | --- | --- |")
    for make in (*OTHERS, None):
        for below in (20, 15, 10, 0):
            found = []
            for number, clip in enumerate(clips):
                other = make(len(clip.sound), dice) if make else clips[(7 * number + 13) % len(clips)].sound
                found.append(measured(over(clip.sound, other, below)))
            score = right(reads, found, scale, speakers)
            wrong, undecided = (score.decided - score.agrees) / score.claims, 1 - (score.coverage or 0)
            name = f"{make.__name__ if make else 'another speaker'}, {below} dB below"
            value = "-" if score.value is None else f"{score.value:.2f} of {score.decided}"
            print(f"| {name} | {100 * wrong:.1f} | {100 * undecided:.0f} | {value} |", flush=True)


def real(paths: Sequence[str]) -> None:
    """Print what is measured of some clips, and what of it is a fact."""
    for path in paths:
        found = measured(load(path, RATE))
        print(f"\n{Path(path).name}:", {name: found[name] for name in NAMES if found[name] is not None})
        print("  unsaid:", found["unsaid"] or "nothing")
        print("  " + (facts(found) or "no facts"), "|", facts(found, language="zh"))


def main() -> None:
    for title, clips in (
        ("The demo's world", demo()),
        ("espeak-ng, drawn from a range", list(drawn())),
        ("espeak-ng, three levels", list(spoken())),
    ):
        found = [measured(clip.sound) for clip in clips]
        scale = agreement(title, clips, found)
    conditions(clips, scale)
    read, start = read_voice(clips[0].record), time.perf_counter()
    for _ in range(1000):
        check(read, found[0], scale, clips[0].speaker)
    print(f"\n{time.perf_counter() - start:.2f} ms for the {len(read.claims)} claims of a record, once read")
    real(sys.argv[1:])


if __name__ == "__main__":
    main()

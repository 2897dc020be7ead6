"""A harder world than the demo's: six emotions, graded voices, a tenth of the labels wrong.

    python tests/benchmarks/hard_world.py make runs/hard/world --seed 1
    python tests/benchmarks/hard_world.py scores runs/hard/world/eval.jsonl runs/hard/answers.jsonl

`make` writes a folder like that of `swift-saber mini make`, which the same recipes and commands take; a model for it
comes from `swift-saber mini model`. `scores` prints what `swift-saber mini score` prints, and the conflicting clips by
strength.

A face also gapes and a voice also trembles, and both together are afraid. Three pairs of a face and a voice contradict
each other: a smile with a hostile voice is sarcastic, a smile with a trembling voice nervous, and a frown with a warm
voice forced calm. So below a smile the voice decides between three emotions. How much of its tone a voice shows, from
half to all, is drawn for each clip, of whatever kind, so that a slight tone says nothing about the kind. In a tenth of
the records for training and for pairs the conclusion names another emotion, drawn with the clip; the records of
held-out clips are right. The tiny model needs more steps of recipes/mini/sed.yaml than the demo's to hear (SED_STEPS:
--max_steps 400 --save_steps 400). What is said of the demo's world holds here too: it is a demonstration, built so that
the face dominates.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # as `python tests/benchmarks/...` has not
from swift_saber.data.rows import read_rows, response_of, row_id
from swift_saber.mini import voice, world
from swift_saber.mini.rules import FOLLOWS
from swift_saber.mini.score import format_report, judge
from swift_saber.mini.world import EMOTIONS, HIDDEN, KINDS, PLAIN, SILENT, Truth, record, stream
from swift_saber.text.files import whole

VERSION = 2  # of the generator: raise it when the same seed would give other clips, words or files

#: What agrees, and what contradicts each other; clip number n of a kind is of case n modulo 3.
AGREEING = (("smile", "warm"), ("frown", "hostile"), ("gape", "trembling"))
CONFLICTING = (("smile", "hostile"), ("frown", "warm"), ("smile", "trembling"))
STRENGTHS = (0.5, 1.0)  # of a voice, uniform; the demo's have 1
WRONG = 0.1  # share of wrong records
# With recipes/mini/sed.yaml. After its 240 the model told the voices apart by chance; that was seen on an earlier
# version of this world, with weaker shakes and strengths from 0.4, and not tried again on this one.
SED_STEPS = 400

# As many rows as the demo's, and as rare conflicts; every count divides by 3, but for the 11 conflicts of 0.5%.
TRAIN_COUNTS = {"consistent": 651, "plain": 549, "conflict": 11, "hidden": 402, "mute": 588}
PAIRS_COUNTS = {"consistent": 102, "conflict": 90, "hidden": 21, "mute": 21}
EVAL_COUNTS = {"consistent": 102, "conflict": 120, "hidden": 51, "mute": 51}


@dataclass(frozen=True)
class HardTruth(Truth):
    """What this world knows about one clip.

    Attributes:
        strength: how much of its tone the voice shows, within STRENGTHS; None for a plain voice and for silence.
        recorded: the emotion that the clip's record names, right or wrong.
    """

    strength: float | None
    recorded: str


def sample_clip(kind: str, split: str, index: int, seed: int) -> HardTruth:
    """Draw one clip's truth, as world.sample_clip does; the records of the split "eval" are right."""
    shown, sounds = (CONFLICTING if kind == "conflict" else AGREEING)[index % 3]
    shown = HIDDEN if kind == "hidden" else shown
    sounds = {"plain": PLAIN, "mute": SILENT}.get(kind, sounds)
    drawn = world.sample_clip(kind, split, index, seed)  # for the colours and the pitch
    rng = stream(seed, drawn.id, "hard")
    strength, wrong = float(rng.uniform(*STRENGTHS)), rng.random() < WRONG and split != "eval"
    emotion = FOLLOWS[shown, sounds]
    others = [other for other in EMOTIONS if other != emotion]
    truth = replace(drawn, face=shown, voice=sounds, emotion=emotion)
    return HardTruth(
        **asdict(truth),
        strength=None if sounds in (PLAIN, SILENT) else round(strength, 3),
        recorded=str(rng.choice(others)) if wrong else emotion,
    )


def sample_split(split: str, counts: Mapping[str, int], seed: int) -> list[HardTruth]:
    """The truths of `counts[kind]` clips of each kind, in the order of KINDS."""
    return [sample_clip(kind, split, index, seed) for kind in KINDS for index in range(counts.get(kind, 0))]


def write_clip(truth: HardTruth, *, media: Path, seed: int) -> None:
    """Write one clip's mp4 and wav, as world.write_clip does, the voice in its strength."""
    wav = media / f"{truth.id}.wav"
    if truth.strength is not None and not wav.exists():
        sound = voice.synthesize(truth.pitch, truth.voice, stream(seed, truth.id, "voice"), truth.strength)
        with whole(wav) as part:
            voice.write_wav(part, sound)
    world.write_clip(truth, media=media, seed=seed)


def training_row(truth: HardTruth, media: Path) -> dict[str, Any]:
    """A row as world.training_row makes it, with the record's emotion, right or not, and whether it is wrong."""
    written = record(replace(truth, emotion=truth.recorded)).to_dict()
    return {**world.training_row(truth, media), **written, "wrong_record": truth.recorded != truth.emotion}


def write_world(
    out_dir: Path,
    *,
    seed: int = 0,
    train_counts: Mapping[str, int] = TRAIN_COUNTS,
    pairs_counts: Mapping[str, int] = PAIRS_COUNTS,
    eval_counts: Mapping[str, int] = EVAL_COUNTS,
    workers: int | None = None,
) -> Path:
    """Write this world as world.write_world writes the demo's, and return the manifest's path."""
    counts = {"train": train_counts, "pairs": pairs_counts, "eval": eval_counts}
    settings = {"world": "hard", "version": VERSION, "seed": seed, **{split: dict(of) for split, of in counts.items()}}
    truths = {split: sample_split(split, of, seed) for split, of in counts.items()}
    return world.write_folder(out_dir, settings, truths, write_one=write_clip, row=training_row, workers=workers)


def by_strength(
    rows: Iterable[Mapping[str, Any]], answers: Mapping[str, str], parts: int = 3
) -> list[dict[str, float]]:
    """Scores of the conflicting clips, from slight to full voices.

    Args:
        rows: the rows of eval.jsonl.
        answers: answer text by row id.
        parts: how many equal ranges of strength.

    Returns:
        For each range that has clips, n: how many; from, to: their least and greatest strength; acoustic, emotion: the
        shares that are right.
    """
    low, high = STRENGTHS
    ranges: list[list[tuple[float, dict[str, bool]]]] = [[] for _ in range(parts)]
    for row in rows:
        if (labels := row["labels"])["kind"] == "conflict":
            part = int((labels["strength"] - low) / (high - low) * parts)
            ranges[min(part, parts - 1)].append((labels["strength"], judge(labels, answers.get(row["id"]))))
    return [
        {
            "n": len(found),
            "from": min(strength for strength, _ in found),
            "to": max(strength for strength, _ in found),
            **{sense: sum(right[sense] for _, right in found) / len(found) for sense in ("acoustic", "emotion")},
        }
        for found in ranges
        if found
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("make", help="write the world's folder")
    make.add_argument("folder", type=Path)
    make.add_argument("--seed", type=int, default=0)
    make.set_defaults(run=lambda args: write_world(args.folder, seed=args.seed))
    scores = commands.add_parser("scores", help="scores of answers, conflicts by strength")
    scores.add_argument("questions", type=Path)
    scores.add_argument("answers", type=Path)
    scores.set_defaults(run=_scores)
    args = parser.parse_args()
    args.run(args)


def _scores(args: argparse.Namespace) -> None:
    truth = [row for _, row in read_rows(args.questions)]
    answers = {row_id(row): response_of(row, where) for where, row in read_rows(args.answers)}
    print(format_report(truth, answers))
    print("conflicts by the strength of the voice:")
    for part in by_strength(truth, answers):
        print("  {from:.2f} to {to:.2f}, n {n}: voice line {acoustic:.2f}, emotion {emotion:.2f}".format(**part))


if __name__ == "__main__":
    main()

"""Commands killed at random instants: is any row lost or doubled, is anything paid twice, how large does it become?

    python tests/benchmarks/attack_kills.py infer sample sample-here score eval pipeline sft --kills 60
    python tests/benchmarks/attack_kills.py infer sample-here --kills 20 --model runs/demo/sed/model

Each is killed in all ways (tests/attack/kills.py) and started again until it is through; a command that is through
before so many kills begins anew. Prints a line for each time, and ends with status 1 where a count does not hold. With
--model, infer and sample-here ask a real model in the place of a stand-in, and sft trains it (the demo's base model; a
tiny one is made where none is named).
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from swift_saber.data.rows import read_rows
from swift_saber.mini.world import write_world
from tests.attack import kill_scenes, kill_training

#: rows, and how many changes lie at most between two instants: sizes at which a score of kills fall into one run.
SIZES: Mapping[str, tuple[int, int]] = {
    "infer": (600, 40),
    "sample": (120, 40),
    "sample-here": (300, 24),
    "score": (250, 80),
    "eval": (400, 60),
    "pipeline": (14, 60),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commands", nargs="+", choices=[*SIZES, "sft"], metavar="COMMAND")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", type=Path, help="a model folder")
    args = parser.parse_args()
    scenes, limit = dict(kill_scenes.SCENES), kill_scenes.LARGEST
    if args.model:
        scenes["infer"] = kill_scenes.inference(args.model.resolve())
        scenes["sample-here"] = kill_scenes.sampling_here(args.model.resolve())
        limit = kill_scenes.LARGEST_WITH_MODEL
    wrong = 0
    for name in args.commands:
        if name == "sft":
            wrong += _train(args.model, args.kills, args.seed)
            continue
        rows, changes = SIZES[name]
        done = times = 0
        while done < args.kills:
            with tempfile.TemporaryDirectory() as folder:
                report = kill_scenes.kill(
                    name,
                    scenes[name],
                    Path(folder),
                    rows=rows,
                    kills=args.kills - done,
                    changes=changes,
                    seed=args.seed + times,
                    limit=limit,
                )
            print(report.line(), flush=True)
            wrong += bool(report.problems)
            done, times = done + report.told.kills.total(), times + 1
    return 1 if wrong else 0


def _train(model: Path | None, kills: int, seed: int) -> int:
    """Train the demo's model on 30 rows, 4 epochs a time; return how often a count did not hold."""
    wrong = done = times = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_world(folder / "world", train_counts={"consistent": 20, "plain": 10}, pairs_counts={}, eval_counts={})
        rows = [row for _, row in read_rows(folder / "world" / "train.jsonl")]
        if model is None:
            model = folder / "base"
            build = [sys.executable, "-m", "swift_saber.cli", "mini", "model", folder / "world", model]
            subprocess.run(build, check=True, capture_output=True)
        while done < kills:
            report = kill_training.train(
                model.resolve(),
                rows,
                folder / str(times),
                epochs=4,
                kills=kills - done,
                changes=80,
                seed=seed + times,
            )
            print(report.line(), flush=True)
            wrong += bool(report.problems)
            done, times = done + report.told.kills.total(), times + 1
    return wrong


if __name__ == "__main__":
    sys.exit(main())

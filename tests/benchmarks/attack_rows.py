"""Hostile rows through `swift-saber check` and `swift-saber infer`, at full size: nothing is lost and nothing crashes.

    python -m tests.benchmarks.attack_rows --rows 3000 --seed 1

The model is the stand-in of the suite (tests/inference/fake_model.py); all before it is what a user runs. Of the rows
30 % are good. At the end stands the count: rows in = answers + rejects, those rejected are those that are wrong, and
how many kinds of wrong there were. Exit status: 0 where the count is right, 1 where it is not.
"""

import argparse
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from swift_saber.data.check import check_rows
from swift_saber.data.rows import read_rows
from swift_saber.inference.run import infer
from swift_saber.models import process
from tests.attack.hostile_rows import mixed
from tests.inference import fake_model
from tests.media_faults import encode, frames, sound


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=3000, help="lines to write (default 3000)")
    parser.add_argument("--seed", type=int, default=0, help="of their order and of what is cut (default 0)")
    args = parser.parse_args()
    process.serve = fake_model.serve
    with tempfile.TemporaryDirectory() as name:
        return attack(Path(name), args.rows, args.seed)


def attack(folder: Path, rows: int, seed: int) -> int:
    """Write the rows into a folder, run both commands on them and print the count; return the exit status."""
    clip, data, result, model = (folder / part for part in ("clip.mp4", "in.jsonl", "out.jsonl", "model"))
    encode(clip, frames(), sound())
    model.mkdir()
    (model / "config.json").write_text("{}")
    wrong: Counter[str] = Counter()
    bad: set[int] = set()
    number = 1
    with data.open("wb") as file:
        for line in mixed(clip, seed, rows):
            file.write(line.text)
            parts = line.text.split(b"\n")[:-1]
            if line.kind is not None:
                bad |= {number + place for place, part in enumerate(parts) if part.strip()}
                wrong[line.kind] += 1
            number += len(parts)
    began = time.monotonic()
    checked = list(check_rows(data, workers=2, limit=60, root=None))
    asked = {_line(row.where) for row in checked if row.problem is None and not row.for_training}
    checking, began = time.monotonic() - began, time.monotonic()
    status = infer(str(model), str(data), str(result))
    again = infer(str(model), str(data), str(result))
    answers = sum(1 for _ in read_rows(result))
    rejected = {_line(row["where"]) for _, row in read_rows(folder / "out.rejects.jsonl")}
    right = answers + len(rejected) == rows == len(checked) and rejected == bad and len(asked) == answers
    right = right and not asked & bad and status == again == 1
    print(f"rows in            {rows:>6}   ({rows - len(bad)} good, {len(bad)} wrong in {len(wrong)} ways)")
    print(f"answers            {answers:>6}\nrejects            {len(rejected):>6}")
    print(f"usable, says check {len(asked):>6}")
    print(f"wrongly answered   {len(bad - rejected):>6}\nwrongly rejected   {len(rejected - bad):>6}")
    memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    print(f"largest process    {np.ceil(memory):>6.0f} MB")
    print(f"seconds            {checking:>6.0f} check, {time.monotonic() - began:.0f} infer twice")
    print("the count is right" if right else "THE COUNT IS WRONG")
    return 0 if right else 1


def _line(where: str) -> int:
    return int(where.rpartition(":")[2])


if __name__ == "__main__":
    raise SystemExit(main())

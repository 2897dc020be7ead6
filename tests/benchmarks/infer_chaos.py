"""200 rows, killed with SIGKILL at 50 random instants: does every row end exactly once?

    python tests/benchmarks/infer_chaos.py runs/demo

Asks the demo's SED model about its held-out clips, a few of them replaced by files that cannot be read, one row at a
time so that there are many instants to be killed at. Prints one line; the exit status is 1 if a row is lost or doubled.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = read(args.demo / "eval.jsonl")[: args.rows]
        (folder / "broken.mp4").write_bytes(b"no video here")
        for row in rng.sample(rows, args.rows // 20):
            row["videos"] = [str(folder / "broken.mp4")]
        (folder / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        # Short answers, so that 50 starts are not followed by hours of writing.
        command = [sys.executable, "-m", "swift_saber.cli", "infer", str((args.demo / "sed" / "model").resolve())]
        command += ["in.jsonl", "out.jsonl", "0", "--max_batch_size", "1", "--max_new_tokens", "24"]
        kills = 0
        found: list[int] = []
        while kills < args.kills:
            run = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            # Half of the kills while it starts, half while it writes.
            before, start = count(folder), time.monotonic()
            if rng.random() < 0.5:
                time.sleep(rng.uniform(0, 8))
            else:
                while (
                    count(folder) < before + rng.randint(1, 4) and run.poll() is None and time.monotonic() < start + 90
                ):
                    time.sleep(0.01)
                time.sleep(rng.uniform(0, 0.3))
            if run.poll() is not None:
                break  # all is answered
            run.kill()
            run.wait()
            kills += 1
            found.append(count(folder))
        last = subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        ids = [row["id"] for name in ("out.jsonl", "out.rejects.jsonl") for row in read(folder / name)]
        once = sorted(ids) == sorted(row["id"] for row in rows)
        print(
            f"{len(rows)} rows, {kills} kills (at {found[0]} to {found[-1]} rows): {len(set(ids))} ids, "
            f"{len(ids) - len(set(ids))} doubled, {len(rows) - len(set(ids))} lost; last status {last.returncode}"
        )
    return 0 if once and kills == args.kills else 1


def read(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text().split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def count(folder: Path) -> int:
    path = folder / "out.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


if __name__ == "__main__":
    sys.exit(main())

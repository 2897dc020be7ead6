"""Rows per second and memory of SABER data through `--dataset`, next to ms-swift's own messages rows.

    python tests/benchmarks/preprocess_rows.py --rows 600000 --repeat 3

Writes the rows (about 2 KB each, a third of them Chinese; all name one real clip) twice: as SABER records, and as the
`messages` that they become. Each file is loaded by ms-swift's load_dataset in a process of its own with empty caches,
the two kinds by turns. Prints the median rows per second of each, their ratio, and the peak memory of each process at a
tenth of the rows and at all of them: memory is bounded when the two agree.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ENGLISH = "She leans on the counter, looks past him and answers slowly, with a smile that does not reach her eyes. "
CHINESE = "她靠在柜台边，目光越过他，缓慢地回答，脸上的微笑并没有到达眼睛，语气却平淡而生硬。"


def records(count: int, clip: Path) -> Iterator[dict[str, Any]]:
    media = {"videos": [str(clip)], "audios": [str(clip.with_suffix(".wav"))]}
    for number in range(count):
        chinese = number % 3 == 0
        text = CHINESE * 3 if chinese else ENGLISH * 3
        yield {
            "id": f"clip-{number:07}",
            "source": "benchmark",
            **media,
            "consistency": "inconsistent" if number % 2 else "consistent",
            "labels": {"emotion": "joy", "valence": number / count},
            "audio_desc": {"speech_content": f"{number} <laughs>", "acoustic_feat": text},
            "video_desc": text,
            "facial_exp_desc": text,
            "body_lang_desc": text,
            "sentiment_analysis": text,
        }


def write(folder: Path, count: int) -> dict[str, Path]:
    """Write both files and return their paths by kind."""
    from swift_saber.data.convert import to_swift_row
    from swift_saber.data.rows import write_rows
    from swift_saber.mini.world import write_world

    write_world(folder / "world", train_counts={"consistent": 1}, eval_counts={"consistent": 1})
    clip = next((folder / "world" / "media").glob("*.mp4"))
    paths = {kind: folder / f"{kind}-{count}.jsonl" for kind in ("saber", "messages")}
    write_rows(paths["saber"], records(count, clip))
    columns = ("messages", "videos", "audios")
    converted = (to_swift_row(row, row["id"]) for row in records(count, clip))
    write_rows(paths["messages"], ({column: row[column] for column in columns} for row in converted))
    return paths


def load(kind: str, path: str) -> None:
    """Runs in a process of its own: load one file and print its figures as JSON."""
    from swift.dataset import load_dataset

    if kind == "saber":
        from swift_saber.plugin import saber_register

        saber_register.register()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    rows = len(load_dataset(path)[0])
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"rows": rows, "seconds": seconds, "peak_mb": peak // 1024, "grown_mb": (peak - before) // 1024}))


def measure(kind: str, path: Path, folder: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=folder) as cache:
        env = {**os.environ, "MODELSCOPE_CACHE": cache, "HF_HOME": cache, "HF_DATASETS_CACHE": cache}
        command = [sys.executable, __file__, "--load", kind, str(path)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    figures: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=600_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--load", nargs=2, metavar=("KIND", "PATH"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.load:
        return load(*args.load)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"writing {args.rows} rows", flush=True)
        small, large = write(folder, args.rows // 10), write(folder, args.rows)
        print(f"{large['saber'].stat().st_size / 1e9:.2f} GB of SABER rows", flush=True)
        runs: dict[str, list[dict[str, float]]] = {"saber": [], "messages": []}
        for _ in range(args.repeat):
            for kind, figures in runs.items():
                figures.append(measure(kind, large[kind], folder))
                print(kind, figures[-1], flush=True)
        rate = {kind: statistics.median(f["rows"] / f["seconds"] for f in figures) for kind, figures in runs.items()}
        for kind, figures in runs.items():
            tenth, full = measure(kind, small[kind], folder), figures[0]
            memory = ", ".join(f"{run['peak_mb']:.0f} MB at {run['rows']:.0f} rows" for run in (tenth, full))
            print(f"{kind:<9}{rate[kind]:>9.0f} rows/s   peak memory {memory}")
        print(f"ratio saber / messages: {rate['saber'] / rate['messages']:.2f}")
    return None


if __name__ == "__main__":
    main()

"""Batches against the published one-by-one stream: 64 clips through both, by turns, in one run.

    python tests/benchmarks/infer_throughput.py runs/demo

The stream is `swift infer --stream true`, as in the published script; the other is shell/infer.sh's command. Both get
the demo's SED model, the same clips, temperature 0 and the same longest answer. The time of the same command with one
clip is taken off, so that the model's loading counts for neither; whole commands are printed beside. Medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOKENS = ("--max_new_tokens", "100", "--temperature", "0")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    model = (args.demo / "sed" / "model").resolve()
    settings = json.loads((model / "args.json").read_text())["media_settings"]
    lines = (args.demo / "eval.jsonl").read_text().splitlines()
    times: dict[tuple[str, int], list[float]] = {}
    answers: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for clips in (1, args.clips):
            # A clip of each kind in turn.
            chosen = [lines[place * len(lines) // clips] for place in range(clips)]
            (folder / f"{clips}.jsonl").write_text("\n".join(chosen) + "\n")
        for turn in range(args.repeat):
            for clips in (1, args.clips):
                for way in ("stream", "batches"):
                    result = folder / f"{way}-{clips}-{turn}.jsonl"
                    seconds = run(command(way, model, folder / f"{clips}.jsonl", result), settings)
                    times.setdefault((way, clips), []).append(seconds)
                    rows = [json.loads(line) for line in result.read_text().splitlines()]
                    answers[way] = [row["response"] for row in rows]  # both keep the order of the questions
    for way in ("stream", "batches"):
        whole, alone = (statistics.median(times[way, clips]) for clips in (args.clips, 1))
        rate = (args.clips - 1) / (whole - alone)
        print(f"{way}: {args.clips} clips {whole:.1f} s, 1 clip {alone:.1f} s, so {rate:.2f} clips/s once loaded")
    whole, net = (ratio(times, args.clips, taken_off) for taken_off in (False, True))
    same = sum(one == other for one, other in zip(answers["stream"], answers["batches"], strict=True))
    print(f"batches are {net:.1f} times as fast once loaded, {whole:.1f} times as a whole; {same} equal answers")


def ratio(times: dict[tuple[str, int], list[float]], clips: int, taken_off: bool) -> float:
    stream, batches = (
        statistics.median(times[way, clips]) - (statistics.median(times[way, 1]) if taken_off else 0)
        for way in ("stream", "batches")
    )
    return stream / batches


def command(way: str, model: Path, rows: Path, result: Path) -> list[str]:
    if way == "batches":
        return [sys.executable, "-m", "swift_saber.cli", "infer", str(model), str(rows), str(result), "0", *TOKENS]
    stream = ["-m", "swift.cli.main", "infer", "--model", str(model), "--val_dataset", str(rows), "--stream", "true"]
    return [sys.executable, *stream, "--result_path", str(result), *TOKENS]


def run(arguments: list[str], settings: dict[str, str]) -> float:
    start = time.monotonic()
    environment = {**os.environ, **settings, "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0")}
    subprocess.run(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


if __name__ == "__main__":
    main()

"""Batches, and vLLM, against the published one-by-one stream: the same 300 clips through all, by turns, in one run.

    python tests/benchmarks/infer_throughput.py runs/demo --engine .venv-engine/bin/python

The stream is `swift infer --stream true`, as in the published script; the others are shell/infer.sh's command, the last
with --infer_backend vllm and the Python of an environment that has it (shell/test_engine.sh makes one; left out without
--engine). All get the demo's SED model, the same clips, temperature 0 and the same longest answer. The time of the same
command with one clip is taken off, so that the model's loading counts for none; whole commands are printed beside.
Medians.
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
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--engine", help="a Python that has swift-saber and vLLM")
    args = parser.parse_args()
    ways = {"stream": sys.executable, "batches": sys.executable, **({"vllm": args.engine} if args.engine else {})}
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
                for way, python in ways.items():
                    result = folder / f"{way}-{clips}-{turn}.jsonl"
                    # Stock swift does not have our reader; of these clips decord gives the same pixels.
                    reader = {"FORCE_QWENVL_VIDEO_READER": "decord"} if way == "stream" else {}
                    called = [python, *command(way, model, folder / f"{clips}.jsonl", result)]
                    seconds = run(called, {**settings, **reader}, folder / "log.txt")
                    times.setdefault((way, clips), []).append(seconds)
                    rows = [json.loads(line) for line in result.read_text().splitlines()]
                    answers[way] = [row["response"] for row in rows]  # all keep the order of the questions
    whole = {way: statistics.median(times[way, args.clips]) for way in ways}
    loaded = {way: seconds - statistics.median(times[way, 1]) for way, seconds in whole.items()}
    for way in ways:
        same = sum(one == other for one, other in zip(answers["stream"], answers[way], strict=True))
        print(
            f"{way}: {args.clips} clips {whole[way]:.1f} s, {(args.clips - 1) / loaded[way]:.2f} clips/s once loaded; "
            f"{loaded['stream'] / loaded[way]:.1f} times the stream once loaded, "
            f"{whole['stream'] / whole[way]:.1f} times as a whole; {same} answers equal to the stream's"
        )


def command(way: str, model: Path, rows: Path, result: Path) -> list[str]:
    if way == "stream":
        stream = ["-m", "swift.cli.main", "infer", "--model", str(model), "--val_dataset", str(rows)]
        return [*stream, "--stream", "true", "--result_path", str(result), *TOKENS]
    backend = ["--infer_backend", "vllm"] if way == "vllm" else []
    return ["-m", "swift_saber.cli", "infer", str(model), str(rows), str(result), "0", *TOKENS, *backend]


def run(arguments: list[str], settings: dict[str, str], log: Path) -> float:
    start = time.monotonic()
    environment = {**os.environ, **settings, "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0")}
    with log.open("w") as file:
        done = subprocess.run(arguments, env=environment, stdout=file, stderr=file, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)}: status {done.returncode}\n{log.read_text()[-2000:]}")
    return time.monotonic() - start


if __name__ == "__main__":
    main()

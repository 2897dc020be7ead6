"""Is the pipeline's memory flat? The stages that ask models, over made-up rows, against a server that answers at once.

    python tests/benchmarks/pipeline_scale.py --rows 1000 10000

Prints a Markdown table: rows, rows per second of each stage, and the largest process of the run. The rows name files
that only have to be there (media: path), so it is rows, requests and replies that are measured, and no media.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import yaml

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.llm_server import Asked, LLMServer, Reply, label, record, say

STAGES = ("annotate", "consistency", "split")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 10000])
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    print(f"| rows | {' | '.join(f'{stage}, rows/s' for stage in STAGES)} | largest process, MB |")
    print("| --- | " + "--- | " * (len(STAGES) + 1))
    for count in args.rows:
        with tempfile.TemporaryDirectory() as name, LLMServer(_answer) as server:
            rates, peak = _run(Path(name), count, args.workers, server.url)
        print(f"| {count:,} | {' | '.join(f'{rate:,.0f}' for rate in rates)} | {peak / 1e6:,.0f} |", flush=True)


def _answer(asked: Asked) -> Reply:
    if asked.model == "annotator":
        return say(record("en"))
    return say(label(("smiles", "hostile")) if len(asked.key) and int(asked.key, 16) % 2 else label())


def _run(folder: Path, count: int, workers: int, url: str) -> tuple[list[float], int]:
    for name in ("clip.mp4", "clip.wav"):
        (folder / name).write_bytes(b"-")
    media = {"videos": [str(folder / "clip.mp4")], "audios": [str(folder / "clip.wav")]}
    with (folder / "rows.jsonl").open("w") as file:
        for number in range(count):
            row = {"id": f"made/{number:07d}", "source": "made", "language": "en", "speaker": f"made/{number // 20}"}
            file.write(json.dumps(row | media) + "\n")
    service = {"base_url": url, "concurrency": 8}
    recipe = {
        "output": str(folder / "out"),
        "workers": workers,
        "tasks": 4,
        "sources": [{"rows": str(folder / "rows.jsonl")}],
        "annotate": {"model": "annotator", "media": "path", **service},
        "consistency": {"model": "labeller", **service},
        "split": {"test": count // 20 * 2},
    }
    (folder / "r.yaml").write_text(yaml.safe_dump(recipe))
    rates, peak = [], 0
    for stage in STAGES:
        begin = time.monotonic()
        command = [sys.executable, "-m", "swift_saber.cli", "pipeline", str(folder / "r.yaml"), "--until", stage]
        run = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while run.poll() is None:
            for process in [run, *run.children(recursive=True)]:
                try:
                    peak = max(peak, process.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            time.sleep(0.1)
        if run.returncode:
            sys.exit(run.stderr.read().decode())
        rates.append(count / (time.monotonic() - begin))
    return rates, peak


if __name__ == "__main__":
    main()

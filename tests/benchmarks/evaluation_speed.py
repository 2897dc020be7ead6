"""How long EmoBench-M takes but for its model: 5,600 questions listed, and as many answers scored.

    python tests/benchmarks/evaluation_speed.py --questions 5600 --repeat 3

Makes a folder in the benchmark's layout, its 13 scenarios alike in size, with clips of a second (H.264 with AAC sound:
listing opens each to see whether there is any), and answers of which one in ten says no label. Then, in this process,
runs the command twice a time: without answers, which writes the questions, and with them, which lists the questions
again, scores them and writes the folder. Prints the seconds of each, least to most. No judge and no BERTScore.
"""

import argparse
import contextlib
import io
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from swift_saber.cli.main import main as swift_saber
from swift_saber.data.rows import write_rows
from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS
from swift_saber.evaluation.summary import read_items
from tests.evaluation.benchmarks.emobench_m.folder import truths, write_benchmark
from tests.media_faults import encode, frames, sound


def make(folder: Path, count: int) -> Path:
    """Write the benchmark with so many questions a scenario, and the answers; return the file of these."""
    write_benchmark(folder / "EmoBench-M", list(SCENARIOS), count, clips=False)
    clip = folder / "clip.mp4"
    encode(clip, frames(8), sound(1))
    rows = []
    for name in SCENARIOS:
        said = truths(name, count + 1)
        for number in range(count):
            shutil.copyfile(clip, folder / f"EmoBench-M/dataset/{name}/videos/{number}.mp4")
            answer = said[number + number % 2] if number % 10 else "I cannot tell."
            rows.append({"id": f"{name}/{number}", "response": answer})
    write_rows(folder / "answers.jsonl", rows)
    return folder / "answers.jsonl"


def seconds(*options: object) -> float:
    """Run `swift-saber eval emobench-m` with its output put away."""
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        status = swift_saber(["eval", "emobench-m", *map(str, options)])
    if status:
        sys.exit(f"the command failed with {status}")
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=5600, help="in all (default 5600)")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        answers = make(folder, -(-args.questions // len(SCENARIOS)))
        listed, scored = [], []
        for turn in range(args.repeat):
            run = ("--data", folder / "EmoBench-M", "-o", folder / f"run{turn}")
            listed.append(seconds(*run))
            scored.append(seconds(*run, "--answers", answers))
        count = len(read_items(folder / "run0"))
    print(f"{count} questions, {args.repeat} times, Python {platform.python_version()}")
    print(f"  listed             {statistics.median(listed):6.1f} s   {min(listed):.1f} - {max(listed):.1f}")
    both = f"{min(scored):.1f} - {max(scored):.1f}"
    print(f"  listed and scored  {statistics.median(scored):6.1f} s   {both}")


if __name__ == "__main__":
    main()

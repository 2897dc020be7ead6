"""Seconds and memory that the figures of many reviews take, beside those of reading the reviews alone.

    python tests/benchmarks/agreement_speed.py --records 20000 --reviewers 2 --repeat 3

Makes so many records of about 2 KB in six dimensions, a third of them Chinese, and all reviewers say something of each,
through the log that the page writes: of ten records seven are accepted, two corrected in a label, a text or both, and
one is rejected. Prints medians, each time of a process of its own: `read` is log.latest_reviews alone, `figures` is
what `review agreement` does. --keep names a folder in which the reviews stay, and are found the next time.
"""

import argparse
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from swift_saber.data.rows import write_rows
from swift_saber.review.agreement import read_figures
from swift_saber.review.items import Items
from swift_saber.review.log import ReviewLog, latest_reviews
from swift_saber.review.plan import load_plan
from tests.report.made import CHINESE, FIELDS

EMOTIONS = ("angry", "happy", "sad", "neutral", "weary", "surprise")
WORK = {"read": latest_reviews, "figures": read_figures}


def write_reviews(folder: Path, count: int, reviewers: int) -> Path:
    """Write records, and what reviewers say of them; return the folder of the reviews."""
    chance = random.Random(0)
    rows = []
    for number in range(count):
        base, times, language = (CHINESE, 15, "zh") if number % 3 == 0 else (FIELDS, 5, "en")
        texts = {name: f"{number} {text * times}" for name, text in base.items()}
        audio = {name: texts.pop(name) for name in ("acoustic_feat", "speech_content")}
        about = {"source": f"set{number % 5}", "language": language}
        about |= {"consistency": chance.choice(("consistent", "inconsistent"))}
        labels = {"emotion": chance.choice(EMOTIONS)}
        rows.append({"id": f"clip{number}", **about, "audio_desc": audio, **texts, "labels": labels})
    write_rows(folder / "records.jsonl", rows)
    items = Items([folder / "records.jsonl"])
    names = tuple(f"person{number}" for number in range(reviewers))
    load_plan(folder / "reviews", items, {"reviewers": names, "overlap": count})
    for name in names:
        with ReviewLog(folder / "reviews", name) as log:
            for item in items.values():
                after, decision = dict(item.values), chance.choices(("accept", "correct", "reject"), (7, 2, 1))[0]
                if decision == "correct":
                    edited = chance.choice(("emotion", "facial_exp_desc", "both"))
                    if edited != "facial_exp_desc":
                        after["emotion"] = chance.choice(EMOTIONS)
                    if edited != "emotion":
                        after["facial_exp_desc"] = after["facial_exp_desc"][20:] + " One more word."
                log.save(f"of {item.id}", item, 0, decision=decision, reason="", after=after)
    return folder / "reviews"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--reviewers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder of what is made (default: a temporary one)")
    parser.add_argument("--one", choices=WORK, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        begin = time.monotonic()
        WORK[args.one](args.keep)
        print(time.monotonic() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = args.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        reviews = folder / "reviews"
        if not reviews.exists():
            write_reviews(folder, args.records, args.reviewers)
        size = sum(path.stat().st_size for path in reviews.glob("*.jsonl")) / 1e6
        print(f"{args.records} records, {args.reviewers} reviewers, {size:.0f} MB of reviews")
        for work in WORK:
            command = [sys.executable, __file__, "--one", work, "--keep", str(reviews)]
            found = [[*map(float, subprocess.check_output(command).split())] for _ in range(args.repeat)]
            seconds, memory = (statistics.median(column) for column in zip(*found, strict=True))
            print(f"  {work:<8} {seconds:6.2f} s  {args.records / seconds:8,.0f} records/s  {memory:6,.0f} MB")


if __name__ == "__main__":
    main()

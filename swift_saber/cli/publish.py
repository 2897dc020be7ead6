"""The command `swift-saber publish`: records as a data set that others can load. Nothing is uploaded.

swift-saber publish runs/saber-data -o dataset/
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from swift_saber.cli import command, count
from swift_saber.errors import one_line

_FORMS = ("paths", "webdataset", "parquet", "annotations")
_SHOWN = 10  # records that were not published; all of them are in the report


def add_publish(commands: Any) -> None:
    text = "records as a data set that others can load; nothing is uploaded"
    example = "publish runs/saber-data -o dataset --form webdataset --settings publish.yaml"
    parser = command(commands, "publish", _publish, text, example)
    parser.description = (
        "Write records, and the clips of sources that may be given on, as a data set with a card that\n"
        "datasets.load_dataset reads. Nothing is uploaded. Paths of this machine, names of reviewers and annotators,\n"
        "hosts and keys are left out, and looked for at the end. Name, licence, contact and whose clips may be given\n"
        "on are the block `publish:` of the run's recipe, or --settings (recipes/publish.md). Exit status: 0 all was\n"
        "published, 1 where a clip is missing, broken or another one than was annotated: the report, beside the\n"
        "folder, lists them."
    )
    parser.add_argument("records", nargs="+", type=Path, metavar="RUN", help="a run's folder, or JSONL of records")
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the data set")
    forms = "paths, files beside the rows (default); webdataset, tar; parquet, bytes in tables; annotations, no clips"
    parser.add_argument("--form", choices=_FORMS, default="paths", help=f"what clips become: {forms}")
    parser.add_argument("--settings", type=Path, help="YAML of name, licence, contact, homepage, citation, media")
    reviews = "folder of the reviews of records without a run: the card says how far people agree"
    parser.add_argument("--reviews", type=Path, metavar="FOLDER", help=reviews)
    parser.add_argument("--shard-mb", type=count, default=500, metavar="MB", help="size of a shard (default 500)")
    parser.add_argument(
        "--workers", type=count, default=os.cpu_count() or 1, help="processes that look at clips (default: one a core)"
    )


def _publish(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from swift_saber.pipeline.publish.publish import publish

    with tqdm(unit="clip", desc="publish") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = publish(
            args.records,
            args.output,
            form=args.form,
            settings=args.settings,
            reviews=args.reviews,
            shard_bytes=args.shard_mb * 1_000_000,
            workers=args.workers,
            progress=progress,
        )
    said = found.to_dict()
    for row in found.refused[:_SHOWN]:
        print(one_line(f"{row['where']}: {row['id']}: {row['reason']}; {row['remedy']}"), file=sys.stderr)
    for path in found.passed_over:
        print(f"passed over, as it holds no records: {one_line(str(path))}")
    for split, rows in said["published"].items():
        print(f"{split:<12} {rows}")
    apart = sum(rows for (_, _, here), rows in found.made.rows.items() if not here)
    print(f"without clip {apart}\nrefused      {len(found.refused)}")
    for column, rows in said["left out"].items():
        print(one_line(f"left out     {column}: {rows} rows"))
    print(f"written to {args.output}; the report to {found.report}, which is not to be published")
    return 1 if found.refused else 0

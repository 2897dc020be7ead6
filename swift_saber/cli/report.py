"""The command `swift-saber report`: one page with the answers beside their clips, and the scores.

swift-saber report evaluations/ours evaluations/base -o report.html
"""

import argparse
from pathlib import Path
from typing import Any

from swift_saber.cli import command


def add_report(commands: Any) -> None:
    help_text = "make a page of answers, clips and scores"
    parser = command(commands, "report", _report, help_text, "report evaluation -o report.html")
    parser.description = "Make one page that opens from disk: each clip beside its answer, and the scores."
    text = "an evaluation's folder or a result file of infer; two of a kind are shown side by side"
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help=text)
    parser.add_argument("-o", "--output", type=Path, required=True, help="the page to write, e.g. report.html")
    parser.add_argument("--reference", type=Path, metavar="JSONL", help="rows with reference records, joined by id")


def _report(args: argparse.Namespace) -> None:
    from swift_saber.report.page import write_page
    from swift_saber.report.results import read_references, read_result

    references = read_references(args.reference) if args.reference else {}
    counts = write_page(args.output, [read_result(path) for path in args.results], references)
    size = args.output.stat().st_size / 1e6
    print(f"{args.output}: {counts['clips']} clips, {counts['references']} with a reference, {size:.1f} MB")
    if counts["unused"]:
        print(f"{counts['unused']} reference records belong to no clip of these results")

"""The command `swift-saber report`: one page with the answers beside their clips, and the scores.

swift-saber report evaluations/ours evaluations/base -o report.html
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any


def add_report(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to a parser.

    Args:
        commands: the parser's subcommands.
        command: adds one: its arguments are subcommands, name, function, help and example.
    """
    parser = command(
        commands, "report", _report, "make a page of answers, clips and scores", "report evaluation -o report.html"
    )
    parser.description = "Make one page that opens from disk: each clip beside its answer, and the scores."
    text = "an evaluation's folder or a result file of infer; two of a kind are shown side by side"
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help=text)
    parser.add_argument("-o", "--output", type=Path, required=True, help="the page to write, e.g. report.html")
    parser.add_argument("--reference", type=Path, metavar="JSONL", help="rows with reference records, joined by id")


def _report(args: argparse.Namespace, _: list[str]) -> None:
    from swift_saber.report.page import write_page
    from swift_saber.report.results import read_references, read_result

    references = read_references(args.reference) if args.reference else {}
    counts = write_page(args.output, [read_result(path) for path in args.results], references)
    size = args.output.stat().st_size / 1e6
    print(f"{args.output}: {counts['clips']} clips, {counts['references']} with a reference, {size:.1f} MB")
    if counts["unused"]:
        print(f"{counts['unused']} reference records belong to no clip of these results")

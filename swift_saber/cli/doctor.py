"""The commands `swift-saber doctor` and `swift-saber budget`: what the machine can do, and what the data cost.

swift-saber doctor --model MODEL --recipe RECIPE
swift-saber budget train.jsonl --model MODEL --max-length 8192
"""

import argparse
import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swift_saber.cli import command
from swift_saber.data.rows import must_be_new, must_be_regular, read_lines, write_rows
from swift_saber.errors import InputError, one_line
from swift_saber.text.strict_json import dumps

if TYPE_CHECKING:
    from swift_saber.models.budget import Totals

_COLUMNS = ("frames", "size", "video", "audio", "text", "total")


def add_doctor(commands: Any) -> None:
    text = "say what this machine can do and what is wrong with it"
    doctor = command(commands, "doctor", _doctor, text, "doctor --model MODEL")
    doctor.description = (
        "Say what this machine can do and what is wrong with it, one line a finding; with --model or --recipe also\n"
        "the memory and the time that answers and training need. Nothing is fetched from the network.\n"
        "Status 1 where there is a problem, else 0."
    )
    doctor.add_argument("--model", help="folder, LoRA checkpoint or hub id to be run here")
    doctor.add_argument("--recipe", help="YAML to be trained with here; without --model, the model that it names")
    doctor.add_argument("--data", type=Path, help="JSONL whose rows and media files are looked at")
    doctor.add_argument("--json", action="store_true", help="print one JSON object a finding")

    text, example = "count the frames, pixels and tokens of each row", "budget train.jsonl --model MODEL"
    budget = command(commands, "budget", _budget, text, f"{example} --max-length 8192")
    budget.description = (
        "Count the frames, pixels and tokens of each row. It is encoded as in training and inference, under the media"
        " settings of the shell or, where it sets none, those that the model was trained with. Status 1 where a row"
        " cannot be encoded, else 0."
    )
    budget.add_argument("data", type=Path, help="JSONL of SABER records, questions or preference pairs")
    budget.add_argument("--model", required=True, help="folder, LoRA checkpoint or hub id; its weights are not loaded")
    budget.add_argument("--max-length", type=int, help="tokens that a sequence may have (default: the model's limit)")
    budget.add_argument("--json", action="store_true", help="print one JSON object a sequence, the totals on stderr")
    budget.add_argument("-o", "--output", type=Path, help="JSONL to write the sequences to, and print the totals alone")


def _doctor(args: argparse.Namespace) -> int:
    from swift_saber.doctor.findings import examine

    problems = notes = 0
    for finding in examine(args.model, args.data, os.environ, args.recipe):
        problems += finding.level == "problem"
        notes += finding.level == "note"
        if args.json:
            print(dumps(dataclasses.asdict(finding)), flush=True)
        else:
            remedy = f"; {finding.remedy}" if finding.remedy else ""
            print(one_line(f"{finding.level:<8} {finding.topic}: {finding.text}{remedy}"), flush=True)
    if not args.json:
        print(f"{problems} problem(s), {notes} note(s)")
    return 1 if problems else 0


def _budget(args: argparse.Namespace) -> int:
    from swift_saber.models.budget import TokenCounter, Totals, budget

    if args.max_length is not None and args.max_length < 1:
        raise InputError("budget", "--max-length", f"is {args.max_length}", "give a number of tokens above 0")
    must_be_new(args.output)
    must_be_regular(args.data)
    total = sum(1 for _ in read_lines(args.data))
    # ms-swift reports each argument and setting otherwise; to be set before its first import.
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    counter = TokenCounter(args.model)
    totals = Totals(limit=args.max_length or counter.max_length)
    # A bar would stand among the lines of a table on the same screen.
    bar = args.output is not None or not sys.stdout.isatty()
    entries = _counted(budget(args.data, counter.count, totals.limit), totals, total if bar else None)
    if args.output:
        write_rows(args.output, entries)
    elif not args.json:
        print(f"{'':<32}" + "".join(f"{name:>10}" for name in _COLUMNS))
    for entry in entries:
        print(dumps(entry) if args.json else _line(entry), flush=True)
    if args.json and not args.output:
        print(dumps(totals.as_dict()), file=sys.stderr)
    else:
        _print_totals(totals, args.model)
    if args.output:
        print(f"written to {args.output}")
    return 1 if totals.failed else 0


def _counted(rows: Iterator[list[dict[str, Any]]], totals: "Totals", bar_total: int | None) -> Iterator[dict[str, Any]]:
    """The entries of all rows, added to the totals; with a bar up to a number of rows where someone watches."""
    from tqdm import tqdm

    with tqdm(total=bar_total, unit="row", disable=bar_total is None or None) as bar:
        for entries in rows:
            totals.add(entries)
            # Before the row is handed on: the bar would stand in the middle of a printed line.
            bar.update()
            for entry in entries:
                if "reason" in entry:
                    said = f"swift-saber: {entry['where']}: {entry['reason']}; {entry['remedy']}"
                    tqdm.write(one_line(said), sys.stderr)
            yield from entries


def _line(entry: dict[str, Any]) -> str:
    name = one_line(str(entry["id"]))[:32]
    if "reason" in entry:
        return f"{name:<32}  cannot be encoded"
    sizes = {f"{video['width']}x{video['height']}" for video in entry["videos"]}
    size = "-" if not sizes else sizes.pop() if len(sizes) == 1 else "several"
    numbers = [entry["frames"], size, *(entry[f"{kind}_tokens"] for kind in ("video", "audio", "text", "total"))]
    part = f"  {entry['part']}" if entry["part"] in {"chosen", "rejected"} else ""
    flag = "  TOO LONG" if entry["too_long"] else ""
    return f"{name:<32}" + "".join(f"{number:>10}" for number in numbers) + part + flag


def _print_totals(totals: "Totals", model: str) -> None:
    known = totals.as_dict()
    settings = " ".join(f"{name}={value}" for name, value in known["media_settings"].items())
    lines = [
        ("rows", totals.rows),
        ("cannot be encoded", totals.failed),
        ("sequences", totals.sequences),
        *((name.replace("_", " "), value) for name, value in totals.sums.items()),
        (f"above {totals.limit} tokens" if totals.limit else "no limit is known", totals.too_long),
    ]
    for label, value in lines:
        print(f"{label:<24} {value}")
    for place, one in enumerate(totals.longest):
        label = "longest" if place == 0 else ""
        print(one_line(f"{label:<24} {one.total_tokens} tokens: {one.id} ({one.part}, {one.where})"))
    print(one_line(f"{'model':<24} {model}"))
    print(one_line(f"{'media settings':<24} {settings or 'none: the defaults of the reader'}"))

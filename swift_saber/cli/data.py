"""The commands `swift-saber sources`, what a folder of a dataset holds, and `swift-saber pipeline`, to checked records.

swift-saber sources scan meld MELD.Raw -o clips.jsonl
swift-saber pipeline recipes/data/saber.yaml
"""

import argparse
import importlib.util
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from textwrap import dedent, indent
from typing import TYPE_CHECKING, Any

from swift_saber.cli import Parser, command
from swift_saber.data.rows import must_be_new, write_rows
from swift_saber.errors import InputError, one_line, quoted
from swift_saber.text.strict_json import dumps

if TYPE_CHECKING:
    from swift_saber.pipeline.clip import Clip
    from swift_saber.pipeline.release import JoinReport
    from swift_saber.pipeline.sources.base import Source

_SHOWN = 3  # examples of a reason, or of records that were not joined; the report has all


def add_sources(commands: Any) -> None:
    sources = command(commands, "sources", _list, "the datasets that are read, and what is in a folder", "sources")
    sources.description = "List the datasets that are read: what a folder must look like and where to ask for it."
    sources.add_argument("--json", action="store_true", help="print one JSON object per dataset")
    parts = sources.add_subparsers(metavar="PART")

    scan = command(parts, "scan", _scan, "count the clips of one folder", "sources scan meld MELD.Raw -o clips.jsonl")
    scan.description = "Count the clips of one folder, without opening them. Exit status: 0, or 1 where there is none."
    scan.add_argument("key", help="of the dataset, as `sources` lists it")
    scan.add_argument("folder", type=Path, help="the dataset's folder")
    scan.add_argument("-o", "--output", type=Path, help="JSONL of the clips to write")
    _add_set(scan)

    example = "sources join SABER/ -o rows.jsonl --source meld=MELD.Raw --source ravdess=RAVDESS"
    join = command(parts, "join", _join, "find the clips of released SABER annotations", example)
    join.description = (
        "Join released SABER annotations with the clips of source datasets, by name and, where a name is not enough, "
        "by what is said; published ones (swift-saber publish) by id, else by the bytes of their files. Exit status: "
        "0, or 1 where nothing was joined, a record could not be read, or a clip is another file than was annotated."
    )
    join.add_argument(
        "annotations", type=Path, help="a folder of one JSON file per clip, a JSONL, or a published folder"
    )
    join.add_argument("-o", "--output", type=Path, required=True, help="JSONL to write; its report is put beside it")
    join.add_argument("--source", action="append", required=True, metavar="KEY=FOLDER", help="one dataset; repeatable")
    _add_set(join)


def add_pipeline(commands: Any) -> None:
    text = "clips of source datasets to checked records"
    example = "pipeline recipes/data/saber.yaml --until clean"
    parser = command(commands, "pipeline", _pipeline, text, example, resumable=True)
    parser.add_argument("recipe", help="YAML: sources, output, and a block of settings for each stage to run")
    parser.add_argument("--until", metavar="STAGE", help="stop after this stage; the same command without it goes on")


def _add_set(parser: Parser) -> None:
    help_text = "an option of a dataset, as `sources` lists it, with a YAML value; repeatable"
    parser.add_argument("--set", action="append", default=[], metavar="KEY.OPTION=VALUE", help=help_text)


def _pipeline(args: argparse.Namespace) -> None:
    for package in ("datatrove", "jinja2", "jiwer", "opencc"):
        if importlib.util.find_spec(package) is None:
            raise InputError("pipeline", package, "is not installed", "pip install -c constraints.txt -e '.[pipeline]'")
    from swift_saber.pipeline.run import run

    run(args.recipe, args.until)


def _list(args: argparse.Namespace) -> None:
    from swift_saber.pipeline.sources.base import Source, readers

    for source in readers().values():
        layout = dedent(source.layout).strip("\n").rstrip()
        if args.json:
            known = {"key": source.key, "title": source.title, "languages": source.languages, "access": source.access}
            print(dumps({**known, "layout": layout, "options": source.options}))
            continue
        print(f"{source.key}: {source.title} ({', '.join(source.languages)})\n  {source.access}")
        print(indent(layout, "    "))
        for name, meaning in source.options.items():
            if name not in Source.options:
                print(f"  option {name}: {meaning}")
        print()
    if not args.json:
        for name, meaning in Source.options.items():
            print(f"every source has the option {name}: {meaning}")


def _scan(args: argparse.Namespace) -> int:
    must_be_new(args.output)
    source = _open([f"{args.key}={args.folder}"], args.set)[0]
    counts = {name: Counter[str]() for name in ("language", "split", "emotion")}
    try:
        rows = (clip.to_row() for clip in _counted(source, counts))
        total = write_rows(args.output, rows) if args.output else sum(1 for _ in rows)
    except InputError as error:
        if error.field != "folder" or not source.skipped:
            raise
        # The right folder, of which nothing can be used: what is wrong with it follows.
        print(f"swift-saber: error: {error}", file=sys.stderr)
        total = 0
    print(f"clips    {total}")
    for name, counter in counts.items():
        print(f"{name:<9}{', '.join(f'{value} {count}' for value, count in counter.most_common())}")
    _print_odd(source)
    if args.output and total:
        print(f"clips written to {args.output}")
    return 0 if total else 1


def _counted(source: "Source", counts: dict[str, Counter[str]]) -> "Iterator[Clip]":
    for clip in _shown(source):
        own = " + ".join(clip.labels.get("own_emotions", ()))  # of one clip
        for name, counter in counts.items():
            counter[getattr(clip, name) or (name == "emotion" and own) or "none"] += 1
        yield clip


def _shown(source: "Source") -> "Iterator[Clip]":
    """The clips, with a bar."""
    from tqdm import tqdm

    yield from tqdm(source.clips(), unit="clip", desc=source.key)


def _join(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from swift_saber.pipeline.release import JoinReport, join

    report_path = args.output.with_suffix(".report.json")
    must_be_new(args.output)
    must_be_new(report_path)
    opened = _open(args.source, args.set)
    report = JoinReport()
    clips = chain.from_iterable(map(_shown, opened))
    write_rows(args.output, tqdm(join(args.annotations, clips, report), unit="row", desc="join"))
    odd = {source.key: {"skipped": source.skipped, "noted": source.noted} for source in opened}
    write_rows(report_path, [report.to_dict() | {"sources": odd}])
    _print_report(report)
    for source in opened:
        _print_odd(source)
    print(f"rows written to {args.output}, the report to {report_path}")
    return 0 if report.joined and not report.unreadable and not report.other_files else 1


def _print_report(report: "JoinReport") -> None:
    counts = report.counts()
    print(f"records    {counts['records']}\njoined     {sum(counts['joined'].values())}{_split(counts['joined'])}")
    print(f"missing    {len(report.missing)}{_split(counts['missing'])}")
    _print_examples(f"{name}: {why}" for name, why in report.missing)
    print(f"ambiguous  {counts['ambiguous']}")
    _print_examples(f"{name}: {', '.join(clips)}" for name, clips in report.ambiguous)
    print(f"unreadable {counts['unreadable']}")
    _print_examples(report.unreadable)
    if report.by_digest:
        print(f"known by their bytes {report.by_digest}")
    if report.other_files:
        print(f"another file than the one annotated {len(report.other_files)}")
        _print_examples(f"{name}: {clip}: {what}" for name, clip, what in report.other_files)
    print(f"clips without record {len(report.unused)}{_split(counts['clips without record'])}")
    _print_examples(report.unused)


def _split(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{key} {count}' for key, count in counts.items())})" if counts else ""


def _print_examples(lines: Iterable[str]) -> None:
    for line in islice(lines, _SHOWN):
        print(f"  {one_line(line)}")


def _print_odd(source: "Source") -> None:
    """What became no clip, and what is odd about those that did."""
    for title, counter in (("skipped", source.skipped), ("noted", source.noted)):
        if counter:
            print(f"{source.key}: {title} {sum(counter.values())}")
        for reason, count in counter.most_common():
            examples = ", ".join(source.examples[reason][:_SHOWN])
            print(f"  {count:<6} {one_line(f'{reason}: {examples}')}{', ...' if count > _SHOWN else ''}")


def _open(named: list[str], settings: list[str]) -> "list[Source]":
    """The sources of KEY=FOLDER arguments, with the options of KEY.OPTION=VALUE arguments."""
    from swift_saber.pipeline.sources.base import open_source
    from swift_saber.recipe import read_value

    folders = [_pair(text, "--source", "KEY=FOLDER") for text in named]
    options: dict[str, dict[str, Any]] = {key: {} for key, _ in folders}
    for text in settings:
        name, value = _pair(text, "--set", "KEY.OPTION=VALUE")
        key, _, option = name.partition(".")
        if key not in options or not option:
            raise InputError("sources", "--set", f"{quoted(name)} is of no source here", "write KEY.OPTION=VALUE")
        try:
            options[key][option] = read_value(value, name)
        except InputError as error:
            problem = f"the value of {name} is no YAML ({error.problem})"
            raise InputError("sources", "--set", problem, "quote it") from error
    return [open_source(key, folder, **options[key]) for key, folder in folders]


def _pair(text: str, flag: str, form: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not (key and sign and value):
        raise InputError("sources", flag, f"{quoted(text)} is not {form}", f"write {form}")
    return key, value

"""The command `swift-saber report`: one page with answers or records beside their clips, and the scores.

swift-saber report evaluations/ours evaluations/base -o report.html
swift-saber report train.jsonl -o records.html
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from swift_saber.cli import command, count
from swift_saber.errors import one_line
from swift_saber.text.strict_json import dumps

# Problems of clips that are printed; the page has all of them.
_SHOWN = 10


def add_report(commands: Any) -> None:
    help_text = "make a page of answers or records, clips and scores"
    parser = command(commands, "report", _report, help_text, "report evaluation -o report.html")
    parser.description = "Make one page that opens from disk: each clip beside its answer or record, and the scores."
    text = "an evaluation's folder, a result file of infer, or a JSONL of records; two of a kind are shown side by side"
    parser.add_argument("results", nargs="+", type=Path, metavar="RESULTS", help=text)
    parser.add_argument("-o", "--output", type=Path, required=True, help="the page to write, e.g. report.html")
    parser.add_argument("--reference", type=Path, metavar="JSONL", help="rows with reference records, joined by id")
    parser.add_argument(
        "--reviews", type=Path, metavar="FOLDER", help="what people said, as swift-saber review keeps it"
    )
    text = "a picture of every video in a folder beside the page; else of those that browsers do not play"
    parser.add_argument("--posters", action="store_true", help=text)
    text = "copies (H.264, AAC) of the clips that browsers do not play, in that folder"
    parser.add_argument("--transcode", action="store_true", help=text)
    text = "under each clip pitch and loudness, measured, and what is claimed of the voice: some 2 kB a clip"
    parser.add_argument("--voice", action="store_true", help=text)
    parser.add_argument(
        "--workers", type=count, default=os.cpu_count(), help="processes that look at clips (all cores)"
    )


def _report(args: argparse.Namespace) -> None:
    from swift_saber.report.media import files_of, make_media, missing_of, voice_of
    from swift_saber.report.page import write_page
    from swift_saber.report.people import read_people
    from swift_saber.report.records import read_references
    from swift_saber.report.results import read_all

    folder = args.output.with_name(f"{args.output.stem}_files").absolute()
    problems: list[str] = []
    unplayed: list[str] = []
    missing: list[str] = []
    voices: list[dict[str, Any] | str] = []

    def media(clips: Any) -> Any:
        missing.extend(missing_of(clips))
        files = files_of(clips)
        if not files:  # no bar of nothing
            return {}
        heard = {voice_of(clip) for clip in clips} if args.voice else set()
        made = make_media(
            files, folder, posters=args.posters, copies=args.transcode, voices=heard, workers=args.workers
        )
        voices.extend(each.voice for each in made.values() if each.voice is not None)
        problems.extend(f"{path}: {each.problem}" for (path, _), each in made.items() if each.problem)
        unplayed.extend(path for (path, _), each in made.items() if not (each.plays or each.copy or each.problem))
        return made

    references = read_references(args.reference) if args.reference else {}
    people = read_people(args.reviews) if args.reviews else {}
    counts = write_page(args.output, read_all(args.results), references, media, people)
    size = args.output.stat().st_size / 1e6
    print(f"{args.output}: {counts['clips']} clips, {counts['references']} with a reference, {size:.1f} MB")
    if counts["unused"]:
        print(f"{counts['unused']} reference records belong to no clip of these results")
    if args.reviews:
        print(f"{counts['reviewed']} clips have been reviewed")
    if args.voice:
        lines = [each for each in voices if not isinstance(each, str)]
        size = sum(len(dumps(each)) for each in lines) / 1e3 / max(len(lines), 1)
        print(f"{len(lines)} voices measured, {size:.1f} kB each; {len(voices) - len(lines)} files have none")
    if missing:
        print(one_line(f"{len(missing)} files are not there (the first: {missing[0]}); correct the paths of the rows"))
    if unplayed:
        first = f"{len(unplayed)} files are in forms that not every browser plays (the first: {unplayed[0]})"
        print(one_line(f"{first}; --transcode writes copies that play"))
    for problem in problems[:_SHOWN]:
        print(one_line(f"swift-saber: {problem}"), file=sys.stderr)
    if len(problems) > _SHOWN:
        print(f"swift-saber: {len(problems) - _SHOWN} more clips have no picture or copy", file=sys.stderr)

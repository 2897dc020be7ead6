"""The command `swift-saber review`: records that people look at, and what follows from what they say.

swift-saber review train.jsonl -o reviews/
swift-saber review merge train.jsonl --reviews reviews/ -o reviewed.jsonl
swift-saber review take edited.jsonl --of runs/saber-data -o reviews/
"""

import argparse
from pathlib import Path
from typing import Any

from swift_saber.cli import Parser, command, count
from swift_saber.errors import InputError

# Not after these has a run's folder what is to be reviewed: they say what became of it.
_AFTER = ("review", "split")


def add_review(commands: Any) -> None:
    text = "a page on which people correct records, and what they agree on"
    page = command(commands, "review", _page, text, "review train.jsonl -o reviews/", resumable=True)
    page.description = (
        "Look at records beside their clips on a page of this machine: accept, correct, reject. Records, results of\n"
        "an inference, candidates and pairs can be reviewed. They are not touched: what people say has a folder.\n\n"
        "Its other commands, each with a --help of its own:"
    )
    text = "JSONL files, or the folder of a pipeline run: what its last stage before review and split kept"
    page.add_argument("records", nargs="+", type=Path, metavar="RECORDS", help=text)
    page.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder of the reviews")
    text = "who reviews; repeatable, each with an address of their own (default: those of the plan, else who you are)"
    page.add_argument("--reviewer", action="append", default=[], metavar="NAME", help=text)
    text = "port of 127.0.0.1 to serve at, and the same address each time (default: a free one, and a new address)"
    page.add_argument("--port", type=int, default=0, help=text)
    page.add_argument("--blind", action="store_true", help="do not show what a machine wrote")
    text = "show what reviewers disagree on, and decide it (default name: your own with -adjudicates)"
    page.add_argument("--adjudicate", action="store_true", help=text)
    page.add_argument("--sample", type=count, metavar="N", help="review N records, drawn by lot (default: all)")
    page.add_argument("--seed", type=int, metavar="S", help="of the lots (default 0)")
    text = "what the sample is spread evenly over (default source,consistency,language)"
    page.add_argument("--by", type=_names, metavar="A,B", help=text)
    page.add_argument("--overlap", type=int, metavar="M", help="of these, how many every reviewer sees (default 0)")
    text = "all who review this sample, among whom the rest is dealt (default: everybody sees all)"
    page.add_argument("--reviewers", type=_names, metavar="A,B", help=text)

    page.aside = Parser(prog=page.prog)
    parts = page.aside.add_subparsers(metavar="PART")
    for add in (_add_merge, _add_take, _add_agreement):
        add(parts)
    lines = [f"  {name:<12} {part.about}" for name, part in parts.choices.items()]
    page.description = "\n".join([page.description, *lines])


def _page(args: argparse.Namespace) -> None:
    from swift_saber.review.server import serve

    names = ("sample", "seed", "by", "overlap", "reviewers")
    given = {name: value for name in names if (value := getattr(args, name)) is not None}
    settings = {name: getattr(args, name) for name in ("port", "blind", "adjudicate")}
    serve(records_of(args.records), args.output, args.reviewer, plan=given, **settings)


def records_of(paths: list[Path]) -> list[Path]:
    """Return the JSONL files that are meant: the folder of a pipeline run stands for what its stages kept.

    Raises:
        InputError: a folder is none of a run, or none of its stages is through.
    """
    return [file for path in paths for file in (_kept(path, _AFTER) if path.is_dir() else [path])]


def _kept(run: Path, after: tuple[str, ...] = ()) -> list[Path]:
    """What the last stage of a run kept, or the last but for those."""
    from swift_saber.pipeline.result.survey import MANIFEST, read_run

    # Of a recipe whose source is rows, what is reviewed may come before all stages.
    stages = [stage for stage in (MANIFEST, *read_run(run)["stages"]) if stage not in after]
    for stage in reversed(stages):
        files = sorted((run / stage / "kept").glob("*.jsonl"))
        if files:
            return files
    raise InputError(str(run), "kept", "is not there: no stage has ended", "run the pipeline first")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _add_merge(parts: Any) -> None:
    """Records as their reviewers would have them."""
    example = "review merge train.jsonl --reviews reviews/ -o reviewed.jsonl"
    merge = command(parts, "merge", _merge, "reviewed records as one file, for training and testing", example)
    merge.description = (
        "Write the records that were accepted, and those that were corrected with their corrections; beside them\n"
        "what was rejected, with the reasons, and what is in dispute (review --adjudicate). Answers become records,\n"
        "pairs are turned round where people prefer the rejected answer, candidates are marked with the best for\n"
        "`pairs select`. No file gets the name of a reviewer. Exit status: 0, or 1 where something is in dispute, or\n"
        "was reviewed when its text was another one."
    )
    merge.add_argument("records", nargs="+", type=Path, metavar="RECORDS", help="what was reviewed: files, or a run")
    merge.add_argument("--reviews", type=Path, required=True, metavar="FOLDER", help="folder of the reviews")
    merge.add_argument("-o", "--output", type=Path, required=True, help="JSONL to write; must not be there")
    merge.add_argument("--all", action="store_true", help="write records that nobody decided about too, as they are")


def _merge(args: argparse.Namespace) -> int:
    from swift_saber.review.merged import COUNTS, beside, write_merged

    found = write_merged(records_of(args.records), args.reviews, args.output, everything=args.all)
    for name in COUNTS:
        print(f"{name:<13}{found[name]}")
    if found["elsewhere"]:
        print(f"of {found['elsewhere']} that were reviewed there is no record in these files")
    if found["written"]:
        print(f"{found['written']} records written to {args.output}")
    for name, path in beside(args.output).items():
        if found[name]:
            print(f"what is {name}: {path}")
    return 1 if found["disputed"] or found["stale"] else 0


def _add_take(parts: Any) -> None:
    """What was edited by hand elsewhere, as a review."""
    example = "review take runs/saber-data/train.jsonl --of runs/saber-data -o reviews/"
    part = command(parts, "take", _take, "what was edited by hand in a file of records, as reviews", example)
    part.description = (
        "Save what somebody edited in a file of records as reviews, so that it outlives the file: the stage `review`\n"
        "of the pipeline and `review merge` put it in from then on, before what others said. Texts, the emotion,\n"
        "consistency and language are taken; what else was changed, and rows that were added, are counted. Twice is\n"
        "as good as once. Exit status: 0, or 1 where something was not taken."
    )
    part.add_argument("edited", type=Path, metavar="EDITED", help="JSONL that was edited")
    text = "what it was before: the folder of a pipeline run, or JSONL files"
    part.add_argument("--of", nargs="+", type=Path, required=True, metavar="ORIGINAL", help=text)
    part.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder of the reviews")
    text = "under which name (default by-hand)"
    part.add_argument("--reviewer", default="by-hand", metavar="NAME", help=text)
    text = "reject the records that are no longer in the file (default: they are counted)"
    part.add_argument("--removed-are-rejected", action="store_true", help=text)


def _take(args: argparse.Namespace) -> int:
    from swift_saber.pipeline.result.instructions import is_dataset
    from swift_saber.pipeline.written import note_taken
    from swift_saber.review.items import Items
    from swift_saber.review.take import COUNTS, take

    run = args.of[0] if len(args.of) == 1 and args.of[0].is_dir() else None
    reviewed = Items(records_of(args.of))
    shown = Items(_kept(run)) if run else reviewed
    removed = args.removed_are_rejected
    if run and (not is_dataset(args.edited) or (removed and _is_task(args.edited, shown))):  # of one file of many
        if removed:
            problem = "is for train.jsonl and test.jsonl, and this is a stage's file"
            raise InputError(str(args.edited), "--removed-are-rejected", problem, "give that file's original with --of")
        removed = None
    found = take(args.edited, shown, reviewed, args.output, args.reviewer, removed_are_rejected=removed)
    for name in COUNTS:
        print(f"{name:<18}{found[name]}")
    if found["removed"] and not removed:
        print("removed records are not rejected without --removed-are-rejected")
    lost = found["added"] + found["changed otherwise"] + (0 if removed else found["removed"])
    if run and not lost and note_taken(run, args.edited, args.output):
        print(
            f"the edits are in {args.output}: a run with this folder in its block `review:` writes {args.edited} anew"
        )
    return 1 if lost else 0


def _is_task(edited: Path, shown: Any) -> bool:
    """Whether a file that is called neither train.jsonl nor test.jsonl has the rows of one task of several alone."""
    from swift_saber.pipeline.written import DATASET
    from swift_saber.review.items import Items

    files = {shown[name].where.rpartition(":")[0] for name in Items([edited]) if name in shown}
    return edited.name not in DATASET and len(files) == 1 < len(shown.paths)


def _add_agreement(parts: Any) -> None:
    """How far people agree, in figures."""
    example = "review agreement reviews/ -o agreement.json"
    agreement = command(parts, "agreement", _agreement, "how far people agree, and what they changed", example)
    agreement.description = (
        "Show Cohen's kappa and Krippendorff's alpha of the reviewers with intervals, for all and by source,\n"
        "consistency and language; people against the model; how many of its texts they changed, and how far; and\n"
        "of pairs and candidates, whether the answer that a judge scored higher is the one that people find better.\n"
        "What was said in sight of the machine's text stands apart from what was said blind to it."
    )
    agreement.add_argument("reviews", type=Path, metavar="REVIEWS", help="folder of the reviews")
    text = "JSON of all figures; with the reasons of what was rejected, as their reviewers wrote them"
    agreement.add_argument("-o", "--output", type=Path, help=text)
    agreement.add_argument("--names", action="store_true", help="name the reviewers (default: reviewer 1, 2, ...)")
    text = "what was reviewed, files or a run: reviews of another text are left out (default: of all but the newest)"
    agreement.add_argument("--records", nargs="+", type=Path, default=[], metavar="RECORDS", help=text)


def _agreement(args: argparse.Namespace) -> None:
    from swift_saber.review.agreement import read_figures
    from swift_saber.review.items import Items
    from swift_saber.review.tables import NOTE, reasons, reviewers, sentences, tables, text_lines
    from swift_saber.text.files import write_text
    from swift_saber.text.strict_json import dumps

    items = Items(records_of(args.records)) if args.records else None
    records = None if items is None else {name: items.of(name) for name in items}
    found = read_figures(args.reviews, records, named=args.names)
    for words in sentences(found, None if items is None else len(items)):
        print(words.english)
    for table in (reviewers(found), *tables(found), *reasons(found)):
        print("", *text_lines(table), sep="\n")
    print(f"\n{NOTE.english}")
    if args.output:
        write_text(args.output, dumps(found) + "\n")
        print(f"all figures: {args.output}")

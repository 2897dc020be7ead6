"""The command `swift-saber mini`: the stages of the demo.

swift-saber mini make runs/demo/world
"""

import argparse
from pathlib import Path
from typing import Any

from swift_saber.cli import command


def add_mini(commands: Any) -> None:
    text = "the demo's world of drawn faces and synthetic voices"
    mini = command(commands, "mini", None, text, "mini make runs/demo/world")
    mini.description = "The demo's world of drawn faces and synthetic voices; shell/demo.sh runs the stages in order."
    stages = mini.add_subparsers(metavar="STAGE", required=True)
    make = command(stages, "make", _make, "draw faces, synthesise voices, write rows", "mini make runs/demo/world")
    make.add_argument("folder", type=Path)
    make.add_argument("--seed", type=int, default=0)
    model = command(stages, "model", _model, "build the tiny model", "mini model runs/demo/world runs/demo/base")
    model.add_argument("world", type=Path)
    model.add_argument("model", type=Path)
    model.add_argument("--seed", type=int, default=0)
    score = command(stages, "score", _score, "compare answers with the truth", "mini score q.jsonl a.jsonl -o s.json")
    score.add_argument("questions", type=Path)
    score.add_argument("answers", type=Path)
    score.add_argument("--stage", default="sed", help="name of the stage in the summary")
    score.add_argument("-o", "--output", type=Path, help="summary JSON; a stage that is there already is replaced")
    plot = command(
        stages, "plot", _plot, "draw the scores of all stages, and print them", "mini plot summary.json scores.png"
    )
    plot.add_argument("summary", type=Path, help="what `mini score -o` wrote")
    plot.add_argument("picture", type=Path, help="file to write: .png, .svg or .pdf")


def _make(args: argparse.Namespace) -> None:
    from swift_saber.mini.world import write_world

    write_world(args.folder, seed=args.seed)


def _model(args: argparse.Namespace) -> None:
    from swift_saber.data.rows import read_rows
    from swift_saber.mini.model import build_model
    from swift_saber.sed.layout import render
    from swift_saber.sed.record import Row

    rows = (Row.from_dict(row, where) for where, row in read_rows(args.world / "train.jsonl"))
    build_model(args.model, (render(row.record, language=row.language) for row in rows), seed=args.seed)


def _score(args: argparse.Namespace) -> None:
    from swift_saber.data.rows import read_rows, response_of, row_id
    from swift_saber.mini.score import format_report, score, update_summary

    truth = [row for _, row in read_rows(args.questions)]
    answers = {row_id(row): response_of(row, where) for where, row in read_rows(args.answers)}
    print(format_report(truth, answers))
    if args.output:
        update_summary(args.output, args.stage, score(truth, answers))


def _plot(args: argparse.Namespace) -> None:
    from swift_saber.mini.plot import format_stages, plot_summary
    from swift_saber.text.files import read_text
    from swift_saber.text.strict_json import parse_json

    stages = parse_json(read_text(args.summary), str(args.summary))
    plot_summary(stages, args.picture)
    print(format_stages(stages))

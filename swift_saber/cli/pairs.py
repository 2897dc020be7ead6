"""The command `swift-saber pairs`: sample candidates, score them, select preference pairs.

swift-saber pairs select scored.jsonl pairs.jsonl
"""

import argparse
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from swift_saber.cli.judge import add_judge, judge_of
from swift_saber.errors import InputError

_SECONDARY = "reported by a secondary source"


def add_pairs(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command and its three steps to a parser.

    Args:
        commands: the parser's subcommands.
        command: adds one: its arguments are subcommands, name, function, help and example.
    """
    pairs = commands.add_parser(
        "pairs",
        help="preference pairs: sample candidates, score them, select",
        description="Preference pairs: sample candidates, score them, select. Each step has a --help of its own.",
        epilog="example: swift-saber pairs select scored.jsonl pairs.jsonl",
    )
    steps = pairs.add_subparsers(metavar="STEP", required=True)
    _add_sample(
        command(
            steps,
            "sample",
            _resumable(_sample),
            "sample candidate answers to each clip",
            "pairs sample train.jsonl candidates.jsonl --model SED_CHECKPOINT",
        )
    )
    _add_score(
        command(
            steps,
            "score",
            _resumable(_score),
            "score candidates for logical consistency and evidence alignment",
            "pairs score candidates.jsonl scored.jsonl --judge MODEL --base-url http://127.0.0.1:8000/v1"
            " --records train.jsonl",
        )
    )
    _add_select(
        command(
            steps,
            "select",
            _select,
            "select preference pairs from scored candidates",
            "pairs select scored.jsonl pairs.jsonl --records train.jsonl",
        )
    )


def _add_sample(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("questions", type=Path, help="JSONL of SABER records or of questions")
    parser.add_argument("output", type=Path, help="JSONL to write, or to go on with after an interruption")
    parser.add_argument("--model", required=True, help="folder, LoRA checkpoint or hub id; with --base-url its name")
    parser.add_argument("--base-url", help="OpenAI-compatible address that serves the model (default: run it here)")
    parser.add_argument("-k", type=int, default=10, help=f"candidates for each clip (default 10, {_SECONDARY})")
    parser.add_argument("--temperature", type=float, default=0.8, help=f"default 0.8, {_SECONDARY}")
    parser.add_argument("--max-new-tokens", type=int, default=4096, help="default 4096, as the published script has it")
    parser.add_argument("--seed", type=int, default=0, help="default 0, ours")
    parser.add_argument(
        "--withhold",
        nargs="+",
        choices=("audios", "videos"),
        default=[],
        help="ask for K more without the sound, or without the picture (ours; default: no)",
    )
    parser.add_argument("--batch-size", type=int, default=16, help="answers at a time without --base-url (default 16)")
    parser.add_argument("--concurrency", type=int, default=8, help="requests at a time to --base-url (default 8)")


def _add_score(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Score candidates from 1 to 5 for logical consistency and for evidence alignment. That these two are scored is "
        f"{_SECONDARY}; the scale, the judge's prompt and every default are ours."
    )
    parser.add_argument("candidates", type=Path, help="JSONL that `pairs sample` wrote")
    parser.add_argument("output", type=Path, help="JSONL to write, or to go on with after an interruption")
    add_judge(parser, "a model, whose replies are kept beside the output", rules=("mini",))
    parser.add_argument("--response-format", dest="reply_form", help=argparse.SUPPRESS)
    parser.add_argument("--show", choices=("record", "clip"), default="record", help="what the judge compares with")
    parser.add_argument("--records", type=Path, help="JSONL of the clips' checked records, for --show record")


def _add_select(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Select preference pairs: the best candidate of a clip against its worst, by the mean of their two scores. "
        f"Best-consistent against contradictory and a balanced mix of clips are {_SECONDARY}; the numbers are ours."
    )
    parser.add_argument("scored", type=Path, help="JSONL that `pairs score` wrote")
    parser.add_argument("output", type=Path, help="JSONL to write; must not exist")
    parser.add_argument("--records", type=Path, help="JSONL of the clips' checked records")
    parser.add_argument("--min-gap", type=float, default=1.0, help="least difference of the scores (default 1, ours)")
    parser.add_argument("--min-chosen", type=float, default=4.0, help="least score of a chosen one (default 4, ours)")
    parser.add_argument(
        "--inconsistent-share",
        type=_share,
        default=0.5,
        metavar="SHARE",
        help=f"share of pairs from inconsistent clips, or all (a balanced mix is {_SECONDARY}; default 0.5, ours)",
    )
    parser.add_argument(
        "--record-as-chosen",
        action="store_true",
        help="where no candidate is good enough, choose the clip's record (ours; default: leave the clip out)",
    )
    parser.add_argument(
        "--kinds",
        nargs="+",
        choices=("candidates", "withheld", "swapped"),
        default=["candidates"],
        help="pairs to make of each clip (default candidates; the other two are ours)",
    )
    parser.add_argument("--seed", type=int, default=0, help="breaks ties (default 0, ours)")


def _share(text: str) -> float | None:
    if text == "all":
        return None
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError("a share lies between 0 and 1; write all to keep every pair")
    return share


def _resumable(step: Callable[[argparse.Namespace], None]) -> Callable[[argparse.Namespace, list[str]], int]:
    """The step, with Ctrl-C answered by one line: it is the usual way to stop a run of days."""

    def run(args: argparse.Namespace, _: list[str]) -> int:
        try:
            step(args)
        except KeyboardInterrupt:
            print("\nswift-saber: stopped; the same command goes on from here", file=sys.stderr, flush=True)
            if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
                # A second Ctrl-C, while replies were waited for: Python would go on waiting for them at its end.
                os._exit(130)
            return 130
        return 0

    return run


def _sample(args: argparse.Namespace) -> None:
    from swift_saber.models.endpoint import Endpoint
    from swift_saber.pairs.sample import sample

    # K long answers in one reply take minutes, even from a quick server.
    source = Endpoint(args.model, args.base_url, timeout=900.0) if args.base_url else args.model
    counts = sample(
        args.questions,
        args.output,
        source=source,
        k=args.k,
        temperature=args.temperature,
        max_new_tokens=args.max_new_tokens,
        seed=args.seed,
        withhold=tuple(args.withhold),
        batch_size=args.batch_size,
        concurrency=args.concurrency,
    )
    _print(args.output, counts)


def _score(args: argparse.Namespace) -> None:
    from swift_saber.pairs.score import score

    if not args.candidates.is_file():
        raise InputError(str(args.candidates), "file", "is not there", "run `swift-saber pairs sample` first")
    if args.rules:
        from swift_saber.mini.rules import MiniScorer

        _print(args.output, score(args.candidates, args.output, MiniScorer()))
        return
    if not args.base_url:
        raise InputError("pairs score", "--base-url", "is missing", "give the judge's address, ending in /v1")
    if args.show == "record" and not args.records:
        raise InputError("pairs score", "--records", "is missing", "give the clips' records, or write --show clip")
    _print(args.output, _judged(args))


def _judged(args: argparse.Namespace) -> dict[str, Any]:
    from contextlib import nullcontext

    from swift_saber.data.log import RowLog
    from swift_saber.data.lookup import Records
    from swift_saber.models.asker import usage
    from swift_saber.pairs.judge import Judge
    from swift_saber.pairs.score import judge_log, score

    service, replies = judge_of(args, "pairs score"), judge_log(args.output)
    shown = Records(args.records) if args.show == "record" else nullcontext()
    with shown as records, RowLog(replies) as log:
        judge = Judge(service, log, show=args.show, records=records)
        counts = score(args.candidates, args.output, judge, concurrency=service.concurrency)
    return counts | usage(replies).get(service.model, {})


def _select(args: argparse.Namespace, _: list[str]) -> None:
    from swift_saber.data.convert import answer_order
    from swift_saber.pairs.choose import Rules
    from swift_saber.pairs.select import select

    rules = Rules(
        min_gap=args.min_gap,
        min_chosen=args.min_chosen,
        record_as_chosen=args.record_as_chosen,
        kinds=tuple(dict.fromkeys(args.kinds)),
        order=answer_order(),
        seed=args.seed,
    )
    report = select(
        args.scored, args.output, records=args.records, rules=rules, inconsistent_share=args.inconsistent_share
    )
    _print(args.output, report)


def _print(output: Path, counts: dict[str, Any]) -> None:
    """Say what was done, a line for each number; numbers by reason below their sum."""
    for name, value in counts.items():
        label = name.replace("_", " ")
        if isinstance(value, dict):
            print(f"{label:<27} {sum(value.values())}")
            for reason, number in value.items():
                print(f"  {reason:<25} {number}")
        else:
            print(f"{label:<27} {f'{value:.3f}' if isinstance(value, float) else value}")
    print(f"written to {output}")

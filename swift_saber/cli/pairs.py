"""The command `swift-saber pairs`: sample candidates, score them, select preference pairs.

swift-saber pairs select scored.jsonl pairs.jsonl
"""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from swift_saber.cli import Parser, add_media, command
from swift_saber.cli.judge import add_judge, judge_of
from swift_saber.errors import InputError

_SECONDARY = "reported by a secondary source"
_STATUS = (
    "Exit status: 0 when all of them {have}, 1 when some have none (their number is said), 2 for what cannot be used."
)


def add_pairs(commands: Any) -> None:
    text = "preference pairs: sample candidates, score them, select"
    pairs = command(commands, "pairs", None, text, "pairs select scored.jsonl pairs.jsonl")
    pairs.description = "Preference pairs: sample candidates, score them, select. Each step has a --help of its own."
    steps = pairs.add_subparsers(metavar="STEP", required=True)

    example = "pairs sample train.jsonl candidates.jsonl --model SED_CHECKPOINT"
    sample = command(steps, "sample", _sample, "sample candidate answers to each clip", example, resumable=True)
    sample.description = f"Sample candidate answers to each clip. {_STATUS.format(have='have a candidate')}"
    sample.add_argument("questions", type=Path, help="JSONL of SABER records or of questions")
    sample.add_argument("output", type=Path, help="JSONL to write, or to go on with after an interruption")
    sample.add_argument("--model", required=True, help="folder, LoRA checkpoint or hub id; with --base-url its name")
    sample.add_argument("--base-url", help="OpenAI-compatible address that serves the model (default: run it here)")
    sample.add_argument("-k", type=int, default=10, help=f"candidates for each clip (default 10, {_SECONDARY})")
    sample.add_argument("--temperature", type=float, default=0.8, help=f"default 0.8, {_SECONDARY}")
    sample.add_argument("--max-new-tokens", type=int, default=4096, help="default 4096, as the published script has it")
    sample.add_argument("--seed", type=int, default=0, help="default 0, ours")
    sample.add_argument(
        "--withhold",
        nargs="+",
        choices=("audios", "videos"),
        default=[],
        help="ask for K more without the sound, or without the picture (ours; default: no)",
    )
    sample.add_argument(
        "--gpu", help="GPUs without --base-url: 0, or 0,1,2,3 for a model on each (default: what is seen)"
    )
    sample.add_argument(
        "--infer-backend",
        "--infer_backend",  # as swift infer has it
        dest="backend",
        choices=("transformers", "vllm"),
        default="transformers",
        help="what runs the model without --base-url (default transformers)",
    )
    text = "answers at a time without --base-url, on each GPU (default 16, with vllm 256)"
    sample.add_argument("--batch-size", type=int, help=text)
    sample.add_argument("--concurrency", type=int, default=8, help="requests at a time to --base-url (default 8)")
    add_media(sample)

    text = "score candidates for logical consistency and evidence alignment"
    example = "pairs score candidates.jsonl scored.jsonl --judge MODEL --base-url http://127.0.0.1:8000/v1"
    score = command(steps, "score", _score, text, f"{example} --records train.jsonl", resumable=True)
    score.description = (
        "Score candidates from 1 to 5 for logical consistency and for evidence alignment. That these two are scored is "
        f"{_SECONDARY}; the scale, the judge's prompt and every default are ours. "
        + _STATUS.format(have="that were not cut short have scores")
    )
    score.add_argument("candidates", type=Path, help="JSONL that `pairs sample` wrote")
    score.add_argument("output", type=Path, help="JSONL to write, or to go on with after an interruption")
    rules = "what is measured of the voice, or the truth of the demo's world"
    add_judge(score, "a model, whose replies are kept beside the output", ("measured", "mini"), rules)
    score.add_argument("--response-format", dest="reply_form", help=argparse.SUPPRESS)
    score.add_argument("--show", choices=("record", "clip"), default="record", help="what the judge compares with")
    score.add_argument("--records", type=Path, help="JSONL of the clips' checked records, for --show record")
    text = "beside a judge's scores, what is measured of the voice (ours; default: no)"
    score.add_argument("--measured", action="store_true", help=text)
    add_media(score)

    example = "pairs select scored.jsonl pairs.jsonl --records train.jsonl"
    chosen = command(steps, "select", _select, "select preference pairs from scored candidates", example)
    chosen.description = (
        "Select preference pairs: the best candidate of a clip against its worst, by the mean of their two scores. "
        f"Best-consistent against contradictory and a balanced mix of clips are {_SECONDARY}; the numbers are ours."
    )
    chosen.fill = partial(_add_select, chosen)


def _add_select(parser: Parser) -> None:
    from swift_saber.pairs.choose import KINDS

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
    kinds = "; ".join(f"{name}: {kind.about}" for name, kind in KINDS.items())
    text = f"pairs to make of each clip (default candidates; the others are ours). {kinds}"
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["candidates"], help=text)
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


def _sample(args: argparse.Namespace) -> int:
    from swift_saber.models.endpoint import Endpoint
    from swift_saber.pairs.sample import sample

    # K long answers in one reply take minutes, even from a quick server.
    server = args.base_url and Endpoint(args.model, args.base_url, timeout=900.0, media=args.media)
    source = server or args.model
    names = ("k", "temperature", "max_new_tokens", "seed", "withhold", "batch_size", "concurrency", "gpu", "backend")
    settings = {name: getattr(args, name) for name in names}
    counts = sample(args.questions, args.output, source=source, **settings)
    _print(args.output, counts)
    return int(counts["failed"] > 0)


def _score(args: argparse.Namespace) -> int:
    from swift_saber.pairs.score import score

    if not args.candidates.is_file():
        raise InputError(str(args.candidates), "file", "is not there", "run `swift-saber pairs sample` first")
    if args.rules and args.measured:
        raise InputError("pairs score", "--measured", "stands beside a judge", "name a judge, or leave it out")
    if args.rules == "mini":
        from swift_saber.mini.rules import MiniScorer

        _print(args.output, score(args.candidates, args.output, MiniScorer()))
        return 0
    if args.rules == "measured":
        counts = _by_voice(args)
        _print(args.output, counts)
        return int("sound unreadable" in counts["failed"])
    if not args.base_url:
        raise InputError("pairs score", "--base-url", "is missing", "give the judge's address, ending in /v1")
    if args.show == "record" and not args.records:
        raise InputError("pairs score", "--records", "is missing", "give the clips' records, or write --show clip")
    counts = _judged(args)
    _print(args.output, counts)
    return int(bool(counts["failed"].keys() - {"cut short"}))


def _by_voice(args: argparse.Namespace) -> dict[str, Any]:
    from contextlib import nullcontext

    from swift_saber.data.lookup import Records
    from swift_saber.pairs.measured import Measured
    from swift_saber.pairs.score import score

    with Records(args.records) if args.records else nullcontext() as records:
        return score(args.candidates, args.output, Measured(args.candidates, args.output, records))


def _judged(args: argparse.Namespace) -> dict[str, Any]:
    from contextlib import nullcontext
    from dataclasses import replace

    from swift_saber.data.log import RowLog
    from swift_saber.data.lookup import Records
    from swift_saber.models.asker import usage
    from swift_saber.pairs.judge import Judge
    from swift_saber.pairs.measured import Beside, Measured
    from swift_saber.pairs.score import judge_log, score

    service, replies = replace(judge_of(args, "pairs score"), media=args.media), judge_log(args.output)
    shown = Records(args.records) if args.show == "record" else nullcontext()
    with shown as records, RowLog(replies) as log:
        judge = Judge(service, log, show=args.show, records=records)
        scorer = Beside(judge, Measured(args.candidates, args.output, records)) if args.measured else judge
        counts = score(args.candidates, args.output, scorer, concurrency=service.concurrency)
    return counts | usage(replies).get(service.model, {})


def _select(args: argparse.Namespace) -> None:
    from swift_saber.data.convert import answer_order
    from swift_saber.pairs.choose import Rules
    from swift_saber.pairs.select import select

    names = ("min_gap", "min_chosen", "record_as_chosen", "seed")
    rules = Rules(
        **{name: getattr(args, name) for name in names}, kinds=tuple(dict.fromkeys(args.kinds)), order=answer_order()
    )
    share = args.inconsistent_share
    _print(args.output, select(args.scored, args.output, records=args.records, rules=rules, inconsistent_share=share))


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

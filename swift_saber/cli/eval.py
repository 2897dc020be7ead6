"""The command `swift-saber eval`: a benchmark's questions, answers and scores, in one folder.

swift-saber eval saber-test --data test.jsonl --model output/sed/checkpoint-100 -o runs/saber-test
"""

import argparse
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any

from swift_saber.cli import Parser, command
from swift_saber.cli.judge import add_judge, judge_of
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks import BENCHMARKS
from swift_saber.evaluation.benchmarks import command as of_benchmark

_WIDTH = 100
_ABOUT = (
    "In the folder: questions.jsonl, answers.jsonl, items.jsonl, scores.json, scores.md. The same command goes on "
    "where it was stopped. Without --model and --answers only the questions are written, for use elsewhere. "
    "Exit status: 0 when there are scores, however many answers are missing or invalid (their numbers are beside each "
    "score, and they count as wrong); 2 for input that cannot be used."
)


def add_eval(commands: Any) -> None:
    example = "eval saber-test --data test.jsonl --model MODEL -o runs/saber-test"
    group = command(commands, "eval", None, "evaluate a model, or existing answers, on a benchmark", example)
    group.description = "Evaluate a model, or existing answers, on a benchmark, and compare two evaluations."
    parts = group.add_subparsers(metavar="BENCHMARK", required=True)
    for name, help_text in BENCHMARKS.items():
        one = command(parts, name, _evaluate, help_text, f"eval {name} --help", resumable=True)
        one.set_defaults(benchmark=name)
        one.fill = partial(_add_options, one, name)  # no benchmark is loaded for the help of another command
    compare = command(parts, "compare", _compare, "two runs on the same questions", "eval compare runs/sed runs/ca_dpo")
    compare.description = fill(
        "Compare two runs on the same questions, metric by metric: the difference with its paired interval, and the "
        "p-value of McNemar's exact test (right and wrong) or of a sign-flip permutation. Where one model's answers "
        "were judged by two judges, their agreement too.",
        _WIDTH,
    )
    compare.add_argument("first", type=Path, help="folder of a run")
    compare.add_argument("second", type=Path, help="folder of the other run")
    compare.add_argument("--only-shared", action="store_true", help="leave out questions that one run alone has")


def _add_options(parser: Parser, name: str) -> None:
    about = of_benchmark(name)
    parser.description = "\n\n".join(fill(text, _WIDTH) for text in (about.about, *([_ABOUT] if about.asks else [])))
    called, output = f"swift-saber eval {name}", f"-o runs/{name}"
    if about.asks:
        examples = [
            f"{about.data} --model MODEL --gpu 0,1 {output} -- --max_batch_size 8",
            f"{about.data} --answers answers.jsonl {output}",
        ]
    else:
        examples = [f"{about.data} {output}" if about.judged else f"{about.data} --model MODEL {output}"]
    if about.judged:
        examples.append(f"{examples[-1]} --judge Qwen/Qwen3-32B --base-url http://127.0.0.1:8000/v1")
    parser.epilog = "\n  ".join(["examples:", *(f"{called} {example}" for example in (*examples, *about.examples))])
    about.add_options(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="folder of this run, to write or to go on with"
    )
    if about.asks:
        parser.add_argument("--model", help="folder, LoRA checkpoint or hub id; with --answers the name that is shown")
        parser.add_argument("--gpu", default="0", help="a GPU, or several: 0,1,2,3 (default 0)")
        parser.add_argument("--answers", type=Path, help="score these results of shell/infer.sh; no model is loaded")
        parser.add_argument(
            "infer", nargs="*", metavar="ARGUMENT", help="after --: further --key value for swift infer"
        )
    if about.judged:
        add_judge(parser, "its name stands in every result; its replies are kept in the folder")


def _evaluate(args: argparse.Namespace) -> None:
    from swift_saber.evaluation.run import QUESTIONS, evaluate

    about = of_benchmark(args.benchmark)
    asked = {}
    if about.asks:
        if args.infer and not args.infer[0].startswith("--"):
            raise InputError("eval", "arguments", f"{args.infer[0]!r} is no argument", "see --help")
        if args.answers is not None and args.infer:
            raise InputError("eval", "--answers", "leaves nothing for the arguments after --", "leave one of them out")
        asked = {"gpu": args.gpu, "arguments": args.infer, "answers": args.answers}
    benchmark = about.benchmark(args)
    judge = judge_of(args, "eval") if about.judged else None
    # Where no model is asked and a judge is, it is the judge that is scored.
    model = (judge.model if judge else "no judge") if about.judged and not about.asks else args.model
    if evaluate(benchmark, args.output, model=model, judge=judge, **asked) is not None:
        print((args.output / "scores.md").read_text(encoding="utf-8"), end="")
    else:
        print(f"{len(benchmark.questions)} questions in {args.output / QUESTIONS}; answer them and give --answers FILE")


def _compare(args: argparse.Namespace) -> None:
    from swift_saber.evaluation.compare import compare_runs

    print(compare_runs(args.first, args.second, only_shared=args.only_shared), end="")

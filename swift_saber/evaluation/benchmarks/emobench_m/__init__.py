"""EmoBench-M, the whole of it: questions for a model, its answers as items, their scores, and the official formats.

The parts: layout.py (scenarios, labels, and the questions in the benchmark's folder), answers.py (which label an answer
says), items.py, scores.py, official.py (result files in the form of the benchmark's own scripts).
"""

import argparse
from pathlib import Path

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks import Command
from swift_saber.evaluation.benchmarks.emobench_m.items import items
from swift_saber.evaluation.benchmarks.emobench_m.layout import chosen, json_path, questions
from swift_saber.evaluation.benchmarks.emobench_m.official import from_official, to_official
from swift_saber.evaluation.benchmarks.emobench_m.scores import scores
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.run import Benchmark


def _add_options(parser: argparse.ArgumentParser) -> None:
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", type=Path, help="the benchmark's folder, with benchmark_json and dataset")
    data.add_argument("--results", type=Path, nargs="+", help="score result files in the benchmark's own form")
    parser.add_argument("--scenarios", nargs="+", help="names of files, e.g. MOSI smile (default: all)")
    parser.add_argument("--allow-missing", action="store_true", help="go on where files of the benchmark are missing")
    parser.add_argument("--official", action="store_true", help="read and score as the official scripts (default: no)")
    parser.add_argument("--bert-model", type=Path, help="folder of BERTScore's model (default: no BERTScore)")


def _from_options(args: argparse.Namespace) -> Benchmark:
    official, bert_model = args.official, args.bert_model
    settings = {"official": official, "bert_model": bert_model.name if bert_model else None}
    if args.results is not None:
        return _of_results(args, settings)

    def scored(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        return items(args.data, answers, rejects, official=official, judge=judge, bert_model=bert_model)

    files = [json_path(args.data, scenario) for scenario in chosen(args.scenarios)]
    return Benchmark(
        "emobench-m",
        {path.relative_to(args.data).as_posix(): path for path in files if path.exists()},
        questions(args.data, args.scenarios, allow_missing=args.allow_missing),
        scored,
        lambda found: scores(found, official=official),
        {**settings, "scenarios": list(args.scenarios or ())},
        to_official,
    )


def _of_results(args: argparse.Namespace, settings: dict[str, object]) -> Benchmark:
    """EmoBench-M for result files in its own form."""
    for name in ("answers", "scenarios", "infer"):
        if getattr(args, name):
            raise InputError("eval", "--results", f"leaves nothing for {name}", "leave one of them out")
    names = [path.name for path in args.results]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(twice, "--results", "is the name of two files", "give each scenario's file a name of its own")

    def scored(path: Path, _: Path, judge: Judge | None) -> list[Item]:
        return from_official(path, official=args.official, judge=judge, bert_model=args.bert_model)

    return Benchmark(
        "emobench-m",
        dict(zip(names, args.results, strict=True)),
        [],
        scored,
        lambda found: scores(found, official=args.official),
        settings,
        results=args.results,
    )


COMMAND = Command(
    "Score answers on EmoBench-M. An invalid or missing answer is wrong; the official scripts, and --official, leave "
    "invalid ones out. Laughter reasoning, and so the overall score, needs --judge. The answers in the benchmark's own "
    "form, for its own scripts, are put into official/.",
    "--data EmoBench-M",
    _add_options,
    _from_options,
    examples=("--results MOSI.json smile.json --official -o runs/scored",),
    judged=True,
    verdicts=("accuracy", "emotion", "intent"),
)

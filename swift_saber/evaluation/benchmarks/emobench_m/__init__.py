"""EmoBench-M, the whole of it: questions for a model, its answers as items, their scores, and the official formats.

The parts: layout.py (scenarios, labels, and the questions in the benchmark's folder), answers.py (which label an answer
says), items.py, scores.py, official.py (result files in the form of the benchmark's own scripts).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks import Command
from swift_saber.evaluation.benchmarks.emobench_m.items import items as make_items
from swift_saber.evaluation.benchmarks.emobench_m.layout import chosen, json_path, questions
from swift_saber.evaluation.benchmarks.emobench_m.official import from_official, to_official
from swift_saber.evaluation.benchmarks.emobench_m.scores import scores as make_scores
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.run import Benchmark


def benchmark(
    data: Path,
    scenarios: Sequence[str] | None = None,
    *,
    allow_missing: bool = False,
    official: bool = False,
    bert_model: Path | None = None,
) -> Benchmark:
    """Return EmoBench-M on its folder.

    Args:
        data: the benchmark's folder, with benchmark_json and dataset.
        scenarios, allow_missing: as questions.
        official: read and score answers as the official scripts do.
        bert_model: the folder of BERTScore's model, or None for no BERTScore.

    Raises:
        InputError: as questions.
    """
    asked = list(questions(data, scenarios, allow_missing=allow_missing))
    files = {path.relative_to(data).as_posix(): path for path in (json_path(data, one) for one in chosen(scenarios))}

    def scored(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        return make_items(data, answers, rejects, official=official, judge=judge, bert_model=bert_model)

    return Benchmark(
        "emobench-m",
        {name: path for name, path in files.items() if path.exists()},
        asked,
        scored,
        lambda found: make_scores(found, official=official),
        _settings(official, bert_model, scenarios=list(scenarios or ())),
        to_official,
    )


def results_benchmark(results: Sequence[Path], *, official: bool = False, bert_model: Path | None = None) -> Benchmark:
    """Return EmoBench-M for result files in its own form.

    Args:
        results: the files, with names of their own.
        official, bert_model: as benchmark.
    """

    def scored(path: Path, _: Path, judge: Judge | None) -> list[Item]:
        return from_official(path, official=official, judge=judge, bert_model=bert_model)

    return Benchmark(
        "emobench-m",
        {path.name: path for path in results},
        [],
        scored,
        lambda found: make_scores(found, official=official),
        _settings(official, bert_model),
        results=results,
    )


def _settings(official: bool, bert_model: Path | None, **more: Any) -> dict[str, Any]:
    return {"official": official, "bert_model": bert_model.name if bert_model else None, **more}


def _add_options(parser: argparse.ArgumentParser) -> None:
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", type=Path, help="the benchmark's folder, with benchmark_json and dataset")
    data.add_argument("--results", type=Path, nargs="+", help="score result files in the benchmark's own form")
    parser.add_argument("--scenarios", nargs="+", help="names of files, e.g. MOSI smile (default: all)")
    parser.add_argument("--allow-missing", action="store_true", help="go on where files of the benchmark are missing")
    parser.add_argument("--official", action="store_true", help="read and score as the official scripts (default: no)")
    parser.add_argument("--bert-model", type=Path, help="folder of BERTScore's model (default: no BERTScore)")


def _from_options(args: argparse.Namespace) -> Benchmark:
    options = {"official": args.official, "bert_model": args.bert_model}
    if args.results is None:
        return benchmark(args.data, args.scenarios, allow_missing=args.allow_missing, **options)
    for name in ("answers", "scenarios", "infer"):
        if getattr(args, name):
            raise InputError("eval", "--results", f"leaves nothing for {name}", "leave one of them out")
    names = [path.name for path in args.results]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(twice, "--results", "is the name of two files", "give each scenario's file a name of its own")
    return results_benchmark(args.results, **options)


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

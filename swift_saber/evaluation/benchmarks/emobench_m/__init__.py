"""EmoBench-M, the whole of it: questions for a model, its answers as items, their scores, and the official formats.

The parts: layout.py (scenarios, labels, and the questions in the benchmark's folder), answers.py (which label an answer
says), items.py, scores.py, official.py (result files in the form of the benchmark's own scripts).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.benchmarks import Command
from swift_saber.evaluation.benchmarks.emobench_m.items import items
from swift_saber.evaluation.benchmarks.emobench_m.layout import chosen, json_path, questions, root_of
from swift_saber.evaluation.benchmarks.emobench_m.official import SCORERS, from_official, to_official
from swift_saber.evaluation.benchmarks.emobench_m.scores import scores
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.run import Benchmark


def _add_options(parser: argparse.ArgumentParser) -> None:
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", type=Path, help="the benchmark's folder, with benchmark_json and dataset")
    data.add_argument("--results", type=Path, nargs="+", help="score result files in the benchmark's own form")
    parser.add_argument("--media", type=Path, help="the clips' folder, where they are not in that of --data")
    names = (
        "with --data which to ask, e.g. MOSI smile (default: all); with --results which each file is, in their order"
    )
    parser.add_argument("--scenarios", "--scenario", nargs="+", metavar="NAME", help=names)
    parser.add_argument("--allow-missing", action="store_true", help="go on where files of the benchmark are missing")
    official = f"score as the official scripts of {SCORERS[-1]} and later, or of {SCORERS[0]} (default: no)"
    parser.add_argument("--official", nargs="?", const=SCORERS[-1], choices=SCORERS, metavar="DATE", help=official)
    parser.add_argument("--bert-model", type=Path, help="folder of BERTScore's model (default: no BERTScore)")


def _from_options(args: argparse.Namespace) -> Benchmark:
    scorer, bert_model = args.official, args.bert_model
    settings = {"official": scorer, "bert_model": bert_model.name if bert_model else None}
    if args.results is not None:
        return _of_results(args, settings)
    folder = root_of(args.data)

    def scored(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        more = {"official": scorer is not None, "judge": judge, "bert_model": bert_model}
        return items(folder, answers, rejects, media=args.media, **more)

    files = {f"benchmark_json/{one.name}.json": json_path(folder, one) for one in chosen(args.scenarios)}
    return Benchmark(
        "emobench-m",
        {name: path for name, path in files.items() if path.exists()},
        questions(folder, args.scenarios, allow_missing=args.allow_missing, media=args.media),
        scored,
        lambda found: scores(found, official=scorer),
        {**settings, "scenarios": list(args.scenarios or ())},
        to_official,
    )


def _of_results(args: argparse.Namespace, settings: dict[str, object]) -> Benchmark:
    """EmoBench-M for result files in its own form."""
    for name in ("answers", "media", "infer"):
        if getattr(args, name):
            raise InputError("eval", "--results", f"leaves nothing for {name}", "leave one of them out")
    files: dict[str, Path] = {}
    for path in args.results:
        if path.name in files:
            problem = f"has the name of {files[path.name]}"
            raise InputError(str(path), "--results", problem, "give each file a name of its own")
        files[path.name] = path
    if args.scenarios and len(args.scenarios) != len(files):
        problem = f"names {len(args.scenarios)} for {len(files)} files"
        raise InputError("eval", "--scenario", problem, "name that of each file, in their order")
    named = dict(zip(args.results, (chosen([name])[0] for name in args.scenarios or ()), strict=False))
    seen: dict[str, Path] = {}
    notes: list[str] = []

    def scored(path: Path, _: Path, judge: Judge | None) -> list[Item]:
        more = {"official": args.official is not None, "judge": judge, "bert_model": args.bert_model}
        found = from_official(path, scenario=named.get(path), **more)
        if both := next((item.id for item in found.items if item.id in seen), None):
            remedy = "remove it from one of them, or score each file in a folder of its own"
            raise InputError(str(path), "id", f"{quoted(both)} is in {seen[both]} too", remedy)
        seen.update((item.id, path) for item in found.items)
        notes.extend(found.notes)
        return found.items

    def all_scores(found: Sequence[Item]) -> dict[str, Any]:
        made = scores(found, official=args.official)
        return {**made, "notes": [*made["notes"], *notes]}

    return Benchmark(
        "emobench-m",
        files,
        [],
        scored,
        all_scores,
        {**settings, "scenarios": list(args.scenarios or ())},
        results=args.results,
    )


COMMAND = Command(
    "Score answers on EmoBench-M. An invalid or missing answer is wrong; the official scripts, and --official, leave "
    "blank ones out, and until 2025-07-07 all invalid ones. Laughter reasoning, and so SCEA and overall, needs "
    "--judge. The answers in the benchmark's own form, for its own scripts, are put into official/.",
    "--data EmoBench-M",
    _add_options,
    _from_options,
    examples=(
        "--results MOSI.json smile.json --official -o runs/scored",
        "--results ours.json --scenario MOSI --official 2025-07-07 -o runs/scored",
    ),
    judged=True,
    verdicts=("accuracy", "emotion", "intent"),
)

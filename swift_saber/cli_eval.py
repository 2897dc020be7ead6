"""The command `swift-saber eval`: a benchmark's questions, answers and scores, in one folder.

swift-saber eval saber-test --data test.jsonl --model output/sed/checkpoint-100 -o runs/saber-test
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from textwrap import fill
from typing import Any

from swift_saber.errors import InputError

_JUDGE = "judge"
_WIDTH = 100


def add_eval(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to a parser.

    Args:
        commands: the parser's subcommands.
        command: adds one: its arguments are subcommands, name, function, help and example.
    """
    parser = commands.add_parser(
        "eval",
        help="evaluate a model, or existing answers, on a benchmark",
        description="Evaluate a model, or existing answers, on a benchmark, and compare two evaluations.",
        epilog="example: swift-saber eval saber-test --data test.jsonl --model MODEL -o runs/saber-test",
    )
    parts = parser.add_subparsers(metavar="BENCHMARK", required=True)
    for name, run, help_text, about in (
        ("saber-test", _saber_test, "SABER-Test, consistent and inconsistent clips apart", _SABER_TEST),
        ("probe", _probe, "how often the emotion changes without sound or picture", _PROBE),
    ):
        one = command(parts, name, run, help_text, f"eval {name} --data test.jsonl --model MODEL -o runs/{name}")
        one.description = _wrapped(about)
        one.epilog = _examples(name, "test.jsonl", judged=name == "saber-test")
        one.add_argument("--data", type=Path, required=True, help="JSONL of SABER rows with consistency")
        _add_run(one, judged=name == "saber-test")
    _add_emer(parts, command)
    _add_emobench(parts, command)
    _add_unibench(parts, command)
    _add_compare(parts, command)


def _add_emer(parts: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    parser = command(parts, "emer", _emer, "EMER: clues and open-vocabulary labels", "eval emer --data E.csv -o runs/e")
    parser.description = _wrapped(_EMER)
    parser.epilog = _examples("emer", "EMER.csv --media clips/", judged=True)
    parser.add_argument("--data", type=Path, required=True, help="the reference: CSV with name, chinese, english")
    parser.add_argument("--media", type=Path, help="folder of the clips; not needed with --answers")
    parser.add_argument("--prompt", choices=("saber", "open"), default="saber", help="question (default saber)")
    parser.add_argument("--question-language", choices=("zh", "en"), default="zh", help="default zh, as the clips are")
    parser.add_argument("--language", choices=("zh", "en"), default="en", help="of the descriptions (default en, ours)")
    parser.add_argument("--wheel", type=Path, help="your emotion_wheel folder, for EW scores (default: none)")
    parser.add_argument("--truth-labels", type=Path, help='JSONL {"id", "labels"} for the judge\'s of the reference')
    parser.add_argument("--answer-labels", type=Path, help='JSONL {"id", "labels"} for the judge\'s of the answers')
    _add_run(parser, judged=True)


def _add_emobench(parts: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    name, folder = "emobench-m", "EmoBench-M"
    parser = command(parts, name, _emobench_m, "EmoBench-M, its 13 scenarios", f"eval {name} --data {folder} -o runs/e")
    parser.description = _wrapped(_EMOBENCH)
    parser.epilog = _examples(name, folder, judged=True)
    parser.epilog += f"\n  swift-saber eval {name} --results MOSI.json smile.json --official -o runs/scored"
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", type=Path, help="the benchmark's folder, with benchmark_json and dataset")
    data.add_argument("--results", type=Path, nargs="+", help="score result files in the benchmark's own form")
    parser.add_argument("--scenarios", nargs="+", help="names of files, e.g. MOSI smile (default: all)")
    parser.add_argument("--allow-missing", action="store_true", help="go on where files of the benchmark are missing")
    parser.add_argument("--official", action="store_true", help="read and score as the official scripts (default: no)")
    parser.add_argument("--bert-model", type=Path, help="folder of BERTScore's model (default: no BERTScore)")
    _add_run(parser, judged=True)


_EMER = (
    "Score answers on EMER: overlap of clues and of labels, 1 to 10 by --judge, and with --wheel precision, recall and "
    "F1 of open-vocabulary labels over the five emotion wheels."
)
_EMOBENCH = (
    "Score answers on EmoBench-M. An invalid or missing answer is wrong; the official scripts, and --official, leave "
    "invalid ones out. Laughter reasoning, and so the overall score, needs --judge. The answers in the benchmark's own "
    "form, for its own scripts, are put into official/."
)
_SABER_TEST = (
    "Score answers on SABER-Test: WER (CER in Chinese), the emotion that is concluded and, with --judge, each "
    "dimension against the record; and the gap between consistent and inconsistent clips. SABER-Test's own metrics "
    "are not published: these are ours."
)
_PROBE = (
    "Ask about each clip four times: as it is, without sound, without picture, and with the sound of another clip; and "
    "count how often the emotion of the answer changes. No judge is needed."
)
_ABOUT = (
    "In the folder: questions.jsonl, answers.jsonl, items.jsonl, scores.json, scores.md. The same command goes on "
    "where it was stopped. Without --model and --answers only the questions are written, for use elsewhere. "
    "Exit status: 0 when there are scores, however many answers are missing or invalid (their numbers are beside each "
    "score, and they count as wrong); 2 for input that cannot be used."
)


def _wrapped(about: str) -> str:
    return "\n\n".join(fill(text, _WIDTH) for text in (about, _ABOUT))


def _examples(name: str, data: str, *, judged: bool) -> str:
    lines = [
        f"swift-saber eval {name} --data {data} --model MODEL --gpu 0,1 -o runs/{name} -- --max_batch_size 8",
        f"swift-saber eval {name} --data {data} --answers answers.jsonl -o runs/{name}",
    ]
    if judged:
        judge = "--judge Qwen/Qwen3-32B --base-url http://127.0.0.1:8000/v1"
        lines.append(f"swift-saber eval {name} --data {data} --answers answers.jsonl -o runs/{name} {judge}")
    return "examples:\n" + "\n".join(f"  {line}" for line in lines)


def _add_run(parser: argparse.ArgumentParser, *, judged: bool) -> None:
    """Add what all benchmarks share."""
    parser.add_argument(
        "-o", "--output", type=Path, required=True, help="folder of this run, to write or to go on with"
    )
    parser.add_argument("--model", help="folder, LoRA checkpoint or hub id; with --answers the name that is shown")
    parser.add_argument("--gpu", default="0", help="a GPU, or several: 0,1,2,3 (default 0)")
    parser.add_argument("--answers", type=Path, help="score these results of shell/infer.sh; no model is loaded")
    parser.add_argument("infer", nargs="*", metavar="ARGUMENT", help="after --: further --key value for swift infer")
    if not judged:
        return
    judge = parser.add_argument_group("judge", "its name stands in every result; its replies are kept in the folder")
    judge.add_argument("--judge", metavar="MODEL", help="name of the model that judges, as its server knows it")
    judge.add_argument("--base-url", metavar="URL", help="its OpenAI-compatible address, .../v1")
    judge.add_argument("--key-env", metavar="NAME", help="variable that holds its key (default OPENAI_API_KEY)")
    judge.add_argument("--concurrency", type=int, help="requests at a time (default 8, ours)")
    judge.add_argument(
        "--reply-form",
        choices=("json_schema", "json_object", "none"),
        help="what the server is held to (default json_schema; some servers take only the others)",
    )


def _service(args: argparse.Namespace) -> Any:
    """The judge that the arguments name, or None."""
    from swift_saber.service import Service

    given = {name: getattr(args, name) for name in ("base_url", "key_env", "concurrency", "reply_form")}
    given = {name: value for name, value in given.items() if value is not None}
    if args.judge is None:
        if given:
            option = f"--{next(iter(given)).replace('_', '-')}"
            raise InputError("eval", option, "is given without --judge", "name the judge's model")
        return None
    try:
        return Service.read({"model": args.judge, **given}, _JUDGE)
    except InputError as error:
        option = error.field.removeprefix(f"{_JUDGE}.").replace("_", "-")
        raise InputError("eval", f"--{option}", error.problem, error.remedy) from error


def _run(args: argparse.Namespace, benchmark: Any, judge: Any = None) -> int:
    from swift_saber.evaluation.run import QUESTIONS, evaluate

    if args.infer and not args.infer[0].startswith("--"):
        raise InputError("eval", "arguments", f"{args.infer[0]!r} is no argument", "see --help")
    if args.answers is not None and args.infer:
        raise InputError("eval", "--answers", "leaves nothing for the arguments after --", "leave one of them out")
    scores = evaluate(
        benchmark,
        args.output,
        model=args.model,
        gpu=args.gpu,
        arguments=args.infer,
        answers=args.answers,
        judge=judge,
    )
    if scores is not None:
        return _show(args.output)
    print(f"{len(benchmark.questions)} questions in {args.output / QUESTIONS}; answer them and give --answers FILE")
    return 0


def _saber_test(args: argparse.Namespace, _: list[str]) -> int:
    from swift_saber.evaluation.benchmarks import saber_test

    return _run(args, saber_test.benchmark(args.data), _service(args))


def _probe(args: argparse.Namespace, _: list[str]) -> int:
    from swift_saber.evaluation.benchmarks import probe

    return _run(args, probe.benchmark(args.data))


def _emer(args: argparse.Namespace, _: list[str]) -> int:
    from swift_saber.evaluation.benchmarks import emer

    if args.media is None and args.answers is None:
        raise InputError("eval", "--media", "is not given", "name the folder of the clips, or score --answers")
    benchmark = emer.benchmark(
        args.data,
        args.media,
        prompt=args.prompt,
        question_language=args.question_language,
        language=args.language,
        wheel=args.wheel,
        truth_labels=args.truth_labels,
        answer_labels=args.answer_labels,
    )
    if args.answers is None and args.model is not None and args.judge is None and args.wheel is None:
        raise InputError("eval", "--judge", "is not given, nor are wheels and labels", "name the judge's model")
    return _run(args, benchmark, _service(args))


def _emobench_m(args: argparse.Namespace, _: list[str]) -> int:
    from swift_saber.evaluation.benchmarks import emobench_m
    from swift_saber.evaluation.run import rescore

    options = {"official": args.official, "bert_model": args.bert_model}
    if args.results is None:
        benchmark = emobench_m.benchmark(args.data, args.scenarios, allow_missing=args.allow_missing, **options)
        return _run(args, benchmark, _service(args))
    for name in ("answers", "scenarios", "infer"):
        if getattr(args, name):
            raise InputError("eval", "--results", f"leaves nothing for {name}", "leave one of them out")
    names = [path.name for path in args.results]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(twice, "--results", "is the name of two files", "give each scenario's file a name of its own")
    benchmark = emobench_m.results_benchmark(args.results, **options)
    model = args.model or args.results[0].resolve().parent.name
    rescore(benchmark, args.output, model=model, results=args.results, judge=_service(args))
    return _show(args.output)


def _show(folder: Path) -> int:
    print((folder / "scores.md").read_text(encoding="utf-8"), end="")
    return 0


def _add_unibench(parts: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    example = "eval mer-unibench --data truth.jsonl --answers labels.jsonl --wheel emotion_wheel -o runs/u"
    parser = command(parts, "mer-unibench", _mer_unibench, "MER-UniBench: hit rate, or sign of a sentiment", example)
    parser.description = fill(
        'Score labels on MER-UniBench\'s sets: the hit rate of {"id", "labels"} against {"id", "emotion"} over the '
        'five emotion wheels, or weighted F1 and accuracy of the sign of {"id", "sentiment"} against the same.',
        _WIDTH,
    )
    parser.add_argument("--data", type=Path, required=True, help='JSONL: {"id", "emotion"} or {"id", "sentiment"}')
    parser.add_argument("--answers", type=Path, required=True, help='JSONL: {"id", "labels"} or {"id", "sentiment"}')
    parser.add_argument("--wheel", type=Path, help="your emotion_wheel folder, for emotions")
    parser.add_argument("--model", required=True, help="the name that the answers are shown under")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write")


def _mer_unibench(args: argparse.Namespace, _: list[str]) -> int:
    from swift_saber.evaluation.benchmarks import mer_unibench
    from swift_saber.evaluation.run import rescore

    benchmark = mer_unibench.benchmark(args.data, args.wheel)
    rescore(benchmark, args.output, model=args.model, results=[args.answers])
    return _show(args.output)


def _add_compare(parts: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    example = "eval compare runs/sed runs/ca_dpo"
    parser = command(parts, "compare", _compare, "two runs on the same questions", example)
    parser.description = fill(
        "Compare two runs on the same questions, metric by metric: the difference with its paired interval, and the "
        "p-value of McNemar's exact test (right and wrong) or of a sign-flip permutation. Where one model's answers "
        "were judged by two judges, their agreement too.",
        _WIDTH,
    )
    parser.add_argument("first", type=Path, help="folder of a run")
    parser.add_argument("second", type=Path, help="folder of the other run")
    parser.add_argument("--only-shared", action="store_true", help="leave out questions that one run alone has")


def _compare(args: argparse.Namespace, _: list[str]) -> int:
    from swift_saber.evaluation.compare import compare_runs

    print(compare_runs(args.first, args.second, only_shared=args.only_shared), end="")
    return 0

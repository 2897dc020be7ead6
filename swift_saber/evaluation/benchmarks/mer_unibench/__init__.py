"""MER-UniBench, the whole of it: its truths as their authors ship them, questions, items and scores.

The parts: truths.py (its sets, their files and clips), items.py (what an answer says), scores.py.
"""

import argparse
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks import Command
from swift_saber.evaluation.benchmarks.clips_by_name import question
from swift_saber.evaluation.benchmarks.mer_unibench.items import items
from swift_saber.evaluation.benchmarks.mer_unibench.scores import scores
from swift_saber.evaluation.benchmarks.mer_unibench.truths import (
    SETS,
    find_clips,
    set_named,
    sources,
    truths_of,
)
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge
from swift_saber.evaluation.run import Benchmark, read_rejects
from swift_saber.text.language import Language
from swift_saber.text.wheel import Wheels


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="the authors' folder of sets, or one set's; their npz or CSV; JSONL {id, emotion or sentiment or labels}",
    )
    parser.add_argument("--media", type=Path, help="folder of the clips (default: beside the authors' labels)")
    parser.add_argument("--wheel", type=Path, help="your emotion_wheel folder, for emotions and labels")
    parser.add_argument(
        "--results", type=Path, nargs="+", help="score npz or CSV files in the authors' form, one a set"
    )
    parser.add_argument("--prompt", choices=("saber", "open"), default="saber", help="question (default saber)")
    parser.add_argument("--question-language", choices=("zh", "en"), help="default: that of each set's clips, else en")
    parser.add_argument("--official", action="store_true", help="sentiment scores as the authors' too (default: no)")


def _from_options(args: argparse.Namespace) -> Benchmark:
    given = sources(args.data)
    truths = truths_of(given)
    wheels = Wheels(args.wheel) if args.wheel is not None else None
    if wheels is None and any(not isinstance(truth, float) for _, truth in truths.values()):
        raise InputError("eval", "--wheel", "is not given", "name the emotion_wheel folder")
    asked = args.answers is None and args.results is None
    clips = find_clips(given, args.media) if asked or args.media is not None else {}
    files = {f"{source.name}/{source.file.name}".lstrip("/"): source.file for source in given}
    results = _results(args, list(dict.fromkeys(group for group, _ in truths.values())))

    def scored(answers: Path, rejects: Path, judge: Judge | None) -> list[Item]:
        named = results.get(answers)
        of = {name: one for name, one in truths.items() if named is None or one[0] == named}
        return items(of, answers, wheels, rejects=read_rejects(rejects), judge=judge, clips=clips)

    spoken: dict[str, Language] = {one.name: one.language for one in SETS}

    def asked_about(name: str) -> dict[str, Any]:
        return question(name, clips[name], args.question_language or spoken.get(truths[name][0], "en"), args.prompt)

    return Benchmark(
        "mer-unibench",
        files | {f"results/{of}/{path.name}": path for path, of in results.items()} | (wheels.files if wheels else {}),
        [asked_about(name) for name in truths] if asked else [],
        scored,
        lambda found: scores(found, wheels, official=args.official),
        {"official": args.official, "wheel_edition": wheels.named if wheels else None, "prompt": args.prompt},
        results=list(results),
    )


def _results(args: argparse.Namespace, names: list[str]) -> dict[Path, str]:
    """The set of each file of results: the one that its path names, else the only one that there is."""
    if args.results is None:
        return {}
    for name in ("answers", "infer"):
        if getattr(args, name):
            raise InputError("eval", "--results", f"leaves nothing for {name}", "leave one of them out")
    found: dict[Path, str] = {}
    for path in args.results:
        of = set_named(path)
        if (name := names[0] if len(names) == 1 else of.name if of else "") not in names:
            problem = f"is of {name}, which is not in the data" if name else "names none of MER-UniBench's sets"
            raise InputError(str(path), "--results", problem, "leave it in its folder, such as results-cmumosi")
        if name in found.values():
            raise InputError(str(path), "--results", f"is the second file of {name}", "name one file for each set")
        found[path] = name
    return found


COMMAND = Command(
    "Score a model, labels or sentiments on MER-UniBench's sets: the hit rate of emotions and the F1 of open labels "
    "over the five emotion wheels, weighted F1 and accuracy of a sentiment's sign, and the mean of the sets. A judge "
    "reads labels and sentiments out of a model's words; --answers with {id, labels} or {id, sentiment} need none.",
    "--data dataset/ --wheel emotion_wheel",
    _add_options,
    _from_options,
    examples=(
        "--data dataset/ --wheel emotion_wheel --results output/results-*/NAME/EPOCH-openset.npz -o runs/scored",
    ),
    judged=True,
    verdicts=("accuracy",),
)

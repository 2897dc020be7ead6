"""The command `swift-saber`: each subcommand is a few lines around a function of the package.

swift-saber infer MODEL questions.jsonl answers.jsonl 0
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swift_saber import __version__
from swift_saber.cli.check import add_check
from swift_saber.cli.data import add_sources
from swift_saber.cli.doctor import add_doctor
from swift_saber.cli.eval import add_eval
from swift_saber.cli.pairs import add_pairs
from swift_saber.cli.pipeline import add_pipeline
from swift_saber.cli.report import add_report
from swift_saber.data.rows import read_rows, row_id, write_rows
from swift_saber.errors import InputError
from swift_saber.sed.record import Row
from swift_saber.text.strict_json import dumps, parse_json


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status: 0, 2 for input that the user can correct, or 130 after Ctrl-C."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    own, passed_on = _split(arguments)
    args = _parser().parse_args(own)
    if passed_on and not args.passes_on:
        _parser().error(f"unknown argument {passed_on[0]}")
    try:
        return int(args.run(args, passed_on) or 0)
    except InputError as error:
        print(f"swift-saber: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has read enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
        return 141
    except OSError as error:
        where = error.filename or "file"
        print(f"swift-saber: error: {where}: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nswift-saber: stopped", file=sys.stderr)
        return 130


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Cut a command at its first --flag where what follows belongs to ms-swift, even if it looks like ours."""
    if not arguments or arguments[0] not in {"sft", "rlhf", "infer", "deploy"}:
        return arguments, []
    cut = next((i for i, text in enumerate(arguments) if text.startswith("--") and text != "--help"), len(arguments))
    return arguments[:cut], arguments[cut:]


def _sft(args: argparse.Namespace, passed_on: list[str]) -> int:
    from swift_saber.cli.train import sft

    return sft(args.recipe, passed_on)


def _rlhf(args: argparse.Namespace, passed_on: list[str]) -> int:
    from swift_saber.cli.train import rlhf

    return rlhf(args.recipe, passed_on)


def _deploy(args: argparse.Namespace, passed_on: list[str]) -> int:
    from swift_saber.cli.train import deploy

    return deploy(args.model, args.gpu_id, passed_on)


def _infer(args: argparse.Namespace, passed_on: list[str]) -> int:
    from swift_saber.inference.run import infer

    try:
        return infer(args.model, args.input_jsonl, args.result_path, args.gpu_id, passed_on)
    except KeyboardInterrupt:
        print("\nswift-saber: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _analyze(args: argparse.Namespace, _: list[str]) -> None:
    from swift_saber.inference.analyze import analyze

    found = analyze(
        args.clip,
        args.model,
        base_url=args.base_url,
        language=args.language,
        gpu=args.gpu,
        max_new_tokens=args.max_new_tokens,
    )
    if args.json:
        print(dumps(found))
        return
    for dimension in found["found"]:
        print(f"{dimension}: {found['fields'][dimension]}\n")
    if found["remainder"]:
        print(f"{'other' if found['found'] else 'in no known layout'}: {found['remainder']}\n")
    for name in found["missing"]:
        print(f"{name}: (not in the answer)")
    for note in found["notes"]:
        print(f"note: {note}")


def _parse(args: argparse.Namespace, _: list[str]) -> None:
    rows = (_parsed(where, row) for where, row in read_rows(args.results))
    if args.output:
        if args.output.exists():
            raise InputError(str(args.output), "output", "exists already", "move it away or name another file")
        print(f"{write_rows(args.output, rows)} records written to {args.output}")
        return
    for row in rows:
        print(dumps(row))


def _response(where: str, row: dict[str, Any]) -> str:
    """The answer that a result row holds."""
    response = row.get("response")
    if not isinstance(response, str):
        raise InputError(where, "response", "is missing or not a string", "give the result file of an inference")
    return response.encode("utf-8", "replace").decode("utf-8")  # a cut-off answer may end in half a character


def _parsed(where: str, row: dict[str, Any]) -> dict[str, Any]:
    from swift_saber.inference.files import record_of

    return record_of({"id": row_id(row), "response": _response(where, row)})


def _mini_make(args: argparse.Namespace, _: list[str]) -> None:
    from swift_saber.mini.world import write_world

    write_world(args.folder, seed=args.seed)


def _mini_model(args: argparse.Namespace, _: list[str]) -> None:
    from swift_saber.mini.model import build_model
    from swift_saber.sed.layout import render

    rows = (Row.from_dict(row, where) for where, row in read_rows(args.world / "train.jsonl"))
    build_model(args.model, (render(row.record, language=row.language) for row in rows), seed=args.seed)


def _mini_score(args: argparse.Namespace, _: list[str]) -> None:
    from swift_saber.mini.score import format_report, score, update_summary

    truth = [row for _, row in read_rows(args.questions)]
    answers = {row_id(row): _response(where, row) for where, row in read_rows(args.answers)}
    print(format_report(truth, answers))
    if args.output:
        update_summary(args.output, args.stage, score(truth, answers))


def _mini_plot(args: argparse.Namespace, _: list[str]) -> None:
    from swift_saber.mini.plot import plot_summary

    plot_summary(parse_json(args.summary.read_text(encoding="utf-8"), str(args.summary)), args.picture)


def _plugin_path(_args: argparse.Namespace, _: list[str]) -> None:
    from swift_saber.plugin import PLUGIN_FILE

    print(PLUGIN_FILE)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="swift-saber", description="Audio-visual emotion reasoning with ms-swift.")
    parser.add_argument("--version", action="version", version=f"swift-saber {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    sft = _command(
        commands, "sft", _sft, "fine-tune with a recipe", "sft recipes/sed_7b_lora_1gpu.yaml --dataset d.jsonl"
    )
    sft.set_defaults(passes_on=True)
    sft.add_argument("recipe", help="YAML of `swift sft` arguments; every later --key value goes to ms-swift and wins")

    rlhf = _command(
        commands, "rlhf", _rlhf, "train on preference pairs", "rlhf recipes/ca_dpo_7b_lora_1gpu.yaml --adapters CKPT"
    )
    rlhf.set_defaults(passes_on=True)
    rlhf.add_argument(
        "recipe", help="YAML of `swift rlhf` arguments; every later --key value goes to ms-swift and wins"
    )

    infer = _command(commands, "infer", _infer, "answer questions about clips", "infer MODEL in.jsonl out.jsonl 0")
    infer.set_defaults(passes_on=True)
    infer.add_argument("model", help="model folder, LoRA checkpoint folder, or hub id")
    infer.add_argument("input_jsonl", help='rows like {"videos": ["a.mp4"], "audios": ["a.wav"]}')
    infer.add_argument("result_path", help="JSONL to write, or to go on with")
    infer.add_argument("gpu_id", nargs="?", default="0", help="a GPU, or several: 0,1,2,3 (default 0)")

    deploy = _command(commands, "deploy", _deploy, "serve a model on 127.0.0.1", "deploy MODEL 0 --port 8000")
    deploy.set_defaults(passes_on=True)
    deploy.add_argument("model", help="model folder, LoRA checkpoint folder, or hub id")
    deploy.add_argument("gpu_id", nargs="?", default="0", help="CUDA_VISIBLE_DEVICES (default 0)")

    analyze = _command(commands, "analyze", _analyze, "analyse one clip, with its sound", "analyze clip.mp4 --model M")
    analyze.add_argument("clip", help="a video or a sound file")
    analyze.add_argument("--model", required=True, help="model folder, LoRA checkpoint folder, or hub id")
    analyze.add_argument("--base-url", help="ask a server, e.g. http://127.0.0.1:8000/v1; --model is its name there")
    analyze.add_argument(
        "--language", choices=["zh", "en"], default="zh", help="of the instruction (default: released)"
    )
    analyze.add_argument("--gpu", default="0", help="CUDA_VISIBLE_DEVICES (default 0)")
    analyze.add_argument("--max-new-tokens", type=int, default=4096, help="longest answer (default 4096, published)")
    analyze.add_argument("--json", action="store_true", help="print one JSON object")

    parse = _command(
        commands, "parse", _parse, "read the six dimensions out of answers", "parse out.jsonl -o records.jsonl"
    )
    parse.add_argument("results", type=Path, help="result JSONL of infer")
    parse.add_argument("-o", "--output", type=Path, help="JSONL to write (default: print)")

    add_check(commands, _command)
    add_doctor(commands, _command)
    add_pairs(commands, _command)
    add_eval(commands, _command)
    add_report(commands, _command)
    add_sources(commands, _command)
    add_pipeline(commands, _command)

    _command(commands, "plugin-path", _plugin_path, "print the file for --custom_register_path", "plugin-path")

    mini = commands.add_parser(
        "mini",
        help="the demo's world of drawn faces and synthetic voices",
        description="The demo's world of drawn faces and synthetic voices; shell/demo.sh runs the stages in order.",
        epilog="example: swift-saber mini make runs/demo/world",
    )
    stages = mini.add_subparsers(metavar="STAGE", required=True)
    make = _command(
        stages, "make", _mini_make, "draw faces, synthesise voices, write rows", "mini make runs/demo/world"
    )
    make.add_argument("folder", type=Path)
    make.add_argument("--seed", type=int, default=0)
    model = _command(stages, "model", _mini_model, "build the tiny model", "mini model runs/demo/world runs/demo/base")
    model.add_argument("world", type=Path)
    model.add_argument("model", type=Path)
    model.add_argument("--seed", type=int, default=0)
    score = _command(
        stages, "score", _mini_score, "compare answers with the truth", "mini score q.jsonl a.jsonl -o s.json"
    )
    score.add_argument("questions", type=Path)
    score.add_argument("answers", type=Path)
    score.add_argument("--stage", default="sed", help="name of the stage in the summary")
    score.add_argument("-o", "--output", type=Path, help="summary JSON; a stage that is there already is replaced")
    plot = _command(stages, "plot", _mini_plot, "draw the scores of all stages", "mini plot summary.json scores.png")
    plot.add_argument("summary", type=Path, help="what `mini score -o` wrote")
    plot.add_argument("picture", type=Path, help="file to write: .png, .svg or .pdf")
    return parser


def _command(commands: Any, name: str, run: Any, help_text: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=help_text,
        description=help_text.capitalize() + ".",
        epilog=f"example: swift-saber {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, passes_on=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""The command `swift-saber`: each subcommand is a few lines around a function of the package.

swift-saber sft recipes/sed_7b_lora_1gpu.yaml --dataset train.jsonl

What a script needs to know of the exit status stands at the end of `swift-saber --help` (_STATUSES): that rows were
rejected (1) is no error, what the user can put right is said in one line (2), and a crash (70, EX_SOFTWARE of
sysexits.h) is neither. A signal that ends a command is not caught, so that 143 is SIGTERM, and SIGKILL costs no more.
"""

import argparse
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import Any

from swift_saber import __version__
from swift_saber.cli import Parser, command
from swift_saber.cli.app import add_app
from swift_saber.cli.check import add_check
from swift_saber.cli.data import add_pipeline, add_sources
from swift_saber.cli.doctor import add_doctor
from swift_saber.cli.eval import add_eval
from swift_saber.cli.infer import add_infer
from swift_saber.cli.mini import add_mini
from swift_saber.cli.pairs import add_pairs
from swift_saber.cli.prepare import add_prepare
from swift_saber.cli.publish import add_publish
from swift_saber.cli.report import add_report
from swift_saber.cli.review import add_review
from swift_saber.errors import InputError, one_line

_STATUSES = """exit status:
  0    all went through
  1    it ran to its end, and rows were rejected or something was found wrong; each is listed with its reason
  2    wrong usage or input, said in one line; the same command goes on when that is put right
  70   a fault of swift-saber itself, with a traceback
  130  stopped by Ctrl-C
  143  ended by SIGTERM (128 + N: by signal N)

sft, rlhf and deploy end with the status of ms-swift.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand and return its exit status, one of _STATUSES."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    cut = _own(arguments)
    args = argparse.Namespace(passed_on=arguments[cut:], resumable=False)
    if isinstance(sys.stdout, TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")  # the name of a file may be no UTF-8
    try:
        _parser().parse_args(arguments[:cut], args)  # which loads the commands of eval
        status = int(args.run(args) or 0)
        return 128 - status if status < 0 else status  # ms-swift's, ended by a signal
    except InputError as error:
        print(f"swift-saber: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has read enough, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains at its end
        return 141
    except OSError as error:
        said = one_line(f"{error.filename or 'file'}: {error.strerror or error}")
        print(f"swift-saber: error: {said}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        more = "; the same command goes on from here" if args.resumable else ""
        print(f"\nswift-saber: stopped{more}", file=sys.stderr, flush=True)
        others = (thread for thread in threading.enumerate() if thread is not threading.main_thread())
        if args.resumable and not all(thread.daemon for thread in others):
            # A second Ctrl-C, while replies were waited for: Python would go on waiting for them at its end.
            os._exit(130)
        return 130
    except Exception:
        traceback.print_exc()
        said = "this is a fault of swift-saber and not of its input (see above)"
        print(f"swift-saber: error: {said}", file=sys.stderr)
        return 70


def _own(arguments: list[str]) -> int:
    """How many arguments are ours: those before the first --flag where the others are ms-swift's, even if like ours;
    of analyze, those before a bare --."""
    if arguments and arguments[0] == "analyze" and "--" in arguments:
        return arguments.index("--")
    if not arguments or arguments[0] not in {"sft", "rlhf", "infer", "deploy"}:
        return len(arguments)
    flags = (i for i, text in enumerate(arguments) if text.startswith("--") and text != "--help")
    return next(flags, len(arguments))


def _sft(args: argparse.Namespace) -> int:
    from swift_saber.cli.train import sft

    return sft(args.recipe, args.passed_on)


def _rlhf(args: argparse.Namespace) -> int:
    from swift_saber.cli.train import rlhf

    return rlhf(args.recipe, args.passed_on)


def _deploy(args: argparse.Namespace) -> int:
    from swift_saber.cli.train import deploy

    return deploy(args.model, args.gpu_id, args.passed_on)


def _plugin_path(_: argparse.Namespace) -> None:
    from swift_saber.plugin import PLUGIN_FILE

    print(PLUGIN_FILE)


def _add_training(commands: Any) -> None:
    for name, run, about, example in (
        ("sft", _sft, "fine-tune with a recipe", "recipes/sed_7b_lora_1gpu.yaml --dataset d.jsonl"),
        ("rlhf", _rlhf, "train on preference pairs", "recipes/ca_dpo_7b_lora_1gpu.yaml --adapters CKPT"),
    ):
        text = f"YAML of `swift {name}` arguments; every later --key value goes to ms-swift and wins"
        command(commands, name, run, about, f"{name} {example}").add_argument("recipe", help=text)


def _add_deploy(commands: Any) -> None:
    deploy = command(commands, "deploy", _deploy, "serve a model on 127.0.0.1", "deploy MODEL 0 --port 8000")
    deploy.add_argument("model", help="model folder, LoRA checkpoint folder, or hub id")
    deploy.add_argument("gpu_id", nargs="?", default="0", help="CUDA_VISIBLE_DEVICES (default 0)")


def _add_plugin_path(commands: Any) -> None:
    command(commands, "plugin-path", _plugin_path, "print the file for --custom_register_path", "plugin-path")


# What people do, and the commands for it, as --help lists them.
_GROUPS: tuple[tuple[str, tuple[Callable[[Any], None], ...]], ...] = (
    ("I have clips", (add_infer, add_app, _add_deploy)),
    ("I annotate, and make preference pairs", (add_sources, add_pipeline, add_review, add_publish, add_pairs)),
    ("I train", (_add_training, _add_plugin_path)),
    ("before a long run", (add_check, add_prepare, add_doctor)),
    ("I evaluate", (add_eval, add_report)),
    ("the demo", (add_mini,)),
)


def _parser() -> Parser:
    parser = Parser(prog="swift-saber", epilog=_STATUSES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"swift-saber {__version__}")
    # argparse lists the commands in one column; here the description does.
    commands = parser.add_subparsers(metavar="COMMAND", required=True, help=argparse.SUPPRESS)
    parser.usage = "swift-saber [-h] [--version] COMMAND ..."
    lines = ["Audio-visual emotion reasoning with ms-swift."]
    for heading, adders in _GROUPS:
        there = len(commands.choices)
        for add in adders:
            add(commands)
        lines += ["", f"{heading}:"]
        lines += [f"  {name:<12} {one.about}" for name, one in list(commands.choices.items())[there:]]
    parser.description = "\n".join(lines)
    return parser

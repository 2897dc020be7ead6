"""The command `swift-saber pipeline`: from source datasets to checked records.

swift-saber pipeline recipes/data/saber.yaml
"""

import argparse
import importlib.util
from collections.abc import Callable
from typing import Any

from swift_saber.errors import InputError


def add_pipeline(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to a parser; the arguments are those of cli.check.add_check."""
    text = "clips of source datasets to checked records"
    parser = command(commands, "pipeline", _pipeline, text, "pipeline recipes/data/saber.yaml --until clean")
    parser.add_argument("recipe", help="YAML: sources, output, and a block of settings for each stage to run")
    parser.add_argument("--until", metavar="STAGE", help="stop after this stage; the same command without it goes on")


def _pipeline(args: argparse.Namespace, _: list[str]) -> None:
    for package in ("datatrove", "jinja2", "jiwer", "opencc"):
        if importlib.util.find_spec(package) is None:
            raise InputError("pipeline", package, "is not installed", "pip install -c constraints.txt -e '.[pipeline]'")
    from swift_saber.pipeline.run import run

    run(args.recipe, args.until)

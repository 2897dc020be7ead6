"""The benchmarks, a file or a folder each, listed here and nowhere else.

To add one, write its name into BENCHMARKS, and a module of that name ("-" is "_" there) with a Command called COMMAND.
`swift-saber eval` and the page take the rest from it. Imports none of them before it is asked for.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swift_saber.evaluation.run import Benchmark

#: Each benchmark and what it is, in the order of `swift-saber eval --help`.
BENCHMARKS = {
    "saber-test": "SABER-Test, consistent and inconsistent clips apart",
    "probe": "how often the emotion changes without sound or picture",
    "emer": "EMER: clues and open-vocabulary labels",
    "emobench-m": "EmoBench-M, its 13 scenarios",
    "mer-unibench": "MER-UniBench: hit rate, or sign of a sentiment",
    "emorealm": "EmoReAlM: cues that are not there, and agreement of modalities",
    "preferences": "a judge against people's preferences between two descriptions (MER2026)",
}


@dataclass(frozen=True)
class Command:
    """How a benchmark is called by `swift-saber eval NAME`, and how its items are shown.

    Attributes:
        about: what it scores, for --help.
        data: the options that name its data, as examples have them.
        add_options: adds the benchmark's own options to a parser.
        benchmark: from the options, the shared ones among them, to what is asked and how it is scored.
        examples: further ones of what follows `swift-saber eval NAME`.
        asks: whether a model can be asked and its answers given; else existing results in a form of their own are
            scored, and of the shared options there is only -o. With a judge it is the judge that is scored.
        judged: whether a judge can be named.
        verdicts: the scores of its items that say right (1) or wrong (0). The others have degrees, and who is wrong by
            them is no fact.
    """

    about: str
    data: str
    add_options: Callable[[argparse.ArgumentParser], None]
    benchmark: "Callable[[argparse.Namespace], Benchmark]"
    examples: Sequence[str] = ()
    asks: bool = True
    judged: bool = False
    verdicts: Sequence[str] = ()


def command(name: str) -> Command:
    """Return how a benchmark of BENCHMARKS is called."""
    found: Command = import_module(f"{__name__}.{name.replace('-', '_')}").COMMAND
    return found

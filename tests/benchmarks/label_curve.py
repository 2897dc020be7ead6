"""How few conflicting clips does a method need? Scores against the number of conflicting clips with a right answer.

    python tests/benchmarks/label_curve.py runs/label_curve --seeds 0 1 2 3 4 --jobs 2
    python tests/benchmarks/label_curve.py runs/label_curve --seeds 0 --variant "beta 0.1" beta=0.1 SABER_MARGIN_SCALE=1
    python tests/benchmarks/label_curve.py runs/hard --world hard --counts 20 40 --methods SFT CA-DPO

Each method trains the SED model of a seed on the pairs of all clips that agree and of the first N that conflict: equal
steps, batch and learning rate at each N, and equal rows but for the last two, which have a pair of the kind
"conclusion" besides, of each of the N and of as many that agree. What a seed is, how processes share the arms, and what
happens to a run that was stopped, ablation.py tells; both may have one folder, and arms that both need are run once.
--variant adds a method of one's own: CA-DPO with other values of the recipe (name=value) or of the environment
(NAME=value).

Prints a table, mean and standard deviation over the seeds, of the harder world (hard_world.py) also the conflicting
clips by the strength of the voice, and writes label_curve.csv, every seed by itself, and label_curve.png into the
folder.
"""

import csv
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # as `python tests/benchmarks/...` has not

from tests.benchmarks.ablation import (
    COLUMNS,
    Arm,
    arguments,
    column_name,
    end,
    result_of,
    run_arms,
    score_cells,
    seed_folders,
    strength_table,
)

COUNTS = (0, 2, 5, 10, 20, 40, 80)
# What turns the modality terms of the loss on, and the weight of the likelihood beside them. At CA-DPO's own, 1,
# rejected conclusions became less likely without the chosen ones becoming more so, and answers fell apart.
MODALITY = {"SABER_MODALITY_PARTS": "evidence", "SABER_INVARIANCE_WEIGHT": "1"}
LIKELIHOOD = {"rpo_alpha": "10"}


@dataclass(frozen=True)
class Method:
    """A line of the picture.

    Attributes:
        folder: what the folders of its arms begin with.
        method, flags, environment, conclusions: of its arms (ablation.Arm).
    """

    name: str
    folder: str
    method: str = "rlhf"
    flags: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    conclusions: bool = False

    def arm(self, count: int) -> Arm:
        """Its arm with so many conflicting clips."""
        folder = f"{self.folder}-{count}"
        return Arm(self.name, folder, "sed", self.method, count, self.flags, self.environment, self.conclusions)


METHODS = (
    Method("SFT", "sft", "sft"),
    Method("CA-DPO", "ca_dpo"),
    Method("CA-DPO, modality terms", "modality", flags=LIKELIHOOD, environment=MODALITY),
    Method("the same and conclusion pairs", "modality_c", flags=LIKELIHOOD, environment=MODALITY, conclusions=True),
    Method("SFT on those rows", "sft_c", "sft", conclusions=True),
)


def main() -> None:
    parser = arguments(__doc__)
    names = [method.name for method in METHODS]
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="of conflicting clips")
    parser.add_argument("--methods", nargs="*", choices=names, default=names)
    parser.add_argument("--variant", nargs="+", action="append", default=[], metavar=("NAME", "KEY=VALUE"))
    args = parser.parse_args()
    methods = [method for method in METHODS if method.name in args.methods] + list(map(variant, args.variant))
    failed = run_arms([method.arm(count) for count in args.counts for method in methods], args)
    found = results(methods, args.counts, dict(zip(args.seeds, seed_folders(args), strict=True)))
    print(table(found, len(args.seeds)))
    if args.world == "hard":
        arms = {f"{count} clips: {method.name}": method.arm(count) for count in args.counts for method in methods}
        print(strength_table(arms, seed_folders(args)))
    write_csv(found, args.folder / "label_curve.csv")
    plot(found, args.folder / "label_curve.png")
    end(failed)


def variant(words: Sequence[str]) -> Method:
    """A method of one's own, of its name and KEY=VALUE for the environment, key=value for the recipe.

    Raises:
        SystemExit: a word is neither.
    """
    name, *given = words
    if wrong := [word for word in given if "=" not in word]:
        raise SystemExit(f"--variant {name}: {wrong[0]!r} is not KEY=VALUE")
    values = dict(word.split("=", 1) for word in given)
    environment = {key: value for key, value in values.items() if key.isupper()}
    flags = {key: value for key, value in values.items() if not key.isupper()}
    return Method(name, "variant-" + name.replace(" ", "_").replace("/", "_"), "rlhf", flags, environment)


# {method: {number of conflicting clips: {seed: what mini.score.score returned}}}
Results = dict[str, dict[int, dict[int, dict[str, Any]]]]


def results(methods: Sequence[Method], counts: Sequence[int], folders: Mapping[int, Path]) -> Results:
    """The scores that are there."""
    found: Results = {method.name: {count: {} for count in counts} for method in methods}
    for method in methods:
        for count in counts:
            for seed, folder in folders.items():
                if result := result_of(method.arm(count), folder):
                    found[method.name][count][seed] = result["scores"]
    return found


def table(found: Results, seeds: int) -> str:
    """A line for each number of clips and method that so many seeds have."""
    head = ["conflicting clips", "method", *(column_name(*column) for column in COLUMNS)]
    lines = [f"| {' | '.join(head)} |", "| " + " | ".join(["---"] * len(head)) + " |"]
    for count in dict.fromkeys(count for counts in found.values() for count in counts):
        for name, counts in found.items():
            if len(counts[count]) == seeds:
                cells = score_cells(list(counts[count].values()))
                lines.append(f"| {' | '.join([str(count), name, *cells])} |")
    return "\n".join(lines)


def write_csv(found: Results, path: Path) -> None:
    """Write every seed by itself."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "conflicting clips", "seed", *(column_name(*column) for column in COLUMNS)])
        for name, counts in found.items():
            for count, seeds in counts.items():
                for seed, score in seeds.items():
                    writer.writerow([name, count, seed, *(score[kind][sense] for kind, sense in COLUMNS)])


def plot(found: Results, path: Path) -> None:
    """Draw a panel for each score: a line a method, its band a standard deviation to each side, a point a seed."""
    from matplotlib.figure import Figure

    counts = list(dict.fromkeys(count for counts in found.values() for count in counts))
    seeds = {seed for counts in found.values() for scores in counts.values() for seed in scores}
    figure = Figure(figsize=(11, 6.4), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True).flat
    for panel, (kind, sense) in zip(panels, (*COLUMNS[1:4], COLUMNS[0], *COLUMNS[4:]), strict=True):
        for number, (name, by_count) in enumerate(found.items()):
            shown = [(place, by_count[count]) for place, count in enumerate(counts) if by_count[count]]
            places = [place for place, _ in shown]
            shares = [[score[kind][sense] for score in scores.values()] for _, scores in shown]
            means, colour = list(map(statistics.mean, shares)), f"C{number}"
            spreads = [statistics.stdev(values) if len(values) > 1 else 0.0 for values in shares]
            low = [max(0, mean - spread) for mean, spread in zip(means, spreads, strict=True)]
            high = [min(1, mean + spread) for mean, spread in zip(means, spreads, strict=True)]
            panel.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
            panel.plot(places, means, color=colour, marker="o", markersize=4, label=name)
            beside = (number - (len(found) - 1) / 2) * 0.12  # so that one method's points do not hide another's
            for place, values in zip(places, shares, strict=True):
                panel.plot([place + beside] * len(values), values, ".", color=colour, alpha=0.4, markersize=4)
        panel.set_title(column_name(kind, sense) + " right")
        panel.set_xticks(range(len(counts)), list(map(str, counts)))
        panel.set_ylim(-0.05, 1.05)
        panel.grid(alpha=0.2)
    figure.supxlabel("conflicting clips with a right answer")
    figure.supylabel(f"share of held-out clips, mean and standard deviation of {len(seeds)} seeds", fontsize=9)
    figure.axes[-1].legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()

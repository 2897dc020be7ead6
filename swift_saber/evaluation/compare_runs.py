"""`swift-saber eval compare`: two folders of runs, metric by metric, as a text for a person."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.compare import agreement, compare
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.manifest import differences
from swift_saber.evaluation.scores_table import cell, number
from swift_saber.evaluation.summary import read_items, read_scores


def compare_runs(first: Path, second: Path, *, only_shared: bool = False) -> str:
    """Return Markdown: each metric of both runs with its difference, interval and p-value.

    Where the model is the same and the judges are two, their agreement in each metric that is a whole number, and in
    all cases what the manifests differ in.

    Args:
        first, second: folders of runs, or their scores.json.
        only_shared: as compare.compare.

    Raises:
        InputError: a run cannot be read, or they are of two benchmarks or of other questions.
    """
    one, two = read_scores(first), read_scores(second)
    if one["benchmark"] != two["benchmark"]:
        problem = f"are {quoted(one['benchmark'])} and {quoted(two['benchmark'])}"
        raise InputError(f"{first}, {second}", "benchmark", problem, "compare runs of one benchmark")
    items = [read_items(path if path.is_dir() else path.parent) for path in (first, second)]
    return "\n".join(_lines(one, two, *items, only_shared=only_shared)) + "\n"


def _lines(
    one: Mapping[str, Any], two: Mapping[str, Any], left: Sequence[Item], right: Sequence[Item], *, only_shared: bool
) -> Iterator[str]:
    yield f"# {cell(one['benchmark'])}: {cell(one['model'])} and {cell(two['model'])}\n"
    yield "The difference is second - first, with its 95 % paired bootstrap interval.\n"
    yield "| metric | n | first | second | difference | p | test |\n|---|---:|---:|---:|---:|---:|---|"
    notes: list[str] = []
    metrics = list(dict.fromkeys(name for item in (*left, *right) for name in item.scores))
    for metric in metrics:
        judged = [{item.id for item in side if item.scores.get(metric) is not None} for side in (left, right)]
        if not judged[0] & judged[1]:
            notes.append(f"{metric}: no question has it in both runs")
            continue
        found = compare(left, right, metric, only_shared=only_shared)
        ends = "" if found["low"] is None else f" [{number(found['low'])}, {number(found['high'])}]"
        cells = [cell(metric), str(found["n"]), number(found["first"]), number(found["second"])]
        cells += [f"{number(found['difference'])}{ends}", f"{found['p']:.4f}", found["test"]]
        yield f"| {' | '.join(cells)} |"
        notes += [f"{metric}: {found[key]} {_LEFT_OUT[key]}" for key in _LEFT_OUT if found[key]]
    if one["model"] == two["model"] and one["judge"] and two["judge"] and one["judge"] != two["judge"]:
        yield f"\n## Agreement of {cell(one['judge'])} and {cell(two['judge'])}\n"
        yield "| metric | n | equal % | kappa | quadratic kappa | failed |\n|---|---:|---:|---:|---:|---:|"
        for metric in metrics:
            ratings = _ratings(left, right, metric)
            if ratings is not None:
                agreed = agreement(*ratings)
                shown = [number(agreed[key]) for key in ("percent", "kappa", "quadratic_kappa")]
                failed = f"{agreed['failed_first']} / {agreed['failed_second']}"
                yield f"| {' | '.join([cell(metric), str(agreed['n']), *shown, failed])} |"
    for title, lines in (("Left out", notes), ("Manifests", differences(one["manifest"], two["manifest"]))):
        if lines:
            yield f"\n## {title}\n"
            yield from (f"- {cell(line)}" for line in lines)


_LEFT_OUT = {
    "unjudged": "left out: a judge failed",
    "only_first": "in the first run alone",
    "only_second": "in the second run alone",
}


def _ratings(
    left: Sequence[Item], right: Sequence[Item], metric: str
) -> tuple[list[float | None], list[float | None]] | None:
    """Both judges' ratings of the answers that both runs have; None where the metric is no judge's rating.

    A rating is a whole number in all items. What is 0 or 1 and the same in both runs was not judged.
    """
    other = {item.id: item for item in right if metric in item.scores}
    pairs = [
        (item.scores[metric], other[item.id].scores[metric])
        for item in left
        if metric in item.scores and item.id in other
    ]
    if not pairs or any(value is not None and value != int(value) for pair in pairs for value in pair):
        return None
    if all(one == two for one, two in pairs) and {value for pair in pairs for value in pair} <= {0, 1}:
        return None
    return [one for one, _ in pairs], [two for _, two in pairs]

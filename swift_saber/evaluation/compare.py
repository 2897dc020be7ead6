"""Two models on the same questions, and two judges on the same answers: the difference, and whether it is chance.

Items are paired by their id. What only one run has is an error unless it is asked for, and then counted.
`swift-saber eval compare` shows all of it as a text.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.summary import number, read_items, read_scores
from swift_saber.statistics.agreement import agreement
from swift_saber.statistics.interval import SEED, mean_interval
from swift_saber.text.markdown import cell, table_lines
from swift_saber.text.strict_json import dumps

#: Sign flips drawn by the permutation test; ours. The smallest p-value that it can give is 1 / (FLIPS + 1).
FLIPS = 10_000

_AT_ONCE = 1_000_000


def compare(first: Sequence[Item], second: Sequence[Item], metric: str, *, only_shared: bool = False) -> dict[str, Any]:
    """Return how two runs differ in a metric on the same questions.

    Args:
        first: the items of a run, as summary.read_items gives them.
        second: those of the other run; their order does not matter.
        metric: the name of a score. Questions that have it in neither run are no part of the comparison.
        only_shared: compare the questions that both runs have, where otherwise one that only one run has is an error.

    Returns:
        metric.
        n: how many questions are compared.
        first, second: the means over them.
        difference, low, high: second - first, with the paired bootstrap interval (the items' differences are drawn;
            None for fewer than two). It is in the metric's own unit: above 0 is better for an accuracy, worse for WER.
        second_higher, first_higher, equal: in how many questions.
        p, test: the two-sided p-value and its test: "McNemar, exact" where every score is 0 or 1, else "sign-flip
            permutation".
        only_first, only_second: questions of one run alone, left out because only_shared was asked for.
        unjudged: questions left out because the judge failed in one of the runs or both.

    Raises:
        InputError: an id is there twice, only one run has it, its truth or group is another one, only one run has the
            metric for it, or nothing is left to compare.
    """
    one, two = _by_id(first, "the first run"), _by_id(second, "the second run")
    only_first, only_second = sorted(one.keys() - two.keys()), sorted(two.keys() - one.keys())
    if not only_shared:
        for missing, run in ((only_first, "second"), (only_second, "first")):
            if missing:
                problem = f"{len(missing)} are not in the {run} run (the first: {quoted(missing[0])})"
                raise InputError(
                    "comparison", "id", problem, "compare runs on the same questions, or ask for shared ones"
                )
    pairs, unjudged = [], 0
    for name in sorted(one.keys() & two.keys()):
        left, right = one[name], two[name]
        for field in ("truth", "group"):
            if (was := getattr(left, field)) != (is_now := getattr(right, field)):
                problem = f"is {quoted(was)} in the first run and {quoted(is_now)} in the second"
                raise InputError(name, field, problem, "compare runs on the same benchmark")
        if (metric in left.scores) != (metric in right.scores):
            raise InputError(name, metric, "is a score of one run alone", "score both runs in the same way")
        if metric not in left.scores:
            continue
        a, b = left.scores[metric], right.scores[metric]
        if a is None or b is None:
            unjudged += 1
        else:
            pairs.append((a, b))
    if not pairs:
        raise InputError("comparison", metric, "no question has it in both runs", "name a metric of both runs")
    gaps = [b - a for a, b in pairs]
    ends = mean_interval(gaps)
    binary = all(score in (0, 1) for pair in pairs for score in pair)
    gained, lost = sum(gap > 0 for gap in gaps), sum(gap < 0 for gap in gaps)
    return {
        "metric": metric,
        "n": len(pairs),
        "first": math.fsum(a for a, _ in pairs) / len(pairs),
        "second": math.fsum(b for _, b in pairs) / len(pairs),
        "difference": math.fsum(gaps) / len(pairs),
        "low": ends.low if ends else None,
        "high": ends.high if ends else None,
        "second_higher": gained,
        "first_higher": lost,
        "equal": len(pairs) - gained - lost,
        "p": mcnemar(gained, lost) if binary else sign_flip(gaps),
        "test": "McNemar, exact" if binary else "sign-flip permutation",
        "only_first": len(only_first),
        "only_second": len(only_second),
        "unjudged": unjudged,
    }


def mcnemar(gained: int, lost: int) -> float:
    """Return the two-sided p-value of McNemar's exact test: that of a fair coin thrown n = gained + lost times.

    p = min(1, 2 * sum of C(n, i) over i = 0..min(gained, lost), / 2**n); 1 for n = 0. Questions that both runs get
    right, or both wrong, say nothing.

    Args:
        gained: questions that the second run alone gets right.
        lost: those that the first run alone gets right.
    """
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


def sign_flip(gaps: Sequence[float]) -> float:
    """Return the two-sided p-value of a paired permutation test of the mean.

    If the runs do not differ, exchanging them on any question changes nothing: each gap is as likely with the other
    sign. p = (1 + the number of flips with a mean at least as far from 0 as the one found) / (1 + FLIPS) (Phipson and
    Smyth 2010: never 0). scipy's permutation_test takes ten times as long, and half a minute for 10,000 questions.

    Args:
        gaps: second - first for each question, (n,); their order does not matter.
    """
    sizes = np.sort(np.abs(np.asarray([gap for gap in gaps if gap], dtype=np.float64)))
    if not len(sizes):
        return 1.0
    # Sums of the same numbers in another order differ by rounding; a tie must stay a tie.
    found = abs(math.fsum(gaps)) - 1e-9 * sizes.sum()
    rng = np.random.default_rng(SEED)
    at_once = max(1, _AT_ONCE // len(sizes))
    as_far = 0
    for start in range(0, FLIPS, at_once):
        kept = rng.integers(2, size=(min(at_once, FLIPS - start), len(sizes)), dtype=np.int8)
        as_far += int(np.count_nonzero(np.abs(kept @ sizes * 2 - sizes.sum()) >= found))
    return (1 + as_far) / (1 + FLIPS)


def _by_id(items: Sequence[Item], run: str) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item in items:
        if found.setdefault(item.id, item) is not item:
            raise InputError(run, "id", f"{quoted(item.id)} is there twice", "give each question one answer")
    return found


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
    return "\n".join(_lines(one, two, *items, only_shared=only_shared)).rstrip("\n") + "\n"


def _lines(
    one: Mapping[str, Any], two: Mapping[str, Any], left: Sequence[Item], right: Sequence[Item], *, only_shared: bool
) -> Iterator[str]:
    yield f"# {cell(one['benchmark'])}: {cell(one['model'])} and {cell(two['model'])}\n"
    yield "The difference is second - first, with its 95 % paired bootstrap interval.\n"
    rows: list[list[str]] = []
    notes: list[str] = []
    settings = [side["manifest"].get("settings") for side in (one, two)]
    if any(isinstance(of, Mapping) and of.get("official") for of in settings):
        notes.append("official: a comparison takes single questions, those too that official scores leave out")
    metrics = list(dict.fromkeys(name for item in (*left, *right) for name in item.scores))
    if silent := sum(not item.scores for item in left):
        what = "questions have no score of their own (open labels, or no truth of one) and are not compared"
        notes.append(f"{silent} of {len(left)} {what}")
    for metric in metrics:
        judged = [{item.id for item in side if item.scores.get(metric) is not None} for side in (left, right)]
        if not judged[0] & judged[1]:
            notes.append(f"{metric}: no question has it in both runs")
            continue
        found = compare(left, right, metric, only_shared=only_shared)
        ends = "" if found["low"] is None else f" [{number(found['low'])}, {number(found['high'])}]"
        cells = [cell(metric), str(found["n"]), number(found["first"]), number(found["second"])]
        rows.append([*cells, f"{number(found['difference'])}{ends}", f"{found['p']:.4f}", found["test"]])
        notes += [f"{metric}: {found[key]} {_LEFT_OUT[key]}" for key in _LEFT_OUT if found[key]]
    yield from table_lines(("metric", "n", "first", "second", "difference", "p", "test"), rows, range(1, 6))
    if one["model"] == two["model"] and one["judge"] and two["judge"] and one["judge"] != two["judge"]:
        yield f"## Agreement of {cell(one['judge'])} and {cell(two['judge'])}\n"
        rows = []
        for metric in metrics:
            ratings = _ratings(left, right, metric)
            if ratings is not None:
                agreed = agreement(*ratings)
                shown = [number(agreed[key]) for key in ("percent", "kappa", "quadratic_kappa")]
                failed = f"{agreed['failed_first']} / {agreed['failed_second']}"
                rows.append([cell(metric), str(agreed["n"]), *shown, failed])
        yield from table_lines(("metric", "n", "equal %", "kappa", "quadratic kappa", "failed"), rows, range(1, 6))
    for title, lines in (("Left out", notes), ("Manifests", differences(one["manifest"], two["manifest"]))):
        if lines:
            yield f"## {title}\n"
            yield from (f"- {cell(line)}" for line in lines)
            yield ""


_LEFT_OUT = {
    "unjudged": "left out: a judge failed, or nothing could be decided",
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


def differences(first: Mapping[str, Any], second: Mapping[str, Any], place: str = "") -> list[str]:
    """Return what two manifests differ in, as lines `versions.torch: "2.6" / "2.7"`; empty where in nothing.

    Args:
        first, second: as make_manifest returns or scores.json holds.
        place: what their keys stand under.
    """
    found = []
    for key in sorted(first.keys() | second.keys()):
        one, two = first.get(key), second.get(key)
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            found += differences(one, two, f"{place}{key}.")
            continue
        shown, shown_second = (dumps(side[key]) if key in side else "absent" for side in (first, second))
        if shown != shown_second:
            found.append(f"{place}{key}: {shown} / {shown_second}")
    return found

"""EmoBench-M's scores: of each scenario, of the three dimensions, and overall.

Per scenario: accuracy and support-weighted precision, recall and F1 (0..1). Of dimensions, 0..100 points, as on the
leaderboard in the benchmark's README:

    FER, CEU = the mean accuracy of their five scenarios
    SCEA     = the mean of the accuracies of humour and sarcasm and of laughter reasoning's total
    overall  = the mean of the three

which reproduces its rows, and the overall scores of the newest abstract. A dimension that lacks a scenario has no
score, and then there is none overall. Beside them, as in the tables on the benchmark's site (2026-01), without a judge:

    SCEA_hu_sd                     = the mean of the accuracies of humour and sarcasm alone
    FER_f1, CEU_f1, SCEA_hu_sd_f1  = the same means, of the weighted F1 in the place of accuracy

invalid_rate (0..1) is the share of all questions that have an answer which says no label,
whether official leaves it out or not.

By default an invalid or missing answer is wrong: it lowers accuracy, recall and F1. Precision is about the labels that
were said, so alone it says nothing of the rest. With official it is as in the benchmark's scripts of a day:

- Classification and CEIA: what is blank, in the answer or in the reference, is left out of all numbers; an answer that
  says no label is wrong. Until 2025-07-07 that was left out too, and so was a reference that is no label. Under
  "n" stands what is left, and under "invalid" and "missing" how many there are at all.
- Laughter reasoning: empty answers are left out of BLEU, ROUGE-L and BERTScore. The judge's mean (its own script) is
  over all rows; where the judge's reply is unusable, it is 0.
- Not reproduced: the judge's prompt (theirs asks for one criterion at a time and takes the first number of the reply,
  in range or not) and its temperature; what that script has it say of an empty answer, which is 0 here; and which
  answers were already lost to a clip that could not be read or to a time limit, which are missing here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from swift_saber.evaluation.benchmarks.emobench_m.items import is_text
from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS
from swift_saber.evaluation.benchmarks.emobench_m.official import Scorer, counted, label_lists
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.metrics import mean_weighted_f1, table, weighted_intervals, weighted_scores
from swift_saber.evaluation.summary import aggregate, by_group, summarise, summary
from swift_saber.statistics.interval import Interval, Means

DIMENSIONS = ("FER", "CEU", "SCEA")
_WITHOUT_JUDGE = "SCEA_hu_sd"
_SOURCE, _SITE = "EmoBench-M leaderboard", "tables on the EmoBench-M site, 2026-01"
#: Published, overall points; not measured here.
LEADERBOARD = {"human": 73.0, "Gemini-2.0-Flash": 62.3, "Emotion-LLaMA": 40.6, "random": 25.4}
#: Published, points of each kind: accuracy and weighted F1 of FER, of CEU, of humour and sarcasm. Overall as in the
#: newest abstract; that is of the leaderboard's kind, with laughter reasoning.
_SITE_NAMES = ("FER", "FER_f1", "CEU", "CEU_f1", _WITHOUT_JUDGE, f"{_WITHOUT_JUDGE}_f1", "overall")
SITE = {
    "Gemini-3.0-Pro": (69.3, 68.9, 62.3, 62.8, 84.5, 84.5, 70.5),
    "GPT-5.2": (65.0, 64.4, 57.5, 57.5, 77.4, 77.4, 66.5),
    "Gemini-2.0-Flash": (61.4, 60.6, 53.4, 54.7, 72.0, 70.8),
    "Qwen2.5-Omni-7B": (49.7, 49.0, 46.6, 49.0, 63.7, 63.3),
    "Emotion-LLaMA": (36.9, 32.1, 30.7, 28.3, 55.5, 53.8),
}
_OFFICIAL: dict[Scorer, str] = {
    "2025-07-08": "Scored as the benchmark's scorer of 2025-07-08 and later does: blank and missing answers are left "
    "out, one that says no label is wrong, and a judge that failed counts as 0. The judge's prompt is ours.",
    "2025-07-07": "Scored as the benchmark's scorer of 2025-07-07 and before did: answers that say no label, and "
    "missing ones, are left out, and a judge that failed counts as 0. The judge's prompt is ours.",
}
_KINDS = (
    "overall, FER, CEU and SCEA are as on the leaderboard, SCEA and overall with laughter reasoning by a judge; "
    f"{_WITHOUT_JUDGE} (humour and sarcasm alone) and weighted F1 (_f1) are as in the tables on the benchmark's site."
)


def scores(items: Sequence[Item], *, official: Scorer | None = None) -> dict[str, Any]:
    """Return the scores of a run in the form of item.py, without model, judge and manifest, which the caller knows.

    Args:
        items: of any scenarios, in any order. Groups that are no scenario are scored, and are part of no dimension.
        official: the scorer, as the module says; the items should be read with official=True as well.

    Raises:
        InputError: as summary.summarise: an item lacks a score that others of its group have.
    """
    groups = by_group(sorted(items, key=lambda item: item.id))
    order = [name for name in SCENARIOS if name in groups] + sorted(groups.keys() - SCENARIOS.keys())
    groups = {name: groups[name] for name in order}
    kept = {name: _kept(found, official) for name, found in groups.items()}
    notes = [note for name, found in groups.items() for note in _notes(name, found, kept[name], official)]
    points, lacking = _points(groups, kept, official)
    return {
        "metrics": {**points, "invalid_rate": _invalid_rate(items)},
        "groups": {
            name: {**_group(found, kept[name], official), "invalid_rate": _invalid_rate(found)}
            for name, found in groups.items()
        },
        "tables": {
            name: table([one.truth for one in found], [one.prediction for one in found], _labels(found))
            for name, found in kept.items()
            if found and not is_text(found[0])
        },
        "context": [
            {"name": name, "values": {"overall": value}, "source": _SOURCE} for name, value in LEADERBOARD.items()
        ]
        + [
            {"name": name, "values": dict(zip(_SITE_NAMES, of, strict=False)), "source": _SITE}
            for name, of in SITE.items()
        ],
        "notes": [*([_OFFICIAL[official]] if official else []), *([_KINDS] if points else []), *lacking, *notes],
    }


def _kept(items: Sequence[Item], official: Scorer | None) -> list[Item]:
    """The items that the numbers are about; of laughter reasoning all, since its metrics differ in that."""
    return list(items) if official is None or is_text(items[0]) else counted(items, official)


def _invalid_rate(items: Sequence[Item]) -> dict[str, Any]:
    said = [replace(item, scores={"invalid_rate": float(item.state == "invalid")}) for item in items]
    return summarise(said, "invalid_rate")


def _group(items: Sequence[Item], kept: Sequence[Item], official: Scorer | None) -> dict[str, Any]:
    if is_text(items[0]):
        return {metric: _text_summary(items, metric, official) for metric in _metrics(items)}
    lost = Counter(item.state for item in items)
    counts = {"n": len(kept), "invalid": lost["invalid"], "missing": lost["missing"]}
    found = {metric: summarise(kept, metric) | counts for metric in _metrics(items)}
    if kept:
        truths, predictions = [item.truth for item in kept], [item.prediction for item in kept]
        values = weighted_scores(truths, predictions)
        ends = weighted_intervals(truths, predictions)
    for metric in ("precision", "recall", "f1"):
        low_high = ends[metric] if kept and ends else (None, None)
        three = dict(zip(("low", "high"), low_high, strict=True))
        found[metric] = {**found["accuracy"], "value": values[metric] if kept else None, **three}
    return found


def _text_summary(items: Sequence[Item], metric: str, official: Scorer | None) -> dict[str, Any]:
    if not official:
        return summarise(items, metric)
    if metric in ("bleu", "rouge_l", "bert"):
        kept = [item for item in items if item.prediction and item.truth]
        lost = Counter(item.state for item in items)
        return summarise(kept, metric) | {"invalid": lost["invalid"], "missing": lost["missing"]}
    as_zero = [replace(item, scores={name: score or 0.0 for name, score in item.scores.items()}) for item in items]
    return summarise(as_zero, metric) | {"unjudged": sum(item.scores[metric] is None for item in items)}


def _metrics(items: Sequence[Item]) -> list[str]:
    """The metrics of a group; one that an item lacks is an error of summarise, and not left out."""
    return list(dict.fromkeys(name for item in items for name in item.scores))


def _points(
    groups: Mapping[str, Sequence[Item]], kept: Mapping[str, Sequence[Item]], official: Scorer | None
) -> tuple[dict[str, Any], list[str]]:
    """The scores of the dimensions and overall, and what they lack."""
    found: dict[str, Any] = {}
    notes: list[str] = []
    together: list[Item] = []
    for dimension in DIMENSIONS:
        names = [name for name, scenario in SCENARIOS.items() if scenario.dimension == dimension]
        classified = [name for name in names if not SCENARIOS[name].is_text]
        if all(kept.get(name) for name in classified):
            beside = _beside(dimension, {name: kept[name] for name in classified}, official)
            for one in beside.values():
                _restore_counts(one, [item for name in classified for item in groups[name]])
            found |= beside
        absent = [name for name in names if not kept.get(name)]
        absent += [n for n in names if n not in absent and is_text(kept[n][0]) and "total" not in _metrics(kept[n])]
        if absent:
            shown = ", ".join(f"{name} ({SCENARIOS[name].paper}: {_why(groups.get(name))})" for name in absent)
            notes.append(f"{dimension} and overall are not computed: nothing to compute them from in {shown}.")
            continue
        part = [_with_points(item, official) for name in names for item in kept[name]]
        found[dimension] = aggregate(part, "points", _mean)
        together += part
        _restore_counts(found[dimension], [item for name in names for item in groups[name]])
    if all(dimension in found for dimension in DIMENSIONS):
        found["overall"] = aggregate(together, "points", _mean_of_dimensions)
        _restore_counts(found["overall"], [item for name in SCENARIOS for item in groups[name]])
    order = ("overall", *DIMENSIONS, _WITHOUT_JUDGE, *(f"{name}_f1" for name in ("FER", "CEU", _WITHOUT_JUDGE)))
    return {name: found[name] for name in order if name in found}, notes


def _beside(dimension: str, kept: Mapping[str, Sequence[Item]], official: Scorer | None) -> dict[str, Any]:
    """What the site's tables have of a dimension, from its scenarios with labels."""
    items = [item for of in kept.values() for item in of]
    name = _WITHOUT_JUDGE if dimension == "SCEA" else dimension
    groups = [([item.truth for item in of], [item.prediction for item in of]) for of in kept.values()]
    value, ends = mean_weighted_f1(groups)
    f1 = {f"{name}_f1": summary(items, 100 * value, Interval(100 * ends.low, 100 * ends.high) if ends else None)}
    if dimension != "SCEA":
        return f1
    return {name: aggregate([_with_points(item, official) for item in items], "points", _mean), **f1}


def _why(items: Sequence[Item] | None) -> str:
    if items is None:
        return "not run"
    return "no judge" if is_text(items[0]) else "no valid answer"


def _restore_counts(summary: dict[str, Any], items: Sequence[Item]) -> None:
    """Show what official=True left out or took for 0."""
    states = Counter(item.state for item in items)
    summary.update({state: states[state] for state in ("invalid", "missing", "unjudged")})


def _with_points(item: Item, official: Scorer | None) -> Item:
    score = item.scores["total"] if is_text(item) else 100 * (item.scores["accuracy"] or 0.0)
    return replace(item, scores={"points": 0.0 if score is None and official else score})


def _mean(means: Mapping[str, Means]) -> Means:
    return sum(means.values()) / len(means)  # type: ignore[return-value]


def _mean_of_dimensions(means: Mapping[str, Means]) -> Means:
    parts = [
        _mean({name: value for name, value in means.items() if SCENARIOS[name].dimension == dimension})
        for dimension in DIMENSIONS
    ]
    return sum(parts) / len(parts)  # type: ignore[return-value]


def _all_labels(items: Sequence[Item]) -> list[str]:
    return ["_".join(both) for both in product(*label_lists(items[0]))]


def _labels(items: Sequence[Item]) -> list[str]:
    """The labels of a group's table: its scenario's (of pairs those that occur), and references that are no label."""
    labels = _all_labels(items)
    truths = {item.truth for item in items}
    scenario = SCENARIOS.get(items[0].group)
    if scenario is not None and scenario.intents:
        occurring = truths | {item.prediction for item in items}
        labels = [label for label in labels if label in occurring]
    return labels + sorted(truths - set(labels))


def _notes(name: str, items: Sequence[Item], kept: Sequence[Item], official: Scorer | None) -> list[str]:
    notes = []
    if name not in SCENARIOS:
        notes.append(
            f"{name} is no scenario of EmoBench-M by its name, and part of no dimension: say it by --scenario."
        )
    if not is_text(items[0]):
        known = set(_all_labels(items))
        if unknown := Counter(item.truth for item in items if item.truth not in known):
            shown = ", ".join(f"{truth!r} ({count})" for truth, count in unknown.most_common(5))
            newer = "right is who says the same"
            what = {None: "no answer to it is right", "2025-07-07": "left out", "2025-07-08": newer}[official]
            notes.append(f"{name}: {unknown.total()} references are no label of it, {what}: {shown}.")
        if len(kept) < len(items):
            right = sum(item.prediction == item.truth for item in items) / len(items)
            notes.append(
                f"{name}: {len(items) - len(kept)} of {len(items)} left out as the official script does; "
                f"with them as wrong, accuracy is {right:.4f}."
            )
    elif failed := sum(item.state == "unjudged" for item in items):
        what = "counted as 0" if official else "left out of logic, association and total"
        notes.append(f"{name}: the judge failed on {failed} of {len(items)}, {what}.")
    return notes

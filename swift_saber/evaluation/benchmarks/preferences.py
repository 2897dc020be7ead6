"""People's preferences between two descriptions of a clip, as a check of a judge: does it prefer what they prefer?

Published (MER2026 track 3 and EmoPrefer, arXiv 2507.04278; the repositories zeroQiaoba/MERTools and AffectGPT): a CSV
with the columns name, a1, a2 and preference (a1, a2 or same), and in the ..._with_modelnames.csv of EmoPrefer model1
and model2, who wrote which; two-class accuracy and weighted F1 of the table's own order, without the pairs that people
call the same; and how often a judge stays with its choice when the two change places. Published models look at the
clip; a judge here reads texts, so what it knows of the clip is a reference that a model has written, or nothing.

Ours, of one pair each, 0..1:

    agreement          in how many of the two orders the judge prefers what people do
    swap_consistency   1 where it prefers the same description in both
    first_chosen       in how many of the two orders it takes what stands first; 1/2 is no bias of position
    one_order_...      the published scores: accuracy and weighted F1 in the table's order
    longer             1 where people took the longer description (in characters), 1/2 for equal lengths
    generator          1 where people took the model that they take more often in the other pairs of the same two,
                       1/2 where the other pairs are even

A judge that agrees no more often than `longer` or `generator` may know no more than these, so pairs are split by length
too, those of similar length among them.
"""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from swift_saber.data.rows import read_rows, row_id
from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.benchmarks import Command
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.judge import Judge, Rating, Task, rate_all
from swift_saber.evaluation.metrics import weighted_intervals, weighted_scores
from swift_saber.evaluation.run import Benchmark
from swift_saber.evaluation.summary import by_group, summarise, summary
from swift_saber.text.csv_table import read_csv
from swift_saber.text.files import writable

#: Lengths are similar from here on, shorter / longer; ours. In EmoPrefer's 574 pairs few are any nearer.
SIMILAR = 2 / 3

_JUDGED = ("agreement", "swap_consistency", "first_chosen", "one_order_accuracy")
_METRICS = (*_JUDGED, "longer", "generator")
_OTHER = {"a1": "a2", "a2": "a1"}
_PROMPT = """\
Two descriptions of the same short video clip of a person, First and Second, say what the person feels and what shows \
it.{reference} Which of the two would people who have watched the clip with care prefer as the better description of \
the person's emotion? What is said counts, not how long it is, nor how well it is written.

"better": 1 if it is First, 2 if it is Second. One of the two has to be chosen, however near they are."""
_REFERENCE = " Reference, which describes the same clip, is to be believed where they contradict it."


class Pair(NamedTuple):
    """One row of the table. `models` are those that wrote a1 and a2, "" where it is not known."""

    id: str
    name: str
    a1: str
    a2: str
    preference: str
    models: tuple[str, str]


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, help="CSV: name, a1, a2, preference, and model1, model2")
    parser.add_argument("--reference", type=Path, help='JSONL {"id": name, "response"}: what a model says of the clips')
    parser.add_argument(
        "--similar", type=float, default=SIMILAR, help="shorter / longer from which lengths are similar (default 2/3)"
    )


def _from_options(args: argparse.Namespace) -> Benchmark:
    if not 0 < args.similar <= 1:
        raise InputError("eval", "--similar", f"is {args.similar}", "give a share above 0 and at most 1")
    pairs = read_pairs(args.data)
    asked = [pair for pair in pairs if pair.preference in _OTHER]
    if not asked:
        raise InputError(str(args.data), "preference", "no pair in which people see a better one", "name another table")
    references = read_references(args.reference, asked) if args.reference else {}

    def scored(_: Path, __: Path, judge: Judge | None) -> list[Item]:
        return items(asked, judge, references, args.similar)

    def shown(found: Sequence[Item]) -> dict[str, Any]:
        all = scores(found)
        same = len(pairs) - len(asked)
        notes = [f"{same} of {len(pairs)} pairs: people see no better one; they are not asked about"] if same else []
        return {**all, "notes": notes + all["notes"]}

    files = {path.name: path for path in (args.data, args.reference) if path}
    settings = {"similar": args.similar}
    return Benchmark("preferences", files, [], scored, shown, settings, results=[args.data])


COMMAND = Command(
    "Check a judge: of two descriptions of a clip, does it prefer the one that people prefer? Both orders are asked. "
    "Beside it stands how far length alone, and who wrote them, explain people's choice; that needs no judge.",
    "--data track3_emoprefer.csv",
    _add_options,
    _from_options,
    asks=False,
    judged=True,
)


def read_pairs(path: Path) -> list[Pair]:
    """Return the pairs of a table; of several with one name the second is called "name#2", and so on.

    Raises:
        InputError: as read_csv; a cell is blank, or a preference is none of a1, a2 and same.
    """
    found = []
    names: Counter[str] = Counter()
    for where, row in read_csv(path, ["name", "a1", "a2", "preference"]):
        for column in ("name", "a1", "a2"):
            if not row[column]:
                raise InputError(where, column, "is blank", "take the table as its authors release it")
        if (preference := row["preference"].lower()) not in (*_OTHER, "same"):
            problem = f"{quoted(row['preference'])} is none of a1, a2, same"
            raise InputError(where, "preference", problem, "take a table in which people have chosen")
        key = row["name"] if row["name"] not in names else f"{row['name']}#{names[row['name']] + 1}"
        while key in names:  # a name that ends so itself
            key += "#2"
        names.update({row["name"], key})
        models = row.get("model1", ""), row.get("model2", "")
        found.append(Pair(key, row["name"], row["a1"], row["a2"], preference, models if all(models) else ("", "")))
    return found


def read_references(path: Path, pairs: Sequence[Pair]) -> dict[str, str]:
    """Return what is said of each clip, by its name; rows of other clips are not looked at.

    Args:
        path: rows with a response; the id is the clip's name, or the path of its file.
        pairs: those that are asked about.

    Raises:
        InputError: a clip of the pairs has no text.
    """
    said: dict[str, Any] = {}
    for _, row in read_rows(path):
        key = row_id(row)
        said |= {key: row.get("response"), PurePath(key).stem: row.get("response")}
    found = {name: writable(text) for name, text in said.items() if isinstance(text, str) and text.strip()}
    names = list(dict.fromkeys(pair.name for pair in pairs))
    if missing := [name for name in names if name not in found]:
        problem = f"{len(missing)} of {len(names)} clips have no description (the first: {quoted(missing[0])})"
        raise InputError(str(path), "id", problem, "describe all clips of the table, with their names as ids")
    return {name: found[name] for name in names}


def items(
    pairs: Sequence[Pair], judge: Judge | None, references: Mapping[str, str], similar: float = SIMILAR
) -> list[Item]:
    """Return an item for each pair, its group by the lengths; "unjudged" where one of the two orders is.

    Args:
        pairs: those in which people see a better one.
        judge: an open one; None for the scores that need none.
        references: as read_references, or {}.
        similar: shorter / longer from which two lengths are similar.

    Raises:
        EndpointDown: the judge cannot be asked; what it said is kept.
    """
    ratings = rate_all(judge, _tasks(pairs, references), bar="orders judged") if judge else {}
    won = Counter(_by_rank(pair) for pair in pairs)
    found = []
    for pair in pairs:
        lengths = {"a1": len(pair.a1), "a2": len(pair.a2)}
        gap = lengths[pair.preference] - lengths[_OTHER[pair.preference]]
        scores: dict[str, float | None] = {"longer": _more(gap, 0)}
        if all(pair.models):
            winner, loser = _by_rank(pair)
            scores["generator"] = 0.5 if winner == loser else _more(won[winner, loser] - 1, won[loser, winner])
        near = min(lengths.values()) / max(lengths.values()) >= similar
        details: dict[str, Any] = {"a1": pair.a1, "a2": pair.a2, "models": list(pair.models), "characters": lengths}
        item = Item(
            id=pair.id,
            group="similar length" if near else f"people took the {'longer' if gap > 0 else 'shorter'}",
            truth=pair.preference,
            prediction=None,
            state="answered",
            scores=scores,
            details=details,
        )
        found.append(_with_choices(item, [ratings[f"{pair.id} {first}"] for first in _OTHER]) if judge else item)
    return found


def _tasks(pairs: Sequence[Pair], references: Mapping[str, str]) -> list[Task]:
    """Both orders of each pair: "<id> a1" is that with a1 first."""
    system = _PROMPT.format(reference=_REFERENCE if references else "")
    tasks = []
    for pair in pairs:
        texts = {"a1": pair.a1, "a2": pair.a2}
        reference = {"Reference": references[pair.name]} if references else {}
        for first, second in _OTHER.items():
            shown = {**reference, "First": texts[first], "Second": texts[second]}
            tasks.append(Task(f"{pair.id} {first}", system, shown, {"better": (1, 2)}))
    return tasks


def _by_rank(pair: Pair) -> tuple[str, str]:
    """The models that wrote the better and the other description."""
    one, two = pair.models
    return (one, two) if pair.preference == "a1" else (two, one)


def _more(one: float, two: float) -> float:
    return 0.5 if one == two else float(one > two)


def _with_choices(item: Item, ratings: Sequence[Rating | str]) -> Item:
    """The item with what the judge chose, first with a1 in front and then with a2."""
    if failures := [rating for rating in ratings if isinstance(rating, str)]:
        unjudged = {**item.scores, **dict.fromkeys(_JUDGED)}
        details = {**item.details, "judge failed": "; ".join(failures)}
        return replace(item, state="unjudged", scores=unjudged, details=details)
    given = [rating for rating in ratings if not isinstance(rating, str)]
    places = [rating.scores["better"] for rating in given]
    chosen = [first if place == 1 else _OTHER[first] for first, place in zip(_OTHER, places, strict=True)]
    right = [float(choice == item.truth) for choice in chosen]
    scores = {
        "agreement": sum(right) / 2,
        "swap_consistency": float(chosen[0] == chosen[1]),
        "first_chosen": places.count(1) / 2,
        "one_order_accuracy": right[0],
    }
    details = {
        "chosen": {f"{first} first": choice for first, choice in zip(_OTHER, chosen, strict=True)},
        "judge's reasons": [rating.reason for rating in given],
    }
    prediction = chosen[0] if chosen[0] == chosen[1] else None
    return replace(item, prediction=prediction, scores={**item.scores, **scores}, details={**item.details, **details})


def scores(found: Sequence[Item]) -> dict[str, Any]:
    """Return {"metrics", "groups", "tables", "context", "notes"} of scores.json.

    Args:
        found: what `items` returned.
    """
    metrics = {name: summarise(about, name) for name in _METRICS if (about := _with(found, name))}
    notes = []
    if "agreement" in metrics:
        metrics["one_order_f1"] = _weighted_f1(found)
    else:
        notes.append("no judge was asked: what length and writers explain is all that is scored")
    if (unknown := len(found) - len(_with(found, "generator"))) == len(found):
        notes.append("the table does not say which model wrote what: without model1 and model2 there is no generator")
    elif unknown:
        notes.append(f"generator: {unknown} of {len(found)} pairs do not say which model wrote what")
    groups = {
        group: {name: summarise(about, name) for name in _METRICS if (about := _with(members, name))}
        for group, members in by_group(sorted(found, key=lambda item: item.group)).items()
    }
    return {"metrics": metrics, "groups": groups, "tables": {}, "context": [], "notes": notes}


def _with(found: Sequence[Item], metric: str) -> list[Item]:
    return [item for item in found if metric in item.scores]


def _weighted_f1(found: Sequence[Item]) -> dict[str, Any]:
    """The weighted F1 of the choices with a1 in front."""
    judged = [item for item in found if "chosen" in item.details]
    unjudged = len(found) - len(judged)
    if not judged:
        return summary(found, None, None, unjudged)
    truths, said = [item.truth for item in judged], [item.details["chosen"]["a1 first"] for item in judged]
    ends = (weighted_intervals(truths, said) or {}).get("f1")
    return summary(found, weighted_scores(truths, said)["f1"], ends, unjudged)

"""Labels that people gave to the clips of a test set, and how a model agrees with them, beside how they do.

They stand in a row's labels, {"emotions": {"anna": "happy", "bo": "sad"}}, or in a table of the columns id, annotator
and label, one label a row. The measures are those of agreement.py; which of them are shown is ours:

    kappa_model        mean over the people of the model's kappa with each
    kappa_people       mean over all pairs of people: as far as they agree, a model need not agree more
    alpha_people       Krippendorff's alpha of the people
    alpha_with_model   the same with the model as one more of them: lower where it is further from them than they are

An answer that concludes no emotion, and none at all, is a label that no person gives.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.item import Item
from swift_saber.evaluation.summary import summary
from swift_saber.sed.record import Row
from swift_saber.statistics.agreement import Agreement, Ratings, krippendorff_alpha, mean_kappa, rater_pairs
from swift_saber.text.csv_table import read_csv
from swift_saber.text.emotion_list import EmotionList

#: In a row's labels: {person: label}.
LABELS = "emotions"
#: item.details[PEOPLE] is {"labels": {person: emotion}, "model": emotion or None}.
PEOPLE = "people"

# No person is called so.
_MODEL, _NONE = "\0model", "\0none"


def with_people(rows: Sequence[Row], path: Path, listed: EmotionList | None = None) -> tuple[list[Row], list[str]]:
    """Return the rows with the labels of a table among theirs, and what is to be said of it.

    Args:
        rows: of the test set, with ids.
        path: a CSV with the columns id, annotator and label. A blank label is none.
        listed: the user's own emotions, of which labels have to be.

    Raises:
        InputError: as read_csv; an id or annotator is blank, has labelled a clip before, a label is none of the list,
            or no label is of these clips.
    """
    given: dict[str, dict[str, str]] = {str(row.id): dict(labels_of(row)) for row in rows}
    total = strange = 0
    for where, cells in read_csv(path, ["id", "annotator", "label"]):
        for column in ("id", "annotator"):
            if not cells[column]:
                raise InputError(where, column, "is blank", "fill in the cell")
        if not cells["label"]:
            continue
        total += 1
        if cells["id"] not in given:
            strange += 1
            continue
        if listed is not None:
            listed.must_have(cells["label"], where, "label")
        of = given[cells["id"]]
        if of.setdefault(cells["annotator"], cells["label"]) != cells["label"]:
            problem = f"{quoted(cells['annotator'])} has labelled {quoted(cells['id'])} before"
            raise InputError(where, "annotator", problem, "keep one label of each person for each clip")
    if total == strange:
        raise InputError(
            str(path), "id", f"none of its {total} labels is of a clip of the set", "use the ids of the set"
        )
    notes = [f"{strange} of {total} labels of people are of no clip of this set and are left out"] if strange else []
    labelled = [
        replace(row, labels={**row.labels, LABELS: given[str(row.id)]}) if given[str(row.id)] else row for row in rows
    ]
    return labelled, notes


def labels_of(row: Row) -> Mapping[str, str]:
    """Return {person: label} of a row, {} where it has none; in another form `emotions` is no label of people.

    Raises:
        InputError: a label is no word.
    """
    found = row.labels.get(LABELS)
    if not isinstance(found, Mapping):
        return {}
    for person, label in found.items():
        if not isinstance(label, str) or not label.strip():
            field = f"labels.{LABELS}.{person}"
            raise InputError(row.id or "row", field, f"is {quoted(label)}, no emotion", "name one or leave it out")
    return found


def majority(labels: Mapping[str, str]) -> str | None:
    """Return what most people say; None where there is nobody, or two labels are said equally often."""
    most = Counter(labels.values()).most_common(2)
    return most[0][0] if most and (len(most) == 1 or most[0][1] > most[1][1]) else None


def agreement_metrics(found: Sequence[Item]) -> tuple[dict[str, Any], dict[str, dict[str, Any]], list[str]]:
    """Return the metrics, for each of several people in a group of its own the model's kappa with that person, and what
    is to be said of them.

    Args:
        found: items, of which those with details[PEOPLE] count.
    """
    about = [item for item in found if PEOPLE in item.details]
    ratings = [item.details[PEOPLE]["labels"] for item in about]
    people = sorted({person for of in ratings for person in of})
    if not people:
        return {}, {}, []
    raters = [{**of, _MODEL: _said(item)} for item, of in zip(about, ratings, strict=True)]
    states = [item if _readable(item) else replace(item, state="invalid") for item in about]

    def with_model(coefficient: Agreement) -> dict[str, Any]:
        return summary(states, coefficient.value, coefficient.interval) | {"n": coefficient.clips}

    pairs = [(person, _MODEL) for person in people]
    metrics = {"kappa_model": with_model(mean_kappa(raters, pairs))}
    notes = _kappa_notes("kappa_model", raters, pairs)
    groups: dict[str, dict[str, Any]] = {}
    if len(people) > 1:
        silent = [replace(item, state="answered") for item in about]  # no answer has a part in it
        pairs = rater_pairs(ratings)
        for name, coefficient in (
            ("kappa_people", mean_kappa(ratings, pairs)),
            ("alpha_people", krippendorff_alpha(ratings, people)),
        ):
            metrics[name] = summary(silent, coefficient.value, coefficient.interval) | {"n": coefficient.clips}
        metrics["alpha_with_model"] = with_model(krippendorff_alpha(raters, [*people, _MODEL]))
        notes += _kappa_notes("kappa_people", ratings, pairs)
        for name in ("alpha_people", "alpha_with_model"):
            if metrics[name]["value"] is None:
                why = "all labels are one and the same" if metrics[name]["n"] else "no clip has labels of two"
                notes.append(f"{name}: none, since {why}")
        for person in people:
            own = [place for place, of in enumerate(ratings) if person in of]
            coefficient = mean_kappa([raters[place] for place in own], [(person, _MODEL)])
            shown = summary([states[place] for place in own], coefficient.value, coefficient.interval)
            groups[f"people: {person}"] = {"kappa_model": shown}
    return metrics, groups, notes


def _kappa_notes(name: str, ratings: Ratings, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """What a mean of kappas leaves out: pairs for which chance leaves nothing to agree on."""
    said: dict[str, dict[int, str]] = {}
    for place, of in enumerate(ratings):
        for rater, label in of.items():
            said.setdefault(rater, {})[place] = label
    shared = [said[one].keys() & said[two].keys() for one, two in pairs]
    labels = [
        {of[place] for of in (said[one], said[two]) for place in places}
        for (one, two), places in zip(pairs, shared, strict=True)
        if places
    ]
    if not labels:
        return [f"{name}: none, since no clip has labels of two"]
    alike = sum(len(of) == 1 for of in labels)
    what = "one and the same label to all clips that both have, so it has no kappa and no part in the mean"
    return [f"{name}: {alike} of {len(labels)} pairs gave {what}"] if alike else []


def _readable(item: Item) -> bool:
    return item.state == "missing" or item.details[PEOPLE]["model"] is not None


def _said(item: Item) -> str:
    return str(item.details[PEOPLE]["model"] or _NONE)

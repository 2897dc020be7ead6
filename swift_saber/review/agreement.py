"""How far people agree with each other, with the model and with a judge, and how much of its texts they changed.

An item counts with the reviews of its newest text that decided; reviews of an older text are stale, and counted.
Whoever adjudicates has seen what the others said: that is the last word on an item, and no part of how far people
agree.

    labels    the decision, emotion, consistency and language, and of choices which is better: mean kappa over pairs of
              reviewers, Krippendorff's alpha, and the share of equal ones among the pairs of an item's reviewers
    model     the record's labels, and the emotion that its text concludes, as a rater beside what people say of an
              item: the one reviewer, all where they say the same, or who adjudicated
    texts     of the six dimensions, where the machine's text was in sight: whether it was changed, other than in white
              space and in how an accent is written, and how far: edits of characters over the length of the longer
              text, 0..1. Of an item with several reviewers, their mean
    judge     in how many of the pairs of what people find the best answer with another one a judge scored it higher;
              ties are counted apart, and of an item with several such pairs it is their mean. The place of an answer
              says nothing, so chance is 1/2 whatever places a judge and people tend to: kappa is that of Brennan and
              Prediger (1981)

Labels that were given with the machine's in sight agree with it, and with each other, more than blind ones do, so both
are told apart ("sight"). All is split by source, consistency and language. Intervals are of 95 %, over items: Wilson's
of shares, of the rest the bootstrap's (statistics/interval.py). What is left out of a figure is counted beside it.

The result names no person: reviewers are "reviewer 1" and so on. `reasons` holds what people wrote, for a file of one's
own; tables.py shows none of it.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, get_args

from rapidfuzz.distance import Levenshtein

from swift_saber.review.items import LABELS, STRATA
from swift_saber.review.log import NEITHER, Review, last_lines
from swift_saber.review.merge import BETTER, DECISION, State, Verdict, opinion, told_apart, verdict_of
from swift_saber.review.plan import Progress, progress, read_plan
from swift_saber.sed.record import DIMENSIONS
from swift_saber.statistics.agreement import Agreement, krippendorff_alpha, mean_kappa, rater_pairs
from swift_saber.statistics.interval import Interval, mean_interval, share_interval
from swift_saber.text.seed import lot_number

#: What the emotion that the machine's text concludes is called among the labels of the model.
CONCLUDED = "concluded emotion"
#: How a label was given: with the machine's in sight or not.
SIGHT = ("blind", "sighted")

_ENDS = ("value", "low", "high")
_PEOPLE, _MACHINE = "people", "machine"


class _Group(NamedTuple):
    """Of which items a row is: those whose `by` has this value, by their places among all."""

    by: str
    value: str
    places: Sequence[int]


class _Rated(NamedTuple):
    """An item's labels by reviewer, the share of equal ones among their pairs, and whether several judged the item."""

    labels: dict[str, str]
    equal: float
    several: bool


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said of one item.

    Attributes:
        verdict: what follows from the reviews of its newest text that decided.
        speaking: those on which it rests.
        independent: those of who had not seen the others, by reviewer.
        opinions: what each of them stands for, by reviewer.
        sight: of SIGHT.
    """

    verdict: Verdict
    speaking: tuple[Review, ...]
    independent: dict[str, Review]
    opinions: dict[str, dict[str, str]]
    sight: str

    @classmethod
    def of(cls, verdict: Verdict, reviews: Mapping[str, Review]) -> "_Said":
        speaking = tuple(reviews[name] for name in verdict.by)
        independent = {name: review for name, review in reviews.items() if not review.adjudicates}
        opinions = {name: dict(opinion(review)) for name, review in reviews.items()}
        sight = "blind" if all(review.blind for review in speaking) else "sighted"
        return cls(verdict, speaking, independent, opinions, sight)

    def rating(self, review: Review, label: str) -> str:
        """The label that a review gives the item, "" where none."""
        if label == DECISION:
            return review.decision or ""
        text = self.opinions[review.reviewer].get(label, "")
        if label == BETTER:
            return _turned(review, text)
        return told_apart(label, text)


def read_figures(
    folder: str | Path, records: Mapping[str, str] | None = None, *, named: bool = False
) -> dict[str, Any]:
    """Return the figures of a folder of reviews: `figures`, and the plan's settings.

    Args:
        records, named: as figures.

    Raises:
        InputError: as log.read_reviews and plan.read_plan.
    """
    plan, lines = read_plan(folder), last_lines(folder)
    begun = progress(plan, lines.by_item.values()) if plan else {}
    found = figures(lines.latest(records), records, named=named, begun=begun)
    if plan is None:
        return {**found, "plan": None}
    settings = {**asdict(plan.settings), "reviewers": len(plan.dealt), "drawn": len(plan.shared)}
    settings["drawn"] += sum(map(len, plan.dealt.values()))
    return {**found, "plan": settings}


def figures(
    latest: Mapping[str, Mapping[str, Review]],
    records: Mapping[str, str] | None = None,
    *,
    named: bool = False,
    begun: Mapping[str, Progress] | None = None,
) -> dict[str, Any]:
    """Return all figures, as JSON takes them.

    Args:
        latest: as log.latest_reviews returns, of these records.
        records: {id: digest} of the records that it is about (items.Item.of); None for what was reviewed last of each.
        named: call the reviewers by their names.
        begun: how far each is, as plan.progress returns, where there is a plan.
    """
    about = {item: of for item, of in latest.items() if records is None or item in records}
    counts = Counter(other_records=len(latest) - len(about))
    found = []
    for item, reviews in about.items():
        verdict = verdict_of(item, reviews, "" if records is None else records[item])
        counts["stale_reviews"] += verdict.stale
        counts["skipped_reviews"] += sum(review.decision == "skip" for review in reviews.values())
        counts["undecided_reviews"] += sum(review.decision is None for review in reviews.values())
        if verdict.by:
            decided = {name: of for name, of in reviews.items() if of.of == verdict.of and _decided(of)}
            found.append(_Said.of(verdict, decided))
        else:
            counts["undecided"] += 1
    described = [said for said in found if not _is_choice(said)]
    choices = [said for said in found if _is_choice(said)]
    groups, choice_groups = list(_groups(described)), list(_groups(choices))
    return {
        "items": {
            "decided": len(found),
            "by_several": sum(len(said.independent) > 1 for said in found),
            "adjudicated": sum(said.verdict.adjudicated for said in found),
            **{sight: sum(said.sight == sight for said in found) for sight in SIGHT},
            **{name: counts[name] for name in ("undecided", "other_records")},
            **{name: counts[name] for name in ("stale_reviews", "skipped_reviews", "undecided_reviews")},
        },
        "reviewers": _reviewers(about, begun or {}, named),
        "verdicts": {state: _share([of.verdict.state == state for of in found]) for state in get_args(State)[:-1]},
        "reasons": dict(Counter(text for of in found for text in of.verdict.reasons).most_common()),
        "labels": [
            *(row for label in (DECISION, *LABELS) for row in _labels(described, groups, label)),
            *_labels(choices, choice_groups, BETTER),
        ],
        "model": [row for label in (*LABELS, CONCLUDED) for row in _against_model(described, groups, label)],
        "texts": _texts(described),
        "judge": list(_judged(choices, choice_groups)) if choices else [],
    }


def _decided(review: Review) -> bool:
    return review.decision not in (None, "skip")


def _is_choice(said: _Said) -> bool:
    return said.speaking[0].kind in ("pair", "candidates")


def _reviewers(
    latest: Mapping[str, Mapping[str, Review]], begun: Mapping[str, Progress], named: bool
) -> list[dict[str, Any]]:
    """What each did, by name, under a number: items done of those assigned, and how many were decided in which way."""
    rows = []
    for place, name in enumerate(sorted({*begun, *(name for of in latest.values() for name in of)}), start=1):
        own = [of[name] for of in latest.values() if name in of]
        decisions = Counter(review.decision or "undecided" for review in own)
        rows.append(
            {
                "reviewer": name if named else f"reviewer {place}",
                **(asdict(begun[name]) if name in begun else {}),
                "reviews": len(own),
                **dict(sorted(decisions.items())),
                "blind": sum(review.blind for review in own),
                "adjudicating": sum(review.adjudicates for review in own),
            }
        )
    return rows


def _groups(found: Sequence[_Said]) -> Iterator[_Group]:
    """All, and by sight and by each of STRATA the items of each value, where there is more than one."""
    yield _Group("all", "", range(len(found)))
    for by in ("sight", *STRATA):
        groups: dict[str, list[int]] = {}
        for place, said in enumerate(found):
            value: str = said.sight if by == "sight" else getattr(said.speaking[0], by)
            groups.setdefault(value, []).append(place)
        if len(groups) > 1:
            yield from (_Group(by, value, groups[value]) for value in sorted(groups))


def _labels(found: Sequence[_Said], groups: Sequence[_Group], label: str) -> Iterator[dict[str, Any]]:
    """How far reviewers agree on a label; groups in which no item has it from two are left out."""
    everything, *rest = (group for group in groups if group.by not in ("sight", label))
    parts: list[tuple[_Group, tuple[str, ...]]] = [(everything, SIGHT)]
    if len({review.blind for said in found for review in said.independent.values()}) > 1:
        parts += [(everything._replace(by="sight", value=sight), (sight,)) for sight in SIGHT]
    parts += [(group, SIGHT) for group in rest]
    given = {sights: [_rated(said, label, sights) for said in found] for sights in {sights for _, sights in parts}}
    for (by, value, places), sights in parts:
        members = [given[sights][place] for place in places]
        rated = [of for of in members if len(of.labels) > 1]
        if rated:
            ratings = [of.labels for of in rated]
            raters = {name for of in ratings for name in of}
            yield {
                "label": label,
                "by": by,
                "group": value,
                "items": len(ratings),
                "of_several": sum(of.several for of in members),
                "reviewers": len(raters),
                "equal": _share([of.equal for of in rated]),
                "kappa": _coefficient(mean_kappa(ratings, rater_pairs(ratings))),
                "alpha": _coefficient(krippendorff_alpha(ratings, raters)),
            }


def _rated(said: _Said, label: str, sights: Collection[str]) -> _Rated:
    seen = {name: review for name, review in said.independent.items() if SIGHT[not review.blind] in sights}
    labels = {name: value for name, review in seen.items() if (value := said.rating(review, label))}
    return _Rated(labels, _equal_pairs(labels) if len(labels) > 1 else 0.0, len(seen) > 1)


def _turned(review: Review, place: str) -> str:
    """The place of a choice, counted from one that is drawn by lot.

    In files of pairs the better one of a judge stands first, so that most places are equal: by chance nearly all would
    be, and kappa would say so.
    """
    if place in (*NEITHER, ""):
        return place
    count = len(review.before["scores"])
    return str((int(place) + lot_number(review.item, "places")) % count)


def _equal_pairs(ratings: Mapping[str, str]) -> float:
    pairs = len(ratings) * (len(ratings) - 1)
    return sum(count * (count - 1) for count in Counter(ratings.values()).values()) / pairs


def _against_model(found: Sequence[_Said], groups: Sequence[_Group], label: str) -> Iterator[dict[str, Any]]:
    compared = [_people_and_machine(said, label) for said in found]
    for by, value, places in (group for group in groups if group.by != label):
        both = [of for place in places if not isinstance(of := compared[place], str)]
        left_out = Counter({"rejected": 0, "disputed": 0, "not said": 0, "machine silent": 0})
        left_out.update(why for place in places if isinstance(why := compared[place], str))
        if both:
            yield {
                "label": label,
                "by": by,
                "group": value,
                "items": len(both),
                "equal": _share([of[_PEOPLE] == of[_MACHINE] for of in both]),
                "kappa": _coefficient(mean_kappa(both, [(_PEOPLE, _MACHINE)])),
                "left_out": dict(left_out),
            }


def _people_and_machine(said: _Said, label: str) -> dict[str, str] | str:
    """What both say of an item, or why it is not compared."""
    people, machine = _of_people(said, "emotion" if label == CONCLUDED else label), _of_machine(said, label)
    return _why_not(said, people) if people is None or not machine else {_PEOPLE: people, _MACHINE: machine}


def _of_people(said: _Said, label: str) -> str | None:
    """What people say of an item: None where they dispute it or say nothing."""
    if said.verdict.state == "rejected" or DECISION in said.verdict.fields:
        return None
    given = {said.rating(review, label) for review in said.speaking} - {""}
    return given.pop() if len(given) == 1 else None


def _of_machine(said: _Said, label: str) -> str:
    review = said.speaking[0]
    if label == CONCLUDED:
        return told_apart("emotion", review.concluded)
    return told_apart(label, review.before.get(label, ""))


def _why_not(said: _Said, people: str | None) -> str:
    if people is not None:
        return "machine silent"
    if said.verdict.state == "rejected":
        return "rejected"
    return "disputed" if said.verdict.state == "disputed" else "not said"


def _texts(found: Sequence[_Said]) -> dict[str, Any]:
    """Of each dimension how many records' text was changed, and how far, and what this leaves out."""
    changes: dict[str, list[tuple[float, float]]] = {name: [] for name in DIMENSIONS}
    left_out = Counter({"rejected": 0, "blind": 0})
    for said in found:
        sighted = [review for review in said.speaking if not review.blind]
        standing = [(of.before, said.opinions[of.reviewer]) for of in sighted if of.decision != "reject"]
        if not standing:
            left_out["rejected" if sighted else "blind"] += 1
            continue
        for name, records in changes.items():
            changed = [_change(name, before.get(name, ""), after[name]) for before, after in standing]
            if there := [each for each in changed if each]:  # who leaves a blank text blank has changed nothing
                records.append((sum(of for of, _ in there) / len(changed), sum(of for _, of in there) / len(changed)))
    fields = {}
    for name, of in changes.items():
        distances = {"all": [far for _, far in of], "changed": [far for changed, far in of if changed]}
        fields[name] = {
            "changed": _share([changed for changed, _ in of]),
            "distance": {
                which: {**_mean(values), "median": median(values) if values else None}
                for which, values in distances.items()
            },
        }
    return {"fields": fields, "left_out": dict(left_out)} if any(changes.values()) else {}


def _change(name: str, before: str, after: str) -> tuple[bool, float] | None:
    """Whether a text was changed, and how far; None where there is none before and after."""
    if before != after:  # most texts are as they were, and are not looked at
        before, after = told_apart(name, before), told_apart(name, after)
    if not (before or after).strip():
        return None
    return before != after, Levenshtein.normalized_distance(before, after)


def _judged(found: Sequence[_Said], groups: Sequence[_Group]) -> Iterator[dict[str, Any]]:
    for by, value, places in groups:
        right = []
        counts: Counter[str] = Counter()
        left_out = Counter(dict.fromkeys(("judge ties", "not judged", *NEITHER, "disputed", "rejected"), 0))
        for said in (found[place] for place in places):
            state, better = said.verdict.state, said.verdict.values.get(BETTER, "")
            if state in ("disputed", "rejected"):
                left_out[state] += 1
                continue
            if better in NEITHER:
                left_out[better] += 1
                continue
            pairs = _scored_pairs(said.speaking[0].before["scores"], int(better))
            apart = [best > other for best, other in pairs if best != other]
            counts += Counter(pairs=len(pairs), ties=len(pairs) - len(apart))
            if apart:
                right.append(sum(apart) / len(apart))
            else:
                left_out["judge ties" if pairs else "not judged"] += 1
        share = _share(right)
        yield {
            "by": by,
            "group": value,
            "items": len(right),
            "pairs": counts["pairs"],
            "ties": counts["ties"],
            "equal": share,
            "kappa": {**share, **{end: None if share[end] is None else 2 * share[end] - 1 for end in _ENDS}},
            "left_out": dict(left_out),
        }


def _scored_pairs(scores: Sequence[float | None], best: int) -> list[tuple[float, float]]:
    """The score of one answer beside that of each other one, where both have one."""
    one = scores[best]
    others = [score for place, score in enumerate(scores) if place != best and score is not None]
    return [] if one is None else [(one, other) for other in others]


def _share(values: Sequence[float]) -> dict[str, Any]:
    """The mean of values from 0 to 1, and how many are 1."""
    value = sum(values) / len(values) if values else None
    return {**_ends(value, share_interval(values), len(values)), "count": sum(one == 1 for one in values)}


def _mean(values: Sequence[float]) -> dict[str, Any]:
    return _ends(sum(values) / len(values) if values else None, mean_interval(values), len(values))


def _coefficient(found: Agreement) -> dict[str, Any]:
    return _ends(found.value, found.interval, found.clips)


def _ends(value: float | None, interval: Interval | None, of: int) -> dict[str, Any]:
    low, high = interval or (None, None)
    return {"value": value, "low": low, "high": high, "of": of}

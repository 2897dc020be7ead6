"""What is shown to whom: items drawn by lot from strata, some of them for all reviewers, the rest dealt out.

The plan is made by the first command and kept in reviews/plan.json, with the ids; later commands go on with it:

    settings    Settings
    shared      ids that every reviewer sees
    dealt       {reviewer: the ids that this one sees besides}

It depends on the ids, the strata and the seed alone: the order of the file does not matter, and the same seed draws the
same items on any machine. Without named reviewers all is shared. What the plan holds stays with whom it was dealt to:

- Of records that are added to the file later none is drawn where there is a sample; where all are reviewed, they are
  dealt to those who have the fewest. Records that are not in the file any more are shown to nobody.
- A reviewer who is added to `reviewers` sees what is shared, and takes over what nobody has begun, from those who have
  most of it, until there is as much with the newcomer as with each of them.

Knows items and who has begun; whether reviewers see each other's words is the server's matter.
"""

import fcntl
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from swift_saber.errors import InputError, quoted, unreadable
from swift_saber.review.items import STRATA, Items
from swift_saber.review.log import Review, latest_reviews, log_path, review_files
from swift_saber.text.files import read_text, write_text
from swift_saber.text.seed import lot_number
from swift_saber.text.strict_json import dumps, parse_json

FILE = "plan.json"
# Of a plan: ids of some ten million items.
_MOST_BYTES = 1 << 30
_REMEDY = "leave the option out to go on, or name another folder with -o"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a plan is made.

    Attributes:
        sample: number of items that are drawn; None for all.
        seed: of the lots.
        by: of items.STRATA; each combination of their values is a stratum.
        overlap: how many of the drawn items every reviewer sees.
        reviewers: their names; empty where everybody sees all that is drawn.
    """

    sample: int | None = None
    seed: int = 0
    by: tuple[str, ...] = STRATA
    overlap: int = 0
    reviewers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shown to whom.

    Attributes:
        settings: how it was made.
        shared, dealt: as in the file.
        gone: of these, the ids that are not among the items any more.
    """

    settings: Settings
    shared: tuple[str, ...] = ()
    dealt: dict[str, tuple[str, ...]] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()

    def assigned(self, reviewer: str) -> list[str]:
        """Return the ids of what a reviewer sees, in the order in which it is shown.

        The rest comes in an order of the reviewer's own. What is shared lies evenly in it, at places of their own too,
        but one after the other as with the others: so those who are halfway through have half of it in common. Where
        nothing is dealt, the order is the reviewer's own throughout.

        Raises:
            InputError: the plan has reviewers, and this is none of them.
        """
        if self.dealt and reviewer not in self.dealt:
            known = ",".join(self.dealt)
            remedy = f"add the name: --reviewers {known},{reviewer}"
            raise InputError("review", "--reviewer", f"{quoted(reviewer)} is not in the plan ({known})", remedy)
        seed = f"{self.settings.seed} {reviewer}"
        shared = [name for name in self.shared if name not in self.gone]
        own = [name for name in self.dealt.get(reviewer, shared) if name not in self.gone]
        own.sort(key=lambda name: lot_number(name, seed))
        places = {name: (place + 0.5) / len(own) for place, name in enumerate(own)}
        if self.dealt:
            shared.sort(key=lambda name: lot_number(name, f"{self.settings.seed} shared"))
            for place, name in enumerate(shared):
                places[name] = (place + lot_number(name, seed) / 2**64) / len(shared)
        return sorted(places, key=lambda name: (places[name], name))


def load_plan(folder: str | Path, items: Items, given: Mapping[str, Any]) -> Plan:
    """Return the plan of a folder; the first call makes it, and a later one adds reviewers and records to it.

    Args:
        folder: of the reviews; it is made where it is not there.
        items: all that could be shown.
        given: those of Settings that the user names, lists as tuples.

    Raises:
        InputError: a setting cannot be, or is another than that of the plan; none of the plan's items is there; the
            file is no plan, or cannot be written.
    """
    wanted = replace(Settings(), **given)
    _check(wanted)
    with _held(folder):
        known = read_plan(folder)
        if known is None:
            plan = _made(wanted, items)
        else:
            _check_same(Path(folder) / FILE, known.settings, replace(known.settings, **given))
            plan = _with_new_items(_with_new_reviewers(known, wanted.reviewers, folder), items)
        if plan != known:
            write_text(Path(folder) / FILE, dumps(_written(plan)) + "\n")
    drawn = {*plan.shared, *(name for names in plan.dealt.values() for name in names)}
    gone = frozenset(name for name in drawn if name not in items)
    if len(gone) == len(drawn):
        problem = "names none of these records: it is of others"
        raise InputError(str(Path(folder) / FILE), "plan", problem, "name the records that it is of, or another folder")
    return replace(plan, gone=gone)


def read_plan(folder: str | Path) -> Plan | None:
    """Return the plan that a folder has, None where it has none.

    Raises:
        InputError: the file cannot be read, or is no plan.
    """
    path = Path(folder) / FILE
    if not path.exists():
        return None
    text = read_text(path, _MOST_BYTES)
    try:
        return TypeAdapter(Plan).validate_python(parse_json(text, str(path)))
    except InputError as error:
        problem = error.problem
    except ValidationError as error:
        problem = f"is no plan ({'.'.join(map(str, error.errors()[0]['loc'])) or 'no object'})"
    raise InputError(str(path), "plan", problem, "take back the file as it was, or name another folder")


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one reviewer: items that are decided or skipped, of those assigned."""

    done: int
    assigned: int


def progress(plan: Plan, said: Iterable[Review]) -> dict[str, Progress]:
    """Return how far each reviewer of a plan is, by name; of a plan without names, each who has begun.

    Args:
        plan: of read_plan.
        said: each reviewer's last line of each item.
    """
    done: dict[str, set[str]] = {}
    for review in said:
        if review.decision is not None:
            done.setdefault(review.reviewer, set()).add(review.item)
    found = {}
    for reviewer in plan.dealt or sorted(done):
        assigned = {*plan.shared, *plan.dealt.get(reviewer, ())}
        found[reviewer] = Progress(len(done.get(reviewer, set()) & assigned), len(assigned))
    return found


def _check(settings: Settings) -> None:
    if settings.sample is not None and settings.sample < 1:
        raise InputError("review", "--sample", f"is {settings.sample}", "give a number of records above 0")
    if strange := [name for name in settings.by if name not in STRATA]:
        raise InputError("review", "--by", f"{quoted(strange[0])} is not known", f"give some of {', '.join(STRATA)}")
    for reviewer in settings.reviewers:
        log_path("", reviewer)
        if settings.reviewers.count(reviewer) > 1:
            raise InputError("review", "--reviewers", f"{quoted(reviewer)} is there twice", "name each once")
    known: dict[str, str] = {}
    for reviewer in settings.reviewers:
        if (other := known.setdefault(reviewer.casefold(), reviewer)) != reviewer:
            problem = f"{quoted(other)} and {quoted(reviewer)} are one file on some machines"
            raise InputError("review", "--reviewers", problem, "give another name")
    if settings.overlap < 0:
        raise InputError("review", "--overlap", f"is {settings.overlap}", "give a number of records, 0 for none")


def _check_same(path: Path, known: Settings, wanted: Settings) -> None:
    for name, before in asdict(known).items():
        now = getattr(wanted, name)
        same = set(now) == set(before) if name == "by" else now == before
        if name == "reviewers":  # names may be added to some, not taken away; nor are some made of everybody
            same = set(now) >= set(before) and bool(now) == bool(before)
        if not same:
            problem = f"is {_shown(now)}, and the plan in {path} was made with {_shown(before)}"
            raise InputError("review", f"--{name}", problem, _REMEDY)


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "nobody"
    return "all" if value is None else str(value)


def _made(settings: Settings, items: Items) -> Plan:
    seed, reviewers = settings.seed, settings.reviewers
    if settings.overlap and not reviewers:
        problem = f"is {settings.overlap}, and without names everybody sees all"
        raise InputError("review", "--overlap", problem, "name who reviews: --reviewers anna,bo")
    drawn = _drawn(_strata(items, items, settings), settings.sample, seed)
    number = sum(map(len, drawn.values()))
    if settings.overlap > number:
        raise InputError("review", "--overlap", f"is {settings.overlap} of {number} records", "give fewer")
    if not reviewers:
        return Plan(settings, tuple(name for names in drawn.values() for name in names))
    shared = tuple(name for names in _drawn(drawn, settings.overlap, f"{seed} overlap").values() for name in names)
    apart = set(shared)
    rest = [name for names in drawn.values() for name in names if name not in apart]
    # One after the other through the strata, so that each has its part of every stratum.
    dealt = {reviewer: tuple(rest[place :: len(reviewers)]) for place, reviewer in enumerate(reviewers)}
    return Plan(settings, shared, dealt)


def _with_new_reviewers(plan: Plan, reviewers: Sequence[str], folder: str | Path) -> Plan:
    added = [reviewer for reviewer in reviewers if reviewer not in plan.dealt]
    if not added or not plan.dealt:
        return plan
    begun = latest_reviews(folder).keys() if review_files(folder) else ()
    seed = plan.settings.seed
    free = {
        reviewer: sorted((name for name in names if name not in begun), key=lambda name: lot_number(name, seed))
        for reviewer, names in plan.dealt.items()
    }
    taken: dict[str, list[str]] = {reviewer: [] for reviewer in added}
    while True:
        newcomer = min(taken, key=lambda reviewer: len(taken[reviewer]))
        richest = max(free, key=lambda reviewer: len(free[reviewer]))
        if len(free[richest]) - len(taken[newcomer]) < 2:
            break
        taken[newcomer].append(free[richest].pop())
    moved = {name for names in taken.values() for name in names}
    dealt = {reviewer: tuple(name for name in names if name not in moved) for reviewer, names in plan.dealt.items()}
    dealt |= {reviewer: tuple(names) for reviewer, names in taken.items()}
    return Plan(replace(plan.settings, reviewers=tuple(dealt)), plan.shared, dealt)


def _with_new_items(plan: Plan, items: Items) -> Plan:
    if plan.settings.sample is not None:
        return plan
    known = {*plan.shared, *(name for names in plan.dealt.values() for name in names)}
    strata = _strata((name for name in items if name not in known), items, plan.settings)
    added = [name for names in _drawn(strata, None, plan.settings.seed).values() for name in names]
    if not plan.dealt:
        return replace(plan, shared=(*plan.shared, *added))
    dealt = {reviewer: list(names) for reviewer, names in plan.dealt.items()}
    for name in added:
        min(dealt.values(), key=len).append(name)
    return replace(plan, dealt={reviewer: tuple(names) for reviewer, names in dealt.items()})


def _strata(names: Iterable[str], items: Items, settings: Settings) -> dict[tuple[str, ...], list[str]]:
    """Ids by their values of settings.by."""
    places = [place for place, name in enumerate(STRATA) if name in settings.by]
    found: dict[tuple[str, ...], list[str]] = {}
    for name in names:
        values = items.strata(name)
        found.setdefault(tuple(values[place] for place in places), []).append(name)
    return found


def _drawn(
    strata: Mapping[tuple[str, ...], Collection[str]], number: int | None, seed: object
) -> dict[tuple[str, ...], list[str]]:
    """Of each stratum its share of a sample, drawn by lot; strata and ids in an order that the ids alone determine."""
    sizes = {key: len(strata[key]) for key in sorted(strata)}
    shares = _shares(sizes, sum(sizes.values()) if number is None else number, seed)
    return {key: sorted(strata[key], key=lambda name: lot_number(name, seed))[: shares[key]] for key in sizes}


def _shares(sizes: Mapping[tuple[str, ...], int], number: int, seed: object) -> dict[tuple[str, ...], int]:
    """How many of a sample each stratum has: proportional, by the largest remainder (Hamilton's method).

    Where there are as many as strata, each has one at least: those whose share would be less than one are given one,
    and the others share what is left.
    """
    left, total = min(number, sum(sizes.values())), sum(sizes.values())
    shares: dict[tuple[str, ...], int] = {}
    # Equal ones by lot, so that no name comes before another.
    smallest = sorted(sizes, key=lambda key: (sizes[key], lot_number(dumps(key), seed)))
    if left >= len(sizes):
        for key in smallest:
            if left * sizes[key] < total:
                shares[key] = 1
                left, total = left - 1, total - sizes[key]
    rest = [key for key in smallest if key not in shares]
    remainders = {}
    for key in rest:
        shares[key], remainders[key] = divmod(left * sizes[key], total)
    over = left - sum(shares[key] for key in rest)
    for key in sorted(rest, key=lambda key: -remainders[key])[:over]:
        shares[key] += 1
    return shares


def _written(plan: Plan) -> dict[str, Any]:
    return {"settings": asdict(plan.settings), "shared": plan.shared, "dealt": plan.dealt}


@contextmanager
def _held(folder: str | Path) -> Iterator[None]:
    """Hold the folder, so that of two commands that begin at once the second sees what the first has planned."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise unreadable(Path(folder), error) from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)

"""From scored candidates to a file of preference pairs: the balance, the files, and what is said of the clips left out.

A balanced mix of consistent and inconsistent clips is reported for SABER-LLM by a secondary source. Which answers of a
clip become a pair is choose.py's matter.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from swift_saber.data.lookup import Records
from swift_saber.data.rows import must_be_new, read_named, read_rows, write_rows
from swift_saber.errors import InputError, kind, quoted
from swift_saber.pairs.choose import KINDS, Chooser, NoPairError, Rules, has_markup
from swift_saber.pairs.judge import HIGHEST, LOWEST, criteria_of
from swift_saber.pairs.score import check_row

# The place of the last pair that each group keeps, by consistency; no group, no pair.
Limits = Mapping[str | None, int]


@dataclass
class _Report:
    clips: int = 0
    failed: int = 0
    markup: int = 0
    from_record: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    by_consistency: Counter[str] = field(default_factory=Counter)
    gaps: list[float] = field(default_factory=list)
    with_pair: int = 0
    excluded: list[dict[str, str]] = field(default_factory=list)

    def reasons(self) -> dict[str, int]:
        return dict(Counter(row["reason"] for row in self.excluded).most_common())

    def summary(self) -> dict[str, Any]:
        pairs = self.by_kind.total()
        return {
            "clips": self.clips,
            "clips_with_pair": self.with_pair,
            "pairs": pairs,
            "by_kind": dict(self.by_kind.most_common()),
            "by_consistency": dict(self.by_consistency.most_common()),
            "chosen_from_record": self.from_record / pairs,
            "mean_gap": sum(self.gaps) / len(self.gaps) if self.gaps else None,
            "excluded": self.reasons(),
            "failed_candidates": self.failed,
            "markup_candidates": self.markup,
        }


def select(
    scored: Path, output: Path, *, records: Path | None, rules: Rules, inconsistent_share: float | None
) -> dict[str, Any]:
    """Write the preference pairs of a file of scored candidates, and `<output>.excluded.jsonl` with {"id", "reason"}.

    A candidate's score is the mean of its two criteria, 1..5. The pairs are written whole or not at all. The scored
    file is read twice; no text of it stays in memory.

    Args:
        scored: JSONL as `pairs score` writes it.
        output: JSONL to write; must not exist.
        records: the clips' checked records, SABER rows by id: for the consistency of clips that do not say it, for
            records as chosen answers, and for swapped pairs.
        rules: how pairs are chosen.
        inconsistent_share: the share of pairs from inconsistent clips, 0..1; what is too many of the other group is
            left out. None keeps all.

    Returns:
        {"clips", "clips_with_pair", "pairs", "by_kind", "by_consistency", "chosen_from_record" (share of pairs),
        "mean_gap" (None where no pair has scores), "excluded": {reason: clips}, "failed_candidates",
        "markup_candidates"}: the last two were not used, for want of scores or since ms-swift would put media in place
        of a part of their text. Each clip has a pair or one reason: clips = clips_with_pair + the sum of excluded.

    Raises:
        InputError: a threshold is out of range, output exists, records are missing where they are needed, a row is
            no scored row, or there is not one pair.
    """
    for field_name, value, least, most in (
        ("min_gap", rules.min_gap, 0, HIGHEST - LOWEST),
        ("min_chosen", rules.min_chosen, LOWEST, HIGHEST),
    ):
        if not least <= value <= most:
            raise InputError("pairs select", field_name, f"is {value}", f"give a number of {least} to {most}")
    must_be_new(output)
    if records is None and (rules.record_as_chosen or any(KINDS[kind].needs_records for kind in rules.kinds)):
        raise InputError("pairs select", "records", "are missing", "give --records, the clips' checked records")
    with Records(records) if records else nullcontext() as known:
        chooser = Chooser(rules, known)
        limits = _limits(scored, chooser, inconsistent_share)
        report = _Report()
        if not limits:
            list(_pairs(scored, chooser, limits, report))
            found = ", ".join(f"{reason}: {number}" for reason, number in report.reasons().items())
            problem = f"there is not one, of {report.clips} clips ({found})"
            raise InputError(str(scored), "pairs", problem, "recipes/pairs.md says what each reason asks for")

        def kept() -> Iterator[dict[str, Any]]:
            yield from _pairs(scored, chooser, limits, report)
            # Before the pairs take their name: where they are, the list is.
            write_rows(output.with_name(output.name + ".excluded.jsonl"), report.excluded)

        write_rows(output, kept())
    return report.summary()


def _limits(scored: Path, chooser: Chooser, share: float | None) -> Limits:
    """Check every row, and find out how many pairs each group may keep."""
    places: dict[str | None, list[int]] = {"consistent": [], "inconsistent": [], None: []}
    for where, row in read_named(scored):
        _check(row, where)
        try:
            for pair in chooser.pairs(row)[0]:
                places[pair.get("consistency")].append(_place(chooser, pair))
        except NoPairError:
            continue  # counted with its reason on the second reading
    if share is not None:
        agree, disagree = len(places["consistent"]), len(places["inconsistent"])
        places[None] = []
        if disagree * (1 - share) > agree * share:
            places["inconsistent"] = sorted(places["inconsistent"])[: round(agree * share / (1 - share))]
        elif share:
            places["consistent"] = sorted(places["consistent"])[: round(disagree * (1 - share) / share)]
    return {group: max(found) for group, found in places.items() if found}


def _pairs(scored: Path, chooser: Chooser, limits: Limits, report: _Report) -> Iterator[dict[str, Any]]:
    """Yield the pairs within the limits, and report on all."""
    for _, row in read_rows(scored):
        report.clips += 1
        report.failed += sum("failure" in candidate for candidate in row["candidates"])
        report.markup += sum(has_markup(candidate) for candidate in row["candidates"])
        try:
            made, from_record = chooser.pairs(row)
        except NoPairError as error:
            report.excluded.append({"id": row["id"], "reason": str(error)})
            continue
        consistency = made[0].get("consistency")
        kept = [pair for pair in made if _place(chooser, pair) <= limits.get(consistency, -1)]
        if not kept:
            reason = "left out for balance" if consistency else "consistency unknown"
            report.excluded.append({"id": row["id"], "reason": reason})
            continue
        report.with_pair += 1
        report.from_record += from_record * len(kept)
        for pair in kept:
            report.by_kind[pair["kind"]] += 1
            report.by_consistency[consistency or "unknown"] += 1
            if scores := pair.get("scores"):
                report.gaps.append(scores["chosen"] - scores["rejected"])
            yield pair


def _place(chooser: Chooser, pair: Mapping[str, Any]) -> int:
    return chooser.place("balance", pair["id"])


def _check(row: Mapping[str, Any], where: str) -> None:
    """See that a row is one of scored candidates."""
    check_row(row, where)
    messages = row.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(last, dict) or last.get("role") != "user":
        raise InputError(where, "messages", "do not end with the user's question", "give the candidates' messages")
    for name, choices in (("consistency", ("consistent", "inconsistent")), ("language", ("zh", "en"))):
        if row.get(name) not in (None, *choices):
            remedy = f"write {' or '.join(choices)}, or leave it out"
            raise InputError(where, name, f"{quoted(row[name])} is not known", remedy)
    for index, candidate in enumerate(row["candidates"]):
        if not candidate["text"].strip():
            raise InputError(where, f"candidates[{index}].text", "is blank", "remove this candidate")
        if "failure" in candidate and "scores" not in candidate:
            continue
        place = f"candidates[{index}].scores"
        if "scores" not in candidate:
            raise InputError(where, place, "is missing", "run `swift-saber pairs score` on this file first")
        scores = candidate["scores"]
        if not isinstance(scores, dict):
            raise InputError(where, place, f"is {kind(scores)}, not an object", "score the file again")
        for name in criteria_of(candidate):
            score = scores.get(name)
            if isinstance(score, bool) or not isinstance(score, int | float) or not LOWEST <= score <= HIGHEST:
                problem = f"is {quoted(score)}, not a number of {LOWEST} to {HIGHEST}"
                raise InputError(where, f"{place}.{name}", problem, "score the file again")

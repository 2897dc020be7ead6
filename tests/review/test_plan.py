"""plan.py: what is drawn, who sees it in which order, and that later commands keep to it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swift_saber.data.rows import write_rows
from swift_saber.errors import InputError
from swift_saber.review.items import Items
from swift_saber.review.log import ReviewLog
from swift_saber.review.plan import Plan, Progress, load_plan, progress, read_plan

#: How many clips each (source, consistency, language) has.
STRATA = st.dictionaries(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(["consistent", "inconsistent"]), st.sampled_from(["zh", "en"])),
    st.integers(1, 12),
    min_size=1,
    max_size=6,
)


def rows(strata: Mapping[tuple[str, str, str], int]) -> list[dict[str, Any]]:
    return [
        {"id": f"{'-'.join(key)}-{number}", "video_desc": "A street."}
        | dict(zip(("source", "consistency", "language"), key, strict=True))
        for key, count in strata.items()
        for number in range(count)
    ]


def items_of(folder: Path, found: Sequence[dict[str, Any]]) -> Items:
    write_rows(folder / "records.jsonl", list(found))
    return Items([folder / "records.jsonl"])


def many(folder: Path, count: int = 40) -> Items:
    return items_of(folder, rows({("A", "consistent", "zh"): count}))


def planned(folder: Path, items: Items, **asked: Any) -> Plan:
    return load_plan(folder / "reviews", items, asked)


@settings(max_examples=60, deadline=None)
@given(STRATA, st.integers(1, 60), st.integers(0, 10), st.integers(1, 4), st.integers(0, 3), st.randoms())
def test_no_item_is_lost_the_overlap_is_everybodys_and_the_rest_is_dealt_evenly(
    strata: dict[tuple[str, str, str], int], sample: int, overlap: int, people: int, seed: int, random: Any
) -> None:
    found = rows(strata)
    drawn = min(sample, len(found))
    overlap = min(overlap, drawn)
    names = tuple("abcd"[:people])
    asked = {"sample": sample, "overlap": overlap, "reviewers": names, "seed": seed}
    with TemporaryDirectory() as one, TemporaryDirectory() as two:
        plan = planned(Path(one), items_of(Path(one), found), **asked)
        shuffled = random.sample(found, len(found))
        again = planned(Path(two), items_of(Path(two), shuffled), **asked)
    seen = {name: plan.assigned(name) for name in names}
    assert {name: again.assigned(name) for name in names} == seen  # whatever order the file has
    times = Counter(item for of in seen.values() for item in of)
    assert len(times) == drawn
    assert all(len(set(of)) == len(of) for of in seen.values())
    assert set.intersection(*map(set, seen.values())) >= set(plan.shared)
    assert len(plan.shared) == overlap
    assert all(count == (people if item in plan.shared else 1) for item, count in times.items())
    sizes = [len(of) for of in seen.values()]
    assert max(sizes) - min(sizes) <= 1


@settings(max_examples=60, deadline=None)
@given(STRATA, st.integers(1, 60))
def test_each_stratum_has_its_share_and_one_at_least(strata: dict[tuple[str, str, str], int], sample: int) -> None:
    with TemporaryDirectory() as folder:
        items = items_of(Path(folder), rows(strata))
        drawn = Counter(items.strata(name) for name in planned(Path(folder), items, sample=sample).shared)
    total = sum(strata.values())
    small = {key for key, size in strata.items() if sample * size < total}
    for key, size in strata.items():
        assert drawn[key] <= size
        if sample >= len(strata):
            assert drawn[key] >= 1
        if not small:  # nothing is given away: within one of the exact share
            assert abs(drawn[key] - min(sample, total) * size / total) < 1


def test_shares_by_hand(tmp_path: Path) -> None:
    """10 of 57 + 40 + 3: 5.7, 4.0, 0.3. The last has one; 9 of 97 are left: 5.29 and 3.71, so 5 and 4."""
    sizes = {("A", "", ""): 57, ("B", "", ""): 40, ("C", "", ""): 3}
    plan = planned(tmp_path, items_of(tmp_path, rows(sizes)), sample=10)
    assert Counter(name[0] for name in plan.shared) == {"A": 5, "B": 4, "C": 1}


def test_strata_are_of_what_is_asked_for(tmp_path: Path) -> None:
    """9 of A in one language and 1 in the other: by source alone, the one has no claim."""
    items = items_of(tmp_path, rows({("A", "", "zh"): 9, ("A", "", "en"): 1, ("B", "", "en"): 10}))
    plan = planned(tmp_path, items, sample=10, by=("source",))
    assert Counter(name[0] for name in plan.shared) == {"A": 5, "B": 5}


def test_another_seed_draws_others(tmp_path: Path) -> None:
    items = many(tmp_path)
    drawn = [set(load_plan(tmp_path / str(seed), items, {"sample": 10, "seed": seed}).shared) for seed in (0, 1)]
    assert drawn[0] != drawn[1]


def test_each_reviewer_has_an_order_of_their_own_with_what_is_shared_all_through(tmp_path: Path) -> None:
    plan = planned(tmp_path, many(tmp_path, 120), overlap=20, reviewers=("anna", "bo"))
    orders = {name: plan.assigned(name) for name in ("anna", "bo")}
    shared = set(plan.shared)
    for order in orders.values():
        assert len(order) == 70
        for start in range(0, 70, 14):  # 4 of the 20 in each fifth, give or take what straddles its ends
            assert 3 <= len(shared & set(order[start : start + 14])) <= 5
    places = [[order.index(name) for name in plan.shared] for order in orders.values()]
    assert places[0] != places[1]
    # Halfway through, both have seen the same half of what is shared.
    first = [[name for name in order if name in shared] for order in orders.values()]
    assert first[0] == first[1]


def test_without_names_everybody_sees_all_in_an_order_of_their_own(tmp_path: Path) -> None:
    items = many(tmp_path)
    plan = planned(tmp_path, items)
    anna, bo = plan.assigned("anna"), plan.assigned("bo")
    assert set(anna) == set(bo) == set(items)
    assert anna != bo
    assert planned(tmp_path, items).assigned("anna") == anna


def test_a_later_command_goes_on_with_the_plan_and_other_settings_are_refused(tmp_path: Path) -> None:
    items = many(tmp_path)
    plan = planned(tmp_path, items, sample=10, overlap=2, reviewers=("anna", "bo"), seed=7)
    assert planned(tmp_path, items) == planned(tmp_path, items, sample=10, seed=7) == plan
    for asked, said in (
        ({"sample": 12}, r"--sample: is 12, and the plan in .*plan.json was made with 10; leave the option out"),
        ({"seed": 8}, "--seed: is 8"),
        ({"by": ("source",)}, "--by: is source"),
        ({"overlap": 3}, "--overlap: is 3"),
        ({"reviewers": ("anna",)}, "--reviewers: is anna, and the plan .* with anna,bo"),
    ):
        with pytest.raises(InputError, match=said):
            planned(tmp_path, items, **asked)
    assert read_plan(tmp_path / "reviews") == plan


def test_who_is_not_in_the_plan_is_told_how_to_come_in(tmp_path: Path) -> None:
    plan = planned(tmp_path, many(tmp_path), reviewers=("anna", "bo"))
    with pytest.raises(InputError, match=r"'cy' is not in the plan \(anna,bo\); add the name: --reviewers anna,bo,cy"):
        plan.assigned("cy")


def test_a_newcomer_takes_over_what_nobody_has_begun(tmp_path: Path) -> None:
    items = many(tmp_path, 44)
    before = planned(tmp_path, items, overlap=4, reviewers=("anna", "bo"))
    own = [name for name in before.assigned("anna") if name not in before.shared]
    with ReviewLog(tmp_path / "reviews", "anna") as log:
        for number, name in enumerate(own[:11]):
            log.save(f"n{number}", items[name], 0, decision="accept", reason="", after={})
    plan = planned(tmp_path, items, reviewers=("bo", "anna", "cy"))
    assert plan.settings.reviewers == ("anna", "bo", "cy")
    assert plan.shared == before.shared
    assert set(plan.shared) < set(plan.assigned("cy"))
    # Anna had 9 of her 20 to do and bo 20: cy takes from bo until neither has two more than the other.
    assert [len(plan.dealt[name]) for name in ("anna", "bo", "cy")] == [20, 10, 10]
    assert sorted(name for names in plan.dealt.values() for name in names) == sorted(set(items) - set(plan.shared))
    assert planned(tmp_path, items, reviewers=("anna", "bo", "cy")) == plan


def test_records_that_are_added_change_nothing_of_what_was_dealt(tmp_path: Path) -> None:
    found = rows({("A", "consistent", "zh"): 21})
    before = planned(tmp_path, items_of(tmp_path, found[:9]), reviewers=("anna", "bo"))
    after = planned(tmp_path, items_of(tmp_path, found), reviewers=("anna", "bo"))
    for reviewer, names in before.dealt.items():
        assert set(names) < set(after.dealt[reviewer])
    assert sorted(map(len, after.dealt.values())) == [10, 11]
    drawn = load_plan(tmp_path / "drawn", items_of(tmp_path, found[:9]), {"sample": 5})
    assert load_plan(tmp_path / "drawn", items_of(tmp_path, found), {}).shared == drawn.shared


def test_records_that_are_gone_are_shown_to_nobody_and_come_back(tmp_path: Path) -> None:
    found = rows({("A", "consistent", "zh"): 10})
    planned(tmp_path, items_of(tmp_path, found), reviewers=("anna",))
    plan = planned(tmp_path, items_of(tmp_path, found[:4]))
    assert set(plan.assigned("anna")) == {row["id"] for row in found[:4]}
    assert len(plan.gone) == 6
    assert len(planned(tmp_path, items_of(tmp_path, found)).assigned("anna")) == 10
    with pytest.raises(InputError, match=r"plan.json: plan: names none of these records"):
        load_plan(tmp_path / "drawn", items_of(tmp_path, found[:1]), {"sample": 1})
        load_plan(tmp_path / "drawn", items_of(tmp_path, found[1:]), {})


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"sample": 0}, "--sample: is 0"),
        ({"by": ("speaker",)}, "--by: 'speaker' is not known; give some of source, consistency, language"),
        ({"overlap": -1}, "--overlap: is -1"),
        ({"overlap": 3}, "--overlap: is 3, and without names everybody sees all"),
        ({"overlap": 9, "sample": 8, "reviewers": ("a",)}, "--overlap: is 9 of 8 records"),
        ({"reviewers": ("a", "a")}, "--reviewers: 'a' is there twice"),
        ({"reviewers": ("../a",)}, "'../a' is no name"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        planned(tmp_path, many(tmp_path), **asked)
    assert read_plan(tmp_path / "reviews") is None


def test_a_damaged_plan_is_named(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"settings": {"sample": "many"}}')
    with pytest.raises(InputError, match=r"plan.json: plan: is no plan \(settings.sample\)"):
        read_plan(tmp_path)


def test_progress_counts_what_is_decided_of_what_is_assigned(tmp_path: Path) -> None:
    items = many(tmp_path, 10)
    plan = planned(tmp_path, items, overlap=2, reviewers=("anna", "bo"))
    mine, yours = plan.assigned("anna"), plan.dealt["bo"][0]
    with ReviewLog(tmp_path / "reviews", "anna") as log:
        for name, decision in ((mine[0], "accept"), (mine[1], "skip"), (mine[2], None), (yours, "accept")):
            log.save(f"of {name}", items[name], 0, decision=decision, reason="", after={})
    assert progress(plan, log.latest.values()) == {"anna": Progress(2, 6), "bo": Progress(0, 6)}


def test_progress_without_names_is_of_those_who_have_begun(tmp_path: Path) -> None:
    items = many(tmp_path, 10)
    plan = planned(tmp_path, items, sample=5)
    assert progress(plan, []) == {}
    with ReviewLog(tmp_path / "reviews", "anna") as log:
        name = plan.assigned("anna")[0]
        log.save("n", items[name], 0, decision="accept", reason="", after={})
    assert progress(plan, log.latest.values()) == {"anna": Progress(1, 5)}


def test_a_plan_that_is_cut_off_is_to_be_taken_back(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"settings": {"sam')
    with pytest.raises(InputError, match=r"plan.json: plan: is not JSON: .*; take back the file as it was"):
        read_plan(tmp_path)


def test_names_that_would_be_one_file_elsewhere_are_refused(tmp_path: Path) -> None:
    """Reviews are copied between machines, and on a Mac or Windows Anna.reviews.jsonl is anna.reviews.jsonl."""
    with pytest.raises(InputError, match="--reviewers: 'Anna' and 'anna' are one file on some machines; give another"):
        planned(tmp_path, many(tmp_path), reviewers=("bo", "Anna", "anna"))

"""pairs/select.py: the balance, the files, and the account of every clip."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swift_saber.errors import InputError

from .judge_server import write_records
from .selection import SURE, Made, candidate, clip


def both(apart: int, alike: int) -> list[dict[str, Any]]:
    two = (candidate("good", 5), candidate("bad", 1))
    return [clip(f"i{i}", *two) for i in range(apart)] + [
        clip(f"c{i}", *two, consistency="consistent") for i in range(alike)
    ]


@pytest.mark.parametrize(
    ("apart", "alike", "share", "kept"),
    [
        (4, 10, 0.5, (4, 4)),
        (10, 4, 0.5, (4, 4)),
        (6, 2, 0.75, (6, 2)),
        (9, 2, 0.75, (6, 2)),  # 2 consistent are a quarter of 8
        (3, 100, 0.1, (3, 27)),  # 3 inconsistent are a tenth of 30
        (5, 5, 1, (5, 0)),
        (5, 5, 0, (0, 5)),
        (4, 10, None, (4, 10)),
    ],
)
def test_the_larger_group_is_cut_to_the_share(
    tmp_path: Path, apart: int, alike: int, share: float | None, kept: tuple[int, int]
) -> None:
    made = Made(tmp_path, both(apart, alike), share=share)
    found = made.report["by_consistency"]
    assert (found.get("inconsistent", 0), found.get("consistent", 0)) == kept
    assert made.report["excluded"].get("left out for balance", 0) == apart + alike - sum(kept)


def test_the_cut_depends_on_the_seed_and_not_on_the_order_of_the_file(tmp_path: Path) -> None:
    kept = []
    for name, clips, seed in (("a", both(5, 40), 0), ("b", both(5, 40)[::-1], 0), ("c", both(5, 40), 1)):
        (tmp_path / name).mkdir()
        kept.append({pair["id"] for pair in Made(tmp_path / name, clips, share=0.5, seed=seed).pairs})
    assert kept[0] == kept[1] != kept[2]


def test_consistency_is_the_rows_own_else_the_records(tmp_path: Path) -> None:
    records = write_records(tmp_path)
    lines = [json.loads(line) | {"consistency": "consistent"} for line in records.read_text().splitlines()]
    records.write_text("".join(json.dumps(line) + "\n" for line in lines))
    two = (candidate("good", 5), candidate("bad", 1))
    clips = [clip("a", *two, consistency=None), clip("b", *two), clip("x", *two, consistency=None)]
    made = Made(tmp_path, clips, records=records, share=0.5)
    assert {pair["id"]: pair["consistency"] for pair in made.pairs} == {"a": "consistent", "b": "inconsistent"}
    assert made.excluded == {"x": "consistency unknown"}


def test_not_one_pair_is_an_error_that_counts_the_reasons_and_writes_nothing(tmp_path: Path) -> None:
    clips = [clip("a"), clip("b"), clip("c", candidate("x", 5))]
    with pytest.raises(InputError, match=r"not one, of 3 clips \(no candidates: 2, identical texts: 1\)"):
        Made(tmp_path, clips)
    assert [path.name for path in tmp_path.iterdir()] == ["scored.jsonl"]


def test_an_output_that_exists_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text("mine")
    with pytest.raises(InputError, match="exists already"):
        Made(tmp_path, [SURE])
    assert (tmp_path / "pairs.jsonl").read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"candidates": [{"text": "x"}]}, ":2: candidates[0].scores: is missing; run `swift-saber pairs score`"),
        ({"candidates": [{"text": "x", "scores": 4}]}, "candidates[0].scores: is a number"),
        ({"candidates": [{"text": "x", "scores": {"logical_consistency": 4}}]}, "evidence_alignment: is None"),
        ({"candidates": [candidate("x", 6)]}, "not a number of 1 to 5"),
        ({"candidates": [{"text": "x", "failure": "prose", "scores": {}}]}, "logical_consistency: is None"),
        ({"candidates": [candidate(" ", 1)]}, "candidates[0].text: is blank"),
        ({"messages": []}, "messages: do not end with the user's question"),
        ({"consistency": "mixed"}, "consistency: 'mixed' is not known"),
        ({"language": "de"}, "language: 'de' is not known"),
        ({"id": "sure"}, "'sure' is there twice"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_written(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        Made(tmp_path, [SURE, clip("a", candidate("x", 5)) | change])
    assert said in str(caught.value)
    assert not (tmp_path / "pairs.jsonl").exists()


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"min_gap": float("nan")}, "min_gap: is nan; give a number of 0 to 4"),
        ({"min_gap": 4.5}, "min_gap: is 4.5"),
        ({"min_chosen": 0}, "min_chosen: is 0; give a number of 1 to 5"),
    ],
)
def test_a_threshold_that_no_score_can_meet_or_miss_is_refused(
    tmp_path: Path, rules: dict[str, float], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        Made(tmp_path, [SURE], **rules)


ANSWERS = st.builds(
    candidate,
    st.sampled_from(["a", "b", " b", "c <audio>", "d"]),
    st.sampled_from([None, 1, 2, 3, 3.5, 4, 4.5, 5]),
    st.sampled_from([None, None, "audios"]),
)
GROUPS = st.sampled_from(["consistent", "inconsistent", None])


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.lists(ANSWERS, max_size=5), GROUPS), max_size=12),
    st.sampled_from([None, 0, 0.3, 0.5, 1]),
    st.sampled_from([0.5, 1, 2.5]),
    st.booleans(),
)
def test_every_clip_has_a_pair_or_a_reason_and_every_pair_keeps_the_rules(
    clips: list[tuple[list[dict[str, Any]], str | None]], share: float | None, gap: float, stand_in: bool
) -> None:
    rows = [clip(f"c{i}", *answers, consistency=group) for i, (answers, group) in enumerate(clips)]
    two = (candidate("good", 5), candidate("bad", 1))
    rows += [clip("sure", *two), clip("calm", *two, consistency="consistent")]
    with TemporaryDirectory() as name:
        folder = Path(name)
        records = write_records(folder, [f"c{i}" for i in range(0, 12, 2)])
        made = Made(
            folder,
            rows,
            share=share,
            min_gap=gap,
            records=records,
            record_as_chosen=stand_in,
            kinds=("candidates", "withheld", "swapped"),
        )
    report = made.report
    assert report["clips"] == len(rows) == report["clips_with_pair"] + sum(report["excluded"].values())
    assert report["pairs"] == len(made.pairs) == len({pair["id"] for pair in made.pairs})
    assert made.excluded.keys().isdisjoint({pair["clip"] for pair in made.pairs})
    assert {pair["clip"] for pair in made.pairs} | made.excluded.keys() == {row["id"] for row in rows}
    for pair in made.pairs:
        chosen = pair["messages"][-1]["content"]
        assert "<audio>" not in chosen + pair.get("rejected_response", "")
        if pair["kind"] == "swapped":
            own, other = ([pair[f"{side}{key}"] for key in ("videos", "audios")] for side in ("", "rejected_"))
            assert own != other
        else:
            assert chosen.split() != pair["rejected_response"].split()
            assert pair["scores"]["chosen"] - pair["scores"]["rejected"] >= gap
            assert pair["scores"]["chosen"] >= 4

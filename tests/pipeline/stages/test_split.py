"""The split: equal halves, balanced, and no speaker or video on both sides."""

import json
import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swift_saber.errors import InputError
from swift_saber.pipeline.stage import Drop
from swift_saber.pipeline.stages.split import OFFICIAL, SHARES, Split, notes
from swift_saber.pipeline.stages.split_choice import fill

Row = dict[str, Any]


def row(name: str, consistency: str = "consistent", source: str = "meld", language: str = "en", **rest: Any) -> Row:
    return {"id": name, "source": source, "language": language, "consistency": consistency, **rest}


def both(name: str, **rest: Any) -> list[Row]:
    """A consistent and an inconsistent clip."""
    return [row(f"{name}-{half}", half, **rest) for half in ("consistent", "inconsistent")]


def parts(rows: Iterable[Row], folder: Path, **settings: Any) -> dict[str, str]:
    """The part of each id, or the reason of its drop."""
    out = {}
    for each in Split(**settings).run(iter(rows), folder, 0):
        if isinstance(each, Drop):
            out[each.row["id"]] = each.reason
        else:
            out[each["id"]] = each["part"]
    return out


def note(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "split.json").read_text(encoding="utf-8"))


def test_a_test_set_has_equal_halves_and_the_rest_is_for_training(tmp_path: Path) -> None:
    rows = [row(f"c{i}") for i in range(30)] + [row(f"i{i}", "inconsistent") for i in range(10)]
    found = parts(rows, tmp_path, test=8)
    test = [name for name, part in found.items() if part == "test"]
    assert Counter(name[0] for name in test) == {"c": 4, "i": 4}
    assert Counter(found.values()) == {"test": 8, "train": 32}


def test_rows_come_in_their_order_and_keep_what_they_hold(tmp_path: Path) -> None:
    rows = [row(f"c{i}", ("consistent", "inconsistent")[i % 2], text="笑\u2028\n") for i in range(10)]
    out = list(Split(test=2).run(iter(rows), tmp_path, 0))
    assert [{key: value for key, value in each.items() if key != "part"} for each in out] == rows  # type: ignore[union-attr]
    assert not (tmp_path / "rows.jsonl").exists()


def test_each_half_is_even_over_languages_then_over_their_sources(tmp_path: Path) -> None:
    # 12 consistent clips wanted: 6 of each language; zh has one source, en has two: 3 each; likewise inconsistent.
    rows = []
    for source, language, count in (("mer25", "zh", 50), ("meld", "en", 100), ("ravdess", "en", 20)):
        for number in range(count):
            rows += both(f"{source}{number}", source=source, language=language)
    assert parts(rows, tmp_path, test=24)
    strata = {(of["source"], of["consistent"], of["inconsistent"]) for of in note(tmp_path)["strata"]}
    assert strata == {("mer25", 6, 6), ("meld", 3, 3), ("ravdess", 3, 3)}


def test_what_one_source_lacks_another_gives(tmp_path: Path) -> None:
    # ravdess has 2 clips of each half, of which half may leave training: 1 and 1; meld gives the other 4 and 4.
    rows = [each for i in range(2) for each in both(f"r{i}", source="ravdess")]
    rows += [each for i in range(50) for each in both(f"m{i}", source="meld")]
    parts(rows, tmp_path, test=10)
    assert {(of["source"], of["consistent"] + of["inconsistent"]) for of in note(tmp_path)["strata"]} == {
        ("ravdess", 2),
        ("meld", 8),
    }


def test_clips_of_a_test_group_that_are_not_needed_are_dropped(tmp_path: Path) -> None:
    # Four speakers of two consistent and two inconsistent clips; the test set wants one of each.
    rows = [each for who in "abcd" for i in range(2) for each in both(f"{who}{i}", speaker=f"meld/{who}")]
    found = parts(rows, tmp_path, test=2)
    assert Counter(found.values()) == {"test": 2, SHARES: 2, "train": 12}
    (speaker,) = {name[0] for name, part in found.items() if part in ("test", SHARES)}
    drops = [each for each in Split(test=2).run(iter(rows), tmp_path, 0) if isinstance(each, Drop)]
    assert [drop.value for drop in drops] == [{"speaker": f"meld/{speaker}"}] * 2


def test_a_chain_of_shared_speakers_and_videos_is_one_group(tmp_path: Path) -> None:
    # a -(video 1)- b -(speaker q)- c: a and c share nothing, and are on one side all the same.
    chain = both("a", speaker="p", origin="1") + both("b", speaker="q", origin="1") + both("c", speaker="q", origin="2")
    found = parts(chain + [row(f"x{i}") for i in range(6)], tmp_path, test=2, share=1)
    # The one consistent clip is a single x, the inconsistent one is of the chain, the only group with such clips.
    assert Counter(found[each["id"]] for each in chain) == {"test": 1, SHARES: 5}
    assert Counter(found.values()) == {"test": 2, SHARES: 5, "train": 5}


def test_a_speaker_and_a_video_of_the_same_name_are_two_things(tmp_path: Path) -> None:
    rows = both("a", speaker="7") + both("b", origin="7") + both("c", speaker="8")
    assert Counter(parts(rows, tmp_path, test=2).values()) == {"test": 2, "train": 4}


def test_a_source_that_hangs_together_stays_in_training(tmp_path: Path) -> None:
    rows = [each for i in range(10) for each in both(f"m{i}", speaker="meld/joey")]
    rows += [each for i in range(10) for each in both(f"r{i}", source="ravdess")]
    found = parts(rows, tmp_path, test=4)
    assert {part for name, part in found.items() if name[0] == "m"} == {"train"}
    assert Counter(found.values()) == {"test": 4, "train": 36}
    assert any("No clip of meld" in text for text in note(tmp_path)["notes"])


def test_fewer_clips_than_asked_for_still_make_equal_halves_and_it_is_said(tmp_path: Path) -> None:
    rows = [row(f"c{i}") for i in range(20)] + [row(f"i{i}", "inconsistent") for i in range(3)]
    found = parts(rows, tmp_path, test=10)
    # All three inconsistent clips, and as many consistent ones.
    assert Counter(name[0] for name, part in found.items() if part == "test") == {"c": 3, "i": 3}
    assert note(tmp_path)["notes"][0].startswith("The test set has 6 clips of the 10 asked for")


def test_groups_that_the_smaller_half_makes_needless_go_back_to_training(tmp_path: Path) -> None:
    rows = [row(f"c{i}", speaker=f"s{i}") for i in range(20)]
    assert set(parts(rows, tmp_path, test=10).values()) == {"train"}


def test_a_clip_of_its_sources_own_test_set_is_never_trained_on(tmp_path: Path) -> None:
    rows = [each for i in range(10) for each in both(f"o{i}", split="test")]
    rows += [each for i in range(10) for each in both(f"t{i}", split="train")]
    found = parts(rows, tmp_path, test=4)
    # They cost training nothing and are taken first.
    assert Counter((name[0], part) for name, part in found.items()) == {
        ("o", "test"): 4,
        ("o", OFFICIAL): 16,
        ("t", "train"): 20,
    }
    found = parts(rows, tmp_path, test=4, keep_official=False)
    assert Counter(found.values()) == {"test": 4, "train": 36}


def test_an_official_test_clip_that_shares_a_speaker_with_training_costs_training(tmp_path: Path) -> None:
    # The official clip's group holds 1 training clip, the others are smaller: the group is left alone.
    rows = [row("o", split="test", speaker="p"), row("t", speaker="p")] + [row(f"x{i}", split="test") for i in range(2)]
    rows += [row(f"y{i}", "inconsistent", split="test") for i in range(2)]
    found = parts(rows, tmp_path, test=4)
    assert found["o"] == OFFICIAL
    assert found["t"] == "train"


def test_clips_without_speaker_and_video_are_counted_as_a_risk(tmp_path: Path) -> None:
    rows = both("a") + both("b") + both("c", speaker="s") + both("d", origin="o")
    parts(rows, tmp_path, test=2)
    assert note(tmp_path)["alone"] == {"test": 2, "train": 2}


def of_video(video: str, *splits: str | None, source: str = "ch-sims-v2") -> list[Row]:
    """A consistent and an inconsistent clip of one video in each of these official splits; None is in none."""
    rows = []
    for number, split in enumerate(splits):
        known = {"split": split} if split else {}
        rows += both(f"{source}/{video}/{number}", source=source, origin=f"{source}/{video}", **known)
    return rows


def test_official_splits_that_share_videos_are_said_with_counts(tmp_path: Path) -> None:
    # Video a has 6 clips in train and in test, b and c have 2 each in one split.
    rows = of_video("a", "train", "train", "test") + of_video("b", "train") + of_video("c", "dev")
    # Of 6 of MELD, 4 are of one video in train and dev, and of 2 the video is not known. No video of mine is in two.
    rows += of_video("s01e01", "train", "dev", source="meld") + both("z", split="test")
    rows += of_video("x", "train", None, source="mine") + of_video("y", "test", source="mine")
    parts(rows, tmp_path, test=2)
    found = note(tmp_path)
    assert found["shared"] == [
        {"source": "ch-sims-v2", "clips": 10, "shared": 6, "test": 2},
        {"source": "meld", "clips": 6, "shared": 4, "test": 0},
    ]
    said = [text for text in found["notes"] if "official splits" in text]
    assert [text.partition(": ")[0] for text in said] == [
        "The official splits of ch-sims-v2 share videos",
        "The official splits of meld share videos",
    ]
    assert "6 of its 10 clips with an official split come from a video that is in several of them" in said[0]
    assert "and 2 of these 6 are official test clips" in said[0]
    assert "this split goes by video" in said[0] and "keep_official: false" in said[0]


def test_what_shares_a_video_is_on_one_side_whatever_the_official_splits_say(tmp_path: Path) -> None:
    rows = [each for video in "abcdefgh" for each in of_video(video, "train", "test")]
    found = parts(rows, tmp_path, test=4)
    sides = {side: {name.split("/")[1] for name, part in found.items() if part == side} for side in ("test", "train")}
    assert sides["test"] and sides["train"] and not sides["test"] & sides["train"]


def test_notes_are_read_back_for_the_log(tmp_path: Path) -> None:
    assert notes(tmp_path) == []
    parts(of_video("a", "train", "test"), tmp_path, test=2)
    assert notes(tmp_path) == note(tmp_path)["notes"] != []


def test_no_rows_make_no_split(tmp_path: Path) -> None:
    assert parts([], tmp_path) == {}


def test_a_clip_whose_consistency_nobody_looked_at_stops_the_run(tmp_path: Path) -> None:
    clip = row("a")
    del clip["consistency"]
    with pytest.raises(InputError, match="^a: consistency: is None"):
        parts([clip], tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("test", 7), ("test", 0), ("test", "many"), ("test", True), ("seed", 0.5), ("keep_official", "no"), ("share", 0)],
)
def test_a_wrong_setting_is_named(key: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^recipe: split\.{key}: is "):
        Split(**{key: value})


def test_even_shares_go_up_to_what_there_is() -> None:
    assert fill({"a": 1, "b": 9, "c": 9}, 8) == {"a": 1, "b": 4, "c": 3}
    assert fill({"a": 1, "b": 2}, 8) == {"a": 1, "b": 2}
    assert fill({}, 8) == {}


CLIPS = st.lists(
    st.tuples(
        st.sampled_from(("consistent", "inconsistent")),
        st.sampled_from(("zh", "en")),
        st.sampled_from(("meld", "mer25", "mead")),
        st.one_of(st.none(), st.integers(0, 8)),
        st.one_of(st.none(), st.integers(0, 8)),
        st.sampled_from((None, "train", "test")),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    clips=CLIPS, test=st.integers(1, 12).map(lambda n: 2 * n), share=st.sampled_from((0.1, 0.5, 1)), order=st.randoms()
)
def test_the_promises_hold_for_any_clips(
    clips: list[Any], test: int, share: float, order: random.Random, tmp_path: Path
) -> None:
    rows = []
    for number, (consistency, language, source, speaker, origin, official) in enumerate(clips):
        known = {"speaker": speaker, "origin": origin, "split": official}
        known = {
            key: f"{source}/{value}" if key != "split" else value for key, value in known.items() if value is not None
        }
        rows.append(row(f"clip{number}", consistency, source, language, **known))
    found = parts(rows, tmp_path, test=test, share=share)
    assert list(found) == [each["id"] for each in rows]
    sides = {part: [each for each in rows if found[each["id"]] == part] for part in ("test", "train")}
    for key in ("speaker", "origin"):
        seen = [{each[key] for each in sides[part] if key in each} for part in sides]
        assert not seen[0] & seen[1]
    halves = Counter(each["consistency"] for each in sides["test"])
    assert halves["consistent"] == halves["inconsistent"] <= test // 2
    assert not [each for each in sides["train"] if each.get("split") == "test"]
    for source in {each["source"] for each in rows}:
        trainable = [each for each in rows if each["source"] == source and each.get("split") != "test"]
        left = [each for each in sides["train"] if each["source"] == source]
        assert len(trainable) - len(left) <= share * len(trainable)
    shuffled = order.sample(rows, len(rows))
    assert parts(shuffled, tmp_path, test=test, share=share) == found

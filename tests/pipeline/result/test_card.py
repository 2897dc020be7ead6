"""The dataset card says what is in the dataset, what was left out, and how it was made."""

import json
from pathlib import Path
from typing import Any

import yaml

from swift_saber.pipeline.result.card import card
from swift_saber.pipeline.result.instructions import write_instructions
from swift_saber.pipeline.result.survey import survey
from tests.pipeline.result.run_folder import RECORD, clip, drop, write_run


def card_of(folder: Path) -> str:
    return card(survey(folder), write_instructions(folder))


def full_run(folder: Path) -> Path:
    a = clip("a", labels={"emotion": "happy"}, consistency="consistent", part="train", **RECORD)
    b = clip("b", "mer25", "zh", consistency="inconsistent", part="test", **RECORD)
    c = clip("c", "mer25", "zh")
    run: dict[str, Any] = {
        "recipe": {"clean": {"longest": 30}, "annotate": {"model": "some-omni"}},
        "versions": {"swift-saber": "0.1.0"},
        "prompts": {"annotate.zh": "0f3a"},
        "skipped": {"meld": {"no such video": 3}},
        "usage": {"annotate": {"requests": 1234}},
    }
    write_run(folder, {"manifest": ([a, b, c], []), "split": ([a, b], [drop(c, "mute | <b>", 1)])}, **run)
    note = {"train": 1, "test": 1, "groups": {"all": 2, "test": 1}, "notes": ["It fell short."]}
    note["strata"] = [{"language": "zh", "source": "mer25", "consistent": 0, "inconsistent": 1}]
    (folder / "split" / "split.json").write_text(json.dumps(note))
    return folder


def test_a_hub_can_read_its_head(tmp_path: Path) -> None:
    head = yaml.safe_load(card_of(full_run(tmp_path)).split("---\n")[1])
    assert head["language"] == ["en", "zh"]
    assert head["size_categories"] == ["n<1K"]
    assert head["configs"][0]["data_files"] == [
        {"split": "train", "path": "train.jsonl"},
        {"split": "test", "path": "test.jsonl"},
    ]
    assert "license" not in head


def test_it_counts_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    card = card_of(full_run(tmp_path))
    assert "2 of 3 clips went through all stages" in card
    assert "| mer25 | 2 | 1 |" in card
    assert "| meld | 1 | 1 |" in card
    assert "| meld | no such video | 3 |" in card
    assert "| zh | mer25 | 0 | 1 |" in card
    assert "- It fell short." in card


def test_it_does_not_say_that_nothing_was_left_out_where_readers_left_something_out(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([clip("a")], []), "clean": ([clip("a")], [])}, skipped={"meld": {"empty": 1}})
    assert "No stage dropped a clip.\n\nWhat the readers" in card_of(tmp_path)


def test_what_readers_noted_is_said_with_examples(tmp_path: Path) -> None:
    noted = {"meld": {"split without any video": 1}, "memor": {"no sample": 1234}}
    examples = {
        "meld": {"no such video": ["dia0_utt0"], "split without any video": ["dev"]},
        "memor": {"no sample": ["S01E01_000", "S01E01_001", "S01E01_002", "S01E01_003"]},
    }
    write_run(
        tmp_path,
        {"manifest": ([clip("a")], []), "clean": ([clip("a")], [])},
        skipped={"meld": {"no such video": 1}},
        noted=noted,
        examples=examples,
    )
    card = card_of(tmp_path)
    assert "| meld | no such video | 1 | dia0\\_utt0 |" in card
    assert "| meld | split without any video | 1 | dev |" in card
    # Three of them stand for all.
    assert "| memor | no sample | 1,234 | S01E01\\_000, S01E01\\_001, S01E01\\_002, ... |" in card


def test_emotions_beyond_the_common_ones_are_counted_under_their_own_word(tmp_path: Path) -> None:
    labels: list[dict[str, Any]] = [
        {"emotion": "happy"},
        {"emotion": "happy", "own_emotions": ["serenity"]},
        {"own_emotions": ["calm"]},
        {"own_emotions": ["anticipation", "serenity"]},
        {"own_emotions": "no list"},
        {},
    ]
    rows = [clip(str(number), labels=each) for number, each in enumerate(labels)]
    write_run(tmp_path, {"manifest": (rows, []), "clean": (rows[1:], [drop(rows[0], "mute")])})
    card = card_of(tmp_path)
    section = card.partition("## By emotion")[2].partition("##")[0]
    counts = {tuple(line.strip("| ").split(" | ")) for line in section.splitlines() if line.startswith("| ")}
    assert counts == {
        ("emotion", "clips read", "clips kept"),
        ("happy", "2", "1"),
        ("serenity", "2", "2"),
        ("calm", "1", "1"),
        ("anticipation", "1", "1"),
    }
    assert "A clip may have several; these are the sources' own words: anticipation, calm, serenity." in section


def test_a_common_emotion_by_another_of_its_names_is_no_word_of_a_source(tmp_path: Path) -> None:
    rows = [clip(name, labels={"emotion": name}) for name in ("happy", "Joy", "高兴")]
    write_run(tmp_path, {"manifest": (rows, []), "clean": (rows, [])})
    section = card_of(tmp_path).partition("## By emotion")[2].partition("##")[0]
    assert "| happy | 3 | 3 |" in section and "own words" not in section


def test_no_word_of_a_source_takes_the_place_of_a_common_emotion(tmp_path: Path) -> None:
    rows = [clip(f"{n}", labels={"own_emotions": [f"word {n:03}"]}) for n in range(200)]
    rows.append(clip("last", labels={"emotion": "sad"}))
    write_run(tmp_path, {"manifest": (rows, []), "clean": (rows, [])})
    card = card_of(tmp_path)
    # 60 values are told apart, and the common ones in any case.
    assert "| sad | 1 | 1 |" in card
    assert "| (other) | 140 | 140 |" in card


def test_it_says_how_it_was_made(tmp_path: Path) -> None:
    card = card_of(full_run(tmp_path))
    for line in ("| clean.longest | 30 |", "| annotate.model | some-omni |", "| annotate.zh | 0f3a |"):
        assert line in card
    assert "| swift-saber | 0.1.0 |" in card
    assert "| annotate.requests | 1234 |" in card


def test_markup_in_data_is_text(tmp_path: Path) -> None:
    assert "| split | mute \\| &lt;b&gt; | 1 | 3 |" in card_of(full_run(tmp_path))


def test_dollars_in_data_are_no_formula(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([clip("a")], []), "clean": ([], [drop(clip("a"), "$5 or $6")])})
    assert "| clean | \\$5 or \\$6 | 1 | 1 |" in card_of(tmp_path)


def test_it_says_where_the_sound_is(tmp_path: Path) -> None:
    inside, own = clip("a", **RECORD), clip("b", **RECORD) | {"audios": ["b.wav"]}
    write_run(tmp_path / "inside", {"manifest": ([inside], []), "visual": ([inside], [])})
    assert "USE_AUDIO_IN_VIDEO=1" in card_of(tmp_path / "inside")
    write_run(tmp_path / "own", {"manifest": ([own], []), "visual": ([own], [])})
    assert "inside the video" not in card_of(tmp_path / "own")
    write_run(tmp_path / "both", {"manifest": ([inside, own], []), "visual": ([inside, own], [])})
    assert "The sound of 1 clips is inside the video, that of 1 in a file of its own" in card_of(tmp_path / "both")


def test_a_run_that_left_nothing_has_a_card_without_files(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([clip("a")], []), "annotate": ([], [drop(clip("a"), "no record")])})
    card = card_of(tmp_path)
    assert "0 of 1 clips" in card
    assert "configs" not in card


def test_a_run_that_is_not_at_its_end_says_so(tmp_path: Path) -> None:
    write_run(tmp_path, {"manifest": ([clip("a"), clip("b")], []), "clean": ([clip("a")], [])})
    assert "**Not finished:** 1 clips wait in the stage `clean`." in card_of(tmp_path)

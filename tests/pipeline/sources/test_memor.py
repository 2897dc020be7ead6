"""The MEmoR reader on a small folder laid out as the dataset."""

import json
from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source, open_source
from tests.pipeline.sources.layout import put, put_all, put_pointer, put_text


def _entry(*sentences: str, **others: Any) -> dict[str, Any]:
    count = len(sentences)
    return {
        "seg_start": [float(i) for i in range(count)],
        "seg_end": [i + 0.9 for i in range(count)],
        "seg_utt": [1 if text else 2 for text in sentences],
        "sentences": list(sentences),
        "season": 1,
        "episode": 1,
        "start": 10.0,
        "end": 12.0,
    } | others


SAMPLES = [  # clip, moment, character, primary, fine
    ("S01E01_000", 0, "sheldon", "joy", "serenity"),
    ("S01E01_000", 1, "penny", "joy", "joy"),
    ("S01E01_001", 0, "leonard", "anger", "annoyance"),
    ("S01E01_001", 0, "penny", "fear", "fear"),
    ("S01E02_000", 0, "others", "trust", "trust"),
]


def _samples(samples: list[tuple[str, int, str, str, str]]) -> dict[str, Any]:
    items = [{"clip": clip, "moment": moment, "character": who} for clip, moment, who, _, _ in samples]
    return {
        key: [{**item, "emotion": sample[place]} for item, sample in zip(items, samples, strict=True)]
        for key, place in (("primary", 3), ("fine_grained", 4))
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    clips = {
        "S01E01_000": _entry("Hello. ", "", "I know."),
        "S01E01_001": _entry(""),
        "S01E02_000": _entry("Bye.", episode=2),
    }
    put_text(tmp_path / "data.json", json.dumps(clips))
    put_text(tmp_path / "anno.json", json.dumps(_samples(SAMPLES)))
    put_text(tmp_path / "train_id.txt", "0\n1\n2\n")
    put_text(tmp_path / "test_id.txt", "4\n")
    put_all(tmp_path / "videos", ["S01E01_000.mp4", "S01E01_001.mkv", "S01E02_000.mp4"])
    return tmp_path


def _read(folder: Path) -> tuple[dict[str, Clip], Source]:
    source = open_source("memor", folder)
    return {clip.id: clip for clip in source.clips()}, source


def test_an_apostrophe_that_is_escaped_as_a_control_is_one(folder: Path) -> None:
    put_text(folder / "data.json", json.dumps({"S01E01_000": _entry("It\x92s late.")}))  # as \\u0092
    assert _read(folder)[0]["memor/S01E01/S01E01_000"].transcript == "It’s late."


def test_a_clip_has_all_its_samples(folder: Path) -> None:
    clips, source = _read(folder)
    assert list(clips) == ["memor/S01E01/S01E01_000", "memor/S01E01/S01E01_001", "memor/S01E02/S01E02_000"]
    clip = clips["memor/S01E01/S01E01_000"]
    assert clip.labels == {
        "samples": [
            {"character": "sheldon", "moment": 0, "emotion": "joy", "fine_grained": "serenity"},
            {"character": "penny", "moment": 1, "emotion": "joy", "fine_grained": "joy"},
        ],
        "own_emotions": ["serenity"],
    }
    assert (clip.transcript, clip.language, clip.origin) == ("Hello. I know.", "en", "memor/S01E01")
    assert (clip.audio, clip.speaker) == (None, None)  # the characters' numbers are not settled
    assert not source.skipped and not source.noted


def test_the_common_emotion_is_that_of_all_samples(folder: Path) -> None:
    clips, _ = _read(folder)
    # joy and joy; anger and fear; trust, which is no common emotion
    assert [clip.emotion for clip in clips.values()] == ["happy", None, None]


def test_all_emotions_of_a_clip_are_kept_where_no_common_one_is_all_of_it(folder: Path) -> None:
    clips, _ = _read(folder)
    # Of the fourteen, "serenity" is beside the common joy. Anger and fear are two common ones, and "annoyance" is of
    # the fourteen: alone it would look like the clip's one emotion. "trust" is that, in both lists.
    assert [clip.labels.get("own_emotions") for clip in clips.values()] == [
        ["serenity"],
        ["angry", "annoyance", "fear"],
        ["trust"],
    ]


def test_samples_that_disagree_on_common_emotions_are_several(folder: Path) -> None:
    put_text(folder / "anno.json", json.dumps(_samples([(*sample[:4], sample[3]) for sample in SAMPLES])))
    clips, _ = _read(folder)
    assert [clip.labels.get("own_emotions") for clip in clips.values()] == [None, ["angry", "fear"], ["trust"]]


def test_crops_beside_the_videos_take_no_place_of_theirs(folder: Path) -> None:
    put_all(folder / "videos", ["FaceCrops/S01E01_000.mp4", "openface/S01E02_000.avi"])
    clips, source = _read(folder)
    assert [Path(clip.video).parent for clip in clips.values()] == [folder / "videos"] * 3
    assert not source.noted


def test_a_clip_with_samples_in_both_splits_is_one_to_test_on(folder: Path) -> None:
    # Samples 2 and 3 are of one clip: trained on, it would have been seen when sample 3 is tested.
    put_text(folder / "test_id.txt", "3\n4\n")
    clips, source = _read(folder)
    assert [clip.split for clip in clips.values()] == ["train", "test", "test"]
    assert source.noted == {"samples in train and in test: taken for test": 1}
    assert source.examples["samples in train and in test: taken for test"] == ["S01E01_001"]


@pytest.mark.parametrize(("season", "episode"), [(1.0, 2.0), ("1.0", "2.0"), ("01", " 2"), (1, 2)])
def test_a_season_is_a_number_however_it_is_written(folder: Path, season: Any, episode: Any) -> None:
    clips = json.loads((folder / "data.json").read_text())
    clips["S01E02_000"] |= {"season": season, "episode": episode}
    put_text(folder / "data.json", json.dumps(clips))
    assert _read(folder)[0]["memor/S01E02/S01E02_000"].origin == "memor/S01E02"


def test_irregularities_are_counted(folder: Path) -> None:
    clips = json.loads((folder / "data.json").read_text())
    clips["S01E02_000"] |= {"seg_start": [5.0], "seg_end": [4.0]}
    clips["S01E03_000"] = _entry("Alone.", episode=3)
    clips["S01E03_001"] = _entry("Gone.", episode=3)
    put_text(folder / "data.json", json.dumps(clips))
    put_text(folder / "anno.json", json.dumps(_samples([*SAMPLES, ("S09E01_000", 0, "amy", "joy", "joy")])))
    put_all(folder / "videos", ["S01E03_000.mp4", "S01E01_000.avi", "S07E01_000.mp4"])
    (folder / "test_id.txt").unlink()
    clips, source = _read(folder)
    assert clips["memor/S01E03/S01E03_000"].labels == {}
    assert source.skipped == {
        "video missing": 1,
        "video without row": 1,
        "sample of a clip that data.json has not": 1,
    }
    assert source.noted == {
        "a segment ends before it starts": 1,
        "no sample": 1,
        "several videos of one name: the first is taken": 1,
        "official split missing": 1,
    }


ODD_ENTRIES = [
    ([], "entry of data.json is no object"),
    (_entry("x", season="one"), "season or episode is no number"),
    (_entry("x", episode=1.5), "season or episode is no number"),
    (_entry("x", season=True), "season or episode is no number"),
    (_entry("x") | {"sentences": "x"}, "sentences are no list of texts"),
    (_entry("x") | {"sentences": ["x", 1]}, "sentences are no list of texts"),
]


@pytest.mark.parametrize(("entry", "reason"), ODD_ENTRIES)
def test_an_odd_entry_costs_itself_alone(folder: Path, entry: Any, reason: str) -> None:
    clips = json.loads((folder / "data.json").read_text())
    clips["S01E01_001"] = entry
    put_text(folder / "data.json", json.dumps(clips))
    read, source = _read(folder)
    assert list(read) == ["memor/S01E01/S01E01_000", "memor/S01E02/S01E02_000"]
    assert (source.skipped, source.examples) == ({reason: 1}, {reason: ["S01E01_001"]})


def test_odd_times_of_segments_and_sentences_without_words_cost_no_clip(folder: Path) -> None:
    clips = json.loads((folder / "data.json").read_text())
    clips["S01E01_000"] |= {"seg_start": ["0"], "sentences": [None, "Hello."]}
    clips["S01E01_001"] |= {"seg_end": None}
    put_text(folder / "data.json", json.dumps(clips))
    read, source = _read(folder)
    assert len(read) == 3 and read["memor/S01E01/S01E01_000"].transcript == "Hello."
    assert (source.skipped, source.noted) == ({}, {"times of segments are no numbers": 2})


def test_an_odd_sample_costs_itself_and_moves_no_other(folder: Path) -> None:
    annotated = _samples(SAMPLES)
    annotated["primary"][0] = 1
    annotated["primary"][2] |= {"emotion": None}
    annotated["primary"].append(annotated["primary"][4] | {"emotion": " "})
    annotated["fine_grained"][1] = {"clip": "S01E01_000"}
    put_text(folder / "anno.json", json.dumps(annotated))
    put_text(folder / "train_id.txt", "0\n1\n5\n-1\nx\n3.0\n")
    clips, source = _read(folder)
    # Sample 0 is gone; 1 has no fine emotion; 2 and 3 are of one clip, of which 3 is left; 4 is in test_id.txt.
    assert [clip.labels.get("samples") for clip in clips.values()] == [
        [{"character": "penny", "moment": 1, "emotion": "joy", "fine_grained": None}],
        [{"character": "penny", "moment": 0, "emotion": "fear", "fine_grained": "fear"}],
        [{"character": "others", "moment": 0, "emotion": "trust", "fine_grained": "trust"}],
    ]
    assert [clip.split for clip in clips.values()] == ["train", "train", "test"]
    assert source.skipped == {"sample without its clip or emotion": 4}
    assert source.noted == {"number of no sample": 4}  # 0 and 5, whose samples are odd; -1 and x, which are none
    assert source.examples["number of no sample"] == [f"train_id.txt: {text}" for text in ("0", "5", "-1", "x")]


def test_a_file_of_odd_entries_alone_is_no_dataset(folder: Path) -> None:
    put_text(folder / "data.json", json.dumps(dict.fromkeys(("S01E01_000", "S01E01_001", "S01E02_000"), 1)))
    with pytest.raises(InputError, match="holds no clip of MEmoR that can be used .*3 x entry of data.json is no obj"):
        _read(folder)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("data.json", '{"S01E01_000": {"seg_st', "data.json:1: JSON"),
        ("data.json", "[]", "data.json: file: is a list, not an object"),
        ("anno.json", '{"primary": 1}', "anno.json: primary: is no list"),
        ("anno.json", '{"primary": [], "fine": []}', "anno.json: fine_grained: is no list"),
    ],
)
def test_a_damaged_file_is_named(folder: Path, name: str, text: str, message: str) -> None:
    put_text(folder / name, text)
    with pytest.raises(InputError, match=message):
        _read(folder)


@pytest.mark.parametrize("missing", ["data.json", "anno.json", "videos"])
def test_another_folder_is_refused(folder: Path, missing: str) -> None:
    (folder / missing).rename(folder / "elsewhere")
    with pytest.raises(InputError, match=f"{missing} is not there"):
        _read(folder)


def test_a_video_is_needed(folder: Path) -> None:
    for path in (folder / "videos").iterdir():
        path.unlink()
    put(folder / "videos/.S01E01_000.mp4")
    with pytest.raises(InputError, match="3 x video missing"):
        _read(folder)


def test_files_in_another_encoding_are_read_and_pointers_to_them_named(folder: Path) -> None:
    clips = (folder / "data.json").read_text()
    put_text(folder / "data.json", clips.replace("Hello.", "你好。"), "utf-16")
    put_text(folder / "test_id.txt", "4\n", "utf-16")
    first, *_, last = open_source("memor", folder, encoding="utf-16").clips()
    assert first.transcript == "你好。 I know." and last.split == "test"
    put_pointer(folder / "data.json")
    with pytest.raises(InputError, match=r"data.json: file: is a git-LFS pointer; fetch the file itself"):
        list(open_source("memor", folder).clips())

"""The MC-EIU reader on a small folder laid out as the English part of its release."""

from pathlib import Path
from typing import Any

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import Source, open_source
from tests.pipeline.sources.layout import put, put_all, put_table, put_text

HEADER = (
    *("Sr_No", "Subtitle", "Script", "Dia_No", "Utt_No", "video_name", "Season", "Episode"),
    *("Begin_timestamp", "End_timestamp", "emotion", "intent", "speaker"),
)


def _row(dialogue: Any, utterance: Any, **others: Any) -> dict[str, Any]:
    return {
        "Sr_No": "1",
        "Subtitle": f"Line {dialogue}.{utterance}.",
        "Script": "Somebody: a line",
        "Dia_No": dialogue,
        "Utt_No": utterance,
        "video_name": "摩登家庭",
        "Season": "1",
        "Episode": "2",
        "Begin_timestamp": "61.5",
        "End_timestamp": "63",
        "emotion": "happy",
        "intent": "agreeing",
        "speaker": "0",
    } | others


ROWS = [
    _row(0, 0),
    _row(0, 1, speaker="1", emotion="anger", intent="sympathizing"),
    _row(7, 0, video_name="老友记", Begin_timestamp="00:01:01,500", End_timestamp="0:01:03", Season="10", Episode="17"),
    _row(9, 3, video_name="生活大爆炸"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put_table(tmp_path / "EnglishDialogues.csv", HEADER, ROWS)
    put_all(tmp_path / "English_Dialogues_1", ["dia_0_utt_0.mp4", "dia_0_utt_1.mp4"])
    put(tmp_path / "English_Dialogues_2/English_Dialogues_2/dia_7_utt_0.mp4")
    put(tmp_path / "English_Dialogues_3/dia_9_utt_3.mp4")
    return tmp_path


def _read(folder: Path) -> tuple[dict[str, Clip], Source]:
    source = open_source("mc-eiu", folder)
    return {clip.id: clip for clip in source.clips()}, source


def test_an_utterance_is_read_from_its_row(folder: Path) -> None:
    clips, source = _read(folder)
    assert clips["mc-eiu/english/dia_0_utt_1"] == Clip(
        id="mc-eiu/english/dia_0_utt_1",
        source="mc-eiu",
        language="en",
        video=str(folder / "English_Dialogues_1/dia_0_utt_1.mp4"),
        transcript="Line 0.1.",
        labels={
            "native_emotion": "anger",
            "intent": "sympathizing",
            "series": "Modern Family",
            "speaker": "1",
            "begin": 61.5,
            "end": 63.0,
        },
        emotion="angry",
        # Speaker 1 of one dialogue is another person than speaker 1 of the next: only the episode joins clips.
        origin="mc-eiu/Modern Family/S01E02",
    )
    assert list(clips) == [f"mc-eiu/english/dia_{name}" for name in ("0_utt_0", "0_utt_1", "7_utt_0", "9_utt_3")]
    assert not source.skipped


def test_scenes_that_other_datasets_have_too_are_noted(folder: Path) -> None:
    _, source = _read(folder)
    assert source.noted == {"of Friends, as all of MELD": 1, "of The Big Bang Theory, as all of MEmoR": 1}
    assert source.examples["of Friends, as all of MELD"] == ["dia_7_utt_0"]


def test_a_time_is_seconds_or_hours_minutes_and_seconds(folder: Path) -> None:
    # 1 min 1.5 s and 1 min 3 s
    clip = _read(folder)[0]["mc-eiu/english/dia_7_utt_0"]
    assert (clip.labels["begin"], clip.labels["end"], clip.origin) == (61.5, 63.0, "mc-eiu/Friends/S10E17")


@pytest.mark.parametrize(
    ("times", "seconds", "oddity"),
    [
        (("1:02:03.25", "1:02:04,5"), (3723.25, 3724.5), None),
        (("02:03", "123"), (123.0, 123.0), None),
        (("soon", "63"), (None, 63.0), "time is no time"),
        (("nan", "inf"), (None, None), "time is no time"),
        (("", ""), (None, None), None),
        (("9", "8.5"), (9.0, 8.5), "ends before it begins"),
    ],
)
def test_odd_times_cost_no_clip(folder: Path, times: Any, seconds: Any, oddity: str | None) -> None:
    put_table(folder / "EnglishDialogues.csv", HEADER, [_row(0, 0, Begin_timestamp=times[0], End_timestamp=times[1])])
    clips, source = _read(folder)
    labels = clips["mc-eiu/english/dia_0_utt_0"].labels
    assert (labels.get("begin"), labels.get("end")) == seconds
    assert source.noted.keys() == ({oddity} if oddity else set())


def test_numbers_may_be_floats_and_an_unknown_series_keeps_its_title(folder: Path) -> None:
    put_table(folder / "EnglishDialogues.csv", HEADER, [_row("0.0", "1.0", Season="1.0", Episode="S2", video_name="X")])
    [clip] = _read(folder)[0].values()
    assert (clip.id, clip.labels["series"]) == ("mc-eiu/english/dia_0_utt_1", "X")
    assert clip.origin == "mc-eiu/X/1.0 S2"


def test_without_season_and_episode_the_dialogue_is_the_origin(folder: Path) -> None:
    put_table(folder / "EnglishDialogues.csv", HEADER, [_row(0, 0, Season="", Episode=""), _row(0, 1, Episode="")])
    clips, _ = _read(folder)
    assert {clip.origin for clip in clips.values()} == {"mc-eiu/Modern Family/dia_0"}


def test_irregularities_are_counted(folder: Path) -> None:
    rows = [*ROWS, _row(0, 0), _row("x", 0), _row(1, 0), _row(1, 1)]
    put_table(folder / "EnglishDialogues.csv", HEADER, rows)
    (folder / "English_Dialogues_1/dia_0_utt_0.mp4").write_bytes(b"")
    put_all(folder, ["English_Dialogues_1/dia_5_utt_5.mp4", "English_Dialogues_1/intro.mp4"])
    put_all(folder, ["English_Dialogues_1/dia_1_utt_1.mp4", "English_Dialogues_2/dia_1_utt_1.mp4"])
    _, source = _read(folder)
    assert source.skipped == {
        "video empty": 1,
        "row twice": 1,
        "row without its numbers": 1,
        "video missing": 1,
        "several videos of one name": 1,
        "video without row": 1,
        "name not of this dataset": 1,
    }


def test_crops_beside_the_videos_take_no_place_of_theirs(folder: Path) -> None:
    put(folder / "English_Dialogues_1/faces/dia_0_utt_0.mp4")
    clips, _ = _read(folder)
    assert clips["mc-eiu/english/dia_0_utt_0"].video == str(folder / "English_Dialogues_1/dia_0_utt_0.mp4")


def test_the_mandarin_part_is_not_taken_for_the_english(folder: Path) -> None:
    """What it is called was not found; its clips may bear the same names."""
    put_table(folder / "MandarinDialogues.csv", ("Dia_No",), [("0",)])
    put_all(folder, ["Mandarin_Dialogues/dia_0_utt_0.mp4", "ChineseDialogues_1/a/dia_0_utt_1.mp4"])
    clips, source = _read(folder)
    assert len(clips) == 4 and all("English_Dialogues_" in clip.video for clip in clips.values())
    assert source.noted["table of a form that is not known: not read"] == 1
    assert source.skipped == {"video of the Mandarin part, which is not read": 2}


def test_archives_that_are_not_unpacked_are_named(folder: Path) -> None:
    put_table(folder / "EnglishDialogues.csv", HEADER, [*ROWS, _row(12, 0)])
    for name in ("English_Dialogues_1.zip", "English_Dialogues_4.rar"):
        put_text(folder / name, "only its name counts")
    _, source = _read(folder)
    assert source.examples["archive not unpacked"] == [str(folder / "English_Dialogues_4.rar")]


@pytest.mark.parametrize(("missing", "message"), [("EnglishDialogues.csv", "EnglishDialogues.csv"), ("", "unpacked")])
def test_another_folder_is_refused(folder: Path, missing: str, message: str) -> None:
    for path in folder.rglob(missing or "*.mp4"):
        path.unlink()
    with pytest.raises(InputError, match=rf"is no folder of MC-EIU: .*{message}.* is not there"):
        _read(folder)

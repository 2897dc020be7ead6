from pathlib import Path

import pytest

from swift_saber.errors import InputError
from swift_saber.pipeline.clip import Clip
from swift_saber.pipeline.sources.base import open_source
from swift_saber.pipeline.sources.msp_improv import MspImprov
from tests.pipeline.sources.layout import put, put_all, put_text

TURN = "MSP-IMPROV-S01A-F01-P-FM01"


def put_turn(folder: Path, *names: str) -> None:
    for name in names:
        _, _, sentence, actor, scenario, _ = name.split("-")
        place = folder / f"session{actor[-1]}" / sentence / scenario
        put_all(place, [f"{name}.avi", f"{name}.wav"])


def evaluation(name: str, letter: str, *raters: str, means: str = "A:3.0; V:3.5; D:3.0 ; N:4.2;") -> str:
    head = f"{name.replace('MSP', 'UTD', 1)}.avi; {letter}; {means}"
    return "\n".join([head, *(f"{rater}; Neutral; ,; A:3; V:3; D:3; N:4;" for rater in raters)]) + "\n\n"


def test_a_turn_has_its_sound_text_scenario_and_the_raters_majority(tmp_path: Path) -> None:
    put_turn(tmp_path, TURN)
    lines = ["ann; Happy; Excited,Happy,; A:2.0; V:4.0; D:3.0; N:4.0;", "bob; Neutral; ,; A:4.0; V:3.0; D:3.0; N:4.4;"]
    lines += ["cy; Happy; ,; A:3.0; V:3.5; D:3.0; N:4.2;", lines[0]]  # one rater twice, as it happens in the file
    text = evaluation(TURN, "H").rstrip() + "\r\n" + "\r\n".join(lines) + "\r\n"
    put_text(tmp_path / "Evaluation.txt", text)
    put_text(tmp_path / "Text" / f"{TURN}.txt", "How can\r\nI not?\r\n")
    source = MspImprov(tmp_path)
    assert list(source.clips()) == [
        Clip(
            id=f"msp-improv/session1/{TURN}",
            source="msp-improv",
            language="en",
            video=str(tmp_path / "session1" / "S01A" / "P" / f"{TURN}.avi"),
            audio=str(tmp_path / "session1" / "S01A" / "P" / f"{TURN}.wav"),
            transcript="How can I not?",
            labels={
                "written_for": "angry",
                "scenario": "natural",
                "majority": "H",
                "activation": 3.0,
                "valence": 3.5,
                "dominance": 3.0,
                "naturalness": 4.2,
                "votes": {"Happy": 2, "Neutral": 1},
            },
            emotion="happy",
            speaker="msp-improv/F01",
            origin="msp-improv/session1",
        )
    ]
    assert not source.skipped and not source.noted


def test_the_emotion_is_what_raters_heard_and_not_what_the_scenario_was_written_for(tmp_path: Path) -> None:
    names = [f"MSP-IMPROV-S02S-M06-S-MF0{number}" for number in range(1, 5)]
    put_turn(tmp_path, *names)
    texts = [evaluation(name, letter) for name, letter in zip(names, "NOX", strict=False)]
    put_text(tmp_path / "Evalution.txt", "".join(texts))
    source = MspImprov(tmp_path)
    clips = list(source.clips())
    assert [clip.emotion for clip in clips] == ["neutral", None, None, None]
    assert [clip.labels.get("majority") for clip in clips] == ["N", "O", "X", None]
    assert {clip.labels["written_for"] for clip in clips} == {"sad"}
    assert source.noted == {"no evaluation": 1}


def test_a_mean_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    put_turn(tmp_path, TURN)
    put_text(tmp_path / "Evaluation.txt", evaluation(TURN, "A", means="A:NaN; V:2.0; D:x ; N:inf;"))
    [clip] = MspImprov(tmp_path).clips()
    assert clip.labels == {"written_for": "angry", "scenario": "natural", "majority": "A", "valence": 2.0}


@pytest.mark.parametrize("mean", ["inf", "-inf", "Infinity", "nan", "1e999"])
def test_activation_is_a_finite_number_or_none(tmp_path: Path, mean: str) -> None:
    put_turn(tmp_path, TURN)
    put_text(tmp_path / "Evaluation.txt", evaluation(TURN, "N", means=f"A:{mean}; V:2.0; D:3.0 ; N:4.0;"))
    [clip] = MspImprov(tmp_path).clips()
    assert "activation" not in clip.labels and clip.labels["valence"] == 2.0


def test_transcripts_in_another_encoding_are_read_where_it_is_said(tmp_path: Path) -> None:
    put_turn(tmp_path, TURN)
    put_text(tmp_path / "Evaluation.txt", evaluation(TURN, "N", "Zoë"), "cp1252")
    put_text(tmp_path / "Text" / f"{TURN}.txt", "I’d go to\r\nthe café.", "cp1252")
    source = open_source("msp-improv", tmp_path, encoding="cp1252")
    assert [(clip.transcript, clip.emotion) for clip in source.clips()] == [("I’d go to the café.", "neutral")]
    assert not source.noted


def test_crops_of_a_turn_and_archives_beside_it_are_what_they_are(tmp_path: Path) -> None:
    put_turn(tmp_path, TURN)
    put_all(tmp_path, [f"FaceCrops/{TURN}.avi"])
    put_text(tmp_path / "Evaluation.txt", evaluation(TURN, "N"))
    put_text(tmp_path / "session2.tar.gz", "packed")
    source = MspImprov(tmp_path)
    assert [clip.video for clip in source.clips()] == [str(tmp_path / f"session1/S01A/P/{TURN}.avi")]
    assert source.skipped == {"in a folder of crops or features": 1}
    assert source.examples["archive beside the clips: is all of it unpacked?"] == [str(tmp_path / "session2.tar.gz")]


def test_each_turn_has_the_votes_of_its_own_raters(tmp_path: Path) -> None:
    second = TURN.replace("FM01", "FM02")
    put_turn(tmp_path, TURN, second)
    put_text(tmp_path / "Evaluation.txt", evaluation(TURN, "N", "ann", "bob") + evaluation(second, "N", "ann"))
    assert [clip.labels["votes"] for clip in MspImprov(tmp_path).clips()] == [{"Neutral": 2}, {"Neutral": 1}]


def test_both_speakers_of_a_turn_number_are_clips(tmp_path: Path) -> None:
    put_turn(tmp_path, TURN, TURN.replace("F01-P", "M01-P"))
    assert [clip.speaker for clip in MspImprov(tmp_path).clips()] == ["msp-improv/F01", "msp-improv/M01"]


def test_video_and_sound_may_lie_in_trees_of_their_own(tmp_path: Path) -> None:
    put_all(tmp_path, [f"Video/session1/S01A/P/{TURN}.avi", f"Audio/session1/S01A/P/{TURN}.wav"])
    [clip] = MspImprov(tmp_path).clips()
    assert clip.audio == str(tmp_path / f"Audio/session1/S01A/P/{TURN}.wav")


def test_what_does_not_match_is_counted(tmp_path: Path) -> None:
    second, third, fourth = (TURN.replace("FM01", f"FM0{number}") for number in (2, 3, 4))
    put_turn(tmp_path, TURN)
    put_all(tmp_path, [f"session1/{second}.avi", f"session1/{third}.wav", "session1/S01A/P/slate.avi"])
    text = "a line before any block\n" + evaluation(TURN, "N", "ann", "bob") + evaluation(fourth, "A")
    put_text(tmp_path / "Evaluation.txt", text + evaluation(TURN, "S") + "no vote\n")
    put_text(tmp_path / "Text" / f"{TURN}.txt", "caf\xe9", "latin-1")
    source = MspImprov(tmp_path)
    assert [(clip.id.rpartition("/")[2], clip.audio is None, clip.emotion) for clip in source.clips()] == [
        (TURN, False, "sad"),
        (second, True, None),
    ]
    assert source.skipped == {"video missing": 2, "name not of this dataset": 1}
    assert source.noted == {
        "audio missing: the video's own is taken": 1,
        "no evaluation": 1,
        "evaluated twice: the last is taken": 1,
        "evaluation line of another form": 2,
        "transcript in another encoding: name it in sources.msp-improv.encoding": 1,
    }


def test_without_the_table_of_labels_the_clips_are_read(tmp_path: Path) -> None:
    put_turn(tmp_path, TURN)
    source = MspImprov(tmp_path)
    assert [clip.emotion for clip in source.clips()] == [None]
    assert source.noted == {"table of labels missing": 1, "no evaluation": 1}


def test_a_table_of_labels_that_evaluates_nothing_is_an_error(tmp_path: Path) -> None:
    put(tmp_path / "MSP-IMPROV-S01A-F01-P-FM01.avi")
    text = "UTD-IMPROV-S01A-F01-P-FM01.avi; N; A:3.0;\n"
    put_text(tmp_path / "Evaluation.txt", text, "utf-16")
    message = r"Evaluation.txt: file: evaluates no turn; .*sources.msp-improv.encoding"
    with pytest.raises(InputError, match=message):
        list(open_source("msp-improv", tmp_path).clips())
    [clip] = open_source("msp-improv", tmp_path, encoding="utf-16").clips()
    assert clip.emotion == "neutral"


def test_another_folder_is_an_error(tmp_path: Path) -> None:
    put_text(tmp_path / "Evaluation.txt", "")
    with pytest.raises(InputError, match=f"is no folder of MSP-IMPROV: a video with a name like {TURN}"):
        list(MspImprov(tmp_path).clips())

"""saber-test --measured, --action-units: what answers and records say of voice and face against sound and tables."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile

from swift_saber.cli.main import main
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.evaluation.benchmarks.labelled import read_test
from swift_saber.evaluation.benchmarks.measured import MEASURED, with_measured
from swift_saber.evaluation.benchmarks.measured_face import MEASURED_FACE, with_measured_face
from swift_saber.evaluation.benchmarks.saber_test import items, scores
from swift_saber.media.prosody import NAMES
from swift_saber.sed.faces import Faces, read_faces
from swift_saber.sed.layout import render
from swift_saber.sed.record import Row
from tests.evaluation.benchmarks.test_saber_test import clip, perfect, value
from tests.media.voices import RATE, needs_espeak, pulses
from tests.sed.spoken import spoken

HIGH, LOW, FRIENDLY = "The pitch is high.", "The pitch is low.", "A friendly voice."


def vowel(folder: Path, name: str, hertz: float, voice: str, consistency: str = "consistent") -> Row:
    """A clip of a vowel whose record says so of the voice."""
    soundfile.write(folder / f"{name}.wav", pulses(hertz), RATE)
    row = clip(name, consistency=consistency)
    return replace(row, record=replace(row.record, acoustic_feat=voice), audios=(str(folder / f"{name}.wav"),))


def says(row: Row, voice: str) -> str:
    return render(replace(row.record, acoustic_feat=voice), language=row.language)


def test_agreement_is_of_what_is_decided_with_coverage_beside_it(tmp_path: Path) -> None:
    """By bounds 320 Hz is high, 80 Hz low; loudness has none, and so what is said of it is undecided.

    Of the answers a agrees and says another thing that is undecided, b contradicts, c says nothing that is read, d is
    missing. measured: consistent (1 + 0) / 2, inconsistent (0 + nothing) / 1; coverage (1/2 + 1) / 2 and (0 + 0) / 2.
    Of the records a, b and c agree, d contradicts: 3/4.
    """
    rows = [
        vowel(tmp_path, "a", 320, HIGH),
        vowel(tmp_path, "b", 80, LOW),
        vowel(tmp_path, "c", 320, HIGH, "inconsistent"),
        vowel(tmp_path, "d", 80, HIGH, "inconsistent"),
    ]
    said = {"a": f"{HIGH} The volume is high.", "b": HIGH, "c": FRIENDLY}
    answers = {row.id: says(row, said[row.id]) for row in rows if row.id in said}
    found = with_measured(items(rows, answers), rows)
    shown = scores(found)
    assert value(shown, "measured", "consistent") == 1 / 2 and value(shown, "measured", "inconsistent") == 0
    assert value(shown, "measured_gap") == 1 / 2
    assert value(shown, "measured") == pytest.approx(1 / 3)
    counts = {name: shown["metrics"]["measured"][name] for name in ("n", "invalid", "missing", "unjudged")}
    assert counts == {"n": 4, "invalid": 0, "missing": 1, "unjudged": 1}
    assert value(shown, "measured_coverage", "consistent") == 3 / 4
    assert value(shown, "measured_coverage", "inconsistent") == 0
    assert value(shown, "reference_measured") == 3 / 4 and value(shown, "reference_measured_coverage") == 1
    assert not {f"{metric}_gap" for metric in MEASURED[1:]} & shown["metrics"].keys()
    assert any(note.startswith("measured: in 1 answers nothing") for note in shown["notes"])
    claims = found[0].details["measured"]["answer"]
    assert [(one["property"], one["value"]) for one in claims] == [("pitch", "agrees"), ("loudness", "undecided")]
    assert claims[1]["reason"]


def test_a_clip_that_cannot_be_measured_is_no_part_of_it_and_is_counted(tmp_path: Path) -> None:
    rows = [vowel(tmp_path, "a", 320, HIGH), clip("gone")]
    found = with_measured(items(rows, perfect(rows)), rows)
    shown = scores(found)
    assert {shown["metrics"][metric]["n"] for metric in MEASURED} == {1}
    assert shown["metrics"]["emotion"]["n"] == 2
    [note] = [note for note in shown["notes"] if note.startswith("measured: 1 of 2 clips")]
    assert "no such file" in note


def test_what_is_loud_is_said_by_clips_of_the_same_source_and_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three sources of 200, 60 and 3 clips, each 30 dB louder than the one before, whose voices are all called loud:
    so are the upper third of the first two, and of the last nothing is known, as of one clip of another language. The
    third next to a middle of which a clip is not clearly apart is left open.
    """
    sizes = {"far": 200, "near": 60, "few": 3}
    rows, levels = [], {}
    for place, (source, size) in enumerate(sizes.items()):
        for number in range(size):
            row = clip(name := f"{source}{number}", language="en")
            extra = {"source": source, "speaker": ["no name"]}
            rows.append(replace(row, record=replace(row.record, acoustic_feat="The voice is loud.", extra=extra)))
            levels[name] = -80.0 + 30 * place + 20 * number / size
    other = replace(clip("zh", language="zh"), record=replace(rows[0].record, acoustic_feat="声音很大。"))
    levels["zh"] = -10.0

    def voices(media: Any) -> Iterator[tuple[str, Any]]:
        for name, _ in media:
            yield name, dict.fromkeys(NAMES) | {"loudness": levels[name], "unsaid": {}}

    monkeypatch.setattr("swift_saber.evaluation.benchmarks.measured.voices", voices)
    found = with_measured(items([*rows, other], {}), [*rows, other])
    said = {item.id: item.details["measured"]["reference"][0]["value"] for item in found}
    for source, size in (("far", 200), ("near", 60)):
        at = [said[f"{source}{number}"] for number in (0, size // 4, size // 2, size * 3 // 4, size - 1)]
        assert at == ["contradicts", "contradicts", "undecided", "agrees", "agrees"]
    assert {said["zh"], *(said[f"few{number}"] for number in range(3))} == {"undecided"}


def test_it_is_off_unless_asked_for() -> None:
    shown = scores(items([clip("a")], perfect([clip("a")])))
    assert not {*MEASURED, "measured_gap"} & shown["metrics"].keys()
    assert not any("measured" in note for note in shown["notes"])


@needs_espeak
def test_true_records_agree_and_those_of_other_clips_fall_to_chance(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Spoken clips of two voices, answered once by their own records and once by those of clips seven further on."""
    rows: list[dict[str, Any]] = []
    for number, one in enumerate(spoken(("en-us+m2", "en-us+f1"), each=27)):
        path = tmp_path / f"{number}.wav"
        soundfile.write(path, one.sound, RATE)
        row = clip(str(number), consistency=("consistent", "inconsistent")[number % 2])
        row = replace(row, record=replace(row.record, acoustic_feat=one.record), audios=(str(path),), videos=())
        rows.append(row.to_dict() | {"speaker": one.speaker})
    write_rows(tmp_path / "test.jsonl", rows)
    clips = read_test(tmp_path / "test.jsonl")
    shown = {}
    for name, by in {"own": 0, "others": 7}.items():
        answers = tmp_path / f"{name}.jsonl"
        said = [clips[(place + by) % len(clips)].record.acoustic_feat for place in range(len(clips))]
        write_rows(
            answers, [{"id": row.id, "response": says(row, text)} for row, text in zip(clips, said, strict=True)]
        )
        command = ["eval", "saber-test", "--data", str(tmp_path / "test.jsonl"), "--answers", str(answers)]
        assert main([*command, "--measured", "-o", str(tmp_path / name)]) == 0
        shown[name] = json.loads((tmp_path / name / "scores.json").read_text())
    capsys.readouterr()
    own, others = (shown[name]["metrics"] for name in ("own", "others"))
    assert own["measured"]["value"] >= 0.95 and own["measured_coverage"]["value"] > 0.5
    assert 0.3 < others["measured"]["value"] < 0.7
    assert own["measured"]["low"] > others["measured"]["high"]
    # The records are the same in both.
    assert own["reference_measured"] == others["reference_measured"]
    assert own["reference_measured"]["value"] == pytest.approx(own["measured"]["value"])
    assert {group: "measured" in of for group, of in shown["own"]["groups"].items()} == {
        "consistent": True,
        "inconsistent": True,
    }
    assert shown["own"]["manifest"]["settings"]["measured"] is True
    # Two runs are compared in it, also where one alone decides.
    assert main(["eval", "compare", str(tmp_path / "own"), str(tmp_path / "others")]) == 0
    assert "measured" in capsys.readouterr().out
    assert all("measured" in row["details"] for _, row in read_rows(tmp_path / "own" / "items.jsonl"))


SMILES, SAD, FROWNS = "She smiles.", "A face full of longing.", "She frowns."


def table(folder: Path, name: str, smile: int, success: int = 1) -> None:
    """OpenFace's table of ten frames in which lips are drawn up, or not, and brows never drawn together."""
    folder.mkdir(exist_ok=True)
    head = "frame, face_id, timestamp, confidence, success, AU04_r, AU12_r, AU04_c, AU12_c"
    lines = [f"{n}, 0, {n / 30:.3f}, 0.98, {success}, 0.0, {3.0 * smile}, 0, {smile}" for n in range(1, 11)]
    (folder / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n")


def faced(name: str, face: str, consistency: str = "consistent", video: str | None = None) -> Row:
    row = clip(name, consistency=consistency)
    return replace(row, record=replace(row.record, facial_exp_desc=face), videos=(video or f"{name}.mp4",))


def of_clips(folder: Path, rows: list[Row]) -> Faces:
    return read_faces(folder, [(str(row.id), row.videos) for row in rows])


def shows(row: Row, face: str) -> str:
    return render(replace(row.record, facial_exp_desc=face), language=row.language)


def test_what_is_said_of_a_face_is_held_against_its_table_with_the_denominators_of_the_voice(tmp_path: Path) -> None:
    """a agrees with one of two claims, b contradicts, c says nothing that is read, d is missing; e has no table and f
    no face. measured_face: consistent (1/2 + 0) / 2, inconsistent (nothing + 0) / 1; coverage (1 + 1) / 2 and 0.
    Of the records a, b and c agree, d contradicts: 3/4.
    """
    rows = [
        faced("a", SMILES),
        faced("b", "She does not smile."),
        faced("c", SMILES, "inconsistent", video="clips/of_c.mp4"),
        faced("d", SMILES, "inconsistent"),
        faced("e", SMILES),
        faced("f", SMILES),
    ]
    for name, smile in {"a": 1, "b": 0, "of_c": 1, "d": 0}.items():
        table(tmp_path / "units", name, smile)
    table(tmp_path / "units", "f", 1, success=0)
    said = {"a": f"{SMILES} {FROWNS}", "b": SMILES, "c": SAD, "e": SMILES, "f": SMILES}
    answers = {row.id: shows(row, said[row.id]) for row in rows if row.id in said}
    found = with_measured_face(items(rows, answers), of_clips(tmp_path / "units", rows))
    shown = scores(found)
    assert value(shown, "measured_face", "consistent") == 1 / 4 and value(shown, "measured_face", "inconsistent") == 0
    assert value(shown, "measured_face_gap") == 1 / 4
    counts = {name: shown["metrics"]["measured_face"][name] for name in ("n", "missing", "unjudged")}
    assert counts == {"n": 4, "missing": 1, "unjudged": 1}
    assert value(shown, "measured_face_coverage", "consistent") == 1
    assert value(shown, "measured_face_coverage", "inconsistent") == 0
    assert value(shown, "reference_measured_face") == 3 / 4
    assert not {f"{metric}_gap" for metric in MEASURED_FACE[1:]} & shown["metrics"].keys()
    [note] = [note for note in shown["notes"] if note.startswith("measured_face: of 2 of 6 clips")]
    assert "no table: 1" in note and "no face found: 1" in note
    assert any(note.startswith("measured_face: in 1 answers nothing") for note in shown["notes"])
    claims = found[0].details["measured_face"]["answer"]
    assert [(one["property"], one["value"]) for one in claims] == [
        ("lip_corner_puller", "agrees"),
        ("brow_lowerer", "contradicts"),
    ]


def test_a_table_of_two_clips_name_is_of_neither(tmp_path: Path) -> None:
    rows = [faced(name, SMILES, video=video) for name, video in {"a": "x/u.mp4", "b": "y/u.mp4", "c": "c.mp4"}.items()]
    table(tmp_path / "units", "u", 1)
    table(tmp_path / "units", "c", 1)
    found = with_measured_face(items(rows, perfect(rows)), of_clips(tmp_path / "units", rows))
    assert ["measured_face" in item.scores for item in found] == [False, False, True]
    assert any("a table of several clips' name: 2" in note for note in scores(found)["notes"])


def test_runs_by_other_tables_say_so_and_the_voice_is_not_measured_for_it(tmp_path: Path) -> None:
    rows = [faced("a", SMILES)]
    write_rows(tmp_path / "test.jsonl", [row.to_dict() for row in rows])
    write_rows(tmp_path / "answers.jsonl", [{"id": "a", "response": perfect(rows)["a"]}])
    command = [
        "eval",
        "saber-test",
        "--data",
        str(tmp_path / "test.jsonl"),
        "--answers",
        str(tmp_path / "answers.jsonl"),
    ]
    told = {}
    for smile, right in {1: 1.0, 0: 0.0}.items():
        table(tmp_path / "units", "a", smile)
        out = tmp_path / f"{smile}"
        assert main([*command, "--action-units", str(tmp_path / "units"), "-o", str(out)]) == 0
        shown = json.loads((out / "scores.json").read_text())
        assert value(shown, "measured_face") == value(shown, "reference_measured_face") == right
        assert not {*MEASURED} & shown["metrics"].keys()
        told[smile] = shown["manifest"]["settings"]["action_units"]
    assert told[0] != told[1]

"""`swift-saber sources`: the list, the counts of one folder, and the rows and report of a join."""

import json
from pathlib import Path

import pytest

from swift_saber.cli import Parser
from swift_saber.cli.data import add_sources
from swift_saber.data.rows import read_rows
from swift_saber.errors import InputError
from swift_saber.pipeline.publish.publish import publish
from swift_saber.pipeline.sources.base import readers
from tests.pipeline.publish.world import clip, said, write
from tests.pipeline.sources.layout import put, put_all, put_table, put_text


def _run(*arguments: object) -> int:
    parser = Parser()
    add_sources(parser.add_subparsers())
    args = parser.parse_args(["sources", *map(str, arguments)])
    return int(args.run(args) or 0)


@pytest.fixture
def sims(tmp_path: Path) -> Path:
    header = ("video_id", "clip_id", "text", "label", "label_T", "label_A", "label_V", "annotation", "mode")
    rows = [
        ("video_0001", f"000{i}", "好", 0, 0, 0, 0, "Neutral", mode)
        for i, mode in enumerate(("train", "train", "test"))
    ]
    put_table(tmp_path / "sims/meta.csv", header, rows)
    put_all(tmp_path / "sims/Raw/video_0001", ["0000.mp4", "0002.mp4", "0009.mp4"])
    return tmp_path / "sims"


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    for channel in ("01", "02"):
        put(tmp_path / f"ravdess/Actor_01/01-{channel}-03-01-01-01-01.mp4")
    return tmp_path / "ravdess"


def test_the_list_names_all_and_says_what_each_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("--json") == 0
    listed = {row["key"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert listed.keys() == readers().keys()
    assert all(row["access"] and row["layout"] and row["languages"] for row in listed.values())
    assert _run() == 0
    shown = capsys.readouterr().out
    assert "mer25: MER25 (MER2025, MER2026) (zh)" in shown and "    video/<name>.mp4" in shown
    assert "  option songs: " in shown
    assert shown.count("option encoding: ") == 1 and "every source has the option encoding: " in shown


def test_a_scan_counts_and_writes_the_clips(sims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("scan", "ch-sims-v2", sims, "-o", tmp_path / "clips.jsonl") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == ["clips    2", "language zh 2", "split    train 1, test 1", "emotion  none 2"]
    assert "ch-sims-v2: skipped 2" in lines
    assert f"  1      video without row: {sims}/Raw/video_0001/0009.mp4" in lines
    rows = [row for _, row in read_rows(tmp_path / "clips.jsonl")]
    assert [row["id"] for row in rows] == ["ch-sims-v2/s/video_0001_0000", "ch-sims-v2/s/video_0001_0002"]
    assert rows[0]["videos"] == [f"{sims}/Raw/video_0001/0000.mp4"]
    with pytest.raises(InputError, match="exists already"):
        _run("scan", "ch-sims-v2", sims, "-o", tmp_path / "clips.jsonl")


def test_a_scan_counts_emotions_that_are_not_common_under_their_own_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for emotion in ("02", "02", "03"):  # calm, calm, happy
        statement = "02" if (tmp_path / "Actor_01/01-01-02-01-01-01-01.mp4").exists() else "01"
        put(tmp_path / f"Actor_01/01-01-{emotion}-01-{statement}-01-01.mp4")
    assert _run("scan", "ravdess", tmp_path) == 0
    assert "emotion  calm 2, happy 1" in capsys.readouterr().out.splitlines()


def test_a_scan_does_not_take_the_emotions_of_one_clip_for_several_clips(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "videos/S01E01_000.mp4")
    put_text(tmp_path / "data.json", '{"S01E01_000": {"season": 1, "episode": 1, "sentences": []}}')
    samples = ", ".join(f'{{"clip": "S01E01_000", "emotion": "{word}"}}' for word in ("joy", "trust"))
    put_text(tmp_path / "anno.json", f'{{"primary": [{samples}], "fine_grained": []}}')
    assert _run("scan", "memor", tmp_path) == 0
    assert "emotion  happy + trust 1" in capsys.readouterr().out.splitlines()


def test_a_scan_that_finds_nothing_says_why_and_ends_with_1(
    sims: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in sims.rglob("*.mp4"):
        path.unlink()
    assert _run("scan", "ch-sims-v2", sims, "-o", tmp_path / "clips.jsonl") == 1
    shown = capsys.readouterr().out
    assert "clips    0" in shown and f"  3      video missing: {sims}/Raw/video_0001/0000.mp4, " in shown
    assert not (tmp_path / "clips.jsonl").exists()


def test_a_folder_of_something_else_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="meta.csv is not there"):
        _run("scan", "ch-sims-v2", tmp_path)
    with pytest.raises(InputError, match="'chsims' is no source; give one of: ch-sims-v2"):
        _run("scan", "chsims", tmp_path)


def test_an_option_of_a_dataset_can_be_set(takes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("scan", "ravdess", takes) == 0
    assert "clips    1\n" in capsys.readouterr().out
    assert _run("scan", "ravdess", takes, "--set", "ravdess.songs=true") == 0
    assert "clips    2\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("songs=true", "'songs' is of no source here"),
        ("mead.view=front", "'mead.view' is of no source here"),
        ("ravdess.songs", "is not KEY.OPTION=VALUE"),
        ("ravdess.songs=[", "is no YAML"),
        ("ravdess.dances=true", "is no option of this source"),
        ("ravdess.songs=often", "give true or false"),
    ],
)
def test_a_wrong_option_is_an_error(takes: Path, setting: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _run("scan", "ravdess", takes, "--set", setting)


def _annotate(folder: Path, name: str, language: str, speech: str = "") -> None:
    text = "一个人在说话。" if language == "zh" else "Somebody speaks."
    fields = dict.fromkeys(("video_desc", "facial_exp_desc", "body_lang_desc", "sentiment_analysis"), text)
    folder.mkdir(exist_ok=True)
    record = {"audio_desc": {"speech_content": speech or text, "acoustic_feat": text}, **fields}
    (folder / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")


def test_a_join_of_two_datasets_writes_rows_and_a_report(
    sims: Path, takes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _annotate(tmp_path / "saber", "01-01-03-01-01-01-01", "en")
    _annotate(tmp_path / "saber", "video_0001_0002", "zh")
    _annotate(tmp_path / "saber", "samplenew3_00000004", "zh")
    sources = ("--source", f"ravdess={takes}", "--source", f"ch-sims-v2={sims}")
    output = tmp_path / "out" / "rows.jsonl"
    assert _run("join", tmp_path / "saber", "-o", output, *sources) == 0
    rows = [row for _, row in read_rows(output)]
    assert [row["id"] for row in rows] == ["ravdess/speech/01-01-03-01-01-01-01", "ch-sims-v2/s/video_0001_0002"]
    assert [row["video_desc"] for row in rows] == ["Somebody speaks.", "一个人在说话。"]
    report = json.loads((tmp_path / "out/rows.report.json").read_text(encoding="utf-8"))
    assert report["counts"] == {
        "records": 3,
        "joined": {"ch-sims-v2": 1, "ravdess": 1},
        "missing": {"mer25": 1},
        "ambiguous": 0,
        "unreadable": 0,
        "by digest": 0,
        "another file": 0,
        "clips without record": {"ch-sims-v2": 1},
    }
    assert report["missing"] == [{"record": "samplenew3_00000004", "why": "no clip of this name"}]
    assert report["clips without record"] == ["ch-sims-v2/s/video_0001_0000"]
    assert report["sources"]["ch-sims-v2"]["skipped"] == {"video missing": 1, "video without row": 1}
    shown = capsys.readouterr().out
    assert "joined     2 (ch-sims-v2 1, ravdess 1)" in shown
    assert "missing    1 (mer25 1)\n  samplenew3_00000004: no clip of this name" in shown


def test_a_join_finds_the_split_of_a_name_that_meld_has_in_each(tmp_path: Path) -> None:
    # Utterance 0 of dialogue 0 as MELD's tables have it, and as the released dia0_utt0 writes it.
    said = {
        (
            "train",
            "train_splits",
        ): "also I was the point person on my companys transition from the KL-5 to GR-6 system.",
        ("test", "output_repeated_splits_test"): "Why do all you’re coffee mugs have numbers on the bottom?",
    }
    header = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime"
    for (split, folder), text in said.items():
        row = (1, text, "Mark", "surprise", "positive", 0, 0, 3, 19, "00:14:38,127", "00:14:40,378")
        put_table(tmp_path / f"meld/{split}_sent_emo.csv", header.split(","), [row])
        put(tmp_path / f"meld/{folder}/dia0_utt0.mp4")
    _annotate(tmp_path / "saber", "dia0_utt0", "en", "Why do all your coffee mugs have numbers on the bottom?")
    output = tmp_path / "rows.jsonl"
    assert _run("join", tmp_path / "saber", "-o", output, "--source", f"meld={tmp_path / 'meld'}") == 0
    [(_, row)] = read_rows(output)
    assert row["videos"] == [str(tmp_path / "meld/output_repeated_splits_test/dia0_utt0.mp4")]
    assert (row["split"], row["labels"]["emotion"]) == ("test", "surprise")


def test_a_join_with_an_unreadable_record_or_without_any_ends_with_1(takes: Path, tmp_path: Path) -> None:
    _annotate(tmp_path / "saber", "dia0_utt0", "en")
    assert _run("join", tmp_path / "saber", "-o", tmp_path / "a.jsonl", "--source", f"ravdess={takes}") == 1
    _annotate(tmp_path / "saber", "01-01-03-01-01-01-01", "en")
    assert _run("join", tmp_path / "saber", "-o", tmp_path / "b.jsonl", "--source", f"ravdess={takes}") == 0
    (tmp_path / "saber/c.json").write_text("{")
    assert _run("join", tmp_path / "saber", "-o", tmp_path / "c.jsonl", "--source", f"ravdess={takes}") == 1
    assert sum(1 for _ in read_rows(tmp_path / "c.jsonl")) == 1


def test_a_join_does_not_write_over_a_report(takes: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.report.json").write_text("old")
    with pytest.raises(InputError, match="rows.report.json: output: exists already"):
        _run("join", tmp_path, "-o", tmp_path / "rows.jsonl", "--source", f"ravdess={takes}")


def test_a_source_without_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'ravdess' is not KEY=FOLDER"):
        _run("join", tmp_path, "-o", tmp_path / "rows.jsonl", "--source", "ravdess")


def test_a_join_with_another_file_than_was_annotated_is_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [clip(tmp_path / "clips", name, seed) for seed, name in enumerate("ab")]
    settings = said(tmp_path / "said.yaml")
    publish([write(tmp_path / "train.jsonl", *rows)], tmp_path / "data", form="annotations", settings=settings)
    join = ("join", tmp_path / "data", "--source", f"generic={tmp_path}/clips", "--set", "generic.language=en")
    assert _run(*join, "-o", tmp_path / "rows.jsonl") == 0
    (tmp_path / "clips" / "b.mp4").write_bytes(b"another")
    capsys.readouterr()
    assert _run(*join, "-o", tmp_path / "again.jsonl") == 1
    out = capsys.readouterr().out
    assert "another file than the one annotated 1\n  mine/all/b: generic/all/b: the video has 7 bytes, and had " in out
    report = json.loads((tmp_path / "again.report.json").read_text(encoding="utf-8"))
    assert [row["record"] for row in report["another file"]] == ["mine/all/b"]
    assert [row["id"] for _, row in read_rows(tmp_path / "again.jsonl")] == ["mine/all/a", "mine/all/b"]

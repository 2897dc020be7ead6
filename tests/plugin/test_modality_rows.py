"""Modality pairs out of ordinary rows and beside preference pairs, through ms-swift's own load_dataset and template."""

import json
import logging
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.plugin.saber_options import check_arguments, modality_pairs
from swift_saber.sed.layout import parse
from tests.media_faults import encode as write
from tests.media_faults import frames
from tests.plugin.rlhf import pair, rlhf
from tests.plugin.test_sound import encode, given
from tests.stepped_sounds import steps

pytestmark = pytest.mark.usefixtures("plugin")
COLUMNS = ("videos", "audios")


@pytest.fixture(autouse=True)
def on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABER_MODALITY_PAIRS", "true")
    for name in ("SABER_INCONSISTENT_WEIGHT", "SABER_MARGIN_SCALE", "SABER_SOUND"):
        monkeypatch.delenv(name, raising=False)


def load(dataset: Path, **kwargs: Any) -> list[dict[str, Any]]:
    from swift.dataset import load_dataset

    return [dict(row) for row in load_dataset(str(dataset), **kwargs)[0]]


def files(folder: Path, name: str) -> dict[str, list[str]]:
    """Files that pass for a clip's as long as nothing reads them."""
    found = {"videos": [str(folder / f"{name}.mp4")], "audios": [str(folder / f"{name}.wav")]}
    for (path,) in found.values():
        Path(path).write_bytes(b"x")
    return found


def record(folder: Path, name: str, voice: str, face: str, **columns: Any) -> dict[str, Any]:
    return {
        "id": name,
        "audio_desc": {"speech_content": "Sure.", "acoustic_feat": voice},
        "video_desc": "A kitchen.",
        "facial_exp_desc": face,
        "body_lang_desc": "Arms crossed.",
        "sentiment_analysis": f"About {name}.",
        **files(folder, name),
        **columns,
    }


def answered(folder: Path, name: str, answer: str) -> dict[str, Any]:
    turns = [{"role": "user", "content": "How?"}, {"role": "assistant", "content": answer}]
    return {"id": name, "messages": turns, **files(folder, name)}


def replaced(row: dict[str, Any]) -> str:
    """The one column in which the sides of a modality pair differ, in nothing but the file."""
    assert row["messages"] == row["rejected_messages"]
    changed = [column for column in COLUMNS if row[f"rejected_{column}"] != row[column]]
    assert len(changed) == 1 and len(row[f"rejected_{changed[0]}"]) == len(row[changed[0]])
    return changed[0]


def stem(path: str) -> str:
    return Path(path).stem


def test_it_is_off_where_nothing_is_said(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [modality_pairs({"SABER_MODALITY_PAIRS": said}) for said in ("True", "1", "false", "0", "")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert modality_pairs({}) is False
    with pytest.raises(InputError, match="SABER_MODALITY_PAIRS: is 'maybe'; use true or false"):
        modality_pairs({"SABER_MODALITY_PAIRS": "maybe"})
    write_rows(data, [record(tmp_path, "a", "flat", "smile"), record(tmp_path, "b", "loud", "frown")])
    on = load(data)
    monkeypatch.delenv("SABER_MODALITY_PAIRS")
    off = load(data)
    assert [row["id"] for row in off] == ["a", "b"] and not any("rejected_messages" in row for row in off)
    monkeypatch.setenv("SABER_MODALITY_PAIRS", "true")
    assert load(data) == on and [row["id"] for row in on] == ["a#modality", "b#modality"]


def test_each_record_is_a_pair_of_its_own_answer_with_a_sound_or_a_picture_that_says_otherwise(
    data: Path, tmp_path: Path
) -> None:
    voices, faces = ["flat", "loud", "soft"], ["smile", "frown"]
    rows = [
        record(tmp_path, f"c{n}", voices[n % 3], faces[n % 2], consistency="inconsistent" if n % 4 else "consistent")
        for n in range(24)
    ]
    write_rows(data, rows)
    made = load(data)
    assert [row["id"] for row in made] == [f"c{n}#modality" for n in range(24)]
    senses = Counter(map(replaced, made))
    assert set(senses) == {"videos", "audios"}  # a draw for each row: that all 24 agree has a chance of 2 in 2^24
    for number, row in enumerate(made):
        assert row["channel"] == rows[number]["consistency"]
        assert parse(row["messages"][-1]["content"]).fields["acoustic_feat"] == voices[number % 3]
        assert [row[column] for column in COLUMNS] == [rows[number][column] for column in COLUMNS]
        column = replaced(row)
        other = int(stem(row[f"rejected_{column}"][0]).removeprefix("c"))
        lines = {"audios": voices, "videos": faces}[column]
        assert lines[other % len(lines)] != lines[number % len(lines)]


def test_other_clips_are_not_the_same_for_all_rows(data: Path, tmp_path: Path) -> None:
    write_rows(data, [record(tmp_path, f"c{n}", f"voice {n}", f"face {n}") for n in range(24)])
    assert len({row[f"rejected_{replaced(row)}"][0] for row in load(data)}) > 12


@pytest.mark.parametrize(("voice", "face", "column"), [("", "smile", "videos"), ("flat", " ", "audios")])
def test_a_sense_that_the_answer_says_nothing_of_is_not_replaced(
    data: Path, tmp_path: Path, voice: str, face: str, column: str
) -> None:
    write_rows(
        data,
        [record(tmp_path, f"c{n}", voice, face) for n in range(6)] + [record(tmp_path, "other", "loud", "frown")],
    )
    made = load(data)[:6]
    assert {replaced(row) for row in made} == {column}
    assert {stem(row[f"rejected_{column}"][0]) for row in made} == {"other"}


def test_where_no_clip_says_otherwise_for_one_sense_the_other_is_replaced(data: Path, tmp_path: Path) -> None:
    write_rows(data, [record(tmp_path, f"c{n}", "the same voice", f"face {n}") for n in range(8)])
    assert {replaced(row) for row in load(data)} == {"videos"}


def test_answers_in_another_layout_are_compared_whole(data: Path, tmp_path: Path) -> None:
    write_rows(data, [answered(tmp_path, f"c{n}", ["Joy.", "Anger."][n % 2]) for n in range(12)])
    made = load(data)
    assert len(made) == 12
    assert {replaced(row) for row in made} == {"videos", "audios"}
    for number, row in enumerate(made):
        other = int(stem(row[f"rejected_{replaced(row)}"][0]).removeprefix("c"))
        assert other % 2 != number % 2


def test_a_row_without_a_partner_has_no_pair_and_is_counted(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [record(tmp_path, "a", "flat", "smile"), record(tmp_path, "b", "flat", "smile")]
    rows += [{**record(tmp_path, "two", "loud", "frown"), "videos": files(tmp_path, "x")["videos"] * 2}]
    asked = answered(tmp_path, "asked", "")
    rows += [{**asked, "messages": asked["messages"][:1]}, {"messages": answered(tmp_path, "no", "Hi.")["messages"]}]
    write_rows(data, rows)
    logging.getLogger("swift").addHandler(caplog.handler)
    try:
        made = load(data)
        assert load(data) == load(data, streaming=True) == made  # out of the cache, and read again
    finally:
        logging.getLogger("swift").removeHandler(caplog.handler)
    # Two videos have no partner, so of "two" the sound is replaced, and it alone is a partner for the sound of others.
    assert [(row["id"], replaced(row)) for row in made] == [
        ("a#modality", "audios"),
        ("b#modality", "audios"),
        ("two#modality", "audios"),
    ]
    assert [said for said in caplog.messages if "modality pair" in said] == [
        f"swift-saber: {data}: 2 of 5 rows have no modality pair, e.g. asked: no answer (1), no clip (1)"
    ] * 3


def test_a_file_in_which_no_clip_says_otherwise_is_refused(data: Path, tmp_path: Path) -> None:
    write_rows(data, [record(tmp_path, name, "flat", "smile") for name in "ab"])
    said = (
        r"2 of 2 rows have no modality pair, e.g. a: no other clip says otherwise \(2\); .*unset SABER_MODALITY_PAIRS"
    )
    with pytest.raises(InputError, match=said):
        load(data)


def test_bad_rows_are_named_as_ever_and_are_no_partners(data: Path, tmp_path: Path) -> None:
    rows = [record(tmp_path, "a", "flat", "smile"), {**record(tmp_path, "b", "loud", "frown"), "videos": ["gone.mp4"]}]
    write_rows(data, [*rows, record(tmp_path, "c", "loud", "frown")])
    with pytest.raises(InputError, match=r"data.jsonl:2: videos: .*gone.mp4: no such file"):
        load(data)


def test_pairs_keep_their_rows_and_have_one_modality_pair_for_each_clip_and_chosen_answer(
    data: Path, tmp_path: Path
) -> None:
    """p0 and p1 are of one clip and one answer; p3's is in the file already, as one of kind "swapped"."""
    clips = [files(tmp_path, f"c{n}") for n in range(4)]
    answers = ["Joy.", "Joy.", "Anger.", "Fear."]
    turns = [[{"role": "user", "content": "How?"}, {"role": "assistant", "content": answer}] for answer in answers]
    rows = [pair(n, clips[max(n, 1)], messages=turns[n]) for n in range(4)]
    swapped = {"rejected_response": None, "rejected_messages": turns[3], "rejected_videos": clips[2]["videos"]}
    swapped |= {"rejected_audios": clips[3]["audios"], "id": "p3#swapped", "kind": "swapped", "scores": None}
    write_rows(data, [*rows, pair(3, clips[3], messages=turns[3], **swapped)])
    made = load(data)
    assert [row["id"] for row in made] == [
        "pair-0",
        "pair-0#modality",
        "pair-1",
        "pair-2",
        "pair-2#modality",
        "pair-3",
        "p3#swapped",
    ]
    assert [row["channel"] for row in made if row["id"].startswith("pair-0")] == ["inconsistent"] * 2
    for row in made:
        if row["id"].endswith("#modality"):
            assert stem(row[f"rejected_{replaced(row)}"][0]) != stem(row[replaced(row)][0])


def test_a_stream_and_another_process_give_the_same_pairs(data: Path, tmp_path: Path) -> None:
    write_rows(data, [record(tmp_path, f"c{n}", f"voice {n % 5}", f"face {n % 3}") for n in range(20)])
    made = load(data)
    assert load(data, streaming=True) == made
    code = (
        "import sys, json\n"
        "from functools import partial\n"
        "from swift_saber.data.convert import to_swift_row\n"
        "from swift_saber.data.rows import read_rows\n"
        "from swift_saber.plugin.saber_modality_rows import ModalityPairs\n"
        "from swift_saber.plugin.saber_options import options\n"
        "pairs = ModalityPairs(sys.argv[1], to_swift_row, pairs=False, options=options(), is_heard=lambda path: True)\n"
        "rows = [to_swift_row(row, where) for where, row in read_rows(sys.argv[1])]\n"
        "print(json.dumps([pairs.of(n, row, None, 'x') for n, row in enumerate(rows)]))\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    run = subprocess.run(
        [sys.executable, "-c", code, data], env=environment, capture_output=True, text=True, check=True
    )
    sides = [f"{side}{column}" for side in ("", "rejected_") for column in ("messages", *COLUMNS)]
    assert [{key: row[key] for key in sides} for row in json.loads(run.stdout)] == [
        {key: row[key] for key in sides} for row in made
    ]


def test_a_folder_of_records_gives_modality_pairs(tmp_path: Path) -> None:
    for n in range(6):
        row = record(tmp_path, f"c{n}", f"voice {n}", f"face {n}")
        bare = {key: value for key, value in row.items() if key not in {"id", *COLUMNS}}
        (tmp_path / f"c{n}.json").write_text(json.dumps(bare))
    made = load(tmp_path)
    assert [row["id"] for row in made] == [f"c{n}#modality" for n in range(6)]
    assert all(stem(row[f"rejected_{replaced(row)}"][0]) != stem(row["videos"][0]) for row in made)


@pytest.fixture(scope="module")
def sounding(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two videos of other pictures and, inside them, other sounds; one without sound; a sound alone."""
    folder = tmp_path_factory.mktemp("sounding")
    write(folder / "own.mp4", frames(16), steps(16_000)[:32_000])
    write(folder / "other.mp4", 255 - frames(16), steps(16_000)[-32_000:])
    write(folder / "mute.mp4", 255 - frames(16))
    write(folder / "other.wav", samples=steps(16_000)[-32_000:], audio="pcm_s16le")
    return {path.name: str(path) for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("heading", "other", "videos", "audios"),
    [
        ("Voice", {"videos": ["other.mp4"]}, ["own.mp4"], ["other.mp4"]),
        ("Voice", {"videos": ["mute.mp4"], "audios": ["other.wav"]}, ["own.mp4"], ["other.wav"]),
        ("Facial expression", {"videos": ["mute.mp4"]}, ["mute.mp4"], ["own.mp4"]),
    ],
)
def test_a_sound_inside_a_video_is_replaced_and_kept_like_one_of_its_own(
    data: Path, processor: Any, sounding: dict[str, str], heading: str, other: Any, videos: Any, audios: Any
) -> None:
    """What the model gets of the rejected side is what it gets of these files alone, sense by sense."""

    def named(column: list[str]) -> list[str]:
        return [sounding[name] for name in column]

    def row(answer: str, **media: list[str]) -> dict[str, Any]:
        turns = [{"role": "user", "content": "How?"}, {"role": "assistant", "content": f"### {heading}\n{answer}"}]
        return {"messages": turns, **{column: named(files) for column, files in media.items()}}

    write_rows(data, [row("One.", videos=["own.mp4"]), row("Another.", **other)])
    made = load(data)[0]
    assert (made["videos"], made["audios"]) == (named(["own.mp4"]), named(["own.mp4"]))
    assert (made["rejected_videos"], made["rejected_audios"]) == (named(videos), named(audios))
    pair = encode(processor, made, "rlhf")
    # Each sense of a side against that sense alone, of a clip that has nothing else.
    for side, seen, listened in (("chosen_", ["own.mp4"], ["own.mp4"]), ("rejected_", videos, audios)):
        picture = encode(processor, {**row("One."), "videos": named(seen), "audios": []})
        sound = encode(processor, {**row("One."), "videos": [], "audios": named(listened)})
        assert torch.equal(pair[f"{side}pixel_values_videos"], picture["pixel_values_videos"])
        assert torch.equal(given(pair, side), given(sound))
    differ = [
        not torch.equal(pair["chosen_pixel_values_videos"], pair["rejected_pixel_values_videos"]),
        not torch.equal(given(pair, "chosen_"), given(pair, "rejected_")),
    ]
    assert differ == [heading != "Voice", heading == "Voice"]


def test_a_clip_whose_video_is_mute_is_no_partner_for_a_sound(data: Path, sounding: dict[str, str]) -> None:
    turns = [[{"role": "user", "content": ""}, {"role": "assistant", "content": f"### Voice\n{n}"}] for n in range(2)]
    write_rows(
        data, [{"messages": turns[n], "videos": [sounding[name]]} for n, name in enumerate(["own.mp4", "mute.mp4"])]
    )
    with pytest.raises(InputError, match=r"no other clip says otherwise \(1\).*the answer has no line on a sense"):
        load(data)


def test_an_option_that_needs_the_consistency_finds_each_row_without_it(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SABER_INCONSISTENT_WEIGHT", "2")
    rows = [record(tmp_path, "a", "flat", "smile", consistency="consistent"), record(tmp_path, "b", "loud", "frown")]
    write_rows(data, rows)
    with pytest.raises(InputError, match=r"data.jsonl:2: consistency: is missing, which SABER_INCONSISTENT_WEIGHT"):
        load(data)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"answer": "I see <video>"}, "messages: has an answer with <video>"),
        ({"consistency": "maybe"}, "consistency: is 'maybe'; use one of consistent, inconsistent"),
    ],
)
def test_a_row_that_no_pair_can_be_made_of_stops_the_run_with_its_line(
    data: Path, tmp_path: Path, columns: dict[str, str], said: str
) -> None:
    bad = answered(tmp_path, "b", columns.pop("answer", "Anger."))
    write_rows(data, [answered(tmp_path, "a", "Joy."), {**bad, **columns}])
    with pytest.raises(InputError, match=f"data.jsonl:2: {said}"):
        load(data)


def test_rows_that_ms_swifts_own_loader_reads_are_said_to_have_none(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_rows(data, [{"query": "a", "response": "b"}])
    logging.getLogger("swift").addHandler(caplog.handler)
    try:
        load(data)
    finally:
        logging.getLogger("swift").removeHandler(caplog.handler)
    assert any(f"{data}: no modality pairs are made of it" in said for said in caplog.messages)


DPO = {"rlhf_type": "dpo", "dataset": ["a.jsonl"], "val_dataset": []}


@pytest.mark.parametrize(
    ("args", "environment", "said"),
    [
        ({"dataset": ["a.jsonl"]}, {}, "`swift rlhf --rlhf_type dpo` alone trains on; unset it here"),
        ({**DPO, "rlhf_type": "kto"}, {}, "`swift rlhf --rlhf_type dpo` alone trains on"),
        ({"val_dataset": ["a.jsonl"]}, {}, "`swift rlhf --rlhf_type dpo` alone trains on"),
        ({"dataset": ["a"], "to_cached_dataset": True, "template_mode": "train"}, {}, "alone trains on"),
        (DPO, {"SABER_MARGIN_SCALE": "0.5"}, "pairs without scores, which SABER_MARGIN_SCALE needs"),
        (DPO, {"USE_AUDIO_IN_VIDEO": "true"}, "with USE_AUDIO_IN_VIDEO both come from one file"),
    ],
)
def test_what_they_are_not_for_is_refused_at_start(
    args: dict[str, Any], environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_arguments(SimpleNamespace(dataset=["a"], to_cached_dataset=True, template_mode="rlhf"))
    check_arguments(SimpleNamespace(dataset=[], val_dataset=[]))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=f"environment: SABER_MODALITY_PAIRS: .*{said}"):
        check_arguments(SimpleNamespace(**args))
    monkeypatch.delenv("SABER_MODALITY_PAIRS")
    check_arguments(SimpleNamespace(**{key: value for key, value in args.items() if key != "rlhf_type"}))


def test_inference_is_told_before_it_reads_a_row() -> None:
    from swift.pipelines.infer.infer import SwiftInfer

    pipeline = SwiftInfer.__new__(SwiftInfer)
    pipeline.args = SimpleNamespace(dataset=[], val_dataset=["a.jsonl"])
    with pytest.raises(InputError, match="SABER_MODALITY_PAIRS: .*unset it here"):
        pipeline.main()


@pytest.mark.slow
def test_a_model_trains_on_ordinary_records_without_a_judge(tiny_world: Path, tiny_model: Path, tmp_path: Path) -> None:
    """Before the first update both sides have their reference's likelihoods: the loss is ln 2 where pairs are rated."""
    rows = [row for _, row in read_rows(tiny_world / "train.jsonl")][:12]
    write_rows(tmp_path / "records.jsonl", rows)
    log = rlhf(tiny_model, tmp_path / "records.jsonl", tmp_path / "out", loss_type="ca_dpo", max_steps=3)
    losses = [line["loss"] for line in log if "loss" in line]
    assert len(losses) == 3
    assert losses[0] == pytest.approx(math.log(2), abs=1e-4) and losses[-1] != losses[0]
    # The rejected side is the same answer to other media, so its tokens are as many, and not as likely.
    first = next(line for line in log if "loss" in line)
    assert first["logps/chosen"] != first["logps/rejected"]

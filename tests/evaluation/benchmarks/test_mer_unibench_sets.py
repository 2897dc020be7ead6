"""MER-UniBench from files in its authors' forms: made small, the layout, arrays and names as they ship them."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from swift_saber.cli import main as cli
from swift_saber.data.rows import read_rows, write_rows
from swift_saber.errors import InputError
from swift_saber.evaluation.benchmarks.clips_by_name import OPEN_PROMPTS
from swift_saber.evaluation.benchmarks.mer_unibench.items import items
from swift_saber.evaluation.benchmarks.mer_unibench.scores import scores
from swift_saber.evaluation.benchmarks.mer_unibench.truths import SETS, read_truths, set_named
from swift_saber.evaluation.summary import read_items, read_scores
from swift_saber.text.wheel import Wheels
from tests.llm_server import Asked, LLMServer, Reply, say
from tests.text.test_wheel import emotion_wheel

#: The test part of each label.npz: a number is the emotion's place, -10 is no sentiment.
PARTS: dict[str, dict[str, dict[str, Any]]] = {
    "mer2023-dataset-process/label-6way.npz": {
        "train_corpus": {"sample_00000009": {"emo": "sad", "val": 0.5}},
        "test1_corpus": {
            "sample_00000001": {"emo": "angry", "val": -1.5},
            "sample_00000002": {"emo": "neutral", "val": 0},
        },
        "test2_corpus": {},
    },
    "mer2024-dataset-process/label-6way.npz": {"test1_corpus": {"samplenew3_00000001": {"emo": "happy", "val": -10}}},
    "meld-process/label.npz": {
        "val_corpus": {},
        "test_corpus": {"test_dia0_utt0": {"emo": 0, "val": -10}, "test_dia0_utt1": {"emo": 6, "val": -10}},
    },
    "iemocap-process/label_4way.npz": {
        "whole_corpus": {"Ses01F_impro01_F000": {"emo": 0, "val": -10}, "Ses05M_impro01_F000": {"emo": 1, "val": -10}}
    },
    "cmumosi-process/label.npz": {
        "test_corpus": {"x_1": {"emo": 0, "val": np.float64(-1.4)}, "x_2": {"emo": 0, "val": np.float64(2.0)}}
    },
    "cmumosei-process/label.npz": {"test_corpus": {"y_1": {"emo": 0, "val": np.float32(-0.5)}}},
    "sims-process/label.npz": {"test_corpus": {"video_0001_0003": {"emo": 0, "val": np.float64(0.5)}}},
    "simsv2-process/label.npz": {"test_corpus": {"video_0001_0003": {"emo": 0, "val": 1.0}}},
}


def authors(folder: Path) -> Path:
    """Write the benchmark's folder with one or two clips a set."""
    for name, parts in PARTS.items():
        (folder / name).parent.mkdir(parents=True)
        np.savez_compressed(folder / name, **{part: np.array(of, dtype=object) for part, of in parts.items()})
    labels = folder / "ovmerdplus-process" / "ovlabel.csv"
    labels.parent.mkdir()
    labels.write_text("name,openset\nsample_00000001,\"['mad', 'blue']\"\nsample_00000003,\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authors(tmp_path_factory.mktemp("d") / "dataset")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return emotion_wheel(tmp_path_factory.mktemp("w") / "emotion_wheel")


TRUTHS = {
    "MER2023/sample_00000001": ("MER2023", "angry"),
    "MER2023/sample_00000002": ("MER2023", "neutral"),
    "MER2024/samplenew3_00000001": ("MER2024", "happy"),
    "MELD/test_dia0_utt0": ("MELD", "anger"),
    "MELD/test_dia0_utt1": ("MELD", "surprise"),
    "IEMOCAP/Ses05M_impro01_F000": ("IEMOCAP", "sad"),
    "MOSI/x_1": ("MOSI", -1.4),
    "MOSI/x_2": ("MOSI", 2.0),
    "MOSEI/y_1": ("MOSEI", -0.5),
    "SIMS/video_0001_0003": ("SIMS", 0.5),
    "SIMSv2/video_0001_0003": ("SIMSv2", 1.0),
    "OV-MERD/sample_00000001": ("OV-MERD", ["mad", "blue"]),
    "OV-MERD/sample_00000003": ("OV-MERD", []),
}


def test_the_authors_folder_gives_the_test_part_of_each_of_the_nine_sets(dataset: Path) -> None:
    assert read_truths(dataset) == TRUTHS
    for one in SETS:
        alone = {name: truth for name, truth in TRUTHS.items() if truth[0] == one.name}
        assert read_truths(dataset / one.folder) == alone
        assert read_truths(dataset / one.folder / one.labels) == alone


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("gt_mer2023_test1.npz", "MER2023"),
        ("hitrate_gt/gt_mer2024_semi_other.npz", "MER2024"),
        ("gt_iemocap_Session5.npz", "IEMOCAP"),
        ("gt_meld_emotion_test.npz", "MELD"),
        ("output/results-cmumosi/model_20250101/checkpoint_000030-openset-sentiment.npz", "MOSI"),
        ("output/results-cmumosei/model/c-openset.npz", "MOSEI"),
        ("output/results-sims/model/c-openset.npz", "SIMS"),
        ("output/results-simsv2/model/c-openset.npz", "SIMSv2"),
        ("sims_v2.npz", "SIMSv2"),
        ("output/results-iemocapfour/model/c-openset.npz", "IEMOCAP"),
        ("output/results-ovmerdplus/model/c-openset.npz", "OV-MERD"),
        ("mer2025-dataset/track2_train_ovmerd.csv", "OV-MERD"),
        ("meld/1/2/3/x.npz", None),  # too far away to speak of the file
        ("mosia/x.npz", None),
    ],
)
def test_the_set_of_a_file_is_told_by_its_name_and_folders(tmp_path: Path, path: str, name: str | None) -> None:
    found = set_named(Path("/") / path)
    assert (found.name if found else None) == name


def test_one_value_under_each_clips_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "gt_mer2023_test1.npz", sample_00000001=np.array("worried"), sample_00000002=np.array("happy"))
    assert read_truths(tmp_path / "gt_mer2023_test1.npz") == {
        "MER2023/sample_00000001": ("MER2023", "worried"),
        "MER2023/sample_00000002": ("MER2023", "happy"),
    }
    # Of a set that is none of the nine, the values say what they are.
    np.savez(tmp_path / "mine.npz", a=np.array("positive"), b=np.array("neutral"))
    assert read_truths(tmp_path / "mine.npz") == {"mine/a": ("mine", 1.0), "mine/b": ("mine", 0.0)}
    np.savez(tmp_path / "other.npz", a=np.array("sad"), b=np.array("angry"))
    assert read_truths(tmp_path / "other.npz") == {"other/a": ("other", "sad"), "other/b": ("other", "angry")}


def test_openset_truths_come_as_csv_and_npz(tmp_path: Path) -> None:
    (tmp_path / "track2_test.csv").write_text("name,openset\na,\"['sad', 'calm']\"\nb,\n")
    np.savez(tmp_path / "ovmerd.npz", filenames=["a", "b"], fileitems=["[sad, calm]", "[]"])
    assert read_truths(tmp_path / "track2_test.csv") == {
        "track2_test/a": ("track2_test", ["sad", "calm"]),
        "track2_test/b": ("track2_test", []),
    }
    assert read_truths(tmp_path / "ovmerd.npz") == {
        "OV-MERD/a": ("OV-MERD", ["sad", "calm"]),
        "OV-MERD/b": ("OV-MERD", []),
    }


def test_sentiments_are_words_or_numbers_in_our_rows_too(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    write_rows(
        path,
        [
            {"id": "a", "sentiment": "Negative", "group": "s"},
            {"id": "b", "sentiment": 0.2, "group": "s"},
            {"id": "c", "labels": ["Sad"], "group": "o"},
            {"id": "d", "emotion": "sad", "group": "e"},
        ],
    )
    assert read_truths(path) == {"a": ("s", -1.0), "b": ("s", 0.2), "c": ("o", ["sad"]), "d": ("e", "sad")}


def results(folder: Path, name: str, ending: str, said: dict[str, str], **more: Any) -> Path:
    """Write the results of one set where the authors' scripts write them."""
    path = folder / f"results-{name}" / "model_20250101" / f"checkpoint_000030_loss_0.7{ending}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, filenames=list(said), fileitems=list(said.values()), **more)
    return path


def test_from_the_authors_files_to_a_score_in_one_command(dataset: Path, wheel: Path, tmp_path: Path) -> None:
    given = [
        # Of other clips nothing is asked: the authors' results are of all candidates.
        results(
            tmp_path, "mer2023", "-openset", {"sample_00000001": "['furious']", "sample_00000002": "", "z": "[sad]"}
        ),
        results(tmp_path, "meld", "-openset", {"test_dia0_utt0": "[glad]", "test_dia0_utt1": ""}),
        results(tmp_path, "cmumosi", "-openset-sentiment", {"x_1": "neutral", "x_2": "positive"}),
        results(tmp_path, "ovmerdplus", "-openset", {"sample_00000001": "[mad]", "sample_00000003": "[mad]"}),
    ]
    call = ["eval", "mer-unibench", "--data", str(dataset), "--wheel", str(wheel), "--model", "m", "--official"]
    assert cli.main([*call, "-o", str(tmp_path / "run"), "--results", *map(str, given)]) == 0
    found = read_scores(tmp_path / "run")
    first = {name: of[key]["value"] for name, of in found["groups"].items() for key in ("hit_rate", "f1") if key in of}
    # "angry" is in wheel 1 alone, and no wheel knows "anger" or "surprise".
    assert first == {"MER2023": 1.0, "MELD": None, "MOSI": 0.5}
    # Wheel 1: {angry, sad} and {angry}, P 1, R 1/2, F 2/3; wheels 2 to 5 have {bad} in both.
    overlap = found["groups"]["OV-MERD"]["ew_f1_level1"]["value"]
    assert overlap == pytest.approx((2 / 3 + 4) / 5)
    assert found["metrics"]["mean_of_sets"]["value"] is None  # MELD has no score
    assert [item.id for item in read_items(tmp_path / "run")] == [
        name for name, (group, _) in TRUTHS.items() if group in ("MER2023", "MELD", "MOSI", "OV-MERD")
    ]
    assert "4 of MER-UniBench's 9 sets; not here: MER2024, IEMOCAP, MOSEI, SIMS, SIMSv2" in found["notes"]
    assert "MOSI: 2 clips; its test set has 686" in found["notes"]
    assert found["manifest"]["settings"]["wheel_edition"] == Wheels(wheel).named
    assert {"MOSI/label.npz", "results/MOSI/checkpoint_000030_loss_0.7-openset-sentiment.npz"} <= set(
        found["manifest"]["data"]
    )

    fewer = [path for path in given if "meld" not in str(path)]
    assert cli.main([*call, "-o", str(tmp_path / "fewer"), "--results", *map(str, fewer)]) == 0
    metrics = read_scores(tmp_path / "fewer")["metrics"]
    assert list(metrics)[:2] == ["mean_of_sets", "mean_of_sets_official"]
    assert metrics["mean_of_sets"]["value"] == pytest.approx((1 + 0.5 + overlap) / 3)
    # A neutral answer to a negative clip is right by the authors' rule.
    assert metrics["mean_of_sets_official"]["value"] == pytest.approx((1 + 1 + overlap) / 3)
    assert metrics["mean_of_sets"]["low"] <= metrics["mean_of_sets"]["value"] <= metrics["mean_of_sets"]["high"]


def clips(dataset: Path) -> None:
    """Put a clip for each truth where the authors have it; IEMOCAP's is .avi, MOSI's sound is apart."""
    for name, (group, _) in TRUTHS.items():
        one = next(one for one in SETS if one.name == group)
        folder = dataset / one.folder / one.video
        folder.mkdir(exist_ok=True)
        (folder / f"{name.split('/')[1]}{'.avi' if group == 'IEMOCAP' else '.mp4'}").touch()
    (dataset / "cmumosi-process" / "subaudio").mkdir()
    (dataset / "cmumosi-process" / "subaudio" / "x_1.wav").touch()


@pytest.fixture
def asked(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, list[str]]]:
    monkeypatch.delenv("USE_AUDIO_IN_VIDEO", raising=False)
    folder = authors(tmp_path / "dataset")
    clips(folder)
    yield folder, ["eval", "mer-unibench", "--data", str(folder), "--wheel", str(wheel), "-o", str(tmp_path / "run")]


def test_a_model_is_asked_about_the_clips_beside_the_labels(
    tmp_path: Path, asked: tuple[Path, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, call = asked
    assert cli.main([*call, "--prompt", "open"]) == 0
    rows = {row["id"]: row for _, row in read_rows(tmp_path / "run" / "questions.jsonl")}
    assert list(rows) == list(TRUTHS)
    mosi = folder / "cmumosi-process"
    assert rows["MOSI/x_1"] == {
        "id": "MOSI/x_1",
        "language": "en",
        "messages": [{"role": "user", "content": OPEN_PROMPTS["en"]}],
        "videos": [str(mosi / "subvideo" / "x_1.mp4")],
        "audios": [str(mosi / "subaudio" / "x_1.wav")],
    }
    assert rows["MOSI/x_2"]["audios"] == [str(mosi / "subvideo" / "x_2.mp4")]
    assert rows["IEMOCAP/Ses05M_impro01_F000"]["videos"][0].endswith("subvideo-tgt/Ses05M_impro01_F000.avi")
    assert rows["SIMSv2/video_0001_0003"]["videos"][0].endswith("simsv2-process/video_new/video_0001_0003.mp4")
    assert rows["SIMS/video_0001_0003"]["messages"][0]["content"] == OPEN_PROMPTS["zh"]  # as the clip is

    (folder / "sims-process" / "video" / "video_0001_0003.mp4").unlink()
    assert cli.main([*call[:-1], str(tmp_path / "other")]) == 2
    assert "1 of 1 clips are not there (the first: 'video_0001_0003.mp4')" in capsys.readouterr().err


def reads(asked: Asked) -> Reply:
    """Labels stand in <...>, a sentiment follows from them; what is <broken> cannot be read."""
    if "sentiment" in asked.text and "Which sentiment" in asked.text:
        words = asked.text.rsplit("Words", 1)[1]
        return say(
            json.dumps({"sentiment": ["positive" if "glad" in words else "negative" if "sad" in words else "both"]})
        )
    found = re.search("<(.*?)>", asked.text)[1]  # type: ignore[index]
    return say("no" if found == "broken" else json.dumps({"labels": found.split(", ") if found else []}))


def test_a_judge_reads_labels_and_sentiments_out_of_a_models_words(
    tmp_path: Path, asked: tuple[Path, list[str]]
) -> None:
    _, call = asked
    said = {
        "MER2023/sample_00000001": "He is <furious>.",
        "MER2024/samplenew3_00000001": "She is <broken>.",
        "IEMOCAP/Ses05M_impro01_F000": "She is <glad>.",
        "MOSI/x_1": "He is <sad>.",
        "MOSI/x_2": "He is <glad, merry>.",
        "MOSEI/y_1": "A street. <>",
        "SIMS/video_0001_0003": "She is <glad>.",
        "SIMSv2/video_0001_0003": "She is <torn>.",
        "OV-MERD/sample_00000001": "He is <mad, blue>.",
        "OV-MERD/sample_00000003": "",
    }
    answers = tmp_path / "answers.jsonl"
    rows = [{"id": name, "response": text, "labels": None, "videos": ["a.mp4"]} for name, text in said.items()]
    write_rows(answers, [*rows, {"id": "MELD/test_dia0_utt0", "response": None, "labels": None}])
    with LLMServer(reads) as server:
        judge = ["--judge", "j", "--base-url", server.url]
        assert cli.main([*call, "--answers", str(answers), "--model", "m", *judge]) == 0
    found = {item.id: item for item in read_items(tmp_path / "run")}
    states = {name: (item.state, item.prediction) for name, item in found.items()}
    assert states == {
        "MER2023/sample_00000001": ("answered", ["furious"]),
        "MER2023/sample_00000002": ("missing", None),
        "MER2024/samplenew3_00000001": ("unjudged", None),
        "MELD/test_dia0_utt0": ("missing", None),
        "MELD/test_dia0_utt1": ("missing", None),
        "IEMOCAP/Ses05M_impro01_F000": ("answered", ["glad"]),
        "MOSI/x_1": ("answered", -1.0),
        "MOSI/x_2": ("answered", 1.0),
        "MOSEI/y_1": ("answered", 0.0),  # no label is neutral
        "SIMS/video_0001_0003": ("answered", 1.0),
        "SIMSv2/video_0001_0003": ("invalid", None),  # "both" is none of the three
        "OV-MERD/sample_00000001": ("answered", ["mad", "blue"]),
        "OV-MERD/sample_00000003": ("invalid", None),
    }
    assert found["MOSI/x_1"].response == "He is <sad>."
    metrics = read_scores(tmp_path / "run")["metrics"]
    # The five sentiments that are not zero: three are right.
    assert metrics["accuracy"]["value"] == pytest.approx(3 / 5)
    assert (metrics["hit_rate"]["n"], metrics["hit_rate"]["unjudged"], metrics["hit_rate"]["missing"]) == (6, 1, 3)
    # Wheel 1 has angry (hit) and sad (glad is happy); the others know no truth that is judged.
    assert metrics["hit_rate"]["value"] == 1 / 2
    assert metrics["ew_f1_level1"]["value"] == 1


def test_descriptions_and_labels_in_the_authors_files_need_a_judge_where_nothing_else_says_it(
    dataset: Path, wheel: Path, tmp_path: Path
) -> None:
    path = tmp_path / "results-cmumosi" / "checkpoint_000030.npz"
    path.parent.mkdir()
    np.savez(path, name2reason=np.array({"x_1": "He is <sad>.", "x_2": "He is <glad>."}, dtype=object))
    call = ["eval", "mer-unibench", "--data", str(dataset), "--wheel", str(wheel), "--results", str(path)]
    with LLMServer(reads) as server:
        assert cli.main([*call, "-o", str(tmp_path / "run"), "--judge", "j", "--base-url", server.url]) == 0
    assert read_scores(tmp_path / "run")["metrics"]["accuracy"]["value"] == 1
    mosi = {name: truth for name, truth in TRUTHS.items() if truth[0] == "MOSI"}
    with pytest.raises(InputError, match="--judge: is not given, and the answers are descriptions"):
        items(mosi, path, None)
    labels = results(tmp_path, "cmumosi", "-openset", {"x_1": "[sad]", "x_2": "[glad]"})
    with pytest.raises(InputError, match="--judge: is not given, and sentiments are to be read out of labels"):
        items(mosi, labels, None)


class Runs:
    def __reduce__(self) -> Any:
        return os.mkdir, ("ran",)


def test_a_hostile_label_file_is_refused_and_its_code_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "meld-process").mkdir()
    np.savez(tmp_path / "meld-process" / "label.npz", test_corpus=np.array({"a": Runs()}, dtype=object))
    assert cli.main(["eval", "mer-unibench", "--data", ".", "--wheel", "w", "-o", "run"]) == 2
    assert re.search(r"meld-process/label.npz: file: cannot be read .*mkdir", capsys.readouterr().err)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["meld-process"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda f: (f / "x").mkdir(),
            "--data: holds no set of MER-UniBench; name the folder that holds mer2023-dataset",
        ),
        (
            lambda f: np.savez(f / "x", test_corpus=np.array({"a": {"val": 1}}, dtype=object)),
            "x.npz: labels: has the parts 'test_corpus' and does not say which set they are of; leave the file in",
        ),
        (
            lambda f: np.savez(f / "meld", test_corpus=np.array({"a": {"emo": 7}}, dtype=object)),
            "meld.npz: a: emotion: is 7, no emotion of MELD",
        ),
        (
            lambda f: np.savez(f / "meld", test_corpus=np.array({"a": {"val": 7}}, dtype=object)),
            "meld.npz: a: emo: is missing",
        ),
        (
            lambda f: np.savez(f / "meld", train_corpus=np.array({"a": {"emo": 1}}, dtype=object)),
            "has the parts 'train_corpus' and does not say test_corpus, which MELD is tested on",
        ),
        (
            lambda f: np.savez(f / "mosi", test_corpus=np.array({"a": {"val": float("nan")}}, dtype=object)),
            "mosi.npz: a: sentiment: is nan; a sentiment is a number, or positive, negative, neutral",
        ),
    ],
)
def test_a_file_that_is_not_as_shipped_is_named(tmp_path: Path, make: Any, message: str) -> None:
    make(tmp_path)
    (path,) = tmp_path.iterdir()
    with pytest.raises(InputError, match=re.escape(message)):
        read_truths(path)


def test_results_whose_set_is_not_known_or_that_come_twice_are_named(
    dataset: Path, wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def error(*given: Path, data: Path = dataset) -> str:
        call = ["eval", "mer-unibench", "--data", str(data), "--wheel", str(wheel), "-o", str(tmp_path / "run")]
        assert cli.main([*call, "--results", *map(str, given)]) == 2
        return capsys.readouterr().err

    one = results(tmp_path, "meld", "-openset", {"test_dia0_utt0": "[glad]"})
    two = results(tmp_path, "meld", "-openset2", {"test_dia0_utt0": "[glad]"})
    assert "--results: is the second file of MELD; name one file for each set" in error(one, two)
    (tmp_path / "x.npz").write_bytes(one.read_bytes())
    assert "x.npz: --results: names none of MER-UniBench's sets; leave it in its folder" in error(tmp_path / "x.npz")
    # One set alone needs no name; the clips say when it is another's.
    assert "holds no clip of MOSI; name the results on this set" in error(one, data=dataset / "cmumosi-process")
    assert "--results: is of OV-MERD, which is not in the data" in error(
        results(tmp_path, "ovmerd", "-openset", {"a": ""}), data=dataset_of(tmp_path, dataset)
    )


def dataset_of(folder: Path, dataset: Path) -> Path:
    """A folder of two sets alone."""
    there = folder / "two"
    there.mkdir()
    for name in ("meld-process", "cmumosi-process"):
        (there / name).symlink_to(dataset / name)
    return there


def test_the_groups_of_our_rows_have_results_in_the_authors_form_too(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    write_rows(
        truth, [{"id": "x_1", "sentiment": 1, "group": "MOSI"}, {"id": "y_1", "sentiment": -1, "group": "MOSEI"}]
    )
    given = [
        results(tmp_path, "cmumosi", "-openset-sentiment", {"x_1": "positive"}),
        results(tmp_path, "cmumosei", "-openset-sentiment", {"y_1": "positive"}),
    ]
    call = ["eval", "mer-unibench", "--data", str(truth), "-o", str(tmp_path / "run")]
    assert cli.main([*call, "--results", *map(str, given)]) == 0
    metrics = read_scores(tmp_path / "run")["metrics"]
    assert (metrics["mean_of_sets"]["value"], metrics["accuracy"]["value"]) == (0.5, 0.5)


def test_several_files_of_truths_are_one_benchmark_and_two_of_a_set_are_refused(
    dataset: Path, wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "gt_mer2023_test1.npz", sample_00000001=np.array("mad"))
    np.savez(tmp_path / "reasons.npz", name2reason=np.array({"a": "He is sad."}, dtype=object))
    said = tmp_path / "said.jsonl"
    write_rows(
        said, [{"id": "MER2023/sample_00000001", "labels": ["mad"]}, {"id": "MOSI/x_1", "sentiment": "negative"}]
    )
    call = [
        "eval",
        "mer-unibench",
        "--wheel",
        str(wheel),
        "--answers",
        str(said),
        "-o",
        str(tmp_path / "run"),
        "--data",
    ]
    assert cli.main([*call, str(tmp_path / "gt_mer2023_test1.npz"), str(dataset / "cmumosi-process")]) == 0
    # One hit, and one of two signs: F1 of positive 0, of negative 1.
    assert read_scores(tmp_path / "run")["metrics"]["mean_of_sets"]["value"] == (1 + 1 / 2) / 2
    capsys.readouterr()
    assert cli.main([*call, str(tmp_path / "gt_mer2023_test1.npz"), str(dataset)]) == 2
    assert "--data: MER2023: has its truths in two files; name one of them" in capsys.readouterr().err
    assert cli.main([*call, str(tmp_path / "reasons.npz")]) == 2
    assert "holds descriptions (name2reason), which are answers; name the file of the truths" in capsys.readouterr().err


def test_a_set_without_a_folder_of_clips_is_told_where_to_put_them(dataset: Path, capsys: Any, tmp_path: Path) -> None:
    call = ["eval", "mer-unibench", "--data", str(dataset / "cmumosi-process"), "-o", str(tmp_path / "run")]
    assert cli.main(call) == 2
    assert "--media: is not given, and" in (said := capsys.readouterr().err)
    assert "cmumosi-process/subvideo is no folder; name the folder of the clips" in said
    for name in ("x_1.mp4", "x_2.mp4"):
        (tmp_path / name).touch()
    assert cli.main([*call, "--media", str(tmp_path)]) == 0
    assert [row["id"] for _, row in read_rows(tmp_path / "run" / "questions.jsonl")] == ["MOSI/x_1", "MOSI/x_2"]


def test_the_scores_of_items_in_any_order_are_the_same(dataset: Path, wheel: Path, tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    write_rows(
        path, [{"id": "MER2023/sample_00000001", "labels": ["mad"]}, {"id": "MOSI/x_1", "sentiment": "negative"}]
    )
    truths = {name: truth for name, truth in TRUTHS.items() if truth[0] in ("MER2023", "MOSI")}
    found = items(truths, path, Wheels(wheel))
    assert scores(found, Wheels(wheel), official=True) == scores(found[::-1], Wheels(wheel), official=True)

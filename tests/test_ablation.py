"""The ablation of tests/benchmarks: which rows an arm has, what is taken as done, tables, CSV and picture."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from swift_saber.mini.world import record, sample_split
from swift_saber.sed.layout import render
from tests.benchmarks import ablation, hard_world, label_curve, one_process
from tests.benchmarks.ablation import ARMS, Arm, arm_rows, is_done, read, recipe_of, seed_tasks, settings_of, write
from tests.benchmarks.label_curve import COUNTS, METHODS, Method, variant
from tests.plugin.rlhf import FLAGS, FULL, rlhf, write_pairs

CLIPS = {"consistent": 6, "conflict": 80, "hidden": 2, "mute": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared seed without media: two pairs for each clip, in mixed order."""
    folder = tmp_path_factory.mktemp("seed0")
    (folder / "world").mkdir()
    truths = sample_split("pairs", CLIPS, 0)
    media = {"videos": ["v.mp4"], "audios": ["a.wav"]}
    rows = [{"id": truth.id, "labels": {"kind": truth.kind, "emotion": truth.emotion}, **media} for truth in truths]
    write(folder / "world" / "pairs_clips.jsonl", rows)
    pairs = [
        {
            "id": f"{row['id']}/{kind}",
            "clip": row["id"],
            "kind": kind,
            "consistency": "consistent",
            "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "chosen"}],
            "rejected_response": "rejected",
            **media,
        }
        for kind in ("record", "swapped")
        for row in reversed(rows)
    ]
    write(folder / "pairs.jsonl", pairs)
    return folder


def conflicts(rows: list[dict[str, Any]]) -> set[str]:
    return {row["id"].split("/")[0] for row in rows if "-conflict-" in row["id"]}


@pytest.mark.parametrize("count", COUNTS)
def test_an_arm_of_the_curve_has_all_pairs_of_the_first_conflicting_clips(folder: Path, count: int) -> None:
    rows = arm_rows(METHODS[1].arm(count), folder)
    # Of each clip two pairs.
    assert len(rows) == 2 * (6 + 2 + 2 + count)
    assert conflicts(rows) == {f"pairs-conflict-{number:05d}" for number in range(count)}
    kinds = Counter(truth.emotion for truth in sample_split("pairs", CLIPS, 0) if truth.id in conflicts(rows))
    assert abs(kinds["sarcastic"] - kinds["forced calm"]) == count % 2
    assert rows[0]["rejected_response"] == "rejected"


def test_the_methods_have_equal_rows_and_sft_the_chosen_answers_alone(folder: Path) -> None:
    sft, ca_dpo, modality = (arm_rows(method.arm(10), folder) for method in METHODS[:3])
    assert [row["id"] for row in sft] == [row["id"] for row in ca_dpo] and ca_dpo == modality
    assert {key for row in sft for key in row} == {"id", "messages", "videos", "audios"}


def test_conclusion_pairs_are_made_of_the_clips_of_the_arm_alone(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not to be known lends no conclusion, and both methods with these pairs have the same."""
    shown: list[list[str]] = []

    def select(*words: Any) -> None:
        scored, to = words[2:4]
        shown.append([row["id"] for row in ablation.read(Path(scored))])
        ablation.write(Path(to), [{"id": f"{shown[-1][0]}#conclusion", "clip": shown[-1][0], "messages": []}])

    for name in ("pairs.jsonl", "world"):
        (tmp_path / name).symlink_to(folder / name)
    clips = [row["id"] for row in ablation.read(folder / "world" / "pairs_clips.jsonl")]
    ablation.write(tmp_path / "scored.jsonl", [{"id": clip} for clip in clips])
    monkeypatch.setattr(ablation, "saber", select)
    ca_dpo, sft = (arm_rows(method.arm(10), tmp_path) for method in METHODS[3:])
    assert (
        len(shown) == 1 and [len(row) for row in (ca_dpo, sft)] == [len(arm_rows(METHODS[0].arm(10), folder)) + 1] * 2
    )
    assert set(clips) - set(shown[0]) == set([clip for clip in clips if "conflict" in clip][10:])


def test_a_world_with_too_few_conflicts_is_no_point_of_the_curve(folder: Path) -> None:
    with pytest.raises(ValueError, match="80 clips conflict, not 81"):
        arm_rows(METHODS[0].arm(81), folder)


def test_few_conflicting_clips_have_as_many_other_pairs_beside_them(folder: Path) -> None:
    rows = arm_rows(Arm("", "", rows="few"), folder)
    assert len(conflicts(rows)) == 30
    # 60 pairs of these 30, and the 20 pairs that the other clips have.
    assert len(rows) == 80


@pytest.mark.parametrize("arm", [arm for arm in ARMS if arm.method == "sft"] + [METHODS[0].arm(5)])
def test_an_sft_arm_is_trained_as_long_and_as_fast_as_ca_dpo(arm: Arm) -> None:
    shared = ("max_steps", "per_device_train_batch_size", "learning_rate", "warmup_ratio", "weight_decay", "seed")
    ours, ca_dpo = recipe_of(arm), recipe_of(METHODS[1].arm(5))
    assert {key: ours[key] for key in shared} == {key: ca_dpo[key] for key in shared}
    assert ours["max_steps"] == ours["save_steps"] == ablation.STEPS
    assert "rlhf_type" not in ours and ca_dpo["loss_type"] == "ca_dpo"


def test_arms_of_one_folder_have_the_same_settings() -> None:
    """The table and the curve share them."""
    arms = [*ARMS, *(method.arm(count) for method in METHODS for count in COUNTS)]
    known: dict[str, Any] = {}
    for arm in arms:
        assert known.setdefault(arm.folder, settings_of(arm)) == settings_of(arm)
    assert len(known) < len(arms)


def test_what_was_made_with_other_settings_is_not_done(tmp_path: Path) -> None:
    arm = METHODS[2].arm(2)
    assert not is_done(arm, tmp_path)
    give(tmp_path, arm, 1.0)
    assert is_done(arm, tmp_path)
    others = (
        Arm(arm.name, arm.folder, rows=2, environment={**arm.environment, "SABER_MARGIN_SCALE": "1"}),
        Arm(arm.name, arm.folder, rows=2, environment=arm.environment, flags={"beta": 0.1}),
        Arm(arm.name, arm.folder, rows=3, environment=arm.environment),
    )
    assert not any(is_done(other, tmp_path) for other in others)


def test_arms_wait_for_what_they_start_from_and_one_folder_is_one_task(tmp_path: Path) -> None:
    seed = tmp_path / "seed3"
    arms = [ARMS[3], METHODS[1].arm(80), ARMS[-1]]
    tasks = {task.name: task.needs for task in seed_tasks(arms, seed, 3, world="demo", keep=False)}
    pairs, emotion = "seed3: SED and pairs", "seed3: model of the emotion alone"
    assert tasks == {
        pairs: (),
        emotion: (pairs,),
        "seed3: ca_dpo-80": (pairs,),
        "seed3: ca_dpo-emotion": (pairs, emotion),
    }
    assert len(seed_tasks(arms[:1], seed, 3, world="demo", keep=False)) == 2


def give(folder: Path, arm: Arm, share: float) -> None:
    """Leave made-up scores: `share` of the conflicting clips' emotions is right, and all else."""
    place = folder / "arms" / arm.folder
    place.mkdir(parents=True)
    right = dict.fromkeys(("emotion", "acoustic", "visual"), 1.0)
    scores = dict.fromkeys(("consistent", "conflict", "hidden", "mute"), right)
    scores["conflict"] = {**right, "emotion": share}
    result = {"settings": settings_of(arm), "rows": 7, "seconds": {}, "scores": scores}
    (place / "scores.json").write_text(json.dumps(result))


@pytest.fixture
def seeds(tmp_path: Path) -> dict[int, Path]:
    """Two seeds with all of SFT, and one of them with CA-DPO for 0 and 2 clips."""
    folders = {seed: tmp_path / f"seed{seed}" for seed in (0, 1)}
    for seed, folder in folders.items():
        for count in COUNTS:
            give(folder, METHODS[0].arm(count), 0.5 + 0.2 * seed)
    for count in (0, 2):
        give(folders[0], METHODS[1].arm(count), 0.25)
    return folders


def test_the_table_has_mean_and_spread_of_what_every_seed_has(seeds: dict[int, Path]) -> None:
    found = label_curve.results(METHODS, COUNTS, seeds)
    head, _, *lines = label_curve.table(found, 2).splitlines()
    assert head.startswith(
        "| conflicting clips | method | consistent emotion | conflict emotion | conflict voice line |"
    )
    # 0.5 and 0.7: mean 0.6, standard deviation 0.1 * sqrt(2).
    ones = " | ".join(["1.00 ± 0.00"] * 4)
    assert lines == [f"| {count} | SFT | 1.00 ± 0.00 | 0.60 ± 0.14 | {ones} |" for count in COUNTS]
    one_seed = label_curve.table(label_curve.results(METHODS, COUNTS, {0: seeds[0]}), 1)
    assert "| 2 | CA-DPO | 1.00 | 0.25 | 1.00 | 1.00 | 1.00 | 1.00 |" in one_seed


def test_the_ablations_table_says_how_many_pairs_an_arm_had(seeds: dict[int, Path]) -> None:
    lines = ablation.table(ARMS, [*seeds.values()]).splitlines()
    assert [line.split(" | ")[:4] for line in lines[2:]] == [
        ["| + SFT on the chosen answers", "7", "1.00 ± 0.00", "0.60 ± 0.14"],
        ["| no conflicting clip: SFT", "7", "1.00 ± 0.00", "0.60 ± 0.14"],
    ]


@pytest.mark.parametrize(("world", "steps"), [("demo", 240), ("hard", hard_world.SED_STEPS)])
def test_both_models_that_arms_start_from_are_trained_as_long_as_the_world_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: str, steps: int
) -> None:
    """And the one without evidence on the records' emotions, of which some of the harder world are wrong."""
    (tmp_path / "world").mkdir()
    sample = hard_world.sample_split if world == "hard" else sample_split
    truths = sample("train", {"consistent": 30}, 0)
    rows = [{"id": truth.id, "labels": asdict(truth), "videos": ["v.mp4"], "audios": ["a.wav"]} for truth in truths]
    write(tmp_path / "world" / "train.jsonl", rows)
    trained: dict[str, tuple[int, int]] = {}

    def train(method: str, recipe: dict[str, Any], model: Path, data: Path, to: Path) -> None:
        assert (method, model.name) == ("sft", "base")
        trained[to.name.split(".")[0]] = recipe["max_steps"], recipe["save_steps"]
        to.mkdir()

    def saber(*words: Any) -> None:
        if words[:2] == ("pairs", "select"):
            write(Path(words[3]), [])

    monkeypatch.setattr(ablation, "make_base", lambda *_: None)
    monkeypatch.setattr(ablation, "train", train)
    monkeypatch.setattr(ablation, "saber", saber)
    ablation.prepare(tmp_path, 0, world)
    ablation.prepare_emotion(tmp_path, 0, world)
    assert trained == dict.fromkeys(("sed", "emotion"), (steps, steps))
    told = [row["messages"][-1]["content"] for row in read(tmp_path / "emotion.jsonl")]
    differ = [named != truth.emotion for named, truth in zip(told, truths, strict=True)]
    assert differ == [getattr(truth, "recorded", truth.emotion) != truth.emotion for truth in truths]
    assert any(differ) == (world == "hard")


def test_the_model_without_evidence_prefers_what_the_record_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "world").mkdir()
    media = {"videos": ["v.mp4"], "audios": ["a.wav"]}
    labels = {"kind": "conflict", "emotion": "sarcastic", "recorded": "afraid"}
    write(tmp_path / "world" / "pairs_clips.jsonl", [{"id": "a", "labels": labels, **media}])
    pair = {"id": "a#1", "clip": "a", "kind": "record", "consistency": "inconsistent", "messages": [], **media}
    write(tmp_path / "pairs.jsonl", [pair])
    monkeypatch.setattr(one_process, "answers", lambda model, rows, longest: ["sarcastic"] * len(rows))
    [row] = arm_rows(ARMS[-1], tmp_path)
    assert (row["messages"][-1]["content"], row["rejected_response"]) == ("afraid", "sarcastic")


def test_the_harder_world_has_a_table_by_strength(tmp_path: Path) -> None:
    """Of what every seed has, and of those that write evidence."""
    shown = [0.5, 0.6, 0.7, 0.9, 1.0]  # a third of 0.5 to 1 ends at 0.67, two at 0.83
    clips = hard_world.sample_split("eval", {"conflict": len(shown)}, 0)
    truths = [replace(truth, strength=strength) for truth, strength in zip(clips, shown, strict=True)]
    folders = [tmp_path / "seed0", tmp_path / "seed1"]
    arms = {arm.name: arm for arm in (ARMS[1], ARMS[3], ARMS[-1])}
    for seed, folder in enumerate(folders):
        (folder / "world").mkdir(parents=True)
        write(folder / "world" / "eval.jsonl", [{"id": truth.id, "labels": asdict(truth)} for truth in truths])
        for arm in (ARMS[1], ARMS[-1], *([ARMS[3]] if seed else [])):
            give(folder, arm, 1.0)
            answers = [{"id": truth.id, "response": render(record(truth), language="en")} for truth in truths]
            answers[0]["response"] = answers[0]["response"] if seed else "?"
            write(folder / "arms" / arm.folder / "answers.jsonl", answers)
    # Of four answers to slight voices, one has no form.
    assert ablation.strength_table(arms, folders).splitlines() == [
        "| voice line / emotion right | 0.50 to 0.60, n 4 | 0.70 to 0.70, n 2 | 0.90 to 1.00, n 4 |",
        "| --- | --- | --- | --- |",
        "| + SFT on the chosen answers | 0.75 / 0.75 | 1.00 / 1.00 | 1.00 / 1.00 |",
    ]


@pytest.mark.parametrize("program", [ablation, label_curve])
def test_help_has_an_example_wherever_it_is_asked_for(program: Any, tmp_path: Path) -> None:
    command = [sys.executable, str(program.__file__), "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"    python tests/benchmarks/{Path(program.__file__).name} runs/" in done.stdout


def test_every_seed_stands_in_the_csv_and_all_is_drawn(seeds: dict[int, Path], tmp_path: Path) -> None:
    found = label_curve.results(METHODS, COUNTS, seeds)
    label_curve.write_csv(found, tmp_path / "curve.csv")
    with (tmp_path / "curve.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * len(COUNTS) + 2
    assert {(row["seed"], row["conflict emotion"]) for row in rows if row["method"] == "SFT"} == {
        ("0", "0.5"),
        ("1", "0.7"),
    }
    label_curve.plot(found, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_a_method_of_ones_own_is_named_on_the_command_line() -> None:
    method = variant(["low beta", "beta=0.1", "SABER_MARGIN_SCALE=2"])
    assert method == Method("low beta", "variant-low_beta", "rlhf", {"beta": "0.1"}, {"SABER_MARGIN_SCALE": "2"})
    assert recipe_of(method.arm(5))["beta"] == "0.1"
    with pytest.raises(SystemExit, match="'beta' is not KEY=VALUE"):
        variant(["low beta", "beta"])


@pytest.mark.slow
def test_in_one_process_ms_swift_trains_and_answers_as_by_itself(
    tiny_model: Path, tiny_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights to the last digits, since the reference's log-probabilities are kept; and each row is encoded once."""
    from safetensors.torch import load_file
    from swift.pipelines import infer_main

    from swift_saber.plugin.saber_template import SEDMixin

    pairs = write_pairs(tmp_path / "pairs.jsonl", tiny_world, 4)
    # One row more has a column that the others lack, and a file without that row has no such column.
    few, rows = tmp_path / "few.jsonl", read(pairs)
    write(few, rows[:3])
    write(pairs, [*rows[:3], {**rows[3], "language": "zh"}])
    given = {**FULL, "loss_type": "ca_dpo", "max_steps": 3, "save_strategy": "steps", "save_steps": 3}
    rlhf(tiny_model, pairs, tmp_path / "stock", **given)
    questions, stock = tiny_world / "eval.jsonl", tmp_path / "stock" / "checkpoint-3"
    arguments = ["--model", stock, "--val_dataset", questions, "--result_path", tmp_path / "answers.jsonl"]
    arguments += ["--stream", "false", "--max_new_tokens", 8, "--temperature", 0, "--max_batch_size", 5]
    infer_main([str(argument) for argument in arguments])
    encoded: list[bool] = []  # of each row: whether it is one of a training that keeps the reference
    encode = SEDMixin.encode

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        encoded.append(self.keyed_pairs)
        return encode(self, *args, **kwargs)

    monkeypatch.setattr(SEDMixin, "encode", counted)
    kept = {"SABER_REFERENCE_CACHE": str(tmp_path / "reference")}
    for data in (pairs, few):
        recipe = {**FLAGS, **given, "ENV": {}}
        output = tmp_path / data.stem
        one_process.train("rlhf", recipe, model=tiny_model, data=data, output=output, environment=kept)
        assert encoded.count(True) == 4
    assert "SABER_REFERENCE_CACHE" not in os.environ
    ours = tmp_path / "pairs" / "checkpoint-3"
    assert all('"use_cache": false' not in (saved / "config.json").read_text() for saved in (stock, ours))
    start, theirs, own = (load_file(folder / "model.safetensors") for folder in (tiny_model, stock, ours))
    moved = max((theirs[name] - start[name]).abs().max() for name in theirs)
    # 4e-5 of the 3e-3 that three steps of 1e-3 move them.
    assert max((theirs[name] - own[name]).abs().max() for name in theirs) < moved / 10
    asked = read(questions)
    written = [row["response"] for row in read(tmp_path / "answers.jsonl")]
    encoded.clear()
    assert one_process.answers(ours, asked, 8) == written
    assert one_process.answers(ours, asked[:2], 8) == written[:2]
    assert len(encoded) == len(asked)

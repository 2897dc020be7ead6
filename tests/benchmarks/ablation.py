"""Is it the preference objective that helps? The arms of the comparison, each trained and scored on the embedded world.

    python tests/benchmarks/ablation.py runs/ablation --seeds 0 1 2 --jobs 2
    python tests/benchmarks/ablation.py runs/hard --seeds 0 1 2 --world hard --arms "SED only" "+ CA-DPO"

For each seed: a world, the tiny model, SED with recipes/mini/sed.yaml, candidates and pairs as in shell/demo.sh, and
then each arm from the same SED model. Arms of one question have the same rows, the same number of steps, the same batch
and the same learning rate (recipes/mini/ca_dpo.yaml); a control by SFT has the chosen answers of these rows alone.
Random pairs are others, made of the same candidates.

So many processes (--jobs), each on one core, share what is to be done (task_queue.py); one does its arms one after the
other (one_process.py), as far as it can of one seed. What they print is in logs/. An arm whose scores are there, made
with its present settings, is not run again, so a stopped run goes on, and a failed arm is named at the end. Prints the
table of recipes/ablation.md, mean and standard deviation over the seeds; of the harder world (hard_world.py), also the
conflicting clips by the strength of the voice. label_curve.py has the arms of another question.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # as `python tests/benchmarks/...` has not

from swift_saber.mini import world as mini_world
from tests.benchmarks import hard_world, one_process
from tests.benchmarks.task_queue import Task, run_tasks

RECIPES = Path(__file__).resolve().parents[2] / "recipes" / "mini"
Row = dict[str, Any]

STEPS = 100  # of each arm; the demo has more
FEW = 30
LONGEST = 100  # tokens of an answer; a right one has less than 60, one that has lost its form does not end
HELD_OUT = {"consistent": 50, "conflict": 80, "hidden": 40, "mute": 30}

# A model without evidence: it is asked for the emotion and answers with nothing else.
EMOTION_QUESTION = "Name the speaker's emotion."


@dataclass(frozen=True)
class Arm:
    """A model to be scored: `method` trains `start` on the rows that `rows` makes of a seed's pairs.

    Attributes:
        name: how a table calls it.
        folder: where its results are; arms with the same settings may share them.
        start: the model that it starts from, "sed" or "emotion".
        method: "none", "sft" (chosen answers alone) or "rlhf".
        rows: a key of `arm_rows`, or the number of conflicting clips whose pairs stand beside all of the others.
        flags: values in the place of the recipe's.
        environment: options of the loss and the like, SABER_*.
        conclusions: whether each conflicting clip among them has a pair of the kind "conclusion", and as many others.
    """

    name: str
    folder: str
    start: str = "sed"
    method: str = "rlhf"
    rows: str | int = ""
    flags: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    conclusions: bool = False


ARMS = (
    Arm("SED only", "sed", method="none"),
    Arm("+ SFT on the chosen answers", "sft-80", method="sft", rows=80),
    Arm("+ DPO on random pairs", "ca_dpo-random", rows="random"),
    Arm("+ CA-DPO", "ca_dpo-80", rows=80),
    Arm("+ CA-DPO without rpo_alpha", "ca_dpo-80-rpo_alpha-0", rows=80, flags={"rpo_alpha": 0}),
    Arm("one kind of conflict: SFT", "sft-one-kind", method="sft", rows="one kind"),
    Arm("one kind of conflict: CA-DPO", "ca_dpo-one-kind", rows="one kind"),
    Arm("30 conflicting clips: SFT", "sft-few", method="sft", rows="few"),
    Arm("30 conflicting clips: CA-DPO", "ca_dpo-few", rows="few"),
    Arm("no conflicting clip: SFT", "sft-0", method="sft", rows=0),
    Arm("no conflicting clip: CA-DPO", "ca_dpo-0", rows=0),
    Arm("emotion alone: SFT stage only", "emotion", start="emotion", method="none"),
    Arm("emotion alone: + CA-DPO", "ca_dpo-emotion", start="emotion", rows="emotion"),
)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--arms", nargs="+", choices=[arm.name for arm in ARMS], default=[arm.name for arm in ARMS])
    args = parser.parse_args()
    arms = [arm for arm in ARMS if arm.name in args.arms]
    failed = run_arms(arms, args)
    print(table(ARMS, seed_folders(args)))
    if args.world == "hard":
        print(strength_table({arm.name: arm for arm in ARMS}, seed_folders(args)))
    end(failed)


def arguments(text: str | None) -> argparse.ArgumentParser:
    """What both questions are asked with."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=2, help="processes, each on one core (default 2)")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--world", choices=("demo", "hard"), default="demo", help="another one needs another folder")
    parser.add_argument("--keep", action="store_true", help="keep the models of arms, 4 MB each")
    return parser


def seed_folders(args: argparse.Namespace) -> list[Path]:
    return [(args.folder / f"seed{seed}").resolve() for seed in args.seeds]


def run_arms(arms: Sequence[Arm], args: argparse.Namespace) -> dict[str, str]:
    """Run the arms on each seed, with what they need; returns those that failed, each with where to look."""
    tasks = []
    for seed, folder in zip(args.seeds, seed_folders(args), strict=True):
        tasks += seed_tasks(arms, folder, seed, world=args.world, keep=args.keep)
    alone = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if args.device == "cpu" else {}
    return run_tasks(tasks, jobs=args.jobs, logs=(args.folder / "logs").resolve(), environment={**alone, **hidden})


def end(failed: Mapping[str, str]) -> None:
    """End the program as failed, where something did."""
    if failed:
        raise SystemExit("not done:\n" + "\n".join(f"  {name}: {why}" for name, why in failed.items()))


def seed_tasks(arms: Sequence[Arm], folder: Path, seed: int, *, world: str, keep: bool) -> list[Task]:
    """What is to be done for the arms of a seed, in a good order."""
    group, claims = folder.name, folder / "claims"
    pairs, emotion = f"{group}: SED and pairs", f"{group}: model of the emotion alone"
    made = partial(prepare, folder, seed, world)
    tasks = [Task(pairs, group, claims / "pairs", (folder / "pairs.jsonl").exists, made)]
    if any(arm.start == "emotion" for arm in arms):
        made = partial(prepare_emotion, folder, seed, world)
        tasks.append(Task(emotion, group, claims / "emotion", (folder / "emotion").exists, made, (pairs,)))
    for place, arm in {arm.folder: arm for arm in arms}.items():
        needs = (pairs, emotion) if arm.start == "emotion" else (pairs,)
        done, run = partial(is_done, arm, folder), partial(run_arm, arm, folder, keep=keep)
        tasks.append(Task(f"{group}: {place}", group, claims / f"arm-{place}", done, run, needs))
    return tasks


def recipe_of(arm: Arm) -> Row:
    """The recipe of an arm: an SFT run has the steps, batch and learning rate of recipes/mini/ca_dpo.yaml, too."""
    ca_dpo = read_recipe("ca_dpo.yaml")
    shared = ("per_device_train_batch_size", "learning_rate", "warmup_ratio", "weight_decay")
    base = ca_dpo if arm.method == "rlhf" else read_recipe("sed.yaml") | {key: ca_dpo[key] for key in shared}
    return {**base, "max_steps": STEPS, "save_steps": STEPS, **arm.flags}


def sed_recipe(world: str) -> Row:
    """The recipe of the models that arms start from, with the steps that the world needs."""
    recipe = read_recipe("sed.yaml")
    steps = {"max_steps": hard_world.SED_STEPS, "save_steps": hard_world.SED_STEPS}
    return recipe | steps if world == "hard" else recipe


@cache
def read_recipe(name: str) -> Row:
    recipe: Row = yaml.safe_load((RECIPES / name).read_text(encoding="utf-8"))
    return recipe


def settings_of(arm: Arm) -> Row:
    """All that an arm's scores depend on besides its seed, as JSON holds it."""
    settings: Row = {"start": arm.start, "method": arm.method, "rows": arm.rows, "held_out": HELD_OUT}
    if arm.conclusions:
        settings["conclusions"] = True
    if arm.method != "none":
        settings |= {"recipe": recipe_of(arm), "environment": dict(arm.environment)}
    as_read: Row = json.loads(json.dumps(settings))
    return as_read


def result_of(arm: Arm, folder: Path) -> Row | None:
    """What is known of an arm on a seed: {"settings", "rows", "seconds", "scores"}; None without, or of others."""
    path = folder / "arms" / arm.folder / "scores.json"
    found: Row | None = json.loads(path.read_text()) if path.exists() else None
    return found if found and found["settings"] == settings_of(arm) else None


def is_done(arm: Arm, folder: Path) -> bool:
    return result_of(arm, folder) is not None


def saber(*arguments: object) -> None:
    """Run one swift-saber command."""
    subprocess.run([sys.executable, "-m", "swift_saber.cli", *map(str, arguments)], check=True)


def once(path: Path, make: Callable[[Path], object]) -> Path:
    """Make a file or folder under another name first, so that one which is there is whole."""
    if not path.exists():
        part = path.with_name(f"{path.name}.{os.getpid()}.part")  # since two processes may need the same at a time
        shutil.rmtree(part, ignore_errors=True)
        part.unlink(missing_ok=True)
        make(part)
        part.rename(path)
    return path


def train(method: str, recipe: Row, model: Path, data: Path, to: Path, **environment: str) -> None:
    """Train and leave the last checkpoint as the folder `to`."""
    work = to.with_name(to.name + ".train")
    shutil.rmtree(work, ignore_errors=True)
    kept = {"SABER_REFERENCE_CACHE": str(model.with_name("reference"))} if method == "rlhf" else {}
    one_process.train(method, recipe, model=model, data=data, output=work, environment={**kept, **environment})
    shutil.rmtree(to, ignore_errors=True)
    next(work.glob("checkpoint-*")).rename(to)
    shutil.rmtree(work)


def write(path: Path, rows: Iterable[Row]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def prepare(folder: Path, seed: int, world: str) -> None:
    """Make what all arms of a seed share; the pairs are what is made last."""
    make_base(folder, seed, world)
    clips = folder / "world" / "pairs_clips.jsonl"
    data, recipe = folder / "world" / "train.jsonl", sed_recipe(world)
    once(folder / "sed", lambda to: train("sft", recipe, folder / "base", data, to))
    sampling = ("-k", 4, "--max-new-tokens", LONGEST, "--batch-size", 64)
    saber("pairs", "sample", clips, folder / "candidates.jsonl", "--model", folder / "sed", *sampling)
    saber("pairs", "score", folder / "candidates.jsonl", folder / "scored.jsonl", "--rules", "mini")
    choice = ("--records", clips, "--record-as-chosen", "--kinds", "candidates", "swapped")
    once(folder / "pairs.jsonl", lambda to: saber("pairs", "select", folder / "scored.jsonl", to, *choice))


def make_base(folder: Path, seed: int, world: str) -> None:
    """Make the world of a seed, and the tiny model."""
    write_world = hard_world.write_world if world == "hard" else mini_world.write_world
    write_world(folder / "world", seed=seed)
    saber("mini", "model", folder / "world", folder / "base", "--seed", seed)


def prepare_emotion(folder: Path, seed: int, world: str) -> None:
    """Train the model that answers with the emotion alone."""
    make_base(folder, seed, world)
    rows = read(folder / "world" / "train.jsonl")
    write(folder / "emotion.jsonl", (emotion_row(row, recorded(row["labels"])) for row in rows))
    recipe = sed_recipe(world)
    once(folder / "emotion", lambda to: train("sft", recipe, folder / "base", folder / "emotion.jsonl", to))


def recorded(labels: Row) -> str:
    """The emotion that a clip's record names; in the harder world, not always the true one."""
    emotion: str = labels.get("recorded", labels["emotion"])
    return emotion


def emotion_row(row: Row, emotion: str) -> Row:
    """The clip of a row with the question for the emotion and that answer."""
    turns = [{"role": "user", "content": EMOTION_QUESTION}, {"role": "assistant", "content": emotion}]
    return {"id": row["id"], "messages": turns, "videos": row["videos"], "audios": row["audios"]}


def arm_rows(arm: Arm, folder: Path) -> list[Row]:
    """The pairs that an arm trains on; of an SFT arm, their chosen answers."""
    pairs = read(folder / "pairs.jsonl")
    truth = {row["id"]: row["labels"] for row in read(folder / "world" / "pairs_clips.jsonl")}
    conflicts = [clip for clip in truth if truth[clip]["kind"] == "conflict"]
    made: dict[str, Callable[[], list[Row]]] = {
        "few": lambda: few_pairs(pairs, set(conflicts)),
        "one kind": lambda: [pair for pair in pairs if truth[pair["clip"]]["emotion"] != "forced calm"],
        "random": lambda: random_pairs(folder),
        "emotion": lambda: emotion_pairs(pairs, truth, folder),
    }
    rows = with_conflicts(pairs, conflicts, arm.rows) if isinstance(arm.rows, int) else made[arm.rows]()
    if arm.conclusions and arm.rows:
        rows += conclusion_pairs(folder, conflicts[int(arm.rows) :])
    if arm.method == "sft":
        kept = ("id", "messages", "videos", "audios")
        rows = [{key: pair[key] for key in kept if key in pair} for pair in rows]
    return rows


def with_conflicts(pairs: list[Row], conflicts: Sequence[str], count: int) -> list[Row]:
    """All pairs of the clips that do not conflict, and those of the first so many that do.

    Args:
        conflicts: the ids of all clips that conflict; both kinds of conflict take turns among them.
    """
    if len(conflicts) < count:
        raise ValueError(f"{len(conflicts)} clips conflict, not {count}")
    left_out = set(conflicts[count:])
    return [pair for pair in pairs if pair["clip"] not in left_out]


def conclusion_pairs(folder: Path, left_out: Sequence[str]) -> list[Row]:
    """Pairs of the kind "conclusion", as many of clips that agree as of those that conflict and are not left out.

    Clips that are left out lend no conclusion either.
    """
    path = folder / f"conclusions_without_{len(left_out)}.jsonl"

    def make(to: Path) -> None:
        with tempfile.TemporaryDirectory() as place:
            some = {}
            for name, source in (("scored", folder / "scored.jsonl"), ("records", folder / "world/pairs_clips.jsonl")):
                some[name] = Path(place) / f"{name}.jsonl"
                write(some[name], (row for row in read(source) if row["id"] not in left_out))
            choice = ("--records", some["records"], "--record-as-chosen", "--kinds", "conclusion")
            saber("pairs", "select", some["scored"], to, *choice)

    return read(once(path, make))


def few_pairs(pairs: list[Row], conflicts: set[str]) -> list[Row]:
    """The pairs of FEW conflicting clips, and as many of others."""
    few = set(list(dict.fromkeys(pair["clip"] for pair in pairs if pair["clip"] in conflicts))[:FEW])
    kept = [pair for pair in pairs if pair["clip"] in few]
    return kept + [pair for pair in pairs if pair["clip"] not in conflicts][: len(kept)]


def random_pairs(folder: Path) -> list[Row]:
    """Two different candidates of each clip, in random order: preference without a judge."""
    rng, pairs = random.Random(0), []
    for row in read(folder / "candidates.jsonl"):
        texts = sorted({candidate["text"] for candidate in row["candidates"] if "withheld" not in candidate})
        if len(texts) > 1:
            chosen, rejected = rng.sample(texts, 2)
            turns = [*row["messages"], {"role": "assistant", "content": chosen}]
            columns = {key: row[key] for key in ("id", "videos", "audios", "consistency")}
            pairs.append({**columns, "messages": turns, "rejected_response": rejected})
    return pairs


def emotion_pairs(pairs: list[Row], truth: dict[str, Row], folder: Path) -> list[Row]:
    """The same pairs for the model without evidence: the record's emotion against its own answer, where they differ."""
    questions = [emotion_row(row, "") for row in read(folder / "world" / "pairs_clips.jsonl")]
    own = dict(
        zip((row["id"] for row in questions), one_process.answers(folder / "emotion", questions, LONGEST), strict=True)
    )
    made = []
    for pair in pairs:
        right = recorded(truth[pair["clip"]])
        row = {**emotion_row(pair, right), "consistency": pair["consistency"]}
        if pair["kind"] == "swapped":
            media = {key: pair[key] for key in ("rejected_videos", "rejected_audios") if key in pair}
            made.append({**row, **media, "rejected_messages": row["messages"]})
        elif own[pair["clip"]] != right:
            made.append({**row, "rejected_response": own[pair["clip"]]})
    return made


def run_arm(arm: Arm, folder: Path, *, keep: bool = False) -> None:
    """Train an arm, ask it about the held-out clips, and leave its scores in arms/FOLDER/scores.json."""
    place, start = folder / "arms" / arm.folder, folder / arm.start
    place.mkdir(parents=True, exist_ok=True)
    begin, model, rows = time.monotonic(), start, []
    if arm.method != "none":
        model, rows = place / "model", arm_rows(arm, folder)
        write(place / "rows.jsonl", rows)
        train(arm.method, recipe_of(arm), start, place / "rows.jsonl", model, **arm.environment)
    trained = time.monotonic()
    questions = held_out(folder)
    asked = [emotion_row(row, "") for row in questions] if arm.start == "emotion" else questions
    written = one_process.answers(model, asked, LONGEST)
    seconds = {"training": round(trained - begin, 1), "answers": round(time.monotonic() - trained, 1)}
    answered = ({"id": row["id"], "response": text} for row, text in zip(questions, written, strict=True))
    write(place / "answers.jsonl", answered)
    if model != start and not keep:
        shutil.rmtree(model)
    result = {"settings": settings_of(arm), "rows": len(rows), "seconds": seconds}
    whole = place / "scores.json.part"
    whole.write_text(json.dumps({**result, "scores": judged(arm, questions, written)}))
    whole.rename(place / "scores.json")


def held_out(folder: Path) -> list[Row]:
    """The first held-out clips of each kind: 200 in the place of 300, since 13 models are asked about them."""
    left = dict(HELD_OUT)
    kept = []
    for row in read(folder / "world" / "eval.jsonl"):
        kind = row["labels"]["kind"]
        left[kind] -= 1
        if left[kind] >= 0:
            kept.append(row)
    return kept


def judged(arm: Arm, questions: list[Row], written: list[str]) -> Row:
    """Scores by kind of clip; of a model without evidence, the emotion alone."""
    from swift_saber.mini.score import EMOTION_WORDS, named, score

    if arm.start != "emotion":
        return score(questions, {row["id"]: text for row, text in zip(questions, written, strict=True)})
    right: dict[str, list[bool]] = {}
    for row, text in zip(questions, written, strict=True):
        right.setdefault(row["labels"]["kind"], []).append(named(text, EMOTION_WORDS) == row["labels"]["emotion"])
    return {kind: {"emotion": statistics.mean(found)} for kind, found in right.items()}


COLUMNS = (
    ("consistent", "emotion"), ("conflict", "emotion"), ("conflict", "acoustic"), ("conflict", "visual"),
    ("hidden", "emotion"), ("mute", "emotion"),
)  # fmt: skip
SENSES = {"acoustic": "voice line", "visual": "face line"}


def column_name(kind: str, sense: str) -> str:
    return f"{kind} {SENSES.get(sense, sense)}"


def table(arms: Sequence[Arm], folders: Sequence[Path]) -> str:
    """The arms that every seed has, one a line: mean and standard deviation over the seeds."""
    head = ["arm", "pairs", *(column_name(*column) for column in COLUMNS)]
    lines = [f"| {' | '.join(head)} |", "| " + " | ".join(["---"] * len(head)) + " |"]
    for arm in arms:
        results = [result for folder in folders if (result := result_of(arm, folder))]
        if len(results) < len(folders):
            continue
        counts = [result["rows"] for result in results]
        ends = sorted({min(counts), max(counts)})
        cells = [arm.name, "-".join(map(str, ends)) if arm.method != "none" else ""]
        lines.append(f"| {' | '.join([*cells, *score_cells([result['scores'] for result in results])])} |")
    return "\n".join(lines)


def strength_table(arms: Mapping[str, Arm], folders: Sequence[Path]) -> str:
    """The harder world's conflicting clips by the strength of the voice, all seeds together: the shares that are right.

    Args:
        arms: by what a line is called. One is there that every seed has, and that writes evidence.
    """
    lines: list[str] = []
    for name, arm in arms.items():
        if arm.start == "emotion" or not all(is_done(arm, folder) for folder in folders):
            continue
        rows, answers = [], {}
        for folder in folders:
            rows += [{**row, "id": f"{folder} {row['id']}"} for row in held_out(folder)]
            written = read(folder / "arms" / arm.folder / "answers.jsonl")
            answers |= {f"{folder} {row['id']}": row["response"] for row in written}
        parts = hard_world.by_strength(rows, answers)
        if not lines:
            head = ["voice line / emotion right", *("{from:.2f} to {to:.2f}, n {n}".format(**part) for part in parts)]
            lines = [f"| {' | '.join(head)} |", "| " + " | ".join(["---"] * len(head)) + " |"]
        cells = [name, *("{acoustic:.2f} / {emotion:.2f}".format(**part) for part in parts)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def score_cells(scores: Sequence[Row]) -> list[str]:
    """The cells of COLUMNS: mean and standard deviation."""
    cells = []
    for kind, sense in COLUMNS:
        values = [score[kind][sense] for score in scores if sense in score[kind]]
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        cells.append(f"{statistics.mean(values):.2f}{spread}" if values else "")
    return cells


if __name__ == "__main__":
    main()

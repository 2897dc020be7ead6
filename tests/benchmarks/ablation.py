"""Is it the preference objective that helps? The arms of the comparison, each trained and scored on the embedded world.

    python tests/benchmarks/ablation.py runs/ablation --seeds 0 1 2

For each seed: a world, the tiny model, SED with recipes/mini/sed.yaml, candidates and pairs as in shell/demo.sh, and
then each arm from the same SED model. Arms of one question have the same rows, the same number of steps, the same batch
and the same learning rate (recipes/mini/ca_dpo.yaml); a control by SFT has the chosen answers of these rows alone.
Random pairs are others, made of the same candidates.

Prints the table of the README, mean and standard deviation over the seeds. An arm that is in the folder already is not
run again, so a stopped run goes on, and one arm can be looked at with --arms.
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
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = REPOSITORY / "recipes" / "mini"
Row = dict[str, Any]

# A model without evidence: it is asked for the emotion and answers with nothing else.
EMOTION_QUESTION = "Name the speaker's emotion."


@dataclass(frozen=True)
class Arm:
    """One line of the table: `method` trains `start` on the rows that `pairs` makes of a seed's pairs."""

    name: str
    start: str
    method: str  # "none", "sft" (chosen answers alone) or "rlhf"
    pairs: str = ""
    flags: tuple[str, ...] = ()


NO_LIKELIHOOD = ("--rpo_alpha", "0")
ARMS = (
    Arm("SED only", "sed", "none"),
    Arm("+ SFT on the chosen answers", "sed", "sft", "all"),
    Arm("+ DPO on random pairs", "sed", "rlhf", "random"),
    Arm("+ CA-DPO", "sed", "rlhf", "all"),
    Arm("+ CA-DPO without rpo_alpha", "sed", "rlhf", "all", NO_LIKELIHOOD),
    Arm("one kind of conflict: SFT", "sed", "sft", "one kind"),
    Arm("one kind of conflict: CA-DPO", "sed", "rlhf", "one kind"),
    Arm("30 conflicting clips: SFT", "sed", "sft", "few"),
    Arm("30 conflicting clips: CA-DPO", "sed", "rlhf", "few"),
    Arm("no conflicting clip: SFT", "sed", "sft", "none"),
    Arm("no conflicting clip: CA-DPO", "sed", "rlhf", "none"),
    Arm("emotion alone: SFT stage only", "emotion", "none"),
    Arm("emotion alone: + CA-DPO", "emotion", "rlhf", "emotion"),
)
FEW = 30
LONGEST = 100  # tokens of an answer; a right one has less than 60, one that has lost its form does not end
HELD_OUT = {"consistent": 50, "conflict": 80, "hidden": 40, "mute": 30}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=[arm.name for arm in ARMS], default=[arm.name for arm in ARMS])
    args = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # so that it can run beside something else on a small machine
    for seed in args.seeds:
        folder = (args.folder / f"seed{seed}").resolve()
        prepare(folder, seed)
        for arm in ARMS:
            if arm.name in args.arms:
                run(arm, folder)
    print(table([args.folder / f"seed{seed}" for seed in args.seeds]))


def saber(*arguments: object, log: Path) -> None:
    """Run one swift-saber command, its output in a log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as file:
        command = [sys.executable, "-m", "swift_saber.cli", *map(str, arguments)]
        done = subprocess.run(command, stdout=file, stderr=file, check=False)
    if done.returncode:
        raise SystemExit(f"failed, see {log}: {' '.join(command)}")


def once(path: Path, make: Callable[[Path], object]) -> Path:
    """Make a file or folder under another name first, so that one which is there is whole."""
    if not path.exists():
        part = path.with_name(path.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        part.unlink(missing_ok=True)
        make(part)
        part.rename(path)
    return path


def train(method: str, recipe: str, model: Path, data: Path, to: Path, *flags: str) -> None:
    """Train and leave the last checkpoint as the folder `to`."""
    work = to.with_name(to.name + ".train")
    shutil.rmtree(work, ignore_errors=True)
    saber(
        method, RECIPES / recipe, "--model", model, "--dataset", data, "--output_dir", work, *flags,
        log=to.with_name("train.log"),
    )  # fmt: skip
    next(work.glob("checkpoint-*")).rename(to)
    shutil.rmtree(work)


def write(path: Path, rows: Iterable[Row]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def read(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def prepare(folder: Path, seed: int) -> None:
    """Everything that the arms of a seed share."""
    log, world = folder / "prepare.log", folder / "world"
    saber("mini", "make", world, "--seed", seed, log=log)
    saber("mini", "model", world, folder / "base", "--seed", seed, log=log)
    base, rows = folder / "base", read(world / "train.jsonl")
    once(folder / "sed", lambda to: train("sft", "sed.yaml", base, world / "train.jsonl", to))
    write(folder / "emotion.jsonl", (emotion_row(row, row["labels"]["emotion"]) for row in rows))
    once(folder / "emotion", lambda to: train("sft", "sed.yaml", base, folder / "emotion.jsonl", to))
    clips = world / "pairs_clips.jsonl"
    sampling = ("-k", 4, "--max-new-tokens", LONGEST, "--batch-size", 64)
    saber("pairs", "sample", clips, folder / "candidates.jsonl", "--model", folder / "sed", *sampling, log=log)
    saber("pairs", "score", folder / "candidates.jsonl", folder / "scored.jsonl", "--rules", "mini", log=log)
    choice = ("--records", clips, "--record-as-chosen", "--kinds", "candidates", "swapped")
    once(
        folder / "pairs.jsonl",
        lambda to: saber("pairs", "select", folder / "scored.jsonl", to, *choice, log=log),
    )


def emotion_row(row: Row, emotion: str) -> Row:
    """The clip of a row with the question for the emotion and that answer."""
    turns = [{"role": "user", "content": EMOTION_QUESTION}, {"role": "assistant", "content": emotion}]
    return {"id": row["id"], "messages": turns, "videos": row["videos"], "audios": row["audios"]}


def arm_rows(name: str, folder: Path) -> list[Row]:
    """The pairs that an arm trains on."""
    pairs = read(folder / "pairs.jsonl")
    truth = {row["id"]: row["labels"] for row in read(folder / "world" / "pairs_clips.jsonl")}
    conflicts = [clip for clip in truth if truth[clip]["kind"] == "conflict"]
    made: dict[str, Callable[[], list[Row]]] = {
        "all": lambda: pairs,
        "none": lambda: [pair for pair in pairs if pair["clip"] not in conflicts],
        "few": lambda: few_pairs(pairs, set(conflicts)),
        "one kind": lambda: [pair for pair in pairs if truth[pair["clip"]]["emotion"] != "forced calm"],
        "random": lambda: random_pairs(folder),
        "emotion": lambda: emotion_pairs(pairs, truth, folder),
    }
    return made[name]()


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
    """The same pairs for the model without evidence: true emotion against its own answer, where that is wrong."""
    questions = [emotion_row(row, "") for row in read(folder / "world" / "pairs_clips.jsonl")]
    own = dict(zip((row["id"] for row in questions), answers(folder / "emotion", questions), strict=True))
    made = []
    for pair in pairs:
        right = truth[pair["clip"]]["emotion"]
        row = {**emotion_row(pair, right), "consistency": pair["consistency"]}
        if pair["kind"] == "swapped":
            media = {key: pair[key] for key in ("rejected_videos", "rejected_audios") if key in pair}
            made.append({**row, **media, "rejected_messages": row["messages"]})
        elif own[pair["clip"]] != right:
            made.append({**row, "rejected_response": own[pair["clip"]]})
    return made


def answers(model: Path, rows: list[Row]) -> list[str]:
    """Greedy answers, in the order of the rows."""
    from swift_saber.inference.run import infer

    with tempfile.TemporaryDirectory() as name:
        asked, answered = Path(name) / "asked.jsonl", Path(name) / "answers.jsonl"
        write(asked, rows)
        infer(str(model), str(asked), str(answered), "0", ["--max_new_tokens", str(LONGEST)])
        texts = {row["id"]: row["response"] for row in read(answered)}
    return [texts[row["id"]] for row in rows]


def run(arm: Arm, folder: Path) -> None:
    """Train an arm, ask it about the held-out clips, and leave its scores in arms/NAME/scores.json."""
    place = folder / "arms" / arm.name.replace(" ", "_").replace(":", "")
    if (place / "scores.json").exists():
        return
    place.mkdir(parents=True, exist_ok=True)
    model = folder / arm.start
    if arm.method != "none":
        rows = arm_rows(arm.pairs, folder)
        if arm.method == "sft":
            kept = ("id", "messages", "videos", "audios")
            rows = [{key: pair[key] for key in kept if key in pair} for pair in rows]
        write(place / "rows.jsonl", rows)
        recipe, flags = ("ca_dpo.yaml", arm.flags) if arm.method == "rlhf" else ("sed.yaml", same_steps())
        start = model
        model = once(place / "model", lambda to: train(arm.method, recipe, start, place / "rows.jsonl", to, *flags))
    questions = held_out(folder)
    if arm.start == "emotion":
        written = answers(model, [emotion_row(row, "") for row in questions])
    else:
        written = answers(model, questions)
    scores = judged(arm, questions, written)
    (place / "scores.json").write_text(json.dumps(scores))
    print(f"{folder.name} {arm.name}: {json.dumps(scores)}", flush=True)


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


def same_steps() -> tuple[str, ...]:
    """What makes an SFT run of the steps, the batch and the learning rate of recipes/mini/ca_dpo.yaml."""
    import yaml

    recipe = yaml.safe_load((RECIPES / "ca_dpo.yaml").read_text(encoding="utf-8"))
    keys = ("max_steps", "save_steps", "per_device_train_batch_size", "learning_rate", "warmup_ratio", "weight_decay")
    return tuple(part for key in keys for part in (f"--{key}", str(recipe[key])))


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


def table(folders: list[Path]) -> str:
    """The arms that every seed has, one a line: mean and standard deviation over the seeds."""
    names = {"acoustic": "voice line", "visual": "face line"}
    head = ["arm", "pairs", *(f"{kind} {names.get(sense, sense)}" for kind, sense in COLUMNS)]
    lines = [f"| {' | '.join(head)} |", "| " + " | ".join(["---"] * len(head)) + " |"]
    for arm in ARMS:
        places = [folder / "arms" / arm.name.replace(" ", "_").replace(":", "") for folder in folders]
        if not all((place / "scores.json").exists() for place in places):
            continue
        scores = [json.loads((place / "scores.json").read_text()) for place in places]
        rows = [place / "rows.jsonl" for place in places]
        counts = sorted({len(read(path)) for path in rows if path.exists()})
        cells = [arm.name, "-".join(map(str, {counts[0]: 0, counts[-1]: 0})) if counts else ""]
        for kind, sense in COLUMNS:
            values = [score[kind][sense] for score in scores if sense in score[kind]]
            spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
            cells.append(f"{statistics.mean(values):.2f}{spread}" if values else "")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

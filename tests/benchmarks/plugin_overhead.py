"""What the plugin costs: `swift sft` with it against stock `swift sft`, on the same rows, by turns in one run.

    python tests/benchmarks/plugin_overhead.py runs/demo --steps 40 --repeat 5

Takes the world and the base model that shell/demo.sh left. Stock ms-swift reads the rows as `messages`; with the plugin
it reads the SABER records that these were made from. Prints steps per second of each run as ms-swift reports them, the
medians and their ratio; and, since that ratio swings by some percent on a busy machine, the time of one `encode` with
both templates, by turns on the same rows in one process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPE = REPOSITORY / "recipes" / "mini" / "sed.yaml"


def steps_per_second(model: Path, data: Path, steps: int, *, plugin: bool, folder: Path) -> float:
    """Train for some steps in a process of its own and return ms-swift's train_steps_per_second."""
    from swift_saber.plugin import PLUGIN_FILE

    recipe: dict[str, Any] = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
    recipe = {key: value for key, value in recipe.items() if key != "custom_register_path"}
    recipe |= {"model": str(model), "dataset": str(data), "max_steps": steps, "save_strategy": "no"}
    recipe |= {"output_dir": str(folder / f"{'saber' if plugin else 'stock'}-{time.time_ns()}"), "add_version": False}
    if plugin:
        recipe |= {"custom_register_path": str(PLUGIN_FILE)}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    command = [sys.executable, "-m", "swift.cli.main", "sft", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    history = json.loads((Path(recipe["output_dir"]) / "logging.jsonl").read_text().splitlines()[-1])["log_history"]
    return float(next(entry for entry in history if "train_steps_per_second" in entry)["train_steps_per_second"])


def encode_milliseconds(model: Path, rows: list[dict[str, Any]], repeat: int) -> tuple[float, float]:
    """Return the median time of one encode with the stock and with the SED template, in milliseconds."""
    os.environ.update({key: str(value) for key, value in yaml.safe_load(RECIPE.read_text())["ENV"].items()})
    from swift.model import get_model_processor
    from swift.template import get_template

    from swift_saber.plugin import saber_register

    processor = get_model_processor(str(model), model_type="qwen2_5_omni", load_model=False)[1]
    stock = get_template(processor)
    saber_register.register()
    ours = get_template(processor)
    times: dict[int, list[float]] = {id(stock): [], id(ours): []}
    for template in (stock, ours):
        template.set_mode("train")
    for turn in range(repeat * len(rows)):
        # Which of the two goes first changes, as the second finds the clip's file in memory.
        for template in (stock, ours) if turn % 2 else (ours, stock):
            start = time.perf_counter()
            template.encode(rows[turn % len(rows)], return_length=True)
            times[id(template)].append(1000 * (time.perf_counter() - start))
    return statistics.median(times[id(stock)]), statistics.median(times[id(ours)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="folder of shell/demo.sh")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    from swift_saber.data.convert import to_swift_row
    from swift_saber.data.rows import read_rows, write_rows

    model, data = args.demo.resolve() / "base", args.demo.resolve() / "world" / "train.jsonl"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        messages = folder / "messages.jsonl"
        columns = ("messages", "videos", "audios")
        converted = [to_swift_row(row, where) for where, row in read_rows(data)]
        write_rows(messages, ({column: row[column] for column in columns} for row in converted))
        rates: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(args.repeat):
            for plugin, found in rates.items():
                source = data if plugin else messages
                found.append(steps_per_second(model, source, args.steps, plugin=plugin, folder=folder))
                print(f"{'with plugin' if plugin else 'stock':<12}{found[-1]:.3f} steps/s", flush=True)
    stock, ours = statistics.median(rates[False]), statistics.median(rates[True])
    print(f"median: stock {stock:.3f}, with plugin {ours:.3f} steps/s; overhead {100 * (stock / ours - 1):+.1f} %")
    stock, ours = encode_milliseconds(model, converted[:100], repeat=10)
    print(f"one encode: stock {stock:.3f} ms, with plugin {ours:.3f} ms; overhead {100 * (ours / stock - 1):+.1f} %")


if __name__ == "__main__":
    main()

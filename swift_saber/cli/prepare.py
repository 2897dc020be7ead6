"""The command `swift-saber prepare`: clips that hold just what the model is shown, for runs of many epochs.

swift-saber prepare train.jsonl -o prepared/
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from swift_saber.cli import command
from swift_saber.errors import InputError, one_line

_SHOWN = 10  # rows set aside that are printed; all of them go to the file


def add_prepare(commands: Any) -> None:
    text = "make clips of just what the model is shown"
    example = (
        "prepare train.jsonl -o prepared && swift-saber sft recipes/sed_7b_lora_1gpu.yaml --dataset "
        "prepared/train.jsonl"
    )
    parser = command(commands, "prepare", _prepare, text, example, resumable=True)
    parser.description = (
        "Make clips that hold just what the model is shown, the sampled frames at their size and the sound as 16 kHz\n"
        "wav, and rows that name them: to the model they are the same, bit for bit, and read many times faster. They\n"
        "hold for the media settings that are printed: asked with others, a prepared clip is refused.\n"
        "The same command goes on where it was stopped. Exit status: 0 all well, 1 where rows were set aside."
    )
    parser.add_argument("rows", type=Path, help="JSONL of SABER records, questions, messages or pairs")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the rows and their clips")
    parser.add_argument("--model", help="take its media settings: a model folder, LoRA checkpoint folder, or hub id")
    parser.add_argument(
        "--compress", action="store_true", help="a third to a half of the disk, slower to read; no loss"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds for one clip (default 300, ours)")


def _prepare(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    if args.workers < 1 or args.limit <= 0:
        raise InputError("prepare", "settings", "--workers and --limit are above 0", "correct them")
    if not args.rows.is_file():
        raise InputError(str(args.rows), "file", "is no file", "name a JSONL of rows")
    from swift_saber.models.prepare import prepare, settings_for

    settings = settings_for(args.model, "magicyuv" if args.compress else "raw")
    print("prepared for " + ", ".join(f"{name} {value}" for name, value in settings.view.items()))
    with tqdm(unit="clip", desc="prepare") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        counts = prepare(args.rows, args.output, settings, workers=args.workers, limit=args.limit, progress=progress)
    for row in counts.rejects[:_SHOWN]:
        print(f"{one_line(str(args.rows))}:{row['line']}: {row['reason']}; {row['remedy']}", file=sys.stderr)
    print(f"rows     {counts.rows}\nprepared {counts.rows - len(counts.rejects)}\nrejects  {len(counts.rejects)}")
    for kind, number in counts.clips.items():
        each = f", {counts.size[kind] / number / 1e6:.2f} MB each" if number else ""
        print(f"{kind:<8} {number}{each}")
    print(f"bytes    {sum(counts.size.values()) / 1e9:.3f} GB in all")
    print(f"rows written to {args.output / args.rows.name}")
    return 1 if counts.rejects else 0

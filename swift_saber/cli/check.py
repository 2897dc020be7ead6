"""The command `swift-saber check`: look at every clip of a JSONL without a model, and say which rows cannot be used.

swift-saber check train.jsonl -o rejects.jsonl
"""

import argparse
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from swift_saber.cli import command
from swift_saber.errors import InputError, one_line

_SHOWN = 10  # rejected rows that are printed; all of them go to the file


def add_check(commands: Any) -> None:
    help_text = "check rows and decode every clip, without a model"
    parser = command(commands, "check", _check, help_text, "check d.jsonl -o rejects.jsonl")
    parser.description = "Check rows and decode every clip, without a model. Exit status: 0 all well, 1 rejects."
    parser.add_argument("data", type=Path, help="JSONL of SABER records, messages or questions")
    parser.add_argument("-o", "--output", type=Path, help='JSONL to write: {"id", "line", "reason", "remedy"}')
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for one row's media (default 60, ours)")
    parser.add_argument("--root", help="folder that all media must lie in, symbolic links followed (default: any)")


def _check(args: argparse.Namespace) -> int:
    from tqdm import tqdm

    from swift_saber.data.check import check_rows
    from swift_saber.data.rows import must_be_new, read_lines, write_rows

    if args.workers < 1 or args.limit <= 0:
        raise InputError("check", "settings", "--workers and --limit are above 0", "correct them")
    if args.root is not None and not os.path.isdir(args.root):
        raise InputError(args.root, "--root", "is no folder", "name the folder that the media lie in")
    must_be_new(args.output)
    rejects: list[dict[str, Any]] = []
    kinds: Counter[str] = Counter()
    total = training = heard = 0
    known = sum(1 for _ in read_lines(args.data)) if args.data.is_file() else None  # a pipe is read once
    with tqdm(total=known, unit="row", desc="check") as bar:
        for row in check_rows(args.data, workers=args.workers, limit=args.limit, root=args.root):
            total += 1
            bar.update()
            if row.problem is None:
                training += row.for_training
                heard += row.heard
                continue
            line, reason, remedy = int(row.where.rpartition(":")[2]), row.problem.reason, row.problem.remedy
            rejects.append({"id": row.id, "line": line, "reason": reason, "remedy": remedy})
            kinds[_kind(reason, row.media)] += 1
            bar.set_postfix(rejects=len(rejects), refresh=False)
            if len(rejects) <= _SHOWN:
                bar.write(f"{one_line(row.where)}: {reason}; {remedy}", file=sys.stderr)
    if args.output:
        write_rows(args.output, rejects)
    print(f"rows     {total}\nusable   {total - len(rejects)}\nrejects  {len(rejects)}")
    for kind, number in kinds.most_common():
        print(f"  {number:<6} {kind}")
    if training:
        print(f"for training alone, not for infer: {training} usable rows (pairs, or rows of ms-swift's own)")
    if heard:
        print(f"heard by the sound inside the video: {heard} usable rows that name none (not with SABER_SOUND=given)")
    if args.output:
        print(f"rejects written to {args.output}")
    return 1 if rejects else 0


def _kind(reason: str, media: list[str]) -> str:
    """A reason without what is this row's own: its paths and numbers."""
    for path in map(one_line, media):
        reason = reason.replace(f"{path}: ", "").replace(path, "the file")
    return re.sub(r"\b\d+(\.\d+)?\b", "N", reason)

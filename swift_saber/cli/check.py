"""The command `swift-saber check`: look at every clip of a JSONL without a model, and say which rows cannot be used.

swift-saber check train.jsonl -o rejects.jsonl
"""

import argparse
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from swift_saber.data.convert import row_kind, to_swift_row
from swift_saber.data.rows import media_list, media_path, parse_row, read_lines, resolve_media, row_id, write_rows
from swift_saber.errors import InputError, one_line
from swift_saber.media.fault import place_fault
from swift_saber.media.settings import Problem

# Of a row: "file:line", its id, its media as absolute paths, and what is wrong with it besides them.
_Row = tuple[str, str | None, list[str], InputError | None]
_SHOWN = 10  # rejected rows that are printed; all of them go to the file


def add_check(commands: Any, command: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command to a parser.

    Args:
        commands: the parser's subcommands.
        command: adds one: its arguments are subcommands, name, function, help and example.
    """
    parser = command(
        commands, "check", _check, "check rows and decode every clip, without a model", "check d.jsonl -o rejects.jsonl"
    )
    parser.description = "Check rows and decode every clip, without a model. Exit status: 0 all well, 1 rejects."
    parser.add_argument("data", type=Path, help="JSONL of SABER records, messages or questions")
    parser.add_argument("-o", "--output", type=Path, help='JSONL to write: {"id", "line", "reason", "remedy"}')
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for one row's media (default 60, ours)")
    parser.add_argument("--root", help="folder that all media must lie in, symbolic links followed (default: any)")


def _check(args: argparse.Namespace, _: list[str]) -> int:
    from tqdm import tqdm

    from swift_saber.media.check import check_clips

    if args.workers < 1 or args.limit <= 0:
        raise InputError("check", "settings", "--workers and --limit are above 0", "correct them")
    if args.root is not None and not os.path.isdir(args.root):
        raise InputError(args.root, "--root", "is no folder", "name the folder that the media lie in")
    if args.output and args.output.exists():
        raise InputError(str(args.output), "output", "exists already", "move it away or name another file")
    rejects: list[dict[str, Any]] = []
    kinds: Counter[str] = Counter()
    total = 0
    with tqdm(total=sum(1 for _ in read_lines(args.data)), unit="row", desc="check") as bar:
        checked = check_clips(_clips(args.data), workers=args.workers, limit=args.limit, root=args.root)
        for (where, name, media, error), found in checked:
            total += 1
            bar.update()
            problem = Problem(f"{error.field}: {error.problem}", error.remedy) if error else found
            if problem is None:
                continue
            line = int(where.rpartition(":")[2])
            rejects.append({"id": name, "line": line, "reason": problem.reason, "remedy": problem.remedy})
            kinds[_kind(problem.reason, media)] += 1
            bar.set_postfix(rejects=len(rejects), refresh=False)
            if len(rejects) <= _SHOWN:
                bar.write(f"{one_line(where)}: {problem.reason}; {problem.remedy}", file=sys.stderr)
    if args.output:
        write_rows(args.output, rejects)
    print(f"rows     {total}\nusable   {total - len(rejects)}\nrejects  {len(rejects)}")
    for kind, number in kinds.most_common():
        print(f"  {number:<6} {kind}")
    if args.output:
        print(f"rejects written to {args.output}")
    return 1 if rejects else 0


def _clips(data: Path) -> Iterator[tuple[_Row, list[str], list[str]]]:
    """Each row with its media as absolute paths; a row that cannot be used has its error, and no media to decode."""
    for where, text in read_lines(data):
        name, media = None, []
        try:
            row = parse_row(text, where)
            name = one_line(row_id(row))
            named = [_named(row, key) for key in ("videos", "audios")]
            media = [media_path(path) for columns in named for _, path in columns if isinstance(path, str)]
            videos, audios = ([_usable(path, where, column) for column, path in columns] for columns in named)
            if row_kind(row) not in {None, "pair"}:
                to_swift_row(row, where)
            yield (where, name, media, None), videos, audios
        except InputError as error:
            yield (where, name, media, error), [], []


def _named(row: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    """Return (column, path) for a row's media of one kind, wherever ms-swift would take them from."""
    named = [(column, path) for column in (key, f"rejected_{key}") for path in media_list(row, column)]
    for column in ("messages", "rejected_messages"):
        named += [(column, path) for path in _in_turns(row.get(column), key.removesuffix("s"))]
    return named


def _usable(path: Any, where: str, column: str) -> str:
    """The absolute path of a file that may be opened."""
    problem = place_fault(path) if isinstance(path, str) else None
    if problem:
        raise InputError(where, column, problem.reason, problem.remedy)
    return resolve_media(path, where, column)


def _in_turns(messages: Any, kind: str) -> Iterator[Any]:
    """The clips in turns of OpenAI's form: {"type": "video", "video": PATH} or {..., "video_url": {"url": PATH}}."""
    turns = [turn for turn in messages if isinstance(turn, dict)] if isinstance(messages, list) else []
    for turn in turns:
        content = turn.get("content")
        for part in content if isinstance(content, list) else []:
            if isinstance(part, dict) and part.get("type") in {kind, f"{kind}_url"}:
                value = part.get(part["type"])
                yield value.get("url") if isinstance(value, dict) else value


def _kind(reason: str, media: list[str]) -> str:
    """A reason without what is this row's own: its paths and numbers."""
    for path in map(one_line, media):
        reason = reason.replace(f"{path}: ", "").replace(path, "the file")
    return re.sub(r"\b\d+(\.\d+)?\b", "N", reason)

"""The commands `swift-saber analyze`, `infer` and `parse`: clips, rows, and the records that answers hold.

swift-saber analyze interviews/ -o results --model M
swift-saber infer MODEL questions.jsonl answers.jsonl 0
"""

import argparse
import os
from pathlib import Path
from typing import Any

from swift_saber.cli import add_media, command, count, service
from swift_saber.errors import InputError
from swift_saber.text.strict_json import dumps

_NO_SOUND = "--no-sound"
# The options of analyze that are settings of a Service.
_SERVER = ("key_env", "concurrency", "timeout", "media")
_ANALYZE = """\
Analyse clips: what is seen and heard of each, and the emotion that follows.

In the folder: table.csv, report.html, and the answers as answers.jsonl and, as records, answers.saber.jsonl. Stopped in
any way, the same command goes on; clips that are new in the folder are added. Each clip ends once: with its answer, or
as a reject with the reason. After -- stand further --key value for swift infer."""


def add_infer(commands: Any) -> None:
    example = "analyze interviews/ -o results --model M"
    analyze = command(commands, "analyze", _analyze, "clips in, a table and a page out", example, resumable=True)
    analyze.description = _ANALYZE
    text = "clips, folders of clips at any depth, or a .jsonl of rows; a sound file of a clip's name is its sound"
    analyze.add_argument("paths", nargs="+", metavar="PATH", help=text)
    text = "folder of the results, to write or to go on with; one clip needs none, and is printed"
    analyze.add_argument("-o", "--output", type=Path, metavar="FOLDER", help=text)
    analyze.add_argument("--model", required=True, help="model folder, LoRA checkpoint folder, or hub id")
    analyze.add_argument("--base-url", help="ask a server, e.g. http://127.0.0.1:8000/v1; --model is its name there")
    text = (
        "in which the model is asked and answers (default: as it was trained, released, or this system's; it is said)"
    )
    analyze.add_argument("--language", choices=["zh", "en"], help=text)
    analyze.add_argument("--xlsx", action="store_true", help="write table.xlsx beside table.csv")
    analyze.add_argument(_NO_SOUND, action="store_true", help="leave out the sound inside the clips")
    analyze.add_argument("--gpu", default="0", help="a GPU, or several: 0,1,2,3 (default 0)")
    analyze.add_argument("--max-new-tokens", type=count, default=4096, help="longest answer (default 4096, published)")
    server = analyze.add_argument_group("with --base-url")
    server.add_argument("--key-env", metavar="NAME", help="variable that holds its key (default OPENAI_API_KEY)")
    server.add_argument("--concurrency", type=int, help="requests at a time (default 8, ours)")
    server.add_argument("--timeout", type=float, help="seconds to wait for one answer (default 900, ours)")
    add_media(server, None)
    analyze.add_argument("--json", action="store_true", help="of one clip: print one JSON object")

    text, example = "answer questions about clips", "infer MODEL in.jsonl out.jsonl 0"
    infer = command(commands, "infer", _infer, text, example, resumable=True)
    infer.add_argument("model", help="model folder, LoRA checkpoint folder, or hub id")
    infer.add_argument("input_jsonl", help='rows like {"videos": ["a.mp4"], "audios": ["a.wav"]}')
    infer.add_argument("result_path", help="JSONL to write, or to go on with")
    infer.add_argument("gpu_id", nargs="?", default="0", help="a GPU, or several: 0,1,2,3 (default 0)")
    text = "leave out the sound inside the videos of rows without audios; last, or among the --key value of ms-swift"
    infer.add_argument(_NO_SOUND, action="store_true", help=text)

    parse = command(
        commands, "parse", _parse, "read the six dimensions out of answers", "parse out.jsonl -o records.jsonl"
    )
    parse.add_argument("results", type=Path, help="result JSONL of infer")
    parse.add_argument("-o", "--output", type=Path, help="JSONL to write (default: print)")


def _infer(args: argparse.Namespace) -> int:
    from swift_saber.inference.run import infer

    passed_on = [part for part in args.passed_on if part != _NO_SOUND]  # ours may stand among ms-swift's
    sound = len(passed_on) == len(args.passed_on)
    return infer(args.model, args.input_jsonl, args.result_path, args.gpu_id, passed_on, sound=sound)


def _analyze(args: argparse.Namespace) -> int:
    if args.output is None:
        return _analyze_one(args)
    if args.json:
        raise InputError("analyze", "--json", "is for one clip without -o", "leave one of the two out")
    from swift_saber.inference.analyze import ANSWERS, analyze_all
    from swift_saber.report.media import files_of, make_media
    from swift_saber.report.page import write_page
    from swift_saber.report.results import read_results

    status = analyze_all(args.paths, args.output, args.model, xlsx=args.xlsx, **_asked(args))
    beside, workers = (args.output / "report_files").absolute(), os.cpu_count() or 1
    counts = write_page(
        args.output / "report.html",
        read_results(args.output / ANSWERS),
        media=lambda clips: make_media(files_of(clips), beside, workers=workers),
    )
    table = "table.csv, table.xlsx" if args.xlsx else "table.csv"
    print(f"{args.output}: {counts['clips']} clips in {table} and report.html")
    return status


def _analyze_one(args: argparse.Namespace) -> int:
    path = args.paths[0]
    if len(args.paths) > 1 or os.path.isdir(path) or path.endswith(".jsonl"):
        raise InputError("analyze", "-o", "is missing: of more than one clip the results are files", "add -o FOLDER")
    if args.xlsx:
        raise InputError("analyze", "--xlsx", "is a file of the results", "add -o FOLDER")
    from swift_saber.inference.analyze import analyze

    found = analyze(path, args.model, **_asked(args))
    if args.json:
        print(dumps(found))
        return 0
    for dimension in found["found"]:
        print(f"{dimension}: {found['fields'][dimension]}\n")
    if found["remainder"]:
        print(f"{'other' if found['found'] else 'in no known layout'}: {found['remainder']}\n")
    for name in found["missing"]:
        print(f"{name}: (not in the answer)")
    for note in found["notes"]:
        print(f"note: {note}")
    return 0


def _asked(args: argparse.Namespace) -> dict[str, Any]:
    """How a model is asked, as inference.analyze takes it."""
    settings = {name: getattr(args, name) for name in _SERVER if getattr(args, name) is not None}
    passed_on = args.passed_on[1:]  # after the --
    if passed_on and not passed_on[0].startswith("--"):
        raise InputError("analyze", "arguments", f"{passed_on[0]!r} is no argument", "see --help")
    asked = {"language": args.language, "gpu": args.gpu, "sound": not args.no_sound}
    if args.base_url is None:
        if settings:
            option = f"--{next(iter(settings)).replace('_', '-')}"
            raise InputError("analyze", option, "is for a server", "leave it out, or add --base-url")
        return {**asked, "arguments": ["--max_new_tokens", str(args.max_new_tokens), *passed_on]}
    return {**asked, "server": service(args, "analyze", **settings), "arguments": passed_on}


def _parse(args: argparse.Namespace) -> None:
    from swift_saber.data.rows import must_be_new, read_rows, response_of, row_id, write_rows
    from swift_saber.inference.files import record_of

    must_be_new(args.output)
    results = read_rows(args.results)
    rows = (record_of({"id": row_id(row), "response": response_of(row, where)}) for where, row in results)
    if args.output:
        print(f"{write_rows(args.output, rows)} records written to {args.output}")
        return
    for row in rows:
        print(dumps(row))

"""The commands `swift-saber infer`, `analyze` and `parse`: many clips, one clip, and the records that answers hold.

swift-saber infer MODEL questions.jsonl answers.jsonl 0
"""

import argparse
from pathlib import Path
from typing import Any

from swift_saber.cli import command
from swift_saber.text.strict_json import dumps

_NO_SOUND = "--no-sound"


def add_infer(commands: Any) -> None:
    text, example = "answer questions about clips", "infer MODEL in.jsonl out.jsonl 0"
    infer = command(commands, "infer", _infer, text, example, resumable=True)
    infer.add_argument("model", help="model folder, LoRA checkpoint folder, or hub id")
    infer.add_argument("input_jsonl", help='rows like {"videos": ["a.mp4"], "audios": ["a.wav"]}')
    infer.add_argument("result_path", help="JSONL to write, or to go on with")
    infer.add_argument("gpu_id", nargs="?", default="0", help="a GPU, or several: 0,1,2,3 (default 0)")
    text = "leave out the sound inside the videos of rows without audios; last, or among the --key value of ms-swift"
    infer.add_argument(_NO_SOUND, action="store_true", help=text)

    analyze = command(commands, "analyze", _analyze, "analyse one clip, with its sound", "analyze clip.mp4 --model M")
    analyze.add_argument("clip", help="a video or a sound file")
    analyze.add_argument("--model", required=True, help="model folder, LoRA checkpoint folder, or hub id")
    analyze.add_argument("--base-url", help="ask a server, e.g. http://127.0.0.1:8000/v1; --model is its name there")
    analyze.add_argument(
        "--language", choices=["zh", "en"], default="zh", help="of the instruction (default: released)"
    )
    analyze.add_argument("--gpu", default="0", help="CUDA_VISIBLE_DEVICES (default 0)")
    analyze.add_argument("--max-new-tokens", type=int, default=4096, help="longest answer (default 4096, published)")
    analyze.add_argument("--json", action="store_true", help="print one JSON object")

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


def _analyze(args: argparse.Namespace) -> None:
    from swift_saber.inference.analyze import analyze

    settings = {name: getattr(args, name) for name in ("base_url", "language", "gpu", "max_new_tokens")}
    found = analyze(args.clip, args.model, **settings)
    if args.json:
        print(dumps(found))
        return
    for dimension in found["found"]:
        print(f"{dimension}: {found['fields'][dimension]}\n")
    if found["remainder"]:
        print(f"{'other' if found['found'] else 'in no known layout'}: {found['remainder']}\n")
    for name in found["missing"]:
        print(f"{name}: (not in the answer)")
    for note in found["notes"]:
        print(f"note: {note}")


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

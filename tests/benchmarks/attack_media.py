"""Mutants of clips: does the check let through what the model's own reader fails on, or refuse what that reads?

    python tests/benchmarks/attack_media.py MODEL --count 1000
    FORCE_QWENVL_VIDEO_READER=decord python tests/benchmarks/attack_media.py MODEL --count 1000

MODEL is a model folder of Qwen2.5-Omni; the tiny one of `swift-saber mini model` will do, since only its processor is
used. Each mutant is checked as `swift-saber check` does, and encoded and put into a batch with a sound row as training
does, by the real template in a process of its own. A video is looked at twice: alone, and with the sound inside it.
Prints what is wrong, and one line of counts; the exit status is 1 where a mutant that passes the check cannot be read.
"""

import argparse
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from swift_saber.media.check import hear_clips
from tests.attack.hostile_media import mutants
from tests.media_faults import encode, frames, sound

# The published settings, and a limit that no small clip comes near.
_SETTINGS = {"VIDEO_MAX_PIXELS": "50176", "FPS": "2", "FPS_MAX_FRAMES": "12", "ENABLE_AUDIO_OUTPUT": "0"}
_SECONDS = 60.0
# Above this a process took too much for one small file.
_MOST_MB = 1500


class Read(NamedTuple):
    """What became of one row on its way to the model.

    Attributes:
        error: why it was not read, or None.
        megabytes: that its process took at most, beyond what it began with.
    """

    error: str | None
    megabytes: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="a part of the names of those to look at")
    args = parser.parse_args()
    os.environ |= _SETTINGS
    os.environ["SABER_CLIP_SECONDS"] = str(_SECONDS)
    with tempfile.TemporaryDirectory() as name:
        rows = _rows(Path(name), args.count, args.seed, args.only)
        verdicts = {
            key: found.problem.reason if found.problem else None
            for key, found in hear_clips(rows, workers=os.cpu_count() or 1, limit=_SECONDS)
        }
        reader = _Reader(args.model, Path(name))
        counts: Counter[str] = Counter()
        largest = 0.0
        for key, asked in rows:
            row, verdict = reader.read(asked), verdicts[key]
            largest = max(largest, row.megabytes)
            large = row.megabytes > _MOST_MB
            missing = verdict and ("truncated" in verdict or "packets are broken" in verdict)
            what = "usable" if verdict is None else "cut" if missing else "refused"
            kind = f"{what} and {'read' if row.error is None and not large else 'unreadable'}"
            counts[kind] += 1
            if kind in {"usable and unreadable", "refused and read"}:
                took = f" ({row.megabytes:.0f} MB)" if large else ""
                print(f"{kind}: {key}: {row.error or verdict}{took}", flush=True)
    unreadable = counts["refused and unreadable"] + counts["cut and unreadable"]
    print(
        f"mutants {len(rows)}: usable and read {counts['usable and read']}, refused and unreadable {unreadable}, "
        f"wrongly usable {counts['usable and unreadable']}, wrongly refused {counts['refused and read']}, refused as "
        f"more than a tenth is missing {counts['cut and read']}, largest process {largest:.0f} MB"
    )
    return 1 if counts["usable and unreadable"] else 0


def _rows(folder: Path, count: int, seed: int, only: str) -> list[tuple[str, dict[str, Any]]]:
    good = folder / "good.mp4"
    encode(good, frames(), sound())
    rows: list[tuple[str, dict[str, Any]]] = []
    for name, kind, data in mutants(folder, count, seed):
        if only not in name:
            continue
        path = folder / name
        path.write_bytes(data)
        if kind == "audio":
            rows.append((name, {"videos": [str(good)], "audios": [str(path)]}))
        else:
            rows.append((name, {"videos": [str(path)], "audios": []}))
            rows.append((f"{name} heard", {"videos": [str(path)], "audios": None}))
    return rows


class _Reader:
    """Encodes rows as training does, each in a process forked from this one, which has imported all that it takes."""

    def __init__(self, model: Path, folder: Path) -> None:
        from swift_saber.models.budget import template_of

        self._template = template_of(str(model))
        self._template.set_mode("train")
        self._template.max_length = None
        self._folder = folder
        good = {"videos": [str(folder / "good.mp4")], "audios": [str(folder / "good.mp4")]}
        # Here, so that what is imported with the first row is there in all processes.
        self._good = self._template.encode(_asked(good), return_length=True)

    def read(self, row: dict[str, Any]) -> Read:
        out = self._folder / "answer.json"
        out.unlink(missing_ok=True)
        child = os.fork()
        if not child:
            self._child(row, out)
        until = time.monotonic() + 2 * _SECONDS
        while True:
            pid, status, used = os.wait4(child, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > until:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.005)
        code = os.waitstatus_to_exitcode(status)
        if code:
            late = time.monotonic() > until
            how = "hangs" if late else f"ends its process with {signal.Signals(-code).name if code < 0 else code}"
            return Read(how, 0.0)
        answer = json.loads(out.read_text())
        return Read(answer["error"], used.ru_maxrss / 1024 - answer["before"])

    def _child(self, row: dict[str, Any], out: Path) -> None:
        before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        resource.setrlimit(resource.RLIMIT_AS, (24 << 30, 24 << 30))
        error = None
        try:
            self._template.data_collator([self._template.encode(_asked(row), return_length=True), self._good])
        except BaseException as found:
            error = f"{type(found).__name__}: {' '.join(str(found).split())[:200]}"
        out.write_text(json.dumps({"error": error, "before": before}))
        os._exit(0)


def _asked(row: dict[str, Any]) -> dict[str, Any]:
    tags = "<video>" * len(row["videos"]) + "<audio>" * len(row["audios"] or [])
    turns = [{"role": "user", "content": f"{tags}What is felt?"}, {"role": "assistant", "content": "Joy."}]
    row = {key: value for key, value in row.items() if value is not None}
    return {"id": "mutant", "messages": turns, **row}


if __name__ == "__main__":
    sys.exit(main())

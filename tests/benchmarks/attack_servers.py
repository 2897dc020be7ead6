"""Every mode of the hostile server against what asks in the commands, killed on the way; prints what was paid.

python tests/benchmarks/attack_servers.py [sample score eval pipeline]

One row names each mode, and the server does that to its requests; plain rows stand between. A mode that stops a run, as
a wrong key does, is mended when it has, and the run is started again. In the end every row has an answer or a failure,
and no reply that came whole was asked for twice, but for those under way when the process was killed.
"""

import hashlib
import json
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swift_saber.data.rows import write_rows
from tests.attack.hostile_server import (
    ANSWER,
    BLANK,
    DOWN,
    MODES,
    ODD,
    Gone,
    HostileServer,
    Step,
    Wire,
    completion,
    whole,
)
from tests.llm_server import label, row
from tests.media_faults import encode, frames, sound
from tests.pairs.judge_server import reply, write_records

CONCURRENCY, KILLS, K = 8, 6, 2
#: Seconds. A reply that comes whole and too late is paid for and asked for again, so that it is not short.
TIMEOUT = 8
FIRST, PLAIN = 20, 60
#: The largest process may hold so many MiB.
MOST_MIB = 700
SECRET = "sk-very-secret-0123456789"

_BEGIN = """
import json, sys
from pathlib import Path
from swift_saber.models.service import Service
url, folder, concurrency = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
service = Service("m", url, timeout=TIMEOUT, retries=0, concurrency=concurrency, reply_form="none")
"""
_END = """
print(json.dumps([given, answers, failures]))
"""
_SAMPLE = """
from swift_saber.pairs.sample import sample
counts = sample(folder / "in.jsonl", folder / "out.jsonl", source=service.endpoint(), k=K, concurrency=concurrency)
given, answers, failures = counts["clips"], counts["already_there"] + counts["sampled"], counts["failed"]
"""
_SCORE = """
from swift_saber.data.log import RowLog
from swift_saber.data.lookup import Records
from swift_saber.pairs.judge import Judge
from swift_saber.pairs.score import judge_log, score
output = folder / "out.jsonl"
with Records(folder / "records.jsonl") as records, RowLog(judge_log(output)) as log:
    counts = score(folder / "in.jsonl", output, Judge(service, log, records=records), concurrency=concurrency)
given, answers, failures = counts["candidates"], counts["scored"], sum(counts["failed"].values())
"""
_EVAL = """
from swift_saber.evaluation.judge import Rating, Task, open_judge, rate_all
rows = [json.loads(line) for line in open(folder / "in.jsonl")]
tasks = [Task(row["id"], "Rate it.", {"Answer": row["text"]}, {"logical_consistency": (1, 5)}) for row in rows]
with open_judge(service, folder / "judge") as judge:
    found = rate_all(judge, tasks).values()
given, answers = len(tasks), sum(isinstance(one, Rating) for one in found)
failures = sum(isinstance(one, str) for one in found)
"""
_PIPELINE = """
from swift_saber.pipeline.stage import Drop
from swift_saber.pipeline.stages.consistency import Consistency
rows = [json.loads(line) for line in open(folder / "in.jsonl")]
stage = Consistency(model="m", base_url=url, timeout=TIMEOUT, retries=0, concurrency=concurrency, reply_form="none")
found = list(stage.run(rows, folder / "out", 0))
given, failures = len(rows), sum(isinstance(one, Drop) for one in found)
answers = len(found) - failures
"""
_RATED = reply(4, 2)
#: The code of each, and the text of a right reply.
COMMANDS = {
    "sample": (_SAMPLE, "Glad."),
    "score": (_SCORE, _RATED),
    "eval": (_EVAL, _RATED),
    "pipeline": (_PIPELINE, label(("He smiles broadly.", "hostile"))),
}


def write(name: str, folder: Path, rows: Sequence[str]) -> None:
    """What the command is given: a row for each name, whose question says the name."""
    texts = {one: f"mode {one};" for one in rows}
    if name == "sample":
        encode(folder / "a.mp4", frames(), sound())
        clip = {"videos": [str(folder / "a.mp4")], "audios": []}
        found = [{"id": one, "messages": [{"role": "user", "content": text}], **clip} for one, text in texts.items()]
    elif name == "score":
        write_records(folder, rows)
        found = [{"id": one, "candidates": [{"text": text}]} for one, text in texts.items()]
    elif name == "pipeline":
        found = [row(one, video_desc=text) for one, text in texts.items()]
    else:
        found = [{"id": one, "text": text} for one, text in texts.items()]
    write_rows(folder / "in.jsonl", found)


def gone(_: Wire) -> None:
    raise Gone


class Attack:
    """One command at a server that does to each row what its name says."""

    def __init__(self, code: str, right: str) -> None:
        self.code, self.right = code, right
        self.mended: set[str] = set()
        self.paid: Counter[str] = Counter()  # replies that came whole, by the request
        self.asked: set[str] = set()  # modes, since the start
        self.kill_after: int | None = None
        self.process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def steps(self, body: bytes) -> Sequence[Step]:
        found = re.search(rb"mode ([a-z0-9_-]+);", body)
        name = found[1].decode() if found else ""
        mode = MODES.get(name)
        hostile = mode is not None and name not in self.mended
        with self._lock:
            if hostile:
                self.asked.add(name)
            if self.kill_after is not None:
                self.kill_after -= 1
                if self.kill_after == 0 and self.process:
                    self.process.send_signal(signal.SIGKILL)
            if name and (mode is None or not hostile or {*mode.becomes} <= {ANSWER, BLANK, ODD}):
                self.paid[hashlib.sha256(body).hexdigest()] += 1
        if hostile and mode:
            return *mode.steps, gone  # what has no length ends there
        number = json.loads(body).get("n") or 1
        choices = [{**completion(self.right)["choices"][0], "index": index} for index in range(number)]
        return (whole(completion(choices=choices)),)

    def run(self, folder: Path) -> dict[str, Any]:
        """Start the command until it ends by itself with all that it was given."""
        kills = starts = 0
        with HostileServer(self.steps) as server:
            while True:
                starts += 1
                self.asked.clear()
                self.kill_after = 40 * (kills + 1) if kills < KILLS else None
                code = _BEGIN + self.code.replace("k=K", f"k={K}") + _END
                code = code.replace("TIMEOUT", str(TIMEOUT))
                words = [sys.executable, "-c", code, server.url("plain"), str(folder), str(CONCURRENCY)]
                self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                said, errors = self.process.communicate(timeout=1200)
                assert SECRET not in said + errors
                if self.process.returncode == -signal.SIGKILL:
                    kills += 1
                elif self.process.returncode:
                    last = errors.strip().splitlines()[-1]
                    assert "EndpointDown" in last, errors[-3000:]
                    more = {name for name in self.asked if DOWN in MODES[name].becomes}
                    assert more - self.mended, last
                    self.mended |= more
                else:
                    break
        given, answers, failures = json.loads(said.splitlines()[-1])
        needed = len(self.paid)
        return {
            "in": given,
            "answers": answers,
            "failures": failures,
            "starts": starts,
            "kills": kills,
            "paid": self.paid.total(),
            "needed": needed,
            "under way": self.paid.total() - needed,
            "at most": kills * CONCURRENCY,
            "MiB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10,  # of all, the killed ones too
            "elsewhere": server.elsewhere,
        }


def main() -> int:
    bad = 0
    for name in sys.argv[1:] or COMMANDS:
        began = time.monotonic()
        modes = iter(MODES)
        rows = [f"plain-{number}" for number in range(FIRST)]
        for number in range(FIRST, PLAIN):
            rows += [one for _, one in zip(range(1 + len(MODES) // (PLAIN - FIRST)), modes, strict=False)]
            rows.append(f"plain-{number}")
        with tempfile.TemporaryDirectory() as folder:
            write(name, Path(folder), rows)
            found = Attack(*COMMANDS[name]).run(Path(folder))
        good = found["in"] == len(rows) == found["answers"] + found["failures"]
        good &= found["under way"] <= found["at most"] and found["MiB"] < MOST_MIB and found["elsewhere"] == 0
        bad += not good
        shown = ", ".join(f"{key} {value}" for key, value in found.items())
        print(f"{'ok ' if good else 'BAD'} {name}: {shown}; {time.monotonic() - began:.0f} s", flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())

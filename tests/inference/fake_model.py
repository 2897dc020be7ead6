"""In the place of models/worker.serve: the same protocol, and failures that no real model has to order.

For `infer` and for `pairs sample`.
"""

import os
import signal
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from swift_saber.text.strict_json import dumps, encoded, parse_json


def serve(pipe: Connection, arguments: Sequence[str], environment: dict[str, str], log: str, batch: int | None) -> None:
    """Answer "yes" but to rows whose text orders something else; to "<video>media", with the paths of the clips.

    What was asked is listed in the file `arguments[0]`, or in the model folder of `--model FOLDER`.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked = Path(arguments[1]) / "asked.txt" if arguments[0] == "--model" else Path(arguments[0])

    def note(text: str) -> None:
        with asked.open("a") as file:
            file.write(text + "\n")

    place = environment.get("CUDA_VISIBLE_DEVICES", "")
    note(f"load {place}")
    if "unloadable" in arguments:
        pipe.send_bytes(dumps({"error": "no such weights", "memory": False, "broken": False}).encode())
        return
    pipe.send_bytes(dumps({"batch": batch or 4}).encode())
    while True:
        try:
            said = parse_json(pipe.recv_bytes().decode(), "pipe")
        except EOFError:
            return
        rows = said.get("rows")
        if rows is None:
            continue
        contents = [row["messages"][0]["content"] for row in rows]
        orders = [content if isinstance(content, str) else content[-1]["text"] for content in contents]
        note(" ".join(orders))
        if "patient" in orders and pipe.poll(2):  # works until it hears of the next rows
            ahead = parse_json(pipe.recv_bytes().decode(), "pipe")["ahead"]
            note("ahead " + " ".join(row["messages"][0]["content"] for row in ahead))
            if any(row["messages"][0]["content"] == "die" for row in ahead):
                os.kill(os.getpid(), signal.SIGKILL)
        if asked.with_name("broken").exists():
            orders = ["fail"] * len(orders)
        orders = ["fail" if order == f"not on {place}" else order for order in orders]
        # As if killed from outside: at the first try, at the first two, or between two batches.
        if "once" in orders or "twice" in orders:
            tries = sum(bool({"once", "twice"} & set(line.split())) for line in asked.read_text().splitlines())
            if tries <= 1 + ("twice" in orders):
                os.kill(os.getpid(), signal.SIGKILL)
        pipe.send_bytes(encoded(_reply(rows, orders, said["sampling"])))
        if "leave" in orders:
            os.kill(os.getpid(), signal.SIGKILL)


def _reply(rows: list[dict[str, Any]], orders: list[str], sampling: dict[str, Any] | None) -> dict[str, Any]:
    if "die" in orders:
        os.kill(os.getpid(), signal.SIGKILL)
    if "slow" in orders:
        time.sleep(60)
    if "fail" in orders:
        return {"error": "ValueError: too long", "memory": False, "broken": False}
    if "wide" in orders and len(orders) > 2:
        return {"error": "OutOfMemoryError: no room", "memory": True, "broken": False}
    if "huge" in orders:
        return {"error": "OutOfMemoryError: no room", "memory": True, "broken": False}
    if sampling:
        return {"results": [[{"text": "yes", "cut": False}] * sampling["k"] for _ in rows]}
    said = [
        dumps([row["videos"], row["audios"]]) if order.endswith("media") else "yes"
        for row, order in zip(rows, orders, strict=True)
    ]
    for row, text in zip(rows, said, strict=True):
        row["messages"].append({"role": "assistant", "content": text})
    results = zip(rows, said, strict=True)
    return {"results": [{"response": text, "labels": None, "logprobs": None, **row} for row, text in results]}

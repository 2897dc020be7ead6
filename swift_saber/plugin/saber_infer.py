"""One process with the model: `swift infer` loaded as its command line loads it, asked batch by batch over a pipe.

What goes through the pipe is JSON. The parent is inference/model.py; ms-swift's own SwiftInfer makes the answers and
the result rows, so that they are those of `swift infer`.
"""

import os
import queue
import signal
import sys
import threading
from collections.abc import Sequence
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Any

from tqdm import tqdm

from swift_saber.plugin.saber_ahead import EncodeAhead
from swift_saber.strict_json import dumps, parse_json

# For the size of a batch on a GPU: the tokens of a long clip with a long answer, and room for one row's activations.
_TOKENS_A_ROW = 8192
_BYTES_A_ROW = 256 << 20
_MOST_ROWS = 32
_ROWS_ON_A_CPU = 16
# vLLM and its like make batches of their own out of what they are given.
_ROWS_FOR_A_SERVER = 256


def serve(pipe: Connection, arguments: Sequence[str], environment: dict[str, str], log: str, batch: int | None) -> None:
    """Load the model, say so, and answer until the pipe is closed.

    Args:
        pipe: says {"batch": rows at a time} when ready; then takes {"rows": [...]} and says {"results": [...]}; or
            {"error": text, "memory": whether memory ran out, "broken": whether the process cannot go on} for either.
            {"ahead": [...]}, taken at any time, are rows that will be asked next; nothing is said to it.
        arguments: those of `swift infer`, without data.
        environment: variables to set before ms-swift is imported.
        log: file to append the output to; "" leaves it where it is.
        batch: rows at a time, or None to choose by the memory.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Its own lock is a semaphore of the system, of which Python complains when this process is ended in a batch.
    tqdm.set_lock(threading.RLock())
    os.environ.update(environment)
    if log:
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(file, 1)
        os.dup2(file, 2)
    try:
        infer = _load(arguments)
        size = batch or _batch_size(infer)
        if hasattr(infer.infer_engine, "max_batch_size"):
            infer.infer_engine.max_batch_size = size
        ahead = _ahead(infer)
    except Exception as error:
        _say(pipe, _failure(error))
        raise
    _say(pipe, {"batch": size})
    asked: queue.Queue[list[dict[str, Any]] | None] = queue.Queue()
    threading.Thread(target=_hear, args=(pipe, asked, ahead), daemon=True).start()
    while (rows := asked.get()) is not None:
        broken = False
        try:
            _say(pipe, {"results": _answers(infer, rows)})
        except BrokenPipeError:
            return
        except Exception as error:
            said = _failure(error)
            broken = said["broken"]
            _say(pipe, said)
        if broken:
            return


def _hear(pipe: Connection, asked: "queue.Queue[list[dict[str, Any]] | None]", ahead: EncodeAhead | None) -> None:
    """Take what the parent says while the model works; None in the queue is the end."""
    try:
        while True:
            said = parse_json(pipe.recv_bytes().decode(), "pipe")
            if "rows" in said:
                asked.put(said["rows"])
            elif ahead is not None:
                ahead.start(said["ahead"])
    except (EOFError, OSError):
        pass  # the parent has closed the pipe
    finally:
        asked.put(None)


def _ahead(infer: Any) -> EncodeAhead | None:
    """None where the answers are streamed row by row, where the backend has a way of its own, and on a CPU, where
    decoders would take the cores that the model computes on (measured on two cores: a fifth slower)."""
    if infer.args.infer_backend != "transformers" or infer.args.stream:
        return None
    if infer.infer_engine.model.device.type == "cpu":
        return None
    template = infer.infer_engine.template
    template.set_mode("transformers")  # as the engine does before it encodes
    return EncodeAhead(template)


def _load(arguments: Sequence[str]) -> Any:
    from swift.pipelines.infer.infer import SwiftInfer

    return SwiftInfer(list(arguments))


def _answers(infer: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    config = infer.args.get_request_config()
    if not config.stream:
        results: list[dict[str, Any]] = infer._batch_infer(rows, config)
        return results
    from swift.infer_engine import InferRequest

    results = []
    for row in rows:
        labels = InferRequest.remove_response(row["messages"])
        response = infer.infer_single(row, config)
        row["messages"].append({"role": "assistant", "content": response})
        results.append({"response": response, "labels": labels, **row})
    return results


def _batch_size(infer: Any) -> int:
    """Rows at a time that the memory has room for. Ours: a row is taken to be long, so most runs have room left."""
    import torch

    if infer.args.infer_backend != "transformers":
        return _ROWS_FOR_A_SERVER
    model = infer.infer_engine.model
    if model.device.type != "cuda":
        return _ROWS_ON_A_CPU
    config = infer.infer_engine.config
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    cache = 2 * text.num_hidden_layers * heads * width * model.dtype.itemsize * _TOKENS_A_ROW
    free, _ = torch.cuda.mem_get_info(model.device)
    return int(max(1, min(_MOST_ROWS, free // (cache + _BYTES_A_ROW))))


def _failure(error: Exception) -> dict[str, Any]:
    import torch

    from swift_saber.errors import InputError
    from swift_saber.plugin.saber_errors import explain

    text = explain(error)
    if isinstance(error, InputError):
        text = f"{error.field}: {error.problem}"
    memory = isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
    if memory and torch.cuda.is_available():
        torch.cuda.empty_cache()
    # After an error on the GPU itself, everything that follows fails as well.
    accelerator = getattr(torch, "AcceleratorError", None)
    broken = not memory and ((accelerator is not None and isinstance(error, accelerator)) or "CUDA error" in str(error))
    said = text or f"{type(error).__name__}: {error}"
    return {"error": " ".join(said.split())[:500], "memory": memory, "broken": broken}


def _say(pipe: Connection, said: dict[str, Any]) -> None:
    pipe.send_bytes(dumps(said).encode("utf-8", "replace"))


def _end_with_parent() -> None:
    """A parent that was killed cannot end its children, and a second run would find the GPU full."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        sys.stderr.flush()
        os._exit(1)

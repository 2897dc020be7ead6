"""One process with the model: `swift infer` loaded as its command line loads it, asked batch by batch over a pipe.

What goes through the pipe is JSON. The parent is models/process.py; ms-swift's own SwiftInfer makes the answers and
the result rows, so that they are those of `swift infer`. Several answers to a question come from the same model.
"""

import os
import queue
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from copy import deepcopy
from importlib.metadata import version
from multiprocessing.connection import Connection
from typing import Any

from packaging.version import Version
from tqdm import tqdm

from swift_saber.errors import InputError
from swift_saber.media.pool import end_with_parent
from swift_saber.models.engine import EngineEnded, InFlight, decoders, prepare, read_unpadded
from swift_saber.text.seed import seed_of
from swift_saber.text.strict_json import dumps, parse_json

# For the size of a batch on a GPU: the tokens of a long clip with a long answer, and room for one row's activations.
_TOKENS_A_ROW = 8192
_BYTES_A_ROW = 256 << 20
_MOST_ROWS = 32
_ROWS_ON_A_CPU = 16
# vLLM and its like make batches of their own out of what they are given.
_ROWS_FOR_A_SERVER = 256
# vLLM has two such batches in flight (engine.py).
_ROWS_FOR_VLLM = 64
# From here on transformers encodes a clip before it multiplies the question; where it multiplies first, the frames of
# Qwen2.5-Omni are mixed up. 5.19 is the oldest version that this was seen to be right with.
_SEVERAL_AT_ONCE = Version("5.19")


def serve(pipe: Connection, arguments: Sequence[str], environment: dict[str, str], log: str, batch: int | None) -> None:
    """Load the model, say so, and answer until the pipe is closed.

    Args:
        pipe: says {"batch": rows at a time} when ready; then takes {"rows": [...]} and says {"results": [...]}, one for
            each row: its result row, or with {"sampling": {...}} beside the rows its answers, as _sampled has them; or
            {"error": text, "memory": whether memory ran out, "broken": whether the process cannot go on} for either.
            Where single rows of several fail, their results are null, and "problems" has [reason, remedy] of each, by
            its place as text; where there is but one, "remedy" may stand beside its error.
            {"ahead": [...], "sampling": {...} or null}, taken at any time, are rows that will be asked next; nothing is
            said to it.
            To {"rows": [row], "pieces": true} it says {"piece": text, "cut": whether the answer ends there at
            max_new_tokens} as often as the model writes one, and {"results": []} after them.
        arguments: those of `swift infer`, without data.
        environment: variables to set before ms-swift is imported.
        log: file to append the output to; "" leaves it where it is.
        batch: rows at a time, or answers where several are asked for; None to choose by the memory.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    os.setpgrp()  # so that whoever ends it ends what it has started: an engine has processes of its own
    end_with_parent(lambda: os.killpg(0, signal.SIGKILL))  # else a second run would find the GPU full
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
    asked: queue.Queue[dict[str, Any] | None] = queue.Queue()
    threading.Thread(target=_hear, args=(pipe, asked, ahead), daemon=True).start()
    while (request := asked.get()) is not None:
        broken = False
        try:
            for said in _said(infer, ahead, request):
                _say(pipe, said)
        except BrokenPipeError:
            break
        except Exception as error:
            said = _failure(error)
            broken = said["broken"]
            _say(pipe, said)
        if broken:
            break
    if isinstance(ahead, InFlight):
        os._exit(0)  # there is nothing to keep, and it takes vLLM seconds to take itself apart


def _hear(
    pipe: Connection, asked: "queue.Queue[dict[str, Any] | None]", ahead: "EncodeAhead | InFlight | None"
) -> None:
    """Take what the parent says while the model works; None in the queue is the end."""
    try:
        while True:
            said = parse_json(pipe.recv_bytes().decode(), "pipe")
            if "rows" in said:
                asked.put(said)
            elif ahead is not None:
                ahead.start(said["ahead"], said["sampling"])
    except (EOFError, OSError):
        pass  # the parent has closed the pipe
    finally:
        asked.put(None)


def _load(arguments: Sequence[str]) -> Any:
    from swift.pipelines.infer.infer import SwiftInfer

    class Infer(SwiftInfer):
        @staticmethod
        def get_infer_engine(args: Any, template: Any = None, **options: Any) -> Any:
            if args.infer_backend == "vllm":
                prepare(args, template)
                read_unpadded(type(template.processor))
            return SwiftInfer.get_infer_engine(args, template, **options)

    return Infer(list(arguments))


def _said(infer: Any, ahead: "EncodeAhead | InFlight | None", request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What is said to a request; the last of it has the results, or an error."""
    rows, sampling, pieces = request["rows"], request.get("sampling"), request.get("pieces", False)
    if isinstance(ahead, InFlight):
        yield from _in_flight(ahead, rows, sampling, pieces)
    elif pieces:
        yield from _pieces(infer, rows[0])
        yield {"results": []}
    else:
        yield {"results": _samples(infer, rows, sampling) if sampling else _answers(infer, rows)}


def _in_flight(
    flight: InFlight, rows: list[dict[str, Any]], sampling: Mapping[str, Any] | None, pieces: bool
) -> Iterator[dict[str, Any]]:
    from swift.infer_engine import InferRequest

    results: list[Any] = []
    problems: dict[str, list[str]] = {}
    for place, found in enumerate(flight.answers(rows, sampling)):
        if isinstance(found, Exception):
            said = _failure(found)
            remedy = found.remedy if isinstance(found, InputError) else "correct or remove the row"
            if len(rows) == 1:
                yield {**said, "remedy": remedy}
                return
            problems[str(place)] = [said["error"], remedy]
            results.append(None)
        elif sampling:
            results.append(_texts(found))
        elif pieces:  # of one row, and all at once: vLLM hands over whole answers
            yield {"piece": found[0].message.content, "cut": found[0].finish_reason == "length"}
        else:
            labels = InferRequest.remove_response(rows[place]["messages"])
            results.append(_result(rows[place], found[0], labels))
    yield {"results": results, "problems": problems}


def _result(row: dict[str, Any], choice: Any, labels: str | None) -> dict[str, Any]:
    """A result row as SwiftInfer makes it, with "cut" where the answer came to max_new_tokens.

    Args:
        labels: the answer that stood in the row.
    """
    row["messages"].append({"role": "assistant", "content": choice.message.content})
    cut = {"cut": True} if choice.finish_reason == "length" else {}
    return {"response": choice.message.content, "labels": labels, "logprobs": choice.logprobs, **row, **cut}


def _answers(infer: Any, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from swift.infer_engine import InferRequest

    config = infer.args.get_request_config()
    given = [InferRequest.remove_response(row["messages"]) for row in rows]
    if not config.stream:
        replies = infer.infer(rows, config, use_tqdm=True, **infer.infer_kwargs)
        return [_result(row, reply.choices[0], labels) for row, reply, labels in zip(rows, replies, given, strict=True)]
    results = []
    for row, labels in zip(rows, given, strict=True):
        response = infer.infer_single(row, config)
        row["messages"].append({"role": "assistant", "content": response})
        results.append({"response": response, "labels": labels, **row})
    return results


def _pieces(infer: Any, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    config = infer.args.get_request_config()
    config.stream = True
    [replies] = infer.infer([row], config, use_tqdm=False, **infer.infer_kwargs)
    for reply in replies:
        choice = reply.choices[0]
        yield {"piece": choice.delta.content or "", "cut": choice.finish_reason == "length"}


def _samples(infer: Any, rows: list[dict[str, Any]], sampling: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """The answers of _sampled, written by fewer at a time from now on where memory runs out."""
    engine = infer.infer_engine
    while engine.max_batch_size > 1:
        try:
            return _sampled(engine, rows, **sampling)
        except Exception as error:
            if not _out_of_memory(error):
                raise
        # Not in the handler, where the error holds on to all that the batch left in memory.
        _empty_cache()
        engine.max_batch_size //= 2
    return _sampled(engine, rows, **sampling)


def _sampled(
    engine: Any, rows: list[dict[str, Any]], k: int, temperature: float, max_new_tokens: int, seed: int
) -> list[list[dict[str, Any]]]:
    """Return k answers to each row; the same call gives the same answers on the same machine.

    Args:
        engine: ms-swift's, whose max_batch_size is how many answers are written at the same time.
        rows: {"id", "messages", "videos", "audios"}.
        k: answers to each.
        temperature: 0 for the likeliest answer, which is then the same k times.
        max_new_tokens: the longest answer.
        seed: of the random numbers, together with the ids of all rows: another batch gives other answers.

    Returns:
        {"text", which may be blank, "cut": whether it came to max_new_tokens} for each answer.
    """
    from swift.infer_engine import RequestConfig
    from swift.utils import seed_everything

    at_once = min(k, engine.max_batch_size) if Version(version("transformers")) >= _SEVERAL_AT_ONCE else 1
    width = max(1, engine.max_batch_size // at_once)
    answers: list[list[dict[str, Any]]] = [[] for _ in rows]
    names = "\n".join([str(seed), *(str(row["id"]) for row in rows)])
    seed_everything(seed_of(names))
    for start in range(0, len(rows), width):
        for done in range(0, k, at_once):
            config = RequestConfig(max_tokens=max_new_tokens, temperature=temperature, n=min(at_once, k - done))
            # Copied each time, since ms-swift puts the decoded clips in the place of the paths.
            replies = engine.infer(deepcopy(rows[start : start + width]), config, use_tqdm=False)
            for place, reply in enumerate(replies, start):
                answers[place] += _texts(reply.choices)
    return answers


def _texts(choices: Sequence[Any]) -> list[dict[str, Any]]:
    """Several answers to a question, as _sampled returns them."""
    return [{"text": choice.message.content, "cut": choice.finish_reason == "length"} for choice in choices]


def _batch_size(infer: Any) -> int:
    """Rows at a time that the memory has room for. Ours: a row is taken to be long, so most runs have room left."""
    import torch

    if infer.args.infer_backend == "vllm":
        return _ROWS_FOR_VLLM
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

    from swift_saber.plugin.saber_errors import explain

    text = explain(error)
    if isinstance(error, InputError):
        text = f"{error.field}: {error.problem}"
    memory = _out_of_memory(error)
    if memory:
        _empty_cache()
    # After an error on the GPU itself, everything that follows fails as well.
    accelerator = getattr(torch, "AcceleratorError", None)
    fatal = EngineEnded if accelerator is None else (EngineEnded, accelerator)
    broken = not memory and (isinstance(error, fatal) or "CUDA error" in str(error))
    said = text or f"{type(error).__name__}: {error}"
    return {"error": " ".join(said.split())[:500], "memory": memory, "broken": broken}


def _out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def _empty_cache() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _say(pipe: Connection, said: dict[str, Any]) -> None:
    pipe.send_bytes(dumps(said).encode("utf-8", "replace"))


class EncodeAhead:
    """Rows are decoded and encoded while the model still works on those before them.

    ms-swift encodes a batch when the batch is asked for, so a GPU waits for decoders. Encoding is the template's own,
    in threads of this process: decoders and tensor operations let go of Python's lock, and nothing is copied. It takes
    the place of the template's `encode`; what was encoded ahead is handed out once and then forgotten.

    Args:
        template: an ms-swift template, in the mode that it will be asked in.
    """

    def __init__(self, template: Any) -> None:
        self._encode = template.encode
        self._pool = decoders()
        self._lock = threading.Lock()
        self._encoded: dict[str, Future[dict[str, Any]]] = {}
        self._announced: set[str] = set()  # with the last call of `start`
        template.encode = self.encode

    def start(self, rows: Sequence[Mapping[str, Any]], sampling: Mapping[str, Any] | None = None) -> None:
        """Begin with the batch after the one that is being asked; errors are raised when it is asked itself.

        How many answers will be sampled makes no difference to how a row is encoded.

        What was announced before the batch that is being asked, and never asked for, is let go: it was cut into parts.
        """
        from swift.infer_engine import InferRequest

        with self._lock:
            for name in self._encoded.keys() - self._announced:
                self._encoded.pop(name).cancel()
            self._announced = set()
            for row in rows:
                request = deepcopy(dict(row))
                InferRequest.remove_response(request["messages"])
                name = dumps(request)
                self._announced.add(name)
                self._encoded[name] = self._pool.submit(self._encode, request, return_template_inputs=True)

    def encode(self, request: Any, return_template_inputs: bool = False, **options: Any) -> dict[str, Any]:
        """As Template.encode."""
        found = None
        if isinstance(request, dict) and return_template_inputs and not options:
            with self._lock:
                found = self._encoded.pop(dumps(request), None)
        if found is not None:
            return found.result()
        encoded: dict[str, Any] = self._encode(request, return_template_inputs=return_template_inputs, **options)
        return encoded


def _ahead(infer: Any) -> EncodeAhead | InFlight | None:
    """None where the answers are streamed row by row, where the backend has a way of its own, and on a CPU, where
    decoders would take the cores that the model computes on (measured on two cores: a fifth slower)."""
    if infer.args.infer_backend == "vllm":
        return InFlight(infer)
    if infer.args.infer_backend != "transformers" or infer.args.stream:
        return None
    if infer.infer_engine.model.device.type == "cpu":
        return None
    template = infer.infer_engine.template
    template.set_mode("transformers")  # as the engine does before it encodes
    return EncodeAhead(template)

"""vLLM in the worker: what it has to be told before it loads, and rows in flight, so that it is never idle.

`swift infer` hands vLLM a batch, and waits for its last answer before it decodes the clips of the next. Here rows are
begun as soon as they are known, each by itself: a batch and the one after it are in flight at the same time, and a row
that vLLM refuses is an error of that row alone.

Imports neither ms-swift nor vLLM at its top: what is said before the loading is said without them.
"""

import json
import math
import os
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from copy import copy, deepcopy
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from swift_saber.data.rows import parse_row
from swift_saber.errors import InputError
from swift_saber.models.checkpoint import tied_flags
from swift_saber.models.memory import GIB, clip_tokens
from swift_saber.recipe import given
from swift_saber.text.files import read_text
from swift_saber.text.seed import seed_of
from swift_saber.text.strict_json import dumps

#: vLLM reports to its makers where and how it runs, unless it is told not to; what a user sets wins.
NO_STATISTICS = {"VLLM_NO_USAGE_STATS": "1"}
# vLLM's name of what a row has under ours.
_KINDS = {"video": "videos", "audio": "audios", "image": "images"}
# Flags that vLLM does not take: by itself ms-swift leaves them out in silence.
_NOT_TAKEN = {
    "stream": "rows are answered side by side",
    "num_beams": "there is no beam search in it",
    "quant_method": "--vllm_quantization is its own",
    "quant_bits": "--vllm_quantization is its own",
}
_NEUTRAL = {"false", "0", "1"}
# Room for an instruction and further turns; ours. The one that was published has some 100 tokens.
_TEXT_TOKENS = 2048
# Sequences of full length that have room in the cache on a CPU, and the share of the free memory that it may take.
_ROWS_ON_A_CPU, _SHARE_ON_A_CPU = 16, 0.25
# vLLM's own, of LoRA adapters.
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
# Seconds of a video that has as many frames as are ever taken.
_LONG = 1e6
_DECODING_THREADS = 8


class EngineEnded(Exception):
    """vLLM itself has failed, and answers nothing any more."""


class RowTooLong(InputError):
    """A row has more tokens than vLLM was loaded for."""


def arguments_for(model: str, arguments: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the arguments of `swift infer` for these rows; unchanged for another backend than vLLM.

    Added is how many clips of each kind a prompt may have, which vLLM keeps memory for: as many as the row with most;
    and, of a LoRA checkpoint, its rank.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id.
        arguments: `--key value`, which win.
        rows: {"videos", "audios", "images"} each, any of which may be absent; where audios is None, a video may have a
            sound. Read only where they matter.

    Raises:
        InputError: vLLM is not installed, does not take one of the arguments, or would answer nonsense, since the
            model's flags contradict its weights.
    """
    if given(arguments, "infer_backend") != "vllm":
        return list(arguments)
    if find_spec("vllm") is None:
        raise InputError("arguments", "--infer_backend", "is vllm, which is not installed", "see recipes/serving.md")
    for name, why in _NOT_TAKEN.items():
        if (given(arguments, name) or "false").lower() not in _NEUTRAL - ({"1"} if name == "stream" else set()):
            raise InputError("arguments", f"--{name}", f"is nothing that vLLM takes: {why}", "leave it out")
    if problem := tied_flags(model):
        raise InputError(model, "config.json", problem.reason, problem.remedy)
    full = [*arguments, *_room_for_adapter(model, arguments)]
    if given(arguments, "vllm_limit_mm_per_prompt") is not None:
        return full
    most = dict.fromkeys(_KINDS, 0)
    for row in rows:
        for kind, column in _KINDS.items():
            clips = row.get(column)
            if column == "audios" and clips is None:
                clips = row.get("videos")
            most[kind] = max(most[kind], len(clips or ()))
    return [*full, "--vllm_limit_mm_per_prompt", json.dumps(most)]


def _room_for_adapter(model: str, arguments: Sequence[str]) -> list[str]:
    """The rank that vLLM has to make room for, of a LoRA checkpoint; it takes some ranks alone."""
    path = Path(model).expanduser() / "adapter_config.json"
    if not path.is_file() or given(arguments, "vllm_max_lora_rank") is not None:
        return []
    rank = parse_row(read_text(path), str(path)).get("r")
    room = next((one for one in _RANKS if isinstance(rank, int) and rank <= one), None)
    if room is None:
        problem, remedy = (
            f"r is {rank!r}, and vLLM takes adapters up to {_RANKS[-1]}",
            "merge it: swift export --merge_lora true",
        )
        raise InputError(str(path), "r", problem, remedy)
    return ["--vllm_max_lora_rank", str(room)]


def prepare(args: Any, template: Any) -> None:
    """Set what vLLM is loaded with, where the arguments do not say so.

    max_model_len: room for the most tokens that clips come to under the media settings (memory.clip_tokens), as many
    clips as a prompt may have, 2,048 tokens of text and the longest answer; never more than the model has positions.
    On a CPU: a cache for 16 such rows, at least 1 GiB and at most a quarter of the free memory; no processes of its
    own, each of which would import all there is once more; and nothing is compiled. Nothing is reported to its makers.

    Args:
        args: ms-swift's InferArguments, changed in place.
        template: an ms-swift template.
    """
    import torch

    for name, value in NO_STATISTICS.items():
        os.environ.setdefault(name, value)
    config = template.model_info.config.get_text_config()
    if args.vllm_max_model_len is None:
        positions = config.max_position_embeddings
        args.vllm_max_model_len = min(positions, _longest(args, template.processor.feature_extractor))
    if torch.cuda.is_available():
        return
    import psutil

    args.vllm_enforce_eager = True
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    token = 2 * config.num_hidden_layers * config.num_key_value_heads * width * args.torch_dtype.itemsize
    room = min(token * args.vllm_max_model_len * _ROWS_ON_A_CPU, psutil.virtual_memory().available * _SHARE_ON_A_CPU)
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(max(1, math.ceil(room / GIB))))


def read_unpadded(kind: Any) -> None:
    """Have processors make no features of the silence up to the longest sound, as the plugin's template does.

    vLLM calls the processor itself, and masks those features out: of short clips they take most of its time.

    Args:
        kind: a class of processors, changed in place.
    """
    from swift_saber.plugin.saber_sound import Unpadded

    stock = kind.__call__

    @wraps(stock)
    def read(self: Any, *given: Any, **named: Any) -> Any:
        reading = copy(self)
        reading.feature_extractor = Unpadded(self.feature_extractor)
        return stock(reading, *given, **named)

    kind.__call__ = read


def _longest(args: Any, extractor: Any) -> int:
    """The most tokens of a row with its answer."""
    limits = args.vllm_limit_mm_per_prompt or {}
    seconds = extractor.n_samples / extractor.sampling_rate  # more of a sound is refused
    video, _ = clip_tokens(os.environ, _LONG)
    _, audio = clip_tokens(os.environ, seconds)
    image = math.ceil(int(os.environ.get("MAX_PIXELS", 16384 * 784)) / 784)
    tokens = {"video": video, "audio": audio, "image": image}
    media: int = sum(limits.get(kind, 1) * most for kind, most in tokens.items())
    return media + _TEXT_TOKENS + int(args.max_new_tokens or 0)


def decoders() -> ThreadPoolExecutor:
    """Return threads that decode clips; one core is left to the model."""
    return ThreadPoolExecutor(max(1, min(_DECODING_THREADS, (os.cpu_count() or 1) - 1)))


class InFlight:
    """Rows under way in vLLM. Any thread may begin rows; one of its own hands them to vLLM and takes the answers.

    Args:
        infer: ms-swift's SwiftInfer with a VllmEngine that is not asynchronous.
    """

    def __init__(self, infer: Any) -> None:
        self._infer, self._engine = infer, infer.infer_engine
        self._engine.template.set_mode("vllm")
        self._decoding = decoders()
        self._encoded: queue.SimpleQueue[tuple[Any, Any, Future[Any]]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._begun: dict[str, Future[Any]] = {}
        self._end: Future[str] = Future()
        threading.Thread(target=self._run, daemon=True).start()

    def start(self, rows: Sequence[Mapping[str, Any]], sampling: Mapping[str, Any] | None = None) -> None:
        """Begin rows that are not under way; errors come with their replies."""
        for row in rows:
            name = dumps([row, sampling])
            with self._lock:
                if name in self._begun:
                    continue
                reply = self._begun[name] = Future()
            self._decoding.submit(self._encode, deepcopy(dict(row)), self._config(row, sampling), reply)

    def answers(
        self, rows: Sequence[Mapping[str, Any]], sampling: Mapping[str, Any] | None = None
    ) -> Iterator[list[Any] | Exception]:
        """Yield ms-swift's choices for each row, in their order, or why there are none.

        Args:
            rows: {"id", "messages", "videos", "audios"}.
            sampling: as worker._sampled takes it, for k choices; they are the same on the same machine, whatever other
                rows are asked. None for the one that the arguments ask for.

        Raises:
            EngineEnded: vLLM has failed.
        """
        self.start(rows, sampling)
        for row in rows:
            with self._lock:
                reply = self._begun.pop(dumps([row, sampling]))
            wait([reply, self._end], return_when=FIRST_COMPLETED)
            if not reply.done():
                raise EngineEnded(self._end.result())
            error = reply.exception()
            assert error is None or isinstance(error, Exception)
            yield error or reply.result().choices

    def _config(self, row: Mapping[str, Any], sampling: Mapping[str, Any] | None) -> Any:
        from swift.infer_engine import RequestConfig

        if sampling:
            config = RequestConfig(max_tokens=sampling["max_new_tokens"], temperature=sampling["temperature"])
            config.n, seed = sampling["k"], sampling["seed"]
        else:
            config, seed = self._infer.args.get_request_config(), self._infer.args.seed
            config.stream = False
        # Of the row and of what it is heard and seen with, so that without its sound it is not asked the same dice.
        name = f"{seed}\n{row['id']}\n{len(row.get('videos') or ())} {len(row.get('audios') or ())}"
        config.seed = seed_of(name) >> 1
        return config

    def _encode(self, row: dict[str, Any], config: Any, reply: "Future[Any]") -> None:
        from swift.infer_engine import InferRequest

        try:
            InferRequest.remove_response(row["messages"])
            inputs = self._engine.template.encode(row, return_template_inputs=True)
        except Exception as error:  # whatever a decoder raises; it is the row's answer
            reply.set_exception(error)
        else:
            self._encoded.put((inputs, config, reply))

    def _run(self) -> None:
        """Hand over what is encoded, and take answers, until vLLM fails or the process ends."""
        under_way: dict[str, tuple[Any, Any, Future[Any]]] = {}
        number = 0
        try:
            while True:
                while not (under_way and self._encoded.empty()):
                    inputs, config, reply = self._encoded.get()
                    number += 1
                    if self._hand_over(str(number), inputs, config, reply):
                        under_way[str(number)] = inputs, config, reply
                for output in self._engine.engine.step():
                    if output.finished:
                        inputs, config, reply = under_way.pop(output.request_id)
                        make = self._engine._create_chat_completion_response
                        reply.set_result(make(output, inputs, config, output.request_id))
        except BaseException as error:  # vLLM's process is gone, or the engine is in no state to go on
            self._end.set_result(f"vLLM has failed: {type(error).__name__}: {error}")

    def _hand_over(self, name: str, inputs: Any, config: Any, reply: "Future[Any]") -> bool:
        """Whether vLLM takes a row; else the reason is its answer."""
        import torch

        engine, threads = self._engine, torch.get_num_threads()
        # vLLM prepares clips here, by many small operations, whose threads wait for one another on a busy machine.
        torch.set_num_threads(1)
        try:
            engine.set_default_max_tokens(config, inputs)
            params = engine._prepare_generation_config(config)
            engine._add_stop_words(params, config)
            engine._add_request(inputs, params, name, adapter_request=self._infer.infer_kwargs.get("adapter_request"))
        except Exception as error:  # vLLM checks a row when it is given it
            if type(error).__name__ == "EngineDeadError":
                raise
            reply.set_exception(self._too_long(error))
            return False
        finally:
            torch.set_num_threads(threads)
        return True

    def _too_long(self, error: Exception) -> Exception:
        """The error, as one that says what to do where the row has too many tokens."""
        if not any(said in str(error) for said in ("maximum model length", "max_model_len")):
            return error
        problem = f"has more tokens than the {self._engine.max_model_len} that vLLM was loaded for ({error})"
        remedy = "cut the clip, lower FPS_MAX_FRAMES or VIDEO_MAX_PIXELS, or give --vllm_max_model_len"
        return RowTooLong("row", "length", problem, remedy)

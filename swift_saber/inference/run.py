"""`swift-saber infer`: every row of a file ends exactly once, as an answer or as a reject with its reason.

All that is known is in the files (files.py), so that a run which was killed at any instant goes on when it is started
again. How rows come to the models and what becomes of a failure is work.py's matter.
"""

import os
import re
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from swift_saber.data.questions import digest, readable
from swift_saber.errors import InputError, quoted
from swift_saber.inference import questions
from swift_saber.inference.files import Outputs
from swift_saber.inference.questions import Question, Reject
from swift_saber.inference.work import Run
from swift_saber.models.checkpoint import Instructions, identity, loading
from swift_saber.models.process import ModelProcess
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.recipe import given

# max_new_tokens is published. The published script streams one row at a time and leaves the temperature to the model
# folder; batches and temperature 0 are ours: faster, and the same answers on every run.
DEFAULTS = {"infer_backend": "transformers", "max_new_tokens": "4096", "temperature": "0", "stream": "false"}
# These are not arguments for the model: they are ours, or ms-swift's own way through a file.
_OURS = {"val_dataset", "dataset", "result_path", "custom_register_path", "val_dataset_sample", "write_batch_size"}
# Arguments that no answer depends on, but for what rounding does to a batch.
_NO_MATTER = {"max_batch_size", "stream"}


def infer(model: str, rows: str, result: str, gpu: str = "0", arguments: Sequence[str] = ()) -> int:
    """Answer the questions of a file, or go on doing so, and return the exit status: 1 where rows were rejected.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id.
        rows: questions, one JSON object a line: {"id", "messages", "videos", "audios"}; messages and id may be absent.
        result: the JSONL to write or to go on with; files.py says what is written beside it.
        gpu: GPUs, "0" or "0,1,2,3": one model on each. Without a GPU, as many processes on the CPU.
        arguments: further `--key value` for `swift infer`; they win over the defaults here.

    Raises:
        InputError: the model, the file of questions or the result file cannot be used, or the model answers nothing.
            What is in the files stays.
    """
    for key in sorted(_OURS):
        if given(arguments, key) is not None:
            raise InputError("arguments", f"--{key}", "is not one of these", "infer.sh names data and result itself")
    if os.environ.get("STREAM") == "1":
        arguments = [*arguments, "--stream", "true"]
    (flag, kept), trained = loading(model, arguments), Instructions(model)
    places, batch = _places(gpu), _batch(arguments)
    stream = (given(arguments, "stream") or "false").lower() in {"true", "1"}
    source, known = Path(rows), questions.ids(Path(rows))
    with Outputs(Path(result), _settings(model, kept, arguments)) as outputs, _in_environment(kept):
        answered, rejected = outputs.answered(), outputs.rejected()
        if gone := next((name for name in (*answered, *rejected) if name not in known), None):
            raise InputError(result, "result_path", f"has {gone!r}, which is not in {rows}", "name another result file")
        for question in questions.read(source, known.keys() - answered.keys()) if answered else ():
            if isinstance(question, Question) and answered[question.id] != digest(question.row):
                problem = f"{quoted(question.id)} has another question or other media in {result}"
                raise InputError(question.where, "id", problem, "name another result file")
        batch, log = (1, None) if stream else (batch, outputs.log)
        processes = [
            ModelProcess(model, command(flag, model, arguments), {**kept, "CUDA_VISIBLE_DEVICES": place}, log, batch)
            for place in places
        ]
        done = len(answered) + len(rejected)
        with tqdm(total=len(known), initial=done, unit="row", desc="answers", disable=stream) as bar:
            rest = questions.read(source, {*answered, *rejected})
            Run(outputs, bar, processes).go(_checked(rest, trained), bool(answered))
        outputs.write_records()
        rejects = len(outputs.rejected())
    if rejects:
        print(f"swift-saber: {rejects} of {len(known)} rows rejected: see {outputs.rejects}", file=sys.stderr)
    return 1 if rejects else 0


def _checked(rows: Iterator[Question | Reject], trained: Instructions) -> Generator[Question | Reject, None, None]:
    """The rows in their order, those whose clip cannot be read as rejects; says when they ask in other words."""
    with closing(readable((found, found.row if isinstance(found, Question) else {}) for found in rows)) as verdicts:
        for found, problem in verdicts:
            if problem is not None and isinstance(found, Question):
                found = Reject(found.id, found.where, problem.reason, problem.remedy)
            elif isinstance(found, Question):
                trained.compare(found.row, found.where)
            yield found


@contextmanager
def _in_environment(kept: Mapping[str, str]) -> Iterator[None]:
    """Media settings that are not set here hold in a block, since rows are read by them as well as clips."""
    os.environ.update(kept)
    try:
        yield
    finally:
        for name in kept:
            del os.environ[name]


def _settings(model: str, kept: Mapping[str, str], arguments: Sequence[str]) -> dict[str, Any]:
    """What the answers depend on."""
    folder = Path(model).expanduser()
    values = _values(arguments)
    first = {**DEFAULTS, **{name: given(arguments, name) for name in values}}
    return {
        "model": os.path.abspath(folder) if folder.is_dir() else model,
        **identity(model, kept),
        "arguments": {name: value for name, value in sorted(first.items()) if name not in _NO_MATTER},
        "further_values": {name: found[1:] for name, found in sorted(values.items()) if len(found) > 1},
    }


def _values(arguments: Sequence[str]) -> dict[str, list[str]]:
    """All values of each `--key value value` and `--key=value`, of which recipe.given gives the first."""
    found: dict[str, list[str]] = {}
    values: list[str] = []
    for part in arguments:
        if part.startswith("--"):
            name, equals, value = part[2:].partition("=")
            values = found[name.replace("-", "_")] = [value] if equals else []
        else:
            values.append(part)
    return found


def command(flag: str, model: str, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of `swift infer`, but for those of data, with the defaults here.

    Args:
        flag: as checkpoint.loading returns it.
        model: a model folder, a LoRA checkpoint folder, or a hub id.
        arguments: further `--key value`; they win.
    """
    defaults = {key: value for key, value in DEFAULTS.items() if given(arguments, key) is None}
    ours = [flag, model, "--custom_register_path", str(PLUGIN_FILE)]
    return [*ours, *(part for key, value in defaults.items() for part in (f"--{key}", value)), *arguments]


def _batch(arguments: Sequence[str]) -> int | None:
    text = given(arguments, "max_batch_size")
    if text is None:
        return None
    if not text.isdigit() or int(text) < 1:
        raise InputError("arguments", "--max_batch_size", f"is {text!r}", "give a number above 0")
    return int(text)


def _places(gpu: str) -> list[str]:
    found = [place.strip() for place in gpu.split(",")]
    if not all(re.fullmatch(r"[\w-]+", place) for place in found) or len(set(found)) != len(found):
        raise InputError("arguments", "gpu_id", f"is {gpu!r}", "name one GPU, or several as 0,1,2,3")
    return found

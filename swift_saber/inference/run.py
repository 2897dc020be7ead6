"""`swift-saber infer`: every row of a file ends exactly once, as an answer or as a reject with its reason.

All that is known is in the files (files.py), so that a run which was killed at any instant goes on when it is started
again. How rows come to the models and what becomes of a failure is work.py's matter.
"""

import hashlib
import os
import random
import sys
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence, Set
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from tqdm import tqdm

from swift_saber import __version__
from swift_saber.data.convert import hears_videos
from swift_saber.data.questions import INSIDE, digest, readable
from swift_saber.data.rows import check_roots, media_path, must_be_regular
from swift_saber.errors import InputError, quoted
from swift_saber.inference import questions
from swift_saber.inference.files import Outputs, must_spare
from swift_saber.inference.questions import Question, Reject
from swift_saber.inference.work import OTHERS, Model, Run
from swift_saber.media.check import Heard
from swift_saber.media.place import Problem
from swift_saber.media.pool import guarded
from swift_saber.media.prepared import made_with
from swift_saber.media.settings import SOUND, settings_in_force
from swift_saber.media.sound import inside
from swift_saber.models.checkpoint import Instructions, identity, loading
from swift_saber.models.engine import arguments_for
from swift_saber.models.flags import check_flags
from swift_saber.models.process import ModelProcess, places_of
from swift_saber.models.served import served
from swift_saber.models.service import Service
from swift_saber.plugin import PLUGIN_FILE
from swift_saber.recipe import all_given, given
from swift_saber.text.strict_json import encoded

# max_new_tokens is published. The published script streams one row at a time and leaves the temperature to the model
# folder; batches and temperature 0 are ours: faster, and the same answers on every run.
DEFAULTS = {"infer_backend": "transformers", "max_new_tokens": "4096", "temperature": "0", "stream": "false"}
# These are not arguments for the model: they are ours, or ms-swift's own way through a file.
_OURS = {"val_dataset", "dataset", "result_path", "custom_register_path", "val_dataset_sample", "write_batch_size"}
# Arguments that no answer depends on, but for what rounding does to a batch.
_NO_MATTER = {"max_batch_size", "stream"}
_LISTEN_SECONDS = 60.0


def infer(
    model: str,
    rows: str,
    result: str,
    gpu: str = "0",
    arguments: Sequence[str] = (),
    *,
    sound: bool = True,
    server: Service | None = None,
    quiet: bool = False,
) -> int:
    """Answer the questions of a file, or go on doing so, and return the exit status: 1 where rows were rejected.

    Args:
        model: a model folder, a LoRA checkpoint folder, or a hub id.
        rows: questions, one JSON object a line: {"id", "messages", "videos", "audios"}; messages and id may be absent.
        result: the JSONL to write or to go on with; files.py says what is written beside it.
        gpu: GPUs, "0" or "0,1,2,3": one model on each. Without a GPU, as many processes on the CPU.
        arguments: further `--key value` for `swift infer`; they win over the defaults here.
        sound: False to leave out the sound inside the videos of rows that name none, whatever SABER_SOUND says.
        server: a model behind an address, which is asked in the place of one that runs here; else None. Its answers are
            as long as max_tokens says, at temperature 0.
        quiet: whether nothing is to be said of how the run goes, as of one clip.

    Raises:
        InputError: the model, the file of questions or the result file cannot be used, the model answers nothing, or
            rows are missing in the end. What is in the files stays.
    """
    for key in sorted(_OURS):
        if given(arguments, key) is not None:
            raise InputError("arguments", f"--{key}", "is not one of these", "infer.sh names data and result itself")
    check_flags("infer", arguments)
    if server and arguments:
        raise InputError("arguments", arguments[0], "and the like are for a model that runs here", "leave them out")
    if os.environ.get("STREAM") == "1":
        arguments = [*arguments, "--stream", "true"]
    must_be_regular(rows)
    must_spare(Path(rows), Path(result))
    flag, kept = ("", {}) if server else loading(model, arguments)
    trained = None if server else Instructions(model)
    if not sound:
        kept["SABER_SOUND"] = "given"
    places, batch = places_of(gpu), _batch(arguments)
    stream = (given(arguments, "stream") or "false").lower() in {"true", "1"}
    check_roots()
    source, known = Path(rows), questions.ids(Path(rows))
    settings = _server_settings(server, kept) if server else _settings(model, kept, arguments, source)
    found = questions.read(source, frozenset())
    full = arguments_for(model, arguments, (one.row for one in found if isinstance(one, Question)))
    with _in_environment(kept), Outputs(Path(result), settings) as outputs:
        hears_videos()  # a wrong word in SABER_SOUND is the fault of no row
        answered = outputs.answered()
        if gone := next((name for name in answered if name not in known), None):
            raise InputError(result, "result_path", f"has {gone!r}, which is not in {rows}", "name another result file")
        if both := answered.keys() & outputs.rejected():
            problem = f"has {quoted(min(both))}, which {outputs.rejects} has too"
            raise InputError(result, "result_path", problem, "remove its line from one of the two")
        if answered:
            _compare(questions.read(source, known.keys() - answered.keys()), answered, result)
        outputs.keep_settings()
        outputs.forget(_origins(source, answered.keys(), settings))
        rejected = outputs.rejected()
        batch, log = (1, None) if stream else (batch, outputs.log)
        processes: Sequence[Model] = (
            served(server)
            if server
            else [
                ModelProcess(model, command(flag, model, full), {**kept, "CUDA_VISIBLE_DEVICES": place}, log, batch)
                for place in places
            ]
        )
        done = len(answered) + len(rejected)
        with tqdm(total=len(known), initial=done, unit="row", desc="answers", disable=stream or quiet) as bar:
            rest = _as_known(questions.read(source, {*answered, *rejected}), known.keys())
            others = partial(_spread, source, known, answered, trained)
            Run(outputs, bar, processes).go(_checked(rest, trained, said=quiet), others)
        outputs.write_records()
        rejects = len(outputs.rejected())
        _check_count(rows, len(known), len(outputs.answered()), rejects)
    if rejects and not quiet:
        again = "the same command asks those that are mended, and all of them without that file"
        print(f"swift-saber: {rejects} of {len(known)} rows rejected: see {outputs.rejects}; {again}", file=sys.stderr)
    return 1 if rejects else 0


def _origins(rows: Path, answered: Set[str], settings: Mapping[str, Any]) -> dict[str, str]:
    """What each row without an answer comes from, by id: a digest of it, its files, and all that is set.

    A reject holds as long as that is the same: then the row would only be rejected again.
    """
    ours = sorted((name, value) for name, value in os.environ.items() if name.startswith("SABER_"))
    root = os.path.realpath(os.environ.get("SABER_MEDIA_ROOT") or "/")
    common = encoded([__version__, settings, ours, root])
    found = questions.origins(rows, answered)
    return {name: hashlib.blake2b(own + common, digest_size=8).hexdigest() for name, own in found.items()}


def _check_count(rows: str, known: int, answered: int, rejected: int) -> None:
    if answered + rejected != known:
        problem = f"{known} were there at the start, and {answered} are answered and {rejected} rejected"
        raise InputError(rows, "rows", problem, "did the file change meanwhile? The same command goes on")


def _as_known(rows: Iterator[Question | Reject], known: Set[str]) -> Iterator[Question | Reject]:
    """The rows, as long as each is one of those that were there at the start, and comes once.

    Else the result file would get a row that the next start refuses to go on with.
    """
    seen: set[str] = set()
    for found in rows:
        if found.id in seen or found.id not in known:
            problem = f"{quoted(found.id)} {'came before' if found.id in seen else 'was not there at the start'}"
            remedy = "the file changed meanwhile; the same command goes on"
            raise InputError(found.where, "id", problem, remedy)
        seen.add(found.id)
        yield found


def _spread(
    source: Path, known: Mapping[str, str], answered: Collection[str], trained: Instructions | None
) -> Generator[Question | Reject, None, None]:
    """A few rows that were answered before, or else rows that are spread over the file."""
    picked = _drawn(list(answered or known))
    return _checked(questions.read(source, known.keys() - picked), trained, said=True)


def _drawn(names: Sequence[str]) -> set[str]:
    """One of each sixteenth, the same at each start; drawn, since what repeats in a file may hide from an even step."""
    draw = random.Random(0)
    bounds = [part * len(names) // OTHERS for part in range(OTHERS + 1)]
    return {names[draw.randrange(low, high)] for low, high in pairwise(bounds) if low < high}


def _checked(
    rows: Iterator[Question | Reject], trained: Instructions | None, *, said: bool = False
) -> Generator[Question | Reject, None, None]:
    """The rows in their order, those whose clip cannot be read as rejects; says when they ask in other words.

    Args:
        rows: as questions.read yields them.
        trained: what they are compared with, where that is known.
        said: whether it was said that a sound is taken out of a video.
    """
    with closing(readable((found, found.row if isinstance(found, Question) else {}) for found in rows)) as verdicts:
        for found, verdict in verdicts:
            listened = isinstance(found, Question) and found.row["audios"] is None
            if isinstance(found, Question):
                found = _heard(found, verdict)
            if isinstance(found, Question):
                if listened and verdict.audios and not said:
                    tqdm.write(f"swift-saber: {found.where} {INSIDE}, --no-sound for all)", file=sys.stderr)
                    said = True
                if trained:
                    trained.compare(found.row, found.where)
            yield found


def _heard(question: Question, found: Heard) -> Question | Reject:
    """A question with what was found of its media."""
    if found.problem is not None:
        return Reject(question.id, question.where, found.problem.reason, found.problem.remedy)
    question = replace(question, seconds=found.seconds)
    try:
        return question.heard(found.audios) if question.row["audios"] is None else question
    except InputError as error:
        return Reject(question.id, question.where, f"{error.field}: {error.problem}", error.remedy)


def _compare(rows: Iterator[Question | Reject], answered: Mapping[str, bytes], result: str) -> None:
    """See that the answers that are there are answers to the questions of now.

    Whether there is sound inside a video is looked up only where an answer was given without.
    """

    def is_same(question: Question, audios: list[str] | None) -> bool:
        return answered[question.id] == digest({**question.row, "audios": audios})

    def other(question: Question) -> InputError:
        problem = f"{quoted(question.id)} has another question or other media in {result}"
        return InputError(question.where, "id", problem, "name another result file")

    deaf: list[Question] = []
    for question in rows:
        if isinstance(question, Reject) or is_same(question, question.row["audios"]):
            continue
        if question.row["audios"] is not None:
            raise other(question)
        if not is_same(question, question.row["videos"]):
            deaf.append(question)
    asked = ((question, [question.row["videos"]]) for question in deaf)
    with closing(guarded(asked, inside, workers=min(4, os.cpu_count() or 1), limit=_LISTEN_SECONDS)) as found:
        for question, audios in found:
            if is_same(question, [] if isinstance(audios, Problem) else audios):
                continue
            if not is_same(question, []):
                raise other(question)
            problem = f"{quoted(question.id)} was answered in {result} without the sound inside its video"
            raise InputError(question.where, "audios", problem, "go on with --no-sound, or name another result file")


@contextmanager
def _in_environment(kept: Mapping[str, str]) -> Iterator[None]:
    """Media settings hold in a block, since rows are read by them as well as clips."""
    before = {name: os.environ.get(name) for name in kept}
    os.environ.update(kept)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _settings(model: str, kept: Mapping[str, str], arguments: Sequence[str], rows: Path) -> dict[str, Any]:
    """What the answers depend on."""
    folder = Path(model).expanduser()
    values = all_given(arguments)
    first = {**DEFAULTS, **{name: given(arguments, name) for name in values}}
    same = identity(model, kept, arguments)
    sound = same["media_settings"].pop("SABER_SOUND", "inside")
    prepared = made_with(rows)
    return {
        "model": os.path.abspath(folder) if folder.is_dir() else model,
        **same,
        "sound": sound,  # by itself, since runs that earlier versions began say nothing of it
        "arguments": {name: value for name, value in sorted(first.items()) if name not in _NO_MATTER},
        "further_values": {name: found[1:] for name, found in sorted(values.items()) if len(found) > 1},
        **({"prepared": prepared} if prepared else {}),
    }


def _server_settings(server: Service, kept: Mapping[str, str]) -> dict[str, Any]:
    """Likewise of a model behind an address, which may be another one when the run goes on.

    How it sees a clip is the server's matter.
    """
    return {
        "model": server.model,
        "relative_to": media_path("."),
        "sound": settings_in_force({**kept, **os.environ})[SOUND],
        "arguments": {"max_new_tokens": str(server.max_tokens), "temperature": "0"},
        "further_values": {},
    }


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

"""Where candidates come from: a model in a process of its own, or one behind an address.

Knows questions and texts; the output, its settings and its counts are sample.py's matter.
"""

import hashlib
import queue
import sys
import threading
from collections.abc import Callable, Container, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from swift_saber.data.log import RowLog
from swift_saber.data.questions import MODALITIES, readable, without
from swift_saber.data.rows import media_path
from swift_saber.errors import InputError
from swift_saber.media.place import Problem
from swift_saber.models.answer import Answer, EndpointFailed, EndpointOdd, EndpointRefused, Usage
from swift_saber.models.asker import Replies
from swift_saber.models.clips import chat_messages
from swift_saber.models.endpoint import Endpoint
from swift_saber.models.process import ModelProcess
from swift_saber.models.reply import UNANSWERED, Unusable
from swift_saber.text.seed import seed_of
from swift_saber.text.strict_json import dumps

_BARREN_LIMIT = 3

#: The answers of one clip: (the modality that was taken out or None, what was said then).
Answers = list[tuple[str | None, list[Answer]]]
#: A question with its answers, or with the reason why there are none.
Outcome = tuple[dict[str, Any], Answers | str]
# What a process's thread says: an outcome, where it wants the next batch, its failure, or that it has ended (None).
_Said = Outcome | queue.SimpleQueue[list[dict[str, Any]]] | BaseException | None


def _variants(question: dict[str, Any], withhold: Sequence[str]) -> list[tuple[str | None, dict[str, Any]]]:
    """The question as it is, then without each modality that can be taken out."""
    reduced = [(modality, without(question, modality)) for modality in withhold]
    return [(None, question), *((modality, rest) for modality, rest in reduced if rest is not None)]


def _absolute(question: dict[str, Any]) -> dict[str, Any]:
    """The columns that a model is asked with."""
    media = {key: [media_path(path) for path in question[key]] for key in MODALITIES}
    return {"id": question["id"], "messages": question["messages"], **media}


def _outcome(question: dict[str, Any], answers: Answers, more: str = "") -> Outcome:
    return question, answers if answers[0][1] else f"all answers were blank or missing{more}"


def replies_of(output: Path) -> Path:
    """Return where the replies of an address are kept, beside the output."""
    return output.with_name(output.name + ".replies.jsonl")


def from_model(
    processes: Sequence[ModelProcess],
    todo: Sequence[dict[str, Any]],
    settings: dict[str, Any],
    batch: int,
    *,
    ahead: bool = False,
) -> Generator[Outcome, None, None]:
    """Yield the outcome of each question, as they come, asked of models in processes of their own.

    The processes are ended afterwards. Batches are cut in the order of the questions, whichever process takes them.

    Args:
        processes: the same model in each; not loaded where nothing can be asked.
        todo: questions as read_questions gives them.
        settings: "k", "temperature", "max_new_tokens", "seed" and "withhold", as sample.sample has them.
        batch: answers written at the same time by a process.
        ahead: whether a process hears of the batch after the one that it is asked.

    Raises:
        InputError: the model cannot be loaded.
    """
    width = max(1, batch // (settings["k"] * (1 + len(settings["withhold"]))))
    said: queue.SimpleQueue[_Said] = queue.SimpleQueue()
    batches = [queue.SimpleQueue[list[dict[str, Any]]]() for _ in processes]
    threads = [
        threading.Thread(target=_serve, args=(process, given, said, settings, ahead))
        for process, given in zip(processes, batches, strict=True)
    ]
    checked = readable((question, _absolute(question)) for question in todo)
    try:
        with closing(checked) as clips:
            for thread in threads:
                thread.start()
            left = len(threads)
            while left:
                found = said.get()
                if isinstance(found, BaseException):
                    raise found
                if isinstance(found, tuple):
                    yield found
                elif found is None:
                    left -= 1
                else:
                    part: list[dict[str, Any]] = []
                    while len(part) < width and (next_clip := next(clips, None)) is not None:
                        question, heard = next_clip
                        if heard.problem is None:
                            part.append(question)
                        else:
                            yield question, f"{heard.problem.reason}; {heard.problem.remedy}"
                    found.put(part)
    finally:
        for process, given in zip(processes, batches, strict=True):
            process.stop()
            given.put([])  # to one that waits for more
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        for process in processes:
            process.close()


def _serve(
    process: ModelProcess,
    given: "queue.SimpleQueue[list[dict[str, Any]]]",
    said: "queue.SimpleQueue[_Said]",
    settings: dict[str, Any],
    ahead: bool,
) -> None:
    """One thread: ask for a batch by saying where it is wanted, and say what comes of it; an empty one is the end."""
    following: list[dict[str, Any]] = []

    def more() -> list[dict[str, Any]]:
        said.put(given)
        return given.get()

    def coming(_: Callable[[], bool]) -> list[dict[str, Any]]:
        following[:] = more()
        return _rows(following, settings["withhold"])

    try:
        part = more()
        while part:
            for outcome in _sampled(process, part, settings, coming if ahead else None):
                said.put(outcome)
            # Not asked for where the process died before it could hear of it.
            part = following.copy() or more()
            following.clear()
    except BaseException as error:
        said.put(error)
    finally:
        said.put(None)


def _rows(part: Sequence[dict[str, Any]], withhold: Sequence[str]) -> list[dict[str, Any]]:
    return [_absolute(row) for question in part for _, row in _variants(question, withhold)]


def _sampled(
    process: ModelProcess,
    part: Sequence[dict[str, Any]],
    settings: dict[str, Any],
    coming: Callable[[Callable[[], bool]], Sequence[dict[str, Any]]] | None,
) -> Iterator[Outcome]:
    """The outcomes of one batch."""
    sampling = {key: settings[key] for key in ("k", "temperature", "max_new_tokens", "seed")}
    written = process.each(_rows(part, settings["withhold"]), coming, sampling=sampling)
    for question in part:
        variants = _variants(question, settings["withhold"])
        found: list[tuple[str | None, Any]] = [(withheld, next(written)) for withheld, _ in variants]
        problem = next((answers for _, answers in found if isinstance(answers, Problem)), None)
        if problem is not None:
            yield question, f"{problem.reason}; {problem.remedy}"
            continue
        # A blank answer says nothing that could be judged; the clip is then counted as short.
        told = [(withheld, [Answer(**one) for one in answers if one["text"].strip()]) for withheld, answers in found]
        yield _outcome(question, told)


def from_endpoint(
    endpoint: Endpoint,
    kept: Path,
    there: Container[str],
    todo: Sequence[dict[str, Any]],
    settings: dict[str, Any],
    concurrency: int,
) -> Generator[Outcome, None, None]:
    """Yield the outcome of each question, asked of a server, as they come.

    Every reply is kept as it comes (asker.Replies), since a server may ignore n and be asked K times for one clip. A
    clip whose replies hold no answer is not asked about again; one that was refused, or stayed without a reply, is.

    When the server is down, and on Ctrl-C, nothing more is asked, what is still coming is yielded, and the error is
    raised. A second Ctrl-C does not wait.

    Args:
        endpoint: the model.
        kept: the file of its replies, to be gone on with or made.
        there: ids of clips whose replies are not of use any more.
        todo, settings: as from_model.
        concurrency: clips asked about at the same time.

    Raises:
        EndpointDown: the server cannot answer.
        InputError: the file of replies is damaged, or another run writes it.
    """

    def ask(question: dict[str, Any]) -> Outcome:
        try:
            variants = _variants(question, settings["withhold"])
            said = [(withheld, _ask(endpoint, replies, row, settings)) for withheld, row in variants]
        except Unusable as error:
            return question, error.reason
        return _outcome(question, said, f"; remove its lines from {kept} to have it asked again")

    with RowLog(kept) as log:
        replies = Replies(log, {"model": endpoint.model}, endpoint.address, lambda name: _clip(name) not in there)
        if replies:
            said = f"{len(replies)} replies of an earlier run are taken from there, and not asked for again"
            print(f"swift-saber: {kept}: {said}", file=sys.stderr)
        yield from _as_they_come(ask, todo, concurrency)


def _as_they_come(
    ask: Callable[[dict[str, Any]], Outcome], todo: Sequence[dict[str, Any]], concurrency: int
) -> Generator[Outcome, None, None]:
    """Yield the outcome of each question, with so many asked at the same time."""
    end: InputError | OSError | KeyboardInterrupt | None = None
    rest = iter(todo)
    waiting: set[Future[Outcome]] = set()
    pool = ThreadPoolExecutor(concurrency)
    try:
        while True:
            while end is None and len(waiting) < concurrency and (question := next(rest, None)) is not None:
                waiting.add(pool.submit(ask, question))
            if not waiting:
                break
            try:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt as error:
                if isinstance(end, KeyboardInterrupt):
                    raise
                end = error
                said = "swift-saber: waiting for the answers that are on their way; Ctrl-C again does not wait"
                tqdm.write(said, file=sys.stderr)
                continue
            for future in done:
                try:
                    outcome = future.result()
                except (InputError, OSError) as error:  # the server is down, or the disk is full
                    end = end or error
                else:
                    yield outcome
    finally:
        pool.shutdown(wait=False)  # nothing is left in it, unless the run ends at once
    if end is not None:
        raise end


def _ask(endpoint: Endpoint, replies: Replies, question: dict[str, Any], settings: dict[str, Any]) -> list[Answer]:
    """Up to k answers; asked for until they are there or three requests brought none, since servers may ignore n.

    Raises:
        Unusable: a request was refused or got no reply, or the clip went away.
    """
    try:
        messages = chat_messages(question)
    except InputError as error:
        raise Unusable(str(error)) from error
    answers: list[Answer] = []
    requests = barren = 0
    while len(answers) < settings["k"] and barren < _BARREN_LIMIT:
        # Every request has a seed of its own, else a server would give the same answers again.
        name = f"{settings['seed']}\n{question['id']}\n{requests}"
        options = {
            "temperature": settings["temperature"],
            "max_tokens": settings["max_new_tokens"],
            "n": settings["k"] - len(answers),
            "seed": seed_of(name) >> 1,
        }
        asked = hashlib.sha256(dumps([endpoint.model, messages, options]).encode()).hexdigest()[:32]
        row = replies.of(f"{question['id']}/{requests}/{asked}", partial(_sent, endpoint, messages, options))
        answers += [Answer(**one) for one in row["answers"]]
        requests += 1
        barren += not row["answers"]
    return answers


def _clip(name: str) -> str:
    """The id of the clip that a request is about, by the request's name."""
    return name.rsplit("/", 2)[0]


def _sent(endpoint: Endpoint, messages: Sequence[dict[str, Any]], options: dict[str, Any]) -> dict[str, Any]:
    """What is to be kept of the reply to a request; of one that was refused, or got none, nothing is."""
    try:
        reply = endpoint.reply(messages, **options)
    except EndpointOdd as error:
        return {"answers": [], "problem": error.problem, **Usage(1).tokens}
    except (EndpointRefused, EndpointFailed) as error:
        raise Unusable(str(error), UNANSWERED) from error
    return {"answers": [answer._asdict() for answer in reply.answers[: options["n"]]], **reply.usage.tokens}

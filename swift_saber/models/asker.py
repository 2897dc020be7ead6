"""Asking a model about clips such that no reply is lost and none is paid for twice, and about many at a time.

Knows replies, their log and the one re-ask; knows nothing of what is asked.
"""

import hashlib
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any, TypeVar

from swift_saber.data.log import RowLog
from swift_saber.data.rows import parse_row
from swift_saber.models.answer import EndpointDown, EndpointFailed, EndpointRefused, Usage
from swift_saber.models.reply import UNANSWERED, Unusable
from swift_saber.models.service import Service
from swift_saber.text.language import Language
from swift_saber.text.strict_json import dumps

S = TypeVar("S")
T = TypeVar("T")

# Where not one request was answered after so many, it is the settings and not the clips (ours).
_NONE_ANSWERED = 20
_LOGS = ("*.replies.jsonl", "transcripts/*.jsonl")

#: Shown after a reply that could not be used; %s is what is wrong with it.
REPAIR = {
    "en": "Your reply cannot be used: %s. Reply again to the first message, with one corrected JSON object and nothing "
    "else.",
    "zh": "上面的回答无法使用，原因是：%s。请重新回答第一条消息，只输出一个改正后的 JSON 对象，不要输出任何其他内容。",
}


def replies_log(folder: Path, question: str, rank: int) -> RowLog:
    """Return the file of the replies to one question, to be opened by the one task that asks it."""
    return RowLog(folder / f"{question}-{rank:05d}.replies.jsonl")


def usage(place: Path) -> dict[str, dict[str, int]]:
    """Return what was asked and paid so far, by all runs and tasks that kept their replies there.

    Args:
        place: a file of replies, or the folder that such files are below.

    Returns:
        {model: {"requests", "prompt_tokens", "completion_tokens"}}, as endpoint.Usage has them.

    Refused requests are not counted. A last line that is still being written is left out.

    Raises:
        InputError: a file of replies is damaged.
    """
    totals: dict[str, Usage] = {}
    files = [place] if place.is_file() else sorted(path for pattern in _LOGS for path in place.rglob(pattern))
    for path in files:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                row = parse_row(line.decode("utf-8", "replace"), f"{path}:{number}")
                if "prompt_tokens" in row:
                    model = row.get("model") or row["engine"]
                    one = Usage(1, row["prompt_tokens"], row["completion_tokens"])
                    totals[model] = totals.get(model, Usage()).plus(one)
    return {model: total._asdict() for model, total in totals.items()}


def in_order(function: Callable[[S], T], rows: Iterable[S], threads: int) -> Generator[T, None, None]:
    """Yield function(row) for each row in the order of the rows, with so many at a time.

    After an error, or when it is closed, nothing new is begun and what is in hand is waited for. So it is after Ctrl-C,
    which says so; a second one does not wait.
    """
    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[T]] = deque()
    try:
        for row in rows:
            waiting.append(pool.submit(function, row))
            if len(waiting) >= 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except KeyboardInterrupt:
        from tqdm import tqdm

        pool.shutdown(wait=False, cancel_futures=True)
        said = "swift-saber: waiting for the replies that are on their way; Ctrl-C again does not wait"
        tqdm.write(said, file=sys.stderr)
        pool.shutdown(wait=True)  # not in a `finally`: a second Ctrl-C, wherever it comes in here, ends the wait
        raise
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown()


class Replies:
    """What one model said to each request, in a log; threads may share it.

    Every reply is in the log before it is looked at, and what is there is not asked for again, be it of use or not: so
    a kill costs no more than the requests that are under way. Refused requests are kept too, and replies in which
    there is no answer (EndpointOdd); those that stayed without a reply are not, and are sent again by the next run. To
    have something asked again that is there, remove its line.

    Args:
        log: an open file of replies. Memory: what it holds of use at the start, until it is used.
        who: what every row says of the model, e.g. {"model": its name}.
        address: of the model, for errors.
        of_use: whether a request of this name may be sent in this run.
        media: the setting of the form in which clips travel: what was refused with another is sent again.

    Raises:
        InputError: the log is damaged.
    """

    def __init__(
        self,
        log: RowLog,
        who: Mapping[str, Any],
        address: str,
        of_use: Callable[[str], bool] = lambda _: True,
        media: str | None = None,
    ) -> None:
        self._log, self._who, self._address = log, who, address
        # A refusal is kept under the name of its request and the form.
        self._refused_as = f"/{media}" if media else ""
        self._known: dict[str, dict[str, Any]] = {}
        self._answered = False
        for row in log.read():
            self._answered = self._answered or ("refused" not in row and who.items() <= row.items())
            if of_use(row["id"]):
                self._known[row["id"]] = row
        self._failed = 0
        self._lock = Lock()

    def __contains__(self, name: str) -> bool:
        """Whether a request need not be sent: it is in the log, and was not asked for since."""
        return name in self._known or name + self._refused_as in self._known

    def __len__(self) -> int:
        """How many are there that were not asked for yet."""
        return len(self._known)

    def of(self, name: str, send: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """Return the row of a request's reply.

        Args:
            name: of the request; another request has another one.
            send: sends it and returns what is to be kept of the reply.

        Raises:
            Unusable: it was refused, or is "not answered": then the next run sends it again.
            EndpointDown: nothing can be asked as things are.
        """
        with self._lock:
            row = self._known.pop(name, None) or self._known.pop(name + self._refused_as, None)
        if row is None:
            row = {"id": name, **self._who}
            try:
                row |= send()
            except EndpointRefused as error:
                row |= {"id": name + self._refused_as, "refused": error.problem}
            except EndpointFailed as error:
                self._fail(error.problem)
                raise Unusable(error.problem, UNANSWERED) from error
            self._log.append(row)
        if "refused" in row:
            self._fail(row["refused"])
            raise Unusable(row["refused"], "refused")
        self._answered = True
        return row

    def _fail(self, reason: str) -> None:
        with self._lock:
            self._failed += 1
            hopeless = not self._answered and self._failed >= _NONE_ANSWERED
        if hopeless:
            problem = f"all of the first {_NONE_ANSWERED} requests were refused or not answered (the last: {reason})"
            remedy = f"correct the settings or the server, remove {self._log.path}, and run again"
            raise EndpointDown(self._address, "request", problem, remedy)


class Asker:
    """Asks one model one kind of question; threads may share it.

    Replies are kept as Replies does; a request is the same as long as the model, the prompt, the media, the form and
    the length of the reply are.

    Args:
        service: the model.
        log: an open file of replies (replies_log).

    Raises:
        InputError: the log is damaged, or as Endpoint.
    """

    def __init__(self, service: Service, log: RowLog) -> None:
        self._service, self._endpoint = service, service.endpoint()
        self._replies = Replies(log, {"model": service.model}, self._endpoint.address, media=service.form)
        self._room = BoundedSemaphore(service.concurrency)

    def ask(
        self,
        clip: str,
        messages: Sequence[dict[str, Any]],
        read: Callable[[str], T],
        schema: dict[str, Any] | None = None,
        language: Language = "en",
    ) -> T:
        """Return what `read` makes of the model's reply, or of its second one.

        Args:
            clip: its id.
            messages: the question, in OpenAI's form.
            read: returns the value that a reply holds, or raises Unusable with what is wrong with it; the model is
                then shown its reply and the reason, and asked once more.
            schema: of the reply, for servers that can be held to it; None where the reply is free text.
            language: of the re-ask.

        Raises:
            Unusable: no reply could be read (it holds the last one), or the request was refused or not answered (its
                kind says so).
            EndpointDown: nothing can be asked as things are.
        """
        first = self._reply(clip, 1, messages, schema)
        try:
            return self._read(first, read)
        except Unusable as error:
            problem = error.reason
        # Servers refuse a turn without text.
        turns = [{"role": "assistant", "content": first["reply"] or "-"}]
        turns += [{"role": "user", "content": REPAIR[language] % problem}]
        second = self._reply(clip, 2, [*messages, *turns], schema)
        try:
            return self._read(second, read)
        except Unusable as error:
            raise Unusable(error.reason, error.kind, second["reply"]) from error

    def knows(self, clip: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any] | None = None) -> bool:
        """Return whether there is a reply of an earlier run to this question, as ask takes it."""
        return self._name(clip, 1, messages, self._service.response_format(schema)) in self._replies

    def _read(self, row: dict[str, Any], read: Callable[[str], T]) -> T:
        if row["cut"]:
            raise Unusable(f"it was cut at {self._service.max_tokens} tokens; it must be shorter", "too long")
        return read(row["reply"])

    def _reply(
        self, clip: str, attempt: int, messages: Sequence[dict[str, Any]], schema: dict[str, Any] | None
    ) -> dict[str, Any]:
        """The row of the log that holds the reply to this request."""
        form = self._service.response_format(schema)
        try:
            return self._replies.of(self._name(clip, attempt, messages, form), lambda: self._sent(messages, form))
        except Unusable as error:
            raise Unusable(f"{error.kind}: {error.reason}", error.kind) from error

    def _name(self, clip: str, attempt: int, messages: Sequence[dict[str, Any]], form: dict[str, Any] | None) -> str:
        asked = dumps([self._service.model, self._service.max_tokens, form, messages])
        return f"{clip}/{attempt}/{hashlib.sha256(asked.encode()).hexdigest()[:32]}"

    def _sent(self, messages: Sequence[dict[str, Any]], form: dict[str, Any] | None) -> dict[str, Any]:
        with self._room:
            answers, paid = self._endpoint.reply(
                messages, temperature=0, max_tokens=self._service.max_tokens, response_format=form
            )
        text, cut = answers[0] if answers else ("", False)
        return {"reply": text, "cut": cut, **paid.tokens}

"""Asking a model about clips such that no reply is lost and none is paid for twice.

Knows replies, their log and the one re-ask; knows nothing of what is asked.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any, TypeVar

from swift_saber.endpoint import EndpointDown, EndpointRefused, Usage
from swift_saber.language import Language
from swift_saber.reply import Unusable
from swift_saber.row_log import RowLog
from swift_saber.rows import parse_row
from swift_saber.service import Service
from swift_saber.strict_json import dumps

T = TypeVar("T")

# Where not one request was answered after so many refusals, it is the settings and not the clips (ours).
_ALL_REFUSED = 20
_SUFFIX = ".replies.jsonl"

#: Shown after a reply that could not be used; %s is what is wrong with it.
REPAIR = {
    "en": "Your reply cannot be used: %s. Reply again to the first message, with one corrected JSON object and nothing "
    "else.",
    "zh": "上面的回答无法使用，原因是：%s。请重新回答第一条消息，只输出一个改正后的 JSON 对象，不要输出任何其他内容。",
}


def replies_log(folder: Path, question: str, rank: int) -> RowLog:
    """Return the file of the replies to one question, to be opened by the one task that asks it."""
    return RowLog(folder / f"{question}-{rank:05d}{_SUFFIX}")


def usage(folder: Path) -> dict[str, dict[str, int]]:
    """Return what was asked and paid so far, by all runs and tasks that kept their replies below a folder.

    Returns:
        {model: {"requests", "prompt_tokens", "completion_tokens"}}, as endpoint.Usage has them.

    Refused requests are not counted. A last line that is still being written is left out.

    Raises:
        InputError: a file of replies is damaged.
    """
    totals: dict[str, Usage] = {}
    for path in sorted(folder.rglob(f"*{_SUFFIX}")):
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    break
                row = parse_row(line.decode("utf-8", "replace"), f"{path}:{number}")
                if "reply" in row:
                    one = Usage(1, row["prompt_tokens"], row["completion_tokens"])
                    totals[row["model"]] = totals.get(row["model"], Usage()).plus(one)
    return {model: total._asdict() for model, total in totals.items()}


class Asker:
    """Asks one model one kind of question; threads may share it.

    Every reply is in the log before it is used. One that is there is not asked for again as long as the request is
    the same: the model, the prompt, the media, the form and length of the reply. Refused requests are kept too.

    Args:
        service: the model.
        log: an open file of replies (replies_log). Memory: what it holds at the start, until it is used.

    Raises:
        InputError: the log is damaged, or as Endpoint.
    """

    def __init__(self, service: Service, log: RowLog) -> None:
        self._service, self._log = service, log
        self._endpoint = service.endpoint()
        self._known = {row["id"]: row for row in log.read()}
        self._answered = any("reply" in row for row in self._known.values())
        self._refused = 0
        self._lock, self._room = Lock(), BoundedSemaphore(service.concurrency)

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
            Unusable: no reply could be read (it holds the last one), or the request was refused.
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

    def _read(self, row: dict[str, Any], read: Callable[[str], T]) -> T:
        if row["cut"]:
            raise Unusable(f"it was cut at {self._service.max_tokens} tokens; it must be shorter")
        return read(row["reply"])

    def _reply(
        self, clip: str, attempt: int, messages: Sequence[dict[str, Any]], schema: dict[str, Any] | None
    ) -> dict[str, Any]:
        """The row of the log that holds the reply to this request."""
        form = self._service.response_format(schema)
        asked = dumps([self._service.model, self._service.max_tokens, form, messages])
        name = f"{clip}/{attempt}/{hashlib.sha256(asked.encode()).hexdigest()[:32]}"
        with self._lock:
            row = self._known.pop(name, None)
        if row is None:
            with self._room:
                row = {"id": name, "model": self._service.model, **self._asked(messages, form)}
            self._log.append(row)
        with self._lock:
            self._answered = self._answered or "reply" in row
            self._refused += "refused" in row
            hopeless = not self._answered and self._refused >= _ALL_REFUSED
        if hopeless:
            problem = f"all of the first {_ALL_REFUSED} requests were refused (the last: {row['refused']})"
            remedy = f"correct the settings or the server, remove {self._log.path}, and run again"
            raise EndpointDown(self._endpoint.address, "request", problem, remedy)
        if "refused" in row:
            raise Unusable(f"refused: {row['refused']}")
        return row

    def _asked(self, messages: Sequence[dict[str, Any]], form: dict[str, Any] | None) -> dict[str, Any]:
        try:
            answers, paid = self._endpoint.reply(
                messages, temperature=0, max_tokens=self._service.max_tokens, response_format=form
            )
        except EndpointRefused as error:
            return {"refused": error.problem}
        text, cut = answers[0] if answers else ("", False)
        tokens = {"prompt_tokens": paid.prompt_tokens, "completion_tokens": paid.completion_tokens}
        return {"reply": text, "cut": cut, **tokens}

"""A model behind an address, with the face of one that runs here (process.ModelProcess), for inference/work.py.

Each of its handles has one request under way, so that a reply is an answer as soon as it comes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from swift_saber.data.questions import MODALITIES, asked, instruction
from swift_saber.data.turns import taken_out
from swift_saber.errors import InputError
from swift_saber.media.place import Problem
from swift_saber.models.answer import EndpointDown, EndpointFailed
from swift_saber.models.clips import chat_messages
from swift_saber.models.endpoint import Endpoint
from swift_saber.models.process import AnswerError, ModelDied
from swift_saber.models.service import Service


class Unanswered(Problem):
    """A request stayed without a reply, though the service answers others: worth asking again in another run."""


class Served:
    """One request at a time to a model behind an address; for one thread.

    Args:
        endpoint: the model, which many may share.
        max_tokens: the longest answer.
    """

    #: Rows at a time.
    size = 1

    def __init__(self, endpoint: Endpoint, max_tokens: int) -> None:
        self._endpoint, self._max_tokens = endpoint, max_tokens
        #: The address, for errors.
        self.place = endpoint.address
        self._stopped = False

    def load(self) -> None:
        """Do nothing: it is loaded elsewhere."""

    def each(
        self,
        rows: Sequence[Mapping[str, Any]],
        coming: Callable[[Callable[[], bool]], Sequence[Mapping[str, Any]]] | None = None,
    ) -> Iterator[Any | Problem]:
        """Yield the result row of each row, in their order, or why there is none.

        Args:
            rows: {"id", "messages", "videos", "audios"}, as convert.to_swift_row returns them.
            coming: not called, since nothing is prepared ahead.

        Raises:
            EndpointDown: nothing can be answered as things are.
            ModelDied: it was stopped.
        """
        for row in rows:
            yield self._answer(row)

    def ask(self, rows: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return the result rows.

        Raises:
            AnswerError: one of them has none.
            EndpointDown, ModelDied: as each.
        """
        results = list(self.each(rows))
        for result in results:
            if isinstance(result, Problem):
                raise AnswerError(result.reason, memory=False)
        return results

    def stop(self) -> None:
        """Send nothing more; a reply that is on its way may still come."""
        self._stopped = True

    def close(self) -> None:
        """Do nothing: other handles use the connections."""

    def _answer(self, row: Mapping[str, Any]) -> dict[str, Any] | Problem:
        if self._stopped:
            raise ModelDied("the run was stopped")
        try:
            messages = chat_messages({**row, "messages": _turns(row)})
            answers = self._endpoint.complete(messages, temperature=0, max_tokens=self._max_tokens)
        except EndpointDown:
            raise
        except EndpointFailed as error:
            return Unanswered(error.problem, "the same command asks again")
        except InputError as error:
            return Problem(f"{error.field}: {error.problem}", error.remedy)
        if not answers:
            return Problem("the answer is empty", "look at the server's log")
        text, cut = answers[0]
        turns = [*asked(row["messages"]), {"role": "assistant", "content": text}]
        result = {"response": text, "labels": None, "logprobs": None, **row, "messages": turns}
        return result | ({"cut": True} if cut else {})


def _turns(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The turns that are sent: those of the question, a blank last one filled as the plugin fills it."""
    turns = [dict(turn) for turn in asked(row["messages"])]
    if not turns or turns[-1]["role"] != "user":
        raise InputError(str(row["id"]), "messages", "has no user turn to answer", "end it with the question")
    if taken_out(turns).media["images"]:
        remedy = "leave it out; videos and audios are what a server is sent"
        raise InputError(str(row["id"]), "messages", "has a turn with a picture", remedy)
    text = turns[-1]["content"]
    for tag in MODALITIES.values():
        text = text.replace(tag, "")
    if not text.strip():
        turns[-1]["content"] = turns[-1]["content"].strip() + instruction({**row, "messages": turns})
    return turns


def served(service: Service) -> list[Served]:
    """Return as many handles of a model as requests may be under way.

    Raises:
        InputError: as endpoint.Endpoint.
    """
    endpoint = service.endpoint()
    return [Served(endpoint, service.max_tokens) for _ in range(service.concurrency)]

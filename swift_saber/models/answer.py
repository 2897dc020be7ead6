"""What comes of asking a model: its answers with what they cost, or a failure and what that means for a run."""

from typing import NamedTuple

from swift_saber.errors import InputError


class Answer(NamedTuple):
    """What a model wrote, and whether it was cut at the longest answer (the protocol's finish_reason "length")."""

    text: str
    cut: bool = False


class Usage(NamedTuple):
    """What was asked for and paid: replies that came, and tokens as the servers count them (0 where they do not)."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def tokens(self) -> dict[str, int]:
        """Both numbers of tokens by their names, as rows of replies have them."""
        return {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens}

    def plus(self, other: "Usage") -> "Usage":
        """Return the sum of both."""
        return Usage(*map(sum, zip(self, other, strict=True)))


class Reply(NamedTuple):
    """The answers of one request that have a text, and what the request cost."""

    answers: list[Answer]
    usage: Usage


class EndpointDown(InputError):
    """No request can be answered as things are, so the run must stop."""


class EndpointRefused(InputError):
    """This request was refused; others may be answered."""


class EndpointOdd(EndpointRefused):
    """A reply came, perhaps paid for, and there is no answer in it, though the service answers others.

    It is an error in place of answers, or none of the protocol, or larger than any reply may be.
    """


class EndpointFailed(InputError):
    """There is no answer to this request, however often it was sent, though the service answers others.

    The clip may be too much for the server, or the moment was a bad one: it is worth asking again in another run.
    """


class EndpointForeign(InputError):
    """What came is no reply of the protocol: nor are others, where the address is wrong."""

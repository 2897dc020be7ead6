"""The drop of a clip about which a model gave no usable reply."""

from swift_saber.pipeline.stage import Drop, Row
from swift_saber.reply import UNANSWERED, Unusable

# How much of a reply that could not be used is kept in its drop; the whole is in the log.
_SHOWN = 300


def no_reply(row: Row, reason: str, error: Unusable) -> Drop:
    """Return the Drop of a row for which there is no usable reply: why, and how the last one begins.

    Where the request was not answered, that is its reason, by which the next run knows to ask again (run.py).
    """
    reason = UNANSWERED if error.kind == UNANSWERED else reason
    return Drop(row, reason, {"reason": error.reason, "reply": error.reply[:_SHOWN]})

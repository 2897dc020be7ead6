"""At most so many requests a minute, whoever asks."""

import time
from collections.abc import Callable
from threading import Lock


class Pace:
    """Spreads requests evenly: a token bucket that holds one token. Threads share one.

    Nothing is saved up, so that no minute, wherever it begins, holds more than its share and one.

    Args:
        per_minute: requests a minute, more than 0.
        clock: seconds that never go back.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        per_minute: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 60 / per_minute
        self._clock, self._sleep = clock, sleep
        self._lock = Lock()
        self._next = clock()

    def wait(self) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            self._sleep(turn - now)

"""Rows are decoded and encoded while the model still works on those before them.

ms-swift encodes a batch when the batch is asked for, so a GPU waits for decoders. Encoding is the template's own, in
threads of the process with the model: decoders and tensor operations let go of Python's lock, and nothing is copied.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from typing import Any

from swift_saber.strict_json import dumps

_THREADS = 8


class EncodeAhead:
    """Takes the place of a template's `encode`; what was encoded ahead is handed out once and then forgotten.

    Args:
        template: an ms-swift template, in the mode that it will be asked in.
    """

    def __init__(self, template: Any) -> None:
        self._encode = template.encode
        self._pool = ThreadPoolExecutor(max(1, min(_THREADS, (os.cpu_count() or 1) - 1)))
        self._lock = threading.Lock()
        self._encoded: dict[str, Future[dict[str, Any]]] = {}
        self._announced: set[str] = set()  # with the last call of `start`
        template.encode = self.encode

    def start(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Begin with the batch after the one that is being asked; errors are raised when it is asked itself.

        What was announced before the batch that is being asked, and never asked for, is let go: it was cut into parts.
        """
        from swift.infer_engine import InferRequest

        with self._lock:
            for name in self._encoded.keys() - self._announced:
                self._encoded.pop(name).cancel()
            self._announced = set()
            for row in rows:
                request = deepcopy(dict(row))
                InferRequest.remove_response(request["messages"])
                name = dumps(request)
                self._announced.add(name)
                self._encoded[name] = self._pool.submit(self._encode, request, return_template_inputs=True)

    def encode(self, request: Any, return_template_inputs: bool = False, **options: Any) -> dict[str, Any]:
        """As Template.encode."""
        found = None
        if isinstance(request, dict) and return_template_inputs and not options:
            with self._lock:
                found = self._encoded.pop(dumps(request), None)
        if found is not None:
            return found.result()
        encoded: dict[str, Any] = self._encode(request, return_template_inputs=return_template_inputs, **options)
        return encoded

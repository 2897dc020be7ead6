"""models/worker.serve, with a note of all that the real engine is asked; the process with the model calls it."""

import json
import os
from typing import Any

from swift_saber.models import worker


def serve(*arguments: Any) -> None:
    """Write [sounds in the request, answers, prompt tokens] to the file WATCHED for each request."""
    from swift.infer_engine import TransformersEngine

    infer = TransformersEngine.infer

    def watch(self: Any, requests: Any, *rest: Any, **options: Any) -> Any:
        sounds = [len(request["audios"]) for request in requests]
        replies = infer(self, requests, *rest, **options)
        with open(os.environ["WATCHED"], "a") as file:
            for number, reply in zip(sounds, replies, strict=True):
                file.write(json.dumps([number, len(reply.choices), reply.usage.prompt_tokens]) + "\n")
        return replies

    TransformersEngine.infer = watch
    worker.serve(*arguments)

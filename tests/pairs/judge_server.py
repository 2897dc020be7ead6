"""A judge on 127.0.0.1 for the tests: replies that are set beforehand, or made from the request."""

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.llm_server import Asked, LLMServer, Reply, fails, say


def reply(consistency: int, alignment: int) -> str:
    rating = {"reason": "So.", "logical_consistency": consistency, "evidence_alignment": alignment}
    return json.dumps(rating)


def write_records(folder: Path, names: Sequence[str] = ("a", "b", "c", "d")) -> Path:
    """The clips' records, each with a voice of its own."""
    path = folder / "records.jsonl"
    rows = [
        {
            "id": name,
            "language": "en",
            "videos": [f"{name}.mp4"],
            "audios": [f"{name}.wav"],
            "audio_desc": {"speech_content": "Hm.", "acoustic_feat": f"A low voice of {name}."},
            "video_desc": "A room.",
            "facial_exp_desc": f"A smile of {name}.",
            "body_lang_desc": "Still.",
            "sentiment_analysis": "Glad.",
        }
        for name in names
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


class JudgeServer(LLMServer):
    """Replies in turn from a list, or by a function of the request; an integer is an error status.

    Attributes:
        delay: seconds before each reply.
    """

    def __init__(self, replies: Sequence[str | int] | Callable[[dict[str, Any]], str | int]) -> None:
        super().__init__(self._reply)
        self.address, self.delay = self.url, 0.0
        self._replies, self._turn = replies, itertools.count()

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests received, in their order."""
        return [asked.body for asked in self.asked]

    def _reply(self, asked: Asked) -> Reply:
        said = self._replies(asked.body) if callable(self._replies) else self._replies[next(self._turn)]
        return replace(say(said) if isinstance(said, str) else fails(said), delay=self.delay)

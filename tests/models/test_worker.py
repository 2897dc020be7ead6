"""models/worker.py: several answers to a question, where memory is short."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from swift_saber.models.worker import _samples

ROWS = [{"id": str(number), "messages": [], "videos": [], "audios": []} for number in range(6)]


class Engine:
    """In the place of ms-swift's: has room for so many answers at a time, and notes (questions, answers to each)."""

    def __init__(self, room: int, batch: int) -> None:
        self.max_batch_size, self._room = batch, room
        self.asked: list[tuple[int, int]] = []

    def infer(self, requests: list[Any], config: Any, *, use_tqdm: bool) -> list[Any]:
        self.asked.append((len(requests), config.n))
        if len(requests) * config.n > self._room:
            raise torch.OutOfMemoryError("no room")
        choice = SimpleNamespace(message=SimpleNamespace(content="yes"), finish_reason="stop")
        return [SimpleNamespace(choices=[choice] * config.n) for _ in requests]


def samples(engine: Engine) -> list[list[dict[str, Any]]]:
    sampling = {"k": 3, "temperature": 1.0, "max_new_tokens": 8, "seed": 0}
    return _samples(SimpleNamespace(infer_engine=engine), ROWS, sampling)


def test_where_memory_runs_out_fewer_answers_are_written_at_a_time_from_then_on() -> None:
    engine = Engine(room=4, batch=16)
    assert samples(engine) == [[{"text": "yes", "cut": False}] * 3] * 6
    # 16 answers at a time are five questions of 3, 8 are two; with 4 it is one, six times.
    assert engine.asked == [(5, 3), (2, 3)] + [(1, 3)] * 6
    samples(engine)
    assert engine.asked[8:] == [(1, 3)] * 6


def test_no_room_for_one_answer_is_an_error_of_its_own() -> None:
    engine = Engine(room=0, batch=4)
    with pytest.raises(torch.OutOfMemoryError):
        samples(engine)
    assert engine.asked == [(1, 3), (1, 2), (1, 1)]

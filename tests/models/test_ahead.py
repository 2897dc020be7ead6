"""models/worker.py: rows encoded while the model works."""

import gc
import itertools
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Generator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from tqdm import tqdm

from swift_saber.data.rows import read_rows
from swift_saber.inference.files import Outputs
from swift_saber.inference.questions import Question, Reject
from swift_saber.inference.work import Run
from swift_saber.models.worker import EncodeAhead, _answers, _load


class Template:
    """Notes what it encodes, and in which thread; a row of the text "bad" cannot be encoded."""

    def __init__(self) -> None:
        self.encoded: list[tuple[str, bool]] = []

    def encode(self, request: Any, return_template_inputs: bool = False) -> dict[str, Any]:
        text = request["messages"][-1]["content"]
        self.encoded.append((text, threading.current_thread() is threading.main_thread()))
        if text == "bad":
            raise ValueError("too long")
        return {"input_ids": [len(text)]}


def row(text: str, *, answered: bool = False) -> dict[str, Any]:
    turns = [{"role": "user", "content": text}]
    return {"messages": [*turns, {"role": "assistant", "content": "old"}] if answered else turns, "videos": ["v"]}


def test_a_row_is_encoded_once_and_elsewhere() -> None:
    template = Template()
    ahead = EncodeAhead(template)
    ahead.start([row("one"), row("three", answered=True)])  # an old answer is taken off, as swift infer does
    assert template.encode(row("one"), return_template_inputs=True) == {"input_ids": [3]}
    assert template.encode(row("three"), return_template_inputs=True) == {"input_ids": [5]}
    assert sorted(template.encoded) == [("one", False), ("three", False)]


def test_what_was_not_announced_and_what_was_handed_out_is_encoded_when_it_is_asked_for() -> None:
    template = Template()
    ahead = EncodeAhead(template)
    ahead.start([row("one")])
    for _ in range(2):
        template.encode(row("one"), return_template_inputs=True)
    template.encode(row("two"), return_template_inputs=True)
    assert template.encoded == [("one", False), ("one", True), ("two", True)]


def test_a_row_that_cannot_be_encoded_fails_when_it_is_asked_for() -> None:
    template = Template()
    ahead = EncodeAhead(template)
    ahead.start([row("bad"), row("one")])
    assert template.encode(row("one"), return_template_inputs=True) == {"input_ids": [3]}
    with pytest.raises(ValueError, match="too long"):
        template.encode(row("bad"), return_template_inputs=True)


class Model:
    """In the place of ModelProcess, in this process: hears of the next rows before it encodes those it is asked.

    That is the order of things where the model is slower than the run that gives it rows.
    """

    size = 32

    def __init__(self, template: Template) -> None:
        self._template, self._ahead = template, EncodeAhead(template)

    def load(self) -> None: ...

    def close(self) -> None: ...

    def each(self, rows: list[dict[str, Any]], coming: Callable[..., Any]) -> list[dict[str, Any]]:
        self._ahead.start(coming(lambda: False))
        for asked in rows:
            self._template.encode(asked, return_template_inputs=True)
        return [{"response": "yes", "messages": [{"role": "assistant", "content": "yes"}]} for _ in rows]


def test_in_a_run_every_row_is_encoded_once(tmp_path: Path) -> None:
    template, names = Template(), [str(number) for number in range(4 * Model.size)]

    def questions() -> Generator[Question | Reject, None, None]:
        for name in names:
            yield Question(name, f"in:{name}", row(name))

    with Outputs(tmp_path / "out.jsonl", {}) as outputs, tqdm(disable=True) as bar:
        process: Any = Model(template)
        Run(outputs, bar, [process]).go(questions(), True)
    assert Counter(text for text, _ in template.encoded) == Counter(names)


def test_what_is_announced_and_never_asked_for_is_let_go() -> None:
    held: weakref.WeakSet[Any] = weakref.WeakSet()

    class Encoded:
        pass

    class Keeping:
        def encode(self, request: Any, return_template_inputs: bool = False) -> Encoded:
            encoded = Encoded()
            held.add(encoded)
            return encoded

    ahead = EncodeAhead(Keeping())
    for batch in range(20):
        ahead.start([row(f"{batch} {place}") for place in range(3)])
        ahead.encode(row(f"{batch} 0"), return_template_inputs=True)  # a batch of three that is cut after its first
    gc.collect()
    assert len(held) <= 2 * 3  # of the batch that is asked now, and of the one before it


@pytest.mark.slow
@pytest.mark.usefixtures("plugin")
def test_the_real_model_answers_the_same_from_rows_encoded_ahead(tiny_model: Path, tiny_world: Path) -> None:
    rows = [
        {key: given[key] for key in ("videos", "audios")} | {"messages": [{"role": "user", "content": "What is felt?"}]}
        for given in itertools.islice((row for _, row in read_rows(tiny_world / "eval.jsonl")), 4)
    ]
    infer = _load(["--model", str(tiny_model), "--max_new_tokens", "12", "--temperature", "0"])
    infer.infer_engine.max_batch_size = 4
    plain = [row["response"] for row in _answers(infer, deepcopy(rows))]
    template = infer.infer_engine.template
    ahead = EncodeAhead(template)
    ahead.start(rows)
    template.encode, encoded = _counted(template.encode)
    assert [row["response"] for row in _answers(infer, deepcopy(rows))] == plain
    assert encoded == [True] * 4  # all of them were found


def _counted(encode: Any) -> tuple[Any, list[bool]]:
    """The same function, and a list that says of each call whether what was encoded ahead was there for it."""
    found: list[bool] = []

    def counted(request: Any, **options: Any) -> Any:
        before = len(encode.__self__._encoded)
        result = encode(request, **options)
        found.append(len(encode.__self__._encoded) < before)
        return result

    return counted, found

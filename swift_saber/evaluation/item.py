"""One question of a benchmark with its answer: what all scores are made of, and what is kept of them.

A run of an evaluation writes a folder:

    questions.jsonl   rows for shell/infer.sh: {"id", "messages", "videos", "audios"}
    answers.jsonl     its results (ms-swift's rows with "id"), answers.rejects.jsonl beside them
    items.jsonl       one Item a line, in the order of the questions: what comparisons and the page read
    scores.json       the scores, their intervals, tables and the manifest; scores.md is the same for a person

scores.json:

    {"benchmark": "emobench-m", "model": "...", "judge": "..." or null,
     "metrics": {name: {"value", "low", "high", "n", "invalid", "missing", "unjudged"}},       the headline ones
     "groups": {group: {name: {the same}}},
     "tables": {group: {"labels": [...], "confusion": [[...]], "per_class": {label: {"precision", "recall", "f1",
                "support"}}}},
     "context": [{"name", "values": {...}, "source"}],                                         others' rows, with source
     "notes": ["..."],
     "manifest": {"model", "data": {file: sha256}, "versions", "seeds", "settings"}}
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

#: What came of a question. Only "unjudged" (the judge failed) has no score; "invalid" (an answer that says none of
#: the labels) and "missing" (no answer, or a reject) count as wrong and stay in every denominator.
State = Literal["answered", "invalid", "missing", "unjudged"]


@dataclass(frozen=True, slots=True)
class Item:
    """One question.

    Attributes:
        id: of the question.
        group: by which scores are split: the scenario, the data set, or "consistent" and "inconsistent".
        truth: the reference: a label, a list of labels, a text or a record.
        prediction: what was read out of the answer, in the form of the truth; None unless "answered" or "unjudged".
        state: what came of it.
        scores: of this item alone, by metric: 0..1 for right and wrong, else the metric's own range. None where the
            judge failed.
        response: the model's own words, "" where there are none.
        videos, audios: the clip.
        details: what a person may want to see: the judge's reasons, word alignments, the question.
    """

    id: str
    group: str
    truth: Any
    prediction: Any
    state: State
    scores: dict[str, float | None] = field(default_factory=dict)
    response: str = ""
    videos: list[str] = field(default_factory=list)
    audios: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def to_row(self) -> dict[str, Any]:
        """Return the line of items.jsonl."""
        return asdict(self)

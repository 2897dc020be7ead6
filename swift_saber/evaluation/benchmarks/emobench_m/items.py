"""From a model's answers to scored items of EmoBench-M.

Of one item: "accuracy" is 1 for the right label and 0 for any other, an invalid answer and a missing one; CEIA's is 1
where emotion and intent are both right, with "emotion" and "intent" apart. Laughter reasoning has "bleu" and "rouge_l"
(0..1), "bert" where its model is there, and with a judge "logic" and "association" (1..5, 0 without an answer) and
"total" = 10 * (logic + association), out of 100.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from swift_saber.data.rows import media_list, read_rows
from swift_saber.errors import InputError, quoted
from swift_saber.evaluation.benchmarks.emobench_m.answers import (
    after_thinking,
    official_label,
    official_pair,
    read_label,
    read_pair,
)
from swift_saber.evaluation.benchmarks.emobench_m.layout import SCENARIOS, Scenario, read_scenario
from swift_saber.evaluation.item import Item, State
from swift_saber.evaluation.judge import Judge, Rating, Task, rate_all
from swift_saber.evaluation.metrics import bert_score, bleu, rouge_l
from swift_saber.text.files import writable

#: What the judge scores, published: two criteria of 1 to 5. Ours: the wording below, and asking for both at once.
CRITERIA = {"logic": (1, 5), "association": (1, 5)}
_JUDGE = """\
An audience laughed in a video clip. You are shown the reference, a person's explanation of why, and the answer of a \
model that watched the clip. Score the answer against the reference, each from 1 (worst) to 5 (best):
logic: is its reasoning clear, do its causes really lead to the laughter, and does it fit the context?
1: no logic, no causes, or out of context. 2: flawed, with some of the causes. 3: mostly clear causes, with gaps. \
4: logical, with clear causes that fit. 5: fully logical, and its causes fit completely.
association: does it tell how words, picture, sound and the rest work together, as the reference has it, and do they \
fit what set off the laughter?
1: no relation to what is seen or heard. 2: little, with several mismatches. 3: some, with clear gaps. \
4: most of it, and it fits. 5: all of it, and it fits completely."""
# The question asks for at most 40 words.
_LONGEST_ANSWER = 4000


def items(
    folder: Path,
    answers: Path,
    rejects: Path | None,
    *,
    media: Path | None = None,
    official: bool = False,
    judge: Judge | None = None,
    bert_model: Path | None = None,
) -> list[Item]:
    """Return an item for each question of the scenarios that were run, in the order of the benchmark.

    A scenario was run where one of its questions has an answer or a reject; then all of its questions count.

    Args:
        folder: the benchmark's.
        answers: what shell/infer.sh wrote: rows with "id" and "response", or "messages" that end with the answer. Where
            the response is null there is none.
        rejects: its file of rows without an answer; it may be missing, as it is where there are none.
        media: as layout.read_scenario.
        official: read answers as the official runners do (answers.py).
        judge: for laughter reasoning; without it "logic", "association" and "total" are not scored.
        bert_model: the folder of BERTScore's model, for "bert"; the official script takes roberta-large.

    Raises:
        InputError: a file cannot be read, an id is there twice, in both files or in no question of the benchmark.
        EndpointDown: the judge cannot be asked at all.
    """
    said = _said(answers, rejects)
    asked = [
        one
        for name, scenario in SCENARIOS.items()
        if any(key.startswith(f"{name}/") for key in said)
        for one in read_scenario(folder, scenario, media)
    ]
    known = {one.id for one in asked}
    if unknown := [key for key in said if key not in known]:
        problem = f"{len(unknown)} of {len(said)} are of no question of {folder} (the first: {quoted(unknown[0])})"
        raise InputError(str(answers), "id", problem, "score answers to the questions of this benchmark folder")
    found = []
    for one in asked:
        _, row, response = said.get(one.id, ("", {}, None))
        details = {"question": one.question, "video": one.video}
        if row.get("reason"):
            details["reject"] = row["reason"]
        item = read_item(one.id, one.scenario, one.truth, response, official=official)
        audios = [str(path) for path in media_list(row, "audios")]
        found.append(replace(item, videos=[str(one.path)], audios=audios, details={**details, **item.details}))
    return with_text_scores(found, judge, bert_model)


def read_item(
    key: str, scenario: Scenario, truth: str, response: str | None, *, official: bool = False, group: str = ""
) -> Item:
    """Return the item of one answer, with all scores but those of laughter reasoning.

    Args:
        key: its id.
        scenario: says the labels.
        truth: the reference as the benchmark writes it.
        response: None where there is no answer.
        official: as in `items`.
        group: where it is not the scenario's name.
    """
    text = response or ""
    state: State = "missing" if response is None else "answered"
    scores: dict[str, float | None] = {}
    details: dict[str, Any] = {}
    prediction: str | None
    if scenario.is_text:
        prediction = (text if official else after_thinking(text)).strip() or None
    elif scenario.intents:
        read = official_pair if official else read_pair
        right = read(truth, scenario.labels, scenario.intents)
        both = read(text, scenario.labels, scenario.intents)
        truth = "_".join(map(str, right)) if all(right) else truth.lower()
        prediction = "_".join(map(str, both)) if all(both) else None
        details = {"emotion": both[0], "intent": both[1]}
        # Where the reference cannot be read, no answer is right.
        pairs = zip(("emotion", "intent"), right, both, strict=True)
        scores = {name: float(wanted is not None and wanted == got) for name, wanted, got in pairs}
    else:
        truth = (truth.lower() if official else read_label(truth, scenario.labels)) or truth.lower()
        prediction = (official_label if official else read_label)(text, scenario.labels)
    if prediction is None and state == "answered":
        state = "invalid"
    if not scenario.is_text:
        scores = {"accuracy": float(prediction == truth), **scores}
    return Item(key, group or scenario.name, truth, prediction, state, scores, text, details=details)


def with_text_scores(found: Sequence[Item], judge: Judge | None, bert_model: Path | None) -> list[Item]:
    """Return the items with the scores of laughter reasoning where they are such."""
    texts = [item for item in found if is_text(item)]
    tasks = (
        Task(item.id, _JUDGE, {"reference": item.truth, "answer": item.prediction[:_LONGEST_ANSWER]}, CRITERIA)
        for item in texts
        if item.prediction is not None
    )
    rated = rate_all(judge, tasks, bar="judged") if judge and texts else None
    bert: Sequence[float | None] = [None] * len(texts)
    if bert_model and texts:
        bert = bert_score([item.truth for item in texts], [item.prediction or "" for item in texts], bert_model)
    scored = {item.id: _with_text(item, value, rated) for item, value in zip(texts, bert, strict=True)}
    return [scored.get(item.id, item) for item in found]


def is_text(item: Item) -> bool:
    """Whether the item is laughter reasoning."""
    return item.group in SCENARIOS and SCENARIOS[item.group].is_text


def _with_text(item: Item, bert: float | None, rated: Mapping[str, Rating | str] | None) -> Item:
    texts = item.truth, item.prediction or ""
    scores: dict[str, float | None] = {"bleu": bleu(*texts), "rouge_l": rouge_l(*texts)}
    if bert is not None:
        scores["bert"] = bert
    if rated is None:
        return replace(item, scores=scores)
    if item.prediction is None:
        return replace(item, scores=scores | {"logic": 0.0, "association": 0.0, "total": 0.0})
    rating = rated[item.id]
    if isinstance(rating, str):
        scores |= dict.fromkeys((*CRITERIA, "total"))
        return replace(item, state="unjudged", scores=scores, details={**item.details, "judge": rating})
    marks = {name: float(rating.scores[name]) for name in CRITERIA}
    scores |= marks | {"total": 10 * sum(marks.values())}
    return replace(item, scores=scores, details={**item.details, "judge": rating.reason})


def _said(answers: Path, rejects: Path | None) -> dict[str, tuple[str, dict[str, Any], str | None]]:
    """The place, the row and the response of each id; a reject has no response."""
    found: dict[str, tuple[str, dict[str, Any], str | None]] = {}
    # Where every row was rejected there is no file of answers.
    for path in [path for path in (answers, rejects) if path is not None and path.exists()] or [answers]:
        for where, row in read_rows(path):
            key = row.get("id")
            if not isinstance(key, str) or not key:
                raise InputError(where, "id", f"is {quoted(key)}", "keep the ids of the questions")
            if key in found:
                remedy = "keep one line of the two: which is the answer?"
                raise InputError(where, "id", f"{quoted(key)} is that of {found[key][0]} too", remedy)
            found[key] = where, row, None if path == rejects else _response(row, where)
    return found


def _response(row: Mapping[str, Any], where: str) -> str | None:
    response, messages = row.get("response"), row.get("messages")
    if response is None and isinstance(messages, list) and messages and isinstance(messages[-1], dict):
        response = messages[-1].get("content") if messages[-1].get("role") == "assistant" else None
    if response is None and "response" in row:
        return None
    if not isinstance(response, str):
        remedy = 'write {"id", "response": text}, with null where there is no answer'
        raise InputError(where, "response", f"is {quoted(response)}", remedy)
    return writable(response)
